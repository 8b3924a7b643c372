//! What somebody does on purpose at the front door and nobody does by mistake.
//! The whole list, with the test that proves each, is in `docs/ATTACKS.md`.

use crate::door::{Door, Outcome};
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use truecount::domain::access::Role;
use truecount::sim::Options;
use truecount_app::server::lifecycle::{Limits, serve};

fn mac(secret: &str, parts: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes())?;
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// A09: a notice is only believed with the secret of the connection it is sent to, however well it is signed with
/// that of another.
#[tokio::test]
async fn the_secret_of_one_connection_opens_no_other() -> Outcome {
    let door = Door::connected().await?;
    let options = Options::default();
    let (till, shop) = (options.till_secret.as_str(), options.web_secret.as_str());
    assert_ne!(till, shop);
    let body = "type=sale.update&payload=%7B%22id%22%3A%22s1%22%2C%22version%22%3A7%7D";
    let events = "payload=%7B%22events%22%3A%5B%5D%7D";
    let time = door.accounts.now().secs().to_string();
    for (secret, to_till, to_shop) in [
        (till, StatusCode::OK, StatusCode::UNAUTHORIZED),
        (shop, StatusCode::UNAUTHORIZED, StatusCode::OK),
        ("nobody's", StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
    ] {
        let signature = format!("signature={},algorithm=HMAC-SHA256", mac(secret, &[body])?);
        let ask = door.ask(Method::POST, "/hooks/till").header("x-signature", &signature).body(body);
        assert_eq!(door.send(ask).await.status, to_till, "the till's door");
        let signature = format!("t={time},v1={}", mac(secret, &[&time, ".", events])?);
        let ask = door.ask(Method::POST, "/hooks/web").header("x-centra-signature", &signature).body(events);
        assert_eq!(door.send(ask).await.status, to_shop, "the shop's door");
    }
    Ok(())
}

/// A10: whoever announces ten gigabytes is told that it is too much, and the connection ends: the rest is not read.
#[tokio::test]
async fn a_connection_is_closed_behind_a_body_that_is_too_large() -> Outcome {
    let door = Door::connected().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, door.router.clone(), None, Limits::default(), stopped, || {}, never));
    let chunked = format!("transfer-encoding: chunked\r\n\r\n200000\r\n{}", "x".repeat(0x12_0000));
    for rest in ["content-length: 10737418240\r\n\r\n".to_owned(), chunked] {
        let mut caller = TcpStream::connect(address).await?;
        caller.write_all(format!("POST /hooks/till HTTP/1.1\r\nhost: 127.0.0.1:4780\r\n{rest}").as_bytes()).await?;
        let mut said = Vec::new();
        // Until it is closed; a connection that is reset with something unread is closed, too.
        let closed = tokio::time::timeout(Duration::from_secs(20), caller.read_to_end(&mut said)).await?;
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with("HTTP/1.1 413") || closed.is_err(), "{said}");
        assert_eq!(said.matches("HTTP/1.1").count(), usize::from(!said.is_empty()), "{said}");
    }
    stop.send(()).map_err(|()| "the server is gone")?;
    server.await?;
    Ok(())
}

/// A17: what a link puts behind the question mark is not shown as words of ours.
#[tokio::test]
async fn a_crafted_link_puts_no_words_into_our_pages() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let cookie = door.login("Kim").await?;
    let words = "Call-0900-EVIL";
    for path in ["/login", "/setup", "/", "/connections", "/connections/new", "/nowhere", "/logout", "/stock/x"] {
        for query in [
            format!("__err={words}&__path={path}"),
            "__err=eyJTZXJ2ZXJFcnJvciI6IkNhbGwtMDkwMC1FVklMIn0&__path=/login".to_owned(),
            format!("error={words}&message={words}&flash={words}&name={words}&base_url=https://{words}"),
        ] {
            for cookie in ["", cookie.as_str()] {
                let page = door.send(door.get(&format!("{path}?{query}")).cookie(cookie)).await;
                let shown = page.text.to_lowercase();
                // The address of the page itself may stand in a link back to it, where it is no word of ours.
                let in_links: Vec<&str> = shown.split('"').collect();
                let said: Vec<&&str> =
                    in_links.iter().filter(|part| part.contains("evil") && !part.starts_with('/')).collect();
                assert!(said.is_empty(), "{path}?{query}: {said:?}");
            }
        }
    }
    Ok(())
}

/// A48: two hundred half requests at once: a page answers meanwhile, and all of them are let go.
#[tokio::test]
async fn a_page_answers_while_many_half_requests_stand_there() -> Outcome {
    let door = Door::open().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let limits = Limits { headers: Duration::from_secs(2), ..Limits::default() };
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, door.router.clone(), None, limits, stopped, || {}, never));
    let mut half = Vec::new();
    for n in 0..200 {
        let mut caller = TcpStream::connect(address).await?;
        let sent = ["GET /login HTTP/1.1\r\nHost: 127.0.", "POST /login HTTP/1.1\r\n", "G", ""];
        caller.write_all(sent[n % sent.len()].as_bytes()).await?;
        half.push(caller);
    }
    let mut good = TcpStream::connect(address).await?;
    good.write_all(b"GET /setup HTTP/1.1\r\nHost: 127.0.0.1:4780\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    good.read_to_string(&mut text).await?;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("Set up Truecount"), "{text}");
    for caller in &mut half {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(30), caller.read_to_end(&mut rest)).await??;
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
    stop.send(()).map_err(|()| "the server is gone")?;
    server.await?;
    Ok(())
}
