//! How long writes took, as the Connections page tells it: counted by the database, true within a step.

use crate::desk::{NOW, SHOP};
use crate::shop::{databases, fresh};
use truecount::domain::time::{Span, Timestamp};
use truecount::store::pushes::{self, Intent, Outcome, QUARTER};
use truecount::store::{Store, StoreError, views};

/// The middle of a quarter of an hour.
const AT: Timestamp = Timestamp(NOW.0 / QUARTER.0 * QUARTER.0 + QUARTER.0 / 2);

/// One write that came to this after so long; no cause where there is no delay.
async fn write(store: &Store, id: &str, delay: Option<Span>, at: Timestamp, what: Outcome) -> Result<(), StoreError> {
    let intent = Intent {
        id: id.into(),
        batch: id.into(),
        variant: id.into(),
        place: "place".into(),
        product: id.into(),
        warehouse: "1".into(),
        generation: 1,
        before: 1,
        should: 2,
        physical: 2,
        cause_at: delay.map_or(Timestamp(0), |delay| at - delay),
        attempt: 0,
    };
    let mut tx = store.begin().await?;
    pushes::intend(&mut tx, SHOP, std::slice::from_ref(&intent), at);
    pushes::answered(&mut tx, [(&intent, &(what, at))].into_iter(), "", at);
    tx.commit().await
}

#[tokio::test]
async fn half_and_most_are_under_what_is_shown() {
    let thousand: Vec<i64> = (1..=1_000).map(|n| n * 7_919).collect();
    // Delays in µs; half under, 95 % under.
    let table: [(&[i64], i64, i64); 9] = [
        (&[0], 0, 0),
        (&[-5_000_000], 0, 0),
        (&[1], 1, 1),
        (&[4_200, 4_700, 9_000], 5_000, 9_000),
        (&[100_000, 100_001, 100_002, 100_003], 100_003, 100_003),
        (&[128_000, 128_001, 999_999], 132_000, 999_999),
        (&[60_000_000, 61_000_000, 3_600_000_000], 61_440_000, 3_600_000_000),
        (&[1_000_000, 172_800_000_000], 172_800_000_000, 172_800_000_000),
        (&thousand, 3_968_000, 7_552_000),
    ];
    for kind in databases() {
        for (delays, half, most) in table {
            let (store, _dir) = fresh(&kind).await;
            for (n, delay) in delays.iter().enumerate() {
                write(&store, &n.to_string(), Some(Span(*delay)), AT, Outcome::Accepted).await.unwrap();
            }
            let told = pushes::delays(&store, AT, AT).await.unwrap();
            let mut sorted: Vec<i64> = delays.iter().map(|d| (*d).max(0)).collect();
            sorted.sort_unstable();
            assert_eq!(told.count(), i64::try_from(delays.len()).unwrap(), "{kind:?}: {half}");
            assert_eq!((told.under(50), told.under(95)), (Some(Span(half)), Some(Span(most))), "{kind:?}");
            assert_eq!(told.worst, sorted.last().map(|worst| (Span(*worst), AT)), "{kind:?}: exact");
            for (percent, shown) in [(50, half), (95, most)] {
                let exact = sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)];
                assert!(exact <= shown && shown - exact <= (exact / 32).max(1_000), "{kind:?}: {exact} as {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_day_is_told_in_quarters_of_an_hour_and_only_of_what_arrived() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let (second, minute) = (Some(Span::secs(1)), Some(Span::minutes(1)));
        let earlier = AT - Span::hours(2);
        for (id, delay, at, what) in [
            ("before the first", minute, earlier - QUARTER, Outcome::Accepted),
            ("first", second, earlier, Outcome::Accepted),
            ("first, longer", Some(Span(7_654_321)), earlier + Span::secs(9), Outcome::Accepted),
            ("read back", second, AT, Outcome::Accepted),
            ("of no known cause", None, AT, Outcome::Accepted),
            ("refused", minute, AT, Outcome::Refused("no".into())),
            ("throttled", minute, AT, Outcome::Throttled("later".into())),
            ("not sent", minute, AT, Outcome::Failed("down".into())),
            ("unknown", minute, AT, Outcome::Unknown("broke off".into())),
            ("after the last", minute, AT + QUARTER, Outcome::Accepted),
        ] {
            write(&store, id, delay, at, what).await.unwrap();
        }
        let mut tx = store.begin().await.unwrap();
        pushes::confirm(&mut tx, &[("read back".into(), "place".into(), 1)], AT);
        tx.commit().await.unwrap();
        let told = pushes::delays(&store, earlier, AT).await.unwrap();
        let start = |at: Timestamp| Timestamp(at.0 / QUARTER.0 * QUARTER.0);
        assert_eq!(told.steps, [(Span(1_008_000), 2), (Span(7_680_000), 1)], "{kind:?}");
        assert_eq!(told.quarters, [(start(earlier), Span(7_654_321)), (start(AT), Span::secs(1))], "{kind:?}");
        assert_eq!(told.worst, Some((Span(7_654_321), earlier + Span::secs(9))), "{kind:?}");

        let nothing = pushes::delays(&store, AT - Span::hours(9), AT - Span::hours(8)).await.unwrap();
        assert_eq!((nothing.count(), nothing.under(50), nothing.worst), (0, None, None), "{kind:?}");

        let states = views::push_states_since(&store, AT).await.unwrap();
        let states: Vec<(&str, i64)> = states.iter().map(|(state, n)| (state.as_str(), *n)).collect();
        let expected =
            [("accepted", 2), ("confirmed", 1), ("failed", 1), ("refused", 1), ("throttled", 1), ("unknown", 1)];
        assert_eq!(states, expected, "{kind:?}");
    }
}
