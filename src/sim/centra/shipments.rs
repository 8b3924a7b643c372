//! Shipments: made of confirmed orders, captured, completed. Only completing moves physical stock.

use super::super::web::{CONFIRMED, PENDING, PROCESSING, SELLING};
use super::super::world::State;
use super::input::{Done, Refused, Said, flag, lines, order, past, refuse, words};
use super::query::Node;
use super::quirks::Outcome;
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

impl State {
    /// What a shipment is worth: its goods, and with the first one the order's shipping.
    pub(super) fn worth(&self, place: usize) -> Minor {
        let Some(shipment) = self.web.papers.shipments.get(place) else { return Minor::ZERO };
        let Some(order) = self.web.orders.get(shipment.order) else { return Minor::ZERO };
        let price = |line: usize| order.lines.get(line).map_or(0, |l| l.price.0);
        let goods: i64 = shipment.lines.iter().map(|l| l.units * price(l.line)).sum();
        Minor(goods + if shipment.sequence == 1 { order.shipping.0 } else { 0 })
    }

    /// Asks the payment provider for the money of a shipment; the place of the entry.
    fn capture(&mut self, place: usize) -> Option<usize> {
        let value = self.worth(place);
        let shipment = self.web.papers.shipments.get(place)?;
        let (order, id) = (shipment.order, shipment.id);
        let (kind, status) = match self.web.papers.quirks.capture {
            Outcome::Success => ("CAPTURE", "SUCCESS"),
            Outcome::Pending => ("CAPTURE_REQUEST", "PENDING"),
            Outcome::Failed => ("CAPTURE_FAILED", "FAILED"),
        };
        let entry = self.book_payment(order, kind, status, value, Some(id), None);
        if status == "SUCCESS" {
            let entry = self.web.papers.entries.get(entry)?.clone();
            self.money_moved(&entry);
        }
        Some(entry)
    }

    /// The goods of a shipment leave.
    fn send_off(&mut self, place: usize, at: Timestamp) {
        let now = self.now;
        let Some(shipment) = self.web.papers.shipments.get_mut(place) else { return };
        (shipment.shipped_at, shipment.updated_at) = (Some(at), now);
        let (id, order) = (shipment.id, shipment.order);
        let moved: Vec<(usize, i64)> = shipment.lines.iter().map(|l| (l.line, l.units)).collect();
        for (line, units) in moved {
            let Some(line) = self.web.orders.get_mut(order).and_then(|o| o.lines.get_mut(line)) else { continue };
            line.shipped += units;
            let item = line.item;
            if let Some(shelf) = self.web.shelf_mut(item, SELLING) {
                shelf.physical -= units;
                shelf.allocated -= units;
            }
            self.books.shipped(item, units, now);
        }
        self.close_if_shipped(order);
        self.tell_event("Shipment", "COMPLETED", id);
        self.shipment_changed(place, "update");
    }

    fn shipment_changed(&mut self, place: usize, action: &str) {
        let Some((id, order)) = self.web.papers.shipments.get(place).map(|s| (s.id, s.order)) else { return };
        let number = self.web.orders.get(order).map_or(0, |o| o.number);
        self.note(&format!("shipment {id} {action}"));
        self.changed(order);
        self.post_web("shipment", action, id);
        self.post_web("order", "update", number);
    }
}

pub(super) fn find(state: &State, id: &Value) -> Result<usize, Refused> {
    match id.as_i64().and_then(|id| state.web.papers.shipment(id)) {
        Some(place) => Ok(place),
        None => refuse(format!("Could not find Shipment with ID {id}"), &["id"]),
    }
}

pub(super) fn create(state: &mut State, input: &Map<String, Value>) -> Said {
    let at = order(state, input.get("order"), &["input", "order"])?;
    let path = ["input", "order"];
    let status = state.web.orders.get(at).map_or(PENDING, |o| o.status);
    let extra = state.web.papers.extra(at);
    if ![CONFIRMED, PROCESSING].contains(&status) {
        return refuse("The order must be confirmed.", &path);
    }
    if extra.on_hold || extra.locked {
        return refuse("The order is on hold or locked.", &path);
    }
    let wanted = lines(state, at, input.get("lines"), "orderLine", "lines")?;
    if wanted.is_empty() {
        return refuse("A shipment must have lines.", &["input", "lines"]);
    }
    for (k, (line, units)) in wanted.iter().enumerate() {
        let has = state.web.orders.get(at).and_then(|o| o.lines.get(*line)).map_or(0, |l| l.units);
        let left = has - state.web.papers.in_shipments(at, *line);
        if *units > left {
            return refuse(format!("Only {left} can be shipped."), &["input", "lines", &k.to_string()]);
        }
    }
    let shipped_at = past(state, input, "shippedAt")?;
    let number = state.web.orders.get(at).map_or(0, |o| o.number);
    if state.web.orders.get(at).is_some_and(|o| !o.allocated) {
        if !flag(input, "allocateDemand") {
            return refuse("The lines are not allocated.", &["input", "lines"]);
        }
        let short = |(line, units): &(usize, i64)| {
            let item = state.web.orders.get(at).and_then(|o| o.lines.get(*line)).map(|l| l.item);
            item.is_some_and(|item| state.web.shelf(item, SELLING).free() < *units)
        };
        if wanted.iter().any(short) {
            return refuse("Not enough free to allocate.", &["input", "allocateDemand"]);
        }
        state.allocate(number);
    }
    let id = state.web.next_shipment;
    state.web.next_shipment += 1;
    let place = state.write_shipment(id, at, &wanted);
    if let Some(order) = state.web.orders.get_mut(at) {
        order.status = PROCESSING;
    }
    let now = state.now;
    if let Some(shipment) = state.web.papers.shipments.get_mut(place) {
        shipment.good_to_go = flag(input, "isGoodToGo");
        shipment.paid_at = (flag(input, "isPaid") && !flag(input, "capture")).then_some(now);
    }
    state.shipment_changed(place, "create");
    let mut done = Done::one("shipment", Node::Shipment(place));
    if flag(input, "capture") {
        let entry = state.capture(place).and_then(|e| state.web.papers.entries.get(e));
        if entry.is_some_and(|e| e.status == "FAILED") {
            done.warnings.push(("Capture failed.", vec!["input", "capture"]));
        }
    }
    let ready = state.web.papers.shipments.get(place).is_some_and(|s| s.good_to_go && s.paid_at.is_some());
    match shipped_at {
        Some(at) if ready => state.send_off(place, at),
        Some(_) => done.warnings.push(("The shipment is not ready to be completed.", vec!["input", "shippedAt"])),
        None => {}
    }
    Ok(done)
}

pub(super) fn complete(state: &mut State, id: &Value, input: &Map<String, Value>) -> Said {
    let place = find(state, id)?;
    let at = past(state, input, "shippedAt")?.unwrap_or(state.now);
    match state.web.papers.shipments.get(place) {
        Some(s) if s.shipped_at.is_some() => return refuse("The shipment is completed already.", &["id"]),
        Some(s) if !s.good_to_go => return refuse("The shipment is not good to go.", &["id"]),
        Some(s) if s.paid_at.is_none() => return refuse("The shipment is not paid.", &["id"]),
        _ => {}
    }
    let info = input.get("shipmentInfo").and_then(Value::as_object);
    if let Some(shipment) = state.web.papers.shipments.get_mut(place) {
        shipment.tracking = info.and_then(|i| words(i, "trackingNumber")).map(str::to_owned);
    }
    state.send_off(place, at);
    Ok(Done::one("shipment", Node::Shipment(place)))
}

pub(super) fn update(state: &mut State, id: &Value, input: &Map<String, Value>) -> Said {
    let place = find(state, id)?;
    let now = state.now;
    if let Some(shipment) = state.web.papers.shipments.get_mut(place) {
        if input.contains_key("isPaid") {
            shipment.paid_at = flag(input, "isPaid").then_some(now);
        }
        if input.contains_key("isGoodToGo") {
            shipment.good_to_go = flag(input, "isGoodToGo");
        }
        shipment.updated_at = now;
    }
    let action = if flag(input, "isGoodToGo") { "good_to_go" } else { "update" };
    state.shipment_changed(place, action);
    Ok(Done::one("shipment", Node::Shipment(place)))
}

pub(super) fn delete(state: &mut State, id: &Value) -> Said {
    let place = find(state, id)?;
    let Some(shipment) = state.web.papers.shipments.get(place).cloned() else { return Ok(Done::default()) };
    if shipment.shipped_at.is_some() || shipment.paid_at.is_some() {
        return refuse("A shipped or paid shipment can not be deleted.", &["id"]);
    }
    state.shipment_changed(place, "update");
    state.tell_event("Shipment", "DELETED", shipment.id);
    // Its place stays, because others count on their own.
    if let Some(gone) = state.web.papers.shipments.get_mut(place) {
        gone.lines.clear();
        gone.id = 0;
    }
    let others = state.web.papers.shipments.iter().any(|s| s.order == shipment.order && s.id != 0);
    if let Some(order) = state.web.orders.get_mut(shipment.order).filter(|o| o.status == PROCESSING && !others) {
        order.status = CONFIRMED;
    }
    Ok(Done::one("order", Node::Order(shipment.order)))
}

pub(super) fn capture(state: &mut State, id: &Value) -> Said {
    let place = find(state, id)?;
    if state.web.papers.shipments.get(place).is_some_and(|s| s.captured_at.is_some()) {
        return refuse("The shipment is captured already.", &["id"]);
    }
    let entry = state.capture(place);
    state.shipment_changed(place, "update");
    match entry.and_then(|e| state.web.papers.entries.get(e)).map(|e| e.status) {
        Some("FAILED") | None => refuse("Capture failed.", &["id"]),
        Some(_) => {
            let mut done = Done::one("shipment", Node::Shipment(place));
            done.parts.extend(entry.map(|e| ("paymentHistoryEntry", Node::Entry(e))));
            Ok(done)
        }
    }
}

/// Captures every shipment of an order that is not captured.
pub(super) fn capture_order(state: &mut State, of: Option<&Value>) -> Said {
    let at = order(state, of, &["order"])?;
    let open: Vec<i64> = (state.web.papers.shipments.iter())
        .filter(|s| s.order == at && s.id != 0 && s.captured_at.is_none())
        .map(|s| s.id)
        .collect();
    if open.is_empty() {
        return refuse("There is nothing to capture.", &["order"]);
    }
    let mut done = Done::one("order", Node::Order(at));
    for id in open {
        done.parts.extend(capture(state, &Value::from(id))?.parts.into_iter().filter(|(n, _)| *n != "shipment"));
    }
    Ok(done)
}
