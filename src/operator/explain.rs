//! Why a count differs, what happens next, and how it came to this: in words.
//!
//! This version names the causes that follow from the state of our own writes; every unit that it cannot name
//! stands under "Not explained yet". The lines always sum to the difference.

use super::views::{CauseLine, PushState, Severity, Step, Sum};
use super::{OperatorError, encoded, store_failed};
use crate::domain::equation::Terms;
use crate::domain::problem::is_key_refused;
use crate::domain::push::PACED;
use crate::domain::time::{Span, Timestamp};
use crate::domain::timeline::{self, Event, What};
use crate::domain::words::capital;
use crate::engine::Engine;
use crate::store::inbox::NOTICE_COMES_WITHIN;
use crate::store::sku_views::{self, MovementRow, PushRow};
use crate::store::views::TargetRow;

/// What is known so soon after it happened is shown where it happened.
const IN_FLIGHT: Span = Span::minutes(2);

/// Events of each kind that a page looks back on.
const BACK: i64 = 200;

/// Steps that a page shows at most.
pub(super) const STEPS: usize = 200;

/// Why nothing is written whatever the sum says: the place is only read, or its shop is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// Nobody pressed *Go live*, or somebody pressed *Stop writing*.
    OnlyRead,
    /// Somebody paused the shop.
    Paused,
}

impl Halt {
    /// What stands between this target and a write.
    pub(super) fn of(row: &TargetRow, shop_paused: bool) -> Option<Halt> {
        match (row.live, shop_paused) {
            (false, _) => Some(Halt::OnlyRead),
            (true, true) => Some(Halt::Paused),
            (true, false) => None,
        }
    }

    fn why(self) -> &'static str {
        match self {
            Halt::OnlyRead => "nothing is written at this place",
            // The line at the top says that it is paused.
            Halt::Paused => "nothing is written until somebody resumes the web shop",
        }
    }

    fn cause(self) -> &'static str {
        match self {
            Halt::OnlyRead => "Not written: this place is only read",
            Halt::Paused => "Not written until somebody resumes the web shop",
        }
    }

    /// The same in a list, where a line is short.
    fn short(self) -> &'static str {
        match self {
            Halt::OnlyRead => "Only read, not written",
            Halt::Paused => "Paused, not written",
        }
    }

    fn until(self) -> &'static str {
        match self {
            Halt::OnlyRead => "until somebody presses Go live",
            Halt::Paused => "until somebody resumes the web shop",
        }
    }
}

/// The state of the write that a target waits for, as a cause.
fn waiting_cause(row: &TargetRow, halt: Option<Halt>, now: Timestamp) -> Option<(Severity, &'static str, String)> {
    if halt == Some(Halt::OnlyRead) {
        return Some((Severity::Held, Halt::OnlyRead.cause(), String::new()));
    }
    if row.generation <= row.acknowledged {
        return None;
    }
    if let Some(halt) = halt {
        return Some(if row.push_state == "unknown" {
            (
                Severity::Soon,
                "Outcome unknown",
                format!(
                    "Our update broke off before the answer, and {}; nothing is looked up {}.",
                    halt.why(),
                    halt.until()
                ),
            )
        } else {
            // What follows stands once, under "If you do nothing".
            (Severity::Held, halt.cause(), String::new())
        });
    }
    let next = if row.next_at > now {
        format!("It goes out again {}.", in_words(row.next_at.since(now)))
    } else {
        "It goes out now.".into()
    };
    let said = if row.push_reason.is_empty() { String::new() } else { format!(" The shop said: {}.", row.push_reason) };
    Some(match row.push_state.as_str() {
        "refused" => (Severity::Soon, "Shop refused it", format!("{said} {next}").trim().to_owned()),
        "throttled" if row.push_reason.starts_with(PACED) => (Severity::Waiting, "Waits for our allowance", next),
        "throttled" => (Severity::Waiting, "Shop is busy", next),
        "unknown" => (
            Severity::Soon,
            "Outcome unknown",
            "Our update broke off before the answer; we look it up before anything is sent again.".into(),
        ),
        "again" => (Severity::Waiting, "Write accepted, not applied", format!("{}. {next}", capital(&row.push_reason))),
        "failed" if is_key_refused(&row.push_reason) => {
            let said = row.push_reason.replace("the vendor", "it");
            (Severity::Now, "Shop refuses our key", format!("{}. {next}", capital(said.trim_end_matches('.'))))
        }
        "failed" => (Severity::Waiting, "Late update", format!("The shop could not be reached. {next}")),
        _ => (Severity::Waiting, "Late update", "On its way to the web.".into()),
    })
}

fn in_words(span: Span) -> String {
    match span.0 / 1_000_000 {
        s if s < 1 => "at once".into(),
        1 => "in 1\u{a0}second".into(),
        s if s < 120 => format!("in {s}\u{a0}seconds"),
        s => format!("in {}\u{a0}minutes", s / 60),
    }
}

/// The cause column of a list.
pub(super) fn in_short(row: &TargetRow, halt: Option<Halt>, now: Timestamp) -> (Severity, String) {
    let Some(web) = row.web else { return (Severity::Waiting, "Web not read yet".into()) };
    if row.floored > 0 && row.waiting > 0 {
        return (Severity::Now, format!("Oversold by {}, web cannot go below 0", row.floored.min(row.waiting)));
    }
    let difference = web - row.should;
    if difference == 0 {
        return (Severity::Fine, "Equal".into());
    }
    let cause = waiting_cause(row, halt, now);
    match (cause, halt) {
        (Some((severity, cause, _)), Some(halt)) if cause == halt.cause() => {
            (severity, format!("{} {}", halt.short(), signed(difference)))
        }
        (Some((severity, cause, _)), _) => (severity, format!("{cause} {}", signed(difference))),
        (None, _) => (Severity::Soon, format!("Not explained yet {}", signed(difference))),
    }
}

fn signed(n: i64) -> String {
    if n < 0 { format!("−{}", n.unsigned_abs()) } else { format!("+{n}") }
}

/// The cause lines; the last is what is not explained. The exchange of the newest write stands behind what came of it.
pub(super) fn why(row: &TargetRow, halt: Option<Halt>, now: Timestamp, last: Option<&PushRow>) -> Vec<CauseLine> {
    let difference = row.web.map_or(0, |web| web - row.should);
    let mut lines = Vec::new();
    let mut left = difference;
    if difference != 0
        && let Some((_, cause, detail)) = waiting_cause(row, halt, now)
    {
        let answered = matches!(row.push_state.as_str(), "refused" | "throttled" | "unknown" | "again" | "failed");
        let call = last.filter(|push| answered && halt.is_none() && !push.exchange.is_empty());
        let evidence = call.map(|push| address("call", &push.exchange, row));
        lines.push(CauseLine { units: left, cause: cause.to_owned(), detail, evidence });
        left = 0;
    }
    lines.push(CauseLine { units: left, cause: "Not explained yet".into(), detail: String::new(), evidence: None });
    lines
}

/// What happens if nobody presses anything.
pub(super) fn if_nothing(row: &TargetRow, halt: Option<Halt>, now: Timestamp) -> String {
    let Some(web) = row.web else {
        return if halt == Some(Halt::Paused) {
            format!("the shop is not read {}.", Halt::Paused.until())
        } else {
            "the shop is read at the next pass.".into()
        };
    };
    if web == row.should {
        return if row.floored > 0 {
            "nothing changes; somebody must decide who waits.".into()
        } else {
            "nothing; the web shows what it should.".into()
        };
    }
    if let Some(halt) = halt {
        return format!("the web stays at {web} {}.", halt.until());
    }
    if row.generation > row.acknowledged {
        let when = if row.next_at > now { in_words(row.next_at.since(now)) } else { "now".into() };
        return format!("we set the web to {} {when}.", row.should);
    }
    "it is compared again at the next pass, and set right then.".into()
}

/// Where the newest write stands: the number that was really sent last, and the newest one where it was not sent.
pub(super) fn push_state(row: &TargetRow, halt: Option<Halt>, last: Option<&PushRow>) -> Option<PushState> {
    let last = last?;
    let waits = row.generation > row.acknowledged;
    // Under way, refused or without an answer: that is the newest number itself, unless it has changed since.
    let taken = matches!(last.state.as_str(), "accepted" | "confirmed");
    let unsent = (waits && (taken || last.should != row.should)).then(|| (row.should, halt.map(Halt::why)));
    let at = if last.answered_at > Timestamp(0) { last.answered_at } else { last.sent_at };
    Some(PushState {
        state: last.state.clone(),
        should: last.should,
        since: at,
        reason: Some(if waits && row.push_state == "again" { &row.push_reason } else { &last.reason })
            .filter(|reason| !reason.is_empty())
            .cloned(),
        unsent: unsent.map(|(units, why)| (units, why.map(str::to_owned))),
    })
}

/// Where the raw exchange or record stands, together with the item that it is evidence for.
pub(super) fn address(kind: &str, id: &str, row: &TargetRow) -> String {
    format!("/evidence/{kind}/{id}?sku={}&place={}", encoded(&row.variant), encoded(&row.place))
}

/// How we came to know of what no notice had told by then. That a notice did not arrive is said only when it has had its
/// time, and only of a till whose notices are believed.
fn found_by_reading(m: &MovementRow, now: Timestamp) -> Option<&'static str> {
    if m.way != "sweep" || m.told {
        return None;
    }
    let gave_up = m.signed && now.since(m.known_at) > NOTICE_COMES_WITHIN;
    Some(if gave_up { "Notice didn't arrive, found when we read the till" } else { "Read from the till" })
}

/// Everything that changed a count, oldest first.
pub(super) async fn steps(engine: &Engine, row: &TargetRow) -> Result<Vec<Step>, OperatorError> {
    let store = engine.store();
    let (variant, place, now) = (row.variant.as_str(), row.place.as_str(), engine.clock().now());
    let mut events: Vec<Event> = Vec::new();
    for m in sku_views::movements_of(store, variant, place, BACK).await.map_err(store_failed)? {
        let at_till = format!("{} till", m.outlet);
        let evidence = if m.inbox.is_empty() {
            String::new()
        } else {
            address(if m.way == "notice" { "notice" } else { "record" }, &m.inbox, row)
        };
        let found = found_by_reading(&m, now);
        let number = &m.number;
        let (words, short) = match m.cause.as_str() {
            "sale" => (format!("Sale {number}, {} sold", -m.units), format!("sale {number}")),
            "return" if m.held > 0 => {
                (format!("Return {number}, no sale to match, put on hold"), format!("return {number}"))
            }
            "return" => (format!("Return {number}, {} back", m.units), format!("return {number}")),
            "void" => (format!("Sale {number} voided, {} back", m.units), format!("void {number}")),
            "correction" => (format!("Sale {number} changed, {}", signed(m.units)), format!("edit {number}")),
            _ => (format!("Count changed by {}, no sale explains it", signed(m.units)), "count changed".into()),
        };
        let inside = m.inside.then_some("The till's first count had it already");
        let words = [Some(words.as_str()), inside, found].into_iter().flatten().collect::<Vec<_>>().join(". ");
        // A count often tells of a sale a moment before the sale itself does; the sale still came first.
        let in_flight = m.known_at.since(m.happened_at) < IN_FLIGHT;
        let event = |what| Event {
            at: m.happened_at,
            known_at: if in_flight { m.happened_at } else { m.known_at },
            what,
            place: at_till.clone(),
            words: words.clone(),
            short: short.clone(),
            evidence: evidence.clone(),
        };
        events.push(event(if m.inside { What::Inside } else { What::Till(m.units) }));
        if m.held > 0 {
            let mut held = event(What::Hold(m.held));
            held.words = format!("On hold (returns): {number}");
            held.short = "on hold".into();
            events.push(held);
        }
    }
    for (number, at, known_at, units, inbox) in
        sku_views::order_events(store, variant, place, BACK).await.map_err(store_failed)?
    {
        events.push(Event {
            at,
            known_at,
            what: What::Waiting(units),
            place: "Web".into(),
            words: format!("Order {number}, {units} sold, waits for the till"),
            short: format!("order {number}"),
            evidence: if inbox.is_empty() { String::new() } else { address("record", &inbox, row) },
        });
    }
    let pushes = sku_views::pushes_of(store, variant, place, BACK).await.map_err(store_failed)?;
    for (p, waited) in gathered(pushes) {
        let evidence = if p.exchange.is_empty() { String::new() } else { address("call", &p.exchange, row) };
        let (what, words, short) = match p.state.as_str() {
            "accepted" | "confirmed" => (
                What::Web(p.should),
                format!(
                    "Our update to {}, {}",
                    p.should,
                    if p.state == "confirmed" { "read back and confirmed" } else { "accepted" }
                ),
                format!("update to {}", p.should),
            ),
            "refused" => (
                What::Asked(p.should),
                format!("Our update to {} was refused: {}", p.should, p.reason),
                "update refused".into(),
            ),
            "throttled" => {
                let paced = p.reason.starts_with(PACED);
                let why = if paced { "our allowance is used up" } else { "the shop is busy" };
                let often = if waited > 1 { format!(", {waited} times") } else { String::new() };
                (
                    What::Asked(p.should),
                    format!("Our update to {} waits{often}, {why}", p.should),
                    if paced { "waits" } else { "shop busy" }.into(),
                )
            }
            "unknown" => {
                (What::Asked(p.should), format!("Our update to {} has no answer yet", p.should), "no answer".into())
            }
            "failed" if is_key_refused(&p.reason) => (
                What::Asked(p.should),
                format!("Our update to {} was not taken: the shop refuses our key", p.should),
                "key refused".into(),
            ),
            "failed" => {
                (What::Asked(p.should), format!("Our update to {} could not be sent", p.should), "not sent".into())
            }
            _ => (What::Asked(p.should), format!("Our update to {} is on its way", p.should), "sending".into()),
        };
        let at = if p.answered_at > Timestamp(0) { p.answered_at } else { p.sent_at };
        events.push(Event { at, known_at: at, what, place: "To web".into(), words, short, evidence });
    }
    for (at, shown) in sku_views::web_readings_of(store, variant, place, BACK).await.map_err(store_failed)? {
        events.push(Event {
            at,
            known_at: at,
            what: What::Web(shown),
            place: "Web".into(),
            words: format!("Read: the web shows {shown}"),
            short: format!("web reads {shown}"),
            evidence: String::new(),
        });
    }
    let terms =
        Terms { till: row.till, waiting: row.waiting, hold: row.hold, buffer: row.buffer, checking: row.checking };
    let mut walked = timeline::walk(events, terms, row.web);
    drop_news_that_is_none(&mut walked);
    let from = walked.len().saturating_sub(STEPS);
    Ok(walked.split_off(from).into_iter().map(to_view).collect())
}

/// Writes, newest first, with how often each was tried: tries of the same number in a row that had to wait for the same
/// reason are one, told where the newest of them stands.
fn gathered(pushes: Vec<PushRow>) -> Vec<(PushRow, usize)> {
    let mut told: Vec<(PushRow, usize)> = Vec::new();
    for push in pushes {
        let waits = |push: &PushRow| push.state == "throttled";
        match told.last_mut() {
            Some((last, times))
                if waits(last)
                    && waits(&push)
                    && last.should == push.should
                    && last.reason.starts_with(PACED) == push.reason.starts_with(PACED) =>
            {
                *times += 1;
            }
            _ => told.push((push, 1)),
        }
    }
    told
}

/// A reading that says what we knew already is no step.
fn drop_news_that_is_none(steps: &mut Vec<timeline::Step>) {
    let mut shown: Option<i64> = None;
    steps.retain(|step| {
        let is_reading = step.event.words.starts_with("Read:");
        let same = shown == step.web;
        shown = step.web;
        !(is_reading && same)
    });
}

fn to_view(step: timeline::Step) -> Step {
    let should = step.terms.should_show();
    Step {
        at: step.event.at,
        known_at: step.event.known_at,
        place: step.event.place,
        what: step.event.words,
        short: step.event.short,
        changed: step.event.what != What::Inside,
        sum: Sum {
            till: step.terms.till,
            waiting: step.terms.waiting,
            hold: step.terms.hold,
            buffer: step.terms.buffer,
            checking: step.terms.checking,
            should: should.units,
            floored: should.floored,
            web: step.web,
            difference: step.web.map(|web| web - should.units),
        },
        evidence: (!step.event.evidence.is_empty()).then_some(step.event.evidence),
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
