//! An engine without a world: two connections, a catalogue, and a webhook door to push things through.

use crate::shop::{Kind, fresh};
use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use truecount::clock::{Clock, ManualClock};
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::fact::Listing;
use truecount::domain::ids::ConnectionId;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::{Engine, EngineError, Parts};
use truecount::mint::Mint;
use truecount::store::connections::{self, ConnectionRow, OutletRow};
use truecount::store::seal::SealKey;
use truecount::store::{Store, ledger, listings};
use truecount::sync::{Received, house};

/// The till's connection.
pub const TILL: &str = "till";
/// The shop's connection.
pub const SHOP: &str = "shop";
/// When it is.
pub const NOW: Timestamp = Timestamp::from_secs(1_770_100_000);

/// Nobody answers: whatever is true here came through the door.
struct Silence;

#[async_trait]
impl Transport for Silence {
    async fn send(
        &self,
        _connection: &ConnectionId,
        _request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::NotSent("nobody is there".into()))
    }
}

/// A counted item with nothing special about it.
pub fn listing(product: &str, sku: &str, name: &str) -> Listing {
    Listing {
        product: product.into(),
        style: None,
        name: name.into(),
        options: Vec::new(),
        sku: sku.into(),
        barcode: None,
        archived: false,
        counted: true,
        bundle: false,
        price: None,
        version: None,
    }
}

async fn engine(store: &Store, clock: &Arc<ManualClock>, mint: &Arc<Mint>) -> Result<Engine, EngineError> {
    Engine::open(Parts {
        store: store.clone(),
        clock: clock.clone() as Arc<dyn Clock>,
        mint: Arc::clone(mint),
        transport: Arc::new(Silence),
        seal: SealKey::new([9; 32]),
        unpaced: false,
    })
    .await
}

/// An engine whose till signs with a secret that the test knows.
pub struct Desk {
    pub engine: Engine,
    pub store: Store,
    pub clock: Arc<ManualClock>,
    mint: Arc<Mint>,
    secret: String,
    _dir: TempDir,
}

impl Desk {
    /// Both connections, one place, these outlets feeding it, an empty catalogue.
    pub async fn open(kind: &Kind, secret: &str, outlets: &[&str]) -> Desk {
        let (store, dir) = fresh(kind).await;
        let (mint, seal) = (Arc::new(Mint::seeded(5)), SealKey::new([9; 32]));
        let mut tx = store.begin().await.unwrap();
        for (id, vendor, side) in [(TILL, "lightspeed-x", "till"), (SHOP, "centra", "shop")] {
            let sealed = |column: &str| seal.seal(&format!("connection.{column}:{id}"), secret, mint.bytes()).unwrap();
            let row = ConnectionRow {
                id: id.into(),
                vendor: vendor.into(),
                side: side.into(),
                name: id.into(),
                base_url: format!("https://{id}.invalid"),
                token_sealed: sealed("token"),
                notice_sealed: sealed("notice"),
                key_hint: String::new(),
                paused_at: Timestamp(0),
                created_at: NOW,
            };
            connections::add(&mut tx, &row).await.unwrap();
        }
        connections::keep_place(&mut tx, "place", SHOP, "1", "Web", false).await.unwrap();
        for outlet in outlets {
            let row = OutletRow {
                id: (*outlet).into(),
                connection: TILL.into(),
                outlet: (*outlet).into(),
                name: (*outlet).into(),
                zone: String::new(),
                place: String::new(),
                registers: 1,
            };
            connections::keep_outlet(&mut tx, &row, "GBP", false).await.unwrap();
            assert!(connections::map_outlet(&mut tx, outlet, "place").await.unwrap());
        }
        tx.commit().await.unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let engine = engine(&store, &clock, &mint).await.unwrap();
        Desk { engine, store, clock, mint, secret: secret.to_owned(), _dir: dir }
    }

    /// Lets time pass.
    pub fn later(&self, span: Span) {
        self.clock.set(self.clock.now() + span);
    }

    /// Another engine over the same database, as a start makes it.
    pub async fn reopen(&self) -> Result<Engine, EngineError> {
        engine(&self.store, &self.clock, &self.mint).await
    }

    /// Stops the engine and starts it anew.
    pub async fn restart(&mut self) {
        self.engine = self.reopen().await.unwrap();
    }

    /// Puts a product into the till's catalogue, and into the shop's when `twin`; twins are linked.
    pub async fn list(&self, product: &str, sku: &str, twin: bool) {
        let listing = listing(product, sku, sku);
        let mut tx = self.store.begin().await.unwrap();
        listings::save(&mut tx, TILL, &[&listing], NOW).await.unwrap();
        if twin {
            listings::save(&mut tx, SHOP, &[&listing], NOW).await.unwrap();
        }
        tx.commit().await.unwrap();
        for link in self.engine.cx().links() {
            link.catalogue_whole.store(true, std::sync::atomic::Ordering::SeqCst);
        }
        house::link_twins(self.engine.cx()).await.unwrap();
    }

    /// The till's signature over these bytes with this secret.
    pub fn signature(secret: &str, body: &[u8]) -> HeaderMap {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        let text = format!("signature={},algorithm=HMAC-SHA256", hex::encode(mac.finalize().into_bytes()));
        let mut headers = HeaderMap::new();
        headers.insert("x-signature", HeaderValue::from_str(&text).unwrap());
        headers
    }

    /// Pushes bytes through the door as they are.
    pub async fn push(&self, headers: &HeaderMap, body: impl Into<Bytes>) -> Received {
        self.engine.receive(TILL, headers, body.into()).await
    }

    /// Pushes bytes through the door, signed.
    pub async fn push_signed(&self, body: impl Into<Bytes>) -> Received {
        let body = body.into();
        self.push(&Self::signature(&self.secret, &body), body).await
    }

    /// Net units that the ledger has booked, by product; nothing stands for zero.
    pub async fn booked(&self) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for (_, _, product, _, units) in ledger::all_booked(&self.store, TILL).await.unwrap() {
            *sums.entry(product).or_insert(0) += units;
        }
        sums.retain(|_, units| *units != 0);
        sums
    }

    /// Units of a document that are on hold.
    pub async fn held(&self, document: &str) -> i64 {
        let mut tx = self.store.begin().await.unwrap();
        let held = ledger::held_lines(&mut tx, TILL, &[document]).await.unwrap();
        held.iter().map(|hold| hold.units).sum()
    }

    /// What the till was last read to have of a product at an outlet, in thousandths.
    pub async fn reading(&self, product: &str, outlet: &str) -> Option<i64> {
        let shelf = (product.to_owned(), outlet.to_owned());
        let mut tx = self.store.begin().await.unwrap();
        let counts = ledger::counts(&mut tx, TILL, std::slice::from_ref(&shelf)).await.unwrap();
        counts.get(&shelf).filter(|count| count.known).map(|count| count.on_hand_milli)
    }

    /// Shelves whose count does not follow from the ledger.
    pub async fn unsound(&self) -> Vec<(String, String)> {
        ledger::unsound(&self.store, TILL).await.unwrap()
    }
}
