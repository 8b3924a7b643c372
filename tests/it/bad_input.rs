//! What nobody should send, and somebody does: refused or parked with its reason, nothing applied, and the next
//! good notice works as if nothing had been.

use crate::desk::{Desk, NOW, TILL};
use crate::shop::databases;
use http::HeaderMap;
use std::collections::BTreeMap;
use truecount::engine::Change;
use truecount::store::{feeds, inbox, ledger, views};
use truecount::sync::cx::Side;
use truecount::sync::house;

const SECRET: &str = "a secret between the till and us";
const OUTLET: &str = "outlet-1";
const KNOWN: &str = "product-1";

/// A sale of one line; `line` is put into the line object as it is, so that it can be anything.
fn sale(document: &str, version: &str, line: &str) -> String {
    format!(
        r#"{{"id":"{document}","version":{version},"status":"CLOSED","outlet_id":"{OUTLET}","register_id":"r",
            "sale_date":"2026-02-02T21:46:18Z","invoice_number":"{document}","return_for":null,"source":"USER",
            "source_id":null,"register_sale_products":[{line}],"register_sale_payments":[],
            "totals":{{"total_price":"10.00000","total_tax":"2.00000"}}}}"#
    )
}

fn line(id: &str, product: &str, quantity: &str, price: &str) -> String {
    format!(
        r#"{{"id":"{id}","product_id":"{product}","quantity":{quantity},"price":{price},"discount":"0","tax":"2.00000"}}"#
    )
}

fn form(kind: &str, payload: &str) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("type", kind).append_pair("payload", payload);
    form.finish().into_bytes()
}

/// A count of a product as the till tells it.
fn counted(product: &str, version: i64, count: &str) -> Vec<u8> {
    let payload = format!(
        r#"{{"id":"i-{product}","version":{version},"product_id":"{product}","outlet_id":"{OUTLET}","count":{count}}}"#
    );
    form("inventory.update", &payload)
}

fn good(n: usize) -> Vec<u8> {
    form("sale.update", &sale(&format!("good-{n}"), &(1_000 + n).to_string(), &line("l", KNOWN, "1", "\"10.00000\"")))
}

/// How a case is signed.
enum Signed {
    Rightly,
    NotAtAll,
    WithAnotherSecret,
    BeforeOneBitChanged,
}

/// Where a person finds the reason.
enum Shown {
    Refused(&'static str),
    Parked(&'static str),
}

struct Case {
    name: &'static str,
    body: Vec<u8>,
    signed: Signed,
    status: u16,
    shown: Shown,
}

fn case(name: &'static str, body: Vec<u8>, status: u16, shown: Shown) -> Case {
    Case { name, body, signed: Signed::Rightly, status, shown }
}

fn forged(name: &'static str, signed: Signed, reason: &'static str) -> Case {
    let body = form("sale.update", &sale(name, "7", &line("l", KNOWN, "1", "\"1\"")));
    Case { name, body, signed, status: 401, shown: Shown::Refused(reason) }
}

fn odd_sale(name: &'static str, line: &str, reason: &'static str) -> Case {
    case(name, form("sale.update", &sale(name, "7", line)), 200, Shown::Parked(reason))
}

fn cases() -> Vec<Case> {
    let fine = "\"10.00000\"";
    let long = "x".repeat(10_240);
    let mut large = form("sale.update", &sale("large", "7", &line("l", KNOWN, "1", fine)));
    large.extend_from_slice(b"&note=");
    large.resize(1_024 * 1_024 + 1, b'x');
    let product = |id: &str, sku: &str| format!(r#"{{"id":"{id}","sku":"{sku}","name":"Tee","version":7}}"#);
    vec![
        forged("unsigned", Signed::NotAtAll, "no signature"),
        forged("one bit flipped", Signed::BeforeOneBitChanged, "does not fit"),
        forged("another secret", Signed::WithAnotherSecret, "does not fit"),
        case("larger than 1 MiB", large, 413, Shown::Refused("larger than 1 MiB")),
        case("not a form", br#"{"id":"x","version":7}"#.to_vec(), 400, Shown::Refused("no payload")),
        case("empty", Vec::new(), 400, Shown::Refused("no payload")),
        case("broken JSON", form("sale.update", r#"{"id":"x","version":7"#), 400, Shown::Refused("not a JSON object")),
        case("a list", form("sale.update", "[1,2]"), 400, Shown::Refused("not a JSON object")),
        case("a NUL byte", form("sale.update", "{\"id\":\"a\0b\"}"), 400, Shown::Refused("not a JSON object")),
        odd_sale("unknown product", &line("l", "product-nobody-knows", "1", fine), "we do not know yet"),
        odd_sale("half a unit", &line("l", KNOWN, "0.5", fine), "not a whole number"),
        odd_sale("2 to the 63", &line("l", KNOWN, "9223372036854775808", fine), "too large"),
        odd_sale("2 to the 31", &line("l", KNOWN, "2147483648", fine), "cannot be true"),
        odd_sale("a number without end", &line("l", KNOWN, "1e999", fine), "quantity"),
        odd_sale("not a number", &line("l", KNOWN, "\"NaN\"", fine), "not a number"),
        odd_sale("a space behind", &line("l", KNOWN, "\"5 \"", fine), "not a number"),
        odd_sale("twelve decimals", &line("l", KNOWN, "1", "\"1.000000000001\""), "more than five decimals"),
        odd_sale("an id of 10 KB", &line("l", &long, "1", fine), "longer than"),
        odd_sale("a NUL in an id", &line("l", r"a\u0000b", "1", fine), "NUL"),
        odd_sale("half a surrogate", &line("l", r"\ud800", "1", fine), "not a readable text"),
        odd_sale("no lines", r#"7"#, "JSON object"),
        case(
            "a version of 2 to the 63",
            form("sale.update", &sale("v", "9223372036854775808", "")),
            200,
            Shown::Parked("too large"),
        ),
        case(
            "a version that would make all others old",
            form("sale.update", &sale("v", "9000000000000000000", &line("l", KNOWN, "1", fine))),
            200,
            Shown::Parked("cannot be a version"),
        ),
        case(
            "a sale without an id",
            form("sale.update", r#"{"version":7,"status":"CLOSED"}"#),
            200,
            Shown::Parked("id"),
        ),
        case("a document id of 10 KB", form("sale.update", &sale(&long, "7", "")), 200, Shown::Parked("longer than")),
        case("a NUL in a SKU", form("product.update", &product("odd-sku", r"a\u0000b")), 200, Shown::Parked("NUL")),
        case("a SKU of 10 KB", form("product.update", &product("long-sku", &long)), 200, Shown::Parked("longer than")),
        case(
            "a reading too fine",
            form(
                "inventory.update",
                &format!(r#"{{"id":"i","version":7,"product_id":"{KNOWN}","outlet_id":"{OUTLET}","count":0.0005}}"#),
            ),
            200,
            Shown::Parked("more than three decimals"),
        ),
        case(
            "a reading of what nobody knows",
            form(
                "inventory.update",
                &format!(r#"{{"id":"i","version":8,"product_id":"nobody","outlet_id":"{OUTLET}","count":1}}"#),
            ),
            200,
            Shown::Parked("do not know"),
        ),
    ]
}

fn headers(case: &Case) -> HeaderMap {
    match case.signed {
        Signed::Rightly => Desk::signature(SECRET, &case.body),
        Signed::NotAtAll => HeaderMap::new(),
        Signed::WithAnotherSecret => Desk::signature("another secret", &case.body),
        Signed::BeforeOneBitChanged => {
            let mut before = case.body.clone();
            let last = before.len() - 1;
            before[last] ^= 1;
            Desk::signature(SECRET, &before)
        }
    }
}

async fn reasons(desk: &Desk) -> (Vec<(i64, String)>, Vec<String>) {
    let refused = inbox::refused(&desk.store, 1_000).await.unwrap();
    let parked = inbox::parked(Some(TILL), 1_000).ask(&desk.store).await.unwrap();
    (
        refused.into_iter().map(|(_, status, reason, _, _)| (status, reason)).collect(),
        parked.into_iter().map(|record| record.reason).collect(),
    )
}

#[tokio::test]
async fn whatever_comes_nothing_false_is_booked_and_the_next_sale_works() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        for (n, case) in cases().iter().enumerate() {
            let name = case.name;
            let parked_before = reasons(&desk).await.1.len();
            let answer = desk.push(&headers(case), case.body.clone()).await;
            assert_eq!(answer.status, case.status, "{kind:?} {name}: {}", answer.reason);
            let (refused, parked) = reasons(&desk).await;
            match case.shown {
                Shown::Refused(why) => {
                    let told = refused.iter().any(|(s, reason)| *s == i64::from(case.status) && reason.contains(why));
                    assert!(told, "{kind:?} {name}: {refused:?}");
                    assert_eq!(parked.len(), parked_before, "{kind:?} {name}: a refused notice is not kept");
                }
                Shown::Parked(why) => {
                    assert_eq!(parked.len(), parked_before + 1, "{kind:?} {name}");
                    assert!(parked.iter().any(|reason| reason.contains(why)), "{kind:?} {name}: {parked:?}");
                }
            }
            let sold = i64::try_from(n).unwrap();
            let want: BTreeMap<String, i64> = [(KNOWN.to_owned(), -sold)].into_iter().filter(|w| w.1 != 0).collect();
            assert_eq!(desk.booked().await, want, "{kind:?} {name}: nothing of it is booked");
            assert_eq!(desk.push_signed(good(n)).await.status, 200, "{kind:?}: a good sale after {name}");
            assert_eq!(desk.booked().await[KNOWN], -sold - 1, "{kind:?}: a good sale after {name}");
        }
        assert_eq!(desk.unsound().await, Vec::new());
    }
}

#[tokio::test]
async fn deep_and_strange_texts_are_kept_as_they_are() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let nested = sale("deep", "7", &line("l", KNOWN, "1", "\"1\"")).replacen('{', &format!("{{\"x\":{deep},"), 1);
        assert_eq!(desk.push_signed(form("sale.update", &nested)).await.status, 200, "{kind:?}");
        assert_eq!(desk.booked().await[KNOWN], -1, "{kind:?}: depth is no danger");
        for (n, sku) in
            ["a\u{202e}gpj.exe", "'; DROP TABLE sale; --", "<script>", "=cmd|' /C calc'!A0"].iter().enumerate()
        {
            let payload = serde_json::json!({"id": format!("p{n}"), "sku": sku, "name": "Tee", "version": 9});
            assert_eq!(desk.push_signed(form("product.update", &payload.to_string())).await.status, 200);
            let listed = views::unlinked(&desk.store, &views::Filter::default(), 100, 0).await.unwrap();
            assert!(listed.iter().any(|row| row.sku == *sku), "{kind:?}: {sku:?} is kept byte for byte");
        }
        assert_eq!(
            desk.push_signed(form("a\0kind\u{202e}", r#"{"id":"z","version":3}"#)).await.status,
            200,
            "{kind:?}"
        );
        assert_eq!(desk.push_signed(good(1)).await.status, 200, "{kind:?}");
        assert_eq!(desk.booked().await[KNOWN], -2, "{kind:?}");
    }
}

#[tokio::test]
async fn a_sale_of_an_unknown_product_waits_and_is_applied_by_itself() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let sold = sale("early", "7", &line("l", "later", "2", "\"1\""));
        assert_eq!(desk.push_signed(form("sale.update", &sold)).await.status, 200);
        let link = desk.engine.cx().link(TILL).unwrap();
        for _ in 0..3 {
            house::retry_parked(desk.engine.cx(), &link).await.unwrap();
            assert_eq!(desk.booked().await, BTreeMap::new(), "{kind:?}");
            let parked = inbox::parked(Some(TILL), 10).ask(&desk.store).await.unwrap();
            assert_eq!(parked.len(), 1, "{kind:?}: tried again and still not known, it stays on the list");
            assert!(parked[0].reason.contains("later"), "{kind:?}: {}", parked[0].reason);
        }
        desk.list("later", "SKU-2", true).await;
        house::retry_parked(desk.engine.cx(), &link).await.unwrap();
        assert_eq!(desk.booked().await, [("later".to_owned(), -2)].into_iter().collect(), "{kind:?}");
        assert!(inbox::parked(Some(TILL), 10).ask(&desk.store).await.unwrap().is_empty(), "{kind:?}");
        // The same notice again, and the retry again: once.
        assert_eq!(desk.push_signed(form("sale.update", &sold)).await.status, 200);
        house::retry_parked(desk.engine.cx(), &link).await.unwrap();
        assert_eq!(desk.booked().await["later"], -2, "{kind:?}");
        assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_flood_of_unreadable_records_keeps_none_waiting_behind_it() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let early = sale("early", "7", &line("l", "later", "2", "\"1\""));
        assert_eq!(desk.push_signed(form("sale.update", &early)).await.status, 200);
        for n in 0..520 {
            let odd = form("sale.update", &sale(&format!("odd-{n}"), "7", &line("l", KNOWN, "0.5", "\"1\"")));
            assert_eq!(desk.push_signed(odd).await.status, 200);
        }
        desk.list("later", "SKU-2", true).await;
        let link = desk.engine.cx().link(TILL).unwrap();
        house::retry_parked(desk.engine.cx(), &link).await.unwrap();
        assert_eq!(desk.booked().await, [("later".to_owned(), -2)].into_iter().collect(), "{kind:?}");
        assert_eq!(inbox::parked(Some(TILL), 1_000).ask(&desk.store).await.unwrap().len(), 520, "{kind:?}");
    }
}

#[tokio::test]
async fn an_older_parked_version_never_undoes_a_newer_one() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let old = sale("doc", "7", &format!("{},{}", line("a", KNOWN, "5", "\"1\""), line("b", "later", "1", "\"1\"")));
        let new = sale("doc", "8", &line("a", KNOWN, "3", "\"1\""));
        assert_eq!(desk.push_signed(form("sale.update", &old)).await.status, 200);
        assert_eq!(desk.push_signed(form("sale.update", &new)).await.status, 200);
        assert_eq!(desk.booked().await[KNOWN], -3, "{kind:?}");
        desk.list("later", "SKU-2", true).await;
        let link = desk.engine.cx().link(TILL).unwrap();
        house::retry_parked(desk.engine.cx(), &link).await.unwrap();
        assert_eq!(desk.booked().await, [(KNOWN.to_owned(), -3)].into_iter().collect(), "{kind:?}");
        assert!(inbox::parked(Some(TILL), 10).ask(&desk.store).await.unwrap().is_empty(), "{kind:?}: settled as older");
    }
}

#[tokio::test]
async fn lines_that_share_an_id_are_parked_and_hold_up_nobody() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        desk.list("product-2", "SKU-2", true).await;
        let lines = format!("{},{}", line("same", KNOWN, "1", "\"1\""), line("same", "product-2", "1", "\"1\""));
        let answer = desk.push_signed(form("sale.update", &sale("twins", "7", &lines))).await;
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.reason);
        let parked = inbox::parked(Some(TILL), 10).ask(&desk.store).await.unwrap();
        assert!(parked.iter().any(|record| record.reason.contains("same")), "{kind:?}: {parked:?}");
        assert_eq!(desk.booked().await, BTreeMap::new(), "{kind:?}");
        assert_eq!(desk.push_signed(good(1)).await.status, 200, "{kind:?}");
        assert_eq!(desk.booked().await[KNOWN], -1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_line_that_later_names_another_product_is_corrected_on_both() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        desk.list("product-2", "SKU-2", true).await;
        for product in [KNOWN, "product-2"] {
            assert_eq!(desk.push_signed(counted(product, 3, "10")).await.status, 200, "{kind:?}");
        }
        for (version, product) in [("7", KNOWN), ("8", "product-2"), ("9", KNOWN), ("10", "product-2")] {
            let sold = sale("swap", version, &line("l", product, "2", "\"1\""));
            let answer = desk.push_signed(form("sale.update", &sold)).await;
            assert_eq!(answer.status, 200, "{kind:?} version {version}: {}", answer.reason);
            assert_eq!(desk.booked().await, [(product.to_owned(), -2)].into_iter().collect(), "{kind:?} {version}");
            assert_eq!(desk.unsound().await, Vec::new(), "{kind:?} {version}: sums and books agree");
        }
        assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}");
    }
}

#[tokio::test]
async fn what_a_newer_return_no_longer_holds_is_sellable_again() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        desk.list("product-2", "SKU-2", true).await;
        for product in [KNOWN, "product-2"] {
            assert_eq!(desk.push_signed(counted(product, 3, "10")).await.status, 200, "{kind:?}");
        }
        let lines =
            |a: &str, b: &str| format!("{},{}", line("a", KNOWN, a, "\"1\""), line("b", "product-2", b, "\"1\""));
        assert_eq!(desk.push_signed(form("sale.update", &sale("back", "7", &lines("-1", "-2")))).await.status, 200);
        assert_eq!(desk.held("back").await, 3, "{kind:?}: it names no sale");
        assert_eq!(desk.push_signed(form("sale.update", &sale("back", "8", &lines("-1", "0")))).await.status, 200);
        assert_eq!(
            (desk.held("back").await, desk.booked().await[KNOWN]),
            (1, 1),
            "{kind:?}: one line holds nothing now"
        );
        assert_eq!(desk.push_signed(form("sale.update", &sale("back", "9", ""))).await.status, 200);
        assert_eq!((desk.held("back").await, desk.booked().await), (0, BTreeMap::new()), "{kind:?}: nothing came back");
        assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}: sums and books agree");
    }
}

#[tokio::test]
async fn an_order_whose_lines_share_an_id_is_unreadable_and_says_so() {
    let desk = Desk::open(&databases()[0], SECRET, &[OUTLET]).await;
    let link = desk.engine.cx().link(crate::desk::SHOP).unwrap();
    let Side::Shop(shop) = &link.side else { panic!("a shop") };
    let order = |second: &str| {
        let line = |id: &str| format!(r#"{{"id":"{id}","quantity":1,"productSize":{{"id":"281"}},"allocations":[]}}"#);
        format!(
            r#"{{"id":"o","number":"1042","status":"PENDING","createdAt":"2026-02-02T21:46:18Z",
                "updatedAt":"2026-02-02T21:46:18Z","lines":[{},{}],
                "grandTotal":{{"value":1,"currency":{{"code":"GBP"}}}}}}"#,
            line("1"),
            line(second)
        )
    };
    let wrong = shop.interpret("order", &order("1")).unwrap_err();
    assert!(wrong.reason.contains("another line has the id 1"), "{wrong}");
    assert_eq!(shop.interpret("order", &order("2")).map(|facts| facts.len()), Ok(1));
}

#[tokio::test]
async fn a_price_that_cannot_be_true_does_not_break_the_sums() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let dear =
            r#"{"id":"product-1","sku":"SKU-1","name":"Tee","version":9,"price_including_tax":"92233720368547.00000"}"#;
        assert_eq!(desk.push_signed(form("product.update", dear)).await.status, 200);
        let count =
            format!(r#"{{"id":"i","version":10,"product_id":"{KNOWN}","outlet_id":"{OUTLET}","count":1000000}}"#);
        assert_eq!(desk.push_signed(form("inventory.update", &count)).await.status, 200);
        assert_eq!(desk.reading(KNOWN, OUTLET).await, Some(1_000_000_000), "{kind:?}");
        let totals = views::totals(&desk.store).await;
        assert!(totals.is_ok(), "{kind:?}: {totals:?}");
        assert_eq!(totals.unwrap().all, 1, "{kind:?}");
    }
}

#[tokio::test]
async fn what_can_be_read_takes_the_place_of_what_was_parked() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        for (count, parked, reading) in [("\"abc\"", 1, None), ("\"abc\"", 1, None), ("9", 0, Some(9_000))] {
            assert_eq!(desk.push_signed(counted(KNOWN, 20, count)).await.status, 200, "{kind:?} {count}");
            let lying = inbox::parked(Some(TILL), 10).ask(&desk.store).await.unwrap();
            assert_eq!((lying.len(), desk.reading(KNOWN, OUTLET).await), (parked, reading), "{kind:?} {count}");
        }
        assert_eq!(desk.push_signed(counted(KNOWN, 20, "\"abc\"")).await.status, 200);
        assert_eq!(desk.reading(KNOWN, OUTLET).await, Some(9_000), "{kind:?}: and is not undone by a repeat");
    }
}

#[tokio::test]
async fn a_count_that_cannot_be_read_does_not_make_an_older_one_true_for_longer() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        assert_eq!(desk.push_signed(counted(KNOWN, 3, "10")).await.status, 200, "{kind:?}");
        assert_eq!(desk.push_signed(counted(KNOWN, 30, "9.00005")).await.status, 200, "{kind:?}");
        // The sweep has passed everything up to 40; what it saw of this shelf could not be read.
        let mut tx = desk.store.begin().await.unwrap();
        for as_of in [2, 40] {
            feeds::mark(&mut tx, TILL, "stock", as_of, NOW, NOW);
        }
        tx.commit().await.unwrap();
        let sold = sale("sold", "25", &line("l", KNOWN, "1", "\"1\""));
        assert_eq!(desk.push_signed(form("sale.update", &sold)).await.status, 200, "{kind:?}");
        let shelf = (KNOWN.to_owned(), OUTLET.to_owned());
        let mut tx = desk.store.begin().await.unwrap();
        let count = ledger::counts(&mut tx, TILL, std::slice::from_ref(&shelf)).await.unwrap()[&shelf];
        assert_eq!((count.reading_units(), count.after, count.pending), (10, -1, 0), "{kind:?}: the sale counts");
    }
}

/// Whether two versions of a sale come one after the other or together: the one that can be counted counts.
#[tokio::test]
async fn a_version_that_cannot_be_counted_takes_nothing_from_the_one_before() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let known = line("l", KNOWN, "1", "\"10.00000\"");
        let strange = format!("{known},{}", line("m", "nobody-knows", "1", "\"10.00000\""));
        let first = |n: usize| form("sale.update", &sale(&format!("s-{n}"), &(2_000 + 2 * n).to_string(), &known));
        let second = |n: usize| form("sale.update", &sale(&format!("s-{n}"), &(2_001 + 2 * n).to_string(), &strange));
        // The first of all goes alone and leaves the others to one batch, too few to be a crowd.
        let bodies: Vec<Vec<u8>> =
            std::iter::once(good(1)).chain((0..20).flat_map(|n| [first(n), second(n)])).collect();
        let answers = futures_util::future::join_all(bodies.into_iter().map(|body| desk.push_signed(body))).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{kind:?}");
        let units: i64 = desk.booked().await.values().sum();
        assert_eq!(units, -21, "{kind:?}: each sale of the known product is counted");
        let parked = inbox::parked(None, 100).ask(desk.engine.store()).await.unwrap();
        assert_eq!(parked.len(), 20, "{kind:?}: each later version waits for its product");
    }
}

#[tokio::test]
async fn an_open_page_hears_of_a_refused_notice() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        let mut changes = desk.engine.changes();
        assert_eq!(desk.push(&HeaderMap::new(), good(1)).await.status, 401, "{kind:?}");
        assert_eq!(changes.try_recv().unwrap(), Change::Connections, "{kind:?}");
    }
}

/// What came back between two counts may be on hold: it is not sold before the sales were read, however the counts come.
#[tokio::test]
async fn a_rise_between_two_counts_is_held_back_whether_they_come_together_or_not() {
    for kind in databases() {
        let mut shown = Vec::new();
        // Which of them share a commit is a matter of moments: several times, so that some do.
        for together in std::iter::once(false).chain([true; 8]) {
            let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
            desk.list(KNOWN, "SKU-1", true).await;
            let first = desk.push_signed(counted(KNOWN, 100, "5")).await;
            assert_eq!(first.status, 200, "{kind:?}: {}", first.reason);
            let (three, four) = (counted(KNOWN, 110, "3"), counted(KNOWN, 120, "4"));
            if together {
                // The first of all goes alone and leaves the others to one batch.
                let other = counted(KNOWN, 105, "5");
                let answers =
                    futures_util::future::join_all([other, three, four].map(|body| desk.push_signed(body))).await;
                assert!(answers.iter().all(|answer| answer.status == 200), "{kind:?}");
            } else {
                for body in [three, four] {
                    assert_eq!(desk.push_signed(body).await.status, 200, "{kind:?}");
                }
            }
            let rows = views::targets(desk.engine.store(), &views::Filter::default(), 10, 0).await.unwrap();
            shown.push(rows.iter().map(|row| (row.till, row.checking, row.should)).collect::<Vec<_>>());
        }
        assert_eq!(shown[0], [(4, 1, 3)], "{kind:?}: one after the other");
        assert!(shown.iter().all(|rows| *rows == shown[0]), "{kind:?}: together: {shown:?}");
    }
}

#[tokio::test]
async fn a_return_and_a_sale_that_make_up_for_each_other_are_each_counted_once() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", false).await;
        assert_eq!(desk.push_signed(counted(KNOWN, 10, "5")).await.status, 200);
        for (n, version, quantity) in [(1, 11, "-1"), (2, 20, "1")] {
            let document = sale(&format!("one-{n}"), &version.to_string(), &line("l", KNOWN, quantity, "\"10.00000\""));
            assert_eq!(desk.push_signed(form("sale.update", &document)).await.status, 200);
        }
        // The feed has been read to its end between the two, and another sale is told.
        let mut tx = desk.store.begin().await.unwrap();
        feeds::mark(&mut tx, TILL, "stock", 15, NOW, NOW);
        tx.commit().await.unwrap();
        let third = sale("one-3", "25", &line("l", KNOWN, "1", "\"10.00000\""));
        assert_eq!(desk.push_signed(form("sale.update", &third)).await.status, 200);
        assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}");
        assert_eq!(desk.push_signed(counted(KNOWN, 26, "4")).await.status, 200);
        assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}");
        let shelf = (KNOWN.to_owned(), OUTLET.to_owned());
        let mut tx = desk.store.begin().await.unwrap();
        let counts = ledger::counts(&mut tx, TILL, std::slice::from_ref(&shelf)).await.unwrap();
        assert_eq!(counts.get(&shelf).map(|count| (count.says(), count.pending)), Some((4, 0)), "{kind:?}");
    }
}
