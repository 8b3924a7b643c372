//! Handing goods over: what waits at which outlet, picked, packed, fulfilled. Goods leave the count when fulfilled.

use super::super::till::{CLOSED, PENDING};
use super::super::world::State;
use super::account::{Event, Fulfilment, Portion, Way};
use super::parse::{Tried, bad, conflict, rows, text, units};
use super::write_sales::is_paid;
use super::{Query, Said, hooks, not_found};
use crate::sim::text as print;
use http::StatusCode;
use serde_json::{Value, json};

/// How far goods have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Pick,
    Pack,
    Fulfil,
}

impl Step {
    pub fn parse(word: &str) -> Option<Step> {
        match word {
            "pick" => Some(Step::Pick),
            "pack" => Some(Step::Pack),
            "fulfill" => Some(Step::Fulfil),
            _ => None,
        }
    }

    /// Moves units so far: picked before packed before fulfilled.
    fn advance(self, portion: &mut Portion, by: i64) -> Event {
        let before = portion.clone();
        let (kind, packed, fulfilled) = match self {
            Step::Pick => ("PICKED", 0, 0),
            Step::Pack => ("PACKED", portion.packed + by, 0),
            Step::Fulfil => ("FULFILLED", portion.fulfilled + by, portion.fulfilled + by),
        };
        portion.fulfilled = portion.fulfilled.max(fulfilled);
        portion.packed = portion.packed.max(packed).max(portion.fulfilled);
        portion.picked = if self == Step::Pick { portion.picked + by } else { portion.picked.max(portion.packed) };
        Event {
            kind,
            at: crate::domain::time::Timestamp(0),
            line: portion.line.clone(),
            item: portion.item,
            quantity: 0,
            picked: portion.picked - before.picked,
            packed: portion.packed - before.packed,
            fulfilled: portion.fulfilled - before.fulfilled,
        }
    }

    /// Units that have come so far already.
    fn done(self, portion: &Portion) -> i64 {
        match self {
            Step::Pick => portion.picked,
            Step::Pack => portion.packed,
            Step::Fulfil => portion.fulfilled,
        }
    }
}

fn word(one: &Fulfilment) -> &'static str {
    let all = |done: fn(&Portion) -> i64| one.lines.iter().all(|portion| done(portion) >= portion.quantity);
    if all(|portion| portion.fulfilled) {
        "FULFILLED"
    } else if all(|portion| portion.packed) {
        "PACKED"
    } else if all(|portion| portion.picked) {
        "PICKED"
    } else if one.lines.iter().any(|portion| portion.picked > 0) {
        "STARTED"
    } else {
        "OPEN"
    }
}

fn event(kind: &'static str, at: crate::domain::time::Timestamp, portion: &Portion, quantity: i64) -> Event {
    let (line, item) = (portion.line.clone(), portion.item);
    Event { kind, at, line, item, quantity, picked: 0, packed: 0, fulfilled: 0 }
}

/// Makes what waits for a sale what its lines say. `over` hands over whatever is left.
pub(super) fn follow(state: &mut State, at: usize, over: bool) {
    let Some(sale) = state.till.sales.get(at) else { return };
    let ways = state.x.sales.get(&at).map(|notes| notes.lines.clone()).unwrap_or_default();
    let lines: Vec<(String, usize, i64, Way)> = sale
        .lines
        .iter()
        .filter(|line| line.quantity > 0)
        .filter_map(|line| Some((line.id.clone(), line.item, line.quantity, *ways.get(&line.id)?)))
        .collect();
    let now = state.now;
    for (line, item, quantity, way) in &lines {
        let version = state.till.next_version();
        let next = 1_000_001 + i64::try_from(state.x.fulfilments.len()).unwrap_or(0);
        let own = state.x.fulfilments.iter().position(|one| one.sale == at && one.way == *way);
        let own = own.unwrap_or_else(|| {
            let (lines, events) = (Vec::new(), Vec::new());
            let (id, created, changed) = (next, now, now);
            state.x.fulfilments.push(Fulfilment { id, sale: at, way: *way, lines, created, changed, version, events });
            state.x.fulfilments.len() - 1
        });
        let Some(one) = state.x.fulfilments.get_mut(own) else { continue };
        let happened = match one.lines.iter_mut().find(|portion| portion.line == *line) {
            Some(portion) if portion.quantity == *quantity => None,
            Some(portion) => {
                let by = quantity - portion.quantity;
                portion.quantity = (*quantity).max(portion.fulfilled);
                Some(event("QUANTITY_UPDATED", now, portion, by))
            }
            None => {
                let (line, item, quantity) = (line.clone(), *item, *quantity);
                let portion = Portion { line, item, quantity, picked: 0, packed: 0, fulfilled: 0 };
                let made = event("CREATED", now, &portion, quantity);
                one.lines.push(portion);
                Some(made)
            }
        };
        if let Some(event) = happened {
            one.events.push(event);
            (one.changed, one.version) = (now, version);
        }
    }
    for one in state.x.fulfilments.iter_mut().filter(|one| one.sale == at) {
        one.lines.retain(|portion| {
            portion.fulfilled > 0 || lines.iter().any(|(line, _, _, way)| *line == portion.line && *way == one.way)
        });
    }
    state.x.fulfilments.retain(|one| one.sale != at || !one.lines.is_empty());
    if over {
        hand_over(state, at);
    }
}

/// Everything that waits for a sale is handed over.
fn hand_over(state: &mut State, at: usize) {
    let now = state.now;
    let version = state.till.next_version();
    for one in state.x.fulfilments.iter_mut().filter(|one| one.sale == at) {
        for portion in &mut one.lines {
            let left = portion.quantity - portion.fulfilled;
            if left > 0 {
                let happened = Step::Fulfil.advance(portion, left);
                one.events.push(Event { at: now, ..happened });
                (one.changed, one.version) = (now, version);
            }
        }
    }
}

/// A sale is taken back: nothing of it was handed over after all.
pub(super) fn voided(state: &mut State, at: usize) {
    let now = state.now;
    let version = state.till.next_version();
    for one in state.x.fulfilments.iter_mut().filter(|one| one.sale == at) {
        for portion in &mut one.lines {
            let back = event("VOIDED", now, portion, -portion.quantity);
            let (picked, packed, fulfilled) = (-portion.picked, -portion.packed, -portion.fulfilled);
            one.events.push(Event { picked, packed, fulfilled, ..back });
            (portion.picked, portion.packed, portion.fulfilled) = (0, 0, 0);
        }
        (one.changed, one.version) = (now, version);
    }
}

/// The sale after something was handed over: closed when all of it was and it is paid.
fn settle(state: &mut State, at: usize) {
    let mine = || state.x.fulfilments.iter().filter(|one| one.sale == at);
    let all = mine().all(|one| word(one) == "FULFILLED");
    let paid = state.till.sales.get(at).is_some_and(is_paid);
    let status = if all && paid { CLOSED } else { PENDING };
    state.x_at_once(|state| state.publish_sale(at, status));
}

pub(super) fn list(state: &State, query: &Query) -> Said {
    let (skip, take) = query.pages(10, 100);
    let text = |name: &str| query.text(name);
    let fits = |one: &&Fulfilment| {
        let outlet = state.till.outlets.get(one.way.outlet).map(|outlet| outlet.id.as_str());
        let sale = state.till.sales.get(one.sale).map(|sale| sale.id.as_str());
        text("outlet_id").is_none_or(|id| outlet == Some(id))
            && text("sale_id").is_none_or(|id| sale == Some(id))
            && text("fulfillment_type").is_none_or(|kind| kind == kind_of(one))
            && text("fulfillment_state").is_none_or(|wanted| wanted == word(one))
    };
    let found = state.x.fulfilments.iter().filter(fits).skip(skip).take(take);
    (StatusCode::OK, json!({"data": found.map(|one| show(state, one)).collect::<Vec<_>>()}), Vec::new())
}

fn kind_of(one: &Fulfilment) -> &'static str {
    if one.way.sent { "DISPATCH" } else { "PICKUP" }
}

fn show(state: &State, one: &Fulfilment) -> Value {
    let line = |portion: &Portion| {
        json!({
            "sale_line_item_id": portion.line, "product_id": hooks::product_id(&state.till, portion.item),
            "quantity": portion.quantity.to_string(), "picked_quantity": portion.picked.to_string(),
            "packed_quantity": portion.packed.to_string(), "fulfilled_quantity": portion.fulfilled.to_string(),
        })
    };
    json!({
        "id": one.id.to_string(), "type": kind_of(one), "state": word(one), "version": one.version,
        "sale_id": state.till.sales.get(one.sale).map(|sale| sale.id.as_str()),
        "outlet_id": state.till.outlets.get(one.way.outlet).map(|outlet| outlet.id.as_str()),
        "note": state.x.sales.get(&one.sale).map_or("", |notes| notes.remark.as_str()),
        "shipping_address_id": null, "user_ids": [],
        "line_items": one.lines.iter().map(line).collect::<Vec<_>>(),
        "created_at": print::offset(one.created), "updated_at": print::offset(one.changed),
    })
}

fn find(state: &State, id: &str) -> Option<usize> {
    state.x.fulfilments.iter().position(|one| one.id.to_string() == id)
}

pub(super) fn history(state: &State, id: &str, query: &Query) -> Said {
    let Some(one) = find(state, id).and_then(|at| state.x.fulfilments.get(at)) else { return not_found() };
    let size = |name: &str| query.number(name).and_then(|n| usize::try_from(n).ok());
    let (from, limit) = (size("cursor").unwrap_or(0), size("limit").unwrap_or(50).clamp(1, 100));
    let rows: Vec<Value> = one
        .events
        .iter()
        .skip(from)
        .take(limit)
        .map(|event| {
            json!({
                "event_type": event.kind, "created_at": print::offset(event.at), "sale_line_item_id": event.line,
                "product_id": hooks::product_id(&state.till, event.item),
                "quantity_delta": event.quantity.to_string(), "picked_quantity_delta": event.picked.to_string(),
                "packed_quantity_delta": event.packed.to_string(), "fulfilled_delta": event.fulfilled.to_string(),
            })
        })
        .collect();
    let mut body = json!({"data": rows});
    if from.saturating_add(limit) < one.events.len() {
        body["next_cursor"] = Value::from((from + limit).to_string());
    }
    (StatusCode::OK, body, Vec::new())
}

/// Hands over a whole sale; asking again changes nothing.
pub(super) fn whole(state: &mut State, body: &Value) -> Said {
    let Some(id) = text(&body["sale_id"]) else { return bad("sale_id is required") };
    let Some(at) = state.till.sale_by_id.get(&id).copied() else { return not_found() };
    let own = |state: &State| -> Vec<(i64, bool, i64)> {
        let mine = state.x.fulfilments.iter().filter(|one| one.sale == at);
        mine.map(|one| (one.id, word(one) == "FULFILLED", one.version)).collect()
    };
    let before = own(state);
    if before.is_empty() {
        return conflict("The sale has nothing to fulfill");
    }
    if before.iter().any(|(_, over, _)| !over) {
        hand_over(state, at);
        settle(state, at);
    }
    let rows: Vec<Value> =
        own(state).iter().map(|(id, _, version)| json!({"id": id.to_string(), "version": version})).collect();
    (StatusCode::OK, json!({"data": rows}), Vec::new())
}

pub(super) fn advance(state: &mut State, id: &str, step: Step, body: &Value) -> Said {
    let Some(at) = find(state, id) else { return not_found() };
    match advanced(state, at, step, body) {
        Ok(said) | Err(said) => said,
    }
}

fn advanced(state: &mut State, at: usize, step: Step, body: &Value) -> Tried<Said> {
    let one = state.x.fulfilments.get(at).ok_or_else(not_found)?;
    let version = body["version"].as_i64().ok_or_else(|| bad("version is required"))?;
    if version != one.version {
        return Err(conflict("The fulfillment has been changed by somebody else"));
    }
    let sale = one.sale;
    if state.till.sales.get(sale).is_none_or(|sale| sale.status != PENDING) {
        return Err(conflict("The sale is not open"));
    }
    let given = rows(&body["line_items"]);
    if given.is_empty() {
        return Err(bad("line_items is required"));
    }
    let mut lines = one.lines.clone();
    let mut events = Vec::new();
    for row in given {
        let id = text(&row["sale_line_item_id"]).ok_or_else(|| bad("sale_line_item_id is required"))?;
        let quantity = units(&row["quantity"]).filter(|quantity| *quantity > 0);
        let quantity = quantity.ok_or_else(|| bad("quantity must be more than zero"))?;
        let portion = lines.iter_mut().find(|portion| portion.line == id);
        let portion = portion.ok_or_else(|| bad("The line is not part of this fulfillment"))?;
        if step.done(portion) + quantity > portion.quantity {
            return Err(bad("There are not so many left"));
        }
        events.push(Event { at: state.now, ..step.advance(portion, quantity) });
    }
    let (now, version) = (state.now, state.till.next_version());
    let one = state.x.fulfilments.get_mut(at).ok_or_else(not_found)?;
    one.lines = lines;
    one.events.extend(events);
    (one.changed, one.version) = (now, version);
    let answer = json!({"data": {"id": one.id.to_string(), "version": one.version}});
    if step == Step::Fulfil {
        settle(state, sale);
    }
    Ok((StatusCode::OK, answer, Vec::new()))
}
