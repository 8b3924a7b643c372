//! What the SKU page reads: one variant's listings, counts, orders, holds, movements, writes and readings.

use super::{Store, StoreError};
use crate::domain::time::Timestamp;
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// A variant: SKU, item, barcode.
pub async fn variant(store: &Store, id: &str) -> Result<Option<(String, String, String)>, StoreError> {
    let row = sqlx::query("SELECT sku, item, barcode FROM variant WHERE id = $1")
        .bind(id)
        .fetch_optional(store.read())
        .await
        .map_err(at("reading a variant"))?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).transpose().map_err(at("reading a variant"))
}

/// The listings of a variant: connection id, connection name, product, SKU there, side.
pub async fn listings_of(
    store: &Store,
    variant: &str,
) -> Result<Vec<(String, String, String, String, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT l.connection, c.name, l.product, l.sku, c.side FROM listing l JOIN connection c ON c.id = l.connection
         WHERE l.variant = $1 ORDER BY c.side, c.name",
    )
    .bind(variant)
    .fetch_all(store.read())
    .await
    .map_err(at("reading links"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading links"))
}

/// Till units of a variant per outlet of a place: name and units.
pub async fn outlets_of(store: &Store, variant: &str, place: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT o.name, CAST(SUM(c.units + c.after_units) AS BIGINT)
         FROM listing l JOIN till_count c ON c.connection = l.connection AND c.product = l.product AND c.known = 1
         JOIN outlet o ON o.connection = c.connection AND o.outlet = c.outlet AND o.place = $2
         WHERE l.variant = $1 GROUP BY o.name ORDER BY o.name",
    )
    .bind(variant)
    .bind(place)
    .fetch_all(store.read())
    .await
    .map_err(at("reading till counts"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading till counts"))
}

/// Web orders of a variant that wait at a place, newest first: number and units.
pub async fn waiting_orders(
    store: &Store,
    variant: &str,
    place: &str,
    limit: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT o.number, CAST(SUM(w.waiting) AS BIGINT)
         FROM listing l JOIN web_order_line w ON w.connection = l.connection AND w.product = l.product AND w.waiting > 0
         JOIN place p ON p.id = $2 AND p.connection = w.connection AND p.warehouse = w.warehouse
         JOIN web_order o ON o.connection = w.connection AND o.document = w.document
         WHERE l.variant = $1 GROUP BY o.number, o.placed_at ORDER BY o.placed_at DESC LIMIT $3",
    )
    .bind(variant)
    .bind(place)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading waiting orders"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading waiting orders"))
}

/// Open holds of a variant at a place: receipt number, units, since.
pub async fn holds_of(store: &Store, variant: &str, place: &str) -> Result<Vec<(String, i64, Timestamp)>, StoreError> {
    let rows = sqlx::query(
        "SELECT h.number, h.units, h.since
         FROM listing l JOIN hold h ON h.connection = l.connection AND h.product = l.product AND h.released_at = 0
         JOIN outlet o ON o.connection = h.connection AND o.outlet = h.outlet AND o.place = $2
         WHERE l.variant = $1 ORDER BY h.since LIMIT 100",
    )
    .bind(variant)
    .bind(place)
    .fetch_all(store.read())
    .await
    .map_err(at("reading holds"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, Timestamp(row.try_get(2)?))))
        .collect::<Result<_, _>>()
        .map_err(at("reading holds"))
}

/// Till movements of a variant at a place, newest first.
#[derive(Debug, Clone)]
pub struct MovementRow {
    /// Outlet name.
    pub outlet: String,
    /// Cause word.
    pub cause: String,
    /// Units as the till's count moves.
    pub units: i64,
    /// Vendor's clock.
    pub happened_at: Timestamp,
    /// Our clock.
    pub known_at: Timestamp,
    /// Receipt number, or empty.
    pub number: String,
    /// Inbox row, or empty.
    pub inbox: String,
    /// "notice", "sweep" or empty.
    pub way: String,
    /// A notice told of it, before a sweep found it or after.
    pub told: bool,
    /// Notices of this till are signed; others only wake a sweep.
    pub signed: bool,
    /// Units of this line on hold, and whether they are released.
    pub held: i64,
    /// Goods moved before the till was first read, so that its first count had it already.
    pub inside: bool,
}

/// See [`MovementRow`].
pub async fn movements_of(
    store: &Store,
    variant: &str,
    place: &str,
    limit: i64,
) -> Result<Vec<MovementRow>, StoreError> {
    // In this order, not from the outlet on: an outlet has everything that ever moved there.
    let rows = sqlx::query(
        "SELECT o.name, m.cause, m.units, m.happened_at, m.known_at, COALESCE(s.number, ''), m.inbox,
                COALESCE(i.way, ''), COALESCE(h.units, 0), COALESCE(i.told, 0),
                CASE WHEN c.notice_sealed = '' THEN 0 ELSE 1 END,
                CASE WHEN m.version <= t.base AND m.cause <> 'unexplained' THEN 1 ELSE 0 END
         FROM listing l CROSS JOIN movement m CROSS JOIN outlet o JOIN connection c ON c.id = o.connection
         LEFT JOIN sale s ON s.connection = m.connection AND s.document = m.document
         LEFT JOIN inbox i ON i.id = m.inbox
         LEFT JOIN hold h ON h.connection = m.connection AND h.document = m.document AND h.line = m.line
                             AND h.released_at = 0
         LEFT JOIN till_count t ON t.connection = m.connection AND t.product = m.product AND t.outlet = m.outlet
                                   AND t.known = 1
         WHERE l.variant = $1 AND m.connection = l.connection AND m.product = l.product
           AND o.connection = m.connection AND o.outlet = m.outlet AND o.place = $2 ORDER BY m.known_at DESC LIMIT $3",
    )
    .bind(variant)
    .bind(place)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading movements"))?;
    rows.iter()
        .map(|row| {
            Ok(MovementRow {
                outlet: row.try_get(0)?,
                cause: row.try_get(1)?,
                units: row.try_get(2)?,
                happened_at: Timestamp(row.try_get(3)?),
                known_at: Timestamp(row.try_get(4)?),
                number: row.try_get(5)?,
                inbox: row.try_get(6)?,
                way: row.try_get(7)?,
                held: row.try_get(8)?,
                told: row.try_get::<i64, _>(9)? != 0,
                signed: row.try_get::<i64, _>(10)? != 0,
                inside: row.try_get::<i64, _>(11)? != 0,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading movements"))
}

/// Orders of a variant at a place as events: number, placed at, known at, units still waiting, inbox.
pub async fn order_events(
    store: &Store,
    variant: &str,
    place: &str,
    limit: i64,
) -> Result<Vec<(String, Timestamp, Timestamp, i64, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT o.number, o.placed_at, o.known_at, CAST(SUM(w.waiting) AS BIGINT), o.inbox
         FROM listing l JOIN web_order_line w ON w.connection = l.connection AND w.product = l.product AND w.waiting > 0
         JOIN place p ON p.id = $2 AND p.connection = w.connection AND p.warehouse = w.warehouse
         JOIN web_order o ON o.connection = w.connection AND o.document = w.document
         WHERE l.variant = $1 GROUP BY o.number, o.placed_at, o.known_at, o.inbox ORDER BY o.known_at DESC LIMIT $3",
    )
    .bind(variant)
    .bind(place)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading orders of a SKU"))?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get(0)?,
                Timestamp(row.try_get(1)?),
                Timestamp(row.try_get(2)?),
                row.try_get(3)?,
                row.try_get(4)?,
            ))
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading orders of a SKU"))
}

/// A write of a variant at a place.
#[derive(Debug, Clone)]
pub struct PushRow {
    /// State word.
    pub state: String,
    /// Reason.
    pub reason: String,
    /// What the shop showed before.
    pub before: i64,
    /// What it should show.
    pub should: i64,
    /// What was sent: what the warehouse holds, so that the rest can be sold.
    pub physical: i64,
    /// Sent.
    pub sent_at: Timestamp,
    /// Answered.
    pub answered_at: Timestamp,
    /// Read back and found to be so.
    pub confirmed_at: Timestamp,
    /// Exchange id, or empty.
    pub exchange: String,
}

/// Writes, newest first.
pub async fn pushes_of(store: &Store, variant: &str, place: &str, limit: i64) -> Result<Vec<PushRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT state, reason, before, should, sent_at, answered_at, exchange, confirmed_at, physical FROM push
         WHERE variant = $1 AND place = $2 ORDER BY sent_at DESC LIMIT $3",
    )
    .bind(variant)
    .bind(place)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading writes of a SKU"))?;
    rows.iter()
        .map(|row| {
            Ok(PushRow {
                state: row.try_get(0)?,
                reason: row.try_get(1)?,
                before: row.try_get(2)?,
                should: row.try_get(3)?,
                sent_at: Timestamp(row.try_get(4)?),
                answered_at: Timestamp(row.try_get(5)?),
                exchange: row.try_get(6)?,
                confirmed_at: Timestamp(row.try_get(7)?),
                physical: row.try_get(8)?,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading writes of a SKU"))
}

/// What the shop said about a variant at a place when it changed, newest first: known at, sellable.
pub async fn web_readings_of(
    store: &Store,
    variant: &str,
    place: &str,
    limit: i64,
) -> Result<Vec<(Timestamp, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT r.known_at, r.sellable
         FROM target t JOIN web_reading r ON r.connection = t.connection AND r.product = t.product
                                         AND r.warehouse = t.warehouse
         WHERE t.variant = $1 AND t.place = $2 ORDER BY r.known_at DESC LIMIT $3",
    )
    .bind(variant)
    .bind(place)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("reading shop readings"))?;
    rows.iter()
        .map(|row| Ok((Timestamp(row.try_get(0)?), row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading shop readings"))
}
