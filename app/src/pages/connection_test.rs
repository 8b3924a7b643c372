//! A test of a connection: what was asked of the vendor, what works, and what to do about the rest.

use super::frame::{Asked, Page};
use super::problems::answer;
use crate::ui::badge::{Sign, sign};
use crate::ui::button::{self, Kind};
use crate::ui::layout::{Entry, crumbs, page_head};
use crate::ui::when::{Clock, time};
use axum::extract::Path;
use axum::response::Response;
use leptos::prelude::*;
use truecount::domain::trial::Trial;
use truecount::operator::{encoded, trials};

/// `GET /connections/{id}/test`
pub async fn show(asked: Asked, Path(id): Path<String>) -> Response {
    match trials::show(&asked.engine, &asked.actor, &id).await {
        Ok((name, trial)) => {
            let page = Page::new("Test a connection", Some(Entry::Connections), None);
            asked.page(page, move |asked| view(&id, &name, trial.as_ref(), &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// `POST /connections/{id}/test`
pub async fn ask(asked: Asked, Path(id): Path<String>) -> Response {
    let back = format!("/connections/{}/test", encoded(&id));
    let done = asked.run(|engine, actor| async move { trials::ask(&engine, &actor, &id).await }).await;
    answer(asked, done, "Testing.", "Each thing we need is asked for once; nothing is written over there.", &back).await
}

/// The page, without its frame.
pub fn view(id: &str, name: &str, trial: Option<&Trial>, clock: &Clock) -> AnyView {
    let title = format!("Test {name}");
    let words = match trial {
        None => view! { "It was not tested yet." }.into_any(),
        Some(trial) if trial.is_under_way() => {
            view! { "Asked "{time(clock, trial.asked_at, clock.seconds(trial.asked_at))}"; the answers are on their way." }.into_any()
        }
        Some(trial) => {
            let said = match trial.failures() {
                0 => "Everything we need to read works.".to_owned(),
                1 => "One thing does not work.".to_owned(),
                n => format!("{n} things do not work."),
            };
            view! { {said}" Tested "{time(clock, trial.ended_at, clock.seconds(trial.ended_at))}"." }.into_any()
        }
    };
    let lines = trial.filter(|trial| !trial.is_under_way()).map(|trial| {
        let lines: Vec<AnyView> = trial
            .lines
            .iter()
            .map(|line| {
                let mark = if line.good { Sign::Fine } else { Sign::Refused };
                view! { <li class="check-line">{sign(mark)}<span><b>{line.what.clone()}</b>" "{line.said.clone()}</span></li> }
                    .into_any()
            })
            .collect();
        view! { <ul class="checks">{lines}</ul> }
    });
    view! {
        {crumbs(&[("/connections", "Connections")], &title)}
        <div id="trial" data-live="" data-topics="connections">
            {page_head(&title, words, None)}
            <div class="card preview">
                {lines}
                <div class="preview__foot">
                    <p>"A test only reads. Whether we may write shows when a place goes live: each count is read back."</p>
                    {button::link(Kind::Other, "/connections", "Back to Connections")}
                    {button::post(Kind::Recommended, &format!("/connections/{}/test", encoded(id)), "Test now", None, &[])}
                </div>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use truecount::domain::time::Timestamp;
    use truecount::domain::trial::TrialLine;

    #[test]
    fn what_works_and_what_does_not_stand_side_by_side() {
        let clock = Clock { zone: chrono_tz::UTC, now: Timestamp::from_secs(1_770_000_000) };
        let html = |trial: Option<&Trial>| Owner::new().with(|| view("c1", "Soho", trial, &clock).to_html());
        assert!(html(None).contains("not tested yet"));
        let mut trial = Trial { asked_at: clock.now, ended_at: Timestamp(0), lines: Vec::new() };
        assert!(html(Some(&trial)).contains("on their way"));
        trial.ended_at = clock.now;
        let line = |what: &str, good| TrialLine { what: what.into(), good, said: "As <b>told</b>.".into() };
        trial.lines = vec![line("Products", true), line("Sales", false)];
        let shown = html(Some(&trial));
        assert!(shown.contains("One thing does not work") && shown.contains("&lt;b&gt;told"), "{shown}");
        assert!(
            shown.contains("Products") && shown.contains("Sales") && shown.contains("/connections/c1/test"),
            "{shown}"
        );
    }
}
