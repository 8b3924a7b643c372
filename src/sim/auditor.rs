//! The auditor: books of its own, kept from what it hears in the world and at the transport, never from our
//! tables. It knows two things: what is true, and what the product had been told at each moment. Everything it
//! reports is one of them, or the difference between them and what the product did.
//!
//! **What the web should show** (`should_show`) is till on-hand over all feeding outlets, less every web unit
//! ordered and not cancelled (shipped ones too: nobody posts web orders to the till, so the till has not given
//! them up), less units on hold (returns without a link), and never below zero.
//!
//! **What had been told** is what notices answered 2xx and answers that reached the product carried: counts with
//! their version, sales with their version, web orders with their state. The till's own order decides whether a
//! sale is inside a count: the count row that a sale moved has a version of its own, so a count includes exactly
//! the movements whose row version is not above its own.

use super::options::{Fault, Vendor};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Differences shorter than this are the ordinary delay of a working connection and are not counted.
pub const MEASURED_DELAY: Span = Span::minutes(2);

/// Described cases are kept up to this many; the counters go on.
const DESCRIBED: usize = 50;

/// Something the product learns when an answer or a notice reaches it.
#[derive(Debug, Clone)]
pub(super) enum Knowledge {
    Sale {
        sale: usize,
        version: i64,
    },
    Count {
        item: usize,
        outlet: usize,
        version: i64,
        on_hand: i64,
    },
    /// Per line: item, units open, units shipped.
    Order {
        order: usize,
        lines: Vec<(usize, i64, i64)>,
    },
}

/// Goods that a sale moved.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub sale: usize,
    pub sale_version: i64,
    pub inventory_version: i64,
    pub line: String,
    pub item: usize,
    pub outlet: usize,
    /// Signed change of the count.
    pub on_hand: i64,
    /// Signed change of what is on hold.
    pub on_hold: i64,
}

/// A goods movement that stands at the vendor and must have its line in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedMovement {
    /// The vendor's sale id.
    pub sale: String,
    /// The vendor's line id.
    pub line: String,
    /// The till's product id.
    pub product: String,
    /// The till's outlet id.
    pub outlet: String,
    /// Signed change of the count: sold is negative, returned is positive. Net of voids; never zero.
    pub units: i64,
}

/// A sampled difference between what the web shows and what it should show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDifference {
    /// SKU.
    pub sku: String,
    /// What a web customer sees.
    pub shows: i64,
    /// What they should see.
    pub should: i64,
    /// Since when it differs.
    pub since: Timestamp,
}

/// What the auditor found; plain numbers for a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Cases per fault id, among the faults that were asked for and those that ordinary trade brings.
    pub faults_injected: BTreeMap<&'static str, u64>,
    /// Requests that reached the transport, per vendor.
    pub calls: BTreeMap<&'static str, u64>,
    /// Refusals by a vendor's own rate rule.
    pub throttled: u64,
    /// Refusals injected as a fault.
    pub throttled_injected: u64,
    /// Calls before the moment that a refusal named.
    pub early_calls: u64,
    /// Matched items whose web count differs from the truth now.
    pub differences_open: u64,
    /// Sum over all episodes of a difference that outlived [`MEASURED_DELAY`] of their largest size.
    pub units_difference: u64,
    /// How many such episodes there were.
    pub episodes: u64,
    /// Web units sold beyond what truly was there.
    pub oversold_units: u64,
    /// Writes that crossed a shipment the product could not have known of.
    pub races: u64,
    /// Writes that offered more than the product had been told, or came before going live.
    pub unsafe_writes: u64,
    /// The first unsafe writes in words.
    pub unsafe_described: Vec<String>,
    /// Absolute count rows that the shop was asked to set.
    pub rows_written: u64,
    /// Relative changes carrying a description that had been used for the same item before.
    pub surplus_effects: u64,
    /// Goods movements that stand at the till.
    pub movements: u64,
    /// Sales the till holds, of any state.
    pub sales: u64,
    /// Web orders the shop holds, of any state.
    pub orders: u64,
    /// Notices handed out, repeats and retries included.
    pub notices: u64,
}

#[derive(Debug, Clone, Copy)]
struct Episode {
    since: Timestamp,
    peak: i64,
}

/// What has been delivered about one count.
#[derive(Debug, Clone, Default)]
struct Told {
    count: Option<(i64, i64)>,
    /// Movements delivered that the count does not include: row version to change.
    after: BTreeMap<i64, i64>,
}

impl Told {
    fn on_hand(&self) -> Option<i64> {
        self.count.map(|(_, on_hand)| on_hand + self.after.values().sum::<i64>())
    }
}

/// The books. Indexes are those of the world; nothing of the vendors' state is read here.
#[derive(Debug, Default)]
pub(super) struct Books {
    outlets: usize,
    matched: Vec<bool>,
    on_hand: Vec<i64>,
    web_units: Vec<i64>,
    web_shipped: Vec<i64>,
    on_hold: Vec<i64>,
    shows: Vec<i64>,
    episodes: Vec<Option<Episode>>,
    units_difference: u64,
    finished: u64,
    oversold: u64,

    effects: Vec<Vec<Effect>>,
    net: BTreeMap<(usize, String), (usize, usize, i64)>,

    told: Vec<Vec<Told>>,
    told_sale: HashMap<usize, i64>,
    told_order: HashMap<usize, Vec<(usize, i64, i64)>>,
    told_open: Vec<i64>,
    told_shipped: Vec<i64>,
    told_hold: Vec<i64>,
    held_effects: BTreeSet<(usize, i64)>,
    by_row_version: BTreeMap<i64, (usize, i64, usize, usize)>,
    recent: Vec<VecDeque<(Timestamp, Option<i64>)>>,

    live_at: Option<Timestamp>,
    races: u64,
    unsafe_writes: u64,
    unsafe_described: Vec<String>,
    rows_written: u64,
    surplus: u64,
    descriptions: BTreeSet<(String, usize)>,

    pub cases: BTreeMap<Fault, u64>,
    pub calls: BTreeMap<Vendor, u64>,
    pub throttled: u64,
    pub throttled_injected: u64,
    pub early_calls: u64,
    pub notices: u64,
}

impl Books {
    /// Opening balances: matched or not, on hand, shown.
    pub fn open(outlets: usize, opening: &[(bool, i64, i64)], now: Timestamp) -> Books {
        let n = opening.len();
        let mut books = Books {
            outlets,
            matched: opening.iter().map(|o| o.0).collect(),
            on_hand: opening.iter().map(|o| o.1).collect(),
            shows: opening.iter().map(|o| o.2).collect(),
            web_units: vec![0; n],
            web_shipped: vec![0; n],
            on_hold: vec![0; n],
            episodes: vec![None; n],
            told: vec![vec![Told::default(); outlets]; n],
            told_open: vec![0; n],
            told_shipped: vec![0; n],
            told_hold: vec![0; n],
            recent: vec![VecDeque::new(); n],
            ..Books::default()
        };
        for item in 0..n {
            books.sample(item, now);
        }
        books
    }

    // ---- what is true ----

    /// The truth before the floor.
    fn raw(&self, item: usize) -> i64 {
        at(&self.on_hand, item) - at(&self.web_units, item) - at(&self.on_hold, item)
    }

    pub fn should_show(&self, item: usize) -> i64 {
        self.raw(item).max(0)
    }

    pub fn on_hand(&self, item: usize) -> i64 {
        at(&self.on_hand, item)
    }

    pub fn effect(&mut self, effect: Effect, now: Timestamp) {
        let item = effect.item;
        add(&mut self.on_hand, item, effect.on_hand);
        add(&mut self.on_hold, item, effect.on_hold);
        let net = self.net.entry((effect.sale, effect.line.clone())).or_insert((item, effect.outlet, 0));
        net.2 += effect.on_hand;
        if effect.on_hold != 0 {
            self.by_row_version.insert(effect.inventory_version, (effect.sale, effect.on_hold, item, effect.outlet));
        }
        if self.effects.len() <= effect.sale {
            self.effects.resize(effect.sale + 1, Vec::new());
        }
        if let Some(list) = self.effects.get_mut(effect.sale) {
            list.push(effect);
        }
        self.sample(item, now);
    }

    pub fn till_changed(&mut self, item: usize, _outlet: usize, by: i64, now: Timestamp) {
        add(&mut self.on_hand, item, by);
        self.sample(item, now);
    }

    pub fn release_hold(&mut self, item: usize, units: i64, now: Timestamp) {
        add(&mut self.on_hold, item, -units);
        self.sample(item, now);
    }

    /// A customer has bought on the web. Oversold is what was not truly there for them.
    pub fn ordered(&mut self, item: usize, units: i64, now: Timestamp) {
        let there = self.raw(item).max(0);
        self.oversold += (units - there).max(0).unsigned_abs();
        add(&mut self.web_units, item, units);
        self.sample(item, now);
    }

    pub fn shipped(&mut self, item: usize, units: i64, _now: Timestamp) {
        add(&mut self.web_shipped, item, units);
    }

    pub fn cancelled(&mut self, item: usize, units: i64, now: Timestamp) {
        add(&mut self.web_units, item, -units);
        self.sample(item, now);
    }

    pub fn shows(&mut self, item: usize, free: i64, now: Timestamp) {
        if let Some(slot) = self.shows.get_mut(item) {
            *slot = free;
        }
        self.sample(item, now);
    }

    pub fn link(&mut self, item: usize, now: Timestamp) {
        if let Some(slot) = self.matched.get_mut(item) {
            *slot = true;
        }
        self.sample(item, now);
    }

    /// A difference begins, grows or ends only when something changes, so sampling at each change misses nothing.
    fn sample(&mut self, item: usize, now: Timestamp) {
        if !self.matched.get(item).copied().unwrap_or(false) {
            return;
        }
        let size = (at(&self.shows, item) - self.should_show(item)).abs();
        let Some(slot) = self.episodes.get_mut(item) else { return };
        match (slot.as_mut(), size) {
            (None, 0) => {}
            (None, _) => *slot = Some(Episode { since: now, peak: size }),
            // A change that takes no time (a sale and its shelf) leaves no peak behind.
            (Some(episode), 1..) if episode.since == now => episode.peak = size,
            (Some(episode), 1..) => episode.peak = episode.peak.max(size),
            (Some(episode), _) => {
                if now.since(episode.since) > MEASURED_DELAY {
                    self.units_difference += episode.peak.unsigned_abs();
                    self.finished += 1;
                }
                *slot = None;
            }
        }
    }

    // ---- what has been told ----

    pub fn told(&mut self, knowledge: &Knowledge, now: Timestamp) {
        match knowledge {
            Knowledge::Sale { sale, version } => self.told_sale(*sale, *version, now),
            Knowledge::Count { item, outlet, version, on_hand } => {
                self.told_count(*item, *outlet, *version, *on_hand);
                self.remember(*item, now);
            }
            Knowledge::Order { order, lines } => {
                let before = self.told_order.insert(*order, lines.clone()).unwrap_or_default();
                for (item, open, shipped) in before {
                    add(&mut self.told_open, item, -open);
                    add(&mut self.told_shipped, item, -shipped);
                }
                for (item, open, shipped) in lines {
                    add(&mut self.told_open, *item, *open);
                    add(&mut self.told_shipped, *item, *shipped);
                }
                for (item, ..) in lines {
                    self.remember(*item, now);
                }
            }
        }
    }

    fn told_sale(&mut self, sale: usize, version: i64, now: Timestamp) {
        let before = self.told_sale.get(&sale).copied().unwrap_or(0);
        if version <= before {
            return;
        }
        self.told_sale.insert(sale, version);
        let fresh: Vec<Effect> = self
            .effects
            .get(sale)
            .map(|list| list.iter().filter(|e| e.sale_version > before && e.sale_version <= version).cloned().collect())
            .unwrap_or_default();
        for effect in fresh {
            if let Some(told) = self.told.get_mut(effect.item).and_then(|row| row.get_mut(effect.outlet)) {
                if told.count.is_none_or(|(counted, _)| effect.inventory_version > counted) {
                    told.after.insert(effect.inventory_version, effect.on_hand);
                }
            }
            self.hold_once(effect.item, effect.inventory_version, effect.on_hold);
            self.remember(effect.item, now);
        }
    }

    fn told_count(&mut self, item: usize, outlet: usize, version: i64, on_hand: i64) {
        let Some(told) = self.told.get_mut(item).and_then(|row| row.get_mut(outlet)) else { return };
        let from = match told.count {
            Some((counted, _)) if counted >= version => return,
            Some((counted, _)) => counted,
            None => 0,
        };
        told.count = Some((version, on_hand));
        told.after = told.after.split_off(&(version + 1));
        // A rise that came from a return without a link is on hold from the first count that shows it.
        let shown: Vec<(i64, i64)> = self
            .by_row_version
            .range(from + 1..=version)
            .filter(|(_, (_, _, i, o))| (*i, *o) == (item, outlet))
            .map(|(v, (_, hold, ..))| (*v, *hold))
            .collect();
        for (row_version, hold) in shown {
            self.hold_once(item, row_version, hold);
        }
    }

    fn hold_once(&mut self, item: usize, row_version: i64, hold: i64) {
        if hold != 0 && self.held_effects.insert((item, row_version)) {
            add(&mut self.told_hold, item, hold);
        }
    }

    /// The largest physical count that what had been told justifies: counts with the movements after them, less
    /// holds, less shipped web units; or the open units themselves when less than that is left, because an
    /// absolute physical count below the shop's own reservations would be no count at all.
    fn justified(&self, item: usize) -> Option<i64> {
        let row = self.told.get(item)?;
        let mut on_hand = 0;
        for told in row.iter().take(self.outlets) {
            on_hand += told.on_hand()?;
        }
        let left = on_hand - at(&self.told_hold, item) - at(&self.told_shipped, item);
        Some(left.max(at(&self.told_open, item)).max(0))
    }

    fn remember(&mut self, item: usize, now: Timestamp) {
        let justified = self.justified(item);
        if let Some(recent) = self.recent.get_mut(item) {
            if recent.back().is_some_and(|(at, _)| *at == now) {
                recent.pop_back();
            }
            recent.push_back((now, justified));
            while recent.len() > 64 {
                recent.pop_front();
            }
        }
    }

    // ---- what the product does ----

    pub fn go_live(&mut self, at: Timestamp) {
        self.live_at = Some(at);
    }

    /// Judges one row of an absolute write, as heard at the transport and before the shop acts on it.
    ///
    /// The number that matters is what customers could buy afterwards: the written count, raised to the shop's
    /// own reservations, less those. It is **unsafe** when that is more than the largest count justified by what
    /// had been told (within `grace`: the best of the last moments), when no count of every feeding outlet had
    /// been told at all, or before going live. A write that is justified and still offers more than the truth
    /// because a shipment had not been told is a **race**.
    pub fn judge_set(&mut self, item: usize, sku: &str, physical: i64, allocated: i64, grace: Span, now: Timestamp) {
        self.rows_written += 1;
        let offers = |count: i64| (count - allocated).max(0);
        if self.live_at.is_none_or(|live| now < live) {
            return self.unsafe_write(format!("{sku}: {physical} written before going live"));
        }
        if !self.matched.get(item).copied().unwrap_or(false) {
            return self.unsafe_write(format!("{sku}: {physical} written although nobody has matched it"));
        }
        let Some(justified) = self.best_justified(item, grace, now) else {
            return self.unsafe_write(format!("{sku}: {physical} written without a count of every outlet"));
        };
        if offers(physical) > offers(justified) {
            return self.unsafe_write(format!(
                "{sku}: {physical} written at {}, at most {justified} was justified ({allocated} reserved)",
                now.rfc3339()
            ));
        }
        let unknown_shipments = at(&self.web_shipped, item) - at(&self.told_shipped, item);
        if unknown_shipments > 0 && offers(physical) > self.should_show(item) {
            self.races += 1;
        }
    }

    fn best_justified(&self, item: usize, grace: Span, now: Timestamp) -> Option<i64> {
        let current = self.justified(item)?;
        let recent = self.recent.get(item)?;
        let since = now - grace;
        // The state in force at the start of the grace counts too, so the last one before it is looked at.
        let first = recent.iter().rposition(|(at, _)| *at < since).unwrap_or(0);
        let best = if grace == Span::ZERO {
            None
        } else {
            recent.iter().skip(first).filter_map(|(_, justified)| *justified).max()
        };
        Some(best.map_or(current, |best| best.max(current)))
    }

    /// Judges a relative change: never used for ordinary counts, so before going live it is unsafe, and the same
    /// description for the same item a second time is a surplus effect.
    pub fn judge_change(&mut self, item: usize, sku: &str, description: &str, now: Timestamp) {
        if self.live_at.is_none_or(|live| now < live) {
            self.unsafe_write(format!("{sku}: changed before going live"));
        }
        if !self.descriptions.insert((description.to_owned(), item)) {
            self.surplus += 1;
        }
    }

    fn unsafe_write(&mut self, words: String) {
        self.unsafe_writes += 1;
        if self.unsafe_described.len() < DESCRIBED {
            self.unsafe_described.push(words);
        }
    }

    // ---- the report ----

    /// Items that differ now, oldest first by item.
    pub fn differing(&self) -> Vec<(usize, i64, i64, Timestamp)> {
        self.episodes
            .iter()
            .enumerate()
            .filter_map(|(i, e)| e.map(|e| (i, at(&self.shows, i), self.should_show(i), e.since)))
            .collect()
    }

    /// Net movements per sale line: sale index, line id, item, outlet, units.
    pub fn movements(&self) -> impl Iterator<Item = (usize, &str, usize, usize, i64)> {
        self.net
            .iter()
            .filter(|(_, (_, _, units))| *units != 0)
            .map(|((sale, line), (item, outlet, units))| (*sale, line.as_str(), *item, *outlet, *units))
    }

    pub fn report(&self, now: Timestamp) -> Audit {
        let (mut units, mut episodes) = (self.units_difference, self.finished);
        for episode in self.episodes.iter().flatten() {
            if now.since(episode.since) > MEASURED_DELAY {
                units += episode.peak.unsigned_abs();
                episodes += 1;
            }
        }
        Audit {
            faults_injected: self.cases.iter().map(|(fault, n)| (fault.code(), *n)).collect(),
            calls: self.calls.iter().map(|(vendor, n)| (vendor.word(), *n)).collect(),
            throttled: self.throttled,
            throttled_injected: self.throttled_injected,
            early_calls: self.early_calls,
            differences_open: self.episodes.iter().flatten().count() as u64,
            units_difference: units,
            episodes,
            oversold_units: self.oversold,
            races: self.races,
            unsafe_writes: self.unsafe_writes,
            unsafe_described: self.unsafe_described.clone(),
            rows_written: self.rows_written,
            surplus_effects: self.surplus,
            movements: self.movements().count() as u64,
            sales: 0,
            orders: 0,
            notices: self.notices,
        }
    }
}

fn at(list: &[i64], index: usize) -> i64 {
    list.get(index).copied().unwrap_or(0)
}

fn add(list: &mut [i64], index: usize, by: i64) {
    if let Some(slot) = list.get_mut(index) {
        *slot += by;
    }
}
