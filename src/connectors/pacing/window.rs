//! A limit of so many calls in so many minutes.
//!
//! Whether the vendor's window is fixed or sliding is not settled, so ours slides: never more than the limit in
//! *any* stretch of that length keeps both kinds.

use super::{Allowance, kept_of, percent};
use crate::domain::time::{Span, Timestamp};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The part of the vendor's allowance we use. The rest is for the people at the tills, whose own screens and other
/// programs draw on the retailer's window too.
pub const SHARE_PERCENT: i64 = 80;

/// Length of the vendor's window.
pub const WINDOW: Span = Span::minutes(5);

/// How long we hold back after the vendor reported that hardly anything is left, before one call asks again.
const LOW_PAUSE: Span = Span::secs(15);

/// The vendor's rule: a base and something for each register.
pub const fn limit_for(registers: u32) -> i64 {
    300 * registers as i64 + 50
}

/// A sliding window of calls.
#[derive(Debug)]
pub struct Window {
    state: Mutex<State>,
    unpaced: bool,
}

#[derive(Debug)]
struct State {
    limit: i64,
    /// Whether the vendor itself named the limit; then our own sum of registers no longer matters.
    told: bool,
    calls: VecDeque<Timestamp>,
    blocked_until: Option<Timestamp>,
    low_until: Option<Timestamp>,
}

impl Window {
    /// A window with the allowance of a retailer with one register, the smallest there is. `unpaced` never refuses
    /// (for measuring everything else).
    pub fn new(unpaced: bool) -> Self {
        let state =
            State { limit: limit_for(1), told: false, calls: VecDeque::new(), blocked_until: None, low_until: None };
        Self { state: Mutex::new(state), unpaced }
    }

    /// Takes `cost` calls, or says when they would be allowed.
    pub fn try_take(&self, now: Timestamp, cost: u32) -> Result<(), Timestamp> {
        if self.unpaced {
            return Ok(());
        }
        let mut state = self.lock();
        state.forget_old(now);
        if let Some(until) = state.held_until(now) {
            return Err(until);
        }
        let ours = percent(state.limit, SHARE_PERCENT);
        let ours = (ours - kept_of(ours)).max(1);
        let cost = i64::from(cost).min(ours);
        let over = state.taken() + cost - ours;
        if over > 0 {
            let freed_by = usize::try_from(over - 1).ok().and_then(|index| state.calls.get(index));
            return Err(freed_by.map_or(now + WINDOW, |at| *at + WINDOW));
        }
        for _ in 0..cost {
            state.calls.push_back(now);
        }
        Ok(())
    }

    /// What the vendor's answer said about the allowance.
    pub fn learn(&self, now: Timestamp, limit: Option<i64>, remaining: Option<i64>) {
        let mut state = self.lock();
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            state.limit = limit;
            state.told = true;
        }
        let reserve = state.limit - percent(state.limit, SHARE_PERCENT);
        state.low_until = match remaining {
            Some(left) if left <= reserve => Some(now + LOW_PAUSE),
            Some(_) => None,
            None => state.low_until,
        };
    }

    /// How many registers the retailer has; used until the vendor names its limit itself.
    pub fn registers(&self, count: u32) {
        let mut state = self.lock();
        if !state.told {
            state.limit = limit_for(count.max(1));
        }
    }

    /// The vendor refused: nothing is called before this moment.
    pub fn block(&self, until: Timestamp) {
        self.lock().blocked_until = Some(until);
    }

    /// What is left, as we count it.
    pub fn allowance(&self, at: Timestamp) -> Allowance {
        let mut state = self.lock();
        state.forget_old(at);
        let limit = percent(state.limit, SHARE_PERCENT).max(1);
        let held = state.held_until(at);
        let left = if held.is_some() { 0 } else { (limit - state.taken()).max(0) };
        Allowance {
            limit,
            left,
            refills_at: held.or_else(|| state.calls.back().map(|last| *last + WINDOW)),
            blocked_until: state.blocked_until.filter(|until| *until > at),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_old(&mut self, now: Timestamp) {
        // A clock set back would keep future calls forever: they count as made now.
        for at in self.calls.iter_mut().rev() {
            if *at <= now {
                break;
            }
            *at = now;
        }
        while self.calls.front().is_some_and(|first| *first + WINDOW <= now) {
            self.calls.pop_front();
        }
    }

    fn taken(&self) -> i64 {
        i64::try_from(self.calls.len()).unwrap_or(i64::MAX)
    }

    fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.blocked_until.max(self.low_until).filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: Timestamp = Timestamp::from_secs(1_770_000_000);

    #[test]
    fn a_one_till_shop_uses_four_fifths_of_its_350() {
        let window = Window::new(false);
        for n in 0..280 {
            assert_eq!(window.try_take(T0, 1), Ok(()), "{n}");
        }
        assert_eq!(window.try_take(T0, 1), Err(T0 + WINDOW));
        assert_eq!(window.allowance(T0).left, 0);
        assert_eq!(window.try_take(T0 + WINDOW, 1), Ok(()));
    }

    #[test]
    fn the_vendor_corrects_our_guess() {
        let window = Window::new(false);
        window.registers(3);
        assert_eq!(window.allowance(T0).limit, 760);
        window.learn(T0, Some(100), Some(90));
        window.registers(5);
        assert_eq!(window.allowance(T0).limit, 80);
        // Others have used it up: we wait a little and ask again.
        window.learn(T0, Some(100), Some(20));
        assert_eq!(window.try_take(T0, 1), Err(T0 + LOW_PAUSE));
        assert_eq!(window.try_take(T0 + LOW_PAUSE, 1), Ok(()));
    }

    #[test]
    fn a_refusal_is_obeyed_to_the_moment() {
        let window = Window::new(false);
        let until = T0 + Span::secs(40);
        window.block(until);
        assert_eq!(window.try_take(T0, 1), Err(until));
        assert_eq!(window.allowance(T0).blocked_until, Some(until));
        assert_eq!(window.try_take(until, 1), Ok(()));
        assert_eq!(window.allowance(until).blocked_until, None);
    }

    #[test]
    fn a_clock_set_back_does_not_silence_us() {
        let window = Window::new(false);
        while window.try_take(T0, 1).is_ok() {}
        let back = T0 - Span::hours(24);
        assert_eq!(window.try_take(back, 1), Err(back + WINDOW));
    }

    #[test]
    fn measuring_is_not_held_up() {
        let window = Window::new(true);
        window.block(T0 + Span::hours(1));
        for _ in 0..10_000 {
            assert_eq!(window.try_take(T0, 1), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn no_stretch_of_five_minutes_holds_more_than_our_share(steps in prop::collection::vec(0_i64..20, 1..600)) {
            let window = Window::new(false);
            window.learn(T0, Some(50), None);
            let (mut now, mut made) = (T0, Vec::new());
            for step in steps {
                now = now + Span::secs(step);
                match window.try_take(now, 1) {
                    Ok(()) => made.push(now),
                    Err(until) => prop_assert!(until > now && until <= now + WINDOW),
                }
            }
            for (index, start) in made.iter().enumerate() {
                let within = made[index..].iter().take_while(|at| **at < *start + WINDOW).count();
                prop_assert!(within <= 40);
            }
        }
    }
}
