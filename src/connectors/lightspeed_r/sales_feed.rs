//! The feed of sales: sales by the second of their last change, then the voids since this pass began, because it is not
//! said that a void moves the time of its sale. Beside each sale stands what it needs to be read alone later.

use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::super::{Answer, Page, Record, Unreadable};
use super::ask::{self, Question, ROWS};
use super::calls::{Pace, after, answer, found, makes_no_sense};
use super::feed::{self, Mark};
use super::{LightspeedR, sales, wire};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Pages of voids read in one pass at most: two thousand since the last one.
const VOID_PAGES_MAX: usize = 20;

/// A void: which sale, when, and the vendor's text.
struct Void {
    sale: String,
    at: i64,
    raw: String,
}

/// What a page of sales holds before it is put together.
struct Found {
    raw: Vec<String>,
    next: Option<String>,
    last: Option<i64>,
}

impl LightspeedR {
    /// One page of the feed.
    pub(super) async fn sales_page(&self, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
        let mut exchanges = Vec::new();
        let mark = Mark::read(cursor)?;
        let root = self.root(&mut exchanges).await?;
        let question = self.page_at(&mark, ask::sales(&root, mark.from), ask::sales_page)?;
        let found = self.read_sales(&question, mark.last.or(mark.from), Pace::Own, &mut exchanges).await?;
        let mut raw = found.raw;
        let mut voids = BTreeMap::new();
        if found.next.is_none() {
            // Before the first sale there is nothing to be voided.
            let since = mark.from.or(mark.last).or(found.last).unwrap_or(i64::MAX);
            for void in self.voids_since(&root, since, &mut exchanges).await? {
                voids.insert(void.sale.clone(), void);
            }
            raw.extend(self.voided_sales(&root, &voids, &mut exchanges).await?);
        }
        let rows = self.with_what_belongs(&root, raw, &voids, &mut exchanges).await?;
        let page = match found.next {
            Some(path) => Page { rows, next: Some(mark.within(found.last, path)), resume: None, began: None },
            None => Page { rows, next: None, resume: mark.resume(found.last), began: None },
        };
        Ok(Answer { value: page, exchanges })
    }

    async fn read_sales(
        &self,
        question: &Question,
        not_before: Option<i64>,
        pace: Pace,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Found, CallError> {
        let said = self.ask(question, pace).await.map_err(|error| after(exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::list(&text, "Sale").and_then(|list| {
            let stretch = feed::stretch("sales", &list.rows, not_before, ended)?;
            let next = list.next.filter(|_| !stretch.more_to_come);
            let next = next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()?;
            Ok(Found { raw: stretch.rows.iter().map(|raw| raw.get().to_owned()).collect(), next, last: stretch.last })
        });
        read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))
    }

    /// Voids of a second or later whose own second is over, newest first.
    async fn voids_since(&self, root: &str, since: i64, exchanges: &mut Vec<Exchange>) -> Result<Vec<Void>, CallError> {
        let (mut question, mut voids) = (ask::voids(root), Vec::new());
        for _ in 0..VOID_PAGES_MAX {
            let said = self.ask(&question, Pace::FollowUp).await.map_err(|error| after(exchanges, error))?;
            let ended = said.ended;
            let (text, seen) = found(said)?;
            exchanges.extend(seen);
            let read = wire::list(&text, "SaleVoid").and_then(|list| {
                let mut reached = false;
                for raw in &list.rows {
                    let void = void(raw.get())?;
                    reached |= void.at < since;
                    voids.extend((since..=ended).contains(&void.at).then_some(void));
                }
                let next = list.next.filter(|_| !reached);
                next.map(|next| wire::onward(&self.door.base_url(), &question.path, &next)).transpose()
            });
            match read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))? {
                Some(path) => question = ask::voids_page(path),
                None => return Ok(voids),
            }
        }
        let reason = "the list of voids does not end".to_owned();
        Err(CallError { kind: CallErrorKind::Protocol { reason }, exchanges: exchanges.clone() })
    }

    /// The sales of voids.
    async fn voided_sales(
        &self,
        root: &str,
        voids: &BTreeMap<String, Void>,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Vec<String>, CallError> {
        let ids: Vec<&str> = voids.keys().map(String::as_str).filter(|id| wire::is_id(id)).collect();
        let mut raw = Vec::new();
        for some in ids.chunks(ROWS) {
            let question = ask::sales_of(root, some);
            let said = self.ask(&question, Pace::FollowUp).await.map_err(|error| after(exchanges, error))?;
            let ended = said.ended;
            let (text, seen) = found(said)?;
            exchanges.extend(seen);
            let list = wire::list(&text, "Sale").map_err(|error| after(exchanges, makes_no_sense(error)))?;
            // One that changed in the running second comes with the feed.
            let over = list.rows.iter().filter(|raw| wire::stamp(raw.get()).is_none_or(|second| second <= ended));
            raw.extend(over.map(|raw| raw.get().to_owned()));
        }
        Ok(raw)
    }

    /// Records of sales, each with its void and with the sales of the lines that it takes back.
    async fn with_what_belongs(
        &self,
        root: &str,
        raw: Vec<String>,
        voids: &BTreeMap<String, Void>,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Vec<Record>, CallError> {
        let links: Vec<Vec<(String, Option<String>)>> = raw.iter().map(|raw| sales::links(raw)).collect();
        let (mut sale_of, mut unknown) = (BTreeMap::new(), BTreeSet::new());
        {
            let mut known = self.known();
            for (raw, lines) in raw.iter().zip(&links) {
                let Some(sale) = id_of(raw) else { continue };
                known.sale_of.extend(lines.iter().map(|(line, _)| (line.clone(), sale.clone())));
            }
            for parent in links.iter().flatten().filter_map(|(_, parent)| parent.as_ref()) {
                match known.sale_of.get(parent) {
                    Some(sale) => drop(sale_of.insert(parent.clone(), sale.clone())),
                    None if wire::is_id(parent) => drop(unknown.insert(parent.clone())),
                    None => {}
                }
            }
        }
        let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
        for some in unknown.chunks(ROWS) {
            let said = self.ask(&ask::lines_of(root, some), Pace::FollowUp).await;
            let (text, seen) = found(said.map_err(|error| after(exchanges, error))?)?;
            exchanges.extend(seen);
            let read = wire::list(&text, "SaleLine")
                .and_then(|list| list.rows.iter().map(|raw| line_and_sale(raw.get())).collect::<Result<Vec<_>, _>>());
            let read = read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))?;
            let read: Vec<(String, String)> = read.into_iter().filter_map(|(line, sale)| Some((line, sale?))).collect();
            self.known().sale_of.extend(read.iter().cloned());
            sale_of.extend(read);
        }
        let record = |(raw, lines): (&String, &Vec<(String, Option<String>)>)| {
            let parents = lines.iter().filter_map(|(_, parent)| parent.as_ref());
            let parents = parents.filter_map(|line| Some((line.clone(), sale_of.get(line)?.clone()))).collect();
            let void = id_of(raw).and_then(|id| voids.get(&id)).map(|void| void.raw.as_str());
            wire::record("sale", sales::with(raw, void, &parents))
        };
        Ok(raw.iter().zip(&links).map(record).collect())
    }

    /// One sale by its id.
    pub(super) async fn one_sale(&self, id: &str) -> Result<Answer<Option<Record>>, CallError> {
        // Ids become part of a path: only what an id can consist of is sent.
        if !wire::is_id(id) {
            return Ok(Answer { value: None, exchanges: Vec::new() });
        }
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let said = self.ask(&ask::sale(&root, id), Pace::Own).await.map_err(|error| after(&exchanges, error))?;
        let ended = said.ended;
        exchanges.extend(said.exchanges);
        let Some(text) = said.text else { return Ok(Answer { value: None, exchanges }) };
        let raw = match wire::single(&text, "Sale") {
            Ok(raw) => raw.get().to_owned(),
            Err(unreadable) => return answer(Err(unreadable), exchanges),
        };
        if let Some(second) = wire::stamp(&raw).filter(|second| *second > ended) {
            // It may change once more in this very second, and the two states could not be told apart.
            let until = self.caller.clock.now() + Span::secs((second - ended).clamp(1, 10));
            return Err(CallError { kind: CallErrorKind::Paced { until }, exchanges });
        }
        let voids = self.void_of(&root, &raw, &mut exchanges).await?;
        let rows = self.with_what_belongs(&root, vec![raw], &voids, &mut exchanges).await?;
        Ok(Answer { value: rows.into_iter().next(), exchanges })
    }

    /// The void of a sale that says it is voided.
    async fn void_of(
        &self,
        root: &str,
        raw: &str,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<BTreeMap<String, Void>, CallError> {
        let voided = Object::open("sale", raw).ok().and_then(|sale| sale.flag("voided").ok().flatten());
        let Some(id) = id_of(raw).filter(|id| voided == Some(true) && wire::is_id(id)) else {
            return Ok(BTreeMap::new());
        };
        let said = self.ask(&ask::void_of(root, &id), Pace::FollowUp).await;
        let said = said.map_err(|error| after(exchanges, error))?;
        let ended = said.ended;
        let (text, seen) = found(said)?;
        exchanges.extend(seen);
        let read = wire::list(&text, "SaleVoid")
            .and_then(|list| list.rows.iter().map(|raw| void(raw.get())).collect::<Result<Vec<_>, _>>());
        let voids = read.map_err(|unreadable| after(exchanges, makes_no_sense(unreadable)))?;
        // A filter that was not obeyed answers with other sales' voids.
        let own = voids.into_iter().find(|void| void.sale == id && void.at <= ended);
        Ok(own.map(|void| (id, void)).into_iter().collect())
    }
}

fn id_of(raw: &str) -> Option<String> {
    Object::open("sale", raw).ok()?.key("saleID").ok().flatten()
}

fn void(raw: &str) -> Result<Void, Unreadable> {
    let row = Object::open("SaleVoid", raw)?;
    let at = row.need_time("createTime").map(Timestamp::secs)?;
    Ok(Void { sale: row.need_key("saleID")?, at, raw: raw.to_owned() })
}

/// A line and the sale it belongs to; `None` while it belongs to none.
fn line_and_sale(raw: &str) -> Result<(String, Option<String>), Unreadable> {
    let row = Object::open("SaleLine", raw)?;
    Ok((row.need_key("saleLineID")?, wire::link(&row, "saleID")?))
}
