//! The end of the recorded day: crowds, moves between sources, prices with tax, limits, odd SKUs.

use super::script::{back, one};
use super::stage::{Stage, pieces};
use crate::sim::magento::Refund;
use serde_json::json;

/// Orders 16 to 20 and moves between sources.
pub(super) fn crowded(s: &mut Stage) {
    s.at("18:59:11");
    let mut rows = Vec::new();
    for number in (1..=100).chain([500, 501, 997, 998, 999, 1000]) {
        let product = json!({"product": {
            "sku": format!("P-{number:04}"), "name": format!("Product {number}"), "attribute_set_id": 4,
            "price": 10 + number, "status": 1, "visibility": 4, "type_id": "simple", "weight": 1,
            "custom_attributes": [
                {"attribute_code": "tax_class_id", "value": "2"},
                {"attribute_code": "ean", "value": format!("74000000{number:05}")},
            ],
        }});
        assert_eq!(s.ask("POST", "/rest/all/V1/products", "", Some(&product)).0, 200);
        for (source, count) in [("warehouse", 50), ("store_malmo", 31), ("store_lund", 50), ("returns", 43)] {
            rows.push(json!({"sku": format!("P-{number:04}"), "source_code": source, "quantity": count, "status": 1}));
        }
    }
    assert_eq!(s.ask("POST", "/rest/V1/inventory/source-items", "", Some(&json!({"sourceItems": rows}))).0, 200);

    s.stock("MUG-1", [40, 40, 40, 0]);
    s.place(16, &[("MUG-1", 4)], false, None);
    s.shop.invoice(16, s.now).unwrap();
    s.ledger(44);
    s.shop.ship(16, None, Some("warehouse"), s.now).unwrap();
    s.ledger(45);
    for _ in 0..3 {
        s.shop.refund(16, &back(23, 1, &[23]), s.now).unwrap();
    }
    s.ledger(46);
    let last = Refund { shipping: None, ..back(23, 1, &[23]) };
    s.shop.refund(16, &last, s.now).unwrap();
    assert!(s.shop.refund(16, &last, s.now).is_err());
    s.ledger(47);
    s.place(17, &[("MUG-1", 2)], false, None);
    assert_eq!([s.shop.cancel(17, s.now), s.shop.cancel(17, s.now)], [Some(true), Some(false)]);
    s.ledger(48);

    s.stock("P-0999", [1, 0, 0, 0]);
    s.place(18, &[("P-0999", 1)], false, None);
    s.is_sold_out("P-0999");
    s.ledger(49);
    s.stock("P-0998", [5, 0, 0, 0]);
    s.place(19, &[("P-0998", 5)], false, None);
    s.ledger(50);
    s.play_all("salable-14-at-zero-after-order salable-15-is-salable-at-zero");
    s.play("salable-16-post-lower-than-reserved");
    s.ledger(51);
    s.play_all(
        "salable-17-quantity-after salable-18-dump-index-ignores-reservations ship-22-physical-lower-than-ordered",
    );
    s.ledger(52);
    s.play("ship-23-partial-what-is-there");
    s.ledger(53);
    s.shop.cancel(19, s.now);
    s.ledger(54);
    s.play("source-items-49-after-source-emptied");
    moved(s);
}

fn moved(s: &mut Stage) {
    s.play_all("source-10-disable source-11-get-after-partial-put");
    s.ledger(55);
    s.shop.enable_source("store_lund", true);
    s.ledger(56);
    s.play("source-12-put-unknown");
    s.play("source-13-delete");
    s.play("transfer-01-partial");
    s.ledger(57);
    s.play_all("transfer-02-partial-too-much transfer-03-partial-unknown-sku");
    s.ledger(58);
    s.play_all("transfer-04-bulk-assign transfer-05-bulk-transfer");
    s.ledger(59);
    s.play_all("transfer-06-low-quantity stock-low-quantity-list");

    s.at("19:04:21");
    s.ledger(60);
    s.play("orders-38-import-post-orders");
    s.ledger(61);
    s.play_all("orders-39-find-by-ext-order-id orders-42-list-with-nulls");
    s.shop.enable_source("store_lund", false);
    s.ledger(62);
    s.shop.reindex();
    s.ledger(63);
    s.play("source-14-post-items-to-disabled-source");
    s.ledger(64);
    s.shop.enable_source("store_lund", true);
    s.shop.reindex();
    s.ledger(65);
}

/// Orders 21 to 26, and what came after.
pub(super) fn closing(s: &mut Stage) {
    s.at("19:05:35");
    s.stock("TEE-RED-L", [10, 4, 2, 0]);
    s.shop.switches.prices_include_tax = true;
    s.place(21, &[("TEE-RED-L", 3), ("SKÅL-Ø-日本", 1)], true, None);
    s.shop.switches.prices_include_tax = false;
    s.play("orders-40-prices-including-tax-with-discount");
    s.shop.invoice(21, s.now).unwrap();
    s.shop.ship(21, one(28, 3), Some("warehouse"), s.now).unwrap();
    s.play_all("invoice-10-incl-tax refund-51-incl-tax-one-of-three");
    s.ledger(66);
    s.play_all(
        "refund-52-incl-tax-creditmemo refund-53-incl-tax-shipping-amount-20 refund-53-incl-tax-shipping-amount-net \
         refund-54-incl-tax-shipping-creditmemo",
    );
    s.stock("MUG-1", [40, 40, 40, 0]);
    s.place(22, &[("MUG-1", 1)], false, None);
    s.shop.ship(22, None, Some("warehouse"), s.now).unwrap();
    s.place(23, &[("MUG-1", 1)], false, None);
    s.play_all("ship-24-no-source-code-default-source-empty ship-25-empty-items-with-source");
    s.play("stock-11-unlink");
    s.shop.reindex();
    s.place(24, &[("MUG-1", 1)], false, None);
    s.play("ship-26-no-source-code-single-source-stock");
    let links = json!({"links": [
        {"stock_id": 2, "source_code": "store_malmo", "priority": 2},
        {"stock_id": 2, "source_code": "store_lund", "priority": 3},
    ]});
    s.ask("POST", "/rest/V1/inventory/stock-source-links", "", Some(&links));
    s.shop.reindex();
    s.place(25, &[("TEE-RED-S", 2)], false, None);
    s.shop.invoice(25, s.now).unwrap();
    s.shop.ship(25, one(34, 1), Some("warehouse"), s.now).unwrap();
    s.play("orders-43-state-1-invoiced-shipped-1-of-2");
    s.shop.refund(25, &back(34, 1, &[]), s.now).unwrap();
    s.play("orders-43-state-2-refunded-1");
    let extra = |item| Refund { extra: Some(pieces(1)), ..back(item, 0, &[]) };
    s.shop.refund(25, &extra(34), s.now).unwrap();
    s.play("orders-43-state-3-adjustment-memo");
    s.place(26, &[("MUG-1", 2)], false, None);
    s.shop.invoice(26, s.now).unwrap();
    s.shop.ship(26, one(36, 1), Some("warehouse"), s.now).unwrap();
    s.shop.refund(26, &back(36, 1, &[]), s.now).unwrap();
    s.shop.refund(26, &extra(36), s.now).unwrap();
    s.play("orders-44-state-simple-after-adjustment-memo");
    limits(s);
}

fn limits(s: &mut Stage) {
    s.limit(true);
    s.play_all(
        "limits-01-page-size-too-big limits-02-source-items-too-many limits-03-default-page-size \
         limits-04-async-source-items-too-many limits-05-list-source-items-page-too-big",
    );
    s.limit(false);
    s.play_all("products-41-page-past-end-full source-items-48-page-past-end-fields products-42-delete");
    s.play("source-items-50-after-product-delete");
    s.shop.clean_up();
    s.play_all("source-items-54-after-product-delete-and-consumer products-43-create-numeric-sku");
    let odd = |sku: &str| {
        json!({"product": {
            "sku": sku, "name": "odd", "attribute_set_id": 4, "price": 1, "status": 1, "visibility": 4,
            "type_id": "simple", "weight": 1,
        }})
    };
    for sku in ["00123", "1e5", "A+B&C=D"] {
        assert_eq!(s.ask("POST", "/rest/all/V1/products", "", Some(&odd(sku))).0, 200);
    }
    s.play_all(
        "source-items-51-post-numeric-skus source-items-52-get-numeric-skus \
         source-items-53-post-numeric-sku-as-number salable-19-numeric-skus products-44-get-odd-chars \
         auth-29-oauth-12-groups-byte-sorted auth-30-oauth-12-groups-natural-sorted auth-31-oauth-space-as-percent20 \
         auth-32-oauth-space-as-plus auth-33-oauth-path-with-encoded-slash auth-34-oauth-path-with-unicode \
         auth-35-oauth-path-encoded-slash-signed-decoded auth-36-oauth-path-odd-chars-signed-encoded \
         auth-37-oauth-path-odd-chars-signed-decoded",
    );
    s.shop.switches.bearer_integrations = false;
    s.play_all("auth-38-integration-bearer-switched-off auth-39-integration-oauth-with-bearer-switched-off");
}
