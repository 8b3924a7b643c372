//! Live parts: when something changed that a part of this page shows, the page is asked for once more and the
//! changed parts are put in its place. New rows of a list wait behind a bar, so that nothing moves under the pointer.
//! When nothing is heard any more a bar says since when, until it is: also when the server neither answers nor hangs
//! up, so every question has a time limit and the silence of the stream is watched.

use super::{all, document, listen};
use crate::islands::liveness::{ANSWER_MS, Ago, Heard, LOOK_MS, Look};
use std::cell::{Cell, RefCell};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, Document, DomParser, Element, EventSource, Headers, MessageEvent, RequestInit, Response,
    SupportedType,
};

/// Between a change and asking for the page, so that a burst asks once.
const GATHER_MS: u32 = 250;
/// While there is no answer it is asked for sooner: somebody looks at the bar.
const AGAIN_MS: u32 = 5_000;
/// What the stream may say; "sku" carries the variant.
const TOPICS: [&str; 4] = ["all", "problems", "connections", "sku"];
/// What it says besides, only to be heard.
const SIGNS_OF_LIFE: [&str; 2] = ["hello", "alive"];
/// Says that the page asks by itself and nobody pressed anything.
const LIVE_HEADER: &str = "truecount-live";

thread_local! {
    static SOURCE: RefCell<Option<EventSource>> = const { RefCell::new(None) };
    static PLANNED: Cell<bool> = const { Cell::new(false) };
    static ASKING: Cell<bool> = const { Cell::new(false) };
    /// Something changed while the page was being asked for.
    static ONCE_MORE: Cell<bool> = const { Cell::new(false) };
    /// When the page was last answered, and when the stream last spoke, by the clock of this page.
    static ANSWERED: Cell<f64> = const { Cell::new(0.0) };
    static SPOKE: Cell<f64> = const { Cell::new(0.0) };
    static HEARD: Cell<Heard> = const { Cell::new(Heard::Fresh) };
    /// The page is being left: what breaks off now says nothing.
    static LEAVING: Cell<bool> = const { Cell::new(false) };
}

/// Begins to listen.
pub fn start() {
    let Some(document) = document() else { return };
    if all(document.query_selector_all("[data-live]")).is_empty() {
        return;
    }
    ANSWERED.set(now());
    connect();
    listen(&document, "visibilitychange", |_| {
        if is_seen() {
            resume();
        } else {
            disconnect();
        }
    });
    if let Some(window) = web_sys::window() {
        listen(&window, "pagehide", |_| {
            LEAVING.set(true);
            disconnect();
        });
        // Back by the browser's own button, as it was left.
        listen(&window, "pageshow", |_| {
            if LEAVING.replace(false) {
                resume();
            }
        });
    }
    listen(&document, "input", |event| {
        let touched = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(Ok(Some(part))) = touched.map(|element| element.closest("[data-live]")) {
            let _ = part.set_attribute("data-touched", "");
        }
    });
    tick();
}

/// Hears and asks again, unless nobody is logged in here. Without an answer the stream waits for one: a browser would
/// try it on its own, again and again.
fn resume() {
    if HEARD.get() == Heard::Fresh {
        connect();
    }
    if HEARD.get().goes_on() {
        plan(0);
    }
}

/// Milliseconds since the page was opened; it never goes back.
fn now() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |performance| performance.now())
}

fn is_seen() -> bool {
    document().is_some_and(|document| !document.hidden())
}

fn connect() {
    SOURCE.with_borrow_mut(|source| {
        if source.as_ref().is_some_and(|s| s.ready_state() != EventSource::CLOSED) {
            return;
        }
        let Ok(opened) = EventSource::new("/events") else { return };
        SPOKE.set(now());
        for sign in SIGNS_OF_LIFE {
            listen(&opened, sign, |_| SPOKE.set(now()));
        }
        for topic in TOPICS {
            listen(&opened, topic, move |event| {
                SPOKE.set(now());
                let about = event.dyn_ref::<MessageEvent>().and_then(|e| e.data().as_string()).unwrap_or_default();
                if concerns(topic, &about) {
                    plan(GATHER_MS);
                }
            });
        }
        // It broke off. Whether that means anything is what the page itself says.
        listen(&opened, "error", |_| plan(GATHER_MS));
        *source = Some(opened);
    });
}

fn disconnect() {
    SOURCE.with_borrow_mut(|source| {
        if let Some(source) = source.take() {
            source.close();
        }
    });
}

/// Whether a part of this page shows it.
fn concerns(topic: &str, about: &str) -> bool {
    let Some(document) = document() else { return false };
    all(document.query_selector_all("[data-live]")).iter().any(|part| {
        let topics = part.get_attribute("data-topics").unwrap_or_default();
        topic == "all"
            || topics
                .split(' ')
                .any(|t| t == topic || t.strip_prefix("sku:").is_some_and(|id| topic == "sku" && id == about))
    })
}

fn after(ms: u32, work: impl FnOnce() + 'static) {
    let Some(window) = web_sys::window() else { return };
    let work = Closure::once_into_js(work);
    let ms = i32::try_from(ms).unwrap_or(i32::MAX);
    let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(work.unchecked_ref(), ms);
}

fn tick() {
    after(LOOK_MS, || {
        // Without an answer `say` asks again, and sooner.
        if is_seen() && HEARD.get() == Heard::Fresh {
            look();
        }
        if HEARD.get().goes_on() {
            tick();
        }
    });
}

fn look() {
    let since = |then: f64| (now() - then).max(0.0) as u32;
    let listens = SOURCE.with_borrow(Option::is_some);
    match (Ago { answer: since(ANSWERED.get()), stream: listens.then(|| since(SPOKE.get())) }).look() {
        Look::Rest => {}
        Look::Ask => resume(),
        Look::Renew => {
            disconnect();
            resume();
        }
    }
}

fn plan(ms: u32) {
    if PLANNED.replace(true) {
        return;
    }
    after(ms, || {
        PLANNED.set(false);
        if ASKING.replace(true) {
            // One at a time; what changed meanwhile is asked for afterwards.
            ONCE_MORE.set(true);
            return;
        }
        spawn_local(async {
            let heard = refresh().await.unwrap_or(Heard::Nothing);
            ASKING.set(false);
            if heard == Heard::Fresh {
                ANSWERED.set(now());
            }
            if !LEAVING.get() {
                say(heard);
            }
            if ONCE_MORE.replace(false) && heard == Heard::Fresh {
                plan(GATHER_MS);
            }
        });
    });
}

/// Shows the bar, or takes it away; stops listening where there is nothing to hear.
fn say(heard: Heard) {
    let before = HEARD.replace(heard);
    match heard {
        // Only when it comes back: where the stream alone is refused, asking for it at once would go round in circles.
        Heard::Fresh if before != Heard::Fresh => connect(),
        Heard::Fresh => {}
        Heard::LoggedOut => disconnect(),
        Heard::Nothing => {
            disconnect();
            after(AGAIN_MS, || {
                if is_seen() && HEARD.get() == Heard::Nothing {
                    plan(0);
                }
            });
        }
    }
    let Some(document) = document() else { return };
    let Ok(Some(bar)) = document.query_selector("[data-not-live]") else { return };
    let since = bar.get_attribute("data-since").unwrap_or_default();
    let Some((words, press)) = heard.bar(&since) else {
        let _ = bar.set_attribute("hidden", "");
        return;
    };
    if before == heard {
        return;
    }
    for (part, text) in [("[data-words]", words.as_str()), ("a", press)] {
        if let Ok(Some(part)) = bar.query_selector(part) {
            part.set_text_content(Some(text));
        }
    }
    let _ = bar.remove_attribute("hidden");
    if let Ok(Some(voice)) = document.query_selector("[data-announce]") {
        voice.set_text_content(Some(&words));
    }
}

async fn refresh() -> Result<Heard, JsValue> {
    let (Some(window), Some(document)) = (web_sys::window(), document()) else { return Ok(Heard::Fresh) };
    let location = window.location();
    let address = format!("{}{}", location.pathname()?, location.search()?);
    let headers = Headers::new()?;
    headers.set(LIVE_HEADER, "1")?;
    let init = RequestInit::new();
    init.set_headers(&headers);
    let limit = AbortController::new()?;
    init.set_signal(Some(&limit.signal()));
    // After the answer it ends nothing any more.
    after(ANSWER_MS, move || limit.abort());
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(&address, &init)).await?.dyn_into()?;
    let address = response.url();
    let path = address.strip_prefix(&location.origin()?).and_then(|path| path.split('?').next());
    let heard = Heard::of(response.status(), path.filter(|_| response.redirected()));
    if heard != Heard::Fresh {
        return Ok(heard);
    }
    let Some(html) = JsFuture::from(response.text()?).await?.as_string() else { return Ok(Heard::Nothing) };
    let fresh = DomParser::new()?.parse_from_string(&html, SupportedType::TextHtml)?;
    if document.title() != fresh.title() {
        document.set_title(&fresh.title());
    }
    for part in all(document.query_selector_all("[data-live]")) {
        if let Some(new) = fresh.get_element_by_id(&part.id()) {
            renew(&document, &part, &new);
        }
    }
    // From when the numbers are, should this have been the last answer.
    let bar = |of: &Document| of.query_selector("[data-not-live]").ok().flatten();
    if let (Some(bar), Some(new)) = (bar(&document), bar(&fresh)) {
        let _ = bar.set_attribute("data-since", &new.get_attribute("data-since").unwrap_or_default());
    }
    Ok(Heard::Fresh)
}

fn renew(document: &Document, part: &Element, new: &Element) {
    // What is pressed right now must still be there when the button comes up.
    let pressed = part.matches(":active").unwrap_or(false);
    if part.inner_html() == new.inner_html() || pressed || is_being_filled_in(document, part) {
        return;
    }
    if part.has_attribute("data-list") {
        let (before, after) = (keys(part), keys(new));
        let added = after.iter().filter(|key| !before.contains(key)).count();
        if added > 0 && !before.is_empty() {
            announce(document, part, added);
            return;
        }
        if before != after && part.matches(":hover").unwrap_or(false) {
            return;
        }
    }
    let focused = focused_in(document, part);
    let opened: Vec<String> =
        all(part.query_selector_all("details[open][id]")).iter().map(|details| details.id()).collect();
    let scrolled = part.query_selector(".frame").ok().flatten().map(|frame| frame.scroll_left());
    part.set_inner_html(&new.inner_html());
    for details in opened.iter().filter_map(|id| document.get_element_by_id(id)) {
        let _ = details.set_attribute("open", "");
    }
    if let Some(bar) = bar_of(document, part) {
        bar.set_text_content(None);
        let _ = bar.set_attribute("hidden", "");
    }
    if let (Some(left), Ok(Some(frame))) = (scrolled, part.query_selector(".frame")) {
        frame.set_scroll_left(left);
    }
    if let Some(focused) = focused {
        focused.again(part);
    }
}

fn keys(part: &Element) -> Vec<String> {
    all(part.query_selector_all("[data-row]")).iter().filter_map(|row| row.get_attribute("data-row")).collect()
}

/// A list that somebody chooses from or a field somebody types in is left alone.
fn is_being_filled_in(document: &Document, part: &Element) -> bool {
    let typing = document
        .active_element()
        .is_some_and(|active| part.contains(Some(&active)) && active.matches("input, select").unwrap_or(false));
    // What was chosen and not sent yet would be lost with the old part.
    typing || part.has_attribute("data-touched")
}

fn focusable(within: &Element) -> Vec<Element> {
    all(within.query_selector_all("a[href], button, summary, [tabindex='0']"))
}

/// Where the focus is: the row that holds it, if any, and which of the focusable things in it, or in the part.
struct Focused {
    /// What the row is called, and which one it is from above.
    row: Option<(String, usize)>,
    /// None when it is the row or the part itself.
    place: Option<usize>,
}

fn focused_in(document: &Document, part: &Element) -> Option<Focused> {
    let active = document.active_element().filter(|active| part.contains(Some(active)))?;
    let row = active.closest("[data-row]").ok().flatten();
    let around = row.as_ref().unwrap_or(part);
    let place = focusable(around).iter().position(|element| *element == active);
    let row = row.map(|row| {
        let rows = all(part.query_selector_all("[data-row]"));
        let at = rows.iter().position(|other| *other == row).unwrap_or(0);
        (row.get_attribute("data-row").unwrap_or_default(), at)
    });
    Some(Focused { row, place })
}

impl Focused {
    /// The same thing of the same row. Where that row is gone, or cannot be told from another, it is the row that now
    /// stands in its place: a place counted inside a row says nothing about the part.
    fn again(self, part: &Element) {
        let Some((key, at)) = self.row else {
            let same = self.place.and_then(|place| focusable(part).into_iter().nth(place));
            return super::focus(same.as_ref().unwrap_or(part));
        };
        let rows = all(part.query_selector_all("[data-row]"));
        let named: Vec<&Element> =
            rows.iter().filter(|row| row.get_attribute("data-row").as_deref() == Some(&key)).collect();
        match (named.as_slice(), rows.get(at).or(rows.last())) {
            ([row], _) => {
                let same = self.place.and_then(|place| focusable(row).into_iter().nth(place));
                super::focus(same.as_ref().unwrap_or(row));
            }
            (_, Some(row)) => super::focus(row),
            (_, None) => super::focus(part),
        }
    }
}

/// The bar above a list that says how many rows wait.
fn bar_of(document: &Document, part: &Element) -> Option<Element> {
    let bars = all(document.query_selector_all("[data-new-bar]"));
    bars.into_iter().find(|bar| bar.get_attribute("data-new-bar").as_deref() == Some(&part.id()))
}

fn announce(document: &Document, part: &Element, added: usize) {
    let Some(bar) = bar_of(document, part) else { return };
    let since = part.get_attribute("data-since").unwrap_or_default();
    let words = format!("{added} new since {since}. Show them");
    let first = bar.text_content().unwrap_or_default().is_empty();
    bar.set_text_content(Some(&words));
    let _ = bar.remove_attribute("hidden");
    if first && let Ok(Some(voice)) = document.query_selector("[data-announce]") {
        voice.set_text_content(Some(&words));
    }
}
