//! Each trap that can be set, where the recordings do not show it already.

use super::signer::{Signing, authorization};
use super::stage::{BASE, basket, fresh, pieces};
use crate::domain::time::{Span, Timestamp};
use crate::sim::magento::{Account, Fault, NewProduct, Refund};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const NOW: Timestamp = Timestamp::from_secs(1_795_286_340);

/// A shop with ten mugs in a warehouse.
fn shop() -> Account {
    let mut shop = fresh();
    shop.add_source("warehouse", "Warehouse", false);
    shop.add_source("store_malmo", "Malmö", true);
    shop.add_stock("Sweden", "base", &["warehouse", "store_malmo"]);
    let mug = NewProduct {
        sku: "MUG-1".to_owned(),
        name: "Mug".to_owned(),
        price: pieces(10),
        variants: Vec::new(),
        differs_by: Vec::new(),
        attributes: BTreeMap::from([("ean".to_owned(), "7350000000017".to_owned())]),
    };
    assert_eq!(shop.add_product(&mug, NOW), Some(1));
    shop.edit_stock("MUG-1", "warehouse", pieces(10));
    shop
}

fn ask(shop: &mut Account, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    ask_at(shop, method, path, body, "Bearer k1-token", NOW)
}

fn ask_at(
    shop: &mut Account,
    method: &str,
    path: &str,
    body: Option<&Value>,
    who: &str,
    now: Timestamp,
) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("{BASE}{path}")).header("authorization", who);
    let request = request.header("content-type", "application/json");
    let body = body.map(Value::to_string).unwrap_or_default();
    let response = shop.answer(&request.body(Bytes::from(body)).unwrap(), now);
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn rows(quantity: i64) -> Value {
    json!({"sourceItems": [{"sku": "MUG-1", "source_code": "warehouse", "quantity": quantity, "status": 1}]})
}

const ITEMS: &str = "/rest/V1/inventory/source-items";
const PAGE_9: &str = "/rest/V1/products?searchCriteria[pageSize]=1&searchCriteria[currentPage]=9";

#[test]
fn a_trace_stands_in_errors_of_developer_mode_only() {
    let mut shop = shop();
    assert!(ask(&mut shop, "GET", "/rest/V1/orders/9", None).1.get("trace").is_none());
    shop.switches.developer_mode = true;
    assert!(ask(&mut shop, "GET", "/rest/V1/orders/9", None).1["trace"].is_string());
}

#[test]
fn old_shops_repeat_their_last_page() {
    let mut shop = shop();
    assert_eq!(ask(&mut shop, "GET", PAGE_9, None).1["items"], json!([]));
    shop.switches.last_page_repeats = true;
    assert_eq!(ask(&mut shop, "GET", PAGE_9, None).1["items"][0]["sku"], "MUG-1");
}

#[test]
fn a_proxy_that_changes_the_address_breaks_signatures() {
    let mut shop = shop();
    let sign = |shop: &mut Account, base: &str, nonce: &str| {
        let header = authorization(&Signing {
            method: "GET",
            url: &format!("{base}/rest/V1/store/websites"),
            query: Vec::new(),
            key: "k1",
            secret: "k1-secret",
            token: "k1-token",
            token_secret: "k1-token-secret",
            nonce,
            at: NOW.secs(),
            algorithm: "HMAC-SHA256",
            by_bytes: false,
            without: "",
        });
        ask_at(shop, "GET", "/rest/V1/store/websites", None, &header, NOW).0
    };
    assert_eq!(sign(&mut shop, BASE, "1"), 200);
    shop.switches.seen_as = Some("http://inner:8080".to_owned());
    assert_eq!(sign(&mut shop, BASE, "2"), 401);
    assert_eq!(sign(&mut shop, "http://inner:8080", "3"), 200);
    shop.revoke_integration("k1-token");
    assert_eq!(sign(&mut shop, "http://inner:8080", "4"), 401);
}

#[test]
fn some_web_servers_refuse_an_encoded_slash() {
    let mut shop = shop();
    shop.switches.slash_refused = true;
    let (status, body) = ask(&mut shop, "GET", "/rest/V1/products/AB%2F12", None);
    assert_eq!((status, body.as_str().is_some_and(|page| page.contains("<html>"))), (404, true));
    assert_eq!(ask(&mut shop, "GET", "/rest/V1/products/MUG-1", None).0, 200);
}

#[test]
fn an_index_that_lags_says_the_old_quantity_until_it_is_rebuilt() {
    let mut shop = shop();
    shop.switches.index_lags = true;
    assert_eq!(ask(&mut shop, "POST", ITEMS, Some(&rows(4))), (200, json!([])));
    let salable = "/rest/V1/inventory/get-product-salable-quantity/MUG-1/2";
    assert_eq!(ask(&mut shop, "GET", salable, None).1, json!(10));
    assert_eq!(shop.physical("MUG-1", "warehouse"), Some(pieces(4)));
    shop.reindex();
    assert_eq!(ask(&mut shop, "GET", salable, None).1, json!(4));
}

#[test]
fn a_consumer_that_repeats_itself_ships_once_but_refunds_twice() {
    let mut shop = shop();
    let order = shop.place(&basket(&[("MUG-1", 3)], false, None), NOW).unwrap();
    shop.invoice(order, NOW).unwrap();
    shop.switches.consumer_repeats = true;
    let body = json!({"items": [{"order_item_id": 1, "qty": 1}], "arguments": {"shipping_amount": 0}});
    assert_eq!(ask(&mut shop, "POST", "/rest/async/V1/order/1/refund", Some(&body)).0, 202);
    assert_eq!(shop.run_consumer(9, NOW), 1);
    assert_eq!(shop.run_consumer(9, NOW), 0, "what was carried out is not open any more");
    assert_eq!(shop.order_lines(order)[0].refunded, pieces(2));
    let second = shop.place(&basket(&[("MUG-1", 2)], false, None), NOW).unwrap();
    let body = json!({"items": [], "arguments": {"extension_attributes": {"source_code": "warehouse"}}});
    assert_eq!(ask(&mut shop, "POST", "/rest/async/V1/order/2/ship", Some(&body)).0, 202);
    shop.run_consumer(9, NOW);
    assert_eq!(shop.order_lines(second)[0].shipped, pieces(2));
}

#[test]
fn nothing_asynchronous_happens_while_no_consumer_runs() {
    let mut shop = shop();
    let (status, taken) = ask(&mut shop, "POST", "/rest/async/V1/inventory/source-items", Some(&rows(4)));
    assert_eq!(status, 202);
    let path = format!("/rest/V1/bulk/{}/status", taken["bulk_uuid"].as_str().unwrap());
    assert_eq!(ask(&mut shop, "GET", &path, None).1["operations_list"][0]["status"], 4);
    assert_eq!(shop.physical("MUG-1", "warehouse"), Some(pieces(10)));
}

#[test]
fn the_clock_of_the_shop_may_be_ahead() {
    let mut shop = shop();
    shop.switches.clock_ahead = 90;
    let order = shop.place(&basket(&[("MUG-1", 1)], false, None), NOW).unwrap();
    let read = ask(&mut shop, "GET", &format!("/rest/V1/orders/{order}"), None).1;
    assert_eq!(read["created_at"], "2026-11-21 18:40:30");
}

#[test]
fn an_administrators_token_ends() {
    let mut shop = shop();
    shop.switches.admin_token_minutes = 0;
    let login = json!({"username": "admin", "password": "right"});
    let token = ask(&mut shop, "POST", "/rest/V1/integration/admin/token", Some(&login)).1;
    let who = format!("Bearer {}", token.as_str().unwrap());
    let at = |shop: &mut Account, minutes| {
        ask_at(shop, "GET", "/rest/V1/store/websites", None, &who, NOW + Span::minutes(minutes)).0
    };
    assert_eq!([at(&mut shop, 59), at(&mut shop, 60)], [200, 401]);
}

#[test]
fn a_lock_on_an_account_ends() {
    let mut shop = shop();
    let login = |password: &str| json!({"username": "locktest", "password": password});
    let path = "/rest/V1/integration/admin/token";
    for _ in 0..6 {
        assert_eq!(ask(&mut shop, "POST", path, Some(&login("wrong"))).0, 401);
    }
    assert_eq!(ask(&mut shop, "POST", path, Some(&login("right"))).0, 401);
    let later = NOW + Span::secs(1800);
    assert_eq!(ask_at(&mut shop, "POST", path, Some(&login("right")), "", later).0, 200);
}

#[test]
fn single_faults_come_in_the_order_in_which_they_were_asked_for() {
    let mut shop = shop();
    for fault in [Fault::Unauthorized, Fault::Deadlock, Fault::TooMany, Fault::Internal, Fault::AnswerLost] {
        shop.switches.fail_next(fault);
    }
    let seen: Vec<u16> = (1..=6).map(|count| ask(&mut shop, "POST", ITEMS, Some(&rows(count))).0).collect();
    assert_eq!(seen, [401, 400, 429, 500, 500, 200]);
    // The first four did nothing, the fifth was carried out all the same.
    shop.switches.fail_next(Fault::Internal);
    ask(&mut shop, "POST", ITEMS, Some(&rows(7)));
    assert_eq!(shop.physical("MUG-1", "warehouse"), Some(pieces(6)));
    shop.switches.fail_next(Fault::AnswerLost);
    ask(&mut shop, "POST", ITEMS, Some(&rows(8)));
    assert_eq!(shop.physical("MUG-1", "warehouse"), Some(pieces(8)));
}

#[test]
fn a_refund_after_a_lost_answer_refunds_again() {
    let mut shop = shop();
    let order = shop.place(&basket(&[("MUG-1", 2)], false, None), NOW).unwrap();
    shop.invoice(order, NOW).unwrap();
    let body = json!({"items": [{"order_item_id": 1, "qty": 1}], "arguments": {"shipping_amount": 0}});
    shop.switches.fail_next(Fault::AnswerLost);
    assert_eq!(ask(&mut shop, "POST", "/rest/V1/order/1/refund", Some(&body)).0, 500);
    assert_eq!(ask(&mut shop, "POST", "/rest/V1/order/1/refund", Some(&body)), (200, json!("2")));
}

#[test]
fn what_a_store_view_says_hides_later_global_changes() {
    let mut shop = shop();
    let off = json!({"product": {"status": 2}});
    let on = json!({"product": {"status": 1}});
    ask(&mut shop, "PUT", "/rest/V1/products/MUG-1", Some(&off));
    ask(&mut shop, "PUT", "/rest/all/V1/products/MUG-1", Some(&on));
    assert_eq!(ask(&mut shop, "GET", "/rest/V1/products/MUG-1", None).1["status"], 2);
    assert_eq!(ask(&mut shop, "GET", "/rest/all/V1/products/MUG-1", None).1["status"], 1);
}

#[test]
fn a_loaded_product_that_is_saved_overwrites_the_stock_of_the_default_source() {
    let mut shop = shop();
    shop.edit_stock("MUG-1", "default", pieces(5));
    let item = json!({"product": {"extension_attributes": {"stock_item": {"qty": 3, "is_in_stock": true}}}});
    ask(&mut shop, "PUT", "/rest/all/V1/products/MUG-1", Some(&item));
    assert_eq!(shop.physical("MUG-1", "default"), Some(pieces(3)));
    assert_eq!(shop.physical("MUG-1", "warehouse"), Some(pieces(10)));
}

#[test]
fn goods_without_counted_stock_are_never_promised() {
    let mut shop = shop();
    let item = json!({"stockItem": {"manage_stock": false}});
    ask(&mut shop, "PUT", "/rest/V1/products/MUG-1/stockItems/1", Some(&item));
    shop.place(&basket(&[("MUG-1", 99)], false, None), NOW).unwrap();
    assert!(shop.reservations().is_empty());
}

#[test]
fn a_sale_is_promised_until_it_is_sent_cancelled_or_given_back() {
    let mut shop = shop();
    let order = shop.place(&basket(&[("MUG-1", 4)], false, None), NOW).unwrap();
    let seen = |shop: &Account| {
        (shop.physical("MUG-1", "warehouse").unwrap(), shop.reserved("MUG-1", 2), shop.salable("MUG-1", 2))
    };
    assert_eq!(seen(&shop), (pieces(10), pieces(4), pieces(6)));
    shop.ship(order, Some(BTreeMap::from([(1, pieces(1))])), Some("warehouse"), NOW).unwrap();
    assert_eq!(seen(&shop), (pieces(9), pieces(3), pieces(6)));
    shop.invoice(order, NOW).unwrap();
    let refund = Refund {
        items: Some(BTreeMap::from([(1, pieces(1))])),
        shipping: Some(pieces(0)),
        back: BTreeSet::from([1]),
        ..Refund::default()
    };
    shop.refund(order, &refund, NOW).unwrap();
    assert_eq!(seen(&shop), (pieces(9), pieces(2), pieces(7)));
    let second = shop.place(&basket(&[("MUG-1", 7)], false, None), NOW).unwrap();
    assert_eq!(seen(&shop), (pieces(9), pieces(9), pieces(0)));
    assert_eq!(shop.cancel(second, NOW), Some(true));
    assert_eq!(seen(&shop), (pieces(9), pieces(2), pieces(7)));
    assert_eq!(shop.order_face(order), Some(("000000001", pieces(68))));
    assert_eq!(shop.stock_sources(shop.stock_of_website()), ["warehouse", "store_malmo"]);
}

#[test]
fn a_promise_that_no_order_holds_stays() {
    let mut shop = shop();
    shop.strand("MUG-1", pieces(-3));
    shop.reindex();
    assert_eq!((shop.physical("MUG-1", "warehouse"), shop.salable("MUG-1", 2)), (Some(pieces(10)), pieces(7)));
}

#[test]
fn a_renamed_product_leaves_its_rows_behind() {
    let mut shop = shop();
    assert!(shop.rename_product("MUG-1", "MUG-2", NOW));
    assert_eq!(ask(&mut shop, "GET", "/rest/V1/products/MUG-1", None).0, 404);
    let salable = "/rest/V1/inventory/get-product-salable-quantity/MUG-2/2";
    assert_eq!(ask(&mut shop, "GET", salable, None), (200, json!(0)));
    assert_eq!(shop.physical("MUG-1", "warehouse"), Some(pieces(10)));
}

#[test]
fn only_store_views_that_exist_can_be_addressed() {
    let mut shop = shop();
    assert_eq!(ask(&mut shop, "GET", "/rest/se/V1/store/storeViews", None).0, 400);
    shop.add_store_view("se", "Sweden");
    let (status, views) = ask(&mut shop, "GET", "/rest/se/V1/store/storeViews", None);
    assert_eq!((status, views[1]["code"].as_str(), views[1]["id"].as_i64()), (200, Some("se"), Some(2)));
    assert_eq!(ask(&mut shop, "GET", "/rest/V1/store/storeConfigs", None).1.as_array().map(Vec::len), Some(2));
}
