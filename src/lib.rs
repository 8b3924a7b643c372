//! The engine of Truecount: one trustworthy stock count between a web shop and a till.
//!
//! The map, from the inside out (who may import whom is enforced by `tests/it/tidy.rs`):
//!
//! * [`domain`] decides. Pure, no I/O, no clock, no chance; it also compiles for the browser.
//! * [`clock`] and [`mint`] bring time and identity in from outside; [`config`] reads settings once.
//! * [`store`] remembers: all SQL, one text for SQLite and PostgreSQL.
//! * [`connectors`] speak with the vendors, through one [`connectors::transport::Transport`].
//! * [`sync`] loops: receives notices, sweeps, recomputes, pushes, reads back.
//! * [`operator`] is what a signed-in person may ask or do.
//! * [`sim`] is the other side, simulated: demo, rehearsal and tests run against it.
//! * [`engine`] wires one of each together; [`rehearsal`] sets an engine and a world against each other.

pub mod domain;

#[cfg(feature = "server")]
pub mod clock;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod connectors;
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
pub mod mint;
#[cfg(feature = "server")]
pub mod operator;
#[cfg(feature = "server")]
pub mod rehearsal;
#[cfg(feature = "server")]
pub mod sim;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod sync;
