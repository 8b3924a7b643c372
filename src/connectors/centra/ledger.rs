//! Units moved between warehouses, and the shop's list of such bookings.
//!
//! A booking is relative and has no key over there: a repeat moves again. So it carries our reference in its description,
//! and is looked for by it first. UNSURE: that the shop's list shows the description as the booking's comment; until a
//! first look has found one of ours on a tenant, a booking whose answer was lost is for a person to settle.

use super::errand::{Done, Errand};
use super::queries::Question;
use super::{Centra, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::{OutletKey, ProductKey};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};

/// Bookings of one look.
const LEDGER_GUESS: i64 = 500;

/// Units to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockMove {
    /// Where they leave; `None` brings them in from outside.
    pub from: Option<OutletKey>,
    /// Where they arrive; `None` takes them out.
    pub to: Option<OutletKey>,
    /// What and how many. The shop refuses more than lies there free of its own orders.
    pub units: Vec<(ProductKey, i64)>,
    /// Our reference: one for each booking.
    pub reference: String,
}

/// A booking in the shop's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The vendor's id.
    pub id: i64,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Its comment.
    pub comment: String,
}

impl Centra {
    /// The booking with our reference.
    pub async fn booking(&self, reference: &str) -> Result<Answer<Option<Booking>>, CallError> {
        let mut errand = Errand::new(self);
        let found = look(&mut errand, reference).await?;
        Ok(errand.done(found))
    }

    /// Moves units between warehouses, or in, or out, unless a booking has our reference; answers its id. What the shop
    /// itself ships or takes back, it books by itself: never book that besides.
    pub async fn move_stock(&self, wanted: &StockMove) -> Result<Answer<Done<i64>>, CallError> {
        let mut errand = Errand::changing(self);
        let input = errand.check(input(wanted))?;
        if let Some(found) = look(&mut errand, &wanted.reference).await? {
            return Ok(errand.done(Done::already(found.id)));
        }
        let text = "mutation M($i:StockChangeInput!){ changeStock(input:$i){ stockChange{id} userErrors{message path} \
                    userWarnings{message path} } }";
        let question = Question::change("move stock", text, json!({ "i": input }));
        let done = errand.change(question, "changeStock", Some("stockChange"), booked).await?;
        Ok(errand.done(done))
    }
}

fn input(wanted: &StockMove) -> Result<Map<String, Value>, Unreadable> {
    let place = |place: &OutletKey| Ok::<_, Unreadable>(json!({ "id": wire::id(place.as_str())? }));
    let mut input = Map::new();
    for (name, warehouse) in [("outFromWarehouse", &wanted.from), ("intoWarehouse", &wanted.to)] {
        input.extend(warehouse.as_ref().map(place).transpose()?.map(|place| (name.to_owned(), place)));
    }
    if input.is_empty() || wanted.from == wanted.to {
        return Err(Unreadable::new("units move from somewhere or to somewhere, and not to where they are"));
    }
    if wanted.units.is_empty() || wanted.units.iter().any(|(_, units)| *units <= 0) {
        return Err(Unreadable::new("only whole units move, and at least one"));
    }
    let rows: Result<Vec<Value>, Unreadable> = wanted
        .units
        .iter()
        .map(|(size, units)| {
            Ok(json!({ "productSize": { "id": wire::id(size.as_str())? }, "deliveredQuantity": units }))
        })
        .collect();
    input.insert("description".to_owned(), Value::from(wire::reference(&wanted.reference)?));
    input.insert("productSizes".to_owned(), Value::Array(rows?));
    Ok(input)
}

async fn look(errand: &mut Errand<'_>, reference: &str) -> Result<Option<Booking>, CallError> {
    let reference = errand.check(wire::reference(reference))?;
    let text = "query H($c:String!){ stockChangeConnection(first:5, where:{comment:{equals:$c}}){ \
                edges{node{id createdAt comment}} } }";
    let question = Question::read("look for a booking", text, json!({ "c": reference }), LEDGER_GUESS);
    errand.ask(question, |data| found(data, reference)).await
}

pub(super) fn found(data: &str, reference: &str) -> Result<Option<Booking>, Unreadable> {
    let connection = Object::open("data", data)?.need_object("stockChangeConnection")?;
    for edge in wire::list(&connection, "edges")? {
        let node = edge.need_object("node")?;
        let comment = node.text("comment")?.unwrap_or_default();
        if comment == reference {
            return Ok(Some(Booking { id: wire::need_id(&node, "id")?, at: node.time("createdAt")?, comment }));
        }
    }
    Ok(None)
}

pub(super) fn booked(payload: &Object<'_>) -> Result<i64, Unreadable> {
    wire::need_id(&payload.need_object("stockChange")?, "id")
}
