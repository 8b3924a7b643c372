//! One call: with a token that is good, within the budget, once more with a new token when the vendor ends the old one.

use super::super::call::{Ask, Came, protocol};
use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::super::pacing::drips::{DRIP, Seen};
use super::super::{Answer, Unreadable};
use super::ask::Question;
use super::{LightspeedR, costs, errors, feed, wire};
use crate::domain::time::Timestamp;
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::Ordering;

/// An answer that was understood as far as its status.
pub(super) struct Said {
    /// The body; `None` when the vendor answers that there is no such thing.
    pub(super) text: Option<String>,
    pub(super) exchanges: Vec<Exchange>,
    /// The last second that was over when the question reached the vendor.
    pub(super) ended: i64,
}

/// Whether a call is one of its own or finishes what another has begun.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Own,
    FollowUp,
}

impl LightspeedR {
    /// One call.
    pub(super) async fn ask(&self, question: &Question, pace: Pace) -> Result<Said, CallError> {
        let known = self.ended.load(Ordering::SeqCst);
        let (access, mut exchanges) = self.door.access(None).await?;
        let (mut came, mut poured_at) = self.send(question, &access, pace).await.map_err(|e| after(&exchanges, e))?;
        if came.status == StatusCode::UNAUTHORIZED {
            exchanges.push(came.exchange);
            let renewed = self.door.access(Some(&access)).await;
            let (access, more) = renewed.map_err(|e| after(&exchanges, e))?;
            exchanges.extend(more);
            let again = self.send(question, &access, Pace::FollowUp).await;
            (came, poured_at) = again.map_err(|e| after(&exchanges, e))?;
        }
        let (ended, told) = feed::ended(&came.headers, poured_at, came.at, known);
        if told {
            self.ended.store(ended, Ordering::SeqCst);
        }
        if came.status == StatusCode::NOT_FOUND {
            exchanges.push(came.exchange);
            return Ok(Said { text: None, exchanges, ended });
        }
        match errors::judge(came, &question.method, &question.path) {
            Ok((text, exchange)) => {
                exchanges.push(exchange);
                Ok(Said { text: Some(text), exchanges, ended })
            }
            Err(error) => {
                if let CallErrorKind::Throttled { until } = error.kind {
                    self.drips.block(until);
                }
                Err(after(&exchanges, error))
            }
        }
    }

    /// Pours the call into the bucket and sends it; says when it was poured.
    async fn send(
        &self,
        question: &Question,
        access: &SecretString,
        pace: Pace,
    ) -> Result<(Came, Timestamp), CallError> {
        let at = self.caller.clock.now();
        let allowed = match pace {
            Pace::Own => self.drips.try_take(at, question.cost),
            Pace::FollowUp => self.drips.follow_up(at, question.cost),
        };
        if let Err(until) = allowed {
            return Err(CallError { kind: CallErrorKind::Paced { until }, exchanges: Vec::new() });
        }
        let shown = HeaderValue::from_str(&format!("Bearer {}", access.expose_secret())).map_err(|_| CallError {
            kind: CallErrorKind::Rejected {
                reason: "the key of this connection contains characters no key can have".to_owned(),
            },
            exchanges: Vec::new(),
        })?;
        let ask = Ask {
            purpose: question.purpose,
            method: question.method.clone(),
            path: &question.path,
            body: question.body.clone(),
            mutates: question.mutates,
        };
        let mut hidden = self.door.secrets();
        hidden.push(access.clone());
        let hidden: Vec<&SecretString> = hidden.iter().collect();
        let answer = self.caller.send_as(ask, &self.door.base_url(), shown, &hidden).await;
        let now = self.caller.clock.now();
        let mut seen = answer.as_ref().map(|came| seen(&came.headers)).unwrap_or_default();
        if answer.as_ref().is_ok_and(|came| came.status == StatusCode::TOO_MANY_REQUESTS) {
            // What is refused is not poured in, whatever it would have cost.
            seen.cost = Some(0);
        }
        self.drips.learn(at, now, question.cost, seen);
        answer.map(|came| (came, at))
    }

    /// The beginning of every path; asks for the account once when nobody told it.
    pub(super) async fn root(&self, exchanges: &mut Vec<Exchange>) -> Result<String, CallError> {
        let account = match self.door.account() {
            Some(account) => account,
            None => {
                let path = "/API/V3/Account.json".to_owned();
                let said = self.ask(&Question::read("learn the account", path, costs::ONE), Pace::Own).await?;
                let (text, seen) = found(said)?;
                let id = wire::single(&text, "Account").and_then(|raw| {
                    Object::open("Account", raw.get()).and_then(|account| account.need_key("accountID"))
                });
                let id = id.map_err(|unreadable| after(&seen, makes_no_sense(unreadable)))?;
                exchanges.extend(seen);
                id
            }
        };
        if !wire::is_id(&account) {
            let reason = "the account of this connection is not a number".to_owned();
            return Err(CallError { kind: CallErrorKind::Rejected { reason }, exchanges: Vec::new() });
        }
        self.door.learned(&account);
        Ok(format!("/API/V3/Account/{account}/"))
    }

    /// The whole of a short list, each row read by `read`.
    pub(super) async fn whole_list<T>(
        &self,
        mut question: Question,
        resource: &str,
        exchanges: &mut Vec<Exchange>,
        read: impl Fn(&str) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, CallError> {
        let mut rows = Vec::new();
        for _ in 0..PAGES_MAX {
            let said = self.ask(&question, Pace::Own).await.map_err(|error| after(exchanges, error))?;
            let (text, seen) = found(said)?;
            exchanges.extend(seen);
            let page = wire::list(&text, resource).and_then(|list| {
                rows.extend(list.rows.iter().map(|raw| read(raw.get())).collect::<Result<Vec<_>, _>>()?);
                list.next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()
            });
            match page {
                Ok(None) => return Ok(rows),
                Ok(Some(next)) => question.path = next,
                Err(unreadable) => return Err(after(exchanges, makes_no_sense(unreadable))),
            }
        }
        // Leaving some out in silence would hide them.
        let reason = format!("the list of {resource} rows does not end");
        Err(CallError { kind: CallErrorKind::Protocol { reason }, exchanges: Vec::new() })
    }
}

/// Most pages read of a short list: nobody has two thousand shops on one account.
const PAGES_MAX: usize = 20;

/// An error with the exchanges that went before it.
pub(super) fn after(earlier: &[Exchange], mut error: CallError) -> CallError {
    error.exchanges.splice(0..0, earlier.iter().cloned());
    error
}

/// An answer that could not be understood.
pub(super) fn makes_no_sense(unreadable: Unreadable) -> CallError {
    CallError { kind: CallErrorKind::Protocol { reason: unreadable.reason }, exchanges: Vec::new() }
}

/// The body of something that must be there.
pub(super) fn found(said: Said) -> Result<(String, Vec<Exchange>), CallError> {
    match said.text {
        Some(text) => Ok((text, said.exchanges)),
        None => Err(CallError {
            kind: CallErrorKind::Rejected { reason: "there is nothing at this address (404)".to_owned() },
            exchanges: said.exchanges,
        }),
    }
}

/// What was understood, with its exchanges.
pub(super) fn answer<T>(read: Result<T, Unreadable>, mut exchanges: Vec<Exchange>) -> Result<Answer<T>, CallError> {
    match (read, exchanges.pop()) {
        (Ok(value), last) => {
            exchanges.extend(last);
            Ok(Answer { value, exchanges })
        }
        (Err(unreadable), Some(last)) => Err(after(&exchanges, protocol(unreadable.reason, last))),
        (Err(unreadable), None) => Err(makes_no_sense(unreadable)),
    }
}

/// What the headers say about the bucket. Their names come in any case and their figures with any decimals.
fn seen(headers: &HeaderMap) -> Seen {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let (level, size) = match text("x-ls-api-bucket-level").and_then(|text| text.split_once('/')) {
        Some((level, size)) => (drips(level), drips(size)),
        None => (None, None),
    };
    let burst = text("x-ls-api-burst-level").and_then(|text| text.split_once('/'));
    Seen {
        level,
        size,
        drip: text("x-ls-api-drip-rate").and_then(drips),
        cost: text("x-ls-api-request-cost").and_then(drips),
        burst: burst.and_then(|(_, most)| drips(most)).map(|most| most / DRIP),
    }
}

/// A figure in parts of a drip, rounded up; `None` when it is none, or cannot be true.
fn drips(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() || text.len() > 40 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let number: Decimal = text.parse().ok()?;
    let parts = number.checked_mul(Decimal::from(DRIP))?.ceil().to_i64()?;
    (0..=1_000_000 * DRIP).contains(&parts).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_read_in_any_spelling_and_with_any_decimals() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("X-Ls-Api-Bucket-Level", "75.898271799086/90"),
            ("x-ls-api-burst-level", " 1/20 "),
            ("X-LS-API-Drip-Rate", "1.5"),
            ("X-LS-API-REQUEST-COST", "2.2"),
        ] {
            headers.insert(http::HeaderName::try_from(name).expect("a name"), HeaderValue::from_static(value));
        }
        let want = Seen {
            level: Some(75_898_272),
            size: Some(90 * DRIP),
            drip: Some(1_500_000),
            cost: Some(2_200_000),
            burst: Some(20),
        };
        assert_eq!(seen(&headers), want);
        assert_eq!(seen(&HeaderMap::new()), Seen::default());
    }

    #[test]
    fn figures_that_cannot_be_true_say_nothing() {
        for text in ["", " ", "-1", "NaN", "1e9", "1,5", "9999999999999999", "1.2.3", ".", "inf", "٣"] {
            assert_eq!(drips(text), None, "{text}");
        }
        assert_eq!(drips("0.0000001"), Some(1));
    }
}
