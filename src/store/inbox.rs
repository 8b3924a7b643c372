//! Everything from outside, once: raw deliveries and raw records, unique by (connection, kind, id, version).

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::{Store, StoreError, Tx};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::{BTreeMap, HashSet};

/// A delivery or record to be kept.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// Our id, minted by the caller.
    pub id: String,
    /// Connection it belongs to.
    pub connection: String,
    /// "sale", "product", "inventory", "order" …
    pub kind: String,
    /// The vendor's id.
    pub external_id: String,
    /// The vendor's order of changes.
    pub version: i64,
    /// Whether a notice brought it (else a sweep did).
    pub by_notice: bool,
    /// The raw JSON text.
    pub raw: String,
    /// When it reached us.
    pub received_at: Timestamp,
}

/// A parked record, to be tried again.
#[derive(Debug, Clone)]
pub struct Parked {
    /// Our id.
    pub id: String,
    /// Connection.
    pub connection: String,
    /// Kind.
    pub kind: String,
    /// The vendor's id.
    pub external_id: String,
    /// Version.
    pub version: i64,
    /// Why it is parked.
    pub reason: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The raw text, if it is still kept.
    pub raw: String,
}

const INSERT: RowsSql = rows_sql!(
    "INSERT INTO inbox (id, connection, kind, external_id, version, way, state, received_at)
     SELECT each.value->>0, each.value->>1, each.value->>2, each.value->>3, CAST(each.value->>4 AS BIGINT),
            each.value->>5, 'done', CAST(each.value->>6 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (connection, kind, external_id, version) DO NOTHING"
);
const OURS: RowsSql = rows_sql!("SELECT i.id FROM", "CROSS JOIN inbox i WHERE i.id = each.value->>0");
/// Bodies are bound as they are: inside a JSON text each would be escaped, parsed twice and unescaped again. So many
/// rows per statement, the largest first; few texts, so that each is prepared once.
const INSERT_BODIES: [(usize, &str); 3] = [
    (
        16,
        "INSERT INTO inbox_body (inbox, raw, received_at) VALUES
         ($1, $2, $3), ($4, $5, $6), ($7, $8, $9), ($10, $11, $12), ($13, $14, $15), ($16, $17, $18),
         ($19, $20, $21), ($22, $23, $24), ($25, $26, $27), ($28, $29, $30), ($31, $32, $33), ($34, $35, $36),
         ($37, $38, $39), ($40, $41, $42), ($43, $44, $45), ($46, $47, $48) ON CONFLICT (inbox) DO NOTHING",
    ),
    (
        4,
        "INSERT INTO inbox_body (inbox, raw, received_at) VALUES
         ($1, $2, $3), ($4, $5, $6), ($7, $8, $9), ($10, $11, $12) ON CONFLICT (inbox) DO NOTHING",
    ),
    (1, "INSERT INTO inbox_body (inbox, raw, received_at) VALUES ($1, $2, $3) ON CONFLICT (inbox) DO NOTHING"),
];
const SET_STATE: RowsSql = rows_sql!(
    "UPDATE inbox SET state = each.value->>1, reason = each.value->>2 FROM",
    "WHERE inbox.id = each.value->>0"
);

/// Which of some records were not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fresh {
    /// All of them: the usual case, for which no id has to be read back.
    All,
    /// Those with these ids of ours.
    Only(HashSet<String>),
}

impl Fresh {
    /// Whether the record with this id of ours is one of them.
    pub fn has(&self, id: &str) -> bool {
        match self {
            Fresh::All => true,
            Fresh::Only(ids) => ids.contains(id),
        }
    }
}

/// Keeps new records; returns which were not known yet. A repeat changes nothing.
pub async fn insert(tx: &mut Tx, records: &[&NewRecord]) -> Result<Fresh, StoreError> {
    let mut rows = Rows::new();
    for r in records {
        rows.push(&[
            Cell::Text(&r.id),
            Cell::Text(&r.connection),
            Cell::Text(&r.kind),
            Cell::Text(&r.external_id),
            Cell::Int(r.version),
            Cell::Text(if r.by_notice { "notice" } else { "sweep" }),
            Cell::Int(r.received_at.micros()),
        ]);
    }
    if rows.is_empty() {
        return Ok(Fresh::All);
    }
    let inserted = sqlx::query(INSERT.text(tx.dialect()))
        .bind(rows.into_json())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keeping deliveries"))?;
    let fresh = match usize::try_from(inserted.rows_affected()) {
        Ok(all) if all == records.len() => Fresh::All,
        _ => Fresh::Only(ours(tx, records).await?),
    };
    let bodies: Vec<&NewRecord> = records.iter().copied().filter(|r| fresh.has(&r.id)).collect();
    keep_bodies(tx, &bodies).await?;
    Ok(fresh)
}

/// Which of these records stand under the id that we gave them, and not under an older one.
async fn ours(tx: &mut Tx, records: &[&NewRecord]) -> Result<HashSet<String>, StoreError> {
    let found = sqlx::query(OURS.text(tx.dialect()))
        .bind(keys(records.iter().map(|r| r.id.as_str())))
        .fetch_all(tx.conn())
        .await
        .map_err(StoreError::at("keeping deliveries"))?;
    found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(StoreError::at("keeping deliveries"))
}

async fn keep_bodies(tx: &mut Tx, records: &[&NewRecord]) -> Result<(), StoreError> {
    let mut rest = records;
    for (size, sql) in INSERT_BODIES {
        while let Some((some, others)) = rest.split_at_checked(size) {
            let mut query = sqlx::query(sql);
            for r in some {
                query = query.bind(&r.id).bind(storable(&r.raw)).bind(r.received_at.micros());
            }
            query.execute(tx.conn()).await.map_err(StoreError::at("keeping raw bodies"))?;
            rest = others;
        }
    }
    Ok(())
}

/// PostgreSQL holds no NUL character.
fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// Sets state ("older", "parked", "done") and reason of records; of several for one record the last counts.
pub async fn set_states(tx: &mut Tx, states: &[(String, &'static str, String)]) -> Result<(), StoreError> {
    if states.is_empty() {
        return Ok(());
    }
    // One row per record: which of two a database takes for an update is its own choice.
    let last: BTreeMap<&str, (&str, &str)> =
        states.iter().map(|(id, state, reason)| (id.as_str(), (*state, reason.as_str()))).collect();
    let mut rows = Rows::new();
    for (id, (state, reason)) in last {
        rows.push(&[Cell::Text(id), Cell::Text(state), Cell::Text(reason)]);
    }
    sqlx::query(SET_STATE.text(tx.dialect()))
        .bind(rows.into_json())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("marking deliveries"))?;
    Ok(())
}

fn parked_row(row: &sqlx::any::AnyRow) -> Result<Parked, sqlx::Error> {
    Ok(Parked {
        id: row.try_get(0)?,
        connection: row.try_get(1)?,
        kind: row.try_get(2)?,
        external_id: row.try_get(3)?,
        version: row.try_get(4)?,
        reason: row.try_get(5)?,
        received_at: Timestamp(row.try_get(6)?),
        raw: row.try_get(7)?,
    })
}

/// Parked records of one connection after one of them (empty: from the first), in the order in which they came.
pub async fn parked_after(store: &Store, connection: &str, after: &str, limit: i64) -> Result<Vec<Parked>, StoreError> {
    let rows = sqlx::query(
        "SELECT i.id, i.connection, i.kind, i.external_id, i.version, i.reason, i.received_at, COALESCE(b.raw, '')
         FROM inbox i LEFT JOIN inbox_body b ON b.inbox = i.id
         WHERE i.state = 'parked' AND i.connection = $1 AND i.id > $2 ORDER BY i.id LIMIT $3",
    )
    .bind(connection)
    .bind(after)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at("reading parked deliveries"))?;
    rows.iter().map(parked_row).collect::<Result<_, _>>().map_err(StoreError::at("reading parked deliveries"))
}

/// Parked records of one connection (or all), newest first.
pub async fn parked(store: &Store, connection: Option<&str>, limit: i64) -> Result<Vec<Parked>, StoreError> {
    let rows = sqlx::query(
        "SELECT i.id, i.connection, i.kind, i.external_id, i.version, i.reason, i.received_at, COALESCE(b.raw, '')
         FROM inbox i LEFT JOIN inbox_body b ON b.inbox = i.id
         WHERE i.state = 'parked' AND ($1 = '' OR i.connection = $1) ORDER BY i.received_at DESC LIMIT $2",
    )
    .bind(connection.unwrap_or(""))
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at("reading parked deliveries"))?;
    rows.iter().map(parked_row).collect::<Result<_, _>>().map_err(StoreError::at("reading parked deliveries"))
}

/// One record with its body, for the evidence page.
pub async fn get(store: &Store, id: &str) -> Result<Option<(Parked, String, String)>, StoreError> {
    let row = sqlx::query(
        "SELECT i.id, i.connection, i.kind, i.external_id, i.version, i.reason, i.received_at, COALESCE(b.raw, ''),
                i.way, i.state
         FROM inbox i LEFT JOIN inbox_body b ON b.inbox = i.id WHERE i.id = $1",
    )
    .bind(id)
    .fetch_optional(store.read())
    .await
    .map_err(StoreError::at("reading a delivery"))?;
    row.map(|row| Ok((parked_row(&row)?, row.try_get(8)?, row.try_get(9)?)))
        .transpose()
        .map_err(StoreError::at("reading a delivery"))
}

/// Counts what came through the door, per connection and hour.
pub async fn count_notices(
    tx: &mut Tx,
    connection: &str,
    at: Timestamp,
    counts: &[(&'static str, i64)],
) -> Result<(), StoreError> {
    for (what, n) in counts {
        if *n == 0 {
            continue;
        }
        sqlx::query(
            "INSERT INTO notice_count (connection, hour, what, n) VALUES ($1, $2, $3, $4)
             ON CONFLICT (connection, hour, what) DO UPDATE SET n = notice_count.n + excluded.n",
        )
        .bind(connection)
        .bind(at.secs() / 3_600)
        .bind(*what)
        .bind(*n)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("counting notices"))?;
    }
    Ok(())
}

/// Remembers that a notice was refused, counted per reason, so that a flood is one row.
pub async fn count_refused(
    tx: &mut Tx,
    connection: &str,
    status: u16,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO notice_refused (connection, status, reason, first_at, last_at, n) VALUES ($1, $2, $3, $4, $4, 1)
         ON CONFLICT (connection, status, reason)
         DO UPDATE SET n = notice_refused.n + 1, last_at = excluded.last_at",
    )
    .bind(connection)
    .bind(i64::from(status))
    .bind(reason)
    .bind(at.micros())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("counting refused notices"))?;
    count_notices(tx, connection, at, &[("refused", 1)]).await
}

/// Notices since an hour, summed: (connection, what) → n.
pub async fn notice_counts(store: &Store, since: Timestamp) -> Result<Vec<(String, String, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT connection, what, CAST(SUM(n) AS BIGINT) FROM notice_count WHERE hour >= $1 GROUP BY connection, what",
    )
    .bind(since.secs() / 3_600)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at("reading notice counts"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, _>>()
        .map_err(StoreError::at("reading notice counts"))
}

/// The newest refused notices: connection, status, reason, last seen, how many.
pub async fn refused(store: &Store, limit: i64) -> Result<Vec<(String, i64, String, Timestamp, i64)>, StoreError> {
    let rows =
        sqlx::query("SELECT connection, status, reason, last_at, n FROM notice_refused ORDER BY last_at DESC LIMIT $1")
            .bind(limit)
            .fetch_all(store.read())
            .await
            .map_err(StoreError::at("reading refused notices"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, Timestamp(row.try_get(3)?), row.try_get(4)?)))
        .collect::<Result<_, _>>()
        .map_err(StoreError::at("reading refused notices"))
}

/// Deletes raw bodies older than `before`, at most `limit`; returns how many went.
pub async fn forget_bodies(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM inbox_body WHERE inbox IN (SELECT inbox FROM inbox_body WHERE received_at < $1 LIMIT $2)",
    )
    .bind(before.micros())
    .bind(limit)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("forgetting raw bodies"))?;
    Ok(done.rows_affected())
}

/// Deletes kept exchanges older than `before`, at most `limit`.
pub async fn forget_exchanges(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE at < $1 LIMIT $2)")
        .bind(before.micros())
        .bind(limit)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forgetting exchanges"))?;
    Ok(done.rows_affected())
}
