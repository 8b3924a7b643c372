//! The till on the wire, dated version 2026-07: what is asked, who asks, and how it is refused.
//!
//! Unknown paths are 404, a missing or wrong bearer is 401, a call without `User-Agent` is 400. Only what the
//! product may need is here; nothing can be sold through the wire.

pub(in crate::sim) mod hooks;
pub(in crate::sim) mod limit;
mod rest;

use super::auditor::Knowledge;
use super::text;
use super::till::Hook;
use super::world::State;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use std::collections::HashMap;

const BASE: &str = "/api/2026-07/";

/// What is sent back, and what the reader learns by it.
pub(super) type Answered = (Response<Bytes>, Vec<Knowledge>);

type Said = (StatusCode, Value, Vec<Knowledge>);

/// Answers one request.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>) -> Answered {
    let registers = state.till.registers.len();
    let now = state.now;
    let standing = if state.options.limits_on { Some(state.till.window.call(registers, now)) } else { None };
    if let Some(until) = standing.and_then(|s| s.refused_until) {
        let mut response = too_many(until);
        limit_headers(response.headers_mut(), standing);
        return (response, Vec::new());
    }
    let (status, body, knowledge) = route(state, request);
    let mut response = json_response(status, &body);
    limit_headers(response.headers_mut(), standing);
    (response, knowledge)
}

/// The refusal of a rate rule, also used when a burst is injected.
pub(super) fn too_many(until: Timestamp) -> Response<Bytes> {
    let body = json!({"error": "Too Many Requests", "message": "Rate limiting enforced"});
    let mut response = json_response(StatusCode::TOO_MANY_REQUESTS, &body);
    if let Ok(value) = HeaderValue::from_str(&text::http_date(until)) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn limit_headers(headers: &mut HeaderMap, standing: Option<limit::Standing>) {
    if let Some(standing) = standing {
        headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(standing.remaining));
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let bytes = if status == StatusCode::NO_CONTENT { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn fail(status: StatusCode, title: &str, message: &str) -> Said {
    (status, json!({"error": title, "message": message}), Vec::new())
}

fn not_found() -> Said {
    fail(StatusCode::NOT_FOUND, "Not Found", "The requested resource could not be found")
}

fn route(state: &mut State, request: &Request<Bytes>) -> Said {
    let bearer = format!("Bearer {}", state.options.till_token);
    let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    if given != Some(bearer.as_str()) {
        return fail(StatusCode::UNAUTHORIZED, "Unauthorized", "The access token is missing or not valid");
    }
    if request.headers().get(header::USER_AGENT).is_none_or(HeaderValue::is_empty) {
        return fail(StatusCode::BAD_REQUEST, "Bad Request", "A User-Agent header is required");
    }
    let Some(rest) = request.uri().path().strip_prefix(BASE) else { return not_found() };
    let query = Query::of(request);
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["products"]) => rest::products(state, &query),
        (&Method::GET, ["products", id]) => rest::product(state, id),
        (&Method::GET, ["sales"]) => rest::sales(state, &query),
        (&Method::GET, ["sales", id]) => rest::sale(state, id),
        (&Method::POST, ["inventory"]) => rest::inventory(state, request.body()),
        (&Method::GET, ["inventory", id]) => rest::inventory_of(state, id, &query),
        (&Method::GET, ["outlets"]) => rest::outlets(state, &query),
        (&Method::GET, ["registers"]) => rest::registers(state, &query),
        (&Method::GET, ["retailer"]) => rest::retailer(state),
        (&Method::GET, ["taxes"]) => rest::taxes(state),
        (&Method::GET, ["payment_types"]) => rest::payment_types(state, &query),
        (&Method::GET, ["user"]) => rest::user(state),
        (&Method::GET, ["users"]) => rest::users(state),
        (method, ["webhooks", ..]) => webhooks(state, method, parts.get(1).copied(), request.body()),
        _ => not_found(),
    }
}

/// Query parameters; the last of a name wins.
struct Query(HashMap<String, String>);

impl Query {
    fn of(request: &Request<Bytes>) -> Query {
        let text = request.uri().query().unwrap_or_default();
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }
}

fn webhooks(state: &mut State, method: &Method, id: Option<&str>, body: &[u8]) -> Said {
    let retailer = state.till.retailer_id.clone();
    let show =
        |h: &Hook| json!({"id": h.id, "retailer_id": retailer, "url": h.url, "type": h.kind, "active": h.active});
    let at = id.and_then(|id| state.till.hooks.iter().position(|h| h.id == id));
    match (method, id, at) {
        (&Method::GET, None, _) => {
            (StatusCode::OK, json!({"data": state.till.hooks.iter().map(show).collect::<Vec<_>>()}), Vec::new())
        }
        (&Method::GET, Some(_), Some(at)) => {
            (StatusCode::OK, json!({"data": state.till.hooks.get(at).map(show)}), Vec::new())
        }
        (&Method::DELETE, Some(_), Some(at)) => {
            state.till.hooks.remove(at);
            (StatusCode::NO_CONTENT, Value::Null, Vec::new())
        }
        (&Method::POST, None, _) | (&Method::PUT, Some(_), Some(_)) => {
            let wanted: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
            let (Some(url), Some(kind), Some(active)) =
                (wanted["url"].as_str(), wanted["type"].as_str(), wanted["active"].as_bool())
            else {
                return fail(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "url, type and active are required");
            };
            if !KINDS.contains(&kind) {
                return fail(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "unknown webhook type");
            }
            let taken =
                state.till.hooks.iter().enumerate().any(|(k, h)| Some(k) != at && h.kind == kind && h.url == url);
            if taken {
                let body = json!({"error": "A webhook of this type already exists for this URL"});
                return (StatusCode::CONFLICT, body, Vec::new());
            }
            let status = if at.is_some() { StatusCode::OK } else { StatusCode::CREATED };
            let id = match id {
                Some(id) => id.to_owned(),
                None => text::uuid(&mut state.ids),
            };
            let hook = Hook { id, url: url.into(), kind: kind.into(), active };
            let shown = json!({"data": show(&hook)});
            match at.and_then(|at| state.till.hooks.get_mut(at)) {
                Some(slot) => *slot = hook,
                None => state.till.hooks.push(hook),
            }
            (status, shown, Vec::new())
        }
        _ => not_found(),
    }
}

const KINDS: [&str; 7] = [
    "sale.update",
    "product.update",
    "customer.update",
    "inventory.update",
    "register_closure.create",
    "consignment.send",
    "consignment.receive",
];
