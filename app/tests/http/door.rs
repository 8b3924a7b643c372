//! A house with a front door: what every test starts from.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt;
use truecount::clock::{Clock, ManualClock};
use truecount::config::Config;
use truecount::connectors::http_transport::HttpTransport;
use truecount::domain::access::Role;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::{Change, Engine, Parts};
use truecount::mint::Mint;
use truecount::operator::accounts::Accounts;
use truecount::sim::Options;
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store};
use truecount_app::server::{AppState, router};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

pub const PASSWORD: &str = "seven brown boats on a lake";
pub const NEW_PASSWORD: &str = "eight green boats on a pond";

pub struct Door {
    pub router: Router,
    pub state: AppState,
    pub clock: Arc<ManualClock>,
    pub accounts: Accounts,
    pub store: Store,
    pub folder: tempfile::TempDir,
    host: String,
}

impl Door {
    /// On this machine, over plain HTTP.
    pub async fn open() -> Result<Self, Box<dyn std::error::Error>> {
        Self::with(&[]).await
    }

    pub async fn with(pairs: &[(&str, &str)]) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let database = format!("sqlite://{}", folder.path().join("truecount.db").display());
        let site = folder.path().join("site");
        let mut map: BTreeMap<String, String> =
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        map.insert("DATABASE_URL".to_owned(), database.clone());
        map.insert("SITE_DIR".to_owned(), site.display().to_string());
        std::fs::create_dir_all(site.join("pkg"))?;
        std::fs::write(site.join("pkg/truecount.4f1c2a9b.js"), "export default 1;")?;
        std::fs::write(site.join("pkg/truecount.4f1c2a9b.wasm"), "\0asm")?;
        std::fs::write(site.join("favicon.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")?;
        std::fs::write(folder.path().join("outside.txt"), "not for you")?;
        let config = Config::read(&map)?;
        let host = config.public.authority.clone();
        let store = Store::open(&database, Durability::Off).await?;
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_778_745_600)));
        let engine = Engine::open(Parts {
            store: store.clone(),
            clock: clock.clone() as Arc<dyn Clock>,
            mint: Arc::new(Mint::seeded(1)),
            transport: Arc::new(HttpTransport::new(false)?),
            seal: SealKey::new([7; 32]),
            unpaced: false,
        })
        .await?;
        let accounts = Accounts::new(store.clone(), clock.clone(), Arc::new(Mint::from_os()));
        let state = AppState::new(engine, config, accounts.clone());
        Ok(Self { router: router(state.clone()), state, clock, accounts, store, folder, host })
    }

    /// With one person of that role inside the books.
    pub async fn with_person(name: &str, role: Role) -> Result<Self, Box<dyn std::error::Error>> {
        let door = Self::open().await?;
        door.accounts.add(&Accounts::console(), name, role, PASSWORD).await?;
        Ok(door)
    }

    /// With a shop and a till connected; nothing is asked of them.
    pub async fn connected() -> Result<Self, Box<dyn std::error::Error>> {
        let door = Self::open().await?;
        door.connect().await?;
        Ok(door)
    }

    /// Connects a shop and a till; nothing is asked of them.
    pub async fn connect(&self) -> Outcome {
        let (seal, mint) = (SealKey::new([7; 32]), Mint::seeded(7));
        let places = ["https://a.example", "https://b.example"];
        truecount::rehearsal::add_connections(&self.store, &seal, &mint, &Options::default(), places).await?;
        self.state.engine.reload().await?;
        Ok(())
    }

    /// Tells every live page that something changed.
    pub fn announce(&self, change: Change) {
        let _ = self.state.engine.cx().changes.send(change);
    }

    pub fn later(&self, span: Span) {
        self.clock.set(self.clock.now() + span);
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        let ask = Ask { request };
        ask.header("host", &self.host).from("127.0.0.1")
    }

    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    /// A form as our own page sends it.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Ask {
        self.raw_form(path, fields).header("sec-fetch-site", "same-origin")
    }

    /// A form without a word on where it comes from.
    pub fn raw_form(&self, path: &str, fields: &[(&str, &str)]) -> Ask {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(Method::POST, path).header("content-type", "application/x-www-form-urlencoded").body(text)
    }

    pub async fn send(&self, ask: Ask) -> Answer {
        let response = match self.router.clone().oneshot(ask.request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        Answer::of(response).await
    }

    pub async fn try_login(&self, name: &str, password: &str) -> Answer {
        self.send(self.form("/login", &[("name", name), ("password", password)])).await
    }

    /// Logs in and returns the cookie.
    pub async fn login(&self, name: &str) -> Result<String, Box<dyn std::error::Error>> {
        let answer = self.try_login(name, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        Ok(answer.cookie().ok_or("no cookie")?)
    }

    /// Whether the cookie still opens the house: a page behind the log-in answers, or leads to it.
    pub async fn is_in(&self, cookie: &str) -> bool {
        let answer = self.send(self.form("/theme", &[("theme", "dark")]).cookie(cookie)).await;
        match answer.status {
            StatusCode::SEE_OTHER => true,
            StatusCode::UNAUTHORIZED => false,
            other => panic!("neither in nor out: {other} {}", answer.text),
        }
    }
}

pub struct Ask {
    pub request: Request<Body>,
}

impl Ask {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
            self.request.headers_mut().insert(name, value);
        }
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    pub fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    pub fn from(mut self, address: &str) -> Self {
        if let Ok(ip) = address.parse() {
            self.request.extensions_mut().insert(ConnectInfo(SocketAddr::new(ip, 40_000)));
        }
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub bytes: Vec<u8>,
    pub text: String,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: parts.status, headers: parts.headers, bytes, text }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Name and value of the session's cookie that was set.
    pub fn cookie(&self) -> Option<String> {
        let session = self.set_cookie("truecount").or_else(|| self.set_cookie("__Host-truecount"))?;
        session.split(';').next().map(str::to_owned)
    }

    /// How the cookie of that name was set.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        all.rfind(|set| set.split('=').next() == Some(name))
    }

    /// The text without what differs from request to request.
    pub fn bare(&self) -> String {
        self.text.replace(self.header("x-request-id"), "")
    }
}
