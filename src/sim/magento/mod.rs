//! A web shop on Magento Open Source 2.4.7: what its REST interface says and does, and what people do there by hand.
//!
//! [`Account`] is the whole shop and stands alone: it takes requests with [`Account::answer`], time comes in with
//! each of them, ids are counted, nothing is left to chance. How to put it behind a world of shops and tills:
//!
//! * A *web place* is a stock: [`Account::stock_of_website`] is the one that sells, [`Account::stock_sources`] are
//!   the sources that feed it. A shop floor is one source of it ([`Account::add_source`], [`Account::add_stock`]).
//!   `default` can feed no stock but the first, and goods there are not for sale once there is another stock.
//! * What lies there is [`Account::physical`] by source, what is promised [`Account::reserved`] by stock, what may
//!   still be sold [`Account::salable`]: the sum of the sources' rows less the promises, never below zero. Placing
//!   an order promises, shipping takes goods and promise off together, cancelling lifts the promise.
//! * Customers: [`Account::place`]. Staff: [`Account::invoice`], [`Account::ship`] (say from where: without a source
//!   goods come from `default`), [`Account::cancel`], [`Account::refund`], [`Account::ready`] for orders that are
//!   fetched, [`Account::edit_stock`], [`Account::enable_source`] (the index follows with [`Account::reindex`]).
//! * Nothing runs by itself: [`Account::run_consumer`] carries out asynchronous calls, [`Account::clean_up`] forgets
//!   what deleted products held.
//! * The traps are [`Account::switches`]; [`Switches::fail_next`] asks for single faults.
//!
//! There are no webhooks, as there are none in the original: whoever wants to know has to ask.

mod auth;
mod bulk;
mod catalogue;
mod checkout;
mod configurable;
mod criteria;
mod error;
mod fields;
mod input;
mod invoice;
mod ledger;
mod legacy;
mod oauth;
mod order_json;
mod order_write;
mod orders;
mod pickup;
mod product_write;
mod refund;
mod routes;
mod salable;
mod ship;
mod source_items;
mod sources;
mod store;
mod switches;
#[cfg(test)]
mod tests;
mod wire;

pub use auth::Integration;
pub use checkout::{Basket, NotPlaced, Wish};
pub use ledger::Reservation;
pub use orders::{Address, OrderLine};
pub use product_write::NewProduct;
pub use refund::Refund;
pub use switches::{Fault, Limits, Switches};

use crate::domain::time::{Span, Timestamp};

/// A shop: everything it knows.
#[derive(Debug)]
pub struct Account {
    /// What can be set to bring out its traps.
    pub switches: Switches,
    base: String,
    keys: auth::Keys,
    catalogue: catalogue::Catalogue,
    places: sources::Places,
    ledger: ledger::Ledger,
    sales: orders::Sales,
    tax: store::Tax,
    /// Store views besides the first: code and name.
    views: Vec<(String, String)>,
    bulks: Vec<bulk::Bulk>,
    bulks_made: u64,
    /// Deleted products whose source items are not cleaned up yet.
    orphans: Vec<String>,
}

impl Account {
    /// A fresh shop at an address such as `https://shop.example`, with one website, one store view, the default
    /// source and the default stock, and nothing to sell.
    pub fn new(base: &str) -> Account {
        Account {
            switches: Switches::default(),
            base: base.to_owned(),
            keys: auth::Keys::default(),
            catalogue: catalogue::Catalogue::fresh(),
            places: sources::Places::fresh(),
            ledger: ledger::Ledger::default(),
            sales: orders::Sales::default(),
            tax: store::Tax::fresh(),
            views: Vec::new(),
            bulks: Vec::new(),
            bulks_made: 0,
            orphans: Vec::new(),
        }
    }

    /// What the shop's own clock shows.
    fn clock(&self, now: Timestamp) -> Timestamp {
        now + Span::secs(self.switches.clock_ahead)
    }
}
