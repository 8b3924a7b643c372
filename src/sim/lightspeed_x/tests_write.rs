//! Writing over the wire: what a sale, a return, a hand-over and a product do to the counts, and each trap.

use super::super::options::{Options, Vendor};
use super::super::world::World;
use super::switches::{SameId, Signing, XSwitches};
use crate::domain::time::Span;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

fn ask(world: &World, token: &str, method: &str, path: &str, body: &[u8]) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("user-agent", "test")
        .body(Bytes::copy_from_slice(body))
        .expect("a request");
    world.answer(Vendor::LightspeedX, &request, world.now())
}

fn call(world: &World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let path = format!("/api/2026-07/{path}");
    let answer = ask(world, "simulated-till-token", method, &path, body.as_bytes());
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
}

struct Shop {
    world: World,
    sku: String,
    product: String,
    author: String,
    tax: String,
    card: String,
    register: String,
    outlet: String,
}

fn shop(switches: XSwitches) -> Shop {
    let world = World::open(Options { till_switches: switches, ..Options::still(4, 60) });
    let sku = world.skus().into_iter().find(|s| world.till_on_hand(s) > Some(45)).expect("plenty");
    let text = |path: &str, pointer: &str| {
        let (_, body) = call(&world, "GET", path, &Value::Null);
        body.pointer(pointer).and_then(Value::as_str).expect("a text").to_owned()
    };
    Shop {
        product: world.keys(&sku).expect("known").0,
        author: text("user", "/data/id"),
        tax: text("taxes", "/data/0/id"),
        card: text("payment_types", "/data/1/id"),
        register: text("registers", "/data/0/id"),
        outlet: text("outlets", "/data/0/id"),
        sku,
        world,
    }
}

impl Shop {
    fn sale(&self, state: &str, attributes: &[&str], units: i64, paid: f64) -> Value {
        json!({
            "state": state, "attributes": attributes, "note": "card 4111111111111111",
            "source": {"author_id": self.author, "register_id": self.register, "type": "web", "id": "10045"},
            "line_items": [{
                "product": {"id": self.product}, "quantity": units, "pricing": {"price": "10.00"},
                "tax": {"id": self.tax, "amount": 2},
            }],
            "payments": [{"type": {"config_id": self.card}, "amount": paid}],
        })
    }

    fn post(&self, body: &Value) -> Value {
        let (status, answer) = call(&self.world, "POST", "sales", body);
        assert_eq!(status, 200, "{answer}");
        answer["data"].clone()
    }

    fn on_hand(&self) -> i64 {
        self.world.till_on_hand(&self.sku).expect("known")
    }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

#[test]
fn goods_leave_by_the_state_and_the_attribute_and_come_back_when_voided() {
    for (state, attributes, leaves) in [
        ("parked", &[][..], 0),
        ("closed", &[], 2),
        ("pending", &["onaccount"], 2),
        ("pending", &["layby"], 0),
        ("pending", &["pickup"], 0),
        ("pending", &["delivery"], 0),
        ("closed", &["pickup"], 2),
    ] {
        let shop = shop(XSwitches::default());
        let before = shop.on_hand();
        let sale = shop.post(&shop.sale(state, attributes, 2, 24.0));
        assert_eq!((sale["state"].as_str(), before - shop.on_hand()), (Some(state), leaves), "{state} {attributes:?}");
        assert_eq!(sale["note"], "card [redacted]");
        assert_eq!((&sale["source"]["type"], &sale["source"]["id"]), (&json!("web"), &json!("10045")));
        let feed = call(&shop.world, "GET", "sales", &Value::Null).1;
        assert_eq!(feed["data"][0]["id"], sale["id"]);
        assert_eq!(shop.world.expected_movements().len(), usize::from(leaves > 0));
        let mut void = shop.sale("voided", &[], 2, 0.0);
        void["line_items"][0]["id"] = sale["line_items"][0]["id"].clone();
        let (status, voided) = call(&shop.world, "PUT", &format!("sales/{}", id(&sale)), &void);
        assert_eq!((status, voided["data"]["state"].as_str()), (200, Some("voided")), "{voided}");
        assert_eq!(shop.on_hand(), before);
    }
}

#[test]
fn a_closed_sale_may_only_be_voided() {
    let shop = shop(XSwitches::default());
    let sale = shop.post(&shop.sale("closed", &[], 1, 12.0));
    let path = format!("sales/{}", id(&sale));
    assert_eq!(call(&shop.world, "PUT", &path, &shop.sale("parked", &[], 1, 12.0)).0, 422);
    let (_, voided) = call(&shop.world, "PUT", &path, &shop.sale("voided", &[], 1, 12.0));
    assert_eq!(voided["data"]["payments"], json!([]), "its payments are deleted");
    assert_eq!(call(&shop.world, "PUT", &path, &shop.sale("closed", &[], 1, 12.0)).0, 422);
}

#[test]
fn a_return_is_saved_in_full_first_and_closed_with_what_came_back() {
    let shop = shop(XSwitches::default());
    let sale = shop.post(&shop.sale("closed", &[], 3, 36.0));
    let sold = shop.on_hand();
    let path = format!("sales/{}/actions/return", id(&sale));
    assert_eq!(call(&shop.world, "PUT", &path, &json!({})).0, 405, "the verb of dated versions is POST");
    let old = format!("/api/2.0/{path}");
    assert_eq!(ask(&shop.world, "simulated-till-token", "POST", &old, b"{}").status(), 405);
    let (status, begun) = call(&shop.world, "POST", &path, &Value::Null);
    assert_eq!((status, begun["data"]["state"].as_str()), (200, Some("parked")));
    assert_eq!((&begun["data"]["line_items"][0]["quantity"], shop.on_hand()), (&json!(-3), sold));
    assert_eq!(begun["data"]["return"]["original_sale_id"], sale["id"]);
    let mut edit = shop.sale("closed", &[], -1, -12.0);
    edit["line_items"][0]["id"] = begun["data"]["line_items"][0]["id"].clone();
    let (status, done) = call(&shop.world, "PUT", &format!("sales/{}", id(&begun["data"])), &edit);
    assert_eq!((status, shop.on_hand()), (200, sold + 1), "{done}");
    let (_, first) = call(&shop.world, "GET", &format!("sales/{}", id(&sale)), &Value::Null);
    assert_eq!(first["data"]["return"]["return_sale_ids"], json!([begun["data"]["id"]]));
}

#[test]
fn goods_to_be_picked_up_leave_when_they_are_handed_over() {
    let shop = shop(XSwitches::default());
    let before = shop.on_hand();
    let sale = shop.post(&shop.sale("pending", &["pickup"], 2, 24.0));
    let (_, list) = call(&shop.world, "GET", &format!("fulfillments?sale_id={}", id(&sale)), &Value::Null);
    let one = &list["data"][0];
    assert_eq!((&one["type"], &one["state"]), (&json!("PICKUP"), &json!("OPEN")), "{list}");
    let line = &one["line_items"][0]["sale_line_item_id"];
    let step = |word: &str, version: &Value, units: i64| {
        let body = json!({"version": version, "line_items": [{"sale_line_item_id": line, "quantity": units}]});
        call(&shop.world, "POST", &format!("fulfillments/{}/{word}", id(one)), &body)
    };
    let (status, packed) = step("pack", &one["version"], 2);
    assert_eq!((status, shop.on_hand()), (200, before), "{packed}");
    assert_eq!(step("fulfill", &one["version"], 1).0, 409, "an old version");
    let (status, part) = step("fulfill", &packed["data"]["version"], 1);
    assert_eq!((status, shop.on_hand()), (200, before - 1), "{part}");
    assert_eq!(step("fulfill", &part["data"]["version"], 2).0, 400, "only one is left");
    for _ in 0..2 {
        assert_eq!(call(&shop.world, "POST", "fulfillments/fulfill", &json!({"sale_id": sale["id"]})).0, 200);
        assert_eq!(shop.on_hand(), before - 2);
    }
    let (_, over) = call(&shop.world, "GET", &format!("sales/{}", id(&sale)), &Value::Null);
    assert_eq!(over["data"]["state"], "closed");
    let (_, history) = call(&shop.world, "GET", &format!("fulfillments/{}/history", id(one)), &Value::Null);
    let kinds: Vec<&Value> = history["data"].as_array().expect("rows").iter().map(|row| &row["event_type"]).collect();
    assert_eq!(kinds, ["CREATED", "PACKED", "FULFILLED", "FULFILLED"]);
}

#[test]
fn what_the_papers_leave_open_of_an_id_that_is_sent_twice_is_a_switch() {
    for (same_id, status) in [(SameId::Refused, 409), (SameId::Answered, 200), (SameId::Replaced, 200)] {
        let shop = shop(XSwitches { same_id, ..XSwitches::default() });
        let mut sale = shop.sale("parked", &[], 1, 12.0);
        sale["id"] = json!("6f1c1a52-0000-4000-8000-0000000a1045");
        shop.post(&sale);
        sale["line_items"][0]["quantity"] = json!(2);
        let (given, answer) = call(&shop.world, "POST", "sales", &sale);
        assert_eq!(given, status, "{answer}");
        let (_, now) = call(&shop.world, "GET", "sales", &Value::Null);
        assert_eq!(now["data"].as_array().map(Vec::len), Some(1));
        let units = if same_id == SameId::Replaced { 2 } else { 1 };
        assert_eq!(now["data"][0]["line_items"][0]["quantity"], units);
    }
}

#[test]
fn an_edit_deletes_lines_that_it_does_not_name_and_keeps_taken_back_payments_listed() {
    for edit_merges in [false, true] {
        let shop = shop(XSwitches { edit_merges, ..XSwitches::default() });
        let sale = shop.post(&shop.sale("parked", &[], 1, 12.0));
        let (_, edited) = call(&shop.world, "PUT", &format!("sales/{}", id(&sale)), &shop.sale("parked", &[], 3, 36.0));
        let lines = edited["data"]["line_items"].as_array().map(Vec::len);
        assert_eq!(lines, Some(if edit_merges { 2 } else { 1 }));
        let gone = |p: &&Value| p["deleted_at"].is_string();
        assert_eq!(edited["data"]["payments"].as_array().expect("rows").iter().filter(gone).count(), 1);
    }
}

#[test]
fn the_old_door_replaces_a_sale_as_a_whole() {
    let shop = shop(XSwitches::default());
    let sale = shop.post(&shop.sale("parked", &[], 1, 12.0));
    let row = json!({"product_id": shop.product, "quantity": 2, "price": 10, "tax": 2, "tax_id": shop.tax});
    let body = json!({
        "id": sale["id"], "user_id": shop.author, "status": "CLOSED", "register_sale_products": [row],
    });
    let before = shop.on_hand();
    let answer = ask(&shop.world, "simulated-till-token", "POST", "/api/register_sales", body.to_string().as_bytes());
    assert_eq!(answer.status(), 200);
    let (_, now) = call(&shop.world, "GET", &format!("sales/{}", id(&sale)), &Value::Null);
    assert_eq!(now["data"]["line_items"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.on_hand(), before - 2);
}

#[test]
fn products_are_made_in_families_and_answered_with_their_ids_alone() {
    let shop = shop(XSwitches::default());
    let (_, made) = call(&shop.world, "POST", "variant_attributes", &json!({"name": "Cut"}));
    let variant = |sku: &str, cut: &str| {
        json!({
            "sku": sku, "variant_definitions": [{"attribute_id": made["data"]["id"], "value": cut}],
            "inventory": [{"outlet_id": shop.outlet, "current_amount": 4}],
        })
    };
    let body = json!({
        "name": "Sample", "price_including_tax": 12, "source": "centra", "source_id": "77",
        "variants": [variant("SAMPLE-A", "slim"), variant("SAMPLE-B", "wide")],
    });
    let (status, ids) = call(&shop.world, "POST", "products", &body);
    assert_eq!((status, ids["data"].as_array().map(Vec::len)), (200, Some(2)), "{ids}");
    assert_eq!(shop.world.till_on_hand("SAMPLE-A"), Some(4));
    let read = |k: usize| {
        let path = format!("products/{}", ids["data"][k].as_str().expect("an id"));
        call(&shop.world, "GET", &path, &Value::Null).1["data"].clone()
    };
    let (head, other) = (read(0), read(1));
    assert!(head["has_variants"] == true && head["sku"] == "SAMPLE-A", "the head is sold like the others");
    assert_eq!((&other["variant_parent_id"], &other["variant_name"]), (&head["id"], &json!("Sample / wide")));
    let path = format!("products/{}", id(&head));
    let codes = json!({"details": {"product_codes": [{"code": "2000000000015", "type": "EAN"}], "is_active": false}});
    assert_eq!(call(&shop.world, "PUT", &path, &codes).0, 200);
    assert_eq!(read(0)["product_codes"].as_array().map(Vec::len), Some(1), "the list is replaced");
    assert_eq!(read(0)["active"], false);
    assert_eq!(call(&shop.world, "PUT", &path, &json!({"common": {"name": "Other", "tag_ids": ["t"]}})).0, 200);
    assert_eq!((&read(1)["name"], &read(1)["tag_ids"]), (&json!("Other"), &json!(["t"])), "the whole family");
    let set = json!({"details": {"inventory": [{"outlet_id": shop.outlet, "current_amount": 9}]}});
    assert_eq!(call(&shop.world, "PUT", &path, &set).0, 200);
    assert_eq!(shop.world.till_on_hand("SAMPLE-A"), Some(9));
    let both = json!({"name": "X", "price_including_tax": 12, "price_excluding_tax": 10});
    assert_eq!(call(&shop.world, "POST", "products", &both).0, 422);
    assert_eq!(call(&shop.world, "DELETE", &path, &Value::Null).0, 200);
    let rows = |query: &str| call(&shop.world, "GET", query, &Value::Null).1["data"].as_array().map_or(0, Vec::len);
    assert_eq!((rows("products?page_size=500"), rows("products?page_size=500&deleted=true")), (61, 62));
}

#[test]
fn adjustments_are_texts_with_a_reason_that_fits() {
    let shop = shop(XSwitches::default());
    let before = shop.on_hand();
    let adjust = |quantity: Value, reason: &str| {
        let row = json!({"product_id": shop.product, "outlet_id": shop.outlet, "quantity": quantity, "reason": reason});
        call(&shop.world, "POST", "stock_adjustments", &json!({"stock_adjustments": [row]})).0
    };
    assert_eq!(adjust(json!("-3"), "DAMAGE"), 201);
    assert_eq!(shop.on_hand(), before - 3);
    for (quantity, reason) in
        [(json!(-3), "DAMAGE"), (json!("3"), "DAMAGE"), (json!("-3"), "STOCK_FOUND"), (json!("1"), "CUSTOM")]
    {
        assert_eq!(adjust(quantity, reason), 422);
    }
    assert_eq!(shop.on_hand(), before - 3);
    assert_eq!(shop.world.hand_changes().len(), 0, "nobody has been told of a count before");
}

#[test]
fn a_drawer_is_closed_once_and_the_notice_is_the_only_word_of_it() {
    let shop = shop(XSwitches::default());
    let hook = json!({"url": "http://127.0.0.1/hook", "type": "register_closure.create", "active": true});
    assert_eq!(call(&shop.world, "POST", "webhooks", &hook).0, 201);
    shop.post(&shop.sale("closed", &[], 1, 12.0));
    let path = format!("registers/{}", shop.register);
    let (_, summary) = call(&shop.world, "GET", &format!("{path}/payments_summary"), &Value::Null);
    assert_eq!(summary["data"]["payments"][0]["total"], "12.00", "a text: {summary}");
    let waiting = shop.world.notices_waiting();
    let counted = json!({"payments": [{"payment_type_id": shop.card, "total": "11.00"}]});
    let (status, closed) = call(&shop.world, "PUT", &format!("{path}/actions/close"), &counted);
    assert_eq!((status, &closed["data"]["is_open"]), (200, &json!(false)));
    assert_eq!(shop.world.notices_waiting(), waiting + 1);
    assert_eq!(call(&shop.world, "PUT", &format!("{path}/actions/close"), &counted).0, 409);
    assert_eq!(call(&shop.world, "GET", "register_closures", &Value::Null).0, 404);
    assert_eq!(call(&shop.world, "PUT", &format!("{path}/actions/open"), &json!({})).0, 200);
}

#[test]
fn a_refresh_revokes_the_access_token_and_the_old_refresh_token_as_the_account_has_it() {
    for refresh_once in [false, true] {
        let shop = shop(XSwitches { refresh_once, ..XSwitches::default() });
        let options = shop.world.options();
        let token = |fields: &[(&str, &str)]| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("client_id", &options.till_client).append_pair("client_secret", &options.till_secret);
            let body = form.extend_pairs(fields).finish();
            let answer = ask(&shop.world, "", "POST", "/api/1.0/token", body.as_bytes());
            let kept: Value = serde_json::from_slice(answer.body()).expect("JSON");
            (answer.status().as_u16(), kept)
        };
        let code = shop.world.authorize_x("outlets:read", "http://127.0.0.1/back");
        let exchange =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", "http://127.0.0.1/back")];
        let (status, first) = token(&exchange);
        assert_eq!((status, &first["expires_in"]), (200, &json!(86_400)), "{first}");
        assert_eq!(token(&exchange).0, 400, "a code is exchanged once");
        let access = first["access_token"].as_str().expect("a token");
        let get = |token: &str, path: &str| ask(&shop.world, token, "GET", path, b"").status().as_u16();
        assert_eq!(get(access, "/api/2026-07/outlets"), 200);
        assert_eq!(get(access, "/api/2026-07/sales"), 403, "a scope that was not asked for");
        let refresh =
            [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().expect("one"))];
        let (_, second) = token(&refresh);
        assert_eq!(get(access, "/api/2026-07/outlets"), 401);
        assert_eq!(token(&refresh).0, if refresh_once { 400 } else { 200 });
        if refresh_once {
            let access = second["access_token"].as_str().expect("a token");
            shop.world.advance_to(shop.world.now() + Span::hours(24));
            assert_eq!(get(access, "/api/2026-07/outlets"), 401, "a day is over");
        }
    }
}

#[test]
fn the_sign_in_page_sends_a_code_back_or_says_that_nothing_was_asked_for() {
    let shop = shop(XSwitches::default());
    let client = shop.world.options().till_client;
    let page = |scope: &str| {
        let back = "http%3A%2F%2F127.0.0.1%2Fback";
        let path = format!("/connect?response_type=code&client_id={client}&redirect_uri={back}&state=s{scope}");
        let answer = ask(&shop.world, "", "GET", &path, b"");
        answer.headers()["location"].to_str().expect("a text").to_owned()
    };
    assert!(page("&scope=sales%3Aread").starts_with("http://127.0.0.1/back?code="));
    assert!(page("").contains("error=access_denied"));
}

#[test]
fn an_ended_version_is_served_by_the_oldest_one_and_an_unknown_one_is_not() {
    let shop = shop(XSwitches::default());
    let get = |version: &str| {
        ask(&shop.world, "simulated-till-token", "GET", &format!("/api/{version}/outlets"), b"").status().as_u16()
    };
    assert_eq!((get("2024-01"), get("2026-07"), get("2031-01"), get("1.9"), get("20a6-07")), (200, 200, 404, 404, 404));
}

#[test]
fn traps_of_reading_are_there_by_nature_or_by_a_switch() {
    let switches = XSwitches { twin_payment_types: true, payload_only: true, ..XSwitches::default() };
    let shop = shop(switches);
    let (_, kinds) = call(&shop.world, "GET", "payment_types", &Value::Null);
    let twins = kinds["data"].as_array().expect("rows").iter().filter(|row| row["type_id"] == 3).count();
    assert_eq!(twins, 2, "they are told apart by their id");
    let (_, plain) = call(&shop.world, "GET", "products?include_images=false&page_size=1", &Value::Null);
    assert!(plain["data"][0].get("images").is_none());
    let mut sale = shop.sale("closed", &[], 1, 150.29);
    sale["line_items"][0]["pricing"]["price"] = json!(139.8);
    sale["line_items"][0]["tax"]["amount"] = json!(10.485);
    let sale = shop.post(&sale);
    assert_eq!(sale["totals"]["price_incl_tax"], json!(150.285), "half a cent beside what was paid");
    shop.world.advance_to(shop.world.now() + Span::minutes(1));
    let told = shop.world.due_deliveries(shop.world.now());
    let body = String::from_utf8_lossy(&told.first().expect("a notice").body).into_owned();
    assert!(body.starts_with("payload=") && !body.contains("&type="), "{body}");
}

#[test]
fn a_notice_is_signed_as_the_account_has_it() {
    for (signing, length) in
        [(Signing::Hex, Some(64)), (Signing::UpperHex, Some(64)), (Signing::Base64, Some(44)), (Signing::Nothing, None)]
    {
        let shop = shop(XSwitches { signing, ..XSwitches::default() });
        shop.post(&shop.sale("parked", &[], 1, 0.0));
        shop.world.advance_to(shop.world.now() + Span::minutes(1));
        let told = shop.world.due_deliveries(shop.world.now());
        let header = told.first().expect("a notice").headers.get("x-signature").cloned();
        let own =
            header.as_ref().and_then(|value| value.to_str().ok()).and_then(|value| value.split([',', '=']).nth(1));
        assert_eq!(own.map(|own| own.trim_end_matches('=').len() / 43), length.map(|length| length / 43), "{header:?}");
    }
}

#[test]
fn nonsense_is_refused_in_the_vendors_words() {
    let shop = shop(XSwitches::default());
    let token = "simulated-till-token";
    let lists =
        ["sales", "products", "inventory", "stock_adjustments", "registers", "customers", "fulfillments/fulfill"];
    let ids = ["sales/x", "products/x", "registers/x/actions/close", "fulfillments/1/pack", "webhooks/x", "taxes/x"];
    let bodies: [&[u8]; 7] =
        [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{\"state\":7,\"line_items\":{}}", b"{\"payments\":3}"];
    for path in lists.into_iter().chain(ids).chain(["", "nothing", "sales/a/b/c/d"]) {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            for body in bodies {
                shop.world.advance_to(shop.world.now() + Span::secs(5));
                let answer = ask(&shop.world, token, method, &format!("/api/2026-07/{path}"), body);
                let status = answer.status().as_u16();
                assert!([200, 400, 404, 405, 409, 422].contains(&status), "{method} {path}: {status}");
                if status != 200 {
                    let said: Value = serde_json::from_slice(answer.body()).expect("JSON");
                    assert!(said["error"].is_string(), "{method} {path}: {said}");
                }
            }
        }
    }
    let huge = json!({"product": {"id": shop.product}, "quantity": "1e30", "pricing": {"price": 1e300}, "tax": {"id": shop.tax, "amount": 1}});
    let mut sale = shop.sale("closed", &[], 1, 1.0);
    sale["line_items"] = json!([huge]);
    assert_eq!(call(&shop.world, "POST", "sales", &sale).0, 422);
}
