//! What went wrong with a call, in terms of what to do next.

use super::evidence::Exchange;
use crate::domain::problem::KEY_REFUSED;
use crate::domain::push::PACED;
use crate::domain::time::Timestamp;

/// A call that brought no usable answer, with the exchanges so far.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}")]
pub struct CallError {
    /// What happened.
    pub kind: CallErrorKind,
    /// What went over the wire.
    pub exchanges: Vec<Exchange>,
}

/// The kinds of failure that lead to different next steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallErrorKind {
    /// The vendor said "too many requests"; not before this moment.
    #[error("the vendor asks us to wait")]
    Throttled {
        /// First moment at which calling is allowed again.
        until: Timestamp,
    },
    /// Our own budget says to wait, so that the vendor need not refuse. Nothing was sent.
    #[error("{PACED}")]
    Paced {
        /// First moment at which our budget allows the call.
        until: Timestamp,
    },
    /// Not reachable, or an answer of the 5xx kind. `acted` = the vendor may have done what we asked.
    #[error("the vendor cannot be reached: {reason}")]
    Unavailable {
        /// One sentence.
        reason: String,
        /// Whether the request may have had its effect.
        acted: bool,
    },
    /// The key is refused or has expired.
    #[error("{KEY_REFUSED}: {reason}")]
    Unauthorized {
        /// The vendor's words, shortened.
        reason: String,
    },
    /// The vendor understood and said no.
    #[error("the vendor refused: {reason}")]
    Rejected {
        /// The vendor's words, shortened.
        reason: String,
    },
    /// An answer that contradicts the vendor's contract (HTML, truncated, wrong shape). Never acted upon.
    #[error("the answer makes no sense: {reason}")]
    Protocol {
        /// What was expected and what came.
        reason: String,
    },
}

impl CallError {
    /// Whether the vendor may have done what we asked although we were not told.
    pub fn may_have_acted(&self) -> bool {
        match &self.kind {
            CallErrorKind::Unavailable { acted, .. } => *acted,
            CallErrorKind::Protocol { .. } => true,
            CallErrorKind::Throttled { .. }
            | CallErrorKind::Paced { .. }
            | CallErrorKind::Unauthorized { .. }
            | CallErrorKind::Rejected { .. } => false,
        }
    }

    /// The first moment at which another try is allowed, if the other side or our budget named one.
    pub fn not_before(&self) -> Option<Timestamp> {
        match self.kind {
            CallErrorKind::Throttled { until } | CallErrorKind::Paced { until } => Some(until),
            _ => None,
        }
    }
}
