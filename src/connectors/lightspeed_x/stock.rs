//! A count of one product at one outlet. Its fields have four names over the vendor's versions.

use super::super::Unreadable;
use super::super::json::Object;
use super::wire;
use crate::domain::fact::TillReading;
use crate::domain::ids::{OutletKey, ProductKey};

/// Every name under which the level has been seen: two REST versions, notices, and the write form.
const LEVEL_NAMES: [&str; 4] = ["current_inventory_level", "inventory_level", "count", "current_amount"];

/// Reads a count. Levels may be negative and may have fractions. Of a count that was deleted nothing is there.
pub(super) fn read(row: &Object<'_>) -> Result<TillReading, Unreadable> {
    let name = LEVEL_NAMES.into_iter().find(|name| row.has(name));
    let name = name.ok_or_else(|| row.wrong("count", "this row names no level"))?;
    let deleted = row.text("deleted_at")?.is_some_and(|at| !at.is_empty());
    let level = row.milli_units(name)?.ok_or_else(|| row.missing(name))?;
    Ok(TillReading {
        product: ProductKey::new(product(row)?),
        outlet: OutletKey::new(outlet(row)?),
        on_hand_milli: if deleted { 0 } else { level },
        version: wire::version(row)?,
    })
}

/// The vendor's id of the row, or what it is a count of.
pub(super) fn identity(row: &Object<'_>) -> Result<String, Unreadable> {
    match row.key("id")? {
        Some(id) => Ok(id),
        None => Ok(format!("{}/{}", product(row)?, outlet(row)?)),
    }
}

/// Whether something looks like a count.
pub(super) fn looks_like(row: &Object<'_>) -> bool {
    (row.has("product_id") || row.is_object("product")) && LEVEL_NAMES.into_iter().any(|name| row.has(name))
}

fn product(row: &Object<'_>) -> Result<String, Unreadable> {
    nested_key(row, "product_id", "product")
}

fn outlet(row: &Object<'_>) -> Result<String, Unreadable> {
    match row.key("location_id")? {
        Some(id) if !row.has("outlet_id") => Ok(id),
        _ => nested_key(row, "outlet_id", "outlet"),
    }
}

fn nested_key(row: &Object<'_>, flat: &str, nested: &str) -> Result<String, Unreadable> {
    if let Some(id) = row.key(flat)? {
        return Ok(id);
    }
    match row.object(nested)? {
        Some(object) => object.need_key("id"),
        None => Err(row.missing(flat)),
    }
}
