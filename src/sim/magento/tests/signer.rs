//! A signer of the test's own, so that the server's arithmetic is not checked with itself.

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use std::cmp::Ordering;

/// What goes into a signature, with everything that a situation may spoil.
#[derive(Clone)]
pub(super) struct Signing<'a> {
    pub(super) method: &'a str,
    /// The address that is signed, without a query.
    pub(super) url: &'a str,
    /// Query parameters that are signed, not encoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) key: &'a str,
    pub(super) secret: &'a str,
    pub(super) token: &'a str,
    pub(super) token_secret: &'a str,
    pub(super) nonce: &'a str,
    pub(super) at: i64,
    pub(super) algorithm: &'a str,
    /// Sort by bytes, as the standard says and the server does not.
    pub(super) by_bytes: bool,
    /// A parameter of the header that is left out.
    pub(super) without: &'a str,
}

fn escape(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_' || b == b'~';
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Letters one by one, runs of digits as numbers.
fn naturally(a: &str, b: &str) -> Ordering {
    let cut = |text: &str| -> Vec<(u64, String)> {
        let mut out: Vec<(u64, String)> = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let run: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if run.is_empty() {
                out.push((u64::from(u32::from(first)) << 32, first.to_string()));
                rest = &rest[first.len_utf8()..];
            } else {
                out.push((run.parse::<u64>().unwrap(), run.clone()));
                rest = &rest[run.len()..];
            }
        }
        out
    };
    cut(a).cmp(&cut(b))
}

/// The header that signs a request.
pub(super) fn authorization(with: &Signing<'_>) -> String {
    let at = with.at.to_string();
    let mut header = vec![
        ("oauth_consumer_key", with.key),
        ("oauth_token", with.token),
        ("oauth_signature_method", with.algorithm),
        ("oauth_timestamp", at.as_str()),
        ("oauth_nonce", with.nonce),
        ("oauth_version", "1.0"),
    ];
    header.retain(|(name, _)| *name != with.without);
    let mut all: Vec<(String, String)> = with.query.iter().map(|(n, v)| (escape(n), escape(v))).collect();
    all.extend(header.iter().map(|(n, v)| (escape(n), escape(v))));
    all.sort_by(|a, b| if with.by_bytes { a.0.cmp(&b.0) } else { naturally(&a.0, &b.0) });
    let joined = all.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&");
    let base = [with.method, &escape(with.url), &escape(&joined)].join("&");
    let key = format!("{}&{}", escape(with.secret), escape(with.token_secret));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(base.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    header.push(("oauth_signature", &signature));
    let parts: Vec<String> = header.iter().map(|(n, v)| format!("{n}=\"{}\"", escape(v))).collect();
    format!("OAuth {}", parts.join(", "))
}
