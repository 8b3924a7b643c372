//! A sale with everything that orders, returns and finance need of it: lines, tenders, tax, links, who and where.

use super::super::error::CallError;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::calls::id;
use super::masters::{gone, texts};
use super::{LightspeedX, sales, wire};
use crate::domain::fact::SaleState;
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A sale as it stands in the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleDetail {
    /// The vendor's id, or ours when we made it.
    pub id: String,
    /// The vendor's order of changes.
    pub version: i64,
    /// What it means for the goods.
    pub state: SaleState,
    /// The vendor's own word for it.
    pub word: String,
    /// What else the vendor says of it (`pickup`, `delivery`, `onaccount`, `layby`).
    pub attributes: Vec<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// The number on the receipt; registers share numbers.
    pub number: String,
    /// Whose reference it carries, and which: ours, when we made it.
    pub reference: Option<(String, String)>,
    /// The user in whose name it was made.
    pub author: Option<String>,
    /// The register.
    pub register: Option<String>,
    /// The outlet.
    pub outlet: Option<String>,
    /// The customer; the walk-in customer where nobody was named.
    pub customer: Option<String>,
    /// What was written on it.
    pub note: String,
    /// The sale that this one returns.
    pub returns: Option<String>,
    /// The sales that return this one, parked ones too.
    pub returned_by: Vec<String>,
    /// Its lines, those with no units left too.
    pub lines: Vec<DetailLine>,
    /// Its payments, deleted ones too.
    pub payments: Vec<DetailPayment>,
    /// Tax by tax.
    pub taxes: Vec<(String, Fine)>,
    /// Total including tax.
    pub total: Fine,
    /// The tax in it.
    pub tax: Fine,
}

/// A line. Prices, discounts and taxes are for one unit, without tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailLine {
    /// The vendor's id.
    pub id: Option<String>,
    /// What.
    pub product: String,
    /// Units; negative comes back, nought was left out of a return.
    pub units: i64,
    /// Price of one.
    pub unit_price: Fine,
    /// Discount on one.
    pub unit_discount: Fine,
    /// What one cost, if that is told.
    pub unit_cost: Option<Fine>,
    /// Loyalty earned by one, if any.
    pub unit_loyalty: Option<Fine>,
    /// Its tax, without which it cannot be written again.
    pub tax: Option<String>,
    /// Tax on one.
    pub unit_tax: Fine,
    /// It returns something.
    pub is_return: bool,
    /// Why, in the cashier's words.
    pub reason: String,
    /// Its price was given by hand.
    pub price_set: Option<bool>,
    /// Its place on the receipt.
    pub sequence: Option<i64>,
    /// The vendor's word for how far it is.
    pub status: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailPayment {
    /// The vendor's id.
    pub id: Option<String>,
    /// The payment type ([`super::masters::PaymentType`]).
    pub payment_type: String,
    /// Its name then.
    pub name: String,
    /// How much; negative was given back.
    pub amount: Fine,
    /// When.
    pub at: Option<Timestamp>,
    /// At which register.
    pub register: Option<String>,
    /// In which of its sessions.
    pub session: Option<String>,
    /// Taken back; it counts for nothing.
    pub deleted: bool,
}

impl SaleDetail {
    /// What was paid, as far as it still counts.
    pub fn paid(&self) -> Fine {
        let counts = self.payments.iter().filter(|payment| !payment.deleted);
        Fine(counts.fold(0_i64, |sum, payment| sum.saturating_add(payment.amount.0)))
    }

    /// Whether nothing is left to pay. Taxes of one unit are rounded at the fifth decimal, so a cent may be left over.
    pub fn is_paid(&self) -> bool {
        self.total.0.saturating_sub(self.paid().0).saturating_abs() <= 1_000
    }

    /// Units by product, those that come back negative.
    pub fn units(&self) -> BTreeMap<&str, i64> {
        let mut units: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &self.lines {
            let sum = units.entry(&line.product).or_default();
            *sum = sum.saturating_add(line.units);
        }
        units
    }

    /// Whether it carries this reference.
    pub fn carries(&self, source: &str, reference: &str) -> bool {
        self.reference.as_ref().is_some_and(|(kind, id)| kind == source && id == reference)
    }
}

impl LightspeedX {
    /// One sale with everything in it; `None` when the vendor does not know it.
    pub async fn sale_detail(&self, sale: &str) -> Result<Answer<Option<SaleDetail>>, CallError> {
        self.one("read one sale", &format!("sales/{}", id(sale)?), read_row).await
    }
}

/// Reads a stored sale of the REST API in all its detail.
pub fn read(raw: &str) -> Result<SaleDetail, Unreadable> {
    read_row(&Object::open("sale", raw)?)
}

pub(super) fn read_row(sale: &Object<'_>) -> Result<SaleDetail, Unreadable> {
    let source = if sale.is_object("source") { sale.object("source")? } else { None };
    let inside = |name: &str| source.as_ref().map(|source| source.key(name)).transpose().map(Option::flatten);
    let author = match &source {
        Some(source) if source.is_object("author") => source.need_object("author")?.key("id")?,
        _ => sale.key("user_id")?,
    };
    let reference = match &source {
        Some(source) => source.key("id")?.map(|id| Ok((source.text("type")?.unwrap_or_default(), id))).transpose()?,
        None => sale.key("source_id")?.map(|id| Ok((sale.text("source")?.unwrap_or_default(), id))).transpose()?,
    };
    let returned = sale.object("return")?;
    let returns = returned.as_ref().map(|returned| returned.key("original_sale_id")).transpose()?.flatten();
    let returned_by = returned.as_ref().map(|returned| texts(returned, "return_sale_ids")).transpose()?;
    let attributes: Vec<String> = texts(sale, "attributes")?.iter().map(|text| text.to_ascii_lowercase()).collect();
    let (status, word) = (sale.text("status")?, sale.text("state")?);
    let state =
        if gone(sale)? { SaleState::Voided } else { sales::state(status.as_deref(), word.as_deref(), &attributes) };
    let (total, tax) = sales::totals(sale)?;
    let mut taxes = Vec::new();
    for row in sale.objects("taxes")? {
        taxes.push((row.need_key("id")?, row.rounded("tax")?.unwrap_or(Fine::ZERO)));
    }
    Ok(SaleDetail {
        id: sale.need_key("id")?,
        version: wire::version(sale)?.ok_or_else(|| sale.missing("version"))?,
        state,
        word: word.or(status).unwrap_or_default(),
        attributes,
        at: sale.time("date")?.or(sale.time("sale_date")?),
        number: sale.text("invoice_number")?.unwrap_or_default(),
        reference,
        author,
        register: inside("register_id")?.or(sale.key("register_id")?),
        outlet: inside("outlet_id")?.or(sale.key("outlet_id")?),
        customer: sale.key("customer_id")?,
        note: sale.text("note")?.unwrap_or_default(),
        returns: returns.or(sale.key("return_for")?),
        returned_by: returned_by.unwrap_or_default(),
        lines: sale.objects("line_items")?.iter().map(line).collect::<Result<_, _>>()?,
        payments: sale.objects("payments")?.iter().map(payment).collect::<Result<_, _>>()?,
        taxes,
        total,
        tax,
    })
}

fn line(row: &Object<'_>) -> Result<DetailLine, Unreadable> {
    let product = match row.key("product_id")? {
        Some(product) => product,
        None => row.need_object("product")?.need_key("id")?,
    };
    let pricing = row.object("pricing")?;
    let figures = pricing.as_ref().unwrap_or(row);
    let (tax, unit_tax) = if row.is_object("tax") {
        let tax = row.need_object("tax")?;
        (tax.key("id")?, tax.rounded("amount")?)
    } else {
        (row.key("tax_id")?, row.rounded("tax")?)
    };
    let back = if row.is_object("return") { row.object("return")? } else { None };
    let (marked, reason) = match &back {
        Some(back) => (back.flag("is_return")?, back.text("reason")?),
        None => (row.flag("is_return")?, None),
    };
    let metadata = row.object("_metadata")?;
    let units = row.need_units("quantity")?;
    Ok(DetailLine {
        id: row.key("id")?,
        product,
        units,
        unit_price: figures.rounded("price")?.unwrap_or(Fine::ZERO),
        unit_discount: figures.rounded("discount")?.unwrap_or(Fine::ZERO),
        unit_cost: figures.rounded("cost")?,
        unit_loyalty: figures.rounded("loyalty_amount")?,
        tax,
        unit_tax: unit_tax.unwrap_or(Fine::ZERO),
        is_return: marked.unwrap_or(units < 0),
        reason: reason.unwrap_or_default(),
        price_set: metadata.as_ref().map(|it| it.flag("is_price_override")).transpose()?.flatten(),
        sequence: metadata.as_ref().map(|it| it.whole("sequence")).transpose()?.flatten(),
        status: row.text("status")?.filter(|status| !status.is_empty()),
    })
}

fn payment(row: &Object<'_>) -> Result<DetailPayment, Unreadable> {
    let kind = if row.is_object("type") { row.object("type")? } else { None };
    let source = if row.is_object("source") { row.object("source")? } else { None };
    let metadata = row.object("_metadata")?;
    let (payment_type, name) = match &kind {
        Some(kind) => (kind.need_key("config_id")?, kind.text("name")?),
        None => (row.need_key("retailer_payment_type_id")?, row.text("name")?),
    };
    let register = source.as_ref().map(|source| source.key("register_id")).transpose()?.flatten();
    Ok(DetailPayment {
        id: row.key("id")?,
        payment_type,
        name: name.unwrap_or_default(),
        amount: row.rounded("amount")?.ok_or_else(|| row.missing("amount"))?,
        at: row.time("date")?.or(row.time("payment_date")?),
        register: register.or(row.key("register_id")?),
        session: metadata.as_ref().map(|it| it.key("register_open_sequence_id")).transpose()?.flatten(),
        deleted: gone(row)?,
    })
}
