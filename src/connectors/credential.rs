//! What opens a vendor's door, in the forms that the four vendors ask for.
//!
//! It is kept as one sealed text per connection: a plain token as itself, everything else as a small JSON object whose
//! `kind` says which form it is. A token never begins with a brace, so the two cannot be taken for one another.

use crate::domain::ids::ConnectionId;
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// What opens a vendor's door.
#[derive(Debug, Clone)]
pub enum Credential {
    /// One token, sent as it is (Centra, an X-Series personal token, a Magento integration where that is allowed).
    Bearer(SecretString),
    /// The four values of a Magento integration; every request is signed with them.
    OAuth1(OAuth1),
    /// A Lightspeed application's pair, which is changed for a new one again and again.
    OAuth2(OAuth2),
}

/// The four values of a Magento integration (Stores, Integrations).
#[derive(Debug, Clone)]
pub struct OAuth1 {
    /// Names the integration; sent with every request.
    pub consumer_key: String,
    /// Half of the signing key.
    pub consumer_secret: SecretString,
    /// Names the grant; sent with every request.
    pub token: String,
    /// The other half of the signing key.
    pub token_secret: SecretString,
}

/// A pair of tokens and the application they were given to.
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// Names the application.
    pub client_id: String,
    /// Proves that it is the application.
    pub client_secret: SecretString,
    /// Sent with every request until it expires.
    pub access: SecretString,
    /// Brings the next pair, once.
    pub refresh: SecretString,
    /// When `access` ends, by our clock and what the vendor said.
    pub expires_at: Timestamp,
}

/// Where a new pair is kept before its first use: losing it would lock us out.
#[async_trait]
pub trait TokenKeeper: Send + Sync {
    /// Keeps a pair for good; it may be used only after this has returned `Ok`. Refused when `before` is not what is
    /// kept: a person has given other keys, which the exchange of the old ones must not undo.
    async fn keep(&self, connection: &ConnectionId, before: &OAuth2, pair: &OAuth2) -> Result<(), NotKept>;
}

/// A new pair could not be written down; the old one is still what we have.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the new keys could not be kept: {0}")]
pub struct NotKept(pub String);

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Kept {
    Oauth1 { consumer_key: String, consumer_secret: String, token: String, token_secret: String },
    Oauth2 { client_id: String, client_secret: String, access: String, refresh: String, expires_at: i64 },
}

impl Credential {
    /// Reads what was kept. A text that begins with a brace and is none of our forms is an error, not a token.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with('{') {
            return Ok(Self::Bearer(SecretString::from(text.to_owned())));
        }
        let kept =
            serde_json::from_str(text).map_err(|_| "the keys of this connection are in a form we do not know")?;
        Ok(match kept {
            Kept::Oauth1 { consumer_key, consumer_secret, token, token_secret } => Self::OAuth1(OAuth1 {
                consumer_key,
                consumer_secret: consumer_secret.into(),
                token,
                token_secret: token_secret.into(),
            }),
            Kept::Oauth2 { client_id, client_secret, access, refresh, expires_at } => Self::OAuth2(OAuth2 {
                client_id,
                client_secret: client_secret.into(),
                access: access.into(),
                refresh: refresh.into(),
                expires_at: Timestamp(expires_at),
            }),
        })
    }

    /// As it is kept, to be sealed.
    pub fn write(&self) -> SecretString {
        let plain = |secret: &SecretString| secret.expose_secret().to_owned();
        let kept = match self {
            Self::Bearer(token) => return token.clone(),
            Self::OAuth1(four) => Kept::Oauth1 {
                consumer_key: four.consumer_key.clone(),
                consumer_secret: plain(&four.consumer_secret),
                token: four.token.clone(),
                token_secret: plain(&four.token_secret),
            },
            Self::OAuth2(pair) => Kept::Oauth2 {
                client_id: pair.client_id.clone(),
                client_secret: plain(&pair.client_secret),
                access: plain(&pair.access),
                refresh: plain(&pair.refresh),
                expires_at: pair.expires_at.micros(),
            },
        };
        // Texts and a number: nothing in it that JSON could not hold.
        SecretString::from(serde_json::to_string(&kept).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(credential: &Credential) -> Credential {
        Credential::read(credential.write().expose_secret()).expect("what we wrote")
    }

    #[test]
    fn each_form_comes_back_as_it_was_kept() {
        assert!(
            matches!(Credential::read("shptoken-1"), Ok(Credential::Bearer(t)) if t.expose_secret() == "shptoken-1")
        );
        let four = Credential::OAuth1(OAuth1 {
            consumer_key: "ck".into(),
            consumer_secret: "c\"s".to_owned().into(),
            token: "at".into(),
            token_secret: "ts".to_owned().into(),
        });
        assert!(matches!(again(&four), Credential::OAuth1(back) if back.consumer_secret.expose_secret() == "c\"s"));
        let pair = Credential::OAuth2(OAuth2 {
            client_id: "app".into(),
            client_secret: "cs".to_owned().into(),
            access: "a".to_owned().into(),
            refresh: "r".to_owned().into(),
            expires_at: Timestamp::from_secs(1_800_000_000),
        });
        let Credential::OAuth2(back) = again(&pair) else { panic!("another form") };
        assert_eq!((back.refresh.expose_secret(), back.expires_at), ("r", Timestamp::from_secs(1_800_000_000)));
    }

    #[test]
    fn what_is_no_form_of_ours_is_not_taken_for_a_token() {
        for text in ["{", "{}", r#"{"kind":"oauth3"}"#, r#"{"kind":"oauth1","token":"x"}"#] {
            assert!(Credential::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let pair = Credential::OAuth2(OAuth2 {
            client_id: "app".into(),
            client_secret: "secret-1".to_owned().into(),
            access: "secret-2".to_owned().into(),
            refresh: "secret-3".to_owned().into(),
            expires_at: Timestamp(0),
        });
        assert!(!format!("{pair:?}").contains("secret-"), "{pair:?}");
    }
}
