//! The recorded day, in the order in which it happened: what was done by hand between the exchanges is done by hand.

use super::stage::{Stage, pieces};
use crate::sim::magento::Refund;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Everything from the empty shop to the first order.
pub(super) fn opening(s: &mut Stage) {
    s.play_all(
        "auth-01-no-token auth-02-bearer-garbage auth-03-admin-token-ok auth-04-admin-token-wrong-password \
         auth-05-admin-token-missing-field auth-06-admin-token-empty-password auth-07-admin-bearer-ok \
         auth-08-admin-bearer-tampered auth-09-integration-bearer-ok auth-10-acl-missing auth-11-basic-scheme \
         auth-12-bearer-lowercase auth-13-oauth-ok auth-14-oauth-bracketed-query-ok auth-15-oauth-query-not-signed \
         auth-16-oauth-percent-encoded-brackets auth-17-oauth-hmac-sha1 auth-18-oauth-bad-signature \
         auth-19-oauth-nonce-reused auth-20-oauth-timestamp-future-700s auth-21-oauth-timestamp-past-2h \
         auth-22-oauth-unknown-consumer auth-23-oauth-unknown-token auth-24-oauth-parameter-absent \
         auth-25-oauth-post-json-body-not-signed",
    );
    let wrong = json!({"username": "locktest", "password": "wrong"});
    for _ in 0..5 {
        s.ask("POST", "/rest/V1/integration/admin/token", "", Some(&wrong));
    }
    s.play_all(
        "auth-26-admin-6th-failure auth-27-admin-7th-failure auth-28-admin-locked-right-password error-01-no-route \
         error-02-wrong-method error-03-malformed-json error-04-empty-body-post error-05-no-content-type \
         error-06-wrong-content-type error-07-charset-iso error-08-accept-unknown error-09-accept-xml \
         error-10-accept-missing error-11-unknown-store-code error-12-body-json-scalar error-13-body-json-null \
         error-14-body-missing-param error-15-unknown-top-level-key error-16-unknown-nested-field \
         error-17-unknown-product-field error-18-missing-searchcriteria-products \
         error-19-missing-searchcriteria-orders error-20-missing-searchcriteria-source-items \
         error-21-sources-without-searchcriteria error-22-wrong-type-quantity-string \
         error-23-wrong-type-sourceitems-object error-24-wrong-type-sourceitems-string error-25-wrong-type-path-int \
         error-26-unknown-order error-27-unknown-product error-28-bad-sort-direction \
         error-29-unknown-filter-field-products error-30-unknown-filter-field-orders error-31-condition-moreq \
         error-32-page-size-string error-33-unknown-searchcriteria-key error-34-unknown-filter-field-source-items",
    );
    s.shop.switches.maintenance = true;
    s.play_all("fault-01-maintenance-mode fault-02-maintenance-mode-post");
    s.shop.switches.maintenance = false;
    s.shop.switches.database_down = true;
    s.play_all("fault-03-database-down fault-04-database-down-post");
    s.shop.switches.database_down = false;
    places(s);
    products(s);
    counts(s);
}

fn places(s: &mut Stage) {
    s.play_all(
        "setup-01-create-size-attribute setup-02-add-colour-option-red setup-02-add-colour-option-blue \
         setup-03-create-tax-rate setup-04-create-tax-rule store-countries store-currency store-modules \
         store-modules-search store-storeconfigs store-storegroups store-storeviews store-websites tax-01-tax-classes \
         tax-02-tax-rates tax-03-tax-rules source-01-create-store source-02-create-returns source-03-create-duplicate \
         source-04-create-missing-fields source-05-get source-06-get-unknown source-07-get-wrong-case",
    );
    let lund = json!({"source": {
        "source_code": "store_lund", "name": "Lund", "enabled": true, "latitude": 55.6, "longitude": 13.0,
        "country_id": "SE", "city": "Malmö", "street": "Storgatan 1", "postcode": "21122",
        "email": "store_lund@example.test", "contact_name": "Butik", "phone": "040-1",
        "extension_attributes": {
            "is_pickup_location_active": true, "frontend_name": "Lund", "frontend_description": "Butik Lund",
        },
    }});
    s.ask("POST", "/rest/V1/inventory/sources", "", Some(&lund));
    s.play_all(
        "source-08-list source-09-after-duplicate-post stock-01-create stock-02-link-sources stock-03-list \
         stock-04-resolver stock-05-links stock-06-sources-by-priority stock-07-link-other-source-to-default-stock",
    );
    let warehouse = json!({"source": {
        "source_code": "warehouse", "name": "Web warehouse", "enabled": true, "country_id": "SE", "postcode": "21122",
    }});
    s.ask("POST", "/rest/V1/inventory/sources", "", Some(&warehouse));
    s.play_all("stock-08-link-sources-ok stock-09-links stock-10-sources-by-priority");
    s.shop.reindex();
}

fn products(s: &mut Stage) {
    s.shop.add_attribute("ean", "EAN", &[]);
    for size in ["S", "M", "L"] {
        s.shop.add_choice("size", size);
    }
    s.play_all(
        "product-01-attribute-options-color product-02-attribute-color product-03-create-simple \
         product-04-create-simple-with-stock-item product-05-create-sku-slash-space product-06-create-sku-unicode \
         product-07-create-variant",
    );
    let others = [
        ("RED", "Red", 4, "M", 7),
        ("RED", "Red", 4, "L", 8),
        ("BLUE", "Blue", 5, "S", 6),
        ("BLUE", "Blue", 5, "M", 7),
        ("BLUE", "Blue", 5, "L", 8),
    ];
    for (at, (code, name, color, size, value)) in others.into_iter().enumerate() {
        let product = json!({"product": {
            "sku": format!("TEE-{code}-{size}"), "name": format!("Tee {name} {size}"), "attribute_set_id": 4,
            "price": 25, "status": 1, "visibility": 1, "type_id": "simple", "weight": 0.2,
            "custom_attributes": [
                {"attribute_code": "tax_class_id", "value": "2"},
                {"attribute_code": "color", "value": color.to_string()},
                {"attribute_code": "size", "value": value.to_string()},
                {"attribute_code": "ean", "value": format!("73500000001{:02}", at + 1)},
            ],
        }});
        assert_eq!(s.ask("POST", "/rest/all/V1/products", "", Some(&product)).0, 200);
    }
    s.play_all(
        "configurable-01-create configurable-02-add-child configurable-03-add-child-again \
         configurable-04-add-child-without-attribute configurable-05-children configurable-06-options-all \
         configurable-07-children-of-simple configurable-08-children-unknown configurable-09-options-of-simple \
         configurable-10-child-of-simple-parent configurable-11-parent-get products-01-list-all \
         products-02-page-1-of-size-4 products-02-page-2-of-size-4 products-02-page-3-of-size-4 \
         products-02-page-4-of-size-4 products-02-page-5-of-size-4 products-03-page-0 products-03b-page-minus-1 \
         products-04-filter-updated-at products-05-filter-type-in products-06-filter-or-group \
         products-07-filter-custom-attribute-ean products-08-filter-status products-09-filter-camelcase-keys \
         products-10-filter-no-condition products-11-sort-lowercase-direction products-12-page-size-0 \
         products-15-get-slash-encoded products-16-get-slash-raw products-17-get-slash-plus-for-space \
         products-18-get-slash-double-encoded products-19-get-unicode",
    );
}

fn counts(s: &mut Stage) {
    s.play_all(
        "source-items-01-get-all-initial source-items-02-post-30 salable-01-quantity \
         configurable-14-salable-parent-created-before-stock configurable-15-put-parent-in-stock \
         configurable-16-salable-parent-after configurable-17-options-after-put salable-10-dump-index \
         salable-11-export salable-12-quantity-sku-slash salable-13-quantity-sku-unicode source-items-03-get-by-sku \
         source-items-04-get-in-skus source-items-05-get-page-past-end source-items-06-get-page-last \
         source-items-07-post-unknown-sku source-items-08-get-unknown-sku source-items-09-delete \
         source-items-10-delete-again source-items-11-post-negative source-items-12-get-negative \
         source-items-13-salable-with-negative source-items-14-post-unknown-source \
         source-items-15-post-mixed-good-and-unknown-source source-items-16-get-after-mixed \
         source-items-17-post-zero-items source-items-18-post-duplicate-in-one-call \
         source-items-19-get-after-duplicate source-items-20-post-missing-status source-items-21-post-status-9 \
         source-items-22-post-missing-quantity source-items-23-post-quantity-as-string source-items-24-post-fraction \
         source-items-25-get-fraction source-items-26-post-huge source-items-27-get-huge \
         source-items-28-post-source-wrong-case source-items-29-get-source-wrong-case \
         source-items-30-post-sku-wrong-case source-items-31-get-sku-wrong-case \
         source-items-32-post-qty-zero-status-1 source-items-33-get-qty-zero-status-1 \
         source-items-34-post-qty-positive-status-0 source-items-35-salable-status-0-ignored \
         source-items-36-post-configurable-sku source-items-37-post-slash-and-unicode \
         source-items-38-post-snake-case-key source-items-39-post-to-source-without-stock \
         source-items-40-get-sku-whitespace source-items-41-get-malformed-json source-items-42-post-default-source \
         source-items-43-fields-filter source-items-44-get-configurable-sku",
    );
    let row = json!({"sourceItems": [{"sku": "BAG-1", "source_code": "store_lund"}]});
    s.ask("POST", "/rest/V1/inventory/source-items-delete", "", Some(&row));
    s.play_all(
        "source-items-45-insert-source-wrong-case source-items-46-get-source-wrong-case-row \
         source-items-47-salable-source-wrong-case salable-02-quantity-unknown-sku salable-03-quantity-configurable \
         salable-04-quantity-stock-1 salable-05-quantity-unknown-stock salable-06-is-salable salable-07-are-salable \
         salable-08-for-requested-qty-ok salable-09-for-requested-qty-too-much salable-20-is-salable-unknown \
         legacy-01-stockitem legacy-02-stockstatus legacy-03-stockitem-unknown legacy-04-put-stockitem \
         legacy-05-source-items-after-put legacy-06-put-stockitem-wrong-item-id legacy-07-put-stockitem-unknown-sku \
         legacy-08-lowstock products-13-get-simple products-14-get-wrong-case products-20-put-slash-encoded \
         products-21-filter-slash products-22-disable products-23-get-disabled products-24-salable-disabled \
         products-25-list-includes-disabled products-26-enable products-27-put-unknown-sku products-28-status-invalid \
         products-29-disable-variant configurable-12-children-with-one-disabled",
    );
    s.shop.enable_product("TEE-BLUE-L", true, s.now);
    s.shop.enable_product("BAG-1", true, s.now);
    s.play_all(
        "configurable-13-children-with-one-out-of-stock products-30-put-missing-product products-31-put-price-string \
         products-32-put-sku-mismatch-in-body products-33-get-after-mismatch products-34-base-prices \
         products-35-base-prices-information products-36-create-missing-name products-37-create-missing-set \
         products-38-create-sku-65 products-39-delete-unknown products-40-fields",
    );
}

pub(super) fn one(item: i64, count: i64) -> Option<BTreeMap<i64, rust_decimal::Decimal>> {
    Some(BTreeMap::from([(item, pieces(count))]))
}

pub(super) fn back(item: i64, count: i64, lines: &[i64]) -> Refund {
    let back = BTreeSet::from_iter(lines.iter().copied());
    Refund { items: one(item, count), shipping: Some(pieces(0)), back, ..Refund::default() }
}

/// Orders 1 to 10: sent, refunded, held, cancelled.
pub(super) fn sent(s: &mut Stage) {
    s.at("18:43:51");
    s.ledger(0);
    s.place(1, &[("MUG-1", 3)], false, None);
    s.ledger(1);
    s.play_all("orders-01-get-new ship-01-no-source-code-multi-source ship-02-unknown-source");
    s.ledger(2);
    s.play("ship-03-partial-1-of-3");
    s.ledger(3);
    s.play_all(
        "orders-02-get-partially-shipped orders-03-statuses refund-01-not-invoiced invoice-01-partial-2-of-3 \
         invoice-02-too-much invoice-03-rest-empty-items invoice-04-nothing-left ship-04-too-much",
    );
    s.ledger(4);
    s.play_all(
        "ship-05-track-without-number ship-06-increment-id ship-07-unknown-order ship-09-nothing-left ship-10-list \
         invoice-05-list orders-04-get-complete refund-02-partial-return-to-stock",
    );
    s.ledger(5);
    s.play("refund-03-partial-no-return");
    s.ledger(6);
    s.play_all(
        "refund-04-qty-too-much refund-05-unknown-item refund-06-malformed-items refund-07-shipping-too-much \
         refund-08-adjustments",
    );
    s.ledger(7);
    s.play_all(
        "refund-10-again refund-11-again-empty refund-12-list refund-13-unknown-order \
         orders-05-get-after-partial-refunds",
    );

    s.at("18:45:27");
    s.place(2, &[("TEE-RED-M", 2), ("BAG-1", 1)], true, None);
    s.ledger(8);
    s.ledger(9);
    s.play_all("orders-07-get-configurable-discount invoice-06-child-item-of-configurable");
    s.play("ship-11-child-item-of-configurable");
    s.ledger(10);
    s.play("ship-12-partial-configurable-parent-from-store");
    s.ledger(11);
    s.play_all("ship-13-item-of-other-order ship-14-source-lacks-quantity");
    s.shop.edit_stock("BAG-1", "store_lund", pieces(0));
    s.play("ship-15-source-has-zero");
    s.shop.edit_stock("BAG-1", "store_lund", pieces(2));
    s.play_all(
        "invoice-07-full-no-body-items refund-14-child-item-of-configurable refund-15-configurable-parent-return",
    );
    s.ledger(12);
    s.play_all("refund-16-list-of-order refund-17-unshipped-line-no-return");
    s.ledger(13);
    s.play_all("refund-18-adjustment-only-qty-0 refund-19-shipping-only refund-20-adjustment-negative");
    s.ledger(14);
    s.play_all("refund-21-full-already-refunded orders-08-get-after-refunds orders-32-items-list");

    s.place(3, &[("AB/12 X", 2)], false, None);
    s.ledger(15);
    s.play_all(
        "orders-09-hold orders-10-ship-held orders-11-cancel-held orders-12-unhold orders-13-unhold-again \
         orders-14-cancel",
    );
    s.ledger(16);
    s.play_all("orders-15-cancel-again orders-16-cancel-unknown orders-17-get-canceled");

    s.stock("MUG-1", [10, 4, 2, 0]);
    s.place(4, &[("MUG-1", 3)], false, None);
    s.ledger(17);
    s.play("invoice-08-full");
    s.ledger(18);
    s.play("refund-22-unshipped-with-return");
    s.ledger(19);
    s.play("refund-23-unshipped-no-return");
    s.ledger(20);
    s.play("refund-24-no-arguments-refunds-shipping");
    s.ledger(21);
    s.play_all(
        "comments-01-post comments-02-post-current-status comments-03-post-other-status \
         comments-04-post-missing-flags comments-05-get comments-06-unknown-order",
    );

    s.place(5, &[("SKÅL-Ø-日本", 1)], false, None);
    s.shop.invoice(5, s.now).unwrap();
    s.play("ship-16-full-empty-items");
    s.ledger(22);
    s.play_all("refund-25-invoice-online-offline-method refund-26-invoice-offline");
    s.ledger(23);
    s.play_all(
        "refund-27-refund-remaining-empty-body refund-28-twice-after-full refund-29-twice-after-full-with-items \
         orders-18-get-closed",
    );
    variants(s);
    rest(s);
}

fn variants(s: &mut Stage) {
    s.place(6, &[("TEE-BLUE-M", 4)], false, None);
    s.shop.invoice(6, s.now).unwrap();
    s.play("ship-17-configurable-2-of-4");
    s.ledger(24);
    s.play("refund-30-configurable-return-child-id-partial");
    s.ledger(25);
    s.play("refund-31-configurable-return-parent-id");
    s.ledger(26);
    s.play("refund-32-configurable-return-both-ids");
    s.ledger(27);

    s.place(7, &[("TEE-BLUE-S", 3)], false, None);
    s.shop.invoice(7, s.now).unwrap();
    s.shop.ship(7, None, Some("store_malmo"), s.now).unwrap();
    s.ledger(28);
    s.play("refund-33-shipped-configurable-return-child-id");
    s.ledger(29);
    s.play("refund-34-shipped-configurable-return-parent-id");
    s.ledger(30);
    s.play("refund-35-shipped-configurable-return-child-as-string");
    s.ledger(31);
}

fn rest(s: &mut Stage) {
    s.stock("MUG-1", [10, 4, 2, 0]);
    s.at("18:47:57");
    s.place(8, &[("MUG-1", 2)], false, None);
    s.shop.invoice(8, s.now).unwrap();
    s.shop.ship(8, None, Some("store_lund"), s.now).unwrap();
    s.ledger(32);
    s.play("refund-36-shipped-return");
    s.ledger(33);
    s.play_all(
        "refund-37-adjustment-only-on-complete-order orders-19-get-complete-after-adjustment-memo \
         refund-38-more-than-paid refund-39-zero-total refund-40-item-qty-negative refund-41-items-string \
         refund-42-malformed-json refund-43-item-missing-qty refund-44-comment",
    );
    s.ledger(34);
    s.play_all(
        "refund-45-get-creditmemo refund-46-get-unknown-creditmemo refund-47-cancel-creditmemo \
         refund-48-creditmemo-comment refund-49-creditmemo-comments",
    );

    s.at("18:48:03");
    s.place(9, &[("MUG-1", 1)], false, None);
    s.play("ship-18-qty-5-of-1-ordered");
    s.ledger(35);
    s.play_all("orders-20-cancel-shipped-not-invoiced invoice-09-after-ship");

    s.at("18:48:05");
    s.place(10, &[("MUG-1", 3)], false, None);
    s.ledger(36);
    let body = json!({"capture": true, "items": [{"order_item_id": 14, "qty": 1}]});
    assert_eq!(s.ask("POST", "/rest/V1/order/10/invoice", "", Some(&body)), (200, json!("9")));
    s.play("orders-21-cancel-partially-invoiced");
    s.ledger(37);
    s.at("18:48:07");
    s.play_all("comments-07-on-order-bumps-updated-at orders-22-list-updated-at-gteq-after-comment");
    s.at("18:48:08");
    s.shop.ship(10, None, Some("warehouse"), s.now).unwrap();
    s.play("orders-23-list-updated-at-after-ship");
    s.at("18:48:10");
    let track = json!({"entity": {"order_id": 10, "parent_id": 13, "track_number": "1", "title": "UPS",
        "carrier_code": "ups", "qty": 1, "weight": 1, "description": "x"}});
    assert_eq!(s.ask("POST", "/rest/V1/shipment/track", "", Some(&track)).0, 200);
    s.play("orders-24-list-updated-at-after-track");
    s.at("18:48:11");
    s.shop.refund(10, &back(14, 1, &[]), s.now).unwrap();
    s.play_all(
        "orders-25-list-updated-at-after-refund orders-26-list-updated-at-full orders-27-list-page-past-end \
         orders-28-list-status-in orders-29-list-increment-id orders-30-list-updated-at-iso8601 \
         orders-31-list-updated-at-garbage",
    );
    s.at("18:48:13");
    s.play_all(
        "orders-33-set-ext-order-id orders-34-set-status-by-post orders-35-emails orders-36-transactions-empty \
         orders-41-get-after-partial-post",
    );
}

/// Orders 11 to 15: fetched in a store, or told to be.
pub(super) fn fetched(s: &mut Stage) {
    s.stock("MUG-1", [10, 4, 2, 0]);
    s.at("18:49:12");
    s.place(11, &[("MUG-1", 2)], false, Some("store_malmo"));
    s.ledger(38);
    s.play_all(
        "pickup-01-locations pickup-02-locations-missing-scope pickup-03-locations-area \
         pickup-03b-locations-with-products pickup-04-order-get pickup-05-order-in-list pickup-06-ship-refused \
         pickup-07-notify-unknown-order pickup-08-notify-non-pickup-order",
    );
    s.at("18:49:14");
    s.play("pickup-09-notify-ok");
    s.ledger(39);
    s.at("18:49:15");
    s.play("pickup-10-notify-again");
    s.ledger(40);
    s.play_all("pickup-11-shipments pickup-12-order-after-notify pickup-13-invoice-after-notify");
    s.place(12, &[("MUG-1", 3)], false, Some("store_lund"));
    s.play_all(
        "pickup-14-notify-store-lacks-quantity pickup-15-notify-mixed pickup-16-notify-empty pickup-17-notify-missing \
         pickup-18-cancel-pickup-order",
    );

    s.stock("BAG-1", [10, 4, 2, 7]);
    s.at("18:49:23");
    s.place(13, &[("TEE-RED-S", 1), ("BAG-1", 1)], false, Some("store_malmo"));
    s.shop.invoice(13, s.now).unwrap();
    s.play("pickup-19-notify-invoiced-configurable");
    s.ledger(41);
    s.ledger(42);
    s.at("18:49:25");
    s.play("pickup-20-refund-with-return");
    s.ledger(43);

    s.at("18:49:27");
    s.place(14, &[("MUG-1", 3), ("BAG-1", 1)], false, None);
    s.shop.ship(14, one(20, 1), Some("warehouse"), s.now).unwrap();
    s.shop.ship(14, one(20, 1), Some("warehouse"), s.now).unwrap();
    let body = json!({"items": [{"order_item_id": 20, "qty": 1}]});
    s.ask("POST", "/rest/V1/order/14/invoice", "", Some(&body));
    s.shop.refund(14, &back(20, 1, &[]), s.now).unwrap();
    let comment = json!({"statusHistory": {"comment": "x", "is_customer_notified": 0, "is_visible_on_front": 0}});
    s.ask("POST", "/rest/V1/orders/14/comments", "", Some(&comment));
    s.ask("POST", "/rest/V1/orders/14/comments", "", Some(&comment));
    let own = json!({"entity": {"entity_id": 14, "ext_order_id": "POS-1"}});
    s.ask("PUT", "/rest/V1/orders/create", "", Some(&own));
    s.at("18:49:35");
    s.shop.ship(14, None, Some("warehouse"), s.now).unwrap();
    s.play_all(
        "orders-37-two-line-final ship-19-two-line-order-shipments ship-20-get-one ship-21-list-updated-at \
         refund-50-list-updated-at",
    );
    s.at("18:50:15");
    s.place(15, &[("BAG-1", 1)], false, None);
    s.play_all("pickup-21-notify-fresh-non-pickup-order pickup-22-shipments-of-non-pickup-order");
}

/// Asynchronous calls, with the consumer run by hand.
pub(super) fn later(s: &mut Stage) {
    s.stock("MUG-1", [10, 2, 2, 0]);
    s.at("18:50:16");
    s.play_all(
        "async-01-source-items-accepted async-02-status-open async-03-detailed-status-open \
         async-04-source-items-will-fail async-05-source-items-empty async-06-missing-param async-07-wrong-type \
         async-08-get-not-async async-09-bulk-source-items async-10-bulk-one-element-rejected \
         async-11-bulk-products-bysku async-12-bulk-empty-array async-13-bulk-not-array async-14-status-unknown-uuid \
         async-15-no-token async-16-malformed async-17-put-product async-18-source-items-unchanged-before-consumer",
    );
    s.shop.run_consumer(100, s.now);
    s.play_all(
        "async-19-status-complete async-20-detailed-status-complete async-21-status-failed \
         async-22-status-empty-items async-23-bulk-status-mixed async-24-bulk-detailed-status-mixed \
         async-25-count-operations-failed async-27-status-products async-28-list async-29-source-items-after-consumer",
    );
}
