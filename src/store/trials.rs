//! What came of tests of connections; the last one of each.

use super::error::ensure_rows;
use super::{Store, StoreError, Tx};
use crate::domain::time::Timestamp;
use crate::domain::trial::{Trial, TrialLine};
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// The last test of a connection, if there was one.
pub async fn get(store: &Store, connection: &str) -> Result<Option<Trial>, StoreError> {
    let row = sqlx::query("SELECT asked_at, ended_at, lines FROM trial WHERE connection = $1")
        .bind(connection)
        .fetch_optional(store.read())
        .await
        .map_err(at("reading a test"))?;
    let Some(row) = row else { return Ok(None) };
    let read = || -> Result<_, sqlx::Error> { Ok((row.try_get(0)?, row.try_get(1)?, row.try_get::<String, _>(2)?)) };
    let (asked, ended, lines) = read().map_err(at("reading a test"))?;
    // Written by us; what cannot be read any more says nothing.
    let lines = serde_json::from_str(&lines).unwrap_or_default();
    Ok(Some(Trial { asked_at: Timestamp(asked), ended_at: Timestamp(ended), lines }))
}

/// Somebody wants a test.
pub async fn ask(tx: &mut Tx, connection: &str, now: Timestamp) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO trial (connection, asked_at, ended_at, lines) VALUES ($1, $2, 0, '[]')
         ON CONFLICT (connection) DO UPDATE SET asked_at = excluded.asked_at, ended_at = 0, lines = '[]'",
    )
    .bind(connection)
    .bind(now.micros())
    .execute(tx.conn().await?)
    .await
    .map_err(at("asking for a test"))?;
    ensure_rows("asking for a test", done.rows_affected(), 1)
}

/// What came of it so far; `now` is zero while it goes on.
pub async fn keep(tx: &mut Tx, connection: &str, lines: &[TrialLine], now: Timestamp) -> Result<(), StoreError> {
    let text = serde_json::to_string(lines).unwrap_or_else(|_| "[]".to_owned());
    sqlx::query("UPDATE trial SET ended_at = $2, lines = $3 WHERE connection = $1")
        .bind(connection)
        .bind(now.micros())
        .bind(text)
        .execute(tx.conn().await?)
        .await
        .map_err(at("keeping a test"))?;
    Ok(())
}
