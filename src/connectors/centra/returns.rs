//! Returns: goods that come back of one shipment, and the money for them.
//!
//! A return belongs to a shipment: what was not shipped is cancelled instead. Making one moves stock (at once, as far as
//! the papers tell), giving money back is a step of its own, and its amount is what the return comes to: none can be
//! named. What was made is found again by our reference; the vendor tells of no change of a return, so those that are open
//! are read again until they are completed.

use super::errand::{Done, Errand};
use super::payments::{self, Moved, Payment};
use super::queries::Question;
use super::transitions::GoodsTo;
use super::{Centra, wire};
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::{DocumentKey, LineKey, OutletKey};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};

/// Returns of a page.
pub const RETURN_ROWS: usize = 50;

/// Most returns that are read by their ids at once.
pub const RETURNS_NAMED_MAX: usize = 200;

/// Fifty returns with lines and payments.
const RETURNS_GUESS: i64 = 8_000;

/// The first version whose refund can be asked to write a mail.
const REFUND_MAIL_SINCE: (u64, u64, u64) = (1, 60, 0);

const FIELDS: &str = "id ... on DirectToConsumerReturn{ returnStatus createdAt totalQuantity externalId \
                      grandTotal(includingTax:true){value currency{code}} returnWarehouse{id} \
                      lines{id quantity lineValue{value} orderLine{id} shipmentLine{id}} \
                      totals{lineValues{value} handling{value} shipping{value} discounts{value} returnCost{value} \
                      taxIncluded{value} taxAdded{value} taxDeducted{value}} \
                      refundPaymentHistory{id entryType status createdAt externalReference value{value currency{code}}} }";

/// A return as the shop keeps it. Amounts are in the order's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnDetail {
    /// What calls name.
    pub id: i64,
    /// How far it has come.
    pub state: ReturnState,
    /// Our reference, or that of whoever made it through the same integration.
    pub reference: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Where its goods went; `None` when they went back to where they had left from, or nowhere.
    pub warehouse: Option<OutletKey>,
    /// What came back.
    pub lines: Vec<ReturnLine>,
    /// What is to be given back, or was.
    pub total: Fine,
    /// ISO code.
    pub currency: String,
    /// Goods in it.
    pub goods: Fine,
    /// Shipping in it.
    pub shipping: Fine,
    /// Handling in it.
    pub handling: Fine,
    /// What was kept back for the return.
    pub fee: Fine,
    /// Tax in it, of whichever of the vendor's three kinds.
    pub tax: Fine,
    /// Money that was given back, or should have been.
    pub refunds: Vec<Payment>,
}

/// How far a return has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnState {
    /// Made, and open. UNSURE: how the vendor spells it.
    Pending,
    /// Completed. UNSURE: how the vendor spells it.
    Completed,
    /// Another word of the vendor's, or none.
    Unknown(String),
}

/// A line of a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnLine {
    /// The shipment's line.
    pub shipment_line: Option<i64>,
    /// The order's line.
    pub line: Option<LineKey>,
    /// Units.
    pub units: i64,
    /// What they come to.
    pub value: Fine,
}

/// A return to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReturn {
    /// Our reference, by which it is found again: one for each return.
    pub reference: String,
    /// The shipment.
    pub shipment: i64,
    /// Its lines and how many units of each.
    pub lines: Vec<(i64, i64)>,
    /// Where the goods go.
    pub goods: GoodsTo,
    /// Shipping to be given back. `None` leaves it to the shop. UNSURE: what it does then.
    pub shipping: Option<Cost>,
    /// Handling to be given back, under the same rule.
    pub handling: Option<Cost>,
    /// Kept back for the return.
    pub fee: Option<Fine>,
    /// ISO code of the order's currency.
    pub currency: String,
    /// A line for the shop's people.
    pub comment: String,
}

/// A cost of a shipment that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// All that is left of it on the shipment.
    OfShipment,
    /// This much; no more than is left of it.
    Amount(Fine),
}

/// Money that was given back for a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Where it stands.
    pub moved: Moved,
    /// The entries that say so.
    pub entries: Vec<Payment>,
}

impl ReturnState {
    fn of(word: &str) -> Self {
        match word {
            "PENDING" | "CREATED" | "OPEN" => Self::Pending,
            "COMPLETED" | "COMPLETE" | "DONE" => Self::Completed,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

impl Centra {
    /// The returns of an order, by its number.
    pub async fn returns_of(&self, number: i64) -> Result<Answer<Vec<ReturnDetail>>, CallError> {
        let mut errand = Errand::new(self);
        let found = select(&mut errand, "$v:[Int!]", "orderNumber:$v", json!({ "v": [number] }), 200).await?;
        Ok(errand.done(found))
    }

    /// Returns by their ids: those that were open are read again this way, since the vendor tells of no change of them.
    /// At most [`RETURNS_NAMED_MAX`].
    pub async fn returns_named(&self, ids: &[i64]) -> Result<Answer<Vec<ReturnDetail>>, CallError> {
        let mut errand = Errand::new(self);
        if ids.len() > RETURNS_NAMED_MAX {
            return Err(errand.refuse("more returns than are read at once"));
        }
        let mut found = Vec::new();
        for ids in ids.chunks(RETURN_ROWS) {
            let variables = json!({ "v": ids });
            let part = select(&mut errand, "$v:[Int!]", "id:$v", variables, RETURN_ROWS).await?;
            found.extend(part.into_iter().filter(|found| ids.contains(&found.id)));
        }
        Ok(errand.done(found))
    }

    /// A page of returns made since a moment, counted from 1; another may follow when it is full ([`RETURN_ROWS`] rows).
    /// Read it with an overlap: pages shift while returns are made.
    pub async fn returns_made_since(
        &self,
        from: Timestamp,
        page: u32,
    ) -> Result<Answer<(Vec<ReturnDetail>, bool)>, CallError> {
        let mut errand = Errand::new(self);
        let text =
            list_question(self, "$from:DateTimeTz!,$page:Int!", "createdAt:{from:$from}", ", page:$page", RETURN_ROWS);
        let variables = json!({ "from": wire::moment(from), "page": page.max(1) });
        let question = Question::read("read returns", text, variables, RETURNS_GUESS);
        let (root, currency) = (self.spelling.returns, &self.store_currency);
        let rows = errand.ask(question, |data| read_list(data, root, currency)).await?;
        let full = rows.len() >= RETURN_ROWS;
        Ok(errand.done((rows, full)))
    }

    /// The return that carries our reference.
    pub async fn return_by_reference(&self, reference: &str) -> Result<Answer<Option<ReturnDetail>>, CallError> {
        let mut errand = Errand::new(self);
        let found = by_reference(&mut errand, reference).await?;
        Ok(errand.done(found))
    }

    /// Makes a return unless one has our reference; answers its id and where it stands. The whole of a shipment comes back
    /// when all its lines are named, a part when fewer are. Goods that go to another warehouse, or nowhere, are booked there
    /// by the shop: never send their stock besides.
    pub async fn create_return(&self, new: &NewReturn) -> Result<Answer<Done<(i64, ReturnState)>>, CallError> {
        let mut errand = Errand::changing(self);
        let input = errand.check(input_of(new))?;
        if let Some(found) = by_reference(&mut errand, &new.reference).await? {
            return Ok(errand.done(Done::already((found.id, found.state))));
        }
        let text = "mutation R($i:ReturnCreateInput!){ createReturn(input:$i){ return{ id returnStatus } \
                    userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("make a return", text, json!({ "i": input }));
        let done = errand.change(question, "createReturn", Some("return"), made).await?;
        Ok(errand.done(done))
    }

    /// Completes a return. It is read first, and nothing is sent when it is completed already.
    pub async fn complete_return(&self, id: i64, tell: bool) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        if need(&mut errand, id).await?.state == ReturnState::Completed {
            return Ok(errand.done(Done::already(())));
        }
        let text = "mutation G($id:Int!,$i:ReturnCompleteInput!){ completeReturn(id:$id,input:$i){ return{ id } \
                    userErrors{message path} userWarnings{message path} } }";
        let variables = json!({ "id": id, "i": { "sendEmail": tell } });
        let question = Question::change("complete a return", text, variables);
        let done = errand.change(question, "completeReturn", None, |payload| same(payload, id)).await?;
        Ok(errand.done(done))
    }

    /// Opens a completed return again. Done already when it is open.
    pub async fn reopen_return(&self, id: i64) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        if need(&mut errand, id).await?.state == ReturnState::Pending {
            return Ok(errand.done(Done::already(())));
        }
        let text =
            "mutation O($id:Int!){ uncompleteReturn(id:$id){ userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("open a return again", text, json!({ "id": id }));
        let done = errand.change(question, "uncompleteReturn", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }

    /// Takes a return back, with what it did to stock: its goods are kept for the order again at the warehouse where they
    /// went. Refused when money was given back for it, or may have been. Done already when it is gone.
    pub async fn delete_return(&self, id: i64) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let Some(seen) = look_at(&mut errand, id).await? else { return Ok(errand.done(Done::already(()))) };
        if matches!(payments::refund(&seen.refunds), Moved::Done | Moved::Asked) {
            return Err(errand.refuse("money was given back for this return: it cannot be taken back"));
        }
        let text =
            "mutation Y($id:Int!){ deleteReturn(id:$id){ userErrors{message path} userWarnings{message path} } }";
        let question = Question::change("take back a return", text, json!({ "id": id }));
        let done = errand.change(question, "deleteReturn", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }

    /// Gives the money of a return back through the payment provider. The return is read first: nothing is asked when it
    /// was given back, nor while an earlier asking is open, whose end comes later. After a refund that failed it may be
    /// asked again. UNSURE: whether a refund completes the return as well; look at its state afterwards.
    pub async fn refund_return(&self, id: i64, tell: bool) -> Result<Answer<Done<Refund>>, CallError> {
        let mut errand = Errand::changing(self);
        let seen = need(&mut errand, id).await?;
        let moved = payments::refund(&seen.refunds);
        if matches!(moved, Moved::Done | Moved::Asked) {
            return Ok(errand.done(Done::already(Refund { moved, entries: seen.refunds })));
        }
        // An entry that we cannot read the meaning of may be money that has gone.
        if moved == Moved::NotTold && !seen.refunds.is_empty() {
            return Err(errand.refuse("the shop lists a payment for this return that we do not know"));
        }
        let mail = tell && self.is_at_least(REFUND_MAIL_SINCE);
        let argument = self.spelling.refund_argument;
        let (declared, passed) = match mail {
            true => ("$id:Int!,$i:ReturnRefundInput", format!("{argument}:$id,input:$i")),
            false => ("$id:Int!", format!("{argument}:$id")),
        };
        let text = format!(
            "mutation F({declared}){{ refundReturn({passed}){{ return{{id}} paymentHistoryEntries{{entryType status \
             value{{value currency{{code}}}} externalReference}} userErrors{{message path}} userWarnings{{message path}} }} }}"
        );
        let variables = if mail { json!({ "id": id, "i": { "sendEmail": true } }) } else { json!({ "id": id }) };
        let question = Question::change("refund a return", text, variables);
        let done =
            errand.change(question, "refundReturn", None, |payload| refunded(payload, id, &seen.currency)).await?;
        Ok(errand.done(done))
    }

    /// Credit instead of money. The vendor gives it as a gift card only, whose particulars a tenant decides and no paper
    /// describes: nothing is sent, and a person issues it in the shop.
    pub fn issue_credit(&self, _order: &DocumentKey, _amount: Fine) -> CallError {
        let reason = format!(
            "this shop gives credit as a gift card only ({}); issue it in the shop itself",
            self.spelling.issue_credit
        );
        CallError { kind: CallErrorKind::Rejected { reason }, exchanges: Vec::new() }
    }
}

fn list_question(centra: &Centra, declared: &str, filter: &str, paging: &str, rows: usize) -> String {
    let root = centra.spelling.returns;
    format!("query V({declared}){{ {root}(where:{{{filter}}}, limit:{rows}{paging}){{ {FIELDS} }} }}")
}

async fn select(
    errand: &mut Errand<'_>,
    declared: &str,
    filter: &str,
    variables: Value,
    rows: usize,
) -> Result<Vec<ReturnDetail>, CallError> {
    let centra = errand.centra();
    let text = list_question(centra, declared, filter, "", rows);
    let question = Question::read("read some returns", text, variables, RETURNS_GUESS);
    errand.ask(question, |data| read_list(data, centra.spelling.returns, &centra.store_currency)).await
}

async fn look_at(errand: &mut Errand<'_>, id: i64) -> Result<Option<ReturnDetail>, CallError> {
    let found = select(errand, "$v:[Int!]", "id:$v", json!({ "v": [id] }), 1).await?;
    Ok(found.into_iter().find(|found| found.id == id))
}

async fn need(errand: &mut Errand<'_>, id: i64) -> Result<ReturnDetail, CallError> {
    match look_at(errand, id).await? {
        Some(found) => Ok(found),
        None => Err(errand.refuse("the shop knows no such return")),
    }
}

async fn by_reference(errand: &mut Errand<'_>, reference: &str) -> Result<Option<ReturnDetail>, CallError> {
    let reference = errand.check(wire::reference(reference))?;
    let form = errand.centra().spelling.reference_filter;
    let declared = format!("$v:{}", form.kind());
    let found = select(errand, &declared, "externalId:$v", json!({ "v": form.of(reference) }), 5).await?;
    Ok(found.into_iter().find(|found| found.reference.as_deref() == Some(reference)))
}

pub(super) fn input_of(new: &NewReturn) -> Result<Map<String, Value>, Unreadable> {
    let lines_ok = !new.lines.is_empty() && new.lines.iter().all(|(line, units)| *line > 0 && *units > 0);
    if !lines_ok || new.shipment <= 0 {
        return Err(Unreadable::new("a return names a shipment and at least one unit of one of its lines"));
    }
    let cost = |cost: Cost| match cost {
        Cost::OfShipment => Ok(json!({ "fromShipment": true })),
        Cost::Amount(amount) if amount.0 < 0 => Err(Unreadable::new("an amount below zero cannot be given back")),
        Cost::Amount(amount) => Ok(json!({ "value": wire::amount(amount, &new.currency) })),
    };
    let lines = new.lines.iter().map(|(line, units)| json!({ "shipmentLine": { "id": line }, "quantity": units }));
    let mut input = Map::new();
    input.insert("shipment".to_owned(), json!({ "id": new.shipment }));
    input.insert("lines".to_owned(), Value::Array(lines.collect()));
    input.insert("returnStockActionPolicy".to_owned(), new.goods.policy()?);
    for (name, wanted) in [("shippingCost", new.shipping), ("handlingCost", new.handling)] {
        input.extend(wanted.map(cost).transpose()?.map(|cost| (name.to_owned(), cost)));
    }
    match new.fee {
        Some(fee) if fee.0 < 0 => return Err(Unreadable::new("a fee below zero would be a gift")),
        Some(fee) => drop(input.insert("returnCost".to_owned(), wire::amount(fee, &new.currency))),
        None => {}
    }
    input.insert("comment".to_owned(), Value::from(new.comment.as_str()));
    input.insert("externalId".to_owned(), Value::from(wire::reference(&new.reference)?));
    Ok(input)
}

pub(super) fn made(payload: &Object<'_>) -> Result<(i64, ReturnState), Unreadable> {
    let made = payload.need_object("return")?;
    let state = ReturnState::of(&made.text("returnStatus")?.unwrap_or_default());
    Ok((wire::need_id(&made, "id")?, state))
}

fn same(payload: &Object<'_>, id: i64) -> Result<(), Unreadable> {
    match payload.object("return")? {
        Some(changed) if wire::need_id(&changed, "id")? != id => {
            Err(changed.wrong("id", "another return was changed than the one that we named"))
        }
        _ => Ok(()),
    }
}

pub(super) fn refunded(payload: &Object<'_>, id: i64, currency: &str) -> Result<Refund, Unreadable> {
    same(payload, id)?;
    let entries = payments::list(payload, "paymentHistoryEntries", currency)?;
    Ok(Refund { moved: payments::refund(&entries), entries })
}

pub(super) fn read_list(data: &str, root: &str, currency: &str) -> Result<Vec<ReturnDetail>, Unreadable> {
    wire::list(&Object::open("data", data)?, root)?.iter().map(|row| read(row, currency)).collect()
}

fn read(row: &Object<'_>, currency: &str) -> Result<ReturnDetail, Unreadable> {
    let named = wire::currency(row, "grandTotal")?.unwrap_or_else(|| currency.to_owned());
    let totals = row.object("totals")?;
    let sum = |name: &str| -> Result<Fine, Unreadable> {
        let Some(totals) = &totals else { return Ok(Fine::ZERO) };
        Ok(wire::money(totals, name)?.unwrap_or(Fine::ZERO))
    };
    let tax = [sum("taxIncluded")?, sum("taxAdded")?, Fine(sum("taxDeducted")?.0.saturating_neg())];
    let mut lines = Vec::new();
    for line in row.objects("lines")? {
        lines.push(ReturnLine {
            shipment_line: wire::id_in(&line, "shipmentLine")?,
            line: line.object("orderLine")?.map(|line| line.need_key("id")).transpose()?.map(LineKey::new),
            units: line.need_units("quantity")?,
            value: wire::money(&line, "lineValue")?.unwrap_or(Fine::ZERO),
        });
    }
    Ok(ReturnDetail {
        id: wire::need_id(row, "id")?,
        state: ReturnState::of(&row.text("returnStatus")?.unwrap_or_default()),
        reference: row.key("externalId")?,
        created_at: row.time("createdAt")?,
        warehouse: wire::id_in(row, "returnWarehouse")?.map(|id| OutletKey::new(id.to_string())),
        lines,
        total: wire::money(row, "grandTotal")?.unwrap_or(Fine::ZERO),
        goods: sum("lineValues")?,
        shipping: sum("shipping")?,
        handling: sum("handling")?,
        fee: sum("returnCost")?,
        tax: tax.into_iter().fold(Fine::ZERO, |all, tax| Fine(all.0.saturating_add(tax.0))),
        refunds: payments::list(row, "refundPaymentHistory", &named)?,
        currency: named,
    })
}
