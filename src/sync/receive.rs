//! The webhook door: verify, keep, apply, answer. 200 means committed, and nothing else means 200.

use super::apply::Incoming;
use super::cx::{Cx, Link, Side};
use super::intake::{self, IntakeError};
use super::refusals;
use super::schedule::Task;
use crate::connectors::notice::{Delivery, NoticeError};
use crate::connectors::{Unreadable, fingerprint};
use crate::domain::fact::{Fact, Hint};
use crate::domain::time::Timestamp;
use crate::store::inbox::NewRecord;
use bytes::Bytes;
use std::sync::Arc;

/// Longest body we look at.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest vendor id we keep; every vendor of ours uses far shorter ones.
const ID_BYTES_MAX: usize = 200;

/// What the webhook door answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// HTTP status for the vendor.
    pub status: u16,
    /// Why, for our log and the Connections page; never sent to the vendor.
    pub reason: String,
}

impl Received {
    fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }
}

/// One notice for one connection.
pub async fn receive(cx: &Cx, connection: &str, headers: &http::HeaderMap, body: Bytes) -> Received {
    let Some(link) = cx.link(connection) else {
        return Received::new(404, "no such connection");
    };
    if body.len() > BODY_BYTES_MAX {
        return refuse(cx, &link, 413, "the notice is larger than 1 MiB").await;
    }
    let now = cx.now();
    let read = match &link.side {
        Side::Till(till) => till.read_notice(headers, &body, now),
        Side::Shop(shop) => shop.read_notice(headers, &body, now),
    };
    let deliveries = match read {
        Ok(deliveries) => deliveries,
        Err(NoticeError::NotFromThem(reason) | NoticeError::WrongTime(reason)) => {
            return refuse(cx, &link, 401, &reason).await;
        }
        Err(NoticeError::Unreadable(reason)) => return refuse(cx, &link, 400, &reason).await,
    };
    let incoming = to_incoming(cx, &link, deliveries, now);
    match intake::submit(cx, &link, incoming).await {
        Ok(()) => Received::new(200, ""),
        Err(error @ (IntakeError::Store(_) | IntakeError::Full)) => Received::new(503, error.to_string()),
    }
}

/// Counts a notice that was refused before anybody looked into it.
pub async fn refuse_at_the_door(cx: &Cx, connection: &str, status: u16, reason: &str) -> Received {
    match cx.link(connection) {
        Some(link) => refuse(cx, &link, status, reason).await,
        None => Received::new(404, "no such connection"),
    }
}

/// Deliveries that say which change they are become records, and so do those that cannot be read, with the reason, and
/// what we only keep and no sweep could read again. The others wake the sweep that reads the truth.
fn to_incoming(cx: &Cx, link: &Arc<Link>, deliveries: Vec<Delivery>, now: Timestamp) -> Vec<Incoming> {
    let mut incoming = Vec::with_capacity(deliveries.len());
    for mut delivery in deliveries {
        let hint = match &delivery.fact {
            Ok(Fact::Hint(hint)) => Some(*hint),
            _ => None,
        };
        if hint.is_none() && delivery.external_id.len() > ID_BYTES_MAX {
            delivery.external_id = fingerprint(&delivery.raw);
            delivery.fact = Err(Unreadable::new(format!("its id is longer than {ID_BYTES_MAX} bytes")));
        }
        if delivery.version.is_none() || hint.is_some() {
            link.schedule.wake(sweep_for(hint, &link.side), now);
        }
        let version = match (delivery.version, &delivery.fact) {
            (None, Ok(Fact::Noted { .. })) => {
                // Such as a register closure, which has no number of its changes: its bytes tell it apart.
                delivery.external_id = fingerprint(&delivery.raw);
                0
            }
            (_, Ok(Fact::Hint(_))) | (None, Ok(_)) => continue,
            (None, Err(_)) => 0,
            (Some(version), _) => version,
        };
        if delivery.fact.is_ok() {
            link.saw(version);
        }
        incoming.push(Incoming {
            record: NewRecord {
                id: cx.mint.id(now),
                connection: link.id.clone(),
                kind: delivery.kind,
                external_id: delivery.external_id,
                version,
                by_notice: true,
                raw: delivery.raw,
                received_at: now,
            },
            facts: delivery.fact.map(|fact| vec![fact]).map_err(|unreadable| unreadable.reason),
        });
    }
    incoming
}

/// The sweep that reads what a notice was about.
fn sweep_for(hint: Option<Hint>, side: &Side) -> Task {
    match (hint, side) {
        (Some(Hint::Stock), Side::Till(_)) => Task::Stock,
        (Some(Hint::Stock), Side::Shop(_)) => Task::Observe,
        (Some(Hint::Catalogue), _) => Task::Catalogue,
        (Some(Hint::Orders) | None, Side::Shop(_)) => Task::Orders,
        (Some(Hint::Sales), _) | (Some(Hint::Orders) | None, Side::Till(_)) => Task::Sales,
    }
}

/// Counts a refusal, so that Connections can show it; the caller's status does not depend on that.
async fn refuse(cx: &Cx, link: &Link, status: u16, reason: &str) -> Received {
    refusals::count(cx, &link.id, status, reason).await;
    Received::new(status, reason)
}
