//! Lightspeed X-Series, version 2026-07 of its API.
//!
//! Everything is read along one retailer-wide version counter: a record comes again with a higher version whenever
//! it changes, and a sweep goes on after the highest version it has seen until a page comes back empty. This
//! connector only reads; it never writes into a till.

mod notice;
mod products;
mod sales;
mod stock;
mod wire;

use super::call::{Ask, Caller, protocol};
use super::error::{CallError, CallErrorKind};
use super::evidence::Exchange;
use super::keys::{Keys, Ring};
use super::notice::{Delivery, NoticeError};
use super::pacing::Allowance;
use super::pacing::window::Window;
use super::transport::Transport;
use super::{Answer, Page, Record, Till, TillCapabilities, Unreadable, VendorPlace};
use crate::clock::Clock;
use crate::domain::fact::Fact;
use crate::domain::ids::{ConnectionId, OutletKey};
use crate::domain::master::{Master, MasterKind, Told};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
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

/// Most pages read of outlets or registers; nobody has two thousand shops on one account.
const PLACE_PAGES_MAX: u32 = 10;

/// An account of the vendor.
#[derive(Debug, Clone)]
pub struct LightspeedXConfig {
    /// Our id of it.
    pub connection: ConnectionId,
    /// `https://{domain prefix}.retail.lightspeed.app`.
    pub base_url: String,
    /// The access token.
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
    unsigned_ok: AtomicBool,
    window: Window,
}

impl LightspeedX {
    /// Nothing is sent until something is asked.
    pub fn new(config: LightspeedXConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            caller: Caller {
                connection: config.connection,
                keys: Ring::new(Keys::for_good(config.base_url, config.token, config.webhook_secrets)),
                transport,
                clock,
            },
            unsigned_ok: AtomicBool::new(config.unsigned_ok),
            window: Window::new(config.unpaced),
        }
    }

    /// One call within our budget. `None` when the vendor answers that there is no such thing.
    async fn call(&self, ask: Ask<'_>) -> Result<(Option<String>, Exchange), CallError> {
        if let Err(until) = self.window.try_take(self.caller.clock.now(), 1) {
            return Err(CallError { kind: CallErrorKind::Paced { until }, exchanges: Vec::new() });
        }
        let came = self.caller.send(ask).await?;
        self.window.learn(
            came.at,
            number(&came.headers, "x-ratelimit-limit"),
            number(&came.headers, "x-ratelimit-remaining"),
        );
        if came.status == StatusCode::NOT_FOUND {
            return Ok((None, came.exchange));
        }
        match came.ok(wire::words) {
            Ok((text, exchange)) => Ok((Some(text), exchange)),
            Err(error) => {
                if let CallErrorKind::Throttled { until } = error.kind {
                    self.window.block(until);
                }
                Err(error)
            }
        }
    }

    async fn get(&self, purpose: &'static str, path: &str) -> Result<(Option<String>, Exchange), CallError> {
        self.call(Ask { purpose, method: Method::GET, path, body: None, mutates: false }).await
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
        let (text, exchange) = found(self.get(purpose, &path).await?)?;
        let page = wire::envelope(&text).and_then(|envelope| wire::page(kind, after, &envelope.rows, envelope.max));
        answer(page, exchange)
    }

    /// Its registers, deleted ones too.
    pub(super) async fn register_rows(&self) -> Result<Answer<Vec<Master>>, CallError> {
        let mut exchanges = Vec::new();
        let rows = self.whole_list("read registers", "registers", &mut exchanges).await;
        let rows = rows.map_err(|error| with_earlier(error, &exchanges))?;
        let row = |row: wire::PlaceRow| {
            Master::new(row.id, row.name).within(row.outlet.unwrap_or_default()).archived(row.archived)
        };
        Ok(Answer { value: rows.into_iter().map(row).collect(), exchanges })
    }

    /// All rows of a short list (outlets, registers).
    async fn whole_list(
        &self,
        purpose: &'static str,
        resource: &str,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Vec<wire::PlaceRow>, CallError> {
        let (mut rows, mut after) = (Vec::new(), 0);
        for _ in 0..PLACE_PAGES_MAX {
            let path = format!("/api/{API_VERSION}/{resource}?after={after}&page_size={PAGE_ROWS}&deleted=true");
            let (text, exchange) = found(self.get(purpose, &path).await?)?;
            let read = wire::envelope(&text).and_then(|envelope| {
                let page = envelope
                    .rows
                    .iter()
                    .map(|raw| wire::place_row(resource, raw.get()))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((page, envelope.max))
            });
            let (page, max) = match read {
                Ok(read) => read,
                Err(unreadable) => return Err(protocol(unreadable.reason, exchange)),
            };
            exchanges.push(exchange);
            let next = page.iter().filter_map(|row| row.version).max().or(max).filter(|next| *next > after);
            let ended = page.is_empty();
            rows.extend(page);
            match next {
                Some(next) if !ended => after = next,
                _ => return Ok(rows),
            }
        }
        // Leaving some out in silence would hide a shop.
        Err(CallError {
            kind: CallErrorKind::Protocol { reason: format!("the list of {resource} does not end") },
            exchanges: Vec::new(),
        })
    }
}

#[async_trait]
impl Till for LightspeedX {
    fn capabilities(&self) -> TillCapabilities {
        TillCapabilities { notices: true, ordered: true, links_returns: true }
    }

    async fn outlets(&self) -> Result<Answer<Vec<VendorPlace>>, CallError> {
        let mut exchanges = Vec::new();
        let outlets = self.whole_list("read outlets", "outlets", &mut exchanges).await;
        let outlets = outlets.map_err(|error| with_earlier(error, &exchanges))?;
        let registers = self.whole_list("read registers", "registers", &mut exchanges).await;
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
        // Ids become part of a path: only what an id can consist of is sent.
        if id.is_empty() || id.len() > 100 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Ok(Answer { value: None, exchanges: Vec::new() });
        }
        let (text, exchange) = self.get("read one sale", &format!("/api/{API_VERSION}/sales/{id}")).await?;
        let Some(text) = text else { return Ok(Answer { value: None, exchanges: vec![exchange] }) };
        answer(wire::single(&text).map(|raw| Some(wire::record("sale", raw))), exchange)
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
        let (text, exchange) = found(self.call(ask).await?)?;
        let rows = super::json::elements("the list of counts", &text);
        answer(rows.and_then(|rows| wire::page("inventory", after, &rows, None)), exchange)
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
        let (text, exchange) = found(self.call(ask).await?)?;
        answer(super::json::elements("the list of counts", &text).map(|rows| wire::highest(&rows)), exchange)
    }

    fn products_named(&self, raw: &str) -> Option<BTreeSet<String>> {
        sales::products_named(raw)
    }

    fn read_notice(&self, headers: &HeaderMap, body: &Bytes, at: Timestamp) -> Result<Vec<Delivery>, NoticeError> {
        let unsigned_ok = self.unsigned_ok.load(Ordering::SeqCst);
        notice::read(&self.caller.keys.secrets(at), unsigned_ok, headers, body)
    }

    fn interpret(&self, kind: &str, raw: &str) -> Result<Fact, Unreadable> {
        wire::interpret(kind, raw)
    }

    fn change_keys(&self, keys: Keys) {
        // With a secret, what is not signed is not theirs any more.
        self.unsigned_ok.store(keys.secrets.is_empty(), Ordering::SeqCst);
        self.caller.keys.change(keys);
    }

    fn allowance(&self, at: Timestamp) -> Allowance {
        self.window.allowance(at)
    }
}

fn answer<T>(read: Result<T, Unreadable>, exchange: Exchange) -> Result<Answer<T>, CallError> {
    match read {
        Ok(value) => Ok(Answer { value, exchanges: vec![exchange] }),
        Err(unreadable) => Err(protocol(unreadable.reason, exchange)),
    }
}

fn found((text, exchange): (Option<String>, Exchange)) -> Result<(String, Exchange), CallError> {
    match text {
        Some(text) => Ok((text, exchange)),
        None => Err(CallError {
            kind: CallErrorKind::Rejected { reason: "there is no such list at this address (404)".to_owned() },
            exchanges: vec![exchange],
        }),
    }
}

fn with_earlier(mut error: CallError, earlier: &[Exchange]) -> CallError {
    error.exchanges.splice(0..0, earlier.iter().cloned());
    error
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

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod notice_tests;
#[cfg(test)]
mod tests;
