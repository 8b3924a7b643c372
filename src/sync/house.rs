//! What belongs to no single connection: links between twins, parked records tried again, the log of automatic
//! writes, raw bodies forgotten in time.

use super::apply::{Origin, apply_again};
use super::catch_up;
use super::cx::{Cx, Link, Side};
use super::retarget::retarget;
use super::shipped;
use crate::domain::fact::Fact;
use crate::domain::sizes;
use crate::domain::time::{Span, Timestamp};
use crate::store::activity::{self, Entry};
use crate::store::{StoreError, connections, inbox, listings};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Pairs linked in one transaction.
const PAIRS: i64 = 500;

/// Parked records tried again in one transaction: their raw texts, of up to a megabyte each, lie in memory meanwhile.
const PARKED_PAGE: i64 = 32;

/// How far the log of automatic writes stays behind the clock: longer than anybody waits for the writer.
const SEALED_BEHIND: Span = Span::secs(60);

/// Raw bodies and exchanges forgotten in one transaction, and how many times in one run.
const FORGET_PAGE: i64 = 1_000;
const FORGET_TURNS: usize = 200;

/// Raw bodies and exchanges are kept this long.
const BODIES_KEPT: Span = Span::hours(90 * 24);

/// Which warehouse counts units that the shop has not decided about: one that an outlet of a till feeds, because that is
/// where they will leave from; of several the live one, then the one known longest.
pub async fn refresh_default_warehouse(cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
    let outlets = connections::outlets(&cx.store).await?;
    let places = connections::places(&cx.store).await?.into_iter().filter(|place| place.connection == link.id);
    let place = places.min_by_key(|place| {
        let fed = outlets.iter().any(|outlet| outlet.place == place.id);
        (!fed, place.live_since == Timestamp(0), place.id.clone())
    });
    if let Some(place) = place {
        *link.default_warehouse.write().unwrap_or_else(PoisonError::into_inner) = place.warehouse;
    }
    Ok(())
}

/// Links listings of both sides that have the same SKU, letter for letter, once each. Systems that are in the middle of
/// their catalogue are left out; the end of it comes here again.
pub async fn link_twins(cx: &Cx) -> Result<(), StoreError> {
    let mut left = 0;
    loop {
        let now = cx.now();
        let links = cx.links();
        let whole: Vec<&str> =
            links.iter().filter(|l| l.catalogue_whole.load(Ordering::SeqCst)).map(|l| l.id.as_str()).collect();
        let mut tx = cx.store.begin().await?;
        let found = listings::unlinked_pairs(&mut tx, &whole, left, PAIRS).await?;
        let before = found.len();
        // A copied SKU: what it stands on is another size. That is for a person.
        let pairs: Vec<_> = found.into_iter().filter(|p| !sizes::contradict(&p.options.0, &p.options.1)).collect();
        left += i64::try_from(before - pairs.len()).unwrap_or(0);
        if pairs.is_empty() {
            if before == 0 {
                return Ok(());
            }
            continue;
        }
        let (mut new, mut links) = (Vec::new(), Vec::new());
        let mut touched: BTreeMap<String, Timestamp> = BTreeMap::new();
        // A listing may pair with several shops; one variant for all of them.
        let mut chosen: BTreeMap<(String, String), String> = BTreeMap::new();
        for pair in pairs {
            let variant = match chosen.get(&pair.till) {
                Some(variant) => variant.clone(),
                None if !pair.variant.is_empty() => pair.variant.clone(),
                None => {
                    let id = cx.mint.id(now);
                    new.push((id.clone(), pair.sku.clone(), pair.item.clone(), pair.barcode.clone()));
                    id
                }
            };
            if chosen.insert(pair.till.clone(), variant.clone()).is_none() {
                links.push((pair.till.0, pair.till.1, variant.clone()));
            }
            links.push((pair.shop.0, pair.shop.1, variant.clone()));
            touched.insert(variant, now);
        }
        listings::make_variants(&mut tx, &new, now).await?;
        listings::link(&mut tx, &links, now).await?;
        let changed = retarget(&mut tx, &touched, now).await?;
        tx.commit().await?;
        cx.wake_pushes(&changed.to_push);
        cx.tell(&changed.variants);
    }
}

/// Makes every sum again: after outlets were mapped, or when the derived tables are rebuilt. What follows from the
/// mapping follows with it: where undecided units of web orders count, and which orders had left before a till was read.
pub async fn retarget_all(cx: &Cx) -> Result<(), StoreError> {
    let now = cx.now();
    for link in cx.links().iter().filter(|link| link.is_shop()) {
        refresh_default_warehouse(cx, link).await?;
    }
    shipped::ask(cx);
    let mut after = String::new();
    loop {
        let variants = listings::variants_after(&cx.store, &after, 1_000).await?;
        let Some(last) = variants.last() else { return Ok(()) };
        after = last.clone();
        let touched = variants.into_iter().map(|variant| (variant, now)).collect();
        let mut tx = cx.store.begin().await?;
        let changed = retarget(&mut tx, &touched, now).await?;
        tx.commit().await?;
        cx.wake_pushes(&changed.to_push);
        cx.tell(&changed.variants);
    }
}

/// Tries parked records of a connection again, each with what is known today, oldest first. However many there are,
/// none waits behind the others: they go a page at a time.
pub async fn retry_parked(cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let page = inbox::parked_after(&cx.store, &link.id, &after, PARKED_PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id.clone();
        let records: Vec<(String, Result<Vec<Fact>, String>)> = page
            .into_iter()
            .filter(|record| !record.raw.is_empty())
            .map(|record| {
                let facts = match &link.side {
                    Side::Till(till) => till.interpret(&record.kind, &record.raw).map(|fact| vec![fact]),
                    Side::Shop(shop) => shop.interpret(&record.kind, &record.raw),
                };
                (record.id, facts.map_err(|unreadable| unreadable.reason))
            })
            .collect();
        let warehouse = link.default_warehouse();
        let origin = Origin { connection: &link.id, default_warehouse: &warehouse };
        let mut tx = catch_up::begin(cx, link).await?;
        let applied = apply_again(&mut tx, origin, &records, cx.now()).await?;
        tx.commit().await?;
        // What is still parked must not wake the catalogue again: that is what got us here.
        let quiet = super::apply::Applied { wake: Vec::new(), ..applied };
        cx.follow_up(link, &quiet);
    }
}

/// Seals the automatic writes answered since the last seal: one entry with the root of their Merkle tree. It stays
/// behind the clock, so that an answer which waits to be written down is not passed over.
pub async fn seal_writes(cx: &Cx) -> Result<(), StoreError> {
    let now = cx.now();
    let upto = now - SEALED_BEHIND;
    if !activity::unsealed(upto).ask(&cx.store).await? {
        return Ok(());
    }
    let mut tx = cx.store.begin().await?;
    let from = activity::sealed_up_to(&mut tx).await?;
    let leaves = activity::answered_pushes(&mut tx, from, upto).await?;
    let Some(root) = activity::merkle_root(&leaves) else { return Ok(()) };
    let body =
        format!(r#"{{"writes":{},"root":"{root}","from":{},"to":{}}}"#, leaves.len(), from.micros(), upto.micros());
    let entry =
        Entry { actor: "truecount", action: "counts written", object: &root, body: &body, salt: cx.mint.bytes() };
    activity::append(&mut tx, &entry, now).await?;
    activity::set_sealed_up_to(&mut tx, upto).await?;
    tx.commit().await
}

/// Forgets raw bodies after their time: a few in one transaction, so that nobody waits, and no more in one run than a
/// busy hour brings.
pub async fn forget(cx: &Cx) -> Result<(), StoreError> {
    let mut tx = cx.store.begin().await?;
    inbox::forget_refused(&mut tx, cx.now() - BODIES_KEPT).await?;
    tx.commit().await?;
    for _ in 0..FORGET_TURNS {
        let mut tx = cx.store.begin().await?;
        let bodies = inbox::forget_bodies(&mut tx, cx.now() - BODIES_KEPT, FORGET_PAGE).await?;
        let exchanges = inbox::forget_exchanges(&mut tx, cx.now() - BODIES_KEPT, FORGET_PAGE).await?;
        tx.commit().await?;
        if bodies.max(exchanges) < u64::try_from(FORGET_PAGE).unwrap_or(u64::MAX) {
            break;
        }
    }
    Ok(())
}
