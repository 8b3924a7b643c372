//! The front door: what pages may ask of the server around them.

pub mod session;
pub mod web;

use leptos::config::LeptosOptions;
use truecount::engine::Engine;

/// Handed to every handler; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The running engine.
    pub engine: Engine,
    /// Names of the built files.
    pub options: LeptosOptions,
}
