//! Other keys for a connection: a new access token, a new secret for its notices, or both; and, as long as nothing was
//! read from it, another address, because one that was mistyped answers nobody.
//!
//! The secrets before count for a day more, because the vendor signs with one of them until somebody gives it the new
//! one. As when a connection is added, nobody waits for the vendor: everything is read again at once, and Connections
//! says whether the new token is taken.

use super::add_connection::same_account;
use super::new_connection::{address_mistake, bare_address, wrong_secret};
use super::typed_keys::TypedKeys;
use super::{Actor, OperatorError, note, store_failed};
use crate::domain::access::Deed;
use crate::domain::secrets;
use crate::domain::system::System;
use crate::domain::time::{Span, Timestamp};
use crate::engine::{Change, Engine};
use crate::store::Tx;
use crate::store::connections::{self, ConnectionRow};
use crate::sync::schedule::Task;
use secrecy::ExposeSecret;

/// How long a secret that was replaced counts.
pub const OLD_COUNTS_FOR: Span = Span::hours(24);

/// What a person types; what is empty stays as it is.
#[derive(Clone, Default)]
pub struct NewKeys {
    /// Base address of the vendor's API.
    pub base_url: String,
    /// What opens it; all of a set or nothing of it.
    pub keys: TypedKeys,
    /// Secret that notices are signed with.
    pub notice_secret: String,
}

/// What the form says about the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name on our pages.
    pub name: String,
    /// What it is.
    pub system: System,
    /// The end of the token that it has.
    pub key_hint: String,
    /// Whether its notices are signed.
    pub is_signed: bool,
    /// Its address, while that may be changed: nothing was read from it yet.
    pub address: Option<String>,
}

/// What the form says.
pub async fn show(engine: &Engine, actor: &Actor, connection: &str) -> Result<Shown, OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let (row, _) = find(&mut tx, connection).await?;
    let read = connections::was_read(&mut tx, connection).await.map_err(store_failed)?;
    Ok(Shown {
        name: row.name,
        system: system_of(&row.vendor)?,
        key_hint: row.key_hint,
        is_signed: !row.notice_sealed.is_empty(),
        address: (!read).then_some(row.base_url),
    })
}

/// The connection, and all of them.
async fn find(tx: &mut Tx, connection: &str) -> Result<(ConnectionRow, Vec<ConnectionRow>), OperatorError> {
    let rows = connections::all_in(tx).await.map_err(store_failed)?;
    let row = rows.iter().find(|row| row.id == connection).cloned().ok_or(OperatorError::NotFound)?;
    Ok((row, rows))
}

/// A stored word that is none of ours is a database of a later version.
fn system_of(word: &str) -> Result<System, OperatorError> {
    System::parse(word).ok_or_else(|| OperatorError::Conflict("This version does not know that system.".to_owned()))
}

fn mistakes(system: System, address: Option<&str>, keys: &TypedKeys, secret: &str, here: bool) -> Vec<String> {
    let first = system.keys().first().map_or("keys", |key| key.label).to_lowercase();
    if address.is_none() && keys.is_empty(system) && secret.is_empty() {
        return vec![format!("Paste a new {first}, a new notice secret, or both.")];
    }
    let wrong_address = address.and_then(|address| address_mistake(address, here));
    let wrong_keys = match (address, keys.is_empty(system)) {
        // What we keep goes nowhere but where it was given for.
        (Some(_), true) => vec![format!("Paste the {first} again: the one we keep is sent nowhere else.")],
        (None, true) => Vec::new(),
        (_, false) => keys.credential(system).err().unwrap_or_default(),
    };
    let secret = if secret.is_empty() { None } else { wrong_secret(secret) };
    wrong_address.into_iter().chain(wrong_keys).chain(secret.map(str::to_owned)).collect()
}

/// Changes what was given, and only that. All mistakes are named at once, joined by newlines in `Invalid`.
pub async fn change(engine: &Engine, actor: &Actor, connection: &str, new: NewKeys) -> Result<(), OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let now = engine.clock().now();
    let secret = new.notice_secret.trim();
    let address = bare_address(&new.base_url);
    // What stands there is read in the same unit of work: of two changes at once neither takes back the other's.
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let (row, rows) = find(&mut tx, connection).await?;
    let address = (!address.is_empty() && address != row.base_url).then_some(address.as_str());
    let system = system_of(&row.vendor)?;
    let mut wrong = mistakes(system, address, &new.keys, secret, engine.calls_this_machine());
    if let Some(address) = address {
        if connections::was_read(&mut tx, connection).await.map_err(store_failed)? {
            wrong.push("The address stays: something was read from there. Add another connection for another.".into());
        }
        wrong.extend(same_account(&rows, connection, &row.vendor, address));
    }
    if !wrong.is_empty() {
        return Err(OperatorError::Invalid(wrong.join("\n")));
    }
    if let Some(address) = address {
        connections::change_address(&mut tx, connection, address).await.map_err(store_failed)?;
    }
    let keys_given = !new.keys.is_empty(system);
    if keys_given {
        let kept = new.keys.credential(system).map_err(|mistakes| OperatorError::Invalid(mistakes.join("\n")))?;
        let sealed = seal(engine, "token", connection, kept.expose_secret())?;
        connections::change_token(&mut tx, connection, &sealed, &new.keys.hint(system)).await.map_err(store_failed)?;
    }
    if !secret.is_empty() {
        keep_before(engine, &mut tx, &row, secret, now).await?;
        let sealed = seal(engine, "notice", connection, secret)?;
        connections::change_notice(&mut tx, connection, &sealed).await.map_err(store_failed)?;
    }
    // Which keys, never what they are.
    let mut body = serde_json::json!({ "token": keys_given, "notice secret": !secret.is_empty() });
    if let Some(address) = address {
        body["address"] = serde_json::json!({ "before": row.base_url, "after": address });
    }
    note(&mut tx, engine, actor, "change keys", &format!("connection:{connection}"), &body.to_string()).await?;
    tx.commit().await.map_err(store_failed)?;
    engine.change_keys(connection).await.map_err(|error| OperatorError::Store(Box::new(error)))?;
    if let Some(link) = engine.cx().link(connection) {
        for task in Task::TILL.iter().chain(Task::SHOP) {
            link.schedule.ask(*task, now);
        }
    }
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(())
}

fn seal(engine: &Engine, column: &str, connection: &str, plain: &str) -> Result<String, OperatorError> {
    engine
        .seal()
        .seal(&format!("connection.{column}:{connection}"), plain, engine.mint().bytes())
        .map_err(|error| OperatorError::Store(Box::new(error)))
}

/// Keeps the secret that is replaced beside those that count still.
async fn keep_before(
    engine: &Engine,
    tx: &mut Tx,
    row: &ConnectionRow,
    given: &str,
    now: Timestamp,
) -> Result<(), OperatorError> {
    if row.notice_sealed.is_empty() {
        return Ok(());
    }
    let open = |column: &str, sealed: &str| {
        engine
            .seal()
            .open(&format!("connection.{column}:{}", row.id), sealed)
            .map_err(|error| OperatorError::Store(Box::new(error)))
    };
    let replaced = open("notice", &row.notice_sealed)?;
    // The same one again has no predecessor that is to count longer.
    if replaced.as_str() == given {
        return Ok(());
    }
    let kept = connections::old_notice_in(tx, &row.id).await.map_err(store_failed)?;
    let kept = match kept.filter(|(sealed, until)| !sealed.is_empty() && now < *until) {
        Some((sealed, until)) => secrets::read(&open("old_notice", &sealed)?, until),
        None => Vec::new(),
    };
    let until = now + OLD_COUNTS_FOR;
    let kept = secrets::write(&secrets::and(kept, &replaced, given, until, now));
    let sealed = seal(engine, "old_notice", &row.id, &kept)?;
    connections::keep_old_notice(tx, &row.id, &sealed, until).await.map_err(store_failed)
}
