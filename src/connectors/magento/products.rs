//! Products: every simple product is a listing, under the style of the configurable product that it belongs to.
//!
//! The shop tells which variants a configurable has, but not which configurable a variant belongs to. So all
//! configurables are read first, once after each start, and kept in mind; after that the changes of all products are
//! read, and a configurable that changed brings its variants with it, for their own rows do not change. The record of a
//! product holds what the vendor sent and, beside it, the style and the labels that were found for it.
//!
//! The key of a product is its SKU: stock is written by it, and orders name it. A SKU that is changed over there is a
//! new product here. UNSURE: a deleted product disappears without a word; its old listing stays until somebody looks.
//! A change of stock moves no moment of a product, and some changes in masses do not either.

use super::criteria::Criteria;
use super::errand::{Errand, REST, REST_ALL};
use super::sweep::Mark;
use super::{Magento, not_ours, percent, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::{Object, elements};
use crate::connectors::{Answer, Page, Record, Unreadable, fingerprint};
use crate::domain::fact::{Fact, Listing};
use crate::domain::ids::ProductKey;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Products on one page, about 4 ms each.
const PRODUCT_ROWS: usize = 100;

/// What a shop's products are read with.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Code of the attribute that holds the barcode.
    pub(super) barcode: String,
    /// Codes of the attributes that tell variants apart.
    pub(super) options: Vec<String>,
    pub(super) prices_include_tax: bool,
}

/// Configurables and labels as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Families(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// By the id of a variant: the configurable that it belongs to.
    styles: HashMap<i64, Style>,
    /// Labels by attribute code and option id.
    labels: HashMap<String, HashMap<String, String>>,
    /// How far a first reading has come; below `whole` nothing is certain.
    reading: Option<Mark>,
    whole: bool,
}

/// The configurable that a variant belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Style {
    sku: String,
    name: String,
    updated_at: Option<i64>,
}

impl Families {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a sweep of products stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    /// Where the reading of all configurables stands, while it is going on.
    families: Option<Mark>,
    all: Mark,
    /// When this pass began; `None` between two.
    began: Option<i64>,
}

/// A page of changed products.
pub(super) async fn after(shop: &Magento, cursor: Option<&str>) -> Result<Answer<Page<Record>>, CallError> {
    let now = shop.caller.clock.now();
    let mut sweep = match cursor {
        None => Sweep { families: None, all: Mark::default(), began: None },
        Some(text) => serde_json::from_str(text).map_err(|_| not_ours())?,
    };
    let began = sweep.began.map_or(now, Timestamp);
    sweep.began = Some(began.micros());
    {
        let mut kept = shop.families.kept();
        if !kept.whole && (sweep.families.is_none() || kept.reading != sweep.families) {
            // After a start nothing is in mind, wherever the sweep stands.
            kept.reading = Some(Mark::default());
            sweep.families = kept.reading;
        } else if kept.whole {
            sweep.families = None;
        }
    }
    let mut errand = shop.errand();
    let (rows, next, reached) = match sweep.families {
        Some(mark) => {
            let next = families(&mut errand, mark).await?;
            (Vec::new(), Some(Sweep { families: next, ..sweep.clone() }), sweep.all)
        }
        None => {
            let (rows, next, reached) = changes(&mut errand, sweep.all).await?;
            (rows, next.map(|all| Sweep { all, ..sweep.clone() }), reached)
        }
    };
    let resume = match next {
        Some(_) => None,
        None => Some(Sweep { families: None, all: reached.rest(began), began: None }),
    };
    let text = |sweep: Option<Sweep>| sweep.map(|sweep| serde_json::to_string(&sweep)).transpose();
    let both = text(next).and_then(|next| Ok((next, text(resume)?)));
    let (next, resume) = errand.read(both.map_err(|error| Unreadable::new(error.to_string())))?;
    Ok(errand.done(Page { rows, next, resume, began: Some(began) }))
}

/// One page of configurables into the mind; gives where to go on.
async fn families(errand: &mut Errand<'_>, mark: Mark) -> Result<Option<Mark>, CallError> {
    let question = |size| mark.question(size).and("type_id", "eq", "configurable");
    let route = format!("{REST_ALL}/products");
    let (text, size) = errand.rows("read styles", &route, PRODUCT_ROWS, question).await?;
    let turned = errand.read(mark.turn("the styles", "id", &text, size))?;
    let mut kept = errand.shop.families.kept();
    for raw in &turned.rows {
        // One that cannot be read leaves its variants without a style; its own record says why.
        if let Ok(Some((style, variants))) = style(raw.get()) {
            kept.styles.extend(variants.into_iter().map(|id| (id, style.clone())));
        }
    }
    kept.reading = turned.next;
    kept.whole = turned.next.is_none();
    Ok(turned.next)
}

/// One page of changes; gives the records, where to go on, and how far it was read.
async fn changes(errand: &mut Errand<'_>, mark: Mark) -> Result<(Vec<Record>, Option<Mark>, Mark), CallError> {
    let route = format!("{REST_ALL}/products");
    let (text, size) = errand.rows("read products", &route, PRODUCT_ROWS, |size| mark.question(size)).await?;
    let turned = errand.read(mark.turn("the products", "id", &text, size))?;
    let mut raws: Vec<String> = turned.rows.iter().map(|raw| raw.get().to_owned()).collect();
    let mut variants = BTreeSet::new();
    {
        let mut kept = errand.shop.families.kept();
        for (style, ids) in raws.iter().filter_map(|raw| style(raw).ok().flatten()) {
            kept.styles.retain(|id, known| known.sku != style.sku || ids.contains(id));
            kept.styles.extend(ids.iter().map(|id| (*id, style.clone())));
            variants.extend(ids);
        }
    }
    // A first pass comes to every variant by itself, with its style in mind already.
    if mark.began_at.is_some() {
        let here: BTreeSet<i64> = raws.iter().filter_map(|raw| id_of(raw)).collect();
        let missing: Vec<String> = variants.difference(&here).map(i64::to_string).collect();
        for ids in missing.chunks(PRODUCT_ROWS) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let criteria = Criteria::new().one_of("entity_id", &ids).by("entity_id");
            raws.extend(errand.whole_list("read variants", &route, PRODUCT_ROWS, criteria).await?);
        }
    }
    learn_labels(errand, &raws).await?;
    let shop = errand.shop;
    let rows: Vec<Record> = {
        let kept = shop.families.kept();
        raws.iter().map(|raw| record(raw, &kept, &shop.catalogue)).collect()
    };
    let seen = rows.iter().filter_map(|row| row.facts.as_deref().ok()).flatten();
    let seen = seen.filter_map(crate::connectors::listing).map(|listing| (listing.sku.clone(), listing.counted));
    shop.saw(seen);
    Ok((rows, turned.next, turned.reached))
}

/// Reads the labels of the attributes whose options these products name and that are not known yet.
async fn learn_labels(errand: &mut Errand<'_>, raws: &[String]) -> Result<(), CallError> {
    for code in &errand.shop.catalogue.options {
        let wanted = {
            let kept = errand.shop.families.kept();
            let known = |value: &String| kept.labels.get(code).is_some_and(|labels| labels.contains_key(value));
            raws.iter().filter_map(|raw| option_of(raw, code)).any(|value| !known(&value))
        };
        if !wanted {
            continue;
        }
        let path = format!("{REST}/products/attributes/{}/options", percent::encode(code));
        let labels = match errand.find("read option labels", &path).await? {
            Some(text) => errand.read(labels(&text))?,
            None => HashMap::new(),
        };
        errand.shop.families.kept().labels.insert(code.clone(), labels);
    }
    Ok(())
}

/// Reads the options of an attribute: labels by id. The first, without a value, is the empty choice.
pub(super) fn labels(text: &str) -> Result<HashMap<String, String>, Unreadable> {
    let mut labels = HashMap::new();
    for raw in elements("the options", text)? {
        let option = Object::open("option", raw.get())?;
        if let Some(value) = option.key("value")? {
            labels.insert(value, option.text("label")?.unwrap_or_default().trim().to_owned());
        }
    }
    Ok(labels)
}

fn id_of(raw: &str) -> Option<i64> {
    Object::open("product", raw).and_then(|product| wire::id(&product, "id")).ok()
}

/// What a product chose of an attribute.
fn option_of(raw: &str, code: &str) -> Option<String> {
    attribute(&Object::open("product", raw).ok()?, code).ok().flatten()
}

/// The value of one of a product's own attributes; one with several values has none for us.
fn attribute(product: &Object<'_>, code: &str) -> Result<Option<String>, Unreadable> {
    for own in product.objects("custom_attributes")? {
        if own.text("attribute_code")?.as_deref() == Some(code) {
            let several = own.raw("value").is_some_and(|value| value.get().starts_with(['[', '{']));
            return if several { Ok(None) } else { own.key("value") };
        }
    }
    Ok(None)
}

/// A configurable with the ids of its variants; `None` for any other product.
fn style(raw: &str) -> Result<Option<(Style, Vec<i64>)>, Unreadable> {
    let product = Object::open("product", raw)?;
    if product.text("type_id")?.as_deref() != Some("configurable") {
        return Ok(None);
    }
    let mut variants = Vec::new();
    if product.is_object("extension_attributes") {
        for id in product.need_object("extension_attributes")?.elements("configurable_product_links")? {
            let id = id.get().trim_matches('"').parse::<i64>();
            variants.push(id.map_err(|_| product.wrong("configurable_product_links", "a link is no id"))?);
        }
    }
    let style = Style {
        sku: product.need_key("sku")?,
        name: product.text("name")?.unwrap_or_default(),
        updated_at: product.time("updated_at")?.map(Timestamp::secs),
    };
    Ok(Some((style, variants)))
}

/// What stands beside a product in its record.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Beside {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    style: Option<Style>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
}

fn record(raw: &str, kept: &Kept, reading: &Reading) -> Record {
    let id = id_of(raw);
    let label = |code: &String| {
        let value = option_of(raw, code)?;
        let label = kept.labels.get(code).and_then(|labels| labels.get(&value)).filter(|label| !label.is_empty());
        // Without a label the id still tells two variants apart.
        Some(label.cloned().unwrap_or(value))
    };
    let beside = Beside {
        style: id.and_then(|id| kept.styles.get(&id)).cloned(),
        options: reading.options.iter().filter_map(label).collect(),
    };
    let whole = match serde_json::to_string(&beside) {
        Ok(beside) if beside != "{}" => format!("{{\"product\":{raw},\"beside\":{beside}}}"),
        _ => raw.to_owned(),
    };
    let read = read(&whole, reading);
    let changed_at = match &read {
        Ok((changed_at, _)) => *changed_at,
        Err(_) => Object::open("product", raw).ok().and_then(|product| product.time("updated_at").ok().flatten()),
    };
    Record {
        kind: "product",
        // One without an id is kept with its reason, and does not hold up the page that it stands on.
        external_id: id.map_or_else(|| fingerprint(raw), |id| id.to_string()),
        version: changed_at.map_or(0, |changed_at| wire::version(changed_at, &whole)),
        facts: read.map(|(_, listing)| match listing {
            Some(listing) => vec![Fact::Listing(listing)],
            None => vec![Fact::Noted { kind: "product".to_owned() }],
        }),
        raw: whole,
    }
}

/// Reads a stored product; a configurable is a style and no listing.
pub(super) fn read_raw(raw: &str, reading: &Reading) -> Result<Option<Listing>, Unreadable> {
    read(raw, reading).map(|(_, listing)| listing)
}

fn read(raw: &str, reading: &Reading) -> Result<(Option<Timestamp>, Option<Listing>), Unreadable> {
    let record = Object::open("product", raw)?;
    let (product, beside) = match record.raw("product").filter(|product| product.get().starts_with('{')) {
        Some(product) => {
            let beside = record.raw("beside").map(|beside| serde_json::from_str(beside.get())).transpose();
            let beside: Option<Beside> = beside.map_err(|_| record.wrong("beside", "is not what we keep there"))?;
            (Object::open("product", product.get())?, beside.unwrap_or_default())
        }
        None => (record, Beside::default()),
    };
    let style_changed_at = beside.style.as_ref().and_then(|style| style.updated_at).map(Timestamp::from_secs);
    let changed_at = product.time("updated_at")?.max(style_changed_at);
    let sku = product.need_key("sku")?;
    let kind = product.text("type_id")?.unwrap_or_default();
    if kind == "configurable" {
        return Ok((changed_at, None));
    }
    let own_name = product.text("name")?.unwrap_or_default();
    let price = wire::money(&product, "price")?;
    let listing = Listing {
        product: ProductKey::new(sku.clone()),
        name: beside.style.as_ref().map_or(own_name, |style| style.name.clone()),
        style: beside.style.map(|style| style.sku),
        options: beside.options,
        sku,
        barcode: attribute(&product, &reading.barcode)?,
        // Anything but 1 is not on sale; the shop stores whatever it is sent.
        archived: product.whole("status")? != Some(1),
        // What is virtual or downloaded lies on no shelf.
        counted: kind == "simple",
        bundle: matches!(kind.as_str(), "bundle" | "grouped"),
        price: price.filter(|_| reading.prices_include_tax),
        version: changed_at.map(Timestamp::micros),
    };
    Ok((changed_at, Some(listing)))
}
