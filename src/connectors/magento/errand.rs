//! Something we want of the shop, with the calls that it takes.
//!
//! The first call waits for our budget; those after it are only counted (see [`super::pace`]). What went over the wire is
//! gathered, and an error after something was changed never says that nothing was.

use super::criteria::Criteria;
use super::{Magento, wire};
use crate::connectors::call::Ask;
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::evidence::Exchange;
use crate::connectors::{Answer, Unreadable};
use http::{Method, StatusCode};
use serde_json::Value;
use std::sync::atomic::Ordering;

/// Where most of the vendor's addresses begin.
pub(super) const REST: &str = "/rest/V1";

/// Where products are read and written as they are for all stores; elsewhere a write would hide later changes.
pub(super) const REST_ALL: &str = "/rest/all/V1";

/// Most pages read of a list that is short by its nature.
const PAGES_MAX: usize = 200;

/// The calls of one errand.
pub(super) struct Errand<'a> {
    pub(super) shop: &'a Magento,
    exchanges: Vec<Exchange>,
    begun: bool,
    acted: bool,
}

impl<'a> Errand<'a> {
    pub(super) fn new(shop: &'a Magento) -> Self {
        Self { shop, exchanges: Vec::new(), begun: false, acted: false }
    }

    /// One that something else has led to: its first call is counted and does not wait. A count is looked at before it is
    /// written, and a write that had to wait for what its own look had used up would look again, for ever.
    pub(super) fn following(shop: &'a Magento) -> Self {
        Self { begun: true, ..Self::new(shop) }
    }

    /// A question; `None` when the shop has no such thing.
    pub(super) async fn find(&mut self, purpose: &'static str, path: &str) -> Result<Option<String>, CallError> {
        let asked = self.call(question(purpose, path)).await;
        asked.map_err(|kind| self.fail(kind))
    }

    /// A question whose answer is always there.
    pub(super) async fn get(&mut self, purpose: &'static str, path: &str) -> Result<String, CallError> {
        self.find(purpose, path).await?.ok_or_else(|| self.fail(nothing_there()))
    }

    /// A change.
    pub(super) async fn change(
        &mut self,
        purpose: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<String, CallError> {
        let told = self.try_change(purpose, method, path, body).await?;
        told.map_err(|reason| self.fail(rejected(reason)))
    }

    /// A change that the shop may refuse without ending the errand: then its reason.
    pub(super) async fn try_change(
        &mut self,
        purpose: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Result<String, String>, CallError> {
        let body = body.map(Value::to_string);
        match self.call(Ask { purpose, method, path, body, mutates: true }).await {
            Ok(Some(text)) => Ok(Ok(text)),
            Ok(None) => Ok(Err("the shop has no such thing (404)".to_owned())),
            Err(CallErrorKind::Rejected { reason }) => Ok(Err(reason)),
            Err(kind) => Err(self.fail(kind)),
        }
    }

    /// A question to a list, with at most `want` rows to a page; a shop that allows fewer is asked again with that, and
    /// its limit is remembered. Gives the answer with the page size it was asked with.
    pub(super) async fn rows(
        &mut self,
        purpose: &'static str,
        route: &str,
        want: usize,
        criteria: impl Fn(usize) -> Criteria,
    ) -> Result<(String, usize), CallError> {
        let mut size = want.min(self.shop.page_rows());
        loop {
            let path = format!("{route}?{}", criteria(size).query());
            let kind = match self.call(question(purpose, &path)).await {
                Ok(Some(text)) => return Ok((text, size)),
                Ok(None) => nothing_there(),
                Err(kind) => kind,
            };
            match wire::limit(&kind, "Maximum SearchCriteria pageSize").filter(|most| *most < size) {
                Some(most) => {
                    self.shop.page_rows_max.store(most, Ordering::Relaxed);
                    size = most;
                }
                None => return Err(self.fail(kind)),
            }
        }
    }

    /// All rows of a list, each as its own text. `criteria` carries filters and order.
    pub(super) async fn whole_list(
        &mut self,
        purpose: &'static str,
        route: &str,
        want: usize,
        criteria: Criteria,
    ) -> Result<Vec<String>, CallError> {
        let (mut all, mut number, mut before) = (Vec::new(), 1, None);
        loop {
            let (text, size) = self.rows(purpose, route, want, |size| criteria.clone().page(size, number)).await?;
            if number > 1 && before.replace(size) != Some(size) {
                // A limit came to be known half-way: the pages before had another size.
                (all, number, before) = (Vec::new(), 1, None);
                continue;
            }
            before = Some(size);
            let (rows, _, last) = self.read(wire::page("the answer", &text, size, number))?;
            all.extend(rows.into_iter().map(|raw| raw.get().to_owned()));
            if last {
                return Ok(all);
            }
            number += 1;
            if number > PAGES_MAX {
                let reason = "a list that should be short does not end".to_owned();
                return Err(self.fail(CallErrorKind::Protocol { reason }));
            }
        }
    }

    /// What was read of an answer; what cannot be read contradicts the contract and is never acted upon.
    pub(super) fn read<T>(&mut self, read: Result<T, Unreadable>) -> Result<T, CallError> {
        read.map_err(|unreadable| self.fail(CallErrorKind::Protocol { reason: unreadable.reason }))
    }

    /// The errand ends here, without success. Something that was changed by then is said.
    pub(super) fn fail(&mut self, kind: CallErrorKind) -> CallError {
        let error = CallError { kind, exchanges: std::mem::take(&mut self.exchanges) };
        if self.acted && !error.may_have_acted() {
            let reason = format!("a part was done, then: {}", error.kind);
            return CallError { kind: CallErrorKind::Unavailable { reason, acted: true }, ..error };
        }
        error
    }

    /// The errand is done.
    pub(super) fn done<T>(self, value: T) -> Answer<T> {
        Answer { value, exchanges: self.exchanges }
    }

    async fn call(&mut self, ask: Ask<'_>) -> Result<Option<String>, CallErrorKind> {
        let now = self.shop.caller.clock.now();
        self.shop.pace.take(now, self.begun).map_err(|until| CallErrorKind::Paced { until })?;
        self.begun = true;
        let mutates = ask.mutates;
        let sent = self.shop.send(ask).await;
        let came = sent.map_err(|error| self.keep(error))?;
        if came.status == StatusCode::NOT_FOUND && wire::is_missing_thing(&came.body) {
            self.exchanges.push(came.exchange);
            return Ok(None);
        }
        let (text, exchange) = came.ok(wire::words).map_err(|error| wire::judge(self.keep(error), mutates))?;
        self.exchanges.push(exchange);
        self.acted |= mutates;
        Ok(Some(text))
    }

    /// Keeps what went over the wire with an error, and a wait that the shop asked for.
    fn keep(&mut self, mut error: CallError) -> CallErrorKind {
        self.exchanges.append(&mut error.exchanges);
        if let CallErrorKind::Throttled { until } = error.kind {
            self.shop.pace.block(until);
        }
        error.kind
    }
}

fn question<'a>(purpose: &'static str, path: &'a str) -> Ask<'a> {
    Ask { purpose, method: Method::GET, path, body: None, mutates: false }
}

fn nothing_there() -> CallErrorKind {
    rejected("the shop has nothing at this address (404)")
}

pub(super) fn rejected(reason: impl Into<String>) -> CallErrorKind {
    CallErrorKind::Rejected { reason: reason.into() }
}
