//! The Stock list as a CSV file that is safe to open in a spreadsheet.

use crate::ui::money;
use truecount::operator::views::{Loose, StockRow};

/// Column names, in the product's words.
const COLUMNS: [&str; 16] = [
    "Item",
    "SKU",
    "Place",
    "Side",
    "Till says",
    "Waiting",
    "On hold",
    "Buffer",
    "Being checked",
    "Cannot go below 0",
    "Should show",
    "Web shows",
    "Difference",
    "Worth at the till",
    "Currency",
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
        let (worth, currency) = match &row.value {
            Some((amount, currency)) => (money::bare(*amount), defuse(currency)),
            None => Default::default(),
        };
        out.write_record([
            defuse(&row.item),
            defuse(&row.sku),
            defuse(&row.place),
            row.loose.as_ref().map_or("Both", Loose::side).to_owned(),
            row.sum.map(|s| s.till).or(row.till).map(|n| n.to_string()).unwrap_or_default(),
            number(|s| Some(s.waiting)),
            number(|s| Some(s.hold)),
            number(|s| Some(s.buffer)),
            number(|s| Some(s.checking)),
            number(|s| Some(s.floored)),
            number(|s| Some(s.should)),
            number(|s| s.web),
            number(|s| s.difference),
            worth,
            currency,
            defuse(&row.cause.1),
        ])?;
    }
    out.into_inner().map_err(|e| e.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use truecount::domain::money::Minor;
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
            loose: None,
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
        assert_eq!((&record[4], &record[11]), ("-3", ""));
    }

    #[test]
    fn what_is_not_linked_has_the_columns_of_the_page() {
        let row = |at_till: bool| StockRow {
            variant: None,
            item: "Tee".into(),
            sku: "T-1".into(),
            place: String::new(),
            loose: Some(Loose { at_till, connection: "Soho".into(), has_namesakes: false }),
            till: at_till.then_some(4),
            value: at_till.then(|| (Minor(35_960), "GBP".into())),
            sum: None,
            cause: (Severity::Soon, "Not linked".into()),
        };
        let bytes = stock(&[row(true), row(false)]).expect("a file");
        let mut read = csv::Reader::from_reader(bytes.as_slice());
        let columns = read.headers().expect("names").clone();
        let rows: Vec<csv::StringRecord> = read.records().collect::<Result<_, _>>().expect("well formed");
        let said = |row: &csv::StringRecord| {
            ["Place", "Side", "Till says", "Worth at the till", "Currency"]
                .map(|name| columns.iter().position(|c| c == name).and_then(|at| row.get(at)).unwrap_or("?").to_owned())
        };
        assert_eq!(said(&rows[0]), ["", "At the till", "4", "359.60", "GBP"]);
        assert_eq!(said(&rows[1]), ["", "In the shop", "", "", ""]);
    }
}
