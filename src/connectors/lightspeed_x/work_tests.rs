use super::super::credential::{Credential, NotKept, OAuth2, TokenKeeper};
use super::super::error::CallErrorKind;
use super::super::script::{NOW, Script};
use super::catalogue::Source;
use super::making::{MadeProduct, Move, NewProduct, NewVariant, Price, ProductChange, Reason};
use super::sign_in::{self, Application};
use super::tests::till;
use super::*;
use crate::domain::ids::ConnectionId;
use crate::domain::money::Fine;
use crate::domain::time::Span;
use futures_util::FutureExt;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::Mutex;

fn list(rows: &Value) -> String {
    json!({ "data": rows, "version": { "min": null, "max": null } }).to_string()
}

fn body(script: &Script, index: usize) -> Value {
    let asked = script.asked();
    serde_json::from_str(asked[index].splitn(3, ' ').nth(2).expect("a body")).expect("JSON")
}

fn row(id: &str, sku: &str, family: &str) -> Value {
    json!({ "id": id, "name": "Tee", "sku": sku, "family_id": family, "handle": "tee", "version": 5, "has_variants": true,
            "variant_options": [{ "name": "Size", "value": "M" }], "product_codes": [{ "code": sku, "type": "CUSTOM" }],
            "price_including_tax": 30, "price_excluding_tax": 26.086956521, "source": "SHOP", "source_id": "77" })
}

#[tokio::test]
async fn products_are_found_by_sku_by_family_and_by_reference() {
    let script = Script::new();
    // A look-up that is not obeyed answers with others.
    script.then(200, list(&json!([row("p1", "TEE-M", "f1"), row("p9", "OTHER", "f9")])));
    script.then(200, json!({ "data": row("p1", "TEE-M", "f1") }).to_string());
    script.then(200, list(&json!([row("p2", "TEE-L", "f1"), row("p3", "TEE-X", "f2")])));
    script.then(200, list(&json!([row("p1", "TEE-M", "f1")])));
    script.then(404, "{}");
    let till = till(&script);
    let found = till.products_by_sku("TEE-M").await.expect("rows").value;
    assert_eq!((found.len(), found[0].id.as_str()), (1, "p1"));
    assert_eq!((found[0].price_with_tax, found[0].price_without_tax), (Some(Fine(3_000_000)), Some(Fine(2_608_696))));
    let family: Vec<_> = till.family_of("p1").await.expect("rows").value.into_iter().map(|p| p.id).collect();
    assert_eq!(family, ["p2", "p1"]);
    let ours = Source { kind: "SHOP".to_owned(), product: "77".to_owned(), variant: String::new() };
    assert_eq!(till.products_by_reference("Tee & co", &ours).await.expect("rows").value.len(), 1);
    assert!(script.asked()[3].contains("family_name=Tee+%26+co"), "{:?}", script.asked());
    assert!(till.product("p7").await.expect("an answer").value.is_none());
    assert!(till.products_by_sku("").await.is_err() && till.product("a/b").await.is_err());
    script.done();
}

#[tokio::test]
async fn a_product_is_looked_for_before_it_is_made() {
    let variant = |sku: &str, size: &str| NewVariant {
        sku: sku.to_owned(),
        values: vec![("a1".to_owned(), size.to_owned())],
        price: Some(Price::WithTax(Fine(2_999_000))),
        tax: Some("t1".to_owned()),
    };
    let mut product = NewProduct {
        name: "Tee".to_owned(),
        source: Source::default(),
        variants: vec![variant("A", "M"), variant("B", "L")],
    };
    let script = Script::new();
    script.then(200, list(&json!([]))).then(200, list(&json!([]))).then(200, r#"{"data":["p1","p2"]}"#);
    script.then(200, list(&json!([row("p1", "A", "f1")]))).then(200, list(&json!([])));
    let till = till(&script);
    let ids = vec!["p1".to_owned(), "p2".to_owned()];
    assert_eq!(till.create_product(&product).await.expect("made").value, MadeProduct::Now(ids));
    let sent = body(&script, 2);
    assert_eq!(sent["variants"][1]["variant_definitions"], json!([{ "attribute_id": "a1", "value": "L" }]));
    assert_eq!(sent["variants"][0]["price_including_tax"].to_string(), "29.99");
    assert!(sent["variants"][0].get("price_excluding_tax").is_none(), "both are refused");
    let before = till.create_product(&product).await.expect("an answer").value;
    assert_eq!(before, MadeProduct::Before(vec!["p1".to_owned()]));
    product.variants[1].sku = "A".to_owned();
    assert!(till.create_product(&product).await.is_err(), "an SKU twice");
    product.variants[1] = NewVariant { values: Vec::new(), ..variant("B", "L") };
    assert!(till.create_product(&product).await.is_err(), "a variant that differs in nothing");
    script.done();
}

#[tokio::test]
async fn products_are_changed_hidden_and_counted() {
    let script = Script::new();
    script.then(200, "{}").then(200, "{}").then(200, "{}").then(404, "{}");
    script
        .then(200, list(&json!([])))
        .then(201, r#"{"data":{"id":"w1","name":"Web order","type":"NEGATIVE","enabled":true}}"#);
    script.then(201, r#"{"data":[{"id":"j1"}]}"#);
    let till = till(&script);
    let change = ProductChange {
        name: Some("Shirt".to_owned()),
        codes: Some(vec![("EAN".to_owned(), "4006381333931".to_owned())]),
        ..ProductChange::default()
    };
    assert!(till.update_product("p1", &change).await.expect("changed").value);
    let sent = body(&script, 0);
    assert_eq!(
        sent,
        json!({ "common": { "name": "Shirt" }, "details": { "product_codes": [{ "type": "EAN", "code": "4006381333931" }] } })
    );
    assert!(till.show_product("p1", false).await.expect("hidden").value);
    assert_eq!(body(&script, 1), json!({ "details": { "is_active": false } }));
    assert!(till.set_count("p1", "o1", 4).await.expect("set").value);
    assert_eq!(body(&script, 2), json!({ "details": { "inventory": [{ "outlet_id": "o1", "current_amount": 4 }] } }));
    assert!(!till.show_product("p2", true).await.expect("an answer").value);
    assert!(till.update_product("p1", &ProductChange::default()).await.is_err());
    let reason = till.create_reason("Web order", false).await.expect("a reason").value;
    let one = |units| [Move { product: "p1".to_owned(), outlet: "o1".to_owned(), units }];
    assert_eq!(till.move_counts(&reason, &one(-3)).await.expect("moved").value, 1);
    assert_eq!(body(&script, 6)["stock_adjustments"][0]["quantity"], json!("-3"), "a number as text");
    assert!(till.move_counts(&reason, &one(3)).await.is_err() && till.move_counts(&reason, &[]).await.is_err());
    assert!(till.move_counts(&Reason { rises: true, ..reason }, &one(0)).await.is_err());
    assert!(script.asked().iter().all(|asked| !asked.starts_with("DELETE")));
    script.done();
}

#[tokio::test]
async fn what_is_mapped_is_read() {
    let script = Script::new();
    let more = json!({ "data": [{ "id": "k1", "name": "Card", "type_id": 3, "version": 4, "outlet_ids": ["o1"], "disabled": false }], "version": { "min": 4, "max": 4 } });
    script.then(200, more.to_string()).then(200, list(&json!([])));
    script.then(200, list(&json!([{ "id": "t1", "name": "VAT", "is_default": true, "rates": [{ "rate": 0.15 }, { "rate": "0.02" }] }])));
    script.then(200, list(&json!([{ "id": "r1", "name": "Till", "outlet_id": "o1", "is_open": true, "register_open_sequence_id": "q1" }])));
    script.then(
        200,
        list(&json!([{ "id": "u1", "account_type": "admin", "restricted_outlet_ids": [], "enabled": false }])),
    );
    script.then(200, r#"{"data":[{"id":"u1"}]}"#).then(200, r#"{"data":{"id":"u2"}}"#);
    script.then(200, r#"{"data":{"id":"x","currency":"EUR","tax_exclusive":false,"no_tax_group_id":"t0"}}"#);
    script.then(200, r#"{"data":{"payments":[{"payment_type_id":"k1","payment_type_name":"Card","total":"255.00"}]}}"#);
    let till = till(&script);
    let types = till.payment_types().await.expect("types").value;
    assert_eq!((types[0].kind.as_str(), types[0].outlets.len(), types[0].archived), ("3", 1, false));
    assert_eq!(
        till.taxes().await.expect("taxes").value[0].rates.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["0.15", "0.02"]
    );
    let registers = till.registers().await.expect("registers").value;
    assert_eq!((registers[0].open, registers[0].session.as_deref()), (true, Some("q1")));
    assert!(till.users().await.expect("users").value[0].archived);
    assert_eq!(till.own_user().await.expect("a user").value.id, "u1");
    assert_eq!(till.own_user().await.expect("a user").value.id, "u2");
    assert_eq!(till.retailer().await.expect("an answer").value.expect("a retailer").no_tax.as_deref(), Some("t0"));
    let takings = till.takings("r1").await.expect("an answer").value.expect("takings");
    assert_eq!(takings[0].total, Fine(25_500_000));
    script.done();
}

#[tokio::test]
async fn subscriptions_are_made_once_and_ended() {
    let url = "https://us.example/notices/1";
    let hook = |id: &str, kind: &str, active: bool| json!({ "id": id, "url": url, "type": kind, "active": active });
    let script = Script::new();
    script.then(200, list(&json!([hook("h1", "sale.update", true), hook("h2", "inventory.update", false)])));
    script.then(200, "{}").then(409, r#"{"error":"exists"}"#);
    script.then(200, list(&json!([hook("h3", "product.update", true)])));
    script.then(201, json!({ "data": hook("h4", "register_closure.create", true) }).to_string());
    script.then(200, list(&json!([hook("h1", "sale.update", true), { "id": "hx", "url": "https://them.example", "type": "sale.update" }])));
    script.then(404, "{}");
    let till = till(&script);
    let ours: Vec<_> =
        till.subscribe(url, &hooks::WANTED).await.expect("hooks").value.into_iter().map(|h| h.id).collect();
    assert_eq!(ours, ["h1", "h2", "h3", "h4"]);
    assert_eq!(body(&script, 1), json!({ "url": url, "type": "inventory.update", "active": true }));
    assert_eq!(till.unsubscribe(url).await.expect("ended").value, 1);
    assert!(script.asked().last().is_some_and(|asked| asked == "DELETE /api/2026-07/webhooks/h1"));
    assert!(till.subscribe("ftp://x", &["sale.update"]).await.is_err());
    script.done();
}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

#[async_trait]
impl TokenKeeper for Kept {
    async fn keep(&self, _: &ConnectionId, _: &OAuth2, pair: &OAuth2) -> Result<(), NotKept> {
        self.0.lock().expect("lock").push(pair.access.expose_secret().to_owned());
        Ok(())
    }
}

fn signed_in(script: &Arc<Script>, expires_in: i64) -> (LightspeedX, Arc<Kept>) {
    let pair = OAuth2 {
        client_id: "app".to_owned(),
        client_secret: "app-secret".to_owned().into(),
        access: "access-old".to_owned().into(),
        refresh: "refresh-old".to_owned().into(),
        expires_at: NOW + Span::secs(expires_in),
    };
    let config = LightspeedXConfig {
        connection: ConnectionId::new("till"),
        base_url: "https://demo.retail.lightspeed.app".to_owned(),
        token: Credential::OAuth2(pair).write(),
        webhook_secrets: Vec::new(),
        unsigned_ok: false,
        unpaced: false,
    };
    let kept = Arc::new(Kept::default());
    (LightspeedX::new(config, script.clone(), Script::clock()).kept_by(kept.clone()), kept)
}

const NEW_PAIR: &str =
    r#"{"access_token":"access-new","refresh_token":"refresh-new","token_type":"Bearer","expires_in":86400}"#;

#[tokio::test]
async fn a_pair_is_kept_before_it_is_used() {
    let script = Script::new();
    script.then(200, NEW_PAIR).then(404, "{}");
    let (till, kept) = signed_in(&script, 10);
    assert!(till.product("p1").await.expect("an answer").value.is_none());
    assert_eq!(*kept.0.lock().expect("lock"), ["access-new"]);
    assert_eq!(script.called()[0], "https://demo.retail.lightspeed.app/api/1.0/token");
    assert_eq!(script.called().len(), 2);
    assert!(till.door.application().is_some_and(|secret| secret.expose_secret() == "app-secret"));
    // Ended before its time: the call is made once more with a new one.
    let script = Script::new();
    script.then(401, "{}").then(200, NEW_PAIR).then(404, "{}");
    let (till, _) = signed_in(&script, 9_000);
    let answer = till.product("p1").await.expect("an answer");
    assert_eq!(answer.exchanges.len(), 3);
    assert!(answer.exchanges.iter().all(|exchange| !format!("{exchange:?}").contains("refresh-")));
    // The old refresh token is dead: one thing to do, and it says so.
    let script = Script::new();
    script.then(400, r#"{"error":"invalid_grant"}"#);
    let (till, kept) = signed_in(&script, -10);
    let error = till.product("p1").await.expect_err("locked out");
    assert!(matches!(&error.kind, CallErrorKind::Unauthorized { reason } if reason.contains("Sign in again")));
    assert!(kept.0.lock().expect("lock").is_empty());
    script.done();
}

#[tokio::test]
async fn signing_in_brings_the_first_pair_and_trusts_no_address() {
    let application = Application {
        client_id: "app".to_owned(),
        client_secret: "app-secret".to_owned().into(),
        redirect_uri: "https://us.example/back".to_owned(),
    };
    let address = sign_in::address(&application, "st&te");
    assert!(address.contains("state=st%26te") && address.contains("scope=products%3Aread+"), "{address}");
    assert!(!address.contains("app-secret"));
    let back = sign_in::callback("code=abc&domain_prefix=demo&state=s&scope=x").expect("a callback");
    assert_eq!((back.code.expose_secret(), back.state.as_str()), ("abc", "s"));
    for wrong in ["", "code=&domain_prefix=demo&state=s", "error=access_denied", "code=a&domain_prefix=demo"] {
        assert!(sign_in::callback(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "evil.example/x#", "a.b", "-a", "A", "a@b", &"a".repeat(64)] {
        assert!(sign_in::base_url(wrong).is_err(), "{wrong}");
    }
    let base = sign_in::base_url("demo-1").expect("an address");
    assert_eq!(base, "https://demo-1.retail.lightspeed.app");
    let script = Script::new();
    let without = r#"{"access_token":"access-new","expires":1770110100}"#;
    script.then(200, NEW_PAIR).then(200, without).then(400, r#"{"error":"invalid_grant"}"#);
    let clock = Script::clock();
    let connection = ConnectionId::new("till");
    let first = || sign_in::first_pair((&*script, &*clock), &connection, &base, &application, &back.code).boxed();
    let pair = first().await.expect("a pair").value;
    assert_eq!((pair.refresh.expose_secret(), pair.expires_at), ("refresh-new", NOW + Span::secs(86_400)));
    assert!(first().await.is_err(), "without a refresh token it would end tomorrow");
    assert!(matches!(first().await, Err(CallError { kind: CallErrorKind::Unauthorized { .. }, .. })));
    script.done();
}
