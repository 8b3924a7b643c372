//! What may still be sold, asked in every way that the shop knows.

use super::Account;
use super::catalogue::{Product, no_attribute};
use super::criteria;
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::ledger::Indexed;
use rust_decimal::Decimal;
use serde_json::{Value, json};

impl Account {
    fn is_salable(&self, sku: &str, stock: i64) -> bool {
        let Some(found) = self.ledger.indexed(stock, sku).filter(|found| found.salable) else { return false };
        let product = self.catalogue.by_sku(sku);
        if product.is_some_and(|p| p.is_configurable() || !p.stock.manage) {
            return true;
        }
        found.quantity + self.ledger.promised(stock, sku) > Decimal::ZERO
    }

    /// An unknown SKU brings the service down; a configurable has no quantity of its own.
    pub(super) fn salable_quantity(&mut self, call: &Call) -> Said {
        let (sku, stock) = (call.param("sku"), call.id("stockId")?);
        let product = self.catalogue.by_sku(sku).ok_or_else(Wrong::fatal)?;
        if product.is_configurable() {
            let text = "Can't check requested quantity for products without Source Items support.";
            return Err(Wrong::bad(text));
        }
        if !self.places.stocks.iter().any(|known| known.id == stock) {
            return Err(Wrong::bad("Could not receive Stock Item data"));
        }
        Ok(num(self.salable(sku, stock)))
    }

    pub(super) fn product_salable(&mut self, call: &Call) -> Said {
        Ok(json!(self.is_salable(call.param("sku"), call.id("stockId")?)))
    }

    pub(super) fn products_salable(&mut self, call: &Call) -> Said {
        let skus = input::list(call.need("skus")?)?;
        call.need("stockId")?;
        let stock = input::int(&call.query, "stockId")?.unwrap_or(0);
        let show = |sku: &String| json!({"sku": sku, "stock_id": stock, "salable": self.is_salable(sku, stock)});
        Ok(skus.iter().filter_map(input::text).map(|sku| show(&sku)).collect())
    }

    pub(super) fn salable_for_quantity(&mut self, call: &Call) -> Said {
        let (sku, stock) = (call.param("sku"), call.id("stockId")?);
        let wanted = input::decimal(&json!(call.param("requestedQty"))).unwrap_or_default();
        let error = |code: &str, text: &str| json!({"code": code, "message": text});
        if self.ledger.indexed(stock, sku).is_none() {
            let unknown = error(
                "requested-sku-is-not-assigned-to-given-stock",
                "The requested sku is not assigned to given stock",
            );
            return Ok(json!({"salable": false, "errors": [unknown]}));
        }
        if wanted > Decimal::ZERO && wanted <= self.salable(sku, stock) {
            return Ok(json!({"salable": true, "errors": []}));
        }
        Ok(json!({"salable": false, "errors": [
            error("back_order-disabled", "Backorders are disabled"),
            error("manage_stock-enabled", "Manage stock is enabled"),
            error("is_salable_with_reservations-not_enough_qty", "The requested qty is not available"),
        ]}))
    }

    fn stock_of_channel(&self, call: &Call) -> Result<i64, Wrong> {
        self.stock_selling_on(call.param("code")).ok_or_else(|| Wrong::missing("No linked stock found"))
    }

    /// The whole index in one answer: what lies there, whatever is promised.
    pub(super) fn dump_index(&mut self, call: &Call) -> Said {
        let stock = self.stock_of_channel(call)?;
        let show = |found: Indexed| {
            let quantity = num(found.quantity);
            json!({"sku": found.sku, "qty": quantity, "is_salable": found.salable})
        };
        Ok(self.ledger.index_of(stock).into_iter().map(show).collect())
    }

    /// What may still be sold, filtered as products are.
    pub(super) fn export_salable(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        asked.columns(|name| self.catalogue.has_column(name), no_attribute)?;
        let stock = self.stock_of_channel(call)?;
        let cell = |product: &&Product, name: &str| product.cell(name, &self.catalogue, call.scope);
        let show = |product: &&Product| {
            let sku = &product.sku;
            json!({"sku": sku, "qty": num(self.salable(sku, stock)), "is_salable": self.is_salable(sku, stock)})
        };
        let products = self.catalogue.products.values().filter(|product| !product.is_configurable());
        asked.answer(products, cell, no_attribute, show, &self.switches)
    }

    pub(super) fn low_quantity(&mut self, _call: &Call) -> Said {
        Err(Wrong::bad("Wrong input data"))
    }
}

/// Moving goods between sources in bulk.
impl Account {
    fn known_source(&self, code: &str) -> Result<(), Wrong> {
        let text = "Source with code \"%value\" does not exist.";
        self.places.source(code).map(drop).ok_or_else(|| Wrong::missing(text).with(json!({"value": code})))
    }

    /// Some of the goods of one source to another; the whole call or nothing.
    pub(super) fn transfer_some(&mut self, call: &Call) -> Said {
        let word = |name: &str| call.words(name).ok_or_else(|| Wrong::required(name));
        let (from, to) = (word("originSourceCode")?, word("destinationSourceCode")?);
        let mut moves = Vec::new();
        let mut errors = Vec::new();
        for item in input::list(call.need("items")?)? {
            input::only(&item, &["sku", "qty", "extension_attributes"])?;
            let sku = input::words(&item, "sku").unwrap_or_default();
            let quantity = input::float(&item, "qty")?.unwrap_or_default();
            match self.ledger.row(&sku, &from) {
                None => {
                    let text = format!("Source item for {sku} and {from} does not exist");
                    errors.push(json!({"message": "%message", "parameters": {"message": text}}));
                }
                Some(row) if row.quantity < quantity => errors.push(json!({
                    "message": "Requested transfer amount for sku %sku is not available", "parameters": {"sku": sku},
                })),
                Some(_) => moves.push((sku, quantity)),
            }
        }
        if !errors.is_empty() {
            return Err(Wrong::bad("Transfer validation failed").listing(errors));
        }
        for (sku, quantity) in moves {
            self.carry(&sku, &from, &to, quantity);
        }
        Ok(json!([]))
    }

    fn carry(&mut self, sku: &str, from: &str, to: &str, quantity: Decimal) {
        let there = self.ledger.row(sku, to).map(|row| row.quantity).unwrap_or_default();
        let here = self.ledger.row(sku, from).map(|row| (row.quantity, row.status));
        if let Some((here, status)) = here {
            self.ledger.set(sku, from, here - quantity, status);
            self.ledger.set(sku, to, there + quantity, status);
            self.follow_default(sku, from);
            self.follow_default(sku, to);
            self.refresh(sku);
        }
    }

    /// Everything that one source holds of these SKUs to another.
    pub(super) fn transfer_all(&mut self, call: &Call) -> Said {
        let word = |name: &str| call.words(name).ok_or_else(|| Wrong::required(name));
        let (from, to) = (word("originSource")?, word("destinationSource")?);
        self.known_source(&from)?;
        self.known_source(&to)?;
        let unassign = input::flag(&call.body, "unassignFromOrigin").unwrap_or(false);
        for sku in input::list(call.need("skus")?)?.iter().filter_map(input::text) {
            if let Some(quantity) = self.ledger.row(&sku, &from).map(|row| row.quantity) {
                self.carry(&sku, &from, &to, quantity);
            }
            if unassign {
                self.ledger.remove(&sku, &from);
                self.refresh(&sku);
            }
        }
        Ok(json!(true))
    }

    /// New rows of nothing; the answer counts them.
    pub(super) fn assign(&mut self, call: &Call) -> Said {
        let mut made = 0;
        let sources: Vec<String> = input::list(call.need("sourceCodes")?)?.iter().filter_map(input::text).collect();
        for sku in input::list(call.need("skus")?)?.iter().filter_map(input::text) {
            for source in &sources {
                self.known_source(source)?;
                if self.ledger.row(&sku, source).is_none() {
                    self.ledger.set(&sku, source, Decimal::ZERO, 0);
                    self.refresh(&sku);
                    made += 1;
                }
            }
        }
        Ok(Value::from(made))
    }

    pub(super) fn unassign(&mut self, call: &Call) -> Said {
        let mut gone = 0;
        let sources: Vec<String> = input::list(call.need("sourceCodes")?)?.iter().filter_map(input::text).collect();
        for sku in input::list(call.need("skus")?)?.iter().filter_map(input::text) {
            for source in &sources {
                if self.ledger.row(&sku, source).is_some() {
                    self.ledger.remove(&sku, source);
                    self.refresh(&sku);
                    gone += 1;
                }
            }
        }
        Ok(Value::from(gone))
    }
}
