//! Items that we make and change in the till, and counts that we set.

use super::super::Answer;
use super::super::error::CallError;
use super::super::json::Object;
use super::ask::Question;
use super::calls::{Pace, after, answer, found};
use super::selling::{amount, id, unlawful};
use super::{LightspeedR, costs, wire};
use crate::domain::money::Fine;
use http::Method;
use serde_json::{Map, Value, json};

/// The vendor's fixed sets of attributes; their ids are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeSet {
    /// Colour, then size.
    ColourSize,
    /// Size alone: stands in the second place.
    Size,
    /// Colour alone: stands in the first place.
    Colour,
    /// Any three.
    Three,
}

impl AttributeSet {
    fn id(self) -> u64 {
        match self {
            Self::ColourSize => 1,
            Self::Size => 2,
            Self::Colour => 3,
            Self::Three => 4,
        }
    }
}

/// A style to be made. Its items are made one by one afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMatrix {
    /// Its name.
    pub name: String,
    /// What its items differ in.
    pub attributes: AttributeSet,
    /// What it is to the taxes.
    pub tax_class: Option<String>,
}

/// An item to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewItem {
    /// Its name; the vendor takes none without.
    pub name: String,
    /// The matrix it belongs to, with its values in the matrix's three places.
    pub matrix: Option<(String, AttributeValues)>,
    /// The shop's own SKU.
    pub sku: String,
    /// Barcode of 13 digits.
    pub ean: Option<String>,
    /// Barcode of 12 digits.
    pub upc: Option<String>,
    /// The usual price: an item does not take it from its matrix.
    pub price: Option<Fine>,
    /// What it is to the taxes.
    pub tax_class: Option<String>,
}

/// The values of an item in the three places of its matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeValues {
    /// The matrix's set.
    pub set: AttributeSet,
    /// Values in the set's order, as many as it has.
    pub values: Vec<String>,
}

/// What of an item is to be changed; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemChange {
    /// Its name.
    pub name: Option<String>,
    /// The shop's own SKU.
    pub sku: Option<String>,
    /// Barcode of 13 digits.
    pub ean: Option<String>,
    /// The usual price.
    pub price: Option<Fine>,
}

impl LightspeedR {
    /// Makes a style; answers its id. The vendor knows no reference of ours here: look for the name before.
    pub async fn create_matrix(&self, matrix: &NewMatrix) -> Result<Answer<String>, CallError> {
        let mut body = named(&matrix.name)?;
        body.insert("itemAttributeSetID".to_owned(), Value::from(matrix.attributes.id()));
        let class = matrix.tax_class.as_deref().map(id).transpose()?;
        body.extend(class.map(|class| ("taxClassID".to_owned(), class)));
        self.make("make a style", "ItemMatrix", "itemMatrixID", body, 0).await
    }

    /// Makes an item; answers its id. Look for the SKU before: the vendor keeps no two apart.
    pub async fn create_item(&self, item: &NewItem) -> Result<Answer<String>, CallError> {
        let mut body = named(&item.name)?;
        let mut nested = 0;
        for (name, text) in [("customSku", Some(&item.sku)), ("ean", item.ean.as_ref()), ("upc", item.upc.as_ref())] {
            body.extend(text.filter(|text| !text.is_empty()).map(|text| (name.to_owned(), Value::from(text.as_str()))));
        }
        let class = item.tax_class.as_deref().map(id).transpose()?;
        body.extend(class.map(|class| ("taxClassID".to_owned(), class)));
        if let Some((matrix, values)) = &item.matrix {
            body.insert("itemMatrixID".to_owned(), id(matrix)?);
            body.insert("ItemAttributes".to_owned(), attributes(values)?);
            nested += 1;
        }
        if let Some(price) = item.price {
            body.insert("Prices".to_owned(), prices(price));
            nested += 1;
        }
        self.make("make an item", "Item", "itemID", body, nested).await
    }

    /// Changes an item.
    pub async fn update_item(&self, item: &str, change: &ItemChange) -> Result<Answer<String>, CallError> {
        let mut body = Map::new();
        for (name, text) in [("description", &change.name), ("customSku", &change.sku), ("ean", &change.ean)] {
            body.extend(text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str()))));
        }
        body.extend(change.price.map(|price| ("Prices".to_owned(), prices(price))));
        self.change("change an item", item, body, usize::from(change.price.is_some())).await
    }

    /// Takes an item out of the archive. Its stock is what it was set to since.
    pub async fn unarchive_item(&self, item: &str) -> Result<Answer<String>, CallError> {
        let mut body = Map::new();
        body.insert("archived".to_owned(), Value::Bool(false));
        self.change("take an item out of the archive", item, body, 0).await
    }

    /// Never archives: the vendor refuses it as a change, and does it as a deletion only, which sets all stock of the
    /// item to nothing for good. Nothing is sent; a person has to do it in the till.
    pub fn archive_item(&self, _item: &str) -> CallError {
        unlawful("archiving an item in this till would set its stock to nothing; do it in the till itself")
    }

    /// Sets the count of an item at a shop: absolute, no matter what it was. Whole items have one call each; the vendor
    /// takes no list.
    pub async fn set_count(&self, item: &str, shop: &str, units: i64) -> Result<Answer<String>, CallError> {
        let shop = id(shop)?;
        if shop == 0_u64 {
            return Err(unlawful("the sum over all shops cannot be set"));
        }
        let mut body = Map::new();
        body.insert("ItemShops".to_owned(), json!({ "ItemShop": { "shopID": shop, "qoh": units } }));
        self.change("set stock", item, body, 1).await
    }

    async fn make(
        &self,
        purpose: &'static str,
        resource: &str,
        key: &str,
        body: Map<String, Value>,
        nested: usize,
    ) -> Result<Answer<String>, CallError> {
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let path = format!("{root}{resource}.json");
        let question = Question::write(purpose, Method::POST, path, &Value::Object(body), costs::write(nested));
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::single(&text, resource).and_then(|raw| Object::open(resource, raw.get())?.need_key(key));
        answer(read, exchanges)
    }

    async fn change(
        &self,
        purpose: &'static str,
        item: &str,
        body: Map<String, Value>,
        nested: usize,
    ) -> Result<Answer<String>, CallError> {
        id(item)?;
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let path = format!("{root}Item/{item}.json");
        let question = Question::write(purpose, Method::PUT, path, &Value::Object(body), costs::write(nested));
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::single(&text, "Item").and_then(|raw| Object::open("Item", raw.get())?.need_key("itemID"));
        answer(read, exchanges)
    }
}

fn named(name: &str) -> Result<Map<String, Value>, CallError> {
    if name.is_empty() {
        return Err(unlawful("the till takes nothing without a name"));
    }
    let mut body = Map::new();
    body.insert("description".to_owned(), Value::from(name));
    Ok(body)
}

fn prices(price: Fine) -> Value {
    json!({ "ItemPrice": [{ "amount": amount(price), "useType": "Default" }] })
}

/// The values in the three places: a size alone stands in the second.
fn attributes(values: &AttributeValues) -> Result<Value, CallError> {
    let places: &[&str] = match values.set {
        AttributeSet::ColourSize => &["attribute1", "attribute2"],
        AttributeSet::Size => &["attribute2"],
        AttributeSet::Colour => &["attribute1"],
        AttributeSet::Three => &["attribute1", "attribute2", "attribute3"],
    };
    if values.values.len() != places.len() {
        return Err(unlawful("an item has one value for each attribute of its matrix"));
    }
    let mut body = Map::new();
    body.insert("itemAttributeSetID".to_owned(), Value::from(values.set.id()));
    body.extend(
        places.iter().zip(&values.values).map(|(place, value)| ((*place).to_owned(), Value::from(value.as_str()))),
    );
    Ok(Value::Object(body))
}
