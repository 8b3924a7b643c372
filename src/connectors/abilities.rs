//! What a shop can and cannot do beyond the count: products, orders, returns, and how it tells of changes.
//!
//! Each is a value that the engine and the pages ask about before they offer something. The words are shown as they are.

/// How a shop comes to send us notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticesSetUp {
    /// It sends none.
    Never,
    /// We subscribe by ourselves.
    ByUs,
    /// A person has to do it over there; these are the words that say how.
    ByAPerson(&'static str),
}

/// What can be done to a shop's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueAbilities {
    /// How its products are built, from the whole to what is sold.
    pub levels: &'static [&'static str],
    /// Products can be made and changed.
    pub writes: bool,
    /// Products can be put away and brought back, without their stock being touched.
    pub puts_away: bool,
    /// A SKU can be written as it is. Otherwise the shop puts it together from parts.
    pub writes_sku: bool,
    /// The shop keeps no two of the same SKU.
    pub unique_skus: bool,
    /// A made product can be found again by our own reference.
    pub keeps_reference: bool,
    /// What a person has to do before a made product is on sale; `None` when nothing.
    pub before_sale: Option<&'static str>,
}

/// How an order carries our own reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderReference {
    /// In a field that it can be looked for by.
    Searchable,
    /// In a comment only, which is not looked for.
    Comment,
}

/// How a customer comes to know that goods can be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyForCollection {
    /// The shop has no such state. Nearest is a shipment that may leave and has not.
    NoState,
    /// The shop tells the customer, and books the goods out at once: handing over is not a step of its own.
    TellsAndShips,
}

/// What can be done to a shop's orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderAbilities {
    /// How they carry our reference.
    pub reference: OrderReference,
    /// They can be confirmed by a call.
    pub confirms: bool,
    /// They can be put on hold by a call.
    pub holds: bool,
    /// Units of lines can be cancelled; otherwise everything that is open, or nothing.
    pub cancels_lines: bool,
    /// Lines can be added.
    pub adds_lines: bool,
    /// A shipment is made first and completed later; otherwise making it is completing it.
    pub shipment_in_two_steps: bool,
    /// The shop asks the payment provider for the money.
    pub captures: bool,
    /// A capture or a refund may end later than its call: the answer can be "asked", and the end has to be read.
    pub money_moves_later: bool,
    /// The order itself says that it is to be picked up. Otherwise a person says which ways of sending are pick-up.
    pub marks_pickup: bool,
    /// Telling that goods can be collected.
    pub ready: ReadyForCollection,
}

/// How money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundBy {
    /// The shop asks the payment provider.
    Provider,
    /// The shop only writes it down; somebody gives the money back elsewhere.
    BooksOnly,
}

/// How a shop gives credit instead of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditBy {
    /// Not at all.
    None,
    /// As a gift card, which a person issues over there.
    GiftCardByAPerson,
}

/// What can be done about goods that come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnAbilities {
    /// A return is a thing of its own that is open first and completed later.
    pub in_two_steps: bool,
    /// A return belongs to a shipment: what was not shipped is cancelled instead.
    pub of_a_shipment: bool,
    /// Goods may go to another warehouse than the one that they left from.
    pub other_warehouse: bool,
    /// Goods may be left out of the books.
    pub without_goods_back: bool,
    /// The amount can be named. Otherwise it is what the return comes to.
    pub free_amount: bool,
    /// Money can go back with no goods at all.
    pub money_alone: bool,
    /// How the money goes back.
    pub refund_by: RefundBy,
    /// A refund is found again by our own reference.
    pub keeps_reference: bool,
    /// Changes of returns can be swept. Otherwise those that are open are read again, or told by events.
    pub sweeps_changes: bool,
    /// Credit instead of money.
    pub credit: CreditBy,
}
