//! A vendor's JSON, opened one level at a time.
//!
//! Three things ordinary decoding into structs cannot do and we need: numbers are read from their own text, so no
//! amount ever passes through a float; every field may come as a number or as text; and what is wrong is said with
//! the path of the field, for the person who finds the record parked. Nothing here recurses, so depth is no danger.
//! A name that appears twice counts with its last value.

use super::Unreadable;
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Longest id we take: the vendors' are UUIDs, hashes and integers.
pub(super) const KEY_MAX: usize = 255;

/// Longest other text we take from a vendor: names, SKUs, codes.
pub(super) const TEXT_MAX: usize = 4_096;

/// Largest count of units believed on one line or shelf; above it somebody's arithmetic overflowed.
pub(super) const UNITS_MAX: i64 = 1_000_000_000;

/// Longest number believed: more digits than this cannot be held exactly.
const NUMBER_MAX: usize = 28;

/// One JSON object, its members still unread.
pub(super) struct Object<'a> {
    path: String,
    members: HashMap<String, &'a RawValue>,
}

impl<'a> Object<'a> {
    /// Opens a whole body or record; `what` is its name in messages.
    pub(super) fn open(what: &str, text: &'a str) -> Result<Self, Unreadable> {
        let members = serde_json::from_str(text)
            .map_err(|error| Unreadable::new(format!("{what} is not a JSON object: {}", complaint(&error))))?;
        Ok(Self { path: what.to_owned(), members })
    }

    /// The member, unless it is absent or null.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied().filter(|raw| raw.get() != "null")
    }

    /// Whether the member is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Whether the member is itself an object.
    pub(super) fn is_object(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|raw| raw.get().starts_with('{'))
    }

    /// A nested object.
    pub(super) fn object(&self, name: &str) -> Result<Option<Object<'a>>, Unreadable> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        Object::open(&self.at(name), raw.get()).map(Some)
    }

    /// A nested object that must be there.
    pub(super) fn need_object(&self, name: &str) -> Result<Object<'a>, Unreadable> {
        self.object(name)?.ok_or_else(|| self.missing(name))
    }

    /// The raw elements of a list; empty when it is absent or null.
    pub(super) fn elements(&self, name: &str) -> Result<Vec<&'a RawValue>, Unreadable> {
        match self.raw(name) {
            None => Ok(Vec::new()),
            Some(raw) => elements(&self.at(name), raw.get()),
        }
    }

    /// A list of objects; empty when it is absent or null.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Object<'a>>, Unreadable> {
        let elements = self.elements(name)?;
        elements
            .into_iter()
            .enumerate()
            .map(|(index, raw)| Object::open(&format!("{}[{index}]", self.at(name)), raw.get()))
            .collect()
    }

    /// The raw elements of a list that a vendor writes as one object when there is one, as a list when there are several,
    /// and as an empty text or not at all when there are none.
    pub(super) fn raw_one_or_many(&self, name: &str) -> Result<Vec<&'a RawValue>, Unreadable> {
        match self.raw(name) {
            None => Ok(Vec::new()),
            Some(raw) if raw.get() == "\"\"" => Ok(Vec::new()),
            Some(raw) if raw.get().starts_with('{') => Ok(vec![raw]),
            Some(raw) if raw.get().starts_with('[') => elements(&self.at(name), raw.get()),
            Some(_) => Err(self.wrong(name, "neither an object nor a list of them")),
        }
    }

    /// The same, opened.
    pub(super) fn one_or_many(&self, name: &str) -> Result<Vec<Object<'a>>, Unreadable> {
        let many = self.raw(name).is_some_and(|raw| raw.get().starts_with('['));
        let open = |(index, raw): (usize, &'a RawValue)| {
            let path = if many { format!("{}[{index}]", self.at(name)) } else { self.at(name) };
            Object::open(&path, raw.get())
        };
        self.raw_one_or_many(name)?.into_iter().enumerate().map(open).collect()
    }

    /// The objects of a relation, `{"Outer":{"Inner":…}}`; none when it is an empty text or was not asked for.
    pub(super) fn related(&self, outer: &str, inner: &str) -> Result<Vec<Object<'a>>, Unreadable> {
        match self.raw(outer).map(RawValue::get) {
            None | Some("\"\"" | "[]") => Ok(Vec::new()),
            Some(_) => self.need_object(outer)?.one_or_many(inner),
        }
    }

    /// A text; a number or a boolean is taken as its own text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Unreadable> {
        self.scalar(name, TEXT_MAX)
    }

    /// An id: as [`Object::text`], shorter, and an empty text is no id.
    pub(super) fn key(&self, name: &str) -> Result<Option<String>, Unreadable> {
        Ok(self.scalar(name, KEY_MAX)?.filter(|key| !key.is_empty()))
    }

    /// An id that must be there.
    pub(super) fn need_key(&self, name: &str) -> Result<String, Unreadable> {
        self.key(name)?.ok_or_else(|| self.missing(name))
    }

    /// True or false, also as text or 0/1.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0" | "") => Ok(Some(false)),
            Some(other) => Err(self.wrong(name, &format!("“{}” is neither true nor false", clip(other)))),
        }
    }

    /// A whole number of any size we can hold.
    pub(super) fn whole(&self, name: &str) -> Result<Option<i64>, Unreadable> {
        self.exact(name, 0, "is not a whole number")
    }

    /// A whole number that must be there.
    pub(super) fn need_whole(&self, name: &str) -> Result<i64, Unreadable> {
        self.whole(name)?.ok_or_else(|| self.missing(name))
    }

    /// A count of whole units that must be there, within [`UNITS_MAX`].
    pub(super) fn need_units(&self, name: &str) -> Result<i64, Unreadable> {
        let units = self.need_whole(name)?;
        if units.unsigned_abs() > UNITS_MAX.unsigned_abs() {
            return Err(self.wrong(name, &format!("{units} units cannot be true")));
        }
        Ok(units)
    }

    /// Thousandths of a unit, within [`UNITS_MAX`] units.
    pub(super) fn milli_units(&self, name: &str) -> Result<Option<i64>, Unreadable> {
        let milli = self.exact(name, 3, "has more than three decimals")?;
        match milli {
            Some(n) if n.unsigned_abs() > UNITS_MAX.unsigned_abs() * 1_000 => {
                Err(self.wrong(name, &format!("{} units cannot be true", n / 1_000)))
            }
            other => Ok(other),
        }
    }

    /// An amount of money, exact to five decimals.
    pub(super) fn fine(&self, name: &str) -> Result<Option<Fine>, Unreadable> {
        Ok(self.exact(name, 5, "has more than five decimals")?.map(Fine))
    }

    /// An amount of money that the other side has calculated and did not round: what lies beyond the fifth decimal is
    /// rounded, half away from zero. An empty text is none.
    pub(super) fn rounded(&self, name: &str) -> Result<Option<Fine>, Unreadable> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        fine_of(number).map(Some).ok_or_else(|| self.wrong(name, "is too large"))
    }

    /// A decimal number, held exactly; an empty text is none.
    pub(super) fn number(&self, name: &str) -> Result<Option<Decimal>, Unreadable> {
        let Some(text) = self.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        decimal(&text).map(Some).ok_or_else(|| self.wrong(name, &format!("“{}” is not a number", clip(&text))))
    }

    /// An instant: RFC 3339, or `YYYY-MM-DD HH:MM:SS` which means UTC.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Unreadable> {
        let Some(text) = self.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        instant(&text).map(Some).ok_or_else(|| self.wrong(name, &format!("“{}” is not a time", clip(&text))))
    }

    /// An instant that must be there.
    pub(super) fn need_time(&self, name: &str) -> Result<Timestamp, Unreadable> {
        self.time(name)?.ok_or_else(|| self.missing(name))
    }

    /// That the member should have been there.
    pub(super) fn missing(&self, name: &str) -> Unreadable {
        Unreadable::new(format!("{} is missing", self.at(name)))
    }

    /// That the member is not what it should be.
    pub(super) fn wrong(&self, name: &str, complaint: &str) -> Unreadable {
        Unreadable::new(format!("{}: {complaint}", self.at(name)))
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn scalar(&self, name: &str, limit: usize) -> Result<Option<String>, Unreadable> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let text = match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(raw.get())
                .map_err(|error| self.wrong(name, &format!("not a readable text ({})", complaint(&error))))?,
            Some(b'{' | b'[') | None => return Err(self.wrong(name, "a plain value was expected")),
            Some(_) => raw.get().to_owned(),
        };
        if text.len() > limit {
            return Err(self.wrong(name, &format!("longer than {limit} bytes")));
        }
        // PostgreSQL cannot hold it in a text, and no shop means it.
        if text.contains('\0') {
            return Err(self.wrong(name, "contains a NUL character"));
        }
        Ok(Some(text))
    }

    /// The number times 10^decimals, refusing whatever would have to be rounded.
    fn exact(&self, name: &str, decimals: u32, too_fine: &str) -> Result<Option<i64>, Unreadable> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = decimal(&text).ok_or_else(|| self.wrong(name, &format!("“{}” is not a number", clip(&text))))?;
        let scaled = number
            .checked_mul(Decimal::from(10_i64.pow(decimals)))
            .ok_or_else(|| self.wrong(name, &format!("“{}” is too large", clip(&text))))?;
        if !scaled.fract().is_zero() {
            return Err(self.wrong(name, &format!("“{}” {too_fine}", clip(&text))));
        }
        scaled.to_i64().map(Some).ok_or_else(|| self.wrong(name, &format!("“{}” is too large", clip(&text))))
    }
}

/// What is wrong with a text, without its position and its words: refusals are counted by their reason, and whoever sends
/// nonsense must not be able to make another reason each time.
fn complaint(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        Category::Eof => "it ends too early",
        Category::Data => "it is something else",
        Category::Syntax | Category::Io => "it cannot be read",
    }
}

/// The raw elements of a JSON list.
pub(super) fn elements<'a>(what: &str, text: &'a str) -> Result<Vec<&'a RawValue>, Unreadable> {
    serde_json::from_str(text).map_err(|error| Unreadable::new(format!("{what} is not a list: {}", complaint(&error))))
}

/// Reads the three forms in which vendors write a moment; one without a zone is UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let at = chrono::DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .or_else(|_| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").map(|at| at.to_utc()))
        .or_else(|_| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|at| at.and_utc()))
        .ok()?;
    let at = Timestamp::from(at);
    // Before 1990 and after 2200 nothing was sold: such a moment is a unit mix-up or an empty date.
    (631_152_000..7_258_118_400).contains(&at.secs()).then_some(at)
}

/// A plain decimal number, held exactly or not at all.
fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
    if !plain || digits == 0 || digits > NUMBER_MAX {
        return None;
    }
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

/// The amount in hundred-thousandths, rounded half away from zero; `None` when it is too large.
pub(super) fn fine_of(number: Decimal) -> Option<Fine> {
    let scaled = number.checked_mul(Decimal::from(100_000))?;
    scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().map(Fine)
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object<'_> {
        Object::open("thing", text).expect("an object")
    }

    #[test]
    fn numbers_and_texts_are_read_alike_and_exactly() {
        for (json, milli) in [("7", 7_000), ("\"-2.50000\"", -2_500), ("1e3", 1_000_000), ("0.125", 125), ("-0", 0)] {
            let text = format!("{{\"n\":{json}}}");
            assert_eq!(object(&text).milli_units("n"), Ok(Some(milli)), "{json}");
        }
        let text = r#"{"a":"269.90000","b":2.63158,"c":null,"d":0.1}"#;
        let o = object(text);
        assert_eq!(o.fine("a"), Ok(Some(Fine(26_990_000))));
        assert_eq!(o.fine("b"), Ok(Some(Fine(263_158))));
        assert_eq!(o.fine("c"), Ok(None));
        assert_eq!(o.fine("d"), Ok(Some(Fine(10_000))));
    }

    #[test]
    fn one_is_an_object_several_are_a_list_and_none_is_an_empty_text() {
        for (json, ids) in [
            (r#"{"R":{"id":"1"}}"#, vec!["1"]),
            (r#"{"R":[{"id":"1"},{"id":2}]}"#, vec!["1", "2"]),
            (r#"{"R":[]}"#, vec![]),
            (r#"{"R":""}"#, vec![]),
            (r#"{"R":null}"#, vec![]),
            ("{}", vec![]),
        ] {
            let read = |o: Object<'_>| o.need_key("id");
            let rows = object(json).one_or_many("R").expect(json);
            assert_eq!(rows.into_iter().map(read).collect::<Result<Vec<_>, _>>().expect(json), ids, "{json}");
            let inside = format!("{{\"Rs\":{json}}}");
            assert_eq!(object(&inside).related("Rs", "R").expect(json).len(), ids.len(), "{json}");
        }
        assert_eq!(object(r#"{"Rs":""}"#).related("Rs", "R").map(|rows| rows.len()), Ok(0));
        for json in [r#"{"R":"x"}"#, r#"{"R":1}"#, r#"{"R":[1]}"#, r#"{"R":["a"]}"#, r#"{"R":true}"#] {
            let error = object(json).one_or_many("R").err().expect(json);
            assert!(error.reason.starts_with("thing.R"), "{json}: {error}");
            let inside = format!("{{\"Rs\":{json}}}");
            let error = object(&inside).related("Rs", "R").err().expect(json);
            assert!(error.reason.starts_with("thing.Rs.R"), "{json}: {error}");
        }
        assert!(object(r#"{"Rs":7}"#).related("Rs", "R").is_err());
    }

    #[test]
    fn calculated_amounts_are_rounded_half_away_from_zero_and_nothing_else_is() {
        for (text, want) in [
            ("11.4860025", 1_148_600),
            ("0.000005", 1),
            ("-0.000005", -1),
            ("0.0000049", 0),
            ("12.396694214876033", 1_239_669),
            ("-30", -3_000_000),
        ] {
            let json = format!("{{\"n\":\"{text}\"}}");
            assert_eq!(object(&json).rounded("n"), Ok(Some(Fine(want))), "{text}");
        }
        assert_eq!(object(r#"{"n":""}"#).rounded("n"), Ok(None));
        assert_eq!(object("{}").rounded("n"), Ok(None));
        for text in ["x", "NaN", "1e999", "99999999999999999999", "1,5"] {
            let json = format!("{{\"n\":\"{text}\"}}");
            assert!(object(&json).rounded("n").is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_is_rounded_or_guessed() {
        for json in [
            "0.5",
            "\"5 \"",
            "\" 5\"",
            "\"\"",
            "\"abc\"",
            "\"NaN\"",
            "1e999",
            "9223372036854775808",
            "2147483648",
            "1e4294967295",
            "1e-4294967295",
            "true",
            "[]",
            "{}",
            "\"1_000\"",
            "\"1,000\"",
            "\"--1\"",
            "\".\"",
            "0.00000000000000000000000000001",
            "12345678901234567890123456789012345678901234567890",
        ] {
            let text = format!("{{\"n\":{json}}}");
            let error = object(&text).need_units("n").expect_err(json);
            assert!(error.reason.starts_with("thing.n"), "{json}: {error}");
        }
        let text = r#"{"n":0.0005,"m":1.000000000001}"#;
        assert!(object(text).milli_units("n").is_err());
        assert!(object(text).fine("m").is_err());
    }

    #[test]
    fn hostile_shapes_are_refused_or_left_alone() {
        let deep = format!("{{\"a\":{}{},\"n\":1}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(object(&deep).whole("n"), Ok(Some(1)));
        assert!(object(&deep).text("a").is_err());
        assert_eq!(object(r#"{"n":1,"n":2}"#).whole("n"), Ok(Some(2)));
        for text in ["", "[]", "NaN", "{\"n\":NaN}", "{\"n\":1", "<html>", "\u{feff}{}", "{\"n\":\"a\0b\"}"] {
            assert!(Object::open("thing", text).is_err(), "{text}");
        }
        let nul = r#"{"n":"a\u0000b","s":"\ud800"}"#;
        assert!(object(nul).text("n").is_err());
        assert!(object(nul).text("s").is_err());
        let long = format!("{{\"n\":\"{}\"}}", "x".repeat(10_240));
        assert!(object(&long).text("n").is_err());
    }

    #[test]
    fn nonsense_has_few_reasons() {
        let reason = |text: &str| Object::open("payload", text).err().map(|unreadable| unreadable.reason);
        let mut reasons: Vec<_> = (0..50)
            .flat_map(|n| {
                let blanks = "\n ".repeat(n);
                [
                    format!("{blanks}\"word {n}\""),
                    format!("{blanks}{n}"),
                    format!("{blanks}{{"),
                    format!("{blanks}<{n}"),
                ]
            })
            .map(|text| reason(&text).expect("refused"))
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), 3, "{reasons:?}");
    }

    #[test]
    fn three_forms_of_time_are_one_instant() {
        let want = Some(Timestamp::from_secs(1_770_023_705));
        for text in [
            "2026-02-02T09:15:05Z",
            "2026-02-02T10:15:05+01:00",
            "2026-02-02T10:15:05+0100",
            "2026-02-02 09:15:05",
            "2026-02-02 09:15:05.000",
            "2026-02-02T09:15:05.000000Z",
        ] {
            assert_eq!(instant(text), want, "{text}");
        }
        for text in ["", "yesterday", "0000-00-00 00:00:00", "1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
