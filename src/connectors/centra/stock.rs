//! Warehouses and the stock in them: read in pages, written as absolute physical counts.

use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::super::{Answer, Page, ShopStock, StockWrite, Unreadable, VendorPlace, WriteOutcome};
use super::{Centra, after, queries, wire};
use crate::domain::fact::ShopReading;
use crate::domain::ids::{OutletKey, ProductKey};

/// Reads the list of warehouses.
pub(super) fn warehouses(data: &str) -> Result<Vec<VendorPlace>, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("warehouses") {
        return Err(data.missing("warehouses"));
    }
    let mut places = Vec::new();
    for row in data.objects("warehouses")? {
        places.push(VendorPlace {
            key: OutletKey::new(row.need_key("id")?),
            name: row.text("name")?.unwrap_or_default(),
            zone: None,
            currency: None,
            archived: row.text("status")?.is_some_and(|status| status != "ACTIVE"),
            registers: 0,
        });
    }
    Ok(places)
}

/// Reads a page of one warehouse's stock.
pub(super) fn page(data: &str, warehouse: &OutletKey, page: u32) -> Result<Page<ShopReading>, Unreadable> {
    let data = Object::open("data", data)?;
    let found = data.objects("warehouses")?;
    let mut holder = None;
    for row in found {
        if row.need_key("id")? == warehouse.as_str() {
            holder = Some(row);
        }
    }
    let holder = holder.ok_or_else(|| Unreadable::new(format!("the shop knows no warehouse {warehouse}")))?;
    if !holder.has("stock") {
        return Err(holder.missing("stock"));
    }
    let mut rows = Vec::new();
    for row in holder.objects("stock")? {
        let size = row.need_object("productSize")?.need_key("id")?;
        rows.push(reading(&row, ProductKey::new(size), warehouse.clone())?);
    }
    let next = (rows.len() >= queries::STOCK_ROWS).then(|| page.saturating_add(1).to_string());
    Ok(Page { rows, next, resume: None, began: None })
}

/// Reads the stock of some products at every warehouse; `None` when there may be more warehouses than were asked for.
pub(super) fn of_products(data: &str, places: usize) -> Result<Option<ShopStock>, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("productSizes") {
        return Err(data.missing("productSizes"));
    }
    let mut said = ShopStock::default();
    for size in data.objects("productSizes")? {
        let product = ProductKey::new(size.need_key("id")?);
        if !size.has("stock") {
            return Err(size.missing("stock"));
        }
        let rows = size.objects("stock")?;
        // As many as were asked for: there may be others that were cut off in silence.
        if rows.len() >= places {
            return Ok(None);
        }
        for row in rows {
            let warehouse = row.need_object("warehouse")?.need_key("id")?;
            said.readings.push(reading(&row, product.clone(), OutletKey::new(warehouse))?);
        }
        said.named.push(product);
    }
    Ok(Some(said))
}

/// What the shop offers is what lies there without what it keeps for its own orders; an answer that does not name
/// the last of the three still tells it.
fn reading(row: &Object<'_>, product: ProductKey, warehouse: OutletKey) -> Result<ShopReading, Unreadable> {
    let physical = row.need_units("physicalQuantity")?;
    let sellable = row.need_units("freeToAllocateQuantity")?;
    let allocated = match row.has("allocatedQuantity") {
        true => row.need_units("allocatedQuantity")?,
        false => physical - sellable,
    };
    Ok(ShopReading { product, warehouse, physical, allocated, sellable })
}

/// Writes absolute physical counts. What the shop cannot understand at all is refused here and not sent.
pub(super) async fn write(
    centra: &Centra,
    rows: &[StockWrite],
    reference: &str,
) -> Result<Answer<Vec<WriteOutcome>>, CallError> {
    let mut writing = Writing { centra, reference, exchanges: Vec::new(), acted: false };
    let mut outcomes: Vec<Option<WriteOutcome>> = vec![None; rows.len()];
    let mut sendable: Vec<(usize, i64, (i64, i64))> = Vec::new();
    for (index, (row, outcome)) in rows.iter().zip(outcomes.iter_mut()).enumerate() {
        match (wire::id(row.warehouse.as_str()), wire::id(row.product.as_str()), row.physical) {
            (Ok(_), Ok(_), physical) if physical < 0 => {
                *outcome = Some(WriteOutcome::Refused(format!("{physical} is below zero and was not sent")));
            }
            (Ok(warehouse), Ok(size), physical) => sendable.push((index, warehouse, (size, physical))),
            (Err(unreadable), _, _) | (_, Err(unreadable), _) => {
                *outcome = Some(WriteOutcome::Refused(unreadable.reason));
            }
        }
    }
    for batch in sendable.chunk_by(|a, b| a.1 == b.1).flat_map(|same| same.chunks(centra.rows_per_write())) {
        let Some((_, warehouse, _)) = batch.first() else { continue };
        let counts: Vec<(i64, i64)> = batch.iter().map(|(_, _, count)| *count).collect();
        let told = writing.set(*warehouse, &counts).await?;
        for (index, outcome) in batch.iter().map(|(index, _, _)| *index).zip(told) {
            if let Some(slot) = outcomes.get_mut(index) {
                *slot = Some(outcome);
            }
        }
    }
    let value = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or_else(|| WriteOutcome::Refused("was not sent".to_owned())))
        .collect();
    Ok(Answer { value, exchanges: writing.exchanges })
}

/// A write in several calls, and what has happened so far.
struct Writing<'a> {
    centra: &'a Centra,
    reference: &'a str,
    exchanges: Vec<Exchange>,
    acted: bool,
}

impl Writing<'_> {
    /// One outcome per row. A refused call has changed nothing, so its rows are tried again in halves, down to the
    /// rows that are refused by themselves: one bad row holds up no other, and costs few calls to find.
    async fn set(&mut self, warehouse: i64, rows: &[(i64, i64)]) -> Result<Vec<WriteOutcome>, CallError> {
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut waiting = vec![rows];
        while let Some(part) = waiting.pop() {
            match self.set_once(warehouse, part).await? {
                WriteOutcome::Refused(_) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    waiting.extend([second, first]);
                }
                told => outcomes.resize(outcomes.len() + part.len(), told),
            }
        }
        Ok(outcomes)
    }

    async fn set_once(&mut self, warehouse: i64, rows: &[(i64, i64)]) -> Result<WriteOutcome, CallError> {
        let said = self.centra.ask(queries::set_stock(warehouse, rows, self.reference)).await;
        match said.and_then(|said| said.read(outcome)) {
            Ok(mut answer) => {
                self.exchanges.append(&mut answer.exchanges);
                self.acted |= answer.value == WriteOutcome::Accepted;
                Ok(answer.value)
            }
            Err(error) => Err(self.honest(error)),
        }
    }

    /// Some rows are already written when a later call fails: then "nothing was done" would be untrue.
    fn honest(&mut self, error: CallError) -> CallError {
        let mut error = after(std::mem::take(&mut self.exchanges), error);
        if self.acted && !error.may_have_acted() {
            let reason = format!("a part was written, then: {}", error.kind);
            error.kind = CallErrorKind::Unavailable { reason, acted: true };
        }
        error
    }
}

fn outcome(data: &str) -> Result<WriteOutcome, Unreadable> {
    let payload = Object::open("data", data)?.need_object("setStock")?;
    if let Some(reason) = wire::user_errors(&payload)? {
        return Ok(WriteOutcome::Refused(reason));
    }
    // The words stand in the exchange that is kept with the write.
    if !payload.elements("userWarnings")?.is_empty() {
        tracing::warn!("the shop wrote the stock with a warning");
    }
    Ok(WriteOutcome::Accepted)
}
