//! Returns are made once, completed once and refunded once, and what they say of money is not guessed.

use super::tests::{data, sent, shop};
use super::*;
use crate::connectors::script::{NOW, Script};
use crate::connectors::transport::TransportError;
use crate::domain::money::Fine;
use serde_json::{Value, json};

pub(super) fn kept(id: i64, state: &str, refunds: Value) -> Value {
    json!({"id": id, "returnStatus": state, "createdAt": "2026-02-02T10:15:00+01:00", "totalQuantity": 1, "externalId": "tc-r-1",
        "grandTotal": {"value": -499.0, "currency": {"code": "SEK"}}, "returnWarehouse": {"id": 9},
        "lines": [{"id": 1, "quantity": 1, "lineValue": {"value": 499}, "orderLine": {"id": 7001}, "shipmentLine": {"id": 465}}],
        "totals": {"lineValues": {"value": 499}, "shipping": {"value": 0}, "handling": null, "returnCost": {"value": 25},
            "taxIncluded": {"value": 99.8}, "taxAdded": {"value": 0}, "taxDeducted": {"value": 0}},
        "refundPaymentHistory": refunds})
}

fn list(rows: Value) -> String {
    data(json!({ "returns": rows }))
}

fn new() -> NewReturn {
    NewReturn {
        reference: "tc-r-1".to_owned(),
        shipment: 345,
        lines: vec![(465, 1)],
        goods: GoodsTo::Warehouse(OutletKey::new("9")),
        shipping: Some(Cost::Amount(Fine::ZERO)),
        handling: Some(Cost::OfShipment),
        fee: Some(Fine(2_500_000)),
        currency: "SEK".to_owned(),
        comment: "returned in shop 3".to_owned(),
    }
}

#[tokio::test]
async fn a_return_is_made_once_and_says_where_goods_and_money_go() {
    let script = Script::new();
    script
        .then(200, list(json!([])))
        .then_fails(TransportError::NoAnswer("reset".to_owned()))
        .then(200, list(json!([kept(436, "PENDING", json!([]))])))
        .then(200, list(json!([kept(436, "PENDING", json!([]))])))
        .then(200, list(json!([kept(436, "SOMETHING", json!([]))])));
    let shop = shop(&script);
    assert!(shop.create_return(&new()).await.expect_err("no answer").may_have_acted());
    assert_eq!(
        sent(&script, 1)["variables"]["i"],
        json!({"shipment": {"id": 345}, "lines": [{"shipmentLine": {"id": 465}, "quantity": 1}],
            "returnStockActionPolicy": {"sendItemsToDifferentWarehouse": {"id": 9}},
            "shippingCost": {"value": {"value": 0, "currencyIsoCode": "SEK"}}, "handlingCost": {"fromShipment": true},
            "returnCost": {"value": 25, "currencyIsoCode": "SEK"}, "comment": "returned in shop 3", "externalId": "tc-r-1"})
    );
    let again = shop.create_return(&new()).await.expect("found").value;
    assert_eq!(again, Done::already((436, ReturnState::Pending)));
    let read = shop.return_by_reference("tc-r-1").await.expect("an answer").value.expect("a return");
    assert_eq!(
        (read.warehouse, read.goods, read.fee, read.tax),
        (Some(OutletKey::new("9")), Fine(49_900_000), Fine(2_500_000), Fine(9_980_000))
    );
    assert_eq!((read.lines[0].shipment_line, read.lines[0].units), (Some(465), 1));
    assert_eq!(shop.return_by_reference("tc-r-2").await.expect("an answer").value, None, "another one came");
    script.done();
}

#[tokio::test]
async fn what_makes_no_return_is_not_sent() {
    let script = Script::new();
    let shop = shop(&script);
    for bad in [
        NewReturn { lines: vec![], ..new() },
        NewReturn { lines: vec![(465, 0)], ..new() },
        NewReturn { shipment: 0, ..new() },
        NewReturn { reference: String::new(), ..new() },
        NewReturn { goods: GoodsTo::Warehouse(OutletKey::new("shop")), ..new() },
        NewReturn { shipping: Some(Cost::Amount(Fine(-1))), ..new() },
        NewReturn { fee: Some(Fine(-1)), ..new() },
    ] {
        let error = shop.create_return(&bad).await.expect_err("refused");
        assert!(matches!(error.kind, CallErrorKind::Rejected { .. }), "{error}");
    }
    let credit = shop.issue_credit(&"a".repeat(32).as_str().into(), Fine(1));
    assert!(matches!(credit.kind, CallErrorKind::Rejected { .. }) && credit.exchanges.is_empty());
    assert_eq!(script.asked().len(), 0);
}

#[tokio::test]
async fn a_return_is_completed_once_and_not_taken_back_after_money() {
    let done = |field: &str| data(json!({field: {"return": {"id": 436}, "userErrors": [], "userWarnings": []}}));
    let paid = json!([{"entryType": "REFUND", "status": "SUCCESS", "value": {"value": 499}}]);
    let script = Script::new();
    script
        .then(200, list(json!([kept(436, "PENDING", json!([]))])))
        .then(200, done("completeReturn"))
        .then(200, list(json!([kept(436, "COMPLETED", json!([]))])))
        .then(200, list(json!([kept(436, "COMPLETED", json!([]))])))
        .then(200, done("uncompleteReturn"))
        .then(200, list(json!([kept(436, "COMPLETED", paid)])))
        .then(200, list(json!([])))
        .then(200, list(json!([])));
    let shop = shop(&script);
    assert!(!shop.complete_return(436, false).await.expect("completed").value.already);
    assert!(shop.complete_return(436, false).await.expect("found").value.already);
    assert!(!shop.reopen_return(436).await.expect("opened").value.already);
    assert!(shop.delete_return(436).await.is_err());
    assert!(shop.delete_return(436).await.expect("gone").value.already);
    assert!(shop.complete_return(436, false).await.is_err(), "there is none");
    script.done();
}

#[tokio::test]
async fn money_goes_back_once() {
    let entry = |kind: &str, state: &str| json!([{"entryType": kind, "status": state, "value": {"value": -499, "currency": {"code": "SEK"}}}]);
    let answer = |entries: Value| {
        data(
            json!({"refundReturn": {"return": {"id": 436}, "paymentHistoryEntries": entries, "userErrors": [], "userWarnings": []}}),
        )
    };
    let script = Script::new();
    script
        .then(200, list(json!([kept(436, "PENDING", json!([]))])))
        .then(200, answer(entry("REFUND_REQUEST", "PENDING")))
        .then(200, list(json!([kept(436, "PENDING", entry("REFUND_REQUEST", "PENDING"))])))
        .then(
            200,
            list(json!([kept(
                436,
                "PENDING",
                json!([
            {"entryType": "REFUND_REQUEST", "status": "PENDING"}, {"entryType": "REFUND_FAILED", "status": "FAILED"}])
            )])),
        )
        .then(200, answer(entry("REFUND", "SUCCESS")))
        .then(200, list(json!([kept(436, "COMPLETED", entry("REFUND", "SUCCESS"))])))
        .then(200, list(json!([kept(436, "COMPLETED", entry("SOMETHING_NEW", "SUCCESS"))])));
    let shop = shop(&script);
    let asked = shop.refund_return(436, true).await.expect("asked").value;
    assert_eq!((asked.value.moved, asked.value.entries[0].amount), (Moved::Asked, Fine(49_900_000)));
    assert_eq!(sent(&script, 1)["variables"], json!({"id": 436, "i": {"sendEmail": true}}), "the tenant is of v1.60");
    let waiting = shop.refund_return(436, false).await.expect("found").value;
    assert_eq!((waiting.value.moved, waiting.already), (Moved::Asked, true));
    let again = shop.refund_return(436, false).await.expect("refunded").value;
    assert_eq!((again.value.moved, again.already), (Moved::Done, false));
    assert_eq!(sent(&script, 4)["variables"], json!({"id": 436}));
    assert!(shop.refund_return(436, false).await.expect("found").value.already);
    let error = shop.refund_return(436, false).await.expect_err("unknown money");
    assert!(!error.may_have_acted(), "{error}");
    script.done();
}

#[test]
fn where_money_stands_follows_from_its_entries() {
    let moved = |words: &[(&str, &str)]| {
        let rows: Vec<Value> = words.iter().map(|(kind, state)| json!({"entryType": kind, "status": state})).collect();
        let text = json!({ "h": rows }).to_string();
        let holder = super::super::json::Object::open("return", &text).expect("an object");
        payments::refund(&payments::list(&holder, "h", "SEK").expect("entries"))
    };
    assert_eq!(moved(&[]), Moved::NotTold);
    assert_eq!(moved(&[("AUTH", "SUCCESS"), ("CAPTURE", "SUCCESS")]), Moved::NotTold);
    assert_eq!(moved(&[("REFUND_REQUEST", "PENDING")]), Moved::Asked);
    assert_eq!(moved(&[("REFUND_REQUEST", "SUCCESS")]), Moved::Asked);
    assert_eq!(moved(&[("REFUND", "PENDING")]), Moved::Asked);
    assert_eq!(moved(&[("REFUND", "A_NEW_WORD")]), Moved::Asked, "never asked again on a guess");
    assert_eq!(moved(&[("REFUND", "FAILED")]), Moved::Failed);
    assert_eq!(moved(&[("REFUND_GIFT_CARD", "SUCCESS")]), Moved::Done);
    assert_eq!(moved(&[("REFUND_FAILED", "FAILED"), ("REFUND_REQUEST", "PENDING")]), Moved::Asked);
    assert_eq!(moved(&[("REFUND", "SUCCESS"), ("REFUND_FAILED", "FAILED")]), Moved::Done);
}

#[tokio::test]
async fn returns_are_read_by_order_by_id_and_by_time() {
    let full: Vec<Value> = (1..=50).map(|id| kept(id, "PENDING", json!([]))).collect();
    let script = Script::new();
    script
        .then(200, list(json!([kept(436, "COMPLETED", json!([])), kept(437, "LATER", json!([]))])))
        .then(200, list(json!([kept(436, "COMPLETED", json!([])), kept(999, "PENDING", json!([]))])))
        .then(200, list(json!(full)));
    let shop = shop(&script);
    let found = shop.returns_of(1042).await.expect("returns").value;
    assert_eq!(found[1].state, ReturnState::Unknown("LATER".to_owned()));
    let named = shop.returns_named(&[436]).await.expect("returns").value;
    assert_eq!(named.iter().map(|r| r.id).collect::<Vec<_>>(), [436]);
    let (rows, full) = shop.returns_made_since(NOW, 2).await.expect("a page").value;
    assert_eq!((rows.len(), full), (50, true));
    assert_eq!(sent(&script, 2)["variables"], json!({"from": "2026-02-02T09:15:00+00:00", "page": 2}));
    script.done();
}
