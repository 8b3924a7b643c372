//! The mutations: whether their arguments have the right shape, what each does, and its payload. They run one
//! after the other; a refused one does not stop the next.

use super::super::world::State;
use super::input::{Done, Refused, Said};
use super::query::{Node, show};
use super::schema::Asked;
use super::{events, goods, order_write, returns, shipments, write};
use serde_json::{Map, Value, json};

/// Why the arguments make no sense at all: the request is answered 400.
pub(super) struct BadInput(pub String);

/// The keys of the inputs; those with an exclamation mark must be there.
const SHAPES: &str = "
confirmOrder: order!
updateDirectToConsumerOrder: cancelLines cancellationComment isOnHold holdStatusChangeReason externalId internalComment otherComment
resumeDirectToConsumerOrder:
cancelDirectToConsumerOrder: emailOptions! stockAction! comment cancelAuthorization reason
setOrdersLock: orders! isLocked!
allocateOrder: order! warehouses allocate comment
createShipment: order! lines isGoodToGo isPaid createdAt shippedAt shipmentInfo sendEmail additionalMessage allocateDemand capture
completeShipment: shippedAt shipmentInfo sendEmail additionalMessage
updateShipment: isPaid isGoodToGo
createReturn: shipment! lines! returnStockActionPolicy! handlingCost shippingCost voucherValue returnCost comment createdAt externalId
completeReturn: sendEmail
refundReturn: sendEmail
updateProduct: name status
updateProductVariant: name status
updateProductSize: EAN UPC isActive preorder
confirmEvents: eventsIds!
";

/// Arguments beside the input that must be there.
const NAMED: &[(&str, &[&str])] = &[
    ("order", &["updateDirectToConsumerOrder", "resumeDirectToConsumerOrder", "captureOrder"]),
    (
        "id",
        &[
            "cancelDirectToConsumerOrder",
            "completeShipment",
            "updateShipment",
            "deleteShipment",
            "captureShipment",
            "completeReturn",
            "uncompleteReturn",
            "deleteReturn",
            "refundReturn",
            "updateProduct",
            "updateProductVariant",
            "updateProductSize",
        ],
    ),
];

/// Inputs that may be left out.
const OPTIONAL: &[&str] = &["resumeDirectToConsumerOrder", "refundReturn"];

fn check_other(field: &Asked) -> Result<(), BadInput> {
    let name = field.name.as_str();
    for (argument, of) in NAMED {
        if of.contains(&name) && field.arguments.get(*argument).is_none_or(Value::is_null) {
            return Err(BadInput(format!("Argument \"{argument}\" of \"{name}\" is required.")));
        }
    }
    let given = field.arguments.get("input");
    if ["setEventListeners", "unsetEventListeners"].contains(&name) {
        let Some(input) = given else {
            return Err(BadInput(format!("Argument \"input\" of \"{name}\" is required.")));
        };
        return match events::unknown(input) {
            Some(word) => Err(BadInput(format!("Value {word} does not exist in the enum."))),
            None => Ok(()),
        };
    }
    let Some((_, shape)) = SHAPES.lines().filter_map(|l| l.split_once(':')).find(|(of, _)| *of == name) else {
        return Ok(());
    };
    match given {
        None if OPTIONAL.contains(&name) => Ok(()),
        Some(Value::Object(input)) => {
            let allowed: Vec<&str> = shape.split_whitespace().map(|k| k.trim_end_matches('!')).collect();
            let required: Vec<&str> = shape.split_whitespace().filter_map(|k| k.strip_suffix('!')).collect();
            keys(input, &allowed, &required)
        }
        _ => Err(BadInput(format!("Argument \"input\" of \"{name}\" is required."))),
    }
}

/// Checks the shape of all inputs, before the first mutation runs.
pub(super) fn check(asked: &[Asked]) -> Result<(), BadInput> {
    for field in asked {
        let input = field.arguments.get("input").and_then(Value::as_object);
        let (allowed, required, quantity): (&[&str], &[&str], &str) = match field.name.as_str() {
            "setStock" => (
                &["warehouse", "description", "stockQuantityType", "productSizes"],
                &["warehouse", "description", "stockQuantityType", "productSizes"],
                "quantity",
            ),
            "changeStock" => (
                &["outFromWarehouse", "intoWarehouse", "description", "productSizes"],
                &["description", "productSizes"],
                "deliveredQuantity",
            ),
            _ => {
                check_other(field)?;
                continue;
            }
        };
        let Some(input) = input else {
            return Err(BadInput(format!("Argument \"input\" of \"{}\" is required.", field.name)));
        };
        keys(input, allowed, required)?;
        let kind = input.get("stockQuantityType").and_then(Value::as_str);
        if let Some(kind) = kind.filter(|kind| !["PHYSICAL", "FREE_TO_ALLOCATE"].contains(kind)) {
            return Err(BadInput(format!("Value \"{kind}\" does not exist in \"StockQuantityType\" enum.")));
        }
        let Some(rows) = input.get("productSizes").and_then(Value::as_array) else {
            return Err(BadInput("Field \"productSizes\" must be a list.".into()));
        };
        for row in rows {
            let Some(row) = row.as_object() else { return Err(BadInput("A row must be an object.".into())) };
            keys(row, &["productSize", quantity, "unitCost"], &["productSize", quantity])?;
            if row.get(quantity).is_none_or(|n| n.as_i64().is_none()) {
                return Err(BadInput(format!("Field \"{quantity}\" must be an Int.")));
            }
        }
    }
    Ok(())
}

fn keys(input: &Map<String, Value>, allowed: &[&str], required: &[&str]) -> Result<(), BadInput> {
    if let Some(unknown) = input.keys().find(|k| !allowed.contains(&k.as_str())) {
        return Err(BadInput(format!("Field \"{unknown}\" is not defined by the input type.")));
    }
    match required.iter().find(|k| input.get(**k).is_none_or(Value::is_null)) {
        Some(missing) => Err(BadInput(format!("Field \"{missing}\" of required type was not provided."))),
        None => Ok(()),
    }
}

/// Runs the mutations one after the other.
pub(super) fn root(state: &mut State, asked: &[Asked]) -> Map<String, Value> {
    let mut data = Map::new();
    for field in asked {
        if field.name == "__typename" {
            data.insert(field.key.clone(), Value::from("Mutation"));
            continue;
        }
        let done = run(state, field);
        data.insert(field.key.clone(), payload(state, field.selection.as_deref().unwrap_or(&[]), done));
    }
    data
}

fn run(state: &mut State, field: &Asked) -> Said {
    let empty = Map::new();
    let input = field.arguments.get("input").and_then(Value::as_object).unwrap_or(&empty);
    let list = field.arguments.get("input").unwrap_or(&Value::Null);
    let id = field.arguments.get("id").unwrap_or(&Value::Null);
    let order = field.arguments.get("order");
    let change = |state: &State, id: i64| Node::Change(state.web.changes.iter().rposition(|c| c.id == id).unwrap_or(0));
    match field.name.as_str() {
        "setStock" => {
            let id = write::set_stock(state, input)?;
            Ok(Done { lists: vec![("stockChanges", vec![change(state, id)])], ..Done::default() })
        }
        "changeStock" => {
            let id = write::change_stock(state, input)?;
            Ok(Done::one("stockChange", change(state, id)))
        }
        "confirmOrder" => order_write::confirm(state, input),
        "updateDirectToConsumerOrder" => order_write::update(state, order, input),
        "resumeDirectToConsumerOrder" => order_write::resume(state, order),
        "cancelDirectToConsumerOrder" => order_write::cancel(state, id, input),
        "setOrdersLock" => order_write::lock(state, input),
        "allocateOrder" => order_write::allocate(state, input),
        "createShipment" => shipments::create(state, input),
        "completeShipment" => shipments::complete(state, id, input),
        "updateShipment" => shipments::update(state, id, input),
        "deleteShipment" => shipments::delete(state, id),
        "captureShipment" => shipments::capture(state, id),
        "captureOrder" => shipments::capture_order(state, order),
        "createReturn" => returns::create(state, input),
        "completeReturn" => returns::complete(state, id),
        "uncompleteReturn" => returns::uncomplete(state, id),
        "deleteReturn" => returns::delete(state, id),
        "refundReturn" => returns::refund(state, id),
        "updateProduct" => goods::product(state, id, input),
        "updateProductVariant" => goods::variant(state, id, input),
        "updateProductSize" => goods::size(state, id, input),
        "setEventListeners" => events::listen(state, list, true),
        "unsetEventListeners" => events::listen(state, list, false),
        "confirmEvents" => events::confirm(state, input),
        _ => Ok(Done::default()),
    }
}

fn payload(state: &State, selection: &[Asked], done: Said) -> Value {
    let (done, errors) = match done {
        Ok(done) => (done, json!([])),
        Err(Refused(message, path)) => (Done::default(), json!([{"message": message, "path": path}])),
    };
    let warnings: Vec<Value> = done.warnings.iter().map(|(m, path)| json!({"message": m, "path": path})).collect();
    let rest = Node::Ready(json!({"userErrors": errors, "userWarnings": warnings}));
    let mut out = Map::new();
    for asked in selection {
        let inner = asked.selection.as_deref().unwrap_or(&[]);
        let name = asked.name.as_str();
        let one = done.parts.iter().find(|(part, _)| *part == name);
        let many = done.lists.iter().find(|(part, _)| *part == name);
        let value = match (one, many) {
            (Some((_, node)), _) => show(state, node, inner, &mut Vec::new()),
            (_, Some((_, nodes))) => {
                Value::Array(nodes.iter().map(|n| show(state, n, inner, &mut Vec::new())).collect())
            }
            // A list is never null.
            _ if ["stockChanges", "paymentHistoryEntries", "eventListeners", "orders"].contains(&name) => json!([]),
            _ => show(state, &rest, std::slice::from_ref(asked), &mut Vec::new())
                .get(&asked.key)
                .cloned()
                .unwrap_or(Value::Null),
        };
        out.insert(asked.key.clone(), value);
    }
    Value::Object(out)
}
