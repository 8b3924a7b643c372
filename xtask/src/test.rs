//! Everything that must hold, in one command.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::{BOTH, cargo};
use crate::journeys::{self, Tools};
use crate::machine::{self, Scratch};
use crate::steps::{Done, Named, Steps, say};
use crate::wasm::{self, BrowserCargo};
use crate::{Outcome, gates, postgres, process, site};

pub const HELP: &str = "
Formatting, lints, what may be in the dependency tree, the domain and the browser half compiled for the
browser, unit, engine and HTTP tests on SQLite, the engine tests on PostgreSQL, a rehearsal, and the browser
journeys with JavaScript on and off. Cold 25 to 40 minutes on two cores, warm about 10.

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

const STEPS: &[Named] = &[
    ("fmt", "formatting"),
    ("gates", "what may be in the dependency tree"),
    ("contracts", "the vendors' recordings can be read"),
    ("lint", "lints: engine, pages and tests"),
    ("lint-xtask", "lints: this tool"),
    ("lint-browser", "lints: the browser's side, natively"),
    ("wasm", "the domain compiles for the browser"),
    ("xtask", "this tool's own tests"),
    // Before the tests: the same units, and the executable for the journeys.
    ("build", "server and tests"),
    ("tests", "unit, engine and HTTP tests, on SQLite; the program killed again and again"),
    ("postgres", "the engine tests on PostgreSQL"),
    ("rehearsal", "rehearsals with faults"),
    ("site", "the browser half and its weight"),
    ("journeys", "browser journeys, with JavaScript on and off"),
];

/// The files of tests that have nothing to compare with where the vendors' recordings are not.
const NEED_RECORDINGS: &[&str] = &[
    "src/connectors/centra/sampled_tests.rs",
    "src/connectors/magento/recorded_tests.rs",
    "src/sim/magento/tests/mod.rs",
    "tests/it/notices.rs",
    "tests/it/samples.rs",
    "tests/it/samples_r.rs",
    "tests/it/sim_samples.rs",
    "tests/it/sim_samples_r.rs",
    "tests/it/spec.rs",
];

/// How often the program is killed: enough to see a break, few enough for every day. `cargo xtask soak kills` does more.
const KILLS: &str = "8";

pub fn run(arguments: &[String]) -> Outcome {
    let mut steps = Steps::new("test", STEPS, arguments)?;
    steps.step("fmt", || cargo(&["fmt", "--all", "--check"], &[]))?;
    steps.step("gates", gates::run)?;
    let unrecorded = without_recordings(machine::setting("CONTRACTS_DIR").as_deref().map(Path::new));
    steps.step("contracts", || Ok(unrecorded.clone().map_or(Done::Ran, Done::Skipped)))?;

    let (mut browser, mut tools, mut database) = (None, None, false);
    if steps.wants_any(&["wasm", "site"]) {
        browser = steps.prepare("compiler", || wasm::find(wasm::consent()?))?;
    }
    if steps.wants("journeys") {
        tools = Some(steps.prepare("browser", journeys::prepare)?);
    }
    if steps.wants("postgres") {
        database = steps.prepare("PostgreSQL", postgres::prepare)?;
    }

    steps.step("lint", || lint(&[BOTH, &["--lib", "--bins", "--tests"]]))?;
    steps.step("lint-xtask", || lint(&[&["-p", "xtask", "--all-targets"]]))?;
    steps.step("lint-browser", || {
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
    steps.step("wasm", || {
        in_browser(browser.as_ref(), |cargo| {
            process::run(cargo.command(&["check", "--locked", "-p", "truecount", "--no-default-features", "--lib"]))
        })
    })?;
    steps.step("xtask", || cargo(&["test", "--quiet", "--locked", "-p", "xtask"], &[]))?;
    steps.step("build", || cargo(&["build", "--locked", "--lib", "--bins", "--tests"], BOTH))?;
    steps.step("tests", || run_tests(&[], None).map(|kills| Done::Said(format!("{kills} kills"))))?;
    steps.step("postgres", || on_postgres(database))?;
    if let Some(why) = unrecorded.filter(|_| steps.wants_any(&["tests", "postgres"])) {
        steps.skip("recordings", &format!("{} passed without looking at anything: {why}", NEED_RECORDINGS.join(", ")));
    }
    steps.step("rehearsal", rehearse)?;
    steps.step("site", || {
        site::assets()?;
        in_browser(browser.as_ref(), site::browser)
    })?;
    steps.step("journeys", || travel(tools.as_ref()))?;
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

/// Why the recordings cannot be read, if they cannot. Both vendors must be there: a folder with something else in it
/// would let tests pass that have looked at nothing.
fn without_recordings(folder: Option<&Path>) -> Option<String> {
    let Some(folder) = folder else { return Some("CONTRACTS_DIR is not set".into()) };
    if let Err(error) = fs::read_dir(folder) {
        return Some(format!("CONTRACTS_DIR cannot be read: {error}"));
    }
    let missing = ["samples/lightspeed-x/webhooks/index.json", "samples/centra"]
        .into_iter()
        .find(|name| !folder.join(name).exists())?;
    Some(format!("CONTRACTS_DIR holds no {missing}"))
}

/// The tests of both packages; with nextest where it is, which runs them side by side. Returns how often the program
/// was killed.
fn run_tests(selection: &[&str], postgres: Option<OsString>) -> Outcome<String> {
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
    let kills = machine::setting("TRUECOUNT_KILLS").unwrap_or_else(|| KILLS.into());
    command.env("TRUECOUNT_KILLS", &kills);
    process::run(command).map(|()| kills.to_string_lossy().into_owned())
}

fn on_postgres(prepared: bool) -> Outcome<Done> {
    if !prepared {
        return Ok(Done::Skipped("no PostgreSQL server here; set DATABASE_URL_POSTGRES to test on one".into()));
    }
    let server = postgres::start()?;
    let done = run_tests(&["--test", "it"], Some(server.url()));
    server.stop()?;
    done.map(|_| Done::Ran)
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

fn travel(tools: Option<&Result<Tools, String>>) -> Outcome<Done> {
    match tools {
        Some(Ok(tools)) => journeys::run(tools).map(|()| Done::Ran),
        Some(Err(missing)) => Ok(Done::Skipped(missing.clone())),
        None => Ok(Done::Skipped("not prepared".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_counts_as_recordings_only_with_both_vendors_in_it() {
        assert!(without_recordings(None).is_some());
        let folder = Scratch::new("recordings").expect("a folder");
        assert!(without_recordings(Some(&folder.path().join("nowhere"))).is_some());
        fs::write(folder.path().join("something"), "else").expect("a file");
        fs::create_dir_all(folder.path().join("samples/lightspeed-x/webhooks")).expect("a folder");
        assert!(without_recordings(Some(folder.path())).is_some_and(|why| why.contains("index.json")));
        fs::write(folder.path().join("samples/lightspeed-x/webhooks/index.json"), "[]").expect("a file");
        assert!(without_recordings(Some(folder.path())).is_some_and(|why| why.ends_with("samples/centra")));
        fs::create_dir(folder.path().join("samples/centra")).expect("a folder");
        assert_eq!(without_recordings(Some(folder.path())), None);
    }

    /// Whoever looks at the recordings is named when there are none.
    #[test]
    fn the_tests_that_need_recordings_are_those_that_read_where_they_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let (mut waiting, mut found) = (vec![root.join("src"), root.join("tests/it")], Vec::new());
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
            } else if fs::read_to_string(&path).is_ok_and(|text| text.contains("\"CONTRACTS_DIR\"")) {
                found.push(path.strip_prefix(&root).expect("of ours").to_string_lossy().into_owned());
            }
        }
        found.sort();
        assert_eq!(found, NEED_RECORDINGS);
    }
}
