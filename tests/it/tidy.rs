//! The rules of the tree, as an ordinary test: adding one is a few lines.
//!
//! Who may import whom, which file alone may do what, and what must not stand anywhere. It reads the sources
//! and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// What each part of the engine may name besides itself. Longer paths come first and count for their folder.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("src/domain", &[]),
    ("src/clock.rs", &["domain"]),
    ("src/mint.rs", &["clock", "domain"]),
    ("src/config.rs", &["clock", "domain", "mint"]),
    ("src/store", &["clock", "domain", "mint"]),
    ("src/connectors", &["clock", "config", "domain"]),
    ("src/sync", &["clock", "config", "connectors", "domain", "mint", "store"]),
    (
        "src/operator",
        &[
            "clock",
            "connectors::credential",
            "domain",
            "engine",
            "mint",
            "store",
            "sync::cx",
            "sync::house",
            "sync::schedule",
        ],
    ),
    ("src/sim", &["clock", "connectors::transport", "domain", "mint"]),
    ("src/engine", &["clock", "config", "connectors", "domain", "mint", "operator", "store", "sync"]),
];

/// What each part of the application may name of the engine.
const MAY_NAME_OF_ENGINE: &[(&str, &[&str])] = &[
    ("app/src/pages", &["domain", "engine::Engine", "operator"]),
    ("app/src/ui", &["domain", "operator::views"]),
    ("app/src/islands", &["domain"]),
    ("app/src/api", &["domain", "operator"]),
    ("app/hydrate", &[]),
];

/// Words that only these files may use: word, where it is lawful, why.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("sqlx::", &["src/store/"], "all SQL stands in src/store"),
    ("reqwest::", &["src/connectors/http_transport.rs"], "requests go through a Transport"),
    ("Utc::now(", &["src/clock.rs"], "take the time from a Clock"),
    ("SystemTime::now(", &["src/clock.rs"], "take the time from a Clock"),
    ("tokio::time::sleep", &["src/sync/driver.rs", "app/src/server/", "app/src/demo"], "only the task driver waits"),
    (
        "tokio::spawn",
        &["src/sync/driver.rs", "app/src/server/", "app/src/demo", "app/src/main.rs"],
        "only the task driver spawns",
    ),
    (".route(", &["app/src/server/routes.rs", "app/src/demo/control.rs"], "addresses are added through Routes"),
    ("<textarea", &["app/src/ui/text_area.rs"], "one component escapes what it holds"),
    (
        "truecount::sim",
        &["app/src/main.rs", "app/src/demo", "app/src/rehearse", "app/src/bench"],
        "only demo and rehearsal know that the world can be simulated",
    ),
    ("cfg(feature = \"server\")", &["src/lib.rs"], "the gate stands once, in src/lib.rs"),
];

const LONGEST_FILE_LINES: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder` with one of these endings, as (path from the root, text), sorted.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let made = matches!(name.as_str(), "target" | "node_modules" | ".git" | "shots");
            if !made {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// All text files of the repository that people wrote.
fn everything() -> Vec<(String, String)> {
    let endings = [".rs", ".md", ".toml", ".css", ".sql", ".mjs", ".json", ".yml", ".sh", ".ci/run", ".svg", ".txt"];
    let all = files(".", &endings);
    assert!(all.len() > 30, "the walk found only {} files", all.len());
    all
}

/// Names of modules that exist for tests only, wherever they are declared.
fn test_modules(sources: &[(String, String)]) -> BTreeSet<String> {
    let after = sources.iter().flat_map(|(_, text)| text.split("#[cfg(test)]\nmod ").skip(1));
    after
        .filter_map(|rest| rest.split_once(';'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.contains(' '))
        .collect()
}

fn is_for_tests(file: &str, modules: &BTreeSet<String>) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".rs");
    file.starts_with("tests/") || file.contains("/tests/") || modules.contains(name)
}

/// The lines that are code, numbered from 1; comments and the tests at the end of a file do not count.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let product = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text);
    product
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Paths named after `prefix` in a line, as far as `word::word`.
fn named<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':' && c != '{').unwrap_or(rest.len());
        found.push(rest[..end].trim_end_matches(':'));
    }
    found
}

/// The module that a file holds, from the root of its crate: `src/sync/house.rs` is `sync::house`, and
/// `src/sync/house_tests.rs` are its tests.
fn module(file: &str) -> Vec<&str> {
    let mut words: Vec<&str> = file.trim_end_matches(".rs").split('/').skip(1).collect();
    words.pop_if(|last| matches!(*last, "mod" | "lib" | "main"));
    if let Some(tested) = words.last().and_then(|last| last.strip_suffix("_tests")) {
        words.pop();
        words.extend([tested, "tests"]);
    }
    words
}

/// Paths that a line of this file names by climbing, as they are from the root of the crate: in `sync::house`,
/// `super::super::store` is `store`. Inside the file's own inline modules this is one step too high, which allows less.
fn climbed(file: &str, line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("super::") {
        let before = &line[..at];
        if before.ends_with("::") || before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let steps = line[at..].split("super::").skip(1).take_while(|between| between.is_empty()).count() + 1;
        let rest = &line[at + steps * "super::".len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':' && c != '{').unwrap_or(rest.len());
        let mut path = module(file);
        path.truncate(path.len().saturating_sub(steps));
        path.push(rest[..end].trim_end_matches(':'));
        found.push(path.join("::"));
    }
    found
}

fn is_allowed(path: &str, allowed: &[&str]) -> bool {
    allowed
        .iter()
        .any(|allowed| path == *allowed || path.strip_prefix(allowed).is_some_and(|rest| rest.starts_with("::")))
}

fn complain(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "\n{rule}:\n{}\n", offences.join("\n"));
}

#[test]
fn modules_only_look_down() {
    let mut offences = Vec::new();
    for (part, allowed) in MAY_NAME {
        let own = part.trim_start_matches("src/").trim_end_matches(".rs");
        for (file, text) in files("src", &[".rs"]).iter().filter(|(file, _)| file.starts_with(part)) {
            for (at, line) in code(text) {
                let straight = named(line, "crate::").into_iter().map(str::to_owned);
                for path in straight.chain(climbed(file, line)) {
                    if path.starts_with('{') {
                        offences.push(format!("{file}:{at}: name modules one by one, not in braces"));
                    } else if !is_allowed(&path, &[own]) && !is_allowed(&path, allowed) {
                        offences.push(format!("{file}:{at}: {own} must not name crate::{path}"));
                    }
                }
            }
        }
    }
    complain("modules only look down", &offences);
}

#[test]
fn pages_know_the_engine_by_its_front_door() {
    let mut offences = Vec::new();
    for (part, allowed) in MAY_NAME_OF_ENGINE {
        for (file, text) in files("app", &[".rs"]).iter().filter(|(file, _)| file.starts_with(part)) {
            for (at, line) in code(text) {
                for path in named(line, "truecount::") {
                    if path.starts_with('{') || !is_allowed(path, allowed) {
                        offences.push(format!("{file}:{at}: must not name truecount::{path}"));
                    }
                }
            }
        }
    }
    complain("pages know the engine by its front door", &offences);
}

#[test]
fn some_words_belong_to_one_place() {
    let mut sources = files("src", &[".rs"]);
    sources.extend(files("app", &[".rs"]));
    let for_tests = test_modules(&sources);
    let mut offences = Vec::new();
    for (file, text) in sources.iter().filter(|(file, _)| !is_for_tests(file, &for_tests)) {
        for (at, line) in code(text) {
            for (word, homes, why) in ONLY_IN {
                if line.contains(word) && !homes.iter().any(|home| file.starts_with(home)) {
                    offences.push(format!("{file}:{at}: {word} ({why})"));
                }
            }
        }
    }
    complain("some words belong to one place", &offences);
}

#[test]
fn both_databases_take_the_same_steps() {
    let names = |folder: &str| -> BTreeSet<String> {
        files(folder, &[".sql"]).into_iter().map(|(name, _)| name.rsplit('/').next().unwrap().to_owned()).collect()
    };
    if !root().join("migrations").is_dir() {
        return;
    }
    let (sqlite, postgres) = (names("migrations/sqlite"), names("migrations/postgres"));
    assert_eq!(sqlite, postgres, "migrations/sqlite and migrations/postgres hold the same names");
    assert!(!sqlite.is_empty());
    let numbers: BTreeSet<&str> = sqlite.iter().filter_map(|name| name.split('_').next()).collect();
    assert_eq!(numbers.len(), sqlite.len(), "no number is used twice: {sqlite:?}");
}

#[test]
fn the_project_speaks_of_itself_alone() {
    // Put together here, so that this file does not hold what it looks for.
    let forbidden: Vec<String> = [
        "/wo|rk/",
        "/var/tm|p/",
        "/ro|ot/",
        "/ho|me/",
        "../sha|red",
        "C|laude",
        "Anth|ropic",
        "Chat|GPT",
        "Co|pilot",
        "language mo|del",
        "as an A|I",
        "TO|DO",
        "FIX|ME",
        "X|XX",
        "HA|CK:",
        "lorem ip|sum",
    ]
    .iter()
    .map(|word| word.replace('|', ""))
    .collect();
    // Where the recordings lie beside a checkout is something the script that runs in one has to say.
    let lawful = [".ci/run", "LICENSE"];
    let mut offences = Vec::new();
    for (file, text) in everything().iter().filter(|(file, _)| !lawful.contains(&file.as_str())) {
        for (at, line) in text.lines().enumerate() {
            for word in forbidden.iter().filter(|word| line.contains(word.as_str())) {
                offences.push(format!("{file}:{}: {word}", at + 1));
            }
        }
    }
    complain("the project speaks of itself alone, and leaves nothing half done", &offences);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let offences: Vec<String> = files(".", &[".rs", ".css", ".mjs"])
        .iter()
        .filter(|(_, text)| text.lines().count() > LONGEST_FILE_LINES)
        .map(|(file, text)| format!("{file}: {} lines", text.lines().count()))
        .collect();
    complain(&format!("no file is longer than {LONGEST_FILE_LINES} lines"), &offences);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let sources = files(".", &[".rs"]);
    let for_tests = test_modules(&sources);
    let offences: Vec<String> = sources
        .iter()
        .filter(|(file, text)| !text.trim_start().starts_with("//!") && !is_for_tests(file, &for_tests))
        .map(|(file, _)| file.clone())
        .collect();
    complain("every source file begins with what it is for (//!)", &offences);
}

#[test]
fn decisions_are_numbered() {
    let names: Vec<String> =
        files("docs/adr", &[".md"]).into_iter().map(|(name, _)| name.rsplit('/').next().unwrap().to_owned()).collect();
    let mut numbers = BTreeSet::new();
    for name in &names {
        let (number, title) = name.split_once('-').unwrap_or((name, ""));
        let right = number.len() == 4 && number.chars().all(|c| c.is_ascii_digit()) && !title.is_empty();
        assert!(right, "docs/adr/{name} is called NNNN-title.md");
        assert!(numbers.insert(number.to_owned()), "docs/adr/{name}: number {number} is used twice");
    }
    assert!(!names.is_empty());
}

#[test]
fn documents_name_files_that_exist() {
    let mut documents = files("docs", &[".md"]);
    documents.extend(
        ["README.md", "end2end/README.md"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), fs::read_to_string(root().join(name)).ok()?))),
    );
    let tops = [
        "src/",
        "app/",
        "tests/",
        "docs/",
        "style/",
        "public/",
        "migrations/",
        "end2end/",
        "xtask/",
        ".ci/",
        ".cargo/",
        "benches/",
    ];
    let mut offences = Vec::new();
    for (file, text) in &documents {
        for quoted in text.split('`').skip(1).step_by(2) {
            let looks_like_a_path = tops.iter().any(|top| quoted.starts_with(top));
            let plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if looks_like_a_path && plain && !root().join(quoted).exists() {
                offences.push(format!("{file}: `{quoted}` does not exist"));
            }
        }
    }
    complain("documents name files that exist", &offences);
}

/// Each problem that a page can show says in the runbook what it means and what to do.
#[test]
fn every_problem_has_its_section_in_the_runbook() {
    let source = fs::read_to_string(root().join("src/domain/problem.rs")).unwrap();
    let (_, words) = source.split_once("pub fn word(self) -> &'static str {").unwrap();
    let (words, _) = words.split_once("\n    }\n").unwrap();
    let kinds: BTreeSet<&str> = words.split('"').skip(1).step_by(2).collect();
    assert!(kinds.len() > 10, "{kinds:?}");
    let runbook = fs::read_to_string(root().join("docs/RUNBOOK.md")).unwrap();
    let told: BTreeSet<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("*Kind `")?.split_once('`'))
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(told, kinds, "docs/RUNBOOK.md has a section for each problem and for none that is gone");
}

/// What the README tells somebody to type exists.
#[test]
fn commands_of_the_readme_exist() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let readme = read("README.md");
    let after = |text: &str, lead: &str| -> BTreeSet<String> {
        let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
        text.split(lead).skip(1).map(word).filter(|word| !word.is_empty()).collect()
    };
    let tool: BTreeSet<String> = after(&read("xtask/src/main.rs"), "name: \"");
    let told = after(&readme, "cargo xtask ");
    assert_eq!(told, tool, "README.md names every command of cargo xtask, and none that is gone");

    let program = read("app/src/main.rs");
    let (_, commands) = program.split_once("enum Command {").unwrap();
    let (commands, _) = commands.split_once("\n}\n").unwrap();
    let commands: BTreeSet<String> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase())
        .filter(|name| name != "benchload")
        .collect();
    let (_, usage) = readme.split_once("```text\n").unwrap();
    let (usage, _) = usage.split_once("```").unwrap();
    assert_eq!(after(&format!("\n{usage}"), "\ntruecount "), commands, "README.md names every command of truecount");
}

/// What the README and the guide call an address leads somewhere.
#[test]
fn addresses_in_documents_are_registered() {
    let mut routes = BTreeSet::new();
    for (_, text) in files("app/src", &[".rs"]) {
        for begins in [".get(", ".post(", ".form(", ".route("] {
            for rest in text.split(begins).skip(1) {
                let address = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
                routes.extend(address.map(|(a, _)| a.to_owned()).filter(|a| a.starts_with('/')));
            }
        }
    }
    assert!(routes.len() > 15, "{routes:?}");
    let mut offences = Vec::new();
    for file in ["README.md", "docs/OPERATIONS.md", "docs/RUNBOOK.md", "docs/ARCHITECTURE.md"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let address = quoted
                .strip_prefix("PUBLIC_URL")
                .or_else(|| quoted.split_once(' ').map_or(Some(quoted), |(_, a)| Some(a)));
            let Some(address) = address.filter(|a| a.starts_with('/') && !a[1..].contains('.')) else { continue };
            let fits = |route: &String| {
                let (mut asked, mut known) = (address.split('/'), route.split('/'));
                asked.clone().count() == known.clone().count()
                    && asked.all(|part| known.next().is_some_and(|k| k == part || k.starts_with('{')))
            };
            if !routes.iter().any(fits) {
                offences.push(format!("{file}: `{quoted}` leads nowhere"));
            }
        }
    }
    complain("addresses in documents are registered", &offences);
}

/// Numbers of the attacks that this version has to stand, with both ends.
const ATTACKS: [(u32, u32); 3] = [(1, 37), (43, 55), (58, 59)];

#[test]
fn every_attack_has_its_test() {
    let text = fs::read_to_string(root().join("docs/ATTACKS.md")).unwrap();
    let tests: Vec<(String, String)> =
        ["src", "app", "tests"].iter().flat_map(|folder| files(folder, &[".rs"])).collect();
    // A test by its mark, so that no helper of that name passes for one.
    let is_test = |name: &str| {
        let begins = |line: &str| line.trim_start().trim_start_matches("async ").starts_with(&format!("fn {name}("));
        tests.iter().any(|(_, text)| {
            let lines: Vec<&str> = text.lines().collect();
            let marked =
                |at: usize| lines[..at].last().is_some_and(|line| line.contains("test") && line.contains("#["));
            lines.iter().enumerate().any(|(at, line)| begins(line) && marked(at))
        })
    };
    let mut numbers = BTreeSet::new();
    let mut offences = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| A")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, tried, happens, proof] = cells[..] else { panic!("four cells: {line}") };
        let number: u32 = number.trim_start_matches('A').parse().unwrap();
        assert!(numbers.insert(number), "A{number:02} stands twice");
        assert!(!tried.is_empty() && !happens.is_empty(), "A{number:02}");
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !happens.starts_with("not built yet: ") {
            offences.push(format!("A{number:02}: no test, and not said why"));
        }
        let missing = named.iter().filter(|name| !is_test(name));
        offences.extend(missing.map(|name| format!("A{number:02}: there is no test {name}")));
    }
    let all: BTreeSet<u32> = ATTACKS.iter().flat_map(|(from, to)| *from..=*to).collect();
    assert_eq!(numbers, all);
    complain("every attack has its test", &offences);
}

#[test]
fn colours_are_named_once() {
    let mut offences = Vec::new();
    for (file, text) in files("style", &[".css"]).iter().filter(|(file, _)| !file.ends_with("tokens.css")) {
        let text = without_css_comments(text);
        for (at, line) in text.lines().enumerate() {
            if let Some(colour) = colour(line) {
                offences.push(format!("{file}:{}: {colour} belongs into tokens.css", at + 1));
            }
        }
    }
    complain("colours are named once, in style/tokens.css", &offences);
}

/// The sheet with its comments blanked, lines kept.
fn without_css_comments(text: &str) -> String {
    let mut rest = text;
    let mut bare = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        let (comment, after) = after.split_once("*/").unwrap_or((after, ""));
        bare.extend(comment.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    bare + rest
}

/// A colour written out in a line of CSS.
fn colour(line: &str) -> Option<&str> {
    for word in ["rgb(", "rgba(", "hsl(", "hsla(", "oklch(", "oklab(", "lab(", "lch(", "hwb("] {
        if let Some(at) = line.find(word).filter(|at| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '-'))
        {
            return Some(&line[at..]);
        }
    }
    // Only in a value: `#name` before a brace is a selector.
    let value = line.split_once(':').filter(|_| !line.trim_end().ends_with('{')).map(|(_, value)| value)?;
    value.match_indices('#').map(|(at, _)| &value[at..]).find(|rest| {
        let digits = rest[1..].chars().take_while(char::is_ascii_hexdigit).count();
        let ends = rest[1..].chars().nth(digits).is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
        matches!(digits, 3 | 4 | 6 | 8) && ends
    })
}

#[test]
fn markup_carries_no_styles() {
    let sources = files("app", &[".rs"]);
    let for_tests = test_modules(&sources);
    let mut offences = Vec::new();
    for (file, text) in sources.iter().filter(|(file, _)| !is_for_tests(file, &for_tests)) {
        for (at, line) in code(text) {
            if line.contains(" style=") || line.contains(" style:") {
                offences.push(format!("{file}:{at}: a class instead; the policy blocks styles in attributes"));
            }
        }
    }
    complain("markup carries no styles", &offences);
}

#[test]
fn the_rules_see_what_they_look_for() {
    assert_eq!(named("use crate::store::db::Db; crate::clock::Clock", "crate::"), ["store::db::Db", "clock::Clock"]);
    assert!(named("my_crate::thing $crate::other", "crate::").is_empty());
    assert_eq!(named("use crate::{a, b};", "crate::"), ["{a"]);
    assert_eq!(module("src/sync/house.rs"), ["sync", "house"]);
    assert_eq!(module("src/sync/mod.rs"), ["sync"]);
    assert_eq!(module("src/sim/world_tests.rs"), ["sim", "world", "tests"]);
    assert_eq!(climbed("src/sync/house.rs", "use super::cx::Cx;"), ["sync::cx::Cx"]);
    assert_eq!(climbed("src/sync/house.rs", "use super::super::store::Db;"), ["store::Db"]);
    assert_eq!(climbed("src/sync/mod.rs", "pub(in super::sync) use super::operator::views;")[1], "operator::views");
    assert_eq!(climbed("src/sync/house.rs", "use super::super::{store, sim};"), ["{store"]);
    assert_eq!(climbed("src/sync/house.rs", "use super::{sweep, push};"), ["sync::{sweep"]);
    assert!(climbed("src/sync/house.rs", "my_super::thing pub(super) fn").is_empty());
    assert!(is_allowed("connectors::transport::Transport", &["connectors::transport"]));
    assert!(!is_allowed("connectors::transporter", &["connectors::transport"]));
    assert!(!is_allowed("connectors::centra", &["connectors::transport"]));
    let sources =
        [("a/mod.rs".to_owned(), "#[cfg(test)]\nmod hostile;\n#[cfg(test)]\nmod tests {\n let x = 1;\n}".to_owned())];
    assert_eq!(test_modules(&sources), BTreeSet::from(["hostile".to_owned()]));
    assert_eq!(colour("  color: #1a2b3c;"), Some("#1a2b3c;"));
    assert_eq!(colour("  background: oklch(50% 0 0);"), Some("oklch(50% 0 0);"));
    assert_eq!(colour("  color: var(--ink);"), None);
    assert_eq!(colour("#feed {"), None);
    assert_eq!(colour("  fill: url(#face-icon);"), None);
    assert_eq!(without_css_comments("a/* #fff\n */b"), "a\nb");
    assert_eq!(code("a\n// b\nc\n#[cfg(test)]\nmod tests {\nd").map(|(at, _)| at).collect::<Vec<_>>(), [1, 3]);
}
