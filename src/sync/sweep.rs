//! Sweeps: read a feed from its cursor, keep what came, move the mark when the end is reached.

use super::apply::{Applied, Incoming, Origin, apply};
use super::catch_up;
use super::confirm;
use super::cx::{Cx, Link, Side, TaskError, keep_evidence};
use super::house;
use super::schedule::Task;
use super::settle::{fold_open_counts, levels, settle_pending, take_over_levels};
use super::shipped;
use crate::connectors::{Answer, Page, Record, Shop, Till};
use crate::domain::time::{Span, Timestamp};
use crate::domain::trail::Trail;
use crate::store::feeds::Feed;
use crate::store::inbox::{self, NewRecord};
use crate::store::question::Questions;
use crate::store::{StoreError, Tx, connections, feeds};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// How soon a till is taken to show what it has recorded: later is found by the next pass, and was not claimed.
const VISIBLE_WITHIN: Span = Span::secs(10);

/// What a task says when it worked: whether to come back at once, or at a moment it knows.
pub(super) enum Next {
    /// By its period.
    Later,
    /// There is more.
    Again,
    /// At this moment.
    At(Timestamp),
}

fn incoming(cx: &Cx, link: &Link, record: Record, now: Timestamp) -> Incoming {
    link.saw(record.version);
    Incoming {
        record: NewRecord {
            id: cx.mint.id(now),
            connection: link.id.clone(),
            kind: record.kind.to_owned(),
            external_id: record.external_id,
            version: record.version,
            by_notice: false,
            raw: record.raw,
            received_at: now,
        },
        facts: record.facts.map_err(|unreadable| unreadable.reason),
    }
}

fn simple(cx: &Cx, link: &Link, rows: Vec<Record>, now: Timestamp) -> Vec<Incoming> {
    rows.into_iter().map(|row| incoming(cx, link, row, now)).collect()
}

/// One page of a feed kept and applied; the cursor moves with it. At the end `finish` moves the mark.
struct PageRead<'a> {
    cx: &'a Cx,
    link: &'a Arc<Link>,
    feed: &'static str,
    cursor: String,
    /// Where earlier passes ended.
    trail: String,
    asked_at: Timestamp,
    /// The highest version known before the page was asked for: nothing ordered up to it is missing at the end.
    highest: i64,
    /// Up to when the feed was known.
    read_up_to: Timestamp,
    /// The feed has never been read to its end.
    first_pass: bool,
}

impl<'a> PageRead<'a> {
    async fn begin(cx: &'a Cx, link: &'a Arc<Link>, task: Task) -> Result<PageRead<'a>, StoreError> {
        let state = feeds::get(&cx.store, &link.id, task.feed()).await?;
        Ok(Self::from(cx, link, task, state))
    }

    /// The same for what says nothing before another feed of the connection has been read to its end once: that one
    /// comes with it, and `None` is for when it has not.
    async fn begin_after(
        cx: &'a Cx,
        link: &'a Arc<Link>,
        task: Task,
        before: Task,
    ) -> Result<Option<(PageRead<'a>, Feed)>, StoreError> {
        let mut questions = Questions::default();
        let before = questions.add(feeds::state(&link.id, before.feed()));
        let own = questions.add(feeds::state(&link.id, task.feed()));
        let answers = questions.ask(&cx.store).await?;
        let before = answers.take(before)?;
        if before.read_up_to == Timestamp(0) {
            return Ok(None);
        }
        Ok(Some((Self::from(cx, link, task, answers.take(own)?), before)))
    }

    fn from(cx: &'a Cx, link: &'a Arc<Link>, task: Task, state: Feed) -> Self {
        Self {
            cx,
            link,
            feed: task.feed(),
            cursor: state.cursor,
            trail: state.trail,
            asked_at: cx.now(),
            highest: link.highest.load(Ordering::SeqCst),
            read_up_to: state.read_up_to,
            first_pass: state.read_up_to == Timestamp(0),
        }
    }

    /// Up to when a till is known: what was recorded a moment before we asked may not have been visible yet.
    fn certain(&self) -> Timestamp {
        self.asked_at - VISIBLE_WITHIN
    }

    fn cursor(&self) -> Option<&str> {
        (!self.cursor.is_empty()).then_some(self.cursor.as_str())
    }

    /// The whole pass tells only what stood there when it began.
    fn pass_began(&mut self, began: Option<Timestamp>) {
        self.asked_at = began.map_or(self.asked_at, |began| began.min(self.asked_at));
    }

    /// Applies the rows and moves the cursor; the transaction is still open for what the end of the feed adds.
    async fn keep(
        &self,
        rows: Vec<Incoming>,
        next: Option<&str>,
        resume: Option<&str>,
    ) -> Result<(Tx, Applied), StoreError> {
        let now = self.cx.now();
        let warehouse = self.link.default_warehouse();
        let origin = Origin { connection: &self.link.id, default_warehouse: &warehouse };
        let mut tx = catch_up::begin(self.cx, self.link).await?;
        let rows: Vec<&Incoming> = rows.iter().collect();
        let applied = if rows.is_empty() { Applied::default() } else { apply(&mut tx, origin, &rows, now).await? };
        feeds::advance(&mut tx, &self.link.id, self.feed, next.or(resume).unwrap_or(""), now);
        if let (None, Some(end), Side::Till(_)) = (next, resume, &self.link.side) {
            let mut trail = Trail::parse(&self.trail);
            let start = trail.ended(self.asked_at, end);
            feeds::rest(&mut tx, &self.link.id, self.feed, &start, &trail.to_text());
        }
        Ok((tx, applied))
    }
}

/// Outlets of a till.
pub(super) async fn outlets(cx: &Cx, link: &Arc<Link>, till: &dyn Till) -> Result<Next, TaskError> {
    let Answer { value: outlets, .. } = till.outlets().await?;
    let now = cx.now();
    let feeding = feeding(cx, link).await?;
    let mut tx = cx.store.begin().await?;
    for outlet in outlets {
        let row = connections::OutletRow {
            id: cx.mint.id(now),
            connection: link.id.clone(),
            outlet: outlet.key.as_str().to_owned(),
            name: outlet.name,
            zone: outlet.zone.unwrap_or_default(),
            place: String::new(),
            registers: i64::from(outlet.registers),
        };
        connections::keep_outlet(&mut tx, &row, &outlet.currency.unwrap_or_default(), outlet.archived).await?;
    }
    feeds::mark(&mut tx, &link.id, Task::Places.feed(), 0, now, now);
    tx.commit().await?;
    if self::feeding(cx, link).await? != feeding {
        // One that feeds a place was closed, or opened again.
        house::retarget_all(cx).await?;
    }
    Ok(Next::Later)
}

/// The open outlets of a till that feed a place.
async fn feeding(cx: &Cx, link: &Link) -> Result<BTreeSet<String>, StoreError> {
    let outlets = connections::outlets(&cx.store).await?.into_iter();
    Ok(outlets.filter(|o| o.connection == link.id && !o.place.is_empty()).map(|o| o.id).collect())
}

/// Warehouses of a shop.
pub(super) async fn warehouses(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let Answer { value: warehouses, .. } = shop.warehouses().await?;
    let now = cx.now();
    let mut tx = cx.store.begin().await?;
    for place in warehouses {
        connections::keep_place(&mut tx, &cx.mint.id(now), &link.id, place.key.as_str(), &place.name, place.archived)
            .await?;
    }
    feeds::mark(&mut tx, &link.id, Task::Places.feed(), 0, now, now);
    tx.commit().await?;
    house::refresh_default_warehouse(cx, link).await?;
    Ok(Next::Later)
}

/// A page of a till's products.
pub(super) async fn till_catalogue(cx: &Cx, link: &Arc<Link>, till: &dyn Till) -> Result<Next, TaskError> {
    let read = PageRead::begin(cx, link, Task::Catalogue).await?;
    let Page { rows, next, resume, .. } = till.products_after(read.cursor()).await?.value;
    let rows = simple(cx, link, rows, cx.now());
    catalogue_page(cx, link, read, rows, next, resume).await
}

/// A page of a shop's products: a record is one product with all its sizes.
pub(super) async fn shop_catalogue(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    let mut read = PageRead::begin(cx, link, Task::Catalogue).await?;
    let Page { rows, next, resume, began } = shop.products_after(read.cursor()).await?.value;
    read.pass_began(began);
    let rows = simple(cx, link, rows, cx.now());
    catalogue_page(cx, link, read, rows, next, resume).await
}

async fn catalogue_page(
    cx: &Cx,
    link: &Arc<Link>,
    read: PageRead<'_>,
    rows: Vec<Incoming>,
    next: Option<String>,
    resume: Option<String>,
) -> Result<Next, TaskError> {
    let (mut tx, applied) = read.keep(rows, next.as_deref(), resume.as_deref()).await?;
    let ended = next.is_none();
    if ended {
        feeds::mark(&mut tx, &link.id, read.feed, read.highest, read.asked_at, cx.now());
    }
    if !ended {
        link.catalogue_whole.store(false, Ordering::SeqCst);
    }
    tx.commit().await?;
    let first_time = ended && read.first_pass;
    cx.follow_up(link, &applied);
    if ended {
        link.catalogue_whole.store(true, Ordering::SeqCst);
        house::link_twins(cx).await?;
        house::retry_parked(cx, link).await?;
        if first_time {
            let now = cx.now();
            for task in [Task::Stock, Task::Orders, Task::Observe] {
                link.schedule.wake(task, now);
            }
        }
        Ok(Next::Later)
    } else {
        Ok(Next::Again)
    }
}

/// A page of a till's counts. Nothing can be applied before the catalogue was read.
pub(super) async fn stock(cx: &Cx, link: &Arc<Link>, till: &dyn Till) -> Result<Next, TaskError> {
    let Some((read, _)) = PageRead::begin_after(cx, link, Task::Stock, Task::Catalogue).await? else {
        return Ok(Next::Later);
    };
    let books_begin = read.first_pass && read.cursor.is_empty();
    // The pass may take minutes: what is sold meanwhile is ordered behind all that stands there now, and is read.
    let base = if books_begin { till.newest_count().await?.value.unwrap_or(0).max(read.highest) } else { 0 };
    let Page { rows, next, resume, .. } = till.stock_after(read.cursor()).await?.value;
    let rows = simple(cx, link, rows, cx.now());
    // Passes overlap, and what is read again under its version may have another level.
    let levels = if read.first_pass { Vec::new() } else { levels(&rows) };
    let (mut tx, mut applied) = read.keep(rows, next.as_deref(), resume.as_deref()).await?;
    take_over_levels(&mut tx, link, &levels, cx.now(), &mut applied).await?;
    if books_begin {
        feeds::began(&mut tx, &link.id, read.feed, base, read.asked_at);
    }
    if next.is_some() {
        tx.commit().await?;
        cx.follow_up(link, &applied);
        if books_begin {
            shipped::ask(cx);
        }
        return Ok(Next::Again);
    }
    let now = cx.now();
    let first_time = read.first_pass;
    fold_open_counts(&mut tx, link, read.highest, now, &mut applied).await?;
    feeds::mark(&mut tx, &link.id, read.feed, read.highest, read.certain(), now);
    if first_time {
        feeds::mark(&mut tx, &link.id, Task::Compare.feed(), read.highest, read.certain(), now);
    }
    tx.commit().await?;
    cx.follow_up(link, &applied);
    if first_time {
        shipped::ask(cx);
        link.schedule.wake(Task::Sales, now);
    }
    Ok(Next::Later)
}

/// A page of a till's sales.
pub(super) async fn sales(cx: &Cx, link: &Arc<Link>, till: &dyn Till) -> Result<Next, TaskError> {
    let Some((mut read, stock)) = PageRead::begin_after(cx, link, Task::Sales, Task::Stock).await? else {
        return Ok(Next::Later);
    };
    if read.cursor.is_empty() {
        // Our books begin with the first readings; what was sold before them is inside them.
        read.cursor = till.sales_cursor_from(stock.base);
    }
    let Page { rows, next, resume, .. } = till.sales_after(read.cursor()).await?.value;
    let rows = simple(cx, link, rows, cx.now());
    let resume = resume.or_else(|| next.is_none().then(|| read.cursor.clone()));
    let (mut tx, mut applied) = read.keep(rows, next.as_deref(), resume.as_deref()).await?;
    let now = cx.now();
    if next.is_some() {
        tx.commit().await?;
        cx.follow_up(link, &applied);
        return Ok(Next::Again);
    }
    feeds::mark(&mut tx, &link.id, read.feed, read.highest, read.certain(), now);
    settle_pending(&mut tx, cx, link, till, read.highest, &mut applied).await?;
    tx.commit().await?;
    cx.follow_up(link, &applied);
    Ok(Next::Later)
}

/// A page of a shop's orders.
pub(super) async fn orders(cx: &Cx, link: &Arc<Link>, shop: &dyn Shop) -> Result<Next, TaskError> {
    shipped::judge(cx, link).await?;
    let Some((mut read, _)) = PageRead::begin_after(cx, link, Task::Orders, Task::Catalogue).await? else {
        return Ok(Next::Later);
    };
    let Page { rows, next, resume, began } = shop.orders_after(read.cursor()).await?.value;
    read.pass_began(began);
    let rows = simple(cx, link, rows, cx.now());
    let (mut tx, applied) = read.keep(rows, next.as_deref(), resume.as_deref()).await?;
    if next.is_none() {
        feeds::mark(&mut tx, &link.id, read.feed, 0, read.asked_at, cx.now());
    }
    tx.commit().await?;
    cx.follow_up(link, &applied);
    if next.is_some() {
        return Ok(Next::Again);
    }
    confirm::orders_were_read(cx, link).await?;
    Ok(Next::Later)
}

/// A page of the till's whole stock: finds what the change feed never showed.
pub(super) async fn compare(cx: &Cx, link: &Arc<Link>, till: &dyn Till) -> Result<Next, TaskError> {
    let Some((read, _)) = PageRead::begin_after(cx, link, Task::Compare, Task::Stock).await? else {
        return Ok(Next::Later);
    };
    let asked = link.read_all_again.swap(false, Ordering::SeqCst);
    if !asked && read.cursor.is_empty() && cx.now().since(read.read_up_to) < Task::Compare.period() {
        return Ok(Next::At(read.read_up_to + Task::Compare.period()));
    }
    let Page { rows, next, .. } = till.stock_after(read.cursor()).await?.value;
    let rows = simple(cx, link, rows, cx.now());
    let levels = levels(&rows);
    let (mut tx, mut applied) = read.keep(rows, next.as_deref(), None).await?;
    take_over_levels(&mut tx, link, &levels, cx.now(), &mut applied).await?;
    if next.is_none() {
        feeds::mark(&mut tx, &link.id, read.feed, read.highest, read.certain(), cx.now());
    }
    tx.commit().await?;
    cx.follow_up(link, &applied);
    Ok(if next.is_some() { Next::Again } else { Next::Later })
}

/// Sales that a return names and we do not know: asked for one by one.
pub(super) async fn look_up(cx: &Cx, link: &Arc<Link>, till: &dyn Till) -> Result<Next, TaskError> {
    let id = {
        let wanted = link.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.next()
    };
    let Some(id) = id else { return Ok(Next::Later) };
    // What was tried last comes last: one that always fails keeps no other waiting.
    let answer = till.sale(&id).await;
    link.look_up.lock().unwrap_or_else(PoisonError::into_inner).tried(&id, answer.is_ok());
    let answer = answer?;
    let now = cx.now();
    let rows = simple(cx, link, answer.value.into_iter().collect(), now);
    let warehouse = link.default_warehouse();
    let origin = Origin { connection: &link.id, default_warehouse: &warehouse };
    let mut tx = catch_up::begin(cx, link).await?;
    let rows: Vec<&Incoming> = rows.iter().collect();
    let applied = apply(&mut tx, origin, &rows, now).await?;
    // It may be older than we are: no notice of it was to come.
    inbox::tell(&mut tx, rows.iter().map(|incoming| &incoming.record));
    tx.commit().await?;
    cx.follow_up(link, &applied);
    Ok(Next::Again)
}

/// Notes on the feed that a task failed, with the exchange as evidence.
pub(super) async fn note_failure(cx: &Cx, link: &Arc<Link>, task: Task, error: &TaskError) -> Result<(), StoreError> {
    let mut tx = cx.store.begin().await?;
    if let TaskError::Call(call) = error {
        keep_evidence(&mut tx, cx, link, &call.exchanges).await?;
    }
    feeds::failed(&mut tx, &link.id, task.feed(), &error.to_string(), cx.now());
    tx.commit().await
}

/// Notes on the feed of a task without a mark that it works.
pub(super) async fn note_success(cx: &Cx, link: &Arc<Link>, task: Task) -> Result<(), StoreError> {
    let mut tx = cx.store.begin().await?;
    feeds::works(&mut tx, &link.id, task.feed(), cx.now());
    tx.commit().await
}
