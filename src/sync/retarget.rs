//! Changed books to new targets: the sum made again, and a new generation where the number differs.

use crate::domain::equation::Should;
use crate::domain::time::Timestamp;
use crate::store::targets::{self, NewTarget};
use crate::store::{StoreError, Tx};
use std::collections::{BTreeMap, BTreeSet};

/// What making sums again changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// Variants with a changed sum.
    pub variants: BTreeSet<String>,
    /// Shop connections with a target that must be written.
    pub to_push: BTreeSet<String>,
}

/// Variants in one go; more would make one statement's rows too many.
const CHUNK: usize = 1_000;

/// Makes the sums of these variants again. Each comes with the instant of the oldest event that asks for it.
pub async fn retarget(
    tx: &mut Tx,
    touched: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let mut changed = Changed::default();
    let variants: Vec<&str> = touched.keys().map(String::as_str).collect();
    for chunk in variants.chunks(CHUNK) {
        let mut save = Vec::new();
        for inputs in targets::inputs(tx, chunk).await? {
            if !inputs.known && inputs.now.is_none() {
                // The till has never counted it at this place: there is no sum to make.
                continue;
            }
            let Should { units, floored } = inputs.terms.should_show();
            let event_at = touched.get(&inputs.variant).copied().unwrap_or(now);
            let before = inputs.now;
            if before.is_some_and(|b| b.terms == inputs.terms && b.should == units) {
                continue;
            }
            let (generation, cause_at) = match before {
                None => (1, event_at),
                Some(b) if b.should != units => {
                    let waits = b.generation > b.acknowledged && b.cause_at > Timestamp(0);
                    (b.generation + 1, if waits { b.cause_at } else { event_at })
                }
                Some(b) => (b.generation, b.cause_at),
            };
            let web = before.and_then(|b| b.web);
            let difference = web.map_or(0, |shown| shown - units);
            let differs_since = match before {
                _ if difference == 0 => Timestamp(0),
                Some(b) if b.differs_since > Timestamp(0) => b.differs_since,
                _ => now,
            };
            changed.variants.insert(inputs.variant.clone());
            if before.is_none_or(|b| b.generation != generation) {
                changed.to_push.insert(inputs.connection.clone());
            }
            save.push(NewTarget { inputs, should: units, floored, generation, cause_at, difference, differs_since });
        }
        targets::save(tx, &save, now);
    }
    Ok(changed)
}
