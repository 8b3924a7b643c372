use super::super::error::CallErrorKind;
use super::super::script::{NOW, Script};
use super::super::transport::TransportError;
use super::catalogue::{AttributeSet, AttributeValues, ItemChange, NewItem, NewMatrix};
use super::selling::{Desk, Made, NewLine, NewPayment, NewRefund, NewSale, Reservation};
use super::tests::{BASE, DATE, ago, line, list, sale, says, till};
use crate::domain::money::Fine;
use crate::domain::time::Span;
use serde_json::{Value, json};

fn desk() -> Desk {
    Desk { shop: "1".to_owned(), register: "2".to_owned(), employee: "3".to_owned() }
}

fn new_sale() -> NewSale {
    let item = |units, price, parent: Option<&str>| NewLine::Item {
        item: "77".to_owned(),
        units,
        unit_price: price,
        takes_back: parent.map(str::to_owned),
    };
    NewSale {
        desk: desk(),
        customer: Some("8".to_owned()),
        reference: "WEB-1".to_owned(),
        source: "truecount".to_owned(),
        completed_at: Some(NOW - Span::secs(60)),
        lines: vec![
            item(2, Some(Fine(2_999_000)), None),
            item(-1, None, Some("1377")),
            NewLine::LaidAway("1500".to_owned()),
        ],
        payments: vec![NewPayment {
            payment_type: "3".to_owned(),
            amount: Some(Fine(3_750_000)),
            reference: "P-1".to_owned(),
        }],
    }
}

fn with_reference(id: i64, voided: &str) -> Value {
    let mut sale = sale(id, 5, json!(line(1, 1, 0)));
    sale["referenceNumber"] = json!("WEB-1");
    sale["referenceNumberSource"] = json!("truecount");
    sale["voided"] = json!(voided);
    sale
}

fn one(resource: &str, row: &Value) -> String {
    json!({ "@attributes": {}, resource: row }).to_string()
}

/// The body of the last question.
fn last_body(script: &Script) -> Value {
    let asked = script.asked().pop().expect("a question");
    serde_json::from_str(asked.splitn(3, ' ').nth(2).expect("a body")).expect("JSON")
}

#[tokio::test]
async fn a_sale_is_looked_for_before_it_is_made() {
    let script = Script::new();
    // A filter that is not obeyed answers with others; one that was voided does not count.
    says(&script, "Sale", &[sale(1, 9, json!("")), with_reference(2, "true")]);
    script.then_with(200, &[DATE], one("Sale", &with_reference(901, "false")));
    says(&script, "Sale", &[with_reference(901, "false")]);
    says(&script, "Sale", &[with_reference(901, "false"), with_reference(902, "false")]);
    let till = till(&script);
    let made = till.create_sale(&new_sale()).await.expect("a sale");
    let Made::Now(told) = &made.value else { panic!("{made:?}") };
    assert_eq!((told.id.as_str(), told.completed, told.total), ("901", true, Fine(3_750_000)));
    assert_eq!(made.exchanges.len(), 2);
    let asked = script.asked();
    assert!(asked[0].starts_with("GET /API/V3/Account/7/Sale.json?referenceNumber=WEB-1&"), "{asked:?}");
    assert!(asked[1].starts_with("POST /API/V3/Account/7/Sale.json "), "{asked:?}");
    assert_eq!(
        last_body(&script),
        json!({
            "shopID": 1, "registerID": 2, "employeeID": 3, "customerID": 8, "completed": true,
            "completeTime": "2026-02-02T09:14:00+00:00", "referenceNumber": "WEB-1", "referenceNumberSource": "truecount",
            "SaleLines": { "SaleLine": [
                { "itemID": 77, "unitQuantity": 2, "unitPrice": "29.99" },
                { "itemID": 77, "unitQuantity": -1, "parentSaleLineID": 1377 },
                { "saleLineID": 1500 } ] },
            "SalePayments": { "SalePayment": [{ "paymentTypeID": 3, "amount": "37.5", "remoteReference": "P-1" }] },
        })
    );
    let made = till.create_sale(&new_sale()).await.expect("a sale");
    assert!(matches!(made.value, Made::Before(_)) && made.exchanges.len() == 1);
    let error = till.create_sale(&new_sale()).await.expect_err("two of them");
    assert!(matches!(&error.kind, CallErrorKind::Rejected { reason } if reason.contains("two sales")));
    script.done();
}

#[tokio::test]
async fn a_sale_whose_answer_is_lost_may_have_been_made() {
    let script = Script::new();
    says(&script, "Sale", &[]);
    script.then_fails(TransportError::NoAnswer("reset".to_owned()));
    let till = till(&script);
    let error = till.create_sale(&new_sale()).await.expect_err("no answer");
    assert!(error.may_have_acted());
    let nameless = NewSale { reference: String::new(), ..new_sale() };
    assert!(till.create_sale(&nameless).await.is_err(), "it could not be found again");
    let foreign = NewSale { desk: Desk { shop: "1;".to_owned(), ..desk() }, ..new_sale() };
    says(&script, "Sale", &[]);
    assert!(till.create_sale(&foreign).await.is_err());
    script.done();
}

#[tokio::test]
async fn a_refund_names_the_lines_and_what_was_taken_back_is_told() {
    let script = Script::new();
    script.then_with(200, &[DATE], one("Sale", &sale(902, 1, json!(line(1402, -1, 1377)))));
    script.then_with(200, &[DATE], one("Sale", &sale(903, 1, json!(line(1403, -1, 1377)))));
    let next =
        format!("{BASE}/API/V3/Account/7/SaleLine.json?parentSaleLineID=IN%2C%5B1377%2C1378%5D&limit=100&after=x");
    script.then_with(200, &[DATE], list("SaleLine", &[line(1402, -1, 1377), line(9, -5, 4)], &next));
    says(&script, "SaleLine", &[line(1403, -2, 1377)]);
    let till = till(&script);
    let back = NewPayment { payment_type: "3".to_owned(), amount: None, reference: String::new() };
    let mut refund =
        NewRefund { sale: "900".to_owned(), desk: desk(), lines: vec![("1377".to_owned(), 1)], payments: vec![back] };
    assert_eq!(till.refund(&refund).await.expect("a refund").value.id, "902");
    let desk = json!({ "shopID": 1, "registerID": 2, "employeeID": 3, "SalePayments": { "SalePayment": [{ "paymentTypeID": 3 }] } });
    let mut partly = desk.clone();
    partly["SaleLines"] = json!({ "SaleLine": [{ "parentSaleLineID": 1377, "unitQuantity": -1 }] });
    assert_eq!(last_body(&script), partly);
    refund.lines.clear();
    assert!(till.refund(&refund).await.is_ok());
    assert_eq!(last_body(&script), desk, "everything comes back");
    assert!(script.asked()[0].starts_with("POST /API/V3/Account/7/Sale/900/refund.json "));
    let taken = till.taken_back(&["1377", "1378"]).await.expect("an answer").value;
    assert_eq!(taken.into_iter().collect::<Vec<_>>(), [("1377".to_owned(), 3)]);
    refund.lines = vec![("1377".to_owned(), 0)];
    assert!(till.refund(&refund).await.is_err());
    assert!(till.taken_back(&["x"]).await.is_err());
    assert!(till.taken_back(&[]).await.expect("nothing").value.is_empty());
    script.done();
}

#[tokio::test]
async fn units_are_laid_away_all_or_none() {
    let script = Script::new();
    let stands = json!([{ "inventorySaleID": "31", "quantity": "1" }, { "inventorySaleID": "32", "quantity": "1" }]);
    let row = json!({ "saleLineID": "1500", "saleID": "0", "InventorySales": { "InventorySale": stands } });
    script.then_with(200, &[DATE], one("SaleLine", &row));
    script.then_with(200, &[DATE], one("SaleLine", &row)).then(404, "{}");
    let till = till(&script);
    let text = str::to_owned;
    let mut wanted =
        Reservation { shop: text("1"), employee: text("3"), customer: text("8"), item: text("77"), units: 2 };
    let away = till.lay_away(&wanted).await.expect("a line").value;
    assert_eq!((away.line.as_str(), away.units), ("1500", 2));
    let body = last_body(&script);
    assert_eq!(
        (&body["isLayaway"], &body["requireFullReservation"], &body["unitQuantity"]),
        (&json!(true), &json!(true), &json!(2))
    );
    assert!(script.asked()[0].contains("SaleLine.json?load_relations=%5B%22InventorySales%22%5D"));
    assert!(till.release("1500").await.expect("an answer").value);
    assert!(!till.release("1500").await.expect("an answer").value);
    assert!(script.asked().contains(&"DELETE /API/V3/Account/7/SaleLine/1500.json".to_owned()));
    wanted.units = 0;
    assert!(till.lay_away(&wanted).await.is_err());
    script.done();
}

#[tokio::test]
async fn items_are_made_changed_and_never_archived() {
    let script = Script::new();
    script.then_with(200, &[DATE], one("ItemMatrix", &json!({ "itemMatrixID": "9" })));
    for _ in 0..4 {
        script.then_with(200, &[DATE], one("Item", &json!({ "itemID": "77" })));
    }
    script.then(422, r#"{"httpCode":"422","message":"EAN is already in use.","errorClass":"Exception"}"#);
    let till = till(&script);
    let matrix = NewMatrix { name: "Tee".to_owned(), attributes: AttributeSet::Size, tax_class: Some("1".to_owned()) };
    assert_eq!(till.create_matrix(&matrix).await.expect("a style").value, "9");
    assert_eq!(last_body(&script), json!({ "description": "Tee", "itemAttributeSetID": 2, "taxClassID": 1 }));
    let mut item = NewItem {
        name: "Tee M".to_owned(),
        matrix: Some(("9".to_owned(), AttributeValues { set: AttributeSet::Size, values: vec!["M".to_owned()] })),
        sku: "TEE-M".to_owned(),
        ean: Some("4006381333931".to_owned()),
        price: Some(Fine(3_000_000)),
        ..NewItem::default()
    };
    assert_eq!(till.create_item(&item).await.expect("an item").value, "77");
    assert_eq!(
        last_body(&script),
        json!({ "description": "Tee M", "customSku": "TEE-M", "ean": "4006381333931", "itemMatrixID": 9,
                "ItemAttributes": { "itemAttributeSetID": 2, "attribute2": "M" },
                "Prices": { "ItemPrice": [{ "amount": "30", "useType": "Default" }] } })
    );
    item.matrix =
        Some(("9".to_owned(), AttributeValues { set: AttributeSet::ColourSize, values: vec!["M".to_owned()] }));
    assert!(till.create_item(&item).await.is_err(), "a value for each attribute");
    assert!(till.create_item(&NewItem::default()).await.is_err(), "nothing without a name");
    let change = ItemChange { name: Some("Tee L".to_owned()), ..ItemChange::default() };
    assert!(till.update_item("77", &change).await.is_ok());
    assert_eq!(last_body(&script), json!({ "description": "Tee L" }));
    assert!(till.unarchive_item("77").await.is_ok());
    assert_eq!(last_body(&script), json!({ "archived": false }));
    assert!(till.set_count("77", "1", 3).await.is_ok());
    assert_eq!(last_body(&script), json!({ "ItemShops": { "ItemShop": { "shopID": 1, "qoh": 3 } } }));
    assert!(script.asked().last().is_some_and(|asked| asked.starts_with("PUT /API/V3/Account/7/Item/77.json ")));
    let error = till.set_count("77", "1", 3).await.expect_err("a refusal");
    assert!(matches!(&error.kind, CallErrorKind::Rejected { reason } if reason.contains("same barcode")));
    let before = script.asked().len();
    assert!(till.set_count("77", "0", 3).await.is_err(), "the sum of all shops");
    assert!(matches!(till.archive_item("77").kind, CallErrorKind::Rejected { .. }));
    assert_eq!(script.asked().len(), before);
    assert!(script.asked().iter().all(|asked| !asked.starts_with("DELETE")));
    script.done();
}

#[tokio::test]
async fn what_is_mapped_is_read() {
    let script = Script::new();
    says(
        &script,
        "PaymentType",
        &[
            json!({ "paymentTypeID": "1", "name": "Cash", "type": "cash", "archived": "false", "refundAsPaymentTypeID": "0" }),
            json!({ "paymentTypeID": "5", "name": "Voucher", "type": "user defined", "archived": "true", "refundAsPaymentTypeID": "1" }),
        ],
    );
    says(
        &script,
        "TaxCategory",
        &[
            json!({ "taxCategoryID": "1", "isTaxInclusive": "false", "tax1Name": "Sales Tax", "tax2Name": "", "tax1Rate": "0.0825", "tax2Rate": "0" }),
        ],
    );
    says(&script, "TaxClass", &[json!({ "taxClassID": "1", "name": "Item" })]);
    says(
        &script,
        "Register",
        &[json!({ "registerID": "1", "name": "Till", "open": "true", "shopID": "1", "archived": "false" })],
    );
    says(
        &script,
        "Employee",
        &[json!({ "employeeID": "2", "firstName": "Ada", "lockOut": "false", "archived": "false" })],
    );
    script.then(200, r#"{"employeeID":"2","Employee":{"employeeID":"2"}}"#).then(200, r#"{"x":1}"#);
    let amounts = json!([{ "calculated": "120", "actual": "118.5", "paymentTypeID": "1" }, { "calculated": "95.63", "actual": "95.63", "paymentTypeID": "3" }]);
    says(
        &script,
        "RegisterCount",
        &[
            json!({ "registerCountID": "12", "createTime": ago(9), "openTime": ago(99), "registerID": "1", "RegisterCountAmounts": { "RegisterCountAmount": amounts } }),
        ],
    );
    let till = till(&script);
    let types = till.payment_types().await.expect("types").value;
    assert_eq!((types[0].kind.as_str(), types[0].refund_as.as_deref()), ("cash", None));
    assert_eq!((types[1].archived, types[1].refund_as.as_deref()), (true, Some("1")));
    let taxes = till.tax_categories().await.expect("taxes").value;
    assert_eq!((taxes[0].names.len(), taxes[0].rates[0].to_string()), (1, "0.0825".to_owned()));
    assert_eq!(till.tax_classes().await.expect("classes").value[0].name, "Item");
    assert!(till.registers().await.expect("registers").value[0].open);
    assert_eq!(till.employees().await.expect("employees").value[0].id, "2");
    assert_eq!(till.own_employee().await.expect("an employee").value, "2");
    assert!(till.own_employee().await.is_err());
    let closures = till.closures_after(Some("11")).await.expect("closures").value;
    assert_eq!((closures[0].closed_at, closures[0].register.as_str()), (NOW - Span::secs(9), "1"));
    let counted: Vec<_> =
        closures[0].amounts.iter().map(|a| (a.payment_type.as_str(), a.calculated.0 - a.counted.0)).collect();
    assert_eq!(counted, [("1", 150_000), ("3", 0)]);
    let asked = script.asked();
    assert_eq!(asked[5], "GET /API/Session.json");
    assert!(
        asked[7].contains("RegisterCount.json?sort=registerCountID&registerCountID=%3E%2C11&limit=100&load_relations=")
    );
    assert!(till.closures_after(Some("x")).await.is_err());
    script.done();
}
