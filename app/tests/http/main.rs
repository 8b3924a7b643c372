//! The front door, in memory: the whole router, a temporary database, a clock moved by hand.
#![cfg(feature = "ssr")]

mod attacks;
mod coming_in;
mod command_line;
mod door;
mod files;
mod health;
mod limits;
mod listening;
mod live;
mod mapping;
mod origin;
mod planted;
mod roles;
mod sessions;
