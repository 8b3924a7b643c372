//! All settings, tried out before anything begins: what they say, the files they name, the key, and what stands in
//! the database. Whatever is wrong is told at once. Nothing is made, changed or brought up to date here.

use crate::server::{telemetry, tls};
use std::collections::BTreeMap;
use std::path::Path;
use tokio_rustls::TlsAcceptor;
use truecount::config::{Config, Mistake, Mistakes, SecretKey, folder_of};
use truecount::store::StoreError;
use truecount::store::look::{Found, Inside, look, server_address};
use truecount::store::seal::SealKey;
use truecount::sync::intake::chain;

/// Settings that can be used, with what was found on the way.
pub struct Usable {
    /// The settings.
    pub config: Config,
    /// Certificate and key, when TLS ends here.
    pub tls: Option<TlsAcceptor>,
    /// Whether the secret key is there; if not, nothing is sealed yet either.
    pub has_key: bool,
    /// What is in the database; `None` when there is none yet.
    pub inside: Option<Inside>,
}

/// Why these settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Some of them are wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// All that could be looked at is right, but the database did not answer.
    #[error("{database}")]
    Database {
        /// Its address, without a password.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// Reads all settings and tries them out.
pub async fn usable(map: &BTreeMap<String, String>) -> Result<Usable, SettingsError> {
    let (config, mut mistakes) = Config::read_all(map);
    if let Err(error) = telemetry::check(&config) {
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), chain);
        mistakes.push(Mistake {
            name: "LOG",
            wrong: format!("cannot be understood: {why}"),
            example: "info,truecount=debug",
        });
    }
    let tls = match config.tls.as_ref().map(tls::read).transpose() {
        Ok(tls) => tls,
        Err(wrong) => {
            mistakes.extend(wrong);
            None
        }
    };
    let is_given = map.get("SITE_DIR").is_some_and(|text| !text.trim().is_empty());
    if is_given && !config.site_dir.is_dir() {
        let wrong = format!("there is no folder {}", config.site_dir.display());
        mistakes.push(Mistake { name: "SITE_DIR", wrong, example: "target/site" });
    }
    if !config.database.is_sqlite()
        && !has(&mistakes, "DATABASE_URL")
        && let Err(why) = server_address(config.database.expose())
    {
        let wrong =
            format!("cannot be read as an address: {why}; a / ? # @ or % in a password is written as %2F and so on");
        let example = "postgres://truecount:password@localhost/truecount";
        mistakes.push(Mistake { name: "DATABASE_URL", wrong, example });
    }
    let key_is_given = map.get("SECRET_KEY_FILE").is_some_and(|text| !text.trim().is_empty());
    let key = match read_key(&config, key_is_given, &mistakes) {
        Ok(key) => key,
        Err(mistake) => {
            mistakes.push(mistake);
            None
        }
    };
    let inside = match look_inside(&config, &mistakes).await {
        Ok(Ok(inside)) => inside,
        Ok(Err(mistake)) => {
            mistakes.push(mistake);
            None
        }
        Err(source) if mistakes.is_empty() => {
            return Err(SettingsError::Database { database: config.database.to_string(), source });
        }
        Err(_) => None,
    };
    if let Some(inside) = &inside
        && !has(&mistakes, "SECRET_KEY_FILE")
        && let Err(wrong) = opens(&config.secret_key_file, key.as_ref(), inside)
    {
        mistakes.push(key_mistake(wrong));
    }
    if mistakes.is_empty() {
        Ok(Usable { config, tls, has_key: key.is_some(), inside })
    } else {
        Err(Mistakes(mistakes).into())
    }
}

fn has(mistakes: &[Mistake], name: &str) -> bool {
    mistakes.iter().any(|mistake| mistake.name == name)
}

fn key_mistake(wrong: String) -> Mistake {
    Mistake { name: "SECRET_KEY_FILE", wrong, example: "/var/lib/truecount/truecount.key" }
}

fn database_mistake(wrong: String) -> Mistake {
    Mistake { name: "DATABASE_URL", wrong, example: "sqlite://truecount.db" }
}

/// The key, if it is there; if not, whether it could be made. A key that nobody named lies beside the database, which
/// must be known then.
fn read_key(config: &Config, is_given: bool, mistakes: &[Mistake]) -> Result<Option<SecretKey>, Mistake> {
    let file = &config.secret_key_file;
    if has(mistakes, "SECRET_KEY_FILE") || !is_given && has(mistakes, "DATABASE_URL") {
        return Ok(None);
    }
    let key = SecretKey::read(file).map_err(|error| key_mistake(chain(&error)))?;
    let folder = folder_of(file);
    // Beside the database it is the database's folder that is missing.
    let is_beside = config.database.file().is_some_and(|database| folder_of(&database) == folder);
    if key.is_none() && !folder.is_dir() && !is_beside {
        return Err(key_mistake(format!("there is no folder {} to make it in", folder.display())));
    }
    Ok(key)
}

/// What stands in the database. A server is asked only when everything else is right.
async fn look_inside(config: &Config, mistakes: &[Mistake]) -> Result<Result<Option<Inside>, Mistake>, StoreError> {
    let file = config.database.file();
    if has(mistakes, "DATABASE_URL") || file.is_none() && !mistakes.is_empty() {
        return Ok(Ok(None));
    }
    if let Some(file) = &file
        && !folder_of(file).is_dir()
    {
        let folder = folder_of(file).display();
        return Ok(Err(database_mistake(format!("there is no folder {folder} to make it in"))));
    }
    Ok(match look(config.database.expose()).await {
        Ok(Found::Nothing) => Ok(None),
        Ok(Found::Ours(inside)) => Ok(Some(inside)),
        Err(StoreError::Unusable(why)) => Err(database_mistake(why)),
        Err(error) => return Err(error),
        Ok(Found::Strange(why)) => {
            Err(database_mistake(format!("{why}; name a database of Truecount's own, or a new one")))
        }
    })
}

/// Whether the key opens what is sealed in the database. A lost one is never made anew: it would open nothing, and
/// stand where the old one has to be put back.
fn opens(file: &Path, key: Option<&SecretKey>, inside: &Inside) -> Result<(), String> {
    let sealed = &inside.sealed;
    let Some(key) = key else {
        if sealed.is_empty() {
            return Ok(());
        }
        return Err(format!(
            "{} is not there, but this database holds the tokens of {} connections, sealed with it. Put the file back \
             from its backup; docs/RUNBOOK.md, \"The key is lost\", says what to do when there is none",
            file.display(),
            sealed.len()
        ));
    };
    let key = SealKey::new(*key.expose());
    let closed = sealed.iter().filter(|one| key.open(&one.owner, &one.text).is_err()).count();
    if closed == 0 {
        return Ok(());
    }
    Err(format!(
        "{} holds another key than this database was sealed with: {closed} of {} tokens do not open. Put the right \
         file back; docs/RUNBOOK.md, \"The key is lost\", says what to do when there is none",
        file.display(),
        sealed.len()
    ))
}
