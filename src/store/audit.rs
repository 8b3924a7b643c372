//! The whole ledger and every order, line by line, for whoever compares them with what truly happened.

use super::{Store, StoreError};
use crate::domain::ledger::Cause;
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::BTreeMap;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// The document it comes from.
    pub document: String,
    /// That document's line.
    pub line: String,
    /// What moved.
    pub product: String,
    /// Where.
    pub outlet: String,
    /// The vendor's order of the document's version.
    pub version: i64,
    /// As the till's count moves.
    pub units: i64,
    /// No document explains it.
    pub unexplained: bool,
    /// When we wrote it.
    pub known_at: Timestamp,
}

/// Every line of a connection's ledger, in the vendor's order.
pub async fn ledger(store: &Store, connection: &str) -> Result<Vec<LedgerLine>, StoreError> {
    let step = "reading the whole ledger";
    let rows = sqlx::query(
        "SELECT document, line, product, outlet, version, units, cause, known_at FROM movement
         WHERE connection = $1 ORDER BY version, document, line",
    )
    .bind(connection)
    .fetch_all(store.read())
    .await
    .map_err(at(step))?;
    let read = |row: &sqlx::any::AnyRow| -> Result<LedgerLine, sqlx::Error> {
        Ok(LedgerLine {
            document: row.try_get(0)?,
            line: row.try_get(1)?,
            product: row.try_get(2)?,
            outlet: row.try_get(3)?,
            version: row.try_get(4)?,
            units: row.try_get(5)?,
            unexplained: row.try_get::<String, _>(6)? == Cause::Unexplained.word(),
            known_at: Timestamp(row.try_get(7)?),
        })
    };
    rows.iter().map(read).collect::<Result<_, _>>().map_err(at(step))
}

/// A web order as we know it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownOrder {
    /// The word of its state.
    pub state: String,
    /// Units ordered and not cancelled, by the vendor's line id.
    pub lines: BTreeMap<String, i64>,
}

/// Every order of a connection, by the vendor's id.
pub async fn orders(store: &Store, connection: &str) -> Result<BTreeMap<String, KnownOrder>, StoreError> {
    let step = "reading every order";
    let rows = sqlx::query(
        "SELECT o.document, o.state, COALESCE(l.line, ''), CAST(COALESCE(SUM(l.units), 0) AS BIGINT)
         FROM web_order o LEFT JOIN web_order_line l ON l.connection = o.connection AND l.document = o.document
         WHERE o.connection = $1 GROUP BY o.document, o.state, l.line",
    )
    .bind(connection)
    .fetch_all(store.read())
    .await
    .map_err(at(step))?;
    let mut orders: BTreeMap<String, KnownOrder> = BTreeMap::new();
    for row in &rows {
        let read = || -> Result<(String, String, String, i64), sqlx::Error> {
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
        };
        let (document, state, line, units) = read().map_err(at(step))?;
        let order = orders.entry(document).or_default();
        order.state = state;
        if !line.is_empty() {
            order.lines.insert(line, units);
        }
    }
    Ok(orders)
}
