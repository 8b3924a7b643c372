//! Lists: filtered, sorted, and cut into pages whose neighbours are named by addresses that nobody can guess.

use super::super::auditor::Knowledge;
use super::super::world::State;
use super::query::{Archived, Asked, Op, Test};
use super::relate::{full, known, texts};
use super::tables::{At, Kind};
use super::{Refusal, shape};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;

/// By what a row is sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
}

impl Key {
    fn text(&self) -> String {
        match self {
            Key::Number(number) => number.to_string(),
            Key::Text(text) => text.clone(),
        }
    }
}

/// A row on its way into a page.
type Found = (Key, i64, At);

/// A condition, made ready for many rows.
enum Ready<'a> {
    Stamp(Op, Vec<i64>),
    Id(Op, Vec<i64>),
    Code(&'a Test),
    Text(&'a Test),
    Within(&'a str, &'a str, &'a Test),
    /// Two relations deep: the till does not look there and says nothing.
    Ignored,
}

/// A page with its neighbours, or how many rows there are; and what the reader learns.
pub(super) fn list(
    state: &State,
    kind: Kind,
    asked: &Asked,
    address: &str,
) -> Result<(Value, Vec<Knowledge>), Refusal> {
    known(kind, &asked.relations)?;
    let primary = kind.primary();
    let sort = asked.sort.as_deref().unwrap_or(&primary);
    if sort != primary && !kind.sortable().contains(&sort) {
        let fields: Vec<&str> = std::iter::once(primary.as_str()).chain(kind.sortable().iter().copied()).collect();
        let words = format!("{} cannot be sorted by '{sort}'. Sortable fields: {}", kind.word(), fields.join(", "));
        return Err(Refusal::bad(&words));
    }
    let tests = ready(state, kind, asked, &asked.tests)?;
    let or = ready(state, kind, asked, &asked.or)?;
    let mut found: Vec<Found> = Vec::new();
    for at in kind.rows(state) {
        let archived = kind.archived(state, at);
        let wished = match asked.archived {
            Archived::No => !archived,
            Archived::Both => true,
            Archived::Only => archived,
        };
        let passes = wished
            && tests.iter().all(|test| test.passes(state, kind, at))
            && (or.is_empty() || or.iter().any(|test| test.passes(state, kind, at)));
        if passes {
            let id = kind.id(state, at);
            found.push((key(state, kind, at, sort, &primary, id), id, at));
        }
    }
    if asked.count {
        return Ok((json!({"@attributes": {"count": found.len().to_string()}}), Vec::new()));
    }
    found.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    if asked.descending {
        found.reverse();
    }
    let (from, to) = cut(state, kind, asked, &found)?;
    let page = found.get(from..to).unwrap_or_default();
    let neighbour = |word: &str, row: Option<&Found>, there: bool| match row.filter(|_| there) {
        Some(row) => shape::s(link(state, kind, asked, address, word, row)),
        None => shape::s(""),
    };
    let attributes = json!({
        "next": neighbour("after", page.last(), to < found.len()),
        "previous": neighbour("before", page.first(), from > 0),
    });
    let mut body = Map::new();
    body.insert("@attributes".into(), attributes);
    let mut rows: Vec<Value> = page.iter().map(|(.., at)| full(state, kind, *at, &asked.relations)).collect();
    match rows.len() {
        0 if state.r.quirks.empty_list_named => drop(body.insert(kind.word().into(), shape::s(""))),
        0 => {}
        1 => drop(body.insert(kind.word().into(), rows.pop().unwrap_or_default())),
        _ => drop(body.insert(kind.word().into(), Value::Array(rows))),
    }
    let settled = |at: &At| !is_running(state, kind, *at);
    let told = page.iter().map(|(.., at)| *at).filter(settled);
    let mut knowledge: Vec<Knowledge> =
        told.flat_map(|at| learned(state, kind, at, asked.relations.has("SaleLines"), asked)).collect();
    if to == found.len() && reads_all_sales(kind, asked) {
        knowledge.push(Knowledge::SalesEnd);
    }
    Ok((Value::Object(body), knowledge))
}

/// Whether a count or a sale has changed in the second that is still running. The till tells whole seconds, so nobody
/// can say yet what is inside such a row and what comes behind it: it says something only when it is read again.
fn is_running(state: &State, kind: Kind, at: At) -> bool {
    matches!(kind, Kind::ItemShop | Kind::Sale)
        && kind.stamp(state, at).is_some_and(|stamp| stamp.secs() >= state.now.secs())
}

/// Whether the last page of this query is the end of the till's sales.
fn reads_all_sales(kind: Kind, asked: &Asked) -> bool {
    let only_later = |test: &Test| test.field == "timeStamp" && matches!(test.op, Op::AtLeast | Op::Above);
    let whole = |test: &Test| only_later(test) || (test.field == "completed" && test.values == ["true"]);
    kind == Kind::Sale
        && asked.relations.has("SaleLines")
        && asked.sort.as_deref() == Some("timeStamp")
        && !asked.descending
        && asked.or.is_empty()
        && asked.archived != Archived::Only
        && asked.tests.iter().all(whole)
}

/// What a row tells its reader.
pub(super) fn learned(state: &State, kind: Kind, at: At, with_lines: bool, asked: &Asked) -> Vec<Knowledge> {
    let count = |item: usize, outlet: usize| {
        let row = state.till.stock.get(item).and_then(|rows| rows.get(outlet))?;
        Some(Knowledge::Count { item, outlet, version: row.version, on_hand: row.shown })
    };
    match kind {
        Kind::Sale if with_lines => {
            state.seen(at.0).map(|sale| Knowledge::Sale { sale: at.0, version: sale.version }).into_iter().collect()
        }
        Kind::ItemShop => at.1.checked_sub(1).and_then(|outlet| count(at.0, outlet)).into_iter().collect(),
        Kind::Item if asked.relations.has("ItemShops") => {
            (0..state.till.outlets.len()).filter_map(|outlet| count(at.0, outlet)).collect()
        }
        _ => Vec::new(),
    }
}

/// Which of the sorted rows the page holds.
fn cut(state: &State, kind: Kind, asked: &Asked, found: &[Found]) -> Result<(usize, usize), Refusal> {
    let against = |token: &str| -> Result<(String, i64), Refusal> {
        read(state, kind, asked, token)
            .ok_or_else(|| Refusal::bad("The page token is not valid: follow next and previous"))
    };
    let order = |row: &Found, token: &(String, i64)| -> Ordering {
        let theirs = match &row.0 {
            Key::Number(_) => Key::Number(token.0.parse().unwrap_or(i64::MAX)),
            Key::Text(_) => Key::Text(token.0.clone()),
        };
        let order = (&row.0, row.1).cmp(&(&theirs, token.1));
        if asked.descending { order.reverse() } else { order }
    };
    if let Some(token) = &asked.before {
        let token = against(token)?;
        let to = found.partition_point(|row| order(row, &token).is_lt());
        return Ok((to.saturating_sub(asked.limit), to));
    }
    let from = match &asked.after {
        Some(token) => {
            let token = against(token)?;
            found.partition_point(|row| order(row, &token).is_le())
        }
        None => 0,
    };
    Ok((from, (from + asked.limit).min(found.len())))
}

/// What only this till can write under a token: it covers the question, so that a token of another one is none.
fn seal(state: &State, kind: Kind, asked: &Asked, key: &str, id: i64) -> String {
    let sort = asked.sort.as_deref().unwrap_or_default();
    let words = format!("{} {} {sort} {} {key} {id}", state.r.secret, kind.word(), asked.descending);
    hex::encode(Sha256::digest(words.as_bytes()).get(..6).unwrap_or_default())
}

fn link(state: &State, kind: Kind, asked: &Asked, address: &str, word: &str, row: &Found) -> String {
    let (key, id) = (row.0.text(), row.1);
    let token = STANDARD.encode(json!([key, id.to_string(), seal(state, kind, asked, &key, id)]).to_string());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&asked.words).append_pair(word, &token);
    format!("{address}?{}", query.finish())
}

fn read(state: &State, kind: Kind, asked: &Asked, token: &str) -> Option<(String, i64)> {
    let bytes = STANDARD.decode(token).ok()?;
    let [key, id, given]: [String; 3] = serde_json::from_slice(&bytes).ok()?;
    let id = id.parse().ok()?;
    (seal(state, kind, asked, &key, id) == given).then_some((key, id))
}

fn key(state: &State, kind: Kind, at: At, sort: &str, primary: &str, id: i64) -> Key {
    if sort == primary {
        return Key::Number(id);
    }
    if sort == "timeStamp" {
        return Key::Number(kind.stamp(state, at).map_or(0, |at| at.secs()));
    }
    let text = field(state, kind, at, sort).unwrap_or_default();
    match text.parse() {
        Ok(number) => Key::Number(number),
        Err(_) => Key::Text(text.to_lowercase()),
    }
}

/// A field of a row as text.
fn field(state: &State, kind: Kind, at: At, name: &str) -> Option<String> {
    // Whatever the account prints, it is asked for and sorted by the name in the papers.
    let printed = if name == "updatetime" && state.r.quirks.update_time { "updateTime" } else { name };
    kind.quick(state, at, name).or_else(|| kind.show(state, at).get(printed).and_then(Value::as_str).map(str::to_owned))
}

fn ready<'a>(state: &State, kind: Kind, asked: &Asked, tests: &'a [Test]) -> Result<Vec<Ready<'a>>, Refusal> {
    let first = kind.rows(state).first().map(|at| kind.show(state, *at));
    let sometimes = ["completeTime", "updatetime", "openTime", "averageCost", "timeStamp"];
    let there = |name: &str| sometimes.contains(&name) || first.as_ref().is_none_or(|row| row.contains_key(name));
    let numbers =
        |test: &Test| -> Option<Vec<i64>> { test.values.iter().map(|value| value.trim().parse().ok()).collect() };
    let mut out = Vec::new();
    for test in tests {
        out.push(match test.field.split('.').collect::<Vec<_>>().as_slice() {
            ["timeStamp"] if !matches!(test.op, Op::Like | Op::Unlike) => {
                let times: Option<Vec<i64>> = test.values.iter().map(|value| super::query::instant(value)).collect();
                Ready::Stamp(test.op, times.ok_or_else(|| Refusal::bad("timeStamp must be an ISO 8601 time"))?)
            }
            ["itemCode"] if kind == Kind::Item => match test.op {
                Op::Is | Op::In => Ready::Code(test),
                _ => return Err(Refusal::bad("itemCode can only be compared with =, or and IN")),
            },
            [name] if *name == kind.primary() && numbers(test).is_some() => {
                Ready::Id(test.op, numbers(test).unwrap_or_default())
            }
            [name] if there(name) => Ready::Text(test),
            [relation, name] => {
                if kind.relations().iter().all(|(own, ..)| own != relation) || !asked.relations.has(relation) {
                    let words = format!("Filtering on '{}' needs its relation to be loaded", test.field);
                    return Err(Refusal::bad(&words));
                }
                Ready::Within(relation, name, test)
            }
            [_] => return Err(Refusal::bad(&format!("{} has no field '{}'", kind.word(), test.field))),
            _ => Ready::Ignored,
        });
    }
    Ok(out)
}

impl Ready<'_> {
    fn passes(&self, state: &State, kind: Kind, at: At) -> bool {
        match self {
            Ready::Stamp(op, values) => kind.stamp(state, at).is_some_and(|stamp| within(*op, stamp.secs(), values)),
            Ready::Id(op, values) => within(*op, kind.id(state, at), values),
            Ready::Code(test) => ["itemID", "upc", "ean"]
                .iter()
                .any(|name| field(state, kind, at, name).is_some_and(|own| !own.is_empty() && test.passes(&own))),
            Ready::Text(test) => test.passes(&field(state, kind, at, &test.field).unwrap_or_default()),
            Ready::Within(relation, name, test) => {
                texts(state, kind, at, relation, name).iter().any(|own| test.passes(own))
            }
            Ready::Ignored => true,
        }
    }
}

fn within(op: Op, own: i64, values: &[i64]) -> bool {
    let Some(first) = values.first() else { return false };
    match op {
        Op::Is | Op::Like => own == *first,
        Op::Not | Op::Unlike => own != *first,
        Op::Above => own > *first,
        Op::AtLeast => own >= *first,
        Op::Below => own < *first,
        Op::AtMost => own <= *first,
        Op::Between => own >= *first && values.get(1).is_some_and(|last| own <= *last),
        Op::In => values.contains(&own),
    }
}
