//! One test binary: the engine with the simulated world and a clock moved by hand.

mod rehearsal;
mod sale;
mod samples;
mod shop;
