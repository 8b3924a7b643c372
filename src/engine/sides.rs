//! The side of one connection: which vendor's words are spoken with which keys.

use super::{Engine, EngineError};
use crate::connectors::centra::{Centra, CentraConfig};
use crate::connectors::keys::Keys;
use crate::connectors::lightspeed_r::{self, LightspeedR, LightspeedRConfig};
use crate::connectors::lightspeed_x::{LightspeedX, LightspeedXConfig};
use crate::connectors::magento::{Magento, MagentoConfig};
use crate::domain::system::System;
use crate::store::connections::ConnectionRow;
use crate::sync::cx::Side;
use crate::sync::keeper::Keeper;
use std::sync::Arc;

/// Makes the connector of a stored connection. Nothing is sent.
pub(super) fn connect(engine: &Engine, row: &ConnectionRow, keys: Keys) -> Result<Side, EngineError> {
    let system =
        System::parse(&row.vendor).ok_or_else(|| EngineError::UnknownVendor(row.id.clone(), row.vendor.clone()))?;
    let (transport, clock) = (Arc::clone(&engine.transport), Arc::clone(&engine.cx.clock));
    let (connection, base_url, unpaced) = (row.id.as_str().into(), row.base_url.clone(), engine.unpaced);
    let side = match system {
        System::Centra => {
            let config = CentraConfig {
                connection,
                base_url,
                token: keys.token.clone(),
                webhook_secrets: Vec::new(),
                store_currency: String::new(),
                unpaced,
            };
            Side::Shop(Arc::new(Centra::new(config, transport, clock)))
        }
        System::LightspeedX => {
            let config = LightspeedXConfig {
                connection,
                base_url,
                token: keys.token.clone(),
                unsigned_ok: keys.secrets.is_empty(),
                webhook_secrets: Vec::new(),
                unpaced,
            };
            let keeper = Keeper::new(engine.cx.store.clone(), engine.seal.clone(), Arc::clone(&engine.cx.mint));
            Side::Till(Arc::new(LightspeedX::new(config, transport, clock).kept_by(Arc::new(keeper))))
        }
        System::LightspeedR => {
            let keeper = Keeper::new(engine.cx.store.clone(), engine.seal.clone(), Arc::clone(&engine.cx.mint));
            let mut config = LightspeedRConfig::new(connection, keys.token.clone(), Arc::new(keeper));
            // Only the vendor itself gives out tokens at another address than its own.
            if base_url != lightspeed_r::BASE_URL {
                config.auth_url.clone_from(&base_url);
            }
            config.base_url = base_url;
            config.unpaced = unpaced;
            Side::Till(Arc::new(LightspeedR::new(config, transport, clock)))
        }
        System::Magento => {
            let mut config = MagentoConfig::new(connection, base_url, keys.token.clone());
            config.unpaced = unpaced;
            Side::Shop(Arc::new(Magento::new(config, transport, clock)))
        }
    };
    side.change_keys(keys);
    Ok(side)
}
