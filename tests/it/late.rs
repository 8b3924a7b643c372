//! What becomes visible late, out of its order, or again: nothing is offered twice meanwhile.

use crate::desk::Desk;
use crate::shop::databases;
use crate::stage::Stage;
use truecount::domain::access::Role;
use truecount::domain::ids::PersonId;
use truecount::domain::time::Span;
use truecount::operator::{Actor, search, stock};
use truecount::rehearsal::{go_live, map_outlets};
use truecount::sim::{Habits, Options};
use truecount::store::{inbox, pushes};
use truecount::sync::schedule::Task;

/// What is due reached somebody else: we shall find it by ourselves.
fn lose_notices(stage: &Stage) {
    for delivery in stage.due() {
        stage.world.delivered(delivery.id, 200, stage.now());
    }
}

/// A signed sale with these lines, which cannot be used and is parked.
async fn park(stage: &Stage, outlet: &str, lines: &str) {
    let options = stage.world.options();
    let place = stage.world.outlets().into_iter().find(|(_, name)| name == outlet).unwrap().0;
    let payload = format!(
        r#"{{"id":"odd","version":{},"status":"CLOSED","outlet_id":"{place}","register_id":"r",
            "sale_date":"{}","invoice_number":"odd","return_for":null,"source":"USER","source_id":null,
            "register_sale_products":{lines},
            "register_sale_payments":[],"totals":{{"total_price":"0.00000","total_tax":"0.00000"}}}}"#,
        stage.world.reserve_till_version(),
        chrono::DateTime::from_timestamp_micros(stage.now().micros()).unwrap().to_rfc3339(),
    );
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("type", "sale.update").append_pair("payload", &payload);
    let body = form.finish().into_bytes();
    let headers = Desk::signature(&options.till_secret, &body);
    let received = stage.engine().receive(options.till_connection.as_str(), &headers, body.into()).await;
    assert_eq!(received.status, 200, "{}", received.reason);
    assert_eq!(inbox::parked(None, 9).ask(stage.engine().store()).await.unwrap().len(), 1);
}

/// Lets minutes pass in small steps; the web never shows more than it should.
async fn never_too_many(stage: &mut Stage, sku: &str, minutes: i64, why: &str) {
    for _ in 0..minutes * 12 {
        stage.pass(Span::secs(5)).await;
        let (shows, should) = (stage.world.shows(sku).unwrap(), stage.world.should_show(sku).unwrap());
        assert!(shows <= should, "{why}: the web shows {shows}, there are {should}");
    }
}

#[tokio::test]
async fn a_return_that_is_touched_before_we_saw_it_is_offered_once() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(6, &[]);
        let sale = stage.world.sell(&sku, &outlet, 2).unwrap();
        stage.pass(Span::minutes(4)).await;
        let back = stage.world.return_linked(&sale, &[1]).unwrap();
        stage.wait(Span::secs(4));
        // Only the count is told; the return is first seen by a sweep, when a note has raised its version.
        for delivery in stage.due() {
            if delivery.body.windows(9).any(|nine| nine == b"inventory") {
                stage.hand_over(&delivery).await;
            } else {
                stage.world.delivered(delivery.id, 200, stage.now());
            }
        }
        stage.world.edit_note(&back, "gift").unwrap();
        stage.wait(Span::secs(4));
        lose_notices(&stage);
        never_too_many(&mut stage, &sku, 8, "returned and touched").await;
        stage.pass(Span::minutes(5)).await;
        stage.assert_sound("returned and touched").await;
    }
}

#[tokio::test]
async fn what_happened_before_our_books_began_moves_nothing_when_it_is_touched() {
    for kind in databases() {
        let mut stage = Stage::open(&kind, Options::still(7, 24)).await;
        let sku = stage.world.skus().into_iter().find(|sku| stage.world.till_on_hand(sku).unwrap_or(0) >= 12).unwrap();
        let outlets = stage.world.outlets();
        let sale = outlets.iter().find_map(|(_, name)| stage.world.sell(&sku, name, 2).ok()).unwrap();
        stage.wait(Span::minutes(1));
        let back = stage.world.return_linked(&sale, &[1]).unwrap();
        stage.wait(Span::minutes(5));
        lose_notices(&stage);
        stage.connect().await;
        for document in [&sale, &back] {
            stage.world.edit_note(document, "a word for the books").unwrap();
            stage.wait(Span::secs(4));
            lose_notices(&stage);
            never_too_many(&mut stage, &sku, 4, "an old document is touched").await;
            assert_eq!(stage.world.shows(&sku), stage.world.should_show(&sku));
        }
    }
}

#[tokio::test]
async fn what_the_first_count_had_already_changes_no_balance_on_the_page() {
    let admin = Actor { person: PersonId::new("p"), name: "A person".into(), role: Role::Admin };
    for kind in databases() {
        let mut stage = Stage::open(&kind, Options::still(7, 24)).await;
        let sku = stage.world.skus().into_iter().find(|sku| stage.world.till_on_hand(sku).unwrap_or(0) >= 12).unwrap();
        let outlets = stage.world.outlets();
        let sale = outlets.iter().find_map(|(_, name)| stage.world.sell(&sku, name, 2).ok()).unwrap();
        stage.wait(Span::minutes(5));
        lose_notices(&stage);
        stage.connect().await;
        stage.world.edit_note(&sale, "a word for the books").unwrap();
        stage.pass(Span::minutes(4)).await;
        let found = search::search(stage.engine(), &admin, &sku).await.unwrap();
        let variant = found[0].href.trim_start_matches("/stock/").split('?').next().unwrap();
        let page = stock::sku(stage.engine(), &admin, variant).await.unwrap();
        let place = page.places.iter().find(|place| !place.steps.is_empty()).unwrap();
        let old = place.steps.iter().find(|step| step.what.contains("2 sold")).unwrap();
        assert!(!old.changed && old.what.contains("The till's first count had it already"), "{kind:?}: {}", old.what);
        assert!(place.steps.iter().all(|step| step.sum.till == place.sum.till), "{kind:?}: {:?}", place.steps);
        assert_eq!(place.steps.last().unwrap().sum, place.sum, "{kind:?}");
    }
}

#[tokio::test]
async fn a_rise_is_held_back_while_a_sale_that_names_it_cannot_be_used() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(4, &[]);
        let (other, other_outlet) = stage.sku(4, &[&sku]);
        // One receipt takes a unit back without naming its sale, and sells something nobody knows.
        let lines = format!(
            r#"[{{"id":"1","product_id":"{}","quantity":-1,"price":"1.00000","discount":"0","tax":"0"}},
                {{"id":"2","product_id":"nobody-knows","quantity":1,"price":"1.00000","discount":"0","tax":"0"}}]"#,
            stage.world.keys(&sku).unwrap().0,
        );
        park(&stage, &outlet, &lines).await;

        let before = [&sku, &other].map(|sku| stage.world.shows(sku).unwrap());
        stage.world.receive(&sku, &outlet, 1).unwrap();
        stage.world.receive(&other, &other_outlet, 1).unwrap();
        stage.pass(Span::minutes(30)).await;
        assert_eq!(stage.world.shows(&sku), Some(before[0]), "the unit that came back may be anybody's");
        assert_eq!(stage.world.shows(&other), Some(before[1] + 1), "what the sale does not name goes on");
        // When nobody can know any more what it said, it holds nothing back.
        let mut tx = stage.engine().store().begin().await.unwrap();
        inbox::forget_bodies(&mut tx, stage.now(), 10_000).await.unwrap();
        tx.commit().await.unwrap();
        stage.pass(Span::minutes(5)).await;
        assert_eq!(stage.world.shows(&sku), Some(before[0] + 1), "{kind:?}");
    }
}

#[tokio::test]
async fn a_sale_that_tells_nothing_holds_back_every_rise_for_a_day_and_no_longer() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(4, &[]);
        park(&stage, &outlet, r#""lines that are none""#).await;
        let before = stage.world.shows(&sku).unwrap();
        stage.world.receive(&sku, &outlet, 1).unwrap();
        stage.wait(Span::hours(20));
        stage.pass(Span::minutes(10)).await;
        assert_eq!(stage.world.shows(&sku), Some(before), "{kind:?}: it may be the return of any unit");
        stage.wait(Span::hours(5));
        stage.pass(Span::minutes(10)).await;
        assert_eq!(stage.world.shows(&sku), Some(before + 1), "{kind:?}: nobody's failure is everybody's");
    }
}

#[tokio::test]
async fn a_level_that_changed_under_its_version_is_found_by_the_full_look() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(6, &[]);
        stage.pass(Span::minutes(10)).await;
        let before = stage.world.shows(&sku).unwrap();
        stage.world.change_quietly(&sku, &outlet, -2).unwrap();
        stage.pass(Span::minutes(10)).await;
        assert_eq!(stage.world.shows(&sku), Some(before), "no change feed tells it");
        stage.wait(Span::hours(24));
        stage.pass(Span::minutes(15)).await;
        assert_eq!(stage.world.shows(&sku), Some(before - 2));
        // A pass that reads the row again anyway finds it at once.
        stage.world.sell(&sku, &outlet, 1).unwrap();
        stage.pass(Span::secs(10)).await;
        stage.world.change_quietly(&sku, &outlet, -1).unwrap();
        stage.pass(Span::minutes(10)).await;
        assert_eq!(stage.world.shows(&sku), Some(before - 4));
        stage.assert_sound("a quiet change").await;
    }
}

#[tokio::test]
async fn a_sale_that_becomes_visible_behind_a_later_one_is_found_by_a_sweep() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(6, &[]);
        let (other, other_outlet) = stage.sku(6, &[&sku]);
        let hidden = stage.world.sell(&sku, &outlet, 1).unwrap();
        stage.world.hide(&hidden, true).unwrap();
        stage.world.sell(&other, &other_outlet, 1).unwrap();
        stage.wait(Span::secs(4));
        lose_notices(&stage);
        // A sweep goes past its version.
        stage.pass(Span::secs(70)).await;
        stage.world.hide(&hidden, false).unwrap();
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound("visible late").await;
        let booked = stage.books().await.0;
        assert!(booked.keys().any(|line| line.0 == hidden), "the sale is in the books by its own name");
    }
}

#[tokio::test]
async fn what_waited_for_go_live_was_not_late() {
    for kind in databases() {
        let mut stage = Stage::open(&kind, Options::still(7, 24)).await;
        stage.pass(Span::minutes(15)).await;
        map_outlets(stage.engine(), &stage.world.web_warehouse()).await.unwrap();
        stage.pass(Span::minutes(5)).await;
        let (sku, outlet) = stage.sku(3, &[]);
        stage.world.sell(&sku, &outlet, 1).unwrap();
        stage.pass(Span::hours(5)).await;
        go_live(stage.engine()).await.unwrap();
        stage.world.go_live(stage.now());
        let live = stage.now();
        stage.pass(Span::minutes(5)).await;
        assert_eq!(stage.world.differences(), Vec::new());
        let told = pushes::delays(stage.engine().store(), live - Span::hours(1), stage.now()).await.unwrap();
        let worst = told.worst.expect("something was written").0;
        assert!(worst <= Span::minutes(5), "{kind:?}: {worst:?}");
    }
}

#[tokio::test]
async fn a_return_whose_count_is_shown_later_is_not_held_back_twice() {
    for kind in databases() {
        let habits = Habits { count_lag: Span::secs(5), ..Habits::PLAIN };
        let mut stage = Stage::open(&kind, Options { habits: Some(habits), ..Options::still(7, 24) }).await;
        stage.connect().await;
        for round in 0..8 {
            let (sku, outlet) = stage.sku(4, &[]);
            let (other, other_outlet) = stage.sku(4, &[&sku]);
            stage.pass(Span::minutes(6)).await;
            let back = stage.world.return_unlinked(&sku, &outlet, 1).unwrap();
            let sold = stage.world.sell(&other, &other_outlet, 1).unwrap();
            // The later sale is told first. Before the return is told, or after it, the stock feed is read to its end,
            // and has no count of either.
            let mut held = None;
            let mut told = false;
            while !told || held.is_none() {
                stage.wait(Span::millis(100));
                for delivery in stage.due() {
                    let names = |id: &str| delivery.body.windows(id.len()).any(|part| part == id.as_bytes());
                    if names(&back) && names("sale.update") {
                        held = Some(delivery);
                    } else {
                        told |= names(&sold);
                        stage.hand_over(&delivery).await;
                    }
                }
            }
            let held = held.unwrap();
            if round % 2 == 0 {
                stage.hand_over(&held).await;
                stage.work(40, 0, &[]).await;
            }
            for link in stage.engine().cx().links() {
                link.schedule.wake(Task::Stock, stage.now());
            }
            stage.work(40, 0, &[]).await;
            if round % 2 == 1 {
                stage.hand_over(&held).await;
                stage.work(40, 0, &[]).await;
            }
        }
        stage.pass(Span::minutes(6)).await;
        stage.assert_sound("a count shown after its return").await;
    }
}

#[tokio::test]
async fn an_old_document_in_the_same_page_does_not_make_a_sale_late() {
    for kind in databases() {
        let habits = Habits { count_lag: Span::secs(5), ..Habits::PLAIN };
        let mut stage = Stage::open(&kind, Options { habits: Some(habits), ..Options::still(7, 24) }).await;
        let sku = stage.world.skus().into_iter().find(|sku| stage.world.till_on_hand(sku).unwrap_or(0) >= 12).unwrap();
        let outlets = stage.world.outlets();
        let old = outlets.iter().find_map(|(_, name)| stage.world.sell(&sku, name, 1).ok()).unwrap();
        stage.wait(Span::hours(50));
        lose_notices(&stage);
        stage.connect().await;
        // One page of sales has both, and comes before the count: the sale is what changes the sum.
        stage.world.edit_note(&old, "a word for the books").unwrap();
        let sold = stage.now();
        outlets.iter().find_map(|(_, name)| stage.world.sell(&sku, name, 1).ok()).unwrap();
        for link in stage.engine().cx().links() {
            link.schedule.wake(Task::Sales, sold);
        }
        stage.work(40, 0, &[]).await;
        stage.pass(Span::minutes(5)).await;
        stage.assert_sound("an old document beside a sale").await;
        let told = pushes::delays(stage.engine().store(), sold, stage.now()).await.unwrap();
        let worst = told.worst.expect("the sale was written").0;
        assert!(worst <= Span::minutes(5), "{kind:?}: {worst:?}");
    }
}
