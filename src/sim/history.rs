//! What lies behind the accounts when the world begins: sales, returns and web orders of the weeks before.
//!
//! None of it changes a count now. Goods that were sold or came back are inside the counts that the till shows from
//! the beginning; orders that were sent have left both books long ago. Only orders that are open still hold units
//! back. Some of it is touched again later: a new version, and nothing moves.

use super::till::{CLOSED, Wanted};
use super::web::{CANCELLED, CONFIRMED, PROCESSING, SELLING, SHIPPED};
use super::workload::Event;
use super::world::{State, stream};
use crate::domain::time::{Span, Timestamp};
use rand::{Rng, RngCore};
use rand_chacha::ChaCha12Rng;

/// The streams of chance of what happened before, and of its ids.
const STREAMS: (u64, u64) = (5, 6);

/// How far back it goes.
const DAYS: i64 = 30;

/// Of so many documents of before one is touched again on the first day.
const TOUCHED_ONE_IN: u32 = 4;

impl State {
    /// Writes down what happened before the world began.
    pub fn open_history(&mut self) {
        let percent = self.options.history_percent;
        if percent == 0 || self.range.items.is_empty() {
            return;
        }
        let share = |per_day: u32, least: u32| (per_day * percent).div_ceil(100).max(least.min(per_day));
        let (sales, returns, orders) = (
            share(self.options.sales_per_day, 4),
            share(self.options.returns_per_day, 4),
            share(self.options.orders_per_day, 5),
        );
        let mut chance = stream(self.options.seed, STREAMS.0);
        let ids = std::mem::replace(&mut self.ids, stream(self.options.seed, STREAMS.1));
        let now = self.now;
        for n in 0..sales {
            self.now = before(&mut chance, now);
            self.earlier_sale(&mut chance, n);
        }
        for n in 0..returns {
            self.now = now - Span(chance.random_range(Span::hours(2).0..Span::hours(24).0));
            self.earlier_return(&mut chance, n);
        }
        for n in 0..orders {
            self.now = before(&mut chance, now);
            self.earlier_order(&mut chance, n, now);
        }
        (self.now, self.ids) = (now, ids);
        self.till.at(now);
        for item in 0..self.range.items.len() {
            self.tell_books_what_shows(item);
        }
    }

    fn earlier_sale(&mut self, chance: &mut ChaCha12Rng, n: u32) {
        let store = n as usize % self.options.stores.len().max(1);
        let mut wanted: Vec<Wanted> = Vec::new();
        for _ in 0..chance.random_range(1..=2) {
            let quantity = chance.random_range(1..=2);
            wanted.extend(self.earlier_item(chance).map(|item| Wanted { item, quantity, discount_percent: 0 }));
        }
        if !wanted.is_empty() {
            let sale = self.begin_sale(store, &wanted, None);
            self.close_earlier(chance, sale);
        }
    }

    /// Two of three name the sale that they return.
    fn earlier_return(&mut self, chance: &mut ChaCha12Rng, n: u32) {
        let store = n as usize % self.options.stores.len().max(1);
        let original = chance.random_range(0..self.till.sales.len().max(1));
        let first = |s: &super::till::Sale| s.return_for.is_none() && s.returned_by.is_empty();
        let named = self.till.sales.get(original).filter(|s| n % 3 < 2 && first(s));
        let (item, outlet, named) = match named {
            Some(sale) => {
                let outlet = self.till.registers.get(sale.register).map_or(0, |r| r.outlet);
                (sale.lines.first().map(|line| line.item), outlet, Some(original))
            }
            None => (self.earlier_item(chance), store, None),
        };
        if let Some(item) = item {
            let sale = self.begin_sale(outlet, &[Wanted { item, quantity: -1, discount_percent: 0 }], named);
            self.close_earlier(chance, sale);
        }
    }

    fn earlier_item(&self, chance: &mut ChaCha12Rng) -> Option<usize> {
        (0..12).map(|_| self.popular_item(chance)).find(|i| self.range.items.get(*i).is_some_and(|item| item.on_till()))
    }

    /// Closes a sale without moving anything: its goods left or came back before the counts that stand now.
    fn close_earlier(&mut self, chance: &mut ChaCha12Rng, sale: usize) {
        self.till.at(self.now);
        self.pay(sale, 1, None);
        let (version, now) = (self.till.next_past_version(), self.now);
        let Some(row) = self.till.sales.get_mut(sale) else { return };
        row.status = CLOSED;
        row.version = version;
        row.completed_at = Some(now);
        for line in &mut row.lines {
            line.moved = line.quantity;
        }
        self.till.sale_by_version.insert(version, sale);
        self.till.add_earlier(sale);
        if self.options.trade && chance.random_range(0..TOUCHED_ONE_IN) == 0 {
            self.touched_later(chance, Event::Edit { sale });
        }
    }

    fn earlier_order(&mut self, chance: &mut ChaCha12Rng, n: u32, start: Timestamp) {
        // Three of five were sent, one was cancelled, one is still open.
        let kind = n % 5;
        let enough = |state: &State, item: &usize| {
            state.range.items.get(*item).is_some_and(|i| i.on_web())
                && (kind != 4 || state.web.shelf(*item, SELLING).available() >= 3)
        };
        let item = (0..40).map(|_| self.popular_item(chance)).find(|item| enough(self, item));
        let Some(item) = item else { return };
        let units = chance.random_range(1..=2);
        let shelf = self.web.shelf(item, SELLING);
        let at = self.place(&[(item, units)], true);
        let touched = self.options.trade && chance.random_range(0..TOUCHED_ONE_IN) == 0;
        let Some(order) = self.web.orders.get_mut(at) else { return };
        let number = order.number;
        order.status = match kind {
            3 => CANCELLED,
            4 => CONFIRMED,
            _ => SHIPPED,
        };
        order.settled = !order.open();
        if order.open() {
            self.books.was_ordered(item, units);
            self.books.marks.order_recorded(at, self.now);
            if self.options.trade {
                let sent = self.office_hour(start + Span(chance.random_range(0..Span::hours(20).0)));
                self.workload.put(sent, chance.next_u64(), Event::Advance { number, to: PROCESSING });
                self.workload.put(sent + Span::minutes(8), chance.next_u64(), Event::Advance { number, to: SHIPPED });
            }
        } else {
            // Its units are in neither book any more.
            self.web.put_back(item, shelf);
        }
        self.front_follows(at);
        self.front_counts(item);
        if touched {
            self.touched_later(chance, Event::TouchOrder { number });
        }
    }

    /// On the first day, somewhen between the night and the evening.
    fn touched_later(&mut self, chance: &mut ChaCha12Rng, event: Event) {
        let at = self.options.start + Span(chance.random_range(Span::minutes(30).0..Span::hours(18).0));
        self.workload.put(at, chance.next_u64(), event);
    }
}

/// Some moment of the weeks before, in whole seconds.
fn before(chance: &mut ChaCha12Rng, start: Timestamp) -> Timestamp {
    Timestamp::from_secs((start - Span(chance.random_range(Span::hours(24).0..Span::hours(24 * DAYS).0))).secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Options, World};
    use std::collections::BTreeSet;

    fn past(trade: bool) -> World {
        World::open(Options { trade, history_percent: 5, ..Options::still(7, 120) })
    }

    #[test]
    fn what_happened_before_changes_no_count_but_open_orders_hold_units_back() {
        let world = past(false);
        let audit = world.audit();
        assert!(audit.sales >= 40 && audit.orders >= 5, "{audit:?}");
        assert!(world.expected_movements().is_empty());
        assert_eq!((audit.differences_open, world.notices_waiting()), (0, 0));
        let state = world.lock();
        let kinds: BTreeSet<&str> = state.web.orders.iter().map(|order| order.status).collect();
        assert_eq!(kinds, BTreeSet::from([SHIPPED, CANCELLED, CONFIRMED]));
        let returns = |linked: bool| {
            state.till.sales.iter().any(|s| s.lines.iter().all(|l| l.quantity < 0) && s.return_for.is_some() == linked)
        };
        assert!(returns(true) && returns(false));
        let first_count = state.till.stock_by_version.keys().next().copied().expect("counts");
        assert!(state.till.sales.iter().all(|s| s.version > 0 && s.version < first_count && s.created_at < state.now));
        assert!(state.web.orders.iter().all(|o| o.updated_at < state.now));
        for item in 0..state.range.items.len() {
            let open: i64 = state
                .web
                .orders
                .iter()
                .filter(|o| o.open())
                .flat_map(|o| &o.lines)
                .filter(|line| line.item == item)
                .map(|line| line.units)
                .sum();
            assert_eq!(state.books.should_show(item), state.till.on_hand(item) - open);
            assert_eq!(state.web.shelf(item, SELLING).physical, state.till.on_hand(item));
            assert_eq!(state.web.shelf(item, SELLING).allocated, open);
        }
    }

    #[test]
    fn what_is_touched_again_gets_a_new_version_and_moves_nothing() {
        let world = past(false);
        let (sale, order, on_hand) = {
            let state = world.lock();
            let order = state.web.orders.iter().find(|o| o.status == SHIPPED).map(|o| o.number).expect("sent");
            let on_hand: i64 = (0..state.range.items.len()).map(|i| state.till.on_hand(i)).sum();
            (state.till.sales[0].id.clone(), order, on_hand)
        };
        world.advance_to(world.now() + Span::hours(1));
        world.edit_note(&sale, "asked about it").expect("known");
        world.lock().touch_order(order);
        let state = world.lock();
        let newest = state.till.stock_by_version.keys().next_back().copied().expect("counts");
        assert!(state.till.sales[0].version > newest);
        assert_eq!((0..state.range.items.len()).map(|i| state.till.on_hand(i)).sum::<i64>(), on_hand);
        drop(state);
        assert!(world.expected_movements().is_empty());
        assert_eq!(world.audit().differences_open, 0);
        let trading = past(true);
        let before: Vec<i64> = trading.lock().till.sales.iter().map(|s| s.version).collect();
        trading.advance_to(trading.now() + Span::hours(20));
        let state = trading.lock();
        let touched = state.till.sales.iter().zip(&before).filter(|(s, version)| s.version != **version).count();
        assert!(touched > 2 && touched < before.len(), "{touched} of {}", before.len());
        assert!(state.web.orders.iter().any(|o| o.settled && o.updated_at > state.options.start), "a sent order too");
    }
}
