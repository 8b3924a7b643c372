//! Payments, taxes and registers in the browser: a plain form for each list, a look before what is in use changes, and
//! forms that are none of ours.

use crate::door::{Door, Outcome, PASSWORD};
use http::StatusCode;
use truecount::clock::Clock;
use truecount::domain::access::Role;
use truecount::domain::master::{Master, MasterKind, Told};
use truecount::domain::time::Span;
use truecount::operator::accounts::Accounts;
use truecount::store::masters;

const PAGE: &str = "/connections/mapping";
const ON: [(&str, &str); 3] = [("shop", "web"), ("till", "till"), ("topic", "payments")];

async fn house() -> Result<Door, Box<dyn std::error::Error>> {
    let door = Door::connected().await?;
    let mut tx = door.store.begin().await?;
    let hostile = Master { seen: 4, ..Master::new("a\"b<&.=c", "</select><img src=x>") };
    let web = Told::Seen(vec![hostile, Master::new("cash", "Cash")]);
    masters::keep(&mut tx, "web", MasterKind::Payment, &web, door.clock.now());
    let till = Told::Whole(vec![Master::new("7", "Cash"), Master::new("8", "Card"), Master::new("9", "Gift card")]);
    masters::keep(&mut tx, "till", MasterKind::Payment, &till, door.clock.now());
    tx.commit().await?;
    for role in [Role::Finance, Role::ReadOnly] {
        door.accounts.add(&Accounts::console(), role.word(), role, PASSWORD).await?;
        door.later(Span::secs(3));
    }
    Ok(door)
}

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    ON.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_list_is_saved_as_a_plain_form_and_a_change_of_it_is_looked_at_first() -> Outcome {
    let door = house().await?;
    let cookie = door.login("finance").await?;
    let page = door.send(door.get(PAGE).cookie(&cookie)).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["Suggested: Cash", "2 of 2 need you", "on 4 of the newest orders", "name=\"to.a&quot;b&lt;&amp;.=c\""]
    {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("<img src=x>"), "names are text");

    let first = with(&[("to.cash", "to:7"), ("was.cash", ""), ("to.a\"b<&.=c", "to:8"), ("was.a\"b<&.=c", "")]);
    let saved = door.send(door.form(PAGE, &first).cookie(&cookie)).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let page = door.send(door.get(PAGE).cookie(&cookie)).await;
    assert!(
        page.text.contains("2\u{a0}decisions count from now on") && !page.text.contains("need you"),
        "{}",
        page.text
    );

    let change = with(&[("to.cash", "to:9"), ("was.cash", "to:7")]);
    let preview = door.send(door.form(PAGE, &change).cookie(&cookie)).await;
    assert_eq!(preview.status, StatusCode::OK);
    for part in ["name=\"agreed\" value=\"1\"", "Gift card", "value=\"to:7\"", "button--writes", "It can be undone"] {
        assert!(preview.text.contains(part), "{part}: {}", preview.text);
    }
    let agreed: Vec<_> = change.iter().copied().chain([("agreed", "1")]).collect();
    assert_eq!(door.send(door.form(PAGE, &agreed).cookie(&cookie)).await.status, StatusCode::SEE_OTHER);
    let page = door.send(door.get(PAGE).cookie(&cookie)).await;
    assert!(page.text.contains("Before: Cash. Changed by finance"), "{}", page.text);

    // The same press once more: somebody else's page is old by now.
    door.send(door.form(PAGE, &agreed).cookie(&cookie)).await;
    let page = door.send(door.get(PAGE).cookie(&cookie)).await;
    assert!(page.text.contains("changed by somebody else meanwhile"), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn a_form_that_is_none_of_ours_changes_nothing() -> Outcome {
    let door = house().await?;
    let cookie = door.login("finance").await?;
    let before = door.send(door.get(PAGE).cookie(&cookie)).await.text;
    for (fields, want) in [
        (vec![], StatusCode::SEE_OTHER),
        (vec![("topic", "staff")], StatusCode::SEE_OTHER),
        (with(&[("to.cash", "7")]), StatusCode::SEE_OTHER),
        (with(&[("to.cash", "to:no such"), ("was.cash", "")]), StatusCode::SEE_OTHER),
        (with(&[("to.none", "to:7"), ("was.none", "")]), StatusCode::SEE_OTHER),
        (with(&[("to.cash", "to:7"), ("to.cash", "to:8")]), StatusCode::BAD_REQUEST),
        (vec![("shop", "till"), ("till", "web"), ("topic", "payments")], StatusCode::NOT_FOUND),
    ] {
        let answer = door.send(door.form(PAGE, &fields).cookie(&cookie)).await;
        assert_eq!(answer.status, want, "{fields:?}: {}", answer.text);
        if want == StatusCode::SEE_OTHER {
            let said = door.send(door.get(PAGE).cookie(&cookie)).await.text;
            assert!(said.contains("Not done."), "{fields:?}");
        }
    }
    assert_eq!(choices(&door.send(door.get(PAGE).cookie(&cookie)).await.text), choices(&before));
    let strange = door.send(door.get("/connections/mapping?shop=till&till=web").cookie(&cookie)).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND);
    Ok(())
}

/// What stands in the hidden fields.
fn choices(page: &str) -> Vec<String> {
    page.split("name=\"was.")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(field, _)| field.to_owned())
        .collect()
}

#[tokio::test]
async fn who_may_not_change_it_sees_it_without_a_form() -> Outcome {
    let door = house().await?;
    let cookie = door.login("read-only").await?;
    let page = door.send(door.get(PAGE).cookie(&cookie)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Payment methods") && page.text.contains("Who owns what"));
    assert!(!page.text.contains("action=\"/connections/mapping\"") && !page.text.contains("/connections/owners"));
    Ok(())
}
