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

mod episodes;
mod judge;
mod marks;
mod told;

use super::options::{Fault, Vendor};
use crate::domain::time::{Span, Timestamp};
use episodes::{Ended, Episode};
pub(super) use judge::SetRow;
use marks::Marks;
pub use marks::{Claim, Mark};
use std::collections::{BTreeMap, BTreeSet, HashMap};
pub(super) use told::UNSEEN;
use told::{Recent, Told};

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
    /// The shop's own books of an item at the warehouse that sells.
    Shelf {
        item: usize,
    },
    /// There are no more sales after those told before.
    SalesEnd,
}

/// Goods that a sale moved.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub sale: usize,
    /// Its place among the movements of this sale; given by the books.
    pub number: usize,
    /// [`UNSEEN`] until the till shows it.
    pub sale_version: i64,
    /// Provisional until the till shows the count.
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

/// What one line of a sale moved, version by version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueLine {
    /// The vendor's sale id.
    pub sale: String,
    /// The vendor's line id.
    pub line: String,
    /// The till's product id.
    pub product: String,
    /// The till's outlet id.
    pub outlet: String,
    /// The version of the sale and the signed change of the count; by version.
    pub steps: Vec<(i64, i64)>,
    /// It happened before the world began: its line may stand in the ledger and need not.
    pub earlier: bool,
}

/// A change of the till's count that is no sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandChange {
    /// The till's product id.
    pub product: String,
    /// The till's outlet id.
    pub outlet: String,
    /// Signed change of the count.
    pub units: i64,
    /// When it was there to be read.
    pub at: Timestamp,
}

/// A web order as the shop holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueOrder {
    /// The vendor's id.
    pub id: String,
    /// The number people use.
    pub number: i64,
    /// "open", "shipped" or "cancelled".
    pub state: &'static str,
    /// Units ordered and not cancelled, by the vendor's line id.
    pub lines: Vec<(String, i64)>,
    /// It was closed before the world began: it may be known and need not.
    pub earlier: bool,
}

/// Why the web's count went wrong by some units, as the world knows because it did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueCause {
    /// When it was done.
    pub at: Timestamp,
    /// SKU.
    pub sku: String,
    /// Signed change of "shows less should show": a sale of two that nobody hears of is +2.
    pub units: i64,
    /// The fault's id. A lost, late or waiting notice labels the goods of the sale it was about.
    pub fault: &'static str,
    /// The vendor's id of the sale, if there is one.
    pub sale: Option<String>,
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
    /// Sum over all episodes of a difference that outlived the ordinary delay of their largest size.
    pub units_difference: u64,
    /// How many such episodes there were.
    pub episodes: u64,
    /// The ordinary delay: the 99th of a hundred differences that no fault touched, two minutes at most.
    pub ordinary_delay: Span,
    /// 95 of a hundred differences were gone so long after what had been told was enough to know of them.
    pub heal_p95: Option<Span>,
    /// Differences that began with a sale in the hour in which most did, and how long 95 of a hundred of them lasted.
    pub busiest_hour: (u64, Option<Span>),
    /// Moves of a mark that claimed more than was known.
    pub false_marks: u64,
    /// The first of them in words.
    pub false_marks_described: Vec<String>,
    /// Web units sold beyond what truly was there.
    pub oversold_units: u64,
    /// Writes that crossed a shipment the product could not have known of.
    pub races: u64,
    /// Writes that offered more or less than what the product had been told, went to the wrong place, or came before
    /// going live.
    pub unsafe_writes: u64,
    /// The first unsafe writes in words.
    pub unsafe_described: Vec<String>,
    /// Absolute count rows that the shop was asked to set.
    pub rows_written: u64,
    /// Changes in the shop that carry a description which had changed the same item before.
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

/// The books. Indexes are those of the world; nothing of the vendors' state is read here.
#[derive(Debug, Default)]
pub(super) struct Books {
    outlets: usize,
    matched: Vec<bool>,
    on_hand: Vec<i64>,
    web_units: Vec<i64>,
    web_shipped: Vec<i64>,
    on_hold: Vec<i64>,
    /// What a customer sees, at least and at most.
    shows: Vec<(i64, i64)>,
    episodes: Vec<Option<Episode>>,
    ended: Ended,
    oversold: u64,

    effects: Vec<Vec<Effect>>,
    provisional: i64,
    net: BTreeMap<(usize, String), (usize, usize, i64)>,
    /// Changes of a count that are no sale, in the till's order: item, outlet, units, version, when.
    pub typed: Vec<(usize, usize, i64, i64, Timestamp)>,

    told: Vec<Vec<Told>>,
    told_sale: HashMap<usize, i64>,
    told_order: HashMap<usize, Vec<(usize, i64, i64)>>,
    told_open: Vec<i64>,
    told_shipped: Vec<i64>,
    told_hold: Vec<i64>,
    held_effects: BTreeSet<(usize, usize)>,
    by_row_version: BTreeMap<i64, ((usize, usize), i64, usize, usize)>,
    recent: Vec<Recent>,
    /// When the till's sales were last read to their end.
    sales_read: Timestamp,
    /// When somebody's hand last changed the shop's count of an item, until that is read.
    blind: Vec<Option<Timestamp>>,
    pub marks: Marks,

    live_at: Option<Timestamp>,
    races: u64,
    unsafe_writes: u64,
    unsafe_described: Vec<String>,
    rows_written: u64,
    surplus: u64,
    descriptions: BTreeSet<(String, usize)>,

    /// When, item, units, fault, sale.
    pub causes: Vec<(Timestamp, usize, i64, Fault, Option<usize>)>,
    pub cases: BTreeMap<Fault, u64>,
    pub calls: BTreeMap<Vendor, u64>,
    pub throttled: u64,
    pub throttled_injected: u64,
    pub early_calls: u64,
    pub notices: u64,
    /// When something last went wrong on the wire on purpose.
    pub wire_trouble: Timestamp,
}

impl Books {
    /// Labels the goods that one version of a sale moved with what befell its notice.
    pub fn label_sale(&mut self, fault: Fault, sale: usize, version: i64, now: Timestamp) {
        let moved: Vec<(usize, i64)> = self
            .effects
            .get(sale)
            .into_iter()
            .flatten()
            .filter(|e| e.sale_version == version)
            .map(|e| (e.item, e.on_hold - e.on_hand))
            .collect();
        for (item, units) in moved {
            self.troubled(item);
            if units != 0 {
                self.causes.push((now, item, units, fault, Some(sale)));
            }
        }
    }

    /// Labels a change that somebody made by hand.
    pub fn label(&mut self, fault: Fault, item: usize, units: i64, now: Timestamp) {
        self.causes.push((now, item, units, fault, None));
        self.troubled(item);
    }

    /// Opening balances: matched or not, on hand, shown.
    pub fn open(outlets: usize, opening: &[(bool, i64, i64)], now: Timestamp) -> Books {
        let n = opening.len();
        let mut books = Books {
            outlets,
            matched: opening.iter().map(|o| o.0).collect(),
            on_hand: opening.iter().map(|o| o.1).collect(),
            shows: opening.iter().map(|o| (o.2, o.2)).collect(),
            web_units: vec![0; n],
            web_shipped: vec![0; n],
            on_hold: vec![0; n],
            episodes: vec![None; n],
            told: vec![vec![Told::default(); outlets]; n],
            told_open: vec![0; n],
            told_shipped: vec![0; n],
            told_hold: vec![0; n],
            recent: vec![Recent::default(); n],
            blind: vec![None; n],
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

    /// Goods have moved by a sale; its place among the movements of that sale. The till shows it later by
    /// [`Books::sale_surfaced`] and [`Books::count_surfaced`].
    pub fn effect(&mut self, mut effect: Effect, now: Timestamp) -> usize {
        let (sale, item, sold) = (effect.sale, effect.item, effect.on_hand < 0);
        add(&mut self.on_hand, item, effect.on_hand);
        add(&mut self.on_hold, item, effect.on_hold);
        let net = self.net.entry((sale, effect.line.clone())).or_insert((item, effect.outlet, 0));
        net.2 += effect.on_hand;
        if self.effects.len() <= sale {
            self.effects.resize(sale + 1, Vec::new());
        }
        self.provisional += 1;
        let mut number = 0;
        if let Some(list) = self.effects.get_mut(sale) {
            number = list.len();
            (effect.number, effect.sale_version) = (number, UNSEEN);
            effect.inventory_version = UNSEEN + self.provisional;
            list.push(effect);
        }
        self.sample(item, now);
        if sold {
            self.sold(item, now);
        }
        number
    }

    pub fn till_changed(&mut self, item: usize, by: i64, now: Timestamp) {
        add(&mut self.on_hand, item, by);
        self.sample(item, now);
    }

    /// A person has decided in the product: it knows at once.
    pub fn release_hold(&mut self, item: usize, units: i64, now: Timestamp) {
        add(&mut self.on_hold, item, -units);
        add(&mut self.told_hold, item, -units);
        self.remember(item, now);
    }

    /// An order that was open when the books began.
    pub fn was_ordered(&mut self, item: usize, units: i64) {
        add(&mut self.web_units, item, units);
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

    /// What a customer sees now: at least and at most, where the shop's papers leave it open.
    pub fn shows(&mut self, item: usize, least: i64, most: i64, now: Timestamp) {
        if let Some(slot) = self.shows.get_mut(item) {
            *slot = (least, most);
        }
        self.sample(item, now);
    }

    /// The shop's count of an item is not what the product last wrote or read: somebody's hand, or a write that the
    /// shop took and did not act upon.
    pub fn changed_unseen(&mut self, item: usize, now: Timestamp) {
        if let Some(blind) = self.blind.get_mut(item) {
            *blind = Some(now);
        }
    }

    /// Holds a mark of the product against what it had been told; `shelves` are the items that the shop lists.
    pub fn claimed(&mut self, mark: Mark, claim: Claim, shelves: &[usize]) {
        self.marks.claim(mark, claim, &self.blind, shelves);
    }

    pub fn link(&mut self, item: usize, now: Timestamp) {
        if let Some(slot) = self.matched.get_mut(item) {
            *slot = true;
        }
        self.sample(item, now);
    }

    // ---- the report ----

    /// How many movements a sale has made so far.
    pub fn moved_by(&self, sale: usize) -> usize {
        self.effects.get(sale).map_or(0, Vec::len)
    }

    /// Movements of a sale line at each version of the sale that the till has shown, oldest first: version, units.
    pub fn steps(&self) -> BTreeMap<(usize, &str), Vec<(i64, i64)>> {
        let mut steps: BTreeMap<(usize, &str), Vec<(i64, i64)>> = BTreeMap::new();
        for effect in self.effects.iter().flatten() {
            let line = steps.entry((effect.sale, effect.line.as_str())).or_default();
            line.push((effect.sale_version, effect.on_hand));
        }
        steps
    }

    /// Net movements per sale line: sale index, line id, item, outlet, units.
    pub fn movements(&self) -> impl Iterator<Item = (usize, &str, usize, usize, i64)> {
        self.net
            .iter()
            .filter(|(_, (_, _, units))| *units != 0)
            .map(|((sale, line), (item, outlet, units))| (*sale, line.as_str(), *item, *outlet, *units))
    }

    pub fn report(&self, now: Timestamp) -> Audit {
        let ordinary_delay = self.ordinary_delay();
        let (units_difference, episodes) = self.outlived(ordinary_delay, now);
        Audit {
            faults_injected: self.cases.iter().map(|(fault, n)| (fault.code(), *n)).collect(),
            calls: self.calls.iter().map(|(vendor, n)| (vendor.word(), *n)).collect(),
            throttled: self.throttled,
            throttled_injected: self.throttled_injected,
            early_calls: self.early_calls,
            differences_open: self.episodes.iter().flatten().count() as u64,
            units_difference,
            episodes,
            ordinary_delay,
            heal_p95: self.heal_p95(),
            busiest_hour: self.busiest_hour(now),
            false_marks: self.marks.wrong,
            false_marks_described: self.marks.described.clone(),
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
