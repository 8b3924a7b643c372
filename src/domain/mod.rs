//! What is decided, and nothing else.
//!
//! No I/O, no clock, no randomness, no async and no logging in here: every function takes what it needs and
//! returns what it concluded, so that a table of examples is a complete test. The module compiles for the
//! browser (`cargo check -p truecount --no-default-features --target wasm32-unknown-unknown`).

pub mod access;
pub mod count;
pub mod equation;
pub mod fact;
pub mod ids;
pub mod ledger;
pub mod mapping;
pub mod master;
pub mod money;
pub mod ownership;
pub mod problem;
pub mod push;
pub mod retry;
pub mod secrets;
pub mod sizes;
pub mod system;
pub mod time;
pub mod timeline;
pub mod trail;
pub mod trial;
pub mod waiting;
pub mod words;
