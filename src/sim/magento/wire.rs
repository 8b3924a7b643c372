//! One request and its answer: faults first, then address, method, route, right, body, service, and how it is printed.

use super::Account;
use super::error::{JSON, Wrong, plain};
use super::fields;
use super::input::{self, Call, Scope};
use super::routes;
use super::switches::Fault;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use serde_json::{Map, Value};

/// What is sent when all went well.
type Answered = Result<(StatusCode, Value), Wrong>;

/// How a request is addressed below `/rest`.
struct Address<'a> {
    scope: Scope,
    later: bool,
    bulk: bool,
    path: &'a str,
}

impl Account {
    /// Answers one request.
    pub fn answer(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let now = self.clock(now);
        let fault = self.switches.coming.pop_front();
        let answered = match self.out_of_order(request).or_else(|| fault.and_then(refused)) {
            Some(wrong) => Err(wrong),
            None => self.respond(request, now),
        };
        let answered = if fault == Some(Fault::AnswerLost) { Err(error_page()) } else { answered };
        match answered {
            Err(wrong) => wrong.response(self.switches.developer_mode),
            Ok((status, value)) => print(request.headers(), status, &value),
        }
    }

    /// Whether the shop, or the server before it, does not get to the request at all.
    fn out_of_order(&self, request: &Request<Bytes>) -> Option<Wrong> {
        if self.switches.maintenance {
            let (title, text) = ("Error 503: Service Unavailable", "Service Temporarily Unavailable");
            return Some(Wrong::page(StatusCode::SERVICE_UNAVAILABLE, title, text));
        }
        if self.switches.database_down {
            return Some(Wrong::fatal());
        }
        let escaped = request.uri().path().to_lowercase().contains("%2f");
        (self.switches.slash_refused && escaped)
            .then(|| Wrong::page(StatusCode::NOT_FOUND, "404 Not Found", "The requested URL was not found"))
    }

    fn respond(&mut self, request: &Request<Bytes>, now: Timestamp) -> Answered {
        let method = request.method().as_str();
        if !["GET", "POST", "PUT", "DELETE"].contains(&method) {
            let text = format!("The {method} HTTP method is not supported.");
            return Err(Wrong::new(StatusCode::METHOD_NOT_ALLOWED, text));
        }
        let address = self.address(request.uri().path())?;
        if address.later && method == "GET" {
            return Err(not_processed());
        }
        let found = routes::find(method, address.path, address.bulk);
        let found = found.ok_or_else(|| Wrong::missing("Request does not match any route."))?;
        self.authorize(request, found.route.resource, now)?;
        let query = input::tree(request.uri().query().unwrap_or_default());
        let shown = input::words(&query, "fields");
        let body = if method == "GET" { Value::Object(Map::new()) } else { body(request)? };
        let call = Call { params: found.params.clone(), query, body, scope: address.scope, now };
        if address.later {
            return self.take_later(&found, call, address.bulk).map(|taken| (StatusCode::ACCEPTED, taken));
        }
        let value = (found.route.run)(self, &call)?;
        Ok((
            StatusCode::OK,
            match shown {
                Some(shown) => fields::cut(value, &shown),
                None => value,
            },
        ))
    }

    /// `/rest[/<store>][/async[/bulk]]/V1/…`.
    fn address<'a>(&self, path: &'a str) -> Result<Address<'a>, Wrong> {
        let no_route = || Wrong::missing("Request does not match any route.");
        let rest = path.strip_prefix("/rest/").ok_or_else(no_route)?;
        let (first, after) = rest.split_once('/').ok_or_else(no_route)?;
        let (scope, rest) = match first {
            "V1" | "async" => (Scope::View, rest),
            "all" => (Scope::All, after),
            code if self.has_view(code) => (Scope::View, after),
            _ => return Err(not_processed()),
        };
        let (later, rest) = rest.strip_prefix("async/").map_or((false, rest), |rest| (true, rest));
        let (bulk, rest) = match rest.strip_prefix("bulk/").filter(|_| later) {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let path = rest.strip_prefix("V1/").ok_or_else(no_route)?;
        Ok(Address { scope, later, bulk, path })
    }
}

fn refused(fault: Fault) -> Option<Wrong> {
    match fault {
        Fault::Unauthorized => {
            let text = "The consumer isn't authorized to access %resources.";
            let resource = serde_json::json!({"resources": "Magento_Backend::all"});
            Some(Wrong::unauthorized(text).with(resource))
        }
        Fault::Deadlock => Some(Wrong::bad("Database deadlock found when trying to get lock")),
        Fault::TooMany => {
            let (title, text) = ("429 Too Many Requests", "Too Many Requests");
            Some(Wrong::page(StatusCode::TOO_MANY_REQUESTS, title, text))
        }
        Fault::Internal => Some(Wrong::internal()),
        Fault::AnswerLost => None,
    }
}

fn not_processed() -> Wrong {
    Wrong::bad("Specified request cannot be processed.")
}

fn error_page() -> Wrong {
    let text = "There has been an error processing your request";
    Wrong::page(StatusCode::INTERNAL_SERVER_ERROR, text, text)
}

/// What was sent. Nothing, a bare scalar and null are an empty object; only then are parameters missed.
fn body(request: &Request<Bytes>) -> Result<Value, Wrong> {
    let empty = Value::Object(Map::new());
    if request.body().is_empty() {
        return Ok(empty);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.is_empty() {
        return Err(Wrong::bad("Content-Type header is empty."));
    }
    let (kind, charset) = kind.split_once(';').unwrap_or((kind, ""));
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        let text = format!("Server cannot understand Content-Type HTTP header media type {}", kind.trim());
        return Err(Wrong::bad(text));
    }
    let charset = charset.trim().to_lowercase().replace('"', "");
    if !charset.is_empty() && charset != "charset=utf-8" {
        return Err(Wrong::bad("UTF-8 is the only supported charset."));
    }
    let value: Value = serde_json::from_slice(request.body()).map_err(|_| Wrong::bad("Decoding error."))?;
    Ok(if value.is_object() || value.is_array() { value } else { empty })
}

/// JSON, or XML for whoever asks for it; anything else is an error page.
fn print(headers: &HeaderMap, status: StatusCode, value: &Value) -> Response<Bytes> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    if accept.contains("application/json") || accept.contains("*/*") {
        return plain(status, JSON, &value.to_string());
    }
    if accept.contains("xml") {
        let mut out = String::from("<?xml version=\"1.0\"?>\n<response>\n");
        xml(&mut out, value, 1);
        out.push_str("</response>\n");
        return plain(status, "application/xml; charset=utf-8", &out);
    }
    error_page().response(false)
}

fn xml(out: &mut String, value: &Value, depth: usize) {
    let blank = "  ".repeat(depth);
    let mut each = |name: &str, inner: &Value| {
        if inner.is_object() || inner.is_array() {
            out.push_str(&format!("{blank}<{name}>\n"));
            xml(out, inner, depth + 1);
            out.push_str(&format!("{blank}</{name}>\n"));
        } else {
            let text = input::text(inner).unwrap_or_default();
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            out.push_str(&format!("{blank}<{name}>{text}</{name}>\n"));
        }
    };
    match value {
        Value::Array(list) => list.iter().for_each(|inner| each("item", inner)),
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| each(name, inner)),
        other => out.push_str(&format!("{blank}{}\n", input::text(other).unwrap_or_default())),
    }
}
