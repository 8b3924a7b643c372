//! Lists as the search criteria ask for them: groups of filters, orders, pages, and the envelope round the answer.

use super::error::{Said, Wrong};
use super::input::{self, Call};
use super::switches::Switches;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::HashSet;

/// What stands in a column of a row.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Null,
    Text(String),
    Number(Decimal),
    /// A moment as the database prints it.
    Time(String),
}

impl Cell {
    pub(super) fn text(value: Option<&str>) -> Cell {
        value.map_or(Cell::Null, |v| Cell::Text(v.to_owned()))
    }

    pub(super) fn int(value: i64) -> Cell {
        Cell::Number(Decimal::from(value))
    }
}

struct Filter {
    field: String,
    value: String,
    condition: String,
    /// The words of a list, in small letters: a page is asked for with hundreds of them.
    words: HashSet<String>,
}

impl Filter {
    fn new(field: String, value: String, condition: String) -> Filter {
        let is_list = matches!(condition.as_str(), "in" | "nin");
        let words =
            if is_list { value.split(',').map(|one| one.trim().to_lowercase()).collect() } else { HashSet::new() };
        Filter { field, value, condition, words }
    }

    fn lists(&self, cell: &Cell) -> bool {
        match cell {
            Cell::Text(text) => self.words.contains(&text.to_lowercase()),
            _ => self.value.split(',').any(|one| compare(cell, one.trim()) == Ordering::Equal),
        }
    }
}

/// What was asked of a list.
pub(super) struct Criteria {
    groups: Vec<Vec<Filter>>,
    sorts: Vec<(String, bool)>,
    page_size: Option<i64>,
    current_page: Option<i64>,
}

/// The criteria of a call; `needed` when the service does not do without.
pub(super) fn read(call: &Call, needed: bool, switches: &Switches) -> Result<Criteria, Wrong> {
    let empty = Value::Object(Map::new());
    let given = match call.arg("searchCriteria") {
        Some(value) if value.is_object() => value,
        Some(_) => &empty,
        None if needed => return Err(Wrong::required("searchCriteria")),
        None => &empty,
    };
    input::only(given, &["filter_groups", "sort_orders", "page_size", "current_page"])?;
    let mut groups = Vec::new();
    for group in input::list(input::take(given, "filterGroups").unwrap_or(&Value::Null))? {
        input::only(&group, &["filters"])?;
        let mut filters = Vec::new();
        for filter in input::list(input::take(&group, "filters").unwrap_or(&Value::Null))? {
            input::only(&filter, &["field", "value", "condition_type"])?;
            let condition = input::take(&filter, "conditionType").and_then(input::text);
            filters.push(Filter::new(
                input::words(&filter, "field").unwrap_or_default(),
                input::words(&filter, "value").unwrap_or_default(),
                condition.unwrap_or_else(|| "eq".to_owned()),
            ));
        }
        groups.push(filters);
    }
    let mut sorts = Vec::new();
    for sort in input::list(input::take(given, "sortOrders").unwrap_or(&Value::Null))? {
        let direction = input::words(&sort, "direction").unwrap_or_else(|| "ASC".to_owned()).to_uppercase();
        if direction != "ASC" && direction != "DESC" {
            let text = "The sort order has to be specified as %1 for ascending order or %2 for descending order.";
            return Err(Wrong::bad(text).with(json!(["ASC", "DESC"])));
        }
        sorts.push((input::words(&sort, "field").unwrap_or_default(), direction == "ASC"));
    }
    let number = |camel: &str| match given.get(camel) {
        Some(_) => input::int(given, camel),
        None => input::int(given, &input::snake(camel)),
    };
    let mut page_size = number("pageSize")?;
    if let Some(limits) = &switches.limits {
        if page_size.is_some_and(|size| size > limits.page_size) {
            let wrong = Wrong::bad("Maximum SearchCriteria pageSize is %max");
            return Err(wrong.with(json!({"max": limits.page_size})));
        }
        page_size = page_size.or(Some(limits.default_page_size));
    }
    Ok(Criteria { groups, sorts, page_size, current_page: number("currentPage")? })
}

impl Criteria {
    /// The criteria as they are printed beside the items.
    pub(super) fn shown(&self) -> Value {
        let filter = |f: &Filter| json!({"field": f.field, "value": f.value, "condition_type": f.condition});
        let group = |g: &Vec<Filter>| json!({"filters": g.iter().map(filter).collect::<Vec<_>>()});
        let mut out = Map::new();
        out.insert("filter_groups".to_owned(), self.groups.iter().map(group).collect());
        if !self.sorts.is_empty() {
            let sort =
                |(field, up): &(String, bool)| json!({"field": field, "direction": if *up {"ASC"} else {"DESC"}});
            out.insert("sort_orders".to_owned(), self.sorts.iter().map(sort).collect());
        }
        if let Some(size) = self.page_size {
            out.insert("page_size".to_owned(), Value::from(size));
        }
        if let Some(page) = self.current_page {
            out.insert("current_page".to_owned(), Value::from(page));
        }
        Value::Object(out)
    }

    /// Adds a filter that the path already says.
    pub(super) fn also(&mut self, field: &str, value: &str) {
        let filter = Filter::new(field.to_owned(), value.to_owned(), "eq".to_owned());
        self.groups.push(vec![filter]);
    }

    /// Refuses columns that a list does not have, whether or not it has rows.
    pub(super) fn columns(&self, has: impl Fn(&str) -> bool, unknown: impl Fn(&str) -> Wrong) -> Result<(), Wrong> {
        let filtered = self.groups.iter().flatten().map(|filter| filter.field.as_str());
        let mut named = filtered.chain(self.sorts.iter().map(|(field, _)| field.as_str()));
        named.find(|name| !has(name)).map_or(Ok(()), |name| Err(unknown(name)))
    }

    /// The envelope: the rows that pass, in order, one page of them.
    ///
    /// `cell` tells what stands in a column, or `None` when there is no such column: then `unknown` is the answer.
    pub(super) fn answer<T>(
        &self,
        rows: impl Iterator<Item = T>,
        cell: impl Fn(&T, &str) -> Option<Cell>,
        unknown: impl Fn(&str) -> Wrong,
        show: impl Fn(&T) -> Value,
        switches: &Switches,
    ) -> Said {
        let mut passed = Vec::new();
        for row in rows {
            if self.passes(&row, &cell, &unknown)? {
                passed.push(row);
            }
        }
        for (field, up) in self.sorts.iter().rev() {
            if passed.iter().any(|row| cell(row, field).is_none()) {
                return Err(unknown(field));
            }
            passed.sort_by(|a, b| {
                let order = rank(&cell(a, field).unwrap_or(Cell::Null), &cell(b, field).unwrap_or(Cell::Null));
                if *up { order } else { order.reverse() }
            });
        }
        let total = passed.len();
        let (start, size) = self.page(total, switches);
        let items: Vec<Value> = passed.iter().skip(start).take(size).map(show).collect();
        Ok(json!({"items": items, "search_criteria": self.shown(), "total_count": total}))
    }

    /// Where the page begins and how many rows it has. Below page 1 is page 1; past the end there is nothing,
    /// except in old versions, which repeat the last page.
    fn page(&self, total: usize, switches: &Switches) -> (usize, usize) {
        let size = self.page_size.filter(|size| *size > 0).and_then(|size| usize::try_from(size).ok());
        let Some(size) = size else { return (0, total) };
        let page = self.current_page.unwrap_or(1).max(1);
        let mut page = usize::try_from(page).unwrap_or(1);
        if switches.last_page_repeats {
            page = page.min(total.div_ceil(size).max(1));
        }
        ((page - 1).saturating_mul(size), size)
    }

    fn passes<T>(
        &self,
        row: &T,
        cell: &impl Fn(&T, &str) -> Option<Cell>,
        unknown: &impl Fn(&str) -> Wrong,
    ) -> Result<bool, Wrong> {
        for group in &self.groups {
            let mut any = group.is_empty();
            for filter in group {
                let found = cell(row, &filter.field).ok_or_else(|| unknown(&filter.field))?;
                any = any || fits(&found, filter);
            }
            if !any {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a cell meets a condition. A condition that the server does not know holds for nothing.
fn fits(cell: &Cell, filter: &Filter) -> bool {
    let value = filter.value.as_str();
    let null = matches!(cell, Cell::Null);
    let against = |value: &str| compare(cell, value);
    let listed = || filter.lists(cell);
    match filter.condition.as_str() {
        "null" => null,
        "notnull" => !null,
        "is" => null == value.eq_ignore_ascii_case("null"),
        "nin" => !null && !listed(),
        "seq" if value.is_empty() => null,
        "sneq" if value.is_empty() => !null,
        _ if null => false,
        "eq" | "seq" => against(value) == Ordering::Equal,
        "neq" | "sneq" => against(value) != Ordering::Equal,
        "in" => listed(),
        "gt" => against(value) == Ordering::Greater,
        "lt" => against(value) == Ordering::Less,
        "gteq" | "from" => against(value) != Ordering::Less,
        "lteq" | "to" => against(value) != Ordering::Greater,
        "like" => like(&printed(cell), value),
        "nlike" => !like(&printed(cell), value),
        "fulltext" => like(&printed(cell), &format!("%{value}%")),
        "finset" => printed(cell).split(',').any(|one| one == value),
        "nfinset" => !printed(cell).split(',').any(|one| one == value),
        _ => false,
    }
}

fn printed(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) | Cell::Time(text) => text.clone(),
        Cell::Number(number) => number.normalize().to_string(),
    }
}

/// The collation knows no case; a moment that cannot be read stands before all others.
fn compare(cell: &Cell, value: &str) -> Ordering {
    match cell {
        Cell::Null => Ordering::Less,
        Cell::Text(text) => text.to_lowercase().cmp(&value.to_lowercase()),
        Cell::Number(number) => number.cmp(&value.trim().parse::<Decimal>().unwrap_or_default()),
        Cell::Time(text) => text.cmp(&moment(value)),
    }
}

fn moment(value: &str) -> String {
    let shortened = value.trim().replace('T', " ");
    let shortened = shortened.trim_end_matches('Z');
    let readable = shortened.starts_with(|c: char| c.is_ascii_digit()) && shortened.len() >= 10;
    if readable { shortened.to_owned() } else { String::new() }
}

fn rank(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Number(a), Cell::Number(b)) => a.cmp(b),
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Less,
        (_, Cell::Null) => Ordering::Greater,
        _ => printed(a).to_lowercase().cmp(&printed(b).to_lowercase()),
    }
}

/// SQL `LIKE` without case: `%` for any run, `_` for any character.
fn like(text: &str, pattern: &str) -> bool {
    fn walk(text: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| walk(tail, rest))),
            Some((wanted, rest)) => match text.split_first() {
                Some((found, tail)) => (*wanted == '_' || wanted == found) && walk(tail, rest),
                None => false,
            },
        }
    }
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    walk(&text, &pattern)
}
