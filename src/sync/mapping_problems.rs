//! What of a shop cannot be taken over as it stands: one row for each topic of a pair, and one for each whose twin was
//! put away.

use super::cx::{Cx, Link};
use crate::domain::mapping::{Line, Standing, Topic, lines, returned_units};
use crate::domain::master::{List, MasterKind};
use crate::domain::problem::{Kind, Press, Problem, Severity};
use crate::store::mappings::{Decisions, PairIds};
use crate::store::masters::Lists;
use std::sync::Arc;

/// Names said in a row at most.
const NAMED: usize = 3;

/// Every exception of every pair.
pub(super) fn find(cx: &Cx, lists: &Lists, decisions: &Decisions) -> Vec<Problem> {
    let links = cx.links();
    let mut found = Vec::new();
    for shop in links.iter().filter(|link| link.is_shop()) {
        for till in links.iter().filter(|link| !link.is_shop()) {
            for topic in Topic::ALL {
                found.extend(of_topic(shop, till, topic, lists, decisions));
            }
        }
    }
    found
}

fn of_topic(
    shop: &Arc<Link>,
    till: &Arc<Link>,
    topic: Topic,
    lists: &Lists,
    decisions: &Decisions,
) -> impl Iterator<Item = Problem> {
    let web: List = topic.of_shop().map_or_else(returned_units, |kind| lists.of(&shop.id, kind));
    let (there, outlets) = (lists.of(&till.id, topic.of_till()), lists.of(&till.id, MasterKind::Outlet));
    let pair = PairIds { shop: shop.id.clone(), till: till.id.clone() };
    let lines = lines(topic, &web, &there, &outlets, &decisions.choices(&pair, topic));
    let away: Vec<&Line> = lines.iter().filter(|line| line.standing == Standing::TwinPutAway).collect();
    let open: Vec<&Line> =
        lines.iter().filter(|line| line.standing.is_exception() && line.standing != Standing::TwinPutAway).collect();
    [put_away(shop, till, topic, &away), undecided(shop, till, topic, &open)].into_iter().flatten()
}

fn undecided(shop: &Link, till: &Link, topic: Topic, open: &[&Line]) -> Option<Problem> {
    let n = open.len();
    let [one, several] = topic.in_shop();
    let obvious = open.iter().filter(|line| matches!(line.standing, Standing::Obvious(_))).count();
    let suggested = match (obvious, n) {
        (0, _) => String::new(),
        (1, 1) => " It is called or taxed as one at the till.".to_owned(),
        (all, n) if all == n => " Each is called or taxed as one at the till.".to_owned(),
        (1, _) => " One of them is called or taxed as one at the till.".to_owned(),
        (some, _) => format!(" {some} of them are called or taxed as one at the till."),
    };
    let title = match n {
        0 => return None,
        1 => format!("1 {one} of {} has no {} at {}", shop.name, topic.at_till()[0], till.name),
        n => format!("{n} {several} of {} have no {} at {}", shop.name, topic.at_till()[0], till.name),
    };
    let why =
        format!("{}.{suggested} Until somebody says so, nothing of it can be compared with the till.", named(open));
    Some(problem(Kind::NotMapped, (shop, till), topic, title, why))
}

fn put_away(shop: &Link, till: &Link, topic: Topic, away: &[&Line]) -> Option<Problem> {
    let title = match (away.len(), topic) {
        (0, _) => return None,
        (_, Topic::Returns) => format!("The outlet for returned units is no longer used at {}", till.name),
        (1, _) => format!("A {} that {} counts on is no longer used at {}", topic.at_till()[0], shop.name, till.name),
        (n, _) => {
            format!(
                "For {n} {} of {} the {} is no longer used at {}",
                topic.in_shop()[1],
                shop.name,
                topic.at_till()[0],
                till.name
            )
        }
    };
    let why = format!("{}. It was archived or removed over there after somebody chose it.", named(away));
    Some(problem(Kind::TwinPutAway, (shop, till), topic, title, why))
}

/// "“a”, “b”, “c” and 4 more".
fn named(lines: &[&Line]) -> String {
    let names: Vec<String> = lines.iter().take(NAMED).map(|line| format!("“{}”", line.web.name)).collect();
    match lines.len().saturating_sub(NAMED) {
        0 => match names.as_slice() {
            [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
            names => names.concat(),
        },
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn problem(kind: Kind, (shop, till): (&Link, &Link), topic: Topic, title: String, why: String) -> Problem {
    let page = format!("/connections/mapping?shop={}&till={}#{}", shop.id, till.id, topic.word());
    Problem {
        kind,
        subject: format!("{}:{}:{}", shop.id, till.id, topic.word()),
        severity: Severity::Soon,
        team: topic.team(),
        title,
        why,
        money_minor: 0,
        currency: String::new(),
        waits: format!("{} and {}", shop.name, till.name),
        actions: vec![Press::look("Say which is which", page)],
    }
}
