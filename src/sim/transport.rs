//! A [`Transport`] that leads to the simulated vendors, and what can go wrong on the way.

use super::auditor::Knowledge;
use super::options::{Fault, Vendor};
use super::world::{State, World};
use super::{centra, lightspeed_r, lightspeed_x};
use crate::clock::Clock;
use crate::connectors::transport::{Transport, TransportError};
use crate::domain::ids::ConnectionId;
use crate::domain::time::{Span, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use rand::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Percent of stock reads that answer rubbish under F20.
const GARBLED_PERCENT: u32 = 6;
/// Percent of writes whose answer is lost under F28.
const UNKNOWN_PERCENT: u32 = 6;
/// Percent of renewed sign-ins whose answer is lost under F26.
const RENEWED_PERCENT: u32 = 25;
/// A day is cut into this many parts, each with one burst of refusals under F05.
const BURSTS: i64 = 6;

/// One thing that goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireFault {
    /// We could not connect: the vendor certainly did nothing.
    NotConnected,
    /// The request was lost on the way: no answer, and the vendor did nothing.
    LoseRequest,
    /// The vendor did it, and we were not told.
    LoseAnswer,
    /// The vendor did it and then answered 500.
    ErrorAfterActing,
    /// 200 with an empty body.
    Empty,
    /// 200 with the first half of the body.
    Truncated,
    /// 200 with a web page.
    WebPage,
    /// 200 with the page that was given before; only where a list is read page by page.
    SamePage,
    /// 200 with a tenth of the rows missing; only where more rows follow.
    LostRows,
    /// "Too many requests", to be heeded for so long.
    Throttle(Span),
}

/// What the transport remembers between calls.
#[derive(Debug, Default)]
pub(super) struct Wire {
    seed: u64,
    injected: BTreeMap<Vendor, VecDeque<WireFault>>,
    named: BTreeMap<Vendor, Timestamp>,
    bursts: BTreeSet<(Vendor, i64)>,
}

impl Wire {
    pub fn new(seed: u64) -> Wire {
        Wire { seed, ..Wire::default() }
    }

    pub fn inject(&mut self, vendor: Vendor, fault: WireFault) {
        self.injected.entry(vendor).or_default().push_back(fault);
    }

    /// The burst of refusals that is on at this moment: its number and its end.
    fn burst(&self, vendor: Vendor, now: Timestamp) -> Option<(i64, Timestamp)> {
        let part = Span(Span::hours(24).0 / BURSTS);
        let number = now.micros().div_euclid(part.0);
        let chance = mix(self.seed ^ mix(number.unsigned_abs()) ^ mix(vendor as u64 + 1));
        let length = Span::secs(120 + (chance % 241) as i64);
        let offset = Span(((chance >> 16) % (part.0 - length.0).unsigned_abs()) as i64);
        let start = Timestamp(number * part.0) + offset;
        (now >= start && now < start + length).then_some((number, start + length))
    }
}

/// Spreads the bits of a number.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

impl State {
    /// Carries one request to a vendor and its answer back, with everything that may happen on the way.
    pub fn carry(&mut self, vendor: Vendor, request: &Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        *self.books.calls.entry(vendor).or_default() += 1;
        // Signing in has a rule of its own.
        let signs_in = signs_in(vendor, request);
        if !signs_in && self.wire.named.get(&vendor).is_some_and(|named| self.now < *named) {
            self.books.early_calls += 1;
        }
        let fault = self.choose_fault(vendor, request);
        if fault.is_some() {
            self.books.wire_trouble = self.now;
        }
        match fault {
            Some(WireFault::NotConnected) => return Err(TransportError::NotSent("connection refused".into())),
            Some(WireFault::LoseRequest) => return Err(TransportError::NoAnswer("timed out".into())),
            Some(WireFault::Throttle(length)) => {
                self.books.throttled_injected += 1;
                let until = self.now + length;
                return Ok(self.refuse(vendor, until));
            }
            _ => {}
        }
        let same_page = (fault == Some(WireFault::SamePage)).then(|| self.r_same_page(request)).flatten();
        let (response, knowledge) = self.act(vendor, request);
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            self.books.throttled += 1;
            if !signs_in {
                self.remember_named(vendor, &response);
            }
        }
        match fault {
            Some(WireFault::LoseAnswer) => Err(TransportError::NoAnswer("the connection was reset".into())),
            Some(WireFault::ErrorAfterActing) => Ok(server_error(vendor)),
            Some(WireFault::Empty) => Ok(with_body(&response, Bytes::new())),
            Some(WireFault::Truncated) => {
                let half = response.body().slice(..response.body().len() / 2);
                Ok(with_body(&response, half))
            }
            Some(WireFault::WebPage) => {
                let page = "<!doctype html><html><body><h1>We’ll be right back</h1></body></html>";
                let mut response = with_body(&response, Bytes::from_static(page.as_bytes()));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                Ok(response)
            }
            Some(WireFault::SamePage) if same_page.is_some() => Ok(same_page.unwrap_or(response)),
            Some(WireFault::LostRows) if lightspeed_r::lose_rows(&response).is_some() => {
                Ok(lightspeed_r::lose_rows(&response).unwrap_or(response))
            }
            _ => {
                for knowledge in &knowledge {
                    self.books.told(knowledge, self.now);
                }
                Ok(response)
            }
        }
    }

    fn act(&mut self, vendor: Vendor, request: &Request<Bytes>) -> (Response<Bytes>, Vec<Knowledge>) {
        match vendor {
            Vendor::LightspeedX => lightspeed_x::answer(self, request),
            Vendor::LightspeedR => lightspeed_r::answer(self, request),
            Vendor::Centra => centra::answer(self, request),
            Vendor::Magento => self.magento_answer(request),
        }
    }

    fn choose_fault(&mut self, vendor: Vendor, request: &Request<Bytes>) -> Option<WireFault> {
        if let Some(fault) = self.wire.injected.get_mut(&vendor).and_then(VecDeque::pop_front) {
            return Some(fault);
        }
        if signs_in(vendor, request) {
            let lost = self.has(Fault::F26) && self.fate.random_range(0..100) < RENEWED_PERCENT;
            if lost {
                self.count_case(Fault::F26);
            }
            return lost.then_some(WireFault::LoseAnswer);
        }
        let burst = self.has(Fault::F05).then(|| self.wire.burst(vendor, self.now)).flatten();
        if let Some((number, end)) = burst {
            if self.wire.bursts.insert((vendor, number)) {
                self.count_case(Fault::F05);
            }
            return Some(WireFault::Throttle(end.since(self.now)));
        }
        let (read, write) = purpose(vendor, request);
        let draw: u32 = self.fate.random_range(0..100);
        let kind: u32 = self.fate.random_range(0..6);
        if read && self.has(Fault::F20) && draw < GARBLED_PERCENT {
            let pages = [WireFault::SamePage, WireFault::LostRows];
            // Of a list that comes in pages some go wrong in ways that look right.
            let in_pages = vendor == Vendor::LightspeedR && request.uri().query().is_some_and(|q| q.contains("after="));
            self.count_case(Fault::F20);
            if let Some(fault) = pages.get(kind as usize % 4).filter(|_| in_pages) {
                return Some(*fault);
            }
            return Some([WireFault::Empty, WireFault::Truncated, WireFault::WebPage][kind as usize % 3]);
        }
        if write && self.has(Fault::F28) && draw < UNKNOWN_PERCENT {
            self.count_case(Fault::F28);
            return Some([WireFault::LoseAnswer, WireFault::ErrorAfterActing][kind as usize % 2]);
        }
        None
    }

    fn refuse(&mut self, vendor: Vendor, until: Timestamp) -> Response<Bytes> {
        let response = match vendor {
            Vendor::LightspeedX => lightspeed_x::too_many(until),
            Vendor::LightspeedR => lightspeed_r::too_many(self, until),
            Vendor::Centra => centra::too_many(until),
            Vendor::Magento => busy_page(until.since(self.now)),
        };
        self.remember_named(vendor, &response);
        response
    }

    /// Keeps the moment that a refusal named, as written in its header.
    fn remember_named(&mut self, vendor: Vendor, response: &Response<Bytes>) {
        let text = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let named = match vendor {
            Vendor::LightspeedX => chrono::NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT")
                .ok()
                .map(|at| Timestamp::from(at.and_utc())),
            Vendor::LightspeedR => text.parse().ok().map(|wait: i64| self.now + Span::secs(wait)),
            Vendor::Centra => text.parse().ok().map(Timestamp::from_secs),
            Vendor::Magento => text.parse().ok().map(|seconds| self.now + Span::secs(seconds)),
        };
        if let Some(named) = named {
            self.wire.named.insert(vendor, named);
        }
    }
}

/// Whether a request asks for a token.
fn signs_in(vendor: Vendor, request: &Request<Bytes>) -> bool {
    match vendor {
        Vendor::LightspeedX => lightspeed_x::signs_in(request),
        Vendor::LightspeedR => lightspeed_r::signs_in(request),
        Vendor::Centra | Vendor::Magento => false,
    }
}

/// Whether a request reads stock, and whether it changes any.
fn purpose(vendor: Vendor, request: &Request<Bytes>) -> (bool, bool) {
    match vendor {
        Vendor::LightspeedX => (request.uri().path().contains("/inventory"), false),
        Vendor::Magento => {
            let path = request.uri().path();
            let stock = path.ends_with("/inventory/source-items") || path.contains("salable");
            let write = request.method() == http::Method::POST;
            (stock && !write, stock && write)
        }
        Vendor::LightspeedR => (lightspeed_r::reads_stock(request), false),
        Vendor::Centra => {
            let body = String::from_utf8_lossy(request.body());
            let write = body.contains("setStock") || body.contains("changeStock");
            (!write && (body.contains("physicalQuantity") || body.contains("freeToAllocateQuantity")), write)
        }
    }
}

/// The vendor itself knows no "too many requests"; what stands before a shop does, and answers with a page.
fn busy_page(wait: Span) -> Response<Bytes> {
    let page = "<html><head><title>429 Too Many Requests</title></head><body><h1>Too Many Requests</h1></body></html>";
    let mut response = Response::new(Bytes::from_static(page.as_bytes()));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let seconds = (wait.0 + 999_999).div_euclid(1_000_000);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

fn server_error(vendor: Vendor) -> Response<Bytes> {
    match vendor {
        Vendor::Magento => {
            let page = "An error has happened during application run. See exception log for details.";
            let mut response = Response::new(Bytes::from_static(page.as_bytes()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            response
        }
        Vendor::Centra => centra::internal_error(),
        Vendor::LightspeedR => lightspeed_r::internal_error(),
        Vendor::LightspeedX => {
            let mut response = Response::new(Bytes::from_static(b"{\"error\":\"Internal Server Error\"}"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

fn with_body(response: &Response<Bytes>, body: Bytes) -> Response<Bytes> {
    let mut copy = Response::new(body);
    *copy.status_mut() = response.status();
    *copy.headers_mut() = response.headers().clone();
    copy
}

/// The seam to the simulated vendors: time comes from a clock, the world catches up before it answers.
pub struct SimTransport {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
}

impl SimTransport {
    /// Leads to this world, at the time of this clock.
    pub fn new(world: Arc<World>, clock: Arc<dyn Clock>) -> Self {
        Self { world, clock }
    }

    /// The world it leads to.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }
}

#[async_trait]
impl Transport for SimTransport {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut state = self.world.lock();
        let Some(vendor) = state.options.vendor(connection) else {
            return Err(TransportError::NotSent(format!("no vendor behind connection “{connection}”")));
        };
        state.advance_to(self.clock.now());
        state.carry(vendor, &request)
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
