//! `truecount`: serve, demo, rehearse, bench, check, user. It parses, wires and exits; nothing is decided here.

use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::collections::BTreeMap;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use truecount::clock::{Clock, SystemClock};
use truecount::config::{Config, Mistakes, NAMES};
use truecount::connectors::http_transport::HttpTransport;
use truecount::domain::access::Role;
use truecount::domain::system::Pair;
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::operator::accounts::Accounts;
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store};
use truecount::sync::intake::chain;
use truecount_app::bench::{self, Bench};
use truecount_app::demo::{self, Demo};
use truecount_app::rehearse::{self, Ended, Rehearsal};
use truecount_app::server::{AppState, lifecycle, router, telemetry};
use truecount_app::settings::{SettingsError, Usable, usable};

/// Settings or arguments that cannot be used.
const EXIT_SETTINGS: u8 = 2;
/// Stopped by a signal, as a shell says it of Ctrl-C.
const EXIT_STOPPED: u8 = 130;

/// One trustworthy stock count between a web shop and a till.
#[derive(Parser)]
#[command(name = "truecount", version, after_long_help = settings_help())]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// The settings most often given by hand; each lays itself over the environment.
#[derive(Args, Default)]
struct Settings {
    /// Where everything is kept (DATABASE_URL)
    #[arg(long = "db", global = true, value_name = "URL")]
    db: Option<String>,
    /// Address and port to listen on (LISTEN)
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The address people type (PUBLIC_URL)
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<String>,
    /// The built browser half (SITE_DIR)
    #[arg(long, global = true, value_name = "FOLDER")]
    site_dir: Option<String>,
    /// What to log, as in info,truecount=debug (LOG)
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages, take in notices, keep the counts right. The first start prints a code for the first account.
    Serve,
    /// Show the whole program over a simulated shop and till; nothing outside is touched and nothing is kept.
    Demo(DemoArgs),
    /// Play simulated hours with faults, audit the outcome, and report. Ends with 1 when a number is wrong.
    Rehearse(RehearseArgs),
    /// Measure this machine and this build against what is promised, and print both. Takes up to four minutes;
    /// nothing outside is touched and nothing is kept.
    Bench(BenchArgs),
    /// The other side of `bench`, started by it.
    #[command(hide = true)]
    BenchLoad {
        /// Sellable items
        #[arg(long)]
        skus: u32,
    },
    /// Check all settings, open the database, print what was found. Ends with 2 when a setting cannot be used.
    Check,
    /// Add, list, change and close accounts from this machine.
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(Args)]
struct DemoArgs {
    /// The same seed gives the same demonstration
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Sellable items
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    skus: u32,
    /// Which shop and which till
    #[arg(long, default_value = "centra+lightspeed-x", value_parser = Pair::parse, value_name = "SHOP+TILL")]
    pair: Pair,
}

#[derive(Args)]
struct BenchArgs {
    /// Sellable items
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    skus: u32,
    /// Seconds of each part
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=20), value_name = "N")]
    seconds: u64,
    /// Connections that notices come in on at once
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N")]
    connections: u32,
    /// Where the temporary database is kept; its disk is what is measured. `target` if there is one here, else the
    /// system's temporary folder.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Args)]
struct RehearseArgs {
    /// The same seed gives the same rehearsal
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sellable items
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    skus: u32,
    /// Stores with a till
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=500))]
    stores: u32,
    /// Simulated hours
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hours: u32,
    /// First simulated day, as in 2026-03-28
    #[arg(long, default_value = "2026-05-14", value_name = "DATE", value_parser = first_day)]
    start: chrono::NaiveDate,
    /// Zones of the stores, in turn
    #[arg(long, value_delimiter = ',', default_value = "Europe/London", value_name = "ZONES")]
    zones: Vec<chrono_tz::Tz>,
    /// Currencies of the stores, in turn
    #[arg(long, value_delimiter = ',', default_value = "GBP", value_parser = currency)]
    currencies: Vec<String>,
    /// Till sales a day, all stores together
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    sales_per_day: u32,
    /// Web orders a day
    #[arg(long, default_value_t = 120, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    orders_per_day: u32,
    /// Returns a day
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    returns_per_day: u32,
    /// Share of items with doubtful data, in percent
    #[arg(long, default_value_t = 5, value_name = "PCT", value_parser = clap::value_parser!(u8).range(0..=100))]
    dirt: u8,
    /// Faults that happen, as in F01,F05
    #[arg(long, value_delimiter = ',', value_parser = fault, value_name = "FAULTS")]
    faults: Vec<String>,
    /// Which shop and which till
    #[arg(long, default_value = "centra+lightspeed-x", value_parser = Pair::parse, value_name = "SHOP+TILL")]
    pair: Pair,
    /// Write the report here instead of to standard output
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add an account. Without --password-stdin a password is made and printed once.
    Add {
        /// Name to log in with
        name: String,
        /// operations, finance, merchandising, store, admin or read-only
        #[arg(long, default_value = "read-only", value_parser = role)]
        role: Role,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List all accounts
    List,
    /// Give an account a new password; it is logged out everywhere and opened if it was locked.
    Password {
        /// Name of the account
        name: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give an account another role; it is logged out everywhere.
    Role {
        /// Name of the account
        name: String,
        /// operations, finance, merchandising, store, admin or read-only
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Keep an account out and log it out everywhere
    Disable {
        /// Name of the account
        name: String,
    },
    /// Let an account in again
    Enable {
        /// Name of the account
        name: String,
    },
}

fn settings_help() -> String {
    let width = NAMES.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = NAMES.iter().map(|(name, what)| format!("  {name:width$}  {what}")).collect();
    format!("Settings, from the environment:\n{}", lines.join("\n"))
}

fn role(word: &str) -> Result<Role, String> {
    let words: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
    Role::from_word(word).ok_or_else(|| format!("use one of {}", words.join(", ")))
}

/// Zones, offsets and calendars are known well enough in this century only.
fn first_day(word: &str) -> Result<chrono::NaiveDate, String> {
    let day = word.parse::<chrono::NaiveDate>().ok();
    day.filter(|day| (2000..2100).contains(&chrono::Datelike::year(day)))
        .ok_or_else(|| "use a day from 2000-01-01 to 2099-12-31, as in 2026-03-28".to_owned())
}

fn currency(word: &str) -> Result<String, String> {
    let right = word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase());
    if right { Ok(word.to_owned()) } else { Err("use three capital letters, as in GBP".to_owned()) }
}

fn fault(word: &str) -> Result<String, String> {
    let right = word.len() == 3 && word.starts_with('F') && word.chars().skip(1).all(|c| c.is_ascii_digit());
    if right { Ok(word.to_owned()) } else { Err("use F and two digits, as in F01".to_owned()) }
}

/// The environment, with the command line laid over it; only names we know.
fn settings(given: &Settings) -> BTreeMap<String, String> {
    let mut map: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, text)| (name.to_string_lossy().into_owned(), text.to_string_lossy().into_owned()))
        .filter(|(name, _)| NAMES.iter().any(|(known, _)| known == name))
        .collect();
    let flags = [
        ("DATABASE_URL", &given.db),
        ("LISTEN", &given.listen),
        ("PUBLIC_URL", &given.public_url),
        ("SITE_DIR", &given.site_dir),
        ("LOG", &given.log),
    ];
    for (name, text) in flags {
        if let Some(text) = text {
            map.insert(name.to_owned(), text.clone());
        }
    }
    map
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    refuse_what_has_no_use(&cli);
    // Nobody else may choose the TLS library; a second attempt would only mean that it is chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut runtime = match &cli.command {
        // Nothing in it happens side by side, so no second thread has to be woken.
        Command::Rehearse(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::Error::new(error)),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn complain(error: &anyhow::Error) -> ExitCode {
    let tried = match error.downcast_ref::<SettingsError>() {
        Some(SettingsError::Mistakes(mistakes)) => Some(mistakes),
        _ => None,
    };
    let mistakes = tried.or_else(|| error.downcast_ref::<Mistakes>());
    let _ = match mistakes {
        Some(mistakes) => write!(std::io::stderr(), "{mistakes}"),
        None => writeln!(std::io::stderr(), "truecount: {}", with_advice(chain(error.as_ref()))),
    };
    match error.downcast_ref::<Ended>() {
        Some(Ended::Stopped) => ExitCode::from(EXIT_STOPPED),
        Some(Ended::Refused(_)) => ExitCode::from(EXIT_SETTINGS),
        None if mistakes.is_some() => ExitCode::from(EXIT_SETTINGS),
        None => ExitCode::FAILURE,
    }
}

/// What SQLite says of a damaged file says nothing of what to do.
fn with_advice(told: String) -> String {
    if told.contains("malformed") {
        return format!(
            "{told}. The file is damaged: put it back from its backup; docs/RUNBOOK.md, \"Backup and restore\", says how"
        );
    }
    told
}

fn say(text: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("standard output is closed")
}

/// What is given by hand and cannot be used is said, instead of being passed over in silence: a demonstration and a
/// measurement keep nothing, and both are served on this machine only.
fn refuse_what_has_no_use(cli: &Cli) {
    if !matches!(cli.command, Command::Demo(_) | Command::Bench(_)) {
        return;
    }
    let why = if cli.settings.db.is_some() {
        "--db cannot be used here: everything is kept in a temporary database and thrown away"
    } else if cli.settings.public_url.is_some() {
        "--public-url cannot be used here: it is served on this machine only, at the address of --listen"
    } else {
        return;
    };
    Cli::command().error(clap::error::ErrorKind::ArgumentConflict, why).exit();
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let map = settings(&cli.settings);
    match cli.command {
        Command::Serve => serve(usable(&map).await?).await,
        Command::Check => check(&usable(&map).await?),
        Command::User(command) => user(usable(&map).await?.config, command).await,
        Command::Demo(DemoArgs { seed, skus, pair }) => {
            let config = demo::settings(&map)?;
            telemetry::start(&config)?;
            demo::run(Demo { config, seed, skus, pair }).await
        }
        Command::Bench(BenchArgs { skus, seconds, connections, folder }) => {
            bench::run(Bench { skus, seconds, connections, folder, log: cli.settings.log }).await
        }
        Command::BenchLoad { skus } => bench::other_side(skus).await,
        Command::Rehearse(args) => {
            let rehearsal = Rehearsal {
                seed: args.seed,
                skus: args.skus,
                stores: args.stores,
                hours: args.hours,
                start: args.start,
                zones: args.zones,
                currencies: args.currencies,
                sales_per_day: args.sales_per_day,
                orders_per_day: args.orders_per_day,
                returns_per_day: args.returns_per_day,
                dirt: args.dirt,
                faults: args.faults,
                pair: args.pair,
                db: cli.settings.db,
                report: args.report,
            };
            rehearse::run(rehearsal).await
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<(Store, Accounts)> {
    let store = Store::open(config.database.expose(), Durability::Full)
        .await
        .with_context(|| format!("{}", config.database))?;
    Ok((store.clone(), Accounts::new(store, Arc::new(SystemClock), Arc::new(Mint::from_os()))))
}

async fn serve(Usable { config, tls, .. }: Usable) -> anyhow::Result<()> {
    telemetry::start(&config)?;
    let mint = Arc::new(Mint::from_os());
    let (store, accounts) = open(&config).await?;
    // Made on the first start; beside a database with sealed tokens it was there a moment ago, and opened them.
    let key = truecount::config::secret_key(&config.secret_key_file, &mint).context("SECRET_KEY_FILE")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let transport = Arc::new(HttpTransport::new(config.allow_loopback_vendors)?);
    if config.allow_loopback_vendors {
        tracing::warn!(
            "ALLOW_LOOPBACK_VENDORS is set: connections may lead to this machine; for trying things out only"
        );
    }
    let seal = SealKey::new(*key.expose());
    let engine = Engine::open(Parts { store, clock, mint, transport, seal, unpaced: false }).await?;
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("LISTEN {} is taken or not ours", config.listen))?;
    // The port that the system chose, where it was asked to.
    let config = config.serving_at(listener.local_addr()?);
    let origin = config.public.origin();
    if let Some(code) = accounts.setup_code().await? {
        // Not through the log, whose filter could swallow it: without it nobody ever gets in.
        let told = format!("There is no account yet: open {origin}/setup and give the code {code}, good for 24 hours.");
        let _ = writeln!(std::io::stderr(), "{told}");
    }
    let (stop_engine, stop_told) = tokio::sync::watch::channel(false);
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(stop_told).await }
    });
    let limits = lifecycle::Limits::of_this_process(&config.trusted_proxies);
    let state = AppState::new(engine, config, accounts.clone());
    let listeners = Arc::clone(&state.listeners);
    let tidying = tokio::spawn(tidy(accounts));
    tracing::info!("serving {origin}");
    let (first, second) = stops();
    lifecycle::serve(listener, router(state), tls, limits, first, move || listeners.end_all(), second).await;
    tidying.abort();
    // Work under way finishes; what was only planned is in the database and goes on at the next start.
    stop_engine.send_replace(true);
    if running.await.is_err() {
        tracing::error!("the engine did not stop in order");
    }
    tracing::info!("stopped");
    Ok(())
}

/// The first and the second signal to stop.
fn stops() -> (impl Future<Output = ()>, impl Future<Output = ()>) {
    let (first, first_told) = tokio::sync::oneshot::channel::<()>();
    let (second, second_told) = tokio::sync::oneshot::channel::<()>();
    let mut signals = lifecycle::Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        let _ = first.send(());
        signals.next().await;
        let _ = second.send(());
    });
    (async move { drop(first_told.await) }, async move { drop(second_told.await) })
}

/// Removes what is over, once a minute.
async fn tidy(accounts: Accounts) {
    let mut minutes = tokio::time::interval(std::time::Duration::from_secs(60));
    loop {
        minutes.tick().await;
        if let Err(error) = accounts.tidy().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old sessions could not be removed");
        }
    }
}

/// Everything was tried out already; here it is told.
fn check(found: &Usable) -> anyhow::Result<()> {
    for (name, text) in found.config.shown() {
        say(format_args!("{name}={text}"))?;
    }
    if found.tls.is_some() {
        say("TLS certificate and key fit together.")?;
    }
    let opened = found.inside.as_ref().map_or(0, |inside| inside.sealed.len());
    match (found.has_key, opened) {
        (false, _) => say("The secret key will be made on the first start.")?,
        (true, 0) => say("The secret key is there and private.")?,
        (true, n) => {
            say(format_args!("The secret key is there and private, and opens the tokens of {n} connections."))?
        }
    }
    let Some(inside) = &found.inside else {
        return say("The database will be made on the first start.");
    };
    if inside.steps_to_come > 0 {
        let n = inside.steps_to_come;
        say(format_args!("The database is of an older version; the next start brings it up to date ({n} steps)."))?;
    }
    match inside.accounts {
        0 => say("The database opens. There is no account yet; the first start prints a code."),
        n => say(format_args!("The database opens. Accounts: {n}.")),
    }
}

async fn user(config: Config, command: UserCommand) -> anyhow::Result<()> {
    let (_, accounts) = open(&config).await?;
    let me = Accounts::console();
    match command {
        UserCommand::Add { name, role, password_stdin } => {
            let (password, made) = password(password_stdin)?;
            let person = accounts.add(&me, &name, role, &password).await?;
            say(format_args!("Added {} as {}.", person.name, role.title()))?;
            show(&password, made)
        }
        UserCommand::List => {
            for person in accounts.list(&me).await? {
                let state = if person.disabled { "disabled" } else { "active" };
                let since = person.created_at.rfc3339();
                say(format_args!("{}\t{}\t{state}\tsince {since}", person.name, person.role.word()))?;
            }
            Ok(())
        }
        UserCommand::Password { name, password_stdin } => {
            let (password, made) = password(password_stdin)?;
            accounts.set_password(&me, &name, &password).await?;
            say(format_args!("{name} has a new password and was logged out everywhere."))?;
            show(&password, made)
        }
        UserCommand::Role { name, role } => {
            accounts.set_role(&me, &name, role).await?;
            say(format_args!("{name} is {} now and was logged out everywhere.", role.title()))
        }
        UserCommand::Disable { name } => {
            accounts.set_disabled(&me, &name, true).await?;
            say(format_args!("{name} can no longer log in and was logged out everywhere."))
        }
        UserCommand::Enable { name } => {
            accounts.set_disabled(&me, &name, false).await?;
            say(format_args!("{name} can log in again."))
        }
    }
}

/// Most that is read of a line with a password.
const LINE_MAX: u64 = 1_024;

fn password(from_stdin: bool) -> anyhow::Result<(String, bool)> {
    if !from_stdin {
        return Ok((truecount::operator::accounts::spell(&Mint::from_os().bytes::<24>()), true));
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().take(LINE_MAX + 1).read_line(&mut line);
    read.context("standard input cannot be read")?;
    anyhow::ensure!(line.len() as u64 <= LINE_MAX, "the line on standard input is longer than any password may be");
    let line = line.trim_end_matches(['\r', '\n']).to_owned();
    Ok((line, false))
}

fn show(password: &str, made: bool) -> anyhow::Result<()> {
    if made { say(format_args!("Password, shown this once: {password}")) } else { Ok(()) }
}
