//! What people decided: who is whose twin, and who owns which part of an item.

use super::question::{Question, each};
use super::script::Statement;
use super::{StoreError, Tx};
use crate::domain::mapping::{Choice, Topic};
use crate::domain::ownership::{Owners, Part};
use crate::domain::system::SystemSide;
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// A shop and a till, by our ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairIds {
    /// The shop's connection.
    pub shop: String,
    /// The till's.
    pub till: String,
}

/// A decision as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub choice: Choice,
    /// What it was before.
    pub before: Choice,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// All decisions, by pair, topic and the shop's code.
#[derive(Debug, Clone, Default)]
pub struct Decisions(BTreeMap<(PairIds, Topic), BTreeMap<String, Decision>>);

impl Decisions {
    /// Those of one pair about one topic, by the shop's code.
    pub fn of(&self, pair: &PairIds, topic: Topic) -> BTreeMap<String, Decision> {
        self.0.get(&(pair.clone(), topic)).cloned().unwrap_or_default()
    }

    /// The same, what was decided alone.
    pub fn choices(&self, pair: &PairIds, topic: Topic) -> BTreeMap<String, Choice> {
        self.of(pair, topic).into_iter().map(|(web, decision)| (web, decision.choice)).collect()
    }
}

fn wrong(what: &str, text: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("“{text}” is no {what}").into())
}

/// Every decision.
pub fn decisions() -> Question<Decisions> {
    const SQL: &str = "SELECT shop, till, topic, web, choice, before, by_name, changed_at FROM mapping";
    Question::new(Statement::new(SQL, "reading mappings"), |rows| {
        let mut all = Decisions::default();
        for row in rows {
            let text = |at: usize| row.try_get::<String, _>(at);
            let (topic, choice, before) = (text(2)?, text(4)?, text(5)?);
            let read = |text: &str| Choice::parse(text).ok_or_else(|| wrong("choice", text));
            let decision = Decision {
                choice: read(&choice)?,
                before: read(&before)?,
                by: text(6)?,
                at: Timestamp(row.try_get(7)?),
            };
            let pair = PairIds { shop: text(0)?, till: text(1)? };
            let topic = Topic::parse(&topic).ok_or_else(|| wrong("topic", &topic))?;
            all.0.entry((pair, topic)).or_default().insert(text(3)?, decision);
        }
        Ok(all)
    })
}

/// Puts another decision in the place of the one before.
pub fn decide(tx: &mut Tx, pair: &PairIds, topic: Topic, web: &str, decision: &Decision) {
    tx.later(
        Statement::new(
            "INSERT INTO mapping (shop, till, topic, web, choice, before, by_name, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (shop, till, topic, web) DO UPDATE SET
                choice = excluded.choice, before = excluded.before, by_name = excluded.by_name,
                changed_at = excluded.changed_at",
            "keeping a mapping",
        )
        .text(pair.shop.as_str())
        .text(pair.till.as_str())
        .text(topic.word())
        .text(web)
        .text(decision.choice.text())
        .text(decision.before.text())
        .text(decision.by.as_str())
        .int(decision.at.micros()),
    );
}

/// Who owns what of each pair, where somebody decided it.
pub fn owners() -> Question<BTreeMap<PairIds, Owners>> {
    const SQL: &str = "SELECT shop, till, part, side FROM owner";
    Question::new(Statement::new(SQL, "reading who owns what"), |rows| {
        let rows = each(rows, |row| {
            let (part, side): (String, String) = (row.try_get(2)?, row.try_get(3)?);
            let part = Part::parse(&part).ok_or_else(|| wrong("part of an item", &part))?;
            let side = SystemSide::parse(&side).ok_or_else(|| wrong("side", &side))?;
            Ok((PairIds { shop: row.try_get(0)?, till: row.try_get(1)? }, part, side))
        })?;
        let mut decided: BTreeMap<PairIds, Vec<(Part, SystemSide)>> = BTreeMap::new();
        for (pair, part, side) in rows {
            decided.entry(pair).or_default().push((part, side));
        }
        Ok(decided.into_iter().map(|(pair, decided)| (pair, Owners::new(decided))).collect())
    })
}

/// Who owns what of one pair, as this unit of work sees it.
pub async fn owners_in(tx: &mut Tx, pair: &PairIds) -> Result<Owners, StoreError> {
    Ok(owners().within(tx).await?.remove(pair).unwrap_or_default())
}

/// Somebody owns a part from now on.
pub fn give(tx: &mut Tx, pair: &PairIds, part: Part, side: SystemSide, by: &str, now: Timestamp) {
    tx.later(
        Statement::new(
            "INSERT INTO owner (shop, till, part, side, by_name, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (shop, till, part) DO UPDATE SET
                side = excluded.side, by_name = excluded.by_name, changed_at = excluded.changed_at",
            "keeping who owns what",
        )
        .text(pair.shop.as_str())
        .text(pair.till.as_str())
        .text(part.word())
        .text(side.word())
        .text(by)
        .int(now.micros()),
    );
}
