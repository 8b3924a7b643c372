//! What has to be known before a place may be written to: whoever goes live on half-read numbers writes wrong ones.

use super::{OperatorError, store_failed};
use crate::domain::problem::{STALE_AFTER, failure_in_words};
use crate::domain::time::{Span, Timestamp};
use crate::engine::Engine;
use crate::store::connections::{self, OutletRow, PlaceRow};
use crate::store::feeds;
use crate::store::views::TargetRow;
use crate::sync::cx::Link;
use crate::sync::schedule::Task;
use std::sync::atomic::Ordering;

/// The shop's whole stock is read every half hour, which may take its time.
const LOOK_STALE_AFTER: Span = Span::hours(2);

/// Why the place cannot go live now, in one or two sentences that say what is missing and when it will be there.
pub(super) async fn missing(
    engine: &Engine,
    place: &PlaceRow,
    outlets: &[OutletRow],
    rows: &[TargetRow],
) -> Result<Option<String>, OperatorError> {
    if place.live_since > Timestamp(0) {
        return Ok(Some("This place is live already.".to_owned()));
    }
    let mut feeding: Vec<&str> =
        outlets.iter().filter(|outlet| outlet.place == place.id).map(|outlet| outlet.connection.as_str()).collect();
    feeding.sort_unstable();
    feeding.dedup();
    if feeding.is_empty() {
        return Ok(Some("No till outlet feeds this place. Map an outlet to it first.".to_owned()));
    }
    for connection in feeding.into_iter().chain([place.connection.as_str()]) {
        let Some(link) = engine.cx().link(connection) else { continue };
        if let Some(missing) = not_read(engine, &link).await? {
            return Ok(Some(missing));
        }
        if link.is_shop() && link.judge_shipped.load(Ordering::SeqCst) {
            let what = "It is being worked out which web orders had left before the till was read. It takes a minute.";
            return Ok(Some(what.to_owned()));
        }
    }
    if rows.is_empty() {
        return Ok(Some("No item is linked and counted here yet. It is read again within ten minutes.".to_owned()));
    }
    // What the shop was asked for by itself and does not name is no reason to wait: it will be refused, and shown.
    if rows.iter().any(|row| row.web.is_none() && row.push_state != "refused") {
        let what = "The shop's stock has not been read since the outlets were mapped. It takes a minute.";
        return Ok(Some(what.to_owned()));
    }
    Ok(None)
}

/// What a sum rests on, per system: the task, its name in a sentence, and how old it may be. Lists that change rarely
/// must have been read once.
fn needed(shop: bool) -> &'static [(Task, &'static str, Option<Span>)] {
    if shop {
        &[
            (Task::Catalogue, "items", None),
            (Task::Orders, "orders", Some(STALE_AFTER)),
            (Task::Observe, "stock", Some(LOOK_STALE_AFTER)),
        ]
    } else {
        &[
            (Task::Catalogue, "items", None),
            (Task::Stock, "stock", Some(STALE_AFTER)),
            (Task::Sales, "sales", Some(STALE_AFTER)),
        ]
    }
}

async fn not_read(engine: &Engine, link: &Link) -> Result<Option<String>, OperatorError> {
    let whose = if link.is_shop() { "The shop's" } else { "The till's" };
    if link.paused.load(Ordering::SeqCst) {
        let who = if link.is_shop() { "The shop" } else { "The till" };
        return Ok(Some(format!("{who} is paused, so its numbers are old. Resume it on Connections first.")));
    }
    let now = engine.clock().now();
    for (task, what, stale_after) in needed(link.is_shop()) {
        let feed = feeds::get(engine.store(), &link.id, task.feed()).await.map_err(store_failed)?;
        let age = now.since(feed.read_up_to);
        let state = if feed.read_up_to == Timestamp(0) {
            format!("{whose} {what} have not been read to their end yet.")
        } else if stale_after.is_some_and(|stale_after| age > stale_after) {
            format!("{whose} {what} were last read {} ago.", in_words(age))
        } else {
            continue;
        };
        let then = if !feed.error.is_empty() {
            let rows = connections::all(engine.store()).await.map_err(store_failed)?;
            let address = rows.iter().find(|row| row.id == link.id).map_or("", |row| row.base_url.as_str());
            failure_in_words(&feed.error, address)
        } else if feed.read_up_to == Timestamp(0) {
            "The first pass is on its way: minutes, for much of it hours. Connections says when it is done.".to_owned()
        } else {
            format!(
                "They are being read; look again {}.",
                if *task == Task::Observe { "in half an hour" } else { "in a minute" }
            )
        };
        // "Stock" is one thing.
        let state = if *what == "stock" {
            state.replace(" have ", " has ").replace(" their ", " its ").replace(" were ", " was ")
        } else {
            state
        };
        return Ok(Some(format!("{state} {then}")));
    }
    Ok(None)
}

fn in_words(span: Span) -> String {
    match span.0 / 60_000_000 {
        n if n < 120 => format!("{n}\u{a0}minutes"),
        n => format!("{}\u{a0}hours", n / 60),
    }
}
