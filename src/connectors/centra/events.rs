//! The vendor's queue of events: pulled and confirmed, as an option beside notices that are sent to us.
//!
//! An event says what changed and never how, so each is only a hint, as a notice is. The queue belongs to the name of the
//! integration that a token carries: two who pull with the same name take events from each other. What is not confirmed
//! comes again on every pull and keeps newer events away, so everything that was pulled is confirmed, also what we cannot
//! read, once it is stored. An empty queue does not mean that nothing happened: the vendor switches events on for each
//! tenant.

use super::errand::{Done, Errand};
use super::notice;
use super::queries::Question;
use super::{Centra, wire};
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::json::Object;
use crate::connectors::notice::Delivery;
use crate::connectors::{Answer, Unreadable};
use crate::domain::time::{Span, Timestamp};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};

/// Most events of one pull. UNSURE: the vendor's own limit; its samples ask for so many.
pub const EVENTS_MAX: usize = 200;

/// Earliest next pull after one that emptied the queue: the vendor asks for about one a minute.
pub const PULL_EVERY: Span = Span::minutes(1);

/// Two hundred events.
const EVENTS_GUESS: i64 = 3_000;

/// What we listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// Orders. Their events name them by number, not by id.
    Orders,
    /// Shipments.
    Shipments,
    /// Returns: the only way to be told that one was completed.
    Returns,
    /// Products, variants and sizes.
    Products,
    /// Stock that was changed by a booking.
    Stock,
    /// Warehouses.
    Warehouses,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Orders, Self::Shipments, Self::Returns, Self::Products, Self::Stock, Self::Warehouses];

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &["Order"],
            Self::Shipments => &["Shipment"],
            Self::Returns => &["Return"],
            Self::Products => &["Product", "ProductVariant", "ProductSize"],
            Self::Stock => &["StockChange"],
            Self::Warehouses => &["Warehouse"],
        }
    }
}

/// What was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Events, oldest first.
    pub events: Vec<Event>,
    /// As many as were asked for: there may be more, and the next pull after these are confirmed may follow at once.
    pub full: bool,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is confirmed by.
    pub id: i64,
    /// The same as a notice delivers.
    pub delivery: Delivery,
}

/// Until when nobody else of ours pulls: events that are pulled and not confirmed would be pulled again.
#[derive(Debug, Default)]
pub(super) struct Lease(Mutex<Option<Timestamp>>);

impl Lease {
    /// Takes it, or says from when on it can be taken.
    fn take(&self, now: Timestamp) -> Result<(), Timestamp> {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *until {
            // A clock that was put back must not keep us away for longer than the lease lasts.
            Some(until) if until > now && until <= now + PULL_EVERY => Err(until),
            _ => {
                *until = Some(now + PULL_EVERY);
                Ok(())
            }
        }
    }

    fn give_back(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Centra {
    /// Listens to these, besides what is listened to already. May be repeated.
    pub async fn listen_to(&self, kinds: &[EventKind]) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let rows: Vec<Value> =
            kinds.iter().flat_map(|kind| kind.words()).map(|word| json!({ "objectType": word })).collect();
        if rows.is_empty() {
            return Ok(errand.done(Done::already(())));
        }
        let text = "mutation L($i:[EventListenerSetInput!]!){ setEventListeners(input:$i){ \
                    eventListeners{objectType changeTypes} userErrors{message path} } }";
        let question = Question::change("listen to events", text, json!({ "i": rows }));
        let done = errand.change(question, "setEventListeners", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }

    /// Listens to these no longer. What is still in the queue of them is lost: pull and confirm first. May be repeated.
    pub async fn stop_listening_to(&self, kinds: &[EventKind]) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let rows: Vec<Value> =
            kinds.iter().flat_map(|kind| kind.words()).map(|word| json!({ "objectType": word })).collect();
        if rows.is_empty() {
            return Ok(errand.done(Done::already(())));
        }
        let text =
            "mutation L($i:[EventListenerUnsetInput!]!){ unsetEventListeners(input:$i){ userErrors{message path} } }";
        let question = Question::change("stop listening to events", text, json!({ "i": rows }));
        let done = errand.change(question, "unsetEventListeners", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }

    /// Pulls the oldest events. Whoever pulls has them for [`PULL_EVERY`]: an earlier pull is held back, unless these were
    /// confirmed and were as many as fit.
    pub async fn pull_events(&self) -> Result<Answer<Pulled>, CallError> {
        if let Err(until) = self.lease.take(self.caller.clock.now()) {
            return Err(CallError { kind: CallErrorKind::Paced { until }, exchanges: Vec::new() });
        }
        let mut errand = Errand::new(self);
        // Without a filter: what we do not care for is pulled too, since it has to be confirmed.
        let text =
            format!("query E {{ events(limit:{EVENTS_MAX}){{ id objectType changeType objectReference createdAt }} }}");
        let question = Question::read("pull events", text, json!({}), EVENTS_GUESS);
        match errand.ask(question, read).await {
            Ok(pulled) => Ok(errand.done(pulled)),
            Err(error) => {
                self.lease.give_back();
                Err(error)
            }
        }
    }

    /// Confirms events once they are stored: they do not come again. May be repeated. `more` says that the pull was full,
    /// and lets the next one follow at once.
    pub async fn confirm_events(&self, ids: &[i64], more: bool) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let mut done = Done::already(());
        for ids in ids.chunks(EVENTS_MAX) {
            let text = "mutation N($i:EventsConfirmInput!){ confirmEvents(input:$i){ userErrors{message path} \
                        userWarnings{message path} } }";
            let question = Question::change("confirm events", text, json!({ "i": { "eventsIds": ids } }));
            let part = errand.change(question, "confirmEvents", None, |_| Ok(())).await?;
            done.already = false;
            done.warnings.extend(part.warnings);
        }
        if more && !done.already {
            self.lease.give_back();
        }
        Ok(errand.done(done))
    }
}

/// Reads a pull. One that cannot be understood keeps its id, so that it can be confirmed and does not block the queue;
/// one without an id cannot be confirmed by anybody, and then the answer is none.
pub(super) fn read(data: &str) -> Result<Pulled, Unreadable> {
    let data = Object::open("data", data)?;
    if !data.has("events") {
        return Err(data.missing("events"));
    }
    let elements = data.elements("events")?;
    let full = elements.len() >= EVENTS_MAX;
    let mut events = Vec::with_capacity(elements.len());
    for raw in elements {
        let row = Object::open("event", raw.get())?;
        let id = wire::need_id(&row, "id")?;
        let delivery = match delivery(&row, raw.get()) {
            Ok(delivery) => delivery,
            Err(unreadable) => Delivery {
                kind: "event".to_owned(),
                external_id: id.to_string(),
                version: None,
                raw: raw.get().to_owned(),
                fact: Err(unreadable),
            },
        };
        events.push(Event { id, delivery });
    }
    Ok(Pulled { events, full })
}

fn delivery(row: &Object<'_>, raw: &str) -> Result<Delivery, Unreadable> {
    let word = row.key("objectType")?.ok_or_else(|| row.missing("objectType"))?;
    let kind = kind(&word);
    Ok(Delivery {
        external_id: row.need_key("objectReference")?,
        version: None,
        raw: raw.to_owned(),
        fact: Ok(notice::hint(&kind)),
        kind,
    })
}

/// The word that a notice or a sweep uses for the same thing; anything else keeps the vendor's own.
fn kind(word: &str) -> String {
    match word {
        "Order" | "OrderHistoryEntry" | "PaymentHistoryEntry" => "order",
        "Shipment" => "shipment",
        "Return" => "return",
        "Product" | "ProductVariant" | "ProductSize" => "product",
        "StockChange" => "stock",
        other => other,
    }
    .to_owned()
}
