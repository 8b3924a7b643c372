//! Form fields: label above, hint beneath, and a sentence that says what to give when a value is wrong.
//! There is no text area here on purpose: this framework version does not escape its content on the server.

use super::badge::{Sign, sign};
use leptos::prelude::*;

/// One line of input.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Its name in the form, also its id.
    pub name: &'static str,
    /// What stands above it.
    pub label: &'static str,
    /// "text", "email", "password", "url".
    pub kind: &'static str,
    /// What was typed, kept; leave it empty for secrets.
    pub value: String,
    /// Beneath it.
    pub hint: Option<String>,
    /// What is wrong and what to give.
    pub wrong: Option<String>,
    /// For the browser's own help ("username", "current-password").
    pub autocomplete: &'static str,
    /// May stay empty.
    pub optional: bool,
    /// Focus starts here.
    pub first: bool,
}

/// Draws it.
pub fn field(field: Field) -> AnyView {
    let Field { name, label, kind, value, hint, wrong, autocomplete, optional, first } = field;
    let hint_id = format!("{name}-hint");
    let wrong_id = format!("{name}-wrong");
    let described = match (&wrong, &hint) {
        (Some(_), _) => Some(wrong_id.clone()),
        (None, Some(_)) => Some(hint_id.clone()),
        (None, None) => None,
    };
    let invalid = wrong.is_some().then_some("true");
    let beneath = match (wrong, hint) {
        (Some(wrong), _) => {
            Some(view! { <p class="field__wrong" id=wrong_id>{sign(Sign::Refused)}{wrong}</p> }.into_any())
        }
        (None, Some(hint)) => Some(view! { <p class="field__hint" id=hint_id>{hint}</p> }.into_any()),
        (None, None) => None,
    };
    view! {
        <div class="field">
            <label class="field__label" for=name>{label}</label>
            <input class="input" id=name name=name type=kind value=value autocomplete=autocomplete required=!optional
                autofocus=first aria-invalid=invalid aria-describedby=described spellcheck="false" autocapitalize="off"/>
            {beneath}
        </div>
    }
    .into_any()
}

/// A choice from a short list: (value, words), and what is wrong with it.
pub fn choice(
    name: &'static str,
    label: &'static str,
    options: &[(String, String)],
    chosen: &str,
    wrong: Option<String>,
) -> AnyView {
    let wrong_id = format!("{name}-wrong");
    let (invalid, described) = (wrong.is_some().then_some("true"), wrong.is_some().then(|| wrong_id.clone()));
    let wrong = wrong.map(|wrong| view! { <p class="field__wrong" id=wrong_id>{sign(Sign::Refused)}{wrong}</p> });
    let options: Vec<AnyView> = options
        .iter()
        .map(|(value, words)| {
            let selected = value == chosen;
            view! { <option value=value.clone() selected=selected>{words.clone()}</option> }.into_any()
        })
        .collect();
    view! {
        <div class="field">
            <label class="field__label" for=name>{label}</label>
            <select class="input" id=name name=name aria-invalid=invalid aria-describedby=described>{options}</select>
            {wrong}
        </div>
    }
    .into_any()
}

/// A value that travels with the form.
pub fn hidden(name: &str, value: &str) -> AnyView {
    view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> }.into_any()
}
