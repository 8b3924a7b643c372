//! Readings and movements joined, so that a sale is never counted both in a reading and as a movement.
//!
//! A till tells us its count (a *reading*) and what it sold (*movements*). Which of the two came later is decided
//! by the vendor's own order, never by clocks: a movement ordered after the reading is added to it, one ordered
//! before is already inside. What a reading changed beyond its movements is *pending* until the sales sweep has
//! passed it and some time has gone by, and is then booked as a movement of its own.

use super::time::{Span, Timestamp};

/// How long a change that nothing explains waits for its document. No vendor says that a sale and the count it moves
/// become visible at one instant, nor that versions become visible in their order; both are taken to be within this.
pub const SETTLE_AFTER: Span = Span::minutes(2);

/// Movements of one shelf between two places in the vendor's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Between {
    /// Their sum.
    pub units: i64,
    /// The sum of those that are positive: what came back.
    pub rises: i64,
}

impl From<i64> for Between {
    /// One movement, or several in one direction.
    fn from(units: i64) -> Self {
        Self { units, rises: units.max(0) }
    }
}

/// A till's count of one product at one outlet, as our books join it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TillCount {
    /// Whether a reading has ever been seen.
    pub known: bool,
    /// The newest reading, in thousandths of a unit.
    pub on_hand_milli: i64,
    /// The vendor's order of that reading.
    pub version: i64,
    /// The vendor's order up to which movements are inside the reading; at least `version`.
    pub as_of: i64,
    /// Sum of movements ordered after `as_of`.
    pub after: i64,
    /// What readings changed and no movement explains yet. Positive: a rise.
    pub pending: i64,
    /// Rises among it: a fall that no movement explains yet must not hide a rise that none explains either.
    pub risen: i64,
    /// Movements ordered up to here happened before our books began; they change nothing.
    pub base: i64,
    /// Since when at the latest `pending_old` and `risen_old` have waited for their documents; zero while nothing is
    /// pending.
    pub pending_since: Timestamp,
    /// The older part of `pending`: what comes is taken to explain it first.
    pub pending_old: i64,
    /// The older part of `risen`.
    pub risen_old: i64,
    /// When the last of the younger parts was added.
    pub young_since: Timestamp,
    /// Whether any movement is ordered after `as_of`: two that make up for each other leave `after` at zero.
    pub apart: bool,
}

impl TillCount {
    /// Whole units of the reading: fractions do not sell, so they are rounded down.
    pub fn reading_units(&self) -> i64 {
        whole_units(self.on_hand_milli)
    }

    /// Till says.
    pub fn says(&self) -> i64 {
        self.reading_units().saturating_add(self.after)
    }

    /// An unexplained rise, which must not be offered for sale yet.
    pub fn checking(&self) -> i64 {
        self.pending.max(self.risen)
    }

    /// A change to what is pending. Each part waits its own time, and documents are taken to come in the order of what
    /// they explain: the next return of a busy item is not booked as nobody's because another waited before it.
    fn pend(&mut self, now: Timestamp, change: impl FnOnce(&mut Self)) {
        let (pending, risen) = (self.pending, self.risen);
        change(self);
        let turned = pending.signum() != self.pending.signum();
        let less = pending.abs() - self.pending.abs();
        let fewer = risen - self.risen;
        self.pending_old = if turned { 0 } else { pending.signum() * (self.pending_old.abs() - less.max(0)).max(0) };
        self.risen_old = (self.risen_old - fewer.max(0)).max(0);
        if (turned && self.pending != 0) || (!turned && less < 0) || fewer < 0 {
            self.young_since = now;
        }
        self.age();
    }

    /// When no old part is left, the young ones are the old.
    fn age(&mut self) {
        if !self.is_pending() {
            (self.pending_since, self.young_since) = (Timestamp(0), Timestamp(0));
            (self.pending_old, self.risen_old) = (0, 0);
        } else if self.pending_old == 0 && self.risen_old == 0 {
            self.pending_since = self.young_since;
            (self.pending_old, self.risen_old) = (self.pending, self.risen);
        }
    }

    fn is_pending(&self) -> bool {
        self.pending != 0 || self.risen != 0
    }

    /// A movement has been booked.
    pub fn moved(&mut self, units: i64, order: i64, now: Timestamp) {
        if self.known && order <= self.base {
            // Older than our books: it was inside the first reading.
        } else if !self.known || order > self.as_of {
            self.after += units;
            self.apart = true;
        } else {
            // It is inside the reading already: it explains part of what the reading changed.
            self.pend(now, |count| {
                count.pending -= units;
                // A sale that is told after the count it is in may show that something rose there as well.
                count.risen = (count.risen - units.max(0)).max(0).max(count.pending);
            });
        }
    }

    /// A reading has come. `inside` are our movements ordered after the old `as_of` and not after the reading. Returns
    /// false when the reading is older than what we have.
    pub fn read(&mut self, on_hand_milli: i64, version: i64, inside: impl Into<Between>, now: Timestamp) -> bool {
        let inside = inside.into();
        if self.known && version <= self.version {
            return false;
        }
        if self.known {
            let expected = self.reading_units() + inside.units;
            let change = whole_units(on_hand_milli) - expected;
            // What came back is taken to have been in a reading before, as far as one rose by it, and what this one rose
            // by to be new: the two may make up for each other, and would then be one rise that waits since long.
            let seen_before = inside.rises.min(self.risen);
            // So it is with what was sold and fell: this one's fall is new, and waits its own time. For the rises nothing
            // is taken off: what fell meanwhile may have been another sale.
            let fell_before = (inside.rises - inside.units).min(self.risen - self.pending).max(0);
            self.pend(now, |count| {
                count.pending += fell_before - seen_before;
                count.risen -= seen_before;
            });
            self.pend(now, |count| {
                count.pending += change + seen_before - fell_before;
                count.risen += (change + seen_before).max(0);
            });
            self.after -= inside.units;
        } else {
            // The first reading is where the books begin: what moved before it is inside it.
            self.after -= inside.units;
            self.known = true;
            self.base = self.base.max(version);
        }
        self.on_hand_milli = on_hand_milli;
        self.version = version;
        self.as_of = self.as_of.max(version);
        true
    }

    /// A full look shows another level under the version that we have: the vendor changed it without telling. Returns
    /// false when it is no news.
    pub fn reread(&mut self, on_hand_milli: i64, version: i64, now: Timestamp) -> bool {
        if !self.known || version != self.version || on_hand_milli == self.on_hand_milli {
            return false;
        }
        let change = whole_units(on_hand_milli) - self.reading_units();
        self.pend(now, |count| {
            count.pending += change;
            count.risen += change.max(0);
        });
        self.on_hand_milli = on_hand_milli;
        true
    }

    /// The stock feed had nothing newer for this shelf when it was read to its end at `as_of`; `rises` when goods that
    /// came back are about to be booked. Nothing changes while movements lie after the reading: they are weighed when
    /// the next pass ends. What came back keeps its place after the reading, too: its count may not be visible yet,
    /// and its unit would be held back from a count that does not have it.
    pub fn stands(&mut self, as_of: i64, rises: bool) {
        if self.known && !self.apart {
            self.as_of = self.as_of.max(self.base);
            if !rises {
                self.as_of = self.as_of.max(as_of);
            }
        }
    }

    /// The newest reading was still the vendor's answer at `as_of`. `inside` are our movements ordered after
    /// the old `as_of` and not after the new one: they must be inside the reading, so if the reading did not show them,
    /// that is a change the other way.
    pub fn still_reads(&mut self, as_of: i64, inside: impl Into<Between>, now: Timestamp) {
        let inside = inside.into();
        if !self.known || as_of <= self.as_of {
            return;
        }
        self.pend(now, |count| {
            count.pending -= inside.units;
            count.risen = (count.risen - inside.rises).max(0);
        });
        self.after -= inside.units;
        self.as_of = as_of;
    }

    /// The sales sweep has passed `as_of`, and what is pending has waited for its document long enough: it is nobody's
    /// sale. Returns the units to book, which are none when falls and rises made up for each other. What is younger waits
    /// on.
    ///
    /// While a movement lies after the reading nothing is settled: it may be the document of what is pending, touched
    /// again since, and is joined with it when the stock feed has been read to its end.
    pub fn settle(&mut self, sales_as_of: i64, now: Timestamp) -> Option<i64> {
        // A moment still to come was noted by a clock that has been set back since.
        let waited = self.pending_since > now || now.since(self.pending_since) >= SETTLE_AFTER;
        if self.known && self.is_pending() && self.after == 0 && sales_as_of >= self.as_of && waited {
            let units = self.pending_old;
            self.pending -= units;
            self.risen -= self.risen_old;
            (self.pending_old, self.risen_old) = (0, 0);
            self.age();
            Some(units)
        } else {
            None
        }
    }
}

/// Whole units of a level in thousandths, rounded down (−2.5 is −3).
pub fn whole_units(milli: i64) -> i64 {
    milli.div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// So many seconds after the beginning.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + seconds)
    }

    fn count(on_hand: i64, version: i64) -> TillCount {
        let mut count = TillCount::default();
        count.read(on_hand * 1_000, version, 0, at(0));
        count
    }

    #[test]
    fn a_rise_that_a_late_sale_uncovers_is_not_hidden_by_the_next_fall() {
        // Two were sold and one came back, and the count told both at once; the sale is told after it.
        let mut count = count(28, 10);
        count.read(27_000, 20, 0, at(0));
        count.moved(-2, 15, at(0));
        assert_eq!((count.says(), count.checking()), (27, 1));
        // Another two are sold, and only the count tells: what came back is still nobody's.
        count.read(25_000, 30, 0, at(1));
        assert_eq!((count.says(), count.pending, count.checking()), (25, -1, 1));
        count.moved(-2, 25, at(2));
        assert_eq!((count.pending, count.checking()), (1, 1));
        count.moved(1, 19, at(3));
        assert_eq!((count.pending, count.checking()), (0, 0));
    }

    #[test]
    fn a_sale_is_counted_once_whichever_comes_first() {
        // Sale first, then the reading that contains it.
        let mut a = count(5, 10);
        a.moved(-1, 11, at(0));
        assert_eq!(a.says(), 4);
        a.read(4_000, 12, -1, at(0));
        assert_eq!((a.says(), a.pending), (4, 0));
        // Reading first, then the sale that it contains: a fall shows at once and is explained later.
        let mut b = count(5, 10);
        b.read(4_000, 12, 0, at(0));
        assert_eq!((b.says(), b.pending, b.checking()), (4, -1, 0));
        b.moved(-1, 11, at(0));
        assert_eq!((b.says(), b.pending), (4, 0));
    }

    #[test]
    fn an_older_reading_changes_nothing() {
        let mut a = count(5, 10);
        assert!(!a.read(9_000, 9, 0, at(0)));
        assert!(!a.read(9_000, 10, 0, at(0)));
        assert_eq!(a.says(), 5);
    }

    #[test]
    fn an_unexplained_rise_is_checked_before_it_is_sold() {
        let mut a = count(5, 10);
        a.read(6_000, 12, 0, at(0));
        assert_eq!((a.says(), a.checking()), (6, 1));
        assert_eq!(a.settle(11, at(120)), None, "the sweep has not passed it");
        assert_eq!(a.settle(12, at(119)), None, "its document may not be visible yet");
        assert_eq!(a.settle(12, at(120)), Some(1));
        assert_eq!((a.says(), a.checking()), (6, 0));
    }

    #[test]
    fn a_fall_nobody_explained_yet_hides_no_rise() {
        // Two sold and one come back, each seen in a reading; of neither have we read the document.
        let mut a = count(5, 10);
        a.read(3_000, 12, 0, at(0));
        a.read(4_000, 14, 0, at(0));
        assert_eq!((a.says(), a.pending, a.checking()), (4, -1, 1), "the one that came back may be on hold");
        a.moved(-2, 11, at(0));
        assert_eq!((a.pending, a.checking()), (1, 1));
        a.moved(1, 13, at(0));
        assert_eq!((a.says(), a.pending, a.checking()), (4, 0, 0));
        // Nobody's sale and nobody's return: they are booked together, and nothing stays checked.
        let mut b = count(5, 10);
        b.read(4_000, 12, 0, at(0));
        b.read(5_000, 14, 0, at(0));
        assert_eq!((b.pending, b.checking()), (0, 1));
        assert_eq!(b.settle(14, at(120)), Some(0));
        assert_eq!((b.says(), b.checking(), b.settle(14, at(999))), (5, 0, None));
    }

    #[test]
    fn a_sale_touched_again_after_the_reading_is_not_counted_twice() {
        // The goods left at 11, the reading at 12 has them; we first hear of the sale when it was edited at 20.
        let mut a = count(5, 10);
        a.read(4_000, 12, 0, at(0));
        a.moved(-1, 20, at(0));
        assert_eq!(a.says(), 3, "we cannot know yet");
        // The stock feed was read to its end after we knew version 20, and had nothing newer for this product.
        a.still_reads(20, -1, at(0));
        assert_eq!((a.says(), a.pending), (4, 0));
    }

    #[test]
    fn a_return_touched_again_after_its_reading_is_not_offered_twice() {
        // It came back at 11 and the reading at 12 has it; we first hear of it when a note was added at 13.
        let mut a = count(5, 10);
        a.read(6_000, 12, 0, at(0));
        a.moved(1, 13, at(30));
        assert_eq!((a.says(), a.checking()), (7, 1));
        assert_eq!(a.settle(13, at(600)), None, "the movement after the reading may be the same goods");
        a.still_reads(13, 1, at(660));
        assert_eq!((a.says(), a.pending, a.checking()), (6, 0, 0));
        assert_eq!(a.settle(13, at(660)), None, "nothing is left to explain");
    }

    #[test]
    fn the_next_fall_waits_its_own_time_though_a_sale_before_it_was_read_with_it() {
        // Sold at 11 and at 14, and sold again: each count is read first, and its sale is read before the next count.
        let mut a = count(8, 10);
        a.read(7_000, 12, 0, at(0));
        a.moved(-1, 13, at(28));
        a.read(6_000, 14, -1, at(64));
        assert_eq!((a.says(), a.pending), (6, -1), "the first is explained, the second is not");
        a.moved(-1, 15, at(88));
        a.read(5_000, 16, -1, at(147));
        assert_eq!((a.says(), a.pending), (5, -1));
        assert_eq!(a.settle(16, at(148)), None, "the third fell a second ago");
        a.moved(-1, 16, at(150));
        assert_eq!((a.says(), a.pending, a.settle(16, at(600))), (5, 0, None));
    }

    #[test]
    fn a_count_that_follows_its_sale_later_offers_nothing_meanwhile() {
        // The sale is visible as 11; the count that it moves becomes visible as 12, after the feed had ended at 11.
        let mut a = count(5, 10);
        a.moved(-1, 11, at(0));
        a.still_reads(11, -1, at(1));
        assert_eq!((a.says(), a.checking()), (5, 1), "held back: it was sold");
        assert_eq!(a.settle(11, at(60)), None);
        a.read(4_000, 12, 0, at(61));
        assert_eq!((a.says(), a.pending, a.checking(), a.pending_since), (4, 0, 0, Timestamp(0)));
    }

    #[test]
    fn a_return_seen_in_an_earlier_count_explains_the_rise_of_then() {
        // The till counts first: the return is 19 and its count 12; it is told before its count, and sold on at 21.
        let mut a = count(5, 10);
        a.moved(1, 19, at(0));
        a.read(6_000, 12, 0, at(1));
        assert_eq!((a.says(), a.checking()), (7, 1), "one of the two is the same unit");
        a.moved(-1, 21, at(2));
        a.read(5_000, 20, 1, at(3));
        assert_eq!((a.says(), a.pending, a.checking()), (4, -1, 0), "the sale may be in it or not; the return is");
        a.still_reads(30, -1, at(60));
        assert_eq!((a.says(), a.pending, a.checking()), (5, 0, 0));
        // The same when the feed ends instead, whatever is folded beside it.
        let mut b = count(5, 10);
        b.moved(1, 19, at(0));
        b.read(6_000, 12, 0, at(1));
        b.moved(-1, 21, at(2));
        b.still_reads(30, Between { units: 0, rises: 1 }, at(200));
        assert_eq!((b.says(), b.pending, b.checking()), (6, 1, 1), "the count of the sale has not come");
        b.read(5_000, 31, 0, at(201));
        assert_eq!((b.says(), b.pending, b.checking()), (5, 0, 0));
    }

    #[test]
    fn a_unit_that_came_back_is_not_taken_from_a_count_that_cannot_have_it_yet() {
        // The feed ended at 15. The return, 11, is told now; the count that has its unit is shown a moment later, as 16.
        let mut a = count(5, 10);
        a.stands(15, true);
        a.moved(1, 11, at(0));
        assert_eq!((a.says(), a.checking()), (6, 0), "whoever holds the unit back finds five to sell");
        a.read(6_000, 16, 1, at(2));
        assert_eq!((a.says(), a.checking(), a.after), (6, 0, 0));
        // A sale is taken to be inside, and held back until its count is seen.
        a.apart = false;
        a.stands(20, false);
        a.moved(-1, 18, at(3));
        assert_eq!((a.says(), a.checking()), (6, 1));
    }

    #[test]
    fn movements_that_make_up_for_each_other_keep_their_places() {
        let mut a = count(5, 10);
        a.moved(1, 11, at(0));
        a.moved(-1, 20, at(0));
        assert_eq!((a.after, a.apart), (0, true));
        // The feed ended between the two: had this moved the place, one of them would be counted twice.
        a.stands(15, false);
        a.moved(-1, 25, at(1));
        a.read(4_000, 26, -1, at(2));
        assert_eq!((a.says(), a.after, a.pending), (4, 0, 0));
    }

    #[test]
    fn a_busy_items_delivery_is_offered_although_it_is_sold_all_the_time() {
        let mut a = count(5, 10);
        a.read(15_000, 11, 0, at(0));
        for minute in 1..=2 {
            // Each count is seen before its sale.
            a.read((15 - minute) * 1_000, 11 + 2 * minute, 0, at(minute * 50));
            a.moved(-1, 10 + 2 * minute, at(minute * 50 + 1));
        }
        assert_eq!((a.says(), a.checking(), a.pending_since), (13, 10, at(0)));
        // All but those that may have been others meanwhile.
        assert_eq!(a.settle(15, at(120)), Some(8));
        assert_eq!((a.says(), a.checking()), (13, 2));
        assert_eq!((a.settle(15, at(220)), a.settle(15, at(221))), (None, Some(2)));
        assert_eq!(a.checking(), 0);
    }

    #[test]
    fn a_busy_items_returns_are_not_booked_before_their_documents_can_come() {
        // One comes back every 50 s, each seen in a count first; its document follows after a minute.
        let mut a = count(5, 10);
        for n in 0..10 {
            a.read((6 + n) * 1_000, 20 + 10 * n, 0, at(50 * n));
            if n > 0 {
                a.moved(1, 10 * n + 5, at(50 * n + 10));
            }
            assert_eq!((a.pending, a.settle(500, at(50 * n + 49))), (1, None), "the {n}th");
        }
        // And of sales the same.
        let mut b = count(50, 10);
        for n in 0..10 {
            b.read((49 - n) * 1_000, 20 + 10 * n, 0, at(50 * n));
            if n > 0 {
                b.moved(-1, 10 * n + 5, at(50 * n + 10));
            }
            assert_eq!((b.pending, b.settle(500, at(50 * n + 49))), (-1, None), "the {n}th");
        }
        assert_eq!(b.settle(500, at(50 * 9 + 120)), Some(-1), "the last one's document never comes");
    }

    #[test]
    fn a_return_that_is_read_with_the_next_one_gives_it_no_age() {
        // The till counts first: the first return is in the reading 12, and told as 19; the feed does not end behind it
        // for a while. The next reading has another, of which nothing is told yet.
        let mut a = count(5, 10);
        a.moved(1, 19, at(0));
        a.read(6_000, 12, 0, at(1));
        a.read(7_000, 20, 1, at(180));
        assert_eq!((a.says(), a.checking(), a.settle(20, at(180))), (7, 1, None), "it may be on hold");
        a.moved(1, 15, at(181));
        assert_eq!((a.says(), a.checking(), a.pending), (7, 0, 0));
    }

    #[test]
    fn a_rise_that_makes_up_for_a_fall_waits_its_own_time() {
        let mut a = count(5, 10);
        a.read(4_000, 12, 0, at(0));
        a.read(5_000, 14, 0, at(100));
        assert_eq!((a.pending, a.checking(), a.settle(14, at(219))), (0, 1, None));
        assert_eq!((a.settle(14, at(220)), a.checking()), (Some(0), 0));
    }

    #[test]
    fn a_change_to_the_other_side_waits_anew() {
        let mut a = count(5, 10);
        a.read(3_000, 12, 0, at(0));
        a.read(7_000, 14, 0, at(100));
        assert_eq!((a.pending, a.risen, a.settle(14, at(130))), (2, 4, None));
        assert_eq!((a.settle(14, at(220)), a.says(), a.checking()), (Some(2), 7, 0));
    }

    #[test]
    fn a_clock_set_back_holds_nothing_back_for_longer() {
        let mut a = count(5, 10);
        a.read(6_000, 12, 0, at(86_400));
        assert_eq!(a.settle(12, at(0)), Some(1));
    }

    #[test]
    fn a_level_that_changed_under_its_version_is_taken_over() {
        let mut a = count(5, 10);
        a.moved(-1, 11, at(0));
        assert!(!a.reread(5_000, 10, at(0)), "no news");
        assert!(!a.reread(9_000, 9, at(0)), "an older one");
        assert!(a.reread(7_000, 10, at(0)));
        assert_eq!((a.says(), a.checking()), (6, 2));
        assert!(a.reread(3_000, 10, at(0)));
        assert_eq!((a.says(), a.pending, a.checking()), (2, -2, 2));
    }

    #[test]
    fn what_moved_before_our_books_began_changes_nothing() {
        let mut a = count(5, 10);
        a.moved(-1, 9, at(0));
        assert_eq!((a.says(), a.pending), (5, 0));
    }

    #[test]
    fn fractions_do_not_sell() {
        assert_eq!(whole_units(-2_500), -3);
        assert_eq!(whole_units(2_999), 2);
    }

    proptest! {
        /// Whatever the order in which sales and readings reach us, once everything is known the till's last
        /// word stands and nothing is left pending.
        #[test]
        fn arrival_order_does_not_matter(
            steps in prop::collection::vec((1i64..4, any::<bool>()), 1..12),
            order in any::<u64>(),
        ) {
            // The vendor: each step sells some units (version v), sometimes followed by a reading (version v+1).
            enum Told { Sale(i64, i64), Reading(i64, i64) }
            let (mut on_hand, mut version, mut told) = (40i64, 10i64, Vec::new());
            for (units, read) in steps {
                version += 1;
                on_hand -= units;
                told.push(Told::Sale(-units, version));
                version += 1;
                if read { told.push(Told::Reading(on_hand, version)); }
            }
            version += 1;
            told.push(Told::Reading(on_hand, version));
            // A seeded shuffle.
            let mut seed = order | 1;
            for i in (1..told.len()).rev() {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                told.swap(i, (seed >> 33) as usize % (i + 1));
            }
            let mut a = count(40, 10);
            let mut ledger: Vec<(i64, i64)> = Vec::new();
            for t in told {
                match t {
                    Told::Sale(units, v) => { ledger.push((units, v)); a.moved(units, v, at(0)); }
                    Told::Reading(level, v) => {
                        let inside: i64 = ledger.iter().filter(|(_, m)| *m > a.as_of && *m <= v).map(|(u, _)| u).sum();
                        a.read(level * 1_000, v, inside, at(0));
                    }
                }
            }
            prop_assert_eq!(a.says(), on_hand);
            prop_assert_eq!(a.pending, 0);
        }
    }
}
