//! What is too large, packed, or sent to the webhook door.

use crate::door::{Door, Outcome};
use axum::body::{Body, Bytes};
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use std::convert::Infallible;
use std::task::Poll;
use tower::ServiceExt;
use truecount::domain::access::Role;
use truecount::sim::Options;
use truecount::store::inbox;

fn endless() -> Body {
    let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
    Body::from_stream(futures_util::stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone())))
}

/// A10: declared, sent, or without end: too large is refused at the limit.
#[tokio::test]
async fn bodies_stop_at_the_limit() -> Outcome {
    let door = Door::connected().await?;
    let form = |body: Body| {
        let ask = door.ask(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        ask.header("sec-fetch-site", "same-origin").body(body)
    };
    let hook = |body: Body| door.ask(Method::POST, "/hooks/till").header("content-type", "application/json").body(body);
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    assert_eq!(door.send(form(Body::from(vec![b'x'; 64 * 1024 + 1]))).await.status, too_large);
    assert_eq!(door.send(form(endless())).await.status, too_large);
    assert_eq!(door.send(form(Body::empty()).header("content-length", "10737418240")).await.status, too_large);
    assert_eq!(door.send(hook(Body::from(vec![b'x'; 2 * 1024 * 1024]))).await.status, too_large);
    assert_eq!(door.send(hook(endless())).await.status, too_large);
    assert_eq!(door.send(hook(Body::empty()).header("content-length", "10737418240")).await.status, too_large);
    assert_ne!(door.send(hook(Body::from(vec![b'x'; 1024 * 1024]))).await.status, too_large);
    let refused = inbox::refused(&door.store, 20).await?;
    let large: Vec<_> = refused.iter().filter(|(_, status, ..)| *status == 413).collect();
    assert!(
        matches!(large.as_slice(), [(connection, _, why, _, 3)] if connection == "till" && why.contains("1 MiB")),
        "{refused:?}"
    );
    Ok(())
}

/// A11: nobody who signs a notice packs it.
#[tokio::test]
async fn packed_notices_are_refused() -> Outcome {
    let door = Door::connected().await?;
    for how in ["gzip", "br", "deflate", "gzip, gzip", "zstd", "Identity, gzip"] {
        let ask = door.ask(Method::POST, "/hooks/till").header("content-encoding", how).body("{}");
        let answer = door.send(ask).await;
        assert_eq!((answer.status, answer.bytes.len()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, 0), "{how}");
    }
    let refused = inbox::refused(&door.store, 20).await?;
    assert!(matches!(refused.as_slice(), [(_, 415, why, _, 6)] if why == "the notice is packed"), "{refused:?}");
    Ok(())
}

/// The webhook door asks for no cookie and no origin, gives none, says nothing and never redirects.
#[tokio::test]
async fn the_webhook_door_answers_with_a_status_and_nothing_else() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    for connection in ["abc", "0190-unknown", "..%2f..", "%00", "%ff"] {
        let ask = door.ask(Method::POST, &format!("/hooks/{connection}")).header("sec-fetch-site", "cross-site");
        let answer = door.send(ask.cookie(&cookie).body("{}")).await;
        assert!(!answer.status.is_redirection(), "{connection}");
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{connection}");
        assert_eq!(answer.cookie(), None, "{connection}");
        assert!(answer.bytes.is_empty(), "{connection}: {}", answer.text);
    }
    Ok(())
}

/// Bodies that never end hold only the room of what they sent, so a good notice still comes in; and a stranger's body
/// is not read at all.
#[tokio::test]
async fn stalled_bodies_do_not_close_the_door() -> Outcome {
    let door = Door::connected().await?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let stalled = |connection: &str| {
        let tell = tell.clone();
        let stall = futures_util::stream::poll_fn(move |_| {
            let _ = tell.send(None);
            Poll::<Option<Result<Bytes, Infallible>>>::Pending
        });
        let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"p"))]);
        door.ask(Method::POST, &format!("/hooks/{connection}")).body(Body::from_stream(first.chain(stall)))
    };
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let (router, ask, tell) = (door.router.clone(), stalled("till"), tell.clone());
        waiting.push(tokio::spawn(async move {
            let Ok(response) = router.oneshot(ask.request).await;
            let _ = tell.send(Some(response.status()));
        }));
    }
    for _ in 0..64 {
        assert_eq!(told.recv().await, Some(None), "each one is waited for");
    }
    assert_eq!(door.send(stalled("stranger")).await.status, StatusCode::NOT_FOUND);
    assert!(told.try_recv().is_err(), "the stranger's body was not read");
    let body = "type=sale.update&payload=%7B%22id%22%3A%22s1%22%2C%22version%22%3A7%7D";
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(Options::default().till_secret.as_bytes())?;
    mac.update(body.as_bytes());
    let signature = format!("signature={},algorithm=HMAC-SHA256", hex::encode(mac.finalize().into_bytes()));
    let good = door.ask(Method::POST, "/hooks/till").header("x-signature", &signature).body(body);
    assert_eq!(door.send(good).await.status, StatusCode::OK);
    for waiting in waiting {
        waiting.abort();
    }
    Ok(())
}

/// Whoever sends much and then nothing gives up the room of it long before a notice has to be complete.
#[tokio::test]
async fn a_pause_gives_up_the_room() -> Outcome {
    let door = Door::connected().await?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut waiting = Vec::new();
    // All the room there is: 16 of the largest, from two addresses.
    for n in 0..16 {
        let tell = tell.clone();
        let silence = futures_util::stream::poll_fn(move |_| {
            let _ = tell.send(());
            Poll::<Option<Result<Bytes, Infallible>>>::Pending
        });
        let much = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1024 * 1024]))]);
        let ask = door.ask(Method::POST, "/hooks/till").from(if n < 8 { "198.51.100.1" } else { "198.51.100.2" });
        let ask = ask.body(Body::from_stream(much.chain(silence)));
        let router = door.router.clone();
        waiting.push(tokio::spawn(async move { router.oneshot(ask.request).await.map(|answer| answer.status()) }));
    }
    for _ in 0..16 {
        assert_eq!(told.recv().await, Some(()), "each one is waited for");
    }
    let small = || door.ask(Method::POST, "/hooks/till").body("{}");
    assert_eq!(door.send(small()).await.status, StatusCode::SERVICE_UNAVAILABLE, "there is no room");
    for waiting in waiting {
        let Ok(status) = tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await??;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    }
    assert_eq!(door.send(small()).await.status, StatusCode::UNAUTHORIZED, "there is room, and it is read");
    Ok(())
}

/// Whoever holds as much as one address may keeps nobody else out.
#[tokio::test]
async fn one_address_does_not_take_the_room_of_all() -> Outcome {
    let door = Door::connected().await?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let from = |address: &str| door.ask(Method::POST, "/hooks/till").from(address);
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let tell = tell.clone();
        let silence = futures_util::stream::poll_fn(move |_| {
            let _ = tell.send(());
            Poll::<Option<Result<Bytes, Infallible>>>::Pending
        });
        let much = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1024 * 1024]))]);
        let ask = from("2001:db8::1").body(Body::from_stream(much.chain(silence)));
        let router = door.router.clone();
        waiting.push(tokio::spawn(async move { router.oneshot(ask.request).await.map(|answer| answer.status()) }));
    }
    for _ in 0..8 {
        assert_eq!(told.recv().await, Some(()), "each one is waited for");
    }
    let neighbour = door.send(from("2001:db8::2").body("{}")).await;
    assert_eq!(neighbour.status, StatusCode::SERVICE_UNAVAILABLE, "whoever has one address has those beside it");
    let other = door.send(from("198.51.100.1").body("{}")).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED, "another one is read");
    for waiting in waiting {
        waiting.abort();
        let _ended = waiting.await;
    }
    assert_eq!(door.send(from("2001:db8::1").body("{}")).await.status, StatusCode::UNAUTHORIZED, "it was given back");
    Ok(())
}

/// What the framework refuses by itself is said in our words, with a way back.
#[tokio::test]
async fn what_cannot_be_read_is_answered_by_our_own_page() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    let form = |kind: &str, body: Body| {
        let ask = door.ask(Method::POST, "/theme").header("sec-fetch-site", "same-origin").cookie(&cookie);
        ask.header("content-type", kind).body(body)
    };
    let fields = "application/x-www-form-urlencoded";
    for (ask, status) in [
        (door.get("/stock/%ff").cookie(&cookie), StatusCode::BAD_REQUEST),
        (form(fields, Body::from(vec![b'x'; 70_000])), StatusCode::PAYLOAD_TOO_LARGE),
        (form(fields, Body::empty()).header("content-length", "70000"), StatusCode::PAYLOAD_TOO_LARGE),
        (form("application/json", Body::from("{}")), StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let answer = door.send(ask).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.text.contains("Number for the administrator"), "{status}: {}", answer.text);
    }
    Ok(())
}
