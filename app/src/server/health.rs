//! For machines that watch machines: alive, and ready. Strangers learn no more than that.

use super::AppState;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

/// The two routes.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

async fn live() -> Response {
    say(StatusCode::OK, "alive\n")
}

async fn ready(State(state): State<AppState>) -> Response {
    match state.accounts.any().await {
        Ok(_) => say(StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            say(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    }
}

fn say(status: StatusCode, word: &'static str) -> Response {
    let mut response = (status, word).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
