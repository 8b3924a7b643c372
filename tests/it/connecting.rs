//! The first days of a connection: what a shop and a till tell of the time before us, and when a place may go live.

use crate::shop::{Kind, databases};
use crate::stage::Stage;
use std::collections::BTreeMap;
use truecount::domain::time::Span;
use truecount::rehearsal::map_outlets;
use truecount::sim::options::Options;
use truecount::store::{connections, views};

/// What waits for web orders, by SKU, at the place that outlets feed.
async fn waiting(stage: &Stage) -> BTreeMap<String, i64> {
    let store = stage.engine().store();
    let outlets = connections::outlets(store).await.unwrap();
    let place = outlets.iter().find(|outlet| !outlet.place.is_empty()).unwrap().place.clone();
    let rows = views::of_place(store, &place, 1_000).await.unwrap();
    assert!(!rows.is_empty());
    rows.into_iter().filter(|row| row.waiting != 0).map(|row| (row.sku, row.waiting)).collect()
}

/// A shop with a past: (stage, a SKU that left long ago, one that left when the till was read, one that is open).
async fn with_a_past(kind: &Kind) -> (Stage, [String; 3], i64) {
    let stage = Stage::open(kind, Options::still(7, 24)).await;
    let sold: Vec<String> =
        stage.world.skus().into_iter().filter(|sku| stage.world.shows(sku).unwrap_or(0) >= 4).take(3).collect();
    let [gone, leaves, open]: [String; 3] = sold.try_into().unwrap();
    let left = stage.world.place_web_order(&[(&gone, 2)]).unwrap();
    let waits = stage.world.place_web_order(&[(&leaves, 3)]).unwrap();
    stage.world.place_web_order(&[(&open, 1)]).unwrap();
    stage.wait(Span::minutes(1));
    stage.world.ship(left).unwrap();
    stage.wait(Span::minutes(30));
    (stage, [gone, leaves, open], waits)
}

#[tokio::test]
async fn what_had_left_before_the_till_was_first_read_is_not_subtracted_from_its_count() {
    for kind in databases() {
        let (mut stage, [_, leaves, open], waits) = with_a_past(&kind).await;
        stage.pass(Span::minutes(15)).await;
        stage.world.ship(waits).unwrap();
        stage.pass(Span::minutes(5)).await;
        map_outlets(stage.engine(), &stage.world.web_warehouse().to_string()).await.unwrap();
        stage.pass(Span::minutes(5)).await;
        let want = BTreeMap::from([(leaves, 3), (open, 1)]);
        assert_eq!(waiting(&stage).await, want, "{kind:?}: it left after the till was read, or has not left");
        stage.crash().await;
        stage.pass(Span::minutes(5)).await;
        assert_eq!(waiting(&stage).await, want, "{kind:?}: judged again, and the same");
        let store = stage.engine().store();
        let till = stage.engine().cx().links().into_iter().find(|link| !link.is_shop()).unwrap();
        let as_of = truecount::store::feeds::get(store, &till.id, "stock").await.unwrap().as_of;
        assert_eq!(truecount::store::ledger::unsound(store, &till.id, as_of).await.unwrap(), Vec::new(), "{kind:?}");
    }
}
