//! The catalogue as it is built over there: product, variant, size. What is sold and counted is the size; its price
//! hangs on the variant, its SKU is put together from the numbers of all three.

use super::errand::Errand;
use super::queries::{NESTED_ROWS, Question};
use super::{Centra, queries, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::ProductKey;
use serde_json::json;

/// Most rows that a look-up by one code gives. More than one is a collision already.
const FOUND_ROWS: usize = 50;

/// A look-up: fifty sizes with what they belong to.
const FOUND_GUESS: i64 = 1_500;

/// All size charts with their sizes.
const CHARTS_GUESS: i64 = 5_000;

/// A product with everything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductTree {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The first part of its sizes' SKUs; may be empty.
    pub number: String,
    /// Whether it is on sale, as far as the product is concerned.
    pub active: bool,
    /// Made of others: cannot be counted.
    pub bundle: bool,
    /// Its variants.
    pub variants: Vec<VariantTree>,
    /// A list in it is as long as a list can be that is given in part only: there may be more.
    pub may_be_cut_off: bool,
}

/// A variant, usually a colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantTree {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The second part of its sizes' SKUs; may be empty.
    pub number: String,
    /// Whether it is on sale, as far as the variant is concerned.
    pub active: bool,
    /// Its sizes.
    pub sizes: Vec<SizeRow>,
}

/// A size: what is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeRow {
    /// What the count knows it by.
    pub product: ProductKey,
    /// As people name it.
    pub name: String,
    /// The last part of its SKU; may be empty, or hold the whole of it.
    pub number: String,
    /// Put together by the shop; cannot be written, need not be unique.
    pub sku: String,
    /// European article number, if it has one. Nothing over there keeps two sizes from having the same.
    pub ean: Option<String>,
    /// American article number, if it has one.
    pub upc: Option<String>,
    /// Whether it is on sale, as far as the size is concerned.
    pub active: bool,
    /// Sold before it is there.
    pub preorder: bool,
}

/// A size that was looked for, with what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSize {
    /// The size.
    pub size: SizeRow,
    /// Its variant, if told.
    pub variant: Option<i64>,
    /// Its product, if told.
    pub style: Option<i64>,
    /// Whether size, variant and product are all on sale.
    pub on_sale: bool,
}

/// By what a size is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code<'a> {
    /// The SKU.
    Sku(&'a str),
    /// The European article number.
    Ean(&'a str),
    /// The American article number.
    Upc(&'a str),
}

/// A chart of sizes. A variant has one for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeChart {
    /// The vendor's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Ids and names of its sizes. Not the ids of what is sold: those come with each variant.
    pub sizes: Vec<(i64, String)>,
}

impl<'a> Code<'a> {
    fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Sku(code) => ("SKU", code.trim()),
            Self::Ean(code) => ("EAN", code.trim()),
            Self::Upc(code) => ("UPC", code.trim()),
        }
    }
}

impl Centra {
    /// A product with its variants and their sizes; `None` when there is none of this id.
    pub async fn product_tree(&self, id: i64) -> Result<Answer<Option<ProductTree>>, CallError> {
        let mut errand = Errand::new(self);
        let whole = errand.try_ask(queries::whole_product(id), |data| tree_of(data, id, usize::MAX)).await?;
        let tree = match whole {
            Some(tree) => tree,
            // A tenant that takes no limit there lists the first twenty.
            None => errand.ask(queries::one_product(id), |data| tree_of(data, id, NESTED_ROWS)).await?,
        };
        Ok(errand.done(tree))
    }

    /// Sizes with this code, archived ones too. More than one is a collision that a person has to settle: the vendor keeps
    /// neither SKUs nor article numbers apart. A blank code is refused, since blank SKUs are many.
    pub async fn sizes_by(&self, code: Code<'_>) -> Result<Answer<Vec<FoundSize>>, CallError> {
        let mut errand = Errand::new(self);
        let (field, code) = code.parts();
        if code.is_empty() {
            return Err(errand.refuse("an empty code would find everything that has none"));
        }
        let text = format!(
            "query L($code:String!){{ productSizes(where:{{{field}:{{equals:$code}}}}, limit:{FOUND_ROWS}){{ id description \
             sizeNumber SKU EAN UPC preorder isActive productVariant{{ id status product{{ id status }} }} }} }}"
        );
        let question = Question::read("look for a code", text, json!({ "code": code }), FOUND_GUESS);
        let found = errand.ask(question, |data| found(data, field, code)).await?;
        Ok(errand.done(found))
    }

    /// Charts of sizes, which a new variant needs one of.
    pub async fn size_charts(&self) -> Result<Answer<Vec<SizeChart>>, CallError> {
        let mut errand = Errand::new(self);
        let text = "query G { sizeCharts(limit:200){ id name sizes{ id name } } }";
        let charts = errand.ask(Question::read("read size charts", text, json!({}), CHARTS_GUESS), charts).await?;
        Ok(errand.done(charts))
    }
}

pub(super) fn tree_of(data: &str, id: i64, cut_at: usize) -> Result<Option<ProductTree>, Unreadable> {
    for product in wire::list(&Object::open("data", data)?, "products")? {
        // A shop that overlooks the filter must not make us take another product for this one.
        if wire::need_id(&product, "id")? == id {
            return tree(&product, cut_at).map(Some);
        }
    }
    Ok(None)
}

fn tree(product: &Object<'_>, cut_at: usize) -> Result<ProductTree, Unreadable> {
    let mut variants = Vec::new();
    let mut cut = false;
    for row in wire::list(product, "variants")? {
        let mut sizes = Vec::new();
        for size in wire::list(&row, "productSizes")? {
            sizes.push(size_row(&size)?);
        }
        cut |= sizes.len() >= cut_at;
        variants.push(VariantTree {
            id: wire::need_id(&row, "id")?,
            name: row.text("name")?.unwrap_or_default(),
            number: row.text("variantNumber")?.unwrap_or_default(),
            active: active(&row)?,
            sizes,
        });
    }
    Ok(ProductTree {
        id: wire::need_id(product, "id")?,
        name: product.text("name")?.unwrap_or_default(),
        number: product.text("productNumber")?.unwrap_or_default(),
        active: active(product)?,
        bundle: product.flag("isBundle")?.unwrap_or(false),
        may_be_cut_off: cut || variants.len() >= cut_at,
        variants,
    })
}

pub(super) fn size_row(size: &Object<'_>) -> Result<SizeRow, Unreadable> {
    let code = |name: &str| Ok::<_, Unreadable>(size.text(name)?.filter(|code| !code.trim().is_empty()));
    Ok(SizeRow {
        product: ProductKey::new(size.need_key("id")?),
        name: size.text("description")?.unwrap_or_default(),
        number: size.text("sizeNumber")?.unwrap_or_default(),
        sku: size.text("SKU")?.unwrap_or_default(),
        ean: code("EAN")?,
        upc: code("UPC")?,
        active: size.flag("isActive")?.unwrap_or(true),
        preorder: size.flag("preorder")?.unwrap_or(false),
    })
}

/// Only rows whose code is the one that was asked for, without regard to case, as the vendor compares.
pub(super) fn found(data: &str, field: &str, code: &str) -> Result<Vec<FoundSize>, Unreadable> {
    let mut found = Vec::new();
    for row in wire::list(&Object::open("data", data)?, "productSizes")? {
        let its = row.text(field)?.unwrap_or_default();
        if !its.trim().eq_ignore_ascii_case(code) {
            continue;
        }
        let size = size_row(&row)?;
        let (mut variant_id, mut style, mut on_sale) = (None, None, size.active);
        if let Some(variant) = row.object("productVariant")? {
            variant_id = Some(wire::need_id(&variant, "id")?);
            on_sale &= active(&variant)?;
            if let Some(product) = variant.object("product")? {
                style = Some(wire::need_id(&product, "id")?);
                on_sale &= active(&product)?;
            }
        }
        found.push(FoundSize { size, variant: variant_id, style, on_sale });
    }
    Ok(found)
}

pub(super) fn charts(data: &str) -> Result<Vec<SizeChart>, Unreadable> {
    let mut charts = Vec::new();
    for row in wire::list(&Object::open("data", data)?, "sizeCharts")? {
        let mut sizes = Vec::new();
        for size in row.objects("sizes")? {
            sizes.push((wire::need_id(&size, "id")?, size.text("name")?.unwrap_or_default()));
        }
        charts.push(SizeChart { id: wire::need_id(&row, "id")?, name: row.text("name")?.unwrap_or_default(), sizes });
    }
    Ok(charts)
}

/// Only `ACTIVE` is on sale; every other word, known or not, is not.
fn active(row: &Object<'_>) -> Result<bool, Unreadable> {
    Ok(row.text("status")?.is_none_or(|status| status == "ACTIVE"))
}
