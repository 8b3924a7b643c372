//! Opening the database: which one it is, its settings, its migrations, and the one-writer rule.

use super::error::StoreError;
use super::look::{self, Found};
use super::writer::Writer;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Executor as _, Row as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

/// Which database is behind the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Embedded, the default.
    Sqlite,
    /// For several instances.
    Postgres,
}

/// How hard a commit is pressed to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// What was acknowledged survives a power cut (`synchronous=FULL`).
    Full,
    /// For rehearsals in temporary files only; the report says so.
    Off,
}

/// The oldest SQLite we open: older ones can corrupt a write-ahead log (fixed in 3.51.3).
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
/// Readers beside the one writer.
const READERS: u32 = 6;

const POSTGRES_SETTINGS: [&str; 4] = [
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '60s'",
    "SET idle_in_transaction_session_timeout = '30s'",
    "SET synchronous_commit = on",
];

pub(super) static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

pub(super) struct Opened {
    pub dialect: Dialect,
    pub write: Writer,
    pub read: AnyPool,
    pub lock: Option<std::fs::File>,
}

/// Opens (and for SQLite creates) the database and brings its schema up to date.
pub(super) async fn open(url: &str, durability: Durability) -> Result<Opened, StoreError> {
    sqlx::any::install_default_drivers();
    if let Some(path) = sqlite_path(url)? {
        open_sqlite(&path, durability).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        open_postgres(url).await
    } else {
        Err(StoreError::Unusable(
            "DATABASE_URL must begin with sqlite:// or postgres://, for example sqlite://truecount.db".into(),
        ))
    }
}

/// The file that a SQLite address names, letter by letter; `None` for the address of a server. What would be read as
/// more than a name is refused, so that everybody who reads this address means the same file.
pub(super) fn sqlite_path(url: &str) -> Result<Option<PathBuf>, StoreError> {
    let Some(rest) = url.strip_prefix("sqlite:") else { return Ok(None) };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let refuse = |why: &str| {
        Err(StoreError::Unusable(format!(
            "the database address {why}; give the file alone, as in sqlite://truecount.db"
        )))
    };
    match path {
        "" | ":memory:" => refuse("names no file"),
        _ if path.contains('?') => refuse("has parameters behind its file"),
        _ if path.starts_with("file:") => refuse("has a second address inside"),
        _ => Ok(Some(PathBuf::from(path))),
    }
}

/// How the driver opens this file. It takes an address apart in ways of its own (percent signs, a host, steps
/// upwards, `file:`), so everything but plain letters is spelled out for it.
pub(super) fn sqlite_options(path: &Path, parameters: &str) -> Result<AnyConnectOptions, StoreError> {
    let from_here = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    let mut spelled = String::new();
    for byte in from_here.as_os_str().as_encoded_bytes() {
        match char::from(*byte) {
            plain if plain.is_ascii_alphanumeric() || matches!(plain, '.' | '-' | '_') => spelled.push(plain),
            _ => spelled.push_str(&format!("%{byte:02X}")),
        }
    }
    AnyConnectOptions::from_str(&format!("sqlite:{spelled}?{parameters}"))
        .map_err(StoreError::at("reading the database address"))
}

/// Opens a file for writing; one that is not there yet is made for our eyes only.
fn open_private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

async fn open_sqlite(path: &Path, durability: Durability) -> Result<Opened, StoreError> {
    // Before the first side file: what is not ours stays as it is.
    if let Found::Strange(why) = look::look_at_file(path).await? {
        return Err(StoreError::Unusable(format!(
            "{why}; name a file of Truecount's own, or one that is not there yet"
        )));
    }
    let lock = take_lock(path)?;
    // SQLite gives its side files the rights of the file that it finds.
    drop(open_private(path).map_err(|error| {
        StoreError::Unusable(format!("the database at {} cannot be written: {error}", path.display()))
    })?);
    let synchronous: &'static str = match durability {
        Durability::Full => "PRAGMA synchronous = FULL",
        Durability::Off => "PRAGMA synchronous = OFF",
    };
    let settings = vec![
        "PRAGMA journal_mode = WAL",
        synchronous,
        "PRAGMA busy_timeout = 5000",
        "PRAGMA foreign_keys = ON",
        "PRAGMA trusted_schema = OFF",
        "PRAGMA cache_size = -12000",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA journal_size_limit = 67108864",
        // Pages that change with every batch are written to the database once for many of them: 16 MB of log.
        "PRAGMA wal_autocheckpoint = 4000",
    ];
    let mut write = Writer::connect(sqlite_options(path, "mode=rw")?, settings).await?;
    check_sqlite_version(write.conn().await?).await?;
    migrate(&SQLITE_MIGRATIONS, write.conn().await?).await?;
    let read = AnyPoolOptions::new()
        .max_connections(READERS)
        // A connection inside this process does not go away, so nobody has to ask whether it is still there.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|conn, _| {
            Box::pin(async move {
                for pragma in [
                    "PRAGMA busy_timeout = 5000",
                    "PRAGMA query_only = ON",
                    "PRAGMA trusted_schema = OFF",
                    "PRAGMA cache_size = -3000",
                ] {
                    conn.execute(pragma).await?;
                }
                Ok(())
            })
        })
        .connect_with(sqlite_options(path, "mode=rw")?)
        .await
        .map_err(StoreError::at("opening the database for reading"))?;
    Ok(Opened { dialect: Dialect::Sqlite, write, read, lock: Some(lock) })
}

async fn open_postgres(url: &str) -> Result<Opened, StoreError> {
    let options = AnyConnectOptions::from_str(url).map_err(StoreError::at("reading the database address"))?;
    let mut write = Writer::connect(options.clone(), POSTGRES_SETTINGS.to_vec()).await?;
    if let Found::Strange(why) = look::look_at_server(write.conn().await?).await? {
        return Err(StoreError::Unusable(format!("{why}; give Truecount a database of its own")));
    }
    migrate(&POSTGRES_MIGRATIONS, write.conn().await?).await?;
    let read = AnyPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|conn, _| {
            Box::pin(async move {
                for setting in POSTGRES_SETTINGS {
                    conn.execute(setting).await?;
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .map_err(StoreError::at("connecting to PostgreSQL"))?;
    Ok(Opened { dialect: Dialect::Postgres, write, read, lock: None })
}

/// Makes a new, empty database on the server that `base` names, and returns its address. For tests and rehearsals.
pub async fn create_database(base: &str, name: &str) -> Result<String, StoreError> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Err(StoreError::Unusable("a database name may hold a-z, 0-9 and _ only".into()));
    }
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new()
        .max_connections(1)
        .connect(base)
        .await
        .map_err(StoreError::at("connecting to PostgreSQL"))?;
    // A name cannot be bound; it was checked letter by letter above.
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&pool)
        .await
        .map_err(StoreError::at("making a database"))?;
    pool.close().await;
    let (address, options) = base.split_once('?').map_or((base, ""), |(a, o)| (a, o));
    let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
    Ok(if options.is_empty() { format!("{server}/{name}") } else { format!("{server}/{name}?{options}") })
}

async fn migrate(migrator: &sqlx::migrate::Migrator, conn: &mut AnyConnection) -> Result<(), StoreError> {
    match migrator.run(conn).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(version)) => Err(newer(version)),
        Err(sqlx::migrate::MigrateError::VersionMismatch(version)) => Err(other_steps(version)),
        Err(error) => Err(StoreError::Driver {
            at: "bringing the database up to date",
            source: sqlx::Error::Migrate(Box::new(error)),
        }),
    }
}

/// What is said of a database that has taken a step of ours in another form.
pub(super) fn other_steps(version: i64) -> StoreError {
    StoreError::Unusable(format!(
        "this database was made by another version of Truecount (its migration {version} is not the one of this \
         program); start that version, or name a new database. A database of development is deleted and made again"
    ))
}

/// What is said of a database that has taken a step we do not know.
pub(super) fn newer(version: i64) -> StoreError {
    StoreError::Unusable(format!(
        "this database was made by a newer Truecount (it has migration {version}); start that version, or restore the \
         backup taken before the upgrade"
    ))
}

async fn check_sqlite_version(conn: &mut AnyConnection) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT sqlite_version()")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("asking SQLite for its version"))?;
    let text: String = row.try_get(0).map_err(StoreError::at("asking SQLite for its version"))?;
    if is_recent_enough(&text) {
        Ok(())
    } else {
        Err(StoreError::Unusable(format!(
            "the SQLite linked into this program is {text}; versions before 3.51.3 can corrupt a database, so it is \
             not opened. Build with the bundled SQLite."
        )))
    }
}

fn is_recent_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    found >= SQLITE_VERSION_MIN
}

/// One process per SQLite file: a second one is told so instead of fighting over the writer.
fn take_lock(path: &Path) -> Result<std::fs::File, StoreError> {
    // A link leads to the same file, so it leads to the same lock.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = real.as_os_str().to_owned();
    name.push(".lock");
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot write beside the database at {}: {error}", path.display()))
    };
    let file = open_private(Path::new(&name)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Unusable(format!(
            "another Truecount is already running on {}; stop it first",
            path.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever its name looks like to a reader of addresses: the file that is locked is the file that is written.
    #[tokio::test]
    async fn a_strange_name_is_the_name_of_one_file() {
        for name in ["sh%6fp.db", "a#b.db", "with blank.db", "häuser.db", "a@b:1.db", "%2e%2e%2fup.db"] {
            let folder = tempfile::tempdir().unwrap();
            let inner = folder.path().join("inner");
            std::fs::create_dir(&inner).unwrap();
            let opened = open(&format!("sqlite://{}", inner.join(name).display()), Durability::Off).await.unwrap();
            let names = |folder: &Path| -> Vec<String> {
                let entries = std::fs::read_dir(folder).unwrap();
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
            };
            let mut found = names(&inner);
            found.sort();
            let mut expected = ["", "-shm", "-wal", ".lock"].map(|ending| format!("{name}{ending}"));
            expected.sort();
            assert_eq!(found, expected);
            assert_eq!(names(folder.path()), ["inner"]);
            drop(opened);
        }
    }

    #[test]
    fn an_address_that_is_more_than_a_file_is_refused() {
        for url in ["sqlite://a.db?mode=ro", "sqlite:file:a.db", "sqlite://file:a.db", "sqlite:", "sqlite::memory:"] {
            assert!(matches!(sqlite_path(url), Err(StoreError::Unusable(_))), "{url}");
        }
        assert_eq!(sqlite_path("sqlite:a%20b.db").unwrap(), Some(PathBuf::from("a%20b.db")));
        assert_eq!(sqlite_path("postgres://a/b?sslmode=require").unwrap(), None);
    }

    /// Whatever the process is allowed to give away, what it makes is for its owner.
    #[cfg(unix)]
    #[tokio::test]
    async fn the_files_of_the_database_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truecount.db").display());
        let opened = open(&url, Durability::Off).await.unwrap();
        let mut seen = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
            seen += 1;
        }
        assert_eq!(seen, 4, "database, log, its index and the lock");
        drop(opened);
    }

    #[test]
    fn an_old_sqlite_is_refused() {
        for (version, fine) in
            [("3.46.0", false), ("3.51.2", false), ("3.51.3", true), ("3.53.0", true), ("4.0.0", true), ("x", false)]
        {
            assert_eq!(is_recent_enough(version), fine, "{version}");
        }
    }
}
