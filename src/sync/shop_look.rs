//! Reading the shop's stock of some targets, and what follows from it.

use super::cx::{Cx, Link, TaskError};
use super::schedule::Task;
use crate::connectors::{Answer, Shop, ShopStock};
use crate::domain::equation::ShopSubtracts;
use crate::domain::fact::ShopReading;
use crate::domain::ids::ProductKey;
use crate::domain::push::{self, Due};
use crate::domain::retry;
use crate::domain::time::Timestamp;
use crate::store::targets::Meanwhile;
use crate::store::{StoreError, Tx, pushes, targets};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Products that one look at the shop covers, as the connectors declare.
pub(super) const LOOK_MAX: usize = 100;

/// Reads the shop's stock of these targets, then decides again with what it said.
pub(super) async fn look_first(
    cx: &Cx,
    link: &Arc<Link>,
    shop: &dyn Shop,
    look: Vec<(Due, i64)>,
    rule: ShopSubtracts,
) -> Result<Vec<(Due, i64, i64)>, TaskError> {
    let fresh = look_at(cx, link, shop, &look).await?;
    let now = cx.now();
    let (mut write, mut nothing, mut behind) = (Vec::new(), Vec::new(), false);
    for (due, attempt) in fresh {
        behind |= push::orders_behind(&due);
        match push::next(&due, now, true, rule) {
            push::Next::Write(physical) => write.push((due, attempt, physical)),
            push::Next::Nothing | push::Next::LookFirst => nothing.push(due),
        }
    }
    if behind {
        link.schedule.wake(Task::Orders, now);
    }
    if !nothing.is_empty() {
        let mut tx = cx.store.begin().await?;
        let settled = settle(&mut tx, nothing.iter(), now);
        tx.commit().await?;
        cx.tell(&settled);
    }
    Ok(write)
}

/// Reads the shop's stock of some targets and keeps it; returns them with the new numbers. What the answer does not name
/// was not read, and is neither written nor confirmed.
pub(super) async fn look_at(
    cx: &Cx,
    link: &Arc<Link>,
    shop: &dyn Shop,
    look: &[(Due, i64)],
) -> Result<Vec<(Due, i64)>, TaskError> {
    let asked: Vec<Asked<'_>> = look
        .iter()
        .map(|(due, _)| (due.variant.as_str(), due.place.as_str(), due.product.as_str(), due.warehouse.as_str()))
        .collect();
    // Writes and looks are of one lane.
    let attempt = look.iter().map(|(_, attempt)| *attempt).max().unwrap_or(0);
    let wanted = ask_for(cx, link, shop, &asked, Meanwhile::WroteNothing, attempt).await?;
    Ok(targets::reread(&cx.store, &link.id, &wanted).await?)
}

/// A target: variant, place, product, warehouse.
pub(super) type Asked<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Asks the shop for its stock of some targets by their products and keeps it; returns those it named (variant, place).
pub(super) async fn ask_for(
    cx: &Cx,
    link: &Arc<Link>,
    shop: &dyn Shop,
    look: &[Asked<'_>],
    meanwhile: Meanwhile,
    attempt: i64,
) -> Result<Vec<(String, String)>, TaskError> {
    let products: BTreeSet<&str> = look.iter().map(|(_, _, product, _)| *product).collect();
    let keys: Vec<ProductKey> = products.into_iter().map(ProductKey::new).collect();
    let asked_at = cx.now();
    let Answer { value: ShopStock { mut readings, named }, .. } = shop.stock_of(&keys).await?;
    let named: HashSet<&str> = named.iter().map(|product| product.as_str()).collect();
    let shelves: HashSet<(String, String)> =
        readings.iter().map(|r| (r.product.as_str().to_owned(), r.warehouse.as_str().to_owned())).collect();
    let (mut wanted, mut missing) = (Vec::new(), Vec::new());
    for (variant, place, product, warehouse) in look {
        let here = ((*variant).to_owned(), (*place).to_owned());
        if !named.contains(product) {
            missing.push(here);
            continue;
        }
        if !shelves.contains(&((*product).to_owned(), (*warehouse).to_owned())) {
            readings.push(ShopReading {
                product: (*product).into(),
                warehouse: (*warehouse).into(),
                physical: 0,
                allocated: 0,
                sellable: 0,
            });
        }
        wanted.push(here);
    }
    keep_readings(cx, link, &readings, asked_at, meanwhile).await?;
    if !missing.is_empty() {
        let retry_at = cx.now() + retry::delay(u32::try_from(attempt + 1).unwrap_or(u32::MAX), cx.mint.below(1_000));
        let mut tx = cx.store.begin().await?;
        targets::not_named(&mut tx, &missing, "the shop does not name this item when it is asked for it", retry_at);
        tx.commit().await?;
        cx.tell(&missing.into_iter().map(|(variant, _)| variant).collect());
    }
    Ok(wanted)
}

pub(super) async fn keep_readings(
    cx: &Cx,
    link: &Arc<Link>,
    readings: &[ShopReading],
    asked_at: Timestamp,
    meanwhile: Meanwhile,
) -> Result<(), StoreError> {
    let rows: Vec<(String, String, i64, i64, i64)> = readings
        .iter()
        .map(|r| (r.product.as_str().to_owned(), r.warehouse.as_str().to_owned(), r.physical, r.allocated, r.sellable))
        .collect();
    let mut tx = cx.store.begin().await?;
    targets::web_read(&mut tx, &link.id, &rows, asked_at, meanwhile, cx.now());
    tx.commit().await
}

/// These show what they should: their newest generation needs no write. Returns their variants.
pub(super) fn settle<'a>(tx: &mut Tx, due: impl Iterator<Item = &'a Due>, now: Timestamp) -> BTreeSet<String> {
    let seen: Vec<(String, String, i64)> = due.map(|d| (d.variant.clone(), d.place.clone(), d.generation)).collect();
    targets::settled(tx, &seen, now);
    pushes::confirm(tx, &seen, now);
    seen.into_iter().map(|(variant, _, _)| variant).collect()
}
