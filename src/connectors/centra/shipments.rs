//! Shipments: made, paid for, completed, and read.
//!
//! The vendor knows no "ready to be collected". Nearest is a shipment that is good to go and not completed: the goods are
//! packed and kept. Completing it is handing over: only then do they leave the shop's stock, and the last one completes
//! the order.

use super::detail::{self, OrderDetail};
use super::errand::{Done, Errand};
use super::payments::{self, Moved};
use super::queries::Question;
use super::{Centra, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::{DocumentKey, LineKey};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most shipments of one order that are read.
const SHIPMENT_ROWS: usize = 50;

/// Fifty shipments with their lines.
const SHIPMENTS_GUESS: i64 = 3_000;

const FIELDS: &str = "id number isGoodToGo isShipped isOnHold isPaid isCaptured shippedAt trackingNumber \
                      lines{id quantity returnedQuantity orderLine{id}}";

/// A shipment as the shop keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentDetail {
    /// What calls name.
    pub id: i64,
    /// The number that people use ("1042-1").
    pub number: String,
    /// Packed, or ready to be collected.
    pub good_to_go: bool,
    /// Left: out of the shop's stock.
    pub shipped: bool,
    /// On hold.
    pub on_hold: bool,
    /// Paid, by whatever means.
    pub paid: bool,
    /// Paid by a capture that the shop asked for.
    pub captured: bool,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// The number to follow it by.
    pub tracking: Option<String>,
    /// What is in it.
    pub lines: Vec<ShipmentLine>,
}

/// A line of a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentLine {
    /// What a return names.
    pub id: i64,
    /// The order's line.
    pub line: Option<LineKey>,
    /// Units in it.
    pub units: i64,
    /// Units of them that came back.
    pub returned: i64,
}

/// A shipment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShipment {
    /// The order's lines and how many units of each.
    pub lines: Vec<(LineKey, i64)>,
    /// Ids of the order's shipments that were known when this was decided. By them a repeat is told from a second one.
    pub known: Vec<i64>,
    /// Whether it may leave, or be collected, at once.
    pub good_to_go: bool,
    /// How it is paid for.
    pub pay: Pay,
    /// Whether the customer is told by mail.
    pub tell: bool,
}

/// How a shipment is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pay {
    /// Not now: it cannot be completed before it is paid.
    Later,
    /// The shop asks the payment provider. When that fails the shipment is made all the same.
    Capture,
    /// The money came another way; the shop only notes it.
    Elsewhere,
}

/// A shipment that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeShipment {
    /// What calls name.
    pub id: i64,
    /// The number that people use.
    pub number: String,
    /// Whether the money is there. `false` after [`Pay::Capture`] means that it failed or that its end comes later: the
    /// warnings and the order's payments tell.
    pub captured: bool,
}

/// How a shipment leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaving {
    /// When it left; now, if not told. Never later than now.
    pub at: Option<Timestamp>,
    /// Carrier's name.
    pub carrier: Option<String>,
    /// Number to follow it by.
    pub tracking: Option<String>,
    /// Whether the customer is told by mail.
    pub tell: bool,
}

impl Centra {
    /// The shipments of an order.
    pub async fn shipments_of(&self, order: &DocumentKey) -> Result<Answer<Vec<ShipmentDetail>>, CallError> {
        let mut errand = Errand::new(self);
        let shipments = of_order(&mut errand, order).await?;
        Ok(errand.done(shipments))
    }

    /// A shipment by its id (not its number); `None` when there is none.
    pub async fn shipment(&self, id: i64) -> Result<Answer<Option<ShipmentDetail>>, CallError> {
        let mut errand = Errand::new(self);
        let shipment = look_at(&mut errand, id).await?;
        Ok(errand.done(shipment))
    }

    /// Makes a shipment of what is not shipped yet. The order and its shipments are read first: nothing is made of an order
    /// that must not be shipped, nor of units that are in another shipment; and when one with these very lines has come up
    /// that was not known, it is ours from before the answer was lost, and nothing is sent.
    pub async fn create_shipment(
        &self,
        order: &DocumentKey,
        new: &NewShipment,
    ) -> Result<Answer<Done<MadeShipment>>, CallError> {
        let mut errand = Errand::changing(self);
        let wanted = errand.check(wanted(&new.lines))?;
        let there = of_order(&mut errand, order).await?;
        let ours = there.iter().find(|made| !new.known.contains(&made.id) && made.units_by_line() == wanted);
        if let Some(made) = ours {
            let made = MadeShipment { id: made.id, number: made.number.clone(), captured: made.captured };
            return Ok(errand.done(Done::already(made)));
        }
        let seen = detail::need(&mut errand, order).await?;
        if let Some(reason) = seen.not_to_ship() {
            return Err(errand.refuse(reason));
        }
        let open = unshipped(&seen, &there);
        for (line, units) in &wanted {
            let left = open.get(line).copied().unwrap_or(0);
            if *units > left {
                return Err(errand.refuse(format!("line {line} has {left} units that are not in a shipment")));
            }
        }
        let rows: Result<Vec<Value>, Unreadable> = new
            .lines
            .iter()
            .map(|(line, units)| Ok(json!({ "orderLine": { "id": wire::id(line.as_str())? }, "quantity": units })))
            .collect();
        let mut input = Map::new();
        input.insert("order".to_owned(), json!({ "id": order.as_str() }));
        input.insert("lines".to_owned(), Value::Array(errand.check(rows)?));
        input.insert("isGoodToGo".to_owned(), Value::Bool(new.good_to_go));
        match new.pay {
            Pay::Later => {}
            Pay::Capture => drop(input.insert("capture".to_owned(), Value::Bool(true))),
            Pay::Elsewhere => drop(input.insert("isPaid".to_owned(), Value::Bool(true))),
        }
        input.insert("sendEmail".to_owned(), Value::Bool(new.tell));
        let text = "mutation S($i:ShipmentCreateInput!){ createShipment(input:$i){ shipment{id number isCaptured} \
                    userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("make a shipment", text, json!({ "i": input }));
        let done = errand.change(question, "createShipment", Some("shipment"), made).await?;
        Ok(errand.done(done))
    }

    /// Says that a shipment may leave or be collected, or that it is paid for. Says how it shall be, so it may be repeated.
    /// UNSURE: that an update takes the first of the two; only the second is shown.
    pub async fn update_shipment(
        &self,
        id: i64,
        good_to_go: Option<bool>,
        paid: Option<bool>,
    ) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let mut input = Map::new();
        input.extend(good_to_go.map(|good| ("isGoodToGo".to_owned(), Value::Bool(good))));
        input.extend(paid.map(|paid| ("isPaid".to_owned(), Value::Bool(paid))));
        let text = "mutation H($id:Int!,$i:ShipmentUpdateInput!){ updateShipment(id:$id,input:$i){ shipment{id} \
                    userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("change a shipment", text, json!({ "id": id, "i": input }));
        let done = errand.change(question, "updateShipment", None, |payload| same(payload, id)).await?;
        Ok(errand.done(done))
    }

    /// Completes a shipment: the goods have left or were handed over. It is read first, and nothing is sent when it has
    /// left already; it must be good to go and paid for.
    pub async fn complete_shipment(&self, id: i64, leaving: &Leaving) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let now = self.caller.clock.now();
        let at = leaving.at.unwrap_or(now);
        if at > now {
            return Err(errand.refuse("a shipment cannot leave in the future"));
        }
        let Some(seen) = look_at(&mut errand, id).await? else {
            return Err(errand.refuse("the shop knows no such shipment"));
        };
        match &seen {
            seen if seen.shipped => return Ok(errand.done(Done::already(()))),
            seen if seen.on_hold => return Err(errand.refuse("the shipment is on hold")),
            seen if !seen.good_to_go => return Err(errand.refuse("the shipment is not good to go yet")),
            seen if !seen.paid && !seen.captured => return Err(errand.refuse("the shipment is not paid for yet")),
            _ => {}
        }
        let mut info = Map::new();
        for (name, text) in [("carrier", &leaving.carrier), ("trackingNumber", &leaving.tracking)] {
            info.extend(text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str()))));
        }
        let mut input = Map::new();
        input.insert("shippedAt".to_owned(), Value::from(wire::moment(at)));
        input.insert("sendEmail".to_owned(), Value::Bool(leaving.tell));
        if !info.is_empty() {
            input.insert("shipmentInfo".to_owned(), Value::Object(info));
        }
        let text = "mutation X($id:Int!,$i:ShipmentCompleteInput!){ completeShipment(id:$id,input:$i){ \
                    shipment{id isShipped shippedAt} userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("complete a shipment", text, json!({ "id": id, "i": input }));
        let done = errand.change(question, "completeShipment", None, |payload| left(payload, id)).await?;
        Ok(errand.done(done))
    }

    /// Takes the money of a shipment. It is read first: nothing is asked when it was taken, nor while an earlier asking is
    /// open, whose end comes later. A failed capture is a refusal here, unlike at [`Centra::create_shipment`].
    pub async fn capture_shipment(&self, order: &DocumentKey, id: i64) -> Result<Answer<Done<Moved>>, CallError> {
        let mut errand = Errand::changing(self);
        let Some(seen) = look_at(&mut errand, id).await? else {
            return Err(errand.refuse("the shop knows no such shipment"));
        };
        if seen.captured || seen.paid {
            return Ok(errand.done(Done::already(Moved::Done)));
        }
        if detail::need(&mut errand, order).await?.capture_pending() {
            return Ok(errand.done(Done::already(Moved::Asked)));
        }
        let text = "mutation J($id:Int!){ captureShipment(id:$id){ paymentHistoryEntry{entryType status \
                    value{value currency{code}} externalReference} userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("capture a shipment", text, json!({ "id": id }));
        let done = errand.change(question, "captureShipment", None, captured).await?;
        Ok(errand.done(done))
    }

    /// Takes the money of a whole order, under the same rules.
    pub async fn capture_order(&self, order: &DocumentKey) -> Result<Answer<Done<Moved>>, CallError> {
        let mut errand = Errand::changing(self);
        let seen = detail::need(&mut errand, order).await?;
        if seen.capture_pending() {
            return Ok(errand.done(Done::already(Moved::Asked)));
        }
        if seen.captured() >= seen.total {
            return Ok(errand.done(Done::already(Moved::Done)));
        }
        let text = "mutation J($o:OrderInput!){ captureOrder(order:$o){ paymentHistoryEntry{entryType status \
                    value{value currency{code}} externalReference} userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("capture an order", text, json!({ "o": { "id": order.as_str() } }));
        let done = errand.change(question, "captureOrder", None, captured).await?;
        Ok(errand.done(done))
    }

    /// Takes a shipment back that has neither left nor been paid for. Done already when it is gone.
    pub async fn delete_shipment(&self, id: i64) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        match look_at(&mut errand, id).await? {
            None => return Ok(errand.done(Done::already(()))),
            Some(seen) if seen.shipped || seen.paid || seen.captured => {
                return Err(errand.refuse("a shipment that has left or is paid for cannot be taken back"));
            }
            Some(_) => {}
        }
        let text =
            "mutation Q($id:Int!){ deleteShipment(id:$id){ userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("take back a shipment", text, json!({ "id": id }));
        let done = errand.change(question, "deleteShipment", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }
}

impl ShipmentDetail {
    /// Units by line of the order.
    pub fn units_by_line(&self) -> BTreeMap<LineKey, i64> {
        let mut units = BTreeMap::new();
        for line in &self.lines {
            let Some(key) = &line.line else { continue };
            let sum = units.entry(key.clone()).or_insert(0_i64);
            *sum = sum.saturating_add(line.units);
        }
        units
    }
}

/// Units of each line that are in no shipment.
pub fn unshipped(order: &OrderDetail, shipments: &[ShipmentDetail]) -> BTreeMap<LineKey, i64> {
    let mut open: BTreeMap<LineKey, i64> = order.lines.iter().map(|line| (line.line.clone(), line.units)).collect();
    for (line, units) in shipments.iter().flat_map(ShipmentDetail::units_by_line) {
        if let Some(left) = open.get_mut(&line) {
            *left = left.saturating_sub(units).max(0);
        }
    }
    open
}

async fn of_order(errand: &mut Errand<'_>, order: &DocumentKey) -> Result<Vec<ShipmentDetail>, CallError> {
    let id = errand.check(wire::order_id(order))?;
    // UNSURE: that the filter takes the order's hash; it is the only id that an order has.
    let text = format!(
        "query F($id:[String!]){{ {}(where:{{orderId:$id}}, limit:{SHIPMENT_ROWS}){{ {FIELDS} }} }}",
        errand.centra().spelling.shipments
    );
    let question = Question::read("read shipments", text, json!({ "id": [id] }), SHIPMENTS_GUESS);
    let root = errand.centra().spelling.shipments;
    let shipments = errand.ask(question, |data| read_list(data, root)).await?;
    if shipments.len() >= SHIPMENT_ROWS {
        return Err(errand.refuse("the order has more shipments than can be looked through"));
    }
    Ok(shipments)
}

async fn look_at(errand: &mut Errand<'_>, id: i64) -> Result<Option<ShipmentDetail>, CallError> {
    let root = errand.centra().spelling.shipments;
    let text = format!("query F($id:[Int!]){{ {root}(where:{{id:$id}}, limit:1){{ {FIELDS} }} }}");
    let question = Question::read("read one shipment", text, json!({ "id": [id] }), SHIPMENTS_GUESS);
    let shipments = errand.ask(question, |data| read_list(data, root)).await?;
    Ok(shipments.into_iter().find(|shipment| shipment.id == id))
}

pub(super) fn read_list(data: &str, root: &str) -> Result<Vec<ShipmentDetail>, Unreadable> {
    wire::list(&Object::open("data", data)?, root)?.iter().map(read).collect()
}

fn read(row: &Object<'_>) -> Result<ShipmentDetail, Unreadable> {
    let flag = |name: &str| Ok::<_, Unreadable>(row.flag(name)?.unwrap_or(false));
    let mut lines = Vec::new();
    for line in wire::list(row, "lines")? {
        if line.need_units("quantity")? < 0 {
            return Err(line.wrong("quantity", "fewer than no units"));
        }
        lines.push(ShipmentLine {
            id: wire::need_id(&line, "id")?,
            line: line.object("orderLine")?.map(|line| line.need_key("id")).transpose()?.map(LineKey::new),
            units: line.need_units("quantity")?,
            returned: if line.has("returnedQuantity") { line.need_units("returnedQuantity")? } else { 0 },
        });
    }
    Ok(ShipmentDetail {
        id: wire::need_id(row, "id")?,
        number: row.text("number")?.unwrap_or_default(),
        good_to_go: flag("isGoodToGo")?,
        // Whether it has left must be told: goods that left are not shipped again.
        shipped: row.flag("isShipped")?.ok_or_else(|| row.missing("isShipped"))?,
        on_hold: flag("isOnHold")?,
        paid: flag("isPaid")?,
        captured: flag("isCaptured")?,
        shipped_at: row.time("shippedAt")?,
        tracking: row.key("trackingNumber")?,
        lines,
    })
}

fn wanted(lines: &[(LineKey, i64)]) -> Result<BTreeMap<LineKey, i64>, Unreadable> {
    let mut wanted = BTreeMap::new();
    for (line, units) in lines {
        if *units <= 0 || wanted.insert(line.clone(), *units).is_some() {
            return Err(Unreadable::new("a shipment names each line once, with at least one unit"));
        }
    }
    if wanted.is_empty() {
        return Err(Unreadable::new("a shipment has at least one line"));
    }
    Ok(wanted)
}

pub(super) fn made(payload: &Object<'_>) -> Result<MadeShipment, Unreadable> {
    let shipment = payload.need_object("shipment")?;
    Ok(MadeShipment {
        id: wire::need_id(&shipment, "id")?,
        number: shipment.text("number")?.unwrap_or_default(),
        captured: shipment.flag("isCaptured")?.unwrap_or(false),
    })
}

fn same(payload: &Object<'_>, id: i64) -> Result<(), Unreadable> {
    match payload.object("shipment")? {
        Some(changed) if wire::need_id(&changed, "id")? != id => {
            Err(changed.wrong("id", "another shipment was changed than the one that we named"))
        }
        _ => Ok(()),
    }
}

/// It has left only when the shop says so.
pub(super) fn left(payload: &Object<'_>, id: i64) -> Result<(), Unreadable> {
    same(payload, id)?;
    let shipment = payload.need_object("shipment")?;
    match shipment.flag("isShipped")? {
        Some(true) => Ok(()),
        _ => Err(shipment.wrong("isShipped", "the shipment was completed and has not left")),
    }
}

pub(super) fn captured(payload: &Object<'_>) -> Result<Moved, Unreadable> {
    // One entry, which may come as a list: the change that gives money back has both.
    let mut entries = payments::list(payload, "paymentHistoryEntries", "")?;
    entries.extend(payments::one(payload, "paymentHistoryEntry", "")?);
    Ok(payments::capture(&entries))
}
