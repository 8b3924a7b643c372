//! Which units of a web order are still in the till's own count.
//!
//! Nobody tells the till of a web order, so its units wait: they are subtracted from what the till says. But a shop
//! that is connected tells of every order it ever had. Those that had left before the till's stock was first read are
//! not in that count any more: our books begin behind them. That the till had given them up by then is taken for
//! granted, because a stock that is counted at all was counted since.

use super::fact::OrderState;
use super::time::{Span, Timestamp};

/// By how much an order must have left before the books began: two clocks differ, and a shop prints whole seconds.
pub const CLOCKS_DIFFER: Span = Span::minutes(5);

/// By when an order had left: its first change by which we knew it as shipped; zero when it has not left. A later
/// change of a shipped order, such as a refund, does not make it leave later.
pub fn left_by(state: &OrderState, changed_at: Timestamp, before: Timestamp) -> Timestamp {
    match state {
        OrderState::Shipped if before > Timestamp(0) => before.min(changed_at),
        OrderState::Shipped => changed_at,
        OrderState::Open | OrderState::Cancelled | OrderState::Unknown(_) => Timestamp(0),
    }
}

/// Whether what left by then is behind our books, which began at `books_began`. While that is not known (zero) it is
/// not.
pub fn is_behind_the_books(left_by: Timestamp, books_began: Timestamp) -> bool {
    left_by > Timestamp(0) && books_began > Timestamp(0) && left_by + CLOCKS_DIFFER <= books_began
}

/// How many of an order's units wait at a warehouse.
pub fn waits(units: i64, state: &OrderState, left_by: Timestamp, books_began: Timestamp) -> i64 {
    match state {
        OrderState::Cancelled => 0,
        OrderState::Shipped if is_behind_the_books(left_by, books_began) => 0,
        // One that has left in part waits whole: the shop does not say which part.
        OrderState::Open | OrderState::Shipped | OrderState::Unknown(_) => units,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKS: Timestamp = Timestamp::from_secs(1_000_000);

    #[test]
    fn only_what_had_left_before_the_books_began_no_longer_waits() {
        let shipped = OrderState::Shipped;
        let long_ago = Timestamp::from_secs(1_000);
        let just_before = BOOKS - Span::secs(1);
        let at_the_edge = BOOKS - CLOCKS_DIFFER;
        let after = BOOKS + Span::secs(1);
        let unknown = OrderState::Unknown("REVIEW".into());
        // state, when it changed, by when we knew it as shipped before, when the books began -> units that wait of 3
        let table = [
            ("shipped years ago", &shipped, long_ago, Timestamp(0), BOOKS, 0),
            ("shipped at the edge", &shipped, at_the_edge, Timestamp(0), BOOKS, 0),
            ("one clock may be wrong", &shipped, just_before, Timestamp(0), BOOKS, 3),
            ("placed before, shipped after", &shipped, after, Timestamp(0), BOOKS, 3),
            ("refunded after, left before", &shipped, after, long_ago, BOOKS, 0),
            ("refunded after, left after", &shipped, after + Span::hours(9), after, BOOKS, 3),
            ("the till was not read yet", &shipped, long_ago, Timestamp(0), Timestamp(0), 3),
            ("placed years ago, never shipped", &OrderState::Open, long_ago, Timestamp(0), BOOKS, 3),
            ("shipped in part, or called back", &OrderState::Open, long_ago, long_ago, BOOKS, 3),
            ("a word we do not know", &unknown, long_ago, Timestamp(0), BOOKS, 3),
            ("cancelled before", &OrderState::Cancelled, long_ago, Timestamp(0), BOOKS, 0),
            ("cancelled after", &OrderState::Cancelled, after, Timestamp(0), BOOKS, 0),
            ("cancelled, till not read", &OrderState::Cancelled, after, Timestamp(0), Timestamp(0), 0),
        ];
        for (why, state, changed_at, before, began, want) in table {
            let left_by = left_by(state, changed_at, before);
            assert_eq!(waits(3, state, left_by, began), want, "{why}");
        }
    }
}
