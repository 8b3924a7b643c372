//! Keeps the new pair of a connection whose tokens are exchanged again and again, before anybody uses it.

use crate::connectors::credential::{Credential, NotKept, OAuth2, TokenKeeper};
use crate::domain::ids::ConnectionId;
use crate::mint::Mint;
use crate::store::seal::SealKey;
use crate::store::{Store, StoreError, connections};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use std::sync::Arc;

/// Writes pairs into the database, sealed.
pub struct Keeper {
    store: Store,
    seal: SealKey,
    mint: Arc<Mint>,
}

impl Keeper {
    /// Over this database, sealed with this key.
    pub fn new(store: Store, seal: SealKey, mint: Arc<Mint>) -> Self {
        Self { store, seal, mint }
    }

    async fn replace(&self, connection: &ConnectionId, before: &OAuth2, pair: &OAuth2) -> Result<bool, StoreError> {
        let id = connection.as_str();
        let owner = format!("connection.token:{id}");
        let mut tx = self.store.begin().await?;
        let Some(sealed) = connections::token_in(&mut tx, id).await? else { return Ok(false) };
        let Ok(open) = self.seal.open(&owner, &sealed) else { return Ok(false) };
        let same = matches!(
            Credential::read(&open),
            Ok(Credential::OAuth2(kept)) if kept.refresh.expose_secret() == before.refresh.expose_secret()
        );
        if !same {
            return Ok(false);
        }
        let new = Credential::OAuth2(pair.clone()).write();
        let Ok(sealed) = self.seal.seal(&owner, new.expose_secret(), self.mint.bytes()) else { return Ok(false) };
        connections::exchange_token(&mut tx, id, &sealed).await?;
        tx.commit().await?;
        Ok(true)
    }
}

#[async_trait]
impl TokenKeeper for Keeper {
    async fn keep(&self, connection: &ConnectionId, before: &OAuth2, pair: &OAuth2) -> Result<(), NotKept> {
        match self.replace(connection, before, pair).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotKept("other keys were given meanwhile".to_owned())),
            Err(error) => Err(NotKept(error.to_string())),
        }
    }
}
