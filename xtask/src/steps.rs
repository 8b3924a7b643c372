//! A run as a list of named steps: each is timed, a failure names its step, a skip is never silent.

use std::time::{Duration, Instant};

use crate::{Outcome, machine, process};

/// One line of ours among the output of others.
pub fn say(line: &str) {
    eprintln!("» {line}");
}

/// A duration as a person reads it.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// How a step ended when it did not fail.
pub enum Done {
    /// It ran and holds.
    Ran,
    /// It could not run here, and why.
    Skipped(String),
}

/// The steps of one run.
pub struct Steps {
    title: &'static str,
    only: Vec<String>,
    listing: bool,
    start: Instant,
    lines: Vec<String>,
    passed: u32,
    skipped: Vec<String>,
}

impl Steps {
    /// Reads `--only a,b` and `--list`; anything else is an error.
    pub fn new(title: &'static str, arguments: &[String]) -> Outcome<Self> {
        let mut steps = Self {
            title,
            only: Vec::new(),
            listing: false,
            start: Instant::now(),
            lines: Vec::new(),
            passed: 0,
            skipped: Vec::new(),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--list" => steps.listing = true,
                "--only" => {
                    let names = words.next().ok_or("--only wants the names of steps, separated by commas")?;
                    steps.only.extend(names.split(',').map(str::to_owned));
                }
                other => return Err(format!("{title} does not know {other:?}; see --help")),
            }
        }
        Ok(steps)
    }

    /// Whether the step of that name is part of this run.
    pub fn wants(&self, name: &str) -> bool {
        !self.listing && (self.only.is_empty() || self.only.iter().any(|only| only == name))
    }

    /// Whether any of these is part of this run; for getting what they need.
    pub fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Runs one step.
    pub fn step(&mut self, name: &str, what: &str, work: impl FnOnce() -> Outcome<Done>) -> Outcome {
        if self.listing {
            println!("{name:<12} {what}");
            return Ok(());
        }
        if !self.wants(name) {
            return Ok(());
        }
        say(&format!("{name}: {what}"));
        let start = Instant::now();
        match work() {
            Ok(Done::Ran) => {
                let line = format!("  ok       {name:<12} {:>12}", time(start.elapsed()));
                say(line.trim());
                self.lines.push(line);
                self.passed += 1;
                Ok(())
            }
            Ok(Done::Skipped(why)) => {
                say(&format!("SKIPPED {name}: {why}"));
                self.skip(name, &why);
                Ok(())
            }
            Err(error) if process::stopping() => Err(error),
            Err(error) => {
                self.lines.push(format!("  FAILED   {name:<12} {:>12}", time(start.elapsed())));
                self.print(1);
                Err(format!(
                    "{error}\nThe step that failed: {name} ({what}).\nAgain, alone: cargo xtask {} --only {name}",
                    self.title
                ))
            }
        }
    }

    /// Notes that something was left out.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.lines.push(format!("  skipped  {name:<12} {why}"));
        self.skipped.push(name.to_owned());
    }

    /// Prints the account; skips are failures where they were forbidden.
    pub fn finish(self) -> Outcome {
        if self.listing {
            return Ok(());
        }
        if self.passed == 0 && self.skipped.is_empty() {
            return Err(format!("No step of that name; `cargo xtask {} --list` names them.", self.title));
        }
        let forbidden =
            machine::setting("TRUECOUNT_NO_SKIP").is_some_and(|value| value == "1") && !self.skipped.is_empty();
        self.print(if forbidden { self.skipped.len() } else { 0 });
        if forbidden {
            return Err(format!(
                "TRUECOUNT_NO_SKIP=1 forbids skipping, but these were skipped: {}",
                self.skipped.join(", ")
            ));
        }
        Ok(())
    }

    fn print(&self, failed: usize) {
        println!("\ncargo xtask {} ({})", self.title, time(self.start.elapsed()));
        for line in &self.lines {
            println!("{line}");
        }
        println!("\nsteps: {} passed, {failed} failed, {} skipped", self.passed, self.skipped.len());
    }
}
