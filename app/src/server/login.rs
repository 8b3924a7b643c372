//! Coming in and going out: log-in, log-out, the first account, and the theme a person likes.

use super::AppState;
use super::routes::Routes;
use super::session::{MaybeSignedIn, NotBegun, SignedIn, Theme, known_browser, remember_browser, sign_in, sign_out};
use super::web::{Form, LocalPath, PageContext, error_page, error_page_saying, to_the_end};
use crate::pages::login::{LoginView, SetupView, login_page, setup_page};
use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use truecount::operator::accounts::{AccountError, Person};
use truecount::operator::guesses::{self, Knock, is_known};
use truecount::operator::password;

/// Routes for people who are not signed in, or no longer.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/login", show_login)
        .post("/login", log_in)
        .get("/setup", show_setup)
        .post("/setup", set_up)
        .post("/logout", log_out)
        .post("/theme", choose_theme)
}

#[derive(Deserialize, Default)]
struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct LoginForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct SetupForm {
    code: String,
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct ThemeForm {
    theme: String,
    #[serde(default)]
    next: String,
}

async fn show_login(
    State(state): State<AppState>,
    MaybeSignedIn(session): MaybeSignedIn,
    page: PageContext,
    query: Result<Query<Next>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let next = LocalPath::parse(&query.map(|Query(next)| next).unwrap_or_default().next);
    if session.is_some() {
        return next.redirect();
    }
    match state.accounts.any().await {
        Ok(true) => login_page(&state, &page, StatusCode::OK, LoginView { next, ..LoginView::default() }).await,
        Ok(false) => LocalPath::parse("/setup").redirect(),
        Err(error) => failed(&state, &page, &error),
    }
}

async fn log_in(
    State(state): State<AppState>,
    memory: tower_sessions::Session,
    page: PageContext,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Response {
    let https = state.config.public.https;
    let next = LocalPath::parse(&form.next);
    let again = |status, error: &AccountError| {
        let view = LoginView { name: form.name.clone(), next: next.clone(), error: Some(error.to_string()) };
        (status, view)
    };
    if form.password.chars().count() > password::LONGEST {
        let (status, view) = again(StatusCode::BAD_REQUEST, &AccountError::Wrong);
        return login_page(&state, &page, status, view).await;
    }
    let (accounts, name, secret, address) =
        (state.accounts.clone(), form.name.clone(), form.password.clone(), page.client.counted());
    let (seal, now) = (state.engine.seal(), accounts.now());
    let known = known_browser(&headers, https).filter(|given| is_known(seal, &name, given, now)).map(str::to_owned);
    let outcome = to_the_end(async move {
        let knock = Knock { address, known: known.as_deref() };
        accounts.log_in_as(knock, &name, &secret).await
    });
    let refused = match outcome.await {
        Some(Ok(person)) => match begin(&state, &page, &memory, &person).await {
            Ok(()) => {
                let mut response = next.redirect();
                let given = guesses::known_browser(seal, &form.name, now, state.mint.bytes());
                if let Some(cookie) = given.and_then(|given| remember_browser(&given, https)) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                return response;
            }
            Err(Begun::Refused(refused)) => refused,
            Err(Begun::Failed(response)) => return response,
        },
        Some(Err(refused)) => refused,
        None => return error_page(&state, &page, StatusCode::INTERNAL_SERVER_ERROR),
    };
    let Some(status) = refusal(&refused) else { return failed(&state, &page, &refused) };
    let (status, view) = again(status, &refused);
    let mut response = login_page(&state, &page, status, view).await;
    retry_after(&refused, &mut response);
    response
}

/// Why somebody who proved who they are is not in all the same.
enum Begun {
    Refused(AccountError),
    Failed(Response),
}

async fn begin(
    state: &AppState,
    page: &PageContext,
    memory: &tower_sessions::Session,
    person: &Person,
) -> Result<(), Begun> {
    match sign_in(memory, person).await {
        Ok(()) => Ok(()),
        Err(NotBegun::Changed) => Err(Begun::Refused(AccountError::Changed)),
        Err(NotBegun::Failed(error)) => {
            tracing::error!(%error, "a session could not be begun");
            Err(Begun::Failed(cannot_write(state, page)))
        }
    }
}

async fn show_setup(State(state): State<AppState>, page: PageContext) -> Response {
    match state.accounts.any().await {
        Ok(false) => setup_page(&state, &page, StatusCode::OK, SetupView::default()).await,
        Ok(true) => LocalPath::parse("/login").redirect(),
        Err(error) => failed(&state, &page, &error),
    }
}

async fn set_up(
    State(state): State<AppState>,
    memory: tower_sessions::Session,
    page: PageContext,
    Form(form): Form<SetupForm>,
) -> Response {
    let (accounts, address) = (state.accounts.clone(), page.client.counted());
    let (code, name, secret) = (form.code.clone(), form.name.clone(), form.password);
    let outcome = to_the_end(async move { accounts.first_account(address, &code, &name, &secret).await }).await;
    let refused = match outcome {
        Some(Ok(person)) => match begin(&state, &page, &memory, &person).await {
            Ok(()) => return LocalPath::default().redirect(),
            Err(Begun::Refused(refused)) => refused,
            Err(Begun::Failed(response)) => return response,
        },
        Some(Err(refused)) => refused,
        None => return error_page(&state, &page, StatusCode::INTERNAL_SERVER_ERROR),
    };
    let Some(status) = refusal(&refused) else { return failed(&state, &page, &refused) };
    let errors = match &refused {
        AccountError::Invalid(errors) => errors.iter().map(|error| (field_of(error), error.clone())).collect(),
        AccountError::Code => vec![("code", refused.to_string())],
        other => vec![("", other.to_string())],
    };
    let view = SetupView { name: form.name, code: form.code, errors };
    let mut response = setup_page(&state, &page, status, view).await;
    retry_after(&refused, &mut response);
    response
}

/// The field of the set-up form that a mistake is about: what is not said of the name is said of the password.
fn field_of(mistake: &str) -> &'static str {
    if mistake.starts_with("Give a name") { "name" } else { "password" }
}

async fn log_out(State(state): State<AppState>, memory: tower_sessions::Session, page: PageContext) -> Response {
    let ending = state.clone();
    let ended = match to_the_end(async move { sign_out(&ending, &memory).await }).await {
        Some(Ok(ended)) => ended,
        Some(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a session could not be ended");
            return not_logged_out(&state, &page);
        }
        None => return not_logged_out(&state, &page),
    };
    if let Some(id_hash) = ended {
        state.listeners.end(&id_hash);
    }
    let mut response = LocalPath::parse("/login").redirect();
    // Not the cookies: browsers would take those of every host below the same domain with them. Ours was emptied with its session.
    let ours = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", ours);
    response
}

fn not_logged_out(state: &AppState, page: &PageContext) -> Response {
    let text = "You are still logged in. Try it again in a moment, and do not leave this browser to others meanwhile.";
    error_page_saying(state, page, StatusCode::INTERNAL_SERVER_ERROR, "Logging out failed", text)
}

async fn choose_theme(
    State(state): State<AppState>,
    SignedIn(session): SignedIn,
    page: PageContext,
    Form(form): Form<ThemeForm>,
) -> Response {
    let Some(theme) = Theme::from_word(&form.theme) else {
        return error_page(&state, &page, StatusCode::BAD_REQUEST);
    };
    let accounts = state.accounts.clone();
    match to_the_end(async move { accounts.set_theme(&session.actor, theme).await }).await {
        Some(Ok(())) => LocalPath::parse(&form.next).redirect(),
        Some(Err(error)) => failed(&state, &page, &error),
        None => error_page(&state, &page, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The status of an answer that people can do something about; none when we failed.
fn refusal(error: &AccountError) -> Option<StatusCode> {
    match error {
        AccountError::Wrong | AccountError::Locked | AccountError::Changed => Some(StatusCode::UNAUTHORIZED),
        AccountError::Wait(_) => Some(StatusCode::TOO_MANY_REQUESTS),
        AccountError::Code | AccountError::Forbidden => Some(StatusCode::FORBIDDEN),
        AccountError::Invalid(_) => Some(StatusCode::UNPROCESSABLE_ENTITY),
        AccountError::NotFound => Some(StatusCode::NOT_FOUND),
        AccountError::Store(_) | AccountError::Hash(_) => None,
    }
}

fn retry_after(error: &AccountError, response: &mut Response) {
    if let AccountError::Wait(wait) = error {
        let secs = (wait.as_millis().max(0) + 999) / 1_000;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs.max(1)));
    }
}

/// Proving who one is writes: the guess is counted and the session is kept.
fn cannot_write(state: &AppState, page: &PageContext) -> Response {
    let text = "Our own database cannot be written to, so nobody can log in. Most often its disk is full: whoever runs \
                this makes room there, and logging in works again by itself. Nothing that was saved is lost.";
    error_page_saying(state, page, StatusCode::SERVICE_UNAVAILABLE, "The database cannot write", text)
}

fn failed(state: &AppState, page: &PageContext, error: &AccountError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, request = %page.request_id.0, "an account page failed");
    if matches!(error, AccountError::Store(error) if error.cannot_write()) {
        return cannot_write(state, page);
    }
    error_page(state, page, StatusCode::INTERNAL_SERVER_ERROR)
}
