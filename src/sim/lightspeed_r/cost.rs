//! What a request costs, in drips of the bucket: the table of 17 March 2026.

use super::limit::DRIP;
use super::query::{Asked, Relations};
use super::shape::truth;
use super::tables::Kind;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// A tenth of a drip.
const TENTH: i64 = DRIP / 10;

/// The cost of a request to `parts` (`["Sale", "7", "refund"]`).
pub(super) fn cost(method: &Method, parts: &[&str], asked: &Asked, body: &Value) -> i64 {
    let kind = parts.first().and_then(|word| Kind::of(word));
    let writes = method == Method::POST || method == Method::PUT;
    let base = match parts {
        ["Sale", _, "EmailReceipt"] => 5 * DRIP,
        ["Sale", _, "refund"] | ["InventoryCountReconcile"] => 10 * DRIP,
        ["Category", ..] if writes => 10 * DRIP,
        ["Sale" | "SaleLine", ..] if method != Method::GET => {
            let closes = writes && parts.first() == Some(&"Sale") && truth(&body["completed"]) == Some(true);
            (if closes { 5 } else { 2 }) * DRIP
        }
        _ => DRIP,
    };
    if asked.count {
        return 10 * DRIP;
    }
    let many = parts.len() == 1 && method == Method::GET;
    let relations = kind.map_or(0, |kind| loads(kind, &asked.relations, many));
    base + relations + alternatives(asked) + if writes { nested(body) * DRIP / 2 } else { 0 }
}

/// A tenth for what leads to one, two for what leads to many; doubled in lists and below what leads to many.
fn loads(kind: Kind, wanted: &Relations, doubled: bool) -> i64 {
    let factor = if doubled { 2 } else { 1 };
    let mut sum = 0;
    for (name, many, leads_to) in kind.relations() {
        if !wanted.has(name) {
            continue;
        }
        sum += factor * if *many { 2 * TENTH } else { TENTH };
        if let (Some(other), Some(below)) = (leads_to, wanted.named.get(*name)) {
            sum += loads(*other, below, doubled || *many);
        }
    }
    sum
}

/// Alternatives on one field are free; on one entity with one range at most they cost a drip each; on several
/// entities, or with several ranges, ten per entity and one for each further condition on it.
fn alternatives(asked: &Asked) -> i64 {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX / DRIP);
    let mut entities: BTreeMap<&str, usize> = BTreeMap::new();
    for test in &asked.or {
        *entities.entry(test.field.rsplit_once('.').map_or("", |(entity, _)| entity)).or_default() += 1;
    }
    let ranges = asked.or.iter().filter(|test| test.op.is_range()).count();
    let same_field = asked.or.windows(2).all(|pair| pair.first().map(|t| &t.field) == pair.last().map(|t| &t.field));
    match entities.len() {
        0 => 0,
        _ if same_field => 0,
        1 if ranges <= 1 => count(asked.or.len()) * DRIP,
        _ => entities.values().map(|n| (10 + count(n.saturating_sub(1))) * DRIP).sum(),
    }
}

/// How many rows of other entities stand inside a body.
fn nested(body: &Value) -> i64 {
    let Some(fields) = body.as_object() else { return 0 };
    let rows = |value: &Value| -> i64 {
        match value {
            Value::Object(_) => 1 + nested(value),
            Value::Array(list) => list.iter().map(|each| 1 + nested(each)).sum(),
            _ => 0,
        }
    };
    let mut sum = 0;
    for (name, value) in fields.iter().filter(|(name, _)| name.chars().next().is_some_and(char::is_uppercase)) {
        let list_of = |value: &Value| -> Option<i64> {
            let inner = value.as_object()?.iter().next()?;
            name.starts_with(inner.0.as_str()).then(|| rows(inner.1))
        };
        sum += match value {
            Value::Array(list) => list.iter().map(|each| list_of(each).unwrap_or_else(|| rows(each))).sum(),
            other => list_of(other).unwrap_or_else(|| rows(other)),
        };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Request;
    use serde_json::json;

    fn tenths(method: Method, path: &str, body: &Value) -> i64 {
        let request = Request::builder().uri(format!("/{path}")).body(Bytes::new()).expect("a request");
        let asked = Asked::of(&request).expect("read");
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_end_matches(".json").split('/').collect();
        cost(&method, &parts, &asked, body) / TENTH
    }

    #[test]
    fn every_row_of_the_table() {
        let list = |names: &[&str]| {
            let text = json!(names).to_string();
            form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
        };
        let sales = list(&["SaleLines", "SalePayments", "SalePayments.PaymentType", "Customer"]);
        let no = json!(null);
        for (method, path, body, wanted) in [
            (Method::GET, "Shop.json".to_owned(), no.clone(), 10),
            (Method::GET, format!("Sale.json?load_relations={sales}"), no.clone(), 22),
            (Method::GET, format!("Sale/7.json?load_relations={sales}"), no.clone(), 17),
            (Method::GET, format!("Item/7.json?load_relations={}", list(&["ItemShops"])), no.clone(), 12),
            (Method::GET, format!("Item/7.json?load_relations={}", list(&["ItemAttributes"])), no.clone(), 11),
            (Method::GET, "Item.json?count=1".into(), no.clone(), 100),
            (Method::GET, "Item.json?or=ean%3D1%7Cean%3D2".into(), no.clone(), 10),
            (Method::GET, "Item.json?or=ean%3D1%7Cupc%3D2".into(), no.clone(), 30),
            (Method::GET, "Item.json?or=itemID%3D%3E,1%7CtimeStamp%3D%3E,2026-01-01".into(), no.clone(), 120),
            (Method::GET, "Item.json?or=ItemShops.qoh%3D1%7Cean%3D2".into(), no.clone(), 210),
            (Method::PUT, "Item/7.json".into(), json!({"ItemShops": {"ItemShop": {"qoh": 1}}}), 15),
            (Method::PUT, "Item/7.json".into(), json!({"ItemShops": {"ItemShop": [{"qoh": 1}, {"qoh": 2}]}}), 20),
            (Method::DELETE, "Item/7.json".into(), no.clone(), 10),
            (Method::POST, "SaleLine.json".into(), json!({"itemID": 1}), 20),
            (Method::DELETE, "SaleLine/7.json".into(), no.clone(), 20),
            (
                Method::POST,
                "Sale.json".into(),
                json!({"completed": true, "SaleLines": [{"SaleLine": {"itemID": 1}}],
                    "SalePayments": {"SalePayment": {"amount": 1}}}),
                60,
            ),
            (Method::POST, "Sale/7/refund.json".into(), json!({"SalePayments": {"SalePayment": {}}}), 105),
            (Method::POST, "Sale/7/EmailReceipt.json".into(), json!({}), 50),
            (Method::POST, "InventoryCountReconcile.json".into(), json!({}), 100),
        ] {
            assert_eq!(tenths(method.clone(), &path, &body), wanted, "{method} {path}");
        }
    }
}
