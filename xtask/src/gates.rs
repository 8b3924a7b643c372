//! What may be in the dependency tree: one of each large crate, one TLS provider, known licences, and
//! nothing of the server in the browser half.

use std::collections::BTreeSet;
use std::fs;

use crate::steps::Done;
use crate::{Outcome, machine, process, wasm};

/// Two versions of one of these compile, and then do not see each other's types.
const ONE_OF: &[&str] =
    &["axum", "leptos", "libsqlite3-sys", "reqwest", "rustls", "sqlx", "tower-http", "tower-sessions", "wasm-bindgen"];

/// A second TLS provider panics at the first connection; OpenSSL would need a system library.
const NEVER: &[&str] =
    &["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys", "tower-sessions-sqlx-store"];

/// In the browser these are dead weight or do not compile at all.
const NOT_IN_THE_BROWSER: &[&str] =
    &["argon2", "axum", "hyper", "leptos_axum", "mio", "rand", "reqwest", "rust_xlsxwriter", "rustls", "sqlx", "tokio"];

const LICENCES: &[&str] = &[
    "0BSD",
    "AGPL-3.0-only",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// All gates; every offence is named.
pub fn run() -> Outcome<Done> {
    let lock =
        fs::read_to_string(machine::root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let mut offences = in_lock(&lock);

    let hydrate = process::read(process::cargo(&[
        "tree",
        "--locked",
        "-p",
        "hydrate",
        "--target",
        wasm::TRIPLE,
        "-e",
        "normal",
        "--prefix",
        "none",
        "-f",
        "{p}",
    ]))?;
    for name in hydrate.lines().filter_map(|line| line.split_whitespace().next()).collect::<BTreeSet<_>>() {
        if NOT_IN_THE_BROWSER.contains(&name) {
            offences.push(format!(
                "the browser half contains {name} (cargo tree -p hydrate --target {} -i {name})",
                wasm::TRIPLE
            ));
        }
    }

    let all = process::read(process::cargo(&[
        "tree",
        "--locked",
        "--workspace",
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "-f",
        "{p}|{l}",
    ]))?;
    for (package, licence) in all.lines().filter_map(|line| line.split_once('|')).collect::<BTreeSet<_>>() {
        let licence = licence.trim_end_matches("(*)").trim();
        if !allowed(licence) {
            offences.push(format!("{package}: licence {licence:?} is not among those looked at"));
        }
    }
    if offences.is_empty() { Ok(Done::Ran) } else { Err(offences.join("\n")) }
}

fn in_lock(lock: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let names: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    for name in ONE_OF {
        let versions = names.iter().filter(|found| *found == name).count();
        if versions != 1 {
            offences.push(format!("Cargo.lock holds {versions} versions of {name}; it must be one"));
        }
    }
    for name in NEVER.iter().filter(|name| names.contains(name)) {
        offences.push(format!("Cargo.lock holds {name}, which must never be there"));
    }
    for source in lock.lines().filter_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"')) {
        if source != REGISTRY {
            offences.push(format!("Cargo.lock names another source: {source}"));
        }
    }
    offences
}

/// Whether one choice that the expression offers consists of licences on our list.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let bare = expression.trim();
    if LICENCES.contains(&bare) {
        return true;
    }
    if let Some(inner) = bare.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).filter(|inner| balanced(inner))
    {
        return allowed(inner);
    }
    // AND binds tighter than OR, so the looser word is split first.
    if let Some((left, right)) = split(bare, " OR ") {
        return allowed(left) || allowed(right);
    }
    split(bare, " AND ").is_some_and(|(left, right)| allowed(left) && allowed(right))
}

fn balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    for letter in text.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Splits at the first `word` outside brackets.
fn split<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let places = text.match_indices(word);
    places.map(|(at, _)| (&text[..at], &text[at + word.len()..])).find(|(left, _)| balanced(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_judged_by_the_choices_it_offers() {
        assert!(allowed("MIT"));
        assert!(allowed("MIT OR LGPL-2.1"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allowed("MIT AND GPL-2.0"));
        assert!(!allowed("GPL-3.0-only"));
        assert!(!allowed(""));
    }

    #[test]
    fn a_second_version_and_a_forbidden_crate_are_offences() {
        let good: String = ONE_OF.iter().map(|name| format!("name = \"{name}\"\n")).collect();
        assert_eq!(in_lock(&good), Vec::<String>::new());
        let bad = format!("{good}name = \"sqlx\"\nname = \"openssl-sys\"\nsource = \"git+https://example.com/x\"\n");
        assert_eq!(in_lock(&bad).len(), 3);
    }
}
