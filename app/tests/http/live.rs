//! Live changes: what is told, to whom, and when it ends.

use crate::door::{Door, Outcome};
use axum::body::Body;
use http::StatusCode;
use http_body_util::BodyExt;
use std::time::Duration;
use tower::ServiceExt;
use truecount::domain::access::Role;
use truecount::domain::time::Span;
use truecount::engine::Change;

/// An open stream, read event by event.
struct Stream {
    body: Body,
    rest: String,
}

impl Stream {
    async fn open(door: &Door, cookie: &str) -> Result<Self, StatusCode> {
        let ask = door.get("/events").cookie(cookie).header("accept", "text/event-stream");
        let ask = ask.header("accept-encoding", "gzip, br");
        let Ok(response) = door.router.clone().oneshot(ask.request).await;
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(!response.headers().contains_key("content-encoding"));
        Ok(Self { body: response.into_body(), rest: String::new() })
    }

    /// Name and data of the next event; nothing when the stream has ended.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().trim_start_matches(':').trim().to_owned()
                };
                let found = (field("event"), field("data"));
                self.rest = rest.to_owned();
                return Some(found);
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await.ok()??;
            self.rest.push_str(&String::from_utf8_lossy(&frame.ok()?.into_data().ok()?));
        }
    }
}

fn told(name: &str, data: &str) -> Option<(String, String)> {
    Some((name.to_owned(), data.to_owned()))
}

#[tokio::test]
async fn a_change_is_told_once_however_often_it_happens() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let cookie = door.login("Kim").await?;
    let mut stream = Stream::open(&door, &cookie).await.map_err(|status| status.to_string())?;
    assert_eq!(stream.next().await, told("hello", "-"));
    for _ in 0..50 {
        door.announce(Change::Problems);
    }
    door.announce(Change::Sku("0190-ab".to_owned()));
    let mut heard = Vec::new();
    while !heard.contains(&told("sku", "0190-ab")) {
        heard.push(stream.next().await);
        assert!(heard.last().is_some_and(Option::is_some), "the stream ended");
    }
    assert!(heard.iter().filter(|event| **event == told("problems", "-")).count() <= 2, "{heard:?}");
    for n in 0..5_000 {
        door.announce(Change::Sku(n.to_string()));
    }
    assert_eq!(stream.next().await, told("all", "-"), "too many to tell one by one");
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_with_its_session() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let cookie = door.login("Kim").await?;
    let mut stream = Stream::open(&door, &cookie).await.map_err(|status| status.to_string())?;
    assert_eq!(stream.next().await, told("hello", "-"));
    door.send(door.form("/logout", &[]).cookie(&cookie)).await;
    assert_eq!(stream.next().await, None);
    Ok(())
}

/// A stream that a browser opens again and again is not somebody being there.
#[tokio::test]
async fn listening_does_not_keep_a_session_alive() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let cookie = door.login("Kim").await?;
    door.later(Span::minutes(20));
    assert!(Stream::open(&door, &cookie).await.is_ok());
    door.later(Span::minutes(10));
    assert_eq!(Stream::open(&door, &cookie).await.err(), Some(StatusCode::UNAUTHORIZED));
    Ok(())
}

#[tokio::test]
async fn streams_end_when_the_program_stops() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let cookie = door.login("Kim").await?;
    let mut stream = Stream::open(&door, &cookie).await.map_err(|status| status.to_string())?;
    assert_eq!(stream.next().await, told("hello", "-"));
    door.state.listeners.end_all();
    assert_eq!(stream.next().await, None);
    Ok(())
}

/// A49: three streams for one session, and a closed one makes room.
#[tokio::test]
async fn a_session_has_three_streams() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let cookie = door.login("Kim").await?;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Stream::open(&door, &cookie).await.map_err(|status| status.to_string())?);
    }
    let fourth = Stream::open(&door, &cookie).await.err();
    assert_eq!(fourth, Some(StatusCode::TOO_MANY_REQUESTS));
    drop(open);
    while door.state.listeners.count() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(Stream::open(&door, &cookie).await.is_ok());
    Ok(())
}

/// A22: a page of another origin hears nothing, even with the cookie.
#[tokio::test]
async fn pages_of_other_origins_hear_nothing() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let cookie = door.login("Kim").await?;
    for site in ["cross-site", "same-site"] {
        let ask = door.get("/events").cookie(&cookie).header("sec-fetch-site", site);
        assert_eq!(door.send(ask).await.status, StatusCode::FORBIDDEN, "{site}");
    }
    // Browsers that do not say where a page comes from still send its origin.
    for origin in ["https://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:4780"] {
        let ask = door.get("/events").cookie(&cookie).header("origin", origin);
        assert_eq!(door.send(ask).await.status, StatusCode::FORBIDDEN, "{origin}");
    }
    assert!(Stream::open(&door, &cookie).await.is_ok(), "our own");
    assert_eq!(Stream::open(&door, "truecount=x").await.err(), Some(StatusCode::UNAUTHORIZED));
    Ok(())
}
