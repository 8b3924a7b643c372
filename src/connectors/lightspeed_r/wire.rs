//! The vendor's JSON around the records: envelopes, one-or-many, and where a list goes on.

use super::super::json::Object;
use super::super::{Record, Unreadable, fingerprint};
use super::{items, sales, stock};
use crate::domain::fact::Fact;
use crate::domain::time::Timestamp;
use serde_json::value::RawValue;

/// Longest address of a next page that is followed.
const NEXT_MAX: usize = 8_192;

/// One page of a list.
pub(super) struct List<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    /// The vendor's whole address of the next page; `None` at the end.
    pub(super) next: Option<String>,
}

/// Opens `{"@attributes":{…},"<resource>":…}`. A list without rows has no member of that name at all, so the attributes
/// must be there: a body with neither is no list, not an empty one.
pub(super) fn list<'a>(text: &'a str, resource: &str) -> Result<List<'a>, Unreadable> {
    let body = Object::open("the answer", text)?;
    let rows = body.raw_one_or_many(resource)?;
    let next = match body.object("@attributes")? {
        Some(attributes) => attributes.text("next")?.filter(|next| !next.is_empty()),
        None => return Err(body.missing("@attributes")),
    };
    if next.is_some() && rows.is_empty() {
        return Err(Unreadable::new(format!("a page of {resource} rows is empty and says that there are more")));
    }
    Ok(List { rows, next })
}

/// Opens an answer about one record.
pub(super) fn single<'a>(text: &'a str, resource: &str) -> Result<&'a RawValue, Unreadable> {
    let body = Object::open("the answer", text)?;
    match body.raw_one_or_many(resource)?.as_slice() {
        [one] => Ok(one),
        [] => Err(body.missing(resource)),
        _ => Err(body.wrong(resource, "one was asked for and several came")),
    }
}

/// The path of a next page. It is taken as the vendor wrote it, but only when it goes on with the same list behind our
/// own door: an answer may not send us anywhere else with our key.
pub(super) fn onward(base_url: &str, path: &str, next: &str) -> Result<String, Unreadable> {
    let elsewhere = || Unreadable::new("the list says that it goes on at another address; not followed");
    let (door, rest) = next.split_at_checked(base_url.len()).ok_or_else(elsewhere)?;
    let own = path.split('?').next().unwrap_or_default();
    let query = rest.strip_prefix(own).and_then(|rest| rest.strip_prefix('?')).ok_or_else(elsewhere)?;
    if !door.eq_ignore_ascii_case(base_url) || next.len() > NEXT_MAX || !query.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(elsewhere());
    }
    // Some characters are lawful to people and not to addresses; everything else stays as it is.
    let mut kept = String::with_capacity(rest.len());
    for c in rest.chars() {
        match c {
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '#' => {
                kept.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c => kept.push(c),
        }
    }
    if kept == path {
        return Err(Unreadable::new("the list says that it goes on where it already is"));
    }
    Ok(kept)
}

/// The second in which a row last changed, if it tells.
pub(super) fn stamp(raw: &str) -> Option<i64> {
    Object::open("row", raw).ok()?.time("timeStamp").ok().flatten().map(Timestamp::secs)
}

/// A second in the order that the engine keeps.
pub(super) fn order(second: i64) -> i64 {
    Timestamp::from_secs(second).micros()
}

/// One record with what we understood of it. `raw` is the vendor's text, or several of them that belong together.
pub(super) fn record(kind: &'static str, raw: String) -> Record {
    let facts = interpret(kind, &raw).map(|fact| vec![fact]);
    match identity(kind, &raw) {
        Ok((external_id, version)) => Record { kind, external_id, version, raw, facts },
        Err(unreadable) => {
            let external_id = fingerprint(&raw);
            Record { kind, external_id, version: 0, raw, facts: facts.and(Err(unreadable)) }
        }
    }
}

fn identity(kind: &str, raw: &str) -> Result<(String, i64), Unreadable> {
    match kind {
        "sale" => sales::Parts::open(raw)?.identity(),
        "product" => items::Parts::open(raw)?.identity(),
        _ => stock::identity(&Object::open(kind, raw)?),
    }
}

/// What a stored record says.
pub(super) fn interpret(kind: &str, raw: &str) -> Result<Fact, Unreadable> {
    match kind {
        "sale" => sales::read(&sales::Parts::open(raw)?).map(Fact::Sale),
        "product" => items::read(&items::Parts::open(raw)?).map(Fact::Listing),
        "inventory" => stock::read(&Object::open(kind, raw)?).map(Fact::TillReading),
        other => Ok(Fact::Noted { kind: other.to_owned() }),
    }
}

/// An id of the vendor: a number, of which zero means none.
pub(super) fn link(row: &Object<'_>, name: &str) -> Result<Option<String>, Unreadable> {
    Ok(row.key(name)?.filter(|id| id != "0"))
}

/// Whether a text can be an id of the vendor; ids become parts of addresses.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// When something changed, in the order that the engine keeps.
pub(super) fn version(row: &Object<'_>) -> Result<i64, Unreadable> {
    Ok(order(row.need_time("timeStamp")?.secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_a_list_is_never_taken_for_an_empty_one() {
        for text in ["", "{}", "[]", "<html></html>", r#"{"Sale":[]}"#, r#"{"@attributes":"","Sale":""}"#] {
            assert!(list(text, "Sale").is_err(), "{text}");
        }
        assert!(list(r#"{"@attributes":{"next":"https://x/","previous":""}}"#, "Sale").is_err(), "more of nothing");
        for text in [r#"{"@attributes":{"next":"","previous":""}}"#, r#"{"@attributes":{"count":"0"},"Sale":""}"#] {
            let list = list(text, "Sale").expect(text);
            assert!(list.rows.is_empty() && list.next.is_none());
        }
    }

    #[test]
    fn a_list_goes_on_behind_our_own_door_only() {
        let path = "/API/V3/Account/7/Sale.json?sort=timeStamp";
        for base in ["https://api.example.com", "http://127.0.0.1:4000"] {
            let next = format!("{}/API/V3/Account/7/Sale.json?sort=timeStamp&after=WyI3OCJd", base.to_uppercase());
            let want = "/API/V3/Account/7/Sale.json?sort=timeStamp&after=WyI3OCJd";
            assert_eq!(onward(base, path, &next).as_deref(), Ok(want));
        }
        let quoted = r#"https://api.example.com/API/V3/Account/7/Sale.json?load_relations=["A"]&after=x"#;
        let want = "/API/V3/Account/7/Sale.json?load_relations=[%22A%22]&after=x";
        assert_eq!(onward("https://api.example.com", path, quoted).as_deref(), Ok(want));
        for next in [
            "https://evil.example/API/V3/Account/7/Sale.json?after=x",
            "http://api.example.com/API/V3/Account/7/Sale.json?after=x",
            "https://api.example.com.evil.example/API/V3/Account/7/Sale.json?after=x",
            "https://api.example.com@evil.example/API/V3/Account/7/Sale.json?after=x",
            "https://api.example.com:8443/API/V3/Account/7/Sale.json?after=x",
            "https://api.example.com/API/V3/Account/8/Sale.json?after=x",
            "https://api.example.com/API/V3/Account/7/Item.json?after=x",
            "https://api.example.com/API/V3/Account/7/Sale.json/../Item.json?after=x",
            "https://api.example.com/API/V3/Account/7/Sale/1/refund.json?after=x",
            "https://api.example.com/API/V3/Account/7/Sale.json?after=x y",
            "https://api.example.com/API/V3/Account/7/Sale.json?after=é",
            "https://api.example.com/API/V3/Account/7/Sale.json",
            "/API/V3/Account/7/Sale.json?after=x",
            "//evil.example/",
            "",
            "é",
        ] {
            assert!(onward("https://api.example.com", path, next).is_err(), "{next}");
        }
        let itself = format!("https://api.example.com{path}");
        assert!(onward("https://api.example.com", path, &itself).is_err(), "in a circle");
    }
}
