use super::super::script::{NOW, Script};
use super::super::transport::TransportError;
use super::*;
use crate::domain::fact::SaleState;
use crate::domain::ids::{DocumentKey, ProductKey};
use crate::domain::money::Fine;
use crate::domain::time::Span;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) const SECRET: &str = "a-secret";

pub(super) fn till(script: &Arc<Script>) -> LightspeedX {
    till_with(script, false)
}

pub(super) fn till_with(script: &Arc<Script>, unsigned_ok: bool) -> LightspeedX {
    let config = LightspeedXConfig {
        connection: ConnectionId::new("till"),
        base_url: "https://demo.retail.lightspeed.app/".to_owned(),
        token: SecretString::from("the-token"),
        webhook_secrets: vec![SecretString::from("the-old-secret"), SecretString::from(SECRET)],
        unsigned_ok,
        unpaced: false,
    };
    LightspeedX::new(config, script.clone(), Script::clock())
}

/// The same sale as a notice, as the middle version and as 2026-07 write it: two sold, one returned, one untouched.
pub(super) fn three_shapes() -> [Value; 3] {
    let notice = json!({
        "id": "s1", "version": 11_445_516_572_i64, "status": "CLOSED", "outlet_id": "o1", "register_id": "r1",
        "sale_date": "2026-02-02T09:15:05Z", "created_at": "2026-02-02 09:15:00", "invoice_number": "M-13",
        "updated_at": "2026-02-02 09:15:09",
        "return_for": "s0", "source": "centra", "source_id": "10045", "deleted_at": null,
        "register_sale_products": [
            {"id": "l1", "product_id": "p1", "quantity": 2, "price": "249.90000", "discount": "0.00000", "tax": "18.74250"},
            {"id": "l2", "product_id": "p2", "quantity": "-1", "price": "59.90000", "discount": "1.5", "tax": "4.49250", "is_return": true},
            {"id": "l3", "product_id": "p3", "quantity": 0, "price": "59.90000"}],
        "register_sale_payments": [
            {"amount": 472.89, "retailer_payment_type_id": "c1", "payment_type_id": 3,
             "retailer_payment_type": {"name": "Card"}, "payment_type": {"name": "Credit Card"}}],
        "totals": {"total_price": "439.90000", "total_tax": "32.99250", "total_payment": "472.89000"},
    });
    let middle = json!({
        "id": "s1", "version": 11_445_516_572_i64, "status": "CLOSED", "state": "closed", "attributes": [],
        "outlet_id": "o1", "register_id": "r1", "sale_date": "2026-02-02T09:15:05+00:00", "invoice_number": "M-13",
        "return_for": "s0", "source": "centra", "source_id": "10045", "updated_at": "2026-02-02T09:15:09+00:00",
        "line_items": [
            {"id": "l1", "product_id": "p1", "quantity": 2, "price": 249.9, "discount": 0, "tax": 18.7425, "status": "CONFIRMED"},
            {"id": "l2", "product_id": "p2", "quantity": -1, "price": 59.9, "discount": 1.5, "tax": 4.4925, "is_return": true},
            {"id": "l4", "product_id": "p4", "quantity": 1, "price": 1, "tax": 0, "status": "VOIDED"}],
        "payments": [
            {"amount": 472.89, "retailer_payment_type_id": "c1", "name": "Card"},
            {"amount": 1, "retailer_payment_type_id": "c1", "name": "Card", "deleted_at": "2026-02-02T09:15:05+00:00"}],
        "total_price": 439.9, "total_tax": 32.9925,
    });
    let newest = json!({
        "id": "s1", "state": "closed", "attributes": [], "date": "2026-02-02T10:15:05+01:00", "invoice_number": "M-13",
        "source": {"type": "centra", "id": "10045", "register_id": "r1", "outlet_id": "o1", "author": {"id": "u"}},
        "return": {"is_return": true, "original_sale_id": "s0", "return_sale_ids": []},
        "line_items": [
            {"id": "l1", "product": {"id": "p1"}, "quantity": 2, "pricing": {"price": 249.9, "discount": 0}, "tax": {"id": "t", "amount": 18.7425}},
            {"id": "l2", "product": {"id": "p2"}, "quantity": -1, "pricing": {"price": 59.9, "discount": 1.5}, "tax": {"id": "t", "amount": "4.49250"}, "return": {"is_return": true, "reason": null}}],
        "payments": [
            {"amount": "472.89", "type": {"config_id": "c1", "name": "Card"}, "date": "2026-02-02T10:15:05+01:00"}],
        "totals": {"price": 439.9, "price_incl_tax": 472.8925, "tax": 32.9925, "loyalty": 0, "surcharge": 0},
        "updated_at": "2026-02-02T10:15:09+01:00", "_metadata": {"version": 11_445_516_572_i64},
    });
    [notice, middle, newest]
}

fn sale_of(value: &Value) -> crate::domain::fact::Sale {
    match wire::interpret("sale", &value.to_string()) {
        Ok(Fact::Sale(sale)) => sale,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_three_shapes_of_a_sale_say_the_same() {
    let [notice, middle, newest] = three_shapes().map(|value| sale_of(&value));
    assert_eq!(notice.document, DocumentKey::new("s1"));
    assert_eq!(notice.version, 11_445_516_572);
    assert_eq!(notice.state, SaleState::Closed);
    assert_eq!(notice.outlet, OutletKey::new("o1"));
    assert_eq!(notice.register.as_deref(), Some("r1"));
    assert_eq!(notice.happened_at, NOW + Span::secs(5));
    assert_eq!(notice.changed_at, NOW + Span::secs(9));
    assert_eq!(notice.number, "M-13");
    assert_eq!(notice.return_for, Some(DocumentKey::new("s0")));
    assert_eq!(notice.source, Some(("centra".to_owned(), "10045".to_owned())));
    let moved: Vec<_> = notice.lines.iter().map(|l| (l.product.as_str(), l.units, l.is_return)).collect();
    assert_eq!(moved, [("p1", 2, false), ("p2", -1, true)]);
    assert_eq!(notice.lines[0].unit_price, Fine(24_990_000));
    assert_eq!(notice.lines[0].price_text, "249.90000");
    assert_eq!(notice.lines[1].unit_discount, Fine(150_000));
    assert_eq!(notice.lines[1].unit_tax, Fine(449_250));
    assert_eq!(notice.tenders.len(), 1);
    assert_eq!((notice.tenders[0].payment_type.as_str(), notice.tenders[0].name.as_str()), ("c1", "Card"));
    assert_eq!(notice.tenders[0].amount, Fine(47_289_000));
    assert_eq!((notice.total, notice.tax), (Fine(47_289_250), Fine(3_299_250)));
    let without_price_text = |mut sale: crate::domain::fact::Sale| {
        sale.lines.iter_mut().for_each(|line| line.price_text.clear());
        sale
    };
    let notice = without_price_text(notice);
    assert_eq!(without_price_text(middle), notice);
    assert_eq!(without_price_text(newest), notice);
}

#[test]
fn the_words_for_a_state_tell_whether_goods_moved() {
    use SaleState::{Closed, Open, Voided};
    for (word, want) in [
        ("SAVED", Open),
        ("OPEN", Open),
        ("CLOSED", Closed),
        ("ONACCOUNT", Closed),
        ("ONACCOUNT_CLOSED", Closed),
        ("LAYBY", Open),
        ("LAYBY_CLOSED", Closed),
        ("AWAITING_DISPATCH", Open),
        ("DISPATCHED_CLOSED", Closed),
        ("AWAITING_PICKUP", Open),
        ("PICKED_UP_CLOSED", Closed),
        ("SERVICE", Open),
        ("SERVICE_CLOSED", Closed),
        ("VOIDED", Voided),
        ("closed", Closed),
    ] {
        assert_eq!(sales::state(Some(word), None, &[]), want, "{word}");
    }
    for (word, attributes, want) in [
        ("parked", vec![], Open),
        ("pending", vec![], Open),
        ("pending", vec!["pickup"], Open),
        ("pending", vec!["delivery"], Open),
        ("pending", vec!["layby"], Open),
        ("pending", vec!["service"], Open),
        ("pending", vec!["onaccount"], Closed),
        ("pending", vec!["onaccount", "pickup"], Open),
        ("closed", vec!["layby"], Closed),
        ("closed", vec![], Closed),
        ("voided", vec!["onaccount"], Voided),
    ] {
        let attributes: Vec<String> = attributes.into_iter().map(str::to_owned).collect();
        assert_eq!(sales::state(None, Some(word), &attributes), want, "{word} {attributes:?}");
    }
    assert_eq!(sales::state(Some("REFUSED"), None, &[]), SaleState::Unknown("REFUSED".to_owned()));
    assert_eq!(sales::state(Some("SOMETHING"), Some("closed"), &[]), Closed);
    assert_eq!(sales::state(None, None, &[]), SaleState::Unknown(String::new()));
}

#[test]
fn a_sale_that_would_have_to_be_guessed_is_parked_with_the_fields_name() {
    let [notice, ..] = three_shapes();
    for (path, value, complaint) in [
        ("/register_sale_products/0/quantity", json!(0.5), "register_sale_products[0].quantity"),
        ("/register_sale_products/0/quantity", json!("5 "), "register_sale_products[0].quantity"),
        ("/register_sale_products/0/quantity", json!(2_147_483_648_u64), "register_sale_products[0].quantity"),
        (
            "/register_sale_products/0/quantity",
            json!(9_223_372_036_854_775_808_u64),
            "register_sale_products[0].quantity",
        ),
        ("/register_sale_products/0/quantity", Value::Null, "register_sale_products[0].quantity"),
        ("/register_sale_products/0/product_id", Value::Null, "register_sale_products[0].product_id"),
        ("/register_sale_products/0/price", json!("1.000000000001"), "register_sale_products[0].price"),
        ("/register_sale_payments/0/amount", json!("NaN"), "register_sale_payments[0].amount"),
        ("/register_sale_products", Value::Null, "line_items is missing"),
        ("/totals/total_price", Value::Null, "price is missing"),
        ("/outlet_id", Value::Null, "outlet_id is missing"),
        ("/version", json!("1.5"), "version"),
        ("/version", json!(9_223_372_036_854_775_808_u64), "version"),
        ("/sale_date", json!("yesterday"), "sale_date"),
    ] {
        let mut sale = notice.clone();
        *sale.pointer_mut(path).expect("a field") = value.clone();
        let error = wire::interpret("sale", &sale.to_string()).expect_err(path);
        assert!(error.reason.contains(complaint), "{path} = {value}: {error}");
    }
    assert_eq!(
        sale_of(&{
            let mut deleted = notice.clone();
            deleted["deleted_at"] = json!("2026-02-03 10:00:00");
            deleted
        })
        .state,
        SaleState::Voided
    );
}

#[test]
fn a_count_is_read_under_all_its_names_and_exactly() {
    for (row, milli) in [
        (json!({"id": "i", "product_id": "p", "outlet_id": "o", "count": 7, "version": 5}), 7_000),
        (
            json!({"id": "i", "product": {"id": "p"}, "outlet": {"id": "o"}, "count": "-2.50000", "version": "5"}),
            -2_500,
        ),
        (json!({"product_id": "p", "outlet_id": "o", "inventory_level": -10, "version": 5}), -10_000),
        (json!({"product_id": "p", "outlet_id": "o", "current_inventory_level": 0.125, "version": 5}), 125),
        (json!({"product_id": "p", "location_id": "o", "current_inventory_level": "1e2", "version": 5}), 100_000),
    ] {
        let Ok(Fact::TillReading(reading)) = wire::interpret("inventory", &row.to_string()) else { panic!("{row}") };
        assert_eq!(reading.product, ProductKey::new("p"));
        assert_eq!(reading.outlet, OutletKey::new("o"));
        assert_eq!((reading.on_hand_milli, reading.version), (milli, Some(5)), "{row}");
    }
    for row in [
        json!({"product_id": "p", "outlet_id": "o"}),
        json!({"product_id": "p", "outlet_id": "o", "count": 0.0005}),
        json!({"product_id": "p", "outlet_id": "o", "count": null}),
        json!({"product_id": "p", "count": 1}),
        json!({"outlet_id": "o", "count": 1}),
        json!({"product_id": "p", "outlet_id": "o", "count": [1]}),
    ] {
        assert!(wire::interpret("inventory", &row.to_string()).is_err(), "{row}");
    }
}

#[test]
fn a_product_is_listed_from_both_its_shapes() {
    let rest = json!({
        "id": "p1", "family_id": "f1", "name": "Tee", "variant_name": "Tee / Navy / M", "sku": "TEE-NVY-M",
        "product_codes": [{"type": "CUSTOM", "code": "TEE-NVY-M"}, {"type": "EAN", "code": "7300000000017"}],
        "active": true, "is_active": true, "deleted_at": null, "has_inventory": true, "has_variants": true,
        "is_composite": false, "price_including_tax": 59.9, "version": 9,
        "variant_options": [{"name": "Color", "value": "Navy"}, {"name": "Size", "value": "M"}],
    });
    let read = |value: &Value| match wire::interpret("product", &value.to_string()) {
        Ok(Fact::Listing(listing)) => listing,
        other => panic!("{other:?}"),
    };
    let listing = read(&rest);
    assert_eq!((listing.name.as_str(), listing.sku.as_str()), ("Tee", "TEE-NVY-M"));
    assert_eq!(listing.style.as_deref(), Some("f1"));
    assert_eq!(listing.options, ["Navy", "M"]);
    assert_eq!(listing.barcode.as_deref(), Some("7300000000017"));
    assert_eq!(listing.price, Some(Fine(5_990_000)));
    assert!(listing.counted && !listing.archived && !listing.bundle);
    for (name, value, seen) in [
        ("is_active", json!(false), "archived"),
        ("active", json!(false), "archived"),
        ("deleted_at", json!("2026-02-02 10:00:00"), "archived"),
        ("has_inventory", json!(false), "not counted"),
        ("is_composite", json!(true), "bundle"),
        ("composite_bom", json!([{"product_id": "x"}]), "bundle"),
        ("price_including_tax", json!(59.900_000_000_1), "no price"),
    ] {
        let mut changed = rest.clone();
        changed[name] = value;
        let listing = read(&changed);
        let said = match (listing.archived, listing.counted, listing.bundle, listing.price) {
            (true, true, false, Some(_)) => "archived",
            (false, false, false, Some(_)) => "not counted",
            (false, true, true, Some(_)) => "bundle",
            (false, true, false, None) => "no price",
            _ => "something else",
        };
        assert_eq!(said, seen, "{name}");
    }
}

#[tokio::test]
async fn a_sweep_goes_on_after_the_highest_version_until_a_page_is_empty() {
    let script = Script::new();
    let [mut sale, ..] = three_shapes();
    sale["version"] = json!(7);
    let mut later = sale.clone();
    later["version"] = json!(11_445_516_572_i64);
    later["register_sale_products"][0]["quantity"] = json!(0.5);
    let page = json!({"data": [sale, later], "version": {"min": 7, "max": 11_445_516_572_i64}});
    script.then(200, page.to_string()).then(200, r#"{"data":[],"version":{"min":null,"max":null}}"#);
    let till = till(&script);
    let first = till.sales_after(None).await.expect("a page").value;
    assert_eq!(first.next.as_deref(), Some("11445516572"));
    assert_eq!(first.resume, None);
    assert_eq!(
        first.rows.iter().map(|r| (r.version, r.facts.is_ok())).collect::<Vec<_>>(),
        [(7, true), (11_445_516_572, false)]
    );
    assert_eq!(first.rows[0].external_id, "s1");
    assert_eq!(first.rows[0].raw, sale.to_string());
    let last = till.sales_after(first.next.as_deref()).await.expect("a page");
    assert!(last.value.rows.is_empty() && last.value.next.is_none());
    assert_eq!(last.value.resume.as_deref(), Some("11445516572"));
    assert_eq!(
        script.asked(),
        ["GET /api/2026-07/sales?after=0&page_size=200", "GET /api/2026-07/sales?after=11445516572&page_size=200",]
    );
    let exchange = &last.exchanges[0];
    assert_eq!((exchange.purpose, exchange.status), ("read sales", Some(200)));
    assert!(!format!("{exchange:?}").contains("the-token"));
    script.done();
}

#[tokio::test]
async fn counts_are_asked_for_in_ascending_order_and_a_list_out_of_order_is_refused() {
    let script = Script::new();
    let row =
        |version: i64| json!({"product_id": "p", "outlet_id": "o", "current_inventory_level": 3, "version": version});
    script
        .then(200, json!([row(4), row(9)]).to_string())
        .then(200, "[]")
        .then(200, json!([row(9), row(4)]).to_string())
        .then(200, json!([row(2)]).to_string())
        .then(200, json!({"data": []}).to_string());
    let till = till(&script);
    let page = till.stock_after(Some("3")).await.expect("a page").value;
    assert_eq!(page.next.as_deref(), Some("9"));
    assert_eq!(page.rows[0].external_id, "p/o");
    let page = till.stock_after(Some("9")).await.expect("a page").value;
    assert_eq!((page.next, page.resume.as_deref()), (None, Some("9")));
    for (cursor, words) in [("3", "out of order"), ("9", "asked for"), ("9", "not a list")] {
        let error = till.stock_after(Some(cursor)).await.expect_err(words);
        assert!(matches!(&error.kind, CallErrorKind::Protocol { reason } if reason.contains(words)), "{error}");
    }
    assert_eq!(
        script.asked()[0],
        r#"POST /api/2026-07/inventory {"after":3,"include_deleted":true,"size":1000,"sort_direction":"asc"}"#
    );
    assert!(matches!(till.stock_after(Some("x")).await, Err(CallError { kind: CallErrorKind::Rejected { .. }, .. })));
    script.done();
}

#[tokio::test]
async fn the_newest_count_is_the_highest_of_whatever_comes() {
    let script = Script::new();
    let row =
        |version: i64| json!({"product_id": "p", "outlet_id": "o", "current_inventory_level": 3, "version": version});
    // One row from the end, as asked; a list that is longer and runs the other way; none.
    script
        .then(200, json!([row(41)]).to_string())
        .then(200, json!([row(4), row(9), {"product_id": "p"}]).to_string())
        .then(200, "[]");
    let till = till(&script);
    for want in [Some(41), Some(9), None] {
        assert_eq!(till.newest_count().await.expect("an answer").value, want);
    }
    assert_eq!(
        script.asked()[0],
        r#"POST /api/2026-07/inventory {"include_deleted":true,"size":1,"sort_direction":"desc"}"#
    );
    script.done();
}

#[tokio::test]
async fn outlets_come_with_their_registers_and_set_the_allowance() {
    let script = Script::new();
    script
        .then(200, r#"{"data":[{"id":"o1","name":"Main","time_zone":"Europe/Stockholm","currency":"SEK","deleted_at":null,"version":1},{"id":"o2","name":"Old","deleted_at":"2026-01-01 10:00:00","version":2}],"version":{"max":2}}"#)
        .then(200, r#"{"data":[],"version":{"max":null}}"#)
        .then(200, r#"{"data":[{"id":"r1","outlet_id":"o1","version":1},{"id":"r2","outlet_id":"o1","version":2},{"id":"r3","outlet_id":"o1","deleted_at":"x","version":3}],"version":{"max":3}}"#)
        .then(200, r#"{"data":[]}"#);
    let till = till(&script);
    let answer = till.outlets().await.expect("places");
    assert_eq!(answer.exchanges.len(), 4);
    let [main, old] = answer.value.as_slice() else { panic!("{:?}", answer.value) };
    assert_eq!((main.name.as_str(), main.registers, main.archived), ("Main", 2, false));
    assert_eq!((main.zone.as_deref(), main.currency.as_deref()), (Some("Europe/Stockholm"), Some("SEK")));
    assert!(old.archived);
    assert_eq!(till.allowance(NOW).limit, 520);
    script.done();
}

#[tokio::test]
async fn a_list_of_outlets_without_an_end_is_not_taken_for_a_whole_one() {
    let script = Script::new();
    for version in 1..=calls::PAGES_MAX {
        script.then(200, json!({"data": [{"id": version, "name": "x", "version": version}]}).to_string());
    }
    let error = till(&script).outlets().await.expect_err("no end");
    assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
    assert_eq!(error.exchanges.len(), calls::PAGES_MAX as usize);
    script.done();
}

#[tokio::test]
async fn one_sale_is_read_or_is_not_there() {
    let script = Script::new();
    let [.., newest] = three_shapes();
    script
        .then(200, json!({ "data": newest }).to_string())
        .then(404, r#"{"error":"Not Found"}"#)
        .then(200, r#"{"data":[]}"#);
    let till = till(&script);
    let found = till.sale("6f1c-1").await.expect("an answer").value.expect("a sale");
    assert_eq!((found.external_id.as_str(), found.version), ("s1", 11_445_516_572));
    assert_eq!(till.sale("6f1c-2").await.expect("an answer").value, None);
    assert!(matches!(till.sale("6f1c-3").await, Err(CallError { kind: CallErrorKind::Protocol { .. }, .. })));
    assert_eq!(till.sale("../users").await.expect("an answer").value, None);
    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn every_refusal_leads_to_its_own_next_step() {
    let later = "Mon, 02 Feb 2026 09:17:00 GMT";
    let until = NOW + Span::minutes(2);
    for (status, headers, body, want) in [
        (
            401,
            vec![],
            r#"{"error":"Unauthorized","message":"bad token"}"#,
            CallErrorKind::Unauthorized { reason: "bad token".to_owned() },
        ),
        (
            403,
            vec![],
            r#"{"errors":[{"message":"no scope"}]}"#,
            CallErrorKind::Unauthorized { reason: "no scope".to_owned() },
        ),
        (422, vec![], r#"{"error":{"code":1,"message":"no"}}"#, CallErrorKind::Rejected { reason: "no".to_owned() }),
        (400, vec![], "<html>", CallErrorKind::Rejected { reason: "status 400".to_owned() }),
        (404, vec![], "", CallErrorKind::Rejected { reason: "there is no such list at this address (404)".to_owned() }),
        (
            500,
            vec![],
            "",
            CallErrorKind::Unavailable { reason: "it answered 500: status 500".to_owned(), acted: false },
        ),
        (
            301,
            vec![("location", "https://evil.example/")],
            "",
            CallErrorKind::Protocol { reason: "we were sent to another address (status 301); not followed".to_owned() },
        ),
        (429, vec![("retry-after", later)], r#"{"error":"Too Many Requests"}"#, CallErrorKind::Throttled { until }),
    ] {
        let script = Script::new();
        script.then_with(status, &headers, body);
        let till = till(&script);
        let error = till.sales_after(None).await.expect_err("refused");
        assert_eq!(error.kind, want);
        assert_eq!(error.exchanges.len(), 1);
        if status == 429 {
            let error = till.sales_after(None).await.expect_err("held back");
            assert_eq!(error.kind, CallErrorKind::Paced { until });
            assert!(error.exchanges.is_empty());
            assert_eq!(script.asked().len(), 1);
        }
    }
    for body in
        ["<html><body>Sign in</body></html>", "", "{", r#"{"data":null}"#, r#"{"data":{}}"#, r#"{"data":[1]}"#, "[]"]
    {
        let script = Script::new();
        script.then(200, body);
        let error = till(&script).sales_after(None).await.expect_err(body);
        assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{body}: {error}");
    }
    for (failure, acted) in
        [(TransportError::NotSent("refused".to_owned()), false), (TransportError::NoAnswer("reset".to_owned()), false)]
    {
        let script = Script::new();
        script.then_fails(failure);
        let error = till(&script).sales_after(None).await.expect_err("no answer");
        assert!(matches!(error.kind, CallErrorKind::Unavailable { acted: a, .. } if a == acted), "{error}");
    }
}

#[tokio::test]
async fn a_key_that_comes_back_in_an_answer_is_not_kept() {
    let script = Script::new();
    script.then(400, r#"{"message":"the-token is odd"}"#);
    let error = till(&script).sales_after(None).await.expect_err("refused");
    assert_eq!(error.exchanges[0].received, r#"{"message":"••• is odd"}"#);
}

/// Every path to a value in a document.
fn paths(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, v)| paths(v, format!("{at}/{name}"), out)),
        Value::Array(rows) => rows.iter().enumerate().for_each(|(i, v)| paths(v, format!("{at}/{i}"), out)),
        _ => {}
    }
    if !at.is_empty() {
        out.push(at);
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[]]])),
        Just(json!("1e999")),
        Just(json!("NaN")),
        Just(json!("-9223372036854775808")),
        Just(json!(9_223_372_036_854_775_808_u64)),
        Just(json!("\u{202e}\u{0}")),
    ]
}

proptest! {
    #[test]
    fn no_changed_sale_brings_the_reader_down(shape in 0_usize..3, changes in prop::collection::vec((any::<prop::sample::Index>(), anything(), any::<bool>()), 1..5)) {
        let mut sale = three_shapes()[shape].clone();
        for (index, value, drop) in changes {
            let mut all = Vec::new();
            paths(&sale, String::new(), &mut all);
            if all.is_empty() {
                break;
            }
            let path = index.get(&all);
            let (parent, name) = path.rsplit_once('/').expect("a path");
            match sale.pointer_mut(parent) {
                Some(Value::Object(members)) if drop => { members.remove(name); }
                Some(Value::Object(members)) => { members.insert(name.to_owned(), value); }
                Some(Value::Array(rows)) if drop => { rows.pop(); }
                Some(Value::Array(rows)) => rows.push(value),
                _ => {}
            }
        }
        let raw = sale.to_string();
        let record = wire::record("sale", &raw);
        if let Ok([Fact::Sale(read)]) = record.facts.as_deref() {
            prop_assert!(read.lines.iter().all(|line| line.units != 0 && line.units.abs() <= 1_000_000_000));
            prop_assert_eq!(read.version, record.version);
        }
        for kind in ["product", "inventory", "customer", "register_closure"] {
            let _read_or_refused = wire::record(kind, &raw);
        }
    }

    #[test]
    fn no_text_at_all_brings_the_reader_down(raw in ".{0,200}") {
        for kind in ["sale", "product", "inventory", "other"] {
            prop_assert!(wire::record(kind, &raw).version >= 0);
        }
    }
}

#[tokio::test]
async fn a_count_that_was_deleted_counts_nothing() {
    let script = Script::new();
    let row = |id: &str, deleted: &str| {
        format!(
            r#"{{"id":"{id}","product_id":"p","outlet_id":"{id}","current_inventory_level":5,"version":3,"deleted_at":{deleted}}}"#
        )
    };
    script.then(200, format!("[{},{}]", row("a", "null"), row("b", r#""2026-02-02T10:15:05Z""#)));
    let page = till(&script).stock_after(None).await.expect("a page").value;
    let levels: Vec<_> = page
        .rows
        .iter()
        .map(|row| match row.facts.as_deref() {
            Ok([Fact::TillReading(reading)]) => reading.on_hand_milli,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(levels, [5_000, 0]);
    assert!(script.asked()[0].contains(r#""include_deleted":true"#), "{:?}", script.asked());
}
