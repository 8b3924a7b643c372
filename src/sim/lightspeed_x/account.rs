//! What only this front of the till knows: sign-ins, where a sale came from, fulfilments, drawers, typed-in products.
//!
//! Everything else is the till's own state, and every change of it goes through the till's own books.

use super::super::catalogue::Catalogue;
use super::super::options::Options;
use super::super::till::{CLOSED, PENDING, Payment, PaymentType, Sale, Till, VOIDED};
use super::super::world::{State, stream};
use super::oauth::Keys;
use super::switches::XSwitches;
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use rand_chacha::ChaCha12Rng;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The stream of chance of this front.
const STREAM: u64 = 23;

/// What the till's own state has no place for, of one sale.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct SaleNotes {
    pub source: Option<String>,
    pub source_id: Option<String>,
    pub author: Option<String>,
    pub customer: Option<usize>,
    pub attributes: Vec<String>,
    /// The date that was written, when one was.
    pub date: Option<Timestamp>,
    /// Where goods of a line leave, by the line's id, and whether they are sent.
    pub lines: HashMap<String, Way>,
    /// Payments that were taken back: still listed, not to be counted.
    pub taken_back: Vec<(Payment, Timestamp)>,
    pub remark: String,
}

/// How the goods of a line leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct Way {
    pub outlet: usize,
    pub sent: bool,
}

impl SaleNotes {
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own == attribute)
    }

    /// Goods wait until they are handed over.
    pub fn waits(&self) -> bool {
        self.has("pickup") || self.has("delivery")
    }
}

/// Goods of one sale that are handed over at one outlet in one way.
#[derive(Debug, Clone)]
pub(super) struct Fulfilment {
    pub id: i64,
    pub sale: usize,
    pub way: Way,
    pub lines: Vec<Portion>,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub version: i64,
    pub events: Vec<Event>,
}

/// One line of a fulfilment: asked for, and how far it has come. Packed units were picked, fulfilled ones packed.
#[derive(Debug, Clone)]
pub(super) struct Portion {
    pub line: String,
    pub item: usize,
    pub quantity: i64,
    pub picked: i64,
    pub packed: i64,
    pub fulfilled: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Event {
    pub kind: &'static str,
    pub at: Timestamp,
    pub line: String,
    pub item: usize,
    pub quantity: i64,
    pub picked: i64,
    pub packed: i64,
    pub fulfilled: i64,
}

/// A family of products as it is shown.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Family {
    pub id: String,
    pub name: String,
    pub handle: String,
    pub description: String,
    pub tags: Vec<String>,
    /// Those that were typed in over the wire; the others are known by their style.
    pub items: Vec<usize>,
}

/// What was typed into a product beyond what the range says.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct ItemNotes {
    pub family: Option<usize>,
    /// Name and value of each attribute.
    pub options: Option<Vec<(String, String)>>,
    /// Type and code.
    pub codes: Option<Vec<(String, String)>>,
    pub deleted: Option<Timestamp>,
    pub created: Option<Timestamp>,
    pub untracked: bool,
    pub source: Option<String>,
    pub source_id: Option<String>,
    pub source_variant_id: Option<String>,
}

/// A session of a drawer: from when, and its id.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Drawer {
    pub open: bool,
    pub since: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub number: i64,
    pub sessions: Vec<(Timestamp, String)>,
}

/// A change of a count with its reason.
#[derive(Debug, Clone)]
pub(super) struct Adjustment {
    pub id: String,
    pub item: usize,
    pub outlet: usize,
    pub by: i64,
    pub reason: String,
    pub custom: Option<String>,
    pub at: Timestamp,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Reason {
    pub id: String,
    pub name: String,
    pub enabled: bool,
    pub positive: bool,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub id: String,
    pub code: String,
    pub fields: Map<String, Value>,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub deleted: Option<Timestamp>,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub id: String,
    pub name: String,
}

#[derive(Debug)]
pub(in crate::sim) struct Account {
    pub(super) keys: Keys,
    pub(super) chance: ChaCha12Rng,
    pub switches: XSwitches,
    pub sales: HashMap<usize, SaleNotes>,
    pub(super) fulfilments: Vec<Fulfilment>,
    pub families: Vec<Family>,
    pub items: HashMap<usize, ItemNotes>,
    pub drawers: Vec<Drawer>,
    pub(super) adjustments: Vec<Adjustment>,
    pub(super) reasons: Vec<Reason>,
    pub(super) customers: Vec<Customer>,
    pub(super) attributes: Vec<Attribute>,
    /// Where to reorder and up to how many, by item and outlet.
    pub(super) reorder: HashMap<(usize, usize), (i64, i64)>,
    /// The next number of the store's own SKUs.
    pub(super) sku: i64,
}

impl Account {
    pub fn open(options: &Options, range: &Catalogue, till: &mut Till) -> Account {
        let mut chance = stream(options.seed, STREAM);
        let switches = options.till_switches;
        let families = range.styles.iter().map(|style| Family {
            id: style.family_id.clone(),
            name: style.name.clone(),
            handle: style.handle.clone(),
            description: format!("<p>{}</p>", style.name),
            tags: Vec::new(),
            items: Vec::new(),
        });
        let drawers = till.registers.iter().map(|register| Drawer {
            open: true,
            since: options.start,
            closed_at: None,
            number: 1,
            sessions: vec![(options.start, register.session.clone())],
        });
        let (families, drawers) = (families.collect(), drawers.collect());
        let attributes = ["Color", "Size"]
            .map(|name| Attribute { id: super::super::text::uuid(&mut chance), name: name.to_owned() });
        if switches.twin_payment_types && !till.numbered {
            let version = till.next_past_version();
            let id = super::super::text::uuid(&mut chance);
            till.payment_types.push(PaymentType { id, name: "Web card", type_id: 3, version });
        }
        Account {
            keys: Keys::open(options),
            chance,
            switches,
            sales: HashMap::new(),
            fulfilments: Vec::new(),
            families,
            items: HashMap::new(),
            drawers,
            adjustments: Vec::new(),
            reasons: Vec::new(),
            customers: Vec::new(),
            attributes: attributes.into(),
            reorder: HashMap::new(),
            sku: 10_000,
        }
    }

    /// The session of a register in which something happened.
    pub fn session(&self, register: usize, at: Timestamp) -> Option<&str> {
        let sessions = &self.drawers.get(register)?.sessions;
        sessions.iter().rev().find(|(from, _)| *from <= at).or(sessions.first()).map(|(_, id)| id.as_str())
    }

    /// Units of each line that have left when a sale stands so.
    pub fn gone(&self, at: usize, sale: &Sale, status: &str) -> Vec<i64> {
        let all = |units: bool| sale.lines.iter().map(|line| if units { line.quantity } else { 0 }).collect();
        let Some(notes) = self.sales.get(&at).filter(|_| status == PENDING) else { return all(status == CLOSED) };
        if notes.waits() {
            return sale.lines.iter().map(|line| self.handed_over(at, &line.id)).collect();
        }
        all(notes.has("onaccount") || (notes.has("layby") && self.switches.layby_leaves_at_once))
    }

    /// Units of a line that were handed over.
    pub(super) fn handed_over(&self, sale: usize, line: &str) -> i64 {
        let own = self.fulfilments.iter().filter(|one| one.sale == sale).flat_map(|one| &one.lines);
        own.filter(|portion| portion.line == line).map(|portion| portion.fulfilled).sum()
    }

    /// The outlet that goods of a line leave, when it is not that of the register.
    pub fn leaves(&self, sale: usize, line: &str) -> Option<usize> {
        self.sales.get(&sale)?.lines.get(line).map(|way| way.outlet)
    }

    pub fn deleted(&self, item: usize) -> Option<Timestamp> {
        self.items.get(&item).and_then(|notes| notes.deleted)
    }
}

/// The old word for state and attributes.
pub(in crate::sim) fn legacy_status(status: &'static str, notes: Option<&SaleNotes>) -> &'static str {
    let has = |attribute: &str| notes.is_some_and(|notes| notes.has(attribute));
    match status {
        PENDING | CLOSED => {
            let closed = status == CLOSED;
            let pick = |open: &'static str, over: &'static str| if closed { over } else { open };
            if has("pickup") {
                pick("AWAITING_PICKUP", "PICKED_UP_CLOSED")
            } else if has("delivery") {
                pick("AWAITING_DISPATCH", "DISPATCHED_CLOSED")
            } else if has("onaccount") {
                pick("ONACCOUNT", "ONACCOUNT_CLOSED")
            } else if has("layby") {
                pick("LAYBY", "LAYBY_CLOSED")
            } else if has("service") {
                pick("SERVICE", "SERVICE_CLOSED")
            } else {
                pick("OPEN", CLOSED)
            }
        }
        VOIDED => VOIDED,
        other => other,
    }
}

impl State {
    /// The place of a product's family.
    pub fn x_family(&self, item: usize) -> Option<usize> {
        let typed = self.x.items.get(&item).and_then(|notes| notes.family);
        typed.or_else(|| self.range.items.get(item).map(|row| row.style))
    }

    /// The members of a family, in the order in which they were made.
    pub fn x_members(&self, family: usize) -> Vec<usize> {
        let typed = self.x.families.get(family).map(|family| family.items.as_slice()).unwrap_or_default();
        let known = self.range.items.iter().enumerate().filter(|(_, row)| row.style == family && row.on_till());
        known.map(|(at, _)| at).chain(typed.iter().copied()).collect()
    }

    /// The product that stands for a family.
    pub fn x_head(&self, item: usize) -> Option<usize> {
        let family = self.x_family(item)?;
        let typed = || self.x.families.get(family).and_then(|family| family.items.first().copied());
        let head = self.family_head(item).or_else(typed)?;
        if self.x.switches.head_moves_on && self.x.deleted(head).is_some() {
            return self.x_members(family).into_iter().find(|at| self.x.deleted(*at).is_none()).or(Some(head));
        }
        Some(head)
    }

    /// What happens in here is seen at once by whoever asked for it.
    pub(super) fn x_at_once<T>(&mut self, act: impl FnOnce(&mut State) -> T) -> T {
        self.r.at_once = true;
        let done = act(self);
        self.r.at_once = false;
        done
    }

    /// Shows a product anew after a change.
    pub(super) fn x_product_changed(&mut self, item: usize) {
        let (version, now) = (self.till.next_version(), self.now);
        let Some(product) = self.till.products.get_mut(item) else { return };
        let before = std::mem::replace(&mut product.version, version);
        product.updated_at = now;
        self.till.product_by_version.remove(&before);
        self.till.product_by_version.insert(version, item);
        self.note(&format!("till item {item} changed"));
        let body = super::hooks::product(self, item);
        self.post_till("product.update", &body, None);
    }

    /// What was paid at a register since a moment, by payment type.
    pub(super) fn x_takings(&self, register: usize, from: Timestamp, to: Timestamp) -> Vec<Minor> {
        let mut sums = vec![Minor::ZERO; self.till.payment_types.len()];
        for sale in self.till.sales.iter().filter(|sale| sale.register == register && sale.version > 0) {
            for payment in sale.payments.iter().filter(|payment| payment.at >= from && payment.at <= to) {
                if let Some(sum) = sums.get_mut(payment.kind) {
                    sum.0 += payment.amount.0;
                }
            }
        }
        sums
    }
}
