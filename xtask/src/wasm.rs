//! A compiler for the browser half, found or made.
//!
//! In this order: the project's own toolchain has the target → rustup adds it (within a minute) →
//! Debian's newer compiler and one standard library built from its source, kept in a folder of ours
//! → none, and the server goes alone. The system's own folders are never written to by us: an
//! update of the package would break what we put there.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{self, Running, command};
use crate::{Outcome, machine, steps};

/// The target's name.
pub const TRIPLE: &str = "wasm32-unknown-unknown";

/// The oldest compiler the workspace accepts, as (major, minor).
const OLDEST: (u32, u32) = (1, 94);

/// Debian's linker under the name by which the compiler knows how to talk to it.
const LINKER: &str = "bin/rust-lld";

/// Link-time optimisation of the browser half reads the library's bitcode. Part of the folder's name: what
/// was compiled against one standard library cannot be linked with another.
const STD_FLAGS: &str = "-Cembed-bitcode=yes";

const DEBIAN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A cargo that can compile for the browser.
pub enum BrowserCargo {
    /// The project's own toolchain.
    Own,
    /// Debian's, with a standard library of ours.
    Debian { sysroot: PathBuf },
}

impl BrowserCargo {
    /// That cargo with these words, the target added.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut cargo = match self {
            Self::Own => command("cargo"),
            Self::Debian { sysroot } => {
                let mut cargo = debian_cargo();
                let flags = format!("--sysroot {}", sysroot.display());
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", sysroot.join(LINKER));
                cargo
            }
        };
        cargo.args(words).args(["--target", TRIPLE]);
        cargo
    }
}

/// Asks, before anything long begins, whether Debian's compiler may be installed should it be needed.
pub fn consent() -> Outcome<bool> {
    if own_has_target() || debian_sysroot()?.is_some() || !machine::can_install() {
        return Ok(false);
    }
    Ok(machine::agreed(
        "Should rustup not have a compiler for the browser, may Debian's be installed (rustc-web, cargo-web, rust-web-src, lld-22)?",
    ))
}

/// Looks, then fetches what it may. `None` means: build the server alone.
pub fn find(consent: bool) -> Outcome<Option<BrowserCargo>> {
    if own_has_target() {
        return Ok(Some(BrowserCargo::Own));
    }
    if let Some(sysroot) = debian_sysroot()?.filter(|sysroot| is_complete(sysroot)) {
        return Ok(Some(BrowserCargo::Debian { sysroot }));
    }
    if rustup_adds_target()? {
        return Ok(Some(BrowserCargo::Own));
    }
    if consent && debian_sysroot()?.is_none() {
        machine::install(DEBIAN)?;
    }
    let Some(sysroot) = debian_sysroot()? else { return Ok(None) };
    build_standard_library(&sysroot)?;
    Ok(Some(BrowserCargo::Debian { sysroot }))
}

/// The one line said when the browser half cannot be built.
pub const WITHOUT: &str = "no compiler for the browser here: pages work as plain HTML, live updates are off until `rustup target add wasm32-unknown-unknown` has run";

fn own_has_target() -> bool {
    let mut rustc = command("rustc");
    rustc.args(["--print", "target-libdir", "--target", TRIPLE]);
    process::ask(rustc).is_some_and(|folder| has_core(Path::new(folder.trim())))
}

fn has_core(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

fn rustup_adds_target() -> Outcome<bool> {
    if machine::find("rustup").is_none() {
        return Ok(false);
    }
    steps::say("asking rustup for the browser target (a minute at most)");
    let mut rustup = command("rustup");
    rustup.args(["target", "add", TRIPLE]);
    let added = Running::start(rustup)?.wait_within(Duration::from_secs(60))?;
    if added.is_none() {
        steps::say("rustup gave no answer within a minute");
    }
    Ok(added.is_some_and(|status| status.success()) && own_has_target())
}

/// Debian's cargo and compiler, past any rustup proxies on PATH.
fn debian_cargo() -> Command {
    let mut path = OsString::from("/usr/bin:/bin");
    if let Some(rest) = machine::setting("PATH") {
        path.push(":");
        path.push(rest);
    }
    let mut cargo = command("/usr/bin/cargo");
    cargo.env("PATH", path).env("RUSTC", "/usr/bin/rustc").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC_WRAPPER");
    cargo
}

/// Where our standard library for Debian's compiler belongs; `None` without a suitable compiler.
fn debian_sysroot() -> Outcome<Option<PathBuf>> {
    let source = Path::new("/usr/lib/rustlib/src/rust/library/std");
    let tools = ["/usr/bin/cargo", "/usr/bin/rustc"].iter().all(|tool| machine::is_executable(Path::new(tool)));
    if !tools || !source.exists() || debian_linker().is_none() {
        return Ok(None);
    }
    let mut rustc = command("/usr/bin/rustc");
    rustc.arg("-vV").env_remove("RUSTUP_TOOLCHAIN");
    let Some(version) = process::ask(rustc) else { return Ok(None) };
    if release(&version).is_none_or(|release| release < OLDEST) {
        return Ok(None);
    }
    Ok(Some(
        machine::cache_dir()?.join("sysroot").join(format!("{:016x}", fingerprint(&format!("{version}{STD_FLAGS}")))),
    ))
}

fn is_complete(sysroot: &Path) -> bool {
    sysroot.join("complete").is_file() && machine::is_executable(&sysroot.join(LINKER))
}

/// The linker of Debian's compiler packages.
fn debian_linker() -> Option<PathBuf> {
    [PathBuf::from("/usr/bin/lld-22"), PathBuf::from("/usr/bin/lld")]
        .into_iter()
        .find(|lld| machine::is_executable(lld))
}

/// Major and minor from what `rustc -vV` prints.
fn release(version: &str) -> Option<(u32, u32)> {
    let line = version.lines().find_map(|line| line.strip_prefix("release: "))?;
    let mut parts = line.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// FNV-1a: the same text gives the same folder, whatever compiled us.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn build_standard_library(sysroot: &Path) -> Outcome {
    steps::say("building the browser's standard library once (about a minute)");
    let start = Instant::now();
    let lld = debian_linker().ok_or("Debian's lld is not installed")?;
    // Always the same folder, so that the library comes out the same when it has to be made again.
    let work = sysroot.with_extension("build");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let put = |name: &str, text: &str| fs::write(work.join(name), text).map_err(|error| error.to_string());
    put(
        "Cargo.toml",
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[lib]\npath = \"lib.rs\"\n",
    )?;
    put("lib.rs", "")?;
    let mut cargo = debian_cargo();
    cargo
        .args(["build", "--quiet", "--release", "-Zbuild-std=std,panic_abort,proc_macro", "--target", TRIPLE])
        .current_dir(&work)
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("RUSTFLAGS", STD_FLAGS)
        // The one step that needs it: building std from source is not stable yet.
        .env("RUSTC_BOOTSTRAP", "1");
    process::run(cargo)?;

    let made = work.join("target").join(TRIPLE).join("release/deps");
    let home = sysroot.join("lib/rustlib").join(TRIPLE).join("lib");
    let copy = || -> std::io::Result<()> {
        // What an interrupted run left would be a second copy of each library.
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home)?;
        for entry in fs::read_dir(&made)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && !name.starts_with("libempty-") {
                fs::copy(entry.path(), home.join(&name))?;
            }
        }
        let linker = sysroot.join(LINKER);
        fs::create_dir_all(sysroot.join("bin"))?;
        let _ = fs::remove_file(&linker);
        std::os::unix::fs::symlink(&lld, &linker)?;
        // Written last: a folder without it was interrupted and is made again.
        fs::write(sysroot.join("complete"), "")
    };
    copy().map_err(|error| format!("cannot fill {}: {error}", sysroot.display()))?;
    let _ = fs::remove_dir_all(&work);
    steps::say(&format!("standard library built in {}", steps::time(start.elapsed())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_the_compilers_own_words() {
        assert_eq!(release("rustc 1.96.0 (abc)\nbinary: rustc\nrelease: 1.96.0\n"), Some((1, 96)));
        assert_eq!(release("release: 1.97.0-nightly"), Some((1, 97)));
        assert_eq!(release("nothing"), None);
    }
}
