//! Sessions, under the hash of their id: whoever reads the database cannot use one.
//!
//! [`save`] only ever updates. A request that was under way while its session ended can therefore not bring it
//! back to life; only [`create`] makes a row.

use crate::domain::ids::PersonId;
use crate::domain::time::{Span, Timestamp};
use crate::store::StoreError;
use sqlx::{AnyConnection, Row};

/// A session nobody used for this long is over.
pub const IDLE: Span = Span::minutes(30);
/// A session is over this long after it began, however busy.
pub const ABSOLUTE: Span = Span::hours(12);
/// Last-seen is written at most this often, so that reading pages does not mean writing rows.
pub const SEEN_EVERY: Span = Span::minutes(1);

/// A stored session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose it is; empty before somebody logs in.
    pub person: String,
    /// What the session remembers, as JSON.
    pub data: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

impl SessionRow {
    /// Whether it may still be used at `now`.
    pub fn alive(&self, now: Timestamp) -> bool {
        now.since(self.seen_at) < IDLE && now.since(self.created_at) < ABSOLUTE
    }
}

/// Makes a session; `false` when that id exists already.
pub async fn create(
    conn: &mut AnyConnection,
    id_hash: &str,
    person: &str,
    data: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO session (id_hash, person, data, created_at, seen_at) VALUES ($1, $2, $3, $4, $4) \
         ON CONFLICT (id_hash) DO NOTHING",
    )
    .bind(id_hash)
    .bind(person)
    .bind(data)
    .bind(at.micros())
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what a session remembers; `false`, and no row, when it has ended.
pub async fn save(conn: &mut AnyConnection, id_hash: &str, person: &str, data: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE session SET data = $3 WHERE id_hash = $1 AND person = $2")
        .bind(id_hash)
        .bind(person)
        .bind(data)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The session with that id, if it may still be used.
pub async fn find(conn: &mut AnyConnection, id_hash: &str, now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
    let row = sqlx::query("SELECT person, data, created_at, seen_at FROM session WHERE id_hash = $1")
        .bind(id_hash)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let found = SessionRow {
        person: row.try_get("person")?,
        data: row.try_get("data")?,
        created_at: Timestamp(row.try_get::<i64, _>("created_at")?),
        seen_at: Timestamp(row.try_get::<i64, _>("seen_at")?),
    };
    Ok(Some(found).filter(|row| row.alive(now)))
}

/// Marks a living session as used now.
pub async fn touch(conn: &mut AnyConnection, id_hash: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE session SET seen_at = $2 WHERE id_hash = $1 AND seen_at > $3 AND seen_at < $2")
        .bind(id_hash)
        .bind(now.micros())
        .bind((now - IDLE).micros())
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends one session.
pub async fn delete(conn: &mut AnyConnection, id_hash: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM session WHERE id_hash = $1").bind(id_hash).execute(conn).await?;
    Ok(())
}

/// Ends all sessions of a person; returns how many there were.
pub async fn delete_of_person(conn: &mut AnyConnection, person: &PersonId) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM session WHERE person = $1").bind(person.as_str()).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Removes sessions that are over, at most 1,000.
pub async fn prune(conn: &mut AnyConnection, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM session WHERE id_hash IN (SELECT id_hash FROM session WHERE seen_at <= $1 OR created_at <= $2 \
         LIMIT 1000)",
    )
    .bind((now - IDLE).micros())
    .bind((now - ABSOLUTE).micros())
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
