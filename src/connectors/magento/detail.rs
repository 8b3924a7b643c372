//! An order with what later steps need of it: row numbers to name in calls, money, and where it is to be collected.

use super::{orders, wire};
use crate::connectors::Unreadable;
use crate::domain::ids::{OutletKey, ProductKey};
use crate::domain::money::Fine;

/// An order in detail. Amounts are in the order's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetail {
    /// The number that calls name; never the one that people use.
    pub id: i64,
    /// The number that people use.
    pub number: String,
    /// The shop's two words for where it stands. Neither only ever goes forward.
    pub state: String,
    /// As the shop names it on its pages.
    pub status: String,
    /// ISO code.
    pub currency: String,
    /// The source where the customer collects it; `None` when it is sent.
    pub pickup: Option<OutletKey>,
    /// Code of the way it is sent ("flatrate_flatrate", "instore_pickup").
    pub shipping_method: Option<String>,
    /// Code of the way it is paid.
    pub payment_method: Option<String>,
    /// Its lines, each once.
    pub lines: Vec<DetailLine>,
    /// Shipping without tax.
    pub shipping: Fine,
    /// Tax on shipping.
    pub shipping_tax: Fine,
    /// What was taken off, positive.
    pub discount: Fine,
    /// All tax.
    pub tax: Fine,
    /// All that is to be paid.
    pub total: Fine,
    /// Paid so far.
    pub paid: Fine,
    /// Refunded so far.
    pub refunded: Fine,
}

/// A line of an order in detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailLine {
    /// The row that invoices, shipments and memos name.
    pub item: i64,
    /// The row of the chosen variant, which goods going back to the shelf are named by.
    pub child: Option<i64>,
    /// What lies on the shelf.
    pub product: ProductKey,
    /// Units ordered.
    pub ordered: i64,
    /// Units cancelled.
    pub cancelled: i64,
    /// Units invoiced.
    pub invoiced: i64,
    /// Units shipped.
    pub shipped: i64,
    /// Units refunded, shipped or not.
    pub refunded: i64,
    /// Units that can still be shipped.
    pub open: i64,
    /// Price of one with tax, before discount.
    pub unit_price: Fine,
}

/// Reads an order as it comes from the shop or from a kept record.
pub(super) fn read(raw: &str) -> Result<OrderDetail, Unreadable> {
    let (order, _) = orders::open(raw)?;
    let money = |name: &str| Ok::<Fine, Unreadable>(wire::money(&order, name)?.unwrap_or(Fine::ZERO));
    let more = match order.is_object("extension_attributes") {
        true => order.object("extension_attributes")?,
        false => None,
    };
    let (mut pickup, mut shipping_method) = (None, None);
    if let Some(more) = &more {
        pickup = more.key("pickup_location_code")?.map(OutletKey::new);
        for assignment in more.objects("shipping_assignments")? {
            if assignment.is_object("shipping") && shipping_method.is_none() {
                shipping_method = assignment.need_object("shipping")?.key("method")?;
            }
        }
    }
    let payment_method = match order.is_object("payment") {
        true => order.need_object("payment")?.key("method")?,
        false => None,
    };
    let line = |goods: orders::Goods| DetailLine {
        open: goods.open(),
        item: goods.item,
        child: goods.child,
        product: ProductKey::new(goods.sku),
        ordered: goods.ordered,
        cancelled: goods.cancelled,
        invoiced: goods.invoiced,
        shipped: goods.shipped,
        refunded: goods.refunded,
        unit_price: goods.unit_price,
    };
    Ok(OrderDetail {
        id: wire::id(&order, "entity_id")?,
        number: order.need_key("increment_id")?,
        state: order.text("state")?.unwrap_or_default(),
        status: order.text("status")?.unwrap_or_default(),
        currency: order.key("order_currency_code")?.ok_or_else(|| order.missing("order_currency_code"))?,
        pickup,
        shipping_method,
        payment_method,
        lines: orders::goods(&order)?.into_iter().map(line).collect(),
        shipping: money("shipping_amount")?,
        shipping_tax: money("shipping_tax_amount")?,
        // The head of an order has it below zero.
        discount: Fine(money("discount_amount")?.0.saturating_abs()),
        tax: money("tax_amount")?,
        total: money("grand_total")?,
        paid: money("total_paid")?,
        refunded: money("total_refunded")?,
    })
}
