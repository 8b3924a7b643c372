use super::super::script::{NOW, Script};
use super::super::transport::TransportError;
use super::*;
use crate::domain::money::Fine;
use crate::domain::time::Span;
use serde_json::{Value, json};

pub(super) fn config() -> MagentoConfig {
    let token = SecretString::from("the-token");
    MagentoConfig {
        unpaced: true,
        ..MagentoConfig::new(ConnectionId::new("shop"), "https://m.example".to_owned(), token)
    }
}

pub(super) fn shop(script: &Arc<Script>) -> Magento {
    Magento::new(config(), script.clone(), Script::clock())
}

/// What was asked, with readable queries: "GET /rest/V1/orders?a=b".
pub(super) fn asked(script: &Script) -> Vec<String> {
    script.asked().iter().map(|asked| percent::decode(asked)).collect()
}

pub(super) fn list(rows: &[Value]) -> String {
    json!({ "items": rows, "total_count": rows.len() }).to_string()
}

/// Answers the three questions about places: two sources of stock 2, and `default`.
pub(super) fn then_places(script: &Script) {
    let source = |code: &str, enabled: bool| json!({"source_code": code, "name": code, "enabled": enabled});
    let sources =
        [source("default", true), source("returns", true), source("store_malmo", true), source("warehouse", true)];
    script.then(200, list(&sources));
    script.then(
        200,
        list(&[
            json!({"stock_id": 1, "name": "Default Stock", "extension_attributes": {"sales_channels": []}}),
            json!({"stock_id": 2, "name": "Sweden",
                   "extension_attributes": {"sales_channels": [{"type": "website", "code": "base"}]}}),
        ]),
    );
    let link =
        |stock: i64, code: &str, priority: i64| json!({"stock_id": stock, "source_code": code, "priority": priority});
    script.then(200, list(&[link(1, "default", 1), link(2, "store_malmo", 2), link(2, "warehouse", 1)]));
}

fn four() -> SecretString {
    let kept = r#"{"kind":"oauth1","consumer_key":"the-consumer-key","consumer_secret":"the-consumer-secret",
        "token":"the-access-token","token_secret":"the-token-secret"}"#;
    SecretString::from(kept)
}

#[tokio::test]
async fn each_request_is_signed_with_the_four_values() {
    let script = Script::new();
    script.then(200, "[]").then(401, r#"{"message":"the-consumer-secret is wrong"}"#);
    let signed = MagentoConfig { credential: four(), signing_base_url: Some("http://inside:8080".into()), ..config() };
    let shop = Magento::new(signed, script.clone(), Script::clock());
    shop.store_views().await.expect("views");
    let error = shop.store_views().await.expect_err("refused");
    assert_eq!(error.kind, CallErrorKind::Unauthorized { reason: "••• is wrong".to_owned() });
    assert_eq!(script.called(), ["https://m.example/rest/V1/store/storeViews"; 2]);
    let shown = script.shown();
    assert_ne!(shown[0], shown[1], "no two requests share their nonce");
    for header in shown {
        let fields: HashMap<&str, String> = header
            .strip_prefix("OAuth ")
            .expect("the scheme")
            .split(',')
            .filter_map(|field| field.split_once('='))
            .map(|(name, value)| (name, percent::decode(value.trim_matches('"'))))
            .collect();
        assert_eq!(fields["oauth_timestamp"], NOW.secs().to_string());
        assert_eq!(fields["oauth_nonce"].len(), 32);
        let params: Vec<(String, String)> = fields
            .iter()
            .filter(|(name, _)| **name != "oauth_signature")
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let base = oauth1::base_string("GET", "http://inside:8080/rest/V1/store/storeViews", &params);
        assert_eq!(fields["oauth_signature"], oauth1::sign("the-consumer-secret", "the-token-secret", &base));
    }
    script.done();
}

#[tokio::test]
async fn keys_may_change_while_everything_runs() {
    let script = Script::new();
    script.then(200, "[]").then(200, "[]");
    let shop = shop(&script);
    shop.store_views().await.expect("views");
    shop.change_keys(Keys::for_good("https://other.example/rest/".into(), four(), Vec::new()));
    shop.store_views().await.expect("views");
    assert_eq!(script.called()[1], "https://other.example/rest/V1/store/storeViews");
    assert!(script.shown()[0].starts_with("Bearer ") && script.shown()[1].starts_with("OAuth "));
    let pair = r#"{"kind":"oauth2","client_id":"a","client_secret":"b","access":"c","refresh":"d","expires_at":1}"#;
    for kept in [pair, "{}"] {
        shop.change_keys(Keys::for_good("https://m.example".into(), SecretString::from(kept), Vec::new()));
        let error = shop.store_views().await.expect_err("no key for this shop");
        assert!(matches!(error.kind, CallErrorKind::Rejected { .. }), "{error}");
    }
    script.done();
}

#[tokio::test]
async fn what_the_shop_says_no_to_leads_to_different_next_steps() {
    let unauthorized = |reason: &str| CallErrorKind::Unauthorized { reason: reason.to_owned() };
    let unavailable = |reason: &str, acted| CallErrorKind::Unavailable { reason: reason.to_owned(), acted };
    let rejected = |reason: &str| CallErrorKind::Rejected { reason: reason.to_owned() };
    let html = "<!doctype html>\n<html><head><title>Error 503: Service Unavailable</title></head></html>";
    for (status, body, want) in [
        (
            401,
            r#"{"message":"The consumer isn't authorized to access %resources.","parameters":{"resources":"Magento_Backend::store"}}"#,
            unauthorized("the shop does not accept the key, or it lacks the permission Magento_Backend::store"),
        ),
        (401, r#"{"message":"Specified token does not exist"}"#, unauthorized("Specified token does not exist")),
        (
            401,
            r#"{"message":"The nonce is already being used by the consumer with ID %1","parameters":["1"]}"#,
            unavailable("a request of ours reached it twice", true),
        ),
        (
            400,
            r#"{"message":"Database deadlock found when trying to get lock"}"#,
            unavailable("Database deadlock found when trying to get lock", false),
        ),
        (
            400,
            r#"{"message":"Invalid attribute %fieldName = %fieldValue.","parameters":["SKU","NOPE"]}"#,
            rejected("Invalid attribute SKU = NOPE."),
        ),
        (
            400,
            r#"{"message":"The sort order has to be %1 or %2, 20% of %3.","parameters":["ASC","DESC"]}"#,
            rejected("The sort order has to be ASC or DESC, 20% of %3."),
        ),
        (
            400,
            r#"{"message":"One or more input exceptions have occurred.","errors":[{"message":"\"%field\" is required.","parameters":{"field":"sku"}},{"message":[]}]}"#,
            rejected("One or more input exceptions have occurred. \"sku\" is required."),
        ),
        (
            404,
            r#"{"message":"Request does not match any route."}"#,
            rejected("the shop has no such address; the module behind it may be missing or switched off"),
        ),
        (
            404,
            r#"{"message":"The entity that was requested doesn't exist."}"#,
            rejected("the shop has no such thing (404)"),
        ),
        (404, "<html>Not Found</html>", rejected("status 404")),
        (
            500,
            "An error has happened during application run. See exception log for details.\n",
            unavailable(
                "it answered 500: An error has happened during application run. See exception log for details.",
                true,
            ),
        ),
        (
            500,
            r#"{"messages":{"error":[{"code":500,"message":"Fatal"}]}}"#,
            unavailable("it answered 500: Fatal", true),
        ),
        (503, html, unavailable("it answered 503: status 503", true)),
        (
            302,
            "",
            CallErrorKind::Protocol { reason: "we were sent to another address (status 302); not followed".into() },
        ),
        (200, html, CallErrorKind::Protocol { reason: String::new() }),
        (200, "", CallErrorKind::Protocol { reason: String::new() }),
    ] {
        let script = Script::new();
        script.then(status, body);
        let error = shop(&script).comment(7, "kept").await.expect_err(body);
        match want {
            CallErrorKind::Protocol { reason } if reason.is_empty() => {
                assert!(matches!(error.kind, CallErrorKind::Protocol { .. }), "{error}");
            }
            want => assert_eq!(error.kind, want, "{body}"),
        }
        assert_eq!(error.exchanges.len(), 1);
        script.done();
    }
}

#[tokio::test]
async fn a_refusal_is_obeyed_to_the_moment() {
    let script = Script::new();
    script.then_with(429, &[("retry-after", "40")], r#"{"message":"Too Many Requests"}"#);
    let clock = Script::clock();
    let shop = Magento::new(MagentoConfig { unpaced: false, ..config() }, script.clone(), clock.clone());
    let until = NOW + Span::secs(40);
    let error = shop.store_views().await.expect_err("throttled");
    assert_eq!(error.kind, CallErrorKind::Throttled { until });
    let error = shop.store_views().await.expect_err("paced");
    assert_eq!((error.kind, error.exchanges.len()), (CallErrorKind::Paced { until }, 0));
    assert_eq!(shop.allowance(NOW).blocked_until, Some(until));
    clock.set(until);
    script.then(200, "[]");
    shop.store_views().await.expect("views");
    script.done();
}

#[tokio::test]
async fn a_lost_answer_to_a_change_may_have_had_its_effect() {
    let script = Script::new();
    script.then_fails(TransportError::NoAnswer("reset".into())).then_fails(TransportError::NotSent("refused".into()));
    let shop = shop(&script);
    assert!(shop.comment(7, "kept").await.expect_err("no answer").may_have_acted());
    assert!(!shop.comment(7, "kept").await.expect_err("never left").may_have_acted());
}

#[tokio::test]
async fn a_shop_that_limits_its_pages_is_asked_for_fewer_rows() {
    let script = Script::new();
    script.then(400, r#"{"message":"Maximum SearchCriteria pageSize is %max","parameters":{"max":2}}"#);
    let class = |id: i64| json!({"class_id": id, "class_name": "Goods", "class_type": "PRODUCT"});
    script.then(200, json!({"items": [class(2), class(3)], "total_count": 3}).to_string());
    script.then(200, json!({"items": [class(4)], "total_count": 3}).to_string());
    let shop = shop(&script);
    let answer = shop.tax_classes().await.expect("classes");
    assert_eq!(answer.value.iter().map(|class| class.id).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(answer.exchanges.len(), 3);
    let asked = asked(&script);
    assert!(asked[0].contains("[pageSize]=300") && asked[1].contains("[pageSize]=2&searchCriteria[currentPage]=1"));
    assert!(asked[2].contains("[pageSize]=2&searchCriteria[currentPage]=2"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn warehouses_are_the_sources_that_websites_sell_from() {
    let script = Script::new();
    then_places(&script);
    let places = shop(&script).warehouses().await.expect("places").value;
    let keys: Vec<_> = places.iter().map(|place| (place.key.as_str(), place.archived)).collect();
    assert_eq!(
        keys,
        [("warehouse", false), ("store_malmo", false)],
        "in order of priority, without default and returns"
    );
    script.done();
}

#[tokio::test]
async fn a_shop_with_one_source_has_it_for_a_warehouse() {
    let default = json!({"source_code": "default", "name": "Default Source", "enabled": true});
    for channels in [json!([{"type": "website", "code": "base"}]), json!([])] {
        let script = Script::new();
        script.then(200, list(std::slice::from_ref(&default)));
        script.then(200, list(&[json!({"stock_id": 1, "extension_attributes": {"sales_channels": channels}})]));
        script.then(200, list(&[]));
        let places = shop(&script).warehouses().await.expect("places").value;
        assert_eq!(places.iter().map(|place| place.key.as_str()).collect::<Vec<_>>(), ["default"]);
    }
    let script = Script::new();
    then_places(&script);
    let other = MagentoConfig { website: Some("outlet".to_owned()), ..config() };
    let error = Magento::new(other, script.clone(), Script::clock()).warehouses().await.expect_err("no such website");
    assert!(error.to_string().contains("outlet"), "{error}");
}

fn product(id: i64, sku: &str, kind: &str, updated_at: &str) -> Value {
    json!({
        "id": id, "sku": sku, "name": format!("Name of {sku}"), "price": 25.5, "status": 1, "type_id": kind,
        "updated_at": format!("2026-02-02 {updated_at}"), "extension_attributes": {"website_ids": [1]},
        "custom_attributes": [{"attribute_code": "category_ids", "value": []}],
    })
}

fn variant(id: i64, sku: &str, colour: &str, updated_at: &str) -> Value {
    let mut product = product(id, sku, "simple", updated_at);
    product["custom_attributes"] = json!([
        {"attribute_code": "color", "value": colour}, {"attribute_code": "ean", "value": "7350000000100"}]);
    product
}

fn style(id: i64, sku: &str, variants: &[i64], updated_at: &str) -> Value {
    let mut product = product(id, sku, "configurable", updated_at);
    product["extension_attributes"]["configurable_product_links"] = json!(variants);
    product
}

fn listings(page: &Page<Record>) -> Vec<(String, Option<String>, Vec<String>)> {
    let facts = page.rows.iter().flat_map(|row| row.facts.as_deref().expect("readable"));
    let listings = facts.filter_map(super::super::listing);
    listings.map(|listing| (listing.sku.clone(), listing.style.clone(), listing.options.clone())).collect()
}

#[tokio::test]
async fn variants_stand_under_their_style_with_the_labels_of_their_options() {
    let script = Script::new();
    let tee = style(11, "TEE", &[5, 6], "09:00:00");
    script.then(200, list(std::slice::from_ref(&tee)));
    let mut off = variant(6, "TEE-B", "5", "09:00:02");
    off["status"] = json!(2);
    let mut bundle = product(20, "SET", "bundle", "09:00:03");
    bundle["price"] = json!(null);
    script.then(200, list(&[tee.clone(), variant(5, "TEE-R", "4", "09:00:01"), off, bundle]));
    script.then(200, r#"[{"label":" ","value":""},{"label":"Blue","value":"5"},{"label":"Red","value":"4"}]"#);
    let shop = shop(&script);
    let first = shop.products_after(None).await.expect("styles").value;
    assert!(first.rows.is_empty() && first.resume.is_none());
    let page = shop.products_after(first.next.as_deref()).await.expect("products").value;
    assert_eq!(
        listings(&page),
        [
            ("TEE-R".to_owned(), Some("TEE".to_owned()), vec!["Red".to_owned()]),
            ("TEE-B".to_owned(), Some("TEE".to_owned()), vec!["Blue".to_owned()]),
            ("SET".to_owned(), None, vec![]),
        ]
    );
    assert_eq!(page.rows[0].facts, Ok(vec![Fact::Noted { kind: "product".to_owned() }]));
    let Ok([Fact::Listing(red)]) = page.rows[1].facts.as_deref() else { panic!("a listing") };
    assert_eq!((red.name.as_str(), red.barcode.as_deref()), ("Name of TEE", Some("7350000000100")));
    assert_eq!((red.price, red.archived, red.counted, red.bundle), (Some(Fine(2_550_000)), false, true, false));
    let Ok([Fact::Listing(blue)]) = page.rows[2].facts.as_deref() else { panic!("a listing") };
    assert!(blue.archived);
    let Ok([Fact::Listing(set)]) = page.rows[3].facts.as_deref() else { panic!("a listing") };
    assert!(set.bundle && !set.counted && set.price.is_none());
    // What is kept is read again as it was.
    assert_eq!(shop.interpret("product", &page.rows[1].raw), Ok(vec![Fact::Listing(red.clone())]));
    assert_eq!(shop.interpret("product", &page.rows[0].raw), Ok(vec![]));
    let asked = asked(&script);
    assert!(asked[0].starts_with("GET /rest/all/V1/products?") && asked[0].contains("=configurable"), "{asked:?}");
    assert_eq!(asked[2], "GET /rest/V1/products/attributes/color/options");
    assert!(page.next.is_none() && page.resume.is_some());
    script.done();
}

#[tokio::test]
async fn a_style_that_changed_brings_its_variants_along() {
    let script = Script::new();
    script.then(200, list(&[])).then(200, list(&[product(5, "TEE-R", "simple", "09:00:01")]));
    let shop = shop(&script);
    let first = shop.products_after(None).await.expect("styles").value;
    let page = shop.products_after(first.next.as_deref()).await.expect("products").value;
    assert_eq!(listings(&page), [("TEE-R".to_owned(), None, vec![])]);
    // Now it is hung under a style; only the style's own row changes.
    script.then(200, list(&[style(11, "TEE", &[5], "09:05:00")]));
    script.then(200, list(&[product(5, "TEE-R", "simple", "09:00:01")]));
    let page = shop.products_after(page.resume.as_deref()).await.expect("changes").value;
    assert_eq!(listings(&page), [("TEE-R".to_owned(), Some("TEE".to_owned()), vec![])]);
    let asked = asked(&script);
    assert!(asked[2].contains("[field]=updated_at&") && asked[2].contains("=2026-02-02 08:58:01&"), "{asked:?}");
    assert!(asked[3].contains("[field]=entity_id&searchCriteria[filter_groups][0][filters][0][value]=5&"), "{asked:?}");
    script.done();
}

#[tokio::test]
async fn after_a_start_the_styles_are_read_before_the_sweep_goes_on() {
    let script = Script::new();
    let resume = json!({"families": null, "all": {"at": NOW.secs(), "id": 0, "began_at": NOW.secs()}, "began": null});
    script
        .then(200, list(&[style(11, "TEE", &[5], "08:00:00")]))
        .then(200, list(&[variant(5, "TEE-R", "4", "09:20:00")]));
    script.then(404, r#"{"message":"The attribute with a \"color\" attributeCode doesn't exist."}"#);
    let shop = shop(&script);
    let first = shop.products_after(Some(&resume.to_string())).await.expect("styles").value;
    let page = shop.products_after(first.next.as_deref()).await.expect("changes").value;
    // Without labels the option's own id tells variants apart.
    assert_eq!(listings(&page), [("TEE-R".to_owned(), Some("TEE".to_owned()), vec!["4".to_owned()])]);
    assert!(asked(&script)[1].contains("[value]=2026-02-02 09:15:00&"));
    script.done();
    let error = shop.products_after(Some("12")).await.expect_err("not ours");
    assert!(matches!(error.kind, CallErrorKind::Rejected { .. }));
}

#[test]
fn it_sends_no_notices_and_says_so() {
    let shop = shop(&Script::new());
    let capabilities = shop.capabilities();
    assert!(!capabilities.notices && !capabilities.keeps_reference);
    assert_eq!(capabilities.subtracts, ShopSubtracts::OwnOpenOrdersOfAll);
    assert_eq!(capabilities.rows_per_write, 250);
    assert!(shop.read_notice(&HeaderMap::new(), &Bytes::new(), NOW).is_err());
    assert_eq!(shop.interpret("customer", "{}"), Ok(vec![Fact::Noted { kind: "customer".to_owned() }]));
}
