//! Web orders, reduced to what the count needs.

use super::super::json::Object;
use super::super::{Page, Record, Unreadable, fingerprint};
use super::{Sweep, queries, wire};
use crate::domain::fact::{Fact, Order, OrderLine, OrderState};
use crate::domain::ids::{DocumentKey, LineKey, OutletKey, ProductKey};
use crate::domain::money::Fine;
use std::collections::HashSet;

/// Reads a page of orders.
pub(super) fn page(data: &str, sweep: Sweep, currency: &str) -> Result<Page<Record>, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("orders") {
        return Err(data.missing("orders"));
    }
    let elements = data.elements("orders")?;
    let full = elements.len() >= queries::ORDER_ROWS;
    let rows = elements.into_iter().map(|raw| record(raw.get(), currency)).collect::<Result<Vec<_>, _>>()?;
    let newest = rows.iter().map(|row| row.version).filter(|version| *version > 0).max();
    let began = sweep.began();
    let (next, resume) = sweep.turn(newest.map(wire::changed_at), full)?;
    Ok(Page { rows, next, resume, began })
}

/// Reads the answer about one order.
pub(super) fn one(data: &str, number: i64, currency: &str) -> Result<Option<Record>, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("orders") {
        return Err(data.missing("orders"));
    }
    for raw in data.elements("orders")? {
        // A shop that overlooks the filter must not make us take another order for this one.
        if Object::open("order", raw.get())?.need_whole("number")? == number {
            return record(raw.get(), currency).map(Some);
        }
    }
    Ok(None)
}

/// Reads a stored order.
pub(super) fn read_raw(raw: &str, currency: &str) -> Result<Order, Unreadable> {
    read(&Object::open("order", raw)?, currency)
}

fn record(raw: &str, currency: &str) -> Result<Record, Unreadable> {
    let order = Object::open("order", raw)?;
    Ok(Record {
        kind: "order",
        // One without an id is kept with its reason, and does not hold up the page that it stands on.
        external_id: order.need_key("id").unwrap_or_else(|_| fingerprint(raw)),
        version: order.time("updatedAt").ok().flatten().map_or(0, |changed_at| wire::version(changed_at, raw)),
        raw: raw.to_owned(),
        facts: read(&order, currency).map(|order| vec![Fact::Order(order)]),
    })
}

fn read(order: &Object<'_>, currency: &str) -> Result<Order, Unreadable> {
    let total = order.need_object("grandTotal")?;
    let named = match total.object("currency")? {
        Some(currency) => currency.text("code")?,
        None => None,
    };
    if !order.has("lines") {
        return Err(order.missing("lines"));
    }
    let mut lines: Vec<OrderLine> = Vec::new();
    let mut ids = HashSet::new();
    for row in order.objects("lines")? {
        let Some(line) = line(&row)? else { continue };
        // Units wait by line, so two lines of one id cannot be told apart later.
        if !ids.insert(line.line.clone()) {
            return Err(row.wrong("id", &format!("another line has the id {} too", line.line)));
        }
        lines.push(line);
    }
    Ok(Order {
        document: DocumentKey::new(order.need_key("id")?),
        number: order.need_key("number")?,
        state: state(&order.text("status")?.ok_or_else(|| order.missing("status"))?),
        on_hold: order.flag("isOnHold")?.unwrap_or(false),
        placed_at: order.need_time("createdAt")?,
        updated_at: order.need_time("updatedAt")?,
        lines,
        total: total.fine("value")?.ok_or_else(|| total.missing("value"))?,
        currency: named.unwrap_or_else(|| currency.to_owned()),
    })
}

/// One line with the units that are not cancelled. A line without a product counts only while it has units.
fn line(row: &Object<'_>) -> Result<Option<OrderLine>, Unreadable> {
    let units = row.need_units("quantity")?;
    if units < 0 {
        return Err(row.wrong("quantity", "fewer than no units"));
    }
    let product = match row.object("productSize")? {
        Some(size) => size.need_key("id")?,
        None if units == 0 => return Ok(None),
        None => return Err(row.missing("productSize")),
    };
    let mut allocations = Vec::new();
    for allocation in row.objects("allocations")? {
        let warehouse = allocation.need_object("warehouse")?.need_key("id")?;
        allocations.push((OutletKey::new(warehouse), allocation.need_units("quantity")?));
    }
    let unit_price = match row.object("unitPrice")? {
        Some(price) => price.fine("value")?.unwrap_or(Fine::ZERO),
        None => Fine::ZERO,
    };
    Ok(Some(OrderLine {
        line: LineKey::new(row.need_key("id")?),
        product: ProductKey::new(product),
        units,
        unit_price,
        allocations,
    }))
}

/// The vendor's word for an order's state. How "cancelled" is spelled differs between its own papers; "completed" on
/// its screens is `SHIPPED` here.
pub(super) fn state(word: &str) -> OrderState {
    match word {
        "PENDING" | "CONFIRMED" | "PROCESSING" => OrderState::Open,
        "SHIPPED" | "COMPLETED" | "ARCHIVED" => OrderState::Shipped,
        "CANCELLED" | "CANCELED" | "DELETED" => OrderState::Cancelled,
        other => OrderState::Unknown(other.to_owned()),
    }
}
