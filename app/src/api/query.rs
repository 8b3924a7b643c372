//! Single words of an address, read leniently: a page never fails because its address was typed by hand.

/// The last value under this name, or nothing.
pub fn value(query: Option<&str>, name: &str) -> String {
    form_urlencoded::parse(query.unwrap_or("").as_bytes())
        .filter(|(key, _)| key == name)
        .last()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Longest text that is searched for; longer ones are cut.
pub const LONGEST_SEARCH: usize = 100;

/// What is searched for: control characters are blanks, as nobody's name or number holds one.
pub fn search_text(typed: &str) -> String {
    let plain: String = typed.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().chars().take(LONGEST_SEARCH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_no_search() {
        for (typed, want) in [
            ("\0", ""),
            (" \u{1}\u{7f}\u{85} ", ""),
            ("a\0b", "a b"),
            ("\tlinen shirt\r\n", "linen shirt"),
            ("Größe", "Größe"),
        ] {
            assert_eq!(search_text(typed), want, "{typed:?}");
        }
        assert_eq!(search_text(&"a".repeat(10_000)).len(), LONGEST_SEARCH);
    }

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
