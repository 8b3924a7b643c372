//! Records of a crowd: kept and answered, and not in the books yet.

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::script::Statement;
use super::{Store, StoreError, Tx};
use sqlx::Row as _;

const READING: &str = "reading what waits for the books";

const ADD: RowsSql = rows_sql!(
    "INSERT INTO inbox_waiting (connection, inbox) SELECT each.value->>0, each.value->>1 FROM",
    "WHERE true ON CONFLICT (connection, inbox) DO NOTHING"
);
const REMOVE: RowsSql =
    rows_sql!("DELETE FROM inbox_waiting WHERE connection = $2 AND inbox IN (SELECT each.value->>0 FROM", ")");
/// A record that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its id in the inbox.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// The raw text; empty when it is no longer kept.
    pub raw: String,
}

/// These records of a connection wait from now on.
pub fn add(tx: &mut Tx, connection: &str, ids: &[&str]) {
    if ids.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for id in ids {
        rows.push(&[Cell::Text(connection), Cell::Text(id)]);
    }
    tx.later(Statement::new(ADD.text(tx.dialect()), "keeping what waits for the books").text(rows.into_json()));
}

/// These wait no longer; returns how many of them did.
pub async fn remove(tx: &mut Tx, connection: &str, ids: &[&str]) -> Result<i64, StoreError> {
    let remove = Statement::new(REMOVE.text(tx.dialect()), "forgetting what is in the books");
    let gone = tx.change(remove.text(keys(ids.iter().copied())).text(connection)).await?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

/// How many records of a connection wait.
pub async fn count(tx: &mut Tx, connection: &str) -> Result<i64, StoreError> {
    let count = Statement::new("SELECT COUNT(*) FROM inbox_waiting WHERE connection = $1", READING).text(connection);
    tx.rows(count).await?.first().map_or(Ok(0), |row| row.try_get(0)).map_err(StoreError::at(READING))
}

/// Those of a connection that wait, after one of them (empty: from the first), in the order in which they came.
pub async fn after(store: &Store, connection: &str, after: &str, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let rows = sqlx::query(
        "SELECT w.inbox, COALESCE(i.kind, ''), COALESCE(b.raw, '')
         FROM inbox_waiting w LEFT JOIN inbox i ON i.id = w.inbox LEFT JOIN inbox_body b ON b.inbox = w.inbox
         WHERE w.connection = $1 AND w.inbox > $2 ORDER BY w.inbox LIMIT $3",
    )
    .bind(connection)
    .bind(after)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at(READING))?;
    let waiting = |row: &sqlx::any::AnyRow| -> Result<Waiting, sqlx::Error> {
        Ok(Waiting { id: row.try_get(0)?, kind: row.try_get(1)?, raw: row.try_get(2)? })
    };
    rows.iter().map(waiting).collect::<Result<_, _>>().map_err(StoreError::at(READING))
}
