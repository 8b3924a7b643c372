//! What an outside system told us, in our words and without personal data.
//!
//! Connectors turn raw bodies into facts; everything behind them (ledger, equation, pages, rebuild) reads only
//! facts. An unknown value of a vendor's enumeration is kept as its own text, never dropped and never guessed.

use super::ids::{DocumentKey, LineKey, OutletKey, ProductKey};
use super::money::Fine;
use super::time::Timestamp;

/// Anything a notice or a sweep can tell us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A sale at a till in its newest known state; also returns, exchanges and voids.
    Sale(Sale),
    /// A till's count of one product at one outlet.
    TillReading(TillReading),
    /// A product row of a till or a shop.
    Listing(Listing),
    /// A web order in its newest known state.
    Order(Order),
    /// Something we keep as evidence and do not act on yet (a register closure, a customer).
    Noted {
        /// The vendor's word for it.
        kind: String,
    },
    /// A hint that something changed; truth comes from the sweep it wakes.
    Hint(Hint),
}

/// Which sweep a hint wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Read till sales.
    Sales,
    /// Read stock.
    Stock,
    /// Read products.
    Catalogue,
    /// Read web orders.
    Orders,
}

/// A sale (or return, exchange, void) at a till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The vendor's id; the same through all its versions.
    pub document: DocumentKey,
    /// The vendor's own order of changes; a lower version never replaces a higher one.
    pub version: i64,
    /// What the vendor calls its state, in our reading.
    pub state: SaleState,
    /// Where the goods moved.
    pub outlet: OutletKey,
    /// The register, if told.
    pub register: Option<String>,
    /// When it happened by the vendor's clock.
    pub happened_at: Timestamp,
    /// When this version of it came to be, by the vendor's clock; `happened_at` where the vendor does not say.
    pub changed_at: Timestamp,
    /// The receipt or invoice number a person would look for.
    pub number: String,
    /// The sale this one returns, if the vendor linked it.
    pub return_for: Option<DocumentKey>,
    /// The vendor's "source" of the sale (a web order we or another integration posted), with its id.
    pub source: Option<(String, String)>,
    /// Its lines.
    pub lines: Vec<SaleLine>,
    /// How it was paid.
    pub tenders: Vec<Tender>,
    /// Total to pay including tax, as the vendor adds it up.
    pub total: Fine,
    /// Tax part of the total.
    pub tax: Fine,
}

/// What the state of a sale means for stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaleState {
    /// Not final, no goods moved (saved, parked, pending).
    Open,
    /// Goods have moved.
    Closed,
    /// Everything it did is taken back.
    Voided,
    /// A word we don't know; nothing moves until a reading tells us.
    Unknown(String),
}

/// One line of a sale. Units are signed as goods leave the shop: `+1` sold, `-1` returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleLine {
    /// The vendor's line id.
    pub line: LineKey,
    /// What was sold.
    pub product: ProductKey,
    /// Whole units, positive when goods leave.
    pub units: i64,
    /// Whether the vendor marks it as a return.
    pub is_return: bool,
    /// Price of one unit without tax.
    pub unit_price: Fine,
    /// Discount of one unit without tax.
    pub unit_discount: Fine,
    /// Tax of one unit.
    pub unit_tax: Fine,
    /// The vendor's own text of the price.
    pub price_text: String,
}

/// One payment of a sale; negative when money goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tender {
    /// The retailer's own payment type id.
    pub payment_type: String,
    /// Its name as the till shows it.
    pub name: String,
    /// Signed amount.
    pub amount: Fine,
}

/// A till's count of one product at one outlet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillReading {
    /// What was counted.
    pub product: ProductKey,
    /// Where.
    pub outlet: OutletKey,
    /// Thousandths of a unit: tills may hold fractions and negative levels.
    pub on_hand_milli: i64,
    /// The vendor's order of changes, if this reading carries one.
    pub version: Option<i64>,
}

/// A product row as one system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The vendor's id of the sellable row.
    pub product: ProductKey,
    /// The vendor's id of the style it belongs to, if any.
    pub style: Option<String>,
    /// Name of the style.
    pub name: String,
    /// Colour, size and the like, in the vendor's order.
    pub options: Vec<String>,
    /// Stock keeping unit, byte for byte as the vendor has it.
    pub sku: String,
    /// Barcode, if any.
    pub barcode: Option<String>,
    /// Hidden, archived or deleted over there.
    pub archived: bool,
    /// Whether the vendor counts it at all (services and gift cards are not counted).
    pub counted: bool,
    /// A bundle or composite: listed, never written.
    pub bundle: bool,
    /// Selling price including tax, if told.
    pub price: Option<Fine>,
    /// The vendor's order of changes, if any.
    pub version: Option<i64>,
}

/// A web order, reduced to what the count needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The vendor's id.
    pub document: DocumentKey,
    /// The number people use.
    pub number: String,
    /// Its state in our reading.
    pub state: OrderState,
    /// Held by the shop: not to be processed, but its units are spoken for.
    pub on_hold: bool,
    /// When the customer ordered.
    pub placed_at: Timestamp,
    /// The shop's clock at its last change; orders the versions of this order.
    pub updated_at: Timestamp,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// Total including tax, with its currency.
    pub total: Fine,
    /// ISO currency code.
    pub currency: String,
}

/// What the state of a web order means for the count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// Placed, its goods still in our hands.
    Open,
    /// Handed over or sent.
    Shipped,
    /// Will not be delivered; its units are free again.
    Cancelled,
    /// A word we don't know; treated as open, because that holds goods back.
    Unknown(String),
}

/// One line of a web order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The vendor's line id.
    pub line: LineKey,
    /// What was ordered.
    pub product: ProductKey,
    /// Units ordered and not cancelled.
    pub units: i64,
    /// Price of one unit including tax.
    pub unit_price: Fine,
    /// The shop warehouses its units are taken from, with units each; empty if the shop has not decided.
    pub allocations: Vec<(OutletKey, i64)>,
}

/// A shop's stock of one product at one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopReading {
    /// What.
    pub product: ProductKey,
    /// Which warehouse.
    pub warehouse: OutletKey,
    /// On the shelf in the shop's books, including units of its own open orders.
    pub physical: i64,
    /// Units the shop itself keeps for its open orders.
    pub allocated: i64,
    /// What the shop offers for sale.
    pub sellable: i64,
}
