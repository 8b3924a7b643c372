//! The count and why: the sum written as a sum, the state of our newest update, and what makes the difference.

use crate::ui::badge::{Sign, badge, sign};
use crate::ui::number::{plain, signed};
use crate::ui::when::{Clock, rough, time};
use leptos::prelude::*;
use truecount::domain::push::PACED;
use truecount::domain::words::sentence;
use truecount::operator::views::{PushState, SkuPlace, Sum};

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

/// The sum written as a sum, with what stands behind each term.
pub fn the_count(place: &SkuPlace, clock: &Clock) -> AnyView {
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
    // What the words before it say already is not said twice.
    let told = push.reason.as_ref().filter(|reason| !reason.starts_with(PACED));
    let reason =
        told.map(|reason| view! { <span class="small">{sentence(&reason.replace("the vendor", "the shop"))}</span> });
    view! { <p class="sum__note" title=clock.full(push.since)>{sign(of)}<span>{words}" "{reason}</span></p> }.into_any()
}

/// The state of the newest push in words, with its sign. Green only when the number that should show now is the one
/// that was read back.
pub fn push_words(push: &PushState, clock: &Clock) -> (Sign, String) {
    let (of, last) = last_words(push, clock);
    match &push.unsent {
        None => (of, last),
        Some((n, Some(why))) => (Sign::Held, format!("{} is not sent: {why}. {last}", plain(*n))),
        Some((n, None)) => {
            let of = if of == Sign::Fine { Sign::Waiting } else { of };
            (of, format!("{} is not sent yet. {last}", plain(*n)))
        }
    }
}

fn last_words(push: &PushState, clock: &Clock) -> (Sign, String) {
    let n = plain(push.should);
    let ago = clock.relative(push.since);
    let ours = if push.unsent.is_some() { format!("Our last update, to {n},") } else { format!("Our update to {n}") };
    match push.state.as_str() {
        "sent" => (Sign::Waiting, format!("{ours} was sent {ago}; the shop has not answered yet.")),
        "accepted" => (Sign::Waiting, format!("{ours} was acknowledged {ago}, not yet confirmed by reading it back.")),
        "confirmed" => (Sign::Fine, format!("{ours} was acknowledged {ago}, confirmed.")),
        "refused" => (Sign::Refused, format!("The shop refused our update to {n}, {ago}.")),
        "throttled" if push.reason.as_ref().is_some_and(|reason| reason.starts_with(PACED)) => {
            (Sign::Waiting, format!("{ours} waits until our allowance has room for it, {ago}."))
        }
        "throttled" => (Sign::Waiting, format!("The shop was too busy for our update to {n}, {ago}.")),
        "failed" => (Sign::Waiting, format!("{ours} could not be sent, {ago}.")),
        "unknown" => (
            Sign::Soon,
            format!(
                "We don't know whether the shop took our update to {n}, sent {ago}. We look it up before anything is sent again."
            ),
        ),
        other => (Sign::Waiting, format!("{ours}: {other}, {ago}.")),
    }
}

/// What no difference shows: more is promised than there is, and the web cannot show less than nothing.
fn oversold(sum: &Sum) -> Option<AnyView> {
    let over = sum.floored.min(sum.waiting);
    let held = if sum.hold > 0 { format!(" and {} on hold", plain(sum.hold)) } else { String::new() };
    (over > 0).then(|| {
        view! {
            <p class="why__oversold with-sign">
                {sign(Sign::Now)}
                <span>
                    <b>{format!("Oversold by {}.", plain(over))}</b>
                    {format!(
                        " {} promised to web orders{held}, and the till says {}: somebody must decide who waits.",
                        plain(sum.waiting),
                        plain(sum.till)
                    )}
                </span>
            </p>
        }
        .into_any()
    })
}

/// Signed cause lines that add up to the difference.
pub fn why(place: &SkuPlace) -> AnyView {
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
            {oversold(&place.sum)}
            <ul class="why__lines">{lines}<li class="why__line why__line--total">{total}</li></ul>
            <p class="why__nothing"><b>"If you do nothing:"</b>" "{place.if_nothing.clone()}</p>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use truecount::domain::time::Timestamp;

    #[test]
    fn what_is_oversold_says_so_although_nothing_differs() {
        let sum = Sum {
            till: 6,
            waiting: 6,
            hold: 1,
            buffer: 0,
            checking: 0,
            should: 0,
            floored: 1,
            web: Some(0),
            difference: Some(0),
        };
        let html = Owner::new().with(|| oversold(&sum).map(|view| view.to_html())).unwrap();
        for said in ["Oversold by 1.", "6 promised to web orders and 1 on hold, and the till says 6"] {
            assert!(html.contains(said), "{said} in {html}");
        }
        let shy = Sum { floored: 1, waiting: 0, ..sum };
        assert!(oversold(&shy).is_none(), "nobody waits for it");
    }

    #[test]
    fn accepted_and_confirmed_are_two_facts() {
        let clock = Clock { zone: chrono_tz::UTC, now: Timestamp::from_secs(1_000) };
        let words = |state: &str| {
            push_words(
                &PushState {
                    state: state.into(),
                    should: 4,
                    since: Timestamp::from_secs(998),
                    reason: None,
                    unsent: None,
                },
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
    fn a_number_that_was_not_sent_is_never_called_acknowledged() {
        let clock = Clock { zone: chrono_tz::UTC, now: Timestamp::from_secs(8_200) };
        let words = |why: Option<&str>| {
            let (of, words) = push_words(
                &PushState {
                    state: "confirmed".into(),
                    should: 48,
                    since: Timestamp::from_secs(1_000),
                    reason: None,
                    unsent: Some((46, why.map(str::to_owned))),
                },
                &clock,
            );
            (of, words.replace('\u{a0}', " "))
        };
        let (of, said) = words(Some("nothing is written until somebody resumes the web shop"));
        assert_eq!(
            said,
            "46 is not sent: nothing is written until somebody resumes the web shop. Our last update, to 48, was acknowledged 2 h ago, confirmed."
        );
        assert_eq!(of, Sign::Held);
        let (of, said) = words(None);
        assert_eq!(said, "46 is not sent yet. Our last update, to 48, was acknowledged 2 h ago, confirmed.");
        assert_eq!(of, Sign::Waiting, "no green while the newest number waits");
    }
}
