//! How it came to this: the step chart of one SKU at one place, and the same in a sentence.

use crate::ui::chart::{Words, chart, key};
use crate::ui::chart_geometry::{Point, SLOTS, plot};
use crate::ui::number::{counted, plain};
use crate::ui::when::Clock;
use leptos::prelude::*;
use truecount::operator::views::{SkuPlace, Step, Sum};

/// Longest text under a tick of the chart; the whole text stands in Movements.
const LONGEST_TICK: usize = 16;

fn clip(text: &str) -> String {
    if text.chars().count() <= LONGEST_TICK {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(LONGEST_TICK - 1).collect::<String>())
    }
}

/// The chart with its title and key.
pub fn how(place: &SkuPlace, clock: &Clock) -> AnyView {
    let Some(last) = place.steps.last() else { return ().into_any() };
    let steps: Vec<&Step> = place.steps.iter().filter(|step| step.changed).collect();
    let points: Vec<Point> =
        steps.iter().map(|s| Point { at: s.at, till: s.sum.till, should: s.sum.should, web: s.sum.web }).collect();
    let drawn = &steps[steps.len().saturating_sub(SLOTS)..];
    let mut ticks = Vec::new();
    let mut before = None;
    for step in drawn {
        let today = before.is_some_and(|at| clock.same_day(at, step.at));
        let words = clock.row(step.at);
        // The day is said where it changes, the minute everywhere: "Tue 08:12", "08:21".
        let minute = words.get(..words.len().saturating_sub(3)).unwrap_or(&words);
        let label = if today { minute.rsplit(' ').next().unwrap_or(minute) } else { minute };
        ticks.push((label.to_owned(), clip(&step.short)));
        before = Some(step.at);
    }
    let folded = (steps.len() > SLOTS).then(|| {
        view! { <span class="panel__note">{format!("the newest {SLOTS} of {} changes", plain(steps.len() as i64))}</span> }
    });
    let words = Words {
        ticks,
        now: format!("{} now", clock.minutes(clock.now)),
        ends: (last.sum.till, last.sum.should, last.sum.web),
        sentence: chart_sentence(&last.sum, drawn.len()),
        key: format!("{:08x}", checksum(&place.place)),
    };
    view! {
        <div class="card how">
            <div class="panel__head"><h2>"How it came to this"</h2>{key()}{folded}</div>
            {chart(&plot(&points, clock.now), words)}
        </div>
    }
    .into_any()
}

/// Tells two places apart in an element id; nothing depends on it being unique beyond one page.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(2_166_136_261, |sum: u32, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
}

fn chart_sentence(sum: &Sum, steps: usize) -> String {
    let web = match (sum.web, sum.difference) {
        (Some(web), Some(0)) => format!("the web shows {}, which is equal", plain(web)),
        (Some(web), Some(n)) if n > 0 => format!("the web shows {}, which is {} too many", plain(web), plain(n)),
        (Some(web), Some(n)) => format!("the web shows {}, which is {} too few", plain(web), plain(-n)),
        _ => "the web has not been read yet".to_owned(),
    };
    format!(
        "Step chart of the last {}. Now the till says {}, the web should show {}, and {web}. Every step stands in the table of movements.",
        counted(steps as i64, "change", "changes"),
        plain(sum.till),
        plain(sum.should)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_also_a_sentence() {
        let sum = Sum {
            till: 6,
            waiting: 1,
            hold: 1,
            buffer: 1,
            checking: 0,
            should: 3,
            floored: 0,
            web: Some(5),
            difference: Some(2),
        };
        let sentence = chart_sentence(&sum, 6);
        assert!(
            sentence.contains("till says 6, the web should show 3, and the web shows 5, which is 2 too many"),
            "{sentence}"
        );
        assert!(chart_sentence(&Sum { web: None, difference: None, ..sum }, 6).contains("not been read"));
    }

    #[test]
    fn long_event_names_are_cut_only_in_the_picture() {
        assert_eq!(clip("order W-10482"), "order W-10482");
        assert_eq!(clip(&"x".repeat(10_000)).chars().count(), LONGEST_TICK);
    }
}
