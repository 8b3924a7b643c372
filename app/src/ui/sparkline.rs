//! A small step line on a logarithmic scale with named lines and its worst point marked.

use crate::ui::when::rough;
use leptos::prelude::*;
use truecount::domain::time::Span;

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Spark {
    /// Worst delay of each slot, oldest first; zero where nothing happened.
    pub slots: Vec<Span>,
    /// Words under the left edge, under the worst point, under the right edge.
    pub beneath: (String, Option<String>, String),
    /// The worst point is worse than it should be.
    pub bad: bool,
    /// The picture in a sentence.
    pub sentence: String,
}

/// Which screens have room for the words under the worst point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Always,
    Wide,
    Never,
}

/// Width of a letter under the picture, and of the narrowest picture on a phone and above it, in pixels.
const LETTER: f64 = 7.0;
const WIDTHS: [(Room, f64); 2] = [(Room::Always, 170.0), (Room::Wide, 380.0)];

/// Whether words centred at `x` percent keep a letter's distance from those at both edges, and on which screens.
fn room(x: f64, words: (&str, &str, &str)) -> Room {
    let letters = |text: &str| text.chars().count() as f64 * LETTER;
    let (left, half, right) = (letters(words.0), letters(words.1) / 2.0, letters(words.2));
    let fits = |width: f64| {
        let at = x / 100.0 * width;
        at - half >= left + LETTER && at + half <= width - right - LETTER
    };
    WIDTHS.iter().find(|(_, width)| fits(*width)).map_or(Room::Never, |(room, _)| *room)
}

/// Height from the top in percent, logarithmic between 0.1 s and the largest value.
pub fn height(value: Span, largest: Span) -> f64 {
    let floor: f64 = 100_000.0;
    let top = (largest.0 as f64).max(floor * 10.0);
    let value = (value.0 as f64).clamp(floor, top);
    100.0 - (value / floor).ln() / (top / floor).ln() * 100.0
}

/// Values with a name of their own, from which the lines of a scale are taken.
const ROUND: [Span; 7] = [
    Span::secs(1),
    Span::secs(10),
    Span::minutes(1),
    Span::minutes(10),
    Span::hours(1),
    Span::hours(10),
    Span::hours(96),
];

/// The three lines of the scale for delays up to this, from small to large: the last is where it ends.
pub fn scale(worst: Span) -> [Span; 3] {
    let top = ROUND.iter().position(|round| *round >= worst).unwrap_or(ROUND.len() - 1).max(2);
    [ROUND[0], ROUND[top / 2], ROUND[top]]
}

/// Draws it.
pub fn sparkline(spark: Spark) -> AnyView {
    let lines = scale(spark.slots.iter().copied().max().unwrap_or_default());
    let largest = lines[2];
    let count = spark.slots.len().max(1) as f64;
    let percent = |n: f64| format!("{n:.2}%");
    let worst = spark
        .slots
        .iter()
        .enumerate()
        .filter(|(_, s)| s.0 > 0)
        .max_by_key(|(i, s)| (s.0, std::cmp::Reverse(*i)))
        .map(|(i, s)| (i, *s));
    let mut strokes: Vec<AnyView> = Vec::new();
    let mut before: Option<f64> = None;
    for (i, slot) in spark.slots.iter().enumerate() {
        let (left, right) = (i as f64 / count * 100.0, (i + 1) as f64 / count * 100.0);
        if slot.0 <= 0 {
            before = None;
            continue;
        }
        let y = height(*slot, largest);
        strokes.push(
            view! { <rect class="spark__area" x=percent(left) y=percent(y) width=percent(right - left + 0.05) height=percent(100.0 - y)></rect> }
                .into_any(),
        );
        if let Some(before) = before {
            strokes.push(view! { <line class="spark__line" x1=percent(left) x2=percent(left) y1=percent(before) y2=percent(y)></line> }.into_any());
        }
        strokes.push(
            view! { <line class="spark__line" x1=percent(left) x2=percent(right) y1=percent(y) y2=percent(y)></line> }
                .into_any(),
        );
        before = Some(y);
    }
    let grid: Vec<AnyView> = lines
        .iter()
        .map(|value| {
            let y = percent(height(*value, largest));
            view! { <line class="chart__grid" x1="0" x2="100%" y1=y.clone() y2=y></line> }.into_any()
        })
        .collect();
    let names: Vec<AnyView> = lines
        .iter()
        .map(|value| view! { <text x="8" y=percent(height(*value, largest)) dy="4">{rough(*value)}</text> }.into_any())
        .collect();
    let middle = |i: usize| (i as f64 + 0.5) / count * 100.0;
    let mark = worst.map(|(i, value)| {
        view! {
            <svg class="spark__mark" x=percent(middle(i)) y=percent(height(value, largest))>
                <path class=if spark.bad { "spark__worst spark__worst--bad" } else { "spark__worst" } d="M0-5.5 5.5 0 0 5.5-5.5 0Z"></path>
            </svg>
        }
    });
    let (left, under, right) = spark.beneath;
    let under = worst.zip(under).and_then(|((i, _), words)| {
        let x = middle(i);
        // Near an edge the edge's own words already say the time.
        let class = match room(x, (&left, &words, &right)) {
            Room::Always => "spark__when",
            Room::Wide => "spark__when spark__when--wide",
            Room::Never => return None,
        };
        Some(view! { <text class=class x=percent(x) y="14" text-anchor="middle">{words}</text> })
    });
    view! {
        <div class="spark" role="img" aria-label=spark.sentence>
            <svg class="spark__plot" aria-hidden="true">{grid}{strokes}{mark}</svg>
            <svg class="spark__names" aria-hidden="true">{names}</svg>
            <svg class="spark__times" aria-hidden="true">
                <text x="0" y="14">{left}</text>
                {under}
                <text x="100%" y="14" text-anchor="end">{right}</text>
            </svg>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_has_three_named_lines_however_even_the_delays_are() {
        for (worst, want) in [
            (Span::ZERO, ["1 s", "10 s", "1 min"]),
            (Span::secs(2), ["1 s", "10 s", "1 min"]),
            (Span::millis(542_000), ["1 s", "10 s", "10 min"]),
            (Span::hours(7), ["1 s", "1 min", "10 h"]),
            (Span::hours(1_000), ["1 s", "10 min", "4 days"]),
        ] {
            let lines = scale(worst);
            assert_eq!(lines.map(|line| rough(line).replace('\u{a0}', " ")), want, "{worst:?}");
            let at = lines.map(|line| height(line, lines[2]));
            assert!(at[0] - at[1] > 18.0 && at[1] - at[2] > 18.0, "no name lies on another: {at:?}");
        }
    }

    #[test]
    fn no_words_run_into_those_at_the_edges() {
        for (x, left, words, want) in [
            (50.0, "Mon 11:41", "11:42", Room::Wide),
            (60.0, "Mon 11:41", "11:42", Room::Always),
            (85.0, "Mon 11:41", "11:42", Room::Wide),
            (97.0, "Mon 11:41", "11:42", Room::Never),
            (20.0, "Mon 11:41", "Mon 15:10", Room::Never),
            (45.0, "11:41", "15:10", Room::Always),
            (2.0, "11:41", "15:10", Room::Never),
        ] {
            assert_eq!(room(x, (left, words, "now")), want, "{x} {left} {words}");
        }
    }

    #[test]
    fn the_scale_is_logarithmic_and_stays_inside() {
        let worst = Span::minutes(9);
        assert_eq!(height(worst, worst), 0.0);
        assert_eq!(height(Span::ZERO, worst), 100.0);
        let (four, forty) = (height(Span::secs(4), worst), height(Span::secs(40), worst));
        let tenth = height(Span::millis(400), worst) - four;
        assert!((four - forty - tenth).abs() < 1e-9, "ten times more is one equal step");
    }
}
