//! What may be asked of the shop, and what it costs. A question is checked whole before anything is done:
//! unknown fields, arguments, filters and sort keys are refused, because a filter silently ignored is a wrong
//! answer with full confidence.

use super::parse::{Document, Field, Operation, Selection, Wrong};
use super::tables::{INPUTS, KINDS, TYPES, permission};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Rows of a list when no limit is given, and the most that may be asked for.
pub(super) const PAGE: i64 = 20;
pub(super) const MOST: i64 = 200;

#[derive(Debug, Clone, Default)]
struct FieldType {
    target: Option<&'static str>,
    arguments: BTreeMap<&'static str, Option<&'static str>>,
}

type Types = BTreeMap<&'static str, BTreeMap<&'static str, FieldType>>;

static SCHEMA: LazyLock<Types> = LazyLock::new(|| {
    let mut types = Types::new();
    for line in TYPES.lines() {
        let Some((name, fields)) = line.split_once(": ") else { continue };
        let mut known = BTreeMap::new();
        for field in fields.split(' ') {
            if let Some(base) = field.strip_prefix('=') {
                known.extend(types.get(base).cloned().unwrap_or_default());
                continue;
            }
            let end = field.find(['(', ':']).unwrap_or(field.len());
            let (field_name, rest) = field.split_at(end);
            let (arguments, target) = match rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
                Some((arguments, target)) => (arguments, target),
                None => ("", rest),
            };
            let target = target.trim_start_matches(':');
            let arguments = arguments
                .split(',')
                .filter(|a| !a.is_empty())
                .map(|a| a.split_once('=').map_or((a, None), |(name, kind)| (name, Some(kind))))
                .collect();
            let target = target.trim_matches(['[', ']']);
            known.insert(field_name, FieldType { target: (!target.is_empty()).then_some(target), arguments });
        }
        types.insert(name, known);
    }
    types
});

static KEYS: LazyLock<BTreeMap<&'static str, BTreeSet<&'static str>>> = LazyLock::new(|| {
    INPUTS
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, keys)| (name, keys.split(' ').collect()))
        .collect()
});

/// What a checked question costs and needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Price {
    pub complexity: i64,
    pub mutations: i64,
    pub permissions: BTreeSet<&'static str>,
    /// Each permission where it is needed: the field, and where it stands.
    pub needs: Vec<(&'static str, String, usize, usize)>,
}

/// A selection with fragments flattened, ready to be answered.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub key: String,
    pub name: String,
    pub arguments: Map<String, Value>,
    pub selection: Option<Vec<Asked>>,
    /// Asked only of event objects of this kind.
    pub only: Option<&'static str>,
}

impl Asked {
    /// The `where` argument, if any.
    pub fn filter(&self) -> Option<&Map<String, Value>> {
        self.arguments.get("where").and_then(Value::as_object)
    }

    /// The sort key, if any.
    pub fn sort(&self) -> Option<&str> {
        let sort = self.arguments.get("sort")?;
        sort.as_array().map_or(Some(sort), |list| list.first())?.as_str()
    }

    /// The slice of rows that limit and page cut out.
    pub fn slice<T>(&self, rows: Vec<T>) -> Vec<T> {
        let number = |name: &str, otherwise: i64| self.arguments.get(name).and_then(Value::as_i64).unwrap_or(otherwise);
        let limit = usize::try_from(number("limit", PAGE)).unwrap_or(1);
        let page = usize::try_from(number("page", 1)).unwrap_or(1).max(1);
        rows.into_iter().skip((page - 1).saturating_mul(limit)).take(limit).collect()
    }
}

struct Checker<'a> {
    document: &'a Document,
    variables: &'a Map<String, Value>,
    declared: BTreeSet<&'a str>,
    price: Price,
}

/// Checks an operation and says what it costs.
pub(super) fn check(
    document: &Document,
    operation: &Operation,
    variables: &Map<String, Value>,
) -> Result<(Vec<Asked>, Price), Wrong> {
    let declared = operation.variables.iter().map(|v| v.name.as_str()).collect();
    let mut checker = Checker { document, variables, declared, price: Price { complexity: 10, ..Price::default() } };
    let root = if operation.mutation { "Mutation" } else { "Query" };
    if operation.mutation {
        let fields = operation.selection.len() as i64;
        checker.price.mutations = fields;
        checker.price.complexity += 100 * fields;
    }
    let mut asked = Vec::new();
    checker.selection(root, &operation.selection, 1, &mut asked, 0)?;
    Ok((asked, checker.price))
}

fn at(field: &Field, message: String) -> Wrong {
    Wrong { message, line: field.line, column: field.column }
}

impl Checker<'_> {
    fn selection(
        &mut self,
        kind: &'static str,
        selection: &[Selection],
        times: i64,
        out: &mut Vec<Asked>,
        depth: usize,
    ) -> Result<(), Wrong> {
        if depth > 40 {
            return Err(Wrong { message: "Fragments go round in a circle".into(), line: 1, column: 1 });
        }
        for part in selection {
            match part {
                Selection::Field(field) => out.push(self.field(kind, field, times, depth)?),
                Selection::Inline(None, inner) => self.selection(kind, inner, times, out, depth + 1)?,
                Selection::Inline(Some(on), inner) => {
                    let same = on == kind;
                    let related = KINDS.iter().find(|(base, other, _)| *base == kind && other == on);
                    match related {
                        _ if same => self.selection(kind, inner, times, out, depth + 1)?,
                        Some((base, other, true)) => {
                            let before = out.len();
                            self.selection(other, inner, times, out, depth + 1)?;
                            if *base == "EventObject" {
                                out.iter_mut().skip(before).for_each(|asked| asked.only = Some(other));
                            }
                        }
                        Some((base, _, false)) => self.selection(base, inner, times, &mut Vec::new(), depth + 1)?,
                        None => {
                            let message = format!(
                                "Fragment cannot be spread here as objects of type \"{kind}\" can never be of type \"{on}\"."
                            );
                            return Err(Wrong { message, line: 1, column: 1 });
                        }
                    }
                }
                Selection::Spread(name) => {
                    let document = self.document;
                    let Some(inner) = document.fragments.get(name) else {
                        let message = format!("Unknown fragment \"{name}\".");
                        return Err(Wrong { message, line: 1, column: 1 });
                    };
                    self.selection(kind, inner, times, out, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, kind: &'static str, field: &Field, times: i64, depth: usize) -> Result<Asked, Wrong> {
        let asked = |arguments, selection| Asked {
            key: field.key().to_owned(),
            name: field.name.clone(),
            arguments,
            selection,
            only: None,
        };
        if field.name == "__typename" {
            return Ok(asked(Map::new(), None));
        }
        let Some(known) = SCHEMA.get(kind).and_then(|fields| fields.get(field.name.as_str())) else {
            return Err(at(field, format!("Cannot query field \"{}\" on type \"{kind}\".", field.name)));
        };
        let arguments = self.arguments(field, kind, known)?;
        let Some(target) = known.target else {
            if !field.selection.is_empty() {
                return Err(at(
                    field,
                    format!("Field \"{}\" must not have a selection since it is a leaf.", field.name),
                ));
            }
            // Free to allocate costs nothing; every other number of stock does.
            if field.name != "freeToAllocateQuantity" {
                self.price.complexity = self.price.complexity.saturating_add(times);
            }
            return Ok(asked(arguments, None));
        };
        if field.selection.is_empty() {
            return Err(at(
                field,
                format!("Field \"{}\" of type \"{target}\" must have a selection of subfields.", field.name),
            ));
        }
        if let Some(permission) = permission(kind, &field.name) {
            self.price.permissions.insert(permission);
            self.price.needs.push((permission, field.name.clone(), field.line, field.column));
        }
        let rows = if known.arguments.contains_key("first") {
            arguments.get("first").and_then(Value::as_i64).unwrap_or(PAGE)
        } else if known.arguments.contains_key("limit") {
            arguments.get("limit").and_then(Value::as_i64).unwrap_or(PAGE)
        } else {
            1
        };
        let mut inner = Vec::new();
        let before = self.price.complexity;
        self.selection(target, &field.selection, times.saturating_mul(rows), &mut inner, depth + 1)?;
        if field.name == "rateLimits" {
            self.price.complexity = before;
        }
        Ok(asked(arguments, Some(inner)))
    }

    fn arguments(&self, field: &Field, kind: &str, known: &FieldType) -> Result<Map<String, Value>, Wrong> {
        let mut arguments = Map::new();
        for (name, argument) in &field.arguments {
            let Some(input) = known.arguments.get(name.as_str()) else {
                return Err(at(field, format!("Unknown argument \"{name}\" on field \"{kind}.{}\".", field.name)));
            };
            let mut used = Vec::new();
            argument.variables(&mut used);
            if let Some(name) = used.into_iter().find(|name| !self.declared.contains(name)) {
                return Err(at(field, format!("Variable \"${name}\" is not defined.")));
            }
            let Some(value) = argument.value(self.variables) else { continue };
            self.check_value(field, name, input.as_ref().copied(), &value)?;
            arguments.insert(name.clone(), value);
        }
        Ok(arguments)
    }

    fn check_value(&self, field: &Field, name: &str, input: Option<&str>, value: &Value) -> Result<(), Wrong> {
        match (name, input) {
            ("limit" | "first", _) if !value.as_i64().is_some_and(|n| (1..=MOST).contains(&n)) => {
                Err(at(field, format!("Limit must be between 1 and {MOST}.")))
            }
            ("page", _) if value.as_i64().is_none_or(|n| n < 1) => Err(at(field, "Page must be at least 1.".into())),
            ("where", Some(input)) => {
                let Some(keys) = KEYS.get(input) else { return Ok(()) };
                for key in value.as_object().into_iter().flat_map(Map::keys) {
                    if !keys.contains(key.as_str()) {
                        return Err(at(field, format!("Field \"{key}\" is not defined by type \"{input}\".")));
                    }
                }
                Ok(())
            }
            ("sort", Some(input)) => {
                let members = KEYS.get(input);
                let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                match list.iter().find(|v| !v.as_str().is_some_and(|m| members.is_some_and(|k| k.contains(m)))) {
                    Some(bad) => Err(at(field, format!("Value {bad} does not exist in \"{input}\" enum."))),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn price(text: &str) -> Result<Price, String> {
        let document = parse::document(text).map_err(|w| w.message)?;
        check(&document, &document.operations[0], &Map::new()).map(|(_, price)| price).map_err(|w| w.message)
    }

    #[test]
    fn the_price_grows_with_every_enclosing_limit() {
        for (text, want) in [
            ("{rateLimits{type quota}}", 10),
            ("{warehouses{id name}}", 10 + 20 * 2),
            ("{warehouses(limit:2){id stock(limit:200){physicalQuantity freeToAllocateQuantity}}}", 10 + 2 + 400),
            ("mutation{setStock(input:{}){userErrors{message path}}}", 10 + 100 + 2),
        ] {
            assert_eq!(price(text).map(|p| p.complexity), Ok(want), "{text}");
        }
    }

    #[test]
    fn unknown_words_are_refused_before_anything_happens() {
        for (text, part) in [
            ("{warehouse{id}}", "Cannot query field \"warehouse\" on type \"Query\""),
            ("{warehouses{id colour}}", "\"colour\" on type \"Warehouse\""),
            ("{warehouses(first:3){id}}", "Unknown argument \"first\""),
            ("{warehouses(limit:201){id}}", "between 1 and 200"),
            ("{warehouses(limit:5,page:0){id}}", "at least 1"),
            ("{orders(where:{changedAt:1}){id}}", "\"changedAt\" is not defined by type \"OrderFilter\""),
            ("{orders(sort:[id_SIDEWAYS]){id}}", "\"OrderSort\" enum"),
            ("{orders{customer{id}}}", "\"customer\" on type \"Order\""),
            ("{orders{id{x}}}", "is a leaf"),
            ("{orders}", "must have a selection"),
            ("{orders{... on Warehouse{id}}}", "can never be of type"),
            ("{orders(where:{number:$n}){id}}", "\"$n\" is not defined"),
        ] {
            assert!(price(text).expect_err(text).contains(part), "{text}");
        }
        assert!(price("{orders{... on DirectToConsumerOrder{customer{id}} ... on WholesaleOrder{id}}}").is_ok());
    }
}
