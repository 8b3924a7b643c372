//! Counting a shop: a count is begun, items are counted into it, and it is reconciled once and for all.

use super::super::world::State;
use super::shape::{dec, s, text, time, whole};
use super::tables::Kind;
use super::{Refusal, Said, find};
use crate::domain::money::Fine;
use http::StatusCode;
use serde_json::{Value, json};

/// A count that is under way or done.
#[derive(Debug, Clone)]
pub(super) struct Stocktake {
    shop: usize,
    /// Item and what was found of it.
    counted: Vec<(usize, i64)>,
    done: bool,
}

fn of(state: &State, body: &Value) -> Result<usize, Refusal> {
    let id = whole(&body["inventoryCountID"]).and_then(|id| usize::try_from(id - 1).ok());
    let at = id.filter(|at| *at < state.r.stocktakes.len());
    at.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Object of type 'InventoryCount' not found."))
}

/// Begins a count of a shop.
pub(super) fn begin(state: &mut State, body: &Value) -> Said {
    let shop = find(state, Kind::Shop, &text(&body["shopID"]).unwrap_or_default())?.0;
    let name = text(&body["name"]).ok_or_else(|| Refusal::bad("name is required"))?;
    let begun = state.now;
    state.r.stocktakes.push(Stocktake { shop, counted: Vec::new(), done: false });
    let row = json!({
        "inventoryCountID": s(state.r.stocktakes.len()), "name": name, "shopID": s(shop + 1), "archived": "false",
        "timeStamp": time(begun),
    });
    Ok((json!({"@attributes": {}, "InventoryCount": row}), Vec::new()))
}

/// Counts an item; counting it again adds to what was found.
pub(super) fn count(state: &mut State, body: &Value) -> Said {
    let at = of(state, body)?;
    let item = find(state, Kind::Item, &text(&body["itemID"]).unwrap_or_default())?.0;
    let found = whole(&body["qty"]).ok_or_else(|| Refusal::bad("qty is required"))?;
    let now = state.now;
    let stocktake = state.r.stocktakes.get_mut(at).filter(|stocktake| !stocktake.done);
    let stocktake = stocktake.ok_or_else(|| Refusal::bad("The count is reconciled already"))?;
    stocktake.counted.push((item, found));
    let row = json!({
        "inventoryCountItemID": s(stocktake.counted.len()), "qty": s(found), "timeStamp": time(now),
        "inventoryCountID": s(at + 1), "itemID": s(item + 1), "employeeID": s(whole(&body["employeeID"]).unwrap_or(1)),
    });
    Ok((json!({"@attributes": {}, "InventoryCountItem": row}), Vec::new()))
}

/// What was counted becomes the count, of one item or of all that were counted.
pub(super) fn reconcile(state: &mut State, body: &Value) -> Said {
    let at = of(state, body)?;
    let only = whole(&body["itemID"]).and_then(|id| usize::try_from(id - 1).ok());
    let stocktake = state.r.stocktakes.get(at).cloned().filter(|stocktake| !stocktake.done);
    let stocktake = stocktake.ok_or_else(|| Refusal::bad("The count is reconciled already"))?;
    let mut items: Vec<usize> = stocktake.counted.iter().map(|(item, _)| *item).collect();
    items.sort_unstable();
    items.dedup();
    items.retain(|item| only.is_none_or(|only| only == *item));
    let (mut units, mut cost) = (0, 0);
    for item in items {
        let found: i64 = stocktake.counted.iter().filter(|(own, _)| *own == item).map(|(_, found)| found).sum();
        let there = state.till.stock.get(item).and_then(|rows| rows.get(stocktake.shop)).map_or(0, |row| row.on_hand);
        units += found - there;
        cost += (found - there) * state.range.items.get(item).map_or(0, |row| row.cost.0 * 1_000);
        state.r_adjust(item, stocktake.shop, found - there, "AddInventoryForCount");
    }
    if let Some(stocktake) = state.r.stocktakes.get_mut(at) {
        match only {
            Some(only) => stocktake.counted.retain(|(item, _)| *item != only),
            None => stocktake.done = true,
        }
    }
    let row = json!({
        "inventoryCountReconcileID": s(at + 1), "createTime": time(state.now), "qohChange": s(units),
        "costChange": dec(Fine(cost)), "inventoryCountID": s(at + 1),
    });
    Ok((json!({"@attributes": {}, "InventoryCountReconcile": row}), Vec::new()))
}
