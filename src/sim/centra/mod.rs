//! The shop on the wire: one GraphQL endpoint. Who asks, whether the question is well formed, what it costs,
//! whether there is allowance left, and only then what the answer is.

mod events;
mod filter;
mod goods;
pub(in crate::sim) mod hooks;
mod input;
pub(in crate::sim) mod limits;
mod mutations;
mod order_write;
mod orders;
pub(in crate::sim) mod papers;
mod papers_show;
mod parse;
mod query;
pub mod quirks;
mod returns;
mod schema;
mod shipments;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_orders;
#[cfg(test)]
mod tests_traps;
mod write;

use super::auditor::Knowledge;
use super::text;
use super::world::State;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use parse::Wrong;
use serde_json::{Map, Value, json};

/// The version of the tenant we play.
const APP_VERSION: &str = "v1.60.0";

/// Answers one request.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>) -> (Response<Bytes>, Vec<Knowledge>) {
    let mut learned = Vec::new();
    let response = match respond(state, request, &mut learned) {
        Ok(body) => json_response(StatusCode::OK, &body),
        Err(response) => *response,
    };
    (response, learned)
}

/// The first thing that our token may not do, in the vendor's words.
fn denied(state: &State, price: &schema::Price) -> Result<(), Box<Response<Bytes>>> {
    let quirks = &state.web.papers.quirks;
    let Some((permission, field, line, column)) = price.needs.iter().find(|need| quirks.denied.contains(&need.0))
    else {
        return Ok(());
    };
    let body = json!({
        "errors": [{
            "message": format!("You need {permission} permission to access {field}."),
            "extensions": {"category": "authorization"},
            "locations": [{"line": line, "column": column}],
            "path": [field],
        }],
        "extensions": {
            "complexity": price.complexity, "permissionsUsed": price.permissions, "appVersion": APP_VERSION,
        },
    });
    let status = StatusCode::from_u16(quirks.permission_status).unwrap_or(StatusCode::OK);
    Err(Box::new(json_response(status, &body)))
}

fn refusal(until: Timestamp, as_date: bool) -> Response<Bytes> {
    let mut response = too_many(until);
    let date = HeaderValue::from_str(&text::http_date(text::ceil_second(until))).ok().filter(|_| as_date);
    if let Some(date) = date {
        response.headers_mut().insert(header::RETRY_AFTER, date);
    }
    response
}

/// The refusal of the rate rule, also used when a burst is injected. The header is a moment, not a delay.
pub(super) fn too_many(until: Timestamp) -> Response<Bytes> {
    let body = json!({"errors": [{"message": "Rate limit exceeded."}]});
    let mut response = json_response(StatusCode::TOO_MANY_REQUESTS, &body);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(text::ceil_second(until).secs()));
    response
}

/// What a server says that has lost its footing.
pub(super) fn internal_error() -> Response<Bytes> {
    let body = json!({"errors": [{"message": "Internal server error", "extensions": {"category": "internal"}}]});
    json_response(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn bad(wrong: Wrong) -> Box<Response<Bytes>> {
    let body = json!({"errors": [{
        "message": wrong.message,
        "extensions": {"category": "graphql"},
        "locations": [{"line": wrong.line, "column": wrong.column}],
    }]});
    Box::new(json_response(StatusCode::BAD_REQUEST, &body))
}

fn plain(status: StatusCode, message: &str) -> Box<Response<Bytes>> {
    Box::new(json_response(status, &json!({"errors": [{"message": message}]})))
}

fn respond(
    state: &mut State,
    request: &Request<Bytes>,
    learned: &mut Vec<Knowledge>,
) -> Result<Value, Box<Response<Bytes>>> {
    if request.uri().path() != "/graphql" {
        return Err(plain(StatusCode::NOT_FOUND, "Not found."));
    }
    if request.method() != Method::POST {
        return Err(plain(StatusCode::METHOD_NOT_ALLOWED, "Only POST is allowed."));
    }
    let bearer = format!("Bearer {}", state.options.web_token);
    if state.web.papers.quirks.token_expired {
        return Err(plain(StatusCode::FORBIDDEN, "Access token is expired."));
    }
    if request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()) != Some(bearer.as_str()) {
        return Err(plain(StatusCode::FORBIDDEN, "Access token is not valid or is expired."));
    }
    let body: Value = serde_json::from_slice(request.body())
        .map_err(|_| plain(StatusCode::BAD_REQUEST, "The body is not valid JSON."))?;
    let text = body["query"].as_str().ok_or_else(|| plain(StatusCode::BAD_REQUEST, "A query is required."))?;
    let document = parse::document(text).map_err(bad)?;
    let wanted = body["operationName"].as_str();
    let chosen = match wanted {
        None if document.operations.len() == 1 => document.operations.first(),
        None => None,
        Some(name) => document.operations.iter().find(|o| o.name.as_deref() == Some(name)),
    };
    let operation = chosen.ok_or_else(|| plain(StatusCode::BAD_REQUEST, "Which operation shall be run?"))?;
    let given = body["variables"].as_object().cloned().unwrap_or_default();
    let variables = variables(operation, given)?;
    let (asked, price) = schema::check(&document, operation, &variables).map_err(bad)?;
    if operation.mutation {
        mutations::check(&asked).map_err(|wrong| plain(StatusCode::BAD_REQUEST, &wrong.0))?;
    }
    if state.options.limits_on {
        let now = state.now;
        let charged = state.web.buckets.charge(price.mutations, price.complexity, now);
        charged.map_err(|until| Box::new(refusal(until, state.web.papers.quirks.retry_as_date)))?;
    }
    denied(state, &price)?;
    let data = if operation.mutation { mutations::root(state, &asked) } else { query::root(state, &asked, learned) };
    Ok(json!({
        "data": data,
        "extensions": {
            "complexity": price.complexity,
            "permissionsUsed": price.permissions,
            "appVersion": APP_VERSION,
        },
    }))
}

fn variables(
    operation: &parse::Operation,
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Box<Response<Bytes>>> {
    let mut variables = Map::new();
    for declared in &operation.variables {
        let default = declared.default.as_ref().and_then(|d| d.value(&Map::new()));
        match given.get(&declared.name).cloned().or(default) {
            Some(Value::Null) | None if declared.required => {
                let message = format!("Variable \"${}\" of a required type was not provided.", declared.name);
                return Err(plain(StatusCode::BAD_REQUEST, &message));
            }
            Some(value) => {
                variables.insert(declared.name.clone(), value);
            }
            None => {}
        }
    }
    Ok(variables)
}
