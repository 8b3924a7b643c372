//! Counts that were written by themselves are sealed in the log of activity, each once.

use crate::shop::databases;
use crate::stage::Stage;
use truecount::domain::time::Span;
use truecount::store::activity;

async fn seals(stage: &Stage) -> usize {
    activity::of_action(stage.engine().store(), "counts written", 1_000).await.unwrap().len()
}

#[tokio::test]
async fn each_write_is_sealed_once_and_no_seal_is_made_of_nothing() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (sku, outlet) = stage.sku(6, &[]);
        stage.pass(Span::minutes(10)).await;
        let before = seals(&stage).await;
        assert!(before > 0, "{kind:?}: finding the SKU moved it");
        stage.pass(Span::minutes(10)).await;
        assert_eq!(seals(&stage).await, before, "{kind:?}: nothing was written");

        stage.world.sell(&sku, &outlet, 1).unwrap();
        stage.pass(Span::minutes(5)).await;
        assert_eq!(seals(&stage).await, before + 1, "{kind:?}: the sale was carried over");
        let store = stage.engine().store();
        assert!(!activity::unsealed(stage.now() - Span::minutes(2)).ask(store).await.unwrap(), "{kind:?}");
        assert_eq!(activity::first_break(store).await.unwrap(), None, "{kind:?}");
    }
}
