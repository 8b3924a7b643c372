//! The shop as a caller meets it, and the table of what moves its stock.

use super::super::options::{BelowAllocated, Options, Vendor};
use super::super::world::World;
use crate::domain::time::Span;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

fn post(world: &World, token: &str, body: &Value) -> Response<Bytes> {
    let request = Request::builder()
        .method("POST")
        .uri("/graphql")
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::from(body.to_string()))
        .expect("a request");
    world.answer(Vendor::Centra, &request, world.now())
}

fn ask(world: &World, query: &str, variables: Value) -> (u16, Value) {
    let answer = post(world, "simulated-shop-token", &json!({"query": query, "variables": variables}));
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).expect("JSON"))
}

fn set(world: &World, sku: &str, quantity: i64) -> Value {
    let query = "mutation A($i:StockSetInput!){setStock(input:$i){stockChanges{id comment} userErrors{message path} userWarnings{message}}}";
    let rows = json!([{"productSize": {"SKU": sku}, "quantity": quantity}]);
    let input = json!({"warehouse": {"id": 3}, "description": "our key", "stockQuantityType": "PHYSICAL", "productSizes": rows});
    let (status, body) = ask(world, query, json!({"i": input}));
    assert_eq!(status, 200);
    body["data"]["setStock"].clone()
}

fn still() -> (World, String, i64) {
    let world = World::open(Options::still(4, 60));
    let sku = world.skus().into_iter().find(|s| world.till_on_hand(s) > Some(10)).expect("plenty");
    let physical = world.web_stock(&sku).expect("known").0;
    (world, sku, physical)
}

#[test]
fn only_what_was_asked_is_answered_under_the_names_that_were_asked() {
    let (world, sku, physical) = still();
    let query = "query One($sku:String!){ productSizes(where:{SKU:{equals:$sku}}){ __typename code:SKU
        stock(where:{warehouseId:[3]}){ warehouse{id} freeToAllocateQuantity physicalQuantity }
        stockTotals{ demandQuantity } ...Names } } fragment Names on ProductSize { description }";
    let (status, body) = ask(&world, query, json!({"sku": sku}));
    assert_eq!(status, 200, "{body}");
    let size = sku.rsplit('-').next().expect("a size");
    assert_eq!(
        body["data"],
        json!({"productSizes": [{
            "__typename": "ProductSize", "code": sku, "description": size.replace("OS", "One size"),
            "stock": [{"warehouse": {"id": 3}, "freeToAllocateQuantity": physical, "physicalQuantity": physical}],
            "stockTotals": {"demandQuantity": 0},
        }]})
    );
    assert_eq!(body["extensions"]["appVersion"], "v1.60.0");
    assert!(body["extensions"]["permissionsUsed"].to_string().contains("ProductSize.stock:read"));
}

#[test]
fn questions_are_refused_with_the_right_status() {
    let (world, ..) = still();
    for (token, body, want) in [
        ("wrong", json!({"query": "{warehouses{id}}"}), 403),
        ("simulated-shop-token", json!({"query": "{warehouses{"}), 400),
        ("simulated-shop-token", json!({"query": "{warehouses{colour}}"}), 400),
        ("simulated-shop-token", json!({"query": "{warehouses(limit:201){id}}"}), 400),
        ("simulated-shop-token", json!({"query": "query Q($n:Int!){warehouses(limit:$n){id}}"}), 400),
        ("simulated-shop-token", json!({"query": "query A{warehouses{id}} query B{warehouses{id}}"}), 400),
        ("simulated-shop-token", json!({"no": "query"}), 400),
        ("simulated-shop-token", json!({"query": "mutation{setStock(input:{}){userErrors{message}}}"}), 400),
        (
            "simulated-shop-token",
            json!({"query": "query A{warehouses{id}} query B{counters{orders}}", "operationName": "B"}),
            200,
        ),
    ] {
        let answer = post(&world, token, &body);
        assert_eq!(answer.status().as_u16(), want, "{body}");
        let said: Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!(said["errors"][0]["message"].is_string(), want != 200, "{body}");
    }
}

#[test]
fn pages_tile_the_stock_of_a_warehouse() {
    let (world, ..) = still();
    let query = "query S($p:Int!){warehouses(where:{id:[3]}){stock(limit:25,page:$p){productSize{id}}}}";
    let mut seen = Vec::new();
    for page in 1..=4 {
        let (_, body) = ask(&world, query, json!({"p": page}));
        let rows = body["data"]["warehouses"][0]["stock"].as_array().expect("rows").clone();
        assert_eq!(rows.len(), [25, 25, 10, 0][page - 1]);
        seen.extend(rows.into_iter().map(|r| r["productSize"]["id"].as_i64()));
    }
    seen.dedup();
    assert_eq!(seen.len(), 60);
    let (_, body) = ask(&world, "{warehouses{stock{physicalQuantity}}}", json!({}));
    assert_eq!(body["data"]["warehouses"][0]["stock"].as_array().map(Vec::len), Some(20), "twenty unless asked");
}

#[test]
fn orders_are_found_by_when_they_changed_and_by_number() {
    let (world, sku, _) = still();
    let first = world.place_web_order(&[(&sku, 1)]).expect("shown");
    let second = world.place_web_order(&[(&sku, 2)]).expect("shown");
    world.advance_to(world.now() + Span::hours(1));
    world.ship(first).expect("open");
    let query = "query O($from:DateTimeTz){orders(where:{storeType:DIRECT_TO_CONSUMER,updatedAt:{from:$from}},sort:[updatedAt_ASC],limit:50,page:1){
        number status isOnHold updatedAt lines(includeFullyCancelled:true){quantity productSize{SKU} allocations{quantity warehouse{id}}}
        grandTotal(includingTax:true){value currency{code}} ... on DirectToConsumerOrder{customer{id}}}}";
    let (status, body) = ask(&world, query, json!({"from": "2026-03-02T01:00:00+00:00"}));
    assert_eq!(status, 200, "{body}");
    let orders = body["data"]["orders"].as_array().expect("orders");
    assert_eq!((orders.len(), &orders[0]["number"], &orders[0]["status"]), (1, &json!(first), &json!("SHIPPED")));
    assert_eq!(orders[0]["updatedAt"], "2026-03-02T01:00:00+00:00");
    let (_, body) = ask(&world, query, json!({}));
    let numbers: Vec<_> =
        body["data"]["orders"].as_array().expect("orders").iter().map(|o| o["number"].clone()).collect();
    assert_eq!(numbers, [json!(second), json!(first)], "the last changed comes last");
    let (_, body) =
        ask(&world, "query N($n:[Int!]){orders(where:{number:$n}){status lines{quantity}}}", json!({"n": [second]}));
    assert_eq!(body["data"]["orders"], json!([{"status": "PENDING", "lines": [{"quantity": 2}]}]));
    world.cancel(second).expect("open");
    let (_, body) = ask(
        &world,
        "query N($n:[Int!]){orders(where:{number:$n}){status lines{quantity allocations{quantity}}}}",
        json!({"n": second}),
    );
    assert_eq!(
        body["data"]["orders"],
        json!([{"status": "CANCELLED", "lines": [{"quantity": 2, "allocations": []}]}]),
        "cancelling a whole order leaves its quantities"
    );
}

#[test]
fn the_table_of_what_moves_stock() {
    let (world, sku, n) = still();
    let free = || world.shows(&sku).expect("known");
    let order = world.place_web_order(&[(&sku, 2)]).expect("shown");
    assert_eq!((world.web_stock(&sku), free()), (Some((n, 2)), n - 2), "placed");
    let other = world.place_web_order(&[(&sku, 1)]).expect("shown");
    world.cancel(other).expect("open");
    assert_eq!((world.web_stock(&sku), free()), (Some((n, 2)), n - 2), "cancelled");
    assert_eq!(set(&world, &sku, 7)["userErrors"], json!([]));
    assert_eq!((world.web_stock(&sku), free()), (Some((7, 2)), 5), "set");
    set(&world, &sku, 1);
    assert_eq!((world.web_stock(&sku), free()), (Some((2, 2)), 0), "set below what is reserved");
    set(&world, &sku, 6);
    world.ship(order).expect("open");
    assert_eq!((world.web_stock(&sku), free()), (Some((4, 0)), 4), "shipped");
    let change = |key: &str, units: i64| {
        let query = "mutation M($i:StockChangeInput!){changeStock(input:$i){stockChange{id} userErrors{message path}}}";
        let rows = json!([{"productSize": {"SKU": sku}, "deliveredQuantity": units}]);
        ask(&world, query, json!({"i": {key: {"id": 3}, "description": "x", "productSizes": rows}})).1["data"]["changeStock"].clone()
    };
    assert!(change("intoWarehouse", 3)["stockChange"]["id"].is_i64());
    assert_eq!(world.web_stock(&sku), Some((7, 0)));
    assert!(change("outFromWarehouse", 2)["stockChange"]["id"].is_i64());
    assert_eq!(world.web_stock(&sku), Some((5, 0)));
    let refused = change("outFromWarehouse", 6);
    assert_eq!(
        (&refused["stockChange"], &refused["userErrors"][0]["path"]),
        (&Value::Null, &json!(["input", "productSizes", "0"]))
    );
    assert_eq!(world.web_stock(&sku), Some((5, 0)));
}

#[test]
fn a_tenant_may_refuse_what_another_clamps_and_then_nothing_is_done() {
    let world = World::open(Options { below_allocated: BelowAllocated::UserError, ..Options::still(4, 60) });
    let sku = world.skus().into_iter().find(|s| world.till_on_hand(s) > Some(10)).expect("plenty");
    world.place_web_order(&[(&sku, 3)]).expect("shown");
    let before = world.web_stock(&sku);
    let said = set(&world, &sku, 2);
    assert_eq!(said["stockChanges"], json!([]));
    assert!(said["userErrors"][0]["message"].as_str().is_some_and(|m| m.contains("allocated")));
    assert_eq!(world.web_stock(&sku), before);
    let said = set(&world, "NO-SUCH-SKU", 2);
    assert!(said["userErrors"][0]["message"].as_str().is_some_and(|m| m.contains("Could not find")));
}

#[test]
fn the_ledger_of_changes_finds_our_description_again() {
    let (world, sku, n) = still();
    set(&world, &sku, n - 4);
    let query = "{stockChanges(where:{comment:{equals:\"our key\"}}){comment type warehouse{id} lines{deliveredQuantity productSize{SKU}}}}";
    let (_, body) = ask(&world, query, json!({}));
    assert_eq!(
        body["data"]["stockChanges"],
        json!([{"comment": "our key", "type": "SET", "warehouse": {"id": 3},
                "lines": [{"deliveredQuantity": -4, "productSize": {"SKU": sku}}]}])
    );
}

#[test]
fn counters_agree_with_the_lists() {
    let (world, ..) = still();
    let (_, body) = ask(
        &world,
        "{counters{products(where:{status:[ACTIVE]}) productSizes orders} products(limit:200){variants(limit:200){productSizes(limit:200){id}}}}",
        json!({}),
    );
    let products = body["data"]["products"].as_array().expect("a list");
    assert_eq!(body["data"]["counters"], json!({"products": products.len(), "productSizes": 60, "orders": 0}));
    let sizes: usize = products
        .iter()
        .flat_map(|p| p["variants"].as_array().expect("a list"))
        .map(|v| v["productSizes"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(sizes, 60);
}
