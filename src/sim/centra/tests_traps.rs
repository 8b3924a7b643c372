//! The ways in which this vendor's shop misleads those who read it, each as the simulator plays it.

use super::quirks::Outcome;
use super::tests_orders::{ask, does, done, line_of, shipped, still};
use serde_json::{Value, json};

fn events(world: &super::super::world::World) -> Vec<Value> {
    let query = "{events(limit:200){id objectType changeType objectReference object{__typename ... on Order{number status} ... on Shipment{isShipped}}}}";
    ask(world, query, json!({})).1["data"]["events"].as_array().expect("a list").clone()
}

#[test]
fn events_come_again_until_confirmed_and_show_what_is_now() {
    let (world, sku, _) = still();
    world.place_web_order(&[(&sku, 1)]).expect("shown");
    assert_eq!(events(&world), Vec::<Value>::new(), "nobody listened");
    done(&world, "setEventListeners(input:[{objectType:Order}])", "eventListeners{objectType}");
    let said = done(
        &world,
        "setEventListeners(input:[{objectType:Shipment,changeTypes:[COMPLETED]}])",
        "eventListeners{objectType}",
    );
    assert_eq!(said["eventListeners"].as_array().map(Vec::len), Some(2), "set adds");
    let (number, shipment, _) = shipped(&world, &sku, 1);
    let first = events(&world);
    assert_eq!(first, events(&world));
    assert!(
        first
            .iter()
            .filter(|e| e["objectType"] == "Order")
            .all(|e| e["objectReference"] == number && e["object"]["status"] == "SHIPPED")
    );
    let gone: Vec<&Value> = first.iter().filter(|e| e["objectType"] == "Shipment").collect();
    assert_eq!(
        (gone.len(), &gone[0]["objectReference"], &gone[0]["changeType"]),
        (1, &json!(shipment), &json!("COMPLETED"))
    );
    assert_eq!(gone[0]["object"], json!({"__typename": "DirectToConsumerShipment", "isShipped": true}));
    for _ in 0..2 {
        done(&world, &format!("confirmEvents(input:{{eventsIds:[{}]}})", first[0]["id"]), "__typename");
        assert_eq!(events(&world), first[1..]);
    }
    done(&world, "unsetEventListeners(input:[{objectType:Order}])", "eventListeners{objectType}");
    assert!(events(&world).iter().all(|e| e["objectType"] == "Shipment"), "unset deletes what is queued");
}

#[test]
fn an_account_without_events_has_an_empty_queue() {
    let (world, sku, _) = still();
    world.centra(|quirks| quirks.events_on = false);
    done(&world, "setEventListeners(input:[{objectType:Order}])", "eventListeners{objectType}");
    world.place_web_order(&[(&sku, 1)]).expect("shown");
    assert_eq!(events(&world), Vec::<Value>::new());
}

#[test]
fn a_failed_capture_is_a_warning_on_a_shipment_and_an_error_by_itself() {
    let (world, sku, _) = still();
    world.centra(|quirks| quirks.capture = Outcome::Failed);
    let number = world.place_web_order(&[(&sku, 1)]).expect("shown");
    let line = line_of(&world, number);
    done(&world, &format!("confirmOrder(input:{{order:{{number:{number}}}}})"), "order{id}");
    let call = format!(
        "createShipment(input:{{order:{{number:{number}}},lines:[{{orderLine:{{id:{line}}},quantity:1}}],isGoodToGo:true,capture:true}})"
    );
    let said = done(&world, &call, "shipment{id isCaptured}");
    assert_eq!(
        (&said["shipment"]["isCaptured"], &said["userWarnings"][0]["path"]),
        (&json!(false), &json!(["input", "capture"]))
    );
    let said = does(&world, &format!("captureShipment(id:{})", said["shipment"]["id"]), "shipment{id}");
    assert_eq!((&said["shipment"], said["userErrors"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
}

#[test]
fn a_captured_order_is_returned_and_not_cancelled() {
    let (world, sku, _) = still();
    let (number, shipment, line) = shipped(&world, &sku, 1);
    let (_, body) = ask(&world, "query N($n:[Int!]){orders(where:{number:$n}){id}}", json!({"n": number}));
    let call = format!(
        "cancelDirectToConsumerOrder(id:{},input:{{emailOptions:{{sendEmail:false}},stockAction:{{releaseItemsBackToWarehouse:true}}}})",
        body["data"]["orders"][0]["id"]
    );
    assert_ne!(does(&world, &call, "order{id}")["userErrors"], json!([]));
    let costs = format!(
        "createReturn(input:{{shipment:{{id:{shipment}}},lines:[{{shipmentLine:{{id:{line}}},quantity:1}}],returnStockActionPolicy:{{removeItemsFromStock:true}},shippingCost:{{value:{{value:999,currencyIsoCode:\"GBP\"}}}}}})"
    );
    assert_ne!(does(&world, &costs, "return{id}")["userErrors"], json!([]), "more than the shipment has left");
    assert_ne!(does(&world, "refundReturn(id:436)", "return{id}")["userErrors"], json!([]), "no return, no refund");
}

#[test]
fn a_token_can_be_too_old_too_narrow_or_of_another_store() {
    let (world, sku, _) = still();
    world.place_web_order(&[(&sku, 1)]).expect("shown");
    world.centra(|quirks| quirks.other_store = true);
    let (status, body) = ask(&world, "{orders{id}}", json!({}));
    assert_eq!((status, &body["data"]["orders"]), (200, &json!([])), "missing without a word");
    world.centra(|quirks| quirks.denied = vec!["Order:read"]);
    let (status, body) = ask(&world, "query { orderConnection(first:1){ edges{ node{ id } } } }", json!({}));
    assert_eq!(status, 200);
    assert_eq!(
        body["errors"],
        json!([{"message": "You need Order:read permission to access orderConnection.",
                "extensions": {"category": "authorization"}, "locations": [{"line": 1, "column": 9}],
                "path": ["orderConnection"]}])
    );
    world.centra(|quirks| quirks.permission_status = 403);
    assert_eq!(ask(&world, "{orders{id}}", json!({})).0, 403);
    world.centra(|quirks| quirks.token_expired = true);
    assert_eq!(ask(&world, "{warehouses{id}}", json!({})).0, 403);
}

#[test]
fn a_cancelled_order_has_a_disputed_name_and_a_held_one_may_hide() {
    let (world, sku, _) = still();
    world.centra(|quirks| (quirks.cancelled_word, quirks.hide_held) = ("DELETED", true));
    let (gone, held) =
        (world.place_web_order(&[(&sku, 1)]).expect("shown"), world.place_web_order(&[(&sku, 1)]).expect("shown"));
    world.cancel(gone).expect("open");
    done(&world, &format!("updateDirectToConsumerOrder(order:{{number:{held}}},input:{{isOnHold:true}})"), "order{id}");
    let (_, body) = ask(&world, "{orders{number status} held:orders(where:{isOnHold:true}){number}}", json!({}));
    assert_eq!(body["data"], json!({"orders": [{"number": gone, "status": "DELETED"}], "held": [{"number": held}]}));
}

#[test]
fn orders_are_paged_by_cursor_without_gaps() {
    let (world, sku, _) = still();
    let numbers: Vec<i64> = (0..3).map(|_| world.place_web_order(&[(&sku, 1)]).expect("shown")).collect();
    let query = "query C($a:String){orderConnection(first:2,after:$a){totalCount edges{cursor node{number}} pageInfo{hasNextPage endCursor}}}";
    let page = |after: Value| ask(&world, query, json!({"a": after})).1["data"]["orderConnection"].clone();
    let first = page(Value::Null);
    assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
    let second = page(first["pageInfo"]["endCursor"].clone());
    assert_eq!(second["edges"][0]["node"]["number"], numbers[2]);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[test]
fn what_is_taken_off_is_inactive_and_its_barcode_can_change() {
    let (world, sku, _) = still();
    let (_, size) = world.keys(&sku).expect("known");
    done(&world, &format!("updateProductSize(id:{size},input:{{isActive:false,EAN:\"\"}})"), "productSize{id}");
    let query = "query S($s:String!){productSizes(where:{SKU:{equals:$s}}){isActive EAN}}";
    assert_eq!(
        ask(&world, query, json!({"s": sku})).1["data"]["productSizes"],
        json!([{"isActive": false, "EAN": null}])
    );
    for (call, status) in [
        ("confirmOrder(input:{order:{number:1},x:1})", 400),
        ("confirmOrder(input:{})", 400),
        ("completeShipment(input:{})", 400),
        ("setEventListeners(input:[{objectType:Nothing}])", 400),
        ("createReturn(input:{shipment:7,lines:[3],returnStockActionPolicy:null})", 400),
        ("createReturn(input:{shipment:7,lines:[3],returnStockActionPolicy:{x:1}})", 200),
        ("confirmOrder(input:{order:[1]})", 200),
    ] {
        assert_eq!(ask(&world, &format!("mutation{{{call}{{userErrors{{message}}}}}}"), json!({})).0, status, "{call}");
    }
}
