//! The demonstration: the whole program over a simulated shop and till.

use truecount::config::Config;

/// What a demonstration is asked to do.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The settings it serves by; the database is a temporary one.
    pub config: Config,
    /// The same seed gives the same demonstration.
    pub seed: u64,
    /// Sellable items.
    pub skus: u32,
}

/// Runs a demonstration until it is stopped.
pub async fn run(demo: Demo) -> anyhow::Result<()> {
    anyhow::bail!("a demonstration with {} items is not built in this version", demo.skus)
}
