//! What lies on the sources and what the stocks offer, put together into readings.
//!
//! Pure: the decisions are those of [`super::places`].

use super::places::{Places, Stock};
use super::wire;
use crate::connectors::Unreadable;
use crate::connectors::json::Object;
use crate::domain::fact::ShopReading;
use crate::domain::ids::{OutletKey, ProductKey};
use std::collections::{BTreeMap, HashMap};

/// A row of a source: one product's quantity there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// As the row spells it; the vendor finds SKUs in any case and keeps them as they were sent.
    pub(super) sku: String,
    pub(super) source: String,
    /// In parts of a unit.
    pub(super) quantity: i64,
    /// Whether the shop counts it at all.
    pub(super) in_stock: bool,
}

/// What a stock offers of its products, in parts of a unit, by the SKU in small letters; `None` for one whose stock the
/// shop does not manage: it sells that without counting. UNSURE: never recorded, by the source only.
#[derive(Debug, Clone, Default)]
pub(super) struct Offers {
    pub(super) rows: HashMap<String, Option<i64>>,
    /// The shop counted more rows than it gave. UNSURE whether it counts products that the stock does not have.
    pub(super) fewer_than_counted: bool,
}

/// Reads a row of a source.
pub(super) fn item(raw: &str) -> Result<Item, Unreadable> {
    let row = Object::open("source item", raw)?;
    Ok(Item {
        sku: row.need_key("sku")?,
        source: row.need_key("source_code")?,
        quantity: wire::need_quantity(&row, "quantity")?,
        in_stock: row.whole("status")?.ok_or_else(|| row.missing("status"))? == 1,
    })
}

/// Reads a row of what a stock offers.
pub(super) fn offer(raw: &str) -> Result<(String, Option<i64>), Unreadable> {
    let row = Object::open("salable row", raw)?;
    let offered = wire::quantity(&row, "qty")?.map(|parts| parts.max(0));
    if offered.is_none() && !row.flag("is_salable")?.ok_or_else(|| row.missing("qty"))? {
        return Err(row.missing("qty"));
    }
    Ok((row.need_key("sku")?, offered))
}

/// Whether the two answers about a product cannot both be whole: a stock offers units that no source has a row of, or says
/// nothing of what lies on its sources in an answer that was cut off.
pub(super) fn contradicts(places: &Places, offers: &[Offers], sku: &str, items: &[Item]) -> bool {
    let key = folded(sku);
    let lies = |stock: &Stock| {
        let on = |item: &&Item| places.shelves(stock).any(|source| source.code.eq_ignore_ascii_case(&item.source));
        items.iter().filter(on).any(|item| item.in_stock && item.quantity > 0)
    };
    places.stocks.iter().zip(offers).any(|(stock, offers)| match offers.rows.get(&key) {
        Some(offered) => offered.is_some_and(|parts| parts > 0) && items.is_empty(),
        None => offers.fewer_than_counted && lies(stock),
    })
}

/// A SKU as the vendor compares it.
pub(super) fn folded(sku: &str) -> String {
    sku.to_lowercase()
}

/// The readings of one product: one for each source that has a row of it. `offers` holds what each stock of the places
/// offers, in their order; a stock that does not name the product offers nothing of it and subtracts nothing.
pub(super) fn readings(places: &Places, offers: &[Offers], product: &ProductKey, items: &[Item]) -> Vec<ShopReading> {
    let mut shelves: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
    for item in items {
        let Some(source) = places.source(&item.source) else { continue };
        let shelf = shelves.entry(source.code.as_str()).or_insert((0, false));
        // Two rows that differ in case are two rows for the vendor as well, and both count.
        shelf.0 = shelf.0.saturating_add(item.quantity);
        shelf.1 |= item.in_stock;
    }
    let mut taken: BTreeMap<&str, i64> = BTreeMap::new();
    let mut silent: Vec<&str> = Vec::new();
    let key = folded(product.as_str());
    for (stock, offers) in places.stocks.iter().zip(offers) {
        let counted = |code: &str| shelves.get(code).filter(|shelf| shelf.1).map(|shelf| shelf.0);
        let on_shelves: Vec<(&str, i64)> =
            places.shelves(stock).filter_map(|source| Some((source.code.as_str(), counted(&source.code)?))).collect();
        let sum: i64 = on_shelves.iter().map(|(_, quantity)| *quantity).sum();
        let Some(offered) = offers.rows.get(&key) else {
            // A stock without a website cannot be asked; one that can and says nothing has not taken the row in yet.
            if !stock.websites.is_empty() && sum > 0 {
                silent.extend(on_shelves.iter().map(|(code, _)| *code));
            }
            continue;
        };
        if let Some(offered) = offered {
            share_out(&on_shelves, (sum - offered).max(0), &mut taken);
        }
    }
    let reading = |(code, (quantity, in_stock)): (&str, (i64, bool))| {
        let physical = wire::whole(quantity);
        let taken = taken.get(code).copied().unwrap_or(0);
        let offered = wire::whole(quantity - taken).max(0);
        let (allocated, sellable) = match in_stock {
            false => (0, 0),
            true if taken <= quantity => (physical - offered, if silent.contains(&code) { 0 } else { offered }),
            true => (-wire::whole(-taken), 0),
        };
        ShopReading { product: product.clone(), warehouse: OutletKey::new(code), physical, allocated, sellable }
    };
    let placed = |code: &str| places.stocks.iter().any(|stock| stock.sources.iter().any(|known| known == code));
    shelves.into_iter().filter(|(code, _)| placed(code)).map(reading).collect()
}

/// Gives what a stock subtracts to its shelves, in order, each as far as it reaches; what none of them has stays with
/// the first.
fn share_out<'a>(shelves: &[(&'a str, i64)], subtracted: i64, taken: &mut BTreeMap<&'a str, i64>) {
    let mut left = subtracted;
    for (code, quantity) in shelves {
        let already = taken.get(code).copied().unwrap_or(0);
        let part = left.min((quantity - already).max(0));
        left -= part;
        *taken.entry(code).or_default() += part;
    }
    if let Some((first, _)) = shelves.first() {
        *taken.entry(first).or_default() += left;
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::Source;
    use super::*;
    use proptest::prelude::*;

    fn places(stocks: &[(i64, &[&str])]) -> Places {
        let codes = ["warehouse", "store_malmo", "store_lund", "default"];
        let source = |code: &&str| Source {
            code: (*code).to_owned(),
            name: String::new(),
            enabled: *code != "store_lund" || stocks.len() < 3,
            pickup: false,
        };
        let stock = |(id, codes): &(i64, &[&str])| Stock {
            id: *id,
            websites: vec![format!("site{id}")],
            sources: codes.iter().map(|code| (*code).to_owned()).collect(),
        };
        Places { sources: codes.iter().map(source).collect(), stocks: stocks.iter().map(stock).collect() }
    }

    fn items(rows: &[(&str, i64, bool)]) -> Vec<Item> {
        let item = |(source, quantity, in_stock): &(&str, i64, bool)| Item {
            sku: "Mug-1".to_owned(),
            source: (*source).to_owned(),
            quantity: *quantity,
            in_stock: *in_stock,
        };
        rows.iter().map(item).collect()
    }

    fn read(places: &Places, offers: &[Option<i64>], rows: &[(&str, i64, bool)]) -> Vec<(String, i64, i64, i64)> {
        let named = |offered: &Option<i64>| offered.map(|n| ("mug-1".to_owned(), Some(n))).into_iter().collect();
        let offers: Vec<Offers> =
            offers.iter().map(|offered| Offers { rows: named(offered), fewer_than_counted: false }).collect();
        let readings = readings(places, &offers, &ProductKey::new("MUG-1"), &items(rows));
        readings.into_iter().map(|r| (r.warehouse.to_string(), r.physical, r.allocated, r.sellable)).collect()
    }

    fn row(code: &str, physical: i64, allocated: i64, sellable: i64) -> (String, i64, i64, i64) {
        (code.to_owned(), physical, allocated, sellable)
    }

    #[test]
    fn one_source_bears_all_that_its_stock_subtracts() {
        let one = places(&[(2, &["warehouse"])]);
        let rows = [("warehouse", 160_000, true), ("default", 50_000, true)];
        assert_eq!(read(&one, &[Some(130_000)], &rows), [row("warehouse", 16, 3, 13)]);
        assert_eq!(read(&one, &[Some(0)], &[("warehouse", 20_000, true)]), [row("warehouse", 2, 2, 0)]);
        // Negative on the shelf, out of stock, and a stock that has not taken the row in yet.
        assert_eq!(read(&one, &[Some(0)], &[("warehouse", -30_000, true)]), [row("warehouse", -3, 0, 0)]);
        assert_eq!(read(&one, &[Some(0)], &[("warehouse", 50_000, false)]), [row("warehouse", 5, 0, 0)]);
        assert_eq!(read(&one, &[None], &[("warehouse", 50_000, true)]), [row("warehouse", 5, 0, 0)]);
        assert_eq!(read(&one, &[None], &[("Warehouse", 0, true)]), [row("warehouse", 0, 0, 0)]);
    }

    #[test]
    fn fractions_are_cut_off_downwards() {
        let one = places(&[(2, &["warehouse"])]);
        assert_eq!(read(&one, &[Some(41_235)], &[("warehouse", 41_235, true)]), [row("warehouse", 4, 0, 4)]);
        assert_eq!(read(&one, &[Some(125_000)], &[("warehouse", 160_000, true)]), [row("warehouse", 16, 4, 12)]);
        assert_eq!(read(&one, &[Some(0)], &[("warehouse", -1, true)]), [row("warehouse", -1, 0, 0)]);
    }

    #[test]
    fn several_sources_bear_it_by_priority() {
        let three = places(&[(2, &["warehouse", "store_malmo", "store_lund"])]);
        let rows = [("store_lund", 20_000, true), ("store_malmo", 40_000, true), ("warehouse", 100_000, true)];
        let read = |offered| read(&three, &[Some(offered)], &rows);
        assert_eq!(
            read(130_000),
            [row("store_lund", 2, 0, 2), row("store_malmo", 4, 0, 4), row("warehouse", 10, 3, 7)]
        );
        assert_eq!(
            read(40_000),
            [row("store_lund", 2, 0, 2), row("store_malmo", 4, 2, 2), row("warehouse", 10, 10, 0)]
        );
        // A source that was just disabled: the stock still offers what lies there.
        assert_eq!(
            read(200_000),
            [row("store_lund", 2, 0, 2), row("store_malmo", 4, 0, 4), row("warehouse", 10, 0, 10)]
        );
    }

    #[test]
    fn a_source_of_two_stocks_bears_what_both_subtract() {
        let two = places(&[(2, &["warehouse", "store_malmo"]), (3, &["warehouse"])]);
        let rows = [("warehouse", 100_000, true), ("store_malmo", 50_000, true)];
        assert_eq!(
            read(&two, &[Some(130_000), Some(70_000)], &rows),
            [row("store_malmo", 5, 0, 5), row("warehouse", 10, 5, 5)]
        );
    }

    proptest! {
        #[test]
        fn what_the_sources_show_adds_up_to_what_the_stock_offers(
            quantities in prop::collection::vec(0_i64..50, 3), reserved in 0_i64..120,
        ) {
            let three = places(&[(2, &["warehouse", "store_malmo", "store_lund"])]);
            let sum: i64 = quantities.iter().sum();
            let offered = (sum - reserved).max(0);
            let rows: Vec<_> = ["warehouse", "store_malmo", "store_lund"].iter().zip(&quantities)
                .map(|(code, quantity)| (*code, quantity * 10_000, true)).collect();
            let read = read(&three, &[Some(offered * 10_000)], &rows);
            prop_assert_eq!(read.iter().map(|row| row.3).sum::<i64>(), offered);
            prop_assert_eq!(read.iter().map(|row| row.2).sum::<i64>(), sum - offered);
            for (_, physical, allocated, sellable) in read {
                prop_assert_eq!(physical - allocated, sellable);
            }
        }
    }
}
