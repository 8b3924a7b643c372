//! What a shop is made of: its store views, tax classes, ways to pay, and the modules that decide what it can do.

use super::criteria::Criteria;
use super::errand::{REST, rejected};
use super::{Magento, detail, orders, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::{Object, elements};
use crate::connectors::{Answer, Unreadable};
use std::collections::BTreeMap;

/// A store view: one language or face of a website.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreView {
    /// The shop's id.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The website it belongs to.
    pub website: i64,
    /// Whether it is open.
    pub active: bool,
}

/// A place where customers collect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickupPoint {
    /// The code of its source, which is what an order names.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
}

/// A class of goods or customers that tax rules speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxClass {
    /// The shop's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Goods, or customers.
    pub of_goods: bool,
}

/// What the shop's modules say that it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modules {
    /// Stock by sources; without it this connector can neither read nor write counts.
    pub sources: bool,
    /// Customers may collect orders.
    pub pickup: bool,
    /// Changes may be given to the shop's own queue.
    pub queue: bool,
    /// The paid edition.
    pub commerce: bool,
}

impl Magento {
    /// Its store views, without the one that is the administration itself.
    pub async fn store_views(&self) -> Result<Answer<Vec<StoreView>>, CallError> {
        let mut errand = self.errand();
        let text = errand.get("read store views", &format!("{REST}/store/storeViews")).await?;
        let views = errand.read(store_views(&text))?;
        Ok(errand.done(views))
    }

    /// The places where customers collect, as its sources were last read.
    pub async fn pickup_points(&self) -> Result<Answer<Vec<PickupPoint>>, CallError> {
        let mut errand = self.errand();
        let places = self.known_places(&mut errand).await?;
        let points = places.sources.iter().filter(|source| source.pickup).map(|source| PickupPoint {
            code: source.code.clone(),
            name: source.name.clone(),
            enabled: source.enabled,
        });
        Ok(errand.done(points.collect()))
    }

    /// Its tax classes.
    pub async fn tax_classes(&self) -> Result<Answer<Vec<TaxClass>>, CallError> {
        let mut errand = self.errand();
        let criteria = Criteria::new().by("class_id");
        let raws = errand.whole_list("read tax classes", &format!("{REST}/taxClasses/search"), 300, criteria).await?;
        let classes = errand.read(raws.iter().map(|raw| tax_class(raw)).collect::<Result<Vec<_>, _>>())?;
        Ok(errand.done(classes))
    }

    /// What it can do.
    pub async fn modules(&self) -> Result<Answer<Modules>, CallError> {
        let mut errand = self.errand();
        let text = errand.get("read modules", &format!("{REST}/modules")).await?;
        let modules = errand.read(modules(&text))?;
        Ok(errand.done(modules))
    }

    /// Codes of the ways that its newest orders were paid, with how often. No address lists those that it offers.
    pub async fn payment_methods_seen(&self) -> Result<Answer<BTreeMap<String, u32>>, CallError> {
        let mut errand = self.errand();
        let newest = |size: usize| Criteria::new().by("entity_id").page(size, 1);
        let route = format!("{REST}/orders");
        let (text, size) = errand.rows("count orders", &route, 1, newest).await?;
        let (_, total, _) = errand.read(wire::page("the orders", &text, size, 1))?;
        let size = orders::ORDER_ROWS.min(self.page_rows());
        let last = total.div_ceil(size).max(1);
        let (text, asked) = errand
            .rows("read newest orders", &route, size, |size| Criteria::new().by("entity_id").page(size, last))
            .await?;
        if asked != size {
            return Err(errand.fail(rejected("the shop changed the size of its pages")));
        }
        let list = wire::list("the orders", &text).map(|list| list.rows);
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for raw in errand.read(list)? {
            if let Some(method) = detail::read(raw.get()).ok().and_then(|order| order.payment_method) {
                *seen.entry(method).or_default() += 1;
            }
        }
        Ok(errand.done(seen))
    }
}

/// Reads store views.
pub(super) fn store_views(text: &str) -> Result<Vec<StoreView>, Unreadable> {
    let mut views = Vec::new();
    for raw in elements("the store views", text)? {
        let row = Object::open("store view", raw.get())?;
        let id = row.need_whole("id")?;
        if id > 0 {
            views.push(StoreView {
                id,
                code: row.need_key("code")?,
                name: row.text("name")?.unwrap_or_default(),
                website: row.need_whole("website_id")?,
                active: row.flag("is_active")?.unwrap_or(false),
            });
        }
    }
    // They come in no stable order.
    views.sort_by_key(|view| view.id);
    Ok(views)
}

/// Reads a tax class.
pub(super) fn tax_class(raw: &str) -> Result<TaxClass, Unreadable> {
    let row = Object::open("tax class", raw)?;
    Ok(TaxClass {
        id: wire::id(&row, "class_id")?,
        name: row.text("class_name")?.unwrap_or_default(),
        of_goods: row.text("class_type")?.as_deref() == Some("PRODUCT"),
    })
}

/// Reads the list of modules.
pub(super) fn modules(text: &str) -> Result<Modules, Unreadable> {
    let names: Vec<String> =
        serde_json::from_str(text).map_err(|_| Unreadable::new("the modules are not a list of names"))?;
    let has = |name: &str| names.iter().any(|known| known == name);
    Ok(Modules {
        sources: has("Magento_InventoryApi"),
        pickup: has("Magento_InventoryInStorePickup"),
        queue: has("Magento_WebapiAsync"),
        commerce: has("Magento_Enterprise"),
    })
}
