//! Notices of the till: the shape of the old 0.9 API whatever version one calls, with its mix of scalar kinds
//! and three ways of writing a time, as a signed form.

use super::super::text;
use super::super::till::{CLOSED, Line, Payment, TAX_PERCENT, Till};
use super::super::world::State;
use super::account::legacy_status;
use super::rest::facts;
use super::switches::Signing;
use crate::domain::money::Fine;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

/// The raw body. The promised field is `payload`; the others have been seen.
pub(in crate::sim) fn form(till: &Till, kind: &str, payload: &Value, alone: bool) -> Vec<u8> {
    if alone {
        let mut form = form_urlencoded::Serializer::new(String::new());
        return form.append_pair("payload", &payload.to_string()).finish().into_bytes();
    }
    form_urlencoded::Serializer::new(String::new())
        .append_pair("domain_prefix", &till.domain_prefix)
        .append_pair("environment", "prod")
        .append_pair("payload", &payload.to_string())
        .append_pair("retailer_id", &till.retailer_id)
        .append_pair("type", kind)
        .finish()
        .into_bytes()
}

/// Content type and signature over the raw body.
pub(in crate::sim) fn headers(secret: &str, body: &[u8], signing: Signing) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let hexadecimal = text::sign(secret, body);
    let signature = match signing {
        Signing::Hex => hexadecimal,
        Signing::UpperHex => hexadecimal.to_uppercase(),
        Signing::Base64 => BASE64.encode(hex::decode(&hexadecimal).unwrap_or_default()),
        Signing::Nothing => return headers,
    };
    let signature = format!("signature={signature},algorithm=HMAC-SHA256");
    if let Ok(value) = HeaderValue::from_str(&signature) {
        headers.insert("x-signature", value);
    }
    headers
}

/// `sale.update`
pub(in crate::sim) fn sale(state: &State, sale: usize) -> Value {
    let till = &state.till;
    let notes = state.x.sales.get(&sale);
    let Some(sale) = state.seen(sale) else { return Value::Null };
    let outlet = till.registers.get(sale.register).and_then(|r| till.outlets.get(r.outlet));
    let (net, tax, paid) = (sale.net(), sale.tax(), sale.paid());
    json!({
        "id": sale.id,
        "status": legacy_status(sale.status, notes),
        "source": notes.and_then(|notes| notes.source.as_deref()).unwrap_or("USER"),
        "source_id": notes.and_then(|notes| notes.source_id.as_deref()),
        "register_id": till.registers.get(sale.register).map(|r| r.id.as_str()),
        "outlet_id": outlet.map(|o| o.id.as_str()),
        "user_id": till.user_id,
        "user": user(till),
        "customer_id": super::customers::of_sale(state, notes),
        "customer": walk_in(till),
        "created_at": text::spaced(sale.created_at),
        "sale_date": text::zulu(sale.date),
        "updated_at": text::offset(sale.updated_at),
        "deleted_at": null,
        "invoice_number": sale.invoice,
        "short_code": sale.short_code,
        "note": sale.note,
        "return_for": sale.return_for.and_then(|o| till.sales.get(o)).map(|o| o.id.as_str()),
        "register_sale_products": sale.lines.iter().map(|l| line(till, l)).collect::<Vec<_>>(),
        "register_sale_payments": sale.payments.iter().map(|p| payment(till, p)).collect::<Vec<_>>(),
        "taxes": [{
            "id": till.tax_rate_id,
            "name": "VAT",
            "rate": text::five(Fine(TAX_PERCENT * 1_000)),
            // A return that is only saved carries its tax without the sign.
            "tax": text::number(if sale.status == CLOSED { tax } else { Fine(tax.0.abs()) }),
        }],
        "totals": {
            "total_price": text::five(net),
            "total_tax": text::five(tax),
            "total_payment": text::five(paid),
            "total_to_pay": text::five(Fine(net.0 + tax.0 - paid.0)),
            "total_loyalty": "0.00000",
        },
        "version": sale.version,
    })
}

fn line(till: &Till, line: &Line) -> Value {
    json!({
        "id": line.id,
        "product_id": product_id(till, line.item),
        "quantity": line.quantity,
        "price": text::five(line.price),
        "price_set": line.is_return,
        "price_total": text::five(Fine(line.quantity * line.price.0)),
        "discount": text::five(line.discount),
        "loyalty_value": "0.00000",
        "tax": text::five(line.tax),
        "tax_id": till.tax_id,
        "tax_total": text::five(Fine(line.quantity * line.tax.0)),
        "is_return": line.is_return,
        "note": line.note,
    })
}

/// The id under which a line names its product.
pub(in crate::sim) fn product_id(till: &Till, item: usize) -> Value {
    till.product_ids.get(item).map_or(Value::Null, |id| Value::from(id.as_str()))
}

fn payment(till: &Till, payment: &Payment) -> Value {
    let Some(kind) = till.payment_types.get(payment.kind) else { return Value::Null };
    let type_name = match kind.type_id {
        1 => "Cash",
        3 => "Credit Card",
        _ => "Gift Card",
    };
    json!({
        "id": payment.id,
        "amount": text::number_minor(payment.amount),
        "payment_date": text::zulu(payment.at),
        "payment_type_id": kind.type_id,
        "payment_type": {"has_native_support": false, "id": kind.type_id.to_string(), "name": type_name},
        "retailer_payment_type_id": kind.id,
        "retailer_payment_type": {
            "config": null, "id": kind.id, "name": kind.name, "payment_type_id": kind.type_id.to_string(),
        },
    })
}

fn user(till: &Till) -> Value {
    json!({
        "id": till.user_id,
        "name": "staff@example.com",
        "display_name": "Shop floor",
        "email": "staff@example.com",
        "target_daily": null,
        "target_weekly": null,
        "target_monthly": null,
        "created_at": text::spaced(till.opened_at),
        "updated_at": text::spaced(till.opened_at),
    })
}

/// Nobody in particular: every sale here is a walk-in's.
fn walk_in(till: &Till) -> Value {
    let mut customer = serde_json::Map::new();
    for field in [
        "company_name",
        "contact_first_name",
        "contact_last_name",
        "custom_field_1",
        "custom_field_2",
        "custom_field_3",
        "custom_field_4",
        "date_of_birth",
        "deleted_at",
        "email",
        "fax",
        "first_name",
        "last_name",
        "mobile",
        "note",
        "phone",
        "sex",
    ] {
        customer.insert(field.into(), Value::Null);
    }
    for field in ["balance", "loyalty_balance", "year_to_date"] {
        customer.insert(field.into(), Value::from("0.00000"));
    }
    for field in ["created_at", "updated_at"] {
        customer.insert(field.into(), Value::from(text::spaced(till.opened_at)));
    }
    customer.insert("customer_code".into(), Value::from("WALKIN"));
    customer.insert("customer_group_id".into(), Value::from(till.group_id.as_str()));
    customer.insert("do_not_email".into(), Value::from(false));
    customer.insert("enable_loyalty".into(), Value::from(false));
    customer.insert("id".into(), Value::from(till.walk_in_id.as_str()));
    customer.insert("points".into(), Value::from(0));
    Value::Object(customer)
}

/// `inventory.update`
pub(in crate::sim) fn count(state: &State, item: usize, outlet: usize) -> Value {
    let till = &state.till;
    let (Some(row), Some(place)) = (till.stock.get(item).and_then(|r| r.get(outlet)), till.outlets.get(outlet)) else {
        return Value::Null;
    };
    json!({
        "id": row.id,
        "product_id": product_id(till, item),
        "outlet_id": place.id,
        "count": row.shown,
        "attributed_cost": state.range.items.get(item).map(|i| two(i.cost.0)),
        "reorder_point": "2",
        "restock_level": "10",
        "version": row.version,
    })
}

/// `product.update`
pub(in crate::sim) fn product(state: &State, item: usize) -> Value {
    let till = &state.till;
    let (Some(row), Some(product)) = (state.range.items.get(item), till.products.get(item)) else {
        return Value::Null;
    };
    let Some(facts) = facts(state, item) else { return Value::Null };
    let inventory: Vec<Value> = (0..till.outlets.len())
        .map(|outlet| {
            let mut count = count(state, item, outlet);
            if let Some(fields) = count.as_object_mut() {
                fields.remove("version");
            }
            count
        })
        .collect();
    let parent = state.x_head(item).filter(|head| *head != item).map(|head| product_id(till, head));
    json!({
        "id": row.product_id,
        "active": product.active,
        "attributed_cost": null,
        "base_name": facts.family.name,
        "brand": {"id": till.brand_id, "name": "House label"},
        "button_order": 1,
        "categories": [],
        "deleted_at": facts.deleted.map(text::spaced),
        "description": facts.family.description,
        "handle": facts.family.handle,
        "inventory": inventory,
        "name": facts.name,
        "price_book_entries": [{
            "id": facts.family.id,
            "customer_group_id": till.group_id,
            "customer_group_name": "All Customers",
            "product_id": row.product_id,
            "type": "BASE",
            "price": text::five(Fine(row.price.0 * 1_000)),
            "max_units": null,
            "min_units": null,
            "valid_from": null,
            "valid_to": null,
        }],
        "product_type": {"id": till.group_id, "name": "General"},
        "retailer_id": till.retailer_id,
        "sku": row.till_sku,
        "source": facts.source[0].as_deref().unwrap_or("USER"),
        "source_id": facts.source[1],
        "source_variant_id": facts.source[2],
        "supplier": {"id": till.brand_id, "name": "House label", "description": "", "source": ""},
        "supply_price": two(row.cost.0),
        "taxes": till.outlets.iter().map(|o| json!({"outlet_id": o.id, "tax_id": till.tax_id})).collect::<Vec<_>>(),
        "variant_options": options(state, facts.options),
        "variant_parent_id": parent,
        "version": product.version,
    })
}

fn options(state: &State, mut options: Value) -> Value {
    if let Some(list) = options.as_array_mut() {
        for (option, id) in list.iter_mut().zip([&state.till.tax_id, &state.till.tax_rate_id]) {
            option["id"] = Value::from(id.as_str());
        }
    }
    options
}

/// `"24.50"`
fn two(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
