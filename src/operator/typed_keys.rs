//! What a person types to open a system, and the credential that is made of it.

use super::new_connection::{wrong_secret, wrong_token};
use crate::connectors::credential::{Credential, OAuth1, OAuth2};
use crate::domain::system::System;
use crate::domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The fields of all systems together; what a system does not ask for stays empty. Never printed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TypedKeys {
    /// Access token (Centra, X-Series, Magento).
    pub token: String,
    /// Magento.
    pub consumer_key: String,
    /// Magento.
    pub consumer_secret: String,
    /// Magento.
    pub token_secret: String,
    /// R-Series.
    pub client_id: String,
    /// R-Series.
    pub client_secret: String,
    /// R-Series.
    pub refresh_token: String,
}

impl TypedKeys {
    /// One token and nothing else.
    pub fn token(token: impl Into<String>) -> Self {
        Self { token: token.into(), ..Self::default() }
    }

    /// What was typed into a field.
    pub fn get(&self, field: &str) -> &str {
        let text = match field {
            "token" => &self.token,
            "consumer_key" => &self.consumer_key,
            "consumer_secret" => &self.consumer_secret,
            "token_secret" => &self.token_secret,
            "client_id" => &self.client_id,
            "client_secret" => &self.client_secret,
            "refresh_token" => &self.refresh_token,
            _ => "",
        };
        text.trim()
    }

    /// Whether nothing at all was typed that this system asks for.
    pub fn is_empty(&self, system: System) -> bool {
        system.keys().iter().all(|key| self.get(key.name).is_empty())
    }

    /// What opens this system, as it is kept; or every mistake, one sentence for each field.
    pub fn credential(&self, system: System) -> Result<SecretString, Vec<String>> {
        // Of Magento's four all are needed, or the access token alone.
        let signs = system == System::Magento
            && ["consumer_key", "consumer_secret", "token_secret"].iter().any(|name| !self.get(name).is_empty());
        let mistakes: Vec<String> = system
            .keys()
            .iter()
            .filter(|key| !key.optional || signs)
            .filter_map(|key| match key.name {
                "token" => wrong_token(self.get("token")),
                name => wrong_key(key.label, self.get(name)),
            })
            .collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let secret = |name: &str| SecretString::from(self.get(name).to_owned());
        let credential = match system {
            System::Magento if signs => Credential::OAuth1(OAuth1 {
                consumer_key: self.get("consumer_key").to_owned(),
                consumer_secret: secret("consumer_secret"),
                token: self.get("token").to_owned(),
                token_secret: secret("token_secret"),
            }),
            // No access token yet: the first call exchanges the refresh token for a pair.
            System::LightspeedR => Credential::OAuth2(OAuth2 {
                client_id: self.get("client_id").to_owned(),
                client_secret: secret("client_secret"),
                access: SecretString::from(String::new()),
                refresh: secret("refresh_token"),
                expires_at: Timestamp(0),
            }),
            System::Centra | System::LightspeedX | System::Magento => Credential::Bearer(secret("token")),
        };
        Ok(credential.write())
    }

    /// The end of the key by which people know it; nothing of a short one.
    pub fn hint(&self, system: System) -> String {
        let key = if system == System::LightspeedR { self.get("client_id") } else { self.get("token") };
        super::add_connection::key_hint(key)
    }

    /// Whether a kept credential was made of these.
    pub(super) fn made(&self, system: System, kept: &str) -> bool {
        self.credential(system).is_ok_and(|made| made.expose_secret() == kept)
    }
}

fn wrong_key(label: &str, given: &str) -> Option<String> {
    if given.is_empty() {
        return Some(format!("Paste the {}; it is missing.", label.to_lowercase()));
    }
    let unseen = !given.bytes().all(|byte| byte.is_ascii_graphic());
    if unseen {
        return Some(format!(
            "The {} has a blank or a letter inside that no key has. Paste it alone.",
            label.to_lowercase()
        ));
    }
    wrong_secret(given).map(|_| {
        format!(
            "The {} has {} characters; no system makes one like that. Paste all of it, and nothing else.",
            label.to_lowercase(),
            given.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four() -> TypedKeys {
        TypedKeys {
            token: "access-token-1".into(),
            consumer_key: "consumer-key-1".into(),
            consumer_secret: "consumer-secret-1".into(),
            token_secret: "token-secret-1".into(),
            ..TypedKeys::default()
        }
    }

    #[test]
    fn each_system_is_opened_in_its_own_form() {
        let form = |keys: &TypedKeys, system| {
            let kept = keys.credential(system).expect("complete");
            Credential::read(kept.expose_secret()).expect("ours")
        };
        assert!(matches!(form(&four(), System::Magento), Credential::OAuth1(four) if four.token == "access-token-1"));
        assert!(matches!(form(&TypedKeys::token("access-token-1"), System::Magento), Credential::Bearer(_)));
        assert!(matches!(form(&TypedKeys::token("access-token-1"), System::Centra), Credential::Bearer(_)));
        let pair = TypedKeys {
            client_id: "application-1".into(),
            client_secret: "client-secret-1".into(),
            refresh_token: "refresh-token-1".into(),
            ..TypedKeys::default()
        };
        let Credential::OAuth2(pair) = form(&pair, System::LightspeedR) else { panic!("another form") };
        assert_eq!((pair.refresh.expose_secret(), pair.expires_at), ("refresh-token-1", Timestamp(0)));
    }

    #[test]
    fn half_a_set_of_keys_names_what_is_missing() {
        let said = |keys: TypedKeys, system| keys.credential(system).expect_err("incomplete").join(" ");
        let said_of_three = said(TypedKeys { token_secret: String::new(), ..four() }, System::Magento);
        assert_eq!(said_of_three, "Paste the access token secret; it is missing.");
        let of_none = said(TypedKeys::default(), System::LightspeedR);
        for word in ["client id", "client secret", "refresh token"] {
            assert!(of_none.contains(&format!("Paste the {word};")), "{of_none}");
        }
        let blank = said(TypedKeys { consumer_key: "two words".into(), ..four() }, System::Magento);
        assert!(blank.contains("consumer key has a blank"), "{blank}");
        let long = said(TypedKeys { consumer_secret: "x".repeat(5_000), ..four() }, System::Magento);
        assert!(long.contains("5000 characters"), "{long}");
    }

    #[test]
    fn only_what_a_system_asks_for_counts() {
        assert!(four().is_empty(System::LightspeedR) && !four().is_empty(System::Magento));
        assert!(four().made(System::Centra, "access-token-1"), "a plain token is kept as itself");
        assert_eq!(four().hint(System::Magento), "en-1");
    }
}
