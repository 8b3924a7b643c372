//! Drawers: opened with change, counted when they are closed. And the customers whom people at them write down.

use super::super::world::State;
use super::account::{Counted, Customer, Drawer, FLOAT, Withdraw};
use super::query::Asked;
use super::shape::{amount, nested, text, whole};
use super::tables::Kind;
use super::{Refusal, Said, find, written};
use crate::domain::money::Minor;
use crate::domain::time::Span;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was put in, what was taken out and what was paid, by payment type, since this drawer was counted last.
fn since_counted(state: &State, register: usize, drawer: &Drawer) -> BTreeMap<usize, (i64, i64, i64)> {
    let mut sums: BTreeMap<usize, (i64, i64, i64)> = BTreeMap::new();
    for moved in state.r.withdraws.iter().filter(|w| w.register == register && w.at >= drawer.counted) {
        let entry = sums.entry(moved.kind).or_default();
        if moved.amount.0 >= 0 { entry.0 += moved.amount.0 } else { entry.1 += moved.amount.0 }
    }
    for sale in state.till.sales.iter().filter(|sale| sale.register == register && sale.completed_at.is_some()) {
        if sale.status == super::super::till::VOIDED {
            continue;
        }
        for payment in sale.payments.iter().filter(|payment| payment.at >= drawer.counted) {
            sums.entry(payment.kind).or_default().2 += payment.amount.0;
        }
    }
    sums
}

fn drawer(state: &State, id: &str) -> Result<(usize, Drawer), Refusal> {
    let at = find(state, Kind::Register, id)?.0;
    let drawer = state.r.drawers.get(at).copied();
    Ok((at, drawer.ok_or_else(|| Refusal::no_row(Kind::Register, id))?))
}

pub(super) fn calculated(state: &State, id: &str) -> Said {
    let (at, drawer) = drawer(state, id)?;
    let show = |(kind, (add, out, paid)): (usize, (i64, i64, i64))| {
        json!({
            "add": super::master::money(Minor(add)), "withdraw": super::master::money(Minor(out)),
            "payment": super::master::money(Minor(paid)), "paymentTypeID": (kind + 1).to_string(),
        })
    };
    let mut rows: Vec<Value> = since_counted(state, at, &drawer).into_iter().map(show).collect();
    let amounts = match rows.len() {
        0 => Value::from(""),
        1 => rows.pop().unwrap_or_default(),
        _ => Value::Array(rows),
    };
    Ok((json!({"@attributes": {}, "CalculatedAmount": amounts}), Vec::new()))
}

/// Opens a drawer with so much change, which is a withdrawal with a positive sign.
pub(super) fn open(state: &mut State, id: &str, body: &Value) -> Said {
    let (at, drawer) = drawer(state, id)?;
    if drawer.open {
        return Err(Refusal::bad("The register is already open"));
    }
    let change = amount(&body["amount"]).ok_or_else(|| Refusal::bad("amount is required"))?.to_minor();
    let kind = payment_kind(state, &body["paymentTypeID"])?.unwrap_or(0);
    let employee = employee(&body["employeeID"])?;
    state.r_open_drawer(at, change, kind, employee, &text(&body["notes"]).unwrap_or_default());
    written(state, Kind::RegisterWithdraw, (state.r.withdraws.len() - 1, 0), &[], &Asked::default())
}

/// Closes a drawer. Counted figures cannot be sent here: each is zero.
pub(super) fn close(state: &mut State, id: &str, body: &Value) -> Said {
    let (at, drawer) = drawer(state, id)?;
    if !drawer.open {
        return Err(Refusal::bad("The register is not open"));
    }
    let employee = employee(&body["closeEmployeeID"])?;
    state.r_close_drawer(at, employee, &text(&body["notes"]).unwrap_or_default(), |_, _| Minor::ZERO);
    let relations = ["RegisterCountAmounts"];
    written(state, Kind::RegisterCount, (state.r.counted.len() - 1, 0), &relations, &Asked::default())
}

pub(super) fn withdraw(state: &mut State, body: &Value) -> Said {
    let register = text(&body["registerID"]).ok_or_else(|| Refusal::bad("registerID is required"))?;
    let (register, _) = drawer(state, &register)?;
    let amount = amount(&body["amount"]).ok_or_else(|| Refusal::bad("amount is required"))?.to_minor();
    let kind = payment_kind(state, &body["paymentTypeID"])?.unwrap_or(0);
    let employee = employee(&body["employeeID"])?;
    let notes = text(&body["notes"]).unwrap_or_default();
    let at = state.now;
    state.r.withdraws.push(Withdraw { register, amount, kind, employee, at, notes });
    written(state, Kind::RegisterWithdraw, (state.r.withdraws.len() - 1, 0), &[], &Asked::default())
}

/// The employee that a body names; the token's own one without.
pub(super) fn employee(value: &Value) -> Result<usize, Refusal> {
    match whole(value) {
        None => Ok(1),
        Some(1) => Ok(1),
        Some(2) => Ok(2),
        Some(other) => Err(Refusal::no_row(Kind::Employee, &other.to_string())),
    }
}

/// The place of the payment type that a body names.
pub(super) fn payment_kind(state: &State, value: &Value) -> Result<Option<usize>, Refusal> {
    let Some(id) = whole(value) else { return Ok(None) };
    let at = usize::try_from(id - 1).ok().filter(|at| *at < state.till.payment_types.len());
    at.map(Some).ok_or_else(|| Refusal::bad(&format!("There is no payment type {id}")))
}

/// Writes a customer down, or changes one.
pub(super) fn customer(state: &mut State, id: Option<&str>, body: &Value) -> Said {
    let now = state.now;
    let at = match id {
        Some(id) => find(state, Kind::Customer, id)?.0,
        None => {
            if text(&body["firstName"]).is_none_or(|name| name.trim().is_empty())
                && text(&body["lastName"]).is_none_or(|name| name.trim().is_empty())
                && text(&body["company"]).is_none_or(|name| name.trim().is_empty())
            {
                return Err(Refusal::bad("A Customer must have a name"));
            }
            state.r.customers.push(Customer { created: now, ..Customer::default() });
            state.r.customers.len() - 1
        }
    };
    if let Some(customer) = state.r.customers.get_mut(at) {
        customer.changed = now;
        for name in ["firstName", "lastName", "title", "company", "vatNumber", "customerTypeID", "taxCategoryID"] {
            if let Some(value) = text(&body[name]) {
                customer.fields.insert(name.into(), value);
            }
        }
        let contact = &body["Contact"];
        for name in ["noEmail", "noPhone", "noMail"] {
            if let Some(value) = text(&contact[name]) {
                customer.contact.insert(name.into(), value);
            }
        }
        let first = |outer: &str, inner: &str, field: &str| {
            nested(contact, outer, inner).first().and_then(|row| text(&row[field]))
        };
        customer.email = first("Emails", "ContactEmail", "address").or(customer.email.take());
        customer.phone = first("Phones", "ContactPhone", "number").or(customer.phone.take());
    }
    written(state, Kind::Customer, (at, 0), &["Contact"], &Asked::default())
}

impl State {
    fn r_open_drawer(&mut self, at: usize, change: Minor, kind: usize, employee: usize, notes: &str) {
        let now = self.now;
        if let Some(drawer) = self.r.drawers.get_mut(at) {
            *drawer = Drawer { open: true, since: now, opened_by: employee, ..*drawer };
        }
        let at_least = self.r.drawers.get(at).map_or(now, |drawer| drawer.counted.max(now));
        let notes = if notes.is_empty() { "Opening float".to_owned() } else { notes.to_owned() };
        self.r.withdraws.push(Withdraw { register: at, amount: change, kind, employee, at: at_least, notes });
    }

    fn r_close_drawer(&mut self, at: usize, employee: usize, notes: &str, actual: impl Fn(usize, Minor) -> Minor) {
        let now = self.now;
        let Some(drawer) = self.r.drawers.get(at).copied() else { return };
        // Every payment type has its row, also one with which nobody paid.
        let mut sums = since_counted(self, at, &drawer);
        for kind in 0..3 {
            sums.entry(kind).or_default();
        }
        let amounts = sums.into_iter().map(|(kind, (add, out, paid))| {
            let calculated = Minor(add + out + paid);
            (kind, calculated, actual(kind, calculated))
        });
        let counted = Counted {
            register: at,
            opened: drawer.since,
            closed: now,
            opened_by: drawer.opened_by,
            closed_by: employee,
            notes: notes.to_owned(),
            amounts: amounts.collect(),
        };
        self.r.counted.push(counted);
        if let Some(drawer) = self.r.drawers.get_mut(at) {
            // What is paid from the next moment on belongs to the next count.
            *drawer = Drawer { open: false, counted: now + Span(1), ..*drawer };
        }
    }

    /// In the morning a store opens its drawers with change in them.
    pub(in crate::sim) fn r_open_store(&mut self, store: usize) {
        for at in self.r_drawers_of(store, false) {
            self.r_open_drawer(at, FLOAT, 0, 2, "");
        }
    }

    /// In the evening it counts them; now and then some coins are missing, and what paid by card is what was rung up.
    pub(in crate::sim) fn r_close_store(&mut self, store: usize, missing: Minor) {
        for at in self.r_drawers_of(store, true) {
            let count = |kind: usize, calculated: Minor| match kind {
                0 => Minor(calculated.0 - missing.0),
                _ => calculated,
            };
            self.r_close_drawer(at, 2, "", count);
        }
    }

    fn r_drawers_of(&self, store: usize, open: bool) -> Vec<usize> {
        let registers = self.till.registers.iter().zip(&self.r.drawers).enumerate();
        registers.filter(|(_, (r, drawer))| r.outlet == store && drawer.open == open).map(|(at, _)| at).collect()
    }
}
