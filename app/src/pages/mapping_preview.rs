//! What would change between the lists of a shop and a till, before it does.

use super::go_live::check;
use super::mapping::address;
use crate::ui::badge::Sign;
use crate::ui::button::{self, Kind};
use crate::ui::form::hidden;
use crate::ui::layout::{crumbs, page_head};
use crate::ui::number::{counted, plain};
use leptos::prelude::*;
use truecount::operator::mapping::{Preview, PreviewLine};

/// The page, without its frame.
pub fn view(preview: &Preview) -> AnyView {
    let back = address(&preview.pair.shop, &preview.pair.till);
    let n = preview.lines.len() as i64;
    let rows: Vec<AnyView> = preview.lines.iter().map(row).collect();
    let seen: i64 = preview.lines.iter().map(|line| line.seen).sum();
    let used = (seen > 0).then(|| {
        let words = match seen {
            1 => "1 of the newest orders names what is changed here.".to_owned(),
            n => format!("{} of the newest orders name what is changed here.", plain(n)),
        };
        check(Sign::Soon, &words)
    });
    view! {
        {crumbs(&[("/connections", "Connections"), (&back, "Payments, taxes and registers")], "What would change")}
        {page_head(
            &format!("Change {}", counted(n, "decision", "decisions")),
            view! { {format!("What {} calls each, and what it would be at {} from now on.", preview.pair.names.0, preview.pair.names.1)} }.into_any(),
            None,
        )}
        <form class="card preview" method="post" action="/connections/mapping">
            {hidden("shop", &preview.pair.shop)}
            {hidden("till", &preview.pair.till)}
            {hidden("topic", preview.topic.word())}
            {hidden("agreed", "1")}
            <div class="frame preview__writes" tabindex="0" role="region" aria-label="Every change, before and after">
                <table class="table" role="table" aria-label="Changes">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th scope="col" role="columnheader">"In the shop"</th>
                            <th scope="col" role="columnheader">"At the till: before → after"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
            <ul class="checks">
                {used}
                {check(Sign::Waiting, "It counts for what is taken over from now on; what is in the books stays as it is.")}
                {check(Sign::Held, "It can be undone: choose what stood there before. Activity keeps both.")}
            </ul>
            <div class="preview__foot">
                <p>"No till and no shop is called for this."</p>
                {button::link(Kind::Other, &back, "Cancel")}
                {button::submit(Kind::Writes, &format!("Change {}", if n == 1 { "it".to_owned() } else { format!("all {}", plain(n)) }))}
            </div>
        </form>
    }
    .into_any()
}

fn row(line: &PreviewLine) -> AnyView {
    let code = &line.chosen.web;
    let seen = (line.seen > 0).then(|| {
        view! { <span class="small">{format!(" on {} of the newest orders", plain(line.seen))}</span> }
    });
    view! {
        <tr role="row">
            <th scope="row" role="rowheader" class="item">
                {line.name.clone()}{seen}
                {hidden(&format!("was.{code}"), &line.chosen.was.text())}
                {hidden(&format!("to.{code}"), &line.chosen.to.text())}
            </th>
            <td role="cell" class="twin-change">
                <span class="before">{line.before.clone()}</span>
                <span class="becomes" aria-hidden="true">" → "</span>
                <span class="unseen">" becomes "</span>
                <b>{line.after.clone()}</b>
            </td>
        </tr>
    }
    .into_any()
}
