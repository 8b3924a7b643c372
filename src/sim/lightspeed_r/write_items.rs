//! Items and matrices that are written over the wire. A count is set, never changed by so many, and setting one does
//! not touch the item itself.

use super::super::catalogue::{Dirt, Item};
use super::super::till::{Product, Row, TAX_PERCENT};
use super::super::world::State;
use super::account::{ItemNotes, Matrix};
use super::query::Asked;
use super::shape::{amount, nested, text, truth, whole};
use super::tables::Kind;
use super::{Refusal, Said, find, show, written};
use crate::domain::money::{Fine, Minor};
use serde_json::Value;

/// Scalars that can be written as they are.
const FIELDS: [&str; 15] = [
    "description",
    "upc",
    "manufacturerSku",
    "discountable",
    "tax",
    "itemType",
    "serialized",
    "modelYear",
    "publishToEcom",
    "categoryID",
    "taxClassID",
    "departmentID",
    "manufacturerID",
    "seasonID",
    "defaultVendorID",
];

/// What an answer to a written item shows beside the item.
const SHOWN: [&str; 2] = ["ItemShops", "ItemAttributes"];

fn code(body: &Value, name: &str) -> Result<Option<String>, Refusal> {
    let Some(code) = text(&body[name]).map(|code| code.trim().to_owned()) else { return Ok(None) };
    let digits = code.bytes().all(|byte| byte.is_ascii_digit()) && (11..=14).contains(&code.len());
    if digits || code.is_empty() {
        return Ok(Some(code));
    }
    Err(Refusal::cannot(&format!("{name} must have 11 to 14 digits")))
}

fn upc(state: &State, at: usize) -> Option<&String> {
    state.r.items.get(&at).and_then(|notes| notes.fields.get("upc")).filter(|upc| !upc.is_empty())
}

/// Refuses what two items would carry.
fn unshared(state: &State, own: Option<usize>, ean: Option<&str>, upc_code: Option<&str>) -> Result<(), Refusal> {
    let others = || state.range.items.iter().enumerate().filter(|(at, item)| Some(*at) != own && item.on_till());
    if ean.is_some_and(|ean| !ean.is_empty() && others().any(|(_, item)| item.ean.as_deref() == Some(ean))) {
        return Err(Refusal::cannot("EAN is already in use."));
    }
    let taken = |code: &str| others().any(|(at, _)| upc(state, at).is_some_and(|own| own == code));
    if upc_code.is_some_and(|code| !code.is_empty() && taken(code)) {
        return Err(Refusal::cannot("UPC is already in use."));
    }
    Ok(())
}

/// The default price that a body sets, as the till keeps it: with tax.
fn gross(body: &Value) -> Option<Minor> {
    let prices = nested(body, "Prices", "ItemPrice");
    let default = prices.into_iter().find(|price| match (whole(&price["useTypeID"]), text(&price["useType"])) {
        (Some(id), _) => id == 1,
        (None, Some(name)) => name == "Default",
        (None, None) => true,
    })?;
    let net = amount(&default["amount"])?;
    Some(Fine(net.0 * (100 + TAX_PERCENT) / 100).to_minor())
}

fn attributes(state: &State, body: &Value, matrix: Option<usize>) -> Result<Option<(usize, [String; 3])>, Refusal> {
    let given = &body["ItemAttributes"];
    if !given.is_object() {
        return Ok(None);
    }
    let set = matrix.and_then(|matrix| state.r.matrices.get(matrix)).map(|matrix| matrix.set);
    let set = set.ok_or_else(|| Refusal::bad("ItemAttributes need an itemMatrixID"))?;
    let named = whole(&given["itemAttributeSetID"]);
    if named.is_some_and(|named| usize::try_from(named) != Ok(set)) {
        return Err(Refusal::bad("The attribute set is not that of the matrix"));
    }
    let value = |name: &str| text(&given[name]).unwrap_or_default();
    Ok(Some((set, [value("attribute1"), value("attribute2"), value("attribute3")])))
}

/// The counts that a body sets: shop and what is there.
fn counts(state: &State, body: &Value, item: Option<usize>) -> Result<Vec<(usize, i64)>, Refusal> {
    let shops = state.till.outlets.len();
    let mut out = Vec::new();
    for row in nested(body, "ItemShops", "ItemShop") {
        let by_row = whole(&row["itemShopID"]).and_then(|id| usize::try_from(id - 1).ok());
        let by_row = by_row.filter(|at| item == Some(at / (shops + 1))).map(|at| at % (shops + 1));
        let shop = match whole(&row["shopID"]) {
            Some(shop) => usize::try_from(shop).ok(),
            None => by_row,
        };
        let shop = shop.ok_or_else(|| Refusal::bad("itemShopID or shopID is required"))?;
        let Some(outlet) = shop.checked_sub(1).filter(|outlet| *outlet < shops) else {
            return Err(Refusal::bad(&format!("There is no shop {shop} whose count could be set")));
        };
        if let Some(qoh) = whole(&row["qoh"]) {
            out.push((outlet, qoh));
        }
    }
    Ok(out)
}

fn set_counts(state: &mut State, item: usize, counts: Vec<(usize, i64)>) {
    for (outlet, qoh) in counts {
        let there = state.till.stock.get(item).and_then(|rows| rows.get(outlet)).map_or(0, |row| row.on_hand);
        state.r_adjust(item, outlet, qoh - there, "ManualQuantityAdjustment");
    }
}

fn matrix_of(state: &State, body: &Value) -> Result<Option<usize>, Refusal> {
    match text(&body["itemMatrixID"]).as_deref() {
        None | Some("0" | "") => Ok(None),
        Some(id) => Ok(Some(find(state, Kind::ItemMatrix, id)?.0)),
    }
}

pub(super) fn create(state: &mut State, body: &Value) -> Said {
    if text(&body["description"]).is_none_or(|words| words.trim().is_empty()) {
        return Err(Refusal::bad("Item not created. An Item must have a description."));
    }
    let (ean, upc) = (code(body, "ean")?, code(body, "upc")?);
    unshared(state, None, ean.as_deref(), upc.as_deref())?;
    let matrix = matrix_of(state, body)?;
    let attributes = attributes(state, body, matrix)?;
    let wanted = counts(state, body, None)?;
    let item = state.range.items.len();
    let sku = text(&body["customSku"]).unwrap_or_default();
    let cost = amount(&body["defaultCost"]).map_or(Minor::ZERO, Fine::to_minor);
    let name = if sku.is_empty() { format!("item {}", item + 1) } else { sku.clone() };
    state.range.items.push(Item {
        style: usize::MAX,
        variant: usize::MAX,
        colour: "",
        size: "",
        sku: name.clone(),
        till_sku: sku,
        size_number: String::new(),
        ean: ean.filter(|ean| !ean.is_empty()),
        price: gross(body).unwrap_or(Minor::ZERO),
        cost,
        product_id: (item + 1).to_string(),
        size_id: -1,
        // The shop does not know of it.
        dirt: Some(Dirt::TillOnly),
    });
    state.name_item(name, item);
    state.r.items.insert(item, ItemNotes { matrix, attributes, created: Some(state.now), ..ItemNotes::default() });
    put_on_shelf(state, item);
    set_fields(state, item, body);
    set_counts(state, item, wanted);
    written(state, Kind::Item, (item, 0), &SHOWN, &Asked::default())
}

/// Every shop has a row for a new item, and nothing of it.
fn put_on_shelf(state: &mut State, item: usize) {
    let (now, id) = (state.now, (item + 1).to_string());
    let version = state.till.next_version();
    state.till.products.push(Product { version, active: true, updated_at: now });
    state.till.product_by_version.insert(version, item);
    state.till.product_by_id.insert(id.clone(), item);
    state.till.product_ids.push(id);
    let mut rows = Vec::new();
    for outlet in 0..state.till.outlets.len() {
        let version = state.till.next_version();
        rows.push(Row { id: format!("{}-{outlet}", item + 1), on_hand: 0, shown: 0, version });
        state.till.stock_by_version.insert(version, (item, outlet));
        state.books.marks.count_recorded(item, outlet, version, now);
    }
    state.till.stock.push(rows);
    state.note(&format!("till item {item} created"));
}

/// Writes what is in the body; whether there was anything.
fn set_fields(state: &mut State, item: usize, body: &Value) -> bool {
    let notes = state.r.items.entry(item).or_default();
    let mut any = false;
    for name in FIELDS {
        if let Some(value) = text(&body[name]) {
            notes.fields.insert(name.into(), value);
            any = true;
        }
    }
    let Some(row) = state.range.items.get_mut(item) else { return any };
    if let Some(sku) = text(&body["customSku"]) {
        row.till_sku = sku;
        any = true;
    }
    if let Some(ean) = text(&body["ean"]) {
        row.ean = Some(ean).filter(|ean| !ean.is_empty());
        any = true;
    }
    if let Some(price) = gross(body) {
        row.price = price;
        any = true;
    }
    if let Some(cost) = amount(&body["defaultCost"]) {
        row.cost = cost.to_minor();
        any = true;
    }
    any
}

/// The item itself changed.
fn touch(state: &mut State, item: usize) {
    let active = state.till.products.get(item).is_some_and(|product| product.active);
    state.archive(item, active);
}

pub(super) fn change(state: &mut State, id: &str, body: &Value) -> Said {
    let item = find(state, Kind::Item, id)?.0;
    let (ean, upc_code) = (code(body, "ean")?, code(body, "upc")?);
    // The barcode is looked at with every write, also when it is not written.
    let row = state.range.items.get(item);
    let ean = ean.or_else(|| row.and_then(|row| row.ean.clone()));
    let upc_code = upc_code.or_else(|| upc(state, item).cloned());
    unshared(state, Some(item), ean.as_deref(), upc_code.as_deref())?;
    let active = state.till.products.get(item).is_some_and(|product| product.active);
    let archived = truth(&body["archived"]);
    if archived == Some(true) && active {
        return Err(Refusal::bad("An Item is archived by DELETE"));
    }
    let matrix = matrix_of(state, body)?;
    let attributes = attributes(state, body, matrix.or_else(|| show::matrix_of(state, item)))?;
    let wanted = counts(state, body, Some(item))?;
    let mut touched = set_fields(state, item, body);
    if matrix.is_some() || attributes.is_some() {
        let own = show::matrix_of(state, item);
        let notes = state.r.items.entry(item).or_default();
        notes.matrix = matrix.or(notes.matrix).or(own);
        notes.attributes = attributes.or(notes.attributes.take());
        touched = true;
    }
    if archived == Some(false) && !active {
        state.archive(item, true);
    } else if touched {
        touch(state, item);
    }
    set_counts(state, item, wanted);
    written(state, Kind::Item, (item, 0), &SHOWN, &Asked::default())
}

/// Archives an item; its stock is gone.
pub(super) fn archive(state: &mut State, id: &str) -> Said {
    let item = find(state, Kind::Item, id)?.0;
    archive_item(state, item);
    written(state, Kind::Item, (item, 0), &[], &Asked::default())
}

fn archive_item(state: &mut State, item: usize) {
    state.archive(item, false);
    for outlet in 0..state.till.outlets.len() {
        let there = state.till.stock.get(item).and_then(|rows| rows.get(outlet)).map_or(0, |row| row.on_hand);
        state.r_adjust(item, outlet, -there, "RemoveForArchiveItem");
    }
}

/// When goods are to be ordered again. The count itself is set through the item only.
pub(super) fn reorder(state: &mut State, id: &str, body: &Value) -> Said {
    let at = find(state, Kind::ItemShop, id)?;
    let before = state.r.reorder.get(&at).copied().unwrap_or_default();
    let (point, level) = (whole(&body["reorderPoint"]), whole(&body["reorderLevel"]));
    state.r.reorder.insert(at, (point.unwrap_or(before.0), level.unwrap_or(before.1)));
    written(state, Kind::ItemShop, at, &[], &Asked::default())
}

fn set_matrix(matrix: &mut Matrix, body: &Value) {
    for name in FIELDS {
        if let Some(value) = text(&body[name]) {
            matrix.fields.insert(name.into(), value);
        }
    }
    if let Some(cost) = text(&body["defaultCost"]) {
        matrix.fields.insert("defaultCost".into(), cost);
    }
}

pub(super) fn create_matrix(state: &mut State, body: &Value) -> Said {
    if text(&body["description"]).is_none_or(|words| words.trim().is_empty()) {
        return Err(Refusal::bad("ItemMatrix not created. An ItemMatrix must have a description."));
    }
    let set = whole(&body["itemAttributeSetID"]).and_then(|set| usize::try_from(set).ok());
    let set = set.filter(|set| (1..=4).contains(set));
    let set = set.ok_or_else(|| Refusal::bad("ItemMatrix not created. It must have an itemAttributeSetID."))?;
    let now = state.now;
    let mut matrix = Matrix { set, changed: now, ..Matrix::default() };
    set_matrix(&mut matrix, body);
    state.r.matrices.push(matrix);
    let at = state.r.matrices.len() - 1;
    state.note(&format!("till matrix {at} created"));
    written(state, Kind::ItemMatrix, (at, 0), &[], &Asked::default())
}

pub(super) fn change_matrix(state: &mut State, id: &str, body: &Value) -> Said {
    let at = find(state, Kind::ItemMatrix, id)?.0;
    let now = state.now;
    if let Some(matrix) = state.r.matrices.get_mut(at) {
        set_matrix(matrix, body);
        matrix.changed = now;
        if truth(&body["archived"]) == Some(false) {
            matrix.archived = false;
        }
    }
    written(state, Kind::ItemMatrix, (at, 0), &[], &Asked::default())
}

/// Archives a matrix and all its items.
pub(super) fn archive_matrix(state: &mut State, id: &str) -> Said {
    let at = find(state, Kind::ItemMatrix, id)?.0;
    for item in show::items_of(state, at) {
        archive_item(state, item);
    }
    let now = state.now;
    if let Some(matrix) = state.r.matrices.get_mut(at) {
        (matrix.archived, matrix.changed) = (true, now);
    }
    written(state, Kind::ItemMatrix, (at, 0), &[], &Asked::default())
}
