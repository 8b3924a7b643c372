//! What every page has around it: who asks, how their times are shown, and the way to whole HTML.
//! The only file of the pages that knows the server's types.

use super::error;
use crate::server::AppState;
use crate::server::session::SignedIn;
use crate::server::web::{Flash, LocalPath, Nonce as ServerNonce};
use crate::ui::badge::Sign;
use crate::ui::document::{Head, document};
use crate::ui::flash::flash;
use crate::ui::layout::{Around, Entry, layout};
use crate::ui::when::Clock;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{StatusCode, header};
use leptos::config::LeptosOptions;
use leptos::nonce::Nonce;
use leptos::prelude::*;
use truecount::engine::Engine;
use truecount::operator::views::Freshness;
use truecount::operator::{Actor, OperatorError, overview};

/// A request of a signed-in person.
#[derive(Clone)]
pub struct Asked {
    /// The running engine.
    pub engine: Engine,
    /// Who asks.
    pub actor: Actor,
    /// Their clock.
    pub clock: Clock,
    /// Address of this page.
    pub here: String,
    signed_in: SignedIn,
    nonce: Option<String>,
    options: LeptosOptions,
    flash: Option<Flash>,
}

/// What a page hands over to be framed.
pub struct Page {
    /// For the tab.
    pub title: String,
    /// Entry of the top bar it belongs to.
    pub entry: Option<Entry>,
    /// Ages, when the page has asked for them already.
    pub freshness: Option<Freshness>,
    /// What was searched for.
    pub searched: String,
    /// 200, or what an error page says.
    pub status: StatusCode,
}

impl Page {
    /// An ordinary page.
    pub fn new(title: impl Into<String>, entry: Option<Entry>, freshness: Option<Freshness>) -> Page {
        Page { title: title.into(), entry, freshness, searched: String::new(), status: StatusCode::OK }
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let engine = state.engine.clone();
        Ok(Asked {
            actor: signed_in.actor.clone(),
            clock: Clock { zone: signed_in.zone, now: engine.clock().now() },
            here: parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned(),
            nonce: parts.extensions.get::<ServerNonce>().map(|n| n.0.clone()),
            flash: parts.extensions.get::<Flash>().cloned(),
            options: state.options.clone(),
            engine,
            signed_in,
        })
    }
}

impl Asked {
    /// The page as a whole document. `main` runs where views may be made.
    pub async fn page(self, page: Page, main: impl FnOnce(&Asked) -> AnyView + Send + 'static) -> Response {
        let freshness = match page.freshness {
            Some(freshness) => Some(freshness),
            None => overview::freshness(&self.engine).await.ok(),
        };
        let open_problems = overview::open_problems(&self.engine).await.unwrap_or(0);
        let theme = theme(&self.signed_in.theme);
        let around = Around {
            entry: page.entry,
            open_problems,
            freshness,
            clock: self.clock,
            person: (self.actor.name.clone(), self.actor.role.title().to_owned()),
            theme,
            here: self.here.clone(),
            searched: page.searched,
        };
        let head = Head {
            title: tab_title(&page.title, open_problems),
            theme,
            alive: true,
            options: self.options.clone(),
            nonce: self.nonce.clone().map(Nonce::from_value),
        };
        render(page.status, head, move || {
            let stale = stale_flashes(around.freshness.as_ref(), &around.clock);
            let said = self.flash.as_ref().map(said);
            let main = main(&self);
            layout(around, view! { {stale}{said}{main} }.into_any())
        })
        .await
    }

    /// The page that says why it was not done.
    pub async fn refused(self, why: OperatorError) -> Response {
        error::refused(self, why).await
    }

    /// Logs what a person is not shown and returns the short number that finds it; only for failures of ours.
    pub fn log_reference(&self, why: &OperatorError) -> Option<String> {
        let OperatorError::Store(source) = why else { return None };
        let tail: String = self.engine.mint().id(self.clock.now).chars().rev().filter(char::is_ascii_alphanumeric).take(5).collect();
        let number = format!("E-{}", tail.to_ascii_uppercase());
        let chain = std::iter::successors(Some(source.as_ref() as &dyn std::error::Error), |e| e.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        tracing::error!(error.number = %number, page = %self.here.split('?').next().unwrap_or("/"), "page failed as {number}: {chain}");
        Some(number)
    }

    /// Leaves a flash and goes on; only to an address of ours.
    pub async fn back(&self, to: &str, flash: Flash) -> Response {
        self.signed_in.leave(flash).await;
        let to = LocalPath::parse(to);
        Redirect::to(to.as_ref().map_or("/", LocalPath::as_str)).into_response()
    }
}

fn said(of: &Flash) -> AnyView {
    flash(if of.good { Sign::Fine } else { Sign::Refused }, &of.result, &of.sentence, None)
}

/// One flash for each system that is not read up to now.
pub fn stale_flashes(freshness: Option<&Freshness>, clock: &Clock) -> Vec<AnyView> {
    let marks = freshness.map(|f| f.marks.as_slice()).unwrap_or_default();
    marks
        .iter()
        .filter_map(|mark| mark.stale.as_ref().map(|(since, why)| (mark, since, why)))
        .map(|(mark, since, why)| {
            flash(Sign::Now, &format!("{} not read since {}.", mark.label, clock.seconds(*since)), why, None)
        })
        .collect()
}

/// "(4) Today · Truecount".
pub fn tab_title(title: &str, open_problems: i64) -> String {
    match open_problems {
        0 => format!("{title} · Truecount"),
        n => format!("({n}) {title} · Truecount"),
    }
}

/// The theme as one of the three words that may stand in the page.
pub fn theme(word: &str) -> &'static str {
    match word {
        "light" => "light",
        "dark" => "dark",
        _ => "system",
    }
}

/// Makes the whole document and answers with it.
///
/// Pages have no resources of their own to wait for, so they are made in one go inside an owner of this request,
/// which is dropped with everything in it when the text is there.
pub async fn render(status: StatusCode, head: Head, body: impl FnOnce() -> AnyView + Send + 'static) -> Response {
    let owner = Owner::new();
    let html = owner.with(|| {
        if let Some(nonce) = head.nonce.clone() {
            provide_context(nonce);
        }
        let body = body();
        document(head, body).to_html()
    });
    drop(owner);
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, html).into_response()
}
