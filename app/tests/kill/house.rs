//! The program's side: its database file, its child process, and how it is looked at afterwards.

use crate::vendors::Street;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use truecount::clock::{Clock, ManualClock, SystemClock};
use truecount::config::secret_key;
use truecount::connectors::http_transport::HttpTransport;
use truecount::connectors::transport::Transport;
use truecount::domain::ids::ConnectionId;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::rehearsal::{add_connections, go_live, map_outlets};
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store, activity, feeds, ledger};
use truecount::sync::driver::HouseWork;

/// How often we look whether something has happened.
const LOOK: Duration = Duration::from_millis(25);

/// A folder with a database and a key, connected and live.
pub struct House {
    folder: TempDir,
    listen: String,
    door: String,
}

impl House {
    /// Connects both vendors, reads them, maps the outlets and goes live; then nobody is at home.
    pub async fn build(street: &Street) -> House {
        let folder = TempDir::new().unwrap();
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let house = House { folder, door: format!("http://{listen}"), listen };
        let store = house.store().await;
        let [till, shop] = &street.addresses;
        add_connections(&store, &house.seal(), &Mint::from_os(), &street.options, [till, shop]).await.unwrap();
        let engine = house.engine(store, Arc::new(SystemClock)).await;
        let (mut work, began) = (HouseWork::default(), Instant::now());
        let read = [("till", "sales"), ("web", "orders"), ("web", "catalogue")];
        house.until_read(&engine, &mut work, &read, Timestamp(0), began).await;
        let mapped = SystemClock.now();
        map_outlets(&engine, &street.world.web_warehouse()).await.unwrap();
        house.until_read(&engine, &mut work, &[("web", "web stock")], mapped, began).await;
        go_live(&engine).await.unwrap();
        street.world.go_live(SystemClock.now());
        close(engine).await;
        house
    }

    /// Where notices go.
    pub fn door(&self) -> &str {
        &self.door
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.file("truecount.db").display())
    }

    fn seal(&self) -> SealKey {
        SealKey::new(*secret_key(&self.file("truecount.key"), &Mint::from_os()).unwrap().expose())
    }

    async fn store(&self) -> Store {
        Store::open(&self.url(), Durability::Full).await.unwrap()
    }

    async fn engine(&self, store: Store, clock: Arc<dyn Clock>) -> Engine {
        Engine::open(Parts {
            store,
            clock,
            mint: Arc::new(Mint::from_os()),
            transport: Arc::new(HttpTransport::new(true).unwrap()),
            seal: self.seal(),
            unpaced: false,
        })
        .await
        .unwrap()
    }

    async fn until_read(
        &self,
        engine: &Engine,
        work: &mut HouseWork,
        wanted: &[(&str, &str)],
        since: Timestamp,
        began: Instant,
    ) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            assert!(engine.settle(work).await.is_some(), "the engine never became quiet");
            let mut missing = false;
            for (connection, feed) in wanted {
                let read = feeds::get(engine.store(), connection, feed).await.unwrap().read_up_to;
                missing |= read == Timestamp(0) || read < since;
            }
            if !missing {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the vendors were not read: {wanted:?}");
        }
    }

    /// Starts the program itself.
    pub async fn start(&self) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.file("log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_truecount"))
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", self.url())
            .env("SECRET_KEY_FILE", self.file("truecount.key"))
            .env("SITE_DIR", self.folder.path())
            .env("LISTEN", &self.listen)
            .env("ALLOW_LOOPBACK_VENDORS", "yes")
            .env("LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self, patience: Duration) {
        let asking = HttpTransport::new(true).unwrap();
        let (mut look, began) = (tokio::time::interval(LOOK), Instant::now());
        loop {
            look.tick().await;
            let request = http::Request::get(format!("{}/health/ready", self.door)).body(bytes::Bytes::new()).unwrap();
            if asking.send(&ConnectionId::new("asking"), request).await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(began.elapsed() < patience, "it did not become ready:\n{}", self.log());
        }
    }

    /// What the ledger has booked that the till does not hold, and the other way round.
    async fn ledger_against(&self, store: &Store, street: &Street) -> Vec<String> {
        let booked = ledger::all_booked(store, street.options.till_connection.as_str()).await.unwrap();
        let ours: BTreeMap<_, _> =
            booked.into_iter().filter(|line| line.4 != 0).map(|(d, l, p, o, units)| ((d, l, p, o), units)).collect();
        let theirs: BTreeMap<_, _> = street
            .world
            .expected_movements()
            .into_iter()
            .map(|e| ((e.sale, e.line, e.product, e.outlet), e.units))
            .collect();
        let lost = theirs
            .iter()
            .filter(|(key, units)| ours.get(*key) != Some(*units))
            .map(|(key, units)| format!("the till holds {units} of {key:?}, the ledger {:?}", ours.get(key)));
        let surplus = ours.keys().filter(|key| !theirs.contains_key(*key)).map(|key| format!("only ours: {key:?}"));
        lost.chain(surplus).collect()
    }

    /// The next process, in this one, so that its books can be read while it works: it must find everything.
    pub async fn settle_in_this_process(&self, street: &Street, patience: Duration) {
        // Its clock runs ahead by three minutes while it looks: what was cut short waits that long for its document.
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let engine = self.engine(self.store().await, Arc::clone(&clock) as Arc<dyn Clock>).await;
        let mut ahead = 0;
        let (mut work, mut look, began) = (HouseWork::default(), tokio::time::interval(LOOK), Instant::now());
        let till = street.options.till_connection.as_str();
        loop {
            look.tick().await;
            ahead = (ahead + 5).min(180);
            clock.set(SystemClock.now() + Span::secs(ahead));
            for delivery in street.world.due_deliveries(SystemClock.now()) {
                let (connection, headers) = (delivery.connection.as_str(), &delivery.headers);
                let status = engine.receive(connection, headers, delivery.body.clone()).await.status;
                street.world.delivered(delivery.id, status, SystemClock.now());
            }
            assert!(engine.settle(&mut work).await.is_some(), "the engine never became quiet");
            let wrong = self.ledger_against(engine.store(), street).await;
            let open = street.world.differences();
            if wrong.is_empty() && open.is_empty() {
                break;
            }
            assert!(began.elapsed() < patience, "wrong: {wrong:#?}\nopen: {open:#?}\n{}", self.log());
        }
        assert_eq!(ledger::unsound(engine.store(), till).await.unwrap(), Vec::new());
        assert_eq!(activity::first_break(engine.store()).await.unwrap(), None);
        close(engine).await;
    }
}

async fn close(engine: Engine) {
    let store = engine.store().clone();
    drop(engine);
    store.close().await;
}
