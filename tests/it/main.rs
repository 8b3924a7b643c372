//! One test binary: the engine with the simulated world and a clock moved by hand.

mod against_sim;
mod rehearsal;
mod sale;
mod samples;
mod shop;
mod sim_samples;
mod tidy;
