//! Accounts, counters against guessing, and the code for the first account. It knows no password, only hashes.

use crate::domain::access::Role;
use crate::domain::ids::PersonId;
use crate::domain::time::Timestamp;
use crate::store::question::{Question, each};
use crate::store::script::Statement;
use crate::store::{Store, StoreError};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row, any::AnyRow};
use std::collections::HashMap;

/// Failures in a row after which an account has one try a day.
pub const LOCKED_AT: i64 = 100;

/// A person's account as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Ours.
    pub id: PersonId,
    /// As it is shown.
    pub name: String,
    /// As it is compared; see [`name_key`].
    pub name_key: String,
    /// What they are to the house.
    pub role: Role,
    /// PHC string.
    pub password_hash: String,
    /// "system", "light" or "dark".
    pub theme: String,
    /// IANA zone; empty means the installation's.
    pub zone: String,
    /// May not log in.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

/// The form in which names are compared: trimmed and lower case.
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// What failed tries on the account with that name are counted under. Names that nobody has are counted, too, so the
/// table must not show what people typed.
pub fn throttle_subject(name: &str) -> String {
    format!("account:{}", hex::encode(Sha256::digest(name_key(name).as_bytes())))
}

/// What was guessed at: accounts and names that nobody has, with their failures in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guessed {
    /// Accounts with at least so many failures as was asked for, by their names, most failures first.
    pub accounts: Vec<(String, i64)>,
    /// Names that nobody has with so many failures.
    pub nobody: usize,
    /// All names with any failure.
    pub names: usize,
}

/// What log-ins are counted against: the subject, and its failures in a row.
pub type Tries = Vec<(String, i64)>;

/// Failed log-ins since `since`, and those locked at `now`, most failures first; the answer is for [`guessed`].
pub fn tries(since: Timestamp, now: Timestamp) -> Question<Tries> {
    const SQL: &str = "SELECT subject, tries FROM login_throttle WHERE subject LIKE 'account:%' \
         AND (changed_at >= $1 OR (tries >= $2 AND blocked_until > $3)) ORDER BY tries DESC, subject LIMIT 10000";
    let statement = Statement::new(SQL, "the accounts").int(since.micros()).int(LOCKED_AT).int(now.micros());
    Question::new(statement, |rows| each(rows, |row| Ok((row.try_get(0)?, row.try_get(1)?))))
}

/// What is guessed at; `at_least` failures make it a guess rather than a slip.
pub async fn guessed(store: &Store, tries: Tries, at_least: i64) -> Result<Guessed, StoreError> {
    let mut found = Guessed { names: tries.len(), ..Guessed::default() };
    let guesses: Tries = tries.into_iter().take_while(|(_, tries)| *tries >= at_least).collect();
    if guesses.is_empty() {
        return Ok(found);
    }
    let mut conn = store.read().acquire().await.map_err(StoreError::at("the accounts"))?;
    let named = list(&mut conn).await?.into_iter().map(|of| (throttle_subject(&of.name_key), of.name));
    let people: HashMap<String, String> = named.collect();
    for (subject, tries) in guesses {
        match people.get(&subject) {
            Some(name) => found.accounts.push((name.clone(), tries)),
            None => found.nobody += 1,
        }
    }
    Ok(found)
}

/// Whether there is any account.
pub async fn any(store: &Store) -> Result<bool, StoreError> {
    let mut conn = store.read().acquire().await.map_err(StoreError::at("the accounts"))?;
    Ok(count(&mut conn).await? > 0)
}

/// How many accounts there are.
pub async fn count(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) AS n FROM account")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    number(&row, "n")
}

/// Adds an account; `false` when the name is taken.
pub async fn insert(conn: &mut AnyConnection, account: &Account) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO account (id, name, name_key, role, password_hash, theme, zone, disabled, created_at, \
         password_changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (name_key) DO NOTHING",
    )
    .bind(account.id.as_str())
    .bind(account.name.as_str())
    .bind(account.name_key.as_str())
    .bind(account.role.word())
    .bind(account.password_hash.as_str())
    .bind(account.theme.as_str())
    .bind(account.zone.as_str())
    .bind(i64::from(account.disabled))
    .bind(account.created_at.micros())
    .execute(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected() == 1)
}

/// The account with that name, however it was typed.
pub async fn by_name(conn: &mut AnyConnection, name: &str) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, name_key, role, password_hash, theme, zone, disabled, created_at FROM account \
         WHERE name_key = $1",
    )
    .bind(name_key(name))
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    row.as_ref().map(account).transpose()
}

/// The account with that id.
pub async fn by_id(conn: &mut AnyConnection, id: &PersonId) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, name_key, role, password_hash, theme, zone, disabled, created_at FROM account WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    row.as_ref().map(account).transpose()
}

/// All accounts by name, at most 1,000.
pub async fn list(conn: &mut AnyConnection) -> Result<Vec<Account>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, name, name_key, role, password_hash, theme, zone, disabled, created_at FROM account \
         ORDER BY name_key LIMIT 1000",
    )
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    rows.iter().map(account).collect()
}

/// Replaces the password; `false` when there is no such account.
pub async fn set_password(
    conn: &mut AnyConnection,
    id: &PersonId,
    hash: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE account SET password_hash = $2, password_changed_at = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(hash)
        .bind(at.micros())
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected() == 1)
}

/// Replaces a hash by a stronger one of the same password, unless the password changed meanwhile.
pub async fn upgrade_hash(conn: &mut AnyConnection, id: &PersonId, old: &str, new: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE account SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
        .bind(id.as_str())
        .bind(old)
        .bind(new)
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(())
}

/// Gives a role; `false` when there is no such account.
pub async fn set_role(conn: &mut AnyConnection, id: &PersonId, role: Role) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE account SET role = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(role.word())
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected() == 1)
}

/// Lets in or keeps out; `false` when there is no such account.
pub async fn set_disabled(conn: &mut AnyConnection, id: &PersonId, disabled: bool) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE account SET disabled = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(i64::from(disabled))
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected() == 1)
}

/// Keeps the theme a person chose; `theme` is "system", "light" or "dark".
pub async fn set_theme(conn: &mut AnyConnection, id: &PersonId, theme: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE account SET theme = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(theme)
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected() == 1)
}

/// Active administrators other than `id`: the last one cannot be disabled or demoted.
pub async fn other_admins(conn: &mut AnyConnection, id: &PersonId) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) AS n FROM account WHERE role = $1 AND disabled = 0 AND id <> $2")
        .bind(Role::Admin.word())
        .bind(id.as_str())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    number(&row, "n")
}

/// Counts one try in the window that starts at `window`; returns the tries in it, this one included.
pub async fn count_try(
    conn: &mut AnyConnection,
    subject: &str,
    window: Timestamp,
    at: Timestamp,
) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "INSERT INTO login_throttle (subject, tries, window_start, changed_at) VALUES ($1, 1, $2, $3) \
         ON CONFLICT (subject) DO UPDATE SET changed_at = excluded.changed_at, window_start = excluded.window_start, \
         tries = CASE WHEN login_throttle.window_start = excluded.window_start THEN login_throttle.tries + 1 ELSE 1 END \
         RETURNING tries",
    )
    .bind(subject)
    .bind(window.micros())
    .bind(at.micros())
    .fetch_one(conn)
    .await.map_err(StoreError::at("the accounts"))?;
    number(&row, "tries")
}

/// The tries already counted in the window that starts at `window`.
pub async fn tries_in(conn: &mut AnyConnection, subject: &str, window: Timestamp) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT tries FROM login_throttle WHERE subject = $1 AND window_start = $2")
        .bind(subject)
        .bind(window.micros())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(match row {
        Some(row) => number(&row, "tries")?,
        None => 0,
    })
}

/// Failures in a row for a subject, and until when it must wait.
pub async fn failures(conn: &mut AnyConnection, subject: &str) -> Result<(i64, Timestamp), StoreError> {
    let row = sqlx::query("SELECT tries, blocked_until FROM login_throttle WHERE subject = $1")
        .bind(subject)
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(match row {
        Some(row) => (number(&row, "tries")?, Timestamp(number(&row, "blocked_until")?)),
        None => (0, Timestamp(0)),
    })
}

/// Writes the failures in a row of a subject.
pub async fn set_failures(
    conn: &mut AnyConnection,
    subject: &str,
    failures: i64,
    blocked_until: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO login_throttle (subject, tries, blocked_until, changed_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (subject) DO UPDATE SET tries = excluded.tries, blocked_until = excluded.blocked_until, \
         changed_at = excluded.changed_at",
    )
    .bind(subject)
    .bind(failures)
    .bind(blocked_until.micros())
    .bind(at.micros())
    .execute(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    Ok(())
}

/// Forgets the failures of a subject: somebody proved who they are, or an administrator reset it.
pub async fn forget_failures(conn: &mut AnyConnection, subject: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM login_throttle WHERE subject = $1")
        .bind(subject)
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(())
}

/// Removes counters that have been quiet since `before`, at most 1,000; a subject with `locked` failures stays.
pub async fn prune_tries(conn: &mut AnyConnection, before: Timestamp, locked: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM login_throttle WHERE subject IN (SELECT subject FROM login_throttle WHERE changed_at < $1 \
         AND tries < $2 LIMIT 1000)",
    )
    .bind(before.micros())
    .bind(locked)
    .execute(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected())
}

/// Keeps the hash of the code for the first account; a former one is void.
pub async fn put_setup_code(conn: &mut AnyConnection, hash: &str, expires: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO setup_code (id, code_hash, expires_at) VALUES (1, $1, $2) \
         ON CONFLICT (id) DO UPDATE SET code_hash = excluded.code_hash, expires_at = excluded.expires_at",
    )
    .bind(hash)
    .bind(expires.micros())
    .execute(conn)
    .await
    .map_err(StoreError::at("the accounts"))?;
    Ok(())
}

/// Uses the code up; `false` when it is another one or too old.
pub async fn take_setup_code(conn: &mut AnyConnection, hash: &str, at: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM setup_code WHERE id = 1 AND code_hash = $1 AND expires_at > $2")
        .bind(hash)
        .bind(at.micros())
        .execute(conn)
        .await
        .map_err(StoreError::at("the accounts"))?;
    Ok(done.rows_affected() == 1)
}

fn account(row: &AnyRow) -> Result<Account, StoreError> {
    let id: String = text(row, "id")?;
    let word: String = text(row, "role")?;
    let Some(role) = Role::from_word(&word) else {
        return Err(StoreError::Inconsistent { table: "account", column: "role", id, value: word });
    };
    Ok(Account {
        id: PersonId::new(id),
        name: text(row, "name")?,
        name_key: text(row, "name_key")?,
        role,
        password_hash: text(row, "password_hash")?,
        theme: text(row, "theme")?,
        zone: text(row, "zone")?,
        disabled: number(row, "disabled")? != 0,
        created_at: Timestamp(number(row, "created_at")?),
    })
}

pub(super) fn number(row: &AnyRow, column: &str) -> Result<i64, StoreError> {
    row.try_get(column).map_err(StoreError::at("the accounts"))
}

pub(super) fn text(row: &AnyRow, column: &str) -> Result<String, StoreError> {
    row.try_get(column).map_err(StoreError::at("the accounts"))
}
