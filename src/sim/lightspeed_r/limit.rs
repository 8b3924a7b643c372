//! The till's two rate rules: a bucket that leaks by the second, and so many requests within one second.

use super::shape::decimal;
use crate::domain::time::Timestamp;

/// One drip, in the unit that levels are kept in.
pub(super) const DRIP: i64 = 1_000_000;

/// What has flowed in and not yet out.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sim) struct Bucket {
    level: i64,
    at: Timestamp,
    second: i64,
    calls: i64,
}

/// Which rule refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Leaky,
    Burst,
}

impl Rule {
    pub fn word(self) -> &'static str {
        match self {
            Rule::Leaky => "api-leaky-bucket",
            Rule::Burst => "api-burst-limiter",
        }
    }
}

/// Where an account stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub level: i64,
    pub size: i64,
    pub calls: i64,
    pub most_calls: i64,
    /// Per second.
    pub drip: i64,
    pub cost: i64,
    /// The rule that refused, and the seconds until it would not.
    pub refused: Option<(Rule, i64)>,
}

impl Standing {
    /// `92.57/90`
    pub fn bucket(&self) -> String {
        format!("{}/{}", decimal(self.level, 6), decimal(self.size, 6))
    }

    /// `1/20`
    pub fn burst(&self) -> String {
        format!("{}/{}", self.calls, self.most_calls)
    }
}

impl Bucket {
    /// Takes one request of so many drips. The first that makes it overflow is let through.
    pub fn call(&mut self, registers: usize, cost: i64, enforced: bool, now: Timestamp) -> Standing {
        let more = i64::try_from(registers.saturating_sub(1)).unwrap_or(0).min(100_000);
        let (size, drip) = ((90 + 10 * more) * DRIP, DRIP + DRIP / 2 * more);
        let leaked = i128::from(now.since(self.at).0.max(0)) * i128::from(drip) / 1_000_000;
        self.level = (self.level - i64::try_from(leaked).unwrap_or(i64::MAX)).max(0);
        self.at = now;
        if self.second != now.secs() {
            (self.second, self.calls) = (now.secs(), 0);
        }
        self.calls += 1;
        let most_calls = size / DRIP * 20 / 90;
        let refused = match enforced {
            true if self.calls > most_calls => Some((Rule::Burst, 1)),
            true if self.level >= size => Some((Rule::Leaky, (self.level - size) / drip + 1)),
            _ => None,
        };
        if refused.is_none() {
            self.level += cost;
        }
        Standing { level: self.level, size, calls: self.calls, most_calls, drip, cost, refused }
    }

    /// Where it stands when somebody else has filled it: over the brim.
    pub fn overfull(&mut self, registers: usize, now: Timestamp, wait: i64) -> Standing {
        let mut standing = self.call(registers, 0, false, now);
        standing.level = standing.size + (wait - 1).max(0) * standing.drip + DRIP * 57 / 100;
        standing.refused = Some((Rule::Leaky, wait));
        standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Span;

    const NOW: Timestamp = Timestamp::from_secs(1_772_409_600);

    #[test]
    fn the_first_request_that_overflows_is_let_through_and_the_next_waits() {
        let mut bucket = Bucket::default();
        let mut at = NOW;
        for n in 1..=9 {
            let standing = bucket.call(1, 10 * DRIP + DRIP / 2, true, at);
            assert_eq!(standing.refused, None, "{n}");
        }
        assert_eq!(bucket.call(1, DRIP, true, at).refused, Some((Rule::Leaky, 5)), "94.5 of 90");
        at = at + Span::secs(4);
        assert_eq!(bucket.call(1, DRIP, true, at).refused, Some((Rule::Leaky, 1)), "90.5 of 90");
        at = at + Span::secs(1);
        let standing = bucket.call(1, DRIP * 11 / 5, true, at);
        assert_eq!((standing.refused, standing.bucket().as_str()), (None, "91.7/90"));
    }

    #[test]
    fn the_bucket_grows_with_the_registers() {
        for (registers, size, drip, burst) in [(1, 90, 2, 20), (2, 100, 3, 22), (3, 110, 4, 24)] {
            let standing = Bucket::default().call(registers, DRIP, true, NOW);
            assert_eq!((standing.size, standing.drip, standing.most_calls), (size * DRIP, drip * DRIP / 2, burst));
        }
    }

    #[test]
    fn so_many_requests_fit_into_one_second() {
        let mut bucket = Bucket::default();
        for _ in 0..20 {
            assert_eq!(bucket.call(1, DRIP, true, NOW).refused, None);
        }
        let refused = bucket.call(1, DRIP, true, NOW + Span::millis(900));
        assert_eq!((refused.refused, refused.burst().as_str()), (Some((Rule::Burst, 1)), "21/20"));
        assert_eq!(bucket.call(1, DRIP, true, NOW + Span::secs(1)).refused, None);
    }
}
