//! One SKU: the sum written as a sum, why the web differs, how it came to this, and every movement.

mod count;
mod how;
mod movements;

use super::frame::{Asked, Page};
use crate::api::query;
use crate::ui::badge::icon;
use crate::ui::empty::empty;
use crate::ui::layout::{Entry, crumbs};
use crate::ui::when::Clock;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::views::{Sku, SkuPlace};
use truecount::operator::{encoded, stock};

/// `GET /stock/{variant}`
pub async fn show(asked: Asked, Path(variant): Path<String>, RawQuery(query): RawQuery) -> Response {
    let place = query::value(query.as_deref(), "place");
    let all = query::value(query.as_deref(), "movements") == "all";
    match stock::sku(&asked.engine, &asked.actor, &variant).await {
        Ok(sku) => {
            let page = Page::new(sku.item.clone(), Some(Entry::Stock), Some(sku.freshness.clone()));
            asked.page(page, move |asked| view(&sku, &place, all, &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// The page, without its frame. An unknown place shows the first one; `all` shows every movement at once.
pub fn view(sku: &Sku, place: &str, all: bool, clock: &Clock) -> AnyView {
    let chosen = sku.places.iter().find(|p| p.place == place).or(sku.places.first());
    let links: Vec<AnyView> = sku
        .links
        .iter()
        .map(|(system, _, there)| {
            let other = (*there != sku.sku).then(|| view! { " as "<code>{there.clone()}</code> });
            view! { <span class="sku-links__link">{icon("link")}{format!("linked to {system}")}{other}</span> }
                .into_any()
        })
        .collect();
    let barcode = sku.barcode.as_ref().map(|b| view! { <span>{format!("barcode {b}")}</span> });
    let tabs = (sku.places.len() > 1).then(|| tabs(sku, chosen));
    let topic = format!("sku:{}", sku.variant);
    let body = match chosen {
        Some(place) => at_place(sku, place, all, clock),
        None => view! {
            <div class="card">
                {empty(false, "Not counted anywhere yet", "The sum appears here when an outlet of the till feeds a place of the shop and both were read.", None)}
            </div>
        }
        .into_any(),
    };
    view! {
        {crumbs(&[("/stock", "Stock")], chosen.map_or("", |p| p.name.as_str()))}
        <div class="page-head">
            <div class="page-head__words">
                <h1>{sku.item.clone()}</h1>
                <p class="page-head__sentence sku-links"><code>{sku.sku.clone()}</code>{barcode}{links}</p>
            </div>
        </div>
        {tabs}
        <section id="sku" aria-label="Counts" data-live="" data-topics=topic>{body}</section>
    }
    .into_any()
}

fn tabs(sku: &Sku, chosen: Option<&SkuPlace>) -> AnyView {
    let tabs: Vec<AnyView> = sku
        .places
        .iter()
        .map(|place| {
            let current = chosen.is_some_and(|c| c.place == place.place).then_some("true");
            let href = format!("/stock/{}?place={}", encoded(&sku.variant), encoded(&place.place));
            view! { <a href=href aria-current=current>{place.name.clone()}</a> }.into_any()
        })
        .collect();
    view! { <nav class="switch switch--places" aria-label="Place">{tabs}</nav> }.into_any()
}

fn at_place(sku: &Sku, place: &SkuPlace, all: bool, clock: &Clock) -> AnyView {
    let here = format!("/stock/{}?place={}", encoded(&sku.variant), encoded(&place.place));
    view! {
        <div class="sum-and-why">
            {count::the_count(place, clock)}
            {count::why(place)}
        </div>
        {how::how(place, clock)}
        {movements::movements(place, all, &here, clock)}
    }
    .into_any()
}
