//! Which counts to write next, in which order, and which need a look at the shop first.

use super::equation::{ShopSubtracts, Should, number_to_write};
use super::time::{Span, Timestamp};

/// Why a write waits although the shop would take it: we keep below its limit ourselves. Told apart from a busy shop.
pub const PACED: &str = "our allowance is used up";

/// A target whose newest generation the shop has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Our variant id.
    pub variant: String,
    /// Our place id.
    pub place: String,
    /// The shop's product.
    pub product: String,
    /// The shop's warehouse.
    pub warehouse: String,
    /// Newest generation.
    pub generation: i64,
    /// What should show.
    pub should: i64,
    /// How far below zero the sum was.
    pub floored: i64,
    /// Whether the shop's stock was ever read.
    pub web_known: bool,
    /// What lay on its shelf when we last looked or wrote.
    pub web_physical: i64,
    /// What the shop offered then.
    pub web_sellable: i64,
    /// What it kept for its own orders then.
    pub web_allocated: i64,
    /// Units of the shop's open orders that we know of.
    pub known_open: i64,
    /// When that was.
    pub web_read_at: Timestamp,
    /// Nothing known has happened since that could have changed it.
    pub web_fresh: bool,
    /// Outcome of the last write is unknown.
    pub unknown: bool,
    /// The change that waits.
    pub cause_at: Timestamp,
}

impl Due {
    fn sum(&self) -> Should {
        Should { units: self.should, floored: self.floored }
    }
}

/// A shop reading without open orders may be used this long. With open orders it is never used: a shipment may
/// complete at any moment, and writing over it would give its units back to sale.
pub const READING_GOOD_FOR: Span = Span::minutes(60);

/// What to do with a due target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read the shop's stock of it first.
    LookFirst,
    /// It shows already what it should.
    Nothing,
    /// Write this physical number.
    Write(i64),
}

/// Decides on one target. `just_read` is set when the shop's numbers in `due` were read in this very step.
pub fn next(due: &Due, now: Timestamp, just_read: bool, subtracts: ShopSubtracts) -> Next {
    if !just_read {
        let too_old = now.since(due.web_read_at) > READING_GOOD_FOR;
        if !due.web_known || !due.web_fresh || due.unknown || due.web_allocated > 0 || too_old {
            return Next::LookFirst;
        }
    }
    if !due.web_known {
        // The shop does not list it at this warehouse: writing creates the row.
        return Next::Write(number_to_write(due.sum(), 0, subtracts));
    }
    if stands(due, subtracts) {
        return Next::Nothing;
    }
    Next::Write(physical(due, subtracts))
}

/// Whether the shop shows what it must; where places share their orders, also with nothing on the shelf that is not
/// there, for the shop would offer it from another place.
pub fn stands(due: &Due, subtracts: ShopSubtracts) -> bool {
    let owes = subtracts == ShopSubtracts::OwnOpenOrdersOfAll && due.floored > 0;
    due.web_sellable == expected(due) && (!owes || due.web_physical == physical(due, subtracts))
}

/// The number to write. A place that shows nothing may keep more than it lets be seen: then what stands there stays as
/// far as it can be true, and is never raised by what cannot be seen.
fn physical(due: &Due, subtracts: ShopSubtracts) -> i64 {
    let least = number_to_write(due.sum(), held_and_known(due), subtracts);
    let most = number_to_write(due.sum(), due.known_open, subtracts);
    let unseen = due.web_sellable == 0 && due.web_allocated < due.known_open;
    match unseen && due.floored > 0 && subtracts == ShopSubtracts::OwnOpenOrdersOfAll {
        true => due.web_physical.clamp(least, most.max(least)),
        false => least,
    }
}

/// Units that the shop keeps for orders which our sum has subtracted as well. Units kept for an order that we do
/// not know yet are not among them: adding those back would offer a sold unit again.
fn held_and_known(due: &Due) -> i64 {
    due.web_allocated.min(due.known_open).max(0)
}

/// What the shop must show now: what should show, less what it keeps for orders we have yet to read. It never shows
/// less than nothing, whatever it keeps.
pub fn expected(due: &Due) -> i64 {
    (due.should - (due.web_allocated - due.known_open).max(0)).max(0)
}

/// The shop's own orders are not the ones we know: the order sweep must run.
pub fn orders_behind(due: &Due) -> bool {
    due.web_known && due.web_allocated != due.known_open
}

/// How urgent a change is: what falls to nothing first (it is what gets oversold), then other falls by how near
/// to nothing they end, then rises. Smaller is sooner.
pub fn urgency(due: &Due) -> (u8, i64, Timestamp) {
    let falls = !due.web_known || due.should < due.web_sellable;
    match (falls, due.should) {
        (true, 0) => (0, 0, due.cause_at),
        (true, n) => (1, n, due.cause_at),
        (false, n) => (2, n, due.cause_at),
    }
}

#[cfg(test)]
mod tests {
    use super::super::equation::ShopSubtracts::{OwnOpenOrders, OwnOpenOrdersOfAll};
    use super::*;

    fn due() -> Due {
        Due {
            variant: "v".into(),
            place: "p".into(),
            product: "1".into(),
            warehouse: "3".into(),
            generation: 2,
            should: 4,
            floored: 0,
            web_known: true,
            web_physical: 5,
            web_sellable: 5,
            web_allocated: 0,
            known_open: 0,
            web_read_at: Timestamp::from_secs(1_000),
            web_fresh: true,
            unknown: false,
            cause_at: Timestamp::from_secs(1_010),
        }
    }

    #[test]
    fn a_quiet_shop_is_written_to_at_once_and_a_busy_one_is_looked_at_first() {
        let now = Timestamp::from_secs(1_060);
        assert_eq!(next(&due(), now, false, OwnOpenOrders), Next::Write(4));
        for (why, d) in [
            ("open orders", Due { web_allocated: 2, ..due() }),
            ("something happened", Due { web_fresh: false, ..due() }),
            ("outcome unknown", Due { unknown: true, ..due() }),
            ("never read", Due { web_known: false, ..due() }),
            ("read long ago", Due { web_read_at: Timestamp::from_secs(1_060 - 3_601), ..due() }),
        ] {
            assert_eq!(next(&d, now, false, OwnOpenOrders), Next::LookFirst, "{why}");
        }
    }

    #[test]
    fn after_a_look_open_orders_are_added_back_once() {
        let d = Due { web_allocated: 2, known_open: 2, ..due() };
        assert_eq!(next(&d, Timestamp::from_secs(1_060), true, OwnOpenOrders), Next::Write(6));
        let same = Due { web_sellable: 4, ..d };
        assert_eq!(next(&same, Timestamp::from_secs(1_060), true, OwnOpenOrders), Next::Nothing);
    }

    #[test]
    fn an_order_we_have_not_read_is_never_given_back_to_sale() {
        // The shop keeps one unit more than the orders we know: 3 must show, not 4.
        let d = Due { web_allocated: 2, known_open: 1, web_sellable: 3, ..due() };
        assert_eq!(next(&d, Timestamp::from_secs(1_060), true, OwnOpenOrders), Next::Nothing);
        assert!(orders_behind(&d));
        // And when something has to be written, the shop ends at 3 by itself: 5 physical less 2 kept.
        let wrong = Due { web_sellable: 7, ..d.clone() };
        assert_eq!(next(&wrong, Timestamp::from_secs(1_060), true, OwnOpenOrders), Next::Write(5));
        // A shipment we have not read: the shop keeps fewer, so fewer are added back.
        let shipped = Due { web_allocated: 0, known_open: 1, web_sellable: 5, ..d };
        assert_eq!(next(&shipped, Timestamp::from_secs(1_060), true, OwnOpenOrders), Next::Write(4));
    }

    #[test]
    fn a_shop_that_keeps_more_than_there_is_shows_nothing_and_is_left_alone() {
        let d = Due { should: 2, web_allocated: 1_000, known_open: 0, web_sellable: 0, ..due() };
        assert_eq!(expected(&d), 0);
        assert_eq!(next(&d, Timestamp::from_secs(1_060), true, OwnOpenOrders), Next::Nothing);
    }

    #[test]
    fn what_is_owed_is_not_left_standing_on_a_shelf_that_others_pay_for() {
        let owed =
            Due { should: 0, floored: 3, web_physical: 5, web_allocated: 5, known_open: 5, web_sellable: 0, ..due() };
        let next = |due: &Due, rule| next(due, Timestamp::from_secs(1_060), true, rule);
        assert_eq!(next(&owed, OwnOpenOrders), Next::Nothing);
        assert_eq!(next(&owed, OwnOpenOrdersOfAll), Next::Write(2));
        // The shop shows no number below zero, so of five it now lets two be seen.
        let told = Due { web_physical: 2, web_allocated: 2, ..owed };
        assert_eq!(next(&told, OwnOpenOrdersOfAll), Next::Nothing);
        let unseen = |web_physical| Due { web_physical, web_allocated: web_physical.max(0), ..told.clone() };
        assert_eq!(next(&unseen(4), OwnOpenOrdersOfAll), Next::Write(2), "there are two by all we know");
        assert_eq!(next(&unseen(0), OwnOpenOrdersOfAll), Next::Nothing, "never raised by what cannot be seen");
        assert_eq!(next(&unseen(-1), OwnOpenOrdersOfAll), Next::Write(0));
    }

    #[test]
    fn what_falls_to_nothing_goes_first_and_rises_last() {
        let zero = Due { should: 0, ..due() };
        let low = Due { should: 1, ..due() };
        let rise = Due { should: 9, ..due() };
        let mut all = vec![rise.clone(), low.clone(), zero.clone()];
        all.sort_by_key(urgency);
        assert_eq!(all, vec![zero, low, rise]);
    }
}
