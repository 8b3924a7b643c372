//! Intended remote writes: one row before each call, one outcome after it, and the exchanges as evidence.

use super::bulk::{Cell, Rows, RowsSql, rows_sql};
use super::script::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::time::{Span, Timestamp};
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// A write we are about to make.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Our id.
    pub id: String,
    /// The call it goes with.
    pub batch: String,
    /// Variant.
    pub variant: String,
    /// Place.
    pub place: String,
    /// The shop's product.
    pub product: String,
    /// The shop's warehouse.
    pub warehouse: String,
    /// Generation of the target.
    pub generation: i64,
    /// What the shop showed before, as far as we knew.
    pub before: i64,
    /// What it should show.
    pub should: i64,
    /// The number we write.
    pub physical: i64,
    /// The change that it carries.
    pub cause_at: Timestamp,
    /// Failures before this one.
    pub attempt: i64,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The shop said yes.
    Accepted,
    /// The shop said no.
    Refused(String),
    /// The shop asked us to wait; nothing was done.
    Throttled(String),
    /// Nothing was sent or done; try again.
    Failed(String),
    /// We do not know.
    Unknown(String),
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Refused(_) => "refused",
            Outcome::Throttled(_) => "throttled",
            Outcome::Failed(_) => "failed",
            Outcome::Unknown(_) => "unknown",
        }
    }

    fn reason(&self) -> &str {
        match self {
            Outcome::Accepted => "",
            Outcome::Refused(r) | Outcome::Throttled(r) | Outcome::Failed(r) | Outcome::Unknown(r) => r,
        }
    }
}

const INSERT: RowsSql = rows_sql!(
    "INSERT INTO push (id, batch, variant, place, connection, product, warehouse, generation, before, should, physical,
                       state, cause_at, sent_at)
     SELECT each.value->>0, each.value->>1, each.value->>2, each.value->>3, $2, each.value->>4, each.value->>5,
            CAST(each.value->>6 AS BIGINT), CAST(each.value->>7 AS BIGINT), CAST(each.value->>8 AS BIGINT),
            CAST(each.value->>9 AS BIGINT), 'sent', CAST(each.value->>10 AS BIGINT), $3 FROM",
    ""
);
const ANSWER: RowsSql = rows_sql!(
    "UPDATE push SET state = each.value->>1, reason = each.value->>2, answered_at = $2, exchange = $3 FROM",
    "WHERE push.id = each.value->>0 AND push.state IN ('sent', 'unknown')"
);
const ACKNOWLEDGE: RowsSql = rows_sql!(
    "UPDATE target SET
        acknowledged = CASE WHEN CAST(each.value->>2 AS BIGINT) > acknowledged THEN CAST(each.value->>2 AS BIGINT)
                            ELSE acknowledged END,
        web_known = 1, web_physical = CAST(each.value->>3 AS BIGINT), web_sellable = CAST(each.value->>4 AS BIGINT),
        difference = CAST(each.value->>4 AS BIGINT) - should,
        differs_since = CASE WHEN CAST(each.value->>4 AS BIGINT) = should THEN 0
                             WHEN differs_since = 0 THEN $2 ELSE differs_since END,
        push_state = 'accepted', push_reason = '', push_at = $2, next_at = 0,
        cause_at = CASE WHEN generation > CAST(each.value->>2 AS BIGINT) THEN computed_at ELSE 0 END
     FROM",
    "WHERE target.variant = each.value->>0 AND target.place = each.value->>1"
);
const POSTPONE: RowsSql = rows_sql!(
    "UPDATE target SET push_state = each.value->>2, push_reason = each.value->>3, push_at = $2,
            attempt = attempt + CAST(each.value->>4 AS BIGINT), next_at = CAST(each.value->>5 AS BIGINT),
            web_fresh = CASE WHEN each.value->>2 = 'unknown' THEN 0 ELSE web_fresh END
     FROM",
    "WHERE target.variant = each.value->>0 AND target.place = each.value->>1"
);

/// Writes the intents of one call, before it.
pub fn intend(tx: &mut Tx, connection: &str, intents: &[Intent], now: Timestamp) {
    let mut rows = Rows::new();
    for i in intents {
        rows.push(&[
            Cell::Text(&i.id),
            Cell::Text(&i.batch),
            Cell::Text(&i.variant),
            Cell::Text(&i.place),
            Cell::Text(&i.product),
            Cell::Text(&i.warehouse),
            Cell::Int(i.generation),
            Cell::Int(i.before),
            Cell::Int(i.should),
            Cell::Int(i.physical),
            Cell::Int(i.cause_at.micros()),
        ]);
    }
    tx.later(
        Statement::new(INSERT.text(tx.dialect()), "writing down what will be sent")
            .text(rows.into_json())
            .text(connection)
            .int(now.micros()),
    );
}

/// The outcome of each intent, with the time at which those that were not accepted may go again.
pub fn answered<'a>(
    tx: &mut Tx,
    outcomes: impl Iterator<Item = (&'a Intent, &'a (Outcome, Timestamp))>,
    exchange: &str,
    now: Timestamp,
) {
    let (mut pushes, mut accepted, mut postponed) = (Rows::new(), Rows::new(), Rows::new());
    for (intent, (outcome, retry_at)) in outcomes {
        pushes.push(&[Cell::Text(&intent.id), Cell::Text(outcome.word()), Cell::Text(outcome.reason())]);
        if *outcome == Outcome::Accepted {
            accepted.push(&[
                Cell::Text(&intent.variant),
                Cell::Text(&intent.place),
                Cell::Int(intent.generation),
                Cell::Int(intent.physical),
                Cell::Int(intent.should),
            ]);
        } else {
            let counts = matches!(outcome, Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::Failed(_));
            postponed.push(&[
                Cell::Text(&intent.variant),
                Cell::Text(&intent.place),
                Cell::Text(outcome.word()),
                Cell::Text(outcome.reason()),
                Cell::Int(i64::from(counts)),
                Cell::Int(retry_at.micros()),
            ]);
        }
    }
    let dialect = tx.dialect();
    tx.later(
        Statement::new(ANSWER.text(dialect), "writing down what was answered")
            .text(pushes.into_json())
            .int(now.micros())
            .text(exchange),
    );
    for (sql, rows) in [(ACKNOWLEDGE.text(dialect), accepted), (POSTPONE.text(dialect), postponed)] {
        if !rows.is_empty() {
            tx.later(Statement::new(sql, "acknowledging targets").text(rows.into_json()).int(now.micros()));
        }
    }
}

/// The read-back saw these writes: (variant, place) up to a generation.
pub fn confirm(tx: &mut Tx, seen: &[(String, String, i64)], now: Timestamp) {
    const CONFIRM: RowsSql = rows_sql!(
        "UPDATE push SET state = 'confirmed', confirmed_at = $2 FROM",
        "WHERE push.variant = each.value->>0 AND push.place = each.value->>1
           AND push.generation <= CAST(each.value->>2 AS BIGINT) AND push.state IN ('accepted', 'unknown')"
    );
    if seen.is_empty() {
        return;
    }
    let mut rows = Rows::new();
    for (variant, place, generation) in seen {
        rows.push(&[Cell::Text(variant), Cell::Text(place), Cell::Int(*generation)]);
    }
    tx.later(Statement::new(CONFIRM.text(tx.dialect()), "confirming writes").text(rows.into_json()).int(now.micros()));
}

/// Writes of a connection whose outcome was never written down, because of this `reason`: after a start, or when the
/// answer of a call could not be kept. They are looked up before anything is sent again.
pub async fn orphaned_to_unknown(
    tx: &mut Tx,
    connection: &str,
    reason: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.later(
        Statement::new(
            "UPDATE target SET push_state = 'unknown', push_reason = $2,
                web_fresh = 0, next_at = 0
         WHERE EXISTS (SELECT 1 FROM push WHERE push.connection = $1 AND push.state = 'sent'
                       AND push.variant = target.variant AND push.place = target.place)",
            "looking for interrupted writes",
        )
        .text(connection)
        .text(reason),
    );
    let statement = Statement::new(
        "UPDATE push SET state = 'unknown', reason = $3, answered_at = $2
         WHERE connection = $1 AND state = 'sent'",
        "looking for interrupted writes",
    )
    .text(connection)
    .int(now.micros())
    .text(reason);
    tx.change(statement).await
}

/// How many writes of a connection are under way: written down, and not answered yet.
pub async fn under_way(store: &Store, connection: &str) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) FROM push WHERE connection = $1 AND state = 'sent'")
        .bind(connection)
        .fetch_one(store.read())
        .await
        .map_err(at("counting writes under way"))?;
    row.try_get(0).map_err(at("counting writes under way"))
}

/// An exchange worth keeping: (id, at, took, purpose, request line, status or 0, sent, received).
#[derive(Debug, Clone)]
pub struct Kept {
    /// Our id.
    pub id: String,
    /// Connection.
    pub connection: String,
    /// When.
    pub at: Timestamp,
    /// How long.
    pub took: Span,
    /// What for.
    pub purpose: String,
    /// Method and path.
    pub request_line: String,
    /// Status, 0 when no answer came.
    pub status: i64,
    /// Excerpt of what we sent.
    pub sent: String,
    /// Excerpt of what came back.
    pub received: String,
}

/// Keeps an exchange.
pub fn keep_exchange(tx: &mut Tx, e: &Kept) {
    tx.later(
        Statement::new(
            "INSERT INTO exchange (id, connection, at, took, purpose, request_line, status, sent, received)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
            "keeping an exchange",
        )
        .text(&e.id)
        .text(&e.connection)
        .int(e.at.micros())
        .int(e.took.0)
        .text(&e.purpose)
        .text(&e.request_line)
        .int(e.status)
        .text(e.sent.replace('\0', "\u{fffd}"))
        .text(e.received.replace('\0', "\u{fffd}")),
    );
}

/// One kept exchange.
pub async fn exchange(store: &Store, id: &str) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query(
        "SELECT id, connection, at, took, purpose, request_line, status, sent, received FROM exchange WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(store.read())
    .await
    .map_err(at("reading an exchange"))?;
    row.map(|row| {
        Ok(Kept {
            id: row.try_get(0)?,
            connection: row.try_get(1)?,
            at: Timestamp(row.try_get(2)?),
            took: Span(row.try_get(3)?),
            purpose: row.try_get(4)?,
            request_line: row.try_get(5)?,
            status: row.try_get(6)?,
            sent: row.try_get(7)?,
            received: row.try_get(8)?,
        })
    })
    .transpose()
    .map_err(at("reading an exchange"))
}

/// Length of the parts of a day that `push.quarter` numbers since 1970.
pub const QUARTER: Span = Span::minutes(15);

/// How long acknowledged writes took from their cause to the shop's answer.
///
/// The database counts them in steps: a delay is rounded up by at most a thirty-second of itself (about 3 %), or to
/// the next whole millisecond. So [`Delays::under`] never flatters and is never off by more. Worst ones are exact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delays {
    /// How many took how long, rounded up, shortest first.
    pub steps: Vec<(Span, i64)>,
    /// The exact worst of each quarter of an hour in which anything arrived: its start, and the delay.
    pub quarters: Vec<(Timestamp, Span)>,
    /// The exact worst of all, and when it was answered.
    pub worst: Option<(Span, Timestamp)>,
}

impl Delays {
    /// How many there are.
    pub fn count(&self) -> i64 {
        self.steps.iter().map(|(_, n)| n).sum()
    }

    /// The delay that this many percent stayed within; none when nothing was written.
    pub fn under(&self, percent: i64) -> Option<Span> {
        let worst = self.worst?.0;
        let count = self.count();
        let rank = (count * percent / 100).min(count - 1);
        let mut before = 0;
        self.steps
            .iter()
            .find(|(_, n)| {
                before += n;
                before > rank
            })
            .map(|(step, _)| (*step).min(worst))
    }
}

/// Delays of the writes answered in the quarters of an hour from the one of `first` to the one of `last`.
pub async fn delays(store: &Store, first: Timestamp, last: Timestamp) -> Result<Delays, StoreError> {
    let (from, to) = (first.0.div_euclid(QUARTER.0), last.0.div_euclid(QUARTER.0));
    // Grouped in the order of the index first: sorting is what takes long.
    let steps = sqlx::query(
        "SELECT step, CAST(SUM(n) AS BIGINT) FROM (
             SELECT quarter, state, step, COUNT(*) AS n FROM push
             WHERE quarter >= $1 AND quarter <= $2 AND answered_at > 0
             GROUP BY quarter, state, step) AS counted
         WHERE state IN ('accepted', 'confirmed') AND step >= 0 GROUP BY step ORDER BY step",
    )
    .bind(from)
    .bind(to)
    .fetch_all(store.read());
    // Two looks into the index for each quarter, however much happened in it.
    let quarters = sqlx::query(
        "WITH RECURSIVE part (quarter) AS (
             SELECT CAST($1 AS BIGINT) UNION ALL SELECT quarter + 1 FROM part WHERE quarter < $2)
         SELECT part.quarter,
                COALESCE((SELECT p.delay FROM push p WHERE p.quarter = part.quarter AND p.state = 'accepted'
                            AND p.answered_at > 0 ORDER BY p.step DESC, p.delay DESC LIMIT 1), -1),
                COALESCE((SELECT p.delay FROM push p WHERE p.quarter = part.quarter AND p.state = 'confirmed'
                            AND p.answered_at > 0 ORDER BY p.step DESC, p.delay DESC LIMIT 1), -1)
         FROM part ORDER BY part.quarter",
    )
    .bind(from)
    .bind(to)
    .fetch_all(store.read());
    let (steps, quarters) = tokio::try_join!(steps, quarters).map_err(at("reading delays"))?;
    let steps = steps
        .iter()
        .map(|row| Ok((Span(row.try_get(0)?), row.try_get(1)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(at("reading delays"))?;
    let quarters = quarters
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.max(row.try_get(2)?))))
        .filter(|read| !matches!(read, Ok((_, delay)) if *delay < 0))
        .collect::<Result<Vec<(i64, i64)>, _>>()
        .map_err(at("reading delays"))?;
    let worst = match quarters.iter().max_by_key(|(_, delay)| *delay) {
        Some((quarter, delay)) => worst_at(store, *quarter).await?.map(|at| (Span(*delay), at)),
        None => None,
    };
    let quarters = quarters.into_iter().map(|(n, delay)| (Timestamp(n * QUARTER.0), Span(delay))).collect();
    Ok(Delays { steps, quarters, worst })
}

/// When the write of a quarter that took longest was answered.
async fn worst_at(store: &Store, quarter: i64) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT answered_at FROM push WHERE id IN (
             (SELECT id FROM push WHERE state = 'accepted' AND quarter = $1 AND answered_at > 0
              ORDER BY step DESC, delay DESC LIMIT 1),
             (SELECT id FROM push WHERE state = 'confirmed' AND quarter = $1 AND answered_at > 0
              ORDER BY step DESC, delay DESC LIMIT 1))
         ORDER BY delay DESC LIMIT 1",
    )
    .bind(quarter)
    .fetch_optional(store.read())
    .await
    .map_err(at("reading delays"))?;
    row.map(|row| row.try_get(0).map(Timestamp)).transpose().map_err(at("reading delays"))
}
