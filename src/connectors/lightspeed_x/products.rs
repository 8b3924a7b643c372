//! A product row: every variant is a product of its own, the head of a family included.
//!
//! The inventory block that notices carry in here may be stale and is never read.

use super::super::Unreadable;
use super::super::json::Object;
use super::wire;
use crate::domain::fact::Listing;
use crate::domain::ids::ProductKey;
use crate::domain::money::Fine;

/// Code types that are barcodes. `CUSTOM` codes are SKUs.
const BARCODES: [&str; 5] = ["EAN", "UPC", "JAN", "ISBN", "ITF"];

/// Dearest product believed, ten million of any currency: above it somebody's arithmetic overflowed, and sums of
/// value over a whole catalogue would overflow with it.
const PRICE_MAX: Fine = Fine(10_000_000 * 100_000);

/// Reads a product in the shape of a notice or of the REST API.
pub(super) fn read(row: &Object<'_>) -> Result<Listing, Unreadable> {
    let id = row.need_key("id")?;
    let codes = row.objects("product_codes")?;
    let mut barcode = None;
    let mut custom = None;
    for code in &codes {
        let kind = code.text("type")?.unwrap_or_default().to_ascii_uppercase();
        let text = code.text("code")?.filter(|text| !text.is_empty());
        if BARCODES.contains(&kind.as_str()) {
            barcode = barcode.or(text);
        } else if kind == "CUSTOM" {
            custom = custom.or(text);
        }
    }
    let mut options = Vec::new();
    for option in row.objects("variant_options")? {
        options.extend(option.text("value")?.filter(|value| !value.is_empty()));
    }
    let head_of_family = row.flag("has_variants")?.unwrap_or(false).then(|| id.clone());
    let style = row.key("family_id")?.or(row.key("variant_parent_id")?).or(head_of_family);
    // Both words for "visible at the till" occur; one "no" is enough.
    let active = row.flag("active")?.unwrap_or(true) && row.flag("is_active")?.unwrap_or(true);
    let deleted = row.text("deleted_at")?.is_some_and(|at| !at.is_empty());
    Ok(Listing {
        product: ProductKey::new(id),
        style,
        name: row.text("base_name")?.or(row.text("name")?).unwrap_or_default(),
        options,
        sku: row.text("sku")?.filter(|sku| !sku.is_empty()).or(custom).unwrap_or_default(),
        barcode,
        archived: !active || deleted,
        counted: row.flag("has_inventory")?.unwrap_or(true),
        bundle: row.flag("is_composite")?.unwrap_or(false) || has_parts(row),
        // A price computed from a tax-free one may have more decimals than an amount can hold: then it is not told,
        // because a product must not be lost over a price that only its page shows.
        price: row.fine("price_including_tax").ok().flatten().filter(|price| (0..=PRICE_MAX.0).contains(&price.0)),
        version: wire::version(row)?,
    })
}

/// Whether something looks like a product.
pub(super) fn looks_like(row: &Object<'_>) -> bool {
    row.has("id") && (row.has("sku") || row.has("handle")) && row.has("name")
}

fn has_parts(row: &Object<'_>) -> bool {
    ["composite_bom", "composites"].into_iter().any(|name| row.elements(name).is_ok_and(|parts| !parts.is_empty()))
}
