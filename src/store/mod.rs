//! All SQL, and nothing but SQL: one file per noun, plain portable text, numbered parameters, bounded.
//!
//! [`Store`] reads; [`Tx`] is one unit of work (begin, commit; dropped means rolled back). Every writing
//! transaction goes through one writer connection and starts with `BEGIN IMMEDIATE` on SQLite. Lookups return
//! `Result<Option<T>>`, because absence is not an error. Rows that contradict the code fail with table, column
//! and id. The store knows nothing of vendors or networks.

pub(crate) mod bulk;
mod db;
pub mod error;

pub mod accounts;
pub mod activity;
pub mod connections;
pub mod feeds;
pub mod findings;
pub mod inbox;
pub mod ledger;
pub mod listings;
pub mod orders;
pub mod problems;
pub mod pushes;
pub mod sales;
pub mod seal;
pub mod sessions;
pub mod sku_views;
pub mod targets;
pub mod views;

pub use db::{Dialect, Durability, create_database};
pub use error::StoreError;

use sqlx::{AnyConnection, AnyPool};
use std::sync::Arc;

/// The database, cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dialect: Dialect,
    write: AnyPool,
    read: AnyPool,
    // Held for its lifetime: one process per SQLite file.
    _lock: Option<std::fs::File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.inner.dialect)
    }
}

/// One unit of work on the writer.
pub struct Tx {
    dialect: Dialect,
    tx: sqlx::Transaction<'static, sqlx::Any>,
}

impl Store {
    /// Opens the database at `url` (`sqlite://path` or `postgres://…`) and brings its schema up to date.
    pub async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        let db::Opened { dialect, write, read, lock } = db::open(url, durability).await?;
        Ok(Self { inner: Arc::new(Inner { dialect, write, read, _lock: lock }) })
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// Begins a unit of work; waits for the writer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let statement: &'static str = match self.inner.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        let tx = self.inner.write.begin_with(statement).await.map_err(StoreError::at("beginning a transaction"))?;
        Ok(Tx { dialect: self.inner.dialect, tx })
    }

    /// The readers.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.inner.read
    }

    /// Closes all connections; pending work is finished first.
    pub async fn close(&self) {
        self.inner.read.close().await;
        self.inner.write.close().await;
    }
}

impl Tx {
    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The connection, for the store's own files.
    pub(crate) fn conn(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    /// Makes it durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(StoreError::at("committing"))
    }
}
