//! Products written: created, changed, deleted, and their base prices.

use super::Account;
use super::catalogue::{Printed, Product, StockItem, no_product};
use super::error::{Said, Wrong};
use super::input::{self, Call, Scope, num};
use super::ledger::DEFAULT_SOURCE;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FIELDS: [&str; 17] = [
    "id",
    "sku",
    "name",
    "attribute_set_id",
    "price",
    "status",
    "visibility",
    "type_id",
    "created_at",
    "updated_at",
    "weight",
    "extension_attributes",
    "product_links",
    "options",
    "media_gallery_entries",
    "tier_prices",
    "custom_attributes",
];
const LONGEST_SKU: usize = 64;
/// Attributes that the database holds as decimals.
const DECIMALS: [&str; 3] = ["cost", "special_price", "msrp"];

/// What an asynchronous request is looked at for before it is taken.
pub(super) fn check(call: &Call) -> Result<(), Wrong> {
    read(call).map(drop)
}

fn read(call: &Call) -> Result<Value, Wrong> {
    let given = call.need("product")?;
    input::only(given, &FIELDS)?;
    for name in ["price", "weight"] {
        input::float(given, name)?;
    }
    for name in ["status", "visibility", "attribute_set_id"] {
        input::int(given, name)?;
    }
    Ok(given.clone())
}

/// A product that is put into a shop before it opens.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// Its SKU, at most 64 letters.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What it costs, with or without tax as the shop enters its prices.
    pub price: Decimal,
    /// The SKUs of its variants; when there are any it is a configurable.
    pub variants: Vec<String>,
    /// By which attributes its variants differ.
    pub differs_by: Vec<String>,
    /// Attributes by code, such as an article number, or the id of a choice.
    pub attributes: BTreeMap<String, String>,
}

impl Account {
    /// Puts a product into the shop. Variants must be there before the product that bundles them.
    pub fn add_product(&mut self, new: &NewProduct, now: Timestamp) -> Option<i64> {
        let custom: Vec<Value> =
            new.attributes.iter().map(|(code, value)| json!({"attribute_code": code, "value": value})).collect();
        let children: Vec<i64> =
            new.variants.iter().filter_map(|sku| self.catalogue.by_sku(sku)).map(|child| child.id).collect();
        let choice = |code: &String| {
            let attribute = self.catalogue.attribute(code)?;
            let values: Vec<Value> = attribute.options.iter().map(|(_, id)| json!({"value_index": id})).collect();
            Some(json!({"attribute_id": attribute.id, "label": attribute.label, "values": values}))
        };
        let choices: Vec<Value> = new.differs_by.iter().filter_map(choice).collect();
        let configurable = !new.variants.is_empty();
        let given = json!({
            "sku": new.sku, "name": new.name, "attribute_set_id": 4, "price": num(new.price), "status": 1,
            "visibility": 4, "type_id": if configurable { "configurable" } else { "simple" },
            "weight": if configurable { Value::Null } else { json!(1) }, "custom_attributes": custom,
            "extension_attributes": {
                "configurable_product_options": choices, "configurable_product_links": children,
                "stock_item": if configurable { json!({"is_in_stock": true}) } else { Value::Null },
            },
        });
        self.put_product(None, &given, Scope::All, now).ok()?;
        self.refresh(&new.sku);
        self.catalogue.by_sku(&new.sku).map(|product| product.id)
    }

    /// Switches a product on or off for every store view, as staff do.
    pub fn enable_product(&mut self, sku: &str, enabled: bool, now: Timestamp) {
        if let Some(product) = self.catalogue.by_sku_mut(sku) {
            product.status = if enabled { 1 } else { 2 };
            product.updated = now;
        }
    }

    /// Gives a product another SKU. Its rows and promises keep the old one, which is how shops come to disagree
    /// with themselves. `false` when there is no such product.
    pub fn rename_product(&mut self, sku: &str, to: &str, now: Timestamp) -> bool {
        let Some(mut product) = self.catalogue.drop_sku(sku) else { return false };
        product.sku = to.to_owned();
        product.updated = now;
        self.catalogue.add(product);
        self.refresh(to);
        true
    }

    pub(super) fn post_product(&mut self, call: &Call) -> Said {
        let given = read(call)?;
        self.put_product(None, &given, call.scope, call.now)
    }

    pub(super) fn save_product(&mut self, call: &Call) -> Said {
        let given = read(call)?;
        let sku = call.param("sku").to_owned();
        self.put_product(Some(sku), &given, call.scope, call.now)
    }

    /// The SKU of the path wins over the one in the body; an unknown one creates.
    fn put_product(&mut self, path: Option<String>, given: &Value, scope: Scope, now: Timestamp) -> Said {
        let sku = path.or_else(|| input::words(given, "sku")).unwrap_or_default();
        if let Some(product) = self.catalogue.by_sku_mut(&sku) {
            change(product, given, scope, now)?;
            // Goods that are low when a product is saved are marked so; a configurable has none of its own.
            if product.stock.quantity.is_none() {
                product.stock.low_since = Some(now);
            }
            product.stock.changed_by_itself = false;
            let shown = product.show(Printed::Single, scope);
            self.after_stock_item(&sku, given);
            return Ok(self.catalogue.by_sku(&sku).map_or(shown, |product| product.show(Printed::Single, scope)));
        }
        let set = input::int(given, "attribute_set_id")?.unwrap_or(0);
        if set == 0 {
            return Err(Wrong::bad("Invalid product data: %1").with(json!(["Invalid attribute set entity type"])));
        }
        for (field, label) in [("sku", "SKU"), ("name", "Product Name")] {
            let value = if field == "sku" { Some(sku.clone()) } else { input::words(given, field) };
            if value.is_none_or(|value| value.trim().is_empty()) {
                let text = format!("The \"{label}\" attribute value is empty. Set the attribute and try again.");
                return Err(Wrong::bad(text));
            }
        }
        if sku.chars().count() > LONGEST_SKU {
            return Err(Wrong::bad("SKU length should be 64 characters maximum."));
        }
        let mut product = self.blank(&sku, given, set, now);
        change(&mut product, given, Scope::All, now)?;
        product.choices = self.read_choices(given)?;
        let shown = product.show(Printed::Created, scope);
        let simple = !product.is_configurable();
        self.catalogue.add(product);
        if simple {
            self.ledger.set(&sku, DEFAULT_SOURCE, Decimal::ZERO, 1);
        }
        self.after_stock_item(&sku, given);
        self.refresh(&sku);
        Ok(self.catalogue.by_sku(&sku).map_or(shown, |product| product.show(Printed::Created, scope)))
    }

    fn blank(&mut self, sku: &str, given: &Value, set: i64, now: Timestamp) -> Product {
        self.catalogue.last_product += 1;
        self.catalogue.last_stock_item += 1;
        let kind = input::words(given, "type_id").unwrap_or_else(|| "simple".to_owned());
        let name = input::words(given, "name").unwrap_or_default();
        let configurable = kind == "configurable";
        let mut attributes = BTreeMap::new();
        for (code, value) in [
            ("options_container", "container2".to_owned()),
            ("url_key", slug(&name)),
            ("msrp_display_actual_price_type", "0".to_owned()),
            ("required_options", "0".to_owned()),
            ("has_options", "0".to_owned()),
            ("tax_class_id", "2".to_owned()),
        ] {
            attributes.insert(code.to_owned(), value);
        }
        Product {
            id: self.catalogue.last_product,
            sku: sku.to_owned(),
            name,
            set,
            price: Decimal::ZERO,
            status: 1,
            visibility: 4,
            kind,
            created: now,
            updated: now,
            weight: None,
            attributes,
            stock: StockItem {
                id: self.catalogue.last_stock_item,
                quantity: configurable.then_some(Decimal::ZERO),
                in_stock: false,
                manage: true,
                low_since: None,
                changed_by_itself: configurable,
            },
            choices: Vec::new(),
            children: Vec::new(),
            view_name: None,
            view_status: None,
        }
    }

    /// What was said of the old stock item also stands in the default source.
    fn after_stock_item(&mut self, sku: &str, given: &Value) {
        let item = given.pointer("/extension_attributes/stock_item");
        let quantity = item.and_then(|item| item.get("qty")).and_then(input::decimal);
        let simple = self.catalogue.by_sku(sku).is_some_and(|product| !product.is_configurable());
        if let Some(quantity) = quantity.filter(|_| simple) {
            self.ledger.set(sku, DEFAULT_SOURCE, quantity, 1);
        }
        if item.is_some_and(|item| !item.is_null()) {
            self.refresh(sku);
        }
    }

    fn read_choices(&mut self, given: &Value) -> Result<Vec<super::catalogue::Choice>, Wrong> {
        let list = given.pointer("/extension_attributes/configurable_product_options").unwrap_or(&Value::Null);
        let mut choices = Vec::new();
        for option in input::list(list)? {
            choices.push(self.read_choice(&option)?);
        }
        Ok(choices)
    }

    pub(super) fn read_choice(&mut self, option: &Value) -> Result<super::catalogue::Choice, Wrong> {
        self.catalogue.last_choice += 1;
        let attribute = input::int(option, "attribute_id")?.unwrap_or(0);
        let values = input::list(option.get("values").unwrap_or(&Value::Null))?;
        let known = self.catalogue.attributes.iter().find(|known| known.id == attribute);
        let label = input::words(option, "label").or_else(|| known.map(|known| known.label.clone()));
        Ok(super::catalogue::Choice {
            id: self.catalogue.last_choice,
            attribute,
            label: label.unwrap_or_default(),
            position: input::int(option, "position")?.unwrap_or(0),
            values: values.iter().filter_map(|v| input::int(v, "value_index").ok().flatten()).collect(),
        })
    }

    /// Its source items stay until [`Account::clean_up`] has run.
    pub(super) fn delete_product(&mut self, call: &Call) -> Said {
        let gone = self.catalogue.drop_sku(call.param("sku")).ok_or_else(no_product)?;
        self.orphans.push(gone.sku);
        Ok(json!(true))
    }

    /// Runs the consumer that removes the source items of deleted products.
    pub fn clean_up(&mut self) {
        for sku in std::mem::take(&mut self.orphans) {
            self.ledger.forget(&sku);
        }
    }

    /// Answers with what failed; the placeholders have names and the parameters are a list all the same.
    pub(super) fn base_prices(&mut self, call: &Call) -> Said {
        let mut errors = Vec::new();
        for given in input::list(call.need("prices")?)? {
            input::only(&given, &["price", "store_id", "sku", "extension_attributes"])?;
            let price = input::float(&given, "price")?.unwrap_or_default();
            let sku = input::words(&given, "sku").unwrap_or_default();
            match self.catalogue.by_sku_mut(&sku) {
                Some(product) => product.price = price,
                None => errors.push(json!({
                    "message": "Invalid attribute %fieldName = %fieldValue.", "parameters": ["SKU", sku],
                })),
            }
        }
        Ok(Value::Array(errors))
    }

    pub(super) fn base_prices_information(&mut self, call: &Call) -> Said {
        let mut out = Vec::new();
        for sku in input::list(call.need("skus")?)?.iter().filter_map(input::text) {
            let product = self.catalogue.by_sku(&sku).ok_or_else(no_product)?;
            out.push(json!({"price": num(product.price), "store_id": 0, "sku": product.sku}));
        }
        Ok(Value::Array(out))
    }
}

fn change(product: &mut Product, given: &Value, scope: Scope, now: Timestamp) -> Result<(), Wrong> {
    let view = scope == Scope::View;
    if let Some(name) = input::words(given, "name") {
        if view { product.view_name = Some(name) } else { product.name = name }
    }
    if let Some(status) = input::int(given, "status")? {
        if view { product.view_status = Some(status) } else { product.status = status }
    }
    product.price = input::float(given, "price")?.unwrap_or(product.price);
    product.visibility = input::int(given, "visibility")?.unwrap_or(product.visibility);
    product.set = input::int(given, "attribute_set_id")?.filter(|set| *set > 0).unwrap_or(product.set);
    product.weight = input::float(given, "weight")?.or(product.weight);
    for code in ["image", "small_image", "thumbnail"] {
        product.attributes.remove(code);
    }
    for custom in input::list(given.get("custom_attributes").unwrap_or(&Value::Null))? {
        let code = input::words(&custom, "attribute_code").unwrap_or_default();
        match custom.get("value") {
            Some(Value::Null) | None => drop(product.attributes.remove(&code)),
            Some(value) => {
                let plain = input::text(value).unwrap_or_default();
                let number = input::decimal(value).filter(|_| DECIMALS.contains(&code.as_str()));
                product.attributes.insert(code, number.map_or(plain, |number| format!("{number:.6}")));
            }
        }
    }
    let more = given.get("extension_attributes").unwrap_or(&Value::Null);
    if let Some(item) = more.get("stock_item").filter(|item| item.is_object()) {
        let quantity = input::float(item, "qty")?.filter(|_| !product.is_configurable());
        product.stock.quantity = quantity.or(product.stock.quantity);
        product.stock.in_stock = input::flag(item, "is_in_stock").unwrap_or(product.stock.in_stock);
        product.stock.manage = input::flag(item, "manage_stock").unwrap_or(product.stock.manage);
    }
    if let Some(links) = more.get("configurable_product_links") {
        let ids = input::list(links)?;
        product.children = ids.iter().filter_map(|id| input::decimal(id)?.to_string().parse().ok()).collect();
        // An empty list of options takes the options and the links away; one that is absent leaves them.
        if more.get("configurable_product_options") == Some(&json!([])) {
            product.children.clear();
            product.choices.clear();
        }
    }
    product.updated = now;
    Ok(())
}

/// A name as part of an address.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'å' | 'ä' | 'à' | 'á' => out.push('a'),
            'ö' | 'ø' | 'ó' => out.push('o'),
            'ü' | 'ú' => out.push('u'),
            'é' | 'è' => out.push('e'),
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    out.trim_matches('-').to_owned()
}
