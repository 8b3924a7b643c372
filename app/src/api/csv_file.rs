//! The Stock list as a CSV file that is safe to open in a spreadsheet.

use truecount::operator::views::StockRow;

/// Column names, in the product's words.
const COLUMNS: [&str; 13] = [
    "Item",
    "SKU",
    "Place",
    "Till says",
    "Waiting",
    "On hold",
    "Buffer",
    "Being checked",
    "Cannot go below 0",
    "Should show",
    "Web shows",
    "Difference",
    "Cause",
];

/// A cell that a spreadsheet would run as a formula gets an apostrophe in front, which shows that it is text.
pub fn defuse(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) || text.trim_start().starts_with(['=', '@']);
    if risky { format!("'{text}") } else { text.to_owned() }
}

/// The whole file. Numbers are plain (a minus is a hyphen there), unknown ones are empty.
pub fn stock(rows: &[StockRow]) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for row in rows {
        let number = |of: fn(&truecount::operator::views::Sum) -> Option<i64>| {
            row.sum.as_ref().and_then(of).map(|n| n.to_string()).unwrap_or_default()
        };
        out.write_record([
            defuse(&row.item),
            defuse(&row.sku),
            defuse(&row.place),
            row.sum.map(|s| s.till).or(row.till).map(|n| n.to_string()).unwrap_or_default(),
            number(|s| Some(s.waiting)),
            number(|s| Some(s.hold)),
            number(|s| Some(s.buffer)),
            number(|s| Some(s.checking)),
            number(|s| Some(s.floored)),
            number(|s| Some(s.should)),
            number(|s| s.web),
            number(|s| s.difference),
            defuse(&row.cause.1),
        ])?;
    }
    out.into_inner().map_err(|e| e.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use truecount::operator::views::{Severity, Sum};

    #[test]
    fn formulas_are_defused_and_ordinary_words_are_left_alone() {
        for (text, want) in [
            ("Linen Shirt", "Linen Shirt"),
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\rx", "'\rx"),
            (" =1", "' =1"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(defuse(text), want);
        }
    }

    #[test]
    fn a_hostile_name_stays_one_cell_and_negative_numbers_stay_numbers() {
        let row = StockRow {
            variant: None,
            item: "=cmd|'/c calc'!A0\"\r\n,x".into(),
            sku: "A,B".into(),
            place: "Web".into(),
            till: None,
            value: None,
            sum: Some(Sum {
                till: -3,
                waiting: 0,
                hold: 0,
                buffer: 0,
                checking: 0,
                should: 0,
                floored: 3,
                web: None,
                difference: None,
            }),
            cause: (Severity::Soon, "Not linked".into()),
        };
        let bytes = stock(&[row]).expect("a file");
        let mut read = csv::Reader::from_reader(bytes.as_slice());
        let record = read.records().next().expect("a record").expect("well formed");
        assert_eq!(record.len(), COLUMNS.len());
        assert_eq!(&record[0], "'=cmd|'/c calc'!A0\"\r\n,x");
        assert_eq!((&record[3], &record[10]), ("-3", ""));
    }
}
