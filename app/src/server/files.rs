//! The built browser half: scripts, WebAssembly, styles and icons, from a folder or baked into the executable.
//!
//! A name is letters, digits, dots, dashes and slashes, and is looked up as it stands: nothing is decoded, nothing
//! climbs, nothing hidden is shown, no folder is listed. Without any files pages still work as plain HTML.

use super::AppState;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

#[cfg(feature = "embed")]
static EMBEDDED: include_dir::Dir<'static> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/../target/site");

/// Kinds of files that are shown; source maps and anything unknown are not.
const SHOWN: &[&str] = &["js", "wasm", "css", "svg", "png", "ico", "txt", "webmanifest", "woff2"];
/// Longest name.
const LONGEST: usize = 200;

/// The built browser half.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    assets: std::sync::OnceLock<Assets>,
}

/// Addresses of the three files every page names; absent when the browser half was not built. Their names are fixed, so
/// browsers ask each time whether they changed: a page that was open while they were built anew still finds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// `/pkg/truecount.js`
    pub js: Option<String>,
    /// `/pkg/truecount.wasm`
    pub wasm: Option<String>,
    /// `/pkg/truecount.css`
    pub css: Option<String>,
}

impl Site {
    /// The files under this folder.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), assets: std::sync::OnceLock::new() }
    }

    /// The addresses that pages name. Looked up at each page until the browser half is complete: it may still be
    /// under construction when the first page is served.
    pub fn assets(&self) -> Assets {
        if let Some(assets) = self.assets.get() {
            return assets.clone();
        }
        let names = names(&self.folder);
        let find = |ending: &str| {
            let named = |name: &&String| name.starts_with("truecount") && name.ends_with(ending);
            names.iter().find(named).map(|name| format!("/pkg/{name}"))
        };
        let assets = Assets { js: find(".js"), wasm: find(".wasm"), css: find(".css") };
        if assets.js.is_some() && assets.wasm.is_some() && assets.css.is_some() {
            return self.assets.get_or_init(|| assets).clone();
        }
        assets
    }

    #[cfg(feature = "embed")]
    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        if let Some(file) = EMBEDDED.get_file(name) {
            return Some(file.contents().to_vec());
        }
        tokio::fs::read(self.folder.join(name)).await.ok()
    }

    #[cfg(not(feature = "embed"))]
    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        tokio::fs::read(self.folder.join(name)).await.ok()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("pkg"))
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    #[cfg(feature = "embed")]
    if let Some(pkg) = EMBEDDED.get_dir("pkg") {
        names = pkg.files().filter_map(|file| Some(file.path().file_name()?.to_str()?.to_owned())).collect();
    }
    names.sort();
    names
}

/// The name of a file that may be shown, from the path as it was sent.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let known = name.rsplit_once('.').is_some_and(|(_, ending)| SHOWN.contains(&ending));
    let calm = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    (name.len() <= LONGEST && name.chars().all(plain) && known && calm).then_some(name)
}

/// A name with a hash in it never changes its content: `truecount.4f1c2a9b.js`, `inline-0f3d99c1.js`.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("pkg/")
        && file.split(['.', '-', '_']).skip(1).any(|part| {
            part.len() >= 8
                && part.chars().all(|c| c.is_ascii_alphanumeric())
                && part.chars().any(|c| c.is_ascii_digit())
        })
}

fn content_type(name: &str) -> HeaderValue {
    let text = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("wasm") => "application/wasm".to_owned(),
        Some("js") => "text/javascript; charset=utf-8".to_owned(),
        Some("css") => "text/css; charset=utf-8".to_owned(),
        Some("webmanifest") => "application/manifest+json".to_owned(),
        _ => mime_guess::from_path(name).first_or_octet_stream().to_string(),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// Answers with a file, where there is one of this name; everything else is asked further in.
pub(super) async fn or_further(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match file(&state, request.method(), request.uri(), request.headers()).await {
        Some(response) => response,
        None => {
            let mut response = next.run(request).await;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    }
}

async fn file(state: &AppState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let name = name(uri.path()).filter(|_| matches!(*method, Method::GET | Method::HEAD))?;
    let content = state.site.read(name).await?;
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&content)).chars().take(32).collect::<String>());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = match (known, method) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, &Method::HEAD) => Body::empty().into_response(),
        (false, _) => Body::from(content).into_response(),
    };
    let cache = if is_hashed(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CONTENT_TYPE, content_type(name));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A59: names that climb, hide or are encoded are no names.
    #[test]
    fn only_plain_names_are_looked_up() {
        for good in ["/pkg/truecount.js", "/favicon.svg", "/pkg/snippets/a-b_c/inline0.js"] {
            assert_eq!(name(good), good.strip_prefix('/'));
        }
        for bad in [
            "/../Cargo.txt",
            "/pkg/../../x.js",
            "/pkg/..%2fx.js",
            "/pkg/%2e%2e/x.js",
            "/.git/x.txt",
            "//x.js",
            "/pkg/",
            "/pkg/a\\b.js",
            "/pkg/truecount.js.map",
            "/truecount.db",
            "/truecount.key",
            "/pkg/x",
            "/pkg/.x.js",
            "x.js",
            "",
        ] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(is_hashed("pkg/truecount.4f1c2a9b.js"));
        assert!(is_hashed("pkg/truecount-4f1c2a9b77.wasm"));
        assert!(!is_hashed("pkg/truecount.js"));
        assert!(!is_hashed("pkg/truecount_bg.wasm"));
        assert!(!is_hashed("favicon.4f1c2a9b.svg"));
    }
}
