//! Texts from elsewhere as parts of our own sentences.

/// The same with a capital in front.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A reason as a sentence of its own: a capital in front, a stop at the end. Nothing stays nothing.
pub fn sentence(text: &str) -> String {
    let mut said = capital(text.trim());
    if !said.is_empty() && !said.ends_with(['.', '!', '?', '…']) {
        said.push('.');
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_becomes_a_sentence_once() {
        for (text, want) in [
            ("no such product", "No such product."),
            (" it is full. ", "It is full."),
            ("élan", "Élan."),
            ("why?", "Why?"),
            ("", ""),
            ("  ", ""),
        ] {
            assert_eq!(sentence(text), want);
            assert_eq!(sentence(&sentence(text)), want, "and stays one");
        }
        assert_eq!(capital("ß"), "SS");
    }
}
