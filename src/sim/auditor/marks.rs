//! The product's claims of how far it has read, held against what the vendors had at that moment.

use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The till's sales were read.
    Sales,
    /// The till's counts were read as they change.
    Counts,
    /// Every count of the till was compared.
    CountsCompared,
    /// The shop's orders were read.
    Orders,
    /// Every stock row of the shop was compared.
    ShopCompared,
}

/// "Nothing ordered up to `as_of`, nothing recorded before `read_up_to` is unknown to us."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The vendor's order; 0 where it has none.
    pub as_of: i64,
    /// The vendor's clock.
    pub read_up_to: Timestamp,
}

impl Claim {
    fn covers(&self, version: i64, at: Timestamp) -> bool {
        (version != 0 && version <= self.as_of) || at < self.read_up_to
    }
}

/// A record that the product has not been told of in its newest form: its version, and when it was recorded.
type Untold = (i64, Timestamp);

/// What the product does not know, and when it last looked.
#[derive(Debug, Default)]
pub(in crate::sim) struct Marks {
    sales: BTreeMap<usize, Untold>,
    counts: BTreeMap<(usize, usize), Untold>,
    orders: BTreeMap<usize, Timestamp>,
    count_seen: BTreeMap<(usize, usize), Timestamp>,
    shelf_seen: BTreeMap<usize, Timestamp>,
    last: BTreeMap<Mark, Claim>,
    /// How far above the named version a claim about the till still reaches.
    reach: i64,
    pub wrong: u64,
    pub described: Vec<String>,
}

/// Described cases are kept up to this many; the counter goes on.
const DESCRIBED: usize = 20;

impl Marks {
    /// The till's order is known by the second only: a claim about a second covers everything stamped with it.
    pub fn go_by_seconds(&mut self) {
        self.reach = 1_000_000;
    }

    /// The claim as one about this till's own versions.
    fn reaching(&self, claim: Claim) -> Claim {
        match self.reach {
            0 => claim,
            step => Claim { as_of: claim.as_of - claim.as_of.rem_euclid(step) + step - 1, ..claim },
        }
    }

    /// A sale was recorded; `version` is above everything while the till has not given it one.
    pub fn sale_recorded(&mut self, sale: usize, version: i64, at: Timestamp) {
        self.sales.insert(sale, (version, at));
    }

    pub fn sale_told(&mut self, sale: usize, version: i64) {
        if self.sales.get(&sale).is_some_and(|(newest, _)| *newest <= version) {
            self.sales.remove(&sale);
        }
    }

    pub fn count_recorded(&mut self, item: usize, outlet: usize, version: i64, at: Timestamp) {
        self.counts.insert((item, outlet), (version, at));
    }

    pub fn count_told(&mut self, item: usize, outlet: usize, version: i64, now: Timestamp) {
        self.count_seen.insert((item, outlet), now);
        if self.counts.get(&(item, outlet)).is_some_and(|(newest, _)| *newest <= version) {
            self.counts.remove(&(item, outlet));
        }
    }

    pub fn order_recorded(&mut self, order: usize, at: Timestamp) {
        self.orders.insert(order, at);
    }

    pub fn order_told(&mut self, order: usize) {
        self.orders.remove(&order);
    }

    pub fn shelf_told(&mut self, item: usize, now: Timestamp) {
        self.shelf_seen.insert(item, now);
    }

    /// Holds a claim against what the vendor has now; says what contradicts it. `hidden` are items whose count in
    /// the shop somebody changed unseen, with the moment; `shelves` are the items that the shop lists.
    pub fn claim(&mut self, mark: Mark, claim: Claim, hidden: &[Option<Timestamp>], shelves: &[usize]) {
        let before = self.last.insert(mark, claim);
        if before == Some(claim) {
            return;
        }
        let since = before.map_or(Timestamp(0), |before| before.read_up_to);
        let wrong = match mark {
            Mark::Sales => self.untold_sale(self.reaching(claim)),
            Mark::Counts => self.untold_count(self.reaching(claim)),
            Mark::CountsCompared => self.untold_count(self.reaching(claim)).or_else(|| {
                let unread = self.count_seen.iter().find(|(_, seen)| **seen < since);
                unread.map(|((item, outlet), seen)| {
                    format!("the count of item {item} at outlet {outlet} was last read at {}", seen.rfc3339())
                })
            }),
            Mark::Orders => {
                let unknown = self.orders.iter().find(|(_, at)| claim.covers(0, **at));
                unknown.map(|(order, at)| format!("order {order} changed at {} is unknown", at.rfc3339()))
            }
            Mark::ShopCompared => {
                let unseen = hidden.iter().enumerate().find(|(_, at)| at.is_some_and(|at| claim.covers(0, at)));
                let unread = || shelves.iter().find(|item| self.shelf_seen.get(item).is_none_or(|seen| *seen < since));
                match unseen {
                    Some((item, _)) => Some(format!("the shop’s count of item {item} changed and is unknown")),
                    None => unread().map(|item| format!("the shop’s count of item {item} was not read")),
                }
            }
        };
        if let Some(words) = wrong {
            self.wrong += 1;
            if self.described.len() < DESCRIBED {
                self.described.push(format!("{mark:?} up to {}: {words}", claim.read_up_to.rfc3339()));
            }
        }
    }

    fn untold_sale(&self, claim: Claim) -> Option<String> {
        let (sale, (version, at)) = self.sales.iter().find(|(_, (version, at))| claim.covers(*version, *at))?;
        // A sale that has happened and that the till has not numbered yet.
        let order = if *version >= super::UNSEEN { "not numbered yet".into() } else { format!("version {version}") };
        Some(format!("sale {sale}, {order}, recorded at {}, is unknown", at.rfc3339()))
    }

    fn untold_count(&self, claim: Claim) -> Option<String> {
        let found = self.counts.iter().find(|(_, (version, at))| claim.covers(*version, *at))?;
        let ((item, outlet), (version, at)) = found;
        Some(format!(
            "the count of item {item} at outlet {outlet}, version {version}, recorded at {}, is unknown",
            at.rfc3339()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn claims(marks: &mut Marks, mark: Mark, as_of: i64, secs: i64) -> u64 {
        let before = marks.wrong;
        marks.claim(mark, Claim { as_of, read_up_to: at(secs) }, &[], &[]);
        marks.wrong - before
    }

    #[test]
    fn a_mark_is_wrong_when_a_record_below_it_is_unknown() {
        let mut marks = Marks::default();
        marks.sale_recorded(1, 50, at(100));
        assert_eq!(claims(&mut marks, Mark::Sales, 49, 100), 0, "neither below");
        assert_eq!(claims(&mut marks, Mark::Sales, 50, 100), 1, "by its version");
        assert_eq!(claims(&mut marks, Mark::Sales, 50, 100), 0, "the same claim again says nothing new");
        assert_eq!(claims(&mut marks, Mark::Sales, 50, 101), 1, "by its time");
        marks.sale_told(1, 49);
        assert_eq!(claims(&mut marks, Mark::Sales, 50, 102), 1, "an older version is not it");
        marks.sale_told(1, 50);
        assert_eq!(claims(&mut marks, Mark::Sales, 60, 103), 0);
        marks.order_recorded(4, at(200));
        assert_eq!(claims(&mut marks, Mark::Orders, 0, 200), 0);
        assert_eq!(claims(&mut marks, Mark::Orders, 0, 201), 1);
    }

    #[test]
    fn a_compare_is_wrong_when_a_row_was_not_read_since_the_last_one() {
        let mut marks = Marks::default();
        marks.count_told(1, 0, 7, at(10));
        assert_eq!(claims(&mut marks, Mark::CountsCompared, 7, 10), 0);
        assert_eq!(claims(&mut marks, Mark::CountsCompared, 7, 20), 0, "read since the one before");
        assert_eq!(claims(&mut marks, Mark::CountsCompared, 7, 30), 1, "not read since");
        let mut hidden = vec![None, Some(at(40))];
        marks.shelf_told(0, at(45));
        marks.shelf_told(1, at(45));
        let mut claim = |secs, hidden: &[Option<Timestamp>]| {
            let before = marks.wrong;
            marks.claim(Mark::ShopCompared, Claim { as_of: 0, read_up_to: at(secs) }, hidden, &[0, 1]);
            marks.wrong - before
        };
        assert_eq!(claim(40, &hidden), 0);
        assert_eq!(claim(41, &hidden), 1, "somebody’s hand in the shop is unknown");
        hidden[1] = None;
        assert_eq!(claim(42, &hidden), 0);
        assert_eq!(claim(50, &hidden), 0);
        assert_eq!(claim(60, &hidden), 1, "no row was read since");
    }
}
