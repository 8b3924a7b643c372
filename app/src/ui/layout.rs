//! The top bar, the freshness line and the frame of a page for somebody who is signed in.

use super::badge::{Sign, icon, mark, sign};
use super::button::{self, Kind};
use super::form::hidden;
use super::when::{Clock, rough, time};
use leptos::prelude::*;
use truecount::operator::views::{Freshness, Mark};

/// Entries of the top bar: only what is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// `/`
    Today,
    /// `/stock`
    Stock,
    /// `/connections`
    Connections,
}

/// Everything that surrounds a page.
#[derive(Debug, Clone)]
pub struct Around {
    /// The entry this page belongs to.
    pub entry: Option<Entry>,
    /// Open problems, beside Today.
    pub open_problems: i64,
    /// Ages of all numbers; `None` when they could not be asked for.
    pub freshness: Option<Freshness>,
    /// The viewer's clock.
    pub clock: Clock,
    /// Name and role of the person.
    pub person: (String, String),
    /// Their theme: "system", "light", "dark".
    pub theme: &'static str,
    /// Address of this page, to come back to after a change of theme.
    pub here: String,
    /// What was searched for.
    pub searched: String,
}

/// Top bar, freshness line and the page.
pub fn layout(around: Around, main: AnyView) -> AnyView {
    let freshness = around.freshness.as_ref().map(|f| freshness_line(f, &around.clock));
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        {top_bar(&around)}
        {freshness}
        {not_live(&around)}
        <main id="main" class="page" tabindex="-1">{main}</main>
        <p class="unseen" role="status" aria-live="polite" data-announce=""></p>
        {keys_help()}
    }
    .into_any()
}

/// Shown by the browser half when the page hears nothing any more: from when its numbers are, and the way on.
fn not_live(around: &Around) -> AnyView {
    view! {
        <p class="new-bar not-live" data-not-live="" data-since=around.clock.minutes(around.clock.now) hidden=true>
            <span data-words=""></span>" "<a href=around.here.clone()></a>
        </p>
    }
    .into_any()
}

fn top_bar(around: &Around) -> AnyView {
    let item = |entry: Entry, href: &'static str, words: &'static str, count: i64| {
        let current = (around.entry == Some(entry)).then_some("page");
        let count = (count > 0).then(|| {
            view! { <span class="entry__count">{count.to_string()}<span class="unseen">" open problems"</span></span> }
        });
        let live = (entry == Entry::Today).then_some("");
        view! {
            <li><a class="entry" href=href aria-current=current>{words}" "
                <span id=live.map(|_| "open-problems") data-live=live data-topics=live.map(|_| "problems")>{count}</span>
            </a></li>
        }
        .into_any()
    };
    let entries = || {
        view! {
            <ul class="entries">
                {item(Entry::Today, "/", "Today", around.open_problems)}
                {item(Entry::Stock, "/stock", "Stock", 0)}
                {item(Entry::Connections, "/connections", "Connections", 0)}
            </ul>
        }
        .into_any()
    };
    let phone_item = |entry: Entry, href: &'static str, words: String| {
        let current = (around.entry == Some(entry)).then_some("page");
        view! { <li><a class="menu__link" href=href aria-current=current>{words}</a></li> }.into_any()
    };
    let today = match around.open_problems {
        0 => "Today".to_owned(),
        n => format!("Today, {n} open"),
    };
    view! {
        <header class="bar">
            <a class="brand" href="/">{mark()}<span class="brand__name">"Truecount"</span></a>
            <nav class="bar__entries" aria-label="Main">{entries()}</nav>
            <form class="search" method="get" action="/search" role="search">
                {icon("search")}
                <label class="unseen" for="search">"Order, SKU, barcode or receipt"</label>
                <input id="search" name="q" type="search" placeholder="Order, SKU, receipt…" value=around.searched.clone()
                    autocomplete="off" spellcheck="false" data-search=""/>
                <kbd class="key" aria-hidden="true">"/"</kbd>
            </form>
            <a class="bar__search" href="/search" aria-label="Search">{icon("search")}</a>
            <details class="menu menu--person">
                <summary class="menu__summary">{icon("person")}<span>{around.person.1.clone()}</span>{icon("down")}</summary>
                <div class="menu__sheet">{person_menu(around)}</div>
            </details>
            <details class="menu menu--all">
                <summary class="menu__summary menu__summary--button">{icon("menu")}<span>"Menu"</span></summary>
                <div class="menu__sheet">
                    <nav aria-label="Main">
                        <ul class="menu__list">
                            {phone_item(Entry::Today, "/", today)}
                            {phone_item(Entry::Stock, "/stock", "Stock".to_owned())}
                            {phone_item(Entry::Connections, "/connections", "Connections".to_owned())}
                        </ul>
                    </nav>
                    {person_menu(around)}
                </div>
            </details>
        </header>
    }
    .into_any()
}

fn person_menu(around: &Around) -> AnyView {
    let (name, role) = around.person.clone();
    let themes: Vec<AnyView> = [("system", "As the system"), ("light", "Light"), ("dark", "Dark")]
        .into_iter()
        .map(|(value, words)| {
            let pressed = if around.theme == value { "true" } else { "false" };
            view! { <button type="submit" name="theme" value=value aria-pressed=pressed>{words}</button> }.into_any()
        })
        .collect();
    view! {
        <p class="menu__person"><strong>{name}</strong><span>{role}</span></p>
        <form class="menu__theme" method="post" action="/theme">
            {hidden("next", &around.here)}
            <span class="menu__label">"Look"</span>
            <div class="switch">{themes}</div>
        </form>
        {button::post(Kind::Other, "/logout", "Log out", None, &[])}
    }
    .into_any()
}

fn freshness_line(freshness: &Freshness, clock: &Clock) -> AnyView {
    let marks: Vec<AnyView> = freshness.marks.iter().map(|mark| read_up_to(mark, clock)).collect();
    let compared = match freshness.compared_at {
        Some(at) => view! { <span>"Every SKU compared "<b>{time(clock, at, clock.minutes(at))}</b></span> }.into_any(),
        None => view! { <span>"Not every SKU compared yet"</span> }.into_any(),
    };
    view! {
        <section class="freshness" id="freshness" aria-label="How old the numbers are" data-live="" data-topics="connections">
            {marks}
            {compared}
            <span class="freshness__clock">{time(clock, clock.now, clock.head())}" "{clock.zone_words()}</span>
        </section>
    }
    .into_any()
}

fn read_up_to(mark: &Mark, clock: &Clock) -> AnyView {
    let label = mark.label.clone();
    match (&mark.stale, mark.read_up_to) {
        (Some((since, _)), read) if mark.is_paused() => view! {
            <span class="freshness__stale">
                {sign(Sign::Held)}{label}" paused, "
                {match read {
                    Some(_) => view! { "read up to "<b>{time(clock, *since, clock.seconds(*since))}</b> }.into_any(),
                    None => view! { "not read yet" }.into_any(),
                }}
            </span>
        }
        .into_any(),
        (Some((since, _)), _) => view! {
            <span class="freshness__stale">
                {sign(Sign::Now)}{label}" not read since "<b>{time(clock, *since, clock.seconds(*since))}</b>
                {format!(", {}", rough(clock.now.since(*since)))}
            </span>
        }
        .into_any(),
        (None, Some(at)) => {
            view! { <span>{label}" read up to "<b>{time(clock, at, clock.seconds(at))}</b></span> }.into_any()
        }
        (None, None) => view! { <span>{label}" not read yet"</span> }.into_any(),
    }
}

/// Opened by `?`; closed by Escape or its button. It says nothing that works without it.
fn keys_help() -> AnyView {
    let row = |keys: &'static [&'static str], words: &'static str| {
        let keys: Vec<AnyView> = keys.iter().map(|key| view! { <kbd class="key">{*key}</kbd>" " }.into_any()).collect();
        view! { <div class="keys__row"><dt>{keys}</dt><dd>{words}</dd></div> }.into_any()
    };
    view! {
        <dialog class="dialog" data-keys-help="" aria-labelledby="keys-title">
            <form method="dialog">
                <h2 class="dialog__title" id="keys-title">"Keys"</h2>
                <dl class="keys">
                    {row(&["/"], "Search")}
                    {row(&["j", "k"], "Next row, row before")}
                    {row(&["Enter"], "Open the row")}
                    {row(&["e"], "Take the problem")}
                    {row(&["?"], "These keys")}
                </dl>
                <p class="dialog__foot"><button class="button" type="submit">"Close"</button></p>
            </form>
        </dialog>
    }
    .into_any()
}

/// Title, a sentence that sums the page up, and the page's own actions, recommended last.
pub fn page_head(title: &str, sentence: AnyView, actions: Option<AnyView>) -> AnyView {
    view! {
        <div class="page-head">
            <div class="page-head__words">
                <h1>{title.to_owned()}</h1>
                <p class="page-head__sentence">{sentence}</p>
            </div>
            {actions.map(|actions| view! { <div class="page-head__actions">{actions}</div> })}
        </div>
    }
    .into_any()
}

/// The line of links above a title.
pub fn crumbs(links: &[(&str, &str)], here: &str) -> AnyView {
    let links: Vec<AnyView> = links
        .iter()
        .map(|(href, words)| {
            view! { <a href=(*href).to_owned()>{(*words).to_owned()}</a><span aria-hidden="true">" / "</span> }
                .into_any()
        })
        .collect();
    view! { <nav class="crumbs" aria-label="Path">{links}<span>{here.to_owned()}</span></nav> }.into_any()
}
