//! Files that settings name, looked at before anybody opens them.

use std::io::{Error, ErrorKind};
use std::path::Path;

/// Whether this is a plain file. Whoever opens a pipe waits for its other end, so anything else is told from outside,
/// in words for people.
pub fn plain_file(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) if found.is_dir() => Err(Error::new(ErrorKind::IsADirectory, "it is a folder")),
        Ok(_) => Err(Error::other("it is no plain file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::new(error.kind(), "there is no such file")),
        Err(error) => Err(error),
    }
}

/// The folder that a file lies in, or will.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
