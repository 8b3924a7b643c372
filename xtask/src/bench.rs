//! Measuring wants an optimised build.

use crate::{Outcome, process};

pub const HELP: &str = "
Runs `truecount bench` in release. Words after -- are passed on.";

pub fn run(arguments: &[String]) -> Outcome {
    let mut cargo = process::cargo(&["run", "--locked", "--release", "-p", "truecount-app", "--bin", "truecount"]);
    cargo.args(["--", "bench"]).args(after_dashes(arguments)?);
    process::run(cargo)
}

/// The words for the program itself.
pub fn after_dashes(arguments: &[String]) -> Outcome<&[String]> {
    match arguments {
        [] => Ok(&[]),
        [dashes, rest @ ..] if dashes == "--" => Ok(rest),
        [word, ..] => Err(format!("not known: {word:?} (words for truecount come after --)")),
    }
}
