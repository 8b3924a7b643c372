//! Everything this project does to a machine: get what is missing, build both halves, test, measure.
//!
//! `cargo xtask <command>` needs nothing but cargo. It never asks for a password, installs nothing
//! system-wide unless it already runs as root on Debian, and leaves no process behind.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a build tool talks to a terminal")]

mod bench;
mod check;
mod css;
mod demo;
mod dist;
mod gates;
mod journeys;
mod machine;
mod postgres;
mod process;
mod site;
mod soak;
mod steps;
mod test;
mod wasm;

use std::process::ExitCode;

/// What went wrong, in words for the person at the terminal. Commands have printed their own output.
type Outcome<T = ()> = Result<T, String>;

struct Command {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        summary: "build and start a demo with a simulated shop and till",
        help: demo::HELP,
        run: demo::run,
    },
    Command {
        name: "check",
        summary: "the quick look before a commit: seconds when warm",
        help: check::HELP,
        run: check::run,
    },
    Command {
        name: "test",
        summary: "everything that must hold, with times, and what was skipped",
        help: test::HELP,
        run: test::run,
    },
    Command { name: "site", summary: "build the browser half into target/site", help: site::HELP, run: site::run },
    Command {
        name: "bench",
        summary: "measure in release and compare with the promises",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "soak",
        summary: "rehearse a whole matrix in release, two at a time",
        help: soak::HELP,
        run: soak::run,
    },
    Command { name: "dist", summary: "one executable with everything in it", help: dist::HELP, run: dist::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print_overview();
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print_overview();
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("There is no command {name:?}.\n");
        print_overview();
        return ExitCode::from(2);
    };
    if rest.iter().take_while(|word| *word != "--").any(|word| word == "--help" || word == "-h") {
        println!("cargo xtask {}: {}\n\n{}", command.name, command.summary, command.help.trim());
        return ExitCode::SUCCESS;
    }
    if let Err(error) = process::watch_signals().and_then(|()| machine::enter_root()) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if process::stopping() => {
            eprintln!("Stopped.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn print_overview() {
    println!("cargo xtask <command> [--help]\n");
    for command in COMMANDS {
        println!("  {:<7} {}", command.name, command.summary);
    }
    println!(
        "\nA rustup toolchain is enough. What else a command wants (a browser target, Chromium, Node.js, PostgreSQL)\n\
         it looks for first, fetches where it may, and says so when it has to do without."
    );
}
