//! Invoices: of some pieces or of all that is open; the first one takes the shipping.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::order_json::Columns;
use super::orders::{Item, LineSums, Order, Sums, cents, negative, next};
use crate::domain::time::Timestamp;
use crate::sim::text;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A line of an invoice or memo.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) id: i64,
    pub(super) item: i64,
    pub(super) quantity: Decimal,
    pub(super) sums: LineSums,
}

/// An invoice. It is paid at once.
#[derive(Debug, Clone)]
pub(super) struct Invoice {
    pub(super) id: i64,
    pub(super) order: i64,
    pub(super) created: Timestamp,
    pub(super) parts: Vec<Part>,
    pub(super) sums: Sums,
    pub(super) with_shipping: bool,
    pub(super) comments: Vec<String>,
}

/// Pieces that were asked for, by line; `None` when everything open is meant.
pub(super) type Asked = Option<BTreeMap<i64, Decimal>>;

/// The `items` of an invoice, shipment or memo. No list and an empty one are the same.
pub(super) fn asked(call: &Call) -> Result<Asked, Wrong> {
    let mut found = BTreeMap::new();
    for given in input::list(call.arg("items").unwrap_or(&Value::Null))? {
        if !given.is_object() {
            return Err(Wrong::bad("An ID is needed. Set the ID and try again."));
        }
        input::only(&given, &["order_item_id", "qty", "extension_attributes"])?;
        let Some(id) = input::int(&given, "order_item_id")? else {
            return Err(Wrong::bad("An ID is needed. Set the ID and try again."));
        };
        found.insert(id, input::float(&given, "qty")?.unwrap_or_default());
    }
    Ok(if found.is_empty() { None } else { Some(found) })
}

/// The share of a line's money that some pieces have; the last pieces take the rest.
pub(super) fn share(all: &LineSums, done: &LineSums, quantity: Decimal, left: Decimal) -> LineSums {
    let of = |all: Decimal, done: Decimal| {
        if quantity >= left || left.is_zero() { all - done } else { cents((all - done) / left * quantity) }
    };
    LineSums {
        row: of(all.row, done.row),
        row_incl: of(all.row_incl, done.row_incl),
        discount: of(all.discount, done.discount),
        tax: of(all.tax, done.tax),
        hidden_tax: of(all.hidden_tax, done.hidden_tax),
    }
}

pub(super) fn add_line(to: &mut LineSums, more: &LineSums) {
    to.row += more.row;
    to.row_incl += more.row_incl;
    to.discount += more.discount;
    to.tax += more.tax;
    to.hidden_tax += more.hidden_tax;
}

/// A refusal with the errors of a document, one to a line.
pub(super) fn document(kind: &str, errors: &[String]) -> Wrong {
    Wrong::bad(format!("{kind} Document Validation Error(s):\n{}", errors.join("\n")))
}

/// The state refuses the document, with this text.
pub(super) fn barred(order: &Order, states: &[&str], what: &str) -> Option<String> {
    states
        .contains(&order.state.as_str())
        .then(|| format!("{what} cannot be created when an order has a status of {}", order.status))
}

impl Account {
    /// Invoices everything open of an order, as staff do; its id, or why not.
    pub fn invoice(&mut self, order: i64, now: Timestamp) -> Result<i64, String> {
        self.make_invoice(order, &None, self.clock(now)).map_err(|wrong| wrong.spoken())
    }

    pub(super) fn create_invoice(&mut self, call: &Call) -> Said {
        let items = asked(call)?;
        let order = self.order(call)?.id;
        let id = self.make_invoice(order, &items, call.now)?;
        let comment = call.arg("comment").and_then(|given| input::words(given, "comment"));
        if let (Some(comment), Some(invoice)) = (comment, self.sales.invoices.get_mut(&id)) {
            invoice.comments.push(comment);
        }
        Ok(json!(id.to_string()))
    }

    fn make_invoice(&mut self, order: i64, items: &Asked, now: Timestamp) -> Result<i64, Wrong> {
        let found = self.sales.orders.get(&order).ok_or_else(Wrong::no_entity)?;
        let wanted = |item: &Item| match items {
            None => item.to_invoice(),
            Some(items) => items.get(&item.id).copied().unwrap_or_default(),
        };
        let named: Vec<(&Item, Decimal)> =
            found.items.iter().filter(|item| !item.is_child()).map(|item| (item, wanted(item))).collect();
        if let Some((item, _)) = named.iter().find(|(item, quantity)| *quantity > item.ordered) {
            let text = "We found an invalid quantity to invoice item \"%1\".";
            return Err(Wrong::bad(text).with(json!([item.name])));
        }
        let mut errors = Vec::new();
        for (item, quantity) in &named {
            if *quantity > item.to_invoice() {
                let text = "The quantity to invoice must not be greater than the uninvoiced quantity for product SKU";
                errors.push(format!("{text} \"{}\".", item.sku));
            }
        }
        if named.iter().all(|(_, quantity)| *quantity <= Decimal::ZERO) {
            errors.push("The invoice can't be created without products. Add products and try again.".to_owned());
        }
        let states = ["payment_review", "holded", "canceled", "complete", "closed"];
        match barred(found, &states, "An invoice") {
            Some(text) => errors.push(text),
            None if !found.can_invoice() => {
                errors.push("The order does not allow an invoice to be created.".to_owned())
            }
            None => {}
        }
        if !errors.is_empty() {
            return Err(document("Invoice", &errors));
        }
        let quantities: BTreeMap<i64, Decimal> =
            named.iter().filter(|(_, q)| *q > Decimal::ZERO).map(|(item, q)| (item.id, *q)).collect();
        Ok(self.book_invoice(order, &quantities, now))
    }

    fn book_invoice(&mut self, order: i64, quantities: &BTreeMap<i64, Decimal>, now: Timestamp) -> i64 {
        let id = next(&mut self.sales.next.invoice);
        let Some(found) = self.sales.orders.get_mut(&order) else { return id };
        let with_shipping = found.invoiced.is_none();
        let mut sums = Sums::default();
        let mut parts = Vec::new();
        for item in &mut found.items {
            item.seen_by_invoice = true;
            let key = item.parent.unwrap_or(item.id);
            let Some(quantity) = quantities.get(&key).copied() else { continue };
            let left = item.ordered - item.invoiced;
            let part = share(&item.sums, &item.sums_invoiced, quantity, left);
            item.invoiced += quantity;
            item.was_invoiced = true;
            item.updated = Some(now);
            add_line(&mut item.sums_invoiced, &part);
            sums.subtotal += part.row;
            sums.subtotal_incl += part.row_incl;
            sums.discount += part.discount;
            sums.tax += part.tax;
            sums.hidden_tax += part.hidden_tax;
            sums.cost += item.cost.unwrap_or_default() * quantity;
            let number = next(&mut self.sales.next.invoice_item);
            parts.push(Part { id: number, item: item.id, quantity, sums: part });
        }
        if with_shipping {
            let all = &found.sums;
            sums.shipping = all.shipping;
            sums.shipping_tax = all.shipping_tax;
            sums.shipping_incl = all.shipping_incl;
            sums.shipping_hidden_tax = all.shipping_hidden_tax;
            sums.tax += all.shipping_tax;
        }
        sums.grand =
            sums.subtotal + sums.shipping + sums.tax - sums.discount + sums.hidden_tax + sums.shipping_hidden_tax;
        let mut all = found.invoiced.take().unwrap_or_default();
        all.subtotal += sums.subtotal;
        all.discount += sums.discount;
        all.tax += sums.tax;
        all.shipping += sums.shipping;
        all.hidden_tax += sums.hidden_tax + sums.shipping_hidden_tax;
        all.grand += sums.grand;
        all.cost += sums.cost;
        found.invoiced = Some(all);
        found.updated = now;
        found.resolve(true);
        found.settle();
        let invoice = Invoice { id, order, created: now, parts, sums, with_shipping, comments: Vec::new() };
        self.sales.invoices.insert(id, invoice);
        id
    }

    pub(super) fn list_invoices(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |invoice: &&Invoice, name: &str| {
            Some(match name {
                "entity_id" => Cell::int(invoice.id),
                "order_id" => Cell::int(invoice.order),
                "increment_id" => Cell::Text(format!("{:09}", invoice.id)),
                "state" => Cell::int(2),
                "store_id" => Cell::int(1),
                "created_at" | "updated_at" => Cell::Time(text::spaced(invoice.created)),
                _ => return None,
            })
        };
        let show = |invoice: &&Invoice| self.show_invoice(invoice);
        asked.answer(self.sales.invoices.values(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    pub(super) fn get_invoice(&mut self, call: &Call) -> Said {
        let found = self.sales.invoices.get(&call.id("id")?).ok_or_else(Wrong::no_entity)?;
        Ok(self.show_invoice(found))
    }

    fn show_invoice(&self, invoice: &Invoice) -> Value {
        let Some(order) = self.sales.orders.get(&invoice.order) else { return Value::Null };
        let mut out = Columns(Map::new());
        document_head(&mut out, order, invoice.id, invoice.created);
        let sums = &invoice.sums;
        out.one("can_void_flag", 0);
        out.one("total_qty", num(invoice.parts.iter().map(|part| part.quantity).sum()));
        document_sums(&mut out, sums);
        if invoice.with_shipping {
            out.two("shipping_amount", num(sums.shipping));
            out.two("shipping_incl_tax", num(sums.shipping_incl));
            out.two("shipping_tax_amount", num(sums.shipping_tax));
            let hidden = num(sums.shipping_hidden_tax);
            out.one("shipping_discount_tax_compensation_amount", hidden.clone());
            out.one("base_shipping_discount_tax_compensation_amnt", hidden);
        }
        let show = |part: &Part| {
            let item = order.item(part.item)?;
            let mut line = part_columns(item, part);
            line.one("parent_id", invoice.id);
            if let Some(cost) = item.cost {
                line.one("base_cost", num(cost));
            }
            Some(Value::Object(line.0))
        };
        out.one("items", invoice.parts.iter().filter_map(show).collect::<Value>());
        let comment = |text: &String| json!({"comment": text, "parent_id": invoice.id});
        out.one("comments", invoice.comments.iter().map(comment).collect::<Value>());
        Value::Object(out.0)
    }
}

/// The columns that invoices and memos share with their order.
pub(super) fn document_head(out: &mut Columns, order: &Order, id: i64, created: Timestamp) {
    for name in ["base_currency_code", "global_currency_code", "order_currency_code", "store_currency_code"] {
        out.one(name, "EUR");
    }
    for (name, value) in [
        ("base_to_global_rate", json!(1)),
        ("base_to_order_rate", json!(1)),
        ("store_to_base_rate", json!(0)),
        ("store_to_order_rate", json!(0)),
        ("billing_address_id", json!(order.billing_address)),
        ("shipping_address_id", json!(order.shipping_address)),
        ("created_at", json!(text::spaced(created))),
        ("updated_at", json!(text::spaced(created))),
        ("entity_id", json!(id)),
        ("increment_id", json!(format!("{id:09}"))),
        ("order_id", json!(order.id)),
        ("state", json!(2)),
        ("store_id", json!(1)),
    ] {
        out.one(name, value);
    }
    out.some("discount_description", order.coupon.as_deref());
}

/// The sums that invoices and memos print.
pub(super) fn document_sums(out: &mut Columns, sums: &Sums) {
    out.two("discount_amount", negative(sums.discount));
    out.two("discount_tax_compensation_amount", num(sums.hidden_tax));
    out.two("grand_total", num(sums.grand));
    out.two("subtotal", num(sums.subtotal));
    out.two("subtotal_incl_tax", num(sums.subtotal_incl));
    out.two("tax_amount", num(sums.tax));
}

/// The columns of a line of an invoice or memo: a child has no money, and a row total is before the discount.
pub(super) fn part_columns(item: &Item, part: &Part) -> Columns {
    let mut out = Columns(Map::new());
    out.one("entity_id", part.id);
    out.one("order_item_id", item.id);
    out.one("name", item.name.as_str());
    out.one("product_id", item.product);
    out.one("sku", item.sku.as_str());
    out.one("qty", num(part.quantity));
    out.two("price", num(item.price));
    if !item.is_child() {
        out.two("price_incl_tax", num(item.price_incl));
        out.two("row_total", num(part.sums.row));
        out.two("row_total_incl_tax", num(part.sums.row_incl));
        out.two("tax_amount", num(part.sums.tax));
        out.two("discount_tax_compensation_amount", num(part.sums.hidden_tax));
        if !part.sums.discount.is_zero() {
            out.two("discount_amount", num(part.sums.discount));
        }
    }
    out
}
