//! Which addresses there are: a router that can be read back, so that a test can ask every one of them.

use super::AppState;
use axum::handler::Handler;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::Method;
use truecount::domain::access::Deed;

/// One address, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// GET (which answers HEAD, too) or POST.
    pub method: Method,
    /// As the router has it, with names in braces for the parts that vary.
    pub path: &'static str,
}

/// What somebody must be allowed to do who sends a form to an address. It travels with the request, and whoever asks
/// is held against it before the form is read.
#[derive(Debug, Clone, Copy)]
pub struct Needs(pub Deed);

/// Addresses with what answers them.
#[derive(Default)]
pub struct Routes {
    router: Router<AppState>,
    table: Vec<Route>,
}

impl Routes {
    /// Answers GET at this address.
    pub fn get<T: 'static>(mut self, path: &'static str, handler: impl Handler<T, AppState>) -> Self {
        self.table.push(Route { method: Method::GET, path });
        self.router = self.router.route(path, get(handler));
        self
    }

    /// Answers POST at this address.
    pub fn post<T: 'static>(mut self, path: &'static str, handler: impl Handler<T, AppState>) -> Self {
        self.table.push(Route { method: Method::POST, path });
        self.router = self.router.route(path, post(handler));
        self
    }

    /// Answers the forms sent to this address by those who may do that; nobody else's is read.
    pub fn form<T: 'static>(mut self, path: &'static str, deed: Deed, handler: impl Handler<T, AppState>) -> Self {
        self.table.push(Route { method: Method::POST, path });
        self.router = self.router.route(path, post(handler).layer(Extension(Needs(deed))));
        self
    }

    /// Every address, in the order in which they were added.
    pub fn table(self) -> Vec<Route> {
        self.table
    }

    /// What answers them.
    pub fn router(self) -> Router<AppState> {
        self.router
    }
}
