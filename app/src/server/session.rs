//! Who is asking: sessions in our own database, by our own clock, and the extractors that pages use.
//!
//! The cookie holds a random id; the database holds its SHA-256. Nothing is stored for visitors who are not signed
//! in. A save only ever updates, so a request under way while its session ended cannot bring it back.

use super::AppState;
use super::web::{LocalPath, PageContext, error_page, to_the_end};
use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result as StoreResult};
use tower_sessions::{SessionManagerLayer, SessionStore};
use truecount::domain::ids::PersonId;
use truecount::operator::Actor;
use truecount::operator::accounts::{AccountError, Accounts, Person};
use truecount::operator::guesses::KNOWN_FOR;

pub use truecount::operator::accounts::Theme;

/// The cookie over https. The prefix makes browsers refuse one set by a neighbour or without TLS.
pub const SECURE_COOKIE: &str = "__Host-truecount";
/// The cookie over plain HTTP on this machine, where some browsers drop cookies marked as secure.
pub const LOCAL_COOKIE: &str = "truecount";
/// Header of requests that a page makes by itself; they do not count as somebody being there.
pub const LIVE_HEADER: &str = "truecount-live";

/// What a browser is given that has logged in, over https and on this machine. It lets nobody in.
pub const KNOWN_COOKIES: [&str; 2] = ["__Host-truecount-known", "truecount-known"];

const PERSON: &str = "person";
const EPOCH: &str = "epoch";
const FLASH: &str = "flash";

/// A signed-in person's session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who asks.
    pub actor: Actor,
    /// How pages look for them.
    pub theme: Theme,
    /// The zone their times are shown in.
    pub zone: chrono_tz::Tz,
    memory: tower_sessions::Session,
}

impl Session {
    /// Keeps a message for the next page this person sees.
    pub async fn flash(&self, flash: Flash) {
        if let Err(error) = self.memory.insert(FLASH, flash).await {
            tracing::warn!(%error, "a message could not be kept");
        }
    }

    /// The message for this page, once.
    pub async fn take_flash(&self) -> Option<Flash> {
        match self.memory.get::<Flash>(FLASH).await {
            Ok(Some(_)) => self.memory.remove::<Flash>(FLASH).await.ok().flatten(),
            _ => None,
        }
    }

    /// What this session is called in our own tables; never the id itself.
    pub(super) fn id_hash(&self) -> Option<String> {
        self.memory.id().map(|id| id_hash(&id))
    }
}

/// A one-time message: what came of the form that was just sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// How it went.
    pub kind: FlashKind,
    /// One or two sentences.
    pub text: String,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlashKind {
    /// Done.
    Ok,
    /// Done in part, or something to know.
    Warn,
    /// Not done.
    Error,
}

impl Flash {
    /// It was done.
    pub fn ok(text: impl Into<String>) -> Self {
        Self { kind: FlashKind::Ok, text: text.into() }
    }

    /// It was done in part, or there is something to know.
    pub fn warn(text: impl Into<String>) -> Self {
        Self { kind: FlashKind::Warn, text: text.into() }
    }

    /// It was not done.
    pub fn error(text: impl Into<String>) -> Self {
        Self { kind: FlashKind::Error, text: text.into() }
    }
}

impl FlashKind {
    /// The word for classes: "ok", "warn" or "error".
    pub fn word(self) -> &'static str {
        match self {
            FlashKind::Ok => "ok",
            FlashKind::Warn => "warn",
            FlashKind::Error => "error",
        }
    }
}

/// Extractor: the signed-in person. Others are led to the log-in page and back when they asked for a page; a form
/// or a live part gets 401 and changes nothing.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Session);

/// Extractor: the signed-in person, if there is one.
#[derive(Debug, Clone)]
pub struct MaybeSignedIn(pub Option<Session>);

impl FromRequestParts<AppState> for MaybeSignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match who(parts, state).await {
            Ok(session) => Ok(Self(session)),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a session could not be read");
                let Ok(page) = PageContext::from_request_parts(parts, state).await;
                Err(error_page(state, &page, StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        if let MaybeSignedIn(Some(session)) = MaybeSignedIn::from_request_parts(parts, state).await? {
            return Ok(Self(session));
        }
        if matches!(parts.method, Method::GET | Method::HEAD) && !asks_by_itself(parts) {
            return Err(LocalPath::of(&parts.uri).via_login().redirect());
        }
        let Ok(page) = PageContext::from_request_parts(parts, state).await;
        Err(error_page(state, &page, StatusCode::UNAUTHORIZED))
    }
}

/// Whether the page asks rather than a person: a live part, or the stream of changes, which browsers open again
/// and again by themselves.
fn asks_by_itself(parts: &Parts) -> bool {
    let stream = |accept: &http::HeaderValue| accept.as_bytes().starts_with(b"text/event-stream");
    parts.headers.contains_key(LIVE_HEADER) || parts.headers.get(header::ACCEPT).is_some_and(stream)
}

async fn who(parts: &Parts, state: &AppState) -> Result<Option<Session>, AccountError> {
    let Some(memory) = parts.extensions.get::<tower_sessions::Session>().cloned() else { return Ok(None) };
    let Ok(Some(person)) = memory.get::<String>(PERSON).await else { return Ok(None) };
    // The account is asked every time, so a changed role or a closed account holds from the next request on.
    let Some(person) = state.accounts.person(&PersonId::new(person)).await? else { return Ok(None) };
    if !asks_by_itself(parts)
        && let Some(id) = memory.id()
    {
        let hash = id_hash(&id);
        if let Some(row) = state.accounts.session(&hash).await? {
            let accounts = state.accounts.clone();
            // A page that only reads does not fail because the disk takes nothing.
            if let Some(Err(error)) = to_the_end(async move { accounts.touch_session(&hash, &row).await }).await {
                tracing::error!(error = &error as &dyn std::error::Error, "the last use of a session was not noted");
            }
        }
    }
    let zone = person.zone.parse().unwrap_or(state.config.zone);
    Ok(Some(Session { actor: person.actor(), theme: person.theme, zone, memory }))
}

/// Why a session did not begin.
pub(super) enum NotBegun {
    /// The account was changed since the person proved who they are.
    Changed,
    /// We failed.
    Failed(String),
}

/// Gives a person a session under a new id; whatever the cookie said before is void.
pub(super) async fn sign_in(memory: &tower_sessions::Session, person: &Person) -> Result<(), NotBegun> {
    let begun = async {
        memory.clear().await;
        memory.cycle_id().await?;
        memory.insert(PERSON, person.id.as_str()).await?;
        memory.insert(EPOCH, person.epoch.as_str()).await?;
        // At once, and not after the answer was made: it may be refused.
        memory.save().await
    };
    let Err(error) = begun.await else { return Ok(()) };
    memory.clear().await;
    match error.to_string() {
        why if why.contains(&AccountError::Changed.to_string()) => Err(NotBegun::Changed),
        why => Err(NotBegun::Failed(why)),
    }
}

/// What this browser was given when it logged in before.
pub(super) fn known_browser(headers: &http::HeaderMap, https: bool) -> Option<&str> {
    let [secure, local] = KNOWN_COOKIES;
    let name = if https { secure } else { local };
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The header that gives it.
pub(super) fn remember_browser(given: &str, https: bool) -> Option<http::HeaderValue> {
    let [secure, local] = KNOWN_COOKIES;
    let (name, mark) = if https { (secure, "; Secure") } else { (local, "") };
    let for_seconds = KNOWN_FOR.as_millis() / 1_000;
    let text = format!("{name}={given}; HttpOnly; SameSite=Strict; Path=/; Max-Age={for_seconds}{mark}");
    http::HeaderValue::from_str(&text).ok()
}

/// Ends the session, whoever it belongs to, and returns what it is called in our own tables.
pub(super) async fn sign_out(
    state: &AppState,
    memory: &tower_sessions::Session,
) -> Result<Option<String>, AccountError> {
    let hash = memory.id().map(|id| id_hash(&id));
    if let Some(hash) = &hash {
        // Asked directly: the layer forgets the cookie whether or not the session is gone.
        state.accounts.end_session(hash).await?;
    }
    if let Err(error) = memory.flush().await {
        tracing::warn!(%error, "an ended session could not be cleared");
    }
    Ok(hash)
}

/// The layer that reads and writes the cookie.
pub fn layer(accounts: Accounts, https: bool) -> SessionManagerLayer<AccountSessions> {
    SessionManagerLayer::new(AccountSessions { accounts })
        .with_name(if https { SECURE_COOKIE } else { LOCAL_COOKIE })
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Strict)
        .with_path("/")
}

/// Keeps sessions in our database.
#[derive(Debug, Clone)]
pub struct AccountSessions {
    accounts: Accounts,
}

fn id_hash(id: &Id) -> String {
    hex::encode(Sha256::digest(id.to_string().as_bytes()))
}

fn person_of(record: &Record) -> String {
    record.data.get(PERSON).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn epoch_of(record: &Record) -> String {
    record.data.get(EPOCH).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn encoded(record: &Record) -> StoreResult<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

/// Runs to the end even when the request is dropped, because a transaction must not be cut off.
async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, AccountError>> + Send + 'static,
) -> StoreResult<T> {
    match tokio::spawn(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Error::Backend(error.to_string())),
        Err(_) => Err(Error::Backend("the session store stopped".to_owned())),
    }
}

#[async_trait]
impl SessionStore for AccountSessions {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        loop {
            let (accounts, hash, data) = (self.accounts.clone(), id_hash(&record.id), encoded(record)?);
            let (person, epoch) = (person_of(record), epoch_of(record));
            if finish(async move { accounts.begin_session(&hash, &person, &epoch, &data).await }).await? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let (accounts, hash, person, data) =
            (self.accounts.clone(), id_hash(&record.id), person_of(record), encoded(record)?);
        // An ended session stays ended; that is no failure of this request.
        finish(async move { accounts.keep_session(&hash, &person, &data).await }).await?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let row = self.accounts.session(&id_hash(id)).await.map_err(|error| Error::Backend(error.to_string()))?;
        let Some(row) = row else { return Ok(None) };
        let data = serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        // Expiry is decided above, by our clock; the date that the record wants is never looked at.
        Ok(Some(Record { id: *id, data, expiry_date: OffsetDateTime::UNIX_EPOCH }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        let (accounts, hash) = (self.accounts.clone(), id_hash(id));
        finish(async move { accounts.end_session(&hash).await }).await
    }
}
