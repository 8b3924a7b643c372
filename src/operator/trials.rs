//! Testing a connection: somebody asks, a task calls the vendor, and the page says what works.

use super::{Actor, OperatorError, note, store_failed};
use crate::domain::access::Deed;
use crate::domain::trial::Trial;
use crate::engine::{Change, Engine};
use crate::store::trials;
use crate::sync::schedule::Task;
use std::sync::atomic::Ordering;

/// The name of a connection and its last test.
pub async fn show(engine: &Engine, actor: &Actor, connection: &str) -> Result<(String, Option<Trial>), OperatorError> {
    actor.check(Deed::ReadAgain)?;
    let link = engine.cx().link(connection).ok_or(OperatorError::NotFound)?;
    let trial = trials::get(engine.store(), connection).await.map_err(store_failed)?;
    Ok((link.name.clone(), trial))
}

/// Asks for a test; it runs at once unless the vendor asked us to wait.
pub async fn ask(engine: &Engine, actor: &Actor, connection: &str) -> Result<(), OperatorError> {
    actor.check(Deed::ReadAgain)?;
    let link = engine.cx().link(connection).ok_or(OperatorError::NotFound)?;
    if link.paused.load(Ordering::SeqCst) {
        return Err(OperatorError::Conflict("It is paused, so nothing was tested. Resume it first.".to_owned()));
    }
    let now = engine.clock().now();
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    trials::ask(&mut tx, connection, now).await.map_err(store_failed)?;
    note(&mut tx, engine, actor, "test", &format!("connection:{connection}"), "{}").await?;
    tx.commit().await.map_err(store_failed)?;
    link.schedule.ask(Task::Trial, now);
    let _ = engine.cx().changes.send(Change::Connections);
    Ok(())
}
