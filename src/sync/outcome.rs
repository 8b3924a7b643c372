//! One call that writes, and what became of it.

use super::confirm::CONFIRM_AFTER;
use super::cx::{Cx, Link, keep_evidence};
use super::schedule::Task;
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::evidence::Exchange;
use crate::connectors::{Answer, Shop, StockWrite, WriteOutcome};
use crate::domain::retry;
use crate::domain::time::Timestamp;
use crate::store::pushes::{self, Intent, Outcome};
use crate::store::{StoreError, Tx, feeds};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What became of one call; not written down yet.
pub(super) struct Answered {
    intents: Vec<Intent>,
    /// One for each intent: what became of it, and when it may go again.
    outcomes: Vec<(Outcome, Timestamp)>,
    exchanges: Vec<Exchange>,
    pub(super) error: Option<CallError>,
    at: Timestamp,
}

impl Answered {
    pub(super) async fn write(&self, tx: &mut Tx, cx: &Cx, link: &Arc<Link>) -> Result<(), StoreError> {
        let evidence = keep_evidence(tx, cx, link, &self.exchanges).await?;
        pushes::answered(tx, self.intents.iter().zip(&self.outcomes), &evidence, self.at);
        match &self.error {
            Some(error) => feeds::failed(tx, &link.id, Task::Push.feed(), &error.to_string(), self.at),
            None => feeds::mark(tx, &link.id, Task::Push.feed(), 0, self.at, self.at),
        }
        Ok(())
    }

    /// After the commit.
    pub(super) fn tell(&self, cx: &Cx, link: &Link) {
        link.outcome_lost.store(false, Ordering::SeqCst);
        cx.tell(&self.intents.iter().map(|i| i.variant.clone()).collect());
        if self.outcomes.iter().any(|(outcome, _)| *outcome == Outcome::Accepted) {
            link.schedule.wake(Task::Confirm, self.at + CONFIRM_AFTER);
        }
    }
}

/// Writes down what became of a call when no other follows at once.
pub(super) async fn write_down(cx: &Cx, link: &Arc<Link>, answered: Option<Answered>) -> Result<(), StoreError> {
    let Some(answered) = answered else { return Ok(()) };
    let mut tx = cx.store.begin().await?;
    answered.write(&mut tx, cx, link).await?;
    tx.commit().await?;
    answered.tell(cx, link);
    Ok(())
}

/// One call, without any transaction; its intents have been written down.
pub(super) async fn call(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop, intents: Vec<Intent>) -> Answered {
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
