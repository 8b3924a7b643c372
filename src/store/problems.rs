//! Problems: opened once per cause and subject, kept open while seen, closed when gone.

use super::error::ensure_rows;
use super::question::{Question, first};
use super::script::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::problem::Problem;
use crate::domain::time::Timestamp;
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// An open problem as it stands.
#[derive(Debug, Clone)]
pub struct ProblemRow {
    /// Our id.
    pub id: String,
    /// Kind word.
    pub kind: String,
    /// Subject.
    pub subject: String,
    /// "now", "soon", "waiting".
    pub severity: String,
    /// Team.
    pub team: String,
    /// What happened.
    pub title: String,
    /// Why.
    pub why: String,
    /// Money at stake.
    pub money_minor: i64,
    /// ISO code.
    pub currency: String,
    /// Who waits.
    pub waits: String,
    /// What to press: a JSON array of [`crate::domain::problem::Press`].
    pub actions: String,
    /// Open since.
    pub opened_at: Timestamp,
    /// Person who took it.
    pub owner: String,
    /// Their name.
    pub owner_name: String,
    /// Since when.
    pub owner_since: Timestamp,
}

/// Opens a problem or refreshes the open one of the same cause and subject.
pub fn raise(tx: &mut Tx, id: &str, p: &Problem, now: Timestamp) {
    const SQL: &str =
        "INSERT INTO problem (id, kind, subject, severity, team, title, why, money_minor, currency, waits, actions,
                              opened_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
         ON CONFLICT (kind, subject) WHERE closed_at = 0 DO UPDATE SET
            severity = excluded.severity, team = excluded.team, title = excluded.title, why = excluded.why,
            money_minor = excluded.money_minor, currency = excluded.currency, waits = excluded.waits,
            actions = excluded.actions, seen_at = excluded.seen_at";
    let actions = serde_json::to_string(&p.actions).unwrap_or_else(|_| "[]".into());
    let statement = Statement::new(SQL, "raising a problem")
        .text(id)
        .text(p.kind.word())
        .text(p.subject.as_str())
        .text(p.severity.word())
        .text(p.team)
        .text(p.title.as_str())
        .text(p.why.as_str())
        .int(p.money_minor)
        .text(p.currency.as_str())
        .text(p.waits.as_str())
        .text(actions)
        .int(now.micros());
    tx.later(statement);
}

/// Closes every open problem that was not seen at `now`; returns how many.
pub async fn close_unseen(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE problem SET closed_at = $1 WHERE closed_at = 0 AND seen_at < $1";
    tx.change(Statement::new(SQL, "closing problems").int(now.micros())).await
}

/// Open problems, worst and dearest first.
pub async fn open(store: &Store, limit: i64) -> Result<Vec<ProblemRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, subject, severity, team, title, why, money_minor, currency, waits, actions, opened_at, owner,
                owner_name, owner_since
         FROM problem WHERE closed_at = 0
         ORDER BY CASE severity WHEN 'now' THEN 0 WHEN 'soon' THEN 1 ELSE 2 END, money_minor DESC, opened_at LIMIT $1",
    )
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading problems"))?;
    rows.iter()
        .map(|row| {
            Ok(ProblemRow {
                id: row.try_get(0)?,
                kind: row.try_get(1)?,
                subject: row.try_get(2)?,
                severity: row.try_get(3)?,
                team: row.try_get(4)?,
                title: row.try_get(5)?,
                why: row.try_get(6)?,
                money_minor: row.try_get(7)?,
                currency: row.try_get(8)?,
                waits: row.try_get(9)?,
                actions: row.try_get(10)?,
                opened_at: Timestamp(row.try_get(11)?),
                owner: row.try_get(12)?,
                owner_name: row.try_get(13)?,
                owner_since: Timestamp(row.try_get(14)?),
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading problems"))
}

/// How many are open.
pub fn count_open() -> Question<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM problem WHERE closed_at = 0";
    Question::new(Statement::new(SQL, "counting problems"), |rows| first(rows)?.try_get(0))
}

/// Who holds an open problem: `None` when there is no such open problem.
pub async fn owner(tx: &mut Tx, id: &str) -> Result<Option<(String, String)>, StoreError> {
    let row = sqlx::query("SELECT owner, owner_name FROM problem WHERE id = $1 AND closed_at = 0")
        .bind(id)
        .fetch_optional(tx.conn().await?)
        .await
        .map_err(at("reading a problem"))?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose().map_err(at("reading a problem"))
}

/// Sets (or with empty text clears) the owner.
pub async fn set_owner(tx: &mut Tx, id: &str, owner: &str, name: &str, now: Timestamp) -> Result<(), StoreError> {
    let done =
        sqlx::query("UPDATE problem SET owner = $2, owner_name = $3, owner_since = $4 WHERE id = $1 AND closed_at = 0")
            .bind(id)
            .bind(owner)
            .bind(name)
            .bind(if owner.is_empty() { 0 } else { now.micros() })
            .execute(tx.conn().await?)
            .await
            .map_err(at("taking a problem"))?;
    ensure_rows("taking a problem", done.rows_affected(), 1)
}
