//! What a test of a connection says: one line for each thing that was asked of the vendor.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One thing that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLine {
    /// What it was, as people call it: "Products".
    pub what: String,
    /// Whether it works.
    pub good: bool,
    /// What came, or what is wrong and what to do about it.
    pub said: String,
}

/// The last test of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// When somebody pressed the button.
    pub asked_at: Timestamp,
    /// When it ended; before `asked_at` while it has not.
    pub ended_at: Timestamp,
    /// What came of it.
    pub lines: Vec<TrialLine>,
}

impl Trial {
    /// Whether the answers are still to come.
    pub fn is_under_way(&self) -> bool {
        self.ended_at < self.asked_at
    }

    /// Lines that do not work.
    pub fn failures(&self) -> usize {
        self.lines.iter().filter(|line| !line.good).count()
    }
}
