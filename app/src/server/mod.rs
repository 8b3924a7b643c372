//! The front door: everything that can be reached from outside is in the one router made here.
//!
//! Outermost first, a request passes: a number for the log, the net that catches panics, compression, the headers
//! of every answer, allowed methods, the proxy (where one stands in front), the known host, where it comes from; then one of five places: pages and forms
//! (same origin, session, small bodies, a time limit), live changes, the webhook door (no cookies, no session),
//! health, files.

pub mod events;
pub mod files;
mod health;
pub mod lifecycle;
mod login;
mod places;
pub mod refused;
pub mod routes;
pub mod security;
pub mod session;
pub mod telemetry;
pub mod tls;
pub mod web;
mod webhooks;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use routes::{Route, Routes};
use std::sync::Arc;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use truecount::config::Config;
use truecount::engine::Engine;
use truecount::mint::Mint;
use truecount::operator::accounts::Accounts;

/// Largest form.
pub const FORM_BYTES: usize = 64 * 1024;

/// What every handler may reach. A request passes many layers, and each takes one: it is cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What is behind an [`AppState`].
pub struct Shared {
    /// The running engine.
    pub engine: Engine,
    /// The settings.
    pub config: Arc<Config>,
    /// Accounts and sessions, with a clock of their own: in a demonstration the engine's runs faster.
    pub accounts: Accounts,
    /// The built browser half.
    pub site: Arc<files::Site>,
    /// Who listens for live changes.
    pub listeners: Arc<events::Listeners>,
    /// Nonces and request numbers.
    pub mint: Arc<Mint>,
    /// Who was refused what in this hour.
    pub refused: refused::Refused,
    writes: Arc<health::Writes>,
    notices: Arc<webhooks::Room>,
    hosts: Arc<security::Hosts>,
}

impl AppState {
    /// Brings together what the handlers need. The mint is seeded by the operating system whatever the engine's is.
    pub fn new(engine: Engine, config: Config, accounts: Accounts) -> Self {
        Self(Arc::new(Shared {
            engine,
            accounts,
            site: Arc::new(files::Site::open(&config.site_dir)),
            listeners: Arc::new(events::Listeners::default()),
            mint: Arc::new(Mint::from_os()),
            refused: refused::Refused::default(),
            writes: Arc::default(),
            notices: Arc::default(),
            hosts: Arc::new(security::Hosts::of(&config)),
            config: Arc::new(config),
        }))
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

fn pages(routes: Routes) -> Routes {
    login::routes(crate::pages::routes(routes))
}

/// What no session is asked for.
fn for_machines(routes: Routes) -> Routes {
    health::routes(webhooks::routes(routes))
}

/// Every address that the router answers at; beside them there are only files.
pub fn table() -> Vec<Route> {
    for_machines(events::routes(pages(Routes::default()))).table()
}

/// Everything that can be reached from outside.
pub fn router(state: AppState) -> Router {
    let pages = pages(Routes::default())
        .router()
        .layer(from_fn_with_state(state.clone(), security::time_limit))
        .merge(events::routes(Routes::default()).router())
        .layer(session::layer(state.accounts.clone(), state.config.public.https))
        .layer(RequestBodyLimitLayer::new(FORM_BYTES))
        .layer(from_fn_with_state(state.clone(), security::own_words))
        .layer(from_fn(security::never_stored))
        .layer(from_fn_with_state(state.clone(), security::same_origin));
    // What no page is called: a file, or else a page that says so, in its frame for whoever is signed in.
    let others = Router::new()
        .fallback(crate::pages::error::missing)
        .layer(session::layer(state.accounts.clone(), state.config.public.https))
        .layer(from_fn_with_state(state.clone(), files::or_further));
    Router::new()
        .merge(pages)
        .merge(for_machines(Routes::default()).router())
        .merge(others)
        .layer(from_fn_with_state(state.clone(), security::client_address))
        .layer(from_fn_with_state(state.clone(), security::known_host))
        .layer(from_fn_with_state(state.clone(), security::only_the_proxy))
        .layer(from_fn_with_state(state.clone(), security::allowed_methods))
        .layer(from_fn_with_state(state.clone(), security::headers))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(state.clone(), security::numbered))
        .with_state(state)
}
