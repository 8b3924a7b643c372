//! Instants and durations as whole microseconds, UTC. Zones are applied at the edge, where a page is shown.

use serde::{Deserialize, Serialize};

/// An instant: microseconds since 1970-01-01T00:00:00Z. What the database stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Timestamp {
    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The time from `earlier` to `self`; negative when `earlier` is in fact later.
    pub const fn since(self, earlier: Timestamp) -> Span {
        Span(self.0 - earlier.0)
    }

    /// The same instant as chrono knows it.
    pub fn to_utc(self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_micros(self.0).unwrap_or(chrono::DateTime::UNIX_EPOCH)
    }

    /// RFC 3339 in UTC with seconds, for logs and wire formats.
    pub fn rfc3339(self) -> String {
        self.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl From<chrono::DateTime<chrono::Utc>> for Timestamp {
    fn from(at: chrono::DateTime<chrono::Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

impl std::ops::Add<Span> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl std::ops::Sub<Span> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// Nothing at all.
    pub const ZERO: Span = Span(0);

    /// From milliseconds.
    pub const fn millis(ms: i64) -> Self {
        Self(ms * 1_000)
    }

    /// From seconds.
    pub const fn secs(secs: i64) -> Self {
        Self(secs * 1_000_000)
    }

    /// From minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::secs(minutes * 60)
    }

    /// From hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours * 60)
    }

    /// As milliseconds, rounded towards zero.
    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000
    }

    /// As seconds, with the fraction kept; for display and reports only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The largest unit alone: "4 s", "29 min", "16 h", "3 days".
    pub fn rough(self) -> String {
        let secs = self.0 / 1_000_000;
        match secs {
            ..0 => "0\u{a0}s".into(),
            0..60 => format!("{secs}\u{a0}s"),
            60..3_600 => format!("{}\u{a0}min", secs / 60),
            3_600..172_800 => format!("{}\u{a0}h", secs / 3_600),
            _ => format!("{}\u{a0}days", secs / 86_400),
        }
    }

    /// For the standard library's timers; negative spans become zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0.max(0).unsigned_abs())
    }
}
