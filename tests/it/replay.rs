//! The same day told twice, shuffled, newest first, cut short by crashes and over a broken wire: the same books.

use crate::shop::{Kind, databases};
use crate::stage::{Books, Stage};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;
use truecount::domain::time::Span;
use truecount::sim::{Options, Vendor, WireFault, World};
use truecount::sync::schedule::Lane;

/// One thing that somebody does.
type Step = Box<dyn FnMut(&World) + Send>;

/// What happens in the shop and at the till; each step of a scenario one second after the last.
struct Scenario {
    name: &'static str,
    steps: Vec<Step>,
}

/// Every scenario, for these SKUs at this outlet. Ids that one step makes are handed to the next by `said`.
fn scenarios(a: &str, b: &str, outlet: &str) -> Vec<Scenario> {
    let (a, b, outlet) = (a.to_owned(), b.to_owned(), outlet.to_owned());
    let said = || std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let number = || std::sync::Arc::new(std::sync::Mutex::new(0_i64));
    let sell = |keep: std::sync::Arc<std::sync::Mutex<String>>| -> Step {
        let (a, outlet) = (a.clone(), outlet.clone());
        Box::new(move |world| *keep.lock().unwrap() = world.sell(&a, &outlet, 2).unwrap())
    };
    let order = |keep: std::sync::Arc<std::sync::Mutex<i64>>| -> Step {
        let (a, b) = (a.clone(), b.clone());
        Box::new(move |world| *keep.lock().unwrap() = world.place_web_order(&[(&a, 1), (&b, 1)]).unwrap())
    };
    let mut list = Vec::new();
    list.push(Scenario { name: "sale", steps: vec![sell(said())] });
    let (sku, place) = (a.clone(), outlet.clone());
    list.push(Scenario {
        name: "return without a link",
        steps: vec![Box::new(move |world| drop(world.return_unlinked(&sku, &place, 1).unwrap()))],
    });
    let (sale, back) = (said(), said());
    let (from, to) = (sale.clone(), back.clone());
    list.push(Scenario {
        name: "linked return, saved and closed",
        steps: vec![
            sell(sale),
            Box::new(move |world| *to.lock().unwrap() = world.begin_return(&from.lock().unwrap()).unwrap()),
            Box::new(move |world| world.finish_return(&back.lock().unwrap(), &[1]).unwrap()),
        ],
    });
    let sale = said();
    let from = sale.clone();
    list.push(Scenario {
        name: "void",
        steps: vec![sell(sale), Box::new(move |world| world.void(&from.lock().unwrap()).unwrap())],
    });
    let sale = said();
    let (from, back, out) = (sale.clone(), a.clone(), b.clone());
    list.push(Scenario {
        name: "exchange",
        steps: vec![
            sell(sale),
            Box::new(move |world| drop(world.exchange(&from.lock().unwrap(), &back, &out).unwrap())),
        ],
    });
    for (name, ship) in [("order shipped", true), ("order cancelled", false)] {
        let placed = number();
        let known = placed.clone();
        list.push(Scenario {
            name,
            steps: vec![
                order(placed),
                Box::new(move |world| {
                    let number = *known.lock().unwrap();
                    if ship { world.ship(number).unwrap() } else { world.cancel(number).unwrap() }
                }),
            ],
        });
    }
    list
}

/// How the postman comes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Once,
    Twice,
    Shuffled(u64),
    NewestFirst,
    Never,
}

async fn play(kind: &Kind, way: Way) -> Vec<Books> {
    let mut stage = Stage::live(kind).await;
    let (a, outlet) = stage.sku(9, &[]);
    let (b, _) = stage.sku(9, &[&a]);
    stage.pass(Span::minutes(3)).await;
    let mut books = Vec::new();
    for scenario in scenarios(&a, &b, &outlet) {
        for mut step in scenario.steps {
            step(&stage.world);
            stage.wait(Span::secs(1));
        }
        stage.wait(Span::secs(4));
        let mut due = stage.due();
        match way {
            Way::Once | Way::Never => {}
            Way::Twice => due = due.iter().flat_map(|delivery| [delivery.clone(), delivery.clone()]).collect(),
            Way::Shuffled(seed) => due.shuffle(&mut ChaCha12Rng::seed_from_u64(seed)),
            Way::NewestFirst => due.reverse(),
        }
        if !matches!(way, Way::Never) {
            for delivery in &due {
                stage.hand_over(delivery).await;
            }
        }
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?} {} {way:?}", scenario.name)).await;
        books.push(stage.books().await);
    }
    books
}

#[tokio::test]
async fn notices_twice_shuffled_backwards_or_never_end_in_the_same_books() {
    for kind in databases() {
        let once = play(&kind, Way::Once).await;
        assert_eq!(once.len(), 7);
        for way in [Way::Twice, Way::Shuffled(1), Way::Shuffled(2), Way::NewestFirst, Way::Never] {
            assert_eq!(play(&kind, way).await, once, "{kind:?} {way:?}");
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_moment_loses_nothing_and_does_nothing_twice() {
    for (kind, seeds) in databases().into_iter().zip([0..14_u64, 0..2]) {
        for seed in seeds {
            // Every other seed lets go of reads as well.
            let cut: &[Lane] = if seed % 2 == 0 { &[Lane::Write] } else { &[Lane::Write, Lane::Read] };
            let mut chance = ChaCha12Rng::seed_from_u64(seed);
            let mut stage = Stage::live(&kind).await;
            let (a, outlet) = stage.sku(3, &[]);
            let (b, _) = stage.sku(3, &[&a]);
            for mut scenario in scenarios(&a, &b, &outlet) {
                for step in &mut scenario.steps {
                    step(&stage.world);
                    stage.wait(Span::millis(chance.random_range(500..5_000)));
                    for delivery in stage.due() {
                        if chance.random_bool(0.7) {
                            stage.hand_over(&delivery).await;
                        }
                    }
                    stage.work(chance.random_range(1..6), chance.random_range(0..12), cut).await;
                    stage.crash().await;
                }
            }
            stage.pass(Span::minutes(40)).await;
            let why = format!("{kind:?} seed {seed}");
            match seed % 2 {
                0 => stage.assert_sound(&why).await,
                _ => stage.assert_whole(&why).await,
            }
        }
    }
}

#[tokio::test]
async fn a_write_over_a_broken_wire_has_one_effect() {
    let faults = [
        WireFault::LoseAnswer,
        WireFault::ErrorAfterActing,
        WireFault::LoseRequest,
        WireFault::NotConnected,
        WireFault::Empty,
        WireFault::Truncated,
        WireFault::WebPage,
        WireFault::Throttle(Span::secs(90)),
    ];
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        for fault in faults {
            for times in [1, 3] {
                let (sku, outlet) = stage.sku(1, &[]);
                stage.pass(Span::minutes(5)).await;
                let before = (stage.world.audit().rows_written, stage.world.shows(&sku).unwrap());
                stage.world.sell(&sku, &outlet, 1).unwrap();
                for _ in 0..times {
                    stage.world.inject(Vendor::Centra, fault);
                }
                stage.pass(Span::minutes(45)).await;
                let why = format!("{kind:?} {fault:?} × {times}");
                assert_eq!(stage.world.shows(&sku).unwrap(), before.1 - 1, "{why}");
                assert_eq!(stage.world.audit().rows_written, before.0 + 1, "{why}: written once");
                stage.assert_sound(&why).await;
            }
        }
    }
}

#[tokio::test]
async fn a_crash_between_write_and_answer_is_looked_up_and_not_sent_again() {
    for kind in databases() {
        for polls in [1, 4, 8, 12, 16, 24] {
            let mut stage = Stage::live(&kind).await;
            let (sku, outlet) = stage.sku(1, &[]);
            stage.pass(Span::minutes(5)).await;
            let before = stage.world.audit().rows_written;
            stage.world.sell(&sku, &outlet, 1).unwrap();
            stage.wait(Span::secs(3));
            for delivery in stage.due() {
                stage.hand_over(&delivery).await;
            }
            stage.work(1, polls, &[Lane::Write]).await;
            stage.crash().await;
            stage.pass(Span::minutes(30)).await;
            assert_eq!(stage.world.audit().rows_written, before + 1, "{kind:?} after {polls} waits");
            stage.assert_sound(&format!("{kind:?} after {polls} waits")).await;
        }
    }
}

#[tokio::test]
async fn a_sale_to_be_looked_up_is_not_forgotten_by_a_crash() {
    for kind in databases() {
        let mut stage = Stage::open(&kind, Options::still(7, 24)).await;
        let (sku, outlet) = stage.sku(1, &[]);
        let sale = stage.world.sell(&sku, &outlet, 1).unwrap();
        stage.wait(Span::minutes(1));
        let lost = stage.due();
        assert!(!lost.is_empty(), "its notices never reach us");
        stage.connect().await;
        stage.world.return_linked(&sale, &[1]).unwrap();
        stage.wait(Span::secs(4));
        for delivery in stage.due() {
            stage.hand_over(&delivery).await;
        }
        stage.crash().await;
        stage.pass(Span::minutes(30)).await;
        assert_eq!(stage.world.differences(), Vec::new(), "{kind:?}: the unit is sellable again");
    }
}

#[tokio::test]
async fn a_return_to_be_held_is_not_sold_behind_a_sale_that_nobody_told_us() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(5, &[]);
        stage.pass(Span::minutes(3)).await;
        let before = stage.world.shows(&sku).unwrap();
        for step in 0..2 {
            match step {
                0 => drop(stage.world.sell(&sku, &outlet, 2).unwrap()),
                _ => drop(stage.world.return_unlinked(&sku, &outlet, 1).unwrap()),
            }
            stage.wait(Span::secs(4));
            for delivery in stage.due() {
                // The counts come, the documents do not.
                if String::from_utf8_lossy(&delivery.body).contains("inventory.update") {
                    stage.hand_over(&delivery).await;
                }
            }
            stage.work(4, 0, &[]).await;
            assert_eq!(stage.world.shows(&sku).unwrap(), before - 2, "{kind:?} step {step}");
        }
        stage.pass(Span::minutes(10)).await;
        stage.assert_sound(&format!("{kind:?}")).await;
    }
}
