//! Under a backlog that does not end: the vendors never have to refuse, nearly all of our share is used, few calls carry
//! many counts, what may be oversold goes first, and live work has its part while a catalogue is read.

use crate::shop::{Kind, databases};
use crate::stage::Stage;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use truecount::connectors::pacing::patiently;
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::ids::ConnectionId;
use truecount::domain::system::Pair;
use truecount::domain::time::Span;
use truecount::sim::{Habits, Options};
use truecount::sync::cx::Side;

/// What went over the wire.
#[derive(Default)]
struct Seen {
    calls: AtomicU64,
    /// Calls that change counts in a shop.
    counts: AtomicU64,
    /// Cost in thousandths of a drip, as R-Series says it.
    drips: AtomicI64,
    /// Rows of the calls that change counts, in the order in which they went: what was written.
    written: Mutex<Vec<i64>>,
}

struct Watched(Arc<dyn Transport>, Arc<Seen>);

#[async_trait]
impl Transport for Watched {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        self.1.calls.fetch_add(1, Ordering::SeqCst);
        let magento =
            request.method() == http::Method::POST && request.uri().path().ends_with("/inventory/source-items");
        if magento || body.contains("setStock") {
            self.1.counts.fetch_add(1, Ordering::SeqCst);
            self.1.written.lock().unwrap().extend(quantities(&body));
        }
        let answer = self.0.send(connection, request).await?;
        let cost =
            answer.headers().get("x-ls-api-request-cost").and_then(|cost| cost.to_str().ok()?.parse::<f64>().ok());
        self.1.drips.fetch_add((cost.unwrap_or(0.0) * 1_000.0).round() as i64, Ordering::SeqCst);
        Ok(answer)
    }
}

/// The numbers behind "quantity" or "physicalQuantity" in a body, in order.
fn quantities(body: &str) -> Vec<i64> {
    let digits = |text: &str| text.chars().take_while(|c| c.is_ascii_digit()).collect::<String>().parse().ok();
    ["uantity\\\":", "uantity\":", "uantity: "]
        .iter()
        .flat_map(|name| body.split(name).skip(1).filter_map(|rest| digits(rest.trim_start())))
        .collect()
}

/// A quiet live shop of so many SKUs, with all limits on.
async fn quiet(kind: &Kind, pair: &str, skus: usize) -> (Stage, Arc<Seen>, Options) {
    let plain = Options { history_percent: 0, habits: Some(Habits::PLAIN), ..Options::default() };
    let still = Options { sales_per_day: 0, orders_per_day: 0, returns_per_day: 0, ..plain };
    let options = Options { seed: 5, skus, ..still }.with_pair(Pair::parse(pair).unwrap());
    let seen = Arc::new(Seen::default());
    let watched = Arc::clone(&seen);
    let between = move |world| Arc::new(Watched(world, Arc::clone(&watched))) as Arc<dyn Transport>;
    let mut stage = Stage::behind(kind, options.clone(), Box::new(between)).await;
    stage.connect().await;
    stage.pass(Span::minutes(10)).await;
    (stage, seen, options)
}

/// Somebody who always has another question for one hour; gives calls and drips made after what was saved up is used.
async fn hungry(stage: &Stage, seen: &Seen, connection: &ConnectionId) -> (u64, i64) {
    let link = stage.engine().cx().link(connection.as_str()).unwrap();
    let ask = || async {
        let error = match &link.side {
            Side::Till(till) => till.outlets().await.err(),
            Side::Shop(shop) => shop.warehouses().await.err(),
        };
        error.map(|error| error.not_before().unwrap_or_else(|| panic!("{error}")))
    };
    let start = stage.now();
    let mut saved_up = None;
    while stage.now() < start + Span::hours(2) {
        if let Some(at) = ask().await {
            stage.clock.set(at.max(stage.now()));
            stage.world.advance_to(stage.now());
        }
        if stage.now() >= start + Span::hours(1) && saved_up.is_none() {
            saved_up = Some((seen.calls.load(Ordering::SeqCst), seen.drips.load(Ordering::SeqCst)));
        }
    }
    let (calls, drips) = saved_up.unwrap();
    (seen.calls.load(Ordering::SeqCst) - calls, seen.drips.load(Ordering::SeqCst) - drips)
}

#[tokio::test]
async fn nearly_all_of_our_share_is_used_and_no_vendor_has_to_refuse() {
    let kind = databases().into_iter().next().unwrap();
    for (pair, till) in [("centra+lightspeed-x", true), ("centra+lightspeed-r", true), ("centra+lightspeed-x", false)] {
        let (stage, seen, options) = quiet(&kind, pair, 20).await;
        let connection = if till { &options.till_connection } else { &options.web_connection };
        let (calls, drips) = hungry(&stage, &seen, connection).await;
        // The vendors' own figures for an account like this: two registers; the default plan.
        let (used, share) = match (pair, till) {
            ("centra+lightspeed-x", true) => (calls as f64, 12.0 * (300.0 * 2.0 + 50.0) * 0.8),
            ("centra+lightspeed-r", true) => (drips as f64 / 1_000.0, 3_600.0 * 1.5 * 0.8),
            _ => (calls as f64, 5_000.0 * 0.7),
        };
        let audit = stage.world.audit();
        assert_eq!((audit.throttled, audit.early_calls), (0, 0), "{pair}, till {till}");
        assert!(used >= 0.9 * share && used <= share * 1.001, "{pair}, till {till}: {used} of {share}");
    }
}

#[tokio::test]
async fn many_counts_go_in_few_calls_and_what_may_be_oversold_goes_first() {
    let kind = databases().into_iter().next().unwrap();
    for (pair, batch, skus) in [("centra+lightspeed-x", 100, 1_500), ("magento+lightspeed-x", 240, 800)] {
        let (mut stage, seen, _) = quiet(&kind, pair, skus).await;
        // A night of counting: what there was of most goes down to nothing, one, two, …, of others up.
        let (before, outlets) = (seen.counts.load(Ordering::SeqCst), stage.world.outlets());
        let mut changed = 0;
        for (n, sku) in stage.world.skus().into_iter().enumerate() {
            let shown = stage.world.shows(&sku).unwrap_or(0);
            let left = if n % 4 == 0 { shown + 3 } else { shown.min(n as i64 % 9) };
            if left == shown || stage.world.web_stock(&sku).is_none() {
                continue;
            }
            for (index, (_, outlet)) in outlets.iter().enumerate() {
                stage.world.set_till_stock(&sku, outlet, if index == 0 { left } else { 0 }).unwrap();
            }
            changed += 1;
        }
        assert!(changed > 400, "{pair}: {changed}");
        seen.written.lock().unwrap().clear();
        // The till is read before the first count goes.
        for link in stage.engine().cx().links().iter().filter(|link| link.is_shop()) {
            link.paused.store(true, Ordering::SeqCst);
        }
        stage.pass(Span::minutes(3)).await;
        for link in stage.engine().cx().links() {
            link.paused.store(false, Ordering::SeqCst);
        }
        stage.pass(Span::minutes(20)).await;
        assert_eq!(stage.world.differences(), Vec::new(), "{pair}");
        let calls = seen.counts.load(Ordering::SeqCst) - before;
        assert!(
            calls as f64 <= (f64::from(changed) / f64::from(batch)).ceil() * 1.1 + 1.0,
            "{pair}: {calls} calls for {changed} counts"
        );
        let audit = stage.world.audit();
        assert_eq!((audit.throttled, audit.early_calls, audit.unsafe_writes), (0, 0, 0), "{pair}");
        let written = seen.written.lock().unwrap().clone();
        assert_eq!(written.len(), usize::try_from(changed).unwrap(), "{pair}: each count once");
        let zeros = written.iter().filter(|units| **units == 0).count();
        assert!(
            zeros > 50 && written.iter().take(zeros).all(|units| *units == 0),
            "{pair}: what is sold out goes first"
        );
        stage.assert_sound(pair).await;
    }
}

#[tokio::test]
async fn a_catalogue_that_is_read_leaves_a_fifth_to_live_work() {
    let kind = databases().into_iter().next().unwrap();
    for (pair, till) in [("centra+lightspeed-x", true), ("magento+lightspeed-r", true), ("magento+lightspeed-x", false)]
    {
        let (stage, _, options) = quiet(&kind, pair, 20).await;
        let connection = if till { &options.till_connection } else { &options.web_connection };
        let link = stage.engine().cx().link(connection.as_str()).unwrap();
        let catalogue = patiently(async {
            for _ in 0..10_000 {
                let error = match &link.side {
                    Side::Till(till) => till.products_after(None).await.err(),
                    Side::Shop(shop) => shop.products_after(None).await.err(),
                };
                if error.is_some() {
                    return true;
                }
            }
            false
        });
        assert!(catalogue.await, "{pair}: it has to wait");
        // Some vendors count by the second as well.
        stage.clock.set(stage.now() + Span::secs(1));
        for n in 0..3 {
            let live = match &link.side {
                Side::Till(till) => till.outlets().await.map(drop),
                Side::Shop(shop) => shop.warehouses().await.map(drop),
            };
            assert!(live.is_ok(), "{pair}, {n}: {live:?}");
        }
        assert_eq!(stage.world.audit().throttled, 0, "{pair}");
    }
}
