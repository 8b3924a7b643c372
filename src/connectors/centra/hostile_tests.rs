//! Whatever a shop sends, every reader says what is wrong and none breaks.

use super::*;
use crate::connectors::json::Object;
use crate::connectors::script::Script;
use proptest::prelude::*;
use serde_json::{Value, json};

type Reader = fn(&str) -> Option<Unreadable>;

fn told<T>(text: &str, field: &str, read: impl FnOnce(&Object<'_>) -> Result<T, Unreadable>) -> Option<Unreadable> {
    errand::told(text, field, Some("x"), read).err().map(|kind| Unreadable::new(kind.to_string()))
}

/// Every reader of what later steps get, with data that it takes.
fn readers() -> Vec<(&'static str, Reader, Value)> {
    let order = selling_tests::detail("CONFIRMED");
    let kept =
        returns_tests::kept(1, "PENDING", json!([{"entryType": "REFUND", "status": "SUCCESS", "value": {"value": 1}}]));
    let product = json!({"id": 11, "status": "ACTIVE", "variants": [{"id": 21, "status": "ACTIVE", "productSizes": [
        {"id": 281, "SKU": "A", "EAN": "1", "isActive": true}]}]});
    let shipment = json!({"id": 345, "number": "1042-1", "isShipped": false, "isPaid": true, "shippedAt": "2026-02-02T10:15:00+01:00",
        "lines": [{"id": 465, "quantity": 1, "returnedQuantity": 0, "orderLine": {"id": 7001}}]});
    let found = json!({"id": 1, "SKU": "A", "EAN": "1", "productVariant": {"id": 2, "product": {"id": 3}}});
    let entry =
        json!({"entryType": "CAPTURE", "status": "SUCCESS", "value": {"value": 1, "currency": {"code": "SEK"}}});
    vec![
        ("tree", |t| items::tree_of(t, 11, 20).err(), json!({"products": [product]})),
        ("found", |t| items::found(t, "SKU", "A").err(), json!({"productSizes": [found]})),
        (
            "charts",
            |t| items::charts(t).err(),
            json!({"sizeCharts": [{"id": 1, "name": "n", "sizes": [{"id": 2, "name": "S"}]}]}),
        ),
        ("kept", |t| catalogue::kept(t, "r").err(), json!({"idConversions": [{"internalId": 1, "externalId": "r"}]})),
        ("detail", |t| detail::read_list(t, "SEK").err(), json!({"orders": [order]})),
        ("names", |t| detail::names(t).err(), json!({"orders": [{"id": "a", "number": 1}]})),
        (
            "comment",
            |t| transitions::comment_of(t, &"a".into()).err(),
            json!({"orders": [{"id": "a", "internalComment": "c"}]}),
        ),
        ("shipments", |t| shipments::read_list(t, "shipments").err(), json!({"shipments": [shipment]})),
        (
            "made shipment",
            |t| told(t, "m", shipments::made),
            json!({"m": {"shipment": {"id": 1, "number": "1-1", "isCaptured": true}, "userErrors": [], "userWarnings": []}}),
        ),
        (
            "left",
            |t| told(t, "m", |p| shipments::left(p, 1)),
            json!({"m": {"shipment": {"id": 1, "isShipped": true}, "userErrors": []}}),
        ),
        (
            "captured",
            |t| told(t, "m", shipments::captured),
            json!({"m": {"paymentHistoryEntry": entry, "paymentHistoryEntries": [entry], "userErrors": []}}),
        ),
        ("returns", |t| returns::read_list(t, "returns", "SEK").err(), json!({"returns": [kept]})),
        (
            "made return",
            |t| told(t, "m", returns::made),
            json!({"m": {"return": {"id": 1, "returnStatus": "PENDING"}, "userErrors": []}}),
        ),
        (
            "refunded",
            |t| told(t, "m", |p| returns::refunded(p, 1, "SEK")),
            json!({"m": {"return": {"id": 1}, "paymentHistoryEntries": [entry], "userErrors": []}}),
        ),
        ("stores", |t| masters::stores(t).err(), json!({"stores": [{"id": 1, "name": "n"}]})),
        (
            "markets",
            |t| masters::markets(t).err(),
            json!({"markets": [{"id": 1, "store": {"id": 1}, "allocationRule": {"id": 1}}]}),
        ),
        (
            "warehouses",
            |t| masters::warehouses(t).err(),
            json!({"warehouses": [{"id": 1, "name": "n", "status": "ACTIVE", "threshold": 1, "stockMaster": "EXTERNAL",
                "allocationPolicy": "DIRECT", "brickAndMortar": {"id": 5, "name": "M"}}]}),
        ),
        (
            "rules",
            |t| masters::rules(t, "s").err(),
            json!({"allocationRules": [{"id": 1, "s": [{"priorities": [{"priorityNumber": 1, "warehouse": {"id": 1}}]}]}]}),
        ),
        ("taxes", |t| masters::taxes(t, "taxRules").err(), json!({"taxRules": [{"id": 1, "name": "n", "rate": 25}]})),
        ("seen", |t| masters::seen(t).err(), json!({"orders": [order]})),
        (
            "events",
            |t| events::read(t).err(),
            json!({"events": [{"id": 1, "objectType": "Order", "objectReference": 2}]}),
        ),
        (
            "booking",
            |t| ledger::found(t, "c").err(),
            json!({"stockChangeConnection": {"edges": [{"node": {"id": 1, "comment": "c"}}]}}),
        ),
        ("booked", |t| told(t, "m", ledger::booked), json!({"m": {"stockChange": {"id": 1}, "userErrors": []}})),
    ]
}

/// Every place in a value, as a pointer.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inside)| places(inside, format!("{at}/{name}"), found));
        }
        Value::Array(rows) => {
            rows.iter().enumerate().for_each(|(n, inside)| places(inside, format!("{at}/{n}"), found))
        }
        _ => {}
    }
    found.push(at);
}

fn strange() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("12"),
        json!("NEW_WORD"),
        json!("\u{0}"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([[[]]]),
        json!({}),
        json!([null, 7, "a", {}]),
    ]
}

#[test]
fn every_reader_takes_its_own_and_nothing_strange_breaks_one() {
    for (name, read, good) in readers() {
        assert_eq!(read(&good.to_string()), None, "{name}");
        let mut found = Vec::new();
        places(&good, String::new(), &mut found);
        for place in found {
            for value in strange() {
                let mut body = good.clone();
                *body.pointer_mut(&place).expect("a place") = value;
                if let Some(unreadable) = read(&body.to_string()) {
                    assert!(unreadable.reason.len() < 1_000, "{name} {place}: a reason is one sentence");
                }
            }
        }
    }
}

#[test]
fn numbers_that_come_as_texts_are_read_the_same() {
    fn as_texts(value: &Value) -> Value {
        match value {
            Value::Number(number) => json!(number.to_string()),
            Value::Array(rows) => rows.iter().map(as_texts).collect(),
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), as_texts(value))).collect(),
            other => other.clone(),
        }
    }
    for (name, read, good) in readers() {
        assert_eq!(read(&as_texts(&good).to_string()), None, "{name}");
    }
    let order = json!({"orders": [selling_tests::detail("CONFIRMED")]});
    let texts = as_texts(&order).to_string();
    assert_eq!(detail::read_list(&texts, ""), detail::read_list(&order.to_string(), ""));
}

#[test]
fn what_is_no_object_cut_off_or_deep_is_refused() {
    let deep = format!("{{\"orders\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    for (name, read, good) in readers() {
        for text in ["", "null", "[]", "7", "<html>", "{}", "\u{feff}{}", deep.as_str()] {
            assert!(read(text).is_some(), "{name} takes {}", text.chars().take(20).collect::<String>());
        }
        let whole = good.to_string();
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(read(&whole[..end]).is_some(), "{name} takes a part");
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_and_may_have_acted() {
    // A written answer is text; what is not is refused before any reader (see `call.rs`). A lone surrogate is text, and
    // no character.
    let script = Script::new();
    script
        .then(200, r#"{"data":{"events":[{"id":1,"objectType":"\ud800","objectReference":1}]}}"#)
        .then(200, r#"{"data":{"confirmEvents":{"userErrors":[{"message":"\ud800"}]}}}"#);
    let shop = tests::shop(&script);
    let pulled = shop.pull_events().await.expect("events").value;
    assert!(pulled.events[0].delivery.fact.is_err(), "it can still be confirmed");
    let error = shop.confirm_events(&[1], false).await.expect_err("unreadable");
    assert!(error.may_have_acted(), "{error}");
}

proptest! {
    #[test]
    fn no_text_brings_a_reader_down(text in ".{0,300}", member in "[a-zA-Z]{1,14}") {
        for (_, read, good) in readers() {
            let _read_or_refused = read(&text);
            let mut body = good.clone();
            if let Some(members) = body.as_object_mut() {
                members.insert(member.clone(), json!(text));
            }
            prop_assert!(read(&body.to_string()).is_none() || good.get(member.as_str()).is_some(), "a new member is passed over");
        }
    }

    #[test]
    fn what_is_shipped_is_never_more_than_was_bought(bought in 0_i64..50, parts in prop::collection::vec(0_i64..30, 0..6)) {
        let mut order = selling_tests::detail("CONFIRMED");
        order["lines"][0]["quantity"] = json!(bought);
        let order = detail::read_list(&json!({"orders": [order]}).to_string(), "").expect("an order");
        let rows: Vec<Value> = parts.iter().enumerate().map(|(id, units)| json!({"id": id + 1, "isShipped": false,
            "lines": [{"id": id + 1, "quantity": units, "orderLine": {"id": 7001}}]})).collect();
        let made = shipments::read_list(&json!({"shipments": rows}).to_string(), "shipments").expect("shipments");
        let left = unshipped(&order[0], &made)[&crate::domain::ids::LineKey::new("7001")];
        prop_assert_eq!(left, (bought - parts.iter().sum::<i64>()).max(0));
    }
}
