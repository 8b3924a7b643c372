//! Sales as facts: the newest version of each document with its lines and tenders, without personal data.

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::script::{Done, Statement};
use super::{Dialect, Store, StoreError, Tx};
use crate::domain::fact::{Sale, SaleState};
use crate::domain::money::{Fine, Minor};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;

const READING: &str = "reading sales";

/// What is known of a document.
#[derive(Debug, Clone)]
pub struct SaleHead {
    /// Newest version we have.
    pub version: i64,
    /// Whether it was posted for a web order.
    pub of_web_order: bool,
}

const HEADS: RowsSql = rows_sql!(
    "SELECT s.document, s.version, s.source_type FROM",
    "CROSS JOIN sale s WHERE s.connection = $2 AND s.document = each.value->>0"
);
const UPSERT: RowsSql = rows_sql!(
    "INSERT INTO sale (connection, document, version, state, outlet, register, number, happened_at, known_at,
                       return_for, source_type, source_id, total_fine, tax_fine, inbox)
     SELECT $2, each.value->>0, CAST(each.value->>1 AS BIGINT), each.value->>2, each.value->>3, each.value->>4,
            each.value->>5, CAST(each.value->>6 AS BIGINT), CAST(each.value->>7 AS BIGINT), each.value->>8,
            each.value->>9, each.value->>10, CAST(each.value->>11 AS BIGINT), CAST(each.value->>12 AS BIGINT),
            each.value->>13 FROM",
    "WHERE true ON CONFLICT (connection, document) DO UPDATE SET
        version = excluded.version, state = excluded.state, outlet = excluded.outlet, register = excluded.register,
        number = excluded.number, happened_at = excluded.happened_at, known_at = excluded.known_at,
        return_for = excluded.return_for, source_type = excluded.source_type, source_id = excluded.source_id,
        total_fine = excluded.total_fine, tax_fine = excluded.tax_fine, inbox = excluded.inbox"
);
const LINES: RowsSql = rows_sql!(
    "INSERT INTO sale_line (connection, document, line, version, product, units, is_return, unit_price_fine,
                            unit_discount_fine, unit_tax_fine, price_text)
     SELECT $2, each.value->>0, each.value->>1, CAST(each.value->>2 AS BIGINT), each.value->>3,
            CAST(each.value->>4 AS BIGINT), CAST(each.value->>5 AS BIGINT), CAST(each.value->>6 AS BIGINT),
            CAST(each.value->>7 AS BIGINT), CAST(each.value->>8 AS BIGINT), each.value->>9 FROM",
    "WHERE true ON CONFLICT (connection, document, line) DO UPDATE SET
        version = excluded.version, product = excluded.product, units = excluded.units,
        is_return = excluded.is_return, unit_price_fine = excluded.unit_price_fine,
        unit_discount_fine = excluded.unit_discount_fine, unit_tax_fine = excluded.unit_tax_fine,
        price_text = excluded.price_text"
);
const TENDERS: RowsSql = rows_sql!(
    "INSERT INTO tender (connection, document, position, payment_type, name, amount_minor, amount_fine)
     SELECT $2, each.value->>0, CAST(each.value->>1 AS BIGINT), each.value->>2, each.value->>3,
            CAST(each.value->>4 AS BIGINT), CAST(each.value->>5 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (connection, document, position) DO UPDATE SET
        payment_type = excluded.payment_type, name = excluded.name, amount_minor = excluded.amount_minor,
        amount_fine = excluded.amount_fine"
);
const DROP_OLD_LINES: RowsSql =
    rows_sql!("DELETE FROM sale_line WHERE connection = $2 AND document IN (SELECT each.value->>0 FROM", ")");
const DROP_OLD_TENDERS: RowsSql =
    rows_sql!("DELETE FROM tender WHERE connection = $2 AND document IN (SELECT each.value->>0 FROM", ")");

/// The question what is known of these documents; its answer is for [`heads_from`].
pub(crate) fn ask_heads<'a>(
    dialect: Dialect,
    connection: &str,
    documents: impl IntoIterator<Item = &'a str>,
) -> Statement {
    Statement::new(HEADS.text(dialect), READING).text(keys(documents)).text(connection)
}

/// What is known of the documents asked for.
pub(crate) fn heads_from(answer: &Done) -> Result<HashMap<String, SaleHead>, StoreError> {
    answer
        .rows
        .iter()
        .map(|row| {
            let source: String = row.try_get(2)?;
            Ok((row.try_get(0)?, SaleHead { version: row.try_get(1)?, of_web_order: is_web_source(&source) }))
        })
        .collect::<Result<_, _>>()
        .map_err(StoreError::at(READING))
}

/// Whether a till sale's source says that it stands for a web order. A till's own sales carry "USER" or nothing.
pub fn is_web_source(source: &str) -> bool {
    !(source.is_empty() || source.eq_ignore_ascii_case("user"))
}

/// What is kept of a document's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// Total including tax.
    pub total: Fine,
    /// Tax in it.
    pub tax: Fine,
    /// How it was paid, in the vendor's order.
    pub tenders: Vec<Paid>,
}

/// One payment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Its name as the till shows it.
    pub name: String,
    /// In minor units.
    pub minor: Minor,
    /// As the vendor wrote it.
    pub amount: Fine,
}

/// The money of one document, for audits; `None` when we do not know the document.
pub async fn money_of(store: &Store, connection: &str, document: &str) -> Result<Option<Money>, StoreError> {
    let at = || StoreError::at("reading a sale's money");
    let head = sqlx::query("SELECT total_fine, tax_fine FROM sale WHERE connection = $1 AND document = $2")
        .bind(connection)
        .bind(document)
        .fetch_optional(store.read())
        .await
        .map_err(at())?;
    let Some(head) = head else { return Ok(None) };
    let rows = sqlx::query(
        "SELECT name, amount_minor, amount_fine FROM tender WHERE connection = $1 AND document = $2 ORDER BY position",
    )
    .bind(connection)
    .bind(document)
    .fetch_all(store.read())
    .await
    .map_err(at())?;
    let paid = |row: &sqlx::any::AnyRow| -> Result<Paid, sqlx::Error> {
        Ok(Paid { name: row.try_get(0)?, minor: Minor(row.try_get(1)?), amount: Fine(row.try_get(2)?) })
    };
    Ok(Some(Money {
        total: Fine(head.try_get(0).map_err(at())?),
        tax: Fine(head.try_get(1).map_err(at())?),
        tenders: rows.iter().map(paid).collect::<Result<_, _>>().map_err(at())?,
    }))
}

/// The word of a state in the database; an unknown one keeps the vendor's text.
pub fn state_word(state: &SaleState) -> String {
    match state {
        SaleState::Open => "open".into(),
        SaleState::Closed => "closed".into(),
        SaleState::Voided => "voided".into(),
        SaleState::Unknown(text) => format!("unknown: {text}"),
    }
}

/// Stores the newest version of each document (the caller has checked that it is newer); `existing` are those
/// whose old lines must go first.
pub fn save(tx: &mut Tx, connection: &str, sales: &[(&Sale, &str)], existing: &[&str], known_at: Timestamp) {
    let dialect = tx.dialect();
    if !existing.is_empty() {
        for sql in [DROP_OLD_LINES.text(dialect), DROP_OLD_TENDERS.text(dialect)] {
            tx.later(Statement::new(sql, "replacing sale lines").text(keys(existing.iter().copied())).text(connection));
        }
    }
    let (mut heads, mut lines, mut tenders) = (Rows::new(), Rows::new(), Rows::new());
    for (sale, inbox) in sales {
        let (source_type, source_id) = sale.source.as_ref().map_or(("", ""), |(t, i)| (t.as_str(), i.as_str()));
        let document = sale.document.as_str();
        heads.push(&[
            Cell::Text(document),
            Cell::Int(sale.version),
            Cell::Text(&state_word(&sale.state)),
            Cell::Text(sale.outlet.as_str()),
            Cell::Text(sale.register.as_deref().unwrap_or("")),
            Cell::Text(&sale.number),
            Cell::Int(sale.happened_at.micros()),
            Cell::Int(known_at.micros()),
            Cell::Text(sale.return_for.as_ref().map_or("", |d| d.as_str())),
            Cell::Text(source_type),
            Cell::Text(source_id),
            Cell::Int(sale.total.0),
            Cell::Int(sale.tax.0),
            Cell::Text(inbox),
        ]);
        for line in &sale.lines {
            lines.push(&[
                Cell::Text(document),
                Cell::Text(line.line.as_str()),
                Cell::Int(sale.version),
                Cell::Text(line.product.as_str()),
                Cell::Int(line.units),
                Cell::Int(i64::from(line.is_return)),
                Cell::Int(line.unit_price.0),
                Cell::Int(line.unit_discount.0),
                Cell::Int(line.unit_tax.0),
                Cell::Text(&line.price_text),
            ]);
        }
        for (position, tender) in (0i64..).zip(&sale.tenders) {
            tenders.push(&[
                Cell::Text(document),
                Cell::Int(position),
                Cell::Text(&tender.payment_type),
                Cell::Text(&tender.name),
                Cell::Int(tender.amount.to_minor().0),
                Cell::Int(tender.amount.0),
            ]);
        }
    }
    for (sql, rows) in [(UPSERT.text(dialect), heads), (LINES.text(dialect), lines), (TENDERS.text(dialect), tenders)] {
        if !rows.is_empty() {
            tx.later(Statement::new(sql, "storing sales").text(rows.into_json()).text(connection));
        }
    }
}
