//! Returns of shipped goods, and the money for them. A return belongs to one shipment.

use super::super::web::SELLING;
use super::super::world::State;
use super::input::{Done, Refused, Said, one_key, policy, refuse, words};
use super::papers::{Policy, Return};
use super::query::Node;
use super::quirks::Outcome;
use crate::domain::money::Minor;
use serde_json::{Map, Value};

impl State {
    /// Places and units of the goods of a return.
    fn goods_of(&self, at: usize) -> Vec<(usize, i64)> {
        let papers = &self.web.papers;
        let Some(back) = papers.returns.get(at) else { return Vec::new() };
        let Some(shipment) = papers.shipments.get(back.shipment) else { return Vec::new() };
        let order = self.web.orders.get(shipment.order);
        let item = |k: &usize| Some(order?.lines.get(shipment.lines.get(*k)?.line)?.item);
        back.lines.iter().filter_map(|(_, k, units)| Some((item(k)?, *units))).collect()
    }

    fn restock(&mut self, at: usize, sign: i64) {
        let goods = self.goods_of(at);
        let Some(back) = self.web.papers.returns.get_mut(at).filter(|b| b.restocked == (sign < 0)) else { return };
        back.restocked = sign > 0;
        let (id, policy) = (back.id, back.policy);
        let place = match policy {
            Policy::Remove => return,
            Policy::Release => SELLING,
            Policy::Send(place) => place,
        };
        for (item, units) in goods {
            self.put_on_shelf(item, place, sign * units, &format!("Return {id}"));
        }
    }

    /// Completes a return that is pending.
    pub(super) fn complete_return(&mut self, at: usize) {
        self.restock(at, 1);
        let Some(back) = self.web.papers.returns.get_mut(at).filter(|b| !b.completed) else { return };
        back.completed = true;
        let id = back.id;
        self.note(&format!("return {id} completed"));
        self.tell_event("Return", "COMPLETED", id);
        self.return_changed(at, "update");
    }

    fn return_changed(&mut self, at: usize, action: &str) {
        let papers = &self.web.papers;
        let Some((id, shipment)) = papers.returns.get(at).map(|b| (b.id, b.shipment)) else { return };
        let order = papers.shipments.get(shipment).map(|s| s.order);
        self.post_web("return", action, id);
        if let Some(order) = order {
            self.changed(order);
        }
    }

    /// What a refund of it gives: goods and shipping, less the fee.
    pub(super) fn refund_of(&self, at: usize) -> Minor {
        let papers = &self.web.papers;
        let Some(back) = papers.returns.get(at) else { return Minor::ZERO };
        let goods = papers.shipments.get(back.shipment).map_or(0, |shipment| {
            let order = self.web.orders.get(shipment.order);
            let price = |k: &usize| order?.lines.get(shipment.lines.get(*k)?.line).map(|l| l.price.0);
            back.lines.iter().map(|(_, k, units)| units * price(k).unwrap_or(0)).sum::<i64>()
        });
        Minor(goods + back.shipping.0 - back.fee.0)
    }
}

pub(super) fn find(state: &State, id: &Value) -> Result<usize, Refused> {
    let found = id.as_i64().filter(|id| *id != 0).and_then(|id| state.web.papers.back(id));
    match found.filter(|_| !state.web.papers.quirks.other_store) {
        Some(at) => Ok(at),
        None => refuse(format!("Could not find Return with ID {id}"), &["id"]),
    }
}

/// What is given back of the shipment's shipping; never more than is left of it.
fn shipping(state: &State, place: usize, input: &Map<String, Value>) -> Result<Minor, Refused> {
    let Some(given) = input.get("shippingCost") else { return Ok(Minor::ZERO) };
    let path = ["input", "shippingCost"];
    let papers = &state.web.papers;
    let shipment = papers.shipments.get(place);
    let whole = shipment.filter(|s| s.sequence == 1).and_then(|s| state.web.orders.get(s.order));
    let gone: i64 = papers.returns.iter().filter(|r| r.shipment == place).map(|r| r.shipping.0).sum();
    let left = Minor(whole.map_or(0, |o| o.shipping.0) - gone);
    match one_key(Some(given), &path)? {
        ("fromShipment", Value::Bool(true)) => Ok(left),
        ("value", value) => match State::amount(Some(value)) {
            Some(amount) if amount.0 < 0 || amount.0 > left.0 => {
                refuse("The cost exceeds what is left of the shipment.", &path)
            }
            Some(amount) => Ok(amount),
            None => refuse("The amount is not valid.", &path),
        },
        _ => refuse("Exactly one reference must be given.", &path),
    }
}

pub(super) fn create(state: &mut State, input: &Map<String, Value>) -> Said {
    let path = ["input", "shipment"];
    let (key, value) = one_key(input.get("shipment"), &path)?;
    let found = value.as_i64().filter(|_| key == "id").and_then(|id| state.web.papers.shipment(id));
    let Some((place, shipment)) = found.and_then(|p| Some((p, state.web.papers.shipments.get(p)?.clone()))) else {
        return refuse(format!("Could not find Shipment with {key} {value}"), &path);
    };
    if shipment.shipped_at.is_none() {
        return refuse("The shipment has not been shipped.", &path);
    }
    let mut lines = Vec::new();
    for (k, row) in input.get("lines").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let k = k.to_string();
        let path = ["input", "lines", k.as_str()];
        let (_, id) = one_key(row.get("shipmentLine"), &path)?;
        let units = row.get("quantity").and_then(Value::as_i64).unwrap_or(0);
        let found = shipment.lines.iter().position(|l| Some(l.id) == id.as_i64());
        let Some((at, line)) = found.and_then(|at| Some((at, shipment.lines.get(at)?))) else {
            return refuse(format!("Could not find ShipmentLine with ID {id}"), &path);
        };
        let before: i64 = lines.iter().filter(|(l, _)| *l == at).map(|(_, units)| units).sum();
        let left = line.units - line.returned - before;
        if units <= 0 || units > left {
            return refuse(format!("Only {left} can be returned."), &path);
        }
        lines.push((at, units));
    }
    if lines.is_empty() {
        return refuse("A return must have lines.", &["input", "lines"]);
    }
    let key = "returnStockActionPolicy";
    let policy = policy(state, input.get(key), &["input", key])?;
    let shipping = shipping(state, place, input)?;
    let fee = State::amount(input.get("returnCost")).unwrap_or(Minor::ZERO);
    let now = state.now;
    let papers = &mut state.web.papers;
    let id = papers.number(435);
    let lines: Vec<(i64, usize, i64)> = lines.into_iter().map(|(k, units)| (papers.number(610), k, units)).collect();
    for (_, k, units) in &lines {
        if let Some(line) = papers.shipments.get_mut(place).and_then(|s| s.lines.get_mut(*k)) {
            line.returned += units;
        }
    }
    papers.returns.push(Return {
        id,
        shipment: place,
        lines,
        policy,
        restocked: false,
        completed: false,
        created_at: now,
        comment: words(input, "comment").unwrap_or_default().to_owned(),
        external: words(input, "externalId").map(str::to_owned),
        shipping,
        fee,
    });
    let at = papers.returns.len() - 1;
    let late = papers.quirks.restock_late;
    state.note(&format!("return {id} created"));
    if !late {
        state.restock(at, 1);
    }
    state.tell_event("Return", "CREATED", id);
    state.return_changed(at, "insert");
    Ok(Done::one("return", Node::Return(at)))
}

pub(super) fn complete(state: &mut State, id: &Value) -> Said {
    let at = find(state, id)?;
    if state.web.papers.returns.get(at).is_some_and(|b| b.completed) {
        return refuse("The return is completed already.", &["id"]);
    }
    state.complete_return(at);
    Ok(Done::one("return", Node::Return(at)))
}

pub(super) fn uncomplete(state: &mut State, id: &Value) -> Said {
    let at = find(state, id)?;
    if let Some(back) = state.web.papers.returns.get_mut(at) {
        back.completed = false;
    }
    state.return_changed(at, "update");
    Ok(Done::one("return", Node::Return(at)))
}

/// Takes a return back: its goods leave the shelf again.
pub(super) fn delete(state: &mut State, id: &Value) -> Said {
    let at = find(state, id)?;
    if state.web.papers.returns.get(at).is_some_and(|b| b.completed) {
        return refuse("A completed return can not be deleted.", &["id"]);
    }
    state.restock(at, -1);
    let number = id.as_i64().unwrap_or(0);
    state.tell_event("Return", "DELETED", number);
    state.return_changed(at, "update");
    let papers = &mut state.web.papers;
    let Some(back) = papers.returns.get_mut(at) else { return Ok(Done::default()) };
    let (place, lines) = (back.shipment, std::mem::take(&mut back.lines));
    // Its place stays, because others count on their own.
    (back.id, back.shipping) = (0, Minor::ZERO);
    for (_, k, units) in lines {
        if let Some(line) = papers.shipments.get_mut(place).and_then(|s| s.lines.get_mut(k)) {
            line.returned -= units;
        }
    }
    Ok(Done::default())
}

pub(super) fn refund(state: &mut State, id: &Value) -> Said {
    let at = find(state, id)?;
    let papers = &state.web.papers;
    let number = papers.returns.get(at).map_or(0, |b| b.id);
    let place = papers.returns.get(at).map_or(0, |b| b.shipment);
    let order = papers.shipments.get(place).map_or(0, |s| s.order);
    if papers.entries.iter().any(|e| e.back == Some(number) && e.kind != "REFUND_FAILED" && e.status != "FAILED") {
        return refuse("The return is refunded already.", &["id"]);
    }
    if papers.shipments.get(place).is_none_or(|s| s.captured_at.is_none()) {
        return refuse("The shipment is not captured.", &["id"]);
    }
    let (kind, status) = match papers.quirks.refund {
        Outcome::Success => ("REFUND", "SUCCESS"),
        Outcome::Pending => ("REFUND_REQUEST", "PENDING"),
        Outcome::Failed => ("REFUND_FAILED", "FAILED"),
    };
    let value = Minor(-state.refund_of(at).0);
    let entry = state.book_payment(order, kind, status, value, None, Some(number));
    if let Some(entry) = state.web.papers.entries.get(entry).cloned().filter(|e| e.status == "SUCCESS") {
        state.money_moved(&entry);
    }
    state.return_changed(at, "update");
    let mut done = Done::one("return", Node::Return(at));
    done.parts.push(("paymentHistoryEntry", Node::Entry(entry)));
    done.lists.push(("paymentHistoryEntries", vec![Node::Entry(entry)]));
    Ok(done)
}
