//! How the vendors write times, amounts and ids, and how they sign. Printing only: nothing is decided here.

use crate::domain::money::{Fine, Minor};
use crate::domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use rand_chacha::ChaCha12Rng;
use serde_json::Value;
use sha2::Sha256;

/// A random UUID.
pub(super) fn uuid(rng: &mut ChaCha12Rng) -> String {
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// 32 hexadecimal digits.
pub(super) fn hex32(rng: &mut ChaCha12Rng) -> String {
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// Six characters, as on a receipt.
pub(super) fn short_code(rng: &mut ChaCha12Rng) -> String {
    const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    (0..6).map(|_| char::from(ALPHABET[(rng.next_u32() as usize) % ALPHABET.len()])).collect()
}

/// `2026-02-02T21:46:25+00:00`
pub(super) fn offset(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// `2026-02-02 21:46:25`, meaning UTC without saying so.
pub(super) fn spaced(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-02-02T21:46:25Z`
pub(super) fn zulu(at: Timestamp) -> String {
    at.rfc3339()
}

/// `2026-02-02T10:15:05+01:00` in a zone.
pub(super) fn zoned(at: Timestamp, zone: chrono_tz::Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `2026-02-02 10:15:02.120045` in a zone that is not named.
pub(super) fn micros_local(at: Timestamp, zone: chrono_tz::Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// `Mon, 02 Feb 2026 09:15:05 GMT`, rounded up to the second so that nobody is invited too early.
pub(super) fn http_date(at: Timestamp) -> String {
    ceil_second(at).to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The first whole second not before `at`.
pub(super) fn ceil_second(at: Timestamp) -> Timestamp {
    Timestamp::from_secs((at.micros() + 999_999).div_euclid(1_000_000))
}

/// A time as callers write it: RFC 3339, or date and time in the tenant's zone.
pub(super) fn parse_time(text: &str, zone: chrono_tz::Tz) -> Option<Timestamp> {
    use chrono::TimeZone;
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&chrono::Utc).into());
    }
    let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?;
    zone.from_local_datetime(&naive).earliest().map(|at| at.with_timezone(&chrono::Utc).into())
}

/// `"269.90000"`
pub(super) fn five(amount: Fine) -> String {
    let sign = if amount.0 < 0 { "-" } else { "" };
    let abs = amount.0.unsigned_abs();
    format!("{sign}{}.{:05}", abs / 100_000, abs % 100_000)
}

/// A JSON number with up to five decimals.
pub(super) fn number(amount: Fine) -> Value {
    decimal(amount.0, 100_000.0)
}

/// A JSON number with up to two decimals.
pub(super) fn number_minor(amount: Minor) -> Value {
    decimal(amount.0, 100.0)
}

fn decimal(units: i64, scale: f64) -> Value {
    let whole = units as f64 / scale;
    if whole.fract() == 0.0 { Value::from(units / scale as i64) } else { Value::from(whole) }
}

/// Lower-case hexadecimal HMAC-SHA256.
pub(super) fn sign(secret: &str, message: &[u8]) -> String {
    match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(message);
            hex::encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_vendors_write_them() {
        assert_eq!(five(Fine(-28_896_000)), "-288.96000");
        assert_eq!(five(Fine(500)), "0.00500");
        assert_eq!(number(Fine(26_990_000)).to_string(), "269.9");
        assert_eq!(number(Fine(-3_000_000)).to_string(), "-30");
        assert_eq!(number_minor(Minor(1)).to_string(), "0.01");
    }

    #[test]
    fn one_instant_has_many_spellings() {
        let at = Timestamp(1_770_068_785_120_045);
        assert_eq!(offset(at), "2026-02-02T21:46:25+00:00");
        assert_eq!(spaced(at), "2026-02-02 21:46:25");
        assert_eq!(zoned(at, chrono_tz::Europe::Stockholm), "2026-02-02T22:46:25+01:00");
        assert_eq!(micros_local(at, chrono_tz::Europe::Stockholm), "2026-02-02 22:46:25.120045");
        assert_eq!(http_date(at), "Mon, 02 Feb 2026 21:46:26 GMT");
        assert_eq!(
            parse_time("2026-02-02T22:46:25+01:00", chrono_tz::UTC),
            parse_time("2026-02-02 22:46:25", chrono_tz::Europe::Stockholm)
        );
        assert_eq!(parse_time("yesterday", chrono_tz::UTC), None);
    }

    #[test]
    fn signatures_match_the_published_vector() {
        assert_eq!(
            sign("test123", b"12345678.payload=%7B%22x%22%3A%22test%22%7D"),
            "0b9cd84f5d583e5e1aadfb9f160aa8080b51d5b85ff85808d6b75bdac356c549"
        );
    }
}
