//! The raw exchange or record behind a number: codes and ids live here and nowhere else.

use super::frame::{Asked, Page};
use crate::api::query;
use crate::ui::layout::{crumbs, page_head};
use crate::ui::when::{Clock, time};
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::evidence;
use truecount::operator::views::{Evidence, EvidenceOf};

/// `GET /evidence/{kind}/{id}`
pub async fn show(asked: Asked, Path((kind, id)): Path<(String, String)>, RawQuery(query): RawQuery) -> Response {
    let value = |name| query::value(query.as_deref(), name);
    let (sku, place) = (value("sku"), value("place"));
    let about = (!sku.is_empty()).then_some((sku.as_str(), place.as_str()));
    match evidence::evidence(&asked.engine, &asked.actor, &kind, &id, about).await {
        Ok(evidence) => {
            let page = Page::new(evidence.title.clone(), None, None);
            asked.page(page, move |asked| view(&evidence, &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The page, without its frame.
pub fn view(evidence: &Evidence, clock: &Clock) -> AnyView {
    let facts: Vec<AnyView> = evidence
        .facts
        .iter()
        .map(|(label, value)| view! { <div><dt>{label.clone()}</dt><dd>{value.clone()}</dd></div> }.into_any())
        .collect();
    let raw: Vec<AnyView> = evidence
        .raw
        .iter()
        .map(|(caption, text)| {
            view! {
                <figure class="card raw">
                    <figcaption>{caption.clone()}</figcaption>
                    <pre tabindex="0"><code>{text.clone()}</code></pre>
                </figure>
            }
            .into_any()
        })
        .collect();
    let none = raw.is_empty().then(|| view! { <p class="card panel panel__words">"The raw text is kept for 90 days and is gone now; what it said is in the facts above."</p> });
    let sentence =
        view! { {evidence.connection.clone()}", "{time(clock, evidence.at, clock.full(evidence.at))} }.into_any();
    let above = evidence.about.as_ref().map(|of| crumbs(&[("/stock", "Stock"), (&of.href, &of.item)], &evidence.title));
    let about = evidence.about.as_ref().map(|of| about(of, clock));
    view! {
        {above}
        {page_head(&evidence.title, sentence, None)}
        {about}
        <h2 class="facts__title">"The exchange itself"</h2>
        <dl class="card facts">{facts}</dl>
        {raw}
        {none}
    }
    .into_any()
}

/// What it meant for the item it was opened from, in the order in which it happened.
fn about(of: &EvidenceOf, clock: &Clock) -> AnyView {
    let lines: Vec<AnyView> = of
        .lines
        .iter()
        .map(|(label, words, at)| {
            let at = at.map(|at| view! { <span class="small">{time(clock, at, clock.row(at))}</span> });
            view! { <div><dt>{label.clone()}</dt><dd>{words.clone()}" "{at}</dd></div> }.into_any()
        })
        .collect();
    view! {
        <dl class="card facts">
            <div><dt>"Item"</dt><dd><a href=of.href.clone()>{of.item.clone()}</a>" "<code class="breaks">{of.sku.clone()}</code></dd></div>
            <div><dt>"Place"</dt><dd>{of.place.clone()}</dd></div>
            {lines}
        </dl>
    }
    .into_any()
}
