//! Whoever is refused a deed for their role leaves one entry in the log of activity: one for each person, deed and
//! hour, so that a flood of refusals is no flood of entries.

use super::web::to_the_end;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use truecount::domain::ids::PersonId;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::Engine;
use truecount::operator::{Actor, note_refusal};

const HOUR: Span = Span::minutes(60);

/// What was written down in the hour that runs. Bounded by people times addresses; a start forgets it.
#[derive(Debug, Default)]
pub struct Refused(Mutex<(i64, HashSet<(PersonId, String)>)>);

impl Refused {
    /// Writes down that this person was refused what `address` does, unless that was done within the hour.
    /// `asked` is the very address, with its ids.
    pub async fn note(&self, engine: &Engine, actor: &Actor, address: &str, asked: &str) {
        let now = engine.clock().now();
        if !self.is_first(&actor.person, address, now) {
            return;
        }
        let (engine, actor, deed, asked) = (engine.clone(), actor.clone(), address.to_owned(), asked.to_owned());
        let noted = to_the_end({
            let (actor, deed) = (actor.clone(), deed.clone());
            async move { note_refusal(&engine, &actor, &deed, &asked).await }
        });
        if let Some(Err(error)) = noted.await {
            tracing::error!(error = &error as &dyn std::error::Error, "a refusal could not be written down");
            self.lock(now).1.remove(&(actor.person, deed));
        }
    }

    fn is_first(&self, person: &PersonId, deed: &str, now: Timestamp) -> bool {
        self.lock(now).1.insert((person.clone(), deed.to_owned()))
    }

    /// What was written down in this hour.
    fn lock(&self, now: Timestamp) -> std::sync::MutexGuard<'_, (i64, HashSet<(PersonId, String)>)> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.micros().div_euclid(HOUR.0);
        if noted.0 != hour {
            *noted = (hour, HashSet::new());
        }
        noted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_person_is_written_down_once_an_hour_for_the_same_deed() {
        let (refused, now) = (Refused::default(), Timestamp::from_secs(7_200));
        let (kim, lee) = (PersonId::new("kim"), PersonId::new("lee"));
        for (person, deed, later, first) in [
            (&kim, "POST /a", 0, true),
            (&kim, "POST /a", 3_599, false),
            (&kim, "POST /b", 3_599, true),
            (&lee, "POST /a", 3_599, true),
            (&kim, "POST /a", 3_600, true),
        ] {
            assert_eq!(refused.is_first(person, deed, now + Span::secs(later)), first, "{person} {deed} {later}");
        }
    }
}
