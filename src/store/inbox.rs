//! Everything from outside, once: raw deliveries and raw records, unique by (connection, kind, id, version).

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::question::{Question, each, first};
use super::script::{Done, Statement};
use super::{Dialect, Store, StoreError, Tx};
use crate::domain::time::{Span, Timestamp};
use crate::mint::first_id;
use sqlx::Row as _;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A notice of what a sweep has found may still be under way so long; after it, it did not arrive.
pub const NOTICE_COMES_WITHIN: Span = Span::minutes(5);

const KEEPING: &str = "keeping deliveries";

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
    "INSERT INTO inbox (id, connection, kind, external_id, version, way, state, received_at, told)
     SELECT each.value->>0, each.value->>1, each.value->>2, each.value->>3, CAST(each.value->>4 AS BIGINT),
            each.value->>5, each.value->>7, CAST(each.value->>6 AS BIGINT),
            CAST(each.value->>8 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (connection, kind, external_id, version) DO UPDATE SET
        id = excluded.id, way = excluded.way, state = excluded.state, reason = '', received_at = excluded.received_at,
        told = CASE WHEN excluded.told = 1 THEN 1 ELSE inbox.told END
     WHERE inbox.state = 'parked' AND excluded.state = 'done'"
);
const OURS: RowsSql = rows_sql!("SELECT i.id FROM", "CROSS JOIN inbox i WHERE i.id = each.value->>0");
const TELL: RowsSql = rows_sql!(
    "UPDATE inbox SET told = 1 FROM",
    "WHERE inbox.connection = each.value->>0 AND inbox.kind = each.value->>1 AND inbox.external_id = each.value->>2
       AND inbox.version = CAST(each.value->>3 AS BIGINT) AND inbox.told = 0"
);
/// Bodies are bound as they are, one after another in one value, each row saying where its own begins (counted from 1)
/// and how many bytes it has: inside a JSON text each would be escaped, parsed twice and unescaped again.
macro_rules! insert_bodies_sql {
    ($each:literal, $text:literal) => {
        concat!(
            "INSERT INTO inbox_body (inbox, raw) SELECT each.value->>0, ",
            $text,
            " FROM ",
            $each,
            " WHERE true ON CONFLICT (inbox) DO NOTHING"
        )
    };
}
const INSERT_BODIES: RowsSql = RowsSql {
    sqlite: insert_bodies_sql!("jsonb_each($1) AS each", "CAST(substr($2, each.value->>1, each.value->>2) AS TEXT)"),
    postgres: insert_bodies_sql!(
        "jsonb_array_elements(CAST($1 AS JSONB)) AS each(value)",
        "convert_from(substring($2 FROM CAST(each.value->>1 AS INT) FOR CAST(each.value->>2 AS INT)), 'UTF8')"
    ),
};
/// Most bytes of bodies in one statement; one longer body goes alone.
const BODIES_BYTES_MAX: usize = 1024 * 1024;
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

/// The statement that keeps new records, each with whether it can be read. A repeat changes nothing; but one that can
/// be read takes the place of a parked one: that may have been cut short on its way. Its answer is for [`kept`].
pub(crate) fn keep(dialect: Dialect, records: &[(&NewRecord, bool)]) -> Statement {
    // Of several of one change the first that can be read: PostgreSQL refuses to change a row twice in one statement.
    let mut first: HashMap<(&str, &str, &str, i64), (usize, bool)> = HashMap::with_capacity(records.len());
    for (at, (r, readable)) in records.iter().enumerate() {
        let change = (r.connection.as_str(), r.kind.as_str(), r.external_id.as_str(), r.version);
        let chosen = first.entry(change).or_insert((at, *readable));
        if *readable && !chosen.1 {
            *chosen = (at, true);
        }
    }
    let mut chosen: Vec<usize> = first.into_values().map(|(at, _)| at).collect();
    chosen.sort_unstable();
    let mut rows = Rows::new();
    for (r, readable) in chosen.into_iter().filter_map(|at| records.get(at)) {
        rows.push(&[
            Cell::Text(&r.id),
            Cell::Text(&r.connection),
            Cell::Text(&r.kind),
            Cell::Text(&r.external_id),
            Cell::Int(r.version),
            Cell::Text(if r.by_notice { "notice" } else { "sweep" }),
            Cell::Int(r.received_at.micros()),
            Cell::Text(if *readable { "done" } else { "parked" }),
            Cell::Int(i64::from(r.by_notice)),
        ]);
    }
    Statement::new(INSERT.text(dialect), KEEPING).text(rows.into_json())
}

/// Which of the records were not known yet; their bodies are kept with them.
pub(crate) async fn kept(tx: &mut Tx, records: &[&NewRecord], answer: &Done) -> Result<Fresh, StoreError> {
    let fresh = match usize::try_from(answer.changed) {
        Ok(all) if all == records.len() => Fresh::All,
        Ok(0) => Fresh::Only(HashSet::new()),
        _ => Fresh::Only(ours(tx, records).await?),
    };
    let bodies: Vec<&NewRecord> = records.iter().copied().filter(|r| fresh.has(&r.id)).collect();
    keep_bodies(tx, &bodies);
    tell(tx, records.iter().copied().filter(|r| r.by_notice && !fresh.has(&r.id)));
    Ok(fresh)
}

/// A notice came for what was known already, or none is to be expected: that nobody told of it is not said of these.
pub fn tell<'a>(tx: &mut Tx, repeats: impl Iterator<Item = &'a NewRecord>) {
    let mut rows = Rows::new();
    for r in repeats {
        rows.push(&[Cell::Text(&r.connection), Cell::Text(&r.kind), Cell::Text(&r.external_id), Cell::Int(r.version)]);
    }
    if !rows.is_empty() {
        tx.later(Statement::new(TELL.text(tx.dialect()), KEEPING).text(rows.into_json()));
    }
}

/// Keeps new records; returns which were not known yet. A repeat changes nothing.
pub async fn insert(tx: &mut Tx, records: &[&NewRecord]) -> Result<Fresh, StoreError> {
    let readable: Vec<(&NewRecord, bool)> = records.iter().map(|r| (*r, true)).collect();
    let answer = tx.ask(vec![keep(tx.dialect(), &readable)]).await?.pop().unwrap_or_default();
    kept(tx, records, &answer).await
}

/// Which of these records stand under the id that we gave them, and not under an older one.
async fn ours(tx: &mut Tx, records: &[&NewRecord]) -> Result<HashSet<String>, StoreError> {
    let question = Statement::new(OURS.text(tx.dialect()), KEEPING).text(keys(records.iter().map(|r| r.id.as_str())));
    let found = tx.rows(question).await?;
    found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(StoreError::at(KEEPING))
}

fn keep_bodies(tx: &mut Tx, records: &[&NewRecord]) {
    let (mut rows, mut bytes) = (Rows::new(), Vec::new());
    for (i, r) in records.iter().enumerate() {
        let raw = storable(&r.raw);
        let count = |n: usize| Cell::Int(i64::try_from(n).unwrap_or(i64::MAX));
        rows.push(&[Cell::Text(&r.id), count(bytes.len() + 1), count(raw.len())]);
        bytes.extend_from_slice(raw.as_bytes());
        let next = records.get(i + 1).map_or(usize::MAX, |next| next.raw.len());
        if next.saturating_add(bytes.len()) > BODIES_BYTES_MAX {
            let (rows, bytes) = (std::mem::take(&mut rows), std::mem::take(&mut bytes));
            let statement = Statement::new(INSERT_BODIES.text(tx.dialect()), "keeping raw bodies");
            tx.later(statement.text(rows.into_json()).bytes(bytes));
        }
    }
}

/// PostgreSQL holds no NUL character.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Sets state ("older", "parked", "done") and reason of records; of several for one record the last counts.
pub fn set_states(tx: &mut Tx, states: &[(String, &'static str, String)]) {
    if states.is_empty() {
        return;
    }
    // One row per record: which of two a database takes for an update is its own choice.
    let last: BTreeMap<&str, (&str, &str)> =
        states.iter().map(|(id, state, reason)| (id.as_str(), (*state, reason.as_str()))).collect();
    let mut rows = Rows::new();
    for (id, (state, reason)) in last {
        rows.push(&[Cell::Text(id), Cell::Text(state), Cell::Text(reason)]);
    }
    tx.later(Statement::new(SET_STATE.text(tx.dialect()), "marking deliveries").text(rows.into_json()));
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
         WHERE i.state = 'parked' AND i.connection = $1 AND i.id > $2
         ORDER BY i.id LIMIT $3",
    )
    .bind(connection)
    .bind(after)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at("reading parked deliveries"))?;
    rows.iter().map(parked_row).collect::<Result<_, _>>().map_err(StoreError::at("reading parked deliveries"))
}

/// Parked records of one connection and kind whose text is kept, before one of them (empty: from the newest), the newest
/// first.
pub async fn parked_before(
    store: &Store,
    connection: &str,
    kind: &str,
    before: &str,
    limit: i64,
) -> Result<Vec<Parked>, StoreError> {
    let rows = sqlx::query(
        "SELECT i.id, i.connection, i.kind, i.external_id, i.version, i.reason, i.received_at, b.raw
         FROM inbox i JOIN inbox_body b ON b.inbox = i.id
         WHERE i.state = 'parked' AND i.connection = $1 AND i.kind = $2 AND ($3 = '' OR i.id < $3)
         ORDER BY i.id DESC LIMIT $4",
    )
    .bind(connection)
    .bind(kind)
    .bind(before)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at("reading parked deliveries"))?;
    rows.iter().map(parked_row).collect::<Result<_, _>>().map_err(StoreError::at("reading parked deliveries"))
}

/// Parked records of one connection (or all), newest first.
pub fn parked(connection: Option<&str>, limit: i64) -> Question<Vec<Parked>> {
    const SQL: &str =
        "SELECT i.id, i.connection, i.kind, i.external_id, i.version, i.reason, i.received_at, COALESCE(b.raw, '')
         FROM inbox i LEFT JOIN inbox_body b ON b.inbox = i.id
         WHERE i.state = 'parked' AND ($1 = '' OR i.connection = $1) ORDER BY i.received_at DESC LIMIT $2";
    let statement = Statement::new(SQL, "reading parked deliveries").text(connection.unwrap_or("")).int(limit);
    Question::new(statement, |rows| each(rows, parked_row))
}

/// How many records are parked.
pub fn parked_count() -> Question<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM inbox WHERE state = 'parked'";
    Question::new(Statement::new(SQL, "counting parked deliveries"), |rows| first(rows)?.try_get(0))
}

/// One record with its body, for the evidence page.
pub async fn get(store: &Store, id: &str) -> Result<Option<(Parked, String, String)>, StoreError> {
    let row = sqlx::query(
        "SELECT i.id, i.connection, i.kind, i.external_id, i.version, i.reason, i.received_at, COALESCE(b.raw, ''),
                i.way, CASE WHEN EXISTS (SELECT 1 FROM inbox_waiting w
                                         WHERE w.connection = i.connection AND w.inbox = i.id)
                            THEN 'waiting' ELSE i.state END
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

/// Raw texts of a kind that are still kept, newest first.
pub async fn kept_of(store: &Store, connection: &str, kind: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT b.raw FROM inbox i JOIN inbox_body b ON b.inbox = i.id
         WHERE i.connection = $1 AND i.kind = $2 ORDER BY i.id DESC LIMIT $3",
    )
    .bind(connection)
    .bind(kind)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at("reading kept deliveries"))?;
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(StoreError::at("reading kept deliveries"))
}

/// Counts what came through the door, per connection and hour.
pub fn count_notices(tx: &mut Tx, connection: &str, at: Timestamp, counts: &[(&'static str, i64)]) {
    for (what, n) in counts {
        if *n == 0 {
            continue;
        }
        tx.later(
            Statement::new(
                "INSERT INTO notice_count (connection, hour, what, n) VALUES ($1, $2, $3, $4)
             ON CONFLICT (connection, hour, what) DO UPDATE SET n = notice_count.n + excluded.n",
                "counting notices",
            )
            .text(connection)
            .int(at.secs() / 3_600)
            .text(*what)
            .int(*n),
        );
    }
}

/// Remembers that `n` notices were refused, counted per reason, so that a flood is one row.
pub fn count_refused(tx: &mut Tx, connection: &str, status: u16, reason: &str, n: i64, at: Timestamp) {
    let statement = Statement::new(
        "INSERT INTO notice_refused (connection, status, reason, first_at, last_at, n) VALUES ($1, $2, $3, $4, $4, $5)
         ON CONFLICT (connection, status, reason)
         DO UPDATE SET n = notice_refused.n + excluded.n, last_at = excluded.last_at",
        "counting refused notices",
    );
    tx.later(statement.text(connection).int(i64::from(status)).text(reason).int(at.micros()).int(n));
    count_notices(tx, connection, at, &[("refused", n)])
}

/// Notices since an hour, summed: (connection, what) → n.
pub fn notice_counts(since: Timestamp) -> Question<Vec<(String, String, i64)>> {
    const SQL: &str =
        "SELECT connection, what, CAST(SUM(n) AS BIGINT) FROM notice_count WHERE hour >= $1 GROUP BY connection, what";
    Question::new(Statement::new(SQL, "reading notice counts").int(since.secs() / 3_600), |rows| {
        each(rows, |row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
    })
}

/// Sales that came to us from `since` up to `until`, each connection's, of which no notice has told: those whose notices
/// carry no signature are not counted, because theirs say nothing that is believed.
pub async fn untold(store: &Store, since: Timestamp, until: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    const STEP: &str = "counting sales without a notice";
    let rows = sqlx::query(
        "SELECT i.connection, COUNT(*) FROM inbox i JOIN connection c ON c.id = i.connection AND c.notice_sealed <> ''
         WHERE i.told = 0 AND i.kind = 'sale' AND i.received_at >= $1 AND i.received_at <= $2 GROUP BY i.connection",
    )
    .bind(since.micros())
    .bind(until.micros())
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at(STEP))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(StoreError::at(STEP))
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

/// Deletes raw bodies older than `before`, at most `limit`; returns how many went. Ids begin with the time, so the
/// oldest are the first.
pub async fn forget_bodies(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let done = tx
        .change(
            Statement::new(
                "DELETE FROM inbox_body WHERE inbox IN
                    (SELECT inbox FROM inbox_body WHERE inbox < $1 ORDER BY inbox LIMIT $2)",
                "forgetting raw bodies",
            )
            .text(first_id(before))
            .int(limit),
        )
        .await?;
    Ok(done)
}

/// Forgets refusals of which there was none since `before`.
pub async fn forget_refused(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let statement = Statement::new("DELETE FROM notice_refused WHERE last_at < $1", "forgetting refused notices");
    tx.change(statement.int(before.micros())).await
}

/// Deletes kept exchanges older than `before`, at most `limit`.
pub async fn forget_exchanges(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let done = tx
        .change(
            Statement::new(
                "DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE id < $1 ORDER BY id LIMIT $2)",
                "forgetting exchanges",
            )
            .text(first_id(before))
            .int(limit),
        )
        .await?;
    Ok(done)
}
