//! The stock ledger: what lies where, what is promised to orders, and the index that shops read.
//!
//! A row holds the quantity of a SKU in a source. A reservation is a line that is only ever added: minus what an
//! order takes, plus what is shipped, cancelled or given back before it was shipped. The index of a stock sums the
//! rows of its enabled sources; salable is the index plus the reservations. SKUs and source codes know no case.

use super::Account;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::{BTreeMap, BTreeSet};

/// The stock that every shop has; it has the source `default` and no other.
pub(super) const DEFAULT_STOCK: i64 = 1;
/// The source that every shop has.
pub(super) const DEFAULT_SOURCE: &str = "default";

/// What lies of a SKU in a source.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) sku: String,
    pub(super) source: String,
    pub(super) quantity: Decimal,
    pub(super) status: i64,
}

/// A line of the book of promises.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// The stock that promised.
    pub stock: i64,
    /// What was promised.
    pub sku: String,
    /// Below zero takes, above zero gives back.
    pub quantity: Decimal,
    /// `order_placed`, `shipment_created`, `order_canceled`, `creditmemo_created` or `invoice_created`.
    pub event: &'static str,
    /// The order's entity id.
    pub order: i64,
}

/// What the index says of a SKU in a stock.
#[derive(Debug, Clone)]
pub(super) struct Indexed {
    pub(super) sku: String,
    pub(super) quantity: Decimal,
    pub(super) salable: bool,
}

/// Rows, promises and index.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: BTreeMap<(String, String), Row>,
    next_row: u64,
    reservations: Vec<Reservation>,
    promised: BTreeMap<(i64, String), Decimal>,
    index: BTreeMap<(i64, String), Indexed>,
}

fn pair(sku: &str, source: &str) -> (String, String) {
    (sku.to_lowercase(), source.to_lowercase())
}

/// A quantity as the column holds it: four places, and no more than eight digits before them.
pub(super) fn held(quantity: Decimal) -> Decimal {
    let most = Decimal::new(999_999_999_999, 4);
    quantity.clamp(-most, most).round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero)
}

impl Ledger {
    /// All rows, in the order in which they were first written.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows.values().cloned().collect();
        rows.sort_by_key(|row| row.id);
        rows
    }

    /// The rows of one SKU, by source.
    pub(super) fn of_sku(&self, sku: &str) -> Vec<Row> {
        let key = sku.to_lowercase();
        let from = (key.clone(), String::new());
        self.rows.range(from..).take_while(|((found, _), _)| *found == key).map(|(_, row)| row.clone()).collect()
    }

    pub(super) fn row(&self, sku: &str, source: &str) -> Option<&Row> {
        self.rows.get(&pair(sku, source))
    }

    /// Sets a row. One that stands keeps the spelling of its SKU and source.
    pub(super) fn set(&mut self, sku: &str, source: &str, quantity: Decimal, status: i64) {
        let next = &mut self.next_row;
        let row = self.rows.entry(pair(sku, source)).or_insert_with(|| {
            *next += 1;
            let (sku, source) = (sku.to_owned(), source.to_owned());
            Row { id: *next, sku, source, quantity: Decimal::ZERO, status }
        });
        row.quantity = held(quantity);
        row.status = status;
    }

    pub(super) fn remove(&mut self, sku: &str, source: &str) {
        self.rows.remove(&pair(sku, source));
    }

    /// Everything of a SKU is forgotten, except what is promised.
    pub(super) fn forget(&mut self, sku: &str) {
        let key = sku.to_lowercase();
        self.rows.retain(|(found, _), _| *found != key);
        self.index.retain(|(_, found), _| *found != key);
    }

    fn promise(&mut self, line: Reservation) {
        let key = (line.stock, line.sku.to_lowercase());
        *self.promised.entry(key).or_default() += line.quantity;
        self.reservations.push(line);
    }

    pub(super) fn promised(&self, stock: i64, sku: &str) -> Decimal {
        self.promised.get(&(stock, sku.to_lowercase())).copied().unwrap_or_default()
    }

    pub(super) fn indexed(&self, stock: i64, sku: &str) -> Option<&Indexed> {
        self.index.get(&(stock, sku.to_lowercase()))
    }

    /// The index of a whole stock.
    pub(super) fn index_of(&self, stock: i64) -> Vec<Indexed> {
        self.index.range((stock, String::new())..(stock + 1, String::new())).map(|(_, found)| found.clone()).collect()
    }
}

impl Account {
    /// Writes down a promise, or takes one back.
    pub(super) fn reserve(&mut self, sku: &str, quantity: Decimal, event: &'static str, order: i64) {
        let stock = self.stock_of_website();
        if quantity.is_zero() || !self.counts_stock(sku) {
            return;
        }
        self.ledger.promise(Reservation { stock, sku: sku.to_owned(), quantity, event, order });
    }

    /// Whether stock of a SKU is counted at all.
    fn counts_stock(&self, sku: &str) -> bool {
        self.catalogue.by_sku(sku).is_none_or(|product| product.stock.manage)
    }

    /// Everything that was ever promised or given back, oldest first.
    pub fn reservations(&self) -> &[Reservation] {
        &self.ledger.reservations
    }

    /// What lies of a SKU in a source, or `None` when there is no row.
    pub fn physical(&self, sku: &str, source: &str) -> Option<Decimal> {
        self.ledger.row(sku, source).map(|row| row.quantity)
    }

    /// What orders that are not shipped yet hold of a SKU in a stock: never below zero.
    pub fn reserved(&self, sku: &str, stock: i64) -> Decimal {
        (-self.ledger.promised(stock, sku)).max(Decimal::ZERO)
    }

    /// What a stock may still sell of a SKU. Never below zero, and zero when the index calls it unsalable.
    pub fn salable(&self, sku: &str, stock: i64) -> Decimal {
        let Some(found) = self.ledger.indexed(stock, sku).filter(|found| found.salable) else { return Decimal::ZERO };
        (found.quantity + self.ledger.promised(stock, sku)).max(Decimal::ZERO)
    }

    /// Leaves a promise behind that no order holds, as defects of the shop do: below zero sells too little from
    /// then on, above zero too much. Only the shop's own command line can mend it.
    pub fn strand(&mut self, sku: &str, quantity: Decimal) {
        self.reserve(sku, quantity, "order_placed", 0);
    }

    /// Sets what lies in a source, as staff do in the administration. The source must exist.
    pub fn edit_stock(&mut self, sku: &str, source: &str, quantity: Decimal) {
        self.ledger.set(sku, source, quantity, 1);
        self.follow_default(sku, source);
        self.refresh(sku);
    }

    /// Rebuilds the index of every SKU, as the scheduled job does.
    pub fn reindex(&mut self) {
        let skus: BTreeSet<String> = self.ledger.rows().into_iter().map(|row| row.sku.to_lowercase()).collect();
        let parents: Vec<String> = self.catalogue.configurables().map(|p| p.sku.clone()).collect();
        skus.iter().for_each(|sku| self.index_sku(sku));
        parents.iter().for_each(|sku| self.index_sku(sku));
    }

    /// Rebuilds the index of one SKU after its rows changed, unless the index lags.
    pub(super) fn refresh(&mut self, sku: &str) {
        if !self.switches.index_lags {
            self.index_sku(sku);
            let parents: Vec<String> = self.catalogue.parents_of(sku);
            parents.iter().for_each(|parent| self.index_sku(parent));
        }
    }

    /// A stock sums the rows of its enabled sources that are in stock; below zero counts too.
    fn index_sku(&mut self, sku: &str) {
        let product = self.catalogue.by_sku(sku);
        let children: Option<Vec<String>> =
            product.filter(|p| p.is_configurable()).map(|p| self.catalogue.child_skus(p));
        let counted = self.counts_stock(sku);
        let stocks: Vec<i64> = self.places.stocks.iter().map(|stock| stock.id).collect();
        for stock in stocks {
            let shown = product_spelling(self, sku);
            let found = match &children {
                // A configurable sells when its own flag allows it and one of its children does.
                Some(children) => {
                    let own = self.catalogue.by_sku(sku).is_some_and(|p| p.stock.in_stock);
                    let sells = |child: &String| self.ledger.indexed(stock, child).is_some_and(|c| c.salable);
                    let any = children.iter().any(sells);
                    Some(Indexed { sku: shown, quantity: Decimal::ZERO, salable: own && any })
                }
                None => {
                    let rows = self.ledger.of_sku(sku);
                    let here: Vec<&Row> = rows.iter().filter(|row| self.sells(stock, &row.source)).collect();
                    let quantity: Decimal = here.iter().filter(|row| row.status == 1).map(|row| row.quantity).sum();
                    let salable = !counted || quantity > Decimal::ZERO;
                    (!here.is_empty()).then_some(Indexed { sku: shown, quantity, salable })
                }
            };
            let key = (stock, sku.to_lowercase());
            match found {
                Some(found) => self.ledger.index.insert(key, found),
                None => self.ledger.index.remove(&key),
            };
        }
    }

    /// Takes goods out of a source, or puts them back with a quantity below zero. `false`, and nothing done, when
    /// the source has no row or too little of one of them.
    pub(super) fn deduct(&mut self, source: &str, goods: &[(String, Decimal)]) -> bool {
        let enough = |(sku, quantity): &(String, Decimal)| {
            self.ledger.row(sku, source).is_some_and(|row| row.quantity >= *quantity)
        };
        if !goods.iter().all(enough) {
            return false;
        }
        for (sku, quantity) in goods {
            if let Some(row) = self.ledger.rows.get_mut(&pair(sku, source)) {
                // An emptied source keeps its status.
                row.quantity -= *quantity;
            }
            self.refresh(sku);
        }
        true
    }
}

fn product_spelling(account: &Account, sku: &str) -> String {
    let by_product = account.catalogue.by_sku(sku).map(|product| product.sku.clone());
    let by_row = || account.ledger.of_sku(sku).first().map(|row| row.sku.clone());
    by_product.or_else(by_row).unwrap_or_else(|| sku.to_owned())
}
