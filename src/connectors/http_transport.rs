//! The real [`Transport`]: HTTPS to the public internet, once, with limits on everything.
//!
//! Follows no redirect (a 3xx goes back as it is, and the key goes nowhere else), reads no proxy from the
//! environment, repeats nothing, and stops reading at [`ANSWER_BYTES_MAX`] after decompression.

use super::address_guard;
use super::call::OUR_NAME;
use super::transport::{Transport, TransportError};
use crate::domain::ids::ConnectionId;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

/// How long a connection may take to come about. Long enough for a slow handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the whole answer may take. Long enough not to make unknown outcomes out of slow ones.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer taken in, after decompression: the largest page we ask for is a tenth of it.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Speaks HTTP over the network.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    allow_loopback: bool,
}

/// Why the transport cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up")]
pub struct SetupError(#[source] reqwest::Error);

impl HttpTransport {
    /// A transport to the public internet. `allow_loopback` also allows our own machine, and plain HTTP to it: for
    /// the demo and for tests.
    pub fn new(allow_loopback: bool) -> Result<Self, SetupError> {
        Self::within(allow_loopback, WHOLE_TIMEOUT)
    }

    fn within(allow_loopback: bool, whole: Duration) -> Result<Self, SetupError> {
        // The process has one TLS provider. A second installation is refused and the first one stays, which is fine.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(OUR_NAME)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .https_only(!allow_loopback)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(whole)
            .dns_resolver(GuardedResolver { allow_loopback })
            .build()
            .map_err(SetupError)?;
        Ok(Self { client, allow_loopback })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    fn calls_this_machine(&self) -> bool {
        self.allow_loopback
    }

    async fn send(
        &self,
        _connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(|error| TransportError::NotSent(words(&error)))?;
        check_address(request.url(), self.allow_loopback).map_err(TransportError::NotSent)?;
        let mut answer = self.client.execute(request).await.map_err(|error| {
            // Only what failed before the request left us may be repeated without a look.
            if error.is_connect() || error.is_builder() {
                TransportError::NotSent(words(&error))
            } else {
                TransportError::NoAnswer(words(&error))
            }
        })?;
        if answer.content_length().is_some_and(|told| told > ANSWER_BYTES_MAX as u64) {
            return Err(TransportError::TooLarge { limit: ANSWER_BYTES_MAX });
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| TransportError::NoAnswer(words(&error)))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(TransportError::TooLarge { limit: ANSWER_BYTES_MAX });
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

/// Looks names up and drops every address that only we could reach, at the moment of connecting.
struct GuardedResolver {
    allow_loopback: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut fine = Vec::with_capacity(found.len());
            for address in found {
                match address_guard::objection(address.ip(), allow_loopback) {
                    None => fine.push(address),
                    Some(objection) => refused = Some(objection),
                }
            }
            match (fine.is_empty(), refused) {
                (true, Some(objection)) => Err(format!("{host} leads to {objection}; not called").into()),
                (true, None) => Err(format!("{host} has no address").into()),
                (false, _) => Ok(Box::new(fine.into_iter()) as Addrs),
            }
        })
    }
}

/// What the URL itself tells: its scheme, a user in it, an address written as a number.
fn check_address(url: &reqwest::Url, allow_loopback: bool) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err("the address names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address contains a user name".to_owned());
    }
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    if let Some(objection) = literal.and_then(|ip| address_guard::objection(ip, allow_loopback)) {
        return Err(format!("{host} is {objection}; not called"));
    }
    let own_machine = host == "localhost" || literal.is_some_and(|ip| ip.to_canonical().is_loopback());
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_loopback && own_machine => Ok(()),
        other => Err(format!("the address begins with {other}; only https is called")),
    }
}

/// The whole chain of a client error without its URL, which the evidence already has.
fn words(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.downcast_ref::<reqwest::Error>().map_or_else(|| error.to_string(), kind_of);
        if said.last() != Some(&text) {
            said.push(text);
        }
        next = error.source();
    }
    said.join(": ")
}

fn kind_of(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "time is up"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "not a usable request"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off or cannot be unpacked"
    } else {
        "the exchange failed"
    };
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn url(text: &str) -> reqwest::Url {
        reqwest::Url::parse(text).expect("a URL")
    }

    #[test]
    fn an_address_that_only_we_could_reach_is_refused_in_every_spelling() {
        for text in [
            "https://169.254.169.254/latest",
            "https://127.0.0.1/",
            "https://[::ffff:127.0.0.1]/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::1]/",
            "https://10.0.0.7/",
            "http://shop.example/",
            "https://user@shop.example/",
            "https://user:pw@shop.example/",
            "file:///etc/passwd",
            "http://localhost/",
        ] {
            assert!(check_address(&url(text), false).is_err(), "{text}");
        }
        assert_eq!(check_address(&url("https://shop.example/graphql"), false), Ok(()));
    }

    #[test]
    fn the_demo_calls_its_own_machine_without_encryption_and_nobody_else_so() {
        for (text, fine) in [
            ("http://127.0.0.1:4781/x", true),
            ("http://localhost:1/", true),
            ("http://[::1]:1/", true),
            ("http://shop.example/", false),
            ("http://10.0.0.1/", false),
            ("https://10.0.0.1/", false),
        ] {
            assert_eq!(check_address(&url(text), true).is_ok(), fine, "{text}");
        }
    }

    async fn answered(raw: Vec<u8>) -> Result<http::Response<Bytes>, TransportError> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a caller");
            let mut seen = vec![0_u8; 4_096];
            let n = socket.read(&mut seen).await.expect("a request");
            seen.truncate(n);
            // The caller may hang up in the middle of what it will not take.
            let _hung_up = socket.write_all(&raw).await;
            let _hung_up = socket.shutdown().await;
            String::from_utf8_lossy(&seen).into_owned()
        });
        let request =
            http::Request::get(format!("http://127.0.0.1:{port}/a?b=c")).body(Bytes::new()).expect("a request");
        let transport = HttpTransport::new(true).expect("a transport");
        let answer = transport.send(&ConnectionId::new("c"), request).await;
        let seen = server.await.expect("the server ends").to_lowercase();
        assert!(seen.starts_with("get /a?b=c http/1.1"), "{seen}");
        assert!(seen.contains("user-agent: truecount/"), "{seen}");
        answer
    }

    #[tokio::test]
    async fn an_answer_comes_back_as_it_is_and_a_redirect_is_not_followed() {
        let answer = answered(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec()).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, b"hi".as_ref()));
        let moved = b"HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
        assert_eq!(answered(moved).await.expect("an answer").status().as_u16(), 301);
    }

    /// A44: each byte comes soon enough, and the whole never: the time for the whole ends it.
    #[tokio::test]
    async fn an_answer_that_trickles_ends_at_the_time_for_the_whole() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a caller");
            let mut asked = vec![0_u8; 4_096];
            assert!(socket.read(&mut asked).await.expect("a request") > 0);
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
            let mut sent = socket.write_all(head).await;
            let mut beat = tokio::time::interval(Duration::from_millis(10));
            let mut count = 0_usize;
            while sent.is_ok() {
                beat.tick().await;
                sent = socket.write_all(b"x").await;
                count += 1;
            }
            count
        });
        let request = http::Request::get(format!("http://127.0.0.1:{port}/")).body(Bytes::new()).expect("a request");
        let transport = HttpTransport::within(true, Duration::from_millis(400)).expect("a transport");
        let ended = transport.send(&ConnectionId::new("c"), request).await;
        let Err(TransportError::NoAnswer(why)) = ended else { panic!("{ended:?}") };
        assert!(why.contains("time is up"), "{why}");
        assert!(server.await.expect("it ends when we hang up") < 1_000_000, "long before all of it");
    }

    #[tokio::test]
    async fn what_broke_off_may_have_acted_and_what_never_left_has_not() {
        let broken = answered(b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nhalf".to_vec()).await;
        assert!(matches!(broken, Err(TransportError::NoAnswer(_))), "{broken:?}");
        let silent = answered(Vec::new()).await;
        assert!(matches!(silent, Err(TransportError::NoAnswer(_))), "{silent:?}");
        let port = {
            let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            taken.local_addr().expect("an address").port()
        };
        let request = http::Request::get(format!("http://127.0.0.1:{port}/")).body(Bytes::new()).expect("a request");
        let transport = HttpTransport::new(true).expect("a transport");
        let refused = transport.send(&ConnectionId::new("c"), request).await;
        assert!(matches!(refused, Err(TransportError::NotSent(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_huge_answer_is_not_read_to_its_end() {
        let declared = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\nx", ANSWER_BYTES_MAX + 1).into_bytes();
        let refused = answered(declared).await;
        assert!(matches!(refused, Err(TransportError::TooLarge { .. })), "{refused:?}");
        let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..17 {
            endless.extend_from_slice(b"100000\r\n");
            endless.extend_from_slice(&piece);
            endless.extend_from_slice(b"\r\n");
        }
        let refused = answered(endless).await;
        assert!(matches!(refused, Err(TransportError::TooLarge { .. })), "{refused:?}");
    }

    /// A gzip body of some hundred kilobytes that unpacks to so many zero bytes and 257 more at most.
    fn bomb(bytes: usize) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        let (mut held, mut count) = (0_u8, 0);
        let mut push = |bits: &str| {
            for bit in bits.bytes() {
                held |= (bit - b'0') << count;
                count += 1;
                if count == 8 {
                    out.push(held);
                    (held, count) = (0, 0);
                }
            }
        };
        // The last block, with fixed codes: one zero, then "the last byte 258 times more" over and over.
        push("110");
        push("00110000");
        for _ in 0..bytes / 258 {
            push("11000101");
            push("00000");
        }
        push("0000000");
        push("0000000");
        out
    }

    #[tokio::test]
    async fn a_small_answer_that_unpacks_to_a_huge_one_is_stopped() {
        let packed = bomb(ANSWER_BYTES_MAX + 1024 * 1024);
        assert!(packed.len() < 150_000);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
        let refused = answered([head.into_bytes(), packed].concat()).await;
        assert!(matches!(refused, Err(TransportError::TooLarge { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_when_it_is_looked_up() {
        let request = http::Request::get("https://localhost/").body(Bytes::new()).expect("a request");
        let transport = HttpTransport::new(false).expect("a transport");
        let refused = transport.send(&ConnectionId::new("c"), request).await;
        let Err(TransportError::NotSent(reason)) = refused else { panic!("{refused:?}") };
        assert!(reason.contains("our own machine"), "{reason}");
    }
}
