//! The till on the wire, dated version 2026-07: what is asked, who asks, and how it is refused.
//!
//! Unknown paths are 404, a missing or wrong bearer is 401, a scope that is not there 403, a call without
//! `User-Agent` 400. Sign-in page, token endpoint and API have one address here and are told apart by their paths.

pub(in crate::sim) mod account;
mod customers;
mod fulfil;
pub(in crate::sim) mod hooks;
pub(in crate::sim) mod limit;
mod oauth;
mod parse;
mod products;
mod registers;
mod rest;
mod stock;
pub(in crate::sim) mod switches;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_write;
mod webhooks;
mod write_sales;

use super::auditor::Knowledge;
use super::text;
use super::world::State;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The dated versions that are served. An older one is served by the oldest of them, and nobody is told.
const SUPPORTED: [&str; 4] = ["2026-01", "2026-04", "2026-07", "2026-10"];
/// From here on products are made and read in another way.
const NEW_PRODUCTS: &str = "2026-10";

pub(in crate::sim) use oauth::signs_in;

/// What is sent back, and what the reader learns by it.
pub(super) type Answered = (Response<Bytes>, Vec<Knowledge>);

type Said = (StatusCode, Value, Vec<Knowledge>);

/// Answers one request.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>) -> Answered {
    if let Some(answered) = oauth::answer(state, request) {
        return answered;
    }
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
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
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

fn not_allowed() -> Said {
    fail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", "The method is not allowed for this resource")
}

/// The version by which a path is served, and what is asked for. 0.9 has no version in its paths.
fn version(path: &str) -> Option<(&'static str, &str)> {
    let rest = path.strip_prefix("/api/")?;
    let (word, resource) = rest.split_once('/').unwrap_or((rest, ""));
    if ["register_sales", "register_sales/"].contains(&rest) {
        return Some(("0.9", "register_sales"));
    }
    if word == "2.0" {
        return Some(("2.0", resource));
    }
    let (year, month) = word.split_once('-')?;
    let dated = year.len() == 4 && month.len() == 2 && [year, month].concat().bytes().all(|b| b.is_ascii_digit());
    let served = SUPPORTED.into_iter().rev().find(|own| *own <= word).or(SUPPORTED.first().copied());
    let known = SUPPORTED.last().is_some_and(|newest| word <= *newest);
    served.filter(|_| dated && known).map(|served| (served, resource))
}

fn route(state: &mut State, request: &Request<Bytes>) -> Said {
    let Some(own) = oauth::bearer(state, request) else {
        return fail(StatusCode::UNAUTHORIZED, "Unauthorized", "The access token is missing or not valid");
    };
    if request.headers().get(header::USER_AGENT).is_none_or(HeaderValue::is_empty) {
        return fail(StatusCode::BAD_REQUEST, "Bad Request", "A User-Agent header is required");
    }
    let Some((version, rest)) = version(request.uri().path()) else { return not_found() };
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    if let Some(scope) = oauth::lacking(&own, request.method(), &parts) {
        let (status, body) = oauth::forbidden(scope);
        return (status, body, Vec::new());
    }
    let query = Query::of(request);
    if request.method() == Method::GET || request.method() == Method::DELETE {
        return read(state, request.method(), &parts, &query);
    }
    match (request.method(), parts.as_slice()) {
        (&Method::POST, ["inventory"]) => return rest::inventory(state, request.body()),
        (&Method::POST, ["inventory", "reorder_points"]) => return stock::reorder(state, request.body()),
        (_, ["webhooks", ..]) => {
            return webhooks::answer(state, request.method(), parts.get(1).copied(), request.body());
        }
        // The verb of a return has changed with the dated versions.
        (&Method::POST, ["sales", id, "actions", "return"]) if version != "2.0" => {
            return write_sales::give_back(state, id);
        }
        (&Method::PUT, ["sales", id, "actions", "return"]) if version == "2.0" => {
            return write_sales::give_back(state, id);
        }
        _ => {}
    }
    match parse::object(request.body()) {
        Ok(body) => write(state, request.method(), version, &parts, &body),
        Err(_) if !is_known(&parts) => not_found(),
        Err(refusal) => refusal,
    }
}

fn read(state: &mut State, method: &Method, parts: &[&str], query: &Query) -> Said {
    if method == Method::DELETE {
        return match parts {
            ["products", id] => products::delete(state, id, false),
            ["products", id, "all"] => products::delete(state, id, true),
            ["customers", id] => customers::change(state, id, None),
            ["webhooks", ..] => webhooks::answer(state, method, parts.get(1).copied(), &[]),
            _ if is_known(parts) => not_allowed(),
            _ => not_found(),
        };
    }
    match parts {
        ["products"] => rest::products(state, query),
        ["products", id] => rest::product(state, id),
        ["variant_attributes"] => products::attributes(state),
        ["sales"] => rest::sales(state, query),
        ["sales", id] => rest::sale(state, id),
        ["search"] => write_sales::search(state, query),
        ["inventory", id] => rest::inventory_of(state, id, query),
        ["inventory_levels", id] => stock::levels_of(state, id),
        ["stock_adjustments"] => stock::adjustments(state, query),
        ["custom_inventory_adjustment_reasons"] => stock::reasons(state, query),
        ["fulfillments"] => fulfil::list(state, query),
        ["fulfillments", id, "history"] => fulfil::history(state, id, query),
        ["outlets"] => rest::outlets(state, query),
        ["outlets", id] => rest::outlet(state, id),
        ["registers"] => rest::registers(state, query),
        ["registers", id] => registers::one(state, id),
        ["registers", id, "payments_summary"] => registers::summary(state, id),
        ["customers"] => customers::list(state, query),
        ["customers", id] => customers::one(state, id),
        ["retailer"] => rest::retailer(state),
        ["taxes"] => rest::taxes(state),
        ["taxes", id] => rest::tax(state, id),
        ["payment_types"] => rest::payment_types(state, query),
        ["user"] => rest::user(state),
        ["users"] => rest::users(state),
        ["webhooks", ..] => webhooks::answer(state, method, parts.get(1).copied(), &[]),
        _ if is_known(parts) => not_allowed(),
        _ => not_found(),
    }
}

fn write(state: &mut State, method: &Method, version: &str, parts: &[&str], body: &Value) -> Said {
    match (method, parts) {
        (&Method::POST, ["register_sales"]) => write_sales::register_sale(state, body),
        (&Method::POST, ["sales"]) => write_sales::create(state, body),
        (&Method::PUT, ["sales", id]) => write_sales::change(state, id, body),
        (&Method::POST, ["products"]) if version == NEW_PRODUCTS && !body["codes"].is_array() => {
            parse::cannot("codes is required")
        }
        (&Method::POST, ["products"]) => products::create(state, body),
        (&Method::PUT, ["products", id]) => products::change(state, id, body),
        (&Method::POST, ["variant_attributes"]) => products::create_attribute(state, body),
        (&Method::POST, ["inventory_levels"]) => stock::levels(state, body),
        (&Method::POST, ["stock_adjustments"]) => stock::adjust(state, body),
        (&Method::POST, ["custom_inventory_adjustment_reasons"]) => stock::create_reason(state, body),
        (&Method::PUT, ["custom_inventory_adjustment_reasons", id]) => stock::change_reason(state, id, body),
        (&Method::POST, ["fulfillments", "fulfill"]) => fulfil::whole(state, body),
        (&Method::POST, ["fulfillments", id, step]) => match fulfil::Step::parse(step) {
            Some(step) => fulfil::advance(state, id, step, body),
            None => not_found(),
        },
        (&Method::PUT, ["registers", id, "actions", "open"]) => registers::open(state, id, body),
        (&Method::PUT, ["registers", id, "actions", "close"]) => registers::close(state, id, body),
        (&Method::POST, ["customers"]) => customers::create(state, body),
        (&Method::PUT, ["customers", id]) => customers::change(state, id, Some(body)),
        _ if is_known(parts) => not_allowed(),
        _ => not_found(),
    }
}

/// Whether a path leads anywhere with some method.
fn is_known(parts: &[&str]) -> bool {
    const LISTS: [&str; 17] = [
        "sales",
        "search",
        "register_sales",
        "products",
        "variant_attributes",
        "inventory",
        "inventory_levels",
        "stock_adjustments",
        "custom_inventory_adjustment_reasons",
        "fulfillments",
        "registers",
        "outlets",
        "taxes",
        "payment_types",
        "customers",
        "webhooks",
        "retailer",
    ];
    match parts {
        ["user" | "users"] => true,
        ["sales", _, "actions", "return"] | ["registers", _, "actions", "open" | "close"] => true,
        ["registers", _, "payments_summary"] | ["products", _, "all"] => true,
        ["fulfillments", _, "pick" | "pack" | "fulfill" | "history"] => true,
        [list] | [list, _] => LISTS.contains(list),
        _ => false,
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

    fn size(&self, name: &str, otherwise: usize) -> usize {
        self.number(name).and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise)
    }

    /// Rows to skip and rows to give, by offset.
    fn span(&self, otherwise: usize, most: usize) -> (usize, usize) {
        (self.size("offset", 0), self.size("page_size", otherwise).clamp(1, most))
    }

    /// Rows to skip and rows to give, by the number of a page that begins with one.
    fn pages(&self, otherwise: usize, most: usize) -> (usize, usize) {
        let size = self.size("page_size", otherwise).clamp(1, most);
        (self.size("page_number", 1).saturating_sub(1).saturating_mul(size), size)
    }
}
