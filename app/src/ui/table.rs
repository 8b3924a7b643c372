//! Heads of data tables: operators of the sum, and sorting by following a link.

use leptos::prelude::*;

/// How a column stands to the current sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sorting {
    /// Cannot be sorted by.
    No,
    /// Can be; the address that does it.
    Offered(String),
    /// Is, descending; the address that turns it round.
    Descending(String),
    /// Is, ascending; the address that turns it round.
    Ascending(String),
}

/// A column head. `operator` is the sign of the sum that stands before it ("−", "=").
pub fn head(label: &'static str, operator: &'static str, class: &'static str, sorting: Sorting) -> AnyView {
    let operator =
        (!operator.is_empty()).then(|| view! { <span class="operator" aria-hidden="true">{operator}" "</span> });
    let (aria, arrow, href) = match sorting {
        Sorting::No => (None, None, None),
        Sorting::Offered(href) => (Some("none"), None, Some(href)),
        Sorting::Descending(href) => (Some("descending"), Some("↓"), Some(href)),
        Sorting::Ascending(href) => (Some("ascending"), Some("↑"), Some(href)),
    };
    let arrow = arrow.map(|arrow| view! { <span class="arrow" aria-hidden="true">{arrow}</span> });
    let words = match href {
        Some(href) => view! { <a href=href>{operator}{label}{arrow}</a> }.into_any(),
        None => view! { {operator}{label} }.into_any(),
    };
    view! { <th scope="col" role="columnheader" class=class aria-sort=aria>{words}</th> }.into_any()
}
