//! The webhook door: raw bytes in, a status out, nothing else. It knows no cookies and no sessions.
//!
//! The bytes are handed on exactly as they came, because a signature covers them; a compressed body is refused,
//! because nobody who signs sends one. Once the bytes are here the work goes on even when the sender hangs up.

use super::AppState;
use super::web::to_the_end;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;
use std::time::Duration;
use tower_http::limit::RequestBodyLimitLayer;

/// Largest notice.
const MOST_BYTES: usize = 1024 * 1024;
/// Longest id of a connection; ours are shorter.
const LONGEST_ID: usize = 100;
/// Notices taken in at the same time, by what they weigh: memory is what a flood must not take, and many small ones
/// share one wait for the disk.
pub(super) const WEIGHT_AT_ONCE: usize = 4_096;
/// Bytes of body that weigh one.
const WEIGHT_BYTES: usize = 4_096;
/// Time in which a notice has to arrive.
const ARRIVAL: Duration = Duration::from_secs(15);

/// The one route.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/hooks/{connection}", post(receive)).layer(RequestBodyLimitLayer::new(MOST_BYTES))
}

async fn receive(
    State(state): State<AppState>,
    connection: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Some(connection) = connection.ok().map(|Path(id)| id).filter(|id| id.len() <= LONGEST_ID) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let plain = request.headers().get_all(header::CONTENT_ENCODING).iter().all(|how| how == "identity");
    if !plain {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let Ok(turn) = Arc::clone(&state.notices).try_acquire_many_owned(weight(request.headers())) else {
        let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        return response;
    };
    let headers = request.headers().clone();
    let body = match tokio::time::timeout(ARRIVAL, Bytes::from_request(request, &state)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refused)) => return empty(refused.into_response().status()),
        Err(_) => return empty(StatusCode::REQUEST_TIMEOUT),
    };
    let engine = state.engine.clone();
    let received = to_the_end(async move {
        let received = engine.receive(&connection, &headers, body).await;
        tracing::debug!(connection.id = %connection, status = received.status, reason = %received.reason, "notice");
        drop(turn);
        received
    })
    .await;
    let status = received.and_then(|received| StatusCode::from_u16(received.status).ok());
    match status {
        // A vendor that follows a redirect would carry its signature elsewhere; we never send one.
        Some(status) if !status.is_redirection() && !status.is_informational() => empty(status),
        _ => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What a notice weighs; one that does not tell its length may be as large as the largest.
fn weight(headers: &http::HeaderMap) -> u32 {
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let bytes = told.unwrap_or(MOST_BYTES).min(MOST_BYTES);
    u32::try_from(bytes.div_ceil(WEIGHT_BYTES).max(1)).unwrap_or(u32::MAX)
}

fn empty(status: StatusCode) -> Response {
    let mut response = status.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
