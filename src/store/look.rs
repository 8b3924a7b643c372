//! Looking into a database before anything is opened for writing: whether it is ours, how old it is, and what is
//! sealed in it. Nothing is made, locked or brought up to date.

use super::StoreError;
use super::db::{self, POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS};
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Row as _};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tables that are looked at; we have far fewer.
const TABLES_MAX: i64 = 1_000;
/// Connections that are looked at; there are a handful.
const CONNECTIONS_MAX: i64 = 1_000;
/// What every SQLite file begins with.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";
/// Where the steps that a schema has taken are written down.
const STEPS_TABLE: &str = "_sqlx_migrations";

/// What stands at a database address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing yet, or nothing but an empty database.
    Nothing,
    /// Something that is not ours; why we think so.
    Strange(String),
    /// A database of ours.
    Ours(Inside),
}

/// What was found in a database of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside {
    /// Accounts in it.
    pub accounts: i64,
    /// The sealed tokens of its connections.
    pub sealed: Vec<Sealed>,
    /// Steps that its schema has yet to take.
    pub steps_to_come: usize,
}

/// The sealed token of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Name of the connection.
    pub name: String,
    /// What it was sealed for.
    pub owner: String,
    /// The sealed text.
    pub text: String,
}

fn at() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at("looking into the database")
}

/// Looks at what stands at this address.
pub async fn look(url: &str) -> Result<Found, StoreError> {
    sqlx::any::install_default_drivers();
    match db::sqlite_path(url)? {
        Some(path) => look_at_file(&path).await,
        None => {
            let mut conn = connect(server(url)?).await?;
            let found = look_at_server(&mut conn).await;
            drop(conn.close().await);
            found
        }
    }
}

/// Whether an address of a server can be read as one; why not, without what stands in it. Nobody is called.
pub fn server_address(url: &str) -> Result<(), String> {
    match sqlx::postgres::PgConnectOptions::from_str(url) {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Configuration(why)) => Err(why.to_string()),
        Err(_) => Err("a part of it is not what belongs there".to_owned()),
    }
}

fn server(url: &str) -> Result<AnyConnectOptions, StoreError> {
    AnyConnectOptions::from_str(url).map_err(StoreError::at("reading the database address"))
}

async fn connect(options: AnyConnectOptions) -> Result<AnyConnection, StoreError> {
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(connected) => connected.map_err(at()),
        Err(_) => Err(at()(sqlx::Error::PoolTimedOut)),
    }
}

/// As [`look`], at a file.
pub(super) async fn look_at_file(path: &Path) -> Result<Found, StoreError> {
    let shown = path.display();
    // Whoever opens a pipe waits for its other end.
    match std::fs::metadata(path) {
        Ok(file) if file.is_file() => {}
        Ok(_) => return Ok(Found::Strange(format!("{shown} is no file but a folder or a pipe"))),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Ok(Found::Strange(format!("{shown} cannot be read: {error}"))),
    }
    let mut start = Vec::new();
    let longest = u64::try_from(SQLITE_MAGIC.len()).unwrap_or(u64::MAX);
    let read = std::fs::File::open(path).and_then(|file| file.take(longest).read_to_end(&mut start));
    match read {
        Err(error) => return Ok(Found::Strange(format!("{shown} cannot be read: {error}"))),
        Ok(0) => return Ok(Found::Nothing),
        Ok(_) if start != SQLITE_MAGIC => return Ok(Found::Strange(format!("{shown} is no SQLite database"))),
        Ok(_) => {}
    }
    // "Immutable" leaves no side file behind, not even for a moment; what is only in the write-ahead log is not seen.
    let mut conn = connect(db::sqlite_options(path, "mode=ro&immutable=true")?).await?;
    let found = look_at_tables(&mut conn, path).await;
    drop(conn.close().await);
    if matches!(found, Ok(Found::Strange(_))) || !has_log(path) {
        return found;
    }
    // Ours, or nothing but a log so far: it is in use, or was when it ended, and has its side files already.
    let mut conn = connect(db::sqlite_options(path, "mode=ro")?).await?;
    let found = look_at_tables(&mut conn, path).await;
    drop(conn.close().await);
    found
}

fn has_log(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(PathBuf::from(name)).is_ok_and(|log| log.len() > 0)
}

async fn look_at_tables(conn: &mut AnyConnection, path: &Path) -> Result<Found, StoreError> {
    let tables = names(
        conn,
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'
         ORDER BY name LIMIT $1",
    )
    .await?;
    if tables.is_empty() {
        return Ok(Found::Nothing);
    }
    let strange = || Found::Strange(format!("{} holds the tables of another program", path.display()));
    match look_inside(conn, &SQLITE_MIGRATIONS, &tables).await? {
        Some(found) => Ok(found),
        // A first start that was cut off before its first step.
        None if tables == [STEPS_TABLE] => Ok(Found::Nothing),
        None => Ok(strange()),
    }
}

/// As [`look`], on a connection to PostgreSQL. Tables of others may stand beside ours there, but not the list of
/// another program's steps under the name of ours.
pub(super) async fn look_at_server(conn: &mut AnyConnection) -> Result<Found, StoreError> {
    let tables = names(
        conn,
        "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename LIMIT $1",
    )
    .await?;
    let has_steps = tables.iter().any(|table| table == STEPS_TABLE);
    if !has_steps {
        return Ok(Found::Nothing);
    }
    match look_inside(conn, &POSTGRES_MIGRATIONS, &tables).await? {
        Some(found) => Ok(found),
        None => {
            let (steps,): (i64,) =
                sqlx::query_as("SELECT COUNT(*) FROM _sqlx_migrations").fetch_one(&mut *conn).await.map_err(at())?;
            let strange = "its tables were made by another program";
            Ok(if steps == 0 { Found::Nothing } else { Found::Strange(strange.to_owned()) })
        }
    }
}

async fn names(conn: &mut AnyConnection, tables: &'static str) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(tables).bind(TABLES_MAX).fetch_all(conn).await.map_err(at())?;
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(at())
}

/// What is in it, if the first step that its schema took is ours.
async fn look_inside(
    conn: &mut AnyConnection,
    ours: &Migrator,
    tables: &[String],
) -> Result<Option<Found>, StoreError> {
    let has = |table: &str| tables.iter().any(|name| name == table);
    if !has(STEPS_TABLE) || !has("connection") {
        return Ok(None);
    }
    let steps: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, description FROM _sqlx_migrations ORDER BY version LIMIT $1")
            .bind(TABLES_MAX)
            .fetch_all(&mut *conn)
            .await
            .map_err(at())?;
    let first = ours.iter().next().map(|step| (step.version, step.description.to_string()));
    if steps.is_empty() || steps.first() != first.as_ref() {
        return Ok(None);
    }
    if let Some((newer, _)) = steps.iter().find(|(version, _)| !ours.version_exists(*version)) {
        return Err(db::newer(*newer));
    }
    let taken: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version LIMIT $1")
            .bind(TABLES_MAX)
            .fetch_all(&mut *conn)
            .await
            .map_err(at())?;
    let is_ours = |version, sum: &[u8]| ours.iter().any(|step| step.version == version && *step.checksum == *sum);
    if let Some((other, _)) = taken.iter().find(|(version, sum)| !is_ours(*version, sum)) {
        return Err(db::other_steps(*other));
    }
    let rows = sqlx::query(
        "SELECT id, name, token_sealed FROM connection WHERE token_sealed <> '' ORDER BY created_at, id LIMIT $1",
    )
    .bind(CONNECTIONS_MAX)
    .fetch_all(&mut *conn)
    .await
    .map_err(at())?;
    let sealed = rows
        .iter()
        .map(|row| {
            let id: String = row.try_get(0)?;
            Ok(Sealed { name: row.try_get(1)?, owner: format!("connection.token:{id}"), text: row.try_get(2)? })
        })
        .collect::<Result<_, _>>()
        .map_err(at())?;
    let accounts = if has("account") {
        let (n,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM account").fetch_one(&mut *conn).await.map_err(at())?;
        n
    } else {
        0
    };
    Ok(Some(Found::Ours(Inside { accounts, sealed, steps_to_come: ours.iter().count().saturating_sub(steps.len()) })))
}

#[cfg(test)]
mod tests {
    use super::super::{Durability, Store};
    use super::*;
    use sqlx::Executor as _;

    async fn run(file: &Path, statements: &[&'static str]) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let mut conn = connect(db::sqlite_options(file, "mode=rwc").unwrap()).await.unwrap();
        for statement in statements {
            conn.execute(*statement).await.unwrap();
        }
        conn
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn tables_of_another_program_are_refused_before_anything_is_written_beside_them() {
        for mine in [
            &["CREATE TABLE recipe (name TEXT)"][..],
            &["PRAGMA journal_mode = WAL", "CREATE TABLE recipe (name TEXT)"],
            &["CREATE VIEW today AS SELECT 1"],
            &["CREATE TABLE connection (id TEXT)"],
            &[
                "CREATE TABLE connection (id TEXT)",
                "CREATE TABLE _sqlx_migrations (version BIGINT, description TEXT)",
                "INSERT INTO _sqlx_migrations VALUES (1, 'recipes')",
            ],
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("other.db");
            run(&file, mine).await.close().await.unwrap();
            let (before, names) = (std::fs::read(&file).unwrap(), names_in(folder.path()));
            let url = format!("sqlite://{}", file.display());
            assert!(matches!(look(&url).await.unwrap(), Found::Strange(_)), "{mine:?}");
            let refused = Store::open(&url, Durability::Full).await;
            assert!(matches!(refused, Err(StoreError::Unusable(_))), "{mine:?}");
            assert_eq!(std::fs::read(&file).unwrap(), before, "{mine:?}");
            assert_eq!(names_in(folder.path()), names, "{mine:?}");
        }
    }

    #[tokio::test]
    async fn looking_brings_nothing_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("truecount.db");
        let url = format!("sqlite://{}", file.display());
        assert_eq!(look(&url).await.unwrap(), Found::Nothing);
        std::fs::write(&file, "").unwrap();
        assert_eq!(look(&url).await.unwrap(), Found::Nothing);
        let store = Store::open(&url, Durability::Full).await.unwrap();
        assert_eq!(look(&url).await.unwrap(), Found::Ours(Inside::default()), "while it is in use");
        store.close().await;
        drop(store);
        let older = ["DELETE FROM _sqlx_migrations WHERE version > 1", "DROP TABLE account"];
        run(&file, &older).await.close().await.unwrap();
        let before = names_in(folder.path());
        for _ in 0..2 {
            let Found::Ours(inside) = look(&url).await.unwrap() else { panic!("it is ours") };
            assert_eq!(inside.steps_to_come, SQLITE_MIGRATIONS.iter().count() - 1);
        }
        assert_eq!(names_in(folder.path()), before);
        run(&file, &["UPDATE _sqlx_migrations SET version = 9000 WHERE version = 1"]).await.close().await.unwrap();
        assert!(matches!(look(&url).await.unwrap(), Found::Strange(_)), "its first step is another");
        let newer = [
            "UPDATE _sqlx_migrations SET version = 1",
            "INSERT INTO _sqlx_migrations SELECT 9000, description, installed_on, success, checksum, execution_time
             FROM _sqlx_migrations",
        ];
        run(&file, &newer).await.close().await.unwrap();
        let Err(StoreError::Unusable(why)) = look(&url).await else { panic!("it is newer") };
        assert!(why.contains("a newer Truecount"), "{why}");
    }

    /// The same step in another form made other tables: found while looking, not when the first row is read.
    #[tokio::test]
    async fn a_step_in_another_form_is_seen_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("truecount.db");
        let url = format!("sqlite://{}", file.display());
        Store::open(&url, Durability::Off).await.unwrap().close().await;
        run(&file, &["UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1"]).await.close().await.unwrap();
        for refused in [look(&url).await.err(), Store::open(&url, Durability::Off).await.err()] {
            let Some(StoreError::Unusable(why)) = refused else { panic!("it is another version's") };
            assert!(why.contains("another version of Truecount (its migration 1 "), "{why}");
            assert!(why.contains("deleted and made again"), "{why}");
        }
    }

    /// A program that was cut off leaves what it wrote last in the write-ahead log only.
    #[tokio::test]
    async fn what_is_only_in_the_log_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("truecount.db");
        let store = Store::open(&format!("sqlite://{}", file.display()), Durability::Full).await.unwrap();
        let copy = folder.path().join("copy.db");
        for ending in ["", "-wal"] {
            let with = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
            std::fs::copy(with(&file), with(&copy)).unwrap();
        }
        store.close().await;
        let found = look(&format!("sqlite://{}", copy.display())).await.unwrap();
        assert_eq!(found, Found::Ours(Inside::default()));
    }
}
