//! Reads of counts that go wrong in ways that look right: a page that came before, a page that has lost rows.

use super::super::world::State;
use super::json_answer;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;

/// A page that was given, and where the one after it is.
#[derive(Debug, Clone)]
pub(super) struct Given {
    next: String,
    body: Bytes,
}

/// One of so many rows is lost.
const LOST_ONE_IN: usize = 10;

fn next(body: &Value) -> &str {
    body["@attributes"]["next"].as_str().unwrap_or_default()
}

impl State {
    /// Keeps a page of counts, in case it is given again.
    pub(super) fn r_given(&mut self, response: &Response<Bytes>) {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        self.r.given = Some(Given { next: next(&body).to_owned(), body: response.body().clone() });
    }

    /// The page before this one once more, if this is the page after it.
    pub(in crate::sim) fn r_same_page(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let given = self.r.given.as_ref()?;
        let asked = request.uri().path_and_query()?.as_str();
        let follows = !given.next.is_empty() && given.next.ends_with(asked);
        let body: Value = serde_json::from_slice(&given.body).ok()?;
        follows.then(|| json_answer(StatusCode::OK, &body))
    }
}

/// The same page without some of its rows. Only where more follow: of the last page nobody knows its length.
pub(in crate::sim) fn lose_rows(response: &Response<Bytes>) -> Option<Response<Bytes>> {
    let mut body: Value = serde_json::from_slice(response.body()).ok()?;
    if next(&body).is_empty() {
        return None;
    }
    let rows = body.as_object_mut()?.values_mut().find_map(Value::as_array_mut)?;
    if rows.len() < 2 * LOST_ONE_IN {
        return None;
    }
    let mut at = 0;
    rows.retain(|_| {
        at += 1;
        at % LOST_ONE_IN != 0
    });
    let mut copy = response.clone();
    *copy.body_mut() = Bytes::from(body.to_string());
    Some(copy)
}
