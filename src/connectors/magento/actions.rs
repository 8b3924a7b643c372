//! What later steps do in the shop: products, invoices, shipments, refunds, cancellations, pick-up.
//!
//! Each of these calls has a trap that was seen in a running shop, and is made so that nobody steps into it: an order is
//! named by its id and never by its number (which would hit another order), lists are never left empty (which means
//! "everything"), a shipment always names its source (without one the shop takes from a shelf that nobody sells from and
//! offers the goods again), and pick-up is told only of orders that are to be picked up (any other would be shipped).
//! Invoice, shipment and cancellation may be repeated after a lost answer: the shop refuses the second. A refund may not:
//! it refunds again; look at [`Magento::memos_of`] first.

use super::criteria::Criteria;
use super::errand::{Errand, REST, REST_ALL, rejected};
use super::{Magento, OrderDetail, detail, percent, wire};
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::OutletKey;
use crate::domain::money::Fine;
use http::Method;
use serde_json::{Value, json};

/// So many units of a row of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// The row ([`super::DetailLine::item`]).
    pub item: i64,
    /// How many.
    pub units: i64,
}

/// A simple product to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Its SKU, at most 64 characters.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// The shop's id of the set of attributes that it has.
    pub attribute_set: i64,
    /// Price as the catalogue keeps it, with or without tax.
    pub price: Fine,
    /// Whether it is on sale at once.
    pub enabled: bool,
    /// Whether it is shown by itself; a variant is not.
    pub shown: bool,
    /// The shop's ids of the websites that have it.
    pub websites: Vec<i64>,
    /// Further attributes by code; a choice by its option id.
    pub attributes: Vec<(String, String)>,
}

/// Goods to be sent or handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// The source that they leave.
    pub source: OutletKey,
    /// Which.
    pub units: Vec<Units>,
    /// Numbers to follow it by: carrier code, title, number.
    pub tracks: Vec<(String, String, String)>,
    /// Whether the customer is told by mail.
    pub tell: bool,
}

/// Money to be given back, without a payment provider being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// What is given back; a row with no units stands for money alone.
    pub lines: Vec<MemoLine>,
    /// Shipping to be given back; with or without tax as the shop shows it, usually without.
    pub shipping: Fine,
    /// Given on top.
    pub more: Fine,
    /// Kept back.
    pub less: Fine,
    /// A line for the order's history.
    pub comment: String,
}

/// A row of a memo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoLine {
    /// The row ([`super::DetailLine::item`]).
    pub item: i64,
    /// The variant's row ([`super::DetailLine::child`]).
    pub child: Option<i64>,
    /// How many units.
    pub units: i64,
    /// Whether they go back to the shelf, all of them, and to the source that they left from.
    pub to_shelf: bool,
}

/// A memo as the shop keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMemo {
    /// The shop's id.
    pub id: i64,
    /// The number that people use.
    pub number: String,
    /// Given back in all.
    pub total: Fine,
    /// What of.
    pub units: Vec<Units>,
}

/// What became of telling a customer that the goods are ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pickup {
    /// The customer was told, and the goods are shipped in the shop's books.
    Told,
    /// Not ready, in the shop's words: usually the source lacks units.
    NotReady(String),
}

impl Magento {
    /// Makes a simple product; gives its id.
    pub async fn create_product(&self, new: &NewProduct) -> Result<Answer<i64>, CallError> {
        let own = |(code, value): &(String, String)| json!({ "attribute_code": code, "value": value });
        let body = json!({ "product": {
            "sku": new.sku,
            "name": new.name,
            "attribute_set_id": new.attribute_set,
            "price": amount(new.price),
            "status": if new.enabled { 1 } else { 2 },
            "visibility": if new.shown { 4 } else { 1 },
            "type_id": "simple",
            "extension_attributes": { "website_ids": new.websites },
            "custom_attributes": new.attributes.iter().map(own).collect::<Vec<_>>(),
        }});
        let mut errand = self.errand();
        let path = format!("{REST_ALL}/products");
        let text = errand.change("create product", Method::POST, &path, Some(&body)).await?;
        let read = Object::open("product", &text).and_then(|product| wire::id(&product, "id"));
        let id = errand.read(read)?;
        Ok(errand.done(id))
    }

    /// Hangs a variant under a configurable product. It is not an error that it hangs there already.
    pub async fn add_variant(&self, style: &str, variant: &str) -> Result<Answer<()>, CallError> {
        let mut errand = self.errand();
        let path = format!("{REST}/configurable-products/{}/child", percent::encode(style));
        let body = json!({ "childSku": variant });
        match errand.try_change("add variant", Method::POST, &path, Some(&body)).await? {
            Ok(text) => errand.read(yes(&text)).map(drop)?,
            Err(reason) if reason.starts_with("The product is already attached") => {}
            Err(reason) => return Err(errand.fail(rejected(reason))),
        }
        Ok(errand.done(()))
    }

    /// Puts a product on sale or takes it off, for all stores. Nothing else of it is sent: a whole product would overwrite
    /// stock that was set a moment ago.
    pub async fn set_enabled(&self, sku: &str, enabled: bool) -> Result<Answer<()>, CallError> {
        let mut errand = self.errand();
        let path = format!("{REST_ALL}/products/{}", percent::encode(sku));
        let body = json!({ "product": { "sku": sku, "status": if enabled { 1 } else { 2 } } });
        let text = errand.change("enable product", Method::PUT, &path, Some(&body)).await?;
        let read = Object::open("product", &text).and_then(|product| product.whole("status"));
        let status = errand.read(read)?;
        if (status == Some(1)) != enabled {
            let reason = "the product did not change".to_owned();
            return Err(errand.fail(CallErrorKind::Protocol { reason }));
        }
        Ok(errand.done(()))
    }

    /// An order by its id; `None` when there is none.
    pub async fn order_detail(&self, order: i64) -> Result<Answer<Option<OrderDetail>>, CallError> {
        let mut errand = self.errand();
        let detail = read_order(&mut errand, order).await?;
        Ok(errand.done(detail))
    }

    /// The same from a kept record.
    pub fn detail_of(&self, raw: &str) -> Result<OrderDetail, Unreadable> {
        detail::read(raw)
    }

    /// Invoices these units as paid; gives the invoice's id.
    pub async fn invoice(&self, order: i64, units: &[Units]) -> Result<Answer<i64>, CallError> {
        let mut errand = self.errand();
        let items = rows(units, 1).map_err(|reason| errand.fail(rejected(reason)))?;
        let body = json!({ "capture": true, "items": items, "notify": false, "appendComment": false });
        let path = format!("{REST}/order/{order}/invoice");
        let text = errand.change("invoice", Method::POST, &path, Some(&body)).await?;
        let id = errand.read(new_id(&text))?;
        Ok(errand.done(id))
    }

    /// Ships; gives the shipment's id and what it holds. The shop ships fewer units than it was asked for without a word
    /// when fewer are open, so the shipment is read back.
    pub async fn ship(&self, order: i64, shipment: &Shipment) -> Result<Answer<(i64, Vec<Units>)>, CallError> {
        let mut errand = self.errand();
        let items = rows(&shipment.units, 1).map_err(|reason| errand.fail(rejected(reason)))?;
        if shipment.source.as_str().is_empty() {
            return Err(errand.fail(rejected("a shipment must name the source that it leaves")));
        }
        let track = |(carrier, title, number): &(String, String, String)| json!({ "track_number": number, "title": title, "carrier_code": carrier });
        let body = json!({
            "items": items,
            "notify": shipment.tell,
            "tracks": shipment.tracks.iter().map(track).collect::<Vec<_>>(),
            "arguments": { "extension_attributes": { "source_code": shipment.source.as_str() } },
        });
        let path = format!("{REST}/order/{order}/ship");
        let text = errand.change("ship", Method::POST, &path, Some(&body)).await?;
        let id = errand.read(new_id(&text))?;
        let text = errand.get("read shipment", &format!("{REST}/shipment/{id}")).await?;
        let held = errand.read(units_of(&text))?;
        Ok(errand.done((id, held)))
    }

    /// Gives money back; gives the memo's id. After a lost answer look at [`Magento::memos_of`]: a repeat refunds again.
    pub async fn refund(&self, order: i64, memo: &Memo) -> Result<Answer<i64>, CallError> {
        let mut errand = self.errand();
        let units: Vec<Units> = memo.lines.iter().map(|line| Units { item: line.item, units: line.units }).collect();
        let items = rows(&units, 0).map_err(|reason| errand.fail(rejected(reason)))?;
        let money = [memo.shipping, memo.more, memo.less];
        if money.iter().any(|amount| amount.0 < 0) {
            return Err(errand.fail(rejected("an amount below zero cannot be refunded")));
        }
        if memo.lines.iter().all(|line| line.units == 0) && memo.shipping.0 + memo.more.0 == 0 {
            // The shop would keep a memo over nothing.
            return Err(errand.fail(rejected("there is nothing to refund")));
        }
        let back = memo.lines.iter().filter(|line| line.to_shelf && line.units > 0);
        let back: Vec<i64> = back.map(|line| line.child.unwrap_or(line.item)).collect();
        let mut body = json!({
            "items": items,
            "notify": false,
            "appendComment": !memo.comment.is_empty(),
            "arguments": {
                "shipping_amount": amount(memo.shipping),
                "adjustment_positive": amount(memo.more),
                "adjustment_negative": amount(memo.less),
                "extension_attributes": { "return_to_stock_items": back },
            },
        });
        if let Some(body) = body.as_object_mut().filter(|_| !memo.comment.is_empty()) {
            body.insert("comment".to_owned(), json!({ "comment": memo.comment, "is_visible_on_front": 0 }));
        }
        let path = format!("{REST}/order/{order}/refund");
        let text = errand.change("refund", Method::POST, &path, Some(&body)).await?;
        let id = errand.read(new_id(&text))?;
        Ok(errand.done(id))
    }

    /// All memos of an order.
    pub async fn memos_of(&self, order: i64) -> Result<Answer<Vec<KnownMemo>>, CallError> {
        let mut errand = self.errand();
        let criteria = Criteria::new().and("order_id", "eq", order.to_string()).by("entity_id");
        let raws = errand.whole_list("read memos of order", &format!("{REST}/creditmemos"), 100, criteria).await?;
        let memos = errand.read(raws.iter().map(|raw| memo(raw)).collect::<Result<Vec<_>, _>>())?;
        Ok(errand.done(memos))
    }

    /// Cancels what is not shipped and not invoiced; `false` when the shop finds nothing to cancel, also the second time.
    pub async fn cancel(&self, order: i64) -> Result<Answer<bool>, CallError> {
        let mut errand = self.errand();
        let path = format!("{REST}/orders/{order}/cancel");
        let text = errand.change("cancel order", Method::POST, &path, None).await?;
        let done = errand.read(yes(&text))?;
        Ok(errand.done(done))
    }

    /// Tells the customer that the goods are ready, which ships them in the shop's books. The order is read first: the
    /// shop would ship any other order just as well.
    pub async fn ready_for_pickup(&self, order: i64) -> Result<Answer<Pickup>, CallError> {
        let mut errand = self.errand();
        let Some(detail) = read_order(&mut errand, order).await? else {
            return Err(errand.fail(rejected("the shop has no such order")));
        };
        if detail.pickup.is_none() || detail.id != order {
            return Err(errand.fail(rejected("this order is not to be picked up")));
        }
        let body = json!({ "orderIds": [order] });
        let path = format!("{REST}/order/notify-orders-are-ready-for-pickup");
        let text = errand.change("tell of pick-up", Method::POST, &path, Some(&body)).await?;
        let told = errand.read(pickup(&text))?;
        Ok(errand.done(told))
    }

    /// Adds a line to the order's history, for the shop's people only.
    pub async fn comment(&self, order: i64, text: &str) -> Result<Answer<()>, CallError> {
        let mut errand = self.errand();
        let body = json!({ "statusHistory": {
            "comment": text, "parent_id": order, "is_customer_notified": 0, "is_visible_on_front": 0,
        }});
        let path = format!("{REST}/orders/{order}/comments");
        let text = errand.change("comment on order", Method::POST, &path, Some(&body)).await?;
        errand.read(yes(&text))?;
        Ok(errand.done(()))
    }
}

async fn read_order(errand: &mut Errand<'_>, order: i64) -> Result<Option<OrderDetail>, CallError> {
    match errand.find("read one order", &format!("{REST}/orders/{order}")).await? {
        Some(text) => errand.read(detail::read(&text)).map(Some),
        None => Ok(None),
    }
}

/// Rows of a body; an empty list would mean everything, and a count below zero is taken over there.
fn rows(units: &[Units], least: i64) -> Result<Vec<Value>, &'static str> {
    if units.is_empty() {
        return Err("an empty list would mean everything");
    }
    if units.iter().any(|row| row.units < least || row.item <= 0) {
        return Err("a row needs an id, and a number of units that is not below what can be meant");
    }
    Ok(units.iter().map(|row| json!({ "order_item_id": row.item, "qty": row.units })).collect())
}

/// An amount as a JSON number, through its own text.
fn amount(fine: Fine) -> Value {
    let sign = if fine.0 < 0 { "-" } else { "" };
    let (whole, part) = (fine.0.unsigned_abs() / 100_000, fine.0.unsigned_abs() % 100_000);
    let text = format!("{sign}{whole}.{part:05}");
    serde_json::from_str(text.trim_end_matches('0').trim_end_matches('.')).unwrap_or(Value::Null)
}

/// The id of something made: a number, in quotes or bare.
pub(super) fn new_id(text: &str) -> Result<i64, Unreadable> {
    let id = text.trim().trim_matches('"').parse::<i64>().ok().filter(|id| *id > 0);
    id.ok_or_else(|| Unreadable::new(format!("“{}” is not an id", wire::clip(text))))
}

/// True or false.
pub(super) fn yes(text: &str) -> Result<bool, Unreadable> {
    match text.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(Unreadable::new(format!("“{}” is neither true nor false", wire::clip(other)))),
    }
}

/// The rows of a shipment.
pub(super) fn units_of(text: &str) -> Result<Vec<Units>, Unreadable> {
    let paper = Object::open("shipment", text)?;
    paper
        .objects("items")?
        .iter()
        .map(|row| Ok(Units { item: wire::id(row, "order_item_id")?, units: wire::units(row, "qty")? }))
        .collect()
}

/// Reads a memo.
pub(super) fn memo(raw: &str) -> Result<KnownMemo, Unreadable> {
    let memo = Object::open("credit memo", raw)?;
    let mut units = Vec::new();
    for row in memo.objects("items")? {
        // A count below zero was taken over there once, and may stand in a memo.
        let parts = wire::quantity(&row, "qty")?.unwrap_or(0);
        units.push(Units { item: wire::id(&row, "order_item_id")?, units: wire::whole(parts) });
    }
    Ok(KnownMemo {
        id: wire::id(&memo, "entity_id")?,
        number: memo.need_key("increment_id")?,
        total: wire::money(&memo, "grand_total")?.ok_or_else(|| memo.missing("grand_total"))?,
        units,
    })
}

/// Reads what became of telling customers; each error is a text that holds JSON.
pub(super) fn pickup(text: &str) -> Result<Pickup, Unreadable> {
    let body = Object::open("the answer", text)?;
    let successful = body.flag("successful")?.ok_or_else(|| body.missing("successful"))?;
    let mut reasons = Vec::new();
    for raw in body.elements("errors")? {
        let inner = serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
        reasons.push(wire::words(&inner).unwrap_or(inner));
    }
    match (successful, reasons.is_empty()) {
        (true, true) => Ok(Pickup::Told),
        (true, false) => Err(body.wrong("errors", "there are some although it was successful")),
        (false, _) => Ok(Pickup::NotReady(reasons.join("; "))),
    }
}
