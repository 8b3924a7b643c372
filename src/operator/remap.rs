//! Letting an outlet feed another place, or none: what it would change, before it does.

use super::views::{RemapLine, RemapPreview};
use super::{Actor, OperatorError, connections, store_failed};
use crate::domain::access::Deed;
use crate::domain::equation::Terms;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::connections::{OutletRow, PlaceRow};
use crate::store::{connections as rows, remap};
use sha2::{Digest as _, Sha256};

/// Sums listed at most, largest change first; the total counts all.
const LINES: usize = 500;

/// What stands in the books now, as far as this decision is about it.
struct Decision {
    outlet: OutletRow,
    from: Option<PlaceRow>,
    to: Option<PlaceRow>,
}

impl Decision {
    async fn read(engine: &Engine, outlet: &str, place: Option<&str>) -> Result<Decision, OperatorError> {
        let store = engine.store();
        let outlets = rows::outlets(store).await.map_err(store_failed)?;
        let outlet = outlets.into_iter().find(|o| o.id == outlet).ok_or(OperatorError::NotFound)?;
        let places = rows::places(store).await.map_err(store_failed)?;
        let find = |id: &str| places.iter().find(|p| p.id == id).cloned();
        let to = match place {
            Some(id) => Some(find(id).ok_or(OperatorError::NotFound)?),
            None => None,
        };
        Ok(Decision { from: find(&outlet.place), to, outlet })
    }

    /// The places whose sums change: the one that loses the outlet and the one that gains it.
    fn touched(&self) -> Vec<(&PlaceRow, bool)> {
        let (from, to) = (self.from.as_ref(), self.to.as_ref());
        if from.map(|p| &p.id) == to.map(|p| &p.id) {
            return Vec::new();
        }
        from.map(|p| (p, false)).into_iter().chain(to.map(|p| (p, true))).collect()
    }

    /// Places that are written to now and would not be any more.
    fn stops(&self) -> Vec<&PlaceRow> {
        self.touched().into_iter().map(|(place, _)| place).filter(|place| place.live_since > Timestamp(0)).collect()
    }

    /// What somebody agrees to. The counts are left out: they change with every sale, and none of them is written by
    /// this.
    fn fingerprint(&self) -> String {
        let id = |place: &Option<PlaceRow>| place.as_ref().map_or_else(String::new, |place| place.id.clone());
        let stops: Vec<&str> = self.stops().into_iter().map(|place| place.id.as_str()).collect();
        let said = serde_json::json!([self.outlet.id, id(&self.from), id(&self.to), stops]);
        hex::encode(Sha256::digest(said.to_string()))
    }
}

/// Every sum that would change if the outlet fed this place, or none (`None`).
pub async fn preview(
    engine: &Engine,
    actor: &Actor,
    outlet: &str,
    place: Option<&str>,
) -> Result<RemapPreview, OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let decision = Decision::read(engine, outlet, place).await?;
    let (mut lines, mut unchanged) = (Vec::new(), 0);
    for (place, gains) in decision.touched() {
        for share in remap::shares(engine.store(), &decision.outlet, &place.id).await.map_err(store_failed)? {
            let after = moved(share.terms, share.brings, if gains { 1 } else { -1 });
            let (before, after) = (share.terms.should_show().units, after.should_show().units);
            if before == after {
                unchanged += 1;
                continue;
            }
            let (variant, item, sku) = (share.variant, share.item, share.sku);
            lines.push(RemapLine { variant, item, sku, place: place.name.clone(), before, after });
        }
    }
    lines.sort_by(|a, b| {
        let size = |line: &RemapLine| (line.after - line.before).abs();
        size(b).cmp(&size(a)).then_with(|| (&a.item, &a.variant, &a.place).cmp(&(&b.item, &b.variant, &b.place)))
    });
    let changed = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    lines.truncate(LINES);
    let named = |place: &Option<PlaceRow>| place.as_ref().map(|place| (place.id.clone(), place.name.clone()));
    Ok(RemapPreview {
        outlet: decision.outlet.id.clone(),
        name: decision.outlet.name.clone(),
        from: named(&decision.from),
        to: named(&decision.to),
        stops: decision.stops().into_iter().map(|place| place.name.clone()).collect(),
        lines,
        changed,
        unchanged,
        fingerprint: decision.fingerprint(),
    })
}

/// The terms of a place once it gains (1) or loses (−1) what an outlet brings.
fn moved(terms: Terms, brings: Terms, sign: i64) -> Terms {
    Terms {
        till: terms.till + sign * brings.till,
        hold: terms.hold + sign * brings.hold,
        checking: terms.checking + sign * brings.checking,
        ..terms
    }
}

/// Does it. `seen` is the fingerprint of the preview that the person pressed on; where the outlet feeds another place
/// by now, or another place would stop being written, it is a conflict and the person looks again.
pub async fn remap(
    engine: &Engine,
    actor: &Actor,
    outlet: &str,
    place: Option<&str>,
    seen: &str,
) -> Result<(), OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let decision = Decision::read(engine, outlet, place).await?;
    if decision.fingerprint() != seen {
        return Err(OperatorError::Conflict(
            "What feeds which place, or where we write, is not as the page showed. Nothing was changed. Look again."
                .to_owned(),
        ));
    }
    connections::map_outlet(engine, actor, outlet, place).await
}
