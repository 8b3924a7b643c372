//! What happens again and again is logged once a minute, with how often it happened.

use crate::domain::time::{Span, Timestamp};
use std::sync::{Mutex, PoisonError};

/// Between two lines of one kind.
const APART: Span = Span::minutes(1);

/// Counts what is not logged.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<(Option<Timestamp>, usize)>);

impl Seldom {
    /// So many more: how many a line may speak of now, if it is time for one.
    pub fn more(&self, n: usize, now: Timestamp) -> Option<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1 += n;
        // A moment still to come was noted by a clock that has been set back since.
        if kept.0.is_some_and(|said| said <= now && now.since(said) < APART) {
            return None;
        }
        kept.0 = Some(now);
        Some(std::mem::take(&mut kept.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_minute_and_every_one_of_it_counts() {
        let (seldom, at) = (Seldom::default(), Timestamp::from_secs);
        assert_eq!(seldom.more(3, at(100)), Some(3), "the first is told at once");
        let told: Vec<usize> = (101..=400).filter_map(|second| seldom.more(2, at(second))).collect();
        assert_eq!(told, [120; 5]);
        assert_eq!(seldom.more(1, at(5)), Some(1), "also when the clock was set back");
    }
}
