//! One line of filters. Everything set stands in the address; a set filter is accented and can be cleared alone.

use super::badge::icon;
use leptos::prelude::*;

/// A choice in the filter line: (value, words), the empty value first.
pub fn choice(
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    chosen: &str,
    clear: String,
) -> AnyView {
    let set = !chosen.is_empty();
    let options: Vec<AnyView> = options
        .into_iter()
        .map(|(value, words)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{words}</option> }.into_any()
        })
        .collect();
    let class = if set { "filter filter--set" } else { "filter" };
    let cross = set.then(|| {
        view! { <a class="filter__clear" href=clear aria-label=format!("Clear {label}")>{icon("close")}</a> }
    });
    view! {
        <span class=class>
            <label class="filter__label" for=format!("filter-{name}")>{label}</label>
            <select id=format!("filter-{name}") name=name data-submits="">{options}</select>
            {cross}
        </span>
    }
    .into_any()
}

/// The search field of the filter line.
pub fn search(name: &'static str, label: &'static str, value: &str) -> AnyView {
    view! {
        <span class="filter filter--search">
            {icon("search")}
            <label class="unseen" for=format!("filter-{name}")>{label}</label>
            <input id=format!("filter-{name}") name=name type="search" value=value.to_owned() placeholder=label
                autocomplete="off" spellcheck="false"/>
        </span>
    }
    .into_any()
}

/// Where there is little room, the filters that are not set stand behind this. It is a box that is ticked or not, so
/// that it works without JavaScript, and has no name, so that it stays out of the address.
pub fn more(set: usize) -> AnyView {
    let words = match set {
        0 => "Filters".to_owned(),
        n => format!("Filters, {n} set"),
    };
    view! {
        <input class="filters__open unseen" type="checkbox" id="filters-open" autocomplete="off"/>
        <label class="button filters__more" for="filters-open">{words}</label>
    }
    .into_any()
}
