//! Where in a long list we are, and the way on.

use super::number::plain;
use leptos::prelude::*;

/// "1–50 of 212", Previous, Next. `href` makes the address of a page.
pub fn pager(page: i64, page_size: i64, matching: i64, note: &str, href: impl Fn(i64) -> String) -> AnyView {
    let (first, last, pages) = bounds(page, page_size, matching);
    let page = page.clamp(1, pages.max(1));
    let range = if matching == 0 {
        "0 of 0".to_owned()
    } else {
        format!("{}–{} of {}", plain(first), plain(last), plain(matching))
    };
    let previous = (page > 1).then(|| view! { <a href=href(page - 1) rel="prev">"Previous"</a> });
    let next = (page < pages).then(|| view! { <a href=href(page + 1) rel="next">"Next"</a> });
    view! {
        <nav class="pager" aria-label="Pages">
            <span>{range}</span>
            {previous}
            {next}
            <span class="pager__note">{note.to_owned()}</span>
        </nav>
    }
    .into_any()
}

/// First row, last row and number of pages; pages count from 1.
pub fn bounds(page: i64, page_size: i64, matching: i64) -> (i64, i64, i64) {
    let size = page_size.max(1);
    let pages = matching.max(0).div_euclid(size) + i64::from(matching.max(0) % size != 0);
    let page = page.clamp(1, pages.max(1));
    let first = (page - 1) * size + 1;
    (first.min(matching.max(0)), (first + size - 1).min(matching.max(0)), pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_exactly() {
        for ((page, size, matching), want) in [
            ((1, 50, 212), (1, 50, 5)),
            ((5, 50, 212), (201, 212, 5)),
            ((9, 50, 212), (201, 212, 5)),
            ((1, 50, 0), (0, 0, 0)),
            ((1, 50, 50), (1, 50, 1)),
            ((0, 0, 3), (1, 1, 3)),
        ] {
            assert_eq!(bounds(page, size, matching), want, "{page} {size} {matching}");
        }
    }
}
