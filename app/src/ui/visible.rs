//! Characters that nobody sees but that change what is read: control characters, and those that turn the direction
//! of writing or join words. A vendor's name or id may hold them, by mistake or to deceive.
//!
//! Applied once to every whole page, so that no text can be forgotten. Only what people read is changed: what is
//! stored, exported and sent stays as it came.

use std::fmt::Write as _;
use truecount::domain::words::is_unseen;

/// The page with every such character spelled out, as in "⟨U+202E⟩". Line breaks and tabs stay, and so does what
/// stands inside a tag: the value of a field goes back as it was typed, and an address leads where it says.
pub fn visible(text: String) -> String {
    let Some(first) = text.find(unseen) else { return text };
    let (clean, rest) = text.split_at(first);
    let mut shown = String::with_capacity(text.len() + 32);
    shown.push_str(clean);
    let mut place = Place::after(clean);
    for letter in rest.chars() {
        place = place.next(letter);
        if place == Place::Text && unseen(letter) {
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Where in a page a character stands. In text "<" and "&" are always escaped, so that a "<" begins a tag; in a tag
/// quotes are, so that a second one ends a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// What people read.
    Text,
    /// Between "<" and ">".
    Tag,
    /// A value between these quotes, where ">" ends nothing.
    Value(char),
}

impl Place {
    fn after(text: &str) -> Place {
        text.chars().fold(Place::Text, Place::next)
    }

    fn next(self, letter: char) -> Place {
        match (self, letter) {
            (Place::Text, '<') => Place::Tag,
            (Place::Tag, '>') => Place::Text,
            (Place::Tag, '"' | '\'') => Place::Value(letter),
            (Place::Value(quote), letter) if letter == quote => Place::Tag,
            (place, _) => place,
        }
    }
}

fn unseen(letter: char) -> bool {
    !matches!(letter, '\t' | '\n' | '\r') && is_unseen(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_spelled_out() {
        for (text, want) in [
            ("Linen Shirt, Größe M\n\tok", "Linen Shirt, Größe M\n\tok"),
            ("a\u{1b}[31mb", "a⟨U+001B⟩[31mb"),
            ("a\0b", "a⟨U+0000⟩b"),
            ("\u{202e}moc.live\u{202c}", "⟨U+202E⟩moc.live⟨U+202C⟩"),
            ("\u{2066}x\u{2069}", "⟨U+2066⟩x⟨U+2069⟩"),
            ("SKU\u{200b}-1\u{feff}", "SKU⟨U+200B⟩-1⟨U+FEFF⟩"),
            ("\u{85}\u{7f}", "⟨U+0085⟩⟨U+007F⟩"),
            ("3\u{a0}units – שלום", "3\u{a0}units – שלום"),
            ("👩\u{200d}🚀", "👩\u{200d}🚀"),
            ("a\u{115f}\u{3164}\u{180e}\u{ffa0}", "a⟨U+115F⟩⟨U+3164⟩⟨U+180E⟩⟨U+FFA0⟩"),
            (
                "<p title=\"it's > \u{202e}\">\u{202e}</p><input value='\u{200b}\"x>'/>\u{200b}",
                "<p title=\"it's > \u{202e}\">⟨U+202E⟩</p><input value='\u{200b}\"x>'/>⟨U+200B⟩",
            ),
            ("<b>x</b>\u{ad}<i\u{ad}>\u{ad}", "<b>x</b>⟨U+00AD⟩<i\u{ad}>⟨U+00AD⟩"),
        ] {
            assert_eq!(visible(text.to_owned()), want);
        }
    }
}
