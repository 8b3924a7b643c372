//! The world's web shop as a Magento account: the same customers and shelves, through another vendor's door.
//!
//! What is true is kept in [`super::web::Web`], as for every shop. The account is kept in step with it: whatever
//! customers and staff do is done there too, by the vendor's own rules, and what we write over the wire comes back into
//! the world's books. A shelf that differs between the two is a defect of the simulation; [`Front::differing`] finds it.

use super::auditor::{Knowledge, SetRow};
use super::catalogue::Catalogue;
use super::magento::{Account, Address, Basket, Integration, NewProduct, Refund, Wish};
use super::options::{Fault, Options, Vendor};
use super::web::{CANCELLED, PENDING, SELLING, SHIPPED, Web};
use super::world::State;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use http::{Method, Request, Response};
use rand::Rng;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The source that the website sells from.
pub(super) const SOURCE: &str = "web";
/// The source for returns; no stock has it.
const RETURNS: &str = "returns";
/// Percent of accepted writes that are not applied under F06.
const NOT_APPLIED_PERCENT: u32 = 5;

/// The account, and what of the world it stands for.
#[derive(Debug)]
pub(super) struct Front {
    account: Account,
    stock: i64,
    item_by_sku: HashMap<String, usize>,
    /// The account's order of each of the world's, by its place in the list.
    orders: HashMap<usize, Mirrored>,
    order_of: HashMap<i64, usize>,
}

/// An order as it was when both were last in step.
#[derive(Debug, Clone)]
struct Mirrored {
    entity: i64,
    /// Id of the line that invoices and shipments name, and of the variant under it, by line of the world's order.
    lines: Vec<(i64, i64)>,
    units: Vec<i64>,
    invoiced: bool,
    ended: bool,
}

impl Front {
    /// A shop that sells what the world's web shop sells.
    pub fn open(options: &Options, range: &Catalogue, web: &Web) -> Front {
        let mut account = Account::new(&options.web_base);
        account.add_integration(Integration {
            consumer_key: options.web_consumer_key.clone(),
            consumer_secret: options.web_consumer_secret.clone(),
            token: options.web_token.clone(),
            token_secret: options.web_token_secret.clone(),
            resources: None,
        });
        account.add_source(SOURCE, "Web warehouse", false);
        account.add_source(RETURNS, "Returns", false);
        let stock = account.add_stock("Web", "base", &[SOURCE]);
        account.switches.prices_include_tax = true;
        account.add_attribute("ean", "EAN", &[]);
        let mut front =
            Front { account, stock, item_by_sku: HashMap::new(), orders: HashMap::new(), order_of: HashMap::new() };
        front.stock_up(range, web, options.start);
        front
    }

    fn stock_up(&mut self, range: &Catalogue, web: &Web, now: Timestamp) {
        let mut choices: BTreeMap<(&str, String), i64> = BTreeMap::new();
        for code in ["color", "size"] {
            self.account.add_attribute(code, if code == "color" { "Color" } else { "Size" }, &[]);
        }
        for (style_at, style) in range.styles.iter().enumerate() {
            let items = || range.items.iter().enumerate().filter(|(_, item)| item.style == style_at && item.on_web());
            for (at, item) in items() {
                let mut attributes = BTreeMap::new();
                for (code, label) in [("color", item.colour), ("size", item.size)] {
                    let account = &mut self.account;
                    let known = choices.entry((code, label.to_owned()));
                    let id = *known.or_insert_with(|| account.add_choice(code, label).unwrap_or_default());
                    attributes.insert(code.to_owned(), id.to_string());
                }
                attributes.extend(item.ean.clone().map(|ean| ("ean".to_owned(), ean)));
                let new = NewProduct {
                    sku: item.sku.clone(),
                    name: format!("{} {} {}", style.name, item.colour, item.size),
                    price: Decimal::new(item.price.0, 2),
                    variants: Vec::new(),
                    differs_by: Vec::new(),
                    attributes,
                };
                self.account.add_product(&new, now);
                self.item_by_sku.insert(item.sku.clone(), at);
                let shelf = web.shelf(at, SELLING);
                if shelf.listed {
                    self.account.edit_stock(&item.sku, SOURCE, Decimal::from(shelf.physical));
                }
            }
            let variants: Vec<String> = items().map(|(_, item)| item.sku.clone()).collect();
            if let Some((_, first)) = items().next() {
                let new = NewProduct {
                    sku: style.number.clone(),
                    name: style.name.clone(),
                    price: Decimal::new(first.price.0, 2),
                    variants,
                    differs_by: vec!["color".to_owned(), "size".to_owned()],
                    attributes: BTreeMap::new(),
                };
                self.account.add_product(&new, now);
            }
        }
    }

    /// How the account names an order: its id, its number, and the ids of its lines.
    pub fn names(&self, order: usize) -> Option<(String, String, Vec<String>)> {
        let mirrored = self.orders.get(&order)?;
        let number = self.account.order_face(mirrored.entity)?.0.to_owned();
        let lines = mirrored.lines.iter().map(|(line, _)| line.to_string()).collect();
        Some((mirrored.entity.to_string(), number, lines))
    }

    /// Does to the account what was done to an order of the world since both were last in step. Returns whether the
    /// account shows any of it: it knows no word for an order that is being packed.
    fn follow(&mut self, at: usize, web: &Web, range: &Catalogue, now: Timestamp) -> bool {
        let Some(order) = web.orders.get(at) else { return false };
        let mut shows = false;
        let units: Vec<i64> = order.lines.iter().map(|line| line.units).collect();
        if !self.orders.contains_key(&at) {
            let sku = |line: &super::web::OrderLine| range.items.get(line.item).map(|item| item.sku.clone());
            let wish =
                |line: &super::web::OrderLine| Some(Wish { sku: sku(line)?, quantity: Decimal::from(line.units) });
            let basket = Basket {
                wishes: order.lines.iter().filter_map(wish).collect(),
                coupon: None,
                pickup: None,
                address: somebody(order.number),
            };
            // What the world sold was there; an order from before the world began may find its goods gone.
            let Ok(entity) = self.account.place(&basket, now) else { return false };
            shows = true;
            let rows = self.account.order_lines(entity);
            let lines = rows.iter().filter(|row| row.parent.is_none()).map(|row| {
                let under = rows.iter().find(|under| under.parent == Some(row.id));
                (row.id, under.map_or(row.id, |under| under.id))
            });
            let mirrored =
                Mirrored { entity, lines: lines.collect(), units: units.clone(), invoiced: false, ended: false };
            self.order_of.insert(entity, at);
            self.orders.insert(at, mirrored);
        }
        let Some(known) = self.orders.get_mut(&at).filter(|known| !known.ended) else { return shows };
        // Half of the customers pay at once, the others when their order is worked on.
        let paid = order.number % 2 == 0 || order.status != PENDING || known.units != units;
        if paid && !known.invoiced && order.status != CANCELLED {
            known.invoiced = self.account.invoice(known.entity, now).is_ok();
            shows |= known.invoiced;
        }
        for (n, (before, left)) in known.units.clone().iter().zip(&units).enumerate() {
            if left < before
                && let Some((line, child)) = known.lines.get(n)
            {
                let refund = Refund {
                    items: Some([(*line, Decimal::from(before - left))].into()),
                    shipping: Some(Decimal::ZERO),
                    back: [*line, *child].into(),
                    ..Refund::default()
                };
                shows |= self.account.refund(known.entity, &refund, now).is_ok();
            }
        }
        known.units = units;
        shows |= matches!(order.status, SHIPPED | CANCELLED);
        match order.status {
            SHIPPED => {
                let _ = self.account.ship(known.entity, None, Some(SOURCE), now);
                known.ended = true;
            }
            CANCELLED if known.invoiced => {
                let back: BTreeSet<i64> = known.lines.iter().flat_map(|(line, child)| [*line, *child]).collect();
                let _ = self.account.refund(known.entity, &Refund { back, ..Refund::default() }, now);
                known.ended = true;
            }
            CANCELLED => {
                self.account.cancel(known.entity, now);
                known.ended = true;
            }
            _ => {}
        }
        shows
    }

    /// Items whose shelf is another one in the account than in the world.
    pub fn differing(&self, web: &Web) -> Vec<String> {
        let mut wrong = Vec::new();
        for (sku, at) in &self.item_by_sku {
            let shelf = web.shelf(*at, SELLING);
            let physical = self.account.physical(sku, SOURCE).and_then(|n| n.to_i64()).unwrap_or(0);
            let reserved = self.account.reserved(sku, self.stock).to_i64().unwrap_or(-1);
            if (physical, reserved) != (shelf.physical, shelf.allocated + shelf.demand) {
                wrong.push(format!(
                    "{sku}: {physical} and {reserved} reserved, but {} and {} in the world",
                    shelf.physical,
                    shelf.allocated + shelf.demand
                ));
            }
        }
        wrong.sort();
        wrong
    }
}

/// A customer, told apart by a number.
fn somebody(number: i64) -> Address {
    Address {
        firstname: "Guest".to_owned(),
        lastname: number.to_string(),
        street: vec!["High Street 1".to_owned()],
        city: "London".to_owned(),
        postcode: "N1 9GU".to_owned(),
        country: "GB".to_owned(),
        telephone: "0".to_owned(),
        email: format!("guest-{number}@example.com"),
    }
}

/// A row of a stock write: item, units, and whether it goes to the source that sells.
type Row = (usize, i64, bool);

impl State {
    /// Keeps the account in step after an order of the world has changed. Returns whether the shop shows that.
    pub fn front_follows(&mut self, order: usize) -> bool {
        let now = self.now;
        match &mut self.front {
            Some(front) => front.follow(order, &self.web, &self.range, now),
            None => true,
        }
    }

    /// Keeps the account in step after somebody counted a shelf by hand.
    pub fn front_counts(&mut self, item: usize) {
        let shelf = self.web.shelf(item, SELLING);
        let sku = self.range.items.get(item).map(|item| item.sku.clone()).unwrap_or_default();
        if let Some(front) = &mut self.front {
            front.account.edit_stock(&sku, SOURCE, Decimal::from(shelf.physical));
        }
    }

    /// Answers one request as Magento does.
    pub fn magento_answer(&mut self, request: &Request<Bytes>) -> (Response<Bytes>, Vec<Knowledge>) {
        let now = self.now;
        let written = self.rows_of(request);
        let Some(front) = &mut self.front else { return (Response::new(Bytes::new()), Vec::new()) };
        let before: Vec<(usize, Option<Decimal>)> = written
            .iter()
            .filter(|row| row.2)
            .filter_map(|(item, ..)| Some((*item, front.account.physical(&self.range.items.get(*item)?.sku, SOURCE))))
            .collect();
        let response = front.account.answer(request, now);
        if !response.status().is_success() {
            return (response, Vec::new());
        }
        if !written.is_empty() {
            self.wrote(&written, &before);
            return (response, Vec::new());
        }
        let learned = if request.method() == Method::GET { self.learned(request, &response) } else { Vec::new() };
        (response, learned)
    }

    /// What a stock write means to do, as it stands in its body.
    fn rows_of(&self, request: &Request<Bytes>) -> Vec<Row> {
        let Some(front) = &self.front else { return Vec::new() };
        if request.method() != Method::POST || !request.uri().path().ends_with("/inventory/source-items") {
            return Vec::new();
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let rows = body.get("sourceItems").or_else(|| body.get("source_items")).and_then(Value::as_array);
        let row = |row: &Value| {
            let item = front.item_by_sku.get(row.get("sku")?.as_str()?)?;
            let units = row.get("quantity")?.as_f64()?.to_i64()?;
            Some((*item, units, row.get("source_code")?.as_str()? == SOURCE))
        };
        rows.into_iter().flatten().filter_map(row).collect()
    }

    /// Holds a write against what we had been told, and takes it into the world's books; or, now and then, undoes it.
    fn wrote(&mut self, rows: &[Row], before: &[(usize, Option<Decimal>)]) {
        let (now, grace) = (self.now, self.options.write_grace);
        for (item, units, selling) in rows {
            let shelf = self.web.shelf(*item, SELLING);
            let sku = self.range.items.get(*item).map(|item| item.sku.clone()).unwrap_or_default();
            let row = SetRow {
                item: *item,
                sku: &sku,
                physical: *units,
                allocated: shelf.allocated,
                demand: shelf.demand,
                unseen: (shelf.allocated + shelf.demand - shelf.physical.max(0)).max(0),
                selling: *selling,
            };
            self.books.judge_set(row, grace, now);
        }
        if self.has(Fault::F06) && self.fate.random_range(0..100) < NOT_APPLIED_PERCENT {
            self.count_case(Fault::F06);
            for (item, quantity) in before {
                let sku = self.range.items.get(*item).map(|item| item.sku.clone()).unwrap_or_default();
                self.books.changed_unseen(*item, now);
                if let Some(front) = &mut self.front {
                    front.account.edit_stock(&sku, SOURCE, quantity.unwrap_or_default());
                }
            }
            return;
        }
        let selling: Vec<(usize, i64)> =
            rows.iter().filter(|row| row.2).map(|(item, units, _)| (*item, *units)).collect();
        for (item, _) in &selling {
            self.books.known_again(*item);
        }
        self.set_rows(&selling, SELLING, "");
    }

    /// What somebody who reads this answer now knows.
    fn learned(&self, request: &Request<Bytes>, response: &Response<Bytes>) -> Vec<Knowledge> {
        let Some(front) = &self.front else { return Vec::new() };
        let path = request.uri().path();
        let (orders, shelves) = (path.contains("/V1/orders"), path.ends_with("/inventory/source-items"));
        if !orders && !shelves {
            return Vec::new();
        }
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let rows = match body.get("items") {
            Some(Value::Array(rows)) if orders || shelves => rows.as_slice(),
            _ => std::slice::from_ref(&body),
        };
        if shelves {
            let here = rows.iter().filter(|row| row.get("source_code").and_then(Value::as_str) == Some(SOURCE));
            let item = |row: &Value| front.item_by_sku.get(row.get("sku")?.as_str()?).copied();
            return here.filter_map(item).map(|item| Knowledge::Shelf { item }).collect();
        }
        let order = |row: &Value| front.order_of.get(&row.get("entity_id")?.as_i64()?).copied();
        rows.iter().filter_map(order).filter_map(|at| self.order_knowledge(at)).collect()
    }

    /// Whether the shop is played as Magento.
    pub fn is_magento(&self) -> bool {
        self.options.web_vendor == Vendor::Magento
    }
}
