//! One SKU: the sum written as a sum, why the web differs, how it came to this, and every movement.

use super::frame::{Asked, Page};
use super::stock::encode;
use crate::api::query;
use crate::ui::badge::{Sign, badge, icon, sign};
use crate::ui::chart::{Words, chart, key};
use crate::ui::chart_geometry::{Point, SLOTS, plot};
use crate::ui::empty::empty;
use crate::ui::layout::{Entry, crumbs};
use crate::ui::number::{class_of, counted, plain, signed};
use crate::ui::when::{Clock, rough, time};
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::stock;
use truecount::operator::views::{PushState, Sku, SkuPlace, Step, Sum};

/// Longest text under a tick of the chart; the whole text stands in Movements.
const LONGEST_TICK: usize = 16;

/// `GET /stock/{variant}`
pub async fn show(asked: Asked, Path(variant): Path<String>, RawQuery(query): RawQuery) -> Response {
    let place = query::value(query.as_deref(), "place");
    match stock::sku(&asked.engine, &asked.actor, &variant).await {
        Ok(sku) => {
            let page = Page::new(sku.item.clone(), Some(Entry::Stock), Some(sku.freshness.clone()));
            asked.page(page, move |asked| view(&sku, &place, &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The page, without its frame. An unknown place shows the first one.
pub fn view(sku: &Sku, place: &str, clock: &Clock) -> AnyView {
    let chosen = sku.places.iter().find(|p| p.place == place).or(sku.places.first());
    let links: Vec<AnyView> = sku
        .links
        .iter()
        .map(|(system, id, there)| {
            let other = (*there != sku.sku).then(|| view! { " as "<code>{there.clone()}</code> });
            view! { <span class="sku-links__link">{icon("link")}{format!("linked to {system} {id}")}{other}</span> }
                .into_any()
        })
        .collect();
    let barcode = sku.barcode.as_ref().map(|b| view! { <span>{format!("barcode {b}")}</span> });
    let tabs = (sku.places.len() > 1).then(|| tabs(sku, chosen));
    let topic = format!("sku:{}", sku.variant);
    let body = match chosen {
        Some(place) => at_place(place, clock),
        None => view! {
            <div class="card">
                {empty(false, "Not counted anywhere yet", "The sum appears here when an outlet of the till feeds a place of the shop and both were read.", None)}
            </div>
        }
        .into_any(),
    };
    view! {
        {crumbs(&[("/stock", "Stock")], chosen.map_or("", |p| p.name.as_str()))}
        <div class="page-head">
            <div class="page-head__words">
                <h1>{sku.item.clone()}</h1>
                <p class="page-head__sentence sku-links"><code>{sku.sku.clone()}</code>{barcode}{links}</p>
            </div>
        </div>
        {tabs}
        <section id="sku" aria-label="Counts" data-live="" data-topics=topic>{body}</section>
    }
    .into_any()
}

fn tabs(sku: &Sku, chosen: Option<&SkuPlace>) -> AnyView {
    let tabs: Vec<AnyView> = sku
        .places
        .iter()
        .map(|place| {
            let current = chosen.is_some_and(|c| c.place == place.place).then_some("true");
            let href = format!("/stock/{}?place={}", encode(&sku.variant), encode(&place.place));
            view! { <a href=href aria-current=current>{place.name.clone()}</a> }.into_any()
        })
        .collect();
    view! { <nav class="switch switch--places" aria-label="Place">{tabs}</nav> }.into_any()
}

fn at_place(place: &SkuPlace, clock: &Clock) -> AnyView {
    view! {
        <div class="sum-and-why">
            {the_count(place, clock)}
            {why(place)}
        </div>
        {how(place, clock)}
        {movements(place, clock)}
    }
    .into_any()
}

fn line(operator: &'static str, label: &'static str, note: AnyView, n: String, class: &'static str) -> AnyView {
    view! {
        <div class=class>
            <dt><span class="operator" aria-hidden="true">{operator}</span>{label}" "{note}</dt>
            <dd>{n}</dd>
        </div>
    }
    .into_any()
}

fn small(text: String) -> AnyView {
    if text.is_empty() { ().into_any() } else { view! { <span class="small">{text}</span> }.into_any() }
}

fn the_count(place: &SkuPlace, clock: &Clock) -> AnyView {
    let sum = &place.sum;
    let names = |pairs: &[(String, i64)]| {
        pairs.iter().map(|(name, n)| format!("{name}\u{a0}{}", plain(*n))).collect::<Vec<_>>().join(", ")
    };
    let orders = place
        .orders
        .iter()
        .map(|(number, units)| if *units == 1 { number.clone() } else { format!("{number} ×{units}") })
        .collect::<Vec<_>>()
        .join(", ");
    let holds = place
        .holds
        .iter()
        .map(|(number, units, since)| {
            let times = if *units == 1 { String::new() } else { format!(" ×{units}") };
            format!("{number}{times}, {}", rough(clock.now.since(*since)))
        })
        .collect::<Vec<_>>()
        .join("; ");
    let read_at = match place.read_at {
        Some(at) => view! { ", at "{time(clock, at, clock.seconds(at))} }.into_any(),
        None => view! { ", not read yet" }.into_any(),
    };
    let web = sum.web.map_or_else(|| "not read yet".to_owned(), plain);
    let difference = match sum.difference {
        Some(0) => (view! { <span class="small">"equal"</span> }.into_any(), "0".to_owned()),
        Some(n) => (sign(Sign::Soon), signed(n)),
        None => (().into_any(), "not known".to_owned()),
    };
    let checking = (sum.checking != 0).then(|| {
        line(
            "−",
            "Being checked",
            small("a rise that no sale or return explains yet".into()),
            plain(sum.checking),
            "sum__line",
        )
    });
    let floored = (sum.floored != 0).then(|| {
        line("+", "Cannot go below 0", small("wanted more than there is".into()), plain(sum.floored), "sum__line")
    });
    let reading = (!place.live).then(|| {
        view! { <p class="sum__note">{badge(Sign::Held, "Reading only")}<span>"We write nothing here until this place goes live."</span></p> }
    });
    view! {
        <div class="card sum">
            <div class="panel__head"><h2>"The count"</h2><span class="panel__note">{place.name.clone()}{read_at}</span></div>
            <dl class="sum__lines">
                {line("", "Till says", small(names(&place.outlets)), plain(sum.till), "sum__line")}
                {line("−", "Waiting web orders", small(orders), plain(sum.waiting), "sum__line")}
                {line("−", "On hold (returns)", small(holds), plain(sum.hold), "sum__line")}
                {line("−", "Buffer", ().into_any(), plain(sum.buffer), "sum__line")}
                {checking}
                {floored}
                {line("=", "Should show", ().into_any(), plain(sum.should), "sum__line sum__line--should")}
                {line("", "Web shows", ().into_any(), web, "sum__line")}
                {line("", "Difference", difference.0, difference.1, "sum__line sum__line--difference")}
            </dl>
            {reading}
            {place.push.as_ref().map(|push| push_line(push, clock))}
        </div>
    }
    .into_any()
}

/// "3 acknowledged 2 s ago, confirmed": accepted and confirmed are two facts.
fn push_line(push: &PushState, clock: &Clock) -> AnyView {
    let (of, words) = push_words(push, clock);
    let reason = push.reason.as_ref().map(|reason| view! { <span class="small">{reason.clone()}</span> });
    view! { <p class="sum__note" title=clock.full(push.since)>{sign(of)}<span>{words}" "{reason}</span></p> }.into_any()
}

/// The state of the newest push in words, with its sign.
pub fn push_words(push: &PushState, clock: &Clock) -> (Sign, String) {
    let n = plain(push.should);
    let ago = clock.relative(push.since);
    match push.state.as_str() {
        "planned" => {
            (Sign::Waiting, format!("Our update to {n} waits for its turn, since {}.", clock.seconds(push.since)))
        }
        "sent" => (Sign::Waiting, format!("Our update to {n} was sent {ago}; the shop has not answered yet.")),
        "accepted" => {
            (Sign::Waiting, format!("Our update to {n} was acknowledged {ago}, not yet confirmed by reading it back."))
        }
        "confirmed" => (Sign::Fine, format!("Our update to {n} was acknowledged {ago}, confirmed.")),
        "refused" => (Sign::Refused, format!("The shop refused our update to {n}, {ago}.")),
        "unknown" => (
            Sign::Soon,
            format!(
                "We don't know whether the shop took our update to {n}, sent {ago}. We look it up before anything is sent again."
            ),
        ),
        other => (Sign::Waiting, format!("Our update to {n}: {other}, {ago}.")),
    }
}

fn why(place: &SkuPlace) -> AnyView {
    let difference = place.sum.difference;
    let title = match difference {
        Some(0) => "Why: they are equal".to_owned(),
        Some(n) => format!("Why {}", signed(n)),
        None => "Why".to_owned(),
    };
    let lines: Vec<AnyView> = place
        .why
        .iter()
        .map(|line| {
            let quiet = line.units == 0;
            let evidence = line.evidence.as_ref().map(|href| view! { <a class="small" href=href.clone()>"Show the raw exchange"</a> });
            let cause = if quiet {
                view! { <span class="why__quiet">{line.cause.clone()}</span> }.into_any()
            } else {
                view! { <b>{line.cause.clone()}</b>" "{line.detail.clone()} }.into_any()
            };
            let class = if quiet { "why__units why__units--zero" } else { "why__units" };
            view! { <li class="why__line"><span class=class>{signed(line.units)}</span><div>{cause}{evidence}</div></li> }.into_any()
        })
        .collect();
    let total = match difference {
        Some(n) => view! { <span class="why__units">{signed(n)}</span><div><b>"Difference"</b></div> }.into_any(),
        None => view! { <span class="why__units">"–"</span><div>"The web has not been read here yet, so there is no difference to explain."</div> }.into_any(),
    };
    view! {
        <div class="card why">
            <div class="panel__head"><h2>{title}</h2><span class="panel__note">"lines always add up"</span></div>
            <ul class="why__lines">{lines}<li class="why__line why__line--total">{total}</li></ul>
            <p class="why__nothing"><b>"If you do nothing:"</b>" "{place.if_nothing.clone()}</p>
        </div>
    }
    .into_any()
}

fn clip(text: &str) -> String {
    if text.chars().count() <= LONGEST_TICK {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(LONGEST_TICK - 1).collect::<String>())
    }
}

fn how(place: &SkuPlace, clock: &Clock) -> AnyView {
    let Some(last) = place.steps.last() else { return ().into_any() };
    let points: Vec<Point> = place
        .steps
        .iter()
        .map(|s| Point { at: s.at, till: s.sum.till, should: s.sum.should, web: s.sum.web })
        .collect();
    let drawn = &place.steps[place.steps.len().saturating_sub(SLOTS)..];
    let mut ticks = Vec::new();
    let mut before = None;
    for step in drawn {
        let today = before.is_some_and(|at| clock.same_day(at, step.at));
        let words = clock.row(step.at);
        // The day is said where it changes, the minute everywhere: "Tue 08:12", "08:21".
        let minute = words.get(..words.len().saturating_sub(3)).unwrap_or(&words);
        let label = if today { minute.rsplit(' ').next().unwrap_or(minute) } else { minute };
        ticks.push((label.to_owned(), clip(&step.short)));
        before = Some(step.at);
    }
    let folded = (place.steps.len() > SLOTS).then(|| {
        view! { <span class="panel__note">{format!("the newest {SLOTS} of {} changes", plain(place.steps.len() as i64))}</span> }
    });
    let words = Words {
        ticks,
        now: format!("{} now", clock.minutes(clock.now)),
        ends: (last.sum.till, last.sum.should, last.sum.web),
        sentence: chart_sentence(&last.sum, drawn.len()),
        key: format!("{:08x}", checksum(&place.place)),
    };
    view! {
        <div class="card how">
            <div class="panel__head"><h2>"How it came to this"</h2>{key()}{folded}</div>
            {chart(&plot(&points, clock.now), words)}
        </div>
    }
    .into_any()
}

/// Tells two places apart in an element id; nothing depends on it being unique beyond one page.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(2_166_136_261, |sum: u32, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
}

fn chart_sentence(sum: &Sum, steps: usize) -> String {
    let web = match (sum.web, sum.difference) {
        (Some(web), Some(0)) => format!("the web shows {}, which is equal", plain(web)),
        (Some(web), Some(n)) if n > 0 => format!("the web shows {}, which is {} too many", plain(web), plain(n)),
        (Some(web), Some(n)) => format!("the web shows {}, which is {} too few", plain(web), plain(-n)),
        _ => "the web has not been read yet".to_owned(),
    };
    format!(
        "Step chart of the last {}. Now the till says {}, the web should show {}, and {web}. Every step stands in the table of movements.",
        counted(steps as i64, "change", "changes"),
        plain(sum.till),
        plain(sum.should)
    )
}

fn movements(place: &SkuPlace, clock: &Clock) -> AnyView {
    if place.steps.is_empty() {
        return view! {
            <div class="card">{empty(false, "No movement yet", "Every sale, return, order, count and update of this SKU is listed here with all counts right after it.", None)}</div>
        }
        .into_any();
    }
    let checking = place.steps.iter().any(|s| s.sum.checking != 0);
    let class = if checking { "table table--movements table--checking" } else { "table table--movements" };
    let befores = std::iter::once(None).chain(place.steps.iter().map(|s| Some(s.sum)));
    let mut rows: Vec<AnyView> =
        place.steps.iter().zip(befores).map(|(step, before)| movement(step, before, checking, clock)).collect();
    rows.reverse();
    let head = |words: &'static str, operator: &'static str, class: &'static str| {
        let operator =
            (!operator.is_empty()).then(|| view! { <span class="operator" aria-hidden="true">{operator}" "</span> });
        view! { <th scope="col" role="columnheader" class=class>{operator}{words}</th> }.into_any()
    };
    view! {
        <div class="card movements">
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
        </div>
    }
    .into_any()
}

fn movement(step: &Step, before: Option<Sum>, checking: bool, clock: &Clock) -> AnyView {
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
        <tr role="row" data-row="" tabindex="-1">
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
    use truecount::domain::time::Timestamp;

    #[test]
    fn accepted_and_confirmed_are_two_facts() {
        let clock = Clock { zone: chrono_tz::UTC, now: Timestamp::from_secs(1_000) };
        let words = |state: &str| {
            push_words(
                &PushState { state: state.into(), should: 4, since: Timestamp::from_secs(998), reason: None },
                &clock,
            )
        };
        assert_eq!(words("confirmed").1.replace('\u{a0}', " "), "Our update to 4 was acknowledged 2 s ago, confirmed.");
        assert_eq!(words("confirmed").0, Sign::Fine);
        assert_ne!(words("accepted").0, Sign::Fine, "nothing is green before it was read back");
        assert_eq!(words("refused").0, Sign::Refused);
        assert_eq!(words("unknown").0, Sign::Soon);
    }

    #[test]
    fn the_picture_is_also_a_sentence() {
        let sum = Sum {
            till: 6,
            waiting: 1,
            hold: 1,
            buffer: 1,
            checking: 0,
            should: 3,
            floored: 0,
            web: Some(5),
            difference: Some(2),
        };
        let sentence = chart_sentence(&sum, 6);
        assert!(
            sentence.contains("till says 6, the web should show 3, and the web shows 5, which is 2 too many"),
            "{sentence}"
        );
        assert!(chart_sentence(&Sum { web: None, difference: None, ..sum }, 6).contains("not been read"));
    }

    #[test]
    fn long_event_names_are_cut_only_in_the_picture() {
        assert_eq!(clip("order W-10482"), "order W-10482");
        assert_eq!(clip(&"x".repeat(10_000)).chars().count(), LONGEST_TICK);
    }
}
