//! Live changes as server-sent events: what changed, never how. A page that hears one asks for its own fragment.
//!
//! A stream says `hello` first, then at most one event per topic every quarter of a second: `sku` with the
//! variant's id, `problems`, `connections`, or `all` when the listener was too slow to be told one by one. While
//! there is nothing to say it says `alive`, which a page can hear, unlike a comment. It ends when its session ends.
//! Being connected does not keep a session alive.

use super::AppState;
use super::routes::Routes;
use super::security::is_foreign;
use super::session::SignedIn;
use super::web::{PageContext, error_page};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;
use truecount::domain::access::Deed;
use truecount::engine::Change;

/// Streams of one session: as many as somebody has windows open, within reason.
pub const PER_SESSION: usize = 3;
/// Streams of everybody.
pub const BY_EVERYBODY: usize = 200;
/// Shortest time between two events on one topic.
const CALM: Duration = Duration::from_millis(250);
/// How often a quiet stream shows that it lives, and looks whether its session does.
const ALIVE: Duration = Duration::from_secs(15);
/// More topics than this at once are said as one `all`.
const MOST_TOPICS: usize = 100;

/// Who listens.
#[derive(Debug, Default)]
pub struct Listeners {
    open: Mutex<HashMap<String, Streams>>,
}

#[derive(Debug)]
struct Streams {
    count: usize,
    over: watch::Sender<bool>,
}

/// One stream's place; given back when dropped.
struct Place {
    listeners: Arc<Listeners>,
    session: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.listeners.lock();
        if let Some(streams) = open.get_mut(&self.session) {
            streams.count = streams.count.saturating_sub(1);
            if streams.count == 0 {
                open.remove(&self.session);
            }
        }
    }
}

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Streams>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, session: &str) -> Option<(Place, watch::Receiver<bool>)> {
        let mut open = self.lock();
        if open.values().map(|streams| streams.count).sum::<usize>() >= BY_EVERYBODY {
            return None;
        }
        let streams =
            open.entry(session.to_owned()).or_insert_with(|| Streams { count: 0, over: watch::Sender::new(false) });
        if streams.count >= PER_SESSION || *streams.over.borrow() {
            return None;
        }
        streams.count += 1;
        let over = streams.over.subscribe();
        Some((Place { listeners: Arc::clone(self), session: session.to_owned() }, over))
    }

    /// Ends the streams of a session that has ended.
    pub fn end(&self, session: &str) {
        if let Some(streams) = self.lock().get(session) {
            streams.over.send_replace(true);
        }
    }

    /// Ends all streams: the program is about to stop.
    pub fn end_all(&self) {
        for streams in self.lock().values() {
            streams.over.send_replace(true);
        }
    }

    /// How many streams are open.
    pub fn count(&self) -> usize {
        self.lock().values().map(|streams| streams.count).sum()
    }
}

/// The one route.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/events", listen)
}

async fn listen(
    State(state): State<AppState>,
    SignedIn(session): SignedIn,
    page: PageContext,
    headers: HeaderMap,
) -> Response {
    if is_foreign(&state.hosts, &headers) || session.actor.check(Deed::SeeStock).is_err() {
        return error_page(&state, &page, StatusCode::FORBIDDEN);
    }
    let Some(id_hash) = session.id_hash() else {
        return error_page(&state, &page, StatusCode::UNAUTHORIZED);
    };
    let Some((place, over)) = state.listeners.enter(&id_hash) else {
        return error_page(&state, &page, StatusCode::TOO_MANY_REQUESTS);
    };
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(16);
    let changes = state.engine.changes();
    tokio::spawn(tell(state, place, over, id_hash, changes, sender));
    let stream = Sse::new(ReceiverStream::new(receiver)).keep_alive(signs_of_life(ALIVE));
    let mut response = stream.into_response();
    // Tells proxies not to collect events until they have enough of them.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// Said by a stream that has nothing else to say.
fn signs_of_life(every: Duration) -> KeepAlive {
    KeepAlive::new().interval(every).event(Event::default().event("alive").data("-"))
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    All,
    Connections,
    Problems,
    Sku(String),
}

impl Topic {
    fn event(&self) -> Event {
        match self {
            Topic::All => Event::default().event("all").data("-"),
            Topic::Connections => Event::default().event("connections").data("-"),
            Topic::Problems => Event::default().event("problems").data("-"),
            Topic::Sku(id) => {
                Event::default().event("sku").data(id.chars().filter(|c| !c.is_control()).collect::<String>())
            }
        }
    }
}

/// What waits to be said.
#[derive(Debug, Default)]
struct Waiting(BTreeSet<Topic>);

impl Waiting {
    fn add(&mut self, topic: Topic) {
        if self.0.contains(&Topic::All) {
            return;
        }
        self.0.insert(topic);
        if self.0.len() > MOST_TOPICS || self.0.contains(&Topic::All) {
            self.0 = BTreeSet::from([Topic::All]);
        }
    }
}

async fn tell(
    state: AppState,
    place: Place,
    mut over: watch::Receiver<bool>,
    id_hash: String,
    mut changes: tokio::sync::broadcast::Receiver<Change>,
    sender: mpsc::Sender<Result<Event, Infallible>>,
) {
    // Held for as long as the stream is open.
    let _place = place;
    let mut waiting = Waiting::default();
    let mut next_say = Instant::now();
    let mut look = tokio::time::interval(ALIVE);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if sender.send(Ok(Event::default().event("hello").data("-"))).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            _ = sender.closed() => return,
            _ = over.changed() => return,
            change = changes.recv() => match change {
                Ok(Change::Sku(id)) => waiting.add(Topic::Sku(id)),
                Ok(Change::Problems) => waiting.add(Topic::Problems),
                Ok(Change::Connections) => waiting.add(Topic::Connections),
                Err(RecvError::Lagged(_)) => waiting.add(Topic::All),
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep_until(next_say), if !waiting.0.is_empty() => {
                for topic in std::mem::take(&mut waiting.0) {
                    // A client that reads nothing more must not outlive its session.
                    tokio::select! {
                        _ = over.changed() => return,
                        sent = sender.send(Ok(topic.event())) => if sent.is_err() { return },
                    }
                }
                next_say = Instant::now() + CALM;
            }
            _ = look.tick() => match state.accounts.session(&id_hash).await {
                Ok(Some(_)) => {}
                // Gone, or not to be known: the page connects again and is then asked who it is.
                Ok(None) | Err(_) => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page gives a stream up that it does not hear for a while: there are two chances to be heard before.
    #[tokio::test]
    async fn a_quiet_stream_is_heard_by_its_page() {
        use http_body_util::BodyExt;
        assert!(ALIVE.as_millis() * 2 < u128::from(crate::islands::liveness::SILENT_MS));
        let quiet = futures_util::stream::pending::<Result<Event, Infallible>>();
        let mut body = Sse::new(quiet).keep_alive(signs_of_life(Duration::from_millis(1))).into_response().into_body();
        let said = body.frame().await.expect("it goes on").expect("no error").into_data().expect("words");
        assert_eq!(said, "event: alive\ndata: -\n\n");
    }

    #[test]
    fn a_session_holds_three_places_and_gives_them_back() {
        let listeners = Arc::new(Listeners::default());
        let places: Vec<_> = (0..PER_SESSION).filter_map(|_| listeners.enter("a")).collect();
        assert_eq!(places.len(), PER_SESSION);
        assert!(listeners.enter("a").is_none());
        assert!(listeners.enter("b").is_some(), "another session is not concerned");
        drop(places);
        assert_eq!(listeners.count(), 0);
        assert!(listeners.enter("a").is_some());
    }

    /// A49: however many sessions, two hundred streams are the end.
    #[test]
    fn everybody_together_holds_two_hundred_places() {
        let listeners = Arc::new(Listeners::default());
        let places: Vec<_> = (0..1_000).filter_map(|n| listeners.enter(&format!("s{n}"))).collect();
        assert_eq!(places.len(), BY_EVERYBODY);
    }

    #[test]
    fn too_many_topics_become_one() {
        let mut waiting = Waiting::default();
        for n in 0..MOST_TOPICS {
            waiting.add(Topic::Sku(n.to_string()));
            waiting.add(Topic::Sku(n.to_string()));
        }
        assert_eq!(waiting.0.len(), MOST_TOPICS);
        waiting.add(Topic::Problems);
        assert_eq!(waiting.0, BTreeSet::from([Topic::All]));
        waiting.add(Topic::Connections);
        assert_eq!(waiting.0, BTreeSet::from([Topic::All]));
    }
}
