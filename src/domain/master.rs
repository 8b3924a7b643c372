//! What a system is set up with, apart from goods: its ways to pay, taxes, stores, outlets and registers, in words that
//! every vendor's list can be told in.

use super::system::SystemSide;
use super::time::Timestamp;

/// A list of such things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MasterKind {
    /// Ways to pay: payment methods of a shop, payment types of a till.
    Payment,
    /// Taxes: rates or classes.
    Tax,
    /// Stores and pick-up points of a shop: store views, markets, places where customers collect.
    Store,
    /// Registers of a till.
    Register,
    /// Outlets of a till.
    Outlet,
}

impl MasterKind {
    /// The word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            MasterKind::Payment => "payment",
            MasterKind::Tax => "tax",
            MasterKind::Store => "store",
            MasterKind::Register => "register",
            MasterKind::Outlet => "outlet",
        }
    }

    /// From the word in the database.
    pub fn parse(word: &str) -> Option<MasterKind> {
        use MasterKind as K;
        [K::Payment, K::Tax, K::Store, K::Register, K::Outlet].into_iter().find(|kind| kind.word() == word)
    }

    /// The lists that are read of a side, in this order. Outlets are read more often, with the places.
    pub const fn read_of(side: SystemSide) -> &'static [MasterKind] {
        match side {
            SystemSide::Shop => &[MasterKind::Payment, MasterKind::Tax, MasterKind::Store],
            SystemSide::Till => &[MasterKind::Payment, MasterKind::Tax, MasterKind::Register],
        }
    }
}

/// A tax rate in millionths: a quarter is 250,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub i64);

impl Rate {
    /// "25 %", "8.875 %".
    pub fn text(self) -> String {
        let (whole, part) = (self.0 / 10_000, self.0.abs() % 10_000);
        let digits = format!("{part:04}");
        let digits = digits.trim_end_matches('0');
        let sign = if self.0 < 0 && whole == 0 { "-" } else { "" };
        if digits.is_empty() { format!("{sign}{whole}\u{a0}%") } else { format!("{sign}{whole}.{digits}\u{a0}%") }
    }
}

/// Whether it is used over there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// It is.
    Used,
    /// It was put away over there.
    Archived,
    /// The list of it no longer holds it.
    Gone,
}

impl Life {
    /// The word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Life::Used => "used",
            Life::Archived => "archived",
            Life::Gone => "gone",
        }
    }

    /// From the word in the database.
    pub fn parse(word: &str) -> Option<Life> {
        [Life::Used, Life::Archived, Life::Gone].into_iter().find(|life| life.word() == word)
    }
}

/// One row of such a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    /// The vendor's id or code.
    pub code: String,
    /// Its name; the code where it has none.
    pub name: String,
    /// What it belongs to: the outlet of a register by the vendor's id, or in words what a store of a shop is.
    pub within: String,
    /// The rate of a tax, where the vendor tells it.
    pub rate: Option<Rate>,
    /// Whether it is used.
    pub life: Life,
    /// On how many of the newest orders it was seen, where that is how we know of it.
    pub seen: i64,
}

impl Master {
    /// A row in use of which only this is known.
    pub fn new(code: impl Into<String>, name: impl Into<String>) -> Self {
        let (code, name) = (code.into(), name.into());
        let name = if name.trim().is_empty() { code.clone() } else { name };
        Self { code, name, within: String::new(), rate: None, life: Life::Used, seen: 0 }
    }

    /// The same, put away over there if so.
    pub fn archived(mut self, archived: bool) -> Self {
        self.life = if archived { Life::Archived } else { Life::Used };
        self
    }

    /// The same, as part of this.
    pub fn within(mut self, within: impl Into<String>) -> Self {
        self.within = within.into();
        self
    }
}

/// What a vendor tells of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// This vendor has no such list, or we do not read it yet: a value, not an error.
    Untold,
    /// Our key may not read it; the vendor's words.
    Refused(String),
    /// No address lists them; these were seen on the newest orders, and there may be others.
    Seen(Vec<Master>),
    /// All there are.
    Whole(Vec<Master>),
}

/// How much of a list we know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known {
    /// It has not been read yet.
    #[default]
    NotYet,
    /// As [`Told::Untold`].
    Untold,
    /// As [`Told::Refused`].
    Refused(String),
    /// As [`Told::Seen`].
    Seen,
    /// As [`Told::Whole`].
    Whole,
}

impl Known {
    /// Whether there are rows to speak of.
    pub fn is_read(&self) -> bool {
        matches!(self, Known::Seen | Known::Whole)
    }

    /// As it is stored: a word, and the vendor's words.
    pub fn stored(&self) -> (&'static str, &str) {
        match self {
            Known::NotYet => ("", ""),
            Known::Untold => ("untold", ""),
            Known::Refused(why) => ("refused", why),
            Known::Seen => ("seen", ""),
            Known::Whole => ("whole", ""),
        }
    }

    /// Reads what is stored.
    pub fn parse(word: &str, why: &str) -> Known {
        match word {
            "untold" => Known::Untold,
            "refused" => Known::Refused(why.to_owned()),
            "seen" => Known::Seen,
            "whole" => Known::Whole,
            _ => Known::NotYet,
        }
    }
}

impl From<&Told> for Known {
    fn from(told: &Told) -> Known {
        match told {
            Told::Untold => Known::Untold,
            Told::Refused(why) => Known::Refused(why.clone()),
            Told::Seen(_) => Known::Seen,
            Told::Whole(_) => Known::Whole,
        }
    }
}

/// A list as we keep it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// How much of it we know.
    pub known: Known,
    /// When it was read; zero when never.
    pub read_at: Timestamp,
    /// Its rows, those that are gone among them.
    pub rows: Vec<Master>,
}

impl List {
    /// The row of this code.
    pub fn row(&self, code: &str) -> Option<&Master> {
        self.rows.iter().find(|row| row.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_said_without_noughts_that_say_nothing() {
        for (rate, want) in [
            (0, "0\u{a0}%"),
            (200_000, "20\u{a0}%"),
            (88_750, "8.875\u{a0}%"),
            (1, "0.0001\u{a0}%"),
            (1_000_000, "100\u{a0}%"),
            (-5_000, "-0.5\u{a0}%"),
            (-15_000, "-1.5\u{a0}%"),
        ] {
            assert_eq!(Rate(rate).text(), want);
        }
    }

    #[test]
    fn words_round_trip_and_what_has_no_name_is_called_by_its_code() {
        for side in [SystemSide::Shop, SystemSide::Till] {
            for kind in MasterKind::read_of(side) {
                assert_eq!(MasterKind::parse(kind.word()), Some(*kind));
            }
        }
        for life in [Life::Used, Life::Archived, Life::Gone] {
            assert_eq!(Life::parse(life.word()), Some(life));
        }
        for known in [Known::NotYet, Known::Untold, Known::Refused("no".into()), Known::Seen, Known::Whole] {
            let (word, why) = known.stored();
            assert_eq!(Known::parse(word, why), known);
        }
        assert_eq!(Master::new("checkmo", "  ").name, "checkmo");
    }
}
