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
    /// Its own open orders (Centra physical → free to allocate; a Magento source → salable).
    OwnOpenOrders,
    /// Nothing: it shows what we write.
    Nothing,
}

/// The number to write so that the shop then shows `should`.
///
/// `held_by_shop` are the units that the shop keeps for its own open orders at this moment. They are added back
/// exactly once, because `should` has them subtracted already (they are part of *waiting*) and the shop will
/// subtract them again.
pub fn number_to_write(should: i64, held_by_shop: i64, subtracts: ShopSubtracts) -> i64 {
    match subtracts {
        ShopSubtracts::OwnOpenOrders => should.max(0).saturating_add(held_by_shop.max(0)),
        ShopSubtracts::Nothing => should.max(0),
    }
}

/// What the shop shows once `written` is in its books.
pub fn shop_shows(written: i64, held_by_shop: i64, subtracts: ShopSubtracts) -> i64 {
    match subtracts {
        ShopSubtracts::OwnOpenOrders => written - held_by_shop,
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
            for subtracts in [ShopSubtracts::OwnOpenOrders, ShopSubtracts::Nothing] {
                let written = number_to_write(should.units, open, subtracts);
                prop_assert!(written >= 0);
                prop_assert_eq!(shop_shows(written, open, subtracts), should.units);
            }
            prop_assert_eq!(should.units - should.floored, till - open - shipped - hold - buffer);
        }

        /// An order that the shop takes between our reading and our write lowers what it shows by itself.
        #[test]
        fn an_order_taken_meanwhile_is_never_given_back(till in 1i64..500, open in 0i64..20, taken in 1i64..5) {
            let should = Terms { till, waiting: open, ..Terms::default() }.should_show().units;
            let written = number_to_write(should, open, ShopSubtracts::OwnOpenOrders);
            let shows = shop_shows(written, open + taken, ShopSubtracts::OwnOpenOrders);
            prop_assert_eq!(shows, should - taken);
        }

        /// Nothing on hold and nothing being checked is ever sellable.
        #[test]
        fn what_is_held_is_never_shown(till in 0i64..100, hold in 0i64..100, checking in 0i64..100) {
            let should = Terms { till, hold, checking, ..Terms::default() }.should_show().units;
            prop_assert!(should <= (till - hold - checking).max(0));
        }
    }
}
