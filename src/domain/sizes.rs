//! Words for sizes, as far as two systems can contradict each other with them.

/// Whether the option words of two listings name different sizes ("Blush / XL" and "Blush / L"). Words that are no size
/// of ours ("One size", a colour) prove nothing, so colours that two systems call differently do not matter.
pub fn contradict(a: &str, b: &str) -> bool {
    contradiction(a, b).is_some()
}

/// The sizes with which two listings contradict each other, as each side writes them; `None` when they do not.
pub fn contradiction<'t>(a: &'t str, b: &'t str) -> Option<(&'t str, &'t str)> {
    let (a, b) = (sizes(a), sizes(b));
    let (first, second) = (a.first()?, b.first()?);
    let agree = a.iter().any(|(_, size)| b.iter().any(|(_, other)| other == size));
    (!agree).then_some((first.0, second.0))
}

/// The sizes among the words: as they are written, and in one spelling.
fn sizes(options: &str) -> Vec<(&str, String)> {
    options.split(['/', ',', ';']).map(str::trim).filter_map(|word| Some((word, size(word)?))).collect()
}

fn size(word: &str) -> Option<String> {
    let upper = word.to_uppercase();
    let short = match upper.as_str() {
        "X-SMALL" | "EXTRA SMALL" => "XS",
        "SMALL" => "S",
        "MEDIUM" => "M",
        "LARGE" => "L",
        "X-LARGE" | "EXTRA LARGE" => "XL",
        other => other,
    };
    letters(short).or_else(|| number(short))
}

/// "XXL" and "2XL" are two letters X and an L.
fn letters(word: &str) -> Option<String> {
    let end = ["S", "M", "L"].into_iter().find(|end| word.ends_with(end))?;
    let front = word.strip_suffix(end)?;
    let many = match front.strip_suffix('X').map(str::parse::<usize>) {
        Some(Ok(many)) => many,
        _ if front.chars().all(|c| c == 'X') => front.len(),
        _ => return None,
    };
    Some(format!("{many}{end}"))
}

/// "37", "37.5", "EU 37": the number itself. Two systems may count in different ones, but then every size differs, and
/// the same SKU on all of them is a decision for a person anyway.
fn number(word: &str) -> Option<String> {
    let digits = word.strip_prefix("EU ").unwrap_or(word);
    let fine = !digits.is_empty() && digits.len() <= 4 && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    (fine && digits.parse::<f32>().is_ok()).then(|| digits.trim_end_matches(".0").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_sizes_contradict_each_other() {
        for (a, b, wrong) in [
            ("Blush / XL", "Blush / L", true),
            ("Navy / M", "Navy blue / M", false),
            ("Navy / M", "M", false),
            ("Navy / Medium", "Navy / m", false),
            ("Navy / 2XL", "XXL", false),
            ("41", "42", true),
            ("EU 41", "41.0", false),
            ("Navy / One size", "Navy / OS", false),
            ("", "L", false),
            ("Navy", "Black", false),
        ] {
            assert_eq!(contradict(a, b), wrong, "{a} and {b}");
            assert_eq!(contradict(b, a), wrong, "{b} and {a}");
        }
        assert_eq!(contradiction("Blush / x-large", "Blush / L"), Some(("x-large", "L")), "as it is written");
    }
}
