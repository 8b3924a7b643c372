//! The table of what orders, shipments and returns do to stock and reservations, asked through the API.

use super::super::options::{Options, Vendor};
use super::super::world::World;
use super::quirks::Outcome;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

pub(super) fn ask(world: &World, query: &str, variables: Value) -> (u16, Value) {
    let request = Request::builder()
        .method("POST")
        .uri("/graphql")
        .header("authorization", "Bearer simulated-shop-token")
        .body(Bytes::from(json!({"query": query, "variables": variables}).to_string()))
        .expect("a request");
    let answer = world.answer(Vendor::Centra, &request, world.now());
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).expect("JSON"))
}

/// One mutation by name, its arguments as a literal, and what of the payload is wanted.
pub(super) fn does(world: &World, call: &str, wanted: &str) -> Value {
    let query = format!("mutation{{m:{call}{{{wanted} userErrors{{message path}} userWarnings{{message path}}}}}}");
    let (status, body) = ask(world, &query, json!({}));
    assert_eq!(status, 200, "{body}");
    body["data"]["m"].clone()
}

/// As [`does`], and it must succeed.
pub(super) fn done(world: &World, call: &str, wanted: &str) -> Value {
    let said = does(world, call, wanted);
    assert_eq!(said["userErrors"], json!([]), "{call}");
    said
}

/// A world without limits, a well stocked SKU and its physical count.
pub(super) fn still() -> (World, String, i64) {
    let world = World::open(Options { limits_on: false, ..Options::still(4, 60) });
    let sku = world.skus().into_iter().find(|s| world.till_on_hand(s) > Some(10)).expect("plenty");
    let physical = world.web_stock(&sku).expect("known").0;
    (world, sku, physical)
}

/// Physical and reserved at the warehouse of that id.
fn shelf(world: &World, sku: &str, place: i64) -> (i64, i64) {
    let query = "query S($s:String!,$w:[Int!]){productSizes(where:{SKU:{equals:$s}}){stock(where:{warehouseId:$w}){physicalQuantity allocatedQuantity}}}";
    let row = ask(world, query, json!({"s": sku, "w": [place]})).1["data"]["productSizes"][0]["stock"][0].clone();
    (row["physicalQuantity"].as_i64().unwrap_or(0), row["allocatedQuantity"].as_i64().unwrap_or(0))
}

fn order(world: &World, number: i64) -> Value {
    let query = "query O($n:[Int!]){orders(where:{number:$n}){id status isOnHold internalComment externalId paymentHistory{entryType status value{value}}
        lines(includeFullyCancelled:true){id quantity cancelledQuantity returnedQuantity allocations{quantity}}}}";
    ask(world, query, json!({"n": [number]})).1["data"]["orders"][0].clone()
}

pub(super) fn line_of(world: &World, number: i64) -> i64 {
    order(world, number)["lines"][0]["id"].as_i64().expect("a line")
}

/// A confirmed order of these units and a completed, captured shipment of all of it: number, shipment, line of it.
pub(super) fn shipped(world: &World, sku: &str, units: i64) -> (i64, i64, i64) {
    let number = world.place_web_order(&[(sku, units)]).expect("shown");
    let line = line_of(world, number);
    done(world, &format!("confirmOrder(input:{{order:{{number:{number}}}}})"), "order{status}");
    let call = format!(
        "createShipment(input:{{order:{{number:{number}}},lines:[{{orderLine:{{id:{line}}},quantity:{units}}}],isGoodToGo:true,capture:true,shippedAt:\"now\"}})"
    );
    let said = done(world, &call, "shipment{id isShipped isCaptured lines{id}}");
    assert_eq!(said["shipment"]["isShipped"], true, "{said}");
    let number_of = |value: &Value| value.as_i64().expect("an id");
    (number, number_of(&said["shipment"]["id"]), number_of(&said["shipment"]["lines"][0]["id"]))
}

#[test]
fn an_order_goes_from_pending_to_shipped_in_two_parts() {
    let (world, sku, n) = still();
    let number = world.place_web_order(&[(&sku, 3)]).expect("shown");
    let line = line_of(&world, number);
    let make = |units: i64| {
        format!(
            "createShipment(input:{{order:{{number:{number}}},lines:[{{orderLine:{{id:{line}}},quantity:{units}}}],isGoodToGo:true,isPaid:true}})"
        )
    };
    assert_ne!(does(&world, &make(1), "shipment{id}")["userErrors"], json!([]), "a pending order is not shipped");
    let said = done(&world, &format!("confirmOrder(input:{{order:{{number:{number}}}}})"), "order{status}");
    assert_eq!(said["order"]["status"], "CONFIRMED");
    assert_ne!(does(&world, &make(4), "shipment{id}")["userErrors"], json!([]), "more than was ordered");
    let said = done(&world, &make(2), "shipment{id number isPaid order{status}}");
    assert_eq!(
        (&said["shipment"]["number"], &said["shipment"]["order"]["status"]),
        (&json!(format!("{number}-1")), &json!("PROCESSING"))
    );
    assert_eq!(world.web_stock(&sku), Some((n, 3)), "a shipment alone moves nothing");
    let complete = format!("completeShipment(id:{},input:{{sendEmail:false}})", said["shipment"]["id"]);
    done(&world, &complete, "shipment{isShipped}");
    assert_eq!(world.web_stock(&sku), Some((n - 2, 1)));
    assert_eq!(order(&world, number)["lines"][0]["allocations"], json!([{"quantity": 1}]));
    assert_ne!(does(&world, &complete, "shipment{id}")["userErrors"], json!([]), "twice");
    assert_eq!(world.web_stock(&sku), Some((n - 2, 1)));
    world.ship(number).expect("a part is open");
    assert_eq!((world.web_stock(&sku), order(&world, number)["status"].clone()), (Some((n - 3, 0)), json!("SHIPPED")));
    let (_, body) = ask(&world, "{shipments{number isShipped lines{quantity orderLine{productSize{SKU}}}}}", json!({}));
    assert_eq!(
        body["data"]["shipments"][1]["lines"],
        json!([{"quantity": 1, "orderLine": {"productSize": {"SKU": sku}}}])
    );
}

#[test]
fn what_is_cancelled_goes_where_the_policy_says() {
    for (policy, physical, elsewhere) in [
        ("releaseItemsBackToWarehouse:true", 0, 0),
        ("sendItemsToDifferentWarehouse:{id:9}", -1, 1),
        ("removeItemsFromStock:true", -1, 0),
    ] {
        let (world, sku, n) = still();
        let number = world.place_web_order(&[(&sku, 2)]).expect("shown");
        let line = line_of(&world, number);
        let should = world.should_show(&sku).expect("known");
        let call = |units: i64| {
            format!(
                "updateDirectToConsumerOrder(order:{{number:{number}}},input:{{cancelLines:[{{line:{{id:{line}}},quantity:{units},stockActionPolicy:{{{policy}}}}}]}})"
            )
        };
        assert_ne!(does(&world, &call(3), "order{id}")["userErrors"], json!([]), "{policy}");
        done(&world, &call(1), "order{id}");
        assert_eq!(shelf(&world, &sku, 3), (n + physical, 1), "{policy}");
        assert_eq!(shelf(&world, &sku, 9).0, elsewhere, "{policy}");
        assert_eq!(world.should_show(&sku), Some(should + 1), "{policy}: the customer gave it up");
        let row = order(&world, number)["lines"][0].clone();
        assert_eq!((&row["quantity"], &row["cancelledQuantity"]), (&json!(1), &json!(1)));
        let id = order(&world, number)["id"].clone();
        let call = format!(
            "cancelDirectToConsumerOrder(id:{id},input:{{emailOptions:{{sendEmail:false}},stockAction:{{{policy}}}}})"
        );
        done(&world, &call, "order{status}");
        assert_eq!(shelf(&world, &sku, 3), (n + 2 * physical, 0), "{policy}");
        assert_eq!(order(&world, number)["lines"][0]["quantity"], 1, "a whole cancel leaves the quantities");
    }
}

#[test]
fn what_comes_back_goes_where_the_policy_says() {
    for (policy, here, there) in [
        ("releaseItemsBackToWarehouse:true", 1, 0),
        ("sendItemsToDifferentWarehouse:{id:9}", 0, 1),
        ("removeItemsFromStock:true", 0, 0),
    ] {
        let (world, sku, n) = still();
        let (number, shipment, line) = shipped(&world, &sku, 2);
        assert_eq!(shelf(&world, &sku, 3), (n - 2, 0));
        let call = |units: i64| {
            format!(
                "createReturn(input:{{shipment:{{id:{shipment}}},lines:[{{shipmentLine:{{id:{line}}},quantity:{units}}}],returnStockActionPolicy:{{{policy}}},comment:\"shop 3\",externalId:\"key-1\"}})"
            )
        };
        assert_ne!(does(&world, &call(3), "return{id}")["userErrors"], json!([]));
        let said = done(&world, &call(1), "return{id returnStatus}");
        assert_eq!(said["return"]["returnStatus"], "PENDING");
        assert_eq!((shelf(&world, &sku, 3).0, shelf(&world, &sku, 9).0), (n - 2 + here, there), "{policy}");
        assert_eq!(order(&world, number)["lines"][0]["returnedQuantity"], 1);
        let id = said["return"]["id"].clone();
        let (_, body) = ask(&world, "{returns(where:{externalId:{equals:\"key-1\"}}){id comment}}", json!({}));
        assert_eq!(body["data"]["returns"], json!([{"id": id, "comment": "shop 3"}]));
        done(&world, &format!("deleteReturn(id:{id})"), "return{id}");
        assert_eq!((shelf(&world, &sku, 3).0, shelf(&world, &sku, 9).0), (n - 2, 0), "{policy}: taken back");
        let again = done(&world, &call(2), "return{id}")["return"]["id"].clone();
        done(&world, &format!("completeReturn(id:{again},input:{{sendEmail:false}})"), "return{returnStatus}");
        assert_ne!(
            does(&world, &format!("completeReturn(id:{again},input:{{}})"), "return{id}")["userErrors"],
            json!([])
        );
        assert_eq!((shelf(&world, &sku, 3).0, shelf(&world, &sku, 9).0), (n - 2 + 2 * here, 2 * there));
    }
}

#[test]
fn goods_may_come_back_only_when_the_return_is_completed() {
    let (world, sku, n) = still();
    world.centra(|quirks| quirks.restock_late = true);
    let (_, shipment, line) = shipped(&world, &sku, 1);
    let call = format!(
        "createReturn(input:{{shipment:{{id:{shipment}}},lines:[{{shipmentLine:{{id:{line}}},quantity:1}}],returnStockActionPolicy:{{releaseItemsBackToWarehouse:true}}}})"
    );
    let id = done(&world, &call, "return{id}")["return"]["id"].clone();
    assert_eq!(world.web_stock(&sku), Some((n - 1, 0)));
    let said = done(
        &world,
        &format!("refundReturn(id:{id})"),
        "return{returnStatus} paymentHistoryEntries{entryType status value{value}}",
    );
    assert_eq!(said["paymentHistoryEntries"][0]["entryType"], "REFUND");
    assert!(said["paymentHistoryEntries"][0]["value"]["value"].as_f64() < Some(0.0));
    assert_eq!((said["return"]["returnStatus"].as_str(), world.web_stock(&sku)), (Some("COMPLETED"), Some((n, 0))));
    assert_ne!(does(&world, &format!("refundReturn(id:{id})"), "return{id}")["userErrors"], json!([]), "twice");
}

#[test]
fn money_may_come_later_or_not_at_all() {
    let (world, sku, _) = still();
    world.centra(|quirks| quirks.capture = Outcome::Pending);
    let number = world.place_web_order(&[(&sku, 1)]).expect("shown");
    let line = line_of(&world, number);
    done(&world, &format!("confirmOrder(input:{{order:{{number:{number}}}}})"), "order{id}");
    let call = format!(
        "createShipment(input:{{order:{{number:{number}}},lines:[{{orderLine:{{id:{line}}},quantity:1}}],isGoodToGo:true}})"
    );
    let id = done(&world, &call, "shipment{id}")["shipment"]["id"].clone();
    let said = done(
        &world,
        &format!("captureShipment(id:{id})"),
        "paymentHistoryEntry{entryType status} shipment{isCaptured}",
    );
    assert_eq!(said["paymentHistoryEntry"], json!({"entryType": "CAPTURE_REQUEST", "status": "PENDING"}));
    assert_ne!(
        does(&world, &format!("completeShipment(id:{id},input:{{}})"), "shipment{id}")["userErrors"],
        json!([]),
        "unpaid"
    );
    world.settle_payments(false);
    let kinds: Vec<Value> = order(&world, number)["paymentHistory"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| e["entryType"].clone())
        .collect();
    assert_eq!(kinds, ["AUTH", "CAPTURE_REQUEST", "CAPTURE_FAILED"]);
    done(&world, &format!("captureShipment(id:{id})"), "shipment{id}");
    world.settle_payments(true);
    done(&world, &format!("completeShipment(id:{id},input:{{}})"), "shipment{id}");
    assert_eq!(order(&world, number)["status"], "SHIPPED");
}

#[test]
fn an_order_carries_our_own_words_and_can_be_held() {
    let (world, sku, _) = still();
    let number = world.place_web_order(&[(&sku, 1)]).expect("shown");
    let call = format!(
        "updateDirectToConsumerOrder(order:{{number:{number}}},input:{{isOnHold:true,internalComment:\"k=1\",externalId:\"own-1\"}})"
    );
    done(&world, &call, "order{isOnHold}");
    let shown = order(&world, number);
    assert_eq!(
        (&shown["isOnHold"], &shown["internalComment"], &shown["externalId"]),
        (&json!(true), &json!("k=1"), &json!("own-1"))
    );
    assert_ne!(
        does(&world, "confirmOrder(input:{order:{externalId:\"own-1\"}})", "order{id}")["userErrors"],
        json!([])
    );
    done(&world, "resumeDirectToConsumerOrder(order:{externalId:\"own-1\"})", "order{isOnHold}");
    assert_eq!(
        done(&world, "confirmOrder(input:{order:{externalId:\"own-1\"}})", "order{status}")["order"]["status"],
        "CONFIRMED"
    );
}
