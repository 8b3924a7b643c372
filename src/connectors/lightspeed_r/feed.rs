//! How a feed of changes is read: by the second in which a row last changed, oldest first.
//!
//! The vendor's times have whole seconds, so a second can be believed only when it has ended by the vendor's own clock:
//! a row of the running second is left for the next pass, and everything before it is complete. A pass begins again at
//! the last second that was believed; what is read twice is known by its id and second.
//!
//! That is what "ordered" means of this till: sales and counts carry seconds of one clock, so a sale is inside a count
//! when its second is not later. UNSURE: the vendor does not say that a sale and the count that it moves are stamped in
//! the same second.

use super::super::Unreadable;
use super::super::error::{CallError, CallErrorKind};
use super::wire;
use crate::domain::time::{Span, Timestamp};
use http::HeaderMap;
use http::header::DATE;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How much our clock is taken to be ahead of the vendor's when an answer carries no date.
const AHEAD: Span = Span::secs(2);

/// How far a later answer's clock may lie behind an earlier one's and still be the same clock.
const SAME_CLOCK: i64 = 5;

/// A place in a feed. Between two passes it is a number, within one it also names the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// The second from which this pass reads; `None` reads everything.
    pub(super) from: Option<i64>,
    /// The last second that was read in this pass.
    pub(super) last: Option<i64>,
    /// The next page, as the vendor named it.
    pub(super) path: Option<String>,
}

impl Mark {
    /// As [`Mark::resume`] or [`Mark::within`] wrote it.
    pub(super) fn read(cursor: Option<&str>) -> Result<Self, CallError> {
        let Some(text) = cursor else { return Ok(Self::default()) };
        if text.starts_with('{') {
            return serde_json::from_str(text).map_err(|_| not_ours());
        }
        let from = text.parse().ok().filter(|from| *from >= 0).ok_or_else(not_ours)?;
        Ok(Self { from: Some(from), last: None, path: None })
    }

    /// Where this pass goes on.
    pub(super) fn within(&self, last: Option<i64>, path: String) -> String {
        let mark = Self { from: self.from, last: last.or(self.last), path: Some(path) };
        serde_json::to_string(&mark).unwrap_or_default()
    }

    /// Where the next pass begins; `None` when nothing was ever read.
    pub(super) fn resume(&self, last: Option<i64>) -> Option<String> {
        last.or(self.last).or(self.from).map(|second| second.to_string())
    }

    /// Where the next pass begins when it need not read the last second again: that one was whole when it was
    /// believed, and whoever reads on begins some passes back anyway. A till that was counted at once has all its rows
    /// in one second, and would show them every few seconds until something is sold.
    pub(super) fn resume_behind(&self, last: Option<i64>) -> Option<String> {
        let read = last.or(self.last).map(|second| second.saturating_add(1));
        read.or(self.from).map(|second| second.to_string())
    }
}

/// A stored place that we cannot have written.
pub(super) fn not_ours() -> CallError {
    CallError {
        kind: CallErrorKind::Rejected { reason: "the stored place in the list is not one of ours".to_owned() },
        exchanges: Vec::new(),
    }
}

/// The rows of a page that can be believed.
pub(super) struct Stretch<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    /// The last second among them.
    pub(super) last: Option<i64>,
    /// Rows of the running second stand behind them: the pass ends here.
    pub(super) more_to_come: bool,
}

/// Takes from a page what can be believed when every second up to `ended` is over. Rows that tell no time are taken too:
/// they are parked with their reason, and say nothing about the order.
pub(super) fn stretch<'a>(
    what: &str,
    rows: &[&'a RawValue],
    not_before: Option<i64>,
    ended: i64,
) -> Result<Stretch<'a>, Unreadable> {
    let mut stretch = Stretch { rows: Vec::with_capacity(rows.len()), last: None, more_to_come: false };
    for raw in rows {
        if let Some(second) = wire::stamp(raw.get()) {
            if second < stretch.last.or(not_before).unwrap_or(i64::MIN) {
                return Err(Unreadable::new(format!("the list of {what} is out of order; reading on would skip some")));
            }
            if second > ended {
                stretch.more_to_come = true;
                break;
            }
            stretch.last = Some(second);
        }
        stretch.rows.push(raw);
    }
    Ok(stretch)
}

/// The last second that was over when a question reached the vendor: by its own clock, less the time that the answer
/// took, because the answer is dated at its end. `known` is what an earlier answer told before this was asked.
pub(super) fn ended(headers: &HeaderMap, asked_at: Timestamp, came_at: Timestamp, known: i64) -> (i64, bool) {
    let date = headers.get(DATE).and_then(|value| value.to_str().ok());
    let date = date.and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok());
    let (reached, told) = match date {
        Some(date) => (Timestamp::from(date.to_utc()) - Span(came_at.since(asked_at).0.max(0)), true),
        None => (asked_at - AHEAD, false),
    };
    let second = reached.secs().saturating_sub(1);
    let lead = known.saturating_sub(second);
    (if (0..=SAME_CLOCK).contains(&lead) { known } else { second }, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// 2026-02-02T09:15:00Z
    const NOW: Timestamp = Timestamp::from_secs(1_770_023_700);

    fn dated(text: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static(text));
        headers
    }

    #[test]
    fn a_second_has_ended_by_the_vendors_clock_when_the_question_was_asked() {
        let headers = dated("Mon, 02 Feb 2026 09:20:10 GMT");
        let there = NOW.secs() + 310;
        assert_eq!(ended(&headers, NOW, NOW, 0), (there - 1, true));
        // The answer took a while: what was changed meanwhile may or may not be in it.
        assert_eq!(ended(&headers, NOW, NOW + Span::millis(1), 0), (there - 2, true));
        assert_eq!(ended(&headers, NOW, NOW + Span::secs(7), 0), (there - 8, true));
        // What was over before the question stays over.
        assert_eq!(ended(&headers, NOW, NOW + Span::millis(1), there - 1), (there - 1, true));
        assert_eq!(ended(&headers, NOW, NOW, there + 3_600), (there - 1, true), "a wrong clock is forgotten");
        // Without a date by ours, with care.
        assert_eq!(ended(&HeaderMap::new(), NOW, NOW, 0), (NOW.secs() - 3, false));
        assert_eq!(ended(&dated("soon"), NOW, NOW, 0), (NOW.secs() - 3, false));
    }

    #[test]
    fn places_come_back_as_they_were_written_and_nothing_else_is_one() {
        for text in ["", "x", "-1", "1.5", "{", "{}x", r#"{"from":"a"}"#, r#"{"evil":1}"#, "https://evil.example"] {
            assert!(Mark::read(Some(text)).is_err(), "{text}");
        }
        let begin = Mark::read(Some("17")).expect("a place");
        let on = Mark::read(Some(&begin.within(Some(19), "/p?a=1".to_owned()))).expect("a place");
        assert_eq!(on, Mark { from: Some(17), last: Some(19), path: Some("/p?a=1".to_owned()) });
        assert_eq!(on.resume(None).as_deref(), Some("19"));
        assert_eq!(on.resume(Some(23)).as_deref(), Some("23"));
        assert_eq!(begin.resume(None).as_deref(), Some("17"));
        assert_eq!(Mark::default().resume(None), None);
        assert_eq!(on.resume_behind(None).as_deref(), Some("20"));
        assert_eq!(on.resume_behind(Some(23)).as_deref(), Some("24"));
        assert_eq!(begin.resume_behind(None).as_deref(), Some("17"), "nothing was read: nothing is passed over");
        assert_eq!(Mark::default().resume_behind(None), None);
    }
}
