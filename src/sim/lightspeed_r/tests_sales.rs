//! Selling, giving back, putting aside and counting drawers over the wire.

use super::super::options::Options;
use super::super::world::World;
use super::tests::{call, follow, get, list, patient, plenty, still, words};
use crate::domain::time::Span;
use serde_json::{Value, json};

const LINES: [&str; 3] = ["SaleLines", "SalePayments", "SalePayments.PaymentType"];

fn sale(world: &World, id: &str) -> Value {
    get(world, &format!("Sale/{id}.json?load_relations={}", words(&LINES)))["Sale"].clone()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The exact total of these units of an item, in pounds with two decimals.
fn total(world: &World, id: &str, units: i64) -> f64 {
    let item = get(world, &format!("Item/{id}.json"));
    let price: f64 = text(&item["Item"]["Prices"]["ItemPrice"][0], "amount").parse().expect("a price");
    let cents = (price * 100.0).round() * units as f64;
    (cents + (cents * 0.2).round()) / 100.0
}

fn body(id: &str, units: i64, paid: f64, more: &Value) -> Value {
    let mut body = json!({
        "shopID": 2, "registerID": 2, "employeeID": 1, "completed": true,
        "SaleLines": {"SaleLine": [{"itemID": id, "unitQuantity": units}]},
        "SalePayments": {"SalePayment": [{"paymentTypeID": 5, "amount": paid, "remoteReference": "web-1"}]},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn a_completed_sale_balances_or_there_is_none() {
    let world = still();
    let (sku, id) = plenty(&world);
    let before = world.till_on_hand(&sku);
    let due = total(&world, &id, 2);
    for wrong in [due + 1.0, due - 0.01, 0.0] {
        let (status, refused) = call(&world, "POST", "Sale.json", &body(&id, 2, wrong, &json!({})));
        assert_eq!(status, 400, "{refused}");
    }
    assert_eq!((world.till_on_hand(&sku), list(&get(&world, "Sale.json")["Sale"]).len()), (before, 0));
    let more = json!({"referenceNumber": "WEB-7", "referenceNumberSource": "shop"});
    let (status, made) = call(&world, "POST", "Sale.json", &body(&id, 2, due, &more));
    assert_eq!(status, 200, "{made}");
    let made = &made["Sale"];
    assert_eq!(
        (text(made, "completed"), text(made, "balance"), text(made, "ticketNumber")),
        ("true", "0", "220000000001")
    );
    assert_eq!(text(made, "total").parse(), Ok(due));
    assert_eq!(text(&made["SalePayments"]["SalePayment"], "remoteReference"), "web-1");
    assert_eq!(world.till_on_hand(&sku), before.map(|n| n - 2));
    assert_eq!(get(&world, "Sale.json?referenceNumber=WEB-7")["Sale"]["saleID"], "1");
    assert_eq!(get(&world, "Sale.json?referenceNumber=WEB-8").get("Sale"), None);
    let log = get(&world, "InventoryLog.json");
    assert_eq!(
        (text(&log["InventoryLog"], "reason"), text(&log["InventoryLog"], "saleID")),
        ("RemoveForTransaction", "1")
    );
    let cash = json!({"SalePayments": {"SalePayment": {"paymentTypeID": 1, "amount": due + 5.0}}});
    let (_, cash) = call(&world, "POST", "Sale.json", &body(&id, 2, 0.0, &cash));
    assert_eq!((text(&cash["Sale"], "change"), text(&cash["Sale"], "balance")), ("5", "0"), "change is given");
    let elsewhere = json!({"shopID": 1});
    assert_eq!(call(&world, "POST", "Sale.json", &body(&id, 2, due, &elsewhere)).0, 400, "another shop's register");
}

#[test]
fn a_line_is_unrounded_and_the_sale_rounds_its_tax() {
    let world = still();
    let (_, id) = plenty(&world);
    let more = json!({
        "completed": false, "SalePayments": "",
        "SaleLines": {"SaleLine": [
            {"itemID": id, "unitQuantity": 1, "unitPrice": 3.33}, {"itemID": id, "unitQuantity": 1, "unitPrice": "3.33"},
            {"unitQuantity": 1, "unitPrice": 4.99, "note": "Postage", "tax": false},
            {"itemID": id, "unitQuantity": 2, "unitPrice": 10, "discountPercent": 0.15},
            {"itemID": id},
        ]},
    });
    let (_, made) = call(&world, "POST", "Sale.json", &body(&id, 1, 0.0, &more));
    let sale = &made["Sale"];
    let lines = list(&sale["SaleLines"]["SaleLine"]);
    assert_eq!((text(&lines[0], "calcTax1"), text(&lines[0], "calcTotal")), ("0.666", "3.996"));
    assert_eq!((text(&lines[2], "discountPercent"), text(&lines[2], "displayableSubtotal")), ("0.15", "17"));
    assert_eq!(text(&lines[3], "unitQuantity"), "0", "without a quantity it is none");
    assert_eq!((text(&lines[4], "itemID"), text(&lines[4], "calcTax1")), ("0", "0"), "postage is no item");
    assert_eq!(
        (text(sale, "calcSubtotal"), text(sale, "calcDiscount"), text(sale, "calcTax1")),
        ("31.65", "3", "4.73")
    );
    assert_eq!((text(sale, "total"), text(sale, "balance"), text(sale, "completed")), ("33.38", "33.38", "false"));
    assert!(world.expected_movements().is_empty(), "nothing moves before it is completed");
    let done = json!({"completed": true, "SalePayments": {"SalePayment": {"paymentTypeID": 2, "amount": "33.38"}}});
    assert_eq!(call(&world, "PUT", "Sale/1.json", &json!({"completed": true})).0, 400);
    let (status, done) = call(&world, "PUT", "Sale/1.json", &done);
    assert_eq!((status, text(&done["Sale"], "completed")), (200, "true"));
    assert_eq!(call(&world, "DELETE", "Sale/1.json", &json!(null)).0, 400, "a completed sale stays");
    let free =
        json!({"taxCategoryID": 0, "SaleLines": {"SaleLine": {"itemID": id, "unitQuantity": 1, "unitPrice": 3}}});
    let (status, free) = call(&world, "POST", "Sale.json", &body(&id, 1, 3.0, &free));
    assert_eq!((status, text(&free["Sale"], "taxTotal")), (200, "0"));
    let past = json!({"completeTime": "2026-03-01T10:00:00+00:00"});
    let (_, past) = call(&world, "POST", "Sale.json", &body(&id, 1, total(&world, &id, 1), &past));
    assert_eq!(text(&past["Sale"], "completeTime"), "2026-03-01T10:00:00+00:00");
    let future = json!({"completeTime": "2026-04-01T10:00:00+00:00"});
    assert_eq!(call(&world, "POST", "Sale.json", &body(&id, 1, total(&world, &id, 1), &future)).0, 400);
}

#[test]
fn a_refund_is_a_sale_of_its_own_and_gives_back_no_more_than_was_sold() {
    let world = still();
    let (sku, id) = plenty(&world);
    let before = world.till_on_hand(&sku);
    call(&world, "POST", "Sale.json", &body(&id, 3, total(&world, &id, 3), &json!({})));
    let line = text(&sale(&world, "1")["SaleLines"]["SaleLine"], "saleLineID").to_owned();
    let back = |units: i64| {
        let body = json!({
            "employeeID": 1, "registerID": 2, "shopID": 2, "SalePayments": {"SalePayment": {"paymentTypeID": 5}},
            "SaleLines": {"SaleLine": {"parentSaleLineID": line, "unitQuantity": units}},
        });
        call(&world, "POST", "Sale/1/refund.json", &body)
    };
    assert_eq!(back(1).0, 400, "nothing comes back with a plus");
    let (status, first) = back(-2);
    assert_eq!((status, text(&first["Sale"], "saleID")), (200, "2"), "{first}");
    let refund = sale(&world, "2");
    let own = &refund["SaleLines"]["SaleLine"];
    assert_eq!((text(own, "parentSaleLineID"), text(own, "unitQuantity")), (line.as_str(), "-2"));
    assert!(!text(own, "unitPrice").starts_with('-') && text(&refund, "total").starts_with('-'));
    assert_eq!((text(&refund, "completed"), text(&refund, "balance")), ("true", "0"));
    let payment = &refund["SalePayments"]["SalePayment"];
    assert!(text(payment, "amount").starts_with('-') && text(payment, "refPaymentID") != "0");
    assert_eq!(world.till_on_hand(&sku), before.map(|n| n - 1));
    assert_eq!(back(-2).0, 422, "one is left");
    assert_eq!(back(-1).0, 200);
    assert_eq!(back(-1).0, 422);
    let whole = json!({"SalePayments": {"SalePayment": {"paymentTypeID": 5}}});
    assert_eq!(call(&world, "POST", "Sale/1/refund.json", &whole).0, 422);
    let long = json!({
        "SaleLines": {"SaleLine": {"itemID": id, "unitQuantity": -1, "parentSaleLineID": line}}, "SalePayments": "",
    });
    assert_eq!(call(&world, "POST", "Sale.json", &body(&id, 1, 0.0, &long)).0, 422, "nor by the long way");
    call(&world, "POST", "Sale.json", &body(&id, 1, total(&world, &id, 1), &json!({})));
    let wrong = json!({"SalePayments": {"SalePayment": {"paymentTypeID": 5, "amount": -1}}});
    assert_eq!(call(&world, "POST", "Sale/4/refund.json", &wrong).0, 400, "it balances");
    let (status, all) = call(&world, "POST", "Sale/220000000004/refund.json", &whole);
    assert_eq!((status, text(&all["Sale"], "saleID")), (200, "5"), "by its ticket too");
    assert_eq!(world.till_on_hand(&sku), before);
    let voided = world.void("5").is_ok();
    assert!(voided && call(&world, "POST", "Sale/4/refund.json", &whole).0 == 200, "a void gives nothing back");
}

#[test]
fn a_return_in_the_store_is_one_completed_sale_with_what_came_back() {
    let world = still();
    let (a, b) = (plenty(&world).0, world.skus().into_iter().rfind(|s| world.till_on_hand(s) > Some(40)).expect("b"));
    let original = world.sell_lines(&[(&a, 2), (&b, 1)], "Soho").expect("in stock");
    let parents = list(&sale(&world, &original)["SaleLines"]["SaleLine"]);
    let back = world.begin_return(&original).expect("closed");
    assert_eq!(list(&get(&world, "Sale.json")["Sale"]).len(), 1, "nothing to be seen yet");
    assert_eq!(call(&world, "GET", &format!("Sale/{back}.json"), &json!(null)).0, 404);
    world.finish_return(&back, &[1, 0]).expect("begun");
    let refund = sale(&world, &back);
    assert_eq!(text(&refund, "completed"), "true");
    let line = &refund["SaleLines"]["SaleLine"];
    assert_eq!((text(line, "unitQuantity"), &line["parentSaleLineID"]), ("-1", &parents[0]["saleLineID"]));
    assert_eq!(world.audit().faults_injected.get("F16"), None, "there is no such stage here");
    let unlinked = world.return_unlinked(&a, "Soho", 1).expect("a return");
    let line = &sale(&world, &unlinked)["SaleLines"]["SaleLine"];
    assert_eq!((text(line, "unitQuantity"), text(line, "parentSaleLineID")), ("-1", "0"));
    let exchange = world.exchange(&original, &b, &a).expect("an exchange");
    let lines = list(&sale(&world, &exchange)["SaleLines"]["SaleLine"]);
    assert_eq!(&lines[0]["parentSaleLineID"], &parents[1]["saleLineID"]);
    assert_eq!((text(&lines[0], "unitQuantity"), text(&lines[1], "unitQuantity")), ("-1", "1"));
    assert_eq!(text(&lines[1], "parentSaleLineID"), "0");
    assert_eq!(world.audit().differences_open, world.differences().len() as u64);
}

#[test]
fn a_void_has_a_row_of_its_own_and_archived_payments_stay_in_the_list() {
    let world = still();
    let (sku, _) = plenty(&world);
    let (kept, voided) =
        (world.sell(&sku, "Soho", 1).expect("in stock"), world.sell(&sku, "Soho", 1).expect("in stock"));
    world.advance_to(world.now() + Span::minutes(3));
    world.void(&voided).expect("closed");
    let row = sale(&world, &voided);
    assert_eq!((text(&row, "completed"), text(&row, "voided")), ("true", "true"));
    let void = get(&world, "SaleVoid.json")["SaleVoid"].clone();
    assert_eq!((text(&void, "saleVoidID"), text(&void, "saleID")), ("1", voided.as_str()));
    let log = list(&get(&world, "InventoryLog.json")["InventoryLog"]);
    assert_eq!(log.last().map(|row| text(row, "reason")), Some("PutBackForTransaction"));
    world.change_tender(&kept, 0).expect("completed");
    let payments = list(&sale(&world, &kept)["SalePayments"]["SalePayment"]);
    let shown: Vec<(&str, &str)> =
        payments.iter().map(|p| (text(p, "archived"), text(&p["PaymentType"], "name"))).collect();
    assert_eq!(shown, [("false", "Cash"), ("true", "Card Terminal")]);
    assert_eq!(text(&sale(&world, &kept), "balance"), "0", "what is archived does not count");
}

#[test]
fn goods_are_put_aside_in_full_or_silently_in_part() {
    let world = still();
    let (sku, id) = plenty(&world);
    let there = |shop: usize| -> i64 {
        let item = get(&world, &format!("Item/{id}.json?load_relations={}", words(&["ItemShops"])));
        text(&list(&item["Item"]["ItemShops"]["ItemShop"])[shop], "qoh").parse().expect("a number")
    };
    let (_, customer) = call(
        &world,
        "POST",
        "Customer.json",
        &json!({"firstName": "Web", "lastName": "Customer",
            "Contact": {"Emails": {"ContactEmail": {"address": "web@example.com", "useType": "Primary"}}}}),
    );
    assert_eq!(text(&customer["Customer"]["Contact"], "noEmail"), "true");
    let found =
        get(&world, &format!("Customer.json?load_relations={}&Contact.email=web@example.com", words(&["Contact"])));
    let customer = text(&found["Customer"], "customerID").to_owned();
    let held = words(&["InventorySales"]);
    let aside = |units: i64, full: bool| {
        let body = json!({
            "customerID": customer, "employeeID": 1, "shopID": 2, "itemID": id, "unitQuantity": units,
            "isLayaway": true, "requireFullReservation": full,
        });
        call(&world, "POST", &format!("SaleLine.json?load_relations={held}"), &body)
    };
    let reserved = |line: &Value| -> i64 {
        let lots = list(&line["SaleLine"]["InventorySales"]["InventorySale"]);
        lots.iter().map(|lot| text(lot, "quantity").parse::<i64>().expect("a number")).sum()
    };
    let n = there(2);
    let (status, refused) = aside(n + 1, true);
    assert_eq!((status, there(2)), (422, n), "{refused}");
    let (_, some) = aside(n + 5, false);
    assert_eq!((reserved(&some), there(2), text(&some["SaleLine"], "saleID")), (n, 0, "0"));
    let some = text(&some["SaleLine"], "saleLineID").to_owned();
    call(&world, "DELETE", &format!("SaleLine/{some}.json"), &json!(null));
    assert_eq!(there(2), n, "given up");
    let (_, line) = aside(3, true);
    assert_eq!((reserved(&line), there(2)), (3, n - 3));
    let line = text(&line["SaleLine"], "saleLineID").to_owned();
    let (_, fewer) =
        call(&world, "PUT", &format!("SaleLine/{line}.json?load_relations={held}"), &json!({"unitQuantity": 2}));
    assert_eq!((reserved(&fewer), there(2)), (2, n - 2));
    let log = list(&get(&world, "InventoryLog.json")["InventoryLog"]);
    assert_eq!(text(&log[0], "reason"), "RemoveForLayaway");
    let due = total(&world, &id, 2);
    let collect = |customer: &str| {
        let more = json!({"customerID": customer, "SaleLines": {"SaleLine": [{"saleLineID": line}]}});
        call(&world, "POST", "Sale.json", &body(&id, 0, due, &more))
    };
    assert_eq!(collect("0").0, 422, "another customer");
    let (status, collected) = collect(&customer);
    assert_eq!((status, there(2)), (200, n - 2), "{collected}");
    assert_eq!(text(&collected["Sale"]["SaleLines"]["SaleLine"], "saleLineID"), line);
    assert_eq!(call(&world, "DELETE", &format!("SaleLine/{line}.json"), &json!(null)).0, 400, "it was sold");
    assert_eq!(world.till_on_hand(&sku), Some(there(0)));
    // A flag on the line of a sale reserves nothing.
    let flag = json!({"completed": false, "SalePayments": "",
        "SaleLines": {"SaleLine": {"itemID": id, "unitQuantity": 1, "isLayaway": true}}});
    let (_, flagged) = call(&world, "POST", "Sale.json", &body(&id, 1, 0.0, &flag));
    assert_eq!(text(&flagged["Sale"]["SaleLines"]["SaleLine"], "isLayaway"), "true");
    let (_, line) = call(&world, "POST", "Sale/2/SaleLine.json", &json!({"itemID": id, "isLayaway": true}));
    assert_eq!((text(&line["SaleLine"], "saleID"), text(&line["SaleLine"], "unitQuantity")), ("2", "0"));
    assert_eq!(list(&get(&world, "Sale/2/SaleLine.json")["SaleLine"]).len(), 2);
    assert_eq!(call(&world, "POST", "Sale/1/SaleLine.json", &json!({"itemID": id})).0, 400, "it is completed");
    assert_eq!(there(2), n - 2);
    // To be ordered: nothing is reserved either.
    let order = json!({"customerID": customer, "shopID": 2, "itemID": id, "unitQuantity": 4, "isSpecialOrder": true,
        "requireFullReservation": true});
    call(&world, "POST", "SaleLine.json", &order);
    let special = get(&world, "SpecialOrder.json")["SpecialOrder"].clone();
    assert_eq!((text(&special, "status"), text(&special, "unitQuantity"), there(2)), ("Not Ordered", "4", n - 2));
    assert_eq!(call(&world, "PUT", "SpecialOrder/1.json", &json!({})).0, 405);
    let line = text(&special, "saleLineID");
    call(&world, "DELETE", &format!("SaleLine/{line}.json"), &json!(null));
    assert_eq!(get(&world, "SpecialOrder.json").get("SpecialOrder"), None);
}

#[test]
fn drawers_are_opened_counted_and_closed() {
    let world = patient();
    let (sku, _) = plenty(&world);
    assert_eq!(call(&world, "POST", "Register/1/open.json", &json!({"amount": 100})).0, 400, "it is open");
    call(&world, "POST", "Register/2/close.json", &json!({}));
    world.advance_to(world.now() + Span::hours(8));
    let open = json!({"amount": "100", "notes": "morning", "employeeID": 2, "paymentTypeID": 1});
    let (status, opened) = call(&world, "POST", "Register/2/open.json", &open);
    assert_eq!((status, text(&opened["RegisterWithdraw"], "amount")), (200, "100"));
    world.advance_to(world.now() + Span::minutes(9));
    let sold = world.sell(&sku, "Soho", 1).expect("in stock");
    let paid = text(&sale(&world, &sold), "total").to_owned();
    world.return_unlinked(&sku, "Soho", 1).expect("a return");
    call(&world, "POST", "RegisterWithdraw.json", &json!({"registerID": 2, "amount": -20, "employeeID": 2}));
    let sums = list(&get(&world, "Register/2/calculated.json")["CalculatedAmount"]);
    assert_eq!((text(&sums[0], "add"), text(&sums[0], "withdraw")), ("100", "-20"));
    assert_eq!((text(&sums[0], "payment"), text(&sums[1], "payment")), (format!("-{paid}").as_str(), paid.as_str()));
    world.advance_to(world.now() + Span::hours(9));
    let (status, closed) = call(&world, "POST", "Register/2/close.json", &json!({"closeEmployeeID": 2, "notes": "n"}));
    assert_eq!(status, 200);
    let amounts = list(&closed["RegisterCount"]["RegisterCountAmounts"]["RegisterCountAmount"]);
    assert_eq!(amounts.len(), 3, "one for each payment type");
    assert!(amounts.iter().all(|amount| text(amount, "actual") == "0"), "nobody can send what was counted");
    assert_eq!(text(&amounts[1], "calculated"), paid);
    assert_eq!(text(&get(&world, "Register/2.json")["Register"], "open"), "false");
    let loaded = words(&["RegisterCountAmounts", "RegisterCountAmounts.PaymentType"]);
    let counts = follow(&world, &format!("RegisterCount.json?load_relations={loaded}"), "RegisterCount");
    assert_eq!(counts[0].len(), 2);
    assert_eq!(counts[0][1].get("shopID"), None, "the shop is the register's");
    let day = "startDate=2026-03-02&endDate=2026-03-02";
    let payments = list(&get(&world, &format!("Reports/Accounting/PaymentsByDay.json?{day}"))["Payments"]);
    assert_eq!((text(&payments[0], "date"), text(&payments[0], "shopID")), ("03/02/2026", "2"));
    assert_eq!(payments.len(), 2);
    let taxes = get(&world, &format!("Reports/Accounting/TaxesByDay.json?{day}"));
    assert_eq!(text(&taxes["Taxes"], "tax"), "0", "sold and brought back");
}

#[test]
fn a_sale_that_is_shown_late_is_not_in_the_list_before() {
    use super::super::habits::Habits;
    let habits = Habits { sale_lag: Span::secs(5), ..Habits::PLAIN };
    let options = Options { habits: Some(habits), limits_on: false, ..Options::still(4, 60) };
    let world = World::open(options.with_r_series());
    let (sku, id) = plenty(&world);
    let sold: Vec<String> = (0..20).map(|_| world.sell(&sku, "Soho", 1).expect("in stock")).collect();
    assert!(list(&get(&world, "Sale.json")["Sale"]).len() < 20);
    let (_, own) = call(&world, "POST", "Sale.json", &body(&id, 1, total(&world, &id, 1), &json!({})));
    assert_eq!(text(&own["Sale"], "completed"), "true", "who writes sees it");
    world.advance_to(world.now() + Span::secs(6));
    let rows = list(&get(&world, "Sale.json?sort=timeStamp")["Sale"]);
    assert_eq!(rows.len(), sold.len() + 1);
    assert!(rows.windows(2).all(|pair| text(&pair[0], "timeStamp") <= text(&pair[1], "timeStamp")));
}
