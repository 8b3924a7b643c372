//! The till on the wire as R-Series V3: another vendor's door to the same stores.
//!
//! What is asked, who asks, what it costs and how it is refused stands here; the resources are in [`tables`]. There
//! are no notices. Sign-in and API have one address here and are told apart by their paths.

pub(in crate::sim) mod account;
mod cost;
mod garble;
mod limit;
mod list;
mod master;
pub(in crate::sim) mod numbers;
mod oauth;
mod query;
mod quirks;
mod registers;
mod relate;
mod reports;
mod reserve;
mod sales;
mod shape;
mod show;
mod stocktake;
mod tables;
mod verbs;
mod write_items;
mod write_sales;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_sales;
#[cfg(test)]
mod tests_world;

use super::auditor::Knowledge;
use super::world::State;
use crate::domain::time::Timestamp;
use account::ACCOUNT;
use bytes::Bytes;
pub(in crate::sim) use garble::lose_rows;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use limit::Standing;
pub(in crate::sim) use oauth::signs_in;
use query::Asked;
use serde_json::{Map, Value, json};
use tables::{At, Kind};

/// What is sent back, and what the reader learns by it.
pub(super) type Answered = (Response<Bytes>, Vec<Knowledge>);

type Said = Result<(Value, Vec<Knowledge>), Refusal>;

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: &str) -> Refusal {
        Refusal { status, message: message.to_owned() }
    }

    /// 400: the request makes no sense.
    fn bad(message: &str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }

    /// 422: it makes sense and cannot be.
    fn cannot(message: &str) -> Refusal {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 404: there is no such row.
    fn no_row(kind: Kind, id: &str) -> Refusal {
        let words = format!("Object of type '{}' not found with primary ID '{id}'.", kind.word());
        Refusal::new(StatusCode::NOT_FOUND, &words)
    }

    /// JSON that calls itself a web page.
    fn response(&self) -> Response<Bytes> {
        let body = error_body(self.status, &self.message, "Exception");
        let mut response = json_answer(self.status, &body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
        response
    }
}

fn error_body(status: StatusCode, message: &str, class: &str) -> Value {
    json!({
        "httpCode": status.as_u16().to_string(),
        "httpMessage": status.canonical_reason().unwrap_or_default(),
        "message": message,
        "errorClass": class,
    })
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The vendor broke.
pub(super) fn internal_error() -> Response<Bytes> {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error").response()
}

/// Whether a request reads counts.
pub(super) fn reads_stock(request: &Request<Bytes>) -> bool {
    let item = request.uri().path().contains("/Item") && request.uri().query().is_some_and(|q| q.contains("ItemShops"));
    request.method() == Method::GET && (request.uri().path().contains("/ItemShop") || item)
}

/// Answers one request.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>) -> Answered {
    if request.uri().path().starts_with("/auth/") {
        return oauth::answer(state, request);
    }
    let scopes = match oauth::bearer(state, request) {
        Ok(scopes) => scopes,
        Err(hint) => return (oauth::denied(hint), Vec::new()),
    };
    let path = request.uri().path().trim_end_matches('/');
    let own = format!("/API/V3/Account/{ACCOUNT}/");
    let rest = path.strip_prefix(&own).and_then(|rest| rest.strip_suffix(".json")).unwrap_or_default();
    let parts: Vec<&str> = rest.split('/').collect();
    let (asked, wrong) = match Asked::of(request) {
        Ok(asked) => (asked, None),
        Err(refusal) => (Asked::default(), Some(refusal)),
    };
    let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    let cost = cost::cost(request.method(), &parts, &asked, &body);
    let (registers, enforced, now) = (state.till.registers.len(), state.options.limits_on, state.now);
    let standing = state.r.bucket.call(registers, cost, enforced, now);
    if standing.refused.is_some() {
        return (refused(&standing, &state.options.till_client), Vec::new());
    }
    let said = match (wrong, path) {
        (Some(refusal), _) => Err(refusal),
        (None, "/API/Session.json") => Ok((master::session(&scopes), Vec::new())),
        (None, "/API/V3/Account.json") => Ok((master::account(), Vec::new())),
        _ => route(state, request, &scopes, &parts, &asked, &body),
    };
    let (mut response, knowledge) = match said {
        Ok((body, knowledge)) => (json_answer(StatusCode::OK, &body), knowledge),
        Err(refusal) => (refusal.response(), Vec::new()),
    };
    limit_headers(response.headers_mut(), &standing, &state.options.till_client);
    if response.status() == StatusCode::OK && reads_stock(request) {
        state.r_given(&response);
    }
    (response, knowledge)
}

/// The refusal of a rate rule, also used when a burst is injected.
pub(super) fn too_many(state: &mut State, until: Timestamp) -> Response<Bytes> {
    let (registers, now) = (state.till.registers.len(), state.now);
    let wait = (until.since(now).0 + 999_999).div_euclid(1_000_000).max(1);
    let standing = state.r.bucket.overfull(registers, now, wait);
    refused(&standing, &state.options.till_client)
}

fn refused(standing: &Standing, client: &str) -> Response<Bytes> {
    let message = match standing.refused {
        Some((limit::Rule::Burst, _)) => "burst rate limit exceeded",
        _ => "Rate Limit Exceeded",
    };
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = json_answer(status, &error_body(status, message, "Exception"));
    limit_headers(response.headers_mut(), standing, client);
    response
}

fn limit_headers(headers: &mut HeaderMap, standing: &Standing, client: &str) {
    let mut put = |name: &'static str, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-ls-acct-id", ACCOUNT.to_owned());
    put("x-ls-oauth-client-id", client.to_owned());
    put("x-ls-api-bucket-level", standing.bucket());
    put("x-ls-api-burst-level", standing.burst());
    put("x-ls-api-drip-rate", shape::decimal(standing.drip, 6));
    put("x-ls-api-request-cost", shape::decimal(standing.cost, 6));
    if let Some((rule, wait)) = standing.refused {
        put("x-ls-api-ratelimit-type", rule.word().to_owned());
        put("retry-after", wait.to_string());
    }
}

/// Whether a token may do this: any of these words of its scopes is enough.
fn may(scopes: &str, method: &Method, parts: &[&str]) -> bool {
    let reads = method == Method::GET;
    let enough: &[&str] = match (parts, reads) {
        (["InventoryLog", ..], _) => &["inventory_log", "all_read"],
        (["Item" | "ItemMatrix" | "ItemShop" | "ItemAttributeSet", ..], true) => &["inventory", "inventory_read"],
        (["Item" | "ItemMatrix" | "ItemShop", ..], false) => &["inventory", "product_edit"],
        (["Sale", _, "refund"], _) => &["register_refund"],
        (["Register", _, "open"], _) => &["register_open"],
        (["Register", _, "close"], _) => &["register_close"],
        (["SaleLine", ..], false) => &["register", "register_layaway", "special_orders"],
        (["SpecialOrder", ..], _) => &["special_orders", "register", "register_read"],
        (["Sale" | "SaleLine" | "SalePayment" | "SaleVoid" | "Register" | "RegisterCount", ..], true)
        | (["RegisterCountAmount" | "RegisterWithdraw", ..], true) => &["register", "register_read"],
        (["Sale" | "Register" | "RegisterWithdraw", ..], false) => &["register"],
        (["Customer", ..], _) => &["customers"],
        (["Reports", ..], _) => &["reports"],
        (["InventoryCount" | "InventoryCountItem" | "InventoryCountReconcile"], _) => &["inventory_counts"],
        _ => return true,
    };
    let word = |scope: &str| scope.trim_start_matches("employee:").to_owned();
    scopes.split_whitespace().map(word).any(|scope| scope == "all" || enough.contains(&scope.as_str()))
}

fn route(
    state: &mut State,
    request: &Request<Bytes>,
    scopes: &str,
    parts: &[&str],
    asked: &Asked,
    body: &Value,
) -> Said {
    let method = request.method();
    let stands_alone =
        matches!(parts, ["Reports", ..] | ["InventoryCount" | "InventoryCountItem" | "InventoryCountReconcile"]);
    let kind = parts.first().and_then(|word| Kind::of(word));
    if kind.is_none() && !stands_alone {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Invalid API path or wrong account"));
    }
    if !may(scopes, method, parts) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "The access token lacks the scope for this request"));
    }
    let writes = method != Method::GET;
    if writes && method != Method::DELETE && !body.is_object() {
        return Err(Refusal::bad("The body must be a JSON object"));
    }
    if writes && std::mem::take(&mut state.r.conflict) {
        let words = "The record was changed by somebody else at the same time";
        return Err(Refusal::new(StatusCode::CONFLICT, words));
    }
    match (method, parts) {
        (&Method::GET, ["Reports", "Accounting", name]) => reports::accounting(state, name, request),
        (&Method::GET, ["Register", id, "calculated"]) => registers::calculated(state, id),
        (&Method::POST, ["Register", id, "open"]) => registers::open(state, id, body),
        (&Method::POST, ["Register", id, "close"]) => registers::close(state, id, body),
        (&Method::POST, ["InventoryCount"]) => stocktake::begin(state, body),
        (&Method::POST, ["InventoryCountItem"]) => stocktake::count(state, body),
        (&Method::POST, ["InventoryCountReconcile"]) => stocktake::reconcile(state, body),
        (&Method::POST, ["RegisterWithdraw"]) => registers::withdraw(state, body),
        (&Method::POST, ["Sale", id, "refund"]) => write_sales::refund(state, id, body, asked),
        (&Method::POST, ["Sale"]) => write_sales::create(state, body, asked),
        (&Method::POST, ["Sale", id, "SaleLine"]) => write_sales::add_line(state, id, body, asked),
        (&Method::GET, ["Sale", id, "SaleLine"]) => {
            let mut asked = asked.clone();
            asked.tests.push(query::Test::is("saleID", id));
            list::list(state, Kind::SaleLine, &asked, &address(request))
        }
        (&Method::PUT, ["Sale", id]) => write_sales::change(state, id, body, asked),
        (&Method::DELETE, ["Sale", id]) => write_sales::archive(state, id, asked),
        (&Method::POST, ["SaleLine"]) => reserve::create(state, body, asked),
        (&Method::PUT, ["SaleLine", id]) => reserve::change(state, id, body, asked),
        (&Method::DELETE, ["SaleLine", id]) => reserve::give_up(state, id, asked),
        (&Method::POST, ["Item"]) => write_items::create(state, body),
        (&Method::PUT, ["Item", id]) => write_items::change(state, id, body),
        (&Method::DELETE, ["Item", id]) => write_items::archive(state, id),
        (&Method::PUT, ["ItemShop", id]) => write_items::reorder(state, id, body),
        (&Method::POST, ["ItemMatrix"]) => write_items::create_matrix(state, body),
        (&Method::PUT, ["ItemMatrix", id]) => write_items::change_matrix(state, id, body),
        (&Method::DELETE, ["ItemMatrix", id]) => write_items::archive_matrix(state, id),
        (&Method::POST, ["Customer"]) => registers::customer(state, None, body),
        (&Method::PUT, ["Customer", id]) => registers::customer(state, Some(id), body),
        (&Method::GET, [_]) => match kind {
            Some(kind) => list::list(state, kind, asked, &address(request)),
            None => Err(Refusal::new(StatusCode::NOT_FOUND, "Invalid API path")),
        },
        (&Method::GET, [_, id]) => match kind {
            Some(kind) => one(state, kind, id, asked),
            None => Err(Refusal::new(StatusCode::NOT_FOUND, "Invalid API path")),
        },
        (&Method::GET, _) => Err(Refusal::new(StatusCode::NOT_FOUND, "Invalid API path")),
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this resource")),
    }
}

/// The place of the row with this id.
fn find(state: &State, kind: Kind, id: &str) -> Result<At, Refusal> {
    let none = || Refusal::no_row(kind, id);
    let number: i64 = id.parse().map_err(|_| none())?;
    if kind == Kind::SaleLine {
        return sales::find_line(state, number).ok_or_else(none);
    }
    kind.rows(state).into_iter().find(|at| kind.id(state, *at) == number).ok_or_else(none)
}

/// One row, named by its id, whether archived or not.
fn one(state: &State, kind: Kind, id: &str, asked: &Asked) -> Said {
    let at = find(state, kind, id)?;
    relate::known(kind, &asked.relations)?;
    let knowledge = list::learned(state, kind, at, asked.relations.has("SaleLines"), asked);
    let mut body = Map::new();
    body.insert("@attributes".into(), json!({}));
    body.insert(kind.word().into(), relate::full(state, kind, at, &asked.relations));
    Ok((Value::Object(body), knowledge))
}

/// A row that was written, as the answer shows it. What it says of counts the writer has learned.
fn written(state: &State, kind: Kind, at: At, relations: &[&str], asked: &Asked) -> Said {
    let mut asked = asked.clone();
    for name in relations {
        asked.relations.named.entry((*name).to_owned()).or_default();
    }
    relate::known(kind, &asked.relations)?;
    let knowledge = list::learned(state, kind, at, asked.relations.has("SaleLines"), &asked);
    let mut body = Map::new();
    body.insert("@attributes".into(), json!({}));
    body.insert(kind.word().into(), relate::full(state, kind, at, &asked.relations));
    Ok((Value::Object(body), knowledge))
}

/// The address of a list as its caller knows it, without its query.
fn address(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match (uri.scheme_str(), uri.authority(), host) {
        (Some(scheme), Some(authority), _) => format!("{scheme}://{authority}{}", uri.path()),
        (_, _, Some(host)) => format!("http://{host}{}", uri.path()),
        _ => format!("https://api.lightspeedapp.com{}", uri.path()),
    }
}
