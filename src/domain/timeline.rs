//! Everything that changed a count of one variant at one place, with all counts right after it.
//!
//! Steps are rebuilt from ground facts each time a page asks, so they can never disagree with the ledger. The
//! walk goes forwards from nothing; whatever happened before the first fact that we are given stands in the
//! first step's balance.

use super::equation::Terms;
use super::time::Timestamp;

/// One fact about a count, as it is read from the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// By the vendor's clock.
    pub at: Timestamp,
    /// When we knew.
    pub known_at: Timestamp,
    /// What it did.
    pub what: What,
    /// Where, for people.
    pub place: String,
    /// In words.
    pub words: String,
    /// Short form for an axis.
    pub short: String,
    /// Address of the evidence, or empty.
    pub evidence: String,
}

/// What an event did to the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The till's count moved.
    Till(i64),
    /// Goods moved before the till was first read: its first count had that already, so nothing changed.
    Inside,
    /// Web units began or ceased to wait.
    Waiting(i64),
    /// Units went on hold or were released.
    Hold(i64),
    /// The shop shows this number now.
    Web(i64),
    /// We asked the shop to show this number (nothing changed yet).
    Asked(i64),
}

/// An event with the counts after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub event: Event,
    /// The sum after it.
    pub terms: Terms,
    /// Web shows after it, once known.
    pub web: Option<i64>,
}

/// Walks the events so that the last step ends at `now`'s terms: the balances before the first event follow from
/// the end. `web_now` is what the web shows at the end.
pub fn walk(mut events: Vec<Event>, now: Terms, web_now: Option<i64>) -> Vec<Step> {
    events.sort_by_key(|event| event.known_at);
    let (mut till, mut waiting, mut hold) = (now.till, now.waiting, now.hold);
    for event in &events {
        match event.what {
            What::Till(units) => till -= units,
            What::Waiting(units) => waiting -= units,
            What::Hold(units) => hold -= units,
            What::Inside | What::Web(_) | What::Asked(_) => {}
        }
    }
    // What nothing explains yet is not among the events: it came with the last of them.
    till -= now.checking;
    let has_web = events.iter().any(|event| matches!(event.what, What::Web(_)));
    let mut web = if has_web { None } else { web_now };
    let mut read_at = Timestamp(i64::MIN);
    let mut steps: Vec<Step> = events
        .into_iter()
        .map(|event| {
            match event.what {
                What::Till(units) => till += units,
                What::Waiting(units) => {
                    waiting += units;
                    // The shop lowers (or gives back) what it shows by itself when it takes an order; one that we
                    // learned of later was in what we read of the shop meanwhile.
                    if event.at > read_at {
                        web = web.map(|shown| shown - units);
                    }
                }
                What::Hold(units) => hold += units,
                What::Web(shown) => {
                    web = Some(shown);
                    read_at = event.at;
                }
                What::Inside | What::Asked(_) => {}
            }
            let terms = Terms { till, waiting, hold, buffer: now.buffer, checking: 0 };
            Step { event, terms, web }
        })
        .collect();
    // The end is where the sum stands, and, where the books no longer reach back far enough, what the web shows.
    if let Some(last) = steps.last_mut() {
        last.terms = now;
        last.web = web_now.or(last.web);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, what: What) -> Event {
        Event {
            at: Timestamp::from_secs(at),
            known_at: Timestamp::from_secs(at),
            what,
            place: String::new(),
            words: String::new(),
            short: String::new(),
            evidence: String::new(),
        }
    }

    #[test]
    fn balances_run_and_end_where_the_sum_stands() {
        let now = Terms { till: 6, waiting: 1, hold: 1, buffer: 1, checking: 0 };
        let steps = walk(
            vec![
                event(1, What::Web(5)),
                event(2, What::Till(1)),
                event(2, What::Hold(1)),
                event(3, What::Waiting(1)),
                event(4, What::Till(-1)),
                event(5, What::Web(3)),
            ],
            now,
            Some(3),
        );
        let got: Vec<_> = steps
            .iter()
            .map(|s| (s.terms.till, s.terms.waiting, s.terms.hold, s.terms.should_show().units, s.web))
            .collect();
        assert_eq!(
            got,
            vec![
                (6, 0, 0, 5, Some(5)),
                (7, 0, 0, 6, Some(5)),
                (7, 0, 1, 5, Some(5)),
                (7, 1, 1, 4, Some(4)),
                (6, 1, 1, 3, Some(4)),
                (6, 1, 1, 3, Some(3)),
            ]
        );
    }

    #[test]
    fn what_the_first_count_had_already_changes_no_balance() {
        let now = Terms { till: 70, waiting: 0, hold: 0, buffer: 0, checking: 0 };
        let old = Event { known_at: Timestamp::from_secs(90), ..event(1, What::Inside) };
        let steps = walk(vec![event(50, What::Till(-2)), event(51, What::Web(70)), old], now, Some(70));
        let got: Vec<_> = steps.iter().map(|step| (step.terms.till, step.web)).collect();
        assert_eq!(got, [(70, None), (70, Some(70)), (70, Some(70))]);
    }

    #[test]
    fn the_newest_step_is_the_sum_also_while_a_rise_is_checked() {
        let now = Terms { till: 9, waiting: 0, hold: 0, buffer: 0, checking: 3 };
        let steps = walk(vec![event(1, What::Till(-1)), event(2, What::Web(6))], now, Some(6));
        assert_eq!(steps.iter().map(|step| step.terms.should_show().units).collect::<Vec<_>>(), [6, 6]);
        assert_eq!(steps[1].terms, now);
    }

    #[test]
    fn an_order_known_after_the_shop_was_read_is_not_taken_off_twice() {
        let now = Terms { till: 10, waiting: 1, hold: 0, buffer: 0, checking: 0 };
        let late = Event { known_at: Timestamp::from_secs(90), ..event(45, What::Waiting(1)) };
        let steps = walk(vec![event(10, What::Web(10)), event(49, What::Web(9)), late], now, Some(9));
        assert_eq!(steps.iter().map(|step| step.web).collect::<Vec<_>>(), [Some(10), Some(9), Some(9)]);
        // One that the shop took after it was read is.
        let steps = walk(vec![event(10, What::Web(10)), event(45, What::Waiting(1))], now, Some(9));
        assert_eq!(steps.iter().map(|step| step.web).collect::<Vec<_>>(), [Some(10), Some(9)]);
    }
}
