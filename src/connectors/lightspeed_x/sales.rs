//! A sale, return, exchange or void, in the three shapes the vendor writes it.
//!
//! Notices keep the oldest shape whatever version one speaks; the REST API of 2026-07 has another, and the one in
//! between is still met. They differ in where a figure stands, not in what it means, so each is looked for in its
//! places. What is missing or cannot be exact makes the sale unreadable, with the field's name; nothing is guessed.

use super::super::Unreadable;
use super::super::json::Object;
use super::wire;
use crate::domain::fact::{Sale, SaleLine, SaleState, Tender};
use crate::domain::ids::{DocumentKey, LineKey, OutletKey, ProductKey};
use crate::domain::money::Fine;
use std::collections::{BTreeSet, HashSet};

/// Most lines believed in one sale.
const LINES_MAX: usize = 10_000;

/// Reads a sale of any shape.
pub(super) fn read(sale: &Object<'_>) -> Result<Sale, Unreadable> {
    // In the newest shape `source` is an object that also names the place; before, it was a word.
    let source = if sale.is_object("source") { sale.object("source")? } else { None };
    let returned = sale.object("return")?;
    let outlet = match (sale.key("outlet_id")?, &source) {
        (Some(outlet), _) => Some(outlet),
        (None, Some(source)) => source.key("outlet_id")?,
        (None, None) => None,
    };
    let register = match (sale.key("register_id")?, &source) {
        (Some(register), _) => Some(register),
        (None, Some(source)) => source.key("register_id")?,
        (None, None) => None,
    };
    let return_for = match (sale.key("return_for")?, &returned) {
        (Some(original), _) => Some(original),
        (None, Some(returned)) => returned.key("original_sale_id")?,
        (None, None) => None,
    };
    let mut happened_at = None;
    for name in ["sale_date", "date", "created_at"] {
        happened_at = match happened_at {
            Some(at) => Some(at),
            None => sale.time(name)?,
        };
    }
    let happened_at = happened_at.ok_or_else(|| sale.missing("sale_date"))?;
    let changed_at = sale.time("updated_at").ok().flatten().unwrap_or(happened_at).max(happened_at);
    let state = state_of(sale)?;
    let (total, tax) = totals(sale)?;
    Ok(Sale {
        document: DocumentKey::new(sale.need_key("id")?),
        version: wire::version(sale)?.ok_or_else(|| sale.missing("version"))?,
        outlet: OutletKey::new(outlet.ok_or_else(|| sale.missing("outlet_id"))?),
        register,
        happened_at,
        changed_at,
        number: sale.text("invoice_number")?.unwrap_or_default(),
        return_for: return_for.map(DocumentKey::new),
        source: origin(sale, source.as_ref())?,
        lines: lines(sale, &state)?,
        tenders: tenders(sale)?,
        state,
        total,
        tax,
    })
}

/// Whether something looks like a sale.
pub(super) fn looks_like(sale: &Object<'_>) -> bool {
    sale.has("register_sale_products") || (sale.has("line_items") && (sale.has("state") || sale.has("status")))
}

fn state_of(sale: &Object<'_>) -> Result<SaleState, Unreadable> {
    let deleted = sale.text("deleted_at")?.is_some_and(|at| !at.is_empty());
    if deleted {
        return Ok(SaleState::Voided);
    }
    let mut attributes = Vec::new();
    for raw in sale.elements("attributes")? {
        attributes.push(raw.get().trim_matches('"').to_ascii_lowercase());
    }
    Ok(state(sale.text("status")?.as_deref(), sale.text("state")?.as_deref(), &attributes))
}

/// What the vendor's words for a sale's state mean for the goods. The old word decides where it is known.
///
/// Two readings rest on no vendor sentence: a lay-by keeps its goods until it is closed, and a closed service sale
/// has handed them over.
pub(super) fn state(status: Option<&str>, state: Option<&str>, attributes: &[String]) -> SaleState {
    let old = status.map(str::to_ascii_uppercase);
    match old.as_deref() {
        Some(
            "CLOSED" | "ONACCOUNT" | "ONACCOUNT_CLOSED" | "LAYBY_CLOSED" | "DISPATCHED_CLOSED" | "PICKED_UP_CLOSED"
            | "SERVICE_CLOSED",
        ) => return SaleState::Closed,
        Some("SAVED" | "OPEN" | "LAYBY" | "AWAITING_DISPATCH" | "AWAITING_PICKUP" | "SERVICE") => {
            return SaleState::Open;
        }
        Some("VOIDED") => return SaleState::Voided,
        _ => {}
    }
    let has = |attribute: &str| attributes.iter().any(|known| known == attribute);
    let new = state.map(str::to_ascii_lowercase);
    match new.as_deref() {
        Some("closed") => SaleState::Closed,
        Some("voided") => SaleState::Voided,
        // Goods sold on account leave at once, unless they wait to be sent or picked up.
        Some("pending") if has("onaccount") && !has("pickup") && !has("delivery") => SaleState::Closed,
        Some("parked" | "pending") => SaleState::Open,
        _ => SaleState::Unknown(status.or(state).unwrap_or_default().to_owned()),
    }
}

/// Who asked for the sale outside the till, if that has an id.
fn origin(sale: &Object<'_>, source: Option<&Object<'_>>) -> Result<Option<(String, String)>, Unreadable> {
    let (kind, id) = match source {
        Some(source) => (source.text("type")?, source.key("id")?),
        None => (sale.text("source")?, sale.key("source_id")?),
    };
    Ok(id.map(|id| (kind.unwrap_or_default(), id)))
}

fn lines(sale: &Object<'_>, state: &SaleState) -> Result<Vec<SaleLine>, Unreadable> {
    let name = if sale.has("register_sale_products") { "register_sale_products" } else { "line_items" };
    if !sale.has(name) {
        return Err(sale.missing(name));
    }
    let rows = sale.objects(name)?;
    if rows.len() > LINES_MAX {
        return Err(sale.wrong(name, "more lines than a sale can have"));
    }
    let mut lines: Vec<SaleLine> = Vec::with_capacity(rows.len());
    let mut ids = HashSet::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let units = row.need_units("quantity")?;
        // A line untouched by a partial return stays with nothing on it; one struck out of a living sale moved nothing.
        let struck_out = row.text("status")?.is_some_and(|status| status.eq_ignore_ascii_case("VOIDED"));
        if units == 0 || (struck_out && *state != SaleState::Voided) {
            continue;
        }
        let line = line(row, index, units)?;
        // Goods are booked by line, so two lines of one id cannot be told apart later.
        if !ids.insert(line.line.clone()) {
            return Err(row.wrong("id", &format!("another line has the id {} too", line.line)));
        }
        lines.push(line);
    }
    Ok(lines)
}

fn line(row: &Object<'_>, index: usize, units: i64) -> Result<SaleLine, Unreadable> {
    let product = match row.key("product_id")? {
        Some(product) => product,
        None => match row.object("product")? {
            Some(product) => product.need_key("id")?,
            None => return Err(row.missing("product_id")),
        },
    };
    let marked = match (row.flag("is_return")?, row.is_object("return")) {
        (Some(marked), _) => Some(marked),
        (None, true) => row.object("return")?.map(|returned| returned.flag("is_return")).transpose()?.flatten(),
        (None, false) => None,
    };
    let pricing = row.object("pricing")?;
    let figures = pricing.as_ref().unwrap_or(row);
    let unit_tax = match row.is_object("tax") {
        true => row.object("tax")?.map(|tax| tax.fine("amount")).transpose()?.flatten(),
        false => row.fine("tax")?,
    };
    Ok(SaleLine {
        line: LineKey::new(row.key("id")?.unwrap_or_else(|| format!("#{index}"))),
        product: ProductKey::new(product),
        units,
        is_return: marked.unwrap_or(units < 0),
        unit_price: figures.fine("price")?.unwrap_or(Fine::ZERO),
        unit_discount: figures.fine("discount")?.unwrap_or(Fine::ZERO),
        unit_tax: unit_tax.unwrap_or(Fine::ZERO),
        price_text: figures.text("price")?.unwrap_or_default(),
    })
}

fn tenders(sale: &Object<'_>) -> Result<Vec<Tender>, Unreadable> {
    let name = if sale.has("register_sale_payments") { "register_sale_payments" } else { "payments" };
    let mut tenders = Vec::new();
    for row in sale.objects(name)? {
        if row.text("deleted_at")?.is_some_and(|at| !at.is_empty()) {
            continue;
        }
        let kind = if row.is_object("type") { row.object("type")? } else { None };
        // Several payment types of a retailer share the vendor's own type: its own id is the key.
        let own = row.object("retailer_payment_type")?;
        let vendors = row.object("payment_type")?;
        let payment_type = match (row.key("retailer_payment_type_id")?, &kind) {
            (Some(id), _) => id,
            (None, Some(kind)) => kind.key("config_id")?.unwrap_or_default(),
            (None, None) => row.key("payment_type_id")?.unwrap_or_default(),
        };
        let mut called = None;
        for object in [Some(&row), kind.as_ref(), own.as_ref(), vendors.as_ref()].into_iter().flatten() {
            called = match called {
                Some(name) => Some(name),
                None => object.text("name")?.filter(|name| !name.is_empty()),
            };
        }
        tenders.push(Tender {
            payment_type,
            name: called.unwrap_or_default(),
            amount: row.fine("amount")?.ok_or_else(|| row.missing("amount"))?,
        });
    }
    Ok(tenders)
}

/// The total including tax and the tax in it. The vendor's `total_price` never includes tax.
pub(super) fn totals(sale: &Object<'_>) -> Result<(Fine, Fine), Unreadable> {
    let (holder, price, including, tax) = match sale.object("totals")? {
        Some(totals) if totals.has("total_price") => (totals, "total_price", "total_price_incl", "total_tax"),
        Some(totals) => (totals, "price", "price_incl_tax", "tax"),
        None => return sums(sale, "total_price", "total_price_incl", "total_tax"),
    };
    sums(&holder, price, including, tax)
}

fn sums(holder: &Object<'_>, price: &str, including: &str, tax: &str) -> Result<(Fine, Fine), Unreadable> {
    let tax_part = holder.fine(tax)?;
    if let Some(total) = holder.fine(including)? {
        let without = holder.fine(price)?;
        let tax_part = tax_part.or_else(|| total.0.checked_sub(without?.0).map(Fine)).unwrap_or(Fine::ZERO);
        return Ok((total, tax_part));
    }
    let without = holder.fine(price)?.ok_or_else(|| holder.missing(price))?;
    let tax_part = tax_part.ok_or_else(|| holder.missing(tax))?;
    let total = without.0.checked_add(tax_part.0).ok_or_else(|| holder.wrong(price, "too large"))?;
    Ok((Fine(total), tax_part))
}

/// The products that a sale names, wherever it names them, although it may not be usable as a sale; `None` when it names
/// none: then it may be about any.
pub(super) fn products_named(raw: &str) -> Option<BTreeSet<String>> {
    let mut named = BTreeSet::new();
    let whole: serde_json::Value = serde_json::from_str(raw).ok()?;
    let mut left = vec![&whole];
    while let Some(value) = left.pop() {
        match value {
            serde_json::Value::Array(values) => left.extend(values),
            serde_json::Value::Object(fields) => {
                named.extend(fields.get("product_id").and_then(|id| id.as_str()).map(str::to_owned));
                named.extend(fields.get("product").and_then(|it| it.get("id")?.as_str()).map(str::to_owned));
                left.extend(fields.values());
            }
            _ => {}
        }
    }
    (!named.is_empty()).then_some(named)
}
