//! Targets of which the shop has said nothing yet.

use super::{Store, StoreError};
use sqlx::Row as _;

/// Targets whose stock the shop has never told: (variant, place, product, warehouse), after one of them, in order.
pub async fn never_read(
    store: &Store,
    connection: &str,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<(String, String, String, String)>, StoreError> {
    const STEP: &str = "reading what was never read";
    let rows = sqlx::query(
        "SELECT t.variant, t.place, t.product, t.warehouse FROM target t JOIN place p ON p.id = t.place
         WHERE t.connection = $1 AND p.archived = 0 AND t.web_known = 0
           AND (t.variant > $2 OR (t.variant = $2 AND t.place > $3)) ORDER BY t.variant, t.place LIMIT $4",
    )
    .bind(connection)
    .bind(after.0)
    .bind(after.1)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(StoreError::at(STEP))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)))
        .collect::<Result<_, _>>()
        .map_err(StoreError::at(STEP))
}
