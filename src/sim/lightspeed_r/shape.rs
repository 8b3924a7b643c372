//! How this till writes: every scalar a string, one of a kind as an object and several as a list, nothing as an
//! empty string. It reads numbers and truth values either way.

use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};

/// A row on its way out.
pub(super) type Row = Map<String, Value>;

/// Any scalar, as the string it is written as.
pub(super) fn s(scalar: impl std::fmt::Display) -> Value {
    Value::String(scalar.to_string())
}

/// A list of scalars as a row.
pub(super) fn row<const N: usize>(fields: [(&str, Value); N]) -> Row {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `2026-02-02T15:00:02+00:00`
pub(super) fn time(at: Timestamp) -> Value {
    Value::String(super::super::text::offset(at))
}

/// An amount without needless zeros: `12.5`, `-37.5`, `0`.
pub(super) fn dec(amount: Fine) -> Value {
    s(decimal(amount.0, 5))
}

/// A whole number of `10^-places` as a decimal text.
pub(super) fn decimal(units: i64, places: u32) -> String {
    let scale = 10_u64.pow(places);
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.unsigned_abs() / scale, units.unsigned_abs() % scale);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{rest:0width$}", width = places as usize);
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// An amount rounded to two places.
pub(super) fn cents(amount: Fine) -> Fine {
    Fine(amount.to_minor().0 * 1_000)
}

/// One as an object, several as a list, none as an empty string.
pub(super) fn one_or_many(name: &str, mut rows: Vec<Value>) -> Value {
    match rows.len() {
        0 => Value::from(""),
        1 => json!({name: rows.pop()}),
        _ => json!({name: rows}),
    }
}

/// The rows of a nested write: `{"SaleLines":{"SaleLine":[..]}}`, `{"SaleLines":{"SaleLine":{..}}}` or
/// `{"SaleLines":[{"SaleLine":{..}}]}`.
pub(super) fn nested<'a>(body: &'a Value, outer: &str, inner: &str) -> Vec<&'a Value> {
    let flat = |value: &'a Value| match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(_) => vec![value],
        _ => Vec::new(),
    };
    match &body[outer] {
        Value::Array(list) => list.iter().flat_map(|each| flat(&each[inner])).collect(),
        other => flat(&other[inner]),
    }
}

/// A scalar as its text; nothing for an absent one.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A whole number, as a number or as a string.
pub(super) fn whole(value: &Value) -> Option<i64> {
    text(value)?.trim().parse().ok()
}

/// An amount, as a number or as a string.
pub(super) fn amount(value: &Value) -> Option<Fine> {
    Fine::parse(&text(value)?).ok()
}

/// A truth value, as one or as a string.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match text(value)?.as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_an_object_several_are_a_list_and_none_is_an_empty_string() {
        let rows = |n: usize| one_or_many("A", (0..n).map(|k| json!({"k": k.to_string()})).collect());
        assert_eq!(rows(0), json!(""));
        assert_eq!(rows(1), json!({"A": {"k": "0"}}));
        assert_eq!(rows(2), json!({"A": [{"k": "0"}, {"k": "1"}]}));
    }

    #[test]
    fn amounts_have_no_needless_zeros() {
        for (units, text) in [(1_250_000, "12.5"), (-3_750_000, "-37.5"), (0, "0"), (1, "0.00001"), (6_250, "0.0625")] {
            assert_eq!(dec(Fine(units)), json!(text));
        }
        assert_eq!(cents(Fine(62_600)), Fine(63_000));
    }

    #[test]
    fn nested_rows_are_read_in_every_form() {
        for body in [json!({"L": {"l": {"k": 1}}}), json!({"L": {"l": [{"k": 1}]}}), json!({"L": [{"l": {"k": 1}}]})] {
            assert_eq!(nested(&body, "L", "l"), [&json!({"k": 1})]);
        }
        assert!(nested(&json!({"L": ""}), "L", "l").is_empty());
        assert_eq!((whole(&json!("7")), whole(&json!(7)), truth(&json!("true"))), (Some(7), Some(7), Some(true)));
    }
}
