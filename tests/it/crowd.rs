//! Many notices at once: each is answered when it is kept, the books follow in larger steps, and nothing else of that
//! till goes into the books before them.

use crate::shop::databases;
use crate::stage::Stage;
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use truecount::domain::time::Span;
use truecount::sim::{Habits, Options};
use truecount::store::inbox;
use truecount::sync::cx::Link;
use truecount::sync::driver::{self, HouseWork};
use truecount::sync::schedule::{Lane, Task};

/// A live shop after two busy hours of which we heard nothing, and its till.
async fn busy(kind: &crate::shop::Kind, seed: u64) -> (Stage, Arc<Link>) {
    let start = Options::default().start + Span::hours(9);
    let plain = Options { history_percent: 0, habits: Some(Habits::PLAIN), ..Options::default() };
    let options = Options { seed, start, skus: 80, sales_per_day: 2_400, ..plain };
    let mut stage = Stage::open(kind, options.clone()).await;
    stage.connect().await;
    stage.wait(Span::hours(2));
    let till = stage.engine().cx().link(options.till_connection.as_str()).unwrap();
    (stage, till)
}

/// Hands all notices over at the same time, the first of them twice; returns how many there were.
async fn rush(stage: &Stage) -> usize {
    let due = stage.due();
    join_all(due.iter().chain(due.iter().take(20)).map(|delivery| stage.hand_over(delivery))).await;
    due.len()
}

#[tokio::test]
async fn each_of_a_crowd_is_answered_when_it_is_kept_and_counted_once() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 41).await;
        let rushed = rush(&stage).await;
        assert!(rushed > 150, "{kind:?}: only {rushed} notices are no crowd");
        let waiting = till.behind.records();
        assert!(waiting > 100, "{kind:?}: {waiting} of {rushed} wait for the books");
        // They are kept, repeats apart, before they are in the books.
        let counts = inbox::notice_counts(stage.now() - Span::hours(1)).ask(stage.engine().store()).await.unwrap();
        let repeated = counts.iter().find(|(_, what, _)| what == "repeated").map_or(0, |(_, _, n)| *n);
        assert!(repeated >= 10, "{kind:?}: {repeated} repeats were seen");
        stage.pass(Span::secs(1)).await;
        assert_eq!(till.behind.records(), 0, "{kind:?}: the books follow within a second");
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?}, crowd")).await;
    }
}

#[tokio::test]
async fn a_count_waits_for_what_was_kept_of_it_a_moment_ago() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 46).await;
        let due = stage.due();
        // The first come one by one and are in the books at once; of the others, which name the same goods, each is kept.
        let (first, crowd) = due.split_at(due.len() / 4);
        for delivery in first {
            stage.hand_over(delivery).await;
        }
        join_all(crowd.iter().map(|delivery| stage.hand_over(delivery))).await;
        assert!(till.behind.records() > 100, "{kind:?}: {} wait", till.behind.records());
        let shop = stage.engine().cx().links().into_iter().find(|link| link.is_shop()).unwrap();
        let written = stage.world.audit().rows_written;
        while driver::step(stage.engine().cx(), &shop, Lane::Write).await {}
        assert_eq!(stage.world.audit().rows_written, written, "{kind:?}: nothing is written that is about to change");
        // The books follow, and the counts at once after them.
        while driver::step(stage.engine().cx(), &till, Lane::Books).await {}
        stage.wait(Span::millis(100));
        while driver::step(stage.engine().cx(), &till, Lane::Books).await {}
        assert_eq!(till.behind.records(), 0, "{kind:?}");
        while driver::step(stage.engine().cx(), &shop, Lane::Write).await {}
        assert!(stage.world.audit().rows_written > written, "{kind:?}: the counts are written");
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?}, counts and crowd")).await;
    }
}

#[tokio::test]
async fn a_crowd_that_does_not_end_keeps_no_count_from_the_shop() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 47).await;
        let due = stage.due();
        let (first, crowd) = due.split_at(due.len() / 4);
        for delivery in first {
            stage.hand_over(delivery).await;
        }
        join_all(crowd.iter().map(|delivery| stage.hand_over(delivery))).await;
        assert!(till.behind.records() > 100, "{kind:?}");
        let shop = stage.engine().cx().links().into_iter().find(|link| link.is_shop()).unwrap();
        let written = stage.world.audit().rows_written;
        // The books do not get their turn.
        stage.wait(Span::secs(3));
        while driver::step(stage.engine().cx(), &shop, Lane::Write).await {}
        assert!(stage.world.audit().rows_written > written, "{kind:?}: the wait has an end");
        stage.pass(Span::minutes(10)).await;
        stage.assert_whole(&format!("{kind:?}, endless crowd")).await;
    }
}

#[tokio::test]
async fn what_waits_for_the_books_outlives_the_process() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 42).await;
        rush(&stage).await;
        let waiting = till.behind.records();
        assert!(waiting > 100, "{kind:?}: {waiting}");
        let id = till.id.clone();
        // With its keeper of keys it holds the database of the process that ends.
        drop(till);
        stage.crash().await;
        let again = stage.engine().cx().link(&id).unwrap();
        assert_eq!(again.behind.records(), waiting, "{kind:?}: known after the start");
        stage.settle().await;
        assert_eq!(again.behind.records(), 0, "{kind:?}: in the books at once");
        stage.pass(Span::minutes(10)).await;
        stage.assert_whole(&format!("{kind:?}, crowd and crash")).await;
    }
}

#[tokio::test]
async fn a_sweep_comes_after_what_waits() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 43).await;
        let before = stage.books().await.0.len();
        rush(&stage).await;
        assert!(till.behind.records() > 100, "{kind:?}");
        for task in [Task::Stock, Task::Sales] {
            till.schedule.wake(task, stage.now());
        }
        // Only the sweeps run, and the crowd is not over.
        while driver::step(stage.engine().cx(), &till, Lane::Read).await {}
        assert_eq!(till.behind.records(), 0, "{kind:?}: what came first is in the books first");
        assert!(stage.books().await.0.len() > before + 50, "{kind:?}");
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?}, crowd and sweep")).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_no_books() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 45).await;
        rush(&stage).await;
        assert!(till.behind.records() > 100, "{kind:?}");
        let before = stage.now();
        stage.clock.set(before - Span::hours(1));
        while driver::step(stage.engine().cx(), &till, Lane::Books).await {}
        assert_eq!(till.behind.records(), 0, "{kind:?}: what was noted an hour ahead counts as past");
        stage.clock.set(before);
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?}, crowd and clock")).await;
    }
}

#[tokio::test]
async fn a_paused_till_is_not_called_and_its_notices_are_counted() {
    for kind in databases() {
        let (mut stage, till) = busy(&kind, 44).await;
        let calls = stage.world.audit().calls;
        rush(&stage).await;
        assert!(till.behind.records() > 100, "{kind:?}");
        for link in stage.engine().cx().links() {
            link.paused.store(true, Ordering::SeqCst);
        }
        let mut house = HouseWork::default();
        house.step(stage.engine().cx()).await;
        let due = stage.engine().next_due(&house);
        assert!(due <= stage.now() + Span::secs(1), "{kind:?}: the books are due although everything is paused");
        stage.wait(Span::secs(1));
        while driver::step(stage.engine().cx(), &till, Lane::Books).await {}
        assert_eq!(till.behind.records(), 0, "{kind:?}: the books go on");
        assert!(!driver::step(stage.engine().cx(), &till, Lane::Read).await, "{kind:?}: nothing is read");
        assert_eq!(stage.world.audit().calls, calls, "{kind:?}");
        for link in stage.engine().cx().links() {
            link.paused.store(false, Ordering::SeqCst);
        }
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?}, crowd and pause")).await;
    }
}
