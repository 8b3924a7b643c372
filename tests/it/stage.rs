//! Engine and world where the test is the postman and may pull the plug: notices come in any order and number, and
//! the engine is dropped in the middle of what it does and opened again on the same database.

use crate::shop::{Kind, fresh_address};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tempfile::TempDir;
use truecount::clock::{Clock, ManualClock};
use truecount::connectors::transport::Transport;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::rehearsal::{add_connections, go_live, map_outlets};
use truecount::sim::{Delivery, Options, SimTransport, World};
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store, activity, ledger, targets};
use truecount::sync::driver::{self, HouseWork};
use truecount::sync::schedule::Lane;

/// Everything a test of replays and crashes needs.
pub struct Stage {
    pub world: Arc<World>,
    pub clock: Arc<ManualClock>,
    engine: Option<Engine>,
    house: HouseWork,
    options: Options,
    url: String,
    seal: SealKey,
    starts: u64,
    wrap: Wrap,
    _dir: TempDir,
}

/// Something between the engine and the world.
pub type Wrap = Box<dyn Fn(Arc<dyn Transport>) -> Arc<dyn Transport>>;

/// What stands in the books and in the shop at the end: ledger lines, and what a web customer sees.
pub type Books = (BTreeMap<(String, String, String, String), i64>, BTreeMap<String, i64>);

impl Stage {
    /// A world and an engine that are not connected yet.
    pub async fn open(kind: &Kind, options: Options) -> Stage {
        Stage::behind(kind, options, Box::new(|world| world)).await
    }

    /// The same, with something between the engine and the world.
    pub async fn behind(kind: &Kind, options: Options, wrap: Wrap) -> Stage {
        let (url, dir) = fresh_address(kind).await;
        let mut stage = Stage {
            world: Arc::new(World::open(options.clone())),
            clock: Arc::new(ManualClock::at(options.start)),
            engine: None,
            house: HouseWork::default(),
            seal: SealKey::new([3; 32]),
            options,
            url,
            starts: 0,
            wrap,
            _dir: dir,
        };
        let store = Store::open(&stage.url, Durability::Off).await.unwrap();
        let addresses = ["https://till.invalid", "https://shop.invalid"];
        add_connections(&store, &stage.seal, &Mint::seeded(99), &stage.options, addresses).await.unwrap();
        stage.start(store).await;
        stage
    }

    /// A quiet world of a few SKUs, connected and live.
    pub async fn live(kind: &Kind) -> Stage {
        let mut stage = Stage::open(kind, Options::still(7, 24)).await;
        stage.connect().await;
        stage
    }

    /// First reads, outlets mapped, live.
    pub async fn connect(&mut self) {
        self.pass(Span::minutes(15)).await;
        map_outlets(self.engine(), &self.world.web_warehouse()).await.unwrap();
        self.pass(Span::minutes(5)).await;
        go_live(self.engine()).await.unwrap();
        self.world.go_live(self.now());
        self.pass(Span::minutes(5)).await;
        assert_eq!(self.world.differences(), Vec::new(), "connected");
    }

    async fn start(&mut self, store: Store) {
        self.starts += 1;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let transport = (self.wrap)(Arc::new(SimTransport::new(Arc::clone(&self.world), Arc::clone(&clock))));
        // Every process has chance of its own.
        let mint = Arc::new(Mint::seeded(1_000 + self.starts));
        let seal = self.seal.clone();
        let parts = Parts { store, clock, mint, transport, seal, unpaced: !self.options.limits_on };
        self.engine = Some(Engine::open(parts).await.unwrap());
        self.house = HouseWork::default();
    }

    /// The process ends here, whatever it was doing, and another one starts on the same database.
    pub async fn crash(&mut self) {
        if let Some(engine) = self.engine.take() {
            let store = engine.store().clone();
            drop(engine);
            store.close().await;
        }
        let store = Store::open(&self.url, Durability::Off).await.unwrap();
        self.start(store).await;
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time passes in the world and nothing reaches us.
    pub fn wait(&self, span: Span) {
        self.clock.set(self.now() + span);
        self.world.advance_to(self.now());
    }

    /// Notices that are due, not handed over yet.
    pub fn due(&self) -> Vec<Delivery> {
        self.world.due_deliveries(self.now())
    }

    /// Hands one notice over and tells the world what came of it.
    pub async fn hand_over(&self, delivery: &Delivery) {
        let received =
            self.engine().receive(delivery.connection.as_str(), &delivery.headers, delivery.body.clone()).await;
        assert_eq!(received.status, 200, "{}", received.reason);
        self.world.delivered(delivery.id, received.status, self.now());
    }

    /// Runs whatever is due now until the house is quiet, and hands over what is due.
    pub async fn settle(&mut self) {
        for delivery in self.due() {
            self.hand_over(&delivery).await;
        }
        let engine = self.engine().clone();
        assert!(engine.settle(&mut self.house).await.is_some(), "the engine never became quiet");
    }

    /// Lets so much time pass: the world trades, notices come, tasks run when they are due.
    pub async fn pass(&mut self, span: Span) {
        let end = self.now() + span;
        loop {
            let due = self.engine().next_due(&self.house);
            let next = self.world.next_event_at().map_or(due, |at| at.min(due)).max(self.now());
            self.clock.set(next.min(end));
            self.world.advance_to(self.now());
            self.settle().await;
            if next > end {
                return;
            }
        }
    }

    /// Runs at most `steps` due tasks of each loop, and lets go of the last ones of this kind after `polls` of their
    /// waits.
    pub async fn work(&self, steps: u64, polls: u64, cut: &[Lane]) {
        let engine = self.engine();
        for n in 0..steps {
            let mut any = false;
            for link in engine.cx().links() {
                for lane in [Lane::Books, Lane::Write, Lane::Read] {
                    let task = driver::step(engine.cx(), &link, lane);
                    if n + 1 == steps && cut.contains(&lane) {
                        any |= cut_short(task, polls).await.unwrap_or(true);
                    } else {
                        any |= task.await;
                    }
                }
            }
            if !any {
                return;
            }
        }
    }

    /// What stands in the books and in the shop.
    pub async fn books(&self) -> Books {
        let booked = ledger::all_booked(self.engine().store(), self.options.till_connection.as_str()).await.unwrap();
        let lines = booked.into_iter().filter(|line| line.4 != 0).map(|(d, l, p, o, units)| ((d, l, p, o), units));
        let shows = self.world.skus().into_iter().filter_map(|sku| Some((sku.clone(), self.world.shows(&sku)?)));
        (lines.collect(), shows.collect())
    }

    /// What must hold at the end: nothing unsafe written, and everything of [`Stage::assert_whole`].
    pub async fn assert_sound(&self, why: &str) {
        assert_eq!(self.world.audit().unsafe_described, Vec::<String>::new(), "{why}");
        self.assert_whole(why).await;
    }

    /// Nothing lost or twice, nothing open, books that recompute. The auditor counts an answer as told to us when it
    /// was given; where a crash took it away again, what was written before it was read anew is not judged.
    pub async fn assert_whole(&self, why: &str) {
        let store = self.engine().store();
        let till = self.options.till_connection.as_str();
        let expected: BTreeMap<_, _> = self
            .world
            .expected_movements()
            .into_iter()
            .map(|e| ((e.sale, e.line, e.product, e.outlet), e.units))
            .collect();
        assert_eq!(self.books().await.0, expected, "{why}: ledger and till");
        let audit = self.world.audit();
        assert_eq!((audit.surplus_effects, audit.early_calls), (0, 0), "{why}");
        assert_eq!(self.world.differences(), Vec::new(), "{why}");
        assert_eq!(ledger::unsound(store, till).await.unwrap(), Vec::new(), "{why}");
        assert_eq!(activity::first_break(store).await.unwrap(), None, "{why}");
        let mut tx = store.begin().await.unwrap();
        let waiting = targets::due(&mut tx, self.options.web_connection.as_str(), self.now(), 10).await.unwrap();
        assert!(waiting.is_empty(), "{why}: {waiting:?}");
    }

    /// A SKU with at least so many units at one outlet, and that outlet's name.
    pub fn sku(&self, units: i64, not: &[&str]) -> (String, String) {
        let outlets = self.world.outlets();
        let found = self.world.skus().into_iter().filter(|sku| !not.contains(&sku.as_str())).find_map(|sku| {
            let shown = self.world.shows(&sku).unwrap_or(0) >= units;
            let sellable = shown && self.world.till_on_hand(&sku).unwrap_or(0) >= units * outlets.len() as i64;
            sellable.then_some(sku)
        });
        let sku = found.unwrap();
        let outlet = outlets.iter().find(|(_, name)| {
            let sold = self.world.sell(&sku, name, units);
            sold.as_ref().is_ok_and(|sale| self.world.void(sale).is_ok())
        });
        (sku.clone(), outlet.unwrap().1.clone())
    }
}

/// Drives a future through at most so many polls and drops it where it stands then.
async fn cut_short<F: Future>(task: F, polls: u64) -> Option<F::Output> {
    let mut task = pin!(task);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        task.as_mut().poll(context).map(Some)
    })
    .await
}
