//! Other keys for a connection, and another address while nothing was read from it. What is left empty stays; keys
//! never come back to the page.

use super::frame::{Asked, Page};
use crate::server::session::Flash;
use crate::server::web::Form;
use crate::ui::badge::{Sign, sign};
use crate::ui::button::{self, Kind};
use crate::ui::form::{Field, field};
use crate::ui::layout::{Entry, crumbs, page_head};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;
use truecount::domain::system::Tells;
use truecount::operator::OperatorError;
use truecount::operator::connection_keys::{self, NewKeys, Shown};
use truecount::operator::encoded;
use truecount::operator::typed_keys::TypedKeys;

/// What was typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    base_url: String,
    notice_secret: String,
    #[serde(flatten)]
    keys: TypedKeys,
}

/// `GET /connections/{id}/keys`
pub async fn show(asked: Asked, Path(id): Path<String>) -> Response {
    match connection_keys::show(&asked.engine, &asked.actor, &id).await {
        Ok(shown) => answer(asked, StatusCode::OK, id, shown, Vec::new()).await,
        Err(why) => asked.refused(why).await,
    }
}

/// `POST /connections/{id}/keys`
pub async fn change(asked: Asked, Path(id): Path<String>, Form(typed): Form<Typed>) -> Response {
    let address = typed.base_url.clone();
    let new = NewKeys { base_url: typed.base_url, keys: typed.keys, notice_secret: typed.notice_secret };
    let at = id.clone();
    let done = asked.run(|engine, actor| async move { connection_keys::change(&engine, &actor, &at, new).await }).await;
    match done {
        Ok(()) => {
            let words = "Changed. It is read again now; whether the system takes a new token is said here.";
            asked.back("/connections", Flash::ok(words)).await
        }
        Err(OperatorError::Invalid(mistakes)) => {
            let mistakes = mistakes.lines().map(str::to_owned).collect();
            match connection_keys::show(&asked.engine, &asked.actor, &id).await {
                Ok(mut shown) => {
                    // What was typed stays, but the keys.
                    shown.address = shown.address.map(|kept| if address.is_empty() { kept } else { address });
                    answer(asked, StatusCode::UNPROCESSABLE_ENTITY, id, shown, mistakes).await
                }
                Err(why) => asked.refused(why).await,
            }
        }
        Err(why) => asked.refused(why).await,
    }
}

async fn answer(asked: Asked, status: StatusCode, id: String, shown: Shown, mistakes: Vec<String>) -> Response {
    let mut page = Page::new("Change keys", Some(Entry::Connections), None);
    page.status = status;
    asked.page(page, move |_| view(&id, &shown, &mistakes)).await
}

/// The page, without its frame.
pub fn view(id: &str, shown: &Shown, mistakes: &[String]) -> AnyView {
    let beside = |word: &str| mistakes.iter().find(|mistake| mistake.contains(word)).cloned();
    let address = shown.address.clone().map(|value| {
        field(Field {
            name: "base_url",
            label: "Address of its API",
            kind: "url",
            value,
            hint: Some("It can be changed until something is read from it; the access token is then given again. Starts with https://".to_owned()),
            wrong: beside("address"),
            autocomplete: "off",
            ..Field::default()
        })
    });
    let remove = shown.address.is_some().then(|| {
        view! {
            <p class="form__after">"Nothing was read from it yet, so it can also be removed: "<a href=format!("/connections/{}/remove", encoded(id))>"Remove this connection…"</a></p>
        }
    });
    // An address that may no longer be changed has no field to stand beside.
    let loose = beside("address").filter(|_| shown.address.is_none());
    let wrong = (!mistakes.is_empty()).then(|| {
        view! {
            <div class="flash flash--refused" role="alert">
                {sign(Sign::Refused)}
                <p class="flash__words"><strong>"Not changed."</strong>{loose.map(|loose| format!(" {loose}"))}" The keys were emptied, so give them once more."</p>
            </div>
        }
    });
    let secret = |name, label, hint: String, wrong| {
        let kind = "password";
        field(Field {
            name,
            label,
            kind,
            hint: Some(hint),
            wrong,
            autocomplete: "new-password",
            optional: true,
            ..Field::default()
        })
    };
    let mut has = if shown.key_hint.is_empty() {
        "Leave it empty to keep the one it has.".to_owned()
    } else {
        format!("Leave it empty to keep the one that ends in …{}.", shown.key_hint)
    };
    let signed = if shown.is_signed {
        "Leave it empty to keep the one it has. Notices signed with the one before are taken for 24 hours more."
    } else {
        "Its notices are not signed so far and only wake a sweep. From the moment you give one, unsigned notices are refused."
    };
    let keys: Vec<AnyView> = shown
        .system
        .keys()
        .iter()
        .map(|key| {
            let hint = std::mem::take(&mut has);
            let hint = if hint.is_empty() { "All of them are given together.".to_owned() } else { hint };
            secret(key.name, key.new_label, hint, beside(&key.label.to_lowercase()))
        })
        .collect();
    let notices = (shown.system.tells() != Tells::Nothing).then(|| {
        secret(
            "notice_secret",
            "New secret that its notices are signed with",
            signed.to_owned(),
            beside("The notice secret"),
        )
    });
    view! {
        {crumbs(&[("/connections", "Connections")], "Change keys")}
        {page_head(&format!("Change the keys of {}", shown.name), view! { "Everything else stays as it is, and what is live stays live." }.into_any(), None)}
        {wrong}
        <form class="card form" method="post" action=format!("/connections/{}/keys", encoded(id))>
            {address}
            {keys}
            {notices}
            <div class="form__foot">
                {button::link(Kind::Other, "/connections", "Cancel")}
                {button::submit(Kind::Recommended, "Change the keys")}
            </div>
        </form>
        {remove}
    }
    .into_any()
}
