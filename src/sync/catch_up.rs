//! Notices of a crowd, from the inbox into the books.
//!
//! When many push through the door at once they are only kept and answered; the books follow in larger steps, which
//! cost less for each. What came first stays first: nothing else of that connection goes into the books while
//! something of it waits here, but what waits itself.

use super::apply::{Applied, Origin, apply_kept};
use super::cx::{Cx, Link, Side};
use super::intake::chain;
use super::schedule::Task;
use super::sweep::Next;
use crate::domain::fact::Fact;
use crate::domain::time::{Span, Timestamp};
use crate::store::backlog::{self, Waiting};
use crate::store::{StoreError, Tx, inbox};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Records that one step takes into the books: the more, the fewer times the same pages of the database are written.
const STEP: usize = 1_024;

/// Records that are read at once: their raw texts, of up to a megabyte each, lie in memory until they are understood.
const READ: i64 = 32;

/// Records that may be behind: beyond it the door lets in no more than the books take.
pub(super) const BEHIND_MAX: i64 = 65_536;

/// How often the books have a turn while a crowd keeps coming, at first.
const TURN: Span = Span::secs(2);

/// How long the door comes first. A flood that goes on has to share: then the books have as much of the time as it.
const DOOR_FIRST: Span = Span::secs(10);

/// The pause between two turns then, about as long as a step.
const SHARED: Span = Span::millis(250);

/// Steps after which a task that has to come after what waits closes the door.
const STEPS_WITH_OPEN_DOOR: usize = 64;

/// How long sweeps stay away for the sake of what waits: it tells what they would read.
const PATIENCE: Span = Span::minutes(1);

/// What is known of a connection's records that wait.
#[derive(Debug, Default)]
pub struct Behind {
    /// How many wait: exact or too high.
    records: AtomicI64,
    /// When the last step was taken, or the first began to wait, in microseconds.
    since: AtomicI64,
    /// When the first of them began to wait, in microseconds.
    began: AtomicI64,
    /// One step at a time: it holds what was read ahead for the next one, while the last was written.
    ahead: tokio::sync::Mutex<Vec<Kept>>,
}

/// A kept record with what its connector understands of it.
type Kept = (String, Result<Vec<Fact>, String>);

impl Behind {
    /// How many wait at most.
    pub fn records(&self) -> i64 {
        self.records.load(Ordering::SeqCst)
    }

    /// Whether one step would do.
    fn is_one_step(&self) -> bool {
        usize::try_from(self.records()).unwrap_or(0) <= STEP
    }

    /// What the database says when it is opened, or when fewer wait than we thought.
    pub async fn count(&self, cx: &Cx, connection: &str) -> Result<(), StoreError> {
        let mut tx = cx.store.begin().await?;
        let records = backlog::count(&mut tx, connection).await?;
        if self.records.swap(records, Ordering::SeqCst) == 0 {
            self.began.store(cx.now().micros(), Ordering::SeqCst);
        }
        Ok(())
    }

    /// More wait; said before the commit, so that nobody passes them by.
    pub(super) fn more(&self, records: usize, now: Timestamp) {
        if self.records.fetch_add(i64::try_from(records).unwrap_or(0), Ordering::SeqCst) == 0 {
            self.since.store(now.micros(), Ordering::SeqCst);
            self.began.store(now.micros(), Ordering::SeqCst);
        }
    }

    /// When the books go on: after the crowd, or when it is their turn.
    fn next(&self, cx: &Cx) -> Timestamp {
        let now = cx.now();
        if self.records() >= BEHIND_MAX {
            return now;
        }
        let turn = if now.since(past(&self.began, now)) < DOOR_FIRST { TURN } else { SHARED };
        (past(&self.since, now) + turn).min(cx.intake.crowded_until(now))
    }
}

/// A moment that was noted. One that is still to come was noted by a clock that has been set back since: it counts as
/// long past.
pub(super) fn past(noted: &AtomicI64, now: Timestamp) -> Timestamp {
    let at = Timestamp(noted.load(Ordering::SeqCst));
    if at > now { Timestamp(0) } else { at }
}

/// After records were kept to wait.
pub(super) fn wake(cx: &Cx, link: &Link) {
    link.schedule.wake(Task::CatchUp, link.behind.next(cx));
}

/// A step, if it is time for one, and when the next is due.
pub(super) async fn catch_up(cx: &Cx, link: &Arc<Link>) -> Result<Next, StoreError> {
    if link.behind.records() > 0 && link.behind.next(cx) <= cx.now() {
        step(cx, link).await?;
    }
    Ok(if link.behind.records() == 0 { Next::Later } else { Next::At(link.behind.next(cx)) })
}

/// Until when a sweep stays away, because so much waits that it would only add to it.
pub(super) fn puts_off(cx: &Cx, link: &Link) -> Option<Timestamp> {
    let now = cx.now();
    (!link.behind.is_one_step() && now < past(&link.behind.began, now) + PATIENCE).then_some(now + TURN)
}

/// Until when no count is written, because what is kept and not yet in the books may say another. A flood that goes on
/// keeps no count from the shop: then it is as old as the books are, by one turn.
pub(super) fn holds_counts(cx: &Cx) -> Option<Timestamp> {
    let now = cx.now();
    let waiting = cx.links().into_iter().filter(|link| link.behind.records() > 0);
    waiting.map(|link| past(&link.behind.began, now) + TURN).filter(|until| *until > now).max()
}

/// A unit of work in which nothing of this connection waits: what is kept in it comes after what came before. The
/// door is held for the last step.
pub(super) async fn begin(cx: &Cx, link: &Arc<Link>) -> Result<Tx, StoreError> {
    let tx = cx.store.begin().await?;
    if link.behind.records() == 0 {
        return Ok(tx);
    }
    drop(tx);
    for _ in 0..STEPS_WITH_OPEN_DOOR {
        if link.behind.is_one_step() {
            break;
        }
        step(cx, link).await?;
    }
    let _door = cx.intake.close().await;
    while link.behind.records() > 0 {
        step(cx, link).await?;
    }
    cx.store.begin().await
}

/// Makes room where too many wait; the caller holds the door.
pub(super) async fn make_room(cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
    while link.behind.records() >= BEHIND_MAX {
        step(cx, link).await?;
    }
    Ok(())
}

/// The first that wait, into the books. If something in them cannot be written, each goes alone, and the bad one is
/// parked with its reason: it was answered, so nobody sends it again.
async fn step(cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
    let mut ahead = link.behind.ahead.lock().await;
    let mut records = std::mem::take(&mut *ahead);
    if records.is_empty() {
        records = read(cx, link, "").await?;
    }
    if records.is_empty() {
        // Fewer wait than we thought: a commit that failed, or that came through although it seemed to fail.
        return link.behind.count(cx, &link.id).await;
    }
    let last = records.last().map_or("", |(id, _)| id.as_str());
    let (written, next) = tokio::join!(into_the_books(cx, link, &records), read(cx, link, last));
    if written.is_ok() {
        *ahead = next?;
    }
    match written {
        Err(error) if !error.is_passing() && !records.is_empty() => {
            tracing::warn!(connection.id = %link.id, error = %chain(&error), records = records.len(), "kept notices go into the books one by one");
            for record in records {
                let one = [record];
                match into_the_books(cx, link, &one).await {
                    Err(error) if !error.is_passing() => {
                        let [(id, _)] = one;
                        tracing::error!(connection.id = %link.id, inbox.id = %id, error = %chain(&error), "a kept notice could not be put into the books");
                        let why = format!("it could not be put into the books: {error}");
                        into_the_books(cx, link, &[(id, Err(why))]).await?;
                    }
                    result => result?,
                }
            }
            Ok(())
        }
        result => result,
    }
}

/// The next that wait after one of them, enough for a step, or all there are.
async fn read(cx: &Cx, link: &Link, after: &str) -> Result<Vec<Kept>, StoreError> {
    let mut records: Vec<Kept> = Vec::new();
    while records.len() < STEP {
        let after = records.last().map_or(after, |(id, _)| id.as_str());
        let page = backlog::after(&cx.store, &link.id, after, READ).await?;
        let ended = page.len() < usize::try_from(READ).unwrap_or(usize::MAX);
        records.extend(page.into_iter().map(|waiting| understood(link, waiting)));
        if ended {
            break;
        }
    }
    Ok(records)
}

fn understood(link: &Link, waiting: Waiting) -> Kept {
    let Waiting { id, kind, raw } = waiting;
    let facts = match &link.side {
        Side::Till(till) => till.interpret(&kind, &raw).map(|fact| vec![fact]),
        Side::Shop(shop) => shop.interpret(&kind, &raw),
    };
    (id, facts.map_err(|unreadable| unreadable.reason))
}

async fn into_the_books(cx: &Cx, link: &Arc<Link>, records: &[Kept]) -> Result<(), StoreError> {
    let now = cx.now();
    let warehouse = link.default_warehouse();
    let origin = Origin { connection: &link.id, default_warehouse: &warehouse };
    let ids: Vec<&str> = records.iter().map(|(id, _)| id.as_str()).collect();
    let mut tx = cx.store.begin().await?;
    let applied: Applied = apply_kept(&mut tx, origin, records, now).await?;
    inbox::count_notices(&mut tx, &link.id, now, &[("parked", applied.parked)]);
    let gone = backlog::remove(&mut tx, &link.id, &ids).await?;
    tx.commit().await?;
    // After the commit: whoever does not get here leaves the number too high.
    link.behind.records.fetch_sub(gone, Ordering::SeqCst);
    link.behind.since.store(now.micros(), Ordering::SeqCst);
    cx.follow_up(link, &applied);
    if link.behind.records() == 0 {
        // Counts that were held for it go on.
        for shop in cx.links().iter().filter(|link| link.is_shop()) {
            shop.schedule.wake(Task::Push, now);
        }
    }
    Ok(())
}
