//! Targets to the shop, and back: plan, write down, call, write down what was answered, read back.
//!
//! No transaction is open during a call. Every write has its intent row before it. A write whose outcome is not
//! known is looked up before anything is sent again, because the look comes first whenever the state is unknown.

use super::cx::{Cx, Link, TaskError, keep_evidence};
use super::schedule::Task;
use super::sweep::Next;
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::evidence::Exchange;
use crate::connectors::{Answer, Shop, ShopStock, StockWrite, WriteOutcome};
use crate::domain::equation::ShopSubtracts;
use crate::domain::fact::ShopReading;
use crate::domain::ids::ProductKey;
use crate::domain::push::{self, Due};
use crate::domain::retry;
use crate::domain::time::{Span, Timestamp};
use crate::store::pushes::{self, Intent, Outcome};
use crate::store::{StoreError, Tx, feeds, targets};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Targets looked at in one go: enough for a full call to one of two warehouses.
const BATCH: i64 = 240;

/// Calls of one turn at most; then reading back has its own.
const CALLS_MAX: usize = 8;

/// Products that one look at the shop covers, as the connectors declare.
const LOOK_MAX: usize = 100;

/// How long after a write it is read back: long enough to read several at once.
const CONFIRM_AFTER: Span = Span::secs(2);

/// Between two readings back that were not full: each holds up writing for as long as it takes.
const CONFIRM_PAUSE: Span = Span::secs(1);

fn subtracts(shop: &dyn Shop) -> ShopSubtracts {
    if shop.capabilities().subtracts_own_orders { ShopSubtracts::OwnOpenOrders } else { ShopSubtracts::Nothing }
}

/// Sends what is due, the most urgent first; comes back while there is more.
pub(super) async fn push(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let now = cx.now();
    if link.outcome_lost.load(Ordering::SeqCst) {
        // The answer of the last call could not be written down: those writes are looked up before anything is sent.
        let mut tx = cx.store.begin().await?;
        pushes::orphaned_to_unknown(&mut tx, &link.id, now).await?;
        tx.commit().await?;
        link.outcome_lost.store(false, Ordering::SeqCst);
    }
    let mut answered: Option<Answered> = None;
    for _ in 0..CALLS_MAX {
        let now = cx.now();
        if let Some(until) = shop.allowance(now).blocked_until.filter(|until| *until > now) {
            write_down(cx, link, answered).await?;
            return Ok(Next::At(until));
        }
        let intents = match plan(cx, link, shop, now, answered.take()).await? {
            Plan::Send(intents) => intents,
            Plan::Look(look) => {
                let write = look_first(cx, link, shop, look, subtracts(shop)).await?;
                if write.is_empty() {
                    return Ok(Next::Again);
                }
                let intents = one_call(cx, shop, write);
                let mut tx = cx.store.begin().await?;
                pushes::intend(&mut tx, &link.id, &intents, cx.now());
                link.outcome_lost.store(true, Ordering::SeqCst);
                tx.commit().await?;
                intents
            }
            Plan::Nothing => {
                return Ok(match targets::next_due_at(&cx.store, &link.id).await? {
                    Some(at) => Next::At(at),
                    None => Next::Later,
                });
            }
        };
        let result = call(cx, link, shop, intents).await;
        if result.error.is_some() {
            let door = result.error.clone().filter(|error| error.not_before().is_some());
            write_down(cx, link, Some(result)).await?;
            // The rows know when they may go again; only a closed door stops the others.
            return door.map_or(Ok(Next::Again), |error| Err(error.into()));
        }
        answered = Some(result);
    }
    write_down(cx, link, answered).await?;
    Ok(Next::Again)
}

/// What a look at the due targets leads to.
enum Plan {
    /// These have been written down and are to be sent in one call.
    Send(Vec<Intent>),
    /// Nothing can be sent before the shop was read.
    Look(Vec<(Due, i64)>),
    /// Nothing is due.
    Nothing,
}

/// In one transaction: writes down what became of the last call, looks what is due now, and writes down what will be
/// sent.
async fn plan(
    cx: &Cx,
    link: &Arc<Link>,
    shop: &dyn Shop,
    now: Timestamp,
    answered: Option<Answered>,
) -> Result<Plan, TaskError> {
    let mut tx = cx.store.begin().await?;
    if let Some(answered) = &answered {
        answered.write(&mut tx, cx, link).await?;
    }
    let mut due: Vec<(Due, i64)> = targets::due(&mut tx, &link.id, now, BATCH).await?;
    due.sort_by_key(|(due, _)| push::urgency(due));
    let nothing_due = due.is_empty();
    let rule = subtracts(shop);
    let (mut look, mut write, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for (due, attempt) in due {
        match push::next(&due, now, false, rule) {
            push::Next::LookFirst => look.push((due, attempt)),
            push::Next::Write(physical) => write.push((due, attempt, physical)),
            push::Next::Nothing => shown.push(due),
        }
    }
    let settled = settle(&mut tx, shown.iter(), now);
    // The most urgent kind goes first: what can be written at once, else a look.
    let intents = one_call(cx, shop, write);
    if !intents.is_empty() {
        pushes::intend(&mut tx, &link.id, &intents, now);
        // Should the commit come through and its answer not.
        link.outcome_lost.store(true, Ordering::SeqCst);
    }
    tx.commit().await?;
    if let Some(answered) = &answered {
        answered.tell(cx, link);
    }
    cx.tell(&settled);
    if !intents.is_empty() {
        return Ok(Plan::Send(intents));
    }
    look.truncate(LOOK_MAX);
    Ok(if nothing_due { Plan::Nothing } else { Plan::Look(look) })
}

/// What one call carries: the rows of one warehouse, as many as the shop takes.
fn one_call(cx: &Cx, shop: &dyn Shop, mut write: Vec<(Due, i64, i64)>) -> Vec<Intent> {
    let Some(warehouse) = write.first().map(|(due, _, _)| due.warehouse.clone()) else { return Vec::new() };
    write.retain(|(due, _, _)| due.warehouse == warehouse);
    write.truncate(shop.capabilities().rows_per_write.max(1));
    let now = cx.now();
    let batch = cx.mint.id(now);
    let intent = |(due, attempt, physical): (Due, i64, i64)| Intent {
        id: cx.mint.id(now),
        batch: batch.clone(),
        variant: due.variant,
        place: due.place,
        product: due.product,
        warehouse: due.warehouse,
        generation: due.generation,
        before: due.web_sellable,
        should: due.should,
        physical,
        cause_at: due.cause_at,
        attempt,
    };
    write.into_iter().map(intent).collect()
}

/// Reads the shop's stock of these targets, then decides again with what it said.
async fn look_first(
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
async fn look_at(
    cx: &Cx,
    link: &Arc<Link>,
    shop: &dyn Shop,
    look: &[(Due, i64)],
) -> Result<Vec<(Due, i64)>, TaskError> {
    let products: BTreeSet<&str> = look.iter().map(|(due, _)| due.product.as_str()).collect();
    let keys: Vec<ProductKey> = products.into_iter().map(ProductKey::new).collect();
    let Answer { value: ShopStock { mut readings, named }, .. } = shop.stock_of(&keys).await?;
    let named: HashSet<&str> = named.iter().map(|product| product.as_str()).collect();
    let shelves: HashSet<(String, String)> =
        readings.iter().map(|r| (r.product.as_str().to_owned(), r.warehouse.as_str().to_owned())).collect();
    let (mut wanted, mut missing) = (Vec::new(), Vec::new());
    for (due, _) in look {
        let here = (due.variant.clone(), due.place.clone());
        if !named.contains(due.product.as_str()) {
            missing.push(here);
            continue;
        }
        if !shelves.contains(&(due.product.clone(), due.warehouse.clone())) {
            readings.push(ShopReading {
                product: due.product.as_str().into(),
                warehouse: due.warehouse.as_str().into(),
                physical: 0,
                allocated: 0,
                sellable: 0,
            });
        }
        wanted.push(here);
    }
    keep_readings(cx, link, &readings).await?;
    if !missing.is_empty() {
        let attempt = look.iter().map(|(_, attempt)| *attempt).max().unwrap_or(0);
        let retry_at = cx.now() + retry::delay(u32::try_from(attempt + 1).unwrap_or(u32::MAX), cx.mint.below(1_000));
        let mut tx = cx.store.begin().await?;
        targets::not_named(&mut tx, &missing, "the shop does not name this item when it is asked for it", retry_at);
        tx.commit().await?;
        cx.tell(&missing.into_iter().map(|(variant, _)| variant).collect());
    }
    Ok(targets::reread(&cx.store, &link.id, &wanted).await?)
}

async fn keep_readings(cx: &Cx, link: &Arc<Link>, readings: &[ShopReading]) -> Result<(), StoreError> {
    let rows: Vec<(String, String, i64, i64, i64)> = readings
        .iter()
        .map(|r| (r.product.as_str().to_owned(), r.warehouse.as_str().to_owned(), r.physical, r.allocated, r.sellable))
        .collect();
    let mut tx = cx.store.begin().await?;
    targets::web_read(&mut tx, &link.id, &rows, cx.now());
    tx.commit().await
}

/// These show what they should: their newest generation needs no write. Returns their variants.
fn settle<'a>(tx: &mut Tx, due: impl Iterator<Item = &'a Due>, now: Timestamp) -> BTreeSet<String> {
    let seen: Vec<(String, String, i64)> = due.map(|d| (d.variant.clone(), d.place.clone(), d.generation)).collect();
    targets::settled(tx, &seen, now);
    pushes::confirm(tx, &seen, now);
    seen.into_iter().map(|(variant, _, _)| variant).collect()
}

/// What became of one call; not written down yet.
struct Answered {
    intents: Vec<Intent>,
    /// One for each intent: what became of it, and when it may go again.
    outcomes: Vec<(Outcome, Timestamp)>,
    exchanges: Vec<Exchange>,
    error: Option<CallError>,
    at: Timestamp,
}

impl Answered {
    async fn write(&self, tx: &mut Tx, cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
        let evidence = keep_evidence(tx, cx, link, &self.exchanges).await?;
        pushes::answered(tx, self.intents.iter().zip(&self.outcomes), &evidence, self.at);
        match &self.error {
            Some(error) => feeds::failed(tx, &link.id, Task::Push.feed(), &error.to_string(), self.at),
            None => feeds::mark(tx, &link.id, Task::Push.feed(), 0, self.at, self.at),
        }
        Ok(())
    }

    /// After the commit.
    fn tell(&self, cx: &Cx, link: &Link) {
        link.outcome_lost.store(false, Ordering::SeqCst);
        cx.tell(&self.intents.iter().map(|i| i.variant.clone()).collect());
        if self.outcomes.iter().any(|(outcome, _)| *outcome == Outcome::Accepted) {
            link.schedule.wake(Task::Confirm, self.at + CONFIRM_AFTER);
        }
    }
}

/// Writes down what became of a call when no other follows at once.
async fn write_down(cx: &Cx, link: &Arc<Link>, answered: Option<Answered>) -> Result<(), StoreError> {
    let Some(answered) = answered else { return Ok(()) };
    let mut tx = cx.store.begin().await?;
    answered.write(&mut tx, cx, link).await?;
    tx.commit().await?;
    answered.tell(cx, link);
    Ok(())
}

/// One call, without any transaction; its intents have been written down.
async fn call(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop, intents: Vec<Intent>) -> Answered {
    let writes: Vec<StockWrite> = intents
        .iter()
        .map(|i| StockWrite {
            product: i.product.as_str().into(),
            warehouse: i.warehouse.as_str().into(),
            physical: i.physical,
        })
        .collect();
    let batch = intents.first().map_or("", |intent| intent.batch.as_str());
    // Until its outcome is written down, nobody knows what became of it.
    link.outcome_lost.store(true, Ordering::SeqCst);
    let called = shop.write_stock(&writes, &format!("Truecount {batch}")).await;

    let at = cx.now();
    let later = |intent: &Intent| {
        let failures = u32::try_from(intent.attempt + 1).unwrap_or(u32::MAX);
        at + retry::delay(failures, cx.mint.below(1_000))
    };
    match called {
        Ok(Answer { value, exchanges }) => {
            let mut answers = value.into_iter();
            let outcome = |intent| match answers.next() {
                Some(WriteOutcome::Accepted) => (Outcome::Accepted, at),
                Some(WriteOutcome::Refused(reason)) => (Outcome::Refused(reason), later(intent)),
                None => (Outcome::Unknown("the shop's answer had too few rows".into()), at),
            };
            let outcomes = intents.iter().map(outcome).collect();
            Answered { intents, outcomes, exchanges, error: None, at }
        }
        Err(error) => {
            let outcome = |intent| {
                let reason = error.kind.to_string();
                match (&error.kind, error.not_before()) {
                    (CallErrorKind::Throttled { .. } | CallErrorKind::Paced { .. }, Some(until)) => {
                        (Outcome::Throttled(reason), until)
                    }
                    _ if error.may_have_acted() => (Outcome::Unknown(reason), later(intent)),
                    (CallErrorKind::Rejected { .. }, _) => (Outcome::Refused(reason), later(intent)),
                    _ => (Outcome::Failed(reason), later(intent)),
                }
            };
            let outcomes = intents.iter().map(outcome).collect();
            Answered { intents, outcomes, exchanges: error.exchanges.clone(), error: Some(error), at }
        }
    }
}

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
        let page = shop.stock(&place.warehouse.as_str().into(), cursor).await?.value;
        keep_readings(cx, link, &page.rows).await?;
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
    let drifted = targets::drifted(&cx.store, &link.id, BATCH).await?;
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
