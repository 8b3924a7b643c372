//! The browser half: WebAssembly, its JavaScript, one stylesheet and the public files, in `target/site`.
//!
//! The names are fixed (`pkg/truecount.js`, `pkg/truecount.wasm`, `pkg/truecount.css`): the server
//! reads them at request time, so a demo serves plain pages until they are there. Every file is
//! written beside its place and moved there whole, the wasm last.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::steps::Done;
use crate::{Outcome, css, machine, process, steps, wasm};

pub const HELP: &str = "
Compiles app/hydrate for the browser, makes its JavaScript, joins style/*.css, copies public/, and prints
the sizes. Fails when wasm and JavaScript together weigh more than 150 kB gzipped. `wasm-opt` is used when
it is on PATH.

  --styles   only the stylesheet and the public files (instant; no compiler for the browser needed)";

/// What the browser may be asked to fetch before a page is live, gzipped.
const BUDGET_BYTES_GZIP: u64 = 150_000;

pub fn run(arguments: &[String]) -> Outcome {
    match arguments {
        [] => match build()? {
            Done::Ran | Done::Said(_) => Ok(()),
            Done::Skipped(why) => Err(why),
        },
        [word] if word == "--styles" => assets(),
        _ => Err("site knows only --styles".into()),
    }
}

/// Everything; skipped only where no compiler for the browser can be had.
pub fn build() -> Outcome<Done> {
    assets()?;
    let Some(cargo) = wasm::find(wasm::consent()?)? else { return Ok(Done::Skipped(wasm::WITHOUT.into())) };
    browser(&cargo)?;
    Ok(Done::Ran)
}

/// Where the site is put; in the repository whatever cargo's target folder is.
pub fn folder() -> PathBuf {
    machine::root().join("target/site")
}

/// The stylesheet and the public files.
pub fn assets() -> Outcome {
    let site = folder();
    let pkg = site.join("pkg");
    fs::create_dir_all(&pkg).map_err(|error| format!("{}: {error}", pkg.display()))?;
    let public = machine::root().join("public");
    if public.is_dir() {
        copy(&public, &site)?;
    }
    let main = machine::root().join("style/main.css");
    if main.is_file() {
        place(&pkg.join("truecount.css"), css::bundle(&main)?.as_bytes())?;
    }
    Ok(())
}

/// WebAssembly and its JavaScript.
pub fn browser(cargo: &wasm::BrowserCargo) -> Outcome {
    let start = Instant::now();
    let build = cargo.command(&["build", "--locked", "--package", "hydrate", "--profile", "browser"]);
    process::run_cargo_with_progress("browser half", build)?;
    let compiled = machine::target_dir().join(wasm::TRIPLE).join("browser/hydrate.wasm");

    process::run(process::cargo(&["build", "--quiet", "--locked", "--package", "xtask-bindgen"]))?;
    let made = machine::target_dir().join("site-new");
    let _ = fs::remove_dir_all(&made);
    let tool = machine::target_dir().join("debug/xtask-bindgen");
    let mut bind = process::command(&tool);
    bind.arg("bind").arg(&compiled).arg(&made);
    process::run(bind)?;
    let wasm = made.join("truecount.wasm");
    optimise(&wasm)?;

    let mut weigh = process::command(&tool);
    weigh.arg("weigh").args([made.join("truecount.js"), wasm.clone(), folder().join("pkg/truecount.css")]);
    let sizes = process::read(weigh)?;
    report(&sizes)?;

    // The wasm last: its presence tells the server that the browser half is complete.
    for name in ["snippets", "truecount.js", "truecount.wasm"] {
        let (from, to) = (made.join(name), folder().join("pkg").join(name));
        if from.is_dir() {
            copy(&from, &to)?;
        } else if from.is_file() {
            let bytes = fs::read(&from).map_err(|error| error.to_string())?;
            place(&to, &bytes)?;
        }
    }
    steps::say(&format!("browser half ready in {}", steps::time(start.elapsed())));
    Ok(())
}

fn optimise(wasm: &Path) -> Outcome {
    let Some(tool) = machine::find("wasm-opt") else { return Ok(()) };
    let better = wasm.with_extension("opt");
    let mut command = process::command(tool);
    command.args(["-Oz", "--all-features"]).arg(wasm).arg("-o").arg(&better);
    process::run(command)?;
    fs::rename(&better, wasm).map_err(|error| error.to_string())
}

/// Prints `name raw gzip` lines and holds them to the budget; the stylesheet is not part of it.
fn report(sizes: &str) -> Outcome {
    let mut total = 0;
    for line in sizes.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(raw), Some(gzip)) = (words.next(), words.next(), words.next()) else { continue };
        let (raw, gzip): (u64, u64) = (number(raw)?, number(gzip)?);
        steps::say(&format!("{name:<16} {:>8.1} kB, gzip {:>7.1} kB", raw as f64 / 1000.0, gzip as f64 / 1000.0));
        if !name.ends_with(".css") {
            total += gzip;
        }
    }
    if total > BUDGET_BYTES_GZIP {
        return Err(format!("The browser half weighs {total} bytes gzipped; the budget is {BUDGET_BYTES_GZIP}."));
    }
    Ok(())
}

fn number(text: &str) -> Outcome<u64> {
    text.parse().map_err(|_| format!("not a size: {text:?}"))
}

/// Writes beside and moves: a reader sees the old file or the new one.
fn place(to: &Path, bytes: &[u8]) -> Outcome {
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, to))
        .map_err(|error| format!("{}: {error}", to.display()))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    for entry in fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?.flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            place(&to, &fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?)?;
        }
    }
    Ok(())
}
