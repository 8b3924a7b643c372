//! The browser journeys: Node.js, Chromium and their libraries are looked for or fetched, then
//! `end2end/*.test.mjs` run against a `truecount demo` that they start themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, command};
use crate::{Outcome, machine, steps};

/// What playwright-core asks for.
const NODE_OLDEST: u32 = 20;

/// The major version fetched from the npm package `node` where the machine's own is too old.
const NODE_FETCHED: &str = "node@22";

const FILE: &str = "journeys.test.mjs";

/// What the journeys run with.
pub struct Tools {
    node: PathBuf,
    chromium: PathBuf,
}

/// Looks and fetches; the error of the inner result says what is missing, in words for a skip.
pub fn prepare() -> Outcome<Result<Tools, String>> {
    let Some(node) = node()? else {
        return Ok(Err(format!("no Node.js {NODE_OLDEST} or newer here, and none could be fetched")));
    };
    let Some(chromium) = chromium()? else { return Ok(Err("no Chromium here, and none could be installed".into())) };
    if !libraries(&node)? {
        return Ok(Err("npm is not here to fetch playwright-core".into()));
    }
    Ok(Ok(Tools { node, chromium }))
}

/// Runs what is in `end2end/` against the executable that the tests built.
pub fn run(tools: &Tools) -> Outcome {
    if !crate::site::folder().join("pkg/truecount.wasm").is_file() {
        return Err("the browser half is not built yet: cargo xtask test --only build,site,journeys".into());
    }
    let mut node = command(&tools.node);
    // Each journey has a limit of its own; this one is for what hangs outside of them.
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=2400000"]);
    // A browser that hangs must not keep a run that has already failed.
    node.args(["--test-force-exit", FILE]);
    node.current_dir(folder())
        .env("CHROMIUM", &tools.chromium)
        .env("TRUECOUNT_EXECUTABLE", machine::target_dir().join("debug/truecount"))
        .env("LEPTOS_OUTPUT_NAME", "truecount")
        .env("LEPTOS_SITE_ROOT", crate::site::folder())
        .env("SITE_DIR", crate::site::folder());
    process::run(node)
}

fn folder() -> PathBuf {
    machine::root().join("end2end")
}

fn node() -> Outcome<Option<PathBuf>> {
    if let Some(own) = machine::find("node").filter(|node| recent(node)) {
        return Ok(Some(own));
    }
    let home = machine::cache_dir()?.join("node");
    let fetched = home.join("node_modules/node/bin/node");
    if recent(&fetched) {
        return Ok(Some(fetched));
    }
    if machine::find("npm").is_none() {
        if !machine::can_install() {
            return Ok(None);
        }
        machine::install(&["nodejs", "npm"])?;
        if let Some(own) = machine::find("node").filter(|node| recent(node)) {
            return Ok(Some(own));
        }
    }
    steps::say(&format!("fetching {NODE_FETCHED} into {}", home.display()));
    let mut npm = command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", NODE_FETCHED, "--prefix"]).arg(&home);
    process::run(npm)?;
    Ok(recent(&fetched).then_some(fetched))
}

fn recent(node: &Path) -> bool {
    let mut version = command(node);
    version.arg("--version");
    let Some(text) = process::ask(version) else { return false };
    let major = text.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= NODE_OLDEST)
}

fn chromium() -> Outcome<Option<PathBuf>> {
    if let Some(given) = machine::setting("CHROMIUM") {
        return Ok(Some(given.into()));
    }
    let look = || ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| machine::find(name));
    if let Some(found) = look() {
        return Ok(Some(found));
    }
    if machine::can_install() {
        machine::install(&["chromium"])?;
    }
    Ok(look())
}

/// `npm ci`, unless what is there was made from the lock as it is now.
fn libraries(node: &Path) -> Outcome<bool> {
    let lock =
        fs::read(folder().join("package-lock.json")).map_err(|error| format!("end2end/package-lock.json: {error}"))?;
    let stamp = folder().join("node_modules/.made-from");
    if fs::read(&stamp).is_ok_and(|made_from| made_from == lock) {
        return Ok(true);
    }
    if machine::find("npm").is_none() && machine::can_install() {
        // Debian's Node.js comes without it.
        machine::install(&["npm"])?;
    }
    let Some(npm) = machine::find("npm") else { return Ok(false) };
    let mut command: Command = command(npm);
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder());
    if let (Some(bin), Some(path)) = (node.parent(), machine::setting("PATH")) {
        let mut folders = vec![bin.to_path_buf()];
        folders.extend(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).map_err(|error| error.to_string())?);
    }
    process::run(command)?;
    fs::write(stamp, lock).map_err(|error| error.to_string())?;
    Ok(true)
}
