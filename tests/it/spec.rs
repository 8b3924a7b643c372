//! A vendor's machine-readable description of its API, held against what really goes over the wire.
//!
//! The descriptions are kept outside this repository; `CONTRACTS_DIR` names the folder. Both forms are read: OpenAPI 3
//! (Lightspeed X-Series) and Swagger 2 (Magento).

use crate::samples::setting;
use bytes::Bytes;
use http::{Request, Response};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// One described API.
pub struct Spec {
    document: Value,
    draft: Draft,
    /// What stands before a described path in ours.
    base: String,
    validators: HashMap<String, Option<Validator>>,
    /// Each complaint with how often it came, and the calls that were judged, by operation.
    pub complaints: BTreeMap<String, usize>,
    pub judged: BTreeMap<String, usize>,
    /// Calls to what is not described.
    pub unknown: BTreeMap<String, usize>,
}

impl Spec {
    /// Reads `specs/{file}`, or says that it was skipped.
    pub fn open(file: &str, base: &str) -> Option<Spec> {
        let path = setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("specs").join(file));
        let Some(path) = path.filter(|path| path.is_file()) else {
            assert!(setting("TRUECOUNT_NO_SKIP").as_deref() != Some("1"), "CONTRACTS_DIR has no {file}");
            #[expect(clippy::print_stderr, reason = "a skipped test must not look like a passed one")]
            {
                eprintln!("skipped: CONTRACTS_DIR has no {file}");
            }
            return None;
        };
        let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let draft = if document["swagger"] == "2.0" { Draft::Draft4 } else { Draft::Draft202012 };
        Some(Spec {
            document,
            draft,
            base: base.to_owned(),
            validators: HashMap::new(),
            complaints: BTreeMap::new(),
            judged: BTreeMap::new(),
            unknown: BTreeMap::new(),
        })
    }

    /// Holds one call and its answer against the description; what is wrong is kept in `complaints`.
    pub fn judge(&mut self, request: &Request<Bytes>, response: &Response<Bytes>) {
        let method = request.method().as_str().to_lowercase();
        let path = request.uri().path();
        let rest = path.strip_prefix(&self.base);
        // Magento's global scope is an address of its own and otherwise the same.
        let rest = rest.map(|rest| rest.strip_prefix("/all").unwrap_or(rest));
        let found = rest.and_then(|rest| self.operation(&method, rest));
        let Some((template, operation)) = found else {
            *self.unknown.entry(format!("{} {}", request.method(), wildcards(path))).or_default() += 1;
            return;
        };
        let name = format!("{} {template}", request.method());
        *self.judged.entry(name.clone()).or_default() += 1;
        let mut wrong = self.query(&operation, request.uri().query().unwrap_or_default());
        let pointer = format!("/paths/{}/{method}", template.replace('~', "~0").replace('/', "~1"));
        wrong.extend(self.request_body(&operation, &pointer, request.body()));
        wrong.extend(self.answer(&operation, &pointer, response));
        for what in wrong {
            *self.complaints.entry(format!("{name}: {what}")).or_default() += 1;
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<(String, Value)> {
        let wanted: Vec<&str> = path.trim_matches('/').split('/').collect();
        let paths = self.document["paths"].as_object()?;
        let fits = |template: &str| {
            let parts: Vec<&str> = template.trim_matches('/').split('/').collect();
            parts.len() == wanted.len()
                && parts.iter().zip(&wanted).all(|(part, have)| part.starts_with('{') || part == have)
        };
        // A path that is spelled out goes before one with a parameter in the same place.
        let mut found: Vec<_> = paths.iter().filter(|(path, of)| fits(path) && of.get(method).is_some()).collect();
        found.sort_by_key(|(path, _)| path.matches('{').count());
        found.first().map(|(path, of)| ((*path).clone(), of[method].clone()))
    }

    fn query(&self, operation: &Value, query: &str) -> Vec<String> {
        let described: Vec<&Value> =
            operation["parameters"].as_array().map(|all| all.iter().collect()).unwrap_or_default();
        let described: Vec<&Value> =
            described.into_iter().map(|one| self.resolve(one)).filter(|one| one["in"] == "query").collect();
        let mut wrong = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            // Magento takes both spellings of a name, and describes the first of many filters only.
            let bare = |text: &str| {
                let text = text.replace(|c: char| c.is_ascii_digit(), "");
                text.replace("filter_groups", "filterGroups").replace("condition_type", "conditionType")
            };
            match described.iter().find(|one| one["name"].as_str().is_some_and(|known| bare(known) == bare(&name))) {
                None => wrong.push(format!("asked with an unknown parameter {name}")),
                Some(one) => {
                    let schema = if one["schema"].is_object() { &one["schema"] } else { *one };
                    let kind = schema["type"].as_str().unwrap_or("string");
                    let good = match kind {
                        "integer" => value.parse::<i64>().is_ok(),
                        "boolean" => matches!(&*value, "true" | "false"),
                        _ => true,
                    };
                    let within =
                        schema["maximum"].as_i64().is_none_or(|most| value.parse::<i64>().is_ok_and(|n| n <= most));
                    if !good || !within {
                        wrong.push(format!("asked with {name}={value}, which is no {kind} that is taken"));
                    }
                }
            }
        }
        wrong
    }

    fn request_body(&mut self, operation: &Value, pointer: &str, body: &[u8]) -> Vec<String> {
        let at = if operation["requestBody"].is_object() {
            Some(format!("{pointer}/requestBody/content/application~1json/schema"))
        } else {
            let all = operation["parameters"].as_array().cloned().unwrap_or_default();
            let place = all.iter().position(|one| one["in"] == "body");
            place.map(|place| format!("{pointer}/parameters/{place}/schema"))
        };
        match (at, body.is_empty()) {
            (None, true) => Vec::new(),
            (None, false) => vec!["asked with a body where none is described".to_owned()],
            (Some(_), true) => vec!["asked without a body".to_owned()],
            (Some(at), false) => match serde_json::from_slice(body) {
                Ok(value) => self.check(&at, &value, "asked with"),
                Err(error) => vec![format!("asked with what is no JSON: {error}")],
            },
        }
    }

    fn answer(&mut self, operation: &Value, pointer: &str, response: &Response<Bytes>) -> Vec<String> {
        let status = response.status().as_u16().to_string();
        // No operation describes that one is asked to wait, and few describe what went wrong.
        if !response.status().is_success() {
            return Vec::new();
        }
        if operation["responses"].get(&status).is_none() {
            return vec![format!("answered {status}, which is not described")];
        }
        let new = format!("{pointer}/responses/{status}/content/application~1json/schema");
        let old = format!("{pointer}/responses/{status}/schema");
        let Some(at) = [new, old].into_iter().find(|at| self.document.pointer(at).is_some()) else { return Vec::new() };
        match serde_json::from_slice(response.body()) {
            Ok(value) => self.check(&at, &value, "answered with"),
            Err(error) => vec![format!("answered with what is no JSON: {error}")],
        }
    }

    fn check(&mut self, pointer: &str, value: &Value, what: &str) -> Vec<String> {
        let (document, draft) = (&self.document, self.draft);
        let validator = self.validators.entry(pointer.to_owned()).or_insert_with(|| {
            let mut root =
                json!({ "allOf": [{ "$ref": format!("#{}", pointer.replace('{', "%7B").replace('}', "%7D")) }] });
            for part in ["paths", "components", "definitions"] {
                if let Some(known) = document.get(part) {
                    root[part] = known.clone();
                }
            }
            jsonschema::options().with_draft(draft).should_validate_formats(false).build(&root).ok()
        });
        let Some(validator) = validator else { return vec![format!("{pointer} is no schema that can be read")] };
        validator
            .iter_errors(value)
            .map(|error| {
                let place = wildcards(&error.instance_path().to_string());
                let said: String = error.to_string().chars().take(160).collect();
                let said = if said.contains("required") {
                    said
                } else {
                    format!("…{}", said.rsplit("is not").next().unwrap_or(""))
                };
                format!("{what} {place}: {said}")
            })
            .collect()
    }

    fn resolve<'a>(&'a self, one: &'a Value) -> &'a Value {
        let pointer = one["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(one)
    }
}

/// A path in which whatever names one thing of many is a star.
fn wildcards(path: &str) -> String {
    let part = |part: &str| if part.chars().any(|c| c.is_ascii_digit()) { "*".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
