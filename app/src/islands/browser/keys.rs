//! Keys: `/` search, `j` and `k` rows, Enter opens, `e` takes, `?` help. Nothing can only be done by a key.

use super::{all, click, document, focus, listen};
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlDialogElement, HtmlElement, HtmlFormElement, KeyboardEvent};

/// Begins to listen, and says that the page is alive.
pub fn start() {
    let Some(document) = document() else { return };
    listen(&document, "keydown", |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        if act(event).is_some() {
            event.prevent_default();
        }
    });
    listen(&document, "change", |event| {
        let changed = event.target().and_then(|t| t.dyn_into::<Element>().ok());
        let Some(changed) = changed.filter(|e| e.has_attribute("data-submits")) else { return };
        if let Ok(Some(form)) = changed.closest("form")
            && let Some(form) = form.dyn_ref::<HtmlFormElement>()
        {
            let _ = form.request_submit();
        }
    });
    listen(&document.clone(), "click", |event| {
        let pressed = event.target().and_then(|t| t.dyn_into::<Element>().ok());
        close_menus(pressed.as_ref());
    });
    if let Some(root) = document.document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
}

/// What the key did; `None` leaves it to the browser.
fn act(event: &KeyboardEvent) -> Option<()> {
    let document = document()?;
    let key = event.key();
    if key == "Escape" {
        close_menus(None);
        return None;
    }
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.is_composing() || event.default_prevented() {
        return None;
    }
    let active = document.active_element();
    let typing =
        active.as_ref().is_some_and(|a| a.matches("input, select, textarea, [contenteditable]").unwrap_or(false));
    let in_dialog = document.query_selector("dialog[open]").ok().flatten().is_some();
    if typing || in_dialog {
        return None;
    }
    match key.as_str() {
        "/" => search(&document),
        "j" => step(&document, active.as_ref(), true),
        "k" => step(&document, active.as_ref(), false),
        "Enter" => {
            let row = active.filter(|a| a.has_attribute("data-row"))?;
            click(&row.query_selector("[data-open], [data-opens] a").ok()??);
            Some(())
        }
        "e" => {
            let row = active?.closest("[data-row]").ok()??;
            click(&row.query_selector("[data-take] button").ok()??);
            Some(())
        }
        "?" => {
            let help = document.query_selector("[data-keys-help]").ok()??;
            help.dyn_ref::<HtmlDialogElement>()?.show_modal().ok()
        }
        _ => None,
    }
}

fn search(document: &Document) -> Option<()> {
    let field = document.query_selector("[data-search]").ok()??;
    if field.dyn_ref::<HtmlElement>()?.offset_width() > 0 {
        focus(&field);
    } else {
        // On a small screen the search is a page.
        web_sys::window()?.location().set_href("/search").ok()?;
    }
    Some(())
}

fn step(document: &Document, active: Option<&Element>, down: bool) -> Option<()> {
    let rows = all(document.query_selector_all("[data-row]"));
    let current = active.and_then(|a| a.closest("[data-row]").ok().flatten());
    let place = current.and_then(|current| rows.iter().position(|row| *row == current));
    let next = match (place, down) {
        (None, _) => 0,
        (Some(at), true) => (at + 1).min(rows.len().saturating_sub(1)),
        (Some(at), false) => at.saturating_sub(1),
    };
    focus(rows.get(next)?);
    Some(())
}

/// Closes every open menu that was not pressed itself.
fn close_menus(pressed: Option<&Element>) {
    let Some(document) = document() else { return };
    for menu in all(document.query_selector_all("details.menu[open]")) {
        if !pressed.is_some_and(|p| menu.contains(Some(p))) {
            let held = document.active_element().is_some_and(|a| menu.contains(Some(&a)));
            let _ = menu.remove_attribute("open");
            if held && let Ok(Some(summary)) = menu.query_selector("summary") {
                focus(&summary);
            }
        }
    }
}
