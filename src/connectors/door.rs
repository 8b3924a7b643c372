//! Where the vendor's doors are and how the pair that opens them is changed: carries out what [`super::tokens`] decides,
//! one refresh at a time. Both tills of Lightspeed change their keys in this way; they differ in [`Rules`].
//!
//! What goes to and comes from the token address holds nothing but secrets, so nothing of it is kept as evidence.

use super::Unreadable;
use super::call::OUR_NAME;
use super::credential::{OAuth2, TokenKeeper};
use super::error::{CallError, CallErrorKind};
use super::evidence::Exchange;
use super::json::Object;
use super::keys::Keys;
use super::retry_after;
use super::tokens::{Step, Tokens};
use super::transport::Transport;
use crate::clock::Clock;
use crate::domain::ids::ConnectionId;
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stands in evidence where secrets were.
const HIDDEN: &str = "•••";

/// How a vendor changes tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Where.
    pub(super) path: &'static str,
    /// What is asked stands in a form, not in JSON.
    pub(super) as_form: bool,
    /// Seconds that an access token lives when the answer does not say.
    pub(super) lifetime: i64,
}

/// What a door is made of.
pub(super) struct Hinges {
    pub(super) connection: ConnectionId,
    pub(super) base_url: String,
    pub(super) auth_url: String,
    /// The vendor's id of the account; empty where none is needed or it is learned.
    pub(super) account: String,
    /// As it is kept.
    pub(super) credential: SecretString,
    pub(super) keeper: Arc<dyn TokenKeeper>,
    pub(super) rules: Rules,
}

/// The longest lifetime believed.
const LIFETIME_MAX: i64 = 30 * 86_400;

/// Longest token taken: they are signed texts of a thousand characters and more.
const TOKEN_MAX: usize = 4_096;

/// How long we wait after a "too many requests" that does not say how long.
const PAUSE: Span = Span::secs(60);

/// The doors of one connection.
pub(super) struct Door {
    state: Mutex<State>,
    /// Held while a pair is being changed.
    gate: tokio::sync::Mutex<()>,
    connection: ConnectionId,
    keeper: Arc<dyn TokenKeeper>,
    rules: Rules,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

struct State {
    base_url: String,
    auth_url: String,
    /// The vendor's id of the account; empty until it was given or learned.
    account: String,
    tokens: Tokens,
    /// Counts changes of the keys: what was asked with other keys is not taken for these.
    keys: u64,
}

/// An access token, with the exchanges that it took to get it.
pub(super) type Access = (SecretString, Vec<Exchange>);

impl Door {
    pub(super) fn new(hinges: Hinges, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            base_url: trimmed(&hinges.base_url),
            auth_url: trimmed(&hinges.auth_url),
            account: hinges.account,
            tokens: Tokens::read(hinges.credential.expose_secret()),
            keys: 0,
        };
        Self {
            state: Mutex::new(state),
            gate: tokio::sync::Mutex::new(()),
            connection: hinges.connection,
            keeper: hinges.keeper,
            rules: hinges.rules,
            transport,
            clock,
        }
    }

    /// The same door with somebody who keeps new pairs.
    pub(super) fn kept_by(mut self, keeper: Arc<dyn TokenKeeper>) -> Self {
        self.keeper = keeper;
        self
    }

    /// The application's own secret, where the keys are a pair.
    pub(super) fn application(&self) -> Option<SecretString> {
        self.lock().tokens.pair().map(|pair| pair.client_secret)
    }

    pub(super) fn base_url(&self) -> String {
        self.lock().base_url.clone()
    }

    pub(super) fn account(&self) -> Option<String> {
        Some(self.lock().account.clone()).filter(|account| !account.is_empty())
    }

    pub(super) fn learned(&self, account: &str) {
        self.lock().account = account.to_owned();
    }

    /// Everything that must not be found in what is written down.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        self.lock().tokens.secrets()
    }

    /// Other keys from now on. Keys for another address may be another account's.
    pub(super) fn change(&self, keys: &Keys) {
        let mut state = self.lock();
        let base_url = trimmed(&keys.base_url);
        if base_url != state.base_url {
            state.account.clear();
            // In a simulation both doors are the same.
            if state.auth_url == state.base_url {
                state.auth_url.clone_from(&base_url);
            }
            state.base_url = base_url;
        }
        state.tokens = Tokens::read(keys.token.expose_secret());
        state.keys += 1;
    }

    /// The access token for a call; `refused` is the one with which the call was refused just now. Changes the pair when
    /// that is due: at most once, and never two at a time.
    pub(super) async fn access(&self, refused: Option<&SecretString>) -> Result<Access, CallError> {
        let _gate = self.gate.lock().await;
        let (mut exchanges, mut asked) = (Vec::new(), false);
        loop {
            let now = self.clock.now();
            let (step, keys) = {
                let mut state = self.lock();
                (state.tokens.next(now, refused), state.keys)
            };
            match step {
                Step::Use(access) => return Ok((access, exchanges)),
                Step::Wait(until) => return Err(failed(CallErrorKind::Paced { until }, exchanges)),
                Step::Stuck(reason) => return Err(failed(CallErrorKind::Unauthorized { reason }, exchanges)),
                Step::Keep(pair) => {
                    let before = self.lock().tokens.pair().unwrap_or_else(|| pair.clone());
                    match self.keeper.keep(&self.connection, &before, &pair).await {
                        Ok(()) => self.told(keys, Tokens::kept),
                        Err(not_kept) => {
                            let kind = CallErrorKind::Unavailable { reason: not_kept.to_string(), acted: false };
                            return Err(failed(kind, exchanges));
                        }
                    }
                }
                Step::Ask(_) if asked => {
                    let reason = "the keys were changed meanwhile".to_owned();
                    return Err(failed(CallErrorKind::Unavailable { reason, acted: false }, exchanges));
                }
                Step::Ask(pair) => {
                    asked = true;
                    self.told(keys, |tokens| tokens.asked(now));
                    let (outcome, exchange) = self.refresh(&pair).await;
                    exchanges.push(exchange);
                    match outcome {
                        Ok(pair) => self.told(keys, |tokens| tokens.came(pair)),
                        Err(kind) => {
                            if let CallErrorKind::Unauthorized { reason } = &kind {
                                self.told(keys, |tokens| tokens.refused(now, reason.clone()));
                            }
                            return match self.lock().tokens.serves(self.clock.now()) {
                                Some(access) => Ok((access, exchanges)),
                                None => Err(failed(kind, exchanges)),
                            };
                        }
                    }
                }
            }
        }
    }

    /// One refresh: the new pair, or what went wrong, and the exchange without anything secret.
    async fn refresh(&self, pair: &OAuth2) -> (Result<OAuth2, CallErrorKind>, Exchange) {
        let auth_url = self.lock().auth_url.clone();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", pair.refresh.expose_secret())];
        ask_for_pair((&*self.transport, &*self.clock), &self.connection, (&auth_url, self.rules), &fields, pair).await
    }

    /// Tells the tokens something, unless they have been replaced since.
    fn told(&self, keys: u64, tell: impl FnOnce(&mut Tokens)) {
        let mut state = self.lock();
        if state.keys == keys {
            tell(&mut state.tokens);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a pair: the pair, or what went wrong, and the exchange without anything secret. `of` names the application.
pub(super) async fn ask_for_pair(
    (transport, clock): (&dyn Transport, &dyn Clock),
    connection: &ConnectionId,
    (auth_url, rules): (&str, Rules),
    fields: &[(&str, &str)],
    of: &OAuth2,
) -> (Result<OAuth2, CallErrorKind>, Exchange) {
    let at = clock.now();
    let application = [("client_id", of.client_id.as_str()), ("client_secret", of.client_secret.expose_secret())];
    let all = application.iter().chain(fields);
    let (kind, body) = if rules.as_form {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        ("application/x-www-form-urlencoded", form)
    } else {
        let json: serde_json::Map<_, _> = all.map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        ("application/json", serde_json::Value::Object(json).to_string())
    };
    let mut exchange = Exchange {
        at,
        took: Span::ZERO,
        purpose: "change the keys",
        request_line: format!("POST {}", rules.path),
        status: None,
        sent: HIDDEN.to_owned(),
        received: String::new(),
    };
    let request = http::Request::post(format!("{}{}", auth_url.trim_end_matches('/'), rules.path))
        .header(USER_AGENT, OUR_NAME)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, kind)
        .body(Bytes::from(body));
    let Ok(request) = request else {
        let reason = "the address of this connection is not a web address".to_owned();
        return (Err(CallErrorKind::Rejected { reason }), exchange);
    };
    let answer = transport.send(connection, request).await;
    let now = clock.now();
    exchange.took = Span(now.since(at).0.max(0));
    let response = match answer {
        Ok(response) => response,
        Err(error) => {
            exchange.received = error.to_string();
            return (Err(CallErrorKind::Unavailable { reason: error.to_string(), acted: false }), exchange);
        }
    };
    exchange.status = Some(response.status().as_u16());
    exchange.received = HIDDEN.to_owned();
    (judge(of, (at, now), rules, &response), exchange)
}

fn trimmed(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

fn failed(kind: CallErrorKind, exchanges: Vec<Exchange>) -> CallError {
    CallError { kind, exchanges }
}

/// What the token address answered.
fn judge(
    old: &OAuth2,
    (asked_at, now): (Timestamp, Timestamp),
    rules: Rules,
    response: &http::Response<Bytes>,
) -> Result<OAuth2, CallErrorKind> {
    let status = response.status();
    let text = std::str::from_utf8(response.body()).unwrap_or_default();
    if status.is_success() {
        return pair(old, asked_at, rules, text)
            .map_err(|unreadable| CallErrorKind::Protocol { reason: unreadable.reason });
    }
    let word = Object::open("the refusal", text).ok().and_then(|body| body.text("error").ok().flatten());
    Err(match (status.as_u16(), word.as_deref()) {
        (429, _) => {
            let until = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            CallErrorKind::Throttled {
                until: until.and_then(|text| retry_after::parse(text, now)).unwrap_or(now + PAUSE),
            }
        }
        (_, Some("invalid_grant")) => CallErrorKind::Unauthorized {
            reason: "Sign in again: the vendor no longer takes the refresh token (invalid_grant)".to_owned(),
        },
        (_, Some("invalid_client" | "unauthorized_client")) => CallErrorKind::Unauthorized {
            reason: "the vendor does not know our application or its secret (invalid_client)".to_owned(),
        },
        (401 | 403, _) => CallErrorKind::Unauthorized {
            reason: format!("Sign in again: the vendor refused to change the keys (status {})", status.as_u16()),
        },
        (408 | 425 | 500..=599, _) => CallErrorKind::Unavailable {
            reason: format!("it answered {} when the keys were to be changed", status.as_u16()),
            acted: false,
        },
        (400..=499, _) => {
            CallErrorKind::Rejected { reason: format!("it refused to change the keys (status {})", status.as_u16()) }
        }
        (other, _) => CallErrorKind::Protocol { reason: format!("status {other} has no meaning here") },
    })
}

/// Reads a new pair. Nothing of the tokens stands in a complaint.
fn pair(old: &OAuth2, asked_at: Timestamp, rules: Rules, text: &str) -> Result<OAuth2, Unreadable> {
    let body = Object::open("the new keys", text)?;
    let token = |name: &str| -> Result<Option<SecretString>, Unreadable> {
        let Some(token) = body.text(name)?.filter(|token| !token.is_empty()) else { return Ok(None) };
        if token.len() > TOKEN_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(body.wrong(name, "contains characters no key can have"));
        }
        Ok(Some(SecretString::from(token)))
    };
    let ends = body.whole("expires").ok().flatten().and_then(|at| at.checked_sub(asked_at.to_utc().timestamp()));
    let lifetime = body.whole("expires_in")?.or(ends).unwrap_or(rules.lifetime);
    if !(1..=LIFETIME_MAX).contains(&lifetime) {
        return Err(body.wrong("expires_in", "is no lifetime of a key"));
    }
    Ok(OAuth2 {
        client_id: old.client_id.clone(),
        client_secret: old.client_secret.clone(),
        access: token("access_token")?.ok_or_else(|| body.missing("access_token"))?,
        // One that is not replaced stays.
        refresh: token("refresh_token")?.unwrap_or_else(|| old.refresh.clone()),
        expires_at: asked_at + Span::secs(lifetime),
    })
}
