//! What the end of a feed, or a full look at it, says about counts that readings and movements left open.

use super::apply::{Applied, Incoming};
use super::cx::{Cx, Link};
use super::retarget::retarget;
use crate::connectors::Till;
use crate::domain::count::{SETTLE_AFTER, TillCount};
use crate::domain::fact::Fact;
use crate::domain::ledger::{Cause, Movement};
use crate::domain::time::{Span, Timestamp};
use crate::store::ledger::{NewMovement, Shelf};
use crate::store::{StoreError, Tx, inbox, ledger, listings};
use std::collections::{BTreeMap, BTreeSet};

/// Parked sales read at once: their raw texts lie in memory meanwhile.
const UNUSABLE_PAGE: i64 = 32;
/// Pages of them at most, the newest first: what lies behind two thousand others holds nothing back any more.
const UNUSABLE_PAGES_MAX: usize = 64;
/// How long a sale that does not even tell which products it names holds back every rise: it may be the return that
/// explains any of them, but not for ever, and nobody's failure is everybody's.
const NAMELESS_HOLDS: Span = Span::hours(24);

/// The feed was read to its end: every reading still stood at `as_of`, unless a newer one could not be read. Where goods
/// came back a moment ago that is said later: the count that has them may not be visible yet.
pub(super) async fn fold_open_counts(
    tx: &mut Tx,
    link: &Link,
    as_of: i64,
    now: Timestamp,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let mut doubtful = ledger::doubtful(tx, &link.id).await?;
    doubtful.extend(ledger::rising(tx, &link.id, now - SETTLE_AFTER).await?);
    let open: Vec<_> = ledger::open_counts(tx, &link.id)
        .await?
        .into_iter()
        .filter(|(shelf, c)| c.known && c.as_of < as_of && !doubtful.contains(shelf))
        .collect();
    let ranges: Vec<(Shelf, i64, i64)> = open.iter().map(|(shelf, c)| (shelf.clone(), c.as_of, as_of)).collect();
    let inside = ledger::inside(tx, &link.id, &ranges).await?;
    let folded: Vec<(Shelf, TillCount)> = open
        .into_iter()
        .map(|(shelf, mut count)| {
            let key = (shelf, as_of);
            count.still_reads(as_of, inside.get(&key).copied().unwrap_or_default(), now);
            (key.0, count)
        })
        .collect();
    ledger::save_counts(tx, &link.id, &folded, now);
    let products: BTreeSet<&str> = folded.iter().map(|(shelf, _)| shelf.0.as_str()).collect();
    retarget_products(tx, link, &products, now, applied).await
}

async fn retarget_products(
    tx: &mut Tx,
    link: &Link,
    products: &BTreeSet<&str>,
    now: Timestamp,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if products.is_empty() {
        return Ok(());
    }
    let products: Vec<&str> = products.iter().copied().collect();
    let known = listings::known(tx, &link.id, &products).await?;
    let touched: BTreeMap<String, Timestamp> =
        known.into_values().filter(|k| !k.variant.is_empty()).map(|k| (k.variant, now)).collect();
    let changed = retarget(tx, &touched, now).await?;
    applied.variants.extend(changed.variants);
    applied.to_push.extend(changed.to_push);
    Ok(())
}

/// What readings changed and no sale explains, now that the sales sweep has passed them, is booked by its name. A rise
/// waits for as long as a sale that names its product cannot be used: it may be a return to be held.
pub(super) async fn settle_pending(
    tx: &mut Tx,
    cx: &Cx,
    link: &Link,
    till: &dyn Till,
    sales_as_of: i64,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let now = cx.now();
    let mut settled = Vec::new();
    for (shelf, mut count) in ledger::open_counts(tx, &link.id).await? {
        let rises = count.checking() > 0;
        if let Some(units) = count.settle(sales_as_of, now) {
            settled.push((shelf, count, units, rises));
        }
    }
    if settled.iter().any(|(_, _, _, rises)| *rises) {
        let unusable = unusable_sales(cx, link, till, now).await?;
        settled
            .retain(|(shelf, _, _, rises)| !rises || unusable.as_ref().is_some_and(|named| !named.contains(&shelf.0)));
    }
    let readings: Vec<(Shelf, i64)> = settled.iter().map(|(shelf, count, ..)| (shelf.clone(), count.version)).collect();
    let evidence = ledger::reading_records(tx, &link.id, &readings).await?;
    let movements: Vec<NewMovement> = settled
        .iter()
        .filter(|(_, _, units, _)| *units != 0)
        .map(|((product, outlet), count, units, _)| NewMovement {
            // A reading may be settled more than once: each time is a document of its own.
            document: format!("reading:{outlet}:{}", now.micros()),
            version: count.as_of,
            movement: Movement {
                line: product.as_str().into(),
                product: product.as_str().into(),
                outlet: outlet.as_str().into(),
                units: *units,
                cause: Cause::Unexplained,
            },
            happened_at: now,
            inbox: evidence.get(&(product.clone(), outlet.clone())).cloned().unwrap_or_default(),
        })
        .collect();
    ledger::append(tx, &link.id, &movements, now);
    let counts: Vec<(Shelf, TillCount)> = settled.into_iter().map(|(shelf, count, ..)| (shelf, count)).collect();
    ledger::save_counts(tx, &link.id, &counts, now);
    let products: BTreeSet<&str> = counts.iter().map(|(shelf, _)| shelf.0.as_str()).collect();
    retarget_products(tx, link, &products, now, applied).await
}

/// Products that parked sales name; `None` when one of the last day does not even tell that. Of one whose text we have
/// forgotten nothing is known, and what it may explain is long past.
async fn unusable_sales(
    cx: &Cx,
    link: &Link,
    till: &dyn Till,
    now: Timestamp,
) -> Result<Option<BTreeSet<String>>, StoreError> {
    let (mut named, mut before) = (BTreeSet::new(), String::new());
    for _ in 0..UNUSABLE_PAGES_MAX {
        let page = inbox::parked_before(&cx.store, &link.id, "sale", &before, UNUSABLE_PAGE).await?;
        let Some(last) = page.last() else { break };
        before.clone_from(&last.id);
        for sale in &page {
            match till.products_named(&sale.raw) {
                Some(products) => named.extend(products),
                None if now.since(sale.received_at) < NAMELESS_HOLDS => return Ok(None),
                None => {}
            }
        }
    }
    Ok(Some(named))
}

/// What a page of counts says: shelf, level, version.
pub(super) fn levels(rows: &[Incoming]) -> Vec<(Shelf, i64, i64)> {
    let facts = rows.iter().filter_map(|row| row.facts.as_ref().ok()).flatten();
    facts
        .filter_map(|fact| match fact {
            Fact::TillReading(r) => Some(((r.product.to_string(), r.outlet.to_string()), r.on_hand_milli, r.version?)),
            _ => None,
        })
        .collect()
}

/// A level that changed under its version was kept out as a repeat: a full look finds it, or a pass that reads it again.
pub(super) async fn take_over_levels(
    tx: &mut Tx,
    link: &Link,
    levels: &[(Shelf, i64, i64)],
    now: Timestamp,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if levels.is_empty() {
        return Ok(());
    }
    let shelves: Vec<Shelf> = levels.iter().map(|(shelf, ..)| shelf.clone()).collect();
    let mut counts = ledger::counts(tx, &link.id, &shelves).await?;
    let mut changed = Vec::new();
    for (shelf, on_hand_milli, version) in levels {
        let Some(count) = counts.get_mut(shelf) else { continue };
        if count.reread(*on_hand_milli, *version, now) {
            tracing::warn!(connection.id = %link.id, product = %shelf.0, outlet = %shelf.1, version, "a level changed under its version");
            changed.push((shelf.clone(), *count));
        }
    }
    ledger::save_counts(tx, &link.id, &changed, now);
    let products: BTreeSet<&str> = changed.iter().map(|(shelf, _)| shelf.0.as_str()).collect();
    retarget_products(tx, link, &products, now, applied).await
}
