//! Web orders and the units of theirs that the till's count has not yet given up.

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::script::Statement;
use super::{StoreError, Tx};
use crate::domain::fact::{Order, OrderState};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// One line's units at one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Line.
    pub line: String,
    /// Warehouse.
    pub warehouse: String,
    /// Product.
    pub product: String,
    /// Units ordered and not cancelled.
    pub units: i64,
    /// Units that the till's count still contains.
    pub waiting: i64,
    /// Units that the shop still keeps for this order.
    pub open: i64,
}

const VERSIONS: RowsSql = rows_sql!(
    "SELECT o.document, o.version FROM",
    "CROSS JOIN web_order o WHERE o.connection = $2 AND o.document = each.value->>0"
);
const LINES: RowsSql = rows_sql!(
    "SELECT l.document, l.line, l.warehouse, l.product, l.units, l.waiting, l.open FROM",
    "CROSS JOIN web_order_line l WHERE l.connection = $2 AND l.document = each.value->>0"
);
const UPSERT: RowsSql = rows_sql!(
    "INSERT INTO web_order (connection, document, number, state, on_hold, version, placed_at, known_at, total_fine,
                            currency, inbox)
     SELECT $2, each.value->>0, each.value->>1, each.value->>2, CAST(each.value->>3 AS BIGINT),
            CAST(each.value->>4 AS BIGINT), CAST(each.value->>5 AS BIGINT), $3, CAST(each.value->>6 AS BIGINT),
            each.value->>7, each.value->>8 FROM",
    "WHERE true ON CONFLICT (connection, document) DO UPDATE SET
        number = excluded.number, state = excluded.state, on_hold = excluded.on_hold, version = excluded.version,
        total_fine = excluded.total_fine, currency = excluded.currency, inbox = excluded.inbox"
);
const DROP_LINES: RowsSql =
    rows_sql!("DELETE FROM web_order_line WHERE connection = $2 AND document IN (SELECT each.value->>0 FROM", ")");
const INSERT_LINES: RowsSql = rows_sql!(
    "INSERT INTO web_order_line (connection, document, line, warehouse, product, units, waiting, open, unit_price_fine)
     SELECT $2, each.value->>0, each.value->>1, each.value->>2, each.value->>3, CAST(each.value->>4 AS BIGINT),
            CAST(each.value->>5 AS BIGINT), CAST(each.value->>6 AS BIGINT), CAST(each.value->>7 AS BIGINT) FROM",
    ""
);
const ADD_WAITING: RowsSql = rows_sql!(
    "INSERT INTO waiting (connection, product, warehouse, units, open_units)
     SELECT $2, each.value->>0, each.value->>1, CAST(each.value->>2 AS BIGINT), CAST(each.value->>3 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (connection, product, warehouse) DO UPDATE SET
        units = waiting.units + excluded.units, open_units = waiting.open_units + excluded.open_units"
);

/// The version we have of each of these orders.
pub async fn versions(tx: &mut Tx, connection: &str, documents: &[&str]) -> Result<HashMap<String, i64>, StoreError> {
    let rows = sqlx::query(VERSIONS.text(tx.dialect()))
        .bind(keys(documents.iter().copied()))
        .bind(connection)
        .fetch_all(tx.conn().await?)
        .await
        .map_err(at("reading orders"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading orders"))
}

/// The lines we have of these orders.
pub async fn lines(tx: &mut Tx, connection: &str, documents: &[&str]) -> Result<Vec<(String, Waits)>, StoreError> {
    let rows = sqlx::query(LINES.text(tx.dialect()))
        .bind(keys(documents.iter().copied()))
        .bind(connection)
        .fetch_all(tx.conn().await?)
        .await
        .map_err(at("reading order lines"))?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get(0)?,
                Waits {
                    line: row.try_get(1)?,
                    warehouse: row.try_get(2)?,
                    product: row.try_get(3)?,
                    units: row.try_get(4)?,
                    waiting: row.try_get(5)?,
                    open: row.try_get(6)?,
                },
            ))
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading order lines"))
}

/// The word of a state in the database.
pub fn state_word(state: &OrderState) -> String {
    match state {
        OrderState::Open => "open".into(),
        OrderState::Shipped => "shipped".into(),
        OrderState::Cancelled => "cancelled".into(),
        OrderState::Unknown(text) => format!("unknown: {text}"),
    }
}

/// Stores the newest version of each order with its lines; the old lines go first.
pub fn save(tx: &mut Tx, connection: &str, orders: &[(&Order, &str, Vec<Waits>)], now: Timestamp) {
    let dialect = tx.dialect();
    let (mut heads, mut lines) = (Rows::new(), Rows::new());
    for (order, inbox, waits) in orders {
        let document = order.document.as_str();
        heads.push(&[
            Cell::Text(document),
            Cell::Text(&order.number),
            Cell::Text(&state_word(&order.state)),
            Cell::Int(i64::from(order.on_hold)),
            Cell::Int(order.updated_at.micros()),
            Cell::Int(order.placed_at.micros()),
            Cell::Int(order.total.0),
            Cell::Text(&order.currency),
            Cell::Text(inbox),
        ]);
        for w in waits {
            let price = order.lines.iter().find(|l| l.line.as_str() == w.line).map_or(0, |l| l.unit_price.0);
            lines.push(&[
                Cell::Text(document),
                Cell::Text(&w.line),
                Cell::Text(&w.warehouse),
                Cell::Text(&w.product),
                Cell::Int(w.units),
                Cell::Int(w.waiting),
                Cell::Int(w.open),
                Cell::Int(price),
            ]);
        }
    }
    tx.later(
        Statement::new(DROP_LINES.text(dialect), "replacing order lines")
            .text(keys(orders.iter().map(|(order, _, _)| order.document.as_str())))
            .text(connection),
    );
    tx.later(
        Statement::new(UPSERT.text(dialect), "storing orders")
            .text(heads.into_json())
            .text(connection)
            .int(now.micros()),
    );
    if !lines.is_empty() {
        tx.later(
            Statement::new(INSERT_LINES.text(dialect), "storing order lines").text(lines.into_json()).text(connection),
        );
    }
}

/// Adds to what waits, per product and warehouse: (waiting, open) units.
pub fn add_waiting(tx: &mut Tx, connection: &str, deltas: &HashMap<(String, String), (i64, i64)>) {
    let mut rows = Rows::new();
    let mut sorted: Vec<_> = deltas.iter().filter(|(_, units)| **units != (0, 0)).collect();
    sorted.sort();
    for ((product, warehouse), (waiting, open)) in sorted {
        rows.push(&[Cell::Text(product), Cell::Text(warehouse), Cell::Int(*waiting), Cell::Int(*open)]);
    }
    if rows.is_empty() {
        return;
    }
    tx.later(
        Statement::new(ADD_WAITING.text(tx.dialect()), "adding up what waits").text(rows.into_json()).text(connection),
    );
}
