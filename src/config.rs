//! Settings: read once, checked whole, printed without secrets.
