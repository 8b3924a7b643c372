//! Web orders with what was shipped of them, reduced to what the count needs.
//!
//! *Lines.* A configurable line comes as two rows, the chosen variant under the configurable; it is one line: the number
//! of the upper row, which all later calls name, and the SKU of the lower, which is what leaves the shelf. UNSURE: a line
//! with options of its own may carry a SKU that the catalogue does not have; its order is then parked by whoever knows
//! the catalogue. A bundle is as many lines as it has parts.
//!
//! *Units* are those ordered less those cancelled and those refunded before they were shipped. The vendor does not say
//! which of the two a refund was; it takes the unshipped ones first (recorded), and so do we.
//!
//! *State* follows from quantities. The vendor's own word goes back from `complete` to `new` when a paid order is
//! refunded once more, and says `canceled` of goods that were sent unpaid.
//!
//! *Allocations* are what was shipped, by the source of each shipment. What waits is allocated to nothing: the vendor
//! reserves it from a stock and not from a source, a pick-up order too ([`super::places`] says what follows).
//!
//! *Changes.* A second shipment of a part moves no moment of the order, so the shipments are swept as well, and the
//! credit memos with them: three lists, one after the other, and whatever order they name is read again. The record
//! holds the order as the vendor sent it and its shipments beside it.

use super::criteria::Criteria;
use super::errand::{Errand, REST};
use super::sweep::{Mark, OVERLAP};
use super::{Magento, not_ours, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Page, Record, Unreadable, fingerprint};
use crate::domain::fact::{Fact, Order, OrderLine, OrderState};
use crate::domain::ids::{DocumentKey, LineKey, OutletKey, ProductKey};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Orders on one page: the shop gathers addresses, taxes and payment for each, about 10 ms.
pub(super) const ORDER_ROWS: usize = 50;

/// Shipments and memos on one page, which are small.
const PAPER_ROWS: usize = 100;

/// One of the lists that tell of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Feed {
    Orders,
    Shipments,
    Memos,
}

/// Where a sweep of orders stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    on: Feed,
    orders: Mark,
    shipments: Mark,
    memos: Mark,
    /// When this pass began; `None` between two.
    began: Option<i64>,
}

impl Sweep {
    fn open(cursor: Option<&str>, now: Timestamp) -> Result<(Self, Timestamp), CallError> {
        // Each order is read with its shipments, so a first pass needs only the shipments made meanwhile.
        let lately = Mark::since(now - OVERLAP);
        let fresh =
            || Self { on: Feed::Orders, orders: Mark::default(), shipments: lately, memos: lately, began: None };
        let mut sweep = match cursor {
            None => fresh(),
            Some(text) => serde_json::from_str(text).map_err(|_| not_ours())?,
        };
        let began = sweep.began.map_or(now, Timestamp);
        sweep.began = Some(began.micros());
        Ok((sweep, began))
    }

    fn mark(&mut self) -> &mut Mark {
        match self.on {
            Feed::Orders => &mut self.orders,
            Feed::Shipments => &mut self.shipments,
            Feed::Memos => &mut self.memos,
        }
    }

    /// The page that was read: `next` when its list goes on. Gives the places to go on at once and later.
    fn turn(mut self, began: Timestamp, next: Option<Mark>, reached: Mark) -> (Option<Self>, Option<Self>) {
        match next {
            Some(next) => {
                *self.mark() = next;
                (Some(self), None)
            }
            None => {
                *self.mark() = reached.rest(began);
                self.on = match self.on {
                    Feed::Orders => Feed::Shipments,
                    Feed::Shipments => Feed::Memos,
                    Feed::Memos => return (None, Some(Self { on: Feed::Orders, began: None, ..self })),
                };
                (Some(self), None)
            }
        }
    }
}

/// A page of changed orders.
pub(super) async fn after(shop: &Magento, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
    let (mut sweep, began) = Sweep::open(cursor, shop.caller.clock.now())?;
    let (purpose, route, want, what) = match sweep.on {
        Feed::Orders => ("read orders", "orders", ORDER_ROWS, "the orders"),
        Feed::Shipments => ("read shipments", "shipments", PAPER_ROWS, "the shipments"),
        Feed::Memos => ("read credit memos", "creditmemos", PAPER_ROWS, "the credit memos"),
    };
    let mark = *sweep.mark();
    let mut errand = shop.errand();
    let (text, size) = errand.rows(purpose, &format!("{REST}/{route}"), want, |size| mark.question(size)).await?;
    let turned = errand.read(mark.turn(what, "entity_id", &text, size))?;
    let raws = turned.rows.iter().map(|raw| raw.get());
    let rows = match sweep.on {
        Feed::Orders => records(&mut errand, raws.collect()).await?,
        Feed::Shipments | Feed::Memos => {
            let named: BTreeSet<i64> = raws.filter_map(order_of).collect();
            let orders = by_ids(&mut errand, &named).await?;
            records(&mut errand, orders.iter().map(String::as_str).collect()).await?
        }
    };
    let (next, resume) = sweep.turn(began, turned.next, turned.reached);
    let text = |sweep: Option<Sweep>| sweep.map(|sweep| serde_json::to_string(&sweep)).transpose();
    let both = text(next).and_then(|next| Ok((next, text(resume)?)));
    let (next, resume) = errand.read(both.map_err(|error| Unreadable::new(error.to_string())))?;
    Ok(errand.done(Page { rows, next, resume, began: Some(began) }))
}

/// One order by the number that people use.
pub(super) async fn by_number(shop: &Magento, number: &str) -> Result<Answer<Option<Record>>, CallError> {
    let mut errand = shop.errand();
    let number = number.trim();
    if number.is_empty() || number.len() > 64 {
        return Ok(errand.done(None));
    }
    let criteria = Criteria::new().and("increment_id", "eq", number).by("entity_id");
    let found = errand.whole_list("read one order", &format!("{REST}/orders"), ORDER_ROWS, criteria).await?;
    // A shop that overlooks the filter must not make us take another order for this one.
    let is_it = |raw: &&String| {
        Object::open("order", raw)
            .and_then(|order| order.key("increment_id"))
            .is_ok_and(|n| n.as_deref() == Some(number))
    };
    let found: Vec<&str> = found.iter().filter(is_it).map(String::as_str).collect();
    let record = records(&mut errand, found).await?.pop();
    Ok(errand.done(record))
}

async fn by_ids(errand: &mut Errand<'_>, ids: &BTreeSet<i64>) -> Result<Vec<String>, CallError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let criteria = Criteria::new().one_of("entity_id", &texts(ids).iter().map(String::as_str).collect::<Vec<_>>());
    errand.whole_list("read orders by id", &format!("{REST}/orders"), ORDER_ROWS, criteria.by("entity_id")).await
}

/// Records of these orders, those that something was shipped of with their shipments.
async fn records(errand: &mut Errand<'_>, orders: Vec<&str>) -> Result<Vec<Record>, CallError> {
    let shipped: BTreeSet<i64> = orders.iter().filter_map(|raw| shipped_in_part(raw)).collect();
    let mut shipments: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    if !shipped.is_empty() {
        let ids = texts(&shipped);
        let criteria = Criteria::new().one_of("order_id", &ids.iter().map(String::as_str).collect::<Vec<_>>());
        let route = format!("{REST}/shipments");
        for raw in errand.whole_list("read shipments of orders", &route, PAPER_ROWS, criteria.by("entity_id")).await? {
            if let Some(order) = order_of(&raw) {
                shipments.entry(order).or_default().push(raw);
            }
        }
    }
    let own = |raw: &str| shipped_in_part(raw).and_then(|id| shipments.get(&id)).map_or(&[][..], Vec::as_slice);
    Ok(orders.into_iter().map(|raw| record(raw, own(raw))).collect())
}

fn texts(ids: &BTreeSet<i64>) -> Vec<String> {
    ids.iter().map(i64::to_string).collect()
}

/// The order that a shipment or a credit memo belongs to.
pub(super) fn order_of(raw: &str) -> Option<i64> {
    Object::open("paper", raw).and_then(|paper| wire::id(&paper, "order_id")).ok()
}

/// The id of an order that something was shipped of.
fn shipped_in_part(raw: &str) -> Option<i64> {
    let order = Object::open("order", raw).ok()?;
    let items = order.objects("items").ok()?;
    let shipped = items.iter().any(|item| wire::quantity(item, "qty_shipped").is_ok_and(|parts| parts > Some(0)));
    if shipped { wire::id(&order, "entity_id").ok() } else { None }
}

/// One record: the order as it was sent, or both together.
pub(super) fn record(raw: &str, shipments: &[String]) -> Record {
    let whole = match shipments.is_empty() {
        true => raw.to_owned(),
        false => format!("{{\"order\":{raw},\"shipments\":[{}]}}", shipments.join(",")),
    };
    let order = Object::open("order", raw);
    let id = order.as_ref().ok().and_then(|order| order.key("entity_id").ok().flatten());
    let read = read_raw(&whole);
    let changed_at = match &read {
        Ok(order) => Some(order.updated_at),
        Err(_) => order.ok().and_then(|order| order.time("updated_at").ok().flatten()),
    };
    Record {
        kind: "order",
        // One without an id is kept with its reason, and does not hold up the page that it stands on.
        external_id: id.unwrap_or_else(|| fingerprint(raw)),
        version: changed_at.map_or(0, |changed_at| wire::version(changed_at, &whole)),
        facts: read.map(|order| vec![Fact::Order(order)]),
        raw: whole,
    }
}

/// An order opened, with its shipments.
pub(super) fn open(raw: &str) -> Result<(Object<'_>, Vec<Object<'_>>), Unreadable> {
    let record = Object::open("order", raw)?;
    match record.raw("order").filter(|order| order.get().starts_with('{')) {
        Some(order) => Ok((Object::open("order", order.get())?, record.objects("shipments")?)),
        None => Ok((record, Vec::new())),
    }
}

/// Reads a stored order.
pub(super) fn read_raw(raw: &str) -> Result<Order, Unreadable> {
    let (order, shipments) = open(raw)?;
    let goods = goods(&order)?;
    let sent = sent(&shipments)?;
    let state = state(&order, &goods)?;
    let gone = state == OrderState::Shipped;
    let mut updated_at = order.need_time("updated_at")?;
    for shipment in &shipments {
        updated_at = updated_at.max(shipment.time("updated_at")?.unwrap_or(updated_at));
    }
    let word = order.text("state")?;
    let line = |goods: &Goods| OrderLine {
        line: LineKey::new(goods.item.to_string()),
        product: ProductKey::new(goods.sku.clone()),
        // What is complete without a shipment was handed over some other way.
        units: if gone { goods.ordered - goods.cancelled - goods.refunded_before() } else { goods.units() },
        unit_price: goods.unit_price,
        allocations: sent.get(&goods.item).map_or_else(Vec::new, |by_source| {
            by_source.iter().map(|(source, units)| (OutletKey::new(source.clone()), *units)).collect()
        }),
    };
    Ok(Order {
        document: DocumentKey::new(order.need_key("entity_id")?),
        number: order.need_key("increment_id")?,
        state,
        on_hold: matches!(word.as_deref(), Some("holded" | "payment_review")),
        placed_at: order.need_time("created_at")?,
        updated_at,
        lines: goods.iter().map(line).collect(),
        total: wire::money(&order, "grand_total")?.ok_or_else(|| order.missing("grand_total"))?,
        currency: order.key("order_currency_code")?.ok_or_else(|| order.missing("order_currency_code"))?,
    })
}

/// Units by line and source, as shipped.
fn sent(shipments: &[Object<'_>]) -> Result<BTreeMap<i64, BTreeMap<String, i64>>, Unreadable> {
    let mut sent: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
    for shipment in shipments {
        let source = match shipment.is_object("extension_attributes") {
            true => shipment.need_object("extension_attributes")?.key("source_code")?,
            false => None,
        };
        // Before version 1.1.2 of the inventory modules lists left it out.
        let Some(source) = source else { continue };
        for item in shipment.objects("items")? {
            let units = wire::units(&item, "qty")?;
            let by_source = sent.entry(wire::id(&item, "order_item_id")?).or_default();
            let so_far = by_source.entry(source.clone()).or_default();
            *so_far = so_far.saturating_add(units);
        }
    }
    Ok(sent)
}

/// One line as the count sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goods {
    /// Row that later calls name.
    pub(super) item: i64,
    /// Row of the chosen variant under it.
    pub(super) child: Option<i64>,
    pub(super) sku: String,
    pub(super) ordered: i64,
    pub(super) cancelled: i64,
    pub(super) invoiced: i64,
    /// Shipped, or, for what nobody ships, invoiced.
    pub(super) shipped: i64,
    pub(super) refunded: i64,
    /// With tax.
    pub(super) unit_price: Fine,
}

impl Goods {
    /// Units still to be shipped.
    pub(super) fn open(&self) -> i64 {
        (self.ordered - self.cancelled - self.shipped - self.refunded).max(0)
    }

    /// Units refunded before they were shipped.
    fn refunded_before(&self) -> i64 {
        self.refunded.min((self.ordered - self.cancelled - self.shipped).max(0))
    }

    /// Units ordered and not taken back before they left.
    fn units(&self) -> i64 {
        self.shipped + self.open()
    }
}

/// A row of an order.
struct Row {
    id: i64,
    parent: Option<i64>,
    bundle: bool,
    goods: Goods,
}

fn row(item: &Object<'_>) -> Result<Row, Unreadable> {
    let id = wire::id(item, "item_id")?;
    let (invoiced, shipped) = (wire::units(item, "qty_invoiced")?, wire::units(item, "qty_shipped")?);
    // The gross price of a row from an import is not there.
    let price = match wire::money(item, "price_incl_tax")? {
        Some(price) => price,
        None => wire::money(item, "price")?.unwrap_or(Fine::ZERO),
    };
    let goods = Goods {
        item: id,
        child: None,
        sku: item.need_key("sku")?,
        ordered: wire::units(item, "qty_ordered")?,
        cancelled: wire::units(item, "qty_canceled")?,
        invoiced,
        shipped: if item.flag("is_virtual")?.unwrap_or(false) { shipped.max(invoiced) } else { shipped },
        refunded: wire::units(item, "qty_refunded")?,
        unit_price: price,
    };
    let bundle = item.text("product_type")?.as_deref() == Some("bundle");
    Ok(Row { id, parent: item.whole("parent_item_id")?.filter(|id| *id > 0), bundle, goods })
}

/// The lines of an order, each once.
pub(super) fn goods(order: &Object<'_>) -> Result<Vec<Goods>, Unreadable> {
    if !order.has("items") {
        return Err(order.missing("items"));
    }
    let rows = order.objects("items")?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        // Taken for true, it would free all units of the order.
        return Err(order.wrong("items", "an order without lines"));
    }
    let mut ids = HashSet::new();
    // Units wait by line, so two lines of one id cannot be told apart later.
    if let Some(twice) = rows.iter().find(|row| !ids.insert(row.id)) {
        return Err(order.wrong("items", &format!("two rows have the id {}", twice.id)));
    }
    let mut goods = Vec::new();
    for top in rows.iter().filter(|row| row.parent.is_none_or(|parent| !ids.contains(&parent))) {
        let under: Vec<&Row> = rows.iter().filter(|row| row.parent == Some(top.id)).collect();
        match under.first() {
            Some(_) if top.bundle => goods.extend(under.iter().map(|part| part_of_bundle(&top.goods, &part.goods))),
            Some(variant) => goods.push(joined(&top.goods, &variant.goods)),
            None => goods.push(top.goods.clone()),
        }
    }
    Ok(goods)
}

/// A configurable row and the variant under it: what is kept on one of the two only is taken from there.
fn joined(top: &Goods, variant: &Goods) -> Goods {
    Goods {
        item: top.item,
        child: Some(variant.item),
        sku: variant.sku.clone(),
        ordered: top.ordered,
        cancelled: top.cancelled.max(variant.cancelled),
        invoiced: top.invoiced.max(variant.invoiced),
        shipped: top.shipped.max(variant.shipped),
        refunded: top.refunded.max(variant.refunded),
        unit_price: if top.unit_price == Fine::ZERO { variant.unit_price } else { top.unit_price },
    }
}

/// A part of a bundle. One that is sent as a whole keeps its shipments on the upper row. UNSURE: from the source only, no
/// bundle was ever recorded.
fn part_of_bundle(top: &Goods, part: &Goods) -> Goods {
    let share = |of_top: i64| of_top.saturating_mul(part.ordered).checked_div(top.ordered).unwrap_or(0);
    Goods {
        shipped: part.shipped.max(share(top.shipped)).min(part.ordered),
        cancelled: part.cancelled.max(share(top.cancelled)).min(part.ordered),
        refunded: part.refunded.max(share(top.refunded)).min(part.ordered),
        ..part.clone()
    }
}

/// What its quantities say of an order; the vendor's word only where they say nothing.
fn state(order: &Object<'_>, goods: &[Goods]) -> Result<OrderState, Unreadable> {
    let word = order.text("state")?.unwrap_or_default();
    let waiting = goods.iter().any(|goods| goods.open() > 0);
    let left = goods.iter().any(|goods| goods.shipped > 0);
    Ok(match (waiting, left) {
        (false, true) => OrderState::Shipped,
        (false, false) => OrderState::Cancelled,
        (true, _) => match word.as_str() {
            "" | "new" | "pending_payment" | "processing" | "holded" | "payment_review" => OrderState::Open,
            // Nothing is left to be shipped, says the shop: it was taken in as already handed over.
            "complete" => OrderState::Shipped,
            // The quantities contradict it; while they do, its units stay spoken for.
            "canceled" | "closed" => OrderState::Unknown(format!("{word} with units not shipped")),
            other => OrderState::Unknown(other.to_owned()),
        },
    })
}
