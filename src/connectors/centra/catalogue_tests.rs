//! Products, variants and sizes are read as they are built, found by their codes, and made once; what is mapped is read.

use super::tests::{data, sent, shop};
use super::*;
use crate::connectors::script::{NOW, Script};
use crate::connectors::transport::TransportError;
use serde_json::{Value, json};

fn product(sizes: Value) -> Value {
    json!({"id": 11, "name": "Tee", "status": "ACTIVE", "productNumber": "TEE", "isBundle": false,
        "variants": [{"id": 21, "name": "Navy", "status": "INACTIVE", "variantNumber": "NVY", "productSizes": sizes}]})
}

fn size(id: i64) -> Value {
    json!({"id": id, "description": "M", "sizeNumber": "M", "SKU": "TEENVYM", "EAN": "", "UPC": "12", "isActive": true})
}

#[tokio::test]
async fn a_product_is_read_as_a_tree_and_says_when_it_may_be_cut_off() {
    let twenty: Vec<Value> = (1..=20).map(size).collect();
    let script = Script::new();
    script
        .then(200, data(json!({"products": [product(json!([size(281)]))]})))
        .then(400, r#"{"errors":[{"message":"Unknown argument \"limit\""}]}"#)
        .then(200, data(json!({"products": [product(json!(twenty))]})))
        .then(200, data(json!({"products": []})));
    let shop = shop(&script);
    let tree = shop.product_tree(11).await.expect("a tree").value.expect("a product");
    assert_eq!((tree.number.as_str(), tree.active, tree.may_be_cut_off), ("TEE", true, false));
    let variant = &tree.variants[0];
    assert_eq!((variant.id, variant.number.as_str(), variant.active), (21, "NVY", false));
    let seen = &variant.sizes[0];
    assert_eq!((seen.product.as_str(), seen.ean.as_deref(), seen.upc.as_deref()), ("281", None, Some("12")));
    let tree = shop.product_tree(11).await.expect("a tree").value.expect("a product");
    assert!(tree.may_be_cut_off, "as long as a list can be without a limit");
    assert_eq!(shop.product_tree(12).await.expect("an answer").value, None);
    script.done();
}

#[tokio::test]
async fn a_code_finds_what_has_it_and_nothing_else() {
    let found = |id: i64, ean: &str, status: &str| {
        json!({"id": id, "SKU": "A", "EAN": ean, "isActive": true,
            "productVariant": {"id": 21, "status": "ACTIVE", "product": {"id": 11, "status": status}}})
    };
    let script = Script::new();
    script
        .then(200, data(json!({"productSizes": [found(1, "730x", "ACTIVE"), found(2, "730X", "INACTIVE"), found(3, "7", "ACTIVE")]})))
        .then(200, data(json!({"productSizes": []})));
    let shop = shop(&script);
    let rows = shop.sizes_by(Code::Ean(" 730X ")).await.expect("rows").value;
    let seen: Vec<_> = rows.iter().map(|r| (r.size.product.as_str(), r.style, r.variant, r.on_sale)).collect();
    assert_eq!(seen, [("1", Some(11), Some(21), true), ("2", Some(11), Some(21), false)]);
    assert_eq!(sent(&script, 0)["variables"], json!({"code": "730X"}));
    assert!(sent(&script, 0)["query"].as_str().is_some_and(|text| text.contains("EAN:{equals:$code}")));
    assert_eq!(shop.sizes_by(Code::Sku("B")).await.expect("rows").value, []);
    for code in [Code::Sku(""), Code::Ean("  "), Code::Upc("\t")] {
        let error = shop.sizes_by(code).await.expect_err("refused");
        assert!(matches!(error.kind, CallErrorKind::Rejected { .. }), "{error}");
    }
    script.done();
}

fn new_product() -> NewProduct {
    NewProduct {
        reference: "tc-1".to_owned(),
        name: "Tee".to_owned(),
        number: "TEE".to_owned(),
        active: false,
        brand: Some(4),
    }
}

fn kept(id: Option<i64>) -> String {
    let rows: Vec<Value> = id.into_iter().map(|id| json!({"internalId": id, "externalId": "tc-1"})).collect();
    data(json!({ "idConversions": rows }))
}

#[tokio::test]
async fn what_was_made_before_an_answer_was_lost_is_not_made_again() {
    let script = Script::new();
    script.then(200, kept(None)).then_fails(TransportError::NoAnswer("reset".to_owned())).then(200, kept(Some(77)));
    let shop = shop(&script);
    let error = shop.create_product(&new_product()).await.expect_err("no answer");
    assert!(error.may_have_acted());
    assert_eq!(error.exchanges.len(), 2);
    let done = shop.create_product(&new_product()).await.expect("found").value;
    assert_eq!((done.value, done.already), (77, true));
    assert_eq!(
        sent(&script, 1)["variables"],
        json!({"i": {"name": "Tee", "status": "INACTIVE", "productNumber": "TEE", "brand": {"id": 4}, "externalId": "tc-1"}})
    );
    script.done();
}

#[tokio::test]
async fn a_refusal_with_status_200_is_a_refusal_with_its_words() {
    let errors = json!([{"message": "Name is taken", "path": ["input", "name"]}, {"message": "And too long"}]);
    for (payload, acted, words) in [
        (json!({"product": null, "userErrors": errors}), false, "Name is taken; And too long"),
        (json!({"product": {"id": 7}, "userErrors": errors}), true, "Name is taken"),
        (json!({"product": {"id": 7}}), true, "userErrors"),
        (json!({"product": null, "userErrors": []}), true, "product"),
        (json!({"product": {"id": -7}, "userErrors": []}), true, "id"),
        (Value::Null, true, "createProduct"),
    ] {
        let script = Script::new();
        script.then(200, kept(None)).then(200, data(json!({ "createProduct": payload })));
        let error = shop(&script).create_product(&new_product()).await.expect_err("refused");
        assert_eq!(error.may_have_acted(), acted, "{payload}: {error}");
        assert!(error.to_string().contains(words), "{payload}: {error}");
        assert_eq!(error.exchanges.len(), 2);
    }
}

#[tokio::test]
async fn variants_and_sizes_are_made_and_changed() {
    let done = |field: &str, thing: &str, id: i64| {
        data(json!({field: {thing: {"id": id}, "userErrors": [], "userWarnings": [{"message": "Look here"}, 7]}}))
    };
    let script = Script::new();
    script
        .then(200, kept(None))
        .then(200, done("createProductVariant", "productVariant", 21))
        .then(200, kept(None))
        .then(200, done("createProductSize", "productSize", 281))
        .then(200, done("updateProductSize", "productSize", 281))
        .then(200, done("updateProduct", "product", 11))
        .then(200, done("updateProductVariant", "productVariant", 99));
    let shop = shop(&script);
    let variant = NewVariant {
        reference: "tc-1".to_owned(),
        style: 11,
        name: "Navy".to_owned(),
        number: "NVY".to_owned(),
        active: true,
        chart: 3,
    };
    let made = shop.create_variant(&variant).await.expect("made").value;
    assert_eq!((made.value, made.already), (21, false));
    assert_eq!(made.warnings, ["Look here", "a warning without words"]);
    let size = NewSize {
        reference: "tc-1".to_owned(),
        variant: 21,
        size: 5,
        number: "M".to_owned(),
        ean: Some("730".to_owned()),
        upc: None,
        active: true,
    };
    shop.create_size(&size).await.expect("made");
    let input = sent(&script, 3)["variables"]["i"].clone();
    assert_eq!((&input["EAN"], &input["isActive"], &input["size"]), (&json!("730"), &json!(true), &json!({"id": 5})));
    assert_eq!(input.get("UPC"), None);
    let change = SizeChange { ean: Some(String::new()), active: Some(false), ..SizeChange::default() };
    shop.update_size(&"281".into(), &change).await.expect("changed");
    assert_eq!(sent(&script, 4)["variables"], json!({"id": 281, "i": {"EAN": "", "isActive": false}}));
    let away = StyleChange { active: Some(false), ..StyleChange::default() };
    shop.update_product(11, &away).await.expect("put away");
    assert_eq!(sent(&script, 5)["variables"], json!({"id": 11, "i": {"status": "INACTIVE"}}));
    let error = shop.update_variant(21, &away).await.expect_err("another was changed");
    assert!(error.may_have_acted(), "{error}");
    assert!(shop.update_product(11, &StyleChange::default()).await.expect("nothing to do").value.already);
    assert!(shop.update_size(&"sku".into(), &change).await.is_err());
    script.done();
}

#[tokio::test]
async fn what_is_mapped_is_read_and_a_tenant_that_spells_otherwise_tells_less() {
    let script = Script::new();
    let set = |sets: Value| json!({"id": 1, "name": "Web", "geographyAllocationPrioritySets": sets});
    let order = json!({"id": "a", "number": 1, "paymentMethod": {"uri": "card", "plugin": "p"},
        "shippingPriceGroup": {"shippingOption": {"id": 7, "name": "In store", "uri": "pickup"}},
        "lines": [{"taxPercent": 25.0}, {"taxPercent": "25"}, {"taxPercent": 12}, {"taxPercent": null}]});
    let plain =
        json!({"id": "b", "number": 2, "paymentMethod": {"plugin": "p"}, "shippingPriceGroup": null, "lines": null});
    script
        .then(200, data(json!({"stores": [{"id": 1, "name": "Retail"}]})))
        .then(
            200,
            data(json!({"markets": [{"id": 2, "name": "SE", "store": {"id": 1}, "allocationRule": {"id": 1}},
            {"id": 3, "name": "NO", "store": null, "allocationRule": null}]})),
        )
        .then(
            200,
            data(json!({"allocationRules": [set(json!([{"id": 1, "priorities": [
            {"priorityNumber": 2, "warehouse": {"id": 3}}, {"priorityNumber": 1, "warehouse": {"id": 9}}]}]))]})),
        )
        .then(200, r#"{"errors":[{"message":"Cannot query field"}]}"#)
        .then(200, data(json!({"allocationRules": [{"id": 1, "name": "Web"}]})))
        .then(200, r#"{"errors":[{"message":"Cannot query field"}]}"#)
        .then(200, data(json!({"taxRules": [{"id": 4, "name": "VAT", "code": "SE25", "rate": 25}]})))
        .then(200, data(json!({"orders": [order, plain]})));
    let shop = shop(&script);
    assert_eq!(shop.stores().await.expect("stores").value, [Store { id: 1, name: "Retail".to_owned() }]);
    let markets = shop.markets().await.expect("markets").value;
    assert_eq!((markets[0].rule, markets[1].rule), (Some(1), None));
    let rules = shop.allocation_rules().await.expect("rules").value;
    assert_eq!(rules[0].warehouses, Some(vec![(OutletKey::new("9"), 1), (OutletKey::new("3"), 2)]));
    let rules = shop.allocation_rules().await.expect("rules");
    assert_eq!((rules.value[0].warehouses.clone(), rules.exchanges.len()), (None, 2));
    assert_eq!(shop.tax_rules().await.expect("an answer").value, None);
    assert_eq!(shop.tax_rules().await.expect("an answer").value.expect("taxes")[0].code, "SE25");
    let seen = shop.seen_on_orders(NOW).await.expect("orders").value;
    assert_eq!(seen.payment_methods.into_iter().collect::<Vec<_>>(), [("card".to_owned(), 1), ("p".to_owned(), 1)]);
    assert_eq!(seen.shipping_options["pickup"], ("In store".to_owned(), 1));
    let rates: Vec<_> = seen.tax_percents.iter().map(|(rate, count)| (rate.to_string(), *count)).collect();
    assert_eq!(rates, [("12".to_owned(), 1), ("25".to_owned(), 2)]);
    script.done();
}

#[tokio::test]
async fn a_booking_is_found_by_its_reference_and_not_made_twice() {
    let booking = |comment: &str| {
        data(json!({"stockChangeConnection": {"edges": [{"node": {"id": 4301, "createdAt": "2026-02-02T10:00:00+01:00",
            "comment": comment}}]}}))
    };
    let script = Script::new();
    script
        .then(200, booking("tc-move-10"))
        .then(200, data(json!({"changeStock": {"stockChange": {"id": 4302}, "userErrors": []}})))
        .then(200, booking("tc-move-1"));
    let shop = shop(&script);
    let mut wanted = StockMove {
        from: Some(OutletKey::new("9")),
        to: Some(OutletKey::new("3")),
        units: vec![("281".into(), 2)],
        reference: "tc-move-1".to_owned(),
    };
    let done = shop.move_stock(&wanted).await.expect("moved").value;
    assert_eq!((done.value, done.already), (4302, false));
    assert_eq!(
        sent(&script, 1)["variables"]["i"],
        json!({"outFromWarehouse": {"id": 9}, "intoWarehouse": {"id": 3}, "description": "tc-move-1",
            "productSizes": [{"productSize": {"id": 281}, "deliveredQuantity": 2}]})
    );
    assert_eq!(shop.move_stock(&wanted).await.expect("found").value, Done::already(4301));
    wanted.to = wanted.from.clone();
    assert!(shop.move_stock(&wanted).await.is_err());
    wanted.to = None;
    wanted.units = vec![("281".into(), -2)];
    assert!(shop.move_stock(&wanted).await.is_err());
    script.done();
}
