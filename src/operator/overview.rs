//! Today, the freshness line and the search box.

use super::views::{Evidence, Freshness, Today};
use super::{Actor, OperatorError};
use crate::engine::Engine;

/// How old every number is; on every page.
pub async fn freshness(engine: &Engine) -> Result<Freshness, OperatorError> {
    let _ = engine;
    Err(OperatorError::NotFound)
}

/// Open problems, for the number beside "Today" and in the tab title.
pub async fn open_problems(engine: &Engine) -> Result<i64, OperatorError> {
    let _ = engine;
    Err(OperatorError::NotFound)
}

/// The Today page. `team` filters "Needs you now" ("operations", "finance", "merchandising"); `None` shows all.
pub async fn today(engine: &Engine, actor: &Actor, team: Option<&str>) -> Result<Today, OperatorError> {
    let _ = (engine, actor, team);
    Err(OperatorError::NotFound)
}

/// SKU, barcode, receipt or order number → (words, address) of what was found, best first, at most 20.
pub async fn search(engine: &Engine, actor: &Actor, text: &str) -> Result<Vec<(String, String)>, OperatorError> {
    let _ = (engine, actor, text);
    Err(OperatorError::NotFound)
}

/// The raw exchange or record behind a number. `kind` is "notice", "call" or "record".
pub async fn evidence(engine: &Engine, actor: &Actor, kind: &str, id: &str) -> Result<Evidence, OperatorError> {
    let _ = (engine, actor, kind, id);
    Err(OperatorError::NotFound)
}
