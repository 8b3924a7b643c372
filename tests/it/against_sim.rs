//! The connectors against the simulated vendors, which were written from the same papers by somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use truecount::clock::{Clock, ManualClock};
use truecount::connectors::centra::{Centra, CentraConfig};
use truecount::connectors::error::CallError;
use truecount::connectors::lightspeed_x::{LightspeedX, LightspeedXConfig};
use truecount::connectors::{Answer, Page, Record, Shop, StockWrite, Till, WriteOutcome};
use truecount::domain::fact::{Fact, SaleState};
use truecount::domain::ids::{OutletKey, ProductKey};
use truecount::domain::time::Span;
use truecount::sim::{Options, SimTransport, World};

struct Both {
    world: Arc<World>,
    clock: Arc<ManualClock>,
    till: LightspeedX,
    shop: Centra,
}

fn both(options: Options) -> Both {
    let clock = Arc::new(ManualClock::at(options.start));
    let world = Arc::new(World::open(options.clone()));
    let transport = Arc::new(SimTransport::new(world.clone(), clock.clone()));
    let till = LightspeedXConfig {
        connection: options.till_connection.clone(),
        base_url: "https://till.example".to_owned(),
        token: options.till_token.clone().into(),
        webhook_secrets: vec![options.till_secret.clone().into()],
        unsigned_ok: false,
        unpaced: false,
    };
    let shop = CentraConfig {
        connection: options.web_connection.clone(),
        base_url: "https://shop.example".to_owned(),
        token: options.web_token.clone().into(),
        webhook_secrets: vec![options.web_secret.clone().into()],
        store_currency: "GBP".to_owned(),
        unpaced: false,
    };
    Both {
        till: LightspeedX::new(till, transport.clone(), clock.clone()),
        shop: Centra::new(shop, transport, clock.clone()),
        world,
        clock,
    }
}

impl Both {
    /// Asks again at the moment named, as often as told to wait.
    async fn patiently<T, F: Future<Output = Result<Answer<T>, CallError>>>(&self, mut ask: impl FnMut() -> F) -> T {
        for _ in 0..100 {
            match ask().await {
                Ok(answer) => return answer.value,
                Err(error) => self.clock.set(error.not_before().unwrap_or_else(|| panic!("{error}"))),
            }
        }
        panic!("told to wait a hundred times");
    }
}

/// Reads a feed to its end; gives the newest state of every record and where to resume.
async fn sweep<F: Future<Output = Page<Record>>>(
    mut read: impl FnMut(Option<String>) -> F,
) -> (BTreeMap<String, Record>, String) {
    let (mut cursor, mut newest) = (None, BTreeMap::<String, Record>::new());
    loop {
        let page = read(cursor).await;
        for record in page.rows {
            assert!(record.facts.is_ok(), "{record:?}");
            match newest.get(&record.external_id) {
                Some(known) if known.version > record.version => {}
                _ => {
                    newest.insert(record.external_id.clone(), record);
                }
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (newest, page.resume.expect("a place to resume")),
        }
    }
}

#[tokio::test]
async fn a_trading_day_is_read_whole_and_the_vendors_never_have_to_refuse() {
    let b = both(Options { skus: 300, ..Options::default() });
    let start = b.clock.now();
    let places = b.patiently(|| b.till.outlets()).await;
    assert_eq!(places.len(), 2);
    assert!(places.iter().all(|place| place.registers == 1 && place.zone.as_deref() == Some("Europe/London")));
    let warehouse = OutletKey::new(b.world.web_warehouse());
    assert!(b.patiently(|| b.shop.warehouses()).await.iter().any(|place| place.key == warehouse));

    b.clock.set(start + Span::hours(22));
    let till = &b.till;
    let (products, _) = sweep(|c| {
        let b = &b;
        async move { b.patiently(|| till.products_after(c.as_deref())).await }
    })
    .await;
    assert_eq!(products.len(), 300);
    let (sales, resume) = sweep(|c| {
        let b = &b;
        async move { b.patiently(|| till.sales_after(c.as_deref())).await }
    })
    .await;
    assert!(sales.len() > 500, "{}", sales.len());
    assert!(resume.parse::<i64>().is_ok());
    for record in sales.values().take(5) {
        let one = b.patiently(|| b.till.sale(&record.external_id)).await.expect("the same sale");
        assert_eq!((one.version, &one.facts), (record.version, &record.facts));
    }
    let (counts, _) = sweep(|c| {
        let b = &b;
        async move { b.patiently(|| till.stock_after(c.as_deref())).await }
    })
    .await;
    let mut on_hand: BTreeMap<String, i64> = BTreeMap::new();
    for record in counts.values() {
        let Ok([Fact::TillReading(reading)]) = record.facts.as_deref() else { panic!("{record:?}") };
        *on_hand.entry(reading.product.as_str().to_owned()).or_default() += reading.on_hand_milli;
    }

    let shop = &b.shop;
    let (styles, _) = sweep(|c| {
        let b = &b;
        async move { b.patiently(|| shop.products_after(c.as_deref())).await }
    })
    .await;
    let mut listings = BTreeMap::new();
    for record in styles.values() {
        for fact in b.shop.interpret(record.kind, &record.raw).expect("listings") {
            let Fact::Listing(listing) = fact else { panic!("{fact:?}") };
            listings.insert(listing.product.as_str().to_owned(), listing);
        }
    }
    assert_eq!(listings.len(), 300);
    let (orders, _) = sweep(|c| {
        let b = &b;
        async move { b.patiently(|| shop.orders_after(c.as_deref())).await }
    })
    .await;
    assert!(orders.len() > 50, "{}", orders.len());
    for record in orders.values().take(3) {
        let Ok([Fact::Order(order)]) = record.facts.as_deref() else { panic!("{record:?}") };
        assert!(b.patiently(|| b.shop.order(&order.number)).await.is_some());
    }
    let (mut cursor, mut readings) = (None, BTreeMap::new());
    loop {
        let page = b.patiently(|| b.shop.stock(&warehouse, cursor.as_deref())).await;
        readings.extend(page.rows.into_iter().map(|r| (r.product.as_str().to_owned(), r)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    b.world.stop_trade();
    for sku in b.world.skus() {
        let (product, size) = b.world.keys(&sku).expect("keys");
        assert_eq!(listings[&size.to_string()].sku, sku);
        if let Some(held) = b.world.till_on_hand(&sku) {
            assert_eq!(on_hand.get(&product).copied().unwrap_or(0), held * 1_000, "{sku}");
        }
        let reading = &readings[&size.to_string()];
        assert_eq!(b.world.web_stock(&sku), Some((reading.physical, reading.allocated)), "{sku}");
        assert_eq!(b.world.shows(&sku), Some(reading.sellable), "{sku}");
    }
    let audit = b.world.audit();
    assert_eq!((audit.throttled, audit.early_calls), (0, 0), "{:?}", audit.throttled);
}

#[tokio::test]
async fn counts_are_written_and_read_back() {
    let b = both(Options::still(7, 150));
    let warehouse = OutletKey::new(b.world.web_warehouse());
    b.patiently(|| b.shop.warehouses()).await;
    let rows: Vec<StockWrite> = b
        .world
        .skus()
        .iter()
        .take(100)
        .enumerate()
        .map(|(index, sku)| {
            let size = if index == 40 { 999_999 } else { b.world.keys(sku).expect("keys").1 };
            StockWrite {
                product: ProductKey::new(size.to_string()),
                warehouse: warehouse.clone(),
                physical: index as i64,
            }
        })
        .collect();
    assert_eq!(b.shop.capabilities().rows_per_write, 100);
    let told = b.patiently(|| b.shop.write_stock(&rows, "reference 1")).await;
    for (index, outcome) in told.iter().enumerate() {
        assert_eq!(matches!(outcome, WriteOutcome::Refused(_)), index == 40, "{index}: {outcome:?}");
    }
    let products: Vec<ProductKey> = rows.iter().map(|row| row.product.clone()).collect();
    let readings = b.patiently(|| b.shop.stock_of(&products)).await;
    let physical: BTreeMap<_, _> =
        readings.readings.iter().filter(|r| r.warehouse == warehouse).map(|r| (&r.product, r.physical)).collect();
    for (index, row) in rows.iter().enumerate().filter(|(index, _)| *index != 40) {
        assert_eq!(physical.get(&row.product), Some(&(index as i64)));
    }
    assert_eq!(b.world.audit().throttled, 0);
}

#[tokio::test]
async fn every_notice_of_a_trading_day_is_believed_and_read() {
    let b = both(Options { skus: 200, ..Options::default() });
    let mut now = b.clock.now();
    let (mut read, mut kinds) = (0, BTreeSet::new());
    for _ in 0..22 * 60 {
        now = now + Span::minutes(1);
        b.clock.set(now);
        b.world.advance_to(now);
        for delivery in b.world.due_deliveries(now) {
            let till = delivery.connection == b.world.options().till_connection;
            let told = match till {
                true => b.till.read_notice(&delivery.headers, &delivery.body, now),
                false => b.shop.read_notice(&delivery.headers, &delivery.body, now),
            };
            for notice in told.expect("believed") {
                let fact = notice.fact.as_ref().unwrap_or_else(|error| panic!("{error}: {}", notice.raw));
                if let Fact::Sale(sale) = fact {
                    assert!(!matches!(sale.state, SaleState::Unknown(_)), "{sale:?}");
                }
                kinds.insert(notice.kind);
                read += 1;
            }
            b.world.delivered(delivery.id, 200, now);
        }
    }
    assert!(read > 1_000, "{read}");
    for kind in ["sale", "inventory", "order"] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
}
