//! The seam to the outside: an HTTP request goes in, an HTTP response comes out.
//!
//! The seam is as low as it can be, so that paging, pacing and parsing of the real connector are under test
//! when the other side is simulated. Nothing above this file knows whether there is a network.

use crate::domain::ids::ConnectionId;
use async_trait::async_trait;
use bytes::Bytes;

/// Sends one request of one connection.
#[async_trait]
pub trait Transport: Send + Sync {
    /// One request, one answer, no redirect followed, no retry.
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError>;

    /// Whether vendors on this machine are called too, without encryption if they like: for trying things out.
    fn calls_this_machine(&self) -> bool {
        false
    }
}

/// Why there is no answer. What matters is whether the vendor may have acted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never left us: refused connection, unknown host, bad address.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// It left us and no usable answer came: timeout, reset, broken body. The vendor may have acted.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer was larger than we accept. The vendor may have acted.
    #[error("the answer was larger than {limit} bytes")]
    TooLarge {
        /// Bytes we accept at most.
        limit: usize,
    },
}
