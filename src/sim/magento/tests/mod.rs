//! The shop against the recordings of a real one, and its traps.
//!
//! The recordings are kept outside this repository; `CONTRACTS_DIR` names the folder. Without it these tests say
//! that they were skipped, unless `TRUECOUNT_NO_SKIP=1`, which makes that a failure.

mod evening;
mod script;
mod shape;
mod signer;
mod stage;
mod traps;

use stage::{Outcome, Stage};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Exchanges that are known to differ, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// What the recordings hold that is not this shop's to answer: prefix and reason.
const NOT_PLAYED: [(&str, &str); 8] = [
    ("orderA-", "the guest checkout is done by hand"),
    ("orderB-", "the guest checkout is done by hand"),
    ("orderC-", "the guest checkout is done by hand"),
    ("orderT-", "the guest checkout is done by hand"),
    ("cart-", "the guest checkout is done by hand"),
    ("setup-05", "price rules are made by hand"),
    ("setup-06", "price rules are made by hand"),
    ("_", "timings and the ledger"),
];

/// Topics that must agree.
const TOPICS: [&str; 13] = [
    "auth",
    "error",
    "products",
    "product",
    "configurable",
    "source-items",
    "salable",
    "orders",
    "invoice",
    "ship",
    "refund",
    "pickup",
    "async",
];

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, which is no setting of the program")]
    std::env::var(name).ok()
}

fn recordings() -> Option<PathBuf> {
    let folder = setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("recordings").join("magento"));
    let there = folder.filter(|folder| folder.is_dir());
    if there.is_none() {
        let must = setting("TRUECOUNT_NO_SKIP").as_deref() == Some("1");
        assert!(!must, "CONTRACTS_DIR names no folder with recordings");
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: CONTRACTS_DIR names no folder with recordings");
        }
    }
    there
}

/// The recorded day, played from morning to evening.
fn day(folder: PathBuf) -> Stage {
    let mut stage = Stage::new(folder);
    script::opening(&mut stage);
    script::sent(&mut stage);
    script::fetched(&mut stage);
    script::later(&mut stage);
    evening::crowded(&mut stage);
    evening::closing(&mut stage);
    stage
}

fn topic(name: &str) -> &str {
    name.find(|c: char| c.is_ascii_digit())
        .map_or_else(|| name.split('-').next().unwrap_or(name), |at| name[..at].trim_end_matches('-'))
}

#[test]
fn magento_answers_as_recorded() {
    let Some(folder) = recordings() else { return };
    let stage = day(folder.clone());
    let mut table: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Outcome { name, wrong: found, exact } in &stage.outcomes {
        let row = table.entry(topic(name)).or_default();
        row.0 += 1;
        row.1 += usize::from(found.is_none());
        row.2 += usize::from(*exact);
        wrong.extend(found.clone());
    }
    let total = |part: fn(&(usize, usize, usize)) -> usize| -> usize { table.values().map(part).sum() };
    let mut lines = vec![format!("{:<16}{:>6}{:>6}{:>11}{:>14}", "topic", "total", "same", "different", "same values")];
    for (topic, (all, same, exact)) in &table {
        lines.push(format!("{topic:<16}{all:>6}{same:>6}{:>11}{exact:>14}", all - same));
    }
    let (all, same) = (total(|row| row.0), total(|row| row.1));
    lines.push(format!("{:<16}{all:>6}{same:>6}{:>11}{:>14}", "together", all - same, total(|row| row.2)));
    #[expect(clippy::print_stderr, reason = "the table is what the test is for")]
    {
        eprintln!("{}\n{}", lines.join("\n"), wrong.join("\n"));
    }

    for (name, reason) in EXCEPTIONS.iter().copied() {
        let found = stage.outcomes.iter().find(|outcome| outcome.name == name);
        assert!(found.is_some_and(|o| o.wrong.is_some()), "{name} agrees and is no exception any more: {reason}");
    }
    for wanted in TOPICS.into_iter().chain(["transfer"]) {
        let (all, same, _) = table.get(wanted).copied().unwrap_or_default();
        assert!(all > 0 && same * 100 >= all * 95, "{wanted}: {same} of {all} agree");
    }
    let unexpected: Vec<&String> =
        wrong.iter().filter(|text| !EXCEPTIONS.iter().any(|(name, _)| text.starts_with(name))).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    every_recording_is_played(&folder, &stage);
}

fn every_recording_is_played(folder: &Path, stage: &Stage) {
    let played: Vec<&str> = stage.outcomes.iter().map(|outcome| outcome.name).collect();
    let mut left = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".json") else { continue };
        let excused = NOT_PLAYED.iter().any(|(start, _)| name.starts_with(start));
        if !excused && !played.contains(&name) {
            left.push(name.to_owned());
        }
    }
    assert!(left.is_empty(), "not played: {left:?}");
    let mut once = played.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), played.len(), "no exchange counts twice");
}

#[test]
fn magento_moves_stock_as_recorded() {
    let Some(folder) = recordings() else { return };
    let text = std::fs::read_to_string(folder.join("_stock-ledger.json")).unwrap();
    let steps: serde_json::Value = serde_json::from_str(&text).unwrap();
    let stage = day(folder);
    assert!(stage.ledger_wrong.is_empty(), "{:#?}", stage.ledger_wrong);
    assert_eq!(stage.ledger_seen.len(), steps["steps"].as_array().unwrap().len(), "every step is looked at");
}
