//! What every other part relies on the database for, by name, on both databases.

use crate::desk::{Desk, NOW, SHOP, TILL};
use crate::shop::{Kind, databases, fresh, fresh_address};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use truecount::clock::{Clock, ManualClock};
use truecount::connectors::http_transport::HttpTransport;
use truecount::domain::access::Role;
use truecount::domain::ledger::{Cause, Movement};
use truecount::domain::problem::{Kind as ProblemKind, Problem, Severity};
use truecount::domain::time::{Span, Timestamp};
use truecount::engine::{Engine, EngineError, Parts};
use truecount::mint::Mint;
use truecount::operator::accounts::Accounts;
use truecount::rehearsal::add_connections;
use truecount::sim::Options;
use truecount::store::inbox::{self, NewRecord};
use truecount::store::ledger::{self, NewMovement};
use truecount::store::look::{Found, look};
use truecount::store::pushes::{self, Intent, Outcome};
use truecount::store::seal::SealKey;
use truecount::store::{
    Durability, Store, StoreError, activity, connections, feeds, listings, problems, sku_views, targets, views,
};

fn record(id: &str, external: &str, version: i64) -> NewRecord {
    NewRecord {
        id: id.into(),
        connection: TILL.into(),
        kind: "sale".into(),
        external_id: external.into(),
        version,
        by_notice: true,
        raw: format!("{{\"from\":\"{id}\"}}"),
        received_at: NOW,
    }
}

#[tokio::test]
async fn the_inbox_keeps_a_repeat_out() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let mut tx = store.begin().await.unwrap();
        let first = [record("a", "s1", 7), record("b", "s1", 7), record("c", "s1", 8)];
        let fresh = inbox::insert(&mut tx, &first.iter().collect::<Vec<_>>()).await.unwrap();
        let known = first.iter().map(|r| fresh.has(&r.id)).collect::<Vec<_>>();
        assert_eq!(known, [true, false, true], "{kind:?}: twice in one batch");
        tx.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert!(!inbox::insert(&mut tx, &[&record("d", "s1", 7)]).await.unwrap().has("d"), "{kind:?}: and later");
        tx.commit().await.unwrap();
        let (kept, _, _) = inbox::get(&store, "a").await.unwrap().unwrap();
        assert_eq!(kept.raw, "{\"from\":\"a\"}", "{kind:?}: the first one's bytes stay");
        assert!(inbox::get(&store, "d").await.unwrap().is_none(), "{kind:?}");
    }
}

#[tokio::test]
async fn of_several_states_for_one_record_the_last_counts() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let mut tx = store.begin().await.unwrap();
        inbox::insert(&mut tx, &[&record("a", "s1", 7)]).await.unwrap();
        let states = [("a".into(), "done", String::new()), ("a".into(), "parked", "not yet".into())];
        inbox::set_states(&mut tx, &states);
        tx.commit().await.unwrap();
        let parked = inbox::parked(Some(TILL), 10).ask(&store).await.unwrap();
        assert_eq!(parked.iter().map(|p| p.reason.as_str()).collect::<Vec<_>>(), ["not yet"], "{kind:?}");
    }
}

fn movement(document: &str, version: i64, units: i64) -> NewMovement {
    NewMovement {
        document: document.into(),
        version,
        movement: Movement { line: "l".into(), product: "p".into(), outlet: "o".into(), units, cause: Cause::Sale },
        happened_at: NOW,
        inbox: "i".into(),
    }
}

#[tokio::test]
async fn the_same_source_line_is_never_booked_twice_at_one_version() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let mut tx = store.begin().await.unwrap();
        ledger::append(&mut tx, TILL, &[movement("d", 7, -1)], NOW);
        tx.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        ledger::append(&mut tx, TILL, &[movement("e", 1, -1), movement("d", 7, -1)], NOW);
        let twice = tx.commit().await.unwrap_err().to_string();
        assert!(twice.contains("appending to the ledger"), "{kind:?}: {twice} names the statement that failed");
        let booked = ledger::all_booked(&store, TILL).await.unwrap();
        assert_eq!(booked.len(), 1, "{kind:?}: all of it or none of it: {booked:?}");
        let mut tx = store.begin().await.unwrap();
        ledger::append(&mut tx, TILL, &[movement("f", 1, 0)], NOW);
        assert!(tx.commit().await.is_err(), "{kind:?}: a movement of nothing is none");
        let mut tx = store.begin().await.unwrap();
        ledger::append(&mut tx, TILL, &[movement("g", 1, -1)], NOW);
        ledger::counts(&mut tx, TILL, &[]).await.unwrap();
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        ledger::append(&mut tx, TILL, &[movement("h", 1, -1)], NOW);
        tx.commit().await.unwrap();
        let booked = ledger::all_booked(&store, TILL).await.unwrap();
        assert_eq!(booked.len(), 2, "{kind:?}: what was dropped is taken back, what follows is kept: {booked:?}");
    }
}

#[tokio::test]
async fn a_statement_that_changes_another_number_of_rows_is_an_error() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let mut tx = store.begin().await.unwrap();
        let nobody = connections::set_paused(&mut tx, "nobody", NOW).await;
        assert!(matches!(nobody, Err(StoreError::RowCount { changed: 0, expected: 1, .. })), "{kind:?}: {nobody:?}");
        let nobody = problems::set_owner(&mut tx, "nothing", "kim", "Kim", NOW).await;
        assert!(matches!(nobody, Err(StoreError::RowCount { .. })), "{kind:?}: {nobody:?}");
    }
}

#[tokio::test]
async fn marks_never_go_back() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let steps = [(50, 500), (40, 600), (60, 400), (10, 10)];
        let (mut as_of, mut read_up_to) = (0, 0);
        for (version, at) in steps {
            let mut tx = store.begin().await.unwrap();
            feeds::mark(&mut tx, TILL, "stock", version, Timestamp::from_secs(at), NOW);
            tx.commit().await.unwrap();
            (as_of, read_up_to) = (as_of.max(version), read_up_to.max(at));
            let feed = feeds::get(&store, TILL, "stock").await.unwrap();
            assert_eq!((feed.as_of, feed.read_up_to), (as_of, Timestamp::from_secs(read_up_to)), "{kind:?}");
        }
        let mut tx = store.begin().await.unwrap();
        feeds::failed(&mut tx, TILL, "stock", "no answer", NOW);
        tx.commit().await.unwrap();
        let feed = feeds::get(&store, TILL, "stock").await.unwrap();
        assert_eq!((feed.as_of, feed.error.as_str(), feed.failing_since), (60, "no answer", NOW), "{kind:?}");
    }
}

/// A desk with one target, and its variant.
async fn with_target(kind: &Kind) -> (Desk, String) {
    let desk = Desk::open(kind, "secret", &["o"]).await;
    desk.list("p", "SKU-1", true).await;
    reading(&desk, 5, 10).await;
    let variant = listings::variants_after(&desk.store, "", 10).await.unwrap().remove(0);
    (desk, variant)
}

async fn reading(desk: &Desk, count: i64, version: i64) {
    let payload = format!(r#"{{"id":"i","version":{version},"product_id":"p","outlet_id":"o","count":{count}}}"#);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("type", "inventory.update")
        .append_pair("payload", &payload)
        .finish();
    assert_eq!(desk.push_signed(form).await.status, 200);
}

async fn target(desk: &Desk, variant: &str) -> views::TargetRow {
    views::of_variant(&desk.store, variant).await.unwrap().remove(0)
}

#[tokio::test]
async fn generations_only_go_up_and_an_old_answer_acknowledges_nothing_new() {
    for kind in databases() {
        let (desk, variant) = with_target(&kind).await;
        let mut last = target(&desk, &variant).await.generation;
        for (count, version, newer) in [(4, 11, true), (4, 12, false), (9, 3, false), (2, 13, true), (5, 14, false)] {
            reading(&desk, count, version).await;
            let now = target(&desk, &variant).await;
            // The last one rises without a reason: it is checked first, so what should show stays.
            assert_eq!(now.generation - last, i64::from(newer), "{kind:?}: {count} at version {version}");
            last = now.generation;
        }
        for (seen, acknowledged) in [(last, last), (last - 1, last), (1, last)] {
            let mut tx = desk.store.begin().await.unwrap();
            targets::settled(&mut tx, &[(variant.clone(), "place".into(), seen)], NOW);
            tx.commit().await.unwrap();
            assert_eq!(target(&desk, &variant).await.acknowledged, acknowledged, "{kind:?} after {seen}");
        }
    }
}

#[tokio::test]
async fn what_was_only_acknowledged_is_still_read_back_when_nothing_more_has_to_be_written() {
    for kind in databases() {
        let (desk, variant) = with_target(&kind).await;
        let mut tx = desk.store.begin().await.unwrap();
        connections::set_live(&mut tx, "place", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let here = |generation: i64| [(variant.clone(), "place".to_owned(), generation)];
        let leave = async |generation: i64| {
            let mut tx = desk.store.begin().await.unwrap();
            targets::stands(&mut tx, &here(generation), NOW);
            tx.commit().await.unwrap();
            let waits = targets::unconfirmed(&desk.store, SHOP, NOW, 9).await.unwrap().len();
            (target(&desk, &variant).await.acknowledged, waits)
        };
        let first = target(&desk, &variant).await.generation;
        assert_eq!(leave(first).await, (first, 0), "{kind:?}: nothing was written that could be read back");
        // The shop acknowledges the next one; before it is read back the count goes away and comes back.
        reading(&desk, 4, 11).await;
        let written = Intent {
            id: "w".into(),
            batch: "b".into(),
            variant: variant.clone(),
            place: "place".into(),
            product: "p".into(),
            warehouse: "1".into(),
            generation: first + 1,
            before: 5,
            should: 4,
            physical: 4,
            cause_at: NOW,
            attempt: 0,
        };
        let mut tx = desk.store.begin().await.unwrap();
        pushes::intend(&mut tx, SHOP, std::slice::from_ref(&written), NOW);
        pushes::answered(&mut tx, [(&written, &(Outcome::Accepted, NOW))].into_iter(), "", NOW);
        tx.commit().await.unwrap();
        reading(&desk, 3, 12).await;
        let newest = target(&desk, &variant).await.generation;
        assert_eq!(newest, first + 2);
        assert_eq!(leave(newest).await, (newest, 1), "{kind:?}: the write has not been seen in the shop");
        let mut tx = desk.store.begin().await.unwrap();
        targets::settled(&mut tx, &here(newest), NOW);
        tx.commit().await.unwrap();
        assert!(targets::unconfirmed(&desk.store, SHOP, NOW, 9).await.unwrap().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_write_that_was_under_way_is_unknown_after_a_start_and_confirmed_only_by_a_look() {
    for kind in databases() {
        let (desk, variant) = with_target(&kind).await;
        let generation = target(&desk, &variant).await.generation;
        let intent = Intent {
            id: "w".into(),
            batch: "b".into(),
            variant: variant.clone(),
            place: "place".into(),
            product: "p".into(),
            warehouse: "1".into(),
            generation,
            before: 0,
            should: 5,
            physical: 5,
            cause_at: NOW,
            attempt: 0,
        };
        let mut tx = desk.store.begin().await.unwrap();
        pushes::intend(&mut tx, SHOP, std::slice::from_ref(&intent), NOW);
        tx.commit().await.unwrap();
        let mut tx = desk.store.begin().await.unwrap();
        pushes::intend(&mut tx, SHOP, &[intent], NOW);
        assert!(tx.commit().await.is_err(), "{kind:?}: one intent row, once");
        for orphans in [1, 0] {
            let mut tx = desk.store.begin().await.unwrap();
            assert_eq!(
                pushes::orphaned_to_unknown(&mut tx, SHOP, "we were stopped", NOW).await.unwrap(),
                orphans,
                "{kind:?}"
            );
            tx.commit().await.unwrap();
        }
        let row = target(&desk, &variant).await;
        assert_eq!((row.push_state.as_str(), row.acknowledged), ("unknown", 0), "{kind:?}");
        let mut tx = desk.store.begin().await.unwrap();
        pushes::confirm(&mut tx, &[(variant.clone(), "place".into(), generation)], NOW);
        tx.commit().await.unwrap();
        let written = sku_views::pushes_of(&desk.store, &variant, "place", 10).await.unwrap();
        assert_eq!(written.iter().map(|push| push.state.as_str()).collect::<Vec<_>>(), ["confirmed"], "{kind:?}");
    }
}

/// A reading of one of several products.
async fn reading_of(desk: &Desk, product: &str, count: i64, version: i64) {
    let payload = format!(
        r#"{{"id":"i-{product}","version":{version},"product_id":"{product}","outlet_id":"o","count":{count}}}"#
    );
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("type", "inventory.update")
        .append_pair("payload", &payload)
        .finish();
    assert_eq!(desk.push_signed(form).await.status, 200);
}

#[tokio::test]
async fn what_falls_is_sent_first_and_what_was_put_off_waits_for_its_time() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        let web = [("rises", 1), ("falls", 9), ("late", 9), ("again", 9)];
        for (n, (product, _)) in (10..).zip(web) {
            desk.list(product, &format!("SKU-{product}"), true).await;
            reading_of(&desk, product, 5, n).await;
        }
        let due = async |now: Timestamp, limit: i64| -> Vec<String> {
            let mut tx = desk.store.begin().await.unwrap();
            let found = targets::due(&mut tx, SHOP, now, limit).await.unwrap();
            found.into_iter().map(|(due, _)| due.product).collect()
        };
        assert_eq!(due(NOW, 10).await, [""; 0], "{kind:?}: nothing is written where nobody went live");
        let variants = variants_by_product(&desk).await;
        let mut tx = desk.store.begin().await.unwrap();
        connections::set_live(&mut tx, "place", NOW).await.unwrap();
        let shown = web.map(|(product, sellable)| (product.to_owned(), "1".to_owned(), sellable, 0, sellable));
        targets::web_read(&mut tx, SHOP, &shown, NOW, targets::Meanwhile::MayHaveWritten, NOW);
        for (product, seconds) in [("late", 60), ("again", 1)] {
            let here = (variants[product].clone(), "place".to_owned());
            targets::not_named(&mut tx, &[here], "not named", NOW + Span::secs(seconds));
        }
        tx.commit().await.unwrap();
        assert_eq!(due(NOW, 10).await, ["falls", "rises"], "{kind:?}");
        assert_eq!(due(NOW, 1).await, ["falls"], "{kind:?}: no more than asked for");
        assert_eq!(due(NOW + Span::secs(1), 10).await, ["falls", "rises", "again"], "{kind:?}");
        assert_eq!(due(NOW + Span::secs(60), 10).await.len(), 4, "{kind:?}");
    }
}

async fn variants_by_product(desk: &Desk) -> BTreeMap<String, String> {
    let mut products = BTreeMap::new();
    for variant in listings::variants_after(&desk.store, "", 10).await.unwrap() {
        let sku = target(desk, &variant).await.sku;
        products.insert(sku.trim_start_matches("SKU-").to_owned(), variant);
    }
    products
}

fn problem(subject: &str, title: &str) -> Problem {
    Problem {
        kind: ProblemKind::Differs,
        subject: subject.into(),
        severity: Severity::Soon,
        team: "operations",
        title: title.into(),
        why: String::new(),
        money_minor: 0,
        currency: String::new(),
        waits: String::new(),
        actions: Vec::new(),
    }
}

#[tokio::test]
async fn a_problem_is_one_row_while_it_lasts_and_closes_when_it_is_not_seen_again() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let open = || async { problems::open(&store, 10).await.unwrap() };
        let (first, second, third) = (NOW, NOW + Span::secs(30), NOW + Span::secs(60));
        let mut tx = store.begin().await.unwrap();
        problems::raise(&mut tx, "1", &problem("a", "two units"), first);
        problems::raise(&mut tx, "2", &problem("b", "one unit"), first);
        assert_eq!(problems::close_unseen(&mut tx, first).await.unwrap(), 0, "{kind:?}");
        problems::raise(&mut tx, "3", &problem("a", "three units"), second);
        assert_eq!(problems::close_unseen(&mut tx, second).await.unwrap(), 1, "{kind:?}: b is gone");
        tx.commit().await.unwrap();
        let rows = open().await;
        let shown: Vec<_> = rows.iter().map(|p| (p.id.as_str(), p.title.as_str(), p.opened_at)).collect();
        assert_eq!(shown, [("1", "three units", first)], "{kind:?}: the same problem with new words");
        let mut tx = store.begin().await.unwrap();
        assert_eq!(problems::close_unseen(&mut tx, third).await.unwrap(), 1);
        problems::raise(&mut tx, "4", &problem("a", "again"), third);
        tx.commit().await.unwrap();
        let rows = open().await;
        assert_eq!(rows.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["4"], "{kind:?}: a new one, nobody's yet");
    }
}

#[tokio::test]
async fn an_action_and_its_entry_are_one_unit_of_work() {
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        for (n, keep) in [(1u8, true), (2, false), (3, true)] {
            let mut tx = store.begin().await.unwrap();
            let entry = activity::Entry { actor: "kim", action: "go live", object: "p", body: "{}", salt: [n; 16] };
            activity::append(&mut tx, &entry, NOW).await.unwrap();
            if keep {
                tx.commit().await.unwrap();
            }
        }
        assert_eq!(activity::first_break(&store).await.unwrap(), None, "{kind:?}: what was given up left no gap");
        let mut tx = store.begin().await.unwrap();
        let entry = activity::Entry { actor: "kim", action: "go live", object: "p", body: "{}", salt: [4; 16] };
        assert_eq!(activity::append(&mut tx, &entry, NOW).await.unwrap(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn whatever_is_done_to_an_account_stands_in_the_log() {
    let password = "a long password that nobody guesses";
    for kind in databases() {
        let (store, _dir) = fresh(&kind).await;
        let accounts = Accounts::new(store.clone(), Arc::new(ManualClock::at(NOW)), Arc::new(Mint::seeded(5)));
        let me = Accounts::console();
        accounts.add(&me, "first", Role::Admin, password).await.unwrap();
        accounts.add(&me, "second", Role::Finance, password).await.unwrap();
        accounts.set_role(&me, "second", Role::Admin).await.unwrap();
        accounts.set_password(&me, "second", "another long password that nobody guesses").await.unwrap();
        accounts.set_disabled(&me, "second", true).await.unwrap();
        assert!(accounts.set_role(&me, "first", Role::ReadOnly).await.is_err(), "{kind:?}: the last administrator");
        assert_eq!(activity::first_break(&store).await.unwrap(), None, "{kind:?}");
        let mut tx = store.begin().await.unwrap();
        let entry = activity::Entry { actor: "kim", action: "go live", object: "p", body: "{}", salt: [4; 16] };
        assert_eq!(activity::append(&mut tx, &entry, NOW).await.unwrap(), 6, "{kind:?}: five deeds, five entries");
    }
}

#[tokio::test]
async fn an_older_product_row_never_replaces_a_newer_one() {
    for kind in databases() {
        let desk = Desk::open(&kind, "secret", &["o"]).await;
        for (version, sku, shown) in [(5, "new", "new"), (4, "old", "new"), (6, "newest", "newest")] {
            let mut listing = crate::desk::listing("p", sku, "Tee");
            listing.version = Some(version);
            let mut tx = desk.store.begin().await.unwrap();
            listings::save(&mut tx, TILL, &[&listing], NOW).await.unwrap();
            listing.version = Some(1);
            listings::save(&mut tx, TILL, &[&listing], NOW).await.unwrap();
            tx.commit().await.unwrap();
            let rows = views::unlinked(&desk.store, &views::Filter::default(), 10, 0).await.unwrap();
            assert_eq!(rows.iter().map(|row| row.sku.as_str()).collect::<Vec<_>>(), [shown], "{kind:?} {version}");
        }
    }
}

#[tokio::test]
async fn a_second_process_on_one_file_is_refused_and_told_why() {
    let (url, _dir) = fresh_address(&Kind::Sqlite).await;
    let first = Store::open(&url, Durability::Off).await.unwrap();
    let second = Store::open(&url, Durability::Off).await;
    let Err(StoreError::Unusable(why)) = second else { panic!("{second:?}") };
    assert!(why.contains("already running"), "{why}");
    first.close().await;
    drop(first);
    assert!(Store::open(&url, Durability::Off).await.is_ok(), "once the first one is gone");
}

#[tokio::test]
async fn opening_again_takes_no_step_twice_and_keeps_everything() {
    for kind in databases() {
        let (url, _dir) = fresh_address(&kind).await;
        for start in 0..3 {
            let store = Store::open(&url, Durability::Off).await.unwrap();
            let mut tx = store.begin().await.unwrap();
            ledger::append(&mut tx, TILL, &[movement(&format!("d{start}"), 1, -1)], NOW);
            tx.commit().await.unwrap();
            assert_eq!(ledger::all_booked(&store, TILL).await.unwrap().len(), start + 1, "{kind:?}");
            store.close().await;
        }
    }
}

/// Table names with their column names, as the migrations of a folder leave them.
fn tables(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let mut inside: Option<String> = None;
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                let name = rest.trim_end_matches('(').trim().to_owned();
                tables.entry(name.clone()).or_default();
                inside = Some(name);
            } else if line.starts_with(')') {
                inside = None;
            } else if let Some(table) = &inside {
                let word = line.split_whitespace().next().unwrap_or("--");
                if word.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    tables.get_mut(table).unwrap().insert(word.to_owned());
                }
            }
        }
    }
    tables
}

#[test]
fn both_databases_have_the_same_tables_with_the_same_columns() {
    let (sqlite, postgres) = (tables("sqlite"), tables("postgres"));
    assert!(sqlite.len() > 20 && sqlite["movement"].contains("units"), "{sqlite:?}");
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn no_key_of_a_vendor_lies_readable_in_the_database() {
    for kind in databases() {
        let (store, dir) = fresh(&kind).await;
        let options = Options::still(1, 2);
        let seal = SealKey::new([1; 32]);
        let addresses = ["https://till.invalid", "https://shop.invalid"];
        add_connections(&store, &seal, &Mint::seeded(1), &options, addresses).await.unwrap();
        let planted = [&options.till_token, &options.till_secret, &options.web_token, &options.web_secret];
        for row in connections::all(&store).await.unwrap() {
            let all = format!("{row:?}");
            for secret in planted {
                assert!(!all.contains(secret.as_str()), "{kind:?}: {} is readable", row.id);
            }
        }
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for secret in planted {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{kind:?}: in the file");
            }
        }
        let open = |seal: SealKey| {
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
            let parts = Parts {
                store: store.clone(),
                clock,
                mint: Arc::new(Mint::seeded(2)),
                transport: Arc::new(HttpTransport::new(false).unwrap()),
                seal,
                unpaced: false,
            };
            async move { Engine::open(parts).await }
        };
        assert!(open(seal).await.is_ok(), "{kind:?}");
        let wrong = open(SealKey::new([2; 32])).await;
        assert!(matches!(wrong.err(), Some(EngineError::Sealed(_))), "{kind:?}: another key opens nothing");
    }
}

/// Before the first start, between two starts, and while somebody else works with it.
#[tokio::test]
async fn a_database_is_looked_into_without_being_changed() {
    for kind in databases() {
        let (url, _dir) = fresh_address(&kind).await;
        assert_eq!(look(&url).await.unwrap(), Found::Nothing, "{kind:?}");
        let store = Store::open(&url, Durability::Off).await.unwrap();
        let (seal, mint) = (SealKey::new([7; 32]), Mint::seeded(7));
        let addresses = ["https://till.invalid", "https://shop.invalid"];
        add_connections(&store, &seal, &mint, &Options::default(), addresses).await.unwrap();
        for in_use in [true, false] {
            if !in_use {
                store.close().await;
            }
            let Found::Ours(inside) = look(&url).await.unwrap() else { panic!("{kind:?}: it is ours") };
            assert_eq!((inside.accounts, inside.steps_to_come, inside.sealed.len()), (0, 0, 2), "{kind:?}");
            for one in &inside.sealed {
                assert!(seal.open(&one.owner, &one.text).is_ok(), "{kind:?}: {}", one.name);
            }
        }
        drop(store);
        assert!(Store::open(&url, Durability::Off).await.is_ok(), "{kind:?}");
    }
}
