//! The other side, simulated: the vendors as they behave on the wire, and the customers.
//!
//! Product code, not test code: the demo, the rehearsal before going live and the tests all run on it. It speaks
//! the vendors' JSON on its own, from the contracts, and never looks at a connector's types, so that one
//! misreading cannot cancel itself out. Everything follows from one seed; there is no ambient time or chance.
//!
//! * [`world::World`] holds the truth behind one lock: [`options`] say how large and how troubled it is.
//! * [`workload`] plays a trading day into it; [`outbox`] holds the notices that are on their way to us.
//! * [`transport::SimTransport`] carries our requests to it, with faults; [`http`] answers one request at a time,
//!   for whoever serves the simulated vendors over a socket.
//! * [`auditor`] keeps its own books of what happened and of what we had been told, and judges us by them.

pub mod auditor;
mod catalogue;
mod centra;
pub mod habits;
mod history;
pub mod http;
mod lightspeed_r;
mod lightspeed_x;
pub mod magento;
mod magento_front;
pub mod options;
pub mod outbox;
mod surface;
mod text;
mod till;
pub mod transport;
mod web;
pub mod workload;
pub mod world;

pub use auditor::{Audit, Claim, ExpectedMovement, HandChange, Mark, OpenDifference, TrueCause, TrueLine, TrueOrder};
pub use centra::quirks::{CentraQuirks, Outcome};
pub use habits::Habits;
pub use lightspeed_x::switches::{SameId, Signing, XSwitches};
pub use options::{BelowAllocated, Fault, Options, Store, Vendor};
pub use outbox::Delivery;
pub use transport::{SimTransport, WireFault};
pub use world::{World, WorldError};
