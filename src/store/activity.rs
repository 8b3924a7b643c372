//! Who did what: an append-only chain. An entry is H(previous, seq, time, actor, action, object, body hash), and
//! the body hash is SHA-256(salt ‖ body); body and salt lie apart and can be erased without breaking the chain.

use super::error::ensure_rows;
use super::pushes::QUARTER;
use super::question::{Question, first};
use super::script::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::time::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

fn at(step: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::at(step)
}

/// An action to be written down.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Account id, or "truecount" for what we do ourselves.
    pub actor: &'a str,
    /// What, in one or two words ("go live").
    pub action: &'a str,
    /// On what.
    pub object: &'a str,
    /// Before, after and reason, as JSON text.
    pub body: &'a str,
    /// Fresh random salt.
    pub salt: [u8; 16],
}

fn hash_of(previous: &str, seq: i64, at: i64, actor: &str, action: &str, object: &str, body_hash: &str) -> String {
    let mut hash = Sha256::new();
    // Lengths first, so that no two different entries feed the same bytes.
    for part in [previous, &seq.to_string(), &at.to_string(), actor, action, object, body_hash] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Appends an entry in the caller's unit of work, so that an action and its entry are one.
pub async fn append(tx: &mut Tx, entry: &Entry<'_>, now: Timestamp) -> Result<i64, StoreError> {
    let last = sqlx::query("SELECT seq, hash FROM activity ORDER BY seq DESC LIMIT 1")
        .fetch_optional(tx.conn().await?)
        .await
        .map_err(at("reading the end of the log"))?;
    let (seq, previous): (i64, String) = match last {
        None => (1, String::new()),
        Some(row) => (
            row.try_get::<i64, _>(0).map_err(at("reading the end of the log"))? + 1,
            row.try_get(1).map_err(at("reading the end of the log"))?,
        ),
    };
    let mut body_hash = Sha256::new();
    body_hash.update(entry.salt);
    body_hash.update(entry.body.as_bytes());
    let body_hash = hex::encode(body_hash.finalize());
    let hash = hash_of(&previous, seq, now.micros(), entry.actor, entry.action, entry.object, &body_hash);
    let done = sqlx::query(
        "INSERT INTO activity (seq, at, actor, action, object, body_hash, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(seq)
    .bind(now.micros())
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.object)
    .bind(body_hash)
    .bind(previous)
    .bind(hash)
    .execute(tx.conn().await?)
    .await
    .map_err(at("writing the log"))?;
    ensure_rows("writing the log", done.rows_affected(), 1)?;
    sqlx::query("INSERT INTO activity_body (seq, salt, body) VALUES ($1, $2, $3)")
        .bind(seq)
        .bind(hex::encode(entry.salt))
        .bind(entry.body)
        .execute(tx.conn().await?)
        .await
        .map_err(at("writing the log"))?;
    Ok(seq)
}

/// The entries of one action, oldest first: who, and on what.
pub async fn of_action(store: &Store, action: &str, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    let rows = sqlx::query("SELECT actor, object FROM activity WHERE action = $1 ORDER BY seq LIMIT $2")
        .bind(action)
        .bind(limit)
        .fetch_all(store.read())
        .await
        .map_err(at("reading the log"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(at("reading the log"))
}

/// Where the chain breaks: the first seq whose entry does not follow from the one before, or whose body (where it
/// is still there) is not the one that was hashed. `None` when the chain is whole.
pub async fn first_break(store: &Store) -> Result<Option<i64>, StoreError> {
    let (mut previous, mut next) = (String::new(), 1i64);
    loop {
        let rows = sqlx::query(
            "SELECT a.seq, a.at, a.actor, a.action, a.object, a.body_hash, a.previous, a.hash, COALESCE(b.salt, ''),
                    COALESCE(b.body, '')
             FROM activity a LEFT JOIN activity_body b ON b.seq = a.seq
             WHERE a.seq >= $1 ORDER BY a.seq LIMIT 1000",
        )
        .bind(next)
        .fetch_all(store.read())
        .await
        .map_err(at("checking the log"))?;
        if rows.is_empty() {
            return Ok(None);
        }
        for row in &rows {
            let cell = |i: usize| row.try_get::<String, _>(i).map_err(at("checking the log"));
            let seq: i64 = row.try_get(0).map_err(at("checking the log"))?;
            let entry_at: i64 = row.try_get(1).map_err(at("checking the log"))?;
            let (body_hash, salt) = (cell(5)?, cell(8)?);
            let computed = hash_of(&previous, seq, entry_at, &cell(2)?, &cell(3)?, &cell(4)?, &body_hash);
            let body_fits = salt.is_empty() || {
                let mut hash = Sha256::new();
                hash.update(hex::decode(&salt).unwrap_or_default());
                hash.update(cell(9)?.as_bytes());
                hex::encode(hash.finalize()) == body_hash
            };
            if seq != next || cell(6)? != previous || cell(7)? != computed || !body_fits {
                return Ok(Some(next));
            }
            previous = computed;
            next += 1;
        }
    }
}

/// The root of a Merkle tree over `leaves`, in their order; one leaf is its own root. An odd one is carried up.
pub fn merkle_root(leaves: &[String]) -> Option<String> {
    let mut level: Vec<[u8; 32]> = leaves
        .iter()
        .map(|leaf| {
            let mut hash = Sha256::new();
            hash.update([0u8]);
            hash.update(leaf.as_bytes());
            hash.finalize().into()
        })
        .collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => {
                    let mut hash = Sha256::new();
                    hash.update([1u8]);
                    hash.update(left);
                    hash.update(right);
                    hash.finalize().into()
                }
                rest => rest.first().copied().unwrap_or_default(),
            })
            .collect();
    }
    level.first().map(hex::encode)
}

/// Up to when automatic writes have been sealed.
pub async fn sealed_up_to(tx: &mut Tx) -> Result<Timestamp, StoreError> {
    let row = sqlx::query("SELECT value FROM setting WHERE name = 'writes sealed up to'")
        .fetch_optional(tx.conn().await?)
        .await
        .map_err(at("reading the seal"))?;
    let text: String = row.map_or(Ok(String::new()), |row| row.try_get(0)).map_err(at("reading the seal"))?;
    Ok(Timestamp(text.parse().unwrap_or(0)))
}

/// Writes are sealed up to here.
pub async fn set_sealed_up_to(tx: &mut Tx, upto: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO setting (name, value) VALUES ('writes sealed up to', $1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(upto.micros().to_string())
    .execute(tx.conn().await?)
    .await
    .map_err(at("moving the seal"))?;
    Ok(())
}

/// Whether any write was answered since the last seal and before `to`.
pub fn unsealed(to: Timestamp) -> Question<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM (
             SELECT p.id FROM (SELECT COALESCE((SELECT CAST(value AS BIGINT) FROM setting
                                                WHERE name = 'writes sealed up to'), 0) AS at) AS sealed
             CROSS JOIN push p
             WHERE p.quarter >= sealed.at / $3 AND p.quarter <= $2 AND p.answered_at > 0
               AND p.answered_at >= sealed.at AND p.answered_at < $1 LIMIT 1) AS found";
    let statement = Statement::new(SQL, "looking for writes to seal");
    let statement = statement.int(to.micros()).int(to.micros().div_euclid(QUARTER.0)).int(QUARTER.0);
    Question::new(statement, |rows| Ok(first(rows)?.try_get::<i64, _>(0)? > 0))
}

/// The writes answered in `[from, to)`, one text each, in a fixed order.
pub async fn answered_pushes(tx: &mut Tx, from: Timestamp, to: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, physical, should, answered_at FROM push
         WHERE quarter >= $3 AND quarter <= $4 AND answered_at > 0 AND answered_at >= $1 AND answered_at < $2
         ORDER BY answered_at, id LIMIT 100000",
    )
    .bind(from.micros())
    .bind(to.micros())
    .bind(from.micros().div_euclid(QUARTER.0))
    .bind(to.micros().div_euclid(QUARTER.0))
    .fetch_all(tx.conn().await?)
    .await
    .map_err(at("reading writes to seal"))?;
    rows.iter()
        .map(|row| {
            let (id, physical, should, answered): (String, i64, i64, i64) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            Ok(format!("{id}:{physical}:{should}:{answered}"))
        })
        .collect::<Result<_, _>>()
        .map_err(at("reading writes to seal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    /// A log of five entries in a database of its own.
    async fn log() -> (Store, tempfile::TempDir) {
        let dir = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}", dir.path().join("t.db").display());
        let store = Store::open(&url, Durability::Off).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        for n in 1..=5u8 {
            let object = format!("place {n}");
            let entry = Entry { actor: "kim", action: "go live", object: &object, body: r#"{"n":1}"#, salt: [n; 16] };
            let seq = append(&mut tx, &entry, Timestamp::from_secs(1_000 + i64::from(n))).await.unwrap();
            assert_eq!(seq, i64::from(n));
        }
        tx.commit().await.unwrap();
        assert_eq!(first_break(&store).await.unwrap(), None);
        (store, dir)
    }

    async fn tampered(statements: &[&'static str]) -> Option<i64> {
        let (store, _dir) = log().await;
        let mut tx = store.begin().await.unwrap();
        for statement in statements {
            let done = sqlx::query(*statement).execute(tx.conn().await.unwrap()).await.unwrap();
            assert!(done.rows_affected() > 0, "{statement} changed nothing");
        }
        tx.commit().await.unwrap();
        first_break(&store).await.unwrap()
    }

    #[tokio::test]
    async fn a_changed_entry_is_found_where_it_was_changed() {
        for (statement, broken_at) in [
            ("UPDATE activity SET actor = 'sam' WHERE seq = 3", 3),
            ("UPDATE activity SET action = 'pause' WHERE seq = 1", 1),
            ("UPDATE activity SET object = 'place 9' WHERE seq = 5", 5),
            ("UPDATE activity SET at = at + 1 WHERE seq = 2", 2),
            ("UPDATE activity SET body_hash = 'x' WHERE seq = 4", 4),
            ("UPDATE activity SET hash = 'x' WHERE seq = 4", 4),
            ("UPDATE activity SET previous = 'x' WHERE seq = 4", 4),
            ("UPDATE activity_body SET body = '{\"n\":2}' WHERE seq = 2", 2),
            ("UPDATE activity_body SET salt = '00' WHERE seq = 3", 3),
        ] {
            assert_eq!(tampered(&[statement]).await, Some(broken_at), "{statement}");
        }
    }

    #[tokio::test]
    async fn a_deleted_or_swapped_entry_is_found() {
        assert_eq!(tampered(&["DELETE FROM activity WHERE seq = 3"]).await, Some(3));
        assert_eq!(tampered(&["DELETE FROM activity WHERE seq = 1"]).await, Some(1));
        let swap = [
            "UPDATE activity SET seq = 99 WHERE seq = 2",
            "UPDATE activity SET seq = 2 WHERE seq = 3",
            "UPDATE activity SET seq = 3 WHERE seq = 99",
        ];
        assert_eq!(tampered(&swap).await, Some(2));
        // Closing the gap does not hide it either.
        let closed = ["DELETE FROM activity WHERE seq = 4", "UPDATE activity SET seq = 4 WHERE seq = 5"];
        assert_eq!(tampered(&closed).await, Some(4));
    }

    #[tokio::test]
    async fn a_body_may_be_erased_and_the_chain_stays_whole() {
        assert_eq!(tampered(&["DELETE FROM activity_body WHERE seq = 2"]).await, None);
        assert_eq!(tampered(&["UPDATE activity_body SET salt = '', body = '' WHERE seq = 2"]).await, None);
    }

    #[test]
    fn a_merkle_root_depends_on_every_leaf_and_their_order() {
        let leaves = |texts: &[&str]| merkle_root(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        assert_eq!(leaves(&[]), None);
        let root = leaves(&["a", "b", "c"]);
        for other in [&["a", "b"][..], &["a", "c", "b"], &["a", "b", "d"], &["a", "b", "c", "c"]] {
            assert_ne!(leaves(other), root, "{other:?}");
        }
        assert_eq!(leaves(&["a", "b", "c"]), root);
    }
}
