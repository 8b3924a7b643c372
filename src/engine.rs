//! Wires one store, the connections, a clock and a mint together. It is handed its transport and does not ask
//! whose it is.

mod sides;

use crate::clock::Clock;
use crate::connectors::keys::Keys;
use crate::connectors::transport::Transport;
use crate::domain::secrets;
use crate::domain::time::Timestamp;
use crate::mint::Mint;
use crate::store::connections::{self, ConnectionRow};
use crate::store::seal::SealKey;
use crate::store::{Store, StoreError, feeds, ledger, pushes};
use crate::sync::cx::{Cx, Link, LookAgain, Stuck};
use crate::sync::driver::{self, HouseWork};
use crate::sync::schedule::Lane;
use crate::sync::{Received, house, intake::Intake, receive, refusals::Refusals};
use secrecy::{ExposeSecret, SecretString};
use sides::connect;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{broadcast, watch};

pub use crate::sync::cx::Change;

/// Changes that a slow live page may fall behind before it has to read everything again.
const CHANGES_KEPT: usize = 4_096;

/// Tasks that one instant of a rehearsal may run; more means that something never becomes quiet.
const ROUNDS_MAX: usize = 20_000;

/// The running engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    cx: Arc<Cx>,
    transport: Arc<dyn Transport>,
    seal: SealKey,
    unpaced: bool,
    /// Held while connections at work are made to be what the database says: of two changes the later one stays.
    changing: Arc<tokio::sync::Mutex<()>>,
}

/// Why the engine could not be wired.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// A stored key does not open.
    #[error("the key of connection {0} does not open with this secret key")]
    Sealed(String),
    /// A vendor that this version does not know.
    #[error("connection {0} is of an unknown vendor: {1}")]
    UnknownVendor(String, String),
}

/// What the engine is made of.
pub struct Parts {
    /// Database.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub mint: Arc<Mint>,
    /// The outside.
    pub transport: Arc<dyn Transport>,
    /// Opens stored keys.
    pub seal: SealKey,
    /// No allowances of our own: for measuring everything else.
    pub unpaced: bool,
}

impl Engine {
    /// Whether vendors on this machine are called too.
    pub fn calls_this_machine(&self) -> bool {
        self.transport.calls_this_machine()
    }

    /// Wires everything; writes that were under way when the last process ended become "unknown".
    pub async fn open(parts: Parts) -> Result<Self, EngineError> {
        let Parts { store, clock, mint, transport, seal, unpaced } = parts;
        let cx = Cx {
            store,
            clock,
            mint,
            links: RwLock::new(Vec::new()),
            intake: Intake::default(),
            refusals: Refusals::default(),
            broken: AtomicU64::new(0),
            changes: broadcast::channel(CHANGES_KEPT).0,
            added: tokio::sync::Notify::new(),
            look_again: LookAgain::default(),
            stuck: Stuck::default(),
        };
        let engine = Self { cx: Arc::new(cx), transport, seal, unpaced, changing: Arc::default() };
        engine.reload().await?;
        let now = engine.cx.now();
        for link in engine.cx.links() {
            let mut tx = engine.cx.store.begin().await?;
            let unknown =
                pushes::orphaned_to_unknown(&mut tx, &link.id, "we were stopped before the answer came", now).await?;
            tx.commit().await?;
            if unknown > 0 {
                tracing::warn!(connection.id = %link.id, writes = unknown, "writes were interrupted; they are looked up first");
            }
        }
        Ok(engine)
    }

    /// Starts connections that were added to the database since.
    pub async fn reload(&self) -> Result<(), EngineError> {
        let _one_at_a_time = self.changing.lock().await;
        for row in connections::all(&self.cx.store).await? {
            if self.cx.link(&row.id).is_some() {
                continue;
            }
            let keys = self.keys(&row).await?;
            let side = connect(self, &row, keys)?;
            let mut highest = ledger::highest_version(&self.cx.store, &row.id).await?;
            for (connection, feed, state) in feeds::all(&self.cx.store).await? {
                if connection == row.id && feed != "web stock" {
                    highest = highest.max(state.as_of);
                }
            }
            let link = Arc::new(Link::new(row.id, row.name, side, row.paused_at > Timestamp(0), highest));
            house::refresh_default_warehouse(&self.cx, &link).await?;
            link.behind.count(&self.cx, &link.id).await?;
            let waited_for = ledger::sales_waited_for(&self.cx.store, &link.id).await?;
            link.look_up.lock().unwrap_or_else(PoisonError::into_inner).extend(waited_for);
            self.cx.links.write().unwrap_or_else(PoisonError::into_inner).push(link);
        }
        self.cx.added.notify_one();
        Ok(())
    }

    /// Ends the work of a connection that is no longer in the database.
    pub async fn forget(&self, id: &str) {
        let _one_at_a_time = self.changing.lock().await;
        if let Some(link) = self.cx.link(id) {
            link.paused.store(true, Ordering::SeqCst);
        }
        self.cx.links.write().unwrap_or_else(PoisonError::into_inner).retain(|link| link.id != id);
        self.cx.stuck.forget(id);
    }

    /// Has a connection work with the address and the keys that stand in the database now.
    pub async fn change_keys(&self, id: &str) -> Result<(), EngineError> {
        let _one_at_a_time = self.changing.lock().await;
        let rows = connections::all(&self.cx.store).await?;
        if let (Some(row), Some(link)) = (rows.iter().find(|row| row.id == id), self.cx.link(id)) {
            link.side.change_keys(self.keys(row).await?);
        }
        Ok(())
    }

    /// What is sealed for a connection.
    async fn keys(&self, row: &ConnectionRow) -> Result<Keys, EngineError> {
        let open = |column: &str, sealed: &str| -> Result<SecretString, EngineError> {
            let plain = self
                .seal
                .open(&format!("connection.{column}:{}", row.id), sealed)
                .map_err(|_| EngineError::Sealed(row.id.clone()))?;
            Ok(SecretString::from(plain.as_str().to_owned()))
        };
        let mut secrets = Vec::new();
        if !row.notice_sealed.is_empty() {
            secrets.push((open("notice", &row.notice_sealed)?, None));
        }
        if let Some((sealed, until)) = connections::old_notice(&self.cx.store, &row.id).await?
            && self.cx.now() < until
        {
            let before = secrets::read(open("old_notice", &sealed)?.expose_secret(), until);
            secrets.extend(before.into_iter().map(|(secret, until)| (SecretString::from(secret), Some(until))));
        }
        Ok(Keys { base_url: row.base_url.clone(), token: open("token", &row.token_sealed)?, secrets })
    }

    /// What tasks are handed.
    pub fn cx(&self) -> &Arc<Cx> {
        &self.cx
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.cx.store
    }

    /// The clock that everything here asks.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.cx.clock
    }

    /// Where new ids come from.
    pub fn mint(&self) -> &Arc<Mint> {
        &self.cx.mint
    }

    /// What keys are sealed with.
    pub fn seal(&self) -> &SealKey {
        &self.seal
    }

    /// Changes from now on; a slow listener loses the oldest and simply reads again.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.cx.changes.subscribe()
    }

    /// The webhook door: raw bytes in, a status out. 200 only after the notice is committed.
    pub async fn receive(&self, connection: &str, headers: &http::HeaderMap, body: bytes::Bytes) -> Received {
        receive::receive(&self.cx, connection, headers, body).await
    }

    /// Counts a notice that was refused at the door, before its body was read.
    pub async fn refuse_notice(&self, connection: &str, status: u16, reason: &str) -> Received {
        receive::refuse_at_the_door(&self.cx, connection, status, reason).await
    }

    /// Runs all tasks with real timers until `stop` turns true; tasks under way are finished.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        driver::run(Arc::clone(&self.cx), stop).await;
    }

    /// Runs every task that is due at this instant, until none is: for rehearsals and tests. Returns how many ran,
    /// or `None` when it never became quiet.
    pub async fn settle(&self, house: &mut HouseWork) -> Option<usize> {
        let mut ran = 0;
        loop {
            let mut any = false;
            for link in self.cx.links() {
                for lane in Lane::ALL {
                    while driver::step(&self.cx, &link, lane).await {
                        any = true;
                        ran += 1;
                        if ran > ROUNDS_MAX {
                            return None;
                        }
                    }
                }
            }
            if house.next() <= self.cx.now() || self.cx.look_again.is_asked() {
                house.step(&self.cx).await;
                any = true;
            }
            if !any {
                return Some(ran);
            }
        }
    }

    /// When the next task is due.
    pub fn next_due(&self, house: &HouseWork) -> Timestamp {
        self.cx
            .links()
            .iter()
            .flat_map(|link| {
                let awake = Lane::ALL.iter().filter(|lane| !driver::rests(link, **lane));
                awake.filter_map(|lane| link.schedule.next(*lane))
            })
            .fold(house.next(), Timestamp::min)
    }
}
