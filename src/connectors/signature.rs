//! The keyed hash under a notice: made over the bytes as they arrived, compared in constant time.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Longest signature header looked at; real ones are below 150 bytes.
pub(super) const HEADER_MAX: usize = 1_024;

/// Most signatures looked at in one notice: two secrets during a rotation, and room.
pub(super) const CANDIDATES_MAX: usize = 8;

#[cfg(test)]
thread_local! {
    /// Keyed hashes made by this thread.
    pub(super) static MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Whether one of the candidates is the HMAC-SHA256 of the parts under one of the secrets. Every pair is compared,
/// so the time taken tells nothing about which one fitted.
pub(super) fn matches(secrets: &[SecretString], parts: &[&[u8]], candidates: &[[u8; 32]]) -> bool {
    let mut fits = Choice::from(0);
    for secret in secrets {
        // An empty secret would make everybody the sender.
        if secret.expose_secret().is_empty() {
            continue;
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { continue };
        #[cfg(test)]
        MADE.with(|made| made.set(made.get() + 1));
        for part in parts {
            mac.update(part);
        }
        let tag = mac.finalize().into_bytes();
        for candidate in candidates {
            fits |= tag.as_slice().ct_eq(candidate.as_slice());
        }
    }
    fits.into()
}

/// A signature as 64 hexadecimal digits of any case.
pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0_u8; 32];
    hex::decode_to_slice(text, &mut out).ok()?;
    Some(out)
}
