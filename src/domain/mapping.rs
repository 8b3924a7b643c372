//! Who is whose twin: ways to pay, taxes and stores of a shop beside payment types, taxes and registers of a till.
//!
//! A person decides. What we do is to find the obvious twin and show it, and to say what cannot be taken over as it
//! stands: an *exception* is something seen in the shop that has no twin, that could have several, or whose twin is no
//! longer used. Nothing is ever guessed by amounts.

use super::master::{Known, Life, List, Master, MasterKind};
use super::words::capital;
use std::collections::BTreeMap;

/// What is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Payment method of the shop → payment type of the till.
    Payments,
    /// Tax rate or class of the shop → tax of the till.
    Taxes,
    /// Store or pick-up point of the shop → register of the till, and with it its outlet.
    Registers,
    /// Where returned units go → outlet of the till.
    Returns,
}

/// The one thing of the shop that [`Topic::Returns`] is about.
pub const RETURNED_UNITS: &str = "returned";

impl Topic {
    /// All of them, in the order of the page.
    pub const ALL: [Topic; 4] = [Topic::Payments, Topic::Taxes, Topic::Registers, Topic::Returns];

    /// The word in the database and in forms.
    pub const fn word(self) -> &'static str {
        match self {
            Topic::Payments => "payments",
            Topic::Taxes => "taxes",
            Topic::Registers => "registers",
            Topic::Returns => "returns",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.word() == word)
    }

    /// What of the shop; none where it is not one of the shop's lists.
    pub const fn of_shop(self) -> Option<MasterKind> {
        match self {
            Topic::Payments => Some(MasterKind::Payment),
            Topic::Taxes => Some(MasterKind::Tax),
            Topic::Registers => Some(MasterKind::Store),
            Topic::Returns => None,
        }
    }

    /// What of the till.
    pub const fn of_till(self) -> MasterKind {
        match self {
            Topic::Payments => MasterKind::Payment,
            Topic::Taxes => MasterKind::Tax,
            Topic::Registers => MasterKind::Register,
            Topic::Returns => MasterKind::Outlet,
        }
    }

    /// One of it in the shop, and several.
    pub const fn in_shop(self) -> [&'static str; 2] {
        match self {
            Topic::Payments => ["payment method", "payment methods"],
            Topic::Taxes => ["tax", "taxes"],
            Topic::Registers => ["store or pick-up point", "stores or pick-up points"],
            Topic::Returns => ["returns place", "returns places"],
        }
    }

    /// One of it at the till, and several.
    pub const fn at_till(self) -> [&'static str; 2] {
        match self {
            Topic::Payments => ["payment type", "payment types"],
            Topic::Taxes => ["tax", "taxes"],
            Topic::Registers => ["register", "registers"],
            Topic::Returns => ["outlet", "outlets"],
        }
    }

    /// Whose daily work hangs on it.
    pub const fn team(self) -> &'static str {
        match self {
            Topic::Payments | Topic::Taxes => "finance",
            Topic::Registers | Topic::Returns => "operations",
        }
    }
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Choice {
    /// Nothing yet.
    #[default]
    Open,
    /// That it is left out on purpose.
    LeftOut,
    /// That this is its twin: a code of the till.
    Twin(String),
}

impl Choice {
    /// As it is stored and sent in forms.
    pub fn text(&self) -> String {
        match self {
            Choice::Open => String::new(),
            Choice::LeftOut => "none".to_owned(),
            Choice::Twin(code) => format!("to:{code}"),
        }
    }

    /// Reads it; `None` when it is no choice.
    pub fn parse(text: &str) -> Option<Choice> {
        match text {
            "" => Some(Choice::Open),
            "none" => Some(Choice::LeftOut),
            other => {
                other.strip_prefix("to:").filter(|code| !code.is_empty()).map(|code| Choice::Twin(code.to_owned()))
            }
        }
    }
}

/// How something of the shop stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its twin is used no longer, or is not in the till's list any more.
    TwinPutAway,
    /// Nothing was decided, and several could be it: their codes.
    Several(Vec<String>),
    /// Nothing was decided; this one is called or taxed the same.
    Obvious(String),
    /// Nothing was decided, and none looks like it.
    Alone,
    /// Nothing was decided, and the till's list is not known.
    Unknown,
    /// It has a twin.
    Linked,
    /// It is left out on purpose, or needs none.
    Fine,
    /// It is not used in the shop any more.
    PutAway,
}

impl Standing {
    /// Whether it needs a person.
    pub fn is_exception(&self) -> bool {
        matches!(self, Standing::TwinPutAway | Standing::Several(_) | Standing::Obvious(_) | Standing::Alone)
    }

    /// The order of the page: what needs a person first.
    fn rank(&self) -> u8 {
        match self {
            Standing::TwinPutAway => 0,
            Standing::Several(_) => 1,
            Standing::Alone => 2,
            Standing::Obvious(_) => 3,
            Standing::Unknown => 4,
            Standing::Linked => 5,
            Standing::Fine => 6,
            Standing::PutAway => 7,
        }
    }
}

/// Something of the shop with what was decided, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What of the shop.
    pub web: Master,
    /// What was decided.
    pub choice: Choice,
    /// How it stands.
    pub standing: Standing,
}

/// Letter case and spaces apart.
fn plain(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Codes of the till that are obviously the same as this of the shop, used ones only. `outlets` gives the registers'
/// outlets their names.
fn candidates(topic: Topic, web: &Master, till: &List, outlets: &List) -> Vec<String> {
    if topic == Topic::Returns {
        return Vec::new();
    }
    let names = [plain(&web.name), plain(&web.code)];
    let called = |name: &str| names.contains(&plain(name));
    let contradicts = |row: &Master| web.rate.is_some() && row.rate.is_some() && web.rate != row.rate;
    let used: Vec<&Master> = till.rows.iter().filter(|row| row.life == Life::Used && !contradicts(row)).collect();
    let codes = |same: &dyn Fn(&Master) -> bool| -> Vec<String> {
        used.iter().filter(|row| same(row)).map(|row| row.code.clone()).collect()
    };
    let by_name = |row: &Master| called(&row.name);
    let by_rate = |row: &Master| web.rate.is_some() && web.rate == row.rate;
    // The surest first; what is less sure is looked at only where nothing surer is found.
    let both = codes(&|row| by_name(row) && by_rate(row));
    let found = if both.is_empty() { codes(&|row| by_name(row) || by_rate(row)) } else { both };
    if !found.is_empty() || topic != Topic::Registers {
        return found;
    }
    codes(&|row| outlets.row(&row.within).is_some_and(|outlet| called(&outlet.name)))
}

fn standing(topic: Topic, web: &Master, choice: &Choice, till: &List, outlets: &List) -> Standing {
    if web.life != Life::Used {
        return Standing::PutAway;
    }
    match choice {
        Choice::LeftOut => Standing::Fine,
        // Of a list that cannot be read now nothing is said.
        Choice::Twin(_) if !till.known.is_read() => Standing::Linked,
        Choice::Twin(code) => match till.row(code) {
            Some(row) if row.life == Life::Used => Standing::Linked,
            // What is known from orders alone is not put away because it is not on the newest.
            None if till.known == Known::Seen => Standing::Linked,
            _ => Standing::TwinPutAway,
        },
        Choice::Open if topic == Topic::Returns => Standing::Fine,
        Choice::Open if !till.known.is_read() => Standing::Unknown,
        Choice::Open => {
            let mut found = candidates(topic, web, till, outlets);
            match found.len() {
                0 => Standing::Alone,
                1 => found.pop().map_or(Standing::Alone, Standing::Obvious),
                _ => Standing::Several(found),
            }
        }
    }
}

/// Everything of the shop that this is about, what needs a person first. `outlets` are the till's.
pub fn lines(topic: Topic, web: &List, till: &List, outlets: &List, choices: &BTreeMap<String, Choice>) -> Vec<Line> {
    let mut lines: Vec<Line> = web
        .rows
        .iter()
        .map(|row| {
            let choice = choices.get(&row.code).cloned().unwrap_or_default();
            let standing = standing(topic, row, &choice, till, outlets);
            Line { web: row.clone(), choice, standing }
        })
        // What is put away and was never decided is nobody's concern.
        .filter(|line| line.standing != Standing::PutAway || line.choice != Choice::Open)
        .collect();
    lines.sort_by(|a, b| {
        (a.standing.rank(), -a.web.seen, plain(&a.web.name), &a.web.code).cmp(&(
            b.standing.rank(),
            -b.web.seen,
            plain(&b.web.name),
            &b.web.code,
        ))
    });
    lines
}

/// The list of the shop that [`Topic::Returns`] is about: one row, always there.
pub fn returned_units() -> List {
    let mut list = List { known: Known::Whole, ..List::default() };
    list.rows.push(Master::new(RETURNED_UNITS, "Returned units"));
    list
}

/// A name of the till's row as people choose it: a register with its outlet, a tax with its rate.
pub fn label(topic: Topic, row: &Master, outlets: &List) -> String {
    let name = match topic {
        Topic::Registers => match outlets.row(&row.within) {
            Some(outlet) => format!("{} › {}", outlet.name, row.name),
            None => row.name.clone(),
        },
        Topic::Taxes => match row.rate {
            Some(rate) if !row.name.replace('\u{a0}', " ").contains(&rate.text().replace('\u{a0}', " ")) => {
                format!("{}, {}", row.name, rate.text())
            }
            _ => row.name.clone(),
        },
        Topic::Payments | Topic::Returns => row.name.clone(),
    };
    match row.life {
        Life::Used => name,
        Life::Archived => format!("{name} (archived over there)"),
        Life::Gone => format!("{name} (no longer there)"),
    }
}

/// What was decided, in words: `label` of its code, or what is said instead.
pub fn in_words(topic: Topic, choice: &Choice, till: &List, outlets: &List) -> String {
    match choice {
        Choice::Open if topic == Topic::Returns => "On hold at the outlet that took them".to_owned(),
        Choice::Open => "Not decided".to_owned(),
        Choice::LeftOut => "Left out on purpose".to_owned(),
        Choice::Twin(code) => till.row(code).map_or_else(
            || format!("{} {code}, no longer there", capital(topic.at_till()[0])),
            |row| label(topic, row, outlets),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::master::Rate;
    use super::*;

    fn whole(rows: Vec<Master>) -> List {
        List { known: Known::Whole, rows, ..List::default() }
    }

    fn tax(code: &str, name: &str, rate: Option<i64>) -> Master {
        Master { rate: rate.map(Rate), ..Master::new(code, name) }
    }

    fn how(topic: Topic, web: Master, till: List, choice: Choice) -> Standing {
        let code = web.code.clone();
        let choices = BTreeMap::from([(code, choice)]);
        let lines = lines(topic, &whole(vec![web]), &till, &List::default(), &choices);
        lines.into_iter().next().expect("a line").standing
    }

    #[test]
    fn only_what_is_obviously_the_same_is_suggested() {
        let cards = || {
            whole(vec![
                Master::new("1", "Cash"),
                Master::new("2", "Credit  Card"),
                Master::new("3", "Gift Card").archived(true),
                Master::new("4", "Store Credit"),
                Master::new("5", "store credit"),
            ])
        };
        for (name, want) in [
            ("credit card", Standing::Obvious("2".into())),
            (" CREDIT CARD ", Standing::Obvious("2".into())),
            ("Credit", Standing::Alone),
            ("Gift Card", Standing::Alone),
            ("Store credit", Standing::Several(vec!["4".into(), "5".into()])),
        ] {
            assert_eq!(how(Topic::Payments, Master::new("x", name), cards(), Choice::Open), want, "{name}");
        }
        let by_code = how(Topic::Payments, Master::new("cash", "Pay at the counter"), cards(), Choice::Open);
        assert_eq!(by_code, Standing::Obvious("1".into()), "its code counts as a name");
    }

    #[test]
    fn a_tax_is_known_by_its_rate_and_never_against_it() {
        let taxes = || whole(vec![tax("1", "Standard", Some(200_000)), tax("2", "Reduced", Some(50_000))]);
        let twice = || whole(vec![tax("1", "A", Some(0)), tax("2", "B", Some(0)), tax("3", "Zero", Some(0))]);
        for (web, till, want) in [
            (tax("x", "VAT 20", Some(200_000)), taxes(), Standing::Obvious("1".into())),
            (tax("x", "Reduced", Some(200_000)), taxes(), Standing::Obvious("1".into())),
            (tax("x", "Reduced", None), taxes(), Standing::Obvious("2".into())),
            (tax("x", "Standard", Some(190_000)), taxes(), Standing::Alone),
            (tax("x", "zero", Some(0)), twice(), Standing::Obvious("3".into())),
            (tax("x", "Nothing", Some(0)), twice(), Standing::Several(vec!["1".into(), "2".into(), "3".into()])),
        ] {
            assert_eq!(how(Topic::Taxes, web.clone(), till, Choice::Open), want, "{web:?}");
        }
    }

    #[test]
    fn a_pick_up_point_is_known_by_the_outlet_of_the_only_register_there() {
        let outlets = whole(vec![Master::new("7", "Soho"), Master::new("8", "Leeds")]);
        let registers = whole(vec![
            Master::new("1", "Counter").within("7"),
            Master::new("2", "Left").within("8"),
            Master::new("3", "Right").within("8"),
        ]);
        let web = whole(vec![Master::new("a", "soho"), Master::new("b", "Leeds"), Master::new("c", "Right")]);
        let lines = lines(Topic::Registers, &web, &registers, &outlets, &BTreeMap::new());
        let found: Vec<_> = lines.iter().map(|line| (line.web.code.as_str(), line.standing.clone())).collect();
        assert_eq!(
            found,
            [
                ("b", Standing::Several(vec!["2".into(), "3".into()])),
                ("c", Standing::Obvious("3".into())),
                ("a", Standing::Obvious("1".into())),
            ]
        );
        assert_eq!(label(Topic::Registers, registers.row("2").expect("it"), &outlets), "Leeds › Left");
    }

    #[test]
    fn what_was_decided_stands_until_its_twin_is_put_away() {
        let to = |code: &str| Choice::Twin(code.to_owned());
        let till = || whole(vec![Master::new("1", "Cash"), Master::new("2", "Old").archived(true)]);
        let web = || Master::new("x", "Card");
        for (choice, want) in [
            (to("1"), Standing::Linked),
            (to("2"), Standing::TwinPutAway),
            (to("9"), Standing::TwinPutAway),
            (Choice::LeftOut, Standing::Fine),
        ] {
            assert_eq!(how(Topic::Payments, web(), till(), choice.clone()), want, "{choice:?}");
        }
        for known in [Known::NotYet, Known::Untold, Known::Refused("no".into())] {
            let unread = || List { known: known.clone(), ..List::default() };
            assert_eq!(how(Topic::Payments, web(), unread(), to("1")), Standing::Linked, "{known:?}");
            assert_eq!(how(Topic::Payments, web(), unread(), Choice::Open), Standing::Unknown, "{known:?}");
        }
        let seen = List { known: Known::Seen, ..till() };
        assert_eq!(how(Topic::Payments, web(), seen, to("9")), Standing::Linked, "it may be on older orders");
    }

    #[test]
    fn what_is_put_away_in_the_shop_needs_no_twin() {
        let gone = || Master { life: Life::Gone, ..Master::new("x", "Card") };
        let web = whole(vec![gone()]);
        assert!(lines(Topic::Payments, &web, &whole(Vec::new()), &List::default(), &BTreeMap::new()).is_empty());
        let decided = how(Topic::Payments, gone(), whole(Vec::new()), Choice::Twin("1".into()));
        assert_eq!(decided, Standing::PutAway);
        assert!(!decided.is_exception());
    }

    #[test]
    fn returned_units_stay_on_hold_where_they_are_until_somebody_says_otherwise() {
        let outlets = whole(vec![Master::new("7", "Soho"), Master::new("8", "Closed").archived(true)]);
        let of = |choice: Choice| {
            let choices = BTreeMap::from([(RETURNED_UNITS.to_owned(), choice)]);
            lines(Topic::Returns, &returned_units(), &outlets, &outlets, &choices).remove(0).standing
        };
        assert_eq!(of(Choice::Open), Standing::Fine);
        assert_eq!(of(Choice::Twin("7".into())), Standing::Linked);
        assert_eq!(of(Choice::Twin("8".into())), Standing::TwinPutAway);
    }

    #[test]
    fn choices_and_topics_round_trip_and_nothing_else_is_one() {
        for choice in [Choice::Open, Choice::LeftOut, Choice::Twin("to:7".into())] {
            assert_eq!(Choice::parse(&choice.text()), Some(choice));
        }
        for nonsense in ["to:", "7", "None", " "] {
            assert_eq!(Choice::parse(nonsense), None, "{nonsense:?}");
        }
        for topic in Topic::ALL {
            assert_eq!(Topic::parse(topic.word()), Some(topic));
        }
    }

    #[test]
    fn a_rate_that_the_name_says_already_is_not_said_again() {
        let list = List::default();
        assert_eq!(label(Topic::Taxes, &tax("1", "GST", Some(150_000)), &list), "GST, 15\u{a0}%");
        assert_eq!(label(Topic::Taxes, &tax("1", "VAT 20 %", Some(200_000)), &list), "VAT 20 %");
        let words = in_words(Topic::Payments, &Choice::Twin("9".into()), &list, &list);
        assert_eq!(words, "Payment type 9, no longer there");
    }
}
