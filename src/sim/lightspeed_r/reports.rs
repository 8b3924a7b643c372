//! Day totals for the books, by the local day of each shop.

use super::super::till::{Sale, VOIDED};
use super::super::world::State;
use super::account::SaleNotes;
use super::master::money;
use super::sales::listed;
use super::shape::{dec, s};
use super::{Refusal, Said};
use crate::domain::money::{Fine, Minor};
use crate::domain::time::Timestamp;
use bytes::Bytes;
use chrono::NaiveDate;
use http::{Request, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// Answers `Reports/Accounting/{name}`.
pub(super) fn accounting(state: &State, name: &str, request: &Request<Bytes>) -> Said {
    let query = request.uri().query().unwrap_or_default();
    let words: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let day = |word: &str| {
        let given = words.get(word).and_then(|text| text.get(..10)).unwrap_or_default();
        NaiveDate::parse_from_str(given, "%Y-%m-%d").map_err(|_| Refusal::bad("startDate and endDate are required"))
    };
    let (from, to) = (day("startDate")?, day("endDate")?);
    let within = |at: Timestamp, shop: usize| {
        let zone = state.till.outlets.get(shop).map_or(chrono_tz::UTC, |outlet| outlet.zone);
        let local = at.to_utc().with_timezone(&zone).date_naive();
        (local >= from && local <= to).then_some(local)
    };
    let sales: Vec<(usize, &Sale, Option<&SaleNotes>)> = (0..state.till.sales.len())
        .filter(|at| listed(state, *at))
        .filter_map(|at| {
            let sale = state.seen(at).filter(|sale| sale.status != VOIDED)?;
            let shop = state.till.registers.get(sale.register)?.outlet;
            Some((shop, sale, state.r.sales.get(&at)))
        })
        .collect();
    let date = |day: &NaiveDate| s(day.format("%m/%d/%Y"));
    let completed = |sale: &Sale, shop: usize| sale.completed_at.and_then(|at| within(at, shop));
    let (key, rows): (&str, Vec<Value>) = match name {
        "PaymentsByDay" => {
            let mut sums: BTreeMap<(NaiveDate, usize, usize), i64> = BTreeMap::new();
            for (shop, sale, _) in &sales {
                for payment in &sale.payments {
                    if let Some(day) = within(payment.at, *shop) {
                        *sums.entry((day, *shop, payment.kind)).or_default() += payment.amount.0;
                    }
                }
            }
            let show = |((day, shop, kind), sum): (&(NaiveDate, usize, usize), &i64)| {
                let name = state.till.payment_types.get(*kind).map_or("", |kind| kind.name);
                json!({
                    "date": date(day), "shopID": s(shop + 1), "layaway": s(false), "amount": money(Minor(*sum)),
                    "paymentTypeName": name, "paymentTypeID": s(kind + 1),
                })
            };
            ("Payments", sums.iter().map(show).collect())
        }
        "TaxesByDay" | "TaxClassSalesByDay" | "DiscountsByDay" => {
            // Tax, net after discount, cost, discount.
            let mut sums: BTreeMap<(NaiveDate, usize), [i64; 4]> = BTreeMap::new();
            for (shop, sale, notes) in &sales {
                let Some(day) = completed(sale, *shop) else { continue };
                let own = sale.sums(*notes);
                let costs =
                    sale.lines.iter().map(|l| l.quantity * state.range.items.get(l.item).map_or(0, |i| i.cost.0));
                let cost = costs.sum::<i64>() * 1_000;
                let add = [own.tax.0, own.subtotal.0 - own.discount.0, cost, own.discount.0];
                let entry = sums.entry((day, *shop)).or_default();
                entry.iter_mut().zip(add).for_each(|(sum, more)| *sum += more);
            }
            let show = |((day, shop), [tax, net, cost, discount]): (&(NaiveDate, usize), &[i64; 4])| match name {
                "TaxesByDay" => json!({
                    "date": date(day), "shopID": s(shop + 1), "taxCategoryID": "1", "taxCategoryName": "Sales tax",
                    "tax": dec(Fine(*tax)),
                }),
                "TaxClassSalesByDay" => json!({
                    "date": date(day), "shopID": s(shop + 1), "taxClassID": "1", "taxClassName": "Item",
                    "subtotal": dec(Fine(*net)), "fifoCost": dec(Fine(*cost)), "avgCost": dec(Fine(*cost)),
                }),
                _ => json!({"date": date(day), "shopID": s(shop + 1), "discount": dec(Fine(*discount))}),
            };
            let key = match name {
                "TaxesByDay" => "Taxes",
                "TaxClassSalesByDay" => "SalesDay",
                _ => "Discounts",
            };
            (key, sums.iter().map(show).collect())
        }
        _ => return Err(Refusal::new(StatusCode::NOT_FOUND, "Invalid API path")),
    };
    let mut body = Map::new();
    body.insert("@attributes".into(), json!({}));
    let mut rows = rows;
    match rows.len() {
        0 => {}
        1 => drop(body.insert(key.into(), rows.pop().unwrap_or_default())),
        _ => drop(body.insert(key.into(), Value::Array(rows))),
    }
    Ok((Value::Object(body), Vec::new()))
}
