//! Sales that are made and changed over the wire: states and attributes, lines, payments, and returns.
//!
//! A sale that is closed may only be voided. Goods move by the till's own books, see [`super::account::Account::gone`].

use super::super::auditor::Knowledge;
use super::super::text;
use super::super::till::{CLOSED, Line, PENDING, Payment, SAVED, Sale, VOIDED};
use super::super::world::State;
use super::account::{SaleNotes, Way};
use super::parse::{self, MOST_LINES, Tried, bad, cannot, conflict, rows, units};
use super::switches::SameId;
use super::{Said, fulfil, not_found, rest};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use http::StatusCode;
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};

/// A difference between paid and due that is none.
const HALF_CENT: i64 = 1_000;
const ATTRIBUTES: [&str; 5] = ["onaccount", "layby", "pickup", "delivery", "service"];

/// A sale as it was asked for.
struct Wish {
    status: &'static str,
    register: Option<usize>,
    lines: Option<Lines>,
    payments: Option<Vec<Payment>>,
    notes: SaleNotes,
    note: Option<String>,
    invoice: Option<String>,
    short_code: Option<String>,
}

pub(super) fn create(state: &mut State, body: &Value) -> Said {
    made(state, body).unwrap_or_else(|refusal| refusal)
}

pub(super) fn change(state: &mut State, id: &str, body: &Value) -> Said {
    let Some(at) = state.till.sale_by_id.get(id).copied() else { return not_found() };
    changed(state, at, body).unwrap_or_else(|refusal| refusal)
}

fn shown(state: &State, at: usize, id_only: bool) -> Said {
    let Some(sale) = state.till.sales.get(at) else { return not_found() };
    let knowledge = vec![Knowledge::Sale { sale: at, version: sale.version }];
    let data = if id_only { json!({"id": sale.id}) } else { rest::show_sale(state, at, sale) };
    (StatusCode::OK, json!({"data": data}), knowledge)
}

fn made(state: &mut State, body: &Value) -> Tried<Said> {
    let given = parse::text(&body["id"]);
    if let Some(at) = given.as_ref().and_then(|id| state.till.sale_by_id.get(id)).copied() {
        return match state.x.switches.same_id {
            SameId::Refused => Err(conflict("A sale with this id already exists")),
            SameId::Answered => Ok(shown(state, at, false)),
            SameId::Replaced => changed(state, at, body),
        };
    }
    if given.as_ref().is_some_and(|id| uuid::Uuid::parse_str(id).is_err()) {
        return Err(cannot("id must be a UUID"));
    }
    let wish = drawn(state, None, body)?;
    let register = wish.register.unwrap_or(0);
    let numbered = state.till.registers.get_mut(register).map(|register| {
        let number = format!("{}{}", register.prefix, register.sequence);
        register.sequence += 1;
        number
    });
    let at = state.till.sales.len();
    let id = given.unwrap_or_else(|| text::uuid(&mut state.x.chance));
    let code = text::short_code(&mut state.x.chance);
    let now = state.now;
    state.till.sale_by_id.insert(id.clone(), at);
    state.till.sales.push(Sale {
        id,
        status: SAVED,
        register,
        created_at: now,
        date: wish.notes.date.unwrap_or(now),
        updated_at: now,
        completed_at: None,
        invoice: numbered.unwrap_or_default(),
        short_code: code,
        note: String::new(),
        return_for: None,
        returned_by: Vec::new(),
        lines: Vec::new(),
        payments: Vec::new(),
        version: 0,
    });
    let id_only = state.x.switches.answers_id_only;
    written(state, at, wish);
    Ok(shown(state, at, id_only))
}

fn changed(state: &mut State, at: usize, body: &Value) -> Tried<Said> {
    let status = state.till.sales.get(at).map_or(VOIDED, |sale| sale.status);
    let wanted = body["state"].as_str();
    match (status, wanted) {
        (VOIDED, _) => return Err(cannot("A voided sale cannot be changed")),
        (CLOSED, Some("voided")) => {
            void(state, at);
            return Ok(shown(state, at, false));
        }
        (CLOSED, _) => return Err(cannot("A closed sale can only be voided")),
        _ => {}
    }
    let wish = drawn(state, Some(at), body)?;
    written(state, at, wish);
    Ok(shown(state, at, false))
}

/// Takes a sale back: its goods return and its payments are deleted.
fn void(state: &mut State, at: usize) {
    fulfil::voided(state, at);
    state.x_at_once(|state| state.publish_sale(at, VOIDED));
}

/// Writes what was asked for and shows it.
fn written(state: &mut State, at: usize, wish: Wish) {
    let now = state.now;
    let merges = state.x.switches.edit_merges;
    let mut notes = wish.notes;
    if let Some(sale) = state.till.sales.get_mut(at) {
        if let Some(lines) = wish.lines {
            let mut kept = if merges { std::mem::take(&mut sale.lines) } else { Vec::new() };
            for (line, way) in lines {
                if let Some(way) = way {
                    notes.lines.insert(line.id.clone(), way);
                }
                match kept.iter_mut().find(|own| own.id == line.id) {
                    Some(own) => *own = line,
                    None => kept.push(line),
                }
            }
            sale.lines = kept;
        }
        if let Some(payments) = wish.payments {
            let gone = sale.payments.iter().filter(|own| payments.iter().all(|kept| kept.id != own.id));
            notes.taken_back.extend(gone.map(|payment| (payment.clone(), now)));
            sale.payments = payments;
        }
        sale.register = wish.register.unwrap_or(sale.register);
        sale.note = wish.note.unwrap_or_else(|| std::mem::take(&mut sale.note));
        sale.invoice = wish.invoice.unwrap_or_else(|| std::mem::take(&mut sale.invoice));
        sale.short_code = wish.short_code.unwrap_or_else(|| std::mem::take(&mut sale.short_code));
        sale.date = notes.date.unwrap_or(sale.date);
    }
    let waits = notes.waits();
    state.x.sales.insert(at, notes);
    if wish.status == VOIDED {
        return void(state, at);
    }
    if waits && wish.status != SAVED {
        fulfil::follow(state, at, wish.status == CLOSED);
    }
    state.x_at_once(|state| state.publish_sale(at, wish.status));
}

/// Whether what was paid is what is due, give or take half a cent.
pub(super) fn is_paid(sale: &Sale) -> bool {
    (sale.net().0 + sale.tax().0 - sale.paid().0).abs() <= HALF_CENT
}

/// Reads a body; the ids that it needs are drawn once.
fn drawn(state: &mut State, at: Option<usize>, body: &Value) -> Tried<Wish> {
    let mut chance = state.x.chance.clone();
    let wish = wish(state, at, body, &mut chance);
    state.x.chance = chance;
    wish
}

fn wish(state: &State, at: Option<usize>, body: &Value, chance: &mut ChaCha12Rng) -> Tried<Wish> {
    let source = &body["source"];
    let author = parse::text(&source["author_id"]).ok_or_else(|| cannot("source.author_id is required"))?;
    if author != state.till.user_id {
        return Err(cannot("source.author_id is not a user"));
    }
    let before = at.and_then(|at| state.x.sales.get(&at)).cloned();
    let fresh = before.is_none();
    let mut notes = before.unwrap_or_default();
    notes.author = Some(author);
    notes.source = parse::text(&source["type"]).or(notes.source);
    notes.source_id = parse::text(&source["id"]).or(notes.source_id);
    notes.date = parse::moment(&body["date"]).or(notes.date);
    if !body["date"].is_null() && parse::moment(&body["date"]).is_none() {
        return Err(cannot("date must be RFC 3339"));
    }
    let register = match parse::text(&source["register_id"]) {
        Some(id) => {
            let found = state.till.registers.iter().position(|register| register.id == id);
            Some(found.ok_or_else(|| cannot("source.register_id is not a register"))?)
        }
        None => None,
    };
    if let Some(id) = parse::text(&body["customer_id"]) {
        notes.customer = super::customers::find(state, &id)?;
    }
    if body["attributes"].is_array() || fresh {
        notes.attributes = attributes(&body["attributes"])?;
    }
    let status = match body["state"].as_str() {
        Some("parked") => SAVED,
        Some("pending") if notes.attributes.is_empty() => {
            return Err(cannot("A pending sale needs an attribute"));
        }
        Some("pending") => PENDING,
        Some("closed") => CLOSED,
        Some("voided") => VOIDED,
        _ => return Err(cannot("state must be parked, pending, voided or closed")),
    };
    let remark = rows(&body["fulfillment_details"]).iter().find_map(|row| parse::text(&row["note"]));
    notes.remark = remark.unwrap_or(notes.remark);
    let place = Place::of(state, at, register, body, &notes)?;
    let own = at.and_then(|at| state.till.sales.get(at));
    Ok(Wish {
        status,
        register,
        lines: lines(state, own, body, &place, chance)?,
        payments: payments(state, own, body, chance)?,
        notes,
        note: body["note"].as_str().map(parse::without_cards),
        invoice: parse::text(&body["invoice_number"]),
        short_code: parse::text(&body["short_code"]),
    })
}

fn attributes(list: &Value) -> Tried<Vec<String>> {
    let mut own: Vec<String> = Vec::new();
    for name in rows(list) {
        let name = name.as_str().filter(|name| ATTRIBUTES.contains(name));
        let name = name.ok_or_else(|| cannot("attributes has a word that is not known"))?;
        if !own.iter().any(|known| known == name) {
            own.push(name.to_owned());
        }
    }
    let both = |a: &str, b: &str| own.iter().any(|own| own == a) && own.iter().any(|own| own == b);
    if both("onaccount", "layby") || both("pickup", "delivery") {
        return Err(cannot("These attributes do not go together"));
    }
    Ok(own)
}

/// Where goods leave unless a line says otherwise.
struct Place {
    outlet: usize,
    sent: Option<bool>,
}

impl Place {
    fn of(state: &State, at: Option<usize>, register: Option<usize>, body: &Value, notes: &SaleNotes) -> Tried<Place> {
        let own = at.and_then(|at| state.till.sales.get(at)).map(|sale| sale.register);
        let register = register.or(own).unwrap_or(0);
        let there = state.till.registers.get(register).map_or(0, |register| register.outlet);
        let outlet = match parse::text(&body["fulfillment_outlet_id"]) {
            Some(id) => outlet(state, &id)?,
            None => there,
        };
        let sent = if notes.has("delivery") { Some(true) } else { notes.has("pickup").then_some(false) };
        Ok(Place { outlet, sent })
    }
}

/// The outlet with this id.
pub(super) fn outlet(state: &State, id: &str) -> Tried<usize> {
    let found = state.till.outlets.iter().position(|outlet| outlet.id == id);
    found.ok_or_else(|| cannot("There is no such outlet"))
}

type Lines = Vec<(Line, Option<Way>)>;

fn lines(
    state: &State,
    own: Option<&Sale>,
    body: &Value,
    place: &Place,
    chance: &mut ChaCha12Rng,
) -> Tried<Option<Lines>> {
    if body["line_items"].is_null() {
        return Ok(None);
    }
    let given = body["line_items"].as_array().ok_or_else(|| bad("line_items must be a list"))?;
    if given.len() > MOST_LINES {
        return Err(cannot("There are too many line items"));
    }
    let mut out: Lines = Vec::new();
    for row in given {
        let line = line(state, own, row, chance)?;
        if out.iter().any(|(other, _)| other.id == line.id) {
            return Err(cannot("Two line items have the same id"));
        }
        let sent = match row["_metadata"]["fulfillment_method"].as_str() {
            Some("PICKUP") => Some(false),
            Some("DISPATCH") => Some(true),
            None => place.sent,
            Some(_) => return Err(cannot("fulfillment_method must be DISPATCH or PICKUP")),
        };
        let at = match parse::text(&row["fulfilment_outlet_id"]) {
            Some(id) => outlet(state, &id)?,
            None => place.outlet,
        };
        let way = place.sent.map(|of_sale| Way { outlet: at, sent: sent.unwrap_or(of_sale) });
        out.push((line, way));
    }
    let lost = |line: &&Line| line.moved != 0 && out.iter().all(|(kept, _)| kept.id != line.id);
    if !state.x.switches.edit_merges && own.and_then(|sale| sale.lines.iter().find(lost)).is_some() {
        return Err(cannot("A line whose goods have left cannot be removed"));
    }
    Ok(Some(out))
}

fn line(state: &State, own: Option<&Sale>, row: &Value, chance: &mut ChaCha12Rng) -> Tried<Line> {
    let product = parse::text(&row["product"]["id"]).ok_or_else(|| cannot("product.id is required"))?;
    let item = state.till.product_by_id.get(&product).copied();
    let item = item.ok_or_else(|| cannot("product.id is not a product"))?;
    let quantity = units(&row["quantity"]).ok_or_else(|| cannot("quantity must be a whole number"))?;
    let price = parse::fine(&row["pricing"]["price"]).ok_or_else(|| cannot("pricing.price is required"))?;
    let tax = parse::fine(&row["tax"]["amount"]).ok_or_else(|| cannot("tax.amount is required"))?;
    let tax_id = parse::text(&row["tax"]["id"]).ok_or_else(|| cannot("tax.id is required"))?;
    if tax_id != state.till.tax_id && tax_id != state.till.group_id {
        return Err(cannot("tax.id is not a tax"));
    }
    let given = parse::text(&row["id"]);
    let known = given.as_ref().and_then(|id| own?.lines.iter().find(|line| line.id == *id));
    if known.is_some_and(|line| line.item != item) {
        return Err(cannot("A line item cannot become another product"));
    }
    Ok(Line {
        id: given.unwrap_or_else(|| text::uuid(chance)),
        item,
        quantity,
        price,
        discount: parse::fine(&row["pricing"]["discount"]).unwrap_or(Fine::ZERO),
        tax,
        is_return: quantity < 0 || known.is_some_and(|line| line.is_return),
        note: parse::text(&row["note"]),
        moved: known.map_or(0, |line| line.moved),
        parent: known.and_then(|line| line.parent.clone()),
    })
}

fn payments(state: &State, own: Option<&Sale>, body: &Value, chance: &mut ChaCha12Rng) -> Tried<Option<Vec<Payment>>> {
    if body["payments"].is_null() {
        return Ok(None);
    }
    let given = body["payments"].as_array().ok_or_else(|| bad("payments must be a list"))?;
    if given.len() > MOST_LINES {
        return Err(cannot("There are too many payments"));
    }
    let mut out = Vec::new();
    for row in given {
        let kind = parse::text(&row["type"]["config_id"]).ok_or_else(|| cannot("type.config_id is required"))?;
        let kind = state.till.payment_types.iter().position(|own| own.id == kind);
        let kind = kind.ok_or_else(|| cannot("type.config_id is not a payment type"))?;
        let amount = parse::fine(&row["amount"]).ok_or_else(|| cannot("amount is required"))?.to_minor();
        let id = parse::text(&row["id"]);
        let known = id.as_ref().and_then(|id| own?.payments.iter().find(|payment| payment.id == *id));
        let at = parse::moment(&row["date"]).or(known.map(|payment| payment.at)).unwrap_or(state.now);
        out.push(Payment { id: id.unwrap_or_else(|| text::uuid(chance)), kind, amount, at });
    }
    Ok(Some(out))
}

/// Begins a return: saved, every line negative, nothing paid.
pub(super) fn give_back(state: &mut State, id: &str) -> Said {
    let Some(at) = state.till.sale_by_id.get(id).copied() else { return not_found() };
    let others: Vec<usize> = state.till.sales.get(at).map(|sale| sale.returned_by.clone()).unwrap_or_default();
    let begun = state.x_at_once(|state| state.begin_linked_return(at));
    let Some(begun) = begun else { return cannot("Only a closed sale with goods can be returned") };
    if state.x.switches.return_voids_others {
        let saved = |at: &usize| state.till.sales.get(*at).is_some_and(|sale| sale.status == SAVED);
        let parked: Vec<usize> = others.into_iter().filter(saved).collect();
        parked.into_iter().for_each(|at| void(state, at));
    }
    shown(state, begun, false)
}

/// The old door: a sale with an id is replaced as a whole, and lines that are not named are deleted.
pub(super) fn register_sale(state: &mut State, body: &Value) -> Said {
    let (word, attribute) = match body["status"].as_str().unwrap_or_default() {
        "SAVED" => ("parked", None),
        "CLOSED" => ("closed", None),
        "VOIDED" => ("voided", None),
        "ONACCOUNT" => ("pending", Some("onaccount")),
        "ONACCOUNT_CLOSED" => ("closed", Some("onaccount")),
        "LAYBY" => ("pending", Some("layby")),
        "LAYBY_CLOSED" => ("closed", Some("layby")),
        "AWAITING_PICKUP" => ("pending", Some("pickup")),
        "PICKED_UP_CLOSED" => ("closed", Some("pickup")),
        "AWAITING_DISPATCH" => ("pending", Some("delivery")),
        "DISPATCHED_CLOSED" => ("closed", Some("delivery")),
        _ => return bad("status is not known"),
    };
    let line = |row: &Value| {
        json!({
            "id": row["id"], "product": {"id": row["product_id"]}, "quantity": row["quantity"], "note": row["note"],
            "pricing": {"price": row["price"], "discount": row["discount"]},
            "tax": {"id": row["tax_id"], "amount": row["tax"]},
        })
    };
    let payment = |row: &Value| {
        json!({
            "id": row["id"], "type": {"config_id": row["retailer_payment_type_id"]}, "amount": row["amount"],
            "date": row["payment_date"],
        })
    };
    let new = json!({
        "id": body["id"], "state": word, "attributes": attribute.into_iter().collect::<Vec<_>>(),
        "source": {
            "author_id": body["user_id"], "register_id": body["register_id"], "type": body["source"],
            "id": body["source_id"],
        },
        "customer_id": body["customer_id"], "date": body["sale_date"], "note": body["note"],
        "line_items": rows(&body["register_sale_products"]).iter().map(line).collect::<Vec<_>>(),
        "payments": rows(&body["register_sale_payments"]).iter().map(payment).collect::<Vec<_>>(),
    });
    let known = parse::text(&body["id"]).filter(|id| state.till.sale_by_id.contains_key(id));
    let merges = std::mem::replace(&mut state.x.switches.edit_merges, false);
    let (status, answer, knowledge) = match known {
        Some(id) => change(state, &id, &new),
        None => create(state, &new),
    };
    state.x.switches.edit_merges = merges;
    if !status.is_success() {
        return (status, answer, knowledge);
    }
    let id = answer["data"]["id"].as_str().and_then(|id| state.till.sale_by_id.get(id)).copied();
    let payload = id.map_or(Value::Null, |at| super::hooks::sale(state, at));
    (status, json!({"register_sale": payload}), knowledge)
}

/// Sales by place, day, state, number or customer.
pub(super) fn search(state: &State, query: &super::Query) -> Said {
    if query.text("type") != Some("sales") {
        return super::products::search(state, query);
    }
    let day = |name: &str| query.text(name).and_then(|text| text::parse_time(text, chrono_tz::UTC));
    let (from, to) = (day("date_from"), day("date_to"));
    let fits = |sale: &&Sale, notes: Option<&SaleNotes>| {
        let outlet = state.till.registers.get(sale.register).and_then(|r| state.till.outlets.get(r.outlet));
        let is = |name: &str, own: Option<&str>| query.text(name).is_none_or(|wanted| own == Some(wanted));
        let within = |at: Timestamp| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to);
        within(sale.date)
            && is("outlet_id", outlet.map(|outlet| outlet.id.as_str()))
            && is("status", Some(super::account::legacy_status(sale.status, notes)))
            && is("state", Some(rest::state_word(sale.status)))
            && is("invoice_number", Some(sale.invoice.as_str()))
            && is("customer_id", Some(super::customers::of_sale(state, notes)))
    };
    let found = (0..state.till.sales.len()).filter_map(|at| Some((at, state.seen(at)?)));
    let found = found.filter(|(at, sale)| fits(sale, state.x.sales.get(at)));
    let (skip, take) = query.span(20, 1_000);
    let data: Vec<Value> = found.skip(skip).take(take).map(|(at, sale)| rest::show_sale(state, at, sale)).collect();
    (StatusCode::OK, json!({"data": data}), Vec::new())
}
