//! Runs tasks: the only file of the engine that sleeps and spawns.
//!
//! [`step`] runs one due task of a lane; rehearsals and tests call it with a clock moved by hand. [`run`] is the
//! same with real timers and signals.

use super::cx::{Cx, Link, Side, TaskError};
use super::intake::chain;
use super::schedule::{Lane, Task};
use super::sweep::Next;
use super::{catch_up, confirm, house, masters, problems, push, refusals, sweep, trial};
use crate::connectors::error::CallErrorKind;
use crate::connectors::pacing::patiently;
use crate::domain::time::{Span, Timestamp};
use crate::store::StoreError;
use futures_util::FutureExt;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The longest sleep: a clock that was set does not leave a loop asleep.
const NAP_MAX: Span = Span::secs(30);

/// Whether a person paused what this lane does: no vendor is called then, and our own books go on.
pub(crate) fn rests(link: &Link, lane: Lane) -> bool {
    lane != Lane::Books && link.paused.load(Ordering::SeqCst)
}

/// Runs the first due task of a lane; returns whether there was one. A panic in it goes on to the caller.
pub async fn step(cx: &Cx, link: &Arc<Link>, lane: Lane) -> bool {
    let Some(task) = begin(cx, link, lane) else { return false };
    attempt(cx, link, task).await;
    true
}

/// The same as [`step`], as the running program does it: a task that panics ends neither its lane nor the process. It
/// is a failure like another, tried again later and later, and a problem if it goes on.
pub async fn step_in_a_net(cx: &Cx, link: &Arc<Link>, lane: Lane) -> bool {
    let Some(task) = begin(cx, link, lane) else { return false };
    if caught(attempt(cx, link, task)).await.is_none() {
        let now = cx.now();
        cx.broken.fetch_add(1, Ordering::SeqCst);
        cx.stuck.note(&link.id, task.feed(), true, now);
        link.schedule.failed(task, now, None, &cx.mint);
        tracing::error!(connection.id = %link.id, task = task.feed(), "a task panicked; it is tried again");
    }
    true
}

/// What a future gives, or `None` when it panicked. What it held is let go of: a unit of work is taken back.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// The first due task of a lane, from here on under way.
fn begin(cx: &Cx, link: &Link, lane: Lane) -> Option<Task> {
    let now = cx.now();
    if rests(link, lane) {
        return None;
    }
    let task = link.schedule.due(lane, now)?;
    link.schedule.begin(task, now);
    Some(task)
}

/// Runs a task and writes down what came of it.
async fn attempt(cx: &Cx, link: &Arc<Link>, task: Task) {
    let work = run_task(cx, link, task);
    match if task.can_wait() { patiently(work).await } else { work.await } {
        Ok(next) => {
            let now = cx.now();
            cx.stuck.note(&link.id, task.feed(), false, now);
            let again = match next {
                Next::Later => None,
                Next::Again => Some(now),
                Next::At(at) => Some(at),
            };
            link.schedule.done(task, now, again);
            if !task.has_mark()
                && link.schedule.take_noted(task)
                && let Err(error) = sweep::note_success(cx, link, task).await
            {
                tracing::error!(connection.id = %link.id, error = %chain(&error), "that a task works again could not be noted");
            }
        }
        Err(error) => {
            let now = cx.now();
            let not_before = match &error {
                TaskError::Call(call) => call.not_before(),
                TaskError::Store(_) => {
                    cx.broken.fetch_add(1, Ordering::SeqCst);
                    None
                }
            };
            link.schedule.failed(task, now, not_before, &cx.mint);
            match &error {
                TaskError::Call(call) if call.not_before().is_some() => {
                    tracing::debug!(connection.id = %link.id, task = task.feed(), "waiting for the allowance");
                }
                error => {
                    tracing::warn!(connection.id = %link.id, task = task.feed(), error = %chain(error), "a task did not work");
                }
            }
            // Our own budget is no failure of anybody's.
            let paced = matches!(&error, TaskError::Call(call) if matches!(call.kind, CallErrorKind::Paced { .. }));
            // Nor is our own database the vendor's: its mark says nothing of it.
            let ours = matches!(error, TaskError::Store(_));
            cx.stuck.note(&link.id, task.feed(), ours, now);
            if task != Task::Push
                && !paced
                && !ours
                && let Err(second) = sweep::note_failure(cx, link, task, &error).await
            {
                tracing::error!(connection.id = %link.id, error = %chain(&second), "a failure could not be noted");
            }
        }
    }
}

/// Boxed, so that the futures of all tasks do not nest into one type.
fn run_task<'a>(
    cx: &'a Cx,
    link: &'a Arc<Link>,
    task: Task,
) -> Pin<Box<dyn Future<Output = Result<Next, TaskError>> + Send + 'a>> {
    Box::pin(async move {
        if task == Task::CatchUp {
            return Ok(catch_up::catch_up(cx, link).await?);
        }
        if task == Task::Trial {
            return trial::run(cx, link).await;
        }
        if task == Task::Masters {
            return masters::read(cx, link).await;
        }
        if task.lane() == Lane::Read
            && let Some(later) = catch_up::puts_off(cx, link)
        {
            return Ok(Next::At(later));
        }
        match &link.side {
            Side::Till(till) => match task {
                Task::Places => sweep::outlets(cx, link, till.as_ref()).await,
                Task::Catalogue => sweep::till_catalogue(cx, link, till.as_ref()).await,
                Task::Stock => sweep::stock(cx, link, till.as_ref()).await,
                Task::Sales => sweep::sales(cx, link, till.as_ref()).await,
                Task::LookUp => sweep::look_up(cx, link, till.as_ref()).await,
                Task::Compare => sweep::compare(cx, link, till.as_ref()).await,
                Task::Push
                | Task::Confirm
                | Task::Orders
                | Task::Observe
                | Task::Masters
                | Task::Trial
                | Task::CatchUp => Ok(Next::Later),
            },
            Side::Shop(shop) => match task {
                Task::Push => push::push(cx, link, shop.as_ref()).await,
                Task::Confirm => confirm::confirm(cx, link, shop.as_ref()).await,
                Task::Places => sweep::warehouses(cx, link, shop.as_ref()).await,
                Task::Catalogue => sweep::shop_catalogue(cx, link, shop.as_ref()).await,
                Task::Orders => sweep::orders(cx, link, shop.as_ref()).await,
                Task::Observe => confirm::observe(cx, link, shop.as_ref()).await,
                Task::Stock
                | Task::Sales
                | Task::LookUp
                | Task::Compare
                | Task::Masters
                | Task::Trial
                | Task::CatchUp => Ok(Next::Later),
            },
        }
    })
}

/// A task of the house with its period and the next moment it is due.
pub struct HouseWork {
    problems: Timestamp,
    seal: Timestamp,
    forget: Timestamp,
    parked: Timestamp,
    /// Whether a panic is caught, as the running program does; rehearsals and tests want to see it.
    net: bool,
}

impl Default for HouseWork {
    fn default() -> Self {
        let due = Timestamp(0);
        Self { problems: due, seal: due, forget: due, parked: due, net: false }
    }
}

impl HouseWork {
    /// As the running program does it: a task that panics does not keep the others from their turn.
    pub fn in_a_net() -> Self {
        Self { net: true, ..Self::default() }
    }

    /// When the next one is due.
    pub fn next(&self) -> Timestamp {
        self.problems.min(self.seal).min(self.forget).min(self.parked)
    }

    /// Runs what is due.
    pub async fn step(&mut self, cx: &Cx) {
        let now = cx.now();
        if cx.look_again.take() || self.problems <= now {
            self.problems = now + Span::secs(30);
            let counting = async {
                refusals::flush(cx).await;
                Ok(())
            };
            self.run(cx, "refusals", counting).await;
            self.run(cx, "problems", problems::refresh(cx)).await;
        }
        if self.seal <= now {
            self.seal = now + Span::minutes(1);
            self.run(cx, "seal", house::seal_writes(cx)).await;
        }
        if self.parked <= now {
            self.parked = now + Span::minutes(5);
            for link in cx.links() {
                self.run(cx, "parked", house::retry_parked(cx, &link)).await;
            }
        }
        if self.forget <= now {
            self.forget = now + Span::hours(1);
            self.run(cx, "forget", house::forget(cx)).await;
        }
    }

    async fn run(&self, cx: &Cx, task: &'static str, work: impl Future<Output = Result<(), StoreError>>) {
        let ended = if self.net { caught(work).await } else { Some(work.await) };
        cx.stuck.note("", task, !matches!(ended, Some(Ok(()))), cx.now());
        if matches!(ended, Some(Ok(()))) {
            return;
        }
        cx.broken.fetch_add(1, Ordering::SeqCst);
        match ended {
            Some(Err(error)) => tracing::warn!(task, error = %chain(&error), "a task did not work"),
            _ => tracing::error!(task, "a task panicked; it is tried again"),
        }
    }
}

/// Runs every lane of every connection and the house's own tasks until `stop` turns true. Tasks under way are
/// finished.
pub async fn run(cx: Arc<Cx>, mut stop: watch::Receiver<bool>) {
    let mut loops = JoinSet::new();
    {
        let (cx, stop) = (Arc::clone(&cx), stop.clone());
        loops.spawn(async move { house_loop(&cx, stop).await });
    }
    let mut running: HashSet<String> = HashSet::new();
    loop {
        for link in cx.links() {
            if running.insert(link.id.clone()) {
                for lane in Lane::ALL {
                    let (cx, link, stop) = (Arc::clone(&cx), Arc::clone(&link), stop.clone());
                    loops.spawn(async move { lane_loop(&cx, &link, lane, stop).await });
                }
            }
        }
        tokio::select! {
            () = cx.added.notified() => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    while loops.join_next().await.is_some() {}
}

async fn lane_loop(cx: &Cx, link: &Arc<Link>, lane: Lane, mut stop: watch::Receiver<bool>) {
    loop {
        // Registered before looking, so that no signal between looking and sleeping is lost.
        let signal = link.schedule.signal(lane).notified();
        tokio::pin!(signal);
        signal.as_mut().enable();
        if *stop.borrow() || cx.link(&link.id).is_none() {
            return;
        }
        if step_in_a_net(cx, link, lane).await {
            continue;
        }
        let now = cx.now();
        let until = link.schedule.next(lane).filter(|_| !rests(link, lane)).map_or(NAP_MAX, |at| at.since(now));
        let nap = Span(until.0.clamp(1_000, NAP_MAX.0));
        tokio::select! {
            () = signal => {}
            () = tokio::time::sleep(nap.to_std()) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn house_loop(cx: &Cx, mut stop: watch::Receiver<bool>) {
    let mut work = HouseWork::in_a_net();
    loop {
        work.step(cx).await;
        let nap = Span(work.next().since(cx.now()).0.clamp(1_000, NAP_MAX.0));
        tokio::select! {
            () = cx.look_again.asked() => {}
            () = tokio::time::sleep(nap.to_std()) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    // Nobody comes by later to write down what waits.
    refusals::flush(cx).await;
}
