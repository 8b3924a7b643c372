//! Magento 2, Adobe Commerce and Mage-OS, through their REST interface with multi-source inventory.
//!
//! Reads products, orders, shipments, credit memos and stock; writes absolute physical counts. The shop reserves what it
//! sells and takes off what it ships by itself, so neither is ever sent. There are no notices: everything is swept.
//! How its stocks and sources become our warehouses is decided in [`places`].

mod actions;
mod criteria;
mod detail;
mod errand;
mod master;
mod oauth1;
mod orders;
mod pace;
mod percent;
mod places;
mod products;
mod salable;
mod stock;
mod sweep;
mod wire;

pub use actions::{KnownMemo, Memo, MemoLine, NewProduct, Pickup, Shipment, Units};
pub use detail::{DetailLine, OrderDetail};
pub use master::{Modules, StoreView, TaxClass};

use super::abilities::{
    CatalogueAbilities, CreditBy, NoticesSetUp, OrderAbilities, OrderReference, ReadyForCollection, RefundBy,
    ReturnAbilities,
};
use super::call::{Ask, Caller, Came};
use super::credential::Credential;
use super::error::{CallError, CallErrorKind};
use super::keys::{Keys, Ring};
use super::notice::{Delivery, NoticeError};
use super::pacing::Allowance;
use super::transport::Transport;
use super::{
    Answer, Page, Record, Shop, ShopCapabilities, ShopStock, StockWrite, Unreadable, VendorPlace, WriteOutcome,
};
use crate::clock::Clock;
use crate::domain::equation::ShopSubtracts;
use crate::domain::fact::{Fact, ShopReading};
use crate::domain::ids::{ConnectionId, OutletKey, ProductKey};
use crate::domain::master::{MasterKind, Told};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use errand::{Errand, rejected};
use http::{HeaderMap, HeaderValue};
use places::Places;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A shop, and what we must be told of it.
#[derive(Debug, Clone)]
pub struct MagentoConfig {
    /// Our id of it.
    pub connection: ConnectionId,
    /// `https://shop.example`, with the folder that the shop lies in, if any, and without `/rest`.
    pub base_url: String,
    /// The same as the shop's own server sees it, where a proxy changes scheme, host or port: every signature covers it.
    pub signing_base_url: Option<String>,
    /// The keys as they are kept ([`Credential::read`]).
    pub credential: SecretString,
    /// Code of the only website to be served; `None` serves all.
    pub website: Option<String>,
    /// Code of the attribute that holds the barcode. The vendor has none of its own.
    pub barcode_attribute: String,
    /// Codes of the attributes that tell a product's variants apart, in the order to be shown.
    pub option_attributes: Vec<String>,
    /// Whether catalogue prices include tax, which the shop's own setting decides and no address tells.
    pub prices_include_tax: bool,
    /// Calls a second that we allow ourselves.
    pub calls_per_second: u32,
    /// No budget of our own, for measuring everything else.
    pub unpaced: bool,
}

impl MagentoConfig {
    /// With everything as it is in most shops.
    pub fn new(connection: ConnectionId, base_url: String, credential: SecretString) -> Self {
        Self {
            connection,
            base_url,
            signing_base_url: None,
            credential,
            website: None,
            barcode_attribute: "ean".to_owned(),
            option_attributes: vec!["color".to_owned(), "size".to_owned()],
            prices_include_tax: true,
            calls_per_second: pace::CALLS_PER_SECOND,
            unpaced: false,
        }
    }
}

/// A shop, ready to be asked.
pub struct Magento {
    caller: Caller,
    signing_base_url: Option<String>,
    website: Option<String>,
    catalogue: products::Reading,
    pace: pace::Pace,
    /// Requests signed so far, so that no two of one moment are signed alike.
    signed: AtomicU64,
    /// Rows that the shop gives on one page, once it refused more.
    page_rows_max: AtomicUsize,
    /// Rows that the shop takes in one write, once it refused more.
    write_rows_max: AtomicUsize,
    places: RwLock<Option<Arc<Places>>>,
    /// What is known of SKUs, and since when: [`stock`] asks before it writes to one.
    skus: Mutex<HashMap<String, stock::Known>>,
    families: products::Families,
}

impl Magento {
    /// Nothing is sent until something is asked.
    pub fn new(config: MagentoConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            caller: Caller {
                connection: config.connection,
                keys: Ring::new(Keys::for_good(config.base_url, config.credential, Vec::new())),
                transport,
                clock,
            },
            signing_base_url: config.signing_base_url,
            website: config.website,
            catalogue: products::Reading {
                barcode: config.barcode_attribute,
                options: config.option_attributes,
                prices_include_tax: config.prices_include_tax,
            },
            pace: pace::Pace::new(config.calls_per_second, config.unpaced),
            signed: AtomicU64::new(0),
            page_rows_max: AtomicUsize::new(usize::MAX),
            write_rows_max: AtomicUsize::new(stock::ROWS_PER_WRITE),
            places: RwLock::new(None),
            skus: Mutex::new(HashMap::new()),
            families: products::Families::default(),
        }
    }

    fn errand(&self) -> Errand<'_> {
        Errand::new(self)
    }

    /// Sends once, with the key in the form that this connection has.
    async fn send(&self, ask: Ask<'_>) -> Result<Came, CallError> {
        let refused = |reason: &str| CallError { kind: rejected(reason), exchanges: Vec::new() };
        let (base_url, kept) = self.caller.keys.door();
        let base_url = base_url.trim_end_matches('/').trim_end_matches("/rest").to_owned();
        let bad_key = "the key of this connection contains characters no key can have";
        match Credential::read(kept.expose_secret()).map_err(refused)? {
            Credential::Bearer(token) => {
                let shown = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
                self.caller.send_as(ask, &base_url, shown.map_err(|_| refused(bad_key))?, &[&token]).await
            }
            Credential::OAuth1(four) => {
                let at = self.caller.clock.now();
                let nonce = self.nonce(at);
                let request = oauth1::Request {
                    method: ask.method.as_str(),
                    base: self.signing_base_url.as_deref().unwrap_or(&base_url),
                    path: ask.path,
                    nonce: &nonce,
                    at,
                };
                let header = oauth1::authorization(&four, &request).map_err(refused)?;
                let shown = HeaderValue::from_str(&header).map_err(|_| refused(bad_key))?;
                let token = SecretString::from(four.token.clone());
                let hidden = [&four.consumer_secret, &four.token_secret, &token];
                self.caller.send_as(ask, &base_url, shown, &hidden).await
            }
            Credential::OAuth2(_) => Err(refused("this shop takes the four values of an integration, or its token")),
        }
    }

    /// A word used once: the connection, the moment and how many came before, put through a hash.
    fn nonce(&self, at: Timestamp) -> String {
        let count = self.signed.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{}\n{}\n{count}", self.caller.connection, at.micros());
        hex::encode(Sha256::digest(unique.as_bytes()).get(..16).unwrap_or_default())
    }

    fn page_rows(&self) -> usize {
        self.page_rows_max.load(Ordering::Relaxed).max(1)
    }

    /// The places as they were last read; read now if they never were.
    async fn known_places(&self, errand: &mut Errand<'_>) -> Result<Arc<Places>, CallError> {
        let known = self.places.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(known) => Ok(known),
            None => self.read_places(errand).await,
        }
    }

    async fn read_places(&self, errand: &mut Errand<'_>) -> Result<Arc<Places>, CallError> {
        let places = Arc::new(places::read(errand, self.website.as_deref()).await?);
        *self.places.write().unwrap_or_else(PoisonError::into_inner) = Some(places.clone());
        Ok(places)
    }
}

#[async_trait]
impl Shop for Magento {
    fn capabilities(&self) -> ShopCapabilities {
        ShopCapabilities {
            notices: false,
            rows_per_write: self.write_rows_max.load(Ordering::Relaxed),
            subtracts: ShopSubtracts::OwnOpenOrdersOfAll,
            keeps_reference: false,
            notices_set_up: NoticesSetUp::Never,
            event_queue: false,
            catalogue: CatalogueAbilities {
                levels: &["configurable product", "simple product"],
                writes: true,
                puts_away: true,
                writes_sku: true,
                unique_skus: true,
                // Its SKU is the key that it is found again by.
                keeps_reference: false,
                before_sale: None,
            },
            orders: OrderAbilities {
                reference: OrderReference::Comment,
                confirms: false,
                // The shop could; there is no call for it here.
                holds: false,
                cancels_lines: false,
                adds_lines: false,
                shipment_in_two_steps: false,
                captures: true,
                money_moves_later: false,
                marks_pickup: true,
                ready: ReadyForCollection::TellsAndShips,
            },
            returns: ReturnAbilities {
                in_two_steps: false,
                of_a_shipment: false,
                // Goods go back to the source that they left from.
                other_warehouse: false,
                without_goods_back: true,
                free_amount: true,
                money_alone: true,
                refund_by: RefundBy::BooksOnly,
                keeps_reference: false,
                sweeps_changes: true,
                credit: CreditBy::None,
            },
        }
    }

    async fn warehouses(&self) -> Result<Answer<Vec<VendorPlace>>, CallError> {
        let mut errand = self.errand();
        let places = self.read_places(&mut errand).await?;
        Ok(errand.done(places.warehouses()))
    }

    async fn masters(&self, kind: MasterKind) -> Result<Answer<Told>, CallError> {
        super::masters::of_magento(self, kind).await
    }

    async fn products_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        products::after(self, cursor).await
    }

    async fn orders_after(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        orders::after(self, cursor).await
    }

    async fn order(&self, number: &str) -> Result<Answer<Option<Record>>, CallError> {
        orders::by_number(self, number).await
    }

    async fn stock(&self, warehouse: &OutletKey, cursor: Option<&str>) -> Result<Answer<Page<ShopReading>>, CallError> {
        stock::page(self, warehouse, cursor).await
    }

    async fn stock_of(&self, products: &[ProductKey]) -> Result<Answer<ShopStock>, CallError> {
        stock::of_products(self, products).await
    }

    async fn write_stock(&self, rows: &[StockWrite], _reference: &str) -> Result<Answer<Vec<WriteOutcome>>, CallError> {
        stock::write(self, rows).await
    }

    fn read_notice(&self, _headers: &HeaderMap, _body: &Bytes, _at: Timestamp) -> Result<Vec<Delivery>, NoticeError> {
        Err(NoticeError::NotFromThem("this shop sends no notices; whoever sent this is somebody else".to_owned()))
    }

    fn interpret(&self, kind: &str, raw: &str) -> Result<Vec<Fact>, Unreadable> {
        match kind {
            "order" => orders::read_raw(raw).map(|order| vec![Fact::Order(order)]),
            "product" => {
                products::read_raw(raw, &self.catalogue).map(|listing| listing.map(Fact::Listing).into_iter().collect())
            }
            other => Ok(vec![Fact::Noted { kind: other.to_owned() }]),
        }
    }

    fn change_keys(&self, keys: Keys) {
        self.caller.keys.change(keys);
    }

    fn allowance(&self, at: Timestamp) -> Allowance {
        self.pace.allowance(at)
    }
}

const NOT_OURS: &str = "the stored place in the list is not one of ours";

/// That a stored cursor cannot be read.
fn not_ours() -> CallError {
    CallError { kind: CallErrorKind::Rejected { reason: NOT_OURS.to_owned() }, exchanges: Vec::new() }
}

#[cfg(test)]
mod actions_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod orders_tests;
#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod stock_tests;
#[cfg(test)]
mod tests;
