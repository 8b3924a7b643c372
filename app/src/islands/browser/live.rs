//! Live parts: when something changed that a part of this page shows, the page is asked for once more and the
//! changed parts are put in its place. New rows of a list wait behind a bar, so that nothing moves under the pointer.

use super::{all, document, listen};
use std::cell::{Cell, RefCell};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Document, DomParser, Element, EventSource, Headers, MessageEvent, RequestInit, Response, SupportedType};

/// Between a change and asking for the page, so that a burst asks once.
const GATHER_MS: i32 = 250;
/// When no change is heard of, the page is asked for nevertheless.
const FALLBACK_MS: i32 = 30_000;
/// What the stream may say; "sku" carries the variant.
const TOPICS: [&str; 4] = ["all", "problems", "connections", "sku"];
/// Says that the page asks by itself and nobody pressed anything.
const LIVE_HEADER: &str = "truecount-live";

thread_local! {
    static SOURCE: RefCell<Option<EventSource>> = const { RefCell::new(None) };
    static PLANNED: Cell<bool> = const { Cell::new(false) };
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Begins to listen.
pub fn start() {
    let Some(document) = document() else { return };
    if all(document.query_selector_all("[data-live]")).is_empty() {
        return;
    }
    connect();
    listen(&document.clone(), "visibilitychange", move |_| {
        if document.hidden() {
            disconnect();
        } else {
            connect();
            plan(0);
        }
    });
    tick();
}

fn connect() {
    SOURCE.with_borrow_mut(|source| {
        if source.as_ref().is_some_and(|s| s.ready_state() != EventSource::CLOSED) {
            return;
        }
        let Ok(opened) = EventSource::new("/events") else { return };
        for topic in TOPICS {
            listen(&opened, topic, move |event| {
                let about = event.dyn_ref::<MessageEvent>().and_then(|e| e.data().as_string()).unwrap_or_default();
                if concerns(topic, &about) {
                    plan(GATHER_MS);
                }
            });
        }
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

fn after(ms: i32, work: impl FnOnce() + 'static) {
    let Some(window) = web_sys::window() else { return };
    let work = Closure::once_into_js(work);
    let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(work.unchecked_ref(), ms);
}

fn tick() {
    after(FALLBACK_MS, || {
        if document().is_some_and(|d| !d.hidden()) {
            connect();
            plan(0);
        }
        tick();
    });
}

fn plan(ms: i32) {
    if PLANNED.replace(true) {
        return;
    }
    after(ms, || {
        PLANNED.set(false);
        if ASKING.replace(true) {
            // One at a time; what changed meanwhile is asked for afterwards.
            plan(GATHER_MS);
            return;
        }
        spawn_local(async {
            let _ = refresh().await;
            ASKING.set(false);
        });
    });
}

async fn refresh() -> Result<(), JsValue> {
    let (Some(window), Some(document)) = (web_sys::window(), document()) else { return Ok(()) };
    let location = window.location();
    let address = format!("{}{}", location.pathname()?, location.search()?);
    let headers = Headers::new()?;
    headers.set(LIVE_HEADER, "1")?;
    let init = RequestInit::new();
    init.set_headers(&headers);
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(&address, &init)).await?.dyn_into()?;
    if !response.ok() || response.redirected() {
        return Ok(());
    }
    let Some(html) = JsFuture::from(response.text()?).await?.as_string() else { return Ok(()) };
    let fresh = DomParser::new()?.parse_from_string(&html, SupportedType::TextHtml)?;
    if document.title() != fresh.title() {
        document.set_title(&fresh.title());
    }
    for part in all(document.query_selector_all("[data-live]")) {
        if let Some(new) = fresh.get_element_by_id(&part.id()) {
            renew(&document, &part, &new);
        }
    }
    Ok(())
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
    let scrolled = part.query_selector(".frame").ok().flatten().map(|frame| frame.scroll_left());
    part.set_inner_html(&new.inner_html());
    if let Some(bar) = bar_of(document, part) {
        bar.set_text_content(None);
        let _ = bar.set_attribute("hidden", "");
    }
    if let (Some(left), Ok(Some(frame))) = (scrolled, part.query_selector(".frame")) {
        frame.set_scroll_left(left);
    }
    if let Some((row, place)) = focused {
        let rows = all(part.query_selector_all("[data-row]"));
        let around = rows.into_iter().find(|r| !row.is_empty() && r.get_attribute("data-row").as_deref() == Some(&row));
        let around = around.unwrap_or_else(|| part.clone());
        match place.and_then(|place| focusable(&around).into_iter().nth(place)) {
            Some(element) => super::focus(&element),
            None => super::focus(&around),
        }
    }
}

fn keys(part: &Element) -> Vec<String> {
    all(part.query_selector_all("[data-row]")).iter().filter_map(|row| row.get_attribute("data-row")).collect()
}

/// A list that somebody chooses from or a field somebody types in is left alone.
fn is_being_filled_in(document: &Document, part: &Element) -> bool {
    document
        .active_element()
        .is_some_and(|active| part.contains(Some(&active)) && active.matches("input, select").unwrap_or(false))
}

fn focusable(within: &Element) -> Vec<Element> {
    all(within.query_selector_all("a[href], button, summary, [tabindex='0']"))
}

/// The row that holds the focus, and which of its focusable things has it; none when it is the row itself.
fn focused_in(document: &Document, part: &Element) -> Option<(String, Option<usize>)> {
    let active = document.active_element().filter(|active| part.contains(Some(active)))?;
    let row = active.closest("[data-row]").ok().flatten();
    let around = row.clone().unwrap_or_else(|| part.clone());
    let place = focusable(&around).iter().position(|element| *element == active);
    Some((row.and_then(|row| row.get_attribute("data-row")).unwrap_or_default(), place))
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
