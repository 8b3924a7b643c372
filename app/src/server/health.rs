//! For machines that watch machines: alive, and ready. Strangers learn no more than that.

use super::AppState;
use super::routes::Routes;
use super::web::to_the_end;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use std::time::Duration;
use tokio::sync::Mutex;
use truecount::domain::time::{Span, Timestamp};
use truecount::operator::accounts::Accounts;

/// How long the outcome of a try stands.
const GOOD_FOR: Span = Span::secs(10);
/// How long a try may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The row that is written and removed.
const TRIAL: &str = "tried out";

/// The two routes.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/health/live", live).get("/health/ready", ready)
}

async fn live() -> Response {
    say(StatusCode::OK, "alive\n")
}

async fn ready(State(state): State<AppState>) -> Response {
    let reads = match state.accounts.any().await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready: the database is not read");
            false
        }
    };
    if reads && state.writes.work(&state.accounts).await {
        say(StatusCode::OK, "ready\n")
    } else {
        say(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// Whether the database takes writes, tried out with a row of our own. Whoever asks often is told what the last try
/// gave, so that strangers cannot keep the disk busy.
#[derive(Debug, Default)]
pub(super) struct Writes {
    last: Mutex<Option<(Timestamp, bool)>>,
}

impl Writes {
    async fn work(&self, accounts: &Accounts) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, worked)) = *last
            // A clock that was set back makes the last try one of the future, which says nothing.
            && (Span::ZERO..GOOD_FOR).contains(&accounts.now().since(at))
        {
            return worked;
        }
        let hand = accounts.clone();
        let trying = to_the_end(async move {
            // No session is called that: theirs are 64 hex digits.
            hand.begin_session(TRIAL, "", "", "{}").await?;
            hand.end_session(TRIAL).await
        });
        let worked = match tokio::time::timeout(PATIENCE, trying).await {
            Ok(Some(Ok(()))) => true,
            Ok(Some(Err(error))) => {
                tracing::error!(error = &error as &dyn std::error::Error, "not ready: the database takes no writes");
                false
            }
            Ok(None) => false,
            Err(_) => {
                tracing::error!("not ready: the database did not take a write in time");
                false
            }
        };
        *last = Some((accounts.now(), worked));
        worked
    }
}

fn say(status: StatusCode, word: &'static str) -> Response {
    let mut response = (status, word).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
