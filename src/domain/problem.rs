//! Problems: one per cause and subject, with an owner, which clear themselves when what caused them is gone.

use super::access::Deed;
use super::time::Span;
use super::words::sentence;
use serde::{Deserialize, Serialize};

/// The causes that this version can name. The word is the database's; titles and reasons are made where the
/// problem is raised, because they carry numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A system has not been read for too long.
    NotRead,
    /// A vendor refuses our key.
    KeyRefused,
    /// A shop keeps refusing a count.
    ShopRefuses,
    /// A write's outcome could not be found out.
    OutcomeUnknown,
    /// The web differs from what it should show for longer than the measured delay.
    Differs,
    /// A place that was written to is not any more, and what it shows grows wrong.
    NotWritten,
    /// Our own database, or a fault of ours, does not let a task of ours finish.
    OursFails,
    /// Returns that name no sale.
    ReturnsOnHold,
    /// Counted items on one side only.
    NotLinked,
    /// Records that could not be read.
    Unreadable,
    /// Notices refused at the door.
    NoticesRefused,
    /// More web orders than units.
    Oversold,
    /// Something of a shop has no twin at a till, or several could be it.
    NotMapped,
    /// A twin that somebody chose is no longer used at the till.
    TwinPutAway,
    /// Somebody guesses passwords.
    Guessing,
}

impl Kind {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Kind::NotRead => "not read",
            Kind::KeyRefused => "key refused",
            Kind::ShopRefuses => "shop refuses",
            Kind::OutcomeUnknown => "outcome unknown",
            Kind::Differs => "differs",
            Kind::NotWritten => "not written",
            Kind::OursFails => "ours fails",
            Kind::ReturnsOnHold => "returns on hold",
            Kind::NotLinked => "not linked",
            Kind::Unreadable => "unreadable",
            Kind::NoticesRefused => "notices refused",
            Kind::Oversold => "oversold",
            Kind::NotMapped => "not mapped",
            Kind::TwinPutAway => "twin put away",
            Kind::Guessing => "guessing",
        }
    }
}

/// How an error begins when a key is refused or lacks a right.
pub const KEY_REFUSED: &str = "the vendor refused our key";

/// Whether a call failed because its key is refused or lacks a right: only a person can mend that.
pub fn is_key_refused(error: &str) -> bool {
    error.starts_with(KEY_REFUSED)
}

/// A failed call as people read it: what does not work at this address, and what to do. The chain of causes itself is
/// for the log.
pub fn failure_in_words(error: &str, address: &str) -> String {
    if error.starts_with("the database failed at ") {
        return OURS_FAILS.to_owned();
    }
    let host = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let host = if host.is_empty() { "Its address" } else { host };
    let Some(reason) = error.strip_prefix("the vendor cannot be reached: ") else {
        return sentence(&error.replace("the vendor", "it"));
    };
    let says = |part: &str| reason.contains(part);
    if says("not called") {
        format!("{host} is not an address on the public internet, so we do not call it: check the address.")
    } else if says("dns error") || says("has no address") || says("failed to lookup") {
        format!("We cannot find {}: check the address.", host.to_lowercase())
    } else if says("certificate") {
        format!("{host} does not prove that it is what it says: check the address and its certificate.")
    } else if let Some(status) = reason.strip_prefix("it answered ").and_then(|rest| rest.split(':').next()) {
        format!("{host} answers with the error {status}.")
    } else if says("time is up") {
        format!("{host} does not answer in time.")
    } else {
        format!("{host} does not answer.")
    }
}

/// What to say when something of ours does not let us finish: nobody outside is to blame.
pub const OURS_FAILS: &str = "Our own database does not let us finish, or a fault of ours. We keep trying; look at \
                              the database's disk and its own log, then at ours.";

/// What we spoil ourselves for longer than this is shown: shorter it mends itself.
pub const OURS_FAILS_AFTER: Span = Span::minutes(2);

/// A mark older than this is stale.
pub const STALE_AFTER: Span = Span::minutes(10);

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A customer waits or money is being lost today.
    Now,
    /// Somebody must decide today.
    Soon,
    /// Runs by itself.
    Waiting,
}

impl Severity {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Now => "now",
            Severity::Soon => "soon",
            Severity::Waiting => "waiting",
        }
    }
}

/// A problem as it should stand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which cause.
    pub kind: Kind,
    /// What it is about: a connection, a place, a variant; empty for the whole house.
    pub subject: String,
    /// How bad.
    pub severity: Severity,
    /// The team it belongs to ("operations", "finance", "merchandising").
    pub team: &'static str,
    /// What happened.
    pub title: String,
    /// Why we think so.
    pub why: String,
    /// Money at stake in minor units, with its currency; 0 when none.
    pub money_minor: i64,
    /// ISO code.
    pub currency: String,
    /// Who or what waits.
    pub waits: String,
    /// What to press, recommended first.
    pub actions: Vec<Press>,
}

/// A button beside a problem. Kept with it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// The words on it; "…" at the end when it opens a preview.
    pub label: String,
    /// Where it goes.
    pub href: String,
    /// Whether pressing posts a form (changes something here) instead of following a link.
    pub post: bool,
    /// What it asks for: nobody is offered what would be refused.
    pub deed: Deed,
}

impl Press {
    /// Only looks.
    pub fn look(label: &str, href: impl Into<String>) -> Press {
        Press { label: label.to_owned(), href: href.into(), post: false, deed: Deed::SeeStock }
    }

    /// Opens a page that not everybody may see.
    pub fn open(label: &str, href: impl Into<String>, deed: Deed) -> Press {
        Press { label: label.to_owned(), href: href.into(), post: false, deed }
    }

    /// Changes something.
    pub fn act(label: &str, href: impl Into<String>, deed: Deed) -> Press {
        Press { label: label.to_owned(), href: href.into(), post: true, deed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_is_told_in_words() {
        let table = [
            (
                "the vendor cannot be reached: no connection: client error (Connect): dns error: failed to lookup",
                "We cannot find nosuch.invalid: check the address.",
            ),
            ("the vendor cannot be reached: no connection: tcp connect error", "nosuch.invalid does not answer."),
            ("the vendor cannot be reached: time is up", "nosuch.invalid does not answer in time."),
            ("the vendor cannot be reached: it answered 503: busy", "nosuch.invalid answers with the error 503."),
            (
                "the vendor cannot be reached: no connection: nosuch.invalid leads to our own machine; not called",
                "nosuch.invalid is not an address on the public internet, so we do not call it: check the address.",
            ),
            ("the database failed at reading differences", OURS_FAILS),
            ("the vendor refused our key: expired.", "It refused our key: expired."),
            ("the vendor asks us to wait", "It asks us to wait."),
        ];
        for (error, want) in table {
            assert_eq!(failure_in_words(error, "https://nosuch.invalid"), want);
            assert_eq!(is_key_refused(error), want.contains("our key"), "{error}");
        }
    }
}
