//! Taking a problem and giving it back. Both lead back to the page they were pressed on.

use super::frame::Asked;
use crate::server::session::Flash;
use crate::server::web::Form;
use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use truecount::operator::{OperatorError, problems};

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub struct Back {
    /// An address of ours.
    #[serde(default)]
    pub back: String,
}

impl Back {
    /// The address that was sent along, or this one.
    pub fn or<'a>(&'a self, otherwise: &'a str) -> &'a str {
        if self.back.is_empty() { otherwise } else { &self.back }
    }
}

/// `POST /problems/{id}/take`
pub async fn take(asked: Asked, Path(id): Path<String>, Form(form): Form<Back>) -> Response {
    let done = asked.run(|engine, actor| async move { problems::take(&engine, &actor, &id).await }).await;
    answer(asked, done, "It is yours.", "Others see your name beside it.", &form.back).await
}

/// `POST /problems/{id}/give-back`
pub async fn give_back(asked: Asked, Path(id): Path<String>, Form(form): Form<Back>) -> Response {
    let done = asked.run(|engine, actor| async move { problems::give_back(&engine, &actor, &id).await }).await;
    answer(asked, done, "Given back.", "Nobody owns it now.", &form.back).await
}

/// What follows a command: a flash and the way back, also when somebody was quicker; a page of its own when it is
/// refused for good.
pub async fn answer(
    asked: Asked,
    done: Result<(), OperatorError>,
    result: &str,
    sentence: &str,
    back: &str,
) -> Response {
    match done {
        Ok(()) => asked.back(back, Flash::ok(format!("{result} {sentence}"))).await,
        Err(OperatorError::Conflict(why) | OperatorError::Invalid(why)) => {
            asked.back(back, Flash::error(format!("Not done. {why}"))).await
        }
        Err(why) => asked.refused(why).await,
    }
}
