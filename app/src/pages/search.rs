//! Search results: SKU, barcode, receipt or order number, best first.

use super::frame::{Asked, Page};
use crate::api::query;
use crate::ui::badge::icon;
use crate::ui::button::{self, Kind};
use crate::ui::empty::empty;
use crate::ui::layout::page_head;
use crate::ui::number::counted;
use axum::extract::RawQuery;
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::overview;

/// Longest text that is searched for.
const LONGEST: usize = 100;

/// `GET /search`
pub async fn show(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let text: String = query::value(query.as_deref(), "q").trim().chars().take(LONGEST).collect();
    let found =
        if text.is_empty() { Ok(Vec::new()) } else { overview::search(&asked.engine, &asked.actor, &text).await };
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
pub fn view(text: &str, found: &[(String, String)]) -> AnyView {
    let rows: Vec<AnyView> = found
        .iter()
        .map(|(words, href)| {
            view! { <li data-row="" tabindex="-1"><a href=href.clone() data-open="">{words.clone()}</a></li> }
                .into_any()
        })
        .collect();
    let results = if !rows.is_empty() {
        view! { <ul class="card results">{rows}</ul> }.into_any()
    } else if text.is_empty() {
        ().into_any()
    } else {
        let words = "We looked for SKUs, barcodes, receipts and order numbers that begin like this. A part from the middle finds nothing.";
        view! { <div class="card">{empty(false, &format!("Nothing matches “{text}”"), words, Some(button::link(Kind::Other, "/stock", "Open Stock")))}</div> }.into_any()
    };
    let sentence = if text.is_empty() {
        "Order number, SKU, barcode or receipt number".to_owned()
    } else {
        format!("{} for “{text}”", counted(found.len() as i64, "result", "results"))
    };
    view! {
        {page_head("Search", view! { {sentence} }.into_any(), None)}
        <form class="search-page" method="get" action="/search" role="search" aria-label="On this page">
            <label class="unseen" for="search-here">"Order, SKU, barcode or receipt"</label>
            <span class="search-page__field">{icon("search")}<input id="search-here" name="q" type="search" value=text.to_owned() autocomplete="off" spellcheck="false"/></span>
            {button::submit(Kind::Recommended, "Search")}
        </form>
        {results}
    }
    .into_any()
}
