//! How long somebody is in, and what ends it.

use crate::door::{Answer, Door, NEW_PASSWORD, Outcome};
use axum::Router;
use axum::routing::get;
use http::StatusCode;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::Notify;
use tower::ServiceExt;
use truecount::domain::access::Role;
use truecount::domain::time::Span;
use truecount::operator::accounts::{AccountError, Accounts};
use truecount_app::server::session::{self, Flash, SignedIn};
use truecount_app::server::web::LocalPath;

/// A24: a cookie planted before the log-in is worth nothing after it, whether it was made up or a real one.
#[tokio::test]
async fn logging_in_always_makes_a_new_id() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let first = door.login("Kim").await?;
    for planted in [first.clone(), "truecount=AAAAAAAAAAAAAAAAAAAAAA".to_owned()] {
        let fields = [("name", "Kim"), ("password", crate::door::PASSWORD)];
        let answer = door.send(door.form("/login", &fields).cookie(&planted)).await;
        let fresh = answer.cookie().ok_or("no cookie")?;
        assert_ne!(fresh, planted);
        assert!(door.is_in(&fresh).await);
        assert!(!door.is_in(&planted).await);
    }
    Ok(())
}

/// A25: whatever stands in the cookie, the visitor is a stranger and nothing breaks.
#[tokio::test]
async fn malformed_cookies_belong_to_strangers() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let long = format!("truecount={}", "A".repeat(10_000));
    let cookies = [
        "truecount=",
        "truecount",
        "=",
        ";;;",
        "truecount=AAAAAAAAAAAAAAAAAAAAAA",
        "truecount=\u{fc}\u{1f6a2}",
        "truecount=../../etc/passwd",
        "truecount=%00%00",
        "truecount=\"x",
        "__Host-truecount=AAAAAAAAAAAAAAAAAAAAAA",
        long.as_str(),
    ];
    for cookie in cookies {
        assert!(!door.is_in(cookie).await, "{cookie}");
        let page = door.send(door.get("/login").cookie(cookie)).await;
        assert_eq!(page.status, StatusCode::OK, "{cookie}");
    }
    Ok(())
}

/// A25: guessing ids comes to nothing: each is a stranger, none makes a row, and a try is only a look by a key of 128
/// bits that nobody can come near.
#[tokio::test]
async fn guessed_session_ids_belong_to_strangers_and_leave_no_trace() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let real = door.login("Kim").await?;
    let rows = async || std::fs::read(door.folder.path().join("truecount.db-wal")).map(|log| log.len());
    let before = rows().await?;
    let last = real.chars().last().ok_or("empty")?;
    for n in 0..1_000_u32 {
        let bytes = Sha256::digest(n.to_be_bytes());
        let id: String = hex::encode(bytes).chars().take(22).collect();
        let near = format!("{}{}", &real[..real.len() - 1], if last == 'A' { 'Q' } else { 'A' });
        let guess = if n % 100 == 0 { near } else { format!("truecount={id}") };
        let page = door.send(door.get("/stock").cookie(&guess)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{guess}");
        assert!(page.header("location").starts_with("/login"), "{guess}");
    }
    assert_eq!(rows().await?, before, "nothing was written");
    assert!(door.is_in(&real).await);
    Ok(())
}

/// A26: log-out, another password, another role, a closed account: the very next request is a stranger's.
#[tokio::test]
async fn a_stolen_cookie_dies_with_the_session() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let me = Accounts::console();
    let cookie = door.login("Kim").await?;
    let other = door.login("Kim").await?;
    let out = door.send(door.form("/logout", &[]).cookie(&cookie)).await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/login"));
    // The cookies of other hosts below the same domain are not ours to clear.
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(!door.is_in(&cookie).await);
    assert!(door.is_in(&other).await, "logging out here leaves the other window alone");

    door.accounts.set_role(&me, "Kim", Role::Finance).await?;
    assert!(!door.is_in(&other).await);
    let cookie = door.login("Kim").await?;
    door.accounts.set_password(&me, "Kim", crate::door::PASSWORD).await?;
    assert!(!door.is_in(&cookie).await);
    let cookie = door.login("Kim").await?;
    door.accounts.set_disabled(&me, "Kim", true).await?;
    assert!(!door.is_in(&cookie).await);
    door.accounts.set_disabled(&me, "Kim", false).await?;
    assert!(!door.is_in(&cookie).await, "opening the account does not open old sessions");
    door.later(Span::minutes(1));
    door.login("Kim").await?;
    door.accounts.set_password(&me, "Kim", NEW_PASSWORD).await?;
    assert_eq!(door.try_login("Kim", crate::door::PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

/// A26: a log-in that was right before the password changed, or the account was closed, begins no session after it.
#[tokio::test]
async fn a_log_in_overtaken_by_a_change_begins_no_session() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let me = Accounts::console();
    let address = std::net::IpAddr::from([127, 0, 0, 1]);
    let person = door.accounts.log_in(address, "Kim", crate::door::PASSWORD).await?;
    let begin = async |hash: &str| {
        let data = serde_json::json!({ "person": person.id.as_str() }).to_string();
        door.accounts.begin_session(hash, person.id.as_str(), &person.epoch, &data).await
    };
    assert!(begin("a").await?);
    door.accounts.set_disabled(&me, "Kim", true).await?;
    assert!(matches!(begin("b").await, Err(AccountError::Changed)), "closed");
    door.accounts.set_disabled(&me, "Kim", false).await?;
    assert!(begin("c").await?, "the same password");
    door.accounts.set_password(&me, "Kim", crate::door::PASSWORD).await?;
    assert!(matches!(begin("d").await, Err(AccountError::Changed)), "set anew, at the same instant");
    for hash in ["a", "b", "c", "d"] {
        assert!(door.accounts.session(hash).await?.is_none(), "{hash}");
    }
    Ok(())
}

/// A27: a request that was under way while its session ended writes its changes nowhere.
#[tokio::test]
async fn a_request_under_way_cannot_bring_a_session_back() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    let (inside, proceed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = Router::new()
        .route(
            "/slow",
            get({
                let (inside, proceed) = (inside.clone(), proceed.clone());
                move |memory: tower_sessions::Session| async move {
                    let before = memory.get::<String>("person").await.ok().flatten();
                    inside.notify_one();
                    proceed.notified().await;
                    let _ = memory.insert("late", 1).await;
                    before.unwrap_or_default()
                }
            }),
        )
        .layer(session::layer(door.accounts.clone(), false));
    let request = door.get("/slow").cookie(&cookie).request;
    let under_way = tokio::spawn(async move { slow.oneshot(request).await });
    inside.notified().await;
    door.send(door.form("/logout", &[]).cookie(&cookie)).await;
    proceed.notify_one();
    let Ok(response) = under_way.await?;
    assert!(!Answer::of(response).await.text.is_empty(), "it was signed in when it began");
    assert!(!door.is_in(&cookie).await);
    Ok(())
}

/// A27: fifty requests at once while somebody logs out.
#[tokio::test]
async fn fifty_requests_during_a_log_out_leave_it_logged_out() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    let mut all = Vec::new();
    for n in 0..50 {
        let ask = match n {
            25 => door.form("/logout", &[]),
            _ => door.form("/theme", &[("theme", "light")]),
        };
        all.push(tokio::spawn(door.router.clone().oneshot(ask.cookie(&cookie).request)));
    }
    for one in all {
        let Ok(response) = one.await?;
        assert!(!response.status().is_server_error());
    }
    assert!(!door.is_in(&cookie).await);
    Ok(())
}

/// A28: thirty quiet minutes end a session, and so do twelve busy hours.
#[tokio::test]
async fn sessions_end_when_idle_and_in_any_case_after_twelve_hours() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    door.later(Span::minutes(29));
    assert!(door.is_in(&cookie).await);
    door.later(Span::minutes(29));
    assert!(door.is_in(&cookie).await, "using it keeps it");
    door.later(Span::minutes(30));
    assert!(!door.is_in(&cookie).await);

    let cookie = door.login("Kim").await?;
    for _ in 0..35 {
        door.later(Span::minutes(20));
        assert!(door.is_in(&cookie).await);
    }
    door.later(Span::minutes(20));
    assert!(!door.is_in(&cookie).await);
    door.accounts.tidy().await?;
    Ok(())
}

/// A28: a form sent after the session ended changes nothing and is not lost: the page says how to send it again, and
/// sent again as it was by somebody who logged in meanwhile it is done.
#[tokio::test]
async fn a_form_sent_too_late_can_be_sent_again_as_it_was() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let old = door.login("Kim").await?;
    door.later(Span::minutes(31));
    let typed = [
        ("vendor", "lightspeed-x"),
        ("name", "Till of Soho"),
        ("base_url", "https://soho.retail.lightspeed.app"),
        ("token", "a-token-that-was-typed"),
        ("notice_secret", ""),
    ];
    let late = door.send(door.form("/connections/new", &typed).cookie(&old)).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    for words in ["what you typed is not lost", "href=\"/login\" target=\"_blank\"", "reload"] {
        assert!(late.text.contains(words), "{}", late.text);
    }
    assert!(!late.text.contains("a-token-that-was-typed"), "keys never come back");
    let names = async || truecount::store::connections::all(&door.store).await.map(|all| all.len());
    assert_eq!(names().await?, 0);
    let fresh = door.login("Kim").await?;
    let again = door.send(door.form("/connections/new", &typed).cookie(&fresh)).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, "/connections"), "{}", again.text);
    assert_eq!(names().await?, 1);
    Ok(())
}

/// A page left open asks for its live parts all day; that is not somebody being there.
#[tokio::test]
async fn live_parts_do_not_keep_a_session_alive() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    for _ in 0..3 {
        door.later(Span::minutes(9));
        let live = door.form("/theme", &[("theme", "dark")]).cookie(&cookie).header("truecount-live", "1");
        assert_eq!(door.send(live).await.status, StatusCode::SEE_OTHER);
    }
    door.later(Span::minutes(9));
    assert!(!door.is_in(&cookie).await);
    Ok(())
}

/// A54: whoever has the database file has no cookie and no password.
#[tokio::test]
async fn the_database_holds_neither_cookies_nor_passwords() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let cookie = door.login("Kim").await?;
    let code_door = Door::open().await?;
    let code = code_door.accounts.setup_code().await?.ok_or("no code")?;
    let secrets = [cookie.trim_start_matches("truecount="), crate::door::PASSWORD, code.as_str()];
    for folder in [&door.folder, &code_door.folder] {
        let mut seen = 0;
        for entry in std::fs::read_dir(folder.path())?.flatten().filter(|entry| entry.path().is_file()) {
            let bytes = std::fs::read(entry.path())?;
            seen += bytes.len();
            for secret in secrets {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{:?}", entry.path());
            }
        }
        assert!(seen > 4_096, "there was something to look at");
    }
    Ok(())
}

/// What came of a form is said on the next page, once, and only to the one who sent it.
#[tokio::test]
async fn a_message_is_shown_once() -> Outcome {
    let door = Door::with_person("Kim", Role::Operations).await?;
    let (mine, other) = (door.login("Kim").await?, door.login("Kim").await?);
    let pages = Router::new()
        .route(
            "/say",
            get(|SignedIn(session): SignedIn| async move {
                session.flash(Flash::warn("2 of 3 went through")).await;
                LocalPath::parse("/hear").redirect()
            }),
        )
        .route(
            "/hear",
            get(|SignedIn(session): SignedIn| async move {
                session
                    .take_flash()
                    .await
                    .map(|flash| format!("{}: {}", flash.kind.word(), flash.text))
                    .unwrap_or_default()
            }),
        )
        .layer(session::layer(door.accounts.clone(), false))
        .with_state(door.state.clone());
    let ask = async |path: &str, cookie: &str| {
        let Ok(response) = pages.clone().oneshot(door.get(path).cookie(cookie).request).await;
        Answer::of(response).await
    };
    assert_eq!(ask("/say", &mine).await.header("location"), "/hear");
    assert_eq!(ask("/hear", &other).await.text, "");
    assert_eq!(ask("/hear", &mine).await.text, "warn: 2 of 3 went through");
    assert_eq!(ask("/hear", &mine).await.text, "");
    assert_eq!(ask("/hear", "truecount=x").await.header("location"), "/login?next=%2Fhear");
    Ok(())
}

#[tokio::test]
async fn the_theme_is_kept_with_the_person() -> Outcome {
    let door = Door::with_person("Kim", Role::ReadOnly).await?;
    let cookie = door.login("Kim").await?;
    let ask = door.form("/theme", &[("theme", "dark"), ("next", "/stock")]).cookie(&cookie);
    assert_eq!(door.send(ask).await.header("location"), "/stock");
    assert_eq!(door.accounts.list(&Accounts::console()).await?[0].theme, session::Theme::Dark);
    let wrong = door.form("/theme", &[("theme", "pink\" onload=")]).cookie(&cookie);
    assert_eq!(door.send(wrong).await.status, StatusCode::BAD_REQUEST);
    Ok(())
}
