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

/// Characters that nobody sees but that change what is read: control characters, and those that turn the direction of
/// writing or join words.
pub fn is_unseen(letter: char) -> bool {
    match letter {
        // Soft hyphen, Arabic letter mark, zero width space, marks of direction.
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        // Letters without a shape: Hangul fillers and the old Mongolian separator of vowels.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180e}' => true,
        // Line and paragraph separators, embeddings and overrides; word joiner and invisible operators, isolates.
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        // Byte order mark, interlinear annotations, tags that copy letters.
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
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
