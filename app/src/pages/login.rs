//! Log-in, and set-up of the first account. The front door decides; these pages only ask and keep what was typed.
//! Passwords are emptied, and the page says so.

use super::frame::render;
use crate::server::AppState;
use crate::server::files::Assets;
use crate::server::web::{LocalPath, PageContext};
use crate::ui::badge::{Sign, mark, sign};
use crate::ui::button::{self, Kind};
use crate::ui::document::Head;
use crate::ui::form::{Field, field, hidden};
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;

/// What the log-in page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginView {
    /// The name as it was typed.
    pub name: String,
    /// Where to go afterwards.
    pub next: LocalPath,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// What the set-up page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupView {
    /// The name as it was typed.
    pub name: String,
    /// The code as it was typed.
    pub code: String,
    /// What to give instead, one sentence each, with the field that it is about; an empty one for none.
    pub errors: Vec<(&'static str, String)>,
}

/// Renders the log-in page.
pub async fn login_page(state: &AppState, page: &PageContext, status: StatusCode, view: LoginView) -> Response {
    let host = state.config.public.authority.clone();
    gate(&state.site.assets(), page, status, "Log in", || log_in(view, &host))
}

/// Renders the set-up page.
pub async fn setup_page(state: &AppState, page: &PageContext, status: StatusCode, view: SetupView) -> Response {
    let host = state.config.public.authority.clone();
    gate(&state.site.assets(), page, status, "Set up", || set_up(view, &host))
}

fn gate(
    assets: &Assets,
    page: &PageContext,
    status: StatusCode,
    title: &'static str,
    card: impl FnOnce() -> AnyView,
) -> Response {
    let head = Head {
        title: format!("{title} · Truecount"),
        theme: "system",
        alive: false,
        assets: assets.clone(),
        nonce: page.nonce.0.to_string(),
    };
    render(status, head, || around(card()))
}

/// The mark above and the version below a card that stands alone.
pub fn around(card: AnyView) -> AnyView {
    view! {
        <main class="gate">
            <p class="gate__brand">{mark()}"Truecount"</p>
            {card}
            <p class="gate__foot">{concat!("Truecount ", env!("CARGO_PKG_VERSION"), ", on this company's own server")}</p>
        </main>
    }
    .into_any()
}

/// The card of the log-in page.
pub fn log_in(view: LoginView, host: &str) -> AnyView {
    let LoginView { name, next, error } = view;
    let first = name.is_empty();
    view! {
        <form class="card gate__card" method="post" action="/login">
            <h1>"Log in"</h1>
            <p class="gate__where">{format!("Shop and till at {host}")}</p>
            {hidden("next", next.as_str())}
            {field(Field { name: "name", label: "Name", kind: "text", value: name, autocomplete: "username", first, ..Field::default() })}
            {field(Field { name: "password", label: "Password", kind: "password", wrong: error, autocomplete: "current-password", first: !first, ..Field::default() })}
            {button::submit(Kind::Writes, "Log in")}
            <p class="gate__hint">"Forgotten? Whoever runs the server makes a new one there with "<code>"truecount user password"</code>". Truecount sends nothing outside."</p>
        </form>
    }
    .into_any()
}

/// The card of the set-up page.
pub fn set_up(view: SetupView, host: &str) -> AnyView {
    let SetupView { name, code, errors } = view;
    let beside = |field: &str| {
        let said: Vec<&str> = errors.iter().filter(|(of, _)| *of == field).map(|(_, error)| error.as_str()).collect();
        (!said.is_empty()).then(|| said.join(" "))
    };
    // Each stands beside its field; what belongs to none stands above.
    let wrong = (!errors.is_empty()).then(|| {
        let lines = beside("").map(|error| view! { <ul><li>{error}</li></ul> });
        view! {
            <div class="flash flash--refused" role="alert">
                {sign(Sign::Refused)}
                <div class="flash__words"><strong>"Not made."</strong>" The password is emptied, so give it once more."{lines}</div>
            </div>
        }
    });
    let first = code.is_empty();
    view! {
        <form class="card gate__card" method="post" action="/setup">
            <h1>"Set up Truecount"</h1>
            <p class="gate__where">{format!("The first administrator at {host}. They add the shop and the till.")}</p>
            {wrong}
            {field(Field { name: "code", label: "Set-up code", kind: "text", value: code, wrong: beside("code"), hint: Some("The server wrote it into its log when it started.".into()), autocomplete: "off", first, ..Field::default() })}
            {field(Field { name: "name", label: "Name", kind: "text", value: name, wrong: beside("name"), autocomplete: "username", ..Field::default() })}
            {field(Field { name: "password", label: "Password", kind: "password", wrong: beside("password"), hint: Some("At least 15 characters; a few words in a row are fine.".into()), autocomplete: "new-password", ..Field::default() })}
            {button::submit(Kind::Recommended, "Make the account")}
            <p class="gate__hint">"Nothing is written to any shop or till by this. Other people get their accounts on the server, with "<code>"truecount user add"</code>"."</p>
        </form>
    }
    .into_any()
}
