//! Movements: every row says what happened and all counts right after it; only what changed is dark.

use crate::ui::empty::empty;
use crate::ui::number::{class_of, plain, signed};
use crate::ui::table::told_apart;
use crate::ui::when::{Clock, rough, time};
use leptos::prelude::*;
use truecount::operator::views::{SkuPlace, Step, Sum};

/// Rows shown at first: a morning's worth, and on a phone still a page that one can scroll through.
const FIRST: usize = 25;

/// The rows, newest first, or what would stand here. Unless `all` are wanted, the newest, with the way to the others
/// under `here`.
pub fn movements(place: &SkuPlace, all: bool, here: &str, clock: &Clock) -> AnyView {
    if place.steps.is_empty() {
        return view! {
            <div class="card">{empty(false, "No movement yet", "Every sale, return, order, count and update of this SKU is listed here with all counts right after it.", None)}</div>
        }
        .into_any();
    }
    let checking = place.steps.iter().any(|s| s.sum.checking != 0);
    let class = if checking { "table table--movements table--checking" } else { "table table--movements" };
    let befores = std::iter::once(None).chain(place.steps.iter().map(|s| Some(s.sum)));
    let keys = told_apart(place.steps.iter().map(key));
    let mut rows: Vec<AnyView> = place
        .steps
        .iter()
        .zip(befores)
        .zip(keys)
        .map(|((step, before), key)| movement(step, before, key, checking, clock))
        .collect();
    rows.reverse();
    let count = rows.len();
    let more = (!all && count > FIRST).then(|| {
        rows.truncate(FIRST);
        let href = format!("{here}&movements=all#movements");
        let (of, show) = if place.older {
            ("are shown.".to_owned(), format!("Show the newest {count}"))
        } else {
            (format!("of {count} are shown."), format!("Show all {count}"))
        };
        view! { <p class="movements__more"><span>{format!("The newest {FIRST} {of}")}</span>" "<a href=href>{show}</a></p> }
    });
    let older = (more.is_none() && place.older).then(|| {
        view! { <p class="movements__more">{format!("The newest {count} are shown; older ones are not listed here.")}</p> }
    });
    let head = |words: &'static str, operator: &'static str, class: &'static str| {
        let operator =
            (!operator.is_empty()).then(|| view! { <span class="operator" aria-hidden="true">{operator}" "</span> });
        view! { <th scope="col" role="columnheader" class=class>{operator}{words}</th> }.into_any()
    };
    view! {
        <div class="card movements" id="movements">
            <div class="panel__head"><h2>"Movements"</h2><span class="panel__hint">"every row: what happened, and all counts right after it"</span></div>
            <div class="frame" tabindex="0" role="region" aria-label="Movements, scrolls sideways on small screens">
                <table class=class role="table" aria-label="Movements">
                    <thead role="rowgroup">
                        <tr role="row">
                            {view! { <th scope="col" role="columnheader">{format!("Time, {}", clock.zone_city())}</th> }}
                            {head("Where", "", "")}
                            {head("What", "", "")}
                            {head("Till", "", "num")}
                            {head("Waiting", "−", "num")}
                            {head("Hold", "−", "num")}
                            {head("Buffer", "−", "num")}
                            {checking.then(|| head("Checking", "−", "num"))}
                            {head("Should", "=", "num")}
                            {head("Web", "", "num")}
                            {head("Diff.", "", "num")}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
            {more}
            {older}
        </div>
    }
    .into_any()
}

/// What a row is called while its words change: the evidence behind it, else when and where it was.
fn key(step: &Step) -> String {
    match &step.evidence {
        Some(href) => href.split('?').next().unwrap_or(href).trim_start_matches("/evidence/").to_owned(),
        None => format!("{} {}", step.at.micros(), step.place),
    }
}

fn movement(step: &Step, before: Option<Sum>, key: String, checking: bool, clock: &Clock) -> AnyView {
    let sum = step.sum;
    let number = |label: &'static str, n: i64, was: Option<i64>| {
        let changed = before.is_some() && was != Some(n);
        let class = if changed { "num strong" } else { "num pale" };
        view! { <td role="cell" class=class data-label=label>{plain(n)}</td> }.into_any()
    };
    let maybe = |label: &'static str, n: Option<i64>, was: Option<Option<i64>>| match n {
        Some(n) => number(label, n, was.flatten()),
        None => view! { <td role="cell" class="num zero" data-label=label>"–"</td> }.into_any(),
    };
    let difference = match sum.difference {
        Some(n) => view! { <td role="cell" class=class_of(n, n != 0) data-label="Diff.">{signed(n)}</td> }.into_any(),
        None => view! { <td role="cell" class="num zero" data-label="Diff.">"–"</td> }.into_any(),
    };
    let what = match &step.evidence {
        Some(href) => view! { <a href=href.clone() data-open="">{step.what.clone()}</a> }.into_any(),
        None => view! { {step.what.clone()} }.into_any(),
    };
    // When we heard of it much later than it happened, the row says so: lateness is a cause.
    let late = step.known_at.since(step.at);
    let late = (late.as_secs_f64() >= 60.0)
        .then(|| view! { <span class="small">{format!(" known {} later", rough(late))}</span> });
    view! {
        <tr role="row" data-row=key tabindex="-1">
            <td role="cell" class="when">{time(clock, step.at, clock.row(step.at))}</td>
            <td role="cell" class="where">{step.place.clone()}</td>
            <td role="cell" class="what">{what}{late}</td>
            {number("Till", sum.till, before.map(|b| b.till))}
            {number("Waiting", sum.waiting, before.map(|b| b.waiting))}
            {number("Hold", sum.hold, before.map(|b| b.hold))}
            {number("Buffer", sum.buffer, before.map(|b| b.buffer))}
            {checking.then(|| number("Checking", sum.checking, before.map(|b| b.checking)))}
            {number("Should", sum.should, before.map(|b| b.should))}
            {maybe("Web", sum.web, before.map(|b| b.web))}
            {difference}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn all_movements_are_one_press_away() {
        let clock = Clock { zone: chrono_tz::UTC, now: sample::NOW };
        let mut place = sample::sku().places.remove(0);
        let step = place.steps[0].clone();
        place.steps = vec![step; 30];
        let html =
            |place: &SkuPlace, all| Owner::new().with(|| movements(place, all, "/stock/v1?place=p", &clock).to_html());
        let rows = |html: &str| html.matches("data-row").count();
        let first = html(&place, false);
        assert_eq!(rows(&first), FIRST);
        assert!(
            first.contains("/stock/v1?place=p&amp;movements=all#movements") && first.contains("Show all 30"),
            "{first}"
        );
        let all = html(&place, true);
        assert_eq!(rows(&all), 30);
        assert!(!all.contains("Show all") && !all.contains("older"));
        place.older = true;
        assert!(html(&place, false).contains("Show the newest 30"), "what is not all is not called all");
        assert!(html(&place, true).contains("older ones are not listed"));
    }

    #[test]
    fn a_live_page_finds_each_movement_again() {
        let clock = Clock { zone: chrono_tz::UTC, now: sample::NOW };
        let keys = |place: &SkuPlace| -> Vec<String> {
            let html = Owner::new().with(|| movements(place, true, "/stock/v1?place=p", &clock).to_html());
            html.split("data-row=\"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
        };
        let mut place = sample::sku().places.remove(0);
        let before = keys(&place);
        let mut apart = before.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), place.steps.len(), "no two are called the same: {before:?}");
        let mut newest = place.steps[0].clone();
        newest.at = sample::NOW;
        place.steps.push(newest);
        let after = keys(&place);
        assert_eq!(after[1..], before[..], "what stood there is called as before");
    }
}
