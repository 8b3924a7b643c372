//! Something that later steps want of the shop, with the calls that it takes: usually a look and then a change.
//!
//! What went over the wire is gathered. An error after something was changed never says that nothing was, and a refusal
//! that the shop answers with status 200 is a refusal here, with its words.

use super::queries::Question;
use super::{Centra, Said, Turn, after, wire};
use crate::connectors::error::{CallError, CallErrorKind};
use crate::connectors::evidence::Exchange;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// What the shop said of the thing that was changed or made.
    pub value: T,
    /// The shop's warnings: it did what was asked, and something beside it went wrong. A capture that failed is only told
    /// here.
    pub warnings: Vec<String>,
    /// It had been done before, and nothing was sent.
    pub already: bool,
}

impl<T> Done<T> {
    /// It was done before.
    pub(super) fn already(value: T) -> Self {
        Self { value, warnings: Vec::new(), already: true }
    }
}

/// The calls of one errand.
pub(super) struct Errand<'a> {
    centra: &'a Centra,
    exchanges: Vec<Exchange>,
    acted: bool,
    begun: bool,
    /// The budget of a change is to be taken with the first call, or has been and was not used yet.
    reserves: bool,
}

impl<'a> Errand<'a> {
    /// One that only asks.
    pub(super) fn new(centra: &'a Centra) -> Self {
        Self { centra, exchanges: Vec::new(), acted: false, begun: false, reserves: false }
    }

    /// One whose looks may lead to a change. Its first call waits until the change can be made as well, and those after it
    /// wait no longer: a change that had to wait for what its own look had used up would look again, for ever.
    pub(super) fn changing(centra: &'a Centra) -> Self {
        Self { reserves: true, ..Self::new(centra) }
    }

    async fn call(&mut self, question: Question) -> Result<Said, CallError> {
        let mutates = match (self.begun, self.reserves) {
            (false, reserves) => question.mutates || reserves,
            (true, true) => false,
            (true, false) => question.mutates,
        };
        self.reserves &= !question.mutates;
        let said = self.centra.ask_in_turn(question, Turn { mutates, waits: !self.begun }).await;
        // A refused question was asked all the same, and what is asked instead of it follows.
        self.begun |= said.as_ref().map_or_else(|error| !error.exchanges.is_empty(), |_| true);
        said
    }

    /// The connection that this is an errand of.
    pub(super) fn centra(&self) -> &'a Centra {
        self.centra
    }

    /// A question.
    pub(super) async fn ask<T>(
        &mut self,
        question: Question,
        read: impl FnOnce(&str) -> Result<T, Unreadable>,
    ) -> Result<T, CallError> {
        match self.call(question).await.and_then(|said| said.read(read)) {
            Ok(mut answer) => {
                self.exchanges.append(&mut answer.exchanges);
                Ok(answer.value)
            }
            Err(error) => Err(self.honest(error)),
        }
    }

    /// A question that a tenant may refuse because it spells it otherwise; `None` then.
    pub(super) async fn try_ask<T>(
        &mut self,
        question: Question,
        read: impl FnOnce(&str) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, CallError> {
        match self.ask(question, read).await {
            Ok(value) => Ok(Some(value)),
            Err(CallError { kind: CallErrorKind::Rejected { .. }, mut exchanges }) => {
                self.exchanges.append(&mut exchanges);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A change. `field` is its name in the answer. `made` is the member that holds what it makes: when that stands beside
    /// a refusal, it may have been made all the same, and the error says so.
    pub(super) async fn change<T>(
        &mut self,
        question: Question,
        field: &str,
        made: Option<&str>,
        read: impl FnOnce(&Object<'_>) -> Result<T, Unreadable>,
    ) -> Result<Done<T>, CallError> {
        let said = match self.call(question).await {
            Ok(said) => said,
            Err(error) => return Err(self.honest(error)),
        };
        self.exchanges.extend(said.exchanges);
        match told(&said.data, field, made, read) {
            Ok(done) => {
                self.acted = true;
                Ok(done)
            }
            Err(kind) => Err(self.fail(kind)),
        }
    }

    pub(super) fn done<T>(self, value: T) -> Answer<T> {
        Answer { value, exchanges: self.exchanges }
    }

    /// Not done, in our own words; nothing is sent.
    pub(super) fn refuse(&mut self, reason: impl Into<String>) -> CallError {
        self.fail(CallErrorKind::Rejected { reason: reason.into() })
    }

    /// What we were given cannot be sent.
    pub(super) fn check<T>(&mut self, checked: Result<T, Unreadable>) -> Result<T, CallError> {
        checked.map_err(|unreadable| self.refuse(unreadable.reason))
    }

    fn fail(&mut self, kind: CallErrorKind) -> CallError {
        self.honest(CallError { kind, exchanges: Vec::new() })
    }

    fn honest(&mut self, error: CallError) -> CallError {
        let mut error = after(std::mem::take(&mut self.exchanges), error);
        if self.acted && !error.may_have_acted() {
            let reason = format!("a part was done, then: {}", error.kind);
            error.kind = CallErrorKind::Unavailable { reason, acted: true };
        }
        error
    }
}

/// What the shop said to a change. An answer that does not say whether the change failed is no answer.
pub(super) fn told<T>(
    data: &str,
    field: &str,
    made: Option<&str>,
    read: impl FnOnce(&Object<'_>) -> Result<T, Unreadable>,
) -> Result<Done<T>, CallErrorKind> {
    let nonsense = |unreadable: Unreadable| CallErrorKind::Protocol { reason: unreadable.reason };
    let payload = Object::open("data", data).and_then(|data| data.need_object(field)).map_err(nonsense)?;
    if !payload.has("userErrors") {
        return Err(nonsense(payload.missing("userErrors")));
    }
    if let Some(reason) = wire::user_errors(&payload).map_err(nonsense)? {
        // UNSURE: the vendor nowhere says that nothing is made beside a refusal.
        let made = made.is_some_and(|made| payload.has(made));
        return Err(match made {
            true => CallErrorKind::Unavailable { reason, acted: true },
            false => CallErrorKind::Rejected { reason },
        });
    }
    let value = read(&payload).map_err(nonsense)?;
    Ok(Done { value, warnings: wire::warnings(&payload), already: false })
}
