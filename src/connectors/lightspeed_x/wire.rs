//! The vendor's JSON around the records: envelopes, pages, records and their order.

use super::super::json::{Object, elements};
use super::super::{Page, Record, Unreadable, fingerprint};
use super::{products, sales, stock};
use crate::domain::fact::Fact;
use serde_json::value::RawValue;

/// A list with the versions it covers.
pub(super) struct Envelope<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    pub(super) max: Option<i64>,
}

/// Opens `{"data":[…],"version":{"min":…,"max":…}}`. A body without `data` is no list, not an empty one.
pub(super) fn envelope(text: &str) -> Result<Envelope<'_>, Unreadable> {
    let body = Object::open("the answer", text)?;
    let data = body.raw("data").ok_or_else(|| body.missing("data"))?;
    let rows = elements("the answer's data", data.get())?;
    let max = match body.object("version")? {
        Some(version) => version.whole("max")?.filter(|max| (0..=VERSION_MAX).contains(max)),
        None => None,
    };
    Ok(Envelope { rows, max })
}

/// The largest version that can be true: the vendor counts all its changes in one row, and stood at some ten thousand
/// million in 2026.
const VERSION_MAX: i64 = 1_000_000_000_000_000;

/// Opens `{"data":{…}}`.
pub(super) fn single(text: &str) -> Result<&str, Unreadable> {
    let body = Object::open("the answer", text)?;
    body.raw("data").map(RawValue::get).filter(|raw| raw.starts_with('{')).ok_or_else(|| body.missing("data"))
}

/// Turns rows into a page. The place to go on is the highest version among the rows: the envelope's own figure is
/// used only where a row carries none.
pub(super) fn page(
    kind: &'static str,
    after: i64,
    rows: &[&RawValue],
    envelope_max: Option<i64>,
) -> Result<Page<Record>, Unreadable> {
    if rows.is_empty() {
        return Ok(Page { rows: Vec::new(), next: None, resume: Some(after.to_string()), began: None });
    }
    let versions: Vec<Option<i64>> = rows.iter().map(|raw| version_of(raw.get())).collect();
    let known: Vec<i64> = versions.iter().copied().flatten().collect();
    if !known.is_sorted() {
        return Err(Unreadable::new(format!("the list of {kind} rows is out of order; reading on would skip some")));
    }
    let highest = known.last().copied();
    let max = if known.len() == rows.len() { highest } else { envelope_max.or(highest) };
    let max =
        max.ok_or_else(|| Unreadable::new(format!("no {kind} row carries a version; there is no way to go on")))?;
    if max < after {
        return Err(Unreadable::new(format!("asked for {kind} rows after {after}, the answer ends at {max}")));
    }
    let rows = rows.iter().map(|raw| record(kind, raw.get())).collect();
    if max == after {
        return Ok(Page { rows, next: None, resume: Some(after.to_string()), began: None });
    }
    Ok(Page { rows, next: Some(max.to_string()), resume: None, began: None })
}

/// The highest version among these rows, whatever their order.
pub(super) fn highest(rows: &[&RawValue]) -> Option<i64> {
    rows.iter().filter_map(|raw| version_of(raw.get())).max()
}

/// One record with what we understood of it.
pub(super) fn record(kind: &'static str, raw: &str) -> Record {
    let identity = identity(kind, raw);
    let facts = interpret(kind, raw).map(|fact| vec![fact]);
    match identity {
        Ok((external_id, Some(version))) => Record { kind, external_id, version, raw: raw.to_owned(), facts },
        Ok((external_id, None)) => {
            let facts = facts.and(Err(Unreadable::new(format!("{kind} {external_id} carries no version"))));
            Record { kind, external_id, version: 0, raw: raw.to_owned(), facts }
        }
        Err(unreadable) => {
            let version = version_of(raw).unwrap_or(0);
            let external_id = fingerprint(raw);
            Record { kind, external_id, version, raw: raw.to_owned(), facts: facts.and(Err(unreadable)) }
        }
    }
}

/// The vendor's id and version of a record.
pub(super) fn identity(kind: &str, raw: &str) -> Result<(String, Option<i64>), Unreadable> {
    identity_of(kind, &Object::open(kind, raw)?)
}

/// The same of a record that is open already.
pub(super) fn identity_of(kind: &str, object: &Object<'_>) -> Result<(String, Option<i64>), Unreadable> {
    let version = version(object)?;
    let id = match kind {
        "inventory" => stock::identity(object)?,
        "register_closure" => match object.key("register_closure_id")? {
            Some(id) => id,
            None => object.need_key("id")?,
        },
        _ => object.need_key("id")?,
    };
    Ok((id, version))
}

/// What a record says.
pub(super) fn interpret(kind: &str, raw: &str) -> Result<Fact, Unreadable> {
    interpret_object(kind, &Object::open(kind, raw)?)
}

/// The same of a record that is open already.
pub(super) fn interpret_object(kind: &str, object: &Object<'_>) -> Result<Fact, Unreadable> {
    match kind {
        "sale" => sales::read(object).map(Fact::Sale),
        "product" => products::read(object).map(Fact::Listing),
        "inventory" => stock::read(object).map(Fact::TillReading),
        other => Ok(Fact::Noted { kind: other.to_owned() }),
    }
}

/// The vendor's order of changes, wherever this shape keeps it.
pub(super) fn version(object: &Object<'_>) -> Result<Option<i64>, Unreadable> {
    let version = match object.whole("version")? {
        Some(version) => Some(version),
        None => match object.object("_metadata")? {
            Some(metadata) => metadata.whole("version")?,
            None => None,
        },
    };
    match version {
        // Taken for true, it would make everything that comes later older than what we have.
        Some(version) if !(0..=VERSION_MAX).contains(&version) => {
            Err(object.wrong("version", &format!("{version} cannot be a version")))
        }
        version => Ok(version),
    }
}

fn version_of(raw: &str) -> Option<i64> {
    Object::open("row", raw).and_then(|object| version(&object)).ok().flatten()
}

/// An outlet or a register.
pub(super) struct PlaceRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) zone: Option<String>,
    pub(super) currency: Option<String>,
    /// The outlet a register stands in.
    pub(super) outlet: Option<String>,
    pub(super) archived: bool,
}

/// Reads an outlet or a register.
pub(super) fn place_row(row: &Object<'_>) -> Result<PlaceRow, Unreadable> {
    Ok(PlaceRow {
        id: row.need_key("id")?,
        name: row.text("name")?.unwrap_or_default(),
        zone: row.text("time_zone")?.filter(|zone| !zone.is_empty()),
        currency: row.text("currency")?.filter(|currency| !currency.is_empty()),
        outlet: row.key("outlet_id")?,
        archived: row.text("deleted_at")?.is_some_and(|at| !at.is_empty()),
    })
}

/// The vendor's own words in an error body, in any of the forms it uses.
pub(super) fn words(text: &str) -> Option<String> {
    let body = Object::open("error", text).ok()?;
    for name in ["message", "error_description", "error"] {
        if let Ok(Some(words)) = body.text(name) {
            return Some(words);
        }
    }
    let nested = body.object("error").ok().flatten().or_else(|| body.objects("errors").ok()?.into_iter().next())?;
    nested.text("message").ok().flatten()
}
