//! Health, marks, places and *Go live*.

use super::overview::freshness;
use super::views::{
    ConnectionCard, Connections, Delay, GoLivePreview, GoLiveWrite, ParkedRecord, PlaceRow, RefusedNotice, Severity,
};
use super::{Actor, OperatorError, note, ready, store_failed};
use crate::domain::access::Deed;
use crate::domain::problem::{OURS_FAILS, OURS_FAILS_AFTER, STALE_AFTER, failure_in_words};
use crate::domain::system::System;
use crate::domain::time::{Span, Timestamp};
use crate::domain::words::capital;
use crate::engine::{Change, Engine};
use crate::store::connections::{self, ConnectionRow};
use crate::store::feeds::Feed;
use crate::store::pushes::QUARTER;
use crate::store::{feeds, inbox, listings, pushes, views};
use crate::sync::cx::Link;
use crate::sync::cx::Side;
use crate::sync::house;
use crate::sync::schedule::Task;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Quarters of an hour in a day.
const SLOTS: usize = 96;

/// Writes listed in a preview at most; the total counts all.
const PREVIEW_MAX: i64 = 100_000;

/// The Connections page.
pub async fn list(engine: &Engine, actor: &Actor) -> Result<Connections, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let store = engine.store();
    let now = engine.clock().now();
    let all_feeds = feeds::all(store).await.map_err(store_failed)?;
    let counts = inbox::notice_counts(now - Span::hours(24)).ask(store).await.map_err(store_failed)?;
    let untold = inbox::untold(store, now - Span::hours(24), now - inbox::NOTICE_COMES_WITHIN).await;
    let untold = untold.map_err(store_failed)?;
    let rows = connections::all(store).await.map_err(store_failed)?;
    let outlets = connections::outlets(store).await.map_err(store_failed)?;
    let places = connections::places(store).await.map_err(store_failed)?;
    let name_of = |id: &str| rows.iter().find(|row| row.id == id).map_or_else(|| id.to_owned(), |row| row.name.clone());
    let stuck = engine.cx().stuck.before(now - OURS_FAILS_AFTER);
    let mut cards = Vec::new();
    for row in &rows {
        let Some(link) = engine.cx().link(&row.id) else { continue };
        let mine: Vec<(&str, &Feed)> =
            all_feeds.iter().filter(|(c, _, _)| *c == row.id).map(|(_, f, feed)| (f.as_str(), feed)).collect();
        let n = |what: &str| counts.iter().filter(|(c, w, _)| *c == row.id && w == what).map(|(_, _, n)| n).sum();
        let my_outlets = outlets.iter().filter(|outlet| outlet.connection == row.id).count();
        let found = untold.iter().filter(|(c, _)| *c == row.id).map(|(_, n)| n).sum();
        let notices = [n("accepted"), n("repeated"), found, n("refused")];
        let stuck = stuck.iter().any(|(connection, _, _)| *connection == row.id);
        cards.push(card(row, &link, &mine, notices, my_outlets, stuck, now));
    }
    cards.sort_by_key(|card| card.title != "Web shop");
    Ok(Connections {
        freshness: freshness(engine).await?,
        cards,
        delay: delay(engine, now).await?,
        places: places
            .iter()
            .map(|place| PlaceRow {
                id: place.id.clone(),
                name: place.name.clone(),
                connection: name_of(&place.connection),
                outlets: outlets
                    .iter()
                    .filter(|o| o.place == place.id)
                    .map(|o| (o.id.clone(), o.name.clone()))
                    .collect(),
                live_since: (place.live_since > Timestamp(0)).then_some(place.live_since),
            })
            .collect(),
        unmapped_outlets: outlets
            .iter()
            .filter(|outlet| outlet.place.is_empty())
            .map(|outlet| (outlet.id.clone(), outlet.name.clone()))
            .collect(),
        refused: inbox::refused(store, 20)
            .await
            .map_err(store_failed)?
            .into_iter()
            .map(|(connection, status, reason, at, count)| RefusedNotice {
                at,
                connection: name_of(&connection),
                status: u16::try_from(status).unwrap_or(0),
                reason: capital(&reason),
                count,
            })
            .collect(),
        parked: inbox::parked(None, 20)
            .ask(store)
            .await
            .map_err(store_failed)?
            .into_iter()
            .map(|record| ParkedRecord {
                id: record.id,
                at: record.received_at,
                connection: name_of(&record.connection),
                what: format!("{} {}", record.kind, record.external_id),
                reason: record.reason,
            })
            .collect(),
    })
}

fn card(
    row: &ConnectionRow,
    link: &Arc<Link>,
    mine: &[(&str, &Feed)],
    [accepted, repeated, found, refused]: [i64; 4],
    outlets: usize,
    stuck: bool,
    now: Timestamp,
) -> ConnectionCard {
    let shop = link.is_shop();
    let feed = |task: Task| mine.iter().find(|(name, _)| *name == task.feed()).map(|(_, feed)| *feed);
    let marks: &[Task] = if shop { &[Task::Orders] } else { &[Task::Sales, Task::Stock] };
    let read_up_to =
        marks.iter().map(|task| feed(*task).map_or(Timestamp(0), |f| f.read_up_to)).min().unwrap_or_default();
    let failing =
        mine.iter().map(|(_, f)| *f).filter(|f| f.failing_since > Timestamp(0)).min_by_key(|f| f.failing_since);
    let allowance = match &link.side {
        Side::Till(till) => till.allowance(now),
        Side::Shop(shop) => shop.allowance(now),
    };
    let blocked = allowance.blocked_until.filter(|until| *until > now);
    let paused = link.paused.load(Ordering::SeqCst);
    let late = read_up_to > Timestamp(0) && now.since(read_up_to) > STALE_AFTER;
    let refused_key = mine.iter().find(|(name, feed)| feed.refuses_key(name, now)).map(|(_, feed)| *feed);
    let health = if paused {
        (
            Severity::Held,
            "Paused".to_owned(),
            Some("Nothing is read or written until somebody resumes it. Notices are kept.".to_owned()),
        )
    } else if stuck {
        (if late { Severity::Now } else { Severity::Soon }, "Stuck".to_owned(), Some(OURS_FAILS.to_owned()))
    } else if let Some(refused) = refused_key {
        (Severity::Now, "Down".to_owned(), Some(failure_in_words(&refused.error, &row.base_url)))
    } else if let Some(failing) = failing.filter(|_| late || read_up_to == Timestamp(0)) {
        (Severity::Now, "Down".to_owned(), Some(failure_in_words(&failing.error, &row.base_url)))
    } else if blocked.is_some() {
        (Severity::Soon, "Slow".to_owned(), Some("It asks us to wait.".to_owned()))
    } else if let Some(failing) = failing {
        (Severity::Soon, "Slow".to_owned(), Some(failure_in_words(&failing.error, &row.base_url)))
    } else if read_up_to == Timestamp(0) {
        (Severity::Waiting, "Reading".to_owned(), Some("The first pass is on its way.".to_owned()))
    } else {
        (Severity::Fine, "Working".to_owned(), None)
    };
    let percent = if allowance.limit > 0 { (allowance.left.max(0) * 100 / allowance.limit).min(100) } else { 100 };
    let sentence = match (blocked, allowance.refills_at) {
        (Some(until), _) => format!("waits {}", short(until.since(now))),
        (None, Some(at)) if at > now => format!("full again in {}", short(at.since(now))),
        _ => "refills as time passes".to_owned(),
    };
    let full = if shop { Task::Observe } else { Task::Compare };
    ConnectionCard {
        id: row.id.clone(),
        title: if shop { "Web shop" } else { "Till" }.to_owned(),
        vendor: match (System::parse(&row.vendor), outlets) {
            (Some(system), 1) if !shop => format!("{}, 1 outlet", system.name()),
            (Some(system), n) if !shop => format!("{}, {n} outlets", system.name()),
            (Some(system), _) => system.name().to_owned(),
            (None, _) => row.vendor.clone(),
        },
        health,
        read_up_to: (read_up_to > Timestamp(0)).then_some(read_up_to),
        compared_at: feed(full).map(|f| f.read_up_to).filter(|at| *at > Timestamp(0)),
        allowance: Some((percent, sentence)),
        notices: (accepted, repeated, found, refused),
        key_hint: (!row.key_hint.is_empty()).then(|| row.key_hint.clone()),
        notice_url: format!("/hooks/{}", row.id),
        paused,
    }
}

fn short(span: Span) -> String {
    match span.0 / 1_000_000 {
        s if s < 90 => format!("{}\u{a0}s", s.max(1)),
        s => format!("{}\u{a0}min", s / 60),
    }
}

/// The last 96 quarters of an hour, the one that is under way among them.
async fn delay(engine: &Engine, now: Timestamp) -> Result<Delay, OperatorError> {
    let from = Timestamp(now.0.div_euclid(QUARTER.0) * QUARTER.0) - Span(QUARTER.0 * (SLOTS as i64 - 1));
    let delays = pushes::delays(engine.store(), from, now).await.map_err(store_failed)?;
    let mut slots = vec![Span::ZERO; SLOTS];
    for (start, worst) in &delays.quarters {
        let slot = usize::try_from(start.since(from).0 / QUARTER.0).ok().and_then(|i| slots.get_mut(i));
        if let Some(slot) = slot {
            *slot = *worst;
        }
    }
    Ok(Delay { count: delays.count(), p50: delays.under(50), p95: delays.under(95), worst: delays.worst, slots, from })
}

/// Wakes every sweep of a connection; it never writes to the vendor.
pub async fn read_again(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    actor.check(Deed::ReadAgain)?;
    let link = engine.cx().link(connection).ok_or(OperatorError::NotFound)?;
    if link.paused.load(Ordering::SeqCst) {
        return Err(OperatorError::Conflict("It is paused, so nothing was read. Resume it first.".to_owned()));
    }
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    note(&mut tx, engine, actor, "read again", &format!("connection:{connection}"), "{}").await?;
    tx.commit().await.map_err(store_failed)?;
    let now = engine.clock().now();
    link.read_all_again.store(true, Ordering::SeqCst);
    for task in [
        Task::Places,
        Task::Catalogue,
        Task::Stock,
        Task::Sales,
        Task::Orders,
        Task::Observe,
        Task::Compare,
        Task::Masters,
    ] {
        link.schedule.ask(task, now);
    }
    Ok(())
}

/// Stops all calls to a connection until it is resumed; notices are still kept.
pub async fn pause(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    actor.check(Deed::PauseConnection)?;
    set_paused(engine, actor, connection, true).await
}

/// Undoes a pause.
pub async fn resume(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    actor.check(Deed::PauseConnection)?;
    set_paused(engine, actor, connection, false).await
}

async fn set_paused(engine: &Engine, actor: &Actor, connection: &str, pause: bool) -> Result<(), OperatorError> {
    let link = engine.cx().link(connection).ok_or(OperatorError::NotFound)?;
    if link.paused.load(Ordering::SeqCst) == pause {
        return Ok(());
    }
    let now = engine.clock().now();
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let at = if pause { now } else { Timestamp(0) };
    connections::set_paused(&mut tx, connection, at).await.map_err(store_failed)?;
    let action = if pause { "pause" } else { "resume" };
    note(&mut tx, engine, actor, action, &format!("connection:{connection}"), "{}").await?;
    tx.commit().await.map_err(store_failed)?;
    link.paused.store(pause, Ordering::SeqCst);
    if !pause {
        for task in Task::TILL.iter().chain(Task::SHOP) {
            link.schedule.ask(*task, now);
        }
    }
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(())
}

/// Every write that would follow if the place went live now.
pub async fn preview_go_live(engine: &Engine, actor: &Actor, place: &str) -> Result<GoLivePreview, OperatorError> {
    actor.check(Deed::GoLive)?;
    let store = engine.store();
    let places = connections::places(store).await.map_err(store_failed)?;
    let found = places.iter().find(|p| p.id == place).ok_or(OperatorError::NotFound)?;
    let outlets = connections::outlets(store).await.map_err(store_failed)?;
    let rows = views::of_place(store, place, PREVIEW_MAX).await.map_err(store_failed)?;
    let read = feeds::get(store, &found.connection, Task::Observe.feed()).await.map_err(store_failed)?.read_up_to;
    let (at_till, in_shop, _) = listings::unlinked().ask(store).await.map_err(store_failed)?;
    let blocked = ready::missing(engine, found, &outlets, &rows).await?;
    let mut writes: Vec<GoLiveWrite> = rows
        .iter()
        .filter_map(|row| {
            let before = row.web.filter(|web| *web != row.should)?;
            Some(GoLiveWrite {
                variant: row.variant.clone(),
                item: row.item.clone(),
                sku: row.sku.clone(),
                before,
                after: row.should,
            })
        })
        .collect();
    // By the variant too, so that the same lines always stand in the same order.
    writes.sort_by(|a, b| {
        let size = |write: &GoLiveWrite| (write.after - write.before).abs();
        size(b).cmp(&size(a)).then_with(|| a.item.cmp(&b.item)).then_with(|| a.variant.cmp(&b.variant))
    });
    let unchanged = rows.iter().filter(|row| row.web == Some(row.should)).count();
    Ok(GoLivePreview {
        place: place.to_owned(),
        name: found.name.clone(),
        fingerprint: fingerprint(place, &writes),
        writes,
        unchanged: i64::try_from(unchanged).unwrap_or(0),
        unlinked: at_till + in_shop,
        read_at: (read > Timestamp(0)).then_some(read),
        blocked,
    })
}

/// SHA-256 over every line of a preview, in order: two previews have the same one when they show the same writes.
fn fingerprint(place: &str, writes: &[GoLiveWrite]) -> String {
    let mut hash = Sha256::new();
    let mut feed = |part: &[u8]| {
        // Lengths first, so that no two different lists feed the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    feed(place.as_bytes());
    for write in writes {
        feed(write.variant.as_bytes());
        feed(&write.before.to_be_bytes());
        feed(&write.after.to_be_bytes());
    }
    hex::encode(hash.finalize())
}

/// Lets the place be written to. `seen` is the fingerprint of the preview that the person pressed on; when any line
/// of it has changed meanwhile this is a conflict and the person looks again.
pub async fn go_live(engine: &Engine, actor: &Actor, place: &str, seen: &str) -> Result<(), OperatorError> {
    let preview = preview_go_live(engine, actor, place).await?;
    if let Some(blocked) = preview.blocked {
        return Err(OperatorError::Conflict(blocked));
    }
    if preview.fingerprint != seen {
        return Err(OperatorError::Conflict(
            "Other counts would be written now than the page showed. Nothing was sent. Look again.".to_owned(),
        ));
    }
    let writes = preview.writes.len();
    let now = engine.clock().now();
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    connections::set_live(&mut tx, place, now).await.map_err(store_failed)?;
    let body = format!(r#"{{"writes":{writes},"unchanged":{}}}"#, preview.unchanged);
    note(&mut tx, engine, actor, "go live", &format!("place:{place}"), &body).await?;
    tx.commit().await.map_err(store_failed)?;
    for link in engine.cx().links() {
        link.schedule.wake(Task::Push, now);
    }
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(())
}

/// Back to reading only, at once.
pub async fn stop_writing(engine: &Engine, actor: &Actor, place: &str) -> Result<(), OperatorError> {
    actor.check(Deed::GoLive)?;
    let places = connections::places(engine.store()).await.map_err(store_failed)?;
    let found = places.iter().find(|p| p.id == place).ok_or(OperatorError::NotFound)?;
    if found.live_since == Timestamp(0) {
        return Ok(());
    }
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    connections::set_live(&mut tx, place, Timestamp(0)).await.map_err(store_failed)?;
    note(&mut tx, engine, actor, "stop writing", &format!("place:{place}"), "{}").await?;
    tx.commit().await.map_err(store_failed)?;
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(())
}

/// Lets a till outlet feed a shop place, or no place (`None`). Places whose sum this changes go back to reading
/// only: their next writes are new ones, and somebody looks at them first.
pub async fn map_outlet(
    engine: &Engine,
    actor: &Actor,
    outlet: &str,
    place: Option<&str>,
) -> Result<(), OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let store = engine.store();
    let places = connections::places(store).await.map_err(store_failed)?;
    let outlets = connections::outlets(store).await.map_err(store_failed)?;
    let found = outlets.iter().find(|o| o.id == outlet).ok_or(OperatorError::NotFound)?;
    let wanted = place.unwrap_or("");
    if !wanted.is_empty() && !places.iter().any(|p| p.id == wanted) {
        return Err(OperatorError::NotFound);
    }
    if found.place == wanted {
        return Ok(());
    }
    let mut tx = store.begin().await.map_err(store_failed)?;
    connections::map_outlet(&mut tx, outlet, wanted).await.map_err(store_failed)?;
    for p in places.iter().filter(|p| p.live_since > Timestamp(0) && (p.id == wanted || p.id == found.place)) {
        connections::set_live(&mut tx, &p.id, Timestamp(0)).await.map_err(store_failed)?;
    }
    let body = serde_json::json!({ "before": found.place, "after": wanted }).to_string();
    note(&mut tx, engine, actor, "map outlet", &format!("outlet:{outlet}"), &body).await?;
    tx.commit().await.map_err(store_failed)?;
    house::retarget_all(engine.cx()).await.map_err(store_failed)?;
    let now = engine.clock().now();
    for link in engine.cx().links() {
        link.schedule.wake(Task::Observe, now);
    }
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(())
}
