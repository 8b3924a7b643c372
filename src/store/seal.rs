//! Secrets at rest: XChaCha20-Poly1305 with a random nonce; what a secret belongs to is part of what is
//! authenticated, so a sealed text moved to another row or column does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// The key that secrets are sealed with; kept outside the database.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// Why a sealed text did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret does not open: wrong key, or it was moved or changed in the database")]
pub struct SealBroken;

impl SealKey {
    /// From 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, SealBroken> {
        XChaCha20Poly1305::new_from_slice(self.0.as_slice()).map_err(|_| SealBroken)
    }

    /// Seals `plain` for `owner` (table, column and row, for example "connection.token:ID").
    pub fn seal(&self, owner: &str, plain: &str, nonce: [u8; 24]) -> Result<String, SealBroken> {
        let sealed = self
            .cipher()?
            .encrypt(&XNonce::from(nonce), Payload { msg: plain.as_bytes(), aad: owner.as_bytes() })
            .map_err(|_| SealBroken)?;
        Ok(format!("v1.{}.{}", STANDARD_NO_PAD.encode(nonce), STANDARD_NO_PAD.encode(sealed)))
    }

    /// Opens what was sealed for the same owner.
    pub fn open(&self, owner: &str, sealed: &str) -> Result<Zeroizing<String>, SealBroken> {
        let mut parts = sealed.split('.');
        let (Some("v1"), Some(nonce), Some(body), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealBroken);
        };
        let nonce: [u8; 24] = STANDARD_NO_PAD.decode(nonce).ok().and_then(|n| n.try_into().ok()).ok_or(SealBroken)?;
        let body = STANDARD_NO_PAD.decode(body).map_err(|_| SealBroken)?;
        let plain = self
            .cipher()?
            .decrypt(&XNonce::from(nonce), Payload { msg: &body, aad: owner.as_bytes() })
            .map_err(|_| SealBroken)?;
        String::from_utf8(plain).map(Zeroizing::new).map_err(|_| SealBroken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_where_it_belongs_and_with_its_key() {
        let key = SealKey::new([7; 32]);
        let sealed = key.seal("connection.token:a", "s3cret", [1; 24]).unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_eq!(key.open("connection.token:a", &sealed).unwrap().as_str(), "s3cret");
        assert!(key.open("connection.token:b", &sealed).is_err(), "another row");
        assert!(key.open("connection.notice:a", &sealed).is_err(), "another column");
        assert!(SealKey::new([8; 32]).open("connection.token:a", &sealed).is_err(), "another key");
        assert!(key.open("connection.token:a", "v1.x.y").is_err());
        assert!(key.open("connection.token:a", "").is_err());
    }
}
