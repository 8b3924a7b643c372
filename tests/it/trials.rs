//! Testing a connection: everything we need is asked for once, and the page says what works.

use crate::desk::{Desk, SHOP, TILL};
use crate::shop::{databases, fresh};
use truecount::clock::Clock as _;
use truecount::domain::access::Role;
use truecount::domain::ids::PersonId;
use truecount::domain::time::Span;
use truecount::domain::trial::Trial;
use truecount::engine::Engine;
use truecount::operator::{Actor, OperatorError, connections as pages, trials};
use truecount::rehearsal::Rehearsal;
use truecount::sim::Options;
use truecount::sync::driver::HouseWork;

fn who(role: Role) -> Actor {
    Actor { person: PersonId::new("p"), name: "A person".into(), role }
}

async fn last(engine: &Engine, connection: &str) -> Trial {
    let (_, trial) = trials::show(engine, &who(Role::Operations), connection).await.unwrap();
    trial.expect("it was tested")
}

#[tokio::test]
async fn a_test_of_a_working_connection_says_what_is_there() {
    let (store, _dir) = fresh(&databases()[0]).await;
    let mut played = Rehearsal::on(Options::still(3, 40), store).await.unwrap();
    played.connect().await.unwrap();
    for (connection, what) in [
        ("till", ["Outlets and registers", "Products", "Sales", "Counts"]),
        ("web", ["Warehouses", "Products", "Orders", "Counts"]),
    ] {
        trials::ask(&played.engine, &who(Role::Operations), connection).await.unwrap();
        assert!(last(&played.engine, connection).await.is_under_way());
        // The first reads may have used up what we allow ourselves.
        played.run_until(played.clock.now() + Span::minutes(10)).await.unwrap();
        let trial = last(&played.engine, connection).await;
        assert!(!trial.is_under_way() && trial.failures() == 0, "{trial:?}");
        assert_eq!(trial.lines.iter().map(|line| line.what.as_str()).collect::<Vec<_>>(), what);
        assert!(trial.lines.iter().all(|line| line.said.starts_with("Works")), "{trial:?}");
    }
}

#[tokio::test]
async fn a_test_says_what_does_not_work_and_a_paused_connection_is_not_called() {
    for kind in databases() {
        let desk = Desk::open(&kind, "a secret", &["main"]).await;
        let reader = trials::ask(&desk.engine, &who(Role::ReadOnly), TILL).await;
        assert!(matches!(reader, Err(OperatorError::Forbidden)));
        trials::ask(&desk.engine, &who(Role::Operations), TILL).await.unwrap();
        desk.engine.settle(&mut HouseWork::default()).await.unwrap();
        let trial = last(&desk.engine, TILL).await;
        assert_eq!((trial.lines.len(), trial.failures()), (4, 4), "{kind:?}: {trial:?}");
        assert!(trial.lines.iter().all(|line| line.said.contains("No answer came")), "{trial:?}");

        pages::pause(&desk.engine, &who(Role::Operations), SHOP).await.unwrap();
        let paused = trials::ask(&desk.engine, &who(Role::Operations), SHOP).await;
        assert!(matches!(paused, Err(OperatorError::Conflict(_))), "{kind:?}");
    }
}
