//! Every answer that a running shop gave on a route that we call is read by the reader of that route.
//!
//! The recordings are kept outside this repository; `CONTRACTS_DIR` names the folder. Without it these tests say
//! "skipped", and with `TRUECOUNT_NO_SKIP=1` they fail instead.

use super::super::script::Script;
use super::tests::shop;
use super::*;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, which is no setting of the program")]
    std::env::var(name).ok()
}

/// The folder with the recordings, or `None` after saying so.
fn recordings() -> Option<PathBuf> {
    let folder = setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("recordings").join("magento"));
    let there = folder.filter(|folder| folder.is_dir());
    if there.is_none() {
        assert!(setting("TRUECOUNT_NO_SKIP").as_deref() != Some("1"), "CONTRACTS_DIR names no folder with recordings");
        say("skipped: CONTRACTS_DIR names no folder with recordings of this shop");
    }
    there
}

#[expect(clippy::print_stderr, reason = "a skipped test must not look like a passed one, and counts are to be seen")]
fn say(text: &str) {
    eprintln!("{text}");
}

struct Recorded {
    name: String,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    status: u16,
    body: String,
    json: bool,
    abridged: bool,
}

fn all(folder: &Path) -> Vec<Recorded> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the folder").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let named = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let kept = |path: &PathBuf| named(path).ends_with(".json") && !named(path).starts_with('_');
    files.iter().filter(|path| kept(path)).map(|path| recorded(path, named(path))).collect()
}

fn recorded(path: &Path, name: String) -> Recorded {
    let text = std::fs::read_to_string(path).expect("a text");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let (request, response) = (&file["request"], &file["response"]);
    let kind = response["headers"]["Content-Type"].as_str().unwrap_or_default();
    let json = kind.contains("json");
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let query = match &request["query"] {
        Value::Array(pairs) => pairs.iter().map(|pair| (plain(&pair[0]), plain(&pair[1]))).collect(),
        Value::String(text) => oauth1::query_pairs(text),
        _ => Vec::new(),
    };
    let body = if json { response["body"].to_string() } else { plain(&response["body"]) };
    Recorded {
        name,
        method: request["method"].as_str().expect("a method").parse().expect("a method"),
        path: request["path"].as_str().expect("a path").to_owned(),
        query,
        status: response["status"].as_u64().and_then(|status| status.try_into().ok()).expect("a status"),
        body,
        json,
        abridged: !response["abridged"].is_null(),
    }
}

impl Recorded {
    fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether only some of the fields were asked for.
    fn trimmed(&self) -> bool {
        self.asked("fields").is_some()
    }
}

type Read = Box<dyn Fn(&str) -> Result<(), Unreadable>>;

/// A reader of a whole answer.
fn one<T: 'static>(read: impl Fn(&str) -> Result<T, Unreadable> + 'static) -> Read {
    Box::new(move |text| read(text).map(drop))
}

/// A reader of a list, by a reader of its rows. Rows that were asked for without some of their fields may lack them.
fn many<T: 'static>(exchange: &Recorded, read: impl Fn(&str) -> Result<T, Unreadable> + 'static) -> Read {
    let number = |name: &str| exchange.asked(name).and_then(|text| text.parse::<usize>().ok());
    let trimmed = exchange.trimmed();
    let size = number("searchCriteria[pageSize]").filter(|size| *size > 0);
    let page = number("searchCriteria[currentPage]");
    let whole = !trimmed
        && !exchange.abridged
        && exchange.asked("searchCriteria[currentPage]").is_none_or(|page| page != "0" && page != "-1");
    Box::new(move |text| {
        let rows = match whole {
            true => wire::page("the answer", text, size.unwrap_or(usize::MAX), page.unwrap_or(1))?.0,
            false => wire::list("the answer", text)?.rows,
        };
        for raw in rows {
            match read(raw.get()) {
                Err(unreadable) if trimmed => assert!(unreadable.reason.ends_with("is missing"), "{unreadable}"),
                read => drop(read?),
            }
        }
        Ok(())
    })
}

/// The reader of a route that we call; `None` for one that we do not.
fn reader(exchange: &Recorded) -> Option<Read> {
    let path = exchange.path.strip_prefix("/rest/all/V1/").or_else(|| exchange.path.strip_prefix("/rest/V1/"))?;
    let parts: Vec<&str> = path.split('/').collect();
    let listing = |raw: &str| {
        let reading = products::Reading { barcode: "ean".into(), options: Vec::new(), prices_include_tax: true };
        products::read_raw(raw, &reading)
    };
    let both = |raw: &str| orders::read_raw(raw).and_then(|_| detail::read(raw));
    let shipment = |raw: &str| {
        orders::order_of(raw).ok_or_else(|| Unreadable::new("shipment.order_id is missing"))?;
        actions::units_of(raw)
    };
    Some(match (exchange.method.as_str(), parts.as_slice()) {
        ("GET", ["products"]) => many(exchange, listing),
        ("GET", ["products", "attributes", _, "options"]) => one(products::labels),
        ("POST", ["products"]) | ("PUT", ["products", _]) => one(listing),
        ("GET", ["orders"]) => many(exchange, both),
        ("GET", ["orders", id]) if *id != "items" => one(both),
        ("GET", ["shipments"]) => many(exchange, shipment),
        ("GET", ["shipment", _]) => one(shipment),
        ("GET", ["creditmemos"]) => many(exchange, actions::memo),
        ("GET", ["creditmemo", _]) => one(actions::memo),
        ("GET", ["inventory", "source-items"]) => many(exchange, salable::item),
        ("POST", ["inventory", "source-items"]) => one(stock::written),
        ("GET", ["inventory", "export-stock-salable-qty", "website", _]) => many(exchange, salable::offer),
        ("GET", ["inventory", "sources"]) => many(exchange, places::read_source),
        ("GET", ["inventory", "sources", _]) => one(places::read_source),
        ("GET", ["inventory", "stocks"]) => many(exchange, places::read_stock),
        ("GET", ["inventory", "stock-source-links"]) => many(exchange, places::read_link),
        ("GET", ["store", "storeViews"]) => one(master::store_views),
        ("GET", ["taxClasses", "search"]) => many(exchange, master::tax_class),
        ("GET", ["modules"]) => one(master::modules),
        ("POST", ["order", _, "invoice" | "ship" | "refund"]) => one(actions::new_id),
        ("POST", ["orders", _, "cancel" | "comments"]) | ("POST", ["configurable-products", _, "child"]) => {
            one(actions::yes)
        }
        ("POST", ["order", "notify-orders-are-ready-for-pickup"]) => one(actions::pickup),
        // The same records on routes that we do not call.
        ("GET", ["products", _]) => one(listing),
        ("GET", ["inventory", "stock-resolver", "website", _]) => one(places::read_stock),
        ("GET", ["inventory", "get-sources-assigned-to-stock-ordered-by-priority", _]) => rows(places::read_source),
        ("GET", ["configurable-products", _, "children"]) => match exchange.trimmed() {
            true => return None,
            false => rows(listing),
        },
        _ => return None,
    })
}

/// A reader of a bare list, by a reader of its rows.
fn rows<T: 'static>(read: impl Fn(&str) -> Result<T, Unreadable> + 'static) -> Read {
    Box::new(move |text| {
        let rows = super::super::json::elements("the answer", text)?;
        rows.into_iter().try_for_each(|raw| read(raw.get()).map(drop))
    })
}

/// Feeds an answer to the connector as if it had just come.
async fn told(exchange: &Recorded) -> Result<Result<Option<String>, String>, CallError> {
    let script = Script::new();
    script.then(exchange.status, exchange.body.clone());
    let shop = shop(&script);
    let mut errand = shop.errand();
    match exchange.method {
        Method::GET => errand.find("again", "/again").await.map(Ok),
        _ => Ok(errand.try_change("again", exchange.method.clone(), "/again", None).await?.map(Some)),
    }
}

#[tokio::test]
async fn every_recorded_answer_is_read() {
    let Some(folder) = recordings() else { return };
    let mut topics: BTreeMap<String, (u32, u32, u32)> = BTreeMap::new();
    let mut unread = Vec::new();
    for exchange in all(&folder) {
        let name = &exchange.name;
        let topic = topics.entry(name.split('-').next().unwrap_or(name).to_owned()).or_default();
        let Some(read) = reader(&exchange) else {
            topic.2 += 1;
            continue;
        };
        match (exchange.status, told(&exchange).await) {
            (200..=299, Ok(Ok(Some(text)))) => match exchange.json {
                true => {
                    match read(&text) {
                        Ok(()) => topic.0 += 1,
                        // Asked for without some of its fields, as we never ask.
                        Err(unreadable) if exchange.trimmed() && unreadable.reason.ends_with("is missing") => {
                            topic.0 += 1;
                        }
                        Err(unreadable) => unread.push(format!("{name}: {unreadable}")),
                    }
                    continue;
                }
                false => assert!(read(&text).is_err(), "{name} is no JSON"),
            },
            (404, Ok(Ok(None))) => {}
            (400..=498, Ok(Err(reason))) => whole_words(name, &reason),
            (400 | 404 | 405, Err(CallError { kind: CallErrorKind::Rejected { reason }, .. }))
            | (401, Err(CallError { kind: CallErrorKind::Unauthorized { reason }, .. })) => whole_words(name, &reason),
            (500..=599, Err(CallError { kind: CallErrorKind::Unavailable { reason, acted }, .. })) => {
                assert_eq!(acted, exchange.method != Method::GET, "{name}");
                whole_words(name, &reason);
            }
            (status, other) => panic!("{name}: {status} was taken for {other:?}"),
        }
        topic.1 += 1;
    }
    let sum = topics.values().fold((0, 0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1, sum.2 + n.2));
    for (topic, (read, refused, not_called)) in &topics {
        say(&format!(
            "{topic:<24} {read:>3} read, {refused:>3} refusals understood, {not_called:>3} on routes we do not call"
        ));
    }
    say(&format!(
        "{:<24} {:>3} read, {:>3} refusals understood, {:>3} on routes we do not call",
        "all", sum.0, sum.1, sum.2
    ));
    assert!(unread.is_empty(), "not read: {unread:#?}");
    assert!(sum.0 > 150 && sum.1 > 80, "{sum:?}");
}

/// Recorded: the shop's word for one order goes from "processing" to "complete" and back to "new"; its goods do not.
#[test]
fn a_state_that_goes_back_moves_no_goods() {
    let Some(folder) = recordings() else { return };
    let all = all(&folder);
    for (name, word, open) in [
        ("orders-43-state-1", "processing", 1),
        ("orders-43-state-2", "complete", 0),
        ("orders-43-state-3", "new", 0),
        ("orders-44-state", "new", 0),
    ] {
        let exchange = all.iter().find(|exchange| exchange.name.starts_with(name)).expect("a recording");
        let order = super::super::json::Object::open("order", &exchange.body).expect("an order");
        let goods = orders::goods(&order).expect("lines");
        assert_eq!(order.text("state"), Ok(Some(word.to_owned())));
        assert_eq!(goods.iter().map(|goods| (goods.open(), goods.shipped)).collect::<Vec<_>>(), [(open, 1)], "{name}");
    }
}

/// A reason for people: no gap left open, no page of HTML, one line.
fn whole_words(name: &str, reason: &str) {
    let open = reason.split('%').skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_alphanumeric()));
    assert!(!open && !reason.contains('<') && !reason.contains('\n') && !reason.is_empty(), "{name}: {reason}");
}

/// The signatures themselves were taken out of the recordings; what they were made over was not.
#[test]
fn what_a_running_shop_accepted_is_what_we_sign() {
    let Some(folder) = recordings() else { return };
    let all = all(&folder);
    let of = |start: &str| all.iter().find(|exchange| exchange.name.starts_with(start)).expect("a recording");
    let (refused, accepted) = (of("auth-29"), of("auth-30"));
    assert_eq!((refused.status, accepted.status), (401, 200));
    let names: Vec<String> = accepted.query.iter().map(|(name, _)| percent::encode(name)).collect();
    let mut natural = names.clone();
    natural.sort_by(|a, b| oauth1::natural(a, b));
    let mut by_bytes = names;
    by_bytes.sort();
    assert_ne!(natural, by_bytes, "the two orders differ for twelve groups");
    let base = oauth1::base_string("GET", "http://a/", &accepted.query);
    let at = |group: &str| {
        base.find(&percent::encode(&percent::encode(&format!("[filter_groups][{group}]")))).expect("a group")
    };
    assert!(at("2") < at("10") && at("9") < at("11") && at("0") < at("1"));
    // A space is sent as %20; the recording with a plus was refused.
    assert_eq!((of("auth-31").status, of("auth-32").status), (200, 401));
    let asked = criteria::Criteria::new().and("updated_at", "gt", "2026-01-01 00:00:00").query();
    assert!(asked.contains("2026-01-01%2000%3A00%3A00"));
    // What was accepted was sent encoded and signed decoded; we do both.
    for (refused, accepted, signed) in
        [("auth-33", "auth-35", "%2Fproducts%2FAB%2F12%2520X&"), ("auth-36", "auth-37", "%2Fproducts%2FA%2BB%26C%3DD&")]
    {
        assert_eq!((of(refused).status, of(accepted).status), (401, 200));
        let keys = super::super::credential::OAuth1 {
            consumer_key: "ck".into(),
            consumer_secret: "cs".to_owned().into(),
            token: "at".into(),
            token_secret: "ts".to_owned().into(),
        };
        let request = oauth1::Request {
            method: "GET",
            base: "http://127.0.0.1:8091",
            path: &of(accepted).path,
            nonce: "n",
            at: Timestamp::from_secs(1_770_000_000),
        };
        let header = oauth1::authorization(&keys, &request).expect("a header");
        let params: Vec<(String, String)> = [
            ("oauth_consumer_key", "ck"),
            ("oauth_nonce", "n"),
            ("oauth_signature_method", "HMAC-SHA256"),
            ("oauth_timestamp", "1770000000"),
            ("oauth_token", "at"),
            ("oauth_version", "1.0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let tail = percent::decode(signed.trim_end_matches('&'));
        let address = format!("http://127.0.0.1:8091/rest/V1{tail}");
        let signature = oauth1::sign("cs", "ts", &oauth1::base_string("GET", &address, &params));
        assert!(header.ends_with(&format!("oauth_signature=\"{}\"", percent::encode(&signature))), "{accepted}");
    }
}

/// After each recorded step, what our readings show on the sources adds up to what the stock offered.
#[test]
fn the_recorded_stock_ledger_adds_up() {
    let Some(folder) = recordings() else { return };
    let text = std::fs::read_to_string(folder.join("_stock-ledger.json")).expect("the ledger");
    let ledger: Value = serde_json::from_str(&text).expect("JSON");
    let codes = ["warehouse", "store_malmo", "store_lund"];
    let source = |code: &str| places::Source { code: code.into(), name: String::new(), enabled: true, pickup: false };
    let places = Places {
        sources: codes.iter().map(|code| source(code)).collect(),
        stocks: vec![places::Stock {
            id: 2,
            websites: vec!["base".into()],
            sources: codes.map(str::to_owned).to_vec(),
        }],
    };
    let steps = ledger["steps"].as_array().expect("steps");
    for step in steps {
        let sku = step["sku"].as_str().expect("a SKU");
        let items: Vec<salable::Item> = step["source_items"]
            .as_object()
            .expect("rows")
            .iter()
            .map(|(source, quantity)| salable::Item {
                sku: sku.to_owned(),
                source: source.clone(),
                quantity: quantity.as_i64().expect("units") * wire::PARTS,
                in_stock: true,
            })
            .collect();
        let offered = step["salable_stock_2"].as_i64().expect("units");
        let rows = HashMap::from([(salable::folded(sku), Some(offered * wire::PARTS))]);
        let offers = salable::Offers { rows, fewer_than_counted: false };
        let readings = salable::readings(&places, &[offers], &ProductKey::new(sku), &items);
        assert_eq!(readings.iter().map(|reading| reading.sellable).sum::<i64>(), offered, "{step}");
        assert!(readings.iter().all(|reading| reading.physical - reading.allocated == reading.sellable), "{step}");
    }
    say(&format!("{} steps of the stock ledger add up", steps.len()));
}
