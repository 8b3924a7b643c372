//! Places in lists of changes.
//!
//! The vendor's lists are paged by number, and a row that changes while they are read moves to the end and takes its
//! neighbours' places with it. So nothing is paged by number here: every question asks for what comes *after* the last
//! row that was read, by moment of change and then by id, and needs only the first page of the answer. That misses
//! nothing and repeats nothing, and ends when a page holds all there is.
//!
//! A moment has whole seconds, a change may become visible late, and clocks differ: a pass begins somewhat before
//! where the one before it ended, or began, whichever is earlier.

use super::criteria::Criteria;
use super::wire;
use crate::connectors::Unreadable;
use crate::connectors::json::Object;
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How much of a list is read again by the next pass.
pub(super) const OVERLAP: Span = Span::minutes(2);

/// A place in a list that is ordered by moment of change and id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// Second of the last row's change; `None` before the first row of all.
    pub(super) at: Option<i64>,
    /// Its id; zero when the whole second is still to be read.
    pub(super) id: i64,
    /// Where this pass began.
    pub(super) began_at: Option<i64>,
}

/// What one page brought.
pub(super) struct Turned<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    /// Where to go on, unless this was the end.
    pub(super) next: Option<Mark>,
    /// The last place read.
    pub(super) reached: Mark,
}

impl Mark {
    /// A pass that begins with everything changed since `at`.
    pub(super) fn since(at: Timestamp) -> Self {
        Self { at: Some(at.secs()), id: 0, began_at: Some(at.secs()) }
    }

    /// The question for what comes after this place.
    pub(super) fn question(&self, size: usize) -> Criteria {
        let mut criteria = Criteria::new();
        if let Some(at) = self.at {
            let moment = wire::moment(Timestamp::from_secs(at));
            criteria = criteria.and("updated_at", "gteq", moment.clone());
            if self.id > 0 {
                criteria = criteria.any(&[("updated_at", "gt", moment), ("entity_id", "gt", self.id.to_string())]);
            }
        }
        criteria.by("updated_at").by("entity_id").page(size, 1)
    }

    /// Reads the answer. `id` is what the rows call their id. Rows that are out of order, or lie before the place that
    /// was asked for, are another list's: reading on by them would skip some or never end.
    pub(super) fn turn<'a>(&self, what: &str, id: &str, text: &'a str, size: usize) -> Result<Turned<'a>, Unreadable> {
        let (rows, _, last) = wire::page(what, text, size, 1)?;
        let mut reached = *self;
        for raw in &rows {
            // A row that does not tell its place is kept and parked like any other; the ones about it tell enough.
            let Some(place) = place(raw.get(), id) else { continue };
            let before = (reached.at.unwrap_or(i64::MIN), reached.id);
            if place <= before {
                return Err(Unreadable::new(format!("{what}: a row changed earlier than the one before it")));
            }
            reached.at = Some(place.0);
            reached.id = place.1;
        }
        if !last && reached == *self {
            return Err(Unreadable::new(format!("{what}: no row tells when it changed; there is no way to go on")));
        }
        Ok(Turned { rows, next: (!last).then_some(reached), reached })
    }

    /// Where the next pass begins, when this one began at `began` and ended here.
    pub(super) fn rest(&self, began: Timestamp) -> Self {
        let reached = self.at.map(|at| (Timestamp::from_secs(at.min(began.secs())) - OVERLAP).secs());
        let at = reached.max(self.began_at);
        Self { at, id: 0, began_at: at }
    }
}

/// The moment and id of a row, if it tells both.
fn place(raw: &str, id: &str) -> Option<(i64, i64)> {
    let row = Object::open("row", raw).ok()?;
    Some((row.time("updated_at").ok()??.secs(), wire::id(&row, id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::percent;
    use super::*;

    fn rows(rows: &[(&str, i64)], total: usize) -> String {
        let rows: Vec<_> = rows
            .iter()
            .map(|(at, id)| serde_json::json!({"updated_at": format!("2026-02-02 {at}"), "entity_id": id}))
            .collect();
        serde_json::json!({"items": rows, "total_count": total}).to_string()
    }

    fn mark(at: &str, id: i64) -> Mark {
        let at = crate::connectors::json::instant(&format!("2026-02-02 {at}")).map(Timestamp::secs);
        Mark { at, id, began_at: None }
    }

    #[test]
    fn it_goes_on_behind_the_last_row_even_within_one_second() {
        let text = rows(&[("09:00:00", 7), ("09:00:05", 3), ("09:00:05", 9)], 5);
        let turned = Mark::default().turn("orders", "entity_id", &text, 3).expect("a page");
        let next = turned.next.expect("more");
        assert_eq!((turned.rows.len(), next), (3, mark("09:00:05", 9)));
        let question = percent::decode(&next.question(50).query());
        assert!(question.contains("[0][filters][0][value]=2026-02-02 09:00:05&"), "{question}");
        assert!(question.contains("[1][filters][0][condition_type]=gt&"), "{question}");
        assert!(question.contains("[1][filters][1][field]=entity_id&"), "{question}");
        assert!(question.contains("[1][filters][1][value]=9&"), "{question}");
        let text = rows(&[("09:00:05", 12), ("09:01:00", 1)], 2);
        let turned = next.turn("orders", "entity_id", &text, 3).expect("a page");
        assert_eq!((turned.next, turned.reached), (None, mark("09:01:00", 1)));
    }

    #[test]
    fn another_list_is_not_believed() {
        let asked = mark("09:00:05", 9);
        for (text, size) in [
            // Before the place asked for, the same row again, out of order, cut off, another page, no list at all.
            (rows(&[("09:00:04", 12)], 1), 3),
            (rows(&[("09:00:05", 9)], 1), 3),
            (rows(&[("09:00:07", 1), ("09:00:06", 2)], 2), 3),
            (rows(&[("09:00:07", 1)], 3), 3),
            (rows(&[("09:00:07", 1), ("09:00:08", 2)], 9), 3),
            (r#"{"items":[{"entity_id":1}],"total_count":2}"#.to_owned(), 1),
            (r#"{"items":[],"total_count":0,"search_criteria":{"current_page":2}}"#.to_owned(), 3),
            (r#"{"items":[]}"#.to_owned(), 3),
            ("[]".to_owned(), 3),
            ("<html>".to_owned(), 3),
        ] {
            assert!(asked.turn("orders", "entity_id", &text, size).is_err(), "{text}");
        }
        assert!(asked.turn("orders", "entity_id", r#"{"items":null,"total_count":0}"#, 3).is_ok());
    }

    #[test]
    fn the_next_pass_begins_a_little_before() {
        let ended = mark("09:10:00", 4);
        let began = Timestamp::from_secs(ended.at.expect("a moment") - 30);
        assert_eq!(ended.rest(began).at, mark("09:07:30", 0).at);
        assert_eq!(ended.rest(began + Span::hours(1)).at, mark("09:08:00", 0).at);
        // A quiet pass does not slide back.
        let quiet = ended.rest(began);
        assert_eq!(quiet.rest(began), quiet);
        assert_eq!(Mark::default().rest(began), Mark::default());
    }
}
