//! The equation: what the web should show, and the number that must be written so that it does.
//!
//! ```text
//! should_show = max(0, till_says − waiting − on hold − buffer − checking)
//! difference  = web_shows − should_show
//! ```
//!
//! *Waiting* are web units which the till's own count has not yet given up. *Checking* is a rise at the till that
//! no movement explains yet: it may be a return nobody knows of, so it is not offered for sale before the sales
//! sweep has passed the reading. Falls are never held back.

/// The terms of the sum for one variant at one place. Whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Till says: newest reading plus what the vendor orders after it, over all outlets of the place.
    pub till: i64,
    /// Web units that the till's count still contains.
    pub waiting: i64,
    /// Returned units that nobody has decided about.
    pub hold: i64,
    /// Units kept back on purpose.
    pub buffer: i64,
    /// An unexplained rise, held back for now. Never negative.
    pub checking: i64,
}

/// The result of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Should {
    /// What the web should show; never negative.
    pub units: i64,
    /// How far below zero the sum was.
    pub floored: i64,
}

impl Terms {
    /// Adds the sum up.
    pub fn should_show(&self) -> Should {
        let sum = self
            .till
            .saturating_sub(self.waiting)
            .saturating_sub(self.hold)
            .saturating_sub(self.buffer)
            .saturating_sub(self.checking.max(0));
        Should { units: sum.max(0), floored: (-sum).max(0) }
    }
}

/// What a shop subtracts by itself from the number we write before it shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopSubtracts {
    /// Its own open orders, place by place; it takes no number below what it keeps (Centra physical → free to
    /// allocate).
    OwnOpenOrders,
    /// Its own open orders, from the sum over several places (Magento sources → salable of their stock). It takes any
    /// number, and what one place owes the others must pay.
    OwnOpenOrdersOfAll,
    /// Nothing: it shows what we write.
    Nothing,
}

/// The number to write so that the shop then shows `should`.
///
/// `held_by_shop` are the units that the shop keeps for its own open orders at this moment. They are added back
/// exactly once, because `should` has them subtracted already (they are part of *waiting*) and the shop will
/// subtract them again.
///
/// Where more is sold than there is, the sum is below zero and `should` is not. A shop that subtracts from the sum over
/// several places must then be told what really is there: a place that were raised to its orders would let the shop
/// offer, from another place, what it owes here; and once an order is cancelled it would offer what nobody has.
pub fn number_to_write(should: Should, held_by_shop: i64, subtracts: ShopSubtracts) -> i64 {
    let (units, held) = (should.units.max(0), held_by_shop.max(0));
    match subtracts {
        ShopSubtracts::OwnOpenOrders => units.saturating_add(held),
        ShopSubtracts::OwnOpenOrdersOfAll => units.saturating_sub(should.floored.max(0)).saturating_add(held).max(0),
        ShopSubtracts::Nothing => units,
    }
}

/// What the shop shows once `written` is in its books.
pub fn shop_shows(written: i64, held_by_shop: i64, subtracts: ShopSubtracts) -> i64 {
    match subtracts {
        ShopSubtracts::OwnOpenOrders => written - held_by_shop,
        ShopSubtracts::OwnOpenOrdersOfAll => (written - held_by_shop).max(0),
        ShopSubtracts::Nothing => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sum_is_a_sum() {
        //          till wait hold buf check -> should floored
        let table = [
            ((6, 1, 1, 1, 0), (3, 0)),
            ((1, 2, 0, 0, 0), (0, 1)),
            ((0, 0, 0, 0, 0), (0, 0)),
            ((-3, 0, 0, 0, 0), (0, 3)),
            ((9, 0, 0, 0, 2), (7, 0)),
            ((9, 0, 0, 0, -2), (9, 0)),
        ];
        for ((till, waiting, hold, buffer, checking), (units, floored)) in table {
            let terms = Terms { till, waiting, hold, buffer, checking };
            assert_eq!(terms.should_show(), Should { units, floored }, "{terms:?}");
        }
    }

    #[test]
    fn what_really_is_there_is_written_where_places_share_their_orders() {
        //          should floored held -> one place by itself, of several, one that subtracts nothing
        let table = [
            ((4, 0, 2), [6, 6, 4]),
            ((0, 3, 5), [5, 2, 0]),
            ((0, 9, 5), [5, 0, 0]),
            ((0, 0, 0), [0, 0, 0]),
            ((7, 0, -1), [7, 7, 7]),
        ];
        for ((units, floored, held), want) in table {
            let should = Should { units, floored };
            let rules = [ShopSubtracts::OwnOpenOrders, ShopSubtracts::OwnOpenOrdersOfAll, ShopSubtracts::Nothing];
            assert_eq!(rules.map(|rule| number_to_write(should, held, rule)), want, "{should:?}, {held} held");
        }
    }

    proptest! {
        /// No open order is subtracted twice or never: whatever the shop holds for its own orders, after our
        /// write it shows exactly what it should.
        #[test]
        fn what_we_write_makes_the_shop_show_what_it_should(
            till in -50i64..500, open in 0i64..40, shipped in 0i64..40, hold in 0i64..9, buffer in 0i64..9,
        ) {
            // The till has given up none of them; the shop still holds only the open ones.
            let terms = Terms { till, waiting: open + shipped, hold, buffer, checking: 0 };
            let should = terms.should_show();
            use ShopSubtracts::{Nothing, OwnOpenOrders, OwnOpenOrdersOfAll};
            for subtracts in [OwnOpenOrders, OwnOpenOrdersOfAll, Nothing] {
                let written = number_to_write(should, open, subtracts);
                prop_assert!(written >= 0);
                prop_assert_eq!(shop_shows(written, open, subtracts), should.units);
            }
            prop_assert_eq!(should.units - should.floored, till - open - shipped - hold - buffer);
        }

        /// Of several places of one stock, whichever the orders wait at: the shop offers what all of them have less
        /// what is kept, however much one of them owes, and after orders were cancelled too.
        #[test]
        fn what_one_place_owes_the_others_pay(
            tills in prop::collection::vec(0i64..60, 1..4), open in 0i64..90, cancelled in 0i64..90,
        ) {
            let cancelled = cancelled.min(open);
            let written: i64 = tills.iter().enumerate().map(|(n, till)| {
                let waiting = if n == 0 { open } else { 0 };
                let should = Terms { till: *till, waiting, ..Terms::default() }.should_show();
                number_to_write(should, waiting, ShopSubtracts::OwnOpenOrdersOfAll)
            }).sum();
            let there: i64 = tills.iter().sum();
            prop_assert_eq!(written, there);
            let offers = |kept: i64| shop_shows(written, kept, ShopSubtracts::OwnOpenOrdersOfAll);
            prop_assert_eq!(offers(open), (there - open).max(0));
            prop_assert_eq!(offers(open - cancelled), (there - open + cancelled).max(0));
        }

        /// An order that the shop takes between our reading and our write lowers what it shows by itself.
        #[test]
        fn an_order_taken_meanwhile_is_never_given_back(till in 1i64..500, open in 0i64..20, taken in 1i64..5) {
            let should = Terms { till, waiting: open, ..Terms::default() }.should_show();
            let written = number_to_write(should, open, ShopSubtracts::OwnOpenOrders);
            let shows = shop_shows(written, open + taken, ShopSubtracts::OwnOpenOrders);
            prop_assert_eq!(shows, should.units - taken);
        }

        /// Nothing on hold and nothing being checked is ever sellable.
        #[test]
        fn what_is_held_is_never_shown(till in 0i64..100, hold in 0i64..100, checking in 0i64..100) {
            let should = Terms { till, hold, checking, ..Terms::default() }.should_show().units;
            prop_assert!(should <= (till - hold - checking).max(0));
        }
    }
}
