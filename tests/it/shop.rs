//! A shop to test with: engine, simulated world, temporary database, a clock moved by hand.

use std::sync::Arc;
use tempfile::TempDir;
use truecount::domain::time::Span;
use truecount::rehearsal::Rehearsal;
use truecount::sim::{Options, World};
use truecount::store::{Durability, Store};

/// The database this run is for: PostgreSQL when `DATABASE_URL_POSTGRES` names a server, else SQLite. The whole
/// suite is run once for each.
pub fn databases() -> Vec<Kind> {
    vec![postgres_url().map_or(Kind::Sqlite, Kind::Postgres)]
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where PostgreSQL is")]
fn postgres_url() -> Option<String> {
    std::env::var("DATABASE_URL_POSTGRES").ok().filter(|url| !url.is_empty())
}

/// A database kind.
#[derive(Debug, Clone)]
pub enum Kind {
    Sqlite,
    Postgres(String),
}

/// A fresh database of a kind; dropped with its guard.
pub async fn fresh(kind: &Kind) -> (Store, TempDir) {
    let (url, dir) = fresh_address(kind).await;
    (Store::open(&url, Durability::Off).await.unwrap(), dir)
}

/// The address of a fresh database of a kind, for tests that open it several times.
pub async fn fresh_address(kind: &Kind) -> (String, TempDir) {
    let dir = TempDir::new().unwrap();
    let url = match kind {
        Kind::Sqlite => format!("sqlite://{}", dir.path().join("t.db").display()),
        Kind::Postgres(base) => fresh_postgres(base).await,
    };
    (url, dir)
}

/// A database of its own on the server that `base` names.
async fn fresh_postgres(base: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    truecount::store::create_database(base, &name).await.unwrap()
}

/// Engine and world, connected and live.
pub struct Shop {
    pub rehearsal: Rehearsal,
    _dir: TempDir,
}

impl Shop {
    /// A quiet world of a few SKUs: nothing happens unless a test makes it happen.
    pub async fn open(kind: &Kind) -> Shop {
        Shop::with(kind, Options::still(7, 24)).await
    }

    pub async fn with(kind: &Kind, options: Options) -> Shop {
        let (store, dir) = fresh(kind).await;
        let mut rehearsal = Rehearsal::on(options, store).await.unwrap();
        rehearsal.connect().await.unwrap();
        Shop { rehearsal, _dir: dir }
    }

    pub fn world(&self) -> &Arc<World> {
        &self.rehearsal.world
    }

    /// Lets so much time pass.
    pub async fn pass(&mut self, span: Span) {
        let end = truecount::clock::Clock::now(self.rehearsal.clock.as_ref()) + span;
        self.rehearsal.run_until(end).await.unwrap();
    }

    /// A SKU with at least `units` at an outlet.
    pub fn sku(&self, units: i64) -> String {
        self.world()
            .skus()
            .into_iter()
            .find(|sku| self.world().till_on_hand(sku).unwrap_or(0) >= units && self.world().shows(sku).is_some())
            .unwrap()
    }

    /// What must hold at the end of every scenario.
    pub async fn assert_sound(&self) {
        assert_eq!(self.rehearsal.unsound().await.unwrap(), Vec::<String>::new());
        let audit = self.world().audit();
        assert_eq!(audit.unsafe_described, Vec::<String>::new());
        assert_eq!(audit.early_calls, 0);
        assert_eq!(self.rehearsal.compare_ledger().await.unwrap(), (0, 0), "lost and surplus ledger lines");
        assert_eq!(self.world().differences(), Vec::new());
    }
}
