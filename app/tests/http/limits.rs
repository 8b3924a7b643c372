//! What is too large, packed, or sent to the webhook door.

use crate::door::{Door, Outcome};
use axum::body::{Body, Bytes};
use http::{Method, StatusCode};
use std::convert::Infallible;
use truecount::domain::access::Role;

fn endless() -> Body {
    let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
    Body::from_stream(futures_util::stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone())))
}

/// A10: declared, sent, or without end: too large is refused at the limit.
#[tokio::test]
async fn bodies_stop_at_the_limit() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let form = |body: Body| {
        let ask = door.ask(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        ask.header("sec-fetch-site", "same-origin").body(body)
    };
    let hook = |body: Body| door.ask(Method::POST, "/hooks/abc").header("content-type", "application/json").body(body);
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    assert_eq!(door.send(form(Body::from(vec![b'x'; 64 * 1024 + 1]))).await.status, too_large);
    assert_eq!(door.send(form(endless())).await.status, too_large);
    assert_eq!(door.send(form(Body::empty()).header("content-length", "10737418240")).await.status, too_large);
    assert_eq!(door.send(hook(Body::from(vec![b'x'; 2 * 1024 * 1024]))).await.status, too_large);
    assert_eq!(door.send(hook(endless())).await.status, too_large);
    assert_eq!(door.send(hook(Body::empty()).header("content-length", "10737418240")).await.status, too_large);
    assert_ne!(door.send(hook(Body::from(vec![b'x'; 1024 * 1024]))).await.status, too_large);
    Ok(())
}

/// A11: nobody who signs a notice packs it.
#[tokio::test]
async fn packed_notices_are_refused() -> Outcome {
    let door = Door::open().await?;
    for how in ["gzip", "br", "deflate", "gzip, gzip", "zstd", "Identity, gzip"] {
        let ask = door.ask(Method::POST, "/hooks/abc").header("content-encoding", how).body("{}");
        let answer = door.send(ask).await;
        assert_eq!((answer.status, answer.bytes.len()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, 0), "{how}");
    }
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
