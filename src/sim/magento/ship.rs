//! Shipments: they take goods out of a source and the promise off the stock.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::invoice::{Asked, asked, barred, document};
use super::ledger::DEFAULT_SOURCE;
use super::orders::next;
use crate::domain::time::Timestamp;
use crate::sim::text;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A parcel's number.
#[derive(Debug, Clone)]
pub(super) struct Track {
    id: i64,
    number: String,
    title: String,
    carrier: String,
    at: Timestamp,
}

/// A shipment from one source.
#[derive(Debug, Clone)]
pub(super) struct Shipment {
    pub(super) id: i64,
    pub(super) order: i64,
    pub(super) created: Timestamp,
    pub(super) source: String,
    /// Id of the line, id of the order's item, pieces.
    pub(super) parts: Vec<(i64, i64, Decimal)>,
    pub(super) tracks: Vec<Track>,
}

/// Whatever goes wrong at the source is one text; the reason stands in a log that only the shop can read.
fn not_saved() -> Wrong {
    Wrong::bad("Could not save a shipment, see error log for details")
}

impl Account {
    /// Ships pieces of lines, or everything open, from a source, as staff do; the shipment's id, or why not.
    pub fn ship(
        &mut self,
        order: i64,
        items: Option<BTreeMap<i64, Decimal>>,
        source: Option<&str>,
        now: Timestamp,
    ) -> Result<i64, String> {
        self.make_shipment(order, &items, source, Vec::new(), false, self.clock(now)).map_err(|wrong| wrong.spoken())
    }

    pub(super) fn create_shipment(&mut self, call: &Call) -> Said {
        let items = asked(call)?;
        let order = self.order(call)?.id;
        let mut tracks = Vec::new();
        for given in input::list(call.arg("tracks").unwrap_or(&Value::Null))? {
            tracks.push(self.read_track(&given, call.now)?);
        }
        let arguments = call.arg("arguments").and_then(|given| given.get("extension_attributes"));
        let source = arguments.and_then(|given| input::words(given, "source_code"));
        let id = self.make_shipment(order, &items, source.as_deref(), tracks, false, call.now)?;
        Ok(json!(id.to_string()))
    }

    fn read_track(&mut self, given: &Value, at: Timestamp) -> Result<Track, Wrong> {
        let known = [
            "track_number",
            "title",
            "carrier_code",
            "extension_attributes",
            "order_id",
            "parent_id",
            "qty",
            "weight",
            "description",
            "entity_id",
            "created_at",
            "updated_at",
        ];
        input::only(given, &known)?;
        let word = |name: &str| input::words(given, name).unwrap_or_default();
        let id = next(&mut self.sales.next.track);
        Ok(Track { id, number: word("track_number"), title: word("title"), carrier: word("carrier_code"), at })
    }

    /// More than is open is capped without a word; lines of other orders are passed over.
    pub(super) fn make_shipment(
        &mut self,
        order: i64,
        items: &Asked,
        source: Option<&str>,
        tracks: Vec<Track>,
        handing_over: bool,
        now: Timestamp,
    ) -> Result<i64, Wrong> {
        let found = self.sales.orders.get(&order).ok_or_else(Wrong::no_entity)?;
        let mut errors = Vec::new();
        match barred(found, &["payment_review", "holded", "canceled", "closed"], "A shipment") {
            Some(text) => errors.push(text),
            None if !found.can_ship() => errors.push("The order does not allow a shipment to be created.".to_owned()),
            None => {}
        }
        let mut parts = Vec::new();
        for item in found.items.iter().filter(|item| !item.is_child()) {
            let wanted = match items {
                None => item.to_ship(),
                Some(items) => items.get(&item.id).copied().unwrap_or_default().min(item.to_ship()),
            };
            if wanted > Decimal::ZERO {
                let shelf = found.child_of(item.id).unwrap_or(item);
                parts.push((item.id, wanted, shelf.sku.clone()));
            }
        }
        if parts.is_empty() {
            errors.push("You can't create a shipment without products.".to_owned());
        }
        if tracks.iter().any(|track| track.number.is_empty()) {
            errors.push("Please enter a tracking number.".to_owned());
        }
        if !errors.is_empty() {
            return Err(document("Shipment", &errors));
        }
        if found.pickup.is_some() && !handing_over {
            return Err(not_saved());
        }
        // The number is used up before the source is asked.
        let id = next(&mut self.sales.next.shipment);
        let source = source.map_or_else(|| self.usual_source(), str::to_owned);
        let goods: Vec<(String, Decimal)> = parts.iter().map(|(_, q, sku)| (sku.clone(), *q)).collect();
        if self.places.source(&source).is_none() || !self.deduct(&source, &goods) {
            return Err(not_saved());
        }
        for (sku, quantity) in &goods {
            self.follow_default(sku, &source);
            self.reserve(sku, *quantity, "shipment_created", order);
        }
        let mut lines = Vec::new();
        if let Some(found) = self.sales.orders.get_mut(&order) {
            for (item, quantity, _) in parts {
                if let Some(item) = found.item_mut(item) {
                    // Only the parent of a configurable counts what was shipped.
                    item.shipped += quantity;
                    item.updated = Some(now);
                }
                lines.push((next(&mut self.sales.next.shipment_item), item, quantity));
            }
            let before = (found.state.clone(), found.status.clone());
            found.resolve(true);
            found.settle();
            // A further shipment that leaves the state as it is leaves the row as it is.
            if before != (found.state.clone(), found.status.clone()) {
                found.updated = now;
            }
        }
        let source = self.places.source(&source).map_or(source, |known| known.code.clone());
        self.sales.shipments.insert(id, Shipment { id, order, created: now, source, parts: lines, tracks });
        Ok(id)
    }

    /// Where goods come from when nobody says: the only source of the stock, or else the default one, whether or
    /// not it feeds the stock.
    pub(super) fn usual_source(&self) -> String {
        match self.places.feeding(self.stock_of_website()).as_slice() {
            [only] => only.code.clone(),
            _ => DEFAULT_SOURCE.to_owned(),
        }
    }

    pub(super) fn list_shipments(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |shipment: &&Shipment, name: &str| {
            Some(match name {
                "entity_id" => Cell::int(shipment.id),
                "order_id" => Cell::int(shipment.order),
                "increment_id" => Cell::Text(format!("{:09}", shipment.id)),
                "store_id" => Cell::int(1),
                "created_at" | "updated_at" => Cell::Time(text::spaced(shipment.created)),
                _ => return None,
            })
        };
        let show = |shipment: &&Shipment| self.show_shipment(shipment);
        asked.answer(self.sales.shipments.values(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    pub(super) fn get_shipment(&mut self, call: &Call) -> Said {
        let found = self.sales.shipments.get(&call.id("id")?).ok_or_else(Wrong::no_entity)?;
        Ok(self.show_shipment(found))
    }

    fn show_shipment(&self, shipment: &Shipment) -> Value {
        let Some(order) = self.sales.orders.get(&shipment.order) else { return Value::Null };
        let line = |(id, item, quantity): &(i64, i64, Decimal)| {
            let item = order.item(*item)?;
            Some(json!({
                "entity_id": id, "name": item.name, "parent_id": shipment.id, "price": num(item.price),
                "product_id": item.product, "sku": item.sku, "weight": num(item.weight), "order_item_id": item.id,
                "qty": num(*quantity),
            }))
        };
        let track = |track: &Track| self.show_track(track, shipment);
        let total: Decimal = shipment.parts.iter().map(|(_, _, quantity)| *quantity).sum();
        json!({
            "billing_address_id": order.billing_address, "created_at": text::spaced(shipment.created),
            "entity_id": shipment.id, "increment_id": format!("{:09}", shipment.id), "order_id": order.id,
            "packages": [], "shipping_address_id": order.shipping_address, "store_id": 1, "total_qty": num(total),
            "updated_at": text::spaced(shipment.created),
            "items": shipment.parts.iter().filter_map(line).collect::<Vec<_>>(),
            "tracks": shipment.tracks.iter().map(track).collect::<Vec<_>>(), "comments": [],
            "extension_attributes": {"source_code": shipment.source},
        })
    }

    fn show_track(&self, track: &Track, shipment: &Shipment) -> Value {
        json!({
            "order_id": shipment.order, "created_at": text::spaced(track.at), "entity_id": track.id,
            "parent_id": shipment.id, "updated_at": text::spaced(track.at), "weight": null, "qty": null,
            "description": null, "track_number": track.number, "title": track.title, "carrier_code": track.carrier,
        })
    }

    /// A parcel number added later; the order's row does not change.
    pub(super) fn add_track(&mut self, call: &Call) -> Said {
        let given = call.need("entity")?.clone();
        let track = self.read_track(&given, call.now)?;
        let shipment = input::int(&given, "parent_id")?.unwrap_or(0);
        let found = self.sales.shipments.get_mut(&shipment).ok_or_else(Wrong::no_entity)?;
        found.tracks.push(track.clone());
        let found = self.sales.shipments.get(&shipment).ok_or_else(Wrong::no_entity)?;
        Ok(self.show_track(&track, found))
    }
}
