//! The islands' work in the browser. Whatever is missing or refused is passed over in silence: the page under it
//! is complete.

pub mod copy;
pub mod keys;
pub mod live;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, NodeList};

/// The document of this window.
fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// All elements that match, in the order of the page.
fn all(found: Result<NodeList, wasm_bindgen::JsValue>) -> Vec<Element> {
    let Ok(found) = found else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.item(i)?.dyn_into().ok()).collect()
}

/// Listens for as long as the page lives.
fn listen(target: &EventTarget, name: &str, handle: impl FnMut(Event) + 'static) {
    let handle = Closure::<dyn FnMut(Event)>::new(handle);
    if target.add_event_listener_with_callback(name, handle.as_ref().unchecked_ref()).is_ok() {
        handle.forget();
    }
}

/// Gives focus, if the element can take it.
fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// Presses it.
fn click(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        element.click();
    }
}
