//! When each task of a connection is due. Signals make it soon; the period makes it certain.

use crate::domain::retry;
use crate::domain::time::{Span, Timestamp};
use crate::mint::Mint;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// A task of one connection. The order is the order in which due tasks of a lane run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Counts to the shop.
    Push,
    /// Reads back what was written.
    Confirm,
    /// Outlets, registers, warehouses.
    Places,
    /// Products.
    Catalogue,
    /// Till counts since a cursor.
    Stock,
    /// Till sales since a cursor.
    Sales,
    /// Web orders since a cursor.
    Orders,
    /// Sales that a return names and we do not know.
    LookUp,
    /// The shop's whole stock.
    Observe,
    /// The till's whole stock.
    Compare,
    /// Ways to pay, taxes, stores and registers.
    Masters,
    /// What of the connection works, when somebody asks.
    Trial,
    /// Notices of a crowd into the books.
    CatchUp,
}

/// The loops of a connection, so that a long read never holds up a write, nor either of them the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Everything that reads.
    Read,
    /// Push and confirm.
    Write,
    /// What calls nobody; it goes on while the connection is paused.
    Books,
}

impl Lane {
    /// All of them.
    pub const ALL: [Lane; 3] = [Lane::Read, Lane::Write, Lane::Books];
}

impl Task {
    /// Tasks of a till.
    pub const TILL: &'static [Task] = &[
        Task::Places,
        Task::Catalogue,
        Task::Stock,
        Task::Sales,
        Task::LookUp,
        Task::Compare,
        Task::Masters,
        Task::Trial,
        Task::CatchUp,
    ];
    /// Tasks of a shop.
    pub const SHOP: &'static [Task] = &[
        Task::Push,
        Task::Confirm,
        Task::Places,
        Task::Catalogue,
        Task::Orders,
        Task::Observe,
        Task::Masters,
        Task::Trial,
        Task::CatchUp,
    ];

    /// Which loop runs it.
    pub fn lane(self) -> Lane {
        match self {
            Task::Push | Task::Confirm => Lane::Write,
            Task::CatchUp => Lane::Books,
            _ => Lane::Read,
        }
    }

    /// How often it runs without any signal.
    pub fn period(self) -> Span {
        match self {
            Task::Push | Task::Confirm | Task::CatchUp => Span::secs(60),
            Task::Stock | Task::Sales | Task::Orders => Span::secs(60),
            Task::LookUp => Span::minutes(5),
            Task::Catalogue => Span::minutes(10),
            Task::Observe => Span::minutes(30),
            Task::Trial => Span::hours(1),
            Task::Places => Span::hours(6),
            Task::Compare | Task::Masters => Span::hours(24),
        }
    }

    /// The same where nobody tells us of changes: what is asked for then is all that makes us quick, and it must fit into
    /// the smallest allowance (one R-Series register: one call a second, a page of sales costs nearly two).
    fn period_untold(self) -> Span {
        match self {
            Task::Stock => Span::secs(5),
            Task::Sales => Span::secs(10),
            Task::Orders => Span::secs(15),
            Task::Catalogue => Span::minutes(3),
            other => other.period(),
        }
    }

    /// Whether nobody waits for it: it reads everything there is, and its calls leave room for those that somebody does
    /// wait for.
    pub fn can_wait(self) -> bool {
        matches!(self, Task::Catalogue | Task::Observe | Task::Compare | Task::Trial)
    }

    /// Whether it moves a mark or a cursor of its own, which says that it works.
    pub fn has_mark(self) -> bool {
        !matches!(self, Task::Confirm | Task::LookUp | Task::Trial | Task::CatchUp)
    }

    /// The feed whose mark and failures belong to it, as the database names it.
    pub fn feed(self) -> &'static str {
        match self {
            Task::Push => "push",
            Task::Confirm => "confirm",
            Task::Places => "places",
            Task::Catalogue => "catalogue",
            Task::Stock => "stock",
            Task::Sales => "sales",
            Task::Orders => "orders",
            Task::LookUp => "look up",
            Task::Observe => "web stock",
            Task::Compare => "full stock",
            Task::Masters => "masters",
            Task::Trial => "trial",
            Task::CatchUp => "catch up",
        }
    }
}

/// A clock that goes back by less is only being corrected.
const SET_BACK: Span = Span::secs(5);

/// Nothing that had to wait is tried again sooner.
const SOONEST: Span = Span::millis(20);

#[derive(Debug, Clone, Copy)]
struct Slot {
    due: Timestamp,
    failures: u32,
    /// Whether the database may still say that it fails: the last process or this one noted so.
    noted: bool,
    /// Not before this moment, whatever wakes it: a vendor or our budget said so, or it failed a moment ago.
    not_before: Timestamp,
    /// Whether that is only our own patience after a failure, which a person may cut short.
    patient: bool,
}

/// The slots of one connection.
#[derive(Debug)]
pub struct Schedule {
    /// Whether the vendor tells us of changes.
    told: bool,
    slots: Mutex<BTreeMap<Task, Slot>>,
    /// The latest moment at which somebody looked, in microseconds.
    seen: AtomicI64,
    read: Notify,
    write: Notify,
    books: Notify,
}

impl Schedule {
    /// Everything is due at once. `told` is whether the vendor sends notices.
    pub fn new(tasks: &[Task], told: bool) -> Self {
        let slot = Slot { due: Timestamp(0), failures: 0, noted: true, not_before: Timestamp(0), patient: false };
        Self {
            told,
            slots: Mutex::new(tasks.iter().map(|task| (*task, slot)).collect()),
            seen: AtomicI64::new(0),
            read: Notify::new(),
            write: Notify::new(),
            books: Notify::new(),
        }
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, BTreeMap<Task, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The signal that something in this lane became due.
    pub fn signal(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Read => &self.read,
            Lane::Write => &self.write,
            Lane::Books => &self.books,
        }
    }

    /// Makes a task due at `at`, if it was not due earlier.
    pub fn wake(&self, task: Task, at: Timestamp) {
        let mut changed = false;
        if let Some(slot) = self.slots().get_mut(&task)
            && at < slot.due
        {
            slot.due = at;
            changed = true;
        }
        if changed {
            self.signal(task.lane()).notify_one();
        }
    }

    /// A person asks for it now: our own patience after failures ends, what the other side asked for does not.
    pub fn ask(&self, task: Task, now: Timestamp) {
        if let Some(slot) = self.slots().get_mut(&task)
            && slot.patient
        {
            slot.not_before = now;
            slot.due = now;
        }
        self.wake(task, now);
        self.signal(task.lane()).notify_one();
    }

    /// The task of a lane that has been due longest at `now`; of several the first. So none that always finds work
    /// keeps the others from theirs.
    pub fn due(&self, lane: Lane, now: Timestamp) -> Option<Task> {
        self.follow_clock(now);
        self.slots()
            .iter()
            .filter(|(task, slot)| task.lane() == lane && slot.due <= now && slot.not_before <= now)
            .min_by_key(|(_, slot)| slot.due.max(slot.not_before))
            .map(|(task, _)| *task)
    }

    /// After the machine's clock was set back everything lies as far from now as it did before: nobody waits for it to
    /// catch up.
    fn follow_clock(&self, now: Timestamp) {
        let back = Timestamp(self.seen.swap(now.micros(), Ordering::SeqCst)).since(now);
        if back <= SET_BACK {
            return;
        }
        tracing::warn!(
            seconds = back.as_secs_f64(),
            "the clock of this machine was set back; what is due is due as soon as before"
        );
        for slot in self.slots().values_mut() {
            slot.due = slot.due - back;
            slot.not_before = slot.not_before - back;
        }
    }

    /// When the next task of a lane is due.
    pub fn next(&self, lane: Lane) -> Option<Timestamp> {
        self.slots().iter().filter(|(task, _)| task.lane() == lane).map(|(_, slot)| slot.due.max(slot.not_before)).min()
    }

    /// A task is about to run: a signal from now on makes it due again.
    pub fn begin(&self, task: Task, now: Timestamp) {
        if let Some(slot) = self.slots().get_mut(&task) {
            slot.due = now + if self.told { task.period() } else { task.period_untold() };
        }
    }

    /// It worked; `again` overrides its period (there is more to do, or it knows when).
    pub fn done(&self, task: Task, now: Timestamp, again: Option<Timestamp>) {
        if let Some(slot) = self.slots().get_mut(&task) {
            slot.failures = 0;
            slot.not_before = Timestamp(0);
            if let Some(at) = again {
                slot.due = slot.due.min(at.max(now));
            }
        }
    }

    /// Whether it may be noted as failing; asked once after it worked.
    pub fn take_noted(&self, task: Task) -> bool {
        self.slots().get_mut(&task).is_some_and(|slot| std::mem::take(&mut slot.noted))
    }

    /// It did not work: again when the other side allows it, or later and later.
    pub fn failed(&self, task: Task, now: Timestamp, not_before: Option<Timestamp>, mint: &Mint) {
        if let Some(slot) = self.slots().get_mut(&task) {
            let at = match not_before {
                // A moment too near is one that was rounded: asking again and again would only burn time.
                Some(at) => at.max(now + SOONEST),
                None => {
                    slot.failures = slot.failures.saturating_add(1);
                    now + retry::delay(slot.failures, mint.below(1_000))
                }
            };
            slot.noted = true;
            slot.due = at;
            slot.not_before = at;
            slot.patient = not_before.is_none();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_makes_it_soon_but_never_sooner_than_allowed() {
        let schedule = Schedule::new(Task::SHOP, true);
        let (t0, mint) = (Timestamp::from_secs(1_000), Mint::seeded(1));
        assert_eq!(schedule.due(Lane::Write, t0), Some(Task::Push), "everything is due at first, writes apart");
        assert_eq!(schedule.due(Lane::Read, t0), Some(Task::Places));
        schedule.begin(Task::Push, t0);
        schedule.failed(Task::Push, t0, Some(Timestamp::from_secs(1_030)), &mint);
        schedule.wake(Task::Push, t0);
        schedule.begin(Task::Confirm, t0);
        schedule.done(Task::Confirm, t0, None);
        assert_eq!(schedule.due(Lane::Write, Timestamp::from_secs(1_029)), None);
        assert_eq!(schedule.due(Lane::Write, Timestamp::from_secs(1_030)), Some(Task::Push));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_waiting() {
        let schedule = Schedule::new(&[Task::Orders, Task::Observe], true);
        let (t0, mint) = (Timestamp::from_secs(1_000_000), Mint::seeded(1));
        schedule.due(Lane::Read, t0);
        schedule.begin(Task::Orders, t0);
        schedule.done(Task::Orders, t0, None);
        schedule.begin(Task::Observe, t0);
        schedule.failed(Task::Observe, t0, Some(t0 + Span::secs(90)), &mint);
        let back = t0 - Span::hours(24);
        assert_eq!(schedule.due(Lane::Read, back + Span::secs(59)), None);
        assert_eq!(schedule.due(Lane::Read, back + Span::secs(119)), Some(Task::Orders), "a minute by the old clock");
        schedule.begin(Task::Orders, back + Span::secs(119));
        assert_eq!(
            schedule.due(Lane::Read, back + Span::secs(150)),
            Some(Task::Observe),
            "what was asked of us is kept"
        );
    }

    #[test]
    fn a_person_cuts_our_patience_short_and_not_the_vendors() {
        let (t0, mint) = (Timestamp::from_secs(1_000), Mint::seeded(1));
        let failed = |not_before| {
            let schedule = Schedule::new(&[Task::Orders], true);
            for _ in 0..8 {
                schedule.begin(Task::Orders, t0);
                schedule.failed(Task::Orders, t0, not_before, &mint);
            }
            schedule.wake(Task::Orders, t0);
            assert_eq!(schedule.due(Lane::Read, t0), None, "a signal waits");
            schedule.ask(Task::Orders, t0);
            schedule
        };
        assert_eq!(failed(None).due(Lane::Read, t0), Some(Task::Orders));
        let until = t0 + Span::secs(30);
        let told = failed(Some(until));
        assert_eq!((told.due(Lane::Read, t0), told.due(Lane::Read, until)), (None, Some(Task::Orders)));
    }

    #[test]
    fn a_task_that_always_finds_work_leaves_the_others_their_turn() {
        let schedule = Schedule::new(&[Task::Push, Task::Confirm], true);
        let mut ran = Vec::new();
        for second in 1_000..1_004 {
            let now = Timestamp::from_secs(second);
            let task = schedule.due(Lane::Write, now).unwrap();
            schedule.begin(task, now);
            schedule.done(task, now, Some(now));
            ran.push(task);
        }
        assert_eq!(ran, [Task::Push, Task::Confirm, Task::Push, Task::Confirm]);
    }

    #[test]
    fn a_signal_while_a_task_runs_is_not_lost() {
        let schedule = Schedule::new(&[Task::Push], true);
        let t0 = Timestamp::from_secs(1_000);
        schedule.begin(Task::Push, t0);
        schedule.wake(Task::Push, t0);
        schedule.done(Task::Push, t0, None);
        assert_eq!(schedule.due(Lane::Write, t0), Some(Task::Push));
    }
}
