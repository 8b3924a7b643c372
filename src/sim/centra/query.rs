//! Answers a checked question from the web account: exactly the fields that were asked for.

use super::super::auditor::Knowledge;
use super::super::text;
use super::super::till::TAX_PERCENT;
use super::super::web::{CANCELLED, Order, PENDING, SELLING, Shelf};
use super::super::world::State;
use super::filter::Filter;
use super::schema::Asked;
use crate::domain::money::Minor;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};

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
    Counters,
    /// Small things whose fields lie ready.
    Ready(Value),
}

enum Found {
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
                    && filter.word("status", "ACTIVE")
                    && filter.time("updatedAt", opened)
                    && !variants_of(state, *s).is_empty()
            })
            .map(Node::Product)
            .collect(),
        "productVariants" => (0..state.range.variants.len())
            .filter(|v| {
                state.range.variants.get(*v).is_some_and(|variant| {
                    filter.id("id", variant.web_id)
                        && state.range.styles.get(variant.style).is_some_and(|s| filter.id("productId", s.web_id))
                }) && filter.word("status", "ACTIVE")
                    && filter.time("updatedAt", opened)
                    && !sizes_of(state, *v).is_empty()
            })
            .map(Node::Variant)
            .collect(),
        "productSizes" => sizes(state, &filter),
        "orders" => return orders(state, asked, &filter),
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
                && filter.flag("isActive", true)
                && filter.time("updatedAt", state.web.opened_at)
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

fn orders(state: &State, asked: &Asked, filter: &Filter<'_>) -> Vec<Node> {
    let (from, to) = filter.range("updatedAt");
    let fits = |at: &usize| {
        state.web.orders.get(*at).is_some_and(|o| {
            filter.id("number", o.number)
                && filter.word("id", &o.id)
                && filter.word("status", o.status)
                && filter.word("storeType", "DIRECT_TO_CONSUMER")
                && filter.flag("isOnHold", false)
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
        let value = match find(state, node, asked) {
            Found::Leaf(value) => value,
            Found::One(None) => Value::Null,
            Found::One(Some(node)) => show(state, &node, inner, learned),
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
                "status" => leaf(Value::from("ACTIVE")),
                "productNumber" => leaf(Value::from(style.number.as_str())),
                "isBundle" | "isSerializableProduct" => leaf(Value::from(false)),
                "createdAt" | "updatedAt" => when(web.opened_at),
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
                "status" => leaf(Value::from("ACTIVE")),
                "variantNumber" => leaf(Value::from(variant.number.as_str())),
                "updatedAt" => when(web.opened_at),
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
                "isActive" => leaf(Value::from(true)),
                "updatedAt" => when(web.opened_at),
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
                "quantity" => leaf(Value::from(line.map(|l| l.units))),
                "isWaitingForConfirmation" => leaf(Value::from(false)),
                "warehouse" => Found::One(Some(Node::Warehouse(SELLING))),
                _ => typename("Allocation"),
            }
        }
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

fn typename(name: &str) -> Found {
    Found::Leaf(Value::from(name))
}

fn ready(value: &Value, asked: &Asked) -> Found {
    let field = value.get(&asked.name).cloned().unwrap_or(Value::Null);
    match (&asked.selection, field) {
        (None, field) => Found::Leaf(field),
        (Some(_), Value::Array(list)) => Found::Many(list.into_iter().map(Node::Ready).collect()),
        (Some(_), Value::Null) => Found::One(None),
        (Some(_), field) => Found::One(Some(Node::Ready(field))),
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

fn money_value(state: &State, amount: Minor) -> Value {
    json!({
        "value": text::number_minor(amount),
        "currency": {"id": 1, "code": state.web.currency},
        "conversionRate": 1,
        "formattedValue": format!("{}.{:02} {}", amount.0 / 100, (amount.0 % 100).abs(), state.web.currency),
    })
}

fn money(state: &State, amount: Minor) -> Node {
    Node::Ready(money_value(state, amount))
}

/// The tax inside an amount, to the cent.
fn tax_in(gross: Minor) -> Minor {
    Minor(gross.0 - (gross.0 * 100 + (100 + TAX_PERCENT) / 2) / (100 + TAX_PERCENT))
}

fn order_field(state: &State, at: usize, order: &Order, asked: &Asked) -> Found {
    let web = &state.web;
    let total = Minor(order.goods().0 + order.shipping.0);
    let when = |at: Timestamp| text::zoned(at, web.zone);
    let small = |value: Value| Found::One(Some(Node::Ready(value)));
    match asked.name.as_str() {
        "id" => Found::Leaf(Value::from(order.id.as_str())),
        "number" => Found::Leaf(Value::from(order.number)),
        "status" => Found::Leaf(Value::from(order.status)),
        "isOnHold" | "isLocked" => Found::Leaf(Value::from(false)),
        "createdAt" | "orderDate" => Found::Leaf(Value::from(when(order.created_at))),
        "updatedAt" => Found::Leaf(Value::from(when(order.updated_at))),
        "currencyBaseRate" => Found::Leaf(Value::from(1)),
        "internalComment" | "otherComment" => Found::Leaf(Value::from("")),
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
                "unexpeditedQuantity": if order.open() { units } else { 0 },
                "lineValues": money_value(state, order.goods()), "shipping": money_value(state, order.shipping),
                "taxIncluded": money_value(state, tax_in(total)),
                "handling": zero, "discounts": zero, "taxAdded": zero, "taxDeducted": zero,
            }))
        }
        "shippingPriceGroup" => small(json!({"shippingOption": {"id": 7, "name": "Standard", "uri": "standard"}})),
        "paymentMethod" => small(json!({"uri": "card", "plugin": "simulated"})),
        "paymentHistory" => {
            let kind = if order.status == PENDING { "AUTH" } else { "CAPTURE" };
            let entry = json!({
                "id": order.number, "entryType": kind, "status": "SUCCESS", "createdAt": when(order.created_at),
                "externalReference": format!("psp-{}", order.number), "value": money_value(state, total),
            });
            let filter = Filter::of(asked, web.zone);
            Found::Many(if filter.word("entryType", kind) { vec![Node::Ready(entry)] } else { Vec::new() })
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

fn line_field(state: &State, at: usize, order: &Order, k: usize, name: &str) -> Found {
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
        "returnedQuantity" | "discountPercent" => leaf(Value::from(0)),
        "taxPercent" => leaf(Value::from(TAX_PERCENT)),
        "unitPrice" | "unitOriginalPrice" => Found::One(Some(money(state, line.price))),
        "lineValue" => Found::One(Some(money(state, Minor(line.price.0 * line.units)))),
        "product" => Found::One(Some(Node::Product(item.style))),
        "productVariant" => Found::One(Some(Node::Variant(item.variant))),
        "productSize" => Found::One(Some(Node::Size(line.item))),
        "allocations" => {
            let has = order.allocated && order.status != CANCELLED && line.units > 0;
            Found::Many(if has { vec![Node::Allocation(at, k)] } else { Vec::new() })
        }
        _ => typename("ProductOrderLine"),
    }
}
