//! Listening, and stopping without dropping anything.
//!
//! The accept loop is our own because a client that stands still must be let go: ten seconds for the handshake, ten
//! for the first request, thirty for an answer that is not read any further, sixty with nothing asked, and a limit on
//! connections, for all and for one address. On the first signal no new connection is taken and the open ones may
//! finish for twenty seconds; the second signal ends at once.

use super::places::Places;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use truecount::config::Network;

/// Most connections at the same time; a silent one takes some kilobytes.
const MOST_CONNECTIONS: usize = 4_096;
/// Of these, what one address may hold, and never more than a quarter of what there is. An office behind one address,
/// with a few windows open at every desk, needs less.
const MOST_OF_ONE: usize = 256;
/// How often it is logged that connections beyond such a share were closed.
const MINUTE: Duration = Duration::from_secs(60);
/// Open files that are not connections of people: database, vendors, the program's own.
#[cfg(unix)]
const OTHER_FILES: u64 = 256;

/// Limits of the accept loop.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time in which the headers of a request have to arrive, and the first request of a connection to begin.
    pub headers: Duration,
    /// Time in which a client that has an answer to read has to read some of it.
    pub write: Duration,
    /// Time that a connection may stay open with nothing asked and nothing to answer.
    pub idle: Duration,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time that open connections get when we stop.
    pub drain: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Of these, connections of one address; in IPv6 all that share their first 64 bits are one.
    pub of_one: usize,
    /// The proxies: each speaks for everybody, so none has a share.
    pub proxies: Arc<[Network]>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            handshake: Duration::from_secs(10),
            drain: Duration::from_secs(20),
            connections: 1_024,
            of_one: MOST_OF_ONE,
            proxies: Arc::from([]),
        }
    }
}

impl Limits {
    /// As many connections as the open files of this process allow, up to our own limit. The soft limit on open files
    /// is raised as far as that needs and the hard one lets us.
    pub fn of_this_process(proxies: &[Network]) -> Self {
        let connections = places();
        let of_one = MOST_OF_ONE.min(connections / 4).max(1);
        Self { connections, of_one, proxies: Arc::from(proxies), ..Self::default() }
    }
}

#[cfg(unix)]
fn places() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let wanted = MOST_CONNECTIONS as u64 + OTHER_FILES;
    let mut limit = getrlimit(Resource::Nofile);
    let reachable = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    if limit.current.is_some_and(|soft| soft < reachable) {
        let before = limit.current.replace(reachable);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit on open files could not be raised");
            limit.current = before;
        }
    }
    let files = limit.current.unwrap_or(wanted);
    // With very few files half of them are for connections.
    usize::try_from(files.saturating_sub(OTHER_FILES).max(files / 2)).unwrap_or(usize::MAX).min(MOST_CONNECTIONS)
}

#[cfg(not(unix))]
fn places() -> usize {
    MOST_CONNECTIONS
}

/// Serves until `stop` resolves, then drains until done, until the time is up, or until `leave` resolves.
/// `before_drain` is called in between, to end what would otherwise never end by itself.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    stop: impl Future<Output = ()>,
    before_drain: impl FnOnce(),
    leave: impl Future<Output = ()>,
) {
    let places = Places::new(limits.connections, limits.of_one, Arc::clone(&limits.proxies));
    let mut minutes = tokio::time::interval(MINUTE);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = places.free().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => break,
            _ = minutes.tick() => {
                tell_closed(places.closed());
                continue;
            }
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely: taking a breath is better than turning in circles.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Beyond its share: closed by being dropped.
        let Some(place) = place.and_then(|place| places.take(place, peer.ip())) else { continue };
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write));
        let stream = Box::pin(stream);
        let (router, tls, watcher, limits) = (router.clone(), tls.clone(), graceful.watcher(), limits.clone());
        tokio::spawn(async move {
            let _place = place;
            match tls {
                None => http1(stream, router, peer, limits, watcher).await,
                Some(tls) => {
                    let Ok(Ok(stream)) = tokio::time::timeout(limits.handshake, tls.accept(stream)).await else {
                        tracing::debug!(client.address = %peer.ip(), "a TLS handshake did not finish");
                        return;
                    };
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        http2(stream, router, peer, limits, watcher).await;
                    } else {
                        http1(stream, router, peer, limits, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    before_drain();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits.drain) => tracing::warn!("connections were still open after the time to drain"),
        () = leave => tracing::warn!("a second signal: leaving at once"),
    }
}

/// One line for all of a minute: strangers could fill the log.
fn tell_closed(connections: u64) {
    if connections > 0 {
        tracing::warn!(connections, "connections beyond the share of one address were closed");
    }
}

async fn http1<I>(stream: I, router: Router, peer: SocketAddr, limits: Limits, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.headers).max_buf_size(64 * 1024);
    let asked = Arc::new(AtomicBool::new(false));
    let asking = Arc::clone(&asked);
    let service = service_fn(move |request| answer(&router, peer, &asking, request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    while_asked(watcher.watch(connection), &asked, limits).await;
}

async fn http2<I>(stream: I, router: Router, peer: SocketAddr, limits: Limits, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(64 * 1024)
        .keep_alive_interval(limits.headers)
        .keep_alive_timeout(limits.headers);
    let asked = Arc::new(AtomicBool::new(false));
    let asking = Arc::clone(&asked);
    let service = service_fn(move |request| answer(&router, peer, &asking, request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    while_asked(watcher.watch(connection), &asked, limits).await;
}

/// Drives a connection until it ends, or until nothing was asked on it for too long and nothing is being answered.
async fn while_asked(connection: impl Future<Output = hyper::Result<()>>, asked: &Arc<AtomicBool>, limits: Limits) {
    // Whoever is being answered holds one more.
    let at_rest = Arc::strong_count(asked);
    let mut connection = std::pin::pin!(connection);
    let mut patience = limits.headers;
    loop {
        match tokio::time::timeout(patience, &mut connection).await {
            Ok(ended) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            Err(_) if !asked.swap(false, Ordering::Relaxed) && Arc::strong_count(asked) <= at_rest => {
                tracing::debug!("a connection on which nothing was asked was closed");
                return;
            }
            Err(_) => patience = limits.idle,
        }
    }
}

fn answer(
    router: &Router,
    peer: SocketAddr,
    asked: &Arc<AtomicBool>,
    mut request: hyper::Request<Incoming>,
) -> impl Future<Output = Result<axum::response::Response, Infallible>> + use<> {
    asked.store(true, Ordering::Relaxed);
    let held = Arc::clone(asked);
    request.extensions_mut().insert(ConnectInfo(peer));
    let answered = router.clone().oneshot(request.map(Body::new));
    async move { Ok(answered.await?.map(|body| Body::new(Answering { body, _held: held }))) }
}

/// The body of an answer, which lets its connection be at rest only when it is through.
struct Answering {
    body: Body,
    _held: Arc<AtomicBool>,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// The signals that ask us to stop: Ctrl-C and, where there is one, SIGTERM. Each call waits for the next.
pub struct Signals {
    #[cfg(unix)]
    heard: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Begins to listen; a signal from now on is not lost.
    pub fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
            Self { heard: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|cx| {
            let mut came = self.heard.iter_mut().map(|signal| signal.poll_recv(cx).is_ready());
            if came.any(|came| came) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        #[cfg(not(unix))]
        drop(tokio::signal::ctrl_c().await);
    }
}
