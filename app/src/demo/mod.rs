//! The demonstration: the whole program over a simulated shop and till, with a trading day already behind it.
//!
//! First the day so far is played in simulated time, with faults, against the real engine. Then the simulated
//! vendors become HTTP servers on loopback and trade goes on by the clock on the wall: notices are posted to our
//! own webhook address, and we call the vendors as we would call real ones. Nothing outside this machine is
//! touched, and nothing is kept.

mod control;
mod place;
mod vendors;

use crate::server::{AppState, lifecycle, router};
use anyhow::Context;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use truecount::clock::{Clock, SystemClock};
use truecount::config::{Config, Mistake, Mistakes};
use truecount::connectors::http_transport::HttpTransport;
use truecount::domain::access::Role;
use truecount::domain::system::Pair;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::operator::accounts::Accounts;
use truecount::rehearsal::Rehearsal;
use truecount::sim::{Fault, Habits, Options, World};
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store};

/// Hours of trade behind the first page.
const HOURS_BEHIND: i64 = 14;

/// One pass-phrase for all demo accounts: long enough for the rule, and printed at the start.
const PASSWORD: &str = "two quiet linen shirts";

/// One account for each role, named by it; the administrator first.
const ROLES: [Role; 6] =
    [Role::Admin, Role::Operations, Role::Finance, Role::Merchandising, Role::Store, Role::ReadOnly];

/// What a demonstration is asked to do.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The settings it serves by; the database is a temporary one.
    pub config: Config,
    /// The same seed gives the same demonstration.
    pub seed: u64,
    /// Sellable items.
    pub skus: u32,
    /// Which shop and which till.
    pub pair: Pair,
}

/// Settings of an installation that are none of a demonstration's business: its database and key, and where people
/// reach it. With the latter the simulated vendors, who call the address of `LISTEN`, would be turned away.
const OF_AN_INSTALLATION: [&str; 6] =
    ["DATABASE_URL", "SECRET_KEY_FILE", "PUBLIC_URL", "TRUSTED_PROXIES", "TLS_CERT_FILE", "TLS_KEY_FILE"];

/// The settings of a demonstration, out of those that may have been exported for `serve`. Its log-ins are published and
/// it speaks plain HTTP, so it stays on this machine.
pub fn settings(map: &BTreeMap<String, String>) -> Result<Config, Mistakes> {
    let mut map = map.clone();
    map.retain(|name, _| !OF_AN_INSTALLATION.contains(&name.as_str()));
    let (config, mut mistakes) = Config::read_all(&map);
    if !config.listen.ip().is_loopback() {
        // That a PUBLIC_URL is missing would be no help: none would be taken.
        mistakes.retain(|mistake| mistake.name != "PUBLIC_URL");
        let wrong = "leads beyond this machine; a demonstration has log-ins that everybody knows, so it stays on it";
        mistakes.push(Mistake { name: "LISTEN", wrong: wrong.to_owned(), example: "127.0.0.1:4780" });
    }
    if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
}

/// Runs a demonstration until it is stopped.
pub async fn run(demo: Demo) -> anyhow::Result<()> {
    // Before the day is played: a minute later is too late to say that the port is taken.
    let listener = tokio::net::TcpListener::bind(demo.config.listen)
        .await
        .with_context(|| format!("LISTEN {} is taken or not ours", demo.config.listen))?;
    let address = listener.local_addr()?;
    let folder = tempfile::Builder::new().prefix("truecount-demo-").tempdir().context("no temporary folder")?;
    let url = format!("sqlite://{}", folder.path().join("demo.db").display());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let options = Options {
        seed: demo.seed,
        start: now - Span::hours(HOURS_BEHIND),
        skus: usize::try_from(demo.skus)?,
        stores: place::where_it_is_day(now),
        sales_per_day: 1_200,
        faults: [Fault::F01, Fault::F02, Fault::F05].into(),
        dirt_percent: 1,
        notice_delay_max: Span::millis(400),
        habits: Some(Habits::PLAIN),
        ..Options::default().with_pair(demo.pair)
    };

    let zone = options.stores.first().map_or(chrono_tz::Europe::London, |store| store.zone);
    tracing::info!("playing the last {HOURS_BEHIND} hours of trade in {} stores", options.stores.len());
    let vendors = vendors::Listeners::bind().await?;
    let mut signals = lifecycle::Signals::listen();
    let played = tokio::select! {
        played = play_the_day(options.clone(), &url, &vendors, &clock) => played?,
        () = signals.next() => return Ok(()),
    };
    let (world, key) = played;
    world.end_faults();

    let mint = Arc::new(Mint::from_os());
    let store = Store::open(&url, Durability::Full).await?;
    let accounts = Accounts::new(store.clone(), Arc::clone(&clock), Arc::clone(&mint));
    let logins = add_accounts(&accounts).await?;
    let engine = Engine::open(Parts {
        store,
        clock: Arc::clone(&clock),
        mint,
        transport: Arc::new(HttpTransport::new(true)?),
        seal: key,
        unpaced: false,
    })
    .await?;

    let mut config = demo.config.serving_at(address);
    config.zone = zone;
    let origin = config.public.origin();
    let (stop_all, stopped) = tokio::sync::watch::channel(false);
    let mut running = tokio::task::JoinSet::new();
    let who = [options.till_vendor, options.web_vendor];
    vendors.serve(Arc::clone(&world), Arc::clone(&clock), who, &mut running, stopped.clone());
    running.spawn(vendors::trade(
        Arc::clone(&world),
        Arc::clone(&clock),
        HttpTransport::new(true)?,
        format!("http://{address}"),
        stopped.clone(),
    ));
    let control = control::serve(Arc::clone(&world), Arc::clone(&clock), &mut running, stopped.clone()).await?;
    running.spawn({
        let (engine, stopped) = (engine.clone(), stopped.clone());
        async move { engine.run(stopped).await }
    });

    let state = AppState::new(engine, config, accounts);
    let listeners = Arc::clone(&state.listeners);
    announce(&origin, &control, &on_a_shelf(&world), &logins)?;
    let (leave, left) = tokio::sync::oneshot::channel::<()>();
    lifecycle::serve(
        listener,
        router(state),
        None,
        lifecycle::Limits { drain: Duration::from_secs(3), ..lifecycle::Limits::default() },
        async move {
            signals.next().await;
            tokio::spawn(async move {
                signals.next().await;
                let _ = leave.send(());
            });
        },
        move || listeners.end_all(),
        async move { drop(left.await) },
    )
    .await;
    stop_all.send_replace(true);
    let _ = tokio::time::timeout(Duration::from_secs(5), async { while running.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Simulated time up to now: first reads, *Go live*, and the day's trade with its faults.
async fn play_the_day(
    options: Options,
    url: &str,
    vendors: &vendors::Listeners,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Arc<World>, SealKey)> {
    let store = Store::open(url, Durability::Off).await?;
    let mut rehearsal = Rehearsal::at(options, store, vendors.addresses()).await?;
    rehearsal.connect().await?;
    let begins = rehearsal.world.now();
    let hours = |at: Timestamp| at.since(begins).as_secs_f64() / 3_600.0;
    // Real time goes on while the day is played; the last stretch is as short as a breath.
    while clock.now().since(rehearsal.world.now()) > Span::millis(500) {
        let (played, now) = (rehearsal.world.now(), clock.now());
        say(&format!("Playing the trading day up to now: {:.0} of {:.0} hours", hours(played), hours(now)));
        rehearsal.run_until(now.min(played + Span::hours(2))).await?;
    }
    let (world, key) = (Arc::clone(&rehearsal.world), rehearsal.engine.seal().clone());
    rehearsal.engine.store().close().await;
    Ok((world, key))
}

async fn add_accounts(accounts: &Accounts) -> anyhow::Result<Vec<(String, String)>> {
    let mut logins = Vec::new();
    let me = Accounts::console();
    for role in ROLES {
        accounts.add(&me, role.word(), role, PASSWORD).await?;
        logins.push((role.word().to_owned(), PASSWORD.to_owned()));
    }
    Ok(logins)
}

/// What takes long says what it is doing; standard output is kept for the address.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "» {words}");
}

/// A SKU that the web shows and that a till has to sell, written so that it can be pasted into a shell as it is.
fn on_a_shelf(world: &World) -> String {
    let plain = |sku: &str| sku.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let shelved = |sku: &str| world.till_on_hand(sku).is_some_and(|n| n > 9) && world.shows(sku).is_some_and(|n| n > 9);
    world.skus().into_iter().find(|sku| plain(sku) && shelved(sku)).unwrap_or_default()
}

/// One line for programs, then a few for people.
fn announce(origin: &str, control: &str, sku: &str, logins: &[(String, String)]) -> anyhow::Result<()> {
    let logins_json: Vec<_> =
        logins.iter().map(|(name, password)| serde_json::json!({ "name": name, "password": password })).collect();
    let line = serde_json::json!({ "address": origin, "control": control, "logins": logins_json });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    writeln!(out, "\nTruecount is at {origin}")?;
    let names: Vec<&str> = logins.iter().map(|(name, _)| name.as_str()).collect();
    writeln!(out, "Log in as {} with: {PASSWORD}", names.join(", "))?;
    writeln!(out, "Sell something at the till: curl -d '{{\"sku\":\"{sku}\",\"units\":1}}' {control}/sell")?;
    writeln!(out, "Ctrl-C stops everything.")?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As README has them exported for `serve`, and those for TLS of our own.
    const EXPORTED: [(&str, &str); 7] = [
        ("DATABASE_URL", "sqlite:///var/lib/truecount/truecount.db"),
        ("SECRET_KEY_FILE", "/var/lib/truecount/truecount.key"),
        ("PUBLIC_URL", "https://stock.example.com"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("TLS_CERT_FILE", "/etc/truecount/tls.crt"),
        ("TLS_KEY_FILE", "/etc/truecount/tls.key"),
        ("ZONE", "Europe/London"),
    ];

    fn exported(listen: &str) -> BTreeMap<String, String> {
        let pairs = EXPORTED.into_iter().chain([("LISTEN", listen)]);
        pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn what_was_exported_for_an_installation_does_not_reach_a_demonstration() {
        let config = settings(&exported("127.0.0.1:4799")).expect("usable settings");
        assert_eq!(config.public.origin(), "http://127.0.0.1:4799", "where it says it is, it is");
        assert!(config.trusted_proxies.is_empty() && config.tls.is_none());
        assert!(!config.database.expose().contains("/var/lib") && !config.secret_key_file.starts_with("/var/lib"));
        assert_eq!(config.zone, chrono_tz::Europe::London, "what is no address stays");
    }

    #[test]
    fn a_demonstration_is_served_on_this_machine_only() {
        for listen in ["0.0.0.0:443", "[::]:4780", "192.0.2.7:4780"] {
            let Err(Mistakes(mistakes)) = settings(&exported(listen)) else { panic!("{listen} was taken") };
            assert_eq!(mistakes.iter().map(|mistake| mistake.name).collect::<Vec<_>>(), ["LISTEN"], "{listen}");
        }
    }

    #[tokio::test]
    async fn every_role_has_a_log_in_that_is_accepted() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("demo.db").display());
        let store = Store::open(&url, Durability::Off).await.expect("a database");
        let accounts = Accounts::new(store, Arc::new(SystemClock), Arc::new(Mint::from_os()));
        let logins = add_accounts(&accounts).await.expect("accounts");
        assert_eq!(logins.len(), Role::ALL.len());
        for role in Role::ALL {
            let (name, password) = logins.iter().find(|(name, _)| name == role.word()).expect("a log-in of this role");
            let address = std::net::IpAddr::from([127, 0, 0, 1]);
            let person = accounts.log_in(address, name, password).await.expect("it is accepted");
            assert_eq!(person.role, role);
        }
    }
}
