//! What machines that watch us are told.

use crate::door::{Door, Outcome};
use http::StatusCode;
use truecount::clock::Clock as _;
use truecount::domain::access::Role;
use truecount::domain::time::Span;

#[tokio::test]
async fn ready_means_that_the_database_takes_writes() -> Outcome {
    let door = Door::open().await?;
    let ask = async || {
        let answer = door.send(door.get("/health/ready")).await;
        (answer.status, answer.text)
    };
    let ready = (StatusCode::OK, "ready\n".to_owned());
    let not_ready = (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned());
    assert_eq!(ask().await, ready);
    let writer = door.store.begin().await?;
    assert_eq!(ask().await, ready, "the last try stands for ten seconds");
    door.later(Span::secs(10));
    assert_eq!(ask().await, not_ready, "nobody else gets to write");
    drop(writer);
    assert_eq!(ask().await, not_ready, "so does one that failed");
    door.later(Span::hours(-1));
    assert_eq!(ask().await, ready, "a try of the future says nothing");
    assert_eq!(door.send(door.get("/health/live")).await.text, "alive\n");
    Ok(())
}

/// Where no problem can be written down, pages say it from memory.
#[tokio::test]
async fn a_database_that_takes_nothing_in_is_said_at_the_top_of_pages() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let cookie = door.login("Kim").await?;
    let stuck = &door.state.engine.cx().stuck;
    for (failed, said) in [(true, true), (false, false)] {
        stuck.note("", "problems", failed, door.clock.now() - Span::minutes(5));
        for path in ["/", "/connections"] {
            let page = door.send(door.get(path).cookie(&cookie)).await;
            assert_eq!(page.text.contains("our own database has taken nothing in."), said, "{path}: {}", page.text);
            assert_eq!(page.text.contains("make room there"), said, "{path}");
        }
    }
    Ok(())
}
