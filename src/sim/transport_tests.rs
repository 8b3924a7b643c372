//! What happens between us and the simulated vendors, and how the auditor judges it.

use super::*;
use crate::clock::ManualClock;
use crate::sim::Options;
use serde_json::{Value, json};

struct Bench {
    world: Arc<World>,
    clock: Arc<ManualClock>,
    wire: SimTransport,
}

fn set_up(options: Options) -> Bench {
    let clock = Arc::new(ManualClock::at(options.start));
    let world = Arc::new(World::open(options));
    let wire = SimTransport::new(world.clone(), clock.clone());
    Bench { world, clock, wire }
}

impl Bench {
    fn wait(&self, span: Span) {
        self.clock.set(self.clock.now() + span);
    }

    fn send(&self, vendor: Vendor, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let connection = self.world.options().connection(vendor).clone();
        futures_util::future::FutureExt::now_or_never(self.wire.send(&connection, request)).expect("answers at once")
    }

    fn till(&self, method: &str, path: &str, body: Value) -> Result<Response<Bytes>, TransportError> {
        self.send(Vendor::LightspeedX, till_request(method, path, &body))
    }

    fn counts(&self) -> Vec<Value> {
        let body = json!({"size": 5000, "sort_direction": "asc"});
        let response = self.till("POST", "inventory", body).expect("an answer");
        serde_json::from_slice(response.body()).expect("an array")
    }

    fn set(&self, sku: &str, physical: i64) -> Result<Response<Bytes>, TransportError> {
        self.send(Vendor::Centra, shop_set(3, sku, physical))
    }

    fn read_orders(&self) {
        let query = "{orders(limit:200){number status lines{quantity productSize{id}}}}";
        assert_eq!(self.send(Vendor::Centra, shop_request(query, json!({}))).expect("an answer").status(), 200);
    }

    fn deliver_everything(&self) {
        self.wait(Span::secs(3));
        let now = self.clock.now();
        for delivery in self.world.due_deliveries(now) {
            self.world.delivered(delivery.id, 200, now);
        }
    }
}

fn till_request(method: &str, path: &str, body: &Value) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(format!("https://simulated.retail.lightspeed.app/api/2026-07/{path}"))
        .header("authorization", "Bearer simulated-till-token")
        .header("user-agent", "truecount-test")
        .body(Bytes::from(body.to_string()))
        .expect("a request")
}

fn shop_request(query: &str, variables: Value) -> Request<Bytes> {
    Request::builder()
        .method("POST")
        .uri("https://simulated.centra.com/graphql")
        .header("authorization", "Bearer simulated-shop-token")
        .body(Bytes::from(json!({"query": query, "variables": variables}).to_string()))
        .expect("a request")
}

fn shop_set(warehouse: i64, sku: &str, physical: i64) -> Request<Bytes> {
    let query = "mutation A($i:StockSetInput!){setStock(input:$i){stockChanges{id} userErrors{message path}}}";
    let rows = json!([{"productSize": {"SKU": sku}, "quantity": physical}]);
    let input = json!({"warehouse": {"id": warehouse}, "description": "count", "stockQuantityType": "PHYSICAL", "productSizes": rows});
    shop_request(query, json!({"i": input}))
}

fn retry_after(response: &Response<Bytes>) -> &str {
    response.headers()["retry-after"].to_str().expect("text")
}

#[test]
fn each_vendor_refuses_in_its_own_form_and_an_early_call_is_counted() {
    let bench = set_up(Options::still(3, 20));
    bench.world.inject(Vendor::LightspeedX, WireFault::Throttle(Span::secs(90)));
    bench.world.inject(Vendor::Centra, WireFault::Throttle(Span::secs(90)));
    let till = bench.till("GET", "outlets", json!({})).expect("an answer");
    assert_eq!((till.status().as_u16(), retry_after(&till)), (429, "Mon, 02 Mar 2026 00:01:30 GMT"));
    assert_eq!(till.body(), &Bytes::from(r#"{"error":"Too Many Requests","message":"Rate limiting enforced"}"#));
    let shop = bench.send(Vendor::Centra, shop_request("{warehouses{id}}", json!({}))).expect("an answer");
    assert_eq!((shop.status().as_u16(), retry_after(&shop)), (429, "1772409690"));
    assert_eq!((bench.world.audit().throttled_injected, bench.world.audit().early_calls), (2, 0));
    bench.wait(Span::secs(89));
    assert_eq!(bench.till("GET", "outlets", json!({})).expect("an answer").status(), 200);
    assert_eq!(bench.world.audit().early_calls, 1);
    bench.wait(Span::secs(1));
    assert_eq!(
        bench.send(Vendor::Centra, shop_request("{warehouses{id}}", json!({}))).expect("an answer").status(),
        200
    );
    assert_eq!(bench.world.audit().early_calls, 1);
    assert_eq!(bench.world.audit().calls["centra"], 2);
}

#[test]
fn the_vendors_own_rules_throttle_and_are_counted_apart() {
    let bench = set_up(Options { limits_on: true, ..Options::still(3, 20) });
    let all: Vec<u16> =
        (0..651).map(|_| bench.till("GET", "retailer", json!({})).expect("an answer").status().as_u16()).collect();
    assert_eq!((all[0], all[649], all[650]), (200, 200, 429), "two registers: 650 calls");
    let many: Vec<u16> = (0..61)
        .map(|_| {
            let answer = bench.send(Vendor::Centra, shop_request("{warehouses(limit:1){id}}", json!({})));
            answer.expect("an answer").status().as_u16()
        })
        .collect();
    assert_eq!((many[59], many[60]), (200, 429));
    assert_eq!((bench.world.audit().throttled, bench.world.audit().throttled_injected), (2, 0));

    let free = set_up(Options { limits_on: false, ..Options::still(3, 20) });
    assert!((0..700).all(|_| free.till("GET", "retailer", json!({})).expect("an answer").status() == 200));
}

#[test]
fn six_bursts_a_day_come_at_other_moments_for_each_vendor() {
    let wire = Wire::new(9);
    let mut spans: BTreeMap<(Vendor, i64), (i64, i64)> = BTreeMap::new();
    for vendor in [Vendor::LightspeedX, Vendor::Centra] {
        for second in 0..86_400 {
            if let Some((number, end)) = wire.burst(vendor, Timestamp::from_secs(1_772_409_600 + second)) {
                let entry = spans.entry((vendor, number)).or_insert((0, end.secs()));
                entry.0 += 1;
                assert_eq!(entry.1, end.secs());
            }
        }
    }
    assert_eq!(spans.len(), 12);
    assert!(spans.values().all(|(seconds, _)| (119..=361).contains(seconds)), "{spans:?}");
}

#[test]
fn a_lost_answer_was_acted_upon_and_a_lost_request_was_not() {
    let bench = set_up(Options::still(3, 20));
    let sku = bench.world.skus()[0].clone();
    bench.world.go_live(bench.clock.now());
    let before = bench.world.web_stock(&sku).expect("known").0;
    bench.counts();
    let by_hand = || bench.world.set_web_stock(&sku, before + 9).expect("known");
    by_hand();
    bench.world.inject(Vendor::Centra, WireFault::LoseRequest);
    assert!(matches!(bench.set(&sku, before), Err(TransportError::NoAnswer(_))));
    assert_eq!(bench.world.web_stock(&sku).expect("known").0, before + 9);
    bench.world.inject(Vendor::Centra, WireFault::LoseAnswer);
    assert!(matches!(bench.set(&sku, before), Err(TransportError::NoAnswer(_))));
    assert_eq!(bench.world.web_stock(&sku).expect("known").0, before);
    by_hand();
    bench.world.inject(Vendor::Centra, WireFault::ErrorAfterActing);
    assert_eq!(bench.set(&sku, before).expect("an answer").status(), 500);
    assert_eq!(bench.world.web_stock(&sku).expect("known").0, before);
    by_hand();
    bench.world.inject(Vendor::Centra, WireFault::NotConnected);
    assert!(matches!(bench.set(&sku, before), Err(TransportError::NotSent(_))));
    assert_eq!(bench.world.web_stock(&sku).expect("known").0, before + 9);
    assert_eq!(bench.world.audit().unsafe_writes, 0);
}

#[test]
fn garbled_answers_are_not_what_the_product_has_been_told() {
    let bench = set_up(Options::still(3, 20));
    bench.world.go_live(bench.clock.now());
    let sku = bench.world.skus()[0].clone();
    for fault in [WireFault::Empty, WireFault::Truncated, WireFault::WebPage] {
        bench.world.inject(Vendor::LightspeedX, fault);
        let answer = bench.till("POST", "inventory", json!({"size": 5000})).expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(serde_json::from_slice::<Value>(answer.body()).is_err(), "{fault:?}");
    }
    bench.set(&sku, 0).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 1, "no count had been told");
}

#[test]
fn a_write_is_judged_by_what_had_been_told() {
    let bench = set_up(Options::still(3, 20));
    let sku = bench.world.skus().into_iter().find(|s| bench.world.till_on_hand(s) > Some(30)).expect("plenty");
    let n = bench.world.till_on_hand(&sku).expect("known");
    bench.counts();
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 1, "before going live");
    bench.world.go_live(bench.clock.now());
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 1);
    bench.set(&sku, n - 1).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 2, "one too few");
    bench.set(&sku, n + 1).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 3, "one too many");

    // A sale that nobody has told us of yet excuses the old number; afterwards nothing does.
    bench.world.sell(&sku, "Soho", 1).or_else(|_| bench.world.sell(&sku, "King’s Cross", 1)).expect("in stock");
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 3);
    bench.deliver_everything();
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 4);
    bench.set(&sku, n - 1).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 4);
    bench.send(Vendor::Centra, shop_set(9, &sku, n - 1)).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 5, "to the returns");
}

#[test]
fn caution_is_lawful_for_some_minutes_and_no_longer() {
    let bench = set_up(Options::still(3, 20));
    bench.world.go_live(bench.clock.now());
    let sku = bench.world.skus().into_iter().find(|s| bench.world.till_on_hand(s) > Some(30)).expect("plenty");
    let n = bench.world.till_on_hand(&sku).expect("known");
    let wrong = || bench.world.audit().unsafe_writes;
    bench.counts();
    bench.wait(Span::minutes(10));
    // Whether a count includes a sale is for the vendor to know: counting it twice is too little, but no harm yet.
    bench.world.sell(&sku, "Soho", 1).or_else(|_| bench.world.sell(&sku, "King’s Cross", 1)).expect("in stock");
    bench.deliver_everything();
    bench.set(&sku, n - 2).expect("an answer");
    assert_eq!(wrong(), 0);
    bench.set(&sku, n - 3).expect("an answer");
    assert_eq!(wrong(), 1);
    bench.wait(Span::minutes(6));
    bench.set(&sku, n - 2).expect("an answer");
    assert_eq!(wrong(), 2, "minutes later it is forgetting");

    // A rise that nothing explains may be a return: held back until the sales were read to their end a while after.
    bench.world.receive(&sku, "Soho", 5).expect("known");
    bench.deliver_everything();
    bench.wait(Span::minutes(20));
    bench.set(&sku, n - 1).expect("an answer");
    assert_eq!(wrong(), 2);
    assert_eq!(bench.till("GET", "sales?after=99999999999999", json!({})).expect("an answer").status(), 200);
    bench.set(&sku, n - 1).expect("an answer");
    assert_eq!(wrong(), 3);
    bench.set(&sku, n + 4).expect("an answer");
    assert_eq!(wrong(), 3);
}

#[test]
fn the_same_description_changes_an_item_once() {
    let bench = set_up(Options::still(3, 20));
    bench.world.go_live(bench.clock.now());
    let sku = bench.world.skus()[0].clone();
    let n = bench.world.web_stock(&sku).expect("known").0;
    bench.counts();
    bench.world.inject(Vendor::Centra, WireFault::LoseRequest);
    assert!(bench.set(&sku, n).is_err());
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().surplus_effects, 0, "what never arrived may be sent again");
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().surplus_effects, 1);
}

#[test]
fn a_sale_is_never_counted_twice_whichever_notice_comes_first() {
    for counts_first in [true, false] {
        let bench = set_up(Options::still(3, 20));
        bench.world.go_live(bench.clock.now());
        let sku = bench.world.skus().into_iter().find(|s| bench.world.till_on_hand(s) > Some(30)).expect("plenty");
        let n = bench.world.till_on_hand(&sku).expect("known");
        bench.counts();
        bench.world.sell(&sku, "Soho", 1).or_else(|_| bench.world.sell(&sku, "King’s Cross", 1)).expect("in stock");
        if counts_first {
            bench.counts();
        }
        assert_eq!(bench.till("GET", "sales?after=0", json!({})).expect("an answer").status(), 200);
        bench.set(&sku, n - 1).expect("an answer");
        assert_eq!(bench.world.audit().unsafe_writes, 0);
        bench.set(&sku, n).expect("an answer");
        assert_eq!(bench.world.audit().unsafe_writes, 1);
    }
}

#[test]
fn units_on_hold_are_not_to_be_offered_even_when_only_the_count_shows_them() {
    let bench = set_up(Options::still(3, 20));
    bench.world.go_live(bench.clock.now());
    let sku = bench.world.skus()[0].clone();
    let n = bench.world.till_on_hand(&sku).expect("known");
    bench.world.return_unlinked(&sku, "Soho", 1).expect("a return");
    bench.counts();
    bench.set(&sku, n).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 0);
    bench.set(&sku, n + 1).expect("an answer");
    assert_eq!(bench.world.audit().unsafe_writes, 1);
}

#[test]
fn a_shipment_nobody_could_know_of_is_a_race_and_a_known_one_is_unsafe() {
    let bench = set_up(Options::still(3, 20));
    bench.world.go_live(bench.clock.now());
    let sku = bench.world.skus().into_iter().find(|s| bench.world.till_on_hand(s) > Some(30)).expect("plenty");
    let n = bench.world.till_on_hand(&sku).expect("known");
    bench.counts();
    let order = bench.world.place_web_order(&[(&sku, 1)]).expect("shown");
    bench.set(&sku, n).expect("an answer");
    assert_eq!((bench.world.audit().unsafe_writes, bench.world.audit().races), (0, 0), "the shop keeps its own order");
    bench.world.ship(order).expect("open");
    bench.set(&sku, n).expect("an answer");
    assert_eq!((bench.world.audit().unsafe_writes, bench.world.audit().races), (0, 1));
    bench.read_orders();
    bench.set(&sku, n - 1).expect("an answer");
    assert_eq!((bench.world.audit().unsafe_writes, bench.world.audit().races), (0, 1));
    bench.set(&sku, n).expect("an answer");
    assert_eq!((bench.world.audit().unsafe_writes, bench.world.audit().races), (1, 1));
}

#[test]
fn a_grace_excuses_what_was_told_a_moment_ago_and_no_longer() {
    for (grace, waited, unsafe_writes) in [(0, 0, 1), (2, 1, 0), (2, 3, 1)] {
        let bench = set_up(Options { write_grace: Span::secs(grace), ..Options::still(3, 20) });
        bench.world.go_live(bench.clock.now());
        let sku = bench.world.skus().into_iter().find(|s| bench.world.till_on_hand(s) > Some(30)).expect("plenty");
        let n = bench.world.till_on_hand(&sku).expect("known");
        bench.counts();
        bench.wait(Span::minutes(5));
        bench.world.sell(&sku, "Soho", 1).or_else(|_| bench.world.sell(&sku, "King’s Cross", 1)).expect("in stock");
        bench.deliver_everything();
        bench.wait(Span::secs(waited));
        bench.set(&sku, n).expect("an answer");
        assert_eq!(bench.world.audit().unsafe_writes, unsafe_writes, "grace {grace}, waited {waited}");
    }
}

#[test]
fn a_relative_change_with_the_same_description_is_a_surplus_effect() {
    let bench = set_up(Options::still(3, 20));
    bench.world.go_live(bench.clock.now());
    let sku = bench.world.skus()[0].clone();
    let query = "mutation M($i:StockChangeInput!){changeStock(input:$i){stockChange{id} userErrors{message}}}";
    let rows = json!([{"productSize": {"SKU": sku}, "deliveredQuantity": 1}]);
    let input = json!({"intoWarehouse": {"id": 9}, "description": "k=1", "productSizes": rows});
    for _ in 0..2 {
        bench.send(Vendor::Centra, shop_request(query, json!({"i": input}))).expect("an answer");
    }
    assert_eq!(bench.world.audit().surplus_effects, 1);
}

#[test]
fn an_unknown_connection_leads_nowhere() {
    let bench = set_up(Options::still(3, 20));
    let request = till_request("GET", "outlets", &json!({}));
    let nobody = ConnectionId::new("nobody");
    let sent = bench.wire.send(&nobody, request);
    let sent = futures_util::future::FutureExt::now_or_never(sent).expect("answers at once");
    assert!(matches!(sent, Err(TransportError::NotSent(_))));
}

#[test]
fn served_over_http_a_lost_answer_becomes_a_gateway_timeout() {
    let bench = set_up(Options::still(3, 20));
    bench.world.inject(Vendor::Centra, WireFault::LoseAnswer);
    let request = shop_request("{warehouses{id}}", json!({}));
    let now = bench.clock.now();
    assert_eq!(bench.world.answer(Vendor::Centra, &request, now).status(), 504);
    assert_eq!(bench.world.answer(Vendor::Centra, &request, now).status(), 200);
}
