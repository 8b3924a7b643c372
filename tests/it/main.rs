//! One test binary: the engine with the simulated world and a clock moved by hand.

mod against_sim;
mod attacks;
mod attention;
mod bad_input;
mod connecting;
mod connections;
mod crowd;
mod delays;
mod desk;
mod invariants;
mod late;
mod notices;
mod panics;
mod pause;
mod rehearsal;
mod replay;
mod sale;
mod samples;
mod samples_r;
mod sealing;
mod shop;
mod sim_samples;
mod stage;
mod store_contract;
mod tidy;
mod told;
