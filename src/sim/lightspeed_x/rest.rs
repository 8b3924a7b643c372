//! Reading the till: catalogue, sales and counts as version feeds, and the master data.
//!
//! A feed is ascending by version and ends with empty data and null bounds. The counts of this version are the
//! exception twice over: a bare array, and newest first unless asked otherwise.

use super::super::auditor::Knowledge;
use super::super::text;
use super::super::till::{CLOSED, Line, PENDING, Payment, SAVED, Sale, TAX_PERCENT};
use super::super::world::State;
use super::account::{Family, ItemNotes, SaleNotes};
use super::hooks::product_id;
use super::{Query, Said, fail, not_found};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of a feed when nothing is asked for, and the most that is given.
const PAGE: usize = 200;
const MOST: usize = 5_000;

fn ok(body: Value) -> Said {
    (StatusCode::OK, body, Vec::new())
}

/// Keys of a version index after a cursor, oldest first.
fn feed<T: Copy>(index: &BTreeMap<i64, T>, query: &Query) -> Vec<(i64, T)> {
    feed_of(index, query, PAGE, MOST, |_| true)
}

/// Those of them that are kept, of a list with its own sizes of a page.
pub(super) fn feed_of<T: Copy>(
    index: &BTreeMap<i64, T>,
    query: &Query,
    page: usize,
    most: usize,
    keep: impl Fn(T) -> bool,
) -> Vec<(i64, T)> {
    let after = query.number("after").unwrap_or(0).max(0);
    let before = query.number("before").unwrap_or(i64::MAX);
    let size = query.number("page_size").and_then(|size| usize::try_from(size).ok()).unwrap_or(page).clamp(1, most);
    if before <= after {
        return Vec::new();
    }
    let kept = index.range(after + 1..before).filter(|(_, row)| keep(**row));
    kept.take(size).map(|(version, row)| (*version, *row)).collect()
}

/// Whether deleted rows are asked for.
pub(super) fn wants_deleted(state: &State, query: &Query) -> bool {
    state.x.switches.tombstones || query.text("deleted") == Some("true")
}

pub(super) fn envelope<T>(rows: &[(i64, T)], data: Vec<Value>) -> Value {
    json!({"data": data, "version": {"min": rows.first().map(|r| r.0), "max": rows.last().map(|r| r.0)}})
}

pub(super) fn sales(state: &State, query: &Query) -> Said {
    let rows = feed(&state.till.sale_by_version, query);
    let data = rows
        .iter()
        .filter_map(|(_, at)| Some((*at, state.seen(*at)?)))
        .map(|(at, s)| show_sale(state, at, s))
        .collect();
    let mut knowledge: Vec<Knowledge> =
        rows.iter().map(|(version, at)| Knowledge::Sale { sale: *at, version: *version }).collect();
    if rows.is_empty() && query.number("before").is_none() {
        knowledge.push(Knowledge::SalesEnd);
    }
    (StatusCode::OK, envelope(&rows, data), knowledge)
}

pub(super) fn sale(state: &State, id: &str) -> Said {
    let Some(at) = state.till.sale_by_id.get(id).copied() else { return not_found() };
    match state.seen(at) {
        Some(sale) => {
            let knowledge = vec![Knowledge::Sale { sale: at, version: sale.version }];
            (StatusCode::OK, json!({"data": show_sale(state, at, sale)}), knowledge)
        }
        None => not_found(),
    }
}

/// The new word for a state.
pub(super) fn state_word(status: &str) -> &'static str {
    match status {
        CLOSED => "closed",
        SAVED => "parked",
        PENDING => "pending",
        _ => "voided",
    }
}

fn show_payment(state: &State, sale: &Sale, payment: &Payment, deleted: Option<Timestamp>) -> Value {
    let till = &state.till;
    let register = till.registers.get(sale.register);
    let outlet = register.and_then(|r| till.outlets.get(r.outlet));
    let kind = till.payment_types.get(payment.kind);
    json!({
        "id": payment.id,
        "type": {
            "id": kind.map(|k| k.type_id.to_string()),
            "config_id": kind.map(|k| k.id.as_str()),
            "name": kind.map(|k| k.name),
        },
        "amount": text::number_minor(payment.amount),
        "date": text::offset(payment.at),
        "source": {
            "id": null, "register_id": register.map(|r| r.id.as_str()), "outlet_id": outlet.map(|o| o.id.as_str()),
        },
        "external_attributes": [],
        "external_applications": [],
        "_metadata": {"register_open_sequence_id": state.x.session(sale.register, payment.at)},
        "deleted_at": deleted.map(text::offset),
    })
}

pub(super) fn show_sale(state: &State, at: usize, sale: &Sale) -> Value {
    let till = &state.till;
    let notes = state.x.sales.get(&at);
    let word = |read: fn(&SaleNotes) -> Option<&String>| notes.and_then(read).map(String::as_str);
    let register = till.registers.get(sale.register);
    let outlet = register.and_then(|r| till.outlets.get(r.outlet));
    let session = sale.completed_at.and_then(|at| state.x.session(sale.register, at));
    let register_id = register.map(|r| r.id.as_str());
    let outlet_id = outlet.map(|o| o.id.as_str());
    let (net, tax) = (sale.net(), sale.tax());
    let mut payments: Vec<Value> = sale.payments.iter().map(|p| show_payment(state, sale, p, None)).collect();
    for (payment, at) in notes.map_or(&[] as &[_], |notes| notes.taken_back.as_slice()) {
        payments.push(show_payment(state, sale, payment, Some(*at)));
    }
    let other = |at: usize| till.sales.get(at).map(|s| s.id.as_str());
    without_nulls(json!({
        "id": sale.id,
        "state": state_word(sale.status),
        "attributes": notes.map_or(&[] as &[String], |notes| notes.attributes.as_slice()),
        "source": {
            "type": word(|notes| notes.source.as_ref()).unwrap_or("USER"),
            "id": word(|notes| notes.source_id.as_ref()),
            "author": {"id": word(|notes| notes.author.as_ref()).unwrap_or(&till.user_id)},
            "register_id": register_id, "outlet_id": outlet_id,
        },
        "customer_id": super::customers::of_sale(state, notes),
        "date": text::offset(sale.date),
        "created_at": text::offset(sale.created_at),
        "updated_at": text::offset(sale.updated_at),
        "deleted_at": null,
        "invoice_number": sale.invoice,
        "receipt_number": sale.invoice,
        "short_code": sale.short_code,
        "note": sale.note,
        "line_items": sale.lines.iter().enumerate().map(|(k, l)| show_line(state, sale, k, l)).collect::<Vec<_>>(),
        "payments": payments,
        "taxes": [{"id": till.tax_rate_id, "tax": text::number(tax)}],
        "totals": {
            "price": text::number(net),
            "price_incl_tax": text::number(Fine(net.0 + tax.0)),
            "tax": text::number(tax),
            "loyalty": 0,
            "surcharge": 0,
        },
        "return": {
            "is_return": sale.return_for.is_some() || sale.lines.iter().any(|l| l.is_return),
            "original_sale_id": sale.return_for.and_then(other),
            "return_sale_ids": sale.returned_by.iter().filter_map(|at| other(*at)).collect::<Vec<_>>(),
        },
        "adjustments": [],
        "ecom_custom_charges": [],
        "external_applications": [],
        "_metadata": {
            "version": sale.version,
            "complete_open_sequence_id": if sale.status == CLOSED { session } else { None },
            "has_unsynced_on_account_payments": false,
            "xero_reference": null,
        },
    }))
}

/// What is described as a text and never as nothing is left out where there is none.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(name, member)| (name, without_nulls(member))).collect())
        }
        Value::Array(rows) => Value::Array(rows.into_iter().map(without_nulls).collect()),
        plain => plain,
    }
}

fn show_line(state: &State, sale: &Sale, sequence: usize, line: &Line) -> Value {
    let till = &state.till;
    let cost = Fine(state.range.items.get(line.item).map_or(0, |i| i.cost.0 * 1_000));
    let times = |fine: Fine| text::number(Fine(fine.0 * line.quantity));
    json!({
        "id": line.id,
        "product": {"id": product_id(till, line.item)},
        "quantity": line.quantity,
        "pricing": {
            "price": text::number(line.price),
            "total": times(line.price),
            "discount": text::number(line.discount),
            "discount_total": times(line.discount),
            "cost": text::number(cost),
            "cost_total": times(cost),
            "loyalty_amount": 0,
            "loyalty_amount_total": 0,
        },
        "tax": {"id": till.tax_id, "amount": text::number(line.tax), "total": times(line.tax)},
        "return": {"is_return": line.is_return, "reason": null},
        "note": line.note,
        "status": match sale.status { CLOSED => "CONFIRMED", SAVED | PENDING => "SAVED", _ => "VOIDED" },
        "promotions": [],
        "surcharges": [],
        "customizations": [],
        "gift_card_number": null,
        "salesperson_id": null,
        "source": {"register_id": till.registers.get(sale.register).map(|r| r.id.as_str())},
        "_metadata": {
            "is_price_override": line.is_return,
            "sequence": sequence,
            "tax_components": [{"rate_id": till.tax_rate_id, "total_tax": times(line.tax)}],
        },
    })
}

pub(super) fn products(state: &State, query: &Query) -> Said {
    let family = |at: usize| state.x_family(at).and_then(|family| state.x.families.get(family));
    let named = |name: &str, at: usize| match (name, query.text(name)) {
        ("sku", Some(sku)) => state.range.items.get(at).is_some_and(|item| item.till_sku == sku),
        ("name", Some(name)) => facts(state, at).is_some_and(|facts| facts.name == name || facts.family.name == name),
        (_, Some(name)) => family(at).is_some_and(|family| family.name == name),
        (_, None) => true,
    };
    // Whoever asks by name is not heard about anything else.
    if let Some(by) = ["sku", "name", "family_name"].into_iter().find(|name| query.text(name).is_some()) {
        let found: Vec<(i64, usize)> = state
            .till
            .product_by_version
            .iter()
            .filter(|(_, at)| named(by, **at) && state.x.deleted(**at).is_none())
            .map(|(v, at)| (*v, *at))
            .collect();
        let data = found.iter().map(|(_, at)| show_product(state, *at)).collect();
        return ok(envelope(&found, data));
    }
    let dead = wants_deleted(state, query);
    let living = |at: usize| dead || state.x.deleted(at).is_none();
    let rows = feed_of(&state.till.product_by_version, query, PAGE, MOST, living);
    let plain = query.text("include_images") == Some("false");
    let data = rows.iter().map(|(_, at)| without_images(show_product(state, *at), plain)).collect();
    ok(envelope(&rows, data))
}

pub(super) fn product(state: &State, id: &str) -> Said {
    match state.till.product_by_id.get(id) {
        Some(at) => ok(json!({"data": show_product(state, *at)})),
        None => not_found(),
    }
}

/// Whoever wants no images gets no field for them either, although it is described as always there.
fn without_images(mut product: Value, plain: bool) -> Value {
    if let Some(fields) = product.as_object_mut().filter(|_| plain) {
        fields.retain(|name, _| !["images", "skuImages", "image_url", "image_thumbnail_url"].contains(&name.as_str()));
    }
    product
}

/// What is shown of a product, wherever it was typed in.
pub(super) struct Facts<'a> {
    pub family: &'a Family,
    pub name: String,
    pub options: Value,
    pub deleted: Option<Timestamp>,
    /// Source, its id, and its variant's id.
    pub source: [Option<String>; 3],
}

pub(super) fn facts(state: &State, at: usize) -> Option<Facts<'_>> {
    let family = state.x.families.get(state.x_family(at)?)?;
    let notes = state.x.items.get(&at);
    let typed = notes.and_then(|notes| notes.options.as_ref());
    let row = state.range.items.get(at)?;
    let options: Vec<(&str, &str)> = match typed {
        Some(options) => options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        None => vec![("Color", row.colour), ("Size", row.size)],
    };
    let mut name = family.name.clone();
    for (_, value) in &options {
        name = format!("{name} / {value}");
    }
    let own = |read: fn(&ItemNotes) -> &Option<String>| notes.and_then(|notes| read(notes).clone());
    Some(Facts {
        family,
        name,
        options: options.iter().map(|(name, value)| json!({"name": name, "value": value})).collect(),
        deleted: notes.and_then(|notes| notes.deleted),
        source: [own(|n| &n.source), own(|n| &n.source_id), own(|n| &n.source_variant_id)],
    })
}

pub(super) fn show_product(state: &State, at: usize) -> Value {
    let (Some(item), Some(product)) = (state.range.items.get(at), state.till.products.get(at)) else {
        return Value::Null;
    };
    let Some(facts) = facts(state, at) else { return Value::Null };
    let notes = state.x.items.get(&at);
    let created = notes.and_then(|notes| notes.created).unwrap_or(state.till.opened_at);
    let head = state.x_head(at);
    let family = state.x_family(at).and_then(|family| state.x.families.get(family));
    let lone = family.is_some_and(|family| family.items.len() == 1);
    let mut codes = vec![json!({"id": format!("{}-1", item.product_id), "type": "CUSTOM", "code": item.till_sku})];
    if let Some(ean) = &item.ean {
        codes.push(json!({"id": format!("{}-2", item.product_id), "type": "EAN", "code": ean}));
    }
    if let Some(own) = notes.and_then(|notes| notes.codes.as_ref()) {
        let show = |(k, (kind, code)): (usize, &(String, String))| json!({"id": format!("{}-{}", item.product_id, k + 1), "type": kind, "code": code});
        codes = own.iter().enumerate().map(show).collect();
    }
    let gross = Fine(item.price.0 * 1_000);
    let net = Fine((gross.0 * 100 + (100 + TAX_PERCENT) / 2) / (100 + TAX_PERCENT));
    let taxes: Vec<Value> =
        state.till.outlets.iter().map(|o| json!({"outlet_id": o.id, "tax_id": state.till.tax_id})).collect();
    json!({
        "id": item.product_id,
        "family_id": facts.family.id,
        "variant_parent_id": head.filter(|h| *h != at).map(|h| product_id(&state.till, h)),
        "name": facts.family.name,
        "variant_name": facts.name,
        "handle": facts.family.handle,
        "sku": item.till_sku,
        "product_codes": codes,
        "active": product.active,
        "deleted_at": facts.deleted.map(text::offset),
        "has_inventory": notes.is_none_or(|notes| !notes.untracked),
        "has_variants": head == Some(at) && !lone,
        "variant_count": null,
        "is_composite": false,
        "description": facts.family.description,
        "price_including_tax": text::number(gross),
        "price_excluding_tax": text::number(net),
        "supply_price": text::number(Fine(item.cost.0 * 1_000)),
        "product_type_id": null,
        "brand_id": state.till.brand_id,
        "supplier_id": null,
        "variant_options": facts.options,
        "tag_ids": facts.family.tags,
        "categories": [],
        "attributes": [],
        "images": [],
        "skuImages": [],
        "product_suppliers": [],
        "packaging": {},
        "customizations": [],
        "outlet_taxes": taxes,
        "source": facts.source[0].as_deref().unwrap_or("USER"),
        "source_id": facts.source[1],
        "source_variant_id": facts.source[2],
        "created_at": text::offset(created),
        "updated_at": text::offset(product.updated_at),
        "version": product.version,
    })
}

pub(super) fn inventory(state: &State, body: &[u8]) -> Said {
    let asked: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or(Value::Null) };
    if !asked.is_object() {
        return fail(StatusCode::BAD_REQUEST, "Bad Request", "The body must be a JSON object");
    }
    let after = asked["after"].as_i64().unwrap_or(0).max(0);
    let before = asked["before"].as_i64().unwrap_or(i64::MAX);
    let size = usize::try_from(asked["size"].as_i64().unwrap_or(1_000)).unwrap_or(1_000).clamp(1, MOST);
    let ascending = match asked["sort_direction"].as_str() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("desc") => false,
        Some(word) if word.eq_ignore_ascii_case("asc") => true,
        Some(_) => return fail(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "sort_direction must be asc or desc"),
    };
    let only = asked["product_id"].as_str();
    if before <= after {
        return ok(json!([]));
    }
    let wanted = |(_, (item, _)): &(&i64, &(usize, usize))| {
        only.is_none_or(|id| state.till.product_ids.get(*item).is_some_and(|own| own == id))
    };
    let range = state.till.stock_by_version.range(after + 1..before);
    let rows: Vec<(usize, usize)> = if ascending {
        range.filter(wanted).take(size).map(|(_, at)| *at).collect()
    } else {
        range.rev().filter(wanted).take(size).map(|(_, at)| *at).collect()
    };
    counts(state, &rows)
}

pub(super) fn inventory_of(state: &State, id: &str, query: &Query) -> Said {
    let Some(item) = state.till.product_by_id.get(id).copied() else { return ok(json!([])) };
    let mut rows: Vec<(usize, usize)> = (0..state.till.outlets.len()).map(|outlet| (item, outlet)).collect();
    rows.sort_by_key(|(i, o)| state.till.stock.get(*i).and_then(|r| r.get(*o)).map(|r| r.version));
    if query.text("order_direction").is_some_and(|word| word.eq_ignore_ascii_case("desc")) {
        rows.reverse();
    }
    counts(state, &rows)
}

fn counts(state: &State, rows: &[(usize, usize)]) -> Said {
    let mut data = Vec::with_capacity(rows.len());
    let mut knowledge = Vec::with_capacity(rows.len());
    for (item, outlet) in rows {
        let (Some(row), Some(place)) =
            (state.till.stock.get(*item).and_then(|r| r.get(*outlet)), state.till.outlets.get(*outlet))
        else {
            continue;
        };
        let (point, amount) = state.x.reorder.get(&(*item, *outlet)).copied().unwrap_or((2, 10));
        data.push(json!({
            "id": row.id,
            "product_id": product_id(&state.till, *item),
            "outlet_id": place.id,
            "current_inventory_level": row.shown,
            "average_cost": state.range.items.get(*item).map(|i| text::number_minor(i.cost)),
            "quantity_to_procure": 0,
            "reorder_point": point,
            "reorder_amount": amount,
            "reorder_method": "FIXED",
            "reorder_target": null,
            "deleted_at": null,
            "version": row.version,
        }));
        knowledge.push(Knowledge::Count { item: *item, outlet: *outlet, version: row.version, on_hand: row.shown });
    }
    (StatusCode::OK, Value::Array(data), knowledge)
}

pub(super) fn outlets(state: &State, query: &Query) -> Said {
    let index: BTreeMap<i64, usize> = state.till.outlets.iter().enumerate().map(|(k, o)| (o.version, k)).collect();
    let rows = feed(&index, query);
    let data = rows.iter().filter_map(|(_, k)| show_outlet(state, *k)).collect();
    ok(envelope(&rows, data))
}

fn show_outlet(state: &State, at: usize) -> Option<Value> {
    let o = state.till.outlets.get(at)?;
    Some(json!({
                "id": o.id, "name": o.name, "time_zone": o.zone.name(), "currency": o.currency,
                "currency_symbol": match o.currency.as_str() { "GBP" => "£", "EUR" => "€", _ => "$" },
                "display_prices": "inclusive", "default_tax_id": state.till.tax_id, "attributes": [],
                "physical_address_1": "", "physical_address_2": "", "physical_suburb": "", "physical_city": "",
                "physical_postcode": "", "physical_state": "", "physical_country_id": null,
                "email": "", "phone": null, "latitude": null, "longitude": null, "deleted_at": null,
                "version": o.version,
    }))
}

pub(super) fn outlet(state: &State, id: &str) -> Said {
    match state.till.outlets.iter().position(|own| own.id == id).and_then(|at| show_outlet(state, at)) {
        Some(data) => ok(json!({"data": data})),
        None => not_found(),
    }
}

pub(super) fn registers(state: &State, query: &Query) -> Said {
    let index: BTreeMap<i64, usize> = state.till.registers.iter().enumerate().map(|(k, r)| (r.version, k)).collect();
    let rows = feed(&index, query);
    let data = rows.iter().filter_map(|(_, k)| show_register(state, *k)).collect();
    ok(envelope(&rows, data))
}

pub(super) fn show_register(state: &State, at: usize) -> Option<Value> {
    let (r, drawer) = (state.till.registers.get(at)?, state.x.drawers.get(at)?);
    Some(json!({
        "id": r.id, "name": r.name, "is_open": drawer.open,
        "outlet_id": state.till.outlets.get(r.outlet).map(|o| o.id.as_str()),
        "invoice_prefix": r.prefix, "invoice_suffix": "", "invoice_sequence": r.sequence,
        "register_open_time": text::offset(drawer.since),
        "register_close_time": drawer.closed_at.map(text::offset),
        "register_open_sequence_id": drawer.open.then_some(r.session.as_str()),
        "ask_for_note_on_save": 0, "ask_for_user_on_sale": false, "print_note_on_receipt": false,
        "print_receipt": true, "email_receipt": false, "show_discounts_on_receipts": true,
        "deleted_at": null, "version": r.version,
    }))
}

pub(super) fn payment_types(state: &State, query: &Query) -> Said {
    let index: BTreeMap<i64, usize> =
        state.till.payment_types.iter().enumerate().map(|(k, p)| (p.version, k)).collect();
    let rows = feed(&index, query);
    let data = rows
        .iter()
        .filter_map(|(_, k)| state.till.payment_types.get(*k))
        .map(|p| {
            json!({
                "id": p.id, "name": p.name, "type_id": p.type_id, "config": null, "disabled": false,
                "internal": false, "gateway": false, "deleted_at": null, "version": p.version,
            })
        })
        .collect();
    ok(envelope(&rows, data))
}

pub(super) fn tax(state: &State, id: &str) -> Said {
    let (_, all, _) = taxes(state);
    match all["data"].as_array().and_then(|all| all.iter().find(|own| own["id"] == id)) {
        Some(own) => ok(json!({"data": own})),
        None => not_found(),
    }
}

pub(super) fn taxes(state: &State) -> Said {
    let rate = |id: &str, name: &str, rate: Value| json!({"id": id, "name": name, "display_name": name, "rate": rate, "rules": []});
    let version = state.till.outlets.first().map_or(0, |o| o.version);
    ok(json!({"data": [{
        "id": state.till.tax_id, "name": "VAT", "display_name": "VAT", "is_default": true, "deleted_at": null,
        "rates": [rate(&state.till.tax_rate_id, "VAT", text::number(Fine(TAX_PERCENT * 1_000)))],
        "version": version,
    }, {
        "id": state.till.group_id, "name": "No Tax", "display_name": "No Tax", "is_default": false,
        "deleted_at": null, "version": version, "rates": [rate(&state.till.brand_id, "No Tax", json!(0))],
    }]}))
}

pub(super) fn retailer(state: &State) -> Said {
    let outlet = state.till.outlets.first();
    ok(json!({"data": {
        "id": state.till.retailer_id, "domain_prefix": state.till.domain_prefix, "name": "Simulated retailer",
        "timezone": outlet.map(|o| o.zone.name()), "currency": outlet.map(|o| o.currency.as_str()),
        "tax_exclusive": false, "no_tax_group_id": state.till.group_id, "discount_product_id": null, "country": "GB",
    }}))
}

pub(super) fn user(state: &State) -> Said {
    ok(json!({"data": show_user(state)}))
}

pub(super) fn users(state: &State) -> Said {
    let version = state.till.outlets.first().map(|o| o.version);
    ok(json!({"data": [show_user(state)], "version": {"min": version, "max": version}}))
}

fn show_user(state: &State) -> Value {
    json!({
        "id": state.till.user_id, "username": "staff", "display_name": "Shop floor", "email": "staff@example.com",
        "account_type": "admin", "restricted_outlet_ids": [],
        "created_at": text::offset(state.till.opened_at), "updated_at": text::offset(state.till.opened_at),
        "deleted_at": null, "version": state.till.outlets.first().map_or(0, |o| o.version),
    })
}
