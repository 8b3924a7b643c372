//! The till as an account that numbers everything: ids in the order of birth, versions that are time stamps, prices
//! without tax.

use super::super::till::{PaymentType, TAX_PERCENT, Till};
use crate::domain::money::{Fine, Minor};
use crate::domain::time::{Span, Timestamp};

/// The steps of a numbered till's versions: one second.
pub(in crate::sim) const SECOND: i64 = 1_000_000;
/// How old the first counts of a numbered till are.
pub(in crate::sim) const OPENING: Span = Span::hours(1);

/// A price without the tax that it includes, in whole cents.
pub(in crate::sim) fn net_price(gross: Minor) -> Fine {
    Fine(Fine(gross.0 * 1_000 * 100 / (100 + TAX_PERCENT)).to_minor().0 * 1_000)
}

impl Till {
    /// In which order an id was born; without numbers the id that was drawn.
    pub fn sale_id(&self, drawn: String) -> String {
        if self.numbered { (self.sales.len() + 1).to_string() } else { drawn }
    }

    pub fn line_id(&mut self, drawn: String) -> String {
        self.lines += 1;
        if self.numbered { self.lines.to_string() } else { drawn }
    }

    pub fn payment_id(&mut self, drawn: String) -> String {
        self.payments += 1;
        if self.numbered { self.payments.to_string() } else { drawn }
    }

    /// The world's clock has moved.
    pub fn at(&mut self, now: Timestamp) {
        self.clock = now;
    }

    /// Of a numbered till: places are numbered too, and nobody is told anything.
    pub fn number_places(&mut self) {
        if !self.numbered {
            return;
        }
        self.hooks.clear();
        for (k, outlet) in self.outlets.iter_mut().enumerate() {
            outlet.id = (k + 1).to_string();
        }
        for (k, register) in self.registers.iter_mut().enumerate() {
            register.id = (k + 1).to_string();
        }
        for (name, type_id) in [("Credit Account", 4), ("eCom", 5)] {
            let version = self.next_version();
            self.payment_types.push(PaymentType { id: String::new(), name, type_id, version });
        }
        for (k, kind) in self.payment_types.iter_mut().enumerate() {
            kind.id = (k + 1).to_string();
        }
    }

    /// Versions as whoever reads the till can know them: of a numbered till only the second.
    pub fn told_versions(&self, steps: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let told = |version: i64| if self.numbered { version - version.rem_euclid(SECOND) } else { version };
        steps.iter().map(|(version, units)| (told(*version), *units)).collect()
    }
}
