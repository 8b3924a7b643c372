//! What holds at every moment of a busy day, not only at its end: looked at every few simulated minutes.

use crate::shop::{databases, fresh};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use truecount::clock::{Clock, ManualClock};
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::equation::Terms;
use truecount::domain::ids::ConnectionId;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::Engine;
use truecount::rehearsal::{Rehearsal, parse_faults};
use truecount::sim::{Options, SimTransport, World};
use truecount::store::sku_views;
use truecount::store::views::{self, Filter};
use truecount::store::{Store, activity, inbox, ledger, pushes};

/// A small shop with a lot going on and notices that go astray.
fn busy(seed: u64) -> Options {
    let faults = parse_faults("F01,F02,F03,F05,F06,F28").unwrap().into_iter().collect();
    // In the morning, when the stores open.
    let start = Options::default().start + Span::hours(9);
    Options {
        seed,
        start,
        skus: 30,
        sales_per_day: 600,
        returns_per_day: 80,
        orders_per_day: 120,
        faults,
        ..Options::default()
    }
}

/// Steps that a day is looked at in.
const STEPS: usize = 6;

/// The sums are looked at on every database; what does not depend on one, on the first.
async fn at_every_step(seed: u64, mut look: impl AsyncFnMut(&Engine, &World, &str)) {
    for kind in databases().into_iter().take(if seed == 3 { 2 } else { 1 }) {
        let (store, _dir) = fresh(&kind).await;
        let mut rehearsal = Rehearsal::on(busy(seed), store).await.unwrap();
        rehearsal.connect().await.unwrap();
        for step in 1..=STEPS {
            let now = rehearsal.clock.now();
            rehearsal.run_until(now + Span::minutes(17)).await.unwrap();
            look(&rehearsal.engine, &rehearsal.world, &format!("{kind:?} seed {seed} step {step}")).await;
        }
        assert!(rehearsal.world.audit().movements > 20, "hardly anything happened");
    }
}

#[tokio::test]
async fn ledger_balances_recompute_to_the_stored_ones() {
    at_every_step(3, async |engine, world, why| {
        let till = world.options().till_connection;
        assert_eq!(ledger::unsound(engine.store(), till.as_str()).await.unwrap(), Vec::new(), "{why}");
    })
    .await;
}

#[tokio::test]
async fn every_sum_on_the_stock_list_adds_up_to_what_should_show() {
    at_every_step(4, async |engine, _, why| {
        let rows = views::targets(engine.store(), &Filter::default(), 1_000, 0).await.unwrap();
        assert!(!rows.is_empty(), "{why}");
        for row in rows {
            let terms = Terms {
                till: row.till,
                waiting: row.waiting,
                hold: row.hold,
                buffer: row.buffer,
                checking: row.checking,
            };
            let sum = row.till - row.waiting - row.hold - row.buffer - row.checking;
            assert_eq!((row.should, row.floored), (sum.max(0), (-sum).max(0)), "{why}: {}", row.sku);
            assert_eq!(terms.should_show().units, row.should, "{why}: {}", row.sku);
            assert!(row.acknowledged <= row.generation, "{why}: {}", row.sku);
            let stores = sku_views::outlets_of(engine.store(), &row.variant, &row.place).await.unwrap();
            assert_eq!(stores.iter().map(|(_, units)| units).sum::<i64>(), row.till, "{why}: {}", row.sku);
            let held = sku_views::holds_of(engine.store(), &row.variant, &row.place).await.unwrap();
            assert_eq!(held.iter().map(|(_, units, _)| units).sum::<i64>(), row.hold, "{why}: {}", row.sku);
        }
    })
    .await;
}

#[tokio::test]
async fn no_movement_without_its_source_event_and_no_source_event_twice() {
    at_every_step(5, async |engine, world, why| {
        if !why.ends_with("step 6") {
            return;
        }
        let rows = views::targets(engine.store(), &Filter::default(), 1_000, 0).await.unwrap();
        for row in rows {
            for moved in sku_views::movements_of(engine.store(), &row.variant, &row.place, 1_000).await.unwrap() {
                if moved.cause == "unexplained" {
                    continue;
                }
                let source = inbox::get(engine.store(), &moved.inbox).await.unwrap();
                let (record, way, state) = source.unwrap_or_else(|| panic!("{why}: {} has no source", row.sku));
                assert_eq!((record.kind.as_str(), state.as_str()), ("sale", "done"), "{why}");
                assert!(way == "notice" || way == "sweep", "{why}: {way}");
            }
        }
        // By line the ledger never holds anything but what the till did, at whatever moment it is looked at.
        let done: BTreeSet<_> =
            world.expected_movements().into_iter().map(|e| (e.sale, e.line, e.product, e.outlet, e.units)).collect();
        let till = world.options().till_connection;
        let mut booked = ledger::all_booked(engine.store(), till.as_str()).await.unwrap();
        booked.retain(|line| line.4 != 0 && !done.contains(line));
        // A void or a correction that we have yet to hear of may leave a line behind, never more than was sold once.
        assert!(booked.iter().all(|line| line.4.abs() <= 10), "{why}: {booked:?}");
    })
    .await;
}

#[tokio::test]
async fn every_write_is_sealed_and_the_log_stays_behind_the_clock() {
    at_every_step(6, async |engine, _, why| {
        assert_eq!(activity::first_break(engine.store()).await.unwrap(), None, "{why}");
        let now = engine.clock().now();
        let mut tx = engine.store().begin().await.unwrap();
        let sealed = activity::sealed_up_to(&mut tx).await.unwrap();
        assert!(sealed <= now - Span::secs(60), "{why}: sealed up to {}", sealed.rfc3339());
        assert!(sealed > Timestamp(0) || !why.ends_with("step 6"), "{why}: nothing was ever sealed");
        let unsealed = activity::answered_pushes(&mut tx, sealed, now - Span::minutes(3)).await.unwrap();
        assert_eq!(unsealed, Vec::<String>::new(), "{why}");
    })
    .await;
}

/// How long a call waits for the writer before we say that its own task holds it.
const FREE_WITHIN: Duration = Duration::from_secs(10);

/// Looks into our books at the moment a write reaches the shop, and takes the writer at the moment of every call.
struct Watching {
    inner: SimTransport,
    store: OnceLock<Store>,
    seen: Mutex<Vec<(i64, u64)>>,
    held: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Watching {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let writes = String::from_utf8_lossy(request.body()).contains("setStock");
        if let Some(store) = self.store.get() {
            let free = tokio::time::timeout(FREE_WITHIN, store.begin()).await;
            if !free.is_ok_and(|tx| tx.is_ok()) {
                self.held.lock().unwrap().push(request.uri().to_string());
            }
        }
        let before = self.inner.world().audit().rows_written;
        let mut sent = 0;
        if let (true, Some(store)) = (writes, self.store.get()) {
            sent = pushes::under_way(store, connection.as_str()).await.unwrap();
        }
        let answer = self.inner.send(connection, request).await;
        let rows = self.inner.world().audit().rows_written - before;
        if rows > 0 {
            self.seen.lock().unwrap().push((sent, rows));
        }
        answer
    }
}

#[tokio::test]
async fn every_row_written_to_the_shop_has_one_intent_that_was_kept_before_the_call() {
    for kind in databases().into_iter().take(1) {
        let (store, _dir) = fresh(&kind).await;
        let mut rehearsal = Rehearsal::on(busy(7), store.clone()).await.unwrap();
        let watching = Arc::new(Watching {
            inner: SimTransport::new(Arc::clone(&rehearsal.world), Arc::clone(&rehearsal.clock) as Arc<dyn Clock>),
            store: OnceLock::new(),
            seen: Mutex::new(Vec::new()),
            held: Mutex::new(Vec::new()),
        });
        watching.store.set(store.clone()).unwrap();
        rehearsal.engine = watched(&rehearsal, store, Arc::clone(&watching)).await;
        rehearsal.connect().await.unwrap();
        let from = rehearsal.clock.now();
        rehearsal.run_until(from + Span::minutes(90)).await.unwrap();
        assert_eq!(
            *watching.held.lock().unwrap(),
            Vec::<String>::new(),
            "{kind:?}: a transaction was open during a call"
        );
        let seen = watching.seen.lock().unwrap().clone();
        assert!(seen.len() > 10, "{kind:?}: {} writes", seen.len());
        for (sent, rows) in seen {
            assert_eq!(u64::try_from(sent).unwrap(), rows, "{kind:?}: intents under way, and rows the shop was sent");
        }
    }
}

async fn watched(rehearsal: &Rehearsal, store: Store, transport: Arc<Watching>) -> Engine {
    let clock: Arc<ManualClock> = Arc::clone(&rehearsal.clock);
    Engine::open(truecount::engine::Parts {
        store,
        clock,
        mint: Arc::new(truecount::mint::Mint::seeded(70)),
        transport,
        seal: rehearsal.engine.seal().clone(),
        unpaced: false,
    })
    .await
    .unwrap()
}
