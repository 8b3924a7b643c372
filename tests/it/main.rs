//! The engine as a whole; one binary.

mod tidy;
