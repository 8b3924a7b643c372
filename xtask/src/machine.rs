//! What this machine has, and where we may put things.

use std::ffi::OsString;
use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::process::{self, command};
use crate::{Outcome, steps};

static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// A setting from the environment; an empty one counts as absent.
pub fn setting(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// True when nobody is there to answer a question.
pub fn in_ci() -> bool {
    setting("CI").is_some_and(|word| says_yes(&word.to_string_lossy()))
}

/// Whether a switch is on: `CI=false` is off.
fn says_yes(word: &str) -> bool {
    !matches!(word.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off")
}

/// Finds the repository above the current folder and works from there.
pub fn enter_root() -> Outcome {
    let here = std::env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
    let root = here
        .ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file() && folder.join("app/hydrate").is_dir())
        .ok_or("This is not inside the repository.")?;
    std::env::set_current_dir(root).map_err(|error| error.to_string())?;
    let _ = ROOT.set(root.to_path_buf());
    Ok(())
}

/// The repository.
pub fn root() -> &'static Path {
    ROOT.get().map_or(Path::new("."), PathBuf::as_path)
}

/// Where cargo puts what it builds: the environment's word, or `target`.
pub fn target_dir() -> PathBuf {
    setting("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where we keep what several checkouts may share (a standard library for the browser, a Node.js).
pub fn cache_dir() -> Outcome<PathBuf> {
    let dir = if let Some(dir) = setting("TRUECOUNT_CACHE") {
        root().join(dir)
    } else if let Some(dir) = setting("XDG_CACHE_HOME") {
        PathBuf::from(dir).join("truecount")
    } else {
        PathBuf::from(setting("HOME").ok_or("HOME is not set; set TRUECOUNT_CACHE to a folder of yours.")?)
            .join(".cache/truecount")
    };
    fs::create_dir_all(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    Ok(dir)
}

/// The first executable of that name on PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = setting("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// Whether `file` can be run.
pub fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Whether we are root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether Debian packages can be installed without asking for a password.
pub fn can_install() -> bool {
    is_root() && Path::new("/etc/debian_version").is_file() && find("apt-get").is_some()
}

/// Asks at the terminal; `CI` answers yes, no terminal answers no.
pub fn agreed(question: &str) -> bool {
    if in_ci() {
        return true;
    }
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print!("{question} [y/N] ");
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Installs Debian packages; only ever called where [`can_install`] said yes.
pub fn install(packages: &[&str]) -> Outcome {
    static UPDATED: AtomicBool = AtomicBool::new(false);
    steps::say(&format!("installing from Debian: {}", packages.join(" ")));
    let apt = |words: &[&str]| {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"])
            .args(words);
        apt
    };
    if !UPDATED.swap(true, Ordering::SeqCst) {
        process::run(apt(&["update"]))?;
    }
    let mut words = vec!["install", "-y", "--no-install-recommends"];
    words.extend(packages);
    process::run(apt(&words))
}

/// A new private folder of ours directly under the system's temporary folder; removed when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder.
    pub fn new(purpose: &str) -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("truecount-{purpose}-{}", random_hex(8)?));
        fs::create_dir(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(|error| error.to_string())?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Unpredictable bytes as hexadecimal text.
pub fn random_hex(bytes: usize) -> Outcome<String> {
    use std::io::Read;
    let mut buffer = vec![0_u8; bytes];
    let mut source = fs::File::open("/dev/urandom").map_err(|error| error.to_string())?;
    source.read_exact(&mut buffer).map_err(|error| error.to_string())?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A loopback port that is free now.
pub fn free_port() -> Outcome<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_says_no_is_off() {
        assert!(["1", "true", "yes", "github"].iter().all(|word| says_yes(word)));
        assert!(["", " ", "0", "false", "False", "no", "off"].iter().all(|word| !says_yes(word)));
    }
}
