//! What stands where a list is empty: what would appear here and how it gets here.

use super::badge::{Sign, sign};
use leptos::prelude::*;

/// `good` shows the green tick: only where empty is good news.
pub fn empty(good: bool, title: &str, words: &str, action: Option<AnyView>) -> AnyView {
    view! {
        <div class="empty">
            {good.then(|| sign(Sign::Fine))}
            <p class="empty__title">{title.to_owned()}</p>
            <p class="empty__words">{words.to_owned()}</p>
            {action}
        </div>
    }
    .into_any()
}
