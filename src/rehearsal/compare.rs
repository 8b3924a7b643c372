//! Our books held against what truly happened, line by line.

use crate::domain::time::Timestamp;
use crate::sim::{HandChange, TrueLine, TrueOrder};
use crate::store::audit::{KnownOrder, LedgerLine};
use std::collections::{BTreeMap, HashMap};

/// What a comparison found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Recorded at a vendor and without its line: movements of sales, changes by hand, web orders.
    pub lost: u64,
    /// Lines that nothing at a vendor stands for.
    pub surplus: u64,
    /// Lines without a document, surplus ones among them.
    pub unexplained: u64,
}

/// A shelf: product and outlet.
type Shelf<'a> = (&'a str, &'a str);

/// Holds the ledger against the sale lines and the changes by hand of the world.
pub(super) fn ledger(ours: &[LedgerLine], lines: &[TrueLine], hands: &[HandChange]) -> Comparison {
    let (unexplained, documents): (Vec<&LedgerLine>, Vec<&LedgerLine>) = ours.iter().partition(|l| l.unexplained);
    let mut found = documented(&documents, lines);
    found.unexplained = unexplained.len() as u64;
    let by_hand = by_hand(&unexplained, hands);
    found.lost += by_hand.lost;
    found.surplus += by_hand.surplus;
    found
}

/// Each line must take its sale line to exactly what the till's version of the document had moved in all by then. A
/// line that does not is surplus; a sale line that is not where it should be in the end is lost.
fn documented(ours: &[&LedgerLine], lines: &[TrueLine]) -> Comparison {
    let mut found = Comparison::default();
    let mut booked: HashMap<(&str, &str, Shelf<'_>), Vec<&LedgerLine>> = HashMap::new();
    for line in ours {
        booked.entry((&line.document, &line.line, (&line.product, &line.outlet))).or_default().push(line);
    }
    for line in lines {
        let key = (line.sale.as_str(), line.line.as_str(), (line.product.as_str(), line.outlet.as_str()));
        let mut standing = 0;
        let own = booked.remove(&key).unwrap_or_default();
        for entry in own {
            let moved: i64 = line.steps.iter().filter(|(v, _)| *v <= entry.version).map(|(_, units)| units).sum();
            if standing + entry.units == moved {
                standing = moved;
            } else {
                found.surplus += 1;
            }
        }
        let should: i64 = line.steps.iter().map(|(_, units)| units).sum();
        found.lost += u64::from(standing != should && !line.earlier);
    }
    found.surplus += booked.values().map(|own| own.len() as u64).sum::<u64>();
    found
}

/// Each line without a document must be some changes by hand in a row, the next ones of its shelf, that had been
/// there to be read. What is left of them in the end, and does not cancel itself out, is lost.
fn by_hand(ours: &[&LedgerLine], hands: &[HandChange]) -> Comparison {
    let mut found = Comparison::default();
    let mut left: BTreeMap<Shelf<'_>, Vec<(i64, Timestamp)>> = BTreeMap::new();
    for hand in hands {
        left.entry((&hand.product, &hand.outlet)).or_default().push((hand.units, hand.at));
    }
    for entry in ours {
        let rest = left.entry((&entry.product, &entry.outlet)).or_default();
        let mut sum = 0;
        let taken = rest.iter().take_while(|(_, at)| *at <= entry.known_at).position(|(units, _)| {
            sum += units;
            sum == entry.units
        });
        match taken {
            Some(last) => drop(rest.drain(..=last)),
            None => found.surplus += 1,
        }
    }
    found.lost = left.values().filter(|rest| rest.iter().map(|(units, _)| units).sum::<i64>() != 0).count() as u64;
    found
}

/// Orders that we do not have, have in another state, or with other units. Of a cancelled order only the state counts:
/// the shop leaves its quantities as they were.
pub(super) fn lost_orders(ours: &BTreeMap<String, KnownOrder>, orders: &[TrueOrder]) -> u64 {
    let known = |order: &&TrueOrder| {
        ours.get(&order.id).is_some_and(|own| {
            let units = |(line, units): &(String, i64)| own.lines.get(line).copied().unwrap_or(0) == *units;
            own.state == order.state && (order.state == "cancelled" || order.lines.iter().all(units))
        })
    };
    orders.iter().filter(|order| !order.earlier).filter(|order| !known(order)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booked(document: &str, version: i64, units: i64) -> LedgerLine {
        LedgerLine {
            document: document.into(),
            line: "l".into(),
            product: "p".into(),
            outlet: "o".into(),
            version,
            units,
            unexplained: document.is_empty(),
            known_at: Timestamp(version),
        }
    }

    fn truth(steps: &[(i64, i64)], earlier: bool) -> TrueLine {
        TrueLine {
            sale: "s".into(),
            line: "l".into(),
            product: "p".into(),
            outlet: "o".into(),
            steps: steps.to_vec(),
            earlier,
        }
    }

    fn compared(ours: &[LedgerLine], lines: &[TrueLine], hands: &[i64]) -> (u64, u64) {
        let hands: Vec<HandChange> = (1..)
            .zip(hands)
            .map(|(at, units)| HandChange { product: "p".into(), outlet: "o".into(), units: *units, at: Timestamp(at) })
            .collect();
        let found = ledger(ours, lines, &hands);
        (found.lost, found.surplus)
    }

    #[test]
    fn every_line_stands_for_something_that_happened() {
        let sold_and_voided = [truth(&[(5, -2), (9, 2)], false)];
        assert_eq!(compared(&[booked("s", 5, -2), booked("s", 9, 2)], &sold_and_voided, &[]), (0, 0));
        assert_eq!(compared(&[], &sold_and_voided, &[]), (0, 0), "first heard of when it was void");
        assert_eq!(compared(&[booked("s", 5, -2)], &sold_and_voided, &[]), (1, 0), "the void is missing");
        let sold = [truth(&[(5, -2)], false)];
        assert_eq!(compared(&[booked("s", 7, -2)], &sold, &[]), (0, 0), "heard of by a later version");
        assert_eq!(compared(&[], &sold, &[]), (1, 0));
        assert_eq!(compared(&[booked("s", 5, -2), booked("s", 7, -2)], &sold, &[]), (0, 1), "twice");
        // Two lines that cancel each other out were never sold at all: a sum would not show them.
        let twice_and_back = [booked("s", 5, -2), booked("s", 7, -2), booked("s", 8, 2)];
        assert_eq!(compared(&twice_and_back, &sold, &[]), (0, 2));
        assert_eq!(compared(&[booked("t", 5, -2)], &[], &[]), (0, 1), "of no document");
    }

    #[test]
    fn what_happened_before_the_books_may_stand_in_them_once() {
        let before = [truth(&[(0, -1)], true)];
        assert_eq!(compared(&[], &before, &[]), (0, 0));
        assert_eq!(compared(&[booked("s", 3, -1)], &before, &[]), (0, 0));
        assert_eq!(compared(&[booked("s", 3, -1), booked("s", 4, -1)], &before, &[]), (0, 1));
    }

    #[test]
    fn a_line_without_a_document_stands_for_changes_by_hand() {
        let unexplained = |units| [booked("", 10, units)];
        assert_eq!(compared(&unexplained(3), &[], &[3]), (0, 0));
        assert_eq!(compared(&unexplained(5), &[], &[3, 2]), (0, 0), "two that were read at once");
        assert_eq!(compared(&[], &[], &[3, -3]), (0, 0), "nothing that anybody could see");
        assert_eq!(compared(&[], &[], &[3]), (1, 0));
        assert_eq!(compared(&unexplained(2), &[], &[]), (0, 1), "nobody touched it");
        assert_eq!(compared(&unexplained(2), &[], &[3]), (1, 1), "another number");
        let later = [booked("", 1, 2)];
        assert_eq!(compared(&later, &[], &[3, -1]), (1, 1), "written before it happened");
    }

    #[test]
    fn an_order_is_lost_when_we_have_it_otherwise() {
        let order = |state, units, earlier| TrueOrder {
            id: "w".into(),
            number: 1,
            state,
            lines: vec![("1".into(), units)],
            earlier,
        };
        let ours = |state: &str, units| {
            BTreeMap::from([(
                "w".to_owned(),
                KnownOrder { state: state.into(), lines: BTreeMap::from([("1".to_owned(), units)]) },
            )])
        };
        assert_eq!(lost_orders(&ours("open", 2), &[order("open", 2, false)]), 0);
        assert_eq!(lost_orders(&ours("open", 2), &[order("shipped", 2, false)]), 1);
        assert_eq!(lost_orders(&ours("open", 2), &[order("open", 1, false)]), 1);
        assert_eq!(lost_orders(&ours("cancelled", 2), &[order("cancelled", 1, false)]), 0);
        assert_eq!(lost_orders(&BTreeMap::new(), &[order("open", 1, false)]), 1);
        assert_eq!(lost_orders(&BTreeMap::new(), &[order("shipped", 1, true)]), 0);
    }
}
