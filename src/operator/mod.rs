//! What a signed-in person may ask or do. A click never waits for a vendor: it writes intent and wakes a task.
//!
//! Every function takes the [`Actor`] and asks [`crate::domain::access`] in its first line.

pub mod accounts;
pub mod connections;
pub mod overview;
pub mod password;
pub mod problems;
pub mod stock;
pub mod views;

use crate::domain::access::{Deed, Role};
use crate::domain::ids::PersonId;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Their account.
    pub person: PersonId,
    /// The name shown on pages and in Activity.
    pub name: String,
    /// Their role.
    pub role: Role,
}

/// Why an operator's question or command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// This role may not do that.
    #[error("your role may not do that")]
    Forbidden,
    /// There is no such thing (or it is not for these eyes).
    #[error("there is nothing here under that name")]
    NotFound,
    /// What was asked cannot be done as asked; one sentence for people, saying what to give.
    #[error("{0}")]
    Invalid(String),
    /// The world changed since the preview; one sentence for people.
    #[error("{0}")]
    Conflict(String),
    /// The database failed; the chain is logged, people see a reference.
    #[error("the database did not answer")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Actor {
    /// Refuses unless this role may do that.
    pub fn check(&self, deed: Deed) -> Result<(), OperatorError> {
        if self.role.may(deed) { Ok(()) } else { Err(OperatorError::Forbidden) }
    }
}
