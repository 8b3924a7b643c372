//! One file per page: what it asks of the operator layer, and how it shows the answer.
//!
//! Every page is a whole HTML document and does its job with JavaScript off. GET never changes anything; a POST
//! is read only from those who may do what it asks, checks its input, calls one operator function, leaves a flash and
//! redirects.

pub mod connection_keys;
pub mod connection_new;
pub mod connection_remove;
pub mod connection_test;
pub mod connections;
pub mod error;
pub mod evidence;
pub mod frame;
pub mod go_live;
pub mod login;
pub mod map_outlet;
pub mod mapping;
mod mapping_form;
pub mod mapping_preview;
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
use truecount::domain::access::Deed;

/// Every page and form of a signed-in person. Log-in, set-up, theme and the event stream are the server's.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/", today::show)
        .get("/stock", stock::show)
        .get("/stock.csv", stock::download)
        .get("/stock/{variant}", sku::show)
        .get("/search", search::show)
        .get("/evidence/{kind}/{id}", evidence::show)
        .form("/problems/{id}/take", Deed::OwnProblems, problems::take)
        .form("/problems/{id}/give-back", Deed::OwnProblems, problems::give_back)
        .get("/connections", connections::show)
        .get("/connections/new", connection_new::show)
        .form("/connections/new", Deed::ManageConnections, connection_new::add)
        .get("/connections/mapping", mapping::show)
        .form("/connections/mapping", Deed::ManageMapping, mapping::save)
        .form("/connections/owners", Deed::ManageConnections, mapping::give)
        .get("/connections/{id}/keys", connection_keys::show)
        .form("/connections/{id}/keys", Deed::ManageConnections, connection_keys::change)
        .get("/connections/{id}/test", connection_test::show)
        .form("/connections/{id}/test", Deed::ReadAgain, connection_test::ask)
        .get("/connections/{id}/remove", connection_remove::show)
        .form("/connections/{id}/remove", Deed::ManageConnections, connection_remove::remove)
        .form("/connections/{id}/read-again", Deed::ReadAgain, connections::read_again)
        .form("/connections/{id}/pause", Deed::PauseConnection, connections::pause)
        .form("/connections/{id}/resume", Deed::PauseConnection, connections::resume)
        .get("/connections/outlets/{id}/map", map_outlet::show)
        .form("/connections/outlets/{id}/map", Deed::ManageConnections, map_outlet::save)
        .get("/connections/places/{id}/go-live", go_live::show)
        .form("/connections/places/{id}/go-live", Deed::GoLive, go_live::go_live)
        .form("/connections/places/{id}/stop-writing", Deed::GoLive, go_live::stop_writing)
}
