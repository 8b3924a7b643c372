//! Today, and how old every number is.

use super::views::{Freshness, Mark, ProblemRow, Severity, Today};
use super::{Actor, OperatorError, store_failed};
use crate::domain::access::Deed;
use crate::domain::money::Minor;
use crate::domain::problem::{OURS_FAILS_AFTER, Press, STALE_AFTER, failure_in_words};
use crate::domain::time::{Span, Timestamp};
use crate::engine::Engine;
use crate::store::feeds::{self, Feed};
use crate::store::problems::{self, ProblemRow as StoredProblem};
use crate::store::pushes::QUARTER;
use crate::store::{connections, findings, inbox, views};
use crate::sync::schedule::Task;
use chrono::TimeZone as _;
use std::sync::atomic::Ordering;

/// Problems shown at most.
const PROBLEMS_MAX: i64 = 200;

/// How old every number is; on every page.
pub async fn freshness(engine: &Engine) -> Result<Freshness, OperatorError> {
    let all = feeds::all(engine.store()).await.map_err(store_failed)?;
    let rows = connections::all(engine.store()).await.map_err(store_failed)?;
    let now = engine.clock().now();
    let links = engine.cx().links();
    let (mut marks, mut compared): (Vec<Mark>, Option<Option<Timestamp>>) = (Vec::new(), None);
    for shops in [true, false] {
        let side: Vec<_> = links.iter().filter(|link| link.is_shop() == shops).collect();
        for link in &side {
            let wanted: &[Task] = if shops { &[Task::Orders] } else { &[Task::Sales, Task::Stock] };
            let read: Vec<Option<&Feed>> = wanted
                .iter()
                .map(|task| all.iter().find(|(c, f, _)| *c == link.id && f == task.feed()).map(|(_, _, feed)| feed))
                .collect();
            let upto = read.iter().map(|feed| feed.map_or(Timestamp(0), |f| f.read_up_to)).min().unwrap_or_default();
            let error = read.iter().flatten().map(|f| f.error.as_str()).find(|e| !e.is_empty()).unwrap_or("");
            let paused = link.paused.load(Ordering::SeqCst);
            let stale = if paused {
                Some((upto, "paused by a person".to_owned()))
            } else if upto > Timestamp(0) && now.since(upto) > STALE_AFTER {
                let why = if error.is_empty() {
                    "no reading has reached its end since".to_owned()
                } else {
                    let address = rows.iter().find(|row| row.id == link.id).map_or("", |row| row.base_url.as_str());
                    failure_in_words(error, address).trim_end_matches('.').to_owned()
                };
                Some((upto, why))
            } else {
                None
            };
            let word = if shops { "Web" } else { "Till" };
            marks.push(Mark {
                label: if side.len() > 1 { link.name.clone() } else { word.to_owned() },
                read_up_to: (upto > Timestamp(0)).then_some(upto),
                stale,
            });
            let full = if shops { Task::Observe } else { Task::Compare };
            let at = all
                .iter()
                .find(|(c, f, _)| *c == link.id && f == full.feed())
                .map(|(_, _, f)| f.read_up_to)
                .filter(|at| *at > Timestamp(0));
            compared = Some(match compared {
                None => at,
                Some(so_far) => so_far.zip(at).map(|(a, b)| a.min(b)),
            });
        }
    }
    Ok(Freshness { marks, compared_at: compared.flatten(), now })
}

/// For how long our own database has not let us write down what needs a person; none while it does. Told from memory:
/// what is stuck cannot be read from there.
pub fn stuck_for(engine: &Engine) -> Option<Span> {
    let now = engine.clock().now();
    let stuck = engine.cx().stuck.before(now - OURS_FAILS_AFTER);
    let looking = |(connection, task, _): &&(String, &str, Timestamp)| connection.is_empty() && *task == "problems";
    stuck.iter().find(looking).map(|(_, _, since)| now.since(*since))
}

/// Open problems, for the number beside "Today" and in the tab title.
pub async fn open_problems(engine: &Engine) -> Result<i64, OperatorError> {
    problems::count_open().ask(engine.store()).await.map_err(store_failed)
}

/// The Today page. `team` filters "Needs you now" ("operations", "finance", "merchandising"); `None` shows all.
pub async fn today(engine: &Engine, actor: &Actor, team: Option<&str>) -> Result<Today, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let store = engine.store();
    let now = engine.clock().now();
    // Writes are counted by the quarter of an hour.
    let since = Timestamp((now - Span::hours(24)).0.div_euclid(QUARTER.0) * QUARTER.0);
    let midnight = local_midnight(engine, now).await?;
    // The three that walk over much, side by side.
    let (totals, stores, fixed) = tokio::try_join!(
        async { views::totals(store).await.map_err(store_failed) },
        async { views::sales_since(store, midnight).await.map_err(store_failed) },
        fixed(engine, since),
    )?;
    let stored = problems::open(store, PROBLEMS_MAX).await.map_err(store_failed)?;
    let currency = main_currency(engine).await?;
    let problems = stored
        .into_iter()
        .filter(|problem| team.is_none_or(|team| problem.team == team))
        .map(|problem| problem_row(problem, &currency))
        .collect();
    let tills = connections::all(store).await.map_err(store_failed)?;
    let began = tills.iter().filter(|row| row.side == "till").map(|row| row.created_at).min();
    let (_, units, oldest, _) = findings::on_hold().ask(store).await.map_err(store_failed)?;
    Ok(Today {
        freshness: freshness(engine).await?,
        trust_permille: (totals.read > 0 && totals.value > 0)
            .then(|| i64::try_from(i128::from(totals.value_equal) * 1_000 / i128::from(totals.value)).unwrap_or(1_000)),
        equal_of: (totals.all, totals.read - totals.differing.min(totals.read)),
        problems,
        fixed,
        fixed_since: since,
        stores,
        stores_since: began.filter(|began| *began > midnight),
        on_hold: (units, (units > 0).then_some(oldest)),
    })
}

/// What was mended without anybody, by cause.
async fn fixed(engine: &Engine, since: Timestamp) -> Result<Vec<(i64, String)>, OperatorError> {
    let store = engine.store();
    let notices = inbox::notice_counts(since).ask(store).await.map_err(store_failed)?;
    let by_now = engine.clock().now() - inbox::NOTICE_COMES_WITHIN;
    let untold = inbox::untold(store, since, by_now).await.map_err(store_failed)?;
    let pushes = views::push_states_since(store, since).await.map_err(store_failed)?;
    let noticed = |word: &str| notices.iter().filter(|(_, what, _)| what == word).map(|(_, _, n)| n).sum::<i64>();
    let waiting = findings::writes_that_wait(store, since).await.map_err(store_failed)?;
    let of = |all: &[(String, i64)], word: &str| -> i64 {
        all.iter().filter(|(state, _)| state == word).map(|(_, n)| n).sum()
    };
    // A write that did not get through yet is mended by nobody.
    let pushed = |word: &str| (of(&pushes, word) - of(&waiting, word)).max(0);
    let all = [
        (pushed("confirmed"), "Counts written to the web and read back"),
        (untold.iter().map(|(_, n)| n).sum(), "Notices that didn't arrive, found by reading"),
        (noticed("repeated"), "Notices that came twice, counted once"),
        (pushed("throttled"), "Updates the shop was too busy for, then taken"),
        (pushed("refused"), "Updates the shop refused, then taken"),
        (pushed("unknown"), "Updates without an answer, looked up and settled"),
    ];
    Ok(all.into_iter().filter(|(n, _)| *n > 0).map(|(n, words)| (n, words.to_owned())).collect())
}

async fn main_currency(engine: &Engine) -> Result<String, OperatorError> {
    Ok(connections::currency(engine.store()).await.map_err(store_failed)?.unwrap_or_default())
}

/// The last midnight where the first outlet stands; UTC when no outlet says where it is.
async fn local_midnight(engine: &Engine, now: Timestamp) -> Result<Timestamp, OperatorError> {
    let outlets = connections::outlets(engine.store()).await.map_err(store_failed)?;
    let zone = outlets.iter().find_map(|outlet| outlet.zone.parse().ok()).unwrap_or(chrono_tz::Tz::UTC);
    let day = now.to_utc().with_timezone(&zone).date_naive();
    let midnight = day.and_hms_opt(0, 0, 0).unwrap_or_default();
    // Where the clocks change at midnight there may be none or two of it: the first that exists counts.
    let local = zone.from_local_datetime(&midnight);
    let at = local.earliest().or_else(|| zone.from_local_datetime(&(midnight + chrono::Duration::hours(1))).earliest());
    Ok(at.map_or(now - Span::hours(24), |at| at.with_timezone(&chrono::Utc).into()))
}

fn problem_row(p: StoredProblem, currency: &str) -> ProblemRow {
    let actions: Vec<Press> = serde_json::from_str(&p.actions).unwrap_or_default();
    ProblemRow {
        id: p.id,
        severity: match p.severity.as_str() {
            "now" => Severity::Now,
            "soon" => Severity::Soon,
            _ => Severity::Waiting,
        },
        title: p.title,
        why: p.why,
        money: (p.money_minor != 0).then(|| {
            let currency = if p.currency.is_empty() { currency } else { &p.currency };
            (Minor(p.money_minor), currency.to_owned())
        }),
        waits: p.waits,
        actions,
        team: p.team,
        owner: (!p.owner.is_empty()).then_some((p.owner_name, p.owner_since)),
        since: p.opened_at,
    }
}
