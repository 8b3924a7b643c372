//! The `where` argument of a list.

use super::super::text;
use super::schema::Asked;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

/// Reads the `where` argument; keys were checked before. An absent key lets everything through.
pub(super) struct Filter<'a> {
    keys: Option<&'a Map<String, Value>>,
    zone: chrono_tz::Tz,
}

impl<'a> Filter<'a> {
    pub fn of(asked: &'a Asked, zone: chrono_tz::Tz) -> Self {
        Self { keys: asked.filter(), zone }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.keys?.get(key).filter(|v| !v.is_null())
    }

    /// Whether a key was given at all.
    pub fn names(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub fn ids(&self, key: &str) -> Option<Vec<i64>> {
        let value = self.get(key)?;
        Some(match value.as_array() {
            Some(list) => list.iter().filter_map(Value::as_i64).collect(),
            None => value.as_i64().into_iter().collect(),
        })
    }

    pub fn id(&self, key: &str, id: i64) -> bool {
        self.ids(key).is_none_or(|ids| ids.contains(&id))
    }

    pub fn word(&self, key: &str, word: &str) -> bool {
        match self.get(key) {
            None => true,
            Some(Value::Array(list)) => list.iter().any(|v| v.as_str() == Some(word)),
            Some(value) => value.as_str() == Some(word),
        }
    }

    pub fn flag(&self, key: &str, is: bool) -> bool {
        self.get(key).and_then(Value::as_bool).is_none_or(|wanted| wanted == is)
    }

    pub fn text(&self, key: &str, text: Option<&str>) -> bool {
        let Some(wanted) = self.get(key) else { return true };
        let equals = wanted.get("equals").and_then(Value::as_str);
        let contains = wanted.get("contains").and_then(Value::as_str);
        text.is_some_and(|t| equals.is_none_or(|e| e == t) && contains.is_none_or(|c| t.contains(c)))
    }

    pub fn range(&self, key: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let side = |side: &str| {
            let text = self.get(key)?.get(side)?.as_str()?;
            text::parse_time(text, self.zone)
        };
        (side("from"), side("to"))
    }

    /// Both ends included, in whole seconds, which is all the wire shows.
    pub fn time(&self, key: &str, at: Timestamp) -> bool {
        let (from, to) = self.range(key);
        from.is_none_or(|from| at.secs() >= from.secs()) && to.is_none_or(|to| at.secs() <= to.secs())
    }

    pub fn int(&self, key: &str, n: i64) -> bool {
        let side = |side: &str| self.get(key).and_then(|range| range.get(side)).and_then(Value::as_i64);
        side("from").is_none_or(|from| n >= from) && side("to").is_none_or(|to| n <= to)
    }
}
