//! What is mapped and seldom changes: stores, markets, warehouses with their rules, taxes, and the ways of paying and of
//! sending that orders show.

use super::detail::{self, ShippingOption};
use super::errand::Errand;
use super::queries::Question;
use super::{Centra, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::OutletKey;
use crate::domain::time::{Span, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeMap;

/// Two hundred of something small.
const LIST_GUESS: i64 = 3_000;

/// Two hundred rules with their priorities.
const RULES_GUESS: i64 = 60_000;

/// Two hundred orders with lines, payments and ways of sending.
const SEEN_GUESS: i64 = 30_000;

/// Most orders that are looked through for what they show.
const SEEN_ROWS: usize = 200;

/// A store of the tenant: a web shop of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A market. What may be sold there follows from its one allocation rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its store.
    pub store: Option<i64>,
    /// Its allocation rule; without one nothing is offered.
    pub rule: Option<i64>,
}

/// Which warehouses are offered, and in what order they are used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationRule {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Warehouses with their place in the order, lowest first, over all its sets. `None` when the tenant does not tell:
    /// then nothing follows about what is offered.
    pub warehouses: Option<Vec<(OutletKey, i64)>>,
}

/// A warehouse with what the vendor keeps of it. A warehouse in no allocation rule is never offered: that is where
/// returns lie that nobody has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseDetail {
    /// The vendor's id.
    pub key: OutletKey,
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
    /// Only interfaces may write its stock; people cannot. `None` when not told.
    pub written_from_outside: Option<bool>,
    /// How orders get its stock.
    pub policy: Policy,
    /// Not shown among the stock over there.
    pub hidden: bool,
    /// Units that are withheld from sale. They are missing on the web and not in what we read.
    pub threshold: i64,
    /// The shop that it is the stock room of: the vendor's id and the name.
    pub store_front: Option<(i64, String)>,
}

/// How orders get a warehouse's stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Without being asked.
    Direct,
    /// The shop is asked and may say no.
    CheckFirst,
    /// Another word of the vendor's. UNSURE: how it spells "direct" and "direct, then confirm".
    Other(String),
}

/// A tax of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRule {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: String,
    /// Its rate, as the vendor writes it. UNSURE: whether in percent or as a part of one; those seen on orders are in
    /// percent.
    pub rate: Decimal,
}

/// What orders show, with how often. The vendor lists neither ways of paying nor rates by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Orders that were looked through.
    pub orders: usize,
    /// Ways of paying by short name.
    pub payment_methods: BTreeMap<String, u32>,
    /// Ways of sending by short name, with their names: one of them may be pick-up.
    pub shipping_options: BTreeMap<String, (String, u32)>,
    /// Rates of tax in percent.
    pub tax_percents: BTreeMap<Decimal, u32>,
}

/// How far back is looked for what orders show.
const LATELY: Span = Span::hours(90 * 24);

impl Centra {
    /// Since when orders count as of now for [`Centra::seen_on_orders`].
    pub(in crate::connectors) fn lately(&self) -> Timestamp {
        self.caller.clock.now() - LATELY
    }

    /// Stores of the tenant that the token may see.
    pub async fn stores(&self) -> Result<Answer<Vec<Store>>, CallError> {
        self.listed("read stores", "query R { stores(limit:200){ id name } }", stores).await
    }

    /// Markets; without their store and rule where the tenant spells those otherwise. UNSURE: both names.
    pub async fn markets(&self) -> Result<Answer<Vec<Market>>, CallError> {
        let mut errand = Errand::new(self);
        let question = |purpose, text: &str| Question::read(purpose, text.to_owned(), json!({}), LIST_GUESS);
        let text = "query M { markets(limit:200){ id name store{id} allocationRule{id} } }";
        if let Some(rows) = errand.try_ask(question("read markets", text), markets).await? {
            return Ok(errand.done(rows));
        }
        let text = "query M { markets(limit:200){ id name } }";
        let rows = errand.ask(question("read names of markets", text), markets).await?;
        Ok(errand.done(rows))
    }

    /// Warehouses with their rules.
    pub async fn warehouse_details(&self) -> Result<Answer<Vec<WarehouseDetail>>, CallError> {
        let text = "query W { warehouses(sort:[id_ASC], limit:200){ id name status stockMaster stockOwnership \
                    allocationPolicy isHiddenFromStockView threshold brickAndMortar{id name} } }";
        self.listed("read warehouses in detail", text, warehouses).await
    }

    /// Allocation rules with the order of their warehouses; without it where the tenant spells it otherwise.
    pub async fn allocation_rules(&self) -> Result<Answer<Vec<AllocationRule>>, CallError> {
        let mut errand = Errand::new(self);
        let sets = self.spelling.priority_sets;
        let text = format!(
            "query A {{ allocationRules(limit:200){{ id name {sets}{{ id priorities(limit:200){{ priorityNumber \
             warehouse{{id}} }} }} }} }}"
        );
        let question = Question::read("read allocation rules", text, json!({}), RULES_GUESS);
        if let Some(rules) = errand.try_ask(question, |data| rules(data, sets)).await? {
            return Ok(errand.done(rules));
        }
        let text = "query A { allocationRules(limit:200){ id name } }";
        let question = Question::read("read names of allocation rules", text, json!({}), LIST_GUESS);
        let rules = errand.ask(question, |data| rules(data, sets)).await?;
        Ok(errand.done(rules))
    }

    /// Taxes; `None` where the tenant does not list them under the name that we know. Those of [`Centra::seen_on_orders`]
    /// are what was charged.
    pub async fn tax_rules(&self) -> Result<Answer<Option<Vec<TaxRule>>>, CallError> {
        let mut errand = Errand::new(self);
        let root = self.spelling.tax_rules;
        let text = format!("query X {{ {root}(limit:200){{ id name code rate }} }}");
        let question = Question::read("read taxes", text, json!({}), LIST_GUESS);
        let rules = errand.try_ask(question, |data| taxes(data, root)).await?;
        Ok(errand.done(rules))
    }

    /// Ways of paying and sending, and rates of tax, that orders placed since a moment show. At most two hundred orders,
    /// the newest first.
    pub async fn seen_on_orders(&self, since: Timestamp) -> Result<Answer<Seen>, CallError> {
        let mut errand = Errand::new(self);
        let text = format!(
            "query E($from:DateTimeTz!){{ orders(where:{{storeType:DIRECT_TO_CONSUMER, orderDate:{{from:$from}}}}, \
             sort:[orderDate_DESC], limit:{SEEN_ROWS}){{ id number paymentMethod{{uri plugin}} \
             shippingPriceGroup{{shippingOption{{id name uri}}}} lines(includeFullyCancelled:true){{taxPercent}} }} }}"
        );
        let variables = json!({ "from": wire::moment(since) });
        let question = Question::read("read what orders show", text, variables, SEEN_GUESS);
        let seen = errand.ask(question, seen).await?;
        Ok(errand.done(seen))
    }

    async fn listed<T>(
        &self,
        purpose: &'static str,
        text: &'static str,
        read: impl FnOnce(&str) -> Result<T, Unreadable>,
    ) -> Result<Answer<T>, CallError> {
        let mut errand = Errand::new(self);
        let value = errand.ask(Question::read(purpose, text, json!({}), LIST_GUESS), read).await?;
        Ok(errand.done(value))
    }
}

pub(super) fn stores(data: &str) -> Result<Vec<Store>, Unreadable> {
    let rows = wire::list(&Object::open("data", data)?, "stores")?;
    rows.iter().map(|row| Ok(Store { id: wire::need_id(row, "id")?, name: name(row)? })).collect()
}

pub(super) fn markets(data: &str) -> Result<Vec<Market>, Unreadable> {
    let market = |row: &Object<'_>| {
        Ok(Market {
            id: wire::need_id(row, "id")?,
            name: name(row)?,
            store: wire::id_in(row, "store")?,
            rule: wire::id_in(row, "allocationRule")?,
        })
    };
    wire::list(&Object::open("data", data)?, "markets")?.iter().map(market).collect()
}

pub(super) fn warehouses(data: &str) -> Result<Vec<WarehouseDetail>, Unreadable> {
    wire::list(&Object::open("data", data)?, "warehouses")?.iter().map(warehouse).collect()
}

fn warehouse(row: &Object<'_>) -> Result<WarehouseDetail, Unreadable> {
    let store_front = match row.object("brickAndMortar")? {
        Some(front) => Some((wire::need_id(&front, "id")?, name(&front)?)),
        None => None,
    };
    let policy = match row.text("allocationPolicy")?.unwrap_or_default() {
        word if word == "DIRECT" => Policy::Direct,
        word if word == "CHECK_FIRST" => Policy::CheckFirst,
        word => Policy::Other(word),
    };
    Ok(WarehouseDetail {
        key: OutletKey::new(row.need_key("id")?),
        name: name(row)?,
        active: row.text("status")?.is_none_or(|status| status == "ACTIVE"),
        written_from_outside: row.text("stockMaster")?.map(|master| master == "EXTERNAL"),
        policy,
        hidden: row.flag("isHiddenFromStockView")?.unwrap_or(false),
        threshold: if row.has("threshold") { row.need_units("threshold")? } else { 0 },
        store_front,
    })
}

pub(super) fn rules(data: &str, sets: &str) -> Result<Vec<AllocationRule>, Unreadable> {
    let mut rules = Vec::new();
    for row in wire::list(&Object::open("data", data)?, "allocationRules")? {
        let mut warehouses = row.has(sets).then(Vec::new);
        for set in row.objects(sets)? {
            for priority in set.objects("priorities")? {
                let warehouse = OutletKey::new(priority.need_object("warehouse")?.need_key("id")?);
                let place = priority.need_whole("priorityNumber")?;
                warehouses.get_or_insert_default().push((warehouse, place));
            }
        }
        if let Some(warehouses) = &mut warehouses {
            warehouses.sort_by(|a, b| (a.1, a.0.as_str()).cmp(&(b.1, b.0.as_str())));
        }
        rules.push(AllocationRule { id: wire::need_id(&row, "id")?, name: name(&row)?, warehouses });
    }
    Ok(rules)
}

pub(super) fn taxes(data: &str, root: &str) -> Result<Vec<TaxRule>, Unreadable> {
    let tax = |row: &Object<'_>| {
        Ok(TaxRule {
            id: wire::need_id(row, "id")?,
            name: name(row)?,
            code: row.text("code")?.unwrap_or_default(),
            rate: row.number("rate")?.unwrap_or_default(),
        })
    };
    wire::list(&Object::open("data", data)?, root)?.iter().map(tax).collect()
}

pub(super) fn seen(data: &str) -> Result<Seen, Unreadable> {
    let mut seen = Seen::default();
    for order in wire::list(&Object::open("data", data)?, "orders")? {
        seen.orders += 1;
        if let Some(method) = detail::payment_method(&order)? {
            add(seen.payment_methods.entry(method).or_insert(0));
        }
        if let Some(ShippingOption { name, uri, .. }) = detail::shipping_option(&order)?.filter(|o| !o.uri.is_empty()) {
            add(&mut seen.shipping_options.entry(uri).or_insert((name, 0)).1);
        }
        for line in order.objects("lines")? {
            if let Some(percent) = line.number("taxPercent")? {
                add(seen.tax_percents.entry(percent.normalize()).or_insert(0));
            }
        }
    }
    Ok(seen)
}

fn add(count: &mut u32) {
    *count = count.saturating_add(1);
}

fn name(row: &Object<'_>) -> Result<String, Unreadable> {
    Ok(row.text("name")?.unwrap_or_default())
}
