//! Master data: websites, stores, taxes, money, countries, modules.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The one rate at which goods are taxed.
#[derive(Debug, Clone)]
pub(super) struct Tax {
    pub(super) code: String,
    pub(super) country: String,
    pub(super) percent: Decimal,
    /// Whether the rate and the rule were made yet.
    pub(super) rate: bool,
    pub(super) rule: Option<String>,
}

/// Names of modules that tell a client what it may use.
const MODULES: [&str; 24] = [
    "Magento_Store",
    "Magento_Config",
    "Magento_Directory",
    "Magento_Backend",
    "Magento_Eav",
    "Magento_Customer",
    "Magento_Catalog",
    "Magento_CatalogInventory",
    "Magento_ConfigurableProduct",
    "Magento_Quote",
    "Magento_Sales",
    "Magento_SalesRule",
    "Magento_Tax",
    "Magento_Integration",
    "Magento_AsynchronousOperations",
    "Magento_WebapiAsync",
    "Magento_Inventory",
    "Magento_InventoryApi",
    "Magento_InventoryCatalog",
    "Magento_InventoryReservations",
    "Magento_InventorySales",
    "Magento_InventorySalesApi",
    "Magento_InventoryShipping",
    "Magento_InventoryInStorePickup",
];

impl Tax {
    pub(super) fn fresh() -> Tax {
        let code = "SE-20".to_owned();
        Tax { code, country: "SE".to_owned(), percent: Decimal::from(20), rate: false, rule: None }
    }

    fn show_rate(&self) -> Value {
        json!({
            "id": 3, "tax_country_id": self.country, "tax_region_id": 0, "tax_postcode": "*",
            "rate": num(self.percent), "code": self.code, "titles": [],
        })
    }

    fn show_rule(&self, code: &str) -> Value {
        json!({
            "id": 1, "code": code, "priority": 0, "position": 0, "customer_tax_class_ids": [3],
            "product_tax_class_ids": [2], "tax_rate_ids": [3], "calculate_subtotal": false,
        })
    }
}

impl Account {
    /// Sets the rate at which goods are taxed, and makes rate and rule.
    pub fn set_tax(&mut self, code: &str, percent: Decimal) {
        self.tax.code = code.to_owned();
        self.tax.percent = percent;
        self.tax.rate = true;
        self.tax.rule = Some(code.to_owned());
    }

    /// Adds a store view of the website; addresses may name it from then on. Orders are those of the first one.
    pub fn add_store_view(&mut self, code: &str, name: &str) {
        self.views.push((code.to_owned(), name.to_owned()));
    }

    /// Whether an address may name this store view.
    pub(super) fn has_view(&self, code: &str) -> bool {
        code == "default" || self.views.iter().any(|(known, _)| known == code)
    }

    /// The store views with their ids.
    fn views(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        let first = std::iter::once((1, "default", "Default Store View"));
        first.chain(self.views.iter().enumerate().map(|(at, (code, name))| (at + 2, code.as_str(), name.as_str())))
    }

    pub(super) fn store_views(&mut self, _call: &Call) -> Said {
        let admin = json!({
            "id": 0, "code": "admin", "name": "Admin", "website_id": 0, "store_group_id": 0, "is_active": 1,
        });
        let view = |(id, code, name): (usize, &str, &str)| json!({"id": id, "code": code, "name": name, "website_id": 1, "store_group_id": 1, "is_active": 1});
        Ok(self.views().map(view).chain(std::iter::once(admin)).collect())
    }

    pub(super) fn websites(&mut self, _call: &Call) -> Said {
        Ok(json!([
            {"id": 0, "code": "admin", "name": "Admin", "default_group_id": 0},
            {"id": 1, "code": "base", "name": "Main Website", "default_group_id": 1},
        ]))
    }

    pub(super) fn store_groups(&mut self, _call: &Call) -> Said {
        Ok(json!([
            {
                "id": 0, "website_id": 0, "root_category_id": 0, "default_store_id": 0, "name": "Default",
                "code": "default",
            },
            {
                "id": 1, "website_id": 1, "root_category_id": 2, "default_store_id": 1, "name": "Main Website Store",
                "code": "main_website_store",
            },
        ]))
    }

    pub(super) fn store_configs(&mut self, _call: &Call) -> Said {
        let base = format!("{}/", self.base.trim_end_matches('/'));
        let config = |(id, code, _): (usize, &str, &str)| {
            json!({
                "id": id, "code": code, "website_id": 1, "locale": "en_US", "base_currency_code": "EUR",
                "default_display_currency_code": "EUR", "timezone": "Europe/Stockholm", "weight_unit": "lbs",
                "base_url": base, "base_link_url": base, "base_static_url": format!("{base}static/"),
                "base_media_url": format!("{base}media/"), "secure_base_url": base, "secure_base_link_url": base,
                "secure_base_static_url": format!("{base}static/"),
                "secure_base_media_url": format!("{base}media/"),
            })
        };
        Ok(self.views().map(config).collect())
    }

    pub(super) fn currency(&mut self, _call: &Call) -> Said {
        Ok(json!({
            "base_currency_code": "EUR", "base_currency_symbol": "€", "default_display_currency_code": "EUR",
            "default_display_currency_symbol": "€", "available_currency_codes": ["EUR"],
            "exchange_rates": [{"currency_to": "EUR", "rate": 1}],
        }))
    }

    pub(super) fn country(&mut self, call: &Call) -> Said {
        if call.param("countryId") != "SE" {
            let text = "The country isn't available.";
            return Err(Wrong::missing(text));
        }
        let regions = [("1074", "SE-M", "Skåne län"), ("1075", "SE-AB", "Stockholms län")];
        let region = |(id, code, name): &(&str, &str, &str)| json!({"id": id, "code": code, "name": name});
        Ok(json!({
            "id": "SE", "two_letter_abbreviation": "SE", "three_letter_abbreviation": "SWE",
            "full_name_locale": "Sweden", "full_name_english": "Sweden",
            "available_regions": regions.iter().map(region).collect::<Vec<_>>(),
        }))
    }

    /// All of them, whatever is asked.
    pub(super) fn modules(&mut self, _call: &Call) -> Said {
        Ok(json!(MODULES))
    }

    fn master(&self, call: &Call, rows: &[Value]) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |row: &&Value, name: &str| match row.get(name)? {
            Value::String(text) => Some(Cell::Text(text.clone())),
            value => Some(input::decimal(value).map_or(Cell::Null, Cell::Number)),
        };
        asked.answer(rows.iter(), cell, |_| Wrong::internal(), |row| (*row).clone(), &self.switches)
    }

    pub(super) fn tax_classes(&mut self, call: &Call) -> Said {
        let goods = json!({"class_id": 2, "class_name": "Taxable Goods", "class_type": "PRODUCT"});
        let customers = json!({"class_id": 3, "class_name": "Retail Customer", "class_type": "CUSTOMER"});
        self.master(call, &[goods, customers])
    }

    pub(super) fn tax_rates(&mut self, call: &Call) -> Said {
        let american = |id: i64, region: i64, name: &str, rate: f64| {
            json!({
                "id": id, "tax_country_id": "US", "tax_region_id": region, "region_name": name, "tax_postcode": "*",
                "rate": rate, "code": format!("US-{name}-*-Rate 1"), "titles": [],
            })
        };
        let mut rows = vec![american(1, 12, "CA", 8.25), american(2, 43, "NY", 8.375)];
        rows.extend(self.tax.rate.then(|| self.tax.show_rate()));
        self.master(call, &rows)
    }

    pub(super) fn tax_rules(&mut self, call: &Call) -> Said {
        let rows: Vec<Value> = self.tax.rule.iter().map(|code| self.tax.show_rule(code)).collect();
        self.master(call, &rows)
    }

    pub(super) fn create_tax_rate(&mut self, call: &Call) -> Said {
        let given = call.need("taxRate")?.clone();
        self.tax.code = input::words(&given, "code").unwrap_or_default();
        self.tax.country = input::words(&given, "tax_country_id").unwrap_or_default();
        self.tax.percent = input::float(&given, "rate")?.unwrap_or_default();
        self.tax.rate = true;
        Ok(self.tax.show_rate())
    }

    pub(super) fn create_tax_rule(&mut self, call: &Call) -> Said {
        let code = input::words(call.need("rule")?, "code").unwrap_or_default();
        self.tax.rule = Some(code.clone());
        Ok(self.tax.show_rule(&code))
    }
}
