//! What customers do: an order is placed at the checkout, its goods are promised, its money is worked out.

use super::Account;
use super::input;
use super::orders::{Address, Item, LineSums, Order, Sums, cents, next};
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;

/// What flat rate shipping costs per piece, as it is entered.
const FLAT_RATE: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

/// One thing in a basket: of a configurable, the SKU of the variant.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The SKU of what is taken from the shelf.
    pub sku: String,
    /// How many.
    pub quantity: Decimal,
}

/// A basket at the checkout.
#[derive(Debug, Clone)]
pub struct Basket {
    /// What is in it.
    pub wishes: Vec<Wish>,
    /// A coupon and the per cent that it takes off.
    pub coupon: Option<(String, Decimal)>,
    /// The source where the goods are fetched; otherwise they are sent.
    pub pickup: Option<String>,
    /// Who buys.
    pub address: Address,
}

/// Why an order was not placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotPlaced {
    /// There is no such product.
    Unknown(String),
    /// The stock does not have that many left.
    NotEnough(String),
}

impl Account {
    /// Places an order at the checkout; its entity id is the answer. It is not invoiced, and nothing is shipped.
    ///
    /// A failed attempt uses up an increment id, so that entity ids and increment ids drift apart.
    pub fn place(&mut self, basket: &Basket, now: Timestamp) -> Result<i64, NotPlaced> {
        let now = self.clock(now);
        let stock = self.stock_of_website();
        let quote = next(&mut self.sales.next.quote);
        let increment = next(&mut self.sales.next.increment);
        for wish in &basket.wishes {
            if self.catalogue.by_sku(&wish.sku).is_none() {
                return Err(NotPlaced::Unknown(wish.sku.clone()));
            }
            let managed = self.catalogue.by_sku(&wish.sku).is_some_and(|product| product.stock.manage);
            let alike = basket.wishes.iter().filter(|other| other.sku.eq_ignore_ascii_case(&wish.sku));
            if managed && self.salable(&wish.sku, stock) < alike.map(|other| other.quantity).sum() {
                return Err(NotPlaced::NotEnough(wish.sku.clone()));
            }
        }
        let id = next(&mut self.sales.next.order);
        let mut items = Vec::new();
        for wish in &basket.wishes {
            self.line(&mut items, wish, basket.coupon.as_ref().map(|(_, percent)| *percent), now);
        }
        let shipping = if basket.pickup.is_some() {
            Decimal::ZERO
        } else {
            FLAT_RATE * basket.wishes.iter().map(|wish| wish.quantity).sum::<Decimal>()
        };
        let sums = self.total(&items, shipping, basket.coupon.is_some());
        let shipping_tax_item = if sums.shipping_tax.is_zero() { 0 } else { next(&mut self.sales.next.tax_item) };
        let (method, method_title) = match &basket.pickup {
            Some(code) => {
                let name = self.places.source(code).map(|source| source.frontend_name.clone()).unwrap_or_default();
                ("instore_pickup", format!("In-Store Pickup Delivery - {name}"))
            }
            None => ("flatrate_flatrate", "Flat Rate - Fixed".to_owned()),
        };
        let order = Order {
            id,
            increment: format!("{increment:09}"),
            quote,
            state: "new".to_owned(),
            status: "pending".to_owned(),
            created: now,
            updated: now,
            address: basket.address.clone(),
            sent_to: basket.pickup.as_ref().map(|code| self.at_the_store(code, &basket.address)),
            shipping_address: next(&mut self.sales.next.address),
            billing_address: next(&mut self.sales.next.address),
            coupon: basket.coupon.as_ref().map(|(code, _)| code.clone()),
            method: method.to_owned(),
            method_title,
            pickup: basket.pickup.clone(),
            tax_id: next(&mut self.sales.next.tax),
            tax_code: self.tax.code.clone(),
            tax_percent: self.tax.percent,
            shipping_tax_item,
            items,
            sums,
            invoiced: None,
            refunded: None,
            canceled: None,
            adjusted: (Decimal::ZERO, Decimal::ZERO),
            comments: Vec::new(),
            external_id: None,
            before_hold: None,
            imported: None,
        };
        self.sales.orders.insert(id, order);
        for wish in &basket.wishes {
            let sku = self.catalogue.by_sku(&wish.sku).map_or_else(|| wish.sku.clone(), |p| p.sku.clone());
            self.reserve(&sku, -wish.quantity, "order_placed", id);
        }
        Ok(id)
    }

    /// Somebody who fetches goods in a store has the store's address.
    fn at_the_store(&self, code: &str, customer: &Address) -> Address {
        let word = |name: &str| {
            let about = self.places.source(code).map(|source| &source.about);
            about.and_then(|about| about.get(name)?.as_str()).unwrap_or_default().to_owned()
        };
        Address {
            street: vec![word("street")],
            city: word("city"),
            postcode: word("postcode"),
            country: word("country_id"),
            ..customer.clone()
        }
    }

    /// One line, or two when the SKU is the variant of a configurable.
    fn line(&mut self, items: &mut Vec<Item>, wish: &Wish, percent: Option<Decimal>, now: Timestamp) {
        let Some(product) = self.catalogue.by_sku(&wish.sku).cloned() else { return };
        let parents = self.catalogue.parents_of(&product.sku);
        let hidden = product.visibility == 1 || parents.len() == 1;
        let parent = parents.first().and_then(|sku| self.catalogue.by_sku(sku)).filter(|_| hidden).cloned();
        let cost = product.attributes.get("cost").and_then(|cost| input::decimal(&cost.clone().into()));
        let weight = product.weight.unwrap_or_default();
        let mut item = Item {
            id: next(&mut self.sales.next.item),
            quote_item: next(&mut self.sales.next.quote_item),
            sku: product.sku.clone(),
            ordered: wish.quantity,
            original_price: product.price,
            cost: cost.filter(|_| parent.is_none()),
            weight,
            discount_percent: percent.unwrap_or_default(),
            tax_percent: self.tax.percent,
            tax_item: next(&mut self.sales.next.tax_item),
            updated: Some(now),
            ..Item::default()
        };
        let shown = parent.as_ref().unwrap_or(&product);
        item.product = shown.id;
        item.kind.clone_from(&shown.kind);
        item.name.clone_from(&shown.name);
        self.price(&mut item, product.price);
        if let Some(parent) = &parent {
            let value = |choice: &super::catalogue::Choice| {
                let code = self.catalogue.attributes.iter().find(|a| a.id == choice.attribute)?.code.clone();
                Some((choice.attribute, product.attributes.get(&code)?.parse().ok()?))
            };
            item.options = parent.choices.iter().filter_map(value).collect();
        }
        let over = item.id;
        items.push(item);
        if parent.is_some() {
            items.push(Item {
                id: next(&mut self.sales.next.item),
                parent: Some(over),
                product: product.id,
                kind: product.kind.clone(),
                sku: product.sku.clone(),
                name: product.name.clone(),
                quote_item: next(&mut self.sales.next.quote_item),
                ordered: wish.quantity,
                weight,
                updated: Some(now),
                ..Item::default()
            });
        }
    }

    /// The money of a line. With prices that include tax the discount is taken from the price with tax.
    fn price(&self, item: &mut Item, entered: Decimal) {
        let rate = Decimal::ONE + item.tax_percent / Decimal::ONE_HUNDRED;
        let off = item.discount_percent / Decimal::ONE_HUNDRED;
        let (price, price_incl) = if self.switches.prices_include_tax {
            (cents(entered / rate), entered)
        } else {
            (entered, cents(entered * rate))
        };
        item.price = price;
        item.price_incl = price_incl;
        let quantity = item.ordered;
        item.sums = if self.switches.prices_include_tax {
            let row_incl = price_incl * quantity;
            let row = cents(row_incl / rate);
            let discount = cents(row_incl * off);
            let paid = row_incl - discount;
            let tax = cents(paid - paid / rate);
            LineSums { row, row_incl, discount, tax, hidden_tax: row_incl - row - tax }
        } else {
            let row = price * quantity;
            let discount = cents(row * off);
            let tax = cents((row - discount) * (rate - Decimal::ONE));
            LineSums { row, row_incl: cents(row * rate), discount, tax, hidden_tax: Decimal::ZERO }
        };
    }

    /// The money of the order. Only shipping that is entered with tax is taxed here.
    fn total(&self, items: &[Item], shipping: Decimal, discounted: bool) -> Sums {
        let all = |part: fn(&LineSums) -> Decimal| -> Decimal { items.iter().map(|item| part(&item.sums)).sum() };
        let rate = Decimal::ONE + self.tax.percent / Decimal::ONE_HUNDRED;
        let mut sums = Sums {
            subtotal: all(|s| s.row),
            subtotal_incl: all(|s| s.row_incl),
            discount: all(|s| s.discount),
            tax: all(|s| s.tax),
            shipping,
            shipping_incl: shipping,
            hidden_tax: all(|s| s.hidden_tax),
            ..Sums::default()
        };
        if self.switches.prices_include_tax && !shipping.is_zero() {
            sums.shipping_tax = cents(shipping - shipping / rate);
            // A cent of rounding goes astray here as soon as a coupon is used.
            sums.shipping_hidden_tax = if discounted { Decimal::new(1, 2) } else { Decimal::ZERO };
            sums.shipping = shipping - sums.shipping_tax - sums.shipping_hidden_tax;
        }
        sums.tax += sums.shipping_tax;
        sums.grand =
            sums.subtotal + sums.shipping + sums.tax - sums.discount + sums.hidden_tax + sums.shipping_hidden_tax;
        sums
    }
}
