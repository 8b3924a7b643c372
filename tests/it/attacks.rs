//! What somebody does on purpose to the notices and the keys: refused, or without a second effect.
//! The whole list, with the test that proves each, is in `docs/ATTACKS.md`.

use crate::desk::{Desk, SHOP, TILL};
use crate::shop::databases;
use http::HeaderMap;
use std::collections::BTreeMap;
use truecount::domain::access::Role;
use truecount::domain::fact::Fact;
use truecount::domain::ids::PersonId;
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::EngineError;
use truecount::operator::connection_keys::{self, NewKeys, OLD_COUNTS_FOR};
use truecount::operator::typed_keys::TypedKeys;
use truecount::operator::{Actor, OperatorError};
use truecount::store::connections::{self, ConnectionRow};
use truecount::store::{activity, inbox};
use truecount::sync::cx::Side;

const SECRET: &str = "a secret between the till and us";
const OUTLET: &str = "outlet-1";
const KNOWN: &str = "product-1";

fn actor(role: Role) -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role }
}

fn sale(document: &str, version: i64, more: &str) -> String {
    format!(
        r#"{{"id":"{document}","version":{version},"status":"CLOSED","outlet_id":"{OUTLET}","register_id":"r",
            "sale_date":"2026-02-02T21:46:18Z","invoice_number":"{document}","return_for":null,"source":"USER",
            "source_id":null,"register_sale_products":[{{"id":"l","product_id":"{KNOWN}","quantity":1,
            "price":"10.00000","discount":"0","tax":"2.00000"}}],"register_sale_payments":[],{more}
            "totals":{{"total_price":"10.00000","total_tax":"2.00000"}}}}"#
    )
}

fn form(payload: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("type", "sale.update").append_pair("payload", payload).finish()
}

fn sold(units: i64) -> BTreeMap<String, i64> {
    [(KNOWN.to_owned(), -units)].into_iter().filter(|(_, units)| *units != 0).collect()
}

/// A03: the same words in other bytes are not what was signed.
#[tokio::test]
async fn the_same_words_in_other_bytes_are_refused() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let payload = sale("s", 7, "");
        let body = form(&payload);
        let headers = Desk::signature(SECRET, body.as_bytes());
        let json: serde_json::Value = serde_json::from_str(&payload).unwrap();
        let decoded: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let reversed = form_urlencoded::Serializer::new(String::new()).extend_pairs(decoded.iter().rev()).finish();
        for (how, other) in [
            ("written anew as JSON", form(&json.to_string())),
            ("with other blanks", form(&serde_json::to_string_pretty(&json).unwrap())),
            ("with the fields turned round", reversed),
            ("with blanks as %20", body.replace('+', "%20")),
            ("with small hex digits", body.replace("%7B", "%7b")),
            ("with a line behind", format!("{body}\n")),
        ] {
            assert_ne!(other, body, "{how}");
            let answer = desk.push(&headers, other).await;
            assert_eq!(answer.status, 401, "{kind:?} {how}");
        }
        assert_eq!(desk.booked().await, sold(0), "{kind:?}");
        assert_eq!(desk.push(&headers, body).await.status, 200, "{kind:?}: the signed bytes themselves");
        assert_eq!(desk.booked().await, sold(1), "{kind:?}");
    }
}

/// A05: the very same notice again, a second and twenty-nine days later.
#[tokio::test]
async fn a_notice_played_again_has_no_second_effect_however_late() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let body = form(&sale("s", 7, ""));
        let headers = Desk::signature(SECRET, body.as_bytes());
        for later in [Span::ZERO, Span::secs(1), Span::hours(29 * 24)] {
            desk.later(later);
            assert_eq!(desk.push(&headers, body.clone()).await.status, 200, "{kind:?} {later:?}");
            assert_eq!(desk.booked().await, sold(1), "{kind:?} {later:?}");
        }
        assert_eq!(desk.unsound().await, Vec::new(), "{kind:?}");
    }
}

async fn status(desk: &Desk, secret: &str, body: &str) -> u16 {
    desk.push(&Desk::signature(secret, body.as_bytes()), body.to_owned()).await.status
}

/// A06: during a change of the secret the one before counts, for a day and over a restart; afterwards it does not.
#[tokio::test]
async fn the_secret_before_counts_for_a_day() {
    for kind in databases() {
        let mut desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        desk.list(KNOWN, "SKU-1", true).await;
        let body = form(&sale("s", 7, ""));
        let give = async |desk: &Desk, secret: &str| {
            let new = NewKeys { notice_secret: secret.to_owned(), ..NewKeys::default() };
            connection_keys::change(&desk.engine, &actor(Role::Admin), TILL, new).await.unwrap();
        };
        give(&desk, "the second secret").await;
        for restart in [false, true] {
            if restart {
                desk.restart().await;
            }
            assert_eq!(status(&desk, SECRET, &body).await, 200, "{kind:?}: restarted: {restart}");
            assert_eq!(status(&desk, "the second secret", &body).await, 200, "{kind:?}: restarted: {restart}");
            assert_eq!(status(&desk, "a third", &body).await, 401, "{kind:?}");
            assert_eq!(desk.push(&HeaderMap::new(), body.clone()).await.status, 401, "{kind:?}");
        }
        desk.later(Span(OLD_COUNTS_FOR.0 - 1));
        assert_eq!(status(&desk, SECRET, &body).await, 200, "{kind:?}");
        desk.later(Span(1));
        for restart in [false, true] {
            if restart {
                desk.restart().await;
            }
            assert_eq!(status(&desk, SECRET, &body).await, 401, "{kind:?}: a day is over; restarted: {restart}");
            assert_eq!(status(&desk, "the second secret", &body).await, 200, "{kind:?}");
        }
        // Two changes in a day: each one before counts for its day, and the same one again changes nothing.
        give(&desk, "the third secret").await;
        give(&desk, "the fourth secret").await;
        give(&desk, "the fourth secret").await;
        for restart in [false, true] {
            if restart {
                desk.restart().await;
            }
            for (secret, want) in
                [(SECRET, 401), ("the second secret", 200), ("the third secret", 200), ("the fourth secret", 200)]
            {
                assert_eq!(status(&desk, secret, &body).await, want, "{kind:?} {secret}; restarted: {restart}");
            }
        }
        let noted = activity::of_action(&desk.store, "change keys", 10).await.unwrap();
        assert_eq!(noted, vec![("p".to_owned(), format!("connection:{TILL}")); 4], "{kind:?}");
    }
}

#[tokio::test]
async fn keys_are_changed_by_administrators_and_only_to_what_can_be_one() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        let before = connections::all(&desk.store).await.unwrap();
        let new = |token: &str, secret: &str| NewKeys {
            keys: TypedKeys::token(token),
            notice_secret: secret.into(),
            ..NewKeys::default()
        };
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
            let refused = connection_keys::change(&desk.engine, &actor(role), TILL, new("a-token", "")).await;
            assert!(matches!(refused, Err(OperatorError::Forbidden)), "{role:?}");
        }
        let admin = actor(Role::Admin);
        let nowhere = connection_keys::change(&desk.engine, &admin, "nowhere", new("a-token", "")).await;
        assert!(matches!(nowhere, Err(OperatorError::NotFound)));
        for (token, secret, says) in [
            (" ", "", "a new access token, a new notice secret, or both"),
            ("two words", "", "has a blank"),
            ("", &*"s".repeat(2_000), "notice secret is longer"),
        ] {
            let refused = connection_keys::change(&desk.engine, &admin, TILL, new(token, secret)).await;
            let Err(OperatorError::Invalid(why)) = refused else { panic!("{refused:?}") };
            assert!(why.contains(says), "{why}");
        }
        assert_eq!(connections::all(&desk.store).await.unwrap(), before, "{kind:?}: nothing was changed");
        connection_keys::change(&desk.engine, &admin, TILL, new(" a-new-long-token ", "")).await.unwrap();
        let after = connections::all(&desk.store).await.unwrap();
        let of = |rows: &[ConnectionRow]| rows.iter().find(|row| row.id == TILL).unwrap().clone();
        assert_eq!((of(&after).key_hint.as_str(), of(&after).notice_sealed), ("oken", of(&before).notice_sealed));
        assert_ne!(of(&after).token_sealed, of(&before).token_sealed);
    }
}

/// A12: as many keys and as long a text as a vendor's answer has room for are read without harm, and of a name that
/// stands twice the last value counts.
#[tokio::test]
async fn a_million_keys_and_ten_megabytes_are_read_without_harm() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        let link = desk.engine.cx().link(TILL).unwrap();
        let Side::Till(till) = &link.side else { panic!("a till") };
        let many: String = (0..1_000_000).map(|n| format!("\"k{n}\":0,")).collect();
        let long = format!("\"long\":\"{}\",", "x".repeat(10 * 1024 * 1024));
        let twice = r#""status":"VOIDED","status":"CLOSED","#;
        for (what, more) in [("many keys", many), ("a long text", long), ("a name twice", twice.to_owned())] {
            let read = till.interpret("sale", &sale("s", 7, &more));
            let Ok(Fact::Sale(read)) = read else { panic!("{what}: {read:?}") };
            assert_eq!(read.lines.len(), 1, "{what}");
        }
        let last = till.interpret("sale", &sale("s", 7, r#""register_sale_products":[],"#));
        let Ok(Fact::Sale(last)) = last else { panic!("{last:?}") };
        assert_eq!(last.lines.len(), 0, "the last one counts");
        // Through the door it has a mebibyte.
        let large = form(&sale("s", 7, &format!("\"long\":\"{}\",", "x".repeat(2 * 1024 * 1024))));
        assert_eq!(desk.push_signed(large).await.status, 413, "{kind:?}");
        assert!(inbox::parked(None, 10).ask(&desk.store).await.unwrap().is_empty(), "{kind:?}");
    }
}

/// A13: each order keeps the currency that it came with; nothing is taken from one into another.
#[tokio::test]
async fn orders_in_two_currencies_are_kept_apart() {
    for kind in databases() {
        let desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        let link = desk.engine.cx().link(SHOP).unwrap();
        let Side::Shop(shop) = &link.side else { panic!("a shop") };
        for code in ["EUR", "JPY", "GBP"] {
            let raw = format!(
                r#"{{"id":"o","number":"1","status":"PENDING","createdAt":"2026-02-02T21:46:18Z",
                    "updatedAt":"2026-02-02T21:46:18Z","lines":[],
                    "grandTotal":{{"value":12.5,"currency":{{"code":"{code}"}}}}}}"#
            );
            let facts = shop.interpret("order", &raw).unwrap();
            let [Fact::Order(order)] = facts.as_slice() else { panic!("{facts:?}") };
            assert_eq!(order.currency, code);
        }
    }
}

/// A55: what is sealed for one row or column opens in no other: it is named at the start, and never used in silence.
#[tokio::test]
async fn keys_swapped_in_the_database_are_named_and_never_used() {
    for kind in databases() {
        let mut desk = Desk::open(&kind, SECRET, &[OUTLET]).await;
        let rows = connections::all(&desk.store).await.unwrap();
        let of = |id: &str| rows.iter().find(|row| row.id == id).unwrap().clone();
        let (till, shop) = (of(TILL), of(SHOP));
        let swaps = [
            ("tokens of two rows", shop.token_sealed.clone(), till.notice_sealed.clone()),
            ("secrets of two rows", till.token_sealed.clone(), shop.notice_sealed.clone()),
            ("two columns of a row", till.notice_sealed.clone(), till.token_sealed.clone()),
            ("a text cut short", till.token_sealed.chars().take(60).collect(), till.notice_sealed.clone()),
        ];
        for (what, token, notice) in swaps {
            let mut tx = desk.store.begin().await.unwrap();
            connections::change_token(&mut tx, TILL, &token, "").await.unwrap();
            connections::change_notice(&mut tx, TILL, &notice).await.unwrap();
            tx.commit().await.unwrap();
            let opened = desk.reopen().await;
            let Err(EngineError::Sealed(named)) = opened.map(drop) else { panic!("{kind:?} {what}: it was used") };
            assert_eq!(named, TILL, "{what}");
            // In a process that runs already the keys that were opened stay.
            assert!(desk.engine.change_keys(TILL).await.is_err(), "{what}");
        }
        let mut tx = desk.store.begin().await.unwrap();
        connections::change_token(&mut tx, TILL, &till.token_sealed, "").await.unwrap();
        connections::change_notice(&mut tx, TILL, &till.notice_sealed).await.unwrap();
        connections::keep_old_notice(&mut tx, TILL, &shop.notice_sealed, Timestamp(i64::MAX)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(desk.reopen().await.map(drop), Err(EngineError::Sealed(_))), "the secret before, too");
        let body = form(&sale("s", 7, ""));
        assert_eq!(status(&desk, SECRET, &body).await, 200, "{kind:?}: the running process goes on");
        let mut tx = desk.store.begin().await.unwrap();
        connections::keep_old_notice(&mut tx, TILL, "", Timestamp(0)).await.unwrap();
        tx.commit().await.unwrap();
        desk.restart().await;
        assert_eq!(status(&desk, SECRET, &body).await, 200, "{kind:?}: put back, everything works");
    }
}
