//! Payments, taxes and registers of a shop and a till: read from simulated vendors, decided by people, and a problem
//! while they are not.

use crate::desk::{Desk, SHOP, TILL};
use crate::shop::{Kind, databases, fresh};
use std::collections::BTreeSet;
use truecount::clock::Clock as _;
use truecount::domain::access::Role;
use truecount::domain::ids::PersonId;
use truecount::domain::mapping::{Choice, Standing, Topic};
use truecount::domain::master::{Known, Life, Master, MasterKind, Rate, Told};
use truecount::domain::ownership::Part;
use truecount::domain::system::{Pair, System, SystemSide};
use truecount::domain::time::Span;
use truecount::operator::mapping::{self, Chosen, Outcome, Sent, Shown};
use truecount::operator::{Actor, OperatorError};
use truecount::rehearsal::Rehearsal;
use truecount::sim::Options;
use truecount::store::{activity, feeds, masters, problems};

fn who(role: Role) -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role }
}

/// A desk whose shop and till have told these lists.
async fn told(kind: &Kind) -> Desk {
    let desk = Desk::open(kind, "a secret", &["soho", "leeds"]).await;
    let tax = |code: &str, name: &str, rate| Master { rate: Some(Rate(rate)), ..Master::new(code, name) };
    let seen = |code: &str, seen| Master { seen, ..Master::new(code, "") };
    keep(&desk, SHOP, MasterKind::Payment, Told::Seen(vec![seen("cash", 3), seen("adyen", 40), seen("free", 1)])).await;
    keep(&desk, SHOP, MasterKind::Tax, Told::Whole(vec![tax("1", "VAT", 200_000), tax("2", "Books", 0)])).await;
    let point = Master::new("pickup:leeds", "Leeds").within("pick-up point");
    keep(&desk, SHOP, MasterKind::Store, Told::Whole(vec![point])).await;
    keep(&desk, TILL, MasterKind::Payment, Told::Whole(vec![Master::new("7", "Cash"), Master::new("8", "Card")])).await;
    let zero = vec![tax("a", "Standard", 200_000), tax("b", "Zero", 0), tax("c", "Exempt", 0)];
    keep(&desk, TILL, MasterKind::Tax, Told::Whole(zero)).await;
    let registers = vec![Master::new("r1", "Main").within("soho"), Master::new("r2", "Main").within("leeds")];
    keep(&desk, TILL, MasterKind::Register, Told::Whole(registers)).await;
    desk
}

async fn keep(desk: &Desk, connection: &str, kind: MasterKind, told: Told) {
    desk.later(Span::secs(1));
    let mut tx = desk.store.begin().await.unwrap();
    masters::keep(&mut tx, connection, kind, &told, desk.clock.now());
    tx.commit().await.unwrap();
}

async fn page(desk: &Desk) -> Shown {
    mapping::show(&desk.engine, &who(Role::ReadOnly), SHOP, TILL).await.unwrap()
}

/// How each line stands, by the shop's code.
async fn standings(desk: &Desk, topic: Topic) -> Vec<(String, Standing)> {
    let shown = page(desk).await.topics.into_iter().find(|shown| shown.topic == topic).unwrap();
    shown.lines.into_iter().map(|shown| (shown.line.web.code, shown.line.standing)).collect()
}

fn to(code: &str) -> Choice {
    Choice::Twin(code.into())
}

fn sent(topic: Topic, chosen: &[(&str, Choice, Choice)]) -> Sent {
    let chosen =
        chosen.iter().map(|(web, was, to)| Chosen { web: (*web).into(), was: was.clone(), to: to.clone() }).collect();
    Sent { shop: SHOP.into(), till: TILL.into(), topic, chosen, suggested: false, agreed: false }
}

async fn save(desk: &Desk, sent: Sent) -> Result<Outcome, OperatorError> {
    mapping::save(&desk.engine, &who(Role::Finance), sent).await
}

#[tokio::test]
async fn exceptions_come_first_and_only_the_obvious_is_suggested() {
    for kind in databases() {
        let desk = told(&kind).await;
        let payments = standings(&desk, Topic::Payments).await;
        let code = |text: &str| text.to_owned();
        assert_eq!(
            payments,
            [
                (code("adyen"), Standing::Alone),
                (code("free"), Standing::Alone),
                (code("cash"), Standing::Obvious("7".into()))
            ],
            "{kind:?}"
        );
        let taxes = standings(&desk, Topic::Taxes).await;
        let several = Standing::Several(vec!["c".into(), "b".into()]);
        assert_eq!(taxes, [(code("2"), several), (code("1"), Standing::Obvious("a".into()))], "{kind:?}");
        let registers = standings(&desk, Topic::Registers).await;
        assert_eq!(registers.len(), 1, "{kind:?}: {registers:?}");
        assert_eq!(page(&desk).await.topics[0].exceptions(), 3);
    }
}

#[tokio::test]
async fn a_decision_counts_at_once_and_what_is_in_use_is_shown_before_it_changes() {
    for kind in databases() {
        let desk = told(&kind).await;
        let first = sent(Topic::Payments, &[("cash", Choice::Open, to("7")), ("free", Choice::Open, Choice::LeftOut)]);
        let reader = mapping::save(&desk.engine, &who(Role::Merchandising), first.clone()).await;
        assert!(matches!(reader, Err(OperatorError::Forbidden)), "{kind:?}");
        assert!(matches!(save(&desk, first.clone()).await, Ok(Outcome::Saved(2))), "{kind:?}");

        // Sent again by somebody who looked before that: nothing is overwritten.
        let late = sent(Topic::Payments, &[("adyen", Choice::Open, to("8")), ("cash", Choice::Open, to("8"))]);
        let conflict = save(&desk, late).await;
        assert!(
            matches!(&conflict, Err(OperatorError::Conflict(why)) if why.contains("“cash”") && why.contains("Cash")),
            "{conflict:?}"
        );
        let adyen = standings(&desk, Topic::Payments).await.remove(0);
        assert_eq!(adyen, ("adyen".into(), Standing::Alone), "{kind:?}: all or nothing");

        let change = sent(Topic::Payments, &[("cash", to("7"), to("8"))]);
        let Ok(Outcome::LookFirst(preview)) = save(&desk, change.clone()).await else { panic!("{kind:?}") };
        let said: Vec<_> =
            preview.lines.iter().map(|line| (line.before.as_str(), line.after.as_str(), line.seen)).collect();
        assert_eq!(said, [("Cash", "Card", 3)]);
        assert!(matches!(save(&desk, Sent { agreed: true, ..change }).await, Ok(Outcome::Saved(1))), "{kind:?}");
        let shown = page(&desk).await;
        let cash = shown.topics[0].lines.iter().find(|line| line.line.web.code == "cash").unwrap();
        assert_eq!((cash.chosen.as_str(), cash.line.standing.clone()), ("Card", Standing::Linked));
        let (before, by, at) = cash.before.clone().unwrap();
        assert_eq!((before.as_str(), by.as_str(), at), ("Cash", "A person", desk.clock.now()));

        // Undone by choosing the old, which is a change like any other.
        let undo = Sent { agreed: true, ..sent(Topic::Payments, &[("cash", to("8"), to("7"))]) };
        assert!(matches!(save(&desk, undo).await, Ok(Outcome::Saved(1))));
        assert!(matches!(
            save(&desk, sent(Topic::Payments, &[("cash", to("7"), to("7"))])).await,
            Ok(Outcome::Saved(0))
        ));
        assert_eq!(activity::of_action(&desk.store, "map", 10).await.unwrap().len(), 4, "{kind:?}");
        assert_eq!(activity::first_break(&desk.store).await.unwrap(), None);
    }
}

#[tokio::test]
async fn suggestions_are_looked_at_before_they_count() {
    for kind in databases() {
        let desk = told(&kind).await;
        let wanted = Sent { suggested: true, ..sent(Topic::Taxes, &[]) };
        let Ok(Outcome::LookFirst(preview)) = save(&desk, wanted.clone()).await else { panic!("{kind:?}") };
        let [line] = preview.lines.as_slice() else { panic!("{:?}", preview.lines) };
        assert_eq!((line.name.as_str(), line.after.as_str()), ("VAT", "Standard, 20\u{a0}%"));
        let chosen = vec![line.chosen.clone()];
        let agreed = Sent { chosen, agreed: true, ..sent(Topic::Taxes, &[]) };
        assert!(matches!(save(&desk, agreed).await, Ok(Outcome::Saved(1))), "{kind:?}");
        assert!(matches!(save(&desk, wanted).await, Err(OperatorError::Conflict(_))), "there is none left");
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_chosen() {
    for kind in databases() {
        let desk = told(&kind).await;
        let old = vec![Master::new("7", "Cash"), Master::new("8", "Card").archived(true)];
        keep(&desk, TILL, MasterKind::Payment, Told::Whole(old)).await;
        for (web, code, want) in [
            ("cash", "8", "no longer used"),
            ("cash", "99", "no such payment type"),
            ("cash", "a", "no such payment type"),
            ("cheque", "7", "no such payment method"),
        ] {
            let done = save(&desk, sent(Topic::Payments, &[(web, Choice::Open, to(code))])).await;
            assert!(matches!(&done, Err(OperatorError::Invalid(why)) if why.contains(want)), "{kind:?}: {done:?}");
        }
        for (shop, till) in [(TILL, SHOP), (SHOP, SHOP), ("", TILL)] {
            let strange = Sent { shop: shop.into(), till: till.into(), ..sent(Topic::Payments, &[]) };
            assert!(matches!(save(&desk, strange).await, Err(OperatorError::NotFound)), "{shop} {till}");
            let looked = mapping::show(&desk.engine, &who(Role::Admin), shop, till).await;
            assert!(matches!(looked, Err(OperatorError::NotFound)), "{shop} {till}");
        }
        let returns = sent(Topic::Returns, &[("returned", Choice::Open, to("leeds"))]);
        assert!(matches!(save(&desk, returns).await, Ok(Outcome::Saved(1))), "{kind:?}");
    }
}

/// Open problems of these two kinds: kind and title.
async fn open(desk: &Desk) -> BTreeSet<(String, String)> {
    desk.later(Span::secs(1));
    truecount::sync::problems::refresh(desk.engine.cx()).await.unwrap();
    let open = problems::open(&desk.store, 100).await.unwrap().into_iter();
    let ours = open.filter(|row| row.kind == "not mapped" || row.kind == "twin put away");
    ours.map(|row| {
        assert!(row.actions.contains("/connections/mapping?shop=shop&till=till#"), "{}", row.actions);
        (row.kind, row.title)
    })
    .collect()
}

#[tokio::test]
async fn each_kind_of_exception_is_one_problem_and_ends_with_it() {
    for kind in databases() {
        let desk = told(&kind).await;
        let said = |kind: &str, title: &str| (kind.to_owned(), title.to_owned());
        let payments = said("not mapped", "3 payment methods of shop have no payment type at till");
        let taxes = said("not mapped", "2 taxes of shop have no tax at till");
        let stores = said("not mapped", "1 store or pick-up point of shop has no register at till");
        assert_eq!(open(&desk).await, BTreeSet::from([payments, taxes.clone(), stores.clone()]), "{kind:?}");

        let all = [
            ("cash", Choice::Open, to("7")),
            ("adyen", Choice::Open, to("8")),
            ("free", Choice::Open, Choice::LeftOut),
        ];
        save(&desk, sent(Topic::Payments, &all)).await.unwrap();
        assert_eq!(open(&desk).await, BTreeSet::from([taxes.clone(), stores.clone()]), "{kind:?}");

        // The till puts one of them away, and no longer lists the other.
        keep(&desk, TILL, MasterKind::Payment, Told::Whole(vec![Master::new("7", "Cash").archived(true)])).await;
        let away = said("twin put away", "For 2 payment methods of shop the payment type is no longer used at till");
        assert_eq!(open(&desk).await, BTreeSet::from([taxes.clone(), stores.clone(), away]), "{kind:?}");

        // What may not be read any more says nothing of what was decided.
        keep(&desk, TILL, MasterKind::Payment, Told::Refused("not for you".into())).await;
        assert_eq!(open(&desk).await, BTreeSet::from([taxes, stores]), "{kind:?}");
        let shown = page(&desk).await;
        assert_eq!(shown.topics[0].till.0, Known::Refused("not for you".into()));
    }
}

#[tokio::test]
async fn a_list_that_is_read_again_marks_what_is_gone_and_one_of_orders_forgets_nothing() {
    for kind in databases() {
        let desk = told(&kind).await;
        let lists = async || {
            let rows = masters::rows().ask(&desk.store).await.unwrap();
            masters::Lists::new(rows, masters::known().ask(&desk.store).await.unwrap())
        };
        keep(&desk, SHOP, MasterKind::Payment, Told::Seen(vec![Master { seen: 5, ..Master::new("adyen", "") }])).await;
        let payments = lists().await.of(SHOP, MasterKind::Payment);
        let seen: Vec<_> = payments.rows.iter().map(|row| (row.code.as_str(), row.life, row.seen)).collect();
        assert_eq!(seen, [("adyen", Life::Used, 5), ("cash", Life::Used, 0), ("free", Life::Used, 0)], "{kind:?}");

        // Two of one code, and text that no database of ours takes as it is.
        let twice = vec![Master::new("1", "Old"), Master::new("1", "V\0AT")];
        keep(&desk, SHOP, MasterKind::Tax, Told::Whole(twice)).await;
        let taxes = lists().await.of(SHOP, MasterKind::Tax);
        let seen: Vec<_> = taxes.rows.iter().map(|row| (row.code.as_str(), row.name.as_str(), row.life)).collect();
        assert_eq!(seen, [("2", "Books", Life::Gone), ("1", "V\u{fffd}AT", Life::Used)], "{kind:?}");
    }
}

#[tokio::test]
async fn who_owns_what_is_compared_before_it_is_set() {
    for kind in databases() {
        let desk = told(&kind).await;
        let (shop, till) = (SystemSide::Shop, SystemSide::Till);
        let given = [(Part::Prices, shop, till), (Part::Names, shop, shop)];
        let finance = mapping::give(&desk.engine, &who(Role::Finance), SHOP, TILL, &given).await;
        assert!(matches!(finance, Err(OperatorError::Forbidden)));
        assert_eq!(mapping::give(&desk.engine, &who(Role::Admin), SHOP, TILL, &given).await.unwrap(), 1, "{kind:?}");
        let again = mapping::give(&desk.engine, &who(Role::Admin), SHOP, TILL, &given).await;
        assert!(matches!(&again, Err(OperatorError::Conflict(why)) if why.contains("Prices")), "{kind:?}: {again:?}");
        let owners = page(&desk).await.owners;
        assert_eq!((owners.of(Part::Prices), owners.is_default(Part::Prices)), (till, false));
        assert_eq!((owners.of(Part::Names), owners.is_default(Part::Names)), (shop, true));
        assert_eq!(activity::of_action(&desk.store, "own", 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_lists_are_read_from_every_vendor_that_tells_them() {
    for pair in [
        Pair { shop: System::Magento, till: System::LightspeedR },
        Pair { shop: System::Centra, till: System::LightspeedX },
    ] {
        let (store, _dir) = fresh(&databases()[0]).await;
        let mut played = Rehearsal::on(Options::still(3, 30).with_pair(pair), store).await.unwrap();
        played.connect().await.unwrap();
        played.run_until(played.clock.now() + Span::minutes(20)).await.unwrap();
        let shown = mapping::show(&played.engine, &who(Role::ReadOnly), "", "").await.unwrap();
        let topic = |topic: Topic| shown.topics.iter().find(|shown| shown.topic == topic).unwrap();
        let registers = topic(Topic::Registers);
        assert_eq!(registers.till.0, Known::Whole, "{pair:?}");
        assert!(registers.options.iter().all(|(_, name)| name.contains(" › ")), "{:?}", registers.options);
        assert!(!registers.options.is_empty() && topic(Topic::Returns).options.len() > 1, "{pair:?}");
        if pair.shop == System::Magento {
            assert_eq!(topic(Topic::Payments).web.0, Known::Seen, "{pair:?}");
            assert_eq!((&topic(Topic::Taxes).web.0, &topic(Topic::Taxes).till.0), (&Known::Whole, &Known::Whole));
            assert!(!topic(Topic::Payments).options.is_empty() && !registers.lines.is_empty(), "{pair:?}");
        }
        let mark = feeds::get(played.engine.store(), &shown.pair.unwrap().till, "masters").await.unwrap();
        assert!(mark.read_up_to.micros() > 0 && mark.cursor.is_empty() && mark.error.is_empty(), "{mark:?}");
    }
}
