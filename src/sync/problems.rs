//! What needs a person, found from what is true now. A problem that is no longer found closes itself.

use super::cx::{Change, Cx, Link};
use super::guessing;
use super::mapping_problems;
use super::schedule::Task;
use crate::domain::access::Deed;
use crate::domain::money::{Fine, group};
use crate::domain::problem::{
    Kind, OURS_FAILS, OURS_FAILS_AFTER, Press, Problem, STALE_AFTER, Severity, failure_in_words,
};
use crate::domain::time::{Span, Timestamp};
use crate::domain::words::{capital, sentence};
use crate::store::connections::ConnectionRow;
use crate::store::feeds::Feed;
use crate::store::question::Questions;
use crate::store::{StoreError, connections, feeds, findings, inbox, listings, mappings, masters, problems};

/// A difference younger than this is merely in flight.
const IN_FLIGHT: Span = Span::minutes(2);

/// Problems raised for single SKUs at most; beyond it they are one row with a count.
const SINGLE_SKUS: i64 = 20;

/// Raises what is found and closes what is gone.
pub async fn refresh(cx: &Cx) -> Result<(), StoreError> {
    let now = cx.now();
    let mut questions = Questions::default();
    let feeds = questions.add(feeds::states());
    let rows = questions.add(connections::every());
    let stuck = questions.add(findings::stuck_writes(now - IN_FLIGHT, SINGLE_SKUS));
    let not_written = questions.add(findings::not_written());
    let oversold = questions.add(findings::oversold(SINGLE_SKUS));
    let differing = questions.add(findings::differing(now - IN_FLIGHT));
    let causes = questions.add(findings::causes(now - IN_FLIGHT));
    let held = questions.add(findings::on_hold());
    let unlinked = questions.add(listings::unlinked());
    let unlinked_value = questions.add(findings::unlinked_value());
    let parked = questions.add(inbox::parked(None, 1));
    let parked_count = questions.add(inbox::parked_count());
    let notices = questions.add(inbox::notice_counts(now - Span::hours(1)));
    let tries = questions.add(guessing::question(now));
    let set_up = questions.add(masters::rows());
    let known = questions.add(masters::known());
    let decisions = questions.add(mappings::decisions());
    let before = questions.add(problems::count_open());
    let answers = questions.ask(&cx.store).await?;

    let mut found = Vec::new();
    ours_fails(cx, now, &mut found);
    let feeds = answers.take(feeds)?;
    not_read(cx, &feeds, &answers.take(rows)?, now, &mut found);
    found.extend(answers.take(stuck)?.into_iter().map(write_does_not_get_through));
    found.extend(answers.take(not_written)?.into_iter().map(|place| place_is_not_written(place, now)));
    found.extend(answers.take(oversold)?.iter().map(item_is_oversold));
    found.extend(skus_differ(answers.take(differing)?, &answers.take(causes)?));
    found.extend(returns_are_held(answers.take(held)?, now));
    found.extend(items_are_not_linked(cx, &feeds, answers.take(unlinked)?, answers.take(unlinked_value)?));
    found.extend(records_are_parked(&answers.take(parked)?, answers.take(parked_count)?));
    found.extend(notices_are_refused(&answers.take(notices)?));
    found.extend(guessing::problem(cx, answers.take(tries)?).await?);
    let lists = masters::Lists::new(answers.take(set_up)?, answers.take(known)?);
    found.extend(mapping_problems::find(cx, &lists, &answers.take(decisions)?));

    let before = answers.take(before)?;
    let mut tx = cx.store.begin().await?;
    for problem in &found {
        problems::raise(&mut tx, &cx.mint.id(now), problem, now);
    }
    let closed = problems::close_unseen(&mut tx, now).await?;
    tx.commit().await?;
    if closed > 0 || i64::try_from(found.len()).unwrap_or(0) != before {
        let _ = cx.changes.send(Change::Problems);
    }
    Ok(())
}

fn minutes(span: Span) -> String {
    let minutes = span.0 / 60_000_000;
    match minutes {
        0 => "less than a minute".into(),
        1 => "1\u{a0}minute".into(),
        n if n < 120 => format!("{n}\u{a0}minutes"),
        n => format!("{}\u{a0}hours", n / 60),
    }
}

fn key_refused(link: &Link, feed: &Feed, address: &str, read_up_to: Timestamp, now: Timestamp) -> Problem {
    let then = if read_up_to == Timestamp(0) {
        "It has never been read.".to_owned()
    } else {
        format!("It was last read {} ago.", minutes(now.since(read_up_to)))
    };
    Problem {
        kind: Kind::KeyRefused,
        subject: link.id.clone(),
        severity: Severity::Now,
        team: "operations",
        title: format!("{} refuses our key", if link.is_shop() { "The shop" } else { "The till" }),
        why: format!("{} {then}", failure_in_words(&feed.error, address)),
        money_minor: 0,
        currency: String::new(),
        waits: link.name.clone(),
        actions: vec![
            Press::open("Change keys…", format!("/connections/{}/keys", link.id), Deed::ManageConnections),
            Press::look("Open connections", "/connections"),
            Press::act("Read again", format!("/connections/{}/read-again", link.id), Deed::ReadAgain),
        ],
    }
}

fn not_read(
    cx: &Cx,
    feeds: &[(String, String, Feed)],
    rows: &[ConnectionRow],
    now: Timestamp,
    found: &mut Vec<Problem>,
) {
    for link in cx.links() {
        let paused = link.paused.load(std::sync::atomic::Ordering::SeqCst);
        let address = rows.iter().find(|row| row.id == link.id).map_or("", |row| row.base_url.as_str());
        let own = || feeds.iter().filter(|(id, _, _)| *id == link.id).map(|(_, name, feed)| (name.as_str(), feed));
        if let Some((_, feed)) = own().find(|(name, feed)| !paused && feed.refuses_key(name, now)) {
            let needed = if link.is_shop() { &["orders"][..] } else { &["sales", "stock"] };
            let mark = |name| own().find(|(feed, _)| *feed == name).map_or(Timestamp(0), |(_, feed)| feed.read_up_to);
            let read_up_to = needed.iter().map(|name| mark(*name)).min().unwrap_or_default();
            found.push(key_refused(&link, feed, address, read_up_to, now));
            continue;
        }
        let mine = feeds.iter().filter(|(connection, _, _)| *connection == link.id);
        let worst = mine
            .filter(|(_, feed, _)| matches!(feed.as_str(), "sales" | "stock" | "orders" | "catalogue" | "places"))
            .filter(|(_, feed, f)| {
                // Lists that change rarely are a problem only when they fail.
                !matches!(feed.as_str(), "catalogue" | "places") || f.failing_since > Timestamp(0)
            })
            .filter(|(_, _, f)| f.failing_since > Timestamp(0) || now.since(f.read_up_to) > STALE_AFTER)
            .filter(|(_, _, f)| f.read_up_to == Timestamp(0) || now.since(f.read_up_to) > STALE_AFTER)
            .min_by_key(|(_, _, f)| f.read_up_to);
        let Some((_, _, feed)) = worst else {
            not_compared(link.as_ref(), feeds, rows, now, found);
            continue;
        };
        if paused || feed.tried_at == Timestamp(0) {
            continue;
        }
        // Where there are several of a side, "the till" would be any of them.
        let alone = cx.links().iter().filter(|other| other.is_shop() == link.is_shop()).count() == 1;
        let who = match (alone, link.is_shop()) {
            (true, true) => "The shop".to_owned(),
            (true, false) => "The till".to_owned(),
            (false, _) => link.name.clone(),
        };
        let since = now.since(feed.read_up_to);
        let title = if feed.read_up_to == Timestamp(0) {
            format!("{who} has not been read yet")
        } else {
            format!("{who} was last read {} ago", minutes(since))
        };
        let never = feed.read_up_to == Timestamp(0);
        let then = if never { "It has never been read." } else { "Its numbers are from then." };
        let why = match (feed.error.is_empty(), never) {
            (true, true) => "It has never been read to its end.".to_owned(),
            (true, false) => "No reading has reached its end since; its numbers are from then.".to_owned(),
            _ => format!("{} {then}", failure_in_words(&feed.error, address)),
        };
        found.push(Problem {
            kind: Kind::NotRead,
            subject: link.id.clone(),
            severity: Severity::Now,
            team: "operations",
            title,
            why,
            money_minor: 0,
            currency: String::new(),
            waits: link.name.clone(),
            actions: vec![
                Press::look("Open connections", "/connections"),
                Press::act("Read again", format!("/connections/{}/read-again", link.id), Deed::ReadAgain),
            ],
        });
    }
}

/// The pass over everything that one side holds, which finds what nothing else tells, has stopped.
fn not_compared(
    link: &Link,
    feeds: &[(String, String, Feed)],
    rows: &[ConnectionRow],
    now: Timestamp,
    found: &mut Vec<Problem>,
) {
    let (task, who, late) = if link.is_shop() {
        (Task::Observe, "The shop's whole stock", Span::hours(2))
    } else {
        (Task::Compare, "The till's whole stock", Span::hours(50))
    };
    let mine = feeds.iter().find(|(connection, feed, _)| *connection == link.id && feed == task.feed());
    let Some((_, _, feed)) = mine else { return };
    let failing = feed.failing_since > Timestamp(0) && now.since(feed.failing_since) > STALE_AFTER;
    let never = feed.read_up_to == Timestamp(0);
    let stopped = if never { failing } else { now.since(feed.read_up_to) > late };
    if !stopped || link.paused.load(std::sync::atomic::Ordering::SeqCst) {
        return;
    }
    let address = rows.iter().find(|row| row.id == link.id).map_or("", |row| row.base_url.as_str());
    let why = if feed.error.is_empty() {
        "No pass has reached its end since.".to_owned()
    } else {
        failure_in_words(&feed.error, address)
    };
    found.push(Problem {
        kind: Kind::NotRead,
        subject: format!("{}:{}", link.id, task.feed()),
        severity: Severity::Soon,
        team: "operations",
        title: if never {
            format!("{who} has not been compared yet")
        } else {
            format!("{who} was last compared {} ago", minutes(now.since(feed.read_up_to)))
        },
        why: format!("{why} Sales and orders are read; what changed without either is not found."),
        money_minor: 0,
        currency: String::new(),
        waits: link.name.clone(),
        actions: vec![
            Press::look("Open connections", "/connections"),
            Press::act("Read again", format!("/connections/{}/read-again", link.id), Deed::ReadAgain),
        ],
    });
}

/// What a task does, as the rest of "We cannot …".
fn task_in_words(task: &str) -> &str {
    match task {
        "push" => "write to the shop",
        "confirm" => "read back what we wrote",
        "web stock" | "full stock" => "compare every SKU",
        "look up" => "look sales up",
        "sales" => "keep sales",
        "stock" => "keep the till's counts",
        "orders" => "keep web orders",
        "catalogue" | "places" => "keep items and places",
        "seal" => "seal the log of writes",
        "forget" => "forget what is old",
        "masters" => "keep payment types, taxes and registers",
        "parked" => "try kept records again",
        "catch up" => "put notices into the books",
        "problems" => "look for problems",
        "refusals" => "count refused notices",
        other => other,
    }
}

/// One problem for all of it: it is one house.
fn ours_fails(cx: &Cx, now: Timestamp, found: &mut Vec<Problem>) {
    let mut stuck = cx.stuck.before(now - OURS_FAILS_AFTER);
    // A paused connection tries nothing but its books, so the rest can neither fail nor mend.
    stuck.retain(|(id, task, _)| {
        let paused = || cx.link(id).is_some_and(|link| link.paused.load(std::sync::atomic::Ordering::SeqCst));
        *task == Task::CatchUp.feed() || !paused()
    });
    let Some(since) = stuck.iter().map(|(_, _, at)| *at).min() else { return };
    let mut tasks: Vec<&str> = stuck.iter().map(|(_, task, _)| task_in_words(task)).collect();
    tasks.sort_unstable();
    tasks.dedup();
    found.push(Problem {
        kind: Kind::OursFails,
        subject: String::new(),
        severity: Severity::Now,
        team: "operations",
        title: format!("For {} we cannot {}", minutes(now.since(since)), tasks.join(", ")),
        why: OURS_FAILS.into(),
        money_minor: 0,
        currency: String::new(),
        waits: "all that depends on it".into(),
        actions: vec![Press::look("Open connections", "/connections")],
    });
}

fn write_does_not_get_through(row: findings::StuckWrite) -> Problem {
    let unknown = row.state == "unknown";
    Problem {
        kind: if unknown { Kind::OutcomeUnknown } else { Kind::ShopRefuses },
        subject: format!("{}:{}", row.variant, row.place),
        severity: if row.web > row.should { Severity::Now } else { Severity::Soon },
        team: "operations",
        title: match row.state.as_str() {
            "unknown" => format!("We don't know whether the shop took {}", row.item),
            "not shown" => format!("The shop takes the count of {} and shows another", row.item),
            _ => format!("The shop refuses the count of {}", row.item),
        },
        why: format!("{} It shows {} and should show {}.", sentence(&row.reason), row.web, row.should),
        money_minor: value(row.price_fine, (row.web - row.should).abs()),
        currency: String::new(),
        waits: units((row.web - row.should).abs()),
        actions: vec![Press::look("Open the SKU", format!("/stock/{}", row.variant))],
    }
}

/// "Los Angeles" of "America/Los_Angeles".
fn city(zone: &str) -> String {
    zone.rsplit('/').next().unwrap_or(zone).replace('_', " ")
}

fn place_is_not_written(place: findings::NotWritten, now: Timestamp) -> Problem {
    let zone: chrono_tz::Tz = place.zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let since = place.since.to_utc().with_timezone(&zone);
    let today = now.to_utc().with_timezone(&zone).date_naive() == since.date_naive();
    let time = since.format(if today { "%H:%M" } else { "%-d %b %H:%M" });
    let skus = |(n, units): (i64, i64), word: &str| match n {
        0 => None,
        1 => Some(format!("1 SKU shows {} {word}", plain(units))),
        n => Some(format!("{} SKUs show {} {word}", plain(n), plain(units))),
    };
    let shows: Vec<String> =
        [skus(place.over, "too many"), skus(place.under, "too few")].into_iter().flatten().collect();
    let (why, press) = if place.paused {
        (
            "Nothing is read or written there until somebody resumes the shop's connection.",
            Press::look("Open connections", "/connections"),
        )
    } else {
        (
            "It was live and is only read now. What the till sells is not taken off the web.",
            Press::open("Go live…", format!("/connections/places/{}/go-live", place.place), Deed::GoLive),
        )
    };
    Problem {
        kind: Kind::NotWritten,
        severity: if place.over.0 > 0 { Severity::Now } else { Severity::Soon },
        team: "operations",
        // That nothing differs is not said: it is true only until the next sale.
        title: if shows.is_empty() {
            format!("{} is not written since {time}", place.name)
        } else {
            format!("{} is not written since {time}; {}", place.name, shows.join(", "))
        },
        why: format!("{why} {time} is {} time.", city(zone.name())),
        money_minor: Fine(place.money_fine).to_minor().0,
        currency: String::new(),
        waits: if shows.is_empty() { String::new() } else { units(place.over.1 + place.under.1) },
        actions: [
            Some(press),
            (!shows.is_empty()).then(|| Press::look("Show them", format!("/stock?place={}&differs=yes", place.place))),
        ]
        .into_iter()
        .flatten()
        .collect(),
        subject: place.place,
    }
}

/// "19,192".
fn plain(n: i64) -> String {
    format!("{}{}", if n < 0 { "−" } else { "" }, group(n.unsigned_abs()))
}

fn units(n: i64) -> String {
    if n == 1 { "1\u{a0}unit".into() } else { format!("{}\u{a0}units", plain(n)) }
}

fn value(price_fine: i64, units: i64) -> i64 {
    Fine(price_fine).times(units).map_or(0, |fine| fine.to_minor().0)
}

fn item_is_oversold(row: &findings::Oversold) -> Problem {
    Problem {
        kind: Kind::Oversold,
        subject: format!("{}:{}", row.variant, row.place),
        severity: Severity::Now,
        team: "operations",
        title: format!("Oversold by {}: {}", row.over, row.item),
        why: short_by(row),
        money_minor: value(row.price_fine, row.over),
        currency: String::new(),
        waits: units(row.over),
        actions: vec![Press::look("Open the SKU", format!("/stock/{}", row.variant))],
    }
}

/// How many differ, units, value in fine units; and what they wait for.
fn skus_differ((count, units_off, money_fine): (i64, i64, i64), waiting: &[(String, bool, i64)]) -> Option<Problem> {
    (count > 0).then(|| Problem {
        kind: Kind::Differs,
        subject: String::new(),
        severity: Severity::Soon,
        team: "operations",
        title: if count == 1 { "1 SKU differs".into() } else { format!("{} SKUs differ", plain(count)) },
        why: format!("For longer than an update takes. {}", causes(waiting)),
        money_minor: Fine(money_fine).to_minor().0,
        currency: String::new(),
        waits: units(units_off),
        actions: vec![Press::look("Show them", "/stock?differs=yes")],
    })
}

/// What the differing SKUs wait for, in words.
fn causes(counted: &[(String, bool, i64)]) -> String {
    let said: Vec<String> = counted
        .iter()
        .map(|(state, paced, n)| {
            let (wait, was, it) = if *n == 1 { ("waits", "was", "it") } else { ("wait", "were", "them") };
            let n = plain(*n);
            match (state.as_str(), paced) {
                ("throttled", true) => format!("{n} {wait} until our allowance has room"),
                ("throttled", false) => format!("{n} {wait} because the shop is busy"),
                ("refused", _) => format!("{n} {was} refused by the shop"),
                ("unknown", _) => format!("of {n} we don't know whether the shop took {it}"),
                ("key", _) => format!("{n} {wait} because the shop refuses our key"),
                ("failed", _) => format!("{n} {wait} because the shop could not be reached"),
                ("again", _) => format!("{n} {was} accepted, but the shop does not show {it}"),
                ("", _) => format!("{n} {was} not explained yet"),
                _ => format!("{n} {wait} for the next update"),
            }
        })
        .collect();
    sentence(&said.join("; "))
}

/// The sum behind an oversold item, so that its numbers add up.
fn short_by(row: &findings::Oversold) -> String {
    let terms: Vec<String> =
        [(row.waiting, "promised to web orders"), (row.hold, "on hold"), (row.checking.max(0), "being checked")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, words)| format!("{n} {words}"))
            .collect();
    let wanted = row.waiting + row.hold + row.checking.max(0);
    let sum = if terms.len() > 1 { format!("{} = {wanted} wanted", terms.join(" + ")) } else { terms.concat() };
    let part = if row.over < row.short { format!(", {} of them for web orders", row.over) } else { String::new() };
    format!("{sum}; the till says {}: short by {}{part}.", row.till, row.short)
}

/// Lines, units, since when the oldest, value in fine units.
fn returns_are_held((lines, held, oldest, money_fine): (i64, i64, Timestamp, i64), now: Timestamp) -> Option<Problem> {
    (lines > 0).then(|| Problem {
        kind: Kind::ReturnsOnHold,
        subject: String::new(),
        severity: Severity::Soon,
        team: "operations",
        title: if lines == 1 {
            "1 store return has no sale to match".into()
        } else {
            format!("{} store returns have no sale to match", plain(lines))
        },
        why: format!(
            "{} {} on hold, not on sale.",
            if lines == 1 {
                "It names no sale that we know, so nobody can tell yet whose it is."
            } else {
                "They name no sale that we know, so nobody can tell yet whose they are."
            },
            capital(&units(held))
        ),
        money_minor: Fine(money_fine).to_minor().0,
        currency: String::new(),
        waits: format!("oldest {}", now.since(oldest).rough()),
        actions: vec![Press::look("Show them", "/stock?held=yes")],
    })
}

/// On the till, in the shop, units at the till; and their value in fine units.
fn items_are_not_linked(
    cx: &Cx,
    feeds: &[(String, String, Feed)],
    (till, shop, units_off): (i64, i64, i64),
    value_fine: i64,
) -> Option<Problem> {
    // Before both lists were read to their end, an item without a twin is one whose twin was not read yet.
    let read = |link: &Link| {
        feeds
            .iter()
            .any(|(id, name, feed)| *id == link.id && name == Task::Catalogue.feed() && feed.read_up_to > Timestamp(0))
    };
    let links = cx.links();
    if ![true, false].iter().all(|shop| links.iter().any(|link| link.is_shop() == *shop && read(link))) {
        return None;
    }
    (till + shop > 0).then(|| Problem {
        kind: Kind::NotLinked,
        subject: String::new(),
        severity: Severity::Soon,
        team: "merchandising",
        title: if till + shop == 1 {
            "1 item is not linked".into()
        } else {
            format!("{} items are not linked", plain(till + shop))
        },
        why: format!(
            "{} at the till and {} in the shop do not have exactly one twin with exactly the same SKU and no other \
                 size, so their counts cannot be kept. The list says why for each.",
            plain(till),
            plain(shop)
        ),
        money_minor: Fine(value_fine).to_minor().0,
        currency: String::new(),
        waits: format!("{} off sale", units(units_off.max(0))),
        actions: vec![Press::look("Show them", "/stock?linked=no")],
    })
}

/// The newest of them, if there is any; and how many there are.
fn records_are_parked(newest: &[inbox::Parked], n: i64) -> Option<Problem> {
    newest.first().map(|newest| Problem {
        kind: Kind::Unreadable,
        subject: String::new(),
        severity: Severity::Soon,
        team: "operations",
        title: if n == 1 {
            "1 record could not be used".into()
        } else {
            format!("{} records could not be used", plain(n))
        },
        why: format!("Newest: {} Everything else goes on.", sentence(&newest.reason)),
        money_minor: 0,
        currency: String::new(),
        waits: "kept with its reason".into(),
        actions: vec![Press::look("Show them", "/connections#parked")],
    })
}

/// Of the last hour and the one under way: connection, what became of them, how many.
fn notices_are_refused(counted: &[(String, String, i64)]) -> Option<Problem> {
    let refused: i64 = counted.iter().filter(|(_, what, _)| what == "refused").map(|(_, _, n)| n).sum();
    (refused > 0).then(|| Problem {
        kind: Kind::NoticesRefused,
        subject: String::new(),
        severity: Severity::Soon,
        team: "operations",
        title: if refused == 1 {
            "1 notice was refused".into()
        } else {
            format!("{} notices were refused", plain(refused))
        },
        why: if refused == 1 {
            "It was not signed by the shop or the till, or could not be read. Nothing of it was applied."
        } else {
            "They were not signed by the shop or the till, or could not be read. Nothing of theirs was applied."
        }
        .into(),
        money_minor: 0,
        currency: String::new(),
        waits: "in the last two hours".into(),
        actions: vec![Press::look("Show them", "/connections#refused")],
    })
}
