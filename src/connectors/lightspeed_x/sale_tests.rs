use super::super::error::CallErrorKind;
use super::super::script::{NOW, Script};
use super::super::transport::TransportError;
use super::fulfilment::{Leaves, Stage, Step};
use super::returning::NewReturn;
use super::selling::{Desk, Handing, Made, NewLine, NewPayment, NewSale, own_id};
use super::tests::{three_shapes, till};
use super::{detail, masters};
use crate::domain::fact::SaleState;
use crate::domain::money::Fine;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn desk() -> Desk {
    Desk { author: "u1".to_owned(), register: Some("r1".to_owned()) }
}

fn new_sale(handing: Handing) -> NewSale {
    NewSale {
        desk: desk(),
        source: "shop".to_owned(),
        reference: "WEB-1".to_owned(),
        customer: Some("c1".to_owned()),
        at: NOW,
        note: String::new(),
        lines: vec![NewLine {
            product: "p1".to_owned(),
            units: 2,
            unit_price: Fine(2_608_696),
            unit_discount: Fine::ZERO,
            tax: "t1".to_owned(),
            unit_tax: Fine(391_304),
        }],
        payments: vec![NewPayment { payment_type: "k1".to_owned(), amount: Fine(6_000_000), at: NOW }],
        handing,
        since: None,
    }
}

/// A sale as the till shows it: of p1 two, of p2 one.
fn shown(id: &str, state: &str) -> Value {
    let line = |id: &str, product: &str, units: i64| {
        json!({ "id": id, "product": { "id": product }, "quantity": units, "pricing": { "price": 10, "discount": 0 },
                "tax": { "id": "t1", "amount": "1.5" } })
    };
    json!({
        "id": id, "state": state, "attributes": [], "date": "2026-02-02T09:15:00Z", "invoice_number": "M-1",
        "source": { "author": { "id": "u1" }, "register_id": "r1", "outlet_id": "o1" }, "_metadata": { "version": 7 },
        "return": { "is_return": false, "return_sale_ids": [] },
        "line_items": [line("l1", "p1", 2), line("l2", "p2", 1)], "payments": [],
        "totals": { "price": 30, "tax": 4.5, "price_incl_tax": 34.5 },
    })
}

fn data(value: &Value) -> String {
    json!({ "data": value }).to_string()
}

/// What stands in the body of the question with this number.
fn body(script: &Script, index: usize) -> Value {
    let asked = script.asked();
    serde_json::from_str(asked[index].splitn(3, ' ').nth(2).expect("a body")).expect("JSON")
}

#[tokio::test]
async fn a_sale_gets_an_id_of_our_making_and_is_looked_for_under_it() {
    let script = Script::new();
    let till = till(&script);
    let own = till.sale_id("shop", "WEB-1");
    assert_eq!(own, own_id("till", "shop", "WEB-1"));
    assert_ne!(own, own_id("till", "sho", "pWEB-1"), "where one part ends counts");
    assert_eq!(own.len(), 36);
    script.then(404, "{}").then(200, data(&json!({ "id": own })));
    let mut there = shown(&own, "pending");
    there["source"]["type"] = json!("shop");
    there["source"]["id"] = json!("WEB-1");
    script.then(200, data(&there));
    let sale = new_sale(Handing::PickUp { outlet: "o1".to_owned() });
    assert_eq!(till.create_sale(&sale).await.expect("made").value, Made::Now(own.clone()));
    let sent = body(&script, 1);
    assert_eq!(
        (&sent["id"], &sent["state"], &sent["attributes"]),
        (&json!(own), &json!("pending"), &json!(["pickup"]))
    );
    assert_eq!(sent["source"], json!({ "author_id": "u1", "register_id": "r1", "type": "shop", "id": "WEB-1" }));
    assert_eq!(sent["fulfillment_details"], json!([{ "type": "PICKUP" }]));
    assert_eq!(sent["line_items"][0]["pricing"]["price"].to_string(), "26.08696");
    assert_eq!(sent["line_items"][0]["_metadata"]["fulfillment_method"], "PICKUP");
    let again = till.create_sale(&sale).await.expect("an answer");
    assert!(matches!(&again.value, Made::Before(sale) if sale.id == own), "{again:?}");
    assert_eq!(script.asked().len(), 3, "nothing was sent a second time");
    there["source"]["id"] = json!("WEB-2");
    script.then(200, data(&there));
    assert!(till.create_sale(&sale).await.is_err(), "another reference under our id");
    script.done();
}

#[tokio::test]
async fn a_sale_whose_answer_is_lost_is_not_made_twice() {
    let script = Script::new();
    let till = till(&script);
    let sale = new_sale(Handing::Done);
    let mut there = shown(&till.sale_id("shop", "WEB-1"), "closed");
    script.then(404, "{}").then_fails(TransportError::NoAnswer("reset".to_owned()));
    let error = till.create_sale(&sale).await.expect_err("no answer");
    assert!(error.may_have_acted());
    // On its way still: not there at the look, refused as a repeat, there at the next look.
    script.then(404, "{}").then(409, r#"{"error":"there"}"#).then(200, data(&there));
    let again = till.create_sale(&sale).await.expect("an answer");
    assert!(matches!(again.value, Made::Before(_)));
    // A vendor that gives an id of its own: found among what changed since.
    there["id"] = json!("its-own");
    there["source"]["type"] = json!("shop");
    there["source"]["id"] = json!("WEB-1");
    script.then(404, "{}").then(200, json!({ "data": [there], "version": { "min": 7, "max": 7 } }).to_string());
    script.then(200, r#"{"data":[],"version":{"min":null,"max":null}}"#);
    let since = NewSale { since: Some(3), ..sale.clone() };
    let found = till.create_sale(&since).await.expect("an answer");
    assert!(matches!(&found.value, Made::Before(sale) if sale.id == "its-own"), "{found:?}");
    for wrong in [
        NewSale { reference: String::new(), ..sale.clone() },
        NewSale { lines: Vec::new(), ..sale.clone() },
        NewSale { desk: Desk { author: "../x".to_owned(), register: None }, ..sale.clone() },
        NewSale {
            payments: vec![NewPayment { payment_type: "k".to_owned(), amount: Fine(i64::MIN), at: NOW }],
            ..sale
        },
    ] {
        assert!(till.create_sale(&wrong).await.is_err_and(|error| error.exchanges.is_empty()), "nothing was asked");
    }
    script.done();
}

#[tokio::test]
async fn voiding_sends_everything_and_is_done_once() {
    let script = Script::new();
    script.then(200, data(&shown("s1", "closed"))).then(200, data(&shown("s1", "voided")));
    script.then(200, data(&shown("s1", "voided"))).then(404, "{}");
    let till = till(&script);
    assert!(till.void_sale("s1", "u9").await.expect("voided").value);
    let sent = body(&script, 1);
    assert_eq!((&sent["state"], &sent["source"]["author_id"]), (&json!("voided"), &json!("u1")));
    assert_eq!(sent["line_items"].as_array().map(Vec::len), Some(2));
    assert_eq!(sent["line_items"][1]["id"], "l2");
    assert!(till.void_sale("s1", "u9").await.expect("voided before").value);
    assert!(!till.void_sale("s2", "u9").await.expect("an answer").value);
    let closed = detail::read(&shown("s1", "closed").to_string()).expect("a sale");
    assert!(till.update_sale(&closed, "u9").await.is_err(), "a closed sale takes no change");
    script.done();
}

fn new_return() -> NewReturn {
    NewReturn {
        sale: "s1".to_owned(),
        desk: desk(),
        source: "shop".to_owned(),
        reference: "RET-1".to_owned(),
        known: BTreeSet::new(),
        units: BTreeMap::from([("p1".to_owned(), 1)]),
        payments: vec![NewPayment { payment_type: "k1".to_owned(), amount: Fine(-1_150_000), at: NOW }],
    }
}

/// The return of the sale, whole.
fn returned(state: &str) -> Value {
    let mut sale = shown("s2", state);
    sale["return"] = json!({ "is_return": true, "original_sale_id": "s1" });
    sale["line_items"][0]["quantity"] = json!(-2);
    sale["line_items"][1]["quantity"] = json!(-1);
    sale
}

#[tokio::test]
async fn a_return_is_parked_whole_then_edited_and_closed() {
    let script = Script::new();
    script.then(200, data(&shown("s1", "closed"))).then(200, data(&returned("parked")));
    script.then(200, data(&returned("closed")));
    let till = till(&script);
    assert_eq!(till.refund(&new_return()).await.expect("a return").value, Made::Now("s2".to_owned()));
    assert!(script.asked()[1].starts_with("POST /api/2026-07/sales/s1/actions/return"));
    let sent = body(&script, 2);
    let units: Vec<_> = sent["line_items"].as_array().expect("lines").iter().map(|l| l["quantity"].clone()).collect();
    assert_eq!(units, [json!(-1), json!(0)], "what stays is left at nought");
    assert_eq!(sent["payments"][0]["amount"], json!(-11.5));
    assert_eq!((&sent["state"], &sent["source"]["id"]), (&json!("closed"), &json!("RET-1")));
    script.done();
}

#[tokio::test]
async fn a_return_whose_answer_is_lost_is_not_begun_twice() {
    let script = Script::new();
    let till = till(&script);
    script.then(200, data(&shown("s1", "closed"))).then_fails(TransportError::NoAnswer("reset".to_owned()));
    assert!(till.refund(&new_return()).await.expect_err("no answer").may_have_acted());
    let mut sold = shown("s1", "closed");
    sold["return"]["return_sale_ids"] = json!(["s2"]);
    // Parked, ours: it is finished.
    script.then(200, data(&sold)).then(200, data(&returned("parked"))).then(200, data(&returned("closed")));
    assert_eq!(till.refund(&new_return()).await.expect("a return").value, Made::Now("s2".to_owned()));
    // Closed with our reference: it is done.
    let mut done = returned("closed");
    done["source"]["type"] = json!("shop");
    done["source"]["id"] = json!("RET-1");
    script.then(200, data(&sold)).then(200, data(&done));
    assert!(matches!(till.refund(&new_return()).await.expect("an answer").value, Made::Before(_)));
    // Closed by somebody else meanwhile, or parked before: people have to look.
    script.then(200, data(&sold)).then(200, data(&returned("closed")));
    assert!(till.refund(&new_return()).await.is_err());
    let known = NewReturn { known: BTreeSet::from(["s2".to_owned()]), ..new_return() };
    script.then(200, data(&sold)).then(200, data(&returned("parked")));
    assert!(till.refund(&known).await.is_err());
    let mut paid = returned("parked");
    paid["payments"] = json!([{ "type": { "config_id": "k1" }, "amount": -1 }]);
    script.then(200, data(&sold)).then(200, data(&paid));
    assert!(till.refund(&new_return()).await.is_err(), "a cashier is at it");
    assert_eq!(script.asked().iter().filter(|asked| asked.contains("/actions/return")).count(), 1);
    script.done();
}

#[tokio::test]
async fn no_return_is_begun_that_could_not_be_finished() {
    let script = Script::new();
    let till = till(&script);
    for sold in [shown("s1", "pending"), returned("closed")] {
        script.then(200, data(&sold));
        assert!(till.refund(&new_return()).await.is_err());
    }
    script.then(200, data(&shown("s1", "closed")));
    let more = NewReturn { units: BTreeMap::from([("p1".to_owned(), 3)]), ..new_return() };
    assert!(till.refund(&more).await.is_err());
    script.then(404, "{}");
    assert!(till.refund(&new_return()).await.is_err());
    let mut wrong = new_return();
    wrong.payments[0].amount = Fine(1);
    assert!(till.refund(&wrong).await.is_err());
    assert!(script.asked().iter().all(|asked| asked.starts_with("GET ")));
    script.done();
}

#[tokio::test]
async fn what_waits_to_leave_is_read_and_handed_over() {
    let row = |id: &str, sale: &str, state: &str| {
        json!({ "id": id, "version": 4, "sale_id": sale, "outlet_id": "o1", "type": "PICKUP", "state": state,
                "updated_at": "2026-02-02T09:15:00Z", "line_items": [{ "sale_line_item_id": "l1", "product_id": "p1",
                "quantity": "2.00000", "picked_quantity": "1", "packed_quantity": "0", "fulfilled_quantity": "0" }] })
    };
    let script = Script::new();
    script.then(200, data(&json!([row("9001", "s1", "PACKED"), row("9002", "s7", "OPEN"), row("9003", "s1", "NEW")])));
    script.then(200, r#"{"data":[{"id":"9001","version":5}]}"#).then(200, r#"{"data":{"id":"9001","version":5}}"#);
    script.then(409, r#"{"error":"Conflict","message":"version is old"}"#);
    let till = till(&script);
    let rows = till.fulfilments("s1").await.expect("rows").value;
    assert_eq!(rows.len(), 2, "another sale's goods are not ours");
    assert_eq!((&rows[0].stage, &rows[0].leaves, rows[0].lines[0].milli), (&Stage::Packed, &Leaves::PickUp, 2_000));
    assert_eq!(rows[1].stage, Stage::Unknown("NEW".to_owned()));
    till.fulfil_sale("s1").await.expect("handed over");
    assert_eq!(till.advance(&rows[0], Step::Pack, &[("l1", 1)]).await.expect("a step").value, 5);
    assert_eq!(body(&script, 2), json!({ "version": 4, "line_items": [{ "sale_line_item_id": "l1", "quantity": 1 }] }));
    let error = till.advance(&rows[0], Step::Fulfil, &[("l1", 1)]).await.expect_err("an old version");
    assert!(matches!(error.kind, CallErrorKind::Rejected { .. }) && !error.may_have_acted());
    assert!(till.advance(&rows[0], Step::Fulfil, &[("l1", 0)]).await.is_err());
    script.done();
}

#[test]
fn a_sale_is_read_in_all_its_detail() {
    let [_, middle, newest] = three_shapes().map(|sale| detail::read(&sale.to_string()));
    let (middle, newest) = (middle.expect("the middle shape"), newest.expect("the newest shape"));
    assert_eq!((newest.state.clone(), newest.returns.as_deref()), (SaleState::Closed, Some("s0")));
    assert_eq!((newest.total, newest.tax), (Fine(47_289_250), Fine(3_299_250)));
    assert!(newest.is_paid(), "half a cent is nothing");
    assert!(newest.carries("centra", "10045") && !newest.carries("centra", "1"));
    assert_eq!((newest.author.as_deref(), newest.lines[1].tax.as_deref()), (Some("u"), Some("t")));
    assert_eq!(newest.units(), BTreeMap::from([("p1", 2), ("p2", -1)]));
    assert_eq!((middle.payments.len(), middle.paid()), (2, newest.paid()), "a deleted payment counts for nothing");
    let mut paid = three_shapes()[2].clone();
    paid["payments"][0]["_metadata"] = json!({ "register_open_sequence_id": "q1" });
    let paid = detail::read(&paid.to_string()).expect("a sale");
    let sessions = masters::sessions(&[paid, middle]);
    assert_eq!(sessions.len(), 1);
    assert_eq!((sessions[0].session.as_str(), sessions[0].takings[0].total), ("q1", Fine(47_289_000)));
}

proptest! {
    #[test]
    fn no_text_and_no_sale_brings_the_detail_down(raw in ".{0,200}", name in "[a-z_]{1,14}", value in prop_oneof![
        Just(json!(null)), Just(json!("x")), Just(json!([[]])), Just(json!({})), Just(json!(1e300)), Just(json!(["\u{0}"])), Just(json!(u64::MAX))
    ], at in 0_usize..14) {
        let _read_or_not = (detail::read(&raw), masters::read_closure(&raw), super::catalogue::read(&raw));
        let mut sale = three_shapes()[2].clone();
        let known: Vec<String> = sale.as_object().expect("an object").keys().cloned().collect();
        let key = known.get(at).cloned().unwrap_or(name);
        sale["line_items"][0][key.as_str()] = value.clone();
        sale["payments"][0][key.as_str()] = value.clone();
        sale[key.as_str()] = value;
        let raw = sale.to_string();
        if let Ok(read) = detail::read(&raw) {
            let _sums = (read.paid(), read.is_paid(), masters::sessions(&[read]));
        }
        let _read_or_not = (masters::read_closure(&raw), super::catalogue::read(&raw));
    }
}
