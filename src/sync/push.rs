//! Targets to the shop: look what is due, write down what will be sent, call, write down what was answered.
//!
//! While notices of a crowd are kept and not yet in the books, counts wait for them, for one turn of the books at most.
//! No transaction is open during a call. Every write has its intent row before it. A write whose outcome is not
//! known is looked up before anything is sent again, because the look comes first whenever the state is unknown.

use super::catch_up::holds_counts;
use super::confirm::CONFIRM_AFTER;
use super::cx::{Cx, Link, TaskError};
use super::outcome::{Answered, call, write_down};
use super::schedule::Task;
use super::shop_look::{LOOK_MAX, look_first};
use super::sweep::Next;
use crate::connectors::Shop;
use crate::domain::push::{self, Due};
use crate::domain::time::Timestamp;
use crate::store::pushes::{self, Intent};
use crate::store::targets;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Targets looked at in one go: enough for a full call to one of two warehouses.
const BATCH: i64 = 240;

/// Calls of one turn at most; then reading back has its own.
const CALLS_MAX: usize = 8;

/// Sends what is due, the most urgent first; comes back while there is more.
pub(super) async fn push(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let now = cx.now();
    if link.outcome_lost.load(Ordering::SeqCst) {
        // The answer of the last call could not be written down: those writes are looked up before anything is sent.
        let mut tx = cx.store.begin().await?;
        pushes::orphaned_to_unknown(&mut tx, &link.id, "its answer could not be written down", now).await?;
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
        if link.paused.load(Ordering::SeqCst) {
            // Between two calls of one turn a person stopped it.
            break;
        }
        if let Some(until) = holds_counts(cx) {
            write_down(cx, link, answered).await?;
            return Ok(Next::At(until));
        }
        let intents = match plan(cx, link, shop, now, answered.take()).await? {
            Plan::Send(intents) => intents,
            Plan::Look(look) => {
                let write = look_first(cx, link, shop, look, shop.capabilities().subtracts).await?;
                if write.is_empty() || link.paused.load(Ordering::SeqCst) || holds_counts(cx).is_some() {
                    return Ok(Next::Again);
                }
                let intents = one_call(cx, shop, write);
                let mut tx = cx.store.begin().await?;
                pushes::intend(&mut tx, &link.id, &intents, cx.now());
                link.outcome_lost.store(true, Ordering::SeqCst);
                tx.commit().await?;
                intents
            }
            Plan::Settled => return Ok(Next::Again),
            Plan::Nothing(next) => return Ok(next.map_or(Next::Later, Next::At)),
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
    /// What was due shows what it should.
    Settled,
    /// Nothing is due before this moment, if anything waits at all.
    Nothing(Option<Timestamp>),
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
    let (mut due, next) = targets::due_or_next(&mut tx, &link.id, now, BATCH).await?;
    due.sort_by_key(|(due, _)| push::urgency(due));
    let nothing_due = due.is_empty();
    let rule = shop.capabilities().subtracts;
    let (mut look, mut write, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for (due, attempt) in due {
        match push::next(&due, now, false, rule) {
            push::Next::LookFirst => look.push((due, attempt)),
            push::Next::Write(physical) => write.push((due, attempt, physical)),
            push::Next::Nothing => shown.push((due.variant, due.place, due.generation)),
        }
    }
    targets::stands(&mut tx, &shown, now);
    // The most urgent kind goes first; of the same kind what can be written at once, and then what needs a look.
    let kind = |first: Option<&Due>| first.map_or(u8::MAX, |due| push::urgency(due).0);
    if kind(look.first().map(|(due, _)| due)) < kind(write.first().map(|(due, _, _)| due)) {
        write.clear();
    }
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
    if !shown.is_empty() {
        link.schedule.wake(Task::Confirm, now + CONFIRM_AFTER);
    }
    cx.tell(&shown.into_iter().map(|(variant, _, _)| variant).collect());
    if !intents.is_empty() {
        return Ok(Plan::Send(intents));
    }
    look.truncate(LOOK_MAX);
    Ok(match (nothing_due, look.is_empty()) {
        (true, _) => Plan::Nothing(next),
        (false, true) => Plan::Settled,
        (false, false) => Plan::Look(look),
    })
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
