//! Sales that we make in the till: a web order that is handed over now, waits to be picked up, or is sent from a store.
//!
//! The vendor knows no key against repeats and cannot look for a reference. So a sale gets an id of our making, derived
//! from its reference ([`own_id`]), and is looked for under it before it is made.

use super::super::Answer;
use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::calls::{amount, answer, found, id, refused, unlawful, with_earlier};
use super::detail::SaleDetail;
use super::{LightspeedX, detail, wire};
use crate::domain::fact::SaleState;
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use http::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Pages of the list of sales that are read in search of one.
const SEARCH_PAGES_MAX: usize = 25;

/// Where in the till something happens, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// The user in whose name it is done; no sale goes without.
    pub author: String,
    /// The register, if one has a part in it.
    pub register: Option<String>,
}

/// How the goods leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handing {
    /// They have left: the sale is closed, and the stock falls at once.
    Done,
    /// They wait at this outlet for the customer.
    PickUp {
        /// Which outlet.
        outlet: String,
    },
    /// This outlet sends them.
    Dispatch {
        /// Which outlet.
        outlet: String,
        /// The vendor's id of the address, if the customer has one there.
        address: Option<String>,
    },
}

/// A sale to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSale {
    /// Where and by whom.
    pub desk: Desk,
    /// The kind of our reference: the shop's name over there.
    pub source: String,
    /// Our own reference, by which it is found again.
    pub reference: String,
    /// The till's customer; the walk-in customer when nobody is named.
    pub customer: Option<String>,
    /// When it was ordered.
    pub at: Timestamp,
    /// What is written on it.
    pub note: String,
    /// Its lines.
    pub lines: Vec<NewLine>,
    /// How it was paid.
    pub payments: Vec<NewPayment>,
    /// How the goods leave.
    pub handing: Handing,
    /// The highest version known before the first try, if any. UNSURE: should the vendor give the sale an id of its own,
    /// it is looked for by its reference among the sales that changed after this.
    pub since: Option<i64>,
}

/// A line of it. All amounts are for one unit; the price is without tax, also where the till's prices include it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// What.
    pub product: String,
    /// Units.
    pub units: i64,
    /// Price of one.
    pub unit_price: Fine,
    /// Discount on one.
    pub unit_discount: Fine,
    /// The till's tax; where none is due, the one that says so.
    pub tax: String,
    /// Tax on one.
    pub unit_tax: Fine,
}

/// A payment of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The till's payment type.
    pub payment_type: String,
    /// How much; negative gives back.
    pub amount: Fine,
    /// When.
    pub at: Timestamp,
}

/// What became of something to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was made now. Only its id is promised to come back.
    Now(String),
    /// It had been made before, and nothing was sent. It may have been voided since: its id is used up then.
    Before(Box<SaleDetail>),
}

/// The id that we give to what carries a reference: the same for the same, in the form that the vendor's ids have.
/// UNSURE: what the vendor does when an id comes again is nowhere said, so it never does.
pub fn own_id(connection: &str, source: &str, reference: &str) -> String {
    let mut hash = Sha256::new();
    for part in [connection, source, reference] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    uuid::Builder::from_sha1_bytes(bytes).into_uuid().to_string()
}

impl LightspeedX {
    /// The id of the sale that carries this reference, if we make or made one.
    pub fn sale_id(&self, source: &str, reference: &str) -> String {
        own_id(self.caller.connection.as_str(), source, reference)
    }

    /// The sale that carries our reference: by the id that we give it, then, given a version, among everything that
    /// changed after it. A long search is broken off with an error, because "not found" would not be true.
    pub async fn sale_by_reference(
        &self,
        source: &str,
        reference: &str,
        since: Option<i64>,
    ) -> Result<Answer<Option<SaleDetail>>, CallError> {
        let own = self.sale_id(source, reference);
        let Answer { value: there, mut exchanges } = self.sale_detail(&own).await?;
        if let Some(sale) = there {
            if sale.reference.is_some() && !sale.carries(source, reference) {
                return Err(refused(
                    "the sale under our id carries another reference; somebody has to look",
                    exchanges,
                ));
            }
            return Ok(Answer { value: Some(sale), exchanges });
        }
        let Some(mut after) = since else { return Ok(Answer { value: None, exchanges }) };
        let mut seen = Vec::new();
        for _ in 0..SEARCH_PAGES_MAX {
            let page = self.search_page(after, source, reference, &mut seen, &mut exchanges).await;
            match page.map_err(|error| with_earlier(error, &exchanges))? {
                Some(next) => after = next,
                None => return one_of(seen, exchanges),
            }
        }
        Err(refused("too many sales changed meanwhile to look through; somebody has to look", exchanges))
    }

    /// Looks through one page, and says where the next begins. A sale that comes again replaces what it was.
    async fn search_page(
        &self,
        after: i64,
        source: &str,
        reference: &str,
        seen: &mut Vec<SaleDetail>,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Option<i64>, CallError> {
        let page = super::Till::sales_after(self, Some(&after.to_string())).await?;
        exchanges.extend(page.exchanges);
        for row in &page.value.rows {
            seen.retain(|known| known.id != row.external_id);
            // What cannot be read might be the one: it would have to carry the reference somewhere.
            match detail::read(&row.raw) {
                Ok(sale) if sale.carries(source, reference) && sale.state != SaleState::Voided => seen.push(sale),
                Ok(_) => {}
                Err(_) if !row.raw.contains(reference) => {}
                Err(unreadable) => return Err(refused(unreadable.reason, Vec::new())),
            }
        }
        Ok(page.value.next.and_then(|next| next.parse().ok()))
    }

    /// Makes a sale, unless one with this reference is there. After an error that may have acted, calling it again is
    /// safe.
    pub async fn create_sale(&self, sale: &NewSale) -> Result<Answer<Made>, CallError> {
        if sale.reference.is_empty() || sale.source.is_empty() {
            return Err(unlawful("a sale without a reference could not be found again"));
        }
        let body = body(&self.sale_id(&sale.source, &sale.reference), sale)?;
        let before = self.sale_by_reference(&sale.source, &sale.reference, sale.since).await?;
        let mut exchanges = before.exchanges;
        if let Some(before) = before.value {
            return Ok(Answer { value: Made::Before(Box::new(before)), exchanges });
        }
        let came = match self.write("make a sale", Method::POST, "sales", Some(&body)).await.and_then(found) {
            Ok(came) => came,
            Err(error) => return self.after_refusal(sale, error, exchanges).await,
        };
        exchanges.extend(came.1);
        answer(
            wire::single(&came.0).and_then(|raw| Object::open("sale", raw)?.need_key("id")).map(Made::Now),
            exchanges,
        )
    }

    /// The vendor said no: perhaps because the sale is there, by a try whose answer was still on its way.
    async fn after_refusal(
        &self,
        sale: &NewSale,
        error: CallError,
        mut exchanges: Vec<Exchange>,
    ) -> Result<Answer<Made>, CallError> {
        let error = with_earlier(error, &exchanges);
        if !matches!(error.kind, CallErrorKind::Rejected { .. }) {
            return Err(error);
        }
        let Ok(again) = self.sale_by_reference(&sale.source, &sale.reference, None).await else { return Err(error) };
        let Some(there) = again.value else { return Err(error) };
        exchanges = error.exchanges;
        exchanges.extend(again.exchanges);
        Ok(Answer { value: Made::Before(Box::new(there)), exchanges })
    }

    /// Takes a sale back for good: its stock returns and its payments are deleted. A voided one stays voided; `false` when
    /// there is no such sale.
    pub async fn void_sale(&self, sale: &str, author: &str) -> Result<Answer<bool>, CallError> {
        let Answer { value: there, mut exchanges } = self.sale_detail(sale).await?;
        let Some(there) = there else { return Ok(Answer { value: false, exchanges }) };
        if there.state == SaleState::Voided {
            return Ok(Answer { value: true, exchanges });
        }
        let written = self.rewrite(&there, author, "voided").await;
        exchanges.extend(written.map_err(|error| with_earlier(error, &exchanges))?);
        Ok(Answer { value: true, exchanges })
    }

    /// Writes a changed sale back with everything in it. A closed sale takes no change but voiding.
    pub async fn update_sale(&self, changed: &SaleDetail, author: &str) -> Result<Answer<()>, CallError> {
        if changed.state != SaleState::Open {
            return Err(unlawful("a sale that is closed or voided cannot be edited"));
        }
        let exchanges = self.rewrite(changed, author, &changed.word).await?;
        Ok(Answer { value: (), exchanges })
    }

    /// UNSURE: whether what is not sent stays or is deleted. An older version deletes it, so everything is sent.
    pub(super) async fn rewrite(
        &self,
        sale: &SaleDetail,
        author: &str,
        state: &str,
    ) -> Result<Vec<Exchange>, CallError> {
        let rest = format!("sales/{}", id(&sale.id)?);
        let body = whole(sale, author, state)?;
        let (_, exchanges) = found(self.write("change a sale", Method::PUT, &rest, Some(&body)).await?)?;
        Ok(exchanges)
    }
}

fn one_of(seen: Vec<SaleDetail>, exchanges: Vec<Exchange>) -> Result<Answer<Option<SaleDetail>>, CallError> {
    if let [first, second, ..] = seen.as_slice() {
        let reason = format!("two sales of the till, {} and {}, carry this reference", first.number, second.number);
        return Err(refused(reason, exchanges));
    }
    Ok(Answer { value: seen.into_iter().next(), exchanges })
}

/// A moment as the vendor takes it.
pub(super) fn time(at: Timestamp) -> Value {
    Value::from(at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn body(own: &str, sale: &NewSale) -> Result<Value, CallError> {
    if sale.lines.is_empty() || sale.lines.iter().any(|line| line.units == 0) {
        return Err(unlawful("a sale has lines, and every line has units"));
    }
    let (state, attributes, method, outlet) = match &sale.handing {
        Handing::Done => ("closed", json!([]), None, None),
        // UNSURE: whether the sale's word or the lines' decides; they say the same.
        Handing::PickUp { outlet } => ("pending", json!(["pickup"]), Some("PICKUP"), Some(outlet)),
        Handing::Dispatch { outlet, .. } => ("pending", json!(["delivery"]), Some("DISPATCH"), Some(outlet)),
    };
    let mut lines = Vec::with_capacity(sale.lines.len());
    for (sequence, line) in sale.lines.iter().enumerate() {
        let mut row = json!({
            "product": { "id": id(&line.product)? },
            "quantity": line.units,
            "pricing": { "price": amount(line.unit_price)?, "discount": amount(line.unit_discount)? },
            "tax": { "id": id(&line.tax)?, "amount": amount(line.unit_tax)? },
            "_metadata": { "sequence": sequence },
        });
        if let Some(method) = method {
            row["_metadata"]["fulfillment_method"] = Value::from(method);
        }
        lines.push(row);
    }
    let mut body = Map::new();
    body.insert("id".to_owned(), Value::from(own));
    body.insert("state".to_owned(), Value::from(state));
    body.insert("attributes".to_owned(), attributes);
    body.insert("source".to_owned(), source(&sale.desk, Some((&sale.source, &sale.reference)))?);
    body.insert("date".to_owned(), time(sale.at));
    if let Some(customer) = &sale.customer {
        body.insert("customer_id".to_owned(), Value::from(id(customer)?));
    }
    if !sale.note.is_empty() {
        body.insert("note".to_owned(), Value::from(sale.note.as_str()));
    }
    if let Some(outlet) = outlet {
        body.insert("fulfillment_outlet_id".to_owned(), Value::from(id(outlet)?));
        let mut details = json!({ "type": method });
        if let Handing::Dispatch { address: Some(address), .. } = &sale.handing {
            details["shipping_address_id"] = Value::from(id(address)?);
        }
        body.insert("fulfillment_details".to_owned(), json!([details]));
    }
    body.insert("line_items".to_owned(), Value::from(lines));
    body.insert("payments".to_owned(), Value::from(payments(&sale.payments, &sale.desk)?));
    Ok(Value::Object(body))
}

pub(super) fn payments(payments: &[NewPayment], desk: &Desk) -> Result<Vec<Value>, CallError> {
    let mut rows = Vec::with_capacity(payments.len());
    for payment in payments {
        let mut row = json!({
            "type": { "config_id": id(&payment.payment_type)? },
            "amount": amount(payment.amount)?,
            "date": time(payment.at),
        });
        if let Some(register) = &desk.register {
            row["source"] = json!({ "register_id": id(register)? });
        }
        rows.push(row);
    }
    Ok(rows)
}

pub(super) fn source(desk: &Desk, reference: Option<(&str, &str)>) -> Result<Value, CallError> {
    let mut source = json!({ "author_id": id(&desk.author)? });
    if let Some(register) = &desk.register {
        source["register_id"] = Value::from(id(register)?);
    }
    if let Some((kind, reference)) = reference {
        source["type"] = Value::from(kind);
        source["id"] = Value::from(reference);
    }
    Ok(source)
}

/// A sale as it was read, to be written with this state.
pub(super) fn whole(sale: &SaleDetail, author: &str, state: &str) -> Result<Value, CallError> {
    let author = sale.author.as_deref().unwrap_or(author).to_owned();
    let reference = sale.reference.as_ref().map(|(kind, id)| (kind.as_str(), id.as_str()));
    let mut body = Map::new();
    body.insert("state".to_owned(), Value::from(state));
    body.insert("attributes".to_owned(), json!(sale.attributes));
    body.insert("source".to_owned(), source(&Desk { author, register: sale.register.clone() }, reference)?);
    body.extend(sale.at.map(|at| ("date".to_owned(), time(at))));
    let texts = [
        ("customer_id", sale.customer.as_deref()),
        ("note", Some(&*sale.note)),
        ("invoice_number", Some(&*sale.number)),
    ];
    for (name, text) in texts {
        body.extend(text.filter(|text| !text.is_empty()).map(|text| (name.to_owned(), Value::from(text))));
    }
    let mut lines = Vec::with_capacity(sale.lines.len());
    for line in &sale.lines {
        let tax =
            line.tax.as_deref().ok_or_else(|| unlawful("a line of this sale names no tax; edit it in the till"))?;
        let mut row = json!({
            "product": { "id": id(&line.product)? },
            "quantity": line.units,
            "pricing": { "price": amount(line.unit_price)?, "discount": amount(line.unit_discount)? },
            "tax": { "id": id(tax)?, "amount": amount(line.unit_tax)? },
        });
        for (name, figure) in [("cost", line.unit_cost), ("loyalty_amount", line.unit_loyalty)] {
            if let Some(figure) = figure {
                row["pricing"][name] = amount(figure)?;
            }
        }
        let mut metadata = Map::new();
        metadata.extend(line.sequence.map(|place| ("sequence".to_owned(), Value::from(place))));
        metadata.extend(line.price_set.map(|set| ("is_price_override".to_owned(), Value::from(set))));
        if !metadata.is_empty() {
            row["_metadata"] = Value::Object(metadata);
        }
        if let Some(line) = &line.id {
            row["id"] = Value::from(id(line)?);
        }
        if let Some(status) = &line.status {
            row["status"] = Value::from(status.as_str());
        }
        lines.push(row);
    }
    body.insert("line_items".to_owned(), Value::from(lines));
    let mut rows = Vec::new();
    for payment in sale.payments.iter().filter(|payment| !payment.deleted) {
        let mut row = json!({ "type": { "config_id": id(&payment.payment_type)? }, "amount": amount(payment.amount)? });
        if let Some(payment) = &payment.id {
            row["id"] = Value::from(id(payment)?);
        }
        if let Some(at) = payment.at {
            row["date"] = time(at);
        }
        if let Some(register) = &payment.register {
            row["source"] = json!({ "register_id": id(register)? });
        }
        rows.push(row);
    }
    body.insert("payments".to_owned(), Value::from(rows));
    Ok(Value::Object(body))
}
