//! The till's rate rule: so many calls in a fixed window of five minutes, growing with the registers.

use crate::domain::time::{Span, Timestamp};

/// Length of a window; windows start on the round five minutes.
const LENGTH: Span = Span::minutes(5);

/// The calls of the current window.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sim) struct Window {
    start: Timestamp,
    used: u32,
}

/// Where an account stands after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct Standing {
    pub limit: u32,
    pub remaining: u32,
    /// When refused: the moment from which calls are allowed again.
    pub refused_until: Option<Timestamp>,
}

impl Window {
    /// Counts one call.
    pub fn call(&mut self, registers: usize, now: Timestamp) -> Standing {
        let limit = 300 * u32::try_from(registers).unwrap_or(u32::MAX / 600) + 50;
        let start = Timestamp(now.micros().div_euclid(LENGTH.0) * LENGTH.0);
        if start != self.start {
            *self = Window { start, used: 0 };
        }
        if self.used >= limit {
            return Standing { limit, remaining: 0, refused_until: Some(start + LENGTH) };
        }
        self.used += 1;
        Standing { limit, remaining: limit - self.used, refused_until: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_register_has_350_calls_and_the_next_window_starts_full() {
        let mut window = Window::default();
        let now = Timestamp::from_secs(1_772_409_710);
        for left in (0..350).rev() {
            assert_eq!(window.call(1, now), Standing { limit: 350, remaining: left, refused_until: None });
        }
        let end = Timestamp::from_secs(1_772_409_900);
        assert_eq!(window.call(1, now).refused_until, Some(end));
        assert_eq!(window.call(1, end).remaining, 349);
    }
}
