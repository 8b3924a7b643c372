//! Products: one record holds a product with its variants and their sizes; each size is a listing.

use super::super::json::Object;
use super::super::{Page, Record, Unreadable, fingerprint};
use super::{Sweep, queries, wire};
use crate::domain::fact::{Fact, Listing};
use crate::domain::ids::ProductKey;
use crate::domain::time::Timestamp;

/// Reads a page of products. One whose lists may be cut off is left out and noted in the place to go on: it is
/// asked for by itself next, so that no part of it is taken for the whole.
pub(super) fn page(data: &str, mut sweep: Sweep) -> Result<Page<Record>, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("products") {
        return Err(data.missing("products"));
    }
    let elements = data.elements("products")?;
    let full = elements.len() >= queries::PRODUCT_ROWS;
    let mut newest = None;
    let mut rows = Vec::with_capacity(elements.len());
    for raw in elements {
        let product = Object::open("product", raw.get())?;
        newest = newest.max(product.time("updatedAt").ok().flatten());
        match may_be_cut_off(&product) {
            true => sweep.whole.push(wire::id(&product.need_key("id")?)?),
            false => rows.push(record(&product, raw.get())),
        }
    }
    let began = sweep.began();
    let (next, resume) = sweep.turn(newest, full)?;
    Ok(Page { rows, next, resume, began })
}

/// Reads the answer about one product that was left out. None at all means that it is gone meanwhile.
pub(super) fn whole_page(data: &str, id: i64, mut sweep: Sweep) -> Result<Page<Record>, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("products") {
        return Err(data.missing("products"));
    }
    let mut rows = Vec::new();
    for raw in data.elements("products")? {
        let record = record(&Object::open("product", raw.get())?, raw.get());
        if record.external_id != id.to_string() {
            return Err(Unreadable::new(format!("asked for product {id}, {} came", record.external_id)));
        }
        rows.push(record);
    }
    sweep.whole.retain(|waiting| *waiting != id);
    let full = !sweep.last;
    let began = sweep.began();
    let (next, resume) = sweep.turn(None, full)?;
    Ok(Page { rows, next, resume, began })
}

/// Whether one of the product's lists is as long as a list can be without a limit: then there may be more.
fn may_be_cut_off(product: &Object<'_>) -> bool {
    let long = |rows: usize| rows == queries::NESTED_ROWS;
    let Ok(variants) = product.objects("variants") else { return false };
    long(variants.len())
        || variants.iter().any(|variant| variant.elements("productSizes").is_ok_and(|sizes| long(sizes.len())))
}

fn record(product: &Object<'_>, raw: &str) -> Record {
    let read = read(product);
    let changed_at = match &read {
        Ok((changed_at, _)) => *changed_at,
        Err(_) => version(product).ok().flatten(),
    };
    Record {
        kind: "product",
        // One without an id is kept with its reason, and does not hold up the page that it stands on.
        external_id: product.need_key("id").unwrap_or_else(|_| fingerprint(raw)),
        version: changed_at.map_or(0, |changed_at| wire::version(changed_at, raw)),
        raw: raw.to_owned(),
        facts: read.map(|(_, listings)| listings.into_iter().map(Fact::Listing).collect()),
    }
}

/// Reads a stored product.
pub(super) fn read_raw(raw: &str) -> Result<Vec<Listing>, Unreadable> {
    read(&Object::open("product", raw)?).map(|(_, listings)| listings)
}

/// When it or anything in it last changed, and its listings.
fn read(product: &Object<'_>) -> Result<(Option<Timestamp>, Vec<Listing>), Unreadable> {
    let style = product.need_key("id")?;
    let name = product.text("name")?.unwrap_or_default();
    let bundle = product.flag("isBundle")?.unwrap_or(false);
    let mut changed_at = product.time("updatedAt")?;
    let mut listings = Vec::new();
    for variant in product.objects("variants")? {
        changed_at = changed_at.max(variant.time("updatedAt")?);
        let colour = variant.text("name")?.unwrap_or_default();
        let active = active(product)? && active(&variant)?;
        for size in variant.objects("productSizes")? {
            changed_at = changed_at.max(size.time("updatedAt")?);
            let described = size.text("description")?.unwrap_or_default();
            let ean = size.text("EAN")?.filter(|code| !code.is_empty());
            listings.push(Listing {
                product: ProductKey::new(size.need_key("id")?),
                style: Some(style.clone()),
                name: name.clone(),
                options: [&colour, &described].into_iter().filter(|text| !text.is_empty()).cloned().collect(),
                sku: size.text("SKU")?.unwrap_or_default(),
                barcode: ean.or(size.text("UPC")?.filter(|code| !code.is_empty())),
                archived: !active || !size.flag("isActive")?.unwrap_or(true),
                counted: true,
                bundle,
                price: None,
                version: None,
            });
        }
    }
    // Known when all of it was seen.
    for listing in &mut listings {
        listing.version = changed_at.map(Timestamp::micros);
    }
    Ok((changed_at, listings))
}

/// Only `ACTIVE` is on sale; every other word, known or not, is not.
fn active(row: &Object<'_>) -> Result<bool, Unreadable> {
    Ok(row.text("status")?.is_none_or(|status| status == "ACTIVE"))
}

/// The newest change of a product that cannot be read, or of anything in it.
fn version(product: &Object<'_>) -> Result<Option<Timestamp>, Unreadable> {
    let mut newest = product.time("updatedAt")?;
    for variant in product.objects("variants")? {
        newest = newest.max(variant.time("updatedAt")?);
        for size in variant.objects("productSizes")? {
            newest = newest.max(size.time("updatedAt")?);
        }
    }
    Ok(newest)
}
