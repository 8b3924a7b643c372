//! A PostgreSQL server of our own for the length of a test run.
//!
//! On a random loopback port, with a random password, in a folder that is removed afterwards. Nothing
//! on disk outlives it, so it need not sync. As root it runs as another user, because it refuses root.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::Outcome;
use crate::machine::{self, Scratch};
use crate::process::{self, Running, command};

/// The server and how to reach it.
pub enum Postgres {
    /// One that somebody else runs and named in the environment.
    Given(OsString),
    /// Ours; stopped when dropped.
    Private { url: String, server: Running, _folder: Scratch },
}

impl Postgres {
    /// The address for `DATABASE_URL_POSTGRES`.
    pub fn url(&self) -> OsString {
        match self {
            Self::Given(url) => url.clone(),
            Self::Private { url, .. } => url.into(),
        }
    }

    /// Stops ours: a fast shutdown, which ends connections first.
    pub fn stop(self) -> Outcome {
        match self {
            Self::Given(_) => Ok(()),
            Self::Private { mut server, .. } => server.stop(Signal::INT),
        }
    }
}

/// Fetches the server where we may. `false`: there is none.
pub fn prepare() -> Outcome<bool> {
    if machine::setting("DATABASE_URL_POSTGRES").is_some() || binaries().is_some() {
        return Ok(true);
    }
    if !machine::can_install() {
        return Ok(false);
    }
    // Debian starts a server of its own on installation unless told not to.
    machine::install(&["postgresql-common"])?;
    let settings = Path::new("/etc/postgresql-common/createcluster.d");
    fs::create_dir_all(settings)
        .and_then(|()| fs::write(settings.join("truecount.conf"), "create_main_cluster = false\n"))
        .map_err(|error| format!("{}: {error}", settings.display()))?;
    machine::install(&["postgresql"])?;
    Ok(binaries().is_some())
}

/// The folder that holds `initdb` and `postgres`, the newest first.
fn binaries() -> Option<PathBuf> {
    let complete =
        |folder: &PathBuf| ["initdb", "postgres"].iter().all(|name| machine::is_executable(&folder.join(name)));
    let on_path = machine::find("initdb").and_then(|file| Some(fs::canonicalize(file).ok()?.parent()?.to_path_buf()));
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map_or_else(|_| Vec::new(), |versions| versions.flatten().map(|version| version.path().join("bin")).collect());
    installed.sort();
    on_path.into_iter().chain(installed.into_iter().rev()).find(complete)
}

/// Starts it, or takes the one that the environment names.
pub fn start() -> Outcome<Postgres> {
    if let Some(url) = machine::setting("DATABASE_URL_POSTGRES") {
        return Ok(Postgres::Given(url));
    }
    let bin = binaries().ok_or("there is no PostgreSQL server here")?;
    let folder = Scratch::new("pg")?;
    let user = Other::needed()?;
    let password = machine::random_hex(16)?;
    let secret = folder.path().join("password");
    fs::write(&secret, &password).map_err(|error| error.to_string())?;
    if let Some(user) = &user {
        user.give(folder.path())?;
        user.give(&secret)?;
    }

    let data = folder.path().join("data");
    let mut initdb = as_user(user.as_ref(), &bin.join("initdb"));
    initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&secret);
    initdb.args(["--username=truecount", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    initdb.current_dir("/").stdout(Stdio::null());
    process::run(initdb)?;

    let port = machine::free_port()?;
    let mut postgres = as_user(user.as_ref(), &bin.join("postgres"));
    postgres.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    for setting in
        ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB"]
    {
        postgres.args(["-c", setting]);
    }
    postgres.current_dir("/").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = Running::start(postgres)?;
    await_ready(&mut server)?;
    let url = format!("postgres://truecount:{password}@127.0.0.1:{port}/postgres");
    Ok(Postgres::Private { url, server, _folder: folder })
}

/// Reads the server's own words until it accepts connections; keeps reading so that it never blocks.
fn await_ready(server: &mut Running) -> Outcome {
    let lines = server.error_lines().ok_or("the server's messages cannot be read")?;
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        for line in lines {
            if line.contains("database system is ready to accept connections") {
                let _ = send.send(Ok(()));
            }
            said.push(line);
            if said.len() > 30 {
                said.remove(0);
            }
        }
        let _ = send.send(Err(said.join("\n")));
    });
    match receive.recv_timeout(Duration::from_secs(60)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(said)) => Err(format!("PostgreSQL did not start:\n{said}")),
        Err(_) => Err("PostgreSQL did not start within a minute".into()),
    }
}

/// The system user it runs as when we are root.
struct Other {
    uid: u32,
    gid: u32,
}

impl Other {
    fn needed() -> Outcome<Option<Self>> {
        if !machine::is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
        let numbers = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
        };
        let user = numbers("postgres").or_else(|| numbers("nobody"));
        user.map(Some)
            .ok_or_else(|| "PostgreSQL refuses to run as root, and there is no user postgres or nobody".into())
    }

    fn give(&self, path: &Path) -> Outcome {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).map_err(|error| error.to_string())?;
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| error.to_string())
    }
}

fn as_user(user: Option<&Other>, program: &Path) -> Command {
    let Some(user) = user else { return process::tied_to_us(program.as_os_str()) };
    let mut command = command("setpriv");
    command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
    command.args(["--clear-groups", "--pdeathsig", "TERM", "--"]).arg(program);
    command
}
