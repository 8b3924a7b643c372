//! What is the same in all of the vendor's answers: lists, ids, quantities, and the ways it says no.

use crate::connectors::Unreadable;
use crate::connectors::error::CallErrorKind;
use crate::connectors::json::{Object, elements};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Longest piece of plain text taken for the shop's words.
const WORDS_MAX: usize = 300;

/// A list as far as it was asked for.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    /// How many rows the whole list has; `None` in an answer that was asked to leave it out.
    pub(super) total: Option<i64>,
    /// The page that the shop believes it gave.
    pub(super) current_page: Option<i64>,
}

/// Opens `{"items":[…],"total_count":…}`. An empty list may come as null; a body with neither is no list.
pub(super) fn list<'a>(what: &str, text: &'a str) -> Result<List<'a>, Unreadable> {
    let body = Object::open(what, text)?;
    let total = body.whole("total_count")?;
    if !body.has("items") && total.is_none() {
        return Err(body.missing("items"));
    }
    if total.is_some_and(|total| total < 0) {
        return Err(body.wrong("total_count", "fewer than no rows"));
    }
    let rows = body.elements("items")?;
    let current_page = match body.is_object("search_criteria") {
        true => body.need_object("search_criteria")?.whole("current_page")?,
        false => None,
    };
    Ok(List { rows, total, current_page })
}

/// The rows of page `number` of a list that is read to its end, and whether this was the end. A page that holds fewer
/// rows than it must, or that is another page, is not believed: what is missing could not be told from what is gone.
pub(super) fn page<'a>(
    what: &str,
    text: &'a str,
    size: usize,
    number: usize,
) -> Result<(Vec<&'a RawValue>, usize, bool), Unreadable> {
    let list = list(what, text)?;
    let total = list.total.ok_or_else(|| Unreadable::new(format!("{what}.total_count is missing")))?;
    let total = usize::try_from(total).map_err(|_| Unreadable::new(format!("{what}.total_count is too large")))?;
    if let Some(other) = list.current_page.filter(|page| usize::try_from(*page) != Ok(number)) {
        return Err(Unreadable::new(format!("{what}: asked for page {number}, page {other} came")));
    }
    let before = size.saturating_mul(number.saturating_sub(1));
    let due = total.saturating_sub(before).min(size);
    let came = list.rows.len();
    if came != due {
        return Err(Unreadable::new(format!(
            "{what}: page {number} of {total} rows holds {came} rows instead of {due}"
        )));
    }
    Ok((list.rows, total, size.saturating_mul(number) >= total))
}

/// An id that the vendor made: a positive whole number, as text or bare.
pub(super) fn id(object: &Object<'_>, name: &str) -> Result<i64, Unreadable> {
    let id = object.need_whole(name)?;
    if id <= 0 {
        return Err(object.wrong(name, &format!("{id} is no id")));
    }
    Ok(id)
}

/// Ten-thousandths of a unit, which is how finely the vendor counts; what is finer is cut off downwards. `None` when the
/// member is absent.
pub(super) fn quantity(object: &Object<'_>, name: &str) -> Result<Option<i64>, Unreadable> {
    let Some(number) = number(object, name)? else { return Ok(None) };
    let scaled = number.checked_mul(Decimal::from(PARTS)).map(|scaled| scaled.floor());
    let scaled = scaled.and_then(|scaled| scaled.to_i64()).filter(|parts| parts.unsigned_abs() <= PARTS_MAX);
    scaled.map(Some).ok_or_else(|| object.wrong(name, "so many units cannot be true"))
}

/// An amount of money; none when it is absent, as in an imported order.
pub(super) fn money(object: &Object<'_>, name: &str) -> Result<Option<Fine>, Unreadable> {
    let Some(number) = number(object, name)? else { return Ok(None) };
    let scaled = number.checked_mul(Decimal::from(100_000));
    let scaled = scaled.ok_or_else(|| object.wrong(name, "is too large"))?;
    if !scaled.fract().is_zero() {
        return Err(object.wrong(name, "has more than five decimals"));
    }
    scaled.to_i64().map(|fine| Some(Fine(fine))).ok_or_else(|| object.wrong(name, "is too large"))
}

/// A number from its own text. The vendor keeps four decimals; a server that prints floats at full length adds noise far
/// behind them (112.2 as 112.20000000000000284), which is taken off and nothing else is.
fn number(object: &Object<'_>, name: &str) -> Result<Option<Decimal>, Unreadable> {
    let Some(text) = object.text(name)? else { return Ok(None) };
    let wrong = || object.wrong(name, &format!("“{}” is not a number", clip(&text)));
    let plain =
        !text.is_empty() && text.len() <= 40 && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let number = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text)).ok();
    let number = number.filter(|_| plain).ok_or_else(wrong)?;
    let kept = number.round_dp(4);
    Ok(Some(if (number - kept).abs() < Decimal::new(1, 8) { kept } else { number }))
}

/// A quantity that must be there.
pub(super) fn need_quantity(object: &Object<'_>, name: &str) -> Result<i64, Unreadable> {
    quantity(object, name)?.ok_or_else(|| object.missing(name))
}

/// Whole units of a line of an order; null, which imported orders have, is none. Half a unit is refused: it would have
/// to be guessed which whole one it means.
pub(super) fn units(object: &Object<'_>, name: &str) -> Result<i64, Unreadable> {
    let parts = quantity(object, name)?.unwrap_or(0);
    if parts % PARTS != 0 {
        return Err(object.wrong(name, "is not a whole number of units"));
    }
    if parts < 0 {
        return Err(object.wrong(name, "fewer than no units"));
    }
    Ok(parts / PARTS)
}

/// Parts of a unit in a [`quantity`].
pub(super) const PARTS: i64 = 10_000;

/// The vendor itself cuts off at a hundred million units.
const PARTS_MAX: u64 = 1_000_000_000 * 10_000;

/// Parts as whole units, rounded down: a fraction cannot be sold as a unit.
pub(super) const fn whole(parts: i64) -> i64 {
    parts.div_euclid(PARTS)
}

/// The version of a record that changed then. The vendor prints whole seconds, so two changes within one are told apart
/// by what they say: the microseconds are drawn from the record itself. Which is the newer they do not tell.
pub(super) fn version(changed_at: Timestamp, raw: &str) -> i64 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(raw.as_bytes()));
    changed_at.secs().saturating_mul(1_000_000) + i64::from(u32::from_be_bytes([a, b, c, d])) % 1_000_000
}

/// A moment as filters want it: UTC, whole seconds, no zone.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The beginning of a foreign text, for messages.
pub(super) fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Whether a 404 means that the thing is not there, and not that the address is wrong.
pub(super) fn is_missing_thing(body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).unwrap_or_default();
    words(text).is_some_and(|said| text.starts_with('{') && !said.starts_with(NO_ROUTE))
}

const NO_ROUTE: &str = "Request does not match any route";

/// The shop's own words in an error body: JSON of two shapes, or the plain text of a failure. A page of HTML says nothing.
pub(super) fn words(text: &str) -> Option<String> {
    let Ok(body) = Object::open("error", text) else {
        let plain = text.trim();
        let page = plain.is_empty() || plain.starts_with(['<', '{', '[', '"']);
        return (!page).then(|| plain.chars().take(WORDS_MAX).collect());
    };
    let said = said(&body).or_else(|| {
        let fatal = body.object("messages").ok().flatten()?.objects("error").ok()?;
        fatal.first().and_then(said)
    })?;
    let mut all = vec![said];
    for error in body.objects("errors").unwrap_or_default() {
        all.extend(self::said(&error).filter(|said| !all.iter().any(|known| known.contains(said.as_str()))));
    }
    let joined = all.join(" ");
    Some(joined.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A message with its gaps filled in.
fn said(error: &Object<'_>) -> Option<String> {
    let message = error.text("message").ok().flatten().filter(|message| !message.is_empty())?;
    let given = error.raw("parameters").map_or("", RawValue::get);
    let named: BTreeMap<String, &RawValue> = serde_json::from_str(given).unwrap_or_default();
    let named: BTreeMap<String, String> = named.into_iter().map(|(name, raw)| (name, plain(raw))).collect();
    let listed: Vec<String> = elements("parameters", given).unwrap_or_default().into_iter().map(plain).collect();
    Some(fill(&message, &named, &listed))
}

fn plain(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

/// Fills `%1` from a list and `%name` from names. Some messages have names and a list; then the first name means the
/// first of the list.
fn fill(message: &str, named: &BTreeMap<String, String>, listed: &[String]) -> String {
    let mut out = String::with_capacity(message.len());
    let mut met: Vec<&str> = Vec::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let numbered = after.starts_with(|c: char| c.is_ascii_digit());
        let belongs = |c: char| if numbered { c.is_ascii_digit() } else { c.is_ascii_alphanumeric() || c == '_' };
        let name = after.split(|c: char| !belongs(c)).next().unwrap_or_default();
        let place = match name.parse::<usize>() {
            Ok(number) => number.checked_sub(1),
            Err(_) if name.is_empty() => None,
            Err(_) => Some(met.iter().position(|known| *known == name).unwrap_or_else(|| {
                met.push(name);
                met.len() - 1
            })),
        };
        match named.get(name).or_else(|| place.and_then(|place| listed.get(place))) {
            Some(value) => out.push_str(value),
            None => {
                out.push('%');
                out.push_str(name);
            }
        }
        rest = after.get(name.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What a refusal means beyond its status, in this vendor's words.
pub(super) fn judge(kind: CallErrorKind, mutates: bool) -> CallErrorKind {
    match kind {
        CallErrorKind::Unauthorized { reason } if reason.contains("isn't authorized to access") => {
            let which = reason.split("isn't authorized to access ").nth(1).unwrap_or_default();
            let which = which.trim_end_matches('.');
            let reason = format!("the shop does not accept the key, or it lacks the permission {which}");
            CallErrorKind::Unauthorized { reason }
        }
        CallErrorKind::Unauthorized { reason } if reason.starts_with("The nonce is already being used") => {
            // Something on the way sent our request a second time; what became of the first we were not told.
            CallErrorKind::Unavailable { reason: "a request of ours reached it twice".to_owned(), acted: mutates }
        }
        CallErrorKind::Unauthorized { reason } if reason.contains("validating the nonce") => {
            CallErrorKind::Unauthorized { reason: format!("{reason} (this machine's clock is ahead of the shop's)") }
        }
        // The shop undoes such a change as a whole; the same call may succeed a moment later.
        CallErrorKind::Rejected { reason }
            if reason.starts_with("Database deadlock") || reason.starts_with("Database lock wait") =>
        {
            CallErrorKind::Unavailable { reason, acted: false }
        }
        CallErrorKind::Rejected { reason } if reason.starts_with(NO_ROUTE) => CallErrorKind::Rejected {
            reason: "the shop has no such address; the module behind it may be missing or switched off".to_owned(),
        },
        other => other,
    }
}

/// The most that a shop with input limits takes at once, if that is why it refused.
pub(super) fn limit(kind: &CallErrorKind, about: &str) -> Option<usize> {
    let CallErrorKind::Rejected { reason } = kind else { return None };
    let rest = reason.strip_prefix(about)?;
    let number = rest.rsplit(" is ").next()?.trim_end_matches('.');
    number.parse::<usize>().ok().filter(|most| *most > 0)
}
