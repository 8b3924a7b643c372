//! Passwords: what we accept, and argon2id at a cost that a thief of the database feels.
//!
//! The rule is length and not being guessable; there is no rule about kinds of characters and no expiry. Nothing
//! is cut off or normalised: a password is the exact characters that were typed. Hashing takes 19 MiB and tens of
//! milliseconds, so it happens off the async threads, one at a time, in one room that is kept.

use crate::mint::Mint;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Fewest characters; the password is the only factor.
pub const SHORTEST: usize = 15;
/// Most characters; longer ones only serve to keep us busy.
pub const LONGEST: usize = 128;
/// Refused before anything is counted or hashed.
pub const MOST_BYTES: usize = 4 * LONGEST;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Often used passwords that are long enough to pass; compared without case, spaces and punctuation.
const COMMON: &[&str] = &[
    "passwordpassword",
    "password12345678",
    "password123456789",
    "password1234567890",
    "thisismypassword",
    "mypasswordissecret",
    "adminadminadmin",
    "administrator123",
    "administrator1234",
    "administratorpassword",
    "letmeinletmeinletmein",
    "iloveyouiloveyou",
    "iloveyouforever",
    "iloveyousomuch",
    "iloveyouverymuch",
    "welcomewelcome1",
    "welcometothejungle",
    "correcthorsebatterystaple",
    "tobeornottobethatisthequestion",
    "thequickbrownfox",
    "thequickbrownfoxjumpsoverthelazydog",
    "loremipsumdolor",
    "loremipsumdolorsitamet",
    "maytheforcebewithyou",
    "qwertyuiopasdfgh",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "qazwsxedcrfvtgb",
    "qazwsxedcrfvtgbyhnujm",
    "1qaz2wsx3edc4rfv",
    "1qaz2wsx3edc4rfv5tgb",
    "1q2w3e4r5t6y7u8i",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8",
    "zaq12wsxcde34rfv",
    "abcdefghijklmno",
    "abcdefghijklmnopqrstuvwxyz",
    "abc123abc123abc123",
    "a1b2c3d4e5f6g7h8",
    "aaaabbbbccccdddd",
    "changemechangeme",
    "changethispassword",
    "defaultpassword",
    "notapassword123",
    "secretpassword1",
    "supersecretpassword",
    "superstrongpassword",
    "trustno1trustno1",
    "monkeymonkeymonkey",
    "dragondragondragon",
    "footballfootball",
    "liverpoolfootballclub",
    "manchesterunited",
    "manchesterunited1",
    "sunshinesunshine",
    "princessprincess",
    "starwarsstarwars",
    "summer2024summer2024",
    "summer2025summer2025",
    "summer2026summer2026",
    "christmaschristmas",
    "happybirthdaytoyou",
    "onceuponatimeinthewest",
    "lightspeedlightspeed",
    "centracentracentra",
    "stockstockstock",
    "inventoryinventory",
];

/// Keys that lie side by side; runs along them are not hard to guess.
const ROWS: &[&str] = &["01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz"];

/// What is wrong with a new password, one sentence each; empty when it is accepted.
pub fn mistakes(password: &str, name: &str) -> Vec<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return vec![format!("Use at least {SHORTEST} characters; a few words in a row are fine.")];
    }
    if length > LONGEST {
        return vec![format!("Use at most {LONGEST} characters.")];
    }
    let plain: String = password.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let mut wrong = Vec::new();
    if COMMON.contains(&plain.as_str()) {
        wrong.push("This password is on the list of often used ones; choose another.".to_owned());
    } else if repeats(&plain) || runs(&plain) {
        wrong.push("This is one pattern repeated or a row of keys; choose another.".to_owned());
    }
    let name: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    for word in ["truecount", name.as_str()] {
        if word.chars().count() >= 4 && plain.contains(word) && plain.replace(word, "").chars().count() < 8 {
            wrong.push("Take out your own name and the name of this program; what is left is too short.".to_owned());
            break;
        }
    }
    wrong
}

/// At most five characters, over and over.
fn repeats(plain: &str) -> bool {
    let chars: Vec<char> = plain.chars().collect();
    (1..=5).any(|unit| chars.iter().zip(chars.iter().skip(unit)).all(|(a, b)| a == b))
}

/// Nine of ten neighbours are neighbours on the keyboard, in the alphabet or in counting.
fn runs(plain: &str) -> bool {
    let chars: Vec<char> = plain.chars().collect();
    let near = |a: char, b: char| {
        ROWS.iter()
            .any(|row| row.chars().zip(row.chars().skip(1)).any(|(x, y)| (x == a && y == b) || (x == b && y == a)))
    };
    let beside = chars.windows(2).filter(|pair| matches!(pair, [a, b] if near(*a, *b))).count();
    chars.len() > 1 && beside * 10 >= (chars.len() - 1) * 9
}

/// A stored hash could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashError;

/// Does the hashing, one at a time and always in the same 19 MiB, whoever knocks. Asking the system for them each time
/// would leave them with every thread that ever hashed.
#[derive(Clone, Default)]
pub struct Hasher {
    room: Arc<Mutex<Vec<Block>>>,
    done: Arc<AtomicU64>,
}

impl Hasher {
    /// The PHC string of a password, under a fresh salt.
    pub async fn hash(&self, mint: &Mint, password: &str) -> Result<String, HashError> {
        let salt = mint.bytes::<16>();
        let password = password.to_owned();
        self.turn(move |room| {
            let params = params()?;
            let made = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&params).map_err(|_| HashError)?,
                salt: Some(Salt::new(&salt).map_err(|_| HashError)?),
                hash: Some(fill(Algorithm::Argon2id, Version::V0x13, params, &password, &salt, room)?),
            };
            Ok(made.to_string())
        })
        .await
    }

    /// Whether the password is the one behind `stored`. Without a stored hash the same work is done for nothing,
    /// so that the time taken does not tell whether an account exists.
    pub async fn matches(&self, password: &str, stored: Option<&str>) -> Result<bool, HashError> {
        let password = password.to_owned();
        let stored = stored.map(str::to_owned);
        self.turn(move |room| match stored {
            Some(stored) => {
                let stored = PasswordHash::new(&stored).map_err(|_| HashError)?;
                let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Ok(false) };
                let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| HashError)?;
                let version = stored.version.map(Version::try_from).transpose().map_err(|_| HashError)?;
                let params = Params::try_from(&stored).map_err(|_| HashError)?;
                // Comparing two outputs takes the same time wherever they differ.
                Ok(fill(algorithm, version.unwrap_or_default(), params, &password, salt, room)? == *expected)
            }
            None => {
                fill(Algorithm::Argon2id, Version::V0x13, params()?, &password, b"nobody is here..", room)?;
                Ok(false)
            }
        })
        .await
    }

    /// How many hashes were made so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let mut room = Arc::clone(&self.room).lock_owned().await;
        self.done.fetch_add(1, Ordering::SeqCst);
        tokio::task::spawn_blocking(move || work(&mut room)).await.map_err(|_| HashError)?
    }
}

/// Hashes in the room, which grows to what is needed and stays.
fn fill(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    password: &str,
    salt: &[u8],
    room: &mut Vec<Block>,
) -> Result<Output, HashError> {
    if room.len() < params.block_count() {
        room.resize(params.block_count(), Block::new());
    }
    let mut bytes = [0u8; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = bytes.get_mut(..length).ok_or(HashError)?;
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, out, room.as_mut_slice())
        .map_err(|_| HashError)?;
    Output::new(out).map_err(|_| HashError)
}

/// Whether a stored hash is weaker than what we make today.
pub fn is_weak(stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return true };
    let Ok(params) = Params::try_from(&hash) else { return true };
    hash.algorithm.as_str() != "argon2id" || params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES
}

fn params() -> Result<Params, HashError> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordHasher;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(!mistakes("fourteen chars", "kim").is_empty());
        assert!(mistakes("fifteen  chars!", "kim").is_empty());
        assert!(mistakes("ﬂöße über grüne", "kim").is_empty());
        let longest: String = "correct horse battery ".chars().cycle().take(LONGEST).collect();
        assert!(mistakes(&longest, "kim").is_empty());
        assert!(!mistakes(&format!("{longest}x"), "kim").is_empty());
    }

    #[test]
    fn guessable_passwords_are_refused() {
        for password in [
            "Password-Password",
            "aaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
            "1234567890123456",
            "Qwertyuiop-Asdfghjkl",
            "correct horse battery staple",
            "truecount-1-truecount",
            "Kim.Larsen kimlarsen",
        ] {
            assert!(!mistakes(password, "Kim Larsen").is_empty(), "{password}");
        }
        for password in ["seven brown boats on a lake", "truecount keeps the ledger even", "8fh2kq0zm4ptx7wv"] {
            assert_eq!(mistakes(password, "Kim Larsen"), Vec::<String>::new(), "{password}");
        }
    }

    /// A32: however many knock at once, there is one room of 19 MiB.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_hundred_at_once_share_one_room() -> Result<(), Box<dyn std::error::Error>> {
        let hasher = Hasher::default();
        let mut all = Vec::new();
        for n in 0..100 {
            let hasher = hasher.clone();
            all.push(tokio::spawn(async move { hasher.matches(&format!("password {n}"), None).await }));
        }
        for one in all {
            assert!(!one.await??);
        }
        assert_eq!(hasher.done(), 100);
        assert_eq!(hasher.room.lock().await.len() * size_of::<Block>(), 19 * 1024 * 1024);
        Ok(())
    }

    #[tokio::test]
    async fn a_hash_opens_for_its_password_only() -> Result<(), HashError> {
        let (hasher, mint) = (Hasher::default(), Mint::seeded(1));
        let stored = hasher.hash(&mint, "seven brown boats").await?;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(!is_weak(&stored));
        assert!(is_weak(&stored.replace("m=19456", "m=4096")));
        assert!(hasher.matches("seven brown boats", Some(&stored)).await?);
        assert!(!hasher.matches("seven brown boatz", Some(&stored)).await?);
        assert!(!hasher.matches("seven brown boats", None).await?);
        assert_ne!(stored, hasher.hash(&mint, "seven brown boats").await?, "every hash has its own salt");
        assert_eq!(hasher.room.lock().await.len(), MEMORY_KIB as usize, "one room of 19 MiB, used again");
        // Made by the library's own way from a password to a string.
        let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?)
            .hash_password_with_salt(b"seven brown boats", b"salt and pepper.")
            .map_err(|_| HashError)?
            .to_string();
        assert!(hasher.matches("seven brown boats", Some(&other)).await?);
        Ok(())
    }
}
