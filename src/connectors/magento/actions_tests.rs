use super::super::script::Script;
use super::orders_tests::order;
use super::tests::{asked, list, shop};
use super::*;
use crate::domain::money::Fine;
use serde_json::{Value, json};

const NO: &str = r#"{"message":"Could not save a shipment, see error log for details"}"#;

fn body(script: &Script, index: usize) -> (String, Value) {
    let asked = script.asked()[index].clone();
    let (line, body) = asked.split_once(" {").expect("a body");
    (line.to_owned(), serde_json::from_str(&format!("{{{body}")).expect("JSON"))
}

fn units(item: i64, units: i64) -> Units {
    Units { item, units }
}

fn is_refused<T: std::fmt::Debug>(answer: Result<Answer<T>, CallError>) -> String {
    match answer.expect_err("refused").kind {
        CallErrorKind::Rejected { reason } => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_shipment_always_names_its_source_and_is_read_back() {
    let script = Script::new();
    // The shop ships one of the five that it was asked for.
    script.then(200, "\"5\"").then(200, r#"{"entity_id":5,"items":[{"order_item_id":90,"qty":1}]}"#);
    let shop = shop(&script);
    let mut shipment = Shipment {
        source: OutletKey::new("store_malmo"),
        units: vec![units(90, 5)],
        tracks: vec![("ups".into(), "UPS".into(), "1Z".into())],
        tell: false,
    };
    let sent = shop.ship(42, &shipment).await.expect("shipped").value;
    assert_eq!(sent, (5, vec![units(90, 1)]));
    let (line, sent) = body(&script, 0);
    assert_eq!(line, "POST /rest/V1/order/42/ship");
    assert_eq!(sent["arguments"]["extension_attributes"]["source_code"], "store_malmo");
    assert_eq!(sent["items"], json!([{"order_item_id": 90, "qty": 5}]));
    assert_eq!(asked(&script)[1], "GET /rest/V1/shipment/5");
    script.then(400, NO);
    assert!(is_refused(shop.ship(42, &shipment).await).contains("error log"));
    script.done();
    // What cannot be read back was shipped all the same.
    script.then(200, "\"6\"").then(500, "An error has happened.");
    assert!(shop.ship(42, &shipment).await.expect_err("lost").may_have_acted());
    for (source, rows) in [("", vec![units(90, 1)]), ("warehouse", vec![]), ("warehouse", vec![units(90, 0)])] {
        (shipment.source, shipment.units) = (OutletKey::new(source), rows);
        is_refused(shop.ship(42, &shipment).await);
    }
    script.done();
}

#[tokio::test]
async fn a_refund_says_everything_and_puts_variants_back_by_their_own_row() {
    let script = Script::new();
    script.then(200, "13");
    let shop = shop(&script);
    let line = |item, child, units, to_shelf| MemoLine { item, child, units, to_shelf };
    let memo = Memo {
        lines: vec![
            line(90, Some(91), 1, true),
            line(92, None, 2, true),
            line(93, None, 1, false),
            line(94, None, 0, true),
        ],
        shipping: Fine(1_250_000),
        more: Fine::ZERO,
        less: Fine(10_000),
        comment: "Returned in the shop".to_owned(),
    };
    assert_eq!(shop.refund(42, &memo).await.expect("refunded").value, 13);
    let (line_asked, sent) = body(&script, 0);
    assert_eq!(line_asked, "POST /rest/V1/order/42/refund");
    assert_eq!(sent["arguments"]["extension_attributes"]["return_to_stock_items"], json!([91, 92]));
    assert_eq!(sent["arguments"]["shipping_amount"], json!(12.5));
    assert_eq!(sent["arguments"]["adjustment_negative"], json!(0.1));
    assert_eq!(sent["arguments"]["adjustment_positive"], json!(0));
    assert_eq!(sent["items"][3], json!({"order_item_id": 94, "qty": 0}));
    let nothing =
        |lines| Memo { lines, shipping: Fine::ZERO, more: Fine::ZERO, less: Fine::ZERO, comment: String::new() };
    is_refused(shop.refund(42, &nothing(vec![])).await);
    is_refused(shop.refund(42, &nothing(vec![line(90, None, 0, false)])).await);
    is_refused(shop.refund(42, &nothing(vec![line(90, None, -1, false)])).await);
    is_refused(shop.refund(42, &Memo { less: Fine(-1), ..nothing(vec![line(90, None, 1, false)]) }).await);
    script.then_fails(super::super::transport::TransportError::NoAnswer("reset".into()));
    assert!(shop.refund(42, &memo).await.expect_err("lost").may_have_acted());
    script.then(
        200,
        list(&[json!({"entity_id": 13, "increment_id": "000000013", "grand_total": 12,
        "items": [{"order_item_id": 90, "qty": 1}]})]),
    );
    let memos = shop.memos_of(42).await.expect("memos").value;
    assert_eq!((memos[0].id, memos[0].total, memos[0].units[0]), (13, Fine(1_200_000), units(90, 1)));
    script.done();
}

#[tokio::test]
async fn only_an_order_that_is_to_be_picked_up_is_told_of_as_ready() {
    let script = Script::new();
    let shop = shop(&script);
    let row = json!([{"item_id": 1, "sku": "MUG", "qty_ordered": 1}]);
    let mut collected = order(42, "new", "09:00:00", row.clone());
    collected["extension_attributes"] = json!({"pickup_location_code": "store_malmo"});
    script.then(200, collected.to_string()).then(200, r#"{"successful":true,"errors":[]}"#);
    assert_eq!(shop.ready_for_pickup(42).await.expect("told").value, Pickup::Told);
    assert!(script.asked()[1].ends_with(r#"/order/notify-orders-are-ready-for-pickup {"orderIds":[42]}"#));
    script.then(200, collected.to_string());
    script.then(
        200,
        r#"{"successful":false,"errors":["{\"id\":42,\"message\":\"The order is not ready for pickup\"}"]}"#,
    );
    let told = shop.ready_for_pickup(42).await.expect("an answer").value;
    assert_eq!(told, Pickup::NotReady("The order is not ready for pickup".to_owned()));
    script.then(200, order(42, "new", "09:00:00", row).to_string());
    assert!(is_refused(shop.ready_for_pickup(42).await).contains("not to be picked up"));
    script.then(404, r#"{"message":"The entity that was requested doesn't exist."}"#);
    is_refused(shop.ready_for_pickup(43).await);
    script.done();
}

#[tokio::test]
async fn small_calls_say_what_they_mean() {
    let script = Script::new();
    let shop = shop(&script);
    script.then(200, "\"7\"").then(200, "true").then(200, "false").then(200, "true").then(200, "true");
    assert_eq!(shop.invoice(42, &[units(90, 1)]).await.expect("invoiced").value, 7);
    assert!(shop.cancel(42).await.expect("cancelled").value);
    assert!(!shop.cancel(42).await.expect("nothing left").value);
    shop.comment(42, "Collected at the till").await.expect("kept");
    shop.add_variant("TEE/1", "TEE-R").await.expect("hung");
    script.then(400, r#"{"message":"The product is already attached."}"#).then(400, r#"{"message":"no"}"#);
    shop.add_variant("TEE/1", "TEE-R").await.expect("hung already");
    is_refused(shop.add_variant("TEE/1", "TEE-R").await);
    is_refused(shop.invoice(42, &[]).await);
    script
        .then(200, r#"{"id":1015,"sku":"NEW 1"}"#)
        .then(200, r#"{"id":1015,"status":2}"#)
        .then(200, r#"{"id":1015,"status":1}"#);
    let new = NewProduct {
        sku: "NEW 1".into(),
        name: "New".into(),
        attribute_set: 4,
        price: Fine(1_990_000),
        enabled: false,
        shown: false,
        websites: vec![1],
        attributes: vec![("ean".into(), "735".into())],
    };
    assert_eq!(shop.create_product(&new).await.expect("made").value, 1015);
    shop.set_enabled("NEW 1", false).await.expect("off");
    let unchanged = shop.set_enabled("A/B 1", false).await.expect_err("it stayed on");
    assert!(unchanged.may_have_acted());
    script.then(404, r#"{"message":"none"}"#).then(200, r#"["Magento_InventoryApi","Magento_Store"]"#);
    assert!(shop.order_detail(9).await.expect("an answer").value.is_none());
    let modules = shop.modules().await.expect("modules").value;
    assert!(modules.sources && !modules.pickup);
    let asked = asked(&script);
    assert!(
        asked[0].starts_with("POST /rest/V1/order/42/invoice {\"appendComment\":false,\"capture\":true"),
        "{asked:?}"
    );
    assert_eq!(asked[1], "POST /rest/V1/orders/42/cancel");
    assert_eq!(script.asked()[4], r#"POST /rest/V1/configurable-products/TEE%2F1/child {"childSku":"TEE-R"}"#);
    assert!(asked[7].contains(r#""price":19.9,"#) && asked[7].contains(r#""status":2"#), "{asked:?}");
    assert_eq!(script.asked()[9], r#"PUT /rest/all/V1/products/A%2FB%201 {"product":{"sku":"A/B 1","status":2}}"#);
    script.done();
}

#[tokio::test]
async fn ways_to_pay_are_those_of_the_newest_orders() {
    let script = Script::new();
    let row = json!([{"item_id": 1, "sku": "MUG", "qty_ordered": 1}]);
    let paid = |id: i64, method: &str| {
        let mut order = order(id, "new", "09:00:00", row.clone());
        order["payment"] = json!({"method": method});
        order
    };
    script.then(200, json!({"items": [{}], "total_count": 52}).to_string());
    script.then(200, json!({"items": [paid(51, "checkmo"), paid(52, "klarna"), 5], "total_count": 52}).to_string());
    let seen = shop(&script).payment_methods_seen().await.expect("methods").value;
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [("checkmo".to_owned(), 1), ("klarna".to_owned(), 1)]);
    assert!(asked(&script)[1].contains("[currentPage]=2"));
    script.done();
}
