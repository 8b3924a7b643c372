//! The evidence behind a number: the raw exchange or record, and what it meant for the item it was opened from.
//!
//! Nothing here is worked out anew: what is said of an item are the steps that its own page lists.

use super::redact::without_personal_data;
use super::views::{Evidence, EvidenceOf};
use super::{Actor, OperatorError, encoded, explain, store_failed};
use crate::domain::access::Deed;
use crate::domain::problem::is_key_refused;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::sku_views::{self, PushRow};
use crate::store::views::{self, TargetRow};
use crate::store::{inbox, pushes};

/// Writes of one item that are looked through for the one that was sent with this call.
const BACK: i64 = 200;

/// The raw exchange or record behind a number. `kind` is "notice", "call" or "record".
/// `about` is the variant and place that it was opened from, if any.
pub async fn evidence(
    engine: &Engine,
    actor: &Actor,
    kind: &str,
    id: &str,
    about: Option<(&str, &str)>,
) -> Result<Evidence, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let about = match about {
        Some((variant, place)) => of(engine, kind, id, variant, place).await?,
        None => None,
    };
    let store = engine.store();
    let name = |id: &str| engine.cx().link(id).map_or_else(|| id.to_owned(), |link| link.name.clone());
    match kind {
        "call" => {
            let call = pushes::exchange(store, id).await.map_err(store_failed)?.ok_or(OperatorError::NotFound)?;
            let status = if call.status == 0 { "no answer".to_owned() } else { call.status.to_string() };
            Ok(Evidence {
                title: "Call".into(),
                at: call.at,
                connection: name(&call.connection),
                facts: vec![
                    ("For".into(), call.purpose),
                    ("Request".into(), call.request_line),
                    ("Answer".into(), status),
                    ("Took".into(), format!("{} ms", call.took.as_millis())),
                ],
                raw: vec![
                    ("Sent".into(), without_personal_data(&call.sent)),
                    ("Received".into(), without_personal_data(&call.received)),
                ],
                about,
            })
        }
        "notice" | "record" => {
            let (record, way, state) =
                inbox::get(store, id).await.map_err(store_failed)?.ok_or(OperatorError::NotFound)?;
            let mut facts = vec![
                ("Kind".to_owned(), record.kind),
                ("Its id there".to_owned(), record.external_id),
                ("Its version there".to_owned(), record.version.to_string()),
                (
                    "How it came".to_owned(),
                    if way == "notice" { "as a notice" } else { "found by reading, no notice came" }.to_owned(),
                ),
                (
                    "What became of it".to_owned(),
                    match state.as_str() {
                        "parked" => "kept, not used",
                        "waiting" => "kept, its turn comes soon",
                        "older" => "older than what we had, changed nothing",
                        _ => "used",
                    }
                    .to_owned(),
                ),
            ];
            if !record.reason.is_empty() {
                facts.push(("Why".to_owned(), record.reason));
            }
            let raw = if record.raw.is_empty() {
                "Forgotten after 90 days.".to_owned()
            } else {
                without_personal_data(&record.raw)
            };
            Ok(Evidence {
                title: if way == "notice" { "Notice" } else { "Record" }.into(),
                at: record.received_at,
                connection: name(&record.connection),
                facts,
                raw: vec![("As it came, without personal data".to_owned(), raw)],
                about,
            })
        }
        _ => Err(OperatorError::NotFound),
    }
}

/// What it meant for this item; nothing when it says nothing about it.
async fn of(
    engine: &Engine,
    kind: &str,
    id: &str,
    variant: &str,
    place: &str,
) -> Result<Option<EvidenceOf>, OperatorError> {
    let rows = views::of_variant(engine.store(), variant).await.map_err(store_failed)?;
    let Some(row) = rows.into_iter().find(|row| row.place == place) else { return Ok(None) };
    let lines =
        if kind == "call" { of_call(engine, id, &row).await? } else { of_record(engine, kind, id, &row).await? };
    let href = format!("/stock/{variant}?place={}", encoded(place));
    if lines.is_empty() {
        return Ok(None);
    }
    Ok(Some(EvidenceOf { item: row.item, sku: row.sku, place: row.place_name, href, lines }))
}

type Line = (String, String, Option<Timestamp>);

async fn of_call(engine: &Engine, id: &str, row: &TargetRow) -> Result<Vec<Line>, OperatorError> {
    let (store, variant, place) = (engine.store(), row.variant.as_str(), row.place.as_str());
    let pushes = sku_views::pushes_of(store, variant, place, BACK).await.map_err(store_failed)?;
    let Some(push) = pushes.iter().find(|push| push.exchange == id) else { return Ok(Vec::new()) };
    let readings = sku_views::web_readings_of(store, variant, place, BACK).await.map_err(store_failed)?;
    let next = pushes.iter().filter(|other| other.sent_at > push.sent_at).map(|other| other.sent_at).min();
    Ok(said_of(push, &readings, next))
}

/// `readings` are what the shop showed whenever that changed, newest first; `next` is when we wrote again.
fn said_of(push: &PushRow, readings: &[(Timestamp, i64)], next: Option<Timestamp>) -> Vec<Line> {
    let answered = (push.answered_at > Timestamp(0)).then_some(push.answered_at);
    let because = if push.reason.is_empty() { String::new() } else { format!(": {}", push.reason) };
    let back = match push.state.as_str() {
        "accepted" | "confirmed" => "The shop took it".to_owned(),
        "refused" => format!("The shop refused it{because}"),
        "throttled" => "The shop was too busy for it".to_owned(),
        "failed" if is_key_refused(&push.reason) => push.reason.replace("the vendor", "The shop"),
        "failed" => format!("The shop could not be reached{because}"),
        "unknown" => "No answer: whether the shop took it is looked up before anything is sent again".to_owned(),
        _ => "No answer yet".to_owned(),
    };
    let read = if push.confirmed_at > Timestamp(0) {
        (format!("The web showed {}, as it should", push.should), Some(push.confirmed_at))
    } else {
        let before_next = |at: Timestamp| next.is_none_or(|next| at < next);
        let since = answered.unwrap_or(push.sent_at);
        match readings.iter().rev().find(|(at, _)| *at >= since && before_next(*at)) {
            Some((at, shown)) => (format!("The web showed {shown}"), Some(*at)),
            None if next.is_some() => ("Not read before the next update was sent".to_owned(), None),
            None => ("Not read back yet".to_owned(), None),
        }
    };
    let sent = if push.physical == push.should {
        format!("Set the web to {}", push.should)
    } else {
        format!("Set the warehouse to {}, so that {} can be sold", push.physical, push.should)
    };
    let line = |label: &str, words: String, at| (label.to_owned(), words, at);
    vec![
        line("Web showed before", push.before.to_string(), None),
        line("Should show", push.should.to_string(), None),
        line("Sent", sent, Some(push.sent_at)),
        line("Came back", back, answered),
        line("Read back", read.0, read.1),
    ]
}

async fn of_record(engine: &Engine, kind: &str, id: &str, row: &TargetRow) -> Result<Vec<Line>, OperatorError> {
    let address = format!("/evidence/{kind}/{id}?");
    let mut lines = Vec::new();
    for step in explain::steps(engine, row).await? {
        if step.evidence.as_ref().is_some_and(|evidence| evidence.starts_with(&address)) {
            let web = step.sum.web.map_or_else(|| "not read yet".to_owned(), |web| web.to_string());
            lines.push(("What happened".to_owned(), step.what, Some(step.at)));
            lines.push((
                "Counts after it".to_owned(),
                format!("Till {}, should show {}, web {web}", step.sum.till, step.sum.should),
                Some(step.known_at),
            ));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_told_from_what_should_show_to_what_was_read_back() {
        let push = |state: &str, confirmed_at| PushRow {
            state: state.into(),
            reason: "no such product".into(),
            before: 48,
            should: 46,
            physical: 46,
            sent_at: Timestamp(10),
            answered_at: Timestamp(11),
            confirmed_at: Timestamp(confirmed_at),
            exchange: "x".into(),
        };
        let words = |push: &PushRow, readings: &[(Timestamp, i64)], next| {
            said_of(push, readings, next).into_iter().map(|line| (line.1, line.2)).collect::<Vec<_>>()
        };
        let at = |at| Some(Timestamp(at));
        let said = words(&push("confirmed", 20), &[], None);
        assert_eq!(said[0], ("48".to_owned(), None));
        assert_eq!(said[1], ("46".to_owned(), None));
        assert_eq!(said[2], ("Set the web to 46".to_owned(), at(10)));
        assert_eq!(said[3], ("The shop took it".to_owned(), at(11)));
        assert_eq!(said[4], ("The web showed 46, as it should".to_owned(), at(20)));
        let kept = PushRow { physical: 49, ..push("accepted", 0) };
        assert_eq!(words(&kept, &[], None)[2].0, "Set the warehouse to 49, so that 46 can be sold");
        let said = words(&push("refused", 0), &[(Timestamp(30), 47), (Timestamp(12), 44), (Timestamp(5), 48)], at(40));
        assert_eq!(said[3].0, "The shop refused it: no such product");
        assert_eq!(said[4], ("The web showed 44".to_owned(), at(12)), "the first reading after it");
        let refused = PushRow { reason: "the vendor refused our key: expired".into(), ..push("failed", 0) };
        assert_eq!(words(&refused, &[], None)[3].0, "The shop refused our key: expired");
        assert_eq!(
            words(&push("accepted", 0), &[(Timestamp(50), 46)], at(40))[4].0,
            "Not read before the next update was sent"
        );
        assert_eq!(words(&push("accepted", 0), &[(Timestamp(5), 48)], None)[4], ("Not read back yet".to_owned(), None));
    }
}
