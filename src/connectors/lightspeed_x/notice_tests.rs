//! What an X-Series notice is believed for, and what it says.

use super::super::script::{NOW, Script};
use super::tests::{SECRET, three_shapes, till, till_with};
use super::*;
use crate::domain::fact::Hint;

fn signed(body: &str, secret: &str) -> HeaderMap {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    header(&format!("signature={},algorithm=HMAC-SHA256", hex::encode(mac.finalize().into_bytes())))
}

fn header(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("X-Signature", http::HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
    headers
}

fn form(kind: Option<&str>, payload: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    if let Some(kind) = kind {
        form.append_pair("type", kind);
    }
    form.append_pair("payload", payload).finish()
}

#[test]
fn a_notice_is_believed_only_with_their_signature() {
    let till = till(&Script::new());
    let body = form(Some("sale.update"), &three_shapes()[0].to_string());
    let bytes = Bytes::from(body.clone());
    for secret in [SECRET, "the-old-secret"] {
        let read = till.read_notice(&signed(&body, secret), &bytes, NOW).expect("accepted");
        let [delivery] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(
            (delivery.kind.as_str(), delivery.external_id.as_str(), delivery.version),
            ("sale", "s1", Some(11_445_516_572))
        );
        assert!(matches!(delivery.fact, Ok(Fact::Sale(_))));
    }
    let good = signed(&body, SECRET)["x-signature"].to_str().expect("text").to_owned();
    let hex = good.split(['=', ',']).nth(1).expect("a value").to_owned();
    let mut non_ascii = HeaderMap::new();
    non_ascii.insert("x-signature", http::HeaderValue::from_bytes(b"signature=\xff").expect("a header"));
    for (what, headers) in [
        ("none", HeaderMap::new()),
        ("another secret", signed(&body, "another")),
        ("no secret", signed(&body, "")),
        ("other kind", header(&format!("signature={hex},algorithm=MD5"))),
        ("no kind", header(&format!("signature={hex},algorithm=none"))),
        ("cut", header(&format!("signature={},algorithm=HMAC-SHA256", &hex[..62]))),
        ("garbage", header("signature=,algorithm=HMAC-SHA256")),
        ("many", header(&format!("{}signature={hex}", "signature=aa,".repeat(20)))),
        ("long", header(&format!("{good},x={}", "a".repeat(65_536)))),
        ("not ascii", non_ascii),
    ] {
        assert!(matches!(till.read_notice(&headers, &bytes, NOW), Err(NoticeError::NotFromThem(_))), "{what}");
    }
    for upper in [
        format!("signature={},algorithm=hmac-sha256", hex.to_uppercase()),
        format!("algorithm=HMAC-SHA256, signature={hex}"),
    ] {
        assert!(till.read_notice(&header(&upper), &bytes, NOW).is_ok(), "{upper}");
    }
    let mut flipped = body.clone().into_bytes();
    flipped[20] ^= 1;
    assert!(matches!(till.read_notice(&header(&good), &Bytes::from(flipped), NOW), Err(NoticeError::NotFromThem(_))));
}

#[test]
fn a_notice_says_what_it_is_by_its_shape_when_it_must() {
    let till = till(&Script::new());
    let read = |kind: Option<&str>, payload: &str| {
        let body = form(kind, payload);
        till.read_notice(&signed(&body, SECRET), &Bytes::from(body), NOW)
    };
    for (payload, kind) in [
        (three_shapes()[0].to_string(), "sale"),
        (three_shapes()[2].to_string(), "sale"),
        (r#"{"id":"i","product_id":"p","outlet_id":"o","count":1,"version":3}"#.to_owned(), "inventory"),
        (r#"{"id":"p","handle":"tee","sku":"T","name":"Tee","version":3}"#.to_owned(), "product"),
        (r#"{"id":"c","customer_code":"A","version":3}"#.to_owned(), "customer"),
        (r#"{"register_closure_id":"x","version":3}"#.to_owned(), "register_closure"),
    ] {
        assert_eq!(read(None, &payload).expect("read")[0].kind, kind);
    }
    let hinted =
        read(Some("inventory.update"), r#"{"id":"i","product_id":"p","outlet_id":"o","count":1}"#).expect("read");
    assert_eq!((hinted[0].version, &hinted[0].fact), (None, &Ok(Fact::Hint(Hint::Stock))));
    let bare = read(Some("register_closure.create"), "{}").expect("read");
    assert!(bare[0].external_id.starts_with("body-") && matches!(bare[0].fact, Ok(Fact::Noted { .. })));
    let parked = read(Some("sale.update"), r#"{"id":"s1","version":4,"status":"CLOSED"}"#).expect("read");
    assert_eq!((parked[0].version, parked[0].fact.is_err()), (Some(4), true));
    for (kind, payload) in [(None, "{}"), (Some("sale.update"), "[]"), (Some("sale.update"), "NaN"), (None, "")] {
        assert!(matches!(read(kind, payload), Err(NoticeError::Unreadable(_))), "{payload}");
    }
    for body in ["type=sale.update", "payload=%FF%FE", "payload=%7B%7D&payload=%7B%7D", ""] {
        let answer = till.read_notice(&signed(body, SECRET), &Bytes::from(body.to_owned()), NOW);
        assert!(matches!(answer, Err(NoticeError::Unreadable(_))), "{body}");
    }
}

#[test]
fn an_unsigned_connections_notices_only_wake_sweeps() {
    let till = till_with(&Script::new(), true);
    let body = form(Some("sale.update"), &three_shapes()[0].to_string());
    let read = till.read_notice(&HeaderMap::new(), &Bytes::from(body.clone()), NOW).expect("accepted");
    assert_eq!((read[0].version, &read[0].fact), (None, &Ok(Fact::Hint(Hint::Sales))));
    let wrong = till.read_notice(&signed(&body, "another"), &Bytes::from(body), NOW);
    assert!(matches!(wrong, Err(NoticeError::NotFromThem(_))));
    // What a signed one is kept for would be kept from anybody.
    let closure = form(Some("register_closure.create"), r#"{"register_id":"r","version":3}"#);
    let read = till.read_notice(&HeaderMap::new(), &Bytes::from(closure), NOW).expect("accepted");
    assert!(matches!((read[0].version, &read[0].fact), (None, Ok(Fact::Hint(_)))), "{:?}", read[0]);
}
