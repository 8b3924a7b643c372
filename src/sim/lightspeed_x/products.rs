//! Products that are written over the wire: families, variants, codes, archiving, and counts that are typed in.

use super::super::catalogue::{Dirt, Item};
use super::super::text;
use super::super::till::{Product, Row, TAX_PERCENT};
use super::super::world::State;
use super::account::{Attribute, Family, ItemNotes};
use super::parse::{self, Tried, cannot, rows, units};
use super::write_sales::outlet;
use super::{Query, Said, not_found, rest};
use crate::domain::money::{Fine, Minor};
use http::StatusCode;
use serde_json::{Value, json};

const CODES: [&str; 6] = ["CUSTOM", "EAN", "ISBN", "ITF", "JAN", "UPC"];
/// The most attributes of a variant.
const MOST_ATTRIBUTES: usize = 3;
/// The most variants of a product.
const MOST_VARIANTS: usize = 200;

/// One product as it was asked for.
struct Wish {
    sku: Option<String>,
    codes: Vec<(String, String)>,
    price: Option<Minor>,
    cost: Option<Minor>,
    options: Vec<(String, String)>,
    counts: Vec<(usize, i64)>,
}

fn ok(body: Value) -> Said {
    (StatusCode::OK, body, Vec::new())
}

pub(super) fn create(state: &mut State, body: &Value) -> Said {
    made(state, body).unwrap_or_else(|refusal| refusal)
}

pub(super) fn change(state: &mut State, id: &str, body: &Value) -> Said {
    let Some(item) = state.till.product_by_id.get(id).copied() else { return not_found() };
    changed(state, item, body).unwrap_or_else(|refusal| refusal)
}

/// The price with tax that a body sets. This store's prices have it.
fn price(body: &Value) -> Tried<Option<Minor>> {
    let (with, without) = (&body["price_including_tax"], &body["price_excluding_tax"]);
    let read =
        |value: &Value| parse::fine(value).filter(|price| price.0 >= 0).ok_or_else(|| cannot("A price is wrong"));
    match (with.is_null(), without.is_null()) {
        (false, false) => Err(cannot("Send only one of price_including_tax and price_excluding_tax")),
        (false, true) => Ok(Some(read(with)?.to_minor())),
        (true, false) => Ok(Some(Fine(read(without)?.0 * (100 + TAX_PERCENT) / 100).to_minor())),
        (true, true) => Ok(None),
    }
}

fn codes(body: &Value) -> Tried<Vec<(String, String)>> {
    let mut out = Vec::new();
    for row in rows(&body["product_codes"]) {
        let code = parse::text(&row["code"]).ok_or_else(|| cannot("product_codes.code is required"))?;
        let kind = parse::text(&row["type"]).unwrap_or_else(|| "CUSTOM".to_owned());
        if !CODES.contains(&kind.as_str()) {
            return Err(cannot("product_codes.type is not known"));
        }
        out.push((kind, code));
    }
    Ok(out)
}

fn counts(state: &State, body: &Value) -> Tried<Vec<(usize, i64)>> {
    let mut out = Vec::new();
    for row in rows(&body["inventory"]) {
        let place = outlet(state, &parse::text(&row["outlet_id"]).unwrap_or_default())?;
        if !row["current_amount"].is_null() {
            let amount = units(&row["current_amount"]);
            out.push((place, amount.ok_or_else(|| cannot("inventory.current_amount must be a whole number"))?));
        }
    }
    Ok(out)
}

fn wish(state: &State, body: &Value) -> Tried<Wish> {
    let mut options: Vec<(String, String)> = Vec::new();
    let given = rows(&body["variant_definitions"]);
    if given.len() > MOST_ATTRIBUTES {
        return Err(cannot("A variant has three attributes at most"));
    }
    for row in given {
        let id = parse::text(&row["attribute_id"]).unwrap_or_default();
        let known = state.x.attributes.iter().find(|own| own.id == id);
        let name = known.ok_or_else(|| cannot("There is no such variant attribute"))?.name.clone();
        options.push((name, parse::text(&row["value"]).ok_or_else(|| cannot("A variant attribute has no value"))?));
    }
    Ok(Wish {
        sku: parse::text(&body["sku"]),
        codes: codes(body)?,
        price: price(body)?,
        cost: parse::fine(&body["supply_price"]).map(Fine::to_minor),
        options,
        counts: counts(state, body)?,
    })
}

fn made(state: &mut State, body: &Value) -> Tried<Said> {
    let name = parse::text(&body["name"]).ok_or_else(|| cannot("name is required"))?;
    let name = parse::without_cards(&name);
    let variants = rows(&body["variants"]);
    if variants.len() > MOST_VARIANTS {
        return Err(cannot("There are too many variants"));
    }
    let own = wish(state, body)?;
    let mut wishes = Vec::new();
    for variant in variants {
        let mut wish = wish(state, variant)?;
        wish.price = wish.price.or(own.price);
        wish.cost = wish.cost.or(own.cost);
        if wishes.iter().any(|other: &Wish| other.options == wish.options) {
            return Err(cannot("Two variants have the same attributes"));
        }
        wishes.push(wish);
    }
    if wishes.is_empty() {
        wishes.push(own);
    }
    let family = state.x.families.len();
    let handle = parse::text(&body["handle"]).unwrap_or_else(|| name.to_lowercase().replace(' ', "-"));
    state.x.families.push(Family {
        id: text::uuid(&mut state.x.chance),
        name,
        handle,
        description: parse::text(&body["description"]).unwrap_or_default(),
        tags: rows(&body["tag_ids"]).iter().filter_map(parse::text).collect(),
        items: Vec::new(),
    });
    let notes = ItemNotes {
        family: Some(family),
        created: Some(state.now),
        source: parse::text(&body["source"]),
        source_id: parse::text(&body["source_id"]),
        source_variant_id: parse::text(&body["source_variant_id"]),
        ..ItemNotes::default()
    };
    let active = body["is_active"].as_bool().unwrap_or(true);
    let ids: Vec<String> = wishes.into_iter().map(|wish| put_on_shelf(state, family, wish, &notes, active)).collect();
    Ok(ok(json!({"data": ids})))
}

/// Adds a product with a row at every outlet; its id.
fn put_on_shelf(state: &mut State, family: usize, wish: Wish, notes: &ItemNotes, active: bool) -> String {
    let (item, now) = (state.range.items.len(), state.now);
    let id = text::uuid(&mut state.x.chance);
    let first = wish.codes.iter().find(|(kind, _)| kind == "CUSTOM").map(|(_, code)| code.clone());
    let sku = wish.sku.or(first).unwrap_or_else(|| {
        state.x.sku += 1;
        state.x.sku.to_string()
    });
    let mut codes = wish.codes;
    if codes.iter().all(|(_, code)| *code != sku) {
        codes.insert(0, ("CUSTOM".to_owned(), sku.clone()));
    }
    let ean = codes.iter().find(|(kind, _)| kind == "EAN").map(|(_, code)| code.clone());
    state.range.items.push(Item {
        style: usize::MAX,
        variant: usize::MAX,
        colour: "",
        size: "",
        sku: sku.clone(),
        till_sku: sku.clone(),
        size_number: String::new(),
        ean,
        price: wish.price.unwrap_or(Minor::ZERO),
        cost: wish.cost.unwrap_or(Minor::ZERO),
        product_id: id.clone(),
        size_id: -1,
        // The shop does not know of it.
        dirt: Some(Dirt::TillOnly),
    });
    state.name_item(sku, item);
    state.x.items.insert(item, ItemNotes { options: Some(wish.options), codes: Some(codes), ..notes.clone() });
    if let Some(family) = state.x.families.get_mut(family) {
        family.items.push(item);
    }
    let version = state.till.next_version();
    state.till.products.push(Product { version, active, updated_at: now });
    state.till.product_by_version.insert(version, item);
    state.till.product_by_id.insert(id.clone(), item);
    state.till.product_ids.push(id.clone());
    let mut shelf = Vec::new();
    for outlet in 0..state.till.outlets.len() {
        let version = state.till.next_version();
        shelf.push(Row { id: text::uuid(&mut state.x.chance), on_hand: 0, shown: 0, version });
        state.till.stock_by_version.insert(version, (item, outlet));
        state.books.marks.count_recorded(item, outlet, version, now);
    }
    state.till.stock.push(shelf);
    state.note(&format!("till item {item} created"));
    let told = super::hooks::product(state, item);
    state.post_till("product.update", &told, None);
    set_counts(state, item, &wish.counts);
    id
}

/// Sets what is there, whatever was there.
fn set_counts(state: &mut State, item: usize, counts: &[(usize, i64)]) {
    for (outlet, amount) in counts {
        let there = state.till.stock.get(item).and_then(|rows| rows.get(*outlet)).map_or(0, |row| row.on_hand);
        state.x_at_once(|state| state.adjust_till(item, *outlet, amount - there, "typed"));
    }
}

fn changed(state: &mut State, item: usize, body: &Value) -> Tried<Said> {
    let (common, details) = (&body["common"], &body["details"]);
    if !common.is_object() && !details.is_object() {
        return Err(cannot("common or details is required"));
    }
    if details["variants"].is_array() || common["variants"].is_array() {
        return Err(cannot("Variants cannot be created by an update"));
    }
    let (price, codes, counts) = (price(details)?, codes(details)?, counts(state, details)?);
    let values = rows(&details["variant_attribute_values"]);
    let mut options = Vec::new();
    for row in values {
        let id = parse::text(&row["attribute_id"]).unwrap_or_default();
        let known = state.x.attributes.iter().find(|own| own.id == id);
        let name = known.ok_or_else(|| cannot("There is no such variant attribute"))?.name.clone();
        options.push((name, parse::text(&row["attribute_value"]).unwrap_or_default()));
    }
    let family = state.x_family(item);
    let members = family.map(|family| state.x_members(family)).unwrap_or_default();
    if let Some(own) = family.and_then(|family| state.x.families.get_mut(family)) {
        own.name = parse::text(&common["name"]).map_or_else(|| own.name.clone(), |name| parse::without_cards(&name));
        own.description = parse::text(&common["description"]).unwrap_or_else(|| own.description.clone());
        if common["tag_ids"].is_array() {
            own.tags = rows(&common["tag_ids"]).iter().filter_map(parse::text).collect();
        }
    }
    if let Some(tracked) = common["track_inventory"].as_bool() {
        members.iter().for_each(|at| state.x.items.entry(*at).or_default().untracked = !tracked);
    }
    if let Some(row) = state.range.items.get_mut(item) {
        row.price = price.unwrap_or(row.price);
        if details["product_codes"].is_array() {
            row.ean = codes.iter().find(|(kind, _)| kind == "EAN").map(|(_, code)| code.clone());
            row.till_sku = codes.first().map_or_else(|| row.till_sku.clone(), |(_, code)| code.clone());
        }
    }
    let notes = state.x.items.entry(item).or_default();
    if details["product_codes"].is_array() {
        notes.codes = Some(codes);
    }
    if !values.is_empty() {
        notes.options = Some(options);
    }
    let touched = if common.is_object() { members } else { vec![item] };
    match details["is_active"].as_bool() {
        Some(active) => state.archive(item, active),
        None => state.x_product_changed(item),
    }
    touched.into_iter().filter(|at| *at != item).for_each(|at| state.x_product_changed(at));
    set_counts(state, item, &counts);
    Ok(ok(json!({"data": rest::show_product(state, item)})))
}

/// Deletes a product, or its whole family: the rows stay, marked.
pub(super) fn delete(state: &mut State, id: &str, family: bool) -> Said {
    let Some(item) = state.till.product_by_id.get(id).copied() else { return not_found() };
    if state.x.deleted(item).is_some() {
        return not_found();
    }
    let members = state.x_family(item).filter(|_| family).map(|family| state.x_members(family));
    let now = state.now;
    for at in members.unwrap_or_else(|| vec![item]) {
        state.x.items.entry(at).or_default().deleted.get_or_insert(now);
        state.x_product_changed(at);
    }
    ok(Value::Null)
}

pub(super) fn attributes(state: &State) -> Said {
    let show = |own: &Attribute| json!({"id": own.id, "name": own.name});
    ok(json!({"data": state.x.attributes.iter().map(show).collect::<Vec<_>>()}))
}

pub(super) fn create_attribute(state: &mut State, body: &Value) -> Said {
    let Some(name) = parse::text(&body["name"]) else { return cannot("name is required") };
    if state.x.attributes.iter().any(|own| own.name.eq_ignore_ascii_case(&name)) {
        return cannot("There is such an attribute already");
    }
    let id = text::uuid(&mut state.x.chance);
    let now = text::offset(state.now);
    state.x.attributes.push(Attribute { id: id.clone(), name: name.clone() });
    let data = json!({"id": id, "name": name, "created_at": now, "updated_at": now});
    (StatusCode::CREATED, json!({"data": data}), Vec::new())
}

/// Products by SKU, which is to be written in lower case.
pub(super) fn search(state: &State, query: &Query) -> Said {
    if query.text("type") != Some("products") {
        return parse::bad("type must be sales or products");
    }
    let fits = |item: &Item| query.text("sku").is_none_or(|sku| item.till_sku.to_lowercase() == sku);
    let found = state.range.items.iter().enumerate().filter(|(_, item)| item.on_till() && fits(item));
    let (skip, take) = query.span(20, 1_000);
    let rows: Vec<Value> = found.skip(skip).take(take).map(|(at, _)| rest::show_product(state, at)).collect();
    ok(json!({"data": rows}))
}
