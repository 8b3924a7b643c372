//! Copying what somebody has to paste elsewhere. Its button shows only where the browser lets us copy.

use super::{document, listen};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Element;

/// Begins to listen, and shows the buttons.
pub fn start() {
    // Elsewhere browsers have no clipboard for pages.
    let Some(window) = web_sys::window().filter(web_sys::Window::is_secure_context) else { return };
    let Some(document) = document() else { return };
    listen(&document, "click", move |event| {
        let pressed = event.target().and_then(|t| t.dyn_into::<Element>().ok());
        let Some(Ok(Some(button))) = pressed.map(|element| element.closest("[data-copies]")) else { return };
        let text = button.get_attribute("data-copies").unwrap_or_default();
        let copying = window.navigator().clipboard().write_text(&text);
        spawn_local(async move {
            let words = if JsFuture::from(copying).await.is_ok() { "Copied" } else { "Not copied: select it" };
            button.set_text_content(Some(words));
            if let Some(Ok(Some(voice))) = super::document().map(|d| d.query_selector("[data-announce]")) {
                voice.set_text_content(Some(words));
            }
        });
    });
    if let Some(root) = document.document_element() {
        let _ = root.set_attribute("data-can-copy", "");
    }
}
