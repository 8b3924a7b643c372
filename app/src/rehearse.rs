//! The rehearsal: a simulated shop and till, faults from a seed, and what came of it.

use crate::server::lifecycle::Signals;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use truecount::config::Database;
use truecount::domain::system::Pair;
use truecount::domain::time::Timestamp;
use truecount::rehearsal::{self, Report};
use truecount::sim::{Options, Store};
use truecount::sync::intake::chain;

/// What a rehearsal is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// The same seed gives the same rehearsal.
    pub seed: u64,
    /// Sellable items.
    pub skus: u32,
    /// Stores with a till.
    pub stores: u32,
    /// Simulated hours.
    pub hours: u32,
    /// First simulated day.
    pub start: chrono::NaiveDate,
    /// Zones of the stores, in turn.
    pub zones: Vec<chrono_tz::Tz>,
    /// Currencies of the stores, in turn.
    pub currencies: Vec<String>,
    /// Till sales a day, all stores together.
    pub sales_per_day: u32,
    /// Web orders a day.
    pub orders_per_day: u32,
    /// Returns a day.
    pub returns_per_day: u32,
    /// Share of items with doubtful data, in percent.
    pub dirt: u8,
    /// Faults that happen; empty means none.
    pub faults: Vec<String>,
    /// Which shop and which till.
    pub pair: Pair,
    /// Database to use; a temporary one without it.
    pub db: Option<String>,
    /// Where the report goes; standard output without it.
    pub report: Option<PathBuf>,
}

/// Why a rehearsal did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// What was asked for cannot be done; nothing was begun.
    #[error("{0}")]
    Refused(String),
    /// Somebody stopped it.
    #[error("stopped before its end; there is no report")]
    Stopped,
}

/// Most counts that a rehearsal keeps: items times stores. Its world lies in memory.
const COUNTS_MAX: u64 = 20_000_000;
/// Most that happens in a rehearsal: sales, orders and returns of all its days.
const EVENTS_MAX: u64 = 100_000_000;

/// Refuses what no machine would come to the end of.
fn check_size(asked: &Rehearsal) -> Result<(), Ended> {
    let counts = u64::from(asked.skus) * u64::from(asked.stores);
    if counts > COUNTS_MAX {
        let (skus, stores) = (asked.skus, asked.stores);
        return Err(Ended::Refused(format!(
            "{skus} items in {stores} stores are {counts} counts, and a rehearsal keeps at most {COUNTS_MAX}; take \
             fewer items (--skus) or stores (--stores)"
        )));
    }
    let a_day = [asked.sales_per_day, asked.orders_per_day, asked.returns_per_day].map(u64::from).iter().sum::<u64>();
    let events = a_day * u64::from(asked.hours) / 24;
    if events > EVENTS_MAX {
        return Err(Ended::Refused(format!(
            "{a_day} sales, orders and returns a day for {} hours are {events}, and a rehearsal plays at most \
             {EVENTS_MAX}; take fewer hours (--hours) or less a day",
            asked.hours
        )));
    }
    Ok(())
}

/// Where the report will go, opened before anything is played: hours later is too late to say that it cannot be.
struct ReportFile {
    path: PathBuf,
    file: File,
    /// Whether it was made here, and goes again if nothing gets written.
    made: bool,
}

impl ReportFile {
    fn open(path: &Path) -> Result<Self, Ended> {
        let refused = |error| Ended::Refused(format!("--report {} cannot be written: {error}", path.display()));
        let options = || File::options().write(true).to_owned();
        let (file, made) = match options().create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                (options().open(path).map_err(refused)?, false)
            }
            Err(error) => return Err(refused(error)),
        };
        Ok(Self { path: path.to_owned(), file, made })
    }

    fn write(mut self, text: &str) -> anyhow::Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        // What was there before; a pipe or a terminal has nothing to cut off.
        if self.file.metadata().with_context(failed)?.is_file() {
            self.file.set_len(0).with_context(failed)?;
        }
        self.file.write_all(text.as_bytes()).with_context(failed)?;
        self.made = false;
        Ok(())
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Runs a rehearsal. Ends with an error when a number that must be 0 is not.
pub async fn run(asked: Rehearsal) -> anyhow::Result<()> {
    check_size(&asked)?;
    let faults = rehearsal::parse_faults(&asked.faults.join(",")).map_err(Ended::Refused)?;
    let mut signals = Signals::listen();
    let report_file = asked.report.as_deref().map(ReportFile::open).transpose()?;
    let midnight = asked.start.and_hms_opt(0, 0, 0).context("that day has no midnight")?.and_utc();
    let options = Options {
        seed: asked.seed,
        start: Timestamp::from(midnight),
        skus: usize::try_from(asked.skus)?,
        stores: stores(&asked),
        sales_per_day: asked.sales_per_day,
        orders_per_day: asked.orders_per_day,
        returns_per_day: asked.returns_per_day,
        dirt_percent: u32::from(asked.dirt),
        faults: faults.into_iter().collect(),
        ..Options::default().with_pair(asked.pair)
    };
    let folder = tempfile::Builder::new().prefix("truecount-rehearsal-").tempdir().context("no temporary folder")?;
    let url = asked.db.clone().unwrap_or_else(|| format!("sqlite://{}", folder.path().join("rehearsal.db").display()));
    let began = Instant::now();
    let opened = rehearsal::Rehearsal::open(options, &url).await;
    let mut played = match opened {
        Ok(played) => played,
        // What was given by hand is named as it was given.
        Err(error) if asked.db.is_some() => {
            let why = chain(&error).replace("DATABASE_URL", "--db");
            return Err(Ended::Refused(format!("--db {} cannot be used: {why}", Database::from(url.as_str()))).into());
        }
        Err(error) => return Err(error.into()),
    };
    let report = tokio::select! {
        report = played.rehearse(i64::from(asked.hours), || began.elapsed().as_secs_f64()) => Some(report),
        () = signals.next() => None,
    };
    let unsound = if matches!(report, Some(Ok(_))) { played.unsound().await? } else { Vec::new() };
    // Closed before its folder goes, or it would be writing where nothing is any more.
    played.engine.store().close().await;
    let report = report.ok_or(Ended::Stopped)??;
    let json = serde_json::to_string_pretty(&report)?;
    match report_file {
        Some(file) => file.write(&format!("{json}\n"))?,
        None => writeln!(std::io::stdout(), "{json}").context("standard output is closed")?,
    }
    anyhow::ensure!(unsound.is_empty(), "the books are not sound at the end: {}", unsound.join("; "));
    judge(&report)
}

/// Stores in turn over the zones and currencies.
fn stores(asked: &Rehearsal) -> Vec<Store> {
    let names = ["King’s Cross", "Soho", "Marylebone", "Shoreditch", "Richmond", "Bath", "York", "Leeds"];
    (0..usize::try_from(asked.stores).unwrap_or(1))
        .map(|n| {
            let zone = asked.zones.get(n % asked.zones.len().max(1)).copied().unwrap_or(chrono_tz::Europe::London);
            let currency = asked.currencies.get(n % asked.currencies.len().max(1)).map_or("GBP", String::as_str);
            let name = names.get(n).map_or_else(|| format!("Store {}", n + 1), |name| (*name).to_owned());
            Store::new(&name, zone, currency)
        })
        .collect()
}

fn judge(report: &Report) -> anyhow::Result<()> {
    let zero = [
        ("lost", report.lost),
        ("applied_twice", report.applied_twice),
        ("differences_open", report.differences_open),
        ("unsafe_writes", report.unsafe_writes),
        ("early_calls", report.early_calls),
        ("false_watermarks", report.false_watermarks.unwrap_or(0)),
    ];
    let wrong: Vec<String> = zero.iter().filter(|(_, n)| *n > 0).map(|(key, n)| format!("{key} is {n}")).collect();
    if wrong.is_empty() { Ok(()) } else { bail!("seed {}: {}", report.seed, wrong.join(", ")) }
}
