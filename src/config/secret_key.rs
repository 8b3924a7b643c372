//! The key that vendors' tokens are sealed with: a private file beside the database, never in it.

use super::files::plain_file;
use crate::mint::Mint;
use secrecy::{ExposeSecret, SecretBox};
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Most that is read of the file: a key, with some room for blanks around it.
const LONGEST: u64 = 1_024;

/// The 32 bytes that vendors' tokens are sealed with; blank when printed, wiped when dropped.
#[derive(Clone)]
pub struct SecretKey(std::sync::Arc<SecretBox<[u8; 32]>>);

impl SecretKey {
    /// Wraps key bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(std::sync::Arc::new(SecretBox::new(Box::new(bytes))))
    }

    /// Reads the key; `None` when there is no such file. A file that others may read is refused, and so is anything
    /// that is no plain file, before it is opened: a pipe would keep us waiting.
    pub fn read(file: &Path) -> Result<Option<Self>, KeyError> {
        let path = file.display().to_string();
        let failed = |source| KeyError::File { path: path.clone(), source };
        match plain_file(file) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        if readable_by_others(file).map_err(failed)? {
            return Err(KeyError::Open { path });
        }
        let mut bytes = Vec::new();
        std::fs::File::open(file).and_then(|open| open.take(LONGEST).read_to_end(&mut bytes)).map_err(failed)?;
        let text = Zeroizing::new(bytes);
        if text.trim_ascii().is_empty() {
            return Err(KeyError::Empty { path });
        }
        let key = hex::decode(text.trim_ascii()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        key.map(|key| Some(Self::new(key))).ok_or(KeyError::Content { path })
    }

    /// The key bytes.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

/// Why the secret key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("{path} cannot be read or made")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold 64 hex digits")]
    Content {
        /// Which file.
        path: String,
    },
    /// The file holds nothing.
    #[error(
        "{path} is empty, so it holds no key. If nothing was ever connected, remove it, and the next start makes one; \
         otherwise put the file back from its backup"
    )]
    Empty {
        /// Which file.
        path: String,
    },
    /// Others may read the file.
    #[error("{path} can be read by others; run: chmod 600 {path}")]
    Open {
        /// Which file.
        path: String,
    },
}

/// Reads the secret key as [`SecretKey::read`] does, or makes one on the first start. An existing file is never
/// written to: a lost key means that every connection's token has to be typed in again.
pub fn secret_key(file: &Path, mint: &Mint) -> Result<SecretKey, KeyError> {
    if let Some(key) = SecretKey::read(file)? {
        return Ok(key);
    }
    let bytes = mint.bytes::<32>();
    write_private(file, &format!("{}\n", hex::encode(bytes)))
        .map_err(|source| KeyError::File { path: file.display().to_string(), source })?;
    Ok(SecretKey::new(bytes))
}

/// Whether somebody else on this machine may read a file.
#[cfg(unix)]
pub fn readable_by_others(file: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

/// Whether somebody else on this machine may read a file; not known here.
#[cfg(not(unix))]
pub fn readable_by_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

/// Writes a file that is there whole or not at all: beside it first, then under its name, which nobody else may have
/// taken meanwhile.
pub(super) fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = std::path::PathBuf::from(beside);
    let done = write_new(&beside, text).and_then(|()| name_it(&beside, file));
    // Gone already when all went well by way of renaming.
    let _ = std::fs::remove_file(&beside);
    done?;
    sync_folder(file)
}

fn write_new(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

/// A second name is refused where there is a file already, unlike renaming; some file systems know no second names.
fn name_it(beside: &Path, file: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(beside, file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists && !file.exists() => {
            std::fs::rename(beside, file)
        }
        done => done,
    }
}

#[cfg(unix)]
fn sync_folder(file: &Path) -> std::io::Result<()> {
    std::fs::File::open(super::folder_of(file))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
