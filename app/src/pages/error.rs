//! When a page cannot be shown: what failed, what is safe, what to press, and a short number for the
//! administrator.

use super::frame::{Asked, Page};
use crate::server::AppState;
use crate::server::session::MaybeSignedIn;
use crate::server::web::{PageContext, error_page};
use crate::ui::badge::{Sign, sign};
use crate::ui::button::{self, Kind};
use crate::ui::layout::page_head;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use leptos::prelude::*;
use truecount::operator::OperatorError;

/// What an error page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Status of the answer.
    pub status: StatusCode,
    /// What failed.
    pub failed: String,
    /// What is safe, and what to do.
    pub safe: String,
    /// Where to go on: words and address, recommended first.
    pub press: Vec<(String, String)>,
    /// For the administrator.
    pub number: Option<String>,
}

/// Puts a refusal of the operator layer into words. `here` is the page's address.
pub fn trouble(why: &OperatorError, role: &str, here: &str, number: Option<String>) -> Trouble {
    let today = ("Go to Today".to_owned(), "/".to_owned());
    match why {
        OperatorError::Forbidden => Trouble {
            status: StatusCode::FORBIDDEN,
            failed: "Your role may not do that.".into(),
            safe: format!("Your role is {role}. Nothing was changed. Send the page's address to somebody who may; roles are changed on the server, with “truecount user role”."),
            press: vec![today],
            number: None,
        },
        OperatorError::NotFound => Trouble {
            status: StatusCode::NOT_FOUND,
            failed: "There is nothing at this address.".into(),
            safe: "It may be an old link, or a letter is missing. Search finds SKUs, barcodes, receipts and orders.".into(),
            press: vec![("Search".into(), "/search".into()), today],
            number: None,
        },
        OperatorError::Invalid(sentence) => Trouble {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            failed: "That cannot be done as asked.".into(),
            safe: format!("{sentence} Nothing was changed."),
            press: vec![today],
            number: None,
        },
        OperatorError::Conflict(sentence) => Trouble {
            status: StatusCode::CONFLICT,
            failed: "Not done: something changed while you were looking.".into(),
            safe: sentence.clone(),
            press: vec![("Look again".into(), here.to_owned()), today],
            number: None,
        },
        OperatorError::Store(_) => Trouble {
            status: StatusCode::SERVICE_UNAVAILABLE,
            failed: "This page could not be made.".into(),
            safe: "Our database did not answer. Nothing that was saved is lost, and notices from the shop and the till are kept by them until we take them.".into(),
            press: vec![("Try again".into(), here.to_owned()), today],
            number,
        },
    }
}

/// What there is no page for. What a browser asks for by itself, such as an icon, is no place to be framed, nor is a
/// form; and a stranger is told no more than that there is nothing.
pub async fn missing(State(state): State<AppState>, page: PageContext, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let looks = parts.method == Method::GET && !parts.uri.path().contains('.');
    if looks
        && let Ok(MaybeSignedIn(Some(_))) = MaybeSignedIn::from_request_parts(&mut parts, &state).await
        && let Ok(asked) = Asked::from_request_parts(&mut parts, &state).await
    {
        return refused(asked, OperatorError::NotFound).await;
    }
    error_page(&state, &page, StatusCode::NOT_FOUND)
}

/// Inside the frame, for somebody who is signed in.
pub async fn refused(asked: Asked, why: OperatorError) -> Response {
    let number = asked.log_reference(&why);
    let trouble = trouble(&why, asked.actor.role.title(), &asked.here, number);
    let mut page = Page::new(trouble.failed.trim_end_matches('.'), None, None);
    page.status = trouble.status;
    asked.page(page, move |_| inside(trouble)).await
}

/// The page inside its frame.
pub fn inside(trouble: Trouble) -> AnyView {
    let title = trouble.failed.trim_end_matches('.').to_owned();
    view! {
        {page_head(&title, view! { <span></span> }.into_any(), None)}
        {words(trouble)}
    }
    .into_any()
}

fn words(trouble: Trouble) -> AnyView {
    let buttons: Vec<AnyView> = trouble
        .press
        .iter()
        .enumerate()
        .map(|(i, (label, href))| button::link(if i == 0 { Kind::Recommended } else { Kind::Other }, href, label))
        .collect();
    let number = trouble.number.map(|number| {
        view! { <p class="small">"Number for your administrator: "<code>{number}</code></p> }
    });
    let of = if trouble.status.is_server_error() { Sign::Now } else { Sign::Refused };
    view! {
        <div class="card trouble">
            <p class="trouble__words">{sign(of)}<span>{trouble.safe}</span></p>
            {number}
            <div class="buttons">{buttons}</div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_press_and_has_its_status() {
        let store = OperatorError::Store(Box::new(std::io::Error::other("secret path /x")));
        for (why, status) in [
            (OperatorError::Forbidden, 403),
            (OperatorError::NotFound, 404),
            (OperatorError::Invalid("Give a place.".into()), 422),
            (OperatorError::Conflict("It shows 4 now.".into()), 409),
            (store, 503),
        ] {
            let trouble = trouble(&why, "Operations", "/stock", Some("E-7Q4M".into()));
            assert_eq!(trouble.status.as_u16(), status);
            assert!(!trouble.press.is_empty());
            assert!(!trouble.safe.contains("secret"), "a driver's words stay in the log");
            assert_eq!(trouble.number.is_some(), status == 503);
        }
    }
}
