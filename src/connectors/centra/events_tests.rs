//! Events are pulled by one at a time, confirmed once stored, and say no more than that something changed.

use super::tests::{data, sent};
use super::*;
use crate::clock::ManualClock;
use crate::connectors::script::{NOW, Script};
use crate::domain::fact::Hint;
use serde_json::{Value, json};

fn event(id: i64, kind: &str, reference: Value) -> Value {
    json!({"id": id, "objectType": kind, "changeType": "UPDATED", "objectReference": reference, "createdAt": "2026-02-02T10:15:01+01:00"})
}

fn queue(rows: Value) -> String {
    data(json!({ "events": rows }))
}

fn confirmed() -> String {
    data(json!({"confirmEvents": {"userErrors": [], "userWarnings": []}}))
}

fn shop_at(script: &Arc<Script>, clock: Arc<ManualClock>) -> Centra {
    let config = CentraConfig {
        connection: ConnectionId::new("shop"),
        base_url: "https://demo.centra.com".to_owned(),
        token: SecretString::from("the-token"),
        webhook_secrets: vec![],
        store_currency: "SEK".to_owned(),
        unpaced: true,
    };
    Centra::new(config, script.clone(), clock)
}

#[test]
fn an_event_is_the_same_hint_as_a_notice_and_a_strange_one_can_still_be_confirmed() {
    let rows = json!([
        event(1, "Order", json!(1042)),
        event(2, "Shipment", json!("345")),
        event(3, "Return", json!(5)),
        event(4, "ProductSize", json!(281)),
        event(5, "StockChange", json!(4301)),
        event(6, "Customer", json!(8)),
        event(7, "Order", Value::Null),
        {"id": 8, "objectType": null, "changeType": 4},
        {"id": 9, "objectType": ["Order"], "objectReference": {}},
    ]);
    let pulled = events::read(&json!({ "events": rows }).to_string()).expect("events");
    let seen: Vec<_> = pulled
        .events
        .iter()
        .map(|e| (e.id, e.delivery.kind.as_str(), e.delivery.external_id.as_str(), e.delivery.fact.clone().ok()))
        .collect();
    assert_eq!(
        seen,
        [
            (1, "order", "1042", Some(Fact::Hint(Hint::Orders))),
            (2, "shipment", "345", Some(Fact::Hint(Hint::Orders))),
            (3, "return", "5", Some(Fact::Hint(Hint::Stock))),
            (4, "product", "281", Some(Fact::Hint(Hint::Catalogue))),
            (5, "stock", "4301", Some(Fact::Hint(Hint::Stock))),
            (6, "Customer", "8", Some(Fact::Noted { kind: "Customer".to_owned() })),
            (7, "event", "7", None),
            (8, "event", "8", None),
            (9, "event", "9", None),
        ]
    );
    assert!(!pulled.full);
    for bad in [json!([{"objectType": "Order"}]), json!([{"id": 0}]), json!([7]), json!({}), Value::Null] {
        assert!(events::read(&json!({ "events": bad }).to_string()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn whoever_pulls_has_them_for_a_while() {
    let script = Script::new();
    let clock = Script::clock();
    let shop = shop_at(&script, clock.clone());
    let full: Vec<Value> = (1..=200).map(|id| event(id, "Order", json!(1))).collect();
    script.then(200, queue(json!(full)));
    let pulled = shop.pull_events().await.expect("events").value;
    assert!(pulled.full);
    let error = shop.pull_events().await.expect_err("held back");
    assert!(matches!(error.kind, CallErrorKind::Paced { until } if until == NOW + PULL_EVERY), "{error}");
    let ids: Vec<i64> = pulled.events.iter().map(|event| event.id).collect();
    script.then(200, confirmed()).then(200, queue(json!([event(201, "Order", json!(1))])));
    shop.confirm_events(&ids, pulled.full).await.expect("confirmed");
    assert_eq!(sent(&script, 1)["variables"]["i"]["eventsIds"].as_array().map(Vec::len), Some(200));
    let pulled = shop.pull_events().await.expect("the next at once").value;
    assert_eq!((pulled.events.len(), pulled.full), (1, false));
    script.then(200, confirmed());
    shop.confirm_events(&[201], pulled.full).await.expect("confirmed");
    assert!(shop.pull_events().await.is_err(), "an emptied queue is looked at a minute later");
    clock.set(NOW + PULL_EVERY);
    script.then(503, "").then(200, queue(json!([])));
    assert!(shop.pull_events().await.is_err(), "no answer");
    assert_eq!(shop.pull_events().await.expect("a failed pull keeps nobody away").value.events, []);
    clock.set(NOW - Span::hours(3));
    script.then(200, queue(json!([])));
    shop.pull_events().await.expect("a clock that was put back keeps nobody away");
    script.done();
}

#[tokio::test]
async fn confirming_nothing_sends_nothing_and_many_go_in_parts() {
    let script = Script::new();
    let shop = shop_at(&script, Script::clock());
    assert!(shop.confirm_events(&[], true).await.expect("nothing").value.already);
    let ids: Vec<i64> = (1..=450).collect();
    let refused = data(json!({"confirmEvents": {"userErrors": [{"message": "no", "path": []}]}}));
    script.then(200, confirmed()).then(200, confirmed()).then(200, refused);
    let error = shop.confirm_events(&ids, false).await.expect_err("the last part was refused");
    assert!(error.may_have_acted(), "two parts were confirmed: {error}");
    assert_eq!(error.exchanges.len(), 3);
    script.done();
}

#[tokio::test]
async fn listeners_are_set_and_taken_off() {
    let script = Script::new();
    let shop = shop_at(&script, Script::clock());
    script
        .then(200, data(json!({"setEventListeners": {"eventListeners": [], "userErrors": []}})))
        .then(200, data(json!({"unsetEventListeners": {"userErrors": []}})))
        .then(200, r#"{"errors":[{"message":"You need Event:write","extensions":{"category":"authorization"},"path":["setEventListeners"]}]}"#);
    shop.listen_to(&[EventKind::Orders, EventKind::Products]).await.expect("set");
    assert_eq!(
        sent(&script, 0)["variables"]["i"],
        json!([{"objectType": "Order"}, {"objectType": "Product"}, {"objectType": "ProductVariant"}, {"objectType": "ProductSize"}])
    );
    shop.stop_listening_to(&[EventKind::Orders]).await.expect("taken off");
    let error = shop.listen_to(&EventKind::ALL).await.expect_err("not allowed");
    assert!(matches!(error.kind, CallErrorKind::Unauthorized { .. }), "{error}");
    assert!(shop.listen_to(&[]).await.expect("nothing").value.already);
    script.done();
}

#[test]
fn the_shop_says_what_it_can_do() {
    let can = shop_at(&Script::new(), Script::clock()).capabilities();
    assert!(can.event_queue && can.notices && can.returns.in_two_steps && !can.orders.marks_pickup);
    assert_eq!(can.orders.ready, ReadyForCollection::NoState);
    let NoticesSetUp::ByAPerson(words) = can.notices_set_up else { panic!("nobody can do it but a person") };
    assert!(words.ends_with('.') && !words.contains("  "), "{words}");
}
