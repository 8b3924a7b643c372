//! The way of one sale, and of what follows it, on both databases.

use crate::shop::{Shop, databases};
use truecount::domain::time::Span;

#[tokio::test]
async fn a_sale_at_the_till_lowers_the_web() {
    for kind in databases() {
        let mut shop = Shop::open(&kind).await;
        let sku = shop.sku(5);
        let before = shop.world().shows(&sku).unwrap();
        let outlets = shop.world().outlets();
        assert!(outlets.iter().any(|(id, _)| shop.world().sell(&sku, id, 1).is_ok()), "some outlet has one to sell");
        shop.pass(Span::secs(10)).await;
        assert_eq!(shop.world().shows(&sku).unwrap(), before - 1, "{kind:?}");
        shop.pass(Span::minutes(5)).await;
        shop.assert_sound().await;
    }
}

#[tokio::test]
async fn a_return_without_a_link_is_never_sellable() {
    for kind in databases() {
        let mut shop = Shop::open(&kind).await;
        let sku = shop.sku(5);
        let before = shop.world().shows(&sku).unwrap();
        let outlet = shop.world().outlets()[0].1.clone();
        shop.world().return_unlinked(&sku, &outlet, 1).unwrap();
        for _ in 0..20 {
            shop.pass(Span::secs(15)).await;
            assert!(shop.world().shows(&sku).unwrap() <= before, "{kind:?}");
        }
        shop.assert_sound().await;
    }
}

#[tokio::test]
async fn a_web_order_is_held_back_and_never_given_back_to_sale() {
    for kind in databases() {
        let mut shop = Shop::open(&kind).await;
        let sku = shop.sku(6);
        let before = shop.world().shows(&sku).unwrap();
        let order = shop.world().place_web_order(&[(&sku, 2)]).unwrap();
        shop.pass(Span::minutes(3)).await;
        assert_eq!(shop.world().shows(&sku).unwrap(), before - 2);
        shop.world().ship(order).unwrap();
        shop.pass(Span::minutes(3)).await;
        assert_eq!(shop.world().shows(&sku).unwrap(), before - 2, "shipped, and the till still has them");
        shop.assert_sound().await;
    }
}

#[tokio::test]
async fn what_somebody_changed_in_the_shop_itself_is_seen_by_the_full_look_and_set_right() {
    for kind in databases() {
        let mut shop = Shop::open(&kind).await;
        shop.pass(Span::minutes(5)).await;
        let sku = shop.sku(3);
        let should = shop.world().should_show(&sku).unwrap();
        shop.world().set_web_stock(&sku, should + 7).unwrap();
        assert_eq!(shop.world().shows(&sku), Some(should + 7), "{kind:?}");
        shop.pass(Span::minutes(35)).await;
        assert_eq!(shop.world().shows(&sku), Some(should), "{kind:?}");
        shop.assert_sound().await;
    }
}
