//! Orders as they are printed: many columns twice, in the order's currency and in the base currency, which are one
//! here. Columns that nobody has written yet are missing.

use super::Account;
use super::input::num;
use super::orders::{Address, Comment, Item, Order, negative};
use crate::sim::text;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// Collects columns, with or without their twin in the base currency.
pub(super) struct Columns(pub(super) Map<String, Value>);

impl Columns {
    pub(super) fn one(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// A column and its twin.
    pub(super) fn two(&mut self, name: &str, value: Value) {
        self.0.insert(format!("base_{name}"), value.clone());
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.one(name, value);
        }
    }
}

const STORE_NAME: &str = "Main Website\nMain Website Store\nDefault Store View";

impl Account {
    /// An order as reads print it.
    pub(super) fn show_order(&self, order: &Order) -> Value {
        if order.imported.is_some() {
            return self.show_imported(order, true);
        }
        let mut out = Columns(Map::new());
        self.head(&mut out, order);
        totals(&mut out, order);
        let items: Vec<Value> = order.items.iter().map(|item| show_item(order, item, true)).collect();
        out.one("items", items.clone());
        parts(&mut out, order);
        out.one("extension_attributes", extension(order, items));
        Value::Object(out.0)
    }

    fn head(&self, out: &mut Columns, order: &Order) {
        let quantity: Decimal = order.items.iter().filter(|item| !item.is_child()).map(|item| item.ordered).sum();
        let weight: Decimal = order.items.iter().filter(|i| !i.is_child()).map(|i| i.weight * i.ordered).sum();
        let lines = order.items.iter().filter(|item| !item.is_child()).count();
        let coupon = order.coupon.as_deref();
        out.some("applied_rule_ids", coupon.map(|_| "1"));
        out.some("coupon_code", coupon);
        out.some("discount_description", coupon);
        out.some("ext_order_id", order.external_id.as_deref());
        for name in ["base_currency_code", "global_currency_code", "order_currency_code", "store_currency_code"] {
            out.one(name, "EUR");
        }
        for (name, value) in [
            ("base_to_global_rate", json!(1)),
            ("base_to_order_rate", json!(1)),
            ("store_to_base_rate", json!(0)),
            ("store_to_order_rate", json!(0)),
            ("billing_address_id", json!(order.billing_address)),
            ("created_at", json!(text::spaced(order.created))),
            ("updated_at", json!(text::spaced(order.updated))),
            ("customer_email", json!(order.address.email)),
            ("customer_firstname", json!(order.address.firstname)),
            ("customer_lastname", json!(order.address.lastname)),
            ("customer_group_id", json!(0)),
            ("customer_is_guest", json!(1)),
            // A memo that nobody is told of takes the wish to be told away.
            ("customer_note_notify", json!(i64::from(order.refunded.is_none()))),
            ("entity_id", json!(order.id)),
            ("increment_id", json!(order.increment)),
            ("is_virtual", json!(0)),
            ("protect_code", json!("00000000000000000000000000000000")),
            ("quote_id", json!(order.quote)),
            ("remote_ip", json!("127.0.0.1")),
            ("shipping_description", json!(order.method_title)),
            ("state", json!(order.state)),
            ("status", json!(order.status)),
            ("store_id", json!(1)),
            ("store_name", json!(STORE_NAME)),
            ("total_item_count", json!(lines)),
            ("total_qty_ordered", num(quantity)),
            ("weight", num(weight)),
        ] {
            out.one(name, value);
        }
    }

    /// An order that somebody put in: what was sent, what saving adds to it, and when read, empty shipping.
    pub(super) fn show_imported(&self, order: &Order, read: bool) -> Value {
        let mut out = Columns(order.imported.clone().unwrap_or_default());
        for (name, value) in [
            ("billing_address_id", json!(order.billing_address)),
            ("created_at", json!(text::spaced(order.created))),
            ("updated_at", json!(text::spaced(order.updated))),
            ("entity_id", json!(order.id)),
            ("increment_id", json!(order.increment)),
            ("protect_code", json!("00000000000000000000000000000000")),
            ("store_name", json!(STORE_NAME)),
            ("total_item_count", json!(order.items.len())),
            ("state", json!(order.state)),
            ("status", json!(order.status)),
        ] {
            out.one(name, value);
        }
        out.two("total_due", num(order.sums.grand - order.paid()));
        out.some("ext_order_id", order.external_id.as_deref());
        let items: Vec<Value> = order.items.iter().map(|item| imported_item(order, item, read)).collect();
        out.one("items", items.clone());
        parts(&mut out, order);
        // A telephone of nought is dropped, and read back as null.
        let address = out.0.get_mut("billing_address").and_then(Value::as_object_mut);
        if let Some(address) = address.filter(|_| order.address.telephone == "0") {
            address.insert("telephone".to_owned(), if read { Value::Null } else { json!("") });
        }
        if read {
            out.one(
                "extension_attributes",
                json!({
                    "shipping_assignments": [{"shipping": {"total": []}, "items": items}],
                    "payment_additional_info": [], "applied_taxes": [], "item_applied_taxes": [],
                    "converting_from_quote": false, "taxes": [], "additional_itemized_taxes": [],
                }),
            );
        }
        Value::Object(out.0)
    }

    /// What a write of single fields answers with: nulls where nothing was sent, and no extension attributes.
    pub(super) fn show_partial(&self, order: &Order, sent: &Map<String, Value>) -> Value {
        let mut out = Columns(sent.clone());
        for name in ["base_grand_total", "grand_total", "customer_email"] {
            out.0.entry(name).or_insert(Value::Null);
        }
        out.two("total_due", json!(0));
        out.one("billing_address_id", order.billing_address);
        out.one("created_at", text::spaced(order.created));
        out.one("updated_at", text::spaced(order.updated));
        out.one("entity_id", order.id);
        let items: Vec<Value> = order.items.iter().map(|item| show_item(order, item, false)).collect();
        out.one("items", items);
        parts(&mut out, order);
        Value::Object(out.0)
    }
}

fn totals(out: &mut Columns, order: &Order) {
    let all = &order.sums;
    out.two("discount_amount", negative(all.discount));
    out.two("grand_total", num(all.grand));
    out.two("discount_tax_compensation_amount", num(all.hidden_tax));
    shipping(&mut out.0, order, false);
    out.two("subtotal", num(all.subtotal));
    out.two("subtotal_incl_tax", num(all.subtotal_incl));
    out.two("tax_amount", num(all.tax));
    out.two("total_due", num(all.grand - order.paid()));
    if let Some(done) = &order.invoiced {
        out.two("discount_invoiced", negative(done.discount));
        out.two("discount_tax_compensation_invoiced", num(done.hidden_tax));
        out.two("shipping_invoiced", num(done.shipping));
        out.two("subtotal_invoiced", num(done.subtotal));
        out.two("tax_invoiced", num(done.tax));
        out.two("total_invoiced", num(done.grand));
        out.two("total_paid", num(done.grand));
        out.one("base_total_invoiced_cost", num(done.cost));
    }
    if let Some(done) = &order.refunded {
        out.two("adjustment_positive", num(order.adjusted.0));
        out.two("adjustment_negative", num(order.adjusted.1));
        out.two("discount_refunded", negative(done.discount));
        out.two("discount_tax_compensation_refunded", num(done.hidden_tax));
        out.two("shipping_refunded", num(done.shipping));
        out.two("shipping_tax_refunded", num(done.shipping_tax));
        out.two("subtotal_refunded", num(done.subtotal));
        out.two("tax_refunded", num(done.tax));
        out.two("total_offline_refunded", num(done.grand));
        out.two("total_refunded", num(done.grand));
    }
    if let Some(gone) = &order.canceled {
        out.two("discount_canceled", num(gone.discount));
        out.two("shipping_canceled", num(gone.shipping));
        out.two("subtotal_canceled", num(gone.subtotal));
        out.two("tax_canceled", num(gone.tax));
        out.two("total_canceled", num(gone.grand));
    }
}

/// The columns of shipping, which stand in the order and, with what became of it, in its shipping assignment.
fn shipping(out: &mut Map<String, Value>, order: &Order, with_history: bool) {
    let mut columns = Columns(std::mem::take(out));
    columns.two("shipping_amount", num(order.sums.shipping));
    columns.two("shipping_discount_amount", json!(0));
    let hidden = num(order.sums.shipping_hidden_tax);
    columns.one("shipping_discount_tax_compensation_amount", hidden.clone());
    columns.one("base_shipping_discount_tax_compensation_amnt", hidden);
    columns.two("shipping_incl_tax", num(order.sums.shipping_incl));
    columns.two("shipping_tax_amount", num(order.sums.shipping_tax));
    if with_history {
        if let Some(done) = &order.invoiced {
            columns.two("shipping_invoiced", num(done.shipping));
        }
        if let Some(done) = &order.refunded {
            columns.two("shipping_refunded", num(done.shipping));
            columns.two("shipping_tax_refunded", num(done.shipping_tax));
        }
        if let Some(gone) = &order.canceled {
            columns.two("shipping_canceled", num(gone.shipping));
        }
    }
    *out = columns.0;
}

fn parts(out: &mut Columns, order: &Order) {
    out.one("billing_address", show_address(order, &order.address, order.billing_address, "billing"));
    out.one("payment", payment(order));
    let mut comments: Vec<&Comment> = order.comments.iter().collect();
    comments.sort_by_key(|comment| std::cmp::Reverse(comment.id));
    out.one("status_histories", comments.into_iter().map(|c| show_comment(order.id, c)).collect::<Value>());
}

fn show_address(order: &Order, address: &Address, id: i64, kind: &str) -> Value {
    json!({
        "address_type": kind, "city": address.city, "country_id": address.country, "email": address.email,
        "entity_id": id, "firstname": address.firstname, "lastname": address.lastname, "parent_id": order.id,
        "postcode": address.postcode, "street": address.street, "telephone": address.telephone,
    })
}

/// A line of the history as it is printed.
pub(super) fn show_comment(order: i64, comment: &Comment) -> Value {
    let mut out = Columns(Map::new());
    out.one("comment", comment.text.as_str());
    out.one("created_at", text::spaced(comment.at));
    out.one("entity_id", comment.id);
    out.some("entity_name", comment.entity);
    out.one("is_customer_notified", comment.notified.map(i64::from));
    out.one("is_visible_on_front", i64::from(comment.visible));
    out.one("parent_id", order);
    out.one("status", comment.status.as_str());
    Value::Object(out.0)
}

fn payment(order: &Order) -> Value {
    let mut out = Columns(Map::new());
    let imported = order.imported.is_some();
    out.one("account_status", Value::Null);
    out.one("additional_information", if imported { json!([]) } else { json!(["Check / Money order"]) });
    out.two("amount_ordered", num(order.sums.grand));
    out.one("cc_last4", Value::Null);
    out.one("entity_id", order.id);
    out.one("parent_id", order.id);
    out.one("method", "checkmo");
    if !imported {
        out.two("shipping_amount", num(order.sums.shipping));
    }
    if let Some(done) = &order.invoiced {
        out.two("amount_paid", num(done.grand));
        out.two("shipping_captured", num(done.shipping));
    }
    if let Some(done) = &order.refunded {
        out.two("amount_refunded", num(done.grand));
        out.two("shipping_refunded", num(done.shipping));
    }
    Value::Object(out.0)
}

/// A line of an order. Over REST its row totals come after the discount. Only whole orders show each line's taxes.
pub(super) fn show_item(order: &Order, item: &Item, with_taxes: bool) -> Value {
    let mut out = Columns(Map::new());
    let child = item.is_child();
    let (all, done, back) = (&item.sums, &item.sums_invoiced, &item.sums_refunded);
    out.two("amount_refunded", num(back.row));
    out.two("discount_amount", num(all.discount));
    out.two("discount_invoiced", num(done.discount));
    out.two("price", num(item.price));
    out.two("row_invoiced", num(done.row));
    out.two("row_total", num(all.row - all.discount));
    let with_tax = all.row + all.tax + all.hidden_tax - all.discount;
    out.two("row_total_incl_tax", num(with_tax));
    out.two("tax_amount", num(all.tax));
    out.two("tax_invoiced", num(done.tax));
    if !child {
        out.two("discount_tax_compensation_amount", num(all.hidden_tax));
        out.two("price_incl_tax", num(item.price_incl));
        out.two("original_price", num(item.original_price));
        if let Some(cost) = item.cost {
            out.one("base_cost", num(cost));
        }
        out.some("applied_rule_ids", order.coupon.as_deref().map(|_| "1"));
    } else {
        out.one("original_price", num(item.original_price));
    }
    for (name, value) in [
        ("created_at", json!(text::spaced(order.created))),
        ("updated_at", json!(text::spaced(item.updated.unwrap_or(order.created)))),
        ("discount_percent", num(item.discount_percent)),
        ("free_shipping", json!(0)),
        ("is_qty_decimal", json!(0)),
        ("is_virtual", json!(0)),
        ("item_id", json!(item.id)),
        ("name", json!(item.name)),
        ("no_discount", json!(0)),
        ("order_id", json!(order.id)),
        ("product_id", json!(item.product)),
        ("product_type", json!(item.kind)),
        ("qty_canceled", num(item.canceled)),
        ("qty_invoiced", num(item.invoiced)),
        ("qty_ordered", num(item.ordered)),
        ("qty_refunded", num(item.refunded)),
        ("qty_shipped", num(item.shipped)),
        ("quote_item_id", json!(item.quote_item)),
        ("row_weight", num(if child { Decimal::ZERO } else { item.weight * item.ordered })),
        ("sku", json!(item.sku)),
        ("store_id", json!(1)),
        ("tax_percent", num(item.tax_percent)),
        ("weight", num(item.weight)),
    ] {
        out.one(name, value);
    }
    if item.was_invoiced {
        out.two("discount_tax_compensation_invoiced", num(done.hidden_tax));
    }
    if item.seen_by_invoice && !child {
        out.one("weee_tax_applied", "[]");
    }
    if item.was_refunded {
        out.two("discount_refunded", num(back.discount));
        out.two("discount_tax_compensation_refunded", num(back.hidden_tax));
        out.two("tax_refunded", num(back.tax));
    }
    if item.was_canceled {
        let share = if item.ordered.is_zero() { Decimal::ZERO } else { item.canceled / item.ordered };
        out.one("tax_canceled", num(super::orders::cents(all.tax * share)));
        out.one("discount_tax_compensation_canceled", num(super::orders::cents(all.hidden_tax * share)));
    }
    if let Some(parent) = item.parent {
        out.one("parent_item_id", parent);
        if let Some(parent) = order.item(parent) {
            out.one("parent_item", show_item(order, parent, with_taxes));
        }
    }
    if !item.options.is_empty() {
        let option = |(id, value): &(i64, i64)| json!({"option_id": id.to_string(), "option_value": value});
        let options: Vec<Value> = item.options.iter().map(option).collect();
        let inside = json!({"extension_attributes": {"configurable_item_options": options}});
        out.one("product_option", inside);
    }
    if with_taxes {
        let tax = json!({
            "tax_item_id": item.tax_item, "tax_id": order.tax_id, "item_id": item.id, "tax_code": order.tax_code,
            "tax_percent": num(order.tax_percent), "amount": num(all.tax), "base_amount": num(all.tax),
            "real_amount": num(all.tax), "real_base_amount": num(all.tax), "taxable_item_type": "product",
        });
        let taxes = if child { json!([]) } else { json!([tax]) };
        out.one("extension_attributes", json!({"itemized_taxes": taxes}));
    }
    Value::Object(out.0)
}

/// A line of an order that was put in: mostly defaults once it is read back.
fn imported_item(order: &Order, item: &Item, read: bool) -> Value {
    let mut out = Columns(Map::new());
    let row = item.sums.row;
    out.two("price", num(item.price));
    out.two("row_total", num(row));
    out.one("row_total_incl_tax", num(row + item.sums.tax));
    out.one("base_row_total_incl_tax", num(row));
    for (name, value) in [
        ("created_at", json!(text::spaced(order.created))),
        ("updated_at", json!(text::spaced(order.created))),
        ("item_id", json!(item.id)),
        ("name", json!(item.name)),
        ("order_id", json!(order.id)),
        ("original_price", num(item.price)),
        ("product_type", json!(item.kind)),
        ("qty_ordered", num(item.ordered)),
        ("sku", json!(item.sku)),
        ("tax_amount", num(item.sums.tax)),
        ("tax_percent", num(item.tax_percent)),
    ] {
        out.one(name, value);
    }
    if read {
        for name in ["amount_refunded", "discount_amount", "discount_invoiced", "row_invoiced", "tax_invoiced"] {
            out.two(name, json!(0));
        }
        for name in [
            "base_cost",
            "base_tax_amount",
            "discount_percent",
            "free_shipping",
            "no_discount",
            "qty_backordered",
            "qty_canceled",
            "qty_invoiced",
            "qty_refunded",
            "qty_shipped",
            "row_weight",
            "weight",
        ] {
            out.one(name, 0);
        }
        out.one("extension_attributes", json!({"itemized_taxes": []}));
    }
    Value::Object(out.0)
}

fn extension(order: &Order, items: Vec<Value>) -> Value {
    let mut total = Map::new();
    shipping(&mut total, order, true);
    let sent_to = order.sent_to.as_ref().unwrap_or(&order.address);
    let address = show_address(order, sent_to, order.shipping_address, "shipping");
    let applied = |amount: Decimal| {
        json!({
            "code": order.tax_code, "title": order.tax_code, "percent": num(order.tax_percent),
            "amount": num(amount), "base_amount": num(amount),
        })
    };
    let mut by_item = Vec::new();
    let mut loose = Vec::new();
    if !order.sums.shipping_tax.is_zero() {
        let amount = num(order.sums.shipping_tax);
        by_item.push(json!({"type": "shipping", "applied_taxes": [applied(order.sums.shipping_tax)]}));
        loose.push(json!({
            "tax_item_id": order.shipping_tax_item, "tax_id": order.tax_id, "tax_code": order.tax_code,
            "tax_percent": num(order.tax_percent), "amount": amount, "base_amount": amount, "real_amount": amount,
            "real_base_amount": amount, "taxable_item_type": "shipping",
        }));
    }
    for item in order.items.iter().filter(|item| !item.is_child()) {
        by_item.push(json!({"type": "product", "item_id": item.id, "applied_taxes": [applied(item.sums.tax)]}));
    }
    let mut out = Columns(Map::new());
    out.one(
        "shipping_assignments",
        json!([
            {"shipping": {"address": address, "method": order.method, "total": total}, "items": items},
        ]),
    );
    out.one("payment_additional_info", json!([{"key": "method_title", "value": "Check / Money order"}]));
    out.some("pickup_location_code", order.pickup.as_deref());
    out.one("applied_taxes", json!([applied(order.sums.tax)]));
    out.one("item_applied_taxes", by_item);
    out.one("converting_from_quote", false);
    out.one(
        "taxes",
        json!([{
            "tax_id": order.tax_id, "order_id": order.id, "code": order.tax_code, "title": order.tax_code,
            "percent": num(order.tax_percent), "amount": num(order.sums.tax), "base_amount": num(order.sums.tax),
            "base_real_amount": num(order.sums.tax), "priority": 0, "position": 0, "process": 0,
        }]),
    );
    out.one("additional_itemized_taxes", loose);
    Value::Object(out.0)
}
