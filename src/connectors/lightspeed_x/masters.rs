//! What is mapped and seldom changes: payment types, taxes, registers, users, the retailer's own rules; and what a
//! register has taken.
//!
//! The vendor lists no past closures: what stands in a notice of one ([`read_closure`]) cannot be read again. What a
//! session took is rebuilt from the payments of its sales ([`sessions`]).

use super::super::error::CallError;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::calls::{Short, id};
use super::detail::SaleDetail;
use super::{LightspeedX, PAGE_ROWS, REGISTERS};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A way of paying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentType {
    /// The vendor's id of this retailer's own way; several may share one kind, so only this tells them apart.
    pub id: String,
    /// Its name at the till.
    pub name: String,
    /// The vendor's number of its kind.
    pub kind: String,
    /// The outlets where it is taken; none means all.
    pub outlets: Vec<String>,
    /// No longer used.
    pub archived: bool,
}

/// A sales tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tax {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Rates as parts of one (0.15 is 15 %); a tax may be a group of several.
    pub rates: Vec<Decimal>,
    /// Taken where nothing else is said.
    pub is_default: bool,
    /// No longer used.
    pub archived: bool,
}

/// A register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The outlet it stands in.
    pub outlet: Option<String>,
    /// Whether it is open now.
    pub open: bool,
    /// Its present session, or the last one.
    pub session: Option<String>,
    /// When that was opened.
    pub opened_at: Option<Timestamp>,
    /// No longer used.
    pub archived: bool,
}

/// Somebody in whose name things are done at the till. Names stay with the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The vendor's id: the author of a sale.
    pub id: String,
    /// The vendor's word for what they may do.
    pub kind: String,
    /// The outlets they are kept to; none means all.
    pub outlets: Vec<String>,
    /// No longer there.
    pub archived: bool,
}

/// The rules of the whole account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retailer {
    /// The vendor's id.
    pub id: String,
    /// ISO currency.
    pub currency: String,
    /// Prices are entered without tax; a new product takes one price only, of this kind.
    pub tax_exclusive: bool,
    /// The tax that lines without any need.
    pub no_tax: Option<String>,
}

/// What a register should hold, or was counted to hold, by payment type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taking {
    /// The payment type.
    pub payment_type: String,
    /// How much.
    pub total: Fine,
}

/// A register that was closed, as a notice told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// The vendor's id.
    pub id: String,
    /// Which register.
    pub register: Option<String>,
    /// When it had been opened.
    pub opened_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// By payment type.
    pub takings: Vec<Taking>,
}

/// What one session of a register took, added up from payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The register.
    pub register: String,
    /// The session.
    pub session: String,
    /// By payment type.
    pub takings: Vec<Taking>,
}

impl LightspeedX {
    /// Ways of paying, archived ones too.
    pub async fn payment_types(&self) -> Result<Answer<Vec<PaymentType>>, CallError> {
        let list =
            Short { purpose: "read payment types", resource: "payment_types", with_deleted: true, rows: PAGE_ROWS };
        self.short_list(list, |row| {
            Ok(PaymentType {
                id: row.need_key("id")?,
                name: row.text("name")?.unwrap_or_default(),
                kind: row.text("type_id")?.unwrap_or_default(),
                outlets: texts(row, "outlet_ids")?,
                archived: gone(row)? || row.flag("disabled")?.unwrap_or(false),
            })
        })
        .await
    }

    /// Sales taxes.
    pub async fn taxes(&self) -> Result<Answer<Vec<Tax>>, CallError> {
        let list = Short { purpose: "read taxes", resource: "taxes", with_deleted: false, rows: PAGE_ROWS };
        self.short_list(list, |row| {
            let mut rates = Vec::new();
            for rate in row.objects("rates")? {
                rates.push(rate.number("rate")?.ok_or_else(|| rate.missing("rate"))?);
            }
            Ok(Tax {
                id: row.need_key("id")?,
                name: row.text("name")?.or(row.text("display_name")?).unwrap_or_default(),
                rates,
                is_default: row.flag("is_default")?.unwrap_or(false),
                archived: gone(row)?,
            })
        })
        .await
    }

    /// Registers, archived ones too.
    pub async fn registers(&self) -> Result<Answer<Vec<Register>>, CallError> {
        self.short_list(REGISTERS, |row| {
            Ok(Register {
                id: row.need_key("id")?,
                name: row.text("name")?.unwrap_or_default(),
                outlet: row.key("outlet_id")?,
                open: row.flag("is_open")?.unwrap_or(false),
                session: row.key("register_open_sequence_id")?,
                opened_at: row.time("register_open_time")?,
                archived: gone(row)?,
            })
        })
        .await
    }

    /// Users. UNSURE: the list is described for an older version only; that it is the same here is our assumption.
    pub async fn users(&self) -> Result<Answer<Vec<User>>, CallError> {
        self.short_list(Short { purpose: "read users", resource: "users", with_deleted: false, rows: PAGE_ROWS }, user)
            .await
    }

    /// The user whose key this is: the author where nobody else is named. UNSURE as [`LightspeedX::users`]; the example of
    /// the older version shows a list with one element where one object would be expected, and both are read.
    pub async fn own_user(&self) -> Result<Answer<User>, CallError> {
        let path = format!("/api/{}/user", super::API_VERSION);
        let (text, exchanges) = super::found(self.get("read whose key this is", &path).await?)?;
        let read = super::wire::single(&text).and_then(|raw| user(&Object::open("user", raw)?)).or_else(|wrong| {
            let envelope = super::wire::envelope(&text).map_err(|_| wrong.clone())?;
            let [only] = envelope.rows.as_slice() else { return Err(wrong) };
            user(&Object::open("user", only.get())?)
        });
        super::answer(read, exchanges)
    }

    /// The rules of the account. UNSURE as [`LightspeedX::users`].
    pub async fn retailer(&self) -> Result<Answer<Option<Retailer>>, CallError> {
        self.one("read the account", "retailer", |row| {
            Ok(Retailer {
                id: row.need_key("id")?,
                currency: row.text("currency")?.unwrap_or_default(),
                tax_exclusive: row.flag("tax_exclusive")?.unwrap_or(false),
                no_tax: row.key("no_tax_group_id")?,
            })
        })
        .await
    }

    /// What a register should hold in its present session; `None` when the vendor knows no such register. UNSURE: before
    /// its first closing a register may not be known here.
    pub async fn takings(&self, register: &str) -> Result<Answer<Option<Vec<Taking>>>, CallError> {
        let rest = format!("registers/{}/payments_summary", id(register)?);
        self.one("read what a register holds", &rest, takings).await
    }
}

/// Reads the record of a closure that came with a notice. UNSURE: its shape is published nowhere. The names that the
/// summary of a register uses are looked for, and whatever is not there is left out.
pub fn read_closure(raw: &str) -> Result<Closure, Unreadable> {
    let row = Object::open("register closure", raw)?;
    let id = match row.key("register_closure_id")? {
        Some(id) => id,
        None => row.need_key("id")?,
    };
    let opened_at = row.time("register_open_time")?;
    let closed_at = row.time("register_close_time")?;
    Ok(Closure { id, register: row.key("register_id")?, opened_at, closed_at, takings: takings(&row)? })
}

/// What each session took, from its sales. Payments without a session are left out: they belong to none.
pub fn sessions(sales: &[SaleDetail]) -> Vec<Session> {
    let mut sums: BTreeMap<(&str, &str), BTreeMap<&str, i64>> = BTreeMap::new();
    for sale in sales {
        for payment in sale.payments.iter().filter(|payment| !payment.deleted) {
            let register = payment.register.as_deref().or(sale.register.as_deref());
            let (Some(register), Some(session)) = (register, payment.session.as_deref()) else { continue };
            let sum = sums.entry((register, session)).or_default().entry(&payment.payment_type).or_default();
            *sum = sum.saturating_add(payment.amount.0);
        }
    }
    let taking =
        |(payment_type, total): (&str, i64)| Taking { payment_type: payment_type.to_owned(), total: Fine(total) };
    sums.into_iter()
        .map(|((register, session), by_type)| Session {
            register: register.to_owned(),
            session: session.to_owned(),
            takings: by_type.into_iter().map(taking).collect(),
        })
        .collect()
}

fn takings(row: &Object<'_>) -> Result<Vec<Taking>, Unreadable> {
    let mut takings = Vec::new();
    for payment in row.objects("payments")? {
        let payment_type = match payment.key("payment_type_id")? {
            Some(id) => id,
            None => payment.need_key("retailer_payment_type_id")?,
        };
        let total = match payment.rounded("total")? {
            Some(total) => total,
            None => payment.rounded("amount")?.ok_or_else(|| payment.missing("total"))?,
        };
        takings.push(Taking { payment_type, total });
    }
    Ok(takings)
}

fn user(row: &Object<'_>) -> Result<User, Unreadable> {
    Ok(User {
        id: row.need_key("id")?,
        kind: row.text("account_type")?.unwrap_or_default(),
        outlets: texts(row, "restricted_outlet_ids")?,
        archived: gone(row)? || !row.flag("enabled")?.unwrap_or(true),
    })
}

/// A list of texts.
pub(super) fn texts(row: &Object<'_>, name: &str) -> Result<Vec<String>, Unreadable> {
    row.elements(name)?
        .into_iter()
        .map(|raw| serde_json::from_str(raw.get()).map_err(|_| row.wrong(name, "is no list of texts")))
        .collect()
}

/// Whether the row was deleted.
pub(super) fn gone(row: &Object<'_>) -> Result<bool, Unreadable> {
    Ok(row.text("deleted_at")?.is_some_and(|at| !at.is_empty()))
}
