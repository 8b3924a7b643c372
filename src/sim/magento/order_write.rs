//! Orders over the wire: read, cancelled, held, commented, and put in or changed field by field.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call};
use super::order_json::{show_comment, show_item};
use super::orders::{Address, Comment, Item, LineSums, Order, Sums, next};
use crate::domain::time::Timestamp;
use crate::sim::text;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// The columns of orders by which they can be found.
const COLUMNS: [&str; 18] = [
    "entity_id",
    "increment_id",
    "state",
    "status",
    "store_id",
    "created_at",
    "updated_at",
    "ext_order_id",
    "customer_email",
    "customer_firstname",
    "customer_lastname",
    "quote_id",
    "grand_total",
    "base_grand_total",
    "total_paid",
    "customer_id",
    "customer_is_guest",
    "customer_group_id",
];

impl Order {
    fn cell(&self, name: &str) -> Option<Cell> {
        Some(match name {
            "entity_id" => Cell::int(self.id),
            "increment_id" => Cell::Text(self.increment.clone()),
            "state" => Cell::Text(self.state.clone()),
            "status" => Cell::Text(self.status.clone()),
            "store_id" => Cell::int(1),
            "created_at" => Cell::Time(text::spaced(self.created)),
            "updated_at" => Cell::Time(text::spaced(self.updated)),
            "ext_order_id" => Cell::text(self.external_id.as_deref()),
            "customer_email" => Cell::Text(self.address.email.clone()),
            "customer_firstname" => Cell::Text(self.address.firstname.clone()),
            "customer_lastname" => Cell::Text(self.address.lastname.clone()),
            "quote_id" => Cell::int(self.quote),
            "grand_total" | "base_grand_total" => Cell::Number(self.sums.grand),
            "total_paid" => Cell::Number(self.paid()),
            "customer_id" => Cell::Null,
            "customer_is_guest" => Cell::int(1),
            "customer_group_id" => Cell::int(0),
            _ => return None,
        })
    }
}

impl Account {
    pub(super) fn order(&self, call: &Call) -> Result<&Order, Wrong> {
        let id = call.id("id")?;
        self.sales.orders.get(&id).ok_or_else(Wrong::no_entity)
    }

    pub(super) fn list_orders(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        asked.columns(|name| COLUMNS.contains(&name), |_| Wrong::internal())?;
        let cell = |order: &&Order, name: &str| order.cell(name);
        let show = |order: &&Order| self.show_order(order);
        asked.answer(self.sales.orders.values(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    pub(super) fn get_order(&mut self, call: &Call) -> Said {
        Ok(self.show_order(self.order(call)?))
    }

    pub(super) fn order_status(&mut self, call: &Call) -> Said {
        Ok(json!(self.order(call)?.status))
    }

    pub(super) fn list_order_items(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |(order, item): &(&Order, &Item), name: &str| {
            Some(match name {
                "order_id" => Cell::int(order.id),
                "item_id" => Cell::int(item.id),
                "parent_item_id" => item.parent.map_or(Cell::Null, Cell::int),
                "product_id" => Cell::int(item.product),
                "product_type" => Cell::Text(item.kind.clone()),
                "sku" => Cell::Text(item.sku.clone()),
                "created_at" => Cell::Time(text::spaced(order.created)),
                "updated_at" => Cell::Time(text::spaced(item.updated.unwrap_or(order.created))),
                _ => return None,
            })
        };
        let show = |(order, item): &(&Order, &Item)| show_item(order, item, false);
        let rows = self.sales.orders.values().flat_map(|order| order.items.iter().map(move |item| (order, item)));
        asked.answer(rows, cell, |_| Wrong::internal(), show, &self.switches)
    }

    pub(super) fn get_order_item(&mut self, call: &Call) -> Said {
        let id = call.id("id")?;
        let found = self.sales.orders.values().find_map(|order| Some((order, order.item(id)?)));
        found.map(|(order, item)| show_item(order, item, false)).ok_or_else(Wrong::no_entity)
    }

    /// `true` or `false`, never an error, for an order that exists.
    pub(super) fn cancel_order(&mut self, call: &Call) -> Said {
        let id = self.order(call)?.id;
        Ok(json!(self.cancel_at(id, call.now)))
    }

    pub(super) fn hold_order(&mut self, call: &Call) -> Said {
        let id = self.order(call)?.id;
        match self.sales.orders.get_mut(&id) {
            Some(order) if !["holded", "canceled", "complete", "closed"].contains(&order.state.as_str()) => {
                order.before_hold = Some((order.state.clone(), order.status.clone()));
                order.state = "holded".to_owned();
                order.status = "holded".to_owned();
                order.updated = call.now;
                Ok(json!(true))
            }
            _ => Err(Wrong::bad("A hold action is not available.")),
        }
    }

    pub(super) fn unhold_order(&mut self, call: &Call) -> Said {
        let id = self.order(call)?.id;
        let order = self.sales.orders.get_mut(&id).ok_or_else(Wrong::no_entity)?;
        let (state, status) = order.before_hold.take().ok_or_else(|| Wrong::bad("You cannot remove the hold."))?;
        (order.state, order.status, order.updated) = (state, status, call.now);
        Ok(json!(true))
    }

    /// Mail is off.
    pub(super) fn mail_order(&mut self, call: &Call) -> Said {
        self.order(call)?;
        Ok(json!(false))
    }

    pub(super) fn order_comments(&mut self, call: &Call) -> Said {
        let order = self.order(call)?;
        let mut asked = criteria::read(call, false, &self.switches)?;
        asked.also("parent_id", &order.id.to_string());
        let cell = |_: &&Comment, name: &str| (name == "parent_id").then(|| Cell::int(order.id));
        let show = |comment: &&Comment| show_comment(order.id, comment);
        asked.answer(order.comments.iter(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    /// A status that is not the present one is refused.
    pub(super) fn comment_order(&mut self, call: &Call) -> Said {
        let given = call.need("statusHistory")?;
        let known = [
            "comment",
            "created_at",
            "entity_id",
            "entity_name",
            "is_customer_notified",
            "is_visible_on_front",
            "parent_id",
            "status",
            "extension_attributes",
        ];
        input::only(given, &known)?;
        let order = self.order(call)?;
        let status = input::words(given, "status").unwrap_or_else(|| order.status.clone());
        if status != order.status {
            // The line break and the blanks stand in the original text.
            let text = "Unable to add comment: The status \"%1\" is not part of the order\n                 \
                        status history.";
            return Err(Wrong::bad(text).with(json!([status])));
        }
        let (id, text) = (order.id, input::words(given, "comment").unwrap_or_default());
        let number = next(&mut self.sales.next.comment);
        let flag = |name: &str| input::flag(given, name);
        if let Some(order) = self.sales.orders.get_mut(&id) {
            order.comments.push(Comment {
                id: number,
                text,
                status,
                entity: None,
                notified: flag("is_customer_notified"),
                visible: flag("is_visible_on_front").unwrap_or(false),
                at: call.now,
            });
        }
        Ok(json!(true))
    }

    /// With an `entity_id` single fields of an order are changed; without, an order is put in, which promises
    /// nothing and moves no stock.
    pub(super) fn save_order(&mut self, call: &Call) -> Said {
        let given = call.need("entity")?.clone();
        let sent = given.as_object().cloned().unwrap_or_default();
        let known = input::int(&given, "entity_id")?;
        match known.and_then(|id| self.sales.orders.get_mut(&id)) {
            Some(order) => {
                order.external_id = input::words(&given, "ext_order_id").or(order.external_id.take());
                order.status = input::words(&given, "status").unwrap_or_else(|| std::mem::take(&mut order.status));
                order.state = input::words(&given, "state").unwrap_or_else(|| std::mem::take(&mut order.state));
                order.updated = call.now;
                let id = order.id;
                let order = self.sales.orders.get(&id).ok_or_else(Wrong::no_entity)?;
                Ok(self.show_partial(order, &sent))
            }
            None => {
                let order = self.imported(&given, sent, call.now)?;
                let shown = self.show_imported(&order, false);
                self.sales.orders.insert(order.id, order);
                Ok(shown)
            }
        }
    }

    fn imported(&mut self, given: &Value, mut sent: Map<String, Value>, now: Timestamp) -> Result<Order, Wrong> {
        for name in ["items", "billing_address", "payment", "status_histories", "extension_attributes"] {
            sent.remove(name);
        }
        let money = |name: &str| input::float(given, name).map(Option::unwrap_or_default);
        let word = |name: &str| input::words(given, name);
        let address = given.get("billing_address").unwrap_or(&Value::Null);
        let part = |name: &str| input::words(address, name).unwrap_or_default();
        let street = input::list(address.get("street").unwrap_or(&Value::Null))?;
        let mut items = Vec::new();
        for line in input::list(given.get("items").unwrap_or(&Value::Null))? {
            let amount = |name: &str| input::float(&line, name).map(Option::unwrap_or_default);
            let row = amount("row_total")?;
            let sums = LineSums { row, row_incl: row, tax: amount("tax_amount")?, ..LineSums::default() };
            items.push(Item {
                id: next(&mut self.sales.next.item),
                kind: input::words(&line, "product_type").unwrap_or_else(|| "simple".to_owned()),
                sku: input::words(&line, "sku").unwrap_or_default(),
                name: input::words(&line, "name").unwrap_or_default(),
                ordered: amount("qty_ordered")?,
                price: amount("price")?,
                tax_percent: amount("tax_percent")?,
                sums,
                ..Item::default()
            });
        }
        let increment = next(&mut self.sales.next.increment);
        let billing = next(&mut self.sales.next.address);
        let sums = Sums {
            subtotal: money("subtotal")?,
            tax: money("tax_amount")?,
            grand: money("grand_total")?,
            ..Sums::default()
        };
        Ok(Order {
            id: next(&mut self.sales.next.order),
            increment: word("increment_id").unwrap_or_else(|| format!("{increment:09}")),
            quote: 0,
            state: word("state").unwrap_or_else(|| "new".to_owned()),
            status: word("status").unwrap_or_else(|| "pending".to_owned()),
            created: now,
            updated: now,
            address: Address {
                firstname: part("firstname"),
                lastname: part("lastname"),
                street: street.iter().filter_map(input::text).collect(),
                city: part("city"),
                postcode: part("postcode"),
                country: part("country_id"),
                telephone: part("telephone"),
                email: word("customer_email").unwrap_or_default(),
            },
            shipping_address: 0,
            billing_address: billing,
            sent_to: None,
            coupon: None,
            method: String::new(),
            method_title: String::new(),
            pickup: None,
            tax_id: 0,
            tax_code: String::new(),
            tax_percent: Decimal::ZERO,
            shipping_tax_item: 0,
            items,
            sums,
            invoiced: None,
            refunded: None,
            canceled: None,
            adjusted: (Decimal::ZERO, Decimal::ZERO),
            comments: Vec::new(),
            external_id: word("ext_order_id"),
            before_hold: None,
            imported: Some(sent),
        })
    }

    /// Offline payment leaves no transactions.
    pub(super) fn list_transactions(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        asked.answer(
            std::iter::empty::<()>(),
            |(), _| Some(Cell::Null),
            |_| Wrong::internal(),
            |()| json!({}),
            &self.switches,
        )
    }
}
