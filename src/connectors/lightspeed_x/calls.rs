//! One call: with a token that is good, within our window, once more with a new token when the vendor ends the old one;
//! and the shapes that answers come in.

use super::super::call::{Ask, Came, protocol};
use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::{API_VERSION, LightspeedX, wire};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Number, Value};

/// Most pages read of a short list; nobody has two thousand shops on one account.
pub(super) const PAGES_MAX: u32 = 10;

/// A short list that is read to its end.
#[derive(Clone, Copy)]
pub(super) struct Short {
    pub(super) purpose: &'static str,
    /// The last part of its path.
    pub(super) resource: &'static str,
    /// Its list takes the word for "deleted rows too".
    pub(super) with_deleted: bool,
    /// The most rows that one page of it may hold.
    pub(super) rows: u32,
}

/// An answer, or `None` when there is no such thing.
pub(super) type Came404 = (Option<String>, Vec<Exchange>);

impl LightspeedX {
    /// One call within our budget.
    pub(super) async fn call(&self, ask: Ask<'_>) -> Result<Came404, CallError> {
        let (access, mut exchanges) = self.door.access(None).await?;
        let Ask { purpose, method, path, body, mutates } = ask;
        let question = || Ask { purpose, method: method.clone(), path, body: body.clone(), mutates };
        let mut came = self.sent(question(), &access).await.map_err(|error| with_earlier(error, &exchanges))?;
        // Refused for its key, nothing was done: with a new key the same may be asked.
        if came.status == StatusCode::UNAUTHORIZED && self.door.application().is_some() {
            exchanges.push(came.exchange);
            let renewed = self.door.access(Some(&access)).await;
            let (access, more) = renewed.map_err(|error| with_earlier(error, &exchanges))?;
            exchanges.extend(more);
            came = self.sent(question(), &access).await.map_err(|error| with_earlier(error, &exchanges))?;
        }
        if came.status == StatusCode::NOT_FOUND {
            exchanges.push(came.exchange);
            return Ok((None, exchanges));
        }
        match came.ok(wire::words) {
            Ok((text, exchange)) => {
                exchanges.push(exchange);
                Ok((Some(text), exchanges))
            }
            Err(error) => {
                if let CallErrorKind::Throttled { until } = error.kind {
                    self.window.block(until);
                }
                Err(with_earlier(error, &exchanges))
            }
        }
    }

    async fn sent(&self, ask: Ask<'_>, access: &SecretString) -> Result<Came, CallError> {
        if let Err(until) = self.window.try_take(self.caller.clock.now(), 1) {
            return Err(CallError { kind: CallErrorKind::Paced { until }, exchanges: Vec::new() });
        }
        let shown = HeaderValue::from_str(&format!("Bearer {}", access.expose_secret()))
            .map_err(|_| unlawful("the key of this connection contains characters no key can have"))?;
        let mut hidden = self.door.secrets();
        hidden.push(access.clone());
        let hidden: Vec<&SecretString> = hidden.iter().collect();
        let came = self.caller.send_as(ask, &self.door.base_url(), shown, &hidden).await?;
        self.window.learn(
            came.at,
            number(&came.headers, "x-ratelimit-limit"),
            number(&came.headers, "x-ratelimit-remaining"),
        );
        Ok(came)
    }

    pub(super) async fn get(&self, purpose: &'static str, path: &str) -> Result<Came404, CallError> {
        self.call(Ask { purpose, method: Method::GET, path, body: None, mutates: false }).await
    }

    /// A call that changes something over there. `rest` is its path within our version.
    pub(super) async fn write(
        &self,
        purpose: &'static str,
        method: Method,
        rest: &str,
        body: Option<&Value>,
    ) -> Result<Came404, CallError> {
        let path = format!("/api/{API_VERSION}/{rest}");
        self.call(Ask { purpose, method, path: &path, body: body.map(Value::to_string), mutates: true }).await
    }

    /// One thing by its path within our version, inside `data`.
    pub(super) async fn one<T>(
        &self,
        purpose: &'static str,
        rest: &str,
        read: impl FnOnce(&Object<'_>) -> Result<T, Unreadable>,
    ) -> Result<Answer<Option<T>>, CallError> {
        let (text, exchanges) = self.get(purpose, &format!("/api/{API_VERSION}/{rest}")).await?;
        let Some(text) = text else { return Ok(Answer { value: None, exchanges }) };
        let read = wire::single(&text).and_then(|raw| read(&Object::open(purpose, raw)?)).map(Some);
        answer(read, exchanges)
    }

    /// All rows of a short list.
    pub(super) async fn whole_list<T>(
        &self,
        short: Short,
        exchanges: &mut Vec<Exchange>,
        read: impl Fn(&Object<'_>) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, CallError> {
        let Short { purpose, resource, with_deleted, rows: size } = short;
        let deleted = if with_deleted { "&deleted=true" } else { "" };
        let (mut rows, mut after) = (Vec::new(), 0);
        for _ in 0..PAGES_MAX {
            let path = format!("/api/{API_VERSION}/{resource}?after={after}&page_size={size}{deleted}");
            let (text, seen) = found(self.get(purpose, &path).await?)?;
            let page = wire::envelope(&text).and_then(|envelope| {
                let (mut page, mut highest) = (Vec::new(), None);
                for raw in &envelope.rows {
                    let row = Object::open(resource, raw.get())?;
                    highest = highest.max(wire::version(&row)?);
                    page.push(read(&row)?);
                }
                Ok((page, highest.or(envelope.max)))
            });
            let (page, highest) = page.map_err(|unreadable| makes_no_sense(unreadable, seen.clone()))?;
            exchanges.extend(seen);
            let ended = page.is_empty();
            rows.extend(page);
            match highest.filter(|highest| *highest > after) {
                Some(highest) if !ended => after = highest,
                _ => return Ok(rows),
            }
        }
        // Leaving some out in silence would hide a shop.
        Err(CallError {
            kind: CallErrorKind::Protocol { reason: format!("the list of {resource} does not end") },
            exchanges: Vec::new(),
        })
    }

    /// The same as an answer of its own.
    pub(super) async fn short_list<T>(
        &self,
        short: Short,
        read: impl Fn(&Object<'_>) -> Result<T, Unreadable>,
    ) -> Result<Answer<Vec<T>>, CallError> {
        let mut exchanges = Vec::new();
        match self.whole_list(short, &mut exchanges, read).await {
            Ok(value) => Ok(Answer { value, exchanges }),
            Err(error) => Err(with_earlier(error, &exchanges)),
        }
    }
}

/// What was read of an answer, with how it came.
pub(super) fn answer<T>(read: Result<T, Unreadable>, exchanges: Vec<Exchange>) -> Result<Answer<T>, CallError> {
    match read {
        Ok(value) => Ok(Answer { value, exchanges }),
        Err(unreadable) => Err(makes_no_sense(unreadable, exchanges)),
    }
}

/// An answer that cannot be read.
pub(super) fn makes_no_sense(unreadable: Unreadable, mut exchanges: Vec<Exchange>) -> CallError {
    match exchanges.pop() {
        Some(last) => with_earlier(protocol(unreadable.reason, last), &exchanges),
        None => CallError { kind: CallErrorKind::Protocol { reason: unreadable.reason }, exchanges },
    }
}

/// What must be there.
pub(super) fn found((text, exchanges): Came404) -> Result<(String, Vec<Exchange>), CallError> {
    match text {
        Some(text) => Ok((text, exchanges)),
        None => Err(CallError {
            kind: CallErrorKind::Rejected { reason: "there is no such list at this address (404)".to_owned() },
            exchanges,
        }),
    }
}

/// An error with the exchanges that went before.
pub(super) fn with_earlier(mut error: CallError, earlier: &[Exchange]) -> CallError {
    error.exchanges.splice(0..0, earlier.iter().cloned());
    error
}

/// A no of ours or of the vendor, with what went over the wire.
pub(super) fn refused(reason: impl Into<String>, exchanges: Vec<Exchange>) -> CallError {
    CallError { kind: CallErrorKind::Rejected { reason: reason.into() }, exchanges }
}

/// A thing that cannot be asked for; nothing is sent.
pub(super) fn unlawful(reason: &str) -> CallError {
    refused(reason, Vec::new())
}

/// Whether a text can be an id: ids become parts of paths, so nothing else is ever sent.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// An id, or nothing is sent.
pub(super) fn id(text: &str) -> Result<&str, CallError> {
    if is_id(text) { Ok(text) } else { Err(unlawful("this is no id of the till")) }
}

/// A text as part of a query.
pub(super) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An amount as a JSON number with its own decimals. The number is made from text and printed as the shortest text that
/// means the same, so up to fifteen digits come out as they went in; a larger amount is nobody's, and refused.
pub(super) fn amount(fine: crate::domain::money::Fine) -> Result<Value, CallError> {
    let text = rust_decimal::Decimal::new(fine.0, 5).normalize().to_string();
    let number = (fine.0.unsigned_abs() < 1_000_000_000_000_000).then(|| serde_json::from_str::<Number>(&text).ok());
    number.flatten().map(Value::Number).ok_or_else(|| unlawful("this amount is too large"))
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
