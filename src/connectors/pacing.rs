//! Budgets: what we may still call, counted by our own clock so that the vendor never has to refuse.
//!
//! Nothing here waits. A budget answers "now" or "not before this moment"; the caller hands that on as
//! [`super::error::CallErrorKind::Paced`] and sends nothing. [`window`] counts calls in a sliding window
//! (X-Series), [`buckets`] keeps token buckets (Centra), [`drips`] a bucket that leaks (R-Series).

pub mod buckets;
pub mod drips;
pub mod window;

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

/// The part of a whole, rounded down.
fn percent(whole: i64, part: i64) -> i64 {
    whole.saturating_mul(part) / 100
}
