//! Shops and their registers.

use super::super::json::Object;
use super::super::{Unreadable, VendorPlace};
use super::wire;
use crate::domain::ids::OutletKey;

/// Reads a shop. Its currency is the account's and not told here.
pub(super) fn shop(raw: &str) -> Result<VendorPlace, Unreadable> {
    let row = Object::open("Shop", raw)?;
    Ok(VendorPlace {
        key: OutletKey::new(row.need_key("shopID")?),
        name: row.text("name")?.unwrap_or_default(),
        // Names such as US/Eastern are links of the zone database and stay as they are.
        zone: row.text("timeZone")?.filter(|zone| !zone.is_empty()),
        currency: None,
        archived: row.flag("archived")?.unwrap_or(false),
        registers: 0,
    })
}

/// The shop that a register stands in; `None` of one that is no longer used.
pub(super) fn register_at(raw: &str) -> Result<Option<String>, Unreadable> {
    let row = Object::open("Register", raw)?;
    row.need_key("registerID")?;
    if row.flag("archived")?.unwrap_or(false) {
        return Ok(None);
    }
    wire::link(&row, "shopID")
}
