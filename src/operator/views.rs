//! What pages show: plain values, already decided and already summed. The pages format and never compute.

use crate::domain::money::Minor;
use crate::domain::problem::Press;
use crate::domain::time::{Span, Timestamp};

/// The line under the top bar: how old every number is.
#[derive(Debug, Clone, PartialEq)]
pub struct Freshness {
    /// One per connection: shops first.
    pub marks: Vec<Mark>,
    /// When every SKU of both systems was last compared.
    pub compared_at: Option<Timestamp>,
    /// The moment this view was made.
    pub now: Timestamp,
}

/// How far one connection has been read.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// "Web" or "Till", or the connection's name when there are several of a kind.
    pub label: String,
    /// Everything the system recorded before this instant is known to us.
    pub read_up_to: Option<Timestamp>,
    /// Set when the mark is older than its limit: since when, and why in one sentence.
    pub stale: Option<(Timestamp, String)>,
}

/// Why a mark is stale when somebody paused its connection.
pub const PAUSED: &str = "paused by a person";

impl Mark {
    /// Whether it stands still because somebody wants it to.
    pub fn is_paused(&self) -> bool {
        self.stale.as_ref().is_some_and(|(_, why)| why == PAUSED)
    }
}

/// How bad something is; decides its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A customer waits or money is being lost today.
    Now,
    /// Somebody must decide today.
    Soon,
    /// Runs by itself, says until when.
    Waiting,
    /// Kept back on purpose.
    Held,
    /// Proved, settled.
    Fine,
}

/// The Today page.
#[derive(Debug, Clone, PartialEq)]
pub struct Today {
    /// Marks.
    pub freshness: Freshness,
    /// Sellable value at places whose count equals what it should be, in tenths of a percent; `None` before the first compare.
    pub trust_permille: Option<i64>,
    /// SKU and place pairs that are linked and compared, and how many of them are equal.
    pub equal_of: (i64, i64),
    /// What needs a person, worst first.
    pub problems: Vec<ProblemRow>,
    /// What was mended without anybody, since the given instant: count and words.
    pub fixed: Vec<(i64, String)>,
    /// Start of the period of `fixed`.
    pub fixed_since: Timestamp,
    /// Sales at tills and units moved since local midnight, per store: name, sales, units.
    pub stores: Vec<(String, i64, i64)>,
    /// When the first till was connected, if that was after midnight: what was sold before is not among `stores`.
    pub stores_since: Option<Timestamp>,
    /// Units on hold because their return has no link: count, oldest.
    pub on_hold: (i64, Option<Timestamp>),
}

/// One row of "Needs you now": one per cause and subject.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemRow {
    /// Our id.
    pub id: String,
    /// Its sign.
    pub severity: Severity,
    /// What happened.
    pub title: String,
    /// Why we think so.
    pub why: String,
    /// Money at stake.
    pub money: Option<(Minor, String)>,
    /// Who or what waits, in few words.
    pub waits: String,
    /// What to press, recommended first; pages offer of it what the role may.
    pub actions: Vec<Press>,
    /// The team it belongs to.
    pub team: String,
    /// Who took it, and since when.
    pub owner: Option<(String, Timestamp)>,
    /// Open since.
    pub since: Timestamp,
}

/// What the Stock list is asked for; all of it comes from the address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockQuery {
    /// Prefix of a name, SKU or barcode word.
    pub search: String,
    /// Only this place.
    pub place: Option<String>,
    /// Only rows that differ.
    pub differing: bool,
    /// Only rows with units on hold.
    pub held: bool,
    /// Only linked (`Some(true)`) or unlinked (`Some(false)`) rows.
    pub linked: Option<bool>,
    /// Sort column.
    pub sort: StockSort,
    /// Descending.
    pub descending: bool,
    /// Page, from 1.
    pub page: i64,
}

/// Columns that the Stock list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StockSort {
    /// Size of the difference, largest first.
    #[default]
    Difference,
    /// Item name.
    Item,
    /// SKU.
    Sku,
    /// Till says.
    Till,
    /// Should show.
    Should,
    /// Web shows.
    Web,
}

/// The Stock page.
#[derive(Debug, Clone, PartialEq)]
pub struct Stock {
    /// Marks.
    pub freshness: Freshness,
    /// Rows of this page.
    pub rows: Vec<StockRow>,
    /// Rows that match the filter.
    pub matching: i64,
    /// All SKU and place pairs.
    pub total: i64,
    /// Pairs that differ, and by how many units altogether.
    pub differing: (i64, i64),
    /// Till items with no twin in the shop, and shop items with no twin in the till.
    pub unlinked: i64,
    /// Outlets that feed no place.
    pub outlets_left: usize,
    /// Places to filter by: id and name.
    pub places: Vec<(String, String)>,
    /// Rows per page.
    pub page_size: i64,
}

/// One SKU at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct StockRow {
    /// Our variant id; `None` for an item that is not linked.
    pub variant: Option<String>,
    /// Style and options.
    pub item: String,
    /// SKU as the till (or the shop) has it.
    pub sku: String,
    /// Place name; empty for an item that is not linked.
    pub place: String,
    /// Where an item that is not linked stands.
    pub loose: Option<Loose>,
    /// Terms of the sum; `None` where the row is not linked or never read.
    pub sum: Option<Sum>,
    /// What the till says of an item that is not linked.
    pub till: Option<i64>,
    /// What that is worth, with its currency.
    pub value: Option<(Minor, String)>,
    /// Sign and words of the cause column.
    pub cause: (Severity, String),
}

/// Where an item that is not linked stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// At a till, or else in a shop.
    pub at_till: bool,
    /// Name of the connection.
    pub connection: String,
    /// Other items have this SKU, on either side.
    pub has_namesakes: bool,
}

impl Loose {
    /// The side in words.
    pub fn side(&self) -> &'static str {
        if self.at_till { "At the till" } else { "In the shop" }
    }
}

/// The sum as a sum. `should == max(0, till - waiting - hold - buffer - checking)`; `difference == web - should`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Till says.
    pub till: i64,
    /// Web units which the till's count has not yet given up.
    pub waiting: i64,
    /// On hold (returns).
    pub hold: i64,
    /// Buffer.
    pub buffer: i64,
    /// A rise at the till that no movement explains yet, held back until the sales sweep has passed it.
    pub checking: i64,
    /// Should show.
    pub should: i64,
    /// Units by which the sum fell below zero and was floored.
    pub floored: i64,
    /// Web shows; `None` until first read.
    pub web: Option<i64>,
    /// Web shows − should show.
    pub difference: Option<i64>,
}

/// The SKU page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sku {
    /// Marks.
    pub freshness: Freshness,
    /// Our variant id.
    pub variant: String,
    /// Style and options.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Barcode.
    pub barcode: Option<String>,
    /// Listings it is linked to: system name, the vendor's id, its SKU there.
    pub links: Vec<(String, String, String)>,
    /// One per place, first the one asked for.
    pub places: Vec<SkuPlace>,
}

/// One SKU at one place, in full.
#[derive(Debug, Clone, PartialEq)]
pub struct SkuPlace {
    /// Our place id.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Whether we may write there.
    pub live: bool,
    /// When the newest of its numbers was read.
    pub read_at: Option<Timestamp>,
    /// The sum.
    pub sum: Sum,
    /// Till units per outlet: name and units.
    pub outlets: Vec<(String, i64)>,
    /// Open web orders: number and units.
    pub orders: Vec<(String, i64)>,
    /// Returns on hold: receipt number, units, since.
    pub holds: Vec<(String, i64, Timestamp)>,
    /// Signed cause lines; they sum to the difference. The last one is "Not explained yet", also at 0.
    pub why: Vec<CauseLine>,
    /// What happens if nobody presses anything.
    pub if_nothing: String,
    /// Everything that changed a count, oldest first; at most the newest 200.
    pub steps: Vec<Step>,
    /// There may be steps before these.
    pub older: bool,
    /// The newest push: words and instant ("acknowledged 2 s ago, confirmed").
    pub push: Option<PushState>,
}

/// A signed part of the difference.
#[derive(Debug, Clone, PartialEq)]
pub struct CauseLine {
    /// Units.
    pub units: i64,
    /// The cause in the product's words.
    pub cause: String,
    /// When, why, what happens next.
    pub detail: String,
    /// Evidence page, if any.
    pub evidence: Option<String>,
}

/// One row of Movements with all counts right after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When it happened by the vendor's clock.
    pub at: Timestamp,
    /// When we knew.
    pub known_at: Timestamp,
    /// Where ("King's Cross till", "To web", "Web").
    pub place: String,
    /// What happened, in words.
    pub what: String,
    /// Short word for the chart's axis ("sale 1693").
    pub short: String,
    /// False for what the till's first count had already: it stands in the list and is no step of the chart.
    pub changed: bool,
    /// Counts right after.
    pub sum: Sum,
    /// Evidence page, if any.
    pub evidence: Option<String>,
}

/// Where the newest push of a SKU and place stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PushState {
    /// "sent", "accepted", "confirmed", "refused", "throttled", "failed", "unknown".
    pub state: String,
    /// Number that was sent.
    pub should: i64,
    /// Since when.
    pub since: Timestamp,
    /// Reason given by the shop, or by us.
    pub reason: Option<String>,
    /// The number that should show now, where it was not sent; and why not, unless it only waits for its turn.
    pub unsent: Option<(i64, Option<String>)>,
}

/// The Connections page.
#[derive(Debug, Clone, PartialEq)]
pub struct Connections {
    /// Marks.
    pub freshness: Freshness,
    /// One card each, shops first.
    pub cards: Vec<ConnectionCard>,
    /// Delay from the till's sale to the shop's answer, last 24 h.
    pub delay: Delay,
    /// Shop places with the outlets that feed them.
    pub places: Vec<PlaceRow>,
    /// Till outlets that feed no place: id and name.
    pub unmapped_outlets: Vec<(String, String)>,
    /// The newest notices that were refused or could not be read: when, connection, status, reason.
    pub refused: Vec<RefusedNotice>,
    /// The newest records that are parked: when, connection, kind, id, reason.
    pub parked: Vec<ParkedRecord>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionCard {
    /// Our id.
    pub id: String,
    /// "Web shop", "Till".
    pub title: String,
    /// "Centra", "Lightspeed X-Series, 2 outlets".
    pub vendor: String,
    /// Working, slow, down, paused: sign, word, and a sentence when it is not working.
    pub health: (Severity, String, Option<String>),
    /// Read up to.
    pub read_up_to: Option<Timestamp>,
    /// Every SKU compared.
    pub compared_at: Option<Timestamp>,
    /// Allowance left in percent, and a sentence ("refills every second", "blocked until 08:50").
    pub allowance: Option<(i64, String)>,
    /// Notices in 24 h: accepted, repeated, found by reading although no notice came, refused.
    pub notices: (i64, i64, i64, i64),
    /// Last four characters of the key, never more.
    pub key_hint: Option<String>,
    /// Address that the vendor must send notices to.
    pub notice_url: String,
    /// Whether it is paused by a person.
    pub paused: bool,
}

/// Delay till → web.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    /// How many arrived.
    pub count: i64,
    /// Half under.
    pub p50: Option<Span>,
    /// 95 % under.
    pub p95: Option<Span>,
    /// Worst, and when.
    pub worst: Option<(Span, Timestamp)>,
    /// Worst delay per quarter of an hour, oldest first, 96 of them; zero where nothing happened.
    pub slots: Vec<Span>,
    /// Start of the first slot.
    pub from: Timestamp,
}

/// A shop place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceRow {
    /// Our place id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The shop it belongs to.
    pub connection: String,
    /// Outlets that feed it: id and name.
    pub outlets: Vec<(String, String)>,
    /// Since when it is written to; `None` while it is only read.
    pub live_since: Option<Timestamp>,
}

/// A notice we did not accept.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedNotice {
    /// When it came.
    pub at: Timestamp,
    /// Which connection's address it was sent to.
    pub connection: String,
    /// The status we answered.
    pub status: u16,
    /// Why, in one sentence.
    pub reason: String,
    /// How many like it in a row.
    pub count: i64,
}

/// A record that is kept but not applied.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedRecord {
    /// Our inbox id.
    pub id: String,
    /// When it came.
    pub at: Timestamp,
    /// Connection name.
    pub connection: String,
    /// Kind and the vendor's id.
    pub what: String,
    /// Why it is parked.
    pub reason: String,
}

/// What would be written if a place went live now.
#[derive(Debug, Clone, PartialEq)]
pub struct GoLivePreview {
    /// Our place id.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Every write: item, SKU, web shows now, should show, physical number to write. Sorted by size of change.
    pub writes: Vec<GoLiveWrite>,
    /// SHA-256 over the exact writes; the button sends it back, and nothing goes live when it no longer fits.
    pub fingerprint: String,
    /// Rows that would stay as they are.
    pub unchanged: i64,
    /// Items that cannot be written because they are not linked.
    pub unlinked: i64,
    /// When the shop's numbers behind it were read.
    pub read_at: Option<Timestamp>,
    /// Why it cannot go live yet, if so.
    pub blocked: Option<String>,
}

/// One write of the preview.
#[derive(Debug, Clone, PartialEq)]
pub struct GoLiveWrite {
    /// Variant id.
    pub variant: String,
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Web shows now.
    pub before: i64,
    /// It will show.
    pub after: i64,
}

/// What would change if an outlet fed another place, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct RemapPreview {
    /// Our outlet id.
    pub outlet: String,
    /// Its name.
    pub name: String,
    /// The place that it feeds now: id and name.
    pub from: Option<(String, String)>,
    /// The place that it would feed.
    pub to: Option<(String, String)>,
    /// Places that are written to now and would only be read from then on.
    pub stops: Vec<String>,
    /// Sums that change, largest change first; of very many only the first.
    pub lines: Vec<RemapLine>,
    /// How many there are.
    pub changed: i64,
    /// How many of its items change no sum.
    pub unchanged: i64,
    /// Of what the person agrees to; the button sends it back.
    pub fingerprint: String,
}

/// One sum that would change.
#[derive(Debug, Clone, PartialEq)]
pub struct RemapLine {
    /// Variant id.
    pub variant: String,
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// At which place.
    pub place: String,
    /// Should show now.
    pub before: i64,
    /// Would be shown then.
    pub after: i64,
}

/// One line of what a search found: an item at a place, with its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// "Sale 10211", "Return 10212", "Order 5034"; empty when the item itself was searched for.
    pub document: String,
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Place, or the connection of an item that is not linked.
    pub place: String,
    /// Where more stands.
    pub href: String,
    /// The sum, where there is one.
    pub sum: Option<Sum>,
    /// What the till says of an item without a sum.
    pub till: Option<i64>,
    /// Why there is no sum; empty when there is one.
    pub note: String,
}

/// One raw exchange or record behind a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// "Notice", "Call", "Record".
    pub title: String,
    /// When.
    pub at: Timestamp,
    /// Connection name.
    pub connection: String,
    /// Label and value pairs.
    pub facts: Vec<(String, String)>,
    /// Raw texts with their captions (sent, received), shortened, without secrets and without personal data.
    pub raw: Vec<(String, String)>,
    /// The item it is evidence for, when it was opened from one.
    pub about: Option<EvidenceOf>,
}

/// What an exchange or record meant for one item at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceOf {
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Place.
    pub place: String,
    /// Its page.
    pub href: String,
    /// What happened in its order: label, words, when.
    pub lines: Vec<(String, String, Option<Timestamp>)>,
}
