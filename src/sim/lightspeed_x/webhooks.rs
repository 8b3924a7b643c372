//! Subscriptions: what is told to whom.

use super::super::text;
use super::super::till::Hook;
use super::super::world::State;
use super::{Said, fail, not_allowed};
use http::{Method, StatusCode};
use serde_json::{Value, json};

pub(super) fn answer(state: &mut State, method: &Method, id: Option<&str>, body: &[u8]) -> Said {
    let retailer = state.till.retailer_id.clone();
    let show =
        |h: &Hook| json!({"id": h.id, "retailer_id": retailer, "url": h.url, "type": h.kind, "active": h.active});
    let at = id.and_then(|id| state.till.hooks.iter().position(|h| h.id == id));
    match (method, id, at) {
        (&Method::GET, None, _) => {
            (StatusCode::OK, json!({"data": state.till.hooks.iter().map(show).collect::<Vec<_>>()}), Vec::new())
        }
        (&Method::GET, Some(_), Some(at)) => {
            (StatusCode::OK, json!({"data": state.till.hooks.get(at).map(show)}), Vec::new())
        }
        (&Method::DELETE, Some(_), Some(at)) => {
            state.till.hooks.remove(at);
            (StatusCode::OK, Value::Null, Vec::new())
        }
        (&Method::POST, None, _) | (&Method::PUT, Some(_), Some(_)) => {
            let wanted: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
            let (Some(url), Some(kind), Some(active)) =
                (wanted["url"].as_str(), wanted["type"].as_str(), wanted["active"].as_bool())
            else {
                return fail(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "url, type and active are required");
            };
            if !KINDS.contains(&kind) {
                return fail(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "unknown webhook type");
            }
            let taken =
                state.till.hooks.iter().enumerate().any(|(k, h)| Some(k) != at && h.kind == kind && h.url == url);
            if taken {
                let body = json!({"error": "A webhook of this type already exists for this URL"});
                return (StatusCode::CONFLICT, body, Vec::new());
            }
            let status = if at.is_some() { StatusCode::OK } else { StatusCode::CREATED };
            let id = match id {
                Some(id) => id.to_owned(),
                None => text::uuid(&mut state.ids),
            };
            let hook = Hook { id, url: url.into(), kind: kind.into(), active };
            let shown = json!({"data": show(&hook)});
            match at.and_then(|at| state.till.hooks.get_mut(at)) {
                Some(slot) => *slot = hook,
                None => state.till.hooks.push(hook),
            }
            (status, shown, Vec::new())
        }
        (_, Some(_), None) => (StatusCode::NOT_FOUND, json!({"error": "The webhook could not be found"}), Vec::new()),
        _ => not_allowed(),
    }
}

const KINDS: [&str; 7] = [
    "sale.update",
    "product.update",
    "customer.update",
    "inventory.update",
    "register_closure.create",
    "consignment.send",
    "consignment.receive",
];
