//! All SQL. One text for SQLite and PostgreSQL.

pub mod accounts;
pub mod sessions;

/// Why the database did not give what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The driver or the server refused.
    #[error("the database refused")]
    Driver(#[from] sqlx::Error),
    /// The migrations could not be applied.
    #[error("the database could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A stored row contradicts this program.
    #[error("{table}.{column} of {id} holds a value this version does not know")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
    },
}

/// The database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    read: sqlx::AnyPool,
    write: sqlx::AnyPool,
    sqlite: bool,
}

/// A unit of work: commit it, or drop it and nothing happened.
pub struct Tx(sqlx::Transaction<'static, sqlx::Any>);

impl Store {
    /// Opens the database and brings it up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        static DRIVERS: std::sync::Once = std::sync::Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let sqlite = url.starts_with("sqlite:");
        let url = if sqlite && !url.contains('?') { format!("{url}?mode=rwc") } else { url.to_owned() };
        let options = |most| {
            sqlx::any::AnyPoolOptions::new().max_connections(most).after_connect(move |conn, _| {
                Box::pin(async move {
                    if sqlite {
                        use sqlx::Executor;
                        conn.execute("PRAGMA journal_mode=WAL").await?;
                        conn.execute("PRAGMA synchronous=FULL").await?;
                    }
                    Ok(())
                })
            })
        };
        let write = options(if sqlite { 1 } else { 4 }).connect(&url).await?;
        if sqlite {
            sqlx::migrate!("migrations/sqlite").run(&write).await?;
        } else {
            sqlx::migrate!("migrations/postgres").run(&write).await?;
        }
        let read = options(4).connect(&url).await?;
        Ok(Self { read, write, sqlite })
    }

    /// Connections that only read.
    pub fn read(&self) -> &sqlx::AnyPool {
        &self.read
    }

    /// Begins a unit of work.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let tx = if self.sqlite { self.write.begin_with("BEGIN IMMEDIATE").await? } else { self.write.begin().await? };
        Ok(Tx(tx))
    }
}

impl Tx {
    /// The connection to run statements on.
    pub fn conn(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.0
    }

    /// Makes everything true at once.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }
}
