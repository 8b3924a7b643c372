//! Adding, mending and removing connections: also twice, and at once.

use crate::desk::{Desk, NOW, SHOP, TILL};
use crate::shop::databases;
use truecount::domain::access::Role;
use truecount::domain::ids::PersonId;
use truecount::domain::time::Span;
use truecount::operator::connection_keys::{self, NewKeys};
use truecount::operator::new_connection::NewConnection;
use truecount::operator::typed_keys::TypedKeys;
use truecount::operator::{Actor, OperatorError, add_connection};
use truecount::store::connections::{self, ConnectionRow};
use truecount::store::feeds;
use truecount::sync::cx::Side;

fn admin() -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role: Role::Admin }
}

fn typed(name: &str, address: &str) -> NewConnection {
    NewConnection {
        vendor: "lightspeed-x".into(),
        name: name.into(),
        base_url: address.into(),
        keys: TypedKeys::token("a-token-of-theirs"),
        notice_secret: String::new(),
    }
}

async fn rows(desk: &Desk) -> Vec<ConnectionRow> {
    connections::all(&desk.store).await.unwrap()
}

fn said<T: std::fmt::Debug>(answer: Result<T, OperatorError>) -> String {
    match answer {
        Err(OperatorError::Invalid(why) | OperatorError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_at_once_adds_one_connection() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let form = || typed("Soho", "https://soho.retail.lightspeed.app");
        let admin = admin();
        let (one, other) = tokio::join!(
            add_connection::add(&desk.engine, &admin, form()),
            add_connection::add(&desk.engine, &admin, form())
        );
        assert_eq!(one.unwrap(), other.unwrap(), "{kind:?}: the second shows the first one's result");
        assert_eq!(rows(&desk).await.len(), 3, "{kind:?}");
        assert_eq!(desk.engine.cx().links().len(), 3, "{kind:?}");
        desk.later(Span::minutes(2));
        let again = said(add_connection::add(&desk.engine, &admin, form()).await);
        assert!(again.contains("a name of its own") && again.contains("connected already, as Soho"), "{again}");
    }
}

#[tokio::test]
async fn a_name_and_an_account_are_there_once() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        add_connection::add(&desk.engine, &admin(), typed("Soho", "https://soho.retail.lightspeed.app")).await.unwrap();
        for (name, address, says) in [
            (" sOHO ", "https://other.retail.lightspeed.app", "a name of its own"),
            ("Another", "https://SOHO.retail.lightspeed.app/", "That address is connected already, as Soho"),
            ("Another", "https://soho.retail.lightspeed.app.", "That address is connected already, as Soho"),
        ] {
            let why = said(add_connection::add(&desk.engine, &admin(), typed(name, address)).await);
            assert!(why.contains(says) && why.lines().count() == 1, "{kind:?}: {why}");
        }
        assert_eq!(rows(&desk).await.len(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn a_mistyped_address_is_mended_until_something_was_read_from_it() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &[]).await;
        let mend = async |address: &str| {
            let new = NewKeys {
                base_url: address.into(),
                keys: TypedKeys::token("the-token-of-there"),
                ..NewKeys::default()
            };
            connection_keys::change(&desk.engine, &admin(), TILL, new).await
        };
        let shown = async || connection_keys::show(&desk.engine, &admin(), TILL).await.unwrap().address;
        assert_eq!(shown().await.as_deref(), Some("https://till.invalid"));
        add_connection::add(&desk.engine, &admin(), typed("Soho", "https://soho.retail.lightspeed.app")).await.unwrap();
        for (address, says) in [
            ("http://brand.retail.lightspeed.app", "must begin with https://"),
            ("https://10.0.0.1", "your own network"),
            ("https://soho.retail.lightspeed.app", "connected already, as Soho"),
        ] {
            let why = said(mend(address).await);
            assert!(why.contains(says), "{kind:?}: {why}");
        }
        let Side::Till(till) = &desk.engine.cx().link(TILL).unwrap().side else { panic!("a till") };
        assert!(till.sales_after(None).await.is_err());
        // Whoever may change the address must not get the token that way.
        let elsewhere = NewKeys { base_url: "https://elsewhere.retail.lightspeed.app".into(), ..NewKeys::default() };
        let why = said(connection_keys::change(&desk.engine, &admin(), TILL, elsewhere).await);
        assert!(why.contains("sent nowhere else"), "{kind:?}: {why}");
        assert_eq!(shown().await.as_deref(), Some("https://till.invalid"), "{kind:?}: nothing was changed");
        mend("https://brand.retail.lightspeed.app/").await.unwrap();
        assert_eq!(shown().await.as_deref(), Some("https://brand.retail.lightspeed.app"), "{kind:?}");
        let before = rows(&desk).await;
        let mut tx = desk.store.begin().await.unwrap();
        feeds::mark(&mut tx, TILL, "places", 0, NOW, NOW);
        tx.commit().await.unwrap();
        assert_eq!(shown().await, None, "{kind:?}: it is no longer asked for");
        assert!(said(mend("https://other.retail.lightspeed.app").await).contains("The address stays"), "{kind:?}");
        assert_eq!(rows(&desk).await, before, "{kind:?}");
    }
}

#[tokio::test]
async fn only_what_brought_nothing_is_removed_and_its_name_is_free_again() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let form = || typed("Soho", "https://soho.retail.lightspeed.app");
        let id = add_connection::add(&desk.engine, &admin(), form()).await.unwrap();
        let other = Actor { role: Role::Operations, ..admin() };
        let refused = add_connection::remove(&desk.engine, &other, &id).await;
        assert!(matches!(refused, Err(OperatorError::Forbidden)), "{kind:?}");
        add_connection::remove(&desk.engine, &admin(), &id).await.unwrap();
        assert!(desk.engine.cx().link(&id).is_none() && rows(&desk).await.len() == 2, "{kind:?}");
        let gone = desk.engine.receive(&id, &http::HeaderMap::new(), bytes::Bytes::new()).await;
        assert_eq!(gone.status, 404, "{kind:?}: nobody takes its notices");
        let id = add_connection::add(&desk.engine, &admin(), form()).await.unwrap();
        let mut tx = desk.store.begin().await.unwrap();
        feeds::advance(&mut tx, &id, "sales", "7", NOW);
        tx.commit().await.unwrap();
        for id in [id.as_str(), TILL, SHOP] {
            let why = said(add_connection::remove(&desk.engine, &admin(), id).await);
            assert!(why.starts_with("Something was read from it"), "{kind:?}: {why}");
        }
        assert_eq!(rows(&desk).await.len(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn two_changes_of_keys_at_once_are_both_kept() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let before = rows(&desk).await;
        let change = |token: &str, secret: &str| {
            let new = NewKeys { keys: TypedKeys::token(token), notice_secret: secret.into(), ..NewKeys::default() };
            let engine = desk.engine.clone();
            async move { connection_keys::change(&engine, &admin(), TILL, new).await }
        };
        let (one, other) = tokio::join!(change("another-long-token", ""), change("", "another secret"));
        assert!(one.is_ok() && other.is_ok(), "{kind:?}");
        let of = |rows: &[ConnectionRow]| rows.iter().find(|row| row.id == TILL).unwrap().clone();
        let (was, is) = (of(&before), of(&rows(&desk).await));
        assert!(was.token_sealed != is.token_sealed && was.notice_sealed != is.notice_sealed, "{kind:?}");
        assert_eq!(is.key_hint, "oken", "{kind:?}");
        let body = "type=x";
        let status = desk.push(&Desk::signature("another secret", body.as_bytes()), body).await.status;
        assert_ne!(status, 401, "{kind:?}: the running process has it too");
    }
}
