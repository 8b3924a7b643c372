//! Products in their families, and how one is found: by id, by SKU, by our own reference.
//!
//! Every variant is a product of its own, the head of a family too: it has its own SKU and stock, and is no container.

use super::super::error::CallError;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::calls::{answer, encoded, found, id, makes_no_sense, unlawful};
use super::masters::gone;
use super::{API_VERSION, LightspeedX, wire};
use crate::domain::money::Fine;

/// Most rows believed of one look-up: its list is not paged.
const ROWS_MAX: usize = 5_000;

/// A product: one variant of a family, or one that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The vendor's id.
    pub id: String,
    /// What its family is known by: all its variants say the same.
    pub family: Option<String>,
    /// The family's name.
    pub name: String,
    /// The family's short name, shared by all variants.
    pub handle: String,
    /// SKU.
    pub sku: String,
    /// Its codes with the vendor's word for their kind, the first one counting most.
    pub codes: Vec<(String, String)>,
    /// What it differs in: name and value.
    pub options: Vec<(String, String)>,
    /// Shown at the till.
    pub active: bool,
    /// Deleted; nothing brings it back.
    pub deleted: bool,
    /// Whether stock of it is counted.
    pub counted: bool,
    /// Price with tax. Not told where it cannot be an amount.
    pub price_with_tax: Option<Fine>,
    /// Price without tax.
    pub price_without_tax: Option<Fine>,
    /// Where it comes from, in the vendor's word, with the references kept for product and variant.
    pub source: Source,
    /// The vendor's order of changes.
    pub version: i64,
}

/// References that a product keeps for another system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Whose. UNSURE: the vendor documents two words of its own only; another may be refused.
    pub kind: String,
    /// The product over there.
    pub product: String,
    /// The variant over there.
    pub variant: String,
}

/// Something that variants may differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl LightspeedX {
    /// One product; `None` when the vendor does not know it.
    pub async fn product(&self, product: &str) -> Result<Answer<Option<Product>>, CallError> {
        self.one("read one product", &format!("products/{}", id(product)?), read_row).await
    }

    /// The products with exactly this SKU, deleted ones left out. Several may be: the vendor keeps no two apart.
    pub async fn products_by_sku(&self, sku: &str) -> Result<Answer<Vec<Product>>, CallError> {
        let answer = self.looked_up("sku", sku).await?;
        let same = |product: &Product| product.sku == sku || product.codes.iter().any(|(_, code)| code == sku);
        Ok(Answer { value: answer.value.into_iter().filter(same).collect(), ..answer })
    }

    /// The products of the families with this name.
    pub async fn products_named_as(&self, name: &str) -> Result<Answer<Vec<Product>>, CallError> {
        let answer = self.looked_up("family_name", name).await?;
        let same = |product: &Product| product.name == name || product.name.starts_with(&format!("{name} / "));
        Ok(Answer { value: answer.value.into_iter().filter(same).collect(), ..answer })
    }

    /// The products that carry our reference, among those of this name: the vendor looks for no reference.
    pub async fn products_by_reference(&self, name: &str, source: &Source) -> Result<Answer<Vec<Product>>, CallError> {
        let answer = self.looked_up("family_name", name).await?;
        let ours = |product: &Product| product.source.kind == source.kind && product.source.product == source.product;
        let ours = |product: &Product| ours(product) && !source.product.is_empty();
        Ok(Answer { value: answer.value.into_iter().filter(ours).collect(), ..answer })
    }

    /// A product with all variants of its family; empty when the vendor does not know it.
    pub async fn family_of(&self, product: &str) -> Result<Answer<Vec<Product>>, CallError> {
        let Answer { value: one, exchanges } = self.product(product).await?;
        let Some(one) = one else { return Ok(Answer { value: Vec::new(), exchanges }) };
        let Some(family) = one.family.clone() else { return Ok(Answer { value: vec![one], exchanges }) };
        let mut all = self.looked_up("family_name", &one.name).await?;
        all.value.retain(|row| row.family.as_ref() == Some(&family));
        if !all.value.iter().any(|row| row.id == one.id) {
            all.value.push(one);
        }
        all.exchanges.splice(0..0, exchanges);
        Ok(all)
    }

    /// What variants may differ in. UNSURE: the list is described for an older version only.
    pub async fn attributes(&self) -> Result<Answer<Vec<Attribute>>, CallError> {
        let path = format!("/api/{API_VERSION}/variant_attributes");
        let (text, exchanges) = found(self.get("read what variants differ in", &path).await?)?;
        let read = wire::envelope(&text)
            .and_then(|list| list.rows.iter().map(|raw| attribute(&Object::open("attribute", raw.get())?)).collect());
        answer(read, exchanges)
    }

    /// A search that ignores every other word beside it, so what comes is sorted out here.
    async fn looked_up(&self, by: &str, what: &str) -> Result<Answer<Vec<Product>>, CallError> {
        if what.is_empty() {
            return Err(unlawful("nothing is looked for without a name"));
        }
        let path = format!("/api/{API_VERSION}/products?{by}={}", encoded(what));
        let (text, exchanges) = found(self.get("look for a product", &path).await?)?;
        let rows: Result<Vec<Product>, Unreadable> = wire::envelope(&text).and_then(|list| {
            if list.rows.len() > ROWS_MAX {
                return Err(Unreadable::new("a look-up answered with more than can be one product"));
            }
            list.rows.iter().map(|raw| read_row(&Object::open("product", raw.get())?)).collect()
        });
        match rows {
            Ok(mut rows) => {
                rows.retain(|row| !row.deleted);
                Ok(Answer { value: rows, exchanges })
            }
            Err(unreadable) => Err(makes_no_sense(unreadable, exchanges)),
        }
    }
}

/// Reads a stored product in all its detail.
pub fn read(raw: &str) -> Result<Product, Unreadable> {
    read_row(&Object::open("product", raw)?)
}

fn read_row(row: &Object<'_>) -> Result<Product, Unreadable> {
    let id = row.need_key("id")?;
    let mut codes = Vec::new();
    for code in row.objects("product_codes")? {
        let Some(text) = code.text("code")?.filter(|text| !text.is_empty()) else { continue };
        codes.push((code.text("type")?.unwrap_or_default(), text));
    }
    let mut options = Vec::new();
    for option in row.objects("variant_options")? {
        options.push((option.text("name")?.unwrap_or_default(), option.text("value")?.unwrap_or_default()));
    }
    let head = row.flag("has_variants")?.unwrap_or(false).then(|| id.clone());
    let text = |name: &str| Ok(row.text(name)?.unwrap_or_default());
    Ok(Product {
        family: row.key("family_id")?.or(row.key("variant_parent_id")?).or(head),
        name: text("name")?,
        handle: text("handle")?,
        sku: text("sku")?,
        codes,
        options,
        active: row.flag("active")?.unwrap_or(true) && row.flag("is_active")?.unwrap_or(true),
        deleted: gone(row)?,
        counted: row.flag("has_inventory")?.unwrap_or(true),
        price_with_tax: row.rounded("price_including_tax").ok().flatten(),
        price_without_tax: row.rounded("price_excluding_tax").ok().flatten(),
        source: Source { kind: text("source")?, product: text("source_id")?, variant: text("source_variant_id")? },
        version: wire::version(row)?.ok_or_else(|| row.missing("version"))?,
        id,
    })
}

pub(super) fn attribute(row: &Object<'_>) -> Result<Attribute, Unreadable> {
    Ok(Attribute { id: row.need_key("id")?, name: row.text("name")?.unwrap_or_default() })
}
