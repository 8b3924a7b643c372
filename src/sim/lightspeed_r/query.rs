//! What a query asks for: filters with operators, alternatives, relations, sorting and paging.

use super::Refusal;
use bytes::Bytes;
use http::Request;
use std::collections::BTreeMap;

/// Rows of a page when nothing is asked for, and the most that is given.
const MOST: usize = 100;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Is,
    Above,
    AtLeast,
    Below,
    AtMost,
    Between,
    Not,
    Like,
    Unlike,
    In,
}

impl Op {
    const ALL: [(&str, Op); 10] = [
        ("=", Op::Is),
        (">", Op::Above),
        (">=", Op::AtLeast),
        ("<", Op::Below),
        ("<=", Op::AtMost),
        ("><", Op::Between),
        ("!=", Op::Not),
        ("~", Op::Like),
        ("!~", Op::Unlike),
        ("IN", Op::In),
    ];

    pub fn is_range(self) -> bool {
        matches!(self, Op::Above | Op::AtLeast | Op::Below | Op::AtMost | Op::Between)
    }
}

/// One condition on one field, which may be one of a relation (`ItemShops.qoh`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    pub field: String,
    pub op: Op,
    pub values: Vec<String>,
}

impl Test {
    /// The field has this value.
    pub fn is(field: &str, value: &str) -> Test {
        Test { field: field.to_owned(), op: Op::Is, values: vec![value.to_owned()] }
    }

    fn parse(field: &str, text: &str) -> Result<Test, Refusal> {
        let found = text.split_once(',').and_then(|(word, rest)| {
            let known = Op::ALL.iter().find(|(name, _)| *name == word)?;
            Some((known.1, rest))
        });
        let (op, rest) = found.unwrap_or((Op::Is, text));
        let values: Vec<String> = match op {
            Op::In => {
                let list = rest.trim().trim_start_matches('[').trim_end_matches(']');
                list.split(',').map(|each| each.trim().trim_matches('"').to_owned()).filter(|v| !v.is_empty()).collect()
            }
            Op::Between => rest.split(',').map(str::to_owned).collect(),
            _ => vec![rest.to_owned()],
        };
        if values.len() > 100 {
            return Err(Refusal::bad("IN takes at most 100 values"));
        }
        if op == Op::Between && values.len() != 2 {
            return Err(Refusal::bad("The operator >< takes two values"));
        }
        Ok(Test { field: field.to_owned(), op, values })
    }

    /// Whether a row's text passes. Numbers are compared as numbers, times as times, everything else as words.
    pub fn passes(&self, own: &str) -> bool {
        let order = |other: &String| compare(own, other);
        let first = self.values.first();
        let against = |test: fn(std::cmp::Ordering) -> bool| first.is_some_and(|other| test(order(other)));
        match self.op {
            Op::Is => against(std::cmp::Ordering::is_eq),
            Op::Not => against(std::cmp::Ordering::is_ne),
            Op::Above => against(std::cmp::Ordering::is_gt),
            Op::AtLeast => against(std::cmp::Ordering::is_ge),
            Op::Below => against(std::cmp::Ordering::is_lt),
            Op::AtMost => against(std::cmp::Ordering::is_le),
            Op::Between => {
                against(std::cmp::Ordering::is_ge) && self.values.get(1).is_some_and(|last| order(last).is_le())
            }
            Op::Like => first.is_some_and(|pattern| like(own, pattern)),
            Op::Unlike => first.is_some_and(|pattern| !like(own, pattern)),
            Op::In => self.values.iter().any(|other| order(other).is_eq()),
        }
    }
}

fn compare(own: &str, other: &str) -> std::cmp::Ordering {
    if let (Ok(a), Ok(b)) = (own.parse::<f64>(), other.parse::<f64>()) {
        return a.total_cmp(&b);
    }
    if let (Some(a), Some(b)) = (instant(own), instant(other)) {
        return a.cmp(&b);
    }
    own.to_lowercase().cmp(&other.to_lowercase())
}

/// An instant with any offset, with or without a colon in it, or a plain day.
pub(super) fn instant(text: &str) -> Option<i64> {
    let with_offset = chrono::DateTime::parse_from_rfc3339(text)
        .or_else(|_| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"));
    if let Ok(at) = with_offset {
        return Some(at.timestamp());
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp())
}

fn like(own: &str, pattern: &str) -> bool {
    let (own, pattern) = (own.to_lowercase(), pattern.to_lowercase());
    let parts: Vec<&str> = pattern.split('%').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return own == pattern;
    }
    let Some(mut rest) = own.strip_prefix(first) else { return false };
    for part in parts.get(1..parts.len() - 1).unwrap_or_default() {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Relations to load, as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Relations {
    pub all: bool,
    pub named: BTreeMap<String, Relations>,
}

impl Relations {
    fn parse(text: &str) -> Result<Relations, Refusal> {
        if text.trim().trim_matches('"') == "all" {
            return Ok(Relations { all: true, ..Relations::default() });
        }
        let list: Vec<String> = serde_json::from_str(text)
            .map_err(|_| Refusal::bad("load_relations must be a JSON list of relation names, or all"))?;
        let mut tree = Relations::default();
        for path in list {
            let mut at = &mut tree;
            for word in path.split('.') {
                at = at.named.entry(word.to_owned()).or_default();
            }
        }
        Ok(tree)
    }

    /// `all` is all but the custom fields.
    pub fn has(&self, name: &str) -> bool {
        (self.all && name != "CustomFieldValues") || self.named.contains_key(name)
    }
}

/// Whether rows that are archived are wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Archived {
    #[default]
    No,
    Both,
    Only,
}

/// A query, read.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub relations: Relations,
    pub limit: usize,
    pub after: Option<String>,
    pub before: Option<String>,
    pub sort: Option<String>,
    pub descending: bool,
    pub count: bool,
    pub archived: Archived,
    pub tests: Vec<Test>,
    pub or: Vec<Test>,
    /// As it came, without the place in the list.
    pub words: Vec<(String, String)>,
}

impl Asked {
    pub fn of(request: &Request<Bytes>) -> Result<Asked, Refusal> {
        let text = request.uri().query().unwrap_or_default();
        let words: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let mut asked = Asked { limit: MOST, ..Asked::default() };
        let mut paged = false;
        for (name, value) in &words {
            paged |= matches!(name.as_str(), "limit" | "after" | "before" | "sort");
            match name.as_str() {
                "load_relations" => asked.relations = Relations::parse(value)?,
                "limit" => {
                    let limit = value.parse().ok().filter(|n| *n <= MOST);
                    asked.limit = limit.ok_or_else(|| Refusal::bad("limit must be a number from 0 to 100"))?;
                }
                "after" => asked.after = Some(value.clone()),
                "before" => asked.before = Some(value.clone()),
                "sort" => {
                    asked.descending = value.starts_with('-');
                    asked.sort = Some(value.trim_start_matches('-').to_owned());
                }
                "count" => asked.count = value == "1" || value == "true",
                "archived" => {
                    asked.archived = match value.as_str() {
                        "true" | "1" => Archived::Both,
                        "only" => Archived::Only,
                        _ => Archived::No,
                    }
                }
                "or" => {
                    for each in value.split('|') {
                        let (field, text) = each.split_once('=').ok_or_else(|| Refusal::bad("or takes a=x|b=y"))?;
                        asked.or.push(Test::parse(field, text)?);
                    }
                }
                "offset" => return Err(Refusal::bad("offset is not supported: follow next")),
                field => asked.tests.push(Test::parse(field, value)?),
            }
        }
        if asked.count && paged {
            return Err(Refusal::bad("count cannot be combined with limit, after, before or sort"));
        }
        asked.words = words.into_iter().filter(|(name, _)| name != "after" && name != "before").collect();
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Asked, Refusal> {
        let request = Request::builder().uri(format!("/x?{query}")).body(Bytes::new()).expect("a request");
        Asked::of(&request)
    }

    #[test]
    fn operators_are_read_and_applied() {
        for (query, own, passes) in [
            ("a=5", "5", true),
            ("a=%3E%2C4", "10", true),
            ("a=%3E%3D%2C5", "4", false),
            ("a=%3C%2C5", "4", true),
            ("a=%3E%3C%2C1%2C5", "5", true),
            ("a=%21%3D%2C5", "5", false),
            ("a=IN%2C%5B1%2C2%2C3%5D", "2", true),
            ("a=IN,[1,2,3]", "4", false),
            ("a=~%2C%25nav%25", "Tee Navy M", true),
            ("a=%21~%2C%25nav%25", "Tee Navy M", false),
            ("a=~%2Ctee%25", "Tee Navy M", true),
            ("a=%3E%3D%2C2026-01-31T00:00:00%2B00:00", "2026-01-31T00:00:00+00:00", true),
            ("a=%3E%3D%2C2026-01-30T20:00:01-0400", "2026-01-31T00:00:00+00:00", false),
        ] {
            assert_eq!(asked(query).expect("read").tests[0].passes(own), passes, "{query} {own}");
        }
        let many = (0..101).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert!(asked(&format!("a=IN,[{many}]")).is_err());
        assert!(asked("limit=101").is_err() && asked("count=1&limit=5").is_err());
    }

    #[test]
    fn relations_are_a_tree() {
        let tree = asked("load_relations=%5B%22A%22%2C%22B.C%22%5D").expect("read").relations;
        assert!(tree.has("A") && tree.has("B") && tree.named["B"].has("C") && !tree.has("C"));
        assert!(asked("load_relations=all").expect("read").relations.has("A"));
        assert!(asked("load_relations=A").is_err());
    }

    #[test]
    fn alternatives_are_read() {
        let or = asked("or=a%3Dx%7Cb%3D~%2C%25y").expect("read").or;
        assert_eq!((or.len(), or[1].op, or[1].field.as_str()), (2, Op::Like, "b"));
    }
}
