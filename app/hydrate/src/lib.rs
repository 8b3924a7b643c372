//! The browser's entry point: names the islands, so that they are linked, and nothing else.

/// Called once by the page's script before it looks for islands.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    use truecount_app::islands as _;
    leptos::mount::hydrate_islands();
}
