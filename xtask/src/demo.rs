//! The first minutes of a newcomer: build, start, and make the pages live while they already serve.

use std::thread;
use std::time::Instant;

use crate::process::{self, Running};
use crate::steps::{say, time};
use crate::{Outcome, check, machine, site, wasm};

pub const HELP: &str = "
Builds the server and starts `truecount demo`: a simulated web shop and till, nothing outside this machine.
It prints its address and log-ins. The first build takes 8 to 14 minutes on two cores; the pages are served
as plain HTML as soon as the server stands, and become live when the browser half has been built too.
Ctrl-C ends everything.

  --pair SHOP+TILL   which shop and which till: centra or magento, and lightspeed-x or lightspeed-r

Words after -- are passed on to `truecount demo`, for example: cargo xtask demo -- --help";

pub fn run(arguments: &[String]) -> Outcome {
    let passed_on = match arguments {
        [] => &[],
        [pair, _] if pair == "--pair" => arguments,
        [pair] if pair.starts_with("--pair=") => arguments,
        [dashes, rest @ ..] if dashes == "--" => rest,
        _ => return Err("demo itself knows only --pair SHOP+TILL; words for `truecount demo` come after --".into()),
    };
    let start = Instant::now();
    let consent = wasm::consent()?;
    site::assets()?;
    say("building the server (the first time 8 to 14 minutes on two cores)");
    // The selection of the tests: whoever runs those next builds nothing again.
    let mut build = process::cargo(&["build", "--locked", "--lib", "--bins"]);
    build.args(check::BOTH);
    process::run(build)?;
    say(&format!("server built in {}", time(start.elapsed())));

    let program = machine::target_dir().join("debug/truecount");
    let mut demo = process::tied_to_us(program.as_os_str());
    demo.arg("demo").args(passed_on).env("LEPTOS_OUTPUT_NAME", "truecount").env("LEPTOS_SITE_ROOT", site::folder());
    demo.env("SITE_DIR", site::folder());
    let mut server = Running::start(demo)?;

    let browser = thread::spawn(move || match make_live(consent) {
        Ok(()) => {}
        Err(_) if process::stopping() => {}
        Err(error) => say(&format!("{error}\n» The browser half was not built; the pages go on as plain HTML.")),
    });
    let status = server.wait()?;
    let asked = process::stopping();
    if !asked {
        process::stop_everything();
    }
    let _ = browser.join();
    if asked || status.success() { Ok(()) } else { Err(format!("`truecount demo` ended ({status})")) }
}

fn make_live(consent: bool) -> Outcome {
    let Some(cargo) = wasm::find(consent)? else {
        say(wasm::WITHOUT);
        return Ok(());
    };
    say(
        "building the browser half meanwhile (the first time 6 to 14 minutes); until it is there the pages are plain HTML",
    );
    site::browser(&cargo)?;
    say("the browser half is there: pages opened or reloaded from now on are live");
    Ok(())
}
