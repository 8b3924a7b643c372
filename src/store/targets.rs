//! Targets: per variant and place the sum, its generation, what the shop showed and what it acknowledged.

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::script::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::equation::Terms;
use crate::domain::push::Due;
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// Everything the sum of one variant at one place is made of, with what stands in the target now.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Variant.
    pub variant: String,
    /// Place.
    pub place: String,
    /// Shop connection.
    pub connection: String,
    /// The shop's product.
    pub product: String,
    /// The shop's warehouse.
    pub warehouse: String,
    /// Item name.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Price, for value at stake.
    pub price_fine: i64,
    /// The terms as the books have them now.
    pub terms: Terms,
    /// Whether any outlet of the place has ever been read or sold it.
    pub known: bool,
    /// The target's present numbers, if it exists.
    pub now: Option<Present>,
}

/// What stands in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// Its terms.
    pub terms: Terms,
    /// Should show.
    pub should: i64,
    /// Generation.
    pub generation: i64,
    /// Newest acknowledged generation.
    pub acknowledged: i64,
    /// Oldest waiting change.
    pub cause_at: Timestamp,
    /// Whether the shop was ever read, and what it showed.
    pub web: Option<i64>,
    /// Since when it differs.
    pub differs_since: Timestamp,
}

/// A target to be stored.
#[derive(Debug, Clone)]
pub struct NewTarget {
    /// Its inputs.
    pub inputs: Inputs,
    /// Should show.
    pub should: i64,
    /// Units below zero.
    pub floored: i64,
    /// Generation.
    pub generation: i64,
    /// Oldest waiting change, or zero.
    pub cause_at: Timestamp,
    /// Web shows − should show, 0 while the shop was never read.
    pub difference: i64,
    /// Since when it differs, or zero.
    pub differs_since: Timestamp,
}

const READING_DUE: &str = "reading due targets";
const SHOP_SIDE: RowsSql = rows_sql!(
    "SELECT l.variant, p.id, l.connection, l.product, p.warehouse, p.buffer, v.item, v.sku, COALESCE(w.units, 0),
            COALESCE(t.generation, 0), COALESCE(t.till, 0), COALESCE(t.waiting, 0), COALESCE(t.hold, 0),
            COALESCE(t.buffer, 0), COALESCE(t.checking, 0), COALESCE(t.should, 0), COALESCE(t.acknowledged, 0),
            COALESCE(t.cause_at, 0), COALESCE(t.web_known, 0), COALESCE(t.web_sellable, 0),
            COALESCE(t.differs_since, 0) FROM",
    "CROSS JOIN listing l
     JOIN connection c ON c.id = l.connection AND c.side = 'shop'
     JOIN place p ON p.connection = l.connection AND p.archived = 0
     JOIN variant v ON v.id = l.variant
     LEFT JOIN waiting w ON w.connection = l.connection AND w.product = l.product AND w.warehouse = p.warehouse
     LEFT JOIN target t ON t.variant = l.variant AND t.place = p.id
     WHERE l.variant = each.value->>0"
);
/// What the tills say, and what is held of it (marked 1): one question, because every question is a trip to the
/// writer and back.
macro_rules! till_side_sql {
    ($each:literal) => {
        concat!(
            "SELECT CAST(0 AS BIGINT), l.variant, o.place, CAST(SUM(c.units + c.after_units) AS BIGINT),
                    CAST(SUM(CASE WHEN c.pending > c.risen THEN c.pending ELSE c.risen END) AS BIGINT),
                    MAX(l.price_fine) FROM ",
            $each,
            " CROSS JOIN listing l
             JOIN till_count c ON c.connection = l.connection AND c.product = l.product AND c.known = 1
             JOIN outlet o ON o.connection = c.connection AND o.outlet = c.outlet AND o.place <> '' AND o.archived = 0
             WHERE l.variant = each.value->>0 GROUP BY l.variant, o.place
             UNION ALL
             SELECT CAST(1 AS BIGINT), l.variant, o.place, CAST(SUM(h.units) AS BIGINT), CAST(0 AS BIGINT),
                    CAST(0 AS BIGINT) FROM ",
            $each,
            " CROSS JOIN listing l
             JOIN hold h ON h.connection = l.connection AND h.product = l.product AND h.released_at = 0
             JOIN outlet o ON o.connection = h.connection AND o.outlet = h.outlet AND o.place <> '' AND o.archived = 0
             WHERE l.variant = each.value->>0 GROUP BY l.variant, o.place"
        )
    };
}
const TILL_SIDE: RowsSql = RowsSql {
    sqlite: till_side_sql!("jsonb_each($1) AS each"),
    postgres: till_side_sql!("jsonb_array_elements(CAST($1 AS JSONB)) AS each(value)"),
};
const SAVE: RowsSql = rows_sql!(
    "INSERT INTO target (variant, place, connection, product, warehouse, item, sku, price_fine, till, waiting, hold,
                         buffer, checking, should, floored, generation, cause_at, difference, differs_since,
                         computed_at)
     SELECT each.value->>0, each.value->>1, each.value->>2, each.value->>3, each.value->>4, each.value->>5,
            each.value->>6, CAST(each.value->>7 AS BIGINT), CAST(each.value->>8 AS BIGINT),
            CAST(each.value->>9 AS BIGINT), CAST(each.value->>10 AS BIGINT), CAST(each.value->>11 AS BIGINT),
            CAST(each.value->>12 AS BIGINT), CAST(each.value->>13 AS BIGINT), CAST(each.value->>14 AS BIGINT),
            CAST(each.value->>15 AS BIGINT), CAST(each.value->>16 AS BIGINT), CAST(each.value->>17 AS BIGINT),
            CAST(each.value->>18 AS BIGINT), $2 FROM",
    "WHERE true ON CONFLICT (variant, place) DO UPDATE SET
        connection = excluded.connection, product = excluded.product, warehouse = excluded.warehouse,
        item = excluded.item, sku = excluded.sku, price_fine = excluded.price_fine, till = excluded.till,
        waiting = excluded.waiting, hold = excluded.hold, buffer = excluded.buffer, checking = excluded.checking,
        should = excluded.should, floored = excluded.floored, generation = excluded.generation,
        cause_at = excluded.cause_at, difference = excluded.difference, differs_since = excluded.differs_since,
        computed_at = excluded.computed_at,
        next_at = CASE WHEN excluded.generation > target.generation AND excluded.should < target.should
                       AND target.push_state <> 'throttled' THEN 0 ELSE target.next_at END"
);
const KEEP_WEB_READINGS: RowsSql = rows_sql!(
    "INSERT INTO web_reading (connection, product, warehouse, known_at, physical, allocated, sellable)
     SELECT t.connection, each.value->>0, each.value->>1, $2, CAST(each.value->>2 AS BIGINT),
            CAST(each.value->>3 AS BIGINT), CAST(each.value->>4 AS BIGINT) FROM",
    "CROSS JOIN target t
     WHERE t.connection = each.value->>5 AND t.product = each.value->>0 AND t.warehouse = each.value->>1
       AND (t.web_known = 0 OR t.web_read_at = 0 OR t.web_physical <> CAST(each.value->>2 AS BIGINT)
            OR t.web_allocated <> CAST(each.value->>3 AS BIGINT)
            OR t.web_sellable <> CAST(each.value->>4 AS BIGINT))
       AND t.push_at <= $3
     ON CONFLICT (connection, product, warehouse, known_at) DO NOTHING"
);
// In the two below each row names its connection. With the connection apart, SQLite would take it for a narrow way
// into the table: it would walk all targets of the connection, and all given rows for each of them.
const WEB_READ: RowsSql = rows_sql!(
    "UPDATE target SET web_known = 1, web_physical = CAST(each.value->>2 AS BIGINT),
            web_allocated = CAST(each.value->>3 AS BIGINT), web_sellable = CAST(each.value->>4 AS BIGINT),
            web_read_at = $2, web_fresh = CASE WHEN web_stale_at > $4 AND web_stale_at <= $2 THEN 0 ELSE 1 END,
            difference = CAST(each.value->>4 AS BIGINT) - should,
            differs_since = CASE WHEN CAST(each.value->>4 AS BIGINT) = should THEN 0
                                 WHEN differs_since = 0 THEN $2 ELSE differs_since END
     FROM",
    "WHERE target.connection = each.value->>5 AND target.product = each.value->>0
       AND target.warehouse = each.value->>1 AND target.push_at <= $3"
);
const WEB_STALE: RowsSql = rows_sql!(
    "UPDATE target SET web_fresh = 0, web_stale_at = $2 FROM",
    "WHERE target.connection = each.value->>1 AND target.product = each.value->>0"
);

/// What the sums of these variants are made of.
pub async fn inputs(tx: &mut Tx, variants: &[&str]) -> Result<Vec<Inputs>, StoreError> {
    let dialect = tx.dialect();
    let json = keys(variants.iter().copied());
    let tills = Statement::new(TILL_SIDE.text(dialect), "summing the till side").text(json.as_str());
    let shops = Statement::new(SHOP_SIDE.text(dialect), "reading the shop side").text(json);
    let mut answers = tx.ask(vec![tills, shops]).await?.into_iter();
    let (tills, shops) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
    let mut till: HashMap<(String, String), (i64, i64, i64)> = HashMap::new();
    let mut held: HashMap<(String, String), i64> = HashMap::new();
    for row in &tills.rows {
        let text = |column: usize| row.try_get::<String, _>(column).map_err(at("summing the till side"));
        let number = |column: usize| row.try_get::<i64, _>(column).map_err(at("summing the till side"));
        let key = (text(1)?, text(2)?);
        if number(0)? == 0 {
            till.insert(key, (number(3)?, number(4)?, number(5)?));
        } else {
            held.insert(key, number(3)?);
        }
    }
    shops
        .rows
        .iter()
        .map(|row| {
            let (variant, place): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let key = (variant.clone(), place.clone());
            let (units, checking, price_fine) = till.get(&key).copied().unwrap_or_default();
            let generation: i64 = row.try_get(9)?;
            let now = (generation > 0)
                .then(|| -> Result<Present, sqlx::Error> {
                    Ok(Present {
                        terms: Terms {
                            till: row.try_get(10)?,
                            waiting: row.try_get(11)?,
                            hold: row.try_get(12)?,
                            buffer: row.try_get(13)?,
                            checking: row.try_get(14)?,
                        },
                        should: row.try_get(15)?,
                        generation,
                        acknowledged: row.try_get(16)?,
                        cause_at: Timestamp(row.try_get(17)?),
                        web: if row.try_get::<i64, _>(18)? != 0 { Some(row.try_get(19)?) } else { None },
                        differs_since: Timestamp(row.try_get(20)?),
                    })
                })
                .transpose()?;
            Ok(Inputs {
                connection: row.try_get(2)?,
                product: row.try_get(3)?,
                warehouse: row.try_get(4)?,
                item: row.try_get(6)?,
                sku: row.try_get(7)?,
                price_fine,
                terms: Terms {
                    till: units,
                    waiting: row.try_get(8)?,
                    hold: held.get(&key).copied().unwrap_or(0),
                    buffer: row.try_get(5)?,
                    checking,
                },
                known: till.contains_key(&key),
                now,
                variant,
                place,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading the shop side"))
}

/// Stores targets.
pub fn save(tx: &mut Tx, targets: &[NewTarget], now: Timestamp) {
    if targets.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for t in targets {
        let i = &t.inputs;
        rows.push(&[
            Cell::Text(&i.variant),
            Cell::Text(&i.place),
            Cell::Text(&i.connection),
            Cell::Text(&i.product),
            Cell::Text(&i.warehouse),
            Cell::Text(&i.item),
            Cell::Text(&i.sku),
            Cell::Int(i.price_fine),
            Cell::Int(i.terms.till),
            Cell::Int(i.terms.waiting),
            Cell::Int(i.terms.hold),
            Cell::Int(i.terms.buffer),
            Cell::Int(i.terms.checking),
            Cell::Int(t.should),
            Cell::Int(t.floored),
            Cell::Int(t.generation),
            Cell::Int(t.cause_at.micros()),
            Cell::Int(t.difference),
            Cell::Int(t.differs_since.micros()),
        ]);
    }
    tx.later(Statement::new(SAVE.text(tx.dialect()), "storing targets").text(rows.into_json()).int(now.micros()));
}

/// What a shop said: (product, warehouse, physical, allocated, sellable). Rows that changed are kept as readings;
/// the targets learn the numbers. Where something was written since `asked_at`, the answer may be from before it:
/// there it says nothing. Whoever writes nothing while it asks is believed whatever a clock says of writes. Where
/// something happened at the shop since `asked_at`, the numbers are kept and are not fresh.
pub fn web_read(
    tx: &mut Tx,
    connection: &str,
    readings: &[(String, String, i64, i64, i64)],
    asked_at: Timestamp,
    meanwhile: Meanwhile,
    read_at: Timestamp,
) {
    if readings.is_empty() {
        return;
    }
    let json = || {
        let mut rows = Rows::new();
        for (product, warehouse, physical, allocated, sellable) in readings {
            rows.push(&[
                Cell::Text(product),
                Cell::Text(warehouse),
                Cell::Int(*physical),
                Cell::Int(*allocated),
                Cell::Int(*sellable),
                Cell::Text(connection),
            ]);
        }
        rows.into_json()
    };
    let dialect = tx.dialect();
    let written_by = match meanwhile {
        Meanwhile::MayHaveWritten => asked_at.micros(),
        Meanwhile::WroteNothing => i64::MAX,
    };
    let step = "keeping what the shop said";
    let keep = Statement::new(KEEP_WEB_READINGS.text(dialect), step).text(json());
    tx.later(keep.int(read_at.micros()).int(written_by));
    let read = Statement::new(WEB_READ.text(dialect), step).text(json());
    tx.later(read.int(read_at.micros()).int(written_by).int(asked_at.micros()));
}

/// Whether something of ours may have been written to the shop between a question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// Writes go on beside it.
    MayHaveWritten,
    /// It holds up writes.
    WroteNothing,
}

/// Something happened to these shop products: what we last read of them may no longer be true.
pub fn web_stale(tx: &mut Tx, connection: &str, products: &[&str], now: Timestamp) {
    if products.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for product in products {
        rows.push(&[Cell::Text(product), Cell::Text(connection)]);
    }
    let statement = Statement::new(WEB_STALE.text(tx.dialect()), "marking shop readings as stale");
    tx.later(statement.text(rows.into_json()).int(now.micros()));
}

macro_rules! due_sql {
    ($rest:literal) => {
        due_sql!("", $rest)
    };
    ($before:literal, $rest:literal) => {
        concat!(
            "SELECT t.variant, t.place, t.product, t.warehouse, t.generation, t.should, t.web_known, t.web_sellable,
                    t.web_allocated, t.web_read_at, t.web_fresh, t.push_state, t.cause_at,
                    COALESCE(w.open_units, 0) AS open_units, t.attempt, t.floored, t.web_physical
             FROM ",
            $before,
            " target t CROSS JOIN place p
             LEFT JOIN waiting w ON w.connection = t.connection AND w.product = t.product
                 AND w.warehouse = t.warehouse
             WHERE p.id = t.place AND p.live_since > 0 AND ",
            $rest
        )
    };
}

fn due_row(row: &sqlx::any::AnyRow) -> Result<(Due, i64), sqlx::Error> {
    Ok((
        Due {
            variant: row.try_get(0)?,
            place: row.try_get(1)?,
            product: row.try_get(2)?,
            warehouse: row.try_get(3)?,
            generation: row.try_get(4)?,
            should: row.try_get(5)?,
            web_known: row.try_get::<i64, _>(6)? != 0,
            web_sellable: row.try_get(7)?,
            web_allocated: row.try_get(8)?,
            web_read_at: Timestamp(row.try_get(9)?),
            web_fresh: row.try_get::<i64, _>(10)? != 0,
            unknown: row.try_get::<String, _>(11)? == "unknown",
            cause_at: Timestamp(row.try_get(12)?),
            known_open: row.try_get(13)?,
            floored: row.try_get(15)?,
            web_physical: row.try_get(16)?,
        },
        row.try_get(14)?,
    ))
}

/// The order is [`crate::domain::push::urgency`]'s: falls to nothing, to one, …, to five, other falls, rises; of the same
/// kind what has waited longest. What has never been put off comes from the index in its order, however much waits behind it; what has been, and
/// whose time has come, is sorted.
const DUE: &str = concat!(
    "SELECT * FROM (",
    due_sql!(
        "t.connection = $1 AND t.generation > t.acknowledged AND t.next_at = 0
         ORDER BY CASE WHEN t.web_known = 1 AND t.should >= t.web_sellable THEN 7 WHEN t.should < 6 THEN t.should ELSE 6 END,
             t.cause_at LIMIT $3"
    ),
    ") AS fresh UNION ALL SELECT * FROM (",
    due_sql!(
        "t.connection = $1 AND t.generation > t.acknowledged AND t.next_at > 0 AND t.next_at <= $2
         ORDER BY CASE WHEN t.web_known = 1 AND t.should >= t.web_sellable THEN 7 WHEN t.should < 6 THEN t.should ELSE 6 END,
             t.cause_at LIMIT $3"
    ),
    ") AS put_off"
);

/// When the first that waits may go; -1 when none waits.
const NEXT_DUE: &str =
    "SELECT COALESCE(MIN(t.next_at), -1) FROM target t JOIN place p ON p.id = t.place AND p.live_since > 0
         WHERE t.connection = $1 AND t.generation > t.acknowledged";

/// Targets of live places whose newest generation the shop has not acknowledged and whose time has come, with the
/// number of failures so far: at most `limit` that were never put off, and as many that were.
pub async fn due(tx: &mut Tx, connection: &str, now: Timestamp, limit: i64) -> Result<Vec<(Due, i64)>, StoreError> {
    Ok(due_or_next(tx, connection, now, limit).await?.0)
}

/// The same, and when the first of all that wait may go; `None` when none waits. One trip: what the writer has just read
/// need not be read by another.
pub async fn due_or_next(
    tx: &mut Tx,
    connection: &str,
    now: Timestamp,
    limit: i64,
) -> Result<(Vec<(Due, i64)>, Option<Timestamp>), StoreError> {
    let questions = vec![
        Statement::new(DUE, READING_DUE).text(connection).int(now.micros()).int(limit),
        Statement::new(NEXT_DUE, READING_DUE).text(connection),
    ];
    let answers = tx.ask(questions).await?;
    let rows = |n: usize| answers.get(n).map_or(&[][..], |done| done.rows.as_slice());
    let due = rows(0).iter().map(due_row).collect::<Result<_, _>>().map_err(at(READING_DUE))?;
    let next: i64 = rows(1).first().map_or(Ok(-1), |row| row.try_get(0)).map_err(at(READING_DUE))?;
    Ok((due, (next >= 0).then_some(Timestamp(next))))
}

/// Targets whose acknowledged write has not been read back, written not after `before`. Where a newer number waits to
/// be written, that one is read back instead.
pub async fn unconfirmed(
    store: &Store,
    connection: &str,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(Due, i64)>, StoreError> {
    let rows = sqlx::query(due_sql!(
        "t.connection = $1 AND t.acknowledged > t.confirmed
           AND t.generation = t.acknowledged AND t.push_at <= $2 ORDER BY t.push_at LIMIT $3"
    ))
    .bind(connection)
    .bind(before.micros())
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading unconfirmed writes"))?;
    rows.iter().map(due_row).collect::<Result<_, _>>().map_err(at("reading unconfirmed writes"))
}

/// When the oldest unconfirmed write was acknowledged.
pub async fn oldest_unconfirmed(store: &Store, connection: &str) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT COALESCE(MIN(t.push_at), -1) FROM target t JOIN place p ON p.id = t.place AND p.live_since > 0
         WHERE t.connection = $1 AND t.acknowledged > t.confirmed AND t.generation = t.acknowledged",
    )
    .bind(connection)
    .fetch_one(store.read())
    .await
    .map_err(at("reading unconfirmed writes"))?;
    let oldest: i64 = row.try_get(0).map_err(at("reading unconfirmed writes"))?;
    Ok((oldest >= 0).then_some(Timestamp(oldest)))
}

/// These targets again, with the numbers just stored.
pub async fn reread(
    store: &Store,
    connection: &str,
    wanted: &[(String, String)],
) -> Result<Vec<(Due, i64)>, StoreError> {
    const AGAIN: RowsSql = RowsSql {
        sqlite: due_sql!(
            "jsonb_each($1) AS each CROSS JOIN",
            "t.connection = $2 AND t.variant = each.value->>0 AND t.place = each.value->>1"
        ),
        postgres: due_sql!(
            "jsonb_array_elements(CAST($1 AS JSONB)) AS each(value) CROSS JOIN",
            "t.connection = $2 AND t.variant = each.value->>0 AND t.place = each.value->>1"
        ),
    };
    let mut rows = Rows::new();
    for (variant, place) in wanted {
        rows.push(&[Cell::Text(variant), Cell::Text(place)]);
    }
    let found = sqlx::query(AGAIN.text(store.dialect()))
        .bind(rows.into_json())
        .bind(connection)
        .fetch_all(store.read())
        .await
        .map_err(at("reading targets again"))?;
    found.iter().map(due_row).collect::<Result<_, _>>().map_err(at("reading targets again"))
}

const SETTLED: RowsSql = rows_sql!(
    "UPDATE target SET acknowledged = CASE WHEN CAST(each.value->>2 AS BIGINT) > acknowledged
                                           THEN CAST(each.value->>2 AS BIGINT) ELSE acknowledged END,
            confirmed = CASE WHEN CAST(each.value->>2 AS BIGINT) > confirmed
                             THEN CAST(each.value->>2 AS BIGINT) ELSE confirmed END,
            push_state = 'confirmed', push_reason = '', push_at = $2, attempt = 0, next_at = 0,
            cause_at = CASE WHEN generation > CAST(each.value->>2 AS BIGINT) THEN computed_at ELSE 0 END
     FROM",
    "WHERE target.variant = each.value->>0 AND target.place = each.value->>1"
);
const AGAIN: RowsSql = rows_sql!(
    "UPDATE target SET generation = generation + 1, push_state = 'again', push_reason = each.value->>2,
            confirmed = acknowledged, cause_at = $2, next_at = CAST(each.value->>3 AS BIGINT), attempt = attempt + 1
     FROM",
    "WHERE target.variant = each.value->>0 AND target.place = each.value->>1 AND generation = acknowledged"
);

const STANDS: RowsSql = rows_sql!(
    "UPDATE target SET acknowledged = CAST(each.value->>2 AS BIGINT),
            confirmed = CASE WHEN confirmed = acknowledged THEN CAST(each.value->>2 AS BIGINT) ELSE confirmed END,
            push_state = CASE WHEN confirmed = acknowledged THEN 'confirmed' ELSE 'accepted' END,
            push_reason = '', push_at = $2, attempt = 0, next_at = 0, cause_at = 0
     FROM",
    "WHERE target.variant = each.value->>0 AND target.place = each.value->>1
       AND target.generation = CAST(each.value->>2 AS BIGINT)"
);

/// By what the shop was last seen to show, or has acknowledged, these need no write: (variant, place, generation). What
/// was only acknowledged is still to be read back.
pub fn stands(tx: &mut Tx, targets: &[(String, String, i64)], now: Timestamp) {
    if targets.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for (variant, place, generation) in targets {
        rows.push(&[Cell::Text(variant), Cell::Text(place), Cell::Int(*generation)]);
    }
    tx.later(Statement::new(STANDS.text(tx.dialect()), "leaving targets").text(rows.into_json()).int(now.micros()));
}

/// The shop was seen to show what it should at these generations: (variant, place, generation).
pub fn settled(tx: &mut Tx, targets: &[(String, String, i64)], now: Timestamp) {
    if targets.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for (variant, place, generation) in targets {
        rows.push(&[Cell::Text(variant), Cell::Text(place), Cell::Int(*generation)]);
    }
    tx.later(Statement::new(SETTLED.text(tx.dialect()), "settling targets").text(rows.into_json()).int(now.micros()));
}

/// The shop was asked for these and did not name them: (variant, place). Nothing is written or taken for confirmed
/// before it was asked again at `retry_at`.
pub fn not_named(tx: &mut Tx, targets: &[(String, String)], reason: &str, retry_at: Timestamp) {
    const NOT_NAMED: RowsSql = rows_sql!(
        "UPDATE target SET push_state = 'refused', push_reason = $2, push_at = $3, next_at = $3, attempt = attempt + 1,
                web_fresh = 0
         FROM",
        "WHERE target.variant = each.value->>0 AND target.place = each.value->>1"
    );
    if targets.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for (variant, place) in targets {
        rows.push(&[Cell::Text(variant), Cell::Text(place)]);
    }
    let statement = Statement::new(NOT_NAMED.text(tx.dialect()), "noting what the shop did not name");
    tx.later(statement.text(rows.into_json()).text(reason).int(retry_at.micros()));
}

/// The shop was seen not to show what it should although nothing waits: write again, for this reason, at the moment given
/// (zero: at once).
pub fn write_again(tx: &mut Tx, targets: &[(String, String, String, Timestamp)], now: Timestamp) {
    if targets.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for (variant, place, reason, at) in targets {
        rows.push(&[Cell::Text(variant), Cell::Text(place), Cell::Text(reason), Cell::Int(at.micros())]);
    }
    tx.later(
        Statement::new(AGAIN.text(tx.dialect()), "planning a write again").text(rows.into_json()).int(now.micros()),
    );
}

/// Live targets that differ from what they should show although no write of theirs waits and nothing is being
/// confirmed: (variant, place) and how the shop read then.
pub async fn drifted(store: &Store, connection: &str, limit: i64) -> Result<Vec<(Due, i64)>, StoreError> {
    let rows = sqlx::query(due_sql!(
        "t.connection = $1 AND t.difference <> 0 AND t.generation = t.acknowledged AND t.web_fresh = 1
           AND t.acknowledged = t.confirmed ORDER BY t.differs_since LIMIT $2"
    ))
    .bind(connection)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading differences"))?;
    rows.iter().map(due_row).collect::<Result<_, _>>().map_err(at("reading differences"))
}
