//! What comes to life in the browser: two islands without any content of their own.
//!
//! They work through data attributes on a page that is already complete, so that a failure here leaves a working
//! page behind. Neither ever throws to the console.

#[cfg(feature = "hydrate")]
mod browser;
// Compiled without the browser too, so that its table of answers is an ordinary test.
#[cfg(any(feature = "hydrate", test))]
pub(crate) mod liveness;

use leptos::prelude::*;

/// Keeps the marked parts of the page up to date.
#[island]
pub fn Live() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::live::start();
    view! { <span hidden=true data-island="live"></span> }
}

/// Moves about the page by keys, and copies what is to be pasted elsewhere.
#[island]
pub fn Keys() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    {
        browser::keys::start();
        browser::copy::start();
    }
    view! { <span hidden=true data-island="keys"></span> }
}
