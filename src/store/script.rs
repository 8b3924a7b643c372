//! Statements gathered into one trip to the writer and back.
//!
//! Each trip to a database costs the waking of another thread or process, which is often more than the statement
//! itself. Writes therefore wait in the unit of work until something is read or committed, and go together with it.
//! SQLite takes them as one text of several statements; PostgreSQL, which prepares one statement at a time, is given
//! them one after another. What they do, and in which order, is the same.

use super::{Dialect, StoreError};
use crate::store::error::ensure_rows;
use futures_util::StreamExt as _;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Either, Executor as _};

/// Most statements of one trip: enough for any unit of work of ours, and far from the limit on parameters.
const TRIP_MAX: usize = 64;

/// A bound value.
#[derive(Debug)]
enum Bind {
    Text(String),
    Int(i64),
    Bytes(Vec<u8>),
}

/// One statement with what is bound to it.
#[derive(Debug)]
pub(crate) struct Statement {
    sql: &'static str,
    at: &'static str,
    binds: Vec<Bind>,
    must_change: Option<u64>,
}

impl Statement {
    /// A statement; `at` says in few words what we are doing, for the error.
    pub fn new(sql: &'static str, at: &'static str) -> Self {
        Self { sql, at, binds: Vec::new(), must_change: None }
    }

    /// What we are doing with it.
    pub fn at(&self) -> &'static str {
        self.at
    }

    /// Binds the next parameter.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.binds.push(Bind::Text(text.into()));
        self
    }

    /// Binds the next parameter.
    pub fn int(mut self, n: i64) -> Self {
        self.binds.push(Bind::Int(n));
        self
    }

    /// Binds the next parameter.
    pub fn bytes(mut self, bytes: Vec<u8>) -> Self {
        self.binds.push(Bind::Bytes(bytes));
        self
    }

    /// Whether the number of its rows is checked.
    pub fn is_checked(&self) -> bool {
        self.must_change.is_some()
    }

    /// The unit of work fails when the statement changes another number of rows.
    pub fn must_change(mut self, rows: u64) -> Self {
        self.must_change = Some(rows);
        self
    }
}

/// What a statement did.
#[derive(Default)]
pub(crate) struct Done {
    /// Rows it changed.
    pub changed: u64,
    /// Rows it returned.
    pub rows: Vec<AnyRow>,
}

/// Runs the steps in their order; one answer each. On an error of the database those after it are not run; a number of
/// rows that is wrong is seen a little later, so a commit never travels with a statement that is checked.
pub(super) async fn run(
    conn: &mut AnyConnection,
    dialect: Dialect,
    steps: Vec<Statement>,
) -> Result<Vec<Done>, StoreError> {
    let mut all = Vec::with_capacity(steps.len());
    let mut rest = steps.into_iter().peekable();
    let most = match dialect {
        Dialect::Sqlite => TRIP_MAX,
        Dialect::Postgres => 1,
    };
    while rest.peek().is_some() {
        trip(conn, rest.by_ref().take(most).collect(), &mut all).await?;
    }
    Ok(all)
}

async fn trip(conn: &mut AnyConnection, steps: Vec<Statement>, all: &mut Vec<Done>) -> Result<(), StoreError> {
    let mut text = String::new();
    let mut arguments = AnyArguments::default();
    let mut expected = Vec::with_capacity(steps.len());
    for step in steps {
        push_numbered(&mut text, step.sql, arguments.len());
        expected.push((step.at, step.must_change));
        for bind in step.binds {
            match bind {
                Bind::Text(text) => arguments.add(text),
                Bind::Int(n) => arguments.add(n),
                Bind::Bytes(bytes) => arguments.add(bytes),
            }
            .map_err(|source| StoreError::Driver { at: step.at, source: sqlx::Error::Encode(source) })?;
        }
    }
    // Put together from texts of ours only; values are bound.
    let query = sqlx::query_with(AssertSqlSafe(text), arguments);
    let mut answers = conn.fetch_many(query);
    let mut expected = expected.into_iter();
    let (mut at, mut must_change) = expected.next().unwrap_or(("nothing", None));
    let mut done = Done::default();
    while let Some(answer) = answers.next().await {
        match answer.map_err(StoreError::at(at))? {
            Either::Right(row) => done.rows.push(row),
            Either::Left(result) => {
                done.changed = result.rows_affected();
                if let Some(wanted) = must_change {
                    ensure_rows(at, done.changed, wanted)?;
                }
                all.push(std::mem::take(&mut done));
                (at, must_change) = expected.next().unwrap_or((at, None));
            }
        }
    }
    Ok(())
}

/// Appends a statement whose parameters are counted on from those before it.
fn push_numbered(out: &mut String, sql: &str, before: usize) {
    if !out.is_empty() {
        out.push_str(";\n");
    }
    if before == 0 {
        out.push_str(sql);
        return;
    }
    let mut pieces = sql.split('$');
    out.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        out.push('$');
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = piece.split_at(digits);
        match number.parse::<usize>() {
            Ok(number) => out.push_str(&(number + before).to_string()),
            Err(_) => out.push_str(number),
        }
        out.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_on() {
        let mut text = String::new();
        push_numbered(&mut text, "SELECT $1, $2", 0);
        push_numbered(&mut text, "UPDATE t SET a = $2 WHERE b = $1 AND c = $10", 2);
        push_numbered(&mut text, "SELECT 1", 12);
        assert_eq!(text, "SELECT $1, $2;\nUPDATE t SET a = $4 WHERE b = $3 AND c = $12;\nSELECT 1");
    }
}
