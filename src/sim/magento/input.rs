//! What a caller sent, as the services see it: named parameters, nested fields whose names are checked, typed values.
//!
//! Top-level names are those of the service's parameters, in camel case or snake case; unknown ones are ignored.
//! Unknown nested fields are refused. A list may come as an object, whose values are then the elements.

use super::error::Wrong;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Which scope a call writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// `/rest/all/…`: the values that hold for every store view.
    All,
    /// A store view, named or by default: what is written hides later global values there.
    View,
}

/// One request to a service.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) params: BTreeMap<String, String>,
    pub(super) query: Value,
    pub(super) body: Value,
    pub(super) scope: Scope,
    pub(super) now: Timestamp,
}

impl Call {
    /// A part of the path, decoded.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// A part of the path as a whole number: anything numeric is cast, so `000000001` is 1.
    pub(super) fn id(&self, name: &str) -> Result<i64, Wrong> {
        let text = self.param(name);
        let number = text.parse::<Decimal>().ok().and_then(|n| n.trunc().to_i64());
        number.ok_or_else(|| Wrong::bad(wrong_type(text, "int")))
    }

    /// A parameter of the service: from the body, or for a read from the query.
    pub(super) fn arg(&self, camel: &str) -> Option<&Value> {
        take(&self.body, camel).or_else(|| take(&self.query, camel))
    }

    /// A parameter of the service that must stand.
    pub(super) fn need(&self, camel: &str) -> Result<&Value, Wrong> {
        self.arg(camel).filter(|v| !v.is_null()).ok_or_else(|| Wrong::required(camel))
    }

    /// A parameter as text, if it stands.
    pub(super) fn words(&self, camel: &str) -> Option<String> {
        self.arg(camel).and_then(text)
    }
}

/// The value under a name, in either way to write it.
pub(super) fn take<'a>(value: &'a Value, camel: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(camel).or_else(|| fields.get(&snake(camel)))
}

/// `sourceItems` as `source_items`.
pub(super) fn snake(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `bogus_field` as `BogusField`, which is how an unknown field is named back.
fn upper_camel(name: &str) -> String {
    let part = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    name.split('_').map(part).collect()
}

/// Refuses fields that the type does not have.
pub(super) fn only(value: &Value, known: &[&str]) -> Result<(), Wrong> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    let stranger = fields.keys().find(|key| !known.iter().any(|k| *k == key.as_str() || *k == snake(key)));
    stranger.map_or(Ok(()), |key| {
        let wrong = Wrong::bad("\"%fieldName\" is not supported. Correct the field name and try again.");
        Err(wrong.with(serde_json::json!({"fieldName": upper_camel(key)})))
    })
}

fn wrong_type(given: &str, wanted: &str) -> String {
    format!("The \"{given}\" value's type is invalid. The \"{wanted}\" type was expected. Verify and try again.")
}

fn mistyped(name: &str, given: &Value, wanted: &str) -> Wrong {
    let shown = text(given).unwrap_or_else(|| given.to_string());
    Wrong::bad(format!("Error occurred during \"{name}\" processing. {}", wrong_type(&shown, wanted)))
}

/// A number, given as one or as text.
pub(super) fn float(fields: &Value, name: &str) -> Result<Option<Decimal>, Wrong> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => decimal(value).map(Some).ok_or_else(|| mistyped(name, value, "float")),
    }
}

/// A whole number, given as one or as text.
pub(super) fn int(fields: &Value, name: &str) -> Result<Option<i64>, Wrong> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(i64::from(*flag))),
        Some(value) => {
            let number = decimal(value).and_then(|n| n.trunc().to_i64());
            number.map(Some).ok_or_else(|| mistyped(name, value, "int"))
        }
    }
}

/// The elements of a list. An object is walked as if its values were the elements; a scalar is fatal.
pub(super) fn list(value: &Value) -> Result<Vec<Value>, Wrong> {
    match value {
        Value::Array(list) => Ok(list.clone()),
        Value::Object(fields) => Ok(fields.values().cloned().collect()),
        Value::Null => Ok(Vec::new()),
        _ => Err(Wrong::fatal()),
    }
}

/// A scalar as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "" }.to_owned()),
        _ => None,
    }
}

/// A field as text, if it stands.
pub(super) fn words(fields: &Value, name: &str) -> Option<String> {
    fields.get(name).and_then(text)
}

/// A field as yes or no, if it stands.
pub(super) fn flag(fields: &Value, name: &str) -> Option<bool> {
    match fields.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => Some(!matches!(text.as_str(), "" | "0" | "false")),
        _ => None,
    }
}

/// A number in JSON or in text.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let plain = text.parse::<Decimal>().ok();
    plain.or_else(|| Decimal::from_scientific(&text).ok()).or_else(|| {
        // Beyond what a decimal holds: the database clips it anyway.
        text.parse::<f64>().ok().map(|n| if n > 0.0 { Decimal::MAX } else { Decimal::MIN })
    })
}

/// A number as PHP prints it: whole ones without a fraction.
pub(super) fn num(value: Decimal) -> Value {
    let value = value.normalize();
    match value.to_i64().filter(|_| value.is_integer()) {
        Some(whole) => Value::from(whole),
        None => value.to_string().parse::<f64>().map_or(Value::Null, Value::from),
    }
}

/// A query string as PHP reads it: `a[b][0]=c` makes nested values, all of them text.
pub(super) fn tree(query: &str) -> Value {
    let mut root = Value::Object(Map::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let (head, rest) = name.split_once('[').map_or((name.as_ref(), ""), |(head, rest)| (head, rest));
        let mut path = vec![head.to_owned()];
        if !rest.is_empty() {
            path.extend(rest.trim_end_matches(']').split("][").map(str::to_owned));
        }
        plant(&mut root, &path, value.into_owned());
    }
    root
}

fn plant(at: &mut Value, path: &[String], value: String) {
    let Some((first, rest)) = path.split_first() else {
        *at = Value::String(value);
        return;
    };
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    if let Some(fields) = at.as_object_mut() {
        let key = if first.is_empty() { fields.len().to_string() } else { first.clone() };
        plant(fields.entry(key).or_insert(Value::Null), rest, value);
    }
}
