//! The web account as the vendor keeps it: stock per warehouse, orders, shipments and the ledger of changes.
//!
//! An order reserves (allocated up), a completed shipment takes away (physical and allocated down), a cancelled
//! order frees. The shop does all this by itself; an outside system only sets physical counts.

use super::auditor::Knowledge;
use super::centra::limits::Buckets;
use super::centra::papers::Papers;
use super::options::{BelowAllocated, Fault, Options, Vendor};
use super::text;
use super::world::State;
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use rand::Rng;
use rand_chacha::ChaCha12Rng;
use std::collections::{BTreeSet, HashMap};

/// The warehouse that sells, by its place in the list; the other one is for returns and is in no market.
pub(super) const SELLING: usize = 0;

/// Of so many items one was never counted at the warehouse, where such rows are missing.
const NEVER_COUNTED: usize = 40;

/// The first order people see.
const FIRST_ORDER: i64 = 10_001;

pub(super) const PENDING: &str = "PENDING";
pub(super) const CONFIRMED: &str = "CONFIRMED";
pub(super) const PROCESSING: &str = "PROCESSING";
pub(super) const SHIPPED: &str = "SHIPPED";
pub(super) const CANCELLED: &str = "CANCELLED";

#[derive(Debug, Clone)]
pub(super) struct Warehouse {
    pub id: i64,
    pub name: &'static str,
    pub hidden: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shelf {
    pub physical: i64,
    /// Reserved for orders.
    pub allocated: i64,
    /// Ordered, and not reserved yet.
    pub demand: i64,
    /// Whether the shop keeps a row for it here.
    pub listed: bool,
}

impl Shelf {
    pub fn free(self) -> i64 {
        self.physical - self.allocated
    }

    /// Free and not ordered by anybody.
    pub fn available(self) -> i64 {
        self.free() - self.demand
    }
}

#[derive(Debug, Clone)]
pub(super) struct OrderLine {
    pub id: i64,
    pub item: usize,
    /// Ordered and not cancelled.
    pub units: i64,
    /// Taken out of the order again.
    pub cancelled: i64,
    /// Of `units`, those that have left.
    pub shipped: i64,
    pub price: Minor,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub id: String,
    pub number: i64,
    pub status: &'static str,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub lines: Vec<OrderLine>,
    pub shipping: Minor,
    /// Whether the shop has reserved its units.
    pub allocated: bool,
    /// Closed before the world began: neither book holds its units.
    pub settled: bool,
}

impl Order {
    /// Units still reserved by the shop.
    pub fn open(&self) -> bool {
        matches!(self.status, PENDING | CONFIRMED | PROCESSING)
    }

    pub fn goods(&self) -> Minor {
        Minor(self.lines.iter().map(|l| l.units * l.price.0).sum())
    }
}

#[derive(Debug, Clone)]
pub(super) struct StockChange {
    pub id: i64,
    pub at: Timestamp,
    pub comment: String,
    pub kind: &'static str,
    pub warehouse: usize,
    /// Item and the signed units it changed by.
    pub lines: Vec<(usize, i64)>,
}

#[derive(Debug)]
pub(super) struct Web {
    pub zone: chrono_tz::Tz,
    pub currency: String,
    pub warehouses: Vec<Warehouse>,
    /// Item, then warehouse.
    pub stock: Vec<Vec<Shelf>>,
    pub orders: Vec<Order>,
    pub order_by_number: HashMap<i64, usize>,
    /// Whole seconds, as the wire shows them.
    pub order_by_updated: BTreeSet<(i64, usize)>,
    pub changes: Vec<StockChange>,
    pub opened_at: Timestamp,
    pub item_by_size: HashMap<i64, usize>,
    pub item_by_sku: HashMap<String, usize>,
    pub item_by_ean: HashMap<String, usize>,
    pub buckets: Buckets,
    pub hook_url: Option<String>,
    next_line: i64,
    next_change: i64,
    pub next_shipment: i64,
    /// What only the shop as Centra writes down: shipments, returns, payments, events.
    pub papers: Papers,
}

impl Web {
    pub fn open(options: &Options, range: &super::catalogue::Catalogue, till: &super::till::Till) -> Web {
        let mut web = Web {
            zone: options.stores.first().map_or(chrono_tz::UTC, |s| s.zone),
            currency: options.stores.first().map_or_else(|| "GBP".into(), |s| s.currency.clone()),
            warehouses: vec![
                Warehouse { id: 3, name: "Web warehouse", hidden: false },
                Warehouse { id: 9, name: "Returns", hidden: true },
            ],
            stock: Vec::new(),
            orders: Vec::new(),
            order_by_number: HashMap::new(),
            order_by_updated: BTreeSet::new(),
            changes: Vec::new(),
            opened_at: options.start,
            item_by_size: HashMap::new(),
            item_by_sku: HashMap::new(),
            item_by_ean: HashMap::new(),
            buckets: Buckets::growth(options.start),
            hook_url: options.hooks_registered.then(|| format!("{}{}", options.hook_base, options.web_connection)),
            next_line: 7_001,
            next_change: 4_301,
            next_shipment: 345,
            papers: Papers::default(),
        };
        let missing = options.habits().rows_missing;
        for (i, item) in range.items.iter().enumerate() {
            let physical = match (item.on_web(), item.on_till()) {
                // New, and never counted at the warehouse yet.
                (true, true) if missing && i % NEVER_COUNTED == 7 => 0,
                (true, true) => till.on_hand(i),
                (true, false) => 5,
                _ => 0,
            };
            let listed = !missing || physical > 0;
            let selling = Shelf { physical, listed, ..Shelf::default() };
            web.stock.push(vec![selling, Shelf { listed: !missing, ..Shelf::default() }]);
            if item.on_web() {
                web.item_by_size.insert(item.size_id, i);
                web.item_by_sku.insert(item.sku.clone(), i);
                if let Some(ean) = &item.ean {
                    web.item_by_ean.insert(ean.clone(), i);
                }
            }
        }
        web
    }

    pub fn shelf(&self, item: usize, warehouse: usize) -> Shelf {
        self.stock.get(item).and_then(|row| row.get(warehouse)).copied().unwrap_or_default()
    }

    pub fn warehouse_of(&self, id: i64) -> Option<usize> {
        self.warehouses.iter().position(|w| w.id == id)
    }

    /// Sets a shelf back to what it was.
    pub fn put_back(&mut self, item: usize, shelf: Shelf) {
        if let Some(slot) = self.shelf_mut(item, SELLING) {
            *slot = shelf;
        }
    }

    pub fn shelf_mut(&mut self, item: usize, warehouse: usize) -> Option<&mut Shelf> {
        self.stock.get_mut(item).and_then(|row| row.get_mut(warehouse))
    }
}

impl State {
    /// A customer orders; only what is available can be bought. The order's number, or nothing.
    pub fn order(&mut self, wanted: &[(usize, i64)]) -> Option<i64> {
        self.order_with(wanted, true)
    }

    /// As [`State::order`]; the shop reserves the units at once, or later by [`State::allocate`].
    pub fn order_with(&mut self, wanted: &[(usize, i64)], allocated: bool) -> Option<i64> {
        // Magento reserves when an order is placed, and knows no order without its units.
        let allocated = allocated || self.is_magento();
        for (item, units) in wanted {
            let row = self.range.items.get(*item)?;
            if *units <= 0 || !row.on_web() || self.web.shelf(*item, SELLING).available() < *units {
                return None;
            }
        }
        let at = self.place(wanted, allocated);
        let order = self.web.orders.get(at)?;
        let (number, lines) = (order.number, order.lines.len());
        for (item, units) in wanted {
            self.books.ordered(*item, *units, self.now);
        }
        self.note(&format!("order {number} lines {lines}"));
        self.count_case(Fault::F07);
        self.changed(at);
        self.post_web("order", "insert", number);
        Some(number)
    }

    /// Writes an order into the shop's books and reserves its units; nobody is told.
    pub fn place(&mut self, wanted: &[(usize, i64)], allocated: bool) -> usize {
        let at = self.web.orders.len();
        let mut lines = Vec::with_capacity(wanted.len());
        for (item, units) in wanted {
            let price = self.range.items.get(*item).map_or(Minor::ZERO, |row| row.price);
            lines.push(OrderLine {
                id: self.web.next_line,
                item: *item,
                units: *units,
                cancelled: 0,
                shipped: 0,
                price,
            });
            self.web.next_line += 1;
            if let Some(shelf) = self.web.shelf_mut(*item, SELLING) {
                *if allocated { &mut shelf.allocated } else { &mut shelf.demand } += units;
                shelf.listed = true;
            }
        }
        let number = FIRST_ORDER + at as i64;
        let id = text::hex32(&mut self.ids);
        self.web.orders.push(Order {
            id,
            number,
            status: PENDING,
            created_at: self.now,
            updated_at: self.now,
            shipping: Minor(if lines.len() > 1 { 0 } else { 395 }),
            lines,
            allocated,
            settled: false,
        });
        self.web.order_by_number.insert(number, at);
        self.web.order_by_updated.insert((self.now.secs(), at));
        at
    }

    /// An order is changed now: its clock moves, and the books know that we do not know it.
    pub fn changed(&mut self, at: usize) {
        let now = self.now;
        let Some(order) = self.web.orders.get_mut(at) else { return };
        self.web.order_by_updated.remove(&(order.updated_at.secs(), at));
        order.updated_at = now;
        self.web.order_by_updated.insert((now.secs(), at));
        if self.front_follows(at) {
            self.books.marks.order_recorded(at, now);
        }
        self.touched_shelves(at);
    }

    /// Somebody writes a comment on an order: its clock moves, and nothing else.
    pub fn touch_order(&mut self, number: i64) {
        let Some(at) = self.web.order_by_number.get(&number).copied() else { return };
        // A comment moves no order of Magento's.
        if self.is_magento() {
            return;
        }
        self.note(&format!("order {number} touched"));
        self.changed(at);
        self.post_web("order", "update", number);
    }

    /// The shop reserves the units of an order that waited for them.
    pub fn allocate(&mut self, number: i64) {
        let Some(at) = self.web.order_by_number.get(&number).copied() else { return };
        let Some(order) = self.web.orders.get_mut(at).filter(|order| order.open() && !order.allocated) else { return };
        order.allocated = true;
        let lines: Vec<(usize, i64)> = order.lines.iter().map(|l| (l.item, l.units)).collect();
        for (item, units) in lines {
            if let Some(shelf) = self.web.shelf_mut(item, SELLING) {
                shelf.demand -= units;
                shelf.allocated += units;
            }
        }
        self.note(&format!("order {number} allocated"));
        self.changed(at);
        self.post_web("order", "update", number);
    }

    /// Takes one unit out of an open order; the order stays as long as something is left of it.
    pub fn edit_order(&mut self, number: i64) -> bool {
        let Some(at) = self.web.order_by_number.get(&number).copied() else { return false };
        let now = self.now;
        let Some(order) = self.web.orders.get_mut(at).filter(|order| order.status == PENDING) else { return false };
        if order.lines.iter().map(|l| l.units).sum::<i64>() < 2 {
            return false;
        }
        let allocated = order.allocated;
        let Some(line) = order.lines.iter_mut().rev().find(|line| line.units > 0) else { return false };
        line.units -= 1;
        line.cancelled += 1;
        let item = line.item;
        if let Some(shelf) = self.web.shelf_mut(item, SELLING) {
            *if allocated { &mut shelf.allocated } else { &mut shelf.demand } -= 1;
        }
        self.books.cancelled(item, 1, now);
        self.note(&format!("order {number} edited"));
        self.changed(at);
        self.post_web("order", "update", number);
        true
    }

    /// Gives an order a new state and tells what follows from it.
    pub fn move_order(&mut self, number: i64, status: &'static str) -> bool {
        let Some(at) = self.web.order_by_number.get(&number).copied() else { return false };
        let now = self.now;
        if status == SHIPPED && self.web.orders.get(at).is_some_and(|order| order.open() && !order.allocated) {
            self.allocate(number);
        }
        let Some(order) = self.web.orders.get_mut(at) else { return false };
        if !order.open() || order.status == status {
            return false;
        }
        order.status = status;
        let allocated = order.allocated;
        let lines: Vec<(usize, i64)> = order.lines.iter().map(|l| (l.item, l.units - l.shipped)).collect();
        for (item, units) in lines {
            let Some(shelf) = self.web.shelf_mut(item, SELLING) else { continue };
            match status {
                SHIPPED => {
                    shelf.physical -= units;
                    shelf.allocated -= units;
                    self.books.shipped(item, units, now);
                }
                CANCELLED => {
                    *if allocated { &mut shelf.allocated } else { &mut shelf.demand } -= units;
                    self.books.cancelled(item, units, now);
                }
                _ => {}
            }
        }
        self.note(&format!("order {number} {status}"));
        self.changed(at);
        if status == SHIPPED {
            let shipment = self.ship_the_rest(at);
            self.post_web("shipment", "create", shipment);
        }
        self.post_web("order", "update", number);
        true
    }

    fn touched_shelves(&mut self, order: usize) {
        let items: Vec<usize> =
            self.web.orders.get(order).map(|o| o.lines.iter().map(|l| l.item).collect()).unwrap_or_default();
        for item in items {
            self.tell_books_what_shows(item);
        }
    }

    /// Lets the books know what a customer now sees.
    pub fn tell_books_what_shows(&mut self, item: usize) {
        let shelf = self.web.shelf(item, SELLING);
        let (available, free) = if self.is_magento() {
            (shelf.available().max(0), shelf.free().max(0))
        } else {
            (shelf.available(), shelf.free())
        };
        self.books.shows(item, available, free, self.now);
    }

    /// Whether the shop would take these counts; otherwise the row and why not.
    pub fn may_set(&self, rows: &[(usize, i64)], warehouse: usize) -> Result<(), (usize, String)> {
        if self.options.below_allocated == BelowAllocated::Clamp {
            return Ok(());
        }
        for (k, (item, units)) in rows.iter().enumerate() {
            let allocated = self.web.shelf(*item, warehouse).allocated;
            if *units < allocated {
                return Err((k, format!("Quantity can not be lower than the allocated quantity ({allocated}).")));
            }
        }
        Ok(())
    }

    /// Sets physical counts, never below what is reserved; the id of the change in the shop's own ledger.
    pub fn set_rows(&mut self, rows: &[(usize, i64)], warehouse: usize, comment: &str) -> i64 {
        let mut lines = Vec::with_capacity(rows.len());
        // Magento takes any count, and shows no number below zero.
        let floor = !self.is_magento();
        for (item, units) in rows {
            if let Some(shelf) = self.web.shelf_mut(*item, warehouse) {
                let new = if floor { (*units).max(shelf.allocated) } else { *units };
                shelf.listed = true;
                lines.push((*item, new - shelf.physical));
                shelf.physical = new;
            }
        }
        self.book_change(comment, "SET", warehouse, lines)
    }

    /// Adds to or takes from a physical count.
    pub fn change_physical(&mut self, lines: &[(usize, i64)], warehouse: usize, comment: &str) -> Result<i64, String> {
        for (item, by) in lines {
            if *by < 0 && self.web.shelf(*item, warehouse).free() < -by {
                return Err(format!(
                    "Not enough free to allocate items in warehouse {}.",
                    self.web.warehouses.get(warehouse).map_or(0, |w| w.id)
                ));
            }
        }
        for (item, by) in lines {
            if let Some(shelf) = self.web.shelf_mut(*item, warehouse) {
                shelf.physical += by;
                shelf.listed = true;
            }
        }
        Ok(self.book_change(comment, "CHANGE", warehouse, lines.to_vec()))
    }

    pub fn book_change(
        &mut self,
        comment: &str,
        kind: &'static str,
        warehouse: usize,
        lines: Vec<(usize, i64)>,
    ) -> i64 {
        let id = self.web.next_change;
        self.web.next_change += 1;
        self.note(&format!("stock change {id} {kind} {lines:?}"));
        if warehouse == SELLING {
            for (item, _) in &lines {
                self.tell_books_what_shows(*item);
            }
        }
        self.tell_event("StockChange", "CREATED", id);
        self.web.changes.push(StockChange { id, at: self.now, comment: comment.into(), kind, warehouse, lines });
        id
    }

    /// Queues a notice of the shop; it names what changed and nothing else.
    pub fn post_web(&mut self, kind: &'static str, action: &str, id: i64) {
        self.tell_events(kind, action, id);
        let Some(url) = self.web.hook_url.clone().filter(|_| !self.is_magento()) else { return };
        let body = super::centra::hooks::form(kind, action, id, self.now, self.web.zone);
        self.post(Vendor::Centra, url, body, None);
    }

    /// Items that the shop lists at the warehouse that sells.
    pub fn shelves(&self) -> Vec<usize> {
        let listed = |i: &usize| {
            self.range.items.get(*i).is_some_and(|item| item.on_web()) && self.web.shelf(*i, SELLING).listed
        };
        (0..self.range.items.len()).filter(listed).collect()
    }

    /// What somebody who reads this order now learns.
    pub fn order_knowledge(&self, at: usize) -> Option<Knowledge> {
        let order = self.web.orders.get(at)?;
        let lines = order
            .lines
            .iter()
            .map(|l| match order.status {
                SHIPPED if order.settled => (l.item, 0, 0),
                SHIPPED => (l.item, 0, l.units),
                CANCELLED => (l.item, 0, 0),
                _ => (l.item, l.units - l.shipped, l.shipped),
            })
            .collect();
        Some(Knowledge::Order { order: at, lines })
    }

    /// A warehouse count by hand, as from the vendor's own screens.
    pub fn edit_web(&mut self, item: usize, physical: i64) {
        self.set_rows(&[(item, physical)], SELLING, "Counted by hand");
        self.front_counts(item);
        self.books.changed_unseen(item, self.now);
        self.tell_books_what_shows(item);
    }

    /// Some item a customer would want, rather a popular one.
    pub fn popular_item(&self, rng: &mut ChaCha12Rng) -> usize {
        let n = self.range.items.len().max(1);
        let u: f64 = rng.random();
        // The square makes a quarter of the range take half of the trade.
        ((n as f64 * u * u) as usize).min(n - 1)
    }
}
