//! What takes long and wants an optimised build: measuring, and rehearsing for days of simulated time.

use crate::{Outcome, process};

pub const BENCH_HELP: &str = "
Runs `truecount bench` in release. Words after -- are passed on.";

pub const SOAK_HELP: &str = "
Runs `truecount rehearse` in release over a long simulated time:

  day     one day, 5,000 SKUs, 4 stores
  week    seven days, 2,000 SKUs, 4 stores
  month   thirty days, 500 SKUs, 2 stores

Words after -- are passed on, for example: cargo xtask soak week -- --seed 7";

const SOAKS: &[(&str, &[&str])] = &[
    ("day", &["--skus", "5000", "--stores", "4", "--hours", "24"]),
    ("week", &["--skus", "2000", "--stores", "4", "--hours", "168"]),
    ("month", &["--skus", "500", "--stores", "2", "--hours", "720"]),
];

pub fn bench(arguments: &[String]) -> Outcome {
    let passed_on = after_dashes(arguments)?;
    release(&["bench"], &[], passed_on)
}

pub fn soak(arguments: &[String]) -> Outcome {
    let Some((name, rest)) = arguments.split_first() else {
        return Err("soak wants a name: day, week or month".into());
    };
    let Some((_, words)) = SOAKS.iter().find(|(known, _)| known == name) else {
        return Err(format!("there is no soak {name:?}; there are day, week and month"));
    };
    release(&["rehearse"], words, after_dashes(rest)?)
}

fn after_dashes(arguments: &[String]) -> Outcome<&[String]> {
    match arguments {
        [] => Ok(&[]),
        [dashes, rest @ ..] if dashes == "--" => Ok(rest),
        [word, ..] => Err(format!("not known: {word:?} (words for truecount come after --)")),
    }
}

fn release(command: &[&str], words: &[&str], passed_on: &[String]) -> Outcome {
    let mut cargo =
        process::cargo(&["run", "--locked", "--release", "-p", "truecount-app", "--bin", "truecount", "--"]);
    cargo.args(command).args(words).args(passed_on);
    process::run(cargo)
}
