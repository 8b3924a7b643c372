//! Our own budget. The vendor has no limit; the shop's machine has.
//!
//! Measured on two cores with four workers: a page of orders 0.5 s, of products 0.5 s, a write of 250 counts 0.3 s, a
//! small question 0.05 s, and two writers at once are the most that bring anything. Five calls a second, most of them
//! small, keep about one and a half workers busy and leave the others to the shop's customers.
//!
//! What we want of the shop often takes two or three calls. The first waits until there is room; those that follow it
//! are counted, and run the budget into debt if need be, so that nothing begun is left half asked.

use crate::connectors::pacing::{Allowance, kept_of};
use crate::domain::time::{Span, Timestamp};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Calls a second, unless the connection says otherwise.
pub(super) const CALLS_PER_SECOND: u32 = 5;

/// How many seconds' calls may come at once.
const BURST_SECONDS: i64 = 2;

const MICROS: i64 = 1_000_000;

/// A bucket that fills steadily.
#[derive(Debug)]
pub(super) struct Pace {
    state: Mutex<State>,
    per_second: i64,
    unpaced: bool,
}

#[derive(Debug)]
struct State {
    /// Millionths of a call; below zero while calls that had to be made are paid for.
    left: i64,
    counted_at: Option<Timestamp>,
    blocked_until: Option<Timestamp>,
}

impl Pace {
    pub(super) fn new(per_second: u32, unpaced: bool) -> Self {
        let per_second = i64::from(per_second.max(1));
        let state = State { left: per_second * BURST_SECONDS * MICROS, counted_at: None, blocked_until: None };
        Self { state: Mutex::new(state), per_second, unpaced }
    }

    /// Takes one call, or says when it would be allowed. A call that follows another of the same errand (`begun`) waits
    /// only for a shop that refused.
    pub(super) fn take(&self, now: Timestamp, begun: bool) -> Result<(), Timestamp> {
        if self.unpaced {
            return Ok(());
        }
        let mut state = self.lock();
        self.fill(&mut state, now);
        if let Some(until) = state.blocked_until.filter(|until| *until > now) {
            return Err(until);
        }
        let wanted = MICROS + kept_of(self.per_second * BURST_SECONDS * MICROS);
        if !begun && state.left < wanted {
            let wait = (wanted - state.left + self.per_second - 1) / self.per_second;
            return Err(now + Span(wait));
        }
        state.left -= MICROS;
        Ok(())
    }

    /// The shop asked us to wait.
    pub(super) fn block(&self, until: Timestamp) {
        self.lock().blocked_until = Some(until);
    }

    /// What is left, as we count it.
    pub(super) fn allowance(&self, at: Timestamp) -> Allowance {
        let mut state = self.lock();
        self.fill(&mut state, at);
        let limit = self.per_second * BURST_SECONDS;
        let blocked_until = state.blocked_until.filter(|until| *until > at);
        let left = if blocked_until.is_some() { 0 } else { state.left.max(0) / MICROS };
        let missing = limit * MICROS - state.left;
        let full_at = (missing > 0).then(|| at + Span(missing / self.per_second));
        Allowance { limit, left, refills_at: blocked_until.or(full_at), blocked_until }
    }

    fn fill(&self, state: &mut State, now: Timestamp) {
        // A clock that was set back brings nothing and takes nothing.
        let passed = state.counted_at.map_or(0, |at| now.since(at).0.clamp(0, 3_600 * MICROS));
        let full = self.per_second * BURST_SECONDS * MICROS;
        state.left = (state.left + passed * self.per_second).min(full);
        state.counted_at = Some(now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: Timestamp = Timestamp::from_secs(1_770_000_000);

    #[test]
    fn what_is_begun_is_finished_and_paid_for() {
        let pace = Pace::new(5, false);
        for n in 0..10 {
            assert_eq!(pace.take(T0, false), Ok(()), "{n}");
        }
        assert_eq!(pace.take(T0, false), Err(T0 + Span::millis(200)));
        // Two more calls of an errand go through; the next errand waits for three.
        assert_eq!((pace.take(T0, true), pace.take(T0, true)), (Ok(()), Ok(())));
        assert_eq!(pace.take(T0, false), Err(T0 + Span::millis(600)));
        assert_eq!(pace.take(T0 + Span::millis(600), false), Ok(()));
        assert_eq!(pace.allowance(T0 + Span::hours(1)).left, 10);
    }

    #[test]
    fn a_refusal_is_obeyed_by_everything() {
        let pace = Pace::new(5, false);
        let until = T0 + Span::secs(40);
        pace.block(until);
        assert_eq!((pace.take(T0, false), pace.take(T0, true)), (Err(until), Err(until)));
        assert_eq!(pace.allowance(T0).blocked_until, Some(until));
        assert_eq!(pace.take(until, false), Ok(()));
        assert_eq!(Pace::new(1, true).take(T0, false), Ok(()));
    }

    #[test]
    fn a_clock_set_back_does_not_silence_us() {
        let pace = Pace::new(5, false);
        while pace.take(T0, false).is_ok() {}
        let back = T0 - Span::hours(24);
        assert_eq!(pace.take(back, false), Err(back + Span::millis(200)));
        assert_eq!(pace.take(back + Span::millis(200), false), Ok(()));
    }

    proptest! {
        #[test]
        fn no_ten_seconds_hold_more_than_they_may(steps in prop::collection::vec(0_i64..400, 1..300)) {
            let pace = Pace::new(5, false);
            let (mut now, mut made) = (T0, Vec::new());
            for step in steps {
                now = now + Span::millis(step);
                match pace.take(now, false) {
                    Ok(()) => made.push(now),
                    Err(until) => prop_assert!(until > now && until <= now + Span::secs(1)),
                }
            }
            for (index, start) in made.iter().enumerate() {
                let within = made[index..].iter().take_while(|at| **at < *start + Span::secs(10)).count();
                prop_assert!(within <= 60);
            }
        }
    }
}
