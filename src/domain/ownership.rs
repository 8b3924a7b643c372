//! Who owns what: for each pair of a shop and a till, which side is right about each part of an item.
//!
//! Counts and orders are not asked about. On hand is the till's: that is the rule the house is built on. Orders are the
//! shop's, where they are made.

use super::system::SystemSide;
use std::collections::BTreeMap;

/// A part of an item that either side may own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Which items there are.
    Products,
    /// What they are called.
    Names,
    /// What they cost.
    Prices,
    /// How they are taxed.
    TaxClass,
    /// Their pictures.
    Images,
    /// Whether they are still sold.
    Archived,
}

impl Part {
    /// All of them, in the order of the page.
    pub const ALL: [Part; 6] =
        [Part::Products, Part::Names, Part::Prices, Part::TaxClass, Part::Images, Part::Archived];

    /// The word in the database and in forms.
    pub const fn word(self) -> &'static str {
        match self {
            Part::Products => "products",
            Part::Names => "names",
            Part::Prices => "prices",
            Part::TaxClass => "tax-class",
            Part::Images => "images",
            Part::Archived => "archived",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.word() == word)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Products => "New items",
            Part::Names => "Names",
            Part::Prices => "Prices",
            Part::TaxClass => "Tax class",
            Part::Images => "Pictures",
            Part::Archived => "Archived or on sale",
        }
    }

    /// Who owns it until somebody says otherwise. New items, names, prices and pictures are made for the web, where
    /// customers read them; what the till charges as tax is what is declared, and what it has put away nobody can sell.
    pub const fn by_default(self) -> SystemSide {
        match self {
            Part::Products | Part::Names | Part::Prices | Part::Images => SystemSide::Shop,
            Part::TaxClass | Part::Archived => SystemSide::Till,
        }
    }
}

/// What was decided for one pair; what was not has its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners(BTreeMap<Part, SystemSide>);

impl Owners {
    /// With what was decided.
    pub fn new(decided: impl IntoIterator<Item = (Part, SystemSide)>) -> Self {
        Self(decided.into_iter().collect())
    }

    /// Who owns it.
    pub fn of(&self, part: Part) -> SystemSide {
        self.0.get(&part).copied().unwrap_or(part.by_default())
    }

    /// Whether nobody has decided it.
    pub fn is_default(&self, part: Part) -> bool {
        !self.0.contains_key(&part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_decided_has_its_default() {
        let (shop, till) = (SystemSide::Shop, SystemSide::Till);
        let owners = Owners::new([(Part::Prices, till)]);
        let said: Vec<_> = Part::ALL.into_iter().map(|part| (owners.of(part), owners.is_default(part))).collect();
        assert_eq!(said, [(shop, true), (shop, true), (till, false), (till, true), (shop, true), (till, true)]);
        for part in Part::ALL {
            assert_eq!(Part::parse(part.word()), Some(part));
        }
    }
}
