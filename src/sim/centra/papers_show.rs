//! Shipments, returns and payments as the shop shows them, and the lists of them.

use super::super::text;
use super::super::world::State;
use super::filter::Filter;
use super::orders::money_value;
use super::papers::Policy;
use super::query::Node;
use super::schema::Asked;
use crate::domain::money::Minor;
use serde_json::{Value, json};

pub(super) fn shipment(state: &State, at: usize) -> Value {
    let web = &state.web;
    let Some(shipment) = web.papers.shipments.get(at) else { return Value::Null };
    let when = |at| text::zoned(at, web.zone);
    let order = web.orders.get(shipment.order);
    let line = |l: &super::papers::ShipLine| {
        let price = order.and_then(|o| o.lines.get(l.line)).map_or(Minor::ZERO, |l| l.price);
        json!({
            "__typename": "ShipmentLine", "id": l.id, "quantity": l.units, "returnedQuantity": l.returned,
            "unitPrice": money_value(state, price), "lineValue": money_value(state, Minor(price.0 * l.units)),
            "orderLine": {"$node": "Line", "at": shipment.order, "line": l.line},
        })
    };
    let worth = money_value(state, state.worth(at));
    json!({
        "__typename": "DirectToConsumerShipment", "id": shipment.id,
        "number": format!("{}-{}", order.map_or(0, |o| o.number), shipment.sequence),
        "isGoodToGo": shipment.good_to_go, "isPrinted": false, "isOnHold": false,
        "isShipped": shipment.shipped_at.is_some(), "shippedAt": shipment.shipped_at.map(when),
        "isPaid": shipment.paid_at.is_some(), "paidAt": shipment.paid_at.map(when),
        "isCaptured": shipment.captured_at.is_some(), "capturedAt": shipment.captured_at.map(when),
        "capturedValue": shipment.captured_at.map(|_| worth.clone()), "grandTotal": worth,
        "createdAt": when(shipment.created_at), "updatedAt": when(shipment.updated_at),
        "trackingNumber": shipment.tracking, "store": {"id": 1, "type": "DIRECT_TO_CONSUMER"},
        "order": {"$node": "Order", "at": shipment.order},
        "lines": shipment.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

pub(super) fn back(state: &State, at: usize) -> Value {
    let web = &state.web;
    let Some(back) = web.papers.returns.get(at) else { return Value::Null };
    let Some(shipment) = web.papers.shipments.get(back.shipment) else { return Value::Null };
    let order = web.orders.get(shipment.order);
    let lines = back.lines.iter().filter_map(|(id, k, units)| {
        let of = shipment.lines.get(*k)?;
        let price = order?.lines.get(of.line)?.price;
        Some(json!({
            "__typename": "ReturnLine", "id": id, "quantity": units, "unitPrice": money_value(state, price),
            "lineValue": money_value(state, Minor(price.0 * units)),
            "orderLine": {"$node": "Line", "at": shipment.order, "line": of.line},
            "shipmentLine": {"id": of.id, "quantity": of.units, "returnedQuantity": of.returned},
        }))
    });
    let refund = state.refund_of(at);
    let goods = Minor(refund.0 - back.shipping.0 + back.fee.0);
    let units: i64 = back.lines.iter().map(|(_, _, units)| units).sum();
    let zero = money_value(state, Minor::ZERO);
    let place = match back.policy {
        Policy::Release => Some(super::super::web::SELLING),
        Policy::Send(place) => Some(place),
        Policy::Remove => None,
    };
    let entries = &web.papers.entries;
    let history = entries.iter().enumerate().filter(|(_, e)| e.back == Some(back.id)).map(|(e, _)| entry(state, e));
    json!({
        "__typename": "DirectToConsumerReturn", "id": back.id,
        "returnStatus": if back.completed { "COMPLETED" } else { "PENDING" },
        "status": if back.completed { "ACTIVE" } else { "INACTIVE" },
        "createdAt": text::zoned(back.created_at, web.zone), "totalQuantity": units,
        "grandTotal": money_value(state, refund), "returnedToStock": back.restocked && place.is_some(),
        "comment": back.comment, "externalId": back.external, "currencyBaseRate": 1,
        "store": {"id": 1, "type": "DIRECT_TO_CONSUMER"},
        "order": {"$node": "Order", "at": shipment.order},
        "shipment": {"$node": "Shipment", "at": back.shipment},
        "returnWarehouse": place.map(|place| json!({"$node": "Warehouse", "at": place})),
        "lines": lines.collect::<Vec<_>>(), "refundPaymentHistory": history.collect::<Vec<_>>(),
        "totals": {
            "quantity": units, "lineValues": money_value(state, goods), "shipping": money_value(state, back.shipping),
            "returnCost": money_value(state, back.fee), "handling": zero, "discounts": zero,
        },
    })
}

pub(super) fn entry(state: &State, at: usize) -> Value {
    let Some(entry) = state.web.papers.entries.get(at) else { return Value::Null };
    json!({
        "__typename": "PaymentHistoryEntry", "id": entry.id, "entryType": entry.kind, "status": entry.status,
        "createdAt": text::zoned(entry.at, state.web.zone), "externalReference": format!("psp-{}", entry.id),
        "value": money_value(state, entry.value),
    })
}

/// Shipments and returns that a filter lets through, in the order of their ids.
pub(super) fn list(state: &State, name: &str, asked: &Asked) -> Vec<Node> {
    let web = &state.web;
    let filter = Filter::of(asked, web.zone);
    let of = |order: usize| {
        web.orders.get(order).is_some_and(|o| filter.id("orderNumber", o.number) && filter.word("orderId", &o.id))
    };
    if web.papers.quirks.other_store {
        return Vec::new();
    }
    if name == "returns" {
        let fits = |at: &usize| {
            web.papers.returns.get(*at).is_some_and(|b| {
                let shipment = web.papers.shipments.get(b.shipment);
                b.id != 0
                    && filter.id("id", b.id)
                    && filter.word("returnStatus", if b.completed { "COMPLETED" } else { "PENDING" })
                    && filter.text("externalId", b.external.as_deref())
                    && filter.time("createdAt", b.created_at)
                    && shipment.is_some_and(|s| filter.id("shipmentId", s.id) && of(s.order))
            })
        };
        return (0..web.papers.returns.len()).filter(fits).map(Node::Return).collect();
    }
    let fits = |at: &usize| {
        web.papers.shipments.get(*at).is_some_and(|s| {
            s.id != 0
                && of(s.order)
                && filter.id("id", s.id)
                && filter.flag("isGoodToGo", s.good_to_go)
                && filter.flag("isShipped", s.shipped_at.is_some())
                && filter.flag("isPaid", s.paid_at.is_some())
                && filter.flag("isCaptured", s.captured_at.is_some())
                && filter.time("createdAt", s.created_at)
                && filter.time("updatedAt", s.updated_at)
        })
    };
    (0..web.papers.shipments.len()).filter(fits).map(Node::Shipment).collect()
}
