//! The Stock list and the SKU page.

use super::explain::{self, Halt};
use super::overview::freshness;
use super::views::{Loose, Severity, Sku, SkuPlace, Step, Stock, StockQuery, StockRow, StockSort, Sum};
use super::{Actor, OperatorError, store_failed};
use crate::domain::access::Deed;
use crate::domain::money::Fine;
use crate::domain::sizes;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::views::{self, Filter, Sort, TargetRow, UnlinkedRow};
use crate::store::{connections, listings, sku_views};
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// Rows per page.
const PAGE: i64 = 50;

/// Rows of an export at most.
const EXPORT_MAX: i64 = 100_000;

fn filter(query: &StockQuery) -> Filter {
    Filter {
        search: query.search.chars().take(100).collect(),
        place: query.place.clone().unwrap_or_default(),
        differing: query.differing,
        held: query.held,
        sort: match query.sort {
            StockSort::Difference => Sort::Difference,
            StockSort::Item => Sort::Item,
            StockSort::Sku => Sort::Sku,
            StockSort::Till => Sort::Till,
            StockSort::Should => Sort::Should,
            StockSort::Web => Sort::Web,
        },
        descending: query.descending,
    }
}

/// Rows before a page; past the end it is the last page that is meant.
fn offset(page: i64, matching: i64) -> i64 {
    let last = (matching - 1).max(0) / PAGE;
    page.saturating_sub(1).clamp(0, last) * PAGE
}

/// One page of the list. A page past the end is the last one.
pub async fn list(engine: &Engine, actor: &Actor, query: &StockQuery) -> Result<Stock, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let store = engine.store();
    let totals = views::totals(store).await.map_err(store_failed)?;
    let (at_till, in_shop, _) = listings::unlinked().ask(store).await.map_err(store_failed)?;
    let filter = filter(query);
    let linked =
        if query.linked == Some(false) { 0 } else { views::count(store, &filter).await.map_err(store_failed)? };
    let loose =
        if shows_unlinked(query) { views::unlinked_count(store, &filter).await.map_err(store_failed)? } else { 0 };
    let matching = linked + loose;
    let offset = offset(query.page, matching);
    let mut rows = Vec::new();
    if offset < linked {
        let found = views::targets(store, &filter, PAGE, offset).await.map_err(store_failed)?;
        let paused = paused(engine).await?;
        rows.extend(found.iter().map(|row| stock_row(engine, row, &paused)));
    }
    // What is not linked comes after what is.
    let room = (matching - offset).clamp(0, PAGE) - i64::try_from(rows.len()).unwrap_or(PAGE);
    if room > 0 {
        rows.extend(unlinked(engine, &filter, room, (offset - linked).max(0)).await?);
    }
    let outlets = connections::outlets(store).await.map_err(store_failed)?;
    let mut places = connections::places(store).await.map_err(store_failed)?;
    places.retain(|place| outlets.iter().any(|outlet| outlet.place == place.id));
    Ok(Stock {
        freshness: freshness(engine).await?,
        rows,
        matching,
        total: totals.all,
        differing: (totals.differing, totals.units),
        unlinked: at_till + in_shop,
        outlets_left: outlets.iter().filter(|outlet| outlet.place.is_empty()).count(),
        places: places.into_iter().map(|place| (place.id, place.name)).collect(),
        page_size: PAGE,
    })
}

/// Everything that matches, for the CSV; at most 100,000 rows.
pub async fn export(engine: &Engine, actor: &Actor, query: &StockQuery) -> Result<Vec<StockRow>, OperatorError> {
    actor.check(Deed::Export)?;
    let filter = filter(query);
    let mut rows = Vec::new();
    if query.linked != Some(false) {
        let found = views::targets(engine.store(), &filter, EXPORT_MAX, 0).await.map_err(store_failed)?;
        let paused = paused(engine).await?;
        rows.extend(found.iter().map(|row| stock_row(engine, row, &paused)));
    }
    let room = EXPORT_MAX - i64::try_from(rows.len()).unwrap_or(EXPORT_MAX);
    if shows_unlinked(query) && room > 0 {
        rows.extend(unlinked(engine, &filter, room, 0).await?);
    }
    Ok(rows)
}

/// Whether items that are not linked belong in the answer: when they are asked for, and when a search may mean them.
fn shows_unlinked(query: &StockQuery) -> bool {
    query.linked == Some(false) || (query.linked.is_none() && !query.search.trim().is_empty())
}

async fn unlinked(engine: &Engine, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<StockRow>, OperatorError> {
    let rows = views::unlinked(engine.store(), filter, limit, offset).await.map_err(store_failed)?;
    let currency = connections::currency(engine.store()).await.map_err(store_failed)?.unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| StockRow {
            cause: (Severity::Soon, format!("Not linked: {}", why_not_linked(&row))),
            variant: None,
            till: (row.side == "till").then_some(row.units),
            value: (row.side == "till").then(|| (Fine(row.value_fine).to_minor(), currency.clone())),
            loose: Some(Loose {
                at_till: row.side == "till",
                connection: row.connection,
                has_namesakes: !row.sku.trim().is_empty() && (row.same_here > 1 || row.same_there > 0),
            }),
            item: row.item,
            sku: row.sku,
            place: String::new(),
            sum: None,
        })
        .collect())
}

/// Why an item has no twin.
fn why_not_linked(row: &UnlinkedRow) -> String {
    let (here, there) =
        if row.side == "till" { ("at the till", "in the shop") } else { ("in the shop", "at the till") };
    if row.sku.trim().is_empty() {
        "it has no SKU".to_owned()
    } else if row.same_here > 1 {
        format!("two items, one SKU: {} {here} have it", row.same_here)
    } else if row.same_there == 0 {
        format!("no such SKU {there}")
    } else if row.most_there > 1 {
        format!("two items, one SKU: {} {there} have it", row.most_there)
    } else if row.exact_there == 0 {
        format!("the SKU {there} differs only in upper and lower case or blanks")
    } else if row.fit_there == 0 {
        format!("its twin {there} is a bundle or not counted")
    } else if let Some((own, other)) = sizes::contradiction(&row.options.0, &row.options.1) {
        format!("same SKU, another size ({own} {here}, {other} {there})")
    } else {
        "its twin is known, and linked once both lists are read whole".to_owned()
    }
}

/// The sum of a target, as pages show it.
pub(super) fn sum(row: &TargetRow) -> Sum {
    Sum {
        till: row.till,
        waiting: row.waiting,
        hold: row.hold,
        buffer: row.buffer,
        checking: row.checking,
        should: row.should,
        floored: row.floored,
        web: row.web,
        difference: row.web.map(|web| web - row.should),
    }
}

/// Places whose shop somebody paused.
async fn paused(engine: &Engine) -> Result<HashSet<String>, OperatorError> {
    let links = engine.cx().links();
    let paused = |id: &str| links.iter().any(|link| link.id == id && link.paused.load(Ordering::SeqCst));
    let places = connections::places(engine.store()).await.map_err(store_failed)?;
    Ok(places.into_iter().filter(|place| paused(&place.connection)).map(|place| place.id).collect())
}

fn stock_row(engine: &Engine, row: &TargetRow, paused: &HashSet<String>) -> StockRow {
    let halt = Halt::of(row, paused.contains(&row.place));
    StockRow {
        variant: Some(row.variant.clone()),
        item: row.item.clone(),
        sku: row.sku.clone(),
        place: row.place_name.clone(),
        loose: None,
        sum: Some(sum(row)),
        till: None,
        value: None,
        cause: explain::in_short(row, halt, engine.clock().now()),
    }
}

/// One variant in full.
pub async fn sku(engine: &Engine, actor: &Actor, variant: &str) -> Result<Sku, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let store = engine.store();
    let (sku, item, barcode) =
        sku_views::variant(store, variant).await.map_err(store_failed)?.ok_or(OperatorError::NotFound)?;
    let links = sku_views::listings_of(store, variant).await.map_err(store_failed)?;
    let now = engine.clock().now();
    let mut places = Vec::new();
    let paused = paused(engine).await?;
    for row in views::of_variant(store, variant).await.map_err(store_failed)? {
        places.push(place(engine, &row, &paused, now).await?);
    }
    Ok(Sku {
        freshness: freshness(engine).await?,
        variant: variant.to_owned(),
        item,
        sku,
        barcode: (!barcode.is_empty()).then_some(barcode),
        links: links.into_iter().map(|(_, name, product, sku, _)| (name, product, sku)).collect(),
        places,
    })
}

async fn place(
    engine: &Engine,
    row: &TargetRow,
    paused: &HashSet<String>,
    now: Timestamp,
) -> Result<SkuPlace, OperatorError> {
    let store = engine.store();
    let (variant, place) = (row.variant.as_str(), row.place.as_str());
    let halt = Halt::of(row, paused.contains(place));
    let last = sku_views::pushes_of(store, variant, place, 1).await.map_err(store_failed)?;
    let steps = explain::steps(engine, row).await?;
    Ok(SkuPlace {
        place: row.place.clone(),
        name: row.place_name.clone(),
        live: row.live,
        read_at: known_at(row, &steps, now),
        sum: sum(row),
        outlets: sku_views::outlets_of(store, variant, place).await.map_err(store_failed)?,
        orders: sku_views::waiting_orders(store, variant, place, 20).await.map_err(store_failed)?,
        holds: sku_views::holds_of(store, variant, place).await.map_err(store_failed)?,
        why: explain::why(row, halt, now, last.first()),
        if_nothing: explain::if_nothing(row, halt, now),
        older: steps.len() >= explain::STEPS,
        steps,
        push: explain::push_state(row, halt, last.first()),
    })
}

/// When the newest thing behind the sum was known: it was made anew, the shop was read, or a step was taken, which an
/// acknowledged update is too. Never in the future, whatever a vendor's clock says.
fn known_at(row: &TargetRow, steps: &[Step], now: Timestamp) -> Option<Timestamp> {
    let stepped = steps.iter().map(|step| step.known_at.max(step.at)).max().unwrap_or_default();
    Some(row.computed_at.max(row.web_read_at).max(stepped.min(now))).filter(|at| *at > Timestamp(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        for ((page, matching), want) in [
            ((1, 0), 0),
            ((1, 500), 0),
            ((10, 500), 450),
            ((11, 500), 450),
            ((11, 501), 500),
            ((i64::MAX, 60), 50),
            ((0, 60), 0),
            ((i64::MIN, 60), 0),
        ] {
            assert_eq!(offset(page, matching), want, "{page} of {matching}");
        }
    }
}
