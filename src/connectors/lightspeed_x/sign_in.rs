//! Signing in: the address that a person is sent to, what comes back from there, and the first pair of tokens.

use super::super::credential::OAuth2;
use super::super::door::ask_for_pair;
use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::transport::Transport;
use super::super::{Answer, Unreadable};
use super::TOKENS;
use crate::clock::Clock;
use crate::domain::ids::ConnectionId;
use crate::domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// Where people say yes.
pub const CONNECT_URL: &str = "https://secure.retail.lightspeed.app/connect";

/// What we ask to be allowed; a new connection without such a list is refused.
pub const SCOPES: [&str; 16] = [
    "products:read",
    "products:write",
    "inventory:read",
    "inventory:write",
    "sales:read",
    "sales:write",
    "fulfillments:read",
    "customers:read",
    "outlets:read",
    "registers:read",
    "payments:read",
    "payment_types:read",
    "taxes:read",
    "users:read",
    "retailer:read",
    "webhooks",
];

/// Our application at the vendor.
#[derive(Debug, Clone)]
pub struct Application {
    /// Names it.
    pub client_id: String,
    /// Proves that it is us; signs its notices too.
    pub client_secret: SecretString,
    /// Where people come back to; the same in both steps.
    pub redirect_uri: String,
}

/// What a person brings back.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Good for one pair.
    pub code: SecretString,
    /// The account, as the beginning of its address.
    pub domain_prefix: String,
    /// What we gave along; to be compared by whoever gave it.
    pub state: String,
}

/// The address that a person is sent to. `state` is a secret of this one visit.
pub fn address(application: &Application, state: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &application.client_id)
        .append_pair("redirect_uri", &application.redirect_uri)
        .append_pair("state", state)
        .append_pair("scope", &SCOPES.join(" "))
        .finish();
    format!("{CONNECT_URL}?{query}")
}

/// Reads what a person brings back. UNSURE: the names are those seen, not promised; `error` is what a refusal is called.
pub fn callback(query: &str) -> Result<Callback, Unreadable> {
    let (mut code, mut domain_prefix, mut state) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "code" => code = Some(SecretString::from(value.into_owned())),
            "domain_prefix" => domain_prefix = Some(value.into_owned()),
            "state" => state = Some(value.into_owned()),
            "error" => return Err(Unreadable::new("access was refused at the vendor")),
            _ => {}
        }
    }
    let missing = |name: &str| Unreadable::new(format!("the vendor sent nobody back with {name}"));
    let domain_prefix = domain_prefix.ok_or_else(|| missing("domain_prefix"))?;
    base_url(&domain_prefix)?;
    let code = code.filter(|code| !code.expose_secret().is_empty()).ok_or_else(|| missing("code"))?;
    Ok(Callback { code, domain_prefix, state: state.ok_or_else(|| missing("state"))? })
}

/// Where an account lives. Only what can be part of a host name is taken: it comes from outside, and our secret goes there.
pub fn base_url(domain_prefix: &str) -> Result<String, Unreadable> {
    let lawful = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = domain_prefix.starts_with('-') || domain_prefix.ends_with('-');
    if domain_prefix.is_empty() || domain_prefix.len() > 63 || edge || !domain_prefix.bytes().all(lawful) {
        return Err(Unreadable::new("this is no name of an account"));
    }
    Ok(format!("https://{domain_prefix}.retail.lightspeed.app"))
}

/// Changes a code for the first pair of tokens, which must be kept before its first use. A code serves once.
pub async fn first_pair(
    (transport, clock): (&dyn Transport, &dyn Clock),
    connection: &ConnectionId,
    base_url: &str,
    application: &Application,
    code: &SecretString,
) -> Result<Answer<OAuth2>, CallError> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", application.redirect_uri.as_str()),
    ];
    let nothing = OAuth2 {
        client_id: application.client_id.clone(),
        client_secret: application.client_secret.clone(),
        access: SecretString::default(),
        refresh: SecretString::default(),
        expires_at: Timestamp(0),
    };
    let (pair, exchange): (_, Exchange) =
        ask_for_pair((transport, clock), connection, (base_url, TOKENS), &fields, &nothing).await;
    let exchanges = vec![exchange];
    match pair {
        Ok(pair) if pair.refresh.expose_secret().is_empty() => {
            let reason = "there is no refresh token among the new keys".to_owned();
            Err(CallError { kind: CallErrorKind::Protocol { reason }, exchanges })
        }
        Ok(value) => Ok(Answer { value, exchanges }),
        Err(kind) => Err(CallError { kind, exchanges }),
    }
}
