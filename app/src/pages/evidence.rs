//! The raw exchange or record behind a number: codes and ids live here and nowhere else.

use super::frame::{Asked, Page};
use crate::ui::layout::page_head;
use crate::ui::when::{Clock, time};
use axum::extract::Path;
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::overview;
use truecount::operator::views::Evidence;

/// `GET /evidence/{kind}/{id}`
pub async fn show(asked: Asked, Path((kind, id)): Path<(String, String)>) -> Response {
    match overview::evidence(&asked.engine, &asked.actor, &kind, &id).await {
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
    view! {
        {page_head(&evidence.title, sentence, None)}
        <dl class="card facts">{facts}</dl>
        {raw}
        {none}
    }
    .into_any()
}
