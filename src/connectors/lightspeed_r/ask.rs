//! The questions, word for word: paths and queries, and what they cost.

use super::costs::{self, Relations};
use crate::domain::time::Timestamp;
use http::Method;

/// Rows of one page: the vendor's maximum.
pub(super) const ROWS: usize = 100;

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) purpose: &'static str,
    pub(super) method: Method,
    /// Path with query.
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// Whether the vendor's state changes when this succeeds.
    pub(super) mutates: bool,
    /// In parts of a drip.
    pub(super) cost: i64,
}

impl Question {
    pub(super) fn read(purpose: &'static str, path: String, cost: i64) -> Self {
        Self { purpose, method: Method::GET, path, body: None, mutates: false, cost }
    }

    pub(super) fn write(
        purpose: &'static str,
        method: Method,
        path: String,
        body: &serde_json::Value,
        cost: i64,
    ) -> Self {
        Self { purpose, method, path, body: Some(body.to_string()), mutates: true, cost }
    }
}

/// What of a sale is loaded with it. The customer is not: nobody here needs to know who it was.
const SALE_RELATIONS: [&str; 3] = ["SaleLines", "SalePayments", "SalePayments.PaymentType"];
const OF_SALE: Relations = Relations { to_one: 0, to_many: 2, to_one_within: 1 };

/// What of an item is loaded with it.
const ITEM_RELATIONS: [&str; 1] = ["ItemAttributes"];
const OF_ITEM: Relations = Relations { to_one: 1, to_many: 0, to_one_within: 0 };

/// Sales changed in a second or later, oldest change first.
pub(super) fn sales(root: &str, from: Option<i64>) -> Question {
    let path = format!("{root}Sale.json?sort=timeStamp{}&limit={ROWS}&{}", since(from), relations(&SALE_RELATIONS));
    sales_page(path)
}

/// A page of them.
pub(super) fn sales_page(path: String) -> Question {
    Question::read("read sales", path, costs::list(OF_SALE))
}

/// Sales by their ids, at most [`ROWS`].
pub(super) fn sales_of(root: &str, ids: &[&str]) -> Question {
    let path =
        format!("{root}Sale.json?{}&limit={ROWS}&archived=true&{}", within("saleID", ids), relations(&SALE_RELATIONS));
    Question::read("read voided sales", path, costs::list(OF_SALE))
}

/// One sale.
pub(super) fn sale(root: &str, id: &str) -> Question {
    let path = format!("{root}Sale/{id}.json?{}", relations(&SALE_RELATIONS));
    Question::read("read one sale", path, costs::single(OF_SALE))
}

/// Sales that carry a reference of ours.
pub(super) fn sales_by_reference(root: &str, reference: &str) -> Question {
    let query: String = form_urlencoded::byte_serialize(reference.as_bytes()).collect();
    let path = format!("{root}Sale.json?referenceNumber={query}&limit={ROWS}&{}", relations(&SALE_RELATIONS));
    Question::read("look for our sale", path, costs::list(OF_SALE))
}

/// Voids, newest first.
pub(super) fn voids(root: &str) -> Question {
    voids_page(format!("{root}SaleVoid.json?sort=-saleVoidID&limit={ROWS}"))
}

/// A page of them.
pub(super) fn voids_page(path: String) -> Question {
    Question::read("read voids", path, costs::ONE)
}

/// The void of a sale.
pub(super) fn void_of(root: &str, sale: &str) -> Question {
    let path = format!("{root}SaleVoid.json?saleID={sale}&sort=-saleVoidID&limit={ROWS}");
    Question::read("read a void", path, costs::ONE)
}

/// Lines by their ids, at most [`ROWS`].
pub(super) fn lines_of(root: &str, ids: &[&str]) -> Question {
    let path = format!("{root}SaleLine.json?{}&limit={ROWS}", within("saleLineID", ids));
    Question::read("read returned lines", path, costs::ONE)
}

/// Lines that take these lines back, at most [`ROWS`] of these.
pub(super) fn lines_taking_back(root: &str, ids: &[&str]) -> Question {
    let path = format!("{root}SaleLine.json?{}&limit={ROWS}", within("parentSaleLineID", ids));
    Question::read("read what was taken back", path, costs::ONE)
}

/// Counts changed in a second or later, oldest change first.
pub(super) fn stock(root: &str, from: Option<i64>) -> Question {
    stock_page(format!("{root}ItemShop.json?sort=timeStamp{}&limit={ROWS}", since(from)))
}

/// A page of them.
pub(super) fn stock_page(path: String) -> Question {
    Question::read("read stock", path, costs::ONE)
}

/// The count that changed last.
pub(super) fn newest_count(root: &str) -> Question {
    Question::read("read the newest count", format!("{root}ItemShop.json?sort=-timeStamp&limit=1"), costs::ONE)
}

/// Items changed in a second or later, archived ones too, oldest change first.
pub(super) fn items(root: &str, from: Option<i64>) -> Question {
    items_page(format!(
        "{root}Item.json?sort=timeStamp{}&archived=true&limit={ROWS}&{}",
        since(from),
        relations(&ITEM_RELATIONS)
    ))
}

/// A page of them.
pub(super) fn items_page(path: String) -> Question {
    Question::read("read products", path, costs::list(OF_ITEM))
}

/// The items of these matrices, at most [`ROWS`] matrices.
pub(super) fn items_of(root: &str, matrices: &[&str]) -> Question {
    items_page(format!(
        "{root}Item.json?sort=itemID&{}&archived=true&limit={ROWS}&{}",
        within("itemMatrixID", matrices),
        relations(&ITEM_RELATIONS)
    ))
}

/// Matrices changed in a second or later, oldest change first.
pub(super) fn matrices(root: &str, from: Option<i64>) -> Question {
    matrices_page(format!("{root}ItemMatrix.json?sort=timeStamp{}&archived=true&limit={ROWS}", since(from)))
}

/// A page of them.
pub(super) fn matrices_page(path: String) -> Question {
    Question::read("read styles", path, costs::ONE)
}

/// Matrices by their ids, at most [`ROWS`].
pub(super) fn matrices_of(root: &str, ids: &[&str]) -> Question {
    matrices_page(format!("{root}ItemMatrix.json?{}&archived=true&limit={ROWS}", within("itemMatrixID", ids)))
}

/// `&timeStamp=>=,…`, encoded; nothing when everything is asked for.
fn since(from: Option<i64>) -> String {
    let Some(from) = from else { return String::new() };
    let at = Timestamp::from_secs(from).to_utc().format("%Y-%m-%dT%H%%3A%M%%3A%S%%2B00%%3A00");
    format!("&timeStamp=%3E%3D%2C{at}")
}

/// `field=IN,[…]`, encoded. The ids are numbers.
fn within(field: &str, ids: &[&str]) -> String {
    format!("{field}=IN%2C%5B{}%5D", ids.join("%2C"))
}

/// `load_relations=["A","B"]`, encoded.
pub(super) fn relations(names: &[&str]) -> String {
    format!("load_relations=%5B%22{}%22%5D", names.join("%22%2C%22"))
}

#[cfg(test)]
mod tests {
    use super::super::super::pacing::drips::DRIP;
    use super::*;

    #[test]
    fn questions_are_encoded_as_the_vendor_shows_them() {
        let question = sales("/API/V3/Account/7/", Some(1_770_044_400));
        assert_eq!(
            question.path,
            "/API/V3/Account/7/Sale.json?sort=timeStamp&timeStamp=%3E%3D%2C2026-02-02T15%3A00%3A00%2B00%3A00&limit=100\
             &load_relations=%5B%22SaleLines%22%2C%22SalePayments%22%2C%22SalePayments.PaymentType%22%5D"
        );
        assert_eq!(question.cost, 2 * DRIP);
        assert_eq!(lines_of("/r/", &["1", "22"]).path, "/r/SaleLine.json?saleLineID=IN%2C%5B1%2C22%5D&limit=100");
        assert_eq!(stock("/r/", None).path, "/r/ItemShop.json?sort=timeStamp&limit=100");
        assert_eq!(items("/r/", None).cost, DRIP * 12 / 10);
        assert!(sales_by_reference("/r/", "WEB 1&x=2").path.contains("referenceNumber=WEB+1%26x%3D2&"));
    }
}
