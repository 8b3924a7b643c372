//! The small words that every page and form shares: where a redirect may go, who a request comes from, how a
//! form is read, and what a failure looks like.

use super::AppState;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use truecount::operator::OperatorError;

/// Time in which a form has to arrive.
const FORM_TIME: Duration = Duration::from_secs(15);
/// Longest local path we redirect to.
const LONGEST_PATH: usize = 2_000;

/// The nonce of this response's content security policy; scripts in the page must carry it. Request extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(pub Arc<str>);

/// Short number of this request, shown to people on failures and written into every log line. Request extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// Where the request comes from, after trusted proxies. Request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What tries are counted by: whoever has one address of IPv6 has all 2^64 beside it, so those count as one.
    pub fn counted(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => IpAddr::from((address.to_bits() & (u128::MAX << 64)).to_be_bytes()),
            address => address,
        }
    }
}

/// What every page needs from its request. An extractor that never refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageContext {
    /// For the scripts of the page.
    pub nonce: Nonce,
    /// For the administrator.
    pub request_id: RequestId,
    /// For limits and the log.
    pub client: ClientAddress,
    /// The page itself: path and query.
    pub here: LocalPath,
}

impl<S: Sync> FromRequestParts<S> for PageContext {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let unknown = || Arc::<str>::from("");
        Ok(Self {
            nonce: parts.extensions.get::<Nonce>().cloned().unwrap_or_else(|| Nonce(unknown())),
            request_id: parts.extensions.get::<RequestId>().cloned().unwrap_or_else(|| RequestId(unknown())),
            client: parts
                .extensions
                .get::<ClientAddress>()
                .copied()
                .unwrap_or(ClientAddress(IpAddr::from([0, 0, 0, 0]))),
            here: LocalPath::of(&parts.uri),
        })
    }
}

/// A path on this site and nothing else: what is not one becomes `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl LocalPath {
    /// Takes what somebody typed or sent. Another host, another scheme, control characters and backslashes (which
    /// browsers read as slashes) all become `/`.
    pub fn parse(text: &str) -> Self {
        let mut chars = text.chars();
        let rooted = chars.next() == Some('/') && chars.next() != Some('/');
        let plain = text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>'));
        if rooted && plain && text.len() <= LONGEST_PATH { Self(text.to_owned()) } else { Self::default() }
    }

    /// The path and query of an address.
    pub fn of(uri: &http::Uri) -> Self {
        uri.path_and_query().map_or_else(Self::default, |path| Self::parse(path.as_str()))
    }

    /// The path as text; it is a valid header value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `303 See Other` to there: after a form, so that reloading does not send it again.
    pub fn redirect(&self) -> Response {
        Redirect::to(&self.0).into_response()
    }

    /// The log-in page that leads back to there.
    pub fn via_login(&self) -> LocalPath {
        if self.0 == "/" {
            return LocalPath("/login".to_owned());
        }
        let next: String = form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        LocalPath(format!("/login?next={next}"))
    }
}

impl std::fmt::Display for LocalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fields of a form. Unknown fields are ignored, a field sent twice is refused, and it must arrive in time.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(page) = PageContext::from_request_parts(&mut parts, state).await;
        let request = Request::from_parts(parts, body);
        match tokio::time::timeout(FORM_TIME, axum::Form::<T>::from_request(request, state)).await {
            Ok(Ok(axum::Form(fields))) => Ok(Self(fields)),
            Ok(Err(refused)) => {
                let status = match refused.into_response().status() {
                    StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                    status => status,
                };
                Err(error_page(state, &page, status))
            }
            Err(_) => Err(error_page(state, &page, StatusCode::REQUEST_TIMEOUT)),
        }
    }
}

/// Runs work that writes to its end, even when the browser goes away meanwhile: a dropped request must not leave a
/// transaction half way. `None` when it panicked.
pub async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    match tokio::spawn(work).await {
        Ok(done) => Some(done),
        Err(error) => {
            tracing::error!(panicked = error.is_panic(), "work behind a form did not finish");
            None
        }
    }
}

/// Text made safe for HTML, in content and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A page without any script, from HTML that is safe already.
pub fn plain_page(state: &AppState, page: &PageContext, status: StatusCode, title: &str, body: &str) -> Response {
    let style = state
        .site
        .assets()
        .css
        .as_ref()
        .map(|path| format!("<link rel=\"stylesheet\" href=\"{}\">", escape(path)))
        .unwrap_or_default();
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · Truecount</title>\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">{style}</head><body><main id=\"content\">{body}</main><!-- {id} --></body></html>",
        title = escape(title),
        id = escape(&page.request_id.0),
    );
    (status, Html(html)).into_response()
}

/// What failed, what is safe, what to press, and a short number for the administrator, in the words that fit the
/// status.
pub fn error_page(state: &AppState, page: &PageContext, status: StatusCode) -> Response {
    let (title, text) = failure_words(status);
    error_page_saying(state, page, status, title, text)
}

/// An error page in words of its own: what failed, and what is safe or what to give.
pub fn error_page_saying(
    state: &AppState,
    page: &PageContext,
    status: StatusCode,
    title: &str,
    text: &str,
) -> Response {
    let press = match status {
        // In a tab of its own: this one holds what was typed, and sends it again when it is reloaded.
        StatusCode::UNAUTHORIZED => {
            "<a href=\"/login\" target=\"_blank\" rel=\"noopener\">Log in in a new tab</a>".to_owned()
        }
        // Any way back from here would lead to the same wrong address.
        StatusCode::MISDIRECTED_REQUEST => {
            let origin = escape(&state.config.public.origin());
            format!("<a href=\"{origin}/\">Open {origin}</a>")
        }
        _ => "<a href=\"/\">Back to Today</a>".to_owned(),
    };
    let body = format!(
        "<h1>{}</h1><p>{}</p><p>{press}</p><p>Number for the administrator: <code>{}</code></p>",
        escape(title),
        escape(text),
        escape(&page.request_id.0)
    );
    let mut response = plain_page(state, page, status, title, &body);
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// The page for a question or command that was not carried out. What the database said goes to the log only.
pub fn operator_error_page(state: &AppState, page: &PageContext, error: &OperatorError) -> Response {
    match error {
        OperatorError::Forbidden => error_page(state, page, StatusCode::FORBIDDEN),
        OperatorError::NotFound => error_page(state, page, StatusCode::NOT_FOUND),
        OperatorError::Invalid(text) => {
            error_page_saying(state, page, StatusCode::UNPROCESSABLE_ENTITY, "That cannot be done as asked", text)
        }
        OperatorError::Conflict(text) => {
            error_page_saying(state, page, StatusCode::CONFLICT, "It changed while you were looking", text)
        }
        OperatorError::Store(_) => {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, request = %page.request_id.0, "a page failed");
            error_page(state, page, StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Title and sentence for a failure.
pub fn failure_words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("That form could not be read", "Nothing was changed. Go back and send it again."),
        StatusCode::UNAUTHORIZED => (
            "You are logged out",
            "Nothing was changed, and what you typed is not lost: log in in a new tab, come back to this one and reload \
             it. Your browser asks, and sends the form again as it was.",
        ),
        StatusCode::FORBIDDEN => (
            "Your role may not do that",
            "Nothing was changed. Roles are changed on the server, with “truecount user role”.",
        ),
        StatusCode::NOT_FOUND => ("There is nothing at this address", "It was moved, or the address is not complete."),
        StatusCode::METHOD_NOT_ALLOWED => ("This address does not take that", "Nothing was changed."),
        StatusCode::REQUEST_TIMEOUT => ("The form took too long to arrive", "Nothing was changed. Send it again."),
        StatusCode::CONFLICT => ("It changed while you were looking", "Nothing was changed. Look at it again."),
        StatusCode::PAYLOAD_TOO_LARGE => ("That is too much at once", "Nothing was changed. Send less."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "That is not how our forms are sent",
            "Nothing was changed. Open the page again and send the form from there.",
        ),
        StatusCode::MISDIRECTED_REQUEST => {
            ("This is not the address of this installation", "The right one is below; it is set as PUBLIC_URL.")
        }
        StatusCode::TOO_MANY_REQUESTS => ("Too many at once", "Nothing was changed. Wait a few seconds."),
        StatusCode::SERVICE_UNAVAILABLE => {
            ("This page took too long", "Nothing was changed. Try it again in a moment.")
        }
        _ => ("This page failed", "Nothing more is known here; the log says why. Try it again in a moment."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_on_this_site_are_followed() {
        for good in ["/", "/stock", "/stock?q=a%20b&page=2", "/sku/0190-ab#why"] {
            assert_eq!(LocalPath::parse(good).as_str(), good);
        }
        for bad in [
            "",
            "stock",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=1",
            "/a\tb",
            " /a",
            "/a b",
            "/ünder",
            "/\"><script>",
            "/\0",
        ] {
            assert_eq!(LocalPath::parse(bad).as_str(), "/", "{bad:?}");
        }
        assert_eq!(LocalPath::parse(&format!("/{}", "a".repeat(3_000))).as_str(), "/");
    }

    #[test]
    fn neighbours_in_ipv6_count_as_one() -> Result<(), std::net::AddrParseError> {
        let counted = |text: &str| text.parse().map(|ip| ClientAddress(ip).counted().to_string());
        assert_eq!(counted("2001:db8:1:2:3:4:5:6")?, "2001:db8:1:2::");
        assert_eq!(counted("2001:db8:1:2::9")?, "2001:db8:1:2::");
        assert_eq!(counted("2001:db8:1:3::9")?, "2001:db8:1:3::");
        assert_eq!(counted("::ffff:192.0.2.7")?, "192.0.2.7");
        assert_eq!(counted("192.0.2.7")?, "192.0.2.7");
        Ok(())
    }

    #[test]
    fn the_way_back_survives_the_log_in() {
        assert_eq!(LocalPath::parse("/stock?q=a&b=c").via_login().as_str(), "/login?next=%2Fstock%3Fq%3Da%26b%3Dc");
        assert_eq!(LocalPath::parse("/").via_login().as_str(), "/login");
    }
}
