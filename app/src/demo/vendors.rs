//! The simulated vendors as HTTP servers on loopback, and the trade that goes on by the wall clock.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use truecount::clock::Clock;
use truecount::connectors::http_transport::HttpTransport;
use truecount::connectors::transport::Transport as _;
use truecount::sim::{Delivery, Vendor, World};

/// Largest request a simulated vendor takes.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How often the world looks at the clock.
const BEAT: Duration = Duration::from_millis(50);

/// Two sockets, one per vendor.
pub(super) struct Listeners {
    till: TcpListener,
    shop: TcpListener,
    addresses: [String; 2],
}

impl Listeners {
    /// Takes two free ports on loopback.
    pub async fn bind() -> anyhow::Result<Self> {
        let till = TcpListener::bind(("127.0.0.1", 0)).await?;
        let shop = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addresses = [format!("http://{}", till.local_addr()?), format!("http://{}", shop.local_addr()?)];
        Ok(Self { till, shop, addresses })
    }

    /// Where the till and the shop are, in that order.
    pub fn addresses(&self) -> [&str; 2] {
        let [till, shop] = &self.addresses;
        [till, shop]
    }

    /// Serves both until `stop` turns true.
    pub fn serve(
        self,
        world: Arc<World>,
        clock: Arc<dyn Clock>,
        vendors: [Vendor; 2],
        tasks: &mut JoinSet<()>,
        stop: watch::Receiver<bool>,
    ) {
        for (listener, vendor) in [self.till, self.shop].into_iter().zip(vendors) {
            tasks.spawn(accept(listener, vendor, Arc::clone(&world), Arc::clone(&clock), stop.clone()));
        }
    }
}

/// Ends when `stop` turns true, or when whoever would turn it is gone.
pub(super) async fn until_stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(
    listener: TcpListener,
    vendor: Vendor,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = until_stopped(&mut stop) => return,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a simulated vendor could not take a connection");
                tokio::time::sleep(BEAT).await;
                continue;
            }
        };
        let (world, clock) = (Arc::clone(&world), Arc::clone(&clock));
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(vendor, Arc::clone(&world), Arc::clone(&clock), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    vendor: Vendor,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
        let mut refused = http::Response::new(Full::default());
        *refused.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(refused);
    };
    let request = http::Request::from_parts(parts, body.to_bytes());
    Ok(world.answer(vendor, &request, clock.now()).map(Full::new))
}

/// Lets the world trade by the clock and posts its notices to us, until `stop` turns true.
pub(super) async fn trade(
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    transport: HttpTransport,
    address: String,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let now = clock.now();
        world.advance_to(now);
        for delivery in world.due_deliveries(now) {
            let (world, clock, transport, address) =
                (Arc::clone(&world), Arc::clone(&clock), transport.clone(), address.clone());
            tokio::spawn(async move {
                let id = delivery.id;
                let status = post(&transport, &address, delivery).await;
                world.delivered(id, status, clock.now());
            });
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = until_stopped(&mut stop) => return,
        }
    }
}

async fn post(transport: &HttpTransport, address: &str, delivery: Delivery) -> u16 {
    let uri = format!("{address}/hooks/{}", delivery.connection);
    let mut request = http::Request::new(delivery.body);
    *request.method_mut() = http::Method::POST;
    match uri.parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return 0,
    }
    *request.headers_mut() = delivery.headers;
    transport.send(&delivery.connection, request).await.map_or(0, |answer| answer.status().as_u16())
}
