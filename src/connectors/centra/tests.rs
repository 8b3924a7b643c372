use super::super::script::{NOW, Script};
use super::super::transport::TransportError;
use super::*;
use crate::domain::fact::{Hint, OrderState};
use crate::domain::money::Fine;
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "test123";

fn config(unpaced: bool) -> CentraConfig {
    CentraConfig {
        connection: ConnectionId::new("shop"),
        base_url: "https://demo.centra.com".to_owned(),
        token: SecretString::from("the-token"),
        webhook_secrets: vec![SecretString::from("an-old-one"), SecretString::from(SECRET)],
        store_currency: "SEK".to_owned(),
        unpaced,
    }
}

pub(super) fn shop(script: &Arc<Script>) -> Centra {
    Centra::new(config(true), script.clone(), Script::clock())
}

pub(super) fn data(data: Value) -> String {
    json!({"data": data, "extensions": {"complexity": 120, "appVersion": "v1.60.0"}}).to_string()
}

pub(super) fn order(number: i64, updated_at: &str) -> Value {
    json!({
        "id": format!("{number:032}"), "number": number, "status": "CONFIRMED", "isOnHold": false,
        "createdAt": "2026-02-02T10:15:00+01:00", "updatedAt": updated_at,
        "grandTotal": {"value": 549.5, "currency": {"code": "EUR"}},
        "lines": [
            {"id": 7001, "quantity": 2, "cancelledQuantity": 1, "unitPrice": {"value": 249.75},
             "productSize": {"id": 281}, "allocations": [{"quantity": 2, "warehouse": {"id": 3}}]},
            {"id": 7002, "quantity": 0, "cancelledQuantity": 1, "unitPrice": {"value": 50}, "productSize": null, "allocations": []}],
    })
}

pub(super) fn sent(script: &Script, index: usize) -> Value {
    let asked = script.asked();
    let body = asked[index].strip_prefix("POST /graphql ").expect("a question");
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test]
async fn an_order_is_reduced_to_what_the_count_needs() {
    let script = Script::new();
    script.then(200, data(json!({"orders": [order(1042, "2026-02-02T10:15:05+01:00")]})));
    let shop = shop(&script);
    let page = shop.orders_after(None).await.expect("a page").value;
    let record = &page.rows[0];
    assert_eq!((record.kind, record.version / 1_000_000), ("order", 1_770_023_705));
    let Ok([Fact::Order(read)]) = record.facts.as_deref() else { panic!("{:?}", record.facts) };
    assert_eq!((read.number.as_str(), &read.state, read.on_hold), ("1042", &OrderState::Open, false));
    assert_eq!((read.total, read.currency.as_str()), (Fine(54_950_000), "EUR"));
    assert_eq!(read.lines.len(), 1);
    assert_eq!((read.lines[0].units, read.lines[0].unit_price), (2, Fine(24_975_000)));
    assert_eq!(read.lines[0].allocations, [(OutletKey::new("3"), 2)]);
    assert_eq!(read.updated_at, Timestamp::from_secs(1_770_023_705));
    assert_eq!(shop.interpret("order", &record.raw), Ok(vec![Fact::Order(read.clone())]));
    script.done();
}

#[test]
fn words_for_an_orders_state() {
    for (word, want) in [
        ("PENDING", OrderState::Open),
        ("CONFIRMED", OrderState::Open),
        ("PROCESSING", OrderState::Open),
        ("SHIPPED", OrderState::Shipped),
        ("ARCHIVED", OrderState::Shipped),
        ("CANCELLED", OrderState::Cancelled),
        ("CANCELED", OrderState::Cancelled),
        ("DELETED", OrderState::Cancelled),
        ("SLEEPING", OrderState::Unknown("SLEEPING".to_owned())),
    ] {
        assert_eq!(orders::state(word), want);
    }
}

#[test]
fn an_order_that_would_have_to_be_guessed_is_parked_with_the_fields_name() {
    let shop = shop(&Script::new());
    for (path, value, complaint) in [
        ("/lines/0/quantity", json!(0.5), "lines[0].quantity"),
        ("/lines/0/quantity", json!(-1), "lines[0].quantity"),
        ("/lines/0/quantity", json!(2_147_483_648_u64), "lines[0].quantity"),
        ("/lines/0/productSize", Value::Null, "lines[0].productSize"),
        ("/lines", Value::Null, "lines"),
        ("/lines/0/unitPrice/value", json!("1.000000000001"), "unitPrice.value"),
        ("/grandTotal", Value::Null, "grandTotal"),
        ("/grandTotal/value", json!(true), "grandTotal.value"),
        ("/updatedAt", json!("soon"), "updatedAt"),
        ("/number", Value::Null, "number"),
        ("/status", Value::Null, "status"),
    ] {
        let mut order = order(1, "2026-02-02T10:15:05+01:00");
        *order.pointer_mut(path).expect("a field") = value.clone();
        let error = shop.interpret("order", &order.to_string()).expect_err(path);
        assert!(error.reason.contains(complaint), "{path} = {value}: {error}");
    }
}

#[tokio::test]
async fn a_sweep_of_orders_turns_pages_and_resumes_with_an_overlap() {
    let script = Script::new();
    let full: Vec<Value> = (1..=50).map(|n| order(n, "2026-02-02T09:00:00Z")).collect();
    script
        .then(200, data(json!({"orders": full})))
        .then(200, data(json!({"orders": [order(51, "2026-02-02T09:10:00Z")]})))
        .then(200, data(json!({"orders": []})));
    let shop = shop(&script);
    let first = shop.orders_after(None).await.expect("a page").value;
    assert_eq!((first.rows.len(), &first.resume), (50, &None));
    let last = shop.orders_after(first.next.as_deref()).await.expect("a page").value;
    assert_eq!((last.rows.len(), &last.next), (1, &None));
    let none = shop.orders_after(last.resume.as_deref()).await.expect("a page").value;
    assert_eq!((none.rows.len(), &none.next), (0, &None));
    assert_eq!(none.resume, last.resume, "nothing new does not move the mark");
    let variables: Vec<Value> = (0..3).map(|i| sent(&script, i)["variables"].clone()).collect();
    assert_eq!(
        variables,
        [
            json!({"from": "2000-01-01T00:00:00+00:00", "page": 1}),
            json!({"from": "2000-01-01T00:00:00+00:00", "page": 2}),
            json!({"from": "2026-02-02T09:05:00+00:00", "page": 1}),
        ]
    );
    for cursor in ["", "7", "{}", r#"{"from":0,"page":-1,"began":0,"seen":null}"#] {
        assert!(matches!(
            shop.orders_after(Some(cursor)).await,
            Err(CallError { kind: CallErrorKind::Rejected { .. }, .. })
        ));
    }
    script.done();
}

#[test]
fn what_changed_while_pages_were_turned_is_read_again() {
    let began = NOW;
    let sweep = Sweep { from: None, page: 3, began: began.micros(), seen: None, whole: vec![], last: false };
    let (_, resume) = sweep.turn(Some(began + Span::minutes(20)), false).expect("a turn");
    let resumed = Sweep::open(resume.as_deref(), NOW + Span::hours(1)).expect("a sweep");
    assert_eq!(resumed.from(), began - OVERLAP);
    assert_eq!(resumed.began, (NOW + Span::hours(1)).micros());
}

#[tokio::test]
async fn an_order_is_found_by_number_or_is_not_there() {
    let script = Script::new();
    script
        .then(200, data(json!({"orders": [order(1042, "2026-02-02T10:15:05+01:00")]})))
        .then(200, data(json!({"orders": []})))
        .then(200, data(json!({"orders": [order(7, "2026-02-02T10:15:05+01:00")]})));
    let shop = shop(&script);
    assert!(shop.order("1042").await.expect("an answer").value.is_some());
    assert!(shop.order("1043").await.expect("an answer").value.is_none());
    assert!(shop.order("1044").await.expect("an answer").value.is_none());
    assert!(shop.order("M-7").await.expect("an answer").value.is_none());
    assert_eq!(sent(&script, 0)["variables"], json!({"number": [1042]}));
    assert_eq!(script.asked().len(), 3);
}

fn write(product: &str, physical: i64) -> StockWrite {
    StockWrite { product: product.into(), warehouse: OutletKey::new("3"), physical }
}

#[tokio::test]
async fn a_bad_row_among_a_hundred_is_found_in_a_few_calls() {
    let script = Script::new();
    let rows: Vec<StockWrite> = (1..=100).map(|n| write(&n.to_string(), n)).collect();
    script.then(200, set_stock(json!([])));
    // Refused as long as the first row is among them: 100, 50, 25, 12, 6, 3 and 1 rows.
    for halves in 0..7 {
        script.then(200, set_stock(json!([{"message": format!("no {halves}"), "path": []}])));
    }
    for _ in 0..6 {
        script.then(200, set_stock(json!([])));
    }
    let shop = shop(&script);
    shop.write_stock(&rows[..1], "first").await.expect("an answer");
    let told = shop.write_stock(&rows, "ref").await.expect("an answer");
    assert_eq!(told.value.len(), 100);
    assert_eq!(told.value[0], WriteOutcome::Refused("no 6".to_owned()));
    assert!(told.value[1..].iter().all(|outcome| *outcome == WriteOutcome::Accepted));
    script.done();
}

fn set_stock(errors: Value) -> String {
    data(json!({"setStock": {"stockChanges": [{"id": 1}], "userErrors": errors, "userWarnings": []}}))
}

#[tokio::test]
async fn one_row_goes_in_a_call_until_the_tenant_is_known_to_take_more() {
    let script = Script::new();
    let shop = shop(&script);
    assert_eq!(shop.capabilities().rows_per_write, 1);
    let old = |version: &str| {
        json!({"data": {"setStock": {"userErrors": []}}, "extensions": {"appVersion": version}}).to_string()
    };
    script.then(200, old("v1.59.9")).then(200, old("v1.59.9"));
    let told = shop.write_stock(&[write("281", 4), write("282", 0)], "ref 1").await.expect("an answer");
    assert_eq!(told.value, [WriteOutcome::Accepted, WriteOutcome::Accepted]);
    assert_eq!(told.exchanges.len(), 2);
    assert_eq!(
        sent(&script, 0)["variables"]["i"],
        json!({
        "warehouse": {"id": 3}, "description": "ref 1", "stockQuantityType": "PHYSICAL",
        "productSizes": [{"productSize": {"id": 281}, "quantity": 4}]})
    );
    assert_eq!(shop.capabilities().rows_per_write, 1);
    script.then(200, old("v1.59.10"));
    shop.write_stock(&[write("281", 4)], "ref 2").await.expect("an answer");
    assert_eq!(shop.capabilities().rows_per_write, 100);
    script.done();
}

#[tokio::test]
async fn one_bad_row_does_not_hold_up_the_others() {
    let script = Script::new();
    let refusal = json!([{"message": "Could not find product size with ID 999", "path": ["input"]}]);
    script
        .then(200, set_stock(json!([])))
        .then(200, set_stock(refusal.clone()))
        .then(200, set_stock(json!([])))
        .then(200, set_stock(refusal.clone()))
        .then(200, set_stock(refusal))
        .then(200, set_stock(json!([])));
    let shop = shop(&script);
    shop.write_stock(&[write("1", 1)], "first").await.expect("an answer");
    let rows = [write("281", 4), write("999", 1), write("sku", 1), write("283", -1), write("284", 2)];
    let told = shop.write_stock(&rows, "ref").await.expect("an answer");
    assert_eq!(
        told.value,
        [
            WriteOutcome::Accepted,
            WriteOutcome::Refused("Could not find product size with ID 999".to_owned()),
            WriteOutcome::Refused("“sku” is not an id of this shop".to_owned()),
            WriteOutcome::Refused("-1 is below zero and was not sent".to_owned()),
            WriteOutcome::Accepted,
        ]
    );
    assert_eq!(told.exchanges.len(), 5);
    script.done();
}

#[tokio::test]
async fn a_write_that_may_have_happened_says_so() {
    let reset = || TransportError::NoAnswer("reset".to_owned());
    let refused = || TransportError::NotSent("refused".to_owned());
    for (answer, acted) in [
        (Err(refused()), false),
        (Err(reset()), true),
        (Ok((500, "")), true),
        (Ok((499, "")), true),
        (Ok((200, "<html>")), true),
        (Ok((429, "")), false),
        (Ok((400, "")), false),
    ] {
        let script = Script::new();
        match answer.clone() {
            Ok((status, body)) => script.then(status, body),
            Err(error) => script.then_fails(error),
        };
        let error = shop(&script).write_stock(&[write("1", 1)], "ref").await.expect_err("no outcome");
        assert_eq!(error.may_have_acted(), acted, "{answer:?}: {error}");
        assert_eq!(error.exchanges.len(), 1);
    }
    let script = Script::new();
    script.then(200, json!({"data": {"setStock": {"userErrors": []}}}).to_string()).then(429, "");
    let error = shop(&script).write_stock(&[write("1", 1), write("2", 1)], "ref").await.expect_err("half done");
    assert!(error.may_have_acted(), "{error}");
    assert_eq!(error.exchanges.len(), 2);
}

#[tokio::test]
async fn stock_is_read_by_warehouse_and_by_product() {
    let script = Script::new();
    let row = |id: i64| json!({"productSize": {"id": id, "SKU": "A"}, "physicalQuantity": 6, "allocatedQuantity": 2, "freeToAllocateQuantity": 4});
    let full: Vec<Value> = (1..=200).map(row).collect();
    script
        .then(200, data(json!({"warehouses": [{"id": 3, "stock": full}]})))
        .then(200, data(json!({"warehouses": [{"id": 3, "stock": [row(201)]}]})))
        .then(200, data(json!({"warehouses": []})))
        .then(
            200,
            data(json!({"productSizes": [{"id": 281, "stock": [
            {"warehouse": {"id": 3}, "physicalQuantity": 6, "allocatedQuantity": 2, "freeToAllocateQuantity": 4},
            {"warehouse": {"id": 9}, "physicalQuantity": 1, "allocatedQuantity": 0, "freeToAllocateQuantity": 1}]}]})),
        )
        .then(200, data(json!({"productSizes": []})));
    let shop = shop(&script);
    let place = OutletKey::new("3");
    let first = shop.stock(&place, None).await.expect("a page").value;
    assert_eq!((first.rows.len(), first.next.as_deref()), (200, Some("2")));
    let last = shop.stock(&place, first.next.as_deref()).await.expect("a page").value;
    assert_eq!((last.rows.len(), &last.next, &last.resume), (1, &None, &None));
    assert_eq!((last.rows[0].physical, last.rows[0].allocated, last.rows[0].sellable), (6, 2, 4));
    let gone = shop.stock(&place, None).await.expect_err("no such warehouse");
    assert!(matches!(gone.kind, CallErrorKind::Protocol { .. }), "{gone}");
    let many: Vec<ProductKey> = (1..=101).map(|n| ProductKey::new(n.to_string())).collect();
    let read = shop.stock_of(&many).await.expect("readings");
    assert_eq!((read.value.readings.len(), read.exchanges.len()), (2, 2));
    assert_eq!(read.value.readings[1].warehouse, OutletKey::new("9"));
    assert_eq!(sent(&script, 4)["variables"], json!({"ids": [101]}));
    assert!(sent(&script, 4)["query"].as_str().is_some_and(|text| text.contains("limit:1){ id stock(limit:200)")));
    assert!(shop.stock_of(&[ProductKey::new("a")]).await.is_err());
    script.done();
}

#[tokio::test]
async fn more_warehouses_than_we_knew_of_are_not_cut_off() {
    let script = Script::new();
    let places: Vec<Value> = (1..=7)
        .map(|id| json!({"warehouse": {"id": id}, "physicalQuantity": 1, "freeToAllocateQuantity": 1}))
        .collect();
    let stock = data(json!({"productSizes": [{"id": 281, "stock": places}]}));
    let cut = data(json!({"productSizes": [{"id": 281, "stock": places[..6]}]}));
    script
        .then(200, data(json!({"warehouses": [{"id": 3, "name": "Shop 3", "status": "ACTIVE"}]})))
        .then(200, cut)
        .then(200, stock);
    let shop = shop(&script);
    shop.warehouses().await.expect("places");
    let read = shop.stock_of(&["281".into()]).await.expect("readings");
    assert_eq!((read.value.readings.len(), read.exchanges.len()), (7, 2));
    let limit =
        |index: usize, limit: &str| sent(&script, index)["query"].as_str().is_some_and(|text| text.contains(limit));
    assert!(limit(1, "stock(limit:6)") && limit(2, "stock(limit:200)"));
    script.done();
}

#[tokio::test]
async fn every_size_of_a_product_is_a_listing() {
    let script = Script::new();
    let product = json!({
        "id": 11, "name": "Tee", "status": "ACTIVE", "isBundle": false, "updatedAt": "2026-02-01T09:30:00+01:00",
        "variants": [
            {"id": 21, "name": "Navy", "status": "ACTIVE", "productSizes": [
                {"id": 281, "description": "M", "SKU": "TEE100NVYM", "EAN": "7300000000017", "UPC": null, "isActive": true, "updatedAt": "2026-02-02T09:30:00+01:00"},
                {"id": 282, "description": "", "SKU": "", "EAN": null, "UPC": "1234", "isActive": false}]},
            {"id": 22, "name": "Black", "status": "INACTIVE", "productSizes": [
                {"id": 283, "description": "M", "SKU": "B", "EAN": "", "isActive": true}]}]});
    script
        .then(200, data(json!({"products": [product], "counters": {"products": 1}})))
        .then(200, data(json!({"products": []})));
    let shop = shop(&script);
    let page = shop.products_after(None).await.expect("a page").value;
    let record = &page.rows[0];
    assert_eq!(record.version / 1_000_000, 1_770_021_000, "the newest change in it");
    let facts = shop.interpret("product", &record.raw).expect("listings");
    assert_eq!(record.facts, Ok(facts.clone()), "the same as when it is read again");
    let listings: Vec<_> = facts.iter().filter_map(super::super::listing).collect();
    let seen: Vec<_> = listings
        .iter()
        .map(|l| (l.product.as_str(), l.options.join("/"), l.sku.as_str(), l.barcode.as_deref(), l.archived))
        .collect();
    assert_eq!(
        seen,
        [
            ("281", "Navy/M".to_owned(), "TEE100NVYM", Some("7300000000017"), false),
            ("282", "Navy".to_owned(), "", Some("1234"), true),
            ("283", "Black/M".to_owned(), "B", None, true),
        ]
    );
    assert_eq!(listings[0].style.as_deref(), Some("11"));
    assert_eq!(sent(&script, 0)["variables"], json!({"page": 1}));
    shop.products_after(page.resume.as_deref()).await.expect("a page");
    assert_eq!(sent(&script, 1)["variables"], json!({"from": "2026-02-01T08:25:00+00:00", "page": 1}));
}

#[tokio::test]
async fn a_list_of_sizes_that_may_be_cut_off_is_asked_for_whole() {
    let product = |id: i64, count: i64| {
        let sizes: Vec<Value> = (1..=count).map(|n| json!({"id": n, "description": "x", "SKU": "s"})).collect();
        json!({"id": id, "name": "Jeans", "status": "ACTIVE", "updatedAt": "2026-02-01T09:30:00Z",
               "variants": [{"id": 1, "name": "Blue", "status": "ACTIVE", "productSizes": sizes}]})
    };
    let full: Vec<Value> = (1..=100).map(|id| product(id, if id > 98 { 20 } else { 1 })).collect();
    let answer = |rows: Value| data(json!({ "products": rows }));
    let script = Script::new();
    script
        .then(200, answer(json!(full)))
        .then(200, answer(json!([product(99, 34)])))
        .then(400, r#"{"errors":[{"message":"Unknown argument"}]}"#)
        .then(200, answer(json!([product(100, 20)])))
        .then(200, answer(json!([product(101, 20)])))
        .then(200, answer(json!([])));
    let shop = shop(&script);
    let (mut cursor, mut seen) = (None, Vec::new());
    let resume = loop {
        let page = shop.products_after(cursor.as_deref()).await.expect("a page").value;
        for row in &page.rows {
            seen.push((row.external_id.clone(), shop.interpret(row.kind, &row.raw).expect("listings").len()));
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break page.resume,
        }
    };
    assert_eq!(seen.len(), 100, "the last one is gone when it is asked for");
    assert_eq!(seen[98..], [("99".to_owned(), 34), ("100".to_owned(), 20)]);
    let asked: Vec<Value> = (0..6).map(|index| sent(&script, index)["variables"].clone()).collect();
    assert_eq!(
        asked,
        [
            json!({"page": 1}),
            json!({"id": [99]}),
            json!({"id": [100]}),
            json!({"id": [100]}),
            json!({"page": 2}),
            json!({"id": [101]})
        ]
    );
    assert_eq!(Sweep::open(resume.as_deref(), NOW).expect("a sweep").from().rfc3339(), "2026-02-01T09:25:00Z");
    script.done();
}

#[tokio::test]
async fn an_answer_that_is_not_an_answer_is_never_taken_for_an_empty_list() {
    for (status, body, unauthorized) in [
        (200, "<html>sign in</html>".to_owned(), false), (200, String::new(), false), (200, r#"{"data":{"orders""#.to_owned(), false),
        (200, r#"{"data":{}}"#.to_owned(), false), (200, r#"{"data":{"orders":null}}"#.to_owned(), false),
        (200, r#"{"data":{"orders":{}}}"#.to_owned(), false), (200, r#"{"data":{"orders":[1]}}"#.to_owned(), false),
        (302, String::new(), false), (403, r#"{"errors":[{"message":"Access token is expired."}]}"#.to_owned(), true),
        (200, r#"{"errors":[{"message":"You need Order:read","extensions":{"category":"authorization"},"path":["orders"]}]}"#.to_owned(), true),
    ] {
        let script = Script::new();
        script.then(status, body.clone());
        let error = shop(&script).orders_after(None).await.expect_err(&body);
        let as_wanted = match error.kind {
            CallErrorKind::Protocol { .. } => !unauthorized,
            CallErrorKind::Unauthorized { .. } => unauthorized,
            _ => false,
        };
        assert!(as_wanted, "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn quotas_are_asked_for_first_and_a_refusal_is_obeyed() {
    let script = Script::new();
    let quotas = json!({"rateLimits": [
        {"type": "REQUEST_COUNT", "intervalSeconds": "TEN_SECONDS", "quota": 10, "usedQuota": 1, "remainingQuota": 9},
        {"type": "SOMETHING", "intervalSeconds": "ONE_DAY", "quota": 1, "usedQuota": 1, "remainingQuota": 0}]});
    script
        .then(200, data(quotas))
        .then(200, data(json!({"warehouses": [{"id": 3, "name": "Shop 3", "status": "ACTIVE"}]})))
        .then_with(429, &[("Retry-After", "1770023705")], r#"{"errors":[{"message":"Rate limit exceeded."}]}"#);
    let clock = Script::clock();
    let shop = Centra::new(config(false), script.clone(), clock.clone());
    let answer = shop.warehouses().await.expect("places");
    assert_eq!(answer.exchanges.iter().map(|e| e.purpose).collect::<Vec<_>>(), ["read allowance", "read warehouses"]);
    assert_eq!(shop.allowance(NOW).limit, 7);
    assert_eq!(shop.allowance(NOW).left, 5);
    let until = NOW + Span::secs(5);
    assert_eq!(shop.warehouses().await.expect_err("refused").kind, CallErrorKind::Throttled { until });
    assert_eq!(shop.warehouses().await.expect_err("held back").kind, CallErrorKind::Paced { until });
    assert_eq!(script.asked().len(), 3);
    script.then(200, data(json!({"warehouses": []})));
    clock.set(until);
    assert!(shop.warehouses().await.expect("places").value.is_empty());
}

#[tokio::test]
async fn a_dear_question_is_not_held_up_by_the_one_for_the_quotas() {
    let script = Script::new();
    script
        .then(200, json!({"data": {"products": []}, "extensions": {"complexity": 400_000}}).to_string())
        .then(200, data(json!({"products": []})));
    let clock = Script::clock();
    let shop = Centra::new(config(false), script.clone(), clock.clone());
    shop.products_after(None).await.expect("a page");
    let error = shop.products_after(None).await.expect_err("the bucket is empty");
    let until = error.not_before().expect("a moment");
    assert!(until <= NOW + Span::secs(10) + Span(1), "{error}");
    clock.set(until);
    shop.products_after(None).await.expect("a page");
    script.done();
}

#[tokio::test]
async fn a_tenant_that_does_not_tell_its_quotas_is_still_asked() {
    let script = Script::new();
    script
        .then(400, r#"{"errors":[{"message":"Cannot query field rateLimits"}]}"#)
        .then(200, data(json!({"warehouses": []})));
    let shop = Centra::new(config(false), script.clone(), Script::clock());
    assert_eq!(shop.warehouses().await.expect("places").exchanges.len(), 2);
    let script = Script::new();
    script.then(500, "").then(403, "");
    let shop = Centra::new(config(false), script.clone(), Script::clock());
    assert!(matches!(shop.warehouses().await.expect_err("down").kind, CallErrorKind::Unavailable { acted: false, .. }));
    assert!(matches!(shop.warehouses().await.expect_err("refused").kind, CallErrorKind::Unauthorized { .. }));
    assert!(script.asked().iter().all(|asked| asked.contains("rateLimits")), "nothing else was sent");
}

fn headers(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("X-Centra-Signature", http::HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
    headers
}

fn signed(at: i64, body: &str, secret: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at}, v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[test]
fn the_published_example_of_a_signature_fits() {
    let shop = shop(&Script::new());
    let body = Bytes::from_static(b"payload=%7B%22x%22%3A%22test%22%7D");
    let value = "t=12345678,v1=0b9cd84f5d583e5e1aadfb9f160aa8080b51d5b85ff85808d6b75bdac356c549";
    assert_eq!(shop.read_notice(&headers(value), &body, Timestamp::from_secs(12_345_678)), Ok(vec![]));
}

#[test]
fn a_notice_is_believed_only_with_their_signature_and_near_its_time() {
    let shop = shop(&Script::new());
    let body = "payload=%7B%22events%22%3A%5B%7B%22type%22%3A%22order%22%2C%22action%22%3A%22update%22%2C%22id%22%3A1042%7D%2C%7B%22type%22%3A%22return%22%2C%22id%22%3A5%7D%2C%7B%22type%22%3A%22account%22%2C%22id%22%3A6%7D%5D%7D";
    let bytes = Bytes::from_static(body.as_bytes());
    let now = NOW.secs();
    for (at, secret) in [(now, SECRET), (now - 300, SECRET), (now + 300, "an-old-one")] {
        let read = shop.read_notice(&headers(&signed(at, body, secret)), &bytes, NOW).expect("accepted");
        let seen: Vec<_> =
            read.iter().map(|d| (d.kind.as_str(), d.external_id.as_str(), d.version, d.fact.clone())).collect();
        assert_eq!(
            seen,
            [
                ("order", "1042", None, Ok(Fact::Hint(Hint::Orders))),
                ("return", "5", None, Ok(Fact::Hint(Hint::Stock))),
                ("account", "6", None, Ok(Fact::Noted { kind: "account".to_owned() })),
            ]
        );
    }
    for (ahead, words) in [(-360, "behind"), (360, "ahead of")] {
        let late = shop.read_notice(&headers(&signed(now + ahead, body, SECRET)), &bytes, NOW);
        assert!(matches!(&late, Err(NoticeError::WrongTime(text)) if text.contains(words)), "{late:?}");
        // A repeat comes later and must count as the same refusal.
        let again = shop.read_notice(&headers(&signed(now + ahead + ahead.signum(), body, SECRET)), &bytes, NOW);
        assert_eq!(format!("{late:?}"), format!("{again:?}"));
    }
    let good = signed(now, body, SECRET);
    let (time, value) = good.split_once(", ").expect("two parts");
    for bad in [
        signed(now, body, "another"),
        signed(now, body, ""),
        time.to_owned(),
        value.to_owned(),
        String::new(),
        format!("t={}, {value}", now + 1),
        format!("{time}, {}", "v1=aa,".repeat(20)),
        format!("{good},x={}", "a".repeat(70_000)),
        format!("{time}, {good}"),
        good.replace("v1", "v0"),
    ] {
        let answer = shop.read_notice(&headers(&bad), &bytes, NOW);
        assert!(matches!(answer, Err(NoticeError::NotFromThem(_))), "{answer:?}");
    }
    let flipped = Bytes::from(body.replace("1042", "1043"));
    assert!(matches!(shop.read_notice(&headers(&good), &flipped, NOW), Err(NoticeError::NotFromThem(_))));
    for body in ["x=1", "payload=%5B%5D", "payload=%7B%22events%22%3A1%7D", "payload=%7B%7D&payload=%7B%7D"] {
        let answer = shop.read_notice(&headers(&signed(now, body, SECRET)), &Bytes::from_static(body.as_bytes()), NOW);
        assert!(matches!(answer, Err(NoticeError::Unreadable(_))), "{body}");
    }
}

proptest! {
    #[test]
    fn no_text_at_all_brings_the_reader_down(raw in ".{0,200}", member in "[a-zA-Z]{1,12}") {
        let shop = shop(&Script::new());
        for kind in ["order", "product"] {
            prop_assert!(shop.interpret(kind, &raw).is_err());
            let mut order = order(1, "2026-02-02T10:15:05+01:00");
            order["lines"][0][member.as_str()] = json!(raw);
            let _read_or_refused = shop.interpret(kind, &order.to_string());
        }
    }

    #[test]
    fn a_later_sweep_never_begins_after_what_was_read(began in 0_i64..2_000, newest in prop::option::of(0_i64..4_000), page in 1_u32..5) {
        let began = NOW + Span::secs(began);
        let newest = newest.map(|seconds| NOW + Span::secs(seconds));
        let sweep = Sweep { from: Some(NOW.micros()), page, began: began.micros(), seen: None, whole: vec![], last: false };
        let (_, resume) = sweep.turn(newest, false).expect("a turn");
        let resumed = Sweep::open(resume.as_deref(), began).expect("a sweep");
        prop_assert!(resumed.from() >= NOW, "it never goes back");
        prop_assert!(resumed.from() <= newest.unwrap_or(NOW).max(NOW));
        prop_assert!(resumed.from() <= began.max(NOW));
    }
}
