//! The shop of the recordings, and how a recorded exchange is played to it again.
//!
//! Keys are scrubbed in the recordings. `Bearer` stands for an integration whose token is taken as a bearer, which
//! the recorded shop had switched on. `OAuth` is signed anew, by a signer of the test's own; what was wrong with a
//! recorded signature is made wrong again, by the name of the exchange. Ids of bulks are those of this shop.

use super::shape;
use super::signer::{Signing, authorization};
use crate::domain::time::Timestamp;
use crate::sim::magento::{Account, Address, Basket, Integration, Limits, NotPlaced, Wish};
use bytes::Bytes;
use http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub(super) const BASE: &str = "http://127.0.0.1:8091";
/// 2026-11-21 00:00:00 UTC.
const DAY: i64 = 1_795_219_200;

/// How an exchange went.
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) wrong: Option<String>,
    pub(super) exact: bool,
}

pub(super) struct Stage {
    pub(super) shop: Account,
    pub(super) now: Timestamp,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) folder: PathBuf,
    pub(super) ledger_wrong: Vec<String>,
    pub(super) ledger_seen: BTreeSet<usize>,
    admin: String,
    bulks: BTreeMap<String, String>,
    nonces: usize,
}

/// A shop as the recorded one was before anything was put into it.
pub(super) fn fresh() -> Account {
    let mut shop = Account::new(BASE);
    shop.switches.bearer_integrations = true;
    shop.switches.admin_token_minutes = 1440;
    for (key, resources) in [("k1", None), ("k2", Some(BTreeSet::from(["Magento_Catalog::products".to_owned()])))] {
        shop.add_integration(Integration {
            consumer_key: key.to_owned(),
            consumer_secret: format!("{key}-secret"),
            token: format!("{key}-token"),
            token_secret: format!("{key}-token-secret"),
            resources,
        });
    }
    shop.add_admin("admin", "right");
    shop.add_admin("locktest", "right");
    shop
}

fn encode(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

pub(super) fn pieces(count: i64) -> Decimal {
    Decimal::from(count)
}

impl Stage {
    pub(super) fn new(folder: PathBuf) -> Stage {
        let mut stage = Stage {
            shop: fresh(),
            now: Timestamp::from_secs(DAY + 18 * 3600 + 39 * 60),
            outcomes: Vec::new(),
            folder,
            ledger_wrong: Vec::new(),
            ledger_seen: BTreeSet::new(),
            admin: String::new(),
            bulks: BTreeMap::new(),
            nonces: 0,
        };
        let login = json!({"username": "admin", "password": "right"});
        let token = stage.ask("POST", "/rest/V1/integration/admin/token", "", Some(&login));
        stage.admin = token.1.as_str().expect("a token").to_owned();
        stage
    }

    /// Puts the clock to a time of the recorded day.
    pub(super) fn at(&mut self, time: &str) {
        let parts: Vec<i64> = time.split(':').map(|part| part.parse().unwrap()).collect();
        self.now = Timestamp::from_secs(DAY + parts[0] * 3600 + parts[1] * 60 + parts[2]);
    }

    fn send(&mut self, request: Request<Bytes>) -> (u16, String, String) {
        let response = self.shop.answer(&request, self.now);
        let kind = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        (response.status().as_u16(), kind, String::from_utf8(response.body().to_vec()).unwrap())
    }

    /// A request of the test's own, by the integration that may do everything.
    pub(super) fn ask(&mut self, method: &str, path: &str, query: &str, body: Option<&Value>) -> (u16, Value) {
        let uri = if query.is_empty() { format!("{BASE}{path}") } else { format!("{BASE}{path}?{query}") };
        let mut request = Request::builder().method(method).uri(uri).header("authorization", "Bearer k1-token");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let (status, _, text) = self.send(request.body(Bytes::from(body)).unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Plays a recorded exchange and looks at the answer.
    pub(super) fn play(&mut self, name: &'static str) {
        let text = std::fs::read_to_string(self.folder.join(format!("{name}.json"))).expect(name);
        let recorded: Value = serde_json::from_str(&text).unwrap();
        let request = self.request(name, &recorded["request"]);
        let (status, kind, body) = self.send(request);
        let wanted = &recorded["response"];
        let answered = serde_json::from_str::<Value>(&body);
        let (wrong, exact) = judge(name, wanted, status, &kind, &body, answered.as_ref().ok());
        if let (Some(theirs), Ok(ours)) = (wanted["body"]["bulk_uuid"].as_str(), &answered) {
            self.bulks.insert(theirs.to_owned(), ours["bulk_uuid"].as_str().unwrap_or_default().to_owned());
        }
        self.outcomes.push(Outcome { name, wrong, exact });
    }

    /// Plays several, their names parted by blanks.
    pub(super) fn play_all(&mut self, names: &'static str) {
        names.split_whitespace().for_each(|name| self.play(name));
    }

    fn request(&mut self, name: &str, recorded: &Value) -> Request<Bytes> {
        let method = recorded["method"].as_str().unwrap();
        let mut path = recorded["path"].as_str().unwrap().to_owned();
        for (theirs, ours) in &self.bulks {
            path = path.replace(theirs, ours);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        let query = match &recorded["query"] {
            Value::Array(list) => {
                for pair in list {
                    let word = |at: usize| pair[at].as_str().map_or_else(|| pair[at].to_string(), str::to_owned);
                    pairs.push((word(0), word(1)));
                }
                pairs.iter().map(|(n, v)| format!("{n}={}", encode(v))).collect::<Vec<_>>().join("&")
            }
            Value::String(text) => {
                pairs = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
                text.clone()
            }
            _ => String::new(),
        };
        let uri = if query.is_empty() { format!("{BASE}{path}") } else { format!("{BASE}{path}?{query}") };
        let mut request = Request::builder().method(method).uri(&uri);
        for (header, value) in recorded["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap();
            let value = match value.split(' ').next() {
                Some(scheme) if header == "Authorization" => self.credentials(name, scheme, method, &path, &pairs),
                _ => value.to_owned(),
            };
            request = request.header(header, value);
        }
        let body = match (&recorded["body_raw"], &recorded["body"]) {
            (Value::String(raw), _) => raw.clone(),
            (_, Value::Null) => String::new(),
            (_, body) => body.to_string().replace("<scrubbed password>", "right"),
        };
        request.body(Bytes::from(body)).unwrap()
    }

    fn credentials(
        &mut self,
        name: &str,
        scheme: &str,
        method: &str,
        path: &str,
        query: &[(String, String)],
    ) -> String {
        match (scheme, name) {
            ("OAuth", _) => self.sign(name, method, path, query),
            (_, "auth-02-bearer-garbage") => "Bearer garbage".to_owned(),
            (_, "auth-07-admin-bearer-ok") => format!("Bearer {}", self.admin),
            (_, "auth-08-admin-bearer-tampered") => format!("Bearer {}x", self.admin),
            (_, "auth-10-acl-missing") => "Bearer k2-token".to_owned(),
            (scheme, _) => format!("{scheme} k1-token"),
        }
    }

    fn sign(&mut self, name: &str, method: &str, path: &str, query: &[(String, String)]) -> String {
        self.nonces += 1;
        let nonce = if name.contains("nonce-reused") { "n-1".to_owned() } else { format!("n-{}", self.nonces) };
        let decoded = path.replace("%2F", "/").replace("%2B", "+").replace("%26", "&").replace("%3D", "=");
        let signed_decoded = name.contains("signed-decoded");
        let url = format!("{BASE}{}", if signed_decoded { decoded.as_str() } else { path });
        let at = match name {
            "auth-20-oauth-timestamp-future-700s" => self.now.secs() + 700,
            "auth-21-oauth-timestamp-past-2h" => self.now.secs() - 7200,
            _ => self.now.secs(),
        };
        let unknown = name.contains("unknown-consumer");
        authorization(&Signing {
            method,
            url: &url,
            query: if name.contains("query-not-signed") { Vec::new() } else { query.to_vec() },
            key: if unknown { "nobody" } else { "k1" },
            secret: "k1-secret",
            token: if name.contains("unknown-token") { "nothing" } else { "k1-token" },
            token_secret: if name.contains("bad-signature") { "wrong" } else { "k1-token-secret" },
            nonce: &nonce,
            at,
            algorithm: if name.contains("hmac-sha1") { "HMAC-SHA1" } else { "HMAC-SHA256" },
            by_bytes: name.contains("byte-sorted"),
            without: if name.contains("parameter-absent") { "oauth_nonce" } else { "" },
        })
    }

    /// Somebody comes too late, which uses up an increment id all the same.
    pub(super) fn is_sold_out(&mut self, sku: &str) {
        let refused = self.shop.place(&basket(&[(sku, 1)], false, None), self.now);
        assert_eq!(refused, Err(NotPlaced::NotEnough(sku.to_owned())));
    }

    /// Somebody buys; the order must get the recorded entity id.
    pub(super) fn place(&mut self, id: i64, goods: &[(&str, i64)], coupon: bool, pickup: Option<&str>) {
        assert_eq!(self.shop.place(&basket(goods, coupon, pickup), self.now), Ok(id), "order {id}");
    }
}

/// A basket of the one customer of the recordings.
pub(super) fn basket(goods: &[(&str, i64)], coupon: bool, pickup: Option<&str>) -> Basket {
    let wish = |(sku, count): &(&str, i64)| Wish { sku: (*sku).to_owned(), quantity: pieces(*count) };
    Basket {
        wishes: goods.iter().map(wish).collect(),
        coupon: coupon.then(|| ("TEN".to_owned(), pieces(10))),
        pickup: pickup.map(str::to_owned),
        address: Address {
            firstname: "Åsa".to_owned(),
            lastname: "Öberg".to_owned(),
            street: vec!["Drottninggatan 5".to_owned(), "lgh 1201".to_owned()],
            city: "Malmö".to_owned(),
            postcode: "21143".to_owned(),
            country: "SE".to_owned(),
            telephone: "0701234567".to_owned(),
            email: "asa@example.test".to_owned(),
        },
    }
}

impl Stage {
    /// Counts of a SKU in warehouse, Malmö, Lund and the default source.
    pub(super) fn stock(&mut self, sku: &str, counts: [i64; 4]) {
        for (source, count) in ["warehouse", "store_malmo", "store_lund", "default"].iter().zip(counts) {
            self.shop.edit_stock(sku, source, pieces(count));
        }
    }

    /// Compares salable and physical quantities with a step of the recorded ledger.
    pub(super) fn ledger(&mut self, at: usize) {
        let text = std::fs::read_to_string(self.folder.join("_stock-ledger.json")).unwrap();
        let all: Value = serde_json::from_str(&text).unwrap();
        let step = &all["steps"][at];
        let sku = step["sku"].as_str().unwrap();
        let wanted = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
        let mut complain = |what: &str, found: Decimal, wanted: Decimal| {
            if found != wanted {
                self.ledger_wrong.push(format!("{at} {} {sku} {what}: {found} and not {wanted}", step["after"]));
            }
        };
        complain("salable", self.shop.salable(sku, 2), wanted(&step["salable_stock_2"]));
        for (source, quantity) in step["source_items"].as_object().unwrap() {
            complain(source, self.shop.physical(sku, source).unwrap_or_default(), wanted(quantity));
        }
        self.ledger_seen.insert(at);
    }

    pub(super) fn limit(&mut self, on: bool) {
        let limits = Limits { page_size: 10, default_page_size: 7, list: 5, async_list: 5000 };
        self.shop.switches.limits = on.then_some(limits);
    }
}

fn judge(
    name: &str,
    wanted: &Value,
    status: u16,
    kind: &str,
    body: &str,
    answered: Option<&Value>,
) -> (Option<String>, bool) {
    let recorded = &wanted["body"];
    if Some(u64::from(status)) != wanted["status"].as_u64() {
        return (Some(format!("{name}: {status} and not {}: {body:.200}", wanted["status"])), false);
    }
    let recorded_kind = wanted["headers"]["Content-Type"].as_str().unwrap_or_default();
    let family = |kind: &str| kind.split(';').next().unwrap_or_default().to_owned();
    if family(recorded_kind) != family(kind) {
        return (Some(format!("{name}: {kind} and not {recorded_kind}")), false);
    }
    let Some(answered) = answered.filter(|_| family(kind) == "application/json") else {
        let page = family(kind) == "text/html" || name.starts_with("fault-");
        // Elements come in no particular order.
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let same = page || recorded.as_str().is_some_and(|text| sorted(text) == sorted(body));
        return ((!same).then(|| format!("{name}: {body}")), same);
    };
    let exact = shape::equal(recorded, answered);
    let worded = wanted["status"].as_u64() >= Some(400);
    let bare = !recorded.is_object() && !recorded.is_array() && !recorded.to_string().contains("scrubbed");
    if (worded || bare) && !exact {
        return (Some(format!("{name}: {answered} and not {recorded}")), false);
    }
    (shape::differs(recorded, answered, name), exact)
}
