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
    /// The same, and how much it proved.
    Said(String),
    /// It could not run here, and why.
    Skipped(String),
}

/// A step's name and what it looks at.
pub type Named = (&'static str, &'static str);

/// The steps of one run.
pub struct Steps {
    title: &'static str,
    known: &'static [Named],
    only: Vec<String>,
    listing: bool,
    start: Instant,
    lines: Vec<String>,
    passed: u32,
    skipped: Vec<String>,
}

impl Steps {
    /// Reads `--only a,b` and `--list`; anything else is an error, and so is a step that does not exist.
    pub fn new(title: &'static str, known: &'static [Named], arguments: &[String]) -> Outcome<Self> {
        let mut steps = Self {
            title,
            known,
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
        let unknown: Vec<&String> = steps.only.iter().filter(|name| steps.what(name).is_none()).collect();
        if !unknown.is_empty() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            return Err(format!("{title} has no step {unknown:?}; its steps are {}", names.join(", ")));
        }
        if steps.listing {
            known.iter().for_each(|(name, what)| println!("{name:<12} {what}"));
        }
        Ok(steps)
    }

    fn what(&self, name: &str) -> Option<&'static str> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, what)| *what)
    }

    /// Whether the step of that name is part of this run.
    pub fn wants(&self, name: &str) -> bool {
        !self.listing && (self.only.is_empty() || self.only.iter().any(|only| only == name))
    }

    /// Whether any of these is part of this run; for getting what they need.
    pub fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Runs one step, if it is part of this run.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Outcome<Done>) -> Outcome {
        let what = self.what(name).ok_or_else(|| format!("{name} is not among the steps of {}", self.title))?;
        if !self.wants(name) {
            return Ok(());
        }
        say(&format!("{name}: {what}"));
        let start = Instant::now();
        match work() {
            Ok(Done::Skipped(why)) => {
                say(&format!("SKIPPED {name}: {why}"));
                self.skip(name, &why);
                Ok(())
            }
            Ok(done) => {
                let said = if let Done::Said(words) = done { format!("  {words}") } else { String::new() };
                let line = format!("  ok       {name:<12} {:>12}{said}", time(start.elapsed()));
                say(line.trim());
                self.lines.push(line);
                self.passed += 1;
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

    /// What steps need and is no step itself, such as fetching a tool: timed like one.
    pub fn prepare<T>(&mut self, name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let start = Instant::now();
        let done = work().map_err(|error| format!("{error}\nThis was needed first: {name}."))?;
        self.lines.push(format!("  ready    {name:<12} {:>12}", time(start.elapsed())));
        Ok(done)
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

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Named] = &[("fmt", "formatting"), ("tests", "tests")];

    fn steps(words: &[&str]) -> Outcome<Steps> {
        Steps::new("test", TWO, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_step_that_does_not_exist_is_named_before_anything_runs() {
        let Err(error) = steps(&["--only", "fmt,typo"]) else { panic!("typo was taken for a step") };
        assert!(error.contains("typo") && error.contains("fmt, tests"), "{error}");
        assert!(steps(&["--only", ""]).is_err());
        assert!(steps(&["fmt"]).is_err());
        let only = steps(&["--only", "tests"]).expect("tests is a step");
        assert!(only.wants("tests") && !only.wants("fmt"));
    }

    #[test]
    fn what_ran_is_told_with_its_words_and_what_did_not_is_no_step_passed() {
        let mut run = steps(&[]).expect("no words");
        run.step("fmt", || Ok(Done::Said("8 files".into()))).expect("it ran");
        run.step("tests", || Ok(Done::Skipped("nothing here".into()))).expect("it was skipped");
        run.prepare("tools", || Ok(())).expect("it was there");
        assert!(run.step("unheard", || Ok(Done::Ran)).is_err());
        assert_eq!((run.passed, run.skipped.as_slice()), (1, ["tests".to_owned()].as_slice()));
        assert!(run.lines[0].ends_with("8 files") && run.lines[2].contains("ready"), "{:?}", run.lines);
    }
}
