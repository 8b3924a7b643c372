//! The other side, in a process of its own: the simulated shop and till on loopback, and the sender of notices.
//!
//! It is told what to do in lines of JSON on standard input and answers in lines on standard output, so that its
//! processor time is its own and one clock sees a sale leave and its count arrive.

use super::machine::{self, Quantiles};
use super::notices::Template;
use super::wire::Wire;
use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;
use truecount::clock::{Clock, SystemClock};
use truecount::domain::time::Span;
use truecount::sim::{Habits, Options, Vendor, World};

/// Units of every item at the first outlet: enough that no count reaches zero.
const PLENTY: i64 = 100_000;
/// How long counts may take to arrive before they are given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections of the steady sender; it never waits for one.
const STEADY_CONNECTIONS: usize = 32;

/// What the other side is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Send so many notices as fast as they are taken.
    Burst { door: SocketAddr, connections: usize, notices: u64 },
    /// Send so many a second for so long.
    Steady { door: SocketAddr, per_second: u64, seconds: u64 },
    /// Wait until the shop shows what it should.
    Settle,
}

/// Where it can be reached, said once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Here {
    /// Address of the till.
    pub till: SocketAddr,
    /// Address of the shop.
    pub shop: SocketAddr,
    /// The shop's selling warehouse.
    pub warehouse: String,
    /// Some SKU, to be searched for.
    pub sku: String,
}

/// What came of an order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    /// Notices sent.
    pub sent: u64,
    /// Answered with 200.
    pub accepted: u64,
    /// From the first byte to the last answer, in seconds.
    pub took_s: f64,
    /// From the first byte until the shop showed everything, in seconds; `None` when it never did.
    pub settled_s: Option<f64>,
    /// Rows that the shop had been written when the last answer came.
    pub rows_then: u64,
    /// Rows that the shop had been written at the end.
    pub rows: u64,
    /// Calls that brought them.
    pub calls: u64,
    /// How long an answer took.
    pub answers: Quantiles,
    /// From a notice's first byte until the shop showed its count.
    pub delays: Quantiles,
    /// How late the sender itself was.
    pub lag: Quantiles,
    /// Its own processor time.
    pub cpu_ms: f64,
}

/// The options of the world that both processes know.
pub(super) fn options(skus: usize) -> Options {
    let plain = Some(Habits::PLAIN);
    let still = Options { trade: false, history_percent: 0, habits: plain, ..Options::default() };
    Options { skus, limits_on: false, miscounts: true, ..still }
}

struct Side {
    world: World,
    books: Mutex<Books>,
    calls: AtomicU64,
    watched: Mutex<VecDeque<(usize, i64, Instant)>>,
    delays: Mutex<Vec<u64>>,
}

/// What was sold and what the till's own count has been told of it.
struct Books {
    items: Vec<Item>,
    outlet: String,
    next: u64,
    changed: Vec<usize>,
}

struct Item {
    sku: String,
    product: String,
    opening: i64,
    sold: i64,
    told: i64,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Side {
    /// A sale happens at the till: its item and the whole request of its notice.
    fn sell(&self, template: &Template) -> (usize, i64, Vec<u8>) {
        let mut books = held(&self.books);
        let number = books.next;
        books.next += 1;
        let at = usize::try_from(number).unwrap_or(0) % books.items.len().max(1);
        let version = self.world.reserve_till_version();
        books.changed.push(at);
        let Some(item) = books.items.get_mut(at) else { return (0, 0, Vec::new()) };
        item.sold += 1;
        let (product, should) = (item.product.clone(), item.opening - item.sold);
        drop(books);
        (at, should, template.request(number, &product, version))
    }

    /// Before the till is asked for anything its own counts have fallen by what was sold.
    fn till_catches_up(&self) {
        let mut books = held(&self.books);
        let changed = std::mem::take(&mut books.changed);
        let outlet = books.outlet.clone();
        for at in changed {
            let Some(item) = books.items.get_mut(at).filter(|item| item.told != item.sold) else { continue };
            item.told = item.sold;
            let _ = self.world.set_till_stock(&item.sku, &outlet, PLENTY - item.sold);
        }
    }

    /// After a write: what was waited for and is shown now has arrived.
    fn look(&self) {
        let arrived = Instant::now();
        let mut watched = held(&self.watched);
        if watched.is_empty() {
            return;
        }
        let books = held(&self.books);
        let mut delays = held(&self.delays);
        watched.retain(|(at, should, sent)| {
            let shown = books.items.get(*at).and_then(|item| self.world.shows(&item.sku));
            let waits = shown.is_none_or(|shown| shown > *should);
            if !waits {
                delays.push(u64::try_from(arrived.duration_since(*sent).as_micros()).unwrap_or(u64::MAX));
            }
            waits
        });
    }

    fn is_settled(&self) -> bool {
        let books = held(&self.books);
        books.items.iter().all(|item| self.world.shows(&item.sku) == Some(item.opening - item.sold))
    }

    /// Looks every few milliseconds until all is shown; the seconds since `began`.
    async fn settled(&self, began: Instant) -> Option<f64> {
        let mut soon = tokio::time::interval(Duration::from_millis(20));
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            soon.tick().await;
            if self.is_settled() {
                return Some(began.elapsed().as_secs_f64());
            }
        }
        None
    }
}

async fn answer(side: &Side, vendor: Vendor, request: axum::extract::Request) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 16 * 1024 * 1024).await else {
        return http::Response::new(Body::empty());
    };
    let writes = vendor == Vendor::Centra && body.windows(8).any(|eight| eight == b"setStock");
    if vendor == Vendor::LightspeedX {
        side.till_catches_up();
    }
    let response = side.world.answer(vendor, &http::Request::from_parts(parts, body), SystemClock.now());
    if writes {
        side.calls.fetch_add(1, Ordering::Relaxed);
        side.look();
    }
    response.map(Body::from)
}

async fn till(State(side): State<Arc<Side>>, request: axum::extract::Request) -> http::Response<Body> {
    answer(&side, Vendor::LightspeedX, request).await
}

async fn shop(State(side): State<Arc<Side>>, request: axum::extract::Request) -> http::Response<Body> {
    answer(&side, Vendor::Centra, request).await
}

/// Runs until standard input ends.
pub(super) async fn run(skus: usize) -> anyhow::Result<()> {
    let mut options = options(skus);
    options.start = SystemClock.now() - Span::secs(60);
    let secret = options.till_secret.clone();
    let hook = format!("/hooks/{}", options.till_connection);
    let world = World::open(options);
    let skus = world.skus();
    let sku = skus.first().context("the world is empty")?.clone();
    let outlet = world.outlets().first().context("the till has no outlet")?.0.clone();
    world.sell(&sku, &outlet, 1)?;
    let told = world.due_deliveries(world.now() + Span::secs(5));
    let sample: Bytes = told
        .iter()
        .map(|delivery| delivery.body.clone())
        .find(|body| body.windows(11).any(|eleven| eleven == b"sale.update"))
        .context("the till told nobody of a sale")?;
    let mut items = Vec::with_capacity(skus.len());
    for sku in skus {
        let product = world.keys(&sku).context("an item without ids")?.0;
        world.set_till_stock(&sku, &outlet, PLENTY)?;
        let opening = world.till_on_hand(&sku).unwrap_or(0);
        items.push(Item { sku, product, opening, sold: 0, told: 0 });
    }
    let side = Arc::new(Side {
        books: Mutex::new(Books { items, outlet, next: 0, changed: Vec::new() }),
        calls: AtomicU64::new(0),
        watched: Mutex::default(),
        delays: Mutex::default(),
        world,
    });
    let (till_at, shop_at) =
        (tokio::net::TcpListener::bind("127.0.0.1:0").await?, tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let here =
        Here { till: till_at.local_addr()?, shop: shop_at.local_addr()?, warehouse: side.world.web_warehouse(), sku };
    let mut servers = JoinSet::new();
    let router = Router::new().fallback(till).with_state(Arc::clone(&side));
    servers.spawn(async move { axum::serve(till_at, router).await });
    let router = Router::new().fallback(shop).with_state(Arc::clone(&side));
    servers.spawn(async move { axum::serve(shop_at, router).await });
    say(&here).await?;
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = orders.next_line().await? {
        let before = machine::cpu_ms();
        let (rows, calls) = (side.rows_written(), side.calls.load(Ordering::Relaxed));
        let cut = |door: SocketAddr| {
            Template::cut(&sample, &secret, &hook, &door.to_string(), SystemClock.now()).map(Arc::new)
        };
        let mut told = match serde_json::from_str(&line)? {
            Order::Settle => {
                let settled_s = side.settled(Instant::now()).await;
                Told { settled_s, ..Told::default() }
            }
            Order::Burst { door, connections, notices } => {
                let template = cut(door)?;
                burst(&side, &template, door, connections, notices).await?
            }
            Order::Steady { door, per_second, seconds } => {
                steady(&side, cut(door)?, door, per_second, per_second * seconds).await?
            }
        };
        told.rows = side.rows_written() - rows;
        told.calls = side.calls.load(Ordering::Relaxed) - calls;
        told.cpu_ms = machine::cpu_ms().zip(before).map_or(0.0, |(after, before)| after - before);
        say(&told).await?;
    }
    Ok(())
}

impl Side {
    fn rows_written(&self) -> u64 {
        self.world.audit().rows_written
    }
}

async fn say(what: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let mut out = tokio::io::stdout();
    out.write_all(&line).await?;
    out.flush().await?;
    Ok(())
}

async fn burst(
    side: &Arc<Side>,
    template: &Template,
    door: SocketAddr,
    connections: usize,
    notices: u64,
) -> anyhow::Result<Told> {
    let prepared: VecDeque<Vec<u8>> = (0..notices).map(|_| side.sell(template).2).collect();
    let waiting = Arc::new(Mutex::new(prepared));
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(Wire::open(door).await?);
    }
    let rows_before = side.rows_written();
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for mut wire in wires {
        let waiting = Arc::clone(&waiting);
        senders.spawn(async move {
            let (mut accepted, mut took) = (0, Vec::new());
            loop {
                let next = held(&waiting).pop_front();
                let Some(request) = next else { break };
                let asked = Instant::now();
                let reply = wire.ask(&request).await?;
                took.push(machine::since(asked));
                accepted += u64::from(reply.status == 200);
            }
            Ok::<_, std::io::Error>((accepted, took))
        });
    }
    let (mut accepted, mut answers) = (0, Vec::new());
    while let Some(done) = senders.join_next().await {
        let (some, took) = done??;
        accepted += some;
        answers.extend(took);
    }
    let took_s = began.elapsed().as_secs_f64();
    let rows_then = side.rows_written() - rows_before;
    let settled_s = side.settled(began).await;
    Ok(Told {
        sent: notices,
        accepted,
        took_s,
        settled_s,
        rows_then,
        answers: Quantiles::of(answers),
        ..Told::default()
    })
}

async fn steady(
    side: &Arc<Side>,
    template: Arc<Template>,
    door: SocketAddr,
    per_second: u64,
    notices: u64,
) -> anyhow::Result<Told> {
    held(&side.delays).clear();
    held(&side.watched).clear();
    let began = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..STEADY_CONNECTIONS {
        let mut wire = Wire::open(door).await?;
        let (side, template, next) = (Arc::clone(side), Arc::clone(&template), Arc::clone(&next));
        senders.spawn(async move {
            let (mut accepted, mut took, mut lag) = (0, Vec::new(), Vec::new());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= notices {
                    break;
                }
                let due = began + Duration::from_micros(number * 1_000_000 / per_second.max(1));
                // A sale is rung up when its time has come, on whichever connection took its number.
                let wait = due.saturating_duration_since(Instant::now());
                if !wait.is_zero() {
                    let mut once = tokio::time::interval_at((Instant::now() + wait).into(), Duration::from_secs(1));
                    once.tick().await;
                }
                let (at, should, request) = side.sell(&template);
                let sent = Instant::now();
                held(&side.watched).push_back((at, should, sent));
                lag.push(u64::try_from(sent.duration_since(due).as_micros()).unwrap_or(u64::MAX));
                let reply = wire.ask(&request).await?;
                took.push(machine::since(sent));
                accepted += u64::from(reply.status == 200);
            }
            Ok::<_, std::io::Error>((accepted, took, lag))
        });
    }
    let (mut accepted, mut answers, mut lag) = (0, Vec::new(), Vec::new());
    while let Some(done) = senders.join_next().await {
        let (some, took, late) = done??;
        accepted += some;
        answers.extend(took);
        lag.extend(late);
    }
    let took_s = began.elapsed().as_secs_f64();
    let settled_s = side.settled(began).await;
    // The last write may be shown and not yet have been looked at.
    side.look();
    let delays = std::mem::take(&mut *held(&side.delays));
    Ok(Told {
        sent: notices,
        accepted,
        took_s,
        settled_s,
        answers: Quantiles::of(answers),
        delays: Quantiles::of(delays),
        lag: Quantiles::of(lag),
        ..Told::default()
    })
}
