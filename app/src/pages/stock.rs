//! The Stock list: the sum in columns, filtered and sorted by the address, and the same rows as a CSV file.

use super::frame::{Asked, Page};
use crate::api::{csv_file, stock_address};
use crate::ui::badge::{Sign, icon, sign};
use crate::ui::button::{self, Kind};
use crate::ui::empty::empty;
use crate::ui::filter;
use crate::ui::layout::{Entry, page_head};
use crate::ui::money;
use crate::ui::number::{count_cell, counted, difference_cell, no_cell, no_term_cell, not_read_cell, plain, term_cell};
use crate::ui::pager::pager;
use crate::ui::table::{Sorting, head, told_apart};
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use http::header;
use leptos::prelude::*;
use truecount::domain::access::{Deed, Role};
use truecount::domain::money::Minor;
use truecount::operator::views::{Severity, Stock, StockQuery, StockRow, StockSort};
use truecount::operator::{OperatorError, encoded, stock};

/// `GET /stock`
pub async fn show(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let query = stock_address::read(query.as_deref().unwrap_or(""));
    match stock::list(&asked.engine, &asked.actor, &query).await {
        Ok(stock) => {
            let page = Page::new("Stock", Some(Entry::Stock), Some(stock.freshness.clone()));
            asked.page(page, move |asked| view(&stock, &query, asked.actor.role)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// `GET /stock.csv`: everything that matches the same filters.
pub async fn download(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let query = stock_address::read(query.as_deref().unwrap_or(""));
    let rows = match stock::export(&asked.engine, &asked.actor, &query).await {
        Ok(rows) => rows,
        Err(why) => return asked.refused(why).await,
    };
    match csv_file::stock(&rows) {
        Ok(bytes) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"truecount-stock.csv\""),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, bytes).into_response()
        }
        Err(why) => asked.refused(OperatorError::Store(Box::new(why))).await,
    }
}

/// The page, without its frame.
pub fn view(stock: &Stock, query: &StockQuery, role: Role) -> AnyView {
    let export = role.may(Deed::Export).then(|| {
        let href = stock_address::write("/stock.csv", &StockQuery { page: 1, ..query.clone() });
        view! { <a class="button" href=href download="">{icon("download")}"Download CSV"</a> }.into_any()
    });
    let table = if stock.rows.is_empty() { nothing(stock, query, role) } else { table(stock, query) };
    let href = |page| stock_address::write("/stock", &StockQuery { page, ..query.clone() });
    view! {
        {page_head("Stock", live("stock-sentence", sentence(stock)), export)}
        {filters(stock, query)}
        <section id="stock" aria-label="Stock list" data-live="" data-topics="sku">{table}</section>
        <div id="stock-pages" data-live="" data-topics="sku">
            {(stock.matching > 0).then(|| pager(query.page, stock.page_size, stock.matching, sorted_words(query), href))}
        </div>
    }
    .into_any()
}

/// Words that change with the counts below them.
fn live(id: &'static str, words: AnyView) -> AnyView {
    view! { <span id=id data-live="" data-topics="sku">{words}</span> }.into_any()
}

fn sentence(stock: &Stock) -> AnyView {
    let (pairs, units) = stock.differing;
    let differ = match pairs {
        0 => "None of the linked ones differs".to_owned(),
        1 => format!("1 linked one differs by {}", counted(units, "unit", "units")),
        n => format!("{} linked ones differ by {}", plain(n), counted(units, "unit", "units")),
    };
    let all = counted(stock.total, "SKU", "SKUs");
    if stock.unlinked == 0 {
        return view! { {format!("{all}. {differ}.")} }.into_any();
    }
    let href = stock_address::write(
        "/stock",
        &StockQuery { linked: Some(false), descending: true, page: 1, ..StockQuery::default() },
    );
    let words = if stock.unlinked == 1 {
        "1 more is not linked".to_owned()
    } else {
        format!("{} more are not linked", plain(stock.unlinked))
    };
    view! { {format!("{all}. {differ}; ")}<a href=href>{words}</a>"." }.into_any()
}

fn sorted_words(query: &StockQuery) -> &'static str {
    if query.linked == Some(false) {
        return "What is not linked has no difference: most value at the till first";
    }
    match (query.sort, query.descending) {
        (StockSort::Difference, true) => "Sorted by size of the difference",
        (StockSort::Difference, false) => "Sorted by difference, smallest first",
        (StockSort::Item, false) => "Sorted by item",
        (StockSort::Item, true) => "Sorted by item, last first",
        (StockSort::Sku, false) => "Sorted by SKU",
        (StockSort::Sku, true) => "Sorted by SKU, last first",
        (StockSort::Till, true) => "Sorted by what the till says, most first",
        (StockSort::Till, false) => "Sorted by what the till says, fewest first",
        (StockSort::Should, true) => "Sorted by what should show, most first",
        (StockSort::Should, false) => "Sorted by what should show, fewest first",
        (StockSort::Web, true) => "Sorted by what the web shows, most first",
        (StockSort::Web, false) => "Sorted by what the web shows, fewest first",
    }
}

fn filters(stock: &Stock, query: &StockQuery) -> AnyView {
    let without = |change: fn(&mut StockQuery)| {
        let mut query = StockQuery { page: 1, ..query.clone() };
        change(&mut query);
        stock_address::write("/stock", &query)
    };
    let pair = |value: &str, words: &str| (value.to_owned(), words.to_owned());
    let mut places = vec![pair("", "any")];
    places.extend(stock.places.iter().cloned());
    let linked = match query.linked {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let sort = (query.sort != StockSort::default())
        .then(|| view! { <input type="hidden" name="sort" value=stock_address::word(query.sort)/> });
    let direction = (query.descending != stock_address::natural(query.sort))
        .then(|| view! { <input type="hidden" name="dir" value=if query.descending { "desc" } else { "asc" }/> });
    view! {
        <form class="filters" method="get" action="/stock" data-submits-alone="" aria-label="Filters">
            {filter::search("q", "Name, SKU or barcode", &query.search)}
            {filter::more([query.place.is_some(), query.differing, query.held, query.linked.is_some()].into_iter().filter(|set| *set).count())}
            {filter::choice("place", "Place", places, query.place.as_deref().unwrap_or(""), without(|q| q.place = None))}
            {filter::choice("differs", "Difference", vec![pair("", "any"), pair("yes", "not 0")], if query.differing { "yes" } else { "" }, without(|q| q.differing = false))}
            {filter::choice("held", "On hold", vec![pair("", "any"), pair("yes", "not 0")], if query.held { "yes" } else { "" }, without(|q| q.held = false))}
            {filter::choice("linked", "Linked", vec![pair("", "any"), pair("yes", "yes"), pair("no", "no")], linked, without(|q| q.linked = None))}
            {sort}
            {direction}
            <button class="button filters__go" type="submit">"Filter"</button>
        </form>
    }
    .into_any()
}

fn table(stock: &Stock, query: &StockQuery) -> AnyView {
    let sorting = |sort: StockSort| {
        let to =
            |descending| stock_address::write("/stock", &StockQuery { sort, descending, page: 1, ..query.clone() });
        match (query.sort == sort, query.descending) {
            (false, _) => Sorting::Offered(to(stock_address::natural(sort))),
            (true, true) => Sorting::Descending(to(false)),
            (true, false) => Sorting::Ascending(to(true)),
        }
    };
    // A column that is empty on the whole page is left out, but never a term that somebody would miss in the sum.
    let checking = stock.rows.iter().filter_map(|r| r.sum).any(|s| s.checking != 0);
    let places = stock.places.len() > 1 && query.place.is_none();
    let summed = stock.rows.iter().any(|r| r.sum.is_some());
    let sides = stock.rows.iter().any(|r| r.loose.is_some());
    let columns = Columns { checking, places, summed, sides };
    let which = |r: &StockRow| r.loose.as_ref().map_or(r.place.clone(), |l| format!("{} {}", l.side(), l.connection));
    let keys = told_apart(stock.rows.iter().map(|r| format!("{} {}", r.variant.as_ref().unwrap_or(&r.sku), which(r))));
    let rows: Vec<AnyView> = stock.rows.iter().zip(keys).map(|(r, key)| row(r, key, columns)).collect();
    let no = || Sorting::No;
    let sums = summed.then(|| {
        view! {
            {head("Waiting", "−", "num", no())}
            {head("On hold", "−", "num", no())}
            {head("Buffer", "−", "num", no())}
            {checking.then(|| head("Checking", "−", "num", no()))}
            {head("Should show", "=", "num", sorting(StockSort::Should))}
            {head("Web shows", "", "num", sorting(StockSort::Web))}
            {head("Difference", "", "num", sorting(StockSort::Difference))}
        }
    });
    let worth = (!summed).then(|| head("Worth at the till", "", "num", no()));
    let class = if summed { "table table--stock" } else { "table table--stock table--loose" };
    view! {
        <div class="card frame" tabindex="0" role="region" aria-label="Stock list, scrolls sideways on small screens">
            <table class=class role="table" aria-label="Stock">
                <thead role="rowgroup">
                    <tr role="row">
                        {head("Item", "", "sticks", sorting(StockSort::Item))}
                        {head("SKU", "", "", sorting(StockSort::Sku))}
                        {sides.then(|| head("Side", "", "", no()))}
                        {places.then(|| head("Place", "", "", no()))}
                        {head("Till says", "", "num", sorting(StockSort::Till))}
                        {sums}
                        {worth}
                        {head("Cause", "", "after-num", no())}
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// What it is worth, with its currency; a dash for what has no price.
fn value_cell(value: Option<&(Minor, String)>) -> AnyView {
    match value.filter(|(amount, _)| amount.0 > 0) {
        Some((amount, currency)) => {
            view! { <td role="cell" class="num" data-label="Worth">{money::exact(*amount, currency)}</td> }.into_any()
        }
        None => view! { <td role="cell" class="num zero" data-label="Worth"><span aria-hidden="true">"–"</span><span class="unseen">"nothing, or no price"</span></td> }.into_any(),
    }
}

/// Columns that not every page of the list has.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// Units that are being checked stand in some row.
    checking: bool,
    /// There is more than one place to tell apart.
    places: bool,
    /// Some row has a sum; what is not linked has none.
    summed: bool,
    /// Some row is not linked and stands on one side only.
    sides: bool,
}

/// Texts longer than this may be cut in their column: the whole is said on hover.
const FITS: usize = 24;

fn whole(text: &str) -> Option<String> {
    (text.chars().count() > FITS).then(|| text.to_owned())
}

/// What is not linked has no page of its own: where others have its SKU it leads to all of them, else nowhere.
fn loose_item(row: &StockRow, title: Option<String>) -> AnyView {
    if !row.loose.as_ref().is_some_and(|loose| loose.has_namesakes) {
        return view! { <span title=title>{row.item.clone()}</span> }.into_any();
    }
    let all = StockQuery { search: row.sku.clone(), descending: true, page: 1, ..StockQuery::default() };
    let href = stock_address::write("/stock", &all);
    view! {
        <a class="quiet" href=href title=title data-open="">
            {row.item.clone()}
            <span class="unseen">{format!(": everything with the SKU {}", row.sku)}</span>
        </a>
    }
    .into_any()
}

fn side_cell(row: &StockRow) -> AnyView {
    match &row.loose {
        Some(loose) => {
            view! { <td role="cell" class="place" title=loose.connection.clone()>{loose.side()}</td> }.into_any()
        }
        None => view! { <td role="cell" class="place">"Both"</td> }.into_any(),
    }
}

fn row(row: &StockRow, key: String, columns: Columns) -> AnyView {
    let (title, sku_title) = (whole(&row.item), whole(&row.sku));
    let item = match &row.variant {
        Some(variant) => {
            let href = format!("/stock/{}", encoded(variant));
            view! { <a class="quiet" href=href title=title data-open="">{row.item.clone()}</a> }.into_any()
        }
        None => loose_item(row, title),
    };
    let till = row.sum.map(|sum| sum.till).or(row.till);
    let till = till.map_or_else(|| no_cell("Till"), |n| count_cell("Till", n, false));
    let numbers = match row.sum {
        Some(sum) => view! {
            {term_cell("Waiting", sum.waiting)}
            {term_cell("On hold", sum.hold)}
            {term_cell("Buffer", sum.buffer)}
            {columns.checking.then(|| term_cell("Checking", sum.checking))}
            {count_cell("Should", sum.should, true)}
            {sum.web.map_or_else(|| not_read_cell("Web"), |n| count_cell("Web", n, false))}
            {sum.difference.map_or_else(|| not_read_cell("Diff."), |n| difference_cell("Diff.", n))}
        }
        .into_any(),
        None if !columns.summed => value_cell(row.value.as_ref()),
        None => view! {
            {(0..if columns.checking { 4 } else { 3 }).map(|_| no_term_cell()).collect::<Vec<_>>()}
            {no_cell("Should")}
            {no_cell("Web")}
            {no_cell("Diff.")}
        }
        .into_any(),
    };
    let (severity, cause) = &row.cause;
    let cause_title = whole(cause);
    let cause = match severity {
        Severity::Fine => view! { <td role="cell" class="cause cause--fine">{cause.clone()}</td> }.into_any(),
        other => view! { <td role="cell" class="cause" title=cause_title><span class="cause__line">{sign(Sign::from(*other))}<span class="cause__words">{cause.clone()}</span></span></td> }.into_any(),
    };
    let place_title = whole(&row.place);
    view! {
        <tr role="row" data-row=key tabindex="-1">
            <th scope="row" role="rowheader" class="sticks item">{item}</th>
            <td role="cell" class="sku" title=sku_title><code>{row.sku.clone()}</code></td>
            {columns.sides.then(|| side_cell(row))}
            {columns.places.then(|| view! { <td role="cell" class="place" title=place_title>{row.place.clone()}</td> })}
            {till}
            {numbers}
            {cause}
        </tr>
    }
    .into_any()
}

/// Every filter that is set, in the words of the filter line.
fn filters_on(stock: &Stock, query: &StockQuery) -> Vec<String> {
    let mut on = Vec::new();
    if !query.search.is_empty() {
        on.push(format!("“{}”", query.search));
    }
    if let Some(id) = &query.place {
        let name = stock.places.iter().find(|(place, _)| place == id).map(|(_, name)| name.as_str());
        on.push(name.map_or_else(|| "a place that is not known".to_owned(), |name| format!("Place {name}")));
    }
    on.extend(query.differing.then(|| "Difference not 0".to_owned()));
    on.extend(query.held.then(|| "On hold not 0".to_owned()));
    on.extend(query.linked.map(|linked| format!("Linked {}", if linked { "yes" } else { "no" })));
    on
}

/// Before there is any sum: what is missing, and who does it. No filter is to blame.
fn no_sum_yet(stock: &Stock, role: Role) -> AnyView {
    let look = || Some(button::link(Kind::Other, "/connections", "See the connections"));
    if stock.places.is_empty() && stock.outlets_left > 0 {
        let what = "The sum of each SKU appears here once it is known which place of the shop each outlet feeds.";
        return if role.may(Deed::ManageConnections) {
            let words = format!("{what} Choose it on Connections; every sum is shown before it counts.");
            empty(
                false,
                "No outlet feeds a place yet",
                &words,
                Some(button::link(Kind::Recommended, "/connections#outlets-left", "Choose what feeds which place")),
            )
        } else {
            let words = format!("{what} An administrator chooses it on Connections.");
            empty(false, "No outlet feeds a place yet", &words, look())
        };
    }
    if stock.unlinked > 0 {
        let words =
            "A SKU appears here within ten minutes of both sides having it, letter for letter and exactly once each.";
        let href = stock_address::write(
            "/stock",
            &StockQuery { linked: Some(false), descending: true, page: 1, ..StockQuery::default() },
        );
        return empty(
            false,
            "No item is linked yet",
            words,
            Some(button::link(Kind::Other, &href, "See what is not linked")),
        );
    }
    empty(
        false,
        "No SKU is known yet",
        "SKUs appear here when the shop and the till have been read for the first time. The line at the top says how far that is.",
        look(),
    )
}

fn nothing(stock: &Stock, query: &StockQuery, role: Role) -> AnyView {
    let clear = || Some(button::link(Kind::Other, "/stock", "Clear filters"));
    let asks_for_sums = query.linked != Some(false) && query.search.is_empty();
    let content = if stock.total == 0 && (asks_for_sums || stock.unlinked == 0) {
        no_sum_yet(stock, role)
    } else {
        let on = filters_on(stock, query);
        match on.as_slice() {
            [_] if !query.search.is_empty() => empty(
                false,
                &format!("No SKU matches “{}”", query.search),
                &format!(
                    "We looked through names, SKUs and barcodes of {}.",
                    counted(stock.total + stock.unlinked, "SKU", "SKUs")
                ),
                clear(),
            ),
            [_] if query.linked == Some(false) => empty(
                false,
                "Every item is linked",
                "An item appears here when only one side has it, or when its SKU stands twice on one side.",
                clear(),
            ),
            [_] if query.differing => empty(
                stock.freshness.compared_at.is_some() && stock.freshness.marks.iter().all(|m| m.stale.is_none()),
                "Nothing differs",
                "A SKU appears here as soon as the web shows something else than it should.",
                clear(),
            ),
            _ => empty(
                false,
                "No SKU matches these filters",
                &format!("Filters on: {}. They narrow each other down; clear one of them, or all.", on.join(", ")),
                clear(),
            ),
        }
    };
    view! { <div class="card">{content}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    fn html(stock: &Stock, query: &StockQuery) -> String {
        Owner::new().with(|| view(stock, query, Role::Admin).to_html())
    }

    /// Whoever just connected both sides set no filter: the page says what is missing and who does it.
    #[test]
    fn before_there_is_any_sum_the_page_says_what_is_missing() {
        let stock = |outlets_left, unlinked, mapped: bool| {
            let places = if mapped { sample::stock().places } else { Vec::new() };
            Stock { rows: Vec::new(), matching: 0, total: 0, outlets_left, unlinked, places, ..sample::stock() }
        };
        let differing = StockQuery { differing: true, page: 1, ..StockQuery::default() };
        for (stock, role, want) in [
            (stock(2, 900, false), Role::Admin, ["No outlet feeds a place yet", "/connections#outlets-left"]),
            (stock(2, 0, false), Role::Admin, ["No outlet feeds a place yet", "Choose it on Connections"]),
            (stock(2, 900, false), Role::Store, ["No outlet feeds a place yet", "An administrator chooses it"]),
            (stock(1, 900, true), Role::Store, ["No item is linked yet", "linked=no"]),
            (stock(0, 0, false), Role::Store, ["No SKU is known yet", "for the first time"]),
        ] {
            for query in [&StockQuery::default(), &differing] {
                let shown = Owner::new().with(|| view(&stock, query, role).to_html());
                for want in want {
                    assert!(shown.contains(want), "{want}: {shown}");
                }
                assert!(!shown.contains("matches these filters") && !shown.contains("Nothing differs"), "{shown}");
            }
        }
    }

    #[test]
    fn where_nothing_is_left_to_link_no_filter_is_blamed() {
        let stock = Stock { rows: Vec::new(), matching: 0, unlinked: 0, ..sample::stock() };
        let shown = html(&stock, &StockQuery { linked: Some(false), page: 1, ..StockQuery::default() });
        assert!(shown.contains("Every item is linked") && !shown.contains("matches these filters"), "{shown}");
    }

    #[test]
    fn what_is_not_linked_says_its_side_and_leads_only_where_there_is_something() {
        let mut stock = sample::stock();
        stock.rows.retain(|row| row.sum.is_none());
        let query = StockQuery { linked: Some(false), page: 1, ..StockQuery::default() };
        let shown = html(&stock, &query);
        assert!(shown.contains(">Side<") && shown.contains("At the till") && !shown.contains("data-open"), "{shown}");
        for loose in stock.rows.iter_mut().filter_map(|row| row.loose.as_mut()) {
            (loose.at_till, loose.has_namesakes) = (false, true);
        }
        let shown = html(&stock, &query);
        assert!(shown.contains("In the shop") && shown.contains("href=\"/stock?q=HRB-TEE-NVY-L\""), "{shown}");
        stock.rows = sample::stock().rows;
        assert!(html(&stock, &query).contains(">Both<"), "beside others it says that a linked one is on both");
        stock.rows.retain(|row| row.sum.is_some());
        assert!(!html(&stock, &query).contains(">Side<"));
    }

    #[test]
    fn what_is_not_linked_says_what_it_is_worth() {
        let mut stock = sample::stock();
        stock.rows.retain(|row| row.sum.is_none());
        let query = StockQuery { linked: Some(false), page: 1, ..StockQuery::default() };
        let shown = html(&stock, &query);
        assert!(shown.contains("Worth at the till") && shown.contains("£359.60"), "{shown}");
        assert!(shown.contains("most value at the till first"), "it says how it is ranked");
        assert!(!html(&sample::stock(), &StockQuery::default()).contains("Worth at the till"));
    }

    #[test]
    fn rows_of_one_sku_at_two_places_are_told_apart() {
        let mut stock = sample::stock();
        let mut other = stock.rows[0].clone();
        other.place = "Outlet sale".into();
        stock.rows.push(other);
        let shown = html(&stock, &StockQuery::default());
        let mut keys: Vec<&str> =
            shown.split("data-row=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), stock.rows.len(), "{keys:?}");
    }

    #[test]
    fn filters_that_are_not_set_stand_behind_one_press() {
        let query = StockQuery { differing: true, held: true, page: 1, ..StockQuery::default() };
        let shown = html(&sample::stock(), &query);
        assert!(shown.contains("Filters, 2 set"), "{shown}");
        let (_, opener) = shown.split_once("id=\"filters-open\"").expect("an opener");
        assert!(!opener[..opener.find('>').expect("its end")].contains("name="), "it is no part of the address");
    }
}
