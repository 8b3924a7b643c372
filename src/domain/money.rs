//! Money without floats.
//!
//! Line amounts are whole 1/100,000 of the currency unit ([`Fine`]), because vendors send five decimals and
//! half cents; tenders and document totals are minor units ([`Minor`]). Rounding happens once per document
//! and stands as a line of its own. The vendor's own text is kept beside the number.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// 1/100,000 of a currency unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fine(pub i64);

/// Minor units (cents) of a currency with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minor(pub i64);

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number at all.
    #[error("“{0}” is not an amount")]
    NotANumber(String),
    /// More decimals than five, which no vendor of ours sends.
    #[error("“{0}” has more than five decimals")]
    TooFine(String),
    /// Larger than we can hold.
    #[error("“{0}” is too large")]
    TooLarge(String),
}

impl Fine {
    /// Zero.
    pub const ZERO: Fine = Fine(0);

    /// Reads a vendor's decimal text ("269.90000", "2.63158", "30"). Refuses what would have to be rounded.
    pub fn parse(text: &str) -> Result<Fine, MoneyError> {
        let decimal = parse_decimal(text)?;
        let scaled = decimal.checked_mul(Decimal::from(100_000)).ok_or_else(|| MoneyError::TooLarge(clip(text)))?;
        if !scaled.fract().is_zero() {
            return Err(MoneyError::TooFine(clip(text)));
        }
        scaled.to_i64().map(Fine).ok_or_else(|| MoneyError::TooLarge(clip(text)))
    }

    /// To minor units, half away from zero: the one rounding of a document.
    pub fn to_minor(self) -> Minor {
        let sign = self.0.signum();
        Minor(sign * ((self.0.abs() + 500) / 1_000))
    }

    /// The amount times a whole number of units.
    pub fn times(self, units: i64) -> Option<Fine> {
        self.0.checked_mul(units).map(Fine)
    }
}

impl Minor {
    /// Zero.
    pub const ZERO: Minor = Minor(0);

    /// Reads a decimal text with at most two significant decimals.
    pub fn parse(text: &str) -> Result<Minor, MoneyError> {
        let fine = Fine::parse(text)?;
        if fine.0 % 1_000 != 0 {
            return Err(MoneyError::TooFine(clip(text)));
        }
        Ok(Minor(fine.0 / 1_000))
    }

    /// "1,234.50", with a real minus sign; the currency is added where the page knows it.
    pub fn display(self) -> String {
        let sign = if self.0 < 0 { "−" } else { "" };
        let abs = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", group(abs / 100), abs % 100)
    }
}

/// Groups thousands with commas.
pub fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn parse_decimal(text: &str) -> Result<Decimal, MoneyError> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > 40 {
        return Err(MoneyError::NotANumber(clip(text)));
    }
    trimmed
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(trimmed))
        .map_err(|_| MoneyError::NotANumber(clip(text)))
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_texts_become_exact_amounts() {
        for (text, want) in [
            ("269.90000", 26_990_000),
            ("2.63158", 263_158),
            ("30", 3_000_000),
            ("-288.96", -28_896_000),
            ("0.00500", 500),
            (" 4.5 ", 450_000),
            ("1e2", 10_000_000),
        ] {
            assert_eq!(Fine::parse(text), Ok(Fine(want)), "{text}");
        }
    }

    #[test]
    fn what_would_have_to_be_rounded_or_is_no_number_is_refused() {
        assert!(matches!(Fine::parse("1.000001"), Err(MoneyError::TooFine(_))));
        for text in ["", "NaN", "1e999", "abc", "12,50", "--1"] {
            assert!(Fine::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Fine::parse("99999999999999999"), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn half_cents_round_away_from_zero_once() {
        assert_eq!(Fine(500).to_minor(), Minor(1));
        assert_eq!(Fine(-500).to_minor(), Minor(-1));
        assert_eq!(Fine(499).to_minor(), Minor(0));
    }

    #[test]
    fn amounts_read_well() {
        assert_eq!(Minor(123_456_789).display(), "1,234,567.89");
        assert_eq!(Minor(-5).display(), "−0.05");
    }
}
