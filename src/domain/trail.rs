//! Where the next pass over a feed of changes begins: some way back, because no vendor says that its changes become
//! visible in their order. What is read twice on the way is known already and does nothing.

use super::count::SETTLE_AFTER;
use super::time::{Span, Timestamp};

/// How far back a pass begins at least. What a pass has not seen that long after it was recorded, nothing waits for.
const OVERLAP: Span = SETTLE_AFTER;

/// The ends of two passes that are kept lie at least so far apart, so that a feed that is read often keeps few.
const STEP: Span = Span::secs(30);

/// Where earlier passes ended, oldest first: the moment at which the feed's end was asked for, and the place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail(Vec<(Timestamp, String)>);

impl Trail {
    /// As [`Trail::to_text`] wrote it; anything else is no trail, which only makes a pass begin where the last ended.
    pub fn parse(text: &str) -> Self {
        let end = |part: &str| {
            let (at, place) = part.split_once(':')?;
            Some((Timestamp(at.parse().ok()?), place.to_owned()))
        };
        Self(text.split('|').map(end).collect::<Option<_>>().unwrap_or_default())
    }

    /// As text: places are the vendor's, without `|`.
    pub fn to_text(&self) -> String {
        let ends: Vec<String> = self.0.iter().map(|(at, place)| format!("{}:{place}", at.micros())).collect();
        ends.join("|")
    }

    /// A pass has ended at `place`, asked for at `asked_at`: where the next begins.
    pub fn ended(&mut self, asked_at: Timestamp, place: &str) -> String {
        // What lies ahead was noted by a clock that has been set back since.
        self.0.retain(|(at, _)| *at <= asked_at);
        let recent = |(at, _): &(Timestamp, String)| asked_at.since(*at) < STEP;
        if !self.0.last().is_some_and(recent) && !place.contains('|') {
            self.0.push((asked_at, place.to_owned()));
        }
        let old = self.0.iter().rposition(|(at, _)| asked_at.since(*at) >= OVERLAP).unwrap_or(0);
        self.0.drain(..old);
        self.0.first().map_or_else(|| place.to_owned(), |(_, start)| start.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn a_pass_begins_where_one_ended_two_minutes_ago_or_the_one_before() {
        let mut trail = Trail::default();
        let starts: Vec<String> = (0..6).map(|minute| trail.ended(at(60 * minute), &minute.to_string())).collect();
        assert_eq!(starts, ["0", "0", "0", "1", "2", "3"]);
        assert_eq!(Trail::parse(&trail.to_text()), trail, "it outlives the process");
        // After an hour nothing but the end of the last pass is old enough.
        assert_eq!(trail.ended(at(3_600), "60"), "5");
    }

    #[test]
    fn a_feed_read_every_second_keeps_few_ends() {
        let mut trail = Trail::default();
        for second in 0..1_000 {
            let start: i64 = trail.ended(at(second), &second.to_string()).parse().unwrap();
            assert!(second - start <= 150 && (second < 120 || second - start >= 120), "{second}: {start}");
        }
        assert!(trail.0.len() <= 6, "{trail:?}");
    }

    #[test]
    fn what_is_no_trail_or_lies_ahead_is_left_out() {
        for text in ["", "x", "1", "1:a|2", "y:a"] {
            assert_eq!(Trail::parse(text), Trail::default(), "{text}");
        }
        let mut trail = Trail::default();
        trail.ended(at(1_000), "9");
        assert_eq!(trail.ended(at(0), "7"), "7", "the clock was set back");
    }
}
