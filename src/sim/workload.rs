//! A trading day out of the seed: when something happens is decided in the morning, what exactly happens when
//! the moment comes, because it depends on what is on the shelf. Each event carries chance of its own, so that
//! what one event draws never depends on another.

use super::options::Fault;
use super::till::{CLOSED, SAVED, VOIDED, Wanted};
use super::web::{CANCELLED, CONFIRMED, PROCESSING, SELLING, SHIPPED};
use super::world::{State, stream};
use crate::domain::money::Minor;
use crate::domain::time::{Span, Timestamp};
use chrono::{Datelike, NaiveDate, TimeZone, Timelike, Weekday};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Shops open from ten to eight; how the day's sales spread over these hours.
const TILL_HOURS: [u32; 10] = [5, 7, 11, 13, 10, 9, 10, 13, 13, 9];
const OPENS: u32 = 10;
/// Web orders come round the clock with a peak in the evening.
const WEB_HOURS: [u32; 24] = [2, 1, 1, 1, 1, 1, 2, 4, 5, 5, 5, 5, 6, 6, 5, 5, 5, 6, 7, 9, 11, 10, 7, 4];
/// Cases a day of a fault that people cause.
const CASES: u32 = 24;
/// The streams of chance of a day's drawers, beyond those of its trade.
const DRAWERS: u64 = 10_000_000;
/// How long an archived item stays hidden.
const HIDDEN: Span = Span::hours(3);

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// Midnight: the day after this one is planned.
    Midnight,
    Sale {
        store: usize,
    },
    Parked {
        sale: usize,
    },
    Edit {
        sale: usize,
    },
    Void {
        sale: usize,
    },
    Return {
        store: usize,
        linked: bool,
        partial: bool,
    },
    FinishReturn {
        sale: usize,
        keep: Vec<i64>,
    },
    Exchange {
        store: usize,
    },
    Order,
    Advance {
        number: i64,
        to: &'static str,
    },
    Allocate {
        number: i64,
    },
    EditOrder {
        number: i64,
    },
    TouchOrder {
        number: i64,
    },
    Receive {
        store: usize,
    },
    EditWeb,
    EditTill,
    Stocktake {
        store: usize,
    },
    /// Drawers are opened in the morning and counted in the evening, where the till keeps them.
    OpenDrawers {
        store: usize,
    },
    CountDrawers {
        store: usize,
    },
    Archive,
    Unarchive {
        item: usize,
    },
}

type Due = Reverse<(Timestamp, u64, u64, Event)>;

/// What is still to come.
#[derive(Debug, Default)]
pub(super) struct Workload {
    heap: BinaryHeap<Due>,
    next: u64,
    current: u64,
}

impl Workload {
    pub fn next_at(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse((at, _, chance, event)) = self.heap.pop()?;
        self.current = chance;
        Some((at, event))
    }

    pub fn put(&mut self, at: Timestamp, chance: u64, event: Event) {
        self.next += 1;
        self.heap.push(Reverse((at, self.next, chance, event)));
    }
}

impl State {
    /// Plans the first two days and the midnights after.
    pub fn open_for_trade(&mut self) {
        let day = self.options.start.to_utc().date_naive();
        self.plan_day(day);
        if let Some(next) = day.succ_opt() {
            self.plan_day(next);
            self.plan_midnight(next);
        }
    }

    fn plan_midnight(&mut self, day: NaiveDate) {
        let at = Timestamp::from(day.and_time(chrono::NaiveTime::MIN).and_utc());
        self.workload.put(at, 0, Event::Midnight);
    }

    /// Plans the local day of every store, and the shop's.
    fn plan_day(&mut self, day: NaiveDate) {
        let mut chance = stream(self.options.seed, 1_000 + day.num_days_from_ce().unsigned_abs() as u64);
        let stores = self.options.stores.len().max(1) as u32;
        let (opens, closes, percent) = match day.weekday() {
            Weekday::Sat => (OPENS, 20, 135),
            Weekday::Sun => (12, 18, 80),
            _ => (OPENS, 20, 100),
        };
        let share = |per_day: u32, percent: u32| per_day * percent / 100 / stores;
        let returns = self.options.returns_per_day;
        let linked = returns * self.options.linked_returns_percent / 100;
        let boost = |state: &State, fault| if state.has(fault) { CASES } else { 0 };
        for store in 0..self.options.stores.len() {
            let mut plan: Vec<(u32, Event)> = vec![
                (share(self.options.sales_per_day, percent), Event::Sale { store }),
                (share(linked, percent), Event::Return { store, linked: true, partial: false }),
                (share(returns - linked, percent), Event::Return { store, linked: false, partial: false }),
                (share(returns / 5, percent), Event::Exchange { store }),
                (boost(self, Fault::F16).div_ceil(stores), Event::Return { store, linked: true, partial: true }),
                (boost(self, Fault::F17).div_ceil(stores), Event::Return { store, linked: false, partial: false }),
                (boost(self, Fault::F18).div_ceil(stores), Event::Exchange { store }),
            ];
            if store == 0 {
                plan.push((boost(self, Fault::F09), Event::EditTill));
                plan.push((boost(self, Fault::F13), Event::Archive));
            }
            for (count, event) in plan {
                for _ in 0..jitter(&mut chance, count) {
                    let hour = opens
                        + weighted(&mut chance, TILL_HOURS.get(..(closes - opens) as usize).unwrap_or(&TILL_HOURS));
                    self.plan_at(&mut chance, store, day, hour, event.clone());
                }
            }
            if day.weekday() != Weekday::Sun {
                self.plan_at(&mut chance, store, day, 9, Event::Receive { store });
            }
            if self.till.numbered {
                let mut own = stream(self.options.seed, DRAWERS + day.num_days_from_ce().unsigned_abs() as u64);
                self.plan_at(&mut own, store, day, 8, Event::OpenDrawers { store });
                self.plan_at(&mut own, store, day, 22, Event::CountDrawers { store });
            }
            if self.has(Fault::F10) {
                self.plan_at(&mut chance, store, day, 20, Event::Stocktake { store });
            }
        }
        for (count, event) in [(self.options.orders_per_day, Event::Order), (boost(self, Fault::F08), Event::EditWeb)] {
            for _ in 0..jitter(&mut chance, count) {
                let hour = weighted(&mut chance, &WEB_HOURS);
                self.plan_at(&mut chance, 0, day, hour, event.clone());
            }
        }
    }

    /// Plans one event within a local hour; what would lie in the past is left out.
    fn plan_at(&mut self, chance: &mut ChaCha12Rng, store: usize, day: NaiveDate, hour: u32, event: Event) {
        let within = Span(chance.random_range(0..3_600_000_000));
        let own = chance.next_u64();
        let zone = self.options.stores.get(store).map_or(chrono_tz::UTC, |s| s.zone);
        let Some(local) = day.and_hms_opt(hour, 0, 0) else { return };
        // An hour that the clocks skip is not traded in.
        let Some(start) = zone.from_local_datetime(&local).earliest() else { return };
        let at = Timestamp::from(start.with_timezone(&chrono::Utc)) + within;
        if at > self.now {
            self.workload.put(at, own, event);
        }
    }

    fn later(&mut self, rng: &mut ChaCha12Rng, from: Span, to: Span, event: Event) {
        let at = self.now + Span(rng.random_range(from.0..=to.0));
        self.workload.put(at, rng.next_u64(), event);
    }

    /// Lets one event happen.
    pub fn play(&mut self, event: Event) {
        let mut rng = ChaCha12Rng::seed_from_u64(self.workload.current);
        let rng = &mut rng;
        match event {
            Event::Midnight => {
                if let Some(next) = self.now.to_utc().date_naive().succ_opt() {
                    self.plan_day(next);
                    self.plan_midnight(next);
                }
            }
            Event::Sale { store } => self.somebody_buys(rng, store),
            Event::Parked { sale } => self.parked_ends(rng, sale),
            Event::Edit { sale } => self.edit_note(sale, "Gift receipt printed"),
            Event::Void { sale } => {
                if self.till.sales.get(sale).is_some_and(|s| s.status == CLOSED && s.returned_by.is_empty()) {
                    self.publish_sale(sale, VOIDED);
                }
            }
            Event::Return { store, linked: true, partial } => self.somebody_returns(rng, store, partial),
            Event::Return { store, linked: false, .. } => {
                if let Some(item) = self.some_till_item(rng, store, false) {
                    let sale = self.unlinked_return(item, store, 1);
                    self.maybe_edited(rng, sale);
                }
            }
            Event::FinishReturn { sale, keep } => {
                self.finish_return(sale, &keep, 1);
                self.maybe_edited(rng, sale);
            }
            Event::Exchange { store } => self.somebody_exchanges(rng, store),
            Event::Order => self.somebody_orders(rng),
            Event::Advance { number, to } => {
                self.move_order(number, to);
            }
            Event::Allocate { number } => self.allocate(number),
            Event::EditOrder { number } => drop(self.edit_order(number)),
            Event::TouchOrder { number } => self.touch_order(number),
            Event::Receive { store } => self.goods_arrive(rng, store),
            Event::EditWeb => self.hand_edit_web(rng),
            Event::EditTill => self.hand_edit_till(rng),
            Event::Stocktake { store } => self.stocktake(rng, store),
            Event::OpenDrawers { store } => self.r_open_store(store),
            Event::CountDrawers { store } => {
                let missing = if rng.random_range(0..4) == 0 { 150 } else { 0 };
                self.r_close_store(store, Minor(missing));
            }
            Event::Archive => {
                let item = self.popular_item(rng);
                let active = self.till.products.get(item).is_some_and(|p| p.active);
                if active && self.range.items.get(item).is_some_and(|i| i.on_till()) {
                    self.count_case(Fault::F13);
                    self.archive(item, false);
                    self.workload.put(self.now + HIDDEN, rng.next_u64(), Event::Unarchive { item });
                }
            }
            Event::Unarchive { item } => self.archive(item, true),
        }
    }

    fn there(&self, item: usize, store: usize) -> i64 {
        self.till.stock.get(item).and_then(|rows| rows.get(store)).map_or(0, |row| row.on_hand)
    }

    fn some_till_item(&self, rng: &mut ChaCha12Rng, store: usize, in_stock: bool) -> Option<usize> {
        (0..12).map(|_| self.popular_item(rng)).find(|item| {
            self.range.items.get(*item).is_some_and(|i| i.on_till())
                && self.till.products.get(*item).is_some_and(|p| p.active)
                && (!in_stock || self.options.miscounts || self.there(*item, store) > 0)
        })
    }

    fn somebody_buys(&mut self, rng: &mut ChaCha12Rng, store: usize) {
        let lines = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3][rng.random_range(0..10)];
        let mut wanted: Vec<Wanted> = Vec::new();
        for _ in 0..lines {
            let Some(item) = self.some_till_item(rng, store, true) else { continue };
            if wanted.iter().any(|w| w.item == item) {
                continue;
            }
            let quantity = if rng.random_range(0..100) < 8 && self.there(item, store) >= 2 { 2 } else { 1 };
            let discount_percent = if rng.random_range(0..100) < 8 { 15 } else { 0 };
            wanted.push(Wanted { item, quantity, discount_percent });
        }
        let how = rng.random_range(0..100);
        let (parks, edits, voids) =
            (rng.random_range(0..100) < 2, rng.random_range(0..100) < 3, rng.random_range(0..100) < 1);
        if wanted.is_empty() {
            return;
        }
        let sale = self.begin_sale(store, &wanted, None);
        if parks {
            self.publish_sale(sale, SAVED);
            return self.later(rng, Span::minutes(10), Span::minutes(90), Event::Parked { sale });
        }
        match how {
            0..70 => self.pay(sale, 1, None),
            70..95 => self.pay(sale, 0, None),
            _ => self.pay(sale, 1, Some((2, Minor(1_000)))),
        }
        self.publish_sale(sale, CLOSED);
        if edits {
            self.later(rng, Span::minutes(5), Span::minutes(120), Event::Edit { sale });
        }
        if voids {
            self.later(rng, Span::minutes(2), Span::minutes(30), Event::Void { sale });
        }
    }

    fn parked_ends(&mut self, rng: &mut ChaCha12Rng, sale: usize) {
        let Some(row) = self.till.sales.get(sale) else { return };
        let store = self.till.registers.get(row.register).map_or(0, |r| r.outlet);
        let possible = row.lines.iter().all(|l| self.options.miscounts || self.there(l.item, store) >= l.quantity);
        if row.status != SAVED {
            return;
        }
        if possible && rng.random_range(0..100) < 70 {
            self.pay(sale, 1, None);
            self.publish_sale(sale, CLOSED);
        } else {
            self.publish_sale(sale, VOIDED);
        }
    }

    /// A new version of a sale without any change of goods.
    pub fn edit_note(&mut self, sale: usize, note: &str) {
        let Some(row) = self.till.sales.get_mut(sale) else { return };
        row.note = note.into();
        let status = row.status;
        if status != VOIDED {
            self.publish_sale(sale, status);
        }
    }

    /// A closed sale of this store with goods that nobody has brought back yet.
    fn returnable(&self, rng: &mut ChaCha12Rng, store: usize, several: bool) -> Option<usize> {
        let recent = self.till.sales.len().saturating_sub(4_000);
        (0..40).map(|_| rng.random_range(recent..self.till.sales.len().max(recent + 1))).find(|at| {
            self.till.sales.get(*at).is_some_and(|s| {
                s.status == CLOSED
                    && s.return_for.is_none()
                    && s.returned_by.is_empty()
                    && self.till.registers.get(s.register).is_some_and(|r| r.outlet == store)
                    && s.lines.iter().all(|l| l.quantity > 0)
                    && (!several || s.lines.iter().map(|l| l.quantity).sum::<i64>() > 1)
            })
        })
    }

    fn somebody_returns(&mut self, rng: &mut ChaCha12Rng, store: usize, partial: bool) {
        let Some(original) = self.returnable(rng, store, partial) else { return };
        let Some(sale) = self.begin_linked_return(original) else { return };
        let full: Vec<i64> =
            self.till.sales.get(sale).map(|s| s.lines.iter().map(|l| -l.quantity).collect()).unwrap_or_default();
        let keep = if partial || rng.random_range(0..2) == 0 {
            // One unit of one line came back.
            let which = rng.random_range(0..full.len().max(1));
            (0..full.len()).map(|k| i64::from(k == which)).collect()
        } else {
            full
        };
        self.later(rng, Span::secs(40), Span::secs(150), Event::FinishReturn { sale, keep });
    }

    /// One return in eight is edited after it was closed, often at once: a note, and nothing moves.
    fn maybe_edited(&mut self, rng: &mut ChaCha12Rng, sale: usize) {
        if rng.random_range(0..8) == 0 {
            let latest = if rng.random_range(0..2) == 0 { Span::secs(20) } else { Span::hours(2) };
            self.later(rng, Span::secs(1), latest, Event::Edit { sale });
        }
    }

    /// A return without a receipt.
    pub fn unlinked_return(&mut self, item: usize, store: usize, units: i64) -> usize {
        let sale = self.begin_sale(store, &[Wanted { item, quantity: -units, discount_percent: 0 }], None);
        self.pay(sale, 0, None);
        self.count_case(Fault::F17);
        self.publish_sale(sale, CLOSED);
        sale
    }

    fn somebody_exchanges(&mut self, rng: &mut ChaCha12Rng, store: usize) {
        let Some(original) = self.returnable(rng, store, false) else { return };
        let back = self.till.sales.get(original).and_then(|s| s.lines.first()).map(|l| l.item);
        let (Some(back), Some(out)) = (back, self.some_till_item(rng, store, true)) else { return };
        self.exchange(original, back, out);
    }

    /// One back, one out, one transaction.
    pub fn exchange(&mut self, original: usize, back: usize, out: usize) -> usize {
        let register = self.till.sales.get(original).map_or(0, |s| s.register);
        let store = self.till.registers.get(register).map_or(0, |r| r.outlet);
        let wanted = [
            Wanted { item: back, quantity: -1, discount_percent: 0 },
            Wanted { item: out, quantity: 1, discount_percent: 0 },
        ];
        let sale = self.begin_sale(store, &wanted, Some(original));
        self.pay(sale, 1, None);
        self.count_case(Fault::F18);
        self.publish_sale(sale, CLOSED);
        sale
    }

    fn somebody_orders(&mut self, rng: &mut ChaCha12Rng) {
        let lines = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3][rng.random_range(0..10)];
        let mut wanted: Vec<(usize, i64)> = Vec::new();
        for _ in 0..lines {
            let found = (0..8).map(|_| self.popular_item(rng)).find(|item| {
                self.range.items.get(*item).is_some_and(|i| i.on_web())
                    && self.web.shelf(*item, SELLING).available() > 0
                    && wanted.iter().all(|(taken, _)| taken != item)
            });
            let Some(item) = found else { continue };
            let two = rng.random_range(0..100) < 5 && self.web.shelf(item, SELLING).available() >= 2;
            wanted.push((item, if two { 2 } else { 1 }));
        }
        let cancels = rng.random_range(0..100) < 3;
        if wanted.is_empty() {
            return;
        }
        let habits = self.habits;
        let allocated = rng.random_range(0..100) >= habits.unallocated_percent;
        let hasty = rng.random_range(0..100) < habits.hasty_percent;
        let Some(number) = self.order_with(&wanted, allocated) else { return };
        if !allocated {
            self.later(rng, Span::minutes(1), Span::minutes(8), Event::Allocate { number });
        }
        if hasty && self.hastily(rng, number) {
            return;
        }
        self.later(rng, Span::minutes(1), Span::minutes(10), Event::Advance { number, to: CONFIRMED });
        if cancels {
            return self.later(rng, Span::minutes(12), Span::hours(3), Event::Advance { number, to: CANCELLED });
        }
        let wished = self.now + Span(rng.random_range(Span::hours(2).0..=Span::hours(20).0));
        let at = self.office_hour(wished) + Span(rng.random_range(0..Span::minutes(50).0));
        self.workload.put(at, rng.next_u64(), Event::Advance { number, to: PROCESSING });
        self.workload.put(at + Span::minutes(8), rng.next_u64(), Event::Advance { number, to: SHIPPED });
    }

    /// Within the second in which it was placed an order is edited, cancelled or both; whether it was cancelled.
    fn hastily(&mut self, rng: &mut ChaCha12Rng, number: i64) -> bool {
        let left = Timestamp::from_secs(self.now.secs() + 1).since(self.now).0 - 1;
        let at = self.now + Span(left * 3 / 4);
        let (edited, cancelled) = [(true, false), (false, true), (true, true)][rng.random_range(0..3)];
        if edited {
            self.workload.put(at, rng.next_u64(), Event::EditOrder { number });
        }
        if cancelled {
            self.workload.put(self.now + Span(left), rng.next_u64(), Event::Advance { number, to: CANCELLED });
        }
        cancelled
    }

    /// The first moment not before `at` when the warehouse packs: Monday to Saturday, nine to five.
    pub fn office_hour(&self, at: Timestamp) -> Timestamp {
        let mut at = at;
        for _ in 0..100 {
            let local = at.to_utc().with_timezone(&self.web.zone);
            if local.weekday() != Weekday::Sun && (9..17).contains(&local.hour()) {
                return at;
            }
            at = at + Span::hours(1);
        }
        at
    }

    fn goods_arrive(&mut self, rng: &mut ChaCha12Rng, store: usize) {
        // About as much as is sold, on the things that run low.
        for _ in 0..(self.options.sales_per_day / 12) {
            let item = self.popular_item(rng);
            let units = rng.random_range(6..=18);
            if self.range.items.get(item).is_some_and(|i| i.on_till()) && self.there(item, store) < 8 {
                self.adjust_till(item, store, units, "received");
            }
        }
    }

    fn hand_edit_web(&mut self, rng: &mut ChaCha12Rng) {
        let item = self.popular_item(rng);
        let shelf = self.web.shelf(item, SELLING);
        let by = rng.random_range(1..=5) * if rng.random_range(0..2) == 0 { 1 } else { -1 };
        let physical = (shelf.physical + by).max(shelf.allocated);
        if physical != shelf.physical && self.range.items.get(item).is_some_and(|i| i.on_web()) {
            self.count_case(Fault::F08);
            self.edit_web(item, physical);
            self.books.label(Fault::F08, item, physical - shelf.physical, self.now);
        }
    }

    fn hand_edit_till(&mut self, rng: &mut ChaCha12Rng) {
        let store = rng.random_range(0..self.options.stores.len().max(1));
        let Some(item) = self.some_till_item(rng, store, false) else { return };
        let by = rng.random_range(1..=3) * if rng.random_range(0..2) == 0 { 1 } else { -1 };
        let by = by.max(-self.there(item, store));
        if by != 0 {
            self.count_case(Fault::F09);
            self.adjust_till(item, store, by, "typed");
            self.books.label(Fault::F09, item, -by, self.now);
        }
    }

    fn stocktake(&mut self, rng: &mut ChaCha12Rng, store: usize) {
        for _ in 0..30 {
            let Some(item) = self.some_till_item(rng, store, false) else { continue };
            let by = (rng.random_range(1..=3) * if rng.random_range(0..2) == 0 { 1 } else { -1 })
                .max(-self.there(item, store));
            if by != 0 {
                self.count_case(Fault::F10);
                self.adjust_till(item, store, by, "counted");
                self.books.label(Fault::F10, item, -by, self.now);
            }
        }
    }
}

/// About so many, give or take a tenth.
fn jitter(rng: &mut ChaCha12Rng, count: u32) -> u32 {
    let tenth = count / 10;
    if count == 0 { 0 } else { count - tenth + rng.random_range(0..=2 * tenth) }
}

/// An index, by weight.
fn weighted(rng: &mut ChaCha12Rng, weights: &[u32]) -> u32 {
    let mut at = rng.random_range(0..weights.iter().sum::<u32>().max(1));
    for (k, weight) in weights.iter().enumerate() {
        if at < *weight {
            return k as u32;
        }
        at -= weight;
    }
    0
}
