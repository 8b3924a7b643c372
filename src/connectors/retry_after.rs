//! When a vendor allows the next call: one reader for the forms of `Retry-After` met in the wild.
//!
//! One vendor sends a moment (epoch seconds or a date) where another sends an HTTP date and a third a number of
//! seconds. Taking a moment for a delay sleeps for decades; taking it for zero hammers. So: a whole number above
//! [`EPOCH_FROM`] is a moment, a smaller one is a delay, everything else is read as a date. What cannot be read is
//! `None`, never "now": the caller then backs off on its own.

use crate::domain::time::{Span, Timestamp};

/// Whole numbers above this are seconds since 1970 (it stands for September 2001; nobody asks for a pause of
/// thirty years).
pub const EPOCH_FROM: i64 = 1_000_000_000;

/// The longest pause obeyed. A vendor's longest window is an hour and a day covers a zone mistake; anything beyond
/// is a broken clock or a unit mix-up, and would silence a connection until somebody notices.
pub const PAUSE_MAX: Span = Span::hours(24);

/// The shortest pause: a moment that has already passed must not turn into a tight loop.
pub const PAUSE_MIN: Span = Span::secs(1);

/// The first moment at which calling is allowed again, or `None` when the text cannot be read.
pub fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let until = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        match text.parse::<i64>() {
            Ok(n) if n > EPOCH_FROM => Timestamp::from_secs(n),
            Ok(n) => now + Span(n.saturating_mul(1_000_000)),
            Err(_) => now + PAUSE_MAX,
        }
    } else {
        date(text)?
    };
    Some(until.clamp(now + PAUSE_MIN, now + PAUSE_MAX))
}

fn date(text: &str) -> Option<Timestamp> {
    let zoned = chrono::DateTime::parse_from_rfc2822(text)
        .or_else(|_| chrono::DateTime::parse_from_rfc3339(text))
        .or_else(|_| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"));
    if let Ok(at) = zoned {
        return Some(at.to_utc().into());
    }
    // Without a zone a moment is UTC; HTTP's two older date forms always are.
    for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"] {
        if let Ok(at) = chrono::NaiveDateTime::parse_from_str(text, form) {
            return Some(at.and_utc().into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-02-02T09:15:00Z
    const NOW: Timestamp = Timestamp::from_secs(1_770_023_700);

    #[test]
    fn every_form_is_read_as_what_it_is() {
        for (text, seconds_from_now) in [
            ("5", 5),
            (" 30 ", 30),
            ("1770023705", 5),
            ("Mon, 02 Feb 2026 09:15:05 GMT", 5),
            ("Mon, 02 Feb 2026 09:15:05 +0000", 5),
            ("2026-02-02T09:15:05Z", 5),
            ("2026-02-02T10:15:05+01:00", 5),
            ("2026-02-02T10:15:05+0100", 5),
            ("2026-02-02 09:15:05", 5),
            ("Monday, 02-Feb-26 09:15:05 GMT", 5),
            ("Mon Feb  2 09:15:05 2026", 5),
            // Passed already, or zero: a short pause, never a tight loop.
            ("0", 1),
            ("1770023000", 1),
            ("Mon, 02 Feb 2026 09:00:00 GMT", 1),
            // An hour and a day are obeyed; a year is a mistake.
            ("3600", 3_600),
            ("1770110100", 86_400),
            ("1801559700", 86_400),
            ("999999999", 86_400),
            ("99999999999999999999999", 86_400),
        ] {
            assert_eq!(parse(text, NOW), Some(NOW + Span::secs(seconds_from_now)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_now() {
        for text in ["", " ", "soon", "-5", "1.5", "NaN", "Mon, 02 Feb", "2026-13-40T00:00:00Z", "５"] {
            assert_eq!(parse(text, NOW), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_the_pause_has_bounds(text in ".{0,60}") {
            if let Some(until) = parse(&text, NOW) {
                prop_assert!(until >= NOW + PAUSE_MIN && until <= NOW + PAUSE_MAX);
            }
        }

        #[test]
        fn any_moment_within_a_day_is_obeyed_in_all_forms(ahead in 1_i64..86_400) {
            let at = NOW + Span::secs(ahead);
            let utc = at.to_utc();
            for text in [ahead.to_string(), at.secs().to_string(), utc.to_rfc2822(), utc.to_rfc3339(),
                utc.format("%a, %d %b %Y %H:%M:%S GMT").to_string()] {
                prop_assert_eq!(parse(&text, NOW), Some(at), "{}", text);
            }
        }
    }
}
