//! How far each feed of each connection has been read. Only sweeps move these marks, never notices.

use super::question::{Question, each};
use super::script::{Done, Statement};
use super::{Store, StoreError, Tx};
use crate::domain::problem::{STALE_AFTER, is_key_refused};
use crate::domain::time::Timestamp;
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// The state of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Feed {
    /// Where the next page begins; opaque.
    pub cursor: String,
    /// The vendor's order up to which nothing can be missing.
    pub as_of: i64,
    /// The vendor's order behind which our books begin.
    pub base: i64,
    /// Where earlier passes ended, as [`crate::domain::trail::Trail`] writes it.
    pub trail: String,
    /// Everything recorded before this instant is known; zero before the first full pass.
    pub read_up_to: Timestamp,
    /// Last attempt.
    pub tried_at: Timestamp,
    /// Since when it fails; zero while it works.
    pub failing_since: Timestamp,
    /// Why, in one sentence.
    pub error: String,
}

impl Feed {
    /// Whether its last try was refused with our key, which does not mend itself. Writes are tried only while one is
    /// due, so an old refusal of one says nothing. `name` is the feed's.
    pub fn refuses_key(&self, name: &str, now: Timestamp) -> bool {
        let tried_lately = name != "push" || now.since(self.tried_at) <= STALE_AFTER;
        self.failing_since > Timestamp(0) && tried_lately && is_key_refused(&self.error)
    }
}

fn feed_row(row: &sqlx::any::AnyRow, from: usize) -> Result<Feed, sqlx::Error> {
    Ok(Feed {
        cursor: row.try_get(from)?,
        as_of: row.try_get(from + 1)?,
        read_up_to: Timestamp(row.try_get(from + 2)?),
        tried_at: Timestamp(row.try_get(from + 3)?),
        failing_since: Timestamp(row.try_get(from + 4)?),
        error: row.try_get(from + 5)?,
        trail: row.try_get(from + 6)?,
        base: row.try_get(from + 7)?,
    })
}

/// One feed; a feed never read is all zero.
pub fn state(connection: &str, feed: &str) -> Question<Feed> {
    const SQL: &str = "SELECT cursor, as_of, read_up_to, tried_at, failing_since, error, trail, base FROM feed
         WHERE connection = $1 AND feed = $2";
    Question::new(Statement::new(SQL, "reading a mark").text(connection).text(feed), |rows| {
        rows.first().map(|row| feed_row(row, 0)).transpose().map(Option::unwrap_or_default)
    })
}

/// The same, asked alone.
pub async fn get(store: &Store, connection: &str, feed: &str) -> Result<Feed, StoreError> {
    state(connection, feed).ask(store).await
}

/// What the books go by; all zero for a feed that was never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The vendor's order up to which nothing can be missing.
    pub as_of: i64,
    /// The vendor's order when the first page was asked for: our books begin behind it.
    pub base: i64,
    /// When the first page was asked for: what happened before is inside it.
    pub began_at: Timestamp,
}

/// The question for the marks of one feed; its answer is for [`marks_from`].
pub(crate) fn ask_marks(connection: &str, feed: &str) -> Statement {
    let sql = "SELECT as_of, base, began_at FROM feed WHERE connection = $1 AND feed = $2";
    Statement::new(sql, "reading a mark").text(connection).text(feed)
}

/// The marks of the feed asked for.
pub(crate) fn marks_from(answer: &Done) -> Result<Marks, StoreError> {
    let read = |row: &sqlx::any::AnyRow| {
        Ok(Marks { as_of: row.try_get(0)?, base: row.try_get(1)?, began_at: Timestamp(row.try_get(2)?) })
    };
    answer.rows.first().map(read).transpose().map_err(at("reading a mark")).map(Option::unwrap_or_default)
}

/// All feeds: (connection, feed, state).
pub fn states() -> Question<Vec<(String, String, Feed)>> {
    const SQL: &str =
        "SELECT connection, feed, cursor, as_of, read_up_to, tried_at, failing_since, error, trail, base FROM feed
         ORDER BY connection, feed";
    Question::new(Statement::new(SQL, "reading marks"), |rows| {
        each(rows, |row| Ok((row.try_get(0)?, row.try_get(1)?, feed_row(row, 2)?)))
    })
}

/// The same, asked alone.
pub async fn all(store: &Store) -> Result<Vec<(String, String, Feed)>, StoreError> {
    states().ask(store).await
}

/// A page was read and kept: the cursor moves on, and the feed works.
pub fn advance(tx: &mut Tx, connection: &str, feed: &str, cursor: &str, now: Timestamp) {
    tx.later(
        Statement::new(
            "INSERT INTO feed (connection, feed, cursor, tried_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (connection, feed) DO UPDATE SET
            cursor = excluded.cursor, tried_at = excluded.tried_at, failing_since = 0, error = ''",
            "moving a cursor",
        )
        .text(connection)
        .text(feed)
        .text(cursor)
        .int(now.micros()),
    );
}

/// A pass has ended: where the next begins, and where passes have ended before.
pub fn rest(tx: &mut Tx, connection: &str, feed: &str, cursor: &str, trail: &str) {
    tx.later(
        Statement::new("UPDATE feed SET cursor = $3, trail = $4 WHERE connection = $1 AND feed = $2", "ending a pass")
            .text(connection)
            .text(feed)
            .text(cursor)
            .text(trail),
    );
}

/// The feed was read to its end: nothing ordered up to `as_of` or recorded before `read_up_to` is missing. Marks
/// never go back.
pub fn mark(tx: &mut Tx, connection: &str, feed: &str, as_of: i64, read_up_to: Timestamp, now: Timestamp) {
    tx.later(
        Statement::new(
            "INSERT INTO feed (connection, feed, as_of, base, read_up_to, tried_at) VALUES ($1, $2, $3, $3, $4, $5)
         ON CONFLICT (connection, feed) DO UPDATE SET
            base = CASE WHEN feed.read_up_to = 0 AND feed.began_at = 0 THEN excluded.as_of ELSE feed.base END,
            as_of = CASE WHEN excluded.as_of > feed.as_of THEN excluded.as_of ELSE feed.as_of END,
            read_up_to = CASE WHEN excluded.read_up_to > feed.read_up_to THEN excluded.read_up_to
                              ELSE feed.read_up_to END,
            tried_at = excluded.tried_at, failing_since = 0, error = ''",
            "moving a mark",
        )
        .text(connection)
        .text(feed)
        .int(as_of)
        .int(read_up_to.micros())
        .int(now.micros()),
    );
}

/// The first page of a feed was asked for at `at`, when `base` was the highest place in the vendor's order; a later
/// moment changes nothing.
pub fn began(tx: &mut Tx, connection: &str, feed: &str, base: i64, at: Timestamp) {
    tx.later(
        Statement::new(
            "INSERT INTO feed (connection, feed, base, began_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (connection, feed) DO UPDATE SET base = excluded.base, began_at = excluded.began_at
         WHERE feed.began_at = 0",
            "noting where a feed begins",
        )
        .text(connection)
        .text(feed)
        .int(base)
        .int(at.micros()),
    );
}

/// Reading failed; the marks stay where they are.
pub fn failed(tx: &mut Tx, connection: &str, feed: &str, error: &str, now: Timestamp) {
    tx.later(
        Statement::new(
            "INSERT INTO feed (connection, feed, tried_at, failing_since, error) VALUES ($1, $2, $3, $3, $4)
         ON CONFLICT (connection, feed) DO UPDATE SET
            tried_at = excluded.tried_at, error = excluded.error,
            failing_since = CASE WHEN feed.failing_since = 0 THEN excluded.failing_since ELSE feed.failing_since END",
            "noting a failure",
        )
        .text(connection)
        .text(feed)
        .int(now.micros())
        .text(error),
    );
}

/// What was noted as failing works again; the marks stay where they are.
pub fn works(tx: &mut Tx, connection: &str, feed: &str, now: Timestamp) {
    tx.later(
        Statement::new(
            "UPDATE feed SET tried_at = $3, failing_since = 0, error = ''
             WHERE connection = $1 AND feed = $2 AND failing_since > 0",
            "noting that a task works again",
        )
        .text(connection)
        .text(feed)
        .int(now.micros()),
    );
}
