//! What later steps ask and read, against the vendor's sample messages.
//!
//! The samples are kept outside this repository; `CONTRACTS_DIR` names the folder. Without it these tests say
//! "skipped", and with `TRUECOUNT_NO_SKIP=1` they fail instead.

use super::tests::{data, sent, shop};
use super::*;
use crate::connectors::script::{NOW, Script};
use crate::domain::ids::LineKey;
use crate::domain::money::Fine;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, which is no setting of the program")]
    std::env::var(name).ok()
}

#[expect(clippy::print_stderr, reason = "a skipped test must not look like a passed one")]
fn samples() -> Option<PathBuf> {
    let folder = setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("samples").join("centra"));
    let there = folder.filter(|folder| folder.is_dir());
    if there.is_none() {
        assert!(setting("TRUECOUNT_NO_SKIP").as_deref() != Some("1"), "CONTRACTS_DIR names no folder with samples");
        eprintln!("skipped: CONTRACTS_DIR names no folder with samples of this shop");
    }
    there
}

fn sample(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("a sample");
    serde_json::from_str(&text).expect("JSON")
}

fn answer(sample: &Value) -> String {
    sample["response"]["body"].to_string()
}

/// Asks as the sample does, word for word.
fn same(script: &Script, index: usize, sample: &Value) {
    let (ours, sampled) = (sent(script, index), &sample["request"]["body"]);
    assert_eq!((&ours["query"], &ours["variables"]), (&sampled["query"], &sampled["variables"]));
}

#[tokio::test]
async fn sampled_changes_are_asked_word_for_word_and_read() {
    let Some(folder) = samples() else { return };
    let [making, completing, moving, refused] =
        ["create-return", "complete-shipment", "change-stock-ok", "change-stock-user-error"]
            .map(|name| sample(&folder, name));
    let open = json!({"id": 345, "isShipped": false, "isGoodToGo": true, "isPaid": true,
        "lines": [{"id": 465, "quantity": 1, "orderLine": {"id": 7001}}]});
    let none = data(json!({"stockChangeConnection": {"edges": []}}));
    let script = Script::new();
    script
        .then(200, data(json!({"returns": []})))
        .then(200, answer(&making))
        .then(200, data(json!({"shipments": [open]})))
        .then(200, answer(&completing))
        .then(200, none.clone())
        .then(200, answer(&moving))
        .then(200, none)
        .then(200, answer(&refused));
    let shop = shop(&script);
    let new = NewReturn {
        reference: "ls-return-881".to_owned(),
        shipment: 345,
        lines: vec![(465, 1)],
        goods: GoodsTo::Warehouse(OutletKey::new("9")),
        shipping: Some(Cost::Amount(Fine::ZERO)),
        handling: None,
        fee: None,
        currency: "SEK".to_owned(),
        comment: "returned in shop 3".to_owned(),
    };
    let made = shop.create_return(&new).await.expect("made").value;
    assert_eq!(made.value, (436, ReturnState::Pending));
    same(&script, 1, &making);
    shop.complete_shipment(345, &Leaving { at: Some(NOW), ..Leaving::default() }).await.expect("left");
    assert_eq!(sent(&script, 3)["query"], completing["request"]["body"]["query"]);
    let moved = StockMove {
        from: Some(OutletKey::new("3")),
        to: None,
        units: vec![("281".into(), 1)],
        reference: "till sale 9912/1 k=01JSAMPLE".to_owned(),
    };
    assert_eq!(shop.move_stock(&moved).await.expect("moved").value.value, 4301);
    same(&script, 5, &moving);
    let error = shop.move_stock(&moved).await.expect_err("refused");
    assert!(!error.may_have_acted() && error.to_string().contains("Not enough free"), "{error}");
    script.done();
}

#[tokio::test]
async fn a_sampled_shipment_warns_of_its_capture() {
    let Some(folder) = samples() else { return };
    let sampled = sample(&folder, "create-shipment-capture-warning");
    let script = Script::new();
    script
        .then(200, data(json!({"shipments": []})))
        .then(200, data(json!({"orders": [selling_tests::detail("CONFIRMED")]})))
        .then(200, answer(&sampled));
    let new = NewShipment {
        lines: vec![(LineKey::new("7001"), 1)],
        known: vec![],
        good_to_go: true,
        pay: Pay::Capture,
        tell: false,
    };
    let made = shop(&script).create_shipment(&selling_tests::key(), &new).await.expect("made").value;
    assert_eq!((made.value.number.as_str(), made.value.captured, made.warnings.len()), ("1042-1", false, 1));
    let (ours, theirs) = (sent(&script, 2), &sampled["request"]["body"]);
    assert_eq!(ours["query"], theirs["query"]);
    let theirs = &theirs["variables"]["i"];
    for member in ["lines", "isGoodToGo", "capture"] {
        assert_eq!(ours["variables"]["i"][member], theirs[member], "{member}");
    }
}

#[tokio::test]
async fn sampled_refunds_are_asked_word_for_word_and_stand_where_they_stand() {
    let Some(folder) = samples() else { return };
    for (name, moved) in
        [("refund-success", Moved::Done), ("refund-pending", Moved::Asked), ("refund-failed", Moved::Failed)]
    {
        let sampled = sample(&folder, name);
        let script = Script::new();
        script
            .then(200, data(json!({"returns": [returns_tests::kept(436, "PENDING", json!([]))]})))
            .then(200, answer(&sampled));
        let done = shop(&script).refund_return(436, false).await.expect(name).value;
        assert_eq!((done.value.moved, done.value.entries[0].amount), (moved, Fine(49_900_000)), "{name}");
        same(&script, 1, &sampled);
    }
}

#[tokio::test]
async fn sampled_events_are_pulled_and_confirmed() {
    let Some(folder) = samples() else { return };
    let script = Script::new();
    script.then(200, answer(&sample(&folder, "events"))).then(200, answer(&sample(&folder, "confirm-events")));
    let shop = shop(&script);
    let pulled = shop.pull_events().await.expect("events").value;
    let seen: Vec<_> =
        pulled.events.iter().map(|e| (e.id, e.delivery.kind.as_str(), e.delivery.external_id.as_str())).collect();
    assert_eq!(
        seen,
        [
            (90211, "order", "1042"),
            (90212, "order", "1042"),
            (90213, "shipment", "345"),
            (90214, "order", "1040"),
            (90215, "stock", "4301")
        ]
    );
    assert!(pulled.events.iter().all(|event| event.delivery.fact.is_ok()));
    let ids: Vec<i64> = seen.iter().map(|(id, _, _)| *id).collect();
    shop.confirm_events(&ids, pulled.full).await.expect("confirmed");
}

#[tokio::test]
async fn sampled_orders_are_read_in_detail() {
    let Some(folder) = samples() else { return };
    let body = &sample(&folder, "orders-page")["response"]["body"]["data"];
    let orders = detail::read_list(&body.to_string(), "").expect("orders");
    let seen: Vec<_> = orders.iter().map(|o| (o.number, o.not_to_ship().is_none())).collect();
    assert_eq!(seen, [(1042, true), (1043, false), (1044, true), (1045, false), (1046, false), (1047, false)]);
    let order = &orders[0];
    assert_eq!(
        (order.total, order.shipping, order.tax_included),
        (Fine(54_900_000), Fine(5_000_000), Fine(10_980_000))
    );
    assert_eq!(order.payments[0].reference.as_deref(), Some("psp-1"));
    assert_eq!((orders[3].lines[0].returned, orders[2].lines[1].cancelled), (1, 1));
    let seen = masters::seen(&body.to_string()).expect("what orders show");
    assert_eq!((seen.orders, seen.payment_methods["card"], seen.shipping_options["standard"].1), (6, 6, 6));
}

#[tokio::test]
async fn sampled_products_and_warehouses_are_read_as_trees_and_rules() {
    let Some(folder) = samples() else { return };
    let body = sample(&folder, "products-page")["response"]["body"]["data"].to_string();
    let tee = items::tree_of(&body, 11, usize::MAX).expect("a tree").expect("a product");
    assert_eq!((tee.variants.len(), tee.variants[0].sizes.len(), tee.variants[1].active), (2, 2, false));
    let mug = items::tree_of(&body, 12, usize::MAX).expect("a tree").expect("a product");
    assert_eq!((mug.number.as_str(), mug.variants[0].sizes[0].sku.as_str()), ("", ""), "its SKU has no parts");
    let sampled = sample(&folder, "warehouses");
    let script = Script::new();
    script.then(200, answer(&sampled));
    let places = shop(&script).warehouse_details().await.expect("warehouses").value;
    assert_eq!(places[0].store_front, Some((5, "Main Street".to_owned())));
    assert_eq!((places[0].written_from_outside, &places[0].policy), (Some(true), &Policy::CheckFirst));
    assert_eq!((places[1].hidden, places[1].threshold, &places[1].store_front), (true, 0, &None));
    same(&script, 0, &sampled);
}
