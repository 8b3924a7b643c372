//! Who may come in: accounts, logging in, the first account, and the sessions behind the cookies.
//!
//! What a guess costs stands in `guesses.rs`.

use super::guesses::{Knock, admit};
use super::password::{Hasher, MOST_BYTES, is_weak, mistakes};
use super::{Actor, OperatorError};
use crate::clock::Clock;
use crate::domain::access::{Deed, Role};
use crate::domain::ids::PersonId;
use crate::domain::time::{Span, Timestamp};
use crate::domain::words::is_unseen;
use crate::mint::Mint;
use crate::store::accounts as rows;
use crate::store::activity::{self, Entry};
use crate::store::sessions::{self, SessionRow};
use crate::store::{Store, StoreError, Tx};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;

/// How long the code for the first account works.
pub const SETUP_LIFE: Span = Span::hours(24);
/// Longest name, in characters.
pub const LONGEST_NAME: usize = 80;
/// Counters that were quiet this long are forgotten.
const FORGET_AFTER: Span = Span::hours(24);

/// How pages look for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All themes, in the order in which people are offered them.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The word in the database, in forms and in the page's `data-theme`.
    pub fn word(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// From the word.
    pub fn from_word(word: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

/// An account as others see it: no hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Ours.
    pub id: PersonId,
    /// As it is shown.
    pub name: String,
    /// What they are to the house.
    pub role: Role,
    /// How pages look for them.
    pub theme: Theme,
    /// IANA zone; empty means the installation's.
    pub zone: String,
    /// May not log in.
    pub disabled: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Another one for each password; says nothing about it. A session begins only while it is still the same.
    pub epoch: String,
}

impl Person {
    /// This person as the one who asks.
    pub fn actor(&self) -> Actor {
        Actor { person: self.id.clone(), name: self.name.clone(), role: self.role }
    }
}

impl From<rows::Account> for Person {
    fn from(row: rows::Account) -> Self {
        Person {
            id: row.id,
            name: row.name,
            role: row.role,
            theme: Theme::from_word(&row.theme).unwrap_or_default(),
            zone: row.zone,
            disabled: row.disabled,
            created_at: row.created_at,
            epoch: epoch(&row.password_hash),
        }
    }
}

fn epoch(password_hash: &str) -> String {
    hex::encode(Sha256::digest(password_hash.as_bytes())).chars().take(16).collect()
}

/// Why somebody did not get in, or an account was not changed. The texts are for people.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Name or password is wrong; it never says which.
    #[error("The name or the password is not right. The password field was emptied.")]
    Wrong,
    /// Too many tries; how long to wait.
    #[error("Too many tries. Try again in {}.", in_words(*.0))]
    Wait(Span),
    /// So many failures in a row that only one try a day is left.
    #[error(
        "This account is locked for a day after many failed tries. A new password, given on the server, opens it sooner."
    )]
    Locked,
    /// The password was changed, or the account closed, between the log-in and its session.
    #[error("This account was changed while you logged in. Log in again.")]
    Changed,
    /// The code for the first account is wrong, used or old.
    #[error("This set-up code does not work. Every start tells a new one until an account exists.")]
    Code,
    /// What to give instead, one sentence each.
    #[error("{}", .0.join(" "))]
    Invalid(Vec<String>),
    /// This role may not do that.
    #[error("Your role may not do that.")]
    Forbidden,
    /// No such account.
    #[error("There is no account with that name.")]
    NotFound,
    /// The database failed.
    #[error("The database did not answer.")]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error("The password could not be checked.")]
    Hash(#[from] super::password::HashError),
}

impl From<OperatorError> for AccountError {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::NotFound => AccountError::NotFound,
            OperatorError::Invalid(text) | OperatorError::Conflict(text) => AccountError::Invalid(vec![text]),
            _ => AccountError::Forbidden,
        }
    }
}

fn in_words(wait: Span) -> String {
    let secs = (wait.as_millis().max(0) + 999) / 1_000;
    match secs {
        0 | 1 => "1 second".to_owned(),
        2..=59 => format!("{secs} seconds"),
        60 => "1 minute".to_owned(),
        _ => format!("{} minutes", (secs + 59) / 60),
    }
}

/// Accounts and sessions over one store; cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    clock: Arc<dyn Clock>,
    mint: Arc<Mint>,
    hasher: Hasher,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

impl Accounts {
    /// Over this store, by this clock.
    pub fn new(store: Store, clock: Arc<dyn Clock>, mint: Arc<Mint>) -> Self {
        Self { store, clock, mint, hasher: Hasher::default() }
    }

    /// Who asks when somebody types a command on the machine itself.
    pub fn console() -> Actor {
        Actor { person: PersonId::new("console"), name: "Command line".to_owned(), role: Role::Admin }
    }

    /// How many passwords were hashed since the start, for new ones and for tries.
    pub fn hashes_made(&self) -> u64 {
        self.hasher.done()
    }

    /// The instant now, by the clock that sessions live by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether there is any account yet.
    pub async fn any(&self) -> Result<bool, AccountError> {
        let mut conn = self.store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
        Ok(rows::count(&mut conn).await? > 0)
    }

    /// A fresh code for the first account, or nothing when there are accounts. Former codes stop working.
    pub async fn setup_code(&self) -> Result<Option<String>, AccountError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        if rows::count(tx.conn().await?).await? > 0 {
            return Ok(None);
        }
        let code = spell(&self.mint.bytes::<20>());
        rows::put_setup_code(tx.conn().await?, &code_hash(&code), now + SETUP_LIFE).await?;
        tx.commit().await?;
        Ok(Some(code))
    }

    /// Makes the first account, an administrator, for whoever holds the code.
    pub async fn first_account(
        &self,
        address: IpAddr,
        code: &str,
        name: &str,
        password: &str,
    ) -> Result<Person, AccountError> {
        let now = self.clock.now();
        admit(&self.store, now, Knock { address, known: None }, None).await?;
        check(name, password)?;
        let hash = self.hasher.hash(&self.mint, password).await?;
        let mut tx = self.store.begin().await?;
        if rows::count(tx.conn().await?).await? > 0
            || !rows::take_setup_code(tx.conn().await?, &code_hash(code), now).await?
        {
            return Err(AccountError::Code);
        }
        let account = self.new_row(name, Role::Admin, hash, now);
        rows::insert(tx.conn().await?, &account).await?;
        self.note(&mut tx, &account.id, "first account made", &account, "", account.role.word()).await?;
        tx.commit().await?;
        tracing::info!(person.id = %account.id, "the first administrator was made");
        Ok(account.into())
    }

    /// Checks name and password. Wrong name, wrong password and disabled account are one and the same answer.
    pub async fn log_in(&self, address: IpAddr, name: &str, password: &str) -> Result<Person, AccountError> {
        self.log_in_as(Knock { address, known: None }, name, password).await
    }

    /// As [`Accounts::log_in`], for whoever may knock from a browser that was given something before.
    pub async fn log_in_as(&self, knock: Knock<'_>, name: &str, password: &str) -> Result<Person, AccountError> {
        let address = knock.address;
        if password.len() > MOST_BYTES || name.chars().count() > LONGEST_NAME {
            return Err(AccountError::Wrong);
        }
        let subject = admit(&self.store, self.clock.now(), knock, Some(&rows::throttle_subject(name))).await?;
        let account = {
            let mut conn = self.store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
            rows::by_name(&mut conn, name).await?
        };
        let right = self.hasher.matches(password, account.as_ref().map(|a| a.password_hash.as_str())).await?;
        let Some(mut account) = account.filter(|account| right && !account.disabled) else {
            tracing::warn!(client.address = %address, "a log-in failed");
            return Err(AccountError::Wrong);
        };
        let stronger = match is_weak(&account.password_hash) {
            true => Some(self.hasher.hash(&self.mint, password).await?),
            false => None,
        };
        let mut tx = self.store.begin().await?;
        rows::forget_failures(tx.conn().await?, &subject).await?;
        if let Some(stronger) = stronger {
            rows::upgrade_hash(tx.conn().await?, &account.id, &account.password_hash, &stronger).await?;
            account.password_hash = stronger;
        }
        tx.commit().await?;
        tracing::info!(person.id = %account.id, client.address = %address, "somebody logged in");
        Ok(account.into())
    }

    /// Adds an account.
    pub async fn add(&self, actor: &Actor, name: &str, role: Role, password: &str) -> Result<Person, AccountError> {
        actor.check(Deed::ManagePeople)?;
        check(name, password)?;
        let hash = self.hasher.hash(&self.mint, password).await?;
        let account = self.new_row(name, role, hash, self.clock.now());
        let mut tx = self.store.begin().await?;
        if !rows::insert(tx.conn().await?, &account).await? {
            return Err(AccountError::Invalid(vec![format!("There is an account called {} already.", name.trim())]));
        }
        self.note(&mut tx, &actor.person, "account added", &account, "", role.word()).await?;
        tx.commit().await?;
        tracing::info!(person.id = %account.id, by = %actor.person, "an account was added");
        Ok(account.into())
    }

    /// All accounts.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Person>, AccountError> {
        actor.check(Deed::ManagePeople)?;
        let mut conn = self.store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
        Ok(rows::list(&mut conn).await?.into_iter().map(Person::from).collect())
    }

    /// Gives an account a new password, opens it if it was locked, and ends all its sessions.
    pub async fn set_password(&self, actor: &Actor, name: &str, password: &str) -> Result<(), AccountError> {
        actor.check(Deed::ManagePeople)?;
        check(name, password)?;
        let hash = self.hasher.hash(&self.mint, password).await?;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let account = rows::by_name(tx.conn().await?, name).await?.ok_or(AccountError::NotFound)?;
        rows::set_password(tx.conn().await?, &account.id, &hash, now).await?;
        rows::forget_failures(tx.conn().await?, &rows::throttle_subject(name)).await?;
        sessions::delete_of_person(tx.conn().await?, &account.id).await?;
        self.note(&mut tx, &actor.person, "password changed", &account, "", "").await?;
        tx.commit().await?;
        tracing::info!(person.id = %account.id, by = %actor.person, "a password was changed");
        Ok(())
    }

    /// Gives an account another role and ends all its sessions.
    pub async fn set_role(&self, actor: &Actor, name: &str, role: Role) -> Result<(), AccountError> {
        actor.check(Deed::ManagePeople)?;
        let mut tx = self.store.begin().await?;
        let account = rows::by_name(tx.conn().await?, name).await?.ok_or(AccountError::NotFound)?;
        if role != Role::Admin {
            keep_an_admin(&account, rows::other_admins(tx.conn().await?, &account.id).await?)?;
        }
        rows::set_role(tx.conn().await?, &account.id, role).await?;
        sessions::delete_of_person(tx.conn().await?, &account.id).await?;
        self.note(&mut tx, &actor.person, "role changed", &account, account.role.word(), role.word()).await?;
        tx.commit().await?;
        tracing::info!(person.id = %account.id, by = %actor.person, role = role.word(), "a role was changed");
        Ok(())
    }

    /// Keeps an account out, or lets it in again. Keeping out ends all its sessions; letting in also forgets
    /// failed tries.
    pub async fn set_disabled(&self, actor: &Actor, name: &str, disabled: bool) -> Result<(), AccountError> {
        actor.check(Deed::ManagePeople)?;
        let mut tx = self.store.begin().await?;
        let account = rows::by_name(tx.conn().await?, name).await?.ok_or(AccountError::NotFound)?;
        if disabled {
            keep_an_admin(&account, rows::other_admins(tx.conn().await?, &account.id).await?)?;
            sessions::delete_of_person(tx.conn().await?, &account.id).await?;
        } else {
            rows::forget_failures(tx.conn().await?, &rows::throttle_subject(name)).await?;
        }
        rows::set_disabled(tx.conn().await?, &account.id, disabled).await?;
        let word = |disabled| if disabled { "closed" } else { "open" };
        self.note(&mut tx, &actor.person, "account changed", &account, word(account.disabled), word(disabled)).await?;
        tx.commit().await?;
        tracing::info!(person.id = %account.id, by = %actor.person, disabled, "an account was opened or closed");
        Ok(())
    }

    /// Keeps the theme a person chose for themselves.
    pub async fn set_theme(&self, actor: &Actor, theme: Theme) -> Result<(), AccountError> {
        let mut tx = self.store.begin().await?;
        if !rows::set_theme(tx.conn().await?, &actor.person, theme.word()).await? {
            return Err(AccountError::NotFound);
        }
        tx.commit().await?;
        Ok(())
    }

    /// The account behind a session, unless it was disabled or is gone.
    pub async fn person(&self, id: &PersonId) -> Result<Option<Person>, AccountError> {
        let mut conn = self.store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
        Ok(rows::by_id(&mut conn, id).await?.filter(|account| !account.disabled).map(Person::from))
    }

    /// Begins a session; `false` when that id exists already. A person's session does not begin when their password was
    /// changed or their account closed since they proved who they are: `epoch_then` is from then.
    pub async fn begin_session(
        &self,
        id_hash: &str,
        person: &str,
        epoch_then: &str,
        data: &str,
    ) -> Result<bool, AccountError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        if !person.is_empty() {
            let account = rows::by_id(tx.conn().await?, &PersonId::new(person)).await?;
            let is_same = |account: &rows::Account| !account.disabled && epoch(&account.password_hash) == epoch_then;
            if !account.as_ref().is_some_and(is_same) {
                return Err(AccountError::Changed);
            }
        }
        let made = sessions::create(tx.conn().await?, id_hash, person, data, now).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Writes what a session remembers; `false` when it has ended meanwhile, and then it stays ended.
    pub async fn keep_session(&self, id_hash: &str, person: &str, data: &str) -> Result<bool, AccountError> {
        let mut tx = self.store.begin().await?;
        let kept = sessions::save(tx.conn().await?, id_hash, person, data).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// A session that may still be used.
    pub async fn session(&self, id_hash: &str) -> Result<Option<SessionRow>, AccountError> {
        let mut conn = self.store.read().acquire().await.map_err(StoreError::at("reading accounts"))?;
        Ok(sessions::find(&mut conn, id_hash, self.clock.now()).await?)
    }

    /// Marks a session as used, at most once a minute.
    pub async fn touch_session(&self, id_hash: &str, row: &SessionRow) -> Result<(), AccountError> {
        let now = self.clock.now();
        if now.since(row.seen_at) >= sessions::SEEN_EVERY {
            let mut tx = self.store.begin().await?;
            sessions::touch(tx.conn().await?, id_hash, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Ends a session.
    pub async fn end_session(&self, id_hash: &str) -> Result<(), AccountError> {
        let mut tx = self.store.begin().await?;
        sessions::delete(tx.conn().await?, id_hash).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes sessions that are over and counters that are old, in bounded batches.
    pub async fn tidy(&self) -> Result<(), AccountError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        sessions::prune(tx.conn().await?, now).await?;
        rows::prune_tries(tx.conn().await?, now - FORGET_AFTER, rows::LOCKED_AT).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes what was done to an account into the log, in the unit of work that does it.
    async fn note(
        &self,
        tx: &mut Tx,
        by: &PersonId,
        action: &'static str,
        account: &rows::Account,
        before: &str,
        after: &str,
    ) -> Result<(), AccountError> {
        let body = serde_json::json!({ "name": account.name, "before": before, "after": after }).to_string();
        let object = format!("account:{}", account.id);
        let entry = Entry { actor: by.as_str(), action, object: &object, body: &body, salt: self.mint.bytes() };
        activity::append(tx, &entry, self.clock.now()).await?;
        Ok(())
    }

    fn new_row(&self, name: &str, role: Role, password_hash: String, at: Timestamp) -> rows::Account {
        rows::Account {
            id: PersonId::new(self.mint.id(at)),
            name: name.trim().to_owned(),
            name_key: rows::name_key(name),
            role,
            password_hash,
            theme: Theme::System.word().to_owned(),
            zone: String::new(),
            disabled: false,
            created_at: at,
        }
    }
}

fn check(name: &str, password: &str) -> Result<(), AccountError> {
    let mut wrong = Vec::new();
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        wrong.push(format!("Give a name of 1 to {LONGEST_NAME} characters."));
    } else if name.chars().any(is_unseen) {
        // Such a name can look like somebody else's.
        wrong.push("Give a name of letters that can be seen.".to_owned());
    }
    wrong.extend(mistakes(password, name));
    if wrong.is_empty() { Ok(()) } else { Err(AccountError::Invalid(wrong)) }
}

fn keep_an_admin(account: &rows::Account, others: i64) -> Result<(), AccountError> {
    if account.role == Role::Admin && !account.disabled && others == 0 {
        return Err(AccountError::Invalid(vec!["This is the only administrator; make another one first.".to_owned()]));
    }
    Ok(())
}

/// One letter or digit per byte, in groups of four, without the ones that look alike: for codes and passwords that
/// people copy by hand. 32 kinds, so five bits each.
pub fn spell(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKMNPQRSTVWXYZ0123456789";
    let letters: Vec<char> =
        bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32))).map(|letter| char::from(*letter)).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

fn code_hash(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    hex::encode(Sha256::digest(plain.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_typed_in_any_case_and_without_dashes() {
        let code = spell(&[0, 31, 32, 77, 5, 9, 200, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(code.len(), 24);
        assert_eq!(code_hash(&code), code_hash(&code.to_lowercase().replace('-', " ")));
    }
}
