//! Ways to pay, taxes, stores and registers, as each connection was last read.

use super::bulk::{Cell, Rows, RowsSql, rows_sql};
use super::question::{Question, each};
use super::script::Statement;
use super::{StoreError, Tx};
use crate::domain::master::{Known, Life, List, Master, MasterKind, Rate, Told};
use crate::domain::time::Timestamp;
use sqlx::Row as _;
use std::collections::BTreeMap;

const KEEP: RowsSql = rows_sql!(
    "INSERT INTO master (connection, kind, code, name, within, rate, life, seen, read_at)
     SELECT $2, $3, each.value->>0, each.value->>1, each.value->>2, CAST(each.value->>3 AS BIGINT), each.value->>4,
            CAST(each.value->>5 AS BIGINT), $4 FROM",
    "WHERE true ON CONFLICT (connection, kind, code) DO UPDATE SET
        name = excluded.name, within = excluded.within, rate = excluded.rate, life = excluded.life,
        seen = excluded.seen, read_at = excluded.read_at"
);

/// Keeps what was told of a list. Of a whole one, what is no longer in it is marked as gone; of one that was only seen
/// on orders, what was not seen now is merely not counted; what cannot be read now stays as it was.
pub fn keep(tx: &mut Tx, connection: &str, kind: MasterKind, told: &Told, now: Timestamp) {
    let (known, why) = (Known::from(told), "keeping what a system is set up with");
    let (word, reason) = known.stored();
    tx.later(
        Statement::new(
            "INSERT INTO master_list (connection, kind, known, why, read_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (connection, kind) DO UPDATE SET
                known = excluded.known, why = excluded.why, read_at = excluded.read_at",
            why,
        )
        .text(connection)
        .text(kind.word())
        .text(word)
        .text(reason.replace('\0', "\u{fffd}"))
        .int(now.micros()),
    );
    let (Told::Seen(list) | Told::Whole(list)) = told else { return };
    // One statement may not touch a row twice; of two with one code the last counts.
    let unique: BTreeMap<&str, &Master> = list.iter().map(|row| (row.code.as_str(), row)).collect();
    let mut rows = Rows::new();
    for row in unique.values() {
        rows.push(&[
            Cell::Text(&row.code),
            Cell::Text(&row.name),
            Cell::Text(&row.within),
            Cell::Int(row.rate.map_or(-1, |rate| rate.0)),
            Cell::Text(row.life.word()),
            Cell::Int(row.seen),
        ]);
    }
    if !rows.is_empty() {
        let text = KEEP.text(tx.dialect());
        let keep = Statement::new(text, why).text(rows.into_json()).text(connection).text(kind.word());
        tx.later(keep.int(now.micros()));
    }
    let rest = match told {
        Told::Whole(_) => "UPDATE master SET life = 'gone' WHERE connection = $1 AND kind = $2 AND read_at < $3",
        _ => "UPDATE master SET seen = 0 WHERE connection = $1 AND kind = $2 AND read_at < $3",
    };
    tx.later(Statement::new(rest, why).text(connection).text(kind.word()).int(now.micros()));
}

/// A row with whose it is.
type Owned<T> = (String, MasterKind, T);

fn kind_at(row: &sqlx::any::AnyRow, at: usize) -> Result<MasterKind, sqlx::Error> {
    let word: String = row.try_get(at)?;
    MasterKind::parse(&word).ok_or_else(|| sqlx::Error::Decode(format!("no list is called {word}").into()))
}

/// Every row of every list; outlets, which are read with the places, among them.
pub fn rows() -> Question<Vec<Owned<Master>>> {
    const SQL: &str = "SELECT connection, kind, code, name, within, rate, life, seen FROM master
         UNION ALL
         SELECT connection, 'outlet', outlet, name, '', CAST(-1 AS BIGINT),
                CASE WHEN archived = 0 THEN 'used' ELSE 'archived' END, CAST(0 AS BIGINT) FROM outlet
         ORDER BY 1, 2, 4, 3";
    Question::new(Statement::new(SQL, "reading what systems are set up with"), |rows| {
        each(rows, |row| {
            let (rate, life): (i64, String) = (row.try_get(5)?, row.try_get(6)?);
            let master = Master {
                code: row.try_get(2)?,
                name: row.try_get(3)?,
                within: row.try_get(4)?,
                rate: (rate >= 0).then_some(Rate(rate)),
                life: Life::parse(&life).ok_or_else(|| sqlx::Error::Decode(format!("nothing is “{life}”").into()))?,
                seen: row.try_get(7)?,
            };
            Ok((row.try_get(0)?, kind_at(row, 1)?, master))
        })
    })
}

/// How much of each list is known, and when it was read. Of outlets it is what the places' mark says.
pub fn known() -> Question<Vec<Owned<(Known, Timestamp)>>> {
    const SQL: &str = "SELECT connection, kind, known, why, read_at FROM master_list
         UNION ALL
         SELECT connection, 'outlet', 'whole', '', read_up_to FROM feed WHERE feed = 'places' AND read_up_to > 0";
    Question::new(Statement::new(SQL, "reading which lists are known"), |rows| {
        each(rows, |row| {
            let (word, why): (String, String) = (row.try_get(2)?, row.try_get(3)?);
            Ok((row.try_get(0)?, kind_at(row, 1)?, (Known::parse(&word, &why), Timestamp(row.try_get(4)?))))
        })
    })
}

/// All lists, by connection and kind.
#[derive(Debug, Clone, Default)]
pub struct Lists(BTreeMap<(String, MasterKind), List>);

impl Lists {
    /// Puts the answers to [`rows`] and [`known`] together.
    pub fn new(rows: Vec<Owned<Master>>, known: Vec<Owned<(Known, Timestamp)>>) -> Self {
        let mut lists: BTreeMap<(String, MasterKind), List> = BTreeMap::new();
        for (connection, kind, row) in rows {
            lists.entry((connection, kind)).or_default().rows.push(row);
        }
        for (connection, kind, (known, read_at)) in known {
            let list = lists.entry((connection, kind)).or_default();
            (list.known, list.read_at) = (known, read_at);
        }
        Self(lists)
    }

    /// One list; empty and not read where there is none.
    pub fn of(&self, connection: &str, kind: MasterKind) -> List {
        self.0.get(&(connection.to_owned(), kind)).cloned().unwrap_or_default()
    }
}

/// Reads all lists as this unit of work sees them.
pub async fn lists_in(tx: &mut Tx) -> Result<Lists, StoreError> {
    let (rows, known) = (rows().within(tx).await?, known().within(tx).await?);
    Ok(Lists::new(rows, known))
}
