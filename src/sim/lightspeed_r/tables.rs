//! The resources: which rows they have, what identifies them, what they can be sorted by and what hangs on them.

use super::super::till::VOIDED;
use super::super::world::State;
use super::account::stamp;
use super::shape::Row;
use super::{master, sales, show};
use crate::domain::time::Timestamp;

/// A resource of the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Item,
    ItemMatrix,
    ItemAttributeSet,
    ItemShop,
    InventoryLog,
    Sale,
    SaleLine,
    SalePayment,
    SaleVoid,
    SpecialOrder,
    Shop,
    Register,
    RegisterCount,
    RegisterCountAmount,
    RegisterWithdraw,
    Employee,
    PaymentType,
    PriceLevel,
    TaxCategory,
    TaxClass,
    TaxCategoryClass,
    Customer,
}

/// Where a row stands: what the two numbers mean depends on the resource.
pub(super) type At = (usize, usize);

/// A relation: its name, whether it leads to many, and to what if that is a resource.
pub(super) type Relation = (&'static str, bool, Option<Kind>);

impl Kind {
    pub const ALL: [Kind; 22] = [
        Kind::Item,
        Kind::ItemMatrix,
        Kind::ItemAttributeSet,
        Kind::ItemShop,
        Kind::InventoryLog,
        Kind::Sale,
        Kind::SaleLine,
        Kind::SalePayment,
        Kind::SaleVoid,
        Kind::SpecialOrder,
        Kind::Shop,
        Kind::Register,
        Kind::RegisterCount,
        Kind::RegisterCountAmount,
        Kind::RegisterWithdraw,
        Kind::Employee,
        Kind::PaymentType,
        Kind::PriceLevel,
        Kind::TaxCategory,
        Kind::TaxClass,
        Kind::TaxCategoryClass,
        Kind::Customer,
    ];

    pub fn of(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    pub const fn word(self) -> &'static str {
        match self {
            Kind::Item => "Item",
            Kind::ItemMatrix => "ItemMatrix",
            Kind::ItemAttributeSet => "ItemAttributeSet",
            Kind::ItemShop => "ItemShop",
            Kind::InventoryLog => "InventoryLog",
            Kind::Sale => "Sale",
            Kind::SaleLine => "SaleLine",
            Kind::SalePayment => "SalePayment",
            Kind::SaleVoid => "SaleVoid",
            Kind::SpecialOrder => "SpecialOrder",
            Kind::Shop => "Shop",
            Kind::Register => "Register",
            Kind::RegisterCount => "RegisterCount",
            Kind::RegisterCountAmount => "RegisterCountAmount",
            Kind::RegisterWithdraw => "RegisterWithdraw",
            Kind::Employee => "Employee",
            Kind::PaymentType => "PaymentType",
            Kind::PriceLevel => "PriceLevel",
            Kind::TaxCategory => "TaxCategory",
            Kind::TaxClass => "TaxClass",
            Kind::TaxCategoryClass => "TaxCategoryClass",
            Kind::Customer => "Customer",
        }
    }

    /// `itemID`
    pub fn primary(self) -> String {
        let word = self.word();
        let (first, rest) = word.split_at(1);
        format!("{}{rest}ID", first.to_lowercase())
    }

    /// What it can be sorted by besides its primary key.
    pub const fn sortable(self) -> &'static [&'static str] {
        match self {
            Kind::Item | Kind::ItemMatrix => &["timeStamp", "description"],
            Kind::ItemShop | Kind::SpecialOrder => &["timeStamp"],
            Kind::Sale => &["timeStamp", "completeTime", "updatetime"],
            Kind::SaleLine | Kind::SalePayment => &["timeStamp", "saleID"],
            Kind::SaleVoid => &["saleID"],
            Kind::RegisterCountAmount => &["registerCountID"],
            Kind::Customer => &["timeStamp", "firstName", "lastName"],
            Kind::InventoryLog => &["itemID"],
            _ => &[],
        }
    }

    pub const fn relations(self) -> &'static [Relation] {
        match self {
            Kind::Item => &[
                ("ItemShops", true, Some(Kind::ItemShop)),
                ("ItemAttributes", false, None),
                ("TaxClass", false, Some(Kind::TaxClass)),
                ("ItemMatrix", false, Some(Kind::ItemMatrix)),
                ("Category", false, None),
                ("Manufacturer", false, None),
                ("Note", false, None),
                ("Images", true, None),
                ("ItemVendorNums", true, None),
                ("ItemComponents", true, None),
                ("ItemECommerce", false, None),
                ("TagRelations", true, None),
                ("CustomFieldValues", true, None),
            ],
            Kind::ItemMatrix => &[
                ("Items", true, Some(Kind::Item)),
                ("ItemAttributeSet", false, Some(Kind::ItemAttributeSet)),
                ("TaxClass", false, Some(Kind::TaxClass)),
                ("Category", false, None),
                ("Manufacturer", false, None),
            ],
            Kind::ItemShop => &[("Item", false, Some(Kind::Item)), ("Shop", false, Some(Kind::Shop))],
            Kind::Sale => &[
                ("SaleLines", true, Some(Kind::SaleLine)),
                ("SalePayments", true, Some(Kind::SalePayment)),
                ("Customer", false, Some(Kind::Customer)),
                ("Shop", false, Some(Kind::Shop)),
                ("Register", false, Some(Kind::Register)),
                ("Employee", false, Some(Kind::Employee)),
                ("TaxCategory", false, Some(Kind::TaxCategory)),
                ("ShipTo", false, None),
                ("Quote", false, None),
                ("SaleNotes", false, None),
                ("CustomFieldValues", true, None),
            ],
            Kind::SaleLine => &[
                ("InventorySales", true, None),
                ("Item", false, Some(Kind::Item)),
                ("Sale", false, Some(Kind::Sale)),
                ("TaxClass", false, Some(Kind::TaxClass)),
                ("Customer", false, Some(Kind::Customer)),
                ("Note", false, None),
                ("Discount", false, None),
            ],
            Kind::SalePayment => &[
                ("PaymentType", false, Some(Kind::PaymentType)),
                ("Sale", false, Some(Kind::Sale)),
                ("CCCharge", false, None),
            ],
            Kind::SpecialOrder => {
                &[("SaleLine", false, Some(Kind::SaleLine)), ("Customer", false, Some(Kind::Customer))]
            }
            Kind::Shop => &[("TaxCategory", false, Some(Kind::TaxCategory)), ("Contact", false, None)],
            Kind::Register => &[("Shop", false, Some(Kind::Shop))],
            Kind::RegisterCount => &[
                ("RegisterCountAmounts", true, Some(Kind::RegisterCountAmount)),
                ("Register", false, Some(Kind::Register)),
            ],
            Kind::RegisterCountAmount | Kind::RegisterWithdraw => &[("PaymentType", false, Some(Kind::PaymentType))],
            Kind::TaxCategory => &[("TaxCategoryClasses", true, Some(Kind::TaxCategoryClass))],
            Kind::TaxCategoryClass => &[("TaxClass", false, Some(Kind::TaxClass))],
            Kind::Customer => &[
                ("Contact", false, None),
                ("CreditAccount", false, None),
                ("Note", false, None),
                ("Tags", true, None),
                ("CustomFieldValues", true, None),
            ],
            Kind::SaleVoid => &[("Sale", false, Some(Kind::Sale))],
            _ => &[],
        }
    }

    /// All rows that can be seen, in no particular order.
    pub fn rows(self, state: &State) -> Vec<At> {
        let (till, r) = (&state.till, &state.r);
        let plain = |n: usize| (0..n).map(|k| (k, 0)).collect::<Vec<At>>();
        let listed = || (0..till.sales.len()).filter(|at| sales::listed(state, *at));
        match self {
            Kind::Item => on_till(state).map(|item| (item, 0)).collect(),
            Kind::ItemShop => {
                let shops = till.outlets.len();
                on_till(state).flat_map(|item| (0..=shops).map(move |shop| (item, shop))).collect()
            }
            Kind::ItemMatrix => plain(r.matrices.len()),
            Kind::ItemAttributeSet => plain(4),
            Kind::InventoryLog => plain(r.log.len()),
            Kind::Sale => listed().map(|at| (at, 0)).collect(),
            Kind::SaleLine => {
                let held = r.held.iter().enumerate().filter(|(_, held)| !held.over).map(|(k, _)| (usize::MAX, k));
                listed().flat_map(|at| (0..sales::lines(state, at)).map(move |k| (at, k))).chain(held).collect()
            }
            Kind::SalePayment => {
                listed().flat_map(|at| (0..sales::payments(state, at)).map(move |k| (at, k))).collect()
            }
            Kind::SaleVoid => plain(r.voids.len()),
            Kind::SpecialOrder => {
                let specials = r.specials.iter().enumerate();
                specials.filter(|(_, special)| !special.over).map(|(at, _)| (at, 0)).collect()
            }
            Kind::Shop => plain(till.outlets.len()),
            Kind::Register => plain(till.registers.len()),
            Kind::RegisterCount => plain(r.counted.len()),
            Kind::RegisterCountAmount => {
                let counted = r.counted.iter().enumerate();
                counted.flat_map(|(at, count)| (0..count.amounts.len()).map(move |k| (at, k))).collect()
            }
            Kind::RegisterWithdraw => plain(r.withdraws.len()),
            Kind::Employee | Kind::PriceLevel => plain(2),
            Kind::PaymentType => plain(till.payment_types.len()),
            Kind::TaxCategory | Kind::TaxClass | Kind::TaxCategoryClass => plain(1),
            Kind::Customer => plain(r.customers.len()),
        }
    }

    /// The primary key of a row.
    pub fn id(self, state: &State, at: At) -> i64 {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        match self {
            Kind::ItemShop => number(at.0 * (state.till.outlets.len() + 1) + at.1 + 1),
            Kind::SaleLine => sales::line_id(state, at),
            Kind::SalePayment => sales::payment_id(state, at),
            Kind::RegisterCountAmount => number(at.0 * 100 + at.1 + 1),
            _ => number(at.0 + 1),
        }
    }

    /// When a row last changed, where it says so.
    pub fn stamp(self, state: &State, at: At) -> Option<Timestamp> {
        let r = &state.r;
        match self {
            Kind::Item => state.till.products.get(at.0).map(|product| product.updated_at),
            Kind::ItemShop => {
                let rows = state.till.stock.get(at.0)?;
                let version = match at.1.checked_sub(1) {
                    Some(outlet) => rows.get(outlet).map(|row| row.version),
                    None => rows.iter().map(|row| row.version).max(),
                };
                version.map(stamp)
            }
            Kind::ItemMatrix => r.matrices.get(at.0).map(|matrix| matrix.changed),
            Kind::SaleLine if at.0 == usize::MAX => r.held.get(at.1).map(|held| held.changed),
            Kind::Sale | Kind::SaleLine | Kind::SalePayment => state.seen(at.0).map(|sale| stamp(sale.version)),
            Kind::SpecialOrder => r.specials.get(at.0).map(|special| special.changed),
            Kind::Customer => r.customers.get(at.0).map(|customer| customer.changed),
            _ => None,
        }
    }

    pub fn archived(self, state: &State, at: At) -> bool {
        let r = &state.r;
        match self {
            Kind::Item => state.till.products.get(at.0).is_some_and(|product| !product.active),
            Kind::ItemMatrix => r.matrices.get(at.0).is_some_and(|matrix| matrix.archived),
            Kind::Sale => r.sales.get(&at.0).is_some_and(|notes| notes.archived),
            Kind::Customer => r.customers.get(at.0).is_some_and(|customer| customer.archived),
            _ => false,
        }
    }

    /// A field that is cheap to read, for filters over many rows.
    pub fn quick(self, state: &State, at: At, field: &str) -> Option<String> {
        let id = |n: usize| Some((n + 1).to_string());
        match (self, field) {
            (_, "timeStamp") => self.stamp(state, at).map(super::super::text::offset),
            (Kind::Item, "customSku") => state.range.items.get(at.0).map(|item| item.till_sku.clone()),
            (Kind::Item, "ean") => state.range.items.get(at.0).map(|item| item.ean.clone().unwrap_or_default()),
            (Kind::Item, "itemMatrixID") => Some(show::matrix_id(state, at.0)),
            (Kind::ItemShop, "itemID") => id(at.0),
            (Kind::ItemShop, "shopID") => Some(at.1.to_string()),
            (Kind::Sale, "referenceNumber") => {
                Some(state.r.sales.get(&at.0).map(|notes| notes.reference.clone()).unwrap_or_default())
            }
            (Kind::Sale, "completed") => state.seen(at.0).map(|sale| sale.completed_at.is_some().to_string()),
            (Kind::Sale, "voided") => state.seen(at.0).map(|sale| (sale.status == VOIDED).to_string()),
            (Kind::SaleLine | Kind::SalePayment, "saleID") => {
                if at.0 == usize::MAX {
                    Some("0".into())
                } else {
                    id(at.0)
                }
            }
            (Kind::InventoryLog, "itemID") => state.r.log.get(at.0).and_then(|logged| id(logged.item)),
            _ => None,
        }
    }

    /// The row without its relations.
    pub fn show(self, state: &State, at: At) -> Row {
        match self {
            Kind::Item => show::item(state, at.0),
            Kind::ItemMatrix => show::matrix(state, at.0),
            Kind::ItemAttributeSet => show::attribute_set(at.0 + 1),
            Kind::ItemShop => show::item_shop(state, at.0, at.1),
            Kind::InventoryLog => show::logged(state, at.0),
            Kind::Sale => sales::sale(state, at.0),
            Kind::SaleLine => sales::line(state, at),
            Kind::SalePayment => sales::payment(state, at),
            Kind::SaleVoid => sales::void(state, at.0),
            Kind::SpecialOrder => sales::special(state, at.0),
            Kind::Shop => master::shop(state, at.0),
            Kind::Register => master::register(state, at.0),
            Kind::RegisterCount => master::register_count(state, at.0),
            Kind::RegisterCountAmount => master::register_count_amount(state, at),
            Kind::RegisterWithdraw => master::register_withdraw(state, at.0),
            Kind::Employee => master::employee(at.0),
            Kind::PaymentType => master::payment_type(state, at.0),
            Kind::PriceLevel => master::price_level(at.0),
            Kind::TaxCategory => master::tax_category(),
            Kind::TaxClass => master::tax_class(),
            Kind::TaxCategoryClass => master::tax_category_class(),
            Kind::Customer => master::customer(state, at.0),
        }
    }
}

fn on_till(state: &State) -> impl Iterator<Item = usize> + '_ {
    state.range.items.iter().enumerate().filter(|(_, item)| item.on_till()).map(|(at, _)| at)
}
