//! The whole HTML document around a page.

use crate::islands::{Keys, Live};
use crate::server::files::Assets;
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
    /// Addresses of the built files; what is missing is left out and the page stays plain.
    pub assets: Assets,
    /// For the one script that the policy lets run.
    pub nonce: String,
}

/// Loads the browser half when the browser is idle and wakes every island. A failure leaves the page as it is.
const WAKE: &str = "const s=document.getElementById('wake').dataset;\
    const wake=()=>import(s.js).then(async m=>{await m.default({module_or_path:s.wasm});m.hydrate();\
    for(const e of document.querySelectorAll('leptos-island'))m[e.dataset.component]?.(e)}).catch(()=>{});\
    'requestIdleCallback' in window?requestIdleCallback(wake,{timeout:2000}):wake()";

/// Draws it.
pub fn document(head: Head, body: AnyView) -> AnyView {
    let Head { title, theme, alive, assets, nonce } = head;
    let css = assets.css.map(|css| view! { <link rel="stylesheet" href=css/> });
    let alive = assets.js.zip(assets.wasm).filter(|_| alive);
    let islands = alive.is_some().then(|| {
        view! {
            <Live/>
            <Keys/>
        }
        .into_any()
    });
    let wake = alive.map(|(js, wasm)| {
        view! { <script type="module" id="wake" nonce=nonce data-js=js data-wasm=wasm inner_html=WAKE></script> }
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
                {css}
            </head>
            <body>
                {body}
                {islands}
                {wake}
            </body>
        </html>
    }
    .into_any()
}
