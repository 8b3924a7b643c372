//! A test of a connection that somebody asked for: each thing we need is asked for once, and what the vendor says is
//! kept in plain words. Nothing is written over there, and nothing that comes is taken into the books.

use super::cx::{Change, Cx, Link, Side, TaskError};
use super::intake::chain;
use super::sweep::Next;
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::{Answer, Page, Shop, Till};
use crate::domain::ids::OutletKey;
use crate::domain::time::Timestamp;
use crate::domain::trial::{Trial, TrialLine};
use crate::store::{connections, trials};
use std::sync::Arc;

/// Runs the test that was asked for, if any.
pub(super) async fn run(cx: &Cx, link: &Arc<Link>) -> Result<Next, TaskError> {
    let asked = trials::get(&cx.store, &link.id).await?.filter(Trial::is_under_way);
    let Some(asked) = asked else { return Ok(Next::Later) };
    // A question at a time: an allowance that is nearly used up is not enough for all of them at once.
    let mut lines = asked.lines;
    let next = match &link.side {
        Side::Till(till) => of_till(till.as_ref(), lines.len()).await,
        Side::Shop(shop) => {
            let places = connections::places(&cx.store).await?;
            let shelf = places.into_iter().find(|place| place.connection == link.id);
            of_shop(shop.as_ref(), lines.len(), shelf.map(|place| OutletKey::new(place.warehouse))).await
        }
    };
    // Our own patience, or the vendor's: nothing is known yet, and it is tried again when it may be.
    let next = next.map_err(TaskError::Call)?;
    let ended = next.is_none();
    lines.extend(next);
    let mut tx = cx.store.begin().await?;
    trials::keep(&mut tx, &link.id, &lines, if ended { cx.now() } else { Timestamp(0) }).await?;
    tx.commit().await?;
    if !ended {
        return Ok(Next::Again);
    }
    let _ = cx.changes.send(Change::Connections);
    Ok(Next::Later)
}

/// The line of one question, or nothing behind the last.
async fn of_till(till: &dyn Till, question: usize) -> Result<Option<TrialLine>, CallError> {
    match question {
        0 => line("Outlets and registers", places(till.outlets().await)),
        1 => line("Products", rows(till.products_after(None).await, "product")),
        2 => line("Sales", rows(till.sales_after(None).await, "sale")),
        3 => line("Counts", rows(till.stock_after(None).await, "count")),
        _ => return Ok(None),
    }
    .map(Some)
}

/// The same of a shop; `shelf` is a warehouse of it, once one is known.
async fn of_shop(shop: &dyn Shop, question: usize, shelf: Option<OutletKey>) -> Result<Option<TrialLine>, CallError> {
    match (question, shelf) {
        (0, _) => line("Warehouses", places(shop.warehouses().await)),
        (1, _) => line("Products", rows(shop.products_after(None).await, "product")),
        (2, _) => line("Orders", rows(shop.orders_after(None).await, "order")),
        (3, Some(shelf)) => line("Counts", rows(shop.stock(&shelf, None).await, "count")),
        _ => return Ok(None),
    }
    .map(Some)
}

fn places<T>(answer: Result<Answer<Vec<T>>, CallError>) -> Result<String, CallError> {
    answer.map(|answer| match answer.value.len() {
        0 => "Works, but there is none over there.".to_owned(),
        1 => "Works: one is there.".to_owned(),
        n => format!("Works: {n} are there."),
    })
}

fn rows<T>(answer: Result<Answer<Page<T>>, CallError>, one: &str) -> Result<String, CallError> {
    answer.map(|answer| match (answer.value.rows.len(), answer.value.next.is_some()) {
        (0, _) => format!("Works; there is no {one} yet."),
        (1, false) => format!("Works: one {one}."),
        (n, false) => format!("Works: {n} {one}s."),
        (n, true) => format!("Works: {n} {one}s on the first page, and more behind it."),
    })
}

/// One line; an error only when the answer must be waited for.
fn line(what: &str, answer: Result<String, CallError>) -> Result<TrialLine, CallError> {
    let (good, said) = match answer {
        Ok(said) => (true, said),
        Err(error) if error.not_before().is_some() => return Err(error),
        Err(error) => {
            tracing::info!(what, error = %chain(&error), "a test of a connection found that this does not work");
            (false, in_words(&error.kind))
        }
    };
    Ok(TrialLine { what: what.to_owned(), good, said })
}

/// What is wrong, and what to do about it.
fn in_words(kind: &CallErrorKind) -> String {
    match kind {
        CallErrorKind::Unauthorized { reason } => {
            format!("The key is refused ({reason}). Give a new one, or allow this to the key over there.")
        }
        CallErrorKind::Rejected { reason } => {
            format!("Refused: {reason}. Most often the key lacks this permission over there.")
        }
        // What the network says of it is in the log.
        CallErrorKind::Unavailable { .. } => "No answer came. Look at the address, or try later.".to_owned(),
        CallErrorKind::Protocol { reason } => {
            format!("The answer makes no sense: {reason}. Look at the address: is it the API's?")
        }
        CallErrorKind::Throttled { .. } | CallErrorKind::Paced { .. } => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: CallErrorKind) -> Result<TrialLine, CallError> {
        line("Products", Err(CallError { kind, exchanges: Vec::new() }))
    }

    #[test]
    fn what_does_not_work_is_said_with_what_to_do() {
        let reason = || "it said so".to_owned();
        for (kind, word) in [
            (CallErrorKind::Unauthorized { reason: reason() }, "Give a new one"),
            (CallErrorKind::Rejected { reason: reason() }, "permission"),
            (CallErrorKind::Unavailable { reason: reason(), acted: false }, "try later"),
            (CallErrorKind::Protocol { reason: reason() }, "Look at the address"),
        ] {
            let line = failed(kind).expect("a line");
            let told = word == "try later" || line.said.contains("it said so");
            assert!(!line.good && told && line.said.contains(word), "{line:?}");
        }
        let until = Timestamp::from_secs(10);
        assert!(failed(CallErrorKind::Throttled { until }).is_err(), "who is asked to wait knows nothing yet");
    }

    #[test]
    fn how_much_is_there_is_said_in_words() {
        let page = |n: usize, more: bool| {
            let next = more.then(|| "7".to_owned());
            let page = Page { rows: vec![(); n], next, resume: None, began: None };
            rows(Ok(Answer { value: page, exchanges: Vec::new() }), "sale").expect("an answer")
        };
        assert_eq!(page(0, false), "Works; there is no sale yet.");
        assert_eq!(page(1, false), "Works: one sale.");
        assert_eq!(page(200, true), "Works: 200 sales on the first page, and more behind it.");
    }
}
