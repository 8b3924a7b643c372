//! Reading what a caller wrote: numbers may be texts, texts may be missing, and nothing is trusted.

use super::{Said, fail};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use http::StatusCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

/// The largest amount that is taken, in hundred-thousandths.
const MOST_MONEY: u64 = 1_000_000 * 100_000;
/// The largest number of units.
const MOST_UNITS: u64 = 100_000;
/// The most lines of a sale.
pub(super) const MOST_LINES: usize = 500;

pub(super) type Tried<T> = Result<T, Said>;

/// 400: the request makes no sense.
pub(super) fn bad(message: &str) -> Said {
    fail(StatusCode::BAD_REQUEST, "Bad Request", message)
}

/// 422: it makes sense and cannot be.
pub(super) fn cannot(message: &str) -> Said {
    fail(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity", message)
}

/// 409: it is not as the caller thinks.
pub(super) fn conflict(message: &str) -> Said {
    fail(StatusCode::CONFLICT, "Conflict", message)
}

/// The object that a body is.
pub(super) fn object(body: &[u8]) -> Tried<Value> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(bad("The body must be a JSON object")),
        Err(_) => Err(bad("The body is not valid JSON")),
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

/// An amount, as a number or as a text.
pub(super) fn fine(value: &Value) -> Option<Fine> {
    let scaled = decimal(value)?.checked_mul(Decimal::from(100_000))?.round().to_i64()?;
    (scaled.unsigned_abs() <= MOST_MONEY).then_some(Fine(scaled))
}

/// Whole units, as a number or as a text.
pub(super) fn units(value: &Value) -> Option<i64> {
    let number = decimal(value)?;
    let whole = number.fract().is_zero().then(|| number.to_i64()).flatten()?;
    (whole.unsigned_abs() <= MOST_UNITS).then_some(whole)
}

/// A text that says something.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The rows of a list; none where there is no list.
pub(super) fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A moment as RFC 3339, or as date and time in UTC.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    super::super::text::parse_time(value.as_str()?, chrono_tz::UTC)
}

/// What looks like the number of a card is not kept, and nobody is told.
pub(super) fn without_cards(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        if let Some(digit) = c.filter(char::is_ascii_digit) {
            run.push(digit);
            continue;
        }
        if (13..=19).contains(&run.len()) {
            kept.push_str("[redacted]");
        } else {
            kept.push_str(&run);
        }
        run.clear();
        kept.extend(c);
    }
    kept
}
