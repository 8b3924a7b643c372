//! The browser's entry point: names the islands, so that they are linked, and nothing else.

use truecount_app as _;

/// Called once by the page's script before it looks for islands.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
