//! What hangs on a row: relations, loaded as a tree.

use super::super::world::State;
use super::Refusal;
use super::query::Relations;
use super::shape::{one_or_many, s};
use super::tables::{At, Kind};
use super::{master, sales, show};
use serde_json::Value;

/// A row with the relations that were asked for.
pub(super) fn full(state: &State, kind: Kind, at: At, wanted: &Relations) -> Value {
    let mut row = kind.show(state, at);
    for (name, many, leads_to) in kind.relations() {
        if !wanted.has(name) {
            continue;
        }
        let below = wanted.named.get(*name).cloned().unwrap_or_default();
        let loaded = match leads_to {
            Some(other) => {
                let rows: Vec<Value> =
                    behind(state, kind, at, name).into_iter().map(|to| full(state, *other, to, &below)).collect();
                let missing = rows.is_empty() && state.r.quirks.relation_missing;
                if *many { (!missing).then(|| one_or_many(other.word(), rows)) } else { rows.into_iter().next() }
            }
            None => given(state, kind, at, name).or_else(|| (*many && !state.r.quirks.relation_missing).then(|| s(""))),
        };
        if let Some(loaded) = loaded {
            row.insert((*name).to_owned(), loaded);
        }
    }
    Value::Object(row)
}

/// Refuses relations that the resource does not have.
pub(super) fn known(kind: Kind, wanted: &Relations) -> Result<(), Refusal> {
    for (name, below) in &wanted.named {
        let Some((_, _, leads_to)) = kind.relations().iter().find(|(own, ..)| own == name) else {
            return Err(Refusal::bad(&format!("{} has no relation '{name}'", kind.word())));
        };
        if let Some(other) = leads_to {
            known(*other, below)?;
        }
    }
    Ok(())
}

/// The rows that a relation leads to.
pub(super) fn behind(state: &State, kind: Kind, at: At, name: &str) -> Vec<At> {
    let numbered = |id: Option<String>| -> Vec<At> {
        let at = id.and_then(|id| id.parse::<usize>().ok()).and_then(|id| id.checked_sub(1));
        at.map(|at| (at, 0)).into_iter().collect()
    };
    let by_field = |field: &str| {
        let row = kind.show(state, at);
        numbered(row.get(field).and_then(Value::as_str).map(str::to_owned))
    };
    match (kind, name) {
        (Kind::Item, "ItemShops") => (0..=state.till.outlets.len()).map(|shop| (at.0, shop)).collect(),
        (Kind::ItemMatrix, "Items") => show::items_of(state, at.0).into_iter().map(|item| (item, 0)).collect(),
        (Kind::Sale, "SaleLines") => (0..sales::lines(state, at.0)).map(|k| (at.0, k)).collect(),
        (Kind::Sale, "SalePayments") => (0..sales::payments(state, at.0)).map(|k| (at.0, k)).collect(),
        (Kind::RegisterCount, "RegisterCountAmounts") => {
            (0..state.r.counted.get(at.0).map_or(0, |count| count.amounts.len())).map(|k| (at.0, k)).collect()
        }
        (Kind::TaxCategory, "TaxCategoryClasses") => vec![(0, 0)],
        (Kind::SpecialOrder, "SaleLine") => {
            let id = state.r.specials.get(at.0).and_then(|special| special.line.parse().ok());
            id.and_then(|id| sales::find_line(state, id)).into_iter().collect()
        }
        (_, "ItemMatrix") => by_field("itemMatrixID"),
        (_, "ItemAttributeSet") => by_field("itemAttributeSetID"),
        (_, "TaxClass") => by_field("taxClassID"),
        (_, "TaxCategory") => by_field("taxCategoryID"),
        (_, "PaymentType") => by_field("paymentTypeID"),
        (_, "Item") => by_field("itemID"),
        (_, "Shop") => by_field("shopID"),
        (_, "Register") => by_field("registerID"),
        (_, "Employee") => by_field("employeeID"),
        (_, "Customer") => by_field("customerID"),
        (_, "Sale") => by_field("saleID"),
        _ => Vec::new(),
    }
}

/// What a relation holds that is no resource of its own.
fn given(state: &State, kind: Kind, at: At, name: &str) -> Option<Value> {
    match (kind, name) {
        (Kind::Item, "ItemAttributes") => show::attributes(state, at.0),
        (Kind::SaleLine, "InventorySales") => Some(sales::inventory_sales(state, at)),
        (Kind::Customer, "Contact") => master::contact(state, at.0),
        (Kind::Sale, "ShipTo") => state.r.sales.get(&at.0).and_then(|notes| notes.ship_to.clone()),
        _ => None,
    }
}

/// The texts of one field over everything that a relation leads to, for a filter of the form `ItemShops.qoh`.
pub(super) fn texts(state: &State, kind: Kind, at: At, relation: &str, field: &str) -> Vec<String> {
    let leads_to = kind.relations().iter().find(|(own, ..)| *own == relation).and_then(|(.., to)| *to);
    let text = |row: &Value| row.get(field).and_then(Value::as_str).map(str::to_owned);
    match leads_to {
        Some(other) => behind(state, kind, at, relation)
            .into_iter()
            .filter_map(|to| text(&Value::Object(other.show(state, to))))
            .collect(),
        None if (kind, relation, field) == (Kind::Customer, "Contact", "email") => {
            state.r.customers.get(at.0).and_then(|customer| customer.email.clone()).into_iter().collect()
        }
        None => given(state, kind, at, relation).as_ref().and_then(text).into_iter().collect(),
    }
}
