//! Customers: the walk-in, whom nobody made, and those that were made over the wire.

use super::super::text;
use super::super::world::State;
use super::account::{Customer, SaleNotes};
use super::parse::{self, Tried, cannot, conflict};
use super::{Query, Said, not_found, rest};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Texts that can be written as they are.
const FIELDS: [&str; 26] = [
    "first_name",
    "last_name",
    "email",
    "phone",
    "mobile",
    "fax",
    "company_name",
    "note",
    "gender",
    "website",
    "physical_address_1",
    "physical_address_2",
    "physical_suburb",
    "physical_city",
    "physical_postcode",
    "physical_state",
    "physical_country_id",
    "postal_address_1",
    "postal_address_2",
    "postal_suburb",
    "postal_city",
    "postal_postcode",
    "postal_state",
    "postal_country_id",
    "custom_field_1",
    "custom_field_2",
];

/// The place of the customer with this id; the walk-in is none of them.
pub(super) fn find(state: &State, id: &str) -> Tried<Option<usize>> {
    if id == state.till.walk_in_id {
        return Ok(None);
    }
    let found = state.x.customers.iter().position(|own| own.id == id && own.deleted.is_none());
    found.map(Some).ok_or_else(|| cannot("customer_id is not a customer"))
}

/// The id of the customer of a sale.
pub(in crate::sim) fn of_sale<'a>(state: &'a State, notes: Option<&SaleNotes>) -> &'a str {
    let own = notes.and_then(|notes| notes.customer).and_then(|at| state.x.customers.get(at));
    own.map_or(state.till.walk_in_id.as_str(), |own| own.id.as_str())
}

fn show(own: &Customer) -> Value {
    let mut row = own.fields.clone();
    let name = ["first_name", "last_name"].map(|name| own.fields.get(name).and_then(Value::as_str).unwrap_or_default());
    let fixed = json!({
        "id": own.id, "customer_code": own.code, "name": name.join(" ").trim(), "balance": 0, "loyalty_balance": 0,
        "year_to_date": 0, "on_account_limit": 0, "enable_loyalty": false, "do_not_email": false,
        "created_at": text::offset(own.created), "updated_at": text::offset(own.changed), "version": own.version,
    });
    row.extend(fixed.as_object().cloned().unwrap_or_default());
    if let Some(at) = own.deleted {
        row.insert("deleted_at".into(), Value::from(text::offset(at)));
    }
    Value::Object(row)
}

fn walk_in(state: &State) -> Customer {
    Customer {
        id: state.till.walk_in_id.clone(),
        code: "WALKIN".into(),
        fields: fields(&json!({})),
        created: state.till.opened_at,
        changed: state.till.opened_at,
        deleted: None,
        version: state.till.outlets.first().map_or(1, |outlet| outlet.version),
    }
}

fn fields(body: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    for name in ["first_name", "last_name"] {
        out.insert(name.into(), Value::from(""));
    }
    for name in FIELDS {
        if let Some(value) = body[name].as_str() {
            out.insert(name.into(), Value::from(parse::without_cards(value)));
        }
    }
    out
}

pub(super) fn list(state: &State, query: &Query) -> Said {
    let all: Vec<Customer> = std::iter::once(walk_in(state)).chain(state.x.customers.iter().cloned()).collect();
    let index: BTreeMap<i64, usize> = all.iter().enumerate().map(|(k, own)| (own.version, k)).collect();
    let dead = rest::wants_deleted(state, query);
    let found =
        rest::feed_of(&index, query, 200, 5_000, |k| dead || all.get(k).is_some_and(|own| own.deleted.is_none()));
    let data = found.iter().filter_map(|(_, k)| all.get(*k)).map(show).collect();
    (StatusCode::OK, rest::envelope(&found, data), Vec::new())
}

pub(super) fn one(state: &State, id: &str) -> Said {
    let own = match state.x.customers.iter().find(|own| own.id == id) {
        Some(own) => show(own),
        None if id == state.till.walk_in_id => show(&walk_in(state)),
        None => return not_found(),
    };
    (StatusCode::OK, json!({"data": own}), Vec::new())
}

pub(super) fn create(state: &mut State, body: &Value) -> Said {
    if parse::text(&body["first_name"]).or(parse::text(&body["last_name"])).is_none() {
        return cannot("first_name or last_name is required");
    }
    let code = parse::text(&body["customer_code"]);
    if code.as_ref().is_some_and(|code| code == "WALKIN" || state.x.customers.iter().any(|own| own.code == *code)) {
        return conflict("The customer_code is taken");
    }
    let (id, version, now) = (text::uuid(&mut state.x.chance), state.till.next_version(), state.now);
    let code = code.unwrap_or_else(|| format!("C-{}", state.x.customers.len() + 1));
    let made = Customer { id, code, fields: fields(body), created: now, changed: now, deleted: None, version };
    let data = show(&made);
    state.x.customers.push(made);
    state.post_till("customer.update", &data, None);
    (StatusCode::CREATED, json!({"data": data}), Vec::new())
}

/// Changes a customer, or deletes it where there is no body.
pub(super) fn change(state: &mut State, id: &str, body: Option<&Value>) -> Said {
    if id == state.till.walk_in_id {
        return cannot("The walk-in customer cannot be changed");
    }
    let (version, now) = (state.till.next_version(), state.now);
    let Some(own) = state.x.customers.iter_mut().find(|own| own.id == id && own.deleted.is_none()) else {
        return not_found();
    };
    (own.changed, own.version) = (now, version);
    match body {
        Some(body) => {
            let blank = fields(&json!({}));
            own.fields.extend(fields(body).into_iter().filter(|(name, value)| blank.get(name) != Some(value)));
        }
        None => own.deleted = Some(now),
    }
    let data = show(own);
    state.post_till("customer.update", &data, None);
    match body {
        Some(_) => (StatusCode::OK, json!({"data": data}), Vec::new()),
        None => (StatusCode::NO_CONTENT, Value::Null, Vec::new()),
    }
}
