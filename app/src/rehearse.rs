//! The rehearsal: a simulated shop and till, faults from a seed, and what came of it.

use anyhow::{Context, bail};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;
use truecount::domain::time::Timestamp;
use truecount::rehearsal::{self, Report};
use truecount::sim::{Options, Store};

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
    pub pair: String,
    /// Database to use; a temporary one without it.
    pub db: Option<String>,
    /// Where the report goes; standard output without it.
    pub report: Option<PathBuf>,
}

/// Runs a rehearsal. Ends with an error when a number that must be 0 is not.
pub async fn run(asked: Rehearsal) -> anyhow::Result<()> {
    if asked.pair != "centra+lightspeed-x" {
        bail!("this version rehearses centra+lightspeed-x only, not {}", asked.pair);
    }
    let faults = rehearsal::parse_faults(&asked.faults.join(",")).map_err(anyhow::Error::msg)?;
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
        ..Options::default()
    };
    let folder = tempfile::Builder::new().prefix("truecount-rehearsal-").tempdir().context("no temporary folder")?;
    let url = asked.db.clone().unwrap_or_else(|| format!("sqlite://{}", folder.path().join("rehearsal.db").display()));
    let began = Instant::now();
    let mut played = rehearsal::Rehearsal::open(options, &url).await?;
    let report = played.rehearse(i64::from(asked.hours), || began.elapsed().as_secs_f64()).await?;
    let json = serde_json::to_string_pretty(&report)?;
    match &asked.report {
        Some(file) => {
            std::fs::write(file, format!("{json}\n")).with_context(|| format!("cannot write {}", file.display()))?
        }
        None => writeln!(std::io::stdout(), "{json}").context("standard output is closed")?,
    }
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
    ];
    let wrong: Vec<String> = zero.iter().filter(|(_, n)| *n > 0).map(|(key, n)| format!("{key} is {n}")).collect();
    if wrong.is_empty() { Ok(()) } else { bail!("seed {}: {}", report.seed, wrong.join(", ")) }
}
