//! Log in, and the set-up of the first administrator. The server decides; these pages only ask and keep what was
//! typed. Passwords are emptied, and the page says so.

use super::frame::{render, theme};
use crate::ui::badge::mark;
use crate::ui::button::{self, Kind};
use crate::ui::document::Head;
use crate::ui::form::{Field, field, hidden};
use axum::response::Response;
use http::StatusCode;
use leptos::config::LeptosOptions;
use leptos::nonce::Nonce;
use leptos::prelude::*;

/// What the log-in page shows.
#[derive(Debug, Clone, Default)]
pub struct LogIn {
    /// What was typed.
    pub email: String,
    /// What is wrong, and what to do.
    pub wrong: Option<String>,
    /// Where to go afterwards; an address of ours.
    pub next: String,
    /// Host name of this installation.
    pub host: String,
    /// Something to know before logging in ("You were logged out after 12 hours.").
    pub note: Option<String>,
}

/// What the set-up page shows.
#[derive(Debug, Clone, Default)]
pub struct SetUp {
    /// What was typed.
    pub name: String,
    /// What was typed.
    pub email: String,
    /// What is wrong with the e-mail, the password, or the set-up key.
    pub wrong_email: Option<String>,
    /// What is wrong with the password.
    pub wrong_password: Option<String>,
    /// What is wrong with the key that the server printed.
    pub wrong_key: Option<String>,
    /// Whether the server asks for the key it printed when it started.
    pub asks_key: bool,
    /// Host name of this installation.
    pub host: String,
}

/// The log-in page; `status` is 200, or 401 and 429 after a failed try.
pub async fn log_in(options: LeptosOptions, nonce: Option<String>, status: StatusCode, page: LogIn) -> Response {
    gate(options, nonce, status, "Log in", move || log_in_view(page)).await
}

/// The set-up page.
pub async fn set_up(options: LeptosOptions, nonce: Option<String>, status: StatusCode, page: SetUp) -> Response {
    gate(options, nonce, status, "Set up", move || set_up_view(page)).await
}

async fn gate(
    options: LeptosOptions,
    nonce: Option<String>,
    status: StatusCode,
    title: &'static str,
    content: impl FnOnce() -> AnyView + Send + 'static,
) -> Response {
    let head = Head {
        title: format!("{title} · Truecount"),
        theme: theme("system"),
        alive: false,
        options,
        nonce: nonce.map(Nonce::from_value),
    };
    render(status, head, move || {
        view! {
            <main class="gate">
                <p class="gate__brand">{mark()}"Truecount"</p>
                {content()}
                <p class="gate__foot">{format!("Truecount {}, on this company's own server", env!("CARGO_PKG_VERSION"))}</p>
            </main>
        }
        .into_any()
    })
    .await
}

/// The card of the log-in page.
pub fn log_in_view(page: LogIn) -> AnyView {
    let LogIn { email, wrong, next, host, note } = page;
    let first = email.is_empty();
    let note = note.map(|note| view! { <p class="gate__note" role="status">{note}</p> });
    view! {
        <form class="card gate__card" method="post" action="/login">
            <h1>"Log in"</h1>
            <p class="gate__where">{format!("Shop and till at {host}")}</p>
            {note}
            {hidden("next", &next)}
            {field(Field { name: "email", label: "E-mail", kind: "email", value: email, autocomplete: "username", first, ..Field::default() })}
            {field(Field { name: "password", label: "Password", kind: "password", wrong, autocomplete: "current-password", first: !first, ..Field::default() })}
            <label class="check"><input type="checkbox" name="stay" value="yes"/>"Stay logged in on this device for 12 hours"</label>
            {button::submit(Kind::Writes, "Log in")}
            <p class="gate__hint">"Forgotten? An administrator here can set a new one. Truecount sends nothing outside."</p>
        </form>
    }
    .into_any()
}

/// The card of the set-up page.
pub fn set_up_view(page: SetUp) -> AnyView {
    let SetUp { name, email, wrong_email, wrong_password, wrong_key, asks_key, host } = page;
    let key = asks_key.then(|| {
        field(Field {
            name: "key",
            label: "Set-up key",
            kind: "text",
            hint: Some("The server printed it when it started.".into()),
            wrong: wrong_key,
            autocomplete: "off",
            ..Field::default()
        })
    });
    view! {
        <form class="card gate__card" method="post" action="/setup">
            <h1>"Set up Truecount"</h1>
            <p class="gate__where">{format!("The first administrator at {host}. They add the shop, the till and other people.")}</p>
            {field(Field { name: "name", label: "Your name", kind: "text", value: name, autocomplete: "name", first: true, ..Field::default() })}
            {field(Field { name: "email", label: "E-mail", kind: "email", value: email, wrong: wrong_email, autocomplete: "username", ..Field::default() })}
            {field(Field {
                name: "password",
                label: "Password",
                kind: "password",
                hint: Some("At least 12 characters; a few words are fine.".into()),
                wrong: wrong_password,
                autocomplete: "new-password",
                ..Field::default()
            })}
            {key}
            {button::submit(Kind::Recommended, "Make the account")}
            <p class="gate__hint">"Nothing is written to any shop or till by this."</p>
        </form>
    }
    .into_any()
}
