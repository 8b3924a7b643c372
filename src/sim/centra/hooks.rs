//! Notices of the shop: a signed form that names what changed, and nothing about it.

use super::super::text;
use crate::domain::time::Timestamp;
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

/// The raw body. `date` is in the shop's zone and does not say so.
pub(in crate::sim) fn form(kind: &str, action: &str, id: i64, at: Timestamp, zone: chrono_tz::Tz) -> Vec<u8> {
    let payload = json!({"events": [{"type": kind, "action": action, "date": text::micros_local(at, zone), "id": id}]});
    form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish().into_bytes()
}

/// Content type and signature; the signature covers the moment of sending and the raw body.
pub(in crate::sim) fn headers(secret: &str, body: &[u8], now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Ok(value) = HeaderValue::from_str(&signature(secret, body, now.secs())) {
        headers.insert("x-centra-signature", value);
    }
    headers
}

fn signature(secret: &str, body: &[u8], t: i64) -> String {
    let mut message = format!("{t}.").into_bytes();
    message.extend_from_slice(body);
    format!("t={t},v1={}", text::sign(secret, &message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_equals_the_published_vector() {
        assert_eq!(
            signature("test123", b"payload=%7B%22x%22%3A%22test%22%7D", 12_345_678),
            "t=12345678,v1=0b9cd84f5d583e5e1aadfb9f160aa8080b51d5b85ff85808d6b75bdac356c549"
        );
    }

    #[test]
    fn a_body_names_the_change_and_nothing_else() {
        let body = form("order", "update", 1_042, Timestamp(1_770_027_302_120_045), chrono_tz::Europe::Stockholm);
        let (_, payload) = form_urlencoded::parse(&body).next().expect("one field");
        assert_eq!(
            payload,
            r#"{"events":[{"action":"update","date":"2026-02-02 11:15:02.120045","id":1042,"type":"order"}]}"#
        );
    }
}
