//! The first days of a connection: what a shop and a till tell of the time before us, and when a place may go live.

use crate::shop::{Kind, databases};
use crate::stage::Stage;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::access::Role;
use truecount::domain::ids::{ConnectionId, PersonId};
use truecount::domain::time::{Span, Timestamp};
use truecount::operator::{Actor, OperatorError, connections as pages};
use truecount::rehearsal::map_outlets;
use truecount::sim::options::Options;
use truecount::store::{connections, feeds, ledger, problems, views};

/// What stands between the engine and the world.
#[derive(Default)]
struct Between {
    /// Questions with one of these words in them are not answered.
    deaf: Mutex<Vec<&'static str>>,
    /// The shop has no stock row of this size.
    without: Mutex<Option<i64>>,
    /// The shop shows seven of this size, whatever it is told.
    stubborn: Mutex<Option<i64>>,
    /// Bodies of the questions that were answered.
    asked: Mutex<Vec<String>>,
    notes: AtomicBool,
    /// What happens right after the first question with this word in it was answered.
    meanwhile: Mutex<Option<(&'static str, Happening)>>,
}

type Happening = Box<dyn FnOnce() + Send>;

struct Through(Arc<Between>, Arc<dyn Transport>);

#[async_trait]
impl Transport for Through {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let asked = format!("{} {}", request.uri(), String::from_utf8_lossy(request.body()));
        if self.0.deaf.lock().unwrap().iter().any(|word| asked.contains(word)) {
            return Err(TransportError::NotSent("nobody hears it".into()));
        }
        let answer = self.1.send(connection, request).await?;
        let happening = self.0.meanwhile.lock().unwrap().take_if(|(word, _)| asked.contains(*word));
        if let Some((_, happen)) = happening {
            happen();
        }
        if self.0.notes.load(Ordering::SeqCst) {
            self.0.asked.lock().unwrap().push(asked);
        }
        let (without, stubborn) = (*self.0.without.lock().unwrap(), *self.0.stubborn.lock().unwrap());
        if without.or(stubborn).is_none() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !json.get("data").is_some_and(Value::is_object) {
            return Ok(http::Response::from_parts(head, body));
        }
        let seven = |row: &mut Value| {
            for (name, units) in [("physicalQuantity", 7), ("allocatedQuantity", 0), ("freeToAllocateQuantity", 7)] {
                row[name] = units.into();
            }
        };
        for warehouse in json["data"]["warehouses"].as_array_mut().into_iter().flatten() {
            if let Some(rows) = warehouse["stock"].as_array_mut() {
                rows.retain(|row| without.is_none() || row["productSize"]["id"].as_i64() != without);
                let named = |row: &&mut Value| stubborn.is_some() && row["productSize"]["id"].as_i64() == stubborn;
                rows.iter_mut().filter(named).for_each(seven);
            }
        }
        for product in json["data"]["productSizes"].as_array_mut().into_iter().flatten() {
            let id = product["id"].as_i64();
            if without.is_some() && id == without {
                product["stock"] = Value::Array(Vec::new());
            }
            if stubborn.is_some() && id == stubborn {
                product["stock"].as_array_mut().into_iter().flatten().for_each(seven);
            }
        }
        Ok(http::Response::from_parts(head, Bytes::from(json.to_string())))
    }
}

async fn behind(kind: &Kind, options: Options) -> (Stage, Arc<Between>) {
    let between = Arc::new(Between::default());
    let inner = Arc::clone(&between);
    let wrap = Box::new(move |world| Arc::new(Through(Arc::clone(&inner), world)) as Arc<dyn Transport>);
    (Stage::behind(kind, options, wrap).await, between)
}

fn admin() -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role: Role::Admin }
}

async fn place(stage: &Stage) -> String {
    let outlets = connections::outlets(stage.engine().store()).await.unwrap();
    outlets.into_iter().find(|outlet| !outlet.place.is_empty()).unwrap().place
}

async fn map(stage: &Stage) {
    map_outlets(stage.engine(), &stage.world.web_warehouse()).await.unwrap();
}

async fn blocked(stage: &Stage) -> Option<String> {
    pages::preview_go_live(stage.engine(), &admin(), &place(stage).await).await.unwrap().blocked
}

fn link(stage: &Stage, shop: bool) -> String {
    stage.engine().cx().links().into_iter().find(|link| link.is_shop() == shop).unwrap().id.clone()
}

/// What waits for web orders, by SKU, at the place that outlets feed.
async fn waiting(stage: &Stage) -> BTreeMap<String, i64> {
    let rows = views::of_place(stage.engine().store(), &place(stage).await, 1_000).await.unwrap();
    assert!(!rows.is_empty());
    rows.into_iter().filter(|row| row.waiting != 0).map(|row| (row.sku, row.waiting)).collect()
}

/// So many SKUs of which the web shows four at least.
fn skus(stage: &Stage, n: usize) -> Vec<String> {
    let found: Vec<String> =
        stage.world.skus().into_iter().filter(|sku| stage.world.shows(sku).unwrap_or(0) >= 4).take(n).collect();
    assert_eq!(found.len(), n);
    found
}

/// A shop with a past: an order that left long ago, one that leaves after the till was read, and one that is open.
async fn with_a_past(kind: &Kind) -> (Stage, [String; 3], i64) {
    let stage = Stage::open(kind, Options::still(7, 24)).await;
    let [gone, leaves, open]: [String; 3] = skus(&stage, 3).try_into().unwrap();
    let left = stage.world.place_web_order(&[(&gone, 2)]).unwrap();
    let waits = stage.world.place_web_order(&[(&leaves, 3)]).unwrap();
    stage.world.place_web_order(&[(&open, 1)]).unwrap();
    stage.wait(Span::minutes(1));
    stage.world.ship(left).unwrap();
    stage.wait(Span::minutes(30));
    (stage, [gone, leaves, open], waits)
}

#[tokio::test]
async fn what_had_left_before_the_till_was_first_read_is_not_subtracted_from_its_count() {
    for kind in databases() {
        let (mut stage, [_, leaves, open], waits) = with_a_past(&kind).await;
        stage.pass(Span::minutes(15)).await;
        stage.world.ship(waits).unwrap();
        stage.pass(Span::minutes(5)).await;
        map(&stage).await;
        stage.pass(Span::minutes(5)).await;
        let want = BTreeMap::from([(leaves, 3), (open, 1)]);
        assert_eq!(waiting(&stage).await, want, "{kind:?}: it left after the till was read, or has not left");
        stage.crash().await;
        stage.pass(Span::minutes(5)).await;
        assert_eq!(waiting(&stage).await, want, "{kind:?}: judged again, and the same");
        let store = stage.engine().store();
        let till = link(&stage, false);
        assert_eq!(ledger::unsound(store, &till).await.unwrap(), Vec::new(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_place_goes_live_only_on_numbers_that_are_read_to_their_end_and_not_old() {
    for kind in databases() {
        let (mut stage, between) = behind(&kind, Options::still(7, 24)).await;
        *between.deaf.lock().unwrap() = vec!["/sales"];
        stage.pass(Span::minutes(15)).await;
        map(&stage).await;
        stage.pass(Span::minutes(12)).await;
        let why = blocked(&stage).await.unwrap();
        assert!(why.starts_with("The till's sales have not been read to their end yet."), "{kind:?}: {why}");
        between.deaf.lock().unwrap().clear();
        stage.pass(Span::minutes(12)).await;
        assert_eq!(blocked(&stage).await, None, "{kind:?}");

        *between.deaf.lock().unwrap() = vec!["orders(where"];
        stage.pass(Span::minutes(30)).await;
        let why = blocked(&stage).await.unwrap();
        assert!(why.starts_with("The shop's orders were last read "), "{kind:?}: {why}");
        let seen = pages::preview_go_live(stage.engine(), &admin(), &place(&stage).await).await.unwrap();
        let refused = pages::go_live(stage.engine(), &admin(), &place(&stage).await, &seen.fingerprint).await;
        assert!(matches!(refused, Err(OperatorError::Conflict(_))), "{refused:?}");
        between.deaf.lock().unwrap().clear();
        stage.pass(Span::minutes(12)).await;
        pages::pause(stage.engine(), &admin(), &link(&stage, false)).await.unwrap();
        assert!(blocked(&stage).await.unwrap().starts_with("The till is paused"), "{kind:?}");
        pages::resume(stage.engine(), &admin(), &link(&stage, false)).await.unwrap();
        stage.pass(Span::minutes(2)).await;
        assert_eq!(blocked(&stage).await, None, "{kind:?}");
    }
}

#[tokio::test]
async fn an_item_that_the_shop_never_counted_shows_nothing_and_blocks_nobody() {
    for kind in databases() {
        let (mut stage, between) = behind(&kind, Options::still(7, 24)).await;
        let sku = skus(&stage, 1).remove(0);
        *between.without.lock().unwrap() = Some(stage.world.keys(&sku).unwrap().1);
        stage.pass(Span::minutes(15)).await;
        map(&stage).await;
        stage.pass(Span::minutes(12)).await;
        assert_eq!(blocked(&stage).await, None, "{kind:?}");
        let seen = pages::preview_go_live(stage.engine(), &admin(), &place(&stage).await).await.unwrap();
        let write = seen.writes.iter().find(|write| write.sku == sku).unwrap();
        assert_eq!((write.before, write.after), (0, stage.world.till_on_hand(&sku).unwrap()), "{kind:?}");
    }
}

#[tokio::test]
async fn what_shows_too_few_is_not_raised_before_the_orders_are_read() {
    for kind in databases() {
        let (mut stage, between) = behind(&kind, Options::still(7, 24)).await;
        stage.connect().await;
        let sku = skus(&stage, 1).remove(0);
        let shown = stage.world.shows(&sku).unwrap();
        *between.deaf.lock().unwrap() = vec!["orders(where"];
        let order = stage.world.place_web_order(&[(&sku, 2)]).unwrap();
        stage.wait(Span::minutes(1));
        stage.world.ship(order).unwrap();
        for _ in 0..8 {
            stage.pass(Span::minutes(10)).await;
            assert_eq!(stage.world.shows(&sku), Some(shown - 2), "{kind:?}: they left with an order we have not read");
        }
        between.deaf.lock().unwrap().clear();
        stage.pass(Span::minutes(40)).await;
        stage.assert_sound("the orders are read").await;
        // Too few for no order's sake: raised, once orders are known to be read.
        stage.world.set_web_stock(&sku, 0).unwrap();
        stage.pass(Span::minutes(35)).await;
        stage.assert_sound("raised").await;
    }
}

#[tokio::test]
async fn a_whole_look_that_stopped_is_a_problem_and_can_be_asked_for_again() {
    for kind in databases() {
        let (mut stage, between) = behind(&kind, Options::still(7, 24)).await;
        stage.connect().await;
        let compared = async |stage: &Stage| {
            let open = problems::open(stage.engine().store(), 200).await.unwrap();
            open.into_iter().find(|problem| problem.title.contains("whole stock")).map(|problem| problem.title)
        };
        assert_eq!(compared(&stage).await, None, "{kind:?}");
        *between.deaf.lock().unwrap() = vec!["stock(limit:200,page"];
        stage.pass(Span::hours(3)).await;
        let title = compared(&stage).await.unwrap_or_default();
        assert!(title.starts_with("The shop's whole stock was last compared "), "{kind:?}: {title}");
        between.deaf.lock().unwrap().clear();

        let till = link(&stage, false);
        let full =
            async |stage: &Stage| feeds::get(stage.engine().store(), &till, "full stock").await.unwrap().read_up_to;
        let before = full(&stage).await;
        pages::read_again(stage.engine(), &admin(), &till).await.unwrap();
        stage.pass(Span::minutes(2)).await;
        assert!(full(&stage).await > before, "{kind:?}: the till's whole stock was read again");
    }
}

#[tokio::test]
async fn a_mark_says_no_more_than_what_stood_when_the_pass_began() {
    for kind in databases() {
        let (mut stage, between) = behind(&kind, Options::still(7, 24)).await;
        let sku = skus(&stage, 1).remove(0);
        // More than fit on a page; each is cancelled, so that there is always one to sell.
        for _ in 0..60 {
            let order = stage.world.place_web_order(&[(&sku, 1)]).unwrap();
            stage.world.cancel(order).unwrap();
        }
        *between.deaf.lock().unwrap() = vec![r#""page":2"#];
        stage.pass(Span::minutes(10)).await;
        let shop = link(&stage, true);
        let state = async |stage: &Stage| feeds::get(stage.engine().store(), &shop, "orders").await.unwrap();
        assert_eq!(state(&stage).await.read_up_to, Timestamp(0), "{kind:?}: the second page waits");
        let half_read = stage.now();
        // The pass that is half done goes on; the one after it is not heard yet.
        *between.deaf.lock().unwrap() = vec![r#""from":"2026"#];
        between.notes.store(true, Ordering::SeqCst);
        while state(&stage).await.read_up_to == Timestamp(0) {
            stage.pass(Span::secs(10)).await;
        }
        assert!(state(&stage).await.read_up_to < half_read, "{kind:?}: what changed behind page 1 is not in this pass");
        assert!(between.asked.lock().unwrap().iter().any(|asked| asked.contains(r#""page":2"#)));
    }
}

#[tokio::test]
async fn what_is_sold_while_the_till_is_first_read_is_read_too() {
    for kind in databases() {
        // Nobody sends notices yet: they are set up when the connection is there.
        let (mut stage, between) = behind(&kind, Options { hooks_registered: false, ..Options::still(7, 24) }).await;
        let [sold, back]: [String; 2] = skus(&stage, 2).try_into().unwrap();
        let documents = Arc::new(Mutex::new(Vec::new()));
        let (world, kept) = (Arc::clone(&stage.world), Arc::clone(&documents));
        let happen = move || {
            let (_, outlet) = world.outlets().swap_remove(0);
            let made = [world.sell(&sold, &outlet, 1).unwrap(), world.return_unlinked(&back, &outlet, 1).unwrap()];
            kept.lock().unwrap().extend(made);
        };
        // Between the first page of counts and the next.
        *between.meanwhile.lock().unwrap() = Some((r#""sort_direction":"asc""#, Box::new(happen)));
        stage.connect().await;
        stage.assert_sound("sold between two pages").await;
        let [sale, unlinked]: [String; 2] = documents.lock().unwrap().clone().try_into().unwrap();
        assert!(
            stage.books().await.0.keys().any(|line| line.0 == sale),
            "{kind:?}: the sale is in the books by its name"
        );
        let mut tx = stage.engine().store().begin().await.unwrap();
        let held = ledger::held_lines(&mut tx, &link(&stage, false), &[&unlinked]).await.unwrap();
        assert_eq!(held.iter().map(|hold| hold.units).sum::<i64>(), 1, "{kind:?}: the return is on hold");
    }
}

#[tokio::test]
async fn a_shop_that_takes_a_count_and_shows_another_is_asked_ever_less_often_and_named() {
    for kind in databases() {
        let (mut stage, between) = behind(&kind, Options::still(7, 24)).await;
        stage.connect().await;
        let (sku, outlet) = stage.sku(6, &[]);
        stage.pass(Span::minutes(5)).await;
        *between.stubborn.lock().unwrap() = Some(stage.world.keys(&sku).unwrap().1);
        between.notes.store(true, Ordering::SeqCst);
        stage.world.sell(&sku, &outlet, 1).unwrap();
        stage.pass(Span::hours(2)).await;
        let writes = between.asked.lock().unwrap().iter().filter(|asked| asked.contains("setStock")).count();
        assert!((5..60).contains(&writes), "{kind:?}: {writes} writes in two hours");
        let open = problems::open(stage.engine().store(), 200).await.unwrap();
        let titles: Vec<&str> = open.iter().map(|problem| problem.title.as_str()).collect();
        assert!(titles.iter().any(|title| title.contains("and shows another")), "{kind:?}: {titles:?}");
    }
}
