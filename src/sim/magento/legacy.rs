//! The old stock routes, which see the default source and nothing else.

use super::Account;
use super::catalogue::Product;
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::ledger::DEFAULT_SOURCE;
use serde_json::{Value, json};

impl Account {
    fn old_item(&self, sku: &str) -> Result<&Product, Wrong> {
        let wrong = || Wrong::missing("The Product with the \"%1\" SKU doesn't exist.").with(json!([sku]));
        self.catalogue.by_sku(sku).ok_or_else(wrong)
    }

    pub(super) fn stock_item(&mut self, call: &Call) -> Said {
        Ok(self.old_item(call.param("productSku"))?.stock_item())
    }

    /// Says what the whole stock holds, round an item that is empty.
    pub(super) fn stock_status(&mut self, call: &Call) -> Said {
        let sku = call.param("productSku").to_owned();
        self.old_item(&sku)?;
        let found = self.ledger.indexed(self.stock_of_website(), &sku);
        let quantity = found.map(|found| found.quantity).unwrap_or_default();
        let status = i64::from(found.is_some_and(|found| found.salable));
        Ok(json!({
            "product_id": null, "stock_id": null, "qty": num(quantity), "stock_status": status,
            "stock_item": {
                "product_id": 0, "stock_id": 1, "qty": null, "is_in_stock": status == 1, "is_qty_decimal": false,
                "show_default_notification_message": false, "use_config_min_qty": false, "min_qty": 0,
                "use_config_min_sale_qty": 0, "min_sale_qty": 0, "use_config_max_sale_qty": false,
                "max_sale_qty": 0, "use_config_backorders": false, "backorders": 0,
                "use_config_notify_stock_qty": false, "notify_stock_qty": 0, "use_config_qty_increments": false,
                "qty_increments": 0, "use_config_enable_qty_inc": false, "enable_qty_increments": false,
                "use_config_manage_stock": false, "manage_stock": false, "low_stock_date": null,
                "is_decimal_divided": false, "stock_status_changed_auto": 0,
            },
        }))
    }

    /// The item id in the path is ignored; the answer is the one that belongs to the SKU.
    pub(super) fn put_stock_item(&mut self, call: &Call) -> Said {
        let sku = call.param("productSku").to_owned();
        let given = call.need("stockItem")?.clone();
        let id = self.old_item(&sku)?.stock.id;
        let quantity = input::float(&given, "qty")?;
        if let Some(product) = self.catalogue.by_sku_mut(&sku) {
            product.stock.quantity = quantity.or(product.stock.quantity);
            product.stock.in_stock = input::flag(&given, "is_in_stock").unwrap_or(product.stock.in_stock);
            product.stock.manage = input::flag(&given, "manage_stock").unwrap_or(product.stock.manage);
        }
        if let Some(quantity) = quantity {
            let in_stock = self.old_item(&sku)?.stock.in_stock;
            self.ledger.set(&sku, DEFAULT_SOURCE, quantity, i64::from(in_stock));
        }
        self.refresh(&sku);
        Ok(json!(id))
    }

    pub(super) fn low_stock(&mut self, call: &Call) -> Said {
        let below = call.words("qty").and_then(|text| input::decimal(&json!(text))).unwrap_or_default();
        let low = |product: &&Product| product.stock.quantity.is_some_and(|quantity| quantity <= below);
        let found: Vec<&Product> = self.catalogue.products.values().filter(low).collect();
        let total = found.len();
        let items: Vec<Value> = found.into_iter().take(1).map(Product::stock_item).collect();
        Ok(json!({
            "items": items,
            "search_criteria": {
                "mapper_interface_name":
                    "Magento\\CatalogInventory\\Model\\ResourceModel\\Stock\\Item\\StockItemCriteriaMapper",
                "criteria_list": [], "filters": [], "orders": [], "limit": ["1", "0"],
            },
            "total_count": total,
        }))
    }
}
