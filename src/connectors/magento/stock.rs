//! Counts: read by name or shelf by shelf, written as absolute physical counts.
//!
//! *Reading.* Two questions for up to a hundred products: their rows on all sources (`source-items`, 0.1 s for 200), and
//! what each stock offers of them (`export-stock-salable-qty`, 0.6 s for 100). Asking for what is offered product by
//! product (`get-product-salable-quantity`) costs 0.04 s each but a call each, so a hundred are 4 s and a hundred calls
//! instead of one; and it fails outright for a product it does not know. The whole-stock dump (0.05 s) leaves the
//! reservations out, so it cannot say what is offered.
//!
//! *Writing.* 250 rows to a call: a call of 1 / 20 / 100 / 500 / 1000 rows took 47 / 85 / 172 / 657 / 1167 ms, and two
//! writers with 250 rows each were the fastest of all that was measured (1,580 rows a second). More rows gain nothing
//! and lose more when a call fails, for it fails as a whole. A shop may limit how many it takes; then its own number
//! counts. A row cannot carry our reference: whether a lost call was done is told by reading back.
//!
//! A row is written to whatever SKU is sent, known or not. So each SKU is looked up first, unless it was seen within the
//! last day. Every reading of stock or products shows it, so that a usual write takes one call.

use super::criteria::{Criteria, portions};
use super::errand::{Errand, REST, REST_ALL, rejected};
use super::places::Places;
use super::salable::{self, Item, Offers, folded};
use super::{Magento, not_ours, wire};
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::json::{Object, elements};
use crate::connectors::{Answer, Page, ShopStock, StockWrite, Unreadable, WriteOutcome};
use crate::domain::fact::ShopReading;
use crate::domain::ids::{OutletKey, ProductKey};
use crate::domain::time::{Span, Timestamp};
use http::Method;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Rows of one write (see above).
pub(super) const ROWS_PER_WRITE: usize = 250;

/// Products asked for at once, and rows of a shelf's page: what a stock offers of a hundred takes 0.6 s.
const NAMED_MAX: usize = 100;

/// Rows of sources on one page: a hundred products lie on a handful of sources.
const ITEM_ROWS: usize = 1_000;

/// How long a SKU that was seen counts as known.
const KNOWN_FOR: Span = Span::hours(24);

/// SKUs kept in mind at most.
const KNOWN_MAX: usize = 200_000;

/// The most that a shelf can hold over there; above it the vendor cuts off in silence.
const UNITS_MAX: i64 = 99_999_999;

/// What is known of a SKU.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) at: Timestamp,
    /// As the catalogue spells it.
    pub(super) spelled: String,
    /// Whether it holds stock of its own; a configurable or a bundle does not.
    pub(super) holds_stock: bool,
}

/// Where a pass over a shelf stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    page: usize,
    size: usize,
    /// Rows of the whole shelf when its first page was read.
    total: usize,
    /// The page before, to know it again.
    before: String,
}

/// A page of everything on one shelf.
pub(super) async fn page(
    shop: &Magento,
    warehouse: &OutletKey,
    cursor: Option<&str>,
) -> Result<Answer<Page<ShopReading>>, CallError> {
    let cursor: Option<Shelf> = cursor.map(serde_json::from_str).transpose().map_err(|_| not_ours())?;
    let mut errand = shop.errand();
    let places = shop.known_places(&mut errand).await?;
    // A shop that has come to allow fewer rows on a page is read from the beginning again.
    let cursor = cursor.filter(|shelf| shelf.size <= shop.page_rows());
    let number = cursor.as_ref().map_or(1, |shelf| shelf.page);
    let want = cursor.as_ref().map_or(NAMED_MAX, |shelf| shelf.size);
    let asked = |size: usize| Criteria::new().and("source_code", "eq", warehouse.as_str()).by("sku").page(size, number);
    let route = format!("{REST}/inventory/source-items");
    let (text, size) = errand.rows("read stock", &route, want, asked).await?;
    if cursor.as_ref().is_some_and(|shelf| shelf.size != size) {
        let reason = "the shop changed the size of its pages; the pass begins again".to_owned();
        return Err(errand.fail(CallErrorKind::Protocol { reason }));
    }
    let read = shelf_page(&text, size, number, warehouse, cursor.as_ref());
    let (items, next) = errand.read(read)?;
    let skus: Vec<&str> = items.iter().map(|item| item.sku.as_str()).collect();
    let others = !places.stocks.iter().all(|stock| stock.sources.len() == 1);
    let all = match others {
        true => items_of(&mut errand, &skus).await?,
        false => items.clone(),
    };
    let offers = offers(&mut errand, &places, &skus).await?;
    let mut rows = Vec::with_capacity(items.len());
    for item in &items {
        let same: Vec<Item> = all.iter().filter(|other| folded(&other.sku) == folded(&item.sku)).cloned().collect();
        if !same.iter().any(|other| other.source.eq_ignore_ascii_case(warehouse.as_str())) {
            let reason = format!("the shop lists {} at {warehouse} and then does not", wire::clip(&item.sku));
            return Err(errand.fail(CallErrorKind::Protocol { reason }));
        }
        if salable::contradicts(&places, &offers, &item.sku, &same) {
            return Err(errand.fail(contradiction(&item.sku)));
        }
        let readings = salable::readings(&places, &offers, &ProductKey::new(item.sku.clone()), &same);
        rows.extend(readings.into_iter().filter(|reading| reading.warehouse == *warehouse));
    }
    let next = match next {
        Some(next) => Some(errand.read(serde_json::to_string(&next).map_err(|e| Unreadable::new(e.to_string())))?),
        None => None,
    };
    Ok(errand.done(Page { rows, next, resume: None, began: None }))
}

/// Reads a shelf's page. Believed is only a whole list: one that is empty, has become shorter since the pass began, or
/// gives a page again would be taken for "nothing lies there any more".
fn shelf_page(
    text: &str,
    size: usize,
    number: usize,
    warehouse: &OutletKey,
    before: Option<&Shelf>,
) -> Result<(Vec<Item>, Option<Shelf>), Unreadable> {
    let (rows, total, last) = wire::page("the shelf", text, size, number)?;
    if total == 0 {
        return Err(Unreadable::new(format!("the shop lists nothing at all at {warehouse}")));
    }
    if let Some(shelf) = before.filter(|shelf| total < shelf.total) {
        let reason = format!("the list of {warehouse} had {} rows a moment ago and has {total} now", shelf.total);
        return Err(Unreadable::new(reason));
    }
    let items = rows.into_iter().map(|raw| salable::item(raw.get())).collect::<Result<Vec<_>, _>>()?;
    if let Some(item) = items.iter().find(|item| !item.source.eq_ignore_ascii_case(warehouse.as_str())) {
        return Err(Unreadable::new(format!(
            "asked for the rows of {warehouse}, one of {} came",
            wire::clip(&item.source)
        )));
    }
    let skus: Vec<&str> = items.iter().map(|item| item.sku.as_str()).collect();
    if skus.iter().collect::<HashSet<_>>().len() != skus.len() {
        return Err(Unreadable::new(format!("a page of {warehouse} names an item twice")));
    }
    let print = hex::encode(Sha256::digest(skus.join("\n").as_bytes()));
    if before.is_some_and(|shelf| shelf.before == print) {
        return Err(Unreadable::new(format!("the shop gave a page of {warehouse} twice")));
    }
    let first = before.map_or(total, |shelf| shelf.total);
    let next = (!last).then_some(Shelf { page: number + 1, size, total: first, before: print });
    Ok((items, next))
}

/// The counts of some products on all shelves.
pub(super) async fn of_products(shop: &Magento, products: &[ProductKey]) -> Result<Answer<ShopStock>, CallError> {
    let mut errand = shop.errand();
    let places = shop.known_places(&mut errand).await?;
    let mut said = ShopStock::default();
    let skus: Vec<&str> = products.iter().map(ProductKey::as_str).filter(|sku| can_be_asked(sku)).collect();
    for portion in portions(&skus, NAMED_MAX) {
        let items = items_of(&mut errand, &portion).await?;
        let offers = offers(&mut errand, &places, &portion).await?;
        let own = |sku: &str| -> Vec<Item> {
            items.iter().filter(|item| folded(&item.sku) == folded(sku)).cloned().collect()
        };
        if let Some(sku) = portion.iter().find(|sku| salable::contradicts(&places, &offers, sku, &own(sku))) {
            return Err(errand.fail(contradiction(sku)));
        }
        // What no stock offers may have no row yet, or have left the catalogue with its rows still there.
        let offered = |sku: &str| offers.iter().any(|offers| offers.rows.contains_key(&folded(sku)));
        let (seen, unseen): (Vec<&str>, Vec<&str>) = portion.iter().copied().partition(|sku| offered(sku));
        let found = look_up(&mut errand, &unseen).await?;
        for sku in portion.iter().filter(|sku| seen.contains(sku) || found.iter().any(|known| known == *sku)) {
            let product = ProductKey::new(*sku);
            said.readings.extend(salable::readings(&places, &offers, &product, &own(sku)));
            said.named.push(product);
        }
    }
    Ok(errand.done(said))
}

/// The rows of some products on all sources.
async fn items_of(errand: &mut Errand<'_>, skus: &[&str]) -> Result<Vec<Item>, CallError> {
    let mut items = Vec::new();
    for portion in portions(skus, NAMED_MAX) {
        let criteria = Criteria::new().one_of("sku", &portion).by("sku").by("source_code");
        let route = format!("{REST}/inventory/source-items");
        let rows = errand.whole_list("read stock of items", &route, ITEM_ROWS, criteria).await?;
        let rows = rows.iter().map(|raw| salable::item(raw)).collect::<Result<Vec<_>, _>>();
        items.extend(errand.read(rows)?);
    }
    Ok(items)
}

/// What each stock offers of some products, in the stocks' order. All websites of a stock see the same. No stock has more
/// rows than it was asked for, so the pages end there, whatever the shop counts.
async fn offers(errand: &mut Errand<'_>, places: &Places, skus: &[&str]) -> Result<Vec<Offers>, CallError> {
    let mut all = Vec::with_capacity(places.stocks.len());
    for stock in &places.stocks {
        let mut offers = Offers::default();
        if let Some(website) = stock.websites.first() {
            let route =
                format!("{REST}/inventory/export-stock-salable-qty/website/{}", super::percent::encode(website));
            for portion in portions(skus, NAMED_MAX.min(errand.shop.page_rows())) {
                ask_offers(errand, &route, &portion, &mut offers).await?;
            }
        }
        all.push(offers);
    }
    Ok(all)
}

async fn ask_offers(errand: &mut Errand<'_>, route: &str, skus: &[&str], offers: &mut Offers) -> Result<(), CallError> {
    let criteria = Criteria::new().one_of("sku", skus).by("entity_id");
    let (mut number, mut came) = (1, 0);
    loop {
        let page = |size: usize| criteria.clone().page(size, number);
        let (text, size) = errand.rows("read what is offered", route, NAMED_MAX, page).await?;
        let read = wire::list("the offers", &text).and_then(|list| {
            let total = list.total.ok_or_else(|| Unreadable::new("the offers.total_count is missing"))?;
            let rows = list.rows.into_iter().map(|raw| salable::offer(raw.get())).collect::<Result<Vec<_>, _>>()?;
            Ok((rows, total))
        });
        let (rows, total) = errand.read(read)?;
        if let Some((other, _)) = rows.iter().find(|(sku, _)| !skus.iter().any(|asked| folded(asked) == folded(sku))) {
            let reason = format!("the shop was not asked what it offers of {}", wire::clip(other));
            return Err(errand.fail(CallErrorKind::Protocol { reason }));
        }
        came += rows.len();
        errand.shop.saw(rows.iter().map(|(sku, _)| (sku.clone(), true)));
        offers.rows.extend(rows.into_iter().map(|(sku, offered)| (folded(&sku), offered)));
        if size.saturating_mul(number) >= skus.len() {
            offers.fewer_than_counted |= usize::try_from(total) != Ok(came);
            return Ok(());
        }
        number += 1;
    }
}

fn contradiction(sku: &str) -> CallErrorKind {
    CallErrorKind::Protocol {
        reason: format!("what the shop offers of {} and where it lies do not fit", wire::clip(sku)),
    }
}

/// Which of these SKUs the catalogue has, spelled like this; what is seen is kept in mind.
async fn look_up(errand: &mut Errand<'_>, skus: &[&str]) -> Result<Vec<String>, CallError> {
    let mut found = Vec::new();
    for portion in portions(skus, NAMED_MAX) {
        let criteria = Criteria::new().one_of("sku", &portion).by("entity_id");
        let rows = errand.whole_list("look up items", &format!("{REST_ALL}/products"), NAMED_MAX, criteria).await?;
        let read = |raw: &String| {
            let row = Object::open("product", raw)?;
            let kind = row.text("type_id")?.unwrap_or_default();
            Ok((row.need_key("sku")?, !matches!(kind.as_str(), "configurable" | "bundle" | "grouped")))
        };
        let rows = errand.read(rows.iter().map(read).collect::<Result<Vec<_>, Unreadable>>())?;
        errand.shop.saw(rows.iter().cloned());
        found.extend(rows.into_iter().map(|(sku, _)| sku));
    }
    Ok(found)
}

/// Whether a list can be asked for such a SKU at all.
fn can_be_asked(sku: &str) -> bool {
    !sku.is_empty() && sku.len() <= 255 && sku.trim() == sku
}

impl Magento {
    /// Keeps in mind that these SKUs are in the catalogue, spelled like this, and whether they hold stock.
    pub(super) fn saw(&self, skus: impl Iterator<Item = (String, bool)>) {
        let at = self.caller.clock.now();
        let mut known = self.skus.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > KNOWN_MAX {
            known.clear();
        }
        for (spelled, holds_stock) in skus {
            known.insert(folded(&spelled), Known { at, spelled, holds_stock });
        }
    }

    fn known(&self, sku: &str) -> Option<Known> {
        let now = self.caller.clock.now();
        let known = self.skus.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&folded(sku)).filter(|known| now.since(known.at).0.abs() <= KNOWN_FOR.0).cloned()
    }
}

/// Writes absolute counts. What cannot be written at all is refused here and not sent.
pub(super) async fn write(shop: &Magento, rows: &[StockWrite]) -> Result<Answer<Vec<WriteOutcome>>, CallError> {
    let mut errand = Errand::following(shop);
    let mut places = shop.known_places(&mut errand).await?;
    if rows.iter().any(|row| !places.writes_to(row.warehouse.as_str())) {
        // It may be new over there.
        places = shop.read_places(&mut errand).await?;
    }
    let unknown: Vec<&str> = rows
        .iter()
        .map(|row| row.product.as_str())
        .filter(|sku| can_be_asked(sku) && shop.known(sku).is_none())
        .collect();
    look_up(&mut errand, &unknown).await?;
    let refusals: Vec<Option<String>> =
        rows.iter().enumerate().map(|(index, row)| refusal(shop, &places, row, rows.get(index + 1..))).collect();
    let sendable: Vec<&StockWrite> =
        rows.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none()).map(|(row, _)| row).collect();
    let mut told = Vec::with_capacity(sendable.len());
    let mut waiting: Vec<&[&StockWrite]> = vec![&sendable];
    while let Some(part) = waiting.pop() {
        let most = shop.write_rows_max.load(Ordering::Relaxed).max(1);
        if part.len() > most {
            let (first, rest) = part.split_at(most);
            waiting.extend([rest, first]);
            continue;
        }
        if part.is_empty() {
            continue;
        }
        match set(&mut errand, part).await? {
            Set::Done => told.resize(told.len() + part.len(), WriteOutcome::Accepted),
            Set::TooMany(most) => {
                shop.write_rows_max.store(most, Ordering::Relaxed);
                waiting.push(part);
            }
            // A refused call has changed nothing: its rows are tried again in halves, down to those that are refused by
            // themselves. One bad row holds up no other, and costs few calls to find.
            Set::Refused(_) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                waiting.extend([second, first]);
            }
            Set::Refused(reason) => told.push(WriteOutcome::Refused(reason)),
        }
    }
    let mut told = told.into_iter();
    let unsent = || WriteOutcome::Refused("was not sent".to_owned());
    let value = refusals
        .into_iter()
        .map(|refusal| refusal.map_or_else(|| told.next().unwrap_or_else(unsent), WriteOutcome::Refused))
        .collect();
    Ok(errand.done(value))
}

/// Why a row is not sent.
fn refusal(shop: &Magento, places: &Places, row: &StockWrite, after: Option<&[StockWrite]>) -> Option<String> {
    let sku = row.product.as_str();
    if !can_be_asked(sku) {
        return Some("the SKU is empty, too long, or begins or ends with a space".to_owned());
    }
    if !(0..=UNITS_MAX).contains(&row.physical) {
        return Some(format!("{} units cannot be written", row.physical));
    }
    if !places.writes_to(row.warehouse.as_str()) {
        return Some(format!("the shop has no enabled source {} that a website sells from", row.warehouse));
    }
    match shop.known(sku) {
        None => return Some("the shop has no product with this SKU".to_owned()),
        Some(known) if known.spelled != sku => {
            return Some(format!("the shop spells this SKU “{}”", wire::clip(&known.spelled)));
        }
        Some(known) if !known.holds_stock => return Some("the product holds no stock of its own".to_owned()),
        Some(_) => {}
    }
    let again = |other: &StockWrite| other.product == row.product && other.warehouse == row.warehouse;
    // Of two rows for one shelf the vendor takes the last.
    after.unwrap_or_default().iter().any(again).then(|| "the same shelf is written once more further down".to_owned())
}

enum Set {
    Done,
    /// The shop takes at most so many.
    TooMany(usize),
    Refused(String),
}

async fn set(errand: &mut Errand<'_>, rows: &[&StockWrite]) -> Result<Set, CallError> {
    let item = |row: &&StockWrite| {
        serde_json::json!({
            "sku": row.product.as_str(),
            "source_code": row.warehouse.as_str(),
            "quantity": row.physical,
            // An empty shelf is out of stock, so that nobody buys ahead what the tills do not have.
            "status": i64::from(row.physical > 0),
        })
    };
    let body = serde_json::json!({ "sourceItems": rows.iter().map(item).collect::<Vec<_>>() });
    let path = format!("{REST}/inventory/source-items");
    match errand.try_change("set stock", Method::POST, &path, Some(&body)).await? {
        Ok(text) => {
            errand.read(written(&text))?;
            Ok(Set::Done)
        }
        Err(reason) => {
            let most = wire::limit(&rejected(reason.clone()), "Maximum items of type");
            Ok(most.filter(|most| *most < rows.len()).map_or(Set::Refused(reason), Set::TooMany))
        }
    }
}

/// Reads the answer to a write: an empty list, and nothing else.
pub(super) fn written(text: &str) -> Result<(), Unreadable> {
    match elements("the answer to a write", text)?.len() {
        0 => Ok(()),
        _ => Err(Unreadable::new("the answer to a write is not empty")),
    }
}
