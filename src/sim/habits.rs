//! What the vendors' papers leave open, as one account plays it: different seeds are different accounts.

use super::world::stream;
use crate::domain::time::Span;
use rand::Rng;

/// The stream of chance that decides how an account behaves.
const STREAM: u64 = 7;

/// How one pair of accounts behaves where the contracts do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// The counts that a sale moves take their versions before the sale takes its own.
    pub count_first: bool,
    /// A sale may be shown so long after it was closed, at most.
    pub sale_lag: Span,
    /// A count may be shown so long after it moved, at most; apart from the sale that moved it.
    pub count_lag: Span,
    /// Of a hundred records so many take their version at once and are shown seconds later, when higher versions
    /// have been seen: a transaction that commits late.
    pub late_percent: u32,
    /// Of a hundred orders so many get units of the shop only after some minutes.
    pub unallocated_percent: u32,
    /// Of a hundred orders so many change again within the second in which they were placed.
    pub hasty_percent: u32,
    /// The shop lists no stock row for a size that was never counted at a warehouse.
    pub rows_missing: bool,
}

impl Habits {
    /// Everything at once and in order.
    pub const PLAIN: Habits = Habits {
        count_first: false,
        sale_lag: Span::ZERO,
        count_lag: Span::ZERO,
        late_percent: 0,
        unallocated_percent: 0,
        hasty_percent: 0,
        rows_missing: false,
    };

    /// The accounts of one seed: each habit is there or not on its own.
    pub fn of_seed(seed: u64) -> Habits {
        let mut chance = stream(seed, STREAM);
        let mut has = || chance.random_range(0..2) == 0;
        let (count_first, sale_lags, count_lags, late) = (has(), has(), has(), has());
        let (unallocated, hasty, rows_missing) = (has(), has(), has());
        let mut lag = |lags: bool| if lags { Span::millis(chance.random_range(500..=5_000)) } else { Span::ZERO };
        Habits {
            count_first,
            sale_lag: lag(sale_lags),
            count_lag: lag(count_lags),
            late_percent: if late { 4 } else { 0 },
            unallocated_percent: if unallocated { 15 } else { 0 },
            hasty_percent: if hasty { 12 } else { 0 },
            rows_missing,
        }
    }

    /// Whether the till ever shows something later than it happens.
    pub(super) fn shows_late(&self) -> bool {
        self.sale_lag > Span::ZERO || self.count_lag > Span::ZERO || self.late_percent > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_seeds_are_different_accounts_and_the_same_seed_the_same() {
        let many: Vec<Habits> = (0..64).map(Habits::of_seed).collect();
        assert_eq!(many, (0..64).map(Habits::of_seed).collect::<Vec<_>>());
        let both = |has: fn(&Habits) -> bool| many.iter().any(has) && !many.iter().all(has);
        assert!(both(|h| h.count_first) && both(|h| h.sale_lag > Span::ZERO) && both(|h| h.count_lag > Span::ZERO));
        assert!(both(|h| h.late_percent > 0) && both(|h| h.unallocated_percent > 0) && both(|h| h.hasty_percent > 0));
        assert!(both(|h| h.rows_missing) && both(Habits::shows_late));
        assert!(many.iter().all(|h| h.sale_lag <= Span::secs(5) && h.count_lag <= Span::secs(5)));
    }
}
