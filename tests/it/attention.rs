//! What people are shown to decide on: the preview before a place goes live, and the problems on Today.

use crate::desk::{Desk, NOW, SHOP, TILL, listing};
use crate::shop::{Kind, databases};
use crate::stage::Stage;
use truecount::domain::access::{Deed, Role};
use truecount::domain::equation::Terms;
use truecount::domain::fact::Listing;
use truecount::domain::ids::PersonId;
use truecount::domain::problem::Press;
use truecount::domain::time::{Span, Timestamp};
use truecount::operator::views::StockQuery;
use truecount::operator::{Actor, OperatorError, connections, overview, remap, search, stock};
use truecount::rehearsal::map_outlets;
use truecount::sim::options::Options;
use truecount::store::pushes::{Intent, Outcome};
use truecount::store::targets::{Inputs, NewTarget};
use truecount::store::{connections as places, feeds, listings, problems, pushes, targets, views};
use truecount::sync::house;
use truecount::sync::schedule::Task;

fn admin() -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role: Role::Admin }
}

/// Read and mapped, not live; two SKUs show what they should not. Gives the place and these SKUs.
async fn read_only(kind: &Kind) -> (Stage, String, Vec<String>) {
    let mut stage = Stage::open(kind, Options::still(7, 24)).await;
    let outlet = stage.world.outlets()[0].0.clone();
    let skus: Vec<String> = stage
        .world
        .skus()
        .into_iter()
        .filter(|sku| stage.world.sell(sku, &outlet, 1).is_ok() && stage.world.set_web_stock(sku, 90).is_ok())
        .take(2)
        .collect();
    assert_eq!(skus.len(), 2);
    stage.pass(Span::minutes(15)).await;
    map_outlets(stage.engine(), &stage.world.web_warehouse()).await.unwrap();
    stage.pass(Span::minutes(12)).await;
    let outlets = places::outlets(stage.engine().store()).await.unwrap();
    let place = outlets.iter().find(|outlet| !outlet.place.is_empty()).unwrap().place.clone();
    (stage, place, skus)
}

async fn not_written(stage: &Stage) -> Vec<problems::ProblemRow> {
    let mut open = problems::open(stage.engine().store(), 200).await.unwrap();
    open.retain(|problem| problem.kind == "not written");
    open
}

#[tokio::test]
async fn a_place_goes_live_only_with_exactly_the_writes_that_were_shown() {
    for kind in databases() {
        let (mut stage, place, skus) = read_only(&kind).await;
        let seen = connections::preview_go_live(stage.engine(), &admin(), &place).await.unwrap();
        assert_eq!(seen.blocked, None);
        assert!(seen.writes.iter().any(|write| write.sku == skus[0]), "{:?}", seen.writes);
        let outlet = stage.world.outlets()[0].0.clone();
        stage.world.receive(&skus[0], &outlet, 1).unwrap();
        stage.pass(Span::minutes(12)).await;
        let now = connections::preview_go_live(stage.engine(), &admin(), &place).await.unwrap();
        assert_eq!(now.writes.len(), seen.writes.len(), "as many as before");
        let refused = connections::go_live(stage.engine(), &admin(), &place, &seen.fingerprint).await;
        let Err(OperatorError::Conflict(why)) = refused else { panic!("{refused:?}") };
        assert!(why.ends_with("Look again."), "{why}");
        let live = |all: Vec<places::PlaceRow>| all.iter().any(|p| p.live_since.0 > 0);
        assert!(!live(places::places(stage.engine().store()).await.unwrap()));
        connections::go_live(stage.engine(), &admin(), &place, &now.fingerprint).await.unwrap();
        assert!(live(places::places(stage.engine().store()).await.unwrap()));
    }
}

#[tokio::test]
async fn a_place_that_is_no_longer_written_is_a_problem_until_it_is_again() {
    for kind in databases() {
        let (mut stage, place, skus) = read_only(&kind).await;
        assert_eq!(not_written(&stage).await.len(), 0, "what never was live is only read");
        let seen = connections::preview_go_live(stage.engine(), &admin(), &place).await.unwrap();
        connections::go_live(stage.engine(), &admin(), &place, &seen.fingerprint).await.unwrap();
        stage.world.go_live(stage.now());
        stage.pass(Span::minutes(5)).await;
        connections::stop_writing(stage.engine(), &admin(), &place).await.unwrap();
        stage.pass(Span::secs(1)).await;
        let open = not_written(&stage).await;
        assert_eq!(open.len(), 1, "at once, though nothing differs yet");
        assert!(open[0].title.contains(" is not written since "), "{}", open[0].title);
        assert!(!open[0].title.contains(';'), "no claim that the next sale makes untrue: {}", open[0].title);
        assert!(!open[0].actions.contains("/stock?"), "{}", open[0].actions);

        let (outlet, sku) = (stage.world.outlets()[0].0.clone(), &skus[0]);
        stage.world.receive(sku, &outlet, 3).unwrap();
        stage.pass(Span::minutes(12)).await;
        let open = not_written(&stage).await;
        assert_eq!(open.len(), 1);
        assert!(open[0].title.ends_with("; 1 SKU shows 3 too few"), "{}", open[0].title);
        let go_live = Press::open("Go live…", format!("/connections/places/{place}/go-live"), Deed::GoLive);
        let actions: Vec<Press> = serde_json::from_str(&open[0].actions).unwrap();
        assert_eq!(actions.first(), Some(&go_live), "offered to those who may");
        assert!(open[0].why.ends_with(" time.") && !open[0].why.contains('/'), "{}", open[0].why);

        let seen = connections::preview_go_live(stage.engine(), &admin(), &place).await.unwrap();
        connections::go_live(stage.engine(), &admin(), &place, &seen.fingerprint).await.unwrap();
        stage.pass(Span::minutes(5)).await;
        assert_eq!(not_written(&stage).await.len(), 0, "it is written again");

        let shop = places::places(stage.engine().store()).await.unwrap()[0].connection.clone();
        connections::pause(stage.engine(), &admin(), &shop).await.unwrap();
        stage.world.sell(sku, &outlet, 2).unwrap();
        stage.pass(Span::minutes(12)).await;
        let open = not_written(&stage).await;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].severity, "now");
        assert!(open[0].title.ends_with("; 1 SKU shows 2 too many"), "{}", open[0].title);
    }
}

#[tokio::test]
async fn a_task_that_the_database_never_lets_finish_is_a_problem_until_it_works_again() {
    for kind in databases() {
        let (mut stage, _, _) = read_only(&kind).await;
        let ours = async |stage: &Stage| {
            let mut open = problems::open(stage.engine().store(), 200).await.unwrap();
            open.retain(|problem| problem.kind == "ours fails");
            open
        };
        let shop = places::places(stage.engine().store()).await.unwrap()[0].connection.clone();
        let since = stage.now() - Span::minutes(5);
        for (connection, task) in [("", "seal"), (shop.as_str(), "look up")] {
            stage.engine().cx().stuck.note(connection, task, true, since);
            stage.engine().cx().stuck.note(connection, task, true, stage.now());
        }
        stage.engine().cx().look_again.ask();
        stage.pass(Span::secs(1)).await;
        let open = ours(&stage).await;
        assert_eq!(open.len(), 1, "one database, one problem");
        let title = open[0].title.replace('\u{a0}', " ");
        assert_eq!(title, "For 5 minutes we cannot look sales up, seal the log of writes");
        let list = connections::list(stage.engine(), &admin()).await.unwrap();
        let card = list.cards.iter().find(|card| card.id == shop).unwrap();
        assert_eq!(card.health.1, "Stuck");
        assert!(card.health.2.as_ref().unwrap().starts_with("Our own database"), "{:?}", card.health.2);

        stage.engine().cx().stuck.note(&shop, "look up", false, stage.now());
        stage.pass(Span::minutes(3)).await;
        assert_eq!(ours(&stage).await.len(), 0, "the log was sealed meanwhile");
    }
}

#[tokio::test]
async fn a_refused_key_is_down_and_a_problem_at_once() {
    for kind in databases() {
        let (mut stage, _, _) = read_only(&kind).await;
        let shop = places::places(stage.engine().store()).await.unwrap()[0].connection.clone();
        // Writes are refused, everything is read: a right is missing.
        let mut tx = stage.engine().store().begin().await.unwrap();
        feeds::failed(&mut tx, &shop, "push", "the vendor refused our key: stock write is missing", stage.now());
        tx.commit().await.unwrap();
        stage.engine().cx().look_again.ask();
        stage.pass(Span::secs(1)).await;
        let mut open = problems::open(stage.engine().store(), 200).await.unwrap();
        open.retain(|problem| problem.kind == "key refused");
        assert_eq!(open.len(), 1, "{kind:?}");
        assert_eq!((open[0].title.as_str(), open[0].severity.as_str()), ("The shop refuses our key", "now"));
        assert!(open[0].why.starts_with("It refused our key: stock write is missing."), "{}", open[0].why);
        let list = connections::list(stage.engine(), &admin()).await.unwrap();
        let card = list.cards.iter().find(|card| card.id == shop).unwrap();
        assert_eq!(card.health.1, "Down");
        assert_eq!(card.health.2.as_deref(), Some("It refused our key: stock write is missing."));
    }
}

#[tokio::test]
async fn nothing_is_called_unlinked_before_both_catalogues_were_read_to_their_end() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let items: Vec<Listing> = (0..1_234).map(|n| listing(&format!("t{n}"), &format!("SKU-{n}"), "Thing")).collect();
        let mut tx = desk.store.begin().await.unwrap();
        listings::save(&mut tx, TILL, &items.iter().collect::<Vec<_>>(), NOW).await.unwrap();
        tx.commit().await.unwrap();
        let mut told = Vec::new();
        for side in [None, Some(TILL), Some(SHOP)] {
            if let Some(side) = side {
                let mut tx = desk.store.begin().await.unwrap();
                feeds::mark(&mut tx, side, "catalogue", 0, NOW, NOW);
                tx.commit().await.unwrap();
            }
            truecount::sync::problems::refresh(desk.engine.cx()).await.unwrap();
            let open = problems::open(&desk.store, 200).await.unwrap();
            told.push(open.into_iter().find(|problem| problem.kind == "not linked").map(|problem| problem.title));
        }
        assert_eq!(told, [None, None, Some("1,234 items are not linked".to_owned())], "{kind:?}");
    }
}

#[tokio::test]
async fn an_item_that_is_not_linked_is_found_and_says_the_true_reason() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let listing = |product: &str, sku: &str| listing(product, sku, &format!("Thing {product}"));
        let sized = |product: &str, size: &str| Listing {
            options: vec!["Blush".into(), size.into()],
            ..listing(product, "COPIED")
        };
        let at_till = [
            listing("t1", "TWICE"),
            listing("t2", "TWICE"),
            listing("t3", "Case-1"),
            listing("t4", "50%_OFF"),
            sized("t6", "XL"),
        ];
        let in_shop = [listing("s1", "TWICE"), listing("s3", "CASE-1"), listing("s5", "ONLY-WEB"), sized("s6", "L")];
        let mut tx = desk.store.begin().await.unwrap();
        listings::save(&mut tx, TILL, &at_till.iter().collect::<Vec<_>>(), NOW).await.unwrap();
        listings::save(&mut tx, SHOP, &in_shop.iter().collect::<Vec<_>>(), NOW).await.unwrap();
        tx.commit().await.unwrap();
        let ask = |search: &str, linked| StockQuery { search: search.into(), linked, page: 1, ..StockQuery::default() };
        let cases = [
            ("Thing t1", "Not linked: two items, one SKU: 2 at the till have it"),
            ("Thing s1", "Not linked: two items, one SKU: 2 at the till have it"),
            ("thing T3", "Not linked: the SKU in the shop differs only in upper and lower case or blanks"),
            ("t3 thing", "Not linked: the SKU in the shop differs only in upper and lower case or blanks"),
            ("50%_o", "Not linked: no such SKU in the shop"),
            ("only-web", "Not linked: no such SKU at the till"),
            ("thing t6", "Not linked: same SKU, another size (XL at the till, L in the shop)"),
            ("thing s6", "Not linked: same SKU, another size (L in the shop, XL at the till)"),
        ];
        for link in desk.engine.cx().links() {
            link.catalogue_whole.store(true, std::sync::atomic::Ordering::SeqCst);
        }
        house::link_twins(desk.engine.cx()).await.unwrap();
        for linked in [None, Some(false)] {
            for (search, cause) in cases {
                let page = stock::list(&desk.engine, &admin(), &ask(search, linked)).await.unwrap();
                assert_eq!((page.rows.len(), page.matching), (1, 1), "{search}");
                assert_eq!(page.rows[0].cause.1, cause);
                let loose = page.rows[0].loose.as_ref().expect("it is not linked");
                assert_eq!((loose.at_till, loose.at_till), (page.rows[0].till.is_some(), loose.connection == TILL));
                assert_eq!(loose.has_namesakes, !cause.contains("no such SKU"), "{search}");
            }
        }
        let none = stock::list(&desk.engine, &admin(), &ask("thing", Some(true))).await.unwrap();
        assert_eq!((none.rows.len(), none.matching), (0, 0));
        let all = stock::list(&desk.engine, &admin(), &ask("", Some(false))).await.unwrap();
        assert_eq!((all.rows.len(), all.matching), (9, 9));
        let rows = stock::export(&desk.engine, &admin(), &ask("twice", Some(false))).await.unwrap();
        assert_eq!(rows.len(), 3);
        let found = search::search(&desk.engine, &admin(), "50%_OFF").await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].item.as_str(), found[0].sku.as_str()), ("Thing t4", "50%_OFF"));
        assert_eq!(found[0].href, "/stock?q=50%25_OFF&linked=no");
        assert_eq!((found[0].sum, found[0].till, found[0].note.as_str()), (None, Some(0), "Not linked"));
        let turned = search::search(&desk.engine, &admin(), "t4 thing").await.unwrap();
        assert_eq!(turned, found, "words in another order");
        assert_eq!(search::search(&desk.engine, &admin(), "t4 nothing").await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_search_shows_the_counts_of_what_it_finds_and_calls_a_return_a_return() {
    for kind in databases() {
        let (mut stage, place, skus) = read_only(&kind).await;
        let outlet = stage.world.outlets()[0].0.clone();
        stage.world.return_unlinked(&skus[0], &outlet, 1).unwrap();
        stage.pass(Span::minutes(12)).await;
        let found = search::search(stage.engine(), &admin(), &skus[0]).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        let sum = found[0].sum.unwrap();
        assert_eq!((found[0].sku.as_str(), sum.web), (skus[0].as_str(), Some(90)));
        assert_eq!(sum.difference, Some(90 - sum.should));
        assert!(found[0].href.ends_with(&format!("?place={place}")), "{}", found[0].href);

        let mut words: Vec<&str> = found[0].item.split_whitespace().collect();
        words.reverse();
        let turned = search::search(stage.engine(), &admin(), &words.join(" ")).await.unwrap();
        assert!(turned.contains(&found[0]), "{words:?} finds {turned:?}");
        let listed = |text: String| StockQuery { search: text, page: 1, ..StockQuery::default() };
        let list = stock::list(stage.engine(), &admin(), &listed(words.join(" "))).await.unwrap();
        assert!(list.rows.iter().any(|row| row.sku == skus[0]), "{words:?} lists {:?}", list.rows);
        assert_eq!(i64::try_from(list.rows.len()).unwrap(), list.matching.min(list.page_size));
        let list =
            stock::list(stage.engine(), &admin(), &listed(format!("{} nothing", words.join(" ")))).await.unwrap();
        assert_eq!((list.rows.len(), list.matching), (0, 0), "every word counts in the list too");
        let other = search::search(stage.engine(), &admin(), &format!("{} nothing", found[0].item)).await.unwrap();
        assert_eq!(other, [], "every word counts");

        let id = found[0].href["/stock/".len()..].split('?').next().unwrap();
        let page = stock::sku(stage.engine(), &admin(), id).await.unwrap();
        let number = |of: &str| {
            let steps = page.places.iter().flat_map(|place| &place.steps);
            let words = steps.map(|step| &step.what).find(|what| what.starts_with(of)).unwrap();
            words[of.len()..].split([',', ' ']).next().unwrap().to_owned()
        };
        for of in ["Sale ", "Return "] {
            let number = number(of);
            let found = search::search(stage.engine(), &admin(), &number).await.unwrap();
            assert_eq!(found[0].document, format!("{of}{number}"));
            assert!(found.iter().any(|line| line.sku == skus[0] && line.sum.is_some()), "{found:?}");
        }
    }
}

#[tokio::test]
async fn a_task_without_a_mark_of_its_own_says_that_it_works_again() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let shop = stage.engine().cx().links().into_iter().find(|link| link.is_shop()).unwrap();
        let feed = Task::Confirm.feed();
        let mut tx = stage.engine().store().begin().await.unwrap();
        feeds::failed(&mut tx, &shop.id, feed, "the vendor asks us to wait", stage.now());
        tx.commit().await.unwrap();
        shop.schedule.failed(Task::Confirm, stage.now(), None, stage.engine().mint());
        let failing =
            async |stage: &Stage| feeds::get(stage.engine().store(), &shop.id, feed).await.unwrap().failing_since;
        assert!(failing(&stage).await > Timestamp(0), "{kind:?}");
        stage.pass(Span::minutes(5)).await;
        assert_eq!(failing(&stage).await, Timestamp(0), "{kind:?}: it has worked since");
    }
}

#[tokio::test]
async fn today_counts_units_on_hold_and_not_lines() {
    for kind in databases() {
        let (mut stage, _, skus) = read_only(&kind).await;
        let outlet = stage.world.outlets()[0].0.clone();
        stage.world.return_unlinked(&skus[0], &outlet, 3).unwrap();
        stage.world.return_unlinked(&skus[1], &outlet, 2).unwrap();
        stage.pass(Span::minutes(5)).await;
        let today = overview::today(stage.engine(), &admin(), None).await.unwrap();
        assert_eq!(today.on_hold.0, 5, "{kind:?}: two lines, five units");
        // Later the row and the panel say the age of the oldest in the same words.
        stage.pass(Span::minutes(75)).await;
        let today = overview::today(stage.engine(), &admin(), None).await.unwrap();
        let row = today.problems.iter().find(|row| row.title.contains("no sale to match")).unwrap();
        let age = today.freshness.now.since(today.on_hold.1.unwrap()).rough();
        assert_eq!((row.waits.as_str(), age.as_str()), ("oldest 1\u{a0}h", "1\u{a0}h"), "{kind:?}");
    }
}

#[tokio::test]
async fn a_write_that_waits_is_not_called_mended() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let target = NewTarget {
            inputs: Inputs {
                variant: "v".into(),
                place: "place".into(),
                connection: SHOP.into(),
                product: "p".into(),
                warehouse: "1".into(),
                item: "Thing".into(),
                sku: "THING".into(),
                price_fine: 0,
                terms: Terms { till: 4, ..Terms::default() },
                known: true,
                now: None,
            },
            should: 4,
            floored: 0,
            generation: 2,
            cause_at: NOW,
            difference: 1,
            differs_since: NOW,
        };
        let write = async |id: &str, generation: i64, outcome: Outcome| {
            let intent = Intent {
                id: id.into(),
                batch: id.into(),
                variant: "v".into(),
                place: "place".into(),
                product: "p".into(),
                warehouse: "1".into(),
                generation,
                before: 5,
                should: 4,
                physical: 4,
                cause_at: NOW,
                attempt: 0,
            };
            let mut tx = desk.store.begin().await.unwrap();
            pushes::intend(&mut tx, SHOP, std::slice::from_ref(&intent), NOW);
            pushes::answered(&mut tx, [(&intent, &(outcome, NOW))].into_iter(), "", NOW);
            tx.commit().await.unwrap();
        };
        let mended = async || {
            let today = overview::today(&desk.engine, &admin(), None).await.unwrap();
            let of = |words: &str| today.fixed.iter().filter(|(_, w)| w.contains(words)).map(|(n, _)| *n).sum::<i64>();
            [of("refused"), of("too busy"), of("without an answer")]
        };
        let mut tx = desk.store.begin().await.unwrap();
        targets::save(&mut tx, &[target], NOW);
        tx.commit().await.unwrap();
        write("a", 1, Outcome::Refused("no such product".into())).await;
        write("b", 2, Outcome::Throttled("later".into())).await;
        write("c", 2, Outcome::Unknown("it broke off".into())).await;
        assert_eq!(mended().await, [0, 0, 0], "{kind:?}: all of it still waits");
        write("d", 2, Outcome::Accepted).await;
        assert_eq!(mended().await, [1, 1, 1], "{kind:?}: the shop has the number now");
    }
}

#[tokio::test]
async fn an_outlet_is_moved_after_a_look_and_where_it_was_written_writing_stops() {
    for kind in databases() {
        let mut stage = Stage::live(&kind).await;
        let (engine, store) = (stage.engine().clone(), stage.engine().store().clone());
        let outlets = places::outlets(&store).await.unwrap();
        let outlet = outlets.iter().find(|outlet| !outlet.place.is_empty()).unwrap().clone();
        let all = places::places(&store).await.unwrap();
        let from = all.iter().find(|place| place.id == outlet.place).unwrap().clone();
        let mut tx = store.begin().await.unwrap();
        places::keep_place(&mut tx, "other", &from.connection, "99", "Outlet sale", false).await.unwrap();
        tx.commit().await.unwrap();
        let shows = async |place: &str| -> std::collections::BTreeMap<String, i64> {
            let rows = views::of_place(&store, place, 10_000).await.unwrap();
            rows.into_iter().map(|row| (row.variant, row.should)).collect()
        };
        for to in [Some("other"), None] {
            let before = [shows(&from.id).await, shows("other").await];
            let seen = remap::preview(&engine, &admin(), &outlet.id, to).await.unwrap();
            assert!(seen.changed > 0, "{kind:?} {to:?}: there is something to move");
            assert_eq!(seen.stops.is_empty(), to.is_none(), "only the first place was written");
            for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
                let nobody = Actor { role, ..admin() };
                assert!(remap::preview(&engine, &nobody, &outlet.id, to).await.is_err(), "{role:?}");
                assert!(remap::remap(&engine, &nobody, &outlet.id, to, &seen.fingerprint).await.is_err(), "{role:?}");
            }
            let blind = remap::remap(&engine, &admin(), &outlet.id, to, "").await;
            assert!(matches!(blind, Err(OperatorError::Conflict(_))), "{blind:?}");
            remap::remap(&engine, &admin(), &outlet.id, to, &seen.fingerprint).await.unwrap();
            let after = [shows(&from.id).await, shows("other").await];
            // What was shown is what came to be, sum by sum.
            for (place, (before, after)) in [&from.name, "Outlet sale"].into_iter().zip(before.iter().zip(&after)) {
                let mut expected = before.clone();
                for line in seen.lines.iter().filter(|line| line.place == place) {
                    assert_eq!(expected.insert(line.variant.clone(), line.after).unwrap_or(0), line.before);
                }
                let differing = after.iter().filter(|(variant, n)| expected.get(*variant).copied().unwrap_or(0) != **n);
                assert_eq!(differing.count(), 0, "{kind:?} {to:?} {place}");
            }
            let live = places::places(&store).await.unwrap().iter().any(|place| place.live_since > Timestamp(0));
            assert!(!live, "{kind:?}: somebody looks first");
        }
        let again = remap::preview(&engine, &admin(), &outlet.id, None).await.unwrap();
        assert_eq!((again.from, again.to, again.changed), (None, None, 0));
        stage.pass(Span::secs(1)).await;
    }
}

#[tokio::test]
async fn every_sku_is_compared_when_both_sides_were_read_whole() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let compared = async || overview::freshness(&desk.engine).await.unwrap().compared_at;
        let (early, late) = (NOW - Span::hours(9), NOW - Span::hours(1));
        for (id, task, at, want) in [
            (TILL, Task::Compare, late, None),
            (SHOP, Task::Observe, early, Some(early)),
            (SHOP, Task::Observe, NOW, Some(late)),
        ] {
            let mut tx = desk.store.begin().await.unwrap();
            feeds::mark(&mut tx, id, task.feed(), 0, at, at);
            tx.commit().await.unwrap();
            assert_eq!(compared().await, want, "{kind:?}: the side where it is longer ago");
        }
    }
}
