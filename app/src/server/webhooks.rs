//! The webhook door: raw bytes in, a status out, nothing else. It knows no cookies and no sessions.
//!
//! The bytes are handed on exactly as they came, because a signature covers them; a compressed body is refused,
//! because nobody who signs sends one. A stranger's body is not read at all, and a slow one takes only as much room as
//! it has sent; whoever comes from one address takes half of the room at most. Once the bytes are here the work goes on even when the sender hangs up.

use super::AppState;
use super::routes::Routes;
use super::web::{PageContext, to_the_end};
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{HeaderValue, StatusCode, header};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest notice.
const MOST_BYTES: usize = 1024 * 1024;
/// Longest id of a connection; ours are shorter.
const LONGEST_ID: usize = 100;
/// Bytes of notices held at the same time: memory is what a flood must not take, and many small ones share one wait
/// for the disk.
const BYTES_AT_ONCE: usize = 16 * 1024 * 1024;
/// Of these, what one address may hold: a vendor in a rush has enough, and nobody takes the room of all.
const BYTES_OF_ONE: usize = BYTES_AT_ONCE / 2;
/// What a notice takes at least once it is complete.
const LEAST_BYTES: usize = 4_096;
/// Time in which a notice has to arrive.
const ARRIVAL: Duration = Duration::from_secs(15);

/// Longest pause between two pieces of a notice: who stops speaking gives up the room of what was said so far.
const PAUSE: Duration = Duration::from_secs(3);

/// The one route.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.post("/hooks/{connection}", receive)
}

/// The room for notices that are being taken in.
#[derive(Debug)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    held: Mutex<HashMap<IpAddr, usize>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(BYTES_AT_ONCE)), held: Mutex::default() }
    }
}

impl Room {
    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one notice takes of it; given back when dropped.
struct Taken {
    room: Arc<Room>,
    address: IpAddr,
    bytes: usize,
    permits: Option<OwnedSemaphorePermit>,
}

impl Taken {
    fn nothing(room: Arc<Room>, address: IpAddr) -> Self {
        Self { room, address, bytes: 0, permits: None }
    }

    /// Takes so many bytes more.
    fn more(&mut self, bytes: usize) -> Result<(), Refused> {
        let count = u32::try_from(bytes).map_err(|_| Refused::TooLarge)?;
        let mut held = self.room.held();
        let mine = held.get(&self.address).copied().unwrap_or(0) + bytes;
        if mine > BYTES_OF_ONE {
            return Err(Refused::Full);
        }
        let permits = Arc::clone(&self.room.free).try_acquire_many_owned(count).map_err(|_| Refused::Full)?;
        match &mut self.permits {
            Some(held) => held.merge(permits),
            None => self.permits = Some(permits),
        }
        if bytes > 0 {
            held.insert(self.address, mine);
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut held = self.room.held();
        let rest = held.get(&self.address).copied().unwrap_or(0).saturating_sub(self.bytes);
        if rest == 0 {
            held.remove(&self.address);
        } else {
            held.insert(self.address, rest);
        }
    }
}

/// Why a body was not taken in.
enum Refused {
    TooLarge,
    Full,
    Broken,
    Slow,
}

async fn receive(
    State(state): State<AppState>,
    connection: Result<Path<String>, PathRejection>,
    page: PageContext,
    request: Request,
) -> Response {
    let known = |id: &String| id.len() <= LONGEST_ID && state.engine.cx().link(id).is_some();
    let Some(connection) = connection.ok().map(|Path(id)| id).filter(known) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|how| how != "identity") {
        return refuse(&state, connection, StatusCode::UNSUPPORTED_MEDIA_TYPE, "the notice is packed").await;
    }
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let arrived = match told {
        Some(bytes) if bytes > MOST_BYTES as u64 => Ok(Err(Refused::TooLarge)),
        _ => {
            let taken = Taken::nothing(Arc::clone(&state.notices), page.client.counted());
            tokio::time::timeout(ARRIVAL, arrive(taken, body)).await
        }
    };
    let (body, room) = match arrived {
        Ok(Ok(arrived)) => arrived,
        Ok(Err(Refused::TooLarge)) => {
            return refuse(&state, connection, StatusCode::PAYLOAD_TOO_LARGE, "the notice is larger than 1 MiB").await;
        }
        Ok(Err(Refused::Full)) => {
            let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            return response;
        }
        Ok(Err(Refused::Broken)) => return empty(StatusCode::BAD_REQUEST),
        Ok(Err(Refused::Slow)) | Err(_) => return empty(StatusCode::REQUEST_TIMEOUT),
    };
    let engine = state.engine.clone();
    let received = to_the_end(async move {
        let received = engine.receive(&connection, &headers, body).await;
        tracing::debug!(connection.id = %connection, status = received.status, reason = %received.reason, "notice");
        drop(room);
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

/// The whole body and the room it takes; room is taken as the bytes come.
async fn arrive(mut taken: Taken, body: Body) -> Result<(Bytes, Taken), Refused> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = tokio::time::timeout(PAUSE, chunks.next()).await.map_err(|_| Refused::Slow)? {
        let chunk = chunk.map_err(|_| Refused::Broken)?;
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(Refused::TooLarge);
        }
        taken.more(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    taken.more(LEAST_BYTES.saturating_sub(bytes.len()))?;
    Ok((Bytes::from(bytes), taken))
}

/// Refuses what the engine never sees, and has it counted with its reason.
async fn refuse(state: &AppState, connection: String, status: StatusCode, reason: &'static str) -> Response {
    let engine = state.engine.clone();
    to_the_end(async move { engine.refuse_notice(&connection, status.as_u16(), reason).await }).await;
    empty(status)
}

fn empty(status: StatusCode) -> Response {
    let mut response = status.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
