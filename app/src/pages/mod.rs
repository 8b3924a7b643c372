//! One file per page: what it asks of the operator layer, and how it shows the answer.
//!
//! Every page is a whole HTML document and does its job with JavaScript off. GET never changes anything; a POST
//! checks its input, calls one operator function, leaves a flash and redirects.

pub mod connection_new;
pub mod connections;
pub mod error;
pub mod evidence;
pub mod frame;
pub mod go_live;
pub mod login;
pub mod map_outlet;
pub mod problems;
pub mod search;
pub mod sku;
pub mod stock;
pub mod today;

#[cfg(test)]
mod hostile;
#[cfg(test)]
#[path = "../../examples/gallery/sample.rs"]
mod sample;

use crate::server::AppState;
use axum::Router;
use axum::routing::{get, post};

/// Every page and form of a signed-in person. Log-in, set-up, theme and the event stream are the server's.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(today::show))
        .route("/stock", get(stock::show))
        .route("/stock.csv", get(stock::download))
        .route("/stock/{variant}", get(sku::show))
        .route("/search", get(search::show))
        .route("/evidence/{kind}/{id}", get(evidence::show))
        .route("/problems/{id}/take", post(problems::take))
        .route("/problems/{id}/give-back", post(problems::give_back))
        .route("/connections", get(connections::show))
        .route("/connections/new", get(connection_new::show).post(connection_new::add))
        .route("/connections/{id}/read-again", post(connections::read_again))
        .route("/connections/{id}/pause", post(connections::pause))
        .route("/connections/{id}/resume", post(connections::resume))
        .route("/connections/outlets/{id}/map", get(map_outlet::show).post(map_outlet::save))
        .route("/connections/places/{id}/go-live", get(go_live::show).post(go_live::go_live))
        .route("/connections/places/{id}/stop-writing", post(go_live::stop_writing))
}
