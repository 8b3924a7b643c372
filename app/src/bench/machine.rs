//! What the machine itself is worth: its disk, its load, and what a process has used of it.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Bytes of one append: about one small commit.
const APPEND_BYTES: usize = 4_096;
/// Appends measured in one go.
const APPENDS: usize = 200;

/// Figures in order, of which quantiles are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Quantiles {
    /// Half are below, in µs.
    pub p50: u64,
    /// 95 of 100 are below.
    pub p95: u64,
    /// 99 of 100 are below.
    pub p99: u64,
    /// The largest.
    pub max: u64,
    /// How many there were.
    pub n: u64,
}

impl Quantiles {
    /// Of these microseconds.
    pub fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let at = |percent: usize| {
            let rank = (micros.len() * percent).div_ceil(100).max(1) - 1;
            micros.get(rank).copied().unwrap_or(0)
        };
        Self { p50: at(50), p95: at(95), p99: at(99), max: micros.last().copied().unwrap_or(0), n: micros.len() as u64 }
    }
}

/// How long the disk takes to promise an append, in the folder of the database.
pub(super) fn fdatasync(folder: &Path) -> std::io::Result<Quantiles> {
    let path = folder.join("fdatasync.bin");
    let mut file = std::fs::File::create(&path)?;
    let block = vec![0x5a; APPEND_BYTES];
    let mut micros = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let began = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        micros.push(since(began));
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(Quantiles::of(micros))
}

/// Microseconds since then.
pub(super) fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The load of the last minute, where the system tells.
pub(super) fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Processor time of this process so far in milliseconds, where the system tells. A tick is 10 ms on every Linux
/// that a person can install.
pub(super) fn cpu_ms() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold blanks; after it the fields are plain.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) * 10.0)
}

/// Resident memory of this process in MB, where the system tells.
pub(super) fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kb: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_figures_that_were_measured() {
        let found = Quantiles::of((1..=200).rev().collect());
        assert_eq!((found.p50, found.p95, found.p99, found.max, found.n), (100, 190, 198, 200, 200));
        assert_eq!(Quantiles::of(vec![7]), Quantiles { p50: 7, p95: 7, p99: 7, max: 7, n: 1 });
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}
