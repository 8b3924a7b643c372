//! The two pages that nobody is signed in for: log-in and set-up of the first account.

use crate::server::AppState;
use crate::server::web::{LocalPath, PageContext, escape, plain_page};
use axum::response::Response;
use http::StatusCode;

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
    /// What to give instead, one sentence each.
    pub errors: Vec<String>,
}

/// Renders the log-in page.
pub async fn login_page(state: &AppState, page: &PageContext, status: StatusCode, view: LoginView) -> Response {
    let error = view.error.map(|text| format!("<p role=\"alert\">{}</p>", escape(&text))).unwrap_or_default();
    let body = format!(
        "<h1>Log in</h1>{error}<form method=\"post\" action=\"/login\">\
         <input type=\"hidden\" name=\"next\" value=\"{next}\">\
         <p><label>Name <input name=\"name\" value=\"{name}\" autocomplete=\"username\" required></label></p>\
         <p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
         </label></p><p><button>Log in</button></p></form>",
        next = escape(view.next.as_str()),
        name = escape(&view.name),
    );
    plain_page(state, page, status, "Log in", &body)
}

/// Renders the set-up page.
pub async fn setup_page(state: &AppState, page: &PageContext, status: StatusCode, view: SetupView) -> Response {
    let errors: String = view.errors.iter().map(|text| format!("<p role=\"alert\">{}</p>", escape(text))).collect();
    let body = format!(
        "<h1>Make the first account</h1>{errors}<form method=\"post\" action=\"/setup\">\
         <p><label>Set-up code from the log <input name=\"code\" value=\"{code}\" autocomplete=\"off\" required></label></p>\
         <p><label>Name <input name=\"name\" value=\"{name}\" autocomplete=\"username\" required></label></p>\
         <p><label>Password, at least 15 characters <input name=\"password\" type=\"password\" \
         autocomplete=\"new-password\" required></label></p><p><button>Make the account</button></p></form>",
        code = escape(&view.code),
        name = escape(&view.name),
    );
    plain_page(state, page, status, "Make the first account", &body)
}
