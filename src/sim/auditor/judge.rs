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
        let SetRow { item, sku, physical, allocated, demand, selling } = row;
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
        let given_up = demand + unknown_shipments.max(0);
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
    use super::super::Knowledge;
    use super::*;

    #[test]
    fn a_shipment_that_was_not_told_makes_the_true_count_no_unsafe_one() {
        let now = Timestamp::from_secs(1_000);
        let mut books = Books::open(1, &[(true, 10, 10)], now);
        books.go_live(now);
        books.told(&Knowledge::Count { item: 0, outlet: 0, version: 5, on_hand: 10 }, now);
        books.ordered(0, 1, now);
        books.told(&Knowledge::Order { order: 0, lines: vec![(0, 1, 0)] }, now);
        books.shipped(0, 1, now);
        let mut unsafe_after = |physical: i64| {
            let row = SetRow { item: 0, sku: "S", physical, allocated: 0, demand: 0, selling: true };
            books.judge_set(row, Span::ZERO, now);
            books.unsafe_writes
        };
        assert_eq!(unsafe_after(9), 0, "nine are there");
        assert_eq!(unsafe_after(8), 1, "one too few");
        assert_eq!(unsafe_after(11), 2, "one too many by all that was told");
    }
}
