//! Budgets: what we may still call, counted by our own clock so that the vendor never has to refuse.

use crate::domain::time::Timestamp;

/// What is left of an allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Calls (or points) allowed in the tightest window.
    pub limit: i64,
    /// What is left of it.
    pub left: i64,
    /// When it is full again, or when waiting ends.
    pub refills_at: Option<Timestamp>,
    /// Set while the vendor asked us to wait.
    pub blocked_until: Option<Timestamp>,
}
