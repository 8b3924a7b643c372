//! Connections (vendor accounts), their outlets, and the shop places that outlets feed.

use super::error::ensure_rows;
use super::question::{Question, each};
use super::script::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// One vendor account. Secrets are sealed texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Our id, also the last part of its webhook address.
    pub id: String,
    /// "centra", "lightspeed-x".
    pub vendor: String,
    /// "shop" or "till".
    pub side: String,
    /// Its name on our pages.
    pub name: String,
    /// Base address of the vendor's API.
    pub base_url: String,
    /// Sealed access token.
    pub token_sealed: String,
    /// Sealed webhook secret.
    pub notice_sealed: String,
    /// Last four characters of the token.
    pub key_hint: String,
    /// When a person paused it; zero while it runs.
    pub paused_at: Timestamp,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A shop place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceRow {
    /// Our id.
    pub id: String,
    /// Shop connection.
    pub connection: String,
    /// The shop's warehouse.
    pub warehouse: String,
    /// Name.
    pub name: String,
    /// Since when we may write there; zero while we only read.
    pub live_since: Timestamp,
    /// Units kept back on every SKU.
    pub buffer: i64,
}

/// A till outlet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutletRow {
    /// Our id.
    pub id: String,
    /// Till connection.
    pub connection: String,
    /// The till's outlet.
    pub outlet: String,
    /// Name.
    pub name: String,
    /// IANA zone, or empty.
    pub zone: String,
    /// The place it feeds, or empty.
    pub place: String,
    /// Registers.
    pub registers: i64,
}

const ALL: &str =
    "SELECT id, vendor, side, name, base_url, token_sealed, notice_sealed, key_hint, paused_at, created_at
                   FROM connection ORDER BY side, created_at, id";

fn connection_row(row: &AnyRow) -> Result<ConnectionRow, sqlx::Error> {
    Ok(ConnectionRow {
        id: row.try_get(0)?,
        vendor: row.try_get(1)?,
        side: row.try_get(2)?,
        name: row.try_get(3)?,
        base_url: row.try_get(4)?,
        token_sealed: row.try_get(5)?,
        notice_sealed: row.try_get(6)?,
        key_hint: row.try_get(7)?,
        paused_at: Timestamp(row.try_get(8)?),
        created_at: Timestamp(row.try_get(9)?),
    })
}

/// All connections, shops first.
pub fn every() -> Question<Vec<ConnectionRow>> {
    Question::new(Statement::new(ALL, "reading connections"), |rows| each(rows, connection_row))
}

/// The same, asked alone.
pub async fn all(store: &Store) -> Result<Vec<ConnectionRow>, StoreError> {
    every().ask(store).await
}

/// The same as this unit of work sees them: nobody changes them before it ends.
pub async fn all_in(tx: &mut Tx) -> Result<Vec<ConnectionRow>, StoreError> {
    let rows = sqlx::query(ALL).fetch_all(tx.conn().await?).await.map_err(at("reading connections"))?;
    rows.iter().map(connection_row).collect::<Result<_, _>>().map_err(at("reading connections"))
}

/// Adds a connection, which only reads.
pub async fn add(tx: &mut Tx, c: &ConnectionRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO connection (id, vendor, side, name, base_url, token_sealed, notice_sealed, key_hint, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&c.id)
    .bind(&c.vendor)
    .bind(&c.side)
    .bind(&c.name)
    .bind(&c.base_url)
    .bind(&c.token_sealed)
    .bind(&c.notice_sealed)
    .bind(&c.key_hint)
    .bind(c.created_at.micros())
    .execute(tx.conn().await?)
    .await
    .map_err(at("adding a connection"))?;
    Ok(())
}

/// The sealed key of a connection as this unit of work sees it.
pub async fn token_in(tx: &mut Tx, id: &str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT token_sealed FROM connection WHERE id = $1")
        .bind(id)
        .fetch_optional(tx.conn().await?)
        .await
        .map_err(at("reading a key"))
}

/// Another sealed key in the place of one that it was exchanged for; people know it by the same end.
pub async fn exchange_token(tx: &mut Tx, id: &str, sealed: &str) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE connection SET token_sealed = $2 WHERE id = $1")
        .bind(id)
        .bind(sealed)
        .execute(tx.conn().await?)
        .await
        .map_err(at("exchanging a key"))?;
    ensure_rows("exchanging a key", done.rows_affected(), 1)
}

/// Gives a connection another sealed token.
pub async fn change_token(tx: &mut Tx, id: &str, sealed: &str, key_hint: &str) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE connection SET token_sealed = $2, key_hint = $3 WHERE id = $1")
        .bind(id)
        .bind(sealed)
        .bind(key_hint)
        .execute(tx.conn().await?)
        .await
        .map_err(at("changing a token"))?;
    ensure_rows("changing a token", done.rows_affected(), 1)
}

/// Gives a connection another sealed secret for its notices.
pub async fn change_notice(tx: &mut Tx, id: &str, sealed: &str) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE connection SET notice_sealed = $2 WHERE id = $1")
        .bind(id)
        .bind(sealed)
        .execute(tx.conn().await?)
        .await
        .map_err(at("changing a secret"))?;
    ensure_rows("changing a secret", done.rows_affected(), 1)
}

/// Gives a connection another address.
pub async fn change_address(tx: &mut Tx, id: &str, base_url: &str) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE connection SET base_url = $2 WHERE id = $1")
        .bind(id)
        .bind(base_url)
        .execute(tx.conn().await?)
        .await
        .map_err(at("changing an address"))?;
    ensure_rows("changing an address", done.rows_affected(), 1)
}

/// Whether anything was read from a connection: the end of a list, a page of one, or what stands in it.
pub async fn was_read(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    exists(
        tx,
        "SELECT CAST(CASE
             WHEN EXISTS (SELECT 1 FROM feed WHERE connection = $1 AND (read_up_to > 0 OR cursor <> '')) THEN 1
             WHEN EXISTS (SELECT 1 FROM place WHERE connection = $1) THEN 1
             WHEN EXISTS (SELECT 1 FROM outlet WHERE connection = $1) THEN 1
             WHEN EXISTS (SELECT 1 FROM listing WHERE connection = $1) THEN 1
             WHEN EXISTS (SELECT 1 FROM inbox WHERE connection = $1 AND way = 'sweep') THEN 1
             ELSE 0 END AS BIGINT)",
        id,
    )
    .await
}

/// Whether a notice of a connection was kept.
pub async fn was_told(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    exists(
        tx,
        "SELECT CAST(CASE
             WHEN EXISTS (SELECT 1 FROM inbox WHERE connection = $1) THEN 1
             WHEN EXISTS (SELECT 1 FROM inbox_waiting WHERE connection = $1) THEN 1
             ELSE 0 END AS BIGINT)",
        id,
    )
    .await
}

/// The first that is found ends the look: of a connection at work there may be millions.
async fn exists(tx: &mut Tx, sql: &'static str, id: &str) -> Result<bool, StoreError> {
    let step = "looking for what a connection brought";
    let row = sqlx::query(sql).bind(id).fetch_one(tx.conn().await?).await.map_err(at(step))?;
    row.try_get::<i64, _>(0).map(|n| n > 0).map_err(at(step))
}

/// Removes a connection that brought nothing, with its keys and what was counted for it.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM old_notice_secret WHERE connection = $1",
        "DELETE FROM notice_count WHERE connection = $1",
        "DELETE FROM notice_refused WHERE connection = $1",
        "DELETE FROM feed WHERE connection = $1",
        "DELETE FROM trial WHERE connection = $1",
        "DELETE FROM master WHERE connection = $1",
        "DELETE FROM master_list WHERE connection = $1",
        "DELETE FROM mapping WHERE shop = $1 OR till = $1",
        "DELETE FROM owner WHERE shop = $1 OR till = $1",
    ] {
        sqlx::query(sql).bind(id).execute(tx.conn().await?).await.map_err(at("removing a connection"))?;
    }
    let done = sqlx::query("DELETE FROM connection WHERE id = $1")
        .bind(id)
        .execute(tx.conn().await?)
        .await
        .map_err(at("removing a connection"))?;
    ensure_rows("removing a connection", done.rows_affected(), 1)
}

/// Keeps the sealed secrets that notices were signed with before ([`crate::domain::secrets`]); the last of them
/// counts until then.
pub async fn keep_old_notice(tx: &mut Tx, id: &str, sealed: &str, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO old_notice_secret (connection, sealed, until) VALUES ($1, $2, $3)
         ON CONFLICT (connection) DO UPDATE SET sealed = excluded.sealed, until = excluded.until",
    )
    .bind(id)
    .bind(sealed)
    .bind(until.micros())
    .execute(tx.conn().await?)
    .await
    .map_err(at("keeping an old secret"))?;
    Ok(())
}

const OLD_NOTICE: &str = "SELECT sealed, until FROM old_notice_secret WHERE connection = $1";

/// The sealed secrets that notices were signed with before, and until when the last of them counts.
pub async fn old_notice(store: &Store, id: &str) -> Result<Option<(String, Timestamp)>, StoreError> {
    old_notice_of(sqlx::query(OLD_NOTICE).bind(id).fetch_optional(store.read()).await)
}

/// The same as this unit of work sees it.
pub async fn old_notice_in(tx: &mut Tx, id: &str) -> Result<Option<(String, Timestamp)>, StoreError> {
    old_notice_of(sqlx::query(OLD_NOTICE).bind(id).fetch_optional(tx.conn().await?).await)
}

fn old_notice_of(row: Result<Option<AnyRow>, sqlx::Error>) -> Result<Option<(String, Timestamp)>, StoreError> {
    let row = row.map_err(at("reading an old secret"))?;
    row.map(|row| Ok((row.try_get(0)?, Timestamp(row.try_get(1)?)))).transpose().map_err(at("reading an old secret"))
}

/// Pauses (an instant) or resumes (zero) a connection.
pub async fn set_paused(tx: &mut Tx, id: &str, paused_at: Timestamp) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE connection SET paused_at = $2 WHERE id = $1")
        .bind(id)
        .bind(paused_at.micros())
        .execute(tx.conn().await?)
        .await
        .map_err(at("pausing a connection"))?;
    ensure_rows("pausing a connection", done.rows_affected(), 1)
}

/// All shop places.
pub async fn places(store: &Store) -> Result<Vec<PlaceRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, connection, warehouse, name, live_since, buffer FROM place WHERE archived = 0 ORDER BY name, id",
    )
    .fetch_all(store.read())
    .await
    .map_err(at("reading places"))?;
    rows.iter()
        .map(|row| {
            Ok(PlaceRow {
                id: row.try_get(0)?,
                connection: row.try_get(1)?,
                warehouse: row.try_get(2)?,
                name: row.try_get(3)?,
                live_since: Timestamp(row.try_get(4)?),
                buffer: row.try_get(5)?,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading places"))
}

/// All till outlets.
pub async fn outlets(store: &Store) -> Result<Vec<OutletRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, connection, outlet, name, zone, place, registers FROM outlet WHERE archived = 0 ORDER BY name, id",
    )
    .fetch_all(store.read())
    .await
    .map_err(at("reading outlets"))?;
    rows.iter()
        .map(|row| {
            Ok(OutletRow {
                id: row.try_get(0)?,
                connection: row.try_get(1)?,
                outlet: row.try_get(2)?,
                name: row.try_get(3)?,
                zone: row.try_get(4)?,
                place: row.try_get(5)?,
                registers: row.try_get(6)?,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading outlets"))
}

/// Makes or renames a place for a shop's warehouse; a new one is only read.
pub async fn keep_place(
    tx: &mut Tx,
    id: &str,
    connection: &str,
    warehouse: &str,
    name: &str,
    archived: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO place (id, connection, warehouse, name, archived) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (connection, warehouse) DO UPDATE SET name = excluded.name, archived = excluded.archived",
    )
    .bind(id)
    .bind(connection)
    .bind(warehouse)
    .bind(name)
    .bind(i64::from(archived))
    .execute(tx.conn().await?)
    .await
    .map_err(at("keeping a place"))?;
    Ok(())
}

/// Makes or renames an outlet; a new one feeds no place.
pub async fn keep_outlet(tx: &mut Tx, o: &OutletRow, currency: &str, archived: bool) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outlet (id, connection, outlet, name, zone, currency, registers, archived)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (connection, outlet) DO UPDATE SET
            name = excluded.name, zone = excluded.zone, currency = excluded.currency,
            registers = excluded.registers, archived = excluded.archived",
    )
    .bind(&o.id)
    .bind(&o.connection)
    .bind(&o.outlet)
    .bind(&o.name)
    .bind(&o.zone)
    .bind(currency)
    .bind(o.registers)
    .bind(i64::from(archived))
    .execute(tx.conn().await?)
    .await
    .map_err(at("keeping an outlet"))?;
    Ok(())
}

/// Lets an outlet feed a place (empty: none). Returns whether there is such an outlet.
pub async fn map_outlet(tx: &mut Tx, outlet: &str, place: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE outlet SET place = $2 WHERE id = $1")
        .bind(outlet)
        .bind(place)
        .execute(tx.conn().await?)
        .await
        .map_err(at("mapping an outlet"))?;
    Ok(done.rows_affected() == 1)
}

/// Lets a place be written to from `since`, or only be read (zero).
pub async fn set_live(tx: &mut Tx, place: &str, since: Timestamp) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE place SET live_since = $2 WHERE id = $1")
        .bind(place)
        .bind(since.micros())
        .execute(tx.conn().await?)
        .await
        .map_err(at("going live"))?;
    ensure_rows("going live", done.rows_affected(), 1)?;
    // What waited for this moment counts from it: before, nobody meant it to travel.
    tx.later(
        Statement::new(
            "UPDATE target SET cause_at = $2 WHERE place = $1 AND generation > acknowledged AND cause_at > 0 AND $2 > 0",
            "going live",
        )
        .text(place)
        .int(since.micros()),
    );
    Ok(())
}

/// The currency of the first outlet that names one.
pub async fn currency(store: &Store) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT currency FROM outlet WHERE currency <> '' ORDER BY id LIMIT 1")
        .fetch_optional(store.read())
        .await
        .map_err(at("reading the currency"))?;
    row.map(|row| row.try_get(0)).transpose().map_err(at("reading the currency"))
}
