//! What only this front of the till knows: sign-ins, references, reservations, drawers, and a log of every count.
//!
//! Everything else is the till's own state. What happens in the stores is written down here when it is shown.

use super::super::catalogue::Catalogue;
use super::super::options::Options;
use super::super::till::{Sale, Till, VOIDED};
use super::super::world::{State, stream};
use super::garble::Given;
use super::limit::Bucket;
use super::numbers::SECOND;
use super::oauth::Keys;
use super::quirks::Quirks;
use super::stocktake::Stocktake;
use crate::domain::money::{Fine, Minor};
use crate::domain::time::Timestamp;
use rand_chacha::ChaCha12Rng;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The id of the one account.
pub(super) const ACCOUNT: &str = "183050";
/// The stream of chance of sign-ins.
const STREAM: u64 = 21;
/// With how much change a drawer is opened.
pub(super) const FLOAT: Minor = Minor(10_000);

/// What the till's own state has no place for, of one sale.
#[derive(Debug, Clone, Default)]
pub(super) struct SaleNotes {
    pub reference: String,
    pub reference_source: String,
    pub customer: usize,
    pub employee: usize,
    pub change: Fine,
    pub no_tax: bool,
    pub archived: bool,
    pub ship_to: Option<Value>,
    /// Units that wait on the shelf for its lines: item, shop, units.
    pub reserved: Vec<(usize, usize, i64)>,
    /// Lines without an item: postage and the like.
    pub misc: Vec<Misc>,
    /// Client-made ids of payments, by our payment id.
    pub remote: HashMap<String, String>,
    /// Payments that were taken back: still listed, not to be counted.
    pub taken_back: Vec<super::super::till::Payment>,
}

/// A line without an item.
#[derive(Debug, Clone)]
pub(super) struct Misc {
    pub id: String,
    pub quantity: i64,
    pub price: Fine,
    pub tax: Fine,
    pub note: String,
}

/// A line that belongs to no sale yet: goods that wait for a customer.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub id: String,
    pub item: usize,
    pub shop: usize,
    pub customer: usize,
    pub employee: usize,
    pub quantity: i64,
    /// Taken from the shelf for it.
    pub reserved: i64,
    pub layaway: bool,
    pub at: Timestamp,
    pub changed: Timestamp,
    /// It has become part of a sale, or was given up.
    pub over: bool,
}

/// Something to be ordered for a customer.
#[derive(Debug, Clone)]
pub(super) struct Special {
    pub line: String,
    pub customer: usize,
    pub shop: usize,
    pub quantity: i64,
    pub changed: Timestamp,
    pub completed: bool,
    /// Nobody waits for it any more.
    pub over: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Customer {
    pub fields: BTreeMap<String, String>,
    pub contact: BTreeMap<String, String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub archived: bool,
}

/// A style as the till keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Matrix {
    pub fields: BTreeMap<String, String>,
    pub set: usize,
    pub archived: bool,
    pub changed: Timestamp,
}

/// What was typed into an item beyond what the range says.
#[derive(Debug, Clone, Default)]
pub(super) struct ItemNotes {
    pub fields: BTreeMap<String, String>,
    /// Its place among the matrices, when it is not that of its style.
    pub matrix: Option<usize>,
    pub attributes: Option<(usize, [String; 3])>,
    pub created: Option<Timestamp>,
}

/// One change of one count.
#[derive(Debug, Clone)]
pub(super) struct Logged {
    pub item: usize,
    pub shop: usize,
    pub by: i64,
    pub at: Timestamp,
    pub reason: &'static str,
    pub sale: Option<usize>,
    pub negative: bool,
}

/// A drawer: open since when, or closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawer {
    pub open: bool,
    pub since: Timestamp,
    pub opened_by: usize,
    /// Up to when its payments were counted.
    pub counted: Timestamp,
}

/// Money put into a drawer (positive) or taken out.
#[derive(Debug, Clone)]
pub(super) struct Withdraw {
    pub register: usize,
    pub amount: Minor,
    pub kind: usize,
    pub employee: usize,
    pub at: Timestamp,
    pub notes: String,
}

/// A drawer that was counted.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub register: usize,
    pub opened: Timestamp,
    pub closed: Timestamp,
    pub opened_by: usize,
    pub closed_by: usize,
    pub notes: String,
    /// Payment type, calculated, counted.
    pub amounts: Vec<(usize, Minor, Minor)>,
}

#[derive(Debug)]
pub(in crate::sim) struct Account {
    pub(super) keys: Keys,
    pub(super) chance: ChaCha12Rng,
    pub(super) bucket: Bucket,
    pub(super) secret: String,
    pub(super) sales: HashMap<usize, SaleNotes>,
    pub(super) held: Vec<Held>,
    pub(super) specials: Vec<Special>,
    pub(super) customers: Vec<Customer>,
    pub(super) items: HashMap<usize, ItemNotes>,
    pub(super) matrices: Vec<Matrix>,
    pub(super) voids: Vec<(usize, Timestamp)>,
    pub(super) log: Vec<Logged>,
    pub(super) drawers: Vec<Drawer>,
    pub(super) withdraws: Vec<Withdraw>,
    pub(super) counted: Vec<Counted>,
    /// Where to reorder and up to how many, by item and shop.
    pub(super) reorder: HashMap<(usize, usize), (i64, i64)>,
    pub(super) stocktakes: Vec<Stocktake>,
    pub(super) quirks: Quirks,
    /// The page of counts that was given last.
    pub(super) given: Option<Given>,
    /// The next write meets somebody else's edit.
    pub(super) conflict: bool,
    /// Why the count that is shown next changed, when it was no sale.
    pub(super) why: Option<&'static str>,
    /// Whoever writes over the wire sees at once what came of it.
    pub at_once: bool,
}

impl Account {
    pub fn open(options: &Options, range: &Catalogue, till: &Till) -> Account {
        let mut chance = stream(options.seed, STREAM);
        let secret = super::super::text::hex32(&mut chance);
        let since = options.start;
        let matrix = |style: &super::super::catalogue::Style| Matrix {
            fields: [("description".to_owned(), style.name.clone())].into(),
            set: 1,
            archived: false,
            changed: since,
        };
        let drawer = Drawer { open: true, since, opened_by: 1, counted: since };
        Account {
            keys: Keys::open(options),
            chance,
            bucket: Bucket::default(),
            secret,
            sales: HashMap::new(),
            held: Vec::new(),
            specials: Vec::new(),
            customers: Vec::new(),
            items: HashMap::new(),
            matrices: if till.numbered { range.styles.iter().map(matrix).collect() } else { Vec::new() },
            voids: Vec::new(),
            log: Vec::new(),
            drawers: vec![drawer; till.registers.len()],
            withdraws: Vec::new(),
            counted: Vec::new(),
            reorder: HashMap::new(),
            stocktakes: Vec::new(),
            quirks: Quirks::of(options),
            given: None,
            conflict: false,
            why: None,
            at_once: false,
        }
    }
}

/// The time stamp that a version stands for.
pub(super) fn stamp(version: i64) -> Timestamp {
    Timestamp::from_secs(version.div_euclid(SECOND))
}

impl Sale {
    /// The sums of a sale: lines at full price, discount, tax, all in all, paid.
    pub(super) fn sums(&self, notes: Option<&SaleNotes>) -> Sums {
        let misc = notes.map_or(&[] as &[Misc], |notes| &notes.misc);
        let subtotal: i64 = self.lines.iter().map(|l| l.quantity * (l.price.0 + l.discount.0)).sum::<i64>()
            + misc.iter().map(|m| m.quantity * m.price.0).sum::<i64>();
        let discount: i64 = self.lines.iter().map(|l| l.quantity * l.discount.0).sum();
        let tax: i64 = self.tax().0 + misc.iter().map(|m| m.quantity * m.tax.0).sum::<i64>();
        let (discount, tax) = (super::shape::cents(Fine(discount)), super::shape::cents(Fine(tax)));
        let total = super::shape::cents(Fine(subtotal - discount.0 + tax.0));
        Sums { subtotal: Fine(subtotal), discount, tax, total, paid: self.paid() }
    }
}

/// What a sale amounts to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    pub subtotal: Fine,
    pub discount: Fine,
    pub tax: Fine,
    pub total: Fine,
    pub paid: Fine,
}

impl State {
    /// The till shows a state of a sale: a void has a row of its own.
    pub(in crate::sim) fn r_sale_shown(&mut self, sale: usize) {
        let voided = self.seen(sale).is_some_and(|sale| sale.status == VOIDED && sale.completed_at.is_some());
        if self.till.numbered && voided && self.r.voids.iter().all(|(known, _)| *known != sale) {
            self.r.voids.push((sale, self.now));
        }
    }

    /// The till shows a change of a count.
    pub(in crate::sim) fn r_count_shown(&mut self, row: (usize, usize), by: i64, sale: Option<usize>) {
        if !self.till.numbered {
            return;
        }
        let (item, shop) = row;
        let why = self.r.why;
        let status = sale.and_then(|sale| self.till.sales.get(sale)).map(|sale| sale.status);
        let reason = match (status, by < 0) {
            (Some(VOIDED), true) => "VoidRefund",
            (Some(VOIDED), false) => "PutBackForTransaction",
            (Some(_), true) => "RemoveForTransaction",
            (Some(_), false) => "RefundAddInventory",
            (None, _) => why.unwrap_or("ManualQuantityAdjustment"),
        };
        let shown = self.till.stock.get(item).and_then(|rows| rows.get(shop)).map_or(0, |row| row.shown);
        let negative = by < 0 && shown < 0;
        self.r.log.push(Logged { item, shop, by, at: self.now, reason, sale, negative });
    }

    /// Changes a count for this reason.
    pub(super) fn r_adjust(&mut self, item: usize, shop: usize, by: i64, why: &'static str) {
        (self.r.why, self.r.at_once) = (Some(why), true);
        self.adjust_till(item, shop, by, why);
        (self.r.why, self.r.at_once) = (None, false);
    }

    /// Publishes a sale that somebody made over the wire.
    pub(super) fn r_publish(&mut self, sale: usize, status: &'static str) {
        self.r.at_once = true;
        self.publish_sale(sale, status);
        self.r.at_once = false;
    }
}
