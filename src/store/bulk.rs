//! Many rows in one statement, as one bound JSON text: the only place where the two databases differ in SQL.
//!
//! The statement text stays constant, so it is prepared once, whatever the number of rows. Each row is a JSON
//! array; the statement reads its columns as `each.value->>0`, `CAST(each.value->>1 AS BIGINT)` and so on.

use super::Dialect;
use std::fmt::Write as _;

/// One statement over rows given as JSON, in both dialects.
pub struct RowsSql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl RowsSql {
    /// The text for this database.
    pub fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// `rows_sql!("INSERT … SELECT … FROM", "WHERE …")`: the bound `$1` is the JSON array of rows, named `each`.
macro_rules! rows_sql {
    ($before:literal, $after:literal) => {
        $crate::store::bulk::RowsSql {
            sqlite: concat!($before, " jsonb_each($1) AS each ", $after),
            postgres: concat!($before, " jsonb_array_elements(CAST($1 AS JSONB)) AS each(value) ", $after),
        }
    };
}
pub(crate) use rows_sql;

/// Builds the JSON text of rows without an intermediate tree.
#[derive(Debug, Default)]
pub struct Rows {
    text: String,
    rows: usize,
}

/// One cell.
pub enum Cell<'a> {
    /// Text; a NUL character, which PostgreSQL cannot hold, becomes U+FFFD.
    Text(&'a str),
    /// A whole number.
    Int(i64),
}

impl Rows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn push(&mut self, cells: &[Cell<'_>]) {
        self.text.push(if self.rows == 0 { '[' } else { ',' });
        self.text.push('[');
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            match cell {
                Cell::Text(text) => push_json_text(&mut self.text, text),
                Cell::Int(n) => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.text, "{n}");
                }
            }
        }
        self.text.push(']');
        self.rows += 1;
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none; then there is nothing to execute.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The JSON array.
    pub fn into_json(mut self) -> String {
        if self.rows == 0 {
            self.text.push('[');
        }
        self.text.push(']');
        self.text
    }
}

/// A JSON array of one-column rows, for look-ups by key.
pub fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let mut rows = Rows::new();
    for key in keys {
        rows.push(&[Cell::Text(key)]);
    }
    rows.into_json()
}

fn push_json_text(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape: Option<&str> = match byte {
            b'"' => Some("\\\""),
            b'\\' => Some("\\\\"),
            b'\n' => Some("\\n"),
            b'\r' => Some("\\r"),
            b'\t' => Some("\\t"),
            0 => Some("\u{fffd}"),
            0x01..=0x1f => None,
            _ => continue,
        };
        out.push_str(&text[start..i]);
        match escape {
            Some(escape) => out.push_str(escape),
            None => {
                out.push_str("\\u00");
                out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            }
        }
        start = i + 1;
    }
    out.push_str(&text[start..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_json_whatever_the_text() {
        let mut rows = Rows::new();
        let nasty = "a\"b\\c\n\t\u{1}é\u{202e}</script>";
        rows.push(&[Cell::Text(nasty), Cell::Int(-42)]);
        rows.push(&[Cell::Text(""), Cell::Int(i64::MIN)]);
        let parsed: serde_json::Value = serde_json::from_str(&rows.into_json()).unwrap();
        assert_eq!(parsed[0][0], nasty);
        assert_eq!(parsed[0][1], -42);
        assert_eq!(parsed[1][1], i64::MIN);
        assert_eq!(keys([]), "[]");
        assert_eq!(keys(["a\0"]), "[[\"a\u{fffd}\"]]");
    }
}
