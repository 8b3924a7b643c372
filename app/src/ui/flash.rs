//! The outcome of the last act, under the page head: sign, bold result, one sentence, at most one button.
//! It stays until the page is left; nothing here is timed out.

use super::badge::{Sign, sign};
use leptos::prelude::*;

/// Draws one.
pub fn flash(of: Sign, result: &str, sentence: &str, action: Option<AnyView>) -> AnyView {
    let class = format!("flash flash--{}", of.word());
    let role = if matches!(of, Sign::Fine) { "status" } else { "alert" };
    let sentence = (!sentence.is_empty()).then(|| view! { <span>{format!(" {sentence}")}</span> });
    view! {
        <div class=class role=role>
            {sign(of)}
            <p class="flash__words"><strong>{result.to_owned()}</strong>{sentence}</p>
            {action.map(|action| view! { <div class="flash__action">{action}</div> })}
        </div>
    }
    .into_any()
}
