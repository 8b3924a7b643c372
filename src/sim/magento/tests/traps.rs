//! Each trap that can be set.
