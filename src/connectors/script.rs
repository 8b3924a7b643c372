//! A transport for tests that plays back written answers and keeps what was asked.

use super::transport::{Transport, TransportError};
use crate::clock::ManualClock;
use crate::domain::ids::ConnectionId;
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// 2026-02-02T09:15:00Z, where the tests' clocks stand.
pub(super) const NOW: Timestamp = Timestamp::from_secs(1_770_023_700);

#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Result<http::Response<Bytes>, TransportError>>>,
    asked: Mutex<Vec<http::Request<Bytes>>>,
}

impl Script {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub(super) fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(NOW))
    }

    pub(super) fn then(&self, status: u16, body: impl Into<String>) -> &Self {
        self.then_with(status, &[], body)
    }

    pub(super) fn then_with(&self, status: u16, headers: &[(&str, &str)], body: impl Into<String>) -> &Self {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Bytes::from(body.into())).expect("a response");
        self.answers.lock().expect("lock").push_back(Ok(response));
        self
    }

    pub(super) fn then_fails(&self, error: TransportError) -> &Self {
        self.answers.lock().expect("lock").push_back(Err(error));
        self
    }

    /// Everything asked so far, as "METHOD path body".
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("lock");
        asked
            .iter()
            .map(|request| {
                assert_eq!(request.headers()["authorization"], "Bearer the-token");
                assert!(request.headers()["user-agent"].to_str().is_ok_and(|name| name.starts_with("Truecount/")));
                let path = request.uri().path_and_query().map_or("", |p| p.as_str());
                let body = String::from_utf8_lossy(request.body());
                format!("{} {path} {body}", request.method()).trim_end().to_owned()
            })
            .collect()
    }

    /// The keys that were shown, call by call.
    pub(super) fn shown(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("lock");
        let key = |request: &http::Request<Bytes>| request.headers()["authorization"].to_str().map(str::to_owned);
        asked.iter().filter_map(|request| key(request).ok()).collect()
    }

    /// Everywhere that was called: whole addresses.
    pub(super) fn called(&self) -> Vec<String> {
        self.asked.lock().expect("lock").iter().map(|request| request.uri().to_string()).collect()
    }

    /// That every written answer was called for.
    pub(super) fn done(&self) {
        assert_eq!(self.answers.lock().expect("lock").len(), 0, "answers nobody asked for");
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(
        &self,
        _connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.asked.lock().expect("lock").push(request);
        self.answers.lock().expect("lock").pop_front().expect("an answer was written for every question")
    }
}
