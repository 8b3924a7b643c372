//! Where a vendor's door is, what opens it and what its notices are signed with; all may be changed while everything
//! runs.

use crate::domain::time::Timestamp;
use secrecy::SecretString;
use std::sync::{PoisonError, RwLock};

/// The keys of one connection as they stand.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Base address of the vendor's API.
    pub base_url: String,
    /// The access token.
    pub token: SecretString,
    /// Secrets that notices may be signed with, each with the moment from which it no longer counts.
    pub secrets: Vec<(SecretString, Option<Timestamp>)>,
}

impl Keys {
    /// Keys that count until they are changed.
    pub fn for_good(base_url: String, token: SecretString, secrets: Vec<SecretString>) -> Self {
        Self { base_url, token, secrets: secrets.into_iter().map(|secret| (secret, None)).collect() }
    }
}

/// The keys that a connector works with.
#[derive(Debug)]
pub(super) struct Ring(RwLock<Keys>);

impl Ring {
    pub(super) fn new(keys: Keys) -> Self {
        Self(RwLock::new(keys))
    }

    /// Where the next call goes, and the token that it shows there: always two that belong together.
    pub(super) fn door(&self) -> (String, SecretString) {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (keys.base_url.clone(), keys.token.clone())
    }

    /// The secrets that a notice may be signed with at this moment.
    pub(super) fn secrets(&self, at: Timestamp) -> Vec<SecretString> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let counts = |until: &Option<Timestamp>| until.is_none_or(|until| at < until);
        keys.secrets.iter().filter(|(_, until)| counts(until)).map(|(secret, _)| secret.clone()).collect()
    }

    /// Other keys from now on.
    pub(super) fn change(&self, keys: Keys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}
