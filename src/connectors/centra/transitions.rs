//! What is done to an order: confirmed, held, cancelled as a whole or by lines, edited, marked with our reference.
//!
//! Every one of these looks at the order first and does nothing when it is done already, so all may be repeated after a
//! lost answer. What cannot be told from the order alone (how many units of a line were cancelled, and by whom) is given
//! by the caller as it was before.

use super::detail::{self, OrderDetail};
use super::errand::{Done, Errand};
use super::queries::Question;
use super::spelling::Release;
use super::{Centra, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::fact::OrderState;
use crate::domain::ids::{DocumentKey, LineKey, OutletKey};
use crate::domain::money::Fine;
use serde_json::{Map, Value, json};

/// An order's comments.
const COMMENTS_GUESS: i64 = 300;

/// What becomes of goods that an order or a return lets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoodsTo {
    /// Back to the warehouse that they were kept at or left from.
    Origin,
    /// To this warehouse.
    Warehouse(OutletKey),
    /// Out of the books: lost or broken.
    Nowhere,
}

/// Units of a line to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelLine {
    /// Which line.
    pub line: LineKey,
    /// How many more units.
    pub units: i64,
    /// How many had been cancelled when this was decided. By it a repeat is told from a second cancellation.
    pub cancelled_before: i64,
}

impl GoodsTo {
    /// As the vendor takes it: exactly one of three.
    pub(super) fn policy(&self) -> Result<Value, Unreadable> {
        Ok(match self {
            Self::Origin => json!({ "releaseItemsBackToWarehouse": true }),
            Self::Warehouse(warehouse) => {
                json!({ "sendItemsToDifferentWarehouse": { "id": wire::id(warehouse.as_str())? } })
            }
            Self::Nowhere => json!({ "removeItemsFromStock": true }),
        })
    }
}

const UPDATE: &str = "mutation U($o:OrderInput!,$i:DirectToConsumerOrderUpdateInput!){ \
                      updateDirectToConsumerOrder(order:$o,input:$i){ order{id number status} userErrors{message path} \
                      userWarnings{message path} } }";

impl Centra {
    /// Confirms an order that is pending. The shop may send the customer a mail.
    pub async fn confirm_order(&self, order: &DocumentKey) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let seen = detail::need(&mut errand, order).await?;
        match (seen.status.as_str(), &seen.state) {
            ("PENDING", _) => {}
            (_, OrderState::Open | OrderState::Shipped) => return Ok(errand.done(Done::already(()))),
            _ => return Err(errand.refuse(format!("an order that is {} cannot be confirmed", seen.status))),
        }
        let text = "mutation C($i:OrderConfirmInput!){ confirmOrder(input:$i){ order{id number status} \
                    userErrors{message path} userWarnings{message path} } }";
        let variables = json!({ "i": { "order": { "id": order.as_str() } } });
        let question = Question::change("confirm an order", text, variables);
        let done = errand.change(question, "confirmOrder", None, |payload| same(payload, order)).await?;
        Ok(errand.done(done))
    }

    /// Puts an order on hold, with a reason for the shop's people.
    pub async fn hold_order(&self, order: &DocumentKey, reason: &str) -> Result<Answer<Done<()>>, CallError> {
        self.set_hold(order, true, reason).await
    }

    /// Lifts a hold, whoever put it there. Ask only for holds of our own.
    pub async fn release_order(&self, order: &DocumentKey, reason: &str) -> Result<Answer<Done<()>>, CallError> {
        self.set_hold(order, false, reason).await
    }

    async fn set_hold(&self, order: &DocumentKey, hold: bool, reason: &str) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        if detail::need(&mut errand, order).await?.on_hold == hold {
            return Ok(errand.done(Done::already(())));
        }
        let done = match (hold, self.spelling.release) {
            (false, Release::Resume(argument)) => {
                let text = format!(
                    "mutation E($o:OrderInput!){{ resumeDirectToConsumerOrder({argument}:$o){{ order{{id number status}} \
                     userErrors{{message path}} userWarnings{{message path}} }} }}"
                );
                let question = Question::change("lift a hold", text, json!({ "o": { "id": order.as_str() } }));
                errand.change(question, "resumeDirectToConsumerOrder", None, |payload| same(payload, order)).await?
            }
            _ => {
                let input = json!({ "isOnHold": hold, "holdStatusChangeReason": reason });
                update(&mut errand, "hold an order", order, input).await?
            }
        };
        Ok(errand.done(done))
    }

    /// Cancels the whole of an order that nothing was captured or shipped of; anything else is returned and refunded
    /// instead. The units of its lines stay as they are over there: only its state tells. The money that was set aside is
    /// let go; when the payment provider refuses that, the order is cancelled all the same, and a warning says so.
    pub async fn cancel_order(
        &self,
        order: &DocumentKey,
        goods: &GoodsTo,
        comment: &str,
        tell: bool,
    ) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let policy = errand.check(goods.policy())?;
        let seen = detail::need(&mut errand, order).await?;
        match &seen.state {
            OrderState::Cancelled => return Ok(errand.done(Done::already(()))),
            OrderState::Open => {}
            _ => return Err(errand.refuse(format!("an order that is {} cannot be cancelled", seen.status))),
        }
        if seen.captured().0 > 0 || seen.capture_pending() {
            return Err(errand.refuse("money was taken for this order: its goods are returned and refunded instead"));
        }
        let text = "mutation K($id:String!,$i:DirectToConsumerOrderCancelInput!){ \
                    cancelDirectToConsumerOrder(id:$id,input:$i){ order{id number status} userErrors{message path} \
                    userWarnings{message path} } }";
        let variables = json!({ "id": order.as_str(), "i": {
            "emailOptions": { "sendEmail": tell },
            "stockAction": policy,
            "comment": comment,
            "cancelAuthorization": true,
        }});
        let question = Question::change("cancel an order", text, variables);
        let done = errand.change(question, "cancelDirectToConsumerOrder", None, |payload| same(payload, order)).await?;
        Ok(errand.done(done))
    }

    /// Cancels units of lines that are not shipped yet. All lines go in one call, or none.
    pub async fn cancel_lines(
        &self,
        order: &DocumentKey,
        lines: &[CancelLine],
        goods: &GoodsTo,
        comment: &str,
    ) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let policy = errand.check(goods.policy())?;
        let seen = detail::need(&mut errand, order).await?;
        if errand.check(cancelled_already(&seen, lines))? {
            return Ok(errand.done(Done::already(())));
        }
        let mut rows = Vec::new();
        for line in lines {
            let id = errand.check(wire::id(line.line.as_str()))?;
            rows.push(json!({ "line": { "id": id }, "quantity": line.units, "stockActionPolicy": policy }));
        }
        let input = json!({ "cancelLines": rows, "cancellationComment": comment });
        let done = update(&mut errand, "cancel lines", order, input).await?;
        Ok(errand.done(done))
    }

    /// Lowers what is asked for shipping: while the order is confirmed and nothing of it is being shipped, and never
    /// upwards.
    pub async fn lower_shipping(&self, order: &DocumentKey, cost: Fine) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let seen = detail::need(&mut errand, order).await?;
        if seen.shipping == cost {
            return Ok(errand.done(Done::already(())));
        }
        if seen.status != "CONFIRMED" || cost.0 < 0 || cost > seen.shipping {
            return Err(errand.refuse("shipping can only be lowered, and only while an order is confirmed"));
        }
        let input = json!({ "shippingCost": wire::amount(cost, &seen.currency) });
        let done = update(&mut errand, "lower shipping", order, input).await?;
        Ok(errand.done(done))
    }

    /// Keeps the shop's people from editing an order, or lets them again. Says how it shall be, so it may be repeated.
    pub async fn lock_order(&self, order: &DocumentKey, locked: bool) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let id = errand.check(wire::order_id(order))?;
        let text = "mutation B($i:OrdersLockInput!){ setOrdersLock(input:$i){ userErrors{message path} \
                    userWarnings{message path} } }";
        let variables = json!({ "i": { "orders": [{ "id": id }], "isLocked": locked } });
        let done = errand
            .change(Question::change("lock an order", text, variables), "setOrdersLock", None, |_| Ok(()))
            .await?;
        Ok(errand.done(done))
    }

    /// Gives an order our reference. The shop would move a reference silently from one order to another, so it is looked
    /// for first, and what carries it already keeps it.
    pub async fn set_order_reference(
        &self,
        order: &DocumentKey,
        reference: &str,
    ) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        errand.check(wire::order_id(order))?;
        let holders = detail::by_reference(&mut errand, self, reference).await?;
        if holders.iter().any(|(holder, _)| holder == order) {
            return Ok(errand.done(Done::already(())));
        }
        if let Some((_, number)) = holders.first() {
            return Err(errand.refuse(format!("order {number} has this reference already")));
        }
        let done = update(&mut errand, "mark an order as ours", order, json!({ "externalId": reference })).await?;
        Ok(errand.done(done))
    }

    /// Adds a line to an order's comment for the shop's people, unless it stands there. The shop would replace the whole
    /// comment, so it is read first; what people write in that moment may be lost.
    pub async fn comment_on_order(&self, order: &DocumentKey, line: &str) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let id = errand.check(wire::order_id(order))?;
        if line.trim().is_empty() || line.contains(['\n', '\0']) {
            return Err(errand.refuse("a comment is one line, and not an empty one"));
        }
        let text = "query T($id:[String!]){ orders(where:{id:$id}, limit:1){ id internalComment } }";
        let question = Question::read("read an order's comment", text, json!({ "id": [id] }), COMMENTS_GUESS);
        let before = errand.ask(question, |data| comment_of(data, order)).await?;
        let Some(before) = before else { return Err(errand.refuse("the shop knows no such order")) };
        if before.lines().any(|known| known.trim() == line.trim()) {
            return Ok(errand.done(Done::already(())));
        }
        let comment = if before.trim().is_empty() { line.to_owned() } else { format!("{}\n{line}", before.trim_end()) };
        let done = update(&mut errand, "comment on an order", order, json!({ "internalComment": comment })).await?;
        Ok(errand.done(done))
    }

    /// Keeps units of lines at these warehouses, in this order, as far as the shop finds them there. An empty list would
    /// mean the whole order and is refused. After a lost answer the allocations of [`Centra::order_detail`] tell.
    pub async fn allocate(
        &self,
        order: &DocumentKey,
        lines: &[(LineKey, i64)],
        warehouses: &[OutletKey],
    ) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let id = errand.check(wire::order_id(order))?;
        let rows = errand.check(rows(lines))?;
        let places: Result<Vec<Value>, Unreadable> =
            warehouses.iter().map(|place| Ok(json!({ "id": wire::id(place.as_str())? }))).collect();
        let places = errand.check(places)?;
        let text = "mutation A($i:OrderAllocateInput!){ allocateOrder(input:$i){ userErrors{message path} \
                    userWarnings{message path} } }";
        let variables = json!({ "i": { "order": { "id": id }, "warehouses": places, "allocate": rows } });
        let done =
            errand.change(Question::change("allocate", text, variables), "allocateOrder", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }

    /// Lets go of units of lines. More than are kept is only a warning over there. After a lost answer the allocations of
    /// [`Centra::order_detail`] tell.
    pub async fn unallocate(
        &self,
        order: &DocumentKey,
        lines: &[(LineKey, i64)],
        goods: &GoodsTo,
    ) -> Result<Answer<Done<()>>, CallError> {
        let mut errand = Errand::changing(self);
        let id = errand.check(wire::order_id(order))?;
        let rows = errand.check(rows(lines))?;
        let policy = errand.check(goods.policy())?;
        let text = "mutation N($i:OrderUnallocateInput!){ unallocateOrder(input:$i){ userErrors{message path} \
                    userWarnings{message path} } }";
        let variables = json!({ "i": { "order": { "id": id }, "unallocate": rows, "stockActionPolicy": policy } });
        let question = Question::change("unallocate", text, variables);
        let done = errand.change(question, "unallocateOrder", None, |_| Ok(())).await?;
        Ok(errand.done(done))
    }
}

async fn update(
    errand: &mut Errand<'_>,
    purpose: &'static str,
    order: &DocumentKey,
    input: Value,
) -> Result<Done<()>, CallError> {
    let question = Question::change(purpose, UPDATE, json!({ "o": { "id": order.as_str() }, "i": input }));
    errand.change(question, "updateDirectToConsumerOrder", None, |payload| same(payload, order)).await
}

/// That the shop changed the order that we named. One that it does not name is taken at its word.
fn same(payload: &Object<'_>, order: &DocumentKey) -> Result<(), Unreadable> {
    match payload.object("order")? {
        Some(changed) if changed.need_key("id")? != order.as_str() => {
            Err(changed.wrong("id", "another order was changed than the one that we named"))
        }
        _ => Ok(()),
    }
}

/// Whether all of these were cancelled already. Some and not others, or more than that, is for a person to see.
pub(super) fn cancelled_already(order: &OrderDetail, lines: &[CancelLine]) -> Result<bool, Unreadable> {
    if lines.is_empty() {
        return Err(Unreadable::new("no line was named to be cancelled"));
    }
    let (mut done, mut open) = (0_usize, 0_usize);
    for wanted in lines {
        let name = &wanted.line;
        let line = order.line(name).ok_or_else(|| Unreadable::new(format!("the order has no line {name}")))?;
        if wanted.units <= 0 || wanted.cancelled_before < 0 {
            return Err(Unreadable::new("only whole units can be cancelled, and at least one"));
        }
        let more = line.cancelled.saturating_sub(wanted.cancelled_before);
        match more {
            0 if line.units >= wanted.units => open += 1,
            0 => return Err(Unreadable::new(format!("line {name} has only {} units left", line.units))),
            more if more == wanted.units => done += 1,
            _ => return Err(Unreadable::new(format!("somebody else has cancelled units of line {name}"))),
        }
    }
    match (done, open) {
        (0, _) => Ok(false),
        (_, 0) => Ok(true),
        _ => Err(Unreadable::new("some of these lines are cancelled already and others are not")),
    }
}

fn rows(lines: &[(LineKey, i64)]) -> Result<Vec<Value>, Unreadable> {
    if lines.is_empty() || lines.iter().any(|(_, units)| *units <= 0) {
        return Err(Unreadable::new("lines and units must be named: an empty list would mean the whole order"));
    }
    let row = |(line, units): &(LineKey, i64)| {
        let mut row = Map::new();
        row.insert("orderLine".to_owned(), json!({ "id": wire::id(line.as_str())? }));
        row.insert("quantity".to_owned(), Value::from(*units));
        Ok(Value::Object(row))
    };
    lines.iter().map(row).collect()
}

/// The comment of this order; `None` when there is no such order.
pub(super) fn comment_of(data: &str, order: &DocumentKey) -> Result<Option<String>, Unreadable> {
    for row in wire::list(&Object::open("data", data)?, "orders")? {
        if row.need_key("id")? == order.as_str() {
            return Ok(Some(row.text("internalComment")?.unwrap_or_default()));
        }
    }
    Ok(None)
}
