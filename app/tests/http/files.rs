//! Scripts, styles and icons, and nothing beside them.

use crate::door::{Door, Outcome};
use http::{Method, StatusCode};
use truecount::domain::access::Role;

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_others_asked_for_again() -> Outcome {
    let door = Door::open().await?;
    let script = door.send(door.get("/pkg/truecount.4f1c2a9b.js")).await;
    assert_eq!((script.status, script.text.as_str()), (StatusCode::OK, "export default 1;"));
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let wasm = door.send(door.get("/pkg/truecount.4f1c2a9b.wasm")).await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
    let icon = door.send(door.get("/favicon.svg")).await;
    assert_eq!((icon.header("cache-control"), icon.header("content-type")), ("no-cache", "image/svg+xml"));
    let again = door.send(door.get("/favicon.svg").header("if-none-match", icon.header("etag"))).await;
    assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let head = door.send(door.ask(Method::HEAD, "/favicon.svg")).await;
    assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
    let assets = door.state.site.assets();
    assert_eq!(assets.js.as_deref(), Some("/pkg/truecount.4f1c2a9b.js"));
    assert_eq!(assets.css, None);
    Ok(())
}

/// A59: climbing out, plain, encoded, twice encoded, or not even text.
#[tokio::test]
async fn nobody_climbs_out_of_the_folder() -> Outcome {
    let door = Door::open().await?;
    for path in [
        "/../outside.txt",
        "/pkg/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/..%5coutside.txt",
        "/%252e%252e/outside.txt",
        "/pkg/..;/outside.txt",
        "/pkg//../../outside.txt",
        "/.%2e/outside.txt",
        "/%ff%fe.txt",
        "/pkg/%00.js",
        "/truecount.db",
        "/outside.txt",
        "/pkg/....//outside.txt",
    ] {
        let answer = door.send(door.get(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text.contains("not for you"), "{path}");
    }
    Ok(())
}

/// One look for all that is not there: the bar and the search for whoever is signed in, whichever address it is.
/// Strangers, forms and what a browser fetches by itself get the short page.
#[tokio::test]
async fn what_is_not_there_has_one_look() -> Outcome {
    let door = Door::with_person("Kim", Role::Store).await?;
    let cookie = door.login("Kim").await?;
    for (ask, framed) in [
        (door.get("/stock/nope").cookie(&cookie), true),
        (door.get("/nothing").cookie(&cookie), true),
        (door.get("/problems").cookie(&cookie), true),
        (door.get("/a/b/c?q=1").cookie(&cookie), true),
        (door.get("/nothing"), false),
        (door.get("/apple-touch-icon.png").cookie(&cookie), false),
        (door.form("/nothing", &[]).cookie(&cookie), false),
    ] {
        let path = ask.request.uri().to_string();
        let answer = door.send(ask).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("There is nothing at this address"), "{path}: {}", answer.text);
        assert_eq!(answer.text.contains("role=\"search\""), framed, "{path}: {}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_work_without_the_browser_half() -> Outcome {
    let door = Door::with(&[]).await?;
    std::fs::remove_dir_all(door.folder.path().join("site"))?;
    assert_eq!(door.send(door.get("/setup")).await.status, StatusCode::OK);
    assert_eq!(door.send(door.get("/pkg/truecount.4f1c2a9b.js")).await.status, StatusCode::NOT_FOUND);
    Ok(())
}
