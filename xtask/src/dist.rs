//! One executable with everything in it.

use std::fs;

use crate::steps::{Done, say};
use crate::{Outcome, machine, process, site};

pub const HELP: &str = "
Builds the browser half, then the server in release with target/site baked in, into target/dist/truecount.";

pub fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err("dist has no options".into());
    }
    if let Done::Skipped(why) = site::build()? {
        return Err(why);
    }
    process::run(process::cargo(&[
        "build",
        "--locked",
        "--release",
        "-p",
        "truecount-app",
        "--bin",
        "truecount",
        "--features",
        "embed",
    ]))?;
    let folder = machine::root().join("target/dist");
    let made = folder.join("truecount");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let bytes = fs::copy(machine::target_dir().join("release/truecount"), &made).map_err(|error| error.to_string())?;
    say(&format!("{} ({:.1} MB)", made.display(), bytes as f64 / 1_000_000.0));
    Ok(())
}
