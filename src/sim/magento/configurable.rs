//! Configurable products: what they bundle and by what their variants differ.

use super::Account;
use super::catalogue::{Product, no_product};
use super::error::{Said, Wrong};
use super::input::Call;
use serde_json::{Value, json};

impl Account {
    fn parent(&self, call: &Call) -> Result<&Product, Wrong> {
        self.catalogue.by_sku(call.param("sku")).ok_or_else(no_product)
    }

    /// The codes of the attributes by which the children differ.
    fn differs_by(&self, parent: &Product) -> Vec<String> {
        let code = |id: i64| self.catalogue.attributes.iter().find(|a| a.id == id).map(|a| a.code.clone());
        parent.choices.iter().filter_map(|choice| code(choice.attribute)).collect()
    }

    /// Disabled children and those out of stock are there too; a product that has none answers with an empty list.
    pub(super) fn children(&mut self, call: &Call) -> Said {
        let parent = self.parent(call)?;
        let differs = self.differs_by(parent);
        let children = parent.children.iter().filter_map(|id| self.catalogue.products.get(id));
        Ok(children.map(|child| child.show_child(&differs, call.scope)).collect())
    }

    pub(super) fn add_child(&mut self, call: &Call) -> Said {
        let sku = super::input::text(call.need("childSku")?).unwrap_or_default();
        let parent = self.parent(call)?;
        let child = self.catalogue.by_sku(&sku).ok_or_else(no_product)?;
        if parent.children.contains(&child.id) {
            return Err(Wrong::bad("The product is already attached."));
        }
        if parent.choices.is_empty() {
            return Err(Wrong::bad("The parent product doesn't have configurable product options."));
        }
        let lacks = |code: &&String| !child.attributes.contains_key(code.as_str());
        if let Some(code) = self.differs_by(parent).iter().find(lacks) {
            let text = "The child product doesn't have the \"%1\" attribute value. Verify the value and try again.";
            return Err(Wrong::bad(text).with(json!([code])));
        }
        let (id, parent) = (child.id, parent.sku.clone());
        if let Some(parent) = self.catalogue.by_sku_mut(&parent) {
            parent.children.push(id);
            parent.updated = call.now;
            parent.stock.changed_by_itself = false;
            // Saving a product this way writes down that it has no pictures, until it is saved as a whole.
            for code in ["image", "small_image", "thumbnail"] {
                parent.attributes.insert(code.to_owned(), "no_selection".to_owned());
            }
        }
        self.refresh(&parent);
        Ok(json!(true))
    }

    pub(super) fn remove_child(&mut self, call: &Call) -> Said {
        let parent = self.parent(call)?;
        if !parent.is_configurable() {
            let text = "The product with the \"%1\" SKU isn't a configurable product.";
            return Err(Wrong::bad(text).with(json!([parent.sku])));
        }
        let child = self.catalogue.by_sku(call.param("childSku")).map(|child| child.id);
        let child = child.filter(|id| parent.children.contains(id));
        let child = child.ok_or_else(|| Wrong::missing("The product that was requested doesn't exist."))?;
        let parent = parent.sku.clone();
        if let Some(parent) = self.catalogue.by_sku_mut(&parent) {
            parent.children.retain(|id| *id != child);
            parent.updated = call.now;
        }
        self.refresh(&parent);
        Ok(json!(true))
    }

    pub(super) fn choices(&mut self, call: &Call) -> Said {
        let parent = self.parent(call)?;
        if !parent.is_configurable() {
            let text = "This is implemented for the \"%1\" configurable product only.";
            return Err(Wrong::bad(text).with(json!([parent.sku])));
        }
        Ok(parent.show_choices())
    }

    pub(super) fn create_choice(&mut self, call: &Call) -> Said {
        let option: Value = call.need("option")?.clone();
        self.parent(call)?;
        let choice = self.read_choice(&option)?;
        let id = choice.id;
        if let Some(parent) = self.catalogue.by_sku_mut(call.param("sku")) {
            parent.kind = "configurable".to_owned();
            parent.choices.push(choice);
            parent.updated = call.now;
        }
        Ok(json!(id))
    }

    pub(super) fn delete_choice(&mut self, call: &Call) -> Said {
        let id = call.id("id")?;
        let parent = self.catalogue.by_sku_mut(call.param("sku")).ok_or_else(no_product)?;
        parent.choices.retain(|choice| choice.id != id);
        Ok(json!(true))
    }
}
