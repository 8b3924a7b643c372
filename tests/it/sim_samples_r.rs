//! The simulated R-Series till against the sample exchanges: the same status, the same keys, all scalars strings.
//!
//! The samples are kept outside this repository; `CONTRACTS_DIR` names the folder. Without it these tests say
//! "skipped", and with `TRUECOUNT_NO_SKIP=1` they fail instead.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use truecount::domain::time::Span;
use truecount::sim::{Options, Vendor, WireFault, World};

#[expect(clippy::disallowed_methods, reason = "the samples lie outside the project")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn samples() -> Option<PathBuf> {
    let folder = setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("samples/lightspeed-r/rebuilt-v3"));
    match folder.filter(|folder| folder.is_dir()) {
        Some(folder) => Some(folder),
        None => {
            assert!(setting("TRUECOUNT_NO_SKIP").as_deref() != Some("1"), "CONTRACTS_DIR names no R-Series samples");
            #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
            {
                eprintln!("skipped: CONTRACTS_DIR names no folder with R-Series samples");
            }
            None
        }
    }
}

fn sample(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("the sample");
    serde_json::from_str(&text).expect("JSON")
}

/// Every path of keys that ends in a scalar; one of a kind and many look the same.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| shape(inner, &format!("{path}/{key}"), out)),
        Value::Array(rows) => rows.iter().for_each(|row| shape(row, path, out)),
        Value::String(_) => drop(out.insert(path.to_owned())),
        other => drop(out.insert(format!("{path}: {other}"))),
    }
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    shape(value, "", &mut out);
    out
}

struct Till {
    world: World,
    sku: String,
    item: String,
}

fn till() -> Till {
    let world = World::open(Options { limits_on: false, ..Options::still(2, 60) }.with_r_series());
    let sku = world.skus().into_iter().find(|sku| world.till_on_hand(sku) > Some(45)).expect("plenty");
    let item = world.keys(&sku).expect("known").0;
    Till { world, sku, item }
}

impl Till {
    fn answer(&self, method: &str, path: &str, body: &Value) -> (u16, http::HeaderMap, Value) {
        self.as_whom("simulated-till-token", method, path, body)
    }

    fn as_whom(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, http::HeaderMap, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) })
            .expect("a request");
        let answer = self.world.answer(Vendor::LightspeedR, &request, self.world.now());
        let value = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), answer.headers().clone(), value)
    }

    /// The request of a sample, with the ids of this world.
    fn play(&self, sample: &Value, ids: &[(&str, &str)]) -> (u16, http::HeaderMap, Value) {
        let request = &sample["request"];
        let mut path = request["path"].as_str().expect("a path").replace("100001", &self.world.till_account());
        for (theirs, ours) in ids {
            path = path.replace(theirs, ours);
        }
        self.answer(request["method"].as_str().expect("a method"), &path, &request["body"])
    }
}

/// What only one of the two says, without what is known to differ and why.
fn differing(theirs: &Value, ours: &Value, known: &[&str]) -> Vec<String> {
    let (theirs, ours) = (shape_of(theirs), shape_of(ours));
    let differs = theirs.symmetric_difference(&ours);
    differs.filter(|path| !known.iter().any(|known| path.contains(known))).cloned().collect()
}

const NONE: Vec<String> = Vec::new();

#[test]
fn lists_have_the_sampled_keys() {
    let Some(folder) = samples() else { return };
    let till = till();
    let sale = till.world.sell(&till.sku, "King’s Cross", 2).expect("in stock");
    till.world.park(&till.sku, "Soho", 1).expect("parked");
    let voided = till.world.sell(&till.sku, "Soho", 1).expect("in stock");
    till.world.advance_to(till.world.now() + Span::minutes(3));
    till.world.void(&voided).expect("closed");
    till.world.return_linked(&sale, &[1]).expect("a return");
    // The sum row says what its units cost on average, by the paper; the samples leave it out.
    let average = "/averageCost";
    for (name, ids, known) in [
        ("item-list-page-1", vec![], vec![average]),
        ("item-list-empty", vec![], vec![]),
        ("item-one-relation-object", vec![("Item/80", "Item/8")], vec![average]),
        ("item-count", vec![], vec![]),
        ("itemshop-feed", vec![("2026-02-02", "2026-03-01")], vec![average]),
        ("inventorylog-page", vec![("5000", "0")], vec![]),
        // Nobody is named in a sale of the stores.
        ("sale-completed-split-tender", vec![("2026-02-02", "2026-03-01")], vec!["/Customer/"]),
        ("salevoid-list", vec![], vec![]),
        ("register-calculated", vec![], vec![]),
    ] {
        let sample = sample(&folder, name);
        let (status, _, ours) = till.play(&sample, &ids);
        assert_eq!(u64::from(status), sample["response"]["status"].as_u64().expect("one"), "{name}: {ours}");
        // A sale that is not completed has payments of none.
        let known: Vec<&str> = known.into_iter().chain(["/SalePayments", "/SaleVoids"]).collect();
        assert_eq!(differing(&sample["response"]["body"], &ours, &known), NONE, "{name}");
    }
    let paid = sample(&folder, "sale-completed-split-tender");
    let path = format!("Sale/{sale}.json?load_relations=%5B%22SalePayments%22%2C%22SalePayments.PaymentType%22%5D");
    let (_, _, ours) =
        till.answer("GET", &format!("/API/V3/Account/{}/{path}", till.world.till_account()), &json!(null));
    assert_eq!(differing(&paid["response"]["body"]["Sale"]["SalePayments"], &ours["Sale"]["SalePayments"], &[]), NONE);
}

#[test]
fn writes_answer_with_the_sampled_keys() {
    let Some(folder) = samples() else { return };
    let till = till();
    let account = till.world.till_account();
    let api = |path: &str| format!("/API/V3/Account/{account}/{path}");
    let (_, _, made) = till.answer("POST", &api("Customer.json"), &json!({"firstName": "A", "lastName": "B"}));
    let customer = made["Customer"]["customerID"].clone();

    let sample_of = |name: &str| sample(&folder, name);
    let put = sample_of("item-put-qoh-absolute");
    let (status, _, ours) = till.play(&put, &[("Item/77", &format!("Item/{}", till.item))]);
    assert_eq!((status, differing(&put["response"]["body"], &ours, &["/averageCost"])), (200, NONE));

    for (name, full) in [("saleline-layaway-reserved", true), ("saleline-layaway-short", false)] {
        let aside = sample_of(name);
        let mut body = aside["request"]["body"].clone();
        (body["customerID"], body["itemID"]) = (customer.clone(), json!(till.item));
        let path = aside["request"]["path"].as_str().expect("a path").replace("100001", &account);
        let (status, _, ours) = till.answer("POST", &path, &body);
        assert_eq!((status, differing(&aside["response"]["body"], &ours, &[])), (200, NONE), "{name} {full}");
    }

    let sale = till.world.sell(&till.sku, "Soho", 1).expect("in stock");
    let refund = sample_of("sale-refund-endpoint");
    let body =
        json!({"employeeID": 2, "registerID": 2, "shopID": 2, "SalePayments": {"SalePayment": {"paymentTypeID": 2}}});
    let (status, _, ours) = till.answer("POST", &api(&format!("Sale/{sale}/refund.json")), &body);
    // The answer shows lines and payments; who pays and what a payment type is called has to be asked for.
    let known = ["/Customer/", "/PaymentType/"];
    assert_eq!((status, differing(&refund["response"]["body"], &ours, &known)), (200, NONE));

    till.answer("POST", &api("Register/1/close.json"), &json!({}));
    let counts = sample_of("registercount-list");
    let (_, _, ours) = till.play(&counts, &[]);
    // The sample asks for the payment types and does not show them.
    assert_eq!(differing(&counts["response"]["body"], &ours, &["/PaymentType/"]), NONE);
    let days = sample_of("paymentsbyday");
    let (_, _, ours) = till.play(&days, &[("2026-02-02", "2026-03-02")]);
    assert_eq!(differing(&days["response"]["body"], &ours, &[]), NONE);
}

#[test]
fn refusals_are_the_sampled_ones() {
    let Some(folder) = samples() else { return };
    let till = till();
    let skus = till.world.skus();
    till.world.share_barcode(&skus[0], &skus[1]).expect("known");
    let check = |name: &str, (status, headers, body): (u16, http::HeaderMap, Value)| {
        let sample = sample(&folder, name);
        let theirs = &sample["response"];
        assert_eq!(u64::from(status), theirs["status"].as_u64().expect("one"), "{name}");
        assert_eq!(body, theirs["body"], "{name}");
        let kind = headers["content-type"].to_str().expect("text");
        assert_eq!(Some(kind), theirs["headers"]["Content-Type"].as_str(), "{name}");
        if status == 429 {
            for name in theirs["headers"].as_object().expect("headers").keys() {
                assert!(headers.contains_key(name.as_str()), "{name}");
            }
        }
    };
    let play = |name: &str, ids: &[(&str, &str)]| till.play(&sample(&folder, name), ids);
    check("error-400-json-as-html", play("error-400-json-as-html", &[]));
    check(
        "error-422-duplicate-ean-on-stock-put",
        play("error-422-duplicate-ean-on-stock-put", &[("Item/77", "Item/1")]),
    );
    till.world.inject(Vendor::LightspeedR, WireFault::Throttle(Span::secs(3)));
    check("error-429-bucket", play("error-429-bucket", &[]));
    let busy = World::open(Options::still(2, 20).with_r_series());
    let busy = Till { world: busy, sku: String::new(), item: String::new() };
    let shops = format!("/API/V3/Account/{}/Shop.json", busy.world.till_account());
    let last = (0..23).map(|_| busy.answer("GET", &shops, &json!(null))).last().expect("one");
    check("error-429-burst", last);
    check("error-401-expired", till.as_whom("unknown", "GET", &shops, &json!(null)));

    let renew = |token: &str| {
        let body = json!({
            "client_id": "simulated-till-client", "client_secret": "simulated-till-client-secret",
            "grant_type": "refresh_token", "refresh_token": token,
        });
        till.as_whom("", "POST", "/auth/oauth/token", &body)
    };
    let (status, _, pair) = renew("simulated-till-refresh-token");
    let sampled = sample(&folder, "oauth-token-refresh");
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!((status, names(&pair)), (200, names(&sampled["response"]["body"])));
    assert_eq!(pair["expires_in"], sampled["response"]["body"]["expires_in"]);
    check("error-401-revoked", till.answer("GET", &shops, &json!(null)));
    till.as_whom(pair["access_token"].as_str().expect("a token"), "GET", &shops, &json!(null));
    check("oauth-token-invalid-grant", renew("simulated-till-refresh-token"));
}
