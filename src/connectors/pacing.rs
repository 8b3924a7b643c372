//! Budgets: what we may still call, counted by our own clock so that the vendor never has to refuse.
//!
//! Nothing here waits. A budget answers "now" or "not before this moment"; the caller hands that on as
//! [`super::error::CallErrorKind::Paced`] and sends nothing. [`window`] counts calls in a sliding window
//! (X-Series), [`buckets`] keeps token buckets (Centra), [`drips`] a bucket that leaks (R-Series).

pub mod buckets;
pub mod drips;
pub mod window;

use crate::domain::time::Timestamp;

/// What is left of an allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Calls (or points) allowed in the tightest window.
    pub limit: i64,
    /// What is left of it.
    pub left: i64,
    /// When it is full again, or when waiting ends.
    pub refills_at: Option<Timestamp>,
    /// Set while the vendor asked us to wait.
    pub blocked_until: Option<Timestamp>,
}

/// The part of our share that is kept for live work (sales, orders, counts to write) while something that can wait is
/// under way: a catalogue that is read for the first time, a whole stock that is compared.
pub const KEPT_FOR_LIVE_PERCENT: i64 = 20;

tokio::task_local! {
    static PATIENT: ();
}

/// Does work that can wait: its calls leave [`KEPT_FOR_LIVE_PERCENT`] of our share to everything else.
///
/// Said here, once for a whole task, and not with each call: whether a call can wait is decided by who wants to know,
/// and the same question of a connector is asked by both.
pub async fn patiently<W: Future>(work: W) -> W::Output {
    PATIENT.scope((), work).await
}

/// What a call must leave of so much.
pub(super) fn kept_of(whole: i64) -> i64 {
    if PATIENT.try_with(|()| ()).is_ok() { percent(whole, KEPT_FOR_LIVE_PERCENT) } else { 0 }
}

/// The part of a whole, rounded down.
fn percent(whole: i64, part: i64) -> i64 {
    whole.saturating_mul(part) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_secs(1_770_000_000);

    /// How many calls of a kind go through at one moment.
    fn calls(mut take: impl FnMut() -> bool) -> i64 {
        (0..100_000).take_while(|_| take()).count().try_into().unwrap()
    }

    /// How many calls that can wait go through at one moment, and how many others after them.
    async fn both(mut take: impl FnMut() -> bool) -> (i64, i64) {
        let patient = patiently(async { calls(&mut take) }).await;
        (patient, calls(&mut take))
    }

    #[tokio::test]
    async fn what_can_wait_leaves_a_fifth_to_live_work() {
        let window = window::Window::new(false);
        let share = calls(|| window.try_take(T0, 1).is_ok());
        let window = window::Window::new(false);
        let (patient, live) = both(|| window.try_take(T0, 1).is_ok()).await;
        assert_eq!((patient + live, live), (share, percent(share, 20)), "X-Series");

        let fresh = || buckets::Buckets::new(false);
        let take = |buckets: &buckets::Buckets| buckets.try_take(T0, "read", false, 1, 1).is_ok();
        let (all, shared) = (fresh(), fresh());
        let share = calls(|| take(&all));
        let (patient, live) = both(|| take(&shared)).await;
        assert!(
            patient + live == share && live >= percent(share, 20) && live <= percent(share, 25),
            "{patient} {live}"
        );

        // The limit of calls within a second is another matter: time passes between these.
        let drips = drips::Drips::new(false, (1, 1));
        let drip = |at: &mut Timestamp| {
            *at = *at + crate::domain::time::Span::millis(400);
            let taken = drips.try_take(*at, 10 * drips::DRIP);
            if taken.is_ok() {
                drips.learn(*at, *at, 10 * drips::DRIP, drips::Seen::default());
            }
            taken.is_ok()
        };
        let mut at = T0;
        let patient = patiently(async { calls(|| drip(&mut at)) }).await;
        let live = calls(|| drip(&mut at));
        assert!(patient >= 1 && live >= 1, "R-Series: {patient}, then {live}");
    }

    #[tokio::test]
    async fn a_question_dearer_than_what_is_left_to_it_waits_for_a_full_bucket_and_no_longer() {
        let buckets = buckets::Buckets::new(false);
        let allowed = patiently(async { buckets.try_take(T0, "dear", false, 1, 1_000_000_000) }).await;
        assert_eq!(allowed, Ok(()));
        let again = patiently(async { buckets.try_take(T0, "dear", false, 1, 1_000_000_000) }).await;
        let full = again.unwrap_err();
        assert_eq!(patiently(async { buckets.try_take(full, "dear", false, 1, 1_000_000_000) }).await, Ok(()));
    }
}
