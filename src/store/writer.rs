//! The one connection that writes.
//!
//! It is kept for as long as the store is open, so that a unit of work costs no trip of its own to get it. What a
//! unit of work left open when it was dropped is taken back by whoever comes next; a connection that the server has
//! ended is made anew.

use super::StoreError;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Executor as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long a unit of work waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// How long an answer of the database may take. Its own limits are shorter; this one is for a server that has become
/// unreachable without a word.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(90);

/// How the connection is made, and the connection.
pub(super) struct Writer {
    options: AnyConnectOptions,
    /// Said to each new connection.
    settings: Vec<&'static str>,
    /// `None` when it is gone: the server ended it, or the store was closed.
    conn: Option<AnyConnection>,
    /// Whether a unit of work may have been left open on it.
    pub open: bool,
    closed: bool,
}

impl Writer {
    /// Connects.
    pub async fn connect(options: AnyConnectOptions, settings: Vec<&'static str>) -> Result<Self, StoreError> {
        let mut writer = Self { options, settings, conn: None, open: false, closed: false };
        writer.conn().await?;
        Ok(writer)
    }

    /// The connection, made anew if it is gone.
    pub async fn conn(&mut self) -> Result<&mut AnyConnection, StoreError> {
        if self.closed {
            return Err(StoreError::at("opening the database")(sqlx::Error::PoolClosed));
        }
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => {
                let timed_out = |_| StoreError::at("opening the database")(sqlx::Error::PoolTimedOut);
                let connecting = tokio::time::timeout(WAIT_MAX, self.options.connect()).await.map_err(timed_out)?;
                let mut conn = connecting.map_err(StoreError::at("opening the database"))?;
                for setting in &self.settings {
                    conn.execute(*setting).await.map_err(StoreError::at("opening the database"))?;
                }
                conn
            }
        };
        Ok(self.conn.insert(conn))
    }

    /// Forgets a connection that no longer answers.
    pub fn forget(&mut self) {
        self.conn = None;
        self.open = false;
    }

    /// Closes it for good.
    pub async fn close(&mut self) {
        self.closed = true;
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close().await
        {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}

/// The writer, when it is this caller's turn.
pub(super) async fn take(writer: &Arc<Mutex<Writer>>) -> Result<OwnedMutexGuard<Writer>, StoreError> {
    let timed_out = |_| StoreError::at("waiting for the writer")(sqlx::Error::PoolTimedOut);
    let mut writer = tokio::time::timeout(WAIT_MAX, Arc::clone(writer).lock_owned()).await.map_err(timed_out)?;
    if writer.open {
        writer.open = false;
        if let Err(error) = writer.conn().await?.execute("ROLLBACK").await {
            // There is nothing to take back when the database did so by itself, or when the commit had come through.
            if is_gone(&error) {
                writer.forget();
            }
            tracing::debug!(%error, "nothing was left open");
        }
    }
    Ok(writer)
}

/// Whether an error means that the connection will never answer again.
pub(super) fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // PostgreSQL's classes 08 (connection lost) and 57P (ended by its administrator, or for idling too long), and
        // 25P03 (idle with something open).
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "25P03")
        }
        _ => false,
    }
}
