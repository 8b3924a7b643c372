//! Taking a problem and giving it back.

use super::{Actor, OperatorError};
use crate::engine::Engine;

/// Takes a problem; taking one that somebody else holds is a conflict that names them.
pub async fn take(engine: &Engine, actor: &Actor, problem: &str) -> Result<(), OperatorError> {
    let _ = (engine, actor, problem);
    Err(OperatorError::NotFound)
}

/// Gives it back.
pub async fn give_back(engine: &Engine, actor: &Actor, problem: &str) -> Result<(), OperatorError> {
    let _ = (engine, actor, problem);
    Err(OperatorError::NotFound)
}
