//! Notices grouped into common commits: whoever holds the gate takes everybody's waiting notices along.
//!
//! One commit costs one wait for the disk, however many notices it carries, so the door gets faster the more
//! people push through it. Nobody is answered before the commit that carries their notice. A few go into the books
//! in the same commit, so that the count is right at once; of a crowd each is only kept, and the books follow.

use super::apply::{Applied, Incoming, Origin, apply, keep_only};
use super::catch_up::{self, past};
use super::cx::{Cx, Link};
use super::seldom::Seldom;
use crate::domain::time::{Span, Timestamp};
use crate::store::{StoreError, inbox};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Notices that one commit carries at most: enough to spread the disk's wait, few enough to keep it short.
const BATCH_MAX: usize = 256;

/// Notices of one connection that make a crowd: putting them into the books would keep those behind them waiting.
const CROWD: usize = 48;

/// How long after a crowd the next may be expected.
const CROWD_LASTS: Span = Span::millis(60);

/// Bytes of bodies that one commit carries at most, so that many large ones do not lie in memory twice.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Notices that may wait at most; beyond it the vendor is asked to come again.
const WAITING_MAX: usize = 20_000;

struct Waiting {
    link: Arc<Link>,
    incoming: Vec<Incoming>,
    reply: oneshot::Sender<Result<(), IntakeError>>,
}

/// Why a notice could not be kept; the vendor is told to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The database did not take it.
    #[error("the database did not take it: {0}")]
    Store(String),
    /// Too many are waiting.
    #[error("too many notices are waiting")]
    Full,
}

/// The waiting room.
#[derive(Default)]
pub struct Intake {
    queue: Mutex<VecDeque<Waiting>>,
    gate: tokio::sync::Mutex<()>,
    /// Whether a crowd is being let in.
    crowd: AtomicBool,
    /// When the last one was, in microseconds.
    crowd_at: AtomicI64,
    /// Of what could not be committed.
    lines: Seldom,
}

impl Intake {
    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the door is taken to be crowded: those who were answered may be back with their next notices.
    pub(super) fn crowded_until(&self, now: Timestamp) -> Timestamp {
        if self.queue().len() >= CROWD || self.crowd.load(Ordering::SeqCst) {
            return now + CROWD_LASTS;
        }
        past(&self.crowd_at, now) + CROWD_LASTS
    }

    /// Nobody is let in while this is held; those who come wait.
    pub(super) async fn close(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.gate.lock().await
    }
}

/// Keeps and applies one notice; returns once it is committed.
pub async fn submit(cx: &Cx, link: &Arc<Link>, incoming: Vec<Incoming>) -> Result<(), IntakeError> {
    let (reply, mut answer) = oneshot::channel();
    {
        let mut queue = cx.intake.queue();
        if queue.len() >= WAITING_MAX {
            return Err(IntakeError::Full);
        }
        queue.push_back(Waiting { link: Arc::clone(link), incoming, reply });
    }
    loop {
        tokio::select! {
            biased;
            answered = &mut answer => {
                return answered.unwrap_or_else(|_| Err(IntakeError::Store("the batch was dropped".into())));
            }
            _gate = cx.intake.gate.lock() => {
                let batch: Vec<Waiting> = {
                    let mut queue = cx.intake.queue();
                    let n = one_commit(&queue);
                    queue.drain(..n).collect()
                };
                if !batch.is_empty() {
                    let crowd = batch.len() >= CROWD;
                    cx.intake.crowd.store(crowd, Ordering::SeqCst);
                    carry(cx, batch).await;
                    if crowd {
                        cx.intake.crowd_at.store(cx.now().micros(), Ordering::SeqCst);
                        cx.intake.crowd.store(false, Ordering::SeqCst);
                    }
                }
            }
        }
    }
}

/// How many from the front go into one commit: at least one.
fn one_commit(queue: &VecDeque<Waiting>) -> usize {
    let mut bytes = 0;
    let fits = |waiting: &Waiting| {
        bytes += waiting.incoming.iter().map(|i| i.record.raw.len()).sum::<usize>();
        bytes <= BATCH_BYTES_MAX
    };
    let n = queue.iter().take(BATCH_MAX).map(fits).take_while(|fits| *fits).count();
    n.max(1).min(queue.len())
}

/// Commits a batch and answers everybody in it. If something in it cannot be stored, each goes alone, so that only
/// the bad one fails.
async fn carry(cx: &Cx, batch: Vec<Waiting>) {
    match commit(cx, &batch).await {
        Ok(()) => {
            for waiting in batch {
                let _ = waiting.reply.send(Ok(()));
            }
        }
        Err(error) if error.is_passing() || batch.len() == 1 => {
            not_committed(cx, batch.len(), &error);
            for waiting in batch {
                let _ = waiting.reply.send(Err(IntakeError::Store(error.to_string())));
            }
        }
        Err(error) => {
            tracing::warn!(error = %chain(&error), notices = batch.len(), "a batch of notices is taken apart");
            for waiting in batch {
                let one = [waiting];
                let result = commit(cx, &one).await;
                let [waiting] = one;
                if let Err(error) = &result {
                    not_committed(cx, 1, error);
                }
                let _ = waiting.reply.send(result.map_err(|error| IntakeError::Store(error.to_string())));
            }
        }
    }
}

fn not_committed(cx: &Cx, notices: usize, error: &StoreError) {
    if let Some(notices) = cx.intake.lines.more(notices, cx.now()) {
        tracing::error!(error = %chain(error), notices, "notices could not be committed");
    }
}

async fn commit(cx: &Cx, batch: &[Waiting]) -> Result<(), StoreError> {
    let now = cx.now();
    let mut groups: Vec<(Arc<Link>, Vec<&Incoming>, i64)> = Vec::new();
    for waiting in batch {
        match groups.iter_mut().find(|(link, _, _)| link.id == waiting.link.id) {
            Some((_, incoming, notices)) => {
                incoming.extend(&waiting.incoming);
                *notices += 1;
            }
            None => groups.push((Arc::clone(&waiting.link), waiting.incoming.iter().collect(), 1)),
        }
    }
    for (link, _, _) in &groups {
        catch_up::make_room(cx, link).await?;
    }
    let mut tx = cx.store.begin().await?;
    let mut done: Vec<(Arc<Link>, Applied)> = Vec::with_capacity(groups.len());
    for (link, incoming, notices) in groups {
        let warehouse = link.default_warehouse();
        let origin = Origin { connection: &link.id, default_warehouse: &warehouse };
        let applied = if incoming.is_empty() {
            Applied::default()
        } else if link.behind.records() > 0 || incoming.len() >= CROWD {
            keep_only(&mut tx, &link, &incoming, now).await?
        } else {
            apply(&mut tx, origin, &incoming, now).await?
        };
        let counts = [("accepted", notices), ("repeated", applied.repeated), ("parked", applied.parked)];
        inbox::count_notices(&mut tx, &link.id, now, &counts);
        done.push((link, applied));
    }
    tx.commit().await?;
    for (link, applied) in done {
        cx.follow_up(&link, &applied);
        if link.behind.records() > 0 {
            catch_up::wake(cx, &link);
        }
    }
    Ok(())
}

/// An error with its causes, for the one place where it is logged. A cause that was said already, because the layer
/// above repeats it at its end, is not said again.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        #[source]
        below: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Option<Box<Layer>> {
        let (text, below) = texts.split_first()?;
        Some(Box::new(Layer { text, below: layers(below) }))
    }

    #[test]
    fn a_cause_is_said_once() {
        for (texts, said) in [
            (&["alone"][..], "alone"),
            (&["not kept", "disk full"], "not kept: disk full"),
            (&["not kept", "the database: disk full", "disk full"], "not kept: the database: disk full"),
            (&["disk full", "disk full", "errno 28"], "disk full: errno 28"),
            (&["disk full", "not kept", "disk full"], "disk full: not kept: disk full"),
        ] {
            assert_eq!(chain(&layers(texts).unwrap()), said);
        }
    }
}
