//! The street outside: simulated vendors over real HTTP, their customers, their notices, and the plug.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use rand::Rng;
use rand_chacha::ChaCha12Rng;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::process::Child;
use tokio::task::JoinSet;
use truecount::clock::{Clock, SystemClock};
use truecount::connectors::http_transport::HttpTransport;
use truecount::connectors::transport::Transport;
use truecount::domain::ids::ConnectionId;
use truecount::domain::time::Timestamp;
use truecount::sim::{Audit, Options, Vendor, World};

/// Largest request that a vendor takes.
const REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// The program at work, and whether the shop is to end it.
#[derive(Default)]
struct Plug {
    child: Mutex<Option<Child>>,
    armed: AtomicBool,
    pulled: AtomicU32,
}

impl Plug {
    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the program by force (SIGKILL to its own process id).
    fn pull(&self) {
        if let Some(child) = self.child().as_mut() {
            child.start_kill().unwrap();
        }
        self.pulled.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Counter {
    world: Arc<World>,
    vendor: Vendor,
    plug: Arc<Plug>,
}

async fn answer(State(counter): State<Counter>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, REQUEST_BYTES).await.unwrap_or_default();
    let writes = counter.vendor == Vendor::Centra && String::from_utf8_lossy(&body).contains("setStock");
    let response = counter.world.answer(counter.vendor, &http::Request::from_parts(head, body), SystemClock.now());
    if writes && counter.plug.armed.swap(false, Ordering::SeqCst) {
        counter.plug.pull();
    }
    response.map(Into::into)
}

/// Both vendors, their customers and the postman.
pub struct Street {
    pub world: Arc<World>,
    pub options: Options,
    /// Addresses of till and shop.
    pub addresses: [String; 2],
    skus: Vec<String>,
    outlets: Vec<String>,
    sales: Vec<String>,
    orders: Vec<i64>,
    plug: Arc<Plug>,
    pulls_seen: u32,
    post: Arc<HttpTransport>,
    under_way: JoinSet<()>,
}

impl Street {
    /// Opens two counters on ports of their own.
    pub async fn open(seed: u64) -> Street {
        // The vendors' own limits are switched off: this is about being killed, and a killed program cannot know
        // any more what it was told about waiting.
        let start = SystemClock.now();
        let options = Options { start, limits_on: false, miscounts: false, ..Options::still(seed, 80) };
        let world = Arc::new(World::open(options.clone()));
        let plug = Arc::new(Plug::default());
        let mut addresses = Vec::new();
        for vendor in [Vendor::LightspeedX, Vendor::Centra] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(format!("http://{}", listener.local_addr().unwrap()));
            let counter = Counter { world: Arc::clone(&world), vendor, plug: Arc::clone(&plug) };
            let router = Router::new().fallback(answer).with_state(counter);
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        Street {
            skus: world.skus(),
            outlets: world.outlets().into_iter().map(|(_, name)| name).collect(),
            options,
            addresses: addresses.try_into().unwrap(),
            sales: Vec::new(),
            orders: Vec::new(),
            plug,
            pulls_seen: 0,
            post: Arc::new(HttpTransport::new(true).unwrap()),
            under_way: JoinSet::new(),
            world,
        }
    }

    pub fn audit(&self) -> Audit {
        self.world.audit()
    }

    /// The program that is running from now on.
    pub fn send_in(&mut self, child: Child) {
        self.pulls_seen = self.plug.pulled.load(Ordering::SeqCst);
        *self.plug.child() = Some(child);
    }

    /// The next write pulls the plug. Returns how many beats it may take until somebody else does.
    pub fn kill_at_next_write(&self, beats: u32) -> u32 {
        self.plug.armed.store(true, Ordering::SeqCst);
        beats + 100
    }

    /// Whether nobody has pulled the plug since the program was started.
    pub fn alive(&self) -> bool {
        self.plug.pulled.load(Ordering::SeqCst) == self.pulls_seen
    }

    /// Ends the program by force, if nobody did, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.plug.armed.store(false, Ordering::SeqCst);
        let child = self.plug.child().take();
        let mut child = child.unwrap();
        if self.alive() {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        }
        child.kill().await.unwrap();
    }

    /// One thing happens somewhere.
    pub fn live_a_little(&mut self, chance: &mut ChaCha12Rng) {
        let now: Timestamp = SystemClock.now();
        self.world.advance_to(now);
        let (world, pick) = (&self.world, |list: &[String], n: usize| list[n % list.len()].clone());
        let (sku, other) =
            (pick(&self.skus, chance.random_range(0..999)), pick(&self.skus, chance.random_range(0..999)));
        let outlet = pick(&self.outlets, chance.random_range(0..99));
        let units = chance.random_range(1..=2);
        let kind = chance.random_range(0..100);
        let old = (!self.sales.is_empty()).then(|| pick(&self.sales, chance.random_range(0..9_999)));
        // What the world does not allow (an empty shelf, a sale voided twice) simply does not happen.
        match (kind, old) {
            (0..60, _) => self.sales.extend(world.sell_lines(&[(&sku, units), (&other, 1)], &outlet)),
            (60..70, Some(sale)) => drop(world.return_linked(&sale, &[1])),
            (70..75, Some(sale)) => drop(world.void(&sale)),
            (75..80, Some(sale)) => drop(world.exchange(&sale, &sku, &other)),
            (80..90, _) => self.orders.extend(world.place_web_order(&[(&sku, 1)])),
            (90..94, _) => drop(self.orders.pop().map(|order| world.ship(order))),
            (94..97, _) => drop(world.return_unlinked(&sku, &outlet, 1)),
            _ => drop(world.receive(&sku, &outlet, 3)),
        }
    }

    /// Posts what is due to the program, all at once; a program that is gone answers nothing. Returns how many.
    pub fn bring_notices(&mut self, door: &str) -> usize {
        let due = self.world.due_deliveries(SystemClock.now());
        let brought = due.len();
        for delivery in due {
            let (world, post) = (Arc::clone(&self.world), Arc::clone(&self.post));
            let url = format!("{door}/hooks/{}", delivery.connection);
            self.under_way.spawn(async move {
                let mut request = http::Request::post(url).body(delivery.body.clone()).unwrap();
                *request.headers_mut() = delivery.headers.clone();
                let answer = post.send(&ConnectionId::new("postman"), request).await;
                let status = answer.map_or(0, |response| response.status().as_u16());
                world.delivered(delivery.id, status, SystemClock.now());
            });
        }
        while let Some(done) = self.under_way.try_join_next() {
            done.unwrap();
        }
        brought
    }

    /// Waits for the notices that are under way.
    pub async fn bring_the_rest(&mut self) {
        while let Some(done) = self.under_way.join_next().await {
            done.unwrap();
        }
    }
}
