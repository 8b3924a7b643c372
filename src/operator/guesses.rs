//! What a guess costs the guesser, and nobody else.
//!
//! Five free tries per account, then a wait that doubles up to a quarter of an hour, and after a hundred failures in a
//! row one try a day. Whoever knocks from a browser that logged in to that account before is counted by themselves, so
//! that a stranger's guesses keep nobody out of their own account. Every counter lies in the database, so a restart
//! forgives nothing, and an unknown name is treated exactly like a known one.

use super::accounts::AccountError;
use crate::domain::time::{Span, Timestamp};
use crate::store::accounts as rows;
use crate::store::seal::SealKey;
use crate::store::{Store, StoreError};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

pub use crate::store::accounts::LOCKED_AT;

/// Tries on one account before it has to wait.
pub const FREE_TRIES: i64 = 5;
/// Tries from one address in a minute.
pub const PER_ADDRESS: i64 = 20;
/// Tries by everybody together in a second; those from known browsers are counted apart from the others.
pub const BY_EVERYBODY: i64 = 10;
/// The longest wait between two tries on an account that is not locked.
pub const LONGEST_WAIT: Span = Span::minutes(15);
/// How long a locked account waits for its next try.
pub const LOCKED_FOR: Span = Span::hours(24);
/// How long a browser is known after its last log-in.
pub const KNOWN_FOR: Span = Span::hours(90 * 24);
/// Failures in a row after which a known browser is one like any other: it may have been stolen.
const KNOWN_UNTIL: i64 = 20;

/// Who knocks at an account.
#[derive(Debug, Clone, Copy)]
pub struct Knock<'a> {
    /// Where they are, as tries are counted.
    pub address: IpAddr,
    /// What their browser was given when it logged in before.
    pub known: Option<&'a str>,
}

/// What a browser is given that has logged in to the account with this name; it lets nobody in.
pub fn known_browser(seal: &SealKey, name: &str, now: Timestamp, nonce: [u8; 24]) -> Option<String> {
    seal.seal(&owner(name), &now.micros().to_string(), nonce).ok()
}

/// Whether a browser was given that for the account with this name, and not too long ago.
pub fn is_known(seal: &SealKey, name: &str, given: &str, now: Timestamp) -> bool {
    let Ok(since) = seal.open(&owner(name), given) else { return false };
    since.parse().is_ok_and(|since: i64| (Span::ZERO..KNOWN_FOR).contains(&now.since(Timestamp(since))))
}

fn owner(name: &str) -> String {
    format!("known browser:{}", rows::throttle_subject(name))
}

/// Counts a try and refuses it when there were too many; returns what its failures are counted under. The failure is
/// written before the password is looked at, so a hundred tries at once count as a hundred.
pub(super) async fn admit(
    store: &Store,
    now: Timestamp,
    knock: Knock<'_>,
    account: Option<&str>,
) -> Result<String, AccountError> {
    let subject = match (knock.known, account) {
        (Some(given), Some(_)) => {
            let own = format!("known:{}", hex::encode(Sha256::digest(given.as_bytes())));
            let mut conn = store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
            let (failures, _) = rows::failures(&mut conn, &own).await?;
            Some(own).filter(|_| failures < KNOWN_UNTIL)
        }
        _ => None,
    };
    let everybody = if subject.is_some() { "known browsers" } else { "everybody" };
    let subject = subject.or_else(|| account.map(str::to_owned)).unwrap_or_default();
    let from = format!("address:{}", knock.address);
    let windows = [(everybody, Span::secs(1), BY_EVERYBODY), (from.as_str(), Span::minutes(1), PER_ADDRESS)];
    let start = |length: Span| Timestamp(now.micros().div_euclid(length.0) * length.0);
    // A flood is turned away by reading alone; it must not keep the one writer busy.
    {
        let mut conn = store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
        for (window, length, most) in windows {
            if rows::tries_in(&mut conn, window, start(length)).await? >= most {
                return Err(AccountError::Wait((start(length) + length).since(now)));
            }
        }
        if !subject.is_empty() {
            waits(rows::failures(&mut conn, &subject).await?, now)?;
        }
    }
    let mut tx = store.begin().await?;
    for (window, length, most) in windows {
        if rows::count_try(tx.conn().await?, window, start(length), now).await? > most {
            tx.commit().await?;
            tracing::warn!(client.address = %knock.address, "too many log-in tries");
            return Err(AccountError::Wait((start(length) + length).since(now)));
        }
    }
    if !subject.is_empty() {
        let known = rows::failures(tx.conn().await?, &subject).await?;
        waits(known, now)?;
        let failures = known.0 + 1;
        rows::set_failures(tx.conn().await?, &subject, failures, now + wait_after(failures), now).await?;
    }
    tx.commit().await?;
    Ok(subject)
}

fn waits((failures, blocked_until): (i64, Timestamp), now: Timestamp) -> Result<(), AccountError> {
    let left = blocked_until.since(now);
    if left <= Span::ZERO {
        Ok(())
    } else if failures >= LOCKED_AT {
        Err(AccountError::Locked)
    } else {
        // A clock set back must not make the wait longer than the longest.
        Err(AccountError::Wait(left.min(LONGEST_WAIT)))
    }
}

/// The wait before the next try: none for the first tries, then one second, doubling; a day once it is locked.
fn wait_after(failures: i64) -> Span {
    if failures < FREE_TRIES {
        return Span::ZERO;
    }
    if failures >= LOCKED_AT {
        return LOCKED_FOR;
    }
    let doublings = u32::try_from(failures - FREE_TRIES).unwrap_or(0).min(20);
    Span::secs(1i64 << doublings).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_end_at_a_day() {
        let waits: Vec<i64> = (1..=16).map(|failures| wait_after(failures).as_millis() / 1_000).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!((wait_after(99), wait_after(100), wait_after(10_000)), (LONGEST_WAIT, LOCKED_FOR, LOCKED_FOR));
    }

    #[test]
    fn a_browser_is_known_to_one_account_for_a_while() {
        let (seal, now) = (SealKey::new([7; 32]), Timestamp::from_secs(1_000_000_000));
        let given = known_browser(&seal, "Kim", now, [1; 24]).unwrap();
        assert!(is_known(&seal, " kim", &given, now + Span::hours(24)));
        assert!(!is_known(&seal, "Lee", &given, now), "another account");
        assert!(!is_known(&seal, "Kim", &given, now + KNOWN_FOR), "too long ago");
        assert!(!is_known(&seal, "Kim", &given, now - Span::secs(1)), "from the future");
        assert!(!is_known(&SealKey::new([8; 32]), "Kim", &given, now), "another installation");
        for other in ["", "x", "v1.x.y"] {
            assert!(!is_known(&seal, "Kim", other, now), "{other}");
        }
    }
}
