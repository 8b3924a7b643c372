//! Every write of the product, judged by what it had been told when it wrote.

use super::{Books, at};
use crate::domain::time::{Span, Timestamp};

/// Described cases are kept up to this many; the counters go on.
const DESCRIBED: usize = 50;

/// One row of an absolute write as heard at the transport, with what the shop then holds back by itself.
#[derive(Debug, Clone, Copy)]
pub(in crate::sim) struct SetRow<'a> {
    pub item: usize,
    pub sku: &'a str,
    pub physical: i64,
    /// Units that the shop keeps for its orders.
    pub allocated: i64,
    /// Units of orders to which the shop has not given any yet.
    pub demand: i64,
    /// Units that it keeps and lets nobody see: one that shows no number below zero says the same whatever it keeps
    /// beyond what lies there.
    pub unseen: i64,
    /// Whether it goes to the warehouse that sells.
    pub selling: bool,
}

impl Books {
    /// From now on writes are lawful, and differences count.
    pub fn go_live(&mut self, at: Timestamp) {
        self.live_at = Some(at);
    }

    fn live(&self, now: Timestamp) -> bool {
        self.live_at.is_some_and(|live| now >= live)
    }

    /// Judges one row of an absolute write, before the shop acts on it.
    ///
    /// The number that matters is what customers could buy afterwards: the written count, raised to the shop's
    /// own reservations, less those. It is **unsafe** when that is more than the largest count justified by what
    /// had been told (within `grace`: the best of the last moments), when it is less than the most careful count
    /// that what had been told allows, when no count of every feeding outlet had been told at all, when it goes to
    /// another warehouse or to an item that nobody has matched, or before going live. A write that is justified and
    /// still offers more than the truth because a shipment had not been told is a **race**.
    pub fn judge_set(&mut self, row: SetRow<'_>, grace: Span, now: Timestamp) {
        self.rows_written += 1;
        let SetRow { item, sku, physical, allocated, demand, unseen, selling } = row;
        let at_this_moment = now.rfc3339();
        if !self.live(now) {
            return self.unsafe_write(format!("{sku}: {physical} written before going live"));
        }
        if !selling {
            return self.unsafe_write(format!("{sku}: {physical} written to a warehouse that sells nothing"));
        }
        if !self.matched.get(item).copied().unwrap_or(false) {
            return self.unsafe_write(format!("{sku}: {physical} written although nobody has matched it"));
        }
        let Some(most) = self.most_justified(item, grace, now) else {
            return self.unsafe_write(format!("{sku}: {physical} written without a count of every outlet"));
        };
        let offers = |count: i64| (count - allocated).max(0);
        if offers(physical) > offers(most) {
            return self.unsafe_write(format!(
                "{sku}: {physical} written at {at_this_moment}, at most {most} was justified ({allocated} reserved)"
            ));
        }
        // What has been shipped is gone, also for a product that has not been told of it: whoever sees the shop keep
        // nothing for an order any more, and offers that much less, offers what is there.
        let unknown_shipments = at(&self.web_shipped, item) - at(&self.told_shipped, item);
        let given_up = demand + unseen + unknown_shipments.max(0);
        let least = self.least_justified(item, now);
        if let Some(least) = least.map(|least| least - given_up).filter(|least| offers(physical) < offers(*least)) {
            return self.unsafe_write(format!(
                "{sku}: {physical} written at {at_this_moment}, at least {least} was justified ({allocated} reserved)"
            ));
        }
        if unknown_shipments > 0 && offers(physical) > self.should_show(item) {
            self.races += 1;
        }
    }

    /// Judges a relative change: never used for counts, so it is lawful only after going live.
    pub fn judge_change(&mut self, sku: &str, now: Timestamp) {
        if !self.live(now) {
            self.unsafe_write(format!("{sku}: changed before going live"));
        }
    }

    /// Something was done to an item under this description. A second time is a surplus effect: a description names
    /// one intent. The product knows the shop's count of it again.
    pub fn done_as(&mut self, description: &str, item: usize) {
        if !self.descriptions.insert((description.to_owned(), item)) {
            self.surplus += 1;
        }
        self.known_again(item);
    }

    /// The product has written an item's count: nobody's hand in the shop's books is hidden from it any more.
    pub fn known_again(&mut self, item: usize) {
        if let Some(blind) = self.blind.get_mut(item) {
            *blind = None;
        }
    }

    fn unsafe_write(&mut self, words: String) {
        self.unsafe_writes += 1;
        if self.unsafe_described.len() < DESCRIBED {
            self.unsafe_described.push(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::WARY;
    use super::super::{Effect, Knowledge};
    use super::*;

    const ROW: SetRow<'_> = SetRow { item: 0, sku: "", physical: 0, allocated: 0, demand: 0, unseen: 0, selling: true };

    fn unsafe_after(books: &mut Books, row: SetRow<'_>, now: Timestamp) -> u64 {
        let before = books.unsafe_writes;
        books.judge_set(row, Span::ZERO, now);
        books.unsafe_writes - before
    }

    #[test]
    fn a_count_told_late_may_include_a_sale_told_long_ago_or_not() {
        let start = Timestamp::from_secs(1_000);
        let mut books = Books::open(1, &[(true, 10, 10)], start);
        books.go_live(start);
        books.told(&Knowledge::Count { item: 0, outlet: 0, version: 5, on_hand: 10 }, start);
        let line = "l".to_owned();
        let (item, outlet) = (0, 0);
        let effect = Effect {
            sale: 0,
            number: 0,
            sale_version: 0,
            inventory_version: 0,
            line,
            item,
            outlet,
            on_hand: -1,
            on_hold: 0,
        };
        let number = books.effect(effect, start);
        books.sale_surfaced(0, number..number + 1, 9);
        books.count_surfaced(0, number, 8);
        books.told(&Knowledge::Sale { sale: 0, version: 9 }, start);
        // The till is busy for six minutes; then its count of version 8 comes, before the sale by the till's own order.
        let late = start + Span::minutes(6);
        let written = |physical| SetRow { physical, ..ROW };
        assert_eq!(unsafe_after(&mut books, written(8), late), 1, "nothing has been told since");
        books.told(&Knowledge::Count { item: 0, outlet: 0, version: 8, on_hand: 9 }, late);
        assert_eq!(unsafe_after(&mut books, written(9), late), 0, "nine are there");
        assert_eq!(unsafe_after(&mut books, written(8), late), 0, "counted twice to be careful");
        assert_eq!(unsafe_after(&mut books, written(7), late), 1, "it is one sale");
        assert_eq!(unsafe_after(&mut books, written(10), late), 1, "one too many");
        assert_eq!(unsafe_after(&mut books, written(8), late + WARY + Span::secs(1)), 1, "care has its time");
    }

    #[test]
    fn what_the_shop_keeps_unseen_need_not_be_added_back() {
        let now = Timestamp::from_secs(1_000);
        let mut books = Books::open(1, &[(true, 10, 0)], now);
        books.go_live(now);
        books.told(&Knowledge::Count { item: 0, outlet: 0, version: 5, on_hand: 10 }, now);
        books.ordered(0, 2, now);
        books.told(&Knowledge::Order { order: 0, lines: vec![(0, 2, 0)] }, now);
        // Nothing lies there and two are kept: it shows nothing on the shelf and nothing offered.
        let hidden = SetRow { physical: 8, allocated: 2, unseen: 2, ..ROW };
        assert_eq!(unsafe_after(&mut books, hidden, now), 0);
        assert_eq!(unsafe_after(&mut books, SetRow { physical: 7, ..hidden }, now), 1);
        assert_eq!(unsafe_after(&mut books, SetRow { unseen: 0, ..hidden }, now), 1, "now it is seen");
        assert_eq!(unsafe_after(&mut books, SetRow { physical: 11, ..hidden }, now), 1, "never more");
    }

    #[test]
    fn a_shipment_that_was_not_told_makes_the_true_count_no_unsafe_one() {
        let now = Timestamp::from_secs(1_000);
        let mut books = Books::open(1, &[(true, 10, 10)], now);
        books.go_live(now);
        books.told(&Knowledge::Count { item: 0, outlet: 0, version: 5, on_hand: 10 }, now);
        books.ordered(0, 1, now);
        books.told(&Knowledge::Order { order: 0, lines: vec![(0, 1, 0)] }, now);
        books.shipped(0, 1, now);
        let mut written = |physical| unsafe_after(&mut books, SetRow { physical, ..ROW }, now);
        assert_eq!(written(9), 0, "nine are there");
        assert_eq!(written(8), 1, "one too few");
        assert_eq!(written(11), 1, "one too many by all that was told");
    }
}
