//! `?fields=`: only the named parts of an answer. A list that is empty then comes as null.

use serde_json::{Map, Value};

/// The names that were asked for, each with the names inside it.
struct Wanted(Vec<(String, Wanted)>);

/// The answer cut down to what `fields` names.
pub(super) fn cut(value: Value, fields: &str) -> Value {
    let mut letters = fields.chars().peekable();
    let wanted = parse(&mut letters);
    match value {
        Value::Array(list) => list.into_iter().map(|one| keep(one, &wanted)).collect(),
        other => keep(other, &wanted),
    }
}

fn parse(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Wanted {
    let mut found = Vec::new();
    let mut name = String::new();
    while let Some(c) = letters.next() {
        match c {
            '[' => {
                let inner = parse(letters);
                found.push((std::mem::take(&mut name), inner));
            }
            ']' => break,
            ',' if !name.is_empty() => found.push((std::mem::take(&mut name), Wanted(Vec::new()))),
            ',' => {}
            c if c.is_whitespace() => {}
            c => name.push(c),
        }
    }
    if !name.is_empty() {
        found.push((name, Wanted(Vec::new())));
    }
    Wanted(found)
}

fn keep(value: Value, wanted: &Wanted) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let mut out = Map::new();
    for (name, inner) in &wanted.0 {
        let Some(found) = fields.remove(name) else { continue };
        let kept = match found {
            found if inner.0.is_empty() => found,
            Value::Array(list) if list.is_empty() => Value::Null,
            Value::Array(list) => list.into_iter().map(|one| keep(one, inner)).collect(),
            other => keep(other, inner),
        };
        out.insert(name.clone(), kept);
    }
    Value::Object(out)
}
