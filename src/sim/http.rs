//! The simulated vendors one request at a time, for whoever serves them over a real socket.

use super::options::Vendor;
use super::world::World;
use crate::connectors::transport::TransportError;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

impl World {
    /// Answers one HTTP request as this vendor would at `now`. Quick, and never waits.
    ///
    /// A fault that leaves a caller without an answer cannot be shown inside a response; here it becomes 504
    /// with an empty body, which a caller must treat in the same way: the vendor may have acted.
    pub fn answer(&self, vendor: Vendor, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let mut state = self.lock();
        state.advance_to(now);
        match state.carry(vendor, request) {
            Ok(response) => response,
            Err(lost) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = match lost {
                    TransportError::NotSent(_) => StatusCode::SERVICE_UNAVAILABLE,
                    TransportError::NoAnswer(_) | TransportError::TooLarge { .. } => StatusCode::GATEWAY_TIMEOUT,
                };
                response
            }
        }
    }
}
