//! The routes: which method and path reach which service, and what right they need.

use super::Account;
use super::error::{Said, Wrong};
use super::input::Call;
use super::{oauth, product_write, source_items};
use std::collections::BTreeMap;

/// A service.
pub(super) type Run = fn(&mut Account, &Call) -> Said;

/// What an asynchronous call of a route is called and how it is looked at and carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Later {
    pub(super) check: fn(&Call) -> Result<(), Wrong>,
    pub(super) run: Run,
    pub(super) topic: &'static str,
    pub(super) service: &'static str,
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) resource: &'static str,
    pub(super) run: Run,
    /// Parameters that must stand, looked at before an asynchronous call is taken.
    pub(super) needs: &'static [&'static str],
    pub(super) later: Option<Later>,
}

/// A route that a request matches, with the parts of its path.
pub(super) struct Found {
    pub(super) route: Route,
    pub(super) params: BTreeMap<String, String>,
}

const fn on(method: &'static str, path: &'static str, resource: &'static str, run: Run) -> Route {
    Route { method, path, resource, run, needs: &[], later: None }
}

const PRODUCTS: &str = "Magento_Catalog::products";
const ATTRIBUTES: &str = "Magento_Catalog::attributes_attributes";
const STOCK: &str = "Magento_CatalogInventory::cataloginventory";
const SOURCE: &str = "Magento_InventoryApi::source";
const STOCKS: &str = "Magento_InventoryApi::stock";
const LINKS: &str = "Magento_InventoryApi::stock_source_link";
const ITEMS: &str = "Magento_InventoryApi::stock_source_item_assign";
const SALES_STOCK: &str = "Magento_InventorySalesApi::stock";
const ORDERS: &str = "Magento_Sales::actions_view";
const INVOICES: &str = "Magento_Sales::sales_invoice";
const SHIPMENTS: &str = "Magento_Sales::shipment";
const MEMOS: &str = "Magento_Sales::sales_creditmemo";
const STORE: &str = "Magento_Backend::store";
const TAX: &str = "Magento_Tax::manage_tax";
const BULK: &str = "Magento_Logging::system_magento_logging_bulk_operations";

const SAVE_ITEMS: Later = Later {
    check: source_items::check,
    run: Account::save_source_items_later,
    topic: "async.magento.inventoryapi.api.sourceitemssaveinterface.execute.post",
    service: "Magento\\Inventory\\Model\\SourceItem\\Command\\SourceItemsSave\\Interceptor::execute",
};
const DELETE_ITEMS: Later = Later {
    check: source_items::check,
    run: Account::delete_source_items,
    topic: "async.magento.inventoryapi.api.sourceitemsdeleteinterface.execute.post",
    service: "Magento\\Inventory\\Model\\SourceItem\\Command\\SourceItemsDelete\\Interceptor::execute",
};
const SAVE_PRODUCT: Later = Later {
    check: product_write::check,
    run: Account::save_product,
    topic: "async.magento.catalog.api.productrepositoryinterface.save.put",
    service: "Magento\\Catalog\\Model\\ProductRepository\\Interceptor::save",
};
const POST_PRODUCT: Later = Later {
    check: product_write::check,
    run: Account::post_product,
    topic: "async.magento.catalog.api.productrepositoryinterface.save.post",
    service: "Magento\\Catalog\\Model\\ProductRepository\\Interceptor::save",
};

const ROUTES: &[Route] = &[
    on("POST", "integration/admin/token", "anonymous", Account::admin_token),
    on("GET", "store/storeViews", STORE, Account::store_views),
    on("GET", "store/websites", STORE, Account::websites),
    on("GET", "store/storeGroups", STORE, Account::store_groups),
    on("GET", "store/storeConfigs", STORE, Account::store_configs),
    on("GET", "directory/currency", "anonymous", Account::currency),
    on("GET", "directory/countries/:countryId", "anonymous", Account::country),
    on("GET", "modules", "anonymous", Account::modules),
    on("GET", "taxClasses/search", TAX, Account::tax_classes),
    on("GET", "taxRates/search", TAX, Account::tax_rates),
    on("GET", "taxRules/search", TAX, Account::tax_rules),
    on("POST", "taxRates", TAX, Account::create_tax_rate),
    on("POST", "taxRules", TAX, Account::create_tax_rule),
    on("GET", "products/attributes/:code/options", ATTRIBUTES, Account::attribute_options),
    on("POST", "products/attributes/:code/options", ATTRIBUTES, Account::create_option),
    on("GET", "products/attributes/:code", ATTRIBUTES, Account::get_attribute),
    on("POST", "products/attributes", ATTRIBUTES, Account::create_attribute),
    on("POST", "products/base-prices", PRODUCTS, Account::base_prices),
    on("POST", "products/base-prices-information", PRODUCTS, Account::base_prices_information),
    on("GET", "products", PRODUCTS, Account::list_products),
    Route { later: Some(POST_PRODUCT), ..on("POST", "products", PRODUCTS, Account::post_product) },
    on("GET", "products/:sku", PRODUCTS, Account::get_product),
    Route { later: Some(SAVE_PRODUCT), ..on("PUT", "products/:sku", PRODUCTS, Account::save_product) },
    on("DELETE", "products/:sku", PRODUCTS, Account::delete_product),
    Route {
        needs: &["stockItem"],
        ..on("PUT", "products/:productSku/stockItems/:itemId", PRODUCTS, Account::put_stock_item)
    },
    on("GET", "configurable-products/:sku/children", PRODUCTS, Account::children),
    on("POST", "configurable-products/:sku/child", PRODUCTS, Account::add_child),
    on("DELETE", "configurable-products/:sku/children/:childSku", PRODUCTS, Account::remove_child),
    on("GET", "configurable-products/:sku/options/all", PRODUCTS, Account::choices),
    on("POST", "configurable-products/:sku/options", PRODUCTS, Account::create_choice),
    on("DELETE", "configurable-products/:sku/options/:id", PRODUCTS, Account::delete_choice),
    on("GET", "stockItems/lowStock", STOCK, Account::low_stock),
    on("GET", "stockItems/:productSku", STOCK, Account::stock_item),
    on("GET", "stockStatuses/:productSku", STOCK, Account::stock_status),
    on("GET", "inventory/sources", SOURCE, Account::list_sources),
    on("POST", "inventory/sources", "Magento_InventoryApi::source_edit", Account::save_source),
    on("GET", "inventory/sources/:sourceCode", SOURCE, Account::get_source),
    on("PUT", "inventory/sources/:sourceCode", "Magento_InventoryApi::source_edit", Account::save_source),
    on("GET", "inventory/stocks", STOCKS, Account::list_stocks),
    on("POST", "inventory/stocks", STOCKS, Account::save_stock),
    on("GET", "inventory/stocks/:stockId", STOCKS, Account::get_stock),
    on("PUT", "inventory/stocks/:stockId", STOCKS, Account::save_stock),
    on("GET", "inventory/stock-resolver/website/:code", STOCKS, Account::stock_resolver),
    on("GET", "inventory/stock-source-links", LINKS, Account::list_links),
    on("POST", "inventory/stock-source-links", LINKS, Account::save_links),
    on("POST", "inventory/stock-source-links-delete", LINKS, Account::delete_links),
    on(
        "GET",
        "inventory/get-sources-assigned-to-stock-ordered-by-priority/:stockId",
        SOURCE,
        Account::sources_by_priority,
    ),
    on("GET", "inventory/source-items", ITEMS, Account::list_source_items),
    Route { later: Some(SAVE_ITEMS), ..on("POST", "inventory/source-items", ITEMS, Account::save_source_items) },
    Route {
        later: Some(DELETE_ITEMS),
        ..on("POST", "inventory/source-items-delete", ITEMS, Account::delete_source_items)
    },
    on("GET", "inventory/get-product-salable-quantity/:sku/:stockId", SALES_STOCK, Account::salable_quantity),
    on("GET", "inventory/is-product-salable/:sku/:stockId", SALES_STOCK, Account::product_salable),
    on("GET", "inventory/are-products-salable", SALES_STOCK, Account::products_salable),
    on(
        "GET",
        "inventory/is-product-salable-for-requested-qty/:sku/:stockId/:requestedQty",
        SALES_STOCK,
        Account::salable_for_quantity,
    ),
    on("GET", "inventory/dump-stock-index-data/website/:code", STOCKS, Account::dump_index),
    on("GET", "inventory/export-stock-salable-qty/website/:code", STOCKS, Account::export_salable),
    on("GET", "inventory/low-quantity-notification/:sourceCode/:sku", STOCKS, Account::low_quantity),
    on("POST", "inventory/bulk-product-source-assign", ITEMS, Account::assign),
    on("POST", "inventory/bulk-product-source-unassign", ITEMS, Account::unassign),
    on("POST", "inventory/bulk-product-source-transfer", ITEMS, Account::transfer_all),
    on("POST", "inventory/bulk-partial-source-transfer", ITEMS, Account::transfer_some),
    on("GET", "inventory/in-store-pickup/pickup-locations", "anonymous", Account::pickup_locations),
    on("GET", "orders", ORDERS, Account::list_orders),
    on("POST", "orders", "Magento_Sales::create", Account::save_order),
    on("PUT", "orders/create", "Magento_Sales::create", Account::save_order),
    on("GET", "orders/items", ORDERS, Account::list_order_items),
    on("GET", "orders/items/:id", ORDERS, Account::get_order_item),
    on("GET", "orders/:id", ORDERS, Account::get_order),
    on("GET", "orders/:id/statuses", ORDERS, Account::order_status),
    on("POST", "orders/:id/cancel", "Magento_Sales::cancel", Account::cancel_order),
    on("POST", "orders/:id/hold", "Magento_Sales::hold", Account::hold_order),
    on("POST", "orders/:id/unhold", "Magento_Sales::unhold", Account::unhold_order),
    on("POST", "orders/:id/emails", "Magento_Sales::emails", Account::mail_order),
    on("GET", "orders/:id/comments", ORDERS, Account::order_comments),
    on("POST", "orders/:id/comments", "Magento_Sales::comment", Account::comment_order),
    on("GET", "transactions", "Magento_Sales::transactions_fetch", Account::list_transactions),
    on(
        "POST",
        "order/notify-orders-are-ready-for-pickup",
        "Magento_InventoryInStorePickupApi::notify_orders_are_ready_for_pickup",
        Account::notify_pickup,
    ),
    on("POST", "order/:id/invoice", "Magento_Sales::invoice", Account::create_invoice),
    on("POST", "order/:id/ship", "Magento_Sales::ship", Account::create_shipment),
    on("POST", "order/:id/refund", "Magento_Sales::creditmemo", Account::create_memo),
    on("GET", "invoices", INVOICES, Account::list_invoices),
    on("GET", "invoices/:id", INVOICES, Account::get_invoice),
    on("POST", "invoice/:id/refund", "Magento_Sales::creditmemo", Account::refund_invoice),
    on("GET", "shipments", SHIPMENTS, Account::list_shipments),
    on("GET", "shipment/:id", SHIPMENTS, Account::get_shipment),
    on("POST", "shipment/track", SHIPMENTS, Account::add_track),
    on("GET", "creditmemos", MEMOS, Account::list_memos),
    on("GET", "creditmemo/:id", MEMOS, Account::get_memo),
    on("PUT", "creditmemo/:id", MEMOS, Account::cancel_memo),
    on("GET", "creditmemo/:id/comments", MEMOS, Account::memo_comments),
    on("POST", "creditmemo/:id/comments", MEMOS, Account::comment_memo),
    on("GET", "bulk", BULK, Account::list_operations),
    on("GET", "bulk/:uuid/status", BULK, Account::bulk_status),
    on("GET", "bulk/:uuid/detailed-status", BULK, Account::bulk_details),
    on("GET", "bulk/:uuid/operation-status/:status", BULK, Account::bulk_count),
];

/// The route of a method and a path below `V1`, still encoded. In a bulk, `bySku` stands where `:sku` would.
pub(super) fn find(method: &str, path: &str, bulk: bool) -> Option<Found> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| {
        let pattern: Vec<&str> = route.path.split('/').collect();
        if pattern.len() != parts.len() {
            return None;
        }
        let mut params = BTreeMap::new();
        for (wanted, given) in pattern.iter().zip(&parts) {
            match wanted.strip_prefix(':') {
                Some(name) if bulk && !given.eq_ignore_ascii_case(&format!("by{name}")) => return None,
                Some(name) => {
                    // A plus is a space here, unlike in the rest of the path.
                    params.insert(name.to_owned(), oauth::raw_decode(&given.replace('+', "%20")));
                }
                None if wanted != given => return None,
                None => {}
            }
        }
        Some(Found { route: *route, params })
    })
}
