//! Today: who will be let down, and what to press.

use super::frame::{Asked, Page};
use crate::api::query;
use crate::ui::badge::{Sign, spoken_sign};
use crate::ui::button::{self, Kind};
use crate::ui::empty::empty;
use crate::ui::layout::Entry;
use crate::ui::money;
use crate::ui::number::{counted, permille, plain};
use crate::ui::when::{Clock, rough, time};
use axum::extract::RawQuery;
use axum::response::Response;
use leptos::prelude::*;
use truecount::domain::access::{Deed, Role};
use truecount::domain::problem::Press;
use truecount::operator::views::{ProblemRow, Severity, Today};
use truecount::operator::{Actor, encoded, overview};

/// Most buttons in a row.
const MOST_BUTTONS: usize = 3;
/// Teams of the view switch: word in the address, words on the switch.
const TEAMS: [(&str, &str); 3] = [("operations", "Ops"), ("finance", "Finance"), ("merchandising", "Merch")];

/// `GET /`
pub async fn show(asked: Asked, RawQuery(query): RawQuery) -> Response {
    match overview::today(&asked.engine, &asked.actor, None).await {
        Ok(today) => {
            let team = team(&query::value(query.as_deref(), "team"), asked.actor.role);
            let page = Page::new("Today", Some(Entry::Today), Some(today.freshness.clone()));
            asked.page(page, move |asked| view(&today, team, &asked.actor, &asked.clock, &asked.here)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The team whose problems are shown: the one in the address, else the person's own, else everybody's.
fn team(address: &str, role: Role) -> &'static str {
    let word = if address.is_empty() { role.word() } else { address };
    TEAMS.iter().map(|t| t.0).find(|t| *t == word).unwrap_or("")
}

/// The page, without its frame.
pub fn view(today: &Today, team: &'static str, actor: &Actor, clock: &Clock, here: &str) -> AnyView {
    let shown: Vec<&ProblemRow> = today.problems.iter().filter(|p| team.is_empty() || p.team == team).collect();
    let count = match shown.len() {
        0 => view! { "nothing at "{time(clock, clock.now, clock.seconds(clock.now))} }.into_any(),
        n => view! { {counted(n as i64, "problem", "problems")} }.into_any(),
    };
    let rows: Vec<AnyView> = shown.iter().map(|p| row(p, actor, clock, here)).collect();
    let list = if rows.is_empty() {
        view! { <div class="card">{nothing(today, team, actor)}</div> }.into_any()
    } else {
        view! { <ul class="card problems">{rows}</ul> }.into_any()
    };
    view! {
        <div class="page-head page-head--figures">
            <h1>"Today"</h1>
            <div class="figures" id="figures" data-live="" data-topics="problems sku">{figures(today)}</div>
        </div>
        <div class="section-head">
            <h2>"Needs you now"</h2>
            <span class="section-head__count" id="problem-count" data-live="" data-topics="problems">{count}</span>
            {switch(today, team)}
        </div>
        <a class="new-bar" href=here.to_owned() data-new-bar="problems" hidden=true></a>
        <section id="problems" aria-label="Needs you now" data-live="" data-topics="problems" data-list=""
            data-since=clock.minutes(clock.now)>
            {list}
        </section>
        <section class="thirds" id="panels" aria-label="More about today" data-live="" data-topics="problems sku connections">
            {fixed(today, clock)}
            {stores(today, clock)}
            {on_hold(today, clock)}
        </section>
    }
    .into_any()
}

fn figures(today: &Today) -> AnyView {
    let trust = match today.trust_permille {
        Some(n) => view! { <dd>{permille(n)}" "<span>"of the stock's value"</span></dd> }.into_any(),
        None => view! { <dd class="figures__none">"Not compared yet"</dd> }.into_any(),
    };
    let (pairs, equal) = today.equal_of;
    let counts = if pairs > 0 {
        view! { <dd>{plain(equal)}" "<span>{format!("of {}", plain(pairs))}</span></dd> }.into_any()
    } else {
        view! { <dd class="figures__none">"Nothing to compare yet"</dd> }.into_any()
    };
    view! {
        <dl class="figures__list">
            <div><dt>"Stock you can trust"</dt>{trust}</div>
            <div><dt>"Counts that are equal"</dt>{counts}</div>
        </dl>
    }
    .into_any()
}

fn switch(today: &Today, team: &str) -> AnyView {
    let count = |word: &str| today.problems.iter().filter(|p| word.is_empty() || p.team == word).count();
    let segments: Vec<AnyView> = [("", "All")]
        .into_iter()
        .chain(TEAMS)
        .map(|(word, label)| {
            let current = (word == team).then_some("true");
            let href = format!("/?team={}", if word.is_empty() { "all" } else { word });
            let label = match count(word) {
                0 => label.to_owned(),
                n => format!("{label}\u{a0}{n}"),
            };
            view! { <a href=href aria-current=current>{label}</a> }.into_any()
        })
        .collect();
    view! { <nav class="switch" aria-label="Whose problems">{segments}</nav> }.into_any()
}

fn row(problem: &ProblemRow, actor: &Actor, clock: &Clock, here: &str) -> AnyView {
    let money = problem.money.as_ref().map(|(amount, currency)| view! { <b>{money::exact(*amount, currency)}</b> });
    // What runs by itself stands back behind what needs somebody.
    let class = if problem.severity == Severity::Waiting { "problem problem--waiting" } else { "problem" };
    let title_id = format!("problem-{}", problem.id);
    view! {
        <li class=class data-row=problem.id.clone() tabindex="-1" aria-labelledby=title_id.clone()>
            <div class="problem__sign">{spoken_sign(Sign::from(problem.severity))}</div>
            <div class="problem__text">
                <h3 class="problem__title" id=title_id.clone()>{problem.title.clone()}</h3>
                <p class="problem__why">{problem.why.clone()}</p>
            </div>
            <div class="problem__cost">{money}<span>{problem.waits.clone()}</span></div>
            <div class="problem__actions" data-opens="">{presses(problem, actor, here)}</div>
            <div class="problem__owner">{owner(problem, actor, clock, here)}</div>
        </li>
    }
    .into_any()
}

/// The first few that this role may press: nobody is offered what would be refused.
fn presses(problem: &ProblemRow, actor: &Actor, here: &str) -> Vec<AnyView> {
    let draw = |(i, press): (usize, &Press)| {
        let kind = if i == 0 { Kind::Recommended } else { Kind::Other };
        if press.post {
            button::post(kind, &press.href, &press.label, Some(&problem.title), &[("back", here)])
        } else {
            button::link(kind, &press.href, &press.label)
        }
    };
    problem.actions.iter().filter(|press| actor.role.may(press.deed)).take(MOST_BUTTONS).enumerate().map(draw).collect()
}

fn owner(problem: &ProblemRow, actor: &Actor, clock: &Clock, here: &str) -> AnyView {
    let may = actor.role.may(Deed::OwnProblems);
    let path = |act: &str| format!("/problems/{}/{act}", encoded(&problem.id));
    match &problem.owner {
        None => {
            let take = may.then(|| {
                view! {
                    <span data-take="">
                        {button::post(Kind::Plain, &path("take"), "Take it", Some(&problem.title), &[("back", here)])}
                    </span>
                }
            });
            view! { <span class="problem__who">"Nobody"</span>{take} }.into_any()
        }
        Some((name, since)) if *name == actor.name => {
            let give_back = may.then(|| {
                button::post(Kind::Plain, &path("give-back"), "Give back", Some(&problem.title), &[("back", here)])
            });
            view! {
                <span class="problem__who">{name.clone()}</span>
                <span class="problem__since">"you, since "{time(clock, *since, clock.minutes(*since))}</span>
                {give_back}
            }
            .into_any()
        }
        Some((name, since)) => view! {
            <span class="problem__who">{name.clone()}</span>
            <span class="problem__since">"since "{time(clock, *since, clock.minutes(*since))}</span>
        }
        .into_any(),
    }
}

/// Green only when everything was really looked at.
fn nothing(today: &Today, team: &str, actor: &Actor) -> AnyView {
    let freshness = &today.freshness;
    if freshness.marks.is_empty() {
        let add = actor.role.may(Deed::ManageConnections);
        let words = if add {
            "Add the web shop and the till. A new connection only reads until you let a place go live."
        } else {
            "An administrator adds the web shop and the till under Connections."
        };
        return empty(
            false,
            "No shop and no till is connected yet",
            words,
            add.then(|| button::link(Kind::Recommended, "/connections/new", "Add a connection")),
        );
    }
    if freshness.compared_at.is_none() || freshness.marks.iter().any(|m| m.stale.is_some() || m.read_up_to.is_none()) {
        return empty(
            false,
            "Nothing that we know of",
            "Not every system is read up to now, so this is not the whole picture. The line at the top says how old each number is.",
            Some(button::link(Kind::Other, "/connections", "See the connections")),
        );
    }
    let others = today.problems.len();
    if others > 0 && !team.is_empty() {
        return empty(
            true,
            "Nobody waits for your team",
            &format!("{} with other teams.", counted(others as i64, "problem is", "problems are")),
            Some(button::link(Kind::Other, "/?team=all", "Show all")),
        );
    }
    empty(
        true,
        "Nobody waits for you",
        "Every difference has healed or has an owner. A problem appears here as soon as a promise is missed, even if no system reports an error.",
        None,
    )
}

fn panel(title: &'static str, note: AnyView, body: AnyView) -> AnyView {
    view! {
        <div class="card panel">
            <div class="panel__head"><h2>{title}</h2><span class="panel__note">{note}</span></div>
            {body}
        </div>
    }
    .into_any()
}

fn fixed(today: &Today, clock: &Clock) -> AnyView {
    let rows: Vec<AnyView> = today
        .fixed
        .iter()
        .map(|(n, words)| view! { <li><b>{plain(*n)}</b><span>{words.clone()}</span></li> }.into_any())
        .collect();
    let body = if rows.is_empty() {
        view! { <p class="panel__words">"Late updates and notices that didn't arrive are counted here when we mend them."</p> }.into_any()
    } else {
        view! { <ul class="counts">{rows}</ul> }.into_any()
    };
    let since = view! { "since "{time(clock, today.fixed_since, clock.minutes(today.fixed_since))} }.into_any();
    panel("Fixed without you", since, body)
}

fn stores(today: &Today, clock: &Clock) -> AnyView {
    let rows: Vec<AnyView> = today
        .stores
        .iter()
        .map(|(name, sales, units)| {
            view! {
                <li>
                    <span>{name.clone()}</span>
                    <span class="counts__end"><b>{plain(*sales)}</b>{if *sales == 1 { " sale, " } else { " sales, " }}{counted(*units, "unit", "units")}</span>
                </li>
            }
            .into_any()
        })
        .collect();
    let body = if rows.is_empty() {
        view! { <p class="panel__words">"Sales and units of each store appear here with the first sale of the day."</p> }.into_any()
    } else {
        view! { <ul class="counts counts--wide">{rows}</ul> }.into_any()
    };
    let since = match today.stores_since {
        Some(at) => view! { "since "{time(clock, at, clock.minutes(at))}", when the till was connected" }.into_any(),
        None => view! { "since midnight" }.into_any(),
    };
    panel("Stores today", since, body)
}

fn on_hold(today: &Today, clock: &Clock) -> AnyView {
    let (units, oldest) = today.on_hold;
    let note = match oldest {
        Some(at) if units > 0 => view! { "oldest "{time(clock, at, rough(clock.now.since(at)))} }.into_any(),
        _ => view! { "" }.into_any(),
    };
    let body = if units == 0 {
        view! { <p class="panel__words">"A store return without a web order lands here, on hold and not on sale."</p> }
            .into_any()
    } else {
        view! {
            <ul class="counts"><li><b>{plain(units)}</b><span>{if units == 1 { "unit from a return without a link" } else { "units from returns without a link" }}</span></li></ul>
            <p class="panel__words">"None of them is on sale until its return is settled."</p>
        }
        .into_any()
    };
    panel("On hold", note, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_first_compare_no_number_is_shown_that_says_nothing() {
        let clock = Clock { zone: chrono_tz::UTC, now: crate::pages::sample::NOW };
        let html = |today: &Today| Owner::new().with(|| (figures(today).to_html(), stores(today, &clock).to_html()));
        let mut today = crate::pages::sample::today(false);
        let (shown, since) = html(&today);
        assert!(shown.contains("of 4,798") && since.contains("since midnight"), "{shown}{since}");
        (today.trust_permille, today.equal_of) = (None, (0, 0));
        today.stores_since = Some(crate::pages::sample::NOW);
        let (shown, since) = html(&today);
        assert!(shown.contains("Nothing to compare yet") && !shown.contains("of 0"), "{shown}");
        assert!(since.contains("when the till was connected") && !since.contains("midnight"), "{since}");
    }

    #[test]
    fn each_role_opens_on_its_own_team() {
        for (address, role, want) in [
            ("", Role::Operations, "operations"),
            ("", Role::Finance, "finance"),
            ("", Role::Admin, ""),
            ("all", Role::Operations, ""),
            ("merchandising", Role::Finance, "merchandising"),
            ("<script>", Role::Finance, ""),
        ] {
            assert_eq!(team(address, role), want);
        }
    }
}
