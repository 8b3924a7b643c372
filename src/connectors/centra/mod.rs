//! Centra, through its GraphQL Integration API.
//!
//! Reads products, orders and stock; writes absolute physical stock. The shop subtracts its own open orders from
//! what we write, and takes off by itself what it ships, so neither is ever sent.
//!
//! What later steps do in the shop stands in a file for each thing: [`catalogue`], [`transitions`], [`shipments`],
//! [`returns`]; every change there looks at the thing first and is not made twice. What the vendor's papers leave open
//! about its words is gathered in [`spelling`].

mod catalogue;
mod detail;
mod errand;
mod events;
mod items;
mod ledger;
mod masters;
mod notice;
mod orders;
mod payments;
mod products;
mod queries;
mod returns;
mod shipments;
mod spelling;
mod stock;
mod transitions;
mod wire;

pub use catalogue::{Kept, NewProduct, NewSize, NewVariant, SizeChange, StyleChange};
pub use detail::{DetailLine, OrderDetail, ShippingOption};
pub use errand::Done;
pub use events::{EVENTS_MAX, Event, EventKind, PULL_EVERY, Pulled};
pub use items::{Code, FoundSize, ProductTree, SizeChart, SizeRow, VariantTree};
pub use ledger::{Booking, StockMove};
pub use masters::{AllocationRule, Market, Policy, Seen, Store, TaxRule, WarehouseDetail};
pub use payments::{Moved, Payment, PaymentKind, PaymentState};
pub use returns::{Cost, NewReturn, RETURN_ROWS, RETURNS_NAMED_MAX, Refund, ReturnDetail, ReturnLine, ReturnState};
pub use shipments::{Leaving, MadeShipment, NewShipment, Pay, ShipmentDetail, ShipmentLine, unshipped};
pub use spelling::{ReferenceFilter, Release, Spelling};
pub use transitions::{CancelLine, GoodsTo};

use super::abilities::{
    CatalogueAbilities, CreditBy, NoticesSetUp, OrderAbilities, OrderReference, ReadyForCollection, RefundBy,
    ReturnAbilities,
};
use super::call::{Ask, Caller, protocol};
use super::error::{CallError, CallErrorKind};
use super::evidence::Exchange;
use super::keys::{Keys, Ring};
use super::notice::{Delivery, NoticeError};
use super::pacing::Allowance;
use super::pacing::buckets::Buckets;
use super::transport::Transport;
use super::{
    Answer, Page, Record, Shop, ShopCapabilities, ShopStock, StockWrite, Unreadable, VendorPlace, WriteOutcome,
};
use crate::clock::Clock;
use crate::domain::equation::ShopSubtracts;
use crate::domain::fact::{Fact, ShopReading};
use crate::domain::ids::{ConnectionId, OutletKey, ProductKey};
use crate::domain::master::{MasterKind, Told};
use crate::domain::time::{Span, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How much of a feed is read again: clocks of two machines differ, and a change may become visible late.
const OVERLAP: Span = Span::minutes(5);

/// Rows one write may carry on a tenant that can take several.
const ROWS_PER_WRITE: usize = 100;

/// The first version whose `setStock` handles several rows without fault.
const SEVERAL_ROWS_SINCE: (u64, u64, u64) = (1, 59, 10);

/// Warehouses that may be added before we read the list again.
const NEW_PLACES: usize = 5;

/// Where a feed begins when nothing has been read yet. Before any order of any tenant.
const BEGINNING: Timestamp = Timestamp::from_secs(946_684_800);

/// An account of the vendor.
#[derive(Debug, Clone)]
pub struct CentraConfig {
    /// Our id of it.
    pub connection: ConnectionId,
    /// `https://{brand}.centra.com`.
    pub base_url: String,
    /// The token of the Integration API.
    pub token: SecretString,
    /// Secrets that sign its notices: the newest, and older ones while they are being changed.
    pub webhook_secrets: Vec<SecretString>,
    /// ISO currency taken for an amount that names none.
    pub store_currency: String,
    /// No budget of our own, for measuring everything else.
    pub unpaced: bool,
}

/// One account of the vendor, ready to be asked.
pub struct Centra {
    caller: Caller,
    store_currency: String,
    buckets: Buckets,
    /// The tenant's version, packed; zero until an answer told it.
    version: AtomicU64,
    /// Rows asked for where each warehouse is one.
    places: AtomicUsize,
    spelling: Spelling,
    lease: events::Lease,
}

impl Centra {
    /// Nothing is sent until something is asked.
    pub fn new(config: CentraConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            caller: Caller {
                connection: config.connection,
                keys: Ring::new(Keys::for_good(config.base_url, config.token, config.webhook_secrets)),
                transport,
                clock,
            },
            store_currency: config.store_currency,
            buckets: Buckets::new(config.unpaced),
            version: AtomicU64::new(0),
            places: AtomicUsize::new(queries::STOCK_ROWS),
            spelling: Spelling::default(),
            lease: events::Lease::default(),
        }
    }

    /// The same, for a tenant that spells some things in its own way.
    pub fn spelled(self, spelling: Spelling) -> Self {
        Self { spelling, ..self }
    }

    /// One question or change, within our budget; the vendor's quotas are asked first when that is due, unless the
    /// question is so dear that even this small one before it would make it wait.
    async fn ask(&self, question: queries::Question) -> Result<Said, CallError> {
        let turn = Turn { mutates: question.mutates, waits: true };
        self.ask_in_turn(question, turn).await
    }

    async fn ask_in_turn(&self, question: queries::Question, turn: Turn) -> Result<Said, CallError> {
        let mut exchanges = Vec::new();
        let needs_all = self.buckets.needs_all(question.purpose, question.things, question.guess);
        if !needs_all && self.buckets.ask_now(self.caller.clock.now()) {
            match self.ask_once(queries::rate_limits(), Turn { mutates: false, waits: turn.waits }).await {
                Ok(said) => {
                    // A tenant that answers something else keeps the smallest plan's quotas.
                    if let Ok(rows) = wire::rate_limits(&said.data) {
                        self.buckets.learn(self.caller.clock.now(), &rows);
                    }
                    exchanges = said.exchanges;
                }
                Err(error) => match error.kind {
                    CallErrorKind::Rejected { .. } | CallErrorKind::Protocol { .. } => exchanges = error.exchanges,
                    _ => {
                        self.buckets.ask_again();
                        return Err(error);
                    }
                },
            }
        }
        match self.ask_once(question, turn).await {
            Ok(mut said) => {
                exchanges.append(&mut said.exchanges);
                Ok(Said { exchanges, ..said })
            }
            Err(error) => Err(after(exchanges, error)),
        }
    }

    async fn ask_once(&self, question: queries::Question, turn: Turn) -> Result<Said, CallError> {
        let queries::Question { purpose, text, variables, mutates, things, guess } = question;
        let now = self.caller.clock.now();
        let taken = match turn.waits {
            true => self.buckets.try_take(now, purpose, turn.mutates, things, guess),
            false => self.buckets.take_on(now, purpose, turn.mutates, things, guess),
        };
        if let Err(until) = taken {
            return Err(CallError { kind: CallErrorKind::Paced { until }, exchanges: Vec::new() });
        }
        let body = serde_json::json!({ "query": text, "variables": variables }).to_string();
        let ask = Ask { purpose, method: Method::POST, path: "/graphql", body: Some(body), mutates };
        let came = self.caller.send(ask).await?;
        let (text, exchange) = match came.ok(wire::words) {
            Ok(came) => came,
            Err(error) => {
                if let CallErrorKind::Throttled { until } = error.kind {
                    self.buckets.block(until);
                }
                return Err(error);
            }
        };
        match wire::envelope(&text, mutates) {
            Err(unreadable) => Err(protocol(unreadable.reason, exchange)),
            Ok(envelope) => {
                if let Some(complexity) = envelope.complexity {
                    self.buckets.settle(purpose, things, complexity);
                }
                if let Some(version) = envelope.version {
                    self.version.store(pack(version), Ordering::Relaxed);
                }
                match envelope.outcome {
                    Ok(data) => Ok(Said { data, exchanges: vec![exchange] }),
                    Err(kind) => Err(CallError { kind, exchanges: vec![exchange] }),
                }
            }
        }
    }

    fn rows_per_write(&self) -> usize {
        if self.is_at_least(SEVERAL_ROWS_SINCE) { ROWS_PER_WRITE } else { 1 }
    }

    /// Whether the tenant is known to be of this version or a later one.
    fn is_at_least(&self, version: (u64, u64, u64)) -> bool {
        self.version.load(Ordering::Relaxed) >= pack(version)
    }
}

/// How a call takes from our budget.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Takes a change: its own, or that of the change which may follow it.
    mutates: bool,
    /// Waits for the budget. What follows a look does not.
    waits: bool,
}

/// What the vendor said.
struct Said {
    /// The `data` of the answer, as JSON text.
    data: String,
    exchanges: Vec<Exchange>,
}

impl Said {
    /// Reads the data; what cannot be read contradicts the contract and is never acted upon.
    fn read<T>(self, read: impl FnOnce(&str) -> Result<T, Unreadable>) -> Result<Answer<T>, CallError> {
        match read(&self.data) {
            Ok(value) => Ok(Answer { value, exchanges: self.exchanges }),
            Err(unreadable) => Err(CallError {
                kind: CallErrorKind::Protocol { reason: unreadable.reason },
                exchanges: self.exchanges,
            }),
        }
    }
}

#[async_trait]
impl Shop for Centra {
    fn capabilities(&self) -> ShopCapabilities {
        ShopCapabilities {
            notices: true,
            rows_per_write: self.rows_per_write(),
            subtracts: ShopSubtracts::OwnOpenOrders,
            keeps_reference: true,
            notices_set_up: NoticesSetUp::ByAPerson(SET_UP_WORDS),
            event_queue: true,
            catalogue: CatalogueAbilities {
                levels: &["product", "variant", "size"],
                writes: true,
                puts_away: true,
                writes_sku: false,
                unique_skus: false,
                keeps_reference: true,
                before_sale: Some(BEFORE_SALE_WORDS),
            },
            orders: OrderAbilities {
                reference: OrderReference::Searchable,
                confirms: true,
                holds: true,
                cancels_lines: true,
                // The interface takes new lines, and cannot take more money for them than was set aside.
                adds_lines: false,
                shipment_in_two_steps: true,
                captures: true,
                money_moves_later: true,
                marks_pickup: false,
                ready: ReadyForCollection::NoState,
            },
            returns: ReturnAbilities {
                in_two_steps: true,
                of_a_shipment: true,
                other_warehouse: true,
                without_goods_back: true,
                free_amount: false,
                money_alone: false,
                refund_by: RefundBy::Provider,
                keeps_reference: true,
                sweeps_changes: false,
                credit: CreditBy::GiftCardByAPerson,
            },
        }
    }

    async fn warehouses(&self) -> Result<Answer<Vec<VendorPlace>>, CallError> {
        let answer = self.ask(queries::warehouses()).await?.read(stock::warehouses)?;
        let places = (answer.value.len() + NEW_PLACES).min(queries::STOCK_ROWS);
        self.places.store(places, Ordering::Relaxed);
        Ok(answer)
    }

    async fn masters(&self, kind: MasterKind) -> Result<Answer<Told>, CallError> {
        super::masters::of_centra(self, kind).await
    }

    async fn products_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        let sweep = Sweep::open(cursor, self.caller.clock.now())?;
        let Some(id) = sweep.whole.first().copied() else {
            let said = self.ask(queries::products(&sweep)).await?;
            return said.read(|data| products::page(data, sweep));
        };
        match self.ask(queries::whole_product(id)).await {
            Ok(said) => said.read(|data| products::whole_page(data, id, sweep)),
            // A tenant that takes no limit there: what it lists without one is better than nothing.
            Err(CallError { kind: CallErrorKind::Rejected { .. }, exchanges }) => {
                let said = self.ask(queries::one_product(id)).await.map_err(|error| after(exchanges, error))?;
                tracing::warn!(product = id, "the shop lists only the first twenty variants or sizes of a product");
                said.read(|data| products::whole_page(data, id, sweep))
            }
            Err(error) => Err(error),
        }
    }

    async fn orders_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        let sweep = Sweep::open(cursor, self.caller.clock.now())?;
        let said = self.ask(queries::orders(&sweep)).await?;
        said.read(|data| orders::page(data, sweep, &self.store_currency))
    }

    async fn order(&self, number: &str) -> Result<Answer<Option<Record>>, CallError> {
        let Some(number) = number.trim().parse::<i64>().ok().filter(|number| *number > 0) else {
            return Ok(Answer { value: None, exchanges: Vec::new() });
        };
        let said = self.ask(queries::order(number)).await?;
        said.read(|data| orders::one(data, number, &self.store_currency))
    }

    async fn stock(&self, warehouse: &OutletKey, cursor: Option<&str>) -> Result<Answer<Page<ShopReading>>, CallError> {
        let id = wire::id(warehouse.as_str()).map_err(rejected)?;
        let page = match cursor.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(page)) if page >= 1 => page,
            Some(_) => return Err(rejected(Unreadable::new(NOT_OURS))),
        };
        let said = self.ask(queries::stock(id, page)).await?;
        said.read(|data| stock::page(data, warehouse, page))
    }

    async fn stock_of(&self, products: &[ProductKey]) -> Result<Answer<ShopStock>, CallError> {
        let ids: Vec<i64> =
            products.iter().map(|product| wire::id(product.as_str())).collect::<Result<_, _>>().map_err(rejected)?;
        let mut whole = Answer { value: ShopStock::default(), exchanges: Vec::new() };
        for chunk in ids.chunks(queries::STOCK_OF_MAX) {
            let mut places = self.places.load(Ordering::Relaxed);
            loop {
                let said = self.ask(queries::stock_of(chunk, places)).await;
                let mut part = match said.and_then(|said| said.read(|data| stock::of_products(data, places))) {
                    Ok(part) => part,
                    Err(error) => return Err(after(whole.exchanges, error)),
                };
                whole.exchanges.append(&mut part.exchanges);
                match part.value {
                    Some(mut part) => {
                        whole.value.readings.append(&mut part.readings);
                        whole.value.named.append(&mut part.named);
                        break;
                    }
                    // There are more warehouses than we knew of.
                    None if places < queries::STOCK_ROWS => {
                        places = queries::STOCK_ROWS;
                        self.places.store(places, Ordering::Relaxed);
                    }
                    None => {
                        let reason = "the shop has more warehouses than one answer holds".to_owned();
                        let kind = CallErrorKind::Protocol { reason };
                        return Err(CallError { kind, exchanges: whole.exchanges });
                    }
                }
            }
        }
        Ok(whole)
    }

    async fn write_stock(&self, rows: &[StockWrite], reference: &str) -> Result<Answer<Vec<WriteOutcome>>, CallError> {
        stock::write(self, rows, reference).await
    }

    fn read_notice(&self, headers: &HeaderMap, body: &Bytes, at: Timestamp) -> Result<Vec<Delivery>, NoticeError> {
        notice::read(&self.caller.keys.secrets(at), headers, body, at)
    }

    fn interpret(&self, kind: &str, raw: &str) -> Result<Vec<Fact>, Unreadable> {
        match kind {
            "order" => orders::read_raw(raw, &self.store_currency).map(|order| vec![Fact::Order(order)]),
            "product" => products::read_raw(raw).map(|listings| listings.into_iter().map(Fact::Listing).collect()),
            other => Ok(vec![Fact::Noted { kind: other.to_owned() }]),
        }
    }

    fn change_keys(&self, keys: Keys) {
        self.caller.keys.change(keys);
    }

    fn allowance(&self, at: Timestamp) -> Allowance {
        self.buckets.allowance(at)
    }
}

/// Shown where notices are set up.
const SET_UP_WORDS: &str = "Centra has no interface for this. In Centra, add the plugin “Centra Webhook” to the store, \
     choose “Integration API” as its type, enter the address shown here and a secret of your own, tick orders, shipments \
     and returns, and set retries to 3. Then enter the same secret here.";

/// Shown where products are made.
const BEFORE_SALE_WORDS: &str =
    "In Centra, put the product on a display, choose its markets and give its variants a price.";

const NOT_OURS: &str = "the stored place in the list is not one of ours";

fn rejected(unreadable: Unreadable) -> CallError {
    CallError { kind: CallErrorKind::Rejected { reason: unreadable.reason }, exchanges: Vec::new() }
}

/// The error, with the exchanges that came before it.
fn after(mut earlier: Vec<Exchange>, mut error: CallError) -> CallError {
    earlier.append(&mut error.exchanges);
    CallError { kind: error.kind, exchanges: earlier }
}

fn pack((major, minor, patch): (u64, u64, u64)) -> u64 {
    (major.min(0xffff) << 32) | (minor.min(0xffff) << 16) | patch.min(0xffff)
}

/// Where a sweep of changes stands. The vendor pages by number, so a place is a page of a question that stays the
/// same to its end.
///
/// The next sweep begins before the newest change seen *or* before this sweep began, whichever is earlier: a row that
/// changed while its page was being turned may have been passed over, and it changed after we began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    /// Changes since, in microseconds; `None` reads everything.
    from: Option<i64>,
    /// Page to read.
    page: u32,
    /// When its first page was asked for.
    began: i64,
    /// Newest change seen so far.
    seen: Option<i64>,
    /// Rows of this page that are still to be asked for one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    whole: Vec<i64>,
    /// Whether this page was the last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    last: bool,
}

impl Sweep {
    fn open(cursor: Option<&str>, now: Timestamp) -> Result<Self, CallError> {
        let Some(cursor) = cursor else {
            return Ok(Self { from: None, page: 1, began: now.micros(), seen: None, whole: Vec::new(), last: false });
        };
        let mut sweep: Sweep = serde_json::from_str(cursor).map_err(|_| rejected(Unreadable::new(NOT_OURS)))?;
        if sweep.page <= 1 && sweep.whole.is_empty() {
            sweep.page = 1;
            sweep.began = now.micros();
        }
        Ok(sweep)
    }

    /// When the pass began that this page is of.
    fn began(&self) -> Option<Timestamp> {
        Some(Timestamp(self.began))
    }

    /// The moment the question asks from.
    fn from(&self) -> Timestamp {
        self.from.map_or(BEGINNING, Timestamp)
    }

    /// The page that was read: `full` when there may be another. Gives `next` and `resume`. Rows still to be asked
    /// for one by one come before the next page.
    fn turn(self, newest: Option<Timestamp>, full: bool) -> Result<(Option<String>, Option<String>), Unreadable> {
        let seen = self.seen.max(newest.map(Timestamp::micros));
        if !self.whole.is_empty() {
            let next = Sweep { seen, last: !full, ..self };
            return Ok((Some(next.text()?), None));
        }
        if full {
            let next = Sweep { page: self.page.saturating_add(1), seen, last: false, ..self };
            return Ok((Some(next.text()?), None));
        }
        let reached = seen.map(|seen| (Timestamp(seen.min(self.began)) - OVERLAP).micros());
        let from = reached.max(self.from);
        let resume = Sweep { from, page: 1, began: 0, seen: None, whole: Vec::new(), last: false };
        Ok((None, Some(resume.text()?)))
    }

    fn text(&self) -> Result<String, Unreadable> {
        serde_json::to_string(self).map_err(|error| Unreadable::new(error.to_string()))
    }
}

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod events_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod orders_tests;
#[cfg(test)]
mod returns_tests;
#[cfg(test)]
mod sampled_tests;
#[cfg(test)]
mod selling_tests;
#[cfg(test)]
mod tests;
