//! The vendor's notices: a form with the record as JSON in its field `payload`, signed over the raw body.
//!
//! Only `payload` is promised; the type of the notice may have to be told from the record's shape. There is no event
//! id: kind, id and version are the identity, so a notice without a version is only a hint.

use super::super::json::Object;
use super::super::notice::{Delivery, NoticeError};
use super::super::signature::{self, CANDIDATES_MAX, HEADER_MAX};
use super::super::{Unreadable, fingerprint};
use super::{products, sales, stock, wire};
use crate::domain::fact::{Fact, Hint};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderMap;
use secrecy::SecretString;

const SIGNATURE_HEADER: &str = "x-signature";

/// Checks the sender and reads the notice.
pub(super) fn read(
    secrets: &[SecretString],
    unsigned_ok: bool,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Vec<Delivery>, NoticeError> {
    let signed = check(secrets, unsigned_ok, headers, body)?;
    let (kind, payload) = form(body)?;
    let delivery = deliver(kind.as_deref(), payload)?;
    Ok(vec![if signed { delivery } else { only_a_hint(delivery) }])
}

/// `true` when signed by them, `false` when this connection's notices carry no signature.
fn check(secrets: &[SecretString], unsigned_ok: bool, headers: &HeaderMap, body: &Bytes) -> Result<bool, NoticeError> {
    let not_from_them = |why: &str| NoticeError::NotFromThem(why.to_owned());
    if !headers.contains_key(SIGNATURE_HEADER) || (unsigned_ok && secrets.is_empty()) {
        return match unsigned_ok {
            true => Ok(false),
            false => Err(not_from_them("there is no signature")),
        };
    }
    let mut candidates = Vec::new();
    for value in headers.get_all(SIGNATURE_HEADER) {
        if value.len() > HEADER_MAX {
            return Err(not_from_them("the signature header is too long"));
        }
        let text = value.to_str().map_err(|_| not_from_them("the signature header is not plain text"))?;
        for part in text.split(',') {
            match part.trim().split_once('=') {
                Some(("signature", value)) => candidates.push(value),
                Some(("algorithm", name)) if name.eq_ignore_ascii_case("HMAC-SHA256") => {}
                Some(("algorithm", _)) => {
                    return Err(not_from_them("the signature is of another kind than HMAC-SHA256"));
                }
                _ => {}
            }
            if candidates.len() > CANDIDATES_MAX {
                return Err(not_from_them("there are more signatures than one notice can have"));
            }
        }
    }
    let candidates: Vec<[u8; 32]> = candidates.into_iter().filter_map(decode).collect();
    if signature::matches(secrets, &[body], &candidates) {
        Ok(true)
    } else {
        Err(not_from_them("the signature does not fit"))
    }
}

/// A signature as hexadecimal digits or as base64; the vendor's own sample leaves open which.
fn decode(text: &str) -> Option<[u8; 32]> {
    signature::from_hex(text).or_else(|| {
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|engine| <[u8; 32]>::try_from(engine.decode(text).ok()?).ok())
    })
}

/// The notice's type, if told, and its payload.
fn form(body: &Bytes) -> Result<(Option<String>, String), NoticeError> {
    let unreadable = |why: &str| NoticeError::Unreadable(why.to_owned());
    let (mut kind, mut payload) = (None, None);
    for (name, value) in form_urlencoded::parse(body) {
        match name.as_ref() {
            "type" => kind = Some(value.into_owned()),
            "payload" if payload.is_some() => return Err(unreadable("there is more than one payload")),
            "payload" => payload = Some(value.into_owned()),
            _ => {}
        }
    }
    let payload = payload.ok_or_else(|| unreadable("the form has no payload"))?;
    // Bytes that are no UTF-8 are decoded to this sign, unless it was sent as itself.
    let sent_as_itself = || body.windows(9).any(|nine| nine.eq_ignore_ascii_case(b"%EF%BF%BD"));
    if payload.contains('\u{fffd}') && !sent_as_itself() {
        return Err(unreadable("the payload is not text in UTF-8"));
    }
    Ok((kind.filter(|kind| !kind.is_empty()), payload))
}

fn deliver(told: Option<&str>, payload: String) -> Result<Delivery, NoticeError> {
    let object = Object::open("payload", &payload).map_err(|unreadable| NoticeError::Unreadable(unreadable.reason))?;
    let kind = match told {
        Some(told) => kind_of(told),
        None => sniff(&object).ok_or_else(|| {
            NoticeError::Unreadable("the notice does not say what it is about, and its shape does not tell".to_owned())
        })?,
    };
    let acted_on = matches!(kind.as_str(), "sale" | "inventory" | "product");
    let (external_id, version, fact) = match wire::identity_of(&kind, &object) {
        Ok((id, Some(version))) => (id, Some(version), wire::interpret_object(&kind, &object)),
        Ok((id, None)) => (id, None, Ok(hint(&kind))),
        // What we only keep needs no id of theirs: its own bytes tell it apart.
        Err(_) if !acted_on => (fingerprint(&payload), None, Ok(hint(&kind))),
        Err(unreadable) => (fingerprint(&payload), None, Err(unreadable)),
    };
    Ok(Delivery { kind, external_id, version, raw: payload, fact })
}

/// Our word for the vendor's type of notice: the one a sweep uses for the same record.
fn kind_of(told: &str) -> String {
    match told {
        "sale.update" => "sale",
        "inventory.update" => "inventory",
        "product.update" => "product",
        "customer.update" => "customer",
        "register_closure.create" => "register_closure",
        "consignment.send" | "consignment.receive" => "consignment",
        other => other,
    }
    .chars()
    .take(100)
    .collect()
}

fn sniff(payload: &Object<'_>) -> Option<String> {
    let kind = if sales::looks_like(payload) {
        "sale"
    } else if payload.has("register_closure_id") || payload.has("register_close_time") {
        "register_closure"
    } else if stock::looks_like(payload) {
        "inventory"
    } else if payload.has("customer_code") {
        "customer"
    } else if products::looks_like(payload) {
        "product"
    } else {
        return None;
    };
    Some(kind.to_owned())
}

fn hint(kind: &str) -> Fact {
    match kind {
        "sale" => Fact::Hint(Hint::Sales),
        "inventory" => Fact::Hint(Hint::Stock),
        "product" => Fact::Hint(Hint::Catalogue),
        other => Fact::Noted { kind: other.to_owned() },
    }
}

/// What an unsigned notice may do: wake a sweep. Nothing it says is believed, not even that it cannot be read.
fn only_a_hint(delivery: Delivery) -> Delivery {
    let fact: Result<Fact, Unreadable> = Ok(match hint(&delivery.kind) {
        // What is only kept is not kept from anybody.
        Fact::Noted { .. } => Fact::Hint(Hint::Sales),
        hint => hint,
    });
    Delivery { version: None, fact, ..delivery }
}
