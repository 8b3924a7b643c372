//! Items, matrices and counts as the till prints them.

use super::super::world::State;
use super::numbers::net_price;
use super::shape::{Row, dec, one_or_many, row, s, time};
use crate::domain::money::Fine;
use serde_json::{Value, json};

/// Shelves say that goods run low from here on, when nobody has said anything else.
const REORDER: (i64, i64) = (0, 0);

/// The matrix an item belongs to, or "0".
pub(super) fn matrix_id(state: &State, item: usize) -> String {
    matrix_of(state, item).map_or_else(|| "0".to_owned(), |matrix| (matrix + 1).to_string())
}

/// The place of an item's matrix.
pub(super) fn matrix_of(state: &State, item: usize) -> Option<usize> {
    match state.r.items.get(&item) {
        Some(notes) if notes.matrix.is_some() || notes.created.is_some() => notes.matrix,
        _ => state.range.items.get(item).map(|row| row.style).filter(|style| *style < state.range.styles.len()),
    }
}

/// What people call an item.
fn description(state: &State, item: usize) -> String {
    let Some(row) = state.range.items.get(item) else { return String::new() };
    let style = state.range.styles.get(row.style).map(|style| style.name.as_str()).unwrap_or_default();
    format!("{style} {} {}", row.colour, row.size)
}

/// What an item costs a customer, without tax.
pub(super) fn price(state: &State, item: usize) -> Fine {
    state.range.items.get(item).map_or(Fine::ZERO, |row| net_price(row.price))
}

pub(super) fn item(state: &State, at: usize) -> Row {
    let (Some(item), Some(product)) = (state.range.items.get(at), state.till.products.get(at)) else {
        return Row::new();
    };
    let notes = state.r.items.get(&at);
    let created = notes.and_then(|notes| notes.created).unwrap_or(state.till.opened_at);
    let cost = dec(Fine(item.cost.0 * 1_000));
    let mut shown = row([
        ("itemID", s(at + 1)),
        ("systemSku", s(210_000_000_007_usize + at)),
        ("defaultCost", cost.clone()),
        ("avgCost", cost),
        ("discountable", s(true)),
        ("tax", s(true)),
        ("archived", s(!product.active)),
        ("itemType", s("default")),
        ("serialized", s(false)),
        ("description", s(description(state, at))),
        ("modelYear", s(0)),
        ("upc", s("")),
        ("ean", s(item.ean.as_deref().unwrap_or_default())),
        ("customSku", s(&item.till_sku)),
        ("manufacturerSku", s("")),
        ("createTime", time(created)),
        ("timeStamp", time(product.updated_at)),
        ("publishToEcom", s(false)),
        ("categoryID", s(0)),
        ("taxClassID", s(1)),
        ("departmentID", s(0)),
        ("itemMatrixID", s(matrix_id(state, at))),
        ("manufacturerID", s(0)),
        ("seasonID", s(0)),
        ("defaultVendorID", s(0)),
    ]);
    for (name, value) in notes.iter().flat_map(|notes| &notes.fields) {
        shown.insert(name.clone(), s(value));
    }
    let price_of = |amount: Value, id: u32, name: &str| json!({"amount": amount, "useTypeID": s(id), "useType": name});
    let prices = vec![price_of(dec(price(state, at)), 1, "Default"), price_of(s(0), 2, "MSRP")];
    shown.insert("Prices".into(), one_or_many("ItemPrice", prices));
    shown
}

/// Colour and size, and of which set.
pub(super) fn attributes(state: &State, at: usize) -> Option<Value> {
    let own = state.r.items.get(&at).and_then(|notes| notes.attributes.clone());
    let (set, [one, two, three]) = match own {
        Some(own) => own,
        None => {
            matrix_of(state, at)?;
            let item = state.range.items.get(at)?;
            (1, [item.colour.to_owned(), item.size.to_owned(), String::new()])
        }
    };
    Some(json!({"attribute1": one, "attribute2": two, "attribute3": three, "itemAttributeSetID": s(set)}))
}

/// One count; shop 0 is the sum of all.
pub(super) fn item_shop(state: &State, item: usize, shop: usize) -> Row {
    let Some(rows) = state.till.stock.get(item) else { return Row::new() };
    let qoh: i64 = match shop.checked_sub(1) {
        Some(outlet) => rows.get(outlet).map_or(0, |row| row.shown),
        None => rows.iter().map(|row| row.shown).sum(),
    };
    let held = |layaway: bool| -> i64 {
        let of = state.r.held.iter().filter(|held| !held.over && held.item == item && held.layaway == layaway);
        of.filter(|held| shop == 0 || held.shop + 1 == shop).map(|held| held.quantity).sum()
    };
    let (point, level) = state.r.reorder.get(&(item, shop)).copied().unwrap_or(REORDER);
    let kind = super::tables::Kind::ItemShop;
    let mut shown = row([
        ("itemShopID", s(kind.id(state, (item, shop)))),
        ("qoh", s(qoh)),
        ("sellable", s(qoh.max(0))),
        ("backorder", s(0)),
        ("componentQoh", s(0)),
        ("reorderPoint", s(point)),
        ("reorderLevel", s(level)),
        ("onLayaway", s(held(true))),
        ("onSpecialOrder", s(held(false))),
        ("onWorkorder", s(0)),
        ("onTransferOut", s(0)),
        ("onTransferIn", s(0)),
        ("timeStamp", kind.stamp(state, (item, shop)).map_or_else(|| s(""), time)),
        ("itemID", s(item + 1)),
        ("shopID", s(shop)),
    ]);
    if shop == 0 {
        let cost = state.range.items.get(item).map_or(Fine::ZERO, |row| Fine(row.cost.0 * 1_000));
        shown.insert("averageCost".into(), dec(cost));
    }
    shown
}

/// Items of a matrix, in their order.
pub(super) fn items_of(state: &State, matrix: usize) -> Vec<usize> {
    let own = |item: &usize| matrix_of(state, *item) == Some(matrix);
    let on_till = |item: &usize| state.range.items.get(*item).is_some_and(|row| row.on_till());
    (0..state.range.items.len()).filter(own).filter(on_till).collect()
}

pub(super) fn matrix(state: &State, at: usize) -> Row {
    let Some(matrix) = state.r.matrices.get(at) else { return Row::new() };
    let mut shown = row([
        ("itemMatrixID", s(at + 1)),
        ("description", s("")),
        ("tax", s(true)),
        ("defaultCost", s(0)),
        ("itemType", s("default")),
        ("serialized", s(false)),
        ("modelYear", s(0)),
        ("archived", s(matrix.archived)),
        ("timeStamp", time(matrix.changed)),
        ("itemAttributeSetID", s(matrix.set)),
        ("manufacturerID", s(0)),
        ("categoryID", s(0)),
        ("defaultVendorID", s(0)),
        ("taxClassID", s(1)),
        ("seasonID", s(0)),
        ("departmentID", s(0)),
    ]);
    for (name, value) in &matrix.fields {
        shown.insert(name.clone(), s(value));
    }
    let mut values: [Vec<Value>; 3] = Default::default();
    for attributes in items_of(state, at).into_iter().filter_map(|item| attributes(state, item)) {
        for (list, name) in values.iter_mut().zip(["attribute1", "attribute2", "attribute3"]) {
            let value = attributes[name].clone();
            if value != "" && !list.contains(&value) {
                list.push(value);
            }
        }
    }
    for (mut list, name) in values.into_iter().zip(["attribute1Values", "attribute2Values", "attribute3Values"]) {
        let value = match list.len() {
            0 => s(""),
            1 => list.pop().unwrap_or_default(),
            _ => Value::Array(list),
        };
        shown.insert(name.into(), value);
    }
    shown
}

/// The four sets there are.
pub(super) fn attribute_set(id: usize) -> Row {
    let (name, one, two, three) = match id {
        1 => ("Color/Size", "Color", "Size", ""),
        2 => ("Size", "", "Size", ""),
        3 => ("Color", "Color", "", ""),
        _ => ("3 Attributes", "Attribute 1", "Attribute 2", "Attribute 3"),
    };
    row([
        ("itemAttributeSetID", s(id)),
        ("name", s(name)),
        ("attributeName1", s(one)),
        ("attributeName2", s(two)),
        ("attributeName3", s(three)),
    ])
}

pub(super) fn logged(state: &State, at: usize) -> Row {
    let Some(entry) = state.r.log.get(at) else { return Row::new() };
    let cost = state.range.items.get(entry.item).map_or(0, |item| item.cost.0 * 1_000);
    row([
        ("inventoryLogID", s(at + 1)),
        ("itemID", s(entry.item + 1)),
        ("shopID", s(entry.shop + 1)),
        ("qohChange", s(entry.by)),
        ("costChange", dec(Fine(cost * entry.by))),
        ("createTime", time(entry.at)),
        ("automated", s(entry.sale.is_some())),
        ("causedNegative", s(entry.negative)),
        ("reason", s(entry.reason)),
        ("employeeID", s(1)),
        ("saleID", s(entry.sale.map_or(0, |sale| sale + 1))),
        ("orderID", s(0)),
        ("transferID", s(0)),
        ("inventoryCountID", s(0)),
        ("vendorReturnID", s(0)),
        ("customerID", s(0)),
        ("itemImportID", s(0)),
    ])
}
