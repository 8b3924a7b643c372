//! Which payment type, tax and register of a till is the twin of what in a shop, and who owns what: looking, and
//! changing it without overwriting what somebody else changed meanwhile.

use super::{Actor, OperatorError, note, store_failed};
use crate::domain::access::Deed;
use crate::domain::mapping::{Choice, Line, Standing, Topic, in_words, label, lines, returned_units};
use crate::domain::master::{Known, Life, List, MasterKind};
use crate::domain::ownership::{Owners, Part};
use crate::domain::system::SystemSide;
use crate::domain::time::Timestamp;
use crate::engine::{Change, Engine};
use crate::store::mappings::{self, Decision, Decisions, PairIds};
use crate::store::masters::{self, Lists};
use crate::store::question::Questions;
use crate::sync::cx::Link;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A shop and a till that it is mapped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The shop's connection.
    pub shop: String,
    /// The till's.
    pub till: String,
    /// Their names.
    pub names: (String, String),
}

/// One list of the page.
#[derive(Debug, Clone)]
pub struct TopicShown {
    /// What is mapped.
    pub topic: Topic,
    /// How much of the shop's list is known, and since when.
    pub web: (Known, Timestamp),
    /// The same of the till's.
    pub till: (Known, Timestamp),
    /// What of the shop, what needs a person first.
    pub lines: Vec<LineShown>,
    /// What can be chosen: the text of the choice, and its name.
    pub options: Vec<(String, String)>,
}

impl TopicShown {
    /// Lines that need a person.
    pub fn exceptions(&self) -> usize {
        self.lines.iter().filter(|shown| shown.line.standing.is_exception()).count()
    }

    /// Lines that have one obvious twin, which nobody has confirmed.
    pub fn suggestions(&self) -> usize {
        self.lines.iter().filter(|shown| matches!(shown.line.standing, Standing::Obvious(_))).count()
    }
}

/// One line of it.
#[derive(Debug, Clone)]
pub struct LineShown {
    /// What, and how it stands.
    pub line: Line,
    /// What was decided, in words.
    pub chosen: String,
    /// Names of what could be its twin.
    pub could_be: Vec<String>,
    /// What was decided before that, in words; by whom it was changed and when.
    pub before: Option<(String, String, Timestamp)>,
}

/// The page.
#[derive(Debug, Clone)]
pub struct Shown {
    /// All pairs.
    pub pairs: Vec<Pair>,
    /// The one that is shown; none where no shop or no till is connected.
    pub pair: Option<Pair>,
    /// Its lists.
    pub topics: Vec<TopicShown>,
    /// Who owns what.
    pub owners: Owners,
    /// Of the pair's two connections, those that are paused.
    pub paused: Vec<String>,
}

/// What somebody chose for one thing of the shop, and what stood there when they looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The shop's code.
    pub web: String,
    /// What they saw.
    pub was: Choice,
    /// What they want.
    pub to: Choice,
}

/// A list as it was sent back.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The shop's connection.
    pub shop: String,
    /// The till's.
    pub till: String,
    /// Which list.
    pub topic: Topic,
    /// Every line of it, the unchanged ones too.
    pub chosen: Vec<Chosen>,
    /// Somebody wants every suggestion; `chosen` is not looked at.
    pub suggested: bool,
    /// They have seen what changes.
    pub agreed: bool,
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// So many were changed.
    Saved(usize),
    /// Something in use would change, or what we suggest would count: this has to be looked at first.
    LookFirst(Preview),
}

/// Every change, before it is one.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Whose.
    pub pair: Pair,
    /// Which list.
    pub topic: Topic,
    /// What changes.
    pub lines: Vec<PreviewLine>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct PreviewLine {
    /// What was chosen.
    pub chosen: Chosen,
    /// Its name in the shop.
    pub name: String,
    /// On how many of the newest orders it was seen.
    pub seen: i64,
    /// What was decided before, in words.
    pub before: String,
    /// What would be, in words.
    pub after: String,
}

fn pair_of(shop: &Link, till: &Link) -> Pair {
    Pair { shop: shop.id.clone(), till: till.id.clone(), names: (shop.name.clone(), till.name.clone()) }
}

fn pairs(engine: &Engine) -> Vec<Pair> {
    let links = engine.cx().links();
    let of = |shop: bool| links.iter().filter(move |link| link.is_shop() == shop);
    of(true).flat_map(|shop| of(false).map(move |till| pair_of(shop, till))).collect()
}

fn find(engine: &Engine, shop: &str, till: &str) -> Result<(Pair, PairIds), OperatorError> {
    let pair = pairs(engine).into_iter().find(|pair| pair.shop == shop && pair.till == till);
    let pair = pair.ok_or(OperatorError::NotFound)?;
    Ok((pair, PairIds { shop: shop.to_owned(), till: till.to_owned() }))
}

/// The two lists of a topic, and the till's outlets.
struct Sides {
    web: List,
    till: List,
    outlets: List,
}

impl Sides {
    fn of(pair: &PairIds, topic: Topic, lists: &Lists) -> Sides {
        Sides {
            web: topic.of_shop().map_or_else(returned_units, |kind| lists.of(&pair.shop, kind)),
            till: lists.of(&pair.till, topic.of_till()),
            outlets: lists.of(&pair.till, MasterKind::Outlet),
        }
    }

    fn lines(&self, pair: &PairIds, topic: Topic, decisions: &Decisions) -> Vec<Line> {
        lines(topic, &self.web, &self.till, &self.outlets, &decisions.choices(pair, topic))
    }

    fn words(&self, topic: Topic, choice: &Choice) -> String {
        in_words(topic, choice, &self.till, &self.outlets)
    }
}

fn topic_shown(pair: &PairIds, topic: Topic, lists: &Lists, decisions: &Decisions) -> TopicShown {
    let sides = Sides::of(pair, topic, lists);
    let decided = decisions.of(pair, topic);
    let named = |code: &String| sides.till.row(code).map(|row| label(topic, row, &sides.outlets));
    let shown = |line: Line| {
        let could_be = match &line.standing {
            Standing::Obvious(code) => named(code).into_iter().collect(),
            Standing::Several(codes) => codes.iter().filter_map(named).collect(),
            _ => Vec::new(),
        };
        let before = decided
            .get(&line.web.code)
            .map(|decision| (sides.words(topic, &decision.before), decision.by.clone(), decision.at));
        LineShown { chosen: sides.words(topic, &line.choice), could_be, before, line }
    };
    let lines = sides.lines(pair, topic, decisions).into_iter().map(shown).collect();
    let mut options: Vec<(String, String)> = sides
        .till
        .rows
        .iter()
        .filter(|row| row.life == Life::Used)
        .map(|row| (Choice::Twin(row.code.clone()).text(), label(topic, row, &sides.outlets)))
        .collect();
    options.sort_by(|a, b| (a.1.to_lowercase(), &a.0).cmp(&(b.1.to_lowercase(), &b.0)));
    TopicShown {
        topic,
        web: (sides.web.known, sides.web.read_at),
        till: (sides.till.known, sides.till.read_at),
        lines,
        options,
    }
}

/// Everything that is mapped between this shop and this till; the first pair where none is named.
pub async fn show(engine: &Engine, actor: &Actor, shop: &str, till: &str) -> Result<Shown, OperatorError> {
    actor.check(Deed::SeeStock)?;
    let pairs = pairs(engine);
    let pair = match (shop, till) {
        ("", "") => pairs.first().cloned(),
        _ => Some(find(engine, shop, till)?.0),
    };
    let Some(pair) = pair else {
        return Ok(Shown { pairs, pair: None, topics: Vec::new(), owners: Owners::default(), paused: Vec::new() });
    };
    let ids = PairIds { shop: pair.shop.clone(), till: pair.till.clone() };
    let mut questions = Questions::default();
    let (rows, known) = (questions.add(masters::rows()), questions.add(masters::known()));
    let (decisions, owners) = (questions.add(mappings::decisions()), questions.add(mappings::owners()));
    let answers = questions.ask(engine.store()).await.map_err(store_failed)?;
    let lists = Lists::new(answers.take(rows).map_err(store_failed)?, answers.take(known).map_err(store_failed)?);
    let decisions = answers.take(decisions).map_err(store_failed)?;
    let owners = answers.take(owners).map_err(store_failed)?.remove(&ids).unwrap_or_default();
    let topics = Topic::ALL.into_iter().map(|topic| topic_shown(&ids, topic, &lists, &decisions)).collect();
    let paused = |id: &&String| engine.cx().link(id).is_some_and(|link: Arc<Link>| link.paused.load(Ordering::SeqCst));
    let paused = [&pair.shop, &pair.till].into_iter().filter(paused).cloned().collect();
    Ok(Shown { pairs, pair: Some(pair), topics, owners, paused })
}

/// Changes what was chosen differently, or says what has to be looked at first. Where something stands otherwise by now
/// than when the page was made, nothing is changed.
pub async fn save(engine: &Engine, actor: &Actor, sent: Sent) -> Result<Outcome, OperatorError> {
    actor.check(Deed::ManageMapping)?;
    let (pair, ids) = find(engine, &sent.shop, &sent.till)?;
    let topic = sent.topic;
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let lists = masters::lists_in(&mut tx).await.map_err(store_failed)?;
    let decisions = mappings::decisions().within(&mut tx).await.map_err(store_failed)?;
    let sides = Sides::of(&ids, topic, &lists);
    let wanted = if sent.suggested { suggestions(&sides, &ids, topic, &decisions) } else { sent.chosen };
    let mut changed: Vec<PreviewLine> = Vec::new();
    let mut names = BTreeSet::new();
    for chosen in wanted.into_iter().filter(|chosen| chosen.was != chosen.to) {
        let name = check(&sides, topic, &chosen)?;
        let now = decisions.choices(&ids, topic).remove(&chosen.web).unwrap_or_default();
        if now != chosen.was {
            return Err(OperatorError::Conflict(format!(
                "“{name}” was changed by somebody else meanwhile: {}. Nothing was saved. Look again.",
                sides.words(topic, &now)
            )));
        }
        if !names.insert(chosen.web.clone()) {
            return Err(OperatorError::Invalid(format!("“{name}” was sent twice. Send each once.")));
        }
        let seen = sides.web.row(&chosen.web).map_or(0, |row| row.seen);
        let (before, after) = (sides.words(topic, &chosen.was), sides.words(topic, &chosen.to));
        changed.push(PreviewLine { chosen, name, seen, before, after });
    }
    if sent.suggested && changed.is_empty() {
        return Err(OperatorError::Conflict("There is nothing left to suggest. Look again.".to_owned()));
    }
    let in_use = changed.iter().any(|line| line.chosen.was != Choice::Open);
    if (in_use || sent.suggested) && !sent.agreed {
        return Ok(Outcome::LookFirst(Preview { pair, topic, lines: changed }));
    }
    let now = engine.clock().now();
    for line in &changed {
        let (choice, before) = (line.chosen.to.clone(), line.chosen.was.clone());
        let decision = Decision { choice, before, by: actor.name.clone(), at: now };
        mappings::decide(&mut tx, &ids, topic, &line.chosen.web, &decision);
        let object = format!("mapping:{}:{}:{}:{}", topic.word(), ids.shop, ids.till, line.chosen.web);
        let body = serde_json::json!({
            "of": line.name, "before": line.before, "after": line.after,
            "from": line.chosen.was.text(), "to": line.chosen.to.text(),
        });
        note(&mut tx, engine, actor, "map", &object, &body.to_string()).await?;
    }
    tx.commit().await.map_err(store_failed)?;
    tell(engine);
    Ok(Outcome::Saved(changed.len()))
}

fn tell(engine: &Engine) {
    let _ = engine.cx().changes.send(Change::Connections);
    engine.cx().look_again.ask();
}

/// Every line with one obvious twin, as if somebody had chosen it.
fn suggestions(sides: &Sides, ids: &PairIds, topic: Topic, decisions: &Decisions) -> Vec<Chosen> {
    let lines = sides.lines(ids, topic, decisions).into_iter();
    lines
        .filter_map(|line| match line.standing {
            Standing::Obvious(code) => Some(Chosen { web: line.web.code, was: line.choice, to: Choice::Twin(code) }),
            _ => None,
        })
        .collect()
}

/// The name of what was chosen for, if it is there and may be chosen so.
fn check(sides: &Sides, topic: Topic, chosen: &Chosen) -> Result<String, OperatorError> {
    let invalid = |words: String| Err(OperatorError::Invalid(words));
    let Some(web) = sides.web.row(&chosen.web) else {
        return invalid(format!("The shop has no such {} any more. Look again.", topic.in_shop()[0]));
    };
    let Choice::Twin(code) = &chosen.to else { return Ok(web.name.clone()) };
    match sides.till.row(code) {
        Some(row) if row.life == Life::Used => Ok(web.name.clone()),
        Some(row) => invalid(format!(
            "“{}” is no longer used at the till, so it cannot be chosen for “{}”. Choose another.",
            row.name, web.name
        )),
        None => invalid(format!("The till has no such {}. Choose one from the list.", topic.at_till()[0])),
    }
}

/// What somebody wants about one part of an item: what they saw, and who shall own it.
pub type Given = (Part, SystemSide, SystemSide);

/// Changes who owns what; how many parts it changed. Compared before it is set, as above.
pub async fn give(
    engine: &Engine,
    actor: &Actor,
    shop: &str,
    till: &str,
    given: &[Given],
) -> Result<usize, OperatorError> {
    actor.check(Deed::ManageConnections)?;
    let (_, ids) = find(engine, shop, till)?;
    let mut tx = engine.store().begin().await.map_err(store_failed)?;
    let owners = mappings::owners_in(&mut tx, &ids).await.map_err(store_failed)?;
    let now = engine.clock().now();
    let mut changed = 0;
    for (part, was, to) in given.iter().filter(|(_, was, to)| was != to) {
        if owners.of(*part) != *was {
            return Err(OperatorError::Conflict(format!(
                "Who owns “{}” was changed by somebody else meanwhile. Nothing was saved. Look again.",
                part.name()
            )));
        }
        mappings::give(&mut tx, &ids, *part, *to, &actor.name, now);
        let object = format!("owner:{}:{}:{}", part.word(), ids.shop, ids.till);
        let body = serde_json::json!({ "before": was.word(), "after": to.word() }).to_string();
        note(&mut tx, engine, actor, "own", &object, &body).await?;
        changed += 1;
    }
    tx.commit().await.map_err(store_failed)?;
    tell(engine);
    Ok(changed)
}
