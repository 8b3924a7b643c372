//! The table: what was asked, what was measured, how they compare.

use super::machine::Quantiles;
use std::fmt::Write as _;

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    /// At least what is asked.
    More,
    /// At most what is asked.
    Less,
}

/// One line.
struct Line {
    what: String,
    asked: Option<(f64, Better)>,
    measured: Option<f64>,
    unit: &'static str,
    note: String,
}

/// All lines so far, and what has to be said about them.
#[derive(Default)]
pub(super) struct Report {
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Report {
    /// A figure with what is asked of it.
    pub fn asked(
        &mut self,
        what: impl Into<String>,
        asked: f64,
        better: Better,
        measured: Option<f64>,
        unit: &'static str,
        note: impl Into<String>,
    ) {
        self.lines.push(Line { what: what.into(), asked: Some((asked, better)), measured, unit, note: note.into() });
    }

    /// A figure of which nothing is asked.
    pub fn plain(&mut self, what: impl Into<String>, measured: Option<f64>, unit: &'static str, note: String) {
        self.lines.push(Line { what: what.into(), asked: None, measured, unit, note });
    }

    /// Something to know.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// The whole text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let widest = self.lines.iter().map(|line| line.what.chars().count()).max().unwrap_or(0);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:widest$}  {:>12}  {:>12}  {:>6}  ok", "", "asked", "measured", "ratio");
        for line in &self.lines {
            let asked = line.asked.map_or(String::new(), |(asked, better)| {
                let sign = if better == Better::More { "≥" } else { "≤" };
                format!("{sign} {} {}", number(asked), line.unit)
            });
            let measured = line.measured.map_or("—".to_owned(), |n| format!("{} {}", number(n), line.unit));
            let (ratio, ok) = match (line.asked, line.measured) {
                (Some((asked, better)), Some(measured)) => {
                    let fine = if better == Better::More { measured >= asked } else { measured <= asked };
                    (format!("{:.2}", measured / asked), if fine { "ok" } else { "no" })
                }
                _ => (String::new(), ""),
            };
            let row = format!("{:widest$}  {asked:>12}  {measured:>12}  {ratio:>6}  {ok:2}  {}", line.what, line.note);
            let _ = writeln!(out, "{}", row.trim_end());
        }
        for note in &self.notes {
            let _ = writeln!(out, "\n{note}");
        }
        out
    }
}

fn number(n: f64) -> String {
    if n >= 100.0 {
        format!("{n:.0}")
    } else if n >= 10.0 {
        format!("{n:.1}")
    } else {
        format!("{n:.2}")
    }
}

/// Microseconds as milliseconds.
pub(super) fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// Quantiles in words.
pub(super) fn words(q: &Quantiles) -> String {
    let [p50, p95, p99, max] = [q.p50, q.p95, q.p99, q.max].map(|micros| number(ms(micros)));
    format!("p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, max {max} ms of {}", q.n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_what_was_asked_and_whether_it_held() {
        let mut report = Report::default();
        report.asked("accepted", 4_000.0, Better::More, Some(5_000.0), "/s", "");
        report.asked("delay", 10.0, Better::Less, Some(12.5), "ms", "at 100/s");
        report.asked("page", 50.0, Better::Less, None, "ms", "404");
        let text = report.text();
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["accepted", "≥", "4000", "/s", "5000", "/s", "1.25", "ok"]);
        assert_eq!(words[2], ["delay", "≤", "10.0", "ms", "12.5", "ms", "1.25", "no", "at", "100/s"]);
        assert_eq!(words[3], ["page", "≤", "50.0", "ms", "—", "404"]);
    }
}
