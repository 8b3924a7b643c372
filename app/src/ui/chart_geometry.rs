//! Where the lines of the step chart run. Pure: counts in, percentages of the drawing out, so that one drawing
//! fits every width without scaling its text.
//!
//! One slot per event, all of the same width; a quiet stretch is folded and said in words.

use truecount::domain::time::{Span, Timestamp};

/// A stretch without events from which on it is marked as folded.
const QUIET: Span = Span::hours(4);
/// Events drawn; older ones stand in the table of movements.
pub const SLOTS: usize = 12;
/// Width of a label with the air around it, in percent of the narrowest drawing that shows it: on a phone (where only
/// the time is written), a tablet and a wide screen.
const LABELS: [(Room, f64); 3] = [(Room::Always, 30.0), (Room::Middle, 22.0), (Room::Wide, 14.0)];
/// Half the label "now" as a part of another label's width.
const NOW_WIDTH: f64 = 0.3;
/// Least distance between two labels at the lines' ends, in percent of the height.
const LABEL_GAP: f64 = 11.0;

/// All counts right after one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Till says.
    pub till: i64,
    /// Should show.
    pub should: i64,
    /// Web shows, once read.
    pub web: Option<i64>,
}

/// A straight stroke in percent of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Start.
    pub from: (f64, f64),
    /// End.
    pub to: (f64, f64),
}

/// A part of the picture where the web is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Left and right.
    pub x: (f64, f64),
    /// Upper and lower.
    pub y: (f64, f64),
}

/// Which screens have room for a slot's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Also a phone.
    Always,
    /// A tablet and wider.
    Middle,
    /// A wide screen.
    Wide,
    /// None.
    Never,
}

/// Everything that is drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plot {
    /// Lines of the scale: value and height.
    pub scale: Vec<(i64, f64)>,
    /// Till says.
    pub till: Vec<Stroke>,
    /// Should show.
    pub should: Vec<Stroke>,
    /// Web shows.
    pub web: Vec<Stroke>,
    /// Where they differ.
    pub gaps: Vec<Gap>,
    /// The signed difference now, and where to write it.
    pub difference: Option<(i64, f64, f64)>,
    /// Events: position and who has room for the label.
    pub ticks: Vec<(f64, Room)>,
    /// Folded stretches: position and length.
    pub quiet: Vec<(f64, Span)>,
    /// Heights of the labels at the ends: till, should, web.
    pub ends: (f64, f64, Option<f64>),
}

/// Lays out the newest [`SLOTS`] points, oldest first.
pub fn plot(points: &[Point], now: Timestamp) -> Plot {
    let points = &points[points.len().saturating_sub(SLOTS)..];
    let Some(last) = points.last() else { return Plot::default() };
    let values = || points.iter().flat_map(|p| [p.till, p.should, p.web.unwrap_or(0), 0]);
    let (low, high, step) = scale(values().min().unwrap_or(0), values().max().unwrap_or(0));
    let y = |value: i64| (high - value) as f64 / (high - low) as f64 * 100.0;
    let x = |slot: usize| slot as f64 / points.len() as f64 * 100.0;

    let mut plot = Plot {
        scale: (0..=(high - low) / step).map(|i| (low + i * step, y(low + i * step))).collect(),
        ..Plot::default()
    };
    plot.till = strokes(points, |p| Some(p.till), x, y);
    plot.should = strokes(points, |p| Some(p.should), x, y);
    plot.web = strokes(points, |p| p.web, x, y);
    let rooms = rooms(points.len());
    for (i, point) in points.iter().enumerate() {
        plot.ticks.push((x(i), rooms.get(i).copied().unwrap_or(Room::Never)));
        let next = points.get(i + 1).map_or(now, |p| p.at);
        if next.since(point.at) >= QUIET {
            plot.quiet.push(((x(i) + x(i + 1)) / 2.0, next.since(point.at)));
        }
        if let Some(web) = point.web.filter(|web| *web != point.should) {
            plot.gaps.push(Gap { x: (x(i), x(i + 1)), y: (y(web.max(point.should)), y(web.min(point.should))) });
        }
    }
    if let Some(web) = last.web.filter(|web| *web != last.should) {
        plot.difference = Some((web - last.should, 99.0, (y(web) + y(last.should)) / 2.0));
    }
    plot.ends = ends(y(last.till), y(last.should), last.web.map(y));
    plot
}

/// Lowest and highest line of the scale and the distance between lines: five or six lines, from 0.
fn scale(low: i64, high: i64) -> (i64, i64, i64) {
    let reach = (high.max(1) - low.min(0)).max(1);
    let mut step = 1;
    'search: for power in 0..18 {
        for factor in [1, 2, 5] {
            step = factor * 10_i64.pow(power);
            if reach.div_euclid(step) < 5 {
                break 'search;
            }
        }
    }
    let up = |n: i64| (n + step - 1).div_euclid(step) * step;
    (-up(-low.min(0)), up(high.max(1)), step)
}

fn strokes(
    points: &[Point],
    value: impl Fn(&Point) -> Option<i64>,
    x: impl Fn(usize) -> f64,
    y: impl Fn(i64) -> f64,
) -> Vec<Stroke> {
    let mut out: Vec<Stroke> = Vec::new();
    let mut before: Option<i64> = None;
    for (i, point) in points.iter().enumerate() {
        let current = value(point);
        match (before, current) {
            (Some(a), Some(b)) if a != b => {
                out.push(Stroke { from: (x(i), y(a)), to: (x(i), y(b)) });
                out.push(Stroke { from: (x(i), y(b)), to: (x(i + 1), y(b)) });
            }
            (Some(_), Some(_)) => {
                if let Some(flat) = out.last_mut() {
                    flat.to.0 = x(i + 1);
                }
            }
            (None, Some(b)) => out.push(Stroke { from: (x(i), y(b)), to: (x(i + 1), y(b)) }),
            (_, None) => {}
        }
        before = current;
    }
    out
}

/// Gives labels to slots so that none lies on another: the first always, then as many as a phone has room for, then
/// what a tablet and a wide screen have room for between them. "Now" has its own label at the end.
fn rooms(slots: usize) -> Vec<Room> {
    let mut rooms = vec![Room::Never; slots];
    if let Some(first) = rooms.first_mut() {
        *first = Room::Always;
    }
    let x = |slot: usize| slot as f64 / slots as f64 * 100.0;
    for (room, width) in LABELS {
        for i in 1..slots {
            let fits = |other: usize| {
                // The first stands to the right of its slot, all others on both sides of theirs.
                let needed = if other == 0 { width * 1.5 } else { width };
                (x(i) - x(other)).abs() >= needed
            };
            let taken = |other: &usize| rooms.get(*other).is_some_and(|r| *r != Room::Never);
            if x(i) + width * 0.5 + NOW_WIDTH * width <= 100.0
                && (0..slots).filter(taken).all(fits)
                && let Some(slot) = rooms.get_mut(i)
            {
                *slot = room;
            }
        }
    }
    rooms
}

/// Pushes the three labels apart, keeping their order.
fn ends(till: f64, should: f64, web: Option<f64>) -> (f64, f64, Option<f64>) {
    let mut labels = vec![(0, till), (1, should)];
    labels.extend(web.map(|web| (2, web)));
    labels.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    for i in 1..labels.len() {
        labels[i].1 = labels[i].1.max(labels[i - 1].1 + LABEL_GAP);
    }
    let over = labels.last().map_or(0.0, |l| (l.1 - 100.0).max(0.0));
    let height = |of: i32| labels.iter().find(|l| l.0 == of).map(|l| l.1 - over);
    (height(0).unwrap_or(till), height(1).unwrap_or(should), height(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(hour: i64, till: i64, should: i64, web: Option<i64>) -> Point {
        Point { at: Timestamp::from_secs(hour * 3_600), till, should, web }
    }

    #[test]
    fn the_scale_starts_at_zero_and_has_few_lines() {
        for ((low, high), want) in [
            ((0, 7), (0, 8, 2)),
            ((0, 0), (0, 1, 1)),
            ((0, 4), (0, 4, 1)),
            ((0, 23), (0, 25, 5)),
            ((0, 412), (0, 500, 100)),
            ((-3, 4), (-4, 4, 2)),
        ] {
            assert_eq!(scale(low, high), want, "{low}..{high}");
        }
    }

    #[test]
    fn a_line_steps_where_its_count_changes() {
        let plot = plot(
            &[point(0, 6, 5, Some(5)), point(1, 7, 5, Some(5)), point(2, 7, 4, Some(4))],
            Timestamp::from_secs(9_000),
        );
        assert_eq!(plot.till.len(), 3, "flat, up, flat");
        assert_eq!(plot.should.len(), 3);
        assert_eq!(plot.till[1].from.0, plot.till[1].to.0, "a step is upright");
        assert_eq!(plot.till[2].to.0, 100.0, "and lasts until now");
        assert_eq!((plot.gaps.len(), plot.difference), (0, None));
    }

    #[test]
    fn a_difference_is_hatched_between_the_two_lines_and_signed() {
        let plot = plot(
            &[point(0, 6, 5, Some(5)), point(1, 6, 3, Some(5)), point(2, 6, 4, None)],
            Timestamp::from_secs(9_000),
        );
        assert_eq!(plot.gaps.len(), 1);
        assert!(plot.gaps[0].y.0 < plot.gaps[0].y.1);
        assert_eq!(plot.difference, None, "not read now, so nothing is claimed");
        assert_eq!(plot.web.len(), 1, "an unread stretch is not drawn");
    }

    #[test]
    fn quiet_stretches_are_folded_and_measured() {
        let plot = plot(&[point(0, 1, 1, Some(1)), point(16, 1, 1, Some(1))], Timestamp::from_secs(17 * 3_600));
        assert_eq!(plot.quiet, vec![(25.0, Span::hours(16))]);
    }

    #[test]
    fn only_the_newest_slots_are_drawn_and_few_are_labelled_on_a_phone() {
        let points: Vec<Point> = (0..40).map(|i| point(i, i, i, Some(i))).collect();
        let plot = plot(&points, Timestamp::from_secs(40 * 3_600));
        assert_eq!(plot.ticks.len(), SLOTS);
        let always = plot.ticks.iter().filter(|t| t.1 == Room::Always).count();
        assert_eq!(always, 2);
        assert_eq!(plot.ticks[0].1, Room::Always);
    }

    #[test]
    fn no_label_lies_on_another_on_any_screen() {
        for slots in 1..=SLOTS {
            let rooms = rooms(slots);
            assert_eq!(rooms[0], Room::Always);
            let x = |i: usize| i as f64 / slots as f64 * 100.0;
            for (seen, (_, width)) in LABELS.iter().enumerate() {
                let shown: Vec<usize> =
                    (0..slots).filter(|i| LABELS[..=seen].iter().any(|(room, _)| *room == rooms[*i])).collect();
                let ends: Vec<(f64, f64)> = shown
                    .iter()
                    .map(|i| if *i == 0 { (0.0, *width) } else { (x(*i) - width / 2.0, x(*i) + width / 2.0) })
                    .collect();
                assert!(ends.windows(2).all(|w| w[0].1 <= w[1].0 + 1e-9), "{slots} slots: {ends:?}");
                assert!(shown.len() < 2 || ends.last().unwrap().1 < 100.0, "{slots} slots: {ends:?}");
            }
        }
        assert_eq!(rooms(SLOTS).iter().filter(|room| **room != Room::Never).count(), 4);
    }

    #[test]
    fn labels_at_the_ends_never_lie_on_each_other_or_outside() {
        for (till, should, web) in [(50.0, 50.0, Some(50.0)), (100.0, 100.0, Some(99.0)), (0.0, 5.0, None)] {
            let (a, b, c) = ends(till, should, web);
            let mut all: Vec<f64> = [Some(a), Some(b), c].into_iter().flatten().collect();
            all.sort_by(f64::total_cmp);
            assert!(all.windows(2).all(|w| w[1] - w[0] >= LABEL_GAP - 1e-9), "{all:?}");
            assert!(all.iter().all(|y| (-25.0..=100.0).contains(y)), "{all:?}");
        }
    }

    #[test]
    fn nothing_known_draws_nothing() {
        assert_eq!(plot(&[], Timestamp::from_secs(0)), Plot::default());
    }
}
