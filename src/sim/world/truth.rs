//! What is true in the world, for whoever compares the product with it.

use super::super::auditor::{
    Audit, Claim, ExpectedMovement, HandChange, Mark, OpenDifference, TrueCause, TrueLine, TrueOrder,
};
use super::super::options::Fault;
use super::super::web::{CANCELLED, SELLING, SHIPPED};
use super::World;
use crate::domain::time::Timestamp;
use sha2::Digest;

impl World {
    // ---- what is true ----

    /// What a web customer sees.
    pub fn shows(&self, sku: &str) -> Option<i64> {
        let state = self.lock();
        let item = state.item(sku).ok()?;
        Some(state.web.shelf(item, SELLING).free())
    }

    /// Physical and allocated units in the shop's books.
    pub fn web_stock(&self, sku: &str) -> Option<(i64, i64)> {
        let state = self.lock();
        let shelf = state.web.shelf(state.item(sku).ok()?, SELLING);
        Some((shelf.physical, shelf.allocated))
    }

    /// Units in all stores by the till's books.
    pub fn till_on_hand(&self, sku: &str) -> Option<i64> {
        let state = self.lock();
        let item = state.item(sku).ok()?;
        Some(state.till.on_hand(item))
    }

    /// What a web customer should see, by the auditor's own books.
    pub fn should_show(&self, sku: &str) -> Option<i64> {
        let state = self.lock();
        let item = state.item(sku).ok()?;
        Some(state.books.should_show(item))
    }

    /// Every SKU, in the order of the range.
    pub fn skus(&self) -> Vec<String> {
        self.lock().range.items.iter().map(|item| item.sku.clone()).collect()
    }

    /// The till's product id and the shop's size id of an item.
    pub fn keys(&self, sku: &str) -> Option<(String, i64)> {
        let state = self.lock();
        let item = state.range.items.get(state.item(sku).ok()?)?;
        Some((item.product_id.clone(), item.size_id))
    }

    /// The SKU behind a till product id.
    pub fn sku_of_product(&self, product: &str) -> Option<String> {
        let state = self.lock();
        let item = *state.till.product_by_id.get(product)?;
        state.range.items.get(item).map(|item| item.sku.clone())
    }

    /// Outlets as id and name.
    pub fn outlets(&self) -> Vec<(String, String)> {
        self.lock().till.outlets.iter().map(|o| (o.id.clone(), o.name.clone())).collect()
    }

    /// The id of the shop's selling warehouse.
    pub fn web_warehouse(&self) -> String {
        let state = self.lock();
        if state.is_magento() {
            return super::super::magento_front::SOURCE.to_owned();
        }
        state.web.warehouses.get(SELLING).map_or(0, |w| w.id).to_string()
    }

    // ---- the auditor ----

    /// Everything the auditor found so far.
    pub fn audit(&self) -> Audit {
        let state = self.lock();
        let mut audit = state.books.report(state.now);
        audit.sales = state.till.sales.len() as u64;
        audit.orders = state.web.orders.len() as u64;
        audit
    }

    /// Every goods movement that stands at the till now and must have its line in the ledger.
    pub fn expected_movements(&self) -> Vec<ExpectedMovement> {
        let state = self.lock();
        let mut list: Vec<ExpectedMovement> = state
            .books
            .movements()
            .filter_map(|(sale, line, item, outlet, units)| {
                Some(ExpectedMovement {
                    sale: state.till.sales.get(sale)?.id.clone(),
                    line: line.to_owned(),
                    product: state.till.product_ids.get(item)?.clone(),
                    outlet: state.till.outlets.get(outlet)?.id.clone(),
                    units,
                })
            })
            .collect();
        list.sort();
        list
    }

    /// What every line of every sale moved, version by version; what happened before the world began is marked.
    pub fn true_lines(&self) -> Vec<TrueLine> {
        let state = self.lock();
        let steps = state.books.steps();
        let mut list = Vec::new();
        for (at, sale) in state.till.sales.iter().enumerate() {
            let outlet = state.till.registers.get(sale.register).and_then(|r| state.till.outlets.get(r.outlet));
            let (Some(outlet), began) = (outlet, state.options.start) else { continue };
            for line in &sale.lines {
                let Some(product) = state.till.product_ids.get(line.item) else { continue };
                let earlier = sale.created_at < began;
                let outlet = state.x.leaves(at, &line.id).and_then(|at| state.till.outlets.get(at)).unwrap_or(outlet);
                let own = steps.get(&(at, line.id.as_str())).map(|own| state.till.told_versions(own));
                list.push(TrueLine {
                    sale: sale.id.clone(),
                    line: line.id.clone(),
                    product: product.clone(),
                    outlet: outlet.id.clone(),
                    steps: if earlier { vec![(0, -line.quantity)] } else { own.unwrap_or_default() },
                    earlier,
                });
            }
        }
        list
    }

    /// Changes of the till's counts that are no sale, in the till's order; those that were inside the first count
    /// that we were told are left out.
    pub fn hand_changes(&self) -> Vec<HandChange> {
        let state = self.lock();
        let show = |(item, outlet, units, version, at): &(usize, usize, i64, i64, Timestamp)| {
            state.books.first_told(*item, *outlet).filter(|first| version > first)?;
            Some(HandChange {
                product: state.till.product_ids.get(*item)?.clone(),
                outlet: state.till.outlets.get(*outlet)?.id.clone(),
                units: *units,
                at: *at,
            })
        };
        state.books.typed.iter().filter_map(show).collect()
    }

    /// The shop's orders as they stand now.
    pub fn true_orders(&self) -> Vec<TrueOrder> {
        let state = self.lock();
        let show = |(at, order): (usize, &super::super::web::Order)| {
            let names = state.front.as_ref().and_then(|front| front.names(at));
            let (id, lines) = match names {
                Some((id, _, lines)) => (id, lines),
                None => (order.id.clone(), order.lines.iter().map(|line| line.id.to_string()).collect()),
            };
            TrueOrder {
                id,
                number: order.number,
                state: match order.status {
                    SHIPPED => "shipped",
                    CANCELLED => "cancelled",
                    _ => "open",
                },
                lines: lines.into_iter().zip(order.lines.iter().map(|line| line.units)).collect(),
                earlier: order.settled,
            }
        };
        state.web.orders.iter().enumerate().map(show).collect()
    }

    /// Where the shop as Magento is not what the world says it is; empty, or the simulation is wrong.
    pub fn out_of_step(&self) -> Vec<String> {
        let state = self.lock();
        state.front.as_ref().map(|front| front.differing(&state.web)).unwrap_or_default()
    }

    /// Holds a mark of the product against what the vendors have now. A claim that was held before says nothing new.
    pub fn claimed(&self, mark: Mark, as_of: i64, read_up_to: Timestamp) {
        let mut state = self.lock();
        let shelves = if mark == Mark::ShopCompared { state.shelves() } else { Vec::new() };
        state.books.claimed(mark, Claim { as_of, read_up_to }, &shelves);
    }

    /// Requests that have reached the vendors.
    pub fn calls(&self) -> u64 {
        self.lock().books.calls.values().sum()
    }

    /// Matched items whose web count is wrong now.
    pub fn differences(&self) -> Vec<OpenDifference> {
        let state = self.lock();
        let show = |(item, shows, should, since): (usize, i64, i64, Timestamp)| {
            let sku = state.range.items.get(item)?.sku.clone();
            Some(OpenDifference { sku, shows, should, since })
        };
        state.books.differing().into_iter().filter_map(show).collect()
    }

    /// What made the web's count wrong, unit by unit, as the world did it; oldest first.
    pub fn true_causes(&self) -> Vec<TrueCause> {
        let state = self.lock();
        let show = |(at, item, units, fault, sale): &(Timestamp, usize, i64, Fault, Option<usize>)| {
            Some(TrueCause {
                at: *at,
                sku: state.range.items.get(*item)?.sku.clone(),
                units: *units,
                fault: fault.code(),
                sale: sale.map(|sale| state.sale_id(sale)),
            })
        };
        state.books.causes.iter().filter_map(show).collect()
    }

    /// A hash over everything that happened, and how many lines went into it.
    pub fn log_hash(&self) -> (String, u64) {
        let state = self.lock();
        (hex::encode(state.log.clone().finalize()), state.log_lines)
    }
}
