//! The till account as the vendor keeps it: outlets, registers, counts and sales under one rising version.
//!
//! Goods move when a sale is closed and come back when it is voided. How that becomes visible is in `surface`.

use super::auditor::Knowledge;
use super::lightspeed_r::numbers::{OPENING, SECOND, net_price};
use super::lightspeed_x::hooks;
use super::lightspeed_x::limit::Window;
use super::options::{Fault, Options, Vendor};
use super::text;
use super::world::State;
use crate::domain::money::{Fine, Minor};
use crate::domain::time::Timestamp;
use rand::Rng;
use rand_chacha::ChaCha12Rng;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) const SAVED: &str = "SAVED";
pub(super) const CLOSED: &str = "CLOSED";
/// Open, with an attribute that says for what: on account, to be picked up, to be sent.
pub(super) const PENDING: &str = "OPEN";
pub(super) const VOIDED: &str = "VOIDED";

/// Tax in percent, included in every price.
pub(super) const TAX_PERCENT: i64 = 20;

/// Real accounts are far beyond 32 bits.
const FIRST_VERSION: i64 = 11_400_000_000;
/// Versions kept free below the first counts, for what happened before the world began.
const PAST_ROOM: i64 = 10_000_000;

#[derive(Debug, Clone)]
pub(super) struct Outlet {
    pub id: String,
    pub name: String,
    pub zone: chrono_tz::Tz,
    pub currency: String,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Register {
    pub id: String,
    pub name: String,
    pub outlet: usize,
    pub prefix: String,
    pub sequence: i64,
    pub session: String,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub(super) struct PaymentType {
    pub id: String,
    pub name: &'static str,
    pub type_id: i64,
    pub version: i64,
}

/// One count: a product at an outlet.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub id: String,
    /// What is there.
    pub on_hand: i64,
    /// What the till shows; the rest is on its way.
    pub shown: i64,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Product {
    pub version: i64,
    pub active: bool,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: String,
    pub item: usize,
    pub quantity: i64,
    /// Without tax, after discount.
    pub price: Fine,
    pub discount: Fine,
    pub tax: Fine,
    pub is_return: bool,
    pub note: Option<String>,
    /// Units that have left the outlet by this line so far.
    pub moved: i64,
    /// The id of the line that this one returns.
    pub parent: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub id: String,
    pub kind: usize,
    pub amount: Minor,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Sale {
    pub id: String,
    pub status: &'static str,
    pub register: usize,
    pub created_at: Timestamp,
    pub date: Timestamp,
    pub updated_at: Timestamp,
    /// When it was first closed.
    pub completed_at: Option<Timestamp>,
    pub invoice: String,
    pub short_code: String,
    pub note: String,
    pub return_for: Option<usize>,
    pub returned_by: Vec<usize>,
    pub lines: Vec<Line>,
    pub payments: Vec<Payment>,
    pub version: i64,
}

impl Sale {
    pub fn net(&self) -> Fine {
        Fine(self.lines.iter().map(|l| l.quantity * l.price.0).sum())
    }

    pub fn tax(&self) -> Fine {
        Fine(self.lines.iter().map(|l| l.quantity * l.tax.0).sum())
    }

    pub fn paid(&self) -> Fine {
        Fine(self.payments.iter().map(|p| p.amount.0 * 1_000).sum())
    }
}

/// What a person at the till types in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub item: usize,
    pub quantity: i64,
    pub discount_percent: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub id: String,
    pub url: String,
    pub kind: String,
    pub active: bool,
}

#[derive(Debug)]
pub(super) struct Till {
    pub retailer_id: String,
    pub domain_prefix: String,
    pub user_id: String,
    pub walk_in_id: String,
    pub group_id: String,
    pub tax_id: String,
    pub tax_rate_id: String,
    pub brand_id: String,
    pub opened_at: Timestamp,
    pub outlets: Vec<Outlet>,
    pub registers: Vec<Register>,
    pub payment_types: Vec<PaymentType>,
    pub product_ids: Vec<String>,
    pub products: Vec<Product>,
    pub product_by_version: BTreeMap<i64, usize>,
    pub product_by_id: HashMap<String, usize>,
    pub stock: Vec<Vec<Row>>,
    pub stock_by_version: BTreeMap<i64, (usize, usize)>,
    pub sales: Vec<Sale>,
    pub sale_by_version: BTreeMap<i64, usize>,
    pub sale_by_id: HashMap<String, usize>,
    pub hooks: Vec<Hook>,
    pub window: Window,
    /// Ids are numbers in the order of birth, and a version is the second it was taken in, in microseconds, plus a
    /// number within that second: the till that people know by time stamps instead of versions.
    pub numbered: bool,
    pub clock: Timestamp,
    pub lines: i64,
    pub payments: i64,
    version: i64,
    steps: ChaCha12Rng,
    /// Sales from before the world began which nothing has touched since.
    earlier: BTreeSet<usize>,
    /// The highest version below the first counts, for what happened before them.
    past: i64,
}

impl Till {
    pub fn open(
        options: &Options,
        range: &super::catalogue::Catalogue,
        ids: &mut ChaCha12Rng,
        steps: ChaCha12Rng,
    ) -> Till {
        let mut till = Till {
            retailer_id: text::uuid(ids),
            domain_prefix: "simulated".into(),
            user_id: text::uuid(ids),
            walk_in_id: text::uuid(ids),
            group_id: text::uuid(ids),
            tax_id: text::uuid(ids),
            tax_rate_id: text::uuid(ids),
            brand_id: text::uuid(ids),
            opened_at: options.start,
            outlets: Vec::new(),
            registers: Vec::new(),
            payment_types: Vec::new(),
            product_ids: range.items.iter().map(|item| item.product_id.clone()).collect(),
            products: Vec::new(),
            product_by_version: BTreeMap::new(),
            product_by_id: HashMap::new(),
            stock: Vec::new(),
            stock_by_version: BTreeMap::new(),
            sales: Vec::new(),
            sale_by_version: BTreeMap::new(),
            sale_by_id: HashMap::new(),
            hooks: Vec::new(),
            window: Window::default(),
            numbered: options.till_vendor == Vendor::LightspeedR,
            clock: options.start - OPENING,
            lines: 0,
            payments: 0,
            version: FIRST_VERSION,
            steps,
            earlier: BTreeSet::new(),
            past: 0,
        };
        for (o, store) in options.stores.iter().enumerate() {
            let version = till.next_version();
            till.outlets.push(Outlet {
                id: text::uuid(ids),
                name: store.name.clone(),
                zone: store.zone,
                currency: store.currency.clone(),
                version,
            });
            for r in 0..store.registers.max(1) {
                let version = till.next_version();
                till.registers.push(Register {
                    id: text::uuid(ids),
                    name: format!("Till {}", r + 1),
                    outlet: o,
                    prefix: format!("{}{}-", store.name.chars().next().unwrap_or('T'), r + 1),
                    sequence: 1,
                    session: text::uuid(ids),
                    version,
                });
            }
        }
        for (name, type_id) in [("Cash", 1), ("Card Terminal", 3), ("Gift Card", 118)] {
            let version = till.next_version();
            till.payment_types.push(PaymentType { id: text::uuid(ids), name, type_id, version });
        }
        for (i, item) in range.items.iter().enumerate() {
            let version = till.next_version();
            till.products.push(Product { version, active: true, updated_at: options.start });
            till.stock.push(Vec::new());
            if item.on_till() {
                till.product_by_version.insert(version, i);
                till.product_by_id.insert(item.product_id.clone(), i);
            }
        }
        till.past = till.version;
        if !till.numbered {
            till.version += PAST_ROOM;
        }
        for (i, item) in range.items.iter().enumerate() {
            for o in 0..till.outlets.len() {
                let on_hand = if item.on_till() { ids.random_range(0..=40) } else { 0 };
                let version = till.next_version();
                if let Some(rows) = till.stock.get_mut(i) {
                    rows.push(Row { id: text::uuid(ids), on_hand, shown: on_hand, version });
                }
                if item.on_till() {
                    till.stock_by_version.insert(version, (i, o));
                }
            }
        }
        if options.hooks_registered {
            let url = format!("{}{}", options.hook_base, options.till_connection);
            for kind in ["sale.update", "inventory.update", "product.update"] {
                till.hooks.push(Hook { id: text::uuid(ids), url: url.clone(), kind: kind.into(), active: true });
            }
        }
        till.clock = options.start;
        till.number_places();
        till
    }

    /// The next number of the one counter; gaps are normal.
    pub fn next_version(&mut self) -> i64 {
        if self.numbered {
            self.version = (self.version + 1).max(self.clock.secs() * SECOND);
            return self.version;
        }
        self.version += self.steps.random_range(1..=37);
        self.version
    }

    /// The next number for what happened before the first counts.
    pub fn next_past_version(&mut self) -> i64 {
        self.past += 1;
        if self.numbered { self.clock.secs() * SECOND + self.past % SECOND } else { self.past }
    }

    /// A sale of before: shown as it is from the beginning.
    pub fn add_earlier(&mut self, sale: usize) {
        self.earlier.insert(sale);
    }

    pub fn is_earlier(&self, sale: usize) -> bool {
        self.earlier.contains(&sale)
    }

    /// From now on the till shows this sale in a newer state.
    pub fn now_shown(&mut self, sale: usize) {
        self.earlier.remove(&sale);
    }

    pub fn row_mut(&mut self, item: usize, outlet: usize) -> Option<&mut Row> {
        self.stock.get_mut(item).and_then(|rows| rows.get_mut(outlet))
    }

    pub fn on_hand(&self, item: usize) -> i64 {
        self.stock.get(item).map_or(0, |rows| rows.iter().map(|row| row.on_hand).sum())
    }

    pub fn outlet_named(&self, name: &str) -> Option<usize> {
        self.outlets.iter().position(|o| o.name == name || o.id == name)
    }

    /// Price, discount and tax of one unit. A numbered till keeps prices without tax, in whole cents.
    fn priced(item: &super::catalogue::Item, discount_percent: i64, numbered: bool) -> (Fine, Fine, Fine) {
        if numbered {
            let full = net_price(item.price);
            let discount = Fine(Fine(full.0 * discount_percent / 100).to_minor().0 * 1_000);
            let price = Fine(full.0 - discount.0);
            return (price, discount, Fine(price.0 * TAX_PERCENT / 100));
        }
        let gross = item.price.0 * 1_000;
        let net = (gross * 100 + (100 + TAX_PERCENT) / 2) / (100 + TAX_PERCENT);
        if discount_percent == 0 {
            return (Fine(net), Fine::ZERO, Fine(gross - net));
        }
        let paid_gross = gross * (100 - discount_percent) / 100;
        let paid_net = (paid_gross * 100 + (100 + TAX_PERCENT) / 2) / (100 + TAX_PERCENT);
        (Fine(paid_net), Fine(net - paid_net), Fine(paid_gross - paid_net))
    }
}

impl State {
    /// Begins a sale; nothing moves and nobody is told until [`State::publish_sale`].
    pub fn begin_sale(&mut self, outlet: usize, wanted: &[Wanted], return_for: Option<usize>) -> usize {
        let register = self.pick_register(outlet);
        let original = return_for.and_then(|o| self.till.sales.get(o));
        let mut parents: Vec<(String, usize)> = original
            .map(|sale| sale.lines.iter().filter(|l| l.quantity > 0).map(|l| (l.id.clone(), l.item)).collect())
            .unwrap_or_default();
        let lines = wanted
            .iter()
            .filter_map(|w| {
                let item = self.range.items.get(w.item)?;
                let (price, discount, tax) = Till::priced(item, w.discount_percent, self.till.numbered);
                let parent = parents.iter().position(|(_, item)| w.quantity < 0 && *item == w.item);
                Some(Line {
                    id: self.till.line_id(text::uuid(&mut self.ids)),
                    item: w.item,
                    quantity: w.quantity,
                    price,
                    discount,
                    tax,
                    is_return: w.quantity < 0,
                    note: None,
                    moved: 0,
                    parent: parent.map(|k| parents.swap_remove(k).0),
                })
            })
            .collect();
        let invoice = match self.till.registers.get_mut(register) {
            Some(till) => {
                let number = format!("{}{}", till.prefix, till.sequence);
                till.sequence += 1;
                number
            }
            None => String::new(),
        };
        let at = self.till.sales.len();
        let id = self.till.sale_id(text::uuid(&mut self.ids));
        self.till.sale_by_id.insert(id.clone(), at);
        self.till.sales.push(Sale {
            id,
            status: SAVED,
            register,
            created_at: self.now,
            date: self.now,
            updated_at: self.now,
            completed_at: None,
            invoice,
            short_code: text::short_code(&mut self.ids),
            note: String::new(),
            return_for,
            returned_by: Vec::new(),
            lines,
            payments: Vec::new(),
            version: 0,
        });
        if let Some(original) = return_for.and_then(|o| self.till.sales.get_mut(o)) {
            original.returned_by.push(at);
        }
        at
    }

    fn pick_register(&mut self, outlet: usize) -> usize {
        let there: Vec<usize> = (0..self.till.registers.len())
            .filter(|r| self.till.registers.get(*r).is_some_and(|r| r.outlet == outlet))
            .collect();
        there.get(self.ids.random_range(0..there.len().max(1))).copied().unwrap_or(0)
    }

    /// Takes the money for what a sale amounts to now: one tender, sometimes two.
    pub fn pay(&mut self, sale: usize, kind: usize, second: Option<(usize, Minor)>) {
        let Some(row) = self.till.sales.get(sale) else { return };
        let due = Fine(row.net().0 + row.tax().0).to_minor();
        let mut tenders = vec![];
        match second {
            Some((other, amount)) if amount.0 > 0 && amount < due => {
                tenders.push((other, amount));
                tenders.push((kind, Minor(due.0 - amount.0)));
            }
            _ if due.0 != 0 => tenders.push((kind, due)),
            _ => {}
        }
        let (ids, till, now) = (&mut self.ids, &mut self.till, self.now);
        let payments: Vec<Payment> = tenders
            .into_iter()
            .map(|(kind, amount)| Payment { id: till.payment_id(text::uuid(ids)), kind, amount, at: now })
            .collect();
        if let Some(row) = self.till.sales.get_mut(sale) {
            row.payments = payments;
        }
    }

    /// Hides a product from the till, or shows it again.
    pub fn archive(&mut self, item: usize, active: bool) {
        let version = self.till.next_version();
        let now = self.now;
        let Some(product) = self.till.products.get_mut(item) else { return };
        self.till.product_by_version.remove(&product.version);
        product.active = active;
        product.version = version;
        product.updated_at = now;
        self.till.product_by_version.insert(version, item);
        self.note(&format!("till item {item} active {active}"));
        let body = hooks::product(self, item);
        self.post_till("product.update", &body, None);
    }

    /// Queues a notice at every active hook of that kind.
    pub fn post_till(&mut self, kind: &'static str, payload: &serde_json::Value, knowledge: Option<Knowledge>) {
        let urls: Vec<String> =
            self.till.hooks.iter().filter(|h| h.active && h.kind == kind).map(|h| h.url.clone()).collect();
        for url in urls {
            let body = hooks::form(&self.till, kind, payload, self.x.switches.payload_only);
            self.post(Vendor::LightspeedX, url, body, knowledge.clone());
        }
    }

    /// A return that names its sale: first saved with everything, later closed with what really came back.
    pub fn begin_linked_return(&mut self, original: usize) -> Option<usize> {
        let sale = self.till.sales.get(original)?;
        if sale.status != CLOSED {
            return None;
        }
        let outlet = self.till.registers.get(sale.register).map_or(0, |r| r.outlet);
        let wanted: Vec<(Wanted, Fine, Fine, Fine)> = sale
            .lines
            .iter()
            .filter(|l| l.quantity > 0)
            .map(|l| (Wanted { item: l.item, quantity: -l.quantity, discount_percent: 0 }, l.price, l.discount, l.tax))
            .collect();
        if wanted.is_empty() {
            return None;
        }
        let plain: Vec<Wanted> = wanted.iter().map(|w| w.0).collect();
        let at = self.begin_sale(outlet, &plain, Some(original));
        if let Some(row) = self.till.sales.get_mut(at) {
            for (line, (_, price, discount, tax)) in row.lines.iter_mut().zip(wanted) {
                (line.price, line.discount, line.tax) = (price, discount, tax);
            }
        }
        // Some tills begin with the finished return.
        if !self.till.numbered {
            self.publish_sale(at, SAVED);
        }
        Some(at)
    }

    /// Closes a saved return: `keep` units of line `k` really came back, all other lines go to zero.
    pub fn finish_return(&mut self, sale: usize, keep: &[i64], kind: usize) {
        let code = text::short_code(&mut self.ids);
        let Some(row) = self.till.sales.get_mut(sale) else { return };
        if row.status != SAVED {
            return;
        }
        let mut partial = false;
        for (k, line) in row.lines.iter_mut().enumerate() {
            let back = keep.get(k).copied().unwrap_or(0).clamp(0, -line.quantity.min(0));
            partial |= back != -line.quantity;
            line.quantity = -back;
        }
        row.short_code = code;
        if self.till.numbered {
            row.lines.retain(|line| line.quantity != 0);
        } else if partial {
            self.count_case(Fault::F16);
        }
        self.pay(sale, kind, None);
        self.publish_sale(sale, CLOSED);
    }
}
