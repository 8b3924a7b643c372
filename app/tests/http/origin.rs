//! Who may send a form, under which name, and what every answer carries.

use crate::door::{Answer, Ask, Door, Outcome, PASSWORD};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use http::{Method, StatusCode};
use tower::ServiceExt;
use truecount::domain::access::Role;
use truecount_app::server::security;

type Mark = fn(Ask) -> Ask;

const FORMS: [&str; 4] = ["/login", "/setup", "/logout", "/theme"];

/// A18 (another site), A19 (a neighbour on the same site), A21 (no word at all).
#[tokio::test]
async fn forms_from_elsewhere_change_nothing() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let cookie = door.login("Kim").await?;
    let elsewhere: [(&str, Mark); 10] = [
        ("cross-site", |ask| ask.header("sec-fetch-site", "cross-site")),
        ("same-site", |ask| ask.header("sec-fetch-site", "same-site")),
        ("none", |ask| ask.header("sec-fetch-site", "none")),
        ("nonsense", |ask| ask.header("sec-fetch-site", "Same-Origin,")),
        ("cross-site with our origin", |ask| {
            ask.header("sec-fetch-site", "cross-site").header("origin", "http://127.0.0.1:4780")
        }),
        ("another origin", |ask| ask.header("origin", "https://evil.example")),
        ("another port", |ask| ask.header("origin", "http://127.0.0.1:9999")),
        ("another scheme", |ask| ask.header("origin", "https://127.0.0.1:4780")),
        ("null origin", |ask| ask.header("origin", "null")),
        ("nothing", |ask| ask),
    ];
    for path in FORMS {
        for (how, mark) in elsewhere {
            let fields = [("name", "Kim"), ("password", PASSWORD), ("theme", "dark"), ("code", "x")];
            let answer = door.send(mark(door.raw_form(path, &fields)).cookie(&cookie)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {how}");
            assert_eq!(answer.cookie(), None, "{path} {how}");
        }
    }
    assert!(door.is_in(&cookie).await, "nobody was logged out");
    let ours = door.raw_form("/theme", &[("theme", "dark")]).header("origin", "http://127.0.0.1:4780");
    assert_eq!(door.send(ours.cookie(&cookie)).await.status, StatusCode::SEE_OTHER, "older browsers only send Origin");
    let local = door.raw_form("/theme", &[("theme", "dark")]).header("origin", "http://localhost:4780");
    let local = local.header("host", "localhost:4780").cookie(&cookie);
    assert_eq!(door.send(local).await.status, StatusCode::SEE_OTHER, "localhost is this machine too");
    Ok(())
}

/// A20: following a link changes nothing.
#[tokio::test]
async fn nothing_changes_by_get() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let cookie = door.login("Kim").await?;
    for path in ["/logout", "/theme?theme=dark", "/login?name=Kim&password=x", "/setup?code=x", "/hooks/abc"] {
        let answer = door.send(door.get(path).cookie(&cookie).header("sec-fetch-site", "cross-site")).await;
        assert!(!answer.status.is_server_error(), "{path}");
    }
    for path in ["/logout", "/theme", "/hooks/abc"] {
        assert_eq!(door.send(door.get(path).cookie(&cookie)).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert!(door.is_in(&cookie).await);
    Ok(())
}

/// A34: only our own names are served, and redirects never repeat a name from the request.
#[tokio::test]
async fn other_hosts_are_not_us() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    for host in ["evil.example", "127.0.0.1", "127.0.0.1:4780.evil.example", "127.0.0.1:4781", "127.0.0.1:4780@evil"] {
        let answer = door.send(door.get("/login").header("host", host)).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(!answer.text.contains("evil"), "{host}");
        // Every way back by a path would lead to the same wrong host.
        assert!(
            answer.text.contains("href=\"http://127.0.0.1:4780/\"") && !answer.text.contains("href=\"/\""),
            "{}",
            answer.text
        );
    }
    assert_eq!(door.send(door.get("/login").without("host")).await.status, StatusCode::MISDIRECTED_REQUEST);
    let forwarded =
        door.get("/events").header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example");
    assert_eq!(door.send(forwarded).await.header("location"), "/login?next=%2Fevents");
    assert_eq!(door.send(door.get("/health/live").header("host", "10.0.0.7:4780")).await.status, StatusCode::OK);
    Ok(())
}

/// Past the proxy, on plain HTTP, nobody is answered but whoever asks for our health.
#[tokio::test]
async fn behind_a_proxy_only_the_proxy_is_answered() -> Outcome {
    let settings =
        [("LISTEN", "0.0.0.0:80"), ("PUBLIC_URL", "https://stock.example.com"), ("TRUSTED_PROXIES", "10.0.0.0/8")];
    let door = Door::with(&settings).await?;
    door.accounts.add(&truecount::operator::accounts::Accounts::console(), "Kim", Role::Admin, PASSWORD).await?;
    for peer in ["203.0.113.9", "127.0.0.1", "::1"] {
        for ask in [
            door.get("/login"),
            door.form("/login", &[("name", "Kim"), ("password", PASSWORD)]),
            door.ask(Method::POST, "/hooks/abc"),
            door.get("/favicon.svg"),
        ] {
            let answer = door.send(ask.from(peer).header("x-forwarded-for", "10.0.0.1")).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{peer}");
            assert!(answer.text.contains("https://stock.example.com") && answer.text.contains("TRUSTED_PROXIES"));
            assert_eq!(answer.cookie(), None, "{peer}");
        }
        assert_eq!(door.send(door.get("/health/live").from(peer)).await.status, StatusCode::OK, "{peer}");
    }
    assert_eq!(door.send(door.get("/login").from("10.1.2.3")).await.status, StatusCode::OK);
    assert_eq!(door.send(door.get("/login").from("::ffff:10.1.2.3")).await.status, StatusCode::OK);
    Ok(())
}

/// A46 (line breaks) and A47 (another site): `next` leads to a path of ours or to the first page.
#[tokio::test]
async fn next_never_leaves_the_house() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let bad = [
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: a=b",
        "/ok\nLocation: //evil.example",
        "evil.example",
        "",
        "/\u{e9}",
        "/\u{0}",
        "/\t/evil.example",
    ];
    for next in bad {
        door.later(truecount::domain::time::Span::minutes(1));
        let fields = [("name", "Kim"), ("password", PASSWORD), ("next", next)];
        let answer = door.send(door.form("/login", &fields)).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{next:?}");
        let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = door.send(door.get(&format!("/login?next={encoded}"))).await;
        assert!(!page.text.contains("evil") && !page.text.contains("alert"), "{next:?}");
    }
    Ok(())
}

/// A23 (frames), and the rest of the headers, on pages, failures, files and hooks alike.
#[tokio::test]
async fn every_answer_carries_the_headers() -> Outcome {
    let door = Door::with_person("Kim", Role::Admin).await?;
    let mut nonces = std::collections::BTreeSet::new();
    let asks = [
        door.get("/login"),
        door.get("/nowhere"),
        door.get("/favicon.svg"),
        door.get("/health/ready"),
        door.get("/login").header("host", "evil.example"),
        door.ask(Method::TRACE, "/"),
        door.ask(Method::POST, "/hooks/abc"),
        door.raw_form("/logout", &[]),
    ];
    for ask in asks {
        let answer = door.send(ask).await;
        let policy = answer.header("content-security-policy").to_owned();
        for part in [
            "default-src 'none'",
            "'wasm-unsafe-eval'",
            "style-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("").to_owned();
        assert_eq!(nonce.len(), 32, "{policy}");
        assert!(nonces.insert(nonce), "a nonce is used once");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value);
        }
        assert!(answer.header("permissions-policy").contains("camera=()"));
        assert_eq!(answer.header("strict-transport-security"), "", "not over plain HTTP");
        assert_eq!(answer.header("x-request-id").len(), 10);
        assert_eq!(answer.header("server"), "");
    }
    assert_eq!(door.send(door.get("/login")).await.header("cache-control"), "no-store");
    let https = Door::with(&[("PUBLIC_URL", "https://stock.example.com"), ("TRUSTED_PROXIES", "127.0.0.1")]).await?;
    let answer = https.send(https.get("/login")).await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
    Ok(())
}

/// A58: TRACE and other methods, metrics, source maps, hidden files, folders.
#[tokio::test]
async fn nothing_else_is_to_be_had() -> Outcome {
    let door = Door::open().await?;
    for method in [Method::TRACE, Method::PUT, Method::DELETE, Method::OPTIONS, Method::CONNECT, Method::PATCH] {
        let answer = door.send(door.ask(method.clone(), "/login")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    }
    for path in ["/metrics", "/.git/config", "/pkg/", "/pkg", "/pkg/truecount.4f1c2a9b.js.map", "/health", "/health/"] {
        assert_eq!(door.send(door.get(path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(door.send(door.get("/health/ready")).await.text, "ready\n");
    Ok(())
}

#[tokio::test]
async fn a_panic_becomes_a_page_with_a_number() -> Outcome {
    let door = Door::open().await?;
    async fn fall() -> &'static str {
        panic!("secret-detail-4711")
    }
    let router =
        Router::new().route("/fall", get(fall)).layer(from_fn_with_state(door.state.clone(), security::numbered));
    let Ok(response) = router.oneshot(door.get("/fall").request).await;
    let answer = Answer::of(response).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains(answer.header("x-request-id")) && answer.header("x-request-id").len() == 10);
    assert!(!answer.text.contains("4711"), "no detail for strangers");
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    Ok(())
}
