//! Token buckets that refill all the time: requests, mutations and complexity, each for ten seconds and an hour.
//!
//! The vendor's quotas are asked for (at first use and every [`ASK_EVERY`]), never assumed beyond the smallest plan.
//! What a question costs in complexity is known only from its answer, so a call takes what the last one of its kind
//! cost and settles the rest afterwards.

use super::{Allowance, kept_of, percent};
use crate::domain::time::{Span, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The part of the vendor's quotas we use. They are shared by every integration of the tenant, the web shop's
/// warehouse and finance systems among them; a stock count must not be what stops those.
pub const SHARE_PERCENT: i64 = 70;

/// How often the quotas are asked for: they follow the tenant's plan, and the vendor may lower them at any time.
pub const ASK_EVERY: Span = Span::minutes(10);

/// What a question is taken to cost until one of its kind has been answered.
pub const COMPLEXITY_GUESS: i64 = 500;

/// Parts of a token that are still counted, so that frequent small refills lose nothing.
const GRAIN: i64 = 1_000_000;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Calls.
    Requests,
    /// Changes.
    Mutations,
    /// Points for what a question reads.
    Complexity,
}

/// One row of the vendor's own account of our allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// What is limited.
    pub quota: Quota,
    /// For how long.
    pub interval: Span,
    /// How much of it in that time.
    pub limit: i64,
    /// How much is left, for all integrations together.
    pub remaining: i64,
}

#[derive(Debug)]
struct Bucket {
    quota: Quota,
    interval: Span,
    /// The vendor's quota; ours is [`SHARE_PERCENT`] of it.
    limit: i64,
    /// In grains.
    level: i64,
    /// The part of a grain that has dripped in, in grain microseconds of the interval.
    part: i128,
    filled_at: Option<Timestamp>,
}

/// The six buckets of a tenant.
#[derive(Debug)]
pub struct Buckets {
    state: Mutex<State>,
    unpaced: bool,
}

#[derive(Debug)]
struct State {
    buckets: Vec<Bucket>,
    costs: HashMap<&'static str, i64>,
    blocked_until: Option<Timestamp>,
    asked_at: Option<Timestamp>,
}

const TEN_SECONDS: Span = Span::secs(10);
const ONE_HOUR: Span = Span::hours(1);

impl Buckets {
    /// Full buckets with the smallest plan's quotas. `unpaced` never refuses and never asks (for measuring
    /// everything else).
    pub fn new(unpaced: bool) -> Self {
        let buckets = [
            (Quota::Requests, TEN_SECONDS, 60),
            (Quota::Requests, ONE_HOUR, 5_000),
            (Quota::Mutations, TEN_SECONDS, 20),
            (Quota::Mutations, ONE_HOUR, 1_800),
            (Quota::Complexity, TEN_SECONDS, 250_000),
            (Quota::Complexity, ONE_HOUR, 30_000_000),
        ]
        .map(|(quota, interval, limit)| Bucket {
            quota,
            interval,
            limit,
            level: grains(percent(limit, SHARE_PERCENT)),
            part: 0,
            filled_at: None,
        });
        let state = State { buckets: buckets.into(), costs: HashMap::new(), blocked_until: None, asked_at: None };
        Self { state: Mutex::new(state), unpaced }
    }

    /// Whether it is time to ask the vendor for its quotas; says so once per [`ASK_EVERY`].
    pub fn ask_now(&self, now: Timestamp) -> bool {
        if self.unpaced {
            return false;
        }
        let mut state = self.lock();
        let due = state.asked_at.is_none_or(|asked| now >= asked + ASK_EVERY || now < asked);
        if due {
            state.asked_at = Some(now);
        }
        due
    }

    /// Whether a question is so dear that it needs a whole bucket: nothing may then be asked just before it.
    pub fn needs_all(&self, purpose: &'static str, things: i64, guess: i64) -> bool {
        let state = self.lock();
        let cost = state.costs.get(purpose).copied().unwrap_or(guess).saturating_mul(things);
        state.buckets.iter().any(|b| b.quota == Quota::Complexity && b.worth(cost) >= b.capacity())
    }

    /// The question for the quotas brought no answer: it is asked again before the next call.
    pub fn ask_again(&self) {
        self.lock().asked_at = None;
    }

    /// Takes one request (and one mutation), with the complexity this kind of question cost last time, or says when
    /// it would be allowed. The complexity is taken for each of `things` it asks about; `guess` stands in until
    /// an answer has told.
    pub fn try_take(
        &self,
        now: Timestamp,
        purpose: &'static str,
        mutates: bool,
        things: i64,
        guess: i64,
    ) -> Result<(), Timestamp> {
        if self.unpaced {
            return Ok(());
        }
        let mut state = self.lock();
        if let Some(until) = state.blocked_until.filter(|until| *until > now) {
            return Err(until);
        }
        let complexity = state.costs.entry(purpose).or_insert(guess).saturating_mul(things);
        let cost = |quota| match quota {
            Quota::Requests => 1,
            Quota::Mutations => i64::from(mutates),
            Quota::Complexity => complexity,
        };
        let mut allowed_at = now;
        for bucket in &mut state.buckets {
            bucket.fill(now);
            allowed_at = allowed_at.max(bucket.holds_at(now, cost(bucket.quota)));
        }
        if allowed_at > now {
            return Err(allowed_at);
        }
        for bucket in &mut state.buckets {
            bucket.level -= bucket.worth(cost(bucket.quota));
        }
        Ok(())
    }

    /// Takes as [`Buckets::try_take`] does, for the second half of something that is half done: it does not wait for what
    /// its first half has used up (it would then begin anew, and wait again, for ever), only while the vendor refuses. The
    /// part of the quotas that is not ours bears the little that is taken too early.
    pub fn take_on(
        &self,
        now: Timestamp,
        purpose: &'static str,
        mutates: bool,
        things: i64,
        guess: i64,
    ) -> Result<(), Timestamp> {
        if self.unpaced {
            return Ok(());
        }
        let mut state = self.lock();
        if let Some(until) = state.blocked_until.filter(|until| *until > now) {
            return Err(until);
        }
        let complexity = state.costs.entry(purpose).or_insert(guess).saturating_mul(things);
        for bucket in &mut state.buckets {
            bucket.fill(now);
            let tokens = match bucket.quota {
                Quota::Requests => 1,
                Quota::Mutations => i64::from(mutates),
                Quota::Complexity => complexity,
            };
            bucket.level = bucket.level.saturating_sub(bucket.worth(tokens));
        }
        Ok(())
    }

    /// What the question really cost.
    pub fn settle(&self, purpose: &'static str, things: i64, complexity: i64) {
        let complexity = complexity.clamp(0, 1_000_000_000);
        let each = complexity / things.max(1) + i64::from(complexity % things.max(1) > 0);
        let mut state = self.lock();
        let taken = state.costs.insert(purpose, each).unwrap_or(COMPLEXITY_GUESS).saturating_mul(things);
        for bucket in state.buckets.iter_mut().filter(|bucket| bucket.quota == Quota::Complexity) {
            let level = bucket.level + bucket.worth(taken) - bucket.worth(complexity);
            bucket.level = level.clamp(0, bucket.capacity());
        }
    }

    /// The vendor's own account. What others have used is taken off ours, so that their share stays theirs.
    pub fn learn(&self, now: Timestamp, rows: &[QuotaState]) {
        let mut state = self.lock();
        for row in rows.iter().filter(|row| row.limit >= 0 && row.interval > Span::ZERO) {
            let known = state.buckets.iter_mut().find(|b| b.quota == row.quota && b.interval == row.interval);
            let Some(bucket) = known else { continue };
            bucket.fill(now);
            // A raised quota is there at once; a lowered one cuts what we thought we had.
            let raised = grains(percent(row.limit, SHARE_PERCENT)) - bucket.capacity();
            bucket.limit = row.limit;
            let reserve = row.limit - percent(row.limit, SHARE_PERCENT);
            let left = grains((row.remaining - reserve).max(0));
            bucket.level = (bucket.level + raised.max(0)).min(left).min(bucket.capacity());
        }
    }

    /// The vendor refused: nothing is called before this moment.
    pub fn block(&self, until: Timestamp) {
        self.lock().blocked_until = Some(until);
    }

    /// The tightest of the six, as we count it.
    pub fn allowance(&self, at: Timestamp) -> Allowance {
        let mut state = self.lock();
        for bucket in &mut state.buckets {
            bucket.fill(at);
        }
        let blocked_until = state.blocked_until.filter(|until| *until > at);
        let tightest = state.buckets.iter().min_by_key(|b| b.level.saturating_mul(1_000) / b.capacity().max(1));
        let Some(bucket) = tightest else {
            return Allowance { limit: 0, left: 0, refills_at: blocked_until, blocked_until };
        };
        let full_at = bucket.holds_at(at, bucket.capacity() / GRAIN);
        Allowance {
            limit: bucket.capacity() / GRAIN,
            left: if blocked_until.is_some() { 0 } else { (bucket.level / GRAIN).max(0) },
            refills_at: blocked_until.or(Some(full_at)).filter(|full_at| *full_at > at),
            blocked_until,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn capacity(&self) -> i64 {
        grains(percent(self.limit, SHARE_PERCENT))
    }

    /// What dripped in since the last look. A part of a grain is not lost but waits for the next look: whoever looks
    /// often must not get less.
    fn fill(&mut self, now: Timestamp) {
        let interval = i128::from(self.interval.0.max(1));
        let elapsed = now.since(self.filled_at.unwrap_or(now)).0.max(0);
        let dripped = self.part + i128::from(self.capacity()) * i128::from(elapsed);
        self.part = dripped % interval;
        let gained = i64::try_from(dripped / interval).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(gained).min(self.capacity());
        self.filled_at = Some(now);
    }

    /// What so many tokens take out of this bucket: a question dearer than the whole of it empties it, as it empties
    /// the vendor's, and leaves no debt.
    fn worth(&self, tokens: i64) -> i64 {
        grains(tokens).min(self.capacity())
    }

    /// When the bucket will hold so many tokens. A question dearer than the whole bucket waits until it is full.
    fn holds_at(&self, now: Timestamp, tokens: i64) -> Timestamp {
        if tokens == 0 {
            return now;
        }
        if self.capacity() < GRAIN {
            return now + self.interval;
        }
        // What is dearer than what that would leave cannot wait for it: the bucket may never be full.
        let (cost, kept) = (self.worth(tokens), kept_of(self.capacity()));
        let wanted = if cost <= self.capacity() - kept { cost + kept } else { cost };
        let lacking = wanted.saturating_sub(self.level);
        if lacking <= 0 {
            return now;
        }
        let micros = i128::from(lacking) * i128::from(self.interval.0) / i128::from(self.capacity()) + 1;
        now + Span(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

fn grains(tokens: i64) -> i64 {
    tokens.saturating_mul(GRAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: Timestamp = Timestamp::from_secs(1_770_000_000);

    fn take(buckets: &Buckets, now: Timestamp, mutates: bool) -> usize {
        let mut taken = 0;
        while buckets.try_take(now, "read", mutates, 1, COMPLEXITY_GUESS).is_ok() {
            buckets.settle("read", 1, 10);
            taken += 1;
        }
        taken
    }

    #[test]
    fn looking_often_gets_no_less() {
        let buckets = Buckets::new(false);
        let mut state = buckets.lock();
        for bucket in &mut state.buckets {
            (bucket.level, bucket.part, bucket.filled_at) = (0, 0, Some(T0));
            for step in 1..=200_000 {
                bucket.fill(T0 + Span(step));
            }
            let often = bucket.level;
            (bucket.level, bucket.part, bucket.filled_at) = (0, 0, Some(T0));
            bucket.fill(T0 + Span(200_000));
            assert!((bucket.level - often).abs() <= 1, "{} and {often} grains", bucket.level);
        }
    }

    #[test]
    fn seven_tenths_of_the_smallest_plan_and_no_more() {
        assert_eq!(take(&Buckets::new(false), T0, false), 42);
        assert_eq!(take(&Buckets::new(false), T0, true), 14);
    }

    #[test]
    fn a_bucket_refills_while_time_passes() {
        let buckets = Buckets::new(false);
        take(&buckets, T0, false);
        let Err(until) = buckets.try_take(T0, "read", false, 1, COMPLEXITY_GUESS) else { panic!("it was empty") };
        assert!(until > T0 && until <= T0 + Span::secs(1));
        assert_eq!(buckets.try_take(until, "read", false, 1, COMPLEXITY_GUESS), Ok(()));
        assert_eq!(take(&buckets, until + Span::secs(10), false), 42);
    }

    #[test]
    fn a_second_half_does_not_wait_and_is_owed_afterwards() {
        let buckets = Buckets::new(false);
        take(&buckets, T0, false);
        assert_eq!(buckets.take_on(T0, "read", false, 1, 10), Ok(()));
        let Err(until) = buckets.try_take(T0, "read", false, 1, 10) else { panic!("it was empty") };
        assert!(until > T0 + Span::millis(400), "two of forty-two in ten seconds are waited for");
        buckets.block(T0 + Span::minutes(1));
        assert_eq!(buckets.take_on(T0, "read", false, 1, 10), Err(T0 + Span::minutes(1)));
    }

    #[test]
    fn what_others_used_is_not_ours_to_take() {
        let buckets = Buckets::new(false);
        let row = |remaining| QuotaState { quota: Quota::Requests, interval: TEN_SECONDS, limit: 100, remaining };
        buckets.learn(T0, &[row(35)]);
        assert_eq!(take(&buckets, T0, false), 5);
        let buckets = Buckets::new(false);
        buckets.learn(T0, &[row(30)]);
        assert!(buckets.try_take(T0, "read", false, 1, COMPLEXITY_GUESS).is_err());
        let buckets = Buckets::new(false);
        buckets.learn(T0, &[row(100)]);
        assert_eq!(take(&buckets, T0, false), 70);
    }

    #[test]
    fn a_quota_of_zero_is_no_division_and_no_call() {
        let buckets = Buckets::new(false);
        buckets.learn(T0, &[QuotaState { quota: Quota::Mutations, interval: ONE_HOUR, limit: 0, remaining: 0 }]);
        assert_eq!(buckets.try_take(T0, "set stock", true, 1, COMPLEXITY_GUESS), Err(T0 + ONE_HOUR));
        assert_eq!(buckets.try_take(T0, "read", false, 1, COMPLEXITY_GUESS), Ok(()));
        assert_eq!(buckets.allowance(T0).left, 0);
    }

    #[test]
    fn a_dear_question_is_remembered_and_waits_for_a_full_bucket_at_most() {
        let buckets = Buckets::new(false);
        assert_eq!(buckets.try_take(T0, "read stock", false, 1, COMPLEXITY_GUESS), Ok(()));
        buckets.settle("read stock", 1, 900_000);
        let Err(until) = buckets.try_take(T0, "read stock", false, 1, COMPLEXITY_GUESS) else {
            panic!("it cost too much")
        };
        assert!(until > T0 && until <= T0 + Span::minutes(2));
        assert_eq!(buckets.try_take(until, "read stock", false, 1, COMPLEXITY_GUESS), Ok(()));
        // It empties the bucket and leaves no debt: a cheap change follows at once.
        assert_eq!(buckets.try_take(until + Span::millis(100), "set stock", true, 1, COMPLEXITY_GUESS), Ok(()));
    }

    #[test]
    fn a_question_about_many_things_costs_for_each_of_them() {
        let buckets = Buckets::new(false);
        assert_eq!(buckets.try_take(T0, "look", false, 1, 500), Ok(()));
        buckets.settle("look", 1, 2_000);
        // Eighty-seven of them fit into what is left of 175,000.
        assert!(buckets.try_take(T0, "look", false, 87, 500).is_err());
        assert_eq!(buckets.try_take(T0, "look", false, 86, 500), Ok(()));
    }

    #[test]
    fn a_question_expected_to_be_dear_waits_for_a_full_bucket_from_the_first() {
        let buckets = Buckets::new(false);
        assert_eq!(buckets.try_take(T0, "read products", false, 1, 400_000), Ok(()));
        assert!(buckets.try_take(T0, "read products", false, 1, 400_000).is_err());
        buckets.settle("read products", 1, 121);
        assert_eq!(buckets.try_take(T0, "read products", false, 1, 400_000), Ok(()));
    }

    #[test]
    fn quotas_are_asked_for_at_first_use_and_every_ten_minutes() {
        let buckets = Buckets::new(false);
        assert!(buckets.ask_now(T0));
        assert!(!buckets.ask_now(T0 + Span::minutes(9)));
        assert!(buckets.ask_now(T0 + ASK_EVERY));
        assert!(!Buckets::new(true).ask_now(T0));
    }

    #[test]
    fn a_refusal_is_obeyed_to_the_moment() {
        let buckets = Buckets::new(false);
        let until = T0 + Span::secs(7);
        buckets.block(until);
        assert_eq!(buckets.try_take(T0, "read", false, 1, COMPLEXITY_GUESS), Err(until));
        assert_eq!(buckets.allowance(T0).blocked_until, Some(until));
        assert_eq!(buckets.try_take(until, "read", false, 1, COMPLEXITY_GUESS), Ok(()));
    }

    proptest! {
        #[test]
        fn the_vendors_own_buckets_never_run_dry(
            steps in prop::collection::vec((0_i64..3_000, any::<bool>(), any::<bool>()), 1..400),
        ) {
            let buckets = Buckets::new(false);
            // The vendor's own, filled just as continuously: 60 requests and 250,000 points in 10 s.
            let (mut now, mut last) = (T0, T0);
            let (mut requests, mut points) = (60.0_f64, 250_000.0_f64);
            for (millis, mutates, dear) in steps {
                now = now + Span::millis(millis);
                let passed = now.since(last).as_secs_f64();
                requests = (requests + passed * 6.0).min(60.0);
                points = (points + passed * 25_000.0).min(250_000.0);
                last = now;
                let (purpose, guess, cost) = if dear { ("dear", 400_000, 371_000) } else { ("cheap", 500, 229) };
                match buckets.try_take(now, purpose, mutates, 1, guess) {
                    Ok(()) => {
                        let worth = f64::from(cost).min(250_000.0);
                        prop_assert!(requests >= 1.0 && points >= worth - 0.01, "{} {}", requests, points);
                        requests -= 1.0;
                        points -= worth;
                        buckets.settle(purpose, 1, i64::from(cost));
                    }
                    Err(until) => prop_assert!(until > now),
                }
            }
        }
    }
}
