//! Where counts are written, and where the shop computes what it offers.
//!
//! This vendor has two notions where others have one. A *source* is a shelf: counts are written there. A *stock* is a
//! set of sources that websites sell from: there the shop adds up what lies on its enabled sources, subtracts its own
//! reservations and arrives at what it offers. Our books have one notion, a warehouse with physical, allocated and
//! sellable. The decisions:
//!
//! * **A warehouse is a source.** Listed are the sources of every stock that a website sells from, in the order of stock
//!   and priority. `default` is listed only where a website sells from the default stock, or where there is no other
//!   stock (a shop with one source): nobody buys from it otherwise, and the vendor will not let it join another stock.
//! * **Physical** is the source's quantity. Fractions are cut off downwards: the vendor counts in ten-thousandths, and
//!   half a unit cannot be sold as one. UNSURE what a shop with decimals means by them; the doubt costs at most one unit.
//! * **Allocated** is what the stock subtracts, which no address of the vendor tells: reservations cannot be read. It is
//!   what lies on the stock's sources less what the stock offers. So it holds the shop's own out-of-stock threshold too,
//!   where it has one, and it is too small where a stock owes more than it has, because the vendor shows no number below
//!   zero; the next reading after a write sets that right.
//! * **A stock with one source** gives it all of that. **A stock with several** gives it to them by priority, to each as
//!   far as its quantity reaches, as the vendor's own usual choice of sources does. The reservation itself names none.
//!   Orders that wait therefore name no warehouse (see [`super::orders`]), not even a pick-up order: what is subtracted
//!   once, by the stock, must not be expected at two places.
//! * **Sellable** is physical less allocated, never below zero, and nothing where the row says "out of stock".

use super::criteria::Criteria;
use super::errand::{Errand, REST};
use super::wire;
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Unreadable, VendorPlace};
use crate::domain::ids::OutletKey;

/// The source that every shop has.
pub(super) const DEFAULT_SOURCE: &str = "default";

/// The stock that every shop has.
const DEFAULT_STOCK: i64 = 1;

/// Rows of a page of sources, stocks or links; a shop has dozens.
const PLACE_ROWS: usize = 300;

/// A shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) enabled: bool,
    /// Customers may collect here.
    pub(super) pickup: bool,
}

/// A set of shelves that websites sell from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) id: i64,
    /// Codes of the websites that sell from it.
    pub(super) websites: Vec<String>,
    /// Codes of its sources, the first to be taken from first.
    pub(super) sources: Vec<String>,
}

/// All that is written to and sold from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) sources: Vec<Source>,
    /// Only those that count for us.
    pub(super) stocks: Vec<Stock>,
}

/// Reads sources, stocks and what joins them.
pub(super) async fn read(errand: &mut Errand<'_>, website: Option<&str>) -> Result<Places, CallError> {
    let everything = |by: &str| Criteria::new().by(by);
    let sources = errand
        .whole_list("read sources", &format!("{REST}/inventory/sources"), PLACE_ROWS, everything("source_code"))
        .await?;
    let stocks = errand
        .whole_list("read stocks", &format!("{REST}/inventory/stocks"), PLACE_ROWS, everything("stock_id"))
        .await?;
    let links = errand
        .whole_list(
            "read stock links",
            &format!("{REST}/inventory/stock-source-links"),
            PLACE_ROWS,
            everything("stock_id").by("priority"),
        )
        .await?;
    errand.read(places(&sources, &stocks, &links, website))
}

fn places(
    sources: &[String],
    stocks: &[String],
    links: &[String],
    website: Option<&str>,
) -> Result<Places, Unreadable> {
    let sources = sources.iter().map(|raw| source(raw)).collect::<Result<Vec<_>, _>>()?;
    let mut stocks = stocks.iter().map(|raw| stock(raw)).collect::<Result<Vec<_>, _>>()?;
    let mut joined = links.iter().map(|raw| link(raw)).collect::<Result<Vec<_>, _>>()?;
    joined.sort_by_key(|(stock, _, priority)| (*stock, *priority));
    for stock in &mut stocks {
        for (_, code, _) in joined.iter().filter(|(id, _, _)| *id == stock.id) {
            // The vendor takes codes in any case and keeps them as they were sent.
            let known = sources.iter().find(|source| source.code.eq_ignore_ascii_case(code));
            stock.sources.extend(known.map(|source| source.code.clone()));
        }
        if stock.id == DEFAULT_STOCK && stock.sources.is_empty() {
            stock.sources.push(DEFAULT_SOURCE.to_owned());
        }
        if let Some(website) = website {
            stock.websites.retain(|code| code == website);
        }
    }
    let sells = |stock: &Stock| !stock.websites.is_empty() && !stock.sources.is_empty();
    if let Some(website) = website.filter(|_| !stocks.iter().any(sells)) {
        return Err(Unreadable::new(format!("no stock sells on the website “{website}”")));
    }
    let alone = !stocks.iter().any(sells);
    // A shop without a stock of its own making has the default one, whether or not its channels are told.
    stocks.retain(|stock| sells(stock) || (alone && stock.id == DEFAULT_STOCK));
    stocks.sort_by_key(|stock| stock.id);
    Ok(Places { sources, stocks })
}

impl Places {
    /// The warehouses, as we call them.
    pub(super) fn warehouses(&self) -> Vec<VendorPlace> {
        let mut places: Vec<VendorPlace> = Vec::new();
        for code in self.stocks.iter().flat_map(|stock| &stock.sources) {
            let listed = places.iter().any(|place| place.key.as_str() == code);
            if let Some(source) = self.source(code).filter(|_| !listed) {
                places.push(VendorPlace {
                    key: OutletKey::new(source.code.clone()),
                    name: source.name.clone(),
                    zone: None,
                    currency: None,
                    archived: !source.enabled,
                    registers: 0,
                });
            }
        }
        places
    }

    /// The source of this code, in whatever case it was written.
    pub(super) fn source(&self, code: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.code.eq_ignore_ascii_case(code))
    }

    /// Whether counts are written there.
    pub(super) fn writes_to(&self, code: &str) -> bool {
        self.source(code).is_some_and(|source| {
            source.code == code
                && source.enabled
                && self.stocks.iter().any(|stock| stock.sources.contains(&source.code))
        })
    }

    /// The enabled sources of a stock, the first to be taken from first.
    pub(super) fn shelves<'a>(&'a self, stock: &'a Stock) -> impl Iterator<Item = &'a Source> {
        stock.sources.iter().filter_map(|code| self.source(code)).filter(|source| source.enabled)
    }
}

fn source(raw: &str) -> Result<Source, Unreadable> {
    let row = Object::open("source", raw)?;
    let more = match row.is_object("extension_attributes") {
        true => row.object("extension_attributes")?,
        false => None,
    };
    let pickup = match &more {
        Some(more) => more.flag("is_pickup_location_active")?.unwrap_or(false),
        None => false,
    };
    Ok(Source {
        code: row.need_key("source_code")?,
        name: row.text("name")?.unwrap_or_default(),
        enabled: row.flag("enabled")?.unwrap_or(false),
        pickup,
    })
}

fn stock(raw: &str) -> Result<Stock, Unreadable> {
    let row = Object::open("stock", raw)?;
    let mut websites = Vec::new();
    // Without channels the vendor writes an empty list where an object belongs.
    if row.is_object("extension_attributes") {
        for channel in row.need_object("extension_attributes")?.objects("sales_channels")? {
            if channel.text("type")?.as_deref() == Some("website") {
                websites.push(channel.need_key("code")?);
            }
        }
    }
    Ok(Stock { id: wire::id(&row, "stock_id")?, websites, sources: Vec::new() })
}

fn link(raw: &str) -> Result<(i64, String, i64), Unreadable> {
    let row = Object::open("link", raw)?;
    Ok((wire::id(&row, "stock_id")?, row.need_key("source_code")?, row.whole("priority")?.unwrap_or(i64::MAX)))
}

/// Reads one source, as the shop's address of it gives it.
#[cfg(test)]
pub(super) fn read_source(raw: &str) -> Result<Source, Unreadable> {
    source(raw)
}

/// Reads one stock.
#[cfg(test)]
pub(super) fn read_stock(raw: &str) -> Result<Stock, Unreadable> {
    stock(raw)
}

/// Reads one link between a stock and a source.
#[cfg(test)]
pub(super) fn read_link(raw: &str) -> Result<(i64, String, i64), Unreadable> {
    link(raw)
}
