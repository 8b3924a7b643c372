//! The feed of items: items by the second of their last change, then the items of matrices that changed, because a
//! style's new name moves no item.

use super::super::error::CallError;
use super::super::evidence::Exchange;
use super::super::{Answer, Page, Record};
use super::ask::{self, Question, ROWS};
use super::calls::{Pace, after, found, makes_no_sense};
use super::feed::{self, Mark};
use super::{LightspeedR, items, wire};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A place in this feed. Between two passes it is two numbers, `items.matrices`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    step: Step,
    items: Mark,
    matrices: Mark,
    /// Matrices whose items are read now, and the page that they are on.
    of: Vec<String>,
    page: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    #[default]
    Items,
    Matrices,
    ItemsOfMatrices,
}

impl Place {
    fn read(cursor: Option<&str>) -> Result<Self, CallError> {
        let Some(text) = cursor else { return Ok(Self::default()) };
        if text.starts_with('{') {
            let place: Self = serde_json::from_str(text).map_err(|_| feed::not_ours())?;
            let lawful = place.of.len() <= ROWS && place.of.iter().all(|id| wire::is_id(id));
            return if lawful { Ok(place) } else { Err(feed::not_ours()) };
        }
        let (items, matrices) = text.split_once('.').ok_or_else(feed::not_ours)?;
        let (items, matrices) = (Mark::read(Some(items))?, Mark::read(Some(matrices))?);
        if items.path.is_some() || matrices.path.is_some() {
            return Err(feed::not_ours());
        }
        Ok(Self { items, matrices, ..Self::default() })
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Where the next pass begins; `None` when no item was ever read.
    fn resume(&self) -> Option<String> {
        let items = self.items.resume(None)?;
        // A second is complete when it is believed: without this, the last matrix would be read again for ever.
        let matrices = self.matrices.last.map(|second| second + 1).or(self.matrices.from).unwrap_or_default();
        Some(format!("{items}.{matrices}"))
    }
}

impl LightspeedR {
    /// One page of the feed.
    pub(super) async fn products_page(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        let mut exchanges = Vec::new();
        let place = Place::read(cursor)?;
        let root = self.root(&mut exchanges).await?;
        let page = match place.step {
            Step::Items => self.items(&root, place, &mut exchanges).await?,
            Step::Matrices => self.matrices(&root, place, &mut exchanges).await?,
            Step::ItemsOfMatrices => self.items_of_matrices(&root, place, &mut exchanges).await?,
        };
        Ok(Answer { value: page, exchanges })
    }

    async fn items(
        &self,
        root: &str,
        mut place: Place,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Page<Record>, CallError> {
        let mark = place.items.clone();
        let question = self.page_at(&mark, ask::items(root, mark.from), ask::items_page)?;
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::list(&text, "Item").and_then(|list| {
            let stretch = feed::stretch("items", &list.rows, mark.last.or(mark.from), ended)?;
            let next = list.next.filter(|_| !stretch.more_to_come);
            let next = next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()?;
            let raw: Vec<String> = stretch.rows.iter().map(|raw| raw.get().to_owned()).collect();
            Ok((raw, next, stretch.last))
        });
        let (raw, next, last) = read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))?;
        let rows = self.with_matrices(root, raw, exchanges).await?;
        place.items.last = last.or(mark.last);
        place.items.path = next;
        if place.matrices.from.is_none() {
            // The first pass: what changes from here on is read by the next.
            place.matrices.from = Some(ended + 1);
        }
        if place.items.path.is_some() {
            return Ok(Page { rows, next: Some(place.text()), resume: None, began: None });
        }
        // The first pass has read every item with its matrix already.
        if mark.from.is_none() {
            return Ok(Page { rows, next: None, resume: place.resume(), began: None });
        }
        place.step = Step::Matrices;
        Ok(Page { rows, next: Some(place.text()), resume: None, began: None })
    }

    async fn matrices(
        &self,
        root: &str,
        mut place: Place,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Page<Record>, CallError> {
        let mark = place.matrices.clone();
        let question = self.page_at(&mark, ask::matrices(root, mark.from), ask::matrices_page)?;
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::list(&text, "ItemMatrix").and_then(|list| {
            let stretch = feed::stretch("matrices", &list.rows, mark.last.or(mark.from), ended)?;
            let next = list.next.filter(|_| !stretch.more_to_come);
            let next = next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()?;
            let changed: Result<BTreeMap<_, _>, _> =
                stretch.rows.iter().map(|raw| items::matrix(raw.get(), ended)).collect();
            Ok((changed?, next, stretch.last))
        });
        let (changed, next, last) = read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))?;
        place.matrices.last = last.or(mark.last);
        place.matrices.path = next;
        place.of = changed.keys().filter(|id| wire::is_id(id)).take(ROWS).cloned().collect();
        self.known().matrices.extend(changed);
        place.step = if place.of.is_empty() { Step::Matrices } else { Step::ItemsOfMatrices };
        Ok(onward(place, Vec::new()))
    }

    async fn items_of_matrices(
        &self,
        root: &str,
        mut place: Place,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Page<Record>, CallError> {
        let ids: Vec<&str> = place.of.iter().map(String::as_str).collect();
        let mark = Mark { path: place.page.clone(), ..Mark::default() };
        let question = self.page_at(&mark, ask::items_of(root, &ids), ask::items_page)?;
        let said = self.ask(&question, Pace::Own).await.map_err(|error| after(exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::list(&text, "Item").and_then(|list| {
            let next = list.next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()?;
            // One that changed in the running second comes with the items.
            let over = list.rows.iter().filter(|raw| wire::stamp(raw.get()).is_none_or(|second| second <= ended));
            Ok((over.map(|raw| raw.get().to_owned()).collect::<Vec<_>>(), next))
        });
        let (raw, next) = read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))?;
        let rows = self.with_matrices(root, raw, exchanges).await?;
        place.page = next;
        if place.page.is_none() {
            place.of.clear();
            place.step = Step::Matrices;
        }
        Ok(onward(place, rows))
    }

    /// Records of items, each with what is kept of its matrix.
    async fn with_matrices(
        &self,
        root: &str,
        raw: Vec<String>,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Vec<Record>, CallError> {
        let of: Vec<Option<String>> = raw.iter().map(|raw| items::matrix_of(raw)).collect();
        let (mut kept, mut unknown) = (BTreeMap::new(), BTreeSet::new());
        {
            let known = self.known();
            for id in of.iter().flatten() {
                match known.matrices.get(id) {
                    Some(matrix) => drop(kept.insert(id.clone(), matrix.clone())),
                    None => drop(unknown.insert(id.clone())),
                }
            }
        }
        let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
        for some in unknown.chunks(ROWS) {
            let question: Question = ask::matrices_of(root, some);
            let said = self.ask(&question, Pace::FollowUp).await.map_err(|error| after(exchanges, error))?;
            let ended = said.ended;
            let (text, seen) = found(said)?;
            exchanges.extend(seen);
            let read = wire::list(&text, "ItemMatrix").and_then(|list| {
                list.rows.iter().map(|raw| items::matrix(raw.get(), ended)).collect::<Result<Vec<_>, _>>()
            });
            let read = read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))?;
            self.known().matrices.extend(read.iter().cloned());
            kept.extend(read);
        }
        let record = |(raw, of): (&String, &Option<String>)| {
            let matrix = of.as_ref().and_then(|id| kept.get(id));
            wire::record("product", items::with(raw, matrix.map(String::as_str), &self.sku_fields))
        };
        Ok(raw.iter().zip(&of).map(record).collect())
    }
}

/// After a page of matrices or of their items: where this pass goes on, or the next begins.
fn onward(place: Place, rows: Vec<Record>) -> Page<Record> {
    if place.step == Step::Matrices && place.matrices.path.is_none() {
        return Page { rows, next: None, resume: place.resume(), began: None };
    }
    Page { rows, next: Some(place.text()), resume: None, began: None }
}
