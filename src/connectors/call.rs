//! One call to a vendor: the request goes out, the answer is judged by its status, the exchange is kept.
//!
//! Never repeats a call (only the job that wanted it may do that), never follows a redirect, and keeps the key out
//! of everything that is written down.

use super::error::{CallError, CallErrorKind};
use super::evidence::{EXCERPT_BYTES_MAX, Exchange};
use super::keys::Ring;
use super::retry_after;
use super::transport::{Transport, TransportError};
use crate::clock::Clock;
use crate::domain::ids::ConnectionId;
use crate::domain::secrets::SECRET_MIN;
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// How long we wait after a "too many requests" that does not say how long: longer than the shortest window of
/// any vendor, shorter than a person's patience.
const THROTTLE_PAUSE: Span = Span::secs(60);

/// Longest piece of a vendor's own words that is put into an error.
const WORDS_MAX: usize = 300;

/// How we introduce ourselves. One vendor refuses calls without it.
pub(super) const OUR_NAME: &str = concat!("Truecount/", env!("CARGO_PKG_VERSION"));

/// Who calls: one connection with its key.
pub(super) struct Caller {
    pub(super) connection: ConnectionId,
    pub(super) keys: Ring,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
}

/// What to call.
pub(super) struct Ask<'a> {
    pub(super) purpose: &'static str,
    pub(super) method: Method,
    /// Path with query, beginning with a slash.
    pub(super) path: &'a str,
    pub(super) body: Option<String>,
    /// Whether the vendor's state changes when this succeeds.
    pub(super) mutates: bool,
}

/// An answer that came, whatever its status.
pub(super) struct Came {
    pub(super) at: Timestamp,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) exchange: Exchange,
    mutates: bool,
}

impl Caller {
    /// Sends once, with the token of this connection. An error means that no answer came at all.
    pub(super) async fn send(&self, ask: Ask<'_>) -> Result<Came, CallError> {
        let (base_url, token) = self.keys.door();
        let shown = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| refused("the key of this connection contains characters no key can have"))?;
        self.send_as(ask, &base_url, shown, &[&token]).await
    }

    /// Sends once, with an `Authorization` that the caller has made for this very request. `hidden` are the secrets that
    /// must not be found in anything that is kept.
    pub(super) async fn send_as(
        &self,
        ask: Ask<'_>,
        base_url: &str,
        mut authorization: HeaderValue,
        hidden: &[&SecretString],
    ) -> Result<Came, CallError> {
        let request_line = format!("{} {}", ask.method, ask.path);
        let at = self.clock.now();
        authorization.set_sensitive(true);
        let request = request(&ask, base_url, authorization).map_err(refused)?;
        let sent = excerpt(hidden, ask.body.as_deref().unwrap_or_default());
        let outcome = self.transport.send(&self.connection, request).await;
        let came_at = self.clock.now();
        let mut exchange = Exchange {
            at,
            took: Span(came_at.since(at).0.max(0)),
            purpose: ask.purpose,
            request_line,
            status: None,
            sent,
            received: String::new(),
        };
        match outcome {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                exchange.status = Some(parts.status.as_u16());
                let began = body.get(..body.len().min(EXCERPT_BYTES_MAX)).unwrap_or_default();
                exchange.received = excerpt(hidden, &String::from_utf8_lossy(began));
                // What a refusal says is put into errors, pages and the log, and some vendors repeat what they refuse.
                let body = if parts.status.is_success() { body } else { without(hidden, body) };
                let Ask { mutates, .. } = ask;
                Ok(Came { at: came_at, status: parts.status, headers: parts.headers, body, exchange, mutates })
            }
            Err(error) => {
                exchange.received = excerpt(hidden, &error.to_string());
                let kind = match error {
                    TransportError::NotSent(reason) => CallErrorKind::Unavailable { reason, acted: false },
                    TransportError::NoAnswer(reason) => CallErrorKind::Unavailable { reason, acted: ask.mutates },
                    TransportError::TooLarge { limit } => CallErrorKind::Protocol {
                        reason: format!("the answer was larger than {limit} bytes and was not read"),
                    },
                };
                Err(CallError { kind, exchanges: vec![exchange] })
            }
        }
    }
}

fn refused(reason: &str) -> CallError {
    CallError { kind: CallErrorKind::Rejected { reason: reason.to_owned() }, exchanges: Vec::new() }
}

fn request(ask: &Ask<'_>, base_url: &str, authorization: HeaderValue) -> Result<http::Request<Bytes>, &'static str> {
    let address = format!("{}{}", base_url.trim_end_matches('/'), ask.path);
    let mut request = http::Request::builder()
        .method(ask.method.clone())
        .uri(address)
        .header(AUTHORIZATION, authorization)
        .header(USER_AGENT, OUR_NAME)
        .header(ACCEPT, "application/json");
    if ask.body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request
        .body(ask.body.clone().map(Bytes::from).unwrap_or_default())
        .map_err(|_| "the address of this connection is not a web address")
}

/// Whether a key stands in a text. A shorter one is no key of any vendor and would take letters out of words; none is
/// taken at the forms.
fn hides(key: &str, text: &str) -> bool {
    key.len() >= SECRET_MIN && text.contains(key)
}

/// A body without the keys that it was asked with.
fn without(hidden: &[&SecretString], body: Bytes) -> Bytes {
    match std::str::from_utf8(&body) {
        Ok(text) if hidden.iter().any(|secret| hides(secret.expose_secret(), text)) => Bytes::from(clean(hidden, text)),
        _ => body,
    }
}

/// What is kept of a text: its beginning, without the keys that it was asked with.
fn excerpt(hidden: &[&SecretString], text: &str) -> String {
    clip(&clean(hidden, text), EXCERPT_BYTES_MAX).to_owned()
}

fn clean(hidden: &[&SecretString], text: &str) -> String {
    let mut clean = text.to_owned();
    for key in hidden.iter().map(|secret| secret.expose_secret()) {
        if hides(key, &clean) {
            clean = clean.replace(key, "•••");
        }
    }
    clean
}

impl Came {
    /// The body of a 2xx answer, or what the status means. `words` finds the vendor's own words in a body.
    pub(super) fn ok(self, words: fn(&str) -> Option<String>) -> Result<(String, Exchange), CallError> {
        let Came { at, status, headers, body, exchange, mutates } = self;
        let text = String::from_utf8(body.into());
        if status.is_success() {
            return match text {
                Ok(text) => Ok((text, exchange)),
                Err(_) => Err(protocol("the answer is not text in UTF-8", exchange)),
            };
        }
        let said = text
            .ok()
            .and_then(|text| words(&text))
            .map_or_else(|| format!("status {}", status.as_u16()), |said| clip(&said, WORDS_MAX).to_owned());
        let kind = match status.as_u16() {
            401 | 403 => CallErrorKind::Unauthorized { reason: said },
            429 => CallErrorKind::Throttled { until: resume_at(&headers, at) },
            300..=399 => CallErrorKind::Protocol {
                reason: format!("we were sent to another address (status {}); not followed", status.as_u16()),
            },
            408 | 425 | 499 | 500..=599 => CallErrorKind::Unavailable {
                reason: format!("it answered {}: {said}", status.as_u16()),
                acted: mutates,
            },
            400..=498 => CallErrorKind::Rejected { reason: said },
            other => CallErrorKind::Protocol { reason: format!("status {other} has no meaning here") },
        };
        Err(CallError { kind, exchanges: vec![exchange] })
    }
}

/// An answer that makes no sense.
pub(super) fn protocol(reason: impl Into<String>, exchange: Exchange) -> CallError {
    CallError { kind: CallErrorKind::Protocol { reason: reason.into() }, exchanges: vec![exchange] }
}

/// When a 429 allows the next call.
fn resume_at(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| retry_after::parse(text, now))
        .unwrap_or(now + THROTTLE_PAUSE)
}

/// The beginning of a text, cut between characters.
pub(super) fn clip(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_out_and_no_letter_of_a_word_is() {
        for (key, text, want) in [
            ("long-enough", "no such key: long-enough", "no such key: •••"),
            ("x", "expired", "expired"),
            ("expired", "it has expired", "it has expired"),
            ("", "expired", "expired"),
        ] {
            let token = SecretString::from(key);
            assert_eq!(excerpt(&[&token], text), want);
            assert_eq!(without(&[&token], Bytes::from(text)), want.as_bytes());
        }
    }
}
