//! Where the vendor's doors are and how the pair that opens them is changed: carries out what [`super::tokens`] decides,
//! one refresh at a time.
//!
//! What goes to and comes from the token address holds nothing but secrets, so nothing of it is kept as evidence.

use super::super::Unreadable;
use super::super::call::OUR_NAME;
use super::super::credential::{OAuth2, TokenKeeper};
use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::super::keys::Keys;
use super::super::retry_after;
use super::super::transport::Transport;
use super::tokens::{Step, Tokens};
use crate::clock::Clock;
use crate::domain::ids::ConnectionId;
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stands in evidence where secrets were.
const HIDDEN: &str = "•••";

/// Where tokens are changed.
const TOKEN_PATH: &str = "/auth/oauth/token";

/// How long an access token lives when the answer does not say: the shorter of the two figures the vendor prints.
const LIFETIME: i64 = 1_800;

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
    pub(super) fn new(config: &super::LightspeedRConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            base_url: trimmed(&config.base_url),
            auth_url: trimmed(&config.auth_url),
            account: config.account.clone(),
            tokens: Tokens::read(config.credential.expose_secret()),
            keys: 0,
        };
        Self {
            state: Mutex::new(state),
            gate: tokio::sync::Mutex::new(()),
            connection: config.connection.clone(),
            keeper: Arc::clone(&config.keeper),
            transport,
            clock,
        }
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
                Step::Keep(pair) => match self.keeper.keep(&self.connection, &pair).await {
                    Ok(()) => self.told(keys, Tokens::kept),
                    Err(not_kept) => {
                        let kind = CallErrorKind::Unavailable { reason: not_kept.to_string(), acted: false };
                        return Err(failed(kind, exchanges));
                    }
                },
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
        let at = self.clock.now();
        let body = serde_json::json!({
            "client_id": pair.client_id,
            "client_secret": pair.client_secret.expose_secret(),
            "grant_type": "refresh_token",
            "refresh_token": pair.refresh.expose_secret(),
        });
        let mut exchange = Exchange {
            at,
            took: Span::ZERO,
            purpose: "change the keys",
            request_line: format!("POST {TOKEN_PATH}"),
            status: None,
            sent: HIDDEN.to_owned(),
            received: String::new(),
        };
        let request = http::Request::post(format!("{auth_url}{TOKEN_PATH}"))
            .header(USER_AGENT, OUR_NAME)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()));
        let Ok(request) = request else {
            let reason = "the address of this connection is not a web address".to_owned();
            return (Err(CallErrorKind::Rejected { reason }), exchange);
        };
        let answer = self.transport.send(&self.connection, request).await;
        let now = self.clock.now();
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
        (judge(pair, at, now, &response), exchange)
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

fn trimmed(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

fn failed(kind: CallErrorKind, exchanges: Vec<Exchange>) -> CallError {
    CallError { kind, exchanges }
}

/// What the token address answered.
fn judge(
    old: &OAuth2,
    asked_at: Timestamp,
    now: Timestamp,
    response: &http::Response<Bytes>,
) -> Result<OAuth2, CallErrorKind> {
    let status = response.status();
    let text = std::str::from_utf8(response.body()).unwrap_or_default();
    if status.is_success() {
        return pair(old, asked_at, text).map_err(|unreadable| CallErrorKind::Protocol { reason: unreadable.reason });
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
fn pair(old: &OAuth2, asked_at: Timestamp, text: &str) -> Result<OAuth2, Unreadable> {
    let body = Object::open("the new keys", text)?;
    let token = |name: &str| -> Result<Option<SecretString>, Unreadable> {
        let Some(token) = body.text(name)?.filter(|token| !token.is_empty()) else { return Ok(None) };
        if token.len() > TOKEN_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(body.wrong(name, "contains characters no key can have"));
        }
        Ok(Some(SecretString::from(token)))
    };
    let lifetime = body.whole("expires_in")?.unwrap_or(LIFETIME);
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
