//! New ids, from a clock and a seeded source of randomness.
//!
//! Only things that we begin ourselves get a minted id; whatever comes from a vendor keeps an identity derived
//! from its source, because that is what makes a repeat harmless.

use crate::domain::time::Timestamp;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::sync::Mutex;

/// Makes time-ordered ids (UUID version 7) and random bytes.
pub struct Mint(Mutex<ChaCha12Rng>);

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mint")
    }
}

impl Mint {
    /// The same seed mints the same ids: for tests and rehearsals.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }

    /// Seeded by the operating system.
    pub fn from_os() -> Self {
        Self(Mutex::new(ChaCha12Rng::from_os_rng()))
    }

    /// A new id that sorts by the time it was minted at.
    pub fn id(&self, at: Timestamp) -> String {
        id_at(at, &self.bytes::<10>())
    }

    /// Fresh random bytes, for salts, session ids and nonces.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        self.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A whole number in `0..below`; zero when `below` is zero. For jitter.
    pub fn below(&self, below: u64) -> u64 {
        if below == 0 { 0 } else { self.lock().random_range(0..below) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ChaCha12Rng> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The id before all those minted at this millisecond or later, and after all those minted before it.
pub fn first_id(at: Timestamp) -> String {
    id_at(at, &[0; 10])
}

fn id_at(at: Timestamp, random: &[u8; 10]) -> String {
    let millis = u64::try_from(at.micros().max(0) / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_mints_the_same_ids_in_time_order() {
        let (a, b) = (Mint::seeded(7), Mint::seeded(7));
        let first = a.id(Timestamp::from_secs(1_000));
        assert_eq!(first, b.id(Timestamp::from_secs(1_000)));
        assert!(first < a.id(Timestamp::from_secs(1_001)));
    }
}
