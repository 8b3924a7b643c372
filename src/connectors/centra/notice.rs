//! The vendor's notices: a form with a list of events, signed with a time. They say what changed and never how, so
//! every one of them is only a hint.

use super::super::json::Object;
use super::super::notice::{Delivery, NoticeError};
use super::super::signature::{self, CANDIDATES_MAX, HEADER_MAX};
use crate::domain::fact::{Fact, Hint};
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use http::HeaderMap;
use secrecy::SecretString;

const SIGNATURE_HEADER: &str = "x-centra-signature";

/// How far the signed time may be from our clock, both ways: a notice is sent at once or within a few retries.
const TOLERANCE: Span = Span::minutes(5);

/// Most events believed in one notice; the vendor sends at most a hundred.
const EVENTS_MAX: usize = 1_000;

/// Checks the sender and the time, and reads the events.
pub(super) fn read(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &Bytes,
    at: Timestamp,
) -> Result<Vec<Delivery>, NoticeError> {
    check(secrets, headers, body, at)?;
    events(&payload(body)?)
}

fn check(secrets: &[SecretString], headers: &HeaderMap, body: &Bytes, at: Timestamp) -> Result<(), NoticeError> {
    let not_from_them = |why: &str| NoticeError::NotFromThem(why.to_owned());
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(not_from_them("there is not exactly one signature header"));
    };
    if value.len() > HEADER_MAX {
        return Err(not_from_them("the signature header is too long"));
    }
    let text = value.to_str().map_err(|_| not_from_them("the signature header is not plain text"))?;
    let (mut time, mut candidates) = (None, Vec::new());
    for part in text.split(',') {
        match part.trim().split_once('=') {
            Some(("t", _)) if time.is_some() => return Err(not_from_them("the signature names two times")),
            Some(("t", value)) => time = Some(value.trim()),
            Some(("v1", value)) => candidates.push(value.trim()),
            _ => {}
        }
        if candidates.len() > CANDIDATES_MAX {
            return Err(not_from_them("there are more signatures than one notice can have"));
        }
    }
    let time = time.ok_or_else(|| not_from_them("the signature names no time"))?;
    let candidates: Vec<[u8; 32]> = candidates.into_iter().filter_map(signature::from_hex).collect();
    if !signature::matches(secrets, &[time.as_bytes(), b".", body], &candidates) {
        return Err(not_from_them("the signature does not fit"));
    }
    let signed_at = time.parse::<i64>().map_err(|_| not_from_them("the signed time is not a number"))?;
    let ahead = signed_at.saturating_sub(at.secs());
    if ahead.saturating_abs() > TOLERANCE.0 / 1_000_000 {
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        // Without the number of seconds: refusals are counted by their reason, and each repeat is another number late.
        return Err(NoticeError::WrongTime(format!(
            "the shop's clock is {direction} ours, or the notice is a repeated old one"
        )));
    }
    Ok(())
}

fn payload(body: &Bytes) -> Result<String, NoticeError> {
    let mut payloads = form_urlencoded::parse(body).filter(|(name, _)| name == "payload");
    match (payloads.next(), payloads.next()) {
        (Some((_, payload)), None) => Ok(payload.into_owned()),
        (None, _) => Err(NoticeError::Unreadable("the form has no payload".to_owned())),
        (Some(_), Some(_)) => Err(NoticeError::Unreadable("there is more than one payload".to_owned())),
    }
}

fn events(payload: &str) -> Result<Vec<Delivery>, NoticeError> {
    let unreadable = |reason: super::super::Unreadable| NoticeError::Unreadable(reason.reason);
    let body = Object::open("payload", payload).map_err(unreadable)?;
    let elements = body.elements("events").map_err(unreadable)?;
    if elements.len() > EVENTS_MAX {
        return Err(NoticeError::Unreadable("more events than one notice can have".to_owned()));
    }
    let mut deliveries = Vec::with_capacity(elements.len());
    for raw in elements {
        let event = Object::open("event", raw.get()).map_err(unreadable)?;
        let kind = event.need_key("type").map_err(unreadable)?;
        deliveries.push(Delivery {
            external_id: event.need_key("id").map_err(unreadable)?,
            version: None,
            raw: raw.get().to_owned(),
            fact: Ok(hint(&kind)),
            kind,
        });
    }
    Ok(deliveries)
}

/// What a notice or an event of this kind asks us to read again.
pub(super) fn hint(kind: &str) -> Fact {
    match kind {
        // A shipment moves its order on; the two warehouse requests are about an order's allocation.
        "order" | "shipment" | "allocation_request" | "check_first" => Fact::Hint(Hint::Orders),
        // A return puts units back without touching its order.
        "return" => Fact::Hint(Hint::Stock),
        "product" => Fact::Hint(Hint::Catalogue),
        "stock" => Fact::Hint(Hint::Stock),
        other => Fact::Noted { kind: other.to_owned() },
    }
}
