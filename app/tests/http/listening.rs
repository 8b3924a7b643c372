//! Real sockets on this machine: slow clients, silent ones, and stopping.

use crate::door::{Door, Outcome};
use axum::Router;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use truecount_app::server::lifecycle::{Limits, serve};

async fn told(receiver: oneshot::Receiver<()>) {
    drop(receiver.await);
}

/// A page that says when somebody is inside, and answers when it is told to proceed.
fn slow(inside: &Arc<Notify>, proceed: &Arc<Notify>) -> Router {
    let (inside, proceed) = (inside.clone(), proceed.clone());
    let answer = || async move {
        inside.notify_one();
        proceed.notified().await;
        "finished"
    };
    Router::new().route("/slow", get(answer))
}

/// A48: whoever does not finish the headers is let go, whether they sent half of them or nothing at all, and others
/// are served meanwhile.
#[tokio::test]
async fn slow_headers_are_let_go() -> Outcome {
    let door = Door::open().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let limits = Limits { headers: Duration::from_millis(300), ..Limits::default() };
    let (stop, stopped) = oneshot::channel();
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, door.router.clone(), None, limits, told(stopped), || {}, never));
    let mut half = TcpStream::connect(address).await?;
    half.write_all(b"GET /login HTTP/1.1\r\nHost: 127.0.").await?;
    let mut silent = TcpStream::connect(address).await?;
    let mut good = TcpStream::connect(address).await?;
    good.write_all(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:4780\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    good.read_to_string(&mut text).await?;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("alive\n"), "{text}");
    for slow in [&mut half, &mut silent] {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut rest)).await??;
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
    stop.send(()).map_err(|()| "the server is gone")?;
    server.await?;
    Ok(())
}

/// A48: whoever holds their share is closed at once, and others come in. Only Linux has more than one address of
/// this machine without being told.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_beyond_a_share_are_closed_and_others_are_served() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/quick", get(|| async { "quick" }));
    let limits = Limits { connections: 8, of_one: 2, ..Limits::default() };
    let (stop, stopped) = oneshot::channel();
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, router, None, limits, told(stopped), || {}, never));
    // They are taken in the order in which they come.
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(address).await?);
    }
    for _ in 0..20 {
        let mut beyond = TcpStream::connect(address).await?;
        let mut said = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(5), beyond.read_to_end(&mut said)).await?;
        assert!(matches!(closed, Ok(0)) || closed.is_err(), "{said:?}");
    }
    let neighbour = tokio::net::TcpSocket::new_v4()?;
    neighbour.bind("127.0.0.2:0".parse()?)?;
    let mut neighbour = neighbour.connect(address).await?;
    neighbour.write_all(b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    neighbour.read_to_string(&mut text).await?;
    assert!(text.ends_with("quick"), "{text}");
    drop(silent);
    stop.send(()).map_err(|()| "the server is gone")?;
    server.await?;
    Ok(())
}

/// Whoever asks and does not read is let go, and the place goes to the next.
#[tokio::test]
async fn answers_that_nobody_reads_are_given_up() -> Outcome {
    let router = Router::new().route("/large", get(|| async { vec![b'x'; 16 * 1024 * 1024] }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let limits = Limits { write: Duration::from_millis(300), connections: 1, ..Limits::default() };
    let (stop, stopped) = oneshot::channel();
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, router, None, limits, told(stopped), || {}, never));
    let mut unread = TcpStream::connect(address).await?;
    unread.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let mut good = TcpStream::connect(address).await?;
    good.write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(20), good.read_to_string(&mut text)).await??;
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    stop.send(()).map_err(|()| "the server is gone")?;
    server.await?;
    Ok(())
}

/// A connection on which something is being answered stays, however long nothing new is asked; one at rest is closed.
#[tokio::test]
async fn connections_at_rest_are_closed_and_others_are_not() -> Outcome {
    let (inside, proceed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = slow(&inside, &proceed).route("/quick", get(|| async { "quick" }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let short = Duration::from_millis(100);
    let limits = Limits { headers: Duration::from_secs(3), idle: short, ..Limits::default() };
    let (stop, stopped) = oneshot::channel();
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, router, None, limits, told(stopped), || {}, never));
    let mut slow = TcpStream::connect(address).await?;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    inside.notified().await;
    let mut rest = TcpStream::connect(address).await?;
    rest.write_all(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(20), rest.read_to_string(&mut text)).await??;
    assert!(text.ends_with("quick"), "{text}");
    proceed.notify_one();
    let mut text = String::new();
    slow.read_to_string(&mut text).await?;
    assert!(text.ends_with("finished"), "{text}");
    stop.send(()).map_err(|()| "the server is gone")?;
    server.await?;
    Ok(())
}

#[tokio::test]
async fn stopping_lets_open_requests_finish_and_takes_no_new_ones() -> Outcome {
    let (inside, proceed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = slow(&inside, &proceed);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let draining = Arc::new(Notify::new());
    let tell = draining.clone();
    let never = std::future::pending();
    let before = move || tell.notify_one();
    let server = tokio::spawn(serve(listener, router, None, Limits::default(), told(stopped), before, never));
    let mut open = TcpStream::connect(address).await?;
    open.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    inside.notified().await;
    stop.send(()).map_err(|()| "the server is gone")?;
    draining.notified().await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody new comes in");
    proceed.notify_one();
    let mut text = String::new();
    open.read_to_string(&mut text).await?;
    assert!(text.ends_with("finished"), "{text}");
    server.await?;
    Ok(())
}

#[tokio::test]
async fn the_second_signal_does_not_wait() -> Outcome {
    let inside = Arc::new(Notify::new());
    let router = Router::new().route(
        "/stuck",
        get({
            let inside = inside.clone();
            move || async move {
                inside.notify_one();
                std::future::pending::<()>().await;
            }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let (leave, left) = oneshot::channel();
    let server = tokio::spawn(serve(listener, router, None, Limits::default(), told(stopped), || {}, told(left)));
    let mut open = TcpStream::connect(address).await?;
    open.write_all(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    inside.notified().await;
    stop.send(()).map_err(|()| "the server is gone")?;
    leave.send(()).map_err(|()| "the server is gone")?;
    tokio::time::timeout(Duration::from_secs(10), server).await??;
    Ok(())
}
