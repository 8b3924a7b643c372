//! Three kinds of database trouble, kept apart because different people mend them.

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The driver or the database failed (busy, full, gone).
    #[error("the database failed at {at}")]
    Driver {
        /// What we were doing, in few words.
        at: &'static str,
        /// The driver's own error.
        #[source]
        source: sqlx::Error,
    },
    /// A row contradicts the code.
    #[error("{table}.{column} of {id} holds a value that cannot be: {value}")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Row.
        id: String,
        /// What stands there.
        value: String,
    },
    /// A statement changed another number of rows than it must.
    #[error("{what} changed {changed} rows instead of {expected}")]
    RowCount {
        /// The statement.
        what: &'static str,
        /// Rows changed.
        changed: u64,
        /// Rows it must change.
        expected: u64,
    },
    /// The database cannot be used as it is; the text says what to do.
    #[error("{0}")]
    Unusable(String),
}

impl StoreError {
    /// For `map_err`: names the step that failed.
    pub fn at(at: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
        move |source| StoreError::Driver { at, source }
    }

    /// Whether waiting may help: the database is locked, full or unreachable just now.
    pub fn is_passing(&self) -> bool {
        match self {
            StoreError::Driver { source, .. } => match source {
                sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
                // Full, locked, ended by its administrator, or two that waited for each other.
                sqlx::Error::Database(db)
                    if db.code().is_some_and(|code| {
                        ["53", "55P03", "57P", "40", "08"].iter().any(|class| code.starts_with(class))
                            && code.len() == 5
                    }) =>
                {
                    true
                }
                sqlx::Error::Database(db) => {
                    let text = db.message().to_ascii_lowercase();
                    text.contains("locked") || text.contains("full") || text.contains("disk i/o")
                }
                _ => false,
            },
            _ => false,
        }
    }
}

impl StoreError {
    /// Whether the database answers and cannot write: no room on its disk, or it may only be read.
    pub fn cannot_write(&self) -> bool {
        let StoreError::Driver { source: sqlx::Error::Database(db), .. } = self else { return false };
        let text = db.message().to_ascii_lowercase();
        let code = db.code().unwrap_or_default();
        code == "53100"
            || code == "25006"
            || ["disk is full", "no space left", "disk i/o", "readonly"].iter().any(|part| text.contains(part))
    }
}

/// Refuses a statement that touched a different number of rows than it must.
pub fn ensure_rows(what: &'static str, changed: u64, expected: u64) -> Result<(), StoreError> {
    if changed == expected { Ok(()) } else { Err(StoreError::RowCount { what, changed, expected }) }
}
