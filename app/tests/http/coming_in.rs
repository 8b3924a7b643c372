//! Logging in, the first account, and everything that must not get in.

use crate::door::{Door, NEW_PASSWORD, Outcome, PASSWORD};
use http::StatusCode;
use std::sync::Arc;
use tower::ServiceExt;
use truecount::domain::access::Role;
use truecount::domain::time::Span;
use truecount::mint::Mint;
use truecount::operator::accounts::{AccountError, Accounts};

#[tokio::test]
async fn a_person_logs_in_and_goes_where_they_wanted() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let fields = [("name", " kim "), ("password", PASSWORD), ("next", "/stock?page=2")];
    let answer = door.send(door.form("/login", &fields)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/stock?page=2");
    let set = answer.set_cookie("truecount").unwrap_or_default().to_owned();
    for part in ["truecount=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "plain HTTP on this machine: some browsers would drop it");
    let cookie = answer.cookie().ok_or("no cookie")?;
    assert!(door.is_in(&cookie).await);
    let again = door.send(door.get("/login?next=/stock").cookie(&cookie)).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, "/stock"));
    Ok(())
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_this_host() -> Outcome {
    let door = Door::with(&[("PUBLIC_URL", "https://stock.example.com"), ("TRUSTED_PROXIES", "127.0.0.1")]).await?;
    door.accounts.add(&Accounts::console(), "Kim", Role::Operations, PASSWORD).await?;
    let answer = door.try_login("Kim", PASSWORD).await;
    let set = answer.set_cookie("__Host-truecount").unwrap_or_default().to_owned();
    for part in ["__Host-truecount=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.to_lowercase().contains("domain"), "{set}");
    assert!(door.is_in(&answer.cookie().ok_or("no cookie")?).await);
    Ok(())
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_log_in_and_changes_nothing() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let page = door.send(door.get("/events")).await;
    assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, "/login?next=%2Fevents"));
    let live = door.send(door.get("/events").header("accept", "text/event-stream")).await;
    assert_eq!(live.status, StatusCode::UNAUTHORIZED);
    let form = door.send(door.form("/theme", &[("theme", "dark")])).await;
    assert_eq!(form.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

/// A31: status and text do not tell whether an account exists, is closed, or has another password; neither does
/// waiting, because an unknown name is counted like a known one.
#[tokio::test]
async fn a_stranger_learns_nothing_about_accounts() -> Outcome {
    let door = Door::with_person("known", Role::Operations).await?;
    let me = Accounts::console();
    door.accounts.add(&me, "close", Role::Operations, PASSWORD).await?;
    door.accounts.set_disabled(&me, "close", true).await?;
    let tries = [("known", "not the password at all"), ("nobod", PASSWORD), ("close", PASSWORD)];
    let mut seen = Vec::new();
    for (name, password) in tries {
        let answer = door.try_login(name, password).await;
        assert_eq!(answer.cookie(), None);
        seen.push((answer.status, answer.bare().replace(name, "name")));
    }
    assert_eq!(seen[0].0, StatusCode::UNAUTHORIZED);
    assert!(seen[0].1.contains("The name or the password is not right."), "{}", seen[0].1);
    assert!(!seen[0].1.contains("not the password at all"), "what was typed as password is never sent back");
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    let mut waits = Vec::new();
    for name in ["known", "nobod"] {
        for _ in 0..4 {
            door.later(Span::secs(1));
            door.try_login(name, "not the password at all").await;
        }
        let answer = door.try_login(name, "not the password at all").await;
        waits.push((answer.status, answer.bare().replace(name, "name")));
    }
    assert_eq!(waits[0].0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits[0], waits[1]);
    Ok(())
}

/// A31: whatever the name, a try costs the same work: one hash, however often it is tried.
#[tokio::test]
async fn an_unknown_name_costs_as_much_work_as_a_known_one() -> Outcome {
    let door = Door::with_person("known", Role::Operations).await?;
    let me = Accounts::console();
    door.accounts.add(&me, "close", Role::Operations, PASSWORD).await?;
    door.accounts.set_disabled(&me, "close", true).await?;
    for n in 0..30 {
        for name in ["known", "nobod", "close"] {
            door.later(Span::minutes(15));
            let before = door.accounts.hashes_made();
            assert_eq!(door.try_login(name, "not the password at all").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(door.accounts.hashes_made() - before, 1, "try {n} of {name}");
        }
    }
    Ok(())
}

/// A32: a hundred log-ins at once: few are looked at, the others are told to wait, and pages are served meanwhile.
#[tokio::test]
async fn a_hundred_log_ins_at_once_leave_room_for_others() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    door.later(Span::secs(1));
    let before = door.accounts.hashes_made();
    let mut all = Vec::new();
    for n in 0..100 {
        let name = format!("guess{n}");
        let ask = door.form("/login", &[("name", &name), ("password", "wrong wrong wrong")]);
        let ask = ask.from(&format!("198.51.100.{n}"));
        all.push(tokio::spawn(door.router.clone().oneshot(ask.request)));
    }
    for _ in 0..20 {
        assert_eq!(door.send(door.get("/health/live")).await.status, StatusCode::OK);
        assert_eq!(door.send(door.get("/connections").cookie(&cookie)).await.status, StatusCode::OK);
    }
    let mut waited = 0;
    for one in all {
        let Ok(response) = one.await?;
        waited += u64::from(response.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!((waited, door.accounts.hashes_made() - before), (90, 10));
    Ok(())
}

/// A29: guesses on one account cost more and more, a restart forgives nothing, after a hundred one a day is looked at,
/// the owner only has to wait, and an administrator opens the account sooner.
#[tokio::test]
async fn guessing_one_account_stops_by_itself() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    for n in 1..=5 {
        assert_eq!(door.try_login("Kim", "wrong wrong wrong").await.status, StatusCode::UNAUTHORIZED, "try {n}");
    }
    let blocked = door.try_login("Kim", PASSWORD).await;
    assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS, "even the right password waits");
    assert_eq!(blocked.header("retry-after"), "1");
    let restarted = Accounts::new(door.store.clone(), door.clock.clone(), Arc::new(Mint::from_os()));
    let still = restarted.log_in([127, 0, 0, 1].into(), "KIM", PASSWORD).await;
    assert!(matches!(still, Err(AccountError::Wait(_))), "{still:?}");
    door.later(Span::secs(1));
    assert_eq!(door.try_login("Kim", PASSWORD).await.status, StatusCode::SEE_OTHER, "the owner only had to wait");

    let mut looked_at = 0;
    for n in 0..150 {
        door.later(Span::minutes(15));
        match door.accounts.log_in([198, 51, 100, n].into(), "Kim", "wrong wrong wrong").await {
            Err(AccountError::Wrong) => looked_at += 1,
            Err(AccountError::Locked) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(looked_at, 100);
    let locked = door.try_login("Kim", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED);
    assert!(locked.text.contains("locked for a day"), "{}", locked.text);
    door.accounts.set_password(&Accounts::console(), "Kim", PASSWORD).await?;
    assert_eq!(door.try_login("Kim", PASSWORD).await.status, StatusCode::SEE_OTHER);
    Ok(())
}

/// Guesses until the account is locked, whatever the answer.
async fn lock(door: &Door, name: &str) -> Outcome {
    for n in 0..100 {
        door.later(Span::minutes(15));
        let refused = door.accounts.log_in([198, 51, 100, n].into(), name, "wrong wrong wrong").await;
        assert!(matches!(refused, Err(AccountError::Wrong)), "{refused:?}");
    }
    let refused = door.accounts.log_in([198, 51, 100, 1].into(), name, PASSWORD).await;
    assert!(matches!(refused, Err(AccountError::Locked)), "{refused:?}");
    Ok(())
}

/// A29: the only administrator is not kept out for good: a session goes on, a browser that logged in before gets in
/// at once, and everybody else after a day.
#[tokio::test]
async fn an_account_that_was_guessed_at_still_opens_for_its_owner() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let first = door.try_login("Kim", PASSWORD).await;
    let known = first.set_cookie("truecount-known").ok_or("no cookie")?.to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(known.contains(part), "{known}");
    }
    let known = known.split(';').next().unwrap_or_default().to_owned();
    assert!(!door.is_in(&known).await, "it lets nobody in");
    lock(&door, "Kim").await?;
    let session = door.send(door.form("/login", &[("name", "Kim"), ("password", PASSWORD)]).cookie(&known)).await;
    assert_eq!(session.status, StatusCode::SEE_OTHER, "the browser is known");
    let session = session.cookie().ok_or("no cookie")?;
    assert_eq!(door.try_login("Kim", PASSWORD).await.status, StatusCode::UNAUTHORIZED, "others wait as before");
    assert!(door.is_in(&session).await, "a session goes on");

    // A known browser has its own count, also when it was stolen.
    let mut looked_at = 0;
    for _ in 0..60 {
        door.later(Span::minutes(1));
        let ask = door.form("/login", &[("name", "Kim"), ("password", "wrong wrong wrong")]).cookie(&known);
        looked_at += i32::from(door.send(ask).await.text.contains("The name or the password is not right."));
    }
    assert!((5..20).contains(&looked_at), "{looked_at}");

    door.later(Span::hours(24));
    door.accounts.tidy().await?;
    assert_eq!(door.try_login("Kim", PASSWORD).await.status, StatusCode::SEE_OTHER, "a day is over");
    Ok(())
}

/// A29: ten thousand guesses from a thousand addresses in a few hours: few are looked at, and it is told.
#[tokio::test]
async fn ten_thousand_guesses_are_turned_away_and_told() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let mut looked_at = 0;
    for n in 0..10_000_u32 {
        door.later(Span::secs(1));
        let address = std::net::Ipv4Addr::from_bits(0xc633_6400 + n % 1_000).into();
        looked_at += u32::from(matches!(
            door.accounts.log_in(address, "Kim", "wrong wrong wrong").await,
            Err(AccountError::Wrong)
        ));
    }
    assert!((14..=100).contains(&looked_at), "{looked_at}");
    let told = told_of_guesses(&door).await?;
    assert_eq!(told.as_deref(), Some("Somebody guesses at the account Kim"));
    Ok(())
}

/// The title of the problem that somebody guesses, if it is open.
async fn told_of_guesses(door: &Door) -> Result<Option<String>, Box<dyn std::error::Error>> {
    truecount::sync::problems::refresh(door.state.engine.cx()).await?;
    let open = truecount::store::problems::open(&door.store, 100).await?;
    Ok(open.into_iter().find(|problem| problem.kind == "guessing").map(|problem| problem.title))
}

/// A29, A30: guessing is a problem on Today, for whoever runs the house, and ends by itself.
#[tokio::test]
async fn guessing_is_a_problem_until_it_is_over() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    door.connect().await?;
    let wrong = async |name: &str, n: u8| {
        door.later(Span::minutes(4));
        let _refused = door.accounts.log_in([198, 51, 100, n].into(), name, "wrong wrong wrong").await;
    };
    for n in 0..9 {
        wrong("Kim", n).await;
    }
    assert_eq!(told_of_guesses(&door).await?, None, "somebody who forgot a password");
    wrong("Kim", 9).await;
    let cookie = {
        assert_eq!(told_of_guesses(&door).await?.as_deref(), Some("Somebody guesses at the account Kim"));
        door.accounts.add(&Accounts::console(), "Lee", Role::Operations, PASSWORD).await?;
        door.login("Lee").await?
    };
    let today = door.send(door.get("/").cookie(&cookie)).await;
    assert!(today.text.contains("Somebody guesses at the account Kim"), "{}", today.text);
    door.later(Span::minutes(61));
    assert_eq!(told_of_guesses(&door).await?, None, "an hour without a guess");

    for n in 0..20 {
        wrong(&format!("name{n}"), n).await;
        assert_eq!(told_of_guesses(&door).await?, None, "{n}: spread over more than an hour");
    }
    for n in 0..20 {
        door.later(Span::secs(1));
        let _refused = door.accounts.log_in([203, 0, 113, n].into(), &format!("other{n}"), "wrong wrong wrong").await;
    }
    assert_eq!(told_of_guesses(&door).await?.as_deref(), Some("Somebody tries passwords on many names"));
    door.accounts.add(&Accounts::console(), "Sam", Role::Admin, PASSWORD).await?;
    lock(&door, "Sam").await?;
    door.later(Span::hours(23));
    assert_eq!(told_of_guesses(&door).await?.as_deref(), Some("Somebody guesses at the account Sam"), "it is locked");
    door.accounts.set_password(&Accounts::console(), "Sam", PASSWORD).await?;
    door.later(Span::secs(1));
    assert_eq!(told_of_guesses(&door).await?, None, "an administrator opened it");
    Ok(())
}

#[tokio::test]
async fn many_guesses_at_once_count_as_many() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let mut tries = Vec::new();
    for n in 0..9 {
        let accounts = door.accounts.clone();
        tries.push(tokio::spawn(
            async move { accounts.log_in([198, 51, 100, n].into(), "Kim", "wrong wrong wrong").await },
        ));
    }
    let mut looked_at = 0;
    for one in tries {
        looked_at += i32::from(matches!(one.await?, Err(AccountError::Wrong)));
    }
    assert_eq!(looked_at, 5);
    Ok(())
}

/// A33 (forged address) and the limit of twenty tries a minute from one address.
#[tokio::test]
async fn one_address_has_twenty_tries_a_minute_whatever_it_says_it_is() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let attempt = |n: i32| {
        let name = format!("guess{n}");
        let ask = door.form("/login", &[("name", &name), ("password", "wrong wrong wrong")]);
        ask.from("203.0.113.9").header("x-forwarded-for", &format!("198.51.100.{n}"))
    };
    for n in 0..20 {
        if n % 10 == 9 {
            door.later(Span::secs(1));
        }
        assert_eq!(door.send(attempt(n)).await.status, StatusCode::UNAUTHORIZED, "try {n}");
    }
    door.later(Span::secs(1));
    assert_eq!(door.send(attempt(20)).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(door.try_login("Kim", PASSWORD).await.status, StatusCode::SEE_OTHER, "another address is not concerned");
    door.later(Span::minutes(1));
    assert_eq!(door.send(attempt(21)).await.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

/// A30: one password over many accounts from many addresses is slowed for everybody together.
#[tokio::test]
async fn spraying_is_slowed_for_everybody_together() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let mut refused = 0;
    for n in 0..12 {
        let name = format!("guess{n}");
        let ask = door.form("/login", &[("name", &name), ("password", "wrong wrong wrong")]);
        let answer = door.send(ask.from(&format!("198.51.100.{n}"))).await;
        refused += i32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 2);
    Ok(())
}

/// A32: a password too long to be right is refused before it is hashed, and does not use up a try.
#[tokio::test]
async fn endless_passwords_are_refused_unhashed() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    for _ in 0..30 {
        let answer = door.try_login("Kim", &"x".repeat(129)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(door.try_login("Kim", &"x".repeat(1_000_000)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(door.try_login("Kim", PASSWORD).await.status, StatusCode::SEE_OTHER);
    Ok(())
}

/// A37: a form has the fields it has.
#[tokio::test]
async fn extra_fields_do_nothing_and_repeated_ones_are_refused() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let fields = [("name", "Kim"), ("password", PASSWORD), ("role", "admin"), ("approved", "true")];
    assert_eq!(door.send(door.form("/login", &fields)).await.status, StatusCode::SEE_OTHER);
    let people = door.accounts.list(&Accounts::console()).await?;
    assert!(people.iter().all(|person| person.role == Role::ReadOnly));
    let twice = [("name", "Kim"), ("name", "Lee"), ("password", PASSWORD)];
    assert_eq!(door.send(door.form("/login", &twice)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(door.send(door.form("/login", &[("name", "Kim")])).await.status, StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn the_first_account_is_made_with_the_code_and_only_once() -> Outcome {
    let door = Door::open().await?;
    assert_eq!(door.send(door.get("/login")).await.header("location"), "/setup");
    let old = door.accounts.setup_code().await?.ok_or("no code")?;
    let code = door.accounts.setup_code().await?.ok_or("no code")?;
    let give = |code: &str, name: &str, password: &str| {
        door.form("/setup", &[("code", code), ("name", name), ("password", password)])
    };
    assert_eq!(door.send(give(&old, "Kim", PASSWORD)).await.status, StatusCode::FORBIDDEN, "a newer one was printed");
    let short = door.send(give(&code, "<Kim>", "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text.contains("at least 15 characters") && short.text.contains("&lt;Kim&gt;"), "{}", short.text);
    assert!(!short.text.contains("<Kim>"));
    // Each mistake is marked at its field, in the browser's own way.
    for (answer, marked) in [
        (short, &["password"][..]),
        (door.send(give(&code, "", "short")).await, &["name", "password"]),
        (door.send(give("ABCD", "Kim", PASSWORD)).await, &["code"]),
    ] {
        for name in ["code", "name", "password"] {
            let wrong = answer.text.contains(&format!("id=\"{name}-wrong\""))
                && answer.text.contains(&format!("aria-describedby=\"{name}-wrong\""));
            assert_eq!(wrong, marked.contains(&name), "{name}: {}", answer.text);
        }
        assert!(!answer.text.contains("other people."), "there is no page for people");
    }
    let made = door.send(give(&code.to_lowercase(), "Kim", PASSWORD)).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/"), "{}", made.text);
    assert!(door.is_in(&made.cookie().ok_or("no cookie")?).await);
    assert_eq!(door.accounts.list(&Accounts::console()).await?[0].role, Role::Admin);
    assert_eq!(door.send(give(&code, "Lee", PASSWORD)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(door.accounts.setup_code().await?, None);
    assert_eq!(door.send(door.get("/setup")).await.header("location"), "/login");
    Ok(())
}

#[tokio::test]
async fn the_code_works_for_a_day() -> Outcome {
    let door = Door::open().await?;
    let code = door.accounts.setup_code().await?.ok_or("no code")?;
    door.later(Span::hours(24));
    let fields = [("code", code.as_str()), ("name", "Kim"), ("password", PASSWORD)];
    assert_eq!(door.send(door.form("/setup", &fields)).await.status, StatusCode::FORBIDDEN);
    assert!(!door.accounts.any().await?);
    Ok(())
}

/// A35: only administrators touch accounts, whatever road leads there.
#[tokio::test]
async fn only_administrators_manage_people() -> Outcome {
    let door = Door::open().await?;
    let me = Accounts::console();
    door.accounts.add(&me, "target", Role::ReadOnly, PASSWORD).await?;
    for role in Role::ALL {
        let actor = door.accounts.add(&me, role.word(), role, PASSWORD).await?.actor();
        let allowed = role == Role::Admin;
        let tries = [
            door.accounts.list(&actor).await.is_ok(),
            door.accounts.set_role(&actor, "target", Role::Store).await.is_ok(),
            door.accounts.set_disabled(&actor, "target", true).await.is_ok(),
            door.accounts.set_password(&actor, "target", NEW_PASSWORD).await.is_ok(),
            door.accounts.add(&actor, &format!("by {}", role.word()), Role::Admin, PASSWORD).await.is_ok(),
        ];
        assert_eq!(tries, [allowed; 5], "{role:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_last_administrator_stays_one() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let me = Accounts::console();
    assert!(door.accounts.set_disabled(&me, "Kim", true).await.is_err());
    assert!(door.accounts.set_role(&me, "Kim", Role::Store).await.is_err());
    door.accounts.add(&me, "Lee", Role::Admin, PASSWORD).await?;
    door.accounts.set_role(&me, "Kim", Role::Store).await?;
    assert!(door.accounts.add(&me, " KIM", Role::Store, PASSWORD).await.is_err(), "the name is taken in any case");
    Ok(())
}
