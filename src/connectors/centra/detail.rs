//! An order with what later steps need of it: lines to name in calls, tax, payments, the way it is sent, and whether it
//! may be touched at all. Who bought is not asked for.

use super::errand::Errand;
use super::payments::{self, Payment, PaymentKind, PaymentState};
use super::queries::Question;
use super::{Centra, orders, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::fact::OrderState;
use crate::domain::ids::{DocumentKey, LineKey, OutletKey, ProductKey};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use serde_json::json;

/// One order with payments and allocations; one with addresses was seen to cost 229.
const DETAIL_GUESS: i64 = 1_000;

/// What is read of an order in detail.
macro_rules! detail_fields {
    () => {
        "id number status isOnHold isLocked createdAt updatedAt store{id} market{id} \
         grandTotal(includingTax:true){value currency{code}} \
         totals{lineValues{value} shipping{value} handling{value} discounts{value} taxIncluded{value} taxAdded{value} \
         taxDeducted{value}} shippingPriceGroup{shippingOption{id name uri}} paymentMethod{uri plugin} \
         paymentHistory{id entryType status createdAt externalReference value{value currency{code}}} \
         lines(includeFullyCancelled:true){id quantity cancelledQuantity returnedQuantity taxPercent unitPrice{value} \
         unitOriginalPrice{value} lineValue{value} productSize{id SKU EAN} allocations{quantity warehouse{id}}}"
    };
}

/// An order in detail. Amounts are in the order's currency and include tax unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetail {
    /// What calls name: a hash, never the number.
    pub id: DocumentKey,
    /// The number that people use, and that events and notices name.
    pub number: i64,
    /// The vendor's word for where it stands.
    pub status: String,
    /// What that means to us.
    pub state: OrderState,
    /// On hold: must neither be shipped nor counted as sold.
    pub on_hold: bool,
    /// People may not edit it over there just now.
    pub locked: bool,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// ISO code.
    pub currency: String,
    /// The vendor's store.
    pub store: Option<i64>,
    /// The vendor's market.
    pub market: Option<i64>,
    /// How it is sent. The vendor has no mark for pick-up: a person says which of these ways are it.
    pub shipping_option: Option<ShippingOption>,
    /// How it is paid, by the vendor's short name.
    pub payment_method: Option<String>,
    /// What happened to the money, as the vendor lists it.
    pub payments: Vec<Payment>,
    /// Its lines, wholly cancelled ones too.
    pub lines: Vec<DetailLine>,
    /// Lines without shipping.
    pub line_values: Fine,
    /// Shipping.
    pub shipping: Fine,
    /// Handling.
    pub handling: Fine,
    /// What was taken off, positive.
    pub discount: Fine,
    /// Tax that the prices hold.
    pub tax_included: Fine,
    /// Tax on top of them.
    pub tax_added: Fine,
    /// Tax taken off them: sold without, to where it is not due.
    pub tax_deducted: Fine,
    /// All that is to be paid.
    pub total: Fine,
}

/// A way of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingOption {
    /// The vendor's id.
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// Its short name, which stays when people rename it.
    pub uri: String,
}

/// A line of an order in detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailLine {
    /// What calls name.
    pub line: LineKey,
    /// What was bought; `None` when it is no longer known.
    pub product: Option<ProductKey>,
    /// Its SKU.
    pub sku: String,
    /// Its article number.
    pub ean: Option<String>,
    /// Units without the cancelled ones. When the whole order is cancelled they stay as they were: look at the state.
    pub units: i64,
    /// Units cancelled by themselves.
    pub cancelled: i64,
    /// Units returned.
    pub returned: i64,
    /// Rate of tax in percent, if told.
    pub tax_percent: Option<Decimal>,
    /// Price of one.
    pub unit_price: Fine,
    /// Price of one before discount.
    pub original_price: Fine,
    /// Price of all.
    pub value: Fine,
    /// Where its units are kept for it.
    pub allocations: Vec<(OutletKey, i64)>,
}

impl OrderDetail {
    /// The line of this id.
    pub fn line(&self, line: &LineKey) -> Option<&DetailLine> {
        self.lines.iter().find(|known| known.line == *line)
    }

    /// Captured for certain: by the shop, or marked as paid.
    pub fn captured(&self) -> Fine {
        self.sum(|kind| matches!(kind, PaymentKind::Captured | PaymentKind::Prepaid | PaymentKind::MarkedPaid))
    }

    /// Whether a capture is under way, whose end comes later, in days at worst.
    pub fn capture_pending(&self) -> bool {
        let settled = self.payments.iter().rposition(|p| p.kind.ends_capture());
        let asked = self.payments.iter().rposition(|p| p.kind == PaymentKind::CaptureAsked);
        asked.is_some_and(|asked| settled.is_none_or(|settled| settled < asked))
    }

    /// Refunded for certain.
    pub fn refunded(&self) -> Fine {
        self.sum(|kind| *kind == PaymentKind::Refunded)
    }

    /// Why it must not be shipped, if it must not.
    pub fn not_to_ship(&self) -> Option<&'static str> {
        if self.on_hold {
            Some("the order is on hold")
        } else if self.locked {
            Some("the order is locked in the shop")
        } else {
            match (self.status.as_str(), &self.state) {
                ("PENDING", _) => Some("the order is not confirmed yet"),
                (_, OrderState::Open) => None,
                (_, OrderState::Cancelled) => Some("the order is cancelled"),
                (_, OrderState::Shipped) => Some("the order is shipped already"),
                (_, OrderState::Unknown(_)) => Some("the order is in a state that we do not know"),
            }
        }
    }

    fn sum(&self, of: impl Fn(&PaymentKind) -> bool) -> Fine {
        let done = self.payments.iter().filter(|p| of(&p.kind) && p.state == PaymentState::Success);
        Fine(done.fold(0_i64, |sum, payment| sum.saturating_add(payment.amount.0)))
    }
}

impl Centra {
    /// An order by its id; `None` when the shop does not show it to us, which is also what a token of another store sees.
    pub async fn order_detail(&self, order: &DocumentKey) -> Result<Answer<Option<OrderDetail>>, CallError> {
        let mut errand = Errand::new(self);
        let detail = look_at(&mut errand, order).await?;
        Ok(errand.done(detail))
    }

    /// An order by the number that people use.
    pub async fn order_detail_numbered(&self, number: i64) -> Result<Answer<Option<OrderDetail>>, CallError> {
        let mut errand = Errand::new(self);
        let text = concat!("query D($n:[Int!]){ orders(where:{number:$n}, limit:1){ ", detail_fields!(), " } }");
        let question = Question::read("read an order in detail", text, json!({ "n": [number] }), DETAIL_GUESS);
        let currency = &self.store_currency;
        let orders = errand.ask(question, |data| read_list(data, currency)).await?;
        Ok(errand.done(orders.into_iter().find(|order| order.number == number)))
    }

    /// Orders that carry our reference: their ids and numbers. More than one means that somebody else has used it.
    pub async fn orders_by_reference(&self, reference: &str) -> Result<Answer<Vec<(DocumentKey, i64)>>, CallError> {
        let mut errand = Errand::new(self);
        let found = by_reference(&mut errand, self, reference).await?;
        Ok(errand.done(found))
    }

    /// Whether it waits for its payment: then it must neither be shipped nor counted as sold. The order itself does not
    /// tell; the shop is asked whether it is among those that do.
    pub async fn waits_for_payment(&self, order: &DocumentKey) -> Result<Answer<bool>, CallError> {
        let mut errand = Errand::new(self);
        let id = errand.check(wire::order_id(order))?;
        let text = "query Y($id:[String!]){ orders(where:{id:$id, isWaitingForPayment:true}, limit:1){ id number } }";
        let question = Question::read("look whether an order is paid", text, json!({ "id": [id] }), DETAIL_GUESS);
        let found = errand.ask(question, names).await?;
        Ok(errand.done(found.iter().any(|(found, _)| found == order)))
    }
}

pub(super) async fn look_at(errand: &mut Errand<'_>, order: &DocumentKey) -> Result<Option<OrderDetail>, CallError> {
    let id = errand.check(wire::order_id(order))?;
    let text = concat!("query D($id:[String!]){ orders(where:{id:$id}, limit:1){ ", detail_fields!(), " } }");
    let question = Question::read("read an order in detail", text, json!({ "id": [id] }), DETAIL_GUESS);
    let currency = &errand.centra().store_currency;
    let orders = errand.ask(question, |data| read_list(data, currency)).await?;
    Ok(orders.into_iter().find(|found| found.id == *order))
}

/// As [`look_at`], of an order that must be there.
pub(super) async fn need(errand: &mut Errand<'_>, order: &DocumentKey) -> Result<OrderDetail, CallError> {
    match look_at(errand, order).await? {
        Some(order) => Ok(order),
        None => Err(errand.refuse("the shop knows no such order")),
    }
}

pub(super) async fn by_reference(
    errand: &mut Errand<'_>,
    centra: &Centra,
    reference: &str,
) -> Result<Vec<(DocumentKey, i64)>, CallError> {
    let reference = errand.check(wire::reference(reference))?;
    let filter = centra.spelling.reference_filter;
    let text =
        format!("query W($ref:{}){{ orders(where:{{externalId:$ref}}, limit:5){{ id number }} }}", filter.kind());
    let variables = json!({ "ref": filter.of(reference) });
    errand.ask(Question::read("look for an order by our reference", text, variables, DETAIL_GUESS), names).await
}

pub(super) fn names(data: &str) -> Result<Vec<(DocumentKey, i64)>, Unreadable> {
    let rows = wire::list(&Object::open("data", data)?, "orders")?;
    rows.iter().map(|row| Ok((DocumentKey::new(row.need_key("id")?), wire::need_id(row, "number")?))).collect()
}

pub(super) fn read_list(data: &str, currency: &str) -> Result<Vec<OrderDetail>, Unreadable> {
    wire::list(&Object::open("data", data)?, "orders")?.iter().map(|order| read(order, currency)).collect()
}

fn read(order: &Object<'_>, currency: &str) -> Result<OrderDetail, Unreadable> {
    let status = order.text("status")?.ok_or_else(|| order.missing("status"))?;
    let named = wire::currency(order, "grandTotal")?.unwrap_or_else(|| currency.to_owned());
    if named.is_empty() {
        return Err(order.wrong("grandTotal", "names no currency"));
    }
    let totals = order.object("totals")?;
    let sum = |name: &str| -> Result<Fine, Unreadable> {
        let Some(totals) = &totals else { return Ok(Fine::ZERO) };
        Ok(wire::money(totals, name)?.unwrap_or(Fine::ZERO))
    };
    let mut lines = Vec::new();
    for row in wire::list(order, "lines")? {
        lines.push(line(&row)?);
    }
    Ok(OrderDetail {
        id: DocumentKey::new(order.need_key("id")?),
        number: wire::need_id(order, "number")?,
        state: orders::state(&status),
        status,
        on_hold: order.flag("isOnHold")?.unwrap_or(false),
        locked: order.flag("isLocked")?.unwrap_or(false),
        placed_at: order.need_time("createdAt")?,
        updated_at: order.need_time("updatedAt")?,
        store: wire::id_in(order, "store")?,
        market: wire::id_in(order, "market")?,
        shipping_option: shipping_option(order)?,
        payment_method: payment_method(order)?,
        payments: payments::list(order, "paymentHistory", &named)?,
        lines,
        line_values: sum("lineValues")?,
        shipping: sum("shipping")?,
        handling: sum("handling")?,
        discount: Fine(sum("discounts")?.0.saturating_abs()),
        tax_included: sum("taxIncluded")?,
        tax_added: sum("taxAdded")?,
        tax_deducted: sum("taxDeducted")?,
        total: wire::money(order, "grandTotal")?.ok_or_else(|| order.missing("grandTotal.value"))?,
        currency: named,
    })
}

pub(super) fn shipping_option(order: &Object<'_>) -> Result<Option<ShippingOption>, Unreadable> {
    let Some(group) = order.object("shippingPriceGroup")? else { return Ok(None) };
    let Some(option) = group.object("shippingOption")? else { return Ok(None) };
    Ok(Some(ShippingOption {
        id: option.whole("id")?.filter(|id| *id > 0),
        name: option.text("name")?.unwrap_or_default(),
        uri: option.text("uri")?.unwrap_or_default(),
    }))
}

/// The short name of a way of paying; its plugin stands in for one that has none.
pub(super) fn payment_method(order: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let Some(method) = order.object("paymentMethod")? else { return Ok(None) };
    Ok(method.key("uri")?.or(method.key("plugin")?))
}

fn line(row: &Object<'_>) -> Result<DetailLine, Unreadable> {
    let units = |name: &str| -> Result<i64, Unreadable> {
        let units = if row.has(name) { row.need_units(name)? } else { 0 };
        if units < 0 { Err(row.wrong(name, "fewer than no units")) } else { Ok(units) }
    };
    if !row.has("quantity") {
        return Err(row.missing("quantity"));
    }
    let size = row.object("productSize")?;
    let mut allocations = Vec::new();
    for allocation in row.objects("allocations")? {
        let warehouse = allocation.need_object("warehouse")?.need_key("id")?;
        allocations.push((OutletKey::new(warehouse), allocation.need_units("quantity")?));
    }
    let price = |name: &str| Ok::<_, Unreadable>(wire::money(row, name)?.unwrap_or(Fine::ZERO));
    Ok(DetailLine {
        line: LineKey::new(row.need_key("id")?),
        product: size.as_ref().map(|size| size.need_key("id")).transpose()?.map(ProductKey::new),
        sku: size.as_ref().map(|size| size.text("SKU")).transpose()?.flatten().unwrap_or_default(),
        ean: size.as_ref().map(|size| size.text("EAN")).transpose()?.flatten().filter(|ean| !ean.is_empty()),
        units: units("quantity")?,
        cancelled: units("cancelledQuantity")?,
        returned: units("returnedQuantity")?,
        tax_percent: row.number("taxPercent")?,
        unit_price: price("unitPrice")?,
        original_price: price("unitOriginalPrice")?,
        value: price("lineValue")?,
        allocations,
    })
}
