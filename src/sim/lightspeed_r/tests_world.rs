//! A world whose till is R-Series: it trades, its books balance, and the auditor is as strict.

use super::super::auditor::{Knowledge, Mark};
use super::super::habits::Habits;
use super::super::options::{Fault, Options, Vendor};
use super::super::till::{CLOSED, VOIDED};
use super::super::transport::WireFault;
use super::super::world::World;
use super::tables::{At, Kind};
use super::tests::{BASE, follow, get, list, plenty, send, still, words};
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn r_world(seed: u64, hours: i64) -> World {
    let world = World::open(
        Options { seed, skus: 120, limits_on: false, till_token_lasts: Span::hours(99), ..Options::default() }
            .with_r_series(),
    );
    world.advance_to(world.now() + Span::hours(hours));
    world
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn pence(value: &Value, name: &str) -> i64 {
    let amount: f64 = value[name].as_str().and_then(|text| text.parse().ok()).expect("an amount");
    (amount * 100.0).round() as i64
}

#[test]
fn a_day_of_trade_balances_as_the_wire_tells_it() {
    let world = r_world(5, 30);
    let relations = words(&["SaleLines", "SalePayments"]);
    let sales: Vec<Value> =
        follow(&world, &format!("Sale.json?sort=timeStamp&load_relations={relations}"), "Sale").concat();
    assert!(sales.len() > 700, "{}", sales.len());
    let mut moved: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    let mut parents = 0;
    let start = "2026-03-02T00:00:00+00:00";
    for sale in sales.iter().filter(|sale| sale["voided"] == "false" && sale["completed"] == "true") {
        assert_eq!(pence(sale, "balance"), 0, "{sale}");
        assert_eq!(
            pence(sale, "total"),
            pence(sale, "calcSubtotal") - pence(sale, "calcDiscount") + pence(sale, "calcTax1")
        );
        let paid: i64 = list(&sale["SalePayments"]["SalePayment"]).iter().map(|p| pence(p, "amount")).sum();
        assert_eq!(paid, pence(sale, "calcPayments"));
        let lines = list(&sale["SaleLines"]["SaleLine"]);
        assert!(!lines.is_empty() && lines.iter().all(|line| number(line, "unitQuantity") != 0));
        parents += lines.iter().filter(|line| line["parentSaleLineID"] != "0").count();
        if sale["createTime"].as_str() >= Some(start) {
            for line in lines {
                *moved.entry((number(&line, "itemID"), number(&line, "shopID"))).or_default() -=
                    number(&line, "unitQuantity");
            }
        }
    }
    assert!(parents > 10, "{parents}");
    let mut logged: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for row in follow(&world, "InventoryLog.json?limit=100", "InventoryLog").concat() {
        if row["saleID"] != "0" {
            *logged.entry((number(&row, "itemID"), number(&row, "shopID"))).or_default() += number(&row, "qohChange");
        }
    }
    moved.retain(|_, units| *units != 0);
    logged.retain(|_, units| *units != 0);
    assert_eq!(moved, logged);
    let state = world.lock();
    for item in 0..state.range.items.len() {
        assert_eq!(state.books.on_hand(item), state.till.on_hand(item));
    }
    assert!(state.till.sales.iter().all(|sale| sale.status != CLOSED || sale.version > 0));
    drop(state);
    let counts = follow(
        &world,
        &format!("RegisterCount.json?load_relations={}", words(&["RegisterCountAmounts"])),
        "RegisterCount",
    );
    assert_eq!(counts.concat().len(), 2, "two drawers in the evening");
    for count in counts.concat() {
        let amounts = list(&count["RegisterCountAmounts"]["RegisterCountAmount"]);
        assert!(amounts.iter().all(|a| a["paymentTypeID"] == "1" || a["actual"] == a["calculated"]), "{amounts:?}");
        assert!(pence(&amounts[1], "calculated") > 100_000, "{amounts:?}");
    }
    let till = world.options().till_connection;
    let told = world.due_deliveries(world.now());
    assert!(told.iter().all(|notice| notice.connection != till), "the till tells nobody anything");
}

#[test]
fn the_same_seed_is_the_same_world_and_the_same_day_as_at_another_vendors_till() {
    let (one, again) = (r_world(5, 24), r_world(5, 24));
    assert_eq!((one.log_hash(), one.audit()), (again.log_hash(), again.audit()));
    assert_ne!(one.log_hash(), r_world(6, 24).log_hash());
    let x = World::open(Options { seed: 5, skus: 120, ..Options::default() });
    x.advance_to(x.now() + Span::hours(24));
    let goods = |world: &World| {
        let state = world.lock();
        let counts: Vec<i64> = (0..state.range.items.len()).map(|item| state.till.on_hand(item)).collect();
        let moved = |sale: &&super::super::till::Sale| sale.status == CLOSED || sale.status == VOIDED;
        let lines = |sale: &super::super::till::Sale| -> Vec<(usize, i64)> {
            sale.lines.iter().map(|l| (l.item, l.quantity)).filter(|(_, units)| *units != 0).collect()
        };
        (counts, state.till.sales.iter().filter(moved).map(lines).collect::<Vec<_>>())
    };
    assert_eq!(goods(&one), goods(&x));
}

#[test]
fn a_claim_about_a_second_covers_everything_that_is_stamped_with_it() {
    let world = still();
    let (sku, _) = plenty(&world);
    let wrong = |mark: Mark, as_of: Timestamp| {
        let before = world.audit().false_marks;
        world.claimed(mark, as_of.micros(), Timestamp(0));
        world.audit().false_marks - before
    };
    let second = world.now() + Span::secs(100);
    world.advance_to(second + Span::millis(300));
    world.sell(&sku, "Soho", 1).expect("in stock");
    let relations = words(&["SaleLines"]);
    let read = || get(&world, &format!("Sale.json?sort=timeStamp&load_relations={relations}"));
    assert_eq!(read()["Sale"]["timeStamp"], "2026-03-02T00:01:40+00:00");
    assert_eq!(wrong(Mark::Sales, second - Span::secs(1)), 0);
    assert_eq!(wrong(Mark::Sales, second), 1, "the second is still running");
    world.advance_to(second + Span::millis(700));
    world.sell(&sku, "Soho", 1).expect("in stock");
    world.advance_to(second + Span::millis(1_100));
    assert_eq!(wrong(Mark::Sales, second - Span::secs(1)), 0);
    assert_eq!(wrong(Mark::Sales, second), 1, "the same second, and not all of it");
    get(&world, "Sale.json?sort=timeStamp");
    assert_eq!(wrong(Mark::Sales, second + Span(1)), 1, "without its lines a sale is not known");
    read();
    assert_eq!(wrong(Mark::Sales, second), 0);
    let counts = |path: &str| drop(follow(&world, path, "ItemShop"));
    counts("ItemShop.json?sort=timeStamp");
    assert_eq!(wrong(Mark::Counts, second), 0);
    world.advance_to(second + Span::millis(1_300));
    world.sell(&sku, "Soho", 1).expect("in stock");
    world.advance_to(second + Span::secs(2));
    assert_eq!((wrong(Mark::Counts, second), wrong(Mark::Counts, second + Span::secs(1))), (0, 1));
    counts("ItemShop.json?sort=timeStamp&timeStamp=%3E%3D%2C2026-03-02T00:01:41%2B00:00");
    assert_eq!(wrong(Mark::Counts, second), 0);
    assert_eq!(wrong(Mark::Counts, second + Span::secs(1)), 0);
}

#[test]
fn what_moved_is_told_by_the_second() {
    let world = still();
    let (sku, _) = plenty(&world);
    world.advance_to(world.now() + Span::millis(5_300));
    let sale = world.sell(&sku, "Soho", 2).expect("in stock");
    let at = (world.now() - Span::millis(300)).micros();
    world.advance_to(world.now() + Span::minutes(3));
    world.void(&sale).expect("closed");
    let lines = world.true_lines();
    let steps: Vec<i64> = lines.iter().flat_map(|line| &line.steps).map(|(_, units)| *units).collect();
    assert_eq!((lines.len(), steps, lines[0].steps[0].0), (1, vec![-2, 2], at));
    assert_eq!((lines[0].sale.as_str(), lines[0].line.as_str(), lines[0].outlet.as_str()), ("1", "1", "2"));
    assert_eq!(Some(&lines[0].product), world.keys(&sku).map(|keys| keys.0).as_ref());
}

#[test]
fn a_late_record_carries_the_second_in_which_it_was_recorded() {
    let habits = Habits { late_percent: 100, ..Habits::PLAIN };
    let world =
        World::open(Options { habits: Some(habits), limits_on: false, ..Options::still(7, 60) }.with_r_series());
    let (sku, _) = plenty(&world);
    let at = world.now() + Span::secs(100);
    world.advance_to(at);
    world.sell(&sku, "Soho", 1).expect("in stock");
    let rows =
        |world: &World| list(&get(world, &format!("Sale.json?load_relations={}", words(&["SaleLines"])))["Sale"]);
    assert_eq!(rows(&world).len(), 0);
    world.claimed(Mark::Sales, at.micros(), Timestamp(0));
    assert_eq!(world.audit().false_marks, 1, "it is there and cannot be seen");
    world.advance_to(at + Span::secs(6));
    assert_eq!(rows(&world)[0]["timeStamp"], "2026-03-02T00:01:40+00:00");
}

#[test]
fn a_lost_answer_to_a_refresh_is_a_case_and_locks_nobody_out() {
    let world = World::open(Options { faults: [Fault::F26].into(), ..Options::still(4, 20) }.with_r_series());
    let refresh = |token: &str| {
        let body = json!({
            "client_id": "simulated-till-client", "client_secret": "simulated-till-client-secret",
            "grant_type": "refresh_token", "refresh_token": token,
        });
        let request = Request::builder().method("POST").uri("/auth/oauth/token").body(Bytes::from(body.to_string()));
        let answer = world.answer(Vendor::LightspeedR, &request.expect("a request"), world.now());
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), body)
    };
    let mut own = "simulated-till-refresh-token".to_owned();
    let mut lost = 0;
    for _ in 0..40 {
        world.advance_to(world.now() + Span::minutes(30));
        let (status, pair) = refresh(&own);
        if status == 504 {
            lost += 1;
            continue;
        }
        own = pair["refresh_token"].as_str().expect("a token").to_owned();
        let access = pair["access_token"].as_str().expect("a token");
        assert_eq!(send(&world, access, "GET", &format!("{BASE}Shop.json"), &json!(null)).status(), 200);
    }
    assert!(lost > 3);
    assert_eq!(world.audit().faults_injected.get("F26"), Some(&lost));
}

#[test]
fn only_reads_of_counts_are_garbled_and_what_is_garbled_was_not_told() {
    let faults = [Fault::F20].into();
    let world = World::open(Options { faults, limits_on: false, ..Options::still(4, 20) }.with_r_series());
    let garbled = |path: &str| {
        (0..200)
            .filter(|_| {
                let answer = send(&world, "simulated-till-token", "GET", &format!("{BASE}{path}"), &json!(null));
                serde_json::from_slice::<Value>(answer.body()).is_err()
            })
            .count()
    };
    assert_eq!(garbled("Sale.json"), 0);
    assert!(garbled("ItemShop.json") > 2);
    let clean = still();
    for fault in [WireFault::Empty, WireFault::Truncated, WireFault::WebPage, WireFault::LoseAnswer] {
        clean.inject(Vendor::LightspeedR, fault);
        send(&clean, "simulated-till-token", "GET", &format!("{BASE}ItemShop.json"), &json!(null));
    }
    clean.claimed(Mark::Counts, clean.now().micros(), Timestamp(0));
    assert_eq!(clean.audit().false_marks, 1, "no count has reached anybody");
}

#[test]
fn a_whole_read_of_counts_and_sales_is_everything_that_the_auditor_knows_of() {
    let world = r_world(9, 30);
    follow(&world, "ItemShop.json?sort=timeStamp", "ItemShop");
    follow(&world, &format!("Sale.json?sort=timeStamp&load_relations={}", words(&["SaleLines"])), "Sale");
    let now = world.now();
    world.advance_to(now + Span::secs(1));
    for mark in [Mark::Sales, Mark::Counts] {
        world.claimed(mark, now.micros(), now - Span::secs(10));
    }
    assert_eq!(world.audit().false_marks_described, Vec::<String>::new());
}

#[test]
fn a_page_may_come_again_or_lose_rows_and_neither_has_told_anything() {
    let world = World::open(Options { limits_on: false, ..Options::still(4, 120) }.with_r_series());
    let read = |path: &str| -> Value {
        let answer = send(&world, "simulated-till-token", "GET", path, &json!(null));
        serde_json::from_slice(answer.body()).expect("JSON")
    };
    let first = read(&format!("{BASE}ItemShop.json?sort=timeStamp"));
    let next = first["@attributes"]["next"].as_str().expect("a second page").to_owned();
    world.inject(Vendor::LightspeedR, WireFault::SamePage);
    assert_eq!(read(&next), first);
    world.inject(Vendor::LightspeedR, WireFault::LostRows);
    let short = read(&next);
    assert_eq!(list(&short["ItemShop"]).len(), 90);
    assert_ne!(short["@attributes"]["next"], "");
    assert_eq!(list(&read(&next)["ItemShop"]).len(), 100);
    world.inject(Vendor::LightspeedR, WireFault::SamePage);
    assert_eq!(
        list(&read(&format!("{BASE}ItemShop.json?limit=5"))["ItemShop"]).len(),
        5,
        "it is no page after another"
    );
}

#[test]
fn accounts_differ_where_the_papers_are_silent() {
    use super::quirks::Quirks;
    let of = |seed| Quirks::of(&Options { seed, ..Options::default() });
    let many: Vec<Quirks> = (0..40).map(of).collect();
    assert_eq!(many, (0..40).map(of).collect::<Vec<_>>());
    let both = |has: fn(&Quirks) -> bool| many.iter().any(has) && !many.iter().all(has);
    assert!(both(|q| q.relation_missing) && both(|q| q.empty_list_named) && both(|q| q.update_time));
    assert!(both(|q| q.unbalanced_422) && both(|q| q.layaway_counted));
    assert_eq!(Quirks::of(&Options::still(1, 1)), Quirks::default());

    let world = still();
    let (sku, id) = plenty(&world);
    world.park(&sku, "Soho", 1).expect("parked");
    let all = Quirks {
        relation_missing: true,
        empty_list_named: true,
        update_time: true,
        unbalanced_422: true,
        layaway_counted: true,
    };
    world.lock().r.quirks = all;
    let sale = get(&world, &format!("Sale/1.json?load_relations={}", words(&["SaleLines", "SalePayments"])));
    assert_eq!((sale["Sale"].get("SalePayments"), sale["Sale"].get("updatetime")), (None, None));
    assert!(sale["Sale"]["updateTime"].is_string());
    assert_eq!(list(&get(&world, "Sale.json?sort=updatetime&updatetime=%3E%2C2026-01-01")["Sale"]).len(), 1);
    assert_eq!(get(&world, "Sale.json?saleID=9")["Sale"], "");
    let body =
        json!({"registerID": 2, "completed": true, "SaleLines": {"SaleLine": {"itemID": id, "unitQuantity": 1}}});
    assert_eq!(super::tests::call(&world, "POST", "Sale.json", &body).0, 422);
    super::tests::call(&world, "POST", "Customer.json", &json!({"lastName": "B"}));
    let before = world.till_on_hand(&sku);
    let aside = |units: i64| {
        let body = json!({"customerID": 1, "shopID": 2, "itemID": id, "unitQuantity": units, "isLayaway": true,
            "requireFullReservation": true});
        super::tests::call(&world, "POST", "SaleLine.json", &body).0
    };
    let there = world.lock().till.stock[number(&json!({"n": id}), "n") as usize - 1][1].on_hand;
    assert_eq!((aside(there - 1), world.till_on_hand(&sku)), (200, before), "still counted");
    assert_eq!((aside(2), aside(1)), (422, 200), "and not to be had twice");
}

#[test]
fn a_row_of_the_running_second_says_nothing_before_it_is_read_again() {
    let world = r_world(6, 9);
    let changed = |world: &World| {
        let state = world.lock();
        let running = |at: &At| Kind::ItemShop.stamp(&state, *at).is_some_and(|at| at.secs() == state.now.secs());
        Kind::ItemShop.rows(&state).into_iter().filter(|at| at.1 > 0).find(running)
    };
    let row = loop {
        world.advance_to(world.now() + Span::millis(500));
        if let Some(row) = changed(&world) {
            break row;
        }
    };
    let told = |world: &World| {
        let request = Request::builder()
            .uri(format!("{BASE}ItemShop.json?sort=-timeStamp&limit=100"))
            .header("authorization", "Bearer simulated-till-token")
            .body(Bytes::new())
            .expect("a request");
        let (answer, knowledge) = super::answer(&mut world.lock(), &request);
        assert_eq!(answer.status(), 200);
        let is_it = |told: &Knowledge| match told {
            Knowledge::Count { item, outlet, .. } => (*item, *outlet + 1) == row,
            _ => false,
        };
        (knowledge.len(), knowledge.iter().any(is_it))
    };
    let (rows, known) = told(&world);
    assert!(rows > 50 && !known, "{rows}");
    world.advance_to(world.now() + Span::secs(1));
    assert!(told(&world).1, "its second is over");
}
