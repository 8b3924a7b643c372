//! Variants, the listings they have on each system, the links between them, and the words a search finds.

use super::bulk::{Cell, Rows, RowsSql, keys, rows_sql};
use super::question::{Question, first};
use super::script::{Done, Statement};
use super::{Dialect, Store, StoreError, Tx};
use crate::domain::fact::Listing;
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// What the count needs to know of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Our variant, empty while not linked.
    pub variant: String,
    /// Whether the system counts it.
    pub counted: bool,
}

const KNOWN: RowsSql = rows_sql!(
    "SELECT l.product, l.variant, l.counted FROM",
    "CROSS JOIN listing l WHERE l.connection = $2 AND l.product = each.value->>0"
);
const UPSERT: RowsSql = rows_sql!(
    "INSERT INTO listing (connection, product, style, name, options, sku, sku_key, barcode, archived, counted, bundle,
                          price_fine, version, known_at)
     SELECT $2, each.value->>0, each.value->>1, each.value->>2, each.value->>3, each.value->>4, each.value->>5,
            each.value->>6, CAST(each.value->>7 AS BIGINT), CAST(each.value->>8 AS BIGINT),
            CAST(each.value->>9 AS BIGINT), CAST(each.value->>10 AS BIGINT), CAST(each.value->>11 AS BIGINT), $3 FROM",
    "WHERE true ON CONFLICT (connection, product) DO UPDATE SET
        style = excluded.style, name = excluded.name, options = excluded.options, sku = excluded.sku,
        sku_key = excluded.sku_key, barcode = excluded.barcode, archived = excluded.archived,
        counted = excluded.counted, bundle = excluded.bundle,
        price_fine = CASE WHEN excluded.price_fine = 0 THEN listing.price_fine ELSE excluded.price_fine END,
        version = excluded.version, known_at = excluded.known_at
     WHERE excluded.version >= listing.version"
);
const VARIANTS: RowsSql = rows_sql!(
    "INSERT INTO variant (id, sku, item, barcode, created_at)
     SELECT each.value->>0, each.value->>1, each.value->>2, each.value->>3, $2 FROM",
    ""
);
const LINK: RowsSql = rows_sql!(
    "UPDATE listing SET variant = each.value->>2 FROM",
    "WHERE listing.connection = each.value->>0 AND listing.product = each.value->>1"
);
const LINK_HISTORY: RowsSql = rows_sql!(
    "INSERT INTO link (connection, product, variant, from_at, made_by)
     SELECT each.value->>0, each.value->>1, each.value->>2, $2, 'same SKU' FROM",
    ""
);
const TERMS: RowsSql = rows_sql!(
    "INSERT INTO search_term (term, kind, subject)
     SELECT each.value->>0, each.value->>1, each.value->>2 FROM",
    "WHERE true ON CONFLICT (term, kind, subject) DO NOTHING"
);

/// The question what is known of these products; its answer is for [`known_from`].
pub(crate) fn ask_known<'a>(
    dialect: Dialect,
    connection: &str,
    products: impl IntoIterator<Item = &'a str>,
) -> Statement {
    Statement::new(KNOWN.text(dialect), "reading listings").text(keys(products)).text(connection)
}

/// What is known of these products of a connection.
pub async fn known(tx: &mut Tx, connection: &str, products: &[&str]) -> Result<HashMap<String, Known>, StoreError> {
    let question = ask_known(tx.dialect(), connection, products.iter().copied());
    known_from(&tx.ask(vec![question]).await?.pop().unwrap_or_default())
}

/// What is known of the products asked for.
pub(crate) fn known_from(answer: &Done) -> Result<HashMap<String, Known>, StoreError> {
    answer
        .rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, Known { variant: row.try_get(1)?, counted: row.try_get::<i64, _>(2)? != 0 })))
        .collect::<Result<_, _>>()
        .map_err(at("reading listings"))
}

/// The key under which two systems' SKUs are compared: trimmed, lower case. The SKU itself is kept byte for byte.
pub fn sku_key(sku: &str) -> String {
    sku.trim().to_lowercase()
}

/// Stores listings; an older version never replaces a newer one.
pub async fn save(tx: &mut Tx, connection: &str, listings: &[&Listing], now: Timestamp) -> Result<(), StoreError> {
    if listings.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new();
    for l in listings {
        rows.push(&[
            Cell::Text(l.product.as_str()),
            Cell::Text(l.style.as_deref().unwrap_or("")),
            Cell::Text(&l.name),
            Cell::Text(&l.options.join(" / ")),
            Cell::Text(&l.sku),
            Cell::Text(&sku_key(&l.sku)),
            Cell::Text(l.barcode.as_deref().unwrap_or("")),
            Cell::Int(i64::from(l.archived)),
            Cell::Int(i64::from(l.counted)),
            Cell::Int(i64::from(l.bundle)),
            Cell::Int(l.price.map_or(0, |p| p.0)),
            Cell::Int(l.version.unwrap_or(0)),
        ]);
    }
    sqlx::query(UPSERT.text(tx.dialect()))
        .bind(rows.into_json())
        .bind(connection)
        .bind(now.micros())
        .execute(tx.conn().await?)
        .await
        .map_err(at("storing listings"))?;
    Ok(())
}

/// A pair of listings that may be linked: both sides have this SKU exactly once.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Till connection and product.
    pub till: (String, String),
    /// Shop connection and product.
    pub shop: (String, String),
    /// Variant that one of them already has, or empty.
    pub variant: String,
    /// Item name for people.
    pub item: String,
    /// SKU as the till has it.
    pub sku: String,
    /// Barcode.
    pub barcode: String,
    /// The option words of the till and of the shop.
    pub options: (String, String),
}

/// Listings with the same SKU, letter for letter, at least one of them not linked yet. Where a side has another SKU
/// that differs only in case or blanks around it, nothing is linked: what looks alike is for a person. Bundles,
/// uncounted and archived rows are never linked by themselves. Only listings of `whole` connections count, those
/// whose catalogue has been read to its end: on a page not read yet there may be a second one. The first `skip` are
/// left out.
pub async fn unlinked_pairs(tx: &mut Tx, whole: &[&str], skip: i64, limit: i64) -> Result<Vec<Pair>, StoreError> {
    const PAIRS: RowsSql = rows_sql!(
        // From the SKUs that have somebody without a twin; the other way round would read both catalogues.
        "WITH whole AS (SELECT each.value->>0 AS id FROM",
        ")
         SELECT t.connection, t.product, s.connection, s.product,
                CASE WHEN t.variant <> '' THEN t.variant ELSE s.variant END,
                t.name, t.options, t.sku, CASE WHEN t.barcode <> '' THEN t.barcode ELSE s.barcode END, s.options
         FROM (SELECT DISTINCT sku_key FROM listing WHERE variant = '' AND archived = 0 AND sku_key <> '') AS open
         CROSS JOIN listing t
         JOIN connection tc ON tc.id = t.connection AND tc.side = 'till'
         JOIN listing s ON s.sku_key = t.sku_key
         JOIN connection sc ON sc.id = s.connection AND sc.side = 'shop'
         WHERE t.sku_key = open.sku_key AND t.sku = s.sku AND t.archived = 0 AND s.archived = 0 AND t.counted = 1
           AND t.bundle = 0 AND s.bundle = 0
           AND t.connection IN (SELECT id FROM whole) AND s.connection IN (SELECT id FROM whole)
           AND (t.variant = '' OR s.variant = '') AND (t.variant = '' OR s.variant = '' OR t.variant = s.variant)
           AND (SELECT COUNT(*) FROM listing x WHERE x.connection = t.connection AND x.sku_key = t.sku_key
                AND x.archived = 0) = 1
           AND (SELECT COUNT(*) FROM listing x WHERE x.connection = s.connection AND x.sku_key = s.sku_key
                AND x.archived = 0) = 1
         ORDER BY t.connection, t.product, s.connection LIMIT $2 OFFSET $3"
    );
    let question = Statement::new(PAIRS.text(tx.dialect()), "finding twins");
    let rows = tx.rows(question.text(keys(whole.iter().copied())).int(limit).int(skip)).await?;
    rows.iter()
        .map(|row| {
            let (name, options): (String, String) = (row.try_get(5)?, row.try_get(6)?);
            Ok(Pair {
                till: (row.try_get(0)?, row.try_get(1)?),
                shop: (row.try_get(2)?, row.try_get(3)?),
                variant: row.try_get(4)?,
                item: item_name(&name, &options),
                options: (options, row.try_get(9)?),
                sku: row.try_get(7)?,
                barcode: row.try_get(8)?,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("finding twins"))
}

/// "Linen Shirt, White M".
pub fn item_name(name: &str, options: &str) -> String {
    if options.is_empty() { name.to_owned() } else { format!("{name}, {}", options.replace(" / ", " ")) }
}

/// Makes new variants: (id, sku, item, barcode).
pub async fn make_variants(
    tx: &mut Tx,
    variants: &[(String, String, String, String)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if variants.is_empty() {
        return Ok(());
    }
    let (mut rows, mut terms) = (Rows::new(), Rows::new());
    for (id, sku, item, barcode) in variants {
        rows.push(&[Cell::Text(id), Cell::Text(sku), Cell::Text(item), Cell::Text(barcode)]);
        for term in search_terms(&[sku, item, barcode]) {
            terms.push(&[Cell::Text(&term), Cell::Text("variant"), Cell::Text(id)]);
        }
    }
    sqlx::query(VARIANTS.text(tx.dialect()))
        .bind(rows.into_json())
        .bind(now.micros())
        .execute(tx.conn().await?)
        .await
        .map_err(at("making variants"))?;
    if !terms.is_empty() {
        sqlx::query(TERMS.text(tx.dialect()))
            .bind(terms.into_json())
            .execute(tx.conn().await?)
            .await
            .map_err(at("indexing words"))?;
    }
    Ok(())
}

/// Words under which something is found: each text whole (a SKU with its dashes) and its single words, normalised.
pub fn search_terms(texts: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for text in texts {
        let whole = normal(text);
        for word in whole.split(|c: char| !c.is_alphanumeric()).filter(|w| w.chars().count() > 1) {
            out.push(word.chars().take(64).collect());
        }
        if !whole.is_empty() {
            out.push(whole.chars().take(64).collect());
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Lower case, trimmed, inner white space as single blanks.
pub fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The words of a text, lower case, told apart as the index does.
pub fn words(text: &str) -> Vec<String> {
    let text = normal(text);
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Links listings (connection, product) to variants, and writes the history.
pub async fn link(tx: &mut Tx, links: &[(String, String, String)], now: Timestamp) -> Result<(), StoreError> {
    if links.is_empty() {
        return Ok(());
    }
    let json = || {
        let mut rows = Rows::new();
        for (connection, product, variant) in links {
            rows.push(&[Cell::Text(connection), Cell::Text(product), Cell::Text(variant)]);
        }
        rows.into_json()
    };
    sqlx::query(LINK.text(tx.dialect())).bind(json()).execute(tx.conn().await?).await.map_err(at("linking"))?;
    sqlx::query(LINK_HISTORY.text(tx.dialect()))
        .bind(json())
        .bind(now.micros())
        .execute(tx.conn().await?)
        .await
        .map_err(at("writing the link history"))?;
    Ok(())
}

/// How many counted, unarchived items have no twin: (on the till, in the shop, units at the till).
pub fn unlinked() -> Question<(i64, i64, i64)> {
    const SQL: &str = "SELECT COALESCE(CAST(SUM(CASE WHEN c.side = 'till' THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN c.side = 'shop' THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(COALESCE((SELECT SUM(t.units + t.after_units) FROM till_count t
                    WHERE t.connection = l.connection AND t.product = l.product), 0)) AS BIGINT), 0)
         FROM listing l JOIN connection c ON c.id = l.connection
         WHERE l.variant = '' AND l.archived = 0 AND l.counted = 1 AND l.bundle = 0";
    Question::new(Statement::new(SQL, "counting what is not linked"), |rows| {
        let row = first(rows)?;
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })
}

/// Subjects whose search words begin with `prefix`, at most `limit`: (kind, subject). Those of which it is a whole SKU,
/// barcode, name or word come first, so that a limit never hides them.
pub async fn find(store: &Store, prefix: &str, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    let from = normal(prefix);
    if from.is_empty() {
        return Ok(Vec::new());
    }
    // The first text that no longer begins with the prefix, in code point order.
    let to = format!("{from}\u{10ffff}");
    let rows = sqlx::query(
        "SELECT kind, subject FROM search_term WHERE term >= $1 AND term < $2 GROUP BY kind, subject
         ORDER BY MIN(CASE WHEN term = $1 THEN 0 ELSE 1 END), kind, subject LIMIT $3",
    )
    .bind(from)
    .bind(to)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("searching"))?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>().map_err(at("searching"))
}

/// Variant ids after one, in order.
pub async fn variants_after(store: &Store, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query("SELECT id FROM variant WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(store.read())
        .await
        .map_err(at("reading variants"))?;
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(at("reading variants"))
}
