//! Products, variants and sizes that we make or change in the shop.
//!
//! A change may be repeated: it says how things shall be. Making may not: nothing over there keeps two apart, not even our
//! own reference, which a repeat would take away from the first and give to the second. So everything made carries our
//! reference, and is looked for by it before it is made. What is new is not on sale until a person has put it on a display
//! and given it a price.

use super::errand::{Done, Errand};
use super::queries::Question;
use super::{Centra, wire};
use crate::connectors::error::CallError;
use crate::connectors::json::Object;
use crate::connectors::{Answer, Unreadable};
use crate::domain::ids::ProductKey;
use serde_json::{Map, Value, json};

/// One entry of the list of references.
const REFERENCE_GUESS: i64 = 300;

/// What a reference of ours is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// A product.
    Product,
    /// A variant.
    Variant,
    /// A size of a variant.
    Size,
}

/// A product to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Our reference, by which it is found again.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// The first part of its sizes' SKUs; may be empty.
    pub number: String,
    /// Whether it is active at once.
    pub active: bool,
    /// The vendor's id of its brand, if any.
    pub brand: Option<i64>,
}

/// A variant to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVariant {
    /// Our reference.
    pub reference: String,
    /// The product that it belongs to.
    pub style: i64,
    /// Its name, usually a colour.
    pub name: String,
    /// The second part of its sizes' SKUs; may be empty.
    pub number: String,
    /// Whether it is active at once.
    pub active: bool,
    /// Its chart of sizes, for good.
    pub chart: i64,
}

/// A size to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSize {
    /// Our reference.
    pub reference: String,
    /// The variant that it belongs to.
    pub variant: i64,
    /// Which size of the variant's chart.
    pub size: i64,
    /// The last part of its SKU; may be empty, or hold the whole of it.
    pub number: String,
    /// European article number.
    pub ean: Option<String>,
    /// American article number.
    pub upc: Option<String>,
    /// Whether it is active at once.
    pub active: bool,
}

/// What shall be otherwise of a product or a variant; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StyleChange {
    /// Its name.
    pub name: Option<String>,
    /// Its part of the SKU. Changes the SKU of every size below it.
    pub number: Option<String>,
    /// On sale, or put away. Putting away leaves the stock as it is.
    pub active: Option<bool>,
}

/// What shall be otherwise of a size; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SizeChange {
    /// The last part of its SKU.
    pub number: Option<String>,
    /// European article number; an empty text takes it off.
    pub ean: Option<String>,
    /// American article number; an empty text takes it off.
    pub upc: Option<String>,
    /// On sale, or put away.
    pub active: Option<bool>,
}

impl Kept {
    /// The vendor's word. UNSURE for the three; spelled as its list of kinds of events spells them.
    fn word(self) -> &'static str {
        match self {
            Self::Product => "Product",
            Self::Variant => "ProductVariant",
            Self::Size => "ProductSize",
        }
    }
}

impl Centra {
    /// The vendor's id of what carries this reference. References are the integration's own: another token of the same
    /// integration sees them, another integration does not.
    pub async fn kept_under(&self, kind: Kept, reference: &str) -> Result<Answer<Option<i64>>, CallError> {
        let mut errand = Errand::new(self);
        let id = look(&mut errand, kind, reference).await?;
        Ok(errand.done(id))
    }

    /// Makes a product unless one has its reference; answers its id.
    pub async fn create_product(&self, new: &NewProduct) -> Result<Answer<Done<i64>>, CallError> {
        let mut input = styled(&new.name, new.active);
        input.insert("productNumber".to_owned(), Value::from(new.number.as_str()));
        input.extend(new.brand.map(|brand| ("brand".to_owned(), json!({ "id": brand }))));
        let text = "mutation P($i:ProductCreateInput!){ createProduct(input:$i){ product{id} userErrors{message path} \
                    userWarnings{message path} } }";
        self.make(Kept::Product, &new.reference, ("make a product", text, "createProduct", "product"), input).await
    }

    /// Makes a variant unless one has its reference; answers its id. It has no sizes yet.
    pub async fn create_variant(&self, new: &NewVariant) -> Result<Answer<Done<i64>>, CallError> {
        let mut input = styled(&new.name, new.active);
        input.insert("variantNumber".to_owned(), Value::from(new.number.as_str()));
        input.insert("product".to_owned(), json!({ "id": new.style }));
        input.insert("sizeChart".to_owned(), json!({ "id": new.chart }));
        let text = "mutation V($i:ProductVariantCreateInput!){ createProductVariant(input:$i){ productVariant{id} \
                    userErrors{message path} userWarnings{message path} } }";
        let names = ("make a variant", text, "createProductVariant", "productVariant");
        self.make(Kept::Variant, &new.reference, names, input).await
    }

    /// Makes a size unless one has its reference; answers its id. Look for its article numbers before: the vendor keeps no
    /// two apart.
    pub async fn create_size(&self, new: &NewSize) -> Result<Answer<Done<i64>>, CallError> {
        let mut input = Map::new();
        input.insert("productVariant".to_owned(), json!({ "id": new.variant }));
        input.insert("size".to_owned(), json!({ "id": new.size }));
        input.insert("sizeNumber".to_owned(), Value::from(new.number.as_str()));
        input.insert("isActive".to_owned(), Value::Bool(new.active));
        for (name, code) in [("EAN", &new.ean), ("UPC", &new.upc)] {
            input.extend(code.as_ref().map(|code| (name.to_owned(), Value::from(code.as_str()))));
        }
        let text = "mutation Z($i:ProductSizeCreateInput!){ createProductSize(input:$i){ productSize{id} \
                    userErrors{message path} userWarnings{message path} } }";
        let names = ("make a size", text, "createProductSize", "productSize");
        self.make(Kept::Size, &new.reference, names, input).await
    }

    /// Changes a product, or puts it away. May be repeated.
    pub async fn update_product(&self, id: i64, change: &StyleChange) -> Result<Answer<Done<i64>>, CallError> {
        let input = restyled(change, "productNumber");
        let names = ("change a product", "updateProduct", "ProductUpdateInput", "product");
        self.update(names, id, input).await
    }

    /// Changes a variant, or puts it away. May be repeated.
    pub async fn update_variant(&self, id: i64, change: &StyleChange) -> Result<Answer<Done<i64>>, CallError> {
        let input = restyled(change, "variantNumber");
        let names = ("change a variant", self.spelling.update_variant, "ProductVariantUpdateInput", "productVariant");
        self.update(names, id, input).await
    }

    /// Changes a size, or puts it away. May be repeated.
    pub async fn update_size(&self, size: &ProductKey, change: &SizeChange) -> Result<Answer<Done<i64>>, CallError> {
        let id = wire::id(size.as_str()).map_err(super::rejected)?;
        let mut input = Map::new();
        for (name, text) in [("sizeNumber", &change.number), ("EAN", &change.ean), ("UPC", &change.upc)] {
            input.extend(text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str()))));
        }
        input.extend(change.active.map(|active| ("isActive".to_owned(), Value::Bool(active))));
        let names = ("change a size", self.spelling.update_size, "ProductSizeUpdateInput", "productSize");
        self.update(names, id, input).await
    }

    async fn make(
        &self,
        kind: Kept,
        reference: &str,
        (purpose, text, field, thing): (&'static str, &'static str, &str, &str),
        mut input: Map<String, Value>,
    ) -> Result<Answer<Done<i64>>, CallError> {
        let mut errand = Errand::changing(self);
        if let Some(id) = look(&mut errand, kind, reference).await? {
            return Ok(errand.done(Done::already(id)));
        }
        input.insert("externalId".to_owned(), Value::from(reference));
        let question = Question::change(purpose, text, json!({ "i": input }));
        let done = errand.change(question, field, Some(thing), |payload| id_of(payload, thing)).await?;
        Ok(errand.done(done))
    }

    async fn update(
        &self,
        (purpose, field, kind, thing): (&'static str, &'static str, &str, &str),
        id: i64,
        input: Map<String, Value>,
    ) -> Result<Answer<Done<i64>>, CallError> {
        let mut errand = Errand::changing(self);
        if input.is_empty() {
            return Ok(errand.done(Done::already(id)));
        }
        let text = format!(
            "mutation U($id:Int!,$i:{kind}!){{ {field}(id:$id,input:$i){{ {thing}{{id}} userErrors{{message path}} \
             userWarnings{{message path}} }} }}"
        );
        let question = Question::change(purpose, text, json!({ "id": id, "i": input }));
        let done = errand.change(question, field, None, |payload| id_of(payload, thing)).await?;
        if done.value != id {
            return Err(errand.refuse(format!("asked for {id}, the shop changed {}", done.value)));
        }
        Ok(errand.done(done))
    }
}

async fn look(errand: &mut Errand<'_>, kind: Kept, reference: &str) -> Result<Option<i64>, CallError> {
    let reference = errand.check(wire::reference(reference))?;
    let text = format!(
        "query I($ref:String!){{ idConversions(where:{{objectType:{}, externalId:{{equals:$ref}}}}){{ internalId externalId \
         objectType }} }}",
        kind.word()
    );
    let question = Question::read("look for our reference", text, json!({ "ref": reference }), REFERENCE_GUESS);
    errand.ask(question, |data| kept(data, reference)).await
}

pub(super) fn kept(data: &str, reference: &str) -> Result<Option<i64>, Unreadable> {
    for row in wire::list(&Object::open("data", data)?, "idConversions")? {
        if row.text("externalId")?.as_deref() == Some(reference) {
            return wire::need_id(&row, "internalId").map(Some);
        }
    }
    Ok(None)
}

fn id_of(payload: &Object<'_>, thing: &str) -> Result<i64, Unreadable> {
    wire::need_id(&payload.need_object(thing)?, "id")
}

fn status(active: bool) -> Value {
    Value::from(if active { "ACTIVE" } else { "INACTIVE" })
}

fn styled(name: &str, active: bool) -> Map<String, Value> {
    let mut input = Map::new();
    input.insert("name".to_owned(), Value::from(name));
    input.insert("status".to_owned(), status(active));
    input
}

fn restyled(change: &StyleChange, number: &str) -> Map<String, Value> {
    let mut input = Map::new();
    for (name, text) in [("name", &change.name), (number, &change.number)] {
        input.extend(text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str()))));
    }
    input.extend(change.active.map(|active| ("status".to_owned(), status(active))));
    input
}
