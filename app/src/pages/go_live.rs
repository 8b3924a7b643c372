//! The preview of every write before a place goes live, and the way back to reading only.

use super::frame::{Asked, Page};
use super::problems::answer;
use crate::server::web::Form;
use crate::ui::badge::{Sign, sign};
use crate::ui::button::{self, Kind};
use crate::ui::form::hidden;
use crate::ui::layout::{Entry, crumbs, page_head};
use crate::ui::number::{counted, plain};
use crate::ui::when::{Clock, time};
use axum::extract::Path;
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;
use truecount::domain::problem::STALE_AFTER;
use truecount::domain::time::{Span, Timestamp};
use truecount::operator::views::GoLivePreview;
use truecount::operator::{connections, encoded};

/// What stood on the page when the button was pressed.
#[derive(Debug, Deserialize)]
pub struct Seen {
    /// Number of writes that were shown.
    pub expected_writes: i64,
    /// Fingerprint of exactly these writes.
    #[serde(default)]
    pub fingerprint: String,
}

/// `GET /connections/places/{id}/go-live`
pub async fn show(asked: Asked, Path(place): Path<String>) -> Response {
    match connections::preview_go_live(&asked.engine, &asked.actor, &place).await {
        Ok(preview) => {
            let since = match preview.blocked {
                Some(_) => live_since(&asked, &place).await,
                None => None,
            };
            if let Some(since) = since {
                let page = Page::new(format!("{} is live", preview.name), Some(Entry::Connections), None);
                return asked.page(page, move |asked| live_already(&preview, since, &asked.clock)).await;
            }
            let page = Page::new(format!("Go live at {}", preview.name), Some(Entry::Connections), None);
            asked.page(page, move |asked| view(&preview, &asked.clock)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// Since when the place is live, if it is.
async fn live_since(asked: &Asked, place: &str) -> Option<Timestamp> {
    let list = connections::list(&asked.engine, &asked.actor).await.ok()?;
    list.places.into_iter().find(|row| row.id == place)?.live_since
}

/// The page of a place that is written to already: nothing to preview, and the way back.
pub fn live_already(preview: &GoLivePreview, since: Timestamp, clock: &Clock) -> AnyView {
    let stop = format!("/connections/places/{}/stop-writing", encoded(&preview.place));
    view! {
        {crumbs(&[("/connections", "Connections")], &preview.name)}
        {page_head(
            &format!("{} is live", preview.name),
            view! { "It is live since "{time(clock, since, clock.minutes(since))}": the web is set to what it should show, whenever that changes." }.into_any(),
            None,
        )}
        <div class="card trouble">
            <p>"Stop writing takes effect at once. It does not set the old numbers back."</p>
            <div class="buttons">
                {button::link(Kind::Recommended, "/connections", "Back to Connections")}
                {button::post(Kind::Other, &stop, "Stop writing", Some(&preview.name), &[])}
            </div>
        </div>
    }
    .into_any()
}

/// `POST /connections/places/{id}/go-live`
pub async fn go_live(asked: Asked, Path(place): Path<String>, Form(seen): Form<Seen>) -> Response {
    let again = format!("/connections/places/{}/go-live", encoded(&place));
    let shown = seen.fingerprint;
    let done =
        asked.run(|engine, actor| async move { connections::go_live(&engine, &actor, &place, &shown).await }).await;
    let ok = done.is_ok();
    let words = format!(
        "{} to send; each is read back before we call it done.",
        counted(seen.expected_writes, "count", "counts")
    );
    answer(asked, done, "It is live.", &words, if ok { "/connections" } else { &again }).await
}

/// `POST /connections/places/{id}/stop-writing`
pub async fn stop_writing(asked: Asked, Path(place): Path<String>) -> Response {
    let done = asked.run(|engine, actor| async move { connections::stop_writing(&engine, &actor, &place).await }).await;
    answer(
        asked,
        done,
        "Stopped.",
        "We only read there now. Counts that were already sent stay as they are.",
        "/connections",
    )
    .await
}

/// Numbers read longer ago than this get no green tick: as old as the freshness line lets them be.
const FRESH: Span = STALE_AFTER;

/// The page, without its frame.
pub fn view(preview: &GoLivePreview, clock: &Clock) -> AnyView {
    let writes = preview.writes.len() as i64;
    let rows: Vec<AnyView> = preview
        .writes
        .iter()
        .map(|write| {
            view! {
                <tr role="row">
                    <th scope="row" role="rowheader" class="item"><a class="quiet" href=format!("/stock/{}", encoded(&write.variant))>{write.item.clone()}</a></th>
                    <td role="cell" class="sku"><code>{write.sku.clone()}</code></td>
                    <td role="cell" class="num" data-label="Web shows → will show">
                        <span class="before">{plain(write.before)}</span>
                        <span class="becomes" aria-hidden="true">" → "</span>
                        <span class="unseen">" becomes "</span>
                        <b>{plain(write.after)}</b>
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let read = match preview.read_at {
        Some(at) => {
            let fresh = clock.now.since(at) <= FRESH;
            (
                if fresh { Sign::Fine } else { Sign::Soon },
                format!("The shop's numbers were read {}, at {}.", clock.relative(at), clock.seconds(at)),
            )
        }
        None => (Sign::Soon, "The shop's numbers have not all been read yet.".to_owned()),
    };
    let unlinked = (preview.unlinked > 0).then(|| {
        check(
            Sign::Soon,
            &format!(
                "{} cannot be written, because they are not linked. They stay as they are.",
                counted(preview.unlinked, "item", "items")
            ),
        )
    });
    let blocked = preview.blocked.as_ref().map(|why| {
        view! {
            <div class="flash flash--soon" role="alert">
                {sign(Sign::Soon)}
                <p class="flash__words"><strong>"It cannot go live yet."</strong>" "{why.clone()}</p>
            </div>
        }
    });
    let act = match (&preview.blocked, writes) {
        (Some(_), _) => {
            view! { <span class="button button--not-now" aria-disabled="true" tabindex="0">"Go live"</span> }.into_any()
        }
        (None, 0) => button::submit(Kind::Writes, "Go live, nothing to write now"),
        (None, 1) => button::submit(Kind::Writes, "Write 1 count and go live"),
        (None, n) => button::submit(Kind::Writes, &format!("Write {} counts and go live", plain(n))),
    };
    let action = format!("/connections/places/{}/go-live", encoded(&preview.place));
    view! {
        {crumbs(&[("/connections", "Connections")], &preview.name)}
        {page_head(
            &format!("Let {} go live: {}", preview.name, counted(writes, "count is written", "counts are written")),
            view! { "From then on the web is set to what it should show, whenever that changes." }.into_any(),
            None,
        )}
        {blocked}
        <form class="card preview" method="post" action=action>
            {hidden("expected_writes", &writes.to_string())}
            {hidden("fingerprint", &preview.fingerprint)}
            <div class="frame preview__writes" tabindex="0" role="region" aria-label="Every write, before and after">
                <table class="table" role="table" aria-label="Writes">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th scope="col" role="columnheader">"Item"</th>
                            <th scope="col" role="columnheader">"SKU"</th>
                            <th scope="col" role="columnheader" class="num">"Web shows → will show"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                    <tfoot role="rowgroup">
                        <tr role="row">
                            <th scope="row" role="rowheader">{counted(writes, "count", "counts")}</th>
                            <td role="cell" colspan="2">{format!("{} changed, {} left as they are", plain(writes), plain(preview.unchanged))}</td>
                        </tr>
                    </tfoot>
                </table>
            </div>
            <ul class="checks">
                {check(read.0, &read.1)}
                {unlinked}
                {check(Sign::Waiting, "Each number is read back after it was written.")}
                {check(Sign::Held, "Stop writing takes effect at once. It does not set the old numbers back.")}
            </ul>
            <div class="preview__foot">
                <p>"If the shop gives no clear answer we look the number up before trying again."</p>
                {button::link(Kind::Other, "/connections", "Cancel")}
                {act}
            </div>
        </form>
    }
    .into_any()
}

/// A line of what is so, under the table of a preview.
pub fn check(of: Sign, words: &str) -> AnyView {
    view! { <li>{sign(of)}<span>{words.to_owned()}</span></li> }.into_any()
}
