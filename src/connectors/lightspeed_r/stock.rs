//! A count of one item at one shop, from the feed of counts: an item's own time does not move when its stock does.

use super::super::Unreadable;
use super::super::json::Object;
use super::wire;
use crate::domain::fact::TillReading;
use crate::domain::ids::{OutletKey, ProductKey};

/// The shop that is none: its rows are the sums over all shops, and counting them would double everything.
const ALL_SHOPS: &str = "0";

/// Whether a row is the sum over all shops.
pub(super) fn is_sum(raw: &str) -> bool {
    Object::open("row", raw).ok().and_then(|row| row.text("shopID").ok().flatten()).is_some_and(|id| id == ALL_SHOPS)
}

/// Reads a count: whole units, also negative. What is laid away for customers is taken to have left it (UNSURE: the
/// vendor says that such units come out of what is available, and not that the count falls).
pub(super) fn read(row: &Object<'_>) -> Result<TillReading, Unreadable> {
    let shop = row.need_key("shopID")?;
    if shop == ALL_SHOPS {
        return Err(row.wrong("shopID", "the sum over all shops is no count"));
    }
    Ok(TillReading {
        product: ProductKey::new(row.need_key("itemID")?),
        outlet: OutletKey::new(shop),
        on_hand_milli: row.need_units("qoh")? * 1_000,
        version: Some(wire::version(row)?),
    })
}

/// The vendor's id of the row, or what it is a count of.
pub(super) fn identity(row: &Object<'_>) -> Result<(String, i64), Unreadable> {
    let id = match row.key("itemShopID")? {
        Some(id) => id,
        None => format!("{}/{}", row.need_key("itemID")?, row.need_key("shopID")?),
    };
    Ok((id, wire::version(row)?))
}
