//! Whether an answer has the form of a recorded one: the same status, the same keys, the same kinds of values; for a
//! refusal also the same words, and for a bare value the same value.

use serde_json::Value;

/// Arrays whose length the seed does not reproduce, by the end of their path.
const LENGTHS_MAY_DIFFER: [(&str, &str); 5] = [
    ("store-modules", "module names of an installation"),
    ("store-countries/available_regions", "regions of a country"),
    ("salable-10-dump-index", "one row for each product of the day"),
    ("legacy-08-lowstock", "one row for each product that is low"),
    ("product-02-attribute-color/apply_to", "kinds of products"),
];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The first difference in form, or `None`.
pub(super) fn differs(recorded: &Value, answered: &Value, path: &str) -> Option<String> {
    match (recorded, answered) {
        (Value::Object(wanted), Value::Object(found)) => {
            if let Some(key) = wanted.keys().find(|key| !found.contains_key(*key)) {
                return Some(format!("{path}/{key} is missing"));
            }
            if let Some(key) = found.keys().find(|key| !wanted.contains_key(*key)) {
                return Some(format!("{path}/{key} is too much"));
            }
            wanted.iter().find_map(|(key, value)| differs(value, &found[key], &format!("{path}/{key}")))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            let loose = LENGTHS_MAY_DIFFER.iter().any(|(start, _)| path.starts_with(start));
            if wanted.len() != found.len() && !loose || wanted.is_empty() != found.is_empty() {
                return Some(format!("{path} has {} elements and not {}", found.len(), wanted.len()));
            }
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(at, (wanted, found))| differs(wanted, found, &format!("{path}/{at}")))
        }
        (wanted, found) if kind(wanted) != kind(found) => {
            Some(format!("{path} is {} and not {}", kind(found), kind(wanted)))
        }
        _ => None,
    }
}

/// Whether everything but moments is the same.
pub(super) fn equal(recorded: &Value, answered: &Value) -> bool {
    match (recorded, answered) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.len() == found.len()
                && wanted.iter().all(|(key, value)| {
                    let moment = matches!(key.as_str(), "created_at" | "updated_at" | "low_stock_date" | "start_time");
                    found.get(key).is_some_and(|other| moment || equal(value, other))
                })
        }
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(a, b)| equal(a, b))
        }
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
        (wanted, found) => wanted == found,
    }
}
