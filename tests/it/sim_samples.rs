//! The simulator's notices against the sample payloads: the same keys, the same kinds of scalars.
//!
//! Runs when `CONTRACTS_DIR` names the folder that holds `samples/`; the samples are not part of the project.

use serde_json::Value;
use std::collections::BTreeSet;
use truecount::domain::time::Span;
use truecount::sim::{Options, World};

/// Every path of a value with the kind of what stands there; lists are looked at through their first element.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| shape(inner, &format!("{path}.{key}"), out)),
        Value::Array(list) => match list.first() {
            Some(first) => shape(first, &format!("{path}[]"), out),
            None => drop(out.insert(format!("{path}: empty list"))),
        },
        Value::Null => drop(out.insert(format!("{path}: null"))),
        Value::Bool(_) => drop(out.insert(format!("{path}: bool"))),
        Value::Number(_) => drop(out.insert(format!("{path}: number"))),
        Value::String(_) => drop(out.insert(format!("{path}: string"))),
    }
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    shape(value, "", &mut out);
    out
}

fn sample(name: &str) -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "the samples lie outside the project")]
    let dir = std::env::var("CONTRACTS_DIR").ok()?;
    let text = std::fs::read_to_string(format!("{dir}/samples/{name}.json")).expect("the sample");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// All notices of a kind that are due, decoded: whole form, with the payload as a value.
fn notices(world: &World, kind: &str) -> Vec<Value> {
    let due = world.due_deliveries(world.now() + Span::secs(5));
    due.iter()
        .filter_map(|delivery| {
            let form: serde_json::Map<String, Value> = form_urlencoded::parse(&delivery.body)
                .map(|(key, text)| {
                    let value = if key == "payload" {
                        serde_json::from_str(&text).expect("JSON")
                    } else {
                        Value::from(text.into_owned())
                    };
                    (key.into_owned(), value)
                })
                .collect();
            (form.get("type").and_then(Value::as_str) == Some(kind)).then_some(Value::Object(form))
        })
        .collect()
}

fn plenty(world: &World) -> String {
    world.skus().into_iter().find(|sku| world.till_on_hand(sku) > Some(45)).expect("something in both stores")
}

#[test]
fn sale_notices_have_the_recorded_shape() {
    let Some(recorded) = sample("lightspeed-x/webhooks/01-sale-closed-walkin") else { return };
    let world = World::open(Options::still(2, 60));
    let sku = plenty(&world);
    let sale = world.sell(&sku, "Soho", 1).expect("in stock");
    let played = notices(&world, "sale.update");
    assert_eq!(played.len(), 1);
    assert_eq!(shape_of(&played[0]), shape_of(&recorded));

    let saved = world.begin_return(&sale).expect("closed");
    let played = notices(&world, "sale.update");
    let recorded = sample("lightspeed-x/webhooks/03a-partial-return-saved").expect("the sample");
    let without_customer = |value: &Value| {
        let mut value = value.clone();
        value["payload"]["customer"] = Value::Null;
        shape_of(&value)
    };
    assert_eq!(without_customer(&played[0]), without_customer(&recorded));
    let payload = &played[0]["payload"];
    assert_eq!(payload["status"], "SAVED");
    assert!(payload["taxes"][0]["tax"].as_f64() > Some(0.0), "positive although the totals are negative");
    assert!(payload["totals"]["total_price"].as_str().is_some_and(|total| total.starts_with('-')));

    world.finish_return(&saved, &[1]).expect("saved");
    let played = notices(&world, "sale.update");
    let recorded = sample("lightspeed-x/webhooks/03b-partial-return-closed").expect("the sample");
    assert_eq!(without_customer(&played[0]), without_customer(&recorded));
    assert_ne!(played[0]["payload"]["short_code"], payload["short_code"]);
    assert!(played[0]["payload"]["version"].as_i64() > payload["version"].as_i64());

    world.void(&sale).expect("closed");
    let played = notices(&world, "sale.update");
    let recorded = sample("lightspeed-x/webhooks/01d-sale-voided").expect("the sample");
    assert_eq!(shape_of(&played[0]), shape_of(&recorded));
}

#[test]
fn count_and_product_notices_have_the_sampled_shape() {
    let Some(recorded) = sample("lightspeed-x/webhooks/07-inventory-update") else { return };
    let world = World::open(Options::still(2, 60));
    let sku = plenty(&world);
    world.sell(&sku, "Soho", 1).expect("in stock");
    assert_eq!(shape_of(&notices(&world, "inventory.update")[0]), shape_of(&recorded));

    let recorded = sample("lightspeed-x/webhooks/08-product-update-active").expect("the sample");
    let shapes: Vec<_> = world
        .skus()
        .iter()
        .take(8)
        .map(|sku| {
            world.set_active(sku, true).expect("known");
            shape_of(&notices(&world, "product.update")[0])
        })
        .collect();
    assert!(shapes.contains(&shape_of(&recorded)), "{:?}", shapes[1].symmetric_difference(&shape_of(&recorded)));
}

#[test]
fn shop_notices_have_the_sampled_shape_and_header() {
    let Some(recorded) = sample("centra/webhook-order-update") else { return };
    let world = World::open(Options::still(2, 60));
    world.place_web_order(&[(&plenty(&world), 1)]).expect("shown");
    let due = world.due_deliveries(world.now() + Span::secs(5));
    let (field, payload) = form_urlencoded::parse(&due[0].body).next().expect("one field");
    let payload: Value = serde_json::from_str(&payload).expect("JSON");
    assert_eq!(field, "payload");
    assert_eq!(shape_of(&payload), shape_of(&recorded["payload"]));
    let header = due[0].headers["x-centra-signature"].to_str().expect("text");
    assert!(header.starts_with("t=") && header.contains(",v1="), "{header}");
}

/// What contradicts a schema of the vendor's document: keys it does not know, required keys that are missing.
fn contradictions(spec: &Value, schema: &Value, value: &Value, path: &str, out: &mut Vec<String>) {
    let named = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next());
    let schema = named.map_or(schema, |name| &spec["components"]["schemas"][name]);
    match value {
        Value::Object(fields) => {
            let Some(known) = schema["properties"].as_object() else { return };
            for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(required) {
                    out.push(format!("{path}.{required} is missing"));
                }
            }
            for (key, inner) in fields {
                match known.get(key) {
                    Some(schema) => contradictions(spec, schema, inner, &format!("{path}.{key}"), out),
                    None => out.push(format!("{path}.{key} is unknown")),
                }
            }
        }
        Value::Array(list) => {
            for inner in list {
                contradictions(spec, &schema["items"], inner, &format!("{path}[]"), out);
            }
        }
        _ => {}
    }
}

#[test]
fn answers_of_the_till_keep_to_the_vendors_document() {
    #[expect(clippy::disallowed_methods, reason = "the document lies outside the project")]
    let Ok(dir) = std::env::var("CONTRACTS_DIR") else { return };
    let text = std::fs::read_to_string(format!("{dir}/specs/lightspeed-x/api-2026-07-transcribed.json"));
    let spec: Value = serde_json::from_str(&text.expect("the document")).expect("JSON");
    let world = World::open(Options::still(2, 60));
    let sale = world.sell(&plenty(&world), "Soho", 1).expect("in stock");
    world.return_linked(&sale, &[1]).expect("closed");
    let mut wrong = Vec::new();
    for (method, path, schema) in [
        ("GET", "sales", "Sale"),
        ("GET", "products", "Product"),
        ("GET", "outlets", "Outlet"),
        ("GET", "registers", "Register"),
        ("GET", "payment_types", "PaymentType"),
        ("GET", "taxes", "Tax"),
        ("GET", "webhooks", "Webhook"),
        ("POST", "inventory", "Inventory"),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/api/2026-07/{path}"))
            .header("authorization", format!("Bearer {}", world.options().till_token))
            .header("user-agent", "test")
            .body(bytes::Bytes::new())
            .expect("a request");
        let answer = world.answer(truecount::sim::Vendor::LightspeedX, &request, world.now());
        let body: Value = serde_json::from_slice(answer.body()).expect("JSON");
        let rows = if body.is_array() { &body } else { &body["data"] };
        assert!(!rows.as_array().expect("a list").is_empty(), "{path}");
        let list = serde_json::json!({"items": {"$ref": format!("#/components/schemas/{schema}")}});
        contradictions(&spec, &list, rows, schema, &mut wrong);
    }
    wrong.sort();
    wrong.dedup();
    assert_eq!(wrong, Vec::<String>::new());
}
