//! What waits to be picked up or sent: how far it has come, and that it is done. Stock moves when it is handed over, not
//! before, so until then the units are ours to keep back.

use super::super::error::CallError;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::calls::{answer, found, id, makes_no_sense, unlawful, with_earlier};
use super::{API_VERSION, LightspeedX, wire};
use crate::domain::time::Timestamp;
use http::Method;
use serde_json::json;

/// Rows of a page; the vendor takes no more.
const ROWS: usize = 100;

/// Most pages of one sale's fulfilments.
const PAGES_MAX: usize = 10;

/// How far a fulfilment has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was done.
    Open,
    /// Somebody has begun.
    Started,
    /// Taken off the shelf.
    Picked,
    /// Ready.
    Packed,
    /// Handed over or sent: stock has moved.
    Fulfilled,
    /// A word that we do not know.
    Unknown(String),
}

/// How the goods leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaves {
    /// The customer comes.
    PickUp,
    /// They are sent.
    Dispatch,
    /// Another word of the vendor.
    Other(String),
}

/// Part of a sale that waits, or waited, to leave an outlet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// The vendor's id, a number as text.
    pub id: String,
    /// Its version: whoever changes it must know the newest.
    pub version: i64,
    /// The sale.
    pub sale: String,
    /// From where.
    pub outlet: String,
    /// How.
    pub leaves: Leaves,
    /// How far.
    pub stage: Stage,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
    /// Its lines.
    pub lines: Vec<FulfilmentLine>,
}

/// A line of it, in thousandths of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentLine {
    /// The line of the sale.
    pub sale_line: String,
    /// What.
    pub product: String,
    /// How many.
    pub milli: i64,
    /// Of these, taken off the shelf.
    pub picked_milli: i64,
    /// Of these, ready.
    pub packed_milli: i64,
    /// Of these, gone.
    pub fulfilled_milli: i64,
}

/// A step that part of a fulfilment takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Off the shelf.
    Pick,
    /// Ready.
    Pack,
    /// Handed over.
    Fulfil,
}

impl LightspeedX {
    /// All fulfilments of a sale; none when it was handed over at the till.
    pub async fn fulfilments(&self, sale: &str) -> Result<Answer<Vec<Fulfilment>>, CallError> {
        let sale = id(sale)?;
        let (mut all, mut exchanges) = (Vec::new(), Vec::new());
        for page in 1..=PAGES_MAX {
            let path = format!("/api/{API_VERSION}/fulfillments?sale_id={sale}&page_number={page}&page_size={ROWS}");
            let came = self.get("read what waits to leave", &path).await.and_then(found);
            let (text, seen) = came.map_err(|error| with_earlier(error, &exchanges))?;
            exchanges.extend(seen);
            let rows: Result<Vec<Fulfilment>, Unreadable> = wire::envelope(&text)
                .and_then(|list| list.rows.iter().map(|raw| read(&Object::open("fulfilment", raw.get())?)).collect());
            let rows = rows.map_err(|unreadable| makes_no_sense(unreadable, exchanges.clone()))?;
            let ended = rows.len() < ROWS;
            // A filter that is not obeyed would hand over somebody else's goods.
            all.extend(rows.into_iter().filter(|row| row.sale == sale));
            if ended {
                return Ok(Answer { value: all, exchanges });
            }
        }
        let endless = Unreadable::new("the list of what waits to leave does not end");
        Err(makes_no_sense(endless, exchanges))
    }

    /// Hands over everything of a sale. The vendor does it once however often it is asked.
    pub async fn fulfil_sale(&self, sale: &str) -> Result<Answer<()>, CallError> {
        let body = json!({ "sale_id": id(sale)? });
        let came = self.write("hand over a sale", Method::POST, "fulfillments/fulfill", Some(&body)).await?;
        let (_, exchanges) = found(came)?;
        Ok(Answer { value: (), exchanges })
    }

    /// Takes a step with part of a fulfilment, given its newest version; answers the next version. An older version is
    /// refused, so a step whose answer was lost is not taken twice: read it again and see.
    pub async fn advance(
        &self,
        fulfilment: &Fulfilment,
        step: Step,
        lines: &[(&str, i64)],
    ) -> Result<Answer<i64>, CallError> {
        if lines.is_empty() || lines.iter().any(|(_, units)| *units <= 0) {
            return Err(unlawful("a step is taken with at least one unit of a line"));
        }
        let mut rows = Vec::with_capacity(lines.len());
        for (line, units) in lines {
            rows.push(json!({ "sale_line_item_id": id(line)?, "quantity": units }));
        }
        let verb = match step {
            Step::Pick => "pick",
            Step::Pack => "pack",
            Step::Fulfil => "fulfill",
        };
        let rest = format!("fulfillments/{}/{verb}", id(&fulfilment.id)?);
        let body = json!({ "version": fulfilment.version, "line_items": rows });
        let (text, exchanges) =
            found(self.write("take a step with what waits", Method::POST, &rest, Some(&body)).await?)?;
        let next = wire::single(&text).and_then(|raw| Object::open("fulfilment", raw)?.need_whole("version"));
        answer(next, exchanges)
    }
}

fn read(row: &Object<'_>) -> Result<Fulfilment, Unreadable> {
    let mut lines = Vec::new();
    for line in row.objects("line_items")? {
        let units = |name: &str| Ok(line.milli_units(name)?.unwrap_or(0));
        lines.push(FulfilmentLine {
            sale_line: line.need_key("sale_line_item_id")?,
            product: line.need_key("product_id")?,
            milli: line.milli_units("quantity")?.ok_or_else(|| line.missing("quantity"))?,
            picked_milli: units("picked_quantity")?,
            packed_milli: units("packed_quantity")?,
            fulfilled_milli: units("fulfilled_quantity")?,
        });
    }
    let word = row.text("state")?.unwrap_or_default();
    let stage = match word.to_ascii_uppercase().as_str() {
        "OPEN" => Stage::Open,
        "STARTED" => Stage::Started,
        "PICKED" => Stage::Picked,
        "PACKED" => Stage::Packed,
        "FULFILLED" => Stage::Fulfilled,
        _ => Stage::Unknown(word),
    };
    let kind = row.text("type")?.unwrap_or_default();
    let leaves = match kind.to_ascii_uppercase().as_str() {
        "PICKUP" => Leaves::PickUp,
        "DISPATCH" => Leaves::Dispatch,
        _ => Leaves::Other(kind),
    };
    Ok(Fulfilment {
        id: row.need_key("id")?,
        version: row.need_whole("version")?,
        sale: row.need_key("sale_id")?,
        outlet: row.key("outlet_id")?.unwrap_or_default(),
        leaves,
        stage,
        changed_at: row.time("updated_at")?,
        lines,
    })
}
