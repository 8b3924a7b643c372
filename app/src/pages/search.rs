//! Search results: SKU, barcode, receipt or order number, best first.

use super::frame::{Asked, Page};
use crate::api::{query, stock_address};
use crate::ui::badge::icon;
use crate::ui::button::{self, Kind};
use crate::ui::empty::empty;
use crate::ui::layout::page_head;
use crate::ui::number::{count_cell, counted, difference_cell, no_cell, not_read_cell};
use crate::ui::table::{Sorting, head, told_apart};
use axum::extract::RawQuery;
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::search;
use truecount::operator::views::{Found, StockQuery};

/// `GET /search`
pub async fn show(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let text = query::search_text(&query::value(query.as_deref(), "q"));
    let found = if text.is_empty() { Ok(Vec::new()) } else { search::search(&asked.engine, &asked.actor, &text).await };
    match found {
        Ok(found) => {
            let mut page = Page::new("Search", None, None);
            page.searched.clone_from(&text);
            asked.page(page, move |_| view(&text, &found)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The page, without its frame.
pub fn view(text: &str, found: &[Found]) -> AnyView {
    let results = if !found.is_empty() {
        table(found)
    } else if text.is_empty() {
        ().into_any()
    } else {
        let words = "We looked for receipts and order numbers, and for items whose SKU, barcode or name has every one of these words, or words that begin like them. A part from the middle of a word finds nothing.";
        view! { <div class="card">{empty(false, &format!("Nothing matches “{text}”"), words, Some(button::link(Kind::Other, "/stock", "Open Stock")))}</div> }.into_any()
    };
    let sentence = if text.is_empty() {
        view! { "Order number, SKU, barcode or receipt number" }.into_any()
    } else if found.len() >= search::SHOWN {
        let all = stock_address::write(
            "/stock",
            &StockQuery { search: text.to_owned(), descending: true, page: 1, ..StockQuery::default() },
        );
        view! { {format!("The first {} results for “{text}”. ", found.len())}<a href=all>"See what the Stock list finds"</a> }.into_any()
    } else {
        view! { {format!("{} for “{text}”", counted(found.len() as i64, "result", "results"))} }.into_any()
    };
    view! {
        {page_head("Search", sentence, None)}
        <form class="search-page" method="get" action="/search" role="search" aria-label="On this page">
            <label class="unseen" for="search-here">"Order, SKU, barcode or receipt"</label>
            <span class="search-page__field">{icon("search")}<input id="search-here" name="q" type="search" value=text.to_owned() autocomplete="off" spellcheck="false"/></span>
            {button::submit(Kind::Recommended, "Search")}
        </form>
        <section id="found" aria-label="Results" data-live="" data-topics="sku">{results}</section>
    }
    .into_any()
}

fn table(found: &[Found]) -> AnyView {
    let documents = found.iter().any(|line| !line.document.is_empty());
    let head = |label, class| head(label, "", class, Sorting::No);
    let keys = told_apart(found.iter().map(|line| format!("{} {}", line.document, line.href)));
    let rows: Vec<AnyView> = found.iter().zip(keys).map(|(line, key)| row(line, key, documents)).collect();
    view! {
        <div class="card frame" tabindex="0" role="region" aria-label="Results, scrolls sideways on small screens">
            <table class="table table--stock table--found" role="table" aria-label="Results">
                <thead role="rowgroup">
                    <tr role="row">
                        {documents.then(|| head("Found as", ""))}
                        {head("Item", "sticks")}
                        {head("SKU", "")}
                        {head("Place", "")}
                        {head("Till says", "num")}
                        {head("Should show", "num")}
                        {head("Web shows", "num")}
                        {head("Difference", "num")}
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: &Found, key: String, documents: bool) -> AnyView {
    let numbers = match line.sum {
        Some(sum) => view! {
            {count_cell("Till", sum.till, false)}
            {count_cell("Should", sum.should, true)}
            {sum.web.map_or_else(|| not_read_cell("Web"), |n| count_cell("Web", n, false))}
            {sum.difference.map_or_else(|| not_read_cell("Diff."), |n| difference_cell("Diff.", n))}
        }
        .into_any(),
        None => view! {
            {line.till.map_or_else(|| no_cell("Till"), |n| count_cell("Till", n, false))}
            {no_cell("Should")}
            {no_cell("Web")}
            {no_cell("Diff.")}
        }
        .into_any(),
    };
    let place = match (line.place.as_str(), line.note.as_str()) {
        (place, "") => place.to_owned(),
        ("", note) => note.to_owned(),
        (place, note) => format!("{place}: {}", note.to_lowercase()),
    };
    view! {
        <tr role="row" data-row=key tabindex="-1">
            {documents.then(|| view! { <td role="cell" class="document">{line.document.clone()}</td> })}
            <th scope="row" role="rowheader" class="sticks item"><a href=line.href.clone() data-open="">{line.item.clone()}</a></th>
            <td role="cell" class="sku"><code>{line.sku.clone()}</code></td>
            <td role="cell" class="place">{place}</td>
            {numbers}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use truecount::operator::views::Sum;

    #[test]
    fn a_result_shows_its_counts() {
        let sum = Sum {
            till: 74,
            waiting: 0,
            hold: 0,
            buffer: 0,
            checking: 0,
            should: 73,
            floored: 0,
            web: Some(76),
            difference: Some(3),
        };
        let line = Found {
            document: "Return 10212".into(),
            item: "Silk Trainers, Navy 41".into(),
            sku: "TRN-41".into(),
            place: "Web warehouse".into(),
            href: "/stock/v1?place=p1".into(),
            sum: Some(sum),
            till: None,
            note: String::new(),
        };
        let html = Owner::new().with(|| view("10212", std::slice::from_ref(&line)).to_html());
        for said in ["Return 10212", "TRN-41", "/stock/v1?place=p1", ">74<", ">73<", ">76<", ">+3<"] {
            assert!(html.contains(said), "{said} in {html}");
        }
        let (key, again) =
            ("data-row=\"Return 10212 /stock/v1?place=p1\"", "data-row=\"Return 10212 /stock/v1?place=p1 2\"");
        let html = Owner::new().with(|| view("10212", &[line.clone(), line]).to_html());
        assert!(html.contains(key) && html.contains(again), "a live page finds each row again: {html}");
    }
}
