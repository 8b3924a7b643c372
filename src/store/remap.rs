//! What an outlet brings into the sums of a place, read without changing anything: for the look before it feeds
//! another.

use super::connections::OutletRow;
use super::{Store, StoreError};
use crate::domain::equation::Terms;
use sqlx::Row as _;

/// One linked item that the outlet has been read or sold of, at a place of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Variant.
    pub variant: String,
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// The terms of the place as they are now.
    pub terms: Terms,
    /// What of them is this outlet's when it feeds the place: till, on hold, being checked. The others are zero.
    pub brings: Terms,
}

/// The shares of an outlet, as they are in the sums of this place or would be.
pub async fn shares(store: &Store, outlet: &OutletRow, place: &str) -> Result<Vec<Share>, StoreError> {
    let step = "reading what an outlet brings";
    let rows = sqlx::query(
        "SELECT m.variant, v.item, v.sku, COALESCE(t.till, 0), COALESCE(t.waiting, w.units, 0), COALESCE(t.hold, 0),
                COALESCE(t.buffer, p.buffer), COALESCE(t.checking, 0), m.units, COALESCE(h.units, 0), m.checking
         FROM (SELECT l.variant AS variant, CAST(SUM(c.units + c.after_units) AS BIGINT) AS units,
                      CAST(SUM(CASE WHEN c.pending > c.risen THEN c.pending ELSE c.risen END) AS BIGINT) AS checking
               FROM till_count c JOIN listing l ON l.connection = c.connection AND l.product = c.product
               WHERE c.connection = $1 AND c.outlet = $2 AND c.known = 1 AND l.variant <> ''
               GROUP BY l.variant) AS m
         JOIN variant v ON v.id = m.variant
         JOIN place p ON p.id = $3
         JOIN listing s ON s.variant = m.variant AND s.connection = p.connection
         LEFT JOIN target t ON t.variant = m.variant AND t.place = p.id
         LEFT JOIN waiting w ON w.connection = p.connection AND w.product = s.product AND w.warehouse = p.warehouse
         LEFT JOIN (SELECT l.variant AS variant, CAST(SUM(d.units) AS BIGINT) AS units
                    FROM hold d JOIN listing l ON l.connection = d.connection AND l.product = d.product
                    WHERE d.connection = $1 AND d.outlet = $2 AND d.released_at = 0 AND l.variant <> ''
                    GROUP BY l.variant) AS h ON h.variant = m.variant
         ORDER BY v.item, m.variant",
    )
    .bind(&outlet.connection)
    .bind(&outlet.outlet)
    .bind(place)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at(step))?;
    rows.iter()
        .map(|row| {
            Ok(Share {
                variant: row.try_get(0)?,
                item: row.try_get(1)?,
                sku: row.try_get(2)?,
                terms: Terms {
                    till: row.try_get(3)?,
                    waiting: row.try_get(4)?,
                    hold: row.try_get(5)?,
                    buffer: row.try_get(6)?,
                    checking: row.try_get(7)?,
                },
                brings: Terms {
                    till: row.try_get(8)?,
                    hold: row.try_get(9)?,
                    checking: row.try_get(10)?,
                    ..Terms::default()
                },
            })
        })
        .collect::<Result<_, _>>()
        .map_err(StoreError::at(step))
}
