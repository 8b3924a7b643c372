//! The Stock list and the SKU page.

use super::views::{Sku, Stock, StockQuery, StockRow};
use super::{Actor, OperatorError};
use crate::engine::Engine;

/// One page of the list.
pub async fn list(engine: &Engine, actor: &Actor, query: &StockQuery) -> Result<Stock, OperatorError> {
    let _ = (engine, actor, query);
    Err(OperatorError::NotFound)
}

/// Everything that matches, for the CSV; at most 100,000 rows.
pub async fn export(engine: &Engine, actor: &Actor, query: &StockQuery) -> Result<Vec<StockRow>, OperatorError> {
    let _ = (engine, actor, query);
    Err(OperatorError::NotFound)
}

/// One variant in full.
pub async fn sku(engine: &Engine, actor: &Actor, variant: &str) -> Result<Sku, OperatorError> {
    let _ = (engine, actor, variant);
    Err(OperatorError::NotFound)
}
