//! Lines that wait for a customer: goods taken from the shelf (layaway), or to be ordered.

use super::super::till::SAVED;
use super::super::world::State;
use super::account::{Held, Special};
use super::query::Asked;
use super::registers::employee;
use super::sales::find_line;
use super::shape::{text, truth, whole};
use super::tables::Kind;
use super::write_sales::{customer, item_of};
use super::{Refusal, Said, find, written};
use serde_json::Value;

/// Puts goods aside, or notes that they are to be ordered.
pub(super) fn create(state: &mut State, body: &Value, asked: &Asked) -> Said {
    let (layaway, special) = (truth(&body["isLayaway"]) == Some(true), truth(&body["isSpecialOrder"]) == Some(true));
    if layaway == special {
        return Err(Refusal::bad("A SaleLine without a sale must be a layaway or a special order"));
    }
    let shop = find(state, Kind::Shop, &text(&body["shopID"]).unwrap_or_default())?.0;
    let item = item_of(state, body)?.ok_or_else(|| Refusal::bad("itemID is required"))?;
    let customer = customer(state, &body["customerID"])?;
    if customer == 0 {
        return Err(Refusal::bad("customerID is required"));
    }
    let employee = employee(&body["employeeID"])?;
    let quantity = whole(&body["unitQuantity"]).unwrap_or(0);
    let full = truth(&body["requireFullReservation"]) == Some(true) && layaway;
    let reserved = if layaway { possible(state, item, shop, quantity, full)? } else { 0 };
    let drawn = super::super::text::uuid(&mut state.ids);
    let id = state.till.line_id(drawn);
    let now = state.now;
    let held = Held {
        id: id.clone(),
        item,
        shop,
        customer,
        employee,
        quantity,
        reserved,
        layaway,
        at: now,
        changed: now,
        over: false,
    };
    state.r.held.push(held);
    if layaway {
        state.r_reserve(item, shop, reserved);
    } else {
        state.r.specials.push(Special {
            line: id,
            customer,
            shop,
            quantity,
            changed: now,
            completed: false,
            over: false,
        });
    }
    let at = (usize::MAX, state.r.held.len() - 1);
    written(state, Kind::SaleLine, at, &[], asked)
}

/// How many of so many units the shelf can give; without `full` it gives what there is, and says nothing.
fn possible(state: &State, item: usize, shop: usize, wanted: i64, full: bool) -> Result<i64, Refusal> {
    let there = free(state, item, shop).max(0);
    if full && there < wanted {
        return Err(Refusal::cannot(&format!("Only {there} of {wanted} units can be reserved")));
    }
    Ok(there.min(wanted).max(0))
}

fn held(state: &State, id: &str) -> Result<usize, Refusal> {
    let number = id.parse().map_err(|_| Refusal::no_row(Kind::SaleLine, id))?;
    match find_line(state, number) {
        Some((usize::MAX, k)) => Ok(k),
        Some((sale, _)) if state.till.sales.get(sale).is_some_and(|sale| sale.status != SAVED) => {
            Err(Refusal::bad("The sale of this line is completed"))
        }
        Some(_) => Err(Refusal::bad("Change this line through its sale")),
        None => Err(Refusal::no_row(Kind::SaleLine, id)),
    }
}

/// Gives everything back to the shelf and takes anew what is wished now.
pub(super) fn change(state: &mut State, id: &str, body: &Value, asked: &Asked) -> Said {
    let k = held(state, id)?;
    let Some(before) = state.r.held.get(k).cloned() else { return Err(Refusal::no_row(Kind::SaleLine, id)) };
    let mut after = before.clone();
    if let Some(quantity) = whole(&body["unitQuantity"]) {
        after.quantity = quantity;
    }
    if let Some(shop) = text(&body["shopID"]) {
        after.shop = find(state, Kind::Shop, &shop)?.0;
    }
    if !body["customerID"].is_null() {
        after.customer = customer(state, &body["customerID"])?;
    }
    if let Some(sale) = text(&body["saleID"]).filter(|sale| sale != "0") {
        let line = serde_json::json!({"SaleLines": {"SaleLine": {"saleLineID": id}}, "customerID": before.customer});
        let at = find(state, Kind::Sale, &sale)?.0;
        let customers = state.r.sales.get(&at).map_or(0, |notes| notes.customer);
        if customers != before.customer {
            return Err(Refusal::cannot("The line waits for another customer"));
        }
        super::write_sales::change(state, &sale, &line, &Asked::default())?;
        let number = id.parse().unwrap_or(0);
        let at = find_line(state, number).ok_or_else(|| Refusal::no_row(Kind::SaleLine, id))?;
        return written(state, Kind::SaleLine, at, &[], asked);
    }
    let full = truth(&body["requireFullReservation"]) == Some(true) && after.layaway;
    if after.layaway {
        let there = free(state, after.item, after.shop);
        let own = if after.shop == before.shop { before.reserved } else { 0 };
        if full && there + own < after.quantity {
            return Err(Refusal::cannot("Not enough units can be reserved"));
        }
        if after.shop == before.shop {
            after.reserved = (there.max(0) + own).min(after.quantity).max(0);
            state.r_reserve(after.item, after.shop, after.reserved - before.reserved);
        } else {
            after.reserved = there.max(0).min(after.quantity).max(0);
            state.r_reserve(before.item, before.shop, -before.reserved);
            state.r_reserve(after.item, after.shop, after.reserved);
        }
    }
    after.changed = state.now;
    let (line, quantity, now) = (after.id.clone(), after.quantity, state.now);
    if let Some(slot) = state.r.held.get_mut(k) {
        *slot = after;
    }
    for special in state.r.specials.iter_mut().filter(|special| special.line == line) {
        (special.quantity, special.changed) = (quantity, now);
    }
    written(state, Kind::SaleLine, (usize::MAX, k), &[], asked)
}

/// Nobody waits any more: the goods go back to the shelf.
pub(super) fn give_up(state: &mut State, id: &str, asked: &Asked) -> Said {
    let k = held(state, id)?;
    let shown = written(state, Kind::SaleLine, (usize::MAX, k), &[], asked)?;
    let Some(held) = state.r.held.get_mut(k) else { return Err(Refusal::no_row(Kind::SaleLine, id)) };
    held.over = true;
    let (item, shop, reserved, line) = (held.item, held.shop, held.reserved, held.id.clone());
    for special in state.r.specials.iter_mut().filter(|special| special.line == line) {
        special.over = true;
    }
    state.r_reserve(item, shop, -reserved);
    Ok(shown)
}

/// Units on the shelf that wait for nobody.
fn free(state: &State, item: usize, shop: usize) -> i64 {
    let there = state.till.stock.get(item).and_then(|rows| rows.get(shop)).map_or(0, |row| row.on_hand);
    let waiting = state.r.held.iter().filter(|held| !held.over && (held.item, held.shop) == (item, shop));
    match state.r.quirks.layaway_counted {
        true => there - waiting.map(|held| held.reserved).sum::<i64>(),
        false => there,
    }
}

impl State {
    /// Puts so many more units aside, or back.
    pub(super) fn r_reserve(&mut self, item: usize, shop: usize, units: i64) {
        if !self.r.quirks.layaway_counted {
            let why = if units > 0 { "RemoveForLayaway" } else { "PutBackForTransaction" };
            self.r_adjust(item, shop, -units, why);
        }
    }
}
