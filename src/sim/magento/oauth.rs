//! The signature of OAuth 1.0a as this server computes it, which differs from RFC 5849 in three ways: parameters
//! are sorted in natural order, the path is decoded in part before it is signed, and a space must be `%20`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The parameters of an `Authorization: OAuth` header, decoded.
pub(super) fn header_parameters(header: &str) -> BTreeMap<String, String> {
    let part = |pair: &str| {
        let (name, value) = pair.trim().split_once('=')?;
        Some((raw_decode(name.trim()), raw_decode(value.trim().trim_matches('"'))))
    };
    header.split(',').filter_map(part).collect()
}

/// The parameters of a query as the signature sees them: a plus stays a plus.
pub(super) fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let part = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (raw_decode(name), raw_decode(value))
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(part).collect()
}

/// What the caller must have signed with.
pub(super) fn signature(
    method: &str,
    url: &str,
    parameters: &BTreeMap<String, String>,
    consumer_secret: &str,
    token_secret: &str,
) -> String {
    let encoded = parameters.iter().filter(|(name, _)| name.as_str() != "oauth_signature");
    let mut pairs: Vec<(String, String)> = encoded.map(|(name, value)| (raw_encode(name), raw_encode(value))).collect();
    pairs.sort_by(|a, b| natural(&a.0, &b.0));
    let joined: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let base = format!("{}&{}&{}", method.to_uppercase(), raw_encode(url), raw_encode(&joined.join("&")));
    let key = format!("{}&{}", raw_encode(consumer_secret), raw_encode(token_secret));
    // HMAC takes keys of any length.
    match Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
        Ok(mut mac) => {
            mac.update(base.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

/// The path as it stands in the signed address: escapes of unreserved letters and of `: @ & = + $ , / ; %` are
/// taken back, everything else that is not one of these is escaped again.
pub(super) fn signed_path(path: &str) -> String {
    let free = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@&=+$,/;%".contains(&byte);
    let mut half = Vec::new();
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match escape_at(bytes, at).filter(|found| free(*found)) {
            Some(found) => {
                half.push(found);
                at += 3;
            }
            None => {
                half.push(*byte);
                at += 1;
            }
        }
    }
    let mut out = String::new();
    for (at, byte) in half.iter().enumerate() {
        let lone_percent = *byte == b'%' && escape_at(&half, at).is_none();
        if (free(*byte) || b"()".contains(byte)) && !lone_percent {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    if bytes.get(at) != Some(&b'%') {
        return None;
    }
    let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// Escapes taken back, and nothing else.
pub(super) fn raw_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match escape_at(bytes, at) {
            Some(found) => {
                out.push(found);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Everything but the unreserved letters escaped.
pub(super) fn raw_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Natural order, with case: runs of digits count as numbers, so `2` stands before `10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some((first_a, rest_a)), Some((first_b, rest_b))) = (a.split_first(), b.split_first()) else {
            return a.len().cmp(&b.len());
        };
        if first_a.is_ascii_digit() && first_b.is_ascii_digit() {
            let (run_a, after_a) = a.split_at(digits(a));
            let (run_b, after_b) = b.split_at(digits(b));
            // A run that begins with a nought is compared as a fraction, from the left.
            let fraction = *first_a == b'0' || *first_b == b'0';
            let order = if fraction { run_a.cmp(run_b) } else { run_a.len().cmp(&run_b.len()).then(run_a.cmp(run_b)) };
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (after_a, after_b);
        } else if first_a != first_b {
            return first_a.cmp(first_b);
        } else {
            (a, b) = (rest_a, rest_b);
        }
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
