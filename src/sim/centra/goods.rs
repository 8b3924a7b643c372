//! Products, variants and sizes as people change them: taken off, put on again, another barcode.

use super::super::world::State;
use super::input::{Done, Said, refuse, words};
use super::query::Node;
use serde_json::{Map, Value};

fn place<T>(list: &[T], id: &Value, of: impl Fn(&T) -> i64) -> Option<usize> {
    list.iter().position(|row| Some(of(row)) == id.as_i64())
}

pub(super) fn product(state: &mut State, id: &Value, input: &Map<String, Value>) -> Said {
    let Some(at) = place(&state.range.styles, id, |s| s.web_id) else {
        return refuse(format!("Could not find Product with ID {id}"), &["id"]);
    };
    if let Some((name, style)) = words(input, "name").zip(state.range.styles.get_mut(at)) {
        name.clone_into(&mut style.name);
    }
    let now = state.now;
    let papers = &mut state.web.papers;
    match words(input, "status") {
        Some("ACTIVE") => drop(papers.styles_off.remove(&at)),
        Some(_) => drop(papers.styles_off.insert(at)),
        None => {}
    }
    papers.style_changed.insert(at, now);
    state.tell_event("Product", "UPDATED", id.as_i64().unwrap_or(0));
    Ok(Done::one("product", Node::Product(at)))
}

pub(super) fn variant(state: &mut State, id: &Value, input: &Map<String, Value>) -> Said {
    let Some(at) = place(&state.range.variants, id, |v| v.web_id) else {
        return refuse(format!("Could not find ProductVariant with ID {id}"), &["id"]);
    };
    let now = state.now;
    let papers = &mut state.web.papers;
    match words(input, "status") {
        Some("ACTIVE") => drop(papers.variants_off.remove(&at)),
        Some(_) => drop(papers.variants_off.insert(at)),
        None => {}
    }
    papers.variant_changed.insert(at, now);
    state.tell_event("ProductVariant", "UPDATED", id.as_i64().unwrap_or(0));
    Ok(Done::one("productVariant", Node::Variant(at)))
}

/// A size's SKU is made of its parts and is not written; an empty EAN takes it away.
pub(super) fn size(state: &mut State, id: &Value, input: &Map<String, Value>) -> Said {
    let Some(at) = id.as_i64().and_then(|id| state.web.item_by_size.get(&id).copied()) else {
        return refuse(format!("Could not find ProductSize with ID {id}"), &["id"]);
    };
    if let Some((ean, item)) = words(input, "EAN").zip(state.range.items.get_mut(at)) {
        let before = std::mem::replace(&mut item.ean, (!ean.is_empty()).then(|| ean.to_owned()));
        if let Some(before) = before.filter(|before| state.web.item_by_ean.get(before) == Some(&at)) {
            state.web.item_by_ean.remove(&before);
        }
        if !ean.is_empty() {
            state.web.item_by_ean.entry(ean.to_owned()).or_insert(at);
        }
    }
    let now = state.now;
    let papers = &mut state.web.papers;
    match input.get("isActive").and_then(Value::as_bool) {
        Some(true) => drop(papers.sizes_off.remove(&at)),
        Some(false) => drop(papers.sizes_off.insert(at)),
        None => {}
    }
    papers.size_changed.insert(at, now);
    state.tell_event("ProductSize", "UPDATED", id.as_i64().unwrap_or(0));
    Ok(Done::one("productSize", Node::Size(at)))
}
