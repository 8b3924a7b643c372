//! Money with its currency.

use truecount::domain::money::Minor;

/// "£89.00", "1,220.00 SEK": always with both decimals, so that amounts under each other can be compared.
pub fn exact(amount: Minor, currency: &str) -> String {
    with_currency(&amount.display(), currency)
}

/// "1220.00", "-0.05": for files that programs read.
pub fn bare(amount: Minor) -> String {
    let (sign, cents) = (if amount.0 < 0 { "-" } else { "" }, amount.0.unsigned_abs());
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

fn with_currency(text: &str, currency: &str) -> String {
    let symbol = match currency {
        "GBP" => "£",
        "EUR" => "€",
        "USD" => "$",
        other => return format!("{text}\u{a0}{other}"),
    };
    match text.strip_prefix('−') {
        Some(rest) => format!("−{symbol}{rest}"),
        None => format!("{symbol}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_never_rounded_and_always_says_its_currency() {
        for (minor, currency, want) in [
            (8_900, "GBP", "£89.00"),
            (122_000, "GBP", "£1,220.00"),
            (1_240, "EUR", "€12.40"),
            (-5, "USD", "−$0.05"),
            (122_000, "SEK", "1,220.00\u{a0}SEK"),
        ] {
            assert_eq!(exact(Minor(minor), currency), want);
        }
        for (minor, want) in [(122_000, "1220.00"), (-5, "-0.05"), (0, "0.00")] {
            assert_eq!(bare(Minor(minor)), want);
        }
    }
}
