//! One file per page: what it asks of the operator layer, and how it shows the answer.
//!
//! Every page is a whole HTML document and does its job with JavaScript off. GET never changes anything; a POST
//! checks its input, calls one operator function, leaves a flash and redirects.

pub mod connection_keys;
pub mod connection_new;
pub mod connection_remove;
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

use crate::server::routes::Routes;

/// Every page and form of a signed-in person. Log-in, set-up, theme and the event stream are the server's.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/", today::show)
        .get("/stock", stock::show)
        .get("/stock.csv", stock::download)
        .get("/stock/{variant}", sku::show)
        .get("/search", search::show)
        .get("/evidence/{kind}/{id}", evidence::show)
        .post("/problems/{id}/take", problems::take)
        .post("/problems/{id}/give-back", problems::give_back)
        .get("/connections", connections::show)
        .get("/connections/new", connection_new::show)
        .post("/connections/new", connection_new::add)
        .get("/connections/{id}/keys", connection_keys::show)
        .post("/connections/{id}/keys", connection_keys::change)
        .get("/connections/{id}/remove", connection_remove::show)
        .post("/connections/{id}/remove", connection_remove::remove)
        .post("/connections/{id}/read-again", connections::read_again)
        .post("/connections/{id}/pause", connections::pause)
        .post("/connections/{id}/resume", connections::resume)
        .get("/connections/outlets/{id}/map", map_outlet::show)
        .post("/connections/outlets/{id}/map", map_outlet::save)
        .get("/connections/places/{id}/go-live", go_live::show)
        .post("/connections/places/{id}/go-live", go_live::go_live)
        .post("/connections/places/{id}/stop-writing", go_live::stop_writing)
}
