//! What a test or a demo lets happen at an R-Series till, and what an R-Series till can do that others cannot.

use super::super::till::Payment;
use super::super::world::{State, World, WorldError};
use super::account::ACCOUNT;

impl State {
    fn r_sale(&self, id: &str) -> Result<usize, WorldError> {
        self.till.sale_by_id.get(id).copied().ok_or_else(|| WorldError::UnknownDocument(id.into()))
    }
}

impl World {
    /// The id of the till's account as R-Series.
    pub fn till_account(&self) -> String {
        ACCOUNT.to_owned()
    }

    /// The next write over the wire meets somebody else's edit of the same record and is refused as a conflict.
    pub fn conflict_next(&self) {
        self.lock().r.conflict = true;
    }

    /// Somebody at an R-Series till takes the payments of a sale back and takes the same money in another way: the
    /// old payments stay in the list, archived.
    pub fn change_tender(&self, sale: &str, kind: usize) -> Result<(), WorldError> {
        let mut state = self.lock();
        let at = state.r_sale(sale)?;
        let Some(row) = state.till.sales.get(at).filter(|row| row.completed_at.is_some()) else {
            return Err(WorldError::NotPossible("only a completed sale has payments".into()));
        };
        let (old, status): (Vec<Payment>, _) = (row.payments.clone(), row.status);
        state.r.sales.entry(at).or_default().taken_back.extend(old);
        state.pay(at, kind, None);
        state.publish_sale(at, status);
        Ok(())
    }

    /// Two items carry the same barcode from now on, which nothing at an R-Series till forbids.
    pub fn share_barcode(&self, sku: &str, other: &str) -> Result<(), WorldError> {
        let mut state = self.lock();
        let place = |state: &State, sku: &str| {
            let found = state.range.items.iter().position(|item| item.sku == sku);
            found.ok_or_else(|| WorldError::UnknownSku(sku.into()))
        };
        let (from, to) = (place(&state, other)?, place(&state, sku)?);
        let barcode = state.range.items.get(from).and_then(|item| item.ean.clone());
        if let Some(item) = state.range.items.get_mut(to) {
            item.ean = barcode;
        }
        Ok(())
    }
}
