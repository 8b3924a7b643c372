//! Notices (webhooks): who sent them, and what they say.

use super::Unreadable;
use crate::domain::fact::Fact;

/// What one notice delivers. A body may carry several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// "sale", "inventory", "product", "order" …: the same word a sweep uses for the same record.
    pub kind: String,
    /// The vendor's id of the record.
    pub external_id: String,
    /// The vendor's order of changes, when the notice carries it. Together with kind and id it is the identity
    /// of the delivery; without it the notice is only a hint.
    pub version: Option<i64>,
    /// The decoded payload as JSON text.
    pub raw: String,
    /// What we understood, or why we did not.
    pub fact: Result<Fact, Unreadable>,
}

/// Why a notice is not accepted. The status that goes back follows from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// No signature where one is required, or one that does not match: 401.
    #[error("{0}")]
    NotFromThem(String),
    /// A signed time too far from our clock: 401; the text says which clock differs.
    #[error("{0}")]
    WrongTime(String),
    /// Signed, but not in a form we can read: 400; the reason is kept, the body is not.
    #[error("{0}")]
    Unreadable(String),
}
