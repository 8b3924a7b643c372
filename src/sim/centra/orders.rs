//! Orders and their lines as the shop shows them.

use super::super::text;
use super::super::till::TAX_PERCENT;
use super::super::web::{CANCELLED, Order};
use super::super::world::State;
use super::filter::Filter;
use super::papers_show;
use super::query::{Found, Node, typename};
use super::schema::Asked;
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Orders that a filter lets through, sorted.
pub(super) fn list(state: &State, asked: &Asked, filter: &Filter<'_>) -> Vec<Node> {
    let (from, to) = filter.range("updatedAt");
    let papers = &state.web.papers;
    if papers.quirks.other_store {
        return Vec::new();
    }
    let fits = |at: &usize| {
        state.web.orders.get(*at).is_some_and(|o| {
            let held = papers.extras.get(at).is_some_and(|e| e.on_hold);
            let locked = papers.extras.get(at).is_some_and(|e| e.locked);
            let external = papers.extras.get(at).and_then(|e| e.external.as_deref());
            let shown = !papers.quirks.hide_held || !held || filter.names("isOnHold");
            shown
                && filter.flag("isLocked", locked)
                && filter.text("externalId", external)
                && filter.id("number", o.number)
                && filter.word("id", &o.id)
                && filter.word("status", papers.word(o))
                && filter.word("storeType", "DIRECT_TO_CONSUMER")
                && filter.flag("isOnHold", held)
                && filter.flag("isWaitingForPayment", false)
                && filter.time("createdAt", o.created_at)
                && filter.time("orderDate", o.created_at)
                && filter.time("updatedAt", o.updated_at)
        })
    };
    let mut found: Vec<usize> = match (filter.ids("number"), from) {
        (Some(numbers), _) => {
            numbers.iter().filter_map(|n| state.web.order_by_number.get(n).copied()).filter(|at| fits(at)).collect()
        }
        (None, Some(from)) => state
            .web
            .order_by_updated
            .range((from.secs(), 0)..)
            .take_while(|(secs, _)| to.is_none_or(|to| *secs <= to.secs()))
            .map(|(_, at)| *at)
            .filter(|at| fits(at))
            .collect(),
        (None, None) => (0..state.web.orders.len()).filter(|at| fits(at)).collect(),
    };
    match asked.sort() {
        Some("updatedAt_ASC" | "updatedAt_DESC") => {
            found.sort_by_key(|at| state.web.orders.get(*at).map(|o| (o.updated_at.secs(), o.number)));
        }
        _ => found.sort_unstable(),
    }
    found.dedup();
    if asked.sort().is_some_and(|sort| sort.ends_with("_DESC")) {
        found.reverse();
    }
    found.into_iter().map(Node::Order).collect()
}

/// A page of orders by cursor, newest number last unless sorted otherwise.
pub(super) fn connection(state: &State, asked: &Asked) -> Node {
    let filter = Filter::of(asked, state.web.zone);
    let all: Vec<usize> = list(state, asked, &filter)
        .into_iter()
        .filter_map(|n| if let Node::Order(at) = n { Some(at) } else { None })
        .collect();
    let cursor = |at: &usize| STANDARD.encode(format!("number:{}", state.web.orders.get(*at).map_or(0, |o| o.number)));
    let after = asked.arguments.get("after").and_then(Value::as_str);
    let start = after.and_then(|after| all.iter().position(|at| cursor(at) == after)).map_or(0, |at| at + 1);
    let first = asked.arguments.get("first").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let page: Vec<usize> = all.iter().skip(start).take(first.unwrap_or(20)).copied().collect();
    let edges: Vec<Value> =
        page.iter().map(|at| json!({"cursor": cursor(at), "node": {"$node": "Order", "at": at}})).collect();
    Node::Ready(json!({
        "__typename": "OrderConnection", "totalCount": all.len(), "edges": edges,
        "pageInfo": {
            "hasNextPage": start + page.len() < all.len(), "hasPreviousPage": start > 0,
            "startCursor": page.first().map(cursor), "endCursor": page.last().map(cursor),
        },
    }))
}

pub(super) fn money_value(state: &State, amount: Minor) -> Value {
    json!({
        "value": text::number_minor(amount),
        "currency": {"id": 1, "code": state.web.currency},
        "conversionRate": 1,
        "formattedValue": format!("{}.{:02} {}", amount.0 / 100, (amount.0 % 100).abs(), state.web.currency),
    })
}

pub(super) fn money(state: &State, amount: Minor) -> Node {
    Node::Ready(money_value(state, amount))
}

/// The tax inside an amount, to the cent.
fn tax_in(gross: Minor) -> Minor {
    Minor(gross.0 - (gross.0 * 100 + (100 + TAX_PERCENT) / 2) / (100 + TAX_PERCENT))
}

pub(super) fn order_field(state: &State, at: usize, order: &Order, asked: &Asked) -> Found {
    let web = &state.web;
    let total = Minor(order.goods().0 + order.shipping.0);
    let when = |at: Timestamp| text::zoned(at, web.zone);
    let small = |value: Value| Found::One(Some(Node::Ready(value)));
    match asked.name.as_str() {
        "id" => Found::Leaf(Value::from(order.id.as_str())),
        "number" => Found::Leaf(Value::from(order.number)),
        "status" => Found::Leaf(Value::from(web.papers.word(order))),
        "isOnHold" => Found::Leaf(Value::from(web.papers.extra(at).on_hold)),
        "isLocked" => Found::Leaf(Value::from(web.papers.extra(at).locked)),
        "externalId" => Found::Leaf(Value::from(web.papers.extra(at).external)),
        "createdAt" | "orderDate" => Found::Leaf(Value::from(when(order.created_at))),
        "updatedAt" => Found::Leaf(Value::from(when(order.updated_at))),
        "currencyBaseRate" => Found::Leaf(Value::from(1)),
        "internalComment" => Found::Leaf(Value::from(web.papers.extra(at).internal)),
        "otherComment" => Found::Leaf(Value::from(web.papers.extra(at).other)),
        "store" => small(json!({"id": 1, "type": "DIRECT_TO_CONSUMER"})),
        "market" => small(json!({"id": 1, "name": "Home market"})),
        "pricelist" => small(json!({"id": 1, "name": web.currency})),
        "country" => small(json!({"code": "GB", "name": "United Kingdom"})),
        "customer" => small(
            json!({"id": order.number, "email": "customer@example.com", "firstName": "Web", "lastName": "Customer"}),
        ),
        "grandTotal" => {
            let including = asked.arguments.get("includingTax").and_then(Value::as_bool).unwrap_or(true);
            Found::One(Some(money(state, if including { total } else { Minor(total.0 - tax_in(total).0) })))
        }
        "totals" => {
            let units: i64 = order.lines.iter().map(|l| l.units).sum();
            let cancelled: i64 = order.lines.iter().map(|l| l.cancelled).sum();
            let zero = money_value(state, Minor::ZERO);
            small(json!({
                "quantity": units, "originalQuantity": units + cancelled, "cancelledQuantity": cancelled,
                "unexpeditedQuantity": if order.open() { units - order.lines.iter().map(|l| l.shipped).sum::<i64>() } else { 0 },
                "lineValues": money_value(state, order.goods()), "shipping": money_value(state, order.shipping),
                "taxIncluded": money_value(state, tax_in(total)),
                "handling": zero, "discounts": zero, "taxAdded": zero, "taxDeducted": zero,
            }))
        }
        "shippingPriceGroup" => small(json!({"shippingOption": {"id": 7, "name": "Standard", "uri": "standard"}})),
        "paymentMethod" => small(json!({"uri": "card", "plugin": "simulated"})),
        "paymentHistory" => {
            let entries = &web.papers.entries;
            let written = |(_, e): &(usize, &super::papers::Entry)| e.order == at;
            let mut list: Vec<Value> =
                entries.iter().enumerate().filter(written).map(|(e, _)| papers_show::entry(state, e)).collect();
            // What nobody wrote a payment for was paid as trade pays: captured when it left.
            let kind = if order.open() || !list.is_empty() || order.status == CANCELLED { "AUTH" } else { "CAPTURE" };
            let first = json!({
                "__typename": "PaymentHistoryEntry",
                "id": order.number, "entryType": kind, "status": "SUCCESS", "createdAt": when(order.created_at),
                "externalReference": format!("psp-{}", order.number), "value": money_value(state, total),
            });
            list.insert(0, first);
            let filter = Filter::of(asked, web.zone);
            let fits =
                |e: &Value| e.get("entryType").and_then(Value::as_str).is_some_and(|k| filter.word("entryType", k));
            Found::Many(list.into_iter().filter(fits).map(Node::Ready).collect())
        }
        "lines" => {
            let all = asked.arguments.get("includeFullyCancelled").and_then(Value::as_bool).unwrap_or(false);
            let shown = |k: &usize| all || order.lines.get(*k).is_some_and(|line| line.units > 0);
            Found::Many((0..order.lines.len()).filter(shown).map(|k| Node::Line(at, k)).collect())
        }
        "shippingAddress" | "billingAddress" => small(json!({
            "firstName": "Web", "lastName": "Customer", "address1": "1 Any Street", "address2": "", "zipCode": "",
            "city": "Anytown", "country": {"code": "GB", "name": "United Kingdom"},
        })),
        _ => typename("DirectToConsumerOrder"),
    }
}

pub(super) fn line_field(state: &State, at: usize, order: &Order, k: usize, name: &str) -> Found {
    let Some((line, item)) = order.lines.get(k).and_then(|l| Some((l, state.range.items.get(l.item)?))) else {
        return Found::Leaf(Value::Null);
    };
    let style = state.range.styles.get(item.style);
    let leaf = Found::Leaf;
    match name {
        "id" => leaf(Value::from(line.id)),
        "productNumber" => leaf(Value::from(style.map(|s| s.number.as_str()))),
        "productName" => leaf(Value::from(style.map(|s| s.name.as_str()))),
        "productBrand" => leaf(Value::from("House label")),
        "productVariantName" => leaf(Value::from(item.colour)),
        "size" => leaf(Value::from(item.size)),
        "comment" => leaf(Value::from("")),
        "hasAnyDiscount" => leaf(Value::from(false)),
        // A cancelled order leaves its quantities as they were.
        "quantity" => leaf(Value::from(line.units)),
        "cancelledQuantity" => leaf(Value::from(line.cancelled)),
        "returnedQuantity" => leaf(Value::from(state.web.papers.returned(at, k))),
        "discountPercent" => leaf(Value::from(0)),
        "taxPercent" => leaf(Value::from(TAX_PERCENT)),
        "unitPrice" | "unitOriginalPrice" => Found::One(Some(money(state, line.price))),
        "lineValue" => Found::One(Some(money(state, Minor(line.price.0 * line.units)))),
        "product" => Found::One(Some(Node::Product(item.style))),
        "productVariant" => Found::One(Some(Node::Variant(item.variant))),
        "productSize" => Found::One(Some(Node::Size(line.item))),
        "allocations" => {
            let has = order.allocated && order.open() && line.units > line.shipped;
            Found::Many(if has { vec![Node::Allocation(at, k)] } else { Vec::new() })
        }
        _ => typename("ProductOrderLine"),
    }
}
