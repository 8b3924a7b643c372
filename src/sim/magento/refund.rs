//! Credit memos: money back, and goods back only where the memo says so.
//!
//! Shipped goods that come back go to the source that shipped them. Unshipped ones that come back only lift the
//! promise; those that do not come back are written off a source. A configurable's goods go by the child's id.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::invoice::{Asked, Part, add_line, asked, document, document_head, document_sums, part_columns, share};
use super::order_json::Columns;
use super::orders::{Item, Order, Sums, euros, next};
use crate::domain::time::Timestamp;
use crate::sim::text;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A credit memo.
#[derive(Debug, Clone)]
pub(super) struct Memo {
    pub(super) id: i64,
    pub(super) order: i64,
    pub(super) created: Timestamp,
    pub(super) parts: Vec<Part>,
    pub(super) sums: Sums,
    /// What was given on top and what was kept back, where it was said.
    pub(super) adjustment: (Option<Decimal>, Option<Decimal>),
    pub(super) comments: Vec<(i64, String, Timestamp)>,
}

/// What a memo shall refund.
#[derive(Debug, Clone, Default)]
pub struct Refund {
    /// Pieces by line of the order; `None` is everything that is left.
    pub items: Option<BTreeMap<i64, Decimal>>,
    /// Shipping without tax; `None` is all that is left of it.
    pub shipping: Option<Decimal>,
    /// Given on top.
    pub extra: Option<Decimal>,
    /// Kept back.
    pub fee: Option<Decimal>,
    /// Lines whose goods come back: of a configurable, the child's.
    pub back: BTreeSet<i64>,
    /// A remark on the memo.
    pub comment: Option<String>,
}

impl Account {
    /// Writes a credit memo, as staff do; its id, or why not. Nothing stops the same refund from being made twice.
    pub fn refund(&mut self, order: i64, refund: &Refund, now: Timestamp) -> Result<i64, String> {
        self.make_memo(order, refund, self.clock(now)).map_err(|wrong| wrong.spoken())
    }

    pub(super) fn create_memo(&mut self, call: &Call) -> Said {
        let items: Asked = asked(call)?;
        let order = self.order(call)?.id;
        let arguments = call.arg("arguments").cloned().unwrap_or(Value::Null);
        let known = ["shipping_amount", "adjustment_positive", "adjustment_negative", "extension_attributes"];
        input::only(&arguments, &known)?;
        let back = arguments.pointer("/extension_attributes/return_to_stock_items").unwrap_or(&Value::Null);
        let back = input::list(back)?.iter().filter_map(|id| input::text(id)?.parse().ok()).collect();
        let comment = call.arg("comment").and_then(|given| input::words(given, "comment"));
        let refund = Refund {
            items,
            shipping: input::float(&arguments, "shipping_amount")?,
            extra: input::float(&arguments, "adjustment_positive")?,
            fee: input::float(&arguments, "adjustment_negative")?,
            back,
            comment: comment.filter(|_| input::flag(&call.body, "appendComment").unwrap_or(false)),
        };
        let id = self.make_memo(order, &refund, call.now)?;
        Ok(json!(id.to_string()))
    }

    /// Through a gateway: an offline method has none.
    pub(super) fn refund_invoice(&mut self, call: &Call) -> Said {
        self.sales.invoices.get(&call.id("id")?).ok_or_else(Wrong::no_entity)?;
        Err(document("Creditmemo", &["We can't create creditmemo for the invoice.".to_owned()]))
    }

    fn make_memo(&mut self, order: i64, refund: &Refund, now: Timestamp) -> Result<i64, Wrong> {
        let found = self.sales.orders.get(&order).ok_or_else(Wrong::no_entity)?;
        let wanted = |item: &Item| match &refund.items {
            None => item.to_refund(),
            Some(items) => items.get(&item.id).copied().unwrap_or_default().max(Decimal::ZERO),
        };
        let named: Vec<(&Item, Decimal)> =
            found.items.iter().filter(|item| !item.is_child()).map(|item| (item, wanted(item))).collect();
        if let Some((item, _)) = named.iter().find(|(item, quantity)| *quantity > item.ordered) {
            let text = "We found an invalid quantity to refund item \"%1\".";
            return Err(Wrong::bad(text).with(json!([item.name])));
        }
        let left = found.sums.shipping - found.shipping_given_back();
        if refund.shipping.is_some_and(|shipping| shipping > left) {
            let text = "Maximum shipping amount allowed to refund is: %1";
            return Err(Wrong::bad(text).with(json!([euros(left)])));
        }
        let sums = memo_sums(found, &named, refund.shipping.unwrap_or(left), refund);
        let mut errors = Vec::new();
        if ["payment_review", "holded", "canceled", "closed"].contains(&found.state.as_str()) {
            errors.push(format!("A creditmemo can not be created when an order has a status of {}", found.status));
        }
        let most = found.paid() - found.given_back();
        if sums.grand > most {
            errors.push(format!("The most money available to refund is {}.", most.normalize()));
        }
        for id in refund.items.iter().flat_map(BTreeMap::keys) {
            match found.item(*id) {
                None => errors
                    .push("The creditmemo contains product item that is not part of the original order.".to_owned()),
                Some(item) if item.is_child() => {
                    errors.push("The creditmemo contains incorrect product items.".to_owned());
                }
                Some(_) => {}
            }
        }
        if named.iter().any(|(item, quantity)| *quantity > item.to_refund()) {
            errors.push("The quantity to refund must not be greater than the unrefunded quantity.".to_owned());
        }
        if !errors.is_empty() {
            return Err(document("Creditmemo", &errors));
        }
        let quantities: BTreeMap<i64, Decimal> =
            named.iter().filter(|(_, q)| *q > Decimal::ZERO).map(|(item, q)| (item.id, *q)).collect();
        self.restock(order, &quantities, &refund.back);
        Ok(self.book_memo(order, &quantities, sums, refund, now))
    }

    /// Moves goods and promises, before the order counts the memo.
    fn restock(&mut self, order: i64, quantities: &BTreeMap<i64, Decimal>, back: &BTreeSet<i64>) {
        let Some(found) = self.sales.orders.get(&order).cloned() else { return };
        for (id, quantity) in quantities {
            let Some(item) = found.item(*id) else { continue };
            let shelf = found.child_of(*id).unwrap_or(item);
            let mut shipped = self.shipped_from(order, *id);
            let sent: Decimal = shipped.iter().map(|(_, quantity)| *quantity).sum();
            let waiting = (item.invoiced - item.refunded - sent).clamp(Decimal::ZERO, *quantity);
            let mut gone = *quantity - waiting;
            if back.contains(&shelf.id) {
                self.reserve(&shelf.sku, waiting, "creditmemo_created", order);
                for (source, from_there) in &mut shipped {
                    let returned = gone.min(*from_there);
                    if returned > Decimal::ZERO {
                        self.deduct_freely(&shelf.sku, source, -returned);
                        gone -= returned;
                    }
                }
            } else if waiting > Decimal::ZERO {
                self.write_off(&shelf.sku, waiting);
                self.reserve(&shelf.sku, waiting, "creditmemo_created", order);
            }
        }
    }

    /// What was shipped of a line, by source: those that feed the stock first, as they are taken from.
    fn shipped_from(&self, order: i64, item: i64) -> Vec<(String, Decimal)> {
        let mut found: Vec<(String, Decimal)> = Vec::new();
        for shipment in self.sales.shipments.values().filter(|shipment| shipment.order == order) {
            let quantity: Decimal = shipment.parts.iter().filter(|(_, of, _)| *of == item).map(|(_, _, q)| *q).sum();
            match found.iter_mut().find(|(source, _)| *source == shipment.source) {
                Some((_, sum)) => *sum += quantity,
                None => found.push((shipment.source.clone(), quantity)),
            }
        }
        let order: Vec<String> = self.stock_sources(self.stock_of_website());
        found.sort_by_key(|(source, _)| order.iter().position(|known| known == source).unwrap_or(usize::MAX));
        found
    }

    fn deduct_freely(&mut self, sku: &str, source: &str, quantity: Decimal) {
        let row = self.ledger.row(sku, source).map(|row| (row.quantity, row.status));
        let (there, status) = row.unwrap_or((Decimal::ZERO, 1));
        self.ledger.set(sku, source, there - quantity, status);
        self.follow_default(sku, source);
        self.refresh(sku);
    }

    /// Takes goods that will not come back out of the sources of the stock, in the order of their priority.
    fn write_off(&mut self, sku: &str, quantity: Decimal) {
        let mut left = quantity;
        for source in self.stock_sources(self.stock_of_website()) {
            let there = self.ledger.row(sku, &source).map(|row| row.quantity).unwrap_or_default();
            let taken = left.min(there);
            if taken > Decimal::ZERO {
                self.deduct_freely(sku, &source, taken);
                left -= taken;
            }
        }
    }

    fn book_memo(
        &mut self,
        order: i64,
        quantities: &BTreeMap<i64, Decimal>,
        sums: Sums,
        refund: &Refund,
        now: Timestamp,
    ) -> i64 {
        let id = next(&mut self.sales.next.memo);
        let Some(found) = self.sales.orders.get_mut(&order) else { return id };
        let mut parts = Vec::new();
        for item in &mut found.items {
            let key = item.parent.unwrap_or(item.id);
            let Some(quantity) = quantities.get(&key).copied() else { continue };
            let part = share(&item.sums_invoiced, &item.sums_refunded, quantity, item.invoiced - item.refunded);
            item.refunded += quantity;
            item.was_refunded = true;
            item.updated = Some(now);
            add_line(&mut item.sums_refunded, &part);
            let number = next(&mut self.sales.next.memo_item);
            parts.push(Part { id: number, item: item.id, quantity, sums: part });
        }
        let mut all = found.refunded.take().unwrap_or_default();
        all.subtotal += sums.subtotal;
        all.discount += sums.discount;
        all.tax += sums.tax;
        all.shipping += sums.shipping;
        all.shipping_tax += sums.shipping_tax;
        all.hidden_tax += sums.hidden_tax;
        all.grand += sums.grand;
        found.refunded = Some(all);
        found.adjusted.0 += refund.extra.unwrap_or_default();
        found.adjusted.1 += refund.fee.unwrap_or_default();
        if let Some(invoiced) = &mut found.invoiced {
            invoiced.cost -= sums.cost;
        }
        found.updated = now;
        found.resolve(false);
        let text = format!("We refunded {} offline.", euros(sums.grand));
        self.comment(order, &text, Some("creditmemo"), now);
        if let Some(found) = self.sales.orders.get_mut(&order) {
            found.settle();
        }
        let mut comments = Vec::new();
        if let Some(comment) = &refund.comment {
            comments.push((next(&mut self.sales.next.memo_comment), comment.clone(), now));
        }
        let adjustment = (refund.extra, refund.fee);
        self.sales.memos.insert(id, Memo { id, order, created: now, parts, sums, adjustment, comments });
        id
    }
}

fn memo_sums(order: &Order, named: &[(&Item, Decimal)], shipping: Decimal, refund: &Refund) -> Sums {
    let mut sums = Sums { shipping, ..Sums::default() };
    for (item, quantity) in named.iter().filter(|(_, quantity)| *quantity > Decimal::ZERO) {
        let part = share(&item.sums_invoiced, &item.sums_refunded, *quantity, item.invoiced - item.refunded);
        sums.subtotal += part.row;
        sums.subtotal_incl += part.row_incl;
        sums.discount += part.discount;
        sums.tax += part.tax;
        sums.hidden_tax += part.hidden_tax;
        sums.cost += item.cost.unwrap_or_default() * *quantity;
    }
    let all = &order.sums;
    if !all.shipping.is_zero() {
        let whole = shipping == all.shipping;
        let of = |amount: Decimal| {
            if whole { amount } else { super::orders::cents(amount / all.shipping * shipping) }
        };
        sums.shipping_tax = of(all.shipping_tax);
        sums.shipping_incl = of(all.shipping_incl);
        sums.hidden_tax += of(all.shipping_hidden_tax);
        sums.tax += sums.shipping_tax;
    }
    let adjustment = refund.extra.unwrap_or_default() - refund.fee.unwrap_or_default();
    sums.grand = sums.subtotal + sums.shipping + sums.tax - sums.discount + sums.hidden_tax + adjustment;
    sums
}

/// Memos over the wire.
impl Account {
    pub(super) fn list_memos(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |memo: &&Memo, name: &str| {
            Some(match name {
                "entity_id" => Cell::int(memo.id),
                "order_id" => Cell::int(memo.order),
                "increment_id" => Cell::Text(format!("{:09}", memo.id)),
                "state" => Cell::int(2),
                "store_id" => Cell::int(1),
                "created_at" | "updated_at" => Cell::Time(text::spaced(memo.created)),
                _ => return None,
            })
        };
        let show = |memo: &&Memo| self.show_memo(memo);
        asked.answer(self.sales.memos.values(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    fn memo(&self, call: &Call) -> Result<&Memo, Wrong> {
        self.sales.memos.get(&call.id("id")?).ok_or_else(Wrong::no_entity)
    }

    pub(super) fn get_memo(&mut self, call: &Call) -> Said {
        Ok(self.show_memo(self.memo(call)?))
    }

    /// A memo that is written cannot be taken back.
    pub(super) fn cancel_memo(&mut self, call: &Call) -> Said {
        self.memo(call)?;
        Err(Wrong::bad("You can not cancel Credit Memo"))
    }

    pub(super) fn comment_memo(&mut self, call: &Call) -> Said {
        let id = self.memo(call)?.id;
        let given = call.need("entity")?;
        let comment = input::words(given, "comment").unwrap_or_default();
        let number = next(&mut self.sales.next.memo_comment);
        if let Some(memo) = self.sales.memos.get_mut(&id) {
            memo.comments.push((number, comment.clone(), call.now));
        }
        Ok(json!({
            "comment": comment, "entity_id": number, "is_customer_notified": 0, "is_visible_on_front": 0,
            "parent_id": id,
        }))
    }

    pub(super) fn memo_comments(&mut self, call: &Call) -> Said {
        let memo = self.memo(call)?;
        let mut asked = criteria::read(call, false, &self.switches)?;
        asked.also("parent_id", &memo.id.to_string());
        let cell = |_: &Value, name: &str| (name == "parent_id").then(|| Cell::int(memo.id));
        asked.answer(memo_comments(memo).into_iter(), cell, |_| Wrong::internal(), Value::clone, &self.switches)
    }

    fn show_memo(&self, memo: &Memo) -> Value {
        let Some(order) = self.sales.orders.get(&memo.order) else { return Value::Null };
        let mut out = Columns(Map::new());
        document_head(&mut out, order, memo.id, memo.created);
        document_sums(&mut out, &memo.sums);
        let (extra, fee) = memo.adjustment;
        out.two("adjustment", num(extra.unwrap_or_default() - fee.unwrap_or_default()));
        if let Some(extra) = extra {
            out.two("adjustment_positive", num(extra));
        }
        if let Some(fee) = fee {
            out.two("adjustment_negative", num(fee));
        }
        out.two("shipping_amount", num(memo.sums.shipping));
        out.two("shipping_incl_tax", num(memo.sums.shipping_incl));
        out.two("shipping_tax_amount", num(memo.sums.shipping_tax));
        let show = |part: &Part| {
            let item = order.item(part.item)?;
            let mut line = part_columns(item, part);
            line.one("parent_id", memo.id);
            line.one("base_cost", item.cost.map_or(Value::Null, num));
            if !item.is_child() {
                line.one("base_weee_tax_row_disposition", 0);
                line.one("weee_tax_applied", "[]");
                line.one("weee_tax_applied_row_amount", 0);
                line.one("weee_tax_row_disposition", 0);
            }
            Some(Value::Object(line.0))
        };
        out.one("items", memo.parts.iter().filter_map(show).collect::<Value>());
        out.one("comments", Value::Array(memo_comments(memo)));
        Value::Object(out.0)
    }
}

fn memo_comments(memo: &Memo) -> Vec<Value> {
    let show = |(id, comment, at): &(i64, String, Timestamp)| {
        json!({
            "comment": comment, "created_at": text::spaced(*at), "entity_id": id, "is_customer_notified": 0,
            "is_visible_on_front": 0, "parent_id": memo.id,
        })
    };
    memo.comments.iter().map(show).collect()
}
