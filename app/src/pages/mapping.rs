//! Payments, taxes and registers of a shop beside those of a till: what needs a person first, a plain form for each list,
//! and who owns what.

use super::frame::{Asked, Page};
use super::mapping_form::{self, Fields};
use super::mapping_preview;
use super::problems::answer;
use crate::api::query;
use crate::server::session::Flash;
use crate::server::web::Form;
use crate::ui::badge::{Sign, sign, spoken_sign};
use crate::ui::button::{self, Kind};
use crate::ui::empty::empty;
use crate::ui::form::hidden;
use crate::ui::layout::{Entry, crumbs, page_head};
use crate::ui::number::{counted, plain};
use crate::ui::when::{Clock, time};
use axum::extract::RawQuery;
use axum::response::Response;
use leptos::prelude::*;
use truecount::domain::access::{Deed, Role};
use truecount::domain::mapping::{Choice, Standing, Topic};
use truecount::domain::master::Known;
use truecount::domain::ownership::{Owners, Part};
use truecount::domain::system::SystemSide;
use truecount::domain::time::Timestamp;
use truecount::operator::encoded;
use truecount::operator::mapping::{self, LineShown, Outcome, Pair, Shown, TopicShown};

/// Names of what could be a twin that are said at most.
const COULD_BE: usize = 3;

/// The page of this pair.
pub fn address(shop: &str, till: &str) -> String {
    format!("/connections/mapping?shop={}&till={}", encoded(shop), encoded(till))
}

/// `GET /connections/mapping`
pub async fn show(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let (shop, till) = (query::value(query.as_deref(), "shop"), query::value(query.as_deref(), "till"));
    match mapping::show(&asked.engine, &asked.actor, &shop, &till).await {
        Ok(shown) => {
            let page = Page::new("Payments, taxes and registers", Some(Entry::Connections), None);
            asked.page(page, move |asked| view(&shown, asked.actor.role, &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// `POST /connections/mapping`
pub async fn save(asked: Asked, Form(fields): Form<Fields>) -> Response {
    let sent = match mapping_form::sent(&fields) {
        Ok(sent) => sent,
        Err(why) => return answer(asked, Err(why), "", "", "/connections/mapping").await,
    };
    let back = format!("{}#{}", address(&sent.shop, &sent.till), sent.topic.word());
    let done = asked.run(|engine, actor| async move { mapping::save(&engine, &actor, sent).await }).await;
    match done {
        Ok(Outcome::LookFirst(preview)) => {
            let page = Page::new("What would change", Some(Entry::Connections), None);
            asked.page(page, move |_| mapping_preview::view(&preview)).await
        }
        Ok(Outcome::Saved(0)) => asked.back(&back, Flash::ok("Nothing to save. Nothing was chosen differently.")).await,
        Ok(Outcome::Saved(n)) => {
            let words = format!("Saved. {} from now on; nothing was written over there.", decisions_count(n));
            asked.back(&back, Flash::ok(words)).await
        }
        Err(why) => answer(asked, Err(why), "", "", &back).await,
    }
}

/// "2 decisions count", "1 decision counts".
fn decisions_count(n: usize) -> String {
    counted(i64::try_from(n).unwrap_or(i64::MAX), "decision counts", "decisions count")
}

/// `POST /connections/owners`
pub async fn give(asked: Asked, Form(fields): Form<Fields>) -> Response {
    let (shop, till, given) = match mapping_form::given(&fields) {
        Ok(given) => given,
        Err(why) => return answer(asked, Err(why), "", "", "/connections/mapping").await,
    };
    let back = format!("{}#owners", address(&shop, &till));
    let done =
        asked.run(|engine, actor| async move { mapping::give(&engine, &actor, &shop, &till, &given).await }).await;
    let words = if matches!(done, Ok(0)) { "Nothing was chosen differently." } else { "It counts from now on." };
    answer(asked, done.map(|_| ()), "Saved.", words, &back).await
}

/// The page, without its frame.
pub fn view(shown: &Shown, role: Role, clock: &Clock) -> AnyView {
    const TITLE: &str = "Payments, taxes and registers";
    let Some(pair) = &shown.pair else {
        let words = "Once a web shop and a till are connected, what each calls its payments, taxes and registers is read and set side by side here.";
        let to = button::link(Kind::Other, "/connections", "Back to Connections");
        return view! {
            {crumbs(&[("/connections", "Connections")], TITLE)}
            {page_head(TITLE, view! { "There is no pair of a shop and a till yet." }.into_any(), None)}
            <div class="card">{empty(false, "Nothing can be set side by side yet", words, Some(to))}</div>
        }
        .into_any();
    };
    let topics: Vec<AnyView> = shown.topics.iter().map(|topic| list(topic, pair, role, clock)).collect();
    view! {
        {crumbs(&[("/connections", "Connections")], TITLE)}
        {page_head(TITLE, view! { {sentence(shown, pair)} }.into_any(), None)}
        {pairs(shown, pair)}
        <div class="stack mapping">
            {topics}
            {owners(&shown.owners, pair, role)}
            {reading(shown, pair, role, clock)}
        </div>
    }
    .into_any()
}

fn sentence(shown: &Shown, pair: &Pair) -> String {
    let open: usize = shown.topics.iter().map(TopicShown::exceptions).sum();
    let lines = || shown.topics.iter().flat_map(|topic| &topic.lines).map(|shown| &shown.line.standing);
    let (shop, till) = &pair.names;
    match open {
        0 if lines().any(|standing| *standing == Standing::Unknown) => {
            format!("What {shop} uses is known; not everything that {till} has is.")
        }
        0 if lines().any(|standing| *standing == Standing::Linked) => {
            format!("Everything we know of {shop} is decided.")
        }
        0 => format!("What {shop} calls each of them, and what it is at {till}."),
        1 => format!("1 thing of {shop} needs you: nobody has said what it is at {till}."),
        n => format!("{n} things of {shop} need you: nobody has said what they are at {till}."),
    }
}

/// A link for each pair, where there are several.
fn pairs(shown: &Shown, pair: &Pair) -> Option<AnyView> {
    (shown.pairs.len() > 1).then(|| {
        let links: Vec<AnyView> = shown
            .pairs
            .iter()
            .map(|one| {
                let current = (one == pair).then_some("page");
                let words = format!("{} and {}", one.names.0, one.names.1);
                view! { <a href=address(&one.shop, &one.till) aria-current=current>{words}</a> }.into_any()
            })
            .collect();
        view! { <nav class="switch switch--places" aria-label="Which shop and till">{links}</nav> }.into_any()
    })
}

/// What a list is called: in the shop, and at the till.
fn heading(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::Payments => ("Payment methods", "Which payment type each is at the till. Takings are compared by it."),
        Topic::Taxes => {
            ("Taxes", "Which tax each is at the till. Nothing is matched by amounts, only by name or rate.")
        }
        Topic::Registers => ("Stores and pick-up points", "Which register stands for each; its outlet comes with it."),
        Topic::Returns => (
            "Returned units",
            "Where units that come back over the counter go. They are not sold before somebody decides.",
        ),
    }
}

fn list(shown: &TopicShown, pair: &Pair, role: Role, clock: &Clock) -> AnyView {
    let (title, hint) = heading(shown.topic);
    let word = shown.topic.word();
    let open = shown.exceptions();
    let all = shown.lines.len();
    let note = match (open, all) {
        (0, _) | (_, 0) => None,
        (1, all) => Some(format!("1 of {} needs you", plain(all as i64))),
        (open, all) => Some(format!("{} of {} need you", plain(open as i64), plain(all as i64))),
    };
    let may = role.may(Deed::ManageMapping);
    let missing: Vec<AnyView> = [
        missing(&shown.web, &pair.names.0, shown.topic.in_shop()[1]),
        missing(&shown.till, &pair.names.1, shown.topic.at_till()[1]),
    ]
    .into_iter()
    .flatten()
    .map(|words| view! { <p class="panel__words with-sign">{sign(Sign::Held)}{words}</p> }.into_any())
    .collect();
    let to_choose = shown.till.0.is_read() || !shown.options.is_empty();
    let choosable = may && to_choose && !shown.lines.is_empty();
    let rows: Vec<AnyView> =
        shown.lines.iter().enumerate().map(|(at, line)| row(shown, line, at, choosable, clock)).collect();
    let none = (rows.is_empty() && missing.is_empty()).then(|| {
        view! { <p class="panel__words">{format!("{} has none.", pair.names.0)}</p> }
    });
    let body = if choosable {
        let suggested = match shown.suggestions() {
            0 => None,
            1 => Some("Take the suggestion…".to_owned()),
            n => Some(format!("Take {n} suggestions…")),
        };
        let suggested = suggested.map(|words| {
            view! { <button class="button" type="submit" name="suggested" value="1">{words}</button> }
        });
        view! {
            <form class="twins-form" method="post" action="/connections/mapping">
                {hidden("shop", &pair.shop)}
                {hidden("till", &pair.till)}
                {hidden("topic", word)}
                <ul class="twins">{rows}</ul>
                <div class="buttons twins-form__foot">
                    <button class="button button--recommended" type="submit">"Save"<span class="unseen">{format!(": {title}")}</span></button>
                    {suggested}
                </div>
            </form>
        }
        .into_any()
    } else {
        view! { <ul class="twins">{rows}</ul> }.into_any()
    };
    view! {
        <section class="card panel" id=word aria-label=title>
            <div class="panel__head"><h2>{title}</h2><span class="panel__note">{note}</span></div>
            <p class="panel__words">{hint}</p>
            {missing}
            {none}
            {(!shown.lines.is_empty()).then_some(body)}
        </section>
    }
    .into_any()
}

/// Why there is nothing of a side to speak of.
fn missing((known, _): &(Known, Timestamp), whose: &str, what: &str) -> Option<String> {
    match known {
        Known::Seen | Known::Whole => None,
        Known::NotYet => Some(format!("The {what} of {whose} have not been read yet.")),
        Known::Untold => Some(format!("{whose} does not tell us its {what}.")),
        Known::Refused(why) => Some(format!(
            "Our key may not read the {what} of {whose}: {}. Allow it over there, then read again.",
            why.trim_end_matches('.')
        )),
    }
}

fn row(shown: &TopicShown, line: &LineShown, at: usize, choosable: bool, clock: &Clock) -> AnyView {
    let web = &line.line.web;
    let mut facts: Vec<String> = Vec::new();
    if !web.within.is_empty() {
        facts.push(web.within.clone());
    }
    if let Some(rate) = web.rate.filter(|rate| !web.name.contains(rate.text().trim_end_matches('%').trim())) {
        facts.push(rate.text());
    }
    if web.seen > 0 {
        facts.push(format!("on {} of the newest orders", plain(web.seen)));
    }
    let facts = (!facts.is_empty()).then(|| view! { <p class="small">{facts.join(", ")}</p> });
    let id = format!("{}-{at}", shown.topic.word());
    let twin = if choosable {
        select(shown, line, &id)
    } else {
        view! { <p class="twin__chosen">{line.chosen.clone()}</p> }.into_any()
    };
    let (mark, words) = state(shown.topic, line);
    let before = line.before.as_ref().filter(|_| line.line.choice != Choice::Open || shown.topic == Topic::Returns);
    let before = before.map(|(before, by, at)| {
        view! { <p class="small">{format!("Before: {before}. Changed by {by}, ")}{time(clock, *at, clock.minutes(*at))}</p> }
    });
    view! {
        <li class="twin">
            <div class="twin__web"><label class="twin__name" for=choosable.then_some(id)>{web.name.clone()}</label>{facts}</div>
            <div class="twin__till">{twin}</div>
            <div class="twin__state"><p class="with-sign">{spoken_sign(mark)}<span>{words}</span></p>{before}</div>
        </li>
    }
    .into_any()
}

/// What it may become; what stands there now goes along, so that nobody overwrites what they have not seen.
fn select(shown: &TopicShown, line: &LineShown, id: &str) -> AnyView {
    let (code, now) = (&line.line.web.code, line.line.choice.text());
    let option = |value: &str, words: &str| {
        view! { <option value=value.to_owned() selected=value == now>{words.to_owned()}</option> }.into_any()
    };
    let open = if shown.topic == Topic::Returns { "On hold at the outlet that took them" } else { "Not decided" };
    let mut options = vec![option("", open)];
    options.extend(shown.options.iter().map(|(value, words)| option(value, words)));
    if shown.topic != Topic::Returns {
        options.push(option("none", "Left out on purpose"));
    }
    // What was chosen and is no longer used stays chosen until somebody chooses another.
    let lost = matches!(line.line.choice, Choice::Twin(_)) && !shown.options.iter().any(|(value, _)| *value == now);
    if lost {
        options.push(option(&now, &line.chosen));
    }
    view! {
        {hidden(&format!("was.{code}"), &now)}
        <select class="input" id=id.to_owned() name=format!("to.{code}")>{options}</select>
    }
    .into_any()
}

fn state(topic: Topic, line: &LineShown) -> (Sign, String) {
    let [there, several] = topic.at_till();
    match &line.line.standing {
        Standing::TwinPutAway => (Sign::Soon, format!("This {there} is no longer used. Choose another.")),
        Standing::Several(_) => {
            let more = line.could_be.len().saturating_sub(COULD_BE);
            let names = line.could_be.iter().take(COULD_BE).cloned().collect::<Vec<_>>().join("; ");
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            (Sign::Soon, format!("Several could be it: {names}{more}"))
        }
        Standing::Obvious(_) => {
            (Sign::Soon, format!("Suggested: {}. Nobody has confirmed it.", line.could_be.concat()))
        }
        Standing::Alone => (Sign::Soon, format!("No {there} is called the same. Choose one, or leave it out.")),
        Standing::Unknown => (Sign::Held, format!("Waits until the till's {several} are known.")),
        Standing::Linked => (Sign::Fine, "Linked".to_owned()),
        Standing::Fine if topic == Topic::Returns => (Sign::Held, "Kept where they came back".to_owned()),
        Standing::Fine => (Sign::Held, "Left out".to_owned()),
        Standing::PutAway => (Sign::Held, "No longer used in the shop".to_owned()),
    }
}

fn owners(owners: &Owners, pair: &Pair, role: Role) -> AnyView {
    let (shop, till) = &pair.names;
    let name = |side: SystemSide| if side == SystemSide::Shop { shop.clone() } else { till.clone() };
    let may = role.may(Deed::ManageConnections);
    let fixed = |what: &'static str, side: SystemSide, why: &'static str| {
        view! { <li class="twin"><div class="twin__web"><p class="twin__name">{what}</p></div><div class="twin__till"><p class="twin__chosen">{name(side)}</p></div><div class="twin__state"><p class="small">{why}</p></div></li> }
            .into_any()
    };
    let mut rows = vec![
        fixed("On hand", SystemSide::Till, "Always: the web shows what the till counts."),
        fixed("Orders", SystemSide::Shop, "Always: they are made there."),
    ];
    rows.extend(Part::ALL.into_iter().map(|part| {
        let now = owners.of(part);
        let id = format!("owner-{}", part.word());
        let said = if owners.is_default(part) { "As it comes; nobody has changed it." } else { "Chosen here." };
        let options: Vec<AnyView> = [SystemSide::Shop, SystemSide::Till]
            .into_iter()
            .map(|side| view! { <option value=side.word() selected=side == now>{name(side)}</option> }.into_any())
            .collect();
        let value = if may {
            view! {
                {hidden(&format!("was.{}", part.word()), now.word())}
                <select class="input" id=id.clone() name=format!("to.{}", part.word())>{options}</select>
            }
            .into_any()
        } else {
            view! { <p class="twin__chosen">{name(now)}</p> }.into_any()
        };
        view! {
            <li class="twin">
                <div class="twin__web"><label class="twin__name" for=may.then_some(id)>{part.name()}</label></div>
                <div class="twin__till">{value}</div>
                <div class="twin__state"><p class="small">{said}</p></div>
            </li>
        }
        .into_any()
    }));
    let body = if may {
        view! {
            <form class="twins-form" method="post" action="/connections/owners">
                {hidden("shop", &pair.shop)}
                {hidden("till", &pair.till)}
                <ul class="twins">{rows}</ul>
                <div class="buttons twins-form__foot">
                    <button class="button button--recommended" type="submit">"Save"<span class="unseen">": Who owns what"</span></button>
                </div>
            </form>
        }
        .into_any()
    } else {
        view! { <ul class="twins">{rows}</ul> }.into_any()
    };
    view! {
        <section class="card panel" id="owners" aria-label="Who owns what">
            <div class="panel__head"><h2>"Who owns what"</h2></div>
            <p class="panel__words">"Which side is right where both say something else. Only counts are written so far: what is chosen for the rest holds from the first time that it is written."</p>
            {body}
        </section>
    }
    .into_any()
}

/// When both were read, and the buttons that read them now.
fn reading(shown: &Shown, pair: &Pair, role: Role, clock: &Clock) -> AnyView {
    let read = |of: fn(&TopicShown) -> Timestamp| {
        shown.topics.iter().filter(|topic| topic.topic != Topic::Returns).map(of).min().unwrap_or_default()
    };
    let said = |at: Timestamp| {
        if at == Timestamp(0) { view! { "not yet" }.into_any() } else { time(clock, at, clock.minutes(at)) }
    };
    let back = address(&pair.shop, &pair.till);
    let again = |id: &str, name: &str| {
        (role.may(Deed::ReadAgain) && !shown.paused.iter().any(|paused| paused == id)).then(|| {
            let path = format!("/connections/{}/read-again", encoded(id));
            button::post(Kind::Other, &path, &format!("Read {name} again"), None, &[("back", &back)])
        })
    };
    let (shop, till) = &pair.names;
    view! {
        <section class="card panel" aria-label="When it was read">
            <div class="panel__head"><h2>"Read once a day"</h2></div>
            <p class="panel__words">
                {shop.clone()}": "{said(read(|topic| topic.web.1))}". "
                {till.clone()}": "{said(read(|topic| topic.till.1))}". Whoever adds a payment type or a register over there need not wait for tomorrow."
            </p>
            <div class="buttons twins-form__foot">{again(&pair.shop, shop)}{again(&pair.till, till)}</div>
        </section>
    }
    .into_any()
}
