//! A fault of ours that panics ends no loop: the task is tried again later and later, and is a problem if it goes on.

use crate::desk::{Desk, TILL};
use crate::shop::{databases, fresh};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use truecount::clock::{Clock, SystemClock};
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::ids::ConnectionId;
use truecount::domain::time::Span;
use truecount::engine::{Engine, Parts};
use truecount::mint::Mint;
use truecount::rehearsal::Rehearsal;
use truecount::sim::{Options, SimTransport};
use truecount::store::{feeds, problems};
use truecount::sync::driver::{self, HouseWork};
use truecount::sync::schedule::Lane;

/// Panics whenever the till is asked for its sales, while armed.
struct Stumbling {
    inner: SimTransport,
    armed: AtomicBool,
    panics: AtomicUsize,
}

#[async_trait]
impl Transport for Stumbling {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        if self.armed.load(Ordering::SeqCst) && request.uri().path().ends_with("/sales") {
            self.panics.fetch_add(1, Ordering::SeqCst);
            panic!("a fault of ours");
        }
        self.inner.send(connection, request).await
    }
}

/// Lets time pass as the running program does, with a net under every task.
async fn pass(rehearsal: &Rehearsal, house: &mut HouseWork, span: Span) {
    let (cx, clock, world) = (rehearsal.engine.cx(), &rehearsal.clock, &rehearsal.world);
    let end = clock.now() + span;
    loop {
        for link in cx.links() {
            for lane in Lane::ALL {
                while driver::step_in_a_net(cx, &link, lane).await {}
            }
        }
        if house.next() <= clock.now() || cx.look_again.is_asked() {
            house.step(cx).await;
            continue;
        }
        if clock.now() == end {
            return;
        }
        let due = rehearsal.engine.next_due(house);
        let next = world.next_event_at().map_or(due, |at| at.min(due)).clamp(clock.now() + Span(1), end);
        clock.set(next);
        world.advance_to(next);
    }
}

#[tokio::test]
async fn a_task_that_panics_is_tried_again_and_is_a_problem_if_it_goes_on() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let options = Options::still(7, 24);
        let till = options.till_connection.clone();
        let mut rehearsal = Rehearsal::on(options, store.clone()).await.unwrap();
        let stumbling = Arc::new(Stumbling {
            inner: SimTransport::new(Arc::clone(&rehearsal.world), Arc::clone(&rehearsal.clock) as Arc<dyn Clock>),
            armed: AtomicBool::new(false),
            panics: AtomicUsize::new(0),
        });
        rehearsal.engine = Engine::open(Parts {
            store: store.clone(),
            clock: Arc::clone(&rehearsal.clock) as Arc<dyn Clock>,
            mint: Arc::new(Mint::seeded(71)),
            transport: Arc::clone(&stumbling) as Arc<dyn Transport>,
            seal: rehearsal.engine.seal().clone(),
            unpaced: false,
        })
        .await
        .unwrap();
        rehearsal.connect().await.unwrap();
        let mut house = HouseWork::in_a_net();
        let read = async |feed: &str| feeds::get(&store, till.as_str(), feed).await.unwrap().read_up_to;
        let ours = async || {
            let mut open = problems::open(&store, 200).await.unwrap();
            open.retain(|problem| problem.kind == "ours fails");
            open
        };

        stumbling.armed.store(true, Ordering::SeqCst);
        let armed = rehearsal.clock.now();
        pass(&rehearsal, &mut house, Span::secs(90)).await;
        assert!(stumbling.panics.load(Ordering::SeqCst) > 1, "it is tried again");
        assert!(read("sales").await < armed + Span::secs(1), "{kind:?}");
        assert!(read("stock").await > armed + Span::secs(30), "{kind:?}: the others of its lane go on");
        assert_eq!(ours().await.len(), 0, "{kind:?}: what mends itself soon bothers nobody");

        pass(&rehearsal, &mut house, Span::minutes(9)).await;
        let open = ours().await;
        assert_eq!(open.len(), 1, "{kind:?}");
        assert!(open[0].title.ends_with(" we cannot keep sales"), "{}", open[0].title);
        let panics = stumbling.panics.load(Ordering::SeqCst);
        assert!(panics < 15, "{kind:?}: later and later, but {panics} times in ten minutes");

        stumbling.armed.store(false, Ordering::SeqCst);
        let mended = rehearsal.clock.now();
        pass(&rehearsal, &mut house, Span::minutes(7)).await;
        assert!(read("sales").await > mended, "{kind:?}");
        assert_eq!(ours().await.len(), 0, "{kind:?}: it works again");
    }
}

/// Panics at the first request to the till and tells of the second.
#[derive(Default)]
struct Once {
    calls: AtomicUsize,
    second: Notify,
}

#[async_trait]
impl Transport for Once {
    async fn send(
        &self,
        connection: &ConnectionId,
        _request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        if connection.as_str() == TILL {
            match self.calls.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("a fault of ours"),
                _ => self.second.notify_one(),
            }
        }
        Err(TransportError::NotSent("nobody is there".into()))
    }
}

#[tokio::test]
async fn a_lane_outlives_a_task_that_panics() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let once = Arc::new(Once::default());
        let engine = Engine::open(Parts {
            store: desk.store.clone(),
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
            mint: Arc::new(Mint::seeded(71)),
            transport: Arc::clone(&once) as Arc<dyn Transport>,
            seal: desk.engine.seal().clone(),
            unpaced: true,
        })
        .await
        .unwrap();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(async move { engine.run(stopped).await });
        let again = tokio::time::timeout(Duration::from_secs(40), once.second.notified()).await;
        assert!(again.is_ok(), "{kind:?}: the till is never called again");
        stop.send_replace(true);
        running.await.unwrap();
    }
}
