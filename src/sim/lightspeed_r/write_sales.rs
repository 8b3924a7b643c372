//! Sales that are made over the wire: completed ones balance, and nothing is given back twice.

use super::super::till::{CLOSED, Line, Payment, SAVED, TAX_PERCENT, VOIDED};
use super::super::world::State;
use super::account::{Misc, SaleNotes};
use super::query::{Asked, instant};
use super::registers::{employee, payment_kind};
use super::sales::{LAYAWAY_FLAG, find_line};
use super::shape::{amount, cents, nested, text, truth, whole};
use super::show::price;
use super::tables::{At, Kind};
use super::{Refusal, Said, find, written};
use crate::domain::money::{Fine, Minor};
use crate::domain::time::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// What an answer to a written sale shows beside the sale.
const SHOWN: [&str; 2] = ["SaleLines", "SalePayments"];

/// A line as it was asked for.
struct Wish {
    /// None is a line without an item.
    item: Option<usize>,
    quantity: i64,
    unit: Fine,
    discount: Fine,
    taxed: bool,
    parent: Option<At>,
    held: Option<usize>,
    layaway: bool,
    note: String,
}

impl Wish {
    fn tax(&self) -> Fine {
        if self.taxed { Fine((self.unit.0 - self.discount.0) * TAX_PERCENT / 100) } else { Fine::ZERO }
    }
}

/// A payment as it was asked for.
struct Tender {
    kind: usize,
    amount: Option<Minor>,
    remote: Option<String>,
}

/// Where and by whom.
struct Place {
    register: usize,
    outlet: usize,
    employee: usize,
    customer: usize,
}

fn place(state: &State, body: &Value, otherwise: Option<usize>) -> Result<Place, Refusal> {
    let register = match (text(&body["registerID"]), otherwise) {
        (Some(id), _) => find(state, Kind::Register, &id)?.0,
        (None, Some(register)) => register,
        (None, None) => return Err(Refusal::bad("registerID is required")),
    };
    let outlet = state.till.registers.get(register).map_or(0, |register| register.outlet);
    if whole(&body["shopID"]).is_some_and(|shop| usize::try_from(shop) != Ok(outlet + 1)) {
        return Err(Refusal::bad("The register belongs to another shop"));
    }
    let customer = customer(state, &body["customerID"])?;
    Ok(Place { register, outlet, employee: employee(&body["employeeID"])?, customer })
}

/// The customer that a body names; 0 is nobody.
pub(super) fn customer(state: &State, value: &Value) -> Result<usize, Refusal> {
    match text(value).as_deref() {
        None | Some("0" | "") => Ok(0),
        Some(id) => Ok(find(state, Kind::Customer, id)?.0 + 1),
    }
}

/// The item that a line names by its id or by a code.
pub(super) fn item_of(state: &State, line: &Value) -> Result<Option<usize>, Refusal> {
    if let Some(code) = text(&line["itemCode"]).filter(|code| !code.is_empty()) {
        let upc = |at: usize| state.r.items.get(&at).and_then(|notes| notes.fields.get("upc"));
        let found = state.range.items.iter().enumerate().position(|(at, item)| {
            item.on_till()
                && (item.ean.as_ref() == Some(&code) || (at + 1).to_string() == code || upc(at) == Some(&code))
        });
        return found.map(Some).ok_or_else(|| Refusal::bad(&format!("No item has the code '{code}'")));
    }
    match text(&line["itemID"]).as_deref() {
        None | Some("0" | "") => Ok(None),
        Some(id) => Ok(Some(find(state, Kind::Item, id)?.0)),
    }
}

fn wish(state: &State, line: &Value, place: &Place, no_tax: bool) -> Result<Wish, Refusal> {
    let note = text(&line["Note"]["note"]).or_else(|| text(&line["note"])).unwrap_or_default();
    if let Some(id) = whole(&line["saleLineID"]) {
        let none = || Refusal::no_row(Kind::SaleLine, &id.to_string());
        let Some((usize::MAX, k)) = find_line(state, id) else { return Err(none()) };
        let held = state.r.held.get(k).ok_or_else(none)?;
        if held.customer != place.customer {
            return Err(Refusal::cannot("The line waits for another customer"));
        }
        return Ok(Wish {
            item: Some(held.item),
            quantity: held.quantity,
            unit: amount(&line["unitPrice"]).unwrap_or_else(|| price(state, held.item)),
            discount: Fine::ZERO,
            taxed: !no_tax,
            parent: None,
            held: Some(k),
            layaway: false,
            note,
        });
    }
    let item = item_of(state, line)?;
    let parent = match whole(&line["parentSaleLineID"]).filter(|id| *id != 0) {
        Some(id) => {
            let found = find_line(state, id).filter(|at| at.0 != usize::MAX);
            Some(found.ok_or_else(|| Refusal::bad(&format!("There is no sale line {id} to refund")))?)
        }
        None => None,
    };
    let unit = match (amount(&line["unitPrice"]), item) {
        (Some(unit), _) => unit,
        (None, Some(item)) => price(state, item),
        (None, None) => return Err(Refusal::bad("A line without an item must have a unitPrice")),
    };
    let quantity = whole(&line["unitQuantity"]).unwrap_or(0);
    let percent = amount(&line["discountPercent"]).map_or(0, |part| unit.0 * part.0 / 100_000);
    let whole_line = amount(&line["discountAmount"]).map_or(0, |off| off.0 / quantity.abs().max(1));
    Ok(Wish {
        item,
        quantity,
        unit,
        discount: cents(Fine(percent + whole_line)),
        taxed: !no_tax && truth(&line["tax"]) != Some(false),
        parent,
        held: None,
        layaway: truth(&line["isLayaway"]) == Some(true),
        note,
    })
}

fn tenders(state: &State, body: &Value) -> Result<Vec<Tender>, Refusal> {
    let mut out = Vec::new();
    for row in nested(body, "SalePayments", "SalePayment") {
        let kind = payment_kind(state, &row["paymentTypeID"])?;
        let kind = kind.ok_or_else(|| Refusal::bad("A payment must have a paymentTypeID"))?;
        out.push(Tender {
            kind,
            amount: amount(&row["amount"]).map(Fine::to_minor),
            remote: text(&row["remoteReference"]).filter(|remote| !remote.is_empty()),
        });
    }
    Ok(out)
}

/// Units of each line that came back already, by the line's id.
fn given_back(state: &State) -> HashMap<&str, i64> {
    let mut back: HashMap<&str, i64> = HashMap::new();
    for line in state.till.sales.iter().filter(|sale| sale.status != VOIDED).flat_map(|sale| &sale.lines) {
        if let Some(parent) = &line.parent {
            *back.entry(parent.as_str()).or_default() -= line.quantity;
        }
    }
    back
}

/// Refuses to take back more of a line than was sold by it.
fn check_parents(state: &State, wishes: &[Wish]) -> Result<(), Refusal> {
    let back = given_back(state);
    let mut asked: HashMap<At, i64> = HashMap::new();
    for wish in wishes {
        let Some(parent) = wish.parent else { continue };
        let sale = state.till.sales.get(parent.0);
        let Some(line) = sale.and_then(|sale| sale.lines.get(parent.1)) else { continue };
        let sum = asked.entry(parent).or_default();
        *sum -= wish.quantity;
        let before = back.get(line.id.as_str()).copied().unwrap_or(0);
        if wish.quantity >= 0 || before + *sum > line.quantity || wish.item != Some(line.item) {
            let words = format!("Cannot refund more than the original quantity of sale line {}", line.id);
            return Err(Refusal::cannot(&words));
        }
    }
    Ok(())
}

/// What these lines amount to, as the sale will say.
fn total(wishes: &[Wish]) -> Minor {
    let sum = |of: fn(&Wish) -> i64| wishes.iter().map(|wish| wish.quantity * of(wish)).sum::<i64>();
    let (net, off) = (sum(|wish| wish.unit.0), cents(Fine(sum(|wish| wish.discount.0))));
    let tax = cents(Fine(sum(|wish| wish.tax().0)));
    Fine(net - off.0 + tax.0).to_minor()
}

/// Makes payments add up to what is due; more cash than that is change. The change.
fn balance(state: &State, tenders: &mut [Tender], paid: Minor, due: Minor) -> Result<Minor, Refusal> {
    let sum = paid.0 + tenders.iter().filter_map(|tender| tender.amount).map(|amount| amount.0).sum::<i64>();
    let over = sum - due.0;
    let cash = tenders.iter_mut().find(|tender| tender.kind == 0);
    match cash.and_then(|tender| tender.amount.as_mut()).filter(|cash| over > 0 && due.0 >= 0 && cash.0 >= over) {
        Some(cash) => {
            cash.0 -= over;
            Ok(Minor(over))
        }
        None if over == 0 => Ok(Minor::ZERO),
        None => {
            let words = format!("Sale not completed. Payments ({sum}) do not balance the total ({}) in cents.", due.0);
            Err(if state.r.quirks.unbalanced_422 { Refusal::cannot(&words) } else { Refusal::bad(&words) })
        }
    }
}

fn completion(state: &State, body: &Value) -> Result<Option<Timestamp>, Refusal> {
    let Some(given) = text(&body["completeTime"]) else { return Ok(None) };
    let at = instant(&given).map(Timestamp::from_secs);
    at.filter(|at| *at <= state.now).map(Some).ok_or_else(|| Refusal::bad("completeTime must lie in the past"))
}

fn note_down(notes: &mut SaleNotes, body: &Value) {
    if let Some(reference) = text(&body["referenceNumber"]) {
        notes.reference = reference;
    }
    if let Some(source) = text(&body["referenceNumberSource"]) {
        notes.reference_source = source;
    }
    if body["ShipTo"].is_object() {
        notes.ship_to = Some(body["ShipTo"].clone());
    }
}

pub(super) fn create(state: &mut State, body: &Value, asked: &Asked) -> Said {
    let place = place(state, body, None)?;
    let no_tax = text(&body["taxCategoryID"]).as_deref() == Some("0");
    let mut wishes = Vec::new();
    for line in nested(body, "SaleLines", "SaleLine") {
        wishes.push(wish(state, line, &place, no_tax)?);
    }
    check_parents(state, &wishes)?;
    let tenders = tenders(state, body)?;
    let completed = truth(&body["completed"]) == Some(true);
    let when = completion(state, body)?;
    let at = make(state, &place, wishes, tenders, completed, when)?;
    let notes = state.r.sales.entry(at).or_default();
    notes.no_tax = no_tax;
    note_down(notes, body);
    written(state, Kind::Sale, (at, 0), &SHOWN, asked)
}

/// Makes a sale, or none at all when it does not balance.
fn make(
    state: &mut State,
    place: &Place,
    wishes: Vec<Wish>,
    mut tenders: Vec<Tender>,
    completed: bool,
    when: Option<Timestamp>,
) -> Result<usize, Refusal> {
    let due = total(&wishes);
    let change = if completed { balance(state, &mut tenders, Minor::ZERO, due)? } else { Minor::ZERO };
    let original = wishes.iter().find_map(|wish| wish.parent).map(|parent| parent.0);
    let at = state.begin_sale(place.outlet, &[], original);
    if let Some(sale) = state.till.sales.get_mut(at) {
        sale.register = place.register;
        sale.completed_at = when.filter(|_| completed);
    }
    let notes = SaleNotes {
        customer: place.customer,
        employee: place.employee,
        change: Fine(change.0 * 1_000),
        ..SaleNotes::default()
    };
    state.r.sales.insert(at, notes);
    fill(state, at, wishes);
    take(state, at, tenders);
    finish(state, at, completed);
    Ok(at)
}

/// Writes lines into a sale.
fn fill(state: &mut State, at: usize, wishes: Vec<Wish>) {
    for wish in wishes {
        let drawn = super::super::text::uuid(&mut state.ids);
        let id = state.till.line_id(drawn);
        let tax = wish.tax();
        let parent = wish.parent.and_then(|(sale, k)| Some(state.till.sales.get(sale)?.lines.get(k)?.id.clone()));
        let held = wish.held.and_then(|k| state.r.held.get_mut(k));
        let held = held.map(|held| {
            held.over = true;
            (held.id.clone(), (held.item, held.shop, held.reserved))
        });
        let notes = state.r.sales.entry(at).or_default();
        let Some(item) = wish.item else {
            notes.misc.push(Misc { id, quantity: wish.quantity, price: wish.unit, tax, note: wish.note });
            continue;
        };
        let id = match held {
            Some((held, reserved)) => {
                notes.reserved.push(reserved);
                held
            }
            None => id,
        };
        let line = Line {
            id,
            item,
            quantity: wish.quantity,
            price: Fine(wish.unit.0 - wish.discount.0),
            discount: wish.discount,
            tax,
            is_return: wish.quantity < 0,
            note: wish.layaway.then(|| LAYAWAY_FLAG.to_owned()),
            moved: 0,
            parent,
        };
        if let Some(sale) = state.till.sales.get_mut(at) {
            sale.lines.push(line);
        }
    }
}

/// Takes payments for a sale.
fn take(state: &mut State, at: usize, tenders: Vec<Tender>) {
    let now = state.now;
    for tender in tenders {
        let Some(amount) = tender.amount.filter(|amount| amount.0 != 0) else { continue };
        let drawn = super::super::text::uuid(&mut state.ids);
        let id = state.till.payment_id(drawn);
        if let Some(remote) = tender.remote {
            state.r.sales.entry(at).or_default().remote.insert(id.clone(), remote);
        }
        if let Some(sale) = state.till.sales.get_mut(at) {
            sale.payments.push(Payment { id, kind: tender.kind, amount, at: now });
        }
    }
}

/// Shows a sale as it is now; what waited on the shelf for it goes with it.
fn finish(state: &mut State, at: usize, completed: bool) {
    if completed {
        put_back_reserved(state, at);
        let lines: Vec<String> = state
            .till
            .sales
            .get(at)
            .map(|sale| sale.lines.iter().map(|line| line.id.clone()).collect())
            .unwrap_or_default();
        let now = state.now;
        for special in state.r.specials.iter_mut().filter(|special| lines.contains(&special.line)) {
            (special.completed, special.changed) = (true, now);
        }
    }
    state.r_publish(at, if completed { CLOSED } else { SAVED });
}

fn put_back_reserved(state: &mut State, at: usize) {
    let reserved = state.r.sales.get_mut(&at).map(|notes| std::mem::take(&mut notes.reserved)).unwrap_or_default();
    for (item, shop, units) in reserved {
        state.r_reserve(item, shop, -units);
    }
}

/// Changes a sale that is not completed, or the reference of one that is.
pub(super) fn change(state: &mut State, id: &str, body: &Value, asked: &Asked) -> Said {
    let at = find(state, Kind::Sale, id)?.0;
    let none = || Refusal::no_row(Kind::Sale, id);
    let sale = state.till.sales.get(at).ok_or_else(none)?;
    let (open, status, register) = (sale.status == SAVED, sale.status, sale.register);
    let mut notes = state.r.sales.get(&at).cloned().unwrap_or(SaleNotes { employee: 1, ..SaleNotes::default() });
    let mut place = place(state, body, Some(register))?;
    if body["customerID"].is_null() {
        place.customer = notes.customer;
    }
    let mut wishes = Vec::new();
    for line in nested(body, "SaleLines", "SaleLine") {
        wishes.push(wish(state, line, &place, notes.no_tax)?);
    }
    let mut tenders = tenders(state, body)?;
    if !open && (!wishes.is_empty() || !tenders.is_empty()) {
        return Err(Refusal::bad("A completed sale cannot be changed"));
    }
    check_parents(state, &wishes)?;
    let completes = open && truth(&body["completed"]) == Some(true);
    let when = completion(state, body)?;
    if completes {
        let sums = sale.sums(Some(&notes));
        let due = Minor(sums.total.to_minor().0 + total(&wishes).0);
        let change = balance(state, &mut tenders, sums.paid.to_minor(), due)?;
        notes.change = Fine(change.0 * 1_000);
    }
    notes.customer = place.customer;
    note_down(&mut notes, body);
    state.r.sales.insert(at, notes);
    let now = state.now;
    if let Some(sale) = state.till.sales.get_mut(at).filter(|_| completes) {
        sale.completed_at = Some(when.unwrap_or(now));
    }
    fill(state, at, wishes);
    take(state, at, tenders);
    match open {
        true => finish(state, at, completes),
        false => state.r_publish(at, status),
    }
    written(state, Kind::Sale, (at, 0), &SHOWN, asked)
}

/// One more line of a sale that is not completed. What it flags reserves nothing.
pub(super) fn add_line(state: &mut State, id: &str, body: &Value, asked: &Asked) -> Said {
    let wrapped = serde_json::json!({"SaleLines": {"SaleLine": body}});
    change(state, id, &wrapped, &Asked::default())?;
    let at = find(state, Kind::Sale, id)?.0;
    let last = state.till.sales.get(at).map_or(0, |sale| sale.lines.len().saturating_sub(1));
    written(state, Kind::SaleLine, (at, last), &[], asked)
}

/// Puts a sale away that was never completed.
pub(super) fn archive(state: &mut State, id: &str, asked: &Asked) -> Said {
    let at = find(state, Kind::Sale, id)?.0;
    if state.till.sales.get(at).is_none_or(|sale| sale.status != SAVED) {
        return Err(Refusal::bad("A completed sale cannot be archived"));
    }
    put_back_reserved(state, at);
    state.r.sales.entry(at).or_default().archived = true;
    state.r_publish(at, SAVED);
    written(state, Kind::Sale, (at, 0), &SHOWN, asked)
}

/// Takes back a whole sale or lines of it: another sale, with a number of its own.
pub(super) fn refund(state: &mut State, id: &str, body: &Value, asked: &Asked) -> Said {
    let none = || Refusal::no_row(Kind::Sale, id);
    let ticket = id.strip_prefix("22").filter(|rest| rest.len() == 10).and_then(|rest| rest.parse::<i64>().ok());
    let at = find(state, Kind::Sale, &ticket.map_or_else(|| id.to_owned(), |number| number.to_string()));
    let at = at.map_err(|_| none())?.0;
    let original = state.till.sales.get(at).filter(|sale| sale.status == CLOSED);
    let original = original.ok_or_else(|| Refusal::bad("Only a completed sale can be refunded"))?;
    let mut place = place(state, body, Some(original.register))?;
    if body["customerID"].is_null() {
        place.customer = state.r.sales.get(&at).map_or(0, |notes| notes.customer);
    }
    let lines = nested(body, "SaleLines", "SaleLine");
    let mut asked_back: Vec<(usize, i64)> = Vec::new();
    for line in &lines {
        let parent = whole(&line["parentSaleLineID"]).map(|id| id.to_string());
        let k = parent.and_then(|parent| original.lines.iter().position(|own| own.id == parent));
        let k = k.ok_or_else(|| Refusal::bad("parentSaleLineID must name a line of the refunded sale"))?;
        let quantity = whole(&line["unitQuantity"]).filter(|quantity| *quantity < 0);
        asked_back.push((k, quantity.ok_or_else(|| Refusal::bad("unitQuantity of a refund must be negative"))?));
    }
    if lines.is_empty() {
        let sold = original.lines.iter().enumerate().filter(|(_, line)| line.quantity > 0);
        asked_back = sold.map(|(k, line)| (k, -line.quantity)).collect();
    }
    let back = |(k, quantity): &(usize, i64)| {
        let line = original.lines.get(*k)?;
        Some(Wish {
            item: Some(line.item),
            quantity: *quantity,
            unit: Fine(line.price.0 + line.discount.0),
            discount: line.discount,
            taxed: line.tax.0 != 0,
            parent: Some((at, *k)),
            held: None,
            layaway: false,
            note: String::new(),
        })
    };
    let mut wishes: Vec<Wish> = asked_back.iter().filter_map(back).collect();
    for misc in state.r.sales.get(&at).filter(|_| lines.is_empty()).iter().flat_map(|notes| &notes.misc) {
        wishes.push(Wish {
            item: None,
            quantity: -misc.quantity,
            unit: misc.price,
            discount: Fine::ZERO,
            taxed: misc.tax.0 != 0,
            parent: None,
            held: None,
            layaway: false,
            note: misc.note.clone(),
        });
    }
    check_parents(state, &wishes)?;
    let mut tenders = tenders(state, body)?;
    let due = total(&wishes);
    if let [only] = tenders.as_mut_slice() {
        only.amount.get_or_insert(due);
    }
    let completed = truth(&body["completed"]) != Some(false);
    let new = make(state, &place, wishes, tenders, completed, None)?;
    note_down(state.r.sales.entry(new).or_default(), body);
    written(state, Kind::Sale, (new, 0), &SHOWN, asked)
}
