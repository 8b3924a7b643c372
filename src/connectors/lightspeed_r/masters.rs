//! What is mapped and seldom changes: payment types, taxes, registers, employees; and register closures.

use super::super::error::CallError;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::ask::{Question, ROWS, relations};
use super::calls::{Pace, answer, found};
use super::costs::{self, Relations};
use super::selling::unlawful;
use super::{LightspeedR, wire};
use crate::domain::money::Fine;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;

/// A way of paying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentType {
    /// The vendor's id.
    pub id: String,
    /// Its name at the till.
    pub name: String,
    /// The vendor's word for its kind; those that people add are all "user defined".
    pub kind: String,
    /// No longer used.
    pub archived: bool,
    /// The type in which refunds must go back, if not any.
    pub refund_as: Option<String>,
}

/// A sales tax: the rates that a shop charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxCategory {
    /// The vendor's id.
    pub id: String,
    /// Its names, one for each rate that has one.
    pub names: Vec<String>,
    /// Rates as parts of one (0.25 is a quarter).
    pub rates: Vec<Decimal>,
    /// Whether prices include it.
    pub inclusive: bool,
}

/// What an item is to the taxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxClass {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The shop it stands in.
    pub shop: Option<String>,
    /// Whether it is open now.
    pub open: bool,
    /// No longer used.
    pub archived: bool,
}

/// Somebody in whose name things are done at the till. Names stay with the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employee {
    /// The vendor's id.
    pub id: String,
    /// May not log in.
    pub locked: bool,
    /// No longer there.
    pub archived: bool,
}

/// A register that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// The vendor's id; rises from one to the next.
    pub id: String,
    /// Which register.
    pub register: String,
    /// When it had been opened.
    pub opened_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// What was in it, by payment type.
    pub amounts: Vec<ClosureAmount>,
}

/// One payment type of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosureAmount {
    /// The payment type.
    pub payment_type: String,
    /// What should have been there: what was paid, with what was put in before.
    pub calculated: Fine,
    /// What was counted. UNSURE: a register that is closed through the API is never counted, and says 0 here.
    pub counted: Fine,
}

impl LightspeedR {
    /// Ways of paying, archived ones too.
    pub async fn payment_types(&self) -> Result<Answer<Vec<PaymentType>>, CallError> {
        self.short_list("read payment types", "PaymentType", |row| {
            Ok(PaymentType {
                id: row.need_key("paymentTypeID")?,
                name: row.text("name")?.unwrap_or_default(),
                kind: row.text("type")?.unwrap_or_default(),
                archived: row.flag("archived")?.unwrap_or(false),
                refund_as: wire::link(row, "refundAsPaymentTypeID")?,
            })
        })
        .await
    }

    /// Sales taxes.
    pub async fn tax_categories(&self) -> Result<Answer<Vec<TaxCategory>>, CallError> {
        self.short_list("read taxes", "TaxCategory", |row| {
            let (mut names, mut rates) = (Vec::new(), Vec::new());
            for (name, rate) in [("tax1Name", "tax1Rate"), ("tax2Name", "tax2Rate")] {
                let Some(name) = row.text(name)?.filter(|name| !name.is_empty()) else { continue };
                names.push(name);
                rates.push(row.number(rate)?.unwrap_or_default());
            }
            let inclusive = row.flag("isTaxInclusive")?.unwrap_or(false);
            Ok(TaxCategory { id: row.need_key("taxCategoryID")?, names, rates, inclusive })
        })
        .await
    }

    /// What items are to the taxes.
    pub async fn tax_classes(&self) -> Result<Answer<Vec<TaxClass>>, CallError> {
        self.short_list("read tax classes", "TaxClass", |row| {
            Ok(TaxClass { id: row.need_key("taxClassID")?, name: row.text("name")?.unwrap_or_default() })
        })
        .await
    }

    /// Registers, archived ones too.
    pub async fn registers(&self) -> Result<Answer<Vec<Register>>, CallError> {
        self.short_list("read registers", "Register", |row| {
            Ok(Register {
                id: row.need_key("registerID")?,
                name: row.text("name")?.unwrap_or_default(),
                shop: wire::link(row, "shopID")?,
                open: row.flag("open")?.unwrap_or(false),
                archived: row.flag("archived")?.unwrap_or(false),
            })
        })
        .await
    }

    /// Employees, archived ones too.
    pub async fn employees(&self) -> Result<Answer<Vec<Employee>>, CallError> {
        self.short_list("read employees", "Employee", |row| {
            Ok(Employee {
                id: row.need_key("employeeID")?,
                locked: row.flag("lockOut")?.unwrap_or(false),
                archived: row.flag("archived")?.unwrap_or(false),
            })
        })
        .await
    }

    /// The employee whose token this is.
    pub async fn own_employee(&self) -> Result<Answer<String>, CallError> {
        let question = Question::read("read whose key this is", "/API/Session.json".to_owned(), costs::ONE);
        let (text, exchanges) = found(self.ask(&question, Pace::Own).await?)?;
        answer(own_employee(&text), exchanges)
    }

    /// Registers that were closed after this closure, oldest first, with what was in them: at most a hundred. `None`
    /// begins with the first.
    pub async fn closures_after(&self, id: Option<&str>) -> Result<Answer<Vec<Closure>>, CallError> {
        if id.is_some_and(|id| !wire::is_id(id)) {
            return Err(unlawful("this is no id of the till"));
        }
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let beyond = id.map(|id| format!("&registerCountID=%3E%2C{id}")).unwrap_or_default();
        let path = format!(
            "{root}RegisterCount.json?sort=registerCountID{beyond}&limit={ROWS}&{}",
            relations(&["RegisterCountAmounts"])
        );
        let cost = costs::list(Relations { to_many: 1, ..Relations::default() });
        let said = self.ask(&Question::read("read register closures", path, cost), Pace::Own).await;
        let (text, seen) = found(said.map_err(|error| super::after(&exchanges, error))?)?;
        exchanges.extend(seen);
        let closures = wire::list(&text, "RegisterCount")
            .and_then(|list| list.rows.iter().map(|raw| closure(raw.get())).collect::<Result<Vec<_>, _>>());
        answer(closures, exchanges)
    }

    async fn short_list<T>(
        &self,
        purpose: &'static str,
        resource: &str,
        read: impl Fn(&Object<'_>) -> Result<T, Unreadable>,
    ) -> Result<Answer<Vec<T>>, CallError> {
        let mut exchanges = Vec::new();
        let root = self.root(&mut exchanges).await?;
        let path = format!("{root}{resource}.json?limit={ROWS}&archived=true");
        let question = Question::read(purpose, path, costs::ONE);
        let rows =
            self.whole_list(question, resource, &mut exchanges, |raw| read(&Object::open(resource, raw)?)).await?;
        Ok(Answer { value: rows, exchanges })
    }
}

/// UNSURE: the shape of this answer is not shown anywhere; the employee is looked for at the top, inside `Employee` and
/// inside `Session`.
fn own_employee(text: &str) -> Result<String, Unreadable> {
    let body = Object::open("the session", text)?;
    for name in ["Employee", "Session"] {
        if body.is_object(name)
            && let Some(id) = wire::link(&body.need_object(name)?, "employeeID")?
        {
            return Ok(id);
        }
    }
    wire::link(&body, "employeeID")?.ok_or_else(|| body.missing("employeeID"))
}

fn closure(raw: &str) -> Result<Closure, Unreadable> {
    let row = Object::open("RegisterCount", raw)?;
    let mut amounts = Vec::new();
    for amount in row.related("RegisterCountAmounts", "RegisterCountAmount")? {
        amounts.push(ClosureAmount {
            payment_type: amount.need_key("paymentTypeID")?,
            calculated: amount.rounded("calculated")?.unwrap_or(Fine::ZERO),
            counted: amount.rounded("actual")?.unwrap_or(Fine::ZERO),
        });
    }
    Ok(Closure {
        id: row.need_key("registerCountID")?,
        register: row.need_key("registerID")?,
        opened_at: row.time("openTime")?,
        closed_at: row.need_time("createTime")?,
        amounts,
    })
}
