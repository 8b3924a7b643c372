//! All SQL, and nothing but SQL: one file per noun, plain portable text, numbered parameters, bounded.
//!
//! [`Store`] reads; [`Tx`] is one unit of work (begin, commit; dropped means rolled back). Every writing
//! transaction goes through one writer connection and starts with `BEGIN IMMEDIATE` on SQLite. Lookups return
//! `Result<Option<T>>`, because absence is not an error. Rows that contradict the code fail with table, column
//! and id. The store knows nothing of vendors or networks.

pub(crate) mod bulk;
mod db;
pub mod error;
pub(crate) mod script;
mod writer;

pub mod accounts;
pub mod activity;
pub mod audit;
pub mod backlog;
pub mod connections;
pub mod feeds;
pub mod findings;
pub mod inbox;
pub mod ledger;
pub mod listings;
pub mod look;
pub mod mappings;
pub mod masters;
pub mod orders;
pub mod problems;
pub mod pushes;
pub mod question;
pub mod remap;
pub mod sales;
pub mod seal;
pub mod sessions;
pub mod sku_views;
pub mod targets;
pub mod trials;
pub mod unread;
pub mod views;

pub use db::{Dialect, Durability, create_database};
pub use error::StoreError;

use script::{Done, Statement};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Executor as _};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};
use writer::Writer;

const BEGINNING: &str = "beginning a transaction";

/// The database, cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dialect: Dialect,
    write: Arc<Mutex<Writer>>,
    read: AnyPool,
    // Held for its lifetime: one process per SQLite file.
    _lock: Option<std::fs::File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.inner.dialect)
    }
}

/// One unit of work on the writer. Dropped without a commit, it never happened.
pub struct Tx {
    dialect: Dialect,
    writer: OwnedMutexGuard<Writer>,
    /// Whether the database has been told to begin.
    begun: bool,
    /// Whether a statement of it has failed: nothing more is done then, on either database.
    failed: bool,
    /// Writes that wait for the next trip.
    later: Vec<Statement>,
}

impl Store {
    /// Opens the database at `url` (`sqlite://path` or `postgres://…`) and brings its schema up to date.
    pub async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        let db::Opened { dialect, write, read, lock } = db::open(url, durability).await?;
        Ok(Self { inner: Arc::new(Inner { dialect, write: Arc::new(Mutex::new(write)), read, _lock: lock }) })
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// Begins a unit of work; waits for the writer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let writer = writer::take(&self.inner.write).await?;
        Ok(Tx { dialect: self.inner.dialect, writer, begun: false, failed: false, later: Vec::new() })
    }

    /// The readers.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.inner.read
    }

    /// Closes all connections; pending work is finished first.
    pub async fn close(&self) {
        self.inner.read.close().await;
        self.inner.write.lock().await.close().await;
    }
}

impl Tx {
    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The connection, for the store's own files; what waited has been written.
    pub(crate) async fn conn(&mut self) -> Result<&mut AnyConnection, StoreError> {
        self.ask(Vec::new()).await?;
        self.writer.conn().await
    }

    /// A write that nothing has to wait for: it goes with the next question or with the commit.
    pub(crate) fn later(&mut self, step: Statement) {
        self.later.push(step);
    }

    /// Sends what waits and these, in one trip where the database can; answers these.
    pub(crate) async fn ask(&mut self, steps: Vec<Statement>) -> Result<Vec<Done>, StoreError> {
        if self.failed {
            let why = "an earlier statement of this unit of work failed".to_owned();
            return Err(StoreError::at("going on after a failure")(sqlx::Error::Protocol(why)));
        }
        let asked = steps.len();
        let mut all = std::mem::take(&mut self.later);
        all.extend(steps);
        // Until the answers are here; so a dropped question counts as failed, too.
        self.failed = true;
        if !self.begun {
            self.begin(&mut all).await?;
        }
        let answers = script::run(self.writer.conn().await?, self.dialect, all);
        let done = match tokio::time::timeout(writer::ANSWER_MAX, answers).await {
            Ok(done) => done,
            Err(_) => {
                // Whatever is still on its way on this connection, nobody waits for it.
                self.writer.forget();
                return Err(StoreError::at("waiting for the database")(sqlx::Error::PoolTimedOut));
            }
        };
        if let Err(StoreError::Driver { source, .. }) = &done
            && writer::is_gone(source)
        {
            self.writer.forget();
        }
        let mut done = done?;
        self.failed = false;
        Ok(done.split_off(done.len().saturating_sub(asked)))
    }

    /// SQLite is told to begin in the first trip. A server may have gone away since the last unit of work: it is told
    /// at once, and a second time over a new connection, because nothing has been done yet.
    async fn begin(&mut self, all: &mut Vec<Statement>) -> Result<(), StoreError> {
        match self.dialect {
            Dialect::Sqlite => all.insert(0, Statement::new("BEGIN IMMEDIATE", BEGINNING)),
            Dialect::Postgres => {
                let first = self.writer.conn().await?.execute("BEGIN").await;
                if let Err(error) = first {
                    if !writer::is_gone(&error) {
                        return Err(StoreError::at(BEGINNING)(error));
                    }
                    self.writer.forget();
                    self.writer.conn().await?.execute("BEGIN").await.map_err(StoreError::at(BEGINNING))?;
                }
            }
        }
        self.begun = true;
        self.writer.open = true;
        Ok(())
    }

    /// The rows that a question returns.
    pub(crate) async fn rows(&mut self, step: Statement) -> Result<Vec<AnyRow>, StoreError> {
        Ok(self.ask(vec![step]).await?.pop().unwrap_or_default().rows)
    }

    /// How many rows a write changes, for callers that act on it.
    pub(crate) async fn change(&mut self, step: Statement) -> Result<u64, StoreError> {
        Ok(self.ask(vec![step]).await?.pop().unwrap_or_default().changed)
    }

    /// Makes it durable.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if !self.begun && self.later.is_empty() {
            return Ok(());
        }
        if self.later.iter().any(Statement::is_checked) {
            // The rows it changed are looked at before anything is made durable.
            self.ask(Vec::new()).await?;
        }
        self.ask(vec![Statement::new("COMMIT", "committing")]).await?;
        self.writer.open = false;
        Ok(())
    }
}
