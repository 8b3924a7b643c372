//! The loop: receive, sweep, recompute, push, read back.

/// What the webhook door answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// HTTP status for the vendor.
    pub status: u16,
    /// Why, for our log and the Connections page; never sent to the vendor.
    pub reason: String,
}
