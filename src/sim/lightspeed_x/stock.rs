//! Counts that are changed by so many with a reason, and the other ways of reading them.

use super::super::text;
use super::super::world::State;
use super::account::{Adjustment, Reason};
use super::parse::{self, Tried, cannot, rows};
use super::write_sales::outlet;
use super::{Query, Said, hooks, not_found, rest};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DOWN: [&str; 5] = ["DAMAGE", "EXPIRY", "INTERNAL_USE", "THEFT", "DONATION"];
const UP: [&str; 2] = ["STOCK_FOUND", "SAMPLE_FOR_SALE"];
/// The most changes in one call.
const MOST: usize = 1_000;
/// The longest name of a reason.
const LONGEST: usize = 30;

struct Wish {
    item: usize,
    outlet: usize,
    by: i64,
    reason: String,
    custom: Option<String>,
}

pub(super) fn adjust(state: &mut State, body: &Value) -> Said {
    let given = rows(&body["stock_adjustments"]);
    if given.is_empty() || given.len() > MOST {
        return cannot("stock_adjustments must have between 1 and 1000 rows");
    }
    // All of them or none.
    let wishes: Tried<Vec<Wish>> = given.iter().map(|row| wish(state, row)).collect();
    let wishes = match wishes {
        Ok(wishes) => wishes,
        Err(refusal) => return refusal,
    };
    let mut data = Vec::new();
    for wish in wishes {
        let version = state.till.next_version();
        state.x_at_once(|state| state.adjust_till(wish.item, wish.outlet, wish.by, "adjusted"));
        let made = Adjustment {
            id: text::uuid(&mut state.x.chance),
            item: wish.item,
            outlet: wish.outlet,
            by: wish.by,
            reason: wish.reason,
            custom: wish.custom,
            at: state.now,
            version,
        };
        data.push(show(state, &made));
        state.x.adjustments.push(made);
    }
    (StatusCode::CREATED, json!({"data": data}), Vec::new())
}

fn wish(state: &State, row: &Value) -> Tried<Wish> {
    let product = parse::text(&row["product_id"]).unwrap_or_default();
    let item = state.till.product_by_id.get(&product).copied();
    let item = item.ok_or_else(|| cannot("There is no such product"))?;
    let outlet = outlet(state, &parse::text(&row["outlet_id"]).unwrap_or_default())?;
    // A text, not a number.
    let quantity = row["quantity"].as_str().ok_or_else(|| cannot("quantity must be a numeric string"))?;
    let by = parse::units(&Value::from(quantity)).filter(|by| *by != 0);
    let by = by.ok_or_else(|| cannot("quantity must be a numeric string that is not zero"))?;
    let reason = parse::text(&row["reason"]).unwrap_or_default();
    let custom = parse::text(&row["custom_inventory_adjustment_reason_id"]);
    let positive = match (reason.as_str(), &custom) {
        ("CUSTOM", Some(id)) => {
            let known = state.x.reasons.iter().find(|own| own.id == *id && own.enabled);
            known.ok_or_else(|| cannot("There is no such reason, or it is not enabled"))?.positive
        }
        (word, None) if DOWN.contains(&word) => false,
        (word, None) if UP.contains(&word) => true,
        _ => return Err(cannot("reason is not known, or does not go with a custom reason")),
    };
    if positive != (by > 0) {
        return Err(cannot("quantity has the wrong sign for this reason"));
    }
    if state.x.items.get(&item).is_some_and(|notes| notes.untracked) {
        return Err(cannot("The product has no inventory"));
    }
    Ok(Wish { item, outlet, by, reason, custom })
}

fn show(state: &State, one: &Adjustment) -> Value {
    let mut row = json!({
        "id": one.id, "product_id": hooks::product_id(&state.till, one.item),
        "outlet_id": state.till.outlets.get(one.outlet).map(|outlet| outlet.id.as_str()),
        "quantity": one.by.to_string(), "reason": one.reason, "user_id": state.till.user_id,
        "created_at": text::offset(one.at), "updated_at": text::offset(one.at), "version": one.version,
    });
    if let Some(custom) = &one.custom {
        row["custom_inventory_adjustment_reason_id"] = Value::from(custom.as_str());
    }
    row
}

pub(super) fn adjustments(state: &State, query: &Query) -> Said {
    let index: BTreeMap<i64, usize> = state.x.adjustments.iter().enumerate().map(|(k, one)| (one.version, k)).collect();
    let found = rest::feed_of(&index, query, 100, MOST, |_| true);
    let data = found.iter().filter_map(|(_, k)| state.x.adjustments.get(*k)).map(|one| show(state, one)).collect();
    (StatusCode::OK, rest::envelope(&found, data), Vec::new())
}

fn show_reason(one: &Reason) -> Value {
    json!({
        "id": one.id, "name": one.name, "enabled": one.enabled, "is_from_external_source": false,
        "type": if one.positive { "POSITIVE" } else { "NEGATIVE" },
        "created_at": text::offset(one.created), "updated_at": text::offset(one.changed), "version": one.version,
    })
}

pub(super) fn reasons(state: &State, query: &Query) -> Said {
    let index: BTreeMap<i64, usize> = state.x.reasons.iter().enumerate().map(|(k, one)| (one.version, k)).collect();
    let found = rest::feed_of(&index, query, 100, MOST, |_| true);
    let data = found.iter().filter_map(|(_, k)| state.x.reasons.get(*k)).map(show_reason).collect();
    (StatusCode::OK, rest::envelope(&found, data), Vec::new())
}

fn reason_name(body: &Value) -> Option<String> {
    parse::text(&body["name"]).filter(|name| name.chars().count() <= LONGEST)
}

pub(super) fn create_reason(state: &mut State, body: &Value) -> Said {
    let Some(name) = reason_name(body) else { return cannot("name is required and has 30 characters at most") };
    let positive = match body["type"].as_str() {
        Some("POSITIVE") => true,
        Some("NEGATIVE") => false,
        _ => return cannot("type must be POSITIVE or NEGATIVE"),
    };
    let Some(enabled) = body["enabled"].as_bool() else { return cannot("enabled is required") };
    if state.x.reasons.iter().any(|own| own.name == name) {
        return parse::conflict("There is a reason of this name already");
    }
    let (id, version, now) = (text::uuid(&mut state.x.chance), state.till.next_version(), state.now);
    let made = Reason { id, name, enabled, positive, created: now, changed: now, version };
    let data = show_reason(&made);
    state.x.reasons.push(made);
    (StatusCode::OK, json!({"data": data}), Vec::new())
}

pub(super) fn change_reason(state: &mut State, id: &str, body: &Value) -> Said {
    let (version, now) = (state.till.next_version(), state.now);
    let Some(own) = state.x.reasons.iter_mut().find(|own| own.id == id) else { return not_found() };
    own.name = reason_name(body).unwrap_or_else(|| own.name.clone());
    own.enabled = body["enabled"].as_bool().unwrap_or(own.enabled);
    (own.changed, own.version) = (now, version);
    (StatusCode::OK, json!({"data": show_reason(own)}), Vec::new())
}

/// Where to reorder. Counts do not move.
pub(super) fn reorder(state: &mut State, body: &[u8]) -> Said {
    let Ok(Value::Array(given)) = serde_json::from_slice::<Value>(body) else {
        return parse::bad("The body must be a JSON list");
    };
    let mut data = Vec::new();
    for row in &given {
        let item = parse::text(&row["product_id"]).and_then(|id| state.till.product_by_id.get(&id)).copied();
        let place = outlet(state, &parse::text(&row["outlet_id"]).unwrap_or_default());
        let amount = parse::units(&row["reorder_amount"]).or(parse::units(&row["reorder_target"]));
        let (Some(item), Ok(place), Some(point), Some(amount)) =
            (item, place, parse::units(&row["reorder_point"]), amount)
        else {
            return cannot("A row is not complete");
        };
        state.x.reorder.insert((item, place), (point, amount));
        data.push(row.clone());
    }
    (StatusCode::OK, json!({"data": data}), Vec::new())
}

/// Counts as a report shows them, under other names.
pub(super) fn levels(state: &State, body: &Value) -> Said {
    let named = |name: &str| -> Vec<String> { rows(&body[name]).iter().filter_map(parse::text).collect() };
    let (places, products) = (named("location_ids"), named("product_ids"));
    if products.len() > MOST {
        return cannot("product_ids has 1000 ids at most");
    }
    let span = |name: &str, otherwise: usize| {
        parse::units(&body[name]).and_then(|n| usize::try_from(n).ok()).unwrap_or(otherwise)
    };
    let (skip, take) = (span("offset", 0), span("size", 100).clamp(1, 10_000));
    let within = |own: &str, named: &[String]| named.is_empty() || named.iter().any(|id| id == own);
    let all = state.till.stock_by_version.values().filter(|(item, outlet)| {
        let product = state.till.product_ids.get(*item).is_some_and(|id| within(id, &products));
        product && state.till.outlets.get(*outlet).is_some_and(|outlet| within(&outlet.id, &places))
    });
    let data: Vec<Value> =
        all.skip(skip).take(take).filter_map(|(item, outlet)| level(state, *item, *outlet)).collect();
    (StatusCode::OK, Value::Array(data), Vec::new())
}

pub(super) fn levels_of(state: &State, id: &str) -> Said {
    let Some(item) = state.till.product_by_id.get(id).copied() else { return not_found() };
    let data = (0..state.till.outlets.len()).filter_map(|outlet| level(state, item, outlet)).collect();
    (StatusCode::OK, Value::Array(data), Vec::new())
}

fn level(state: &State, item: usize, outlet: usize) -> Option<Value> {
    let row = state.till.stock.get(item)?.get(outlet)?;
    let cost = state.range.items.get(item)?.cost;
    let (point, amount) = state.x.reorder.get(&(item, outlet)).copied().unwrap_or((2, 10));
    Some(json!({
        "product_id": hooks::product_id(&state.till, item),
        "location_id": state.till.outlets.get(outlet)?.id, "name": rest::facts(state, item)?.name,
        "current_inventory_level": row.shown, "average_cost": text::number_minor(cost),
        "reorder_threshold": point, "reorder_amount": amount, "reorder_method": "FIXED", "quantity_to_procure": 0,
    }))
}
