//! What went over the wire, kept as evidence: "Show the raw exchange".

use crate::domain::time::{Span, Timestamp};

/// Longest excerpt of a body that is kept with an exchange. Whole bodies of records live in the inbox.
pub const EXCERPT_BYTES_MAX: usize = 4_096;

/// One request and its answer, without secrets: headers are never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When it was sent.
    pub at: Timestamp,
    /// How long the answer took.
    pub took: Span,
    /// What it was for, in one word ("set stock", "read sales").
    pub purpose: &'static str,
    /// Method and path with query, without host.
    pub request_line: String,
    /// HTTP status, or `None` when no answer came.
    pub status: Option<u16>,
    /// Beginning of what we sent, at most [`EXCERPT_BYTES_MAX`].
    pub sent: String,
    /// Beginning of what came back, or why nothing did.
    pub received: String,
}
