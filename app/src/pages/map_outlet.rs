//! The preview of every sum that changes when an outlet feeds another place, or none, and the button that does it.

use super::frame::{Asked, Page};
use super::go_live::check;
use super::problems::answer;
use crate::api::query;
use crate::server::web::Form;
use crate::ui::badge::Sign;
use crate::ui::button::{self, Kind};
use crate::ui::form::hidden;
use crate::ui::layout::{Entry, crumbs, page_head};
use crate::ui::number::{counted, plain};
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;
use truecount::operator::views::{RemapLine, RemapPreview};
use truecount::operator::{encoded, remap};

/// What stood on the page when the button was pressed.
#[derive(Debug, Deserialize)]
pub struct Seen {
    /// Our place id; empty for none.
    #[serde(default)]
    pub place: String,
    /// Fingerprint of the preview.
    #[serde(default)]
    pub fingerprint: String,
}

/// `GET /connections/outlets/{id}/map`
pub async fn show(asked: Asked, Path(outlet): Path<String>, RawQuery(query): RawQuery) -> Response {
    let place = query::value(query.as_deref(), "place");
    let place = (!place.is_empty()).then_some(place);
    match remap::preview(&asked.engine, &asked.actor, &outlet, place.as_deref()).await {
        Ok(preview) => {
            let page = Page::new(format!("Which place {} feeds", preview.name), Some(Entry::Connections), None);
            asked.page(page, move |_| view(&preview)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// `POST /connections/outlets/{id}/map`
pub async fn save(asked: Asked, Path(outlet): Path<String>, Form(seen): Form<Seen>) -> Response {
    let again = format!("/connections/outlets/{}/map?place={}", encoded(&outlet), encoded(&seen.place));
    let place = (!seen.place.is_empty()).then_some(seen.place);
    let words =
        if place.is_some() { "Its counts are part of the sum there from now on." } else { "It feeds no place now." };
    let done = asked
        .run(|engine, actor| async move {
            remap::remap(&engine, &actor, &outlet, place.as_deref(), &seen.fingerprint).await
        })
        .await;
    let back = if done.is_ok() { "/connections" } else { &again };
    answer(asked, done, "Saved.", words, back).await
}

/// What would be done, in one line.
fn title(preview: &RemapPreview) -> String {
    match (&preview.from, &preview.to) {
        (Some((_, from)), Some((_, to))) => format!("Take {} from {from} to {to}", preview.name),
        (Some((_, from)), None) => format!("Take {} out of {from}", preview.name),
        (None, Some((_, to))) => format!("Let {} feed {to}", preview.name),
        (None, None) => format!("{} feeds no place", preview.name),
    }
}

/// The page, without its frame.
pub fn view(preview: &RemapPreview) -> AnyView {
    if preview.from == preview.to {
        return unchanged(preview);
    }
    let two = preview.from.is_some() && preview.to.is_some();
    let rows: Vec<AnyView> = preview.lines.iter().map(|line| row(line, two)).collect();
    let left_out = preview.changed - preview.lines.len() as i64;
    let left_out =
        if left_out > 0 { format!("; the {} smallest are not listed", plain(left_out)) } else { String::new() };
    let total = format!("{} change, {} stay as they are{left_out}", plain(preview.changed), plain(preview.unchanged));
    let stops = preview.stops.join(" and ");
    let stopped = (!preview.stops.is_empty()).then(|| {
        let words = format!(
            "{stops} goes back to reading only at once. The web stays there as it is until somebody presses Go live."
        );
        check(Sign::Soon, &words)
    });
    let act = match (&preview.to, preview.stops.is_empty()) {
        (Some(_), true) if preview.from.is_none() => title(preview),
        (Some(_), true) => format!("Move {}", preview.name),
        (Some(_), false) => format!("Stop writing at {stops} and move {}", preview.name),
        (None, true) => title(preview),
        (None, false) => format!("Stop writing at {stops} and take {} out", preview.name),
    };
    let sentence = if preview.changed == 0 {
        "Nothing is written by this, and no sum changes now."
    } else {
        "Nothing is written by this: it changes what should show. Go live shows every write before it is made."
    };
    view! {
        {crumbs(&[("/connections", "Connections")], &preview.name)}
        {page_head(
            &format!("{}: {}", title(preview), counted(preview.changed, "sum changes", "sums change")),
            view! { {sentence} }.into_any(),
            None,
        )}
        <form class="card preview" method="post" action=format!("/connections/outlets/{}/map", encoded(&preview.outlet))>
            {hidden("place", preview.to.as_ref().map_or("", |(id, _)| id))}
            {hidden("fingerprint", &preview.fingerprint)}
            <div class="frame preview__writes" tabindex="0" role="region" aria-label="Every sum, before and after">
                <table class="table" role="table" aria-label="Sums">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th scope="col" role="columnheader">"Item"</th>
                            <th scope="col" role="columnheader">"SKU"</th>
                            {two.then(|| view! { <th scope="col" role="columnheader">"Place"</th> })}
                            <th scope="col" role="columnheader" class="num">"Should show → would show"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                    <tfoot role="rowgroup">
                        <tr role="row">
                            <th scope="row" role="rowheader">{counted(preview.changed + preview.unchanged, "sum", "sums")}</th>
                            <td role="cell" colspan=if two { "3" } else { "2" }>{total}</td>
                        </tr>
                    </tfoot>
                </table>
            </div>
            <ul class="checks">
                {stopped}
                {check(Sign::Waiting, "The counts are those of this moment; they go on changing with every sale.")}
                {check(Sign::Held, "It can be undone: choose the place of before, and go live there again.")}
            </ul>
            <div class="preview__foot">
                <p>"No till and no shop is called for this."</p>
                {button::link(Kind::Other, "/connections", "Cancel")}
                {button::submit(Kind::Writes, &act)}
            </div>
        </form>
    }
    .into_any()
}

fn unchanged(preview: &RemapPreview) -> AnyView {
    let words = match &preview.to {
        Some((_, to)) => format!("{} feeds {to} already.", preview.name),
        None => format!("{} feeds no place already.", preview.name),
    };
    view! {
        {crumbs(&[("/connections", "Connections")], &preview.name)}
        {page_head("Nothing to change", view! { {words} }.into_any(), None)}
        <div class="card trouble">
            <p>"Choose another place on Connections to see what that would change."</p>
            <div class="buttons">{button::link(Kind::Recommended, "/connections", "Back to Connections")}</div>
        </div>
    }
    .into_any()
}

fn row(line: &RemapLine, two: bool) -> AnyView {
    view! {
        <tr role="row">
            <th scope="row" role="rowheader" class="item"><a class="quiet" href=format!("/stock/{}", encoded(&line.variant))>{line.item.clone()}</a></th>
            <td role="cell" class="sku"><code>{line.sku.clone()}</code></td>
            {two.then(|| view! { <td role="cell" class="place-cell">{line.place.clone()}</td> })}
            <td role="cell" class="num" data-label="Should show → would show">
                <span class="before">{plain(line.before)}</span>
                <span class="becomes" aria-hidden="true">" → "</span>
                <span class="unseen">" becomes "</span>
                <b>{plain(line.after)}</b>
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    fn html(preview: &RemapPreview) -> String {
        Owner::new().with(|| view(preview).to_html())
    }

    #[test]
    fn every_sum_is_shown_before_an_outlet_moves_and_where_writing_stops_it_says_so() {
        let mut preview = sample::remap();
        let shown = html(&preview);
        assert!(
            shown.contains("2 change, 14 stay as they are")
                && shown.contains("Web warehouse goes back to reading only")
        );
        assert!(shown.contains("name=\"place\" value=\"p2\"") && shown.contains(&preview.fingerprint));
        preview.changed = 700;
        assert!(html(&preview).contains("the 698 smallest are not listed"));
        (preview.stops, preview.to) = (Vec::new(), None);
        let shown = html(&preview);
        assert!(shown.contains("Take Soho out of Web warehouse") && !shown.contains("reading only at once"), "{shown}");
        preview.from = None;
        assert!(!html(&preview).contains("button--writes"), "there is nothing to change");
    }
}
