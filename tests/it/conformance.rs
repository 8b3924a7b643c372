//! What we ask of a vendor, and what its simulated counterpart answers, held against the vendor's own description.

use crate::shop::{Kind, fresh};
use crate::spec::Spec;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use truecount::connectors::transport::{Transport, TransportError};
use truecount::domain::ids::ConnectionId;
use truecount::domain::system::Pair;
use truecount::domain::time::Span;
use truecount::rehearsal::Rehearsal;
use truecount::sim::{Options, SimTransport};

/// Holds every call of one connection against a description, and passes it on.
struct Judge {
    through: SimTransport,
    of: ConnectionId,
    spec: Arc<Mutex<Spec>>,
}

#[async_trait]
impl Transport for Judge {
    async fn send(
        &self,
        connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let asked = request.clone();
        let response = self.through.send(connection, request).await?;
        if *connection == self.of {
            self.spec.lock().unwrap().judge(&asked, &response);
        }
        Ok(response)
    }
}

#[tokio::test]
async fn what_is_asked_of_x_series_and_what_its_likeness_answers_is_as_the_vendor_describes_it() {
    let Some(spec) = Spec::open("lightspeed-x/api-2026-07-transcribed.json", "/api/2026-07") else { return };
    let spec = Arc::new(Mutex::new(spec));
    let options = Options { skus: 60, sales_per_day: 300, returns_per_day: 40, dirt_percent: 20, ..Options::default() };
    let (of, kept) = (options.till_connection.clone(), Arc::clone(&spec));
    let (store, _dir) = fresh(&Kind::Sqlite).await;
    let addresses = ["https://till.invalid", "https://shop.invalid"];
    let between = |through| Arc::new(Judge { through, of, spec: kept }) as Arc<dyn Transport>;
    let mut house = Rehearsal::through(options, store, addresses, between).await.unwrap();
    house.connect().await.unwrap();
    house.run_until(house.engine.clock().now() + Span::hours(14)).await.unwrap();

    let spec = spec.lock().unwrap();
    assert!(spec.judged.values().sum::<usize>() > 500, "{:?}", spec.judged);
    let open: Vec<_> = spec.complaints.iter().map(|(what, times)| format!("{times} × {what}")).collect();
    assert!(spec.unknown.is_empty(), "calls to what is not described: {:?}", spec.unknown);
    assert!(open.is_empty(), "{} kinds:\n{}", open.len(), open.join("\n"));
}

/// Where a running Magento answers otherwise than its own description says, each with what was seen of it.
const DRIFT_OF_MAGENTO: &[(&str, &str)] = &[
    ("answered with /items/*/payment/", "a payment without an account status has null there, and in its list of words"),
    ("answered with /items/*/custom_attributes/*/value", "an attribute of several choices has a list there"),
    ("POST /V1/inventory/source-items: answered 200", "nothing but errors is described of a write"),
];

#[tokio::test]
async fn what_is_asked_of_magento_and_what_its_likeness_answers_is_as_the_vendor_describes_it() {
    let Some(spec) = Spec::open("magento/admin-schema-2.4.7-reduced.json", "/rest") else { return };
    let spec = Arc::new(Mutex::new(spec));
    let pair = Pair::parse("magento+lightspeed-x").unwrap();
    let options = Options { skus: 40, sales_per_day: 200, orders_per_day: 60, ..Options::default() }.with_pair(pair);
    let (of, kept) = (options.web_connection.clone(), Arc::clone(&spec));
    let (store, _dir) = fresh(&Kind::Sqlite).await;
    let addresses = ["https://till.invalid", "https://shop.invalid"];
    let between = |through| Arc::new(Judge { through, of, spec: kept }) as Arc<dyn Transport>;
    let mut house = Rehearsal::through(options, store, addresses, between).await.unwrap();
    house.connect().await.unwrap();
    house.run_until(house.engine.clock().now() + Span::hours(11)).await.unwrap();
    assert_eq!(house.world.out_of_step(), Vec::<String>::new(), "the shop and its likeness are one");

    let spec = spec.lock().unwrap();
    let drifts = |what: &str| DRIFT_OF_MAGENTO.iter().any(|(known, _)| what.contains(known));
    let open: Vec<_> = spec.complaints.iter().filter(|(what, _)| !drifts(what)).collect();
    assert!(spec.unknown.is_empty(), "calls to what is not described: {:?}", spec.unknown);
    assert!(open.is_empty(), "{open:?} of {:?}", spec.judged);
    for (known, why) in DRIFT_OF_MAGENTO {
        assert!(spec.complaints.keys().any(|what| what.contains(known)), "no longer so: {known} ({why})");
    }
}
