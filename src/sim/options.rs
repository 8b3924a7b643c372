//! How large the simulated world is, how busy, and what goes wrong in it.

use super::habits::Habits;
use super::lightspeed_x::switches::XSwitches;
use crate::domain::ids::ConnectionId;
use crate::domain::system::{Pair, System};
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeSet;

/// A vendor as the world plays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// The till as X-Series.
    LightspeedX,
    /// The same till as R-Series.
    LightspeedR,
    /// The web shop.
    Centra,
    /// The same web shop as Magento.
    Magento,
}

impl Vendor {
    /// A word for logs and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Vendor::LightspeedX => "lightspeed_x",
            Vendor::LightspeedR => "lightspeed_r",
            Vendor::Centra => "centra",
            Vendor::Magento => "magento",
        }
    }
}

/// What the world can do to us on purpose. Ordinary trade (returns, voids, exchanges, parked sales, partial
/// returns that are saved first) happens without being asked for and is counted under its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A notice is never sent.
    F01,
    /// A notice is delivered several times, some at once.
    F02,
    /// Notices come late and newest first.
    F03,
    /// Our receiver is down for six hours.
    F04,
    /// "Too many requests" in bursts.
    F05,
    /// The shop accepts a write and does not apply it.
    F06,
    /// A web order exists when a count is pushed (ordinary trade; counted).
    F07,
    /// Somebody edits the count by hand in the shop.
    F08,
    /// Somebody edits the count by hand in the till.
    F09,
    /// A stocktake is posted in the till.
    F10,
    /// An item is archived in the till while on sale.
    F13,
    /// A partial return: saved in full first, then closed with the real quantities (ordinary trade; counted).
    F16,
    /// A return without a link (ordinary trade; counted).
    F17,
    /// An exchange (ordinary trade; counted).
    F18,
    /// A stock read answers empty, truncated or with a web page.
    F20,
    /// A till's sign-in is renewed and the answer is lost.
    F26,
    /// The shop does what was asked and the answer is lost.
    F28,
}

impl Fault {
    /// Every fault, in order.
    pub const ALL: [Fault; 17] = [
        Fault::F01,
        Fault::F02,
        Fault::F03,
        Fault::F04,
        Fault::F05,
        Fault::F06,
        Fault::F07,
        Fault::F08,
        Fault::F09,
        Fault::F10,
        Fault::F13,
        Fault::F16,
        Fault::F17,
        Fault::F18,
        Fault::F20,
        Fault::F26,
        Fault::F28,
    ];

    /// The id used on command lines and in reports.
    pub const fn code(self) -> &'static str {
        match self {
            Fault::F01 => "F01",
            Fault::F02 => "F02",
            Fault::F03 => "F03",
            Fault::F04 => "F04",
            Fault::F05 => "F05",
            Fault::F06 => "F06",
            Fault::F07 => "F07",
            Fault::F08 => "F08",
            Fault::F09 => "F09",
            Fault::F10 => "F10",
            Fault::F13 => "F13",
            Fault::F16 => "F16",
            Fault::F17 => "F17",
            Fault::F18 => "F18",
            Fault::F20 => "F20",
            Fault::F26 => "F26",
            Fault::F28 => "F28",
        }
    }

    /// Reads an id such as "F05"; case does not matter.
    pub fn parse(code: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.code().eq_ignore_ascii_case(code.trim()))
    }
}

/// What the shop does with a physical count below what it has allocated. Vendor papers leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BelowAllocated {
    /// The count becomes the allocated quantity, without a word.
    Clamp,
    /// The row is refused with a user error.
    UserError,
}

/// One store: an outlet of the till account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its name as people know it.
    pub name: String,
    /// IANA zone.
    pub zone: chrono_tz::Tz,
    /// ISO currency.
    pub currency: String,
    /// Registers in it; the till's rate limit grows with them.
    pub registers: u32,
}

impl Store {
    /// A store with one register.
    pub fn new(name: &str, zone: chrono_tz::Tz, currency: &str) -> Self {
        Self { name: name.into(), zone, currency: currency.into(), registers: 1 }
    }
}

/// Everything that decides how a world begins and goes on.
#[derive(Debug, Clone)]
pub struct Options {
    /// The one source of chance.
    pub seed: u64,
    /// When the world begins.
    pub start: Timestamp,
    /// Sellable things (style × colour × size).
    pub skus: usize,
    /// Outlets of the till; all of them feed the web warehouse.
    pub stores: Vec<Store>,
    /// Till sales of an ordinary weekday, over all stores.
    pub sales_per_day: u32,
    /// Web orders of a day.
    pub orders_per_day: u32,
    /// Returns at the till on a day.
    pub returns_per_day: u32,
    /// How many of a hundred returns name the sale they return.
    pub linked_returns_percent: u32,
    /// What lies behind the accounts when the world begins (sales, returns and orders of before), in percent of a
    /// day's trade; 0 for accounts without a past.
    pub history_percent: u32,
    /// How many of a hundred items cannot be matched by their SKU alone.
    pub dirt_percent: u32,
    /// A till may be sold below zero, as when its count was wrong all along.
    pub miscounts: bool,
    /// What goes wrong on purpose.
    pub faults: BTreeSet<Fault>,
    /// Whether the vendors enforce their own rate rules.
    pub limits_on: bool,
    /// Whether trade goes on by itself; off for tests that act by hand.
    pub trade: bool,
    /// Whether both vendors already hold a webhook that points to us.
    pub hooks_registered: bool,
    /// Address that the pre-registered webhooks point to; the connection's id is appended.
    pub hook_base: String,
    /// What the shop does with a count below its allocated units.
    pub below_allocated: BelowAllocated,
    /// How the accounts behave where the vendors' papers leave it open; by the seed without it.
    pub habits: Option<Habits>,
    /// Deliveries younger than this at the moment of a write need not have been acted upon yet.
    pub write_grace: Span,
    /// Longest time that an ordinary notice is under way; the shortest is a tenth of a second.
    pub notice_delay_max: Span,
    /// Whose shop it is. What customers do does not depend on it, only how the shop speaks.
    pub web_vendor: Vendor,
    /// Whose till it is. What happens in the stores does not depend on it, only how the till speaks.
    pub till_vendor: Vendor,
    /// Our connection to the till.
    pub till_connection: ConnectionId,
    /// Our connection to the shop.
    pub web_connection: ConnectionId,
    /// Bearer token that the till accepts; with R-Series only as long as `till_token_lasts`, with X-Series until it is renewed.
    pub till_token: String,
    /// The refresh token that was given out with `till_token` when the world began.
    pub till_refresh_token: String,
    /// With R-Series: how long an access token lives.
    pub till_token_lasts: Span,
    /// What `till_token` allows, space separated; with R-Series words after `employee:`. `all` is everything.
    pub till_scopes: String,
    /// Our application's client id; its secret is `till_secret`.
    pub till_client: String,
    /// With X-Series: what the vendor's papers leave open.
    pub till_switches: XSwitches,
    /// Client secret with which the till signs its notices.
    pub till_secret: String,
    /// Bearer token that the shop accepts.
    pub web_token: String,
    /// Secret with which the shop signs its notices.
    pub web_secret: String,
    /// With Magento: the address at which the shop thinks it is; signatures cover it.
    pub web_base: String,
    /// With Magento: names our integration; its access token is `web_token`.
    pub web_consumer_key: String,
    /// With Magento: half of the key that signs.
    pub web_consumer_secret: String,
    /// With Magento: the other half.
    pub web_token_secret: String,
}

/// Monday 2 March 2026, 00:00 UTC.
const START: Timestamp = Timestamp::from_secs(1_772_409_600);

impl Default for Options {
    fn default() -> Self {
        let london = chrono_tz::Europe::London;
        Self {
            seed: 1,
            start: START,
            skus: 500,
            stores: vec![Store::new("King’s Cross", london, "GBP"), Store::new("Soho", london, "GBP")],
            sales_per_day: 800,
            orders_per_day: 120,
            returns_per_day: 25,
            linked_returns_percent: 70,
            history_percent: 5,
            dirt_percent: 0,
            miscounts: false,
            faults: BTreeSet::new(),
            limits_on: true,
            trade: true,
            hooks_registered: true,
            hook_base: "http://127.0.0.1/hooks/".into(),
            below_allocated: BelowAllocated::Clamp,
            habits: None,
            write_grace: Span::ZERO,
            notice_delay_max: Span::secs(2),
            web_vendor: Vendor::Centra,
            till_vendor: Vendor::LightspeedX,
            till_connection: ConnectionId::new("till"),
            web_connection: ConnectionId::new("web"),
            till_token: "simulated-till-token".into(),
            till_refresh_token: "simulated-till-refresh-token".into(),
            till_token_lasts: Span::hours(1),
            till_scopes: "all".into(),
            till_client: "simulated-till-client".into(),
            till_switches: XSwitches::default(),
            till_secret: "simulated-till-client-secret".into(),
            web_token: "simulated-shop-token".into(),
            web_secret: "simulated-shop-webhook-secret".into(),
            web_base: "https://shop.invalid".into(),
            web_consumer_key: "simulated-shop-consumer".into(),
            web_consumer_secret: "simulated-shop-consumer-secret".into(),
            web_token_secret: "simulated-shop-token-secret".into(),
        }
    }
}

impl Options {
    /// A small, quiet world in which nothing happens unless a test makes it happen.
    pub fn still(seed: u64, skus: usize) -> Self {
        Self { seed, skus, trade: false, history_percent: 0, habits: Some(Habits::PLAIN), ..Self::default() }
    }

    /// How the accounts behave.
    pub fn habits(&self) -> Habits {
        self.habits.unwrap_or_else(|| Habits::of_seed(self.seed))
    }

    /// The system that the shop is.
    pub fn web_system(&self) -> System {
        if self.web_vendor == Vendor::Magento { System::Magento } else { System::Centra }
    }

    /// The system that the till is.
    pub fn till_system(&self) -> System {
        if self.till_vendor == Vendor::LightspeedR { System::LightspeedR } else { System::LightspeedX }
    }

    /// The same world, played by these two vendors.
    pub fn with_pair(self, pair: Pair) -> Self {
        let web_vendor = if pair.shop == System::Magento { Vendor::Magento } else { Vendor::Centra };
        let till_vendor = if pair.till == System::LightspeedR { Vendor::LightspeedR } else { Vendor::LightspeedX };
        Self { web_vendor, till_vendor, ..self }
    }

    /// The same world with its till as R-Series.
    pub fn with_r_series(self) -> Self {
        Self { till_vendor: Vendor::LightspeedR, ..self }
    }

    /// The vendor behind a connection.
    pub fn vendor(&self, connection: &ConnectionId) -> Option<Vendor> {
        if *connection == self.till_connection {
            Some(self.till_vendor)
        } else if *connection == self.web_connection {
            Some(self.web_vendor)
        } else {
            None
        }
    }

    /// The connection to a vendor.
    pub fn connection(&self, vendor: Vendor) -> &ConnectionId {
        match vendor {
            Vendor::LightspeedX | Vendor::LightspeedR => &self.till_connection,
            Vendor::Centra | Vendor::Magento => &self.web_connection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_back_from_its_own_code() {
        for fault in Fault::ALL {
            assert_eq!(Fault::parse(&fault.code().to_lowercase()), Some(fault));
        }
        assert_eq!(Fault::parse("F99"), None);
    }
}
