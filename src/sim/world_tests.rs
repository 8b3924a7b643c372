//! What the world does, seen from outside.

use super::*;
use crate::domain::time::Span;
use crate::sim::Options;

fn still() -> World {
    World::open(Options::still(7, 40))
}

/// The first item with at least so many in both stores.
fn plenty(world: &World, at_least: i64) -> String {
    let state = world.lock();
    let found = state.sku.iter().find(|(_, i)| state.till.stock[**i].iter().all(|row| row.on_hand >= at_least));
    found.map(|(sku, _)| sku.clone()).expect("something in stock")
}

#[test]
fn the_shop_begins_equal_to_the_till() {
    let world = still();
    for sku in world.skus() {
        assert_eq!(world.shows(&sku), world.till_on_hand(&sku));
        assert_eq!(world.should_show(&sku), world.till_on_hand(&sku));
    }
    assert_eq!(world.audit().differences_open, 0);
}

#[test]
fn a_sale_lowers_the_till_and_opens_a_difference_that_a_count_closes() {
    let world = still();
    let sku = plenty(&world, 5);
    let before = world.till_on_hand(&sku).expect("known");
    let sale = world.sell(&sku, "Soho", 2).expect("in stock");
    assert_eq!(world.till_on_hand(&sku), Some(before - 2));
    assert_eq!(world.shows(&sku), Some(before));
    assert_eq!(world.differences().len(), 1);
    let moved = world.expected_movements();
    assert_eq!((moved.len(), moved[0].units, &moved[0].sale), (1, -2, &sale));
    world.advance_to(world.now() + Span::minutes(3));
    world.set_web_stock(&sku, before - 2).expect("known");
    let audit = world.audit();
    assert_eq!((audit.differences_open, audit.units_difference, audit.episodes), (0, 2, 1));
}

#[test]
fn a_difference_that_is_mended_within_the_delay_is_not_counted() {
    let world = still();
    let sku = plenty(&world, 5);
    let before = world.shows(&sku).expect("known");
    world.sell(&sku, "Soho", 1).expect("in stock");
    world.advance_to(world.now() + Span::secs(90));
    world.set_web_stock(&sku, before - 1).expect("known");
    assert_eq!(world.audit().units_difference, 0);
}

#[test]
fn a_void_takes_everything_back_and_leaves_no_movement() {
    let world = still();
    let sku = plenty(&world, 5);
    let before = world.till_on_hand(&sku);
    let sale = world.sell(&sku, "Soho", 3).expect("in stock");
    world.void(&sale).expect("closed");
    assert_eq!(world.till_on_hand(&sku), before);
    assert!(world.expected_movements().is_empty());
    assert!(world.void(&sale).is_err());
}

#[test]
fn a_partial_return_is_saved_in_full_and_closed_with_what_came_back() {
    let world = still();
    let (a, b) = (plenty(&world, 5), world.skus().into_iter().rfind(|s| world.till_on_hand(s) > Some(20)).expect("b"));
    let outlet = "King’s Cross";
    let Ok(sale) = world.sell_lines(&[(&a, 2), (&b, 1)], outlet) else { panic!("in stock") };
    let before = (world.till_on_hand(&a), world.till_on_hand(&b));
    let saved = world.begin_return(&sale).expect("closed sale");
    {
        let state = world.lock();
        let row = &state.till.sales[state.sale(&saved).expect("known")];
        assert_eq!(row.status, SAVED);
        assert_eq!(row.lines.iter().map(|l| l.quantity).collect::<Vec<_>>(), [-2, -1]);
        assert!(row.payments.is_empty());
    }
    assert_eq!((world.till_on_hand(&a), world.till_on_hand(&b)), before, "saved moves nothing");
    world.finish_return(&saved, &[1, 0]).expect("saved");
    let state = world.lock();
    let row = &state.till.sales[state.sale(&saved).expect("known")];
    assert_eq!(row.lines.iter().map(|l| l.quantity).collect::<Vec<_>>(), [-1, 0]);
    assert!(row.paid().0 < 0);
    drop(state);
    assert_eq!(world.till_on_hand(&a), before.0.map(|n| n + 1));
    assert_eq!(world.till_on_hand(&b), before.1);
    assert_eq!(world.expected_movements().iter().filter(|m| m.sale == saved).map(|m| m.units).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_return_without_a_link_is_held_until_a_person_decides() {
    let world = still();
    let sku = plenty(&world, 5);
    let before = world.should_show(&sku).expect("known");
    let back = world.return_unlinked(&sku, "Soho", 1).expect("a return");
    assert_eq!(world.till_on_hand(&sku), Some(before + 1));
    assert_eq!(world.should_show(&sku), Some(before), "on hold");
    world.release_hold(&sku, 1).expect("known");
    assert_eq!(world.should_show(&sku), Some(before + 1));
    let other = world.return_unlinked(&sku, "Soho", 1).expect("a return");
    world.void(&other).expect("closed");
    assert_eq!(world.should_show(&sku), Some(before + 1));
    assert!(world.expected_movements().iter().any(|m| m.sale == back && m.units == 1));
}

#[test]
fn an_edit_of_a_closed_sale_raises_its_version_and_moves_nothing() {
    let world = still();
    let sku = plenty(&world, 5);
    let sale = world.sell(&sku, "Soho", 1).expect("in stock");
    let (before, version) = (world.till_on_hand(&sku), world.lock().till.sales[0].version);
    world.edit_note(&sale, "gift").expect("known");
    assert_eq!(world.till_on_hand(&sku), before);
    assert!(world.lock().till.sales[0].version > version);
    assert_eq!(world.expected_movements().len(), 1);
}

#[test]
fn a_parked_sale_moves_goods_only_when_it_is_closed() {
    let world = still();
    let sku = plenty(&world, 5);
    let before = world.till_on_hand(&sku).expect("known");
    let sale = world.park(&sku, "Soho", 1).expect("parked");
    assert_eq!(world.till_on_hand(&sku), Some(before));
    world.close_parked(&sale).expect("saved");
    assert_eq!(world.till_on_hand(&sku), Some(before - 1));
}

#[test]
fn an_order_reserves_a_shipment_takes_and_a_cancellation_frees() {
    let world = still();
    let sku = plenty(&world, 5);
    let (physical, _) = world.web_stock(&sku).expect("known");
    let shipped = world.place_web_order(&[(&sku, 2)]).expect("shown");
    let cancelled = world.place_web_order(&[(&sku, 1)]).expect("shown");
    assert_eq!(world.web_stock(&sku), Some((physical, 3)));
    assert_eq!(world.should_show(&sku), Some(physical - 3));
    world.ship(shipped).expect("open");
    assert_eq!(world.web_stock(&sku), Some((physical - 2, 1)));
    assert_eq!(world.should_show(&sku), Some(physical - 3), "the till has not given them up");
    world.cancel(cancelled).expect("open");
    assert_eq!(world.web_stock(&sku), Some((physical - 2, 0)));
    assert_eq!(world.should_show(&sku), Some(physical - 2));
    assert!(world.ship(cancelled).is_err());
    assert!(world.place_web_order(&[(&sku, physical)]).is_err(), "nobody buys what is not shown");
    assert_eq!(world.audit().differences_open, 0);
}

#[test]
fn what_was_sold_in_a_store_and_then_on_the_web_is_oversold() {
    let world = still();
    let sku = plenty(&world, 1);
    let (shown, store) = (world.shows(&sku).expect("known"), "Soho");
    let there = {
        let state = world.lock();
        let item = state.item(&sku).expect("known");
        state.till.stock[item][1].on_hand
    };
    world.sell(&sku, store, there).expect("in stock");
    world.place_web_order(&[(&sku, shown)]).expect("still shown");
    assert_eq!(world.audit().oversold_units, there as u64);
}

#[test]
fn the_same_seed_plays_the_same_day_and_another_seed_another() {
    let day = |seed| {
        let world = World::open(Options { seed, ..Options::default() });
        world.advance_to(world.now() + Span::hours(24));
        (world.log_hash(), world.audit())
    };
    let (first, again, other) = (day(5), day(5), day(6));
    assert_eq!(first, again);
    assert_ne!(first.0, other.0);
    assert!(first.1.sales > 700 && first.1.sales < 1_000, "{}", first.1.sales);
    assert!((90..=140).contains(&first.1.orders), "{}", first.1.orders);
}

#[test]
fn stepping_from_event_to_event_gives_the_same_day_as_one_leap() {
    let leap = World::open(Options { skus: 60, ..Options::default() });
    let steps = World::open(Options { skus: 60, ..Options::default() });
    let end = leap.now() + Span::hours(30);
    leap.advance_to(end);
    while let Some(at) = steps.next_event_at().filter(|at| *at <= end) {
        steps.advance_to(at);
        for delivery in steps.due_deliveries(at) {
            steps.delivered(delivery.id, 200, at);
        }
    }
    assert_eq!(leap.log_hash(), steps.log_hash());
}

#[test]
fn the_auditors_books_agree_with_the_till_after_troubled_days() {
    let faults = Fault::ALL.into_iter().collect();
    let world = World::open(Options { faults, dirt_percent: 5, ..Options::default() });
    world.advance_to(world.now() + Span::hours(60));
    let state = world.lock();
    for item in 0..state.range.items.len() {
        assert_eq!(state.books.on_hand(item), state.till.on_hand(item));
        let moved: i64 = state.till.stock[item].iter().map(|row| row.on_hand).sum();
        assert_eq!(moved, state.till.on_hand(item));
        let shelf = state.web.shelf(item, 0);
        assert!(shelf.allocated >= 0 && shelf.physical >= shelf.allocated);
    }
    assert!(state.till.stock.iter().flatten().all(|row| row.on_hand >= 0), "nothing is sold below zero");
    drop(state);
    let cases = world.audit().faults_injected;
    for code in ["F01", "F02", "F03", "F07", "F08", "F09", "F10", "F13", "F16", "F17", "F18"] {
        assert!(cases.get(code).is_some_and(|n| *n >= 40), "{code}: {cases:?}");
    }
}

#[test]
fn days_follow_the_zone_of_the_store() {
    use chrono::Timelike;
    for zone in [chrono_tz::Europe::London, chrono_tz::Pacific::Auckland, chrono_tz::America::New_York] {
        let mut store = super::super::Store::new("Corner", zone, "GBP");
        store.registers = 2;
        // The last Saturday of March 2026, so that the clocks change in London on the way.
        let start = Timestamp::from_secs(1_774_656_000);
        let world =
            World::open(Options { skus: 80, stores: vec![store], start, history_percent: 0, ..Options::default() });
        world.advance_to(start + Span::hours(72));
        let state = world.lock();
        assert!(state.till.sales.len() > 1_200, "{zone}: {}", state.till.sales.len());
        for sale in &state.till.sales {
            let hour = sale.created_at.to_utc().with_timezone(&zone).hour();
            assert!((10..20).contains(&hour), "{zone}: {}", sale.created_at.rfc3339());
        }
    }
}

#[test]
fn every_lost_sale_is_labelled_with_its_goods() {
    let world = World::open(Options { faults: [Fault::F01].into(), ..Options::still(7, 40) });
    let sku = plenty(&world, 20);
    let sales: Vec<String> = (0..20).map(|_| world.sell(&sku, "Soho", 1).expect("in stock")).collect();
    let causes = world.true_causes();
    assert!(!causes.is_empty() && causes.len() < 20);
    for cause in causes {
        assert_eq!((cause.sku.as_str(), cause.units, cause.fault), (sku.as_str(), 1, "F01"));
        assert!(cause.sale.is_some_and(|sale| sales.contains(&sale)));
    }
}

fn with(habits: Habits) -> World {
    World::open(Options { habits: Some(habits), ..Options::still(7, 120) })
}

#[test]
fn an_order_may_wait_for_its_units_and_the_shop_may_show_them_meanwhile() {
    let world = still();
    let sku = plenty(&world, 5);
    let item = world.lock().item(&sku).expect("known");
    let n = world.till_on_hand(&sku).expect("known");
    let number = world.lock().order_with(&[(item, 2)], false).expect("shown");
    let shelf = |world: &World| {
        let shelf = world.lock().web.shelf(item, 0);
        (shelf.physical, shelf.allocated, shelf.demand, shelf.available())
    };
    assert_eq!(shelf(&world), (n, 0, 2, n - 2));
    assert_eq!(world.should_show(&sku), Some(n - 2));
    assert_eq!(world.differences(), Vec::new(), "whether they are still shown is open, so neither is wrong");
    world.set_web_stock(&sku, n - 2).expect("known");
    assert_eq!(world.differences(), Vec::new(), "nor is it wrong to take them off by hand");
    world.set_web_stock(&sku, n - 3).expect("known");
    assert_eq!(world.differences()[0].shows, n - 3);
    world.set_web_stock(&sku, n).expect("known");
    world.lock().allocate(number);
    assert_eq!(shelf(&world), (n, 2, 0, n - 2));
    assert_eq!(world.differences(), Vec::new());
    world.ship(number).expect("open");
    assert_eq!(shelf(&world), (n - 2, 0, 0, n - 2));
    let cancelled = world.lock().order_with(&[(item, 1)], false).expect("shown");
    world.cancel(cancelled).expect("open");
    assert_eq!(shelf(&world), (n - 2, 0, 0, n - 2));
    let straight = world.lock().order_with(&[(item, 1)], false).expect("shown");
    world.ship(straight).expect("open");
    assert_eq!(shelf(&world), (n - 3, 0, 0, n - 3), "a shipment takes what it needs");
    assert_eq!(world.differences(), Vec::new());
}

#[test]
fn an_order_may_change_again_within_the_second_in_which_it_was_placed() {
    let world = World::open(Options {
        habits: Some(Habits { hasty_percent: 50, unallocated_percent: 20, ..Habits::PLAIN }),
        history_percent: 0,
        ..Options::default()
    });
    world.advance_to(world.now() + Span::hours(24));
    let state = world.lock();
    let same_second = |o: &&super::super::web::Order| o.updated_at.secs() == o.created_at.secs();
    let cancelled = state.web.orders.iter().filter(same_second).filter(|o| o.status == CANCELLED).count();
    let edited = state.web.orders.iter().filter(|o| o.lines.iter().any(|line| line.cancelled > 0)).count();
    assert!(cancelled > 10 && edited > 10, "{cancelled} {edited}");
    for item in 0..state.range.items.len() {
        let of = |allocated: bool| -> i64 {
            let open = state.web.orders.iter().filter(|o| o.open() && o.allocated == allocated);
            open.flat_map(|o| &o.lines).filter(|line| line.item == item).map(|line| line.units).sum()
        };
        let shelf = state.web.shelf(item, 0);
        assert_eq!((shelf.allocated, shelf.demand), (of(true), of(false)), "{item}");
    }
}

#[test]
fn a_size_that_was_never_counted_has_no_row_until_it_is() {
    let world = with(Habits { rows_missing: true, ..Habits::PLAIN });
    let missing: Vec<usize> = {
        let state = world.lock();
        let shelves = state.shelves();
        (0..state.range.items.len()).filter(|item| !shelves.contains(item)).collect()
    };
    let state = world.lock();
    assert!(missing.iter().any(|item| state.till.on_hand(*item) > 0), "goods that the shop does not know of");
    assert!(missing.iter().all(|item| state.web.shelf(*item, 0).physical == 0 && !state.web.shelf(*item, 1).listed));
    let item = missing.iter().copied().find(|item| state.till.on_hand(*item) > 0).expect("one");
    let sku = state.range.items[item].sku.clone();
    drop(state);
    assert_eq!(world.differences().len(), missing.iter().filter(|i| world.lock().till.on_hand(**i) > 0).count());
    world.set_web_stock(&sku, 3).expect("known");
    assert!(world.lock().shelves().contains(&item));
    assert_eq!(still().lock().shelves().len(), 40, "elsewhere every size has its row");
}

#[test]
fn healing_is_measured_from_the_evidence_on() {
    let world = still();
    let sku = plenty(&world, 5);
    world.go_live(world.now());
    let item = world.lock().item(&sku).expect("known");
    let (product, shown) = (item, world.shows(&sku).expect("known"));
    let tell_counts = |world: &World| {
        let mut state = world.lock();
        let now = state.now;
        let rows: Vec<(i64, i64)> = state.till.stock[product].iter().map(|row| (row.version, row.on_hand)).collect();
        for (outlet, (version, on_hand)) in rows.into_iter().enumerate() {
            let count = super::super::auditor::Knowledge::Count { item: product, outlet, version, on_hand };
            state.books.told(&count, now);
        }
    };
    tell_counts(&world);
    assert_eq!(world.audit().heal_p95, None, "nothing has differed yet");
    world.sell(&sku, "Soho", 1).expect("in stock");
    world.advance_to(world.now() + Span::minutes(40));
    tell_counts(&world);
    world.advance_to(world.now() + Span::secs(7));
    world.set_web_stock(&sku, shown - 1).expect("known");
    assert_eq!(world.audit().heal_p95, Some(Span::secs(7)));
    // Somebody's hand in the shop is no evidence before the shop has been read.
    world.advance_to(world.now() + Span::minutes(1));
    world.set_web_stock(&sku, shown + 4).expect("known");
    world.advance_to(world.now() + Span::minutes(9));
    let mut state = world.lock();
    let now = state.now;
    state.books.told(&super::super::auditor::Knowledge::Shelf { item }, now);
    drop(state);
    world.advance_to(world.now() + Span::secs(20));
    world.set_web_stock(&sku, shown - 1).expect("known");
    assert_eq!(world.audit().heal_p95, Some(Span::secs(20)));
}
