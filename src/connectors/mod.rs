//! All talk with other systems.
//!
//! A connector turns our questions into a vendor's requests and the vendor's answers into facts. It declares
//! what the vendor can and cannot do ([`ShopCapabilities`], [`TillCapabilities`]); it keeps the vendor's rate
//! rules before the vendor has to refuse ([`pacing`]); it knows nothing of our tables.

pub mod abilities;
mod address_guard;
#[cfg(test)]
mod attacks;
mod call;
pub mod centra;
pub mod credential;
mod door;
pub mod error;
pub mod evidence;
pub mod http_transport;
mod json;
pub mod keys;
pub mod lightspeed_r;
pub mod lightspeed_x;
pub mod magento;
mod masters;
pub mod notice;
pub mod pacing;
pub mod retry_after;
#[cfg(test)]
mod script;
mod signature;
mod tokens;
pub mod transport;

use crate::domain::equation::ShopSubtracts;
use crate::domain::fact::{Fact, Listing, ShopReading};
use crate::domain::ids::{OutletKey, ProductKey};
use crate::domain::master::{MasterKind, Told};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use error::CallError;
use evidence::Exchange;
use notice::{Delivery, NoticeError};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// An answer together with the exchanges that brought it, for the evidence behind every number.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What we understood.
    pub value: T,
    /// What went over the wire, in order.
    pub exchanges: Vec<Exchange>,
}

/// Part of a list, in the vendor's order.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where to go on at once; opaque to the engine, stored as text. `None` when this was the end.
    pub next: Option<String>,
    /// Where a *later* sweep goes on, set once the end was reached (`next` is `None`) on feeds of changes. `None`
    /// on lists that are always read whole. Repeats after it are expected.
    pub resume: Option<String>,
    /// When the first page of this pass was asked for, on lists that are paged by number: what changed since may stand
    /// on a page that was read before. `None` where a later page holds what changed meanwhile.
    pub began: Option<Timestamp>,
}

/// One record as read by a sweep: the raw body for the inbox, and its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The same word a notice of this kind would carry ("sale", "product", "order").
    pub kind: &'static str,
    /// The vendor's id.
    pub external_id: String,
    /// The vendor's order of changes (X-Series version; Centra: `updatedAt` in microseconds).
    pub version: i64,
    /// The record as JSON text, as the vendor sent it.
    pub raw: String,
    /// What we understood (a product may hold many listings), or why we did not.
    pub facts: Result<Vec<Fact>, Unreadable>,
}

/// A record that could not be turned into a fact; parked with this reason, blocks nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// One sentence for people: what is wrong with which field.
    pub reason: String,
}

impl Unreadable {
    /// With a sentence for people.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// A name for a record that has none of its own: its bytes tell it apart.
pub(crate) fn fingerprint(raw: &str) -> String {
    format!("body-{}", hex::encode(Sha256::digest(raw.as_bytes())))
}

/// What a shop said of some products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShopStock {
    /// Counts by product and warehouse. A product that the answer names without one at a warehouse has nothing there.
    /// UNSURE: that is our own assumption. Centra nowhere says what a missing row means; it could also mean that the
    /// product was never stocked there, which comes to the same count, or that the account may not see the warehouse.
    pub readings: Vec<ShopReading>,
    /// The products that the answer names. Of one that was asked for and is not among them nothing is known.
    pub named: Vec<ProductKey>,
}

/// A stock place on the vendor's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorPlace {
    /// The vendor's id.
    pub key: OutletKey,
    /// Its name.
    pub name: String,
    /// IANA zone, if the vendor keeps one.
    pub zone: Option<String>,
    /// ISO currency, if the vendor keeps one here.
    pub currency: Option<String>,
    /// Hidden, deleted or inactive over there.
    pub archived: bool,
    /// Registers at this place (tills only).
    pub registers: u32,
}

/// What a till can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TillCapabilities {
    /// Signed notices are sent to us.
    pub notices: bool,
    /// Its records carry one order over sales and stock (X-Series version), so that "after a reading" is exact.
    pub ordered: bool,
    /// A return names the sale it returns.
    pub links_returns: bool,
    /// How a sale that we make is found again before it is made a second time.
    pub finds_sales: FindsSales,
    /// A refund names the lines that come back; otherwise it is made whole and its units are edited before it is closed.
    pub refunds_by_line: bool,
    /// A sale that we made can be taken back through its API.
    pub voids_sales: bool,
    /// A sale can wait to be picked up or sent, and says how far that has come.
    pub fulfilments: bool,
    /// Units can be kept for a customer without a sale.
    pub reserves: bool,
    /// Past register closures can be read; otherwise a missed notice is lost, and only the payments of the sales tell.
    pub lists_closures: bool,
    /// Products can be hidden and shown again without touching their stock.
    pub archives_products: bool,
    /// A product and all its variants are made in one call; otherwise one after another.
    pub makes_families_at_once: bool,
    /// Products keep a reference of ours.
    pub keeps_product_reference: bool,
    /// A count can be moved by so many units; otherwise it is set, which loses what the till sells meanwhile.
    pub moves_counts: bool,
}

/// How a sale that we made is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindsSales {
    /// The vendor looks for our reference.
    ByReference,
    /// It takes an id of our making, which is derived from the reference.
    ByOwnId,
}

/// What a shop can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopCapabilities {
    /// Notices are sent to us.
    pub notices: bool,
    /// Rows that one write call may carry.
    pub rows_per_write: usize,
    /// What it takes off by itself from the number we write.
    pub subtracts: ShopSubtracts,
    /// A written row keeps our own reference. Without one, whether a call was done whose answer was lost is told only by
    /// reading the counts back.
    pub keeps_reference: bool,
    /// How its notices are set up.
    pub notices_set_up: abilities::NoticesSetUp,
    /// It has a queue of events that we may pull and confirm, besides its notices or instead of them.
    pub event_queue: bool,
    /// What can be done to its products.
    pub catalogue: abilities::CatalogueAbilities,
    /// What can be done to its orders.
    pub orders: abilities::OrderAbilities,
    /// What can be done about goods that come back.
    pub returns: abilities::ReturnAbilities,
}

/// A count to be written: absolute, physical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockWrite {
    /// What.
    pub product: ProductKey,
    /// Where.
    pub warehouse: OutletKey,
    /// Units on the shelf that the shop shall hold in its books.
    pub physical: i64,
}

/// What became of one written row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The shop said yes.
    Accepted,
    /// The shop said no, with its reason; nothing changed.
    Refused(String),
}

/// A till.
#[async_trait]
pub trait Till: Send + Sync {
    /// What this vendor can do.
    fn capabilities(&self) -> TillCapabilities;
    /// Outlets with their registers.
    async fn outlets(&self) -> Result<Answer<Vec<VendorPlace>>, CallError>;
    /// One list of what it is set up with: what of it we cannot read is a value ([`Told`]).
    async fn masters(&self, kind: MasterKind) -> Result<Answer<Told>, CallError>;
    /// Catalogue changes after a cursor, oldest first; `None` starts from the beginning.
    async fn products_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError>;
    /// Sales changed after a cursor, oldest change first.
    async fn sales_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError>;
    /// The sales cursor from which everything ordered after `version` is read: where a new connection begins.
    fn sales_cursor_from(&self, version: i64) -> String {
        version.to_string()
    }
    /// One sale by its id; `None` when the vendor does not know it.
    async fn sale(&self, id: &str) -> Result<Answer<Option<Record>>, CallError>;
    /// Counts changed after a cursor, oldest change first. Rows are `Fact::TillReading`.
    async fn stock_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError>;
    /// The highest place in the vendor's order that any count has now: what happens from here on comes after it. `None`
    /// when there is no count.
    async fn newest_count(&self) -> Result<Answer<Option<i64>>, CallError>;
    /// The products that a raw sale names although it cannot be used; `None` when not even they can be told.
    fn products_named(&self, raw: &str) -> Option<BTreeSet<String>>;
    /// Checks who sent a notice (signature over the raw bytes) and reads what it says. Pure and quick.
    fn read_notice(&self, headers: &http::HeaderMap, body: &Bytes, at: Timestamp)
    -> Result<Vec<Delivery>, NoticeError>;
    /// Turns a stored raw record of `kind` into a fact again (retry of what was parked, rebuild).
    fn interpret(&self, kind: &str, raw: &str) -> Result<Fact, Unreadable>;
    /// Works with other keys from now on; what is left of the allowance stays.
    fn change_keys(&self, keys: keys::Keys);
    /// What is left of the vendor's allowance, as we count it.
    fn allowance(&self, at: Timestamp) -> pacing::Allowance;
}

/// A web shop.
#[async_trait]
pub trait Shop: Send + Sync {
    /// What this vendor can do (may change once we know the tenant's version).
    fn capabilities(&self) -> ShopCapabilities;
    /// Warehouses.
    async fn warehouses(&self) -> Result<Answer<Vec<VendorPlace>>, CallError>;
    /// As [`Till::masters`].
    async fn masters(&self, kind: MasterKind) -> Result<Answer<Told>, CallError>;
    /// Catalogue changes after a cursor, one row per *product* with all its sizes. The row's fact is
    /// `Fact::Noted { kind: "product" }` when it can be read; [`Shop::interpret`] gives its listings, one
    /// `Fact::Listing` per sellable size.
    async fn products_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError>;
    /// Orders changed after a cursor (with overlap; repeats are expected). Rows are `Fact::Order`.
    async fn orders_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError>;
    /// One order by number; `None` when the shop does not know it.
    async fn order(&self, number: &str) -> Result<Answer<Option<Record>>, CallError>;
    /// The shop's stock of everything at a warehouse, page by page.
    async fn stock(&self, warehouse: &OutletKey, cursor: Option<&str>) -> Result<Answer<Page<ShopReading>>, CallError>;
    /// The shop's stock of these products, at every warehouse (at most 100 products a call).
    async fn stock_of(&self, products: &[ProductKey]) -> Result<Answer<ShopStock>, CallError>;
    /// Writes absolute physical counts at one warehouse, at most `rows_per_write` rows, with our own reference
    /// in the vendor's description field if it has one ([`ShopCapabilities::keeps_reference`]). One outcome per row, in order. An error means: none is known to be done;
    /// ask [`CallError::may_have_acted`].
    async fn write_stock(&self, rows: &[StockWrite], reference: &str) -> Result<Answer<Vec<WriteOutcome>>, CallError>;
    /// As [`Till::read_notice`].
    fn read_notice(&self, headers: &http::HeaderMap, body: &Bytes, at: Timestamp)
    -> Result<Vec<Delivery>, NoticeError>;
    /// As [`Till::interpret`]. A stored Centra product record holds one product with all its sizes.
    fn interpret(&self, kind: &str, raw: &str) -> Result<Vec<Fact>, Unreadable>;
    /// As [`Till::change_keys`].
    fn change_keys(&self, keys: keys::Keys);
    /// As [`Till::allowance`].
    fn allowance(&self, at: Timestamp) -> pacing::Allowance;
}

/// Facts of a listing kind, for callers that only want the catalogue.
pub fn listing(fact: &Fact) -> Option<&Listing> {
    match fact {
        Fact::Listing(listing) => Some(listing),
        _ => None,
    }
}
