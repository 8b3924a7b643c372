//! The quick look before a commit.

use crate::steps::{Done, Named, Steps};
use crate::{Outcome, process};

pub const HELP: &str = "
Formatting, a compile check of engine, pages and tests, the domain's own tests, and the rules of the tree.
Seconds when warm; needs nothing but the toolchain.

  --only NAME,NAME   only these steps
  --list             the steps, without running them";

/// One selection of packages everywhere: another one would unify features differently and build twice.
pub const BOTH: &[&str] = &["-p", "truecount", "-p", "truecount-app"];

const STEPS: &[Named] = &[
    ("fmt", "formatting"),
    ("compile", "engine, pages and tests compile"),
    ("domain", "the domain's tests, without anything else"),
    ("tidy", "the rules of the tree"),
];

pub fn run(arguments: &[String]) -> Outcome {
    let mut steps = Steps::new("check", STEPS, arguments)?;
    steps.step("fmt", || cargo(&["fmt", "--all", "--check"], &[]))?;
    steps.step("compile", || cargo(&["check", "--locked", "--lib", "--bins", "--tests"], BOTH))?;
    steps.step("domain", || {
        cargo(&["test", "--quiet", "--locked", "-p", "truecount", "--no-default-features", "--lib"], &[])
    })?;
    steps.step("tidy", || {
        let mut test = process::cargo(&["test", "--quiet", "--locked", "--test", "it"]);
        test.args(BOTH).args(["--", "tidy::"]);
        process::run(test).map(|()| Done::Ran)
    })?;
    steps.finish()
}

/// Runs cargo with these words to its end.
pub fn cargo(words: &[&str], more: &[&str]) -> Outcome<Done> {
    let mut cargo = process::cargo(words);
    cargo.args(more);
    process::run(cargo).map(|()| Done::Ran)
}
