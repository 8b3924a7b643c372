//! The whole HTML document around a page.

use crate::islands::{Keys, Live};
use leptos::config::LeptosOptions;
use leptos::nonce::Nonce;
use leptos::prelude::*;

/// What a document needs besides its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// Tab title, with the number of open problems in front.
    pub title: String,
    /// "light", "dark" or "system".
    pub theme: &'static str,
    /// Whether the islands come to life on this page.
    pub alive: bool,
    /// Names of the built files.
    pub options: LeptosOptions,
    /// For the one script that the policy lets run.
    pub nonce: Option<Nonce>,
}

/// Draws it.
pub fn document(head: Head, body: AnyView) -> AnyView {
    let Head { title, theme, alive, options, nonce: _ } = head;
    let css = options.css_path();
    let scripts = alive.then(|| view! { <HydrationScripts options=options islands=true/> }.into_any());
    let islands = alive.then(|| {
        view! {
            <Live/>
            <Keys/>
        }
        .into_any()
    });
    let scheme = match theme {
        "light" => "light",
        "dark" => "dark",
        _ => "light dark",
    };
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content=scheme/>
                <meta name="robots" content="noindex, nofollow"/>
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=css/>
                {scripts}
            </head>
            <body>
                {body}
                {islands}
            </body>
        </html>
    }
    .into_any()
}
