//! Child processes that die with us.
//!
//! Each child leads a process group of its own. Ctrl-C reaches only us and is passed on; whatever a
//! finished child left in its group is ended by the group's number, never by a name.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Outcome;

static STOPPING: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// How long a child may take to leave after it was asked to.
const GRACE: Duration = Duration::from_secs(12);

/// True once a person or the machine asked us to stop.
pub fn stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// Waits without an eye on any clock but the caller's. The only place here that does.
#[expect(clippy::disallowed_methods, reason = "a build tool polls processes it does not own the sockets of")]
pub fn pause(how_long: Duration) {
    thread::sleep(how_long);
}

/// From here on Ctrl-C, a hang-up or a termination is passed on to every child, politely first.
pub fn watch_signals() -> Outcome {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| format!("cannot watch signals: {error}"))?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if STOPPING.swap(true, Ordering::SeqCst) {
                signal_groups(Signal::KILL);
                continue;
            }
            signal_groups(Signal::INT);
            thread::spawn(|| {
                let asked = Instant::now();
                while asked.elapsed() < GRACE {
                    if groups().is_empty() {
                        return;
                    }
                    pause(Duration::from_millis(50));
                }
                signal_groups(Signal::KILL);
            });
        }
    });
    Ok(())
}

/// Ends every child as if a person had asked, for when the one that mattered is gone.
pub fn stop_everything() {
    STOPPING.store(true, Ordering::SeqCst);
    signal_groups(Signal::TERM);
}

fn groups() -> Vec<Pid> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn signal_groups(signal: Signal) {
    for group in groups() {
        // An empty group is no error: it left between the look and the call.
        let _ = kill_process_group(group, signal);
    }
}

/// A command without the variables cargo set for us: they would leak into builds and other toolchains.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if ours
            || matches!(
                &*name,
                "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "LD_LIBRARY_PATH"
            )
        {
            command.env_remove(&*name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The project's own cargo, with these words.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = command("cargo");
    command.args(words);
    command
}

/// A command that also ends when we are killed outright, where the system can promise that.
pub fn tied_to_us(program: &OsStr) -> Command {
    if crate::machine::find("setpriv").is_some() {
        let mut tied = command("setpriv");
        tied.args(["--pdeathsig", "TERM", "--"]).arg(program);
        return tied;
    }
    command(program)
}

/// One started child and its group.
pub struct Running {
    child: Child,
    group: Pid,
    finished: Option<ExitStatus>,
}

impl Running {
    /// Starts `command` as the leader of a new process group.
    pub fn start(mut command: Command) -> Outcome<Self> {
        if stopping() {
            return Err("stopped".into());
        }
        let name = describe(&command);
        command.process_group(0);
        // Held over the start, so that a signal in between still finds the group.
        let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn().map_err(|error| format!("cannot start `{name}`: {error}"))?;
        let group = Pid::from_child(&child);
        groups.push(group);
        drop(groups);
        Ok(Self { child, group, finished: None })
    }

    /// The child's standard output, once, when it was piped.
    pub fn lines(&mut self) -> Option<impl Iterator<Item = String> + Send + use<>> {
        self.child.stdout.take().map(|out| BufReader::new(out).lines().map_while(Result::ok))
    }

    /// The child's standard error, once, when it was piped.
    pub fn error_lines(&mut self) -> Option<impl Iterator<Item = String> + Send + use<>> {
        self.child.stderr.take().map(|out| BufReader::new(out).lines().map_while(Result::ok))
    }

    /// Whether it has ended; does not wait.
    pub fn ended(&mut self) -> Outcome<bool> {
        if self.finished.is_some() {
            return Ok(true);
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let ended = waitid(WaitId::Pid(self.group), options).map_err(|error| error.to_string())?.is_some();
        if ended {
            self.reap()?;
        }
        Ok(ended)
    }

    /// Waits for the end, then ends what is left in the group.
    pub fn wait(&mut self) -> Outcome<ExitStatus> {
        if self.finished.is_none() {
            // Looked at but not yet reaped: the number cannot be given away while we clear the group.
            loop {
                match waitid(WaitId::Pid(self.group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.to_string()),
                    Ok(_) => break,
                }
            }
        }
        self.reap()
    }

    /// Waits, but no longer than `limit`; `None` when it had to be ended.
    pub fn wait_within(&mut self, limit: Duration) -> Outcome<Option<ExitStatus>> {
        let start = Instant::now();
        while !self.ended()? {
            if start.elapsed() >= limit {
                self.stop(Signal::TERM)?;
                return Ok(None);
            }
            pause(Duration::from_millis(50));
        }
        self.wait().map(Some)
    }

    /// Asks with `signal`, waits a while, then insists.
    pub fn stop(&mut self, signal: Signal) -> Outcome {
        if self.finished.is_some() {
            return Ok(());
        }
        let _ = kill_process_group(self.group, signal);
        let asked = Instant::now();
        while !self.ended()? {
            if asked.elapsed() >= GRACE {
                let _ = kill_process_group(self.group, Signal::KILL);
            }
            pause(Duration::from_millis(20));
        }
        Ok(())
    }

    fn reap(&mut self) -> Outcome<ExitStatus> {
        if let Some(status) = self.finished {
            return Ok(status);
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        let status = self.child.wait().map_err(|error| error.to_string())?;
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).retain(|group| *group != self.group);
        self.finished = Some(status);
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop(Signal::TERM);
    }
}

/// Runs `command` to its end with its output on our terminal; an error names it.
pub fn run(command: Command) -> Outcome {
    let name = describe(&command);
    let status = Running::start(command)?.wait()?;
    if stopping() {
        return Err("stopped".into());
    }
    if status.success() { Ok(()) } else { Err(format!("`{name}` failed ({status})")) }
}

/// Runs `command` quietly and returns what it printed; its errors go to our terminal.
pub fn read(mut command: Command) -> Outcome<String> {
    let name = describe(&command);
    command.stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    let text = running.lines().map(|lines| lines.collect::<Vec<_>>().join("\n")).unwrap_or_default();
    let status = running.wait()?;
    if status.success() { Ok(text) } else { Err(format!("`{name}` failed ({status})")) }
}

/// Like [`read`], for a question whose failure is an answer: nothing is printed.
pub fn ask(mut command: Command) -> Option<String> {
    command.stderr(Stdio::null());
    read(command).ok()
}

/// Runs `command`, saying every half minute that it is still at work and how far cargo has come.
pub fn run_cargo_with_progress(what: &str, mut command: Command) -> Outcome {
    let name = describe(&command);
    command.args(["--message-format", "json-render-diagnostics", "--quiet"]).stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    let (send, receive) = mpsc::channel();
    let lines = running.lines();
    let reader = thread::spawn(move || {
        for line in lines.into_iter().flatten() {
            if line.contains("\"reason\":\"compiler-artifact\"") && send.send(()).is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    let mut spoken = Instant::now();
    let mut crates = 0_u32;
    loop {
        match receive.recv_timeout(Duration::from_secs(5)) {
            Ok(()) => crates += 1,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if spoken.elapsed() >= Duration::from_secs(30) {
            spoken = Instant::now();
            crate::steps::say(&format!("{what}: {crates} crates done after {}", crate::steps::time(start.elapsed())));
        }
    }
    let _ = reader.join();
    let status = running.wait()?;
    if stopping() {
        return Err("stopped".into());
    }
    if status.success() { Ok(()) } else { Err(format!("`{name}` failed ({status})")) }
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
