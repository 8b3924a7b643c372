//! Listening, and stopping without dropping anything.
//!
//! The accept loop is our own because a client that never finishes its headers must be let go: ten seconds for
//! them, ten for the TLS handshake, a limit on connections. On the first signal no new connection is taken and the
//! open ones may finish for twenty seconds; the second signal ends at once.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use truecount::config::TlsFiles;

/// Limits of the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time in which the headers of a request have to arrive.
    pub headers: Duration,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time that open connections get when we stop.
    pub drain: Duration,
    /// Connections at the same time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            drain: Duration::from_secs(20),
            connections: 1_024,
        }
    }
}

/// Why TLS cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{name} {path} cannot be read as PEM")]
    File {
        /// Which setting names it.
        name: &'static str,
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not fit.
    #[error("TLS_CERT_FILE and TLS_KEY_FILE do not fit together")]
    Pair(#[source] rustls::Error),
}

/// Reads certificate and key.
pub fn tls(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let failed = |name, path: &Path, source| TlsError::File { name, path: path.display().to_string(), source };
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(|certs| certs.collect::<Result<Vec<_>, _>>())
        .map_err(|source| failed("TLS_CERT_FILE", &files.cert, source))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| failed("TLS_KEY_FILE", &files.key, source))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
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
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
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
        let _ = stream.set_nodelay(true);
        let (router, tls, watcher) = (router.clone(), tls.clone(), graceful.watcher());
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

async fn http1<I>(stream: I, router: Router, peer: SocketAddr, limits: Limits, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.headers).max_buf_size(64 * 1024);
    let connection = builder.serve_connection(TokioIo::new(stream), service_fn(move |r| answer(&router, peer, r)));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
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
    let connection = builder.serve_connection(TokioIo::new(stream), service_fn(move |r| answer(&router, peer, r)));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn answer(
    router: &Router,
    peer: SocketAddr,
    mut request: hyper::Request<Incoming>,
) -> impl Future<Output = Result<axum::response::Response, Infallible>> + use<> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.clone().oneshot(request.map(Body::new))
}

/// The signals that ask us to stop: Ctrl-C and, where there is one, SIGTERM. Each call waits for the next.
pub struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Begins to listen; a signal from now on is not lost.
    pub fn listen() -> Self {
        Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok(),
        }
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(terminate) = &mut self.terminate {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}
