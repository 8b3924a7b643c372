//! The step chart: till dotted, should as a road, web as a line on its halo, difference hatched. Drawn on the
//! server with classes and attributes only; positions are percentages, so the text keeps its size on every width.

use super::chart_geometry::{Plot, Room, Stroke};
use super::number::signed;
use super::when::rough;
use leptos::prelude::*;

/// Words that go with a plot.
#[derive(Debug, Clone)]
pub struct Words {
    /// Two lines under each event: time and what.
    pub ticks: Vec<(String, String)>,
    /// The clock at the right edge.
    pub now: String,
    /// Till says, should show, web shows: at the ends of their lines.
    pub ends: (i64, i64, Option<i64>),
    /// The picture in a sentence.
    pub sentence: String,
    /// Makes the pattern's id unique on the page.
    pub key: String,
}

fn percent(n: f64) -> String {
    format!("{n:.2}%")
}

fn lines(strokes: &[Stroke], class: &'static str) -> Vec<AnyView> {
    strokes
        .iter()
        .map(|s| {
            view! { <line class=class x1=percent(s.from.0) y1=percent(s.from.1) x2=percent(s.to.0) y2=percent(s.to.1)></line> }
                .into_any()
        })
        .collect()
}

/// Draws it.
pub fn chart(plot: &Plot, words: Words) -> AnyView {
    let pattern = format!("hatch-{}", words.key);
    let hatch = format!("url(#{pattern})");
    let grid: Vec<AnyView> = plot
        .scale
        .iter()
        .map(|(_, y)| {
            view! { <line class="chart__grid" x1="0" x2="100%" y1=percent(*y) y2=percent(*y)></line> }.into_any()
        })
        .collect();
    let scale: Vec<AnyView> = plot
        .scale
        .iter()
        .map(|(value, y)| view! { <text class="chart__scale" x="100%" y=percent(*y) dy="4" text-anchor="end">{super::number::plain(*value)}</text> }.into_any())
        .collect();
    let gaps: Vec<AnyView> = plot
        .gaps
        .iter()
        .map(|gap| {
            view! {
                <rect fill=hatch.clone() x=percent(gap.x.0) y=percent(gap.y.0) width=percent(gap.x.1 - gap.x.0)
                    height=percent(gap.y.1 - gap.y.0)></rect>
            }
            .into_any()
        })
        .collect();
    let longest = plot.quiet.iter().map(|(_, span)| *span).max();
    let quiet: Vec<AnyView> = plot
        .quiet
        .iter()
        .map(|(x, span)| {
            // A phone has room for one: the longest.
            let class = if Some(*span) == longest {
                "chart__quiet-words"
            } else {
                "chart__quiet-words chart__quiet-words--minor"
            };
            view! {
                <line class="chart__quiet" x1=percent(*x) x2=percent(*x) y1="-14" y2="100%"></line>
                <text class=class x=percent(*x) dx="6" y="-6">{format!("{} quiet", rough(*span))}</text>
            }
            .into_any()
        })
        .collect();
    let difference = plot.difference.map(|(n, x, y)| {
        view! { <text class="chart__difference" x=percent(x) y=percent(y) dy="4" text-anchor="end">{signed(n)}</text> }
    });
    let dots: Vec<AnyView> = plot
        .ticks
        .iter()
        .map(|(x, _)| view! { <circle class="chart__dot" cx=percent(*x) cy="100%" r="4"></circle> }.into_any())
        .collect();
    let last = plot.ticks.len().saturating_sub(1);
    let ticks: Vec<AnyView> = plot
        .ticks
        .iter()
        .zip(words.ticks)
        .enumerate()
        .map(|(i, ((x, room), (time, what)))| {
            let class = match room {
                Room::Always => "chart__tick",
                Room::Middle => "chart__tick chart__tick--middle",
                Room::Wide => "chart__tick chart__tick--wide",
                Room::Never => "chart__tick chart__tick--never",
            };
            let anchor = if i == 0 && last > 0 { "start" } else { "middle" };
            view! {
                <g class=class>
                    <text x=percent(*x) y="14" text-anchor=anchor>{time}</text>
                    <text class="chart__what" x=percent(*x) y="29" text-anchor=anchor>{what}</text>
                </g>
            }
            .into_any()
        })
        .collect();
    let (till, should, web) = words.ends;
    let end = |class: &'static str, y: f64, text: String| {
        view! { <text class=class x="10" y=percent(y) dy="4">{text}</text> }.into_any()
    };
    let web_end = plot
        .ends
        .2
        .zip(web)
        .map(|(y, web)| end("chart__end chart__end--web", y, format!("Web {}", super::number::plain(web))));
    view! {
        <div class="chart" role="img" aria-label=words.sentence>
            <svg class="chart__left" aria-hidden="true">{scale}</svg>
            <svg class="chart__plot" aria-hidden="true">
                <defs>
                    <pattern id=pattern width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <line class="chart__hatch" x1="0" y1="0" x2="0" y2="6"></line>
                    </pattern>
                </defs>
                {grid}
                {quiet}
                {gaps}
                {lines(&plot.should, "chart__should")}
                {lines(&plot.web, "chart__halo")}
                {lines(&plot.web, "chart__web")}
                {lines(&plot.till, "chart__till")}
                {difference}
                {dots}
                <line class="chart__now" x1="100%" x2="100%" y1="-8" y2="100%"></line>
            </svg>
            <svg class="chart__ends" aria-hidden="true">
                {end("chart__end chart__end--till", plot.ends.0, format!("Till {}", super::number::plain(till)))}
                {end("chart__end chart__end--should", plot.ends.1, format!("Should {}", super::number::plain(should)))}
                {web_end}
            </svg>
            <svg class="chart__ticks" aria-hidden="true">
                {ticks}
                <text x="100%" y="14" text-anchor="middle">{words.now}</text>
            </svg>
        </div>
    }
    .into_any()
}

/// What the four strokes mean, beside the title.
pub fn key() -> AnyView {
    let entry = |class: &'static str, words: &'static str| {
        view! {
            <span class="chart-key__entry">
                <svg class="chart-key__sample" viewBox="0 0 24 10" aria-hidden="true"><line class=class x1="1" x2="23" y1="5" y2="5"></line></svg>
                {words}
            </span>
        }
        .into_any()
    };
    view! {
        <span class="chart-key">
            {entry("chart__till", "Till says")}
            {entry("chart__should", "Should show")}
            {entry("chart__web", "Web shows")}
            <span class="chart-key__entry"><span class="chart-key__hatch" aria-hidden="true"></span>"Difference"</span>
        </span>
    }
    .into_any()
}
