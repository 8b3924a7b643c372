//! Lightspeed X-Series, version 2026-07 of its API.
//!
//! Everything is read along one retailer-wide version counter: a record comes again with a higher version whenever
//! it changes, and a sweep goes on after the highest version it has seen until a page comes back empty. What is made in
//! the till ([`selling`], [`returning`], [`catalogue`]) is looked for before, so that no lost answer makes it twice.

mod calls;
pub mod catalogue;
pub mod detail;
pub mod fulfilment;
pub mod hooks;
pub mod making;
pub mod masters;
mod notice;
mod products;
pub mod returning;
mod sales;
pub mod selling;
pub mod sign_in;
mod stock;
mod wire;

use super::call::{Ask, Caller};
use super::credential::{NotKept, OAuth2, TokenKeeper};
use super::door::{Door, Hinges, Rules};
use super::error::{CallError, CallErrorKind};
use super::keys::{Keys, Ring};
use super::notice::{Delivery, NoticeError};
use super::pacing::Allowance;
use super::pacing::window::Window;
use super::transport::Transport;
use super::{Answer, FindsSales, Page, Record, Till, TillCapabilities, Unreadable, VendorPlace};
use crate::clock::Clock;
use crate::domain::fact::Fact;
use crate::domain::ids::{ConnectionId, OutletKey};
use crate::domain::master::{MasterKind, Told};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use calls::{Short, answer, found, is_id, with_earlier};
use http::{HeaderMap, Method};
use secrecy::SecretString;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The version of the vendor's API we speak. A version that has ended is served silently by another one, so this
/// is raised by hand, with its contract read again.
pub const API_VERSION: &str = "2026-07";

/// Rows asked for in one page of sales and products. The vendor's maximum for this version is not published; 200
/// is what every version has served, and the end is told by an empty page, so a smaller page only costs calls.
const PAGE_ROWS: u32 = 200;

/// Rows asked for in one page of counts; the vendor documents this default and a higher maximum.
const STOCK_ROWS: u32 = 1_000;

const OUTLETS: Short = Short { purpose: "read outlets", resource: "outlets", with_deleted: true, rows: PAGE_ROWS };

const REGISTERS: Short =
    Short { purpose: "read registers", resource: "registers", with_deleted: true, rows: PAGE_ROWS };

/// How tokens are changed: at an address without our version, with a form. They live a day.
pub(super) const TOKENS: Rules = Rules { path: "/api/1.0/token", as_form: true, lifetime: 86_400 };

/// An account of the vendor.
#[derive(Debug, Clone)]
pub struct LightspeedXConfig {
    /// Our id of it.
    pub connection: ConnectionId,
    /// `https://{domain prefix}.retail.lightspeed.app`.
    pub base_url: String,
    /// What opens it, as it is kept ([`super::credential::Credential`]): a personal token, or a pair that is changed.
    pub token: SecretString,
    /// Secrets that sign its notices: the newest, and older ones while they are being changed.
    pub webhook_secrets: Vec<SecretString>,
    /// Notices of this connection carry no signature (added by hand or under a personal token). They then only
    /// wake sweeps.
    pub unsigned_ok: bool,
    /// No budget of our own, for measuring everything else.
    pub unpaced: bool,
}

/// One account of the vendor, ready to be asked.
pub struct LightspeedX {
    caller: Caller,
    door: Door,
    unsigned_ok: AtomicBool,
    window: Window,
}

/// Keeps nothing: a pair cannot be changed then, because a new one could be lost.
struct Nobody;

#[async_trait]
impl TokenKeeper for Nobody {
    async fn keep(&self, _connection: &ConnectionId, _before: &OAuth2, _pair: &OAuth2) -> Result<(), NotKept> {
        Err(NotKept("this connection has nobody who keeps them".to_owned()))
    }
}

impl LightspeedX {
    /// Nothing is sent until something is asked.
    pub fn new(config: LightspeedXConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let hinges = Hinges {
            connection: config.connection.clone(),
            base_url: config.base_url.clone(),
            // Tokens are given out where everything else is.
            auth_url: config.base_url.clone(),
            account: String::new(),
            credential: config.token,
            keeper: Arc::new(Nobody),
            rules: TOKENS,
        };
        let keys = Keys::for_good(config.base_url, SecretString::default(), config.webhook_secrets);
        Self {
            door: Door::new(hinges, Arc::clone(&transport), Arc::clone(&clock)),
            caller: Caller { connection: config.connection, keys: Ring::new(keys), transport, clock },
            unsigned_ok: AtomicBool::new(config.unsigned_ok),
            window: Window::new(config.unpaced),
        }
    }

    /// The same with somebody who keeps new pairs of tokens before their first use. A personal token needs nobody.
    #[must_use]
    pub fn kept_by(mut self, keeper: Arc<dyn TokenKeeper>) -> Self {
        self.door = self.door.kept_by(keeper);
        self
    }

    /// One page of a change feed.
    async fn feed(
        &self,
        kind: &'static str,
        purpose: &'static str,
        resource: &str,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<Record>>, CallError> {
        let after = after(cursor)?;
        // A sale is never deleted, only voided: its list takes no such word.
        let deleted = if kind == "sale" { "" } else { "&deleted=true" };
        let path = format!("/api/{API_VERSION}/{resource}?after={after}&page_size={PAGE_ROWS}{deleted}");
        let (text, exchanges) = found(self.get(purpose, &path).await?)?;
        let page = wire::envelope(&text).and_then(|envelope| wire::page(kind, after, &envelope.rows, envelope.max));
        answer(page, exchanges)
    }
}

#[async_trait]
impl Till for LightspeedX {
    fn capabilities(&self) -> TillCapabilities {
        TillCapabilities {
            notices: true,
            ordered: true,
            links_returns: true,
            finds_sales: FindsSales::ByOwnId,
            refunds_by_line: false,
            voids_sales: true,
            fulfilments: true,
            reserves: false,
            lists_closures: false,
            archives_products: true,
            makes_families_at_once: true,
            keeps_product_reference: true,
            moves_counts: true,
        }
    }

    async fn outlets(&self) -> Result<Answer<Vec<VendorPlace>>, CallError> {
        let mut exchanges = Vec::new();
        let outlets = self.whole_list(OUTLETS, &mut exchanges, wire::place_row).await;
        let outlets = outlets.map_err(|error| with_earlier(error, &exchanges))?;
        let registers = self.whole_list(REGISTERS, &mut exchanges, wire::place_row).await;
        let registers = registers.map_err(|error| with_earlier(error, &exchanges))?;
        let mut at_outlet: HashMap<String, u32> = HashMap::new();
        for outlet in registers.into_iter().filter(|row| !row.archived).filter_map(|row| row.outlet) {
            *at_outlet.entry(outlet).or_default() += 1;
        }
        self.window.registers(at_outlet.values().sum());
        let places = outlets.into_iter().map(|row| VendorPlace {
            registers: at_outlet.get(&row.id).copied().unwrap_or(0),
            key: OutletKey::new(row.id),
            name: row.name,
            zone: row.zone,
            currency: row.currency,
            archived: row.archived,
        });
        // The same outlet read twice (it changed meanwhile) counts with its last reading.
        let mut newest: Vec<VendorPlace> = Vec::new();
        for place in places {
            newest.retain(|known| known.key != place.key);
            newest.push(place);
        }
        Ok(Answer { value: newest, exchanges })
    }

    async fn masters(&self, kind: MasterKind) -> Result<Answer<Told>, CallError> {
        super::masters::of_lightspeed_x(self, kind).await
    }

    async fn products_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        self.feed("product", "read products", "products", cursor).await
    }

    async fn sales_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        self.feed("sale", "read sales", "sales", cursor).await
    }

    async fn sale(&self, id: &str) -> Result<Answer<Option<Record>>, CallError> {
        if !is_id(id) {
            return Ok(Answer { value: None, exchanges: Vec::new() });
        }
        let (text, exchanges) = self.get("read one sale", &format!("/api/{API_VERSION}/sales/{id}")).await?;
        let Some(text) = text else { return Ok(Answer { value: None, exchanges }) };
        answer(wire::single(&text).map(|raw| Some(wire::record("sale", raw))), exchanges)
    }

    async fn stock_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        let after = after(cursor)?;
        // The list runs backwards unless told otherwise, and reading on "after" would then lose rows.
        let body = serde_json::json!({
            "after": after, "size": STOCK_ROWS, "sort_direction": "asc", "include_deleted": true,
        });
        let body = body.to_string();
        let path = format!("/api/{API_VERSION}/inventory");
        let ask = Ask { purpose: "read stock", method: Method::POST, path: &path, body: Some(body), mutates: false };
        let (text, exchanges) = found(self.call(ask).await?)?;
        let rows = super::json::elements("the list of counts", &text);
        answer(rows.and_then(|rows| wire::page("inventory", after, &rows, None)), exchanges)
    }

    async fn newest_count(&self) -> Result<Answer<Option<i64>>, CallError> {
        let body = serde_json::json!({ "size": 1, "sort_direction": "desc", "include_deleted": true }).to_string();
        let path = format!("/api/{API_VERSION}/inventory");
        let ask = Ask {
            purpose: "read the newest count",
            method: Method::POST,
            path: &path,
            body: Some(body),
            mutates: false,
        };
        let (text, exchanges) = found(self.call(ask).await?)?;
        answer(super::json::elements("the list of counts", &text).map(|rows| wire::highest(&rows)), exchanges)
    }

    fn products_named(&self, raw: &str) -> Option<BTreeSet<String>> {
        sales::products_named(raw)
    }

    fn read_notice(&self, headers: &HeaderMap, body: &Bytes, at: Timestamp) -> Result<Vec<Delivery>, NoticeError> {
        let unsigned_ok = self.unsigned_ok.load(Ordering::SeqCst);
        let mut secrets = self.caller.keys.secrets(at);
        // An application's notices are signed with its own secret, which stands beside its pair.
        secrets.extend(self.door.application());
        notice::read(&secrets, unsigned_ok, headers, body)
    }

    fn interpret(&self, kind: &str, raw: &str) -> Result<Fact, Unreadable> {
        wire::interpret(kind, raw)
    }

    fn change_keys(&self, keys: Keys) {
        // With a secret, what is not signed is not theirs any more.
        self.door.change(&keys);
        self.unsigned_ok.store(keys.secrets.is_empty() && self.door.application().is_none(), Ordering::SeqCst);
        self.caller.keys.change(keys);
    }

    fn allowance(&self, at: Timestamp) -> Allowance {
        self.window.allowance(at)
    }
}

fn after(cursor: Option<&str>) -> Result<i64, CallError> {
    match cursor.map(str::parse::<i64>) {
        None => Ok(0),
        Some(Ok(version)) if version >= 0 => Ok(version),
        Some(_) => Err(CallError {
            kind: CallErrorKind::Rejected { reason: "the stored place in the list is not one of ours".to_owned() },
            exchanges: Vec::new(),
        }),
    }
}

#[cfg(test)]
mod notice_tests;
#[cfg(test)]
mod sale_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod work_tests;
