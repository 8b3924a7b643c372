//! Everything we ask, word for word. Only documented fields, the vendor's own spelling, no cleverness.

use super::super::pacing::buckets::COMPLEXITY_GUESS;
use super::{Sweep, wire};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Rows of a page of products.
pub(super) const PRODUCT_ROWS: usize = 100;

/// Rows of a page of orders: each is expensive, with lines and allocations.
pub(super) const ORDER_ROWS: usize = 50;

/// Rows of a page of stock, the vendor's maximum.
pub(super) const STOCK_ROWS: usize = 200;

/// Products whose stock is asked for in one question.
pub(super) const STOCK_OF_MAX: usize = 100;

// What a question may cost in complexity until one of its kind has been answered. How the vendor counts is not
// published, only that nested lists multiply; one order was seen to cost 229. Too high a guess delays the first
// question by some seconds, too low a one gets us refused.

/// A hundred products, if their variants and sizes each count with the default of twenty: more than ten seconds'
/// allowance, so the first one waits until everything else has been paid.
const PRODUCTS_GUESS: i64 = 400_000;

/// Fifty orders.
const ORDERS_GUESS: i64 = 20_000;

/// Two hundred rows of stock, with two ids and two quantities that cost.
const STOCK_GUESS: i64 = 4_000;

/// One product at two hundred warehouses.
const STOCK_OF_GUESS: i64 = 1_000;

/// Two hundred warehouses.
const WAREHOUSES_GUESS: i64 = 4_000;

/// Rows a nested list has when no limit is given. One that is exactly so long may have been cut off in silence.
pub(super) const NESTED_ROWS: usize = 20;

/// One question or change.
pub(super) struct Question {
    pub(super) purpose: &'static str,
    pub(super) text: Cow<'static, str>,
    pub(super) variables: Value,
    pub(super) mutates: bool,
    /// How many things it asks about; its complexity grows with them.
    pub(super) things: i64,
    /// Its complexity for each of them, until an answer has told.
    pub(super) guess: i64,
}

/// One change, of which one was seen to cost 112 to 145.
const CHANGE_GUESS: i64 = 200;

impl Question {
    /// A question, with what it may cost until one of its kind has been answered.
    pub(super) fn read(
        purpose: &'static str,
        text: impl Into<Cow<'static, str>>,
        variables: Value,
        guess: i64,
    ) -> Self {
        Self { purpose, text: text.into(), variables, mutates: false, things: 1, guess }
    }

    /// A change.
    pub(super) fn change(purpose: &'static str, text: impl Into<Cow<'static, str>>, variables: Value) -> Self {
        Self { purpose, text: text.into(), variables, mutates: true, things: 1, guess: CHANGE_GUESS }
    }
}

fn reads(purpose: &'static str, text: &'static str, variables: Value) -> Question {
    let guess = match purpose {
        "read products" | "read one product" => PRODUCTS_GUESS,
        "read orders" => ORDERS_GUESS,
        "read stock" => STOCK_GUESS,
        "read warehouses" => WAREHOUSES_GUESS,
        _ => COMPLEXITY_GUESS,
    };
    Question { purpose, text: Cow::Borrowed(text), variables, mutates: false, things: 1, guess }
}

pub(super) fn rate_limits() -> Question {
    reads("read allowance", "query { rateLimits { type intervalSeconds quota usedQuota remainingQuota } }", json!({}))
}

pub(super) fn warehouses() -> Question {
    reads("read warehouses", "query W { warehouses(sort:[id_ASC], limit:200){ id name status } }", json!({}))
}

/// Newest change first: a product that changes while we read moves to a page we have had, and pushes the others on
/// to pages we have not; it is in the next sweep, and none of the others is passed over.
pub(super) fn products(sweep: &Sweep) -> Question {
    if sweep.from.is_none() {
        reads(
            "read products",
            "query P($page:Int!){ products(where:{status:[ACTIVE,INACTIVE]}, sort:[updatedAt_DESC], limit:100, \
             page:$page){ id name status productNumber isBundle updatedAt variants{ id name status \
             variantNumber updatedAt productSizes{ id description sizeNumber SKU EAN UPC preorder isActive updatedAt } \
             } } counters{ products(where:{status:[ACTIVE,INACTIVE]}) } }",
            json!({ "page": sweep.page }),
        )
    } else {
        changed_products(sweep)
    }
}

fn changed_products(sweep: &Sweep) -> Question {
    reads(
        "read products",
        "query P($from:DateTimeTz!,$page:Int!){ products(where:{status:[ACTIVE,INACTIVE], updatedAt:{from:$from}}, \
         sort:[updatedAt_DESC], limit:100, page:$page){ id name status productNumber isBundle updatedAt \
         variants{ id name status variantNumber updatedAt productSizes{ id description sizeNumber SKU \
         EAN UPC preorder isActive updatedAt } } } }",
        json!({ "from": moment(sweep), "page": sweep.page }),
    )
}

/// One product with as many variants and sizes as a list can hold.
pub(super) fn whole_product(id: i64) -> Question {
    reads(
        "read one product",
        "query Q($id:[Int!]){ products(where:{id:$id}, limit:1){ id name status productNumber isBundle updatedAt \
         variants(limit:200){ id name status variantNumber updatedAt productSizes(limit:200){ id \
         description sizeNumber SKU EAN UPC preorder isActive updatedAt } } } }",
        json!({ "id": [id] }),
    )
}

/// The same, as a tenant gives it that takes no limit inside.
pub(super) fn one_product(id: i64) -> Question {
    reads(
        "read one product",
        "query Q($id:[Int!]){ products(where:{id:$id}, limit:1){ id name status productNumber isBundle updatedAt \
         variants{ id name status variantNumber updatedAt productSizes{ id description sizeNumber SKU \
         EAN UPC preorder isActive updatedAt } } } }",
        json!({ "id": [id] }),
    )
}

/// What an order tells us: what `orders.rs` reads and nothing else. Who bought and how it was paid is not among it: what
/// is not asked for needs no permission and cannot leak.
macro_rules! order_fields {
    () => {
        "id number status isOnHold createdAt updatedAt grandTotal(includingTax:true){value currency{code}} \
         lines(includeFullyCancelled:true){id quantity unitPrice{value} productSize{id} \
         allocations{quantity warehouse{id}}}"
    };
}

/// Held orders too: their units are spoken for.
pub(super) fn orders(sweep: &Sweep) -> Question {
    reads(
        "read orders",
        concat!(
            "query O($from:DateTimeTz!,$page:Int!){ orders(where:{storeType:DIRECT_TO_CONSUMER, \
             updatedAt:{from:$from}}, limit:50, page:$page){ ",
            order_fields!(),
            " } }"
        ),
        json!({ "from": moment(sweep), "page": sweep.page }),
    )
}

pub(super) fn order(number: i64) -> Question {
    reads(
        "read one order",
        concat!("query N($number:[Int!]){ orders(where:{number:$number}, limit:1){ ", order_fields!(), " } }"),
        json!({ "number": [number] }),
    )
}

pub(super) fn stock(warehouse: i64, page: u32) -> Question {
    reads(
        "read stock",
        "query S($wh:[Int!],$page:Int!){ warehouses(where:{id:$wh}, limit:1){ id stock(limit:200,page:$page){ \
         productSize{ id SKU } physicalQuantity allocatedQuantity freeToAllocateQuantity } } }",
        json!({ "wh": [warehouse], "page": page }),
    )
}

/// Asks for no more rows than there can be: the vendor counts what could come, not what comes.
pub(super) fn stock_of(products: &[i64], places: usize) -> Question {
    let text = format!(
        "query R($ids:[Int!]){{ productSizes(where:{{id:$ids}}, limit:{}){{ id stock(limit:{places}){{ warehouse{{id}} \
         physicalQuantity allocatedQuantity freeToAllocateQuantity }} }} }}",
        products.len().clamp(1, STOCK_OF_MAX)
    );
    Question {
        purpose: "read stock of products",
        text: Cow::Owned(text),
        variables: json!({ "ids": products }),
        mutates: false,
        things: i64::try_from(products.len()).unwrap_or(1).max(1),
        guess: STOCK_OF_GUESS,
    }
}

pub(super) fn set_stock(warehouse: i64, rows: &[(i64, i64)], reference: &str) -> Question {
    let rows: Vec<Value> =
        rows.iter().map(|(size, quantity)| json!({ "productSize": { "id": size }, "quantity": quantity })).collect();
    Question {
        purpose: "set stock",
        text: Cow::Borrowed(
            "mutation A($i:StockSetInput!){ setStock(input:$i){ stockChanges{id} userErrors{message path} \
             userWarnings{message path} } }",
        ),
        variables: json!({ "i": {
            "warehouse": { "id": warehouse },
            "description": reference,
            "stockQuantityType": "PHYSICAL",
            "productSizes": rows,
        } }),
        mutates: true,
        things: 1,
        guess: COMPLEXITY_GUESS,
    }
}

/// With an offset always: a moment without one is read in the tenant's own zone.
fn moment(sweep: &Sweep) -> String {
    wire::moment(sweep.from())
}
