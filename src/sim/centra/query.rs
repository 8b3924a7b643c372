//! Answers a checked question from the web account: exactly the fields that were asked for.

use super::super::auditor::Knowledge;
use super::super::text;
use super::super::web::{SELLING, Shelf};
use super::super::world::State;
use super::filter::Filter;
use super::orders::{self, line_field, money, order_field};
use super::schema::Asked;
use super::{events, papers_show};
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// Something that has fields.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Warehouse(usize),
    Stock(usize, usize),
    Totals(usize),
    WarehouseTotals(usize),
    Product(usize),
    Variant(usize),
    Size(usize),
    Order(usize),
    Line(usize, usize),
    Allocation(usize, usize),
    Change(usize),
    ChangeLine(usize, usize),
    Shipment(usize),
    Return(usize),
    Entry(usize),
    Counters,
    /// Small things whose fields lie ready.
    Ready(Value),
}

pub(super) enum Found {
    Leaf(Value),
    One(Option<Node>),
    Many(Vec<Node>),
}

/// Answers the fields of the root; what the reader learns is added to `learned`.
pub(super) fn root(state: &mut State, asked: &[Asked], learned: &mut Vec<Knowledge>) -> Map<String, Value> {
    let mut data = Map::new();
    for field in asked {
        let nodes = match field.name.as_str() {
            "__typename" => {
                data.insert(field.key.clone(), Value::from("Query"));
                continue;
            }
            "counters" => {
                data.insert(
                    field.key.clone(),
                    show(state, &Node::Counters, field.selection.as_deref().unwrap_or(&[]), learned),
                );
                continue;
            }
            "orderConnection" => {
                let shown = orders::connection(state, field);
                data.insert(field.key.clone(), show(state, &shown, field.selection.as_deref().unwrap_or(&[]), learned));
                continue;
            }
            "rateLimits" => {
                let now = state.now;
                let lines = state.web.buckets.lines(now);
                let show = |l: &super::limits::Line| {
                    Node::Ready(json!({
                        "type": l.kind, "intervalSeconds": l.interval, "quota": l.quota,
                        "usedQuota": l.quota - l.remaining, "remainingQuota": l.remaining,
                    }))
                };
                lines.iter().map(show).collect()
            }
            name => field.slice(list(state, name, field)),
        };
        for node in &nodes {
            if let Node::Order(at) = node {
                learned.extend(state.order_knowledge(*at));
            }
        }
        let selection = field.selection.as_deref().unwrap_or(&[]);
        let shown = nodes.iter().map(|n| show(state, n, selection, learned)).collect();
        data.insert(field.key.clone(), Value::Array(shown));
    }
    data
}

/// Rows of a root list, filtered and sorted, before paging.
fn list(state: &State, name: &str, asked: &Asked) -> Vec<Node> {
    let filter = Filter::of(asked, state.web.zone);
    let opened = state.web.opened_at;
    let mut nodes: Vec<Node> = match name {
        "warehouses" => (0..state.web.warehouses.len())
            .filter(|w| state.web.warehouses.get(*w).is_some_and(|w| filter.id("id", w.id)))
            .map(Node::Warehouse)
            .collect(),
        "products" => (0..state.range.styles.len())
            .filter(|s| {
                state.range.styles.get(*s).is_some_and(|style| filter.id("id", style.web_id))
                    && filter.word("status", on_or_off(&state.web.papers.styles_off, *s))
                    && filter.time("updatedAt", moment(&state.web.papers.style_changed, *s, opened))
                    && !variants_of(state, *s).is_empty()
            })
            .map(Node::Product)
            .collect(),
        "productVariants" => (0..state.range.variants.len())
            .filter(|v| {
                state.range.variants.get(*v).is_some_and(|variant| {
                    filter.id("id", variant.web_id)
                        && state.range.styles.get(variant.style).is_some_and(|s| filter.id("productId", s.web_id))
                }) && filter.word("status", on_or_off(&state.web.papers.variants_off, *v))
                    && filter.time("updatedAt", moment(&state.web.papers.variant_changed, *v, opened))
                    && !sizes_of(state, *v).is_empty()
            })
            .map(Node::Variant)
            .collect(),
        "productSizes" => sizes(state, &filter),
        "orders" => return orders::list(state, asked, &filter),
        "events" => return events::list(state, asked),
        "stores" => {
            vec![Node::Ready(json!({"__typename": "Store", "id": 1, "name": "Web shop", "type": "DIRECT_TO_CONSUMER"}))]
        }
        "markets" => vec![Node::Ready(json!({"__typename": "Market", "id": 1, "name": "Home market"}))],
        "paymentMethods" => {
            vec![Node::Ready(json!({"__typename": "PaymentMethod", "id": 1, "uri": "card", "plugin": "simulated"}))]
        }
        "shipments" | "returns" => papers_show::list(state, name, asked),
        "stockChanges" => (0..state.web.changes.len())
            .filter(|c| {
                state.web.changes.get(*c).is_some_and(|change| {
                    filter.id("id", change.id)
                        && filter.text("comment", Some(&change.comment))
                        && filter.time("createdAt", change.at)
                        && state.web.warehouses.get(change.warehouse).is_some_and(|w| filter.id("warehouseId", w.id))
                })
            })
            .map(Node::Change)
            .collect(),
        _ => Vec::new(),
    };
    // Everything here lies in the order of its id; all rows of the range were last changed at one moment.
    if asked.sort().is_some_and(|sort| sort.ends_with("_DESC")) {
        nodes.reverse();
    }
    nodes
}

fn sizes(state: &State, filter: &Filter<'_>) -> Vec<Node> {
    let fits = |at: &usize| {
        state.range.items.get(*at).is_some_and(|item| {
            item.on_web()
                && filter.id("id", item.size_id)
                && filter.text("SKU", Some(&item.sku))
                && filter.text("EAN", item.ean.as_deref())
                && filter.text("UPC", None)
                && filter.flag("isActive", !state.web.papers.sizes_off.contains(at))
                && filter.time("updatedAt", moment(&state.web.papers.size_changed, *at, state.web.opened_at))
        })
    };
    match filter.ids("id") {
        // Asked by id: no need to look at the whole range.
        Some(ids) => {
            let mut found: Vec<usize> =
                ids.iter().filter_map(|id| state.web.item_by_size.get(id).copied()).filter(|at| fits(at)).collect();
            found.sort_unstable();
            found.dedup();
            found.into_iter().map(Node::Size).collect()
        }
        None => (0..state.range.items.len()).filter(|at| fits(at)).map(Node::Size).collect(),
    }
}

fn variants_of(state: &State, style: usize) -> Vec<usize> {
    (0..state.range.variants.len())
        .filter(|v| {
            state.range.variants.get(*v).is_some_and(|variant| variant.style == style)
                && !sizes_of(state, *v).is_empty()
        })
        .collect()
}

fn sizes_of(state: &State, variant: usize) -> Vec<usize> {
    let on_web = |at: &usize| state.range.items.get(*at).is_some_and(super::super::catalogue::Item::on_web);
    state.range.variants.get(variant).map(|v| v.items.iter().copied().filter(on_web).collect()).unwrap_or_default()
}

/// A node reduced to what was asked of it; what the reader learns is added to `learned`.
pub(super) fn show(state: &State, node: &Node, selection: &[Asked], learned: &mut Vec<Knowledge>) -> Value {
    let mut out = Map::new();
    for asked in selection {
        let inner = asked.selection.as_deref().unwrap_or(&[]);
        // A fragment on another kind of event object says nothing here.
        if asked.only.is_some_and(|only| !kind_of(node).ends_with(only)) {
            continue;
        }
        let value = match find(state, node, asked) {
            Found::Leaf(value) => value,
            Found::One(None) => Value::Null,
            Found::One(Some(node)) => {
                // Who reads an order's lines on a way round has still read the order.
                if let Node::Order(at) = &node
                    && inner.iter().any(|asked| asked.name == "lines")
                {
                    learned.extend(state.order_knowledge(*at));
                }
                show(state, &node, inner, learned)
            }
            Found::Many(nodes) => {
                let nodes = if asked.arguments.contains_key("limit") || paged(&asked.name) {
                    asked.slice(nodes)
                } else {
                    nodes
                };
                learned.extend(shelves_in(node, &asked.name, &nodes));
                Value::Array(nodes.iter().map(|n| show(state, n, inner, learned)).collect())
            }
        };
        out.insert(asked.key.clone(), value);
    }
    Value::Object(out)
}

/// The shelves that sell of which a list of stock rows tells; a size without a row tells that there is none.
fn shelves_in(of: &Node, name: &str, rows: &[Node]) -> Vec<Knowledge> {
    let selling = |node: &Node| match node {
        Node::Stock(item, SELLING) => Some(Knowledge::Shelf { item: *item }),
        _ => None,
    };
    match of {
        Node::Size(item) if name == "stock" => vec![Knowledge::Shelf { item: *item }],
        _ => rows.iter().filter_map(selling).collect(),
    }
}

/// Sub-lists that are cut at twenty rows unless asked otherwise; the others always return everything.
fn paged(name: &str) -> bool {
    matches!(name, "stock" | "variants" | "productSizes")
}

fn find(state: &State, node: &Node, asked: &Asked) -> Found {
    let range = &state.range;
    let web = &state.web;
    let when = |at: Timestamp| Found::Leaf(Value::from(text::zoned(at, web.zone)));
    let leaf = |value: Value| Found::Leaf(value);
    let name = asked.name.as_str();
    let filter = Filter::of(asked, web.zone);
    match node {
        Node::Ready(value) => ready(value, asked),
        Node::Counters => leaf(Value::from(list(state, name, asked).len())),
        Node::Warehouse(w) => {
            let Some(warehouse) = web.warehouses.get(*w) else { return Found::Leaf(Value::Null) };
            match name {
                "id" => leaf(Value::from(warehouse.id)),
                "name" => leaf(Value::from(warehouse.name)),
                "status" => leaf(Value::from("ACTIVE")),
                "stockMaster" => leaf(Value::from("EXTERNAL")),
                "stockOwnership" => leaf(Value::from("THIRD_PARTY")),
                "allocationPolicy" => leaf(Value::from("CHECK_FIRST")),
                "isHiddenFromStockView" => leaf(Value::from(warehouse.hidden)),
                "isConsignation" => leaf(Value::from(false)),
                "threshold" => leaf(Value::from(0)),
                "brickAndMortar" => Found::One(None),
                "stock" => Found::Many(stock_rows(state, (0..range.items.len()).map(|i| (i, *w)), &filter)),
                "stockTotals" => Found::One(Some(Node::WarehouseTotals(*w))),
                _ => typename("Warehouse"),
            }
        }
        Node::Stock(i, w) => match name {
            "productSize" => Found::One(Some(Node::Size(*i))),
            "warehouse" => Found::One(Some(Node::Warehouse(*w))),
            "__typename" => typename("Stock"),
            _ => quantity(name, web.shelf(*i, *w)),
        },
        Node::Totals(i) => quantity(name, total((0..web.warehouses.len()).map(|w| web.shelf(*i, w)))),
        Node::WarehouseTotals(w) => quantity(name, total((0..range.items.len()).map(|i| web.shelf(i, *w)))),
        Node::Product(s) => {
            let Some(style) = range.styles.get(*s) else { return Found::Leaf(Value::Null) };
            match name {
                "id" => leaf(Value::from(style.web_id)),
                "name" => leaf(Value::from(style.name.as_str())),
                "status" => leaf(Value::from(on_or_off(&web.papers.styles_off, *s))),
                "productNumber" => leaf(Value::from(style.number.as_str())),
                "isBundle" | "isSerializableProduct" => leaf(Value::from(false)),
                "createdAt" => when(web.opened_at),
                "updatedAt" => when(moment(&web.papers.style_changed, *s, web.opened_at)),
                "brand" => Found::One(Some(Node::Ready(json!({"id": 1, "name": "House label"})))),
                "variants" => Found::Many(variants_of(state, *s).into_iter().map(Node::Variant).collect()),
                _ => typename("Product"),
            }
        }
        Node::Variant(v) => {
            let Some(variant) = range.variants.get(*v) else { return Found::Leaf(Value::Null) };
            match name {
                "id" => leaf(Value::from(variant.web_id)),
                "name" => leaf(Value::from(variant.colour)),
                "status" => leaf(Value::from(on_or_off(&web.papers.variants_off, *v))),
                "variantNumber" => leaf(Value::from(variant.number.as_str())),
                "updatedAt" => when(moment(&web.papers.variant_changed, *v, web.opened_at)),
                "unitCost" => {
                    let cost = variant.items.first().and_then(|i| range.items.get(*i)).map_or(Minor::ZERO, |i| i.cost);
                    Found::One(Some(money(state, cost)))
                }
                "product" => Found::One(Some(Node::Product(variant.style))),
                "productSizes" => Found::Many(sizes_of(state, *v).into_iter().map(Node::Size).collect()),
                _ => typename("ProductVariant"),
            }
        }
        Node::Size(i) => {
            let Some(item) = range.items.get(*i) else { return Found::Leaf(Value::Null) };
            match name {
                "id" => leaf(Value::from(item.size_id)),
                "description" => leaf(Value::from(item.size)),
                "sizeNumber" => leaf(Value::from(item.size_number.as_str())),
                "SKU" => leaf(Value::from(item.sku.as_str())),
                "EAN" => leaf(Value::from(item.ean.as_deref())),
                "UPC" => leaf(Value::Null),
                "preorder" => leaf(Value::from(false)),
                "isActive" => leaf(Value::from(!web.papers.sizes_off.contains(i))),
                "updatedAt" => when(moment(&web.papers.size_changed, *i, web.opened_at)),
                "productVariant" => Found::One(Some(Node::Variant(item.variant))),
                "stock" => Found::Many(stock_rows(state, (0..web.warehouses.len()).map(|w| (*i, w)), &filter)),
                "stockTotals" => Found::One(Some(Node::Totals(*i))),
                _ => typename("ProductSize"),
            }
        }
        Node::Order(o) => match web.orders.get(*o) {
            Some(order) => order_field(state, *o, order, asked),
            None => Found::Leaf(Value::Null),
        },
        Node::Line(o, k) => match web.orders.get(*o) {
            Some(order) => line_field(state, *o, order, *k, name),
            None => Found::Leaf(Value::Null),
        },
        Node::Allocation(o, k) => {
            let line = web.orders.get(*o).and_then(|order| order.lines.get(*k));
            match name {
                "id" => leaf(Value::from(line.map(|l| l.id + 50_000))),
                "quantity" => leaf(Value::from(line.map(|l| l.units - l.shipped))),
                "isWaitingForConfirmation" => leaf(Value::from(false)),
                "warehouse" => Found::One(Some(Node::Warehouse(SELLING))),
                _ => typename("Allocation"),
            }
        }
        Node::Shipment(at) => ready(&papers_show::shipment(state, *at), asked),
        Node::Return(at) => ready(&papers_show::back(state, *at), asked),
        Node::Entry(at) => ready(&papers_show::entry(state, *at), asked),
        Node::Change(c) => {
            let Some(change) = web.changes.get(*c) else { return Found::Leaf(Value::Null) };
            match name {
                "id" => leaf(Value::from(change.id)),
                "createdAt" => when(change.at),
                "comment" => leaf(Value::from(change.comment.as_str())),
                "type" => leaf(Value::from(change.kind)),
                "warehouse" => Found::One(Some(Node::Warehouse(change.warehouse))),
                "lines" => Found::Many((0..change.lines.len()).map(|k| Node::ChangeLine(*c, k)).collect()),
                _ => typename("StockChange"),
            }
        }
        Node::ChangeLine(c, k) => {
            let Some((change, (item, by))) = web.changes.get(*c).and_then(|c| Some((c, c.lines.get(*k)?))) else {
                return Found::Leaf(Value::Null);
            };
            match name {
                "id" => leaf(Value::from(change.id * 1_000 + *k as i64)),
                "deliveredQuantity" => leaf(Value::from(*by)),
                "productSize" => Found::One(Some(Node::Size(*item))),
                _ => typename("StockChangeLine"),
            }
        }
    }
}

pub(super) fn typename(name: &str) -> Found {
    Found::Leaf(Value::from(name))
}

fn ready(value: &Value, asked: &Asked) -> Found {
    let field = value.get(&asked.name).cloned().unwrap_or(Value::Null);
    match (&asked.selection, field) {
        (None, field) => Found::Leaf(field),
        (Some(_), Value::Array(list)) => Found::Many(list.into_iter().map(marked).collect()),
        (Some(_), Value::Null) => Found::One(None),
        (Some(_), field) => Found::One(Some(marked(field))),
    }
}

/// A ready thing may point to one that has its own fields.
fn marked(value: Value) -> Node {
    let number = |key: &str| value.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let (at, line) = (number("at"), number("line"));
    match value.get("$node").and_then(Value::as_str) {
        Some("Order") => Node::Order(at),
        Some("Line") => Node::Line(at, line),
        Some("Shipment") => Node::Shipment(at),
        Some("Return") => Node::Return(at),
        Some("Change") => Node::Change(at),
        Some("Size") => Node::Size(at),
        Some("Product") => Node::Product(at),
        Some("Variant") => Node::Variant(at),
        Some("Warehouse") => Node::Warehouse(at),
        _ => Node::Ready(value),
    }
}

fn on_or_off(off: &BTreeSet<usize>, at: usize) -> &'static str {
    if off.contains(&at) { "INACTIVE" } else { "ACTIVE" }
}

fn moment(changed: &HashMap<usize, Timestamp>, at: usize, otherwise: Timestamp) -> Timestamp {
    changed.get(&at).copied().unwrap_or(otherwise)
}

/// What kind of thing it is, as a fragment names it.
fn kind_of(node: &Node) -> &'static str {
    match node {
        Node::Order(_) => "DirectToConsumerOrder",
        Node::Shipment(_) => "DirectToConsumerShipment",
        Node::Return(_) => "DirectToConsumerReturn",
        Node::Change(_) => "StockChange",
        Node::Size(_) => "ProductSize",
        Node::Product(_) => "Product",
        Node::Variant(_) => "ProductVariant",
        _ => "",
    }
}

fn quantity(name: &str, shelf: Shelf) -> Found {
    Found::Leaf(Value::from(match name {
        "physicalQuantity" => shelf.physical,
        "allocatedQuantity" => shelf.allocated,
        "demandQuantity" => shelf.demand,
        "unshippedQuantity" => shelf.allocated + shelf.demand,
        "freeToAllocateQuantity" => shelf.free(),
        "availableNowQuantity" | "availableQuantity" => shelf.available(),
        _ => 0,
    }))
}

fn total(shelves: impl Iterator<Item = Shelf>) -> Shelf {
    shelves.fold(Shelf::default(), |sum, shelf| Shelf {
        physical: sum.physical + shelf.physical,
        allocated: sum.allocated + shelf.allocated,
        demand: sum.demand + shelf.demand,
        listed: true,
    })
}

fn stock_rows(state: &State, rows: impl Iterator<Item = (usize, usize)>, filter: &Filter<'_>) -> Vec<Node> {
    rows.filter(|(i, w)| {
        let shelf = state.web.shelf(*i, *w);
        shelf.listed
            && state.range.items.get(*i).is_some_and(|item| item.on_web() && filter.id("productSizeId", item.size_id))
            && state.web.warehouses.get(*w).is_some_and(|w| filter.id("warehouseId", w.id))
            && filter.int("physicalQuantity", shelf.physical)
            && filter.int("allocatedQuantity", shelf.allocated)
            && filter.int("freeToAllocateQuantity", shelf.free())
    })
    .map(|(i, w)| Node::Stock(i, w))
    .collect()
}
