//! The pages that people read and the forms on them.

pub mod login;

use crate::server::AppState;
use axum::Router;

/// Every page and every form except log-in, set-up, log-out and theme, which the front door keeps for itself.
pub fn routes() -> Router<AppState> {
    Router::new()
}
