//! Wires one store, the connections, a clock and a mint together. It is handed its transport and does not ask
//! whose it is.

use crate::clock::Clock;
use crate::mint::Mint;
use std::sync::Arc;
use tokio::sync::broadcast;

/// The running engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    mint: Arc<Mint>,
    changes: broadcast::Sender<Change>,
}

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

impl Engine {
    /// An engine without connections: it knows the time and carries changes.
    pub fn unconnected(clock: Arc<dyn Clock>, mint: Arc<Mint>) -> Self {
        let (changes, _) = broadcast::channel(1_024);
        Self { inner: Arc::new(Inner { clock, mint, changes }) }
    }

    /// Tells every live page that something changed.
    pub fn announce(&self, change: Change) {
        // Nobody listening is no error.
        let _ = self.inner.changes.send(change);
    }

    /// The clock that everything here asks.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Where new ids come from.
    pub fn mint(&self) -> &Arc<Mint> {
        &self.inner.mint
    }

    /// Changes from now on; a slow listener loses the oldest and simply reads again.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    /// The webhook door: raw bytes in, a status out. 200 only after the notice is committed.
    pub async fn receive(
        &self,
        connection: &str,
        headers: &http::HeaderMap,
        body: bytes::Bytes,
    ) -> crate::sync::Received {
        let _ = (connection, headers, body);
        crate::sync::Received { status: 503, reason: "not built".into() }
    }
}
