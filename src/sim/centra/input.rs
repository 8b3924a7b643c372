//! Reading what a mutation was given: references that take exactly one key, lines, policies, moments.

use super::super::text;
use super::super::world::State;
use super::papers::Policy;
use super::query::Node;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

/// Why a mutation did nothing: a user error on HTTP 200.
pub(super) struct Refused(pub String, pub Vec<String>);

/// What a mutation did: named parts of its payload, and what it warns of.
#[derive(Default)]
pub(super) struct Done {
    pub parts: Vec<(&'static str, Node)>,
    pub lists: Vec<(&'static str, Vec<Node>)>,
    pub warnings: Vec<(&'static str, Vec<&'static str>)>,
}

impl Done {
    pub fn one(name: &'static str, node: Node) -> Done {
        Done { parts: vec![(name, node)], ..Done::default() }
    }
}

pub(super) type Said = Result<Done, Refused>;

pub(super) fn refuse<T>(message: impl Into<String>, path: &[&str]) -> Result<T, Refused> {
    Err(Refused(message.into(), path.iter().map(|p| (*p).to_owned()).collect()))
}

/// Exactly one way of naming something.
pub(super) fn one_key<'a>(value: Option<&'a Value>, path: &[&str]) -> Result<(&'a str, &'a Value), Refused> {
    let object = value.and_then(Value::as_object);
    match object.map(|o| (o.len(), o.iter().next())) {
        Some((1, Some((key, value)))) => Ok((key.as_str(), value)),
        _ => refuse("Exactly one reference must be given.", path),
    }
}

pub(super) fn flag(input: &Map<String, Value>, key: &str) -> bool {
    input.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub(super) fn words<'a>(input: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    input.get(key).and_then(Value::as_str)
}

/// An order by its hash, its number or somebody's own name for it.
pub(super) fn order(state: &State, value: Option<&Value>, path: &[&str]) -> Result<usize, Refused> {
    let (key, value) = one_key(value, path)?;
    let text = value.as_str().unwrap_or_default();
    let web = &state.web;
    let found = match key {
        "id" => web.orders.iter().position(|o| o.id == text),
        "number" => value.as_i64().and_then(|n| web.order_by_number.get(&n).copied()),
        "externalId" => (0..web.orders.len()).find(|at| web.papers.extra(*at).external.as_deref() == Some(text)),
        _ => None,
    };
    match found.filter(|_| !web.papers.quirks.other_store) {
        Some(at) => Ok(at),
        None => refuse(format!("Could not find Order with {key} {value}"), path),
    }
}

/// Lines of an order with units, each named under `key`; a line twice, or none of it, is refused.
pub(super) fn lines(
    state: &State,
    at: usize,
    list: Option<&Value>,
    key: &str,
    name: &str,
) -> Result<Vec<(usize, i64)>, Refused> {
    let mut out: Vec<(usize, i64)> = Vec::new();
    for (k, row) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let k = k.to_string();
        let path = ["input", name, k.as_str()];
        let (word, value) = one_key(row.get(key), &path)?;
        let lines = state.web.orders.get(at).map(|o| o.lines.as_slice()).unwrap_or_default();
        let found = lines.iter().position(|l| word == "id" && Some(l.id) == value.as_i64());
        let units = row.get("quantity").and_then(Value::as_i64).unwrap_or(0);
        match found {
            None => return refuse(format!("Could not find OrderLine with {word} {value}"), &path),
            Some(_) if units <= 0 => return refuse("Quantity must be positive.", &path),
            Some(line) if out.iter().any(|(l, _)| *l == line) => {
                return refuse("The line is given twice.", &path);
            }
            Some(line) => out.push((line, units)),
        }
    }
    Ok(out)
}

/// What shall become of the goods: exactly one answer.
pub(super) fn policy(state: &State, value: Option<&Value>, path: &[&str]) -> Result<Policy, Refused> {
    match one_key(value, path)? {
        ("releaseItemsBackToWarehouse", Value::Bool(true)) => Ok(Policy::Release),
        ("removeItemsFromStock", Value::Bool(true)) => Ok(Policy::Remove),
        ("sendItemsToDifferentWarehouse", place) => {
            match place.get("id").and_then(Value::as_i64).and_then(|id| state.web.warehouse_of(id)) {
                Some(place) => Ok(Policy::Send(place)),
                None => refuse("Could not find Warehouse with the given reference", path),
            }
        }
        (key, _) => refuse(format!("\"{key}\" is no stock action."), path),
    }
}

/// A moment that is not in the future.
pub(super) fn past(state: &State, input: &Map<String, Value>, key: &str) -> Result<Option<Timestamp>, Refused> {
    match words(input, key) {
        None => Ok(None),
        Some("now") => Ok(Some(state.now)),
        Some(given) => match text::parse_time(given, state.web.zone) {
            Some(at) if at.secs() <= state.now.secs() => Ok(Some(at)),
            Some(_) => refuse("The date must not be in the future.", &["input", key]),
            None => refuse("The date is not valid.", &["input", key]),
        },
    }
}
