//! Health, marks, places and *Go live*.

use super::views::{Connections, GoLivePreview};
use super::{Actor, OperatorError};
use crate::engine::Engine;

/// The Connections page.
pub async fn list(engine: &Engine, actor: &Actor) -> Result<Connections, OperatorError> {
    let _ = (engine, actor);
    Err(OperatorError::NotFound)
}

/// Wakes every sweep of a connection; it never writes to the vendor.
pub async fn read_again(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    let _ = (engine, actor, connection);
    Err(OperatorError::NotFound)
}

/// Stops all calls to a connection until it is resumed; notices are still kept.
pub async fn pause(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    let _ = (engine, actor, connection);
    Err(OperatorError::NotFound)
}

/// Undoes a pause.
pub async fn resume(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    let _ = (engine, actor, connection);
    Err(OperatorError::NotFound)
}

/// Every write that would follow if the place went live now.
pub async fn preview_go_live(engine: &Engine, actor: &Actor, place: &str) -> Result<GoLivePreview, OperatorError> {
    let _ = (engine, actor, place);
    Err(OperatorError::NotFound)
}

/// Lets the place be written to. `expected_writes` is the number on the preview's button; when the number has
/// changed meanwhile this is a conflict and the person looks again.
pub async fn go_live(engine: &Engine, actor: &Actor, place: &str, expected_writes: i64) -> Result<(), OperatorError> {
    let _ = (engine, actor, place, expected_writes);
    Err(OperatorError::NotFound)
}

/// Back to reading only, at once.
pub async fn stop_writing(engine: &Engine, actor: &Actor, place: &str) -> Result<(), OperatorError> {
    let _ = (engine, actor, place);
    Err(OperatorError::NotFound)
}

/// Lets a till outlet feed a shop place, or no place (`None`).
pub async fn map_outlet(
    engine: &Engine,
    actor: &Actor,
    outlet: &str,
    place: Option<&str>,
) -> Result<(), OperatorError> {
    let _ = (engine, actor, outlet, place);
    Err(OperatorError::NotFound)
}

/// What a person gives to add a connection.
#[derive(Clone)]
pub struct NewConnection {
    /// "centra" or "lightspeed-x".
    pub vendor: String,
    /// Its name on our pages.
    pub name: String,
    /// Base address of the vendor's API, https.
    pub base_url: String,
    /// Access token.
    pub token: String,
    /// Secret that notices are signed with; empty when the vendor signs none.
    pub notice_secret: String,
}

/// Adds a connection that only reads. All mistakes are named at once, joined by newlines in `Invalid`.
/// Returns its id.
pub async fn add(engine: &Engine, actor: &Actor, new: NewConnection) -> Result<String, OperatorError> {
    let _ = (engine, actor, new);
    Err(OperatorError::NotFound)
}
