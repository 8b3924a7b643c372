//! Changing orders: confirm, hold, cancel a line or the whole, lock, reserve.

use super::super::web::{CANCELLED, CONFIRMED, PENDING, SELLING, SHIPPED};
use super::super::world::State;
use super::input::{Done, Said, flag, lines, order, policy, refuse, words};
use super::papers::{Entry, Policy};
use super::query::Node;
use super::quirks::Outcome;
use crate::domain::money::Minor;
use serde_json::{Map, Value};

impl State {
    /// Units of an order's line are given up; what becomes of the goods is the policy's word.
    fn give_up(&mut self, at: usize, line: usize, units: i64, policy: Policy) {
        let now = self.now;
        let Some(order) = self.web.orders.get(at) else { return };
        let (number, reserved) = (order.number, order.allocated);
        let Some(item) = order.lines.get(line).map(|l| l.item) else { return };
        let leaves = reserved && policy != Policy::Release && policy != Policy::Send(SELLING);
        if let Some(shelf) = self.web.shelf_mut(item, SELLING) {
            *if reserved { &mut shelf.allocated } else { &mut shelf.demand } -= units;
            if leaves {
                shelf.physical -= units;
            }
        }
        self.books.cancelled(item, units, now);
        if leaves {
            self.books.changed_unseen(item, now);
            self.book_change(&format!("Cancelled in {number}"), "CANCELLATION", SELLING, vec![(item, -units)]);
            if let Policy::Send(place) = policy {
                self.put_on_shelf(item, place, units, &format!("Cancelled in {number}"));
            }
        }
    }

    /// Goods come onto a shelf outside of any write of ours.
    pub(super) fn put_on_shelf(&mut self, item: usize, place: usize, units: i64, comment: &str) {
        let now = self.now;
        if let Some(shelf) = self.web.shelf_mut(item, place) {
            shelf.physical += units;
            shelf.listed = true;
        }
        if place == SELLING {
            self.books.changed_unseen(item, now);
        }
        self.book_change(comment, "RETURN", place, vec![(item, units)]);
    }

    fn touch(&mut self, at: usize) {
        let Some(number) = self.web.orders.get(at).map(|o| o.number) else { return };
        self.note(&format!("order {number} changed by the API"));
        self.changed(at);
        self.post_web("order", "update", number);
    }
}

fn not_locked(state: &State, at: usize) -> Result<(), super::input::Refused> {
    match state.web.orders.get(at) {
        Some(o) if o.open() => Ok(()),
        _ => refuse("The order is closed.", &["input", "order"]),
    }
}

pub(super) fn confirm(state: &mut State, input: &Map<String, Value>) -> Said {
    let at = order(state, input.get("order"), &["input", "order"])?;
    if state.web.papers.extra(at).on_hold {
        return refuse("The order is on hold.", &["input", "order"]);
    }
    match state.web.orders.get_mut(at) {
        Some(order) if order.status == PENDING => order.status = CONFIRMED,
        _ => return refuse("Only a pending order can be confirmed.", &["input", "order"]),
    }
    state.touch(at);
    Ok(Done::one("order", Node::Order(at)))
}

/// `updateDirectToConsumerOrder`: every part is checked before the first is done.
pub(super) fn update(state: &mut State, of: Option<&Value>, input: &Map<String, Value>) -> Said {
    let at = order(state, of, &["order"])?;
    let mut given_up: Vec<(usize, i64, Policy)> = Vec::new();
    for (k, row) in input.get("cancelLines").and_then(Value::as_array).into_iter().flatten().enumerate() {
        not_locked(state, at)?;
        let wanted = Value::Array(vec![row.clone()]);
        let (line, units) = match lines(state, at, Some(&wanted), "line", "cancelLines")?.first() {
            Some(found) => *found,
            None => continue,
        };
        let k = k.to_string();
        let path = ["input", "cancelLines", k.as_str()];
        let policy = policy(state, row.get("stockActionPolicy"), &path)?;
        let left = state.web.orders.get(at).and_then(|o| o.lines.get(line)).map_or(0, |l| l.units)
            - state.web.papers.in_shipments(at, line)
            - given_up.iter().filter(|(l, ..)| *l == line).map(|(_, units, _)| units).sum::<i64>();
        if units > left {
            return refuse(format!("Only {left} can be cancelled."), &path);
        }
        given_up.push((line, units, policy));
    }
    for (line, units, policy) in given_up {
        state.give_up(at, line, units, policy);
        if let Some(line) = state.web.orders.get_mut(at).and_then(|o| o.lines.get_mut(line)) {
            line.units -= units;
            line.cancelled += units;
        }
    }
    let extra = state.web.papers.extras.entry(at).or_default();
    if input.contains_key("isOnHold") {
        extra.on_hold = flag(input, "isOnHold");
    }
    for (key, slot) in [("internalComment", &mut extra.internal), ("otherComment", &mut extra.other)] {
        if let Some(text) = words(input, key) {
            text.clone_into(slot);
        }
    }
    if let Some(text) = words(input, "externalId") {
        extra.external = Some(text.to_owned());
    }
    state.close_if_shipped(at);
    state.touch(at);
    Ok(Done::one("order", Node::Order(at)))
}

pub(super) fn resume(state: &mut State, of: Option<&Value>) -> Said {
    let at = order(state, of, &["order"])?;
    state.web.papers.extras.entry(at).or_default().on_hold = false;
    state.touch(at);
    Ok(Done::one("order", Node::Order(at)))
}

/// The whole order; its lines keep their quantities.
pub(super) fn cancel(state: &mut State, id: &Value, input: &Map<String, Value>) -> Said {
    let named = serde_json::json!({"id": id});
    let at = order(state, Some(&named), &["id"])?;
    not_locked(state, at)?;
    let policy = policy(state, input.get("stockAction"), &["input", "stockAction"])?;
    let papers = &state.web.papers;
    if papers.captured(at) && !papers.quirks.cancel_captured {
        return refuse("A captured order can not be cancelled.", &["id"]);
    }
    if state.web.orders.get(at).is_some_and(|o| o.lines.iter().any(|l| l.shipped > 0)) {
        return refuse("A part of the order has been shipped.", &["id"]);
    }
    let units: Vec<i64> =
        state.web.orders.get(at).map(|o| o.lines.iter().map(|l| l.units).collect()).unwrap_or_default();
    for (line, units) in units.into_iter().enumerate().filter(|(_, units)| *units > 0) {
        state.give_up(at, line, units, policy);
    }
    if let Some(order) = state.web.orders.get_mut(at) {
        order.status = CANCELLED;
    }
    state.web.papers.shipments.retain(|s| s.order != at);
    let mut done = Done::one("order", Node::Order(at));
    if flag(input, "cancelAuthorization") {
        if state.web.papers.quirks.capture == Outcome::Failed {
            done.warnings.push(("The authorization could not be cancelled.", vec!["input", "cancelAuthorization"]));
        } else {
            state.book_payment(at, "CANCEL", "SUCCESS", Minor::ZERO, None, None);
        }
    }
    state.touch(at);
    Ok(done)
}

pub(super) fn lock(state: &mut State, input: &Map<String, Value>) -> Said {
    let mut nodes = Vec::new();
    for named in input.get("orders").and_then(Value::as_array).into_iter().flatten() {
        nodes.push(order(state, Some(named), &["input", "orders"])?);
    }
    for at in &nodes {
        state.web.papers.extras.entry(*at).or_default().locked = flag(input, "isLocked");
        state.touch(*at);
    }
    Ok(Done { lists: vec![("orders", nodes.into_iter().map(Node::Order).collect())], ..Done::default() })
}

pub(super) fn allocate(state: &mut State, input: &Map<String, Value>) -> Said {
    let at = order(state, input.get("order"), &["input", "order"])?;
    not_locked(state, at)?;
    let number = state.web.orders.get(at).map_or(0, |o| o.number);
    state.allocate(number);
    Ok(Done::one("order", Node::Order(at)))
}

impl State {
    /// The last shipment that leaves closes its order.
    pub(super) fn close_if_shipped(&mut self, at: usize) {
        let Some(order) = self.web.orders.get_mut(at).filter(|o| o.open()) else { return };
        if order.lines.iter().any(|l| l.shipped > 0) && order.lines.iter().all(|l| l.shipped == l.units) {
            order.status = SHIPPED;
        }
    }

    /// A line of the payment history.
    pub(super) fn book_payment(
        &mut self,
        order: usize,
        kind: &'static str,
        status: &'static str,
        value: Minor,
        shipment: Option<i64>,
        back: Option<i64>,
    ) -> usize {
        let id = self.web.papers.number(900);
        self.web.papers.entries.push(Entry { id, order, shipment, back, kind, status, at: self.now, value });
        self.web.papers.entries.len() - 1
    }
}
