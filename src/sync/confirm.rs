//! Reading back: what was acknowledged a moment ago, and from time to time the shop's whole stock.

use super::cx::{Cx, Link, TaskError};
use super::schedule::Task;
use super::shop_look::{LOOK_MAX, keep_readings, look_at};
use super::sweep::Next;
use crate::connectors::Shop;
use crate::domain::push::{self, Due};
use crate::domain::time::{Span, Timestamp};
use crate::store::{StoreError, feeds, pushes, targets};
use std::sync::Arc;

/// How long after a write it is read back: long enough to read several at once.
pub(super) const CONFIRM_AFTER: Span = Span::secs(2);

/// Between two readings back that were not full: each holds up writing for as long as it takes.
const CONFIRM_PAUSE: Span = Span::secs(1);

/// Targets that a pass over the whole stock mends in one go.
const DRIFTED_MAX: i64 = 400;

/// Reads back what was acknowledged a moment ago.
pub(super) async fn confirm(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let now = cx.now();
    let limit = i64::try_from(LOOK_MAX).unwrap_or(i64::MAX);
    let waiting = targets::unconfirmed(&cx.store, &link.id, now - CONFIRM_AFTER, limit).await?;
    if waiting.is_empty() {
        return Ok(match targets::oldest_unconfirmed(&cx.store, &link.id).await? {
            Some(at) => Next::At(at + CONFIRM_AFTER),
            None => Next::Later,
        });
    }
    let generations: Vec<(String, String, i64)> =
        waiting.iter().map(|(d, _)| (d.variant.clone(), d.place.clone(), d.generation)).collect();
    let fresh = look_at(cx, link, shop, &waiting).await?;
    compare_and_mend(cx, link, fresh, &generations).await?;
    Ok(if waiting.len() < LOOK_MAX { Next::At(cx.now() + CONFIRM_PAUSE) } else { Next::Again })
}

/// Settles what shows what it should; plans another write for what does not, unless one waits already.
async fn compare_and_mend(
    cx: &Cx,
    link: &Arc<Link>,
    fresh: Vec<(Due, i64)>,
    before: &[(String, String, i64)],
) -> Result<(), StoreError> {
    let now = cx.now();
    let (mut seen, mut again, mut behind) = (Vec::new(), Vec::new(), false);
    for (due, _) in fresh {
        behind |= push::orders_behind(&due);
        let unchanged = before.iter().any(|(v, p, g)| *v == due.variant && *p == due.place && *g == due.generation);
        if !unchanged {
            // A newer number waits to be written; what we read was about an older one.
            continue;
        }
        if due.web_sellable == push::expected(&due) {
            seen.push((due.variant, due.place, due.generation));
        } else {
            let reason = format!("the shop shows {} where {} should stand", due.web_sellable, push::expected(&due));
            again.push((due.variant, due.place, reason));
        }
    }
    let mut tx = cx.store.begin().await?;
    targets::settled(&mut tx, &seen, now);
    pushes::confirm(&mut tx, &seen, now);
    targets::write_again(&mut tx, &again, now);
    tx.commit().await?;
    if behind {
        link.schedule.wake(Task::Orders, now);
    }
    if !again.is_empty() {
        link.schedule.wake(Task::Push, now);
    }
    cx.tell(&seen.into_iter().map(|(v, _, _)| v).chain(again.into_iter().map(|(v, _, _)| v)).collect());
    Ok(())
}

/// A page of the shop's whole stock; at the end, what differs although nothing waits is written again.
pub(super) async fn observe(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let feed = Task::Observe.feed();
    let state = feeds::get(&cx.store, &link.id, feed).await?;
    let places: Vec<_> = crate::store::connections::places(&cx.store)
        .await?
        .into_iter()
        .filter(|place| place.connection == link.id)
        .collect();
    let mut at = Pass::parse(&state.cursor).unwrap_or(Pass { began: cx.now(), place: 0, cursor: String::new() });
    if let Some(place) = places.get(at.place) {
        let cursor = (!at.cursor.is_empty()).then_some(at.cursor.as_str());
        let asked_at = cx.now();
        let page = shop.stock(&place.warehouse.as_str().into(), cursor).await?.value;
        keep_readings(cx, link, &page.rows, Some(asked_at)).await?;
        match page.next {
            Some(next) => at.cursor = next,
            None => {
                at.place += 1;
                at.cursor = String::new();
            }
        }
    }
    let ended = at.place >= places.len();
    let now = cx.now();
    let mut tx = cx.store.begin().await?;
    let cursor = if ended { String::new() } else { at.to_text() };
    feeds::advance(&mut tx, &link.id, feed, &cursor, now);
    if ended && !places.is_empty() {
        feeds::mark(&mut tx, &link.id, feed, 0, at.began, now);
    }
    tx.commit().await?;
    if !ended {
        return Ok(Next::Again);
    }
    let drifted = targets::drifted(&cx.store, &link.id, DRIFTED_MAX).await?;
    if !drifted.is_empty() {
        let generations: Vec<(String, String, i64)> =
            drifted.iter().map(|(d, _)| (d.variant.clone(), d.place.clone(), d.generation)).collect();
        compare_and_mend(cx, link, drifted, &generations).await?;
    }
    Ok(Next::Later)
}

/// Where a pass over all places stands.
struct Pass {
    began: Timestamp,
    place: usize,
    cursor: String,
}

impl Pass {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '|');
        Some(Self {
            began: Timestamp(parts.next()?.parse().ok()?),
            place: parts.next()?.parse().ok()?,
            cursor: parts.next()?.to_owned(),
        })
    }

    fn to_text(&self) -> String {
        format!("{}|{}|{}", self.began.micros(), self.place, self.cursor)
    }
}
