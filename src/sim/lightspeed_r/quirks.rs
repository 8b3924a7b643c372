//! What the vendor's papers leave open about this door, as one account plays it.

use super::super::options::Options;
use super::super::world::stream;
use rand::Rng;

/// The stream of chance that decides how an account behaves.
const STREAM: u64 = 22;

/// How one account behaves where the papers do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quirks {
    /// A relation without rows is missing; otherwise it is an empty string.
    pub relation_missing: bool,
    /// A list without rows has its key with an empty string; otherwise the key is missing.
    pub empty_list_named: bool,
    /// A sale says `updateTime`; otherwise `updatetime`.
    pub update_time: bool,
    /// A sale that does not balance is refused with 422; otherwise with 400.
    pub unbalanced_422: bool,
    /// Goods that wait for a customer are still in the count; otherwise they have left it.
    pub layaway_counted: bool,
}

impl Quirks {
    /// By the seed, or none where the account's behaviour was named.
    pub fn of(options: &Options) -> Quirks {
        if options.habits.is_some() {
            return Quirks::default();
        }
        let mut chance = stream(options.seed, STREAM);
        let mut has = || chance.random_range(0..2) == 0;
        Quirks {
            relation_missing: has(),
            empty_list_named: has(),
            update_time: has(),
            unbalanced_422: has(),
            layaway_counted: has(),
        }
    }
}
