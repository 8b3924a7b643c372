//! Single words of an address, read leniently: a page never fails because its address was typed by hand.

/// The last value under this name, or nothing.
pub fn value(query: Option<&str>, name: &str) -> String {
    form_urlencoded::parse(query.unwrap_or("").as_bytes())
        .filter(|(key, _)| key == name)
        .last()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_nothing_is_an_error() {
        for (query, want) in [
            (None, ""),
            (Some(""), ""),
            (Some("team=finance"), "finance"),
            (Some("team=a&team=b"), "b"),
            (Some("teams=a"), ""),
            (Some("team=%ff%zz+x"), "\u{fffd}%zz x"),
        ] {
            assert_eq!(value(query, "team"), want, "{query:?}");
        }
    }
}
