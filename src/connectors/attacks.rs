//! What a stranger puts into a signature's header, and what a vendor's answer tries to lead us to.

use super::centra::{Centra, CentraConfig};
use super::keys::Keys;
use super::lightspeed_x::{LightspeedX, LightspeedXConfig};
use super::notice::NoticeError;
use super::script::{NOW, Script};
use super::signature::MADE;
use super::{Shop, Till};
use crate::domain::ids::ConnectionId;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use std::sync::Arc;

const SECRETS: [&str; 2] = ["the secret", "the one before"];

fn secrets() -> Vec<SecretString> {
    SECRETS.map(SecretString::from).into()
}

fn till(script: &Arc<Script>) -> LightspeedX {
    let config = LightspeedXConfig {
        connection: ConnectionId::new("till"),
        base_url: "https://demo.retail.lightspeed.app".to_owned(),
        token: SecretString::from("the-token"),
        webhook_secrets: secrets(),
        unsigned_ok: false,
        unpaced: false,
    };
    LightspeedX::new(config, script.clone(), Script::clock())
}

fn shop(script: &Arc<Script>) -> Centra {
    let config = CentraConfig {
        connection: ConnectionId::new("shop"),
        base_url: "https://brand.centra.com".to_owned(),
        token: SecretString::from("the-token"),
        webhook_secrets: secrets(),
        store_currency: "EUR".to_owned(),
        unpaced: true,
    };
    Centra::new(config, script.clone(), Script::clock())
}

fn header(name: &'static str, value: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_bytes(value).expect("a header"));
    headers
}

/// How many keyed hashes this work makes.
fn hashes<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = MADE.get();
    let done = work();
    (done, MADE.get() - before)
}

/// A07: whatever stands in the header, it is refused, and the work is bounded: one hash for each of our own secrets
/// at most, and none for what is too long or too many.
#[test]
fn endless_signatures_are_refused_with_bounded_work() {
    let script = Script::new();
    let (till, shop) = (till(&script), shop(&script));
    let body = Bytes::from_static(b"type=sale.update&payload=%7B%7D");
    let (hex, time) = ("ab".repeat(32), NOW.secs());
    let cases: [(&str, String, String, usize); 4] = [
        (
            "a thousand candidates",
            format!("{}algorithm=HMAC-SHA256", format!("signature={hex},").repeat(1_000)),
            format!("t={time}{}", format!(",v1={hex}").repeat(1_000)),
            0,
        ),
        (
            "a thousand short ones",
            format!("{}algorithm=HMAC-SHA256", "signature=a,".repeat(80)),
            format!("t={time}{}", ",v1=a".repeat(150)),
            0,
        ),
        ("64 KiB", format!("signature={}", "a".repeat(65_536)), format!("t={time},v1={}", "a".repeat(65_536)), 0),
        (
            "eight that are wrong",
            format!("signature={hex},").repeat(8),
            format!("t={time}{}", format!(",v1={hex}").repeat(8)),
            2,
        ),
    ];
    for (what, for_till, for_shop, most) in cases {
        let (read, made) = hashes(|| till.read_notice(&header("x-signature", for_till.as_bytes()), &body, NOW));
        assert!(matches!(read, Err(NoticeError::NotFromThem(_))), "till, {what}: {read:?}");
        assert_eq!(made, most, "till, {what}");
        let (read, made) = hashes(|| shop.read_notice(&header("x-centra-signature", for_shop.as_bytes()), &body, NOW));
        assert!(matches!(read, Err(NoticeError::NotFromThem(_))), "shop, {what}: {read:?}");
        assert_eq!(made, most, "shop, {what}");
    }
    for bytes in [b"signature=\xff".as_slice(), b"t=1,v1=\xc3\xa9", "signature=é".as_bytes()] {
        let (read, made) = hashes(|| till.read_notice(&header("x-signature", bytes), &body, NOW));
        assert!(matches!(read, Err(NoticeError::NotFromThem(_))) && made == 0, "till: {read:?}");
        let (read, made) = hashes(|| shop.read_notice(&header("x-centra-signature", bytes), &body, NOW));
        assert!(matches!(read, Err(NoticeError::NotFromThem(_))) && made == 0, "shop: {read:?}");
    }
    // Many headers instead of a long one.
    let mut many = HeaderMap::new();
    for _ in 0..100 {
        many.append("x-signature", HeaderValue::from_static("signature=aa"));
        many.append("x-centra-signature", HeaderValue::from_static("t=1,v1=aa"));
    }
    let (read, made) = hashes(|| till.read_notice(&many, &body, NOW));
    assert!(matches!(read, Err(NoticeError::NotFromThem(_))) && made == 0, "{read:?}");
    let (read, made) = hashes(|| shop.read_notice(&many, &body, NOW));
    assert!(matches!(read, Err(NoticeError::NotFromThem(_))) && made == 0, "{read:?}");
}

fn signed(secret: &str, body: &[u8]) -> HeaderMap {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    let text = format!("signature={},algorithm=HMAC-SHA256", hex::encode(mac.finalize().into_bytes()));
    header("x-signature", text.as_bytes())
}

/// A06: keys that were changed are shown and believed from the next call and notice on.
#[tokio::test]
async fn other_keys_are_used_from_the_next_call_on() {
    let script = Script::new();
    script.then(401, "{}").then(401, "{}").then(401, "{}").then(401, "{}");
    let (till, shop) = (till(&script), shop(&script));
    let keys = || {
        Keys::for_good(
            "https://other.centra.com".to_owned(),
            SecretString::from("another-key"),
            vec![SecretString::from("another secret")],
        )
    };
    let body = Bytes::from_static(b"type=sale.update&payload=%7B%22id%22%3A%22s%22%2C%22version%22%3A3%7D");
    assert!(till.read_notice(&signed("the secret", &body), &body, NOW).is_ok());
    for _ in 0..2 {
        assert!(till.sales_after(None).await.is_err());
        assert!(shop.orders_after(None).await.is_err());
        till.change_keys(keys());
        shop.change_keys(keys());
    }
    assert_eq!(script.shown(), ["Bearer the-token", "Bearer the-token", "Bearer another-key", "Bearer another-key"]);
    assert!(till.read_notice(&signed("the secret", &body), &body, NOW).is_err());
    assert!(till.read_notice(&signed("another secret", &body), &body, NOW).is_ok());
}

/// A45: an answer that names a next page elsewhere leads nowhere: where a list goes on is ours to say.
#[tokio::test]
async fn a_next_page_on_another_host_is_not_followed() {
    let script = Script::new();
    let links = [("link", "<https://evil.example/next>; rel=\"next\""), ("location", "https://evil.example/next")];
    let rows = r#"{"data":[{"id":"s","version":9}],"version":{"min":9,"max":9},"next":"https://evil.example/next",
        "links":{"next":"https://evil.example/next"},"pagination":{"next_page":"https://evil.example/next"}}"#;
    script.then_with(200, &links, rows).then_with(200, &links, rows.replace('9', "10"));
    let till = till(&script);
    let first = till.sales_after(None).await.expect("a page").value;
    let next = first.next.or(first.resume).expect("somewhere to go on");
    let _second = till.sales_after(Some(&next)).await;
    assert_eq!(script.called().len(), 2);
    for address in script.called() {
        assert!(address.starts_with("https://demo.retail.lightspeed.app/api/"), "{address}");
    }
    assert!(till.sales_after(Some("https://evil.example/next")).await.is_err(), "and a mark is a number of theirs");
    assert_eq!(script.called().len(), 2);
}
