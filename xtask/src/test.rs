//! Everything that must hold, in one command.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::{BOTH, cargo};
use crate::journeys::{self, Tools};
use crate::machine::{self, Scratch};
use crate::steps::{Done, Steps, say};
use crate::wasm::{self, BrowserCargo};
use crate::{Outcome, gates, postgres, process, site};

pub const HELP: &str = "
Formatting, lints, what may be in the dependency tree, the domain and the browser half compiled for the
browser, unit, engine and HTTP tests on SQLite, the engine tests on PostgreSQL, a rehearsal, and the browser
journeys with JavaScript on and off. Cold about 40 minutes on two cores, warm a few.

What is missing is looked for and fetched where that needs no password: a browser target, Chromium, Node.js,
PostgreSQL. What cannot be had is skipped, and named again at the end; TRUECOUNT_NO_SKIP=1 makes a skip a failure.

  DATABASE_URL_POSTGRES   a PostgreSQL server to use instead of a private one
  CONTRACTS_DIR           the folder with the vendors' recordings
  CHROMIUM                the browser to use

  --only NAME,NAME        only these steps
  --list                  the steps, without running them";

/// The rehearsals of a test run: small ones, whose report must come out and whose exit says whether it held.
const REHEARSALS: &[&[&str]] =
    &[&["--seed", "1", "--skus", "500", "--stores", "2", "--hours", "24", "--faults", "F01,F02,F03,F05"]];

const LIVE: &[&str] = &["live.test.mjs"];
const PLAIN: &[&str] = &["plain.test.mjs"];

pub fn run(arguments: &[String]) -> Outcome {
    let mut steps = Steps::new("test", arguments)?;
    steps.step("fmt", "formatting", || cargo(&["fmt", "--all", "--check"], &[]))?;
    steps.step("gates", "what may be in the dependency tree", gates::run)?;
    steps.step("contracts", "the vendors' recordings can be read", contracts)?;

    let (mut browser, mut tools, mut database) = (None, None, false);
    if steps.wants_any(&["wasm", "site"]) {
        browser = wasm::find(wasm::consent()?)?;
    }
    if steps.wants_any(&["journeys", "plain"]) {
        tools = Some(journeys::prepare()?);
    }
    if steps.wants("postgres") {
        database = postgres::prepare()?;
    }

    steps.step("lint", "lints: engine, pages and tests", || lint(&[BOTH, &["--lib", "--bins", "--tests"]]))?;
    steps.step("lint-xtask", "lints: this tool", || lint(&[&["-p", "xtask", "--all-targets"]]))?;
    steps.step("lint-browser", "lints: the browser's side, natively", || {
        let browser_side = [
            "-p",
            "truecount-app",
            "-p",
            "hydrate",
            "--lib",
            "--no-default-features",
            "--features",
            "truecount-app/hydrate",
        ];
        lint(&[&browser_side])
    })?;
    steps.step("wasm", "the domain compiles for the browser", || {
        in_browser(browser.as_ref(), |cargo| {
            process::run(cargo.command(&["check", "--locked", "-p", "truecount", "--no-default-features", "--lib"]))
        })
    })?;
    steps.step("xtask", "this tool's own tests", || cargo(&["test", "--quiet", "--locked", "-p", "xtask"], &[]))?;
    // Before the tests: the same units, and the executable for the journeys.
    steps.step("build", "server and tests", || cargo(&["build", "--locked", "--lib", "--bins", "--tests"], BOTH))?;
    steps.step("tests", "unit, engine and HTTP tests, on SQLite", || run_tests(&[], None))?;
    steps.step("postgres", "the engine tests on PostgreSQL", || on_postgres(database))?;
    steps.step("rehearsal", "rehearsals with faults", rehearse)?;
    steps.step("site", "the browser half and its weight", || {
        site::assets()?;
        in_browser(browser.as_ref(), site::browser)
    })?;
    steps.step("journeys", "browser journeys", || travel(tools.as_ref(), LIVE))?;
    steps.step("plain", "browser journeys with JavaScript off", || travel(tools.as_ref(), PLAIN))?;
    steps.finish()
}

fn lint(words: &[&[&str]]) -> Outcome<Done> {
    let mut clippy = process::cargo(&["clippy", "--quiet", "--locked"]);
    clippy.args(words.concat()).args(["--", "-D", "warnings"]);
    process::run(clippy).map(|()| Done::Ran)
}

fn in_browser(browser: Option<&BrowserCargo>, work: impl FnOnce(&BrowserCargo) -> Outcome) -> Outcome<Done> {
    match browser {
        Some(cargo) => work(cargo).map(|()| Done::Ran),
        None => Ok(Done::Skipped(wasm::WITHOUT.into())),
    }
}

fn contracts() -> Outcome<Done> {
    let Some(folder) = machine::setting("CONTRACTS_DIR") else {
        return Ok(Done::Skipped("CONTRACTS_DIR is not set: what needs the vendors' recordings does not run".into()));
    };
    match fs::read_dir(Path::new(&folder)).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Ok(Done::Ran),
        Ok(false) => Ok(Done::Skipped("CONTRACTS_DIR is empty".into())),
        Err(error) => Ok(Done::Skipped(format!("CONTRACTS_DIR cannot be read: {error}"))),
    }
}

/// The tests of both packages; with nextest where it is, which runs them side by side.
fn run_tests(selection: &[&str], postgres: Option<OsString>) -> Outcome<Done> {
    let runner: &[&str] = if machine::find("cargo-nextest").is_some() {
        &["nextest", "run", "--locked", "--no-fail-fast", "--hide-progress-bar", "--status-level", "slow"]
    } else {
        &["test", "--locked", "--no-fail-fast"]
    };
    let mut command = process::cargo(runner);
    command.args(BOTH);
    // Named, so that nothing beyond what the step before built is asked for.
    command.args(if selection.is_empty() { &["--lib", "--bins", "--tests"] } else { selection });
    match postgres {
        Some(url) => command.env("DATABASE_URL_POSTGRES", url),
        None => command.env_remove("DATABASE_URL_POSTGRES"),
    };
    process::run(command).map(|()| Done::Ran)
}

fn on_postgres(prepared: bool) -> Outcome<Done> {
    if !prepared {
        return Ok(Done::Skipped("no PostgreSQL server here; set DATABASE_URL_POSTGRES to test on one".into()));
    }
    let server = postgres::start()?;
    let done = run_tests(&["--test", "it"], Some(server.url()));
    server.stop()?;
    done
}

fn rehearse() -> Outcome<Done> {
    let folder = Scratch::new("rehearsal")?;
    for (number, words) in REHEARSALS.iter().enumerate() {
        let report: PathBuf = folder.path().join(format!("report-{number}"));
        say(&format!("truecount rehearse {}", words.join(" ")));
        let mut truecount = process::command(machine::target_dir().join("debug/truecount"));
        truecount.arg("rehearse").args(*words).arg("--report").arg(&report);
        process::run(truecount)?;
        if !fs::metadata(&report).is_ok_and(|data| data.len() > 0) {
            return Err("the rehearsal ended well but left no report".into());
        }
    }
    Ok(Done::Ran)
}

fn travel(tools: Option<&Result<Tools, String>>, files: &[&str]) -> Outcome<Done> {
    match tools {
        Some(Ok(tools)) => journeys::run(tools, files).map(|()| Done::Ran),
        Some(Err(missing)) => Ok(Done::Skipped(missing.clone())),
        None => Ok(Done::Skipped("not prepared".into())),
    }
}
