//! Orders in detail, what is done to them, and their shipments: once, and never what must not be.

use super::tests::{data, sent, shop};
use super::*;
use crate::connectors::script::{NOW, Script};
use crate::connectors::transport::TransportError;
use crate::domain::ids::{DocumentKey, LineKey};
use crate::domain::money::Fine;
use serde_json::{Value, json};

pub(super) fn key() -> DocumentKey {
    DocumentKey::new(format!("{:032}", 1042))
}

pub(super) fn detail(status: &str) -> Value {
    json!({
        "id": key().as_str(), "number": 1042, "status": status, "isOnHold": false, "isLocked": false,
        "createdAt": "2026-02-02T10:15:00+01:00", "updatedAt": "2026-02-02T10:15:05+01:00",
        "store": {"id": 1}, "market": {"id": 2},
        "grandTotal": {"value": 549.0, "currency": {"code": "SEK"}},
        "totals": {"lineValues": {"value": 499}, "shipping": {"value": 50}, "discounts": {"value": -10},
            "taxIncluded": {"value": 109.80000000000001}, "taxAdded": {"value": 0}, "taxDeducted": null},
        "shippingPriceGroup": {"shippingOption": {"id": 7, "name": "Standard", "uri": "standard"}},
        "paymentMethod": {"uri": "card", "plugin": "sample"},
        "paymentHistory": [{"id": 1, "entryType": "AUTH", "status": "SUCCESS", "value": {"value": 549, "currency": {"code": "SEK"}}}],
        "lines": [
            {"id": 7001, "quantity": 2, "cancelledQuantity": 1, "returnedQuantity": 0, "taxPercent": 25, "unitPrice": {"value": 249.5},
             "unitOriginalPrice": {"value": 300}, "lineValue": {"value": 499}, "productSize": {"id": 281, "SKU": "T", "EAN": "730"},
             "allocations": [{"quantity": 2, "warehouse": {"id": 3}}]},
            {"id": 7002, "quantity": 0, "cancelledQuantity": 1, "productSize": null}],
    })
}

fn orders(order: &Value) -> String {
    data(json!({ "orders": [order] }))
}

fn told(field: &str) -> String {
    data(
        json!({field: {"order": {"id": key().as_str(), "number": 1042, "status": "X"}, "userErrors": [], "userWarnings": []}}),
    )
}

fn with(status: &str, path: &str, value: Value) -> Value {
    let mut order = detail(status);
    *order.pointer_mut(path).expect("a field") = value;
    order
}

#[tokio::test]
async fn an_order_in_detail_has_lines_tax_payments_and_its_way() {
    let script = Script::new();
    script
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, orders(&detail("X")));
    let shop = shop(&script);
    let order = shop.order_detail(&key()).await.expect("an answer").value.expect("an order");
    assert_eq!((order.number, order.currency.as_str(), order.total), (1042, "SEK", Fine(54_900_000)));
    assert_eq!(
        (order.tax_included, order.tax_deducted, order.discount),
        (Fine(10_980_000), Fine::ZERO, Fine(1_000_000))
    );
    assert_eq!(order.shipping_option.as_ref().map(|o| o.uri.as_str()), Some("standard"));
    assert_eq!(
        (order.payment_method.as_deref(), order.captured(), order.not_to_ship()),
        (Some("card"), Fine::ZERO, None)
    );
    assert_eq!(order.payments[0].kind, PaymentKind::Authorised);
    let line = &order.lines[0];
    assert_eq!((line.units, line.cancelled, line.unit_price), (2, 1, Fine(24_950_000)));
    assert_eq!((line.tax_percent.map(|t| t.to_string()).as_deref(), line.ean.as_deref()), (Some("25"), Some("730")));
    assert_eq!(line.allocations, [(OutletKey::new("3"), 2)]);
    assert_eq!(order.lines[1].product, None);
    assert_eq!(shop.order_detail_numbered(1043).await.expect("an answer").value, None, "another order came");
    let other = DocumentKey::new("a".repeat(32));
    assert_eq!(shop.order_detail(&other).await.expect("an answer").value, None, "another order came");
    let error = shop.order_detail(&DocumentKey::new("1042")).await.expect_err("a number is no id");
    assert!(matches!(error.kind, CallErrorKind::Rejected { .. }), "{error}");
    script.done();
}

#[test]
fn what_must_not_be_shipped_says_why() {
    let not = |order: &Value| {
        detail::read_list(&json!({"orders": [order]}).to_string(), "").expect("an order")[0].not_to_ship()
    };
    assert_eq!(not(&detail("PROCESSING")), None);
    for (order, word) in [
        (detail("PENDING"), "confirmed"),
        (detail("SHIPPED"), "already"),
        (detail("CANCELED"), "cancelled"),
        (detail("NEW_WORD"), "do not know"),
        (with("CONFIRMED", "/isOnHold", json!(true)), "hold"),
        (with("CONFIRMED", "/isLocked", json!(true)), "locked"),
    ] {
        assert!(not(&order).is_some_and(|reason| reason.contains(word)), "{word}");
    }
}

#[tokio::test]
async fn a_change_is_sent_once_and_a_repeat_finds_it_done() {
    let script = Script::new();
    script
        .then(200, orders(&detail("PENDING")))
        .then_fails(TransportError::NoAnswer("reset".to_owned()))
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, orders(&detail("CANCELLED")))
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, told("updateDirectToConsumerOrder"))
        .then(200, orders(&with("CONFIRMED", "/isOnHold", json!(true))))
        .then(200, orders(&with("CONFIRMED", "/isOnHold", json!(true))))
        .then(200, told("resumeDirectToConsumerOrder"));
    let shop = shop(&script);
    assert!(shop.confirm_order(&key()).await.expect_err("no answer").may_have_acted());
    assert!(shop.confirm_order(&key()).await.expect("an answer").value.already);
    let error = shop.confirm_order(&key()).await.expect_err("it is cancelled");
    assert!(!error.may_have_acted(), "{error}");
    assert!(!shop.hold_order(&key(), "count").await.expect("held").value.already);
    assert_eq!(
        sent(&script, 5)["variables"],
        json!({"o": {"id": key().as_str()}, "i": {"isOnHold": true, "holdStatusChangeReason": "count"}})
    );
    assert!(shop.hold_order(&key(), "count").await.expect("held").value.already);
    let shop = shop.spelled(Spelling { release: Release::Resume("order"), ..Spelling::default() });
    assert!(!shop.release_order(&key(), "counted").await.expect("released").value.already);
    assert!(
        sent(&script, 8)["query"].as_str().is_some_and(|text| text.contains("resumeDirectToConsumerOrder(order:$o)"))
    );
    script.done();
}

#[tokio::test]
async fn an_order_is_cancelled_only_before_money_was_taken() {
    let paid = |kind: &str, status: &str| {
        with("CONFIRMED", "/paymentHistory/0", json!({"entryType": kind, "status": status, "value": {"value": 1}}))
    };
    let script = Script::new();
    script
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, told("cancelDirectToConsumerOrder"))
        .then(200, orders(&detail("CANCELLED")))
        .then(200, orders(&detail("SHIPPED")))
        .then(200, orders(&paid("CAPTURE", "SUCCESS")))
        .then(200, orders(&paid("CAPTURE_REQUEST", "PENDING")))
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, data(json!({"cancelDirectToConsumerOrder": {"order": {"id": "f".repeat(32)}, "userErrors": []}})));
    let shop = shop(&script);
    let cancel = async || shop.cancel_order(&key(), &GoodsTo::Origin, "sold in the shop", false).await;
    assert!(!cancel().await.expect("cancelled").value.already);
    assert_eq!(
        sent(&script, 1)["variables"],
        json!({"id": key().as_str(), "i": {"emailOptions": {"sendEmail": false}, "stockAction": {"releaseItemsBackToWarehouse": true},
            "comment": "sold in the shop", "cancelAuthorization": true}})
    );
    assert!(cancel().await.expect("found").value.already);
    for _ in 0..3 {
        let error = cancel().await.expect_err("refused");
        assert!(matches!(error.kind, CallErrorKind::Rejected { .. }), "{error}");
        assert_eq!(error.exchanges.len(), 1, "nothing was sent after the look");
    }
    assert!(cancel().await.expect_err("another order").may_have_acted());
    script.done();
}

#[tokio::test]
async fn lines_are_cancelled_once_however_often_it_is_asked() {
    let line = |units: i64, before: i64| CancelLine { line: LineKey::new("7001"), units, cancelled_before: before };
    let script = Script::new();
    for _ in 0..6 {
        script.then(200, orders(&detail("CONFIRMED")));
    }
    script.then(200, told("updateDirectToConsumerOrder"));
    let shop = shop(&script);
    let cancel = async |line: CancelLine| {
        shop.cancel_lines(&key(), &[line], &GoodsTo::Warehouse(OutletKey::new("9")), "c").await
    };
    // One unit stands cancelled over there.
    assert!(cancel(line(1, 0)).await.expect("found").value.already);
    for wrong in [line(2, 0), line(3, 1), line(0, 1), CancelLine { line: LineKey::new("1"), ..line(1, 0) }] {
        let error = cancel(wrong).await.expect_err("refused");
        assert!(!error.may_have_acted(), "{error}");
    }
    assert!(!cancel(line(2, 1)).await.expect("cancelled").value.already);
    assert_eq!(
        sent(&script, 6)["variables"]["i"],
        json!({"cancellationComment": "c", "cancelLines": [{"line": {"id": 7001}, "quantity": 2,
            "stockActionPolicy": {"sendItemsToDifferentWarehouse": {"id": 9}}}]})
    );
    script.done();
}

#[tokio::test]
async fn shipping_is_only_lowered_and_references_and_comments_are_not_overwritten() {
    let found = |id: &str| data(json!({"orders": [{"id": id, "number": 1042}]}));
    let comment = |text: Value| data(json!({"orders": [{"id": key().as_str(), "internalComment": text}]}));
    let script = Script::new();
    script
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, told("updateDirectToConsumerOrder"))
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, orders(&detail("PROCESSING")))
        .then(200, found(key().as_str()))
        .then(200, found(&"f".repeat(32)))
        .then(200, data(json!({"orders": []})))
        .then(200, told("updateDirectToConsumerOrder"))
        .then(200, comment(json!("call back\n")))
        .then(200, told("updateDirectToConsumerOrder"))
        .then(200, comment(json!("call back\nours")))
        .then(200, comment(Value::Null))
        .then(200, told("updateDirectToConsumerOrder"));
    let shop = shop(&script);
    shop.lower_shipping(&key(), Fine(2_550_000)).await.expect("lowered");
    assert_eq!(sent(&script, 1)["variables"]["i"]["shippingCost"], json!({"value": 25.5, "currencyIsoCode": "SEK"}));
    assert!(shop.lower_shipping(&key(), Fine(6_000_000)).await.is_err());
    assert!(shop.lower_shipping(&key(), Fine::ZERO).await.is_err());
    assert!(shop.set_order_reference(&key(), "tc").await.expect("found").value.already);
    let error = shop.set_order_reference(&key(), "tc").await.expect_err("somebody else's");
    assert!(error.to_string().contains("1042"), "{error}");
    assert!(!shop.set_order_reference(&key(), "tc").await.expect("set").value.already);
    shop.comment_on_order(&key(), "ours").await.expect("added");
    assert_eq!(sent(&script, 9)["variables"]["i"], json!({"internalComment": "call back\nours"}));
    assert!(shop.comment_on_order(&key(), "ours").await.expect("found").value.already);
    shop.comment_on_order(&key(), "ours").await.expect("added");
    assert_eq!(sent(&script, 12)["variables"]["i"], json!({"internalComment": "ours"}));
    for line in ["", " ", "two\nlines"] {
        assert!(shop.comment_on_order(&key(), line).await.is_err());
    }
    for reference in ["", "x".repeat(256).as_str()] {
        assert!(shop.set_order_reference(&key(), reference).await.is_err());
    }
    script.done();
}

fn shipment(id: i64, units: i64) -> Value {
    json!({"id": id, "number": format!("1042-{id}"), "isGoodToGo": true, "isShipped": false, "isOnHold": false, "isPaid": true,
        "isCaptured": false, "shippedAt": null, "trackingNumber": "",
        "lines": [{"id": 465, "quantity": units, "returnedQuantity": 0, "orderLine": {"id": 7001}}]})
}

fn shipments(rows: Value) -> String {
    data(json!({ "shipments": rows }))
}

fn wanted(units: i64, known: Vec<i64>) -> NewShipment {
    NewShipment { lines: vec![(LineKey::new("7001"), units)], known, good_to_go: true, pay: Pay::Capture, tell: false }
}

#[tokio::test]
async fn nothing_is_shipped_twice() {
    let made = data(json!({"createShipment": {"shipment": {"id": 345, "number": "1042-1", "isCaptured": false},
        "userErrors": [], "userWarnings": [{"message": "Capture failed.", "path": ["input", "capture"]}]}}));
    let script = Script::new();
    script
        .then(200, shipments(json!([])))
        .then(200, orders(&detail("CONFIRMED")))
        .then(200, made)
        .then(200, shipments(json!([shipment(345, 1)])))
        .then(200, shipments(json!([shipment(345, 1)])))
        .then(200, orders(&detail("PROCESSING")))
        .then(200, shipments(json!([])))
        .then(200, orders(&with("CONFIRMED", "/isOnHold", json!(true))));
    let shop = shop(&script);
    let done = shop.create_shipment(&key(), &wanted(1, vec![])).await.expect("made").value;
    assert_eq!((done.value.id, done.value.captured, done.already), (345, false, false));
    assert_eq!(done.warnings, ["Capture failed."], "a capture that failed is only a warning");
    assert_eq!(
        sent(&script, 2)["variables"]["i"],
        json!({"order": {"id": key().as_str()}, "lines": [{"orderLine": {"id": 7001}, "quantity": 1}], "isGoodToGo": true,
            "capture": true, "sendEmail": false})
    );
    let again = shop.create_shipment(&key(), &wanted(1, vec![])).await.expect("found").value;
    assert_eq!((again.value.id, again.already), (345, true));
    // Two more, of which one is in the first shipment.
    let error = shop.create_shipment(&key(), &wanted(2, vec![345])).await.expect_err("one is left");
    assert!(error.to_string().contains("1 units"), "{error}");
    let error = shop.create_shipment(&key(), &wanted(1, vec![])).await.expect_err("on hold");
    assert!(error.to_string().contains("hold"), "{error}");
    for bad in [wanted(0, vec![]), NewShipment { lines: vec![], ..wanted(1, vec![]) }] {
        assert!(shop.create_shipment(&key(), &bad).await.is_err());
    }
    script.done();
}

#[tokio::test]
async fn a_shipment_leaves_once_and_only_when_it_may() {
    let with = |member: &str, value: Value| {
        let mut one = shipment(345, 1);
        one[member] = value;
        shipments(json!([one]))
    };
    let left = |shipped: bool| {
        data(
            json!({"completeShipment": {"shipment": {"id": 345, "isShipped": shipped}, "userErrors": [], "userWarnings": []}}),
        )
    };
    let script = Script::new();
    script
        .then(200, shipments(json!([shipment(345, 1)])))
        .then(200, left(true))
        .then(200, with("isShipped", json!(true)))
        .then(200, with("isGoodToGo", json!(false)))
        .then(200, with("isPaid", json!(false)))
        .then(200, with("isOnHold", json!(true)))
        .then(200, shipments(json!([])))
        .then(200, shipments(json!([shipment(345, 1)])))
        .then(200, left(false));
    let shop = shop(&script);
    let leaving = Leaving { tracking: Some("T1".to_owned()), ..Leaving::default() };
    assert!(!shop.complete_shipment(345, &leaving).await.expect("left").value.already);
    assert_eq!(
        sent(&script, 1)["variables"],
        json!({"id": 345, "i": {"shippedAt": "2026-02-02T09:15:00+00:00", "sendEmail": false, "shipmentInfo": {"trackingNumber": "T1"}}})
    );
    assert!(shop.complete_shipment(345, &leaving).await.expect("found").value.already);
    for _ in 0..4 {
        let error = shop.complete_shipment(345, &leaving).await.expect_err("not yet");
        assert!(!error.may_have_acted(), "{error}");
    }
    assert!(shop.complete_shipment(345, &leaving).await.expect_err("it did not leave").may_have_acted());
    let late = Leaving { at: Some(NOW + Span::secs(1)), ..Leaving::default() };
    assert!(shop.complete_shipment(345, &late).await.is_err());
    script.done();
}

#[tokio::test]
async fn money_is_taken_once_and_an_open_asking_is_waited_for() {
    let unpaid = || {
        let mut one = shipment(345, 1);
        one["isPaid"] = json!(false);
        shipments(json!([one]))
    };
    let entry = |kind: &str, status: &str| {
        data(
            json!({"captureShipment": {"paymentHistoryEntry": {"entryType": kind, "status": status, "value": {"value": 549}},
            "userErrors": [], "userWarnings": []}}),
        )
    };
    let asked = with("PROCESSING", "/paymentHistory/0", json!({"entryType": "CAPTURE_REQUEST", "status": "PENDING"}));
    let failed = with(
        "PROCESSING",
        "/paymentHistory",
        json!([{"entryType": "CAPTURE_REQUEST", "status": "PENDING"}, {"entryType": "CAPTURE_FAILED", "status": "FAILED"}]),
    );
    let script = Script::new();
    script
        .then(200, unpaid())
        .then(200, orders(&detail("PROCESSING")))
        .then(200, entry("CAPTURE_REQUEST", "PENDING"))
        .then(200, unpaid())
        .then(200, orders(&asked))
        .then(200, unpaid())
        .then(200, orders(&failed))
        .then(200, entry("CAPTURE", "SUCCESS"))
        .then(200, shipments(json!([shipment(345, 1)])));
    let shop = shop(&script);
    let capture = async || shop.capture_shipment(&key(), 345).await.expect("an answer").value;
    assert_eq!((capture().await.value, script.asked().len()), (Moved::Asked, 3));
    assert_eq!((capture().await, script.asked().len()), (Done::already(Moved::Asked), 5));
    assert_eq!(capture().await.value, Moved::Done);
    assert_eq!(capture().await, Done::already(Moved::Done));
    script.done();
}

#[tokio::test]
async fn a_change_does_not_wait_for_what_its_look_has_used_up() {
    let script = Script::new();
    let limits = |left: i64| {
        data(
            json!({"rateLimits": [{"type": "REQUEST_COUNT", "intervalSeconds": "TEN_SECONDS", "quota": 10, "remainingQuota": left}]}),
        )
    };
    // Three of ten are not ours. One is left for the look, and none for the change.
    script.then(200, limits(4)).then(200, orders(&detail("PENDING"))).then(200, told("confirmOrder"));
    let shop = Centra::new(
        CentraConfig {
            connection: ConnectionId::new("shop"),
            base_url: "https://demo.centra.com".to_owned(),
            token: SecretString::from("the-token"),
            webhook_secrets: vec![],
            store_currency: "SEK".to_owned(),
            unpaced: false,
        },
        script.clone(),
        Script::clock(),
    );
    shop.confirm_order(&key()).await.expect("confirmed");
    let error = shop.confirm_order(&key()).await.expect_err("it waits");
    assert!(matches!(error.kind, CallErrorKind::Paced { until } if until > NOW), "{error}");
    script.done();
}
