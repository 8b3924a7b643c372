//! The connectors against the vendors' sample messages.
//!
//! The samples are kept outside this repository; `CONTRACTS_DIR` names the folder. Without it these tests say
//! "skipped", and with `TRUECOUNT_NO_SKIP=1` they fail instead.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use truecount::clock::ManualClock;
use truecount::connectors::centra::{Centra, CentraConfig};
use truecount::connectors::error::CallErrorKind;
use truecount::connectors::lightspeed_x::{LightspeedX, LightspeedXConfig};
use truecount::connectors::notice::NoticeError;
use truecount::connectors::transport::{Transport, TransportError};
use truecount::connectors::{Shop, StockWrite, Till, WriteOutcome};
use truecount::domain::fact::{Fact, Hint, OrderState, SaleState};
use truecount::domain::ids::{ConnectionId, OutletKey, ProductKey};
use truecount::domain::money::Fine;
use truecount::domain::time::Timestamp;

/// The moment at which the samples are dated.
const SAMPLE_TIME: Timestamp = Timestamp::from_secs(1_770_023_702);

pub fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, which is no setting of the program")]
    std::env::var(name).ok()
}

/// The folder with the samples, or `None` after saying so.
fn samples(vendor: &str) -> Option<PathBuf> {
    let folder = setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("samples").join(vendor));
    let there = folder.filter(|folder| folder.is_dir());
    if there.is_none() {
        assert!(setting("TRUECOUNT_NO_SKIP").as_deref() != Some("1"), "CONTRACTS_DIR names no folder with {vendor}");
        #[expect(clippy::print_stderr, reason = "a skipped test must not look like a passed one")]
        {
            eprintln!("skipped: CONTRACTS_DIR names no folder with samples of {vendor}");
        }
    }
    there
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// A transport that gives one written answer, again and again, and keeps the questions.
struct Answering {
    status: u16,
    headers: HeaderMap,
    body: String,
    asked: Mutex<Vec<Value>>,
}

#[async_trait]
impl Transport for Answering {
    async fn send(
        &self,
        _connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        assert_eq!(request.uri().path(), "/graphql");
        assert_eq!(request.headers()["authorization"], "Bearer sample-token");
        assert_eq!(request.headers()["content-type"], "application/json");
        self.asked.lock().expect("lock").push(serde_json::from_slice(request.body()).expect("JSON"));
        let mut response = http::Response::new(Bytes::from(self.body.clone()));
        *response.status_mut() = http::StatusCode::from_u16(self.status).expect("a status");
        *response.headers_mut() = self.headers.clone();
        Ok(response)
    }
}

/// A shop that answers with the sample of this name, after `change` has been made to its body.
struct SampleShop {
    shop: Centra,
    transport: Arc<Answering>,
    sample: Value,
}

fn sample_shop(folder: &Path, name: &str, change: impl Fn(String) -> String) -> SampleShop {
    let sample = json(&folder.join(format!("{name}.json")));
    let response = &sample["response"];
    let mut headers = HeaderMap::new();
    for (name, value) in response["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().expect("a header name");
        headers.insert(name, HeaderValue::from_str(value.as_str().expect("text")).expect("a header value"));
    }
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    let body = change(response["body"].to_string());
    let transport = Arc::new(Answering { status, headers, body, asked: Mutex::new(Vec::new()) });
    let clock = Arc::new(ManualClock::at(SAMPLE_TIME));
    SampleShop { shop: Centra::new(centra_config(""), transport.clone(), clock), transport, sample }
}

fn as_it_is(body: String) -> String {
    body
}

fn centra_config(secret: &str) -> CentraConfig {
    CentraConfig {
        connection: ConnectionId::new("shop"),
        base_url: "https://sample.centra.com".to_owned(),
        token: SecretString::from("sample-token"),
        webhook_secrets: vec![SecretString::from(secret)],
        store_currency: "SEK".to_owned(),
        unpaced: true,
    }
}

impl SampleShop {
    fn asked(&self) -> Value {
        self.transport.asked.lock().expect("lock").first().cloned().expect("a question")
    }

    /// That we ask as the sample asks, word for word, but for fields that we leave out because nobody reads them.
    fn asks_no_more_than_sampled(&self) {
        let (ours, sampled) = (self.asked(), &self.sample["request"]["body"]);
        assert_eq!(ours["variables"], sampled["variables"]);
        let parts = |body: &Value| {
            let (question, fields) = text(body, "query").split_once("{ id ").expect("fields").to_owned();
            let fields: Vec<String> =
                fields.replace('{', " { ").replace('}', " } ").split_whitespace().map(str::to_owned).collect();
            (question.to_owned(), fields)
        };
        let ((our_question, ours), (question, sampled)) = (parts(&ours), parts(sampled));
        assert_eq!(our_question, question);
        let mut rest = sampled.iter();
        for field in &ours {
            assert!(rest.any(|sampled| sampled == field), "{field} is not asked there: {ours:?}");
        }
    }

    /// That we ask what the sample asks, word for word.
    fn asks_as_sampled(&self) {
        assert_eq!(self.asked(), self.sample["request"]["body"]);
    }
}

fn till(secret: &str) -> LightspeedX {
    let config = LightspeedXConfig {
        connection: ConnectionId::new("till"),
        base_url: "https://sample.retail.lightspeed.app".to_owned(),
        token: SecretString::from("sample-token"),
        webhook_secrets: vec![SecretString::from(secret)],
        unsigned_ok: false,
        unpaced: true,
    };
    let transport =
        Answering { status: 500, headers: HeaderMap::new(), body: String::new(), asked: Mutex::new(vec![]) };
    LightspeedX::new(config, Arc::new(transport), Arc::new(ManualClock::at(SAMPLE_TIME)))
}

fn signature(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("X-Signature", HeaderValue::from_str(value).expect("a header"));
    headers
}

/// What a fact does to the stock at the till, by product.
fn effect(fact: &Fact) -> BTreeMap<String, i64> {
    let mut moved = BTreeMap::new();
    if let Fact::Sale(sale) = fact {
        let sign = match sale.state {
            SaleState::Closed => -1,
            SaleState::Voided => 1,
            SaleState::Open | SaleState::Unknown(_) => return moved,
        };
        for line in &sale.lines {
            *moved.entry(line.product.as_str().to_owned()).or_insert(0) += sign * line.units;
        }
    }
    moved
}

fn expected_effect(expect: &Value) -> BTreeMap<String, i64> {
    let rows = expect["stock"].as_object().into_iter().flatten();
    rows.map(|(product, units)| (product.clone(), units.as_i64().expect("units"))).collect()
}

#[test]
fn every_sampled_till_notice_is_believed_and_means_what_it_says() {
    let Some(folder) = samples("lightspeed-x/webhooks") else { return };
    let index = json(&folder.join("index.json"));
    let till = till(text(&index, "signing_key"));
    let mut seen = BTreeSet::new();
    let deliveries = index["deliveries"].as_array().expect("deliveries");
    assert!(deliveries.len() >= 17, "samples are missing");
    for wanted in deliveries {
        let file = text(wanted, "file");
        let body = Bytes::from(std::fs::read(folder.join(format!("{file}.txt"))).expect("a body"));
        assert_eq!(body.len() as u64, wanted["bytes"].as_u64().expect("bytes"), "{file}");

        let hex = signature(text(wanted, "x_signature"));
        let read = till.read_notice(&hex, &body, SAMPLE_TIME).unwrap_or_else(|error| panic!("{file}: {error}"));
        let base64 = signature(text(wanted, "x_signature_base64"));
        assert_eq!(till.read_notice(&base64, &body, SAMPLE_TIME).as_ref(), Ok(&read), "{file}");
        let over_payload = signature(text(wanted, "x_signature_over_payload_field_only"));
        for (headers, body) in
            [(&over_payload, body.clone()), (&HeaderMap::new(), body.clone()), (&hex, flipped(&body))]
        {
            let refused = till.read_notice(headers, &body, SAMPLE_TIME);
            assert!(matches!(refused, Err(NoticeError::NotFromThem(_))), "{file}: {refused:?}");
        }

        let [delivery] = read.as_slice() else { panic!("{file}: {read:?}") };
        let kind = text(wanted, "type").split('.').next().expect("a kind");
        assert_eq!(delivery.kind, kind, "{file}");
        assert_eq!(delivery.external_id, text(wanted, "id"), "{file}");
        assert_eq!(delivery.version, wanted["version"].as_i64(), "{file}");
        let fact = delivery.fact.as_ref().unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(till.interpret(&delivery.kind, &delivery.raw).as_ref(), Ok(fact), "{file}");

        let expect = &wanted["expect"];
        let newly = seen.insert((delivery.kind.clone(), delivery.external_id.clone(), delivery.version));
        match expect["act"].as_bool() {
            Some(true) => {
                assert!(newly, "{file} is no repetition");
                assert_eq!(effect(fact), expected_effect(expect), "{file}");
            }
            _ => assert!(!newly || effect(fact).is_empty(), "{file} must have no effect"),
        }
        check_details(file, fact, wanted);
    }
}

fn flipped(body: &Bytes) -> Bytes {
    let mut bytes = body.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Bytes::from(bytes)
}

fn check_details(file: &str, fact: &Fact, wanted: &Value) {
    let expect = &wanted["expect"];
    match fact {
        Fact::Sale(sale) => {
            let state = match text(wanted, "status") {
                "CLOSED" => SaleState::Closed,
                "SAVED" => SaleState::Open,
                "VOIDED" => SaleState::Voided,
                other => panic!("{file}: {other}"),
            };
            assert_eq!(sale.state, state, "{file}");
            assert_eq!(Some(sale.version), wanted["version"].as_i64(), "{file}");
            let paid = Fine(sale.tenders.iter().map(|tender| tender.amount.0).sum());
            for name in ["refund", "paid"] {
                if let Some(amount) = expect[name].as_str() {
                    assert_eq!(Ok(paid), Fine::parse(amount), "{file}");
                }
            }
            if let Some(gross) = expect["gross"].as_str() {
                assert_eq!(Ok(sale.total), Fine::parse(gross), "{file}");
            }
            let returns = sale.lines.iter().all(|line| line.is_return == (line.units < 0));
            assert!(returns, "{file}: {:?}", sale.lines);
        }
        Fact::TillReading(reading) => {
            let level = &expect["stock_level"][reading.product.as_str()];
            let milli = level.as_f64().map(|level| (level * 1_000.0).round() as i64);
            assert_eq!(Some(reading.on_hand_milli), milli, "{file}");
        }
        Fact::Listing(listing) => {
            let gone = ["archived", "deleted"].into_iter().any(|name| expect[name] == Value::Bool(true));
            assert_eq!(listing.archived, gone, "{file}");
            assert!(!listing.sku.is_empty(), "{file}");
        }
        Fact::Noted { kind } => assert_eq!(kind, "register_closure", "{file}"),
        Fact::Order(_) | Fact::Hint(_) => panic!("{file}: {fact:?}"),
    }
}

#[test]
fn the_sampled_till_secret_is_also_what_signs_in_base64() {
    let Some(folder) = samples("lightspeed-x/webhooks") else { return };
    let index = json(&folder.join("index.json"));
    for wanted in index["deliveries"].as_array().expect("deliveries") {
        let value = |name: &str| text(wanted, name).split(['=', ',']).nth(1).expect("a value").to_owned();
        let base64 = text(wanted, "x_signature_base64").strip_prefix("signature=").and_then(|v| v.split(',').next());
        assert_eq!(hex::decode(value("x_signature")).ok(), base64.and_then(|v| STANDARD.decode(v).ok()));
    }
}

#[tokio::test]
async fn sampled_products_orders_and_stock_are_read() {
    let Some(folder) = samples("centra") else { return };

    let products = sample_shop(&folder, "products-page", as_it_is);
    let page = products.shop.products_after(None).await.expect("products").value;
    products.asks_no_more_than_sampled();
    let mut listings = Vec::new();
    for record in &page.rows {
        for fact in products.shop.interpret(record.kind, &record.raw).expect("listings") {
            let Fact::Listing(listing) = fact else { panic!("{fact:?}") };
            listings.push((listing.product.as_str().to_owned(), listing.sku, listing.archived));
        }
    }
    let wanted =
        [("281", "TEE100NVYM", false), ("282", "TEE100NVYL", false), ("283", "TEE100BLKM", true), ("284", "", false)];
    assert_eq!(listings, wanted.map(|(id, sku, archived)| (id.to_owned(), sku.to_owned(), archived)));

    let warehouses = sample_shop(&folder, "warehouses", as_it_is);
    let places = warehouses.shop.warehouses().await.expect("places").value;
    warehouses.asks_no_more_than_sampled();
    assert_eq!(
        places.iter().map(|p| (p.key.as_str(), p.name.as_str())).collect::<Vec<_>>(),
        [("3", "Shop 3"), ("9", "Returns")]
    );

    let stock = sample_shop(&folder, "stock-by-sku", as_it_is);
    let readings = stock.shop.stock_of(&[ProductKey::new("281")]).await.expect("readings").value.readings;
    let seen: Vec<_> = readings.iter().map(|r| (r.warehouse.as_str(), r.physical, r.allocated, r.sellable)).collect();
    assert_eq!(seen, [("3", 6, 2, 4), ("9", 7, 0, 7)]);

    let orders = sample_shop(&folder, "orders-page", as_it_is);
    let page = orders.shop.orders_after(None).await.expect("orders").value;
    let (ours, sampled) = (orders.asked(), &orders.sample["request"]["body"]);
    let beginning = |body: &Value| text(body, "query").split("{ id number status isOnHold").next().map(str::to_owned);
    assert_eq!(beginning(&ours), beginning(sampled));
    let rows = orders.sample["response"]["body"]["data"]["orders"].as_array().expect("orders");
    assert_eq!(page.rows.len(), rows.len());
    for (record, row) in page.rows.iter().zip(rows) {
        let Ok([Fact::Order(order)]) = record.facts.as_deref() else { panic!("{:?}", record.facts) };
        let number = row["number"].to_string();
        assert_eq!(order.number, number);
        assert_eq!(Some(order.on_hold), row["isOnHold"].as_bool(), "{number}");
        let state = match text(row, "status") {
            "PENDING" | "CONFIRMED" | "PROCESSING" => OrderState::Open,
            "SHIPPED" => OrderState::Shipped,
            "CANCELLED" => OrderState::Cancelled,
            other => OrderState::Unknown(other.to_owned()),
        };
        assert_eq!(order.state, state, "{number}");
        let lines = row["lines"].as_array().expect("lines");
        let units: i64 = lines.iter().filter_map(|line| line["quantity"].as_i64()).sum();
        assert_eq!(order.lines.iter().map(|line| line.units).sum::<i64>(), units, "{number}");
        assert_eq!(Ok(order.total), Fine::parse(&row["grandTotal"]["value"].to_string()), "{number}");
        assert_eq!(order.currency, text(&row["grandTotal"]["currency"], "code"), "{number}");
    }
}

fn one_write() -> Vec<StockWrite> {
    vec![StockWrite { product: ProductKey::new("281"), warehouse: OutletKey::new("3"), physical: 10 }]
}

#[tokio::test]
async fn sampled_writes_are_asked_for_word_for_word() {
    let Some(folder) = samples("centra") else { return };
    let written = sample_shop(&folder, "set-stock-ok", as_it_is);
    let told = written.shop.write_stock(&one_write(), "count").await.expect("an outcome").value;
    written.asks_as_sampled();
    assert_eq!(told, [WriteOutcome::Accepted]);
    assert_eq!(written.shop.capabilities().rows_per_write, 100);
    // The sampled refusal is of the neighbouring change; the two payloads have one shape.
    let refused = sample_shop(&folder, "change-stock-user-error", |body| body.replace("changeStock", "setStock"));
    let told = refused.shop.write_stock(&one_write(), "count").await.expect("an outcome").value;
    assert_eq!(told, [WriteOutcome::Refused("Not enough free to allocate items in warehouse 3.".to_owned())]);
}

#[tokio::test]
async fn sampled_failures_lead_to_the_right_next_step() {
    let Some(folder) = samples("centra") else { return };
    let until = Timestamp::from_secs(1_770_023_705);
    for (name, fits) in [
        (
            "error-403-expired-token",
            (|kind| matches!(kind, CallErrorKind::Unauthorized { .. })) as fn(&CallErrorKind) -> bool,
        ),
        ("error-permission", |kind| matches!(kind, CallErrorKind::Unauthorized { .. })),
        ("error-500", |kind| matches!(kind, CallErrorKind::Unavailable { acted: false, .. })),
        ("error-partial-data", |kind| matches!(kind, CallErrorKind::Unavailable { acted: false, .. })),
    ] {
        let failing = sample_shop(&folder, name, as_it_is);
        let error = failing.shop.orders_after(None).await.expect_err(name);
        assert!(fits(&error.kind), "{name}: {error}");
    }
    for name in ["error-429-epoch", "error-429-http-date"] {
        let failing = sample_shop(&folder, name, as_it_is);
        let error = failing.shop.orders_after(None).await.expect_err(name);
        assert_eq!(error.kind, CallErrorKind::Throttled { until }, "{name}");
    }
}

#[tokio::test]
async fn the_answer_to_another_question_is_never_taken_for_an_empty_list() {
    let Some(folder) = samples("centra") else { return };
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).expect("the samples") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if path.extension().is_none_or(|ext| ext != "json") || name.starts_with("webhook") || name == "orders-page" {
            continue;
        }
        let other = sample_shop(&folder, &name, as_it_is);
        let error = other.shop.orders_after(None).await.expect_err(&name);
        if !name.starts_with("error-") {
            assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{name}: {error}");
        }
        checked += 1;
    }
    assert!(checked >= 20, "samples are missing");
}

#[tokio::test]
async fn sampled_quotas_are_asked_for_and_kept() {
    let Some(folder) = samples("centra") else { return };
    let sampled = sample_shop(&folder, "rate-limits", as_it_is);
    let config = CentraConfig { unpaced: false, ..centra_config("") };
    let shop = Centra::new(config, sampled.transport.clone(), Arc::new(ManualClock::at(SAMPLE_TIME)));
    // No change is left to anybody for ten seconds.
    let error = shop.write_stock(&one_write(), "count").await.expect_err("held back");
    sampled.asks_as_sampled();
    assert!(matches!(error.kind, CallErrorKind::Paced { until } if until > SAMPLE_TIME), "{error}");
    assert_eq!(sampled.transport.asked.lock().expect("lock").len(), 1, "nothing was sent after it");
    assert_eq!(shop.allowance(SAMPLE_TIME).left, 0);
}

#[test]
fn the_sampled_shop_notice_is_believed() {
    let Some(folder) = samples("centra") else { return };
    let sample = json(&folder.join("webhook-order-update.json"));
    let body = Bytes::from(std::fs::read(folder.join("webhook-order-update.txt")).expect("a body"));
    let transport =
        Answering { status: 500, headers: HeaderMap::new(), body: String::new(), asked: Mutex::new(vec![]) };
    let config = centra_config(text(&sample, "signing_key"));
    let shop = Centra::new(config, Arc::new(transport), Arc::new(ManualClock::at(SAMPLE_TIME)));
    let mut headers = HeaderMap::new();
    let value = text(&sample["headers"], "X-Centra-Signature");
    headers.insert("X-Centra-Signature", HeaderValue::from_str(value).expect("a header"));
    let read = shop.read_notice(&headers, &body, SAMPLE_TIME).expect("accepted");
    let seen: Vec<_> = read.iter().map(|d| (d.kind.as_str(), d.external_id.as_str(), d.fact.clone())).collect();
    assert_eq!(
        seen,
        [("order", "1042", Ok(Fact::Hint(Hint::Orders))), ("shipment", "345", Ok(Fact::Hint(Hint::Orders))),]
    );
    let refused = shop.read_notice(&headers, &flipped(&body), SAMPLE_TIME);
    assert!(matches!(refused, Err(NoticeError::NotFromThem(_))), "{refused:?}");
}
