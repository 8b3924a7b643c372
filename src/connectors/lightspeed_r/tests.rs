use super::super::error::CallErrorKind;
use super::super::script::{NOW, Script};
use super::super::transport::TransportError;
use super::*;
use crate::connectors::credential::{NotKept, OAuth2};
use crate::domain::fact::{Sale, SaleState};
use crate::domain::time::Span;
use serde_json::{Value, json};

/// Where the vendor's clock stands: the second before it is over.
pub(super) const DATE: (&str, &str) = ("Date", "Mon, 02 Feb 2026 09:15:00 GMT");

pub(super) const BASE: &str = "https://api.example.com";

struct NoKeeper;

#[async_trait]
impl TokenKeeper for NoKeeper {
    async fn keep(&self, _connection: &ConnectionId, _before: &OAuth2, _pair: &OAuth2) -> Result<(), NotKept> {
        Err(NotKept("there is nowhere".to_owned()))
    }
}

pub(super) fn config() -> LightspeedRConfig {
    let mut config =
        LightspeedRConfig::new(ConnectionId::new("till"), SecretString::from("the-token"), Arc::new(NoKeeper));
    config.base_url = format!("{BASE}/");
    config.account = "7".to_owned();
    config
}

pub(super) fn till(script: &Arc<Script>) -> LightspeedR {
    LightspeedR::new(config(), script.clone(), Script::clock())
}

/// An answer of the vendor: rows of a resource, and where the list goes on.
pub(super) fn list(resource: &str, rows: &[Value], next: &str) -> String {
    let mut body = json!({ "@attributes": { "next": next, "previous": "" } });
    match rows {
        [] => {}
        [one] => body[resource] = one.clone(),
        many => body[resource] = Value::from(many.to_vec()),
    }
    body.to_string()
}

pub(super) fn says(script: &Script, resource: &str, rows: &[Value]) {
    script.then_with(200, &[DATE], list(resource, rows, ""));
}

/// So many seconds before now, as the vendor writes it.
pub(super) fn ago(seconds: i64) -> String {
    (NOW - Span::secs(seconds)).to_utc().format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn count(id: i64, shop: i64, units: i64, seconds_ago: i64) -> Value {
    json!({ "itemShopID": id.to_string(), "itemID": "77", "shopID": shop.to_string(), "qoh": units.to_string(),
            "timeStamp": ago(seconds_ago) })
}

pub(super) fn sale(id: i64, seconds_ago: i64, lines: Value) -> Value {
    json!({ "saleID": id.to_string(), "timeStamp": ago(seconds_ago), "completeTime": ago(seconds_ago), "completed": "true",
            "voided": "false", "archived": "false", "ticketNumber": format!("22{id:010}"), "total": "37.5", "taxTotal": "7.5",
            "shopID": "1", "registerID": "2", "referenceNumber": "", "SaleLines": { "SaleLine": lines }, "SalePayments": "" })
}

pub(super) fn line(id: i64, units: i64, parent: i64) -> Value {
    json!({ "saleLineID": id.to_string(), "itemID": "77", "unitQuantity": units.to_string(), "unitPrice": "30",
            "parentSaleLineID": parent.to_string() })
}

pub(super) fn order(seconds_ago: i64) -> i64 {
    (NOW - Span::secs(seconds_ago)).micros()
}

fn sale_in(record: &Record) -> &Sale {
    match record.facts.as_deref() {
        Ok([Fact::Sale(sale)]) => sale,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn counts_are_read_to_the_last_second_that_is_over() {
    let script = Script::new();
    let next = format!("{BASE}/API/V3/Account/7/ItemShop.json?sort=timeStamp&limit=100&after=WyIx");
    let rows = [count(1, 0, 9, 90), count(2, 1, 7, 90), count(3, 2, -2, 50)];
    script.then_with(200, &[DATE], list("ItemShop", &rows, &next));
    let rows = [count(4, 1, 4, 1), count(5, 1, 5, 0), count(6, 1, 6, 0)];
    script.then_with(200, &[DATE], list("ItemShop", &rows, &next.replace("WyIx", "WyIy")));
    says(&script, "ItemShop", &[count(5, 1, 5, 0)]);
    says(&script, "ItemShop", &[]);
    let till = till(&script);
    let first = till.stock_after(None).await.expect("a page").value;
    let told: Vec<_> = first.rows.iter().map(|row| (row.external_id.as_str(), row.version)).collect();
    assert_eq!(told, [("2", order(90)), ("3", order(50))], "the sum over all shops is none");
    let second = till.stock_after(first.next.as_deref()).await.expect("a page").value;
    assert_eq!(
        second.rows.iter().map(|row| row.external_id.as_str()).collect::<Vec<_>>(),
        ["4"],
        "the others may move"
    );
    assert!(second.next.is_none());
    let resume = second.resume.clone().expect("where the next pass begins");
    assert_eq!(resume, NOW.secs().to_string(), "what is over need not be read again");
    assert!(!resume.contains('|'));
    let Ok([Fact::TillReading(reading)]) = second.rows[0].facts.as_deref() else { panic!("{second:?}") };
    assert_eq!((reading.outlet.as_str(), reading.on_hand_milli, reading.version), ("1", 4_000, Some(order(1))));
    // The running second is left for later; without anything the place stays.
    let third = till.stock_after(Some(&resume)).await.expect("a page").value;
    assert_eq!((third.rows.len(), third.resume.as_ref()), (0, Some(&resume)));
    let fourth = till.stock_after(Some(&resume)).await.expect("a page").value;
    assert_eq!((fourth.rows.len(), fourth.resume), (0, Some(resume)));
    let since = "&timeStamp=%3E%3D%2C2026-02-02T09%3A15%3A00%2B00%3A00";
    assert_eq!(
        script.asked(),
        [
            "GET /API/V3/Account/7/ItemShop.json?sort=timeStamp&limit=100".to_owned(),
            "GET /API/V3/Account/7/ItemShop.json?sort=timeStamp&limit=100&after=WyIx".to_owned(),
            format!("GET /API/V3/Account/7/ItemShop.json?sort=timeStamp{since}&limit=100"),
            format!("GET /API/V3/Account/7/ItemShop.json?sort=timeStamp{since}&limit=100"),
        ]
    );
    script.done();
}

#[tokio::test]
async fn a_list_that_repeats_ends_early_or_is_none_is_refused_whole() {
    let next = format!("{BASE}/API/V3/Account/7/ItemShop.json?sort=timeStamp&limit=100&after=WyIx");
    let page = list("ItemShop", &[count(1, 1, 7, 90), count(2, 1, 7, 50)], &next);
    for (what, body) in [
        ("the same page again", page.clone()),
        ("cut off", page[..page.len() / 2].to_owned()),
        ("no list", "{}".to_owned()),
        ("HTML", "<html>busy</html>".to_owned()),
        ("nothing", String::new()),
        ("more of nothing", list("ItemShop", &[], &next)),
    ] {
        let script = Script::new();
        script.then_with(200, &[DATE], page.clone()).then_with(200, &[DATE], body);
        let till = till(&script);
        let first = till.stock_after(None).await.expect("a page").value;
        let error = till.stock_after(first.next.as_deref()).await.expect_err(what);
        assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{what}: {error:?}");
        assert_eq!(error.exchanges.len(), 1, "{what}");
    }
    // Out of order within a page.
    let script = Script::new();
    says(&script, "ItemShop", &[count(1, 1, 7, 50), count(2, 1, 7, 90)]);
    assert!(till(&script).stock_after(None).await.is_err());
}

#[tokio::test]
async fn a_next_page_elsewhere_and_a_foreign_place_lead_nowhere() {
    for next in [
        "https://evil.example/API/V3/Account/7/ItemShop.json?after=x",
        "https://api.example.com/API/V3/Account/8/ItemShop.json?after=x",
        "https://api.example.com/API/V3/Account/7/Sale.json?after=x",
        "http://169.254.169.254/latest/meta-data",
    ] {
        let script = Script::new();
        script.then_with(200, &[DATE], list("ItemShop", &[count(1, 1, 7, 90)], next));
        let error = till(&script).stock_after(None).await.expect_err(next);
        assert!(
            matches!(&error.kind, CallErrorKind::Protocol { reason } if reason.contains("another address")),
            "{next}"
        );
    }
    let script = Script::new();
    let till = till(&script);
    for place in [
        "x",
        "-5",
        "1.2.3",
        "https://evil.example/",
        r#"{"from":1,"last":1,"path":"/API/V3/Account/8/ItemShop.json?after=x"}"#,
        r#"{"from":1,"last":1,"path":"/API/V3/Account/7/Sale/1/refund.json?x"}"#,
        r#"{"from":1,"last":1,"path":"@evil.example/"}"#,
        r#"{"step":"Items"}"#,
    ] {
        assert!(till.stock_after(Some(place)).await.is_err(), "{place}");
        assert!(till.sales_after(Some(place)).await.is_err(), "{place}");
        assert!(till.products_after(Some(place)).await.is_err(), "{place}");
    }
    assert_eq!(script.asked().len(), 0, "nothing is sent for a place that is not ours");
}

#[tokio::test]
async fn books_begin_with_the_last_second_that_is_over() {
    let script = Script::new();
    says(&script, "ItemShop", &[count(1, 1, 7, 5_000)]);
    says(&script, "ItemShop", &[]);
    let till = till(&script);
    let newest = till.newest_count().await.expect("an answer").value;
    assert_eq!(newest, Some(order(1)), "whenever the count itself was made");
    assert_eq!(till.newest_count().await.expect("an answer").value, None);
    assert_eq!(till.sales_cursor_from(order(1)), NOW.secs().to_string());
    assert_eq!(script.asked()[0], "GET /API/V3/Account/7/ItemShop.json?sort=-timeStamp&limit=1");
    let can = till.capabilities();
    assert!(!can.notices && can.ordered && can.links_returns);
}

#[tokio::test]
async fn a_refund_is_linked_by_its_lines_and_the_link_is_kept_with_it() {
    let script = Script::new();
    let cursor = (NOW.secs() - 600).to_string();
    // The first refunds a line that is not known, one of a sale on this very page, and one that nobody knows.
    let rows = [
        sale(900, 300, json!([line(1377, 2, 0)])),
        sale(901, 200, json!(line(1402, -1, 1200))),
        sale(902, 100, json!([line(1403, -1, 1377), line(1404, 1, 0)])),
        sale(903, 50, json!(line(1405, -1, 999))),
    ];
    says(&script, "Sale", &rows);
    says(&script, "SaleVoid", &[]);
    says(&script, "SaleLine", &[json!({ "saleLineID": "1200", "saleID": "800" })]);
    // Later its sale is known.
    says(&script, "Sale", &[sale(904, 20, json!(line(1406, -1, 1200)))]);
    says(&script, "SaleVoid", &[]);
    let till = till(&script);
    let page = till.sales_after(Some(&cursor)).await.expect("a page");
    let links: Vec<_> =
        page.value.rows.iter().map(|row| sale_in(row).return_for.as_ref().map(|d| d.as_str())).collect();
    assert_eq!(links, [None, Some("800"), Some("900"), None]);
    assert_eq!(page.exchanges.len(), 3);
    for row in &page.value.rows {
        let again = till.interpret("sale", &row.raw).expect("what was stored");
        assert_eq!(Ok(vec![again]), row.facts, "it is read alone as it was read with the others");
    }
    assert_eq!(page.value.resume, Some((NOW.secs() - 50).to_string()));
    let page = till.sales_after(page.value.resume.as_deref()).await.expect("a page").value;
    assert_eq!(sale_in(&page.rows[0]).return_for.as_ref().map(|d| d.as_str()), Some("800"));
    assert_eq!(
        script.asked()[2],
        "GET /API/V3/Account/7/SaleLine.json?saleLineID=IN%2C%5B999%2C1200%5D&limit=100"
            .replace("999%2C1200", "1200%2C999")
    );
    script.done();
}

#[tokio::test]
async fn a_void_is_seen_although_the_time_of_its_sale_stands_still() {
    let script = Script::new();
    let cursor = (NOW.secs() - 600).to_string();
    let mut voided = sale(905, 5_000, json!(line(1407, 1, 0)));
    voided["voided"] = json!("true");
    let void = |id: i64, sale: i64, seconds: i64| json!({ "saleVoidID": id.to_string(), "saleID": sale.to_string(), "createTime": ago(seconds), "reason": "wrong" });
    says(&script, "Sale", &[]);
    // The newest is of the running second, the oldest from before this pass.
    let next = format!("{BASE}/API/V3/Account/7/SaleVoid.json?sort=-saleVoidID&limit=100&after=x");
    let voids = [void(6, 907, 0), void(5, 905, 60), void(4, 906, 700)];
    script.then_with(200, &[DATE], list("SaleVoid", &voids, &next));
    says(&script, "Sale", &[voided.clone()]);
    let till = till(&script);
    let page = till.sales_after(Some(&cursor)).await.expect("a page").value;
    assert_eq!(page.rows.len(), 1);
    let row = &page.rows[0];
    assert_eq!((row.external_id.as_str(), row.version), ("905", order(60)), "it is later than the sale");
    let sale = sale_in(row);
    assert_eq!((&sale.state, sale.version), (&SaleState::Voided, order(60)));
    assert_eq!(sale.changed_at, NOW - Span::secs(60));
    assert_eq!(till.interpret("sale", &row.raw).map(|fact| vec![fact]), row.facts);
    assert_eq!(page.resume, Some(cursor), "the void of the running second is not passed over");
    let asked = script.asked();
    assert!(asked[1].ends_with("SaleVoid.json?sort=-saleVoidID&limit=100"), "{asked:?}");
    assert!(asked[2].contains("Sale.json?saleID=IN%2C%5B905%5D&"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn one_sale_is_asked_for_by_its_number_and_told_when_its_second_is_over() {
    let script = Script::new();
    let one = |sale: Value| json!({ "@attributes": {}, "Sale": sale }).to_string();
    let mut voided = sale(905, 5_000, json!(line(1407, 1, 0)));
    voided["voided"] = json!("true");
    script.then_with(200, &[DATE], one(sale(900, 1, json!(line(1, 1, 0)))));
    script.then_with(200, &[DATE], one(sale(901, 0, json!(line(1, 1, 0)))));
    script.then_with(200, &[DATE], one(voided));
    let void = json!({ "saleVoidID": "4", "saleID": "905", "createTime": ago(60) });
    says(&script, "SaleVoid", &[json!({ "saleVoidID": "5", "saleID": "1", "createTime": ago(2) }), void]);
    script.then(404, r#"{"httpCode":"404","message":"Object of type 'Sale' not found with primary ID '2'."}"#);
    let till = till(&script);
    let told = till.sale("900").await.expect("an answer").value.expect("a sale");
    assert_eq!((told.external_id.as_str(), told.version), ("900", order(1)));
    let error = till.sale("901").await.expect_err("its second runs");
    assert_eq!(error.kind, CallErrorKind::Paced { until: NOW + Span::secs(1) });
    let told = till.sale("905").await.expect("an answer").value.expect("a sale");
    assert_eq!(told.version, order(60));
    assert!(till.sale("2").await.expect("an answer").value.is_none());
    for id in ["", "x", "1/refund", "-1", "9999999999999999999999", "١"] {
        assert!(till.sale(id).await.expect("no answer").value.is_none(), "{id}");
    }
    assert!(script.asked()[0].starts_with("GET /API/V3/Account/7/Sale/900.json?load_relations="));
    script.done();
}

fn item(id: i64, matrix: i64, seconds_ago: i64) -> Value {
    json!({ "itemID": id.to_string(), "itemMatrixID": matrix.to_string(), "description": format!("Item {id}"),
            "customSku": format!("S-{id}"), "itemType": "default", "archived": "false", "timeStamp": ago(seconds_ago),
            "ItemAttributes": { "attribute1": "Navy", "attribute2": "M", "attribute3": "" } })
}

fn matrix(id: i64, name: &str, seconds_ago: i64) -> Value {
    json!({ "itemMatrixID": id.to_string(), "description": name, "archived": "false", "timeStamp": ago(seconds_ago) })
}

fn names(page: &Page<Record>) -> Vec<(String, String, i64)> {
    let name = |row: &Record| match row.facts.as_deref() {
        Ok([Fact::Listing(l)]) => (row.external_id.clone(), l.name.clone(), row.version),
        other => panic!("{other:?}"),
    };
    page.rows.iter().map(name).collect()
}

#[tokio::test]
async fn items_have_the_names_of_their_matrices_and_change_with_them() {
    let script = Script::new();
    // The first pass: items, and the matrices that are not known yet.
    says(&script, "Item", &[item(77, 9, 900), item(79, 0, 800)]);
    says(&script, "ItemMatrix", &[matrix(9, "Tee", 5_000)]);
    // The next: nothing new, but a matrix has another name.
    says(&script, "Item", &[item(79, 0, 800)]);
    says(&script, "ItemMatrix", &[matrix(9, "Tee-Shirt", 2)]);
    says(&script, "Item", &[item(77, 9, 900), item(78, 9, 900)]);
    // And the one after it: still nothing.
    says(&script, "Item", &[item(79, 0, 800)]);
    says(&script, "ItemMatrix", &[]);
    let till = till(&script);
    let page = till.products_after(None).await.expect("a page").value;
    let want = [("77".to_owned(), "Tee".to_owned(), order(900)), ("79".to_owned(), "Item 79".to_owned(), order(800))];
    assert_eq!(names(&page), want);
    let resume = page.resume.expect("the end");
    assert_eq!(resume, format!("{}.{}", NOW.secs() - 800, NOW.secs()));
    // Where that begins is up to the engine: some way back.
    let place = format!("{}.{}", NOW.secs() - 800, NOW.secs() - 60);
    let page = till.products_after(Some(&place)).await.expect("a page").value;
    let page = till.products_after(page.next.as_deref()).await.expect("a page").value;
    assert!(page.rows.is_empty() && page.next.is_some());
    let page = till.products_after(page.next.as_deref()).await.expect("a page").value;
    let want =
        [("77".to_owned(), "Tee-Shirt".to_owned(), order(2)), ("78".to_owned(), "Tee-Shirt".to_owned(), order(2))];
    assert_eq!(names(&page), want);
    for row in &page.rows {
        assert_eq!(till.interpret("product", &row.raw).map(|fact| vec![fact]), row.facts);
    }
    let resume = page.resume.expect("the end");
    assert_eq!(resume, format!("{}.{}", NOW.secs() - 800, NOW.secs() - 1));
    let page = till.products_after(Some(&resume)).await.expect("a page").value;
    let page = till.products_after(page.next.as_deref()).await.expect("a page").value;
    assert_eq!(page.resume, Some(resume));
    let asked = script.asked();
    assert!(asked[1].contains("ItemMatrix.json?itemMatrixID=IN%2C%5B9%5D&archived=true"), "{asked:?}");
    assert!(asked[4].contains("Item.json?sort=itemID&itemMatrixID=IN%2C%5B9%5D&archived=true"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn shops_are_places_and_their_registers_are_counted() {
    let script = Script::new();
    script.then(200, r#"{"@attributes":{"next":"","previous":""},"Account":{"accountID":"100001","name":"Shop"}}"#);
    let shop = |id: &str, zone: &str, archived: &str| json!({ "shopID": id, "name": format!("Shop {id}"), "timeZone": zone, "archived": archived });
    says(&script, "Shop", &[shop("1", "US/Eastern", "false"), shop("2", "Europe/Berlin", "true")]);
    let register =
        |id: &str, shop: &str, archived: &str| json!({ "registerID": id, "shopID": shop, "archived": archived });
    says(&script, "Register", &[register("1", "1", "false"), register("2", "1", "false"), register("3", "2", "true")]);
    says(&script, "ItemShop", &[]);
    let mut config = config();
    config.account = String::new();
    let till = LightspeedR::new(config, script.clone(), Script::clock());
    let answer = till.outlets().await.expect("places");
    let told: Vec<_> = answer
        .value
        .iter()
        .map(|p| (p.key.as_str(), p.name.as_str(), p.zone.as_deref(), p.archived, p.registers))
        .collect();
    assert_eq!(told, [("1", "Shop 1", Some("US/Eastern"), false, 2), ("2", "Shop 2", Some("Europe/Berlin"), true, 0)]);
    for place in &answer.value {
        assert!(
            place.zone.as_ref().is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_ok()),
            "a zone of the database"
        );
    }
    assert_eq!(answer.exchanges.len(), 3);
    assert_eq!(till.allowance(NOW).limit, 80, "two registers make a larger bucket");
    assert!(till.stock_after(None).await.is_ok());
    let asked = script.asked();
    assert_eq!(asked[0], "GET /API/V3/Account.json");
    assert_eq!(asked[1], "GET /API/V3/Account/100001/Shop.json?limit=100&archived=true");
    assert!(asked[3].starts_with("GET /API/V3/Account/100001/ItemShop.json"), "the account is asked for once");
    script.done();
}

#[tokio::test]
async fn refusals_mean_what_to_do_next() {
    let api = |code: u16, message: &str| {
        json!({ "httpCode": code.to_string(), "httpMessage": "x", "message": message, "errorClass": "Exception" })
            .to_string()
    };
    let html = ("Content-Type", "text/html; charset=UTF-8");
    type Meant = fn(&CallErrorKind) -> bool;
    type Headers = Vec<(&'static str, &'static str)>;
    let cases: [(u16, Headers, String, Meant); 11] = [
        (
            400,
            vec![html],
            api(400, "An Item must have a description."),
            |kind| matches!(kind, CallErrorKind::Rejected { reason } if reason == "An Item must have a description."),
        ),
        (
            401,
            vec![],
            r#"{"error":"access_denied","hint":"Access token has been revoked"}"#.to_owned(),
            |kind| matches!(kind, CallErrorKind::Unauthorized { reason } if reason.starts_with("Sign in again")),
        ),
        (
            403,
            vec![],
            api(403, "Forbidden"),
            |kind| matches!(kind, CallErrorKind::Unauthorized { reason } if reason.contains("employee:inventory_read")),
        ),
        (404, vec![html], api(404, "no such list"), |kind| matches!(kind, CallErrorKind::Rejected { .. })),
        (409, vec![], api(409, "Concurrent edit"), |kind| {
            matches!(kind, CallErrorKind::Unavailable { acted: false, .. })
        }),
        (
            422,
            vec![html],
            api(422, "EAN is already in use."),
            |kind| matches!(kind, CallErrorKind::Rejected { reason } if reason.contains("same barcode")),
        ),
        (
            422,
            vec![html],
            api(422, "Unknown sort field."),
            |kind| matches!(kind, CallErrorKind::Rejected { reason } if reason == "Unknown sort field."),
        ),
        (500, vec![], api(500, "memory"), |kind| matches!(kind, CallErrorKind::Unavailable { .. })),
        (
            502,
            vec![html],
            "<html><h1>502</h1></html>".to_owned(),
            |kind| matches!(kind, CallErrorKind::Unavailable { reason, .. } if reason.contains("502")),
        ),
        (302, vec![("Location", "https://evil.example/")], String::new(), |kind| {
            matches!(kind, CallErrorKind::Protocol { .. })
        }),
        (429, vec![("Retry-After", "3"), ("X-LS-API-RateLimit-Type", "api-leaky-bucket")], api(429, "slow"), |kind| {
            *kind == CallErrorKind::Throttled { until: NOW + Span::secs(3) }
        }),
    ];
    for (status, headers, body, meant) in cases {
        let script = Script::new();
        script.then_with(status, &headers, body);
        let till = till(&script);
        let error = till.stock_after(None).await.expect_err("a refusal");
        assert!(meant(&error.kind), "{status}: {:?}", error.kind);
        assert_eq!(error.exchanges.len(), 1, "{status}");
        assert_eq!(error.exchanges[0].status, Some(status));
    }
    let script = Script::new();
    script.then_fails(TransportError::NoAnswer("reset".to_owned()));
    let error = till(&script).stock_after(None).await.expect_err("no answer");
    assert!(!error.may_have_acted());
}

#[tokio::test]
async fn nothing_is_sent_before_the_vendor_or_our_budget_allows_it() {
    let script = Script::new();
    let headers = [
        DATE,
        ("Retry-After", "2"),
        ("X-LS-API-RateLimit-Type", "api-burst-limiter"),
        ("X-LS-API-Bucket-Level", "5/90"),
        ("X-LS-API-Burst-Level", "21/20"),
    ];
    script.then_with(429, &headers, "{}");
    let level = [DATE, ("x-ls-api-bucket-level", "71.5/90"), ("x-ls-api-drip-rate", "1")];
    script.then_with(200, &level, list("ItemShop", &[], ""));
    let clock = Script::clock();
    let till = LightspeedR::new(config(), script.clone(), clock.clone());
    assert!(till.stock_after(None).await.is_err());
    let error = till.stock_after(None).await.expect_err("it asked us to wait");
    assert_eq!(error.kind, CallErrorKind::Paced { until: NOW + Span::secs(2) });
    assert_eq!(till.allowance(NOW).blocked_until, Some(NOW + Span::secs(2)));
    clock.set(NOW + Span::secs(2));
    assert!(till.stock_after(None).await.is_ok());
    // Others have filled the bucket.
    let error = till.stock_after(None).await.expect_err("no room");
    let CallErrorKind::Paced { until } = error.kind else { panic!("{error:?}") };
    assert!(until > NOW + Span::millis(2_400) && until < NOW + Span::millis(2_700), "{}", until.since(NOW).0);
    assert_eq!(script.asked().len(), 2);
    script.done();
}

#[tokio::test]
async fn a_key_that_comes_back_in_an_answer_is_not_kept_and_no_notice_is_believed() {
    let script = Script::new();
    script.then(400, r#"{"message":"no such key: the-token"}"#);
    let till = till(&script);
    let error = till.stock_after(None).await.expect_err("a refusal");
    assert!(!format!("{error:?}").contains("the-token"), "{error:?}");
    let read = till.read_notice(&HeaderMap::new(), &Bytes::from_static(b"{}"), NOW);
    assert!(matches!(read, Err(NoticeError::NotFromThem(_))));
}

#[tokio::test]
async fn keys_that_belong_to_another_vendor_send_nothing() {
    for keys in [
        r#"{"kind":"oauth9"}"#,
        "",
        r#"{"kind":"oauth1","consumer_key":"a","consumer_secret":"b","token":"c","token_secret":"d"}"#,
    ] {
        let script = Script::new();
        let mut config = config();
        config.credential = SecretString::from(keys);
        let till = LightspeedR::new(config, script.clone(), Script::clock());
        let error = till.stock_after(None).await.expect_err(keys);
        assert!(matches!(error.kind, CallErrorKind::Unauthorized { .. }), "{keys}");
        assert!(script.called().is_empty());
    }
}

#[tokio::test]
async fn other_keys_open_another_account() {
    let script = Script::new();
    says(&script, "ItemShop", &[]);
    script.then(200, r#"{"@attributes":{},"Account":{"accountID":"8"}}"#);
    says(&script, "ItemShop", &[]);
    let till = till(&script);
    assert!(till.stock_after(None).await.is_ok());
    let keys = Keys::for_good("https://other.example.com/".to_owned(), SecretString::from("another-key"), Vec::new());
    till.change_keys(keys);
    assert!(till.stock_after(None).await.is_ok());
    assert_eq!(script.shown(), ["Bearer the-token", "Bearer another-key", "Bearer another-key"]);
    assert!(script.called()[2].starts_with("https://other.example.com/API/V3/Account/8/ItemShop.json"));
}
