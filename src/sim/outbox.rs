//! Notices that are on their way to us: latency, loss, repeats, lateness, retries.
//!
//! The world queues, somebody else carries: [`super::World::due_deliveries`] hands out what is due and
//! [`super::World::delivered`] hears what came of it. A notice that nobody reports on stays lost, as it would.

use super::auditor::Knowledge;
use super::options::{Fault, Vendor};
use super::world::State;
use super::{centra, lightspeed_x};
use crate::domain::ids::ConnectionId;
use crate::domain::time::{Span, Timestamp};
use bytes::Bytes;
use rand::Rng;
use std::collections::BTreeMap;

/// Percent of notices never sent under F01.
const LOST_PERCENT: u32 = 30;
/// Percent of notices repeated under F02.
const REPEATED_PERCENT: u32 = 20;
/// Percent of notices held back under F03, until the next full hour.
const LATE_PERCENT: u32 = 25;
/// How long our receiver is down under F04, once a day.
const DOWN: Span = Span::hours(6);
/// Tries after which the till gives up.
const TILL_TRIES: u32 = 20;
/// The shop retries this often at most, after these waits.
const SHOP_WAITS: [Span; 3] = [Span::minutes(1), Span::minutes(5), Span::minutes(15)];

/// One notice to be posted to us now.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// To be named when reporting what came of it.
    pub id: u64,
    /// Whose notice it is.
    pub connection: ConnectionId,
    /// Where the vendor was told to post it.
    pub url: String,
    /// Content type and signature.
    pub headers: http::HeaderMap,
    /// The raw body that the signature covers.
    pub body: Bytes,
    /// 1 for the first try.
    pub attempt: u32,
}

#[derive(Debug, Clone)]
struct Pending {
    id: u64,
    vendor: Vendor,
    url: String,
    body: Bytes,
    knowledge: Option<Knowledge>,
    attempt: u32,
}

/// The queue, by due time.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: BTreeMap<(Timestamp, i64, u64), Pending>,
    in_flight: BTreeMap<u64, Pending>,
    next: u64,
}

impl Outbox {
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|key| key.0)
    }

    pub fn waiting(&self) -> usize {
        self.queue.len() + self.in_flight.len()
    }

    fn put(&mut self, due: Timestamp, order: i64, mut pending: Pending) {
        self.next += 1;
        pending.id = self.next;
        self.queue.insert((due, order, pending.id), pending);
    }
}

impl State {
    /// Queues a notice and decides its fate from the seed.
    pub fn post(&mut self, vendor: Vendor, url: String, body: Vec<u8>, knowledge: Option<Knowledge>) {
        let slowest = self.options.notice_delay_max.as_millis().max(100);
        let latency = Span::millis(self.fate.random_range(100..=slowest));
        let (lost, repeated, late) =
            (self.fate.random_range(0..100), self.fate.random_range(0..100), self.fate.random_range(0..100));
        let copies: u32 = self.fate.random_range(1..=4);
        if self.has(Fault::F01) && lost < LOST_PERCENT {
            self.count_case(Fault::F01);
            self.label_notice(Fault::F01, knowledge.as_ref());
            return;
        }
        let pending = Pending { id: 0, vendor, url, body: body.into(), knowledge, attempt: 1 };
        let mut due = self.now + latency;
        let mut order = 0;
        if self.has(Fault::F03) && late < LATE_PERCENT {
            self.count_case(Fault::F03);
            self.label_notice(Fault::F03, pending.knowledge.as_ref());
            due = Timestamp::from_secs((self.now.secs() / 3_600 + 1) * 3_600);
            // Newest first among those that were held back together.
            order = -(self.outbox.next as i64) - 1;
        }
        if self.has(Fault::F02) && repeated < REPEATED_PERCENT {
            self.count_case(Fault::F02);
            for _ in 0..copies {
                let later = if self.fate.random_range(0..2) == 0 {
                    Span::ZERO
                } else {
                    Span::secs(self.fate.random_range(1..=600))
                };
                self.outbox.put(due + later, order, pending.clone());
            }
        }
        self.outbox.put(due, order, pending);
    }

    fn label_notice(&mut self, fault: Fault, knowledge: Option<&Knowledge>) {
        if let Some(Knowledge::Sale { sale, version }) = knowledge {
            self.books.label_sale(fault, *sale, *version, self.now);
        }
    }

    /// Whether our receiver is down by F04.
    pub fn receiver_down(&self, at: Timestamp) -> bool {
        if !self.has(Fault::F04) {
            return false;
        }
        let day = at.secs().div_euclid(86_400);
        // Between 08:00 and 13:59 UTC, another hour each day, so that it always falls into trade.
        let hour = 8 + (self.options.seed.wrapping_mul(31).wrapping_add(day.unsigned_abs()) % 6) as i64;
        let from = Timestamp::from_secs(day * 86_400 + hour * 3_600);
        at >= from && at < from + DOWN
    }

    /// Takes out what is due and signs it.
    pub fn due_deliveries(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.advance_to(now);
        let later = self.outbox.queue.split_off(&(now + Span(1), i64::MIN, 0));
        let due = std::mem::replace(&mut self.outbox.queue, later);
        let mut out = Vec::with_capacity(due.len());
        for pending in due.into_values() {
            if self.receiver_down(now) {
                self.count_case(Fault::F04);
                if pending.attempt == 1 {
                    self.label_notice(Fault::F04, pending.knowledge.as_ref());
                }
                self.try_again(pending, 0, now);
                continue;
            }
            self.books.notices += 1;
            out.push(Delivery {
                id: pending.id,
                connection: self.options.connection(pending.vendor).clone(),
                url: pending.url.clone(),
                headers: match pending.vendor {
                    Vendor::LightspeedX => {
                        lightspeed_x::hooks::headers(&self.options.till_secret, &pending.body, self.x.switches.signing)
                    }
                    Vendor::LightspeedR | Vendor::Magento => http::HeaderMap::new(),
                    Vendor::Centra => centra::hooks::headers(&self.options.web_secret, &pending.body, now),
                },
                body: pending.body.clone(),
                attempt: pending.attempt,
            });
            self.outbox.in_flight.insert(pending.id, pending);
        }
        out
    }

    /// What came of a delivery; status 0 when there was no answer in time.
    pub fn delivered(&mut self, id: u64, status: u16, now: Timestamp) {
        let Some(pending) = self.outbox.in_flight.remove(&id) else { return };
        if (200..300).contains(&status) {
            if let Some(knowledge) = &pending.knowledge {
                self.books.told(knowledge, now);
            }
        } else {
            self.try_again(pending, status, now);
        }
    }

    fn try_again(&mut self, mut pending: Pending, status: u16, now: Timestamp) {
        let wait = match pending.vendor {
            Vendor::LightspeedR | Vendor::Magento => None,
            Vendor::LightspeedX if (300..500).contains(&status) => None,
            Vendor::LightspeedX => till_wait(pending.attempt),
            Vendor::Centra => SHOP_WAITS.get(pending.attempt as usize - 1).copied(),
        };
        if let Some(wait) = wait {
            pending.attempt += 1;
            self.outbox.put(now + wait, 0, pending);
        }
    }
}

/// 30 seconds, doubling, four hours at most; nothing after the last try.
fn till_wait(attempt: u32) -> Option<Span> {
    if attempt >= TILL_TRIES {
        return None;
    }
    let doubled = Span::secs(30 << (attempt - 1).min(10));
    Some(doubled.min(Span::hours(4)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Options, World};
    use std::collections::BTreeSet;

    fn world(faults: &[Fault]) -> World {
        World::open(Options { faults: faults.iter().copied().collect(), ..Options::still(11, 40) })
    }

    fn sell_many(world: &World, n: usize) -> usize {
        let skus = world.skus();
        (0..n).filter(|i| world.sell(&skus[i % skus.len()], "Soho", 1).is_ok()).count()
    }

    #[test]
    fn the_retry_ladder_doubles_to_four_hours_and_ends_after_twenty_tries() {
        assert_eq!(till_wait(1), Some(Span::secs(30)));
        assert_eq!(till_wait(2), Some(Span::secs(60)));
        assert_eq!(till_wait(15), Some(Span::hours(4)));
        assert_eq!(till_wait(20), None);
    }

    #[test]
    fn a_sale_brings_two_notices_and_a_refused_one_is_not_tried_again() {
        let world = world(&[]);
        assert_eq!(sell_many(&world, 1), 1);
        let now = world.now() + Span::secs(3);
        let due = world.due_deliveries(now);
        assert_eq!(due.len(), 2);
        world.delivered(due[0].id, 400, now);
        world.delivered(due[1].id, 503, now);
        assert_eq!(world.next_event_at(), Some(now + Span::secs(30)));
        let again = world.due_deliveries(now + Span::secs(30));
        assert_eq!((again.len(), again[0].attempt), (1, 2));
        assert_eq!(again[0].body, due[1].body);
    }

    #[test]
    fn faults_lose_repeat_and_delay_notices() {
        let lost = world(&[Fault::F01]);
        let sold = sell_many(&lost, 100);
        let arrived = lost.due_deliveries(lost.now() + Span::hours(2)).len();
        let dropped = lost.audit().faults_injected["F01"];
        assert_eq!(arrived as u64 + dropped, 2 * sold as u64);
        assert!((30..=90).contains(&dropped), "{dropped}");

        let repeated = world(&[Fault::F02]);
        let sold = sell_many(&repeated, 100);
        let bodies: Vec<_> =
            repeated.due_deliveries(repeated.now() + Span::hours(2)).into_iter().map(|d| d.body).collect();
        assert!(bodies.len() > 2 * sold);
        assert_eq!(bodies.iter().collect::<BTreeSet<_>>().len(), 2 * sold);

        let late = world(&[Fault::F03]);
        sell_many(&late, 100);
        let soon = late.due_deliveries(late.now() + Span::secs(3)).len();
        let held = late.due_deliveries(late.now() + Span::hours(1));
        assert_eq!(held.len() as u64, late.audit().faults_injected["F03"]);
        assert!(soon > held.len());
        assert!(held.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
    }

    #[test]
    fn while_our_receiver_is_down_notices_wait_for_their_next_try() {
        let world = world(&[Fault::F04]);
        let down = (0..24).map(|h| world.now() + Span::hours(h)).find(|at| world.receiver_down(*at)).expect("a window");
        world.advance_to(down);
        sell_many(&world, 3);
        assert!(world.due_deliveries(down + Span::secs(3)).is_empty());
        assert!(world.audit().faults_injected["F04"] > 0);
        let mut got = 0;
        let mut at = down;
        while at < down + Span::hours(12) {
            at = at + Span::minutes(10);
            got += world.due_deliveries(at).len();
        }
        assert_eq!(got, 6);
    }
}
