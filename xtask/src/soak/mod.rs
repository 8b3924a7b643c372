//! Rehearsals by the dozen: a named matrix, two at a time, gone on with where it was left, told as a table.

mod plan;
mod results;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use crate::bench::after_dashes;
use crate::machine::{self, Scratch};
use crate::process::{self, Running};
use crate::steps::{say, time};
use crate::{Outcome, check};
use plan::{NAMES, Run};
use results::Ended;

pub const HELP: &str = "
Runs `truecount rehearse` in release over a whole matrix, two at a time:

  sale    500 SKUs for 24 hours: F01,F02,F03,F05 together from 20 seeds, then each of them alone from 5
  day     one day, 5,000 SKUs, 4 stores
  week    seven days, 2,000 SKUs, 4 stores
  month   thirty days, 500 SKUs, 2 stores

Each result is a line of target/soak/NAME-COMMIT.jsonl as soon as it is there. Stopped with Ctrl-C, the same command
goes on where it was left; only a tree with changes of its own begins anew. It ends with a table, also in
target/soak/NAME-COMMIT.md, and with 1 when a rehearsal is wrong.

  --seed N   the first seed; without it one that belongs to the commit

Words after -- are passed on to each rehearsal, for example: cargo xtask soak week -- --dirt 20

  kills   no rehearsal: the test that kills the program under load, 30 times (TRUECOUNT_KILLS sets another number)";

/// Rehearsals at work at the same time.
const AT_ONCE: usize = 2;

const KILLS: &str = "30";

/// How `truecount rehearse` ends when a number is wrong.
const EXIT_WRONG: i32 = 1;

pub fn run(arguments: &[String]) -> Outcome {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(format!("soak wants a name: {} or kills", NAMES.join(", ")));
    };
    if name == "kills" {
        return kills(rest);
    }
    let (seed, rest) = first_seed(rest)?;
    let version = version();
    let seed = seed.unwrap_or_else(|| plan::seed_of(&version.name));
    let Some(plan) = plan::plan(name, seed, after_dashes(rest)?) else {
        return Err(format!("there is no soak {name:?}; there are {} and kills", NAMES.join(", ")));
    };
    let book = Book::open(&machine::root().join("target/soak"), &format!("{name}-{}", version.name), version.is_whole)?;
    let left = plan::left(&plan, &book.ended()?);
    say(&format!(
        "{name}: {} rehearsals from seed {seed}, {} of them done; results in {}",
        plan.len(),
        plan.len() - left.len(),
        book.lines.display()
    ));
    if !left.is_empty() {
        let program = build()?;
        let (started, all) = (Instant::now(), left.len());
        let mut done = 0;
        each(left, AT_ONCE, &|run| rehearse(&program, run), &mut |ended| {
            done += 1;
            let word = if ended.is_right() { "right" } else { "WRONG" };
            say(&format!("{done} of {all} after {}: {word}: {}", time(started.elapsed()), ended.run));
            book.keep(ended)
        })?;
    }
    let (table, wrong) = results::table(&plan, &book.ended()?);
    book.tell(&table)?;
    println!("\n{table}");
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} of {} rehearsals are wrong.", plan.len())) }
}

fn kills(rest: &[String]) -> Outcome {
    if let Some(word) = rest.first() {
        return Err(format!("soak kills does not know {word:?}; TRUECOUNT_KILLS sets how often"));
    }
    let mut test = process::cargo(&["test", "--locked", "--test", "kill"]);
    test.args(check::BOTH).args(["--", "--nocapture"]);
    test.env("TRUECOUNT_KILLS", machine::setting("TRUECOUNT_KILLS").unwrap_or_else(|| KILLS.into()));
    process::run(test)
}

/// `--seed N` before the rest.
fn first_seed(words: &[String]) -> Outcome<(Option<u64>, &[String])> {
    match words {
        [flag, number, rest @ ..] if flag == "--seed" => {
            let seed = number.parse().map_err(|_| format!("--seed wants a number, not {number:?}"))?;
            Ok((Some(seed), rest))
        }
        [flag] if flag == "--seed" => Err("--seed wants a number".into()),
        _ => Ok((None, words)),
    }
}

/// Which sources are rehearsed.
struct Version {
    /// For names of files.
    name: String,
    /// Whether the name says all: nothing was changed since the commit.
    is_whole: bool,
}

fn version() -> Version {
    let ask = |words: &[&str]| {
        let mut git = process::command("git");
        git.args(words);
        process::ask(git)
    };
    let Some(commit) = ask(&["rev-parse", "--short=12", "HEAD"]) else {
        return Version { name: "unversioned".into(), is_whole: false };
    };
    let is_whole = ask(&["status", "--porcelain"]).is_some_and(|changed| changed.trim().is_empty());
    let name = if is_whole { commit.trim().to_owned() } else { format!("{}-changed", commit.trim()) };
    Version { name, is_whole }
}

fn build() -> Outcome<PathBuf> {
    process::run(process::cargo(&["build", "--locked", "--release", "-p", "truecount-app", "--bin", "truecount"]))?;
    Ok(machine::target_dir().join("release/truecount"))
}

/// Runs one to its end. An error is one of this machine: it says nothing about the program and is not kept.
fn rehearse(program: &Path, run: &Run) -> Outcome<Ended> {
    let folder = Scratch::new("soak")?;
    let report = folder.path().join("report");
    let mut truecount = process::tied_to_us(program.as_os_str());
    truecount.args(["rehearse", "--seed", &run.seed.to_string()]).args(&run.words).arg("--report").arg(&report);
    truecount.stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut running = Running::start(truecount)?;
    let said = running.error_lines().and_then(|lines| lines.filter(|line| !line.trim().is_empty()).last());
    let status = running.wait()?;
    if process::stopping() {
        return Err("stopped".into());
    }
    let said = said.unwrap_or_default();
    let report = fs::read_to_string(report).unwrap_or_default();
    match status.code() {
        Some(0) if !report.trim().is_empty() => {}
        Some(EXIT_WRONG) => {}
        _ => return Err(format!("`truecount rehearse {}` did not come to an end ({status}): {said}", run.name())),
    }
    Ok(Ended {
        run: run.name(),
        exit: status.code().unwrap_or(EXIT_WRONG),
        wall_s: started.elapsed().as_secs_f64(),
        said: if status.success() { String::new() } else { said },
        report: results::one_line(&report),
    })
}

/// Runs `work` for each, so many at once, and hands over what comes of it as it comes. After the first error nothing
/// new is begun; what is under way is finished and kept.
fn each(
    runs: Vec<Run>,
    at_once: usize,
    work: &(dyn Fn(&Run) -> Outcome<Ended> + Sync),
    keep: &mut dyn FnMut(&Ended) -> Outcome,
) -> Outcome {
    let queue = Mutex::new(VecDeque::from(runs));
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..at_once {
            let (send, lock) = (send.clone(), &lock);
            scope.spawn(move || {
                loop {
                    // Taken in a statement of its own, so that nobody waits for the queue while one runs.
                    let next = lock().pop_front();
                    let Some(run) = next else { return };
                    if send.send(work(&run)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut outcome = Ok(());
        for ended in receive {
            if let Err(error) = ended.and_then(|ended| keep(&ended))
                && outcome.is_ok()
            {
                outcome = Err(error);
                lock().clear();
            }
        }
        outcome
    })
}

/// The files that hold what is known.
struct Book {
    lines: PathBuf,
    table: PathBuf,
}

impl Book {
    /// Opens it; begins anew when its name does not say which sources it is about.
    fn open(folder: &Path, name: &str, go_on: bool) -> Outcome<Self> {
        let book = Self { lines: folder.join(format!("{name}.jsonl")), table: folder.join(format!("{name}.md")) };
        let failed = |error: std::io::Error| format!("{}: {error}", book.lines.display());
        fs::create_dir_all(folder).map_err(failed)?;
        if !go_on && book.lines.exists() {
            fs::remove_file(&book.lines).map_err(failed)?;
        }
        Ok(book)
    }

    fn ended(&self) -> Outcome<Vec<Ended>> {
        match fs::read_to_string(&self.lines) {
            Ok(text) => Ok(text.lines().filter_map(Ended::from_line).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("{}: {error}", self.lines.display())),
        }
    }

    /// Adds a line; half a line from before stays a line of its own, which nobody reads.
    fn keep(&self, ended: &Ended) -> Outcome {
        let torn = fs::read(&self.lines).is_ok_and(|old| old.last().is_some_and(|last| *last != b'\n'));
        let line = format!("{}{}\n", if torn { "\n" } else { "" }, ended.to_line());
        File::options()
            .create(true)
            .append(true)
            .open(&self.lines)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| format!("{}: {error}", self.lines.display()))
    }

    fn tell(&self, table: &str) -> Outcome {
        fs::write(&self.table, table).map_err(|error| format!("{}: {error}", self.table.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn sale() -> Vec<Run> {
        plan::plan("sale", 1, &[]).expect("there is one")
    }

    #[test]
    fn all_are_run_once_and_two_at_a_time() {
        // Each waits for another one, so that one at a time would never end.
        let pair = Barrier::new(2);
        let mut kept = Vec::new();
        let work = |run: &Run| {
            pair.wait();
            Ok(Ended::of(run, 0))
        };
        let done = each(sale(), 2, &work, &mut |ended| {
            kept.push(ended.run.clone());
            Ok(())
        });
        assert_eq!(done, Ok(()));
        kept.sort();
        let mut all: Vec<String> = sale().iter().map(Run::name).collect();
        all.sort();
        assert_eq!(kept, all);
    }

    #[test]
    fn a_machine_that_fails_ends_it_and_what_was_done_stays() {
        let folder = Scratch::new("soak-test").expect("a folder");
        let book = Book::open(folder.path(), "sale-abc", true).expect("a book");
        let plan = sale();
        let third = plan[2].name();
        let work = |run: &Run| if run.name() == third { Err("no disk".into()) } else { Ok(Ended::of(run, 0)) };
        let done = each(plan.clone(), 1, &work, &mut |ended| book.keep(ended));
        assert_eq!(done, Err("no disk".to_owned()));
        let ended = book.ended().expect("a file");
        assert!(ended.len() >= 2, "what was done before is kept: {}", ended.len());
        assert!(ended.iter().all(|ended| ended.run != third));

        // The machine stops in the middle of a line; the next run goes on after it.
        let mut text = fs::read_to_string(&book.lines).expect("a file");
        text.push_str("{\"run\":\"--seed 3 --sk");
        fs::write(&book.lines, text).expect("a file");
        let again = Book::open(folder.path(), "sale-abc", true).expect("a book");
        let left = plan::left(&plan, &again.ended().expect("a file"));
        assert_eq!(left.len(), plan.len() - ended.len());
        assert!(left.iter().any(|run| run.name() == third));
        each(left, 2, &|run| Ok(Ended::of(run, 0)), &mut |ended| again.keep(ended)).expect("all run");
        assert_eq!(plan::left(&plan, &again.ended().expect("a file")), Vec::new());
        let anew = Book::open(folder.path(), "sale-abc", false).expect("a book");
        assert_eq!(anew.ended(), Ok(Vec::new()), "changed sources begin anew");
    }

    #[test]
    fn the_first_seed_is_read_before_the_words_for_each() {
        let words: Vec<String> = ["--seed", "9", "--", "--dirt", "2"].iter().map(|word| (*word).to_owned()).collect();
        let (seed, rest) = first_seed(&words).expect("a number");
        assert_eq!((seed, after_dashes(rest).expect("dashes").len()), (Some(9), 2));
        assert!(first_seed(&words[..1]).is_err());
        assert!(first_seed(&["--seed".into(), "x".into()]).is_err());
        assert!(after_dashes(&["--seeds".into()]).is_err());
    }
}
