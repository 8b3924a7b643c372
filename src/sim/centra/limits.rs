//! The shop's rate rule: six token buckets, refilled all the time, shared by every integration of a tenant.

use crate::domain::time::{Span, Timestamp};

const TEN_SECONDS: i64 = 10;
const ONE_HOUR: i64 = 3_600;
/// Buckets count in millionths of a token, so that refilling loses nothing.
const TOKEN: i64 = 1_000_000;

/// What a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Counts {
    Requests,
    Mutations,
    Complexity,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    counts: Counts,
    seconds: i64,
    quota: i64,
    left: i64,
}

/// The buckets of one tenant.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Buckets {
    buckets: [Bucket; 6],
    at: Timestamp,
}

/// One line of the shop's own account of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct Line {
    pub kind: &'static str,
    pub interval: &'static str,
    pub quota: i64,
    pub remaining: i64,
}

impl Buckets {
    /// The figures of the default plan.
    pub fn growth(now: Timestamp) -> Buckets {
        let full = |counts, seconds, quota| Bucket { counts, seconds, quota, left: quota * TOKEN };
        Buckets {
            buckets: [
                full(Counts::Requests, TEN_SECONDS, 60),
                full(Counts::Requests, ONE_HOUR, 5_000),
                full(Counts::Mutations, TEN_SECONDS, 20),
                full(Counts::Mutations, ONE_HOUR, 1_800),
                full(Counts::Complexity, TEN_SECONDS, 250_000),
                full(Counts::Complexity, ONE_HOUR, 30_000_000),
            ],
            at: now,
        }
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = now.since(self.at).0;
        if passed <= 0 {
            return;
        }
        self.at = now;
        for bucket in &mut self.buckets {
            let dt = passed.min(bucket.seconds * 1_000_000);
            bucket.left = (bucket.left + bucket.quota * dt / bucket.seconds).min(bucket.quota * TOKEN);
        }
    }

    /// Takes what one request costs from all buckets, or nothing and says when it would be enough.
    pub fn charge(&mut self, mutations: i64, complexity: i64, now: Timestamp) -> Result<(), Timestamp> {
        self.refill(now);
        let cost = |counts| match counts {
            Counts::Requests => TOKEN,
            Counts::Mutations => mutations * TOKEN,
            Counts::Complexity => complexity * TOKEN,
        };
        let mut wait = 0;
        for bucket in &self.buckets {
            let missing = cost(bucket.counts).min(bucket.quota * TOKEN) - bucket.left;
            if missing > 0 {
                wait = wait.max((missing * bucket.seconds).div_ceil_positive(bucket.quota));
            }
        }
        if wait > 0 {
            return Err(now + Span(wait));
        }
        for bucket in &mut self.buckets {
            bucket.left -= cost(bucket.counts).min(bucket.quota * TOKEN);
        }
        Ok(())
    }

    /// As the shop reports them.
    pub fn lines(&mut self, now: Timestamp) -> Vec<Line> {
        self.refill(now);
        self.buckets
            .iter()
            .map(|b| Line {
                kind: match b.counts {
                    Counts::Requests => "REQUEST_COUNT",
                    Counts::Mutations => "MUTATION_COUNT",
                    Counts::Complexity => "QUERY_COMPLEXITY",
                },
                interval: if b.seconds == TEN_SECONDS { "TEN_SECONDS" } else { "ONE_HOUR" },
                quota: b.quota,
                remaining: b.left / TOKEN,
            })
            .collect()
    }
}

trait DivCeil {
    fn div_ceil_positive(self, by: i64) -> i64;
}

impl DivCeil for i64 {
    fn div_ceil_positive(self, by: i64) -> i64 {
        (self + by - 1) / by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_mutations_at_once_then_one_every_half_second() {
        let start = Timestamp::from_secs(1_772_409_600);
        let mut buckets = Buckets::growth(start);
        for _ in 0..20 {
            assert_eq!(buckets.charge(1, 112, start), Ok(()));
        }
        let until = start + Span::millis(500);
        assert_eq!(buckets.charge(1, 112, start), Err(until));
        assert_eq!(buckets.charge(1, 112, start + Span::millis(499)), Err(until));
        assert_eq!(buckets.charge(1, 112, until), Ok(()));
        assert_eq!(buckets.charge(0, 10, until), Ok(()), "reading has a bucket of its own");
    }

    #[test]
    fn the_account_of_limits_adds_up() {
        let start = Timestamp::from_secs(1_772_409_600);
        let mut buckets = Buckets::growth(start);
        assert_eq!(buckets.charge(1, 5_000, start), Ok(()));
        let left: Vec<i64> = buckets.lines(start).iter().map(|l| l.remaining).collect();
        assert_eq!(left, [59, 4_999, 19, 1_799, 245_000, 29_995_000]);
        assert_eq!(buckets.lines(start + Span::secs(10))[4].remaining, 250_000);
    }
}
