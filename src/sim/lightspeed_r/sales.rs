//! Sales, their lines and payments as the till prints them. A refund is a sale of its own whose lines name the lines
//! that they take back; nothing else links the two.

use super::super::till::{Line, Payment, Sale, VOIDED};
use super::super::world::State;
use super::account::{Held, Misc, SaleNotes, stamp};
use super::master::{money, rate};
use super::shape::{Row, dec, decimal, row, s, time};
use super::show::price;
use super::tables::At;
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use serde_json::{Value, json};

/// Whether a list shows this sale.
pub(super) fn listed(state: &State, at: usize) -> bool {
    state.seen(at).is_some_and(|sale| state.till.sale_by_version.get(&sale.version) == Some(&at))
}

fn notes(state: &State, at: usize) -> Option<&SaleNotes> {
    state.r.sales.get(&at)
}

/// How many lines a sale has, those without an item included.
pub(super) fn lines(state: &State, at: usize) -> usize {
    state.seen(at).map_or(0, |sale| sale.lines.len()) + notes(state, at).map_or(0, |notes| notes.misc.len())
}

/// How many payments a sale has, those that were taken back included.
pub(super) fn payments(state: &State, at: usize) -> usize {
    state.seen(at).map_or(0, |sale| sale.payments.len()) + notes(state, at).map_or(0, |notes| notes.taken_back.len())
}

fn number(id: Option<&String>) -> i64 {
    id.and_then(|id| id.parse().ok()).unwrap_or(0)
}

pub(super) fn line_id(state: &State, at: At) -> i64 {
    if at.0 == usize::MAX {
        return number(state.r.held.get(at.1).map(|held| &held.id));
    }
    let Some(sale) = state.seen(at.0) else { return 0 };
    match sale.lines.get(at.1) {
        Some(line) => number(Some(&line.id)),
        None => number(misc(state, sale, at).map(|misc| &misc.id)),
    }
}

fn misc<'a>(state: &'a State, sale: &Sale, at: At) -> Option<&'a Misc> {
    notes(state, at.0)?.misc.get(at.1.checked_sub(sale.lines.len())?)
}

/// A payment, and whether it was taken back.
fn payment_at<'a>(state: &'a State, at: At) -> Option<(&'a Payment, bool)> {
    let sale: &'a Sale = state.seen(at.0)?;
    match sale.payments.get(at.1) {
        Some(payment) => Some((payment, false)),
        None => notes(state, at.0)?.taken_back.get(at.1.checked_sub(sale.payments.len())?).map(|p| (p, true)),
    }
}

pub(super) fn payment_id(state: &State, at: At) -> i64 {
    number(payment_at(state, at).map(|(payment, _)| &payment.id))
}

/// The place of the line with this id: a sale's, or one that waits.
pub(super) fn find_line(state: &State, id: i64) -> Option<At> {
    let wanted = id.to_string();
    let held = state.r.held.iter().position(|held| held.id == wanted && !held.over);
    held.map(|k| (usize::MAX, k)).or_else(|| {
        state.till.sales.iter().enumerate().rev().find_map(|(at, sale)| {
            let own = sale.lines.iter().position(|line| line.id == wanted);
            own.or_else(|| {
                let misc = &notes(state, at)?.misc;
                misc.iter().position(|misc| misc.id == wanted).map(|k| sale.lines.len() + k)
            })
            .map(|k| (at, k))
        })
    })
}

fn shop_of(state: &State, sale: &Sale) -> usize {
    state.till.registers.get(sale.register).map_or(0, |register| register.outlet + 1)
}

pub(super) fn ticket(at: usize) -> String {
    format!("22{:010}", at + 1)
}

pub(super) fn sale(state: &State, at: usize) -> Row {
    let Some(sale) = state.seen(at) else { return Row::new() };
    let empty = SaleNotes { employee: 2, ..SaleNotes::default() };
    let notes = notes(state, at).unwrap_or(&empty);
    let sums = sale.sums(Some(notes));
    let cost: i64 =
        sale.lines.iter().map(|l| l.quantity * state.range.items.get(l.item).map_or(0, |i| i.cost.0 * 1_000)).sum();
    let (taxable, free) = if sums.tax.0 == 0 { (0, sums.subtotal.0) } else { (sums.subtotal.0, 0) };
    let mut shown = row([
        ("saleID", s(at + 1)),
        ("timeStamp", time(stamp(sale.version))),
        ("createTime", time(sale.created_at)),
        (if state.r.quirks.update_time { "updateTime" } else { "updatetime" }, time(sale.updated_at)),
        ("completed", s(sale.completed_at.is_some())),
        ("archived", s(notes.archived)),
        ("voided", s(sale.status == VOIDED)),
        ("enablePromotions", s(true)),
        ("isTaxInclusive", s(false)),
        ("referenceNumber", s(&notes.reference)),
        ("referenceNumberSource", s(&notes.reference_source)),
        ("ticketNumber", s(ticket(at))),
        ("tax1Rate", if notes.no_tax { s(0) } else { rate() }),
        ("tax2Rate", s(0)),
        ("change", dec(notes.change)),
        ("tipEnabled", s(false)),
        ("receiptPreference", s("printed")),
        ("displayableSubtotal", dec(Fine(sums.subtotal.0 - sums.discount.0))),
        ("calcDiscount", dec(sums.discount)),
        ("calcTotal", dec(sums.total)),
        ("calcSubtotal", dec(sums.subtotal)),
        ("calcTaxable", dec(Fine(taxable))),
        ("calcNonTaxable", dec(Fine(free))),
        ("calcAvgCost", dec(Fine(cost))),
        ("calcFIFOCost", dec(Fine(cost))),
        ("calcTax1", dec(sums.tax)),
        ("calcTax2", s(0)),
        ("calcPayments", dec(sums.paid)),
        ("calcTips", s(0)),
        ("total", dec(sums.total)),
        ("totalDue", dec(sums.total)),
        ("displayableTotal", dec(sums.total)),
        ("taxTotal", dec(sums.tax)),
        ("balance", dec(Fine(sums.total.0 - sums.paid.0))),
        ("customerID", s(notes.customer)),
        ("discountID", s(0)),
        ("employeeID", s(notes.employee.max(1))),
        ("tipEmployeeID", s(0)),
        ("quoteID", s(0)),
        ("registerID", s(sale.register + 1)),
        ("shipToID", s(if notes.ship_to.is_some() { at + 1 } else { 0 })),
        ("shopID", s(shop_of(state, sale))),
        ("taxCategoryID", s(i32::from(!notes.no_tax))),
    ]);
    if let Some(completed) = sale.completed_at {
        shown.insert("completeTime".into(), time(completed));
    }
    shown
}

/// What a line is made of, wherever it stands.
struct Printed<'a> {
    id: &'a str,
    created: Timestamp,
    changed: Timestamp,
    quantity: i64,
    /// One unit before discount, its discount, and its tax.
    unit: (Fine, Fine, Fine),
    cost: Fine,
    kind: (bool, bool),
    item: usize,
    customer: usize,
    employee: usize,
    parent: &'a str,
    shop: usize,
    sale: usize,
}

impl Printed<'_> {
    fn row(&self) -> Row {
        let (unit, discount, tax) = self.unit;
        let times = |fine: i64| Fine(self.quantity * fine);
        // A ten-thousandth of a whole is fine enough for a percentage.
        let part = if unit.0 == 0 { 0 } else { (discount.0 * 10_000 + unit.0 / 2) / unit.0 };
        row([
            ("saleLineID", s(self.id)),
            ("createTime", time(self.created)),
            ("timeStamp", time(self.changed)),
            ("unitQuantity", s(self.quantity)),
            ("unitPrice", dec(unit)),
            ("normalUnitPrice", dec(unit)),
            ("discountAmount", s(0)),
            ("discountPercent", s(decimal(part, 4))),
            ("avgCost", dec(self.cost)),
            ("fifoCost", dec(self.cost)),
            ("tax", s(tax.0 != 0)),
            ("tax1Rate", if tax.0 == 0 { s(0) } else { rate() }),
            ("tax2Rate", s(0)),
            ("isLayaway", s(self.kind.0)),
            ("isWorkorder", s(false)),
            ("isSpecialOrder", s(self.kind.1)),
            ("displayableSubtotal", dec(times(unit.0 - discount.0))),
            ("calcLineDiscount", dec(times(discount.0))),
            ("calcTransactionDiscount", s(0)),
            ("calcSubtotal", dec(times(unit.0))),
            ("calcTotal", dec(times(unit.0 - discount.0 + tax.0))),
            ("calcTax1", dec(times(tax.0))),
            ("calcTax2", s(0)),
            ("taxClassID", s(1)),
            ("customerID", s(self.customer)),
            ("discountID", s(0)),
            ("employeeID", s(self.employee.max(1))),
            ("itemID", s(self.item)),
            ("noteID", s(0)),
            ("parentSaleLineID", s(self.parent)),
            ("shopID", s(self.shop)),
            ("taxCategoryID", s(0)),
            ("saleID", s(self.sale)),
            ("lineType", s("")),
        ])
    }
}

pub(super) fn line(state: &State, at: At) -> Row {
    if at.0 == usize::MAX {
        return state.r.held.get(at.1).map_or_else(Row::new, |held| held_line(state, held));
    }
    let Some(sale) = state.seen(at.0) else { return Row::new() };
    let employee = notes(state, at.0).map_or(2, |notes| notes.employee);
    let place = |id, quantity, unit, item: usize, cost, parent| Printed {
        id,
        created: sale.created_at,
        changed: stamp(sale.version),
        quantity,
        unit,
        cost,
        kind: (false, false),
        item,
        customer: 0,
        employee,
        parent,
        shop: shop_of(state, sale),
        sale: at.0 + 1,
    };
    match sale.lines.get(at.1) {
        Some(Line { id, item, quantity, price, discount, tax, parent, note, .. }) => {
            let cost = Fine(state.range.items.get(*item).map_or(0, |item| item.cost.0 * 1_000));
            let unit = (Fine(price.0 + discount.0), *discount, *tax);
            let parent = parent.as_deref().unwrap_or("0");
            let mut printed = place(id.as_str(), *quantity, unit, item + 1, cost, parent);
            // Such a flag on the line of a sale says something and holds nothing back.
            printed.kind.0 = note.as_deref() == Some(LAYAWAY_FLAG);
            printed.row()
        }
        None => match misc(state, sale, at) {
            Some(misc) => {
                let unit = (misc.price, Fine::ZERO, misc.tax);
                let mut row = place(misc.id.as_str(), misc.quantity, unit, 0, Fine::ZERO, "0").row();
                row.insert("Note".into(), json!({"note": misc.note, "isPublic": "true"}));
                row
            }
            None => Row::new(),
        },
    }
}

/// Marks a sale's line whose layaway flag was set.
pub(super) const LAYAWAY_FLAG: &str = "isLayaway";

fn held_line(state: &State, held: &Held) -> Row {
    let unit = price(state, held.item);
    let cost = Fine(state.range.items.get(held.item).map_or(0, |item| item.cost.0 * 1_000));
    let tax = Fine(unit.0 * super::super::till::TAX_PERCENT / 100);
    let printed = Printed {
        id: &held.id,
        created: held.at,
        changed: held.changed,
        quantity: held.quantity,
        unit: (unit, Fine::ZERO, tax),
        cost,
        kind: (held.layaway, !held.layaway),
        item: held.item + 1,
        customer: held.customer,
        employee: held.employee,
        parent: "0",
        shop: held.shop + 1,
        sale: 0,
    };
    printed.row()
}

/// What was taken from the shelf for a line: lot by lot, to be added up.
pub(super) fn inventory_sales(state: &State, at: At) -> Value {
    let held = state.r.held.get(at.1).filter(|held| at.0 == usize::MAX && held.layaway);
    let Some(held) = held.filter(|held| held.reserved > 0) else { return s("") };
    let lots = if held.reserved > 1 { vec![1, held.reserved - 1] } else { vec![held.reserved] };
    let rows = lots.into_iter().enumerate().map(|(k, quantity)| {
        json!({
            "inventorySaleID": s(at.1 * 2 + k + 1), "quantity": s(quantity), "itemID": s(held.item + 1),
            "saleLineID": held.id,
        })
    });
    super::shape::one_or_many("InventorySale", rows.collect())
}

pub(super) fn payment(state: &State, at: At) -> Row {
    let (Some((payment, archived)), Some(sale)) = (payment_at(state, at), state.seen(at.0)) else { return Row::new() };
    let notes = notes(state, at.0);
    let original = sale.return_for.and_then(|original| state.till.sales.get(original));
    let taken_from = original.and_then(|sale| sale.payments.iter().find(|other| other.kind == payment.kind));
    row([
        ("salePaymentID", s(&payment.id)),
        ("amount", money(payment.amount)),
        ("tipAmount", s(0)),
        ("createTime", time(payment.at)),
        ("archived", s(archived)),
        ("remoteReference", s(notes.and_then(|n| n.remote.get(&payment.id)).map_or("", String::as_str))),
        ("paymentID", s(0)),
        ("saleID", s(at.0 + 1)),
        ("paymentTypeID", s(payment.kind + 1)),
        ("ccChargeID", s(0)),
        ("refPaymentID", s(taken_from.filter(|_| payment.amount.0 < 0).map_or("0", |other| other.id.as_str()))),
        ("registerID", s(sale.register + 1)),
        ("employeeID", s(notes.map_or(2, |n| n.employee).max(1))),
        ("creditAccountID", s(0)),
    ])
}

pub(super) fn void(state: &State, at: usize) -> Row {
    let Some((sale, when)) = state.r.voids.get(at) else { return Row::new() };
    let shop = state.till.sales.get(*sale).map_or(0, |row| shop_of(state, row));
    row([
        ("saleVoidID", s(at + 1)),
        ("createTime", time(*when)),
        ("reason", s("Voided at the till")),
        ("saleID", s(sale + 1)),
        ("employeeID", s(2)),
        ("shopID", s(shop)),
    ])
}

pub(super) fn special(state: &State, at: usize) -> Row {
    let Some(special) = state.r.specials.get(at) else { return Row::new() };
    row([
        ("specialOrderID", s(at + 1)),
        ("unitQuantity", s(special.quantity)),
        ("contacted", s(false)),
        ("completed", s(special.completed)),
        ("timeStamp", time(special.changed)),
        ("status", s("Not Ordered")),
        ("customerID", s(special.customer)),
        ("shopID", s(special.shop + 1)),
        ("saleLineID", s(&special.line)),
        ("orderLineID", s(0)),
        ("transferItemID", s(0)),
    ])
}
