//! An item, with the matrix it belongs to: a matrix is a style, its items are the sizes and colours of it.

use super::super::Unreadable;
use super::super::json::Object;
use super::wire;
use crate::domain::fact::Listing;
use crate::domain::ids::ProductKey;
use crate::domain::money::Fine;

/// Dearest product believed, ten million of any currency: above it somebody's arithmetic overflowed, and sums of
/// value over a whole catalogue would overflow with it.
const PRICE_MAX: Fine = Fine(10_000_000 * 100_000);

/// An item with what belongs to it.
pub(super) struct Parts<'a> {
    item: Object<'a>,
    matrix: Option<Object<'a>>,
    /// The fields that the SKU is looked for in, in this order.
    sku: Vec<String>,
}

/// The fields that an item's SKU is looked for in, in this order, unless the connection says otherwise: the shop's own
/// number, its maker's, and the one that the till gave it.
pub const SKU_FIELDS: [&str; 3] = ["customSku", "manufacturerSku", "systemSku"];

impl<'a> Parts<'a> {
    /// Opens the vendor's text of an item, or what [`with`] made of it.
    pub(super) fn open(raw: &'a str) -> Result<Self, Unreadable> {
        let whole = Object::open("product", raw)?;
        if !whole.is_object("Item") {
            return Ok(Self { item: whole, matrix: None, sku: SKU_FIELDS.map(str::to_owned).into() });
        }
        let mut sku = Vec::new();
        for field in whole.text("sku")?.unwrap_or_default().split(' ').filter(|field| !field.is_empty()) {
            sku.push(field.to_owned());
        }
        Ok(Self { item: whole.need_object("Item")?, matrix: whole.object("ItemMatrix")?, sku })
    }

    /// The vendor's id, and when this state of it came to be: a change of its matrix is a change of the item.
    pub(super) fn identity(&self) -> Result<(String, i64), Unreadable> {
        let own = wire::version(&self.item)?;
        let matrix = match &self.matrix {
            Some(matrix) if matrix.has("timeStamp") => wire::version(matrix)?,
            _ => own,
        };
        Ok((self.item.need_key("itemID")?, own.max(matrix)))
    }
}

/// The vendor's text of an item with the matrix it belongs to and the fields that its SKU is looked for in; as it is when
/// there is no matrix and the fields are the usual ones.
pub(super) fn with(item: &str, matrix: Option<&str>, sku: &[String]) -> String {
    if matrix.is_none() && sku == SKU_FIELDS {
        return item.to_owned();
    }
    let matrix = matrix.map(|matrix| format!(",\"ItemMatrix\":{matrix}")).unwrap_or_default();
    let sku = serde_json::Value::from(sku.join(" "));
    format!("{{\"Item\":{item}{matrix},\"sku\":{sku}}}")
}

/// The matrix that a raw item belongs to.
pub(super) fn matrix_of(raw: &str) -> Option<String> {
    wire::link(&Object::open("product", raw).ok()?, "itemMatrixID").ok().flatten().filter(|id| wire::is_id(id))
}

/// What of a raw matrix is kept beside its items, and its id: without a time when that has not ended yet.
pub(super) fn matrix(raw: &str, ended: i64) -> Result<(String, String), Unreadable> {
    let row = Object::open("matrix", raw)?;
    let id = row.need_key("itemMatrixID")?;
    let mut kept = serde_json::Map::new();
    for name in ["itemMatrixID", "description", "archived", "timeStamp"] {
        let text = row.text(name)?.filter(|_| name != "timeStamp" || wire::stamp(raw).is_some_and(|at| at <= ended));
        kept.extend(text.map(|text| (name.to_owned(), serde_json::Value::from(text))));
    }
    Ok((id, serde_json::Value::Object(kept).to_string()))
}

/// Reads an item.
pub(super) fn read(parts: &Parts<'_>) -> Result<Listing, Unreadable> {
    let item = &parts.item;
    let (id, version) = parts.identity()?;
    let matrix = parts.matrix.as_ref();
    let own_name = filled(item, "description")?;
    let name = matrix.map(|matrix| filled(matrix, "description")).transpose()?.flatten();
    let gone = matrix.map(|matrix| matrix.flag("archived")).transpose()?.flatten().unwrap_or(false);
    let kind = item.text("itemType")?.unwrap_or_default();
    let mut sku = None;
    for field in &parts.sku {
        sku = match sku {
            Some(sku) => Some(sku),
            None => filled(item, field)?,
        };
    }
    let barcode = match filled(item, "ean")? {
        Some(ean) => Some(ean),
        None => filled(item, "upc")?,
    };
    Ok(Listing {
        product: ProductKey::new(id),
        style: wire::link(item, "itemMatrixID")?,
        name: name.or(own_name).unwrap_or_default(),
        options: options(item)?,
        sku: sku.unwrap_or_default(),
        barcode,
        archived: item.flag("archived")?.unwrap_or(false) || gone,
        counted: kind != "non_inventory",
        bundle: matches!(kind.as_str(), "box" | "assembly" | "serialized_assembly"),
        price: price(item),
        version: Some(version),
    })
}

fn filled(row: &Object<'_>, name: &str) -> Result<Option<String>, Unreadable> {
    Ok(row.text(name)?.filter(|text| !text.is_empty()))
}

/// The values of a matrix's at most three attributes, in their order.
fn options(item: &Object<'_>) -> Result<Vec<String>, Unreadable> {
    let mut options = Vec::new();
    let Some(attributes) = item.one_or_many("ItemAttributes")?.into_iter().next() else { return Ok(options) };
    for name in ["attribute1", "attribute2", "attribute3"] {
        options.extend(filled(&attributes, name)?);
    }
    Ok(options)
}

/// The usual selling price. Levels beyond the two usual ones are the account's own. A price that cannot be read is not
/// told, because a product must not be lost over what only its page shows. UNSURE: whether it includes tax is a setting
/// of the account that no item tells.
fn price(item: &Object<'_>) -> Option<Fine> {
    let prices = item.related("Prices", "ItemPrice").ok()?;
    let usual = |row: &&Object<'_>| {
        let word = row.text("useType").ok().flatten().unwrap_or_default();
        word == "Default" || (word.is_empty() && row.text("useTypeID").ok().flatten().as_deref() == Some("1"))
    };
    prices.iter().find(usual)?.rounded("amount").ok().flatten().filter(|price| (0..=PRICE_MAX.0).contains(&price.0))
}
