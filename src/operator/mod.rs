//! What a signed-in person may ask or do. A click never waits for a vendor: it writes intent and wakes a task.
//!
//! Every function takes the [`Actor`] and asks [`crate::domain::access`] in its first line.

pub mod accounts;
pub mod add_connection;
pub mod connection_keys;
pub mod connections;
pub mod evidence;
mod explain;
pub mod guesses;
pub mod mapping;
pub mod new_connection;
pub mod overview;
pub mod password;
pub mod problems;
mod ready;
mod redact;
pub mod remap;
pub mod search;
pub mod stock;
pub mod trials;
pub mod typed_keys;
pub mod views;

use crate::domain::access::{Deed, Role};
use crate::domain::ids::PersonId;
use crate::engine::Engine;
use crate::store::activity::{self, Entry};
use crate::store::{StoreError, Tx};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Their account.
    pub person: PersonId,
    /// The name shown on pages and in Activity.
    pub name: String,
    /// Their role.
    pub role: Role,
}

/// Why an operator's question or command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// This role may not do that.
    #[error("your role may not do that")]
    Forbidden,
    /// There is no such thing (or it is not for these eyes).
    #[error("there is nothing here under that name")]
    NotFound,
    /// What was asked cannot be done as asked; one sentence for people, saying what to give.
    #[error("{0}")]
    Invalid(String),
    /// The world changed since the preview; one sentence for people.
    #[error("{0}")]
    Conflict(String),
    /// The database failed; the chain is logged, people see a reference.
    #[error("the database did not answer")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Actor {
    /// Refuses unless this role may do that.
    pub fn check(&self, deed: Deed) -> Result<(), OperatorError> {
        if self.role.may(deed) { Ok(()) } else { Err(OperatorError::Forbidden) }
    }
}

/// Text as one segment of a path, or as a value in a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// For `map_err`: the chain goes to the log here, once; people see a reference.
pub(crate) fn store_failed(error: StoreError) -> OperatorError {
    OperatorError::Store(Box::new(error))
}

/// Writes into the log that somebody's role did not let them do what this address does; `asked` is the address as it
/// was sent.
pub async fn note_refusal(engine: &Engine, actor: &Actor, address: &str, asked: &str) -> Result<(), OperatorError> {
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let body = serde_json::json!({ "role": actor.role.word(), "asked": asked }).to_string();
    note(&mut tx, engine, actor, "refused", address, &body).await?;
    tx.commit().await.map_err(store_failed)
}

/// Writes a person's action into the log, in the unit of work that does it.
pub(crate) async fn note(
    tx: &mut Tx,
    engine: &Engine,
    actor: &Actor,
    action: &str,
    object: &str,
    body: &str,
) -> Result<(), OperatorError> {
    let entry = Entry { actor: actor.person.as_str(), action, object, body, salt: engine.mint().bytes() };
    activity::append(tx, &entry, engine.clock().now()).await.map_err(store_failed)?;
    Ok(())
}
