//! The key that vendors' tokens are sealed with: a private file beside the database, never in it.

use crate::mint::Mint;
use secrecy::{ExposeSecret, SecretBox};
use std::path::Path;

/// The 32 bytes that vendors' tokens are sealed with; blank when printed, wiped when dropped.
#[derive(Clone)]
pub struct SecretKey(std::sync::Arc<SecretBox<[u8; 32]>>);

impl SecretKey {
    /// Wraps key bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(std::sync::Arc::new(SecretBox::new(Box::new(bytes))))
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
    #[error("SECRET_KEY_FILE {path} cannot be read or made")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("SECRET_KEY_FILE {path} does not hold 64 hex digits")]
    Content {
        /// Which file.
        path: String,
    },
    /// Others may read the file.
    #[error("SECRET_KEY_FILE {path} can be read by others; run: chmod 600 {path}")]
    Open {
        /// Which file.
        path: String,
    },
}

/// Reads the secret key, or makes one on the first start. A file that others may read is refused. An existing
/// file is never written to: a lost key means that every connection's token has to be typed in again.
pub fn secret_key(file: &Path, mint: &Mint) -> Result<SecretKey, KeyError> {
    let path = file.display().to_string();
    let failed = |source| KeyError::File { path: path.clone(), source };
    match std::fs::read_to_string(file) {
        Ok(text) => {
            if readable_by_others(file).map_err(failed)? {
                return Err(KeyError::Open { path });
            }
            let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.map(SecretKey::new).ok_or(KeyError::Content { path })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let bytes = mint.bytes::<32>();
            write_private(file, &format!("{}\n", hex::encode(bytes))).map_err(failed)?;
            Ok(SecretKey::new(bytes))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(unix)]
pub(super) fn readable_by_others(file: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(super) fn readable_by_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

pub(super) fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}
