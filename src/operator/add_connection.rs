//! Adding a connection, which only reads, and removing one again that brought nothing.

use super::new_connection::{NewConnection, bare_address, host_of};
use super::{Actor, OperatorError, note, store_failed};
use crate::domain::access::Deed;
use crate::domain::system::{System, Tells};
use crate::domain::time::{Span, Timestamp};
use crate::engine::{Change, Engine};
use crate::store::Tx;
use crate::store::connections::{self, ConnectionRow};
use crate::store::seal::SealKey;
use secrecy::ExposeSecret;

/// A form that is sent twice within this time is one press that was doubled.
const ONE_PRESS: Span = Span::minutes(1);

/// What is said when an address belongs to a connection.
fn taken_by(row: &ConnectionRow) -> String {
    format!("That address is connected already, as {}; one account is connected once.", row.name)
}

/// The other connection to the same account, as a sentence.
pub(super) fn same_account(rows: &[ConnectionRow], id: &str, vendor: &str, base_url: &str) -> Option<String> {
    if vendor == System::LightspeedR.word() {
        // All of its accounts are at one address.
        return None;
    }
    let wanted = host_of(base_url);
    rows.iter().find(|row| row.id != id && row.vendor == vendor && host_of(&row.base_url) == wanted).map(taken_by)
}

/// The end of a token, by which people know it; nothing of a short one.
pub(super) fn key_hint(token: &str) -> String {
    if token.chars().count() > 12 {
        token.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect()
    } else {
        String::new()
    }
}

/// Adds a connection that only reads. All mistakes are named at once, joined by newlines in `Invalid`.
/// Returns its id; of two forms that are the same and come at once, the second gets the first one's.
pub async fn add(engine: &Engine, actor: &Actor, new: NewConnection) -> Result<String, OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let mut mistakes = new.mistakes(engine.calls_this_machine());
    let now = engine.clock().now();
    // What stands there is read in the same unit of work, so that of two at once the second sees the first.
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let rows = connections::all_in(&mut tx).await.map_err(store_failed)?;
    if let Some(row) = rows.iter().find(|row| is_the_same(row, &new, engine.seal(), now)) {
        return Ok(row.id.clone());
    }
    let name = new.name.trim().to_lowercase();
    if rows.iter().any(|row| row.name.trim().to_lowercase() == name) {
        mistakes.push("Give it a name of its own: another connection has this one already.".to_owned());
    }
    mistakes.extend(same_account(&rows, "", &new.vendor, &new.base_url));
    if !mistakes.is_empty() {
        return Err(OperatorError::Invalid(mistakes.join("\n")));
    }
    let row = row_of(engine, &new, now)?;
    let id = row.id.clone();
    connections::add(&mut tx, &row).await.map_err(store_failed)?;
    let body = serde_json::json!({ "vendor": row.vendor, "name": row.name, "address": row.base_url }).to_string();
    note(&mut tx, engine, actor, "add connection", &format!("connection:{id}"), &body).await?;
    tx.commit().await.map_err(store_failed)?;
    engine.reload().await.map_err(|error| OperatorError::Store(Box::new(error)))?;
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(id)
}

fn row_of(engine: &Engine, new: &NewConnection, now: Timestamp) -> Result<ConnectionRow, OperatorError> {
    let id = engine.mint().id(now);
    let seal = |column: &str, plain: &str| {
        engine
            .seal()
            .seal(&format!("connection.{column}:{id}"), plain, engine.mint().bytes())
            .map_err(|error| OperatorError::Store(Box::new(error)))
    };
    let invalid = |mistakes: Vec<String>| OperatorError::Invalid(mistakes.join("\n"));
    let system = System::parse(&new.vendor).ok_or_else(|| invalid(new.mistakes(false)))?;
    let token = new.keys.credential(system).map_err(invalid)?;
    // A system that sends no notices has nothing to sign.
    let secret = if system.tells() == Tells::Nothing { "" } else { new.notice_secret.trim() };
    Ok(ConnectionRow {
        id: id.clone(),
        side: system.side().word().to_owned(),
        vendor: system.word().to_owned(),
        name: new.name.trim().to_owned(),
        base_url: bare_address(&new.base_url),
        token_sealed: seal("token", token.expose_secret())?,
        notice_sealed: if secret.is_empty() { String::new() } else { seal("notice", secret)? },
        key_hint: new.keys.hint(system),
        paused_at: Timestamp(0),
        created_at: now,
    })
}

/// Whether a connection was made a moment ago from the very same form.
fn is_the_same(row: &ConnectionRow, new: &NewConnection, key: &SealKey, now: Timestamp) -> bool {
    let opens = |column: &str, sealed: &str, plain: &str| {
        if sealed.is_empty() || plain.is_empty() {
            return sealed.is_empty() && plain.is_empty();
        }
        key.open(&format!("connection.{column}:{}", row.id), sealed).is_ok_and(|open| open.as_str() == plain)
    };
    now.since(row.created_at) < ONE_PRESS
        && row.vendor == new.vendor
        && row.name == new.name.trim()
        && row.base_url == bare_address(&new.base_url)
        && (key.open(&format!("connection.token:{}", row.id), &row.token_sealed))
            .is_ok_and(|kept| System::parse(&new.vendor).is_some_and(|system| new.keys.made(system, kept.as_str())))
        && opens("notice", &row.notice_sealed, new.notice_secret.trim())
}

/// What would be removed: name and address; and why it cannot be, if so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Its name on our pages.
    pub name: String,
    /// Base address of the vendor's API.
    pub base_url: String,
    /// Why it stays, in one sentence.
    pub stays: Option<String>,
}

/// What removing a connection would do.
pub async fn preview_removal(engine: &Engine, actor: &Actor, connection: &str) -> Result<Removal, OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    removal(&mut tx, connection).await
}

async fn removal(tx: &mut Tx, connection: &str) -> Result<Removal, OperatorError> {
    let rows = connections::all_in(tx).await.map_err(store_failed)?;
    let row = rows.into_iter().find(|row| row.id == connection).ok_or(OperatorError::NotFound)?;
    let stays = if connections::was_read(tx, connection).await.map_err(store_failed)? {
        Some("Something was read from it, and counts may rest on that. Pause it to stop all calls.".to_owned())
    } else if connections::was_told(tx, connection).await.map_err(store_failed)? {
        Some("A notice of it was kept, and the books forget nothing. Pause it to stop all calls.".to_owned())
    } else {
        None
    };
    Ok(Removal { name: row.name, base_url: row.base_url, stays })
}

/// Removes a connection from which nothing was ever read: its keys are deleted, and its name and address are free.
pub async fn remove(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    actor.check(Deed::ManageConnections)?;
    // Looked at again where nobody else can write: a page may have been read since it was shown.
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let removal = removal(&mut tx, connection).await?;
    if let Some(why) = removal.stays {
        return Err(OperatorError::Conflict(why));
    }
    connections::remove(&mut tx, connection).await.map_err(store_failed)?;
    let body = serde_json::json!({ "name": removal.name, "address": removal.base_url }).to_string();
    note(&mut tx, engine, actor, "remove connection", &format!("connection:{connection}"), &body).await?;
    tx.commit().await.map_err(store_failed)?;
    engine.forget(connection).await;
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
    Ok(())
}
