//! The engine against the simulated world, in simulated time, without sockets: for training, for trying settings,
//! and for every test. It ends with a report of the comparison with the truth, which the engine cannot read.

mod compare;

use crate::clock::{Clock, ManualClock};
use crate::connectors::credential::{Credential, OAuth1, OAuth2};
use crate::connectors::transport::Transport;
use crate::domain::system::Tells;
use crate::domain::time::{Span, Timestamp};
use crate::engine::{Engine, EngineError, Parts};
use crate::mint::Mint;
use crate::sim::{Fault, Mark, Options, SimTransport, Vendor, World};
use crate::store::connections::{self, ConnectionRow};
use crate::store::seal::SealKey;
use crate::store::{Durability, Store, StoreError, audit, feeds, ledger, targets};
use crate::sync::driver::HouseWork;
use crate::sync::house;
use crate::sync::schedule::Task;
use compare::Comparison;
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How long the first reads may take: an allowance for large catalogues.
const CONNECTING: Span = Span::hours(3);
/// How long a feed may have been failing at the end: longer than any vendor asks us to wait.
const FAILING_MAX: Span = Span::minutes(10);

/// The marks that claim something of the count: whether of the till, whose task moves it, what it claims.
const MARKS: [(bool, Task, Mark); 5] = [
    (true, Task::Sales, Mark::Sales),
    (true, Task::Stock, Mark::Counts),
    (true, Task::Compare, Mark::CountsCompared),
    (false, Task::Orders, Mark::Orders),
    (false, Task::Observe, Mark::ShopCompared),
];

/// How long after trade stops the house may take to become quiet.
pub const SETTLING: Span = Span::hours(2);

/// An engine and a world, wired together.
pub struct Rehearsal {
    /// The engine.
    pub engine: Engine,
    /// The other side.
    pub world: Arc<World>,
    /// The clock both go by.
    pub clock: Arc<ManualClock>,
    /// The house's own tasks.
    pub house: HouseWork,
    options: Options,
    /// Calls made when the marks were last looked at.
    looked_at: u64,
}

/// Why a rehearsal could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The database.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// The engine.
    #[error("the engine could not be wired")]
    Engine(#[from] EngineError),
    /// Tasks kept one another busy without time passing.
    #[error("the engine never became quiet at {0}")]
    NeverQuiet(String),
    /// A first reading did not come to its end.
    #[error("{0} was not read to its end in {1} hours")]
    NotRead(String, i64),
    /// A fault was asked for and did not happen.
    #[error("no case of {0} came up; a longer or larger rehearsal is needed")]
    NoCase(&'static str),
    /// A stored secret.
    #[error("a key could not be sealed")]
    Seal,
    /// The database is somebody's.
    #[error(
        "this database is in use already; a rehearsal fills one with invented sales, so name one that does not exist \
         yet (SQLite) or is empty (PostgreSQL)"
    )]
    Used,
}

/// What a rehearsal found. Meanings of the keys stand beside each; a key that this version cannot measure is
/// `None`, never invented.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    /// Goods movements that the till holds.
    pub events: u64,
    /// Recorded at a vendor and not in our books: movements of a sale without their ledger line, changes of a count
    /// by hand without theirs, web orders that we lack or have in another state or with other units.
    pub lost: u64,
    /// Surplus ledger lines (each one, also those that cancel each other out, and lines without a document for which
    /// nobody changed a count by hand) and surplus remote effects (a change in the shop under a description that had
    /// changed the same item before).
    pub applied_twice: u64,
    /// Ledger lines without a document: changes of a count by hand, or surplus.
    pub unexplained_lines: u64,
    /// Changes of the till's counts that people made by hand.
    pub hand_changes: u64,
    /// Matched SKUs whose web count differs from the truth after settling.
    pub differences_open: u64,
    /// Peak units of each difference that outlived `ordinary_delay_s`, summed; from *Go live* on.
    pub units_difference: u64,
    /// The measured delay: 99 of a hundred differences of this run that no fault touched were gone within it. Never
    /// more than two minutes, which are also taken when fewer than a hundred could be measured.
    pub ordinary_delay_s: f64,
    /// Units explained. Not measured: the engine does not divide a difference by causes yet, so there is nothing to
    /// hold against the world's labels.
    pub units_explained: Option<u64>,
    /// Units with the true cause. Not measured, for the same reason.
    pub units_right_cause: Option<u64>,
    /// Cause lines without evidence. Not measured: there are no cause lines yet.
    pub causes_without_evidence: Option<u64>,
    /// Web units sold beyond what was there.
    pub oversold_units: u64,
    /// Writes that were wrong judged by what had been delivered to us (too much, too little beyond what five minutes
    /// of caution excuse, to a warehouse that does not sell), and writes before *Go live*. Places keep no buffer in a
    /// rehearsal.
    pub unsafe_writes: u64,
    /// Writes that crossed a shipment nobody could know of.
    pub races: u64,
    /// Moves of a mark ("read up to", "compared") that claimed more than had been delivered to us: a record below it,
    /// by the vendor's order or by its clock, that we did not know.
    pub false_watermarks: Option<u64>,
    /// The first of them in words; empty when there are none.
    pub false_watermarks_described: Vec<String>,
    /// Absolute counts written to the shop.
    pub shop_writes: u64,
    /// Calls to the shop.
    pub shop_calls: u64,
    /// Calls to the till.
    pub till_calls: u64,
    /// Refusals by a vendor's own rate rule.
    pub throttled: u64,
    /// Refusals injected.
    pub throttled_injected: u64,
    /// Calls before the allowed moment.
    pub early_calls: u64,
    /// Cases per fault.
    pub faults_injected: BTreeMap<&'static str, u64>,
    /// 95 % of differences were healed within this many seconds, from the moment at which what had been delivered to us
    /// was enough to know of them; `None` when there were none.
    pub heal_p95_s: Option<f64>,
    /// Sales at the till in the busiest hour that began a difference: the shop did not show them yet.
    pub busiest_hour_sales: u64,
    /// 95 % of them were shown after so many seconds, counted from the sale, with the wait for the till's notice or for
    /// our next question in it; `None` when there were none.
    pub sale_to_shop_p95_s: Option<f64>,
    /// Wall time of trade and settling.
    pub wall_s: f64,
    /// Simulated time of trade, from *Go live* on.
    pub simulated_s: i64,
    /// Simulated seconds per wall second.
    pub speed: f64,
    /// The seed.
    pub seed: u64,
    /// Source version, when the build knew it.
    pub commit: Option<&'static str>,
    /// How the database was kept.
    pub database: &'static str,
    /// The first unsafe writes in words; empty when there are none.
    pub unsafe_described: Vec<String>,
}

impl Rehearsal {
    /// Opens a store at `url`, adds the two connections, and wires the engine to the world.
    pub async fn open(options: Options, url: &str) -> Result<Self, RehearsalError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.trim_start_matches("//").split('?').next().unwrap_or_default();
            // Looked at before it is opened: opening would already change it.
            if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
                return Err(RehearsalError::Used);
            }
        }
        let store = Store::open(url, Durability::Off).await?;
        Self::on(options, store).await
    }

    /// As [`Rehearsal::open`], on a store that is open already.
    pub async fn on(options: Options, store: Store) -> Result<Self, RehearsalError> {
        Self::at(options, store, ["https://till.invalid", "https://shop.invalid"]).await
    }

    /// As [`Rehearsal::on`], with the addresses that the till and the shop will have once they are real servers.
    pub async fn at(options: Options, store: Store, addresses: [&str; 2]) -> Result<Self, RehearsalError> {
        Self::through(options, store, addresses, |straight| Arc::new(straight)).await
    }

    /// As [`Rehearsal::at`], with something between the engine and the vendors that sees every call.
    pub async fn through(
        options: Options,
        store: Store,
        addresses: [&str; 2],
        between: impl FnOnce(SimTransport) -> Arc<dyn Transport>,
    ) -> Result<Self, RehearsalError> {
        if !connections::all(&store).await?.is_empty() || crate::store::accounts::any(&store).await? {
            return Err(RehearsalError::Used);
        }
        let clock = Arc::new(ManualClock::at(options.start));
        let mint = Arc::new(Mint::seeded(options.seed));
        let seal = SealKey::new(mint.bytes());
        let options = Options { web_base: addresses[1].to_owned(), ..options };
        let world = Arc::new(World::open(options.clone()));
        add_connections(&store, &seal, &mint, &options, addresses).await?;
        let transport = between(SimTransport::new(Arc::clone(&world), Arc::clone(&clock) as Arc<dyn Clock>));
        let engine = Engine::open(Parts {
            store,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            mint,
            transport,
            seal,
            unpaced: !options.limits_on,
        })
        .await?;
        Ok(Self { engine, world, clock, house: HouseWork::default(), options, looked_at: 0 })
    }

    /// First reads: catalogues and stocks of both sides, then outlets are mapped to the web warehouse and it goes
    /// live.
    pub async fn connect(&mut self) -> Result<(), RehearsalError> {
        self.read_until(&[("till", Task::Sales), ("shop", Task::Orders), ("shop", Task::Catalogue)]).await?;
        map_outlets(&self.engine, &self.world.web_warehouse()).await?;
        let mapped = self.clock.now();
        self.read_until_after(&[("shop", Task::Observe)], mapped).await?;
        go_live(&self.engine).await?;
        self.world.go_live(self.clock.now());
        self.settle().await
    }

    async fn read_until(&mut self, feeds: &[(&str, Task)]) -> Result<(), RehearsalError> {
        self.read_until_after(feeds, Timestamp(0)).await
    }

    /// Lets time pass until these feeds have been read to their end after `since`; an allowance may take minutes.
    async fn read_until_after(&mut self, wanted: &[(&str, Task)], since: Timestamp) -> Result<(), RehearsalError> {
        let limit = self.clock.now() + CONNECTING;
        loop {
            self.settle().await?;
            let mut missing = None;
            for (side, task) in wanted {
                for link in self.engine.cx().links().iter().filter(|link| link.is_shop() == (*side == "shop")) {
                    let read = feeds::get(self.engine.store(), &link.id, task.feed()).await?.read_up_to;
                    if read < since || read == Timestamp(0) {
                        missing = Some(format!("“{}” of {}", task.feed(), link.name));
                    }
                }
            }
            let Some(missing) = missing else { return Ok(()) };
            let now = self.clock.now();
            if now > limit {
                return Err(RehearsalError::NotRead(missing, CONNECTING.0 / 3_600_000_000));
            }
            let due = self.engine.next_due(&self.house);
            let next = self.world.next_event_at().map_or(due, |at| at.min(due)).max(now + Span(1));
            self.clock.set(next);
            self.world.advance_to(next);
        }
    }

    /// Runs whatever is due now until the house is quiet.
    pub async fn settle(&mut self) -> Result<(), RehearsalError> {
        self.deliver().await;
        match self.engine.settle(&mut self.house).await {
            Some(_) => self.check_marks().await,
            None => Err(RehearsalError::NeverQuiet(self.clock.now().rfc3339())),
        }
    }

    /// Shows the auditor every mark that may have moved; none does without a call.
    async fn check_marks(&mut self) -> Result<(), RehearsalError> {
        let calls = self.world.calls();
        if std::mem::replace(&mut self.looked_at, calls) == calls {
            return Ok(());
        }
        for (connection, feed, state) in feeds::all(self.engine.store()).await? {
            let till = connection == self.options.till_connection.as_str();
            let mark = MARKS.iter().find(|(side, task, _)| *side == till && task.feed() == feed);
            if let Some((_, _, mark)) = mark.filter(|_| state.read_up_to > Timestamp(0)) {
                // Where a vendor has an order of its own, what lies behind the next pass's beginning is never looked for
                // again.
                let behind = state.cursor.parse().map_or(0, |next: i64| next.min(state.as_of));
                self.world.claimed(*mark, behind, state.read_up_to);
            }
        }
        Ok(())
    }

    async fn deliver(&mut self) {
        let now = self.clock.now();
        for delivery in self.world.due_deliveries(now) {
            let status = if self.world.receiver_down(now) {
                503
            } else {
                self.engine.receive(delivery.connection.as_str(), &delivery.headers, delivery.body.clone()).await.status
            };
            self.world.delivered(delivery.id, status, now);
        }
    }

    /// Lets time pass until `end`: the world trades, notices come, tasks run when they are due.
    pub async fn run_until(&mut self, end: Timestamp) -> Result<(), RehearsalError> {
        loop {
            let due = self.engine.next_due(&self.house);
            let next = self.world.next_event_at().map_or(due, |at| at.min(due));
            let now = self.clock.now();
            let next = next.max(now);
            if next > end {
                self.clock.set(end);
                self.world.advance_to(end);
                return self.settle().await;
            }
            self.clock.set(next);
            self.world.advance_to(next);
            self.settle().await?;
        }
    }

    /// A whole rehearsal of so many hours, with its report.
    pub async fn rehearse(&mut self, hours: i64, wall: impl Fn() -> f64) -> Result<Report, RehearsalError> {
        let began = wall();
        self.connect().await?;
        // Connecting is no trade that was rehearsed, however long it took.
        self.run_until(self.clock.now() + Span::hours(hours)).await?;
        self.world.stop_trade();
        self.run_until(self.clock.now() + SETTLING).await?;
        let wall_s = wall() - began;
        let report = self.report(hours, wall_s).await?;
        for fault in &self.options.faults {
            if report.faults_injected.get(fault.code()).copied().unwrap_or(0) == 0 {
                return Err(RehearsalError::NoCase(fault.code()));
            }
        }
        Ok(report)
    }

    /// What our ledger lacks and has too much of, line by line, against what the till holds: (lost, surplus).
    pub async fn compare_ledger(&self) -> Result<(u64, u64), RehearsalError> {
        let found = self.compare().await?;
        Ok((found.lost, found.surplus))
    }

    /// Our books against the vendors': the ledger and the web orders.
    pub async fn compare(&self) -> Result<Comparison, RehearsalError> {
        let store = self.engine.store();
        let ours = audit::ledger(store, self.options.till_connection.as_str()).await?;
        let mut found = compare::ledger(&ours, &self.world.true_lines(), &self.world.hand_changes());
        let orders = audit::orders(store, self.options.web_connection.as_str()).await?;
        found.lost += compare::lost_orders(&orders, &self.world.true_orders());
        Ok(found)
    }

    /// The report as things stand.
    pub async fn report(&self, hours: i64, wall_s: f64) -> Result<Report, RehearsalError> {
        let audit = self.world.audit();
        let found = self.compare().await?;
        let simulated_s = hours * 3_600;
        let calls = |vendor: Vendor| audit.calls.get(vendor.word()).copied().unwrap_or(0);
        Ok(Report {
            events: audit.movements,
            lost: found.lost,
            applied_twice: found.surplus + audit.surplus_effects,
            unexplained_lines: found.unexplained,
            hand_changes: self.world.hand_changes().len() as u64,
            differences_open: audit.differences_open,
            units_difference: audit.units_difference,
            ordinary_delay_s: audit.ordinary_delay.as_secs_f64(),
            units_explained: None,
            units_right_cause: None,
            causes_without_evidence: None,
            oversold_units: audit.oversold_units,
            unsafe_writes: audit.unsafe_writes,
            races: audit.races,
            false_watermarks: Some(audit.false_marks),
            false_watermarks_described: audit.false_marks_described,
            shop_writes: audit.rows_written,
            shop_calls: calls(self.options.web_vendor),
            till_calls: calls(self.options.till_vendor),
            throttled: audit.throttled,
            throttled_injected: audit.throttled_injected,
            early_calls: audit.early_calls,
            faults_injected: audit.faults_injected,
            heal_p95_s: audit.heal_p95.map(|span| span.as_secs_f64()),
            busiest_hour_sales: audit.busiest_hour.0,
            sale_to_shop_p95_s: audit.busiest_hour.1.map(|span| span.as_secs_f64()),
            wall_s,
            simulated_s,
            speed: simulated_s as f64 / wall_s.max(1e-9),
            seed: self.options.seed,
            commit: option_env!("TRUECOUNT_COMMIT"),
            database: "synchronous=OFF: a rehearsal's file is thrown away",
            unsafe_described: audit.unsafe_described,
        })
    }

    /// What must hold after every scenario: the books recompute to what is stored, the log is whole, no task failed at
    /// our own database or fails still, and none is left with work. Returns what is wrong, in words.
    pub async fn unsound(&self) -> Result<Vec<String>, RehearsalError> {
        let store = self.engine.store();
        let till = self.options.till_connection.as_str();
        let mut wrong: Vec<String> = ledger::unsound(store, till)
            .await?
            .into_iter()
            .map(|(product, outlet)| format!("the count of {product} at {outlet} does not follow from the ledger"))
            .collect();
        if let Some(seq) = crate::store::activity::first_break(store).await? {
            wrong.push(format!("the log breaks at entry {seq}"));
        }
        match self.engine.cx().broken.load(Ordering::SeqCst) {
            0 => {}
            n => wrong.push(format!("{n} tasks ended at the database")),
        }
        for (connection, feed, state) in feeds::all(store).await? {
            // A vendor that asks us to wait a moment is no failure.
            if state.failing_since > Timestamp(0) && self.clock.now().since(state.failing_since) > FAILING_MAX {
                wrong.push(format!("{feed} of {connection} fails: {}", state.error));
            }
        }
        let web = self.options.web_connection.as_str();
        let open = targets::due(&mut store.begin().await?, web, self.clock.now(), 10).await?;
        for (due, _) in open {
            wrong.push(format!("{} still waits to be written", due.product));
        }
        Ok(wrong)
    }
}

/// The cases of faults by their ids ("F01,F05"); says which is unknown.
pub fn parse_faults(text: &str) -> Result<Vec<Fault>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|code| !code.is_empty())
        .map(|code| Fault::parse(code).ok_or_else(|| format!("there is no fault {code} in this version")))
        .collect()
}

/// Adds the world's till and shop as connections that only read. `addresses` are theirs, in that order.
pub async fn add_connections(
    store: &Store,
    seal: &SealKey,
    mint: &Mint,
    options: &Options,
    addresses: [&str; 2],
) -> Result<(), RehearsalError> {
    let [till_url, shop_url] = addresses;
    let web_keys = match options.web_vendor {
        Vendor::Magento => Credential::OAuth1(OAuth1 {
            consumer_key: options.web_consumer_key.clone(),
            consumer_secret: options.web_consumer_secret.clone().into(),
            token: options.web_token.clone(),
            token_secret: options.web_token_secret.clone().into(),
        }),
        _ => Credential::Bearer(options.web_token.clone().into()),
    };
    let till_keys = match options.till_vendor {
        Vendor::LightspeedR => Credential::OAuth2(OAuth2 {
            client_id: options.till_client.clone(),
            client_secret: options.till_secret.clone().into(),
            access: options.till_token.clone().into(),
            refresh: options.till_refresh_token.clone().into(),
            expires_at: options.start + options.till_token_lasts,
        }),
        _ => Credential::Bearer(options.till_token.clone().into()),
    };
    let rows = [
        (&options.till_connection, options.till_system(), "Till", till_url, till_keys, &options.till_secret),
        (&options.web_connection, options.web_system(), "Web shop", shop_url, web_keys, &options.web_secret),
    ];
    let mut tx = store.begin().await?;
    for (id, system, name, url, keys, secret) in rows {
        let id = id.as_str();
        let (kept, hint) = (keys.write(), if name == "Till" { &options.till_token } else { &options.web_token });
        let seal_one = |column: &str, plain: &str| {
            seal.seal(&format!("connection.{column}:{id}"), plain, mint.bytes()).map_err(|_| RehearsalError::Seal)
        };
        let row = ConnectionRow {
            id: id.to_owned(),
            vendor: system.word().to_owned(),
            side: system.side().word().to_owned(),
            name: name.to_owned(),
            base_url: url.to_owned(),
            token_sealed: seal_one("token", kept.expose_secret())?,
            notice_sealed: if system.tells() == Tells::Nothing { String::new() } else { seal_one("notice", secret)? },
            key_hint: hint.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect(),
            paused_at: Timestamp(0),
            created_at: options.start,
        };
        connections::add(&mut tx, &row).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Lets every outlet feed the place of this warehouse, and asks for the shop's stock.
pub async fn map_outlets(engine: &Engine, warehouse: &str) -> Result<(), RehearsalError> {
    let cx = engine.cx();
    let places = connections::places(&cx.store).await?;
    let outlets = connections::outlets(&cx.store).await?;
    let Some(place) = places.iter().find(|place| place.warehouse == warehouse) else { return Ok(()) };
    let mut tx = cx.store.begin().await?;
    for outlet in &outlets {
        connections::map_outlet(&mut tx, &outlet.id, &place.id).await?;
    }
    tx.commit().await?;
    house::retarget_all(cx).await?;
    for link in cx.links() {
        link.schedule.wake(Task::Observe, cx.now());
    }
    Ok(())
}

/// Lets every place that an outlet feeds be written to.
pub async fn go_live(engine: &Engine) -> Result<(), RehearsalError> {
    let cx = engine.cx();
    let outlets = connections::outlets(&cx.store).await?;
    let places = connections::places(&cx.store).await?;
    let mut tx = cx.store.begin().await?;
    for place in places.iter().filter(|place| outlets.iter().any(|outlet| outlet.place == place.id)) {
        connections::set_live(&mut tx, &place.id, cx.now()).await?;
    }
    tx.commit().await?;
    for link in cx.links() {
        link.schedule.wake(Task::Push, cx.now());
    }
    Ok(())
}
