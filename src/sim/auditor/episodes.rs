//! Differences between what the web shows and what it should show, from their beginning to their end.

use super::Books;
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// The longest delay that counts as ordinary, and what is taken while there is too little to measure.
const DELAY_MAX: Span = Span::minutes(2);

/// So many undisturbed differences are enough to measure the ordinary delay.
const ENOUGH: usize = 100;

#[derive(Debug, Clone, Copy)]
pub(super) struct Episode {
    pub since: Timestamp,
    peak: i64,
    /// Since when what had been told was enough to know of it, without a gap.
    evidence: Option<Timestamp>,
    /// Some fault befell what it is about.
    troubled: bool,
    /// It began with a sale at the till.
    sold: bool,
}

/// What has been measured of the differences that ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// How long each lasted, and its largest size.
    all: Vec<(Span, i64)>,
    /// How long those lasted that no fault touched.
    undisturbed: Vec<Span>,
    /// From the evidence to the end.
    heals: Vec<Span>,
    /// Since when and how long those lasted that began with a sale at the till.
    sales: Vec<(Timestamp, Span)>,
}

impl Books {
    /// A difference begins, grows or ends only when something changes, so sampling at each change misses nothing.
    pub(super) fn sample(&mut self, item: usize, now: Timestamp) {
        if !self.matched.get(item).copied().unwrap_or(false) {
            return;
        }
        let size = self.off_by(item).abs();
        let knowable = size != 0 && self.knowable(item);
        let Some(slot) = self.episodes.get_mut(item) else { return };
        match (slot.as_mut(), size) {
            (None, 0) => {}
            (None, _) => {
                *slot = Some(Episode {
                    since: now,
                    peak: size,
                    evidence: knowable.then_some(now),
                    troubled: false,
                    sold: false,
                });
            }
            (Some(episode), 1..) => {
                // A change that takes no time (a sale and its shelf) leaves no peak behind.
                episode.peak = if episode.since == now { size } else { episode.peak.max(size) };
                episode.evidence = if knowable { episode.evidence.or(Some(now)) } else { None };
            }
            (Some(episode), _) => {
                let episode = *episode;
                *slot = None;
                self.end(episode, now);
            }
        }
    }

    /// By how much the web shows too much. Where the shop's papers leave open whether units of an order without
    /// allocation are still shown, either way is right.
    pub(super) fn off_by(&self, item: usize) -> i64 {
        let should = self.should_show(item);
        let (low, high) = self.shows.get(item).copied().unwrap_or_default();
        if should < low { low - should } else { (high - should).min(0) }
    }

    /// Nobody may write before going live, so what ended by then is nobody's, and the others begin then.
    fn counted_from(&self, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self.live_at {
            Some(live) if now <= live => None,
            Some(live) => Some(since.max(live)),
            None => Some(since),
        }
    }

    fn end(&mut self, episode: Episode, now: Timestamp) {
        let Some(since) = self.counted_from(episode.since, now).filter(|since| *since < now) else { return };
        self.ended.all.push((now.since(since), episode.peak));
        if !episode.troubled && self.wire_trouble < episode.since {
            self.ended.undisturbed.push(now.since(since));
        }
        if episode.sold {
            self.ended.sales.push((episode.since, now.since(episode.since)));
        }
        if let Some(evidence) = episode.evidence {
            self.ended.heals.push(now.since(evidence.max(since)));
        }
    }

    /// A sale at the till has just changed this item.
    pub(super) fn sold(&mut self, item: usize, now: Timestamp) {
        if let Some(episode) = self.episodes.get_mut(item).and_then(Option::as_mut).filter(|e| e.since == now) {
            episode.sold = true;
        }
    }

    /// Some fault befell what is told of this item.
    pub(super) fn troubled(&mut self, item: usize) {
        if let Some(episode) = self.episodes.get_mut(item).and_then(Option::as_mut) {
            episode.troubled = true;
        }
    }

    /// The delay of a working connection: the 99th of a hundred differences that no fault touched. Never more than
    /// two minutes, so that a slow product cannot make its own delay the measure.
    pub(super) fn ordinary_delay(&self) -> Span {
        if self.ended.undisturbed.len() < ENOUGH {
            return DELAY_MAX;
        }
        percentile(&self.ended.undisturbed, 99).map_or(DELAY_MAX, |delay| delay.min(DELAY_MAX))
    }

    /// 95 of a hundred differences were gone so long after the evidence for them had reached the product.
    pub(super) fn heal_p95(&self) -> Option<Span> {
        percentile(&self.ended.heals, 95)
    }

    /// Units and number of the differences that outlived `delay`, open ones included.
    pub(super) fn outlived(&self, delay: Span, now: Timestamp) -> (u64, u64) {
        let open = self.episodes.iter().flatten().filter_map(|episode| {
            let since = self.counted_from(episode.since, now)?;
            Some((now.since(since), episode.peak))
        });
        let late = self.ended.all.iter().copied().chain(open).filter(|(lasted, _)| *lasted > delay);
        late.fold((0, 0), |(units, n), (_, peak)| (units + peak.unsigned_abs(), n + 1))
    }

    /// Of the hour in which most sales at the till began a difference: how many, and how long 95 of a hundred of them
    /// lasted, from the sale to the moment the shop showed it.
    pub(super) fn busiest_hour(&self, now: Timestamp) -> (u64, Option<Span>) {
        // What stood there when writing began is no change.
        let live = self.live_at.unwrap_or_default();
        let open = self.episodes.iter().flatten().filter(|episode| episode.sold);
        let open = open.map(|episode| (episode.since, now.since(episode.since)));
        let mut hours: BTreeMap<i64, Vec<Span>> = BTreeMap::new();
        for (since, lasted) in self.ended.sales.iter().copied().chain(open).filter(|(since, _)| *since > live) {
            hours.entry(since.secs().div_euclid(3_600)).or_default().push(lasted);
        }
        let busiest = hours.into_values().max_by_key(Vec::len).unwrap_or_default();
        (busiest.len() as u64, percentile(&busiest, 95))
    }

    /// Items that differ now: item, what the web shows, what it should show, since when.
    pub fn differing(&self) -> Vec<(usize, i64, i64, Timestamp)> {
        self.episodes
            .iter()
            .enumerate()
            .filter_map(|(i, e)| e.map(|e| (i, self.should_show(i) + self.off_by(i), self.should_show(i), e.since)))
            .collect()
    }

    /// What is on the shelf by these books.
    #[cfg(test)]
    pub fn on_hand(&self, item: usize) -> i64 {
        super::at(&self.on_hand, item)
    }
}

/// The smallest value that so many of a hundred do not exceed.
fn percentile(spans: &[Span], percent: usize) -> Option<Span> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let spans: Vec<Span> = (1..=200).rev().map(Span::secs).collect();
        assert_eq!(percentile(&spans, 95), Some(Span::secs(190)));
        assert_eq!(percentile(&spans[..1], 95), Some(Span::secs(200)));
        assert_eq!(percentile(&[], 95), None);
    }
}
