//! Inbox rows to ledger lines, counts and targets: all of it or none of it, in the caller's transaction.
//!
//! A record that cannot be applied is parked with its reason and blocks nobody. A record already known, or older
//! than what is known, changes nothing.

use super::apply_orders;
use super::apply_sales;
use super::books::{Books, Named};
use super::cx::Link;
use super::retarget;
use crate::domain::fact::{Fact, Hint, Listing, TillReading};
use crate::domain::time::Timestamp;
use crate::store::inbox::{self, NewRecord};
use crate::store::ledger::{NewReading, Shelf};
use crate::store::listings::{self, Known};
use crate::store::script::Done;
use crate::store::{StoreError, Tx, backlog, ledger};
use std::collections::{BTreeMap, BTreeSet};

/// A delivery or record with what its connector understood.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// To be kept.
    pub record: NewRecord,
    /// The facts in it, or why there are none.
    pub facts: Result<Vec<Fact>, String>,
}

/// The connection that records belong to.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Its id.
    pub connection: &'a str,
    /// The warehouse that units of a web order count for when the shop has not decided.
    pub default_warehouse: &'a str,
}

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records not known before.
    pub fresh: i64,
    /// Repeats.
    pub repeated: i64,
    /// Parked ones.
    pub parked: i64,
    /// Ids of the parked ones with their reasons.
    pub parked_ids: Vec<(String, String)>,
    /// Variants whose targets changed.
    pub variants: BTreeSet<String>,
    /// Shop connections with a target that must be written.
    pub to_push: BTreeSet<String>,
    /// Sweeps that should run soon.
    pub wake: Vec<Hint>,
    /// Sales named by a return that we do not know.
    pub look_up: BTreeSet<String>,
}

/// Everything one batch gathers before it is written.
#[derive(Default)]
pub(super) struct Work {
    pub states: Vec<(String, &'static str, String)>,
    pub applied: Applied,
    /// Variants whose sums must be made again, with the oldest event that asks for it.
    pub touched: BTreeMap<String, Timestamp>,
    /// Products of the connection whose sums must be made again.
    pub touched_products: BTreeMap<String, Timestamp>,
}

impl Work {
    pub fn park(&mut self, id: &str, reason: String) {
        self.applied.parked += 1;
        self.applied.parked_ids.push((id.to_owned(), reason.clone()));
        self.states.push((id.to_owned(), "parked", reason));
    }

    pub fn older(&mut self, id: &str) {
        self.states.push((id.to_owned(), "older", String::new()));
    }

    pub fn touch(&mut self, product: &str, at: Timestamp) {
        let oldest = self.touched_products.entry(product.to_owned()).or_insert(at);
        *oldest = (*oldest).min(at);
    }
}

/// Keeps and applies records.
pub async fn apply(
    tx: &mut Tx,
    origin: Origin<'_>,
    incoming: &[&Incoming],
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let records: Vec<&NewRecord> = incoming.iter().map(|i| &i.record).collect();
    if records.is_empty() {
        return Ok(Applied::default());
    }
    let named = Named::by_records(incoming);
    let readable: Vec<(&NewRecord, bool)> = incoming.iter().map(|i| (&i.record, i.facts.is_ok())).collect();
    let mut statements = vec![inbox::keep(tx.dialect(), &readable)];
    if !named.first {
        statements.extend(named.questions(tx.dialect(), origin));
    }
    let answers = tx.ask(statements).await?;
    let (answer, rest) = answers.split_first().map_or((None, answers.as_slice()), |(first, rest)| (Some(first), rest));
    let fresh = inbox::kept(tx, &records, answer.unwrap_or(&Done::default())).await?;
    let books = if named.first { None } else { Some(Books::read(&named, rest)?) };
    let mut work = Work::default();
    let new: Vec<(&str, &Result<Vec<Fact>, String>)> =
        incoming.iter().filter(|i| fresh.has(&i.record.id)).map(|i| (i.record.id.as_str(), &i.facts)).collect();
    work.applied.fresh = i64::try_from(new.len()).unwrap_or(i64::MAX);
    work.applied.repeated = i64::try_from(incoming.len() - new.len()).unwrap_or(0);
    apply_facts(tx, origin, new, books, now, &mut work).await?;
    Ok(work.applied)
}

/// Applies records that are in the inbox already (parked ones, tried again).
pub async fn apply_again(
    tx: &mut Tx,
    origin: Origin<'_>,
    records: &[(String, Result<Vec<Fact>, String>)],
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let mut work = Work::default();
    for (id, _) in records {
        work.states.push((id.clone(), "done", String::new()));
    }
    apply_records(tx, origin, records, now, work).await
}

/// Applies records that were kept a moment ago and have waited since.
pub async fn apply_kept(
    tx: &mut Tx,
    origin: Origin<'_>,
    records: &[(String, Result<Vec<Fact>, String>)],
    now: Timestamp,
) -> Result<Applied, StoreError> {
    apply_records(tx, origin, records, now, Work::default()).await
}

async fn apply_records(
    tx: &mut Tx,
    origin: Origin<'_>,
    records: &[(String, Result<Vec<Fact>, String>)],
    now: Timestamp,
    mut work: Work,
) -> Result<Applied, StoreError> {
    let new = records.iter().map(|(id, facts)| (id.as_str(), facts)).collect();
    apply_facts(tx, origin, new, None, now, &mut work).await?;
    Ok(work.applied)
}

/// Keeps records without applying them: what can be read waits for the books, what cannot is parked.
pub async fn keep_only(
    tx: &mut Tx,
    link: &Link,
    incoming: &[&Incoming],
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let records: Vec<&NewRecord> = incoming.iter().map(|i| &i.record).collect();
    let readable: Vec<(&NewRecord, bool)> = incoming.iter().map(|i| (&i.record, i.facts.is_ok())).collect();
    let answer = tx.ask(vec![inbox::keep(tx.dialect(), &readable)]).await?.pop().unwrap_or_default();
    let fresh = inbox::kept(tx, &records, &answer).await?;
    let mut work = Work::default();
    let mut waiting = Vec::with_capacity(incoming.len());
    for record in incoming.iter().filter(|i| fresh.has(&i.record.id)) {
        work.applied.fresh += 1;
        match &record.facts {
            Ok(_) => waiting.push(record.record.id.as_str()),
            Err(reason) => work.park(&record.record.id, reason.clone()),
        }
    }
    work.applied.repeated = i64::try_from(incoming.len()).unwrap_or(i64::MAX) - work.applied.fresh;
    backlog::add(tx, &link.id, &waiting);
    link.behind.more(waiting.len(), now);
    inbox::set_states(tx, &work.states);
    Ok(work.applied)
}

async fn apply_facts(
    tx: &mut Tx,
    origin: Origin<'_>,
    new: Vec<(&str, &Result<Vec<Fact>, String>)>,
    books: Option<Books>,
    now: Timestamp,
    work: &mut Work,
) -> Result<(), StoreError> {
    let (mut sales, mut readings, mut orders, mut listed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &(id, facts) in &new {
        match facts {
            Err(reason) => work.park(id, reason.clone()),
            Ok(facts) => {
                for fact in facts {
                    match fact {
                        Fact::Sale(sale) => sales.push((id, sale)),
                        Fact::TillReading(reading) => readings.push((id, reading)),
                        Fact::Order(order) => orders.push((id, order)),
                        Fact::Listing(listing) => listed.push(listing),
                        Fact::Hint(hint) => work.applied.wake.push(*hint),
                        Fact::Noted { .. } => {}
                    }
                }
            }
        }
    }
    keep_listings(tx, origin, &listed, now).await?;
    apply_orders::apply(tx, origin, &orders, now, work).await?;
    let mut books = match books {
        Some(books) => books,
        None => Named::by(new.iter().filter_map(|(_, facts)| facts.as_ref().ok()).flatten()).ask(tx, origin).await?,
    };
    let moved = apply_sales::apply(tx, origin, &sales, &books, now, work).await?;
    join_counts(tx, origin, moved, &readings, &mut books, now, work).await?;
    let mut known = books.known;
    // A correction also moves what its new version no longer names.
    let unnamed: Vec<&str> =
        work.touched_products.keys().map(String::as_str).filter(|product| !known.contains_key(*product)).collect();
    if !unnamed.is_empty() {
        known.extend(listings::known(tx, origin.connection, &unnamed).await?);
    }
    for (product, at) in std::mem::take(&mut work.touched_products) {
        if let Some(Known { variant, .. }) = known.get(&product).filter(|k| !k.variant.is_empty()) {
            let oldest = work.touched.entry(variant.clone()).or_insert(at);
            *oldest = (*oldest).min(at);
        }
    }
    let touched = std::mem::take(&mut work.touched);
    let changed = retarget::retarget(tx, &touched, now).await?;
    work.applied.to_push.extend(changed.to_push);
    work.applied.variants.extend(changed.variants);
    inbox::set_states(tx, &work.states);
    Ok(())
}

async fn keep_listings(
    tx: &mut Tx,
    origin: Origin<'_>,
    products: &[&Listing],
    now: Timestamp,
) -> Result<(), StoreError> {
    // Of several versions in one batch the newest counts.
    let mut newest: BTreeMap<&str, &Listing> = BTreeMap::new();
    for listing in products {
        let entry = newest.entry(listing.product.as_str()).or_insert(listing);
        if listing.version >= entry.version {
            *entry = listing;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let rows: Vec<&Listing> = newest.into_values().collect();
    listings::save(tx, origin.connection, &rows, now).await
}

/// Joins movements and readings into the counts.
async fn join_counts(
    tx: &mut Tx,
    origin: Origin<'_>,
    moved: Vec<(Shelf, i64, i64)>,
    readings: &[(&str, &TillReading)],
    books: &mut Books,
    now: Timestamp,
    work: &mut Work,
) -> Result<(), StoreError> {
    let marks = books.marks;
    // Each in its order: a rise between two of them may not be hidden by a fall.
    let mut read: BTreeMap<Shelf, BTreeMap<i64, i64>> = BTreeMap::new();
    let mut kept = Vec::new();
    for (id, reading) in readings {
        let Some(version) = reading.version else {
            work.applied.wake.push(Hint::Stock);
            continue;
        };
        if !books.known.contains_key(reading.product.as_str()) {
            work.park(id, format!("we do not know the product {} yet", reading.product));
            work.applied.wake.push(Hint::Catalogue);
            continue;
        }
        let shelf = (reading.product.as_str().to_owned(), reading.outlet.as_str().to_owned());
        kept.push(NewReading {
            product: shelf.0.clone(),
            outlet: shelf.1.clone(),
            version,
            on_hand_milli: reading.on_hand_milli,
            inbox: (*id).to_owned(),
        });
        read.entry(shelf).or_default().insert(version, reading.on_hand_milli);
    }
    let distinct: BTreeSet<Shelf> =
        moved.iter().map(|(shelf, _, _)| shelf.clone()).chain(read.keys().cloned()).collect();
    if distinct.is_empty() {
        return Ok(());
    }
    let mut counts = books.counts(tx, origin, &distinct).await?;
    let risen: BTreeSet<&Shelf> = moved.iter().filter(|(_, units, _)| *units > 0).map(|(shelf, ..)| shelf).collect();
    for shelf in &distinct {
        let count = counts.entry(shelf.clone()).or_default();
        count.base = count.base.max(marks.base);
        let as_of = if books.doubtful.contains(shelf) { 0 } else { marks.as_of };
        count.stands(as_of, risen.contains(shelf));
    }
    for (shelf, units, order) in &moved {
        if let Some(count) = counts.get_mut(shelf) {
            count.moved(*units, *order, now);
        }
    }
    let mut ranges: Vec<(Shelf, i64, i64)> = Vec::new();
    for (shelf, readings) in &read {
        let mut from = counts.get(shelf).map_or(0, |count| if count.known { count.as_of } else { i64::MIN });
        for version in readings.keys().copied().filter(|version| *version > from).collect::<Vec<_>>() {
            ranges.push((shelf.clone(), from, version));
            from = version;
        }
    }
    let inside = ledger::inside(tx, origin.connection, &ranges).await?;
    for (shelf, readings) in &read {
        let Some(count) = counts.get_mut(shelf) else { continue };
        let mut key = (shelf.clone(), 0);
        for (version, on_hand_milli) in readings {
            key.1 = *version;
            count.read(*on_hand_milli, *version, inside.get(&key).copied().unwrap_or_default(), now);
        }
        work.touch(&shelf.0, now);
    }
    ledger::keep_readings(tx, origin.connection, &kept, now);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| a.0.cmp(&b.0));
    ledger::save_counts(tx, origin.connection, &counts, now);
    Ok(())
}
