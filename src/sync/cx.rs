//! What every task is handed: the store, the clock, the mint, and the connections.

use super::catch_up::Behind;
use super::intake::Intake;
use super::refusals::Refusals;
use super::schedule::{Schedule, Task};
use crate::clock::Clock;
use crate::connectors::error::CallError;
use crate::connectors::evidence::Exchange;
use crate::connectors::keys::Keys;
use crate::connectors::{Shop, Till};
use crate::domain::fact::Hint;
use crate::domain::time::Timestamp;
use crate::mint::Mint;
use crate::store::pushes::{self, Kept};
use crate::store::{Store, StoreError, Tx};
use crate::sync::apply::Applied;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::broadcast;

/// Something a live page may want to know: what changed, never how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Counts of this variant.
    Sku(String),
    /// Problems opened, taken or closed.
    Problems,
    /// Health, marks, delay of a connection.
    Connections,
}

/// The vendor behind a connection.
#[derive(Clone)]
pub enum Side {
    /// A till.
    Till(Arc<dyn Till>),
    /// A web shop.
    Shop(Arc<dyn Shop>),
}

impl Side {
    /// Works with other keys from now on.
    pub fn change_keys(&self, keys: Keys) {
        match self {
            Side::Till(till) => till.change_keys(keys),
            Side::Shop(shop) => shop.change_keys(keys),
        }
    }
}

/// Documents to be asked for one by one.
#[derive(Debug, Default)]
pub struct LookUps {
    wanted: BTreeSet<String>,
    tried: String,
}

impl LookUps {
    /// The one after the last tried; the first again after the last.
    pub(super) fn next(&self) -> Option<String> {
        let after = (Bound::Excluded(self.tried.as_str()), Bound::Unbounded);
        self.wanted.range::<str, _>(after).next().or_else(|| self.wanted.first()).cloned()
    }

    /// It was asked for; what was not answered is asked for again after the others.
    pub(super) fn tried(&mut self, id: &str, answered: bool) {
        if answered {
            self.wanted.remove(id);
        }
        id.clone_into(&mut self.tried);
    }
}

impl Extend<String> for LookUps {
    fn extend<T: IntoIterator<Item = String>>(&mut self, ids: T) {
        self.wanted.extend(ids);
    }
}

/// One connection at work.
pub struct Link {
    /// Our id.
    pub id: String,
    /// Name on pages.
    pub name: String,
    /// The vendor.
    pub side: Side,
    /// When its tasks are due.
    pub schedule: Schedule,
    /// A person paused it.
    pub paused: AtomicBool,
    /// The highest version the vendor has shown us anywhere.
    pub highest: AtomicI64,
    /// Whether the catalogue was read to its end and no later reading of it is half done. Not kept over a restart: it is
    /// read again then.
    pub catalogue_whole: AtomicBool,
    /// A call to write was made whose outcome is not written down.
    pub outcome_lost: AtomicBool,
    /// Where units of a web order count when the shop has not decided.
    pub default_warehouse: RwLock<String>,
    /// It may have become known which of its shipped orders had left before a till was read. Not kept over a restart:
    /// it is looked at then.
    pub judge_shipped: AtomicBool,
    /// A pass over the shop's whole stock that began then waits for the orders to be read before it raises anything; zero
    /// when none does.
    pub raise_after: AtomicI64,
    /// Somebody asked for the till's whole stock to be read again.
    pub read_all_again: AtomicBool,
    /// Records that were kept in a crowd and are not in the books yet.
    pub behind: Behind,
    /// Sales to be looked up.
    pub look_up: Mutex<LookUps>,
}

impl Link {
    /// A connection with everything due.
    pub fn new(id: String, name: String, side: Side, paused: bool, highest: i64) -> Self {
        let (tasks, told) = match &side {
            Side::Till(till) => (Task::TILL, till.capabilities().notices),
            Side::Shop(shop) => (Task::SHOP, shop.capabilities().notices),
        };
        Self {
            id,
            name,
            side,
            schedule: Schedule::new(tasks, told),
            paused: AtomicBool::new(paused),
            highest: AtomicI64::new(highest),
            catalogue_whole: AtomicBool::new(false),
            outcome_lost: AtomicBool::new(false),
            default_warehouse: RwLock::new(String::new()),
            judge_shipped: AtomicBool::new(true),
            raise_after: AtomicI64::new(0),
            read_all_again: AtomicBool::new(false),
            behind: Behind::default(),
            look_up: Mutex::new(LookUps::default()),
        }
    }

    /// Whether it is a shop.
    pub fn is_shop(&self) -> bool {
        matches!(self.side, Side::Shop(_))
    }

    /// The warehouse for units whose warehouse the shop has not decided.
    pub fn default_warehouse(&self) -> String {
        self.default_warehouse.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The vendor showed this version.
    pub fn saw(&self, version: i64) {
        self.highest.fetch_max(version, Ordering::SeqCst);
    }
}

/// Shared by all tasks.
pub struct Cx {
    /// Database.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub mint: Arc<Mint>,
    /// Connections, shops first.
    pub links: RwLock<Vec<Arc<Link>>>,
    /// Where notices wait for their common commit.
    pub intake: Intake,
    /// Where refused notices wait to be counted.
    pub refusals: Refusals,
    /// How many tasks have ended at our own database: in a rehearsal there is no excuse for one.
    pub broken: AtomicU64,
    /// For live pages.
    pub changes: broadcast::Sender<Change>,
    /// Told when a connection is added, so that the driver starts its loops.
    pub added: tokio::sync::Notify,
    /// Told when somebody did what raises or ends a problem, so that Today need not wait for its period.
    pub look_again: LookAgain,
    /// Tasks of ours that the database does not let finish.
    pub stuck: Stuck,
}

/// Asks for the problems to be looked for at once.
#[derive(Default)]
pub struct LookAgain {
    asked: AtomicBool,
    signal: tokio::sync::Notify,
}

impl LookAgain {
    /// Asks.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.signal.notify_one();
    }

    /// Whether somebody asked and nobody looked yet.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// The same; from here on it counts as looked at.
    pub(super) fn take(&self) -> bool {
        self.asked.swap(false, Ordering::SeqCst)
    }

    pub(super) async fn asked(&self) {
        self.signal.notified().await;
    }
}

/// Since when tasks fail through the database; not in the database, which may be what does not work.
#[derive(Default)]
pub struct Stuck(Mutex<BTreeMap<(String, &'static str), Timestamp>>);

impl Stuck {
    /// A task of a connection, or of the house (an empty connection), failed or worked.
    pub fn note(&self, connection: &str, task: &'static str, failed: bool, now: Timestamp) {
        let mut stuck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            stuck.entry((connection.to_owned(), task)).or_insert(now);
        } else if !stuck.is_empty() {
            stuck.remove(&(connection.to_owned(), task));
        }
    }

    /// A connection is no more.
    pub fn forget(&self, connection: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _), _| id != connection);
    }

    /// Those that have failed since before `since`: connection, task, since when.
    pub fn before(&self, since: Timestamp) -> Vec<(String, &'static str, Timestamp)> {
        let stuck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.iter().filter(|(_, at)| **at < since).map(|((link, task), at)| (link.clone(), *task, *at)).collect()
    }
}

/// Why a task ended early.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The vendor, or our budget.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Cx {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// All connections.
    pub fn links(&self) -> Vec<Arc<Link>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One connection.
    pub fn link(&self, id: &str) -> Option<Arc<Link>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner).iter().find(|link| link.id == id).cloned()
    }

    /// After a commit: wakes whoever must act on it, and tells live pages.
    pub fn follow_up(&self, link: &Link, applied: &Applied) {
        let now = self.now();
        for hint in &applied.wake {
            let task = match (hint, &link.side) {
                (Hint::Sales, Side::Till(_)) => Task::Sales,
                (Hint::Stock, Side::Till(_)) => Task::Stock,
                (Hint::Stock, Side::Shop(_)) => Task::Observe,
                (Hint::Catalogue, _) => Task::Catalogue,
                (Hint::Orders, Side::Shop(_)) => Task::Orders,
                (Hint::Sales, Side::Shop(_)) | (Hint::Orders, Side::Till(_)) => continue,
            };
            link.schedule.wake(task, now);
        }
        if !applied.look_up.is_empty() {
            link.look_up.lock().unwrap_or_else(PoisonError::into_inner).extend(applied.look_up.iter().cloned());
            link.schedule.wake(Task::LookUp, now);
        }
        self.wake_pushes(&applied.to_push);
        self.tell(&applied.variants);
    }

    /// Wakes the push of these shops.
    pub fn wake_pushes(&self, connections: &BTreeSet<String>) {
        if connections.is_empty() {
            return;
        }
        let now = self.now();
        for link in self.links().iter().filter(|link| connections.contains(&link.id)) {
            link.schedule.wake(Task::Push, now);
        }
    }

    /// Tells live pages about changed variants. Nobody listening is fine.
    pub fn tell(&self, variants: &BTreeSet<String>) {
        if self.changes.receiver_count() == 0 {
            return;
        }
        for variant in variants {
            let _ = self.changes.send(Change::Sku(variant.clone()));
        }
    }
}

/// Keeps the last of these exchanges as evidence; returns its id, or an empty text when there was none.
pub async fn keep_evidence(tx: &mut Tx, cx: &Cx, link: &Link, exchanges: &[Exchange]) -> Result<String, StoreError> {
    let Some(exchange) = exchanges.last() else {
        return Ok(String::new());
    };
    let id = cx.mint.id(exchange.at);
    let kept = Kept {
        id: id.clone(),
        connection: link.id.clone(),
        at: exchange.at,
        took: exchange.took,
        purpose: exchange.purpose.to_owned(),
        request_line: exchange.request_line.clone(),
        status: exchange.status.map_or(0, i64::from),
        sent: exchange.sent.clone(),
        received: exchange.received.clone(),
    };
    pushes::keep_exchange(tx, &kept);
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_always_fails_keeps_no_other_waiting() {
        let mut look_ups = LookUps::default();
        look_ups.extend(["a", "b", "c"].map(str::to_owned));
        let mut asked = Vec::new();
        for _ in 0..5 {
            let id = look_ups.next().unwrap();
            look_ups.tried(&id, id != "a");
            asked.push(id);
        }
        assert_eq!(asked, ["a", "b", "c", "a", "a"]);
    }
}
