//! Returns that we make in the till: first a parked sale with everything negative, then its units are edited, the money
//! given back, and it is closed.
//!
//! Beginning a return takes no word of ours, so one whose answer was lost cannot be told from one that a cashier parked.
//! Whoever asks therefore says which returns of the sale were known before the first try: a parked one that is new,
//! untouched and by our own user is ours. Everything less clear is left to people, because a return that is made twice
//! gives money back twice.

use super::super::Answer;
use super::super::error::CallError;
use super::super::evidence::Exchange;
use super::calls::{answer, found, id, refused, unlawful, with_earlier};
use super::detail::{DetailPayment, SaleDetail, read};
use super::selling::{Desk, Made, NewPayment};
use super::{LightspeedX, wire};
use crate::domain::fact::SaleState;
use crate::domain::money::Fine;
use http::Method;
use std::collections::{BTreeMap, BTreeSet};

/// A return to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReturn {
    /// The sale that is returned; it must be closed.
    pub sale: String,
    /// Where and by whom; best a user of our own, whom no cashier uses.
    pub desk: Desk,
    /// The kind of our reference.
    pub source: String,
    /// Our own reference, written onto the return when it is closed.
    pub reference: String,
    /// The returns of the sale that were known before the first try, kept by whoever asks.
    pub known: BTreeSet<String>,
    /// Products with the units that come back, each more than nought; none means everything. The vendor links sales, not
    /// lines: of several lines with one product the first gives first.
    pub units: BTreeMap<String, i64>,
    /// How the money goes back: amounts below nought.
    pub payments: Vec<NewPayment>,
}

impl LightspeedX {
    /// Makes a return, unless it is made. After an error that may have acted, calling it again with the same `known` is
    /// safe.
    pub async fn refund(&self, wanted: &NewReturn) -> Result<Answer<Made>, CallError> {
        lawful(wanted)?;
        let Answer { value: sold, mut exchanges } = self.sale_detail(&wanted.sale).await?;
        let Some(sold) = sold else { return Err(refused("the till knows no such sale", exchanges)) };
        if sold.state != SaleState::Closed || sold.returns.is_some() {
            return Err(refused("only a closed sale can be returned", exchanges));
        }
        enough(&sold.units(), &wanted.units).map_err(|reason| refused(reason, exchanges.clone()))?;
        let parked = match self.begun(wanted, &sold, &mut exchanges).await {
            Ok(Begun::Closed(before)) => return Ok(Answer { value: Made::Before(before), exchanges }),
            Ok(Begun::Parked(parked)) => *parked,
            Ok(Begun::NotYet) => {
                let rest = format!("sales/{}/actions/return", id(&sold.id)?);
                let came = self.write("begin a return", Method::POST, &rest, None).await.and_then(found);
                let (text, seen) = came.map_err(|error| with_earlier(error, &exchanges))?;
                let begun = answer(wire::single(&text).and_then(read), seen);
                let begun = begun.map_err(|error| with_earlier(error, &exchanges))?;
                exchanges.extend(begun.exchanges);
                begun.value
            }
            Err(error) => return Err(with_earlier(error, &exchanges)),
        };
        // A vendor that answers with another sale must not have that one emptied.
        if parked.id == sold.id || parked.returns.as_ref().is_some_and(|of| *of != sold.id) {
            return Err(refused("what the vendor began is no return of this sale", exchanges));
        }
        let filled = filled(parked, wanted).map_err(|reason| refused(reason, exchanges.clone()))?;
        let written = self.rewrite(&filled, &wanted.desk.author, "closed").await;
        exchanges.extend(written.map_err(|error| with_earlier(error, &exchanges))?);
        Ok(Answer { value: Made::Now(filled.id), exchanges })
    }

    /// What there is of this return already.
    async fn begun(
        &self,
        wanted: &NewReturn,
        sold: &SaleDetail,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Begun, CallError> {
        let mut parked = Vec::new();
        for one in &sold.returned_by {
            let Answer { value, exchanges: seen } = self.sale_detail(one).await?;
            exchanges.extend(seen);
            let Some(found) = value.filter(|found| found.state != SaleState::Voided) else { continue };
            if found.carries(&wanted.source, &wanted.reference) && found.state == SaleState::Closed {
                return Ok(Begun::Closed(Box::new(found)));
            }
            let known = wanted.known.contains(&found.id);
            match found.state {
                SaleState::Closed if known => {}
                SaleState::Closed => {
                    return Err(unlawful("this sale was returned meanwhile by somebody else; somebody has to look"));
                }
                _ => parked.push((known, found)),
            }
        }
        let ours = |found: &SaleDetail| {
            let untouched = found.payments.is_empty() && found.lines.iter().all(|line| line.units < 0);
            untouched && found.author.as_deref().is_none_or(|author| author == wanted.desk.author)
        };
        match parked.as_slice() {
            [] => Ok(Begun::NotYet),
            [(false, one)] if ours(one) => Ok(Begun::Parked(Box::new(one.clone()))),
            // Beginning another one may void it (UNSURE: only the title of that change is known).
            _ => Err(unlawful("a return of this sale is parked at the till; finish it or void it there")),
        }
    }
}

enum Begun {
    NotYet,
    Parked(Box<SaleDetail>),
    Closed(Box<SaleDetail>),
}

fn lawful(wanted: &NewReturn) -> Result<(), CallError> {
    id(&wanted.sale)?;
    id(&wanted.desk.author)?;
    if wanted.reference.is_empty() || wanted.source.is_empty() {
        return Err(unlawful("a return without a reference could not be found again"));
    }
    if wanted.units.values().any(|units| *units <= 0) {
        return Err(unlawful("a return takes back at least one unit of a product"));
    }
    if wanted.payments.iter().any(|payment| payment.amount.0 >= 0) {
        return Err(unlawful("a return gives money back: its amounts are below nought"));
    }
    for payment in &wanted.payments {
        id(&payment.payment_type)?;
    }
    Ok(())
}

fn enough(sold: &BTreeMap<&str, i64>, back: &BTreeMap<String, i64>) -> Result<(), String> {
    for (product, units) in back {
        let there = sold.get(product.as_str()).copied().unwrap_or(0);
        if there < *units {
            return Err(format!("{units} of a product cannot come back from {there}"));
        }
    }
    Ok(())
}

/// The parked return with the units that come back; what stays with the customer is left at nought, as the till does it.
fn filled(mut parked: SaleDetail, wanted: &NewReturn) -> Result<SaleDetail, String> {
    if !wanted.units.is_empty() {
        let mut left = wanted.units.clone();
        for line in &mut parked.lines {
            let most = line.units.saturating_neg().max(0);
            let back = left.get_mut(&line.product).map_or(0, |left| {
                let back = (*left).min(most);
                *left = left.saturating_sub(back);
                back
            });
            line.units = back.saturating_neg();
        }
        if left.values().any(|left| *left > 0) {
            return Err("not so many units are left to come back".to_owned());
        }
    }
    parked.reference = Some((wanted.source.clone(), wanted.reference.clone()));
    parked.author.get_or_insert_with(|| wanted.desk.author.clone());
    if let Some(register) = &wanted.desk.register {
        parked.register = Some(register.clone());
    }
    parked.payments = wanted.payments.iter().map(|payment| given_back(payment, &wanted.desk)).collect();
    Ok(parked)
}

fn given_back(payment: &NewPayment, desk: &Desk) -> DetailPayment {
    DetailPayment {
        id: None,
        payment_type: payment.payment_type.clone(),
        name: String::new(),
        amount: Fine(payment.amount.0),
        at: Some(payment.at),
        register: desk.register.clone(),
        session: None,
        deleted: false,
    }
}
