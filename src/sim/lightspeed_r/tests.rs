//! The till as a caller meets it: shapes, lists, limits, sign-in, items.

use super::super::options::{Options, Vendor};
use super::super::transport::WireFault;
use super::super::world::World;
use crate::domain::time::Span;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

pub(super) const BASE: &str = "/API/V3/Account/183050/";

pub(super) fn send(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("host", "till.invalid")
        .body(if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) })
        .expect("a request");
    world.answer(Vendor::LightspeedR, &request, world.now())
}

pub(super) fn call(world: &World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = send(world, "simulated-till-token", method, &format!("{BASE}{path}"), body);
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).expect("JSON"))
}

pub(super) fn get(world: &World, path: &str) -> Value {
    let (status, body) = call(world, "GET", path, &Value::Null);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Follows `next` to the end; the rows of every page.
pub(super) fn follow(world: &World, path: &str, kind: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut address = format!("{BASE}{path}");
    while !address.is_empty() {
        let answer = send(world, "simulated-till-token", "GET", &address, &Value::Null);
        let body: Value = serde_json::from_slice(answer.body()).expect("JSON");
        pages.push(list(&body[kind]));
        address = body["@attributes"]["next"].as_str().unwrap_or_default().to_owned();
    }
    pages
}

/// One or many, as many.
pub(super) fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(rows) => rows.clone(),
        Value::Object(_) => vec![value.clone()],
        _ => Vec::new(),
    }
}

pub(super) fn words(names: &[&str]) -> String {
    form_urlencoded::byte_serialize(json!(names).to_string().as_bytes()).collect()
}

/// A world without limits in which nothing happens by itself.
pub(super) fn still() -> World {
    World::open(Options { limits_on: false, ..Options::still(4, 60) }.with_r_series())
}

/// The same with a token that lives for days.
pub(super) fn patient() -> World {
    let options = Options { limits_on: false, till_token_lasts: Span::hours(99), ..Options::still(4, 60) };
    World::open(options.with_r_series())
}

/// An item with plenty in both stores: its SKU and its id.
pub(super) fn plenty(world: &World) -> (String, String) {
    let sku = world.skus().into_iter().find(|s| world.till_on_hand(s) > Some(45)).expect("plenty");
    let id = world.keys(&sku).expect("known").0;
    (sku, id)
}

fn every_scalar_is_a_string(value: &Value, path: &str) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(k, v)| every_scalar_is_a_string(v, &format!("{path}.{k}"))),
        Value::Array(rows) => {
            assert!(rows.len() > 1, "{path}: a list of {}", rows.len());
            rows.iter().for_each(|row| every_scalar_is_a_string(row, path));
        }
        Value::String(_) => {}
        other => panic!("{path}: {other}"),
    }
}

#[test]
fn every_scalar_is_a_string_one_is_an_object_and_nothing_is_empty() {
    let world = still();
    let (sku, id) = plenty(&world);
    world.sell(&sku, "Soho", 1).expect("in stock");
    world.park(&sku, "Soho", 1).expect("parked");
    for kind in super::tables::Kind::ALL {
        every_scalar_is_a_string(&get(&world, &format!("{}.json?load_relations=all", kind.word())), kind.word());
    }
    let relations = words(&["SaleLines", "SalePayments", "SalePayments.PaymentType"]);
    let sales = get(&world, &format!("Sale.json?load_relations={relations}"));
    let rows = sales["Sale"].as_array().expect("two");
    assert!(rows[0]["SaleLines"]["SaleLine"].is_object());
    assert_eq!(rows[0]["SalePayments"]["SalePayment"]["PaymentType"]["name"], "Card Terminal");
    assert_eq!(rows[1]["SalePayments"], "", "an empty relation");
    assert_eq!((&rows[1]["completed"], rows[1].get("completeTime")), (&json!("false"), None));
    assert!(get(&world, "Sale.json?saleID=1")["Sale"].is_object(), "one row is no list");
    assert_eq!(get(&world, "Sale.json?saleID=99").get("Sale"), None, "no row, no key");
    let item = get(&world, &format!("Item/{id}.json?load_relations={}", words(&["ItemShops"])));
    assert_eq!(item["Item"]["ItemShops"]["ItemShop"].as_array().map(Vec::len), Some(3));
    assert_eq!(item["Item"]["Prices"]["ItemPrice"].as_array().map(Vec::len), Some(2));
    assert_ne!(item["Item"]["systemSku"], format!("210000000{id:0>3}"), "no item id");
}

#[test]
fn pages_are_a_hundred_rows_and_lead_to_one_another() {
    let world = World::open(Options { limits_on: false, ..Options::still(4, 150) }.with_r_series());
    let pages = follow(&world, "ItemShop.json?sort=timeStamp", "ItemShop");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 100, 100, 50]);
    let mut ids: Vec<String> = pages.iter().flatten().map(|row| row["itemShopID"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 450);
    let first = get(&world, "Item.json?limit=40");
    assert_eq!(first["@attributes"]["previous"], "");
    let next = first["@attributes"]["next"].as_str().expect("a second page");
    assert!(next.starts_with("http://till.invalid/API/V3/Account/183050/Item.json?limit=40&after="), "{next}");
    let second: Value =
        serde_json::from_slice(send(&world, "simulated-till-token", "GET", next, &json!(null)).body()).expect("JSON");
    let back = second["@attributes"]["previous"].as_str().expect("the first page");
    let again: Value =
        serde_json::from_slice(send(&world, "simulated-till-token", "GET", back, &json!(null)).body()).expect("JSON");
    assert_eq!(again["Item"], first["Item"]);
    use base64::Engine;
    let made_up = base64::engine::general_purpose::STANDARD.encode(r#"["40","40"]"#);
    assert_eq!(call(&world, "GET", &format!("Item.json?limit=40&after={made_up}"), &json!(null)).0, 400);
    assert_eq!(call(&world, "GET", "Item.json?limit=101", &json!(null)).0, 400);
    let down = follow(&world, "Item.json?sort=-itemID&limit=70", "Item");
    assert_eq!(down.iter().flatten().next().map(|row| row["itemID"].clone()), Some(json!("150")));
    assert_eq!(down.iter().map(Vec::len).sum::<usize>(), 150);
}

#[test]
fn an_unlisted_sort_field_is_an_error_that_names_the_listed_ones() {
    let world = still();
    for (path, fields) in [
        ("Item.json?sort=customSku", "itemID, timeStamp, description"),
        ("Sale.json?sort=total", "saleID, timeStamp, completeTime, updatetime"),
        ("Shop.json?sort=name", "shopID"),
    ] {
        let (status, body) = call(&world, "GET", path, &json!(null));
        assert_eq!(status, 400);
        assert!(body["message"].as_str().is_some_and(|m| m.ends_with(fields)), "{body}");
    }
    for path in ["Item.json?sort=-description", "Sale.json?sort=updatetime", "SaleLine.json?sort=saleID"] {
        assert_eq!(call(&world, "GET", path, &json!(null)).0, 200, "{path}");
    }
}

#[test]
fn filters_operators_alternatives_and_counts() {
    let world = still();
    let (sku, id) = plenty(&world);
    let other = world.skus()[0].clone();
    let n = |path: &str| list(&get(&world, path)["Item"]).len();
    assert_eq!(n("Item.json?itemID=IN,[1,2,3]"), 3);
    assert_eq!(n("Item.json?itemID=%3E%3C%2C5%2C9"), 5);
    assert_eq!(n(&format!("Item.json?customSku={sku}")), 1);
    assert_eq!(n(&format!("Item.json?or=customSku%3D{sku}%7CcustomSku%3D{other}")), 2);
    let ean = get(&world, &format!("Item/{id}.json"))["Item"]["ean"].as_str().expect("one").to_owned();
    assert_eq!((n(&format!("Item.json?itemCode={ean}")), n(&format!("Item.json?itemCode={id}"))), (1, 1));
    let loaded = words(&["ItemShops"]);
    let some = n(&format!("Item.json?load_relations={loaded}&ItemShops.qoh=%3E%2C60"));
    assert!(some > 0 && some < 60, "{some}: the sum row counts too");
    assert_eq!(call(&world, "GET", "Item.json?ItemShops.qoh=%3E%2C60", &json!(null)).0, 400, "not loaded");
    assert_eq!(n("Item.json?ItemShops.Shop.name=nowhere"), 60, "too deep is ignored");
    assert_eq!(call(&world, "GET", "Item.json?colour=red", &json!(null)).0, 400);
    assert_eq!(get(&world, "Item.json?count=1"), json!({"@attributes": {"count": "60"}}));
    assert_eq!(call(&world, "GET", "Item.json?count=1&limit=5", &json!(null)).0, 400);
    assert_eq!(call(&world, "GET", &format!("Item.json?load_relations={}", words(&["Nothing"])), &json!(null)).0, 400);
}

#[test]
fn archived_rows_are_left_out_unless_they_are_wished() {
    let world = still();
    world.set_active(&world.skus()[5], false).expect("known");
    let n = |path: &str| list(&get(&world, path)["Item"]).len();
    assert_eq!((n("Item.json"), n("Item.json?archived=false"), n("Item.json?archived=true")), (59, 59, 60));
    assert_eq!(n("Item.json?archived=only"), 1);
    assert_eq!(get(&world, "Item/6.json")["Item"]["archived"], "true", "named, it is there");
}

#[test]
fn a_count_is_set_and_the_item_itself_did_not_change() {
    let world = still();
    let (sku, id) = plenty(&world);
    let with = words(&["ItemShops"]);
    let read = || get(&world, &format!("Item/{id}.json?load_relations={with}"))["Item"].clone();
    let before = read();
    world.advance_to(world.now() + Span::minutes(5));
    let body = json!({"ItemShops": {"ItemShop": {"shopID": 1, "qoh": 3}}});
    let (status, put) = call(&world, "PUT", &format!("Item/{id}.json"), &body);
    assert_eq!((status, &put["Item"]["itemID"]), (200, &json!(id)));
    let after = read();
    let rows = |item: &Value| list(&item["ItemShops"]["ItemShop"]);
    let qoh = |row: &Value| row["qoh"].as_str().and_then(|n| n.parse::<i64>().ok()).expect("a number");
    assert_eq!(qoh(&rows(&after)[1]), 3);
    assert_eq!(qoh(&rows(&after)[0]), rows(&after)[1..].iter().map(qoh).sum::<i64>(), "shop 0 is the sum");
    assert_eq!(world.till_on_hand(&sku), Some(qoh(&rows(&after)[0])));
    assert_eq!(after["timeStamp"], before["timeStamp"]);
    assert_ne!(rows(&after)[1]["timeStamp"], rows(&before)[1]["timeStamp"]);
    assert_eq!(rows(&after)[2]["timeStamp"], rows(&before)[2]["timeStamp"]);
    let since = rows(&after)[1]["timeStamp"].as_str().expect("one").replace('+', "%2B");
    let fed = list(&get(&world, &format!("ItemShop.json?sort=timeStamp&timeStamp=%3E%3D%2C{since}"))["ItemShop"]);
    assert_eq!(fed.iter().map(|row| row["shopID"].clone()).collect::<Vec<_>>(), [json!("0"), json!("1")]);
    assert_eq!(fed[1]["itemID"], json!(id));
    let log = get(&world, "InventoryLog.json");
    assert_eq!(log["InventoryLog"]["reason"], "ManualQuantityAdjustment");
    let no_shop = json!({"ItemShops": {"ItemShop": {"qoh": 3}}});
    assert_eq!(call(&world, "PUT", &format!("Item/{id}.json"), &no_shop).0, 400);
    let sum = json!({"ItemShops": {"ItemShop": {"shopID": 0, "qoh": 3}}});
    assert_eq!(call(&world, "PUT", &format!("Item/{id}.json"), &sum).0, 400);
    let reorder = json!({"reorderPoint": 2, "qoh": 99});
    let row = rows(&after)[1]["itemShopID"].as_str().expect("one").to_owned();
    let (_, shown) = call(&world, "PUT", &format!("ItemShop/{row}.json"), &reorder);
    assert_eq!((&shown["ItemShop"]["reorderPoint"], &shown["ItemShop"]["qoh"]), (&json!("2"), &json!("3")));
}

#[test]
fn a_shop_is_counted_and_reconciled_once() {
    let world = still();
    let (sku, id) = plenty(&world);
    let post = |path: &str, body: Value| call(&world, "POST", path, &body);
    let before = world.till_on_hand(&sku).expect("known");
    let (_, begun) = post("InventoryCount.json", json!({"name": "March", "shopID": 1}));
    let count = begun["InventoryCount"]["inventoryCountID"].clone();
    let item = json!({"inventoryCountID": count, "itemID": id, "qty": 2, "employeeID": 1});
    assert_eq!((post("InventoryCountItem.json", item.clone()).0, post("InventoryCountItem.json", item).0), (200, 200));
    assert_eq!(world.till_on_hand(&sku), Some(before), "not before it is reconciled");
    let (status, done) = post("InventoryCountReconcile.json", json!({"inventoryCountID": count}));
    let change: i64 = done["InventoryCountReconcile"]["qohChange"].as_str().and_then(|n| n.parse().ok()).expect("one");
    assert_eq!((status, world.till_on_hand(&sku)), (200, Some(before + change)));
    let shop = get(&world, &format!("ItemShop.json?itemID={id}&shopID=1"));
    assert_eq!(shop["ItemShop"]["qoh"], "4", "found twice, added up");
    assert_eq!(post("InventoryCountReconcile.json", json!({"inventoryCountID": count})).0, 400);
}

#[test]
fn a_shared_barcode_refuses_even_a_count() {
    let world = still();
    let skus = world.skus();
    world.share_barcode(&skus[0], &skus[1]).expect("known");
    let body = json!({"ItemShops": {"ItemShop": {"shopID": 1, "qoh": 3}}});
    for id in [1, 2] {
        let (status, refused) = call(&world, "PUT", &format!("Item/{id}.json"), &body);
        assert_eq!((status, &refused["message"]), (422, &json!("EAN is already in use.")));
    }
    assert_eq!(call(&world, "PUT", "Item/3.json", &body).0, 200);
}

#[test]
fn deleting_an_item_archives_it_and_its_stock_is_gone() {
    let world = still();
    let (sku, id) = plenty(&world);
    assert_eq!(call(&world, "PUT", &format!("Item/{id}.json"), &json!({"archived": true})).0, 400);
    let (status, gone) = call(&world, "DELETE", &format!("Item/{id}.json"), &json!(null));
    assert_eq!((status, &gone["Item"]["archived"], world.till_on_hand(&sku)), (200, &json!("true"), Some(0)));
    let log = list(&get(&world, "InventoryLog.json")["InventoryLog"]);
    assert!(log.iter().all(|row| row["reason"] == "RemoveForArchiveItem"), "{log:?}");
    let (_, back) = call(&world, "PUT", &format!("Item/{id}.json"), &json!({"archived": false}));
    assert_eq!((&back["Item"]["archived"], world.till_on_hand(&sku)), (&json!("false"), Some(0)), "not its stock");
}

#[test]
fn an_item_is_made_into_a_matrix_and_can_be_sold() {
    let world = still();
    assert_eq!(call(&world, "POST", "Item.json", &json!({"description": ""})).0, 400);
    assert_eq!(call(&world, "POST", "ItemMatrix.json", &json!({"description": "Cape"})).0, 400);
    let (_, made) = call(&world, "POST", "ItemMatrix.json", &json!({"description": "Cape", "itemAttributeSetID": 1}));
    let matrix = made["ItemMatrix"]["itemMatrixID"].clone();
    let item = |size: &str, ean: &str| {
        let body = json!({
            "description": format!("Cape Navy {size}"), "itemMatrixID": matrix, "customSku": format!("CAP-{size}"),
            "ean": ean, "ItemAttributes": {"itemAttributeSetID": 1, "attribute1": "Navy", "attribute2": size},
            "Prices": {"ItemPrice": [{"amount": 19.99, "useTypeID": 1}]},
        });
        call(&world, "POST", "Item.json", &body)
    };
    let (status, small) = item("S", "4006381333931");
    assert_eq!(status, 200, "{small}");
    assert_eq!(item("M", "4006381333931").0, 422, "the barcode is taken");
    assert_eq!(item("M", "4006381333948").0, 200);
    assert_eq!(list(&small["Item"]["ItemShops"]["ItemShop"]).len(), 3);
    assert_eq!(small["Item"]["Prices"]["ItemPrice"][0]["amount"], "19.99");
    let id = matrix.as_str().expect("an id");
    let shown = get(&world, &format!("ItemMatrix/{id}.json?load_relations={}", words(&["Items"])));
    assert_eq!(shown["ItemMatrix"]["attribute1Values"], "Navy", "one is no list");
    assert_eq!(shown["ItemMatrix"]["attribute2Values"], json!(["S", "M"]));
    assert_eq!(list(&shown["ItemMatrix"]["Items"]["Item"]).len(), 2);
    world.receive("CAP-S", "Soho", 2).expect("a new item has shelves");
    world.sell("CAP-S", "Soho", 1).expect("in stock");
    assert_eq!(world.expected_movements().len(), 1);
    let wrong = json!({"description": "x", "itemMatrixID": matrix, "ItemAttributes": {"itemAttributeSetID": 2}});
    assert_eq!(call(&world, "POST", "Item.json", &wrong).0, 400);
    call(&world, "DELETE", &format!("ItemMatrix/{id}.json"), &json!(null));
    assert_eq!(list(&get(&world, &format!("Item.json?archived=only&itemMatrixID={id}"))["Item"]).len(), 2);
    let sets = list(&get(&world, "ItemAttributeSet.json")["ItemAttributeSet"]);
    assert_eq!(
        sets.iter().map(|s| s["name"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["Color/Size", "Size", "Color", "3 Attributes"]
    );
}

#[test]
fn limits_are_told_in_headers_and_refuse_in_two_ways() {
    let world = World::open(Options::still(4, 60).with_r_series());
    let header = |answer: &Response<Bytes>, name: &str| {
        answer.headers().get(name).map(|v| v.to_str().expect("text").to_owned()).unwrap_or_default()
    };
    let read = |path: &str| send(&world, "simulated-till-token", "GET", &format!("{BASE}{path}"), &json!(null));
    let sales = words(&["SaleLines", "SalePayments", "SalePayments.PaymentType", "Customer"]);
    let first = read(&format!("Sale.json?load_relations={sales}"));
    for (name, value) in [
        ("x-ls-acct-id", "183050"),
        ("x-ls-oauth-client-id", "simulated-till-client"),
        ("x-ls-api-bucket-level", "2.2/100"),
        ("x-ls-api-burst-level", "1/22"),
        ("x-ls-api-drip-rate", "1.5"),
        ("x-ls-api-request-cost", "2.2"),
        ("x-ls-api-ratelimit-type", ""),
        ("retry-after", ""),
    ] {
        assert_eq!(header(&first, name), value, "{name}");
    }
    for _ in 0..9 {
        assert_eq!(read("Item.json?count=1").status(), 200);
    }
    assert_eq!(read("Item.json?count=1").status(), 200, "the first that overflows");
    let full = read("Shop.json");
    assert_eq!((full.status().as_u16(), header(&full, "retry-after").as_str()), (429, "2"));
    assert_eq!(header(&full, "x-ls-api-ratelimit-type"), "api-leaky-bucket");
    assert_eq!(header(&full, "x-ls-api-bucket-level"), "102.2/100");
    world.advance_to(world.now() + Span::secs(2));
    assert_eq!(read("Shop.json").status(), 200);
    world.advance_to(world.now() + Span::secs(90));
    for _ in 0..22 {
        assert_eq!(read("Shop.json").status(), 200);
    }
    let burst = read("Shop.json");
    assert_eq!((burst.status().as_u16(), header(&burst, "retry-after").as_str()), (429, "1"));
    assert_eq!(header(&burst, "x-ls-api-ratelimit-type"), "api-burst-limiter");
    assert_eq!(world.audit().throttled, 2);
    read("Shop.json");
    assert_eq!(world.audit().early_calls, 1);
    world.advance_to(world.now() + Span::secs(90));
    world.inject(Vendor::LightspeedR, WireFault::Throttle(Span::millis(12_300)));
    let injected = read("Shop.json");
    assert_eq!((injected.status().as_u16(), header(&injected, "retry-after").as_str()), (429, "13"));
}

#[test]
fn errors_are_json_that_calls_itself_a_web_page() {
    let world = World::open(
        Options { limits_on: false, till_scopes: "inventory_read register_read".into(), ..Options::still(4, 20) }
            .with_r_series(),
    );
    world.conflict_next();
    for (method, path, body, status, message) in [
        ("GET", "Item/999.json", json!(null), 404, "Object of type 'Item' not found with primary ID '999'."),
        ("GET", "Nothing.json", json!(null), 404, "Invalid API path or wrong account"),
        ("POST", "InventoryLog.json", json!({}), 403, "The access token lacks the scope for this request"),
        ("POST", "Shop.json", json!({}), 409, "The record was changed by somebody else at the same time"),
        ("POST", "Shop.json", json!({}), 405, "The method is not allowed for this resource"),
        ("PUT", "Item/1.json", json!({}), 403, "The access token lacks the scope for this request"),
    ] {
        let answer = send(&world, "simulated-till-token", method, &format!("{BASE}{path}"), &body);
        assert_eq!(answer.headers()["content-type"], "text/html; charset=UTF-8");
        let said: Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!((answer.status().as_u16(), said["message"].as_str()), (status, Some(message)), "{method} {path}");
        assert_eq!((&said["httpCode"], &said["errorClass"]), (&json!(status.to_string()), &json!("Exception")));
    }
    assert_eq!(call(&world, "GET", "Item.json?limit=1", &json!(null)).0, 200);
    world.inject(Vendor::LightspeedR, WireFault::ErrorAfterActing);
    assert_eq!(call(&world, "GET", "Item.json?limit=1", &json!(null)).0, 500);
}

fn token(world: &World, fields: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method("POST")
        .uri("https://cloud.invalid/auth/oauth/token")
        .header("content-type", "application/json")
        .body(Bytes::from(fields.to_string()))
        .expect("a request");
    let answer = world.answer(Vendor::LightspeedR, &request, world.now());
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

fn refresh(world: &World, token_text: &str) -> (u16, Value) {
    token(
        world,
        &json!({
            "client_id": "simulated-till-client", "client_secret": "simulated-till-client-secret",
            "grant_type": "refresh_token", "refresh_token": token_text,
        }),
    )
}

#[test]
fn an_old_refresh_token_lives_until_the_new_access_token_is_first_used() {
    let world = still();
    let shop = |token: &str| {
        let answer = send(&world, token, "GET", &format!("{BASE}Shop.json"), &json!(null));
        let body: Value = serde_json::from_slice(answer.body()).expect("JSON");
        (answer.status().as_u16(), body["hint"].as_str().unwrap_or_default().to_owned())
    };
    let ok = (200, String::new());
    assert_eq!(shop("simulated-till-token"), ok);
    assert_eq!(shop("somebody"), (401, "Access token could not be verified".into()));
    let (status, lost) = refresh(&world, "simulated-till-refresh-token");
    assert_eq!((status, lost["expires_in"].as_i64(), lost["token_type"].as_str()), (200, Some(3_600), Some("Bearer")));
    assert_eq!(shop("simulated-till-token"), (401, "Access token has been revoked".into()), "refreshed early");
    let (status, second) = refresh(&world, "simulated-till-refresh-token");
    assert_eq!(status, 200, "the answer was lost, so the old one still works");
    let access = second["access_token"].as_str().expect("a token");
    assert!(access.len() > 500 && access.split('.').count() == 3, "a long JWT");
    assert_eq!(shop(lost["access_token"].as_str().expect("one")).1, "Access token has been revoked");
    assert_eq!(shop(access), ok);
    let (status, refused) = refresh(&world, "simulated-till-refresh-token");
    assert_eq!(
        (status, &refused["error"], &refused["hint"]),
        (400, &json!("invalid_grant"), &json!("Token has been revoked"))
    );
    world.advance_to(world.now() + Span::hours(1));
    assert_eq!(shop(access), (401, "Access token could not be verified".into()), "expired");
    assert_eq!(refresh(&world, second["refresh_token"].as_str().expect("one")).0, 200);
    world.advance_to(world.now() + Span::hours(24 * 31));
    assert_eq!(refresh(&world, second["refresh_token"].as_str().expect("one")).0, 400, "unused for a month");
}

#[test]
fn five_refreshes_a_minute_and_no_more() {
    let world = still();
    for _ in 0..5 {
        assert_eq!(refresh(&world, "simulated-till-refresh-token").0, 200);
    }
    assert_eq!(refresh(&world, "simulated-till-refresh-token").0, 429);
    assert_eq!(call(&world, "GET", "Shop.json", &json!(null)).0, 401);
    assert_eq!(world.audit().early_calls, 0, "that rule is for signing in only");
    world.advance_to(world.now() + Span::minutes(1));
    assert_eq!(refresh(&world, "simulated-till-refresh-token").0, 200);
}

#[test]
fn a_code_is_exchanged_once_within_a_minute() {
    let world = still();
    let exchange = |code: &str, secret: &str| {
        let body = json!({
            "client_id": "simulated-till-client", "client_secret": secret, "grant_type": "authorization_code",
            "code": code,
        });
        token(&world, &body)
    };
    let code = world.authorize_till("inventory_read");
    assert_eq!(exchange(&code, "wrong").0, 401);
    let (status, pair) = exchange(&code, "simulated-till-client-secret");
    assert_eq!(status, 200, "{pair}");
    assert_eq!(exchange(&code, "simulated-till-client-secret").0, 400, "once");
    let access = pair["access_token"].as_str().expect("a token");
    assert_eq!(send(&world, access, "GET", &format!("{BASE}Item.json"), &json!(null)).status(), 200);
    assert_eq!(send(&world, access, "GET", &format!("{BASE}Sale.json"), &json!(null)).status(), 403);
    let session = send(&world, access, "GET", "/API/Session.json", &json!(null));
    let session: Value = serde_json::from_slice(session.body()).expect("JSON");
    assert_eq!(session["Session"]["employeeID"], "1");
    let account = send(&world, access, "GET", "/API/V3/Account.json", &json!(null));
    let account: Value = serde_json::from_slice(account.body()).expect("JSON");
    assert_eq!(account["Account"]["accountID"].as_str(), Some(world.till_account().as_str()));
    let late = world.authorize_till("all");
    world.advance_to(world.now() + Span::secs(61));
    assert_eq!(exchange(&late, "simulated-till-client-secret").0, 400);
    assert_eq!(token(&world, &json!({"client_id": "x"})).1["error"], "invalid_request");
    let request = Request::builder().uri("/auth/oauth/token").body(Bytes::new()).expect("a request");
    assert_eq!(world.answer(Vendor::LightspeedR, &request, world.now()).status(), 405);
}

#[test]
fn a_token_is_asked_for_as_json_as_a_form_or_in_parts() {
    let world = still();
    let fields = [
        ("client_id", "simulated-till-client"),
        ("client_secret", "simulated-till-client-secret"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "simulated-till-refresh-token"),
    ];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let parts: String = fields
        .iter()
        .map(|(name, value)| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"))
        .collect();
    for (kind, body) in
        [("application/x-www-form-urlencoded", form), ("multipart/form-data; boundary=b", format!("{parts}--b--\r\n"))]
    {
        let request = Request::builder()
            .method("POST")
            .uri("/auth/oauth/token")
            .header("content-type", kind)
            .body(Bytes::from(body))
            .expect("a request");
        assert_eq!(world.answer(Vendor::LightspeedR, &request, world.now()).status(), 200, "{kind}");
    }
}

#[test]
fn a_browser_is_sent_back_with_a_code_that_only_its_verifier_opens() {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let world = still();
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(b"verifier"));
    let code = || {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", "simulated-till-client"),
                ("scope", "employee:all"),
                ("state", "s 1"),
                ("code_challenge", &challenge),
                ("redirect_uri", "http://127.0.0.1/back"),
            ])
            .finish();
        let request = Request::builder().uri(format!("/auth/oauth/authorize?{query}")).body(Bytes::new()).expect("one");
        let answer = world.answer(Vendor::LightspeedR, &request, world.now());
        assert_eq!(answer.status(), 302);
        let back = answer.headers()["location"].to_str().expect("text").to_owned();
        assert!(back.starts_with("http://127.0.0.1/back?code=") && back.ends_with("&state=s+1"), "{back}");
        back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned()
    };
    for (verifier, status) in [("other", 400), ("verifier", 200)] {
        let body = json!({
            "client_id": "simulated-till-client", "client_secret": "simulated-till-client-secret",
            "grant_type": "authorization_code", "code": code(), "code_verifier": verifier,
        });
        assert_eq!(token(&world, &body).0, status, "{verifier}");
    }
}
