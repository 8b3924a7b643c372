//! Scripts, styles and icons, and nothing beside them.

use crate::door::{Door, Outcome};
use http::{Method, StatusCode};

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

#[tokio::test]
async fn pages_work_without_the_browser_half() -> Outcome {
    let door = Door::with(&[]).await?;
    std::fs::remove_dir_all(door.folder.path().join("site"))?;
    assert_eq!(door.send(door.get("/setup")).await.status, StatusCode::OK);
    assert_eq!(door.send(door.get("/pkg/truecount.4f1c2a9b.js")).await.status, StatusCode::NOT_FOUND);
    Ok(())
}
