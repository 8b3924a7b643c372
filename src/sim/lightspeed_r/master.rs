//! Shops, drawers, people and taxes as the till prints them.

use super::super::till::TAX_PERCENT;
use super::super::world::State;
use super::account::ACCOUNT;
use super::shape::{Row, dec, decimal, one_or_many, row, s, time};
use super::tables::At;
use crate::domain::money::{Fine, Minor};
use serde_json::{Value, json};

/// The tax rate as a fraction.
pub(super) fn rate() -> Value {
    s(decimal(TAX_PERCENT, 2))
}

pub(super) fn money(amount: Minor) -> Value {
    dec(Fine(amount.0 * 1_000))
}

pub(super) fn account() -> Value {
    json!({
        "@attributes": {"count": "1"},
        "Account": {
            "accountID": ACCOUNT, "name": "Simulated retailer",
            "link": {"@attributes": {"href": format!("/API/Account/{ACCOUNT}")}},
        },
    })
}

/// Whose token it is. The vendor's papers name the employee in it and little else.
pub(super) fn session(scopes: &str) -> Value {
    let rights: serde_json::Map<String, Value> =
        scopes.split_whitespace().map(|scope| (scope.trim_start_matches("employee:").to_owned(), s(true))).collect();
    let employee = json!({"employeeID": "1", "firstName": "Shop", "lastName": "Owner", "EmployeeRights": rights});
    json!({
        "@attributes": {},
        "Session": {"sessionID": "1", "employeeID": "1", "systemCustomerID": ACCOUNT, "Employee": employee},
        "Employee": employee, "employeeID": "1", "systemCustomerID": ACCOUNT,
    })
}

pub(super) fn shop(state: &State, at: usize) -> Row {
    let Some(outlet) = state.till.outlets.get(at) else { return Row::new() };
    row([
        ("shopID", s(at + 1)),
        ("name", s(&outlet.name)),
        ("serviceRate", s(0)),
        ("timeZone", s(outlet.zone.name())),
        ("taxLabor", s(false)),
        ("labelTitle", s("Shop Name")),
        ("labelMsrp", s(false)),
        ("archived", s(false)),
        ("timeStamp", time(state.till.opened_at)),
        ("companyRegistrationNumber", s("")),
        ("vatNumber", s("")),
        ("contactID", s(at + 1)),
        ("taxCategoryID", s(1)),
        ("priceLevelID", s(1)),
    ])
}

pub(super) fn register(state: &State, at: usize) -> Row {
    let (Some(register), Some(drawer)) = (state.till.registers.get(at), state.r.drawers.get(at)) else {
        return Row::new();
    };
    let mut shown = row([
        ("registerID", s(at + 1)),
        ("name", s(&register.name)),
        ("open", s(drawer.open)),
        ("openEmployeeID", s(if drawer.open { drawer.opened_by } else { 0 })),
        ("shopID", s(register.outlet + 1)),
        ("archived", s(false)),
        ("tipEnabled", s(false)),
    ]);
    if drawer.open {
        shown.insert("openTime".into(), time(drawer.since));
    }
    shown
}

pub(super) fn register_count(state: &State, at: usize) -> Row {
    let Some(count) = state.r.counted.get(at) else { return Row::new() };
    row([
        ("registerCountID", s(at + 1)),
        ("createTime", time(count.closed)),
        ("openTime", time(count.opened)),
        ("notes", s(&count.notes)),
        ("registerID", s(count.register + 1)),
        ("openEmployeeID", s(count.opened_by)),
        ("closeEmployeeID", s(count.closed_by)),
    ])
}

pub(super) fn register_count_amount(state: &State, at: At) -> Row {
    let amount = state.r.counted.get(at.0).and_then(|count| count.amounts.get(at.1));
    let Some((kind, calculated, actual)) = amount else { return Row::new() };
    row([
        ("registerCountAmountID", s(super::tables::Kind::RegisterCountAmount.id(state, at))),
        ("calculated", money(*calculated)),
        ("actual", money(*actual)),
        ("registerCountID", s(at.0 + 1)),
        ("paymentTypeID", s(kind + 1)),
    ])
}

pub(super) fn register_withdraw(state: &State, at: usize) -> Row {
    let Some(withdraw) = state.r.withdraws.get(at) else { return Row::new() };
    row([
        ("registerWithdrawID", s(at + 1)),
        ("amount", money(withdraw.amount)),
        ("createTime", time(withdraw.at)),
        ("notes", s(&withdraw.notes)),
        ("registerID", s(withdraw.register + 1)),
        ("employeeID", s(withdraw.employee)),
        ("paymentTypeID", s(withdraw.kind + 1)),
    ])
}

pub(super) fn employee(at: usize) -> Row {
    row([
        ("employeeID", s(at + 1)),
        ("firstName", s("Shop")),
        ("lastName", s(if at == 0 { "Owner" } else { "Floor" })),
        ("lockOut", s(false)),
        ("archived", s(false)),
        ("contactID", s(at + 1)),
        ("employeeRoleID", s(if at == 0 { 4 } else { 2 })),
        ("limitToShopID", s(0)),
    ])
}

pub(super) fn payment_type(state: &State, at: usize) -> Row {
    let Some(kind) = state.till.payment_types.get(at) else { return Row::new() };
    let word = match at {
        0 => "cash",
        1 => "credit card",
        2 => "gift card",
        3 => "credit account",
        4 => "ecom",
        _ => "user defined",
    };
    row([
        ("paymentTypeID", s(at + 1)),
        ("name", s(kind.name)),
        ("requireCustomer", s(at == 3)),
        ("archived", s(false)),
        ("internalReserved", s(matches!(at, 2..=4))),
        ("type", s(word)),
        ("refundAsPaymentTypeID", s(0)),
    ])
}

pub(super) fn price_level(at: usize) -> Row {
    let name = if at == 0 { "Default" } else { "MSRP" };
    row([("priceLevelID", s(at + 1)), ("name", s(name)), ("archived", s(false)), ("canBeArchived", s(false))])
}

pub(super) fn tax_category() -> Row {
    row([
        ("taxCategoryID", s(1)),
        ("isTaxInclusive", s(false)),
        ("tax1Name", s("VAT")),
        ("tax2Name", s("")),
        ("tax1Rate", rate()),
        ("tax2Rate", s(0)),
    ])
}

pub(super) fn tax_class() -> Row {
    row([("taxClassID", s(1)), ("name", s("Item")), ("classCode", s(""))])
}

pub(super) fn tax_category_class() -> Row {
    row([
        ("taxCategoryClassID", s(1)),
        ("tax1Rate", rate()),
        ("tax2Rate", s(0)),
        ("taxCategoryID", s(1)),
        ("taxClassID", s(1)),
    ])
}

pub(super) fn customer(state: &State, at: usize) -> Row {
    let Some(customer) = state.r.customers.get(at) else { return Row::new() };
    let mut shown = row([
        ("customerID", s(at + 1)),
        ("firstName", s("")),
        ("lastName", s("")),
        ("title", s("")),
        ("company", s("")),
        ("vatNumber", s("")),
        ("creditAccountID", s(0)),
        ("customerTypeID", s(0)),
        ("discountID", s(0)),
        ("taxCategoryID", s(0)),
        ("createTime", time(customer.created)),
        ("timeStamp", time(customer.changed)),
        ("archived", s(customer.archived)),
    ]);
    for (name, value) in &customer.fields {
        shown.insert(name.clone(), s(value));
    }
    shown
}

/// How to reach a customer; nobody may be written to who has not agreed.
pub(super) fn contact(state: &State, at: usize) -> Option<Value> {
    let customer = state.r.customers.get(at)?;
    let flag = |name: &str| s(customer.contact.get(name).map_or("true", String::as_str));
    let each = |field: &str, value: &Option<String>, use_type: &str| -> Vec<Value> {
        value.iter().map(|value| json!({field: value, "useType": use_type})).collect()
    };
    Some(json!({
        "custom": "", "noEmail": flag("noEmail"), "noPhone": flag("noPhone"), "noMail": flag("noMail"),
        "Addresses": "",
        "Phones": one_or_many("ContactPhone", each("number", &customer.phone, "Home")),
        "Emails": one_or_many("ContactEmail", each("address", &customer.email, "Primary")),
        "Websites": "", "timeStamp": time(customer.changed),
    }))
}
