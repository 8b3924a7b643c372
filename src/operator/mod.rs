//! What a signed-in person may ask or do. A click never waits for a vendor: it writes intent and wakes a task.

pub mod views;
