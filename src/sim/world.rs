//! The world: both vendors' accounts, the customers and the truth, behind one lock.
//!
//! Time moves only when it is told to ([`World::advance_to`], or a request with a later time). What a test or a
//! demo wants to happen now, it does by hand with the verbs below; what happens by itself comes from the seed.

use super::auditor::Books;
use super::catalogue::Catalogue;
use super::habits::Habits;
use super::lightspeed_r::account::Account;
use super::lightspeed_x::account::Account as AccountX;
use super::magento_front::Front;
use super::options::{Fault, Options, Vendor};
use super::outbox::{Delivery, Outbox};
use super::surface::Surface;
use super::till::{CLOSED, SAVED, Till, VOIDED, Wanted};
use super::transport::{Wire, WireFault};
use super::web::{CANCELLED, SHIPPED, Web};
use super::workload::Workload;
use crate::domain::time::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

mod truth;

/// Why something could not be done in the world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// No such SKU.
    #[error("no item “{0}”")]
    UnknownSku(String),
    /// No such outlet, by name or id.
    #[error("no outlet “{0}”")]
    UnknownOutlet(String),
    /// No such sale or order.
    #[error("no document “{0}”")]
    UnknownDocument(String),
    /// The vendor or the shelf does not allow it.
    #[error("{0}")]
    NotPossible(String),
}

/// Everything, unlocked.
pub(super) struct State {
    pub options: Options,
    pub now: Timestamp,
    pub range: Catalogue,
    pub till: Till,
    /// What only the R-Series front of the till knows.
    pub r: Account,
    /// What only the X-Series front of the till knows.
    pub x: AccountX,
    pub surface: Surface,
    pub habits: Habits,
    pub web: Web,
    pub outbox: Outbox,
    pub workload: Workload,
    pub wire: Wire,
    pub books: Books,
    /// Ids and everything else that has no meaning.
    pub ids: ChaCha12Rng,
    /// What goes wrong.
    pub fate: ChaCha12Rng,
    /// How late the till shows things.
    pub lags: ChaCha12Rng,
    /// The shop as Magento, if it is played so.
    pub front: Option<Front>,
    sku: BTreeMap<String, usize>,
    heads: Vec<Option<usize>>,
    log: Sha256,
    log_lines: u64,
}

/// The simulated vendors and their customers.
pub struct World(Mutex<State>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

/// One stream of chance out of the seed.
pub(super) fn stream(seed: u64, number: u64) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

impl State {
    fn open(options: Options) -> State {
        let seed = options.seed;
        let mut range = Catalogue::invent(&mut stream(seed, 1), options.skus, options.dirt_percent);
        if options.till_vendor == Vendor::LightspeedR {
            range.number_products();
        }
        let mut ids = stream(seed, 2);
        let mut till = Till::open(&options, &range, &mut ids, stream(seed, 3));
        let web = Web::open(&options, &range, &till);
        let opening: Vec<(bool, i64, i64)> = range
            .items
            .iter()
            .enumerate()
            .map(|(i, item)| {
                // The neighbour of a duplicate is no clearer than the duplicate: two till items carry its SKU.
                let clean = item.dirt.is_none() && range.carried_once(&item.till_sku);
                (clean, till.on_hand(i), web.shelf(i, super::web::SELLING).free())
            })
            .collect();
        let front = (options.web_vendor == Vendor::Magento).then(|| Front::open(&options, &range, &web));
        let mut books = Books::open(options.stores.len(), &opening, options.start);
        if till.numbered {
            books.marks.go_by_seconds();
        }
        let r = Account::open(&options, &range, &till);
        let x = AccountX::open(&options, &range, &mut till);
        let sku = range.items.iter().enumerate().map(|(i, item)| (item.sku.clone(), i)).collect();
        let heads = (0..range.styles.len())
            .map(|s| range.items.iter().position(|item| item.style == s && item.on_till()))
            .collect();
        let mut state = State {
            now: options.start,
            habits: options.habits(),
            surface: Surface::default(),
            lags: stream(seed, 8),
            front,
            wire: Wire::new(seed),
            workload: Workload::default(),
            outbox: Outbox::default(),
            ids,
            fate: stream(seed, 4),
            log: Sha256::new(),
            log_lines: 0,
            options,
            range,
            till,
            r,
            x,
            web,
            books,
            sku,
            heads,
        };
        state.books_open();
        state.open_history();
        if state.options.trade {
            state.open_for_trade();
        }
        state
    }

    /// Nobody has been told of any count yet.
    fn books_open(&mut self) {
        for (version, (item, outlet)) in &self.till.stock_by_version {
            self.books.marks.count_recorded(*item, *outlet, *version, self.now);
        }
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.options.faults.contains(&fault)
    }

    pub fn count_case(&mut self, fault: Fault) {
        *self.books.cases.entry(fault).or_default() += 1;
    }

    /// Writes one line into the running hash of everything that happened.
    pub fn note(&mut self, line: &str) {
        self.log.update(self.now.micros().to_le_bytes());
        self.log.update(line.as_bytes());
        self.log.update(b"\n");
        self.log_lines += 1;
    }

    /// The first variant of a style in the till, which stands for its family.
    pub fn family_head(&self, item: usize) -> Option<usize> {
        let style = self.range.items.get(item)?.style;
        self.heads.get(style).copied().flatten()
    }

    /// People call an item by this name from now on, unless another has it.
    pub fn name_item(&mut self, sku: String, item: usize) {
        self.sku.entry(sku).or_insert(item);
    }

    fn item(&self, sku: &str) -> Result<usize, WorldError> {
        self.sku.get(sku).copied().ok_or_else(|| WorldError::UnknownSku(sku.into()))
    }

    fn outlet(&self, name: &str) -> Result<usize, WorldError> {
        self.till.outlet_named(name).ok_or_else(|| WorldError::UnknownOutlet(name.into()))
    }

    fn sale(&self, id: &str) -> Result<usize, WorldError> {
        self.till.sale_by_id.get(id).copied().ok_or_else(|| WorldError::UnknownDocument(id.into()))
    }

    fn sale_id(&self, sale: usize) -> String {
        self.till.sales.get(sale).map(|s| s.id.clone()).unwrap_or_default()
    }

    /// Plays everything that is due and sets the clock.
    pub fn advance_to(&mut self, at: Timestamp) {
        loop {
            let shown = self.surface.next_at().filter(|due| *due <= at);
            if let Some(due) = shown.filter(|due| self.workload.next_at().is_none_or(|event| *due <= event)) {
                self.set_now(due);
                self.surface_next();
            } else if let Some((due, event)) = self.workload.pop_due(at) {
                self.set_now(due);
                self.play(event);
            } else {
                break;
            }
        }
        self.set_now(at);
    }

    fn set_now(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        self.till.at(self.now);
    }
}

impl World {
    /// A new world.
    pub fn open(options: Options) -> World {
        World(Mutex::new(State::open(options)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The options it was opened with.
    pub fn options(&self) -> Options {
        self.lock().options.clone()
    }

    // ---- time ----

    /// The world's own time.
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// When something happens next by itself: trade, or a notice becoming due.
    pub fn next_event_at(&self) -> Option<Timestamp> {
        let state = self.lock();
        [state.workload.next_at(), state.outbox.next_due(), state.surface.next_at()].into_iter().flatten().min()
    }

    /// Lets trade go on until `at`. Never goes back.
    pub fn advance_to(&self, at: Timestamp) {
        self.lock().advance_to(at);
    }

    /// From now on nothing goes wrong on purpose.
    pub fn end_faults(&self) {
        self.lock().options.faults.clear();
    }

    /// Ends trade: nothing new begins, and what has begun (parked sales, open orders) stays as it is.
    pub fn stop_trade(&self) {
        self.lock().workload = Workload::default();
    }

    // ---- what people do ----

    /// Sells at a till and closes the sale; the sale's id. Refused below zero unless miscounts are wished.
    pub fn sell(&self, sku: &str, outlet: &str, units: i64) -> Result<String, WorldError> {
        self.sell_lines(&[(sku, units)], outlet)
    }

    /// Sells several lines in one sale.
    pub fn sell_lines(&self, lines: &[(&str, i64)], outlet: &str) -> Result<String, WorldError> {
        let mut state = self.lock();
        let place = state.outlet(outlet)?;
        let mut wanted = Vec::new();
        for (sku, units) in lines {
            let item = state.item(sku)?;
            let there = state.till.stock.get(item).and_then(|r| r.get(place)).map_or(0, |r| r.on_hand);
            if *units > there && !state.options.miscounts {
                return Err(WorldError::NotPossible(format!("only {there} of {sku} at {outlet}")));
            }
            wanted.push(Wanted { item, quantity: *units, discount_percent: 0 });
        }
        let sale = state.begin_sale(place, &wanted, None);
        state.pay(sale, 1, None);
        state.publish_sale(sale, CLOSED);
        Ok(state.sale_id(sale))
    }

    /// Parks a sale: saved, nothing moved.
    pub fn park(&self, sku: &str, outlet: &str, units: i64) -> Result<String, WorldError> {
        let mut state = self.lock();
        let (item, place) = (state.item(sku)?, state.outlet(outlet)?);
        let sale = state.begin_sale(place, &[Wanted { item, quantity: units, discount_percent: 0 }], None);
        state.publish_sale(sale, SAVED);
        Ok(state.sale_id(sale))
    }

    /// Closes a parked sale.
    pub fn close_parked(&self, sale: &str) -> Result<(), WorldError> {
        let mut state = self.lock();
        let at = state.sale(sale)?;
        if state.till.sales.get(at).is_none_or(|s| s.status != SAVED) {
            return Err(WorldError::NotPossible("only a saved sale can be closed".into()));
        }
        state.pay(at, 1, None);
        state.publish_sale(at, CLOSED);
        Ok(())
    }

    /// Changes the note of a sale: a higher version and no goods.
    pub fn edit_note(&self, sale: &str, note: &str) -> Result<(), WorldError> {
        let mut state = self.lock();
        let at = state.sale(sale)?;
        state.edit_note(at, note);
        Ok(())
    }

    /// Begins a return that names its sale: saved, with every line at its full negative quantity.
    pub fn begin_return(&self, sale: &str) -> Result<String, WorldError> {
        let mut state = self.lock();
        let original = state.sale(sale)?;
        let at = state
            .begin_linked_return(original)
            .ok_or_else(|| WorldError::NotPossible("only a closed sale with goods can be returned".into()))?;
        Ok(state.sale_id(at))
    }

    /// Closes a saved return; `keep[k]` units of line `k` really came back.
    pub fn finish_return(&self, saved: &str, keep: &[i64]) -> Result<(), WorldError> {
        let mut state = self.lock();
        let at = state.sale(saved)?;
        if state.till.sales.get(at).is_none_or(|s| s.status != SAVED || s.return_for.is_none()) {
            return Err(WorldError::NotPossible("only a saved return can be closed".into()));
        }
        state.finish_return(at, keep, 1);
        Ok(())
    }

    /// A whole linked return at once: saved first, then closed. The id of the return.
    pub fn return_linked(&self, sale: &str, keep: &[i64]) -> Result<String, WorldError> {
        let saved = self.begin_return(sale)?;
        self.finish_return(&saved, keep)?;
        Ok(saved)
    }

    /// Somebody brings goods back without a receipt.
    pub fn return_unlinked(&self, sku: &str, outlet: &str, units: i64) -> Result<String, WorldError> {
        let mut state = self.lock();
        let (item, place) = (state.item(sku)?, state.outlet(outlet)?);
        let sale = state.unlinked_return(item, place, units);
        Ok(state.sale_id(sale))
    }

    /// One thing back, another out, in one transaction that names the original sale.
    pub fn exchange(&self, sale: &str, back: &str, out: &str) -> Result<String, WorldError> {
        let mut state = self.lock();
        let (original, back, out) = (state.sale(sale)?, state.item(back)?, state.item(out)?);
        let at = state.exchange(original, back, out);
        Ok(state.sale_id(at))
    }

    /// Takes a sale back altogether.
    pub fn void(&self, sale: &str) -> Result<(), WorldError> {
        let mut state = self.lock();
        let at = state.sale(sale)?;
        if state.till.sales.get(at).is_some_and(|s| s.status == VOIDED) {
            return Err(WorldError::NotPossible("already voided".into()));
        }
        state.publish_sale(at, VOIDED);
        Ok(())
    }

    /// A customer orders on the web; only what is shown can be bought. The order's number.
    pub fn place_web_order(&self, lines: &[(&str, i64)]) -> Result<i64, WorldError> {
        let mut state = self.lock();
        let mut wanted = Vec::new();
        for (sku, units) in lines {
            wanted.push((state.item(sku)?, *units));
        }
        state.order(&wanted).ok_or_else(|| WorldError::NotPossible("the shop does not show so many".into()))
    }

    /// Ships an order completely.
    pub fn ship(&self, number: i64) -> Result<(), WorldError> {
        self.move_order(number, SHIPPED)
    }

    /// Cancels an order that has not been shipped.
    pub fn cancel(&self, number: i64) -> Result<(), WorldError> {
        self.move_order(number, CANCELLED)
    }

    fn move_order(&self, number: i64, status: &'static str) -> Result<(), WorldError> {
        let mut state = self.lock();
        if !state.web.order_by_number.contains_key(&number) {
            return Err(WorldError::UnknownDocument(number.to_string()));
        }
        if state.move_order(number, status) {
            Ok(())
        } else {
            Err(WorldError::NotPossible("the order is already closed".into()))
        }
    }

    /// Somebody types another count into the till.
    pub fn set_till_stock(&self, sku: &str, outlet: &str, on_hand: i64) -> Result<(), WorldError> {
        let mut state = self.lock();
        let (item, place) = (state.item(sku)?, state.outlet(outlet)?);
        let there = state.till.stock.get(item).and_then(|r| r.get(place)).map_or(0, |r| r.on_hand);
        state.adjust_till(item, place, on_hand - there, "typed");
        Ok(())
    }

    /// Somebody types another physical count into the shop.
    pub fn set_web_stock(&self, sku: &str, physical: i64) -> Result<(), WorldError> {
        let mut state = self.lock();
        let item = state.item(sku)?;
        state.edit_web(item, physical);
        Ok(())
    }

    /// Goods arrive at a store.
    pub fn receive(&self, sku: &str, outlet: &str, units: i64) -> Result<(), WorldError> {
        let mut state = self.lock();
        let (item, place) = (state.item(sku)?, state.outlet(outlet)?);
        state.adjust_till(item, place, units, "received");
        Ok(())
    }

    /// A count changes and the till tells nobody: no new version, no notice.
    pub fn change_quietly(&self, sku: &str, outlet: &str, by: i64) -> Result<(), WorldError> {
        let mut state = self.lock();
        let (item, place) = (state.item(sku)?, state.outlet(outlet)?);
        if let Some(row) = state.till.stock.get_mut(item).and_then(|rows| rows.get_mut(place)) {
            row.on_hand += by;
            row.shown += by;
        }
        let now = state.now;
        state.books.till_changed(item, by, now);
        Ok(())
    }

    /// A sale that is not in the till's list yet although later ones are, or that becomes visible there.
    pub fn hide(&self, sale: &str, hidden: bool) -> Result<(), WorldError> {
        let mut state = self.lock();
        let at = state.sale(sale)?;
        let version = state.till.sales.get(at).map_or(0, |row| row.version);
        if hidden {
            state.till.sale_by_version.remove(&version);
        } else {
            state.till.sale_by_version.insert(version, at);
        }
        Ok(())
    }

    /// Takes the next place in the till's order for a record that this world does not keep, as another till of
    /// the same account would: whatever happens here from now on comes after it.
    pub fn reserve_till_version(&self) -> i64 {
        self.lock().till.next_version()
    }

    /// Hides an item in the till, or shows it again.
    pub fn set_active(&self, sku: &str, active: bool) -> Result<(), WorldError> {
        let mut state = self.lock();
        let item = state.item(sku)?;
        state.archive(item, active);
        Ok(())
    }

    // ---- what a person in our product decides, told to the auditor ----

    /// From now on writes are lawful.
    pub fn go_live(&self, at: Timestamp) {
        self.lock().books.go_live(at);
    }

    /// A person has matched an item that could not be matched by its SKU; from now on it counts.
    pub fn link(&self, sku: &str) -> Result<(), WorldError> {
        let mut state = self.lock();
        let item = state.item(sku)?;
        let now = state.now;
        state.books.link(item, now);
        Ok(())
    }

    /// A person has decided that units on hold may be sold again.
    pub fn release_hold(&self, sku: &str, units: i64) -> Result<(), WorldError> {
        let mut state = self.lock();
        let item = state.item(sku)?;
        let now = state.now;
        state.books.release_hold(item, units, now);
        Ok(())
    }

    // ---- notices ----

    /// Notices that are due, signed, to be posted to us; report each with [`World::delivered`].
    pub fn due_deliveries(&self, now: Timestamp) -> Vec<Delivery> {
        self.lock().due_deliveries(now)
    }

    /// What we answered: an HTTP status, or 0 when there was no answer within the vendor's patience.
    pub fn delivered(&self, id: u64, status: u16, now: Timestamp) {
        self.lock().delivered(id, status, now);
    }

    /// Notices that are queued or under way.
    pub fn notices_waiting(&self) -> usize {
        self.lock().outbox.waiting()
    }

    /// Whether our receiver is down at that moment by fault F04.
    pub fn receiver_down(&self, at: Timestamp) -> bool {
        self.lock().receiver_down(at)
    }

    /// The next call to this vendor goes wrong in this way; several are taken in order.
    pub fn inject(&self, vendor: Vendor, fault: WireFault) {
        self.lock().wire.inject(vendor, fault);
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
