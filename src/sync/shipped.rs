//! Web orders that had left before the till's stock was first read: judged again whenever it becomes known, or
//! changes, which till feeds a warehouse and since when.

use super::cx::{Cx, Link};
use super::retarget::retarget;
use super::schedule::Task;
use crate::domain::fact::OrderState;
use crate::domain::time::Timestamp;
use crate::domain::waiting::{self, CLOCKS_DIFFER};
use crate::store::{StoreError, listings, orders};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;

/// Lines judged in one transaction.
const PAGE: i64 = 500;

/// Which till feeds which place, or since when it is read, has changed: the shops judge their shipped orders again.
pub(super) fn ask(cx: &Cx) {
    let now = cx.now();
    for link in cx.links().iter().filter(|link| link.is_shop()) {
        link.judge_shipped.store(true, Ordering::SeqCst);
        link.schedule.wake(Task::Orders, now);
    }
}

/// Judges the shipped orders of a shop, if that was asked for.
pub(super) async fn judge(cx: &Cx, link: &Link) -> Result<(), StoreError> {
    if !link.judge_shipped.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let done = judge_all(cx, link).await;
    if done.is_err() {
        link.judge_shipped.store(true, Ordering::SeqCst);
    }
    done
}

async fn judge_all(cx: &Cx, link: &Link) -> Result<(), StoreError> {
    let mut tx = cx.store.begin().await?;
    let began: BTreeMap<String, Timestamp> = orders::books_began(&mut tx, &link.id).await?.into_iter().collect();
    drop(tx);
    for (warehouse, began) in began {
        let mut after = (String::new(), String::new());
        while let Some(last) = judge_page(cx, link, &warehouse, began, &after).await? {
            after = last;
        }
    }
    Ok(())
}

/// The next lines after one; returns the last of them.
async fn judge_page(
    cx: &Cx,
    link: &Link,
    warehouse: &str,
    began: Timestamp,
    after: &(String, String),
) -> Result<Option<(String, String)>, StoreError> {
    let now = cx.now();
    let mut tx = cx.store.begin().await?;
    let behind = began - CLOCKS_DIFFER;
    let lines = orders::misjudged(&mut tx, &link.id, warehouse, behind, (&after.0, &after.1), PAGE).await?;
    let Some(last) = lines.last().map(|line| (line.document.clone(), line.line.clone())) else { return Ok(None) };
    let mut set = Vec::with_capacity(lines.len());
    let mut deltas: HashMap<(String, String), (i64, i64)> = HashMap::new();
    let mut products: BTreeSet<String> = BTreeSet::new();
    for line in lines {
        let waits = waiting::waits(line.units, &OrderState::Shipped, line.left_by, began);
        deltas.entry((line.product.clone(), warehouse.to_owned())).or_default().0 += waits - line.waiting;
        products.insert(line.product);
        set.push((line.document, line.line, waits));
    }
    orders::set_waiting(&mut tx, &link.id, warehouse, &set);
    orders::add_waiting(&mut tx, &link.id, &deltas);
    let products: Vec<&str> = products.iter().map(String::as_str).collect();
    let known = listings::known(&mut tx, &link.id, &products).await?;
    let touched: BTreeMap<String, Timestamp> =
        known.into_values().filter(|known| !known.variant.is_empty()).map(|known| (known.variant, now)).collect();
    let changed = retarget(&mut tx, &touched, now).await?;
    tx.commit().await?;
    cx.wake_pushes(&changed.to_push);
    cx.tell(&changed.variants);
    Ok(Some(last))
}
