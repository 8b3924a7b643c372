//! Every recorded notice through the door of a whole engine: what it must do to the books, and nothing more.
//!
//! The recordings are kept outside this repository; `CONTRACTS_DIR` names the folder. Without it these tests say
//! "skipped", and with `TRUECOUNT_NO_SKIP=1` they fail instead.

use crate::desk::{Desk, TILL};
use crate::shop::{Kind, databases};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use truecount::domain::money::Fine;
use truecount::store::{sales, views};

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, which is no setting of the program")]
    std::env::var(name).ok()
}

/// The recorded deliveries with what each must do.
struct Recordings {
    folder: PathBuf,
    index: Value,
}

/// One delivery.
struct Delivery {
    name: String,
    body: String,
    payload: Value,
    entry: Value,
}

impl Recordings {
    fn open() -> Option<Recordings> {
        let folder =
            setting("CONTRACTS_DIR").map(|dir| Path::new(&dir).join("samples").join("lightspeed-x").join("webhooks"));
        let folder = folder.filter(|folder| folder.join("index.json").is_file());
        if folder.is_none() {
            let may_skip = setting("TRUECOUNT_NO_SKIP").as_deref() != Some("1");
            assert!(may_skip, "CONTRACTS_DIR names no folder with recorded notices");
            #[expect(clippy::print_stderr, reason = "a skipped test must not look like a passed one")]
            {
                eprintln!("skipped: CONTRACTS_DIR names no folder with recorded notices");
            }
        }
        let folder = folder?;
        let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
        Some(Recordings { folder, index: serde_json::from_str(&index).unwrap() })
    }

    fn key(&self) -> &str {
        self.index["signing_key"].as_str().unwrap()
    }

    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.index["deliveries"].as_array().unwrap().iter()
    }

    fn delivery(&self, name: &str) -> Delivery {
        let entry = self.entries().find(|entry| entry["file"] == name).unwrap().clone();
        let body = std::fs::read_to_string(self.folder.join(format!("{name}.txt"))).unwrap();
        let payload = form_urlencoded::parse(body.as_bytes()).find(|(field, _)| field == "payload").unwrap().1;
        Delivery { name: name.to_owned(), payload: serde_json::from_str(&payload).unwrap(), body, entry }
    }

    /// The recorded orders of deliveries, by name.
    fn scenarios(&self) -> Vec<(String, Vec<Delivery>)> {
        let named = self.index["scenarios"].as_object().unwrap();
        assert!(named.len() >= 8, "the recordings hold fewer scenarios than they did");
        named
            .iter()
            .map(|(name, order)| {
                let order = order.as_array().unwrap().iter().map(|file| self.delivery(file.as_str().unwrap()));
                (name.clone(), order.collect())
            })
            .collect()
    }

    /// Ids that a catalogue must know before these notices can be applied, and the outlets they name.
    fn names(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut products, mut outlets) = (BTreeSet::new(), BTreeSet::new());
        for entry in self.entries() {
            let delivery = self.delivery(entry["file"].as_str().unwrap());
            gather(&delivery.payload, "product_id", &mut products);
            gather(&delivery.payload, "outlet_id", &mut outlets);
            if entry["type"] == "product.update" {
                products.insert(delivery.payload["id"].as_str().unwrap().to_owned());
            }
        }
        (products, outlets)
    }

    /// A desk that knows everything the recordings name; `loose` products have no twin in the shop.
    async fn desk(&self, kind: &Kind, loose: &[&str]) -> Desk {
        let (products, outlets) = self.names();
        let outlets: Vec<&str> = outlets.iter().map(String::as_str).collect();
        let desk = Desk::open(kind, self.key(), &outlets).await;
        for product in &products {
            desk.list(product, &format!("SKU-{product}"), !loose.contains(&product.as_str())).await;
        }
        desk
    }
}

fn gather(value: &Value, name: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                match value {
                    Value::String(id) if member == name => drop(into.insert(id.clone())),
                    other => gather(other, name, into),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, name, into)),
        _ => {}
    }
}

impl Delivery {
    fn headers(&self, column: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-signature", HeaderValue::from_str(self.entry[column].as_str().unwrap()).unwrap());
        headers
    }

    fn expect(&self) -> &Value {
        &self.entry["expect"]
    }

    /// Units by product that its first arrival in order must book.
    fn moves(&self) -> BTreeMap<String, i64> {
        let stock = self.expect()["stock"].as_object();
        stock.into_iter().flatten().map(|(product, units)| (product.clone(), units.as_i64().unwrap())).collect()
    }

    fn id(&self) -> &str {
        self.payload["id"].as_str().unwrap()
    }
}

async fn send(desk: &Desk, delivery: &Delivery) {
    let answer = desk.push(&delivery.headers("x_signature"), delivery.body.clone()).await;
    assert_eq!((answer.status, answer.reason.as_str()), (200, ""), "{}", delivery.name);
}

fn add(sums: &mut BTreeMap<String, i64>, more: BTreeMap<String, i64>) {
    for (product, units) in more {
        *sums.entry(product).or_insert(0) += units;
    }
    sums.retain(|_, units| *units != 0);
}

#[tokio::test]
async fn every_recorded_scenario_moves_exactly_what_it_says() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        for (name, order) in recordings.scenarios() {
            let desk = recordings.desk(&kind, &[]).await;
            let mut want = BTreeMap::new();
            let mut seen: BTreeMap<String, i64> = BTreeMap::new();
            for delivery in &order {
                let version = delivery.payload["version"].as_i64().unwrap_or(0);
                let newer = seen.get(delivery.id()).is_none_or(|known| *known < version);
                send(&desk, delivery).await;
                if newer {
                    seen.insert(delivery.id().to_owned(), version);
                    add(&mut want, delivery.moves());
                }
                assert_eq!(desk.booked().await, want, "{kind:?} {name}: after {}", delivery.name);
                assert!(newer || delivery.moves().is_empty() || name == "duplicate", "{name}: {}", delivery.name);
            }
            assert_eq!(desk.unsound().await, Vec::new(), "{name}");
        }
    }
}

#[tokio::test]
async fn recorded_notices_doubled_and_in_any_order_end_in_the_same_books() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        for (name, order) in recordings.scenarios() {
            let mut books = Vec::new();
            let forward: Vec<&Delivery> = order.iter().collect();
            let backward: Vec<&Delivery> = order.iter().rev().collect();
            let doubled: Vec<&Delivery> = order.iter().chain(order.iter().rev()).chain(order.iter()).collect();
            for way in [forward, backward, doubled] {
                let desk = recordings.desk(&kind, &[]).await;
                for delivery in &way {
                    send(&desk, delivery).await;
                }
                let mut held = BTreeMap::new();
                for delivery in &order {
                    held.insert(delivery.id().to_owned(), desk.held(delivery.id()).await);
                }
                books.push((desk.booked().await, held));
            }
            assert_eq!(books[0], books[1], "{kind:?} {name}: newest first");
            assert_eq!(books[0], books[2], "{kind:?} {name}: everything three times");
        }
    }
}

#[tokio::test]
async fn a_recorded_return_waits_on_hold_until_its_sale_is_known() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        let desk = recordings.desk(&kind, &[]).await;
        let back = recordings.delivery("03b-partial-return-closed");
        let sale = recordings.delivery("02-sale-closed-customer-residual");
        send(&desk, &back).await;
        assert_eq!(desk.held(back.id()).await, back.moves().values().sum::<i64>(), "{kind:?}: the sale is not known");
        send(&desk, &sale).await;
        assert_eq!(desk.held(back.id()).await, 0, "{kind:?}: a till's own sale is known now");
        send(&desk, &back).await;
        assert_eq!(desk.held(back.id()).await, 0, "{kind:?}: a repeat puts nothing back on hold");
    }
}

#[tokio::test]
async fn recorded_readings_are_kept_to_the_thousandth() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        let desk = recordings.desk(&kind, &[]).await;
        let mut last = None;
        for name in ["07-inventory-update", "07b-inventory-update-nested-string-count"] {
            let delivery = recordings.delivery(name);
            let levels = delivery.expect()["stock_level"].as_object().unwrap();
            let (product, level) = levels.iter().next().unwrap();
            let milli = (level.as_f64().unwrap() * 1_000.0).round() as i64;
            let outlet = match delivery.payload["outlet_id"].as_str() {
                Some(outlet) => outlet.to_owned(),
                None => delivery.payload["outlet"]["id"].as_str().unwrap().to_owned(),
            };
            send(&desk, &delivery).await;
            assert_eq!(desk.reading(product, &outlet).await, Some(milli), "{kind:?} {name}");
            last = Some((product.clone(), outlet, milli));
        }
        // The first one again, late: the newer reading stays.
        send(&desk, &recordings.delivery("07-inventory-update")).await;
        let (product, outlet, milli) = last.unwrap();
        assert_eq!(desk.reading(&product, &outlet).await, Some(milli), "{kind:?}");
        assert_eq!(desk.booked().await, BTreeMap::new(), "{kind:?}: a reading is no sale");
    }
}

#[tokio::test]
async fn a_recorded_product_is_hidden_when_archived_and_its_count_stays() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        let reading = recordings.delivery("07-inventory-update");
        let product = reading.payload["product_id"].as_str().unwrap();
        let outlet = reading.payload["outlet_id"].as_str().unwrap();
        for hidden_by in ["08b-product-update-archived", "08c-product-update-deleted"] {
            let desk = recordings.desk(&kind, &[product]).await;
            send(&desk, &reading).await;
            send(&desk, &recordings.delivery("08-product-update-active")).await;
            let sku = recordings.delivery("08-product-update-active").payload["sku"].as_str().unwrap().to_owned();
            let listed = views::unlinked(&desk.store, &views::Filter::default(), 10, 0).await.unwrap();
            assert!(listed.iter().any(|row| row.sku == sku), "{kind:?}: on the list while it is on sale");
            let hidden = recordings.delivery(hidden_by);
            let word = ["archived", "deleted"].into_iter().find(|word| hidden.expect()[*word] == true);
            assert!(word.is_some(), "{hidden_by} says nothing of hiding");
            send(&desk, &hidden).await;
            // The old state again, late: an older version does not bring it back.
            send(&desk, &recordings.delivery("08-product-update-active")).await;
            let listed = views::unlinked(&desk.store, &views::Filter::default(), 10, 0).await.unwrap();
            assert!(!listed.iter().any(|row| row.sku == sku), "{kind:?} {hidden_by}");
            assert_eq!(
                desk.reading(product, outlet).await,
                Some(7_000),
                "{kind:?}: the block in the notice is no count"
            );
        }
    }
}

#[tokio::test]
async fn recorded_money_is_kept_exactly() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        let desk = recordings.desk(&kind, &[]).await;
        let mut seen = 0;
        for entry in recordings.entries() {
            let delivery = recordings.delivery(entry["file"].as_str().unwrap());
            send(&desk, &delivery).await;
            let expect = delivery.expect();
            let fine = |name: &str| expect[name].as_str().map(|text| Fine::parse(text).unwrap());
            let (gross, paid, refund) = (fine("gross"), fine("paid"), fine("refund"));
            if gross.is_none() && paid.is_none() && refund.is_none() {
                continue;
            }
            seen += 1;
            let kept = sales::money_of(&desk.store, TILL, delivery.id()).await.unwrap().unwrap();
            let tendered: i64 = kept.tenders.iter().map(|tender| tender.amount.0).sum();
            let minor: i64 = kept.tenders.iter().map(|tender| tender.minor.0).sum();
            if let Some(gross) = gross {
                assert_eq!(kept.total, gross, "{kind:?} {}", delivery.name);
            }
            if let Some(paid) = paid.or(refund) {
                assert_eq!((Fine(tendered), minor), (paid, paid.to_minor().0), "{kind:?} {}", delivery.name);
                // What was paid is the total, but for the half cent that stays open.
                assert!((kept.total.0 - paid.0).abs() <= 500, "{kind:?} {}", delivery.name);
            }
        }
        assert!(seen >= 4, "{seen} recordings tell of money");
    }
}

#[tokio::test]
async fn both_spellings_of_a_recorded_signature_open_the_door_and_no_other_bytes_do() {
    let Some(recordings) = Recordings::open() else { return };
    for kind in databases() {
        let desk = recordings.desk(&kind, &[]).await;
        for entry in recordings.entries() {
            let delivery = recordings.delivery(entry["file"].as_str().unwrap());
            for column in ["x_signature", "x_signature_base64"] {
                let answer = desk.push(&delivery.headers(column), delivery.body.clone()).await;
                assert_eq!(answer.status, 200, "{kind:?} {} {column}", delivery.name);
            }
            let other = format!("{}&x=1", delivery.body);
            let answer = desk.push(&delivery.headers("x_signature"), other).await;
            assert_eq!(answer.status, 401, "{kind:?} {}", delivery.name);
        }
    }
}
