//! Which rehearsals a soak is made of, and which of them are still to be run.

use super::results::Ended;

/// One rehearsal: the words for `truecount rehearse`. The same words are the same rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What it starts from.
    pub seed: u64,
    /// Everything else, as it is typed.
    pub words: Vec<String>,
}

impl Run {
    /// What it is found again by.
    pub fn name(&self) -> String {
        format!("--seed {} {}", self.seed, self.words.join(" "))
    }
}

/// Faults of a day of trade: notices lost, doubled and late, and a shop that is busy.
const MIXED: &str = "F01,F02,F03,F05";
const MIXED_SEEDS: u64 = 20;

/// The same faults alone, where a broken one cannot hide behind another.
const ALONE: [&str; 4] = ["F01", "F02", "F03", "F05"];
const ALONE_SEEDS: u64 = 5;

/// Names of the soaks that are made of rehearsals.
pub const NAMES: [&str; 4] = ["sale", "day", "week", "month"];

/// The rehearsals of a soak; none when there is no soak of that name. `more` goes to each of them.
pub fn plan(name: &str, first_seed: u64, more: &[String]) -> Option<Vec<Run>> {
    let run = |seed: u64, words: &str| Run {
        seed: first_seed.saturating_add(seed),
        words: words.split_whitespace().map(str::to_owned).chain(more.iter().cloned()).collect(),
    };
    let sale = |faults: &str| format!("--skus 500 --hours 24 --faults {faults}");
    let runs = match name {
        "sale" => {
            let mixed = (0..MIXED_SEEDS).map(|seed| run(seed, &sale(MIXED)));
            let alone = ALONE.iter().flat_map(|fault| (0..ALONE_SEEDS).map(|seed| run(seed, &sale(fault))));
            mixed.chain(alone).collect()
        }
        "day" => vec![run(0, "--skus 5000 --stores 4 --hours 24")],
        "week" => vec![run(0, "--skus 2000 --stores 4 --hours 168")],
        "month" => vec![run(0, "--skus 500 --stores 2 --hours 720")],
        _ => return None,
    };
    Some(runs)
}

/// What has no result yet, in order.
pub fn left(plan: &[Run], ended: &[Ended]) -> Vec<Run> {
    plan.iter().filter(|run| !ended.iter().any(|ended| ended.run == run.name())).cloned().collect()
}

/// The first seed of a version: the same version always begins with the same one, so that a soak can go on where it
/// was left.
pub fn seed_of(commit: &str) -> u64 {
    commit.get(..6).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_sale_is_twenty_mixed_seeds_and_each_fault_alone() {
        let runs = plan("sale", 100, &[]).expect("there is one");
        let mixed = runs.iter().filter(|run| run.words.contains(&MIXED.to_owned()));
        assert_eq!(mixed.map(|run| run.seed).collect::<Vec<_>>(), (100..120).collect::<Vec<_>>());
        for fault in ALONE {
            let seeds = runs.iter().filter(|run| run.words.contains(&fault.to_owned())).count();
            assert_eq!(seeds, 5, "{fault}");
        }
        let names: BTreeSet<String> = runs.iter().map(Run::name).collect();
        assert_eq!(names.len(), runs.len(), "no two are the same rehearsal");
        assert!(names.contains("--seed 119 --skus 500 --hours 24 --faults F01,F02,F03,F05"), "{names:?}");
    }

    #[test]
    fn every_name_has_a_plan_and_words_of_ones_own_reach_each() {
        for name in NAMES {
            let runs = plan(name, u64::MAX, &["--dirt".into(), "9".into()]).expect(name);
            assert!(!runs.is_empty() && runs.iter().all(|run| run.name().ends_with("--dirt 9")), "{name}");
        }
        assert_eq!(plan("kills", 1, &[]), None);
    }

    #[test]
    fn only_what_has_no_result_is_left_and_another_seed_has_none() {
        let runs = plan("sale", 1, &[]).expect("there is one");
        let ended: Vec<Ended> = runs.iter().take(3).map(|run| Ended::of(run, 0)).collect();
        assert_eq!(left(&runs, &ended), runs.get(3..).expect("more than three"));
        assert_eq!(left(&plan("sale", 500, &[]).expect("there is one"), &ended).len(), runs.len());
    }

    #[test]
    fn a_version_begins_with_a_seed_of_its_own() {
        assert_eq!(seed_of("f98234a0"), 0x00f9_8234);
        assert_eq!(seed_of(""), 1);
        assert_eq!(seed_of("unversioned"), 1);
    }
}
