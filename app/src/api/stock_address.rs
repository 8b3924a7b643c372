//! The address of the Stock list: filters, sort and page, read leniently and written canonically.

use super::query;
use truecount::operator::views::{StockQuery, StockSort};

/// Last page that may be asked for; keeps an offset from overflowing.
const LAST_PAGE: i64 = 1_000_000;

/// Reads a query string. What makes no sense is ignored, because an address may be old or typed by hand.
pub fn read(query: &str) -> StockQuery {
    let mut out = StockQuery { descending: true, page: 1, ..StockQuery::default() };
    let mut direction = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "q" => out.search = query::search_text(&value),
            "place" if !value.is_empty() => out.place = Some(value.into_owned()),
            "differs" => out.differing = value == "yes",
            "held" => out.held = value == "yes",
            "linked" => out.linked = matches_yes_no(&value),
            "sort" => out.sort = sort_from(&value),
            "dir" => direction = Some(value.into_owned()),
            "page" => out.page = value.parse().unwrap_or(1).clamp(1, LAST_PAGE),
            _ => {}
        }
    }
    out.descending = match direction.as_deref() {
        Some("asc") => false,
        Some("desc") => true,
        _ => natural(out.sort),
    };
    out
}

/// Writes the address under `path`; what is at its default is left out.
pub fn write(path: &str, query: &StockQuery) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    if !query.search.is_empty() {
        out.append_pair("q", &query.search);
    }
    if let Some(place) = &query.place {
        out.append_pair("place", place);
    }
    if query.differing {
        out.append_pair("differs", "yes");
    }
    if query.held {
        out.append_pair("held", "yes");
    }
    if let Some(linked) = query.linked {
        out.append_pair("linked", if linked { "yes" } else { "no" });
    }
    if query.sort != StockSort::default() {
        out.append_pair("sort", word(query.sort));
    }
    if query.descending != natural(query.sort) {
        out.append_pair("dir", if query.descending { "desc" } else { "asc" });
    }
    if query.page > 1 {
        out.append_pair("page", &query.page.to_string());
    }
    let query = out.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The word of a sort column in the address.
pub fn word(sort: StockSort) -> &'static str {
    match sort {
        StockSort::Difference => "difference",
        StockSort::Item => "item",
        StockSort::Sku => "sku",
        StockSort::Till => "till",
        StockSort::Should => "should",
        StockSort::Web => "web",
    }
}

/// Whether a column is first sorted downwards: numbers are, words are not.
pub fn natural(sort: StockSort) -> bool {
    !matches!(sort, StockSort::Item | StockSort::Sku)
}

fn sort_from(word: &str) -> StockSort {
    match word {
        "item" => StockSort::Item,
        "sku" => StockSort::Sku,
        "till" => StockSort::Till,
        "should" => StockSort::Should,
        "web" => StockSort::Web,
        _ => StockSort::Difference,
    }
}

fn matches_yes_no(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_holds_everything_and_reads_back_the_same() {
        for text in [
            "/stock",
            "/stock?differs=yes",
            "/stock?q=linen+shirt&place=p%261&differs=yes&linked=no&sort=item&dir=desc&page=3",
            "/stock?sort=till&dir=asc",
            "/stock?q=%3C%2Fscript%3E",
        ] {
            let query = read(text.split_once('?').map_or("", |(_, q)| q));
            assert_eq!(write("/stock", &query), text);
        }
    }

    #[test]
    fn nonsense_is_ignored() {
        let query = read("page=-7&sort=price&linked=maybe&dir=sideways&x=1&place=");
        assert_eq!(query, StockQuery { descending: true, page: 1, ..StockQuery::default() });
        assert_eq!(read("page=99999999999999999999").page, 1);
        assert_eq!(read("page=9999999999").page, LAST_PAGE);
        assert_eq!(read(&format!("q={}", "a".repeat(10_000))).search.len(), query::LONGEST_SEARCH);
    }
}
