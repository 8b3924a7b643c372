//! The queue of events: listened to by kind, read oldest first, and read again until confirmed. All tokens of one
//! integration share it; the object of an event is what it is now.

use super::super::world::State;
use super::filter::Filter;
use super::input::{Done, Said};
use super::papers::Event;
use super::query::Node;
use super::schema::Asked;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Kinds that may be listened to.
const KINDS: &[&str] = &["Order", "Shipment", "Return", "Product", "ProductVariant", "ProductSize", "StockChange"];
const CHANGES: &[&str] = &["CREATED", "UPDATED", "DELETED", "COMPLETED", "DEPENDENT_DATA_CHANGED"];

/// Whether a list of listeners says only what exists; otherwise the word that does not.
pub(super) fn unknown(input: &Value) -> Option<String> {
    let rows = input.as_array().cloned().unwrap_or_else(|| vec![input.clone()]);
    for row in &rows {
        let kind = row.get("objectType").and_then(Value::as_str).unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Some(kind.to_owned());
        }
        for change in row.get("changeTypes").and_then(Value::as_array).into_iter().flatten() {
            if !change.as_str().is_some_and(|c| CHANGES.contains(&c)) {
                return Some(change.to_string());
            }
        }
    }
    None
}

/// Adds listeners, or takes them away together with what is queued for them.
pub(super) fn listen(state: &mut State, input: &Value, on: bool) -> Said {
    let rows = input.as_array().cloned().unwrap_or_else(|| vec![input.clone()]);
    let papers = &mut state.web.papers;
    for row in &rows {
        let kind = row.get("objectType").and_then(Value::as_str).unwrap_or_default();
        let changes: BTreeSet<String> = (row.get("changeTypes").and_then(Value::as_array).into_iter().flatten())
            .filter_map(|c| c.as_str().map(str::to_owned))
            .collect();
        if !on {
            papers.listeners.remove(kind);
            papers.events.retain(|e| e.kind != kind);
            continue;
        }
        match papers.listeners.get_mut(kind) {
            Some(heard) if heard.is_empty() => {}
            Some(heard) if !changes.is_empty() => heard.extend(changes),
            _ => {
                papers.listeners.insert(kind.to_owned(), changes);
            }
        }
    }
    let show = |(kind, changes): (&String, &BTreeSet<String>)| {
        Node::Ready(json!({"__typename": "EventListener", "objectType": kind, "changeTypes": changes}))
    };
    let list = papers.listeners.iter().map(show).collect();
    Ok(Done { lists: vec![("eventListeners", list)], ..Done::default() })
}

/// Takes events out of the queue; confirming twice, or what is not there, does nothing.
pub(super) fn confirm(state: &mut State, input: &Map<String, Value>) -> Said {
    let ids: BTreeSet<i64> =
        input.get("eventsIds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect();
    state.web.papers.events.retain(|e| !ids.contains(&e.id));
    Ok(Done::default())
}

/// The queue, oldest first.
pub(super) fn list(state: &State, asked: &Asked) -> Vec<Node> {
    let papers = &state.web.papers;
    let filter = Filter::of(asked, state.web.zone);
    let fits = |e: &&Event| {
        !papers.quirks.other_store
            && filter.id("id", e.id)
            && filter.word("objectType", e.kind)
            && filter.word("changeType", e.change)
    };
    papers.events.iter().filter(fits).map(|e| Node::Ready(shown(state, e))).collect()
}

fn shown(state: &State, event: &Event) -> Value {
    let web = &state.web;
    let id = event.reference;
    let object = match event.kind {
        "Order" => web.order_by_number.get(&id).map(|at| json!({"$node": "Order", "at": at})),
        "Shipment" => web.papers.shipment(id).map(|at| json!({"$node": "Shipment", "at": at})),
        "Return" => web.papers.back(id).map(|at| json!({"$node": "Return", "at": at})),
        "StockChange" => web.changes.iter().position(|c| c.id == id).map(|at| json!({"$node": "Change", "at": at})),
        "ProductSize" => web.item_by_size.get(&id).map(|at| json!({"$node": "Size", "at": at})),
        "Product" => {
            state.range.styles.iter().position(|s| s.web_id == id).map(|at| json!({"$node": "Product", "at": at}))
        }
        "ProductVariant" => {
            state.range.variants.iter().position(|v| v.web_id == id).map(|at| json!({"$node": "Variant", "at": at}))
        }
        _ => None,
    };
    json!({
        "__typename": "Event", "id": event.id, "objectType": event.kind, "changeType": event.change,
        "objectReference": id, "createdAt": super::super::text::zoned(event.at, web.zone),
        "store": {"id": 1, "type": "DIRECT_TO_CONSUMER"}, "market": {"id": 1, "name": "Home market"},
        "object": object,
    })
}
