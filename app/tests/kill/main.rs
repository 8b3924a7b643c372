//! The real program under load, ended by force again and again: nothing lost, nothing twice, every difference heals.
//!
//! The two vendors are simulated in this process and served over real HTTP on loopback; the program runs as a child
//! on its own database file. It is killed at random instants, and at the worst one: when the shop has done what it
//! was asked and the answer is on its way. Every third time the notices come as a crowd, which is kept first and counted
//! after, and the end comes while that goes on. `TRUECOUNT_KILLS` sets how often (8 unless told otherwise).
#![cfg(feature = "ssr")]

mod house;
mod vendors;

use house::House;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::time::Duration;
use vendors::Street;

/// Between two things that happen at the tills and in the shop; most bring two notices.
const BEAT: Duration = Duration::from_millis(40);

/// Notices that make a crowd in any case.
const CROWD: usize = 100;

/// How long anything may take that we wait for.
const PATIENCE: Duration = Duration::from_secs(40);

fn kills() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, which is no setting of the program")]
    let told = std::env::var("TRUECOUNT_KILLS").ok();
    told.and_then(|told| told.parse().ok()).unwrap_or(8)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_loses_nothing_and_does_nothing_twice() {
    let mut chance = ChaCha12Rng::seed_from_u64(29);
    let mut street = Street::open(29).await;
    let house = House::build(&street).await;
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut in_the_act, mut in_a_crowd) = (0, 0);
    for kill in 0..kills() {
        street.send_in(house.start().await);
        house.ready(PATIENCE).await;
        // Every other time the shop pulls the plug itself, between doing what it was asked and answering.
        let after: u32 = chance.random_range(10..60);
        let limit = if kill % 2 == 0 { after } else { street.kill_at_next_write(after) };
        let mut beats = 0;
        if kill % 3 == 1 {
            // Nobody brings anything for a while, and then everything at once.
            for _ in 0..30 {
                beat.tick().await;
                (0..5).for_each(|_| street.live_a_little(&mut chance));
            }
            in_a_crowd += u32::from(street.bring_notices(house.door()) >= CROWD);
            beats = limit.saturating_sub(chance.random_range(0..8));
        }
        while beats < limit && street.alive() {
            beat.tick().await;
            street.live_a_little(&mut chance);
            street.bring_notices(house.door());
            beats += 1;
        }
        if !street.alive() {
            in_the_act += 1;
        }
        street.kill().await;
    }
    assert!(in_the_act > 0 && in_a_crowd > 0, "no write was ever cut short, or nobody ever crowded");
    street.bring_the_rest().await;
    let counted = street.audit();
    assert!(counted.notices > 20 * u64::from(kills()), "hardly any load: {} notices", counted.notices);
    assert!(counted.rows_written > u64::from(kills()), "hardly any writes: {}", counted.rows_written);

    house.settle_in_this_process(&street, PATIENCE).await;
    let audit = street.audit();
    assert_eq!((audit.surplus_effects, audit.differences_open), (0, 0));
    #[expect(clippy::print_stderr, reason = "how much this run has proved belongs beside its verdict")]
    {
        eprintln!(
            "{} kills, {in_the_act} of them in a write, {in_a_crowd} after a crowd; {} notices, {} movements, {} counts written; nothing lost, nothing twice",
            kills(),
            audit.notices,
            audit.movements,
            audit.rows_written
        );
    }
}
