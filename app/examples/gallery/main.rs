//! Every page with sample data as an HTML file, to look at while working on the face:
//! `cargo run -p truecount-app --example gallery -- target/gallery`, then put the style sheet beside
//! them as `main.css`.

mod sample;

use leptos::prelude::*;
use std::path::PathBuf;
use truecount::domain::access::Role;
use truecount::operator::OperatorError;
use truecount::operator::views::{Freshness, StockQuery};
use truecount_app::pages::{
    connection_new, connections, error, evidence, frame, go_live, login, map_outlet, mapping, mapping_preview, search,
    sku, stock, today,
};
use truecount_app::server::files::Assets;
use truecount_app::ui::document::Head;
use truecount_app::ui::flash;
use truecount_app::ui::layout::{Around, Entry, layout};
use truecount_app::ui::when::Clock;

type Draw = Box<dyn FnOnce(&Clock) -> AnyView + Send>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/gallery".into()));
    std::fs::create_dir_all(&folder)?;
    let clock = Clock { zone: chrono_tz::Europe::London, now: sample::NOW };
    let query = || StockQuery { descending: true, page: 1, differing: true, ..StockQuery::default() };
    let pages: Vec<(&str, Option<Entry>, bool, Draw)> = vec![
        (
            "today",
            Some(Entry::Today),
            false,
            Box::new(|c| today::view(&sample::today(false), "", &sample::actor(Role::Admin), c, "/")),
        ),
        (
            "empty",
            Some(Entry::Today),
            false,
            Box::new(|c| today::view(&sample::today(true), "operations", &sample::actor(Role::Operations), c, "/")),
        ),
        ("stock", Some(Entry::Stock), false, Box::new(move |_| stock::view(&sample::stock(), &query(), Role::Admin))),
        ("sku", Some(Entry::Stock), false, Box::new(|c| sku::view(&sample::sku(), "", false, c))),
        (
            "connections",
            Some(Entry::Connections),
            false,
            Box::new(|c| connections::view(&sample::connections(), Role::Admin, c)),
        ),
        ("go-live", Some(Entry::Connections), false, Box::new(|c| go_live::view(&sample::go_live(), c))),
        ("mapping", Some(Entry::Connections), false, Box::new(|c| mapping::view(&sample::mapping(), Role::Admin, c))),
        (
            "mapping-preview",
            Some(Entry::Connections),
            false,
            Box::new(|_| mapping_preview::view(&sample::mapping_preview())),
        ),
        ("remap", Some(Entry::Connections), false, Box::new(|_| map_outlet::view(&sample::remap()))),
        (
            "connection-new",
            Some(Entry::Connections),
            false,
            Box::new(|_| {
                connection_new::form(
                    truecount::domain::system::System::Magento,
                    &connection_new::Typed::default(),
                    &["The address must start with https://".to_owned()],
                )
            }),
        ),
        ("evidence", None, false, Box::new(|c| evidence::view(&sample::evidence(), c))),
        ("search", None, false, Box::new(|_| search::view("LIN-SHRT", &[sample::found(|| "LIN-SHRT".into())]))),
        (
            "stale",
            Some(Entry::Stock),
            true,
            Box::new(|_| {
                let stock = truecount::operator::views::Stock { rows: vec![], ..sample::stock() };
                let said = flash::flash(
                    truecount_app::ui::badge::Sign::Fine,
                    "It is yours.",
                    "Others see your name beside it.",
                    None,
                );
                view! { {said}{stock::view(&stock, &StockQuery { search: "LIN-SHRT".into(), page: 1, descending: true, ..StockQuery::default() }, Role::Admin)} }.into_any()
            }),
        ),
        (
            "refused",
            None,
            false,
            Box::new(|_| {
                error::inside(error::trouble(
                    &OperatorError::Store("x".into()),
                    "Operations",
                    "/stock",
                    Some("E-7Q4M2".into()),
                ))
            }),
        ),
    ];
    for (name, entry, stale, draw) in pages {
        let freshness: Freshness = sample::freshness(stale);
        let around = Around {
            entry,
            open_problems: 4,
            freshness: Some(freshness),
            clock,
            person: ("Operations desk".into(), "Operations".into()),
            theme: "system",
            here: "/".into(),
            searched: String::new(),
        };
        let head = Head {
            title: frame::tab_title(name, 4),
            theme: "system",
            alive: true,
            assets: assets(),
            nonce: String::new(),
        };
        let answer = frame::render(http::StatusCode::OK, head, move || {
            let stale = frame::stale_flashes(around.freshness.as_ref(), &around.clock, false);
            let main = draw(&around.clock);
            layout(around, view! { {stale}{main} }.into_any())
        });
        save(&folder, name, answer).await?;
    }
    let view = login::LoginView {
        name: "Operations desk".into(),
        error: Some("The name or the password is not right. The password field was emptied.".into()),
        ..Default::default()
    };
    alone(&folder, "login", || login::log_in(view, "truecount.example")).await?;
    let view = login::SetupView {
        errors: vec![("password", "Use at least 15 characters; a few words in a row are fine.".into())],
        ..Default::default()
    };
    alone(&folder, "setup", || login::set_up(view, "truecount.example")).await?;
    Ok(())
}

async fn alone(folder: &std::path::Path, name: &str, card: impl FnOnce() -> AnyView) -> anyhow::Result<()> {
    let head = Head { title: name.into(), theme: "system", alive: false, assets: assets(), nonce: String::new() };
    save(folder, name, frame::render(http::StatusCode::OK, head, || login::around(card()))).await
}

fn assets() -> Assets {
    Assets {
        css: Some("main.css".into()),
        js: Some("/pkg/truecount.js".into()),
        wasm: Some("/pkg/truecount.wasm".into()),
    }
}

async fn save(folder: &std::path::Path, name: &str, answer: axum::response::Response) -> anyhow::Result<()> {
    let html = axum::body::to_bytes(answer.into_body(), usize::MAX).await?;
    let html = String::from_utf8(html.to_vec())?.replace("/favicon.svg", "favicon.svg");
    for theme in ["light", "dark"] {
        let themed = html.replacen("data-theme=\"system\"", &format!("data-theme=\"{theme}\""), 1);
        std::fs::write(folder.join(format!("{name}-{theme}.html")), themed)?;
    }
    Ok(())
}
