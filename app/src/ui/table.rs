//! Data tables: heads with operators of the sum, sorting by following a link, and rows that can be told apart.

use leptos::prelude::*;
use std::collections::HashMap;

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

/// What each row is called, so that a live page finds it again: those that are called the same are numbered in the
/// order in which they stand here.
pub fn told_apart(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    names
        .into_iter()
        .map(|name| {
            let times = seen.entry(name.clone()).or_default();
            *times += 1;
            if *times == 1 && !name.is_empty() { name } else { format!("{name} {times}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_are_called_the_same_and_none_is_without_a_name() {
        let names = ["a", "b", "a", "", "", "a"].map(str::to_owned);
        assert_eq!(told_apart(names), ["a", "b", "a 2", " 1", " 2", "a 3"]);
    }
}
