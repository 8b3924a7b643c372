//! Reads what a system is set up with: ways to pay, taxes, stores and registers, a list at a time.
//!
//! Each list is kept in a unit of work of its own, and the cursor says which is next: an allowance that is nearly used up
//! is not enough for all of them at once, and one that has to wait loses none that was read.

use super::cx::{Change, Cx, Link, Side, TaskError};
use super::schedule::Task;
use super::sweep::Next;
use crate::domain::master::{MasterKind, Told};
use crate::domain::system::SystemSide;
use crate::store::{feeds, masters};
use std::sync::Arc;

/// Reads the next list; at the end of the last the mark moves.
pub(super) async fn read(cx: &Cx, link: &Arc<Link>) -> Result<Next, TaskError> {
    let feed = Task::Masters.feed();
    let kinds = MasterKind::read_of(if link.is_shop() { SystemSide::Shop } else { SystemSide::Till });
    let state = feeds::get(&cx.store, &link.id, feed).await?;
    let first = kinds.iter().position(|kind| kind.word() == state.cursor).unwrap_or(0);
    // What costs no call is kept together with the next that does.
    let (mut came, mut asked) = (Vec::new(), false);
    let mut rest = kinds.iter().skip(first).copied();
    for kind in rest.by_ref() {
        let answer = match &link.side {
            Side::Till(till) => till.masters(kind).await,
            Side::Shop(shop) => shop.masters(kind).await,
        }?;
        asked = !answer.exchanges.is_empty();
        came.push((kind, answer.value));
        if asked {
            break;
        }
    }
    let next = rest.next();
    let now = cx.now();
    let mut tx = cx.store.begin().await?;
    for (kind, told) in &came {
        masters::keep(&mut tx, &link.id, *kind, told, now);
    }
    // Who was not asked anything has not been read: such a connection may still be removed.
    if asked || !state.cursor.is_empty() {
        feeds::advance(&mut tx, &link.id, feed, next.map_or("", MasterKind::word), now);
        let told = came.iter().any(|(_, told)| matches!(told, Told::Seen(_) | Told::Whole(_)));
        if next.is_none() && told {
            feeds::mark(&mut tx, &link.id, feed, 0, now, now);
        }
    }
    tx.commit().await?;
    if next.is_some() {
        return Ok(Next::Again);
    }
    let _ = cx.changes.send(Change::Connections);
    cx.look_again.ask();
    Ok(Next::Later)
}
