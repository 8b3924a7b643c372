//! Other keys for a connection: a new access token, a new secret for its notices, or both.
//!
//! The secret before counts for a day more, because the vendor signs with it until somebody gives it the new one.
//! As when a connection is added, nobody waits for the vendor: everything is read again at once, and Connections says
//! whether the new token is taken.

use super::connections::key_hint;
use super::new_connection::{LONG_SECRET, SECRET_MAX, wrong_token};
use super::{Actor, OperatorError, note, store_failed};
use crate::domain::access::Deed;
use crate::domain::time::Span;
use crate::engine::{Change, Engine};
use crate::store::connections::{self, ConnectionRow};
use crate::sync::schedule::Task;

/// How long the secret before the new one counts.
pub const OLD_COUNTS_FOR: Span = Span::hours(24);

/// What a person types; what is empty stays as it is.
#[derive(Clone)]
pub struct NewKeys {
    /// Access token.
    pub token: String,
    /// Secret that notices are signed with.
    pub notice_secret: String,
}

/// What the form says about the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name on our pages.
    pub name: String,
    /// The end of the token that it has.
    pub key_hint: String,
    /// Whether its notices are signed.
    pub is_signed: bool,
}

/// What the form says.
pub async fn show(engine: &Engine, actor: &Actor, connection: &str) -> Result<Shown, OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let row = find(engine, connection).await?;
    Ok(Shown { name: row.name, key_hint: row.key_hint, is_signed: !row.notice_sealed.is_empty() })
}

async fn find(engine: &Engine, connection: &str) -> Result<ConnectionRow, OperatorError> {
    let rows = connections::all(engine.store()).await.map_err(store_failed)?;
    rows.into_iter().find(|row| row.id == connection).ok_or(OperatorError::NotFound)
}

fn mistakes(token: &str, secret: &str) -> Vec<String> {
    if token.is_empty() && secret.is_empty() {
        return vec!["Paste a new access token, a new notice secret, or both.".to_owned()];
    }
    let token = if token.is_empty() { None } else { wrong_token(token) };
    token.into_iter().chain((secret.len() > SECRET_MAX).then(|| LONG_SECRET.to_owned())).collect()
}

/// Changes what was given. All mistakes are named at once, joined by newlines in `Invalid`.
pub async fn change(engine: &Engine, actor: &Actor, connection: &str, new: NewKeys) -> Result<(), OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let row = find(engine, connection).await?;
    let (token, secret) = (new.token.trim(), new.notice_secret.trim());
    let mistakes = mistakes(token, secret);
    if !mistakes.is_empty() {
        return Err(OperatorError::Invalid(mistakes.join("\n")));
    }
    let now = engine.clock().now();
    let owner = |column: &str| format!("connection.{column}:{connection}");
    let seal = |column: &str, plain: &str| {
        engine
            .seal()
            .seal(&owner(column), plain, engine.mint().bytes())
            .map_err(|error| OperatorError::Store(Box::new(error)))
    };
    let mut after = row.clone();
    if !token.is_empty() {
        (after.token_sealed, after.key_hint) = (seal("token", token)?, key_hint(token));
    }
    let mut old = None;
    if !secret.is_empty() {
        if !row.notice_sealed.is_empty() {
            let before = engine.seal().open(&owner("notice"), &row.notice_sealed);
            let before = before.map_err(|error| OperatorError::Store(Box::new(error)))?;
            // The same one again has no predecessor that is to count longer.
            old = (before.as_str() != secret).then(|| seal("old_notice", &before)).transpose()?;
        }
        after.notice_sealed = seal("notice", secret)?;
    }
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    connections::change_keys(&mut tx, connection, &after.token_sealed, &after.key_hint, &after.notice_sealed)
        .await
        .map_err(store_failed)?;
    if let Some(sealed) = old {
        connections::keep_old_notice(&mut tx, connection, &sealed, now + OLD_COUNTS_FOR).await.map_err(store_failed)?;
    }
    // Which keys, never what they are.
    let body = serde_json::json!({ "token": !token.is_empty(), "notice secret": !secret.is_empty() }).to_string();
    note(&mut tx, engine, actor, "change keys", &format!("connection:{connection}"), &body).await?;
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
