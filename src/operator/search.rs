//! The search box: sales, returns and orders by their number, items by SKU, barcode and words in any order.
//!
//! Words are found by their beginnings; a part from the middle of a word finds nothing, except in what is not linked.

use super::stock::sum;
use super::views::Found;
use super::{Actor, OperatorError, encoded, store_failed};
use crate::domain::access::Deed;
use crate::engine::Engine;
use crate::store::listings;
use crate::store::views::{self, Filter};
use crate::store::{Store, StoreError};
use std::collections::HashSet;

/// Lines shown at most.
pub const SHOWN: usize = 20;

/// Longest text that is searched for.
const LONGEST: usize = 100;

/// Words of it that count; more only make it slower.
const WORDS: usize = 8;

/// Items looked through for the other words: those that the rarest word finds, up to this many.
const LOOKED_THROUGH: i64 = 4_000;

/// What matches, best first, at most 20 lines.
pub async fn search(engine: &Engine, actor: &Actor, text: &str) -> Result<Vec<Found>, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let text: String = text.trim().chars().take(LONGEST).collect();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let store = engine.store();
    // (document, variant): each pair once.
    let mut wanted: Vec<(String, String)> = Vec::new();
    for (kind, variant, number) in views::by_number(store, &text, 10).await.map_err(store_failed)? {
        let word = match kind.as_str() {
            "return" => "Return",
            "sale" => "Sale",
            _ => "Order",
        };
        wanted.push((format!("{word} {number}"), variant));
    }
    let variants = variants(store, &text).await.map_err(store_failed)?;
    wanted.extend(variants.into_iter().map(|variant| (String::new(), variant)));
    let mut seen = HashSet::new();
    wanted.retain(|pair| !pair.1.is_empty() && seen.insert(pair.clone()));
    wanted.truncate(SHOWN);

    let ids: Vec<&str> = wanted.iter().map(|(_, variant)| variant.as_str()).collect();
    let items = views::items(store, &ids).await.map_err(store_failed)?;
    // Documents first, then the very SKU, then items by their names.
    let mut wanted: Vec<(String, &(String, String, String))> = wanted
        .iter()
        .filter_map(|(document, variant)| Some((document.clone(), items.iter().find(|(id, _, _)| id == variant)?)))
        .collect();
    wanted.sort_by_key(|(document, (_, item, sku))| {
        (document.is_empty(), !sku.eq_ignore_ascii_case(&text), document.clone(), item.to_lowercase())
    });
    let mut found = Vec::new();
    for (document, (variant, item, sku)) in wanted {
        let rows = views::of_variant(store, variant).await.map_err(store_failed)?;
        let line = |place: &str, address: String, note: &str| Found {
            document: document.clone(),
            item: item.clone(),
            sku: sku.clone(),
            place: place.to_owned(),
            href: address,
            sum: None,
            till: None,
            note: note.to_owned(),
        };
        if rows.is_empty() {
            found.push(line("", format!("/stock/{variant}"), "Not counted anywhere yet"));
        }
        for row in &rows {
            let address = format!("/stock/{variant}?place={}", encoded(&row.place));
            found.push(Found { sum: Some(sum(row)), ..line(&row.place_name, address, "") });
        }
    }
    found.extend(loose(store, &text).await.map_err(store_failed)?);
    found.truncate(SHOWN);
    Ok(found)
}

/// Variants that the text finds as it stands, then those that have all of its words in any order.
async fn variants(store: &Store, text: &str) -> Result<Vec<String>, StoreError> {
    let mut ids = hits(store, text, SHOWN as i64).await?;
    let words = words(text);
    if words.len() < 2 || ids.len() >= SHOWN {
        return Ok(ids);
    }
    let mut lists = Vec::new();
    for word in words.iter().filter(|word| word.chars().count() > 1) {
        lists.push((word, hits(store, word, LOOKED_THROUGH).await?));
    }
    let Some((_, rarest)) = lists.iter().min_by_key(|(_, hits)| hits.len()) else { return Ok(ids) };
    let rarest: Vec<&str> = rarest.iter().map(String::as_str).collect();
    for (id, item, sku) in views::items(store, &rarest).await? {
        let said = said(&[&item, &sku]);
        // A word of neither may still be the beginning of its barcode.
        let has = |word: &String| {
            said.iter().any(|own| own.starts_with(word))
                || lists.iter().any(|(of, ids)| *of == word && ids.contains(&id))
        };
        if words.iter().all(has) && !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() >= SHOWN {
            break;
        }
    }
    Ok(ids)
}

async fn hits(store: &Store, prefix: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let found = listings::find(store, prefix, limit).await?;
    Ok(found.into_iter().filter(|(kind, _)| kind == "variant").map(|(_, id)| id).collect())
}

/// Items that are not linked, with all of the words in any order.
async fn loose(store: &Store, text: &str) -> Result<Vec<Found>, StoreError> {
    let words = words(text);
    let filter = |search: &str| Filter { search: search.to_owned(), ..Filter::default() };
    let mut rows = views::unlinked(store, &filter(text), SHOWN as i64, 0).await?;
    if let (true, true, Some(longest)) = (rows.is_empty(), words.len() > 1, words.iter().max_by_key(|w| w.len())) {
        rows = views::unlinked(store, &filter(longest), LOOKED_THROUGH, 0).await?;
        rows.retain(|row| {
            let said = said(&[&row.item, &row.sku]);
            words.iter().all(|word| said.iter().any(|own| own.starts_with(word)))
        });
    }
    Ok(rows
        .into_iter()
        .take(SHOWN)
        .map(|row| {
            let asked = if row.sku.trim().is_empty() { text } else { &row.sku };
            Found {
                document: String::new(),
                href: format!("/stock?q={}&linked=no", encoded(asked)),
                till: (row.side == "till").then_some(row.units),
                note: "Not linked".to_owned(),
                item: row.item,
                sku: row.sku,
                place: row.connection,
                sum: None,
            }
        })
        .collect())
}

/// The words of a text, lower case.
fn words(text: &str) -> Vec<String> {
    let mut words = said(&[text]);
    words.truncate(WORDS);
    words
}

fn said(texts: &[&str]) -> Vec<String> {
    let mut words = Vec::new();
    for text in texts {
        words.extend(listings::words(text));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_as_the_index_does() {
        assert_eq!(words("  Navy,  ANORAK-m "), ["navy", "anorak", "m"]);
        assert_eq!(words("---"), Vec::<String>::new());
        assert_eq!(words(&"a ".repeat(100)).len(), WORDS);
    }
}
