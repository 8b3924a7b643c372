//! Changing stock: absolute counts and relative changes. A refusal is a user error on HTTP 200, and then
//! nothing of that call was done.

use super::super::auditor::SetRow;
use super::super::options::Fault;
use super::super::web::SELLING;
use super::super::world::State;
use super::input::{Refused, one_key};
use rand::Rng;
use serde_json::{Map, Value};

/// Percent of accepted writes that are not applied under F06.
const NOT_APPLIED_PERCENT: u32 = 5;

/// One row: item and quantity.
type Row = (usize, i64);

fn warehouse(state: &State, input: &Map<String, Value>, key: &str) -> Result<usize, Refused> {
    let path = ["input", key];
    let found = match one_key(input.get(key), &path)? {
        ("id", value) => value.as_i64().and_then(|id| state.web.warehouse_of(id)),
        _ => None,
    };
    found
        .ok_or_else(|| Refused("Could not find Warehouse with the given reference".into(), path.map(Into::into).into()))
}

fn rows(state: &State, input: &Map<String, Value>, quantity: &str) -> Result<Vec<Row>, Refused> {
    let list = input.get("productSizes").and_then(Value::as_array);
    let mut rows = Vec::new();
    for (k, row) in list.into_iter().flatten().enumerate() {
        let k = k.to_string();
        let path = ["input", "productSizes", k.as_str()];
        let (key, value) = one_key(row.get("productSize"), &path)?;
        let text = value.as_str().unwrap_or_default();
        let item = match key {
            "id" => value.as_i64().and_then(|id| state.web.item_by_size.get(&id)),
            "SKU" => state.web.item_by_sku.get(text),
            "EAN" => state.web.item_by_ean.get(text),
            "any" => state.web.item_by_sku.get(text).or_else(|| state.web.item_by_ean.get(text)),
            _ => None,
        };
        let units = row.get(quantity).and_then(Value::as_i64).unwrap_or(-1);
        let refused = |message: String| Err(Refused(message, path.map(Into::into).into()));
        match item {
            None => return refused(format!("Could not find ProductSize with {key} {value}")),
            Some(_) if units < 0 => return refused("Quantity can not be negative.".into()),
            Some(item) => rows.push((*item, units)),
        }
    }
    Ok(rows)
}

fn description(input: &Map<String, Value>) -> &str {
    input.get("description").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn set_stock(state: &mut State, input: &Map<String, Value>) -> Result<i64, Refused> {
    let place = warehouse(state, input, "warehouse")?;
    let mut rows = rows(state, input, "quantity")?;
    if input.get("stockQuantityType").and_then(Value::as_str) == Some("FREE_TO_ALLOCATE") {
        for (item, units) in &mut rows {
            *units += state.web.shelf(*item, place).allocated;
        }
    }
    state
        .may_set(&rows, place)
        .map_err(|(k, message)| Refused(message, vec!["input".into(), "productSizes".into(), k.to_string()]))?;
    let (now, grace) = (state.now, state.options.write_grace);
    for (item, units) in &rows {
        let shelf = state.web.shelf(*item, place);
        let sku = state.range.items.get(*item).map(|i| i.sku.clone()).unwrap_or_default();
        let row = SetRow {
            item: *item,
            sku: &sku,
            physical: *units,
            allocated: shelf.allocated,
            demand: shelf.demand,
            unseen: 0,
            selling: place == SELLING,
        };
        state.books.judge_set(row, grace, now);
    }
    if state.has(Fault::F06) && state.fate.random_range(0..100) < NOT_APPLIED_PERCENT {
        state.count_case(Fault::F06);
        for (item, _) in &rows {
            state.books.changed_unseen(*item, now);
        }
        return Ok(state.set_rows(&[], place, description(input)));
    }
    for (item, _) in &rows {
        state.books.done_as(description(input), *item);
    }
    Ok(state.set_rows(&rows, place, description(input)))
}

pub(super) fn change_stock(state: &mut State, input: &Map<String, Value>) -> Result<i64, Refused> {
    let rows = rows(state, input, "deliveredQuantity")?;
    let from = input.get("outFromWarehouse").map(|_| warehouse(state, input, "outFromWarehouse")).transpose()?;
    let into = input.get("intoWarehouse").map(|_| warehouse(state, input, "intoWarehouse")).transpose()?;
    let refused = |message: String| Refused(message, vec!["input".into(), "productSizes".into(), "0".into()]);
    if from.is_none() && into.is_none() {
        return Err(Refused("A warehouse must be given.".into(), vec!["input".into()]));
    }
    let minus: Vec<Row> = rows.iter().map(|(item, units)| (*item, -units)).collect();
    let mut id = 0;
    if let Some(place) = from {
        id = state.change_physical(&minus, place, description(input)).map_err(refused)?;
    }
    if let Some(place) = into {
        id = state.change_physical(&rows, place, description(input)).map_err(refused)?;
    }
    let now = state.now;
    for (item, _) in &rows {
        let sku = state.range.items.get(*item).map(|i| i.sku.clone()).unwrap_or_default();
        state.books.judge_change(&sku, now);
        state.books.done_as(description(input), *item);
    }
    Ok(id)
}
