//! What pages read: lists and single rows, bounded, over the readers.

use super::bulk::{RowsSql, keys, rows_sql};
use super::pushes::QUARTER;
use super::{Store, StoreError, listings};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// What a list of targets is asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Variants whose search words begin with this, or with each word of it; empty for all.
    pub search: String,
    /// Only this place; empty for all.
    pub place: String,
    /// Only rows that differ.
    pub differing: bool,
    /// Only rows with units on hold.
    pub held: bool,
    /// Column to sort by.
    pub sort: Sort,
    /// Descending.
    pub descending: bool,
}

/// Sort columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Size of the difference.
    #[default]
    Difference,
    /// Item name.
    Item,
    /// SKU.
    Sku,
    /// Till says.
    Till,
    /// Should show.
    Should,
    /// Web shows.
    Web,
}

/// One target as a list shows it.
#[derive(Debug, Clone)]
pub struct TargetRow {
    /// Variant.
    pub variant: String,
    /// Place id.
    pub place: String,
    /// Place name.
    pub place_name: String,
    /// Whether the place is live.
    pub live: bool,
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Price.
    pub price_fine: i64,
    /// Till, waiting, hold, buffer, checking, should, floored.
    pub till: i64,
    /// Waiting.
    pub waiting: i64,
    /// On hold.
    pub hold: i64,
    /// Buffer.
    pub buffer: i64,
    /// Being checked.
    pub checking: i64,
    /// Should show.
    pub should: i64,
    /// Below zero.
    pub floored: i64,
    /// Web shows, once read.
    pub web: Option<i64>,
    /// Since when it differs.
    pub differs_since: Timestamp,
    /// Generation, acknowledged, confirmed.
    pub generation: i64,
    /// Newest acknowledged generation.
    pub acknowledged: i64,
    /// State of the newest push.
    pub push_state: String,
    /// Its reason.
    pub push_reason: String,
    /// Since when.
    pub push_at: Timestamp,
    /// Next attempt.
    pub next_at: Timestamp,
    /// When the shop was last read.
    pub web_read_at: Timestamp,
    /// When the sum was last made.
    pub computed_at: Timestamp,
}

macro_rules! target_sql {
    ($rest:literal) => {
        concat!(
            "SELECT t.variant, t.place, p.name, p.live_since, t.item, t.sku, t.price_fine, t.till, t.waiting, t.hold,
                    t.buffer, t.checking, t.should, t.floored, t.web_known, t.web_sellable, t.differs_since,
                    t.generation, t.acknowledged, t.push_state, t.push_reason, t.push_at, t.next_at, t.web_read_at,
                    t.computed_at
             FROM target t JOIN place p ON p.id = t.place ",
            $rest
        )
    };
}

/// The words of a search, two parameters each; words that are not there are empty.
macro_rules! words_sql {
    () => {
        "(SELECT CAST($6 AS TEXT) AS low, CAST($7 AS TEXT) AS high
                 UNION SELECT CAST($8 AS TEXT) AS low, CAST($9 AS TEXT) AS high
                 UNION SELECT CAST($10 AS TEXT) AS low, CAST($11 AS TEXT) AS high
                 UNION SELECT CAST($12 AS TEXT) AS low, CAST($13 AS TEXT) AS high
                 UNION SELECT CAST($14 AS TEXT) AS low, CAST($15 AS TEXT) AS high
                 UNION SELECT CAST($16 AS TEXT) AS low, CAST($17 AS TEXT) AS high
                 UNION SELECT CAST($18 AS TEXT) AS low, CAST($19 AS TEXT) AS high
                 UNION SELECT CAST($20 AS TEXT) AS low, CAST($21 AS TEXT) AS high) AS word"
    };
}

/// Variants of a search: those that the text finds as it stands, and those that have every word of it. The kind is
/// compared so that no index serves it: SQLite would make one of all terms for each search.
macro_rules! searched_sql {
    () => {
        concat!(
            "($4 = '' OR t.variant IN (SELECT subject FROM search_term
                                       WHERE kind = 'variant' AND term >= $4 AND term < $5)
              OR (($23 = '' OR LOWER(t.item) LIKE $23 OR LOWER(t.sku) LIKE $24) AND t.variant IN (SELECT s.subject FROM ",
            words_sql!(),
            " CROSS JOIN search_term s WHERE s.kind || '' = 'variant' AND s.term >= word.low AND s.term < word.high
              GROUP BY s.subject HAVING COUNT(DISTINCT word.low) = $22)))"
        )
    };
}

macro_rules! sorted_sql {
    ($order:literal) => {
        concat!(
            "SELECT t.variant, t.place, p.name, p.live_since, t.item, t.sku, t.price_fine, t.till, t.waiting, t.hold,
                    t.buffer, t.checking, t.should, t.floored, t.web_known, t.web_sellable, t.differs_since,
                    t.generation, t.acknowledged, t.push_state, t.push_reason, t.push_at, t.next_at, t.web_read_at,
                    t.computed_at
             FROM target t JOIN place p ON p.id = t.place
             WHERE ($1 = '' OR t.place = $1) AND ($2 = 0 OR t.difference <> 0) AND ($3 = 0 OR t.hold > 0)
               AND ",
            searched_sql!(),
            " ORDER BY ",
            $order,
            " LIMIT $25 OFFSET $26"
        )
    };
}

fn target_row(row: &sqlx::any::AnyRow) -> Result<TargetRow, sqlx::Error> {
    Ok(TargetRow {
        variant: row.try_get(0)?,
        place: row.try_get(1)?,
        place_name: row.try_get(2)?,
        live: row.try_get::<i64, _>(3)? > 0,
        item: row.try_get(4)?,
        sku: row.try_get(5)?,
        price_fine: row.try_get(6)?,
        till: row.try_get(7)?,
        waiting: row.try_get(8)?,
        hold: row.try_get(9)?,
        buffer: row.try_get(10)?,
        checking: row.try_get(11)?,
        should: row.try_get(12)?,
        floored: row.try_get(13)?,
        web: if row.try_get::<i64, _>(14)? != 0 { Some(row.try_get(15)?) } else { None },
        differs_since: Timestamp(row.try_get(16)?),
        generation: row.try_get(17)?,
        acknowledged: row.try_get(18)?,
        push_state: row.try_get(19)?,
        push_reason: row.try_get(20)?,
        push_at: Timestamp(row.try_get(21)?),
        next_at: Timestamp(row.try_get(22)?),
        web_read_at: Timestamp(row.try_get(23)?),
        computed_at: Timestamp(row.try_get(24)?),
    })
}

fn sorted(filter: &Filter) -> &'static str {
    match (filter.sort, filter.descending) {
        (Sort::Difference, true) => sorted_sql!("ABS(t.difference) DESC, t.floored DESC, t.item, t.variant, t.place"),
        (Sort::Difference, false) => sorted_sql!("ABS(t.difference), t.item, t.variant, t.place"),
        (Sort::Item, true) => sorted_sql!("t.item DESC, t.variant, t.place"),
        (Sort::Item, false) => sorted_sql!("t.item, t.variant, t.place"),
        (Sort::Sku, true) => sorted_sql!("t.sku DESC, t.variant, t.place"),
        (Sort::Sku, false) => sorted_sql!("t.sku, t.variant, t.place"),
        (Sort::Till, true) => sorted_sql!("t.till DESC, t.item, t.variant, t.place"),
        (Sort::Till, false) => sorted_sql!("t.till, t.item, t.variant, t.place"),
        (Sort::Should, true) => sorted_sql!("t.should DESC, t.item, t.variant, t.place"),
        (Sort::Should, false) => sorted_sql!("t.should, t.item, t.variant, t.place"),
        (Sort::Web, true) => sorted_sql!("t.web_sellable DESC, t.item, t.variant, t.place"),
        (Sort::Web, false) => sorted_sql!("t.web_sellable, t.item, t.variant, t.place"),
    }
}

fn bounds(search: &str) -> (String, String) {
    let from = listings::normal(search);
    let to = if from.is_empty() { String::new() } else { format!("{from}\u{10ffff}") };
    (from, to)
}

/// Words of a search that count; more only make it slower. As many as [`words_sql`] has.
const WORDS: usize = 8;

/// The words of a search, each once; `of` makes the two parameters of one. How many there are.
fn words(search: &str, of: impl Fn(&str) -> (String, String)) -> (Vec<(String, String)>, i64) {
    let mut words = listings::words(search);
    words.retain(|word| word.chars().count() > 1);
    words.sort_unstable();
    words.dedup();
    words.truncate(WORDS);
    let many = i64::try_from(words.len()).unwrap_or(0);
    let mut pairs: Vec<(String, String)> = words.iter().map(|word| of(word)).collect();
    pairs.resize(WORDS, (String::new(), String::new()));
    (pairs, many)
}

/// A size is often one letter, which the index of words has not: the first one as the beginning of a word of the item,
/// and of a part of the SKU.
fn letter(search: &str) -> (String, String) {
    let words = listings::words(search);
    let letter = words.iter().find(|word| word.chars().count() == 1);
    letter.map_or_else(Default::default, |letter| (format!("% {letter}%"), format!("%-{letter}%")))
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind_words(query: Query<'_>, pairs: Vec<(String, String)>) -> Query<'_> {
    pairs.into_iter().fold(query, |query, (low, high)| query.bind(low).bind(high))
}

/// Rows of a page.
pub async fn targets(store: &Store, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<TargetRow>, StoreError> {
    let (from, to) = bounds(&filter.search);
    let (pairs, many) = words(&filter.search, bounds);
    let letter = letter(&filter.search);
    let query = sqlx::query(sorted(filter))
        .bind(&filter.place)
        .bind(i64::from(filter.differing))
        .bind(i64::from(filter.held))
        .bind(from)
        .bind(to);
    let rows = bind_words(query, pairs)
        .bind(many)
        .bind(letter.0)
        .bind(letter.1)
        .bind(limit)
        .bind(offset)
        .fetch_all(store.read())
        .await
        .map_err(at("reading the stock list"))?;
    rows.iter().map(target_row).collect::<Result<_, _>>().map_err(at("reading the stock list"))
}

/// How many rows match.
pub async fn count(store: &Store, filter: &Filter) -> Result<i64, StoreError> {
    let (from, to) = bounds(&filter.search);
    let (pairs, many) = words(&filter.search, bounds);
    let letter = letter(&filter.search);
    let query = sqlx::query(concat!(
        "SELECT COUNT(*) FROM target t
         WHERE ($1 = '' OR t.place = $1) AND ($2 = 0 OR t.difference <> 0) AND ($3 = 0 OR t.hold > 0) AND ",
        searched_sql!()
    ))
    .bind(&filter.place)
    .bind(i64::from(filter.differing))
    .bind(i64::from(filter.held))
    .bind(from)
    .bind(to);
    bind_words(query, pairs)
        .bind(many)
        .bind(letter.0)
        .bind(letter.1)
        .fetch_one(store.read())
        .await
        .and_then(|row| row.try_get(0))
        .map_err(at("counting the stock list"))
}

/// All targets, differing ones with their units, equal ones, and how many have been read in the shop; and the
/// value that should show, whole and of the equal ones, in fine units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// SKU and place pairs.
    pub all: i64,
    /// Read in the shop at least once.
    pub read: i64,
    /// Differing pairs.
    pub differing: i64,
    /// Units by which they differ.
    pub units: i64,
    /// Value that should show.
    pub value: i64,
    /// Value of the pairs that are read and equal.
    pub value_equal: i64,
}

/// See [`Totals`].
pub async fn totals(store: &Store) -> Result<Totals, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*), COALESCE(CAST(SUM(web_known) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN difference <> 0 THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(ABS(difference)) AS BIGINT), 0),
                COALESCE(CAST(SUM(should * price_fine) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN web_known = 1 AND difference = 0 THEN should * price_fine ELSE 0 END)
                              AS BIGINT), 0)
         FROM target",
    )
    .fetch_one(store.read())
    .await
    .map_err(at("summing the stock list"))?;
    let cell = |i: usize| row.try_get::<i64, _>(i);
    (|| {
        Ok(Totals {
            all: cell(0)?,
            read: cell(1)?,
            differing: cell(2)?,
            units: cell(3)?,
            value: cell(4)?,
            value_equal: cell(5)?,
        })
    })()
    .map_err(at("summing the stock list"))
}

/// The targets of one variant.
pub async fn of_variant(store: &Store, variant: &str) -> Result<Vec<TargetRow>, StoreError> {
    let rows = sqlx::query(target_sql!("WHERE t.variant = $1 ORDER BY p.name, t.place"))
        .bind(variant)
        .fetch_all(store.read())
        .await
        .map_err(at("reading a SKU"))?;
    rows.iter().map(target_row).collect::<Result<_, _>>().map_err(at("reading a SKU"))
}

/// The targets of one place that would be written, and how many would not: for *Go live*.
pub async fn of_place(store: &Store, place: &str, limit: i64) -> Result<Vec<TargetRow>, StoreError> {
    let rows = sqlx::query(target_sql!("WHERE t.place = $1 ORDER BY ABS(t.difference) DESC, t.item LIMIT $2"))
        .bind(place)
        .bind(limit)
        .fetch_all(store.read())
        .await
        .map_err(at("reading a place"))?;
    rows.iter().map(target_row).collect::<Result<_, _>>().map_err(at("reading a place"))
}

/// An item that is not linked.
#[derive(Debug, Clone)]
pub struct UnlinkedRow {
    /// Item.
    pub item: String,
    /// SKU.
    pub sku: String,
    /// Connection name.
    pub connection: String,
    /// "till" or "shop".
    pub side: String,
    /// Units at the till.
    pub units: i64,
    /// Items of its own system with this SKU, itself among them; letter case and blanks around it apart.
    pub same_here: i64,
    /// Items of the other side with this SKU, letter case and blanks around it apart.
    pub same_there: i64,
    /// The most of them in one system.
    pub most_there: i64,
    /// Those that are written exactly alike.
    pub exact_there: i64,
    /// Those that can be linked: counted at the till, and no bundle.
    pub fit_there: i64,
    /// Its option words, and those of the one that is written exactly alike.
    pub options: (String, String),
    /// What the till has of it at its price, in fine units.
    pub value_fine: i64,
}

macro_rules! unlinked_sql {
    ($what:literal, $rest:literal) => {
        concat!(
            $what,
            " FROM listing l JOIN connection c ON c.id = l.connection
             WHERE l.variant = '' AND l.archived = 0 AND l.counted = 1 AND l.bundle = 0
               AND ($1 = '' OR l.sku_key LIKE $1 ESCAPE '!' OR l.barcode LIKE $1 ESCAPE '!'
                    OR LOWER(l.name) LIKE $1 ESCAPE '!' OR l.name LIKE $2 ESCAPE '!'
                    OR ($6 <> '' AND NOT EXISTS (SELECT 1 FROM ",
            words_sql!(),
            " WHERE word.low <> '' AND NOT (l.sku_key LIKE word.low ESCAPE '!' OR l.barcode LIKE word.low ESCAPE '!'
                        OR LOWER(l.name) LIKE word.low ESCAPE '!' OR l.name LIKE word.high ESCAPE '!'
                        OR LOWER(l.options) LIKE word.low ESCAPE '!'))))
               AND ($3 = 0)
               AND ($4 = 0 OR EXISTS (SELECT 1 FROM hold h WHERE h.connection = l.connection
                                      AND h.product = l.product AND h.released_at = 0))
               AND ($5 = '' OR EXISTS (SELECT 1 FROM place p WHERE p.id = $5 AND p.connection = l.connection)
                    OR EXISTS (SELECT 1 FROM till_count t
                               JOIN outlet o ON o.connection = t.connection AND o.outlet = t.outlet
                               WHERE o.place = $5 AND t.connection = l.connection AND t.product = l.product))",
            $rest
        )
    };
}

/// The patterns of a search inside words: lower case, and as it was typed.
fn patterns(search: &str) -> (String, String) {
    let typed = search.split_whitespace().collect::<Vec<_>>().join(" ");
    let pattern = |text: &str| {
        let text = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        if text.is_empty() { text } else { format!("%{text}%") }
    };
    (pattern(&typed.to_lowercase()), pattern(&typed))
}

/// Counted items without a twin that match, most value at the till first. They differ from nothing, so a list of
/// differences has none of them.
pub async fn unlinked(store: &Store, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<UnlinkedRow>, StoreError> {
    let (lower, typed) = patterns(&filter.search);
    let (pairs, _) = words(&filter.search, patterns);
    let query = sqlx::query(concat!(
        unlinked_sql!(
            "WITH page AS (SELECT l.connection, l.name, l.options, l.sku, l.sku_key, c.name AS system, c.side,
                    COALESCE(CAST((SELECT SUM(t.units + t.after_units) FROM till_count t
                                   WHERE t.connection = l.connection AND t.product = l.product) AS BIGINT), 0) AS held,
                    COALESCE(CAST((SELECT CASE WHEN SUM(t.units + t.after_units) > 0
                                               THEN SUM(t.units + t.after_units) * l.price_fine ELSE 0 END
                                   FROM till_count t
                                   WHERE t.connection = l.connection AND t.product = l.product) AS BIGINT), 0) AS worth",
            " ORDER BY worth DESC, held DESC, l.name, l.sku, l.product LIMIT $22 OFFSET $23)"
        ),
        " SELECT page.name, page.options, page.sku, page.system, page.side, page.held,
                 (SELECT COUNT(*) FROM listing x WHERE x.connection = page.connection AND x.sku_key = page.sku_key
                  AND x.archived = 0),
                 (SELECT COUNT(*) FROM listing x JOIN connection y ON y.id = x.connection AND y.side <> page.side
                  WHERE x.sku_key = page.sku_key AND x.archived = 0),
                 COALESCE((SELECT MAX(n) FROM (
                     SELECT COUNT(*) AS n FROM listing x JOIN connection y ON y.id = x.connection AND y.side <> page.side
                     WHERE x.sku_key = page.sku_key AND x.archived = 0 GROUP BY x.connection) AS each_system), 0),
                 (SELECT COUNT(*) FROM listing x JOIN connection y ON y.id = x.connection AND y.side <> page.side
                  WHERE x.sku_key = page.sku_key AND x.archived = 0 AND x.sku = page.sku),
                 (SELECT COUNT(*) FROM listing x JOIN connection y ON y.id = x.connection AND y.side <> page.side
                  WHERE x.sku_key = page.sku_key AND x.archived = 0 AND x.bundle = 0
                    AND (y.side = 'shop' OR x.counted = 1)),
                 COALESCE((SELECT MIN(x.options) FROM listing x JOIN connection y ON y.id = x.connection AND y.side <> page.side
                  WHERE x.sku_key = page.sku_key AND x.archived = 0 AND x.sku = page.sku), ''), page.worth
          FROM page ORDER BY page.worth DESC, page.held DESC, page.name, page.sku"
    ))
    .bind(lower)
    .bind(typed)
    .bind(i64::from(filter.differing))
    .bind(i64::from(filter.held))
    .bind(&filter.place);
    let rows = bind_words(query, pairs)
        .bind(limit)
        .bind(offset)
        .fetch_all(store.read())
        .await
        .map_err(at("reading what is not linked"))?;
    rows.iter()
        .map(|row| {
            let (name, options): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            Ok(UnlinkedRow {
                item: listings::item_name(&name, &options),
                sku: row.try_get(2)?,
                connection: row.try_get(3)?,
                side: row.try_get(4)?,
                units: row.try_get(5)?,
                same_here: row.try_get(6)?,
                same_there: row.try_get(7)?,
                most_there: row.try_get(8)?,
                exact_there: row.try_get(9)?,
                fit_there: row.try_get(10)?,
                options: (options, row.try_get(11)?),
                value_fine: row.try_get(12)?,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading what is not linked"))
}

/// How many of [`unlinked`] match.
pub async fn unlinked_count(store: &Store, filter: &Filter) -> Result<i64, StoreError> {
    let (lower, typed) = patterns(&filter.search);
    let (pairs, _) = words(&filter.search, patterns);
    let query = sqlx::query(unlinked_sql!("SELECT COUNT(*)", ""))
        .bind(lower)
        .bind(typed)
        .bind(i64::from(filter.differing))
        .bind(i64::from(filter.held))
        .bind(&filter.place);
    bind_words(query, pairs)
        .fetch_one(store.read())
        .await
        .and_then(|row| row.try_get(0))
        .map_err(at("counting what is not linked"))
}

/// Sales and units since an instant, per outlet: name, closed sales and returns, units that left. Counted side by side:
/// on a busy day each walks over many rows of an index.
pub async fn sales_since(store: &Store, since: Timestamp) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let closed = sqlx::query(
        "SELECT o.id, o.name, (SELECT COUNT(*) FROM sale s
                               WHERE s.connection = o.connection AND s.outlet = o.outlet AND s.happened_at >= $1
                                 AND s.state = 'closed')
         FROM outlet o WHERE o.archived = 0 ORDER BY o.name, o.id",
    )
    .bind(since.micros());
    let left = sqlx::query(
        "SELECT o.id, COALESCE((SELECT CAST(-SUM(m.units) AS BIGINT) FROM movement m
                                WHERE m.connection = o.connection AND m.outlet = o.outlet AND m.happened_at >= $1
                                  AND m.cause <> 'unexplained'), 0)
         FROM outlet o WHERE o.archived = 0",
    )
    .bind(since.micros());
    let counting = "counting today's sales";
    let (closed, left) =
        tokio::try_join!(closed.fetch_all(store.read()), left.fetch_all(store.read())).map_err(at(counting))?;
    let left: HashMap<String, i64> = left
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at(counting))?;
    closed
        .iter()
        .map(|row| Ok((row.try_get(1)?, row.try_get(2)?, left.get(row.try_get::<&str, _>(0)?).copied().unwrap_or(0))))
        .collect::<Result<_, _>>()
        .map_err(at(counting))
}

/// Push outcomes since the quarter of an hour of an instant began: state word → how many.
pub async fn push_states_since(store: &Store, since: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    // Grouped in the order of the index first: sorting is what takes long.
    let rows = sqlx::query(
        "SELECT state, CAST(SUM(n) AS BIGINT) FROM (
             SELECT quarter, state, COUNT(*) AS n FROM push WHERE quarter >= $1 AND answered_at > 0
             GROUP BY quarter, state) AS counted
         GROUP BY state ORDER BY state",
    )
    .bind(since.micros().div_euclid(QUARTER.0))
    .fetch_all(store.read())
    .await
    .map_err(at("counting writes"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("counting writes"))
}

/// A sale, return or order by its number: (kind, variant of each line, number).
pub async fn by_number(store: &Store, number: &str, limit: i64) -> Result<Vec<(String, String, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT CASE WHEN x.is_return = 1 OR x.units < 0 THEN 'return' ELSE 'sale' END, COALESCE(l.variant, ''), s.number
         FROM sale s JOIN sale_line x ON x.connection = s.connection AND x.document = s.document
         JOIN listing l ON l.connection = x.connection AND l.product = x.product
         WHERE s.number = $1
         UNION ALL
         SELECT 'order', COALESCE(l.variant, ''), o.number
         FROM web_order o JOIN web_order_line w ON w.connection = o.connection AND w.document = o.document
         JOIN listing l ON l.connection = w.connection AND l.product = w.product
         WHERE o.number = $1 LIMIT $2",
    )
    .bind(number)
    .bind(limit)
    .fetch_all(store.read())
    .await
    .map_err(at("searching by number"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, _>>()
        .map_err(at("searching by number"))
}

const ITEMS: RowsSql =
    rows_sql!("SELECT v.id, v.item, v.sku FROM", "CROSS JOIN variant v WHERE v.id = each.value->>0 ORDER BY v.item");

/// Item and SKU of variants.
pub async fn items(store: &Store, variants: &[&str]) -> Result<Vec<(String, String, String)>, StoreError> {
    let rows = sqlx::query(ITEMS.text(store.dialect()))
        .bind(keys(variants.iter().copied()))
        .fetch_all(store.read())
        .await
        .map_err(at("reading variants"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading variants"))
}
