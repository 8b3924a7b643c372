//! Pieces without business meaning: they draw what they are given and decide nothing.
//!
//! Every piece is a plain function that returns a view. No inline styles and no inline handlers: the content
//! security policy refuses both.

pub mod badge;
pub mod button;
pub mod chart;
pub mod chart_geometry;
pub mod document;
pub mod empty;
pub mod filter;
pub mod flash;
pub mod form;
pub mod layout;
pub mod money;
pub mod number;
pub mod pager;
pub mod sparkline;
pub mod table;
pub mod visible;
pub mod when;
