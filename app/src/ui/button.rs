//! Buttons and the forms around them.
//!
//! A filled button writes to another system and stands only in a preview (Log in is the one other); everything
//! that changes something here is a POST form of one button.

use super::form::hidden;
use leptos::prelude::*;

/// How a button looks, which says what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Filled: writes.
    Writes,
    /// The one to press, at most one in a row or card.
    Recommended,
    /// Any other.
    Other,
    /// Looks like a link in a sentence.
    Plain,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Kind::Writes => "button button--writes",
            Kind::Recommended => "button button--recommended",
            Kind::Other => "button",
            Kind::Plain => "plain",
        }
    }
}

/// A link that looks like a button: goes somewhere or opens a preview.
pub fn link(kind: Kind, href: &str, label: &str) -> AnyView {
    view! { <a class=kind.class() href=href.to_owned()>{label.to_owned()}</a> }.into_any()
}

/// The submit button of a form that is written out around it.
pub fn submit(kind: Kind, label: &str) -> AnyView {
    view! { <button class=kind.class() type="submit">{label.to_owned()}</button> }.into_any()
}

/// Copies this text, for those whose browser does it: for everybody else it is hidden, and the text can be selected.
pub fn copies(text: &str, about: &str) -> AnyView {
    view! {
        <button class="plain copies" type="button" data-copies=text.to_owned() hidden=true>
            "Copy"<span class="unseen">{format!(": {about}")}</span>
        </button>
    }
    .into_any()
}

/// A form of one button. `about` is added for those who hear the button without its row ("Take it: Oak Belt").
pub fn post(kind: Kind, action: &str, label: &str, about: Option<&str>, fields: &[(&str, &str)]) -> AnyView {
    let fields: Vec<AnyView> = fields.iter().map(|(name, value)| hidden(name, value)).collect();
    let about = about.map(|about| view! { <span class="unseen">{format!(": {about}")}</span> });
    view! {
        <form method="post" action=action.to_owned() class="post">
            {fields}
            <button class=kind.class() type="submit">{label.to_owned()}{about}</button>
        </form>
    }
    .into_any()
}
