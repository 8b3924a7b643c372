//! Whatever a shop sends, every reader says what is wrong and none breaks.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

type Reader = fn(&str) -> Option<Unreadable>;

fn mark(text: &str) -> Option<Unreadable> {
    sweep::Mark::default().turn("rows", "entity_id", text, 3).err()
}

fn products(text: &str) -> Option<Unreadable> {
    let reading = products::Reading { barcode: "ean".into(), options: vec!["color".into()], prices_include_tax: true };
    products::read_raw(text, &reading).err()
}

/// Every reader of what a shop sends, with a body that it takes.
fn readers() -> Vec<(&'static str, Reader, Value)> {
    let order = orders_tests::order(1, "new", "09:00:00", json!([{"item_id": 1, "sku": "MUG", "qty_ordered": 1}]));
    let record = json!({"order": order, "shipments": [{"entity_id": 1, "order_id": 1, "updated_at": "2026-02-02 09:00:00",
        "items": [{"order_item_id": 1, "qty": 1}], "extension_attributes": {"source_code": "warehouse"}}]});
    let product = json!({"product": {"id": 1, "sku": "MUG", "name": "Mug", "price": 10, "status": 1, "type_id": "simple",
        "updated_at": "2026-02-02 09:00:00", "custom_attributes": [{"attribute_code": "ean", "value": "1"}]},
        "beside": {"style": {"sku": "S", "name": "N", "updated_at": 1}, "options": ["Red"]}});
    vec![
        ("order", |text| orders::read_raw(text).err(), order.clone()),
        ("order with shipments", |text| orders::read_raw(text).err(), record),
        ("detail", |text| detail::read(text).err(), order.clone()),
        ("product", products, product["product"].clone()),
        ("product with style", products, product),
        ("list", |text| wire::list("rows", text).err(), json!({"items": [order], "total_count": 1})),
        ("page", |text| wire::page("rows", text, 3, 1).err(), json!({"items": [1], "total_count": 1})),
        ("sweep", mark, json!({"items": [order], "total_count": 1})),
        (
            "source item",
            |text| salable::item(text).err(),
            json!({"sku": "A", "source_code": "b", "quantity": 1, "status": 1}),
        ),
        ("salable", |text| salable::offer(text).err(), json!({"sku": "A", "qty": 1})),
        ("source", |text| places::read_source(text).err(), json!({"source_code": "b", "name": "B", "enabled": true})),
        (
            "stock",
            |text| places::read_stock(text).err(),
            json!({"stock_id": 1, "extension_attributes": {"sales_channels": [{"type": "website", "code": "base"}]}}),
        ),
        ("link", |text| places::read_link(text).err(), json!({"stock_id": 1, "source_code": "b", "priority": 1})),
        ("labels", |text| products::labels(text).err(), json!([{"label": "Red", "value": "4"}])),
        ("written", |text| stock::written(text).err(), json!([])),
        ("id", |text| actions::new_id(text).err(), json!("12")),
        ("yes", |text| actions::yes(text).err(), json!(true)),
        ("shipment", |text| actions::units_of(text).err(), json!({"items": [{"order_item_id": 1, "qty": 1}]})),
        (
            "memo",
            |text| actions::memo(text).err(),
            json!({"entity_id": 1, "increment_id": "1", "grand_total": 1, "items": [{"order_item_id": 1, "qty": 1}]}),
        ),
        (
            "pick-up",
            |text| actions::pickup(text).err(),
            json!({"successful": false, "errors": ["{\"message\":\"no\"}"]}),
        ),
        ("store views", |text| master::store_views(text).err(), json!([{"id": 1, "code": "d", "website_id": 1}])),
        (
            "tax class",
            |text| master::tax_class(text).err(),
            json!({"class_id": 2, "class_name": "G", "class_type": "PRODUCT"}),
        ),
        ("modules", |text| master::modules(text).err(), json!(["Magento_Store"])),
    ]
}

/// All places in a body, as pointers.
fn places_in(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| places_in(value, format!("{at}/{name}"), out));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| places_in(value, format!("{at}/{index}"), out));
        }
        _ => {}
    }
    out.push(at);
}

#[test]
fn a_body_that_is_right_is_read() {
    for (what, read, body) in readers() {
        assert_eq!(read(&body.to_string()), None, "{what}");
    }
}

#[test]
fn whatever_stands_in_a_field_is_read_or_refused_with_its_name() {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let strange: Vec<String> = [
        "null",
        "true",
        "\"\"",
        "\"x\"",
        "\"5\"",
        "-1",
        "0.5",
        "1e999",
        "99999999999999999999999999999999999999",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "{\"a\":{}}",
        "\"a\\u0000b\"",
        "\"\\ud800\"",
        "\"NaN\"",
        "\"2026-02-31 25:00:00\"",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .chain([format!("\"{}\"", "x".repeat(100_000)), deep, format!("-{}", "9".repeat(400))])
    .collect();
    let mut refused = 0;
    for (what, read, body) in readers() {
        let mut places = Vec::new();
        places_in(&body, String::new(), &mut places);
        for place in places {
            for value in &strange {
                let mut marked = body.clone();
                *marked.pointer_mut(&place).expect("a place") = json!("\u{1}HERE");
                let text = marked.to_string().replace("\"\\u0001HERE\"", value);
                let Some(unreadable) = read(&text) else { continue };
                refused += 1;
                assert!(unreadable.reason.len() < 400, "{what}{place}: {unreadable}");
                // The name of the field, or of something around it.
                let named = place.split('/').any(|name| !name.is_empty() && unreadable.reason.contains(name));
                let whole = !place.contains('/')
                    || place.split('/').all(|name| name.parse::<usize>().is_ok() || name.is_empty());
                let about_rows = unreadable.reason.contains("row");
                assert!(named || whole || about_rows, "{what}{place} = {}: {unreadable}", wire::clip(value));
            }
            // Absent altogether.
            let Some((around, name)) = place.rsplit_once('/') else { continue };
            let mut without = body.clone();
            if let Some(members) = without.pointer_mut(around).and_then(Value::as_object_mut) {
                members.remove(name);
                read(&without.to_string());
            }
        }
    }
    assert!(refused > 1_000, "only {refused} were refused");
}

#[test]
fn what_is_no_json_is_no_answer() {
    for (what, read, _) in readers() {
        for text in [
            "",
            " ",
            "<html>",
            "{",
            "[",
            "{\"items\":",
            "\u{feff}{}",
            "nul",
            "{\"a\":1}{\"b\":2}",
            "An error has happened",
        ] {
            let unreadable = read(text);
            assert!(unreadable.is_some(), "{what}: {text}");
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_answer() {
    use super::super::script::Script;
    struct Bytes255(Arc<Script>);
    #[async_trait]
    impl Transport for Bytes255 {
        async fn send(
            &self,
            connection: &ConnectionId,
            request: http::Request<Bytes>,
        ) -> Result<http::Response<Bytes>, super::super::transport::TransportError> {
            let answer = self.0.send(connection, request).await?;
            Ok(answer.map(|_| Bytes::from_static(b"{\"items\":[\"\xff\xfe\"],\"total_count\":1}")))
        }
    }
    for status in [200, 400, 404, 500] {
        let script = Script::new();
        script.then(status, "");
        let shop = Magento::new(tests::config(), Arc::new(Bytes255(script.clone())), Script::clock());
        let error = shop.orders_after(None).await.expect_err("no text");
        let fits = match status {
            200 => matches!(error.kind, CallErrorKind::Protocol { .. }),
            500 => matches!(error.kind, CallErrorKind::Unavailable { .. }),
            _ => matches!(error.kind, CallErrorKind::Rejected { .. }),
        };
        assert!(fits, "{status}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(text in ".{0,80}") {
        for (_, read, _) in readers() {
            read(&text);
        }
        wire::words(&text);
        oauth1::query_pairs(&text);
        percent::decode(&text);
    }

    #[test]
    fn no_damage_to_a_body_breaks_a_reader(cut in any::<prop::sample::Index>(), byte in any::<u8>(), which in any::<prop::sample::Index>()) {
        let readers = readers();
        let (_, read, body) = &readers[which.index(readers.len())];
        let mut bytes = body.to_string().into_bytes();
        let at = cut.index(bytes.len());
        bytes[at] = byte;
        read(&String::from_utf8_lossy(&bytes));
        bytes.truncate(at);
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_message_breaks_the_filling_of_its_gaps(message in ".{0,40}", parameters in "[\\[{].{0,20}") {
        let body = format!("{{\"message\":{},\"parameters\":{parameters}}}", json!(message));
        wire::words(&body);
    }
}
