//! Web orders: their units wait from the moment we know them until the till's own count has fallen for them.

use super::apply::{Origin, Work};
use crate::domain::fact::{Hint, Order, OrderState};
use crate::domain::time::Timestamp;
use crate::domain::waiting;
use crate::store::orders::{self, Head, NewOrder, Waits};
use crate::store::{StoreError, Tx, listings, targets};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Applies the newest version of each order.
pub(super) async fn apply(
    tx: &mut Tx,
    origin: Origin<'_>,
    batch: &[(&str, &Order)],
    now: Timestamp,
    work: &mut Work,
) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    let connection = origin.connection;
    // Of two changes in one second, all that a shop prints, the one that came to us later is the newer: our ids say so.
    let mut newest: BTreeMap<&str, (&str, &Order)> = BTreeMap::new();
    for (id, order) in batch {
        match newest.get(order.document.as_str()) {
            Some((other_id, other)) if (other.updated_at, *other_id) >= (order.updated_at, *id) => work.older(id),
            Some((other_id, _)) => {
                work.older(other_id);
                newest.insert(order.document.as_str(), (id, order));
            }
            None => {
                newest.insert(order.document.as_str(), (id, order));
            }
        }
    }
    let documents: Vec<&str> = newest.keys().copied().collect();
    let heads = orders::heads(tx, connection, &documents).await?;
    newest.retain(|document, (id, order)| {
        let stands = heads.get(*document).map(|head| (head.version, head.inbox.as_str()));
        let older = stands.is_some_and(|stands| stands >= (order.updated_at.micros(), *id));
        if older {
            work.older(id);
        }
        !older
    });
    let mut products: BTreeSet<&str> = BTreeSet::new();
    for (_, order) in newest.values() {
        products.extend(order.lines.iter().map(|line| line.product.as_str()));
    }
    let products: Vec<&str> = products.into_iter().collect();
    let known = listings::known(tx, connection, &products).await?;
    newest.retain(|_, (id, order)| {
        let strange = order.lines.iter().find(|line| !known.contains_key(line.product.as_str()));
        if let Some(line) = strange {
            work.park(id, format!("order {} names the item {}, which we do not know yet", order.number, line.product));
            work.applied.wake.push(Hint::Catalogue);
        }
        strange.is_none()
    });
    if newest.is_empty() {
        return Ok(());
    }
    let mut had: HashMap<String, Vec<Waits>> = HashMap::new();
    let documents: Vec<&str> = newest.keys().copied().collect();
    for (document, waits) in orders::lines(tx, connection, &documents).await? {
        had.entry(document).or_default().push(waits);
    }
    let left_by = |order: &Order| {
        let before = heads.get(order.document.as_str()).map_or(Timestamp(0), |head: &Head| head.left_by);
        waiting::left_by(&order.state, order.updated_at, before)
    };
    let books_began = match newest.values().any(|(_, order)| left_by(order) > Timestamp(0)) {
        true => orders::books_began(tx, connection).await?,
        false => HashMap::new(),
    };
    let mut deltas: HashMap<(String, String), (i64, i64)> = HashMap::new();
    let mut save = Vec::with_capacity(newest.len());
    let mut stale: BTreeSet<&str> = BTreeSet::new();
    for (id, order) in newest.values() {
        let before = had.get(order.document.as_str()).map_or(&[][..], Vec::as_slice);
        let left_by = left_by(order);
        let after = waits_of(order, before, origin.default_warehouse, |units, warehouse| {
            let began = books_began.get(warehouse).copied().unwrap_or_default();
            waiting::waits(units, &order.state, left_by, began)
        });
        let is_new = before.is_empty();
        for (waits, sign) in before.iter().map(|w| (w, -1)).chain(after.iter().map(|w| (w, 1))) {
            let delta = deltas.entry((waits.product.clone(), waits.warehouse.clone())).or_default();
            delta.0 += sign * waits.waiting;
            delta.1 += sign * waits.open;
        }
        for line in &order.lines {
            stale.insert(line.product.as_str());
            if let Some(known) = known.get(line.product.as_str()).filter(|k| !k.variant.is_empty()) {
                let at = if is_new { order.placed_at } else { order.updated_at };
                let oldest = work.touched.entry(known.variant.clone()).or_insert(at);
                *oldest = (*oldest).min(at);
            }
        }
        save.push(NewOrder { order, inbox: id, left_by, waits: after });
    }
    orders::save(tx, connection, &save, now);
    orders::add_waiting(tx, connection, &deltas);
    targets::web_stale(tx, connection, &stale.into_iter().collect::<Vec<_>>(), now);
    Ok(())
}

/// What waits for an order, per line and warehouse.
///
/// The shop's allocations say which warehouse gives the units. A shop may forget them once the order has left, so
/// what we knew before stays; what it has never decided counts for the default warehouse. `waiting` says how many of
/// the units at a warehouse wait.
fn waits_of(
    order: &Order,
    before: &[Waits],
    default_warehouse: &str,
    waiting: impl Fn(i64, &str) -> i64,
) -> Vec<Waits> {
    let open = !matches!(order.state, OrderState::Cancelled | OrderState::Shipped);
    let mut out: Vec<Waits> = Vec::new();
    for line in &order.lines {
        let mut left = line.units;
        let mut shares: Vec<(String, i64)> = Vec::new();
        if line.allocations.is_empty() {
            for w in before.iter().filter(|w| w.line == line.line.as_str()) {
                shares.push((w.warehouse.clone(), w.units));
            }
        } else {
            for (warehouse, units) in &line.allocations {
                shares.push((warehouse.as_str().to_owned(), *units));
            }
        }
        let mut by_warehouse: BTreeMap<String, i64> = BTreeMap::new();
        for (warehouse, units) in shares {
            let units = units.clamp(0, left);
            left -= units;
            *by_warehouse.entry(warehouse).or_default() += units;
        }
        if left > 0 || by_warehouse.is_empty() {
            *by_warehouse.entry(default_warehouse.to_owned()).or_default() += left;
        }
        for (warehouse, units) in by_warehouse {
            out.push(Waits {
                line: line.line.as_str().to_owned(),
                waiting: waiting(units, &warehouse),
                warehouse,
                product: line.product.as_str().to_owned(),
                units,
                open: if open { units } else { 0 },
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::OrderLine;
    use crate::domain::money::Fine;

    fn order(state: OrderState, allocations: Vec<(&str, i64)>) -> Order {
        Order {
            document: "o".into(),
            number: "1042".into(),
            state,
            on_hold: false,
            placed_at: Timestamp::from_secs(1),
            updated_at: Timestamp::from_secs(1),
            lines: vec![OrderLine {
                line: "1".into(),
                product: "281".into(),
                units: 3,
                unit_price: Fine::ZERO,
                allocations: allocations.into_iter().map(|(w, u)| (w.into(), u)).collect(),
            }],
            total: Fine::ZERO,
            currency: "GBP".into(),
        }
    }

    fn sums(waits: &[Waits]) -> Vec<(&str, i64, i64)> {
        waits.iter().map(|w| (w.warehouse.as_str(), w.waiting, w.open)).collect()
    }

    #[test]
    fn units_wait_where_the_shop_takes_them_from() {
        let waits = |order: &Order, before: &[Waits]| {
            waits_of(order, before, "9", |units, _| waiting::waits(units, &order.state, order.updated_at, Timestamp(0)))
        };
        let placed = waits(&order(OrderState::Open, vec![("3", 2)]), &[]);
        assert_eq!(sums(&placed), [("3", 2, 2), ("9", 1, 1)]);
        // Shipped: the shop holds nothing any more and has forgotten the allocations; the till still has them.
        let shipped = waits(&order(OrderState::Shipped, vec![]), &placed);
        assert_eq!(sums(&shipped), [("3", 2, 0), ("9", 1, 0)]);
        let cancelled = waits(&order(OrderState::Cancelled, vec![]), &placed);
        assert_eq!(sums(&cancelled), [("3", 0, 0), ("9", 0, 0)]);
        // A state we do not know holds goods back.
        let strange = waits(&order(OrderState::Unknown("REVIEW".into()), vec![("3", 3)]), &[]);
        assert_eq!(sums(&strange), [("3", 3, 3)]);
        // Each warehouse has a till of its own, whose books begin at their own time.
        let began = |warehouse: &str| Timestamp::from_secs(if warehouse == "3" { 9_000 } else { 0 });
        let left = order(OrderState::Shipped, vec![("3", 2)]);
        let left = waits_of(&left, &[], "9", |units, warehouse| {
            waiting::waits(units, &left.state, left.updated_at, began(warehouse))
        });
        assert_eq!(sums(&left), [("3", 0, 0), ("9", 1, 0)]);
    }
}
