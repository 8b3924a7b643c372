//! Goods fetched in a store: where, and the notice that they lie ready, which is also the shipment.

use super::Account;
use super::error::{Said, Wrong};
use super::input::{self, Call};
use super::orders::{Comment, next};
use super::sources::Source;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

impl Account {
    /// Anonymous. A search round a place finds nothing, because there is no map behind it.
    pub(super) fn pickup_locations(&mut self, call: &Call) -> Said {
        let asked = call.need("searchRequest")?;
        let code = input::take(asked, "scopeCode").and_then(input::text).unwrap_or_default();
        let mut shown = Map::new();
        let area = asked.get("area").map(|area| {
            json!({
                "radius": input::int(area, "radius").ok().flatten(),
                "search_term": input::take(area, "searchTerm").and_then(input::text),
            })
        });
        let nearby = area.is_some();
        if let Some(area) = area {
            shown.insert("area".to_owned(), area);
        }
        shown.insert("current_page".to_owned(), json!(1));
        shown.insert("scope_type".to_owned(), json!("website"));
        shown.insert("scope_code".to_owned(), json!(code));
        let products = input::take(asked, "extensionAttributes").and_then(|more| input::take(more, "productsInfo"));
        let mut skus = Vec::new();
        if let Some(products) = products {
            let list = input::list(products)?;
            skus.extend(list.iter().filter_map(|product| input::words(product, "sku")));
            shown.insert("extension_attributes".to_owned(), json!({"products_info": list}));
        }
        let stock = self.stock_selling_on(&code);
        let mut found: Vec<&Source> = stock.map(|stock| self.places.feeding(stock)).unwrap_or_default();
        found.retain(|source| source.pickup && source.enabled && !nearby);
        found.retain(|source| skus.iter().all(|sku| self.ledger.row(sku, &source.code).is_some()));
        found.sort_by(|a, b| a.code.cmp(&b.code));
        let items: Vec<Value> = found.iter().map(|source| source.as_pickup()).collect();
        let total = items.len();
        Ok(json!({"items": items, "search_request": shown, "total_count": total}))
    }

    /// Always 200; what failed stands in the answer, each failure as JSON inside a text.
    pub(super) fn notify_pickup(&mut self, call: &Call) -> Said {
        let mut errors = Vec::new();
        for id in input::list(call.need("orderIds")?)?.iter().filter_map(|id| input::text(id)?.parse::<i64>().ok()) {
            if let Err(text) = self.ready_at(id, call.now) {
                errors.push(Value::from(json!({"id": id, "message": text}).to_string()));
            }
        }
        Ok(json!({"successful": errors.is_empty(), "errors": errors}))
    }

    /// Ships everything from the chosen store if nothing was shipped yet, and tells the customer. Orders that are
    /// sent are taken as well, and come from wherever goods come from when nobody says.
    pub fn ready(&mut self, order: i64, now: Timestamp) -> Result<(), String> {
        self.ready_at(order, self.clock(now))
    }

    fn ready_at(&mut self, order: i64, now: Timestamp) -> Result<(), String> {
        let found = self.sales.orders.get(&order).ok_or_else(|| Wrong::no_entity().spoken())?;
        let shipped = self.sales.shipments.values().any(|shipment| shipment.order == order);
        let not_ready = || "The order is not ready for pickup".to_owned();
        let entity = if shipped {
            "order"
        } else {
            let source = found.pickup.clone().unwrap_or_else(|| self.usual_source());
            let fits = |item: &super::orders::Item| {
                let shelf = found.child_of(item.id).unwrap_or(item);
                let there = self.ledger.row(&shelf.sku, &source).map(|row| row.quantity).unwrap_or_default();
                there >= item.to_ship()
            };
            let open = |item: &&super::orders::Item| item.to_ship() > Decimal::ZERO;
            if !found.can_ship() || !found.items.iter().filter(open).all(fits) {
                return Err(not_ready());
            }
            self.make_shipment(order, &None, Some(&source), Vec::new(), true, now).map_err(|_| not_ready())?;
            "shipment"
        };
        let number = next(&mut self.sales.next.comment);
        // Texts are in the store's own time, columns are not.
        let local = now.to_utc().with_timezone(&chrono_tz::Europe::Stockholm);
        let text = format!("Order notified for pickup at: {}", local.format("%B %-d, %Y at %-I:%M:%S %p"));
        if let Some(found) = self.sales.orders.get_mut(&order) {
            if found.state == "processing" {
                // The status runs ahead of the state until the order is invoiced.
                found.status = "complete".to_owned();
            }
            found.comments.push(Comment {
                id: number,
                text,
                status: found.status.clone(),
                entity: Some(entity),
                notified: Some(true),
                visible: true,
                at: now,
            });
        }
        Ok(())
    }
}
