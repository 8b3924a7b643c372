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

/// What we know of an order already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The version that stands.
    pub version: i64,
    /// Our record of it.
    pub inbox: String,
    /// By when it had left; zero when it has not.
    pub left_by: Timestamp,
}

/// A line of a shipped order at one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftLine {
    /// Order.
    pub document: String,
    /// Line.
    pub line: String,
    /// Product.
    pub product: String,
    /// Units ordered and not cancelled.
    pub units: i64,
    /// Units that wait.
    pub waiting: i64,
    /// By when the order had left.
    pub left_by: Timestamp,
}

const HEADS: RowsSql = rows_sql!(
    "SELECT o.document, o.version, o.inbox, o.left_by FROM",
    "CROSS JOIN web_order o WHERE o.connection = $2 AND o.document = each.value->>0"
);
const LINES: RowsSql = rows_sql!(
    "SELECT l.document, l.line, l.warehouse, l.product, l.units, l.waiting, l.open FROM",
    "CROSS JOIN web_order_line l WHERE l.connection = $2 AND l.document = each.value->>0"
);
const UPSERT: RowsSql = rows_sql!(
    "INSERT INTO web_order (connection, document, number, state, on_hold, version, placed_at, known_at, total_fine,
                            currency, inbox, left_by)
     SELECT $2, each.value->>0, each.value->>1, each.value->>2, CAST(each.value->>3 AS BIGINT),
            CAST(each.value->>4 AS BIGINT), CAST(each.value->>5 AS BIGINT), $3, CAST(each.value->>6 AS BIGINT),
            each.value->>7, each.value->>8, CAST(each.value->>9 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (connection, document) DO UPDATE SET
        number = excluded.number, state = excluded.state, on_hold = excluded.on_hold, version = excluded.version,
        total_fine = excluded.total_fine, currency = excluded.currency, inbox = excluded.inbox,
        left_by = excluded.left_by"
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

/// What we have of each of these orders.
pub async fn heads(tx: &mut Tx, connection: &str, documents: &[&str]) -> Result<HashMap<String, Head>, StoreError> {
    let question = Statement::new(HEADS.text(tx.dialect()), "reading orders");
    let rows = tx.rows(question.text(keys(documents.iter().copied())).text(connection)).await?;
    rows.iter()
        .map(|row| {
            let left_by = Timestamp(row.try_get(3)?);
            Ok((row.try_get(0)?, Head { version: row.try_get(1)?, inbox: row.try_get(2)?, left_by }))
        })
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

/// The newest version of an order, to be stored.
#[derive(Debug)]
pub struct NewOrder<'a> {
    /// What it says.
    pub order: &'a Order,
    /// Our record of it.
    pub inbox: &'a str,
    /// By when it had left; zero when it has not.
    pub left_by: Timestamp,
    /// What waits for it.
    pub waits: Vec<Waits>,
}

/// Stores the newest version of each order with its lines; the old lines go first.
pub fn save(tx: &mut Tx, connection: &str, orders: &[NewOrder<'_>], now: Timestamp) {
    let dialect = tx.dialect();
    let (mut heads, mut lines) = (Rows::new(), Rows::new());
    for NewOrder { order, inbox, left_by, waits } in orders {
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
            Cell::Int(left_by.micros()),
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
            .text(keys(orders.iter().map(|new| new.order.document.as_str())))
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

/// When the stock of the tills that feed each warehouse of a shop was first read: of several the earliest. A warehouse
/// that no till feeds, or one of them that was not read yet, is not named.
pub async fn books_began(tx: &mut Tx, connection: &str) -> Result<HashMap<String, Timestamp>, StoreError> {
    const STEP: &str = "reading where the tills' books begin";
    let question = Statement::new(
        "SELECT p.warehouse, CAST(MIN(COALESCE(f.began_at, 0)) AS BIGINT)
         FROM place p JOIN outlet o ON o.place = p.id AND o.archived = 0
         LEFT JOIN feed f ON f.connection = o.connection AND f.feed = 'stock'
         WHERE p.connection = $1 GROUP BY p.warehouse",
        STEP,
    );
    let rows = tx.rows(question.text(connection)).await?;
    let began = rows.iter().map(|row| Ok((row.try_get(0)?, Timestamp(row.try_get(1)?))));
    let began = began.collect::<Result<HashMap<_, _>, _>>().map_err(at(STEP))?;
    Ok(began.into_iter().filter(|(_, began)| *began > Timestamp(0)).collect())
}

/// Lines of shipped orders at a warehouse that wait although the order had left by `behind`, or do not wait although
/// it left later; after one of them (order and line), in order.
pub async fn misjudged(
    tx: &mut Tx,
    connection: &str,
    warehouse: &str,
    behind: Timestamp,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<LeftLine>, StoreError> {
    const STEP: &str = "reading shipped orders";
    let question = Statement::new(
        "SELECT l.document, l.line, l.product, l.units, l.waiting, o.left_by
         FROM web_order o JOIN web_order_line l ON l.connection = o.connection AND l.document = o.document
         WHERE o.connection = $1 AND o.left_by > 0 AND l.warehouse = $2 AND l.units > 0
           AND ((o.left_by <= $3 AND l.waiting > 0) OR (o.left_by > $3 AND l.waiting = 0))
           AND (o.document > $4 OR (o.document = $4 AND l.line > $5))
         ORDER BY o.document, l.line LIMIT $6",
        STEP,
    );
    let question = question.text(connection).text(warehouse).int(behind.micros());
    let rows = tx.rows(question.text(after.0).text(after.1).int(limit)).await?;
    rows.iter()
        .map(|row| {
            Ok(LeftLine {
                document: row.try_get(0)?,
                line: row.try_get(1)?,
                product: row.try_get(2)?,
                units: row.try_get(3)?,
                waiting: row.try_get(4)?,
                left_by: Timestamp(row.try_get(5)?),
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at(STEP))
}

/// How many units of these lines at a warehouse wait: (order, line, units).
pub fn set_waiting(tx: &mut Tx, connection: &str, warehouse: &str, lines: &[(String, String, i64)]) {
    const SET: RowsSql = rows_sql!(
        "UPDATE web_order_line SET waiting = CAST(each.value->>2 AS BIGINT) FROM",
        "WHERE web_order_line.connection = $2 AND web_order_line.warehouse = $3
           AND web_order_line.document = each.value->>0 AND web_order_line.line = each.value->>1"
    );
    if lines.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for (document, line, waiting) in lines {
        rows.push(&[Cell::Text(document), Cell::Text(line), Cell::Int(*waiting)]);
    }
    let statement = Statement::new(SET.text(tx.dialect()), "judging shipped orders");
    tx.later(statement.text(rows.into_json()).text(connection).text(warehouse));
}
