//! What every page has around it: who asks, how their times are shown, and the way to whole HTML.

use super::error;
use crate::server::AppState;
use crate::server::routes::Needs;
use crate::server::session::{Flash, FlashKind, LIVE_HEADER, Session, SignedIn};
use crate::server::web::{LocalPath, PageContext, to_the_end};
use crate::ui::badge::Sign;
use crate::ui::document::{Head, document};
use crate::ui::flash::flash;
use crate::ui::layout::{Around, Entry, layout};
use crate::ui::visible::visible;
use crate::ui::when::{Clock, rough};
use axum::extract::{FromRequestParts, MatchedPath};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use leptos::prelude::*;
use truecount::domain::time::{Span, Timestamp};
use truecount::domain::words::sentence;
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
    /// Where this program is reached from outside, without a slash at the end.
    pub origin: String,
    session: Session,
    context: PageContext,
    state: AppState,
    /// Method and address as the router has it.
    deed: String,
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
    /// The page itself says which systems are paused.
    pub says_pauses: bool,
}

impl Page {
    /// An ordinary page.
    pub fn new(title: impl Into<String>, entry: Option<Entry>, freshness: Option<Freshness>) -> Page {
        Page {
            title: title.into(),
            entry,
            freshness,
            searched: String::new(),
            status: StatusCode::OK,
            says_pauses: false,
        }
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let SignedIn(session) = SignedIn::from_request_parts(parts, state).await?;
        let Ok(context) = PageContext::from_request_parts(parts, state).await;
        // A live part must not use up the message that is meant for the next page a person looks at.
        let shows_flash = parts.method == http::Method::GET && !parts.headers.contains_key(LIVE_HEADER);
        let flash = if shows_flash { session.take_flash().await } else { None };
        let engine = state.engine.clone();
        let asked = Asked {
            actor: session.actor.clone(),
            clock: Clock { zone: session.zone, now: engine.clock().now() },
            here: context.here.as_str().to_owned(),
            origin: state.config.public.origin(),
            state: state.clone(),
            deed: format!("{} {}", parts.method, parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str)),
            engine,
            session,
            context,
            flash,
        };
        match parts.extensions.get::<Needs>() {
            Some(Needs(deed)) if !asked.actor.role.may(*deed) => Err(asked.refused(OperatorError::Forbidden).await),
            _ => Ok(asked),
        }
    }
}

impl Asked {
    /// The page as a whole document. `main` runs where views may be made.
    pub async fn page(self, page: Page, main: impl FnOnce(&Asked) -> AnyView) -> Response {
        let freshness = match page.freshness {
            Some(freshness) => Some(freshness),
            None => overview::freshness(&self.engine).await.ok(),
        };
        let open_problems = overview::open_problems(&self.engine).await.unwrap_or(0);
        let theme = self.session.theme.word();
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
            assets: self.state.site.assets(),
            nonce: self.context.nonce.0.to_string(),
        };
        render(page.status, head, || {
            let stuck = overview::stuck_for(&self.engine).map(stuck_flash);
            let stale = stale_flashes(around.freshness.as_ref(), &around.clock, page.says_pauses);
            let said = self.flash.as_ref().map(said);
            let main = main(&self);
            layout(around, view! { {stuck}{stale}{said}{main} }.into_any())
        })
    }

    /// The page that says why it was not done. That a role does not allow it is written down.
    pub async fn refused(self, why: OperatorError) -> Response {
        if matches!(why, OperatorError::Forbidden) {
            self.state.refused.note(&self.engine, &self.actor, &self.deed, &self.here).await;
        }
        error::refused(self, why).await
    }

    /// Runs a command to its end, even when the browser goes away meanwhile.
    pub async fn run<T, F>(&self, command: impl FnOnce(Engine, Actor) -> F) -> Result<T, OperatorError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let done = to_the_end(command(self.engine.clone(), self.actor.clone())).await;
        done.unwrap_or_else(|| Err(OperatorError::Store("the command did not finish".into())))
    }

    /// Logs what a person is not shown and returns the short number that finds it; only for failures of ours.
    pub fn log_reference(&self, why: &OperatorError) -> Option<String> {
        let OperatorError::Store(_) = why else { return None };
        let number = self.context.request_id.0.to_string();
        tracing::error!(error = why as &dyn std::error::Error, request = %number, "a page failed");
        Some(number)
    }

    /// Leaves a message for the next page and goes there; only to an address of ours.
    pub async fn back(&self, to: &str, flash: Flash) -> Response {
        self.session.flash(flash).await;
        LocalPath::parse(to).redirect()
    }
}

fn said(of: &Flash) -> AnyView {
    let sign = match of.kind {
        FlashKind::Ok => Sign::Fine,
        FlashKind::Warn => Sign::Soon,
        FlashKind::Error => Sign::Refused,
    };
    let (result, sentence) = result_first(&of.text);
    flash(sign, result, sentence, None)
}

/// The first sentence is the result and stands out; the rest explains it.
fn result_first(text: &str) -> (&str, &str) {
    match text.find(". ") {
        Some(end) => (text.get(..=end).unwrap_or(text), text.get(end + 2..).unwrap_or("")),
        None => (text, ""),
    }
}

/// What happened, why, and what to do, where no problem can be written down any more.
fn stuck_flash(since: Span) -> AnyView {
    flash(
        Sign::Now,
        &format!("For {} our own database has taken nothing in.", rough(since)),
        "The list of what needs you is from before, and notices are refused: the shop and the till keep them and send \
         them again. Most often its disk is full: make room there, and everything goes on by itself. Otherwise the \
         database's own log says why.",
        None,
    )
}

/// One flash for each system that is not read up to now, but for pauses where the page says them itself.
pub fn stale_flashes(freshness: Option<&Freshness>, clock: &Clock, says_pauses: bool) -> Vec<AnyView> {
    let marks = freshness.map(|f| f.marks.as_slice()).unwrap_or_default();
    marks
        .iter()
        .filter(|mark| !(says_pauses && mark.is_paused()))
        .filter_map(|mark| mark.stale.as_ref().map(|(since, why)| (mark, since, why)))
        .map(|(mark, since, why)| {
            let read = *since > Timestamp(0);
            if mark.is_paused() {
                let upto = if read { format!(" It is read up to {}.", clock.seconds(*since)) } else { String::new() };
                let words = format!(
                    "Nothing is read from it or written to it until somebody resumes it; its notices are still taken in.{upto}"
                );
                return flash(Sign::Held, &format!("{} is paused.", mark.label), &words, None);
            }
            flash(Sign::Now, &format!("{} not read since {}.", mark.label, clock.seconds(*since)), &sentence(why), None)
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

/// Makes the whole document and answers with it.
///
/// Pages have no resources of their own to wait for, so they are made in one go inside an owner of this request,
/// which is dropped with everything in it when the text is there.
pub fn render(status: StatusCode, head: Head, body: impl FnOnce() -> AnyView) -> Response {
    let html = Owner::new().with(|| {
        let body = body();
        visible(document(head, body).to_html())
    });
    (status, Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::files::Assets;

    #[test]
    fn the_first_sentence_of_a_message_is_its_result() {
        for (text, want) in [
            ("It is yours. Others see your name.", ("It is yours.", "Others see your name.")),
            ("Saved.", ("Saved.", "")),
            ("Nothing", ("Nothing", "")),
            ("", ("", "")),
        ] {
            assert_eq!(result_first(text), want);
        }
    }

    async fn whole(assets: Assets, alive: bool) -> String {
        let head = Head { title: "A</title><b>".into(), theme: "dark", alive, assets, nonce: "n0nce".into() };
        let answer = render(StatusCode::OK, head, || view! { <main>"text"</main> }.into_any());
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_page_is_whole_without_the_browser_half_and_wakes_with_it() {
        let built = Assets {
            css: Some("/pkg/truecount.c.css".into()),
            js: Some("/pkg/truecount.j.js".into()),
            wasm: Some("/pkg/truecount.w.wasm".into()),
        };
        let alive = whole(built.clone(), true).await;
        assert!(alive.starts_with("<!DOCTYPE html><html"), "{alive}");
        assert!(alive.ends_with("</body></html>"), "{alive}");
        assert!(alive.contains("data-theme=\"dark\"") && alive.contains("nonce=\"n0nce\""), "{alive}");
        assert_eq!(alive.matches("<leptos-island").count(), 2);
        assert_eq!(alive.matches("<script").count(), 1, "one script, and it carries the nonce");
        assert!(!alive.contains("A</title><b>"), "the title is text");

        for plain in [whole(built, false).await, whole(Assets::default(), true).await] {
            assert!(plain.contains("<main>text</main>"));
            assert!(!plain.contains("<script") && !plain.contains("<leptos-island"), "{plain}");
        }
    }

    #[test]
    fn a_pause_is_said_as_one_and_reasons_are_sentences() {
        let mark = |why: &str| truecount::operator::views::Mark {
            label: "Till".into(),
            read_up_to: None,
            stale: Some((Timestamp::from_secs(1_000), why.to_owned())),
        };
        let flashes = |why: &str, says_pauses| {
            let freshness = Freshness { marks: vec![mark(why)], compared_at: None, now: Timestamp::from_secs(9_000) };
            let clock = Clock { zone: chrono_tz::UTC, now: Timestamp::from_secs(9_000) };
            Owner::new().with(|| stale_flashes(Some(&freshness), &clock, says_pauses).to_html())
        };
        let said = |why: &str| flashes(why, false);
        let spoken = |says_pauses| flashes(truecount::operator::views::PAUSED, says_pauses);
        let paused = said(truecount::operator::views::PAUSED);
        assert!(
            paused.contains("Till is paused.") && paused.contains("still taken in. It is read up to 00:16:40."),
            "{paused}"
        );
        assert!(!spoken(true).contains("paused"), "where the page says it itself it is not said twice");
        assert!(said("no reading has reached its end since").contains("No reading has reached its end since."));
    }

    #[test]
    fn the_tab_carries_the_number_of_open_problems() {
        assert_eq!(tab_title("Today", 4), "(4) Today · Truecount");
        assert_eq!(tab_title("Today", 0), "Today · Truecount");
    }
}
