//! Orders as they are kept, and the machine of their states, which is not monotonic.

use super::Account;
use super::input::num;
use crate::domain::time::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where somebody lives.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// First name.
    pub firstname: String,
    /// Last name.
    pub lastname: String,
    /// Lines of the street.
    pub street: Vec<String>,
    /// Town.
    pub city: String,
    /// Post code.
    pub postcode: String,
    /// Two letters.
    pub country: String,
    /// Telephone number.
    pub telephone: String,
    /// Mail address.
    pub email: String,
}

/// Money of an order, of what was invoiced of it, refunded or cancelled.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    pub(super) subtotal: Decimal,
    pub(super) subtotal_incl: Decimal,
    /// Above zero here; printed below zero.
    pub(super) discount: Decimal,
    /// Tax of goods and shipping.
    pub(super) tax: Decimal,
    pub(super) shipping: Decimal,
    pub(super) shipping_tax: Decimal,
    pub(super) shipping_incl: Decimal,
    /// Tax that a discount on prices with tax hides, for goods and for shipping.
    pub(super) hidden_tax: Decimal,
    pub(super) shipping_hidden_tax: Decimal,
    pub(super) grand: Decimal,
    pub(super) cost: Decimal,
}

/// Money of a line, or of a part of it.
#[derive(Debug, Clone, Default)]
pub(super) struct LineSums {
    pub(super) row: Decimal,
    pub(super) row_incl: Decimal,
    pub(super) discount: Decimal,
    pub(super) tax: Decimal,
    pub(super) hidden_tax: Decimal,
}

/// A line. A configurable has two: the parent with the money, the child that is taken from the shelf.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) id: i64,
    pub(super) parent: Option<i64>,
    pub(super) product: i64,
    pub(super) kind: String,
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) quote_item: i64,
    pub(super) ordered: Decimal,
    pub(super) invoiced: Decimal,
    pub(super) shipped: Decimal,
    pub(super) refunded: Decimal,
    pub(super) canceled: Decimal,
    pub(super) price: Decimal,
    pub(super) price_incl: Decimal,
    pub(super) original_price: Decimal,
    pub(super) cost: Option<Decimal>,
    pub(super) weight: Decimal,
    pub(super) discount_percent: Decimal,
    pub(super) tax_percent: Decimal,
    pub(super) options: Vec<(i64, i64)>,
    pub(super) tax_item: i64,
    pub(super) sums: LineSums,
    pub(super) sums_invoiced: LineSums,
    pub(super) sums_refunded: LineSums,
    /// Which columns were ever written, because the others are not printed.
    pub(super) seen_by_invoice: bool,
    pub(super) was_invoiced: bool,
    pub(super) was_refunded: bool,
    pub(super) was_canceled: bool,
    pub(super) updated: Option<Timestamp>,
}

/// A line of an order, for whoever watches the shop from outside. Of a configurable the parent counts the pieces;
/// the child names what is taken from the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Its id, which invoices, shipments and memos name.
    pub id: i64,
    /// The line that it belongs to, of a child.
    pub parent: Option<i64>,
    /// What it is.
    pub sku: String,
    /// Pieces bought.
    pub ordered: Decimal,
    /// Pieces invoiced.
    pub invoiced: Decimal,
    /// Pieces sent; a child's stay at nought.
    pub shipped: Decimal,
    /// Pieces refunded.
    pub refunded: Decimal,
    /// Pieces cancelled.
    pub canceled: Decimal,
}

/// A line of an order's history.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: i64,
    pub(super) text: String,
    pub(super) status: String,
    pub(super) entity: Option<&'static str>,
    pub(super) notified: Option<bool>,
    pub(super) visible: bool,
    pub(super) at: Timestamp,
}

/// An order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: i64,
    pub(super) increment: String,
    pub(super) quote: i64,
    pub(super) state: String,
    pub(super) status: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) address: Address,
    /// The store where the goods are fetched, in place of the customer's own address.
    pub(super) sent_to: Option<Address>,
    pub(super) shipping_address: i64,
    pub(super) billing_address: i64,
    pub(super) coupon: Option<String>,
    pub(super) method: String,
    pub(super) method_title: String,
    pub(super) pickup: Option<String>,
    pub(super) tax_id: i64,
    pub(super) tax_code: String,
    pub(super) tax_percent: Decimal,
    pub(super) shipping_tax_item: i64,
    pub(super) items: Vec<Item>,
    pub(super) sums: Sums,
    pub(super) invoiced: Option<Sums>,
    pub(super) refunded: Option<Sums>,
    pub(super) canceled: Option<Sums>,
    /// Adjustments of all memos: given on top, kept back.
    pub(super) adjusted: (Decimal, Decimal),
    pub(super) comments: Vec<Comment>,
    pub(super) external_id: Option<String>,
    /// State and status from before it was put on hold.
    pub(super) before_hold: Option<(String, String)>,
    /// What somebody sent when it did not come from the checkout.
    pub(super) imported: Option<Map<String, Value>>,
}

/// Everything sold, with the numbers that come next.
#[derive(Debug, Default)]
pub(super) struct Sales {
    pub(super) orders: BTreeMap<i64, Order>,
    pub(super) invoices: BTreeMap<i64, super::invoice::Invoice>,
    pub(super) shipments: BTreeMap<i64, super::ship::Shipment>,
    pub(super) memos: BTreeMap<i64, super::refund::Memo>,
    pub(super) next: Numbers,
}

/// The numbers given out last.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) order: i64,
    pub(super) increment: i64,
    pub(super) item: i64,
    pub(super) quote: i64,
    pub(super) quote_item: i64,
    pub(super) address: i64,
    pub(super) tax: i64,
    pub(super) tax_item: i64,
    pub(super) comment: i64,
    pub(super) invoice: i64,
    pub(super) invoice_item: i64,
    pub(super) shipment: i64,
    pub(super) shipment_item: i64,
    pub(super) track: i64,
    pub(super) memo: i64,
    pub(super) memo_item: i64,
    pub(super) memo_comment: i64,
}

/// The next of a series.
pub(super) fn next(last: &mut i64) -> i64 {
    *last += 1;
    *last
}

/// Money to the cent, halves away from zero.
pub(super) fn cents(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Money as people read it.
pub(super) fn euros(value: Decimal) -> String {
    format!("€{:.2}", cents(value))
}

impl Item {
    /// A child of a configurable, which invoices, shipments and memos must not name.
    pub(super) fn is_child(&self) -> bool {
        self.parent.is_some()
    }

    pub(super) fn to_invoice(&self) -> Decimal {
        if self.is_child() { Decimal::ZERO } else { (self.ordered - self.invoiced - self.canceled).max(Decimal::ZERO) }
    }

    /// What may still be shipped. Refunded pieces count only as far as they exceed the shipped ones.
    pub(super) fn to_ship(&self) -> Decimal {
        if self.is_child() {
            return Decimal::ZERO;
        }
        (self.ordered - self.shipped.max(self.refunded) - self.canceled).max(Decimal::ZERO)
    }

    pub(super) fn to_refund(&self) -> Decimal {
        if self.is_child() { Decimal::ZERO } else { (self.invoiced - self.refunded).max(Decimal::ZERO) }
    }

    fn to_cancel(&self) -> Decimal {
        self.to_invoice().min(self.to_ship())
    }
}

/// The status that a state has by itself.
pub(super) fn status_of(state: &str) -> &str {
    if state == "new" { "pending" } else { state }
}

impl Order {
    pub(super) fn item(&self, id: i64) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    pub(super) fn item_mut(&mut self, id: i64) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    pub(super) fn child_of(&self, parent: i64) -> Option<&Item> {
        self.items.iter().find(|item| item.parent == Some(parent))
    }

    pub(super) fn paid(&self) -> Decimal {
        self.invoiced.as_ref().map(|sums| sums.grand).unwrap_or_default()
    }

    pub(super) fn given_back(&self) -> Decimal {
        self.refunded.as_ref().map(|sums| sums.grand).unwrap_or_default()
    }

    pub(super) fn shipping_given_back(&self) -> Decimal {
        self.refunded.as_ref().map(|sums| sums.shipping).unwrap_or_default()
    }

    fn is(&self, states: &[&str]) -> bool {
        states.contains(&self.state.as_str())
    }

    pub(super) fn can_invoice(&self) -> bool {
        !self.is(&["holded", "canceled", "complete", "closed", "payment_review"])
            && self.items.iter().any(|item| item.to_invoice() > Decimal::ZERO)
    }

    pub(super) fn can_ship(&self) -> bool {
        !self.is(&["holded", "canceled", "payment_review"])
            && self.items.iter().any(|item| item.to_ship() > Decimal::ZERO && item.refunded != item.ordered)
    }

    fn can_refund(&self) -> bool {
        let left = self.paid() - self.given_back();
        !self.is(&["holded", "canceled", "closed", "payment_review"]) && !left.is_zero() && left != self.adjusted.1
    }

    pub(super) fn can_cancel(&self) -> bool {
        !self.is(&["holded", "canceled", "complete", "closed"])
            && self.items.iter().any(|item| item.to_invoice() > Decimal::ZERO)
    }

    /// The state after an invoice or shipment (`in_progress`) or after a memo, before the order is saved.
    pub(super) fn resolve(&mut self, in_progress: bool) {
        let running = self.state == "processing" || (self.state == "new" && in_progress);
        let mut state = if running { "processing" } else { "new" };
        if !self.is(&["canceled", "holded"]) && !self.can_invoice() && !self.can_ship() {
            if self.can_refund() {
                state = "complete";
            } else if !self.given_back().is_zero() {
                state = "closed";
            }
        } else if self.is(&["canceled", "holded"]) {
            return;
        }
        self.state = state.to_owned();
        self.status = status_of(state).to_owned();
    }

    /// What saving makes of the state.
    pub(super) fn settle(&mut self) {
        if self.is(&["canceled", "holded"]) || self.can_invoice() {
            return;
        }
        let state = if self.is(&["processing", "complete"]) && !self.can_refund() && !self.can_ship() {
            "closed"
        } else if self.state == "processing" && (!self.can_ship() || self.rest_is_refunded()) {
            "complete"
        } else {
            return;
        };
        self.state = state.to_owned();
        self.status = status_of(state).to_owned();
    }

    /// Something was shipped, and shipped and refunded pieces together are all there were.
    fn rest_is_refunded(&self) -> bool {
        let shipped: Decimal = self.items.iter().map(|item| item.shipped).sum();
        let simple = self.items.iter().filter(|item| item.kind == "simple");
        let refunded: Decimal = simple.map(|item| item.refunded.trunc()).sum();
        let ordered: Decimal = self.items.iter().filter(|item| !item.is_child()).map(|item| item.ordered).sum();
        shipped > Decimal::ZERO && ordered <= refunded + shipped
    }
}

impl Account {
    /// Adds a line to an order's history. That alone does not move the order's `updated_at`.
    pub(super) fn comment(&mut self, order: i64, text: &str, entity: Option<&'static str>, at: Timestamp) {
        let id = next(&mut self.sales.next.comment);
        if let Some(order) = self.sales.orders.get_mut(&order) {
            let status = order.status.clone();
            let text = text.to_owned();
            order.comments.push(Comment { id, text, status, entity, notified: Some(false), visible: false, at });
        }
    }

    /// Cancels what is not invoiced, as staff do: `false` when there is nothing to cancel, `None` without the order.
    pub fn cancel(&mut self, order: i64, now: Timestamp) -> Option<bool> {
        self.cancel_at(order, self.clock(now))
    }

    pub(super) fn cancel_at(&mut self, order: i64, now: Timestamp) -> Option<bool> {
        let found = self.sales.orders.get_mut(&order)?;
        if !found.can_cancel() {
            return Some(false);
        }
        let mut state = "canceled";
        let mut back = Vec::new();
        let mut gone: BTreeMap<i64, Decimal> = BTreeMap::new();
        for item in &mut found.items {
            let quantity = if let Some(parent) = item.parent {
                gone.get(&parent).copied().unwrap_or_default()
            } else {
                if state != "processing" && item.to_refund() > Decimal::ZERO {
                    state = if item.to_ship() > item.to_cancel() { "processing" } else { "complete" };
                }
                item.to_cancel()
            };
            gone.insert(item.id, quantity);
            if item.kind == "simple" {
                back.push((item.sku.clone(), quantity));
            }
            if !item.is_child() && quantity > Decimal::ZERO {
                item.canceled += quantity;
                item.was_canceled = true;
                item.updated = Some(now);
            }
        }
        let done = found.invoiced.clone().unwrap_or_default();
        let all = &found.sums;
        found.canceled = Some(Sums {
            subtotal: all.subtotal - done.subtotal,
            discount: all.discount - done.discount,
            tax: all.tax - done.tax,
            shipping: all.shipping - done.shipping,
            grand: all.grand - done.grand,
            ..Sums::default()
        });
        found.state = state.to_owned();
        found.status = status_of(state).to_owned();
        found.settle();
        found.updated = now;
        for (sku, quantity) in back {
            self.reserve(&sku, quantity, "order_canceled", order);
        }
        Some(true)
    }

    /// The entity ids of all orders, oldest first.
    pub fn order_ids(&self) -> Vec<i64> {
        self.sales.orders.keys().copied().collect()
    }

    /// The lines of an order, as those who keep books on it want them.
    pub fn order_lines(&self, order: i64) -> Vec<OrderLine> {
        let line = |item: &Item| OrderLine {
            id: item.id,
            parent: item.parent,
            sku: item.sku.clone(),
            ordered: item.ordered,
            invoiced: item.invoiced,
            shipped: item.shipped,
            refunded: item.refunded,
            canceled: item.canceled,
        };
        self.sales.orders.get(&order).map(|order| order.items.iter().map(line).collect()).unwrap_or_default()
    }

    /// The number that customers see, and what they pay.
    pub fn order_face(&self, order: i64) -> Option<(&str, Decimal)> {
        self.sales.orders.get(&order).map(|order| (order.increment.as_str(), order.sums.grand))
    }

    /// State and status of an order.
    pub fn order_state(&self, order: i64) -> Option<(&str, &str)> {
        self.sales.orders.get(&order).map(|order| (order.state.as_str(), order.status.as_str()))
    }
}

/// A sum with the sign that headers print.
pub(super) fn negative(value: Decimal) -> Value {
    num(-value)
}
