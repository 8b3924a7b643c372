//! How long to wait before trying again, with the whole schedule written out.

use super::time::Span;

/// Delays after the first, second … failure in a row; the last one repeats. A person sees the next moment on the
/// page, so the figures are round.
const SCHEDULE_S: [i64; 8] = [1, 2, 5, 10, 30, 60, 120, 300];

/// The delay after `failures` failures in a row. `jitter` in `0..=999` spreads it over [75 %, 125 %).
pub fn delay(failures: u32, jitter: u64) -> Span {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(SCHEDULE_S.len() - 1);
    let base_ms = SCHEDULE_S.get(index).copied().unwrap_or(300) * 1_000;
    let jitter = i64::try_from(jitter.min(999)).unwrap_or(0);
    Span::millis(base_ms * 3 / 4 + base_ms * jitter / 2_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stop_growing() {
        assert_eq!(delay(1, 500), Span::millis(1_000));
        assert_eq!(delay(0, 500), Span::millis(1_000));
        assert_eq!(delay(8, 500), Span::secs(300));
        assert_eq!(delay(u32::MAX, 500), Span::secs(300));
        assert!(delay(3, 0) < delay(3, 999));
        assert!(delay(1, 0) > Span::ZERO, "never at once");
    }
}
