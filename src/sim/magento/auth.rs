//! Who asks: integrations with OAuth 1.0a or, when the shop allows it, with their token alone; administrators with
//! a token that expires. A token that is no good is not told so: the call goes on as a guest's and lacks the right.

use super::Account;
use super::error::{Said, Wrong};
use super::input::Call;
use super::oauth;
use crate::domain::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, header};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};

/// Failed sign-ins after which an account is locked, and for how many seconds.
const LOCK_AFTER: u32 = 6;
const LOCK_SECONDS: i64 = 1800;
/// How far ahead a signature's time may be, in seconds. The past is not limited.
const AHEAD: i64 = 600;
const REQUIRED: [&str; 6] = [
    "oauth_consumer_key",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_nonce",
    "oauth_timestamp",
    "oauth_token",
];

/// The four values of an integration, and what it may do.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Identifies the integration.
    pub consumer_key: String,
    /// Half of the key that signs.
    pub consumer_secret: String,
    /// Identifies the grant.
    pub token: String,
    /// The other half of the key that signs.
    pub token_secret: String,
    /// The resources that it may use; `None` is all of them.
    pub resources: Option<BTreeSet<String>>,
}

/// Somebody who signs in with a name and a password.
#[derive(Debug, Clone)]
struct Admin {
    name: String,
    password: String,
    failures: u32,
    locked_until: i64,
}

/// Who may ask, and what they used up.
#[derive(Debug, Default)]
pub(super) struct Keys {
    integrations: Vec<Integration>,
    admins: Vec<Admin>,
    /// Tokens of administrators with the second in which they end.
    tokens: BTreeMap<String, i64>,
    nonces: BTreeSet<(usize, String)>,
}

/// What the caller may use.
enum Caller {
    Guest,
    Everything,
    Only(BTreeSet<String>),
}

impl Account {
    /// Adds an integration; its values are used as they are given.
    pub fn add_integration(&mut self, integration: Integration) {
        self.keys.integrations.push(integration);
    }

    /// Takes an integration's grant back; its signatures are refused from then on.
    pub fn revoke_integration(&mut self, token: &str) {
        self.keys.integrations.retain(|known| known.token != token);
    }

    /// Adds an administrator.
    pub fn add_admin(&mut self, name: &str, password: &str) {
        let admin = Admin { name: name.to_owned(), password: password.to_owned(), failures: 0, locked_until: 0 };
        self.keys.admins.push(admin);
    }

    /// Refuses a caller who may not use `resource`; `anonymous` and `self` are open to everybody.
    pub(super) fn authorize(&mut self, request: &Request<Bytes>, resource: &str, now: Timestamp) -> Result<(), Wrong> {
        if resource == "anonymous" {
            return Ok(());
        }
        let may = match self.caller(request, now)? {
            Caller::Guest => false,
            Caller::Everything => true,
            Caller::Only(resources) => resources.contains(resource),
        };
        if may {
            return Ok(());
        }
        let text = "The consumer isn't authorized to access %resources.";
        Err(Wrong::unauthorized(text).with(json!({"resources": resource})))
    }

    fn caller(&mut self, request: &Request<Bytes>, now: Timestamp) -> Result<Caller, Wrong> {
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, rest)) = given.and_then(|value| value.split_once(' ')) else { return Ok(Caller::Guest) };
        match scheme.to_lowercase().as_str() {
            "oauth" => self.signed(request, rest, now),
            "bearer" => Ok(self.bearer(rest.trim(), now)),
            _ => Ok(Caller::Guest),
        }
    }

    fn bearer(&self, token: &str, now: Timestamp) -> Caller {
        if self.keys.tokens.get(token).is_some_and(|ends| now.secs() < *ends) {
            return Caller::Everything;
        }
        let known = self.keys.integrations.iter().find(|known| known.token == token);
        known.filter(|_| self.switches.bearer_integrations).map_or(Caller::Guest, rights)
    }

    fn signed(&mut self, request: &Request<Bytes>, header: &str, now: Timestamp) -> Result<Caller, Wrong> {
        let given = oauth::header_parameters(header);
        let value = |name: &str| given.get(name).map_or("", String::as_str);
        let absent: Vec<&str> = REQUIRED.into_iter().filter(|name| value(name).is_empty()).collect();
        match absent.as_slice() {
            [] => {}
            [one] => return Err(Wrong::required(one)),
            several => {
                let text = "\"%fieldName\" is required. Enter and try again.";
                let each = |name: &&str| json!({"message": text, "parameters": {"fieldName": name}});
                let errors = several.iter().map(each).collect();
                return Err(Wrong::bad("One or more input exceptions have occurred.").listing(errors));
            }
        }
        let method = value("oauth_signature_method");
        if method != "HMAC-SHA256" {
            return Err(Wrong::bad("Signature method %1 is not supported").with(json!([method])));
        }
        let consumer = self.keys.integrations.iter().position(|i| i.consumer_key == value("oauth_consumer_key"));
        let text = "A consumer having the specified key does not exist";
        let consumer = consumer.ok_or_else(|| Wrong::unauthorized(text))?;
        let at = value("oauth_timestamp").parse::<i64>().unwrap_or(0);
        if at <= 0 || at > now.secs() + AHEAD {
            return Err(Wrong::unauthorized("An error occurred validating the nonce"));
        }
        // A nonce is spent even when the signature turns out to be bad.
        if !self.keys.nonces.insert((consumer, value("oauth_nonce").to_owned())) {
            let text = "The nonce is already being used by the consumer with ID %1";
            return Err(Wrong::unauthorized(text).with(json!([(consumer + 1).to_string()])));
        }
        let known = self.keys.integrations.get(consumer).filter(|known| known.token == value("oauth_token"));
        let known = known.ok_or_else(|| Wrong::unauthorized("Specified token does not exist"))?;
        let mut parameters = oauth::query_parameters(request.uri().query().unwrap_or_default());
        parameters
            .extend(given.iter().filter(|(name, _)| name.as_str() != "realm").map(|(n, v)| (n.clone(), v.clone())));
        let url = self.signed_url(request);
        let method = request.method().as_str();
        let right = oauth::signature(method, &url, &parameters, &known.consumer_secret, &known.token_secret);
        if right != value("oauth_signature") {
            return Err(Wrong::unauthorized("The signature is invalid. Verify and try again."));
        }
        Ok(rights(known))
    }

    /// The address as PHP sees it: scheme, host and port of the request, unless a proxy changes them.
    fn signed_url(&self, request: &Request<Bytes>) -> String {
        let path = oauth::signed_path(request.uri().path());
        if let Some(seen) = &self.switches.seen_as {
            return format!("{}{path}", seen.trim_end_matches('/'));
        }
        let (own_scheme, own_host) = self.base.split_once("://").unwrap_or(("http", self.base.as_str()));
        let scheme = request.uri().scheme_str().unwrap_or(own_scheme);
        let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        let host = request.uri().authority().map(http::uri::Authority::as_str).or(header).unwrap_or(own_host);
        let port = if scheme == "https" { ":443" } else { ":80" };
        let host = host.trim_end_matches(port).to_lowercase();
        format!("{scheme}://{host}{path}")
    }

    /// `POST /V1/integration/admin/token`: a bare string, or one text for every reason why not.
    pub(super) fn admin_token(&mut self, call: &Call) -> Said {
        let given = |name: &str| call.words(name).filter(|value| !value.is_empty());
        let name = given("username").ok_or_else(|| Wrong::required("username"))?;
        let password = given("password").ok_or_else(|| Wrong::required("password"))?;
        let text = "The account sign-in was incorrect or your account is disabled temporarily. \
                    Please wait and try again later.";
        let now = call.now.secs();
        let refused = || Wrong::unauthorized(text);
        let place = self.keys.admins.iter().position(|admin| admin.name == name);
        let admin = place.and_then(|at| self.keys.admins.get_mut(at)).ok_or_else(refused)?;
        if now < admin.locked_until {
            return Err(refused());
        }
        if admin.password != password {
            admin.failures += 1;
            if admin.failures >= LOCK_AFTER {
                admin.locked_until = now + LOCK_SECONDS;
                admin.failures = 0;
            }
            return Err(refused());
        }
        admin.failures = 0;
        let minutes = if self.switches.admin_token_minutes > 0 { self.switches.admin_token_minutes } else { 60 };
        let ends = now + minutes * 60;
        let token = jwt(place.map_or(0, |at| at + 1), now, ends, &password);
        self.keys.tokens.insert(token.clone(), ends);
        Ok(Value::from(token))
    }
}

fn rights(known: &Integration) -> Caller {
    known.resources.clone().map_or(Caller::Everything, Caller::Only)
}

fn jwt(user: usize, from: i64, until: i64, secret: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"kid": "1", "alg": "HS256"}));
    let body = part(json!({"uid": user, "utypid": 2, "iat": from, "exp": until}));
    let signed = match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(format!("{head}.{body}").as_bytes());
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    };
    format!("{head}.{body}.{signed}")
}
