//! Seeded days against the truth: a fixed sample of what `cargo xtask soak` runs at length.

use crate::shop::{databases, fresh};
use std::time::Instant;
use truecount::clock::Clock;
use truecount::domain::time::Span;
use truecount::rehearsal::{Rehearsal, RehearsalError, Report, SETTLING, parse_faults};
use truecount::sim::{Fault, Options};

async fn rehearse(kind: &crate::shop::Kind, seed: u64, skus: usize, hours: i64, faults: &str) -> Report {
    let (store, _dir) = fresh(kind).await;
    let options =
        Options { seed, skus, faults: parse_faults(faults).unwrap().into_iter().collect(), ..Options::default() };
    let began = Instant::now();
    let mut rehearsal = Rehearsal::on(options, store).await.unwrap();
    let report = rehearsal.rehearse(hours, || began.elapsed().as_secs_f64()).await.unwrap();
    assert_eq!(rehearsal.unsound().await.unwrap(), Vec::<String>::new(), "seed {seed}");
    report
}

#[tokio::test]
async fn notices_lost_doubled_late_and_a_busy_shop_change_nothing_in_the_end() {
    for kind in databases() {
        for seed in [11, 12] {
            let report = rehearse(&kind, seed, 120, 12, "F01,F02,F03,F05").await;
            assert_eq!(
                (report.lost, report.applied_twice, report.differences_open, report.unsafe_writes, report.early_calls),
                (0, 0, 0, 0, 0),
                "{report:?}"
            );
            assert_eq!((report.false_watermarks, report.units_explained), (Some(0), None), "{report:?}");
            assert!(report.heal_p95_s.is_some_and(|seconds| seconds > 0.0), "{report:?}");
            assert!((1..=report.hand_changes).contains(&report.unexplained_lines), "{report:?}");
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_report_and_its_hours_begin_when_a_place_goes_live() {
    let kind = databases().into_iter().next().unwrap();
    let mut reports = Vec::new();
    for _ in 0..2 {
        let (store, _dir) = fresh(&kind).await;
        let start = Options::default().start + Span::hours(11);
        let options = Options { seed: 5, skus: 60, start, faults: [Fault::F01].into(), ..Options::default() };
        let mut rehearsal = Rehearsal::on(options, store).await.unwrap();
        reports.push(rehearsal.rehearse(2, || 0.0).await.unwrap());
        let (now, rehearsed) = (rehearsal.clock.now(), Span::hours(2));
        assert!(now > start + rehearsed + SETTLING, "the time that connecting took is no trade");
    }
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0].simulated_s, 7_200);
}

#[tokio::test]
async fn two_of_one_sku_on_different_pages_are_not_linked() {
    // This range has a SKU twice in the till, the second one on the second page.
    let kind = databases().into_iter().next().unwrap();
    let report = rehearse(&kind, 411, 500, 1, "").await;
    assert_eq!((report.unsafe_writes, report.differences_open), (0, 0), "{:?}", report.unsafe_described);
}

#[tokio::test]
async fn a_database_that_is_in_use_is_not_rehearsed_on() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let first = Rehearsal::on(Options { skus: 5, ..Options::default() }, store.clone()).await;
        assert!(first.is_ok(), "{kind:?}");
        let again = Rehearsal::on(Options { skus: 5, ..Options::default() }, store).await;
        assert!(matches!(again, Err(RehearsalError::Used)), "{kind:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("somebody.db");
    std::fs::write(&file, "not ours").unwrap();
    let url = format!("sqlite://{}", file.display());
    assert!(matches!(Rehearsal::open(Options::default(), &url).await, Err(RehearsalError::Used)));
    assert_eq!(std::fs::read(&file).unwrap(), b"not ours", "and it was not touched");
}
