use super::super::magento::MagentoConfig;
use super::super::script::Script;
use super::super::transport::TransportError;
use super::tests::{asked, config, list, shop, then_places};
use super::*;
use serde_json::{Value, json};

fn item(sku: &str, source: &str, quantity: Value) -> Value {
    json!({"sku": sku, "source_code": source, "quantity": quantity, "status": 1})
}

fn offer(sku: &str, qty: i64) -> Value {
    json!({"sku": sku, "qty": qty, "is_salable": qty > 0})
}

fn catalogue(rows: &[(&str, &str)]) -> String {
    list(&rows.iter().map(|(sku, kind)| json!({"sku": sku, "type_id": kind})).collect::<Vec<_>>())
}

fn write(sku: &str, warehouse: &str, physical: i64) -> StockWrite {
    StockWrite { product: ProductKey::new(sku), warehouse: OutletKey::new(warehouse), physical }
}

fn sent(asked: &str) -> Vec<(String, String, i64, i64)> {
    let body = asked.strip_prefix("POST /rest/V1/inventory/source-items ").expect("a write");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let rows = body["sourceItems"].as_array().expect("rows").iter();
    let text = |row: &Value, name: &str| row[name].as_str().expect("text").to_owned();
    rows.map(|row| {
        let number = |name: &str| row[name].as_i64().expect("a number");
        (text(row, "sku"), text(row, "source_code"), number("quantity"), number("status"))
    })
    .collect()
}

fn numbers(readings: &[ShopReading]) -> Vec<(&str, &str, i64, i64, i64)> {
    let row = |r: &'_ ShopReading| (r.physical, r.allocated, r.sellable);
    readings.iter().map(|r| (r.product.as_str(), r.warehouse.as_str(), row(r).0, row(r).1, row(r).2)).collect()
}

#[tokio::test]
async fn two_questions_read_the_stock_of_many_products() {
    let script = Script::new();
    then_places(&script);
    script.then(
        200,
        list(&[
            item("BAG-1", "default", json!(7)),
            item("bag-1", "warehouse", json!("10.0000")),
            item("MUG-1", "store_malmo", json!(4.5)),
            item("MUG-1", "warehouse", json!(2)),
        ]),
    );
    script.then(200, list(&[offer("BAG-1", 8), offer("MUG-1", 3)]));
    let shop = shop(&script);
    let keys = [ProductKey::new("MUG-1"), ProductKey::new("BAG-1"), ProductKey::new(" x")];
    let said = shop.stock_of(&keys).await.expect("stock").value;
    // 6.5 lie there and 3 are offered: 3.5 are kept, two by the first source and the rest by the second.
    assert_eq!(
        numbers(&said.readings),
        [("MUG-1", "store_malmo", 4, 1, 3), ("MUG-1", "warehouse", 2, 2, 0), ("BAG-1", "warehouse", 10, 2, 8)]
    );
    assert_eq!(said.named, [ProductKey::new("MUG-1"), ProductKey::new("BAG-1")]);
    let asked = asked(&script);
    assert!(asked[3].starts_with("GET /rest/V1/inventory/source-items?") && asked[3].contains("=MUG-1,BAG-1&"));
    assert!(asked[4].starts_with("GET /rest/V1/inventory/export-stock-salable-qty/website/base?"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn what_no_stock_offers_is_looked_up_in_the_catalogue() {
    let script = Script::new();
    then_places(&script);
    // One has a row although it has left the catalogue, one is new and has none, one is spelled differently.
    script.then(200, list(&[item("GONE", "warehouse", json!(3))])).then(200, list(&[]));
    script.then(200, catalogue(&[("NEW", "simple"), ("Other", "simple")]));
    let keys = ["GONE", "NEW", "OTHER"].map(ProductKey::new);
    let said = shop(&script).stock_of(&keys).await.expect("stock").value;
    assert_eq!((said.named, said.readings), (vec![ProductKey::new("NEW")], vec![]));
    script.done();
}

#[tokio::test]
async fn half_of_an_answer_is_not_taken_for_empty_shelves() {
    let script = Script::new();
    let shop = shop(&script);
    then_places(&script);
    // Offered, and nowhere to be found.
    script.then(200, list(&[])).then(200, list(&[offer("MUG-1", 3)]));
    let error = shop.stock_of(&[ProductKey::new("MUG-1")]).await.expect_err("half an answer");
    assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
    // Listed on the shelf, and gone when asked for by name.
    script.then(200, list(&[item("MUG-1", "warehouse", json!(3))])).then(200, list(&[])).then(200, list(&[]));
    let error = shop.stock(&OutletKey::new("warehouse"), None).await.expect_err("half an answer");
    assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
    // Lies there, and the list of what is offered was cut off before it; what lies nowhere may be left out.
    let bag = [item("BAG-1", "warehouse", json!(3))];
    script.then(200, list(&bag)).then(200, json!({"items": [], "total_count": 2}).to_string());
    let error = shop.stock_of(&["BAG-1", "TEE"].map(ProductKey::new)).await.expect_err("cut off");
    assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
    script.then(200, list(&bag)).then(200, json!({"items": [offer("BAG-1", 3)], "total_count": 2}).to_string());
    script.then(200, list(&[json!({"sku": "TEE", "type_id": "configurable"})]));
    let said = shop.stock_of(&["BAG-1", "TEE"].map(ProductKey::new)).await.expect("stock").value;
    assert_eq!((said.named.len(), numbers(&said.readings)), (2, vec![("BAG-1", "warehouse", 3, 0, 3)]));
    // Not what was asked for.
    script.then(200, list(&bag)).then(200, list(&[offer("OTHER", 3)]));
    let error = shop.stock_of(&[ProductKey::new("BAG-1")]).await.expect_err("another list");
    assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
    // A product that the shop sells without counting it is no half answer.
    script.then(200, list(&[item("GIFT", "warehouse", json!(0))]));
    script.then(200, list(&[json!({"sku": "GIFT", "is_salable": true})]));
    let said = shop.stock_of(&[ProductKey::new("GIFT")]).await.expect("stock").value;
    assert_eq!(numbers(&said.readings), [("GIFT", "warehouse", 0, 0, 0)]);
    script.done();
}

#[tokio::test]
async fn a_shelf_is_read_page_by_page_to_its_end() {
    let script = Script::new();
    then_places(&script);
    let row = |n: usize| item(&format!("P-{n:03}"), "warehouse", json!(5));
    let page = |from: usize, to: usize| {
        json!({"items": (from..to).map(row).collect::<Vec<_>>(), "total_count": 130}).to_string()
    };
    let offers = |from: usize, to: usize| list(&(from..to).map(|n| offer(&format!("P-{n:03}"), 9)).collect::<Vec<_>>());
    let more = |from: usize, to: usize| {
        let at = |n: usize| [row(n), item(&format!("P-{n:03}"), "store_malmo", json!(6))];
        list(&(from..to).flat_map(at).collect::<Vec<_>>())
    };
    script.then(200, page(0, 100)).then(200, more(0, 100)).then(200, offers(0, 100));
    script.then(200, page(100, 130)).then(200, more(100, 130)).then(200, offers(100, 130));
    let shop = shop(&script);
    let warehouse = OutletKey::new("warehouse");
    let first = shop.stock(&warehouse, None).await.expect("a page").value;
    assert_eq!((first.rows.len(), numbers(&first.rows)[0]), (100, ("P-000", "warehouse", 5, 2, 3)));
    let last = shop.stock(&warehouse, first.next.as_deref()).await.expect("a page").value;
    assert_eq!((last.rows.len(), last.next), (30, None));
    let asked = asked(&script);
    assert!(asked[6].contains("=warehouse&") && asked[6].contains("[pageSize]=100&searchCriteria[currentPage]=2"));
    script.done();
}

#[tokio::test]
async fn a_shelf_is_begun_again_when_the_shop_makes_its_pages_smaller() {
    let script = Script::new();
    then_places(&script);
    let rows = |from: usize, to: usize| -> Vec<Value> {
        (from..to).map(|n| item(&format!("P-{n:03}"), "warehouse", json!(5))).collect()
    };
    let page = |from: usize, to: usize| json!({"items": rows(from, to), "total_count": 101}).to_string();
    let whole = |from: usize, to: usize| list(&rows(from, to));
    let shop = shop(&script);
    let warehouse = OutletKey::new("warehouse");
    script.then(200, page(0, 100)).then(200, whole(0, 100)).then(200, list(&[]));
    let first = shop.stock(&warehouse, None).await.expect("a page").value;
    script.then(400, r#"{"message":"Maximum SearchCriteria pageSize is %max","parameters":{"max":60}}"#);
    script.then(200, page(60, 101));
    let error = shop.stock(&warehouse, first.next.as_deref()).await.expect_err("pages of two sizes");
    assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
    script.then(200, page(0, 60)).then(200, whole(0, 60)).then(200, list(&[]));
    let again = shop.stock(&warehouse, first.next.as_deref()).await.expect("a page").value;
    assert_eq!(again.rows.len(), 60);
    assert!(asked(&script)[8].contains("[pageSize]=60&searchCriteria[currentPage]=1"), "{:?}", asked(&script)[8]);
    script.done();
}

#[tokio::test]
async fn a_shelf_that_makes_no_sense_is_not_believed() {
    let rows = |range: std::ops::Range<usize>| {
        range.map(|n| item(&format!("P-{n:03}"), "warehouse", json!(5))).collect::<Vec<_>>()
    };
    let page =
        |range: std::ops::Range<usize>, total: usize| json!({"items": rows(range), "total_count": total}).to_string();
    let first = page(0..100, 130);
    let cursor = {
        let script = Script::new();
        then_places(&script);
        script.then(200, first.clone()).then(200, list(&rows(0..100))).then(200, list(&[]));
        let page = shop(&script).stock(&OutletKey::new("warehouse"), None).await.expect("a page").value;
        page.next.expect("more")
    };
    for (what, before, answer) in [
        ("empty", None, list(&[])),
        ("null", None, r#"{"items":null,"total_count":0}"#.to_owned()),
        ("cut off", None, page(0..99, 130)),
        ("cut off at the end", Some(&cursor), page(100..129, 130)),
        ("shorter than a moment ago", Some(&cursor), page(100..120, 120)),
        ("the same page again", Some(&cursor), json!({"items": rows(0..100), "total_count": 230}).to_string()),
        ("an item twice", None, list(&[rows(0..1), rows(0..1)].concat())),
        ("another shelf", None, list(&[item("P", "store_malmo", json!(1))])),
        ("no quantity", None, list(&[item("P", "warehouse", json!(null))])),
        ("no number", None, list(&[item("P", "warehouse", json!("many"))])),
        ("half a text", None, first[..first.len() / 2].to_owned()),
        ("a page for people", None, "<html>".to_owned()),
        ("a list", None, "[]".to_owned()),
        ("no total", None, json!({"items": rows(0..3)}).to_string()),
    ] {
        let script = Script::new();
        then_places(&script);
        script.then(200, answer);
        let error =
            shop(&script).stock(&OutletKey::new("warehouse"), before.map(String::as_str)).await.expect_err(what);
        assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{what}: {error}");
        script.done();
    }
}

#[tokio::test]
async fn counts_are_written_absolutely_to_items_that_exist() {
    let script = Script::new();
    // An unknown place makes the places be read once more.
    then_places(&script);
    then_places(&script);
    script
        .then(200, catalogue(&[("MUG-1", "simple"), ("BAG-1", "simple"), ("TEE", "configurable"), ("Cup", "simple")]));
    script.then(200, "[]");
    let shop = shop(&script);
    let rows = [
        write("MUG-1", "warehouse", 7),
        write("NOPE", "warehouse", 7),
        write("TEE", "warehouse", 7),
        write("CUP", "warehouse", 7),
        write("BAG-1", "warehouse", 0),
        write("BAG-1", "warehouse", 2),
        write("MUG-1", "returns", 7),
        write("MUG-1", "Warehouse", 7),
        write("MUG-1", "store_malmo", -1),
        write("MUG-1", "store_malmo", 100_000_000),
        write("MUG-1", "store_malmo", 0),
    ];
    let outcomes = shop.write_stock(&rows, "push-1").await.expect("outcomes").value;
    let accepted: Vec<usize> = (0..rows.len()).filter(|index| outcomes[*index] == WriteOutcome::Accepted).collect();
    assert_eq!(accepted, [0, 5, 10], "{outcomes:?}");
    assert_eq!(
        sent(asked(&script).last().expect("a write")),
        [
            ("MUG-1".to_owned(), "warehouse".to_owned(), 7, 1),
            ("BAG-1".to_owned(), "warehouse".to_owned(), 2, 1),
            ("MUG-1".to_owned(), "store_malmo".to_owned(), 0, 0),
        ]
    );
    script.done();
    // What was seen a moment ago is not looked up again.
    script.then(200, "[]");
    shop.write_stock(&rows[..1], "push-2").await.expect("outcomes");
    script.done();
}

async fn known(script: &Arc<Script>, skus: &[&str]) -> Magento {
    let shop = shop(script);
    then_places(script);
    script.then(200, list(&skus.iter().map(|sku| item(sku, "warehouse", json!(1))).collect::<Vec<_>>()));
    script.then(200, list(&skus.iter().map(|sku| offer(sku, 1)).collect::<Vec<_>>()));
    shop.stock_of(&skus.iter().map(|sku| ProductKey::new(*sku)).collect::<Vec<_>>()).await.expect("stock");
    shop
}

#[tokio::test]
async fn one_bad_row_holds_up_no_other() {
    let script = Script::new();
    let shop = known(&script, &["A", "B", "C", "D"]).await;
    let no = r#"{"message":"Could not save Source Item"}"#;
    script.then(400, no).then(200, "[]").then(400, no).then(400, no).then(200, "[]");
    let rows = ["A", "B", "C", "D"].map(|sku| write(sku, "warehouse", 3));
    let outcomes = shop.write_stock(&rows, "push").await.expect("outcomes").value;
    let refused = WriteOutcome::Refused("Could not save Source Item".to_owned());
    assert_eq!(outcomes, [WriteOutcome::Accepted, WriteOutcome::Accepted, refused, WriteOutcome::Accepted]);
    script.done();
}

#[tokio::test]
async fn a_shop_that_limits_its_writes_gets_fewer_rows() {
    let script = Script::new();
    let shop = known(&script, &["A", "B", "C", "D", "E"]).await;
    let no = r#"{"message":"Maximum items of type \"%type\" is %max","parameters":{"type":"\\X","max":2}}"#;
    script.then(400, no).then(200, "[]").then(200, "[]").then(200, "[]");
    let rows = ["A", "B", "C", "D", "E"].map(|sku| write(sku, "warehouse", 3));
    let outcomes = shop.write_stock(&rows, "push").await.expect("outcomes").value;
    assert_eq!(outcomes, vec![WriteOutcome::Accepted; 5]);
    assert_eq!(shop.capabilities().rows_per_write, 2);
    let asked = asked(&script);
    assert_eq!(sent(&asked[asked.len() - 1]).len(), 1);
    script.done();
}

#[tokio::test]
async fn a_part_that_was_written_is_never_denied() {
    let script = Script::new();
    let shop = known(&script, &["A", "B"]).await;
    script.then(400, r#"{"message":"no"}"#).then(200, "[]").then_fails(TransportError::NotSent("gone".into()));
    let rows = ["A", "B"].map(|sku| write(sku, "warehouse", 3));
    let error = shop.write_stock(&rows, "push").await.expect_err("lost half-way");
    assert!(error.may_have_acted(), "{error}");
    assert_eq!(error.exchanges.len(), 3);
    for answer in ["<html>", "[1]", "{}", "true", ""] {
        let script = Script::new();
        let shop = known(&script, &["A"]).await;
        script.then(200, answer);
        let error = shop.write_stock(&[write("A", "warehouse", 3)], "push").await.expect_err(answer);
        assert!(error.may_have_acted(), "{error}");
    }
}

#[tokio::test]
async fn a_write_does_not_wait_for_what_its_own_look_has_used_up() {
    let script = Script::new();
    let shop = Magento::new(MagentoConfig { unpaced: false, ..config() }, script.clone(), Script::clock());
    then_places(&script);
    script.then(200, list(&[item("A", "warehouse", json!(1))])).then(200, list(&[offer("A", 1)]));
    shop.stock_of(&[ProductKey::new("A")]).await.expect("stock");
    let now = shop.caller.clock.now();
    let left = (0..100).take_while(|_| shop.pace.take(now, false).is_ok()).count();
    assert!(left < 100, "there is a limit");
    let look = shop.stock_of(&[ProductKey::new("A")]).await.expect_err("nothing is left");
    assert!(matches!(look.kind, CallErrorKind::Paced { .. }), "{look}");
    script.then(200, "[]");
    let outcomes = shop.write_stock(&[write("A", "warehouse", 3)], "push").await.expect("it goes through").value;
    assert_eq!(outcomes, [WriteOutcome::Accepted]);
    script.done();
}
