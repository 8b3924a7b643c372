//! Taking a problem and giving it back.

use super::{Actor, OperatorError, note, store_failed};
use crate::domain::access::Deed;
use crate::engine::{Change, Engine};
use crate::store::problems;

/// Takes a problem; taking one that somebody else holds is a conflict that names them.
pub async fn take(engine: &Engine, actor: &Actor, problem: &str) -> Result<(), OperatorError> {
    actor.check(Deed::OwnProblems)?;
    set(engine, actor, problem, true).await
}

/// Gives it back.
pub async fn give_back(engine: &Engine, actor: &Actor, problem: &str) -> Result<(), OperatorError> {
    actor.check(Deed::OwnProblems)?;
    set(engine, actor, problem, false).await
}

async fn set(engine: &Engine, actor: &Actor, problem: &str, take: bool) -> Result<(), OperatorError> {
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let (owner, name) =
        problems::owner(&mut tx, problem).await.map_err(store_failed)?.ok_or(OperatorError::NotFound)?;
    let mine = owner == actor.person.as_str();
    if !owner.is_empty() && !mine {
        return Err(OperatorError::Conflict(format!("{name} has taken it meanwhile.")));
    }
    if mine == take {
        // Pressed twice: the first press stands.
        return Ok(());
    }
    let (person, name) = if take { (actor.person.as_str(), actor.name.as_str()) } else { ("", "") };
    let now = engine.clock().now();
    problems::set_owner(&mut tx, problem, person, name, now).await.map_err(store_failed)?;
    let action = if take { "take" } else { "give back" };
    note(&mut tx, engine, actor, action, &format!("problem:{problem}"), "{}").await?;
    tx.commit().await.map_err(store_failed)?;
    let _ = engine.cx().changes.send(Change::Problems);
    Ok(())
}
