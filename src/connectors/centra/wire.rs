//! The envelope around every answer: data, errors of two kinds, and what the call cost.

use super::super::Unreadable;
use super::super::error::CallErrorKind;
use super::super::json::Object;
use super::super::pacing::buckets::{Quota, QuotaState};
use crate::domain::ids::DocumentKey;
use crate::domain::money::Fine;
use crate::domain::time::{Span, Timestamp};
use sha2::{Digest as _, Sha256};

/// Longest piece of the vendor's words put into an outcome.
const WORDS_MAX: usize = 300;

/// Most warnings kept of one answer.
const WARNINGS_MAX: usize = 20;

/// Longest reference of ours that the vendor keeps.
const REFERENCE_MAX: usize = 255;

/// An order's id is a hash of 32 digits; anything shorter than this is its number.
const ORDER_ID_MIN: usize = 16;

/// An answer with status 200, opened.
pub(super) struct Envelope {
    /// The `data` as JSON text, or what the errors beside it mean.
    pub(super) outcome: Result<String, CallErrorKind>,
    pub(super) complexity: Option<i64>,
    pub(super) version: Option<(u64, u64, u64)>,
}

/// Opens an answer. `data` beside errors is never used: what is missing from it cannot be told.
pub(super) fn envelope(text: &str, mutates: bool) -> Result<Envelope, Unreadable> {
    let body = Object::open("the answer", text)?;
    let extensions = body.object("extensions").ok().flatten();
    let complexity = extensions.as_ref().and_then(|e| e.whole("complexity").ok().flatten());
    let version = extensions.as_ref().and_then(|e| e.text("appVersion").ok().flatten()).and_then(|text| triple(&text));
    let errors = body.objects("errors")?;
    let outcome = match errors.first() {
        Some(_) => Err(meaning(&errors, mutates)),
        None => match body.raw("data").filter(|data| data.get().starts_with('{')) {
            Some(data) => Ok(data.get().to_owned()),
            None => return Err(body.missing("data")),
        },
    };
    Ok(Envelope { outcome, complexity, version })
}

fn meaning(errors: &[Object<'_>], mutates: bool) -> CallErrorKind {
    let mut reason = String::new();
    let (mut forbidden, mut began, mut inside) = (false, false, false);
    for error in errors {
        if reason.is_empty() {
            reason = error.text("message").ok().flatten().unwrap_or_default().chars().take(WORDS_MAX).collect();
        }
        let category = error.object("extensions").ok().flatten().and_then(|e| e.text("category").ok().flatten());
        forbidden |= matches!(category.as_deref(), Some("authorization" | "authentication"));
        // An error with a path happened while the answer was being made; one without, before anything was done.
        began |= error.has("path") || category.as_deref() == Some("internal");
        // A path of one step is the question itself, which was not let in. Further down something was forbidden in
        // its answer: a change has been made by then.
        inside |= error.elements("path").is_ok_and(|path| path.len() > 1);
    }
    if reason.is_empty() {
        reason = "an error without words".to_owned();
    }
    match (forbidden, began) {
        (true, _) if mutates && inside => CallErrorKind::Unavailable { reason, acted: true },
        (true, _) => CallErrorKind::Unauthorized { reason },
        (false, true) => CallErrorKind::Unavailable { reason, acted: mutates },
        (false, false) => CallErrorKind::Rejected { reason },
    }
}

/// The vendor's words in an error body of any status.
pub(super) fn words(text: &str) -> Option<String> {
    let body = Object::open("error", text).ok()?;
    let first = body.objects("errors").ok().and_then(|errors| errors.into_iter().next());
    let first = first.and_then(|error| error.text("message").ok().flatten());
    first.or_else(|| body.text("message").ok().flatten()).or_else(|| body.text("error").ok().flatten())
}

/// The reasons in `userErrors`, joined; `None` when there are none.
pub(super) fn user_errors(payload: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let mut reasons = Vec::new();
    for error in payload.objects("userErrors")? {
        let message = error.text("message")?.unwrap_or_else(|| "refused without a reason".to_owned());
        reasons.push(message.chars().take(WORDS_MAX).collect::<String>());
    }
    Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
}

/// The words of `userWarnings`. A warning that cannot be read is still one.
pub(super) fn warnings(payload: &Object<'_>) -> Vec<String> {
    let words = |raw: &&serde_json::value::RawValue| {
        let text = Object::open("warning", raw.get()).ok().and_then(|warning| warning.text("message").ok().flatten());
        text.map_or_else(|| "a warning without words".to_owned(), |text| text.chars().take(WORDS_MAX).collect())
    };
    payload.elements("userWarnings").unwrap_or_default().iter().take(WARNINGS_MAX).map(words).collect()
}

/// A list in the answer that must be there.
pub(super) fn list<'a>(data: &Object<'a>, name: &str) -> Result<Vec<Object<'a>>, Unreadable> {
    if !data.has(name) {
        return Err(data.missing(name));
    }
    data.objects(name)
}

/// An id that must be there and be a positive whole number.
pub(super) fn need_id(row: &Object<'_>, name: &str) -> Result<i64, Unreadable> {
    let id = row.need_whole(name)?;
    if id > 0 { Ok(id) } else { Err(row.wrong(name, "is not an id")) }
}

/// The id of a thing inside, if there is one: `warehouse{id}`.
pub(super) fn id_in(row: &Object<'_>, name: &str) -> Result<Option<i64>, Unreadable> {
    match row.object(name)? {
        Some(inside) => need_id(&inside, "id").map(Some),
        None => Ok(None),
    }
}

/// An amount inside: `grandTotal{value}`. The vendor calculates in floating numbers, so what lies beyond the fifth decimal
/// is rounded.
pub(super) fn money(row: &Object<'_>, name: &str) -> Result<Option<Fine>, Unreadable> {
    match row.object(name)? {
        Some(money) => money.rounded("value"),
        None => Ok(None),
    }
}

/// The currency of an amount inside.
pub(super) fn currency(row: &Object<'_>, name: &str) -> Result<Option<String>, Unreadable> {
    let Some(money) = row.object(name)? else { return Ok(None) };
    match money.object("currency")? {
        Some(currency) => currency.text("code"),
        None => Ok(None),
    }
}

/// An amount as the vendor takes it: a number in major units, through its own text.
pub(super) fn amount(fine: Fine, currency: &str) -> serde_json::Value {
    let text = rust_decimal::Decimal::new(fine.0, 5).normalize().to_string();
    let value = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
    serde_json::json!({ "value": value, "currencyIsoCode": currency })
}

/// A moment as the vendor takes it, with an offset always: one without is read in the tenant's own zone.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// An order's id: the hash, never the number that people use. The two must not be taken for each other.
pub(super) fn order_id(key: &DocumentKey) -> Result<&str, Unreadable> {
    let text = key.as_str();
    let plain = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    match plain && text.len() >= ORDER_ID_MIN {
        true => Ok(text),
        false => Err(Unreadable::new("this is not an order's id in this shop (its number is another thing)")),
    }
}

/// A text of ours that identifies something over there.
pub(super) fn reference(text: &str) -> Result<&str, Unreadable> {
    let fits = !text.trim().is_empty() && text.len() <= REFERENCE_MAX && !text.contains('\0');
    if fits { Ok(text) } else { Err(Unreadable::new("a reference has between 1 and 255 bytes")) }
}

/// The vendor's account of our quotas. Rows of a kind or length unknown to us are passed over.
pub(super) fn rate_limits(data: &str) -> Result<Vec<QuotaState>, Unreadable> {
    let mut rows = Vec::new();
    for row in Object::open("data", data)?.objects("rateLimits")? {
        let quota = match row.text("type")?.as_deref() {
            Some("REQUEST_COUNT") => Quota::Requests,
            Some("MUTATION_COUNT") => Quota::Mutations,
            Some("QUERY_COMPLEXITY") => Quota::Complexity,
            _ => continue,
        };
        let interval = match row.text("intervalSeconds")?.as_deref() {
            Some("TEN_SECONDS" | "10") => Span::secs(10),
            Some("ONE_HOUR" | "3600") => Span::hours(1),
            _ => continue,
        };
        let limit = row.need_whole("quota")?;
        let remaining = match (row.whole("remainingQuota")?, row.whole("usedQuota")?) {
            (Some(remaining), _) => remaining,
            (None, Some(used)) => limit.saturating_sub(used),
            (None, None) => limit,
        };
        rows.push(QuotaState { quota, interval, limit, remaining });
    }
    Ok(rows)
}

/// The version of a record that changed then. The vendor prints whole seconds, so two changes within one are told apart
/// by what they say: the microseconds are drawn from the record itself. Which of the two is the newer they do not tell.
pub(super) fn version(changed_at: Timestamp, raw: &str) -> i64 {
    let second = changed_at.secs() * MICROS;
    if changed_at.micros() != second {
        return changed_at.micros();
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(raw.as_bytes()));
    second + i64::from(u32::from_be_bytes([a, b, c, d])) % MICROS
}

/// The second in which the record of a [`version`] changed.
pub(super) fn changed_at(version: i64) -> Timestamp {
    Timestamp::from_secs(Timestamp(version).secs())
}

const MICROS: i64 = 1_000_000;

/// An id of the vendor: a positive whole number.
pub(super) fn id(key: &str) -> Result<i64, Unreadable> {
    key.parse::<i64>().ok().filter(|id| *id > 0).ok_or_else(|| {
        Unreadable::new(format!("“{}” is not an id of this shop", key.chars().take(40).collect::<String>()))
    })
}

fn triple(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.trim().trim_start_matches('v').split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_three_numbers() {
        for (text, want) in [
            ("v1.60.0", Some((1, 60, 0))),
            ("1.59.10", Some((1, 59, 10))),
            ("v1.60", Some((1, 60, 0))),
            ("v1.60.1-rc2", Some((1, 60, 1))),
            ("nightly", None),
            ("", None),
        ] {
            assert_eq!(triple(text), want, "{text}");
        }
    }

    #[test]
    fn errors_lead_to_different_next_steps() {
        let meant = |json: &str, mutates| envelope(json, mutates).map(|e| e.outcome);
        let forbidden =
            r#"{"errors":[{"message":"You need X","extensions":{"category":"authorization"},"path":["a"]}]}"#;
        assert!(matches!(meant(forbidden, true), Ok(Err(CallErrorKind::Unauthorized { .. }))));
        let inside = r#"{"data":{"setStock":{"stockChanges":null}},"errors":[{"message":"You need X",
            "extensions":{"category":"authorization"},"path":["setStock","stockChanges"]}]}"#;
        assert!(matches!(meant(inside, true), Ok(Err(CallErrorKind::Unavailable { acted: true, .. }))));
        assert!(matches!(meant(inside, false), Ok(Err(CallErrorKind::Unauthorized { .. }))));
        let invalid = r#"{"errors":[{"message":"Unknown field"}]}"#;
        assert!(matches!(meant(invalid, true), Ok(Err(CallErrorKind::Rejected { .. }))));
        let broken = r#"{"data":{"setStock":null},"errors":[{"message":"Internal","path":["setStock"]}]}"#;
        assert!(matches!(meant(broken, true), Ok(Err(CallErrorKind::Unavailable { acted: true, .. }))));
        assert!(matches!(meant(broken, false), Ok(Err(CallErrorKind::Unavailable { acted: false, .. }))));
        for text in ["{}", r#"{"data":null}"#, r#"{"data":[]}"#, "<html></html>", r#"{"data":{"#, ""] {
            assert!(meant(text, false).is_err(), "{text}");
        }
    }
}
