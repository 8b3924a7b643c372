//! Signing in: codes that live a minute, access tokens that live an hour, and a refresh token that is replaced with
//! every use and dies only when what replaced it is first used.

use super::super::auditor::Knowledge;
use super::super::options::Options;
use super::super::world::{State, World};
use super::account::ACCOUNT;
use super::{Answered, json_answer};
use crate::domain::time::{Span, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use rand::RngCore;
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// How long a code can be exchanged.
const CODE_LIVES: Span = Span::secs(60);
/// How long a refresh token can lie unused.
const REFRESH_LIVES: Span = Span::hours(24 * 30);
/// Refreshes within a minute.
const MOST_REFRESHES: usize = 5;

/// One access token with its refresh token.
#[derive(Debug, Clone)]
struct Pair {
    access: String,
    refresh: String,
    scopes: String,
    issued: Timestamp,
    until: Timestamp,
    revoked: bool,
    refresh_dead: bool,
    used: bool,
}

#[derive(Debug, Clone)]
struct Code {
    until: Timestamp,
    scopes: String,
    challenge: Option<String>,
}

/// Everything that was ever given out.
#[derive(Debug)]
pub(super) struct Keys {
    pairs: Vec<Pair>,
    codes: HashMap<String, Code>,
    refreshes: VecDeque<Timestamp>,
}

impl Keys {
    pub fn open(options: &Options) -> Keys {
        let first = Pair {
            access: options.till_token.clone(),
            refresh: options.till_refresh_token.clone(),
            scopes: options.till_scopes.clone(),
            issued: options.start,
            until: options.start + options.till_token_lasts,
            revoked: false,
            refresh_dead: false,
            used: false,
        };
        Keys { pairs: vec![first], codes: HashMap::new(), refreshes: VecDeque::new() }
    }

    /// A new pair. Every access token before it is revoked at once; the refresh tokens before it live on until it is
    /// first used.
    fn give(&mut self, chance: &mut ChaCha12Rng, scopes: &str, lasts: Span, now: Timestamp) -> Value {
        for pair in &mut self.pairs {
            pair.revoked = true;
        }
        let (issued, until) = (now.secs(), (now + lasts).secs());
        let claims = json!({
            "jti": super::super::text::hex32(chance), "iss": "https://cloud.lightspeedapp.com", "aud": "client",
            "sub": "1", "acct": ACCOUNT, "scope": full(scopes), "iat": issued, "nbf": issued, "exp": until,
        });
        let access = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT"}).to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
            URL_SAFE_NO_PAD.encode(random(chance, 256)),
        );
        let refresh = format!("def50200{}", hex::encode(random(chance, 300)));
        let answer = json!({
            "token_type": "Bearer", "expires_in": lasts.0 / 1_000_000, "access_token": access, "refresh_token": refresh,
        });
        self.pairs.push(Pair {
            access,
            refresh,
            scopes: scopes.to_owned(),
            issued: now,
            until: now + lasts,
            revoked: false,
            refresh_dead: false,
            used: false,
        });
        answer
    }
}

fn random(chance: &mut ChaCha12Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    chance.fill_bytes(&mut bytes);
    bytes
}

fn full(scopes: &str) -> String {
    scopes
        .split_whitespace()
        .map(|s| format!("employee:{}", s.trim_start_matches("employee:")))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Who may go on: the scopes of the token. Its first use kills every refresh token that was given out before it.
pub(super) fn bearer(state: &mut State, request: &Request<Bytes>) -> Result<String, &'static str> {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let token = given.strip_prefix("Bearer ").unwrap_or_default();
    let now = state.now;
    let pairs = &mut state.r.keys.pairs;
    let Some(at) = pairs.iter().position(|pair| pair.access == token) else {
        return Err("Access token could not be verified");
    };
    let (before, from) = pairs.split_at_mut(at);
    let Some(pair) = from.first_mut() else { return Err("Access token could not be verified") };
    if pair.revoked {
        return Err("Access token has been revoked");
    }
    if now >= pair.until {
        return Err("Access token could not be verified");
    }
    if !pair.used {
        pair.used = true;
        before.iter_mut().for_each(|old| old.refresh_dead = true);
    }
    Ok(pair.scopes.clone())
}

/// The refusal of a token.
pub(super) fn denied(hint: &str) -> Response<Bytes> {
    let body = json!({
        "error": "access_denied",
        "error_description": "The resource owner or authorization server denied the request.",
        "hint": hint,
    });
    json_answer(StatusCode::UNAUTHORIZED, &body)
}

fn error(status: StatusCode, word: &str, description: &str, hint: &str) -> Response<Bytes> {
    json_answer(status, &json!({"error": word, "error_description": description, "hint": hint}))
}

/// Whether a request asks for a token.
pub(in crate::sim) fn signs_in(request: &Request<Bytes>) -> bool {
    request.uri().path().trim_end_matches('/') == "/auth/oauth/token"
}

/// Answers everything below `/auth/oauth/`.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>) -> Answered {
    let response = match request.uri().path().trim_end_matches('/') {
        "/auth/oauth/token" if request.method() != Method::POST => {
            error(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "The token endpoint takes POST.", "")
        }
        "/auth/oauth/token" => token(state, request),
        "/auth/oauth/revoke" if request.method() == Method::POST => revoke(state, request),
        "/auth/oauth/authorize" => authorize(state, request),
        _ => super::Refusal::new(StatusCode::NOT_FOUND, "Page not found").response(),
    };
    (response, Vec::<Knowledge>::new())
}

fn token(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let fields = form(request);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let missing = |name: &str| {
        let hint = format!("Check the `{name}` parameter");
        error(StatusCode::BAD_REQUEST, "invalid_request", "The request is missing a required parameter.", &hint)
    };
    if let Some(name) = ["client_id", "client_secret", "grant_type"].into_iter().find(|name| field(name).is_empty()) {
        return missing(name);
    }
    if field("client_id") != state.options.till_client || field("client_secret") != state.options.till_secret {
        return error(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed", "");
    }
    let (now, lasts) = (state.now, state.options.till_token_lasts);
    let account = &mut state.r;
    let scopes = match field("grant_type") {
        "authorization_code" if field("code").is_empty() => return missing("code"),
        "authorization_code" => match exchange(&mut account.keys, &fields, now) {
            Ok(scopes) => scopes,
            Err(hint) => return error(StatusCode::BAD_REQUEST, "invalid_grant", "The code is invalid.", hint),
        },
        "refresh_token" if field("refresh_token").is_empty() => return missing("refresh_token"),
        "refresh_token" => {
            account.keys.refreshes.retain(|at| now.since(*at) < Span::minutes(1));
            if account.keys.refreshes.len() >= MOST_REFRESHES {
                let words = "At most 5 refresh attempts per minute";
                let mut response = error(StatusCode::TOO_MANY_REQUESTS, "invalid_request", words, "");
                let first = account.keys.refreshes.front().copied().unwrap_or(now);
                let wait = 60 - now.since(first).0 / 1_000_000;
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
                return response;
            }
            account.keys.refreshes.push_back(now);
            let refresh = field("refresh_token");
            let known = account.keys.pairs.iter().find(|pair| pair.refresh == refresh);
            let lives = |pair: &&Pair| !pair.refresh_dead && now.since(pair.issued) < REFRESH_LIVES;
            match known.filter(lives) {
                Some(pair) => pair.scopes.clone(),
                None => {
                    let hint =
                        if known.is_some() { "Token has been revoked" } else { "Cannot decrypt the refresh token" };
                    let words = "The refresh token is invalid.";
                    return error(StatusCode::BAD_REQUEST, "invalid_grant", words, hint);
                }
            }
        }
        _ => return error(StatusCode::BAD_REQUEST, "invalid_request", "The grant type is not supported.", ""),
    };
    json_answer(StatusCode::OK, &account.keys.give(&mut account.chance, &scopes, lasts, now))
}

fn exchange(keys: &mut Keys, fields: &HashMap<String, String>, now: Timestamp) -> Result<String, &'static str> {
    let code = fields.get("code").and_then(|code| keys.codes.remove(code));
    let code = code.filter(|code| now < code.until).ok_or("Authorization code has expired or was used")?;
    if let Some(challenge) = code.challenge {
        let verifier = fields.get("code_verifier").map_or("", String::as_str);
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != challenge {
            return Err("Code verifier does not match");
        }
    }
    Ok(code.scopes)
}

fn revoke(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let fields = form(request);
    let token = fields.get("token").map_or("", String::as_str);
    for pair in &mut state.r.keys.pairs {
        if pair.access == token || pair.refresh == token {
            (pair.revoked, pair.refresh_dead) = (true, true);
        }
    }
    json_answer(StatusCode::OK, &json!({}))
}

/// A person looks at the page and allows at once; the browser goes back where the application said.
fn authorize(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let query = request.uri().query().unwrap_or_default();
    let words: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let word = |name: &str| words.get(name).map_or("", String::as_str);
    if word("response_type") != "code" || word("client_id") != state.options.till_client {
        return error(StatusCode::BAD_REQUEST, "invalid_request", "The request is missing a required parameter.", "");
    }
    let scopes: Vec<&str> = word("scope").split_whitespace().map(|s| s.trim_start_matches("employee:")).collect();
    if scopes.is_empty() {
        return error(StatusCode::BAD_REQUEST, "invalid_scope", "The requested scope is invalid.", "");
    }
    let challenge = words.get("code_challenge").cloned();
    let code = state.r_authorize(&scopes.join(" "), challenge);
    let back = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", word("state"))
        .finish();
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(value) = HeaderValue::from_str(&format!("{}?{back}", word("redirect_uri"))) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// The fields of a body: JSON, a form, or a form in parts.
fn form(request: &Request<Bytes>) -> HashMap<String, String> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let body = request.body();
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) {
        return fields.iter().filter_map(|(name, value)| Some((name.clone(), super::shape::text(value)?))).collect();
    }
    if let Some((_, boundary)) = kind.split_once("boundary=") {
        let text = String::from_utf8_lossy(body);
        let part = |part: &str| {
            let (head, value) = part.split_once("\r\n\r\n")?;
            let name = head.split_once("name=\"")?.1.split('"').next()?;
            Some((name.to_owned(), value.trim_end_matches("\r\n").to_owned()))
        };
        return text.split(&format!("--{}", boundary.trim_matches('"'))).filter_map(part).collect();
    }
    form_urlencoded::parse(body).into_owned().collect()
}

impl State {
    fn r_authorize(&mut self, scopes: &str, challenge: Option<String>) -> String {
        let code = format!("def502{}", hex::encode(random(&mut self.r.chance, 60)));
        let until = self.now + CODE_LIVES;
        self.r.keys.codes.insert(code.clone(), Code { until, scopes: scopes.to_owned(), challenge });
        code
    }
}

impl World {
    /// A person allows our application to use the till as R-Series: the code that their browser brings back. It can
    /// be exchanged for a minute. `scopes` are words after `employee:`, space separated.
    pub fn authorize_till(&self, scopes: &str) -> String {
        let mut state = self.lock();
        state.r_authorize(scopes, None)
    }
}
