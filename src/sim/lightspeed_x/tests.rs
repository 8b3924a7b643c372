//! The till as a caller meets it.

use super::super::options::{Options, Vendor};
use super::super::world::World;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn call(world: &World, method: &str, path: &str, body: &Value) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/2026-07/{path}"))
        .header("authorization", "Bearer simulated-till-token")
        .header("user-agent", "test")
        .body(Bytes::from(body.to_string()))
        .expect("a request");
    world.answer(Vendor::LightspeedX, &request, world.now())
}

fn get(world: &World, path: &str) -> Value {
    serde_json::from_slice(call(world, "GET", path, &Value::Null).body()).expect("JSON")
}

fn still() -> (World, String) {
    let world = World::open(Options::still(4, 60));
    let sku = world.skus().into_iter().find(|s| world.till_on_hand(s) > Some(45)).expect("plenty");
    (world, sku)
}

#[test]
fn a_sale_appears_once_more_with_every_change_and_is_to_be_replaced_by_its_id() {
    let (world, sku) = still();
    assert_eq!(get(&world, "sales"), json!({"data": [], "version": {"min": null, "max": null}}));
    let sales: Vec<String> = (0..3).map(|_| world.sell(&sku, "Soho", 1).expect("in stock")).collect();
    let page = get(&world, "sales?page_size=2&date_from=1999-01-01");
    assert_eq!(page["data"].as_array().map(Vec::len), Some(2), "dates are accepted and ignored");
    let mut after = page["version"]["max"].as_i64().expect("a version");
    assert!(after > i64::from(u32::MAX));
    world.edit_note(&sales[0], "again").expect("known");
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    loop {
        let page = get(&world, &format!("sales?page_size=2&after={after}"));
        let Some(max) = page["version"]["max"].as_i64() else { break };
        for sale in page["data"].as_array().expect("rows") {
            seen.insert(
                sale["id"].as_str().expect("an id").into(),
                sale["_metadata"]["version"].as_i64().expect("one"),
            );
        }
        after = max;
    }
    assert_eq!(seen.len(), 2, "the third, and the first again");
    assert!(seen.contains_key(&sales[0]) && seen[&sales[0]] == after);
    let one = get(&world, &format!("sales/{}", sales[0]));
    assert_eq!((one["data"]["state"].as_str(), one["data"]["note"].as_str()), (Some("closed"), Some("again")));
    assert_eq!(call(&world, "GET", "sales/none", &Value::Null).status(), 404);
}

#[test]
fn counts_come_as_a_bare_array_newest_first_unless_asked_otherwise() {
    let (world, sku) = still();
    world.sell(&sku, "Soho", 1).expect("in stock");
    let read = |body: Value| -> Vec<Value> {
        serde_json::from_slice(call(&world, "POST", "inventory", &body).body()).expect("a bare array")
    };
    let versions = |rows: &[Value]| rows.iter().map(|r| r["version"].as_i64().expect("one")).collect::<Vec<_>>();
    let newest = read(json!({"size": 5}));
    assert_eq!(newest[0]["product_id"].as_str(), world.keys(&sku).map(|k| k.0).as_deref());
    assert!(versions(&newest).windows(2).all(|w| w[0] > w[1]));
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let rows = read(json!({"size": 50, "after": after, "sort_direction": "asc"}));
        let Some(last) = versions(&rows).last().copied() else { break };
        after = last;
        all.extend(rows);
    }
    assert_eq!(all.len(), 120);
    assert!(versions(&all).windows(2).all(|w| w[0] < w[1]));
    let product = newest[0]["product_id"].as_str().expect("an id");
    let own = get(&world, &format!("inventory/{product}"));
    let sum: i64 =
        own.as_array().expect("a bare array").iter().map(|r| r["current_inventory_level"].as_i64().expect("one")).sum();
    assert_eq!(Some(sum), world.till_on_hand(&sku));
}

#[test]
fn strangers_and_unknown_paths_are_sent_away() {
    let (world, _) = still();
    let bare = |token: &str, agent: &str, path: &str| {
        let request = Request::builder()
            .uri(path)
            .header("authorization", token)
            .header("user-agent", agent)
            .body(Bytes::new())
            .expect("a request");
        world.answer(Vendor::LightspeedX, &request, world.now()).status().as_u16()
    };
    let token = "Bearer simulated-till-token";
    assert_eq!(bare("Bearer other", "x", "/api/2026-07/outlets"), 401);
    assert_eq!(bare(token, "", "/api/2026-07/outlets"), 400);
    assert_eq!(bare(token, "x", "/api/2026-07/closures"), 404);
    assert_eq!(bare(token, "x", "/api/0.9/outlets"), 404);
    assert_eq!(bare(token, "x", "/api/2026-07/outlets"), 200);
}

#[test]
fn every_answer_says_what_is_left() {
    let (world, _) = still();
    let answer = call(&world, "GET", "retailer", &Value::Null);
    assert_eq!(answer.headers()["x-ratelimit-limit"], "650");
    assert_eq!(answer.headers()["x-ratelimit-remaining"], "649");
}

#[test]
fn webhooks_are_made_changed_and_removed() {
    let world = World::open(Options { hooks_registered: false, ..Options::still(4, 20) });
    let sku = world.skus()[0].clone();
    let wanted = json!({"url": "http://127.0.0.1/hook", "type": "sale.update", "active": true});
    let made = call(&world, "POST", "webhooks", &wanted);
    assert_eq!(made.status(), 201);
    assert_eq!(call(&world, "POST", "webhooks", &wanted).status(), 409);
    assert_eq!(
        call(&world, "POST", "webhooks", &json!({"url": "x", "type": "sale.created", "active": true})).status(),
        422
    );
    let made: Value = serde_json::from_slice(made.body()).expect("JSON");
    let path = format!("webhooks/{}", made["data"]["id"].as_str().expect("an id"));
    world.park(&sku, "Soho", 1).expect("parked");
    assert_eq!(world.notices_waiting(), 1);
    let off = json!({"url": "http://127.0.0.1/hook", "type": "sale.update", "active": false});
    assert_eq!(call(&world, "PUT", &path, &off).status(), 200);
    world.park(&sku, "Soho", 1).expect("parked");
    assert_eq!(world.notices_waiting(), 1);
    assert_eq!(call(&world, "DELETE", &path, &Value::Null).status(), 200);
    assert_eq!(get(&world, "webhooks"), json!({"data": []}));
}

#[test]
fn a_family_has_one_head_that_is_sold_like_the_others() {
    let (world, _) = still();
    let products = get(&world, "products?page_size=500&deleted=true");
    let rows = products["data"].as_array().expect("rows");
    assert_eq!(rows.len(), 60);
    let heads: Vec<&Value> = rows.iter().filter(|r| r["has_variants"] == true).collect();
    assert!(heads.iter().all(|h| h["variant_parent_id"].is_null() && h["sku"].is_string()));
    for row in rows.iter().filter(|r| r["has_variants"] == false) {
        let head = heads.iter().find(|h| h["id"] == row["variant_parent_id"]).expect("its head");
        assert_eq!(head["family_id"], row["family_id"]);
    }
    let sku = rows[7]["sku"].as_str().expect("one");
    assert_eq!(
        get(&world, &format!("products?sku={sku}&page_size=1&after=99999999999"))["data"][0]["id"],
        rows[7]["id"]
    );
}
