//! What every request must be and every answer must carry.
//!
//! Nothing here trusts a header that a stranger can write: the host must be ours, the origin of a form must be
//! ours, and forwarded addresses count only when they come from a proxy named in the settings.

use super::AppState;
use super::web::{ClientAddress, Nonce, PageContext, RequestId, error_page, error_page_saying};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tracing::Instrument;
use truecount::config::Config;

/// Longest time to make a page.
const PAGE_TIME: Duration = Duration::from_secs(20);
/// A year, with everything below this host.
const HSTS: &str = "max-age=31536000; includeSubDomains";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Number of the request, in the answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The hosts and origins that are us.
#[derive(Debug)]
pub struct Hosts {
    https: bool,
    authorities: Vec<String>,
}

impl Hosts {
    /// The public address; over plain HTTP on this machine also its other names.
    pub fn of(config: &Config) -> Self {
        let https = config.public.https;
        let mut authorities = vec![config.public.authority.clone()];
        if !https && config.listen.ip().is_loopback() {
            let port = config.listen.port();
            authorities.extend(["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")));
        }
        Self { https, authorities }
    }

    fn knows_host(&self, host: &str) -> bool {
        let own = if self.https { ":443" } else { ":80" };
        let host = host.to_ascii_lowercase();
        self.authorities.iter().any(|known| known == host.strip_suffix(own).unwrap_or(&host))
    }

    /// `Origin` of a page: for plain HTTP on this machine it must also be the very host the request went to.
    fn knows_origin(&self, origin: &str, host: Option<&str>) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let right_scheme = scheme == if self.https { "https" } else { "http" };
        right_scheme && self.knows_host(authority) && host.is_none_or(|host| host.eq_ignore_ascii_case(authority))
    }
}

fn host_of(request: &Request) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => text(request.headers(), &header::HOST),
    }
}

/// The one value of a header; a header sent twice has none.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}

async fn refuse(state: &AppState, request: Request, status: StatusCode) -> Response {
    let (mut parts, _) = request.into_parts();
    let Ok(page) = PageContext::from_request_parts(&mut parts, state).await;
    error_page(state, &page, status)
}

/// Gives the request its number, puts it on every log line below, and turns a panic into an answer.
pub async fn numbered(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = RequestId(hex::encode(state.mint.bytes::<5>()).into());
    let nonce = Nonce(hex::encode(state.mint.bytes::<16>()).into());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(nonce.clone());
    let span = tracing::info_span!("request", id = %id.0, method = %request.method(), path = request.uri().path());
    let caught = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = match caught {
        Ok(response) => response,
        Err(_) => {
            span.in_scope(|| tracing::error!("a handler panicked"));
            let page = PageContext {
                nonce: nonce.clone(),
                request_id: id.clone(),
                client: ClientAddress(IpAddr::from([0, 0, 0, 0])),
                here: Default::default(),
            };
            let mut response = error_page(&state, &page, StatusCode::INTERNAL_SERVER_ERROR);
            secure(&state, &nonce, response.headers_mut());
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    };
    let status = response.status();
    span.in_scope(|| tracing::debug!(status = status.as_u16(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Writes the headers of every answer.
pub async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let nonce = request.extensions().get::<Nonce>().cloned().unwrap_or_else(|| Nonce("".into()));
    let mut response = next.run(request).await;
    secure(&state, &nonce, response.headers_mut());
    response
}

fn secure(state: &AppState, nonce: &Nonce, headers: &mut HeaderMap) {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'",
        nonce.0
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        (
            "permissions-policy",
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
             microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if state.config.public.https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

/// Pages with data stay in no cache.
pub async fn never_stored(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reading, and sending forms; nothing else.
pub async fn allowed_methods(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        return next.run(request).await;
    }
    let mut response = refuse(&state, request, StatusCode::METHOD_NOT_ALLOWED).await;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    response
}

/// A request for another host is not for us; health is asked by machines that only know the port.
pub async fn known_host(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let known = host_of(&request).is_some_and(|host| state.hosts.knows_host(host));
    if known || request.uri().path().starts_with("/health/") {
        return next.run(request).await;
    }
    // Strangers write these lines: at a level that is on for everybody they would fill the log.
    tracing::debug!("a request for an unknown host was refused");
    refuse(&state, request, StatusCode::MISDIRECTED_REQUEST).await
}

/// Whatever may change something must come from our own pages; a neighbour on the same site is a stranger.
pub async fn same_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) || is_ours(&state.hosts, &request) {
        return next.run(request).await;
    }
    tracing::debug!(path = request.uri().path(), "a form from another origin was refused");
    let (mut parts, _) = request.into_parts();
    let Ok(page) = PageContext::from_request_parts(&mut parts, &state).await;
    let text = "Nothing was changed. Open the page again and send the form from there.";
    error_page_saying(&state, &page, StatusCode::FORBIDDEN, "That form did not come from our own page", text)
}

fn is_ours(hosts: &Hosts, request: &Request) -> bool {
    let headers = request.headers();
    if headers.contains_key(SEC_FETCH_SITE) {
        return text(headers, &SEC_FETCH_SITE) == Some("same-origin");
    }
    text(headers, &header::ORIGIN).is_some_and(|origin| hosts.knows_origin(origin, host_of(request)))
}

/// Whether a browser says, in either of the two ways, that a page of another origin asks.
pub(super) fn is_foreign(hosts: &Hosts, headers: &HeaderMap) -> bool {
    let ours = |site: &str| matches!(site, "same-origin" | "none");
    let host = text(headers, &header::HOST);
    let site_is_foreign = headers.contains_key(SEC_FETCH_SITE) && !text(headers, &SEC_FETCH_SITE).is_some_and(ours);
    let known = text(headers, &header::ORIGIN).is_some_and(|origin| hosts.knows_origin(origin, host));
    site_is_foreign || headers.contains_key(header::ORIGIN) && !known
}

/// Behind a proxy only the proxy is answered: whoever reaches us past it would send passwords in the clear, under
/// an address that nobody can vouch for. Health is asked by machines on the inside.
pub async fn only_the_proxy(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let config = &state.config;
    let trusted = |peer: IpAddr| config.trusted_proxies.iter().any(|network| network.contains(peer));
    let needs_proxy = config.public.https && config.tls.is_none();
    if !needs_proxy || trusted(peer_of(&request)) || request.uri().path().starts_with("/health/") {
        return next.run(request).await;
    }
    tracing::debug!("a request past the proxy was refused");
    let (mut parts, _) = request.into_parts();
    let Ok(page) = PageContext::from_request_parts(&mut parts, &state).await;
    let text = format!(
        "Open {} instead. If you came from there, TRUSTED_PROXIES does not name the proxy that you came through.",
        config.public.origin()
    );
    let title = "Only the proxy is answered here";
    error_page_saying(&state, &page, StatusCode::MISDIRECTED_REQUEST, title, &text)
}

fn peer_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| peer.ip().to_canonical())
}

/// Where the request comes from: the peer, or what a trusted proxy says about it.
pub async fn client_address(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = forwarded(&state.config, peer_of(&request), request.headers());
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

/// Walks `X-Forwarded-For` from the right as long as the speaker is trusted; what a stranger wrote further left is
/// never read.
fn forwarded(config: &Config, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address: IpAddr| config.trusted_proxies.iter().any(|network| network.contains(address));
    let said: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut address = peer;
    for said in said.into_iter().rev() {
        if !trusted(address) {
            break;
        }
        let Some(next) = spoken_of(said.trim()) else { break };
        address = next.to_canonical();
    }
    address
}

/// An address as proxies write it: bare, in brackets, or with the port.
fn spoken_of(said: &str) -> Option<IpAddr> {
    let bracketed = || said.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    let with_port = || said.parse::<SocketAddr>().ok().map(|address| address.ip());
    said.parse().ok().or_else(with_port).or_else(bracketed)
}

/// The pages of the framework for what it refuses by itself become ours, with a way back. Pages answer in HTML; what
/// is plain text and an error came from below them.
pub async fn own_words(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(page) = PageContext::from_request_parts(&mut parts, &state).await;
    let sent = parts.method == Method::POST;
    let response = next.run(Request::from_parts(parts, body)).await;
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let status = match response.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    let refused = matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    if !plain || !refused {
        return response;
    }
    let mut ours = match status {
        StatusCode::BAD_REQUEST if !sent => {
            let text = "It was moved, or the address is not complete.";
            error_page_saying(&state, &page, status, "This address cannot be read", text)
        }
        status => error_page(&state, &page, status),
    };
    for name in [header::ALLOW, header::SET_COOKIE] {
        if let Some(value) = response.headers().get(&name) {
            ours.headers_mut().insert(name, value.clone());
        }
    }
    ours
}

/// A page that takes too long is given up; forms are not, they finish what they began.
pub async fn time_limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(page) = PageContext::from_request_parts(&mut parts, &state).await;
    match tokio::time::timeout(PAGE_TIME, next.run(Request::from_parts(parts, body))).await {
        Ok(response) => response,
        Err(_) => {
            let path = page.here.as_str().split('?').next().unwrap_or("/");
            tracing::error!(path, "a page took too long");
            error_page(&state, &page, StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn config(proxies: &str) -> Result<Config, truecount::config::Mistakes> {
        let pairs = [("PUBLIC_URL", "https://stock.example.com"), ("TRUSTED_PROXIES", proxies)];
        Config::read(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>())
    }

    /// A33: only what trusted proxies wrote is believed, from the right.
    #[test]
    fn forwarded_addresses_count_from_trusted_proxies_only() -> Result<(), Box<dyn std::error::Error>> {
        let config = config("10.0.0.0/8")?;
        let from = |peer: &str, said: &[&'static str]| -> Result<String, std::net::AddrParseError> {
            let mut headers = HeaderMap::new();
            for said in said {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(said));
            }
            Ok(forwarded(&config, peer.parse()?, &headers).to_string())
        };
        assert_eq!(from("203.0.113.5", &["198.51.100.1"])?, "203.0.113.5");
        assert_eq!(from("10.0.0.1", &["198.51.100.1"])?, "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["192.0.2.99, 198.51.100.1, 10.0.0.2"])?, "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["192.0.2.99", "198.51.100.1"])?, "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["198.51.100.1:5678"])?, "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["[2001:db8::1]:443, 10.0.0.2:1"])?, "2001:db8::1");
        assert_eq!(from("10.0.0.1", &["[2001:db8::1]"])?, "2001:db8::1");
        assert_eq!(from("10.0.0.1", &["198.51.100.1, nonsense"])?, "10.0.0.1");
        assert_eq!(from("10.0.0.1", &[])?, "10.0.0.1");
        Ok(())
    }

    #[test]
    fn hosts_and_origins_are_compared_whole() -> Result<(), Box<dyn std::error::Error>> {
        let hosts = Hosts::of(&config("10.0.0.0/8")?);
        assert!(hosts.knows_host("stock.example.com"));
        assert!(hosts.knows_host("Stock.Example.com:443"));
        for stranger in ["stock.example.com:80", "stock.example.com.evil.example", "evil.example", "", "127.0.0.1:4780"]
        {
            assert!(!hosts.knows_host(stranger), "{stranger}");
        }
        assert!(hosts.knows_origin("https://stock.example.com", Some("stock.example.com")));
        for stranger in ["http://stock.example.com", "null", "https://a.stock.example.com", "stock.example.com"] {
            assert!(!hosts.knows_origin(stranger, None), "{stranger}");
        }
        Ok(())
    }
}
