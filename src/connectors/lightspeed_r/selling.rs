//! Sales that we make in the till: a web order handed over, a refund. Nothing here is sent twice: what may have been done
//! before is looked for first.

use super::super::error::{CallError, CallErrorKind};
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::ask::{self, Question, relations};
use super::calls::{Pace, after, answer, found, makes_no_sense};
use super::{LightspeedR, costs, wire};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use http::Method;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where in the till something happens, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// The shop.
    pub shop: String,
    /// One of its registers.
    pub register: String,
    /// The employee in whose name it is done.
    pub employee: String,
}

/// A completed sale to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSale {
    /// Where and by whom.
    pub desk: Desk,
    /// The till's customer, if any; needed when lines were laid away for one.
    pub customer: Option<String>,
    /// Our own reference, by which it is found again.
    pub reference: String,
    /// What kind of reference that is.
    pub source: String,
    /// When it was handed over, if that is past.
    pub completed_at: Option<Timestamp>,
    /// Its lines.
    pub lines: Vec<NewLine>,
    /// How it was paid; must come to the total.
    pub payments: Vec<NewPayment>,
}

/// A line of a sale to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewLine {
    /// Units of an item; negative takes back.
    Item {
        /// The item.
        item: String,
        /// Units.
        units: i64,
        /// The price of one; `None` takes the till's own.
        unit_price: Option<Fine>,
        /// The line that it takes back.
        takes_back: Option<String>,
    },
    /// A line that was laid away before.
    LaidAway(String),
}

/// A payment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The till's payment type.
    pub payment_type: String,
    /// How much; negative gives back. Only a refund may leave it out: then it is the whole.
    pub amount: Option<Fine>,
    /// Our own reference of it.
    pub reference: String,
}

/// A refund to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefund {
    /// The sale that is refunded.
    pub sale: String,
    /// Where and by whom.
    pub desk: Desk,
    /// Lines with the units that come back, each more than nought; none means everything.
    pub lines: Vec<(String, i64)>,
    /// How the money goes back.
    pub payments: Vec<NewPayment>,
}

/// A sale as it stands in the till, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillSale {
    /// The vendor's id.
    pub id: String,
    /// The number on the receipt.
    pub number: String,
    /// Whether goods and money have changed hands.
    pub completed: bool,
    /// Total including tax.
    pub total: Fine,
    /// What is still to be paid.
    pub balance: Fine,
}

/// What became of a sale to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was made now.
    Now(TillSale),
    /// It had been made before, and nothing was sent.
    Before(TillSale),
}

impl LightspeedR {
    /// The sale that carries our reference; `None` when there is none. Several are an error: the vendor does not keep
    /// references apart, and somebody has to look.
    pub async fn sale_by_reference(
        &self,
        reference: &str,
        source: &str,
    ) -> Result<Answer<Option<TillSale>>, CallError> {
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let question = ask::sales_by_reference(&root, reference);
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::list(&text, "Sale").and_then(|list| {
            if list.next.is_some() {
                return Err(Unreadable::new("more than a hundred sales carry one reference"));
            }
            let mut sales = Vec::new();
            for raw in &list.rows {
                sales.extend(with_reference(raw.get(), reference, source)?);
            }
            Ok(sales)
        });
        let sales = read.map_err(|unreadable| after(&exchanges, makes_no_sense(unreadable)))?;
        if let [first, second, ..] = sales.as_slice() {
            let reason = format!("two sales of the till, {} and {}, carry this reference", first.number, second.number);
            return Err(CallError { kind: CallErrorKind::Rejected { reason }, exchanges });
        }
        Ok(Answer { value: sales.into_iter().next(), exchanges })
    }

    /// Makes a completed sale, unless one with this reference is there. After an error that may have acted, calling it
    /// again is safe.
    pub async fn create_sale(&self, sale: &NewSale) -> Result<Answer<Made>, CallError> {
        if sale.reference.is_empty() {
            return Err(unlawful("a sale without a reference could not be found again"));
        }
        let before = self.sale_by_reference(&sale.reference, &sale.source).await?;
        let mut exchanges = before.exchanges;
        if let Some(before) = before.value {
            return Ok(Answer { value: Made::Before(before), exchanges });
        }
        let root = self.root(&mut exchanges).await?;
        let mut body = desk(&sale.desk)?;
        body.extend(sale.customer.as_deref().map(id).transpose()?.map(|customer| ("customerID".to_owned(), customer)));
        body.insert("completed".to_owned(), Value::Bool(true));
        body.extend(sale.completed_at.map(|at| ("completeTime".to_owned(), Value::from(time(at)))));
        body.insert("referenceNumber".to_owned(), Value::from(sale.reference.as_str()));
        body.insert("referenceNumberSource".to_owned(), Value::from(sale.source.as_str()));
        let lines = sale.lines.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        body.insert("SaleLines".to_owned(), json!({ "SaleLine": lines }));
        let payments = sale.payments.iter().map(payment).collect::<Result<Vec<_>, _>>()?;
        body.insert("SalePayments".to_owned(), json!({ "SalePayment": payments }));
        let cost = costs::sale_write(sale.lines.len() + sale.payments.len(), true);
        let path = format!("{root}Sale.json");
        let question = Question::write("make a sale", Method::POST, path, &Value::Object(body), cost);
        let made = self.written_sale(&question, exchanges).await?;
        Ok(Answer { value: Made::Now(made.value), exchanges: made.exchanges })
    }

    /// Refunds a sale, whole or in part. It carries no reference of ours: look at [`LightspeedR::taken_back`] first.
    pub async fn refund(&self, refund: &NewRefund) -> Result<Answer<TillSale>, CallError> {
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let mut body = desk(&refund.desk)?;
        let payments = refund.payments.iter().map(payment).collect::<Result<Vec<_>, _>>()?;
        body.insert("SalePayments".to_owned(), json!({ "SalePayment": payments }));
        if !refund.lines.is_empty() {
            let mut lines = Vec::with_capacity(refund.lines.len());
            for (line, units) in &refund.lines {
                if *units <= 0 {
                    return Err(unlawful("a refund takes back at least one unit of a line"));
                }
                lines.push(json!({ "parentSaleLineID": id(line)?, "unitQuantity": -units }));
            }
            body.insert("SaleLines".to_owned(), json!({ "SaleLine": lines }));
        }
        id(&refund.sale)?;
        let path = format!("{root}Sale/{}/refund.json", refund.sale);
        let question = Question::write("refund a sale", Method::POST, path, &Value::Object(body), costs::REFUND);
        self.written_sale(&question, exchanges).await
    }

    /// How many units of these lines other sales have taken back, by line: at most a hundred lines.
    pub async fn taken_back(&self, lines: &[&str]) -> Result<Answer<BTreeMap<String, i64>>, CallError> {
        for line in lines {
            id(line)?;
        }
        let mut exchanges = Vec::new();
        let mut taken: BTreeMap<String, i64> = BTreeMap::new();
        if lines.is_empty() {
            return Ok(Answer { value: taken, exchanges });
        }
        let root = self.root(&mut exchanges).await?;
        let question = ask::lines_taking_back(&root, lines);
        let rows = self.whole_list(question, "SaleLine", &mut exchanges, |raw| {
            let row = Object::open("SaleLine", raw)?;
            Ok((wire::link(&row, "parentSaleLineID")?, row.need_units("unitQuantity")?))
        });
        for (parent, units) in rows.await? {
            if let Some(parent) = parent.filter(|parent| lines.contains(&parent.as_str())) {
                *taken.entry(parent).or_default() -= units;
            }
        }
        Ok(Answer { value: taken, exchanges })
    }

    async fn written_sale(
        &self,
        question: &Question,
        mut exchanges: Vec<super::super::evidence::Exchange>,
    ) -> Result<Answer<TillSale>, CallError> {
        let said = self.ask(question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        answer(wire::single(&text, "Sale").and_then(|raw| in_short(&Object::open("Sale", raw.get())?)), exchanges)
    }
}

fn in_short(row: &Object<'_>) -> Result<TillSale, Unreadable> {
    Ok(TillSale {
        id: row.need_key("saleID")?,
        number: row.text("ticketNumber")?.unwrap_or_default(),
        completed: row.flag("completed")?.unwrap_or(false),
        total: row.rounded("total")?.ok_or_else(|| row.missing("total"))?,
        balance: row.rounded("balance")?.unwrap_or(Fine::ZERO),
    })
}

/// The sale, when it carries the reference and has not been taken back: filters are the vendor's to obey.
fn with_reference(raw: &str, reference: &str, source: &str) -> Result<Option<TillSale>, Unreadable> {
    let row = Object::open("Sale", raw)?;
    let same = row.text("referenceNumber")?.as_deref() == Some(reference)
        && row.text("referenceNumberSource")?.unwrap_or_default() == source;
    let gone = row.flag("voided")?.unwrap_or(false) || row.flag("archived")?.unwrap_or(false);
    if same && !gone { in_short(&row).map(Some) } else { Ok(None) }
}

/// A thing that cannot be asked for; nothing is sent.
pub(super) fn unlawful(reason: &str) -> CallError {
    CallError { kind: CallErrorKind::Rejected { reason: reason.to_owned() }, exchanges: Vec::new() }
}

/// An id as the vendor takes it.
pub(super) fn id(text: &str) -> Result<Value, CallError> {
    let number = text.parse::<u64>().ok().filter(|_| wire::is_id(text));
    number.map(Value::from).ok_or_else(|| unlawful("this is no id of the till"))
}

/// An amount as text: no float may stand between.
pub(super) fn amount(fine: Fine) -> Value {
    Value::from(Decimal::new(fine.0, 5).normalize().to_string())
}

fn time(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn desk(desk: &Desk) -> Result<Map<String, Value>, CallError> {
    let mut body = Map::new();
    body.insert("shopID".to_owned(), id(&desk.shop)?);
    body.insert("registerID".to_owned(), id(&desk.register)?);
    body.insert("employeeID".to_owned(), id(&desk.employee)?);
    Ok(body)
}

fn line(line: &NewLine) -> Result<Value, CallError> {
    let mut body = Map::new();
    match line {
        NewLine::LaidAway(line) => {
            body.insert("saleLineID".to_owned(), id(line)?);
        }
        NewLine::Item { item, units, unit_price, takes_back } => {
            body.insert("itemID".to_owned(), id(item)?);
            // A line without units stores none.
            body.insert("unitQuantity".to_owned(), Value::from(*units));
            body.extend(unit_price.map(|price| ("unitPrice".to_owned(), amount(price))));
            let parent = takes_back.as_deref().map(id).transpose()?;
            body.extend(parent.map(|parent| ("parentSaleLineID".to_owned(), parent)));
        }
    }
    Ok(Value::Object(body))
}

fn payment(payment: &NewPayment) -> Result<Value, CallError> {
    let mut body = Map::new();
    body.insert("paymentTypeID".to_owned(), id(&payment.payment_type)?);
    body.extend(payment.amount.map(|fine| ("amount".to_owned(), amount(fine))));
    if !payment.reference.is_empty() {
        body.insert("remoteReference".to_owned(), Value::from(payment.reference.as_str()));
    }
    Ok(Value::Object(body))
}

/// Units laid away for a customer: they are taken out of what is available at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The shop.
    pub shop: String,
    /// The employee in whose name it is done.
    pub employee: String,
    /// For whom.
    pub customer: String,
    /// What.
    pub item: String,
    /// Units.
    pub units: i64,
}

/// A line that was laid away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidAway {
    /// The vendor's id of the line.
    pub line: String,
    /// Units that are really laid away.
    pub units: i64,
}

impl LightspeedR {
    /// Lays units away, all of them or none. Only this call does: the flag on a line of a sale reserves nothing.
    pub async fn lay_away(&self, wanted: &Reservation) -> Result<Answer<LaidAway>, CallError> {
        if wanted.units <= 0 {
            return Err(unlawful("at least one unit is laid away"));
        }
        let body = json!({
            "customerID": id(&wanted.customer)?,
            "employeeID": id(&wanted.employee)?,
            "shopID": id(&wanted.shop)?,
            "itemID": id(&wanted.item)?,
            "unitQuantity": wanted.units,
            "isLayaway": true,
            // Without it a shortage lays away fewer, and says nothing.
            "requireFullReservation": true,
        });
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let path = format!("{root}SaleLine.json?{}", relations(&["InventorySales"]));
        let cost = costs::sale_write(0, false) + costs::RELATION_TO_MANY;
        let question = Question::write("lay away", Method::POST, path, &body, cost);
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        answer(wire::single(&text, "SaleLine").and_then(|raw| laid_away(raw.get())), exchanges)
    }

    /// Gives units that were laid away free again. `false` when the till knows no such line.
    pub async fn release(&self, line: &str) -> Result<Answer<bool>, CallError> {
        id(line)?;
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let question = Question {
            purpose: "release what was laid away",
            method: Method::DELETE,
            path: format!("{root}SaleLine/{line}.json"),
            body: None,
            mutates: true,
            cost: costs::sale_write(0, false),
        };
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        exchanges.extend(said.exchanges);
        Ok(Answer { value: said.text.is_some(), exchanges })
    }
}

/// Reads what is really laid away: the sum of what stands behind the line.
fn laid_away(raw: &str) -> Result<LaidAway, Unreadable> {
    let row = Object::open("SaleLine", raw)?;
    let mut units = 0_i64;
    for one in row.related("InventorySales", "InventorySale")? {
        units = units.saturating_add(one.need_units("quantity")?);
    }
    Ok(LaidAway { line: row.need_key("saleLineID")?, units })
}
