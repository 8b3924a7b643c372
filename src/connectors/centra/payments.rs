//! What happened to the money of an order, as the shop lists it.

use super::wire;
use crate::connectors::Unreadable;
use crate::connectors::json::Object;
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;

/// One entry of an order's or a return's payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The vendor's id, if told.
    pub id: Option<i64>,
    /// What happened.
    pub kind: PaymentKind,
    /// Whether it has.
    pub state: PaymentState,
    /// By a gift card.
    pub gift_card: bool,
    /// How much, never below zero: the kind says in which direction. UNSURE: the sign that the vendor gives a refund.
    pub amount: Fine,
    /// ISO code.
    pub currency: String,
    /// The payment provider's own name for it.
    pub reference: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// What happened to money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentKind {
    /// Set aside at the payer.
    Authorised,
    /// To be set aside; its end comes later.
    AuthorisationPending,
    /// Taken.
    Captured,
    /// To be taken; its end comes later, in days at worst.
    CaptureAsked,
    /// Could not be taken.
    CaptureFailed,
    /// Given back.
    Refunded,
    /// To be given back; its end comes later.
    RefundAsked,
    /// Could not be given back.
    RefundFailed,
    /// What was set aside was let go.
    Cancelled,
    /// To be let go.
    CancelAsked,
    /// Somebody said that it is paid.
    MarkedPaid,
    /// Somebody said that it is not.
    MarkedUnpaid,
    /// Paid before it was ordered.
    Prepaid,
    /// On top of an order.
    Additional,
    /// On invoice.
    Invoiced,
    /// The vendor's word for something else.
    Other(String),
}

/// How far an entry has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// Done.
    Success,
    /// Not yet.
    Pending,
    /// It did not work.
    Failed,
    /// The vendor's word for something else.
    Unknown(String),
}

impl PaymentKind {
    fn of(word: &str) -> (Self, bool) {
        let (plain, gift_card) = match word.strip_suffix("_GIFT_CARD") {
            Some(plain) => (plain, true),
            None => (word, false),
        };
        let kind = match plain {
            "AUTH" => Self::Authorised,
            "AUTH_PENDING" => Self::AuthorisationPending,
            "CAPTURE" => Self::Captured,
            "CAPTURE_PENDING" | "CAPTURE_REQUEST" => Self::CaptureAsked,
            "CAPTURE_FAILED" => Self::CaptureFailed,
            "REFUND" => Self::Refunded,
            "REFUND_REQUEST" => Self::RefundAsked,
            "REFUND_FAILED" => Self::RefundFailed,
            "CANCEL" => Self::Cancelled,
            "CANCEL_REQUEST" => Self::CancelAsked,
            "MARKED_AS_PAID" => Self::MarkedPaid,
            "MARKED_AS_UNPAID" => Self::MarkedUnpaid,
            "PREPAID" => Self::Prepaid,
            "ADDITIONAL_ORDER_PAYMENT" => Self::Additional,
            "INVOICE" => Self::Invoiced,
            _ => Self::Other(word.to_owned()),
        };
        (kind, gift_card)
    }

    pub(super) fn ends_capture(&self) -> bool {
        matches!(self, Self::Captured | Self::CaptureFailed)
    }
}

impl PaymentState {
    fn of(word: &str) -> Self {
        match word {
            "SUCCESS" => Self::Success,
            "PENDING" => Self::Pending,
            "FAILED" => Self::Failed,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// Where a movement of money stands that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It has moved.
    Done,
    /// The payment provider was asked; whether it does comes later. Must not be asked again.
    Asked,
    /// It did not move.
    Failed,
    /// The shop did not say. Must be looked at before anything else is done.
    NotTold,
}

/// Where a refund stands after these entries, which are in the order in which they happened. An end outweighs what was
/// asked before it.
pub(super) fn refund(entries: &[Payment]) -> Moved {
    moved(entries, |kind| match kind {
        PaymentKind::Refunded => Some(Moved::Done),
        PaymentKind::RefundAsked => Some(Moved::Asked),
        PaymentKind::RefundFailed => Some(Moved::Failed),
        _ => None,
    })
}

/// Where a capture stands.
pub(super) fn capture(entries: &[Payment]) -> Moved {
    moved(entries, |kind| match kind {
        PaymentKind::Captured => Some(Moved::Done),
        PaymentKind::CaptureAsked => Some(Moved::Asked),
        PaymentKind::CaptureFailed => Some(Moved::Failed),
        _ => None,
    })
}

/// Nothing is lost by taking what is done for done: a second movement would be a second one.
fn moved(entries: &[Payment], of: impl Fn(&PaymentKind) -> Option<Moved>) -> Moved {
    let mut last = Moved::NotTold;
    for entry in entries {
        let Some(kind) = of(&entry.kind) else { continue };
        let now = match (kind, &entry.state) {
            (_, PaymentState::Failed) => Moved::Failed,
            (Moved::Done, PaymentState::Success) => Moved::Done,
            (Moved::Done, _) => Moved::Asked,
            (kind, _) => kind,
        };
        if now == Moved::Done {
            return Moved::Done;
        }
        last = now;
    }
    last
}

/// Reads a list of entries.
pub(super) fn list(holder: &Object<'_>, name: &str, currency: &str) -> Result<Vec<Payment>, Unreadable> {
    holder.objects(name)?.iter().map(|row| read(row, currency)).collect()
}

/// Reads a single entry, if there is one.
pub(super) fn one(holder: &Object<'_>, name: &str, currency: &str) -> Result<Option<Payment>, Unreadable> {
    holder.object(name)?.map(|row| read(&row, currency)).transpose()
}

fn read(row: &Object<'_>, currency: &str) -> Result<Payment, Unreadable> {
    let (kind, gift_card) = PaymentKind::of(&row.text("entryType")?.ok_or_else(|| row.missing("entryType"))?);
    let amount = wire::money(row, "value")?.unwrap_or(Fine::ZERO);
    Ok(Payment {
        id: row.whole("id")?,
        kind,
        state: PaymentState::of(&row.text("status")?.unwrap_or_default()),
        gift_card,
        amount: Fine(amount.0.saturating_abs()),
        currency: wire::currency(row, "value")?.unwrap_or_else(|| currency.to_owned()),
        reference: row.key("externalReference")?,
        at: row.time("createdAt")?,
    })
}
