//! What is told twice, late, in the same second, without a number, or not at all.

use crate::desk::{Desk, NOW, SHOP, TILL};
use crate::shop::databases;
use std::sync::atomic::Ordering;
use truecount::clock::Clock as _;
use truecount::domain::access::Role;
use truecount::domain::ids::PersonId;
use truecount::domain::time::Span;
use truecount::operator::{Actor, connections as pages, overview, stock};
use truecount::store::inbox::NewRecord;
use truecount::store::{connections, inbox, listings, orders, targets, views};
use truecount::sync::apply::{Incoming, Origin, apply};
use truecount::sync::cx::Side;
use truecount::sync::house;

fn admin() -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role: Role::Admin }
}

/// A record as a sweep hands it over.
fn found(desk: &Desk, connection: &str, kind: &str, id: &str, version: i64, raw: &str) -> Incoming {
    let facts = match &desk.engine.cx().link(connection).unwrap().side {
        Side::Till(till) => till.interpret(kind, raw).map(|fact| vec![fact]),
        Side::Shop(shop) => shop.interpret(kind, raw),
    };
    let now = desk.clock.now();
    Incoming {
        record: NewRecord {
            id: desk.engine.mint().id(now),
            connection: connection.into(),
            kind: kind.into(),
            external_id: id.into(),
            version,
            by_notice: false,
            raw: raw.into(),
            received_at: now,
        },
        facts: facts.map_err(|unreadable| unreadable.reason),
    }
}

async fn sweep(desk: &Desk, incoming: &Incoming) {
    let mut tx = desk.store.begin().await.unwrap();
    let origin = Origin { connection: &incoming.record.connection, default_warehouse: "1" };
    apply(&mut tx, origin, &[incoming], desk.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

fn order(status: &str, updated_at: &str) -> String {
    format!(
        r#"{{"id":"o1","number":1042,"status":"{status}","createdAt":"2026-02-02T10:15:00Z","updatedAt":"{updated_at}",
            "grandTotal":{{"value":10,"currency":{{"code":"GBP"}}}},
            "lines":[{{"id":1,"quantity":3,"unitPrice":{{"value":3}},"productSize":{{"id":"tee"}},"allocations":[]}}]}}"#
    )
}

#[tokio::test]
async fn of_two_changes_in_one_second_the_later_counts() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        desk.list("tee", "TEE", true).await;
        let waiting = async || {
            let mut tx = desk.store.begin().await.unwrap();
            let lines = orders::lines(&mut tx, SHOP, &["o1"]).await.unwrap();
            lines.iter().map(|(_, waits)| waits.waiting).sum::<i64>()
        };
        let (second, before) = ("2026-02-02T10:15:05Z", "2026-02-02T10:15:04Z");
        let version = 1_770_027_305_000_000;
        let placed = found(&desk, SHOP, "order", "o1", version + 777, &order("PENDING", second));
        sweep(&desk, &placed).await;
        assert_eq!(waiting().await, 3, "{kind:?}");
        desk.clock.set(NOW + Span::secs(1));
        // The same second, another body; its number within the second happens to be smaller.
        let cancelled = found(&desk, SHOP, "order", "o1", version + 5, &order("CANCELLED", second));
        sweep(&desk, &cancelled).await;
        assert_eq!(waiting().await, 0, "{kind:?}: cancelled in the second in which it was placed");
        desk.clock.set(NOW + Span::secs(2));
        let repeat = found(&desk, SHOP, "order", "o1", version + 777, &order("PENDING", second));
        sweep(&desk, &repeat).await;
        assert_eq!(waiting().await, 0, "{kind:?}: a repeat of what was first");
        let older = found(&desk, SHOP, "order", "o1", version - 1_000_000, &order("PENDING", before));
        sweep(&desk, &older).await;
        assert_eq!(waiting().await, 0, "{kind:?}: an older one, late");
        // A record that came first and could not be used then is no newer for being tried again.
        let (id, facts) = (placed.record.id.clone(), placed.facts.clone());
        let mut tx = desk.store.begin().await.unwrap();
        let origin = Origin { connection: SHOP, default_warehouse: "1" };
        truecount::sync::apply::apply_again(&mut tx, origin, &[(id, facts)], desk.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(waiting().await, 0, "{kind:?}: tried again");
    }
}

fn form(kind: &str, payload: &str) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("type", kind).append_pair("payload", payload);
    form.finish().into_bytes()
}

fn counted(version: i64, count: i64) -> Vec<u8> {
    let payload = format!(r#"{{"id":"i","version":{version},"product_id":"tee","outlet_id":"o","count":{count}}}"#);
    form("inventory.update", &payload)
}

#[tokio::test]
async fn a_register_closure_is_kept_although_it_has_no_number_of_its_changes() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        let closure =
            |total: &str| form("register_closure.create", &format!(r#"{{"register_id":"r","total":"{total}"}}"#));
        for total in ["10.00", "20.00", "10.00"] {
            assert_eq!(desk.push_signed(closure(total)).await.status, 200, "{kind:?}");
        }
        let kept = inbox::kept_of(&desk.store, TILL, "register_closure", 10).await.unwrap();
        assert_eq!(kept.len(), 2, "{kind:?}: each once: {kept:?}");
        assert!(kept.iter().any(|raw| raw.contains("20.00")), "{kind:?}");
    }
}

fn sale() -> &'static str {
    r#"{"id":"s1","version":20,"status":"CLOSED","outlet_id":"o","register_id":"r",
        "sale_date":"2026-02-02T21:46:18Z","invoice_number":"77","return_for":null,"source":"USER","source_id":null,
        "register_sale_products":[{"id":"l","product_id":"tee","quantity":1,"price":"10.00000","discount":"0","tax":"2.00000"}],
        "register_sale_payments":[],"totals":{"total_price":"10.00000","total_tax":"2.00000"}}"#
}

#[tokio::test]
async fn that_a_notice_did_not_arrive_is_said_only_when_it_had_its_time() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        desk.list("tee", "TEE", true).await;
        assert_eq!(desk.push_signed(counted(10, 5)).await.status, 200);
        let variant = listings::variants_after(&desk.store, "", 10).await.unwrap().remove(0);
        let says = async || {
            let page = stock::sku(&desk.engine, &admin(), &variant).await.unwrap();
            let steps = page.places.iter().flat_map(|place| &place.steps);
            let words = steps.map(|step| step.what.clone()).find(|what| what.starts_with("Sale 77")).unwrap();
            let today = overview::today(&desk.engine, &admin(), None).await.unwrap();
            let counted = today.fixed.iter().find(|(_, words)| words.contains("didn't arrive")).map(|(n, _)| *n);
            let card = pages::list(&desk.engine, &admin()).await.unwrap();
            let card = card.cards.into_iter().find(|card| card.id == TILL).unwrap();
            assert_eq!(card.notices.2, counted.unwrap_or(0), "both pages say the same");
            (words, counted)
        };
        sweep(&desk, &found(&desk, TILL, "sale", "s1", 20, sale())).await;
        assert_eq!(
            says().await,
            ("Sale 77, 1 sold. Read from the till".to_owned(), None),
            "{kind:?}: it may still come"
        );
        desk.clock.set(NOW + Span::minutes(6));
        let lost = ("Sale 77, 1 sold. Notice didn't arrive, found when we read the till".to_owned(), Some(1));
        assert_eq!(says().await, lost, "{kind:?}");
        assert_eq!(desk.push_signed(form("sale.update", sale())).await.status, 200);
        assert_eq!(says().await, ("Sale 77, 1 sold".to_owned(), None), "{kind:?}: it was only late");
    }
}

#[tokio::test]
async fn a_closed_outlet_feeds_nothing_and_mapping_one_moves_where_undecided_units_count() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        desk.list("tee", "TEE", true).await;
        assert_eq!(desk.push_signed(counted(10, 5)).await.status, 200);
        let variant = listings::variants_after(&desk.store, "", 10).await.unwrap().remove(0);
        let till = async || views::of_variant(&desk.store, &variant).await.unwrap().remove(0).till;
        assert_eq!(till().await, 5, "{kind:?}");
        let outlet = connections::outlets(&desk.store).await.unwrap().remove(0);
        for (closed, says) in [(true, 0), (false, 5)] {
            let mut tx = desk.store.begin().await.unwrap();
            connections::keep_outlet(&mut tx, &outlet, "GBP", closed).await.unwrap();
            tx.commit().await.unwrap();
            house::retarget_all(desk.engine.cx()).await.unwrap();
            assert_eq!(till().await, says, "{kind:?}");
            assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}");
        }
        let mut tx = desk.store.begin().await.unwrap();
        connections::keep_place(&mut tx, "zzz", SHOP, "2", "Other", false).await.unwrap();
        tx.commit().await.unwrap();
        let shop = desk.engine.cx().link(SHOP).unwrap();
        assert_eq!(shop.default_warehouse(), "1", "{kind:?}");
        pages::map_outlet(&desk.engine, &admin(), "o", Some("zzz")).await.unwrap();
        assert_eq!(shop.default_warehouse(), "2", "{kind:?}: where they will leave from");
        assert!(shop.judge_shipped.load(Ordering::SeqCst), "{kind:?}: another till may feed it");
    }
}

#[tokio::test]
async fn refusals_are_forgotten_in_time() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        let mut tx = desk.store.begin().await.unwrap();
        for (reason, days) in [("long ago", 91), ("of late", 89)] {
            inbox::count_refused(&mut tx, TILL, 401, reason, 1, NOW - Span::hours(24 * days));
        }
        tx.commit().await.unwrap();
        house::forget(desk.engine.cx()).await.unwrap();
        let left = inbox::refused(&desk.store, 10).await.unwrap();
        assert_eq!(left.iter().map(|row| row.2.as_str()).collect::<Vec<_>>(), ["of late"], "{kind:?}");
    }
}

#[tokio::test]
async fn what_happened_while_the_shop_was_asked_leaves_no_fresh_reading() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        desk.list("tee", "TEE", true).await;
        assert_eq!(desk.push_signed(counted(10, 5)).await.status, 200);
        let mut tx = desk.store.begin().await.unwrap();
        connections::set_live(&mut tx, "place", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let at = |seconds: i64| NOW + Span::secs(seconds);
        // Asked, something happened, answered -> whether the answer is fresh.
        for (why, asked, stale, read, fresh) in [
            ("before the question", 20, 10, 21, true),
            ("between the two", 30, 31, 32, false),
            ("in the moment of the question", 40, 40, 41, true),
            ("by a clock that was set back since", 50, 99, 51, true),
        ] {
            let mut tx = desk.store.begin().await.unwrap();
            targets::web_stale(&mut tx, SHOP, &["tee"], at(stale));
            let shown = [("tee".to_owned(), "1".to_owned(), 3, 0, 3)];
            targets::web_read(&mut tx, SHOP, &shown, at(asked), targets::Meanwhile::MayHaveWritten, at(read));
            let due = targets::due(&mut tx, SHOP, at(read), 10).await.unwrap().remove(0).0;
            tx.commit().await.unwrap();
            assert_eq!((due.web_sellable, due.web_fresh), (3, fresh), "{kind:?}: {why}");
        }
    }
}
