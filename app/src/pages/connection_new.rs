//! Adding a connection. It only reads until a place goes live; mistakes are named together and what was typed stays.

use super::frame::{Asked, Page};
use crate::server::session::Flash;
use crate::server::web::Form;
use crate::ui::badge::{Sign, sign};
use crate::ui::button::{self, Kind};
use crate::ui::form::{Field, choice, field};
use crate::ui::layout::{Entry, crumbs, page_head};
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;
use truecount::domain::access::Deed;
use truecount::operator::OperatorError;
use truecount::operator::add_connection;
use truecount::operator::new_connection::NewConnection;

/// What was typed. Secrets are never sent back to the page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    vendor: String,
    name: String,
    base_url: String,
    token: String,
    notice_secret: String,
}

/// `GET /connections/new`
pub async fn show(asked: Asked) -> Response {
    if let Err(why) = asked.actor.check(Deed::ManageConnections) {
        return asked.refused(why).await;
    }
    let page = Page::new("Add a connection", Some(Entry::Connections), None);
    asked.page(page, |_| view(&Typed::default(), &[])).await
}

/// `POST /connections/new`
pub async fn add(asked: Asked, Form(typed): Form<Typed>) -> Response {
    let new = NewConnection {
        vendor: typed.vendor.clone(),
        name: typed.name.trim().to_owned(),
        base_url: typed.base_url.trim().to_owned(),
        token: typed.token.trim().to_owned(),
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
            let mut page = Page::new("Add a connection", Some(Entry::Connections), None);
            page.status = StatusCode::UNPROCESSABLE_ENTITY;
            asked.page(page, move |_| view(&typed, &mistakes)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The field that a mistake is about; empty for none.
fn field_of(mistake: &str) -> &'static str {
    let about = |part: &str| mistake.contains(part);
    if about("a name of") {
        "name"
    } else if about("address") {
        "base_url"
    } else if about("access token") {
        "token"
    } else if about("secret") {
        "notice_secret"
    } else if about("Choose the system") {
        "vendor"
    } else {
        ""
    }
}

/// The page, without its frame.
pub fn view(typed: &Typed, mistakes: &[String]) -> AnyView {
    let kept = if typed.token.is_empty() && typed.notice_secret.is_empty() {
        " What you typed is kept."
    } else {
        " What you typed is kept; the keys are emptied, so give them once more."
    };
    // Each stands beside its field; what belongs to none stands above.
    let beside = |name: &str| mistakes.iter().find(|mistake| field_of(mistake) == name).cloned();
    let wrong = (!mistakes.is_empty()).then(|| {
        let lines: Vec<AnyView> = mistakes
            .iter()
            .filter(|m| field_of(m).is_empty())
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
    let vendors = [
        ("centra".to_owned(), "Centra (web shop)".to_owned()),
        ("lightspeed-x".to_owned(), "Lightspeed X-Series (till)".to_owned()),
    ];
    let text = |name, label, kind, value: &str, hint: &str, autocomplete, optional| {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        let (value, wrong) = (value.to_owned(), beside(name));
        field(Field { name, label, kind, value, hint, wrong, autocomplete, optional, ..Field::default() })
    };
    view! {
        {crumbs(&[("/connections", "Connections")], "Add a connection")}
        {page_head("Add a connection", view! { "It reads first. Nothing is written until a place goes live." }.into_any(), None)}
        {wrong}
        <form class="card form" method="post" action="/connections/new">
            {choice("vendor", "System", &vendors, &typed.vendor, beside("vendor"))}
            {text("name", "Name on our pages", "text", &typed.name, "For example the shop's own name.", "off", false)}
            {text("base_url", "Address of its API", "url", &typed.base_url, "Starts with https://", "off", false)}
            {text("token", "Access token", "password", "", "Kept encrypted. Pages show its last four characters, never more.", "new-password", false)}
            {text("notice_secret", "Secret that its notices are signed with", "password", "", "Centra: the secret of the webhook plugin. Lightspeed: the client secret; leave it empty if its notices are not signed, they then only make us read sooner.", "new-password", true)}
            <div class="form__foot">
                {button::link(Kind::Other, "/connections", "Cancel")}
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
        let typed = Typed {
            vendor: "lightspeed-x".into(),
            name: "N".repeat(500),
            base_url: "ftp://a b".into(),
            token: "hush-token".into(),
            notice_secret: "hush-notice".into(),
        };
        let mistakes = [
            "Choose the system: Centra or Lightspeed X-Series.",
            "Give it a name of at most 60 characters; this one has 500.",
            "The address has a blank inside.",
            "This access token has 5000 characters.",
            "The notice secret is longer than any system makes one.",
        ];
        let mistakes: Vec<String> = mistakes.into_iter().map(str::to_owned).collect();
        let html = Owner::new().with(|| view(&typed, &mistakes).to_html());
        for (mistake, name) in mistakes.iter().zip(["vendor", "name", "base_url", "token", "notice_secret"]) {
            let id = format!("id=\"{name}-wrong\"");
            let (_, beside) = html.split_once(&id).unwrap_or_else(|| panic!("{name} has no complaint: {html}"));
            let beside = &beside[..beside.find("</p>").expect("an end")];
            assert!(beside.contains(mistake.as_str()), "{name}: {beside}");
        }
        assert!(html.contains(&"N".repeat(500)) && html.contains("ftp://a b"), "what was typed stays");
        assert!(!html.contains("hush-"), "keys never come back");
        let chosen = html.find("value=\"lightspeed-x\" selected").or(html.find("selected value=\"lightspeed-x\""));
        assert!(chosen.is_some(), "{html}");
    }
}
