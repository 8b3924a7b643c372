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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Durability, Store};

    #[tokio::test]
    async fn a_full_disk_is_told_from_everything_else() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("t.db").display());
        let store = Store::open(&url, Durability::Off).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let conn = tx.conn().await.unwrap();
        // No page more than it has, as on a disk without room.
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut *conn).await.unwrap();
        let filling =
            "INSERT INTO old_notice_secret (connection, sealed, until) VALUES ('c', hex(zeroblob(1000000)), 0)";
        let full = sqlx::query(filling).execute(&mut *conn).await.map_err(StoreError::at("filling it")).unwrap_err();
        assert!(full.cannot_write() && full.is_passing(), "{full:?}");
        let wrong = sqlx::query("SELECT nothing FROM nowhere").execute(conn).await;
        let wrong = wrong.map_err(StoreError::at("asking nonsense")).unwrap_err();
        assert!(!wrong.cannot_write() && !wrong.is_passing(), "{wrong:?}");
    }
}
