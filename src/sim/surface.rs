//! When the till shows what has happened: at once, or seconds later where the account plays it so.
//!
//! What happened is true at once. A sale and each count that it moved are records of their own: each becomes visible
//! at its moment, takes its version then or has taken it before (a transaction that commits late), and is told to
//! whoever listens. Records of one sale and of one count keep their order.

use super::auditor::{Effect, Knowledge, UNSEEN};
use super::lightspeed_x::hooks;
use super::till::{CLOSED, PENDING, SAVED, Sale, VOIDED};
use super::world::State;
use crate::domain::time::{Span, Timestamp};
use rand::Rng;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The longest time that a late transaction takes.
const LATE: Span = Span::secs(5);

/// A change of one count: item and outlet, units, and which movement of which sale it was, if it was one.
type Moved = ((usize, usize), i64, Option<(usize, usize)>);

/// A record that has happened and that nobody can see yet.
#[derive(Debug)]
enum Hidden {
    Sale { sale: usize, as_it_was: Box<Sale>, version: Option<i64>, moved: Range<usize> },
    Count { row: (usize, usize), by: i64, version: Option<i64>, effect: Option<(usize, usize)> },
}

/// What the till has yet to show.
#[derive(Debug, Default)]
pub(super) struct Surface {
    hidden: BTreeMap<(Timestamp, u64), Hidden>,
    next: u64,
    busy_sales: HashMap<usize, Timestamp>,
    busy_rows: HashMap<(usize, usize), Timestamp>,
    /// Sales as the till shows them, while it shows anything late.
    shown: HashMap<usize, Sale>,
}

impl Surface {
    pub fn next_at(&self) -> Option<Timestamp> {
        self.hidden.keys().next().map(|key| key.0)
    }

    fn put(&mut self, at: Timestamp, hidden: Hidden) {
        self.next += 1;
        self.hidden.insert((at, self.next), hidden);
    }
}

impl State {
    /// A sale as the till shows it; nothing before it shows it at all.
    pub fn seen(&self, sale: usize) -> Option<&Sale> {
        let seen = if self.habits.shows_late() && !self.till.is_earlier(sale) {
            self.surface.shown.get(&sale)
        } else {
            self.till.sales.get(sale)
        };
        seen.filter(|sale| sale.version > 0)
    }

    /// Shows what is due by now.
    pub fn surface_next(&mut self) {
        let Some((_, hidden)) = self.surface.hidden.pop_first() else { return };
        match hidden {
            Hidden::Sale { sale, as_it_was, version, moved } => self.show_sale(sale, *as_it_was, version, moved),
            Hidden::Count { row, by, version, effect } => {
                self.show_count(row, by, version, effect);
                self.post_count(row.0, row.1);
            }
        }
    }

    /// When a record of this kind is to be seen, and its version if it has taken one already. `busy` is when the
    /// last change of the same record is to be seen.
    fn moment(&mut self, lag: Span, busy: Option<Timestamp>) -> (Timestamp, Option<i64>) {
        let now = self.now;
        let busy = busy.filter(|busy| *busy > now);
        if !self.habits.shows_late() || (self.r.at_once && busy.is_none()) {
            return (now, None);
        }
        let late = self.habits.late_percent > 0 && self.lags.random_range(0..100) < self.habits.late_percent;
        if late && busy.is_none() {
            let version = self.till.next_version();
            return (now + Span(self.lags.random_range(Span::secs(1).0..=LATE.0)), Some(version));
        }
        let lag = if lag == Span::ZERO { lag } else { Span(self.lags.random_range(0..=lag.0)) };
        ((now + lag).max(busy.unwrap_or(now)), None)
    }

    /// Sets the state of a sale and moves what that moves; the till shows it when its time has come.
    pub fn publish_sale(&mut self, sale: usize, status: &'static str) {
        let (now, keeps_payments) = (self.now, self.till.numbered);
        let gone = self.till.sales.get(sale).map(|row| self.x.gone(sale, row, status)).unwrap_or_default();
        let dated = self.x.sales.get(&sale).is_some_and(|notes| notes.date.is_some());
        let Some(row) = self.till.sales.get_mut(sale) else { return };
        let outlet = self.till.registers.get(row.register).map_or(0, |r| r.outlet);
        if status == VOIDED && !keeps_payments {
            row.payments.clear();
        }
        if status == CLOSED && (row.status == SAVED || row.status == PENDING) {
            if row.status == SAVED && !dated {
                row.date = now;
            }
            row.completed_at.get_or_insert(now);
        }
        row.status = status;
        row.updated_at = now;
        let linked = row.return_for.is_some();
        let mut moves = Vec::new();
        for (line, target) in row.lines.iter_mut().zip(gone) {
            if target != line.moved {
                moves.push((line.id.clone(), line.item, target - line.moved, line.quantity < 0));
                line.moved = target;
            }
        }
        let summary = format!("sale {} {} {} moves", row.id, status, moves.len());
        self.note(&summary);
        let from = self.books.moved_by(sale);
        let mut rows = Vec::new();
        for (line, item, left, is_return) in moves {
            let on_hold = if is_return && !linked { -left } else { 0 };
            let outlet = self.x.leaves(sale, &line).unwrap_or(outlet);
            let effect = Effect {
                sale,
                number: 0,
                sale_version: 0,
                inventory_version: 0,
                line,
                item,
                outlet,
                on_hand: -left,
                on_hold,
            };
            let number = self.books.effect(effect, now);
            if let Some(row) = self.till.row_mut(item, outlet) {
                row.on_hand -= left;
            }
            rows.push(((item, outlet), -left, Some((sale, number))));
        }
        let moved = from..from + rows.len();
        if self.habits.count_first {
            let told = self.counts_follow(rows);
            self.sale_follows(sale, moved);
            self.post_counts(told);
        } else {
            self.sale_follows(sale, moved);
            let told = self.counts_follow(rows);
            self.post_counts(told);
        }
    }

    /// The till will show this state of a sale.
    fn sale_follows(&mut self, sale: usize, moved: Range<usize>) {
        let busy = self.surface.busy_sales.get(&sale).copied();
        let (at, version) = self.moment(self.habits.sale_lag, busy);
        let Some(as_it_was) = self.till.sales.get(sale).cloned() else { return };
        self.books.marks.sale_recorded(sale, version.unwrap_or(UNSEEN), self.now);
        if at <= self.now {
            return self.show_sale(sale, as_it_was, version, moved);
        }
        self.surface.busy_sales.insert(sale, at);
        self.surface.put(at, Hidden::Sale { sale, as_it_was: Box::new(as_it_was), version, moved });
    }

    fn show_sale(&mut self, sale: usize, mut as_it_was: Sale, version: Option<i64>, moved: Range<usize>) {
        let version = version.unwrap_or_else(|| self.till.next_version());
        let Some(row) = self.till.sales.get_mut(sale) else { return };
        self.till.sale_by_version.remove(&row.version);
        row.version = version;
        self.till.sale_by_version.insert(version, sale);
        self.books.sale_surfaced(sale, moved, version);
        if self.surface.busy_sales.get(&sale).is_none_or(|busy| *busy <= self.now) {
            let recorded = as_it_was.updated_at;
            self.surface.busy_sales.remove(&sale);
            self.books.marks.sale_recorded(sale, version, recorded);
        }
        if self.habits.shows_late() {
            as_it_was.version = version;
            self.till.now_shown(sale);
            self.surface.shown.insert(sale, as_it_was);
        }
        self.r_sale_shown(sale);
        let body = hooks::sale(self, sale);
        self.post_till("sale.update", &body, Some(Knowledge::Sale { sale, version }));
    }

    /// The till will show these changes of counts; those that it shows at once.
    fn counts_follow(&mut self, moves: Vec<Moved>) -> Vec<(usize, usize)> {
        let mut shown = Vec::new();
        for (row, by, effect) in moves {
            let busy = self.surface.busy_rows.get(&row).copied();
            let lag = if effect.is_some() { self.habits.count_lag } else { Span::ZERO };
            let (at, version) = self.moment(lag, busy);
            if let Some(version) = version {
                self.books.marks.count_recorded(row.0, row.1, version, self.now);
            }
            if at <= self.now {
                self.show_count(row, by, version, effect);
                shown.push(row);
            } else {
                self.surface.busy_rows.insert(row, at);
                self.surface.put(at, Hidden::Count { row, by, version, effect });
            }
        }
        shown.sort_unstable();
        shown.dedup();
        shown
    }

    fn show_count(&mut self, at: (usize, usize), by: i64, version: Option<i64>, effect: Option<(usize, usize)>) {
        let version = version.unwrap_or_else(|| self.till.next_version());
        let (item, outlet) = at;
        let Some(row) = self.till.row_mut(item, outlet) else { return };
        let before = std::mem::replace(&mut row.version, version);
        row.shown += by;
        self.till.stock_by_version.remove(&before);
        self.till.stock_by_version.insert(version, at);
        if self.surface.busy_rows.get(&at).is_none_or(|busy| *busy <= self.now) {
            self.surface.busy_rows.remove(&at);
            self.books.marks.count_recorded(item, outlet, version, self.now);
        }
        self.r_count_shown(at, by, effect.map(|(sale, _)| sale));
        match effect {
            Some((sale, number)) => self.books.count_surfaced(sale, number, version),
            None => self.books.typed.push((item, outlet, by, version, self.now)),
        }
    }

    fn post_counts(&mut self, rows: Vec<(usize, usize)>) {
        for (item, outlet) in rows {
            self.post_count(item, outlet);
        }
    }

    fn post_count(&mut self, item: usize, outlet: usize) {
        let Some(row) = self.till.stock.get(item).and_then(|rows| rows.get(outlet)) else { return };
        let knowledge = Knowledge::Count { item, outlet, version: row.version, on_hand: row.shown };
        let body = hooks::count(self, item, outlet);
        self.post_till("inventory.update", &body, Some(knowledge));
    }

    /// A change of a count that is no sale: somebody counted, received or typed.
    pub fn adjust_till(&mut self, item: usize, outlet: usize, by: i64, why: &str) {
        let Some(row) = self.till.row_mut(item, outlet).filter(|_| by != 0) else { return };
        row.on_hand += by;
        self.note(&format!("till {why} item {item} outlet {outlet} by {by}"));
        self.books.till_changed(item, by, self.now);
        let told = self.counts_follow(vec![((item, outlet), by, None)]);
        self.post_counts(told);
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::time::Span;
    use crate::sim::{Habits, Options, World};
    use std::collections::BTreeSet;

    fn world(habits: Habits) -> World {
        World::open(Options { habits: Some(habits), ..Options::still(7, 40) })
    }

    fn plenty(world: &World) -> String {
        world.skus().into_iter().find(|sku| world.till_on_hand(sku) > Some(45)).expect("something in both stores")
    }

    /// Newest versions of the first sale and of the highest count, as the till shows them.
    fn seen(world: &World) -> (i64, i64) {
        let state = world.lock();
        let count = state.till.stock_by_version.keys().next_back().copied().unwrap_or(0);
        (state.seen(0).map_or(0, |sale| sale.version), count)
    }

    #[test]
    fn an_account_may_number_the_count_before_its_sale_or_after() {
        for count_first in [false, true] {
            let world = world(Habits { count_first, ..Habits::PLAIN });
            world.sell(&plenty(&world), "Soho", 1).expect("in stock");
            let (sale, count) = seen(&world);
            assert_eq!(count < sale, count_first, "{sale} {count}");
        }
    }

    #[test]
    fn a_sale_and_its_count_come_to_be_seen_on_their_own() {
        let lag = Span::secs(5);
        let mut orders = BTreeSet::new();
        let world = world(Habits { sale_lag: lag, count_lag: lag, ..Habits::PLAIN });
        let sku = plenty(&world);
        for n in 0..20 {
            let (before, shown) = (world.till_on_hand(&sku), seen(&world).1);
            world.sell(&sku, "Soho", 1).expect("in stock");
            assert_eq!(world.till_on_hand(&sku), before.map(|n| n - 1), "it is gone at once");
            let (mut sale_at, mut count_at) = (0, 0);
            for step in 0..60 {
                {
                    let state = world.lock();
                    let count = state.till.stock_by_version.keys().next_back().copied();
                    if sale_at == 0 && state.seen(n).is_some() {
                        sale_at = step + 1;
                    }
                    if count_at == 0 && count > Some(shown) {
                        count_at = step + 1;
                    }
                }
                world.advance_to(world.now() + Span::millis(100));
            }
            assert!(sale_at > 0 && count_at > 0, "both are seen within five seconds: {sale_at} {count_at}");
            orders.insert(sale_at.cmp(&count_at));
        }
        assert_eq!(orders.len().max(2), orders.len(), "now the one is first, now the other: {orders:?}");
        let state = world.lock();
        assert!(state.till.stock.iter().flatten().all(|row| row.on_hand == row.shown), "nothing stays hidden");
        assert!(state.surface.next_at().is_none());
    }

    #[test]
    fn a_late_transaction_is_seen_below_versions_that_were_seen_before() {
        let world = world(Habits { late_percent: 40, ..Habits::PLAIN });
        let sku = plenty(&world);
        let mut sales = BTreeSet::new();
        let (mut highest, mut late) = (0, 0);
        for step in 0..400 {
            if step % 20 == 0 {
                world.sell(&sku, "Soho", 1).expect("in stock");
            }
            let state = world.lock();
            for version in state.till.sale_by_version.keys().chain(state.till.stock_by_version.keys()) {
                if sales.insert(*version) && step > 0 {
                    late += u32::from(*version < highest);
                }
            }
            highest = sales.iter().next_back().copied().unwrap_or(0);
            drop(state);
            world.advance_to(world.now() + Span::millis(100));
        }
        assert!(late > 2, "{late}");
        assert_eq!(world.expected_movements().len(), 20);
    }

    #[test]
    fn a_sale_that_is_edited_before_it_was_seen_is_seen_once_and_then_again() {
        let world = world(Habits { sale_lag: Span::secs(5), ..Habits::PLAIN });
        let sku = plenty(&world);
        let sales: Vec<String> = (0..10).map(|_| world.sell(&sku, "Soho", 1).expect("in stock")).collect();
        for sale in &sales {
            world.edit_note(sale, "gift").expect("known");
        }
        let (mut versions, mut notes) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..200 {
            let state = world.lock();
            versions.extend((0..sales.len()).filter_map(|n| state.seen(n)).map(|s| s.version));
            notes.extend((0..sales.len()).filter_map(|n| state.seen(n)).map(|s| s.note.clone()));
            drop(state);
            world.advance_to(world.now() + Span::millis(50));
        }
        assert!(versions.len() > sales.len(), "{}", versions.len());
        assert_eq!(notes, BTreeSet::from([String::new(), "gift".into()]));
        assert_eq!(world.expected_movements().len(), sales.len());
        let state = world.lock();
        assert!((0..sales.len()).all(|n| state.seen(n).is_some_and(|s| s.note == "gift")), "the last state stays");
    }
}
