//! Connections: whether both systems answer, how far they are read, how quick a sale reaches the web, and what
//! was refused or parked.

use super::frame::{Asked, Page};
use super::problems::{Back, answer};
use crate::server::web::Form;
use crate::ui::badge::{Sign, badge, sign};
use crate::ui::button::{self, Kind};
use crate::ui::empty::empty;
use crate::ui::layout::{Entry, page_head};
use crate::ui::number::{counted, plain};
use crate::ui::sparkline::{Spark, sparkline};
use crate::ui::when::{Clock, measured, time};
use axum::extract::Path;
use axum::response::Response;
use leptos::prelude::*;
use truecount::domain::access::{Deed, Role};
use truecount::domain::problem::STALE_AFTER;
use truecount::domain::time::Span;
use truecount::operator::views::{ConnectionCard, Connections, Delay, PlaceRow, Severity};
use truecount::operator::{connections, encoded};

/// Under this percentage an allowance is short.
const SHORT_ALLOWANCE: i64 = 40;

/// What a pause stops, and what it does not; the badge says that it is one.
const PAUSED: &str = "Nothing is read or written until somebody resumes it. Notices that it sends are still taken in.";

/// `GET /connections`
pub async fn show(asked: Asked) -> Response {
    match connections::list(&asked.engine, &asked.actor).await {
        Ok(mut list) => {
            for card in &mut list.cards {
                if let Some(link) = asked.engine.cx().link(&card.id) {
                    card.title.clone_from(&link.name);
                }
                // As somebody must paste it at the vendor: whole.
                if card.notice_url.starts_with('/') {
                    card.notice_url.insert_str(0, &asked.origin);
                }
            }
            let mut page = Page::new("Connections", Some(Entry::Connections), Some(list.freshness.clone()));
            page.says_pauses = true;
            asked.page(page, move |asked| view(&list, asked.actor.role, &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// `POST /connections/{id}/read-again`
pub async fn read_again(asked: Asked, Path(id): Path<String>, Form(form): Form<Back>) -> Response {
    let done = asked.run(|engine, actor| async move { connections::read_again(&engine, &actor, &id).await }).await;
    answer(
        asked,
        done,
        "Reading again now.",
        "It never writes; differences show up as problems.",
        form.or("/connections"),
    )
    .await
}

/// `POST /connections/{id}/pause`
pub async fn pause(asked: Asked, Path(id): Path<String>, Form(form): Form<Back>) -> Response {
    let done = asked.run(|engine, actor| async move { connections::pause(&engine, &actor, &id).await }).await;
    answer(
        asked,
        done,
        "Paused.",
        "We make no calls to it until somebody presses Resume. Notices are still taken in.",
        form.or("/connections"),
    )
    .await
}

/// `POST /connections/{id}/resume`
pub async fn resume(asked: Asked, Path(id): Path<String>, Form(form): Form<Back>) -> Response {
    let done = asked.run(|engine, actor| async move { connections::resume(&engine, &actor, &id).await }).await;
    answer(asked, done, "Resumed.", "It catches up first, then goes on as before.", form.or("/connections")).await
}

/// The page, without its frame.
pub fn view(list: &Connections, role: Role, clock: &Clock) -> AnyView {
    let add =
        role.may(Deed::ManageConnections).then(|| button::link(Kind::Other, "/connections/new", "Add a connection"));
    if list.cards.is_empty() {
        let words = if add.is_some() {
            "Add the web shop first, then the till. A new connection only reads until you let a place go live."
        } else {
            "An administrator adds the web shop and the till here."
        };
        return view! {
            {page_head("Connections", view! { "No system is connected yet." }.into_any(), None)}
            <div class="card">{empty(false, "No shop and no till is connected yet", words, add)}</div>
        }
        .into_any();
    }
    let cards: Vec<AnyView> = list.cards.iter().map(|card| connection(card, role, clock)).collect();
    view! {
        {page_head("Connections", view! { {sentence(list)} }.into_any(), Some(view! {
            <div class="buttons">{button::link(Kind::Other, "/connections/mapping", "Payments, taxes and registers")}{add}</div>
        }.into_any()))}
        <section id="cards" class="stack" aria-label="Systems" data-live="" data-topics="connections">{cards}</section>
        <div class="halves">
            <section id="delay" aria-label="Delay" data-live="" data-topics="connections sku">{delay(&list.delay, clock)}</section>
            <section id="places" aria-label="Places" data-live="" data-topics="connections">{places(list, role, clock)}</section>
        </div>
        <div id="outlets-left" data-live="" data-topics="connections">{unmapped(list, role)}</div>
        <section id="kept" class="halves" aria-label="Refused and parked" data-live="" data-topics="connections">
            {refused(list, clock)}
            {parked(list, clock)}
        </section>
    }
    .into_any()
}

fn sentence(list: &Connections) -> String {
    let bad: Vec<String> = list
        .cards
        .iter()
        .filter(|card| card.health.0 != Severity::Fine && !card.paused)
        .map(|card| format!("{} is {}.", card.title, lower_first(&card.health.1)))
        .collect();
    // Of a pause the line at the top and the card speak; here it is what goes on.
    let paused = list.cards.iter().filter(|card| card.paused).count();
    match (bad.is_empty(), list.cards.len()) {
        (true, n) if paused == n => "Nothing is read or written now.".into(),
        (true, n) if paused > 0 && n - paused == 1 => "The other one answers.".into(),
        (true, n) if paused > 0 => format!("The other {} answer.", n - paused),
        (true, 1) => "It answers.".into(),
        (true, 2) => "Both systems answer.".into(),
        (true, n) => format!("All {n} systems answer."),
        (false, _) => bad.join(" "),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn connection(card: &ConnectionCard, role: Role, clock: &Clock) -> AnyView {
    let path = |act: &str| format!("/connections/{}/{act}", encoded(&card.id));
    let (severity, word, why) = &card.health;
    let read_up_to =
        card.read_up_to.map_or_else(|| view! { "not yet" }.into_any(), |at| time(clock, at, clock.seconds(at)));
    let compared_at =
        card.compared_at.map_or_else(|| view! { "not yet" }.into_any(), |at| time(clock, at, clock.minutes(at)));
    let allowance = card.allowance.as_ref().map(|(left, sentence)| {
        let class = if *left < SHORT_ALLOWANCE { "bar-line bar-line--short" } else { "bar-line" };
        let width = format!("{}%", left.clamp(&0, &100));
        view! {
            <div class="connection__cell">
                <dt>"Allowance left"</dt>
                <dd><b>{format!("{left}\u{a0}% of its calls")}</b></dd>
                <dd><svg class=class aria-hidden="true"><rect class="bar-line__ground" width="100%" height="6" rx="3"></rect><rect class="bar-line__part" width=width height="6" rx="3"></rect></svg></dd>
                <dd class="small">{sentence.clone()}</dd>
            </div>
        }
    });
    let (accepted, repeated, found, refused) = card.notices;
    // Nothing is read from a paused one: a press would promise what does not happen.
    let read = (role.may(Deed::ReadAgain) && !card.paused)
        .then(|| button::post(Kind::Other, &path("read-again"), "Read again", Some(&card.title), &[]));
    let test = (role.may(Deed::ReadAgain) && !card.paused).then(|| {
        view! { <a class="button" href=path("test")>"Test…"<span class="unseen">{format!(" {}", card.title)}</span></a> }
    });
    let pause = role.may(Deed::PauseConnection).then(|| match card.paused {
        true => button::post(Kind::Recommended, &path("resume"), "Resume", Some(&card.title), &[]),
        false => button::post(Kind::Other, &path("pause"), "Pause", Some(&card.title), &[]),
    });
    let key = role.may(Deed::ManageConnections).then(|| {
        let hint = card.key_hint.as_ref().map(|hint| format!("key ends in …{hint} "));
        view! { <dd class="small">{hint}<a href=path("keys")>"Change keys…"<span class="unseen">{format!(" {}", card.title)}</span></a></dd> }
    });
    let why = if card.paused { Some(PAUSED) } else { why.as_deref() };
    let why = why.map(|why| view! { <p class="connection__why">{why.to_owned()}</p> });
    view! {
        <article class="card connection" aria-label=card.title.clone()>
            <div class="connection__name">
                <h2>{card.title.clone()}</h2>
                <p class="small">{card.vendor.clone()}</p>
                {badge(Sign::from(*severity), word)}
            </div>
            <dl class="connection__facts">
                <div class="connection__cell">
                    <dt>"Read up to"</dt><dd><b>{read_up_to}</b></dd>
                    <dt>"Every SKU read"</dt><dd>{compared_at}</dd>
                </div>
                {allowance}
                <div class="connection__cell">
                    <dt>"Notices, 24 h"</dt>
                    <dd>{format!("{} came", plain(accepted))}</dd>
                    <dd class="small">{format!("{} repeated, {} never arrived, {} refused", plain(repeated), plain(found), plain(refused))}</dd>
                </div>
                <div class="connection__cell connection__cell--address">
                    <dt>"Address for notices"</dt>
                    <dd><code class="breaks">{at_slashes(&card.notice_url)}</code>" "{button::copies(&card.notice_url, &format!("address for notices of {}", card.title))}</dd>
                    {key}
                </div>
            </dl>
            <div class="connection__acts">{read}{test}{pause}</div>
            {why}
        </article>
    }
    .into_any()
}

/// An address that may break behind its slashes, and only there while that is enough.
fn at_slashes(address: &str) -> Vec<AnyView> {
    address.split_inclusive('/').map(|part| view! { {part.to_owned()}<wbr/> }.into_any()).collect()
}

fn delay(delay: &Delay, clock: &Clock) -> AnyView {
    let head = view! { <div class="panel__head"><h2>"Delay, till to web"</h2><span class="panel__note">"last 24 h"</span></div> };
    if delay.count == 0 {
        return view! {
            <div class="card panel">
                {head}
                <p class="panel__words">"No sale has reached the web in the last 24 hours. The time from the till's sale to the shop's answer is drawn here."</p>
            </div>
        }
        .into_any();
    }
    let said = |span: Option<Span>| span.map_or_else(|| "not known".into(), |span| measured(seconds_up(span)));
    let worst = delay.worst.map(|(span, at)| {
        view! {
            <div>
                <dt class="with-sign">{is_bad(span).then(|| sign(Sign::Now))}"Worst, "{time(clock, at, clock.minutes(at))}</dt>
                <dd>{said(Some(span))}</dd>
            </div>
        }
    });
    let sentence = format!(
        "Delay from a sale at the till to the shop's answer in the last 24 hours, {}: half under {}, 95 percent under {}, worst {}.",
        counted(delay.count, "update", "updates"),
        said(delay.p50),
        said(delay.p95),
        said(delay.worst.map(|w| w.0))
    );
    let spark = Spark {
        slots: delay.slots.clone(),
        beneath: (clock.minutes(delay.from), delay.worst.map(|w| clock.minutes(w.1)), "now".into()),
        bad: delay.worst.is_some_and(|(span, _)| is_bad(span)),
        sentence,
    };
    view! {
        <div class="card panel">
            {head}
            {sparkline(spark)}
            <dl class="delay">
                <div><dt>"Half the updates under"</dt><dd>{said(delay.p50)}</dd></div>
                <div><dt>"95\u{a0}% of updates under"</dt><dd>{said(delay.p95)}</dd></div>
                {worst}
            </dl>
            <p class="panel__words">{format!("Of {}, from the till's sale to the shop's answer.", counted(delay.count, "update", "updates"))}</p>
        </div>
    }
    .into_any()
}

/// From here on what we read of a system counts as too old, so a sale that took longer to the web is marked.
fn is_bad(delay: Span) -> bool {
    delay > STALE_AFTER
}

/// Rounded up to whole seconds: half are under it is only true of the next second, and no delay is none.
fn seconds_up(span: Span) -> Span {
    Span::secs(((span.0 + 999_999) / 1_000_000).max(1))
}

fn places(list: &Connections, role: Role, clock: &Clock) -> AnyView {
    let rows: Vec<AnyView> = list.places.iter().map(|p| place(p, list, role, clock)).collect();
    let body = if rows.is_empty() {
        view! { <p class="panel__words">"Warehouses of the shop appear here when it has been read."</p> }.into_any()
    } else {
        view! { <ul class="places">{rows}</ul> }.into_any()
    };
    view! {
        <div class="card panel">
            <div class="panel__head"><h2>"Places"</h2><span class="panel__note">"where the shop counts what it can sell"</span></div>
            {body}
        </div>
    }
    .into_any()
}

fn place(place: &PlaceRow, list: &Connections, role: Role, clock: &Clock) -> AnyView {
    let path = |act: &str| format!("/connections/places/{}/{act}", encoded(&place.id));
    let fed = if place.outlets.is_empty() && !list.unmapped_outlets.is_empty() {
        "No outlet feeds it yet. Which one does is said under “Outlets that feed no place”.".to_owned()
    } else if place.outlets.is_empty() {
        "No outlet feeds it: nothing that a till sells is counted here, so it is only read.".to_owned()
    } else {
        format!("Fed by {}", place.outlets.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" + "))
    };
    let may = role.may(Deed::GoLive);
    let (state, act) = match place.live_since {
        Some(since) => (
            view! { {badge(Sign::Fine, "Live")}<span class="small">" since "{time(clock, since, clock.minutes(since))}</span> }.into_any(),
            may.then(|| button::post(Kind::Other, &path("stop-writing"), "Stop writing", Some(&place.name), &[])),
        ),
        None => (
            view! { {badge(Sign::Held, "Reading only")}<span class="small">" we write nothing there"</span> }.into_any(),
            (may && !place.outlets.is_empty()).then(|| button::link(Kind::Recommended, &path("go-live"), "Go live…")),
        ),
    };
    let change = (role.may(Deed::ManageConnections) && !place.outlets.is_empty()).then(|| {
        let forms: Vec<AnyView> =
            place.outlets.iter().map(|(id, name)| mapping(id, name, Some(&place.id), &list.places)).collect();
        view! {
            <details class="place__change" id=format!("change-{}", place.id)>
                <summary>"Change what feeds it"</summary>
                {forms}
            </details>
        }
    });
    view! {
        <li class="place">
            <div class="place__words">
                <h3>{place.name.clone()}<span class="small">{format!(" {}", place.connection)}</span></h3>
                <p class="small">{fed}</p>
                <p class="place__state">{state}</p>
            </div>
            {act}
            {change}
        </li>
    }
    .into_any()
}

/// Which place an outlet feeds; it leads to what that would change. `now` is the place it feeds already.
fn mapping(id: &str, name: &str, now: Option<&str>, places: &[PlaceRow]) -> AnyView {
    let option = |value: &str, words: &str| {
        view! { <option value=value.to_owned() selected=now == Some(value)>{words.to_owned()}</option> }.into_any()
    };
    let mut options: Vec<AnyView> = places.iter().map(|place| option(&place.id, &place.name)).collect();
    options.extend(now.map(|_| option("", "No place")));
    let field = format!("outlet-{id}");
    view! {
        <form class="inline" method="get" action=format!("/connections/outlets/{}/map", encoded(id))>
            <label for=field.clone() class="small">{now.map(|_| format!("{name} "))}"feeds"</label>
            <select class="input" id=field name="place">{options}</select>
            <button class="button" type="submit">"See what changes…"<span class="unseen">{format!(": {name}")}</span></button>
        </form>
    }
    .into_any()
}

fn unmapped(list: &Connections, role: Role) -> AnyView {
    if list.unmapped_outlets.is_empty() {
        return ().into_any();
    }
    let may = role.may(Deed::ManageConnections);
    let rows: Vec<AnyView> = list
        .unmapped_outlets
        .iter()
        .map(|(id, name)| {
            let form = (may && !list.places.is_empty()).then(|| mapping(id, name, None, &list.places));
            view! { <li class="place"><div class="place__words"><h3>{name.clone()}</h3></div>{form}</li> }.into_any()
        })
        .collect();
    view! {
        <section class="card panel" aria-labelledby="unmapped">
            <div class="panel__head"><h2 class="with-sign" id="unmapped">{sign(Sign::Soon)}"Outlets that feed no place"</h2></div>
            <p class="panel__words">"What they sell changes no count on the web. Say which place of the shop each one feeds, or leave it out."</p>
            <ul class="places">{rows}</ul>
        </section>
    }
    .into_any()
}

fn refused(list: &Connections, clock: &Clock) -> AnyView {
    let rows: Vec<AnyView> = list
        .refused
        .iter()
        .map(|notice| {
            let times = if notice.count > 1 { format!(" ×{}", plain(notice.count)) } else { String::new() };
            view! {
                <li class="kept">
                    <span class="kept__when">{time(clock, notice.at, clock.seconds(notice.at))}</span>
                    <div>
                        <p>{notice.reason.clone()}{times}</p>
                        <p class="small">{format!("{}, we answered {}", notice.connection, notice.status)}</p>
                    </div>
                </li>
            }
            .into_any()
        })
        .collect();
    kept(
        "refused",
        "Notices we refused",
        "A notice whose signature or form is wrong lands here. Nothing it says is applied.",
        rows,
    )
}

fn parked(list: &Connections, clock: &Clock) -> AnyView {
    let rows: Vec<AnyView> = list
        .parked
        .iter()
        .map(|record| {
            view! {
                <li class="kept">
                    <span class="kept__when">{time(clock, record.at, clock.seconds(record.at))}</span>
                    <div>
                        <p><b>{record.what.clone()}</b>" "{record.reason.clone()}</p>
                        <p class="small">{record.connection.clone()}", "<a href=format!("/evidence/record/{}", encoded(&record.id))>"Show the raw record"</a></p>
                    </div>
                </li>
            }
            .into_any()
        })
        .collect();
    kept(
        "parked",
        "Parked records",
        "A record that we could not read or apply is kept here with its reason, and holds up nobody else.",
        rows,
    )
}

fn kept(id: &'static str, title: &'static str, when_empty: &'static str, rows: Vec<AnyView>) -> AnyView {
    let count = rows.len() as i64;
    let body = if rows.is_empty() {
        view! { <p class="panel__words">"None. "{when_empty}</p> }.into_any()
    } else {
        view! { <ul class="kept-list">{rows}</ul> }.into_any()
    };
    let note = (count > 0).then(|| format!("newest {}", plain(count)));
    view! {
        <div class="card panel" id=id>
            <div class="panel__head"><h2>{title}</h2><span class="panel__note">{note}</span></div>
            {body}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    fn html(list: &Connections) -> String {
        let clock = Clock { zone: chrono_tz::UTC, now: sample::NOW };
        Owner::new().with(|| view(list, Role::Admin, &clock).to_html())
    }

    #[test]
    fn the_worst_delay_is_red_only_beyond_what_counts_as_too_old() {
        let mut list = sample::connections();
        for (span, red) in [(Span::secs(1), false), (STALE_AFTER, false), (Span(STALE_AFTER.0 + 1), true)] {
            list.delay.worst = Some((span, sample::NOW));
            let shown = html(&list);
            let (_, words) = shown.split_once("<dl class=\"delay\"").expect("the delays");
            let words = &words[..words.find("</dl>").expect("an end")];
            assert_eq!(words.contains("sign--now"), red, "{words}");
            assert_eq!(shown.contains("spark__worst--bad"), red);
        }
    }

    /// The line at the top says it once, and the card of the system once.
    #[test]
    fn a_pause_is_said_once_on_the_page() {
        let mut list = sample::connections();
        let all = list.cards.len();
        for paused in 1..=all {
            let card = &mut list.cards[paused - 1];
            (card.paused, card.health) = (true, (Severity::Held, "Paused".to_owned(), None));
            let shown = html(&list).to_lowercase();
            assert_eq!(shown.matches("paused").count(), paused, "{shown}");
            assert_eq!(shown.contains("nothing is read or written now"), paused == all);
        }
    }

    #[test]
    fn the_address_for_notices_can_be_copied_where_there_is_a_script_for_it() {
        let list = sample::connections();
        let shown = html(&list);
        let (_, button) = shown.split_once("data-copies=\"").expect("a button");
        assert!(button.starts_with(&list.cards[0].notice_url), "{button}");
        assert!(button[..button.find('>').expect("its end")].contains("hidden"), "not without a script");
    }

    #[test]
    fn a_delay_is_never_under_nothing() {
        for (millis, want) in [(0, 1), (12, 1), (1_000, 1), (4_001, 5), (41_000, 41)] {
            assert_eq!(seconds_up(Span::millis(millis)), Span::secs(want), "{millis}");
        }
    }
}
