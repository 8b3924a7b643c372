//! What the shop writes down beside orders and stock: shipments, returns, payments, notes on orders, events.

use super::super::web::{CANCELLED, Order};
use super::super::world::State;
use super::quirks::CentraQuirks;
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Debug, Clone)]
pub(in crate::sim) struct ShipLine {
    pub id: i64,
    /// Place among the lines of the order.
    pub line: usize,
    pub units: i64,
    pub returned: i64,
}

#[derive(Debug, Clone)]
pub(in crate::sim) struct Shipment {
    /// The key of the API.
    pub id: i64,
    pub order: usize,
    /// The second half of the number that people read.
    pub sequence: i64,
    pub lines: Vec<ShipLine>,
    pub good_to_go: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub shipped_at: Option<Timestamp>,
    pub paid_at: Option<Timestamp>,
    pub captured_at: Option<Timestamp>,
    pub tracking: Option<String>,
}

/// What becomes of goods that are given up or come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Policy {
    Release,
    Send(usize),
    Remove,
}

#[derive(Debug, Clone)]
pub(in crate::sim) struct Return {
    pub id: i64,
    /// Place among the shipments.
    pub shipment: usize,
    /// Own id, place among the lines of the shipment, units.
    pub lines: Vec<(i64, usize, i64)>,
    pub policy: Policy,
    pub restocked: bool,
    pub completed: bool,
    pub created_at: Timestamp,
    pub comment: String,
    pub external: Option<String>,
    /// What a refund gives back for shipping, and what is kept as a fee.
    pub shipping: Minor,
    pub fee: Minor,
}

/// One line of the payment history.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Entry {
    pub id: i64,
    pub order: usize,
    /// Id of the shipment or the return that it is for.
    pub shipment: Option<i64>,
    pub back: Option<i64>,
    pub kind: &'static str,
    pub status: &'static str,
    pub at: Timestamp,
    pub value: Minor,
}

/// What people noted on an order.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct Extra {
    pub on_hold: bool,
    pub locked: bool,
    pub internal: String,
    pub other: String,
    pub external: Option<String>,
}

#[derive(Debug, Clone)]
pub(in crate::sim) struct Event {
    pub id: i64,
    pub kind: &'static str,
    pub change: &'static str,
    pub reference: i64,
    pub at: Timestamp,
}

#[derive(Debug, Default)]
pub(in crate::sim) struct Papers {
    pub quirks: CentraQuirks,
    pub shipments: Vec<Shipment>,
    pub returns: Vec<Return>,
    pub entries: Vec<Entry>,
    pub extras: HashMap<usize, Extra>,
    pub events: Vec<Event>,
    /// Kinds listened to, each with the changes; an empty set is every change.
    pub listeners: BTreeMap<String, BTreeSet<String>>,
    /// Products, variants and sizes that people have taken off, and when something about them last changed.
    pub styles_off: BTreeSet<usize>,
    pub variants_off: BTreeSet<usize>,
    pub sizes_off: BTreeSet<usize>,
    pub style_changed: HashMap<usize, Timestamp>,
    pub variant_changed: HashMap<usize, Timestamp>,
    pub size_changed: HashMap<usize, Timestamp>,
    counted: i64,
}

impl Papers {
    /// A number that nothing else has.
    pub fn number(&mut self, base: i64) -> i64 {
        self.counted += 1;
        base + self.counted
    }

    pub fn extra(&self, order: usize) -> Extra {
        self.extras.get(&order).cloned().unwrap_or_default()
    }

    pub fn shipment(&self, id: i64) -> Option<usize> {
        self.shipments.iter().position(|s| s.id == id && id != 0)
    }

    pub fn back(&self, id: i64) -> Option<usize> {
        self.returns.iter().position(|r| r.id == id && id != 0)
    }

    /// Units of a line that lie in shipments, gone or not.
    pub fn in_shipments(&self, order: usize, line: usize) -> i64 {
        let of = self.shipments.iter().filter(|s| s.order == order).flat_map(|s| &s.lines);
        of.filter(|l| l.line == line).map(|l| l.units).sum()
    }

    pub fn returned(&self, order: usize, line: usize) -> i64 {
        let of = self.shipments.iter().filter(|s| s.order == order).flat_map(|s| &s.lines);
        of.filter(|l| l.line == line).map(|l| l.returned).sum()
    }

    pub fn captured(&self, order: usize) -> bool {
        self.entries.iter().any(|e| e.order == order && e.kind == "CAPTURE" && e.status == "SUCCESS")
    }

    /// What an order's state is called here.
    pub fn word(&self, order: &Order) -> &'static str {
        if order.status == CANCELLED { self.quirks.cancelled_word } else { order.status }
    }
}

impl State {
    /// Everything of an order that has not left leaves now; the id of the shipment.
    pub fn ship_the_rest(&mut self, at: usize) -> i64 {
        let id = self.web.next_shipment;
        self.web.next_shipment += 1;
        let now = self.now;
        let Some(order) = self.web.orders.get_mut(at) else { return id };
        for line in &mut order.lines {
            line.shipped = line.units;
        }
        let units: Vec<i64> = order.lines.iter().map(|l| l.units).collect();
        let papers = &mut self.web.papers;
        for open in papers.shipments.iter_mut().filter(|s| s.order == at && s.shipped_at.is_none()) {
            (open.shipped_at, open.updated_at) = (Some(now), now);
        }
        let rest: Vec<(usize, i64)> =
            units.iter().enumerate().map(|(k, units)| (k, units - papers.in_shipments(at, k))).collect();
        let wanted: Vec<(usize, i64)> = rest.into_iter().filter(|(_, units)| *units > 0).collect();
        if !wanted.is_empty() {
            self.write_shipment(id, at, &wanted);
            if let Some(shipment) = self.web.papers.shipments.last_mut() {
                (shipment.shipped_at, shipment.paid_at, shipment.captured_at) = (Some(now), Some(now), Some(now));
            }
        }
        self.tell_event("Shipment", "COMPLETED", id);
        id
    }

    /// Writes a shipment that has not left; its place.
    pub fn write_shipment(&mut self, id: i64, order: usize, wanted: &[(usize, i64)]) -> usize {
        let now = self.now;
        let papers = &mut self.web.papers;
        let lines = wanted
            .iter()
            .map(|(line, units)| ShipLine { id: papers.number(460), line: *line, units: *units, returned: 0 })
            .collect();
        let sequence = papers.shipments.iter().filter(|s| s.order == order).map(|s| s.sequence).max().unwrap_or(0) + 1;
        papers.shipments.push(Shipment {
            id,
            order,
            sequence,
            lines,
            good_to_go: true,
            created_at: now,
            updated_at: now,
            shipped_at: None,
            paid_at: None,
            captured_at: None,
            tracking: None,
        });
        papers.shipments.len() - 1
    }

    /// Money that was asked for is given or refused.
    pub fn settle_payments(&mut self, well: bool) {
        let now = self.now;
        let open: Vec<Entry> = self.web.papers.entries.iter().filter(|e| e.status == "PENDING").cloned().collect();
        for entry in open {
            let (kind, status) = match (entry.back.is_some(), well) {
                (true, true) => ("REFUND", "SUCCESS"),
                (true, false) => ("REFUND_FAILED", "FAILED"),
                (false, true) => ("CAPTURE", "SUCCESS"),
                (false, false) => ("CAPTURE_FAILED", "FAILED"),
            };
            if let Some(asked) = self.web.papers.entries.iter_mut().find(|e| e.id == entry.id) {
                asked.status = "SUCCESS";
            }
            let id = self.web.papers.number(900);
            self.web.papers.entries.push(Entry { id, kind, status, at: now, ..entry.clone() });
            if well {
                self.money_moved(&entry);
            }
            self.changed(entry.order);
        }
    }

    /// A capture makes a shipment paid; a refund may complete its return.
    pub fn money_moved(&mut self, entry: &Entry) {
        let now = self.now;
        if let Some(shipment) = entry
            .shipment
            .and_then(|id| self.web.papers.shipment(id))
            .and_then(|s| self.web.papers.shipments.get_mut(s))
        {
            (shipment.paid_at, shipment.captured_at, shipment.updated_at) = (Some(now), Some(now), now);
        }
        let completes = self.web.papers.quirks.refund_completes;
        if let Some(at) = entry.back.and_then(|id| self.web.papers.back(id)).filter(|_| completes) {
            self.complete_return(at);
        }
    }

    /// The words of a notice, as events: (order, shipment) × (created, updated).
    pub fn tell_events(&mut self, kind: &'static str, action: &str, id: i64) {
        let change = if matches!(action, "insert" | "create") { "CREATED" } else { "UPDATED" };
        match kind {
            "order" => self.tell_event("Order", change, id),
            "shipment" => self.tell_event("Shipment", change, id),
            _ => {}
        }
    }

    /// Puts an event into the queue, if somebody listens.
    pub fn tell_event(&mut self, kind: &'static str, change: &'static str, reference: i64) {
        let papers = &mut self.web.papers;
        let heard = papers.listeners.get(kind).is_some_and(|changes| changes.is_empty() || changes.contains(change));
        if !papers.quirks.events_on || !heard {
            return;
        }
        let id = papers.number(90_210);
        papers.events.push(Event { id, kind, change, reference, at: self.now });
    }

    /// A number of the shop's money as people send it, in major units.
    pub fn amount(value: Option<&Value>) -> Option<Minor> {
        let value = value?.get("value")?.as_f64()?;
        // Amounts of a shop are far below what a double holds exactly.
        format!("{:.0}", value * 100.0).parse().ok().map(Minor)
    }
}
