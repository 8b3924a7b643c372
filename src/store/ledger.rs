//! The ledger (append-only movements and readings), the counts derived from it, and the holds.

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::script::{Done, Statement};
use super::{Dialect, Store, StoreError, Tx};
use crate::domain::count::{Between, TillCount};
use crate::domain::ledger::{Booked, Movement};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::{HashMap, HashSet};

/// A product at an outlet.
pub type Shelf = (String, String);

/// A movement with the document it comes from.
#[derive(Debug, Clone)]
pub struct NewMovement {
    /// Document.
    pub document: String,
    /// The vendor's order of the document's version.
    pub version: i64,
    /// The movement.
    pub movement: Movement,
    /// The vendor's clock.
    pub happened_at: Timestamp,
    /// The inbox row that brought it.
    pub inbox: String,
}

/// A reading to be kept.
#[derive(Debug, Clone)]
pub struct NewReading {
    /// Product.
    pub product: String,
    /// Outlet.
    pub outlet: String,
    /// The vendor's order.
    pub version: i64,
    /// Thousandths of a unit.
    pub on_hand_milli: i64,
    /// The inbox row that brought it.
    pub inbox: String,
}

/// A hold to be set; `units` 0 releases it.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Document.
    pub document: String,
    /// Line.
    pub line: String,
    /// Product.
    pub product: String,
    /// Outlet.
    pub outlet: String,
    /// Units kept from sale.
    pub units: i64,
    /// Why.
    pub reason: &'static str,
    /// Receipt number.
    pub number: String,
    /// Since when.
    pub since: Timestamp,
}

const BOOKED: RowsSql = rows_sql!(
    "SELECT m.document, m.line, m.product, m.outlet, CAST(SUM(m.units) AS BIGINT) FROM",
    "CROSS JOIN movement m WHERE m.connection = $2 AND m.document = each.value->>0
     GROUP BY m.document, m.line, m.product, m.outlet"
);
const APPEND: RowsSql = rows_sql!(
    "INSERT INTO movement (connection, document, line, version, product, outlet, units, cause, happened_at, known_at,
                           inbox)
     SELECT $2, each.value->>0, each.value->>1, CAST(each.value->>2 AS BIGINT), each.value->>3, each.value->>4,
            CAST(each.value->>5 AS BIGINT), each.value->>6, CAST(each.value->>7 AS BIGINT), $3, each.value->>8 FROM",
    ""
);
const COUNTS: RowsSql = rows_sql!(
    "SELECT c.product, c.outlet, c.known, c.on_hand_milli, c.version, c.as_of, c.after_units, c.pending, c.base,
            c.risen, c.pending_since, c.pending_old, c.risen_old, c.young_since,
            CAST(CASE WHEN EXISTS (SELECT 1 FROM movement m
                                   WHERE m.connection = c.connection AND m.product = c.product
                                     AND m.outlet = c.outlet AND m.version > c.as_of AND m.cause <> 'unexplained')
                      THEN 1 ELSE 0 END AS BIGINT) FROM",
    "CROSS JOIN till_count c
     WHERE c.connection = $2 AND c.product = each.value->>0 AND c.outlet = each.value->>1"
);
const SAVE_COUNTS: RowsSql = rows_sql!(
    "INSERT INTO till_count (connection, product, outlet, known, on_hand_milli, units, version, as_of, after_units,
                             pending, base, risen, pending_since, pending_old, risen_old, young_since,
                             read_at)
     SELECT $2, each.value->>0, each.value->>1, CAST(each.value->>2 AS BIGINT), CAST(each.value->>3 AS BIGINT),
            CAST(each.value->>4 AS BIGINT), CAST(each.value->>5 AS BIGINT), CAST(each.value->>6 AS BIGINT),
            CAST(each.value->>7 AS BIGINT), CAST(each.value->>8 AS BIGINT), CAST(each.value->>9 AS BIGINT),
            CAST(each.value->>10 AS BIGINT), CAST(each.value->>11 AS BIGINT), CAST(each.value->>12 AS BIGINT),
            CAST(each.value->>13 AS BIGINT), CAST(each.value->>14 AS BIGINT), $3 FROM",
    "WHERE true ON CONFLICT (connection, product, outlet) DO UPDATE SET
        known = excluded.known, on_hand_milli = excluded.on_hand_milli, units = excluded.units,
        version = excluded.version, as_of = excluded.as_of, after_units = excluded.after_units,
        pending = excluded.pending, base = excluded.base, risen = excluded.risen, pending_since = excluded.pending_since,
        pending_old = excluded.pending_old, risen_old = excluded.risen_old, young_since = excluded.young_since,
        read_at = excluded.read_at"
);
const INSIDE: RowsSql = rows_sql!(
    "SELECT each.value->>0, each.value->>1, CAST(each.value->>3 AS BIGINT), CAST(SUM(m.units) AS BIGINT),
            CAST(SUM(CASE WHEN m.units > 0 THEN m.units ELSE 0 END) AS BIGINT) FROM",
    "CROSS JOIN movement m
     WHERE m.connection = $2 AND m.product = each.value->>0 AND m.outlet = each.value->>1
       AND m.version > CAST(each.value->>2 AS BIGINT) AND m.version <= CAST(each.value->>3 AS BIGINT)
       AND m.cause <> 'unexplained'
     GROUP BY each.value->>0, each.value->>1, each.value->>3"
);
const READINGS: RowsSql = rows_sql!(
    "INSERT INTO reading (connection, product, outlet, version, on_hand_milli, known_at, inbox)
     SELECT $2, each.value->>0, each.value->>1, CAST(each.value->>2 AS BIGINT), CAST(each.value->>3 AS BIGINT), $3,
            each.value->>4 FROM",
    "WHERE true ON CONFLICT (connection, product, outlet, version) DO NOTHING"
);
const READING_RECORDS: RowsSql = rows_sql!(
    "SELECT r.product, r.outlet, r.inbox FROM",
    "CROSS JOIN reading r WHERE r.connection = $2 AND r.product = each.value->>0 AND r.outlet = each.value->>1
       AND r.version = CAST(each.value->>2 AS BIGINT)"
);
const HOLDS: RowsSql = rows_sql!(
    "INSERT INTO hold (connection, document, line, product, outlet, units, reason, number, since, released_at)
     SELECT $2, each.value->>0, each.value->>1, each.value->>2, each.value->>3, CAST(each.value->>4 AS BIGINT),
            each.value->>5, each.value->>6, CAST(each.value->>7 AS BIGINT), CAST(each.value->>8 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (connection, document, line) DO UPDATE SET
        product = excluded.product, outlet = excluded.outlet, units = excluded.units, reason = excluded.reason, released_at = excluded.released_at"
);
const HELD_LINES: RowsSql = rows_sql!(
    "SELECT h.document, h.line, h.product, h.outlet, h.units, h.number, h.since FROM",
    "CROSS JOIN hold h WHERE h.connection = $2 AND h.document = each.value->>0 AND h.released_at = 0"
);
const HOLDS_WAITING_FOR: RowsSql = rows_sql!(
    "SELECT h.document, h.line, h.product, h.outlet, h.units, h.number, h.since, s.return_for FROM",
    "CROSS JOIN sale s CROSS JOIN hold h
     WHERE s.connection = $2 AND s.return_for = each.value->>0 AND s.return_for <> ''
       AND h.connection = s.connection AND h.document = s.document
       AND h.released_at = 0 AND h.reason = 'sale unknown'"
);

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// What has been booked for these documents, by line.
pub async fn booked(
    tx: &mut Tx,
    connection: &str,
    documents: &[&str],
) -> Result<HashMap<String, Vec<Booked>>, StoreError> {
    let rows = sqlx::query(BOOKED.text(tx.dialect()))
        .bind(keys(documents.iter().copied()))
        .bind(connection)
        .fetch_all(tx.conn().await?)
        .await
        .map_err(at("reading the ledger"))?;
    let mut out: HashMap<String, Vec<Booked>> = HashMap::new();
    for row in &rows {
        let read = || -> Result<(String, Booked), sqlx::Error> {
            Ok((
                row.try_get(0)?,
                Booked {
                    line: row.try_get::<String, _>(1)?.into(),
                    product: row.try_get::<String, _>(2)?.into(),
                    outlet: row.try_get::<String, _>(3)?.into(),
                    units: row.try_get(4)?,
                },
            ))
        };
        let (document, booked) = read().map_err(at("reading the ledger"))?;
        out.entry(document).or_default().push(booked);
    }
    Ok(out)
}

/// Appends movements. A source line that is already booked at this version is an error: the caller decides from
/// what is booked, so a repeat never gets here.
pub fn append(tx: &mut Tx, connection: &str, movements: &[NewMovement], known_at: Timestamp) {
    if movements.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for m in movements {
        rows.push(&[
            Cell::Text(&m.document),
            Cell::Text(m.movement.line.as_str()),
            Cell::Int(m.version),
            Cell::Text(m.movement.product.as_str()),
            Cell::Text(m.movement.outlet.as_str()),
            Cell::Int(m.movement.units),
            Cell::Text(m.movement.cause.word()),
            Cell::Int(m.happened_at.micros()),
            Cell::Text(&m.inbox),
        ]);
    }
    let wanted = rows.len() as u64;
    let statement = Statement::new(APPEND.text(tx.dialect()), "appending to the ledger").text(rows.into_json());
    tx.later(statement.text(connection).int(known_at.micros()).must_change(wanted));
}

/// The question for the counts of these shelves; its answer is for [`counts_from`].
pub(crate) fn ask_counts<'a>(
    dialect: Dialect,
    connection: &str,
    shelves: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Statement {
    let mut rows = Rows::new();
    for (product, outlet) in shelves {
        rows.push(&[Cell::Text(product), Cell::Text(outlet)]);
    }
    Statement::new(COUNTS.text(dialect), "reading counts").text(rows.into_json()).text(connection)
}

/// The counts of these shelves; a shelf without a row is not in the map.
pub async fn counts(tx: &mut Tx, connection: &str, shelves: &[Shelf]) -> Result<HashMap<Shelf, TillCount>, StoreError> {
    let question = ask_counts(tx.dialect(), connection, shelves.iter().map(|(p, o)| (p.as_str(), o.as_str())));
    counts_from(&tx.ask(vec![question]).await?.pop().unwrap_or_default())
}

/// The counts of the shelves asked for; a shelf without a row is not in the map.
pub(crate) fn counts_from(answer: &Done) -> Result<HashMap<Shelf, TillCount>, StoreError> {
    answer.rows.iter().map(count_row).collect::<Result<_, _>>().map_err(at("reading counts"))
}

fn count_row(row: &sqlx::any::AnyRow) -> Result<(Shelf, TillCount), sqlx::Error> {
    Ok((
        (row.try_get(0)?, row.try_get(1)?),
        TillCount {
            known: row.try_get::<i64, _>(2)? != 0,
            on_hand_milli: row.try_get(3)?,
            version: row.try_get(4)?,
            as_of: row.try_get(5)?,
            after: row.try_get(6)?,
            pending: row.try_get(7)?,
            base: row.try_get(8)?,
            risen: row.try_get(9)?,
            pending_since: Timestamp(row.try_get(10)?),
            pending_old: row.try_get(11)?,
            risen_old: row.try_get(12)?,
            young_since: Timestamp(row.try_get(13)?),
            apart: row.try_get::<i64, _>(14)? != 0,
        },
    ))
}

/// The question for shelves of which a newer reading lies parked because it cannot be read: that the last one still
/// stands is not known of them. Its answer is for [`doubtful_from`].
pub(crate) fn ask_doubtful(connection: &str) -> Statement {
    // Asked with every batch, so it must begin with the few parked ones: what would lead elsewhere is put into
    // expressions, and the joins keep their order.
    let sql = "SELECT DISTINCT r.product, r.outlet
               FROM inbox p
               CROSS JOIN inbox q
               CROSS JOIN reading r
               WHERE p.state = 'parked' AND p.received_at > 0
                 AND p.connection || '' = $1 AND p.kind || '' = 'inventory'
                 AND q.connection = p.connection AND q.kind = p.kind AND q.external_id = p.external_id
                 AND q.version < p.version AND r.inbox = q.id
                 AND NOT EXISTS (SELECT 1 FROM inbox n CROSS JOIN reading m
                                 WHERE n.connection = p.connection AND n.kind = p.kind
                                   AND n.external_id = p.external_id AND n.version > p.version AND m.inbox = n.id)";
    Statement::new(sql, "looking for unreadable counts").text(connection)
}

/// Shelves of which a newer reading lies parked because it cannot be read.
pub async fn doubtful(tx: &mut Tx, connection: &str) -> Result<HashSet<Shelf>, StoreError> {
    doubtful_from(&tx.ask(vec![ask_doubtful(connection)]).await?.pop().unwrap_or_default())
}

/// The shelves asked for.
pub(crate) fn doubtful_from(answer: &Done) -> Result<HashSet<Shelf>, StoreError> {
    let read = |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
    answer.rows.iter().map(read).collect::<Result<_, _>>().map_err(at("looking for unreadable counts"))
}

/// The counts of a connection that have something open: movements after the reading, or a change to explain.
pub async fn open_counts(tx: &mut Tx, connection: &str) -> Result<Vec<(Shelf, TillCount)>, StoreError> {
    let found = sqlx::query(
        "SELECT product, outlet, known, on_hand_milli, version, as_of, after_units, pending, base, risen,
                pending_since, pending_old, risen_old, young_since, CAST(CASE WHEN after_units <> 0 THEN 1 ELSE 0 END AS BIGINT)
         FROM till_count WHERE connection = $1 AND (after_units <> 0 OR pending <> 0 OR risen <> 0)",
    )
    .bind(connection)
    .fetch_all(tx.conn().await?)
    .await
    .map_err(at("reading open counts"))?;
    found.iter().map(count_row).collect::<Result<_, _>>().map_err(at("reading open counts"))
}

/// Shelves to which goods came back after their reading, as we have known since `since` at the earliest.
pub async fn rising(tx: &mut Tx, connection: &str, since: Timestamp) -> Result<HashSet<Shelf>, StoreError> {
    let found = sqlx::query(
        "SELECT c.product, c.outlet FROM till_count c
         WHERE c.connection = $1 AND (c.after_units <> 0 OR c.pending <> 0 OR c.risen <> 0)
           AND EXISTS (SELECT 1 FROM movement m
                       WHERE m.connection = c.connection AND m.product = c.product AND m.outlet = c.outlet
                         AND m.version > c.as_of AND m.units > 0 AND m.known_at > $2 AND m.cause <> 'unexplained')",
    )
    .bind(connection)
    .bind(since.micros())
    .fetch_all(tx.conn().await?)
    .await
    .map_err(at("looking for goods that came back"))?;
    let read = |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
    found.iter().map(read).collect::<Result<_, _>>().map_err(at("looking for goods that came back"))
}

/// Stores counts.
pub fn save_counts(tx: &mut Tx, connection: &str, counts: &[(Shelf, TillCount)], now: Timestamp) {
    let mut rows = Rows::new();
    for ((product, outlet), c) in counts {
        rows.push(&[
            Cell::Text(product),
            Cell::Text(outlet),
            Cell::Int(i64::from(c.known)),
            Cell::Int(c.on_hand_milli),
            Cell::Int(c.reading_units()),
            Cell::Int(c.version),
            Cell::Int(c.as_of),
            Cell::Int(c.after),
            Cell::Int(c.pending),
            Cell::Int(c.base),
            Cell::Int(c.risen),
            Cell::Int(c.pending_since.micros()),
            Cell::Int(c.pending_old),
            Cell::Int(c.risen_old),
            Cell::Int(c.young_since.micros()),
        ]);
    }
    if rows.is_empty() {
        return;
    }
    tx.later(
        Statement::new(SAVE_COUNTS.text(tx.dialect()), "storing counts")
            .text(rows.into_json())
            .text(connection)
            .int(now.micros()),
    );
}

/// For each (product, outlet, from, to): the movements ordered after `from` and not after `to`, by shelf and `to`.
pub async fn inside(
    tx: &mut Tx,
    connection: &str,
    ranges: &[(Shelf, i64, i64)],
) -> Result<HashMap<(Shelf, i64), Between>, StoreError> {
    if ranges.is_empty() {
        return Ok(HashMap::new());
    }
    let mut rows = Rows::new();
    for ((product, outlet), from, to) in ranges {
        rows.push(&[Cell::Text(product), Cell::Text(outlet), Cell::Int(*from), Cell::Int(*to)]);
    }
    let found = sqlx::query(INSIDE.text(tx.dialect()))
        .bind(rows.into_json())
        .bind(connection)
        .fetch_all(tx.conn().await?)
        .await
        .map_err(at("summing movements"))?;
    found
        .iter()
        .map(|row| {
            let between = Between { units: row.try_get(3)?, rises: row.try_get(4)? };
            Ok((((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?), between))
        })
        .collect::<Result<_, _>>()
        .map_err(at("summing movements"))
}

/// Keeps readings.
pub fn keep_readings(tx: &mut Tx, connection: &str, readings: &[NewReading], known_at: Timestamp) {
    if readings.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for r in readings {
        rows.push(&[
            Cell::Text(&r.product),
            Cell::Text(&r.outlet),
            Cell::Int(r.version),
            Cell::Int(r.on_hand_milli),
            Cell::Text(&r.inbox),
        ]);
    }
    tx.later(
        Statement::new(READINGS.text(tx.dialect()), "keeping readings")
            .text(rows.into_json())
            .text(connection)
            .int(known_at.micros()),
    );
}

/// The inbox rows that brought these readings (shelf, version).
pub async fn reading_records(
    tx: &mut Tx,
    connection: &str,
    readings: &[(Shelf, i64)],
) -> Result<HashMap<Shelf, String>, StoreError> {
    if readings.is_empty() {
        return Ok(HashMap::new());
    }
    let mut rows = Rows::new();
    for ((product, outlet), version) in readings {
        rows.push(&[Cell::Text(product), Cell::Text(outlet), Cell::Int(*version)]);
    }
    let statement = Statement::new(READING_RECORDS.text(tx.dialect()), "finding readings");
    let found = tx.rows(statement.text(rows.into_json()).text(connection)).await?;
    let read = |row: &sqlx::any::AnyRow| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?));
    found.iter().map(read).collect::<Result<_, _>>().map_err(at("finding readings"))
}

/// Sets or releases holds.
pub fn set_holds(tx: &mut Tx, connection: &str, holds: &[NewHold], now: Timestamp) {
    if holds.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for h in holds {
        rows.push(&[
            Cell::Text(&h.document),
            Cell::Text(&h.line),
            Cell::Text(&h.product),
            Cell::Text(&h.outlet),
            Cell::Int(h.units),
            Cell::Text(h.reason),
            Cell::Text(&h.number),
            Cell::Int(h.since.micros()),
            Cell::Int(if h.units == 0 { now.micros() } else { 0 }),
        ]);
    }
    tx.later(Statement::new(HOLDS.text(tx.dialect()), "setting holds").text(rows.into_json()).text(connection));
}

fn hold_row(row: &sqlx::any::AnyRow) -> Result<NewHold, sqlx::Error> {
    Ok(NewHold {
        document: row.try_get(0)?,
        line: row.try_get(1)?,
        product: row.try_get(2)?,
        outlet: row.try_get(3)?,
        units: row.try_get(4)?,
        reason: "",
        number: row.try_get(5)?,
        since: Timestamp(row.try_get(6)?),
    })
}

/// Open holds of these documents.
pub async fn held_lines(tx: &mut Tx, connection: &str, documents: &[&str]) -> Result<Vec<NewHold>, StoreError> {
    let rows = sqlx::query(HELD_LINES.text(tx.dialect()))
        .bind(keys(documents.iter().copied()))
        .bind(connection)
        .fetch_all(tx.conn().await?)
        .await
        .map_err(at("reading holds"))?;
    rows.iter().map(hold_row).collect::<Result<_, _>>().map_err(at("reading holds"))
}

/// The question for open holds whose reason is that one of these sales was not known; its answer is for
/// [`holds_waiting_for_from`].
pub(crate) fn ask_holds_waiting_for<'a>(
    dialect: Dialect,
    connection: &str,
    sales: impl IntoIterator<Item = &'a str>,
) -> Statement {
    Statement::new(HOLDS_WAITING_FOR.text(dialect), "reading holds").text(keys(sales)).text(connection)
}

/// Open holds whose reason is that one of these sales was not known: with the sale each waits for.
pub async fn holds_waiting_for(
    tx: &mut Tx,
    connection: &str,
    sales: &[&str],
) -> Result<Vec<(NewHold, String)>, StoreError> {
    let question = ask_holds_waiting_for(tx.dialect(), connection, sales.iter().copied());
    holds_waiting_for_from(&tx.ask(vec![question]).await?.pop().unwrap_or_default())
}

/// The holds asked for, with the sale that each waits for.
pub(crate) fn holds_waiting_for_from(answer: &Done) -> Result<Vec<(NewHold, String)>, StoreError> {
    let read = |row| Ok((hold_row(row)?, row.try_get(7)?));
    answer.rows.iter().map(read).collect::<Result<_, _>>().map_err(at("reading holds"))
}

/// The sales that open holds wait for because we do not know them: to be looked up again after a start.
pub async fn sales_waited_for(store: &Store, connection: &str) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT s.return_for FROM hold h JOIN sale s ON s.connection = h.connection AND s.document = h.document
         WHERE h.connection = $1 AND h.released_at = 0 AND h.reason = 'sale unknown' AND s.return_for <> ''
         ORDER BY s.return_for LIMIT 10000",
    )
    .bind(connection)
    .fetch_all(store.read())
    .await
    .map_err(at("reading what holds wait for"))?;
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(at("reading what holds wait for"))
}

/// Every ledger line of a connection as (document, line, product, outlet, units summed over versions): for audits
/// and rebuilds. "Unexplained" lines are left out.
pub async fn all_booked(
    store: &Store,
    connection: &str,
) -> Result<Vec<(String, String, String, String, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT document, line, product, outlet, CAST(SUM(units) AS BIGINT) FROM movement
         WHERE connection = $1 AND cause <> 'unexplained' GROUP BY document, line, product, outlet",
    )
    .bind(connection)
    .fetch_all(store.read())
    .await
    .map_err(at("reading the ledger"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading the ledger"))
}

/// Shelves whose stored `after_units` differs from what the ledger recomputes to, and targets (variant, place) whose
/// stored terms differ from their books; empty when all is sound.
pub async fn unsound(store: &Store, connection: &str) -> Result<Vec<Shelf>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.product, c.outlet FROM till_count c
         WHERE c.connection = $1 AND c.after_units <> COALESCE((
             SELECT CAST(SUM(m.units) AS BIGINT) FROM movement m
             WHERE m.connection = c.connection AND m.product = c.product AND m.outlet = c.outlet
               AND m.cause <> 'unexplained'
               AND (c.known = 0 OR m.version > c.as_of)), 0)",
    )
    .bind(connection)
    .fetch_all(store.read())
    .await
    .map_err(at("checking the ledger"))?;
    let mut wrong: Vec<Shelf> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("checking the ledger"))?;
    let sums = sqlx::query(
        "SELECT t.variant, t.place FROM target t
         WHERE t.till <> COALESCE((
                   SELECT CAST(SUM(c.units + c.after_units) AS BIGINT) FROM listing l
                   JOIN till_count c ON c.connection = l.connection AND c.product = l.product AND c.known = 1
                   JOIN outlet o ON o.connection = c.connection AND o.outlet = c.outlet AND o.place = t.place
                                 AND o.archived = 0
                   WHERE l.variant = t.variant), 0)
            OR t.hold <> COALESCE((
                   SELECT CAST(SUM(h.units) AS BIGINT) FROM listing l
                   JOIN hold h ON h.connection = l.connection AND h.product = l.product AND h.released_at = 0
                   JOIN outlet o ON o.connection = h.connection AND o.outlet = h.outlet AND o.place = t.place
                                 AND o.archived = 0
                   WHERE l.variant = t.variant), 0)
            OR t.waiting <> COALESCE((
                   SELECT w.units FROM waiting w WHERE w.connection = t.connection AND w.product = t.product
                     AND w.warehouse = t.warehouse), 0)",
    )
    .fetch_all(store.read())
    .await
    .map_err(at("checking the sums"))?;
    for row in &sums {
        wrong
            .push((row.try_get(0).map_err(at("checking the sums"))?, row.try_get(1).map_err(at("checking the sums"))?));
    }
    Ok(wrong)
}

/// The highest version of the vendor's that stands anywhere in our books of a connection. Read once at the start:
/// what was known before a restart must not be forgotten, or the next mark would claim less than is known.
pub async fn highest_version(store: &Store, connection: &str) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COALESCE((SELECT MAX(version) FROM sale WHERE connection = $1), 0),
                COALESCE((SELECT MAX(version) FROM till_count WHERE connection = $1), 0),
                COALESCE((SELECT MAX(version) FROM listing WHERE connection = $1), 0)",
    )
    .bind(connection)
    .fetch_one(store.read())
    .await
    .map_err(at("reading the highest version"))?;
    let mut highest = 0;
    for column in 0..3 {
        highest = highest.max(row.try_get::<i64, _>(column).map_err(at("reading the highest version"))?);
    }
    Ok(highest)
}
