//! Web orders: their units wait from the moment we know them until the till's own count has fallen for them.

use super::apply::{Origin, Work};
use crate::domain::fact::{Hint, Order, OrderState};
use crate::domain::time::Timestamp;
use crate::store::orders::{self, Waits};
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
    let mut newest: BTreeMap<&str, (&str, &Order)> = BTreeMap::new();
    for (id, order) in batch {
        match newest.get(order.document.as_str()) {
            Some((_, other)) if other.updated_at >= order.updated_at => work.older(id),
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
    let versions = orders::versions(tx, connection, &documents).await?;
    newest.retain(|document, (id, order)| {
        let older = versions.get(*document).is_some_and(|version| *version >= order.updated_at.micros());
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
    let mut deltas: HashMap<(String, String), (i64, i64)> = HashMap::new();
    let mut save = Vec::with_capacity(newest.len());
    let mut stale: BTreeSet<&str> = BTreeSet::new();
    for (id, order) in newest.values() {
        let before = had.get(order.document.as_str()).map_or(&[][..], Vec::as_slice);
        let after = waits_of(order, before, origin.default_warehouse);
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
        save.push((*order, *id, after));
    }
    orders::save(tx, connection, &save, now);
    orders::add_waiting(tx, connection, &deltas);
    targets::web_stale(tx, connection, &stale.into_iter().collect::<Vec<_>>());
    Ok(())
}

/// What waits for an order, per line and warehouse.
///
/// The shop's allocations say which warehouse gives the units. A shop may forget them once the order has left, so
/// what we knew before stays; what it has never decided counts for the default warehouse.
fn waits_of(order: &Order, before: &[Waits], default_warehouse: &str) -> Vec<Waits> {
    let cancelled = order.state == OrderState::Cancelled;
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
                warehouse,
                product: line.product.as_str().to_owned(),
                units,
                waiting: if cancelled { 0 } else { units },
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
        let placed = waits_of(&order(OrderState::Open, vec![("3", 2)]), &[], "9");
        assert_eq!(sums(&placed), [("3", 2, 2), ("9", 1, 1)]);
        // Shipped: the shop holds nothing any more and has forgotten the allocations; the till still has them.
        let shipped = waits_of(&order(OrderState::Shipped, vec![]), &placed, "9");
        assert_eq!(sums(&shipped), [("3", 2, 0), ("9", 1, 0)]);
        let cancelled = waits_of(&order(OrderState::Cancelled, vec![]), &placed, "9");
        assert_eq!(sums(&cancelled), [("3", 0, 0), ("9", 0, 0)]);
        // A state we do not know holds goods back.
        let strange = waits_of(&order(OrderState::Unknown("REVIEW".into()), vec![("3", 3)]), &[], "9");
        assert_eq!(sums(&strange), [("3", 3, 3)]);
    }
}
