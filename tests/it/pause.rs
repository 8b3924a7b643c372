//! A person who pauses the shop is obeyed at the next call, not at the end of a turn of several.

use crate::shop::{databases, fresh};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use truecount::clock::Clock;
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::ids::ConnectionId;
use truecount::domain::time::Span;
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::rehearsal::Rehearsal;
use truecount::sim::{Options, SimTransport};
use truecount::store::{pushes, targets};
use truecount::sync::cx::Link;
use truecount::sync::driver;
use truecount::sync::schedule::{Lane, Task};

/// Pauses the shop while it is being written to, once armed.
struct Pausing {
    inner: SimTransport,
    shop: OnceLock<Arc<Link>>,
    armed: AtomicBool,
    writes: AtomicUsize,
}

#[async_trait]
impl Transport for Pausing {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let writes = String::from_utf8_lossy(request.body()).contains("setStock");
        if writes && self.armed.load(Ordering::SeqCst) {
            self.writes.fetch_add(1, Ordering::SeqCst);
            self.shop.get().unwrap().paused.store(true, Ordering::SeqCst);
        }
        self.inner.send(connection, request).await
    }
}

#[tokio::test]
async fn a_pause_during_a_call_stops_the_next_one_and_loses_no_outcome() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let start = Options::default().start + Span::hours(9);
        let options = Options { seed: 12, start, skus: 250, sales_per_day: 6_000, ..Options::default() };
        let web = options.web_connection.clone();
        let mut rehearsal = Rehearsal::on(options, store.clone()).await.unwrap();
        let pausing = Arc::new(Pausing {
            inner: SimTransport::new(Arc::clone(&rehearsal.world), Arc::clone(&rehearsal.clock) as Arc<dyn Clock>),
            shop: OnceLock::new(),
            armed: AtomicBool::new(false),
            writes: AtomicUsize::new(0),
        });
        rehearsal.engine = Engine::open(Parts {
            store: store.clone(),
            clock: Arc::clone(&rehearsal.clock) as Arc<dyn Clock>,
            mint: Arc::new(Mint::seeded(71)),
            transport: Arc::clone(&pausing) as Arc<dyn Transport>,
            seal: rehearsal.engine.seal().clone(),
            unpaced: false,
        })
        .await
        .unwrap();
        rehearsal.connect().await.unwrap();
        rehearsal.run_until(rehearsal.clock.now() + Span::minutes(10)).await.unwrap();
        let shop = rehearsal.engine.cx().link(web.as_str()).unwrap();
        assert!(pausing.shop.set(Arc::clone(&shop)).is_ok());
        shop.paused.store(true, Ordering::SeqCst);
        rehearsal.run_until(rehearsal.clock.now() + Span::minutes(70)).await.unwrap();
        let due = async || {
            let mut tx = store.begin().await.unwrap();
            targets::due(&mut tx, web.as_str(), rehearsal.clock.now(), 400).await.unwrap().len()
        };
        let before = due().await;
        assert!(before > 110, "{kind:?}: only {before} counts wait, which is not more than one call takes");

        pausing.armed.store(true, Ordering::SeqCst);
        shop.paused.store(false, Ordering::SeqCst);
        shop.schedule.wake(Task::Push, rehearsal.clock.now());
        while driver::step(rehearsal.engine.cx(), &shop, Lane::Write).await {}
        assert_eq!(pausing.writes.load(Ordering::SeqCst), 1, "{kind:?}");
        assert_eq!(pushes::under_way(&store, web.as_str()).await.unwrap(), 0, "{kind:?}: its outcome is written down");
        let left = due().await;
        assert!(left > 0 && left + 100 >= before, "{kind:?}: {before} waited, {left} wait still");
    }
}
