use super::super::script::{NOW, Script};
use super::tests::{asked, list, shop};
use super::*;
use crate::domain::fact::{Order, OrderState};
use crate::domain::money::Fine;
use serde_json::{Value, json};

fn row(id: i64, sku: &str, ordered: i64) -> Value {
    json!({
        "item_id": id, "sku": sku, "product_type": "simple", "qty_ordered": ordered, "qty_canceled": 0, "qty_invoiced": 0,
        "qty_shipped": 0, "qty_refunded": 0, "price": 20, "price_incl_tax": 24.99, "is_virtual": 0,
    })
}

pub(super) fn order(id: i64, state: &str, updated_at: &str, items: Value) -> Value {
    json!({
        "entity_id": id, "increment_id": format!("{:09}", id + 1), "state": state, "status": "any",
        "created_at": "2026-02-02 09:00:00", "updated_at": format!("2026-02-02 {updated_at}"),
        "grand_total": 112.2, "order_currency_code": "EUR", "items": items,
    })
}

fn shipment(id: i64, order: i64, at: &str, source: &str, rows: &[(i64, i64)]) -> Value {
    let rows: Vec<Value> = rows.iter().map(|(item, qty)| json!({"order_item_id": item, "qty": qty})).collect();
    json!({
        "entity_id": id, "order_id": order, "updated_at": format!("2026-02-02 {at}"), "items": rows,
        "extension_attributes": {"source_code": source},
    })
}

fn with(row: Value, changes: Value) -> Value {
    let mut row = row;
    for (name, value) in changes.as_object().expect("changes") {
        row[name] = value.clone();
    }
    row
}

fn read(order: &Value) -> Order {
    orders::read_raw(&order.to_string()).unwrap_or_else(|unreadable| panic!("{unreadable}: {order}"))
}

#[test]
fn a_configurable_line_is_one_line() {
    let parent = with(row(2, "TEE-RED-M", 2), json!({"product_type": "configurable", "qty_shipped": 1}));
    let child = with(row(3, "TEE-RED-M", 2), json!({"parent_item_id": 2, "price": 0, "price_incl_tax": null}));
    let order = read(&order(1, "processing", "09:10:00", json!([parent, child, row(4, "BAG-1", 1)])));
    let lines: Vec<_> = order
        .lines
        .iter()
        .map(|line| (line.line.as_str(), line.product.as_str(), line.units, line.unit_price))
        .collect();
    assert_eq!(lines, [("2", "TEE-RED-M", 2, Fine(2_499_000)), ("4", "BAG-1", 1, Fine(2_499_000))]);
    assert_eq!((order.number.as_str(), order.document.as_str()), ("000000002", "1"));
    assert_eq!((order.total, order.currency.as_str(), order.on_hold), (Fine(11_220_000), "EUR", false));
}

#[test]
fn the_parts_of_a_bundle_are_lines_of_their_own() {
    let parent = with(row(2, "SET", 2), json!({"product_type": "bundle", "qty_shipped": 1, "qty_invoiced": 2}));
    let part = |id: i64, sku: &str, ordered: i64| with(row(id, sku, ordered), json!({"parent_item_id": 2}));
    let order = read(&order(1, "processing", "09:10:00", json!([parent, part(3, "CUP", 4), part(4, "LID", 2)])));
    let lines: Vec<_> = order.lines.iter().map(|line| (line.product.as_str(), line.units)).collect();
    assert_eq!((lines, order.state), (vec![("CUP", 4), ("LID", 2)], OrderState::Open));
}

#[test]
fn units_and_state_follow_from_quantities() {
    let unknown = |text: &str| OrderState::Unknown(text.to_owned());
    // (state, ordered, cancelled, shipped, refunded) -> (units, state)
    for (word, ordered, cancelled, shipped, refunded, units, state) in [
        ("new", 3, 0, 0, 0, 3, OrderState::Open),
        ("processing", 3, 0, 2, 0, 3, OrderState::Open),
        ("complete", 3, 0, 3, 0, 3, OrderState::Shipped),
        ("complete", 3, 0, 3, 3, 3, OrderState::Shipped),
        // Recorded: two refunded of which one was not shipped; the next memo makes it "new" again.
        ("complete", 2, 0, 1, 2, 1, OrderState::Shipped),
        ("new", 2, 0, 1, 2, 1, OrderState::Shipped),
        ("canceled", 2, 2, 0, 0, 0, OrderState::Cancelled),
        // Sent unpaid, then cancelled over there: the goods are gone.
        ("canceled", 2, 0, 2, 0, 2, OrderState::Shipped),
        ("processing", 3, 2, 0, 0, 1, OrderState::Open),
        ("processing", 3, 0, 0, 1, 2, OrderState::Open),
        ("closed", 1, 0, 0, 1, 0, OrderState::Cancelled),
        ("closed", 1, 0, 1, 1, 1, OrderState::Shipped),
        ("holded", 2, 0, 0, 0, 2, OrderState::Open),
        ("payment_review", 2, 0, 0, 0, 2, OrderState::Open),
        ("pending_payment", 2, 0, 0, 0, 2, OrderState::Open),
        // Taken in as already handed over.
        ("complete", 1, 0, 0, 0, 1, OrderState::Shipped),
        ("canceled", 2, 0, 0, 0, 2, unknown("canceled with units not shipped")),
        ("sleeping", 2, 0, 0, 0, 2, unknown("sleeping")),
    ] {
        let changes = json!({"qty_canceled": cancelled, "qty_shipped": shipped, "qty_refunded": refunded});
        let order = read(&order(1, word, "09:10:00", json!([with(row(1, "MUG", ordered), changes.clone())])));
        assert_eq!((order.lines[0].units, order.state), (units, state), "{word} {changes}");
        assert_eq!(order.on_hold, matches!(word, "holded" | "payment_review"));
    }
    // An import has nulls, something virtual is never shipped, and a server may print floats at full length.
    let nulls = json!({"qty_canceled": null, "qty_shipped": null, "qty_refunded": null, "price_incl_tax": null, "qty_ordered": "1.0000"});
    let imported = read(&order(1, "complete", "09:10:00", json!([with(row(1, "MUG", 1), nulls)])));
    assert_eq!((imported.lines[0].units, imported.lines[0].unit_price), (1, Fine(2_000_000)));
    let gift = with(row(1, "CARD", 1), json!({"is_virtual": 1, "qty_invoiced": 1}));
    assert_eq!(read(&order(1, "complete", "09:10:00", json!([gift]))).state, OrderState::Shipped);
    let text = order(1, "new", "09:10:00", json!([row(1, "MUG", 1)])).to_string();
    let noisy = text.replace("112.2", "112.20000000000000284");
    assert_eq!(orders::read_raw(&noisy).map(|order| order.total), Ok(Fine(11_220_000)));
}

#[tokio::test]
async fn orders_come_with_what_was_shipped_and_from_where() {
    let script = Script::new();
    let fresh = order(1, "new", "09:10:00", json!([row(1, "MUG", 1)]));
    let begun = order(2, "processing", "09:10:00", json!([with(row(2, "MUG", 3), json!({"qty_shipped": 3}))]));
    script.then(200, list(&[fresh, begun]));
    script.then(
        200,
        list(&[
            shipment(7, 2, "09:09:00", "warehouse", &[(2, 1)]),
            shipment(8, 2, "09:12:30", "store_malmo", &[(2, 1)]),
            shipment(9, 2, "09:12:00", "warehouse", &[(2, 1)]),
        ]),
    );
    let shop = shop(&script);
    let page = shop.orders_after(None).await.expect("a page").value;
    let Ok([Fact::Order(fresh)]) = page.rows[0].facts.as_deref() else { panic!("an order") };
    assert_eq!(fresh.lines[0].allocations, []);
    let Ok([Fact::Order(begun)]) = page.rows[1].facts.as_deref() else { panic!("an order") };
    assert_eq!(begun.lines[0].allocations, [(OutletKey::new("store_malmo"), 1), (OutletKey::new("warehouse"), 2)]);
    // The second shipment did not move the order's own moment; it moves ours.
    assert_eq!(begun.updated_at, super::super::json::instant("2026-02-02 09:12:30").expect("a moment"));
    assert_eq!(shop.interpret("order", &page.rows[1].raw), Ok(vec![Fact::Order(begun.clone())]));
    let asked = asked(&script);
    assert!(asked[0].starts_with("GET /rest/V1/orders?searchCriteria[sortOrders]"), "{asked:?}");
    assert!(asked[1].starts_with("GET /rest/V1/shipments?") && asked[1].contains("[value]=2&"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn shipments_and_memos_bring_their_orders_again() {
    let script = Script::new();
    let shop = shop(&script);
    script.then(200, list(&[order(1, "new", "09:10:00", json!([row(1, "MUG", 1)]))]));
    let orders = shop.orders_after(None).await.expect("orders").value;
    assert!(orders.resume.is_none() && orders.began == Some(NOW));
    // A shipment and a memo of an order whose own row did not change.
    let old = order(5, "processing", "08:00:00", json!([with(row(5, "MUG", 2), json!({"qty_shipped": 2}))]));
    script.then(200, list(&[shipment(7, 5, "09:14:00", "warehouse", &[(5, 1)])]));
    script.then(200, list(std::slice::from_ref(&old)));
    script.then(
        200,
        list(&[shipment(6, 5, "08:00:00", "warehouse", &[(5, 1)]), shipment(7, 5, "09:14:00", "warehouse", &[(5, 1)])]),
    );
    let shipments = shop.orders_after(orders.next.as_deref()).await.expect("shipments").value;
    assert_eq!((shipments.rows[0].external_id.as_str(), shipments.rows.len()), ("5", 1));
    script.then(200, json!({"items": null, "total_count": 0}).to_string());
    let memos = shop.orders_after(shipments.next.as_deref()).await.expect("memos").value;
    assert!(memos.rows.is_empty() && memos.next.is_none());
    let asked_first = asked(&script);
    assert!(asked_first[1].starts_with("GET /rest/V1/shipments?") && asked_first[1].contains("=2026-02-02 09:13:00&"));
    assert!(asked_first[2].starts_with("GET /rest/V1/orders?") && asked_first[2].contains("[value]=5&"));
    assert!(asked_first[4].starts_with("GET /rest/V1/creditmemos?"), "{asked_first:?}");
    // The next pass begins two minutes before where this one ended or began.
    for _ in 0..3 {
        script.then(200, list(&[]));
    }
    let mut cursor = memos.resume;
    for _ in 0..3 {
        let page = shop.orders_after(cursor.as_deref()).await.expect("a page").value;
        cursor = page.next.or(page.resume);
    }
    let asked = asked(&script);
    assert!(asked[5].starts_with("GET /rest/V1/orders?") && asked[5].contains("=2026-02-02 09:08:00&"), "{asked:?}");
    assert!(asked[6].starts_with("GET /rest/V1/shipments?") && asked[6].contains("=2026-02-02 09:13:00&"), "{asked:?}");
    assert!(asked[7].starts_with("GET /rest/V1/creditmemos?"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn one_order_is_found_by_the_number_that_people_use() {
    let script = Script::new();
    let shop = shop(&script);
    script.then(200, list(&[order(7, "new", "09:10:00", json!([row(1, "MUG", 1)]))]));
    let found = shop.order(" 000000008 ").await.expect("an answer").value.expect("an order");
    assert_eq!(found.external_id, "7");
    script.then(200, list(&[]));
    assert!(shop.order("000000009").await.expect("an answer").value.is_none());
    // A shop that overlooks the filter.
    script.then(200, list(&[order(7, "new", "09:10:00", json!([row(1, "MUG", 1)]))]));
    assert!(shop.order("7").await.expect("an answer").value.is_none());
    assert!(shop.order("").await.expect("an answer").value.is_none());
    assert!(asked(&script)[0].contains("[field]=increment_id&"));
    script.done();
}

#[tokio::test]
async fn an_order_that_would_have_to_be_guessed_is_parked_with_the_fields_name() {
    let good = || order(1, "new", "09:10:00", json!([row(1, "MUG", 1)]));
    for (path, value, reason) in [
        ("/items/0/qty_ordered", json!(1.5), "items[0].qty_ordered"),
        ("/items/0/qty_ordered", json!(-1), "items[0].qty_ordered"),
        ("/items/0/qty_shipped", json!("many"), "items[0].qty_shipped"),
        ("/items/0/sku", json!(null), "items[0].sku"),
        ("/items/0/item_id", json!("x"), "items[0].item_id"),
        ("/items", json!([]), "items"),
        ("/items", json!({}), "items"),
        ("/items", json!([row(1, "A", 1), row(1, "B", 1)]), "items"),
        ("/grand_total", json!(null), "grand_total"),
        ("/grand_total", json!(0.000001), "grand_total"),
        ("/order_currency_code", json!(""), "order_currency_code"),
        ("/created_at", json!("yesterday"), "created_at"),
    ] {
        let mut order = good();
        *order.pointer_mut(path).expect("a field") = value;
        let script = Script::new();
        script.then(200, list(&[order.clone(), good_after()]));
        let page = shop(&script).orders_after(None).await.expect("a page").value;
        let unreadable = page.rows[0].facts.as_ref().expect_err(path);
        assert!(unreadable.reason.contains(reason), "{path}: {unreadable}");
        assert!(page.rows[1].facts.is_ok(), "the next one is not held up");
    }
}

fn good_after() -> Value {
    order(2, "new", "09:11:00", json!([row(2, "MUG", 1)]))
}

#[test]
fn a_detail_says_what_later_calls_must_name() {
    let parent = with(row(2, "TEE-RED-M", 2), json!({"product_type": "configurable", "qty_invoiced": 1}));
    let child = with(row(3, "TEE-RED-M", 2), json!({"parent_item_id": 2}));
    let mut order = order(11, "new", "09:10:00", json!([parent, child]));
    order["discount_amount"] = json!(-9);
    order["payment"] = json!({"method": "checkmo"});
    order["extension_attributes"] = json!({
        "pickup_location_code": "store_malmo",
        "shipping_assignments": [{"shipping": {"method": "instore_pickup", "total": []}}],
    });
    let detail = detail::read(&order.to_string()).expect("a detail");
    assert_eq!((detail.id, detail.number.as_str(), detail.discount), (11, "000000012", Fine(900_000)));
    assert_eq!(detail.pickup, Some(OutletKey::new("store_malmo")));
    assert_eq!(detail.shipping_method.as_deref(), Some("instore_pickup"));
    assert_eq!(detail.payment_method.as_deref(), Some("checkmo"));
    assert_eq!((detail.lines[0].item, detail.lines[0].child, detail.lines[0].open), (2, Some(3), 2));
}
