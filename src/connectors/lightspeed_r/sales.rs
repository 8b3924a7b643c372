//! A sale, refund, exchange or void.
//!
//! A refund is a sale of its own with negative units; the only link to what it takes back leads from line to line. Which
//! sale the other line belongs to is found out when the sale is read and kept beside the vendor's text, as is the void
//! of a voided sale, because a void does not always move the sale's own time.
//!
//! Figures that the vendor has calculated (line discounts, taxes, totals) and unit prices have as many decimals as the
//! division gave: they are rounded to five, half away from zero. What was paid is entered by people and must be exact.

use super::super::Unreadable;
use super::super::json::{Object, fine_of};
use super::wire;
use crate::domain::fact::{Sale, SaleLine, SaleState, Tender};
use crate::domain::ids::{DocumentKey, LineKey, OutletKey, ProductKey};
use crate::domain::money::Fine;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Most lines believed in one sale.
const LINES_MAX: usize = 10_000;

/// A sale with what belongs to it.
pub(super) struct Parts<'a> {
    sale: Object<'a>,
    void: Option<Object<'a>>,
    /// Lines that this sale takes back, each with the sale it belongs to.
    parents: Option<Object<'a>>,
}

impl<'a> Parts<'a> {
    /// Opens the vendor's text of a sale, or what [`with`] made of it.
    pub(super) fn open(raw: &'a str) -> Result<Self, Unreadable> {
        let whole = Object::open("sale", raw)?;
        if !whole.is_object("Sale") {
            return Ok(Self { sale: whole, void: None, parents: None });
        }
        let sale = whole.need_object("Sale")?;
        Ok(Self { sale, void: whole.object("SaleVoid")?, parents: whole.object("parents")? })
    }

    /// The vendor's id, and when this state of it came to be.
    pub(super) fn identity(&self) -> Result<(String, i64), Unreadable> {
        let changed = wire::version(&self.sale)?;
        let voided = match &self.void {
            Some(void) => wire::order(void.need_time("createTime")?.secs()),
            None => changed,
        };
        Ok((self.sale.need_key("saleID")?, changed.max(voided)))
    }
}

/// The vendor's text with what belongs to it; as it is when nothing does. `parents` leads from lines to their sales.
pub(super) fn with(sale: &str, void: Option<&str>, parents: &BTreeMap<String, String>) -> String {
    if void.is_none() && parents.is_empty() {
        return sale.to_owned();
    }
    let void = void.map(|void| format!(",\"SaleVoid\":{void}")).unwrap_or_default();
    let parents = serde_json::to_string(parents).unwrap_or_else(|_| "{}".to_owned());
    format!("{{\"Sale\":{sale}{void},\"parents\":{parents}}}")
}

/// The lines of a raw sale with the lines that they take back; empty when it cannot be read.
pub(super) fn links(raw: &str) -> Vec<(String, Option<String>)> {
    let Ok(sale) = Object::open("sale", raw) else { return Vec::new() };
    let lines = sale.related("SaleLines", "SaleLine").unwrap_or_default();
    let link = |line: &Object<'_>| Some((line.key("saleLineID").ok()??, wire::link(line, "parentSaleLineID").ok()?));
    lines.iter().filter_map(link).collect()
}

/// Reads a sale.
pub(super) fn read(parts: &Parts<'_>) -> Result<Sale, Unreadable> {
    let sale = &parts.sale;
    let (id, version) = parts.identity()?;
    let mut happened_at = None;
    for name in ["completeTime", "createTime", "timeStamp"] {
        happened_at = match happened_at {
            Some(at) => Some(at),
            None => sale.time(name)?,
        };
    }
    let happened_at = happened_at.ok_or_else(|| sale.missing("completeTime"))?;
    let rows = sale.related("SaleLines", "SaleLine")?;
    Ok(Sale {
        version,
        state: state(parts)?,
        outlet: OutletKey::new(wire::link(sale, "shopID")?.ok_or_else(|| sale.missing("shopID"))?),
        register: wire::link(sale, "registerID")?,
        happened_at,
        // A sale may be dated back by whoever enters it.
        changed_at: crate::domain::time::Timestamp(version).max(happened_at),
        number: sale.text("ticketNumber")?.filter(|number| !number.is_empty()).unwrap_or_else(|| id.clone()),
        return_for: returned(parts, &rows, &id)?.map(DocumentKey::new),
        source: origin(sale)?,
        lines: lines(sale, &rows)?,
        tenders: tenders(sale)?,
        total: match sale.rounded("total")? {
            Some(total) => total,
            None => sale.rounded("calcTotal")?.ok_or_else(|| sale.missing("total"))?,
        },
        tax: tax(sale)?,
        document: DocumentKey::new(id),
    })
}

/// What the flags mean for the goods: they leave when a sale is completed. One that was thrown away before that moved
/// nothing.
fn state(parts: &Parts<'_>) -> Result<SaleState, Unreadable> {
    let sale = &parts.sale;
    let voided = sale.flag("voided")?.unwrap_or(false) || parts.void.is_some();
    let archived = sale.flag("archived")?.unwrap_or(false);
    Ok(match (voided, sale.flag("completed")?, archived) {
        (true, ..) | (false, Some(false), true) => SaleState::Voided,
        (false, Some(true), _) => SaleState::Closed,
        (false, Some(false), false) => SaleState::Open,
        (false, None, _) => SaleState::Unknown("neither completed nor not".to_owned()),
    })
}

/// The sale that this one takes goods back from: that of the first line with a known one. A refund of lines of several
/// sales names one of them.
fn returned(parts: &Parts<'_>, rows: &[Object<'_>], own: &str) -> Result<Option<String>, Unreadable> {
    let Some(parents) = &parts.parents else { return Ok(None) };
    for row in rows {
        let Some(parent) = wire::link(row, "parentSaleLineID")? else { continue };
        if let Some(sale) = wire::link(parents, &parent)?.filter(|sale| sale != own) {
            return Ok(Some(sale));
        }
    }
    Ok(None)
}

/// The reference that another system, or we, gave the sale.
fn origin(sale: &Object<'_>) -> Result<Option<(String, String)>, Unreadable> {
    let Some(reference) = sale.key("referenceNumber")? else { return Ok(None) };
    Ok(Some((sale.text("referenceNumberSource")?.unwrap_or_default(), reference)))
}

fn lines(sale: &Object<'_>, rows: &[Object<'_>]) -> Result<Vec<SaleLine>, Unreadable> {
    if rows.len() > LINES_MAX {
        return Err(sale.wrong("SaleLines", "more lines than a sale can have"));
    }
    let mut lines: Vec<SaleLine> = Vec::with_capacity(rows.len());
    let mut ids = HashSet::with_capacity(rows.len());
    for row in rows {
        let units = row.need_units("unitQuantity")?;
        // A line that names no item (a fee, something typed in) has money and no goods.
        let Some(item) = wire::link(row, "itemID")? else { continue };
        if units == 0 {
            continue;
        }
        let id = row.need_key("saleLineID")?;
        // Goods are booked by line, so two lines of one id cannot be told apart later.
        if !ids.insert(id.clone()) {
            return Err(row.wrong("saleLineID", &format!("another line has the id {id} too")));
        }
        lines.push(SaleLine {
            line: LineKey::new(id),
            product: ProductKey::new(item),
            units,
            is_return: units < 0,
            unit_price: row.rounded("unitPrice")?.unwrap_or(Fine::ZERO),
            unit_discount: each(row, ["calcLineDiscount", "calcTransactionDiscount"], units)?,
            unit_tax: each(row, ["calcTax1", "calcTax2"], units)?,
            price_text: row.text("unitPrice")?.unwrap_or_default(),
        });
    }
    Ok(lines)
}

/// Two figures of a whole line, for one unit of it.
fn each(row: &Object<'_>, names: [&str; 2], units: i64) -> Result<Fine, Unreadable> {
    let [first, second] = names;
    let sum = row.number(first)?.unwrap_or_default().checked_add(row.number(second)?.unwrap_or_default());
    let each = sum.and_then(|sum| sum.checked_div(Decimal::from(units)));
    each.and_then(fine_of).ok_or_else(|| row.wrong(first, "is too large"))
}

/// Payments that count; an amount includes its tip. Archived ones were taken back before they counted.
fn tenders(sale: &Object<'_>) -> Result<Vec<Tender>, Unreadable> {
    let mut tenders = Vec::new();
    for row in sale.related("SalePayments", "SalePayment")? {
        if row.flag("archived")?.unwrap_or(false) {
            continue;
        }
        let kind = if row.is_object("PaymentType") { row.object("PaymentType")? } else { None };
        let name = kind.map(|kind| kind.text("name")).transpose()?.flatten();
        tenders.push(Tender {
            payment_type: wire::link(&row, "paymentTypeID")?.unwrap_or_default(),
            name: name.unwrap_or_default(),
            amount: row.fine("amount")?.ok_or_else(|| row.missing("amount"))?,
        });
    }
    Ok(tenders)
}

fn tax(sale: &Object<'_>) -> Result<Fine, Unreadable> {
    if let Some(tax) = sale.rounded("taxTotal")? {
        return Ok(tax);
    }
    let first = sale.rounded("calcTax1")?.unwrap_or(Fine::ZERO);
    let second = sale.rounded("calcTax2")?.unwrap_or(Fine::ZERO);
    first.0.checked_add(second.0).map(Fine).ok_or_else(|| sale.wrong("calcTax1", "is too large"))
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
                let id = match fields.get("itemID") {
                    Some(serde_json::Value::String(id)) => Some(id.clone()),
                    Some(serde_json::Value::Number(id)) => Some(id.to_string()),
                    _ => None,
                };
                named.extend(id.filter(|id| id != "0" && !id.is_empty()));
                left.extend(fields.values());
            }
            _ => {}
        }
    }
    (!named.is_empty()).then_some(named)
}
