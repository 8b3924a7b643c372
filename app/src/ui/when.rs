//! Instants and spans as people read them, in the viewer's zone, made on the server.

use chrono::{DateTime, Datelike};
use chrono_tz::Tz;
use leptos::prelude::*;
use truecount::domain::time::{Span, Timestamp};

/// The viewer's zone and the moment the page was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The viewer's zone.
    pub zone: Tz,
    /// When the page was made.
    pub now: Timestamp,
}

impl Clock {
    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        at.to_utc().with_timezone(&self.zone)
    }

    /// "London time", "UTC".
    pub fn zone_words(&self) -> String {
        let name = self.zone.name();
        match name.rsplit('/').next() {
            Some(city) if name.contains('/') && !name.starts_with("Etc/") => {
                format!("{} time", city.replace('_', "\u{a0}"))
            }
            _ => name.rsplit('/').next().unwrap_or(name).to_owned(),
        }
    }

    /// "London": for a column head.
    pub fn zone_city(&self) -> String {
        let words = self.zone_words();
        words.strip_suffix(" time").unwrap_or(&words).to_owned()
    }

    /// "Tue 14 May, 08:41".
    pub fn head(&self) -> String {
        self.local(self.now).format("%a %-d %b, %H:%M").to_string()
    }

    /// "08:40:52", with the day in front when it is not today.
    pub fn seconds(&self, at: Timestamp) -> String {
        format!("{}{}", self.day_prefix(at), self.local(at).format("%H:%M:%S"))
    }

    /// "08:41", with the day in front when it is not today.
    pub fn minutes(&self, at: Timestamp) -> String {
        format!("{}{}", self.day_prefix(at), self.local(at).format("%H:%M"))
    }

    /// "Tue 08:38:09": a table's time column, always with its day.
    pub fn row(&self, at: Timestamp) -> String {
        let day = if self.is_near(at) { "%a " } else { "%-d %b " };
        format!("{}{}", self.local(at).format(day), self.local(at).format("%H:%M:%S"))
    }

    /// "Tuesday 14 May 2024, 08:38:09 London time": what stands behind every short form.
    pub fn full(&self, at: Timestamp) -> String {
        format!("{} {}", self.local(at).format("%A %-d %B %Y, %H:%M:%S"), self.zone_words())
    }

    /// Whether both fall on the same local day.
    pub fn same_day(&self, a: Timestamp, b: Timestamp) -> bool {
        self.local(a).date_naive() == self.local(b).date_naive()
    }

    /// "2 s ago", "in 4 min".
    pub fn relative(&self, at: Timestamp) -> String {
        let span = self.now.since(at);
        if span.0 < 0 { format!("in {}", rough(Span(-span.0))) } else { format!("{} ago", rough(span)) }
    }

    fn is_near(&self, at: Timestamp) -> bool {
        (0..6 * 24 * 3600).contains(&self.now.since(at).0.div_euclid(1_000_000).max(0))
    }

    fn day_prefix(&self, at: Timestamp) -> String {
        let local = self.local(at);
        if self.same_day(at, self.now) {
            String::new()
        } else if self.is_near(at) {
            local.format("%a ").to_string()
        } else if local.year() == self.local(self.now).year() {
            local.format("%-d %b ").to_string()
        } else {
            local.format("%-d %b %Y ").to_string()
        }
    }
}

/// The largest unit alone: "4 s", "29 min", "16 h", "3 days".
pub fn rough(span: Span) -> String {
    span.rough()
}

/// A measured delay: "0.4 s", "4 s", "9 min 02 s", "1 h 05 min".
pub fn measured(span: Span) -> String {
    let millis = span.as_millis().max(0);
    let secs = millis / 1_000;
    match secs {
        0 if millis == 0 => "0\u{a0}s".into(),
        0 => format!("0.{}\u{a0}s", (millis / 100).max(1)),
        1..60 => format!("{secs}\u{a0}s"),
        60..3_600 => format!("{}\u{a0}min\u{a0}{:02}\u{a0}s", secs / 60, secs % 60),
        _ => format!("{}\u{a0}h\u{a0}{:02}\u{a0}min", secs / 3_600, secs / 60 % 60),
    }
}

/// A `<time>` that shows `words` and holds the exact instant for machines and on hover.
pub fn time(clock: &Clock, at: Timestamp, words: String) -> AnyView {
    view! { <time datetime=at.rfc3339() title=clock.full(at)>{words}</time> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        DateTime::parse_from_rfc3339(text).expect("a time").to_utc().into()
    }

    fn clock() -> Clock {
        Clock { zone: chrono_tz::Europe::London, now: at("2024-05-14T07:41:10Z") }
    }

    #[test]
    fn times_are_shown_in_the_viewers_zone() {
        let c = clock();
        assert_eq!(c.head(), "Tue 14 May, 08:41");
        assert_eq!(c.zone_words(), "London time");
        assert_eq!(Clock { zone: chrono_tz::UTC, ..c }.zone_words(), "UTC");
        for (instant, minutes) in [
            ("2024-05-14T07:40:52Z", "08:40"),
            ("2024-05-13T17:00:00Z", "Mon 18:00"),
            ("2024-05-13T23:30:00Z", "00:30"),
            ("2024-05-01T17:00:00Z", "1 May 18:00"),
            ("2023-12-01T17:00:00Z", "1 Dec 2023 17:00"),
        ] {
            assert_eq!(c.minutes(at(instant)), minutes, "{instant}");
        }
        assert_eq!(c.row(at("2024-05-14T07:38:09Z")), "Tue 08:38:09");
        assert_eq!(c.full(at("2024-05-14T07:38:09Z")), "Tuesday 14 May 2024, 08:38:09 London time");
    }

    #[test]
    fn spans_are_said_in_one_unit_or_measured_in_two() {
        for (secs, want) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (1_740, "29 min"), (57_600, "16 h"), (300_000, "3 days")]
        {
            assert_eq!(rough(Span::secs(secs)).replace('\u{a0}', " "), want);
        }
        for (millis, want) in [
            (0, "0 s"),
            (12, "0.1 s"),
            (400, "0.4 s"),
            (4_200, "4 s"),
            (542_000, "9 min 02 s"),
            (3_900_000, "1 h 05 min"),
        ] {
            assert_eq!(measured(Span::millis(millis)).replace('\u{a0}', " "), want);
        }
        let c = clock();
        assert_eq!(c.relative(at("2024-05-14T07:41:08Z")), "2\u{a0}s ago");
        assert_eq!(c.relative(at("2024-05-14T07:44:10Z")), "in 3\u{a0}min");
    }
}
