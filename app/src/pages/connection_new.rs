//! Adding a connection. It only reads until a place goes live; mistakes are named together and what was typed stays.

use super::frame::{Asked, Page};
use crate::server::session::Flash;
use crate::server::web::Form;
use crate::ui::badge::{Sign, sign};
use crate::ui::button::{self, Kind};
use crate::ui::form::{Field, field, hidden};
use crate::ui::layout::{Entry, crumbs, page_head};
use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;
use truecount::domain::access::Deed;
use truecount::domain::system::{System, Tells};
use truecount::domain::words::capital;
use truecount::operator::OperatorError;
use truecount::operator::add_connection;
use truecount::operator::new_connection::NewConnection;
use truecount::operator::typed_keys::TypedKeys;

/// What was typed. Secrets are never sent back to the page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    vendor: String,
    name: String,
    base_url: String,
    notice_secret: String,
    #[serde(flatten)]
    keys: TypedKeys,
}

/// Which system's form is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    vendor: String,
}

const TITLE: &str = "Add a connection";

/// `GET /connections/new`: which system; with `?vendor=`, its own form.
pub async fn show(asked: Asked, Query(chosen): Query<Chosen>) -> Response {
    if let Err(why) = asked.actor.check(Deed::ManageConnections) {
        return asked.refused(why).await;
    }
    let page = Page::new(TITLE, Some(Entry::Connections), None);
    match System::parse(&chosen.vendor) {
        Some(system) => asked.page(page, move |_| form(system, &Typed::default(), &[])).await,
        None => asked.page(page, |_| systems(None)).await,
    }
}

/// `POST /connections/new`
pub async fn add(asked: Asked, Form(typed): Form<Typed>) -> Response {
    let new = NewConnection {
        vendor: typed.vendor.clone(),
        name: typed.name.trim().to_owned(),
        base_url: typed.base_url.trim().to_owned(),
        keys: typed.keys.clone(),
        notice_secret: typed.notice_secret.trim().to_owned(),
    };
    let done = asked.run(|engine, actor| async move { add_connection::add(&engine, &actor, new).await }).await;
    match done {
        Ok(_) => {
            let flash = Flash::ok("Added. It reads from now on and writes nothing until a place goes live.");
            asked.back("/connections", flash).await
        }
        Err(OperatorError::Invalid(mistakes) | OperatorError::Conflict(mistakes)) => {
            let mistakes: Vec<String> = mistakes.lines().map(str::to_owned).collect();
            let mut page = Page::new(TITLE, Some(Entry::Connections), None);
            page.status = StatusCode::UNPROCESSABLE_ENTITY;
            match System::parse(&typed.vendor) {
                Some(system) => asked.page(page, move |_| form(system, &typed, &mistakes)).await,
                None => asked.page(page, move |_| systems(mistakes.first().cloned())).await,
            }
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The field that a mistake is about; empty for none.
fn field_of(system: System, mistake: &str) -> &'static str {
    // "consumer secret" before "secret", and "access token secret" before "access token".
    let mut keys: Vec<_> = system.keys().iter().collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.label.len()));
    let about = |part: &str| mistake.contains(part);
    if about("a name of") {
        "name"
    } else if about("address") {
        "base_url"
    } else if about("The notice secret") || about("webhook plugin") {
        "notice_secret"
    } else if let Some(key) = keys.into_iter().find(|key| about(&key.label.to_lowercase())) {
        key.name
    } else {
        ""
    }
}

/// Which system, as a list of links; the first step.
pub fn systems(wrong: Option<String>) -> AnyView {
    let wrong = wrong.map(|wrong| {
        view! {
            <div class="flash flash--refused" role="alert">
                {sign(Sign::Refused)}
                <p class="flash__words"><strong>"Not added."</strong>" "{wrong}</p>
            </div>
        }
    });
    let rows: Vec<AnyView> = System::ALL
        .iter()
        .map(|system| {
            let tells = match system.tells() {
                Tells::Nothing => "It sends no notices and is asked every few seconds.",
                Tells::Signed | Tells::MaybeSigned => "It sends notices, and is asked all the same.",
            };
            view! {
                <li class="choices__one">
                    <a class="choices__name" href=format!("/connections/new?vendor={}", system.word())>{system.name()}</a>
                    <span class="choices__what">{capital(system.side().name())}". "{tells}</span>
                </li>
            }
            .into_any()
        })
        .collect();
    view! {
        {crumbs(&[("/connections", "Connections")], TITLE)}
        {page_head(TITLE, view! { "Which system? It is only read until a place goes live." }.into_any(), None)}
        {wrong}
        <ul class="card choices">{rows}</ul>
    }
    .into_any()
}

/// The form of one system, without its frame.
pub fn form(system: System, typed: &Typed, mistakes: &[String]) -> AnyView {
    let kept = if typed.keys.is_empty(system) && typed.notice_secret.is_empty() {
        " What you typed is kept."
    } else {
        " What you typed is kept; the keys are emptied, so give them once more."
    };
    // Each stands beside its field; what belongs to none stands above.
    let beside = |name: &str| mistakes.iter().find(|mistake| field_of(system, mistake) == name).cloned();
    let wrong = (!mistakes.is_empty()).then(|| {
        let lines: Vec<AnyView> = mistakes
            .iter()
            .filter(|m| field_of(system, m).is_empty())
            .map(|m| view! { <li>{m.clone()}</li> }.into_any())
            .collect();
        view! {
            <div class="flash flash--refused" role="alert">
                {sign(Sign::Refused)}
                <div class="flash__words">
                    <strong>"Not added."</strong>{kept}
                    <ul>{lines}</ul>
                </div>
            </div>
        }
    });
    let text = |name, label, kind, value: &str, hint: &str, autocomplete, optional| {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        let (value, wrong) = (value.to_owned(), beside(name));
        field(Field { name, label, kind, value, hint, wrong, autocomplete, optional, ..Field::default() })
    };
    let keys: Vec<AnyView> = system
        .keys()
        .iter()
        .map(|key| text(key.name, key.label, "password", "", key.hint, "new-password", key.optional))
        .collect();
    let notices = match system.tells() {
        Tells::Nothing => None,
        Tells::Signed => Some(("The secret of the webhook plugin.", false)),
        Tells::MaybeSigned => Some((
            "The client secret. Leave it empty if its notices are not signed; they then only make us read sooner.",
            true,
        )),
    };
    let notices = notices.map(|(hint, optional)| {
        text("notice_secret", "Secret that its notices are signed with", "password", "", hint, "new-password", optional)
    });
    let permissions: Vec<AnyView> =
        system.permissions().iter().map(|one| view! { <li><code>{*one}</code></li> }.into_any()).collect();
    let about = format!("A {}. It reads first; nothing is written until a place goes live.", system.side().name());
    let address = if typed.base_url.is_empty() && system == System::LightspeedR {
        system.address_like()
    } else {
        &typed.base_url
    };
    let like = format!("For example {}", system.address_like());
    view! {
        {crumbs(&[("/connections", "Connections"), ("/connections/new", TITLE)], system.name())}
        {page_head(&format!("Connect {}", system.name()), view! { {about} }.into_any(), None)}
        {wrong}
        <form class="card form" method="post" action="/connections/new">
            {hidden("vendor", system.word())}
            {text("name", "Name on our pages", "text", &typed.name, "For example the shop's own name.", "off", false)}
            {text("base_url", "Address of its API", "url", address, &like, "off", false)}
            {keys}
            {notices}
            <details class="form__more">
                <summary>"What has to be allowed over there"</summary>
                <ul class="form__list">{permissions}</ul>
            </details>
            <div class="form__foot">
                {button::link(Kind::Other, "/connections/new", "Another system")}
                {button::submit(Kind::Recommended, "Add the connection")}
            </div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_stands_beside_its_field_and_what_was_typed_stays() {
        for system in System::ALL {
            let typed = Typed {
                vendor: system.word().into(),
                name: "N".repeat(500),
                base_url: "ftp://a b".into(),
                keys: TypedKeys { consumer_key: "hush key".into(), ..TypedKeys::token("hush token") },
                notice_secret: "hush\u{1}notice".into(),
            };
            let new = NewConnection {
                vendor: typed.vendor.clone(),
                name: typed.name.clone(),
                base_url: typed.base_url.clone(),
                keys: typed.keys.clone(),
                notice_secret: typed.notice_secret.clone(),
            };
            let mistakes = new.mistakes(false);
            let html = Owner::new().with(|| form(system, &typed, &mistakes).to_html());
            for mistake in &mistakes {
                let name = field_of(system, mistake);
                let id = format!("id=\"{name}-wrong\"");
                let (_, beside) =
                    html.split_once(&id).unwrap_or_else(|| panic!("{mistake:?} stands nowhere ({name:?})"));
                let beside = &beside[..beside.find("</p>").expect("an end")];
                assert!(beside.contains(mistake), "{name}: {beside}");
            }
            let fields = 2 + system.keys().len() + usize::from(system.tells() != Tells::Nothing);
            assert_eq!(mistakes.len(), fields, "{system:?}: one for each field: {mistakes:?}");
            assert!(html.contains(&"N".repeat(500)) && html.contains("ftp://a b"), "what was typed stays");
            assert!(!html.contains("hush"), "keys never come back");
            assert!(html.contains(system.word()), "{html}");
        }
    }

    #[test]
    fn every_system_can_be_chosen_without_a_script() {
        let html = Owner::new().with(|| systems(None).to_html());
        for system in System::ALL {
            assert!(html.contains(&format!("href=\"/connections/new?vendor={}\"", system.word())), "{html}");
        }
    }
}
