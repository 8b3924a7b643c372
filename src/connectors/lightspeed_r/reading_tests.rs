use super::super::json::Object;
use super::super::script::NOW;
use super::tests::{ago, line, order, sale};
use super::*;
use crate::domain::fact::{Listing, Sale, SaleState};
use crate::domain::ids::{DocumentKey, OutletKey, ProductKey};
use crate::domain::money::Fine;
use crate::domain::time::Span;
use proptest::prelude::*;
use serde_json::{Value, json};

fn whole_sale() -> Value {
    json!({
        "saleID": "900", "ticketNumber": "220000000900", "timeStamp": ago(1), "createTime": ago(60), "completeTime": ago(2),
        "completed": "true", "voided": "false", "archived": "false", "isTaxInclusive": "false",
        "referenceNumber": "WEB-10045", "referenceNumberSource": "centra", "calcTotal": "78.13", "total": "78.13",
        "calcTax1": "15.625", "calcTax2": "0", "taxTotal": "15.63", "shopID": "1", "registerID": "2", "customerID": "8",
        "SaleLines": { "SaleLine": [
            { "saleLineID": "1377", "itemID": "77", "unitQuantity": "3", "unitPrice": "12.396694214876033",
              "calcLineDiscount": "1", "calcTransactionDiscount": "0.5", "calcTax1": "11.4860025", "calcTax2": "0.1",
              "parentSaleLineID": "0", "lineType": "" },
            { "saleLineID": "1378", "itemID": "78", "unitQuantity": "-2", "unitPrice": "2.5", "calcLineDiscount": "-0.5",
              "calcTax1": "-1.25", "parentSaleLineID": "0" },
            { "saleLineID": "1379", "itemID": "0", "unitQuantity": "1", "unitPrice": "4", "lineType": "item_fee" },
            { "saleLineID": "1380", "itemID": "79", "unitQuantity": "0", "unitPrice": "4" } ] },
        "SalePayments": { "SalePayment": [
            { "salePaymentID": "641", "amount": "58.13", "tipAmount": "2", "archived": "false", "paymentTypeID": "3",
              "PaymentType": { "paymentTypeID": "3", "name": "Credit Card" } },
            { "salePaymentID": "642", "amount": "20", "archived": "true", "paymentTypeID": "1" },
            { "salePaymentID": "643", "amount": "-0.5", "archived": "false", "paymentTypeID": "4", "PaymentType": "" } ] },
    })
}

fn read_sale(value: &Value) -> Sale {
    match wire::interpret("sale", &value.to_string()) {
        Ok(Fact::Sale(sale)) => sale,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sale_says_who_sold_what_for_how_much() {
    let sale = read_sale(&whole_sale());
    assert_eq!((sale.document, sale.version, &sale.state), (DocumentKey::new("900"), order(1), &SaleState::Closed));
    assert_eq!((sale.outlet, sale.register.as_deref()), (OutletKey::new("1"), Some("2")));
    assert_eq!((sale.happened_at, sale.changed_at), (NOW - Span::secs(2), NOW - Span::secs(1)));
    assert_eq!(sale.number, "220000000900");
    assert_eq!(sale.source, Some(("centra".to_owned(), "WEB-10045".to_owned())));
    assert_eq!((sale.total, sale.tax), (Fine(7_813_000), Fine(1_563_000)));
    let moved: Vec<_> = sale.lines.iter().map(|l| (l.line.as_str(), l.units, l.is_return)).collect();
    assert_eq!(moved, [("1377", 3, false), ("1378", -2, true)], "fees and nothing are no goods");
    let [first, second] = sale.lines.as_slice() else { panic!("two lines") };
    // 12.396694… , 1.5 / 3 and 11.5860025 / 3 = 3.86200083…
    assert_eq!((first.unit_price, first.unit_discount, first.unit_tax), (Fine(1_239_669), Fine(50_000), Fine(386_200)));
    assert_eq!(first.price_text, "12.396694214876033");
    assert_eq!((second.unit_price, second.unit_discount, second.unit_tax), (Fine(250_000), Fine(25_000), Fine(62_500)));
    let paid: Vec<_> = sale.tenders.iter().map(|t| (t.payment_type.as_str(), t.name.as_str(), t.amount)).collect();
    assert_eq!(
        paid,
        [("3", "Credit Card", Fine(5_813_000)), ("4", "", Fine(-50_000))],
        "archived payments do not count"
    );
}

#[test]
fn the_flags_of_a_sale_tell_whether_goods_moved() {
    for (completed, voided, archived, want) in [
        (Some("true"), "false", "false", SaleState::Closed),
        (Some("true"), "false", "true", SaleState::Closed),
        (Some("false"), "false", "false", SaleState::Open),
        (Some("false"), "false", "true", SaleState::Voided),
        (Some("true"), "true", "false", SaleState::Voided),
        (Some("false"), "true", "false", SaleState::Voided),
    ] {
        let mut value = whole_sale();
        value["completed"] = json!(completed);
        value["voided"] = json!(voided);
        value["archived"] = json!(archived);
        assert_eq!(read_sale(&value).state, want, "{completed:?} {voided} {archived}");
    }
    let mut value = whole_sale();
    value["completed"] = Value::Null;
    assert!(matches!(read_sale(&value).state, SaleState::Unknown(_)));
    // Not completed: no completion, no payments.
    let mut open = sale(902, 5, json!(line(1, 1, 0)));
    open["completed"] = json!("false");
    open["completeTime"] = Value::Null;
    open["SaleLines"] = json!("");
    assert_eq!((read_sale(&open).state, read_sale(&open).lines.len()), (SaleState::Open, 0));
}

#[test]
fn a_sale_that_would_have_to_be_guessed_is_parked_with_the_fields_name() {
    let line = "/SaleLines/SaleLine/0";
    for (path, value, complaint) in [
        (format!("{line}/unitQuantity"), json!("0.5"), "sale.SaleLines.SaleLine[0].unitQuantity"),
        (format!("{line}/unitQuantity"), json!(""), "SaleLine[0].unitQuantity"),
        (format!("{line}/unitQuantity"), json!("2147483648"), "SaleLine[0].unitQuantity"),
        (format!("{line}/unitQuantity"), Value::Null, "SaleLine[0].unitQuantity is missing"),
        (format!("{line}/unitPrice"), json!("NaN"), "SaleLine[0].unitPrice"),
        (format!("{line}/calcTax1"), json!("99999999999999999999"), "SaleLine[0].calcTax1: is too large"),
        (format!("{line}/calcTax1"), json!("1,5"), "SaleLine[0].calcTax1"),
        (format!("{line}/saleLineID"), json!("1378"), "another line has the id 1378"),
        (format!("{line}/saleLineID"), json!({}), "SaleLine[0].saleLineID"),
        ("/SalePayments/SalePayment/0/amount".to_owned(), json!("1.000001"), "SalePayment[0].amount"),
        ("/SalePayments/SalePayment/0/amount".to_owned(), json!(""), "SalePayment[0].amount"),
        ("/SalePayments/SalePayment/0/archived".to_owned(), json!("maybe"), "SalePayment[0].archived"),
        ("/SaleLines".to_owned(), json!(7), "sale.SaleLines"),
        ("/SaleLines/SaleLine".to_owned(), json!("x"), "sale.SaleLines.SaleLine"),
        ("/timeStamp".to_owned(), json!("yesterday"), "sale.timeStamp"),
        ("/timeStamp".to_owned(), json!("1969-01-01T00:00:00+00:00"), "sale.timeStamp"),
        ("/shopID".to_owned(), json!("0"), "sale.shopID is missing"),
        ("/saleID".to_owned(), json!(""), "sale.saleID is missing"),
        ("/completed".to_owned(), json!("yes"), "sale.completed"),
        ("/total".to_owned(), json!("x"), "sale.total"),
    ] {
        let mut sale = whole_sale();
        *sale.pointer_mut(&path).expect("a field") = value.clone();
        let error = wire::interpret("sale", &sale.to_string()).expect_err(&path);
        assert!(error.reason.contains(complaint), "{path} = {value}: {error}");
        let record = wire::record("sale", sale.to_string());
        assert!(record.facts.is_err() && !record.external_id.is_empty());
    }
    let named = sales::products_named(&whole_sale().to_string()).expect("products");
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["77", "78", "79"]);
    assert_eq!(sales::products_named("{"), None);
    assert_eq!(sales::products_named(r#"{"itemID":"0"}"#), None);
}

#[test]
fn a_count_is_whole_units_of_one_item_at_one_shop() {
    let row = |qoh: Value, shop: &str| {
        json!({ "itemShopID": "771", "itemID": "77", "shopID": shop, "qoh": qoh, "sellable": "0", "timeStamp": ago(1) })
            .to_string()
    };
    for (qoh, milli) in [(json!("6"), 6_000), (json!("-2"), -2_000), (json!(0), 0), (json!("3.0"), 3_000)] {
        let Ok(Fact::TillReading(reading)) = wire::interpret("inventory", &row(qoh, "2")) else { panic!("a count") };
        assert_eq!((reading.product, reading.on_hand_milli), (ProductKey::new("77"), milli));
    }
    for qoh in [json!("0.5"), json!(""), Value::Null, json!("99999999999"), json!([])] {
        let error = wire::interpret("inventory", &row(qoh.clone(), "2")).expect_err("no count");
        assert!(error.reason.contains("inventory.qoh"), "{qoh}: {error}");
    }
    assert!(stock::is_sum(&row(json!("6"), "0")) && wire::interpret("inventory", &row(json!("6"), "0")).is_err());
    let bare = json!({ "itemID": "77", "shopID": "1", "qoh": "1", "timeStamp": ago(1) }).to_string();
    assert_eq!(wire::record("inventory", bare).external_id, "77/1");
    let timeless = json!({ "itemShopID": "1", "itemID": "77", "shopID": "1", "qoh": "1" }).to_string();
    let record = wire::record("inventory", timeless);
    assert!(record.facts.is_err_and(|unreadable| unreadable.reason.contains("timeStamp")));
}

fn listing(item: &Value, matrix: Option<&Value>, sku: &[&str]) -> Listing {
    let sku: Vec<String> = sku.iter().map(|&field| field.to_owned()).collect();
    let raw = items::with(&item.to_string(), matrix.map(Value::to_string).as_deref(), &sku);
    match wire::interpret("product", &raw) {
        Ok(Fact::Listing(listing)) => listing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_item_is_a_size_of_its_matrix() {
    let item = json!({
        "itemID": "77", "systemSku": "210000000083", "customSku": "TEE-NVY-M", "manufacturerSku": "M-1",
        "description": "Tee Navy M", "upc": "012345678905", "ean": "4006381333931", "archived": "false", "itemType": "default",
        "itemMatrixID": "9", "timeStamp": ago(50),
        "ItemAttributes": { "attribute1": "Navy", "attribute2": "M", "attribute3": "", "itemAttributeSetID": "1" },
        "Prices": { "ItemPrice": [{ "amount": "0", "useTypeID": "2", "useType": "MSRP" },
                                  { "amount": "30", "useTypeID": "1", "useType": "Default" }] },
    });
    let matrix = json!({ "itemMatrixID": "9", "description": "Tee", "timeStamp": ago(10), "archived": "false" });
    let told = listing(&item, Some(&matrix), &SKU_FIELDS);
    assert_eq!((told.name.as_str(), told.style.as_deref(), told.sku.as_str()), ("Tee", Some("9"), "TEE-NVY-M"));
    assert_eq!(
        (told.options, told.barcode.as_deref()),
        (vec!["Navy".to_owned(), "M".to_owned()], Some("4006381333931"))
    );
    assert_eq!((told.price, told.version), (Some(Fine(3_000_000)), Some(order(10))));
    assert!(told.counted && !told.bundle && !told.archived);
    // Without its matrix, with other rules, and with what is not there.
    let mut other = item.clone();
    other["customSku"] = json!("");
    other["ean"] = json!("");
    other["Prices"] = json!({ "ItemPrice": { "amount": "x", "useTypeID": "1", "useType": "Default" } });
    let told = listing(&other, None, &SKU_FIELDS);
    assert_eq!((told.name.as_str(), told.sku.as_str()), ("Tee Navy M", "M-1"));
    assert_eq!((told.barcode.as_deref(), told.price, told.version), (Some("012345678905"), None, Some(order(50))));
    assert_eq!(listing(&item, None, &["systemSku"]).sku, "210000000083");
    other["manufacturerSku"] = Value::Null;
    assert_eq!(listing(&other, None, &SKU_FIELDS).sku, "210000000083");
    for (kind, counted, bundle) in [
        ("default", true, false),
        ("serialized", true, false),
        ("non_inventory", false, false),
        ("box", true, true),
        ("assembly", true, true),
        ("serialized_assembly", true, true),
        ("something new", true, false),
    ] {
        other["itemType"] = json!(kind);
        let told = listing(&other, None, &SKU_FIELDS);
        assert_eq!((told.counted, told.bundle), (counted, bundle), "{kind}");
    }
    let gone = json!({ "itemMatrixID": "9", "archived": "true" });
    assert!(listing(&item, Some(&gone), &SKU_FIELDS).archived);
    // A matrix that changes in the running second lends its name and not its time.
    let raw = json!({ "itemMatrixID": "9", "description": "Tee", "timeStamp": ago(0) }).to_string();
    let (_, kept) = items::matrix(&raw, NOW.secs() - 1).expect("a matrix");
    assert!(kept.contains("Tee") && !kept.contains("timeStamp"), "{kept}");
}

#[test]
fn items_that_would_have_to_be_guessed_are_parked_with_the_fields_name() {
    for (name, value, complaint) in [
        ("itemID", json!(""), "product.itemID is missing"),
        ("timeStamp", json!("?"), "product.timeStamp"),
        ("archived", json!("perhaps"), "product.archived"),
        ("customSku", json!({}), "product.customSku"),
        ("ItemAttributes", json!("x"), "product.ItemAttributes"),
        ("description", json!("x".repeat(5_000)), "product.description"),
    ] {
        let mut item = json!({ "itemID": "77", "timeStamp": ago(1), "customSku": "S", "description": "D" });
        item[name] = value;
        let error = wire::interpret("product", &item.to_string()).expect_err(name);
        assert!(error.reason.contains(complaint), "{name}: {error}");
    }
    let mut item = json!({ "itemID": "77", "timeStamp": ago(1), "ItemAttributes": "", "Prices": "" });
    assert!(listing(&item, None, &SKU_FIELDS).options.is_empty());
    item["ItemAttributes"] = json!([]);
    assert!(listing(&item, None, &SKU_FIELDS).options.is_empty());
}

/// A JSON value with a field somewhere in it replaced.
fn spoiled(value: &Value, at: usize, with: &Value) -> Value {
    fn places(value: &Value, path: String, found: &mut Vec<String>) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(values) => values.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, value) in inner {
            let path = format!("{path}/{name}");
            found.push(path.clone());
            places(value, path, found);
        }
    }
    let mut found = Vec::new();
    places(value, String::new(), &mut found);
    let mut value = value.clone();
    if let Some(place) = value.pointer_mut(&found[at % found.len()]) {
        *place = with.clone();
    }
    value
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_parked(text in ".{0,200}", kind in prop::sample::select(vec!["sale", "product", "inventory", "x"])) {
        let record = wire::record("sale", text.clone());
        prop_assert!(!record.external_id.is_empty());
        let _fact = wire::interpret(kind, &text);
        let _list = wire::list(&text, "Sale");
        let _single = wire::single(&text, "Sale");
        let _matrix = items::matrix(&text, 0);
        let _named = sales::products_named(&text);
        let _links = sales::links(&text);
        let _place = places::shop(&text);
        let _register = places::register_at(&text);
        let _next = wire::onward("https://api.example.com", "/API/V3/Account/7/Sale.json?x", &text);
        let _words = errors::words(&text);
    }

    #[test]
    fn a_sale_with_any_field_spoiled_is_read_or_parked(
        at in 0_usize..500,
        with in prop::sample::select(vec![
            json!(null), json!(""), json!("0"), json!("-1"), json!(1e300), json!("1e999"), json!([]), json!({}), json!([[[]]]),
            json!(true), json!("\u{0}"), json!("٣"), json!("9".repeat(300)), json!(i64::MIN), json!("true"), json!({"SaleLine": ""}),
        ]),
    ) {
        let whole = json!({ "Sale": whole_sale(), "SaleVoid": { "saleID": "900", "createTime": ago(0) }, "parents": { "1": "2" } });
        for value in [spoiled(&whole_sale(), at, &with), spoiled(&whole, at, &with)] {
            let raw = value.to_string();
            match wire::interpret("sale", &raw) {
                Ok(Fact::Sale(sale)) => prop_assert!(sale.lines.iter().all(|line| line.units != 0)),
                Ok(other) => prop_assert!(false, "{other:?}"),
                Err(unreadable) => prop_assert!(unreadable.reason.starts_with("sale"), "{unreadable}"),
            }
            let _links = sales::links(&raw);
        }
    }
}

#[test]
fn depth_is_no_danger() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let sale = format!(r#"{{"saleID":"1","SaleLines":{{"SaleLine":{deep}}}}}"#);
    assert!(wire::interpret("sale", &sale).is_err());
    assert_eq!(sales::products_named(&sale), None);
    assert!(Object::open("sale", &sale).is_ok());
}
