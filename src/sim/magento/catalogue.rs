//! Products as they are kept and as they are read: one by one with their old stock item, in lists without it.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{Call, Scope, num};
use crate::domain::time::Timestamp;
use crate::sim::text;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Attributes that a fresh shop has, in the order in which they are printed; others stand between the tax class
/// and the article number.
const ORDER: [&str; 10] = [
    "cost",
    "image",
    "small_image",
    "thumbnail",
    "options_container",
    "url_key",
    "msrp_display_actual_price_type",
    "required_options",
    "has_options",
    "tax_class_id",
];
/// Attributes of a fresh shop that products need not have.
const KNOWN: [&str; 7] = [
    "special_price",
    "special_from_date",
    "special_to_date",
    "description",
    "short_description",
    "msrp",
    "manufacturer",
];
/// Columns that every product has.
const COLUMNS: [&str; 15] = [
    "entity_id",
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
    "website_id",
    "store_id",
    "category_id",
];
/// Attributes that the children of a configurable show; own ones, such as an article number, are missing there.
const OF_CHILDREN: [&str; 5] =
    ["required_options", "has_options", "tax_class_id", "url_key", "msrp_display_actual_price_type"];

/// The old stock item of a product, which the default source mirrors.
#[derive(Debug, Clone)]
pub(super) struct StockItem {
    pub(super) id: i64,
    pub(super) quantity: Option<Decimal>,
    pub(super) in_stock: bool,
    pub(super) manage: bool,
    pub(super) low_since: Option<Timestamp>,
    pub(super) changed_by_itself: bool,
}

/// By what the children of a configurable differ.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) id: i64,
    pub(super) attribute: i64,
    pub(super) label: String,
    pub(super) position: i64,
    pub(super) values: Vec<i64>,
}

/// A product.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) id: i64,
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) set: i64,
    pub(super) price: Decimal,
    pub(super) status: i64,
    pub(super) visibility: i64,
    pub(super) kind: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) weight: Option<Decimal>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) stock: StockItem,
    pub(super) choices: Vec<Choice>,
    pub(super) children: Vec<i64>,
    /// What a store view says otherwise; it hides later global changes.
    pub(super) view_name: Option<String>,
    pub(super) view_status: Option<i64>,
}

/// An attribute of which products have one of several values.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) label: String,
    pub(super) options: Vec<(String, i64)>,
}

/// All products and attributes.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) products: BTreeMap<i64, Product>,
    by_sku: BTreeMap<String, i64>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) last_product: i64,
    pub(super) last_stock_item: i64,
    pub(super) last_choice: i64,
    pub(super) last_option: i64,
}

/// How much of a product is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// The answer to its creation, without links and prices per quantity.
    Created,
    Single,
    Listed,
}

impl Catalogue {
    pub(super) fn fresh() -> Catalogue {
        let color = Attribute { id: 93, code: "color".to_owned(), label: "Color".to_owned(), options: Vec::new() };
        Catalogue {
            products: BTreeMap::new(),
            by_sku: BTreeMap::new(),
            attributes: vec![color],
            last_product: 0,
            last_stock_item: 0,
            last_choice: 0,
            last_option: 3,
        }
    }

    pub(super) fn by_sku(&self, sku: &str) -> Option<&Product> {
        self.products.get(self.by_sku.get(&sku.to_lowercase())?)
    }

    pub(super) fn by_sku_mut(&mut self, sku: &str) -> Option<&mut Product> {
        self.products.get_mut(self.by_sku.get(&sku.to_lowercase())?)
    }

    pub(super) fn add(&mut self, product: Product) {
        self.by_sku.insert(product.sku.to_lowercase(), product.id);
        self.products.insert(product.id, product);
    }

    pub(super) fn drop_sku(&mut self, sku: &str) -> Option<Product> {
        let id = self.by_sku.remove(&sku.to_lowercase())?;
        self.products.remove(&id)
    }

    pub(super) fn configurables(&self) -> impl Iterator<Item = &Product> {
        self.products.values().filter(|product| product.is_configurable())
    }

    pub(super) fn child_skus(&self, parent: &Product) -> Vec<String> {
        parent.children.iter().filter_map(|id| self.products.get(id)).map(|child| child.sku.clone()).collect()
    }

    /// The configurables that hold this SKU.
    pub(super) fn parents_of(&self, sku: &str) -> Vec<String> {
        let Some(child) = self.by_sku(sku) else { return Vec::new() };
        self.configurables().filter(|p| p.children.contains(&child.id)).map(|p| p.sku.clone()).collect()
    }

    pub(super) fn attribute(&self, code: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.code == code)
    }

    /// Whether products can be found by this column.
    pub(super) fn has_column(&self, name: &str) -> bool {
        COLUMNS.contains(&name) || self.knows(name)
    }

    fn knows(&self, code: &str) -> bool {
        ORDER.contains(&code) || KNOWN.contains(&code) || self.attribute(code).is_some()
    }
}

impl Product {
    pub(super) fn is_configurable(&self) -> bool {
        self.kind == "configurable"
    }

    fn rank(code: &str) -> usize {
        match code {
            "size" => ORDER.len(),
            "color" => ORDER.len() + 1,
            "ean" => ORDER.len() + 3,
            code => ORDER.iter().position(|known| *known == code).unwrap_or(ORDER.len() + 2),
        }
    }

    fn custom_attributes(&self) -> Vec<Value> {
        let mut list: Vec<(&String, &String)> = self.attributes.iter().collect();
        list.sort_by_key(|(code, _)| Product::rank(code));
        let mut out: Vec<Value> = list.iter().map(|(code, value)| attribute(code, json!(value))).collect();
        out.push(attribute("category_ids", json!([])));
        out
    }

    /// The product as a reader in this scope sees it.
    pub(super) fn show(&self, printed: Printed, scope: Scope) -> Value {
        let mut out = self.head(scope);
        let mut more = Map::new();
        more.insert("website_ids".to_owned(), json!([1]));
        if printed != Printed::Listed {
            more.insert("stock_item".to_owned(), self.stock_item());
        }
        if self.is_configurable() {
            more.insert("configurable_product_options".to_owned(), self.show_choices());
            more.insert("configurable_product_links".to_owned(), json!(self.children));
        }
        out.insert("extension_attributes".to_owned(), Value::Object(more));
        if printed != Printed::Created {
            out.insert("product_links".to_owned(), json!([]));
            out.insert("tier_prices".to_owned(), json!([]));
        }
        out.insert("options".to_owned(), json!([]));
        out.insert("media_gallery_entries".to_owned(), json!([]));
        out.insert("custom_attributes".to_owned(), Value::Array(self.custom_attributes()));
        Value::Object(out)
    }

    fn head(&self, scope: Scope) -> Map<String, Value> {
        let view = scope == Scope::View;
        let name = self.view_name.as_ref().filter(|_| view).unwrap_or(&self.name);
        let status = self.view_status.filter(|_| view).unwrap_or(self.status);
        let mut out = Map::new();
        for (key, value) in [
            ("id", json!(self.id)),
            ("sku", json!(self.sku)),
            ("name", json!(name)),
            ("attribute_set_id", json!(self.set)),
            ("price", num(self.price)),
            ("status", json!(status)),
            ("visibility", json!(self.visibility)),
            ("type_id", json!(self.kind)),
            ("created_at", json!(text::spaced(self.created))),
            ("updated_at", json!(text::spaced(self.updated))),
        ] {
            out.insert(key.to_owned(), value);
        }
        if let Some(weight) = self.weight {
            out.insert("weight".to_owned(), num(weight));
        }
        out
    }

    /// The product as a child of a configurable, where it says less.
    pub(super) fn show_child(&self, differs_by: &[String], scope: Scope) -> Value {
        let mut out = self.head(scope);
        for key in ["product_links", "media_gallery_entries", "tier_prices"] {
            out.insert(key.to_owned(), json!([]));
        }
        let own = |code: &str| self.attributes.get(code).map(|value| attribute(code, json!(value)));
        let [required, has, tax, url, msrp] = OF_CHILDREN;
        let mut custom: Vec<Value> = [required, has, tax].into_iter().filter_map(own).collect();
        custom.extend(differs_by.iter().rev().filter_map(|code| own(code)));
        custom.push(attribute("category_ids", json!([])));
        custom.extend([url, msrp].into_iter().filter_map(own));
        out.insert("custom_attributes".to_owned(), Value::Array(custom));
        Value::Object(out)
    }

    pub(super) fn show_choices(&self) -> Value {
        let show = |choice: &Choice| {
            let values: Vec<Value> = choice.values.iter().map(|value| json!({"value_index": value})).collect();
            json!({
                "id": choice.id, "attribute_id": choice.attribute.to_string(), "label": choice.label,
                "position": choice.position, "values": values, "product_id": self.id,
            })
        };
        self.choices.iter().map(show).collect()
    }

    /// The old stock item as it is printed.
    pub(super) fn stock_item(&self) -> Value {
        json!({
            "item_id": self.stock.id, "product_id": self.id, "stock_id": 1,
            "qty": self.stock.quantity.map_or(Value::Null, num), "is_in_stock": self.stock.in_stock,
            "is_qty_decimal": false, "show_default_notification_message": false, "use_config_min_qty": true,
            "min_qty": 0, "use_config_min_sale_qty": 1, "min_sale_qty": 1, "use_config_max_sale_qty": true,
            "max_sale_qty": 10000, "use_config_backorders": true, "backorders": 0,
            "use_config_notify_stock_qty": true, "notify_stock_qty": 1, "use_config_qty_increments": true,
            "qty_increments": 0, "use_config_enable_qty_inc": true, "enable_qty_increments": false,
            "use_config_manage_stock": self.stock.manage, "manage_stock": self.stock.manage,
            "low_stock_date": self.stock.low_since.map(text::spaced), "is_decimal_divided": false,
            "stock_status_changed_auto": i64::from(self.stock.changed_by_itself),
        })
    }

    /// What stands in a column, for filters and orders.
    pub(super) fn cell(&self, name: &str, catalogue: &Catalogue, scope: Scope) -> Option<Cell> {
        let view = scope == Scope::View;
        Some(match name {
            "entity_id" | "id" => Cell::int(self.id),
            "sku" => Cell::Text(self.sku.clone()),
            "name" => Cell::Text(self.view_name.clone().filter(|_| view).unwrap_or_else(|| self.name.clone())),
            "attribute_set_id" => Cell::int(self.set),
            "price" => Cell::Number(self.price),
            "status" => Cell::int(self.view_status.filter(|_| view).unwrap_or(self.status)),
            "visibility" => Cell::int(self.visibility),
            "type_id" => Cell::Text(self.kind.clone()),
            "created_at" => Cell::Time(text::spaced(self.created)),
            "updated_at" => Cell::Time(text::spaced(self.updated)),
            "weight" => self.weight.map_or(Cell::Null, Cell::Number),
            "website_id" | "store_id" => Cell::int(1),
            "category_id" => Cell::Null,
            code if catalogue.knows(code) || self.attributes.contains_key(code) => {
                Cell::text(self.attributes.get(code).map(String::as_str))
            }
            _ => return None,
        })
    }
}

fn attribute(code: &str, value: Value) -> Value {
    json!({"attribute_code": code, "value": value})
}

/// The 404 of products.
pub(super) fn no_product() -> Wrong {
    Wrong::missing("The product that was requested doesn't exist. Verify the product and try again.")
}

pub(super) fn no_attribute(name: &str) -> Wrong {
    Wrong::bad("The \"%1\" attribute name is invalid. Reset the name and try again.").with(json!([name]))
}

impl Account {
    /// Adds an attribute with choices, or a free one when there are none. Its id is the answer.
    pub fn add_attribute(&mut self, code: &str, label: &str, choices: &[&str]) -> i64 {
        let last = self.catalogue.attributes.iter().map(|attribute| attribute.id).max().unwrap_or(0);
        let known = self.catalogue.attribute(code).map(|attribute| attribute.id);
        let id = known.unwrap_or_else(|| (last + 1).max(137));
        if known.is_none() {
            let (code, label) = (code.to_owned(), label.to_owned());
            self.catalogue.attributes.push(Attribute { id, code, label, options: Vec::new() });
        }
        for choice in choices {
            self.add_choice(code, choice);
        }
        id
    }

    /// Adds a value that an attribute can have; its id stands in products.
    pub fn add_choice(&mut self, code: &str, label: &str) -> Option<i64> {
        let next = self.catalogue.last_option + 1;
        let attribute = self.catalogue.attributes.iter_mut().find(|attribute| attribute.code == code)?;
        attribute.options.push((label.to_owned(), next));
        self.catalogue.last_option = next;
        Some(next)
    }

    pub(super) fn list_products(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        asked.columns(|name| self.catalogue.has_column(name), no_attribute)?;
        let cell = |product: &&Product, name: &str| product.cell(name, &self.catalogue, call.scope);
        let show = |product: &&Product| product.show(Printed::Listed, call.scope);
        asked.answer(self.catalogue.products.values(), cell, no_attribute, show, &self.switches)
    }

    pub(super) fn get_product(&mut self, call: &Call) -> Said {
        let found = self.catalogue.by_sku(call.param("sku"));
        found.map(|product| product.show(Printed::Single, call.scope)).ok_or_else(no_product)
    }

    pub(super) fn attribute_options(&mut self, call: &Call) -> Said {
        let found = self.catalogue.attribute(call.param("code")).ok_or_else(Wrong::no_entity)?;
        Ok(show_options(found))
    }

    pub(super) fn get_attribute(&mut self, call: &Call) -> Said {
        let found = self.catalogue.attribute(call.param("code")).ok_or_else(Wrong::no_entity)?;
        Ok(show_attribute(found))
    }

    pub(super) fn create_attribute(&mut self, call: &Call) -> Said {
        let given = call.need("attribute")?;
        let word = |name: &str| super::input::words(given, name).unwrap_or_default();
        let (code, label) = (word("attribute_code"), word("default_frontend_label"));
        self.add_attribute(&code, &label, &[]);
        self.catalogue.attribute(&code).map(show_attribute).ok_or_else(Wrong::internal)
    }

    pub(super) fn create_option(&mut self, call: &Call) -> Said {
        let label = super::input::words(call.need("option")?, "label").unwrap_or_default();
        let made = self.add_choice(call.param("code"), &label);
        made.map(|id| json!(id.to_string())).ok_or_else(Wrong::no_entity)
    }
}

fn show_options(attribute: &Attribute) -> Value {
    let empty = std::iter::once(json!({"label": " ", "value": ""}));
    empty.chain(attribute.options.iter().map(|(label, id)| json!({"label": label, "value": id.to_string()}))).collect()
}

fn show_attribute(attribute: &Attribute) -> Value {
    let built_in = attribute.code == "color";
    let mut out = json!({
        "extension_attributes": {"is_pagebuilder_enabled": false}, "is_wysiwyg_enabled": false,
        "is_html_allowed_on_front": false, "used_for_sort_by": false, "is_filterable": built_in,
        "is_filterable_in_search": false, "is_used_in_grid": built_in, "is_visible_in_grid": false,
        "is_filterable_in_grid": built_in, "position": 0, "apply_to": [], "is_searchable": "0",
        "is_visible_in_advanced_search": "0", "is_comparable": "0", "is_used_for_promo_rules": "0",
        "is_visible_on_front": "0", "used_in_product_listing": "0", "is_visible": true, "scope": "global",
        "attribute_id": attribute.id, "attribute_code": attribute.code, "frontend_input": "select",
        "entity_type_id": "4", "is_required": false, "options": show_options(attribute), "is_user_defined": true,
        "default_frontend_label": attribute.label, "frontend_labels": [], "backend_type": "int",
        "source_model": "Magento\\Eav\\Model\\Entity\\Attribute\\Source\\Table", "is_unique": "0",
        "validation_rules": [],
    });
    if let Some(fields) = out.as_object_mut().filter(|_| built_in) {
        fields.insert("apply_to".to_owned(), json!(["simple", "virtual", "configurable"]));
        fields.insert("default_value".to_owned(), json!(""));
    }
    out
}
