//! Sales, returns, exchanges and voids: newest version wins, goods move once, unlinked returns go on hold.

use super::apply::{Origin, Work};
use super::books::Books;
use crate::domain::fact::{Hint, Sale, SaleState};
use crate::domain::ledger::{HoldReason, ReturnedSale, hold_reason, movements_of};
use crate::domain::time::Timestamp;
use crate::store::ledger::{NewHold, NewMovement, Shelf};
use crate::store::listings::Known;
use crate::store::sales::{self, SaleHead};
use crate::store::{StoreError, Tx, ledger};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Applies the newest version of each document; returns what moved: (shelf, units, vendor's order).
pub(super) async fn apply(
    tx: &mut Tx,
    origin: Origin<'_>,
    batch: &[(&str, &Sale)],
    books: &Books,
    now: Timestamp,
    work: &mut Work,
) -> Result<Vec<(Shelf, i64, i64)>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let connection = origin.connection;
    let heads = &books.heads;
    let fresh = accept(batch, heads, &books.known, work);
    let existing: Vec<&str> =
        fresh.iter().map(|(_, sale)| sale.document.as_str()).filter(|d| heads.contains_key(*d)).collect();
    let booked = if existing.is_empty() { HashMap::new() } else { ledger::booked(tx, connection, &existing).await? };
    let in_batch: HashMap<&str, bool> = fresh
        .iter()
        .map(|(_, s)| (s.document.as_str(), s.source.as_ref().is_some_and(|(t, _)| sales::is_web_source(t))))
        .collect();

    let (mut movements, mut holds, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for (inbox, sale) in &fresh {
        let known_before = heads.contains_key(sale.document.as_str());
        // Its goods moved before our books began, so they are inside the first reading: what was touched since (a note
        // was added, say) moves nothing again.
        let before_the_books = !known_before && sale.happened_at < books.marks.began_at;
        let order = if before_the_books { sale.version.min(books.marks.base) } else { sale.version };
        let lines = movements_of(sale, booked.get(sale.document.as_str()).map_or(&[], Vec::as_slice));
        for movement in lines {
            let shelf = (movement.product.as_str().to_owned(), movement.outlet.as_str().to_owned());
            // A document known before (parked, then closed) carries the time at which it was begun.
            let since = if known_before || before_the_books { now } else { sale.happened_at };
            work.touch(&shelf.0, since);
            moved.push((shelf, movement.units, order));
            movements.push(NewMovement {
                document: sale.document.as_str().to_owned(),
                version: order,
                movement,
                // What a later version takes back or corrects happened when that version was made.
                happened_at: if known_before { sale.changed_at } else { sale.happened_at },
                inbox: (*inbox).to_owned(),
            });
        }
        // What came back then has long been sold on, or lies where it was put: the shop's count of it was read so.
        if !before_the_books {
            holds.extend(holds_of(sale, heads, &in_batch, known_before, now, work));
        }
    }
    let saved: Vec<(&Sale, &str)> = fresh.iter().map(|(inbox, sale)| (*sale, *inbox)).collect();
    sales::save(tx, connection, &saved, &existing, now);
    ledger::append(tx, connection, &movements, now);
    release_lines_that_are_gone(tx, connection, &existing, &mut holds).await?;
    drop_unchanged_releases(tx, connection, &mut holds).await?;
    for hold in &holds {
        work.touch(&hold.product, hold.since);
    }
    ledger::set_holds(tx, connection, &holds, now);
    if books.awaited {
        release_holds_waiting_for(tx, connection, &fresh, now, work).await?;
    }
    Ok(moved)
}

/// Of each document the newest version that can be counted, if it is newer than what we have. One that names a product
/// we do not know is parked, and takes away nothing from those before it: the result is that of one after the other.
fn accept<'a>(
    batch: &[(&'a str, &'a Sale)],
    heads: &HashMap<String, SaleHead>,
    known: &HashMap<String, Known>,
    work: &mut Work,
) -> Vec<(&'a str, &'a Sale)> {
    let mut newest: BTreeMap<&str, (&str, &Sale)> = BTreeMap::new();
    let mut unknown = Vec::new();
    for &(id, sale) in batch {
        let document = sale.document.as_str();
        if heads.get(document).is_some_and(|head| head.version >= sale.version) {
            work.older(id);
        } else if let Some(line) = sale.lines.iter().find(|line| !known.contains_key(line.product.as_str())) {
            unknown.push((id, sale, line));
        } else {
            match newest.get(document) {
                Some((_, other)) if other.version >= sale.version => work.older(id),
                other => {
                    if let Some((other, _)) = other {
                        work.older(other);
                    }
                    newest.insert(document, (id, sale));
                }
            }
        }
    }
    for (id, sale, line) in unknown {
        if newest.get(sale.document.as_str()).is_some_and(|(_, other)| other.version >= sale.version) {
            work.older(id);
        } else {
            work.park(id, format!("sale {} names the product {}, which we do not know yet", sale.number, line.product));
            work.applied.wake.push(Hint::Catalogue);
        }
    }
    newest.into_values().collect()
}

/// The holds that this version of a document asks for; 0 units releases one.
fn holds_of(
    sale: &Sale,
    heads: &HashMap<String, SaleHead>,
    in_batch: &HashMap<&str, bool>,
    seen_before: bool,
    now: Timestamp,
    work: &mut Work,
) -> Vec<NewHold> {
    let returned = match &sale.return_for {
        None => ReturnedSale::NotNamed,
        Some(named) => {
            match heads.get(named.as_str()).map(|h| h.of_web_order).or_else(|| in_batch.get(named.as_str()).copied()) {
                None => ReturnedSale::Unknown,
                Some(true) => ReturnedSale::WebOrder,
                Some(false) => ReturnedSale::TillSale,
            }
        }
    };
    let reason = hold_reason(returned);
    let mut holds = Vec::new();
    for line in sale.lines.iter().filter(|line| line.units < 0) {
        let held = sale.state == SaleState::Closed && reason.is_some();
        if held && returned == ReturnedSale::Unknown {
            work.applied.look_up.extend(sale.return_for.as_ref().map(|d| d.as_str().to_owned()));
        }
        if held || seen_before {
            holds.push(NewHold {
                document: sale.document.as_str().to_owned(),
                line: line.line.as_str().to_owned(),
                product: line.product.as_str().to_owned(),
                outlet: sale.outlet.as_str().to_owned(),
                units: if held { -line.units } else { 0 },
                reason: reason.map_or("no link", |r| r.word()),
                number: sale.number.clone(),
                since: now,
            });
        }
    }
    holds
}

/// A newer version may no longer have a line, or have it with nothing on it: what was held for it is held no longer.
async fn release_lines_that_are_gone(
    tx: &mut Tx,
    connection: &str,
    existing: &[&str],
    holds: &mut Vec<NewHold>,
) -> Result<(), StoreError> {
    if existing.is_empty() {
        return Ok(());
    }
    for mut held in ledger::held_lines(tx, connection, existing).await? {
        if !holds.iter().any(|hold| hold.document == held.document && hold.line == held.line) {
            held.units = 0;
            held.reason = HoldReason::NoLink.word();
            holds.push(held);
        }
    }
    Ok(())
}

/// A release for a line that is not held writes nothing.
async fn drop_unchanged_releases(tx: &mut Tx, connection: &str, holds: &mut Vec<NewHold>) -> Result<(), StoreError> {
    if !holds.iter().any(|hold| hold.units == 0) {
        return Ok(());
    }
    let documents: BTreeSet<String> = holds.iter().map(|hold| hold.document.clone()).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let held = ledger::held_lines(tx, connection, &documents).await?;
    holds.retain(|hold| hold.units > 0 || held.iter().any(|h| h.document == hold.document && h.line == hold.line));
    Ok(())
}

/// Returns that waited for one of these sales: held no longer when it is a till's own sale.
async fn release_holds_waiting_for(
    tx: &mut Tx,
    connection: &str,
    fresh: &[(&str, &Sale)],
    now: Timestamp,
    work: &mut Work,
) -> Result<(), StoreError> {
    let documents: Vec<&str> = fresh.iter().map(|(_, sale)| sale.document.as_str()).collect();
    let waiting = ledger::holds_waiting_for(tx, connection, &documents).await?;
    let mut changed = Vec::new();
    for (mut hold, sale) in waiting {
        let of_web_order = fresh.iter().any(|(_, s)| {
            s.document.as_str() == sale && s.source.as_ref().is_some_and(|(kind, _)| sales::is_web_source(kind))
        });
        let returned = if of_web_order { ReturnedSale::WebOrder } else { ReturnedSale::TillSale };
        match hold_reason(returned) {
            None => hold.units = 0,
            Some(reason) => hold.reason = reason.word(),
        }
        work.touch(&hold.product, now);
        changed.push(hold);
    }
    // Their products may not be in this batch's map; the sums are made again through the variants.
    let products: BTreeSet<&str> = changed.iter().map(|hold| hold.product.as_str()).collect();
    if !products.is_empty() {
        let products: Vec<&str> = products.into_iter().collect();
        let known = crate::store::listings::known(tx, connection, &products).await?;
        for known in known.values().filter(|k| !k.variant.is_empty()) {
            work.touched.entry(known.variant.clone()).or_insert(now);
        }
    }
    ledger::set_holds(tx, connection, &changed, now);
    Ok(())
}
