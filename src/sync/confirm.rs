//! Reading back: what was acknowledged a moment ago, and from time to time the shop's whole stock.

use super::cx::{Cx, Link, Side, TaskError};
use super::schedule::Task;
use super::shop_look::{Asked, LOOK_MAX, ask_for, keep_readings, look_at};
use super::sweep::Next;
use crate::connectors::Shop;
use crate::domain::equation::ShopSubtracts;
use crate::domain::push::{self, Due};
use crate::domain::retry;
use crate::domain::time::{Span, Timestamp};
use crate::store::targets::Meanwhile;
use crate::store::{StoreError, feeds, pushes, targets, unread};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    let rule = match &link.side {
        Side::Shop(shop) => shop.capabilities().subtracts,
        Side::Till(_) => ShopSubtracts::Nothing,
    };
    let (mut seen, mut again, mut behind) = (Vec::new(), Vec::new(), false);
    for (due, attempt) in fresh {
        behind |= push::orders_behind(&due);
        let unchanged = before.iter().any(|(v, p, g)| *v == due.variant && *p == due.place && *g == due.generation);
        if !unchanged {
            // A newer number waits to be written; what we read was about an older one.
            continue;
        }
        if push::stands(&due, rule) {
            seen.push((due.variant, due.place, due.generation));
        } else {
            let reason = format!("the shop shows {} where {} should stand", due.web_sellable, push::expected(&due));
            // A shop that takes a count and shows another is not asked for ever as fast as it answers.
            let tried = u32::try_from(attempt).unwrap_or(u32::MAX);
            let at = if tried == 0 { Timestamp(0) } else { now + retry::delay(tried, cx.mint.below(1_000)) };
            again.push((due.variant, due.place, reason, at));
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
    cx.tell(&seen.into_iter().map(|(v, _, _)| v).chain(again.into_iter().map(|(v, ..)| v)).collect());
    Ok(())
}

/// A page of the shop's whole stock; then what it did not name, asked for by itself; at the end, what differs although
/// nothing waits is written again.
pub(super) async fn observe(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let feed = Task::Observe.feed();
    let state = feeds::get(&cx.store, &link.id, feed).await?;
    let mut places: Vec<_> = crate::store::connections::places(&cx.store)
        .await?
        .into_iter()
        .filter(|place| place.connection == link.id)
        .collect();
    // By what never changes: a pass goes on where it stopped, whatever they are called by then.
    places.sort_by(|a, b| a.id.cmp(&b.id));
    let mut at = Pass::parse(&state.cursor).unwrap_or_else(|| Pass::new(cx.now()));
    // One question a step: where the allowance is enough for one only, two of them would begin anew for ever.
    let mut ended = false;
    match places.iter().find(|place| place.id >= at.place).filter(|_| !at.listed) {
        Some(place) => {
            // One that is gone has no page to go on with.
            let cursor = (place.id == at.place && !at.cursor.is_empty()).then_some(at.cursor.as_str());
            let asked_at = cx.now();
            let page = shop.stock(&place.warehouse.as_str().into(), cursor).await?.value;
            keep_readings(cx, link, &page.rows, asked_at, Meanwhile::MayHaveWritten).await?;
            at.turn(page.next, &place.id, places.iter().map(|place| place.id.as_str()));
        }
        None => {
            at.end_of_list();
            at.after = ask_for_unnamed(cx, link, shop, &at.after).await?;
            ended = at.after.is_none();
        }
    }
    let now = cx.now();
    let mut tx = cx.store.begin().await?;
    feeds::advance(&mut tx, &link.id, feed, &if ended { String::new() } else { at.to_text() }, now);
    if ended && !places.is_empty() {
        feeds::mark(&mut tx, &link.id, feed, 0, at.began, now);
    }
    tx.commit().await?;
    if !ended {
        return Ok(Next::Again);
    }
    mend(cx, link, at.began).await?;
    Ok(Next::Later)
}

/// Asks by itself for stock that the whole list never named: nobody ever counted it there, so the list has no row of
/// it. Returns after which target to go on; none when all were asked for.
async fn ask_for_unnamed(
    cx: &Cx,
    link: &Arc<Link>,
    shop: &dyn Shop,
    after: &Option<(String, String)>,
) -> Result<Option<(String, String)>, TaskError> {
    let after = after.as_ref().map_or(("", ""), |(variant, place)| (variant.as_str(), place.as_str()));
    let limit = i64::try_from(LOOK_MAX).unwrap_or(i64::MAX);
    let unread = unread::never_read(&cx.store, &link.id, after, limit).await?;
    let Some(last) = unread.last().map(|(variant, place, _, _)| (variant.clone(), place.clone())) else {
        return Ok(None);
    };
    let asked: Vec<Asked<'_>> = unread
        .iter()
        .map(|(v, p, product, warehouse)| (v.as_str(), p.as_str(), product.as_str(), warehouse.as_str()))
        .collect();
    ask_for(cx, link, shop, &asked, Meanwhile::MayHaveWritten, 0).await?;
    Ok((unread.len() == LOOK_MAX).then_some(last))
}

/// Writes again what the shop was seen to show wrongly by a pass that began then. What shows too few may have gone for
/// orders that we have not read: it is raised only when the orders are read up to that pass, and else when they are.
async fn mend(cx: &Cx, link: &Arc<Link>, began: Timestamp) -> Result<(), StoreError> {
    let read_up_to = feeds::get(&cx.store, &link.id, Task::Orders.feed()).await?.read_up_to;
    let orders_known = read_up_to >= began;
    link.raise_after.store(if orders_known { 0 } else { began.micros() }, Ordering::SeqCst);
    if !orders_known {
        link.schedule.wake(Task::Orders, cx.now());
    }
    let mut drifted = targets::drifted(&cx.store, &link.id, DRIFTED_MAX).await?;
    drifted.retain(|(due, _)| orders_known || due.web_sellable > push::expected(due));
    if !drifted.is_empty() {
        let generations: Vec<(String, String, i64)> =
            drifted.iter().map(|(d, _)| (d.variant.clone(), d.place.clone(), d.generation)).collect();
        compare_and_mend(cx, link, drifted, &generations).await?;
    }
    Ok(())
}

/// The orders were read to their end: what waited for that is mended now.
pub(super) async fn orders_were_read(cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
    let began = Timestamp(link.raise_after.load(Ordering::SeqCst));
    if began > Timestamp(0) { mend(cx, link, began).await } else { Ok(()) }
}

/// Where a pass over all places stands.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pass {
    began: Timestamp,
    /// The place whose stock is being listed.
    place: String,
    /// Its next page; empty for the first.
    cursor: String,
    /// All places were listed.
    listed: bool,
    /// After which target what was not named is asked for by itself.
    after: Option<(String, String)>,
}

impl Pass {
    fn new(began: Timestamp) -> Self {
        Self { began, place: String::new(), cursor: String::new(), listed: false, after: None }
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A page of this place was kept: on to its next, or to the place behind it.
    fn turn<'a>(&mut self, next: Option<String>, place: &str, mut places: impl Iterator<Item = &'a str>) {
        match (next, places.find(|other| *other > place)) {
            (Some(next), _) => (self.place, self.cursor) = (place.to_owned(), next),
            (None, Some(other)) => (self.place, self.cursor) = (other.to_owned(), String::new()),
            (None, None) => self.end_of_list(),
        }
    }

    fn end_of_list(&mut self) {
        self.listed = true;
        self.cursor = String::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_goes_on_at_its_place_whatever_comes_and_goes() {
        let mut at = Pass::new(Timestamp(7));
        at.turn(Some("2".into()), "b", ["b", "d"].into_iter());
        assert_eq!(Pass::parse(&at.to_text()).unwrap(), at);
        assert_eq!((at.place.as_str(), at.cursor.as_str()), ("b", "2"));
        // One more, before and behind.
        at.turn(None, "b", ["a", "b", "c", "d"].into_iter());
        assert_eq!((at.place.as_str(), at.cursor.as_str(), at.listed), ("c", "", false));
        at.turn(None, "d", ["a", "b", "d"].into_iter());
        assert!(at.listed);
    }
}
