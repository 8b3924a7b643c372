//! Small types that travel with a request.

/// The script nonce of this answer.
#[derive(Debug, Clone)]
pub struct Nonce(pub String);

/// An address on this server, safe to redirect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// Refuses whatever could leave this server.
    pub fn parse(text: &str) -> Option<LocalPath> {
        let fine = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= 2_000
            && !text.chars().any(|c| c.is_control() || c == '\\');
        fine.then(|| LocalPath(text.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The outcome of the last act, shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Whether it went well.
    pub good: bool,
    /// What happened.
    pub result: String,
    /// One sentence more.
    pub sentence: String,
}
