//! The rows of the ledger on the wire: absolute quantities, all or nothing, the last of a pair wins.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::ledger::Row;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const FIELDS: [&str; 5] = ["sku", "source_code", "quantity", "status", "extension_attributes"];

const COLUMNS: [&str; 5] = ["sku", "source_code", "quantity", "status", "source_item_id"];

/// A row as somebody sent it.
struct Given {
    sku: String,
    source: String,
    quantity: Option<Decimal>,
    status: Option<i64>,
}

fn read(call: &Call) -> Result<Vec<Given>, Wrong> {
    let mut items = Vec::new();
    for item in input::list(call.need("sourceItems")?)? {
        input::only(&item, &FIELDS)?;
        items.push(Given {
            sku: input::words(&item, "sku").unwrap_or_default(),
            source: input::words(&item, "source_code").unwrap_or_default(),
            quantity: input::float(&item, "quantity")?,
            status: input::int(&item, "status")?,
        });
    }
    Ok(items)
}

impl Given {
    /// What is wrong with it, as text and field.
    fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        if self.sku.trim().is_empty() {
            faults.push(("\"%field\" can not be empty.", "sku"));
        } else if self.sku.trim() != self.sku {
            faults.push(("\"%field\" can not contain leading or trailing spaces.", "sku"));
        }
        if self.source.trim().is_empty() {
            faults.push(("\"%field\" can not be empty.", "source_code"));
        }
        if self.quantity.is_none() {
            faults.push(("\"%field\" should be numeric.", "quantity"));
        }
        match self.status {
            None => faults.push(("\"%field\" should be numeric.", "status")),
            Some(0 | 1) => {}
            Some(_) => faults.push(("\"%field\" should a known status.", "status")),
        }
        faults
    }
}

/// What an asynchronous request is looked at for before it is taken.
pub(super) fn check(call: &Call) -> Result<(), Wrong> {
    read(call).map(drop)
}

pub(super) fn show(row: &Row) -> Value {
    json!({"sku": row.sku, "source_code": row.source, "quantity": num(row.quantity), "status": row.status})
}

impl Account {
    pub(super) fn list_source_items(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        asked.columns(|name| COLUMNS.contains(&name), |_| Wrong::internal())?;
        let cell = |row: &Row, name: &str| match name {
            "sku" => Some(Cell::Text(row.sku.clone())),
            "source_code" => Some(Cell::Text(row.source.clone())),
            "quantity" => Some(Cell::Number(row.quantity)),
            "status" => Some(Cell::int(row.status)),
            "source_item_id" => Some(Cell::Number(Decimal::from(row.id))),
            _ => None,
        };
        asked.answer(self.ledger.rows().into_iter(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    pub(super) fn save_source_items(&mut self, call: &Call) -> Said {
        let items = read(call)?;
        if let Some(limits) = self.switches.limits.filter(|limits| items.len() > limits.list) {
            let wrong = Wrong::bad("Maximum items of type \"%type\" is %max");
            let kind = "\\Magento\\InventoryApi\\Api\\Data\\SourceItemInterface";
            return Err(wrong.with(json!({"type": kind, "max": limits.list})));
        }
        self.write_items(&items)
    }

    /// The same without the limit, which has a number of its own for asynchronous calls.
    pub(super) fn save_source_items_later(&mut self, call: &Call) -> Said {
        self.write_items(&read(call)?)
    }

    fn write_items(&mut self, items: &[Given]) -> Said {
        if items.is_empty() {
            return Err(Wrong::bad("Input data is empty"));
        }
        let faults: Vec<(&str, &str)> = items.iter().flat_map(Given::faults).collect();
        if let Some((text, field)) = faults.first() {
            let spoken = text.replace("%field", field);
            let error = |(text, field): &(&str, &str)| json!({"message": text, "parameters": {"field": field}});
            let wrong = Wrong::bad(format!("Validation Failed: {spoken}"));
            return Err(wrong.listing(faults.iter().map(error).collect()));
        }
        if items.iter().any(|item| self.places.source(&item.source).is_none()) {
            return Err(Wrong::bad("Could not save Source Item"));
        }
        for item in items {
            let (quantity, status) = (item.quantity.unwrap_or_default(), item.status.unwrap_or(0));
            self.ledger.set(&item.sku, &item.source, quantity, status);
        }
        for item in items {
            self.follow_default(&item.sku, &item.source);
            self.refresh(&item.sku);
        }
        Ok(json!([]))
    }

    /// What is written to the default source also stands in the old stock item of the product.
    pub(super) fn follow_default(&mut self, sku: &str, source: &str) {
        let row = self.ledger.row(sku, super::ledger::DEFAULT_SOURCE).cloned();
        let default = source.eq_ignore_ascii_case(super::ledger::DEFAULT_SOURCE);
        if let (true, Some(row), Some(product)) = (default, row, self.catalogue.by_sku_mut(sku)) {
            product.stock.quantity = Some(row.quantity);
            product.stock.in_stock = row.status == 1 && row.quantity > Decimal::ZERO;
        }
    }

    /// Deleting what is not there is no error.
    pub(super) fn delete_source_items(&mut self, call: &Call) -> Said {
        let items = read(call)?;
        if items.is_empty() {
            return Err(Wrong::bad("Input data is empty"));
        }
        for item in items {
            self.ledger.remove(&item.sku, &item.source);
            self.refresh(&item.sku);
        }
        Ok(json!([]))
    }
}
