//! Notices that were refused, counted together: a flood of them takes no more turns at the writer than one of them.
//!
//! Whoever comes first writes down what everybody brought; the others are answered at once, because no answer depends
//! on the count.

use super::cx::{Change, Cx};
use super::intake::chain;
use super::seldom::Seldom;
use crate::domain::time::Timestamp;
use crate::store::{StoreError, inbox};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Connection, status and reason.
type Key = (String, u16, String);

/// Kinds of refusals that wait to be written down at most; beyond it they are counted without their reason.
const KINDS_MAX: usize = 1_000;

/// What stands for reasons beyond [`KINDS_MAX`].
const OTHER: &str = "other reasons";

/// How often one caller writes down what others brought meanwhile.
const TURNS_MAX: usize = 4;

/// What waits to be written down.
#[derive(Default)]
pub struct Refusals {
    waiting: Mutex<BTreeMap<Key, i64>>,
    gate: tokio::sync::Mutex<()>,
    /// Of what could not be written down.
    lines: Seldom,
}

impl Refusals {
    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, i64>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, connection: &str, status: u16, reason: &str, n: i64) {
        let mut waiting = self.waiting();
        let mut key = (connection.to_owned(), status, reason.to_owned());
        if waiting.len() >= KINDS_MAX && !waiting.contains_key(&key) {
            key.2 = OTHER.to_owned();
        }
        *waiting.entry(key).or_default() += n;
    }
}

/// Counts a refusal. It is in the database when this returns, unless somebody else is about to write it there.
pub(super) async fn count(cx: &Cx, connection: &str, status: u16, reason: &str) {
    cx.refusals.add(connection, status, reason, 1);
    flush(cx).await;
}

/// Writes down what waits, unless somebody else is doing so.
pub(super) async fn flush(cx: &Cx) {
    for _ in 0..TURNS_MAX {
        let Ok(_gate) = cx.refusals.gate.try_lock() else { return };
        let counts = std::mem::take(&mut *cx.refusals.waiting());
        if counts.is_empty() {
            return;
        }
        if let Err(error) = write(cx, &counts, cx.now()).await {
            if let Some(tries) = cx.refusals.lines.more(1, cx.now()) {
                let kinds = counts.len();
                tracing::error!(error = %chain(&error), kinds, tries, "refused notices could not be counted yet");
            }
            for ((connection, status, reason), n) in counts {
                cx.refusals.add(&connection, status, &reason, n);
            }
            return;
        }
        // Nobody listening is fine.
        let _ = cx.changes.send(Change::Connections);
    }
}

async fn write(cx: &Cx, counts: &BTreeMap<Key, i64>, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = cx.store.begin().await?;
    for ((connection, status, reason), n) in counts {
        inbox::count_refused(&mut tx, connection, *status, reason, *n, now);
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_reasons_takes_bounded_room_and_every_refusal_counts() {
        let refusals = Refusals::default();
        for n in 0..3 * KINDS_MAX {
            refusals.add("till", 401, &format!("reason {n}"), 1);
            refusals.add("till", 401, "the signature does not fit", 1);
        }
        let waiting = refusals.waiting();
        assert_eq!(waiting.len(), KINDS_MAX + 1);
        assert_eq!(waiting.values().sum::<i64>(), i64::try_from(6 * KINDS_MAX).unwrap_or(0));
        let key = |reason: &str| ("till".to_owned(), 401, reason.to_owned());
        assert_eq!(waiting.get(&key("the signature does not fit")), Some(&3_000));
        assert!(waiting.contains_key(&key(OTHER)));
    }
}
