//! Measures this build on this machine against what is promised: how many notices it takes, how soon a count
//! arrives in the shop, what that costs in processor time and memory, and how quickly pages come.
//!
//! The product runs in this process as it does in earnest: its own router behind real sockets, SQLite that waits
//! for the disk, its own HTTP client. The shop, the till and the sender are another process, so that their
//! processor time is not ours. Figures are shown, not judged: only what is broken ends with a failure.

mod machine;
mod notices;
mod other_side;
mod pages;
mod report;
mod wire;

use crate::server::{AppState, lifecycle, router, telemetry};
use anyhow::Context;
use machine::Quantiles;
use other_side::{Here, Order, Told};
use report::{Better, Report, ms, words};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use truecount::clock::{Clock, SystemClock};
use truecount::config::Config;
use truecount::connectors::http_transport::HttpTransport;
use truecount::domain::access::Role;
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::operator::accounts::Accounts;
use truecount::rehearsal;
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store, listings};
use truecount::sync::driver::HouseWork;

/// Notices that warm everything up and tell how many the long burst should have.
const FIRST_BURST: u64 = 5_000;
/// Most notices of one burst: they are prepared beforehand and lie in memory.
const BURST_MAX: f64 = 60_000.0;
/// The account that looks at pages.
const NAME: &str = "bench";

/// What is measured.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Sellable items.
    pub skus: u32,
    /// Seconds of each part.
    pub seconds: u64,
    /// Connections that notices come in on at once.
    pub connections: u32,
    /// Where the temporary database is kept.
    pub folder: Option<PathBuf>,
    /// What to log.
    pub log: Option<String>,
}

/// The other side: shop, till and sender, until standard input ends.
pub async fn other_side(skus: u32) -> anyhow::Result<()> {
    other_side::run(usize::try_from(skus)?).await
}

/// The process of the other side.
struct Other {
    // Ended when dropped.
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Other {
    async fn start(skus: u32) -> anyhow::Result<(Self, Here)> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("bench-load")
            .arg("--skus")
            .arg(skus.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the other side does not start")?;
        let orders = child.stdin.take().context("no way to tell the other side")?;
        let answers = BufReader::new(child.stdout.take().context("no way to hear the other side")?).lines();
        let mut other = Self { _child: child, orders, answers };
        let here = other.hear().await?;
        Ok((other, here))
    }

    async fn hear<T: serde::de::DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let line = self.answers.next_line().await?.context("the other side has ended")?;
        Ok(serde_json::from_str(&line)?)
    }

    async fn tell(&mut self, order: &Order) -> anyhow::Result<Told> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.orders.write_all(&line).await?;
        self.hear().await
    }
}

/// A folder that goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn new(wanted: Option<&Path>) -> anyhow::Result<Self> {
        let parent = match wanted {
            Some(folder) => folder.to_owned(),
            None if Path::new("target").is_dir() => PathBuf::from("target"),
            None => std::env::temp_dir(),
        };
        let folder = parent.canonicalize()?.join(format!("truecount-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn progress(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Measures and prints.
pub async fn run(bench: Bench) -> anyhow::Result<()> {
    let folder = Folder::new(bench.folder.as_deref())?;
    let disk_before = machine::fdatasync(&folder.0)?;
    let mut report = Report::default();
    let measured = measure(&bench, &folder.0, &disk_before, &mut report).await;
    let disk_after = machine::fdatasync(&folder.0)?;
    report.note(format!(
        "Disk: one 4 kB append with fdatasync, before: {}; after: {}.",
        words(&disk_before),
        words(&disk_after)
    ));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = machine::load().map_or("unknown".to_owned(), |load| format!("{load:.2}"));
    report.note(format!("Cores: {cores}, shared with the sender, the shop and the till. Load at the end: {load}."));
    let mut out = std::io::stdout();
    write!(out, "{}", report.text()).context("standard output is closed")?;
    measured
}

/// The product at work, with everything that stands around it.
struct House {
    engine: Engine,
    store: Store,
    door: SocketAddr,
    running: JoinSet<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl House {
    /// Opens, reads both sides for the first time, and goes live.
    async fn open(folder: &Path, here: &Here, bench: &Bench) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let door = listener.local_addr()?;
        let mut settings = BTreeMap::from([
            ("DATABASE_URL".to_owned(), format!("sqlite://{}", folder.join("truecount.db").display())),
            ("PUBLIC_URL".to_owned(), format!("http://{door}")),
            ("LOG".to_owned(), bench.log.clone().unwrap_or_else(|| "error".to_owned())),
        ]);
        settings.insert("LISTEN".to_owned(), door.to_string());
        let config = Config::read(&settings)?;
        telemetry::start(&config)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mint = Arc::new(Mint::from_os());
        let seal = SealKey::new(mint.bytes());
        let store = Store::open(config.database.expose(), Durability::Full).await?;
        let mut options = other_side::options(usize::try_from(bench.skus)?);
        options.start = clock.now();
        let addresses = [format!("http://{}", here.till), format!("http://{}", here.shop)];
        let [till, shop] = &addresses;
        rehearsal::add_connections(&store, &seal, &mint, &options, [till, shop]).await?;
        let engine = Engine::open(Parts {
            store: store.clone(),
            clock: Arc::clone(&clock),
            mint: Arc::clone(&mint),
            transport: Arc::new(HttpTransport::new(true)?),
            seal,
            unpaced: true,
        })
        .await?;
        let mut house = HouseWork::default();
        let quiet = "the first reads never end";
        engine.settle(&mut house).await.context(quiet)?;
        rehearsal::map_outlets(&engine, &here.warehouse).await?;
        engine.settle(&mut house).await.context(quiet)?;
        rehearsal::go_live(&engine).await?;
        engine.settle(&mut house).await.context(quiet)?;

        let accounts = Accounts::new(store.clone(), clock, mint);
        let state = AppState::new(engine.clone(), config, accounts.clone());
        let (stop, told) = tokio::sync::watch::channel(false);
        let mut running = JoinSet::new();
        let (driver, driver_told) = (engine.clone(), told.clone());
        running.spawn(async move { driver.run(driver_told).await });
        let listeners = Arc::clone(&state.listeners);
        running.spawn(async move {
            let mut told = told;
            let stopped = async move { drop(told.wait_for(|stop| *stop).await) };
            // Everybody comes from this machine.
            let limits = lifecycle::Limits::default();
            let limits = lifecycle::Limits { drain: Duration::from_secs(1), of_one: limits.connections, ..limits };
            let never = std::future::pending();
            lifecycle::serve(listener, router(state), None, limits, stopped, move || listeners.end_all(), never).await;
        });
        Ok(Self { engine, store, door, running, stop })
    }

    async fn close(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
        self.store.close().await;
    }
}

async fn measure(bench: &Bench, folder: &Path, disk: &Quantiles, report: &mut Report) -> anyhow::Result<()> {
    progress(&format!("A world of {} items; first reads …", bench.skus));
    let (mut other, here) = Other::start(bench.skus).await?;
    let began = Instant::now();
    let house = House::open(folder, &here, bench).await?;
    let told = other.tell(&Order::Settle).await?;
    anyhow::ensure!(told.settled_s.is_some(), "the shop never showed the counts of the first reads");
    report.plain(
        "first reads to a right shop",
        Some(began.elapsed().as_secs_f64()),
        "s",
        format!("{} SKUs", bench.skus),
    );
    report.asked("memory at rest", 120.0, Better::Less, machine::resident_mb(), "MB", "");
    deliver(bench, disk, &house, &mut other, report).await?;
    look_at_pages(&house, &here, report).await?;
    drop(other);
    house.close().await;
    Ok(())
}

/// Notices in, counts out: steadily, then as fast as they are taken.
async fn deliver(
    bench: &Bench,
    disk: &Quantiles,
    house: &House,
    other: &mut Other,
    report: &mut Report,
) -> anyhow::Result<()> {
    let door = house.door;
    let connections = usize::try_from(bench.connections)?;
    progress("Warming up …");
    let told = other.tell(&Order::Burst { door, connections, notices: FIRST_BURST }).await?;
    anyhow::ensure!(told.accepted > 0, "no notice was accepted");
    let usual = (told.sent as f64 / told.took_s.max(1e-3) * bench.seconds as f64).clamp(5_000.0, BURST_MAX);
    for per_second in [100, 500] {
        progress(&format!("{per_second} notices a second for {} s …", bench.seconds));
        let before = machine::cpu_ms();
        let told = other.tell(&Order::Steady { door, per_second, seconds: bench.seconds }).await?;
        let cpu = machine::cpu_ms().zip(before).map(|(after, before)| after - before);
        let lost = told.sent - told.delays.n;
        let note = format!(
            "{}; {} accepted, {} not seen to arrive; answer p50 {:.1} ms; sender late by p99 {:.1} ms; {:.2} ms \
             processor per event",
            words(&told.delays),
            told.accepted,
            lost,
            ms(told.answers.p50),
            ms(told.lag.p99),
            cpu.unwrap_or(0.0) / told.sent as f64
        );
        let asked = 5.0 * ms(disk.p50) + 5.0;
        let (p50, p99) = (ms(told.delays.p50), ms(told.delays.p99));
        report.asked(format!("delay at {per_second}/s, p50"), asked, Better::Less, Some(p50), "ms", note);
        let aim = format!("aim for p50: {:.1} ms", 3.0 * ms(disk.p50) + 2.0);
        report.asked(format!("delay at {per_second}/s, p99"), 100.0, Better::Less, Some(p99), "ms", aim);
    }
    progress(&format!("{usual:.0} notices at once on {connections} connections …"));
    let peak = Arc::new(AtomicU64::new(0));
    let mut watching = JoinSet::new();
    let seen = Arc::clone(&peak);
    watching.spawn(async move {
        let mut often = tokio::time::interval(Duration::from_millis(100));
        loop {
            often.tick().await;
            seen.fetch_max((machine::resident_mb().unwrap_or(0.0) * 1_000.0) as u64, Ordering::Relaxed);
        }
    });
    let before = machine::cpu_ms();
    let told = other.tell(&Order::Burst { door, connections, notices: usual as u64 }).await?;
    let cpu = machine::cpu_ms().zip(before).map(|(after, before)| (after - before) / told.sent as f64);
    watching.shutdown().await;
    let per_second = told.accepted as f64 / told.took_s;
    let note = format!("{} of {} accepted; answer {}", told.accepted, told.sent, words(&told.answers));
    report.asked("notices accepted and committed", 4_000.0, Better::More, Some(per_second), "/s", note);
    let carried = told.settled_s.map(|s| told.accepted as f64 / s);
    let note = format!(
        "shop right {:.2} s after the last answer; {} rows in {} calls, {:.0} rows/s while they came in",
        told.settled_s.map_or(f64::NAN, |s| s - told.took_s),
        told.rows,
        told.calls,
        told.rows_then as f64 / told.took_s
    );
    report.asked("notices carried to the shop", 4_000.0, Better::More, carried, "/s", note);
    let note = format!("the other side itself: {:.3} ms", told.cpu_ms / told.sent as f64);
    report.asked("processor per event", 0.1, Better::Less, cpu, "ms", note);
    let peak = peak.load(Ordering::Relaxed) as f64 / 1_000.0;
    report.asked("memory under load", 120.0, Better::Less, (peak > 0.0).then_some(peak), "MB", "");
    report.note(
        "Each notice is a signed form of about 4 kB with one sale of one unit; sales go round all items. The till's \
         own lists are read every minute as always; its list of sales stays empty. The simulated shop answers at \
         once, and our own allowances are off.",
    );
    Ok(())
}

async fn look_at_pages(house: &House, here: &Here, report: &mut Report) -> anyhow::Result<()> {
    progress("Looking at pages …");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let accounts = Accounts::new(house.store.clone(), clock, Arc::new(Mint::from_os()));
    let password = truecount::operator::accounts::spell(&Mint::from_os().bytes::<24>());
    accounts.add(&Accounts::console(), NAME, Role::Admin, &password).await?;
    let variant = listings::variants_after(house.engine.store(), "", 1).await?.pop().context("no item is linked")?;
    let searched: String = form_urlencoded::byte_serialize(here.sku.as_bytes()).collect();
    let pages = [
        ("Today", "/".to_owned()),
        ("Stock", "/stock".to_owned()),
        ("Stock, sorted", "/stock?sort=till".to_owned()),
        ("Stock, searched", format!("/stock?q={searched}")),
        ("SKU", format!("/stock/{variant}")),
        ("Connections", "/connections".to_owned()),
    ];
    let mut missing = Vec::new();
    for viewed in pages::look(house.door, NAME, &password, &pages).await? {
        let name = format!("page {}, p95", viewed.name);
        if viewed.status == 200 {
            let note = format!("{}; {:.0} kB", words(&viewed.took), viewed.bytes as f64 / 1_024.0);
            report.asked(name, 50.0, Better::Less, Some(ms(viewed.took.p95)), "ms", note);
        } else {
            missing.push(format!("{} ({})", viewed.name, viewed.status));
        }
    }
    if !missing.is_empty() {
        report.note(format!("Pages that did not answer with 200 and were not measured: {}.", missing.join(", ")));
    }
    Ok(())
}
