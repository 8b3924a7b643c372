//! What the product had been told at each moment, and which counts that justified.

use super::{Books, Knowledge, add, at};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How long caution is lawful: what was told so short a while ago may still be counted the careful way.
pub(super) const WARY: Span = Span::minutes(5);

/// Provisional keys of movements whose count the till has not shown yet; above every version.
pub(in crate::sim) const UNSEEN: i64 = 1 << 60;

/// How much is remembered of one item's last moments.
const REMEMBERED: usize = 64;

/// What has been delivered about one count.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// The version of the first count: what moved by then is inside it.
    first: Option<i64>,
    count: Option<(i64, i64)>,
    /// Movements delivered that the count does not include: row version to change.
    after: BTreeMap<i64, i64>,
}

impl Told {
    fn on_hand(&self) -> Option<i64> {
        self.count.map(|(_, on_hand)| on_hand + self.after.values().sum::<i64>())
    }
}

/// The last moments of one item, as told.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    /// What was justified since when.
    justified: VecDeque<(Timestamp, Option<i64>)>,
    /// Falls that sales told of, by when they or a count that includes them were told: a careful product may count
    /// one twice until it knows that a count includes it.
    falls: VecDeque<(Timestamp, i64)>,
    /// Rises of the count that nothing told by then explained.
    rises: VecDeque<(Timestamp, i64)>,
}

impl Books {
    /// Takes in what reached the product.
    pub fn told(&mut self, knowledge: &Knowledge, now: Timestamp) {
        match knowledge {
            Knowledge::Sale { sale, version } => self.told_sale(*sale, *version, now),
            Knowledge::Count { item, outlet, version, on_hand } => {
                self.told_count(*item, *outlet, *version, *on_hand, now);
                self.remember(*item, now);
            }
            Knowledge::Order { order, lines } => self.told_order(*order, lines, now),
            Knowledge::Shelf { item } => self.told_shelf(*item, now),
            Knowledge::SalesEnd => self.sales_read = self.sales_read.max(now),
        }
    }

    fn told_order(&mut self, order: usize, lines: &[(usize, i64, i64)], now: Timestamp) {
        self.marks.order_told(order);
        let before = self.told_order.insert(order, lines.to_vec()).unwrap_or_default();
        for (item, open, shipped) in &before {
            add(&mut self.told_open, *item, -open);
            add(&mut self.told_shipped, *item, -shipped);
        }
        for (item, open, shipped) in lines {
            add(&mut self.told_open, *item, *open);
            add(&mut self.told_shipped, *item, *shipped);
        }
        for (item, ..) in before.iter().chain(lines) {
            self.remember(*item, now);
        }
    }

    /// The shop's own books of an item were read: nobody's hand in them is hidden any more.
    fn told_shelf(&mut self, item: usize, now: Timestamp) {
        self.marks.shelf_told(item, now);
        if let Some(blind) = self.blind.get_mut(item) {
            *blind = None;
        }
        self.sample(item, now);
    }

    fn told_sale(&mut self, sale: usize, version: i64, now: Timestamp) {
        self.marks.sale_told(sale, version);
        let before = self.told_sale.get(&sale).copied().unwrap_or(0);
        if version <= before {
            return;
        }
        self.told_sale.insert(sale, version);
        let fresh: Vec<super::Effect> = self
            .effects
            .get(sale)
            .map(|list| list.iter().filter(|e| e.sale_version > before && e.sale_version <= version).cloned().collect())
            .unwrap_or_default();
        for effect in fresh {
            let told = self.told.get_mut(effect.item).and_then(|row| row.get_mut(effect.outlet));
            let outside = told.filter(|told| told.count.is_none_or(|(counted, _)| effect.inventory_version > counted));
            if let Some(told) = outside {
                told.after.insert(effect.inventory_version, effect.on_hand);
            }
            if let Some(recent) = self.recent.get_mut(effect.item).filter(|_| effect.on_hand < 0) {
                keep(&mut recent.falls, (now, -effect.on_hand));
            }
            self.hold_once((sale, effect.number), effect.item, effect.on_hold);
            self.remember(effect.item, now);
        }
    }

    /// The till has shown the count that a movement made: from now on it has a place in the till's order.
    pub fn count_surfaced(&mut self, sale: usize, number: usize, version: i64) {
        let Some(effect) = self.effects.get_mut(sale).and_then(|list| list.get_mut(number)) else { return };
        let provisional = std::mem::replace(&mut effect.inventory_version, version);
        let (item, outlet, on_hold) = (effect.item, effect.outlet, effect.on_hold);
        if on_hold != 0 {
            self.by_row_version.insert(version, ((sale, number), on_hold, item, outlet));
        }
        let told = self.told.get_mut(item).and_then(|row| row.get_mut(outlet));
        if let Some((told, units)) = told.and_then(|told| told.after.remove(&provisional).map(|units| (told, units))) {
            told.after.insert(version, units);
        }
    }

    /// The till has shown a version of a sale: what it moved has a place in the till's order.
    pub fn sale_surfaced(&mut self, sale: usize, numbers: std::ops::Range<usize>, version: i64) {
        for effect in self.effects.get_mut(sale).and_then(|list| list.get_mut(numbers)).into_iter().flatten() {
            effect.sale_version = version;
        }
    }

    fn told_count(&mut self, item: usize, outlet: usize, version: i64, on_hand: i64, now: Timestamp) {
        self.marks.count_told(item, outlet, version, now);
        let Some(told) = self.told.get_mut(item).and_then(|row| row.get_mut(outlet)) else { return };
        let (from, expected) = match told.count {
            Some((counted, _)) if counted > version => return,
            // The same version again says something only where somebody changed the level under it.
            Some((counted, before)) if counted == version && before == on_hand => return,
            Some((counted, before)) => {
                (counted, Some(before + told.after.range(..=version).map(|(_, units)| units).sum::<i64>()))
            }
            None => (0, None),
        };
        told.first.get_or_insert(version);
        told.count = Some((version, on_hand));
        let behind = told.after.split_off(&(version + 1));
        let inside = std::mem::replace(&mut told.after, behind);
        let rise = expected.map_or(0, |expected| on_hand - expected);
        if let Some(recent) = self.recent.get_mut(item) {
            if rise > 0 {
                keep(&mut recent.rises, (now, rise));
            }
            // However long ago a sale was told: whether this count includes it, the count itself does not say.
            for units in inside.values().filter(|units| **units < 0) {
                if let Some(told) = recent.falls.iter().position(|(_, fall)| *fall == -units) {
                    recent.falls.remove(told);
                }
                keep(&mut recent.falls, (now, -units));
            }
        }
        // A rise that came from a return without a link is on hold from the first count that shows it.
        let shown: Vec<((usize, usize), i64)> = self
            .by_row_version
            .range(from + 1..=version)
            .filter(|(_, (_, _, i, o))| (*i, *o) == (item, outlet))
            .map(|(_, (effect, hold, ..))| (*effect, *hold))
            .collect();
        for (effect, hold) in shown {
            self.hold_once(effect, item, hold);
        }
    }

    /// The version of the first count of an item at an outlet that the product was told.
    pub fn first_told(&self, item: usize, outlet: usize) -> Option<i64> {
        self.told.get(item)?.get(outlet)?.first
    }

    fn hold_once(&mut self, effect: (usize, usize), item: usize, hold: i64) {
        if hold != 0 && self.held_effects.insert(effect) {
            add(&mut self.told_hold, item, hold);
        }
    }

    /// What is left for the web by what had been told, open orders still in it: counts with the movements after
    /// them, less holds, less shipped web units. Nothing while a feeding outlet has no count.
    fn left(&self, item: usize) -> Option<i64> {
        let mut on_hand = 0;
        for told in self.told.get(item)?.iter().take(self.outlets) {
            on_hand += told.on_hand()?;
        }
        Some(on_hand - at(&self.told_hold, item) - at(&self.told_shipped, item))
    }

    /// The largest physical count that what had been told justifies: what is left; or the open units themselves when
    /// less than that is left, because an absolute physical count below the shop's own reservations would be no
    /// count at all.
    pub(super) fn justified(&self, item: usize) -> Option<i64> {
        Some(self.left(item)?.max(at(&self.told_open, item)).max(0))
    }

    /// Whether what had been told is enough to know how wrong the web is: it leads to the true number, and nobody's
    /// hand in the shop's books is hidden from us.
    pub(super) fn knowable(&self, item: usize) -> bool {
        let should = self.left(item).map(|left| (left - at(&self.told_open, item)).max(0));
        should == Some(self.should_show(item)) && self.blind.get(item).is_some_and(Option::is_none)
    }

    pub(super) fn remember(&mut self, item: usize, now: Timestamp) {
        let justified = self.justified(item);
        if let Some(recent) = self.recent.get_mut(item) {
            if recent.justified.back().is_some_and(|(at, _)| *at == now) {
                recent.justified.pop_back();
            }
            keep(&mut recent.justified, (now, justified));
        }
        self.sample(item, now);
    }

    /// What was justified at some moment of the last `span`, the state in force at its start included.
    fn lately(&self, item: usize, span: Span, now: Timestamp) -> impl Iterator<Item = Option<i64>> {
        let list = self.recent.get(item).map(|recent| &recent.justified);
        let since = now - span;
        let first = list.and_then(|list| list.iter().rposition(|(at, _)| *at < since)).unwrap_or(0);
        list.into_iter().flat_map(move |list| list.iter().skip(first)).map(|(_, justified)| *justified)
    }

    /// The most that anything told within `grace` justifies.
    pub(super) fn most_justified(&self, item: usize, grace: Span, now: Timestamp) -> Option<i64> {
        let current = self.justified(item)?;
        if grace == Span::ZERO {
            return Some(current);
        }
        Some(self.lately(item, grace, now).flatten().max().map_or(current, |best| best.max(current)))
    }

    /// The least that a careful product may write: the least that anything told lately justified, less each fall told
    /// lately once more (a count may or may not include it), less rises that nothing explained when they were told,
    /// until the till's sales have been read to their end a while after.
    pub(super) fn least_justified(&self, item: usize, now: Timestamp) -> Option<i64> {
        let mut least = self.justified(item)?;
        for justified in self.lately(item, WARY, now) {
            least = least.min(justified?);
        }
        let recent = self.recent.get(item)?;
        let falls: i64 = recent.falls.iter().filter(|(at, _)| now.since(*at) <= WARY).map(|(_, units)| units).sum();
        let rises: i64 =
            recent.rises.iter().filter(|(at, _)| self.sales_read.since(*at) < WARY).map(|(_, units)| units).sum();
        Some((least - falls - rises).max(0))
    }
}

fn keep<T>(list: &mut VecDeque<T>, entry: T) {
    list.push_back(entry);
    while list.len() > REMEMBERED {
        list.pop_front();
    }
}
