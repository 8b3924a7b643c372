//! Drawers: opened, counted and closed. No list of past closures exists; whoever misses the notice has missed it.

use super::super::text;
use super::super::world::State;
use super::parse::{self, cannot, conflict, rows};
use super::{Said, not_found, rest};
use http::StatusCode;
use serde_json::{Value, json};

fn find(state: &State, id: &str) -> Option<usize> {
    state.till.registers.iter().position(|register| register.id == id)
}

pub(super) fn one(state: &State, id: &str) -> Said {
    match find(state, id).and_then(|at| rest::show_register(state, at)) {
        Some(data) => (StatusCode::OK, json!({"data": data}), Vec::new()),
        None => not_found(),
    }
}

fn shown_anew(state: &mut State, at: usize, id: &str) -> Said {
    let version = state.till.next_version();
    if let Some(register) = state.till.registers.get_mut(at) {
        register.version = version;
    }
    one(state, id)
}

pub(super) fn open(state: &mut State, id: &str, body: &Value) -> Said {
    let Some(at) = find(state, id) else { return not_found() };
    let when = parse::moment(&body["register_open_time"]).unwrap_or(state.now);
    if when > state.now
        || (!body["register_open_time"].is_null() && parse::moment(&body["register_open_time"]).is_none())
    {
        return cannot("register_open_time must be a time that has been");
    }
    let session = text::uuid(&mut state.x.chance);
    let Some(drawer) = state.x.drawers.get_mut(at) else { return not_found() };
    if drawer.open {
        return conflict("The register is open");
    }
    (drawer.open, drawer.since, drawer.closed_at) = (true, when, None);
    drawer.number += 1;
    drawer.sessions.push((when, session.clone()));
    if let Some(register) = state.till.registers.get_mut(at) {
        register.session = session;
    }
    shown_anew(state, at, id)
}

/// What payments of the current session, or of the last one, come to.
fn takings(state: &State, at: usize) -> Vec<Value> {
    let Some(drawer) = state.x.drawers.get(at) else { return Vec::new() };
    let sums = state.x_takings(at, drawer.since, drawer.closed_at.unwrap_or(state.now));
    let rows = state.till.payment_types.iter().zip(sums).filter(|(_, sum)| sum.0 != 0);
    rows.map(|(kind, sum)| json!({"payment_type_id": kind.id, "payment_type_name": kind.name, "total": money(sum.0)}))
        .collect()
}

/// `"255.00"`
fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

pub(super) fn summary(state: &State, id: &str) -> Said {
    let Some(at) = find(state, id) else { return not_found() };
    let Some(drawer) = state.x.drawers.get(at) else { return not_found() };
    let session = state.till.registers.get(at).map(|register| register.session.as_str());
    let data = json!({
        "register_open_time": text::offset(drawer.since), "register_closure_id": session,
        "register_closure_sequence_number": drawer.number, "payments": takings(state, at),
    });
    (StatusCode::OK, json!({"data": data}), Vec::new())
}

pub(super) fn close(state: &mut State, id: &str, body: &Value) -> Said {
    let Some(at) = find(state, id) else { return not_found() };
    let mut counted = Vec::new();
    for row in rows(&body["payments"]) {
        let kind = parse::text(&row["payment_type_id"]).unwrap_or_default();
        let kind = state.till.payment_types.iter().find(|own| own.id == kind);
        let total = row["total"].as_str().and_then(|_| parse::fine(&row["total"]));
        let (Some(kind), Some(total)) = (kind, total) else {
            return cannot("payments needs payment_type_id and total, a text");
        };
        counted.push(
            json!({"payment_type_id": kind.id, "payment_type_name": kind.name, "total": money(total.to_minor().0)}),
        );
    }
    if !body["payments"].is_array() {
        return cannot("payments is required");
    }
    let expected = takings(state, at);
    let now = state.now;
    let session = state.till.registers.get(at).map(|register| register.session.clone());
    let outlet = state.till.registers.get(at).and_then(|r| state.till.outlets.get(r.outlet)).map(|o| o.id.clone());
    let Some(drawer) = state.x.drawers.get_mut(at) else { return not_found() };
    if !drawer.open {
        return conflict("The register is closed");
    }
    (drawer.open, drawer.closed_at) = (false, Some(now));
    // What this notice carries is not published; these are the words of the summary.
    let payload = json!({
        "id": session, "register_id": id, "outlet_id": outlet, "sequence_number": drawer.number,
        "register_open_time": text::offset(drawer.since), "register_close_time": text::offset(now),
        "payments": expected, "counted": counted,
    });
    state.note(&format!("till register {at} closed"));
    state.post_till("register_closure.create", &payload, None);
    shown_anew(state, at, id)
}
