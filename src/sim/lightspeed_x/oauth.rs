//! Signing in: a page that sends a code back, access tokens that live a day, and a refresh token with every use.
//!
//! A personal token (the one that the world begins with) lives until its refresh token is used.

use super::super::options::Options;
use super::super::text;
use super::super::world::{State, World};
use super::{Answered, json_response};
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use std::collections::HashMap;

/// How long a code can be exchanged; the papers do not say.
const CODE_LIVES: Span = Span::minutes(10);
/// How long an access token lives.
const TOKEN_LIVES: Span = Span::hours(24);
/// Calls of the token endpoint within a minute.
const MOST_CALLS: u32 = 10;

/// One access token with its refresh token.
#[derive(Debug, Clone)]
struct Pair {
    access: String,
    refresh: String,
    scopes: String,
    /// None lives for ever.
    until: Option<Timestamp>,
    revoked: bool,
    refresh_dead: bool,
}

#[derive(Debug, Clone)]
struct Code {
    until: Timestamp,
    scopes: String,
    back: String,
}

/// Everything that was ever given out.
#[derive(Debug)]
pub(super) struct Keys {
    pairs: Vec<Pair>,
    codes: HashMap<String, Code>,
    /// The minute that is counted and the calls in it.
    window: (i64, u32),
}

impl Keys {
    pub fn open(options: &Options) -> Keys {
        let first = Pair {
            access: options.till_token.clone(),
            refresh: options.till_refresh_token.clone(),
            scopes: options.till_scopes.clone(),
            until: None,
            revoked: false,
            refresh_dead: false,
        };
        Keys { pairs: vec![first], codes: HashMap::new(), window: (0, 0) }
    }
}

/// The scopes of the token that a request carries, if it is good.
pub(super) fn bearer(state: &State, request: &Request<Bytes>) -> Option<String> {
    let given = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let pair = state.x.keys.pairs.iter().find(|pair| pair.access == given)?;
    let lives = !pair.revoked && pair.until.is_none_or(|until| state.now < until);
    lives.then(|| pair.scopes.clone())
}

/// Whether a request asks for a token.
pub(in crate::sim) fn signs_in(request: &Request<Bytes>) -> bool {
    request.uri().path().trim_end_matches('/') == "/api/1.0/token"
}

/// Answers the sign-in page and the token endpoint; nothing where it is neither.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>) -> Option<Answered> {
    if signs_in(request) {
        let mut response = token(state, request);
        let (minute, used) = state.x.keys.window;
        put(response.headers_mut(), "x-ratelimit-limit", i64::from(MOST_CALLS));
        put(response.headers_mut(), "x-ratelimit-remaining", i64::from(MOST_CALLS.saturating_sub(used)));
        put(response.headers_mut(), "x-ratelimit-reset", (minute + 1) * 60);
        return Some((response, Vec::new()));
    }
    (request.uri().path() == "/connect").then(|| (authorize(state, request), Vec::new()))
}

fn put(headers: &mut HeaderMap, name: &'static str, number: i64) {
    headers.insert(name, HeaderValue::from(number));
}

fn error(status: StatusCode, word: &str, description: &str) -> Response<Bytes> {
    json_response(status, &json!({"error": word, "error_description": description}))
}

fn token(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let minute = state.now.secs().div_euclid(60);
    let window = &mut state.x.keys.window;
    if window.0 != minute {
        *window = (minute, 0);
    }
    if window.1 >= MOST_CALLS && state.options.limits_on {
        return super::too_many(Timestamp::from_secs((minute + 1) * 60));
    }
    window.1 = window.1.saturating_add(1);
    if request.method() != Method::POST {
        return error(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "The token endpoint takes POST");
    }
    let fields: HashMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    if field("client_id") != state.options.till_client || field("client_secret") != state.options.till_secret {
        return error(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed");
    }
    let (now, once) = (state.now, state.x.switches.refresh_once);
    let keys = &mut state.x.keys;
    let granted = match field("grant_type") {
        "authorization_code" => {
            let code = keys.codes.remove(field("code"));
            code.filter(|code| now < code.until && code.back == field("redirect_uri")).map(|code| code.scopes)
        }
        "refresh_token" => {
            let given = field("refresh_token");
            let pair = keys.pairs.iter_mut().find(|pair| pair.refresh == given && !pair.refresh_dead);
            pair.map(|pair| {
                pair.refresh_dead = once;
                pair.scopes.clone()
            })
        }
        _ => return error(StatusCode::BAD_REQUEST, "unsupported_grant_type", "The grant type is not supported"),
    };
    let Some(scopes) = granted else {
        return error(StatusCode::BAD_REQUEST, "invalid_grant", "The code or refresh token is not valid");
    };
    // Every access token before the new one is dead from now on.
    for pair in &mut keys.pairs {
        pair.revoked = true;
    }
    let access = format!("lsxs_at_{}{}", text::hex32(&mut state.x.chance), text::hex32(&mut state.x.chance));
    let refresh = format!("lsxs_rt_{}{}", text::hex32(&mut state.x.chance), text::hex32(&mut state.x.chance));
    let until = now + TOKEN_LIVES;
    let body = json!({
        "access_token": access, "token_type": "Bearer", "expires": until.secs(), "expires_in": 86_400,
        "refresh_token": refresh, "domain_prefix": state.till.domain_prefix, "scope": scopes,
    });
    let pair = Pair { access, refresh, scopes, until: Some(until), revoked: false, refresh_dead: false };
    state.x.keys.pairs.push(pair);
    json_response(StatusCode::OK, &body)
}

/// A person looks at the page and allows at once; the browser goes back where the application said.
fn authorize(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let query = request.uri().query().unwrap_or_default();
    let words: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let word = |name: &str| words.get(name).map_or("", String::as_str);
    let back = word("redirect_uri");
    if word("response_type") != "code" || word("client_id") != state.options.till_client || back.is_empty() {
        return error(StatusCode::BAD_REQUEST, "invalid_request", "The request is missing a required parameter");
    }
    let mut fields = form_urlencoded::Serializer::new(String::new());
    if word("scope").trim().is_empty() {
        // New connections must say what they want.
        fields.append_pair("error", "access_denied");
    } else {
        let code = state.x_authorize(word("scope"), back);
        fields.append_pair("code", &code).append_pair("domain_prefix", &state.till.domain_prefix);
        fields.append_pair("scope", word("scope"));
    }
    fields.append_pair("state", word("state"));
    let joint = if back.contains('?') { '&' } else { '?' };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    match HeaderValue::from_str(&format!("{back}{joint}{}", fields.finish())) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            response
        }
        Err(_) => error(StatusCode::BAD_REQUEST, "invalid_request", "redirect_uri is no address"),
    }
}

impl State {
    fn x_authorize(&mut self, scopes: &str, back: &str) -> String {
        let code = text::hex32(&mut self.x.chance);
        let until = self.now + CODE_LIVES;
        self.x.keys.codes.insert(code.clone(), Code { until, scopes: scopes.to_owned(), back: back.to_owned() });
        code
    }
}

impl World {
    /// A person allows our application to use the till as X-Series: the code that their browser brings back to
    /// `redirect`. `scopes` are space separated.
    pub fn authorize_x(&self, scopes: &str, redirect: &str) -> String {
        self.lock().x_authorize(scopes, redirect)
    }
}

/// What a call needs; none of a call that any token may make.
pub(super) fn scopes(method: &Method, parts: &[&str]) -> &'static [&'static str] {
    let reads = method == Method::GET;
    match (parts, reads) {
        (["products" | "variant_attributes", ..], true) => &["products:read"],
        (["products" | "variant_attributes", ..], false) => &["products:write"],
        // Reading adjustments is guarded as writing them.
        (["stock_adjustments" | "custom_inventory_adjustment_reasons", ..], _)
        | (["inventory", "reorder_points"], _) => &["inventory:write"],
        (["inventory" | "inventory_levels", ..], _) => &["inventory:read"],
        (["sales", _, "actions", "return"], _) => &["sales:write", "users:read"],
        (["sales" | "search", ..], true) => &["sales:read"],
        (["sales" | "register_sales", ..], _) => &["sales:write"],
        (["fulfillments", ..], true) => &["fulfillments:read"],
        // The papers name no scope for handing over.
        (["fulfillments", ..], false) => &["sales:write"],
        (["customers", ..], true) => &["customers:read"],
        (["customers", ..], false) => &["customers:write"],
        (["outlets", ..], _) => &["outlets:read"],
        (["registers", _, "payments_summary"], _) => &["payments:read"],
        (["registers", _, "actions", "open"], _) => &["register:open"],
        (["registers", _, "actions", "close"], _) => &["register:close", "payment_types:read"],
        (["registers", ..], _) => &["registers:read"],
        (["payment_types", ..], _) => &["payment_types:read"],
        (["taxes", ..], _) => &["taxes:read"],
        (["user" | "users", ..], _) => &["users:read"],
        (["retailer"], _) => &["retailer:read"],
        (["webhooks", ..], _) => &["webhooks"],
        _ => &[],
    }
}

/// The first scope that a token lacks for a call.
pub(super) fn lacking(own: &str, method: &Method, parts: &[&str]) -> Option<&'static str> {
    let has = |wanted: &str| own.split_whitespace().any(|word| word == "all" || word == wanted);
    scopes(method, parts).iter().copied().find(|wanted| !has(wanted))
}

/// The refusal of a token that may do something else.
pub(super) fn forbidden(scope: &str) -> (StatusCode, Value) {
    let message = format!("The access token lacks the scope {scope}");
    (StatusCode::FORBIDDEN, json!({"error": "Forbidden", "message": message}))
}
