//! What a document moves: the lines of the append-only ledger, and what of a return is kept from sale.

use super::fact::{Sale, SaleState};
use super::ids::{LineKey, OutletKey, ProductKey};
use std::collections::BTreeMap;

/// Why the till's count moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Sold.
    Sale,
    /// Came back.
    Return,
    /// A sale or return was taken back.
    Void,
    /// A later version of the same document says something else.
    Correction,
    /// A reading changed and no document explains it.
    Unexplained,
}

impl Cause {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Sale => "sale",
            Cause::Return => "return",
            Cause::Void => "void",
            Cause::Correction => "correction",
            Cause::Unexplained => "unexplained",
        }
    }
}

/// A ledger line to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The document's line it comes from.
    pub line: LineKey,
    /// What moved.
    pub product: ProductKey,
    /// Where.
    pub outlet: OutletKey,
    /// As the till's count moves: a sale is negative. Never zero.
    pub units: i64,
    /// Why.
    pub cause: Cause,
}

/// Units already booked for a line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// The line.
    pub line: LineKey,
    /// The product it was booked for.
    pub product: ProductKey,
    /// The outlet it was booked at.
    pub outlet: OutletKey,
    /// Sum of its movements so far.
    pub units: i64,
}

/// What a newer version of a sale appends to the ledger: the difference between what the document now says its
/// goods did and what has been booked for it. The same version again appends nothing.
pub fn movements_of(sale: &Sale, booked: &[Booked]) -> Vec<Movement> {
    type Key = (LineKey, ProductKey, OutletKey);
    let mut wanted: BTreeMap<Key, i64> = BTreeMap::new();
    let mut have: BTreeMap<Key, i64> = BTreeMap::new();
    if sale.state == SaleState::Closed {
        for line in &sale.lines {
            *wanted.entry((line.line.clone(), line.product.clone(), sale.outlet.clone())).or_default() -= line.units;
        }
    }
    for b in booked {
        *have.entry((b.line.clone(), b.product.clone(), b.outlet.clone())).or_default() += b.units;
    }
    let first_time = have.is_empty();
    let mut keys: Vec<Key> = have.keys().cloned().collect();
    for key in wanted.keys() {
        if !have.contains_key(key) {
            keys.push(key.clone());
        }
    }
    let mut out = Vec::new();
    for key in keys {
        let units = wanted.get(&key).copied().unwrap_or(0) - have.get(&key).copied().unwrap_or(0);
        if units == 0 {
            continue;
        }
        let cause = if sale.state == SaleState::Voided {
            Cause::Void
        } else if !first_time {
            Cause::Correction
        } else if units > 0 {
            Cause::Return
        } else {
            Cause::Sale
        };
        let (line, product, outlet) = key;
        out.push(Movement { line, product, outlet, units, cause });
    }
    out
}

/// Why returned units are kept from sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldReason {
    /// The return names no sale.
    NoLink,
    /// It names a sale that we have not read yet.
    SaleUnknown,
    /// It names a sale that is a web order's; its two obligations are not settled here.
    WebOrder,
}

impl HoldReason {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            HoldReason::NoLink => "no link",
            HoldReason::SaleUnknown => "sale unknown",
            HoldReason::WebOrder => "web order",
        }
    }
}

/// What we know of the sale that a return names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnedSale {
    /// The return names none.
    NotNamed,
    /// Named, not known to us.
    Unknown,
    /// A till sale.
    TillSale,
    /// A web order's sale.
    WebOrder,
}

/// Whether the returned units of a document are kept from sale, and why.
pub fn hold_reason(returned: ReturnedSale) -> Option<HoldReason> {
    match returned {
        ReturnedSale::NotNamed => Some(HoldReason::NoLink),
        ReturnedSale::Unknown => Some(HoldReason::SaleUnknown),
        ReturnedSale::WebOrder => Some(HoldReason::WebOrder),
        ReturnedSale::TillSale => None,
    }
}
