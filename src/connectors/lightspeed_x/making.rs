//! Products that we make, change, hide and show again, and counts that we set or move.
//!
//! Nothing is ever deleted: the vendor brings no deleted product back. A product is looked for by the SKUs of its variants
//! before it is made.

use super::super::error::CallError;
use super::super::json::{Object, elements};
use super::super::{Answer, Unreadable};
use super::calls::{Short, amount, answer, found, id, unlawful, with_earlier};
use super::catalogue::{Attribute, Source, attribute};
use super::{LightspeedX, wire};
use crate::domain::money::Fine;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Variants differ in three things at most.
const ATTRIBUTES_MAX: usize = 3;

/// Movements that one call may carry.
pub const MOVES_MAX: usize = 1_000;

/// A price, in the one form that the account enters prices in; both at once are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// Tax is in it.
    WithTax(Fine),
    /// Tax comes on top.
    WithoutTax(Fine),
}

/// A product to be made, with all its variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Its name; the vendor takes none without.
    pub name: String,
    /// References of ours.
    pub source: Source,
    /// Its variants: one without values makes a product that stands alone.
    pub variants: Vec<NewVariant>,
}

/// A variant to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVariant {
    /// SKU; without one the vendor makes one up.
    pub sku: String,
    /// What it differs in: attributes, which must exist, with values; in the same order in every variant.
    pub values: Vec<(String, String)>,
    /// Its price.
    pub price: Option<Price>,
    /// Its tax at all outlets; the account's usual one when none is named.
    pub tax: Option<String>,
}

/// What became of a product to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeProduct {
    /// It was made now: ids, one for each variant. UNSURE: in which order; read them to tell them apart.
    Now(Vec<String>),
    /// A product with one of the SKUs is there, and nothing was sent: ids.
    Before(Vec<String>),
}

/// What of a product is to be changed; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductChange {
    /// The name of the whole family.
    pub name: Option<String>,
    /// Whether this variant is shown at the till. Its stock stays as it is.
    pub active: Option<bool>,
    /// The price of this variant.
    pub price: Option<Price>,
    /// The tax of this variant at all outlets.
    pub tax: Option<String>,
    /// All codes of this variant, kind and code: what is not among them is taken away.
    pub codes: Option<Vec<(String, String)>>,
}

/// A reason of the account's own why counts move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Counts rise for it; otherwise they fall. A movement must fit.
    pub rises: bool,
    /// It can be used.
    pub enabled: bool,
}

/// A count that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What.
    pub product: String,
    /// Where.
    pub outlet: String,
    /// By how many.
    pub units: i64,
}

impl LightspeedX {
    /// Makes a product with its variants, unless one of its SKUs is there. After an error that may have acted, calling it
    /// again is safe.
    pub async fn create_product(&self, product: &NewProduct) -> Result<Answer<MadeProduct>, CallError> {
        let body = body(product)?;
        let (mut exchanges, mut there) = (Vec::new(), BTreeSet::new());
        for variant in &product.variants {
            let known = self.products_by_sku(&variant.sku).await;
            let known = known.map_err(|error| with_earlier(error, &exchanges))?;
            exchanges.extend(known.exchanges);
            there.extend(known.value.into_iter().map(|known| known.id));
        }
        if !there.is_empty() {
            return Ok(Answer { value: MadeProduct::Before(there.into_iter().collect()), exchanges });
        }
        let came = self.write("make a product", Method::POST, "products", Some(&body)).await.and_then(found);
        let (text, seen) = came.map_err(|error| with_earlier(error, &exchanges))?;
        exchanges.extend(seen);
        answer(ids(&text).map(MadeProduct::Now), exchanges)
    }

    /// Makes something that variants may differ in, unless it is there.
    pub async fn create_attribute(&self, name: &str) -> Result<Answer<Attribute>, CallError> {
        if name.is_empty() {
            return Err(unlawful("the till takes nothing without a name"));
        }
        let Answer { value: there, mut exchanges } = self.attributes().await?;
        if let Some(there) = there.into_iter().find(|there| there.name == name) {
            return Ok(Answer { value: there, exchanges });
        }
        let body = json!({ "name": name });
        let came = self.write("make an attribute", Method::POST, "variant_attributes", Some(&body)).await;
        let (text, seen) = came.and_then(found).map_err(|error| with_earlier(error, &exchanges))?;
        exchanges.extend(seen);
        answer(wire::single(&text).and_then(|raw| attribute(&Object::open("attribute", raw)?)), exchanges)
    }

    /// Changes a product. Asking again changes nothing more. `false` when the vendor does not know it.
    pub async fn update_product(&self, product: &str, change: &ProductChange) -> Result<Answer<bool>, CallError> {
        let (mut common, mut details) = (Map::new(), Map::new());
        if let Some(name) = &change.name {
            if name.is_empty() {
                return Err(unlawful("the till takes nothing without a name"));
            }
            common.insert("name".to_owned(), Value::from(name.as_str()));
        }
        details.extend(change.active.map(|active| ("is_active".to_owned(), Value::from(active))));
        details.extend(change.price.map(price).transpose()?);
        details.extend(change.tax.as_deref().map(tax).transpose()?);
        if let Some(codes) = &change.codes {
            let codes = codes.iter().map(|(kind, code)| json!({ "type": kind, "code": code })).collect();
            details.insert("product_codes".to_owned(), Value::Array(codes));
        }
        self.put_product("change a product", product, common, details).await
    }

    /// Hides a product at the till, or shows it again; its stock stays as it is.
    pub async fn show_product(&self, product: &str, shown: bool) -> Result<Answer<bool>, CallError> {
        self.update_product(product, &ProductChange { active: Some(shown), ..ProductChange::default() }).await
    }

    /// Sets a count outright. What the till sells between the reading and this is lost: better move it
    /// ([`LightspeedX::move_counts`]).
    pub async fn set_count(&self, product: &str, outlet: &str, units: i64) -> Result<Answer<bool>, CallError> {
        let mut details = Map::new();
        let row = json!({ "outlet_id": id(outlet)?, "current_amount": units });
        details.insert("inventory".to_owned(), json!([row]));
        self.put_product("set stock", product, Map::new(), details).await
    }

    /// Reasons of the account's own why counts move.
    pub async fn reasons(&self) -> Result<Answer<Vec<Reason>>, CallError> {
        // The vendor gives at most a hundred of them, and two hundred of everything else.
        let list = Short {
            purpose: "read reasons for movements",
            resource: "custom_inventory_adjustment_reasons",
            with_deleted: false,
            rows: 100,
        };
        self.short_list(list, reason).await
    }

    /// Makes a reason, unless one of this name is there.
    pub async fn create_reason(&self, name: &str, rises: bool) -> Result<Answer<Reason>, CallError> {
        if name.is_empty() || name.chars().count() > 30 {
            return Err(unlawful("a reason has a name of at most 30 letters"));
        }
        let Answer { value: there, mut exchanges } = self.reasons().await?;
        if let Some(there) = there.into_iter().find(|there| there.name == name && there.rises == rises) {
            return Ok(Answer { value: there, exchanges });
        }
        let body = json!({ "name": name, "enabled": true, "type": if rises { "POSITIVE" } else { "NEGATIVE" } });
        let rest = "custom_inventory_adjustment_reasons";
        let came = self.write("make a reason", Method::POST, rest, Some(&body)).await.and_then(found);
        let (text, seen) = came.map_err(|error| with_earlier(error, &exchanges))?;
        exchanges.extend(seen);
        answer(wire::single(&text).and_then(|raw| reason(&Object::open("reason", raw)?)), exchanges)
    }

    /// Moves counts for a reason, at most [`MOVES_MAX`]. They carry no reference of ours: when the answer is lost nobody
    /// can tell whether they were moved, so it must not be repeated before the counts have been read.
    pub async fn move_counts(&self, reason: &Reason, moves: &[Move]) -> Result<Answer<usize>, CallError> {
        if moves.is_empty() || moves.len() > MOVES_MAX {
            return Err(unlawful("so many counts cannot be moved at once"));
        }
        let mut rows = Vec::with_capacity(moves.len());
        for one in moves {
            if one.units == 0 || (one.units > 0) != reason.rises {
                return Err(unlawful("a movement has units, and its reason goes the same way"));
            }
            rows.push(json!({
                "product_id": id(&one.product)?,
                "outlet_id": id(&one.outlet)?,
                // A number as text, unlike everywhere else.
                "quantity": one.units.to_string(),
                "reason": "CUSTOM",
                "custom_inventory_adjustment_reason_id": id(&reason.id)?,
            }));
        }
        let body = json!({ "stock_adjustments": rows });
        let came = self.write("move stock", Method::POST, "stock_adjustments", Some(&body)).await?;
        let (text, exchanges) = found(came)?;
        answer(wire::envelope(&text).map(|list| list.rows.len()), exchanges)
    }

    async fn put_product(
        &self,
        purpose: &'static str,
        product: &str,
        common: Map<String, Value>,
        details: Map<String, Value>,
    ) -> Result<Answer<bool>, CallError> {
        let mut body = Map::new();
        for (name, part) in [("common", common), ("details", details)] {
            if !part.is_empty() {
                body.insert(name.to_owned(), Value::Object(part));
            }
        }
        if body.is_empty() {
            return Err(unlawful("there is nothing to change"));
        }
        let rest = format!("products/{}", id(product)?);
        let (text, exchanges) = self.write(purpose, Method::PUT, &rest, Some(&Value::Object(body))).await?;
        Ok(Answer { value: text.is_some(), exchanges })
    }
}

fn body(product: &NewProduct) -> Result<Value, CallError> {
    if product.name.is_empty() {
        return Err(unlawful("the till takes nothing without a name"));
    }
    let skus: BTreeSet<&str> = product.variants.iter().map(|variant| variant.sku.as_str()).collect();
    if skus.is_empty() || skus.contains("") || skus.len() != product.variants.len() {
        return Err(unlawful("every variant needs an SKU of its own, by which it is found again"));
    }
    let mut body = Map::new();
    body.insert("name".to_owned(), Value::from(product.name.as_str()));
    let source = &product.source;
    for (name, text) in
        [("source", &source.kind), ("source_id", &source.product), ("source_variant_id", &source.variant)]
    {
        if !text.is_empty() {
            body.insert(name.to_owned(), Value::from(text.as_str()));
        }
    }
    match product.variants.as_slice() {
        [alone] if alone.values.is_empty() => body.extend(variant(alone)?),
        variants => {
            let attributes = |variant: &NewVariant| variant.values.iter().map(|(it, _)| it.clone()).collect::<Vec<_>>();
            let first = variants.first().map(attributes).unwrap_or_default();
            let distinct: BTreeSet<&String> = first.iter().collect();
            if first.is_empty() || first.len() > ATTRIBUTES_MAX || distinct.len() != first.len() {
                return Err(unlawful("variants differ in one to three things"));
            }
            if variants.iter().any(|variant| attributes(variant) != first) {
                return Err(unlawful("all variants of a product differ in the same things"));
            }
            let rows = variants.iter().map(|one| variant(one).map(Value::Object)).collect::<Result<Vec<_>, _>>()?;
            body.insert("variants".to_owned(), Value::Array(rows));
        }
    }
    Ok(Value::Object(body))
}

fn variant(variant: &NewVariant) -> Result<Map<String, Value>, CallError> {
    let mut row = Map::new();
    row.insert("sku".to_owned(), Value::from(variant.sku.as_str()));
    let mut values = Vec::new();
    for (attribute, value) in &variant.values {
        values.push(json!({ "attribute_id": id(attribute)?, "value": value }));
    }
    if !values.is_empty() {
        row.insert("variant_definitions".to_owned(), Value::Array(values));
    }
    row.extend(variant.price.map(price).transpose()?);
    row.extend(variant.tax.as_deref().map(tax).transpose()?);
    Ok(row)
}

fn price(price: Price) -> Result<(String, Value), CallError> {
    Ok(match price {
        Price::WithTax(fine) => ("price_including_tax".to_owned(), amount(fine)?),
        Price::WithoutTax(fine) => ("price_excluding_tax".to_owned(), amount(fine)?),
    })
}

fn tax(tax: &str) -> Result<(String, Value), CallError> {
    Ok(("all_outlets_tax".to_owned(), json!({ "tax_id": id(tax)? })))
}

/// Reads the ids that making a product answers with.
fn ids(text: &str) -> Result<Vec<String>, Unreadable> {
    let body = Object::open("the answer", text)?;
    let data = body.raw("data").ok_or_else(|| body.missing("data"))?;
    let mut ids: Vec<String> = Vec::new();
    for raw in elements("the ids of a product", data.get())? {
        let id = serde_json::from_str(raw.get()).map_err(|_| body.wrong("data", "is no list of ids"))?;
        ids.push(id);
    }
    if ids.is_empty() { Err(body.wrong("data", "names no product")) } else { Ok(ids) }
}

fn reason(row: &Object<'_>) -> Result<Reason, Unreadable> {
    Ok(Reason {
        id: row.need_key("id")?,
        name: row.text("name")?.unwrap_or_default(),
        rises: row.text("type")?.is_some_and(|kind| kind.eq_ignore_ascii_case("POSITIVE")),
        enabled: row.flag("enabled")?.unwrap_or(true),
    })
}
