//! Lightspeed R-Series, version 3 of its API.
//!
//! The vendor sends no notices: everything is read again and again along the second in which it last changed
//! (`feed`), within a bucket that leaks ([`super::pacing::drips`]), with a pair of tokens that is changed every half
//! hour ([`super::tokens`], [`super::door`]). Every value is a text, one element is an object where several are a list, and an empty
//! relation is an empty text (`wire`).

mod ask;
mod calls;
pub mod catalogue;
mod costs;
mod errors;
mod feed;
mod items;
pub mod masters;
mod places;
mod products_feed;
mod sales;
mod sales_feed;
pub mod selling;
mod stock;
mod wire;

use super::call::Caller;
use super::credential::TokenKeeper;
use super::door::{Door, Hinges, Rules};
use super::error::CallError;
use super::keys::{Keys, Ring};
use super::notice::{Delivery, NoticeError};
use super::pacing::Allowance;
use super::pacing::drips::{BURST_OF, Drips};
use super::transport::Transport;
use super::{Answer, FindsSales, Page, Record, Till, TillCapabilities, Unreadable, VendorPlace};
use crate::clock::Clock;
use crate::domain::fact::Fact;
use crate::domain::ids::ConnectionId;
use crate::domain::master::{MasterKind, Told};
use crate::domain::time::Timestamp;
use ask::Question;
use async_trait::async_trait;
use bytes::Bytes;
use calls::{Pace, after, answer, found};
use feed::Mark;
use http::HeaderMap;
pub use items::SKU_FIELDS;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the vendor's API is.
pub const BASE_URL: &str = "https://api.lightspeedapp.com";

/// Where its tokens are given out.
pub const AUTH_URL: &str = "https://cloud.lightspeedapp.com";

/// How it changes tokens. An access token lives the shorter of the two times that the vendor prints.
const TOKENS: Rules = Rules { path: "/auth/oauth/token", as_form: false, lifetime: 1_800 };

/// Things remembered between calls at most, so that memory has an end; what is forgotten is asked for again.
const KNOWN_MAX: usize = 50_000;

/// An account of the vendor.
#[derive(Clone)]
pub struct LightspeedRConfig {
    /// Our id of it.
    pub connection: ConnectionId,
    /// Where its API is ([`BASE_URL`]).
    pub base_url: String,
    /// Where its tokens are given out ([`AUTH_URL`]); in a simulation the same as `base_url`.
    pub auth_url: String,
    /// The vendor's number of the account; empty asks the vendor.
    pub account: String,
    /// What opens it, as it is kept ([`super::credential::Credential`]): a pair that is changed, or one plain token.
    pub credential: SecretString,
    /// Where a new pair is kept before its first use.
    pub keeper: Arc<dyn TokenKeeper>,
    /// The fields of an item that its SKU is looked for in, in this order ([`SKU_FIELDS`]).
    pub sku_fields: Vec<String>,
    /// How many calls a second the vendor takes, as a part of the bucket's size ([`BURST_OF`]).
    pub burst_of: (i64, i64),
    /// No budget of our own, for measuring everything else.
    pub unpaced: bool,
}

impl LightspeedRConfig {
    /// The vendor's own addresses and the usual rules.
    pub fn new(connection: ConnectionId, credential: SecretString, keeper: Arc<dyn TokenKeeper>) -> Self {
        Self {
            connection,
            base_url: BASE_URL.to_owned(),
            auth_url: AUTH_URL.to_owned(),
            account: String::new(),
            credential,
            keeper,
            sku_fields: SKU_FIELDS.map(str::to_owned).into(),
            burst_of: BURST_OF,
            unpaced: false,
        }
    }
}

/// One account of the vendor, ready to be asked.
pub struct LightspeedR {
    caller: Caller,
    door: Door,
    drips: Drips,
    /// The last second that an answer's clock said was over.
    ended: AtomicI64,
    sku_fields: Vec<String>,
    known: Mutex<Known>,
}

/// What earlier answers told and later ones need.
#[derive(Default)]
struct Known {
    /// The sale of a line.
    sale_of: HashMap<String, String>,
    /// What of a matrix is kept beside its items.
    matrices: HashMap<String, String>,
}

impl LightspeedR {
    /// Nothing is sent until something is asked.
    pub fn new(config: LightspeedRConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let hinges = Hinges {
            connection: config.connection.clone(),
            base_url: config.base_url.clone(),
            auth_url: config.auth_url,
            account: config.account,
            credential: config.credential,
            keeper: config.keeper,
            rules: TOKENS,
        };
        let door = Door::new(hinges, Arc::clone(&transport), Arc::clone(&clock));
        // The door has the keys: they change while calls are made.
        let keys = Keys::for_good(config.base_url, SecretString::default(), Vec::new());
        Self {
            caller: Caller { connection: config.connection, keys: Ring::new(keys), transport, clock },
            door,
            drips: Drips::new(config.unpaced, config.burst_of),
            ended: AtomicI64::new(0),
            sku_fields: config.sku_fields,
            known: Mutex::new(Known::default()),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.sale_of.len() > KNOWN_MAX {
            known.sale_of.clear();
        }
        if known.matrices.len() > KNOWN_MAX {
            known.matrices.clear();
        }
        known
    }

    /// Where a page lies: the stored place of the vendor, if it lies behind our own door, or the first page.
    fn page_at(&self, mark: &Mark, first: Question, page: fn(String) -> Question) -> Result<Question, CallError> {
        let Some(path) = &mark.path else { return Ok(first) };
        let base = self.door.base_url();
        match wire::onward(&base, &first.path, &format!("{base}{path}")) {
            Ok(path) => Ok(page(path)),
            Err(_) => Err(feed::not_ours()),
        }
    }
}

#[async_trait]
impl Till for LightspeedR {
    fn capabilities(&self) -> TillCapabilities {
        TillCapabilities {
            notices: false,
            ordered: true,
            links_returns: true,
            finds_sales: FindsSales::ByReference,
            refunds_by_line: true,
            // UNSURE: nowhere is it said that a sale can be voided through the API.
            voids_sales: false,
            fulfilments: false,
            reserves: true,
            lists_closures: true,
            archives_products: false,
            makes_families_at_once: false,
            keeps_product_reference: false,
            moves_counts: false,
        }
    }

    async fn outlets(&self) -> Result<Answer<Vec<VendorPlace>>, CallError> {
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let question = |purpose, resource: &str| {
            let path = format!("{root}{resource}.json?limit={}&archived=true", ask::ROWS);
            Question::read(purpose, path, costs::ONE)
        };
        let shops = question("read outlets", "Shop");
        let mut places = self.whole_list(shops, "Shop", &mut exchanges, places::shop).await?;
        let registers = question("read registers", "Register");
        let registers = self.whole_list(registers, "Register", &mut exchanges, places::register_at).await?;
        let mut at_shop: BTreeMap<String, u32> = BTreeMap::new();
        for shop in registers.into_iter().flatten() {
            *at_shop.entry(shop).or_default() += 1;
        }
        self.drips.registers(at_shop.values().sum());
        for place in &mut places {
            place.registers = at_shop.get(place.key.as_str()).copied().unwrap_or(0);
        }
        Ok(Answer { value: places, exchanges })
    }

    async fn masters(&self, kind: MasterKind) -> Result<Answer<Told>, CallError> {
        super::masters::of_lightspeed_r(self, kind).await
    }

    async fn products_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        self.products_page(cursor).await
    }

    async fn sales_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        self.sales_page(cursor).await
    }

    fn sales_cursor_from(&self, version: i64) -> String {
        // The whole second of that place is before it.
        Timestamp(version).secs().saturating_add(1).to_string()
    }

    async fn sale(&self, id: &str) -> Result<Answer<Option<Record>>, CallError> {
        self.one_sale(id).await
    }

    async fn stock_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        let mut exchanges = Vec::new();
        let mark = Mark::read(cursor)?;
        let root = self.root(&mut exchanges).await?;
        let question = self.page_at(&mark, ask::stock(&root, mark.from), ask::stock_page)?;
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let page = wire::list(&text, "ItemShop").and_then(|list| {
            let stretch = feed::stretch("counts", &list.rows, mark.last.or(mark.from), ended)?;
            let counts = stretch.rows.iter().map(|raw| raw.get()).filter(|raw| !stock::is_sum(raw));
            let rows = counts.map(|raw| wire::record("inventory", raw.to_owned())).collect();
            let next = list.next.filter(|_| !stretch.more_to_come);
            let next = next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()?;
            Ok(match next {
                Some(path) => Page { rows, next: Some(mark.within(stretch.last, path)), resume: None, began: None },
                None => Page { rows, next: None, resume: mark.resume_behind(stretch.last), began: None },
            })
        });
        answer(page, exchanges)
    }

    async fn newest_count(&self) -> Result<Answer<Option<i64>>, CallError> {
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let said = self.ask(&ask::newest_count(&root), Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        // Whatever a count's own second is: all that happened up to the last second that is over is in it.
        let newest = wire::list(&text, "ItemShop").map(|list| (!list.rows.is_empty()).then(|| wire::order(ended)));
        answer(newest, exchanges)
    }

    fn products_named(&self, raw: &str) -> Option<BTreeSet<String>> {
        sales::products_named(raw)
    }

    fn read_notice(&self, _headers: &HeaderMap, _body: &Bytes, _at: Timestamp) -> Result<Vec<Delivery>, NoticeError> {
        Err(NoticeError::NotFromThem("Lightspeed R-Series sends no notices".to_owned()))
    }

    fn interpret(&self, kind: &str, raw: &str) -> Result<Fact, Unreadable> {
        wire::interpret(kind, raw)
    }

    fn change_keys(&self, keys: Keys) {
        self.door.change(&keys);
        self.ended.store(0, Ordering::SeqCst);
    }

    fn allowance(&self, at: Timestamp) -> Allowance {
        self.drips.allowance(at)
    }
}

#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tokens_tests;
