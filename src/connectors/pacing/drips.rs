//! A bucket that leaks: every call pours its cost in, the bucket drips out so much a second, and who finds it full is
//! refused (R-Series). Costs, size and drip have fractions, and the vendor prints its level in every answer.
//!
//! Two levels are kept. *Ours* is what we have poured ourselves, leaking at our share of the drip: it keeps the share.
//! *Theirs* is the vendor's own figure, with what is on its way to it: it makes us step back when others pour too. A
//! second limiter counts calls in each second of the vendor's clock; half of it in any second of ours is safe whatever
//! the two clocks and the network do.

use super::{Allowance, kept_of, percent};
use crate::domain::time::{Span, Timestamp};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The part of the bucket and of its drip that we use. The rest is for whoever else works with the same application.
pub const SHARE_PERCENT: i64 = 80;

/// The part of the bucket that a call may fill when it finishes what another has begun: dropping the first for the
/// want of the second would pay twice.
const FOLLOW_UP_PERCENT: i64 = 95;

/// One drip, in the parts we count with: costs come in tenths, levels with a dozen decimals.
pub const DRIP: i64 = 1_000_000;

/// How many calls a second the vendor takes, as a part of the bucket's size. UNSURE: it says "a fraction", and its
/// example shows 20 for a bucket of 90. An answer that names the figure replaces it.
pub const BURST_OF: (i64, i64) = (20, 90);

/// After this long a call that brought no answer has leaked out of the vendor's bucket in any case.
const LOST_AFTER: Span = Span::minutes(3);

const SECOND: Span = Span::secs(1);

/// A moment that lies so far before the last one tells of a clock that was set back, not of two callers at once.
const SET_BACK: Span = Span::secs(5);

/// The vendor's rule for the size of the bucket, in [`DRIP`]s.
pub const fn size_for(registers: u32) -> i64 {
    let more = registers.saturating_sub(1) as i64;
    (90 + 10 * more) * DRIP
}

/// The vendor's rule for the drip in a second, in [`DRIP`]s.
pub const fn drip_for(registers: u32) -> i64 {
    let more = registers.saturating_sub(1) as i64;
    DRIP + more * (DRIP / 2)
}

/// What an answer says about the bucket, all in [`DRIP`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// How full it is; may stand above the size.
    pub level: Option<i64>,
    /// How much it holds.
    pub size: Option<i64>,
    /// What leaks in a second.
    pub drip: Option<i64>,
    /// What this call has cost.
    pub cost: Option<i64>,
    /// Calls that one second takes (a plain number).
    pub burst: Option<i64>,
}

/// The bucket of one account.
#[derive(Debug)]
pub struct Drips {
    state: Mutex<State>,
    unpaced: bool,
}

#[derive(Debug)]
struct State {
    size: i64,
    drip: i64,
    /// Whether the vendor itself named size and drip; then our own sum of registers no longer matters.
    told: bool,
    burst: Option<i64>,
    burst_of: (i64, i64),
    ours: Level,
    theirs: Level,
    /// When the call was sent whose answer told `theirs`.
    told_by: Timestamp,
    /// Calls without an answer yet: when, and what they pour in.
    on_the_way: VecDeque<(Timestamp, i64)>,
    /// The calls of the last second.
    sent: VecDeque<Timestamp>,
    drained_at: Option<Timestamp>,
    blocked_until: Option<Timestamp>,
}

/// A level with the part of a unit that has leaked already, so that looking often loses nothing.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    units: i64,
    part: i128,
}

impl Level {
    fn drain(&mut self, per_second: i64, elapsed: Span) {
        let leaked = self.part + i128::from(per_second) * i128::from(elapsed.0);
        self.part = leaked % 1_000_000;
        self.units = self.units.saturating_sub(i64::try_from(leaked / 1_000_000).unwrap_or(i64::MAX)).max(0);
        if self.units == 0 {
            self.part = 0;
        }
    }
}

impl Drips {
    /// An empty bucket with the allowance of an account with one register, the smallest there is. `burst_of` is the part
    /// of its size that a second takes ([`BURST_OF`]). `unpaced` never refuses (for measuring everything else).
    pub fn new(unpaced: bool, burst_of: (i64, i64)) -> Self {
        let state = State {
            size: size_for(1),
            drip: drip_for(1),
            told: false,
            burst: None,
            burst_of,
            ours: Level::default(),
            theirs: Level::default(),
            told_by: Timestamp(0),
            on_the_way: VecDeque::new(),
            sent: VecDeque::new(),
            drained_at: None,
            blocked_until: None,
        };
        Self { state: Mutex::new(state), unpaced }
    }

    /// Pours a call in, or says when it may be made.
    pub fn try_take(&self, now: Timestamp, cost: i64) -> Result<(), Timestamp> {
        self.take(now, cost, SHARE_PERCENT, 50, true)
    }

    /// The same for a call that finishes what another has begun: it may draw on the reserve and leaves us in debt.
    pub fn follow_up(&self, now: Timestamp, cost: i64) -> Result<(), Timestamp> {
        self.take(now, cost, FOLLOW_UP_PERCENT, 75, false)
    }

    fn take(&self, now: Timestamp, cost: i64, part: i64, burst_part: i64, keep_share: bool) -> Result<(), Timestamp> {
        if self.unpaced {
            return Ok(());
        }
        let mut state = self.lock();
        state.drain(now);
        if let Some(until) = state.blocked_until.filter(|until| *until > now) {
            return Err(until);
        }
        let cost = cost.max(0);
        let room = percent(state.size, part);
        let room = room - kept_of(room);
        let on_the_way: i64 = state.on_the_way.iter().map(|(_, cost)| cost).sum();
        let mut at = now;
        if keep_share {
            at = at.max(waits(now, state.ours.units, cost, room, percent(state.drip, SHARE_PERCENT)));
        }
        at = at.max(waits(now, state.theirs.units.saturating_add(on_the_way), cost, room, state.drip));
        at = at.max(state.burst_allows(now, burst_part));
        if at > now {
            return Err(at);
        }
        state.ours.units = state.ours.units.saturating_add(cost);
        state.on_the_way.push_back((now, cost));
        state.sent.push_back(now);
        Ok(())
    }

    /// A call was answered, or will not be: what it was taken for, and what the answer says.
    pub fn learn(&self, sent_at: Timestamp, now: Timestamp, taken: i64, seen: Seen) {
        let mut state = self.lock();
        state.drain(now);
        let sent = state.on_the_way.iter().position(|one| *one == (sent_at, taken));
        if let Some(index) = sent {
            state.on_the_way.remove(index);
        }
        if let Some(size) = seen.size.filter(|size| *size >= DRIP) {
            state.size = size;
            state.told = true;
        }
        if let Some(drip) = seen.drip.filter(|drip| *drip > 0) {
            state.drip = drip;
        }
        state.burst = seen.burst.filter(|burst| *burst > 0).or(state.burst);
        if let Some(cost) = seen.cost.filter(|cost| (0..=1_000 * DRIP).contains(cost)) {
            state.ours.units = state.ours.units.saturating_add(cost - taken).max(0);
        }
        match seen.level.filter(|level| *level >= 0) {
            // An answer to an earlier call does not know of the later one.
            Some(level) if sent_at < state.told_by => state.theirs.units = state.theirs.units.max(level),
            Some(level) => {
                state.theirs = Level { units: level, part: 0 };
                state.told_by = sent_at;
            }
            None => state.theirs.units = state.theirs.units.saturating_add(taken),
        }
    }

    /// How many registers the account has; used until the vendor names size and drip itself.
    pub fn registers(&self, count: u32) {
        let mut state = self.lock();
        if !state.told {
            (state.size, state.drip) = (size_for(count.max(1)), drip_for(count.max(1)));
        }
    }

    /// The vendor refused: nothing is called before this moment.
    pub fn block(&self, until: Timestamp) {
        let mut state = self.lock();
        state.blocked_until = state.blocked_until.max(Some(until));
    }

    /// What is left, in whole drips, as we count it.
    pub fn allowance(&self, at: Timestamp) -> Allowance {
        let mut state = self.lock();
        state.drain(at);
        let limit = percent(state.size, SHARE_PERCENT);
        let blocked_until = state.blocked_until.filter(|until| *until > at);
        let level = state.ours.units.max(state.theirs.units);
        let empty_at = waits(at, level, limit, limit, percent(state.drip, SHARE_PERCENT));
        Allowance {
            limit: limit / DRIP,
            left: if blocked_until.is_some() { 0 } else { (limit - level).max(0) / DRIP },
            refills_at: blocked_until.or(Some(empty_at)).filter(|until| *until > at),
            blocked_until,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a level has leaked so far that `cost` fits into `room`. What is dearer than the room waits until it is empty.
fn waits(now: Timestamp, level: i64, cost: i64, room: i64, per_second: i64) -> Timestamp {
    let over = level.saturating_sub(room.saturating_sub(cost).max(0));
    if over <= 0 {
        return now;
    }
    let micros = i128::from(over) * 1_000_000 / i128::from(per_second.max(1)) + 1;
    now + Span(i64::try_from(micros).unwrap_or(i64::MAX))
}

impl State {
    fn drain(&mut self, now: Timestamp) {
        let last = self.drained_at.unwrap_or(now);
        let back = last.since(now);
        if back > SET_BACK {
            // Everything lies as far from now as it did before.
            for at in self.on_the_way.iter_mut().map(|(at, _)| at).chain(&mut self.sent) {
                *at = *at - back;
            }
            self.told_by = self.told_by - back;
            self.blocked_until = self.blocked_until.map(|until| until - back);
            self.drained_at = Some(now);
            return;
        }
        let elapsed = Span(now.since(last).0.max(0));
        self.ours.drain(percent(self.drip, SHARE_PERCENT), elapsed);
        self.theirs.drain(self.drip, elapsed);
        self.drained_at = Some(last.max(now));
        self.on_the_way.retain(|(at, _)| now.since(*at) < LOST_AFTER);
        self.sent.retain(|at| now.since(*at) < SECOND);
    }

    fn burst_allows(&self, now: Timestamp, part: i64) -> Timestamp {
        let (top, of) = self.burst_of;
        let by_size = i64::try_from(i128::from(self.size) * i128::from(top) / i128::from(of.max(1)) / i128::from(DRIP));
        let most = percent(self.burst.unwrap_or(by_size.unwrap_or(1)), part).max(1);
        let over = i64::try_from(self.sent.len()).unwrap_or(i64::MAX) + 1 - most;
        let freed_by = usize::try_from(over - 1).ok().and_then(|index| self.sent.get(index));
        freed_by.map_or(now, |at| *at + SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    const T0: Timestamp = Timestamp::from_secs(1_770_000_000);

    fn drips() -> Drips {
        Drips::new(false, BURST_OF)
    }

    /// Takes until it is told to wait, answering each call at once as an account of our own would.
    fn take_all(drips: &Drips, now: Timestamp, cost: i64) -> usize {
        let mut taken = 0;
        while drips.try_take(now, cost).is_ok() {
            drips.lock().sent.clear();
            taken += 1;
        }
        taken
    }

    #[test]
    fn four_fifths_of_a_one_register_bucket_and_of_its_drip() {
        let drips = drips();
        assert_eq!(drips.allowance(T0).limit, 72);
        assert_eq!(take_all(&drips, T0, DRIP), 72);
        let Err(until) = drips.try_take(T0, DRIP) else { panic!("it was full") };
        assert!(until > T0 + Span::secs(1) && until <= T0 + Span::millis(1_251), "{}", until.since(T0).0);
        drips.lock().on_the_way.clear();
        assert_eq!(take_all(&drips, T0 + Span::secs(100), DRIP), 72);
    }

    #[test]
    fn fractions_of_a_drip_are_neither_lost_nor_gained() {
        let drips = drips();
        assert_eq!(take_all(&drips, T0, DRIP * 22 / 10), 32);
        let mut state = drips.lock();
        (state.ours, state.drip) = (Level { units: 100 * DRIP, part: 0 }, DRIP * 3 / 2);
        let before = state.ours.units;
        for step in 1..=200_000 {
            state.drain(T0 + Span(step));
        }
        // A fifth of a second at four fifths of one and a half.
        assert_eq!(before - state.ours.units, 240_000);
    }

    #[test]
    fn registers_widen_it_until_the_vendor_names_its_figures() {
        assert_eq!((size_for(3), drip_for(3)), (110 * DRIP, 2 * DRIP));
        let drips = drips();
        drips.registers(3);
        assert_eq!(drips.allowance(T0).limit, 88);
        let seen = Seen { size: Some(180 * DRIP), drip: Some(DRIP * 3 / 2), level: Some(0), ..Seen::default() };
        drips.learn(T0, T0, 0, seen);
        drips.registers(9);
        assert_eq!(drips.allowance(T0).limit, 144);
    }

    #[test]
    fn what_others_pour_in_makes_us_step_back() {
        let drips = drips();
        assert_eq!(drips.try_take(T0, DRIP), Ok(()));
        drips.learn(T0, T0, DRIP, Seen { level: Some(70 * DRIP), ..Seen::default() });
        assert_eq!(take_all(&drips, T0, DRIP), 2);
        // Above our part of the bucket nothing is ours.
        drips.learn(T0, T0, DRIP, Seen { level: Some(DRIP * 9257 / 100), ..Seen::default() });
        let Err(until) = drips.try_take(T0, DRIP) else { panic!("others have filled it") };
        assert!(until >= T0 + Span::secs(21), "{}", until.since(T0).0);
    }

    #[test]
    fn an_answer_corrects_what_a_call_was_taken_for() {
        let drips = drips();
        assert_eq!(drips.try_take(T0, DRIP), Ok(()));
        drips.learn(T0, T0, DRIP, Seen { cost: Some(10 * DRIP), level: Some(10 * DRIP), ..Seen::default() });
        assert_eq!(drips.allowance(T0).left, 62);
    }

    #[test]
    fn what_finishes_a_call_may_draw_on_the_reserve() {
        let drips = drips();
        take_all(&drips, T0, DRIP);
        assert!(drips.try_take(T0, DRIP).is_err());
        assert_eq!(drips.follow_up(T0, 2 * DRIP), Ok(()));
        let Err(until) = drips.try_take(T0, DRIP) else { panic!("in debt") };
        assert!(until >= T0 + Span::millis(3_750), "the debt is paid off: {}", until.since(T0).0);
        assert!(drips.follow_up(T0, 20 * DRIP).is_err(), "and never fills the vendor's bucket");
    }

    #[test]
    fn a_second_takes_so_many_calls() {
        let drips = drips();
        for _ in 0..10 {
            assert_eq!(drips.try_take(T0, 1), Ok(()));
        }
        assert_eq!(drips.try_take(T0 + Span::millis(400), 1), Err(T0 + SECOND));
        assert_eq!(drips.try_take(T0 + SECOND, 1), Ok(()));
        drips.learn(T0, T0, 1, Seen { burst: Some(40), ..Seen::default() });
        for _ in 0..19 {
            assert_eq!(drips.try_take(T0 + SECOND, 1), Ok(()));
        }
        assert!(drips.try_take(T0 + SECOND, 1).is_err());
    }

    #[test]
    fn a_refusal_is_obeyed_to_the_moment_and_a_clock_set_back_does_not_silence_us() {
        let drips = drips();
        drips.block(T0 + Span::secs(3));
        assert_eq!(drips.try_take(T0, 1), Err(T0 + Span::secs(3)));
        assert_eq!(drips.follow_up(T0, 1), Err(T0 + Span::secs(3)));
        assert_eq!(drips.allowance(T0).blocked_until, Some(T0 + Span::secs(3)));
        assert_eq!(drips.try_take(T0 + Span::secs(3), 1), Ok(()));
        take_all(&drips, T0 + Span::secs(3), DRIP);
        let Err(until) = drips.try_take(T0 - Span::hours(5) + Span::secs(4), DRIP) else { panic!("it was full") };
        assert!(until <= T0 - Span::hours(5) + Span::secs(8));
        let unpaced = Drips::new(true, BURST_OF);
        unpaced.block(T0 + Span::hours(1));
        assert_eq!(unpaced.try_take(T0, 1_000_000 * DRIP), Ok(()));
    }

    /// The vendor's rule, in its own words: it drips, a full bucket refuses, what overflows it is still allowed; and so
    /// many calls in each second of its clock.
    struct Vendor {
        level: f64,
        size: f64,
        drip: f64,
        at: Timestamp,
        second: (i64, i64),
    }

    impl Vendor {
        fn asked(&mut self, at: Timestamp, cost: i64) -> Result<i64, &'static str> {
            self.level = (self.level - self.drip * at.since(self.at).as_secs_f64()).max(0.0);
            self.at = at;
            let calls = if self.second.0 == at.secs() { self.second.1 + 1 } else { 1 };
            self.second = (at.secs(), calls);
            if calls > (self.size * 20.0 / 90.0).floor() as i64 {
                return Err("burst");
            }
            if self.level >= self.size {
                return Err("bucket");
            }
            self.level += cost as f64 / DRIP as f64;
            Ok((self.level * DRIP as f64) as i64)
        }
    }

    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Event {
        Ready(usize),
        Arrives(usize, Timestamp, i64),
        Answered(usize, Timestamp, i64, i64),
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn alone_we_are_never_refused_and_use_nine_tenths_of_our_share(
            registers in 1_u32..6,
            workers in 1_usize..5,
            delays in prop::collection::vec(5_i64..400, 50),
            costs in prop::collection::vec(10_i64..=50, 50),
            headers in any::<bool>(),
        ) {
            let drips = drips();
            drips.registers(registers);
            let (size, drip) = (size_for(registers) as f64 / DRIP as f64, drip_for(registers) as f64 / DRIP as f64);
            let mut vendor = Vendor { level: 0.0, size, drip, at: T0, second: (0, 0) };
            let mut events: BinaryHeap<Reverse<(Timestamp, Event)>> =
                (0..workers).map(|worker| Reverse((T0, Event::Ready(worker)))).collect();
            let (length, mut n, mut poured) = (Span::secs(300), 0, 0_i64);
            while let Some(Reverse((now, event))) = events.pop() {
                if now > T0 + length {
                    break;
                }
                n += 1;
                let delay = Span::millis(delays[n % delays.len()]);
                match event {
                    Event::Ready(worker) => {
                        let cost = costs[n % costs.len()] * DRIP / 10;
                        match drips.try_take(now, cost) {
                            Ok(()) => events.push(Reverse((now + delay, Event::Arrives(worker, now, cost)))),
                            Err(until) => {
                                prop_assert!(until > now);
                                events.push(Reverse((until, Event::Ready(worker))));
                            }
                        }
                    }
                    Event::Arrives(worker, sent, cost) => {
                        let level = vendor.asked(now, cost);
                        prop_assert!(level.is_ok(), "{level:?} at {}", now.since(T0).as_secs_f64());
                        poured += cost;
                        let level = level.unwrap_or_default();
                        events.push(Reverse((now + delay, Event::Answered(worker, sent, cost, level))));
                    }
                    Event::Answered(worker, sent, cost, level) => {
                        let level = headers.then_some(level);
                        drips.learn(sent, now, cost, Seen { level, cost: Some(cost), ..Seen::default() });
                        events.push(Reverse((now, Event::Ready(worker))));
                    }
                }
            }
            let share = (size + drip * length.as_secs_f64()) * 0.8;
            let used = poured as f64 / DRIP as f64;
            prop_assert!(used >= share * 0.9, "{used} of {share}");
        }
    }
}
