//! How short a secret may be, and those that notices were signed with before: each counts for a while yet, and several
//! may when they are changed twice in a day. They are kept as one text, which is sealed as a whole.

use super::time::Timestamp;

/// Characters that a token or a secret has at least: all vendors make longer ones, shorter ones can be guessed, and they
/// could not be kept out of what we write down without taking letters out of words.
pub const SECRET_MIN: usize = 8;

/// Stands before each of several, and in no secret: one that is kept alone, as it was before there could be several,
/// does not have it.
const MARK: char = '\u{1}';

/// Kept at most; the newest stay.
const MOST: usize = 8;

/// As [`write()`] wrote it, newest last; a text without marks is one secret, which counts until then.
pub fn read(text: &str, until: Timestamp) -> Vec<(String, Timestamp)> {
    let Some(many) = text.strip_prefix(MARK) else {
        return if text.is_empty() { Vec::new() } else { vec![(text.to_owned(), until)] };
    };
    let one = |part: &str| {
        let (at, secret) = part.split_once(':')?;
        Some((secret.to_owned(), Timestamp(at.parse().ok()?)))
    };
    many.split(MARK).filter_map(one).collect()
}

/// Those that count still, and the one that is replaced now, which counts until `until`; `given` replaces it, so it is
/// not among them.
pub fn and(
    mut before: Vec<(String, Timestamp)>,
    replaced: &str,
    given: &str,
    until: Timestamp,
    now: Timestamp,
) -> Vec<(String, Timestamp)> {
    before.retain(|(secret, until)| now < *until && secret != replaced && secret != given);
    before.push((replaced.to_owned(), until));
    let from = before.len().saturating_sub(MOST);
    before.split_off(from)
}

/// As one text; no secret may hold a control character.
pub fn write(secrets: &[(String, Timestamp)]) -> String {
    secrets.iter().map(|(secret, until)| format!("{MARK}{}:{secret}", until.micros())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_for_its_own_time_and_comes_back_as_it_was() {
        let at = Timestamp;
        assert_eq!(read("", at(9)), []);
        assert_eq!(read("12:alone", at(9)), [("12:alone".to_owned(), at(9))], "as it was kept before");
        let first = and(Vec::new(), "one", "two", at(10), at(1));
        let second = and(first, "two", "three", at(14), at(5));
        assert_eq!(second, [("one".to_owned(), at(10)), ("two".to_owned(), at(14))]);
        assert_eq!(read(&write(&second), at(14)), second);
        assert_eq!(and(second.clone(), "three", "one", at(20), at(6)).len(), 2, "one counts again, for good");
        assert_eq!(and(second, "three", "four", at(20), at(10)).len(), 2, "the time of one is over");
        let many = (0..20).fold(Vec::new(), |kept, n| and(kept, &n.to_string(), "x", at(99), at(1)));
        assert_eq!((many.len(), many[7].0.as_str()), (8, "19"));
    }
}
