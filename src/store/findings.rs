//! Questions across tables whose answers may need a person.

use super::pushes::QUARTER;
use super::question::{Question, each, first};
use super::script::Statement;
use super::{Store, StoreError};
use crate::domain::problem::KEY_REFUSED;
use crate::domain::push::PACED;
use crate::domain::time::Timestamp;
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// A write that does not get through.
#[derive(Debug, Clone)]
pub struct StuckWrite {
    /// Variant.
    pub variant: String,
    /// Place.
    pub place: String,
    /// Item name.
    pub item: String,
    /// "refused", "unknown", "not shown".
    pub state: String,
    /// The shop's words, or ours.
    pub reason: String,
    /// Should show.
    pub should: i64,
    /// Web shows.
    pub web: i64,
    /// Price.
    pub price_fine: i64,
}

/// Writes that the shop has taken so often without showing them.
const TAKEN_AND_NOT_SHOWN: i64 = 4;

/// Writes of live places refused or unknown since before `since`, or taken again and again and not shown.
pub fn stuck_writes(since: Timestamp, limit: i64) -> Question<Vec<StuckWrite>> {
    const SQL: &str =
        "SELECT * FROM (
             SELECT t.variant, t.place, t.item, t.push_state, t.push_reason, t.should, t.web_sellable, t.price_fine,
                    t.cause_at
             FROM target t JOIN place p ON p.id = t.place AND p.live_since > 0
             WHERE t.generation > t.acknowledged AND t.push_state IN ('refused', 'unknown') AND t.cause_at < $1
             UNION ALL
             SELECT t.variant, t.place, t.item, 'not shown', 'every write was taken, and none is seen when we read it back',
                    t.should, t.web_sellable, t.price_fine, t.cause_at
             FROM target t JOIN place p ON p.id = t.place AND p.live_since > 0
             WHERE t.difference <> 0 AND t.attempt >= $3 AND t.push_state IN ('again', 'sent', 'accepted')
         ) AS stuck ORDER BY cause_at LIMIT $2";
    let statement =
        Statement::new(SQL, "looking for stuck writes").int(since.micros()).int(limit).int(TAKEN_AND_NOT_SHOWN);
    Question::new(statement, |rows| {
        each(rows, |row| {
            Ok(StuckWrite {
                variant: row.try_get(0)?,
                place: row.try_get(1)?,
                item: row.try_get(2)?,
                state: row.try_get(3)?,
                reason: row.try_get(4)?,
                should: row.try_get(5)?,
                web: row.try_get(6)?,
                price_fine: row.try_get(7)?,
            })
        })
    })
}

/// A target with more promised than there is.
#[derive(Debug, Clone)]
pub struct Oversold {
    /// Variant.
    pub variant: String,
    /// Place.
    pub place: String,
    /// Item name.
    pub item: String,
    /// Till says.
    pub till: i64,
    /// Promised to web orders.
    pub waiting: i64,
    /// On hold.
    pub hold: i64,
    /// Being checked.
    pub checking: i64,
    /// By how much the till falls short of all three.
    pub short: i64,
    /// Web units among these that nothing is left for.
    pub over: i64,
    /// Price.
    pub price_fine: i64,
}

/// Targets whose sum fell below zero because of web orders.
pub fn oversold(limit: i64) -> Question<Vec<Oversold>> {
    // The buffer is kept back for nobody: what falls into it is not oversold.
    const SQL: &str = "SELECT variant, place, item, till, waiting, hold, checking, floored - buffer,
                CASE WHEN floored - buffer < waiting THEN floored - buffer ELSE waiting END AS units_over, price_fine
         FROM target WHERE floored > buffer AND waiting > 0 ORDER BY units_over DESC, item LIMIT $1";
    Question::new(Statement::new(SQL, "looking for oversold items").int(limit), |rows| {
        each(rows, |row| {
            Ok(Oversold {
                variant: row.try_get(0)?,
                place: row.try_get(1)?,
                item: row.try_get(2)?,
                till: row.try_get(3)?,
                waiting: row.try_get(4)?,
                hold: row.try_get(5)?,
                checking: row.try_get(6)?,
                short: row.try_get(7)?,
                over: row.try_get(8)?,
                price_fine: row.try_get(9)?,
            })
        })
    })
}

/// Live targets of shops at work that have differed since before `since`: how many, units, value in fine units.
pub fn differing(since: Timestamp) -> Question<(i64, i64, i64)> {
    const SQL: &str = "SELECT COUNT(*), COALESCE(CAST(SUM(ABS(t.difference)) AS BIGINT), 0),
                COALESCE(CAST(SUM(ABS(t.difference) * t.price_fine) AS BIGINT), 0)
         FROM target t JOIN place p ON p.id = t.place AND p.live_since > 0
         JOIN connection c ON c.id = p.connection AND c.paused_at = 0
         WHERE t.difference <> 0 AND t.differs_since > 0 AND t.differs_since < $1";
    Question::new(Statement::new(SQL, "looking for differences").int(since.micros()), |rows| {
        let row = first(rows)?;
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })
}

/// What those of [`differing`] wait for, most first: the state of the newest write (empty when none waits), whether it
/// is our own allowance that it waits for, and how many. "key" is a write that failed because our key was refused.
pub fn causes(since: Timestamp) -> Question<Vec<(String, bool, i64)>> {
    const SQL: &str =
        "SELECT state, paced, COUNT(*) AS many FROM (
             SELECT CASE WHEN t.generation = t.acknowledged THEN '' WHEN t.push_state = '' THEN 'due'
                         WHEN t.push_state = 'failed' AND t.push_reason LIKE $3 THEN 'key'
                         ELSE t.push_state END AS state,
                    CASE WHEN t.push_state = 'throttled' AND t.push_reason LIKE $2 THEN CAST(1 AS BIGINT) ELSE 0 END AS paced
             FROM target t JOIN place p ON p.id = t.place AND p.live_since > 0
             JOIN connection c ON c.id = p.connection AND c.paused_at = 0
             WHERE t.difference <> 0 AND t.differs_since > 0 AND t.differs_since < $1) AS waiting
         GROUP BY state, paced ORDER BY many DESC, state, paced";
    let statement = Statement::new(SQL, "looking for the causes of differences")
        .int(since.micros())
        .text(format!("{PACED}%"))
        .text(format!("{KEY_REFUSED}%"));
    Question::new(statement, |rows| {
        each(rows, |row| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)? > 0, row.try_get(2)?)))
    })
}

/// A place that was written to and is not now, and by how much it shows something else than it should.
#[derive(Debug, Clone)]
pub struct NotWritten {
    /// Place.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Whether the shop's connection is paused; otherwise somebody stopped writing.
    pub paused: bool,
    /// Since when it is not written.
    pub since: Timestamp,
    /// Time zone of an outlet that feeds it; may be empty.
    pub zone: String,
    /// SKUs that show too many, and by how much.
    pub over: (i64, i64),
    /// SKUs that show too few, and by how much.
    pub under: (i64, i64),
    /// Value of all that, in fine units.
    pub money_fine: i64,
}

/// Places that an outlet feeds, that were live before, and that nobody writes to, whether they differ already or not. A
/// place that never was live is only read, as it should be.
pub fn not_written() -> Question<Vec<NotWritten>> {
    // The log tells when writing stopped.
    const SQL: &str = "SELECT p.id, p.name, p.live_since, c.paused_at,
                COALESCE((SELECT MIN(o.zone) FROM outlet o
                          WHERE o.place = p.id AND o.archived = 0 AND o.zone <> ''), ''),
                COALESCE(CAST(SUM(CASE WHEN t.web_sellable > t.should THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN t.web_sellable > t.should THEN ABS(t.difference) ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN t.web_sellable < t.should THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN t.web_sellable < t.should THEN ABS(t.difference) ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(ABS(t.difference) * t.price_fine) AS BIGINT), 0),
                COALESCE((SELECT MAX(at) FROM activity WHERE action = 'go live' AND object = 'place:' || p.id), 0),
                COALESCE((SELECT MAX(at) FROM activity WHERE action = 'stop writing' AND object = 'place:' || p.id), 0),
                COALESCE((SELECT MAX(at) FROM activity WHERE action = 'map outlet'), 0)
         FROM place p JOIN connection c ON c.id = p.connection
         LEFT JOIN target t ON t.place = p.id AND t.difference <> 0
         WHERE p.archived = 0 AND (p.live_since = 0 OR c.paused_at > 0)
           AND EXISTS (SELECT 1 FROM outlet o WHERE o.place = p.id AND o.archived = 0)
         GROUP BY p.id, p.name, p.live_since, c.paused_at ORDER BY p.name, p.id";
    Question::new(Statement::new(SQL, "looking for places that are not written"), |rows| {
        let mut found = Vec::new();
        for row in rows {
            let cell = |i: usize| row.try_get::<i64, _>(i);
            let (live_since, paused_at) = (cell(2)?, cell(3)?);
            let paused = live_since > 0;
            let since = if paused { Some(Timestamp(paused_at)) } else { stopped(cell(10)?, cell(11)?, cell(12)?) };
            let Some(since) = since else { continue };
            found.push(NotWritten {
                place: row.try_get(0)?,
                name: row.try_get(1)?,
                paused,
                since,
                zone: row.try_get(4)?,
                over: (cell(5)?, cell(6)?),
                under: (cell(7)?, cell(8)?),
                money_fine: cell(9)?,
            });
        }
        Ok(found)
    })
}

/// When a place that is only read was last written to: when somebody stopped it, or an outlet was mapped anew. `None`
/// when it never was live. Microseconds, 0 for what never happened.
fn stopped(live: i64, stopped: i64, mapped: i64) -> Option<Timestamp> {
    match (live, stopped) {
        (0, 0) => None,
        (live, stopped) if stopped >= live => Some(Timestamp(stopped)),
        (live, _) => Some(Timestamp(mapped.max(live))),
    }
}

/// What the till has of items that are not linked, at their prices, in fine units.
pub fn unlinked_value() -> Question<i64> {
    const SQL: &str =
        "SELECT COALESCE(CAST(SUM(CASE WHEN held > 0 THEN held * price_fine ELSE 0 END) AS BIGINT), 0) FROM (
             SELECT l.price_fine AS price_fine, CAST(SUM(t.units + t.after_units) AS BIGINT) AS held
             FROM listing l JOIN till_count t ON t.connection = l.connection AND t.product = l.product
             WHERE l.variant = '' AND l.archived = 0 AND l.counted = 1 AND l.bundle = 0 AND l.price_fine > 0
             GROUP BY l.connection, l.product, l.price_fine) AS each_item";
    Question::new(Statement::new(SQL, "valuing what is not linked"), |rows| first(rows)?.try_get(0))
}

/// Writes answered since the quarter of an hour of an instant began that did not get through, and whose number no later
/// write has brought either: state word → how many.
pub async fn writes_that_wait(store: &Store, since: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    let step = "counting writes that wait";
    let rows = sqlx::query(
        // From the few that wait to their writes; the other way round would read a day of writes.
        "SELECT p.state, COUNT(*) FROM target t CROSS JOIN push p
         WHERE p.variant = t.variant AND p.place = t.place
           AND t.generation > t.acknowledged AND p.generation > t.acknowledged AND p.answered_at > 0
           AND p.quarter >= $1 GROUP BY p.state",
    )
    .bind(since.micros().div_euclid(QUARTER.0))
    .fetch_all(store.read())
    .await
    .map_err(at(step))?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>().map_err(at(step))
}

/// Open holds: lines, units, oldest, value in fine units.
pub fn on_hold() -> Question<(i64, i64, Timestamp, i64)> {
    const SQL: &str = "SELECT COUNT(*), COALESCE(CAST(SUM(h.units) AS BIGINT), 0), COALESCE(MIN(h.since), 0),
                COALESCE(CAST(SUM(h.units * COALESCE(l.price_fine, 0)) AS BIGINT), 0)
         FROM hold h LEFT JOIN listing l ON l.connection = h.connection AND l.product = h.product
         WHERE h.released_at = 0";
    Question::new(Statement::new(SQL, "counting holds"), |rows| {
        let row = first(rows)?;
        Ok((row.try_get(0)?, row.try_get(1)?, Timestamp(row.try_get(2)?), row.try_get(3)?))
    })
}
